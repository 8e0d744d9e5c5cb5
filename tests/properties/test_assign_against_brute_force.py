"""assign = the best of all answers, with several meetings a guest, minima and every fairness.

Some of each; ``benchmarks/proofs.py`` tries them by the thousand.
"""

from __future__ import annotations

import sys
from pathlib import Path

import numpy as np
import pytest

sys.path.insert(0, str(Path(__file__).parents[2] / "benchmarks"))
import proofs

SHAPES = [(2, 3), (2, 4), (3, 3), (3, 4), (2, 5), (4, 3), (2, 6), (6, 2)]


def small(seed: int) -> proofs.Case:
    """A small assignment, drawn from its seed."""
    rng = np.random.default_rng(seed)
    H, G = SHAPES[rng.integers(len(SHAPES))]
    score = rng.random((H, G)) * rng.choice([1, 2]) - rng.choice([0, 0, 0.3])
    capacity = rng.integers(0, G + 1, H)
    least = np.minimum(rng.integers(0, 3, H) * (rng.random(H) < 0.2), capacity)
    allowed = rng.random((H, G)) < rng.choice([1, 0.8])
    score = np.round(score, rng.choice([1, 2, 4]))
    demand = rng.integers(0, min(H, 3) + 1, G)
    return proofs.Case("usual", score, demand, capacity, least, allowed)


def wrong(seeds: range, fairness: str) -> list[tuple[int, str, str]]:
    """The cases whose answer is not the best, breaks a limit, or is not proven."""
    found = [(seed, *proofs.fault(small(seed), fairness)) for seed in seeds]
    return [one for one in found if one[2] or one[1] not in ("optimal", "infeasible")]


def test_small_cases_are_best_and_proven() -> None:
    assert wrong(range(800), "total") == []


@pytest.mark.parametrize("fairness", ["max-min", "leximin"])
def test_small_cases_are_fair_and_proven(fairness: str) -> None:
    assert wrong(range(120), fairness) == []


def test_a_worse_answer_is_found(monkeypatch: pytest.MonkeyPatch) -> None:
    """An engine that is told other scores gives answers that are beaten."""
    assign = proofs.assign
    monkeypatch.setattr(
        proofs, "assign", lambda score, *rest, **more: assign(-score, *rest, **more)
    )
    assert len(wrong(range(60), "total")) > 20
