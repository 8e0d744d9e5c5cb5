"""assign = the best of all answers, with several meetings a guest, minima and every fairness."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import pytest

from twinmatch.solving import assign

SHAPES = [(2, 3), (2, 4), (3, 3), (3, 4), (2, 5), (4, 3), (2, 6), (6, 2)]
FAIRNESS = ("total", "max-min", "leximin")


@dataclass(frozen=True)
class Small:
    """A small assignment, drawn from its seed."""

    score: np.ndarray
    demand: np.ndarray
    capacity: np.ndarray
    at_least: np.ndarray
    allowed: np.ndarray

    @classmethod
    def of(cls, seed: int) -> Small:
        rng = np.random.default_rng(seed)
        H, G = SHAPES[rng.integers(len(SHAPES))]
        score = rng.random((H, G)) * rng.choice([1, 2]) - rng.choice([0, 0, 0.3])
        capacity = rng.integers(0, G + 1, H)
        least = np.minimum(rng.integers(0, 3, H) * (rng.random(H) < 0.2), capacity)
        allowed = rng.random((H, G)) < rng.choice([1, 0.8])
        return cls(
            np.round(score, rng.choice([1, 2, 4])),
            rng.integers(0, min(H, 3) + 1, G),
            capacity,
            least,
            allowed,
        )

    def answers(self) -> tuple[np.ndarray, np.ndarray]:
        """Meetings (answers, G) and sums of scores (answers, G) of the guests in every answer."""
        H, G = self.score.shape
        host, guest = np.nonzero(self.allowed)
        every = (np.arange(2 ** len(host))[:, None] >> np.arange(len(host))) & 1
        of_host = every @ (host[:, None] == np.arange(H)).astype(int)
        meetings = every @ (guest[:, None] == np.arange(G)).astype(int)
        kept = (
            (of_host <= self.capacity).all(axis=1)
            & (of_host >= self.at_least).all(axis=1)
            & (meetings <= self.demand).all(axis=1)
        )
        sums = every @ ((guest[:, None] == np.arange(G)) * self.score[host, guest][:, None])
        return meetings[kept], sums[kept]

    def best(self, fairness: str) -> tuple[float, ...] | None:
        """Places filled, then guests served, the floors asked for and the total, of the best answer."""
        meetings, sums = self.answers()
        return max((key(m, s, fairness) for m, s in zip(meetings, sums, strict=True)), default=None)


def key(meetings: np.ndarray, sums: np.ndarray, fairness: str) -> tuple[float, ...]:
    """How good an answer is; larger tuples are better."""
    served = meetings > 0
    floors = np.sort(sums[served]).round(7)[: {"total": 0, "max-min": 1, "leximin": None}[fairness]]
    count = int(served.sum()) if fairness != "total" else 0
    return (int(meetings.sum()), count, *floors.tolist(), round(float(sums.sum()), 7))


def wrong(seeds: Iterator[int] | range) -> list[tuple[int, str, str]]:
    """The cases whose answer is not the best, or breaks a limit."""
    found = []
    for seed in seeds:
        case = Small.of(seed)
        for fairness in FAIRNESS:
            expected = case.best(fairness)
            answer = assign(
                case.score, case.demand, case.capacity,
                at_least=case.at_least, allowed=case.allowed, fairness=fairness,
            )  # fmt: skip
            if expected is None or answer.status == "infeasible":
                if (expected is None) != (answer.status == "infeasible"):
                    found.append((seed, fairness, answer.status))
                continue
            h, g = answer.pairs.T
            G = len(case.demand)
            meetings = np.bincount(g, minlength=G)
            got = key(meetings, np.bincount(g, case.score[h, g], G), fairness)
            of_host = np.bincount(h, minlength=len(case.capacity))
            kept = (meetings <= case.demand).all() and (of_host <= case.capacity).all()
            best = np.allclose(got, expected, atol=2e-6)
            if not (
                kept and best and answer.status == "optimal" and answer.bound >= answer.score - 1e-9
            ):
                found.append((seed, fairness, f"{got} {answer.status}, best {expected}"))
    return found


@pytest.mark.parametrize("first", range(0, 480, 80))
def test_small_cases_are_best_and_proven(first: int) -> None:
    assert wrong(range(first, first + 80)) == []
