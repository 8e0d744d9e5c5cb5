"""Rounds of groups in which nobody meets the same person twice.

Each round is a partition with everyone apart whom they have met; hosts may keep their group. A
round that cannot be completed sends the search back to the first one, with a few pairs drawn to stay
apart so that it takes another way, because what a round leaves open depends on those before it (the social golfer problem, CSPLib prob010).

Notation: n items, K groups, R rounds, label (R, n).
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from twinmatch.errors import Problem, QuestionError
from twinmatch.solving.grouping import Band
from twinmatch.solving.partition import Partition, Status, partition
from twinmatch.solving.starts import Reason

IntArray = NDArray[np.int64]


@dataclass(frozen=True, eq=False)
class Rotation:
    """label (R, n) the group of each item in each round, -1 throughout where none was found.

    status: "feasible", "infeasible" with reasons, or "unknown" where none was found and none ruled
    out; rounds, the partition of each, carry the scores and gaps round by round.
    """

    label: IntArray
    score: float
    status: Status
    rounds: tuple[Partition, ...] = ()
    reasons: tuple[Reason, ...] = ()


def rotate(
    likeness: ArrayLike,
    *,
    rounds: int,
    groups: Sequence[Band],
    hosts: ArrayLike | None = None,
    rng: int | np.random.Generator = 0,
    tries: int = 12,
    **said: Any,
) -> Rotation:
    """Group n items anew in each round, so that no two share a group twice.

    groups: one (low, high) a group, the same in all rounds. hosts: (n,) the group that an item
    stays in throughout, or -1. tries: ways that are tried before none is found. said: whatever else `partition` takes, for every round, save sizes
    and fixed; together is refused, as those tied would meet again.

    Raises QuestionError with every problem of the question.
    """
    n_items = len(np.asarray(likeness))
    _check(rounds, said)
    stay = np.full(n_items, -1) if hosts is None else np.asarray(hosts)
    told = tuple(_impossible(n_items, rounds, groups))
    nobody = np.full((rounds, n_items), -1, dtype=np.int64)
    if told:
        return Rotation(nobody, -math.inf, "infeasible", reasons=told)
    seed = rng if isinstance(rng, int) else int(rng.integers(2**63))
    for attempt in range(tries):
        detour = _drawn_pairs(n_items, n_items // 4 if attempt else 0, [seed, attempt])
        played = _play(likeness, rounds, groups, stay, seed + attempt, detour, said)
        if len(played) == rounds and played[-1].status in ("optimal", "feasible"):
            label = np.stack([round_.label for round_ in played])
            return Rotation(label, math.fsum(r.score for r in played), "feasible", tuple(played))
        if attempt == 0 and len(played) == 1 and played[0].status == "infeasible":
            return Rotation(nobody, -math.inf, "infeasible", reasons=played[0].reasons)
    return Rotation(nobody, -math.inf, "unknown")


def _play(
    likeness: ArrayLike,
    rounds: int,
    groups: Sequence[Band],
    stay: IntArray,
    seed: int,
    detour: list[tuple[int, int]],
    said: dict[str, Any],
) -> list[Partition]:
    """The rounds one after the other, up to the first that cannot be completed.

    The pairs of the detour are apart in all rounds but the last.
    """
    before = [(int(i), int(j)) for i, j in said.get("apart", ())]
    met: set[tuple[int, int]] = set()
    played: list[Partition] = []
    more = {key: value for key, value in said.items() if key != "apart"}
    for k in range(rounds):
        apart = before + sorted(met) + (detour if k < rounds - 1 else [])
        round_ = partition(likeness, groups=groups, fixed=stay, apart=apart, rng=seed, **more)
        played.append(round_)
        if round_.status not in ("optimal", "feasible"):
            break
        met.update(meetings(round_.label))
    return played


def _drawn_pairs(n_items: int, count: int, seed: list[int]) -> list[tuple[int, int]]:
    raw = np.random.PCG64(seed).random_raw(2 * count) % n_items
    pairs = raw.astype(np.int64).reshape(-1, 2).tolist()
    return [(i, j) for i, j in pairs if i != j]


def meetings(label: IntArray) -> Iterator[tuple[int, int]]:
    """The pairs (i, j), i < j, that share a group."""
    same = (label[:, None] == label[None, :]) & (label >= 0)[:, None]
    first, second = np.nonzero(np.triu(same, 1))
    yield from zip(first.tolist(), second.tolist(), strict=True)


def _check(rounds: int, said: dict[str, Any]) -> None:
    problems = []
    if rounds < 1:
        problems.append(Problem("rounds-range", f"rounds is {rounds}.", do="Give 1 or more."))
    for name in ("sizes", "fixed", "together"):
        if said.get(name) is not None:
            problems.append(Problem("rotation-option", f"{name} has no place in a rotation."))
    if problems:
        raise QuestionError(problems)


def _impossible(n_items: int, rounds: int, groups: Sequence[Band]) -> Iterator[Reason]:
    """What counting alone rules out."""
    least = min(low for low, _ in groups)
    if rounds * (least - 1) > n_items - 1:
        says = (
            f"in {rounds} rounds of at least {least} everyone meets {rounds * (least - 1)} others, "
            f"and there are {n_items - 1}"
        )
        yield Reason("rounds", says, (rounds, least, n_items - 1))
    largest = max(low for low, _ in groups)
    if rounds > 1 and largest > len(groups):
        says = (
            f"the {largest} members of one group cannot part among {len(groups)} groups "
            "in the next round"
        )
        yield Reason("rounds", says, (largest, len(groups)))
