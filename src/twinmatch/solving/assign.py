"""`assign`: who meets whom, from a table of scores, demands and capacities.

score (H, G)    higher is better
demand (G,)     meetings each guest is to get
capacity (H,)   most meetings of each host;  at_least (H,) its fewest, a hard rule
allowed (H, G)  where a meeting may be
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from twinmatch.errors import DataError, Problem, QuestionError, Where
from twinmatch.solving.blocks import Block, Bools, Candidates, Floats, Ints, counts
from twinmatch.solving.column_generation import Limits, PricedAssignment, priced
from twinmatch.solving.flow import FIRST_ROW, SINK, SOURCE, bipartite
from twinmatch.solving.flow_engine import Chain, settled
from twinmatch.solving.model import (
    FEASIBLE,
    FLOW,
    INFEASIBLE,
    OPTIMAL,
    PRICED,
    Advice,
    AssignmentQuestion,
    Known,
    Solution,
    gap_between,
)
from twinmatch.solving.scaling import HUGE, exponent, is_time, numbers, tolerance
from twinmatch.solving.scores import (
    Lifted,
    ScoreBlocks,
    ScoreTable,
    Weighted,
    blocks_of,
    candidates_of,
    lifted,
)
from twinmatch.solving.shortage import shortage, undercuts
from twinmatch.solving.solver import answer

if TYPE_CHECKING:
    import pandas as pd

PRICED_FROM = 200_000  # pairs; below, one flow over all of them is as quick
NEAR_EACH = 6  # candidates a host and a guest with which the fair modes begin
GAP = 1e-4  # of the total, at which the fair modes may stop and still call it optimal
FAIRNESS = {
    "total": ("filled", "total"),
    "max-min": ("filled", "worst-off", "total"),
    "leximin": ("filled", "leximin", "total"),
}


@dataclass(frozen=True, eq=False)
class Duals:
    """What one more place at a host (H,), and one more wish of a guest (G,), is worth in score.

    Negative at a host that is held to its minimum, and at a guest whose last meeting costs others
    more than it brings (places are filled before the total counts).
    """

    host: Floats
    guest: Floats


@dataclass(frozen=True, eq=False)
class Assignment:
    """The answer of `assign`.

    pairs (m, 2): host and guest of each meeting, sorted. score: their total. bound: no answer that
    fills as many places (and has as high a floor) scores more. gap: (bound - score) / |bound|.
    status: "optimal" (proven up to the stated rounding), "feasible" (gap told) or "infeasible"
    (`advice` says why; score, bound and gap are nan). engine: which one answered. floor: with
    "max-min" and "leximin" the sum of scores of the worst-off guest that has a meeting, else nan;
    floor_bound: the best that any answer with as many meetings can reach. duals: prices, in the
    fair modes those of the total alone. considered: how many pairs the engine held; all others are
    covered by the proof without it.
    """

    pairs: Ints
    score: float
    bound: float
    gap: float
    status: str
    engine: str
    duals: Duals
    floor: float = np.nan
    floor_bound: float = np.nan
    considered: int = 0
    advice: tuple[Advice, ...] = field(default=())

    def __repr__(self) -> str:
        return (
            f"Assignment({self.status}, {len(self.pairs)} meetings, score {self.score:.6g}, "
            f"bound {self.bound:.6g}, {self.engine})"
        )

    def to_frame(self) -> pd.DataFrame:
        """Return one row a meeting: the index of its host and of its guest."""
        import pandas as pd

        return pd.DataFrame(self.pairs, columns=["host", "guest"])


@dataclass(frozen=True, eq=False)
class _Task:
    """The checked arguments."""

    scores: ScoreBlocks
    limits: Limits
    largest: float  # score, whatever its sign

    def candidates(self) -> Candidates:
        """All pairs that may meet, by host and guest."""
        return candidates_of(self.scores)

    def blocks(self, c: Candidates) -> list[Block]:
        """The limits as rules over these candidates."""
        limits = self.limits
        return [
            counts("host", c.host, low=limits.at_least, high=limits.capacity, rows=c.n_hosts),
            counts("guest", c.guest, low=0.0, high=limits.demand, rows=c.n_guests),
        ]


def assign(
    score: npt.ArrayLike | ScoreBlocks,
    demand: npt.ArrayLike,
    capacity: npt.ArrayLike,
    *,
    at_least: npt.ArrayLike | None = None,
    allowed: npt.ArrayLike | None = None,
    fairness: str = "total",
    seconds: float | None = None,
) -> Assignment:
    """Who meets whom: places filled first, then the fairness asked for, then the total score.

    score (H, G), higher is better, read only where `allowed` (H, G), or `ScoreBlocks` that are
    read some guests at a time; demand (G,): meetings each guest is to get; capacity and at_least (H,): most and fewest meetings of a host, both hard.
    fairness, over each guest's sum of scores: "total" none; "max-min" as many guests served as can
    be, then the worst-off of them; "leximin" then the next worst-off, and so on. seconds bounds the search of the
    fair modes, which may then be "feasible".

    Of answers that are equal in all this the one is taken that gives the lowest guests the lowest
    hosts (sum of (H - h) * (G - g) greatest), so a table of zeros has the answer of lowest ids.
    Scores are counted as integers; `scaling` states the error, and `bound` holds in any case.

    Where the minima cannot be met the status is "infeasible", with advice. Raises `DataError` with
    every problem of the tables, and `QuestionError` for an unknown fairness.
    """
    if fairness not in FAIRNESS:
        known = ", ".join(FAIRNESS)
        raise QuestionError(
            Problem("fairness", f"{fairness!r} is no fairness", do=f"Known: {known}.")
        )
    if seconds is not None and not is_time(seconds):
        raise QuestionError(Problem("seconds", f"{seconds!r} seconds are no time to solve in"))
    task = _task(score, demand, capacity, at_least, allowed)
    power = exponent(task.largest)
    if power:
        task = replace(task, scores=_divided(task.scores, power))
    found = _by_total(task) if fairness == "total" else _fair(task, FAIRNESS[fairness], seconds)
    return _multiplied(found, power) if power else found


def _divided(scores: ScoreBlocks, power: int) -> ScoreBlocks:
    if not isinstance(scores, ScoreTable):
        return Weighted(scores, np.zeros(scores.n_guests), power)
    score = scores.score if scores.allowed is None else np.where(scores.allowed, scores.score, 0.0)
    return ScoreTable(np.ldexp(score, -power), scores.allowed)


def _multiplied(found: Assignment, power: int) -> Assignment:
    """The answer in the unit of the scores as they were given."""
    return replace(
        found,
        score=float(np.ldexp(found.score, power)),
        bound=float(np.ldexp(found.bound, power)),
        floor=float(np.ldexp(found.floor, power)),
        floor_bound=float(np.ldexp(found.floor_bound, power)),
        duals=Duals(np.ldexp(found.duals.host, power), np.ldexp(found.duals.guest, power)),
    )


def _fair(task: _Task, objectives: tuple[str, ...], seconds: float | None) -> Assignment:
    """The fair modes, from where the best total stands: by flows if that is enough, else by LP."""
    best = _by_total(task)
    if best.status == INFEASIBLE:
        return best
    if "worst-off" in objectives and len(best.pairs) == task.limits.demand.sum():
        raised = _raised(task, best)
        if raised is not None:
            return raised
    c = task.candidates()
    blocks = tuple(task.blocks(c))
    known = Known(len(best.pairs), _nearly_used(c, best))
    question = AssignmentQuestion(c, blocks, objectives, None, seconds, GAP, known)
    return _assignment(c, answer(question))


def _raised(task: _Task, best: Assignment) -> Assignment | None:
    """The worst-off guest first, where weights in a flow reach a floor that none can pass."""
    if best.score <= 0 or not len(best.pairs):
        return None

    def sums_of(pairs: Ints) -> Floats:
        score = _scores_of(task.scores, pairs)
        return np.bincount(pairs[:, 1], score, task.scores.n_guests).astype(np.float64)

    def best_total(scores: ScoreBlocks) -> Lifted:
        found = _by_total(replace(task, scores=scores))
        return Lifted(found.pairs, np.nan, found.bound)

    start = Lifted(best.pairs, np.nan, best.bound)
    found = lifted(task.scores, task.limits.demand, start, sums_of, best_total)
    if found is None:
        return None
    score = float(_scores_of(task.scores, found.pairs).sum())
    bound = max(found.bound, score)
    if gap_between(score, bound) > GAP:
        return None
    floor = float(sums_of(found.pairs)[task.limits.demand > 0].min())
    return replace(
        best,
        pairs=found.pairs,
        score=score,
        bound=bound,
        gap=gap_between(score, bound),
        status=OPTIMAL,
        floor=floor,
        floor_bound=max(found.floor, floor),
    )


def _scores_of(scores: ScoreBlocks, pairs: Ints) -> Floats:
    """(n,) the scores of these pairs of host and guest."""
    if isinstance(scores, ScoreTable):
        picked: Floats = scores.score[pairs[:, 0], pairs[:, 1]]
        return picked
    found = np.zeros(len(pairs))
    for first, rows in blocks_of(scores):
        here = np.flatnonzero((pairs[:, 1] >= first) & (pairs[:, 1] < first + len(rows)))
        found[here] = rows[pairs[here, 1] - first, pairs[here, 0]]
    return found


def _nearly_used(c: Candidates, best: Assignment) -> Ints:
    """The candidates of the best total, and those that its prices put nearest to being chosen."""
    rest = c.score - best.duals.host[c.host] - best.duals.guest[c.guest]
    n = min(NEAR_EACH * (c.n_hosts + c.n_guests), len(c))
    nearest = np.argpartition(-rest, n - 1)[:n] if n else np.zeros(0, dtype=np.int64)
    used = np.searchsorted(c.host * c.n_guests + c.guest, best.pairs @ [c.n_guests, 1])
    return np.union1d(nearest, used)


def _by_total(task: _Task) -> Assignment:
    """A flow over few pairs where there are many, else, or where that gives up, over all."""
    limits = task.limits
    if task.scores.n_hosts * task.scores.n_guests >= PRICED_FROM:
        found = priced(task.scores, limits)
        if found is not None:
            return _from_priced(found)
    c = task.candidates()
    question = AssignmentQuestion(c, (), ("filled", "total"), None, None, 0.0)
    problem = bipartite(c.guest, c.host, limits.demand, limits.at_least, limits.capacity)
    chain = settled(question, problem)
    if chain is None or chain.flow is None:
        return _impossible(c, task.blocks(c))
    return _from_chain(c, chain)


def _from_priced(found: PricedAssignment) -> Assignment:
    total = float(found.score.sum())
    bound = max(found.bound, total)
    return Assignment(
        np.stack([found.host, found.guest], axis=1),
        total,
        bound,
        gap_between(total, bound),
        _status(found.score, total, bound, found.step),
        PRICED,
        Duals(found.host_price, found.guest_price),
        considered=found.considered,
    )


def _status(score: Floats, total: float, bound: float, step: float) -> str:
    return OPTIMAL if bound - total <= tolerance(score, len(score), step) else FEASIBLE


def _from_chain(c: Candidates, chain: Chain) -> Assignment:
    assert chain.flow is not None
    chosen = np.flatnonzero(chain.flow[: len(c)])
    score = c.score[chosen]
    total, bound = float(score.sum()), chain.levels[-1].bound
    rows = chain.prices[FIRST_ROW:]
    return Assignment(
        np.stack([c.host[chosen], c.guest[chosen]], axis=1),
        total,
        bound,
        gap_between(total, bound),
        _status(score, total, bound, chain.step),
        FLOW,
        Duals(chain.prices[SINK] - rows[c.n_guests :], rows[: c.n_guests] - chain.prices[SOURCE]),
        considered=len(c),
    )


def _assignment(c: Candidates, solution: Solution) -> Assignment:
    floors = [level for level in solution.levels if level.name in ("worst-off", "leximin")]
    chosen = np.flatnonzero(solution.chosen)
    return Assignment(
        np.stack([c.host[chosen], c.guest[chosen]], axis=1),
        solution.score,
        solution.bound,
        solution.gap,
        solution.status,
        solution.engine,
        Duals(*solution.duals),
        floors[0].value if floors else np.nan,
        floors[0].bound if floors else np.nan,
        len(c),
        solution.advice,
    )


def _impossible(c: Candidates, blocks: list[Block]) -> Assignment:
    advice: tuple[Advice, ...] = (*undercuts(c, blocks), *shortage(c, blocks))
    nothing = np.zeros((0, 2), dtype=np.int64)
    prices = Duals(np.zeros(c.n_hosts), np.zeros(c.n_guests))
    return Assignment(nothing, np.nan, np.nan, np.nan, INFEASIBLE, FLOW, prices, advice=advice)


def _task(
    score: npt.ArrayLike | ScoreBlocks,
    demand: npt.ArrayLike,
    capacity: npt.ArrayLike,
    at_least: npt.ArrayLike | None,
    allowed: npt.ArrayLike | None,
) -> _Task:
    """The arguments checked; raises `DataError` with all that is wrong."""
    scores, largest, problems = _scores(score, allowed)
    H, G = scores.n_hosts, scores.n_guests
    limits = {
        "demand": (demand, G),
        "capacity": (capacity, H),
        "at_least": (np.zeros(H) if at_least is None else at_least, H),
    }
    whole = {name: _array(name, given) for name, (given, _) in limits.items()}
    for name, (_, size) in limits.items():
        problems += _limit_problems(name, whole[name], size)
    if not problems:
        problems += _demand_problems(whole["demand"], H)
    if problems:
        raise DataError(problems)
    # No host can have more meetings than there are guests, so larger limits say the same.
    integers = {
        name: np.minimum(values.astype(np.float64), max(H, G) + 1).astype(np.int64)
        for name, values in whole.items()
    }
    return _Task(scores, Limits(**integers), largest)


def _array(name: str, given: npt.ArrayLike) -> npt.NDArray[np.generic]:
    try:
        return np.asarray(given)
    except ValueError:
        raise DataError(Problem("shape", f"the rows of {name} differ in length")) from None


def _scores(
    score: npt.ArrayLike | ScoreBlocks, allowed: npt.ArrayLike | None
) -> tuple[ScoreBlocks, float, list[Problem]]:
    """The scores as blocks, the largest of them, and what is wrong; raises where they have no shape."""
    if isinstance(score, ScoreBlocks):
        if allowed is not None:
            found = "allowed is given beside scores by block"
            raise DataError(Problem("allowed", found, do="Let forbidden pairs score -inf."))
        largest = 0.0
        told: list[Problem] = []
        for first, rows in blocks_of(score):
            told += _block_problems(first, rows)
            largest = max(largest, float(np.abs(rows).max(initial=0.0, where=rows > -np.inf)))
        return score, largest, told
    _array("score", score)
    table, wrong = numbers(score)
    if wrong is not None:
        cell = np.asarray(score, dtype=object)[wrong]
        place = " and ".join(f"{n} {i}" for n, i in zip(("host", "guest"), wrong, strict=False))
        found = f"the score of {place} is {cell!r}, which is no real number"
        raise DataError(Problem("score", found, do="Give a number."))
    if table.ndim != 2:
        raise DataError(Problem("shape", f"score has shape {table.shape}, not (hosts, guests)"))
    may = None if allowed is None else _array("allowed", allowed)
    problems = list(_table_problems(table, np.ones(table.shape, np.bool_) if may is None else may))
    if may is None or problems or may.all():
        return ScoreTable(table, None), float(np.abs(table).max(initial=0.0)), problems
    some = may.astype(np.bool_)
    return ScoreTable(table, some), float(np.abs(table).max(initial=0.0, where=some)), problems


def _block_problems(first: int, rows: Floats) -> Iterable[Problem]:
    unknown = np.argwhere(~((np.abs(rows) <= HUGE) | (rows == -np.inf)))
    if len(unknown):
        b, h = unknown[0]
        found = f"the score of host {h} and guest {first + b} is {rows[b, h]}"
        yield Problem("score", found, do="Give a finite score, or -inf where no meeting may be.")


def _table_problems(table: Floats, may: npt.NDArray[np.generic]) -> Iterable[Problem]:
    if may.dtype != np.bool_ or may.shape != table.shape:
        found = f"allowed is {may.dtype} of shape {may.shape}, not bool of shape {table.shape}"
        yield Problem("allowed", found)
        return
    unknown: Bools = np.asarray(may, dtype=np.bool_) & ~(np.abs(table) <= HUGE)
    if unknown.any():
        h, g = np.argwhere(unknown)[0]
        found = f"the score of host {h} and guest {g} is {table[h, g]}"
        yield Problem(
            "score",
            f"{found} ({int(unknown.sum())} such scores)",
            do="Give a finite score, or do not allow the meeting.",
        )


def _limit_problems(name: str, values: npt.NDArray[np.generic], size: int) -> Iterable[Problem]:
    where = Where(column=name)
    if values.shape != (size,):
        yield Problem("shape", f"shape {values.shape}, not ({size},)", where)
        return
    if values.dtype.kind not in "biuf":
        yield Problem("limit", f"{name} holds {values.dtype}, not whole numbers", where)
        return
    numbers = values.astype(np.float64)
    bad = ~((numbers >= 0) & (numbers == np.rint(numbers)) & np.isfinite(numbers))
    for i in np.flatnonzero(bad):
        yield Problem("limit", f"{name}[{i}] is {values[i]}, not a whole number from 0", where)


def _demand_problems(demand: npt.NDArray[np.generic], H: int) -> Iterable[Problem]:
    for g in np.flatnonzero(demand.astype(np.float64) > H):
        yield Problem(
            "demand",
            f"guest {g} asks for {demand[g]} meetings, and there are {H} hosts",
            Where(column="demand"),
            "A guest meets a host once.",
        )
