"""check(): the referee over a proposal, no matter who made it: also one that was edited by hand.

Twinning is judged by the rules' own blocks over the whole frame; every other format by what stands in its meetings. Gate,
audience and caps are counted once more, city by city (`recount`).
The registry of formats holds who judges them. Nothing of the solver is used. What is left unjudged is said.

Two proposals side by side, in plain words: who meets whom now, who gains, who loses, which rules differ.

Works on the proposals alone, so it compares any two, of one round or of two rounds, made by whatever programme.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, replace
from statistics import fmean

from twinmatch.programmes import PRODUCTS, Programme, Round
from twinmatch.programmes.base import ProductSettings
from twinmatch.programmes.proposing import programme_of
from twinmatch.programmes.rules import counted
from twinmatch.programmes.themes import quoted
from twinmatch.proposal import Meeting, Product, Proposal, RuleStatus
from twinmatch.proposal.wire import on_wire
from twinmatch.schema import NAMES
from twinmatch.vocabulary.topics import KINDS
from twinmatch.whatif.case import NOTHING, points
from twinmatch.whatif.recount import recounted
from twinmatch.wording import joined, listed, say, titled


@dataclass(frozen=True)
class RefereeReport:
    """A product as the referee finds it: every rule, and what was not judged."""

    product: str
    title: str
    rules: tuple[RuleStatus, ...]
    unjudged: str = ""

    @on_wire
    def kept(self) -> bool:
        """Return whether no rule is broken."""
        return all(rule.status != "broken" for rule in self.rules)


def check_proposal(round_: Round, proposal: Proposal) -> tuple[RefereeReport, ...]:
    """Return how every product of a proposal stands to the rules of a programme over a cohort.

    Each is judged beside what those that chose before it take of the cities, as when it was made.
    """
    programme = programme_of(round_)
    order = {name: k for k, name in enumerate(programme.products)}
    found = {}
    for product in sorted(proposal.products, key=lambda p: order.get(p.product, len(order))):
        settings = _as_repaired(programme, product, proposal)
        found[product.product] = _checked_product(round_, settings, product)
        if settings is not None:
            round_ = replace(round_, load_ledger=round_.ledger.with_product(product, settings))
    return tuple(found[product.product] for product in proposal.products)


def _as_repaired(
    programme: Programme, product: Product, proposal: Proposal
) -> ProductSettings | None:
    """Return the settings of a product; those that it states to have given way are as the proposal was made with."""
    settings: ProductSettings | None = getattr(programme, product.product, None)
    gave_way = {r.rule for r in product.rules if r.repair} & set(dict(settings or ()))
    if settings is None or not gave_way:
        return settings
    made_with = proposal.made_from["programme"]["settings"][product.product]
    return type(settings).model_validate(
        dict(settings) | {name: made_with.get(name) for name in sorted(gave_way)}
    )


def _checked_product(
    round_: Round, settings: ProductSettings | None, product: Product
) -> RefereeReport:
    strangers = sorted(
        {m.city for meeting in product.meetings for m in meeting.members} - set(round_.cohort.index)
    )
    known = counted("known cities", say("Every city of a meeting is in the profiles."), strangers)
    rules = [known, _once(product)]
    entry, unjudged = PRODUCTS.get(product.product), ""
    if product.status == "infeasible":
        unjudged = say("It was not formed, so there is nothing to judge.")
    elif entry is None or settings is None:
        unjudged = say("This programme has no such format: its own rules were not judged.")
    elif strangers:
        unjudged = say("The format's own rules were not judged, because cities are unknown.")
    elif entry.judge is None:
        unjudged = say(
            "This format comes without rules of its own to judge by: only those of every format were judged."
        )
    else:
        own = [*entry.judge(round_, settings, product), *recounted(round_, settings, product)]
        told = {(r.rule, r.says) for r in own}
        rules += [*own, *(r for r in product.rules if r.repair and (r.rule, r.says) not in told)]
    return RefereeReport(product.product, product.title, tuple(rules), unjudged)


def _once(product: Product) -> RuleStatus:
    each = ((m.label, Counter(m.cities())) for m in product.meetings)
    twice = [f"{label}: {city}" for label, seen in each for city in seen if seen[city] > 1]
    return counted("once in a meeting", say("A city stands once in a meeting."), twice)


@dataclass(frozen=True)
class Moved:
    """A city whose meetings of a product differ: what it had, what it has, and the sentence."""

    city: str
    says: str


@dataclass(frozen=True)
class ProductDifference:
    """How one product differs: how many cities are placed, the score, who moved, which rules differ."""

    product: str
    title: str
    same: int
    moved: tuple[Moved, ...]
    says: tuple[str, ...]

    @on_wire
    def alike(self) -> bool:
        """Return whether nothing differs."""
        return not self.moved and not self.says


@dataclass(frozen=True)
class ProposalDifference:
    """How two proposals differ: what they were made from, and each product."""

    made_from: tuple[str, ...]
    products: tuple[ProductDifference, ...]

    @on_wire
    def alike(self) -> bool:
        """Return whether the two propose the same."""
        return all(p.alike for p in self.products)


def difference(before: Proposal, after: Proposal) -> ProposalDifference:
    """Return how two proposals differ, in plain words; names are those of the second, or else of the first."""
    both = (before, after)
    names = {unit.id: unit.name for one in both for unit in one.units}
    names |= {card.id: card.name for one in both for card in one.cities}
    one, other = ({p.product: p for p in proposal.products} for proposal in both)
    titles = one | other
    products = (_product(one.get(name), other.get(name), names) for name in titles)
    return ProposalDifference(tuple(_made_from(before, after)), tuple(products))


def _made_from(before: Proposal, after: Proposal) -> Iterator[str]:
    parts = ("data", "programme", "text_model")
    sides = ([p.made_from.get(part) or {} for part in parts] for p in (before, after))
    (one, own, model), (other, new, other_model) = sides
    if one.get("sha256") != other.get("sha256"):
        says = "The profiles differ: {before} cities before, {after} after."
        yield say(says, before=len(before.cities), after=len(after.cities))
    was, is_ = ({card.id: card.name for card in p.cities} for p in (before, after))
    left = ([names[c] for c in sorted({*names} - {*o})] for names, o in ((was, is_), (is_, was)))
    gone, new_ones = (joined(names, ", ") for names in left)
    if gone:
        yield say("Cities no longer there: {cities}.", cities=gone)
    if new_ones:
        yield say("Cities new: {cities}.", cities=new_ones)
    if own.get("sha256") != new.get("sha256"):
        products = (*before.products, *after.products)
        names_of = {m.id.partition(":")[2]: m.label for p in products for m in p.meetings}
        names_of |= {**was, **is_, **{u.id: u.name for u in (*before.units, *after.units)}}
        names_of |= {p.product: titled(p.title) for p in products}
        told = {(p.product, rule) for p, q in _both(before, after) for rule, _ in _rules(p, q)}
        was_made, is_made = (side.get("settings") or {} for side in (own, new))
        yield from _settings(was_made, is_made, names_of, told)
    if model != other_model:
        yield say("The texts were compared by another model, so scores do not compare exactly.")


def _both(before: Proposal, after: Proposal) -> list[tuple[Product, Product]]:
    now = {p.product: p for p in after.products}
    return [(p, now[p.product]) for p in before.products if p.product in now]


def _settings(
    one: object,
    other: object,
    names: dict[str, str],
    told: set[tuple[str, str]],
    path: tuple[str, ...] = (),
) -> Iterator[str]:
    """Each setting of the programme that differs, in words; named pairs in the names of their cities.

    Rules whose words are ``told`` with their format are left out.
    """
    product, key = path[0] if path else "", path[-1] if path else ""
    is_added = len(path) == 1 and key in names and None in (one, other)
    if is_added or key in _RULES or (product, key.replace("_", " ")) in told:
        return
    if isinstance(one or other, dict):
        both = [side if isinstance(side, dict) else {} for side in (one, other)]
        for part in sorted({*both[0], *both[1]}):
            was, is_ = (side.get(part) for side in both)
            yield from _settings(was, is_, names, told, (*path, part))
    elif key in _PAIRS:
        yield from _named_pairs(one, other, names, _PAIRS[key])
    elif one != other:
        says = "{what}: {before} before, {after} after."
        what = _setting(product, path[1:], names)
        yield say(says, what=what, before=_value(one), after=_value(other))


def _setting(product: str, path: tuple[str, ...], names: dict[str, str]) -> str:
    """Return what a setting is of in words, or as a programme file has it."""
    match path:
        case ("weights", facet) if facet in KINDS["facets"]:
            words = say(KINDS["facets"][facet])
            return say("{format}, weight of “{facet}”", format=names.get(product, ""), facet=words)
        case ("split", group) | ("panels" as group,):
            theme = names.get(group or product, group)
            return say("Number of groups: {theme}", theme=theme)
        case (_,) if product == "names":
            return say("Name of a group")
    return say("Setting {path}", path=".".join((product, *path)))


_RULES = ("rules", "overall")
"""Settings that hold rules on kinds of cities: what they say is told with their format."""

_PAIRS = {
    "lock": (say("Now locked"), say("No longer locked")),
    "ban": (say("Now banned"), say("No longer banned")),
    "past": (say("Now from past rounds"), say("No longer from past rounds")),
}


def _named_pairs(
    one: object, other: object, names: dict[str, str], words: tuple[str, str]
) -> Iterator[str]:
    """The pairs of cities that a setting names in one of two proposals only."""
    sides = (pairs if isinstance(pairs, list | tuple) else () for pairs in (one, other))
    ids = ([map(str, pair) for pair in pairs] for pairs in sides)
    was, is_ = ({tuple(names.get(i, i) for i in pair) for pair in pairs} for pairs in ids)
    for found, says in zip((is_ - was, was - is_), words, strict=True):
        if found:
            pairs_said = (say("{one} with {other}", one=a, other=b) for a, b in sorted(found))
            yield say("{says}: {pairs}.", says=says, pairs=joined(pairs_said, ", "))


def _value(value: object) -> str:
    if value is None:
        return say("not set")
    if isinstance(value, list | tuple):
        return "[" + ", ".join(_value(part) for part in value) + "]"
    return str(value)


def _product(
    before: Product | None, after: Product | None, names: dict[str, str]
) -> ProductDifference:
    shown = after or before
    assert shown is not None
    if before is None or after is None:
        says = "{title} is only in the first proposal."
        if before is None:
            says = "{title} is only in the second proposal."
        only = say(says, title=shown.title)
        return ProductDifference(shown.product, shown.title, 0, (), (only,))
    was, is_ = _meetings_of(before), _meetings_of(after)
    moved = []
    for city in sorted({*was, *is_}):
        both = was.get(city, ()), is_.get(city, ())
        if _partners(both[0], city) != _partners(both[1], city):
            moved.append(Moved(city, _moved_says(city, *both, names)))
    same, sums = len({*was, *is_}) - len(moved), tuple(_sums(before, after))
    return ProductDifference(shown.product, shown.title, same, tuple(moved), sums)


def _meetings_of(product: Product) -> dict[str, tuple[Meeting, ...]]:
    found: dict[str, tuple[Meeting, ...]] = {}
    for meeting in product.meetings:
        found |= {city: (*found.get(city, ()), meeting) for city in meeting.cities()}
    return found


def _partners(meetings: tuple[Meeting, ...], city: str) -> set[tuple[str, str]]:
    """What a city meets: in a pair the other side, in a group the group itself, with its own role there."""
    found: set[tuple[str, str]] = set()
    for meeting in meetings:
        role = next(m.role for m in meeting.members if m.city == city)
        if role == "guest":
            found |= {("guest", meeting.unit or host) for host in meeting.cities("host")}
        elif role == "host":
            found |= {("host", guest) for guest in meeting.cities("guest")}
        else:
            found.add((role, meeting.id))
    return found


def _moved_says(
    city: str, was: tuple[Meeting, ...], is_: tuple[Meeting, ...], names: dict[str, str]
) -> str:
    name = names.get(city, city)
    if not is_:
        had = _phrase(was, city, names)
        return say("{city} has no place any more; before: {meetings}.", city=name, meetings=had)
    has = _phrase(is_, city, names)
    if not was:
        return say("{city} has a place now: {meetings}.", city=name, meetings=has)
    before = _phrase(was, city, names)
    return say("{city}: {after}, in place of {before}.", city=name, after=has, before=before)


def _phrase(meetings: tuple[Meeting, ...], city: str, names: dict[str, str]) -> str:
    parts = []
    for meeting in meetings:
        role = next(m.role for m in meeting.members if m.city == city)
        if role == "host":
            guests = joined((names.get(g, g) for g in meeting.cities("guest")), ", ")
            parts.append(say("hosting {guests}", guests=guests))
        elif role == "guest":
            hosts = [meeting.unit] if meeting.unit else list(meeting.cities("host"))
            parts.append(say("learning from {host}", host=listed([names.get(h, h) for h in hosts])))
        elif role == "lead":
            parts.append(say("{meeting} as a lead", meeting=quoted(meeting.label)))
        else:
            parts.append(quoted(meeting.label))
    return listed(parts)


STATUSES = {
    "kept": say("kept"),
    "binding": say("binding"),
    "broken": say("broken"),
    "relaxed": say("relaxed"),
}


def _sums(before: Product, after: Product) -> Iterator[str]:
    sides = (before, after)
    was, is_ = (len(p.meetings) for p in sides)
    if was != is_:
        yield say("{before} meetings before, {after} after.", before=was, after=is_)
    if len({tuple((w.facet, round(w.weight, 6)) for w in p.weights) for p in sides}) > 1:
        yield say("Weights were changed: points before and after mean different things.")
    else:
        yield from _scores(before, after)
    yield from (says for _, says in _rules(before, after))


def _scores(before: Product, after: Product) -> Iterator[str]:
    """How the scores differ; totals of different numbers of places are not compared."""
    sides = (before, after)
    was, is_ = (sum(m.role != "host" for x in p.meetings for m in x.members) for p in sides)
    then, now = (round(100 * p.score, 1) for p in sides)  # as shown, so that they add up
    if was != is_:
        means = [fmean([m.score for m in p.meetings] or [0.0]) for p in sides]
        if [was, is_] == [len(p.meetings) for p in sides]:
            yield say("Totals of points do not compare.")
        else:
            says = "{before} places before, {after} after: totals of points do not compare."
            yield say(says, before=was, after=is_)
        says = "A meeting scores {after:.1f} of 100 in the mean, {before:.1f} before."
        yield say(says, after=100 * means[1], before=100 * means[0])
    elif now != then:
        says = "The total score is {points} more: {before:,.1f} before, {after:,.1f} after."
        if now < then:
            says = "The total score is {points} less: {before:,.1f} before, {after:,.1f} after."
        yield say(says, points=points(abs(now - then) / 100), before=then, after=now)
    low = [min((m.score for m in p.meetings), default=0.0) for p in sides]
    if abs(low[1] - low[0]) >= NOTHING:
        says = "The lowest meeting scores {after:.1f} of 100, {before:.1f} before."
        yield say(says, after=100 * low[1], before=100 * low[0])


_NAMED = ("locks", "bans", "past pairs")
"""Rules whose pairs are named among what two proposals were made from."""


def _rules(before: Product, after: Product) -> Iterator[tuple[str, str]]:
    """Each rule that is new, gone, another one or kept otherwise, by its name."""
    one, other = ({r.rule: r for r in p.rules} for p in (before, after))
    for rule in dict.fromkeys((*one, *other)):
        called = NAMES.get(rule) or titled(rule)
        if rule not in other:
            yield rule, say("The rule '{rule}' is no longer there.", rule=called)
        elif rule not in one:
            yield rule, say("New rule ({rule}): {says}", rule=called, says=other[rule].says)
        elif rule not in _NAMED and not _wordings(one[rule]) & _wordings(other[rule]):
            says = "The rule '{rule}' is another one: {now} It was: {before}"
            now, then = (min(_wordings(rules[rule]), key=len) for rules in (other, one))
            yield rule, say(says, rule=called, now=now, before=then)
        elif one[rule].status != other[rule].status:
            now, then = (STATUSES[rules[rule].status] for rules in (other, one))
            says = "The rule '{rule}' is {now} now, {before} before."
            yield rule, say(says, rule=called, now=now, before=then)


def _wordings(rule: RuleStatus) -> set[str]:
    """Return what a rule says, with and without how the answer stands to it, which follows."""
    return {rule.says, getattr(rule.says, "values", {}).get("t0", rule.says)}
