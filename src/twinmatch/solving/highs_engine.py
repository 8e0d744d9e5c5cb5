"""`solve` where the rules cross: HiGHS LP, and whole numbers by branching only where it is needed.

Objectives are settled one after the other, each locked before the next. Where an LP's answer is whole
it is the best of its level, as an LP bounds all answers. Where it is not, the level is searched by
MIP; but for places filled, guests served and the floor the LP's bound is tried first as it stands,
and only where no answer reaches it is the level searched. The MIP sees the columns that the LPs
needed, and then all whose reduced cost lies within the gap that is left, so its bound holds over all.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

import numpy as np

from twinmatch.errors import QuestionError
from twinmatch.solving.blocks import Bools, Floats, Ints
from twinmatch.solving.column_generation import (
    ALL_FROM_START,
    Master,
    feasible_columns,
    first_columns,
)
from twinmatch.solving.highs import (
    FEASIBILITY,
    WHOLE,
    Clock,
    Guests,
    LinearOutcome,
    Model,
    base_model,
    guests_of,
    is_whole,
    maximise,
    with_floor,
    with_placed,
    with_smallest,
    with_sums,
)
from twinmatch.solving.laminar import RuleRows
from twinmatch.solving.model import (
    FAIR,
    FEASIBLE,
    LP,
    MIP,
    OPTIMAL,
    AssignmentQuestion,
    Level,
    Solution,
    gap_between,
    upper_bound,
)

MANY = 100_000  # columns, from which the first MIP sees only those that the LP nearly uses
NEAR = 0.05  # of the largest gain: columns this near to being used are in the first MIP
GAP = 1e-4  # relative gap at which a MIP may stop and still be called optimal
SMALL = 2_000  # candidates up to which a search goes on to the very best
STEPS = 4_000  # rows that the steps of leximin may add; each step has one for each guest
COUNTS = ("filled", "served", "fewest changes")  # levels with whole values
ASSUMED = (
    "filled",
    "served",
    "worst-off",
    "leximin",
)  # levels whose LP bound is tried as it stands


class _OutOfReachError(Exception):
    """No whole answer was found that is as good as assumed."""


@dataclass(frozen=True, eq=False)
class _Stage:
    """One settled objective: its level, the model it was solved on, its gain, and the outcome.

    smallest: for a step of leximin how many of the smallest sums are added up, else 0. assumed:
    whether the value is the LP's bound, which no whole answer is known to reach. price: of the LP's rows.
    """

    level: Level
    model: Model
    gain: Floats
    outcome: LinearOutcome
    columns: Ints
    smallest: int = 0
    assumed: bool = False
    price: Floats | None = None


def by_highs(question: AssignmentQuestion, rows: RuleRows) -> Solution | None:
    """The best answer found and its bound, or None where it is proven that there is none."""
    clock = Clock(question.seconds)
    searched: dict[str, Level] = {}
    while True:
        ladder = _Ladder(question, rows, clock, searched)
        try:
            if not ladder.climb():
                return None
        except _OutOfReachError:
            # Some level cannot be as high as its LP bound: the first that was assumed is searched.
            first = next((s for s in ladder.stages if s.assumed), None)
            if first is not None:
                try:
                    searched[first.level.name] = ladder.branched(first).level
                    continue
                except _OutOfReachError:
                    pass
            if ladder.stages and first is not ladder.stages[0]:
                raise _too_hard() from None
            return None
        return ladder.solution()


class _Ladder:
    """The objectives in their order, each locked before the next."""

    def __init__(
        self, question: AssignmentQuestion, rows: RuleRows, clock: Clock, searched: dict[str, Level]
    ) -> None:
        self.question, self.clock, self.searched = question, clock, searched
        self.model, self.rows, self.priced = base_model(question.blocks, rows, question.m)
        self.columns: Ints = np.zeros(0, dtype=np.int64)
        self.stages: list[_Stage] = []
        self.guests: Guests | None = None
        self.master: Master | None = None

    def climb(self) -> bool:
        """Settle every objective; False where nothing keeps the rows."""
        columns = self._first_columns()
        if columns is None:
            return False
        self.columns = columns
        for name in self.question.objectives:
            for model, gain, smallest in self._steps(name):
                stage = self._settled(name, model, gain, smallest)
                if stage is None:
                    return False
                self.stages.append(stage)
                self.columns = stage.columns
                if name == "leximin" or name != self.question.objectives[-1]:
                    # Before the total no column is fixed: its duals are the prices of the rules.
                    model = _fixed(stage) if name == "total" else model
                    self.model = _locked(model, gain, stage.level.value)
                    if self.master is not None:
                        self.master.lock(self.model, gain)
        return True

    def _first_columns(self) -> Ints | None:
        """The columns to begin with, which hold an answer; None where there is none."""
        question = self.question
        n = self.model.matrix.shape[1]
        first = first_columns(question.candidates, n)
        return feasible_columns(self.model, first, question.candidates.guest, self.clock)

    # -- what is maximised, step by step ----------------------------------------------------------

    def _steps(self, name: str) -> Iterator[tuple[Model, Floats, int]]:
        """The model and the gain of each step of an objective; only leximin has several."""
        if name == "served":
            if not self._all_filled() and self.question.most_each.any():
                self.guests, model, gain = with_placed(guests_of(self.question), self.model)
                yield model, gain, 0
        elif name in FAIR:
            guests = self.guests or guests_of(self.question)
            if not len(guests):
                return
            served, every = self._served(len(guests))
            model, gain = with_floor(guests, self.model, every)
            yield model, gain, 1
            if name == "leximin":
                yield from self._leximin(guests, served, every)
        else:
            yield self.model, self._gain(name), 0

    def _gain(self, name: str) -> Floats:
        """(n,) what each column of the model adds to an objective that is a sum over meetings."""
        gain = _padded(self.question.gain(name), self.model.matrix.shape[1])
        if name == "total":
            gain[: len(self.priced)] += self.priced
        return gain

    def _leximin(
        self, guests: Guests, served: int, every: bool
    ) -> Iterator[tuple[Model, Floats, int]]:
        """The steps after the floor, until all guests are settled or the effort is spent."""
        first = self.model.matrix.shape[1]
        self.model = with_sums(guests, self.model, every)
        for k in range(2, min(served, max(STEPS // len(guests), 1)) + 1):
            if self.clock.over() or (
                not self.stages[-1].outcome.proven and not self.stages[-1].assumed
            ):
                return
            yield *with_smallest(guests, self.model, first, k), k

    def _all_filled(self) -> bool:
        """Whether every guest has all the meetings that it can have."""
        filled = self._value("filled")
        return filled is not None and filled >= self.question.most_each.sum() - WHOLE

    def _served(self, most: int) -> tuple[int, bool]:
        """How many guests have a meeting, and whether all do that can."""
        if self._all_filled():
            return most, True
        served = self._value("served" if self.guests else "filled")
        return (0, False) if served is None else (round(served), round(served) >= most)

    def _value(self, name: str) -> float | None:
        return next((s.level.value for s in self.stages if s.level.name == name), None)

    # -- one step ---------------------------------------------------------------------------------

    def _settled(self, name: str, model: Model, gain: Floats, smallest: int) -> _Stage | None:
        """One step settled; None where it is the first and nothing keeps the rows."""
        question = self.question
        master = self._master(name, model, gain)
        outcome = master.best(gain)
        if outcome.impossible and not self.stages:
            return None
        if outcome.x is None:
            raise _OutOfReachError if outcome.impossible or self._assumed() else _too_hard()
        known_level = self.searched.get(name) if smallest < 2 else None
        stage = _Stage(
            known_level or _level(name, outcome),
            model,
            gain,
            outcome,
            master.columns,
            smallest,
            price=outcome.price,
        )
        if known_level is not None:
            return stage
        if is_whole(outcome.x, model.whole):
            return replace(stage, level=self._true(stage))
        if name in ASSUMED and smallest < 2 and name != question.objectives[-1]:
            return replace(stage, assumed=True)
        return self.branched(stage)

    def _master(self, name: str, model: Model, gain: Floats) -> Master:
        """HiGHS with a model: where it stands after the level before, if that changed nothing but a lock.

        Places are filled along the total score: its best answer most often fills them all.
        """
        if self.master is None or self.master.model is not model:
            columns = np.union1d(self.columns, np.arange(self.question.m, model.matrix.shape[1]))
            self.master = Master(model, columns, self.question.candidates.guest, self.clock)
            if name == "filled":
                self.master.start_from(gain + self._gain("total"))
        return self.master

    def _true(self, stage: _Stage) -> Level:
        """The level with the value that the meetings of a whole answer have, free of rounding where big factors stand."""
        assert stage.outcome.x is not None
        chosen = np.rint(stage.outcome.x[: self.question.m]) > 0
        return _reached(self.question, chosen, stage)

    def _assumed(self) -> bool:
        return any(stage.assumed for stage in self.stages)

    def branched(self, stage: _Stage) -> _Stage:
        """A step by MIP over the columns it can need; raises `_OutOfReachError` where it has no answer."""
        question, clock, self.master = self.question, self.clock, None
        gap = GAP if question.m > SMALL and not stage.smallest else 0.0
        model, n = stage.model, stage.model.matrix.shape[1]
        rest, lp_bound = _reduced(stage), stage.outcome.bound
        every = np.union1d(stage.columns[stage.columns < n], np.arange(question.m, n))
        columns = every if rest is None or n < MANY else _near(rest, every, stage, question.m)
        while True:
            part = maximise(
                model.take(columns), stage.gain[columns], whole=True, seconds=clock.left(), gap=gap
            )
            if part.x is None and not part.proven:
                break
            left = np.inf if part.x is None else max(lp_bound - part.value, 0.0)
            if left <= gap * abs(lp_bound) or clock.over() or len(columns) == n:
                break
            if part.x is not None:
                needed = np.arange(n) if rest is None else np.flatnonzero(rest >= -left)
            else:
                # Nothing over these columns says nothing over all: twice as many, nearest first.
                nearest = np.arange(n) if rest is None else np.argsort(-rest, kind="stable")
                needed = np.union1d(every, nearest[: 2 * len(columns)])
            wider = np.union1d(columns, needed)
            if len(wider) == len(columns):
                break
            columns = wider
        if part.x is None:
            proven = part.proven and len(columns) == n
            raise (
                _OutOfReachError
                if proven or (self._assumed() and not stage.assumed)
                else _too_hard()
            )
        covered = len(columns) == n or (
            rest is not None and bool(np.all(rest[_out(columns, n)] < -left))
        )
        bound = min(part.bound, lp_bound) if covered else lp_bound
        x = np.zeros(n)
        x[columns] = part.x
        outcome = LinearOutcome(x, part.value, max(bound, part.value), None, part.proven)
        level = _level(stage.level.name, outcome)
        columns = np.union1d(columns, every)
        price = stage.outcome.price
        found = _Stage(level, model, stage.gain, outcome, columns, stage.smallest, price=price)
        return replace(found, level=self._true(found))

    # -- the answer -------------------------------------------------------------------------------

    def solution(self) -> Solution:
        """The answer of the last stage, with its proof."""
        question, last = self.question, self.stages[-1]
        engine = LP if all(s.outcome.price is not None for s in self.stages) else MIP
        x = _tie_broken(question, last, self.clock) if engine == LP else last.outcome.x
        assert x is not None
        chosen = np.rint(x[: question.m]) > 0
        score = question.candidates.score
        total = float(score[chosen].sum()) - question.cost(chosen)
        unit = float(np.abs(score).max(initial=0.0))
        levels = [_reached(question, chosen, stage) for stage in self.stages]
        open_levels = [not _close(question, level, levels, unit) for level in levels]
        told = [v for v, s in zip(levels, self.stages, strict=True) if s.smallest < 2]
        if "leximin" in question.objectives:
            served = len(np.unique(question.candidates.guest[chosen]))
            settled = 0
            for stage, loose in zip(self.stages, open_levels, strict=True):
                if stage.level.name == "leximin":
                    if loose:
                        break
                    settled = stage.smallest
            open_levels.append(min(settled, served) < served)
            told.append(Level("guests settled", float(min(settled, served)), float(served)))
        bound = next((max(v.bound, total) for v in levels if v.name == "total"), np.nan)
        price = next((s.price for s in self.stages if s.level.name == "total"), None)
        return Solution(
            chosen,
            total,
            bound,
            gap_between(total, bound, unit),
            FEASIBLE if any(open_levels) else OPTIMAL,
            engine,
            int(chosen.sum()),
            _duals(question, self.rows, price),
            tuple(told),
        )


def _too_hard() -> QuestionError:
    found = "No answer was found within the effort or the time given, and none was ruled out."
    return QuestionError.of("time", found, do="Give more seconds, or loosen a rule.")


def _padded(gain: Floats, n: int) -> Floats:
    return np.concatenate([gain, np.zeros(n - len(gain))])


def _level(name: str, outcome: LinearOutcome) -> Level:
    """Value and bound; counts of meetings are whole, so what is fractional is rounded down."""
    value, bound = outcome.value, max(outcome.bound, outcome.value)
    if name in COUNTS:
        value, bound = float(np.floor(value + WHOLE)), float(np.floor(bound + WHOLE))
    return Level(name, value, bound)


def _slack(value: float) -> float:
    """How far a level may fall below what was reached, a little more than HiGHS leaves rows."""
    return 2 * FEASIBILITY + 1e-10 * abs(value)


def _locked(model: Model, gain: Floats, value: float) -> Model:
    return model.at_least(gain, value - _slack(value))


def _fixed(stage: _Stage) -> Model:
    """The model of a level with every whole column fixed that no answer within its lock has otherwise.

    An answer that has it otherwise falls below the bound by its reduced cost: more than the lock leaves.
    """
    model, price, rest = stage.model, stage.outcome.price, _reduced(stage)
    if price is None or rest is None:
        return model
    bound = upper_bound(
        stage.gain, model.matrix, model.low, model.high, price, model.least, model.most
    )
    value = stage.level.value
    room = 2 * (bound - value + _slack(value))
    out, sure = model.whole & (rest < -room), model.whole & (rest > room)
    return replace(
        model,
        most=np.where(out, model.least, model.most),
        least=np.where(sure, model.most, model.least),
    )


def _near(rest: Floats, every: Ints, stage: _Stage, m: int) -> Ints:
    """Of these columns those that the LP uses or nearly does, and all after the candidates."""
    x = stage.outcome.x
    used = np.zeros(len(every), dtype=np.bool_) if x is None else x[every] > WHOLE
    unit = float(np.abs(stage.gain).max(initial=0.0))
    return every[used | (rest[every] >= -NEAR * unit) | (every >= m)]


def _out(columns: Ints, n: int) -> Bools:
    """(n,) true for columns that are not among these."""
    out = np.ones(n, dtype=np.bool_)
    out[columns] = False
    return out


def _reduced(stage: _Stage) -> Floats | None:
    """(n,) what each column would bring by the LP's prices; None where these are of other rows."""
    price = stage.outcome.price
    if price is None or len(price) != stage.model.matrix.shape[0]:
        return None
    rest: Floats = stage.gain - stage.model.matrix.T @ price
    return rest


def _tie_broken(question: AssignmentQuestion, last: _Stage, clock: Clock) -> Floats | None:
    """Of the answers as good in every level, the one with early guests at early hosts.

    Left out on large questions, where it would cost as much as the answer.
    """
    x, n = last.outcome.x, last.model.matrix.shape[1]
    if n > ALL_FROM_START:
        return x
    model = _locked(_fixed(last), last.gain, last.level.value)
    early = question.early(np.arange(question.m)).astype(np.float64)
    gain = _padded(early / max(float(early.max(initial=1.0)), 1.0), n)
    outcome = maximise(model, gain, whole=False, seconds=clock.left())
    if outcome.x is None or not is_whole(outcome.x, model.whole):
        return x
    return outcome.x


def _close(
    question: AssignmentQuestion, level: Level, levels: Sequence[Level], unit: float
) -> bool:
    """Whether a level has reached its bound, up to the gap that is allowed and to rounding."""
    if level.name in FAIR:
        room = 1e-6 * max(unit * float(question.most_each.max(initial=1)), 1.0)
    else:
        gap = GAP if question.m > SMALL else 1e-9
        # What a level before may fall short by has a price, of up to two meetings: one is gained for another one lost.
        slack = 4 * max(2 * unit, 1.0) * max(_slack(v.bound) for v in levels)
        room = max(gap * max(abs(level.bound), unit), slack)
    return level.bound - level.value <= room


def _reached(question: AssignmentQuestion, chosen: Bools, stage: _Stage) -> Level:
    """The level with the value that the chosen meetings truly have."""
    level, c = stage.level, question.candidates
    if level.name == "served":
        value = float(len(np.unique(c.guest[chosen])))
    elif level.name in FAIR:
        sums = np.bincount(c.guest[chosen], c.score[chosen], c.n_guests)
        placed = np.bincount(c.guest[chosen], minlength=c.n_guests) > 0
        # With nobody placed no floor is too high.
        smallest = np.sort(sums[placed])[: max(stage.smallest, 1)]
        value = float(smallest.sum()) if placed.any() else level.bound
    else:
        cost = question.cost(chosen) if level.name == "total" else 0.0
        value = float(question.gain(level.name)[chosen].sum()) - cost
    return Level(level.name, value, max(level.bound, value))


def _duals(
    question: AssignmentQuestion, rows: RuleRows, price: Floats | None
) -> tuple[Floats, ...]:
    found = [np.zeros(len(block)) for block in question.blocks]
    if price is not None:
        for i in np.flatnonzero(price[: len(rows)]):
            found[rows.block[i]][rows.row[i]] = price[i]
    return tuple(found)
