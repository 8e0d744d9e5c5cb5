"""HiGHS: linear programmes for rules that are no network, and whole numbers where they are needed.

Huangfu and Hall 2018, "Parallelizing the dual revised simplex method",
doi:10.1007/s12532-017-0130-5.

    n                   columns: the m candidates, then any others (a floor, who is placed)
    A (r, n)            rows  low <= A @ x <= high
    least, most (n,)    bounds of the columns
    gain (n,)           what is maximised
    price (r,)          of the rows, so that gain - price @ A is what each column would still bring
"""

from __future__ import annotations

import importlib
import time
from dataclasses import dataclass, replace
from types import ModuleType
from typing import Any

import numpy as np
import scipy.sparse as sp

from twinmatch.errors import Problem, QuestionError
from twinmatch.solving.blocks import Bools, Floats, Ints

WHOLE = 1e-6  # a value this near a whole number is one
FEASIBILITY = 1e-7  # how far HiGHS may leave a row; tighter made its simplex stall
EFFORT = (
    2e8  # entries of the matrix that the nodes of one search may look at: the same on every machine
)
NODES = (500, 50_000)  # fewest and most nodes of a search


@dataclass(frozen=True, eq=False)
class Model:
    """Columns with their bounds, rows with theirs, and which columns are whole in the end."""

    matrix: sp.csc_array
    low: Floats
    high: Floats
    least: Floats
    most: Floats
    whole: Bools

    def with_rows(self, matrix: sp.csc_array, low: Floats, high: Floats) -> Model:
        """The same model with more rows below."""
        return replace(
            self,
            matrix=below(self.matrix, matrix),
            low=np.concatenate([self.low, low]),
            high=np.concatenate([self.high, high]),
        )

    def with_columns(self, n: int, *, least: float, most: float, whole: bool) -> Model:
        """The same model with n more columns, which stand in no row yet."""
        rows = self.matrix.shape[0]
        return replace(
            self,
            matrix=sp.csc_array(sp.hstack([self.matrix, sp.csc_array((rows, n))], format="csc")),
            least=np.concatenate([self.least, np.full(n, least)]),
            most=np.concatenate([self.most, np.full(n, most)]),
            whole=np.concatenate([self.whole, np.full(n, whole)]),
        )

    def take(self, columns: Ints) -> Model:
        """The model of these columns only."""
        return replace(
            self,
            matrix=sp.csc_array(self.matrix[:, columns]),
            least=self.least[columns],
            most=self.most[columns],
            whole=self.whole[columns],
        )


def below(upper: sp.csc_array, lower: sp.csc_array) -> sp.csc_array:
    """The rows of one matrix under those of another; several times as quick as `scipy.vstack`."""
    in_upper, in_lower = np.diff(upper.indptr), np.diff(lower.indptr)
    indptr = upper.indptr.astype(np.int64) + lower.indptr
    at_upper = np.arange(upper.nnz) + np.repeat(lower.indptr[:-1].astype(np.int64), in_upper)
    at_lower = np.arange(lower.nnz) + np.repeat(upper.indptr[1:].astype(np.int64), in_lower)
    data = np.empty(upper.nnz + lower.nnz)
    indices = np.empty(len(data), dtype=np.int32)
    data[at_upper], data[at_lower] = upper.data, lower.data
    indices[at_upper], indices[at_lower] = upper.indices, lower.indices + upper.shape[0]
    shape = (upper.shape[0] + lower.shape[0], upper.shape[1])
    return sp.csc_array((data, indices, indptr.astype(np.int32)), shape=shape)


@dataclass(frozen=True, eq=False)
class LinearOutcome:
    """What HiGHS answered: values (n,) and prices (r,), None where no answer was found.

    `bound` is the best any answer can reach, as the engine knows it; `proven` whether the value is
    the best, or, without an answer, that there is none.
    """

    x: Floats | None
    value: float
    bound: float
    price: Floats | None
    proven: bool

    @property
    def impossible(self) -> bool:
        """Whether it is proven that no answer keeps the rows."""
        return self.x is None and self.proven


class Clock:
    """The time that is left of what was given; None is without end."""

    def __init__(self, seconds: float | None) -> None:
        self.until = None if seconds is None else time.monotonic() + seconds

    def left(self) -> float | None:
        """Seconds left, at least a moment; None without end."""
        return None if self.until is None else max(self.until - time.monotonic(), 0.01)

    def share(self, part: float) -> Clock:
        """A clock over this part of what is left."""
        left = self.left()
        return Clock(None if left is None else part * left)

    def over(self) -> bool:
        """Whether the time is used up."""
        return self.until is not None and time.monotonic() >= self.until


def highspy() -> ModuleType:
    """The engine, imported where it is used; says what to do where it cannot be."""
    try:
        module: ModuleType = importlib.import_module("highspy")
    except ImportError as error:
        found = f"HiGHS cannot be loaded beside OR-Tools ({error})."
        raise QuestionError(
            Problem("highs", found, do="Install highspy below 1.15, which carries its own HiGHS.")
        ) from error
    return module


def loaded(
    model: Model, gain: Floats, *, whole: bool, seconds: float | None = None, gap: float = 0.0
) -> Any:
    """A HiGHS instance with the model in it, set to give the same answer on every machine."""
    module = highspy()
    engine = module.Highs()
    options: dict[str, object] = {
        "output_flag": False,
        "threads": 1,
        "random_seed": 0,
        "mip_feasibility_tolerance": FEASIBILITY,
        "mip_rel_gap": gap,
        "mip_abs_gap": 1e-9,
        "mip_max_nodes": int(np.clip(EFFORT / (model.matrix.nnz + 1), *NODES)),
    }
    if seconds is not None:
        options["time_limit"] = max(seconds, 0.01)
    for name, value in options.items():
        engine.setOptionValue(name, value)
    engine.passModel(_lp(module, model, gain, whole))
    return engine


def _lp(module: ModuleType, model: Model, gain: Floats, whole: bool) -> Any:
    lp = module.HighsLp()
    lp.num_row_, lp.num_col_ = model.matrix.shape
    lp.sense_ = module.ObjSense.kMaximize
    lp.col_cost_, lp.col_lower_, lp.col_upper_ = gain, model.least, model.most
    lp.row_lower_, lp.row_upper_ = model.low, model.high
    lp.a_matrix_.format_ = module.MatrixFormat.kColwise
    lp.a_matrix_.start_ = model.matrix.indptr
    lp.a_matrix_.index_ = model.matrix.indices
    lp.a_matrix_.value_ = model.matrix.data
    if whole:
        kinds = (module.HighsVarType.kContinuous, module.HighsVarType.kInteger)
        lp.integrality_ = [kinds[int(w)] for w in model.whole]
    return lp


def answered(engine: Any, *, whole: bool) -> LinearOutcome:
    """Run the engine and read its answer."""
    module = highspy()
    kinds = module.HighsModelStatus
    engine.run()
    if engine.getModelStatus() == kinds.kUnknown:
        # The simplex lost its footing on a degenerate basis: once more, by the interior.
        engine.clearSolver()
        engine.setOptionValue("solver", "ipm")
        engine.run()
        engine.setOptionValue("solver", "choose")
    status = engine.getModelStatus()
    solution, info = engine.getSolution(), engine.getInfo()
    if status in (kinds.kInfeasible, kinds.kUnboundedOrInfeasible):
        return LinearOutcome(None, -np.inf, -np.inf, None, True)
    found = info.primal_solution_status == module.SolutionStatus.kSolutionStatusFeasible
    done = status == kinds.kOptimal
    if not found or not (done or whole):
        return LinearOutcome(None, -np.inf, np.inf, None, False)
    value = float(info.objective_function_value)
    bound = float(info.mip_dual_bound) if whole else value
    price = None if whole else np.array(solution.row_dual)
    return LinearOutcome(np.array(solution.col_value), value, bound, price, done)


def maximise(
    model: Model, gain: Floats, *, whole: bool, seconds: float | None = None, gap: float = 0.0
) -> LinearOutcome:
    """The best answer of the model over all its columns, by LP or, with `whole`, by MIP."""
    engine = loaded(model, gain, whole=whole, seconds=seconds, gap=gap)
    return answered(engine, whole=whole)


def is_whole(x: Floats, columns: Bools) -> bool:
    """Whether these columns are whole numbers, up to `WHOLE`."""
    part = x[columns]
    return bool(np.all(np.abs(part - np.rint(part)) <= WHOLE))
