"""Small groupings solved exactly: every group that the rules permit is a column of a set partition.

All rules are about one group at a time, so they only decide which columns exist, and the objective
of a column is exact whatever its form. The set partition is tight (Balas and Padberg 1976,
doi:10.1137/1018115), and HiGHS proves it.

Notation: m atoms, K groups, C columns; a family is a set of interchangeable groups.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import chain, combinations
from math import comb
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import Bounds, LinearConstraint, milp
from scipy.sparse import csc_array, vstack

from twinmatch.solving.grouping import Task, in_order
from twinmatch.solving.ruled import breaches_of

IntArray = NDArray[np.int64]
FloatArray = NDArray[np.float64]

MOST_COLUMNS = 4_000
MOST_NODES = 2_000
CLOSE = 1e-9  # relative difference below which score and bound are the same


@dataclass(frozen=True, eq=False)
class Solved:
    """label (m,) the best grouping, or None; bound on every grouping; proven: label, or none, is final."""

    label: IntArray | None
    bound: float
    proven: bool


@dataclass(frozen=True, eq=False)
class _Columns:
    """Members (C, s) as lists of atoms, the family (C,) each column belongs to, its score (C,)."""

    members: list[IntArray]
    family: IntArray
    score: FloatArray


def countable(task: Task) -> bool:
    """Whether the columns of a task are few enough to be listed."""
    lightest = np.sort(task.mass).cumsum()
    largest = int(np.searchsorted(lightest, task.high.max(), side="right"))
    families = len(np.unique(task.kin))
    return families * sum(comb(task.mass.size, s) for s in range(1, largest + 1)) <= MOST_COLUMNS


def solve_exactly(task: Task, seconds: float | None = None, any_number: bool = False) -> Solved:
    """The best grouping, proven, within a fixed number of nodes and the seconds given.

    any_number: the groups are all alike and may be as many as fit.
    """
    columns = _columns(task)
    if not columns.members:
        return Solved(None, -np.inf, True)
    n_atoms = task.mass.size
    cover = _matrix(columns.members, n_atoms)
    rules = [LinearConstraint(cover, 1.0, 1.0)]
    if not any_number:
        rules.append(_numbers(task, columns.family))
    options = {"node_limit": MOST_NODES, "mip_rel_gap": 0.0}
    if seconds is not None:
        options["time_limit"] = max(seconds, 0.01)
    solve: Any = milp
    result = solve(
        -columns.score,
        integrality=np.ones(columns.score.size),
        bounds=Bounds(0.0, 1.0),
        constraints=rules,
        options=options,
    )
    if result.status == 2:
        return Solved(None, -np.inf, True)
    bound = np.inf if result.mip_dual_bound is None else -float(result.mip_dual_bound)
    if result.x is None:
        return Solved(None, bound, False)
    label = _label(result.x, columns, task, any_number)
    score = float(columns.score @ np.round(result.x))
    close = bound - score <= CLOSE * max(1.0, abs(score))
    return Solved(label, max(bound, score), result.status == 0 and close)


def _columns(task: Task) -> _Columns:
    members: list[IntArray] = []
    family: list[FloatArray] = []
    score: list[FloatArray] = []
    for chosen in _subsets(task):
        for kin in np.unique(task.kin).tolist():
            good = chosen[_permitted(task, chosen, kin)]
            members.extend(good)
            family.append(np.full(len(good), kin, dtype=np.float64))
            score.append(_scores(task, good, kin))
    if not members:
        return _Columns([], np.zeros(0, dtype=np.int64), np.zeros(0))
    return _Columns(members, np.concatenate(family).astype(np.int64), np.concatenate(score))


def _subsets(task: Task) -> Iterator[IntArray]:
    """All sets of atoms that may fit a group, as arrays (C, s), one for each number of atoms s."""
    n_atoms = task.mass.size
    lightest = np.sort(task.mass).cumsum()
    for s in range(1, int(np.searchsorted(lightest, task.high.max(), side="right")) + 1):
        flat = np.fromiter(chain.from_iterable(combinations(range(n_atoms), s)), dtype=np.int64)
        yield flat.reshape(-1, s)


def _permitted(task: Task, chosen: IntArray, group: int) -> NDArray[np.bool_]:
    """Which of the sets (C, s) keep every rule as the members of a group."""
    size = task.mass[chosen].sum(axis=1)
    good: NDArray[np.bool_] = np.isfinite(task.bonus[chosen, group]).all(axis=1)
    for r in range(task.kind.size):
        held = task.tally[r][chosen].sum(axis=1)
        floor, ceiling = task.floor[r, group], task.ceiling[r, group]
        good &= breaches_of(int(task.kind[r]), held, floor, ceiling, task.slope[r], size) == 0
    if task.apart is not None:
        for p, q in _places(chosen):
            good &= ~task.apart[chosen[:, p], chosen[:, q]]
        good &= ~task.apart[chosen, chosen].any(axis=1)
    return good


def _scores(task: Task, chosen: IntArray, group: int) -> FloatArray:
    inside = task.inner[chosen].sum(axis=1)
    for p, q in _places(chosen):
        inside += task.weight[chosen[:, p], chosen[:, q]]
    size = task.mass[chosen].sum(axis=1)
    worth: FloatArray = task.factor[size] * inside + task.bonus[chosen, group].sum(axis=1)
    return worth


def _places(chosen: IntArray) -> Iterator[tuple[int, int]]:
    return combinations(range(chosen.shape[1]), 2)


def _matrix(members: list[IntArray], n_atoms: int) -> csc_array:
    ends = np.cumsum([0] + [len(m) for m in members])
    rows = np.concatenate(members)
    return csc_array((np.ones(rows.size), rows, ends), shape=(n_atoms, len(members)))


def _numbers(task: Task, family: IntArray) -> LinearConstraint:
    """As many groups of each family as there are; fewer where a group may stay empty."""
    kins, counts = np.unique(task.kin, return_counts=True)
    rows = vstack([csc_array((family == kin).astype(np.float64)[None, :]) for kin in kins])
    least = np.where(task.low[kins] == 0, 0, counts)
    return LinearConstraint(rows, least, counts)


def _label(x: FloatArray, columns: _Columns, task: Task, any_number: bool) -> IntArray:
    label = np.full(task.mass.size, -1, dtype=np.int64)
    free = {kin: np.flatnonzero(task.kin == kin).tolist() for kin in np.unique(task.kin).tolist()}
    chosen = np.flatnonzero(x > 0.5)
    if any_number:
        for group, column in enumerate(chosen):
            label[columns.members[column]] = group
        return in_order(label, np.zeros(chosen.size, dtype=np.int64))
    for column in chosen:
        label[columns.members[column]] = free[int(columns.family[column])].pop(0)
    return in_order(label, task.kin)
