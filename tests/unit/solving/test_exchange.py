"""Swaps between groups: against brute force, rules first, sizes and seats kept."""

from __future__ import annotations

import itertools

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from twinmatch.solving import Distribute, group_referee
from twinmatch.solving.exchange import dealt, exchange, exchange_in_parts, pair_bound, pair_score


def drawn(seed, n):
    rng = np.random.default_rng(seed)
    table = rng.random((n, n))
    return (table + table.T) / 2


@given(seed=st.integers(0, 999), n=st.integers(4, 9))
@settings(max_examples=40, deadline=None)
def test_sizes_stay_and_nothing_gets_worse(seed, n):
    likeness = drawn(seed, n)
    start = dealt([(k,) for k in range(n)], 2)
    found = exchange(start, likeness)
    assert np.bincount(found).tolist() == np.bincount(start).tolist()
    assert pair_score(found, likeness) >= pair_score(start, likeness) - 1e-9
    assert pair_bound(likeness, np.bincount(found)) >= pair_score(found, likeness) - 1e-9


@given(seed=st.integers(0, 999))
@settings(max_examples=20, deadline=None)
def test_prices_lower_the_bound_and_no_grouping_passes_it(seed):
    likeness = drawn(seed, 7) + np.linspace(0, 1, 7)  # the last is near to everybody
    likeness = (likeness + likeness.T) / 2
    np.fill_diagonal(likeness, 0.0)
    groupings = (
        np.isin(np.arange(7), few).astype(int) for few in itertools.combinations(range(7), 3)
    )
    best = max(pair_score(label, likeness) for label in groupings)
    np.fill_diagonal(likeness, -np.inf)
    unpriced = np.sort(likeness, axis=1)[:, -2:].mean(axis=1).sum()
    assert best - 1e-9 <= pair_bound(likeness, [3, 4]) < unpriced


@given(seed=st.integers(0, 999))
@settings(max_examples=30, deadline=None)
def test_no_single_swap_is_left_that_helps(seed):
    likeness = drawn(seed, 8)
    found = exchange(dealt([(k,) for k in range(8)], 2), likeness, alike=False)
    for i, j in itertools.combinations(range(8), 2):
        other = found.copy()
        other[i], other[j] = found[j], found[i]
        assert pair_score(other, -likeness) <= pair_score(found, -likeness) + 1e-8


@pytest.mark.parametrize("seed", range(5))
def test_rules_come_first(seed):
    colour = np.array(["a", "a", "a", "b", "b", "b", "c", "c", "c"])
    value = np.array([1, 1, 1, 2, 2, 2, 3, 3, 3])
    rules = [Distribute(colour, 1, 1), Distribute(value, 1, 1)]
    start = np.repeat([0, 1, 2], 3)
    found = exchange(start, drawn(seed, 9), rules)
    assert all(v.kept for v in group_referee(found, *rules))


def test_fixed_items_and_closed_groups_stay_so():
    likeness = np.zeros((4, 4))
    likeness[0, 3] = likeness[3, 0] = 1
    start = np.array([0, 0, 1, 1])
    moved = exchange(start, likeness)
    assert moved[0] == moved[3]
    held = exchange(start, likeness, fixed=[True, False, False, True])
    assert held.tolist() == [0, 0, 1, 1]
    may = np.ones((4, 2), dtype=bool)
    may[0, 1] = may[3, 0] = False
    assert exchange(start, likeness, allowed=may).tolist() == [0, 0, 1, 1]


def test_a_bonus_counts_beside_the_pairs():
    bonus = np.array([[0, 5.0], [0, 0], [5.0, 0], [0, 0]])
    assert exchange([0, 0, 1, 1], np.zeros((4, 4)), bonus=bonus).tolist() == [1, 0, 0, 1]


@pytest.mark.parametrize("seed", range(6))
def test_small_groupings_are_often_the_best(seed):
    likeness = drawn(seed, 6)
    best = max(
        pair_score(np.array([0 if i in group else 1 for i in range(6)]), likeness)
        for group in itertools.combinations(range(6), 3)
    )
    found = exchange(dealt([(k,) for k in range(6)], 2), likeness)
    assert pair_score(found, likeness) >= 0.95 * best


def test_one_part_of_all_groups_is_the_whole_exchange():
    likeness, colour = drawn(3, 12), np.array(list("aaabbbcccddd"))
    start = dealt([(k,) for k in range(12)], 3)
    rules = [Distribute(colour, 1, 1)]
    whole = exchange(start, likeness, rules)
    among = lambda items: likeness[np.ix_(items, items)]  # noqa: E731
    assert exchange_in_parts(start, among, rules, [[0, 1, 2]]).tolist() == whole.tolist()


@pytest.mark.parametrize("seed", range(6))
def test_parts_swap_among_themselves_alone_and_better(seed):
    likeness = drawn(seed, 24)
    start = dealt([(k,) for k in range(24)], 6)
    two = np.flatnonzero(start == 0)[:2]  # one of them has to go to the other group of the part
    colour = np.where(np.isin(np.arange(24), two), "a", "")
    fixed = np.arange(24) == 5
    asked = []

    def among(items):
        asked.append(len(items))
        return likeness[np.ix_(items, items)]

    rules = [Distribute(colour, 0, 1)]
    found = exchange_in_parts(start, among, rules, [[0, 4], [1, 2, 5]], fixed=fixed)
    assert asked == [8, 12]
    assert (found[start == 3] == 3).all()
    assert found[5] == start[5]
    assert set(found[np.isin(start, [0, 4])].tolist()) == {0, 4}
    assert np.bincount(found).tolist() == np.bincount(start).tolist()
    assert pair_score(found, among) >= pair_score(start, likeness) - 1e-9
    assert all(v.kept for v in group_referee(found, *rules))


@given(seed=st.integers(0, 999))
@settings(max_examples=30, deadline=None)
def test_counts_that_are_looked_up_are_the_counts(seed):
    """However far a start misses its counts, swaps never miss them by more."""
    rng = np.random.default_rng(seed)
    colour = rng.choice(np.array(["a", "b", "c", ""]), 12)
    some = rng.random(12) < 0.4
    rules = [Distribute(colour, 1, 2), Distribute(some, 1)]
    start = rng.permutation(np.repeat([0, 1, 2], 4))

    def missed(label):
        """By how many members the groups miss their counts."""
        kinds = [(colour == c, 1, 2) for c in ("a", "b", "c") if c in colour] + [(some, 1, 12)]
        each = [((of & (label == g)).sum(), *band) for of, *band in kinds for g in range(3)]
        return sum(max(low - n, n - high, 0) for n, low, high in each)

    assert missed(exchange(start, drawn(seed, 12), rules)) <= missed(start)
