"""Which named rules clash: a smallest set that cannot hold together, solved again before it is told.

CP-SAT takes each rule as an assumption and names a set of them that it could not keep together. That
set is an upper set, not a smallest one, and its proof is not taken on trust: rules are dropped one
by one as long as the rest still clashes (deletion filter, Chinneck and Dravnieks 1991,
doi:10.1287/ijoc.3.2.157), and the set that is left is solved once more by itself. All in a bounded
time. A plain shortage of places is for `shortage`, which names it at once.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import scipy.sparse as sp

from twinmatch.solving.blocks import Block, Candidates, Ints, check
from twinmatch.solving.highs import Clock
from twinmatch.solving.laminar import Rows, bound
from twinmatch.solving.solution import RowRef

CLASH, NO_CLASH, OUT_OF_TIME = "clash", "no clash", "out of time"


@dataclass(frozen=True)
class Clash:
    """Rows that cannot hold together.

    status: "clash" (found and solved again), "no clash" (an answer exists), "out of time" (not
    known). rows: the clashing rows, () otherwise. minimal: whether dropping any one of them is
    proven to make the rest hold.
    """

    status: str
    rows: tuple[RowRef, ...]
    minimal: bool


def clash(candidates: Candidates, blocks: Sequence[Block], *, seconds: float = 5.0) -> Clash:
    """A minimal set of rows that clash, found and verified within the time given."""
    check(candidates, blocks)
    clock = Clock(seconds)
    rows = bound(blocks, len(candidates))
    scaled = _whole_rows(rows)
    status, core = _core(scaled, np.arange(len(rows)), clock)
    if status != CLASH:
        return Clash(status, (), minimal=False)
    core, minimal = _fewest(scaled, core, clock)
    again, _ = _core(scaled, core, Clock(seconds))
    if again != CLASH:
        return Clash(OUT_OF_TIME, (), minimal=False)
    named = [RowRef(blocks[rows.block[i]].name, int(rows.block[i]), int(rows.row[i])) for i in core]
    return Clash(CLASH, tuple(named), minimal)


def _whole_rows(rows: Rows) -> Rows:
    """The rows with whole coefficients, as CP-SAT counts in integers.

    Measured coefficients are taken to six digits, bounds a hair wider, so that a clash of rounding
    is never told as one of rules.
    """
    owner = np.repeat(np.arange(len(rows)), np.diff(rows.matrix.indptr))
    whole = np.ones(len(rows), dtype=np.bool_)
    np.logical_and.at(whole, owner, rows.matrix.data == np.rint(rows.matrix.data))
    factor = np.where(whole, 1.0, 1e6)
    data = np.rint(rows.matrix.data * factor[owner])
    slack = np.where(whole, 1e-9, 1.0 + np.diff(rows.matrix.indptr))
    matrix = sp.csr_array((data, rows.matrix.indices, rows.matrix.indptr), shape=rows.matrix.shape)
    low = np.ceil(rows.low * factor - slack)
    high = np.floor(rows.high * factor + slack)
    return Rows(matrix, low, high, rows.block, rows.row)


def _fewest(rows: Rows, core: Ints, clock: Clock) -> tuple[Ints, bool]:
    """The core without rows that are not needed; whether each that is left is proven needed."""
    minimal = True
    for row in core.tolist():
        rest = core[core != row]
        status, smaller = _core(rows, rest, clock)
        if status == CLASH:
            core = smaller if len(smaller) < len(rest) else rest
        elif status == OUT_OF_TIME:
            minimal = False
    return core, minimal


def _core(rows: Rows, which: Ints, clock: Clock) -> tuple[str, Ints]:
    """Whether these rows clash, and if so a set of them that does."""
    if clock.over():
        return OUT_OF_TIME, which
    from ortools.sat.python import cp_model  # a second to import, and seldom needed

    model = cp_model.CpModel()
    columns = np.unique(rows.matrix[which, :].indices) if len(which) else which
    x = {int(c): model.new_bool_var("") for c in columns}
    held = {}
    for i in which.tolist():
        held[i] = model.new_bool_var("")
        part = slice(rows.matrix.indptr[i], rows.matrix.indptr[i + 1])
        terms = [x[int(c)] for c in rows.matrix.indices[part]]
        total = cp_model.LinearExpr.weighted_sum(terms, rows.matrix.data[part].astype(int).tolist())
        domain = cp_model.Domain(_bounded(rows.low[i]), _bounded(rows.high[i]))
        if domain.is_empty():
            return CLASH, np.array([i])
        model.add_linear_expression_in_domain(total, domain).only_enforce_if(held[i])
    model.add_assumptions(list(held.values()))
    solver = cp_model.CpSolver()
    solver.parameters.num_workers = 1  # assumptions, and the same answer on every machine
    # Counts over 0 and 1 are what the search is best at; presolve and cuts take five times as long.
    solver.parameters.cp_model_presolve = False
    solver.parameters.linearization_level = 0
    solver.parameters.max_time_in_seconds = clock.left() or 1.0
    status = solver.solve(model)
    if status == cp_model.INFEASIBLE:
        found = set(solver.sufficient_assumptions_for_infeasibility())
        core = [i for i, literal in held.items() if literal.index in found]
        return CLASH, np.array(core or which.tolist(), dtype=np.int64)
    return (OUT_OF_TIME if status == cp_model.UNKNOWN else NO_CLASH), which


def _bounded(value: float) -> int:
    return int(np.clip(value, -(2**50), 2**50))
