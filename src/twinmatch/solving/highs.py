"""HiGHS: linear programmes for rules that are no network, and whole numbers where they are needed.

Huangfu and Hall 2018, "Parallelizing the dual revised simplex method",
doi:10.1007/s12532-017-0130-5.

    n                   columns: the m candidates, then any others (a floor, who is placed)
    A (r, n)            rows  low <= A @ x <= high
    least, most (n,)    bounds of the columns
    gain (n,)           what is maximised
    price (r,)          of the rows, so that gain - price @ A is what each column would still bring

The linear model of the rules; those that bind only where a meeting is chosen get a switch of their own.

A `Switch` block asks for `least` of what it counts wherever a pair of its group is chosen, one row a pair. HiGHS
gets along far better with one column y a group, which is 1 where any of its pairs is chosen:

    y - x_p >= 0 for each pair p of the group;  counted @ x - least y >= 0;  sum of x_p - cap y <= 0

`cap` is the most pairs of the group that the other rules let through. The last row says nothing new about whole
numbers, but tightens the LP.

Guests served, and floors under their sums of scores, as columns and rows of a linear model.

    z (G',)      whether a guest has a meeting: at most its meetings, and at least each of them
    t            one column: the floor under all guests that have a meeting
    B            above any sum, so that a guest without a meeting is under no floor
    rows         sum of g's scores - t - B z_g >= -B

Where every guest has a meeting the rows are just  sum - t >= 0, and where none can have two, z is the
number of its meetings.

Leximin raises the sum of the k smallest sums for k = 1, 2, ... (Ogryczak and Sliwinski 2006, "On
direct methods for lexicographic min-max optimization", doi:10.1007/11751649_88), each step with

    f (G',)      sum of g's scores + B (1 - z_g);  t_k a column;  d (G',) >= t_k - f,  d >= 0
    gain         k t_k - sum of d
"""

from __future__ import annotations

import importlib
import time
from collections.abc import Sequence
from dataclasses import dataclass, replace
from types import ModuleType
from typing import Any, TypedDict, Unpack

import numpy as np
import scipy.sparse as sp

from twinmatch.errors import QuestionError
from twinmatch.solving.blocks import Block, Bools, Floats, Ints, Switch
from twinmatch.solving.laminar import RuleRows
from twinmatch.solving.model import AssignmentQuestion

WHOLE = 1e-6  # a value this near a whole number is one
FEASIBILITY = 1e-7  # how far HiGHS may leave a row; tighter made its simplex stall
EFFORT = (
    2e8  # entries of the matrix that the nodes of one search may look at: the same on every machine
)
NODES = (500, 50_000)  # fewest and most nodes of a search


class Columns(TypedDict, total=False):
    """Bounds of columns, 0 and 1 where they are not given, and whether they are whole in the end."""

    least: Floats | float
    most: Floats | float
    whole: bool


def one_each(columns: Ints, n: int) -> sp.csr_array:
    """(r, n) rows with a 1 at one column each."""
    each = np.arange(len(columns))
    return sp.csr_array((np.ones(len(columns)), (each, columns)), shape=(len(columns), n))


@dataclass(frozen=True, eq=False)
class Model:
    """Columns with their bounds, rows with theirs, and which columns are whole in the end."""

    matrix: sp.csc_array
    low: Floats
    high: Floats
    least: Floats
    most: Floats
    whole: Bools

    def extended(
        self,
        old: sp.csr_array,
        new: sp.csr_array,
        low: Floats | float,
        high: Floats | float,
        **columns: Unpack[Columns],
    ) -> Model:
        """The same model with k columns and r rows more: what the first columns, (r, up to n), and the new ones, (r, k), count there."""
        (rows, n), (r, k) = self.matrix.shape, new.shape
        wide = sp.hstack([self.matrix, sp.csc_array((rows, k))], format="csc")
        under = sp.hstack([old, sp.csr_array((r, n - old.shape[1])), new], format="csc")
        matrix = sp.csc_array(sp.vstack([wide, under], format="csc"))
        matrix.eliminate_zeros()
        return Model(
            matrix,
            np.append(self.low, np.broadcast_to(low, r)),
            np.append(self.high, np.broadcast_to(high, r)),
            np.append(self.least, np.broadcast_to(columns.get("least", 0.0), k)),
            np.append(self.most, np.broadcast_to(columns.get("most", 1.0), k)),
            np.append(self.whole, np.broadcast_to(columns.get("whole", False), k)),
        )

    def at_least(self, gain: Floats, low: float) -> Model:
        """The same model with one row more: this gain (n,) comes to at least so much."""
        return self.extended(sp.csr_array(gain[None, :]), sp.csr_array((1, 0)), low, np.inf)

    def missing(self, rows: Ints, sign: Floats | float, column: Ints) -> Model:
        """The same model with columns by which some of its rows may be missed; column (r,) numbers that of each row."""
        r, k = self.matrix.shape[0], int(column.max(initial=-1)) + 1
        own = sp.csc_array((np.broadcast_to(sign, len(rows)), (rows, column)), shape=(r, k))
        return replace(
            self,
            matrix=sp.csc_array(sp.hstack([self.matrix, own], format="csc")),
            least=np.append(self.least, np.zeros(k)),
            most=np.append(self.most, np.full(k, np.inf)),
            whole=np.append(self.whole, np.zeros(k, dtype=np.bool_)),
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
        self.seconds, self.began = seconds, time.monotonic()

    def spent(self) -> float:
        """The share of the time that is gone, 1 or more when it is over; 0 without end."""
        return 0.0 if self.seconds is None else (time.monotonic() - self.began) / self.seconds

    def left(self) -> float | None:
        """Seconds left, at least a moment; None without end."""
        if self.seconds is None:
            return None
        return max(self.seconds - (time.monotonic() - self.began), 0.01)

    def over(self) -> bool:
        """Whether the time is used up."""
        return self.spent() >= 1.0


def highspy() -> ModuleType:
    """The engine, imported where it is used; says what to do where it cannot be."""
    try:
        module: ModuleType = importlib.import_module("highspy")
    except ImportError as error:
        found = f"HiGHS cannot be loaded beside OR-Tools ({error})."
        raise QuestionError.of(
            "highs", found, do="Install highspy below 1.14, which carries its own HiGHS."
        ) from error
    return module


class Effort(TypedDict, total=False):
    """How long HiGHS may search: seconds of the clock, the gap that is enough, and the part of the usual nodes."""

    seconds: float | None
    gap: float
    part: float


def loaded(model: Model, gain: Floats, *, whole: bool, **effort: Unpack[Effort]) -> Any:
    """A HiGHS instance with the model in it, set to give the same answer on every machine."""
    module = highspy()
    engine = module.Highs()
    options: dict[str, object] = {
        "output_flag": False,
        "threads": 1,
        "random_seed": 0,
        "mip_feasibility_tolerance": FEASIBILITY,
        "mip_rel_gap": effort.get("gap", 0.0),
        "mip_abs_gap": 1e-9,
        "mip_max_nodes": int(
            effort.get("part", 1.0) * np.clip(EFFORT / (model.matrix.nnz + 1), *NODES)
        ),
    }
    if (seconds := effort.get("seconds")) is not None:
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
    if status == kinds.kModelEmpty:
        return LinearOutcome(np.zeros(0), 0.0, 0.0, np.zeros(0), True)
    found = info.primal_solution_status == module.SolutionStatus.kSolutionStatusFeasible
    done = status == kinds.kOptimal
    if not found or not (done or whole):
        return LinearOutcome(None, -np.inf, np.inf, None, False)
    value = float(info.objective_function_value)
    bound = float(info.mip_dual_bound) if whole else value
    price = None if whole else np.array(solution.row_dual)
    return LinearOutcome(np.array(solution.col_value), value, bound, price, done)


def maximise(model: Model, gain: Floats, *, whole: bool, **effort: Unpack[Effort]) -> LinearOutcome:
    """The best answer of the model over all its columns, by LP or, with `whole`, by MIP."""
    engine = loaded(model, gain, whole=whole, **effort)
    return answered(engine, whole=whole)


def is_whole(x: Floats, columns: Bools) -> bool:
    """Whether these columns are whole numbers, up to `WHOLE`."""
    part = x[columns]
    return bool(np.all(np.abs(part - np.rint(part)) <= WHOLE))


def base_model(blocks: Sequence[Block], rows: RuleRows, m: int) -> tuple[Model, RuleRows, Floats]:
    """The rules as a model whose first m columns are the candidates, the rows that stand in it as they are, and gains.

    A row with a price has a column for what is missing to its low side and one for what is above its high side, shared
    with the rows that are missed together; the gain (n,) of such a column is the price taken off, of all others zero.
    """
    switched = np.array([block.switch is not None for block in blocks], dtype=np.bool_)
    kept = rows.take(np.flatnonzero(~switched[rows.block])) if switched.any() else rows
    every = np.ones(m, dtype=np.bool_)
    model = Model(sp.csc_array(kept.matrix), kept.low, kept.high, np.zeros(m), np.ones(m), every)
    price = np.array([block.price or 0.0 for block in blocks])
    priced = np.flatnonzero(price[kept.block] > 0) if len(kept) else np.zeros(0, dtype=np.int64)
    gain, together = np.zeros(m), np.arange(len(kept))
    for k in np.unique(kept.block[priced]).tolist():
        if (shared := blocks[k].shared) is not None:
            mine = np.flatnonzero(kept.block == k)
            together[mine] = mine[0] + shared[kept.row[mine]] * len(kept)
    for bounds, sign in ((kept.low, 1.0), (kept.high, -1.0)):
        soft = priced[np.isfinite(bounds[priced])]
        _, first, column = np.unique(together[soft], return_index=True, return_inverse=True)
        model = model.missing(soft, sign, column)
        gain = np.concatenate([gain, -price[kept.block[soft[first]]]])
    for block in blocks:
        if block.switch is not None:
            model = _switched(model, block.switch, kept, np.flatnonzero(price > 0))
            gain = np.concatenate([gain, np.zeros(model.matrix.shape[1] - len(gain))])
            if block.price is not None:
                counted = np.arange(len(np.unique(block.switch.group[block.switch.trigger >= 0])))
                at = model.matrix.shape[0] - 2 * len(counted) + counted
                model = model.missing(at, 1.0, counted)
                gain = np.concatenate([gain, np.full(len(counted), -block.price)])
    return model, kept, gain


def _switched(model: Model, switch: Switch, rows: RuleRows, soft: Ints) -> Model:
    live = np.flatnonzero(switch.trigger >= 0)
    trigger, group = switch.trigger[live], switch.group[live]
    used, place = np.unique(group, return_inverse=True)
    k, m = len(used), switch.counted.shape[1]
    pairs = sp.csr_array((np.ones(len(live)), (place, trigger)), shape=(k, m))
    counted = switch.counted[used, :]
    least, most = sp.diags_array(switch.least[used]), sp.diags_array(_most(pairs, rows, soft))
    r, open_ = len(live), np.full(k, np.inf)
    return model.extended(
        sp.vstack([-one_each(trigger, m), counted, pairs], format="csr"),
        sp.vstack([one_each(place, k), -least, -most], format="csr"),
        np.concatenate([np.zeros(r + k), -open_]),
        np.concatenate([np.full(r, np.inf), open_, np.zeros(k)]),
        whole=True,
    )


def _most(pairs: sp.csr_array, rows: RuleRows, soft: Ints) -> Floats:
    """(k,) the most of these pairs that one row lets through that must hold, or their number."""
    size = np.diff(pairs.indptr).astype(np.float64)
    ones = np.ones(len(rows), dtype=np.bool_)
    owner = np.repeat(np.arange(len(rows)), np.diff(rows.matrix.indptr))
    np.logical_and.at(ones, owner, rows.matrix.data == 1.0)
    holds = ~np.isin(rows.block, soft)
    limits = rows.take(np.flatnonzero(ones & holds & np.isfinite(rows.high)))
    shared = sp.coo_array(pairs @ limits.matrix.T)
    whole = shared.data == size[shared.coords[0]]
    np.minimum.at(
        size, shared.coords[0][whole], np.floor(limits.high[shared.coords[1][whole]] + 1e-9)
    )
    return np.maximum(size, 0.0)


@dataclass(frozen=True, eq=False)
class Guests:
    """The guests of a question that can have a meeting, with what their rows are made of.

    number (G',) of each guest; most (G',) its meetings at most; reach: B above; placed: the first
    column of z (G',), or None where there are none.
    """

    question: AssignmentQuestion
    number: Ints
    most: Ints
    reach: float
    placed: int | None = None

    def __len__(self) -> int:
        return len(self.number)

    def rows(self, value: Floats) -> sp.csr_array:
        """(G', m) rows with this value (m,) at each candidate of the guest."""
        c = self.question.candidates
        every = sp.csr_array((value, (c.guest, np.arange(len(c)))), shape=(c.n_guests, len(c)))
        return sp.csr_array(every[self.number, :])

    def sums(self, every: bool) -> tuple[sp.csr_array, float]:
        """(G', n) rows of the sums of scores less B for a guest with a meeting, and what each is then short of."""
        score, B, k = self.question.candidates.score, self.reach, len(self)
        if every:
            return self.rows(score), 0.0
        if self.placed is None:
            return self.rows(score - B), B
        between = sp.csr_array((k, self.placed - self.question.m))
        own = sp.diags_array(np.full(k, -B))
        return sp.csr_array(sp.hstack([self.rows(score), between, own], format="csr")), B


def guests_of(question: AssignmentQuestion) -> Guests:
    """The guests that can have a meeting."""
    most = question.most_each
    number = np.flatnonzero(most > 0)
    largest = float(np.abs(question.candidates.score).max(initial=0.0))
    return Guests(question, number, most[number], max(largest, 1e-9) * int(most.max(initial=1)))


def with_placed(guests: Guests, model: Model) -> tuple[Guests, Model, Floats]:
    """The model with a column for each guest that says whether it has a meeting, and the gain of their number."""
    n, k = model.matrix.shape[1], len(guests)
    each, most = guests.rows(np.ones(guests.question.m)), guests.most.astype(np.float64)
    own = sp.vstack([-sp.eye_array(k), -sp.diags_array(most)], format="csr")
    none, open_ = np.zeros(k), np.full(k, np.inf)
    low, high = np.append(none, -open_), np.append(open_, none)
    model = model.extended(sp.vstack([each, each], format="csr"), own, low, high, whole=True)
    return replace(guests, placed=n), model, np.append(np.zeros(n), np.ones(k))


def with_floor(guests: Guests, model: Model, every: bool) -> tuple[Model, Floats]:
    """The model with a floor under the guests with a meeting (`every`: all have one), and the gain of the floor."""
    sums, short = guests.sums(every)
    floor = sp.csr_array(-np.ones((len(guests), 1)))
    gain = np.append(np.zeros(model.matrix.shape[1]), 1.0)
    reach = guests.reach
    return model.extended(sums, floor, -short, np.inf, least=-reach, most=reach), gain


def with_sums(guests: Guests, model: Model, every: bool) -> Model:
    """The model with a column f for each guest, the last of all, that holds its sum of scores."""
    sums, short = guests.sums(every)
    own, reach = sp.csr_array(-sp.eye_array(len(guests))), guests.reach
    return model.extended(sums, own, -short, -short, least=-reach, most=2 * reach)


def with_smallest(
    guests: Guests, model: Model, first: int, n_smallest: int
) -> tuple[Model, Floats]:
    """The model with the sum of the smallest sums, f at column `first`, and the gain of that sum."""
    n, k, reach = model.matrix.shape[1], len(guests), guests.reach
    own = sp.hstack([sp.csr_array(-np.ones((k, 1))), sp.eye_array(k)], format="csr")
    least, most = np.append(-reach, np.zeros(k)), np.append(2 * reach, np.full(k, 3 * reach))
    sums = one_each(first + np.arange(k), n)
    gain = np.concatenate([np.zeros(n), [float(n_smallest)], -np.ones(k)])
    return model.extended(sums, own, 0.0, np.inf, least=least, most=most), gain
