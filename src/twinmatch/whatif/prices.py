"""What each lock, ban, quota and rule costs, what one more place is worth, and who is asked for too often.

Every price is the difference of two answers that the solver proved: the round with the rule, and without it.
"Without" leaves out the rule, or of a rule named pair by pair the one pair. "One more" widens one row by one.
Only rows at their limit can have a worth: an answer that does not touch a limit stays best without it, where it is the
best of a convex problem (a network, or an LP whose answer is whole at every level); of a MIP every row is solved again.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property, partial
from typing import TYPE_CHECKING, Annotated, Any, Final, Literal

import numpy as np
from pydantic import Field

from twinmatch.errors import NoProposalError, QuestionError
from twinmatch.programmes.eligibility import CONDITIONS, Eligibility, conditions_kept
from twinmatch.programmes.proposing import programme_of, solve_round
from twinmatch.programmes.registry import PRODUCTS
from twinmatch.programmes.round import Round, price_bounds
from twinmatch.programmes.rules import Rule, best_choice, statuses, worth
from twinmatch.programmes.twinning import prepare
from twinmatch.proposal import Product, RuleNumbers, RulePrice, RuleStatus
from twinmatch.proposal.wire import Number, Rows, Tabular, on_wire
from twinmatch.solving.model import MIP
from twinmatch.whatif.case import (
    NOTHING,
    Case,
    Move,
    Outcome,
    Price,
    spared,
    swapped,
    widened,
)
from twinmatch.wording import say

if TYPE_CHECKING:
    import pandas as pd

Kind = Literal["rule", "lock", "ban", "past pair", "one more", "one more place"]

FIVE = 5


@dataclass(frozen=True)
class Priced:
    """A rule, a pair of a rule, or a limit: what it says, and what the best answer would gain without it.

    ``price`` has places and score gained without the rule (or with one more); ``moves`` are those of the guests
    then. None where the round has no answer at all without it, which cannot be for a limit.
    """

    kind: Kind
    rule: str
    says: str
    price: Annotated[Price, Field(alias="gain")]
    moves: tuple[Move, ...]
    status: str = ""
    """How the round's answer stands to it: kept, binding or relaxed."""
    numbers: RuleNumbers | None = None
    """What a rule forbids in numbers."""

    def row(self) -> dict[str, Any]:
        """Return the price as a row of a table: places and score gained without it."""
        said = {"kind": self.kind, "rule": self.rule, "says": self.says, "status": self.status}
        gained = {"places": self.price.places, "score": self.price.score}
        return {**said, **gained, "proven": self.price.proven, "moves": len(self.moves)}


@dataclass(frozen=True)
class HostDemand:
    """How much a host is asked for: wishes, guests whose best or one of whose five best hosts it is, its places.

    ``worth`` is what one more place there would add to the round's best answer.
    """

    host: str
    name: str
    wished_by: int
    best_of: int
    among_five_of: int
    guests: int
    places: int
    worth: Annotated[Price, Field(alias="one_more_place")]

    def row(self) -> dict[str, Any]:
        """Return the demand as a row of a table; what one more place is worth in places and score."""
        figures = {k: v for k, v in vars(self).items() if k != "worth"}
        return {**figures, "worth_places": self.worth.places, "worth_score": self.worth.score}

    @on_wire
    def over_wished(self) -> bool:
        """Return whether more guests want it, or fit it best, than it has places."""
        return max(self.wished_by, self.best_of) > self.places

    @on_wire
    def never(self) -> bool:
        """Return whether it has no guest and is among the five best hosts of none."""
        return self.guests == 0 and self.wished_by == 0 and self.among_five_of == 0


@dataclass(frozen=True)
class SoftRule:
    """A rule with a price in any format: what it says, by how much it is missed, and what that costs in points."""

    product: str
    rule: str
    says: str
    missed: Number
    paid: Number

    def row(self) -> dict[str, Any]:
        """Return the rule as a row of a table."""
        return dict(vars(self))


@dataclass(frozen=True)
class FormatRule:
    """A rule that is no row of twinning's solve: the conditions on guests, or one of another format; how it stands, and what the format would gain without it."""

    product: str
    rule: str
    says: str
    status: str
    costs: RulePrice | None

    def row(self) -> dict[str, Any]:
        """Return the rule as a row of a table, its price in words."""
        return {**vars(self), "costs": self.costs.says if self.costs else ""}


@dataclass(frozen=True, repr=False)
class PriceList(Tabular):
    """All prices of a round, the dearest first, and the demand for every host, the most wanted first.

    ``soft`` are the rules with a price of every format, ``others`` the conditions on guests, and all rules of the other formats as the proposal has them.
    """

    filled: int
    total: Number
    rules: Rows[Priced]
    limits: Rows[Priced]
    hosts: Rows[HostDemand]
    soft: Rows[SoftRule]
    others: Rows[FormatRule]

    def __repr__(self) -> str:
        free = sum(item.price.is_nothing for item in self.rules)
        return f"<PriceList: {len(self.rules)} rules, {free} of which cost nothing, {len(self.hosts)} hosts>"

    def to_frame(self) -> pd.DataFrame:
        """Return one row a rule, lock or ban; ``limits`` and ``hosts`` are tables of their own."""
        return self.rules.to_frame()


@dataclass(frozen=True, eq=False)
class PriceQuestion:
    """A price that can be worked out, and stays: a rule, pair or limit of a case, changed to what it is compared with."""

    case: Case
    kind: Kind
    rule: Rule
    says: str
    change: Callable[[Rule], Rule | None]
    card: RuleStatus | None = None
    whole: PriceQuestion | None = None
    """The same rule left out as a whole, which costs no less."""

    @cached_property
    def priced(self) -> Priced:
        """Return the price against the round with the changed rule in its place, solved when it is first asked for."""
        if self.whole and (at_most := self.whole.priced.price).is_nothing and at_most.proven:
            return Priced(self.kind, self.rule.name, self.says, at_most, ())
        looser = gain(self.case, swapped(self.case.ready.rules, self.rule, self.change(self.rule)))
        status, numbers = (self.card.status, self.card.numbers) if self.card else ("", None)
        if status == "kept" and looser[0].places > 0:
            status = "binding"  # at none of its limits, and places stay empty because of it
        return Priced(self.kind, self.rule.name, self.says, *looser, status, numbers)


def price_questions(case: Case) -> tuple[PriceQuestion, ...]:
    """Return every price of a settled round that can be asked for: rules and named pairs, limits, places of hosts."""
    rules = case.ready.rules
    cards = statuses(rules, case.ready.candidates, case.chosen)
    found = [q for rule, card in zip(rules, cards, strict=True) for q in _of_rule(case, rule, card)]
    whole = {id(q.rule): q for q in found if q.kind == "rule"}
    limits = [r for r in rules if not r.filters and r.kind not in ("structure", "lock", "places")]
    kinds: tuple[tuple[Kind, list[Rule]], ...] = (
        ("one more", limits),
        ("one more place", [r for r in rules if r is case.host_places]),
    )
    found += [
        PriceQuestion(
            case,
            kind,
            rule,
            rule.block.says(row),
            partial(widened, row=row),
            whole=whole.get(id(rule)),
        )
        for kind, of_kind in kinds
        for rule in of_kind
        for row in _rows_that_may_matter(case, rule)
    ]
    return tuple(found)


def price_list(
    case: Case,
    asked: Sequence[PriceQuestion] | None = None,
    told: Mapping[str, Sequence[RuleStatus]] | None = None,
) -> PriceList:
    """Return what each rule, named pair and limit of a settled round costs, and the demand for every host.

    ``asked`` are the questions of the case, where some of them were answered before; ``told`` the rules of all formats
    with what they cost, which are made where they are not given.
    """
    several = len(programme_of(case.round).products) > 1
    every = dict(rules_of(case.round) if told is None and several else told or {})
    every["twinning"] = statuses(case.ready.rules, case.ready.candidates, case.chosen)
    every = {CONDITIONS: (conditions_priced(case),), **every}
    found = [q.priced for q in (price_questions(case) if asked is None else asked)]
    limits = [p for p in found if p.kind == "one more"]
    places = [p.price for p in found if p.kind == "one more place"]
    rules = [p for p in found if p.kind not in ("one more", "one more place")]
    demand = _demand(case, places)
    return PriceList(
        case.filled,
        case.total,
        Rows(_dearest(rules)),
        Rows(_dearest(limits)),
        Rows(demand),
        Rows(
            SoftRule(name, rule.rule, rule.says, rule.missed or 0.0, rule.paid)
            for name, of in every.items()
            for rule in of
            if rule.paid is not None
        ),
        Rows(
            FormatRule(
                "twinning" if name == CONDITIONS else name,
                *(rule.rule, rule.says, rule.status, rule.costs),
            )
            for name, of in every.items()
            for rule in of
            if name != "twinning" and rule.repair is None
        ),
    )


def conditions_priced(case: Case) -> RuleStatus:
    """Return the conditions on guests as a rule of a settled round, with what the best answer gains without all of them."""
    now, ready = case.settings.guests, case.ready
    kept = conditions_kept(case.round.cohort, ready.who, now)
    if kept.status == "kept" or len(case.round.cohort) > LARGEST_AGAIN:
        return kept
    roles = {name: getattr(now, name) for name in ("roles", "not_roles", "took_part_in")}
    anyone = case.settings.model_copy(update={"guests": Eligibility(**roles, unknown="let in")})
    free = prepare(replace(case.round, previous=None), anyone)
    chosen, solution = best_choice(free.rules, free.candidates)
    more, proven = int(chosen.sum()) - case.filled, {case.solution.status, solution.status}
    score = max(worth(free.rules, free.candidates, chosen) - case.worth(case.chosen), 0.0)
    costs = RulePrice(max(more, 0), score, exact=proven == {"optimal"}, found=proven != {"optimal"})
    return replace(kept, costs=costs)


def rules_of(round_: Round) -> dict[str, tuple[RuleStatus, ...]]:
    """Return the rules of every format of a round by its name, each with what it costs; a round is solved that is not."""
    if len(round_.made) < len(programme_of(round_).products):
        round_ = solve_round(replace(round_, made=(), solved=(), load_ledger=None))
    costs = rule_costs(round_, again=True)
    return {p.product: with_costs(p.rules, costs.get(p.product, {})) for p in round_.made}


def rule_costs(round_: Round, again: bool) -> dict[str, dict[str, RulePrice]]:
    """Return what the rules of a solved round cost, by format and name: at most, from the one solve of each.

    With ``again`` those that are no rows of a solve have what is found by making their format without them.
    """
    whole = (one for one in round_.solved if not one.partial)
    found = {one.product.product: price_bounds(one) for one in whole}
    if again and len(round_.cohort) <= LARGEST_AGAIN:
        for product in round_.made:
            found.setdefault(product.product, {}).update(found_prices(round_, product))
    return found


def with_costs(
    rules: Iterable[RuleStatus], costs: Mapping[str, RulePrice]
) -> tuple[RuleStatus, ...]:
    """Return rules with what they cost by name; one that is known for itself gives no way to a bound."""
    return tuple(
        rule
        if (new := costs.get(rule.rule)) is None
        or (rule.costs is not None and rule.costs.is_known and not new.is_known)
        else replace(rule, costs=new)
        for rule in rules
    )


LARGEST_AGAIN: Final = 1_500
"""Cities up to which formats are made again without each of their rules, where prices are asked for."""

LIFTED: Final[dict[str, dict[str, dict[str, Any]]]] = {
    "study_visits": {
        "visitors": {"visitors": (1, LARGEST_AGAIN)},
        "another country": {"own_country": True},
        "something to show": {"something_to_show": False},
        "audience": {"not_roles": ()},
        "target": {"neutral_by": None},
    },
    "national_clusters": {
        "cluster size": {"size": (1, LARGEST_AGAIN)},
        "never joined": {"never_joined": ()},
        "anchor": {"anchor": None},
    },
}
"""Rules of formats that are no rows of a solve, and the settings of a format without each."""


def found_prices(round_: Round, made: Product) -> dict[str, RulePrice]:
    """Return what the rules of a format cost that are no rows of its solve, by name: what is found without each.

    Neither answer need be the best. The formats that chose before stay as they are. More cities count first (of
    visits, more visits), then the score.
    """
    programme, name = programme_of(round_), made.product
    settings = getattr(programme, name)
    if name not in LIFTED or not made.meetings:
        return {}
    before = programme.products
    ledger = replace(round_, load_ledger=None).ledger
    for other in before[: before.index(name)]:
        if (product := round_.product(other)) is not None:
            ledger = ledger.with_product(product, getattr(programme, other))
    rules = {
        rule: {"rules": tuple(q for other, q in settings.quotas if other != rule)}
        for rule, _ in settings.quotas
    }
    free, found = replace(round_, load_ledger=ledger, repairs={}), {}
    told = {rule.rule for rule in made.rules if rule.costs is None or not rule.costs.is_known}
    for rule, change in (LIFTED[name] | rules).items():
        if rule not in told:
            continue
        try:
            without = PRODUCTS[name](free, settings.model_copy(update=change))
        except (NoProposalError, QuestionError):
            continue
        placed = [
            len(p.meetings) if name == "study_visits" else sum(len(m.members) for m in p.meetings)
            for p in (without, made)
        ]
        more, gain = max(placed[0] - placed[1], 0), max(without.score - made.score, 0.0)
        found[rule] = RulePrice(more, None if more else gain, found=True)
    return found


def _dearest(found: list[Priced]) -> list[Priced]:
    return sorted(found, key=lambda p: (-p.price.places, -p.price.score, p.rule, p.says))


def gain(case: Case, rules: tuple[Rule, ...]) -> tuple[Price, tuple[Move, ...]]:
    """Return what the best answer gains under other, looser rules, and who moves then."""
    answer = case.settled(rules)
    if answer is None:  # pragma: no cover - looser rules keep every answer that was possible
        raise AssertionError("looser rules have no answer")
    outcome: Outcome = case.outcome(answer)
    score = answer[1].score - case.worth(case.chosen)  # by the looser rules, which may cost less
    gained = 0.0 if abs(score) < NOTHING else score
    return Price(-outcome.price.places, gained, outcome.price.proven), outcome.moves


def _of_rule(case: Case, rule: Rule, card: RuleStatus) -> list[PriceQuestion]:
    if rule.kind == "structure":
        return []
    if rule.kind == "lock":
        return [
            PriceQuestion(case, "lock", rule, rule.block.says(row), partial(_lifted, row=row))
            for row in range(len(rule.block))
        ]
    if rule.kind == "ban" or rule.kind == "past pair":
        return [
            PriceQuestion(case, rule.kind, rule, _pair_says(case, at), partial(spared, pair=at))
            for at in np.flatnonzero(rule.forbidden).tolist()
        ]
    return [PriceQuestion(case, "rule", rule, card.says, lambda _: None, card)]


def _pair_says(case: Case, pair: int) -> str:
    h, g = divmod(pair, len(case.ready.frame.guests))
    return say("{one} with {other} must not meet", one=case.guest_name(g), other=case.hosts[h].name)


def _lifted(rule: Rule, row: int) -> Rule:
    """A rule without the minimum of one of its rows."""
    low = rule.block.low.copy()
    low[row] = -np.inf
    return replace(rule, block=replace(rule.block, low=low))


def _rows_that_may_matter(case: Case, rule: Rule) -> list[int]:
    block, proven = rule.block, case.solution.engine != MIP
    finite = np.isfinite(block.high)
    if proven and block.switch is None:
        finite &= block.matrix @ case.chosen.astype(np.float64) >= block.high - 1e-9
    return [int(row) for row in np.flatnonzero(finite)]


def _demand(case: Case, places: Sequence[Price]) -> tuple[HostDemand, ...]:
    """Return the demand for every host; ``places`` are the prices of one more place of those at their limit."""
    rule = case.host_places
    nothing = Price(0, 0.0)
    at_limit = _rows_that_may_matter(case, rule) if rule is not None else []
    worth = dict(zip(at_limit, places, strict=True))
    score = np.where(case.grid(case.ready.allowed), np.round(case.grid(case.score), 9), -1.0)
    order = np.argsort(-score, axis=0, kind="stable")
    held = case.grid(case.chosen).sum(axis=1)
    wishes = [set(case.round.cohort.cities[i].wishes) for i in case.ready.frame.guests]
    found = []
    for h, host in enumerate(case.hosts):
        names = case.ready.frame.members(host)
        open_to = score[h] >= 0
        found.append(
            HostDemand(
                host.id,
                host.name,
                sum(bool(names & wished) for wished in wishes),
                int((open_to & (order[0] == h)).sum()),
                int((open_to & (order[:FIVE] == h).any(axis=0)).sum()),
                int(held[h]),
                int(rule.block.high[h])
                if rule is not None and np.isfinite(rule.block.high[h])
                else len(wishes),
                worth.get(h, nothing),
            )
        )
    return tuple(sorted(found, key=lambda d: (-d.wished_by, -d.best_of, -d.among_five_of, d.host)))
