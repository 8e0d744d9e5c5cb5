"""Rules that cannot be kept: which of them clash, and what little would have to give way.

Where not even parts of meetings keep the rules, the prices of an LP name rules that clash (Farkas 1902). Else CP-SAT
takes each rule as an assumption and names a set of them that it could not keep together. That set is not a smallest one, and its proof is not taken on trust: rules are dropped one by one as long as
the rest still clashes (deletion filter, Chinneck and Dravnieks 1991, doi:10.1287/ijoc.3.2.157), and
the set that is left is solved once more.

A relaxation lets rules give way by whole units at a price (elastic programming, Brown and Graves 1975;
Chinneck 2008, "Feasibility and Infeasibility in Optimization", doi:10.1007/978-0-387-74932-7). Each
comes with a choice of meetings that keeps the rules so changed, which the referee checks. The rules of
one are held fast for the next: a menu, cheapest first.

A relaxation is a search of CP-SAT too. All searches are bounded by deterministic time, so they find the same on every
machine and end in a stated time: the menu tells what was found and verified by then.
A rule here is one row of a block, or all rows of a group where the block has a `Switch`. A plain
shortage of places is for `shortage`, which names it at once.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, Literal, NamedTuple

import numpy as np
import numpy.typing as npt
import scipy.sparse as sp

from twinmatch.solving.blocks import Block, Bools, Candidates, Floats, Ints, check, switched
from twinmatch.solving.highs import Model, is_whole, maximise
from twinmatch.solving.laminar import bound
from twinmatch.solving.model import RowRef
from twinmatch.solving.referee import broken

if TYPE_CHECKING:
    from ortools.sat.python import cp_model

CLASH, NO_CLASH, UNKNOWN = "clash", "no clash", "not known"
CLASH_EFFORT = 4.0  # of deterministic time, about a second each, for all searches of a clash
MENU_EFFORT = 6.0  # of all searches of a menu: some ten seconds
MOST_OF_MENU = 2 / 3  # of that effort, for any one search
MOST_TERMS = 2_000_000  # of all rules; with more the menu is not looked for
MOST_LINEAR = 500_000  # of the rules whose LP is solved for a clash
LEAST_SHORT, PRICED = (
    1e-6,
    1e-9,
)  # by which an LP is short where rules clash, and a price that is none
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
    rules = list(_rules(blocks, len(candidates)))
    status, core, left = _core(rules, np.arange(len(rules)), effort)
    if status != CLASH:
        return Clash(status, (), minimal=False)
    minimal = True
    for rule in core.tolist():
        rest = core[core != rule]
        status, smaller, left = _core(rules, rest, left)
        if status == CLASH:
            core = smaller if len(smaller) < len(rest) else rest
        minimal &= status != UNKNOWN
    if _core(rules, core, effort)[0] != CLASH:
        return Clash(UNKNOWN, (), minimal=False)
    return Clash(CLASH, tuple(rules[i].at for i in core.tolist()), minimal)


def relaxations(
    candidates: Candidates,
    blocks: Sequence[Block],
    *,
    prices: Mapping[str, float | npt.ArrayLike] | None = None,
    at_most: int = 5,
    effort: float = MENU_EFFORT,
) -> RelaxationMenu:
    """A menu of what would make rules fit that cannot be kept, each with a meeting at least; empty where they can, or nothing is found.

    prices: by rule name, what one unit costs (one number, or one a row; infinite where it may not
    give way); 1 where nothing is said. effort: of all its searches together.
    """
    check(candidates, blocks)
    rules = list(_rules(blocks, len(candidates)))
    if sum(len(rule.columns) for rule in rules) > MOST_TERMS:
        return RelaxationMenu((), complete=False)
    givers = [
        _Giver(RowRef(block.name, b, f), float(most))
        for b, block in enumerate(blocks)
        if block.givers is not None
        for f, most in enumerate(block.givers.most)
    ]
    places = [rule.at for rule in rules] + [giver.at for giver in givers]
    price = np.array([_price(at, prices or {}) for at in places])
    price[[i for i, rule in enumerate(rules) if rule.givers]] = np.inf
    menu, left = list[Relaxation](), effort
    while len(menu) < at_most:
        most = min(left, effort * MOST_OF_MENU)
        status, found, chosen, spent = _cheapest(rules, givers, len(candidates), price, most)
        left -= spent
        if found is None or not found.changes:
            return RelaxationMenu(_in_order(menu), complete=status != UNKNOWN)
        if broken(candidates, chosen, relaxed(blocks, found)):
            return RelaxationMenu(_in_order(menu), complete=False)
        menu.append(found)
        gone = {change.at for change in found.changes}
        alike = {at.rule for at in gone}
        again = sum({c.at.rule for c in one.changes} == alike for one in menu) > 1
        rows = Counter(at.rule for at in gone)  # of which others would be as near to it
        gone |= {at for at in places if rows[at.rule] > 1 or (again and at.rule in alike)}
        price = np.where([at in gone for at in places], np.inf, price)
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
        if block.givers is not None:
            givers = block.givers.up_to(change.at.row, change.to)
            high = np.asarray(givers.of @ givers.most)
            changed[change.at.block] = replace(block, high=high, givers=givers)
            continue
        low, high = block.low.copy(), block.high.copy()
        (low if change.bound == "low" else high)[change.at.row] = change.to
        changed[change.at.block] = replace(block, low=low, high=high)
    return changed


def _in_order(menu: Sequence[Relaxation]) -> tuple[Relaxation, ...]:
    return tuple(sorted(menu, key=lambda one: (one.price, len(one.changes))))


def _price(at: RowRef, prices: Mapping[str, float | npt.ArrayLike]) -> float:
    """What one unit of a rule costs."""
    price = np.asarray(prices.get(at.rule, 1.0), dtype=np.float64)
    return float(price if price.ndim == 0 else price[at.row])


@dataclass(frozen=True, eq=False)
class _Rule:
    """A rule that can bind, in whole numbers:  low <= sum of factors * x over its columns <= high.

    With triggers (else None) only where one of these candidates is chosen. Measured coefficients are taken to six digits
    and bounds a hair wider, so that a clash of rounding is never taken for one of rules; unit is one of the rule's own.
    """

    at: RowRef
    columns: Ints
    factors: Ints
    low: int
    high: int
    unit: int
    given: tuple[float, float]
    triggers: Ints | None
    givers: tuple[RowRef, ...] = ()


class _Giver(NamedTuple):
    """One of those whose limits rows add up, by its place in its block, and its limit."""

    at: RowRef
    most: float


def _rules(blocks: Sequence[Block], m: int) -> Iterator[_Rule]:
    rows = bound(blocks, m)
    for i in range(len(rows)):
        block = int(rows.block[i])
        if blocks[block].switch is None:
            part = slice(rows.matrix.indptr[i], rows.matrix.indptr[i + 1])
            at = RowRef(blocks[block].name, block, int(rows.row[i]))
            bounds = float(rows.low[i]), float(rows.high[i])
            rule = _rule(at, rows.matrix.indices[part], rows.matrix.data[part], bounds, None)
            if (givers := blocks[block].givers) is not None:
                mine = givers.of[[at.row], :].indices.tolist()
                rule = replace(rule, givers=tuple(RowRef(at.rule, block, f) for f in mine))
            yield rule
    for b, one in enumerate(blocks):
        if one.switch is None:
            continue
        switch = one.switch
        live = switch.trigger >= 0
        for k in np.unique(switch.group[live]).tolist():
            part = slice(*switch.counted.indptr[k : k + 2])
            counted, factors = switch.counted.indices[part], switch.counted.data[part]
            at = RowRef(one.name, b, int(np.flatnonzero(switch.group == k)[0]))
            triggers = switch.trigger[live & (switch.group == k)]
            bounds = float(switch.least[k]), np.inf
            yield _rule(at, counted, factors, bounds, triggers)


def _rule(
    at: RowRef,
    columns: npt.NDArray[Any],
    data: Floats,
    bounds: tuple[float, float],
    triggers: Ints | None,
) -> _Rule:
    whole = bool(np.all(data == np.rint(data)))
    unit, slack = (1, 1e-9) if whole else (int(GRAIN), 1.0 + len(data))
    return _Rule(
        at,
        columns.astype(np.int64),
        np.rint(data * unit).astype(np.int64),
        int(np.ceil(np.clip(bounds[0] * unit - slack, -FAR, FAR))),
        int(np.floor(np.clip(bounds[1] * unit + slack, -FAR, FAR))),
        unit,
        bounds,
        triggers,
    )


def _core(rules: Sequence[_Rule], which: Ints, left: float) -> tuple[str, Ints, float]:
    """Whether these rules clash, if so a set of them that does, and the effort that is left."""
    core, fits = _linear_core([rules[i] for i in which.tolist()])
    if len(core) or fits:
        return (CLASH, which[core], left) if len(core) else (NO_CLASH, which, left)
    if left <= 0:
        return UNKNOWN, which, left
    from ortools.sat.python import cp_model  # a second to import, and seldom needed

    model = cp_model.CpModel()
    chosen: dict[int, cp_model.IntVar] = defaultdict(lambda: model.new_bool_var(""))
    held = {}
    for i in which.tolist():
        rule, enforced = rules[i], [model.new_bool_var("")]
        held[i] = enforced[0]
        domain = cp_model.Domain(rule.low, rule.high)
        if domain.is_empty():
            return CLASH, np.array([i]), left
        if rule.triggers is not None:  # it binds where any of these is chosen
            enforced.append(model.new_bool_var(""))
            for c in rule.triggers.tolist():
                model.add_implication(chosen[c], enforced[1])
        terms = [chosen[c] for c in rule.columns.tolist()]
        total = cp_model.LinearExpr.weighted_sum(terms, rule.factors.tolist())
        model.add_linear_expression_in_domain(total, domain).only_enforce_if(enforced)
    model.add_assumptions(list(held.values()))
    solver = _searching(left)
    # Counts over 0 and 1 are what the search is best at; presolve and cuts take five times as long.
    solver.parameters.cp_model_presolve = False
    solver.parameters.linearization_level = 0
    status = solver.solve(model)
    left -= solver.response_proto.deterministic_time
    if status == cp_model.INFEASIBLE:
        found = set(solver.sufficient_assumptions_for_infeasibility())
        named = [i for i, literal in held.items() if literal.index in found]
        return CLASH, np.array(named or which.tolist(), dtype=np.int64), left
    return (UNKNOWN if status == cp_model.UNKNOWN else NO_CLASH), which, left


def _linear_core(rules: Sequence[_Rule]) -> tuple[Ints, bool]:
    """The places of rules that not even parts of meetings keep together, and whether whole ones that do were found.

    Neither where parts alone were found, or there are too many rules.
    """
    nothing = np.zeros(0, dtype=np.int64)
    lines: list[tuple[int, Ints, Floats, float, float]] = []  # rule, columns, factors, bounds
    for k, rule in enumerate(rules):
        factors, low, high = rule.factors / rule.unit, rule.low / rule.unit, rule.high / rule.unit
        if rule.triggers is None:
            lines.append((k, rule.columns, factors, low, high))
            continue
        for t in rule.triggers.tolist():
            lines.append((k, np.append(rule.columns, t), np.append(factors, -low), 0.0, np.inf))
    sizes = [len(columns) for _, columns, *_ in lines]
    if not 0 < sum(sizes) <= MOST_LINEAR:
        return nothing, False
    owner, columns, terms, lows, highs = zip(*lines, strict=True)
    column = np.unique(np.concatenate(columns), return_inverse=True)[1]
    n, m = len(lines), int(column.max()) + 1
    entries = np.concatenate(terms), (np.repeat(np.arange(n), sizes), column)
    slack = sp.eye_array(n, format="csc")
    matrix = sp.csc_array(sp.hstack([sp.csc_array(entries, shape=(n, m)), slack, -slack]))
    least, most = np.zeros(m + 2 * n), np.repeat([1.0, np.inf], [m, 2 * n])
    model = Model(matrix, np.array(lows), np.array(highs), least, most, least > 0)
    found = maximise(model, -np.repeat([0.0, 1.0], [m, 2 * n]), whole=False)
    if found.price is None or found.x is None or found.value > -LEAST_SHORT:
        fits = found.x is not None and is_whole(found.x, np.arange(len(found.x)) < m)
        return nothing, fits
    return np.unique(np.array(owner)[np.abs(found.price) > PRICED]), False


def _cheapest(
    rules: Sequence[_Rule], givers: Sequence[_Giver], m: int, price: Floats, effort: float
) -> tuple[str, Relaxation | None, Bools, float]:
    """The cheapest slack, in whole units, under which the rules fit, the meetings that then keep them, and the effort spent.

    Of equally cheap ones, that of the fewest rules. Variables: candidates, whether a rule is switched on, and for each
    bound that may give way its slack and whether it has any. A bound reads  terms + slack - bound * on >= 0.
    """
    from ortools.sat.python import cp_model  # a second to import, and seldom needed

    model = cp_model.CpModel()
    chosen: dict[int, cp_model.IntVar] = defaultdict(lambda: model.new_bool_var(""))
    pays = price[np.isfinite(price)]
    least, grain = float(pays.min(initial=1.0)), 4 * len(pays) + 4
    grain *= 1 if np.all(pays / least == np.rint(pays / least)) else 1000
    cost: list[tuple[cp_model.IntVar, int]] = []  # all rules together cost less than a unit

    def slack(most: int, paid: float) -> cp_model.IntVar:
        found, any_ = model.new_int_var(0, most, ""), model.new_bool_var("")
        model.add(found <= most * any_)
        cost.extend(((found, int(np.rint(paid / least * grain))), (any_, 1)))
        return found

    gives = {
        giver.at: slack(m, paid)
        for giver, paid in zip(givers, price[len(rules) :].tolist(), strict=True)
        if np.isfinite(paid)
    }
    for rule, paid in zip(rules, price[: len(rules)].tolist(), strict=True):
        columns = [chosen[c] for c in rule.columns.tolist()]
        on = [model.new_bool_var("")] if rule.triggers is not None else []
        for t in () if rule.triggers is None else rule.triggers.tolist():
            model.add_implication(chosen[t], on[0])
        for signed, bound_, more in (
            (rule.factors, rule.low, ()),
            (-rule.factors, -rule.high, rule.givers),
        ):
            room = bound_ - int(signed[signed < 0].sum())
            if room <= 0:
                continue  # holds for every choice
            terms = [*zip(columns, signed.tolist(), strict=True), *((v, -bound_) for v in on)]
            if np.isfinite(paid):
                terms.append((slack(-(-room // rule.unit), paid), rule.unit))
            terms += [(gives[at], 1) for at in more if at in gives]
            counted, factors = [term[0] for term in terms], [term[1] for term in terms]
            total = cp_model.LinearExpr.weighted_sum(counted, factors)
            model.add(total >= (0 if on else bound_))
    model.add_bool_or([chosen[c] for c in range(m)])  # nobody to meet is no way out
    model.minimize(sum(variable * paid for variable, paid in cost))
    solver = _searching(effort)
    solver.parameters.linearization_level = 2
    status = solver.solve(model)
    spent = solver.response_proto.deterministic_time
    kept = np.zeros(m, dtype=np.bool_)
    if status not in (cp_model.OPTIMAL, cp_model.FEASIBLE):
        none = NO_CLASH if status == cp_model.INFEASIBLE else UNKNOWN
        return none, None, kept, spent
    kept[[c for c, variable in chosen.items() if solver.boolean_value(variable)]] = True
    given_more = [solver.value(gives[g.at]) if g.at in gives else 0 for g in givers]
    changes = [
        LimitChange(giver.at, "high", float(by), giver.most + by)
        for giver, by in zip(givers, given_more, strict=True)
        if by > 0
    ]
    paid = float(sum(p * by for p, by in zip(price[len(rules) :], given_more, strict=True) if by))
    given = Relaxation(tuple(changes), paid, status == cp_model.OPTIMAL)
    return CLASH, _of_choice(rules, price, kept, given), kept, spent


def _searching(effort: float) -> cp_model.CpSolver:
    """A solver that finds the same on every machine within an effort, in deterministic time."""
    from ortools.sat.python import cp_model

    solver = cp_model.CpSolver()
    solver.parameters.num_workers = 1
    solver.parameters.random_seed = 0
    solver.parameters.max_deterministic_time = max(effort, 0.0)
    return solver


def _of_choice(
    rules: Sequence[_Rule], price: Floats, chosen: Bools, given: Relaxation
) -> Relaxation:
    """What must give way for these meetings beside what is given, no more than they need."""
    changes, paid = list(given.changes), given.price
    for i, rule in enumerate(rules):
        if rule.givers:
            continue
        if rule.triggers is not None and not chosen[rule.triggers].any():
            continue
        total = int(rule.factors @ chosen[rule.columns])
        unit, (low, high) = rule.unit, rule.given
        sides: tuple[tuple[Literal["low", "high"], int], ...] = (
            ("low", -(-(rule.low - total) // unit)),
            ("high", -(-(total - rule.high) // unit)),
        )
        for bound_, by in sides:
            if by > 0:
                to = low - by if bound_ == "low" else high + by
                changes.append(LimitChange(rule.at, bound_, float(by), float(to)))
                paid += float(price[i]) * by
    changes.sort(key=lambda c: (c.at.block, c.at.row))
    return Relaxation(tuple(changes), paid, given.cheapest)
