"""What a city cannot choose: climate, wealth, size, urbanisation, where it lies, its languages; with light weights.

Nearness is a light signal of its own. Half of the published twinning pairs lie within 992 km, where half of all possible
pairs of the same guests and hosts lie within about 1,650 km: pairs are nearer than chance would have them. But only 5 of
46 are within one country, so up to ``NEAR_KM`` all cities are as near, and none is favoured for being next door. A shared
language other than English makes an exchange of staff easier; whether a pair must cross a border is a rule of a programme.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from typing import Final

import numpy as np

from twinmatch.cohort import Cohort
from twinmatch.facets.base import FacetCache, Floats, Ints, fact_of, known_mean
from twinmatch.proposal import Fact
from twinmatch.schema import City, Context
from twinmatch.vocabulary.geography import country, distance_km, language_name, related_languages
from twinmatch.wording import joined, listed, say

PARTS: Final = (
    say("population"),
    say("heating degree days"),
    say("wealth of the region"),
    say("degree of urbanisation"),
)
LEAST_KNOWN: Final = 2
"""Parts that both cities must know before their context is compared."""


def table(cohort: Cohort) -> Floats:
    """Return log10 population, heating degree days, log10 GDP per head, urbanisation, shape (n, 4); nan unknown."""
    rows = list(map(_row, cohort.cities))
    return np.array(rows, dtype=np.float64).reshape(-1, len(PARTS))


def _row(city: City) -> tuple[float, float, float, float]:
    people = city.population.value if city.population else np.nan
    context = city.context or Context()
    figures = (context.heating_degree_days, context.gdp_per_head)
    hdd, gdp = (figure.value if figure else np.nan for figure in figures)
    urban = context.degree_of_urbanisation or np.nan
    return float(np.log10(people)), hdd, float(np.log10(gdp)) if gdp > 0 else np.nan, float(urban)


class SharedContext:
    """Mean over the parts known to both of 1 minus the difference over the cohort's spread (5% to 95%).

    Gower's coefficient (1971, Biometrics 27(4), doi:10.2307/2528823) with a spread that outliers do not
    stretch; nan where fewer than ``LEAST_KNOWN`` parts are known to both.
    """

    def __init__(self, cohort: Cohort, _: FacetCache) -> None:
        self._cities = cohort.cities
        self._table = table(cohort)
        self._spread = _spread(self._table)

    def likeness(self, rows: Ints, cols: Ints) -> Floats:
        """Return the likeness of context, shape (r, c)."""
        gap = np.abs(self._table[rows][:, None, :] - self._table[cols][None, :, :]) / self._spread
        return known_mean(1.0 - np.minimum(gap, 1.0), 2, LEAST_KNOWN)

    def says(self, i: int, j: int) -> tuple[str, tuple[Fact, ...]]:
        """Return in what the two cities' context is alike and in what it differs."""
        one, other = self._cities[i], self._cities[j]
        gap = np.abs(self._table[i] - self._table[j]) / self._spread
        if (~np.isnan(gap)).sum() < LEAST_KNOWN:
            says = "Too little is known of the context of {value}."
            return say(says, value=listed([one.name, other.name])), ()
        near = [name for name, g in zip(PARTS, gap, strict=True) if g <= 1 / 3]
        far = [name for name, g in zip(PARTS, gap, strict=True) if g > 2 / 3]
        parts = [say("alike in {near}", near=listed(near))] if near else []
        parts += [say("unlike in {far}", far=listed(far))] if far else []
        parts = parts or [say("neither close nor far apart in context")]
        told = {"one": one.name, "other": other.name, "parts": joined(parts, ", ")}
        return say("{one} and {other} are {parts}.", **told), _facts(one) + _facts(other)


def _spread(columns: Floats) -> Floats:
    known = [column[~np.isnan(column)] for column in columns.T]
    spread = [float(np.subtract(*np.quantile(k, [0.95, 0.05]))) if len(k) else 1.0 for k in known]
    return np.array([s if s > 0 else 1.0 for s in spread])


def _facts(city: City) -> tuple[Fact, ...]:
    people, context = city.population, city.context or Context()
    facts = []
    if people:
        what = PARTS[0]
        if people.of != "municipality":
            what = say("population of the {area}", area=people.of)
        facts.append(fact_of(city, "population", what, people.value, say("people")))
    figures = (
        (PARTS[1], say("kelvin days"), context.heating_degree_days),
        (say("GDP per head of the NUTS 3 region"), "EUR", context.gdp_per_head),
    )
    for what, unit, f in figures:
        if f:
            found = fact_of(city, "context", what, f.value, unit, f.kind)
            facts.append(replace(found, year=f.year))
    if context.degree_of_urbanisation:
        words = {1: say("city"), 2: say("town or suburb"), 3: say("rural area")}
        word = words[context.degree_of_urbanisation]
        facts.append(fact_of(city, "context", PARTS[3], word))
    return tuple(facts)


NEAR_KM: Final = 1000.0
"""Up to this distance the likeness is 1: within a day by train or a short flight."""

FAR_KM: Final = 3000.0
"""From this distance on the likeness is 0."""


class Nearness:
    """1 up to 1,000 km, falling in a straight line to 0 at 3,000 km; nan where the place of either city is not known."""

    def __init__(self, cohort: Cohort, _: FacetCache) -> None:
        self._cities = cohort.cities
        self._places = cohort.coordinates

    def likeness(self, rows: Ints, cols: Ints) -> Floats:
        """Return the nearness, shape (r, c)."""
        one, other = self._places[rows][:, None, :], self._places[cols][None, :, :]
        apart = distance_km(one[..., 0], one[..., 1], other[..., 0], other[..., 1])
        return np.asarray(np.clip((FAR_KM - apart) / (FAR_KM - NEAR_KM), 0.0, 1.0))

    def says(self, i: int, j: int) -> tuple[str, tuple[Fact, ...]]:
        """Return how far apart the two cities lie, as the crow flies."""
        one, other = self._cities[i], self._cities[j]
        if unknown := [c.name for c in (one, other) if c.location is None]:
            return say("Where {unknown} lies is not known.", unknown=listed(unknown)), ()
        told = {"one": one.name, "other": other.name}
        apart = float(distance_km(*self._places[[i]].T, *self._places[[j]].T)[0])
        says = "{one} and {other} lie {apart:,.0f} km apart as the crow flies."
        return say(says, **told, apart=apart), (_place(one), _place(other))


def _place(city: City) -> Fact:
    assert city.location is not None
    where = f"{city.location.lat:.2f}, {city.location.lon:.2f}"
    return fact_of(city, "location", say("location"), where, say("degrees north, east"))


RELATED = 0.5
"""Likeness of two languages that are commonly understood by each other's readers."""


class Language:
    """1 where two cities share a working language beside English, 0.5 where their languages are close, else 0.

    A city's languages are those it states; where it states none beside English, those of its country's
    administration. English counts only where it is an official language: nearly every profile names it, so
    it tells no pair from another. nan where the answer depends on which of its country's languages a city uses.
    """

    def __init__(self, cohort: Cohort, _: FacetCache) -> None:
        self._cities = cohort.cities
        self._own = [_languages(city) for city in cohort.cities]
        each = zip(cohort.cities, self._own, strict=True)
        self._sure = [bool(_stated(c)) or len(own) == 1 for c, own in each]
        keys = [
            (c.country, tuple(sorted(self._own[i])), self._sure[i]) for i, c in enumerate(cohort)
        ]
        kinds = sorted(set(keys))
        self.kinds = np.array([kinds.index(key) for key in keys], dtype=np.intp)
        table = [[_pair(a, b) for b in kinds] for a in kinds]
        self._table = np.array(table, dtype=np.float64).reshape(len(kinds), len(kinds))

    def likeness(self, rows: Ints, cols: Ints) -> Floats:
        """Return the likeness of language, shape (r, c)."""
        return self._table[np.ix_(self.kinds[rows], self.kinds[cols])]

    def says(self, i: int, j: int) -> tuple[str, tuple[Fact, ...]]:
        """Return the languages that both work in."""
        one, other = self._cities[i], self._cities[j]
        told = {"one": one.name, "other": other.name}
        shared = self._own[i] & self._own[j]
        unsure = [self._cities[k].name for k in (i, j) if not self._sure[k]]
        said = say("{one} and {other} share no language beside English.", **told)
        if shared and unsure:
            says = "Which of its country's languages {unsure} works in is not known."
            said = say(says, unsure=listed(unsure))
        elif shared:
            said = say("{one} and {other} both work in {shared}.", **told, shared=_named(shared))
        elif related_languages(one.country, other.country):
            said = say("The languages of {one} and {other} are close to each other.", **told)
        what = say("languages")
        return said, tuple(
            fact_of(self._cities[k], "languages", what, _named(self._own[k])) for k in (i, j)
        )


def _named(languages: Iterable[str]) -> str:
    return listed([language_name(code) for code in sorted(languages)])


def _stated(city: City) -> frozenset[str]:
    return frozenset(city.languages) - {"en"}


def _languages(city: City) -> frozenset[str]:
    official = frozenset(country(city.country).languages)
    stated = _stated(city) | (official & frozenset(city.languages))
    return stated or official


def _pair(
    one: tuple[str, tuple[str, ...], bool], other: tuple[str, tuple[str, ...], bool]
) -> float:
    if set(one[1]) & set(other[1]):
        return 1.0 if one[2] and other[2] else np.nan
    return RELATED if related_languages(one[0], other[0]) else 0.0
