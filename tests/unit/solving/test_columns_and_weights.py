"""Large questions over few columns, and floors by weights, against the whole model."""

from __future__ import annotations

import sys

import numpy as np
import pytest

from twinmatch.solving import Candidates, assign, broken, counts, solve
from twinmatch.solving.assign import highest_floor

columns = sys.modules["twinmatch.solving.column_generation"]
by_highs = sys.modules["twinmatch.solving.highs_engine"]
module = sys.modules["twinmatch.solving.assign"]


def crossing(seed: int) -> tuple[Candidates, list]:
    rng = np.random.default_rng(seed)
    host, guest = np.divmod(np.arange(12 * 60), 60)
    c = Candidates(host, guest, rng.random(720), 12, 60)
    size, region = rng.integers(0, 3, 60)[guest], rng.integers(0, 4, 60)[guest]
    return c, [
        counts("host", host, low=1.0, high=4.0),
        counts("guest", guest, high=1.0),
        counts("size", size, high=15.0),
        counts("region", region, low=2.0, high=12.0),
    ]


@pytest.mark.parametrize("seed", range(4))
@pytest.mark.parametrize("objectives", [("filled", "total"), ("total",)])
def test_few_columns_give_the_answer_of_all(
    seed: int, objectives: tuple[str, ...], monkeypatch: pytest.MonkeyPatch
) -> None:
    c, blocks = crossing(seed)
    whole = solve(c, blocks, objectives=objectives)
    for place in (columns, by_highs):
        monkeypatch.setattr(place, "ALL_FROM_START", 0)
    monkeypatch.setattr(columns, "BEST", 1)
    few = solve(c, blocks, objectives=objectives)
    assert broken(c, few.chosen, blocks) == []
    assert (few.filled, few.status) == (whole.filled, "optimal")
    assert few.score == pytest.approx(whole.score, rel=2e-4)
    assert few.bound >= whole.score - 1e-6


def test_minima_that_even_parts_cannot_keep(monkeypatch: pytest.MonkeyPatch) -> None:
    c, blocks = crossing(0)
    for place in (columns, by_highs):
        monkeypatch.setattr(place, "ALL_FROM_START", 0)
    impossible = counts("too many", np.zeros(720, int), low=61.0)
    assert solve(c, [*blocks, impossible]).status == "infeasible"


def test_highest_floor_is_the_least_of_best_sums() -> None:
    score = np.array([[3.0, 1.0, 9.0], [2.0, 5.0, 9.0], [1.0, 1.0, 9.0]])
    assert highest_floor(score, None, np.array([2, 1, 0])) == 5.0


@pytest.mark.parametrize("seed", range(6))
def test_weights_and_programmes_agree(seed: int, monkeypatch: pytest.MonkeyPatch) -> None:
    rng = np.random.default_rng(seed)
    score = rng.random((12, 10))
    arguments = (score, np.full(10, 2), np.full(12, 3))
    by_weights = assign(*arguments, fairness="max-min")
    monkeypatch.setattr(module, "_raised", lambda *_: None)
    by_programme = assign(*arguments, fairness="max-min")
    assert by_weights.floor == pytest.approx(by_programme.floor, abs=1e-5)
    assert by_weights.score == pytest.approx(by_programme.score, rel=2e-4)
    assert by_weights.floor <= by_weights.floor_bound + 1e-9


def test_leximin_tells_how_far_it_is_proven() -> None:
    score = np.random.default_rng(2).random((12, 10))
    fair = assign(score, np.full(10, 2), np.full(12, 3), fairness="leximin", seconds=20)
    best = assign(score, np.full(10, 2), np.full(12, 3), fairness="max-min")
    assert fair.floor == pytest.approx(best.floor, abs=1e-5)
    assert fair.status in {"optimal", "feasible"}
    assert len(fair.pairs) == 20
