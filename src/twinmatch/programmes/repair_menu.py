"""When no choice keeps the rules: a menu of repairs, the smallest first, each solved before it is reported.

A repair lets some limits give way by as little as helps. The coordinator takes repairs by their numbers, and every
limit that gave way is a row of the result. Where a product chooses among candidates, rows of its rules give way ("let
Odense take 2 guests in place of 3"); elsewhere its settings do ("cities of a meeting: at most 13 in place of 12").

    knob        a setting that can be loosened, with the values it may take, the next one first
    steps (K,)  how far each knob is turned; 0 leaves it as it is
"""

from __future__ import annotations

import math
import operator
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial
from typing import Any, Final, TypeVar

import numpy as np
from pydantic import ValidationError

from twinmatch.errors import Problem, QuestionError
from twinmatch.programmes.base import ProductSettings
from twinmatch.programmes.quotas import Quota
from twinmatch.programmes.round import Round
from twinmatch.programmes.rules import NEVER, Rule, allowed_pairs
from twinmatch.programmes.themes import Theme, strength_of
from twinmatch.proposal import RuleStatus
from twinmatch.solving import (
    MENU_EFFORT,
    Candidates,
    LimitChange,
    Relaxation,
    RelaxationMenu,
    relaxations,
    relaxed,
)
from twinmatch.wording import count, joined, listed, say, say_n

T = TypeVar("T")

SHOWN: Final = 3
"""Rows of one rule that a repair names before it counts the rest."""


def menu(
    candidates: Candidates, rules: Sequence[Rule], at_most: int = 5, effort: float = MENU_EFFORT
) -> RelaxationMenu:
    """Return repairs of rules that cannot be kept, cheapest first: the fewest places or limits that give way."""
    prices = {rule.block.name: math.inf for rule in rules if rule.kind in NEVER}
    blocks = [rule.block.hard for rule in rules]
    return relaxations(candidates, blocks, prices=prices, at_most=at_most, effort=effort)


def menu_of(
    rules: Sequence[Rule], candidates: Candidates, at_most: int = 5, effort: float = MENU_EFFORT
) -> tuple[RelaxationMenu, list[Rule]]:
    """Return the menu over the pairs that no filter takes out, and the rules that it is about."""
    keep = np.flatnonzero(allowed_pairs(rules))
    hard = [replace(r, block=r.block.take(keep)) for r in rules if not r.filters]
    return menu(candidates.take(keep), hard, at_most, effort), hard


def in_menu(found: RelaxationMenu, rules: Sequence[Rule], product: str = "") -> list[Problem]:
    """Return the menu in words, one line a repair with its number, and a note where the search was cut short."""
    whole = found.complete and all(repair.cheapest for repair in found.items)
    return by_number(in_words(found, rules), product, whole)


def in_words(found: RelaxationMenu, rules: Sequence[Rule]) -> list[str]:
    """Return what gives way in each repair of a menu."""
    return [joined(_told(repair, rules).values(), "; ") for repair in found.items]


def by_number(repairs: Iterable[str], product: str = "", whole: bool = True) -> list[Problem]:
    """Return repairs in words, each with its number and how to take it; ``product`` where a programme has several.

    A note says where the search was not ``whole``.
    """
    of = f"{product}=" if product else ""
    cut = say(
        "The search for repairs reached its limit of effort: there may be cheaper ones, or more."
    )
    told = [
        Problem(
            "repair",
            say("Repair {n}: {says}.", n=n, says=says),
            do=say("Take it with --repair {option}.", option=f"{of}{n}"),
        )
        for n, says in enumerate(repairs, 1)
    ]
    return told if whole else [*told, Problem("repairs-cut-short", cut, level="note")]


def taken(
    rules: Sequence[Rule], candidates: Candidates, numbers: Sequence[int]
) -> tuple[tuple[Rule, ...], tuple[RuleStatus, ...]]:
    """Return the rules with some repairs of the menu made together, and what gave way.

    No limit gives way in two repairs of a menu, so any of them compose. Raises QuestionError where the menu has no
    such number.
    """
    found = menu_of(rules, candidates)[0].items
    return _made(rules, [(n, item) for n, item in numbered(found, numbers)])


def numbered(menu: Sequence[T], numbers: Sequence[int]) -> list[tuple[int, T]]:
    """Return the repairs of a menu that some numbers stand for; raises QuestionError where it has no such number."""
    wrong = [n for n in numbers if not 1 <= n <= len(menu)]
    if wrong:
        raise QuestionError(
            Problem(
                "no-such-repair",
                say("There is no repair {n}: the menu has {n2}.", n=n, n2=len(menu)),
                do=say("Run without --repair to see it."),
            )
            for n in wrong
        )
    return [(n, menu[n - 1]) for n in sorted(set(numbers))]


def made_again(
    rules: Sequence[Rule], candidates: Candidates, said: Sequence[RuleStatus]
) -> tuple[tuple[Rule, ...], tuple[RuleStatus, ...]]:
    """Return the rules with the repairs made whose numbers a proposal states.

    Unchanged where the menu has no such ones, and where anything but what is stated would give way.
    """
    stated = {(r.repair, r.rule, r.says) for r in said if r.repair is not None}
    if stated:
        menu = enumerate(menu_of(rules, candidates)[0].items, 1)
        made = _made(rules, [(n, repair) for n, repair in menu if n in {n for n, *_ in stated}])
        if stated == {(r.repair, r.rule, r.says) for r in made[1]}:
            return made
    return tuple(rules), ()


def excepting(
    rules: Sequence[RuleStatus], gave_way: Sequence[RuleStatus]
) -> tuple[RuleStatus, ...]:
    """Return the rules as they stand, those that gave way with a word on it, and then what gave way."""
    names = {rule.rule for rule in gave_way}
    told = (
        replace(r, says=say("{rule} But for what gave way.", rule=r.says)) if r.rule in names else r
        for r in rules
    )
    return (*told, *gave_way)


def _made(
    rules: Sequence[Rule], repairs: Sequence[tuple[int, Relaxation]]
) -> tuple[tuple[Rule, ...], tuple[RuleStatus, ...]]:
    hard = [rule for rule in rules if not rule.filters]
    blocks = [rule.block for rule in hard]
    for _, repair in repairs:
        blocks = relaxed(blocks, repair)
    changed = dict(zip((rule.name for rule in hard), blocks, strict=True))
    gave_way = tuple(
        RuleStatus(
            c.at.rule,
            say("Gave way by repair {n}: {says}.", n=n, says=_says(c, hard)),
            "relaxed",
            n,
        )
        for n, repair in repairs
        for c in repair.changes
    )
    return tuple(
        replace(rule, block=changed[rule.name]) if rule.name in changed else rule for rule in rules
    ), gave_way


def _told(repair: Relaxation, rules: Sequence[Rule]) -> dict[str, str]:
    """Return what gives way by rule: the first few rows, and how many more."""
    rows: dict[str, list[str]] = {}
    for change in repair.changes:
        rows.setdefault(change.at.rule, []).append(_says(change, rules))
    found = {}
    for rule, says in rows.items():
        shown = len(says) if len(says) <= SHOWN + 1 else SHOWN
        more = say("and {n} more likewise", n=len(says) - shown)
        found[rule] = joined([*says[:shown], *([more] if len(says) > shown else [])], "; ")
    return found


def _says(change: LimitChange, rules: Sequence[Rule]) -> str:
    """Return in words what gives way in a row, such as "let Odense have at least 2 guests in place of 3"."""
    rule = rules[change.at.block]
    block, row = rule.block, change.at.row
    if rule.kind == "lock":
        return say("drop the lock: {row:stopless}", row=block.says(row))
    low = change.bound == "low"
    before = change.to + (change.by if low else -change.by)
    of_row = block.switch is None and block.givers is None
    share = of_row and block.matrix[[row]].data.min(initial=0.0) < 0
    if share:  # of which one side moves with the other
        says = (
            "{row:stopless}, or up to {by:g} fewer"
            if low
            else "{row:stopless}, or up to {by:g} more"
        )
        return say(says, row=block.says(row), by=change.by)
    none = low and change.to <= 0  # no minimum is left
    to = int(change.to) if change.to == int(change.to) else change.to
    amount = count(to, rule.noun) if rule.noun else say("{n:g}", n=to)
    bound = say("at least {n}", n=amount) if low else say("at most {n}", n=amount)
    if none:
        bound = say("any number")
        if math.isfinite(most := float(block.high[row])):
            bound = say("0 to {n}", n=count(int(most), rule.noun) if rule.noun else int(most))
        elif rule.noun:
            bound = say("any number of {noun}", noun=say_n(rule.noun, rule.noun + "s", 2))
    if rule.loosened is not None:  # givers have no row of their own
        worded_row = rule.loosened(row, bound)
    else:
        worded_row = say("{row:stopless}: {bound}", row=block.says(row), bound=bound)
    if none:
        return say("{row} in place of at least {before:g}", row=worded_row, before=before)
    return say("{row} in place of {before:g}", row=worded_row, before=before)


# --- settings that give way ----------------------------------------------------------------------------------


EFFORT: Final = 20_000
"""Cities of all attempts at one menu together, 77 attempts at 258 cities: each loosens settings and makes the product."""

FEWEST: Final = 20
"""Attempts that there are at any rate; where ``EFFORT`` has fewer, settings are loosened only where that is asked for."""

MOST: Final = 3
"""Repairs of a menu of settings."""

ALIKE: Final = 3
"""Repairs of the same settings that a menu does not have."""

FURTHEST: Final = 2
"""How many times as much as it is a limit of settings may become."""

KNOBS: Final = (
    ("guests_per_host", 0, -1, 0, say("guests of a host")),
    ("guests_per_host", 1, 1, None, say("guests of a host")),
    ("once_hosting", None, -1, 1, say("guests of a host that takes any")),
    ("size", 0, -1, 2, say("cities of a meeting")),
    ("size", 1, 1, None, say("cities of a meeting")),
    ("visitors", 0, -1, 1, say("cities on a visit")),
    ("leads", 0, -1, 0, say("leads of a group")),
    ("mission_at_least", None, -1, 0, say("Mission Cities in a panel")),
    ("cities_per_country", None, 1, None, say("cities of one country")),
)
"""Settings with a limit: the side of the band, one step, the last value (None: ``FURTHEST``), and what is limited."""

QUOTAS: Final = ("per_host", "overall", "rules")
"""Settings that are lists of rules on kinds of cities."""

ROLES: Final = {
    "lead_roles": lambda role: say("cities with the role {role} may lead too", role=role),
    "host_roles": lambda role: say("cities with the role {role} may host a table too", role=role),
    "hosts": lambda role: say("cities with the role {role} may host too", role=role),
}
"""Settings that name roles, and what cities with these roles may do."""


@dataclass(frozen=True)
class Knob:
    """A setting, or one side of it, that can be loosened: the values it may take, and what is said of each."""

    field: str
    side: int | None
    values: Sequence[Any]
    says: Callable[..., str]


@dataclass(frozen=True)
class Loosened:
    """Settings under which a product can be made, in words what gives way by the names of its settings, and its steps (K,)."""

    settings: ProductSettings
    says: Mapping[str, str]
    steps: tuple[int, ...]


def knobs(round_: Round, settings: Any) -> Iterator[Knob]:
    """Yield what can be loosened in the settings of a product: limits, roles, how many panels, the themes of tables."""
    if now := getattr(settings, "panels", None):
        yield Knob("panels", None, [None], partial(_many_panels, now))
    for field, side, step, last, what in KNOBS:
        if (held := getattr(settings, field, None)) is not None:
            now = held if side is None else held[side]
            end = min(len(round_.cohort), FURTHEST * now) if last is None else last
            values = range(now + step, end + step, step)
            yield Knob(field, side, values, partial(_says_limit, what, step, now))
    for field in QUOTAS:
        for n, quota in enumerate(getattr(settings, field, ())):
            per = "host" if field == "per_host" else quota.per
            named = quota.model_copy(update={"per": per})
            yield from _looser(field, n, named, len(round_.cohort))
    for field, says in ROLES.items():
        if (held := getattr(settings, field, None)) is not None:
            there = {role for city in round_.cohort.cities for role in city.roles}
            for role in sorted(there - {*held}):
                yield Knob(field, None, [(*held, role)], partial(_wider_roles, says))
    if (
        getattr(settings, "cafes", None) is not None
    ):  # themes with the fewest strong cities go first
        themes = settings.themes
        order = sorted(themes, key=lambda theme: int((strength_of(round_, theme) > 0).sum()))
        fewer = [tuple(t for t in themes if t not in order[:k]) for k in range(1, len(themes) - 1)]
        yield Knob("themes", None, fewer, partial(_fewer_tables, themes))


def _says_limit(what: str, step: int, now: int, to: int) -> str:
    told = {"what": what, "to": to, "now": now}
    if step < 0:
        return say("{what}: at least {to} in place of {now}", **told)
    return say("{what}: at most {to} in place of {now}", **told)


def _many_panels(now: int, to: None) -> str:
    return say("panels: as many as the cities fill in place of {now}", now=now)


def _looser(field: str, n: int, quota: Quota, cities: int) -> Iterator[Knob]:
    """Yield the numbers of a rule on kinds of cities that can give way; nothing where it has a price."""
    numbers: dict[str, Sequence[Any]] = {
        "at_least": range((quota.at_least or 0) - 1, -1, -1),
        "at_most": range((quota.at_most or 0) + 1, cities + 1),
        "share_at_least": _parts(quota.share_at_least, 0),
        "share_at_most": _parts(quota.share_at_most, 1),
        "balance": range((quota.balance or 0) + 1, cities),
    }
    for name, values in numbers.items():
        if getattr(quota, name) is not None and quota.price is None:
            changes = [{name: value} for value in values]
            yield Knob(field, n, changes, partial(_says_quota, quota, name))
    for name in ("nobody_alone", "gather"):
        if getattr(quota, name) and quota.price is None:
            dropped = {name: False, "at_least": quota.at_least or 0}
            yield Knob(field, n, [dropped], partial(_says_quota, quota, name))


def _parts(share: float | None, end: int) -> list[float]:
    """Return the shares from the next whole per cent to 0 or 1."""
    whole = 0 if share is None else math.floor(100 * share) if end else math.ceil(100 * share)
    steps = range(whole + 1, 101) if end else range(whole - 1, -1, -1)
    return [step / 100 for step in steps]


def _says_quota(quota: Quota, name: str, to: Mapping[str, Any]) -> str:
    """Return in words what gives way in one of the numbers of a rule."""
    alone = {"nobody_alone": False, "balance": None, "gather": False}
    one = quota.model_copy(
        update=dict.fromkeys(NUMBERS_OF_A_QUOTA) | alone | {name: getattr(quota, name)}
    )
    loose = one.model_copy(update=dict(to))
    now, new = one.bound.words, loose.bound.words if to[name] else say("any number")
    what = quota.wording or say("cities")
    says = "{what} in all: {to} in place of {now}"
    if quota.per != "all":
        says = "{what} per {per}: {to} in place of {now}"
    return say(says, what=what, per=quota.per, to=new, now=now)


NUMBERS_OF_A_QUOTA: Final = ("at_least", "at_most", "share_at_least", "share_at_most")


def _wider_roles(says: Callable[[str], str], to: Sequence[Any]) -> str:
    return says(to[-1].value)


def _fewer_tables(themes: Sequence[Theme], to: Sequence[Theme]) -> str:
    gone = listed([theme.title for theme in themes if theme not in to])
    return say("no table for {themes}", themes=gone)


def loosened(
    round_: Round, settings: ProductSettings, works: Callable[[ProductSettings], bool]
) -> tuple[list[Loosened], bool]:
    """Return the smallest changes of a product's settings under which it can be made, the fewest settings first.

    Each is irreducible: no setting of it can be a step nearer to what it was; none is another one and more, and no three
    change the same settings. Bounded by ``EFFORT``; with it whether all was tried. What a looser setting makes possible,
    a still looser one does.
    """
    attempts = max(FEWEST, EFFORT // len(round_.cohort))
    turns = [knob for knob in knobs(round_, settings) if len(knob.values)]
    tried: dict[tuple[int, ...], ProductSettings | None] = {}

    def possible(steps: Sequence[int]) -> bool:
        for one, changed in tried.items():
            if changed is not None and all(map(operator.ge, steps, one)):
                return True
            if changed is None and all(map(operator.le, steps, one)):
                return False
        return made(steps)

    def made(steps: Sequence[int]) -> bool:
        key = tuple(steps)
        if key not in tried:
            changed = _turned(settings, turns, steps) if len(tried) < attempts else None
            tried[key] = changed if changed is not None and works(changed) else None
        return tried[key] is not None

    every = range(len(turns))
    everything = [len(knob.values) for knob in turns]

    def least(steps: Sequence[int]) -> tuple[int, ...]:
        for k in every:
            steps = _least(steps, k, possible) if steps[k] else steps
        turned = [k for k in every if steps[k]]
        nearer = ([*steps[:k], n, *steps[k + 1 :]] for k in turned for n in {0, steps[k] - 1})
        if len(turned) > 1 and (less := next(filter(made, nearer), None)):
            return least(less)
        return tuple(steps)

    alone = [[everything[k] if k == n else 0 for k in every] for n in every]
    found = [least(steps) for steps in alone if possible(steps)]
    if not found and possible(everything):
        found.append(least(everything))
        for k in (k for k in every if found[0][k]):
            less = [found[0][k] - 1 if n == k else most for n, most in enumerate(everything)]
            found += [least(less)] if possible(less) else []
    menu, fields = list[Loosened](), Counter[frozenset[str]]()
    for key in sorted(set(found), key=lambda s: (sum(map(bool, s)), sum(s), s[::-1])):
        says: dict[str, str] = {}
        for knob, k in zip(turns, key, strict=True):
            if k:
                told = knob.says(to=knob.values[k - 1])
                parts = (says[knob.field], told) if knob.field in says else (told,)
                says[knob.field] = joined(parts, "; ")
        fields[frozenset(says)] += 1
        changed = tried.get(key)
        if changed is not None and fields[frozenset(says)] < ALIKE and len(menu) < MOST:
            menu.append(Loosened(changed, says, key))
    return menu, len(tried) < attempts


def not_sought(round_: Round, product: str) -> Problem:
    """Return that no settings of a product were loosened, as its cities are many, and how to have it done."""
    says = "No repairs were sought, as each of up to {attempts} attempts makes the format of {n} cities anew; --repair {product}=1 seeks them and takes the smallest."
    found = say(says, attempts=FEWEST, n=len(round_.cohort), product=product)
    return Problem("repairs-not-sought", found, level="note")


def _least(steps: Sequence[int], k: int, possible: Callable[[Sequence[int]], bool]) -> list[int]:
    """Return possible steps with one knob turned back to where a step less would not do."""
    low, high = -1, steps[k]
    while high - low > 1:
        middle = 0 if low < 0 else (low + high) // 2
        if possible([*steps[:k], middle, *steps[k + 1 :]]):
            high = middle
        else:
            low = middle
    return [*steps[:k], high, *steps[k + 1 :]]


def _turned(
    settings: ProductSettings, turns: Sequence[Knob], steps: Sequence[int]
) -> ProductSettings | None:
    """Return the settings with some knobs turned; None where they contradict each other."""
    changed = dict(settings)
    for knob, k in zip(turns, steps, strict=True):
        if k:
            held, value = changed[knob.field], knob.values[k - 1]
            if knob.side is not None:
                new = held[knob.side].model_copy(update=value) if isinstance(value, dict) else value
                value = tuple(new if n == knob.side else old for n, old in enumerate(held))
            changed[knob.field] = value
    try:
        return type(settings).model_validate(changed)
    except ValidationError:
        return None


def asked_repairs(texts: Iterable[str], products: Sequence[str]) -> dict[str, tuple[int, ...]]:
    """Return the numbers of repairs by product from texts such as "1" and "city_panels=2".

    A number alone, under "", is for the first product that fits no rules. Raises QuestionError with every text that
    is neither.
    """
    found: dict[str, tuple[int, ...]] = {}
    problems = []
    do = say("Write a number, or PRODUCT=NUMBER with one of: {names}.", names=", ".join(products))
    for text in texts:
        name, _, number = (part.strip() for part in text.rpartition("="))
        if number.isdecimal() and name in ("", *products):
            found[name] = (*found.get(name, ()), int(number))
        else:
            says = say("--repair {text} is no repair.", text=repr(text))
            problems.append(Problem("repair-wrong", says, do=do))
    if problems:
        raise QuestionError(problems)
    return found
