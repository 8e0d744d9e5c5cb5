"""Context: what a city cannot choose - climate, wealth, size, urbanisation - with light weights.

The published twinning pairs show that nearness and equal size are weak signals, so distance is no part of it.
"""

from __future__ import annotations

from typing import Final

import numpy as np

from twinmatch.cohort import Cohort
from twinmatch.facets.base import FacetCache, Floats, Ints, listed
from twinmatch.proposal import Fact
from twinmatch.schema import City

PARTS: Final = (
    "population",
    "heating degree days",
    "wealth of the region",
    "degree of urbanisation",
)
LEAST_KNOWN: Final = 2
"""Parts that both cities must know before their context is compared."""


def table(cohort: Cohort) -> Floats:
    """Return log10 population, heating degree days, log10 GDP a head, urbanisation, shape (n, 4); nan unknown."""
    return np.array([_row(city) for city in cohort.cities], dtype=np.float64).reshape(
        -1, len(PARTS)
    )


def _row(city: City) -> tuple[float, float, float, float]:
    context = city.context
    people = city.population.value if city.population else np.nan
    hdd = context.heating_degree_days.value if context and context.heating_degree_days else np.nan
    gdp = context.gdp_per_head.value if context and context.gdp_per_head else np.nan
    urban = context.degree_of_urbanisation if context and context.degree_of_urbanisation else np.nan
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
        alike = 1.0 - np.minimum(gap, 1.0)
        known = ~np.isnan(alike)
        count = known.sum(axis=2)
        total = np.where(known, alike, 0.0).sum(axis=2)
        return np.where(count >= LEAST_KNOWN, total / np.maximum(count, 1), np.nan)

    def says(self, i: int, j: int) -> tuple[str, tuple[Fact, ...]]:
        """Return in what the two cities' context is alike and in what it differs."""
        one, other = self._cities[i], self._cities[j]
        gap = np.abs(self._table[i] - self._table[j]) / self._spread
        if (~np.isnan(gap)).sum() < LEAST_KNOWN:
            return f"Too little is known of the context of {listed([one.name, other.name])}.", ()
        near = [name for name, g in zip(PARTS, gap, strict=True) if g <= 1 / 3]
        far = [name for name, g in zip(PARTS, gap, strict=True) if g > 2 / 3]
        parts = [f"alike in {listed(near)}"] if near else []
        parts += [f"unlike in {listed(far)}"] if far else []
        text = f"{one.name} and {other.name} are {', '.join(parts) or 'neither close nor far apart in context'}."
        return text, _facts(one) + _facts(other)


def _spread(columns: Floats) -> Floats:
    known = [column[~np.isnan(column)] for column in columns.T]
    spread = [float(np.subtract(*np.quantile(k, [0.95, 0.05]))) if len(k) else 1.0 for k in known]
    return np.array([s if s > 0 else 1.0 for s in spread])


def _facts(city: City) -> tuple[Fact, ...]:
    facts = []
    if city.population:
        what = (
            "population"
            if city.population.of == "municipality"
            else f"population of the {city.population.of}"
        )
        facts.append(
            Fact(
                city.id, what, city.population.value, "people", source=city.source_of("population")
            )
        )
    context = city.context
    if context and context.heating_degree_days:
        f = context.heating_degree_days
        facts.append(
            Fact(
                city.id,
                "heating degree days",
                f.value,
                "kelvin days",
                f.year,
                f.kind,
                city.source_of("context"),
            )
        )
    if context and context.gdp_per_head:
        f = context.gdp_per_head
        facts.append(
            Fact(
                city.id,
                "GDP a head of the NUTS 3 region",
                f.value,
                "EUR",
                f.year,
                f.kind,
                city.source_of("context"),
            )
        )
    if context and context.degree_of_urbanisation:
        words = {1: "city", 2: "town or suburb", 3: "rural area"}[context.degree_of_urbanisation]
        facts.append(
            Fact(city.id, "degree of urbanisation", words, source=city.source_of("context"))
        )
    return tuple(facts)
