"""Sizes by dynamic programme against brute force."""

from __future__ import annotations

import itertools

import numpy as np
import pytest

from twinmatch.solving.annealing import best_sizes, group_counts


@pytest.mark.parametrize("seed", range(20))
def test_best_sizes_against_brute_force(seed):
    rng = np.random.default_rng(seed)
    low = rng.integers(0, 4, 4)
    high = low + rng.integers(0, 4, 4)
    n = int(rng.integers(low.sum(), high.sum() + 1))
    worth = rng.random((4, n + 1))
    found = best_sizes(worth, low, high, n)
    every = itertools.product(*(range(a, b + 1) for a, b in zip(low, high, strict=True)))
    fitting = [s for s in every if sum(s) == n]
    best = max(sum(worth[g, s[g]] for g in range(4)) for s in fitting)
    assert tuple(found.tolist()) in fitting
    assert sum(worth[g, found[g]] for g in range(4)) == pytest.approx(best)


def test_sizes_that_cannot_be():
    with pytest.raises(ValueError, match="admit no sizes"):
        best_sizes(np.zeros((2, 6)), np.array([1, 1]), np.array([2, 2]), 5)


def test_numbers_of_groups():
    assert list(group_counts(12, 3, 4)) == [3, 4]
    assert list(group_counts(7, 4, 5)) == []
    assert list(group_counts(3, 4, 5)) == []
    assert list(group_counts(5, 1, 5)) == [1, 2, 3, 4, 5]
