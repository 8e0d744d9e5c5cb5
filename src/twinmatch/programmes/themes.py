"""Themes: challenges that cities share, how far each is a city's own, and how strong cities are in it."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Sequence, Set
from functools import cache, cached_property, partial
from typing import TypeVar

import numpy as np
from pydantic import Field, model_validator

from twinmatch.cohort import Cohort
from twinmatch.facets import FacetCache
from twinmatch.facets.answered import topic_table
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
from twinmatch.facets.quoting import Passage, asks, quotes, shows
from twinmatch.facets.text import needs_passages, offers_passages, offers_said
from twinmatch.programmes.base import CountryName, ProgrammeSection, actor_for
from twinmatch.programmes.round import Round
from twinmatch.proposal import Fact
from twinmatch.schema import IN_TEXT, City, Domain, Lever, Role
from twinmatch.solving import Bools, Floats
from twinmatch.vocabulary.topics import Topic
from twinmatch.wording import Title, joined, listed, say, say_n

T = TypeVar("T", bound=str)

SOUGHT = 3
"""Topics named of what the members of a group seek, at most."""

NEAR = 0.8
"""Sentences closer to a theme's texts than this part of all sentences count as being about it."""


class Theme(ProgrammeSection):
    """A challenge that a discussion group shares."""

    id: str = Field(pattern=r"^[a-z0-9]+(-[a-z0-9]+)*$")
    title: Title = Field(min_length=1)
    domains: tuple[Domain, ...] = ()
    """Domains of the theme"""
    levers: tuple[Lever, ...] = ()
    """Levers of the theme"""
    texts: tuple[str, ...] = ()
    """Sentences that say what the theme is about"""
    countries: tuple[CountryName, ...] = ()
    """Only cities of these countries; none: of any"""

    @model_validator(mode="after")
    def _about_something(self) -> Theme:
        if not self.domains and not self.levers and not self.texts:
            raise ValueError("a theme needs at least one domain, lever or text")
        return self


class ThemeNeed:
    """How far a city's challenges and needed levers are those of each theme, in [0, 1]; nan where not known.

    Over domains: the part of the city's challenges (weights summing to 1) that lies in the theme. Over levers:
    the part of the levers it lacks that are the theme's. Over texts: the part of its needs sentences that are
    among the fifth of all sentences closest to the theme's. A theme with several counts the best of them. Where
    a city or theme speaks the wider vocabulary of domains, the wider domains are compared.
    """

    def __init__(
        self, cohort: Cohort, themes: Sequence[Theme], facet_cache: FacetCache | None = None
    ) -> None:
        self._cohort, self._themes = cohort, themes
        self._of: dict[str, Floats] = {}
        self._near: dict[str, dict[int, Passage]] = {}
        for theme in themes:
            if theme.id not in self._of:
                of, near = (
                    self._need(theme, None)
                    if facet_cache is None
                    else facet_cache.once(
                        cohort, ("theme need", theme), partial(self._need, theme, facet_cache)
                    )
                )
                self._of[theme.id], self._near[theme.id] = of, near

    def likeness(self, rows: Sequence[int]) -> Floats:
        """Return the need of each row for each theme, shape (R, themes)."""
        index = np.array(rows, dtype=np.intp)
        return (
            np.column_stack([self._of[theme.id][index] for theme in self._themes])
            if self._themes
            else np.zeros((len(index), 0))
        )

    @cached_property
    def _stated(self) -> Stated:
        return challenges(self._cohort)

    @cached_property
    def _levers(self) -> tuple[Floats, Bools]:
        return lever_table(c.levers_needed for c in self._cohort.cities)

    def _need(
        self, theme: Theme, facet_cache: FacetCache | None
    ) -> tuple[Floats, dict[int, Passage]]:
        """Return the need of every city for a theme, (n,), and the sentences that show it."""
        by_domain = _by_domain(self._stated, theme.domains)
        wanted = np.array([float(lever in theme.levers) for lever in LEVERS])
        levers, known = self._levers
        total = np.maximum(levers.sum(axis=1), 1.0)
        by_lever = np.where(known & bool(theme.levers), levers @ wanted / total, np.nan)
        need = np.asarray(np.fmax(by_domain, by_lever))
        if not theme.texts or facet_cache is None:
            return need, {}
        part, near = about(needs_passages(self._cohort), theme, facet_cache, len(self._cohort))
        return np.asarray(np.fmax(need, part)), near

    def says(self, i: int, column: int) -> tuple[str, tuple[Fact, ...]]:
        """Return which of the city's challenges, levers and sentences are the theme's."""
        city, theme = self._cohort.cities[i], self._themes[column]
        wide = {wider(d) for d in theme.domains}
        named = [
            IN_TEXT[d]
            for d in city.challenges or {}
            if d in theme.domains or (d is Domain.STATIONARY_ENERGY and d in wide)
        ]
        named += [IN_TEXT[v] for v in city.levers_needed or () if v in theme.levers]
        own = self._near.get(theme.id, {}).get(i)
        if not named and own is not None:
            return asks(city.name, own), quotes(self._cohort, own)
        if not city.challenges and not city.levers_needed:
            return say("The challenges of {cities} are not known.", cities=city.name), ()
        facts = (
            Fact(
                city.id,
                say("challenges and levers needed in this theme"),
                listed(named) or say("none"),
                kind="stated",
                source=city.source_of("challenges"),
            ),
        )
        return (
            say(
                "{guest} names {named} as a challenge.",
                guest=city.name,
                named=listed(named),
            )
            if named
            else say("{city} names nothing of this theme.", city=city.name)
        ), facts


def about(
    passages: Sequence[Passage], theme: Theme, facet_cache: FacetCache, cities: int
) -> tuple[Floats, dict[int, Passage]]:
    """Return the part of each city's sentences that are near a theme's texts, (n,), and its nearest such sentence.

    Near is closer than ``NEAR`` of all sentences, so that no raw cosine is a threshold; nan without a readable one.
    """
    part: Floats = np.full(cities, np.nan)
    if not passages:
        return part, {}
    vectors = np.asarray(facet_cache.text.vectors([p.text for p in passages]), dtype=np.float32)
    wanted = np.asarray(facet_cache.text.vectors(list(theme.texts)), dtype=np.float32)
    wanted = wanted[~np.isnan(wanted).any(axis=1)]
    readable = ~np.isnan(vectors).any(axis=1)
    if not len(wanted) or not readable.any():
        return part, {}
    closest = np.full(len(passages), -1.0)
    closest[readable] = np.round((vectors[readable] @ wanted.T).max(axis=1).astype(np.float64), 4)
    least = float(np.quantile(closest[readable], NEAR, method="higher"))
    best: dict[int, Passage] = {}
    owner = np.array([p.city for p in passages])
    for i in np.unique(owner[readable]).tolist():
        mine = np.flatnonzero((owner == i) & readable)
        part[i] = float((closest[mine] >= least).mean())
        top = int(mine[np.argmax(closest[mine])])
        if closest[top] >= least:
            best[i] = passages[top]
    return part, best


def _by_domain(stated: Stated, domains: Sequence[Domain]) -> Floats:
    """Return the part of each city's weights that lies in some domains, (n,); nan where nothing is stated."""
    fine = np.array([float(d in domains) for d in FINE])
    rolled = {wider(d) for d in domains}
    wide = np.array([float(d in rolled) for d in WIDE])
    speaks_wide = stated.wide_only | (Domain.STATIONARY_ENERGY in domains)
    part = np.where(speaks_wide, stated.wide @ wide, stated.fine @ fine)
    return np.where(stated.known & bool(domains), part, np.nan)


def lead_strength(cohort: Cohort, theme: Theme, facet_cache: FacetCache | None = None) -> Floats:
    """Return how strong each city is in a theme, in [0, 1], shape (n,): the mean over its domains, levers and texts.

    Domains and levers count by how many cities that are no Mission Cities name them. 0 where nothing of the theme is
    stated; a city's own strengths and its pilot activities count.
    """
    shows = (
        facet_cache.once(cohort, "strengths", lambda: strengths(cohort))
        if facet_cache
        else strengths(cohort)
    )
    parts = [
        shows.wide[:, WIDE.index(d)] if d not in FINE else shows.fine[:, FINE.index(d)]
        for d in theme.domains
    ]
    if theme.levers:
        offers, _ = lever_table(offered_levers(cohort))
        parts += [UNWEIGHTED_STRENGTH * offers[:, LEVERS.index(v)] for v in theme.levers]
    if theme.texts and facet_cache is not None:
        part, _ = about(offers_passages(cohort), theme, facet_cache, len(cohort))
        parts.append(np.nan_to_num(part))
    learning = [c for c in cohort.cities if not c.has(Role.MISSION)]
    asked = Counter(x for c in learning for x in {*(c.challenges or ()), *(c.levers_needed or ())})
    weights = [1 + asked[x] for x in (*theme.domains, *theme.levers)]
    weights += [1 + max(asked.values(), default=0)] * (len(parts) - len(weights))
    return (
        np.asarray(np.average(parts, axis=0, weights=weights)) if parts else np.zeros(len(cohort))
    )


@cache
def topics_of(theme: Theme | None) -> frozenset[Topic]:
    """Return the topics of a theme's domains and levers; none for a theme of texts alone, or for no theme."""
    areas = {*theme.domains, *theme.levers} if theme else set()
    if Domain.STATIONARY_ENERGY in areas:
        areas |= {Domain.BUILT_ENVIRONMENT, Domain.ENERGY_SYSTEMS}
    return frozenset(topic for topic in Topic if topic.area in areas)


def theme_of(round_: Round, meeting_id: str) -> Theme | None:
    """Return the theme of a group or of the visits of one, by the id of its meeting; None where it has none."""
    product, _, key = meeting_id.partition(":")
    first = key.split(":")[0]
    name = "policy_exchange" if product == "policy_exchange" else "discussion_groups"
    settings = getattr(round_.programme, name, None)
    themes = {theme.id: theme for theme in settings.themes} if settings else {}
    return themes.get(first) or themes.get(first.rpartition("-")[0])


def quoted(title: str) -> str:
    """Return a title in quotation marks."""
    return say("“{words}”", words=title)


def shown_on(
    round_: Round, theme: Theme | None, cities: Sequence[int], wanted: Set[Topic] = frozenset()
) -> str:
    """Return what one of some cities can show on a theme: its sentence, else the topics that it names; empty for none.

    What it can show of the topics that are ``wanted`` comes first.
    """
    said, topics = offers_said(round_.cohort, round_.facet_cache), topics_of(theme)
    found = said.best_on(cities, topics & wanted) or said.best_on(cities, topics)
    if found is not None:
        return shows(round_.name(found[0].city), *found)
    for i in cities:
        named = [t.wording for t in round_.cohort.cities[i].shows or () if t in topics]
        if named:
            return say(
                "{city} names {named} among what it can show.",
                city=round_.name(i),
                named=listed(named),
            )
    return ""


def strong_in(round_: Round, theme: Theme, i: int) -> str:
    """Return in which of a theme's domains and levers a city states strengths or has pilot activities; empty for none."""
    city, pilots = round_.cohort.cities[i], round_.cohort.pilots(i)
    own = strong_areas(city)
    tried = {str(x) for p in pilots for x in (*p.domains, *p.levers)} - own
    says = "{city} names {strong} among its strengths.", "{city} has a pilot activity on {piloted}."
    parts = []
    for text, name, known in zip(says, ("strong", "piloted"), (own, tried), strict=True):
        if named := [IN_TEXT[x] for x in (*theme.domains, *theme.levers) if x in known]:
            parts.append(say(text, city=city.name, **{name: listed(named)}))
    return joined(parts)


def strong_areas(city: City) -> set[str]:
    """Return the domains in which a city states strengths and the levers that it says it can show."""
    return {*(city.strengths or {}), *(city.levers_offered or ())}


def led_by(round_: Round, theme: Theme, leads: Sequence[int], others: Sequence[int]) -> str:
    """Return what leads or hosts show on a theme, and what the others name most often of it, with what nobody answers.

    Each shows what most of the others seek and nobody before it has shown, in its words, else where it states strengths.
    """
    wanted = sought_in(round_, theme, others)
    said = offers_said(round_.cohort, round_.facet_cache)
    areas = _areas_named(round_, theme, others)
    first = dict.fromkeys(wanted or sorted(topics_of(theme), key=lambda t: (-areas[t.area], t)))
    if areas and not wanted:
        first = dict.fromkeys(t for t in first if areas[t.area])
    met: list[str] = []
    beside: list[str] = []
    open_ = dict(first)
    for i in leads:
        mine = [t for t in open_ or first if t in said.served([i])]
        shown = (
            shown_on(round_, theme, [i], {*mine[:1]} or {*first})
            or strong_in(round_, theme, i)
            or say("What {city} can show of this theme is not known yet.", city=round_.name(i))
        )
        (met if mine else beside).append(shown)
        open_ = {t: n for t, n in open_.items() if t not in mine[:1]}
    silent = [t.wording for t in wanted if t not in said.served(leads)]
    parts = [_named_most(len(others), wanted, areas), *met, *beside]
    if silent and leads:
        says = "What {cities} can show on {topics} is not known yet."
        parts.append(
            say(says, cities=listed([round_.name(i) for i in leads]), topics=listed(silent))
        )
    return joined(filter(None, parts))


def sought_in(round_: Round, theme: Theme, cities: Sequence[int]) -> dict[Topic, int]:
    """Return how many of some cities seek each topic of a theme, those that two or more seek, ``SOUGHT`` at most."""
    told, topics = topic_table(round_.cohort, round_.facet_cache), topics_of(theme)
    each = [told.sought(i) for i in cities]
    return _most(Counter(t for sought in each for t in sought if t in topics))


def most_sought(
    round_: Round, theme: Theme | None, leads: Sequence[int], others: Sequence[int]
) -> Topic | None:
    """Return the topic of a theme that leads or hosts show and more than half of the others seek; None where none is."""
    shown = offers_said(round_.cohort, round_.facet_cache).served(leads)
    sought = sought_in(round_, theme, others) if theme else {}
    return next((t for t, n in sought.items() if 2 * n > len(others) and t in shown), None)


def _areas_named(round_: Round, theme: Theme, cities: Sequence[int]) -> Counter[str]:
    """Return which domains and levers of a theme most of some cities name, those that two or more name."""
    each = (round_.cohort.cities[i] for i in cities)
    named = [{*(c.challenges or ()), *(c.levers_needed or ())} for c in each]
    areas = (*theme.domains, *theme.levers)
    return Counter(_most(Counter(a for words in named for a in words if a in areas)))


def alike_in(cohort: Cohort, cities: Sequence[int], i: int, may: Callable[[str], bool]) -> str:
    """Return which cities of a meeting name a challenge of one that is theirs more than everybody's; empty where it does so alone.

    Where all are of one country, with whom of it they could speak about it.
    """
    each = {j: cohort.cities[j] for j in cities}
    named = {j: {*(c.challenges or ()), *(c.levers_needed or ())} for j, c in each.items()}
    counted = Counter(x for words in named.values() for x in words)
    shared = [a for a in sorted(named[i]) if may(a) and counted[a] > 1]
    area = max(shared, key=lambda a: counted[a] / cohort.struggling[a], default="")
    others = [each[j].name for j in cities if j != i and area in named[j]]
    told = {"city": each[i].name, "area": IN_TEXT.get(area, ""), "cities": listed(others[:SOUGHT])}
    if not others:
        return ""
    one = "{city} names {area} as a challenge, as does {cities}. Each is asked to bring one measure that it has tried, and its result."
    many = "{city} names {area} as a challenge, as do {cities}. Each is asked to bring one measure that it has tried, and its result."
    alike = say_n(one, many, len(others), **told)
    if len(others) > SOUGHT:
        says = "{city} names {area} as a challenge, as do {n} other cities, {cities} among them. Each is asked to bring one measure that it has tried, and its result."
        alike = say(says, n=len(others), **told)
    codes = {each[j].country for j in cities}
    about = [t for t in Topic if t.area == area]
    asked = actor_for(about, codes) if len(codes) == 1 else ""
    return joined(filter(None, (alike, asked)))


def _named_most(n: int, wanted: dict[Topic, int], areas: dict[str, int]) -> str:
    """Return which topics most of n cities seek, else which domains and levers; empty where no two agree."""
    named = {t.wording: k for t, k in wanted.items()} or {IN_TEXT[a]: k for a, k in areas.items()}
    if not named:
        return ""
    parts = [say("{challenge} ({n})", challenge=t, n=k) for t, k in named.items()]
    says = "What the {n} cities that come to learn name most often: {parts}."
    if not wanted and len(areas) == 1 and n in areas.values():  # says no more than the theme
        says = "Each of the {n} cities that come to learn names {area} as a challenge: the first question to each is what it wants to know of it."
        return say(says, n=n, area=listed([*named]))
    return say(says, n=n, parts=listed(parts))


def _most(counted: Counter[T]) -> dict[T, int]:
    """Return what is counted twice or more, the most frequent first, ``SOUGHT`` at most."""
    ranked = sorted(counted.items(), key=lambda x: (-x[1], x[0]))
    return {k: n for k, n in ranked[:SOUGHT] if n > 1}


def strength_of(round_: Round, theme: Theme) -> Floats:
    """Return how strong each city is in a theme, shape (n,), found once a run; 0 outside the theme's countries."""
    strength = round_.facet_cache.once(
        round_.cohort,
        ("lead strength", theme),
        lambda: lead_strength(round_.cohort, theme, round_.facet_cache),
    )
    if not theme.countries:
        return strength
    return np.where(np.isin(round_.cohort.countries, theme.countries), strength, 0.0)


def need_of(round_: Round, themes: Sequence[Theme], rows: Sequence[int]) -> Floats:
    """Return the need of each row for each theme, (R, K); 0 outside the countries of a theme that names some."""
    need = ThemeNeed(round_.cohort, themes, round_.facet_cache).likeness(list(rows))
    codes = [round_.cohort.cities[i].country for i in rows]
    for t, theme in enumerate(themes):
        if theme.countries:
            need[[code not in theme.countries for code in codes], t] = 0.0
    return need
