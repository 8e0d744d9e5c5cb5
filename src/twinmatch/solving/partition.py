"""Who should sit with whom: items partitioned into groups, exactly where it can be proven.

Notation: n items, K groups, likeness (n, n), label (n,) the group of each item.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Literal, Unpack

import numpy as np
from numpy.typing import ArrayLike

from twinmatch.errors import Problem
from twinmatch.solving.annealing import anneal, group_counts
from twinmatch.solving.blocks import Ints
from twinmatch.solving.exact import (
    CLOSE,
    MOST_COLUMNS,
    Solved,
    column_count,
    solve_exactly,
    upper_bound,
    upper_bound_of_any_number,
)
from twinmatch.solving.grouping import Band, GroupingQuestion, GroupWishes, Task, ask, task_of
from twinmatch.solving.initial_grouping import GroupingReason, first_grouping, why_none
from twinmatch.solving.kernels import Limit
from twinmatch.solving.model import exponent, is_time

if TYPE_CHECKING:
    import pandas as pd


EFFORT = 2_000  # sweeps, where neither effort nor seconds is given
FEW_COLUMNS = 2_000  # up to so many the proof is quick without
QUICK = 100  # sweeps before an exact proof, which then has less to look through
MOST_COUNTS = 8  # numbers of groups that are tried where sizes leave it open

Status = Literal["optimal", "feasible", "infeasible", "unknown"]


@dataclass(frozen=True, eq=False, repr=False)
class Partition:
    """A grouping and what is known about it.

    label: (n,) the group of each item, 0 to K - 1; all -1 where there is no grouping.
    score: the objective; bound: what no grouping exceeds; gap: (bound - score) / |score|.
    status: "optimal" proven; "feasible" not proven; "infeasible" proven that none exists, with
    reasons; "unknown" none found and none ruled out within the limits.
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
        if self.status in ("infeasible", "unknown"):
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
    **wishes: Unpack[GroupWishes],
) -> Partition:
    """Partition n items into groups of like items, or of unlike ones with alike=False.

    likeness: (n, n) symmetric and finite; its diagonal is not read.
    sizes: (low, high) members of every group, their number left open; or groups: one (low, high) a
    group. Interchangeable groups are numbered by their lowest member.
    objective: "total", the sum over pairs inside groups; "mean", the sum over members of their mean
    likeness to the rest of their group; "squares", the sum over groups of their pairs divided by
    their size. wishes: bonus (n, K), the score of an item in a group; allowed (n, K) bool; fixed
    (n,) group or -1; all three need groups; together and apart, pairs of items; rules, see
    `attributes`; alike=False takes the likeness off the score in place of adding it.
    effort: sweeps of the search, the budget that gives the same bytes everywhere; seconds: a limit
    by the clock, in which nothing is compiled (a call with `effort` before it does that); 2,000
    sweeps where neither is given. rng: a seed or a numpy Generator. workers: threads; they never
    change the answer, save under a limit in seconds.

    Raises QuestionError with every problem of the question. Rules that cannot be kept are no error:
    the status is "infeasible" and the reasons say why.
    """
    wrong = _wrong_limits(seconds, effort, workers)
    limit = None if seconds is None or wrong else Limit(seconds)
    question = ask(likeness, sizes=sizes, groups=groups, objective=objective, more=wrong, **wishes)
    seed = rng if isinstance(rng, int) else int(rng.integers(2**63))
    given = [t for t in (question.worth, question.bonus) if t is not None]
    power = exponent(max(float(np.abs(table).max(initial=0.0)) for table in given))
    if power:
        bonus_ = None if question.bonus is None else np.ldexp(question.bonus, -power)
        question = replace(question, worth=np.ldexp(question.worth, -power), bonus=bonus_)
    left = None if limit is None else limit.left()
    found = answer(question, effort=effort, seconds=left, seed=seed, workers=workers)
    if not power:
        return found
    score, bound = (float(np.ldexp(value, power)) for value in (found.score, found.bound))
    return replace(found, score=score, bound=bound)


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


def answer(
    question: GroupingQuestion,
    *,
    effort: int | None = None,
    seconds: float | None = None,
    seed: int = 0,
    workers: int = 1,
) -> Partition:
    """The partition that answers a checked question; limits as in `partition`."""
    whole = None if seconds is None else Limit(seconds)
    if effort is None and seconds is None:
        effort = EFFORT
    if question.bands is not None:
        return _grouped(question, question.bands, effort, seconds, seed, workers)
    assert question.band is not None
    counts = group_counts(question.n_items, *question.band)
    if not counts:
        return _nobody(question, _no_count(question.n_items, question.band))
    tried = _spread(counts, MOST_COUNTS)
    share = None if effort is None else max(1, effort // len(tried))
    found = []
    for done, count in enumerate(tried):
        if whole is not None and whole.spent() >= 1.0 and done:
            break
        limit = None if whole is None else whole.left() / (len(tried) - done)
        bands = (question.band,) * count
        found.append(_grouped(question, bands, share, limit, seed, workers))
    return _best(found, all_counts=len(found) == len(counts), question=question)


def _spread(counts: range, most: int) -> list[int]:
    """At most so many of the counts, evenly spread, the first and the last among them."""
    if len(counts) <= most:
        return list(counts)
    return sorted({counts[round(k * (len(counts) - 1) / (most - 1))] for k in range(most)})


def _no_count(n_items: int, band: Band) -> GroupingReason:
    low, high = band
    says = f"{n_items} items do not divide into groups of {low} to {high}"
    return GroupingReason("sizes", says, (n_items, low, high))


def _best(found: list[Partition], *, all_counts: bool, question: GroupingQuestion) -> Partition:
    """The best over several numbers of groups, with the bound over all of them."""
    bound = max(f.bound for f in found)
    if not all_counts:
        assert question.band is not None
        bound = max(bound, upper_bound_of_any_number(question, question.band))
    seated = [f for f in found if f.status in ("optimal", "feasible")]
    if not seated:
        unknown = [f for f in found if f.status == "unknown"]
        return unknown[0] if unknown else found[0]
    best = min(seated, key=lambda f: (-f.score, f.label.tolist()))
    proven = all_counts and bound - best.score <= CLOSE * max(1.0, abs(best.score))
    return Partition(
        best.label,
        best.score,
        best.score if proven else bound,
        "optimal" if proven else "feasible",
        best.engine,
        all(f.complete for f in found),
    )


def _nobody(
    question: GroupingQuestion,
    *reasons: GroupingReason,
    unknown: bool = False,
    complete: bool = True,
) -> Partition:
    label = np.full(question.n_items, -1, dtype=np.int64)
    bound = math.inf if unknown else -math.inf
    status: Status = "unknown" if unknown else "infeasible"
    return Partition(label, -math.inf, bound, status, "none", complete, reasons)


def _grouped(
    question: GroupingQuestion,
    bands: tuple[Band, ...],
    effort: int | None,
    seconds: float | None,
    seed: int,
    workers: int,
) -> Partition:
    """The partition into groups of the bands given."""
    limit = None if seconds is None else Limit(seconds)
    task = task_of(question, bands)
    start, none = _start(question, task, bands, seed, limit)
    columns = column_count(task)
    if none is not None and (none.status == "infeasible" or columns > MOST_COLUMNS):
        return none
    bound, final = math.inf, None
    if columns <= MOST_COLUMNS:
        quick = None
        if none is None and columns > FEW_COLUMNS:
            quick = anneal(task, start, effort=min(effort or QUICK, QUICK), seed=seed).label
        solved = solve_exactly(task, quick, None if limit is None else limit.left())
        if solved.proven:
            return _proven(question, task, bands, solved)
        bound, final = solved.bound, solved.label
        if none is not None and final is None:
            return none
    found = anneal(
        task,
        start if none is None else final,
        effort=effort,
        seconds=None if limit is None else limit.left(),
        seed=seed,
        workers=workers,
    )
    label, engine = found.label, "annealing"
    if final is not None and task.score(final) > found.score:
        label, engine = final, "set partition"
    elif found.score == -math.inf:
        return _nobody(question, unknown=True, complete=found.complete)
    score = task.score(label)
    bound = max(min(bound, upper_bound(question, bands)), score)
    proven = bound - score <= CLOSE * max(1.0, abs(score))
    status: Status = "optimal" if proven else "feasible"
    return Partition(label[task.atom], score, bound, status, engine, found.complete)


def _start(
    question: GroupingQuestion, task: Task, bands: tuple[Band, ...], seed: int, limit: Limit | None
) -> tuple[Ints | None, Partition | None]:
    """A grouping of the atoms that keeps every rule, None where the search makes its own; and the
    answer where none was found."""
    fits = sum(low for low, _ in bands) <= question.n_items <= sum(high for _, high in bands)
    if task.plain and fits and np.isfinite(task.bonus).all():
        return None, None
    seconds = None if limit is None else limit.left()
    first = first_grouping(question, bands, seed=seed % 2**31, seconds=seconds)
    if first.label is not None:
        start = np.zeros(task.mass.size, dtype=np.int64)
        start[task.atom] = first.label
        return start, None
    if first.proven:
        return None, _nobody(question, *why_none(question, bands))
    return None, _nobody(question, unknown=True)


def _proven(
    question: GroupingQuestion, task: Task, bands: tuple[Band, ...], solved: Solved
) -> Partition:
    if solved.label is None:
        return _nobody(question, *why_none(question, bands))
    score = task.score(solved.label)
    return Partition(solved.label[task.atom], score, score, "optimal", "set partition")
