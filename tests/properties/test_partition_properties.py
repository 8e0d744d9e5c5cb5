"""What holds of every partition: the referee agrees, the bound holds, order does not matter."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from twinmatch.solving import (
    Balance,
    Distribute,
    Gather,
    NobodyIsolated,
    group_referee,
    partition,
)
from twinmatch.solving.exact import solve_exactly, upper_bound
from twinmatch.solving.grouping import ask, task_of


@st.composite
def cases(draw):
    """A question of 4 to 9 items in 2 or 3 groups, with some rules, that may have no answer."""
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
        Balance(rng.random(n), draw(st.floats(0.1, 0.6))),
    ]
    rules = draw(st.lists(st.sampled_from(every), max_size=2, unique_by=id))
    said = {
        "groups": [(max(low, 0), high)] * n_groups,
        "rules": rules,
        "apart": [(0, 1)] if draw(st.booleans()) else [],
        "together": [(2, 3)] if draw(st.booleans()) else [],
        "bonus": rng.normal(size=(n, n_groups)) if draw(st.booleans()) else None,
    }
    return (matrix + matrix.T) / 2, draw(st.sampled_from(["total", "mean", "squares"])), said


def judged(label, said):
    return group_referee(
        label, *said["rules"], groups=said["groups"], apart=said["apart"], together=said["together"]
    )


@settings(max_examples=40, deadline=None)
@given(cases())
def test_the_referee_agrees_and_the_bound_holds(case):
    matrix, objective, said = case
    found = partition(matrix, objective=objective, effort=40, **said)
    if found.status == "infeasible":
        assert found.reasons
        return
    assert all(verdict.kept for verdict in judged(found.label, said))
    assert found.bound >= found.score
    question = ask(matrix, sizes=None, objective=objective, **said)
    assert upper_bound(question, said["groups"]) >= found.score


@settings(max_examples=30, deadline=None)
@given(cases(), st.randoms(use_true_random=False))
def test_the_order_of_the_items_does_not_matter(case, random):
    matrix, objective, said = case
    order = list(range(len(matrix)))
    random.shuffle(order)
    place = {item: k for k, item in enumerate(order)}
    moved = said | {
        "rules": [
            type(rule)(**(vars(rule) | {"values": np.asarray(rule.values)[order]}))
            for rule in said["rules"]
        ],
        "apart": [(place[i], place[j]) for i, j in said["apart"]],
        "together": [(place[i], place[j]) for i, j in said["together"]],
        "bonus": None if said["bonus"] is None else said["bonus"][order],
    }
    one = partition(matrix, objective=objective, effort=40, **said)
    other = partition(matrix[np.ix_(order, order)], objective=objective, effort=40, **moved)
    assert one.status == other.status
    assert other.score == pytest.approx(one.score, abs=1e-9)


@settings(max_examples=25, deadline=None)
@given(cases())
def test_a_rule_never_helps(case):
    matrix, objective, said = case
    ruled = partition(matrix, objective=objective, effort=40, **said)
    free = partition(matrix, objective=objective, effort=40, **(said | {"rules": []}))
    assert free.score >= ruled.score - 1e-9


@settings(max_examples=25, deadline=None)
@given(cases())
def test_partition_and_proof_agree(case):
    matrix, objective, said = case
    question = ask(matrix, sizes=None, objective=objective, **said)
    bands = tuple(said["groups"])
    task = task_of(question, bands)
    solved = solve_exactly(task)
    found = partition(matrix, objective=objective, effort=40, **said)
    if solved.label is None:
        assert found.status == "infeasible"
        assert found.score == -math.inf
    else:
        assert solved.proven
        assert task.score(solved.label) == pytest.approx(found.score, abs=1e-9)
