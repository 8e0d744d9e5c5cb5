"""A round solved, and its proposal, in which every city ends somewhere.

Products choose in the order of the ledger; what they take of each city is entered in one
ledger, whose limits hold across all of them.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import replace
from functools import partial, reduce
from typing import Any

from twinmatch import __version__
from twinmatch.cohort import Cohort
from twinmatch.errors import NoProposalError, Problem, QuestionError, TwinmatchError
from twinmatch.programmes import PRODUCTS, Programme, Round
from twinmatch.programmes.base import ProductSettings
from twinmatch.programmes.city_cards import gaps, measured_card
from twinmatch.programmes.load_ledger import LoadLedger, judged_ledger
from twinmatch.programmes.pathways import ladder, pathways, transition_map, with_offers
from twinmatch.programmes.repair_menu import (
    EFFORT,
    FEWEST,
    QUOTAS,
    by_number,
    loosened,
    not_sought,
    numbered,
)
from twinmatch.programmes.round import SolvedProduct
from twinmatch.programmes.rules import best_choice
from twinmatch.proposal import (
    Cell,
    LeftOut,
    Meeting,
    Product,
    Proposal,
    RulePrice,
    RuleStatus,
    UnitName,
)
from twinmatch.wording import count, joined, listed, say, titled


def proposal_of(
    round_: Round, text_model: dict[str, Any], progress: Callable[[str], None] = lambda _: None
) -> Proposal:
    """Return the proposal of a round whose products were all made; ``text_model`` is recorded in it."""
    cohort, facet_cache, programme = round_.cohort, round_.facet_cache, programme_of(round_)
    tables = [ladder(cohort, programme), transition_map(cohort), round_.ledger.table()]
    if programme.pathways is not None and programme.pathways.offered:
        progress(say("Support pathways"))
        tables.append(pathways(cohort, facet_cache, programme.pathways, programme))
    made = [
        replace(p, left_out=tuple(x for x in p.left_out if _is_told(x, cohort)))
        for p in round_.made
    ]
    return Proposal(
        made_from(cohort, programme, text_model),
        tuple(with_offers(cohort, programme, made)),
        tuple(measured_card(cohort, i) for i in range(len(cohort))),
        tuple(UnitName(unit.id, unit.name) for unit in cohort.units),
        gaps(cohort),
        (
            facet_cache.text.says,
            *_order_told(programme),
            *_bundled_told(programme),
            *absent_names(cohort, programme),
        ),
        tuple(table for table in tables if table.rows),
    )


def _is_told(left: LeftOut, cohort: Cohort) -> bool:
    """Return whether a city is told why it has no meeting: it applied, rather than being there to be met or not at all."""
    return left.city not in cohort.brought and left.code != "aside"


def programme_of(round_: Round) -> Programme:
    """Return the programme of a round; one without products where it has none."""
    return round_.programme if round_.programme is not None else Programme()


def solve_round(
    round_: Round, progress: Callable[[str], None] = lambda _: None, until: str = ""
) -> Round:
    """Return the round with every product made, and the ledger of what they take; nothing passes its limits.

    With ``until``, no product that chooses after the one of that name is made. Raises NoProposalError with the
    problems of every product where none can be made, or the one of that name cannot.
    """
    failed: dict[str, tuple[Problem, ...]] = {}
    round_ = replace(round_, load_ledger=round_.ledger)  # a limit that names no city is said first
    order = programme_of(round_).products
    last = next((k for k, name in enumerate(order, 1) if name == until), len(order))
    for name in order[:last]:
        programme = programme_of(round_)
        progress(titled(getattr(programme, name).title))
        before = round_
        try:
            round_ = _made(round_, programme, name)
            if not round_.made[-1].meetings:
                round_ = _with_advice(round_, _repaired(before, name, QuestionError(())))
        except (NoProposalError, QuestionError) as error:
            if isinstance(error, QuestionError) and not _unformed(error, failed):
                raise QuestionError(_titled(programme, name, error.problems)) from None
            found = _repaired(before, name, error)
            if isinstance(found, Round):
                round_ = found
            else:
                failed[name] = found
        if any(rule.repair for product in round_.made for rule in product.rules):
            round_ = replace(round_, repairs={k: v for k, v in round_.repairs.items() if k})
    problems = [
        p
        for name, why in failed.items()
        for p in _titled(programme_of(round_), name, why)
        if p.code != "visits-without-groups"
    ]
    if problems and (not round_.made or until in failed):
        wrong = any(p.code == "lock-impossible" for p in problems)
        raise (QuestionError if wrong else NoProposalError)(dict.fromkeys(problems))
    made = {p.product: p for p in round_.made}
    products = (
        made.get(name) or _not_formed(round_, name, failed[name])
        for name in programme_of(round_).products
        if name in made or name in failed
    )
    return replace(round_, made=tuple(products))


def _titled(programme: Programme, name: str, problems: Sequence[Problem]) -> Iterator[Problem]:
    """Yield the problems of a product, each beginning with the product's title; repairs as they are."""
    title = getattr(programme, name).title
    for problem in problems:
        is_own = problem.level == "error" and problem.code != "repair"
        yield (
            replace(problem, found=joined((titled(title), problem.found), ": "))
            if is_own
            else problem
        )


ADVISED = ("repair", "repairs-cut-short", "repairs-not-sought")
"""Codes of what is advised where a product is not formed."""

NOT_FORMED = {"no-hosts", "no-leads", "limits-undercut", "lock-impossible"}
"""Codes of questions that a product cannot answer of this cohort, which says nothing against the others."""


def _unformed(error: QuestionError, failed: Mapping[str, object]) -> bool:
    """Return whether a product lacks only what the cohort, or a product that failed before it, does not have."""
    codes = {p.code for p in error.problems}
    return codes <= NOT_FORMED | ({"visits-without-groups"} if failed else set())


def _repaired(round_: Round, name: str, error: TwinmatchError) -> Round | tuple[Problem, ...]:
    """Return the round with a product made as the repairs that were asked for loosen its settings.

    Without such repairs, its problems with the menu. Twinning brings its own menu of rules that clash.
    """
    if {"visits-without-groups", "no-proposal"} & {p.code for p in error.problems}:
        return error.problems
    programme, entry = programme_of(round_), PRODUCTS[name]
    settings: ProductSettings = getattr(programme, name)

    made: dict[int, tuple[Meeting, ...]] = {}  # by the settings' own place in memory: all are held

    def works(changed: ProductSettings, in_full: bool = True) -> bool:
        try:
            if entry.prepare is None or in_full:
                made[id(changed)] = entry(replace(round_, repairs={}), changed).meetings
                return bool(made[id(changed)])
            ready = entry.prepare(round_, changed)
            return bool(best_choice(ready.rules, ready.candidates, ("filled",))[0].any())
        except (NoProposalError, QuestionError):
            return False

    if len(round_.cohort) * FEWEST > EFFORT and not round_.repairs_of(name):
        return (*error.problems, not_sought(round_, name))
    # Where the rules alone allow meetings, what is lacking is seen in the product only: a reason for each.
    in_full = entry.prepare is not None and works(settings, in_full=False)
    menu, whole = loosened(round_, settings, partial(works, in_full=in_full))
    try:
        asked = numbered(menu, round_.repairs_of(name))
    except QuestionError as wrong:
        raise QuestionError(_titled(programme, name, (*error.problems, *wrong.problems))) from None
    if not asked:
        places = "{says}; {n} of {cities} cities then have a place"
        for one in menu:
            if id(one.settings) not in made:
                made[id(one.settings)] = entry(replace(round_, repairs={}), one.settings).meetings
        asking = len(round_.cohort) - len(round_.cohort.brought)
        met = [{c for m in made[id(one.settings)] for c in m.cities()} for one in menu]
        placed = [len(cities - round_.cohort.brought) for cities in met]
        words = (
            say(places, says=joined(one.says.values(), "; "), n=n, cities=asking)
            for one, n in zip(menu, placed, strict=True)
        )
        told = by_number(words, round_.named(name), whole)
        return (*error.problems, *told)
    changed = settings
    for _, one in asked:
        taken = {name: getattr(one.settings, name) for name in one.says}
        for field in set(QUOTAS) & {*taken}:  # each repair changes rules of its own
            three = zip(
                *(getattr(s, field) for s in (settings, one.settings, changed)), strict=True
            )
            taken[field] = tuple(now if old == new else new for old, new, now in three)
        changed = changed.model_copy(update=taken)
    programme = programme.model_copy(update={name: changed})
    again = _made(replace(round_, programme=programme), programme, name)
    gave_way = tuple(
        RuleStatus(field, say("Gave way by repair {n}: {says}.", n=n, says=says), "relaxed", n)
        for n, one in asked
        for field, says in one.says.items()
    )
    *before, product = again.made
    product = replace(product, rules=(*product.rules, *gave_way))
    return replace(again, made=(*before, product))


def _with_advice(round_: Round, found: Round | tuple[Problem, ...]) -> Round:
    """Return the round whose last product has no meetings with its repairs as advice; or as it was repaired.

    With repairs it counts as not formed.
    """
    if isinstance(found, Round):
        return found
    *others, empty = round_.made
    advised = replace(empty, advice=(*empty.advice, *(problem.found for problem in found)))
    if any(problem.code == "repair" for problem in found):
        advised = replace(advised, status="infeasible")
    return replace(round_, made=(*others, advised))


def _not_formed(round_: Round, name: str, why: Sequence[Problem]) -> Product:
    """Return a product without meetings, with the reason and the repairs; every city is left out of it."""
    settings = getattr(programme_of(round_), name)
    title, guests = settings.title, getattr(settings, "guests", None)
    reasons = [p.found for p in why if p.level == "error" and p.code != "repair"]
    says = say("Not formed in this round: {reasons}", reasons=joined(reasons))
    because = say("{title}: not formed in this round. {because}", title=title, because=reasons[0])
    out = []
    for city in round_.cohort.cities:
        applied = bool(guests and set(guests.roles) & set(city.roles))
        out.append(LeftOut(city.id, because, "", as_role="guest" if applied else ""))
    advice = tuple(p.found for p in why if p.code in ADVISED)
    hosts = tuple(p.do for p in why if p.code == "no-hosts" and p.do)
    advice = (*hosts, *advice) or tuple(p.do for p in why if p.do)
    return Product(name, title, "infeasible", "none", 0.0, 0.0, (), tuple(out), (), says, advice)


def _made(round_: Round, programme: Programme, name: str) -> Round:
    """Return the round with the product of a format, with what the ledger's limits cost it."""
    settings = getattr(programme, name)
    propose = PRODUCTS[name].propose
    found = propose(round_, settings)
    product = named(_product_in(found), programme.names)
    ledger = round_.ledger.with_product(product, settings)
    judged_ledger(ledger)
    if tight := ledger.full(settings):
        free = propose(replace(round_, load_ledger=round_.ledger.unlimited()), settings)
        product = _priced(product, _product_in(free), ledger, tight)
    solved = (replace(found, product=product),) if isinstance(found, SolvedProduct) else ()
    made, so_far = (*round_.made, product), (*round_.solved, *solved)
    return replace(round_, load_ledger=ledger, made=made, solved=so_far)


def _product_in(found: Product | SolvedProduct) -> Product:
    return found.product if isinstance(found, SolvedProduct) else found


def named(product: Product, names: Mapping[str, str]) -> Product:
    """Return a product whose meetings are called as ``names`` says, by id, in its tables too."""
    told: dict[Cell, Cell] = {m.label: names[m.id] for m in product.meetings if m.id in names}
    if not told:
        return product
    meetings = tuple(replace(m, label=names.get(m.id, m.label)) for m in product.meetings)
    tables = (
        replace(t, rows=tuple(tuple(told.get(v, v) for v in row) for row in t.rows))
        for t in product.tables
    )
    return replace(product, meetings=meetings, tables=tuple(tables))


def _priced(
    product: Product, without: Product, ledger: LoadLedger, tight: Sequence[int]
) -> Product:
    """Return a product with the rule of load: kept, or binding with what it costs."""
    fewer = len(without.meetings) - len(product.meetings)
    people = [sum(len(m.members) for m in p.meetings) for p in (without, product)]
    lost = without.score - product.score
    names = [ledger.cohort.cities[i].name for i in tight]
    where = say(
        " No room for more in {n} cities ({cities}).",
        n=len(names),
        cities=joined([*names[:5], *(["…"] if len(names) > 5 else [])], ", "),
    )
    costs = fewer != 0 or people[0] != people[1] or abs(lost) > 1e-6
    price = (
        say(
            " Without them: {fewer:+d} meetings, {places:+d} places, {lost:+.1f} points.",
            fewer=fewer,
            places=people[0] - people[1],
            lost=100 * lost,
        )
        if costs
        else say(" They cost nothing.")
    )
    rule = RuleStatus(
        "load",
        say(
            "No city carries more than its limits over all formats.{where}{price}",
            where=where,
            price=price,
        ),
        "binding" if costs else "kept",
        costs=RulePrice(max(people[0] - people[1], 0), max(lost, 0.0), found=True),
    )
    others = tuple(r for r in product.rules if r.rule != "load")
    return replace(product, rules=(*others, rule))


def _order_told(programme: Programme) -> tuple[str, ...]:
    """Return in words who chose first, where there was anything to choose."""
    if len(programme.products) < 2:
        return ()
    words = [titled(getattr(programme, name).title) for name in programme.products]
    order = reduce(lambda first, then: say("{first}, then {then}", first=first, then=then), words)
    return (say("Formats chose in this order: {words}.", words=order),)


def _bundled_told(programme: Programme) -> list[str]:
    """Return in words what each product has from the bundled programme, as its file left it out."""
    return [
        say(
            "{title}: as in the bundled programme, {keys}.",
            title=titled(getattr(programme, name).title),
            keys=listed(list(keys)),
        )
        for name, keys in programme.bundled.items()
    ]


def absent_names(cohort: Cohort, programme: Programme) -> tuple[str, ...]:
    """Return a note for each list of a product that names cities who are not here, with what may have been meant."""
    notes = []
    for product in programme.products:
        settings = getattr(programme, product)
        for kind in ("lock", "ban", "past", "refused_before"):
            # A lock of a group has the group's id behind the city.
            of = 1 if kind == "lock" and product != "twinning" else None
            groups = ([g] if isinstance(g, str) else g for g in getattr(settings, kind, ()))
            names = dict.fromkeys(n for group in groups for n in group[:of])
            found = {name: cohort.host_id(name) for name in names}
            absent = [
                say("{name} ({do:lower})", name=name, do=p.do) if p.do else name
                for name, p in found.items()
                if isinstance(p, Problem)
            ]
            if absent:
                more = say(" and {n} more", n=len(absent) - 5) if len(absent) > 5 else ""
                notes.append(
                    say(
                        "{title}: {kind} names {cities} not here: {absent}{more}. All other names there count.",
                        title=settings.title,
                        kind=kind,
                        cities=count(len(absent), "city", "cities"),
                        absent=joined(absent[:5], ", "),
                        more=more,
                    )
                )
        if strange := strange_groups(settings):
            says = "{title}: lock names no group or theme that is asked for: {names}. Such a lock does not hold."
            notes.append(say(says, title=settings.title, names=joined(strange, ", ")))
    return tuple(notes)


def strange_groups(settings: Any) -> list[str]:
    """Return the groups named by locks that are of no theme of a product; none where it has no themes."""
    themes = {theme.id for theme in getattr(settings, "themes", ())}
    named = [group for _, group in getattr(settings, "lock", ())] if themes else []
    return [g for g in dict.fromkeys(named) if not themes & {g, g.rpartition("-")[0]}]


def made_from(cohort: Cohort, programme: Programme, text_model: dict[str, Any]) -> dict[str, Any]:
    """Return what the proposal was made from: fingerprints of data and programme, text model, versions, settings."""
    settings = programme.model_dump(mode="json", exclude_none=True)
    text = programme.model_dump_json(exclude_none=True)
    return {
        "data": {
            "sha256": cohort.fingerprint,
            "cities": len(cohort),
            "host_units": len(cohort.units),
        },
        "programme": {
            "name": programme.name,
            "sha256": hashlib.sha256(text.encode()).hexdigest(),
            "settings": settings,
            **({"bundled": programme.bundled} if programme.bundled else {}),
        },
        "text_model": text_model,
        "versions": {"twinmatch": __version__, **_solver_versions()},
    }


def _solver_versions() -> dict[str, str]:
    from importlib.metadata import version

    return {name: version(name) for name in ("numpy", "scipy", "ortools", "highspy")}
