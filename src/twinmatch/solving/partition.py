"""Who should sit with whom: items partitioned into groups, exactly where it can be proven.

Notation: n items, K groups, likeness (n, n), label (n,) the group of each item.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, Literal

import numpy as np
from numpy.typing import ArrayLike

from twinmatch.errors import Problem, QuestionError
from twinmatch.solving.annealing import anneal, group_counts
from twinmatch.solving.blocks import Floats, Ints
from twinmatch.solving.exact import (
    CLOSE,
    MOST_COLUMNS,
    column_count,
    solve_exactly,
    upper_bound,
    upper_bound_of_any_number,
)
from twinmatch.solving.grouping import OBJECTIVES, Band, task_of
from twinmatch.solving.highs import Clock
from twinmatch.solving.model import HUGE, exponent, is_time, numbers

if TYPE_CHECKING:
    import pandas as pd


EFFORT = 2_000  # sweeps, where neither effort nor seconds is given
FEW_COLUMNS = 2_000  # up to so many the proof is quick without
QUICK = 100  # sweeps before an exact proof, which then has less to look through
MOST_COUNTS = 8  # numbers of groups that are tried where sizes leave it open

Status = Literal["optimal", "feasible", "infeasible"]


@dataclass(frozen=True)
class GroupingReason:
    """Why no grouping exists, as data: the rule, the sentence, and the numbers in the sentence."""

    rule: str
    says: str
    numbers: tuple[int, ...] = ()


@dataclass(frozen=True, eq=False, repr=False)
class Partition:
    """A grouping and what is known about it.

    label: (n,) the group of each item, 0 to K - 1; all -1 where there is no grouping.
    score: the objective; bound: what no grouping exceeds; gap: (bound - score) / |score|.
    status: "optimal" proven; "feasible" not proven; "infeasible" proven that none exists, with reasons.
    engine: what found it. complete: False where a limit in seconds cut the search short.
    """

    label: Ints
    score: float
    bound: float
    status: Status
    engine: str
    complete: bool = True
    reasons: tuple[GroupingReason, ...] = ()

    def __repr__(self) -> str:
        found = f"{len(self.label)} items in {self.n_groups} groups"
        return (
            f"<Partition: {self.status}, {found}, score {self.score:.6g}, bound {self.bound:.6g}>"
        )

    def to_frame(self) -> pd.DataFrame:
        """Return one row an item: its group."""
        import pandas as pd

        return pd.DataFrame({"group": self.label}).rename_axis("item")

    def _repr_html_(self) -> str:
        return str(self.to_frame().to_html(max_rows=12))

    @property
    def gap(self) -> float:
        """How far the score may be below the best, relative to itself; nan without a grouping."""
        if self.status == "infeasible":
            return math.nan
        return max(0.0, self.bound - self.score) / max(abs(self.score), 1e-12)

    @property
    def n_groups(self) -> int:
        """The number of groups that have members."""
        return len(np.unique(self.label[self.label >= 0]))

    def members(self, group: int) -> Ints:
        """The items in a group, in ascending order."""
        return np.flatnonzero(self.label == group)


def partition(
    likeness: ArrayLike,
    *,
    sizes: Band | None = None,
    groups: Sequence[Band] | None = None,
    objective: str = "total",
    seconds: float | None = None,
    effort: int | None = None,
    rng: int | np.random.Generator = 0,
    workers: int = 1,
) -> Partition:
    """Partition n items into groups of like items; of unlike ones where the likeness is negated.

    likeness: (n, n) symmetric and finite; its diagonal is not read.
    sizes: (low, high) members of every group, their number left open; or groups: one (low, high) a
    group. Interchangeable groups are numbered by their lowest member.
    objective: "total", the sum over pairs inside groups; "mean", the sum over members of their mean
    likeness to the rest of their group; "squares", the sum over groups of their pairs divided by
    their size.
    effort: sweeps of the search, the budget that gives the same bytes everywhere; seconds: a limit
    by the clock, in which nothing is compiled (a call with `effort` before it does that); 2,000
    sweeps where neither is given. rng: a seed or a numpy Generator. workers: threads; they never
    change the answer, save under a limit in seconds.

    Raises QuestionError with every problem of the question. Sizes that cannot be kept are no error:
    the status is "infeasible" and the reasons say why.
    """
    clock = Clock(seconds)
    worth, problems = _checked_likeness(likeness)
    problems += _wrong_bands(sizes, groups)
    if objective not in OBJECTIVES:
        found, do = f"objective {objective!r} is unknown.", 'Use "total" or "mean".'
        problems.append(Problem("objective-unknown", found, do=do))
    problems += _wrong_limits(seconds, effort, workers)
    if problems:
        raise QuestionError(problems)
    power = exponent(float(np.abs(worth).max(initial=0.0)))
    if effort is None and seconds is None:
        effort = EFFORT
    seed = rng if isinstance(rng, int) else int(rng.integers(2**63))
    asked = _Asked(np.ldexp(worth, -power), objective, effort, clock, seed, workers)
    n_items = len(worth)
    if groups is None:
        assert sizes is not None
        answer = _of_any_number(asked, _at_most(sizes, n_items))
    else:
        answer = _grouped(asked, tuple(_at_most(band, n_items) for band in groups))
    score, bound = (float(np.ldexp(value, power)) for value in (answer.score, answer.bound))
    return replace(answer, score=score, bound=bound)


@dataclass(frozen=True, eq=False)
class _Asked:
    """What is asked of every number of groups: worth (n, n), zero on the diagonal, and the budget."""

    worth: Floats
    objective: str
    effort: int | None
    clock: Clock
    seed: int
    workers: int


# -- checking ----------------------------------------------------------------------------------


def _at_most(band: Band, n_items: int) -> Band:
    """The same band, since no group has more members than there are items."""
    return min(int(band[0]), n_items + 1), min(int(band[1]), n_items + 1)


def _checked_likeness(likeness: ArrayLike) -> tuple[Floats, list[Problem]]:
    try:
        matrix, wrong = numbers(likeness)
    except ValueError:
        return np.zeros((0, 0)), [Problem("likeness-shape", "likeness is no table of numbers.")]
    if matrix.ndim != 2 or matrix.shape[0] != matrix.shape[1]:
        shape = "x".join(map(str, matrix.shape)) or "one value"
        return np.zeros((0, 0)), [Problem("likeness-shape", f"likeness is {shape}, not square.")]
    if wrong is not None:
        found = f"likeness of {' and '.join(map(str, wrong))} is no real number."
        return np.zeros((0, 0)), [Problem("likeness-no-number", found, do="Give a number.")]
    if not len(matrix):
        return matrix, [Problem("likeness-empty", "there is nobody to group.")]
    off = matrix.copy()
    np.fill_diagonal(off, 0.0)  # nobody is compared with oneself, so nothing is asked of it
    if not (np.abs(off) <= HUGE).all():
        i, j = np.argwhere(~(np.abs(off) <= HUGE))[0]
        found = f"likeness of {i} and {j} is {off[i, j]}."
        return off, [Problem("likeness-not-finite", found, do="Decide what an unknown counts.")]
    uneven = np.abs(off - off.T)
    if (uneven > 1e-9 * max(1.0, float(np.abs(off).max()))).any():
        i, j = np.unravel_index(int(uneven.argmax()), uneven.shape)
        found = f"likeness of {i} to {j} is {off[i, j]}, of {j} to {i} is {off[j, i]}."
        return off, [Problem("likeness-not-symmetric", found, do="Take the mean of both.")]
    return (off + off.T) / 2.0, []


def _wrong_bands(sizes: Any, groups: Any) -> list[Problem]:
    if (sizes is None) == (groups is None):
        found = "sizes and groups are both given." if groups is not None else "no sizes are given."
        return [Problem("sizes-or-groups", found, do="Give sizes=(low, high) or groups, not both.")]
    bands = (
        [("sizes", sizes)] if groups is None else [(f"group {g}", b) for g, b in enumerate(groups)]
    )
    if not bands:
        return [Problem("groups-empty", "the list of groups is empty.")]
    least = 1 if groups is None else 0
    problems = []
    for name, band in bands:
        band = tuple(band) if isinstance(band, Iterable) else (band,)
        whole = len(band) == 2 and all(isinstance(v, int | np.integer) for v in band)
        if not (whole and least <= band[0] <= band[1] and band[1] >= 1):
            problems.append(
                Problem(
                    "band-impossible",
                    f"{name}: {band} is no band.",
                    do=f"Give two whole numbers, {least} <= low <= high.",
                )
            )
    return problems


def _wrong_limits(seconds: object, effort: object, workers: object) -> list[Problem]:
    problems = []
    if seconds is not None and not is_time(seconds):
        problems.append(
            Problem("seconds-range", f"seconds is {seconds!r}.", do="Give more than 0.")
        )
    for name, value in (("effort", 1 if effort is None else effort), ("workers", workers)):
        if not isinstance(value, int | np.integer) or value < 1:
            found = f"{name} is {value!r}."
            problems.append(Problem(f"{name}-range", found, do="Give a whole number from 1."))
    return problems


# -- searching ---------------------------------------------------------------------------------


def _of_any_number(asked: _Asked, band: Band) -> Partition:
    """The best over the numbers of groups of a band, with the bound over all of them."""
    n_items = len(asked.worth)
    counts = group_counts(n_items, *band)
    if not counts:
        low, high = band
        says = f"{n_items} items do not divide into groups of {low} to {high}"
        return _nobody(n_items, GroupingReason("sizes", says, (n_items, low, high)))
    tried = _spread(counts, MOST_COUNTS)
    share = None if asked.effort is None else max(1, asked.effort // len(tried))
    found = []
    for done, count in enumerate(tried):
        if done and asked.clock.over():
            break
        left = asked.clock.left()
        clock = Clock(left and left / (len(tried) - done))
        found.append(_grouped(replace(asked, effort=share, clock=clock), (band,) * count))
    bound, all_counts = max(f.bound for f in found), len(found) == len(counts)
    if not all_counts:
        bound = max(bound, upper_bound_of_any_number(asked.worth, asked.objective, band))
    best = min(found, key=lambda f: (-f.score, f.label.tolist()))
    complete = all(f.complete for f in found)
    return _of(best.label, best.score, bound, best.engine, complete=complete, sure=all_counts)


def _spread(counts: range, most: int) -> list[int]:
    """At most so many of the counts, evenly spread, the first and the last among them."""
    if len(counts) <= most:
        return list(counts)
    return sorted({counts[round(k * (len(counts) - 1) / (most - 1))] for k in range(most)})


def _nobody(n_items: int, reason: GroupingReason) -> Partition:
    label = np.full(n_items, -1, dtype=np.int64)
    return Partition(label, -math.inf, -math.inf, "infeasible", "none", reasons=(reason,))


def _of(
    label: Ints, score: float, bound: float, engine: str, *, complete: bool, sure: bool = True
) -> Partition:
    """A grouping, proven where its score reaches a bound that is sure."""
    if sure and bound - score <= CLOSE * max(1.0, abs(score)):
        return Partition(label, score, max(score, bound), "optimal", engine, complete)
    return Partition(label, score, bound, "feasible", engine, complete)


def _grouped(asked: _Asked, bands: tuple[Band, ...]) -> Partition:
    """The partition into groups of the bands given."""
    n_items, n_groups = len(asked.worth), len(bands)
    least, most = (sum(band[k] for band in bands) for k in (0, 1))
    if n_items < least:
        says = f"{n_groups} groups need at least {least} members, and there are {n_items}"
        return _nobody(n_items, GroupingReason("sizes", says, (n_groups, least, n_items)))
    if n_items > most:
        says = f"{n_groups} groups have room for {most}, and there are {n_items}"
        return _nobody(n_items, GroupingReason("sizes", says, (n_groups, most, n_items)))
    task = task_of(asked.worth, bands, asked.objective)
    bound, final = math.inf, None
    columns = column_count(task)
    if columns <= MOST_COLUMNS:
        quick = None
        if columns > FEW_COLUMNS:
            quick = anneal(task, effort=min(asked.effort or QUICK, QUICK), seed=asked.seed).label
        solved = solve_exactly(task, quick, asked.clock.left())
        bound, final = solved.bound, solved.label
        if solved.proven:
            assert final is not None, "groups of these sizes exist"
            score = task.score(final)
            return Partition(final, score, score, "optimal", "set partition")
    found = anneal(
        task,
        effort=asked.effort,
        seconds=asked.clock.left(),
        seed=asked.seed,
        workers=asked.workers,
    )
    label, engine = found.label, "annealing"
    if final is not None and task.score(final) > found.score:
        label, engine = final, "set partition"
    score = task.score(label)
    bound = max(min(bound, upper_bound(asked.worth, asked.objective, bands)), score)
    return _of(label, score, bound, engine, complete=found.complete)
