"""Discussion groups: a theme each, led by cities strong in it, joined by cities for whom it is a challenge.

Two exact flows, one after the other, and told as such: first the leads (how strong a city is in the theme), then
the members (how far the theme is their challenge, and how well the leads answer their needs).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar

import numpy as np
from numpy.typing import NDArray
from pydantic import Field, field_validator, model_validator

from twinmatch.affinity import Affinity, compare
from twinmatch.cohort import Cohort, Host
from twinmatch.errors import Problem, QuestionError
from twinmatch.evidence import Fact
from twinmatch.facets.base import listed
from twinmatch.facets.domains import (
    FINE,
    LEVERS,
    UNWEIGHTED_STRENGTH,
    WIDE,
    Stated,
    challenges,
    lever_table,
    offered_levers,
    strengths,
    wider,
)
from twinmatch.facets.readiness import levels
from twinmatch.programmes.round import Round, shares
from twinmatch.programmes.rules import Rule, allowed_pairs, forbid, judged, statuses
from twinmatch.programmes.settings import Band, Settings, Weighted, ordered
from twinmatch.proposal import LeftOut, Meeting, Member, Product, RuleStatus
from twinmatch.schema import NAMES, Domain, Lever, Role
from twinmatch.solving import Block, Candidates, Solution, counts, solve

Floats = NDArray[np.float64]

LEAD_READINESS = 0.2
"""Part of a lead's score that is its readiness to deliver; the rest is its strength in the theme."""


class Theme(Settings):
    """A challenge that a discussion group shares."""

    id: str = Field(pattern=r"^[a-z0-9]+(-[a-z0-9]+)*$")
    title: str = Field(min_length=1)
    domains: tuple[Domain, ...] = Field((), description="Domains of the theme")
    levers: tuple[Lever, ...] = Field((), description="Levers of the theme")

    @model_validator(mode="after")
    def _about_something(self) -> Theme:
        if not self.domains and not self.levers:
            raise ValueError("a theme needs at least one domain or lever")
        return self


class DiscussionGroups(Weighted):
    """Peers around a shared challenge, led by cities that are strong in it."""

    EXTRA_FACETS: ClassVar[tuple[str, ...]] = ("theme",)

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

    _check_bands = field_validator("leads", "size")(ordered)

    @model_validator(mode="after")
    def _themes_once(self) -> DiscussionGroups:
        ids = [theme.id for theme in self.themes]
        twice = sorted({name for name in ids if ids.count(name) > 1})
        if twice:
            raise ValueError(f"the theme {twice[0]!r} stands here twice")
        if self.leads[1] > self.size[1]:
            raise ValueError("a group cannot have more leads than cities")
        return self


class ThemeNeed:
    """How far a city's challenges and needed levers are those of each theme, in [0, 1]; nan where not known.

    Over domains: the part of the city's challenges (weights summing to 1) that lies in the theme. Over levers:
    the part of the levers it lacks that are the theme's. A theme with both counts the better of the two. Where a
    city or theme speaks the wider vocabulary of domains, the wider domains are compared.
    """

    def __init__(self, cohort: Cohort, themes: Sequence[Theme]) -> None:
        self._cohort, self._themes = cohort, themes
        self._stated = challenges(cohort)
        self._levers, self._levers_known = lever_table(c.levers_needed for c in cohort.cities)

    def likeness(self, rows: Sequence[int]) -> Floats:
        """Return the need of each row for each theme, shape (R, themes)."""
        index = np.array(rows, dtype=np.intp)
        return (
            np.column_stack([self._of(theme)[index] for theme in self._themes])
            if self._themes
            else np.zeros((len(index), 0))
        )

    def _of(self, theme: Theme) -> Floats:
        by_domain = _by_domain(self._stated, theme.domains)
        wanted = np.array([float(lever in theme.levers) for lever in LEVERS])
        total = np.maximum(self._levers.sum(axis=1), 1.0)
        by_lever = np.where(
            self._levers_known & bool(theme.levers), self._levers @ wanted / total, np.nan
        )
        return np.asarray(np.fmax(by_domain, by_lever))

    def says(self, i: int, column: int) -> tuple[str, tuple[Fact, ...]]:
        """Return which of the city's challenges and levers are the theme's."""
        city, theme = self._cohort.cities[i], self._themes[column]
        wide = {wider(d) for d in theme.domains}
        named = [
            NAMES[d]
            for d in city.challenges or {}
            if d in theme.domains or (d is Domain.STATIONARY_ENERGY and d in wide)
        ]
        named += [NAMES[v] for v in city.levers_needed or () if v in theme.levers]
        if not city.challenges and not city.levers_needed:
            return f"The challenges of {city.name} are not known.", ()
        facts = (
            Fact(
                city.id,
                "challenges and levers needed in this theme",
                listed(named) or "none",
                kind="stated",
                source=city.source_of("challenges"),
            ),
        )
        return (
            f"{city.name} names {listed(named)} among what it struggles with."
            if named
            else f"{city.name} names nothing of this theme."
        ), facts


def _by_domain(stated: Stated, domains: Sequence[Domain]) -> Floats:
    """Return the part of each city's weights that lies in some domains, (n,); nan where nothing is stated."""
    fine = np.array([float(d in domains) for d in FINE])
    rolled = {wider(d) for d in domains}
    wide = np.array([float(d in rolled) for d in WIDE])
    speaks_wide = stated.wide_only | (Domain.STATIONARY_ENERGY in domains)
    part = np.where(speaks_wide, stated.wide @ wide, stated.fine @ fine)
    return np.where(stated.known & bool(domains), part, np.nan)


def lead_strength(cohort: Cohort, theme: Theme) -> Floats:
    """Return how strong each city is in a theme, in [0, 1], shape (n,): the mean over its domains and levers.

    0 where nothing of the theme is stated; a city's own strengths and its pilot activities count.
    """
    shows = strengths(cohort)
    parts = [
        shows.wide[:, WIDE.index(d)] if d not in FINE else shows.fine[:, FINE.index(d)]
        for d in theme.domains
    ]
    if theme.levers:
        offers, _ = lever_table(offered_levers(cohort))
        parts += [UNWEIGHTED_STRENGTH * offers[:, LEVERS.index(v)] for v in theme.levers]
    return np.asarray(np.mean(parts, axis=0))


@dataclass(frozen=True, eq=False)
class _Pairs:
    """Every pair of a theme and a city, with its score and the rules over it; theme-major."""

    candidates: Candidates
    rules: tuple[Rule, ...]
    solution: Solution
    chosen: NDArray[np.bool_]


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
    themes, closed = list(settings.themes), []
    while themes:
        leads = _leads(round_, settings, themes)
        if isinstance(leads, str):
            closed.append(_close(themes, leads, "too few cities can lead it"))
            continue
        members, affinity, need = _members(round_, settings, themes, leads)
        if members.solution.status != "infeasible":
            return _product(round_, settings, themes, leads, members, affinity, closed)
        weakest = _fewest(themes, need, settings.least_need)
        closed.append(_close(themes, weakest, "too few cities that share it can join"))
    rules = (RuleStatus("themes", "No theme opens: " + "; ".join(closed) + ".", "kept"),)
    everyone = tuple(LeftOut(c.id, "No theme opens in this round.", "") for c in cohort.cities)
    return Product(
        "discussion_groups",
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


def _close(themes: list[Theme], theme_id: str, why: str) -> str:
    theme = next(t for t in themes if t.id == theme_id)
    themes.remove(theme)
    return f"{theme.title!r} does not open because {why}"


def _fewest(themes: Sequence[Theme], need: Floats, least: float) -> str:
    """Return the theme that the fewest cities need, the last one where several tie."""
    with np.errstate(invalid="ignore"):
        sharing = (need >= least).sum(axis=0)
    return themes[len(themes) - 1 - int(np.argmin(sharing[::-1]))].id


def _leads(
    round_: Round, settings: DiscussionGroups, themes: Sequence[Theme]
) -> list[list[int]] | str:
    """Return each theme's leads, strongest first; or the id of a theme that cannot have enough."""
    cohort = round_.cohort
    may = [i for i, c in enumerate(cohort.cities) if set(settings.lead_roles) & set(c.roles)]
    strength = np.array([lead_strength(cohort, theme)[may] for theme in themes])
    ready = levels(cohort)[may]
    known = ~np.isnan(ready)
    mean = np.where(
        known.any(axis=1), np.nan_to_num(ready).sum(axis=1) / np.maximum(known.sum(axis=1), 1), 2.0
    )
    score = np.round((1 - LEAD_READINESS) * strength + LEAD_READINESS * mean / 4, 6)
    t, g = np.nonzero(strength > 0)
    candidates = Candidates(t, g, score[t, g], len(themes), len(may))
    least, most = settings.leads
    codes = sorted({cohort.cities[i].country for i in may})
    nation = np.array([codes.index(cohort.cities[i].country) for i in may], dtype=np.int64)
    blocks = [
        counts("leads", t, low=least, high=most, rows=len(themes)),
        counts("one theme each", g, high=1, rows=len(may)),
        counts(
            "one lead a country", t * len(codes) + nation[g], high=1, rows=len(themes) * len(codes)
        ),
    ]
    solution = solve(candidates, blocks)
    if solution.status == "infeasible":
        return _fewest(themes, np.where(strength.T > 0, 1.0, 0.0), 1.0)
    held = [
        [int(k) for k in np.flatnonzero(solution.chosen & (t == theme))]
        for theme in range(len(themes))
    ]
    return [
        [may[int(g[k])] for k in sorted(pairs, key=lambda k: (-candidates.score[k], g[k]))]
        for pairs in held
    ]


def _members(
    round_: Round,
    settings: DiscussionGroups,
    themes: Sequence[Theme],
    leads: Sequence[Sequence[int]],
) -> tuple[_Pairs, Affinity, Floats]:
    """Return the members' solve, the affinity of every city to every theme, and every city's need (R, themes)."""
    cohort = round_.cohort
    taken = {i for theme in leads for i in theme}
    rows = [i for i in range(len(cohort)) if i not in taken]
    columns = [
        Host(theme.id, theme.title, tuple(group))
        for theme, group in zip(themes, leads, strict=True)
    ]
    theme_need = ThemeNeed(cohort, themes)
    affinity = compare(
        cohort,
        settings.weights,
        round_.materials,
        rows=rows,
        columns=columns,
        own={"theme": theme_need},
    )
    need = theme_need.likeness(rows)
    shape = (len(themes), len(rows))
    t, g = (axis.ravel() for axis in np.indices(shape))
    candidates = Candidates(t, g, affinity.score.T.ravel(), *shape)
    rules = _member_rules(round_, settings, themes, leads, rows, candidates, need)
    keep = np.flatnonzero(allowed_pairs(rules))
    solution = solve(
        candidates.take(keep), [rule.block.take(keep) for rule in rules if not rule.filters]
    )
    chosen = np.zeros(len(candidates), dtype=bool)
    chosen[keep] = solution.chosen
    return _Pairs(candidates, rules, solution, chosen), affinity, need


def _member_rules(
    round_: Round,
    settings: DiscussionGroups,
    themes: Sequence[Theme],
    leads: Sequence[Sequence[int]],
    rows: Sequence[int],
    pairs: Candidates,
    need: Floats,
) -> tuple[Rule, ...]:
    size = np.array([len(group) for group in leads])
    low, high = np.maximum(settings.size[0] - size, 0), settings.size[1] - size
    titles = [theme.title for theme in themes]
    with np.errstate(invalid="ignore"):
        shared = (need >= settings.least_need).T.ravel()
    rules = [
        Rule(
            "group size",
            f"A group has {settings.size[0]} to {settings.size[1]} cities, leads included.",
            counts(
                "group size",
                pairs.host,
                low=low,
                high=high,
                rows=len(themes),
                says=lambda k: (
                    f"The group {titles[k]!r} has {settings.size[0]} to {settings.size[1]} cities"
                ),
            ),
        ),
        Rule(
            "one group each",
            "A city is in one group, as lead or member.",
            counts("one group each", pairs.guest, high=1, rows=len(rows)),
        ),
        forbid(
            "shared challenge", "Nobody joins a group whose challenge it does not share.", ~shared
        ),
    ]
    if settings.cities_per_country is not None:
        rules.append(_country_rule(round_, settings.cities_per_country, titles, leads, rows, pairs))
    return tuple(rules)


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
    round_: Round,
    settings: DiscussionGroups,
    themes: Sequence[Theme],
    leads: Sequence[Sequence[int]],
    members: _Pairs,
    affinity: Affinity,
    closed: Sequence[str],
) -> Product:
    kept = judged(statuses(members.rules, members.candidates, members.chosen))
    lead_rule = RuleStatus(
        "leads",
        f"Each group has {settings.leads[0]} to {settings.leads[1]} leads of different countries that are strong in its theme; they are chosen first.",
        "kept",
    )
    opened = RuleStatus(
        "themes",
        f"{len(themes)} of {len(settings.themes)} themes open."
        + "".join(f" {text}." for text in closed),
        "kept",
    )
    chosen = members.chosen.reshape(len(themes), len(affinity.rows))
    meetings = tuple(
        _meeting(round_, theme, leads[t], np.flatnonzero(chosen[t]), t, affinity)
        for t, theme in enumerate(themes)
    )
    placed = sum(len(m.members) for m in meetings)
    solution = members.solution
    return Product(
        "discussion_groups",
        settings.title,
        "optimal" if solution.status == "optimal" else "feasible",
        f"{solution.engine}, leads first",
        solution.score,
        solution.bound,
        meetings,
        _left_out(round_, settings, affinity, chosen),
        (opened, lead_rule, *kept),
        f"{len(meetings)} groups with {placed} cities; each is led by {settings.leads[0]} to {settings.leads[1]} cities strong in its theme.",
        weights=shares(affinity),
    )


def _meeting(
    round_: Round,
    theme: Theme,
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
    says = f"Led by {names}; {len(members)} cities of {countries} countries."
    return Meeting(
        f"discussion_groups:{theme.id}",
        theme.title,
        members,
        affinity.joint_account([(r, t) for r in rows], "members"),
        says,
    )


def _left_out(
    round_: Round, settings: DiscussionGroups, affinity: Affinity, chosen: NDArray[np.bool_]
) -> tuple[LeftOut, ...]:
    out = []
    need = affinity.own["theme"].likeness(affinity.rows)
    for r in np.flatnonzero(~chosen.any(axis=0)):
        city = round_.cohort.cities[affinity.rows[int(r)]]
        if np.isnan(need[r]).all():
            out.append(
                LeftOut(
                    city.id,
                    "Its challenges and needed levers are not known, so no shared challenge can be shown.",
                    "",
                    "Ask for its challenges.",
                )
            )
        elif not (np.nan_to_num(need[r]) >= settings.least_need).any():
            out.append(
                LeftOut(city.id, "None of the themes that open is among its challenges.", "")
            )
        else:
            out.append(
                LeftOut(
                    city.id,
                    "The groups of its themes are full, or have their places for its country taken.",
                    "",
                )
            )
    return tuple(sorted(out, key=lambda item: item.city))
