"""The bounds on groupings against brute force, and tight where they must be."""

from __future__ import annotations

import itertools

import numpy as np
import pytest

from twinmatch.solving.exact import upper_bound, upper_bound_of_any_number
from twinmatch.solving.grouping import ask, task_of


@pytest.mark.parametrize("objective", ["total", "mean", "squares"])
@pytest.mark.parametrize("seed", range(12))
def test_no_grouping_exceeds_the_bounds(seed, objective):
    rng = np.random.default_rng(seed)
    matrix = rng.normal(size=(7, 7))
    matrix = matrix + matrix.T
    bands = [(1, 3), (2, 4), (0, 3)] if seed % 2 else [(1, 4)] * 3
    bonus = rng.normal(size=(7, 3)) if seed % 3 else None
    question = ask(matrix, sizes=None, groups=bands, objective=objective, bonus=bonus)
    task = task_of(question, bands)
    best = -np.inf
    for label in itertools.product(range(3), repeat=7):
        sizes = [label.count(g) for g in range(3)]
        if all(low <= s <= high for s, (low, high) in zip(sizes, bands, strict=True)):
            best = max(best, task.score(np.array(label)))
    assert upper_bound(question, bands) >= best
    if bonus is None and len(set(bands)) == 1:
        assert upper_bound_of_any_number(question, bands[0]) >= best


def test_groups_that_are_plain_to_see_are_proven():
    matrix = np.kron(np.eye(10), np.ones((4, 4)))
    question = ask(matrix, sizes=None, groups=[(4, 4)] * 10, objective="total")
    assert upper_bound(question, [(4, 4)] * 10) == pytest.approx(60, rel=1e-8)


def test_eigenvalues_halve_the_gap_on_noise():
    rng = np.random.default_rng(0)
    matrix = rng.random((60, 60))
    bands = [(10, 10)] * 6
    question = ask((matrix + matrix.T) / 2, sizes=None, groups=bands, objective="total")
    assert upper_bound(question, bands) < 200
