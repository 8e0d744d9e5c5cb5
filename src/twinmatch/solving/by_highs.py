"""`solve` where the rules cross: HiGHS LP, and whole numbers by branching only where it is needed.

Objectives are settled one after the other. Each becomes a row (reach what was reached) before the
next is solved. When the last LP answer is whole, it is the best in every level, since an LP bounds
all answers; otherwise the levels are solved again as MIPs, under the LP's bounds.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import scipy.sparse as sp

from twinmatch.errors import Problem, QuestionError
from twinmatch.solving.blocks import Floats
from twinmatch.solving.highs import WHOLE, Clock, Model, Outcome, is_whole, maximise
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


@dataclass(frozen=True, eq=False)
class _Stage:
    """One objective over the columns of the model: its gain, and the rows it needs."""

    name: str
    gain: Floats
    counts: bool


@dataclass(frozen=True, eq=False)
class _Run:
    """The levels reached, the columns, and the row prices of the stage of the total."""

    x: Floats
    levels: tuple[Level, ...]
    prices: Floats | None


def by_highs(question: Question, rows: Rows) -> Solution | None:
    """The best answer found and its bound, or None where it is proven that there is none."""
    clock = Clock(question.seconds)
    model, stages = _model(question, rows)
    relaxed = _in_order(model, stages, clock, whole=False, gap=0.0)
    if relaxed is None:
        return None
    tied = _tie_broken(question, model, stages, relaxed, clock)
    if is_whole(tied, model.whole):
        return _solution(question, rows, tied, relaxed, relaxed, LP)
    best = _in_order(model, stages, clock, whole=True, gap=question.gap)
    if best is None:
        return None
    return _solution(question, rows, best.x, best, relaxed, MIP)


def _model(question: Question, rows: Rows) -> tuple[Model, list[_Stage]]:
    """The columns (candidates, then for a floor: the floor and who is placed) and the stages."""
    if any(name in FAIR for name in question.objectives):
        raise QuestionError(Problem("objective", "no floor yet under several meetings a guest"))
    m = question.m
    ones, none = np.ones(m), np.zeros(m)
    model = Model(rows.matrix, rows.low, rows.high, none, ones, ones.astype(np.bool_))
    stages = [
        _Stage(name, question.gain(name), name != "total")
        for name in question.objectives
        if name not in FAIR
    ]
    return model, stages


def _in_order(
    model: Model, stages: list[_Stage], clock: Clock, *, whole: bool, gap: float
) -> _Run | None:
    """Each stage solved under the locks of those before; None where nothing keeps the rows."""
    levels: list[Level] = []
    prices = x = None
    for stage in stages:
        outcome = maximise(model, stage.gain, whole=whole, seconds=clock.left(), gap=gap)
        if outcome.impossible and not levels:
            return None
        if outcome.x is None:
            raise QuestionError(
                Problem("time", f"no answer was found in the time given ({stage.name})")
            )
        x = outcome.x
        value, bound = _level(stage, outcome)
        levels.append(Level(stage.name, value, max(bound, value)))
        if stage.name == "total" and outcome.duals is not None:
            prices = outcome.duals
        model = _locked(model, stage, value)
    assert x is not None
    return _Run(x, tuple(levels), prices)


def _level(stage: _Stage, outcome: Outcome) -> tuple[float, float]:
    """Value and bound; counts of meetings are whole, so a fractional bound is rounded down."""
    if not stage.counts:
        return outcome.value, outcome.bound
    return float(np.floor(outcome.value + WHOLE)), float(np.floor(outcome.bound + WHOLE))


def _locked(model: Model, stage: _Stage, value: float) -> Model:
    slack = 1e-9 * max(1.0, abs(value))
    row = sp.csr_array(stage.gain[None, :])
    return model.with_rows(row, np.array([value - slack]), np.array([np.inf]))


def _tie_broken(
    question: Question, model: Model, stages: list[_Stage], run: _Run, clock: Clock
) -> Floats:
    """Of the answers as good in every level, the one with early guests at early hosts."""
    for stage, level in zip(stages, run.levels, strict=True):
        model = _locked(model, stage, level.value)
    early = question.early(np.arange(question.m)).astype(np.float64)
    gain = np.zeros(model.matrix.shape[1])
    gain[: question.m] = early / max(float(early.max(initial=1.0)), 1.0)
    outcome = maximise(model, gain, whole=False, seconds=clock.left())
    if outcome.x is None or not is_whole(outcome.x, model.whole):
        return run.x
    return outcome.x


def _solution(
    question: Question, rows: Rows, x: Floats, run: _Run, relaxed: _Run, engine: str
) -> Solution:
    chosen = np.rint(x[: question.m]) > 0
    score = question.candidates.score
    total = float(score[chosen].sum())
    bound = next((level.bound for level in run.levels if level.name == "total"), np.nan)
    bound = max(bound, total)
    gap = gap_between(total, bound)
    open_levels = [v for v in run.levels if gap_between(v.value, v.bound) > max(question.gap, 1e-8)]
    return Solution(
        chosen,
        total,
        bound,
        gap,
        FEASIBLE if open_levels else OPTIMAL,
        engine,
        int(chosen.sum()),
        _duals(question, rows, relaxed.prices),
        run.levels,
    )


def _duals(question: Question, rows: Rows, prices: Floats | None) -> tuple[Floats, ...]:
    found = [np.zeros(len(block)) for block in question.blocks]
    if prices is not None:
        for i in np.flatnonzero(prices[: len(rows)]):
            found[rows.block[i]][rows.row[i]] = prices[i]
    return tuple(found)
