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
from twinmatch.solving.column_generation import FEW_FROM, FIRST, over_few
from twinmatch.solving.flow import FIRST_ROW, SINK, SOURCE, transport
from twinmatch.solving.flow_engine import Chain, settled
from twinmatch.solving.laminar import Families
from twinmatch.solving.model import (
    FLOW,
    HUGE,
    INFEASIBLE,
    OPTIMAL,
    Advice,
    AssignmentQuestion,
    Level,
    Solution,
    exponent,
    gap_between,
    is_time,
    numbers,
)
from twinmatch.solving.solver import answer, impossible, multiplied

if TYPE_CHECKING:
    import pandas as pd

GAP = 1e-4  # of the total, at which the fair modes may stop and still call it optimal
WEIGHTS = (1.0, 4.0, 16.0, 64.0)  # given to guests below the floor, one after the other
REACHED = 1e-9  # of the floor: what rounding may take from a sum
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

    def _repr_html_(self) -> str:
        return str(self.to_frame().to_html(max_rows=12))


@dataclass(frozen=True, eq=False)
class _Task:
    """The checked arguments: a table (H, G), where a meeting may be (None: everywhere), and limits."""

    score: Floats
    allowed: Bools | None
    demand: Ints
    capacity: Ints
    at_least: Ints

    def candidates(self) -> Candidates:
        """All pairs that may meet, by host and guest."""
        H, G = self.score.shape
        if self.allowed is None:
            host, guest = np.repeat(np.arange(H), G), np.tile(np.arange(G), H)
            return Candidates(host, guest, self.score.ravel(), H, G)
        host, guest = np.nonzero(self.allowed)
        return Candidates(host, guest, self.score[host, guest], H, G)

    def blocks(self, c: Candidates) -> tuple[Block, ...]:
        """The limits as rules over these candidates."""
        return (
            counts("host", c.host, low=self.at_least, high=self.capacity, rows=c.n_hosts),
            counts("guest", c.guest, low=0.0, high=self.demand, rows=c.n_guests),
        )

    def limits(self, host: Ints, guest: Ints) -> Families:
        """The limits of guests and hosts as two families of rules, over these candidates."""
        H, G = self.score.shape
        may = np.ones((H, G), np.bool_) if self.allowed is None else self.allowed
        rows = np.arange(G + H)
        return Families(
            low=np.concatenate([np.zeros(G, dtype=np.int64), self.at_least]),
            high=np.concatenate([self.demand, self.capacity]),
            size=np.concatenate([may.sum(axis=0), may.sum(axis=1)]),
            side=np.repeat([0, 1], [G, H]),
            parent=np.full(G + H, -1),
            leaf=np.stack([guest, G + host]),
            low_from=rows,
            high_from=rows,
        )

    # -- as a source of pairs, see `column_generation` --------------------------------------------

    @property
    def shape(self) -> tuple[int, int]:
        """(G, H)."""
        return self.score.shape[1], self.score.shape[0]

    @property
    def ends(self) -> tuple[Ints, Ints]:
        """The nodes of guests and of hosts."""
        G, H = self.shape
        return FIRST_ROW + np.arange(G), FIRST_ROW + G + np.arange(H)

    def block(self, start: int, stop: int) -> tuple[Floats, Ints, Ints]:
        """The scores of some guests with every host, (B, H), -inf where they may not meet, and their nodes."""
        rows = self.score[:, start:stop].T.copy()
        if self.allowed is not None:
            rows[~self.allowed[:, start:stop].T] = -np.inf
        guests, hosts = self.ends
        return rows, guests[start:stop, None], hosts[None, :]


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

    score (H, G), higher is better, read only where `allowed` (H, G); demand (G,): meetings each guest
    is to get; capacity and at_least (H,): most and fewest meetings of a host, both hard.
    fairness, over each guest's sum of scores: "total" none; "max-min" as many guests served as can
    be, then the worst-off of them; "leximin" then the next worst-off, and so on. seconds bounds the search of the
    fair modes, which may then be "feasible".

    Of answers that are equal in all this the one is taken that gives the lowest guests the lowest
    hosts (sum of (H - h) * (G - g) greatest), so a table of zeros has the answer of lowest ids.
    Scores are counted as integers; `model` states the error, and `bound` holds in any case.

    Where the minima cannot be met the status is "infeasible", with advice. Raises `DataError` with
    every problem of the tables, and `QuestionError` for an unknown fairness.
    """
    if fairness not in FAIRNESS:
        known = ", ".join(FAIRNESS)
        raise QuestionError.of("fairness", f"{fairness!r} is no fairness", do=f"Known: {known}.")
    if seconds is not None and not is_time(seconds):
        raise QuestionError.of("seconds", f"{seconds!r} seconds are no time to solve in")
    task = _task(score, demand, capacity, at_least, allowed)
    power = exponent(
        task.score if task.allowed is None else np.where(task.allowed, task.score, 0.0)
    )
    if power:
        task = replace(task, score=np.ldexp(task.score, -power))
    c, found = _by_total(task)
    if fairness != "total" and found.status != INFEASIBLE:
        c, found = _fair(task, c, found, FAIRNESS[fairness], seconds)
    return _assignment(c, multiplied(found, power))


Found = tuple[Candidates, Solution]
"""An answer, and the candidates that it is of."""


def _fair(
    task: _Task,
    c: Candidates,
    best: Solution,
    objectives: tuple[str, ...],
    seconds: float | None,
) -> Found:
    """The fair modes, from the best total: by flows if these are enough, else by linear programming."""
    if "worst-off" in objectives and best.filled == task.demand.sum():
        raised = _raised(task, c, best)
        if raised is not None:
            return raised
    c = task.candidates()
    return c, answer(AssignmentQuestion(c, task.blocks(c), objectives, None, seconds))


def _raised(task: _Task, c: Candidates, best: Solution) -> Found | None:
    """The best total raised to the highest floor, where weights in a flow reach one that none can pass.

    No guest can have more than the sum of its best allowed scores, so the least of these sums bounds every floor. Guests
    below it get their scores weighted up; each trial is one flow. Where all reach it, the floor is exact, and the total
    is proven by Lagrangian duality (Geoffrion 1974, doi:10.1007/BFb0120690): with weights w_g >= 0 and floor t

        total of any answer with that floor  <=  best total of scores s (1 + w_g)  -  t * sum of w_g
    """
    if best.score <= 0 or not best.filled:
        return None
    asks = np.flatnonzero(task.demand)
    highest = highest_floor(task.score, task.allowed, task.demand)
    enough = highest - REACHED * max(1.0, abs(highest))
    weight, found, bound = np.zeros(len(task.demand)), best, best.bound
    for more in (*WEIGHTS, None):
        host, guest = c.host[found.chosen], c.guest[found.chosen]
        score = task.score[host, guest]
        sums = np.bincount(guest, score, len(weight))
        below = asks[sums[asks] < enough]
        if not len(below):
            break
        if more is None:
            return None
        weight[below] = more
        c, found = _by_total(replace(task, score=task.score * (1.0 + weight)))
        bound = min(bound, found.bound - highest * float(weight.sum()))
    total, floor = float(score.sum()), float(sums[asks].min())
    bound = max(bound, total)
    gap = gap_between(total, bound)
    if gap > GAP:
        return None
    levels = (Level("worst-off", floor, max(highest, floor)),)
    raised = replace(best, chosen=found.chosen, score=total, bound=bound, gap=gap, levels=levels)
    return c, replace(raised, status=OPTIMAL)


def highest_floor(score: Floats, allowed: Bools | None, demand: Ints) -> float:
    """The least, over guests that ask for meetings, of the sum of their best allowed scores."""
    may = score if allowed is None else np.where(allowed, score, -np.inf)
    best = -np.sort(-may, axis=0)[: int(demand.max(initial=0))]
    sums = np.cumsum(best, axis=0)
    asks = np.flatnonzero(demand)
    return float(sums[demand[asks] - 1, asks].min())


def _by_total(task: _Task) -> Found:
    """A flow over few pairs where there are many, else, or where that gives up, over all."""
    G, H = task.shape
    nobody, aims = np.zeros(0, dtype=np.int64), FAIRNESS["total"]
    if G * H >= FEW_FROM:
        rows = transport(task.limits(nobody, nobody), 0)
        filled = rows.most_by_rows()
        rows = rows.with_filled(filled)
        first = max(FIRST, 2 * int(task.demand.max(initial=0)))
        few = over_few(task, rows.network, np.zeros(len(rows.network.tail)), first)
        if few is not None:
            by = np.lexsort((few.guest, few.host))
            host, guest = few.host[by], few.guest[by]
            c = Candidates(host, guest, task.score[host, guest], H, G)
            problem = transport(task.limits(host, guest), len(c))
            chain = Chain(AssignmentQuestion(c, (), aims), problem, filled)
            chain.keep("total", few, np.concatenate([few.flow[by], few.flow[len(by) :]]))
            assert chain.early(), "a flow that holds has an early one"
            return c, _of_chain(chain)
    c = task.candidates()
    question = AssignmentQuestion(c, (), aims)
    found = settled(question, transport(task.limits(c.host, c.guest), len(c)))
    if found is None:
        return c, impossible(replace(question, blocks=task.blocks(c)), FLOW)
    return c, _of_chain(found)


def _of_chain(chain: Chain) -> Solution:
    c, rows = chain.question.candidates, chain.prices[FIRST_ROW:]
    host, guest = chain.prices[SINK] - rows[c.n_guests :], rows[: c.n_guests] - chain.prices[SOURCE]
    return chain.solution(chain.question, (host, guest))


def _assignment(c: Candidates, found: Solution) -> Assignment:
    floors = [level for level in found.levels if level.name in ("worst-off", "leximin")]
    chosen = np.flatnonzero(found.chosen)
    return Assignment(
        np.stack([c.host[chosen], c.guest[chosen]], axis=1),
        found.score,
        found.bound,
        found.gap,
        found.status,
        found.engine,
        Duals(*found.duals),
        floors[0].value if floors else np.nan,
        floors[0].bound if floors else np.nan,
        found.considered or len(c),
        found.advice,
    )


def _task(
    score: npt.ArrayLike,
    demand: npt.ArrayLike,
    capacity: npt.ArrayLike,
    at_least: npt.ArrayLike | None,
    allowed: npt.ArrayLike | None,
) -> _Task:
    """The arguments checked; raises `DataError` with all that is wrong."""
    _array("score", score)
    table, wrong = numbers(score)
    if wrong is not None:
        cell = np.asarray(score, dtype=object)[wrong]
        place = " and ".join(f"{n} {i}" for n, i in zip(("host", "guest"), wrong, strict=False))
        found = f"the score of {place} is {cell!r}, which is no real number"
        raise DataError.of("score", found, do="Give a number.")
    if table.ndim != 2:
        raise DataError.of("shape", f"score has shape {table.shape}, not (hosts, guests)")
    may = np.ones(table.shape, np.bool_) if allowed is None else _array("allowed", allowed)
    problems = list(_table_problems(table, may))
    H, G = table.shape
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
    return _Task(table, None if may.all() else may.astype(np.bool_), **integers)


def _array(name: str, given: npt.ArrayLike) -> npt.NDArray[np.generic]:
    try:
        return np.asarray(given)
    except ValueError:
        raise DataError.of("shape", f"the rows of {name} differ in length") from None


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
