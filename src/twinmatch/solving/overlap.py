"""Groups that overlap: each item sits in as many groups as it asks for, up to a stated number.

An item with a demand of d becomes d copies that must sit apart, and the copies are partitioned: so
every rule, the exact proof, the search and the bound hold for overlapping groups too. A pair that
meets in two groups counts in both.

Notation: n items, c copies, K groups, demand (n,), member (n, K).
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from itertools import combinations

import numpy as np
from numpy.typing import ArrayLike, NDArray

from twinmatch.errors import Problem, QuestionError
from twinmatch.solving.attributes import GroupRule
from twinmatch.solving.grouping import Band
from twinmatch.solving.partition import Partition, partition

IntArray = NDArray[np.int64]


@dataclass(frozen=True, eq=False)
class Overlap:
    """Overlapping groups: member (n, K) bool, and the partition of the copies with all it tells.

    copy: (c,) the item that each entry of the partition's label stands for.
    """

    member: NDArray[np.bool_]
    copies: Partition
    copy: IntArray


def overlap(
    likeness: ArrayLike,
    *,
    groups: Sequence[Band],
    demand: ArrayLike,
    up_to: int,
    objective: str = "total",
    seconds: float | None = None,
    effort: int | None = None,
    rng: int | np.random.Generator = 0,
    bonus: ArrayLike | None = None,
    allowed: ArrayLike | None = None,
    together: Iterable[tuple[int, int]] = (),
    apart: Iterable[tuple[int, int]] = (),
    rules: Sequence[GroupRule] = (),
    alike: bool = True,
    workers: int = 1,
) -> Overlap:
    """Put each item in demand[i] different groups, at most up_to of them.

    demand: (n,) whole numbers from 1 to up_to. The other arguments, and the objective, are those of
    `partition`. Items to be together share all their groups, and must have the same demand. Rules
    count a member once in each of its groups. A Gather with an item of several groups is impossible.

    Raises QuestionError with every problem of the question.
    """
    wanted = _checked_demand(likeness, groups, demand, up_to)
    together, apart = list(together), list(apart)
    _check_ties(together, wanted)
    copy = np.repeat(np.arange(wanted.size), wanted)
    of = [np.flatnonzero(copy == item).tolist() for item in range(wanted.size)]
    matrix = np.asarray(likeness, dtype=np.float64).copy()
    np.fill_diagonal(matrix, 0.0)
    found = partition(
        matrix[np.ix_(copy, copy)],
        groups=groups,
        objective=objective,
        seconds=seconds,
        effort=effort,
        rng=rng,
        bonus=None if bonus is None else np.asarray(bonus)[copy],
        allowed=None if allowed is None else np.asarray(allowed)[copy],
        together=[pair for i, j in together for pair in zip(of[i], of[j], strict=True)],
        apart=[pair for own in of for pair in combinations(own, 2)]
        + [(x, y) for i, j in apart for x in of[i] for y in of[j]],
        rules=[replace(rule, values=_picked(rule.values, copy)) for rule in rules],
        alike=alike,
        workers=workers,
    )
    member = np.zeros((wanted.size, len(groups)), dtype=bool)
    seated = found.label >= 0
    member[copy[seated], found.label[seated]] = True
    return Overlap(member, found, copy)


def _picked(values: ArrayLike, copy: IntArray) -> ArrayLike:
    listed = np.asarray(values).tolist()
    return [listed[item] for item in copy.tolist()]


def _checked_demand(
    likeness: ArrayLike, groups: Sequence[Band], demand: ArrayLike, up_to: int
) -> IntArray:
    wanted = np.asarray(demand)
    n_items = len(np.asarray(likeness))
    problems = []
    if up_to < 1:
        problems.append(Problem("up-to-range", f"up_to is {up_to}.", do="Give 1 or more."))
    if wanted.shape != (n_items,) or wanted.dtype.kind not in "iu":
        found = f"demand is {wanted.shape} of {wanted.dtype}, not ({n_items},) whole numbers."
        raise QuestionError([*problems, Problem("demand-shape", found)])
    most = min(up_to, len(groups))
    for item in np.flatnonzero((wanted < 1) | (wanted > most)).tolist():
        found = f"item {item} is to join {wanted[item]} groups; 1 to {most} can be."
        problems.append(Problem("demand-range", found))
    if problems:
        raise QuestionError(problems)
    return wanted.astype(np.int64)


def _check_ties(together: list[tuple[int, int]], wanted: IntArray) -> None:
    problems = [
        Problem(
            "together-demand",
            f"{i} and {j} are to be together, but join {wanted[i]} and {wanted[j]}.",
        )
        for i, j in together
        if max(i, j) < wanted.size and wanted[i] != wanted[j]
    ]
    if problems:
        raise QuestionError(problems)
