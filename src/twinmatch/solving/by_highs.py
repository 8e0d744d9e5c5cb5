"""`solve` where the rules cross: HiGHS LP, and whole numbers by branching only where it is needed.

Objectives are settled one after the other, each locked before the next. When the LP's last answer
is whole it is the best in every level, as an LP bounds all answers. Otherwise the levels are solved
again in whole numbers: for places filled and for the floor the LP's bound is tried as it stands,
and only where no answer reaches it is the level searched by itself. The MIP sees the columns that
the LPs needed, and then all whose reduced cost lies within the gap that is left, so its bound holds
over all columns.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace

import numpy as np
import scipy.sparse as sp

from twinmatch.errors import Problem, QuestionError
from twinmatch.solving.blocks import Bools, Floats, Ints
from twinmatch.solving.columns import (
    ALL_FROM_START,
    Master,
    feasible_columns,
    first_columns,
)
from twinmatch.solving.floors import Floored, floored
from twinmatch.solving.highs import FEASIBILITY, WHOLE, Clock, Model, Outcome, is_whole, maximise
from twinmatch.solving.laminar import Rows
from twinmatch.solving.question import FAIR, Question
from twinmatch.solving.solution import (
    FEASIBLE,
    LP,
    MIP,
    OPTIMAL,
    Level,
    Solution,
    gap_between,
)

ROUNDS = (
    32  # of leximin, at most: in later ones nearly all sums are fixed and LPs lose their footing
)
ROUND = 20_000  # steps of the simplex in a round, at most; beyond, it is going in circles
MANY = 100_000  # columns, from which the first MIP sees only those that the LP nearly uses
NEAR = 0.05  # of the largest gain: columns this near to being used are in the first MIP
STUCK = 1e-7  # a guest whose floor has at least this price cannot be raised
UNKNOWN = Outcome(None, -np.inf, np.inf, None, False)
ASSUMED = ("filled", *FAIR)  # levels whose LP bound is tried as it stands


@dataclass(frozen=True, eq=False)
class _Stage:
    """One settled objective: its level, the model it was solved on, its gain, and the outcome.

    `after` are the models with the objective locked; leximin has one for each round, the last one
    with the most floors, all others have one. `settled` is, for each of these, how many guests can
    no longer be raised.
    """

    level: Level
    model: Model
    gain: Floats
    outcome: Outcome
    after: tuple[Model, ...]
    columns: Ints
    settled: tuple[int, ...] = ()


def by_highs(question: Question, rows: Rows) -> Solution | None:
    """The best answer found and its bound, or None where it is proven that there is none."""
    clock = Clock(question.seconds)
    given: dict[str, Level] = {}
    while True:
        relaxed = _relaxed(question, rows, clock, given)
        if relaxed is None:
            return None
        last = relaxed[-1]
        if is_whole(_found(last.outcome), last.model.whole):
            return _solution(question, rows, _tie_broken(question, last, clock), relaxed, LP)
        whole = _whole(question, relaxed, clock)
        if whole is not None:
            return _solution(question, rows, _found(whole[-1].outcome), relaxed, MIP, whole)
        # Some level cannot be as high as its LP bound: the first that was assumed is searched.
        assumed = [s for s in relaxed if s.level.name in ASSUMED and s.level.name not in given]
        if not assumed:
            return None
        searched = _branched(assumed[0], assumed[0].columns, question, clock)
        if searched is None:
            return None
        given[assumed[0].level.name] = searched.level


def _found(outcome: Outcome) -> Floats:
    if outcome.x is None:
        raise QuestionError(
            Problem("time", "no answer was found in the time given", do="Give more seconds.")
        )
    return outcome.x


def _relaxed(
    question: Question, rows: Rows, clock: Clock, given: dict[str, Level]
) -> list[_Stage] | None:
    """Each objective by LP under the locks of those before; None where nothing keeps the rows."""
    m = question.m
    model = Model(
        sp.csc_array(rows.matrix), rows.low, rows.high, np.zeros(m), np.ones(m), np.ones(m, bool)
    )
    guest = question.candidates.guest
    columns = _columns(question, model, clock)
    if columns is None:
        return None
    stages: list[_Stage] = []
    filled = -1.0
    for name in question.objectives:
        floor = floored(question, model, filled) if name in FAIR else None
        model = model if floor is None else floor.model
        n = model.matrix.shape[1]
        columns = np.union1d(columns, np.arange(m, n))
        gain = _padded(question.gain(name), n) if floor is None else floor.gain()
        if name == "filled" and question.known is not None and not stages:
            filled = float(question.known.filled)
            model = _locked(model, gain, filled)
            level = Level(name, filled, filled)
            stages.append(_Stage(level, model, gain, UNKNOWN, (model,), columns))
            continue
        master = Master(model, columns, guest, clock)
        outcome = master.best(gain)
        if outcome.impossible and not stages:
            return None
        _found(outcome)
        columns = master.columns
        level = given.get(name) or _level(name, outcome)
        filled = level.value if name == "filled" else filled
        settled: tuple[int, ...] = ()
        last = name == question.objectives[-1]
        after: tuple[Model, ...] = (model,) if last else (_locked(model, gain, level.value),)
        if floor is not None:
            rounds = ROUNDS if name == "leximin" and name not in given else 1
            after, settled = _floors(master, floor, outcome, level.value, rounds)
            columns = master.columns
        stages.append(_Stage(level, model, gain, outcome, after, columns, settled))
        model = after[-1]
    return stages


def _columns(question: Question, model: Model, clock: Clock) -> Ints | None:
    """The columns to begin with, which hold an answer; None where there is none."""
    if question.known is not None and question.m > ALL_FROM_START:
        return question.known.columns
    first = first_columns(question.candidates, question.m)
    return feasible_columns(model, first, question.candidates.guest, clock)


def _padded(gain: Floats, n: int) -> Floats:
    return np.concatenate([gain, np.zeros(n - len(gain))])


def _level(name: str, outcome: Outcome) -> Level:
    """Value and bound; counts of meetings are whole, so what is fractional is rounded down."""
    value, bound = outcome.value, max(outcome.bound, outcome.value)
    if name in ("filled", "fewest changes"):
        value, bound = float(np.floor(value + WHOLE)), float(np.floor(bound + WHOLE))
    return Level(name, value, bound)


def _slack(value: float) -> float:
    """How far a level may fall below what was reached, a little more than HiGHS leaves rows."""
    return 2 * FEASIBILITY + 1e-10 * abs(value)


def _locked(model: Model, gain: Floats, value: float) -> Model:
    row = sp.csc_array(gain[None, :])
    return model.with_rows(row, np.array([value - _slack(value)]), np.array([np.inf]))


def _floors(
    master: Master, floor: Floored, outcome: Outcome, value: float, rounds: int
) -> tuple[tuple[Model, ...], tuple[int, ...]]:
    """The models after each round of leximin, and how many guests are settled in each.

    First there is the floor of all, then of fewer and fewer.

    Rounds take at most half of the time given, so that the rest is left for whole numbers.
    """
    models, settled, n = [floor.at(value - _slack(value))], [0], len(floor.guest)
    enough = master.clock.share(0.5)
    master.engine.setOptionValue("simplex_iteration_limit", ROUND)
    while outcome.price is not None:
        stuck = np.flatnonzero(np.abs(outcome.price[floor.row]) > STUCK)
        settled[-1] = n - len(floor.guest) + len(stuck)
        if not 0 < len(stuck) < len(floor.guest) or len(models) >= rounds or enough.over():
            break
        # Floors of rounds stand side by side, so they get more room than a lock that stands alone.
        rows = floor.row[stuck]
        floor = floor.keeping(stuck, value - 5 * _slack(value))
        master.move_to(floor.model, rows, floor.column)
        outcome = master.best(floor.gain())
        if outcome.x is None:
            break
        value = outcome.value
        models.append(floor.at(value - 5 * _slack(value)))
        settled.append(settled[-1])
    return tuple(models), tuple(settled)


def _whole(question: Question, relaxed: Sequence[_Stage], clock: Clock) -> list[_Stage] | None:
    """All objectives in whole numbers, at the LP's bound where that may be assumed.

    None where no answer is as good as assumed.
    """
    fair = next((i for i, s in enumerate(relaxed) if len(s.after) > 1), None)
    if fair is None:
        return _climbed(question, relaxed, clock)
    rounds = relaxed[fair].after
    low, high = 0, len(rounds)  # so many rounds are known to hold; so many are not asked
    best: list[_Stage] | None = None
    trial = high  # all floors first: mostly they hold
    while low < high:
        held = replace(relaxed[fair], after=rounds[:trial], settled=relaxed[fair].settled[:trial])
        found = _climbed(question, [*relaxed[:fair], held, *relaxed[fair + 1 :]], clock)
        if found is None:
            high = trial - 1
        else:
            low, best = trial, found
        trial = (low + high + 1) // 2
    return best


def _climbed(question: Question, relaxed: Sequence[_Stage], clock: Clock) -> list[_Stage] | None:
    stages: list[_Stage] = []
    columns, model, searched = relaxed[-1].columns, relaxed[0].model, False
    for stage in relaxed:
        if stage.level.name in ASSUMED and stage is not relaxed[-1] and not searched:
            model = stage.after[-1]
            stages.append(stage)
            continue
        at = stage
        if searched:
            at = _moved(question, stage, model, stages)
        elif model is not stage.model and stages:
            # With fewer floors than the LP had, its prices and bound are of another model.
            anew = Master(model, columns, question.candidates.guest, clock).best(stage.gain)
            if anew.impossible:
                return None
            at = replace(stage, model=model, outcome=anew)
        done = _branched(at, columns, question, clock)
        if done is None:
            return None
        columns, searched = done.columns, True
        stages.append(done)
        model = done.after[-1]
    return stages


def _moved(question: Question, stage: _Stage, model: Model, before: Sequence[_Stage]) -> _Stage:
    """The stage on a model whose earlier levels were searched, so that its LP says nothing more."""
    if stage.level.name in FAIR:
        filled = next(s.level.value for s in before if s.level.name == "filled")
        floor = floored(question, model, filled)
        model, gain = floor.model, floor.gain()
    else:
        gain = _padded(question.gain(stage.level.name), model.matrix.shape[1])
    return _Stage(stage.level, model, gain, UNKNOWN, (), stage.columns)


def _branched(stage: _Stage, columns: Ints, question: Question, clock: Clock) -> _Stage | None:
    """One objective by MIP over the columns it can need; None where it is proven to have no answer."""
    model, n = stage.model, stage.model.matrix.shape[1]
    rest, lp_bound = _reduced(model, stage), stage.outcome.bound
    every = np.union1d(columns[columns < n], np.arange(question.m, n))
    columns = every if rest is None or n < MANY else _near(rest, every, stage, question.m)
    while True:
        part = maximise(
            model.take(columns),
            stage.gain[columns],
            whole=True,
            seconds=clock.left(),
            gap=question.gap,
        )
        if part.x is None and not part.proven:
            _found(part)
        left = np.inf if part.x is None else max(lp_bound - part.value, 0.0)
        if left <= question.gap * abs(lp_bound) or clock.over() or len(columns) == n:
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
        if len(columns) < n:
            _found(part)
        return None
    covered = len(columns) == n or (
        rest is not None and bool(np.all(rest[_out(columns, n)] < -left))
    )
    bound = min(part.bound, lp_bound) if covered else lp_bound
    x = np.zeros(n)
    x[columns] = part.x
    outcome = Outcome(x, part.value, max(bound, part.value), None, part.proven)
    level = _level(stage.level.name, outcome)
    after = (_locked(model, stage.gain, level.value),)
    return _Stage(level, model, stage.gain, outcome, after, np.union1d(columns, every))


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


def _reduced(model: Model, stage: _Stage) -> Floats | None:
    """(n,) what each column would bring by the LP's prices; None where these are of other rows."""
    price = stage.outcome.price
    if price is None or len(price) != model.matrix.shape[0]:
        return None
    rest: Floats = stage.gain - model.matrix.T @ price
    return rest


def _tie_broken(question: Question, last: _Stage, clock: Clock) -> Floats:
    """Of the answers as good in every level, the one with early guests at early hosts.

    Left out on large questions, where it would cost as much as the answer.
    """
    x, n = _found(last.outcome), last.model.matrix.shape[1]
    if n > ALL_FROM_START:
        return x
    model = _locked(last.model, last.gain, last.level.value)
    early = question.early(np.arange(question.m)).astype(np.float64)
    gain = _padded(early / max(float(early.max(initial=1.0)), 1.0), n)
    outcome = maximise(model, gain, whole=False, seconds=clock.left())
    if outcome.x is None or not is_whole(outcome.x, model.whole):
        return x
    return outcome.x


def _solution(
    question: Question,
    rows: Rows,
    x: Floats,
    relaxed: Sequence[_Stage],
    engine: str,
    whole: Sequence[_Stage] | None = None,
) -> Solution:
    chosen = np.rint(x[: question.m]) > 0
    total = float(question.candidates.score[chosen].sum())
    levels = tuple(stage.level for stage in (whole or relaxed))
    bound = next((max(v.bound, total) for v in levels if v.name == "total"), np.nan)
    reached = (
        *(_reached(question, chosen, v) for v in levels),
        *_settled(question, chosen, whole or relaxed),
    )
    unit = float(np.abs(question.candidates.score).max(initial=0.0))
    # A floor under guests who may be left without is held by whole numbers that are a little off.
    room = 1e-5 * max(unit, 1.0)
    # What a level before may fall short by has a price, of up to two meetings: one is gained for another one lost.
    slack = 4 * max(2 * unit, 1.0)
    open_levels = [
        v
        for v in reached
        if v.bound - v.value
        > max(
            question.gap * max(abs(v.bound), unit),
            room if v.name in FAIR else slack * max(_slack(w.bound) for w in reached),
        )
    ]
    price = next((s.outcome.price for s in relaxed if s.level.name == "total"), None)
    return Solution(
        chosen,
        total,
        bound,
        gap_between(total, bound, unit),
        FEASIBLE if open_levels else OPTIMAL,
        engine,
        int(chosen.sum()),
        _duals(question, rows, price),
        reached,
    )


def _settled(question: Question, chosen: Bools, stages: Sequence[_Stage]) -> Iterable[Level]:
    """For leximin, how many of the guests are proven to be as high as they can be."""
    for stage in stages:
        if stage.level.name == "leximin" and stage.settled:
            placed = len(np.unique(question.candidates.guest[chosen]))
            yield Level("guests settled", float(min(stage.settled[-1], placed)), float(placed))


def _reached(question: Question, chosen: Bools, level: Level) -> Level:
    """The level with the value that the chosen meetings truly have."""
    if level.name not in FAIR:
        value = float(question.gain(level.name)[chosen].sum())
    else:
        c = question.candidates
        sums = np.bincount(c.guest[chosen], c.score[chosen], c.n_guests)
        placed = np.bincount(c.guest[chosen], minlength=c.n_guests) > 0
        # With nobody placed no floor is too high.
        value = float(sums[placed].min()) if placed.any() else level.bound
    return Level(level.name, value, max(level.bound, value))


def _duals(question: Question, rows: Rows, price: Floats | None) -> tuple[Floats, ...]:
    found = [np.zeros(len(block)) for block in question.blocks]
    if price is not None:
        for i in np.flatnonzero(price[: len(rows)]):
            found[rows.block[i]][rows.row[i]] = price[i]
    return tuple(found)
