"""The support ladder: what each city may join now, and what it lacks for the next step.

The lowest step is "no inventory yet": nothing is known of where the city's emissions come from. Online resources are
open to all; discussion groups to cities that say what they struggle with; study visits to cities with a
climate-neutrality target; twinning to those that meet the conditions of the programme. National events stand beside
the ladder: every city of a country may join. What is not known is lacking, and told as such.

Support pathways: a catalogue of resources, bundled and the coordinator's own, matched to each city with reasons.

A resource is matched by the facets of the programme: how far its topics are what the city seeks, how far the city's
challenges and needed levers are those of the resource, whether it serves the step of the transition map at which the
city is stuck, and whether the city works in its language. Resources for a higher step of the support ladder than the
city's are not offered. A city of which nothing is known begins with what serves the first steps of the map.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence, Set
from dataclasses import dataclass, replace
from typing import Final

import numpy as np
from numpy.typing import NDArray

from twinmatch.affinity import Affinity, OwnFacet, compare
from twinmatch.cohort import City, Cohort, Host
from twinmatch.embedding.sentences import TOPICS
from twinmatch.facets import FacetCache
from twinmatch.facets.answered import topic_table
from twinmatch.facets.readiness import STEPS, levels, step_levels, stuck_at
from twinmatch.programmes.base import Catalogue, Resource
from twinmatch.programmes.conditions import is_kind
from twinmatch.programmes.eligibility import conditions
from twinmatch.programmes.kinds import target_year
from twinmatch.programmes.programme import Programme
from twinmatch.programmes.themes import Theme, ThemeNeed
from twinmatch.proposal import (
    Account,
    Fact,
    LeftOut,
    Meeting,
    Product,
    Table,
    make_table,
)
from twinmatch.proposal.proposal import joins_countries
from twinmatch.proposal.tables import PathwayRow
from twinmatch.schema import NAMES, Dimension, Role
from twinmatch.solving import Floats
from twinmatch.vocabulary.geography import country, with_article
from twinmatch.wording import count, joined, listed, own_words, say

ENTRY, ONLINE, GROUP, VISIT, TWINNING, HOST = (
    say("no inventory yet"),
    say("online resources"),
    say("discussion groups"),
    say("study visits"),
    say("twinning"),
    say("hosting others"),
)
NEUTRAL_BY = 2050
"""The target that study visits ask for where the programme does not say."""


@dataclass(frozen=True)
class Standing:
    """A city's level on the ladder, the next one, and what it lacks for it (empty at the top)."""

    level: str
    next: str
    lacks: tuple[str, ...]


def standing(city: City, programme: Programme) -> Standing:
    """Return the highest step that is open to a city with all below it, and what the next one asks."""
    steps = [
        (ONLINE, ()),
        *((name, _lacking(city, programme, name)) for name in (GROUP, VISIT, TWINNING)),
    ]
    level = ONLINE
    for name, lacks in steps:
        if lacks:
            if level == ONLINE and not has_inventory(city):
                return Standing(ENTRY, name, (say("an emissions inventory (not known)"), *lacks))
            return Standing(level, name, tuple(lacks))
        level = name
    if city.has(Role.MISSION) or city.has(Role.PILOT):
        return Standing(HOST, "", ())
    return Standing(TWINNING, "", ())


def has_inventory(city: City) -> bool:
    """Return whether an emissions inventory of a city is known, its own or by its readiness."""
    level = (city.readiness or {}).get(Dimension.INVENTORY)
    return city.emissions is not None or (level is not None and level >= 1)


def _lacking(city: City, programme: Programme, step: str) -> tuple[str, ...]:
    if step == GROUP:
        named = city.challenges or city.levers_needed
        return () if named else (say("a statement of what it struggles with"),)
    if step == VISIT:
        visits = getattr(programme, "study_visits", None)
        by = visits.neutral_by if visits is not None else NEUTRAL_BY
        return _target(city, by)
    if city.has(Role.MISSION) or programme.twinning is None:
        return ()
    failed, unknown = conditions(city, programme.twinning.guests)
    return (*failed, *(say("{text} (not known)", text=text) for text in unknown))


def _target(city: City, by: int | None) -> tuple[str, ...]:
    year = target_year(city)
    if by is None or (year is not None and year <= by):
        return ()
    if year is None:
        says = "a climate-neutrality target by {by} or earlier, signed by its mayor (not known)"
        return (say(says, by=by),)
    return (say("a target by {by} or earlier (it has {year})", by=by, year=year),)


def ladder(cohort: Cohort, programme: Programme) -> Table:
    """Return the ladder as a table, a row a city."""
    mine = [city for city in cohort.cities if city.id not in cohort.brought]
    found = [standing(city, programme) for city in mine]
    rows = [
        (city.id, one.level, one.next, joined(one.lacks, "; "))
        for city, one in zip(mine, found, strict=True)
    ]
    counted = {
        name: sum(one.level == name for one in found)
        for name in (ENTRY, ONLINE, GROUP, VISIT, TWINNING, HOST)
    }
    says = joined(
        (say("{n} at {level}", n=n, level=name) for name, n in counted.items() if n), "; "
    )
    return make_table("ladder", rows, says=says)


def transition_map(cohort: Cohort) -> Table:
    """Return where each city stands on the transition map, where it is stuck, and who is ahead there.

    A city of whose readiness nothing is known stands at the entry, "no inventory yet", where no inventory is known
    either, and has no row else; Mission and Pilot Cities of its country that have one are ahead of it. Up to three
    Mission or Pilot Cities that are one or two levels ahead at the step are named, those nearest in the others first.
    """
    at = step_levels(cohort)
    rows: list[tuple[str | float | None, ...]] = []
    stuck = stuck_at(at)
    ahead = [i for i, c in enumerate(cohort.cities) if c.has(Role.MISSION) or c.has(Role.PILOT)]
    hosts = np.array(ahead, dtype=np.intp)
    for i, city in enumerate(cohort.cities):
        if np.isnan(at[i]).all():
            if not has_inventory(city):
                able = [j for j in ahead if has_inventory(cohort.cities[j])]
                mine = [
                    cohort.cities[j].id for j in able if cohort.cities[j].country == city.country
                ]
                rows.append((city.id, *[None] * len(STEPS), ENTRY, "; ".join(mine[:3])))
            continue
        step = int(stuck[i])
        helpers = _ahead(cohort, at, hosts, i, step) if step >= 0 else []
        at_steps = [None if np.isnan(v) else round(float(v), 2) for v in at[i]]
        rows.append(
            (
                city.id,
                *at_steps,
                STEPS[step].name if step >= 0 else "",
                "; ".join(cohort.cities[j].id for j in helpers),
            )
        )
    columns = ("city", *(step.name for step in STEPS), "stuck at", "ahead there")
    says = say(
        "Levels 0 to 4 of {rows} cities; a city stands at several steps at once. ", rows=len(rows)
    ) + listed(
        [
            say(
                "{step}: {dimensions}",
                step=step.name,
                dimensions=listed([NAMES[d] for d in step.dimensions]),
            )
            for step in STEPS
        ]
    )
    return make_table("transition_map", rows, heads=columns, told=say("{says}.", says=says))


def _ahead(cohort: Cohort, at: Floats, hosts: NDArray[np.intp], i: int, step: int) -> list[int]:
    """Return up to three hosts one or two levels ahead at a step, nearest in the other steps first."""
    more = at[hosts, step] - at[i, step]  # nan, where not known, is neither
    ready = hosts[(hosts != i) & (more >= 1) & (more <= 2)]
    apart = np.nan_to_num(np.abs(at[ready] - at[i]), nan=2.0).mean(axis=1)
    # Hosts are in the order of ids, as cities are.
    return [int(j) for j in ready[np.argsort(np.round(apart, 6), kind="stable")][:3]]


LADDER: Final = (ENTRY, ONLINE, GROUP, VISIT, TWINNING, HOST)


WEIGHTS: Final = {"topic": 40.0, "theme": 20.0, "step": 25.0, "language": 15.0}

LEAST: Final = 0.3
"""Likeness of a topic or theme from which a resource fits what a city asks for."""


@dataclass(frozen=True, eq=False)
class _Resourced:
    """How far resources suit cities in one respect: the whole table, (n, R), and why one does, for ``LEAST`` and more."""

    table: Floats
    sentence: Callable[[int, int], str]

    def likeness(self, rows: Sequence[int]) -> Floats:
        return np.asarray(self.table[list(rows)])

    def says(self, i: int, column: int) -> tuple[str, tuple[Fact, ...]]:
        return self.sentence(i, column), ()


def _topic(cohort: Cohort, facet_cache: FacetCache, resources: Sequence[Resource]) -> _Resourced:
    """How far a resource's topics are what a city seeks, in [0, 1]; nan where either is not known."""
    read = topic_table(cohort, facet_cache)
    seeks = np.clip(read.seeks, 0.0, 1.0)
    table = np.full((len(cohort), len(resources)), np.nan)
    known = seeks.any(axis=1)
    for c, resource in enumerate(resources):
        if resource.topics:
            columns = [TOPICS.index(t) for t in resource.topics]
            table[known, c] = seeks[known][:, columns].max(axis=1)

    def says(i: int, column: int) -> str:
        topics = resources[column].topics
        sought = [t for t in topics if seeks[i, TOPICS.index(t)] >= LEAST]
        return read.needs.wants(cohort, i, sought[:3])

    return _Resourced(table, says)


def _step(cohort: Cohort, resources: Sequence[Resource]) -> _Resourced:
    """1 where a resource serves the step at which a city is stuck, else 0; nan where either is not known."""
    stuck = stuck_at(step_levels(cohort))
    serves = np.array([[step.code in r.steps for r in resources] for step in STEPS], dtype=float)
    known = (stuck >= 0)[:, None] & np.array([bool(r.steps) for r in resources])

    def says(i: int, _: int) -> str:
        return say(
            "It fits the step “{step}”, where most is left to do.", step=STEPS[stuck[i]].name
        )

    return _Resourced(np.where(known, serves[stuck], np.nan), says)


def _language(cohort: Cohort, resources: Sequence[Resource]) -> _Resourced:
    """1 where a city works in a language of the resource, else 0; nan where its languages are not known."""
    spoken = [frozenset(r.languages) for r in resources]
    table = [
        [float(not s.isdisjoint(c.languages)) if c.languages else np.nan for s in spoken]
        for c in cohort.cities
    ]

    return _Resourced(np.array(table).reshape(len(cohort), len(resources)), lambda i, column: "")


def matched(cohort: Cohort, facet_cache: FacetCache, resources: Sequence[Resource]) -> Affinity:
    """Return how well every resource (column) fits every city (row), with the account of each."""
    themes = [_theme(r) for r in resources]
    columns = [Host(r.id, r.title, ()) for r in resources]
    own: dict[str, OwnFacet] = {
        "topic": _topic(cohort, facet_cache, resources),
        "theme": ThemeNeed(cohort, themes),
        "step": _step(cohort, resources),
        "language": _language(cohort, resources),
    }
    return compare(cohort, WEIGHTS, facet_cache, columns=columns, own=own)


def _theme(resource: Resource) -> Theme:
    """Return what a resource is about broadly, where it has topics of its levers those that they are of: a domain is too wide."""
    areas = {t.area for t in resource.topics}
    domains = () if areas else resource.domains
    levers = tuple(lever for lever in resource.levers if not areas or lever in areas)
    return Theme.model_construct(
        id=resource.id, title=resource.title, domains=domains, levers=levers
    )


def pathways(
    cohort: Cohort, facet_cache: FacetCache, catalogue: Catalogue, programme: Programme
) -> Table:
    """Return the best resources for each city, with the reasons, as a table.

    A resource is named where a topic, a challenge, a lever or the step at which the city is stuck asks for it; where
    nothing does, what serves the first steps. Best places are filled first for all cities, then second ones, and no
    resource goes to more than ``cities_per_resource`` while another fits.
    """
    resources = catalogue.offered
    affinity = matched(cohort, facet_cache, resources)
    fits, begins = _fitting(cohort, resources, affinity, programme)
    score = np.round(affinity.score, 9)
    given = np.zeros(len(resources), dtype=int)
    rows: list[tuple[int, int, int]] = []
    taken = np.zeros_like(fits)
    best = np.where(fits, score, -1.0).max(axis=1)
    mine = (i for i, city in enumerate(cohort.cities) if city.id not in cohort.brought)
    everyone = sorted(mine, key=lambda i: (-best[i], i))
    same_page = [[k for k, r in enumerate(resources) if r.link == one.link] for one in resources]
    for place in range(1, catalogue.per_city + 1):
        for i in everyone:
            may = fits[i] & ~taken[i]
            free = may & (given < catalogue.cities_per_resource)
            open_ = free if free.any() or place > 1 else may
            if not open_.any():
                continue
            c = int(np.argmax(np.where(open_, score[i], -1.0)))
            taken[i, same_page[c]] = True
            given[c] += 1
            rows.append((i, place, c))
    served = len({i for i, _, _ in rows})
    rows.sort()
    accounts = affinity.accounts([i for i, _, _ in rows], [c for *_, c in rows], worded=False)
    named = (
        PathwayRow(
            cohort.cities[i].id,
            place,
            own_words(resources[c].title, "en"),
            resources[c].link,
            float(score[i, c]),
            _why(cohort, affinity, resources[c], (i, c), account, begins=bool(begins[i])),
        )
        for (i, place, c), account in zip(rows, accounts, strict=True)
    )
    return make_table("pathways", named, resources=len(resources), served=served, all=len(cohort))


def _fitting(
    cohort: Cohort, resources: Sequence[Resource], affinity: Affinity, programme: Programme
) -> tuple[NDArray[np.bool_], NDArray[np.bool_]]:
    """Return which resources fit which cities, (n, R), and which cities begin with the first steps, (n,)."""
    cities = cohort.cities
    open_ = np.zeros((len(cities), len(resources)), dtype=bool)
    ready = levels(cohort)
    known = ~np.isnan(ready)
    mean = np.where(known, ready, 0.0).sum(axis=1) / np.maximum(known.sum(axis=1), 1)
    silent = ~known.any(axis=1)
    level = np.array([LADDER.index(standing(city, programme).level) for city in cities])
    people = np.array([city.population.value if city.population else np.nan for city in cities])
    for c, resource in enumerate(resources):
        may = LADDER.index(resource.level) <= np.maximum(level, LADDER.index(ONLINE))
        for figure, (low, high), free in (
            (mean, resource.readiness, silent),
            (people, resource.population, np.isnan(people)),
        ):
            may &= free | ((low <= figure) & (figure <= high))
        if resource.countries:
            may &= np.isin(cohort.countries, resource.countries)
        if resource.only:
            may &= [bool(is_kind(city, resource.only)) for city in cities]
        open_[:, c] = may
    # Where the topics of both are known they decide: a wider theme would offer what teaches something else.
    likeness = {name: np.nan_to_num(values) for name, values in affinity.likeness.items()}
    topic = affinity.likeness["topic"]
    fits = open_ & (np.where(np.isnan(topic), likeness["theme"], topic) >= LEAST)
    for wider in (likeness["theme"] >= LEAST, likeness["step"] > 0):
        fits |= open_ & wider & ~fits.any(axis=1, keepdims=True)
    begins: NDArray[np.bool_] = np.asarray(fits.sum(axis=1) == 0, dtype=np.bool_)
    first = np.array(
        [
            FIRST & {*r.steps} and {*r.topics} <= FIRST_TOPICS and not r.readiness[0]
            for r in resources
        ],
        dtype=bool,
    )
    fits[begins] = open_[begins] & first
    return fits, begins


FIRST: Final = {"mandate", "understand"}
FIRST_TOPICS: Final = {"climate_plan_portfolio", "emissions_data_monitoring"}
"""Steps and topics with which a city begins of which nothing is known that would ask for anything else."""


def _why(
    cohort: Cohort,
    affinity: Affinity,
    resource: Resource,
    place: tuple[int, int],
    account: Account,
    *,
    begins: bool,
) -> str:
    """Return what a resource gives and why it is named for a city."""
    city = cohort.cities[place[0]]
    told = {x.facet for x in account.lines if x.known and x.likeness >= LEAST} - {"language"}
    if "topic" in told:
        told -= {"theme"}  # says the same more broadly
    if len(told) > 1:
        told -= {"step"}
    why = [affinity.own[x.facet].says(*place)[0] for x in account.lines if x.facet in told]
    if begins:
        says = "It is not known yet on which topics {city} wants to learn; this is for the first steps."
        if not np.isnan([affinity.likeness[x][place[0]] for x in ("topic", "theme")]).all():
            says = "No resource is on what {city} names; this one is for the first steps."
        why = [say(says, city=city.name)]
    own = (
        say("It is for cities of {country}.", country=with_article(country(city.country).name))
        if len(resource.countries) == 1
        else ""
    )
    return joined(filter(None, (own_words(resource.gives, "en"), *why, own)))


STEPS_DOWN = (
    "twinning",
    "study_visits",
    "discussion_groups",
    "policy_exchange",
    "world_cafe",
    "city_panels",
    "national_clusters",
)
"""Formats from the highest step of the support ladder down; others follow in the order of the registry."""


def with_offers(cohort: Cohort, programme: Programme, products: Sequence[Product]) -> list[Product]:
    """Return the products, with what each left-out city is offered instead: the highest step open to it."""
    places = {
        p.product: {city: m for m in reversed(p.meetings) for city in m.cities()} for p in products
    }
    titles = {p.product: p.title for p in products}
    groups = getattr(programme, "discussion_groups", None)
    barred = {*groups.not_roles} if groups is not None else set()
    room = groups is not None and any(
        len(m.members) < groups.size[1]
        for p in products
        if p.product == "discussion_groups"
        for m in p.meetings
    )

    def offered(item: LeftOut, product: str) -> LeftOut:
        if item.city not in cohort.index:  # an earlier proposal knew it
            return item
        steps = _steps(cohort.city(item.city), places, titles, room, barred)
        apart = {product, "online"} if product == "discussion_groups" else {product}
        found = [says for name, says in steps if name not in apart][:2]
        return replace(item, offered=joined(found, "; "))

    return [replace(p, left_out=tuple(offered(x, p.product) for x in p.left_out)) for p in products]


def _steps(
    city: City,
    places: Mapping[str, Mapping[str, Meeting]],
    titles: dict[str, str],
    room: bool,
    barred: Set[Role],
) -> list[tuple[str, str]]:
    """Return what a city can join, the highest step of the support ladder first.

    ``room`` where a group takes more, but for the roles that are ``barred`` from joining one.
    """
    order = [*(n for n in STEPS_DOWN if n in places), *(n for n in places if n not in STEPS_DOWN)]
    steps = [
        (name, _place(name, places[name][city.id], titles[name], city.id))
        for name in order
        if city.id in places[name]
    ]
    grouped = city.id in places.get("discussion_groups", {})
    named = city.challenges or city.levers_needed
    if room and not grouped and not named and not barred & {*city.roles}:
        steps.append(("online", say("a discussion group, once its challenges are named")))
    return steps


def _place(name: str, meeting: Meeting, title: str, city: str) -> str:
    if name == "study_visits" and city in meeting.cities("host"):  # a visit goes to it
        guests = count(len(meeting.cities("guest")), "city", "cities")
        return say("hosting a study visit of {cities}", cities=guests)
    if name == "discussion_groups" and city in meeting.cities("lead"):
        return say("leading the discussion group '{meeting}'", meeting=meeting.label)
    hosts = len(meeting.cities("host"))
    if name == "twinning" and city in meeting.cities("host") and hosts > 1:
        return say("twinning: {meeting}, as one of its {n} hosts", meeting=meeting.label, n=hosts)
    says = "{title:lower}: {meeting}"
    if name == "twinning":
        says = "twinning: {meeting}"
    elif name == "discussion_groups":
        says = "discussion group '{meeting}'"
    elif name == "national_clusters":
        says = "national cluster '{meeting}'"
        if joins_countries(meeting.id):
            says = "multi-country cluster '{meeting}'"
    elif name == "study_visits":
        says = "study visit: {meeting}"
    return say(says, title=title, meeting=meeting.label)
