"""Disjoint sets against every choice there is: the most covered, then the most worth, then the earliest sets."""

from __future__ import annotations

from itertools import combinations

import numpy as np
import pytest

from twinmatch.solving.exact import disjoint_sets


def by_hand(sets, worth, size):
    """The best of all choices: size, worth to 6 decimals, then for each item in turn the place of its set."""

    def rank(choice):
        of = {item: k for k in choice for item in sets[k]}
        covered = sum(size[item] for item in of)
        places = tuple(-of.get(item, len(sets)) for item in range(len(size)))
        return covered, sum(round(worth[k] * 1e6) for k in choice), places

    choices = (c for r in range(len(size) + 1) for c in combinations(range(len(sets)), r))
    return max(
        (
            c
            for c in choices
            if sum(len(sets[k]) for k in c) == len({i for k in c for i in sets[k]})
        ),
        key=rank,
    )


def drawn(seed, copies=1):
    rng = np.random.default_rng(seed)
    sets = [sorted(rng.choice(5, rng.integers(1, 4), replace=False).tolist()) for _ in range(7)]
    return sets * copies, rng.integers(0, 3, 7).tolist() * copies, rng.integers(1, 3, 5)


@pytest.mark.parametrize("seed", range(30))
def test_the_best_of_all_choices_is_found(seed):
    assert disjoint_sets(*drawn(seed)) == by_hand(*drawn(seed))


@pytest.mark.parametrize("seed", range(30))
def test_of_sets_given_twice_the_first_is_taken(seed):
    sets, worth, size = drawn(seed, copies=2)
    chosen = disjoint_sets(sets, worth, size)
    assert chosen == disjoint_sets(*drawn(seed))
    assert max(chosen) < len(sets) // 2


def test_worth_counts_to_the_sixth_decimal_and_no_further():
    sets, size = [[0], [1], [0], [1]], np.ones(2)
    assert disjoint_sets(sets, [20.0, 30.0, 20.000001, 30.0], size) == (1, 2)
    assert disjoint_sets(sets, [20.0, 30.0, 20.0000001, 30.0], size) == (0, 1)


def test_what_is_covered_for_an_earlier_item_stays_covered():
    sets = [[2], [0, 1], [0], [1, 2]]
    assert disjoint_sets(sets, [0.0] * 4, np.ones(3)) == (0, 1)
    assert disjoint_sets(sets[2:] + sets[:2], [0.0] * 4, np.ones(3)) == (0, 1)
    assert disjoint_sets([], [], np.ones(3)) == ()
