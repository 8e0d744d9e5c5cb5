"""solve = brute force = referee, on small questions of every shape of rule."""

from __future__ import annotations

import numpy as np
import pytest
from assignment_brute_force import best, value
from hypothesis import given, settings
from hypothesis import strategies as st

from twinmatch.solving.blocks import Block, Candidates, counts
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
    solution = solve(candidates, blocks, objectives=objectives, previous=previous, gap=0.0)
    expected = best(candidates, blocks, objectives, previous)
    if expected is None:
        assert solution.status == "infeasible"
        return
    assert solution.status == "optimal"
    assert broken(candidates, solution.chosen, blocks) == []
    found = tuple(value(candidates, solution.chosen, name, previous) for name in objectives)
    assert np.allclose(np.concatenate(found), np.concatenate(expected), atol=1e-6)
