"""Large assignments: few pairs in the flow, all of them in the proof."""

from __future__ import annotations

import sys

import numpy as np
import pytest

from twinmatch.solving import assign

module = sys.modules["twinmatch.solving.assign"]


@pytest.fixture
def always_priced(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "FEW_FROM", 0)


def both(score, demand, capacity, monkeypatch, **more):  # type: ignore[no-untyped-def]
    monkeypatch.setattr(module, "FEW_FROM", sys.maxsize)
    whole = assign(score, demand, capacity, **more)
    monkeypatch.setattr(module, "FEW_FROM", 0)
    return whole, assign(score, demand, capacity, **more)


@pytest.mark.parametrize("seed", range(12))
@pytest.mark.parametrize("tied", [False, True])
def test_same_answer_as_one_flow_over_all(
    seed: int, tied: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    rng = np.random.default_rng(seed)
    H, G = int(rng.integers(15, 40)), int(rng.integers(20, 60))
    score = rng.integers(0, 4, (H, G)) / 4 if tied else rng.random((H, G)) - 0.2
    demand = rng.integers(0, 3, G)
    capacity = rng.integers(1, 5, H)
    at_least = np.minimum(rng.integers(0, 2, H), capacity) if demand.sum() > H else None
    allowed = rng.random((H, G)) < 0.9
    whole, few = both(score, demand, capacity, monkeypatch, at_least=at_least, allowed=allowed)
    assert few.status == whole.status == "optimal"
    assert few.score == pytest.approx(whole.score, abs=1e-6)
    assert few.bound == pytest.approx(whole.score, abs=1e-6)
    assert few.pairs.tolist() == whole.pairs.tolist()


@pytest.mark.usefixtures("always_priced")
def test_prices_prove_the_answer_over_all_pairs() -> None:
    rng = np.random.default_rng(1)
    score = rng.random((60, 90))
    answer = assign(score, [2] * 90, [4] * 60)
    assert answer.engine == "flow + pricing"
    rest = score - answer.duals.host[:, None] - answer.duals.guest[None, :]
    chosen = np.zeros(score.shape, dtype=bool)
    chosen[tuple(answer.pairs.T)] = True
    assert rest[~chosen].max() < 1e-6
    assert rest[chosen].min() > -1e-6


@pytest.mark.usefixtures("always_priced")
def test_minima_that_cannot_be_kept_are_told_all_the_same() -> None:
    allowed = np.ones((30, 30), dtype=bool)
    allowed[0, 1:] = False
    answer = assign(np.ones((30, 30)), [1] * 30, [2] * 30, at_least=[2] + [0] * 29, allowed=allowed)
    assert answer.status == "infeasible"
    assert answer.advice
