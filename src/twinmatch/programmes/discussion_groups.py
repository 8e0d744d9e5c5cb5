"""Discussion groups: a theme each, led by cities strong in it, joined by cities for whom it is a challenge.

Exact flows one after the other, told as such: first the leads (how strong a city is in the theme), then the
members (how far the theme is their challenge, and how well the leads answer their needs). Where groups are to be
mixed or alike in something, or people are to meet new peers, members are then swapped between groups under the
same rules, and what that costs in fit is told.

Notation: K groups, each of a theme (several groups may share one); R cities that may join; need (R, K).
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import ClassVar

import numpy as np
from numpy.typing import NDArray
from pydantic import Field, field_validator, model_validator

from twinmatch.affinity import Affinity, compare
from twinmatch.cohort import Host
from twinmatch.errors import Problem, QuestionError
from twinmatch.facets.base import listed
from twinmatch.facets.readiness import levels
from twinmatch.programmes.attributes import TITLES, Attribute, alike, categories, composition
from twinmatch.programmes.ledger import Books, Entry, amount, loads_of, same_loads
from twinmatch.programmes.round import Round, shares
from twinmatch.programmes.rules import (
    Rule,
    allowed_pairs,
    counted,
    few_of_a_country,
    forbid,
    judged,
    outside,
    statuses,
)
from twinmatch.programmes.settings import Band, Load, Weighted, ordered
from twinmatch.programmes.themes import Theme, ThemeNeed, need_of, strength_of
from twinmatch.proposal import LeftOut, Meeting, Member, Product, RuleStatus, Table, count
from twinmatch.schema import Role
from twinmatch.solving import Block, Candidates, Distribute, Solution, counts, solve
from twinmatch.solving.exchange import exchange

Floats = NDArray[np.float64]
Bools = NDArray[np.bool_]

LEAD_READINESS = 0.2
"""Part of a lead's score that is its readiness to deliver; the rest is its strength in the theme."""


class DiscussionGroups(Weighted):
    """Peers around a shared challenge, led by cities that are strong in it."""

    EXTRA_FACETS: ClassVar[tuple[str, ...]] = ("theme",)
    LOADS: ClassVar[dict[str, Load]] = {"lead": Load(hours=6, tasks=1), "member": Load(hours=4)}
    PRODUCT: ClassVar[str] = "discussion_groups"

    title: str = Field("Discussion groups", min_length=1)
    themes: tuple[Theme, ...] = Field(min_length=1)
    leads: Band = Field((2, 3), description="Lead cities of a group: at least, at most")
    lead_roles: tuple[Role, ...] = Field(
        (Role.MISSION,), min_length=1, description="Cities with one of these roles lead"
    )
    size: Band = Field((8, 24), description="Cities of a group, leads included: at least, at most")
    cities_per_country: int | None = Field(
        None, ge=1, description="Cities of one country in a group, at most"
    )
    least_need: float = Field(
        0.1,
        ge=0,
        le=1,
        description="Part of a city's challenges that the theme must make up, at least",
    )
    groups_a_theme: int = Field(
        1, ge=1, le=20, description="Groups of one theme where many apply, at most"
    )
    groups_per_city: int = Field(
        1, ge=1, le=10, description="Groups that a city is in, as lead or member, at most"
    )
    lead_of: int = Field(1, ge=1, le=10, description="Groups that a city leads, at most")
    mixed: tuple[Attribute, ...] = Field((), description="What groups are to be mixed in")
    alike: tuple[Attribute, ...] = Field((), description="What members of a group are to share")
    past: tuple[tuple[str, ...], ...] = Field(
        (), description="Groups of earlier editions: people are to meet new peers"
    )
    pairs_weight: float = Field(
        0.5,
        ge=0,
        le=10,
        description="What being mixed or alike counts beside a member's fit, for those wishes together",
    )
    new_peers_weight: float = Field(
        1.0, ge=0, le=10, description="What it costs that two cities meet again, beside their fit"
    )

    _check_bands = field_validator("leads", "size")(ordered)

    @model_validator(mode="after")
    def _consistent(self) -> DiscussionGroups:
        ids = [theme.id for theme in self.themes]
        twice = sorted({name for name in ids if ids.count(name) > 1})
        if twice:
            raise ValueError(f"the theme {twice[0]!r} stands here twice")
        if self.leads[1] > self.size[1]:
            raise ValueError("a group cannot have more leads than cities")
        both = sorted(set(self.mixed) & set(self.alike))
        if both:
            raise ValueError(f"groups cannot be both mixed and alike in {both[0]!r}")
        if self.groups_per_city > 1 and (self.mixed or self.alike or self.past):
            raise ValueError("mixed, alike and past need groups_per_city = 1")
        return self


@dataclass(frozen=True)
class Slot:
    """A group that may be held: its theme, and which of the theme's groups it is (1 for the first)."""

    theme: Theme
    number: int
    of: int

    @property
    def key(self) -> str:
        """Return the group's key in ids."""
        return self.theme.id if self.of == 1 else f"{self.theme.id}-{self.number}"

    @property
    def title(self) -> str:
        """Return the group's title."""
        return self.theme.title if self.of == 1 else f"{self.theme.title} {self.number}"


@dataclass(frozen=True, eq=False)
class _Pairs:
    """Every pair of a group and a city, with its score and the rules over it; group-major."""

    candidates: Candidates
    rules: tuple[Rule, ...]
    solution: Solution
    chosen: Bools
    engine: str = ""
    cost: float = 0.0
    """Score that mixing and new peers cost."""


def propose_discussion_groups(round_: Round, settings: DiscussionGroups) -> Product:
    """Return the discussion groups of a round, each with its leads, members and joint account.

    A theme that too few cities share or lead does not open, and is told. Raises QuestionError where no city
    may lead.
    """
    cohort = round_.cohort
    if not any(set(settings.lead_roles) & set(c.roles) for c in cohort.cities):
        roles = " or ".join(role.value for role in settings.lead_roles)
        raise QuestionError(
            Problem(
                "no-leads",
                f"No city of this cohort can lead a group (role {roles}).",
                do="Give at least one city that role.",
            )
        )
    many = dict.fromkeys(settings.themes, 1)
    closed: list[str] = []
    while many:
        made = _made(round_, settings, many)
        if isinstance(made, _Made):
            made = _widened(round_, settings, many, made)
            return _product(round_, settings, made, closed)
        theme_id, why = made
        closed += _fewer(many, theme_id, why)
    rules = (RuleStatus("themes", "No theme opens: " + "; ".join(closed) + ".", "kept"),)
    everyone = tuple(LeftOut(c.id, "No theme opens in this round.", "") for c in cohort.cities)
    return Product(
        settings.PRODUCT,
        settings.title,
        "optimal",
        "none needed",
        0.0,
        0.0,
        (),
        everyone,
        rules,
        "No theme opens in this round.",
    )


@dataclass(frozen=True, eq=False)
class _Made:
    """Groups with their leads and members, before they are told."""

    slots: Sequence[Slot]
    leads: Sequence[Sequence[int]]
    members: _Pairs
    affinity: Affinity
    need: Floats

    def waiting(self, least: float) -> NDArray[np.intp]:
        """Return the rows that share an open theme and have no group."""
        chosen = self.members.chosen.reshape(len(self.slots), len(self.affinity.rows))
        with np.errstate(invalid="ignore"):
            share = (self.need >= max(least, 1e-9)).any(axis=1)
        return np.flatnonzero(share & ~chosen.any(axis=0))


def _made(
    round_: Round, settings: DiscussionGroups, many: dict[Theme, int]
) -> _Made | tuple[str, str]:
    """Return the groups for so many a theme, or the id of the theme that has one too many and why."""
    slots = [Slot(t, n, k) for t, k in many.items() for n in range(1, k + 1)]
    leads = _leads(round_, settings, slots)
    if isinstance(leads, str):
        return leads, "too few cities can lead it"
    members, affinity, need = _members(round_, settings, slots, leads)
    if members.solution.status == "infeasible":
        weakest = _fewest(slots, need, settings.least_need)
        return weakest, "too few cities that share it can join"
    return _Made(slots, leads, members, affinity, need)


def _widened(
    round_: Round, settings: DiscussionGroups, many: dict[Theme, int], made: _Made
) -> _Made:
    """Return the groups with further ones of themes for which cities wait, as long as that places more of them.

    Where so many wait for a theme that they would fill several groups, half as many open at once: else a cohort of
    thousands would be solved anew for every single group.
    """
    full: set[str] = set()
    at_once: dict[str, int] = {}
    while True:
        waiting = made.waiting(settings.least_need)
        themes = list(many)
        place = [next(k for k, s in enumerate(made.slots) if s.theme is t) for t in themes]
        asks = np.nan_to_num(made.need[waiting][:, place], nan=-1.0)
        first = np.argmax(asks, axis=1) if len(asks) else np.zeros(0, dtype=np.intp)
        counted = np.bincount(first, minlength=len(themes))
        open_ = [
            t
            for t in np.argsort(-counted, kind="stable").tolist()
            if counted[t] and themes[t].id not in full and many[themes[t]] < settings.groups_a_theme
        ]
        if not open_:
            return made
        theme = themes[open_[0]]
        further = min(
            max(1, int(counted[open_[0]]) // (2 * settings.size[1])),
            settings.groups_a_theme - many[theme],
            at_once.get(theme.id, settings.groups_a_theme),
        )
        more = {**many, theme: many[theme] + further}
        wider = _made(round_, settings, more)
        if isinstance(wider, _Made) and len(wider.waiting(settings.least_need)) < len(waiting):
            many.update(more)
            made = wider
        elif further > 1:
            at_once[theme.id] = further // 2
        else:
            full.add(theme.id)


def _fewer(many: dict[Theme, int], theme_id: str, why: str) -> list[str]:
    """Take a group from a theme; return what is told where it does not open at all."""
    theme = next(t for t in many if t.id == theme_id)
    many[theme] -= 1
    if many[theme]:
        return []
    del many[theme]
    return [f"{theme.title!r} does not open because {why}"]


def _fewest(slots: Sequence[Slot], need: Floats, least: float) -> str:
    """Return the theme of the group that the fewest cities need, themes with several groups first."""
    with np.errstate(invalid="ignore"):
        sharing = (need >= least).sum(axis=0) / np.array([slot.of for slot in slots])
    order = sorted(range(len(slots)), key=lambda k: (float(sharing[k]), -k))
    return slots[order[0]].theme.id


def _leads(
    round_: Round, settings: DiscussionGroups, slots: Sequence[Slot]
) -> list[list[int]] | str:
    """Return each group's leads, strongest first; or the id of a theme that cannot have enough."""
    cohort = round_.cohort
    fits = round_.ledger.fits(settings.load("lead"))
    may = [
        i
        for i, c in enumerate(cohort.cities)
        if set(settings.lead_roles) & set(c.roles) and fits[i]
    ]
    of_theme = {theme.id: strength_of(round_, theme)[may] for theme in {s.theme for s in slots}}
    strength = np.array([of_theme[slot.theme.id] for slot in slots]).reshape(len(slots), len(may))
    ready = levels(cohort)[may]
    known = ~np.isnan(ready)
    mean = np.where(
        known.any(axis=1), np.nan_to_num(ready).sum(axis=1) / np.maximum(known.sum(axis=1), 1), 2.0
    )
    score = np.round((1 - LEAD_READINESS) * strength + LEAD_READINESS * mean / 4, 6)
    t, g = np.nonzero(strength > 0)
    candidates = Candidates(t, g, score[t, g], len(slots), max(len(may), 1))
    solution = solve(candidates, _lead_blocks(round_, settings, slots, may, t, g))
    if solution.status == "infeasible":
        return _fewest(slots, np.where(strength.T > 0, 1.0, 0.0), 1.0)
    held = [
        [int(k) for k in np.flatnonzero(solution.chosen & (t == slot))]
        for slot in range(len(slots))
    ]
    return [
        [may[int(g[k])] for k in sorted(pairs, key=lambda k: (-candidates.score[k], g[k]))]
        for pairs in held
    ]


def _lead_blocks(
    round_: Round,
    settings: DiscussionGroups,
    slots: Sequence[Slot],
    may: Sequence[int],
    t: NDArray[np.intp],
    g: NDArray[np.intp],
) -> list[Block]:
    least, most = settings.leads
    codes = sorted({round_.cohort.cities[i].country for i in may})
    nation = np.array([codes.index(round_.cohort.cities[i].country) for i in may], dtype=np.int64)
    themes = sorted({slot.theme.id for slot in slots})
    of = np.array([themes.index(slot.theme.id) for slot in slots], dtype=np.int64)
    blocks = [
        counts("leads", t, low=least, high=most, rows=len(slots)),
        counts(
            "groups led", g, high=min(settings.lead_of, settings.groups_per_city), rows=len(may)
        ),
        counts(
            "one group of a theme", g * len(themes) + of[t], high=1, rows=len(may) * len(themes)
        ),
    ]
    if codes:
        rows = len(slots) * len(codes)
        blocks.append(counts("one lead a country", t * len(codes) + nation[g], high=1, rows=rows))
    load = settings.load("lead")
    limited = loads_of([(k, may[int(i)], load) for k, i in enumerate(g)], len(g)).block(
        round_.ledger
    )
    return [*blocks, limited] if limited else blocks


def _books_after(
    round_: Round, settings: DiscussionGroups, leads: Sequence[Sequence[int]]
) -> Books:
    """Return the ledger once the leads are entered."""
    load = settings.load("lead")
    more = [
        Entry(settings.PRODUCT, str(k), i, "lead", load)
        for k, group in enumerate(leads)
        for i in group
    ]
    return replace(round_.ledger, entries=(*round_.ledger.entries, *more))


def _members(
    round_: Round,
    settings: DiscussionGroups,
    slots: Sequence[Slot],
    leads: Sequence[Sequence[int]],
) -> tuple[_Pairs, Affinity, Floats]:
    """Return the members' solve, the affinity of every city to every group, and every city's need (R, K)."""
    cohort = round_.cohort
    led = [i for group in leads for i in group]
    fits = _books_after(round_, settings, leads).fits(settings.load("member"))
    often = Counter(led)
    rows = [i for i in range(len(cohort)) if often[i] < settings.groups_per_city and fits[i]]
    columns = [
        Host(slot.key, slot.title, tuple(group)) for slot, group in zip(slots, leads, strict=True)
    ]
    affinity = compare(
        cohort,
        settings.weights,
        round_.facet_cache,
        rows=rows,
        columns=columns,
        own={"theme": ThemeNeed(cohort, [slot.theme for slot in slots], round_.facet_cache)},
    )
    need = need_of(round_, [slot.theme for slot in slots], rows)
    shape = (len(slots), len(rows))
    t, g = (axis.ravel() for axis in np.indices(shape))
    candidates = Candidates(t, g, affinity.score.T.ravel(), len(slots), max(len(rows), 1))
    rules = _member_rules(round_, settings, slots, leads, rows, candidates, need)
    keep = np.flatnonzero(allowed_pairs(rules))
    solution = solve(
        candidates.take(keep), [rule.block.take(keep) for rule in rules if not rule.filters]
    )
    chosen = np.zeros(len(candidates), dtype=bool)
    chosen[keep] = solution.chosen
    return _Pairs(candidates, rules, solution, chosen, solution.engine), affinity, need


def _member_rules(
    round_: Round,
    settings: DiscussionGroups,
    slots: Sequence[Slot],
    leads: Sequence[Sequence[int]],
    rows: Sequence[int],
    pairs: Candidates,
    need: Floats,
) -> tuple[Rule, ...]:
    size = np.array([len(group) for group in leads])
    low, high = np.maximum(settings.size[0] - size, 0), settings.size[1] - size
    titles = [slot.title for slot in slots]
    with np.errstate(invalid="ignore"):
        shared = (need >= max(settings.least_need, 1e-9)).T.ravel()
    led = [i for group in leads for i in group]
    often = Counter(led)
    left = np.array([settings.groups_per_city - often[i] for i in rows], dtype=np.float64)
    most = settings.groups_per_city
    rules = [
        Rule(
            "group size",
            f"A group has {settings.size[0]} to {settings.size[1]} cities, leads included.",
            counts(
                "group size",
                pairs.host,
                low=low,
                high=high,
                rows=len(slots),
                says=lambda k: (
                    f"The group {titles[k]!r} has {settings.size[0]} to {settings.size[1]} cities"
                ),
            ),
        ),
        Rule(
            "one group each" if most == 1 else "groups per city",
            "A city is in one group, as lead or member."
            if most == 1
            else f"A city is in at most {most} groups, as lead or member, and in one of a theme.",
            counts("one group each", pairs.guest, high=left, rows=len(rows)),
        ),
        forbid(
            "shared challenge", "Nobody joins a group whose challenge it does not share.", ~shared
        ),
    ]
    if most > 1:
        rules += _one_of_a_theme(slots, leads, rows, pairs)
    if settings.cities_per_country is not None:
        rules.append(_country_rule(round_, settings.cities_per_country, titles, leads, rows, pairs))
    load = settings.load("member")
    city = np.array(rows, dtype=np.int64)[pairs.guest]
    limited = same_loads(np.arange(len(pairs)), city, amount(load), len(pairs))
    block = limited.block(_books_after(round_, settings, leads))
    if block:
        says = "No city carries more than its limits over all formats."
        rules.append(Rule("load", says, block))
    return tuple(rules)


def _one_of_a_theme(
    slots: Sequence[Slot],
    leads: Sequence[Sequence[int]],
    rows: Sequence[int],
    pairs: Candidates,
) -> list[Rule]:
    """A city of several groups joins one of each theme, and none of a theme that it leads."""
    themes = sorted({slot.theme.id for slot in slots})
    of = np.array([themes.index(slot.theme.id) for slot in slots], dtype=np.int64)
    says = "A city is in one group of a theme."
    block = counts(
        "one group of a theme",
        pairs.guest * len(themes) + of[pairs.host],
        high=1,
        rows=len(rows) * len(themes),
        says=lambda _: says,
    )
    leading = np.zeros((len(themes), len(rows)), dtype=bool)
    at = {i: g for g, i in enumerate(rows)}
    for slot, group in zip(slots, leads, strict=True):
        leading[themes.index(slot.theme.id), [at[i] for i in group if i in at]] = True
    own = leading[of[pairs.host], pairs.guest]
    rules = [Rule("one group of a theme", says, block)]
    if own.any():
        rules.append(forbid("its own theme", "Nobody joins a group of a theme that it leads.", own))
    return rules


def _exchanged(
    round_: Round,
    settings: DiscussionGroups,
    slots: Sequence[Slot],
    leads: Sequence[Sequence[int]],
    members: _Pairs,
    affinity: Affinity,
) -> _Pairs:
    """Return the members after swaps for what groups are to be mixed or alike in and for new peers."""
    if not (settings.mixed or settings.alike or settings.past):
        return members
    chosen = members.chosen.reshape(len(slots), len(affinity.rows))
    joined = [(affinity.rows[int(r)], int(r), int(k)) for k, r in np.argwhere(chosen)]
    cities = [i for group in leads for i in group] + [i for i, _, _ in joined]
    label = [k for k, group in enumerate(leads) for _ in group] + [k for _, _, k in joined]
    fixed = np.array([True] * sum(map(len, leads)) + [False] * len(joined))
    bonus, may = np.zeros((len(cities), len(slots))), np.ones((len(cities), len(slots)), dtype=bool)
    open_ = allowed_pairs(members.rules).reshape(chosen.shape)
    for place, (_, r, _) in enumerate(joined, int(fixed.sum())):
        bonus[place], may[place] = affinity.score[r], open_[:, r]
    rules = []
    if settings.cities_per_country is not None:
        codes = np.array([round_.cohort.cities[i].country for i in cities])
        rules.append(Distribute(codes, 0, settings.cities_per_country))
    worth = _pair_worth(round_, settings, cities)
    found = exchange(label, worth, rules, bonus=np.round(bonus, 9), allowed=may, fixed=fixed)
    after = np.zeros_like(chosen)
    for place, (_, r, _) in enumerate(joined, int(fixed.sum())):
        after[found[place], r] = True
    score = members.candidates.score
    cost = float(score[members.chosen].sum() - score[after.ravel()].sum())
    return replace(
        members,
        chosen=after.ravel(),
        cost=cost,
        engine=f"{members.engine}, then swaps for the mix of groups",
    )


def _pair_worth(round_: Round, settings: DiscussionGroups, cities: Sequence[int]) -> Floats:
    """Return what two cities in one group are worth to each other beside their fit, shape (n, n)."""
    worth = np.zeros((len(cities), len(cities)))
    wishes: list[tuple[Attribute, float]] = [(a, 1.0) for a in settings.alike]
    wishes += [(a, -1.0) for a in settings.mixed]
    for attribute, sign in wishes:
        words = categories(round_.cohort, attribute)
        worth += sign * settings.pairs_weight / len(wishes) * alike([words[i] for i in cities])
    met = _met(round_, settings)
    again = np.array([[frozenset((a, b)) in met and a != b for b in cities] for a in cities])
    return np.asarray(np.round(worth - settings.new_peers_weight * again.astype(np.float64), 9))


def _met(round_: Round, settings: DiscussionGroups) -> set[frozenset[int]]:
    """Return the pairs of cities that shared a group of an earlier edition; cities no longer here are passed over."""
    index = round_.cohort.index
    groups = [[index[c] for c in group if c in index] for group in settings.past]
    return {frozenset((a, b)) for group in groups for a in group for b in group if a != b}


def _country_rule(
    round_: Round,
    most: int,
    titles: Sequence[str],
    leads: Sequence[Sequence[int]],
    rows: Sequence[int],
    pairs: Candidates,
) -> Rule:
    """At most so many cities of a country in a group; leads take up their country's places."""
    cities = round_.cohort.cities
    codes = sorted({c.country for c in cities})
    nation = np.array([codes.index(cities[i].country) for i in rows], dtype=np.int64)
    high = np.full((len(titles), len(codes)), float(most))
    for t, group in enumerate(leads):
        for i in group:
            high[t, codes.index(cities[i].country)] -= 1
    high = np.maximum(high, 0.0)
    block: Block = counts(
        "cities per country",
        pairs.host * len(codes) + nation[pairs.guest],
        high=high.ravel(),
        rows=high.size,
        says=lambda k: (
            f"at most {most} cities of {codes[k % len(codes)]} in {titles[k // len(codes)]!r}"
        ),
    )
    return Rule(
        "cities per country", f"At most {most} cities of one country are in a group.", block
    )


def _product(
    round_: Round, settings: DiscussionGroups, made: _Made, closed: Sequence[str]
) -> Product:
    slots, leads, affinity, need = made.slots, made.leads, made.affinity, made.need
    members = _exchanged(round_, settings, slots, leads, made.members, affinity)
    kept = judged(statuses(members.rules, members.candidates, members.chosen))
    lead_rule = RuleStatus(
        "leads",
        f"Each group has {settings.leads[0]} to {settings.leads[1]} leads of different countries that are strong in its theme; they are chosen first.",
        "kept",
    )
    themes = len({slot.theme.id for slot in slots})
    opened = RuleStatus(
        "themes",
        f"{themes} of {len(settings.themes)} themes open."
        + "".join(f" {text}." for text in closed),
        "kept",
    )
    chosen = members.chosen.reshape(len(slots), len(affinity.rows))
    meetings = tuple(
        _meeting(round_, settings, slot, leads[t], np.flatnonzero(chosen[t]), t, affinity)
        for t, slot in enumerate(slots)
    )
    placed = len({m.city for meeting in meetings for m in meeting.members})
    score = float(members.candidates.score[members.chosen].sum())
    bound = max(members.solution.bound, score)
    proven = members.solution.status == "optimal" and members.cost <= 1e-9
    says = f"{count(len(meetings), 'group')} with {count(placed, 'city', 'cities')}; each is led by {settings.leads[0]} to {settings.leads[1]} cities strong in its theme."
    if members.cost > 1e-9:
        says += f" Being mixed, alike or new to each other cost {100 * members.cost:.1f} points of fit over all members."
    return Product(
        settings.PRODUCT,
        settings.title,
        "optimal" if proven else "feasible",
        f"{members.engine}, leads first",
        score,
        bound,
        meetings,
        _left_out(round_, settings, slots, affinity, need, meetings),
        (opened, lead_rule, *kept),
        says,
        weights=shares(affinity),
        tables=(_goals(round_, settings, slots, meetings),),
    )


def _meeting(
    round_: Round,
    settings: DiscussionGroups,
    slot: Slot,
    leads: Sequence[int],
    joined: NDArray[np.intp],
    t: int,
    affinity: Affinity,
) -> Meeting:
    rows = sorted(
        (int(r) for r in joined),
        key=lambda r: (-round(float(affinity.score[r, t]), 9), affinity.rows[r]),
    )
    members = (
        *(Member(round_.id(i), "lead") for i in leads),
        *(Member(round_.id(affinity.rows[r]), "member") for r in rows),
    )
    names = listed([round_.name(i) for i in leads])
    countries = len({round_.cohort.city(m.city).country for m in members})
    led = f"Led by {names}; " if leads else ""
    says = f"{led}{len(members)} cities of {countries} countries."
    return Meeting(
        f"{settings.PRODUCT}:{slot.key}",
        slot.title,
        members,
        affinity.joint_account([(r, t) for r in rows], "members"),
        says,
    )


def _goals(
    round_: Round,
    settings: DiscussionGroups,
    slots: Sequence[Slot],
    meetings: Sequence[Meeting],
) -> Table:
    """Return how well each group meets each goal, in [0, 1], for a chart; empty where it is not known."""
    cohort = round_.cohort
    need = need_of(round_, [slot.theme for slot in slots], range(len(cohort)))
    told: tuple[Attribute, ...] = ("country", "size", "readiness")
    words = {a: categories(cohort, a) for a in told}
    met = _met(round_, settings)
    rows: list[tuple[str, str, float | None, str]] = []
    for t, (slot, meeting) in enumerate(zip(slots, meetings, strict=True)):
        who = [cohort.index[m.city] for m in meeting.members]
        leads = [cohort.index[c] for c in meeting.cities("lead")]
        members = [cohort.index[c] for c in meeting.cities("member")]
        strength = strength_of(round_, slot.theme)[leads].tolist()
        known = [float(v) for v in need[members, t] if not math.isnan(v)]
        goals = [
            ("shared challenge", _mean(known), "mean part of the members' challenges"),
            ("strong leads", _mean(strength), listed([round_.name(i) for i in leads])),
            *(_mix_goal(settings, a, [words[a][i] for i in who]) for a in told),
        ]
        if settings.past:
            goals.append(
                ("new peers", _new(who, met), "part of the pairs that have not met before")
            )
        rows += [(slot.title, name, _figure(value), detail) for name, value, detail in goals]
    says = "1 is best. Mixed: the part of the pairs of members that differ, of those for whom it is known."
    return Table(
        "goals",
        "How well each group meets each goal",
        ("group", "goal", "met", "detail"),
        tuple(rows),
        says,
    )


def _mix_goal(
    settings: DiscussionGroups, attribute: Attribute, words: Sequence[str | None]
) -> tuple[str, float | None, str]:
    """Return how mixed a group is in an attribute, or how alike where that is asked for."""
    value = _mixed(words)
    if attribute in settings.alike:
        value = None if value is None else 1.0 - value
        return f"alike in {TITLES[attribute]}", value, composition(words)
    return f"mixed in {TITLES[attribute]}", value, composition(words)


def _new(who: Sequence[int], met: set[frozenset[int]]) -> float | None:
    """Return the part of the pairs of a group that have not met before."""
    pairs = [frozenset((a, b)) for k, a in enumerate(who) for b in who[k + 1 :]]
    return 1.0 - sum(pair in met for pair in pairs) / len(pairs) if pairs else None


def _mean(values: Sequence[float]) -> float | None:
    return math.fsum(values) / len(values) if values else None


def _figure(value: float | None) -> float | None:
    return None if value is None else round(value, 4)


def _mixed(words: Sequence[str | None]) -> float | None:
    """Return the part of the pairs of known categories that differ; None where there is no such pair."""
    known = [w for w in words if w]
    pairs = math.comb(len(known), 2)
    if not pairs:
        return None
    return 1.0 - sum(math.comb(known.count(w), 2) for w in set(known)) / pairs


def _left_out(
    round_: Round,
    settings: DiscussionGroups,
    slots: Sequence[Slot],
    affinity: Affinity,
    need: Floats,
    meetings: Sequence[Meeting],
) -> tuple[LeftOut, ...]:
    placed = {m.city for meeting in meetings for m in meeting.members}
    out = []
    for i, city in enumerate(round_.cohort.cities):
        if city.id in placed:
            continue
        row = affinity.row_of.get(i)
        if row is None:
            out.append(LeftOut(city.id, "What it can carry is taken by other formats.", ""))
        elif np.isnan(need[row]).all():
            why = "Its challenges and needed levers are not known, so no shared challenge can be shown."
            out.append(LeftOut(city.id, why, "", "Ask for its challenges."))
        elif not (np.nan_to_num(need[row]) >= max(settings.least_need, 1e-9)).any():
            why = "None of the themes that open is among its challenges."
            out.append(LeftOut(city.id, why, ""))
        else:
            why = "The groups of its themes are full, or have their places for its country taken."
            out.append(LeftOut(city.id, why, ""))
    return tuple(out)


def group_rules(
    round_: Round, settings: DiscussionGroups, meetings: Sequence[Meeting]
) -> tuple[RuleStatus, ...]:
    """Return how the finished groups stand to each rule, read from the meetings and nothing else."""
    low, high = settings.size
    least, most = settings.leads
    everyone = Counter(city for m in meetings for city in m.cities())
    leading = Counter(city for m in meetings for city in m.cities("lead"))
    unfit = [c for c in leading if not set(settings.lead_roles) & set(round_.cohort.city(c).roles)]
    rules = [
        counted(
            "group size",
            f"A group has {low} to {high} cities, leads included.",
            outside(meetings, low, high),
        ),
        counted(
            "leads",
            f"A group has {least} to {most} leads.",
            outside(meetings, least, most, "lead"),
        ),
        counted(
            "lead roles",
            f"Leads are {listed([r.value for r in settings.lead_roles], 'or')} cities.",
            sorted(unfit),
        ),
        counted(
            "groups of a city",
            f"A city is in at most {settings.groups_per_city} of the groups.",
            [c for c, n in sorted(everyone.items()) if n > settings.groups_per_city],
        ),
        counted(
            "lead of",
            f"A city leads at most {settings.lead_of} of the groups.",
            [c for c, n in sorted(leading.items()) if n > settings.lead_of],
        ),
    ]
    if settings.cities_per_country is not None:
        rules.append(few_of_a_country(round_, meetings, settings.cities_per_country))
    return tuple(rules)
