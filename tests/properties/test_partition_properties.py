"""What holds of every partition: the bound holds, the referee agrees, order does not matter."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from twinmatch.solving import Distribute, Gather, NobodyIsolated, group_referee, partition
from twinmatch.solving.exact import solve_exactly, upper_bound
from twinmatch.solving.grouping import task_of


@st.composite
def cases(draw):
    """4 to 9 items, with an objective and the sizes of 2 or 3 groups; and rules that may have no answer."""
    n = draw(st.integers(4, 9))
    n_groups = draw(st.integers(2, 3))
    rng = np.random.default_rng(draw(st.integers(0, 2**32)))
    matrix = rng.normal(size=(n, n))
    low = n // n_groups - draw(st.integers(0, 1))
    high = -(-n // n_groups) + draw(st.integers(0, 1))
    mask = rng.random(n) < 0.5
    words = rng.choice(["a", "b", "c", ""], n)
    every = [
        Distribute(mask, 0, draw(st.integers(1, 3))),
        Distribute(words, 0, 2),
        Gather(np.where(rng.random(n) < 0.4, "x", "")),
        NobodyIsolated(mask),
    ]
    rules = draw(st.lists(st.sampled_from(every), max_size=2, unique_by=id))
    bands = [(max(low, 1), high)] * n_groups
    together = [(2, 3)] if draw(st.booleans()) else []
    objective = draw(st.sampled_from(["total", "mean", "squares"]))
    return (matrix + matrix.T) / 2, objective, bands, rules, together


@settings(max_examples=40, deadline=None)
@given(cases())
def test_the_bound_holds(case):
    matrix, objective, bands, *_ = case
    found = partition(matrix, groups=bands, objective=objective, effort=40)
    if found.status == "infeasible":
        assert found.reasons
        return
    assert found.bound >= found.score
    np.fill_diagonal(matrix, 0.0)
    assert upper_bound(matrix, objective, bands) >= found.score


@settings(max_examples=30, deadline=None)
@given(cases(), st.randoms(use_true_random=False))
def test_the_order_of_the_items_does_not_matter(case, random):
    matrix, objective, bands, rules, together = case
    order = list(range(len(matrix)))
    random.shuffle(order)
    place = {item: k for k, item in enumerate(order)}
    moved = [
        type(rule)(**(vars(rule) | {"values": np.asarray(rule.values)[order]})) for rule in rules
    ]
    tied = [(place[i], place[j]) for i, j in together]
    one = solve_exactly(task_of(matrix, bands, objective, rules, together=together))
    turned = matrix[np.ix_(order, order)]
    other = solve_exactly(task_of(turned, bands, objective, moved, together=tied))
    assert (one.label is None) == (other.label is None)
    assert one.proven
    assert other.proven
    if one.label is not None:
        assert other.bound == pytest.approx(one.bound, abs=1e-9)


@settings(max_examples=40, deadline=None)
@given(cases())
def test_the_referee_agrees_and_a_rule_never_helps(case):
    matrix, objective, bands, rules, together = case
    task = task_of(matrix, bands, objective, rules, together=together)
    solved = solve_exactly(task)
    if solved.label is None:
        return
    assert all(verdict.kept for verdict in group_referee(solved.label[task.atom], *rules))
    free = partition(matrix, groups=bands, objective=objective, effort=40)
    assert free.score >= task.score(solved.label) - 1e-9
