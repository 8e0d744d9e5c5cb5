"""What must hold of any answer of `assign`, whatever the numbers."""

from __future__ import annotations

import sys

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from twinmatch.solving import assign

module = sys.modules["twinmatch.solving.assign"]


@st.composite
def tables(draw: st.DrawFn) -> dict[str, np.ndarray]:
    H, G = draw(st.integers(1, 6)), draw(st.integers(1, 6))
    cells = draw(st.lists(st.integers(-8, 8), min_size=H * G, max_size=H * G))
    may = draw(st.lists(st.sampled_from([True, True, False]), min_size=H * G, max_size=H * G))
    return {
        "score": np.array(cells).reshape(H, G) / 8,
        "allowed": np.array(may).reshape(H, G),
        "demand": np.array(draw(st.lists(st.integers(0, min(H, 3)), min_size=G, max_size=G))),
        "capacity": np.array(draw(st.lists(st.integers(0, 3), min_size=H, max_size=H))),
    }


def rank(answer: object) -> tuple[int, float]:
    return len(answer.pairs), round(answer.score, 6)  # type: ignore[attr-defined]


@settings(max_examples=60, deadline=None)
@given(tables(), st.data())
def test_pair_that_is_taken_away_never_helps(table: dict, data: st.DataObject) -> None:
    before = assign(**table)
    h = data.draw(st.integers(0, table["score"].shape[0] - 1))
    g = data.draw(st.integers(0, table["score"].shape[1] - 1))
    fewer = table["allowed"].copy()
    fewer[h, g] = False
    assert rank(assign(**{**table, "allowed": fewer})) <= rank(before)


@settings(max_examples=60, deadline=None)
@given(tables(), st.data())
def test_raised_capacity_never_hurts(table: dict, data: st.DataObject) -> None:
    h = data.draw(st.integers(0, len(table["capacity"]) - 1))
    more = table["capacity"].copy()
    more[h] += 1
    assert rank(assign(**{**table, "capacity": more})) >= rank(assign(**table))


@settings(max_examples=60, deadline=None)
@given(tables(), st.randoms(use_true_random=False))
def test_other_names_give_as_good_an_answer(table: dict, random: object) -> None:
    hosts = np.array(random.sample(range(len(table["capacity"])), len(table["capacity"])))  # type: ignore[attr-defined]
    guests = np.array(random.sample(range(len(table["demand"])), len(table["demand"])))  # type: ignore[attr-defined]
    moved = {
        "score": table["score"][hosts][:, guests],
        "allowed": table["allowed"][hosts][:, guests],
        "demand": table["demand"][guests],
        "capacity": table["capacity"][hosts],
    }
    assert rank(assign(**moved)) == rank(assign(**table))


@settings(max_examples=60, deadline=None)
@given(tables())
def test_limits_are_kept_and_the_bound_is_reached(table: dict) -> None:
    for threshold in (0, sys.maxsize):
        kept, module.FEW_FROM = module.FEW_FROM, threshold
        answer = assign(**table)
        module.FEW_FROM = kept
        host, guest = answer.pairs.T
        assert table["allowed"][host, guest].all()
        assert np.all(np.bincount(host, minlength=len(table["capacity"])) <= table["capacity"])
        assert np.all(np.bincount(guest, minlength=len(table["demand"])) <= table["demand"])
        assert answer.status == "optimal"
        assert answer.bound - answer.score < 1e-6
