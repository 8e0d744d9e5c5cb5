"""solve = brute force = referee, on small questions of every shape of rule."""

from __future__ import annotations

import numpy as np
import pytest
from assignment_brute_force import best, value
from hypothesis import given, settings
from hypothesis import strategies as st

from twinmatch.solving.blocks import Block, Candidates, counts
from twinmatch.solving.laminar import stack
from twinmatch.solving.model import upper_bound
from twinmatch.solving.referee import broken
from twinmatch.solving.solver import solve

ORDERS = [
    ("filled", "total"),
    ("total",),
    ("total", "filled"),
    ("filled", "fewest changes", "total"),
    ("filled", "total", "fewest changes"),
    ("fewest changes", "total"),
    ("filled", "worst-off", "total"),
    ("filled", "total", "worst-off"),
]


@st.composite
def questions(draw: st.DrawFn, *, crossing: bool) -> tuple[Candidates, list[Block], np.ndarray]:
    n_hosts, n_guests = draw(st.integers(1, 4)), draw(st.integers(1, 4))
    pairs = draw(
        st.lists(
            st.tuples(st.integers(0, n_hosts - 1), st.integers(0, n_guests - 1)),
            min_size=1, max_size=9, unique=True,
        )
    )  # fmt: skip
    host, guest = np.array(pairs).T
    n = len(pairs)
    score = draw(st.lists(st.integers(-4, 8), min_size=n, max_size=n))
    candidates = Candidates(host, guest, np.array(score) / 4, n_hosts, n_guests)
    small = st.integers(0, 3)
    low = draw(st.lists(st.sampled_from([0, 0, 0, 1]), min_size=n_hosts, max_size=n_hosts))
    cap = draw(st.lists(small, min_size=n_hosts, max_size=n_hosts))
    dem = draw(st.lists(small, min_size=n_guests, max_size=n_guests))
    blocks = [
        counts("host", host, low=low, high=np.maximum(cap, low), rows=n_hosts),
        counts("guest", guest, high=dem, rows=n_guests),
    ]
    country = np.array(draw(st.lists(st.integers(0, 1), min_size=n_guests, max_size=n_guests)))
    if draw(st.booleans()):
        blocks.append(counts("host and country", 2 * host + country[guest], high=draw(small)))
    if draw(st.booleans()):
        limit = draw(small)
        blocks.append(counts("country", country[guest], low=min(limit, 1) - 1, high=limit))
    if crossing:
        size = np.array(draw(st.lists(st.integers(0, 1), min_size=n_guests, max_size=n_guests)))
        blocks.append(counts("size", size[guest], high=draw(small)))
        label = draw(st.lists(st.integers(-1, 1), min_size=n, max_size=n))
        blocks.append(counts("any", label, high=draw(small), rows=2))
    previous = np.array(draw(st.lists(st.booleans(), min_size=n, max_size=n)))
    return candidates, blocks, previous


@pytest.mark.parametrize("crossing", [False, True], ids=["network", "crossing"])
@pytest.mark.parametrize("objectives", ORDERS, ids=" > ".join)
@settings(max_examples=25, deadline=None)
@given(data=st.data())
def test_answer_is_the_best_of_all(
    objectives: tuple[str, ...], crossing: bool, data: st.DataObject
) -> None:
    candidates, blocks, previous = data.draw(questions(crossing=crossing))
    solution = solve(candidates, blocks, objectives=objectives, previous=previous)
    expected = best(candidates, blocks, objectives, previous)
    if expected is None:
        assert solution.status == "infeasible"
        return
    assert solution.status == "optimal"
    assert broken(candidates, solution.chosen, blocks) == []
    found = tuple(value(candidates, solution.chosen, name, previous) for name in objectives)
    assert np.allclose(np.concatenate(found), np.concatenate(expected), atol=1e-6)


@pytest.mark.parametrize("crossing", [False, True], ids=["network", "crossing"])
@settings(max_examples=40, deadline=None)
@given(data=st.data())
def test_leximin_of_single_meetings_is_the_best_of_all(crossing: bool, data: st.DataObject) -> None:
    candidates, blocks, _ = data.draw(questions(crossing=crossing))
    single = counts("one each", candidates.guest, high=1.0, rows=candidates.n_guests)
    objectives = ("filled", "leximin", "total")
    solution = solve(candidates, [*blocks, single], objectives=objectives)
    expected = best(candidates, [*blocks, single], objectives)
    if expected is None:
        assert solution.status == "infeasible"
        return
    assert broken(candidates, solution.chosen, [*blocks, single]) == []
    found = [value(candidates, solution.chosen, name, None) for name in objectives]
    assert found[0] == expected[0]
    assert np.isclose(min(found[1], default=0.0), min(expected[1], default=0.0), atol=1e-6)
    if solution.status == "optimal":
        assert np.allclose(np.concatenate(found), np.concatenate(expected), atol=1e-6)
    assert solution.status == "optimal" or crossing


@settings(max_examples=60, deadline=None)
@given(questions(crossing=True), st.randoms(use_true_random=False))
def test_order_of_candidates_does_not_matter(
    question: tuple[Candidates, list[Block], np.ndarray], random: object
) -> None:
    candidates, blocks, _ = question
    moved = np.array(random.sample(range(len(candidates)), len(candidates)))  # type: ignore[attr-defined]
    first = solve(candidates, blocks)
    other = solve(candidates.take(moved), [block.take(moved) for block in blocks])
    assert other.status == first.status
    assert np.array_equal(other.chosen, first.chosen[moved])


@settings(max_examples=80, deadline=None)
@given(questions(crossing=False))
def test_prices_of_the_rules_prove_the_total(
    question: tuple[Candidates, list[Block], np.ndarray],
) -> None:
    candidates, blocks, _ = question
    solution = solve(candidates, blocks, objectives=("total",))
    if solution.status == "infeasible":
        return
    rows = stack(blocks, len(candidates))
    bound = upper_bound(
        candidates.score, rows.matrix, rows.low, rows.high, np.concatenate(solution.duals),
        np.zeros(len(candidates)), np.ones(len(candidates)),
    )  # fmt: skip
    assert abs(bound - solution.score) < 1e-6
