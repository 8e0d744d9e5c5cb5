"""City feature vectors as one documented table; :mod:`twinmatch.estimators` has it as a transformer.

The facets compare pairs and never need this table; it is for analysts, who cluster, plot and model cities.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from twinmatch.cohort import Cohort
from twinmatch.facets.base import Floats, TextVectors
from twinmatch.facets.context import table as context_table
from twinmatch.facets.domains import FINE as DOMAINS
from twinmatch.facets.domains import LEVERS, challenges, lever_table, offered_levers, strengths
from twinmatch.facets.emissions import COARSE, coarse_sectors, per_head
from twinmatch.facets.readiness import DIMENSIONS, levels
from twinmatch.facets.text import Passage, needs_passages, offers_passages
from twinmatch.schema import NAMES, Domain, Lever

if TYPE_CHECKING:
    import pandas as pd


@dataclass(frozen=True)
class Feature:
    """A column of the table: its name, what it means and its unit; nan always means not known."""

    name: str
    meaning: str
    unit: str


def feature_table(cohort: Cohort, text: TextVectors | None = None) -> pd.DataFrame:
    """Return the cities' vectors, one row a city by id in order of id, float64, nan where not known.

    ``attrs["features"]`` has the meaning and unit of each column. With a text model the mean unit vectors of each
    city's needs and of its offers are added. Impute before use in estimators that take no nan.
    """
    import pandas as pd

    columns = list(_columns(cohort, text))
    frame = pd.DataFrame(
        np.column_stack([values for _, values in columns]),
        index=pd.Index([c.id for c in cohort.cities], name="id"),
        columns=[feature.name for feature, _ in columns],
    )
    frame.attrs["features"] = {f.name: {"meaning": f.meaning, "unit": f.unit} for f, _ in columns}
    return frame


def _columns(cohort: Cohort, text: TextVectors | None) -> Iterator[tuple[Feature, Floats]]:
    yield from _emissions(cohort)
    for d, column in zip(DIMENSIONS, levels(cohort).T, strict=True):
        yield Feature(f"readiness.{d}", f"Readiness: {NAMES[d]}", "level 0-4"), column
    yield from _domains(cohort)
    yield from _context(cohort)
    if text is not None:
        yield from _text("needs", text, needs_passages(cohort), len(cohort))
        yield from _text("offers", text, offers_passages(cohort), len(cohort))


def _emissions(cohort: Cohort) -> Iterator[tuple[Feature, Floats]]:
    tonnes = np.array(
        [
            coarse_sectors(c.emissions) if c.emissions else [np.nan] * len(COARSE)
            for c in cohort.cities
        ]
    ).reshape(-1, len(COARSE))
    total = np.nansum(tonnes, axis=1, keepdims=True)
    with np.errstate(invalid="ignore", divide="ignore"):
        share = np.where(total > 0, tonnes / total, np.nan)
    for name, column in zip(COARSE, share.T, strict=True):
        yield (
            Feature(
                f"emissions.share.{name.replace(' ', '_')}",
                f"Share of {name} in the reported emissions",
                "0-1",
            ),
            column,
        )
    level = np.array([per_head(c) for c in cohort.cities], dtype=np.float64)
    yield (
        Feature(
            "emissions.per_head",
            "Buildings, energy and transport per capita of the reporting boundary",
            "t CO2e per capita",
        ),
        level,
    )


def _domains(cohort: Cohort) -> Iterator[tuple[Feature, Floats]]:
    asks, shows = challenges(cohort), strengths(cohort)
    needed = lever_table(c.levers_needed for c in cohort.cities)
    offered = lever_table(offered_levers(cohort))
    tables = (
        ("challenge", "Part of the challenges in", "0-1", asks.fine, asks.known & ~asks.wide_only),
        ("strength", "Strength in", "0-1", shows.fine, shows.known & ~shows.wide_only),
        ("lever_needed", "Lacks", "0 or 1", *needed),
        ("lever_offered", "Can show", "0 or 1", *offered),
    )
    for code, meaning, unit, table, known in tables:
        names: tuple[Domain | Lever, ...] = LEVERS if code.startswith("lever") else DOMAINS
        for k, name in enumerate(names):
            feature = Feature(f"{code}.{name}", f"{meaning} {NAMES[name]}", unit)
            yield feature, np.where(known, table[:, k], np.nan)


def _context(cohort: Cohort) -> Iterator[tuple[Feature, Floats]]:
    described = (
        Feature("context.log10_population", "Population", "log10 people"),
        Feature("context.heating_degree_days", "Heating degree days of a year", "kelvin days"),
        Feature("context.log10_gdp_per_head", "GDP per head of the NUTS 3 region", "log10 EUR"),
        Feature("context.degree_of_urbanisation", "1 city, 2 town or suburb, 3 rural", "class"),
    )
    yield from zip(described, context_table(cohort).T, strict=True)
    yield Feature("location.lat", "Latitude", "degrees north"), cohort.coordinates[:, 0]
    yield Feature("location.lon", "Longitude", "degrees east"), cohort.coordinates[:, 1]


def _text(
    name: str, model: TextVectors, passages: Sequence[Passage], n: int
) -> Iterator[tuple[Feature, Floats]]:
    """Mean of the unit vectors of a city's sentences, rounded; nan for a city without any."""
    vectors = np.asarray(model.vectors([p.text for p in passages]), dtype=np.float64)
    owner = np.array([p.city for p in passages], dtype=np.intp)
    width = vectors.shape[1] if len(passages) else 0
    mean = np.full((n, width), np.nan)
    for i in np.unique(owner):
        mean[i] = np.round(np.nanmean(vectors[owner == i], axis=0), 6)
    for k in range(width):
        yield (
            Feature(
                f"{name}.{k:03d}",
                f"Component {k} of the mean sentence vector of the {name}",
                "cosine space",
            ),
            mean[:, k],
        )
