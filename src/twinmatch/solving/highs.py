"""HiGHS: linear programmes for rules that are no network, and whole numbers where they are needed.

Huangfu and Hall 2018, "Parallelizing the dual revised simplex method",
doi:10.1007/s12532-017-0130-5.

    n            columns: the m candidates, then any others (a floor, who is placed)
    gain (n,)    what is maximised
    rows         low <= A @ x <= high
"""

from __future__ import annotations

import time
from dataclasses import dataclass
from types import ModuleType
from typing import Any

import numpy as np
import scipy.sparse as sp

from twinmatch.errors import Problem, QuestionError
from twinmatch.solving.blocks import Bools, Floats

WHOLE = 1e-6  # a value this near a whole number is one
FEASIBILITY = 1e-9


@dataclass(frozen=True, eq=False)
class Model:
    """Columns with their bounds, rows with theirs, and which columns are whole in the end."""

    matrix: sp.csr_array
    low: Floats
    high: Floats
    least: Floats
    most: Floats
    whole: Bools

    def with_rows(self, matrix: sp.csr_array, low: Floats, high: Floats) -> Model:
        """The same model with more rows."""
        return Model(
            sp.csr_array(sp.vstack([self.matrix, matrix], format="csr")),
            np.concatenate([self.low, low]),
            np.concatenate([self.high, high]),
            self.least,
            self.most,
            self.whole,
        )


@dataclass(frozen=True, eq=False)
class Outcome:
    """What HiGHS answered: values (n,) and row duals, or None where no answer was found.

    `bound` is the best any answer can reach, as the engine knows it; `proven` whether it says that
    the value is the best, or that there is no answer.
    """

    x: Floats | None
    value: float
    bound: float
    duals: Floats | None
    proven: bool

    @property
    def impossible(self) -> bool:
        """Whether it is proven that no answer keeps the rows."""
        return self.x is None and self.proven


def _highspy() -> ModuleType:
    try:
        import highspy
    except ImportError as error:
        found = f"HiGHS cannot be loaded beside OR-Tools ({error})."
        raise QuestionError(
            Problem("highs", found, do="Install highspy below 1.15, which carries its own HiGHS.")
        ) from error
    module: ModuleType = highspy
    return module


def maximise(
    model: Model, gain: Floats, *, whole: bool, seconds: float | None = None, gap: float = 0.0
) -> Outcome:
    """The best answer of the model, by LP or, with `whole`, by MIP within time and gap."""
    highspy = _highspy()
    engine = _engine(highspy, seconds, gap)
    engine.passModel(_lp(highspy, model, gain, whole))
    engine.run()
    return _outcome(highspy, engine, whole)


def _engine(highspy: ModuleType, seconds: float | None, gap: float) -> Any:
    engine = highspy.Highs()
    engine.setOptionValue("output_flag", False)
    engine.setOptionValue("threads", 1)  # the same answer on every machine
    engine.setOptionValue("random_seed", 0)
    engine.setOptionValue("primal_feasibility_tolerance", FEASIBILITY)
    engine.setOptionValue("dual_feasibility_tolerance", FEASIBILITY)
    engine.setOptionValue("mip_feasibility_tolerance", FEASIBILITY)
    engine.setOptionValue("mip_rel_gap", gap)
    engine.setOptionValue("mip_abs_gap", 1e-9)
    if seconds is not None:
        engine.setOptionValue("time_limit", max(seconds, 0.01))
    return engine


def _lp(highspy: ModuleType, model: Model, gain: Floats, whole: bool) -> Any:
    lp = highspy.HighsLp()
    lp.num_row_, lp.num_col_ = model.matrix.shape
    lp.sense_ = highspy.ObjSense.kMaximize
    lp.col_cost_, lp.col_lower_, lp.col_upper_ = gain, model.least, model.most
    lp.row_lower_, lp.row_upper_ = model.low, model.high
    lp.a_matrix_.format_ = highspy.MatrixFormat.kRowwise
    lp.a_matrix_.start_ = model.matrix.indptr
    lp.a_matrix_.index_ = model.matrix.indices
    lp.a_matrix_.value_ = model.matrix.data
    if whole:
        kinds = (highspy.HighsVarType.kContinuous, highspy.HighsVarType.kInteger)
        lp.integrality_ = [kinds[int(w)] for w in model.whole]
    return lp


def _outcome(highspy: ModuleType, engine: Any, whole: bool) -> Outcome:
    status = engine.getModelStatus()
    kinds = highspy.HighsModelStatus
    solution, info = engine.getSolution(), engine.getInfo()
    if status in (kinds.kInfeasible, kinds.kUnboundedOrInfeasible):
        return Outcome(None, -np.inf, -np.inf, None, True)
    found = info.primal_solution_status == highspy.SolutionStatus.kSolutionStatusFeasible
    done = status == kinds.kOptimal
    if not found or not (done or whole):
        return Outcome(None, -np.inf, np.inf, None, False)
    x = np.array(solution.col_value)
    value = float(info.objective_function_value)
    bound = float(info.mip_dual_bound) if whole else value
    duals = None if whole else np.array(solution.row_dual)
    return Outcome(x, value, bound, duals, done)


def is_whole(x: Floats, columns: Bools) -> bool:
    """Whether these columns are whole numbers, up to `WHOLE`."""
    part = x[columns]
    return bool(np.all(np.abs(part - np.rint(part)) <= WHOLE))


class Clock:
    """The time that is left of what was given; None is without end."""

    def __init__(self, seconds: float | None) -> None:
        self.until = None if seconds is None else time.monotonic() + seconds

    def left(self) -> float | None:
        """Seconds left, at least a moment; None without end."""
        return None if self.until is None else max(self.until - time.monotonic(), 0.01)

    def over(self) -> bool:
        """Whether the time is used up."""
        return self.until is not None and time.monotonic() >= self.until
