"""Rules that cannot be kept: which of them clash, and what little would have to give way.

CP-SAT takes each rule as an assumption and names a set of them that it could not keep together. That
set is not a smallest one, and its proof is not taken on trust: rules are dropped one by one as long as
the rest still clashes (deletion filter, Chinneck and Dravnieks 1991, doi:10.1287/ijoc.3.2.157), and
the set that is left is solved once more.

A relaxation lets rules give way by whole units at a price (elastic programming, Brown and Graves 1975;
Chinneck 2008, "Feasibility and Infeasibility in Optimization", doi:10.1007/978-0-387-74932-7). Each
comes with a choice of meetings that keeps the rules so changed, which the referee checks. The rules of
one are held fast for the next: a menu, cheapest first.

A relaxation is a mixed-integer programme for HiGHS. All searches are bounded by nodes or deterministic time, so they
find the same on every machine.
A rule here is one row of a block, or all rows of a group where the block has a `Switch`. A plain
shortage of places is for `shortage`, which names it at once.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Literal

import numpy as np
import numpy.typing as npt
import scipy.sparse as sp

from twinmatch.solving.blocks import Block, Bools, Candidates, Floats, Ints, check, switched
from twinmatch.solving.highs import Model, maximise
from twinmatch.solving.laminar import bound
from twinmatch.solving.model import RowRef
from twinmatch.solving.referee import broken

if TYPE_CHECKING:
    from ortools.sat.python import cp_model

CLASH, NO_CLASH, UNKNOWN = "clash", "no clash", "not known"
CLASH_EFFORT = 4.0  # of deterministic time, about a second each, for all searches of a clash
MOST_TERMS = 2_000_000  # of all rules; with more the menu is not looked for
GRAIN = 1e6  # measured coefficients are taken to six digits
FAR = 2**50


@dataclass(frozen=True)
class Clash:
    """Rules that cannot hold together.

    status: "clash" (found and solved again), "no clash" (an answer exists), "not known" (the effort
    was spent). rows: the clashing rules, () otherwise. minimal: whether dropping any one of them is
    proven to make the rest hold.
    """

    status: str
    rows: tuple[RowRef, ...]
    minimal: bool


@dataclass(frozen=True)
class LimitChange:
    """One rule that gives way by `by`: a minimum ("low") comes down, or a maximum ("high") goes up, to `to`."""

    at: RowRef
    bound: Literal["low", "high"]
    by: float
    to: float


@dataclass(frozen=True)
class Relaxation:
    """Changes of limits that together make the rules fit, and their price.

    cheapest: whether no other changes of the rules that were still free are proven to cost less.
    """

    changes: tuple[LimitChange, ...]
    price: float
    cheapest: bool = True


@dataclass(frozen=True)
class RelaxationMenu:
    """Relaxations, cheapest first; complete: False where the search ended before it could tell of more."""

    items: tuple[Relaxation, ...]
    complete: bool


def clash(
    candidates: Candidates, blocks: Sequence[Block], *, effort: float = CLASH_EFFORT
) -> Clash:
    """A minimal set of rules that clash, found and verified within the effort given."""
    check(candidates, blocks)
    rules = _Rules(blocks, len(candidates))
    budget = _Budget(effort)
    status, core = _core(rules, np.arange(len(rules)), budget)
    if status != CLASH:
        return Clash(status, (), minimal=False)
    minimal = True
    for rule in core.tolist():
        rest = core[core != rule]
        status, smaller = _core(rules, rest, budget)
        if status == CLASH:
            core = smaller if len(smaller) < len(rest) else rest
        minimal &= status != UNKNOWN
    again, _ = _core(rules, core, _Budget(effort))
    if again != CLASH:
        return Clash(UNKNOWN, (), minimal=False)
    return Clash(CLASH, tuple(rules.at[i] for i in core.tolist()), minimal)


def relaxations(
    candidates: Candidates,
    blocks: Sequence[Block],
    *,
    prices: Mapping[str, float | npt.ArrayLike] | None = None,
    wanted: npt.ArrayLike | None = None,
    at_most: int = 5,
) -> RelaxationMenu:
    """A menu of what would make rules fit that cannot be kept; empty where they can, or nothing is found.

    prices: by rule name, what one unit costs (one number, or one a row; infinite where it may not
    give way); 1 where nothing is said. wanted (G,): meetings each guest is to get, as a rule that may
    not give way, for a menu against a shortage. effort: CP-SAT's deterministic time for each.
    """
    check(candidates, blocks)
    asked = [*blocks, *_wishes(candidates, wanted)]
    rules = _Rules(asked, len(candidates))
    if rules.terms > MOST_TERMS:
        return RelaxationMenu((), complete=False)
    price = np.array([_price(at, len(blocks), prices or {}) for at in rules.at])
    menu: list[Relaxation] = []
    while len(menu) < at_most:
        status, found, chosen = _cheapest(rules, price)
        if found is None or not found.changes:
            return RelaxationMenu(_in_order(menu), complete=status != UNKNOWN)
        if broken(candidates, chosen, relaxed(asked, found)):
            return RelaxationMenu(_in_order(menu), complete=False)
        menu.append(found)
        gone = {change.at for change in found.changes}
        alike = {at.rule for at in gone}
        if sum({c.at.rule for c in one.changes} == alike for one in menu) > 1:
            gone |= {at for at in rules.at if at.rule in alike}
        price = np.where([at in gone for at in rules.at], np.inf, price)
    return RelaxationMenu(_in_order(menu), complete=True)


def relaxed(blocks: Sequence[Block], relaxation: Relaxation) -> list[Block]:
    """The blocks with the changes of a relaxation made."""
    changed = list(blocks)
    for change in relaxation.changes:
        block = changed[change.at.block]
        if block.switch is not None:
            least = block.switch.least.copy()
            least[block.switch.group[change.at.row]] = change.to
            again = switched(block.name, replace(block.switch, least=least), block.says)
            changed[change.at.block] = replace(block, matrix=again.matrix, switch=again.switch)
            continue
        low, high = block.low.copy(), block.high.copy()
        (low if change.bound == "low" else high)[change.at.row] = change.to
        changed[change.at.block] = replace(block, low=low, high=high)
    return changed


def _in_order(menu: Sequence[Relaxation]) -> tuple[Relaxation, ...]:
    return tuple(sorted(menu, key=lambda one: (one.price, len(one.changes))))


def _wishes(candidates: Candidates, wanted: npt.ArrayLike | None) -> list[Block]:
    if wanted is None:
        return []
    wishes = np.asarray(wanted, dtype=np.float64)
    matrix = sp.csr_array(
        (np.ones(len(candidates)), (candidates.guest, np.arange(len(candidates)))),
        shape=(candidates.n_guests, len(candidates)),
    )
    return [Block("wanted", matrix, wishes, np.full(len(wishes), np.inf), lambda g: f"guest {g}")]


def _price(at: RowRef, n_given: int, prices: Mapping[str, float | npt.ArrayLike]) -> float:
    """What one unit of a rule costs; wishes may not give way."""
    if at.block >= n_given:
        return np.inf
    price = np.asarray(prices.get(at.rule, 1.0), dtype=np.float64)
    return float(price if price.ndim == 0 else price[at.row])


class _Budget:
    """Deterministic time that several searches share."""

    def __init__(self, effort: float) -> None:
        self.left = effort


class _Rules:
    """All rules that can bind, in whole numbers, each with its place.

    Rule i reads  low[i] <= sum of factor * x over its terms <= high[i]; with triggers (else None) only
    where one of these candidates is chosen. Measured coefficients are taken to six digits and bounds a
    hair wider, so that a clash of rounding is never taken for one of rules; unit[i] is one of the rule's own.
    """

    def __init__(self, blocks: Sequence[Block], m: int) -> None:
        self.m = m
        self.at: list[RowRef] = []
        self.columns: list[Ints] = []
        self.factors: list[Ints] = []
        self.low: list[int] = []
        self.high: list[int] = []
        self.unit: list[int] = []
        self.given: list[tuple[float, float]] = []
        self.triggers: list[Ints | None] = []
        rows = bound(blocks, m)
        for i in range(len(rows)):
            block = int(rows.block[i])
            if blocks[block].switch is None:
                part = slice(rows.matrix.indptr[i], rows.matrix.indptr[i + 1])
                self._add(
                    RowRef(blocks[block].name, block, int(rows.row[i])),
                    (rows.matrix.indices[part].astype(np.int64), rows.matrix.data[part]),
                    (float(rows.low[i]), float(rows.high[i])),
                    None,
                )
        for b, block_ in enumerate(blocks):
            if block_.switch is not None:
                self._add_groups(b, block_)

    def _add_groups(self, b: int, block: Block) -> None:
        switch = block.switch
        assert switch is not None
        live = switch.trigger >= 0
        for k in np.unique(switch.group[live]).tolist():
            part = slice(switch.counted.indptr[k], switch.counted.indptr[k + 1])
            counted = switch.counted.indices[part].astype(np.int64)
            at = RowRef(block.name, b, int(np.flatnonzero(switch.group == k)[0]))
            triggers = switch.trigger[live & (switch.group == k)]
            bounds = (float(switch.least[k]), np.inf)
            self._add(at, (counted, np.ones(len(counted))), bounds, triggers)

    def _add(
        self,
        at: RowRef,
        terms: tuple[Ints, Floats],
        bounds: tuple[float, float],
        triggers: Ints | None,
    ) -> None:
        columns, data = terms
        whole = bool(np.all(data == np.rint(data)))
        unit, slack = (1, 1e-9) if whole else (int(GRAIN), 1.0 + len(data))
        self.at.append(at)
        self.columns.append(columns)
        self.factors.append(np.rint(data * unit).astype(np.int64))
        self.low.append(int(np.ceil(np.clip(bounds[0] * unit - slack, -FAR, FAR))))
        self.high.append(int(np.floor(np.clip(bounds[1] * unit + slack, -FAR, FAR))))
        self.unit.append(unit)
        self.given.append(bounds)
        self.triggers.append(triggers)

    def __len__(self) -> int:
        return len(self.at)

    @property
    def terms(self) -> int:
        """How many terms all rules have."""
        return sum(map(len, self.columns))


def _core(rules: _Rules, which: Ints, budget: _Budget) -> tuple[str, Ints]:
    """Whether these rules clash, and if so a set of them that does."""
    from ortools.sat.python import cp_model  # a second to import, and seldom needed

    if budget.left <= 0:
        return UNKNOWN, which
    model = cp_model.CpModel()
    x: dict[int, cp_model.IntVar] = {}
    held = {}
    for i in which.tolist():
        held[i] = model.new_bool_var("")
        domain = cp_model.Domain(rules.low[i], rules.high[i])
        if domain.is_empty():
            return CLASH, np.array([i])
        enforced = [held[i], *_switch(model, rules, i, x)]
        model.add_linear_expression_in_domain(_sum(model, rules, i, x), domain).only_enforce_if(
            enforced
        )
    model.add_assumptions(list(held.values()))
    solver = _solver(budget.left)
    # Counts over 0 and 1 are what the search is best at; presolve and cuts take five times as long.
    solver.parameters.cp_model_presolve = False
    solver.parameters.linearization_level = 0
    status = solver.solve(model)
    budget.left -= solver.response_proto.deterministic_time
    if status == cp_model.INFEASIBLE:
        found = set(solver.sufficient_assumptions_for_infeasibility())
        core = [i for i, literal in held.items() if literal.index in found]
        return CLASH, np.array(core or which.tolist(), dtype=np.int64)
    return (UNKNOWN if status == cp_model.UNKNOWN else NO_CLASH), which


def _cheapest(rules: _Rules, price: Floats) -> tuple[str, Relaxation | None, Bools]:
    """The cheapest slack, in whole units, under which the rules fit, and the meetings that then keep them.

    Of equally cheap ones, that of the fewest rules. Columns: candidates, whether a rule is switched on, and for each
    bound that may give way its slack and whether it has any. A bound reads  terms + slack - bound * on >= 0.
    """
    entries: list[tuple[int, int, float]] = []  # row, column, factor
    most, whole, cost, low = [1.0] * rules.m, [True] * rules.m, [0.0] * rules.m, list[float]()
    pays = price[np.isfinite(price)]
    each = float(pays.min(initial=1.0)) / (
        4 * len(pays) + 4
    )  # all rules together are worth less than a unit

    def column(top: float, paid: float, is_whole: bool = True) -> int:
        most.append(top)
        whole.append(is_whole)
        cost.append(paid)
        return len(most) - 1

    def row(terms: Iterable[tuple[int, float]], least: float) -> None:
        entries.extend((len(low), c, factor) for c, factor in terms)
        low.append(least)

    for i in range(len(rules)):
        triggers, unit = rules.triggers[i], float(rules.unit[i])
        factors, columns = rules.factors[i] / unit, rules.columns[i].tolist()
        on = -1
        if triggers is not None:
            on = column(1.0, 0.0, is_whole=False)
            for t in triggers.tolist():
                row([(on, 1.0), (t, -1.0)], 0.0)
        for sign, bound_ in ((1.0, rules.low[i] / unit), (-1.0, -rules.high[i] / unit)):
            signed = sign * factors
            room = bound_ - float(signed[signed < 0].sum())
            if room <= 0:
                continue  # holds for every choice
            terms = list(zip(columns, signed.tolist(), strict=True))
            if np.isfinite(price[i]):
                steps = float(np.ceil(room))
                slack, any_ = column(steps, float(price[i])), column(1.0, each)
                terms.append((slack, 1.0))
                row([(any_, steps), (slack, -1.0)], 0.0)
            row([*terms, (on, -bound_)] if on >= 0 else terms, 0.0 if on >= 0 else bound_)
    r, c, factor = np.array(entries).reshape(-1, 3).T
    shape = (len(low), len(most))
    matrix = sp.csc_array((factor, (r.astype(np.int64), c.astype(np.int64))), shape=shape)
    sides = np.array(low), np.full(len(low), np.inf), np.zeros(len(most)), np.array(most)
    found = maximise(Model(matrix, *sides, np.array(whole)), -np.array(cost), whole=True)
    if found.x is None:
        nothing = np.zeros(rules.m, dtype=np.bool_)
        return (NO_CLASH if found.impossible else UNKNOWN), None, nothing
    chosen = found.x[: rules.m] > 0.5
    return CLASH, _of_choice(rules, price, chosen, found.proven), chosen


def _of_choice(rules: _Rules, price: Floats, chosen: Bools, cheapest: bool) -> Relaxation:
    """What must give way for these meetings, no more than they need."""
    changes, paid = [], 0.0
    for i, at in enumerate(rules.at):
        triggers = rules.triggers[i]
        if triggers is not None and not chosen[triggers].any():
            continue
        total = int(rules.factors[i] @ chosen[rules.columns[i]])
        unit, (low, high) = rules.unit[i], rules.given[i]
        sides: tuple[tuple[Literal["low", "high"], int], ...] = (
            ("low", -(-(rules.low[i] - total) // unit)),
            ("high", -(-(total - rules.high[i]) // unit)),
        )
        for bound_, by in sides:
            if by > 0:
                to = low - by if bound_ == "low" else high + by
                changes.append(LimitChange(at, bound_, float(by), float(to)))
                paid += float(price[i]) * by
    return Relaxation(tuple(sorted(changes, key=lambda c: (c.at.block, c.at.row))), paid, cheapest)


def _solver(effort: float) -> cp_model.CpSolver:
    from ortools.sat.python import cp_model  # a second to import, and seldom needed

    solver = cp_model.CpSolver()
    solver.parameters.num_workers = 1  # assumptions, and the same answer on every machine
    solver.parameters.random_seed = 0
    solver.parameters.max_deterministic_time = effort
    return solver


def _sum(
    model: cp_model.CpModel, rules: _Rules, i: int, x: dict[int, cp_model.IntVar]
) -> cp_model.LinearExpr:
    from ortools.sat.python import cp_model  # a second to import, and seldom needed

    terms = [_chosen(model, x, c) for c in rules.columns[i].tolist()]
    return cp_model.LinearExpr.weighted_sum(terms, rules.factors[i].tolist())


def _switch(
    model: cp_model.CpModel, rules: _Rules, i: int, x: dict[int, cp_model.IntVar]
) -> list[cp_model.IntVar]:
    """The variable that is true where any trigger of a rule is chosen; none for a rule that always binds."""
    triggers = rules.triggers[i]
    if triggers is None:
        return []
    on = model.new_bool_var("")
    for c in triggers.tolist():
        model.add_implication(_chosen(model, x, c), on)
    return [on]


def _chosen(model: cp_model.CpModel, x: dict[int, cp_model.IntVar], c: int) -> cp_model.IntVar:
    if c not in x:
        x[c] = model.new_bool_var("")
    return x[c]
