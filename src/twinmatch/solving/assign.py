"""`assign`: who meets whom, from a table of scores, demands and capacities.

score (H, G)    higher is better
demand (G,)     meetings each guest is to get
capacity (H,)   most meetings of each host;  at_least (H,) its fewest, a hard rule
allowed (H, G)  where a meeting may be
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field

import numpy as np
import numpy.typing as npt

from twinmatch.errors import DataError, Problem, QuestionError, Where
from twinmatch.solving.blocks import Block, Bools, Candidates, Floats, Ints, counts
from twinmatch.solving.by_flow import Chain, filled_and
from twinmatch.solving.certificate import tolerance
from twinmatch.solving.laminar import Families
from twinmatch.solving.question import Question
from twinmatch.solving.scaling import scaled
from twinmatch.solving.shortage import shortage, undercuts
from twinmatch.solving.solution import (
    FEASIBLE,
    FLOW,
    INFEASIBLE,
    OPTIMAL,
    Advice,
    Solution,
    gap_between,
)
from twinmatch.solving.solver import solve
from twinmatch.solving.transport import FIRST_ROW, SINK, SOURCE, transport

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
    floor_bound: the best that any answer with as many meetings can reach.
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
    advice: tuple[Advice, ...] = field(default=())

    def __repr__(self) -> str:
        return (
            f"Assignment({self.status}, {len(self.pairs)} meetings, score {self.score:.6g}, "
            f"bound {self.bound:.6g}, {self.engine})"
        )


@dataclass(frozen=True, eq=False)
class _Task:
    """The checked arguments: candidates in order of host and guest, and the limits as integers."""

    candidates: Candidates
    demand: Ints
    capacity: Ints
    at_least: Ints

    def blocks(self) -> list[Block]:
        """The limits as rules."""
        c = self.candidates
        return [
            counts("host", c.host, low=self.at_least, high=self.capacity, rows=c.n_hosts),
            counts("guest", c.guest, low=0.0, high=self.demand, rows=c.n_guests),
        ]


def assign(
    score: npt.ArrayLike,
    demand: npt.ArrayLike,
    capacity: npt.ArrayLike,
    *,
    at_least: npt.ArrayLike | None = None,
    allowed: npt.ArrayLike | None = None,
    fairness: str = "total",
    seconds: float | None = None,
) -> Assignment:
    """Who meets whom: places filled first, then the fairness asked for, then the total score.

    score (H, G), higher is better, read only where `allowed` (H, G); demand (G,): meetings each
    guest is to get; capacity and at_least (H,): most and fewest meetings of a host, both hard.
    fairness, over each guest's sum of scores: "total" none; "max-min" the worst-off guest that has
    a meeting first; "leximin" then the next worst-off, and so on. seconds bounds the search of the
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
    task = _task(score, demand, capacity, at_least, allowed)
    if fairness == "total":
        return _by_total(task)
    solution = solve(task.candidates, task.blocks(), objectives=FAIRNESS[fairness], seconds=seconds)
    return _assignment(task, solution)


def _by_total(task: _Task) -> Assignment:
    """The flow of hosts and guests, built at once as its shape is known."""
    question = Question(task.candidates, (), ("filled", "total"), None, None, 0.0)
    possible = np.all(task.at_least <= task.capacity)
    chain = filled_and(question, transport(_families(task), question.m)) if possible else None
    if chain is None or chain.flow is None:
        return _impossible(task)
    return _from_chain(task, chain)


def _families(task: _Task) -> Families:
    """Guests on the side that feeds, hosts on the side that collects."""
    c = task.candidates
    n = c.n_guests + c.n_hosts
    rows = np.arange(n)
    return Families(
        low=np.concatenate([np.zeros(c.n_guests, np.int64), task.at_least]),
        high=np.concatenate([task.demand, task.capacity]),
        size=np.full(n, len(c)),
        side=(rows >= c.n_guests).astype(np.int64),
        parent=np.full(n, -1),
        leaf=np.stack([c.guest, c.n_guests + c.host]),
        low_from=rows,
        high_from=rows,
    )


def _from_chain(task: _Task, chain: Chain) -> Assignment:
    assert chain.flow is not None
    c = task.candidates
    chosen = np.flatnonzero(chain.flow[: len(c)])
    total = float(c.score[chosen].sum())
    bound = chain.levels[-1].bound
    guests = FIRST_ROW + np.arange(c.n_guests)
    hosts = FIRST_ROW + c.n_guests + np.arange(c.n_hosts)
    price = chain.prices
    proven = bound - total <= tolerance(c.score, len(chosen), scaled(c.score).step)
    return Assignment(
        np.stack([c.host[chosen], c.guest[chosen]], axis=1),
        total,
        bound,
        gap_between(total, bound),
        OPTIMAL if proven else FEASIBLE,
        FLOW,
        Duals(price[SINK] - price[hosts], price[guests] - price[SOURCE]),
    )


def _assignment(task: _Task, solution: Solution) -> Assignment:
    c = task.candidates
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
        solution.advice,
    )


def _impossible(task: _Task) -> Assignment:
    blocks = task.blocks()
    advice: tuple[Advice, ...] = (
        *undercuts(task.candidates, blocks),
        *shortage(task.candidates, blocks),
    )
    nothing = np.zeros((0, 2), dtype=np.int64)
    prices = Duals(np.zeros(task.candidates.n_hosts), np.zeros(task.candidates.n_guests))
    return Assignment(nothing, np.nan, np.nan, np.nan, INFEASIBLE, FLOW, prices, advice=advice)


def _task(
    score: npt.ArrayLike,
    demand: npt.ArrayLike,
    capacity: npt.ArrayLike,
    at_least: npt.ArrayLike | None,
    allowed: npt.ArrayLike | None,
) -> _Task:
    """The arguments checked; raises `DataError` with all that is wrong."""
    table = np.asarray(score, dtype=np.float64)
    if table.ndim != 2:
        raise DataError(Problem("shape", f"score has shape {table.shape}, not (hosts, guests)"))
    H, G = table.shape
    may = np.ones((H, G), np.bool_) if allowed is None else np.asarray(allowed)
    problems = list(_table_problems(table, may))
    limits = {
        "demand": (demand, G),
        "capacity": (capacity, H),
        "at_least": (np.zeros(H) if at_least is None else at_least, H),
    }
    whole = {name: np.asarray(given) for name, (given, _) in limits.items()}
    for name, (_, size) in limits.items():
        problems += _limit_problems(name, whole[name], size)
    if not problems:
        problems += _demand_problems(whole["demand"], H)
    if problems:
        raise DataError(problems)
    host, guest = np.nonzero(may)
    values = table.ravel() if allowed is None else table[host, guest]
    limit = {name: values.astype(np.int64) for name, values in whole.items()}
    return _Task(Candidates(host, guest, values, H, G), **limit)


def _table_problems(table: Floats, may: npt.NDArray[np.generic]) -> Iterable[Problem]:
    if may.dtype != np.bool_ or may.shape != table.shape:
        found = f"allowed is {may.dtype} of shape {may.shape}, not bool of shape {table.shape}"
        yield Problem("allowed", found)
        return
    unknown: Bools = may & ~np.isfinite(table)
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
    numbers = values.astype(np.float64)
    bad = ~((numbers >= 0) & (numbers == np.rint(numbers)) & np.isfinite(numbers))
    for i in np.flatnonzero(bad):
        yield Problem("limit", f"{name}[{i}] is {values[i]}, not a whole number from 0", where)


def _demand_problems(demand: npt.NDArray[np.generic], H: int) -> Iterable[Problem]:
    for g in np.flatnonzero(demand.astype(np.int64) > H):
        yield Problem(
            "demand",
            f"guest {g} asks for {demand[g]} meetings, and there are {H} hosts",
            Where(column="demand"),
            "A guest meets a host once.",
        )
