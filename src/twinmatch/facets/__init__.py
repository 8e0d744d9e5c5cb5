"""The ways in which two cities can fit, each in a file of its own.

OPEN for additions: a facet is a class with ``likeness`` and ``says`` (see :mod:`twinmatch.facets.base`) and one
line below; the contract tests run over this registry, so an addition tests itself.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

import numpy as np

from twinmatch.cohort import Cohort
from twinmatch.extensions import Registry
from twinmatch.facets import context, domains, emissions, readiness
from twinmatch.facets.answered import NeedsAnswered, SameWords, SharedTopics, TopicsMet
from twinmatch.facets.base import (
    Facet,
    FacetCache,
    FacetEntry,
    Floats,
    Maker,
    OfTwoCities,
    TextVectors,
    checked_entry,
)
from twinmatch.facets.quoting import Passage
from twinmatch.facets.text import NeedsOffers, SharedNeeds, needs_passages, offers_passages
from twinmatch.schema import NAMES, City, Domain, Lever

if TYPE_CHECKING:
    import pandas as pd

__all__ = ["FACETS", "FacetCache", "FacetEntry", "add_facet", "feature_table"]

_LEARNING: Final[dict[str, tuple[Maker, str]]] = {
    "wishes": (domains.Wishes, "Did they ask for each other?"),
    "challenges_met": (
        domains.ChallengesMet,
        "Is the host strong in what the guest struggles with?",
    ),
    "levers_met": (domains.LeversMet, "Can the host show the levers that the guest lacks?"),
    "topics_met": (TopicsMet, "Does the host show the topics that the guest seeks?"),
    "same_words": (SameWords, "Do the host's texts use the words of the guest's needs?"),
    "needs_offers": (NeedsOffers, "Do the host's offers answer the guest's needs, in their words?"),
    "needs_answered": (NeedsAnswered, "Does the host answer these needs better than everyone's?"),
    "returns": (domains.Returns, "Can the guest give the host something back?"),
    "readiness_step": (readiness.ReadinessStep, "Is the host a step ahead where the guest lacks?"),
    "stuck_step": (
        readiness.StuckStep,
        "Is the host ahead at the step of the transition map where the guest is stuck?",
    ),
}
"""Facets of a city that learns from another one: the row is the guest, the column the host."""

_ALIKE: Final[dict[str, tuple[Maker, str]]] = {
    "readiness": (readiness.Readiness, "Are they at the same stage?"),
    "shared_challenges": (domains.SharedChallenges, "Do they struggle with the same domains?"),
    "shared_levers": (domains.SharedLevers, "Do they lack the same levers?"),
    "shared_topics": (SharedTopics, "Do they seek the same topics?"),
    "shared_needs": (SharedNeeds, "Do they describe the same needs, in their words?"),
    "emissions_mix": (emissions.EmissionsMix, "Do their emissions come from the same sectors?"),
    "emissions_level": (emissions.EmissionsLevel, "Do they emit as much per capita?"),
    "language": (context.Language, "Do they share a language beside English?"),
    "nearness": (context.Nearness, "Do they lie near each other?"),
    "context": (context.SharedContext, "Are climate, wealth and size alike?"),
}
"""Facets that are the same both ways."""

OWN: dict[str, FacetEntry] = {
    name: FacetEntry(make, directed, asks)
    for table, directed in ((_LEARNING, True), (_ALIKE, False))
    for name, (make, asks) in table.items()
}

FACETS: Registry[FacetEntry] = Registry("twinmatch.facets", OWN, checked_entry)
"""Every facet: ours, then those of installed packages and those added with :func:`add_facet`."""


def add_facet(
    name: str,
    facet: FacetEntry | type[Facet] | Callable[[City, City], float | None],
    asks: str = "",
    *,
    directed: bool = False,
    says: Callable[[City, City], str] | None = None,
) -> None:
    """Add a facet of your own, to be given a weight by its name; the same name again replaces it.

    ``facet`` is a function of two cities that returns a likeness in [0, 1] or None where not known, and ``says`` its
    sentence; or a class like ours, made from a cohort and a facet cache, with ``likeness`` and ``says``. ``directed``:
    the first city learns from the second. Raises QuestionError for a name that is taken.

    >>> tm.add_facet("same_country", lambda a, b: float(a.country == b.country), "Of one country?")
    """
    entry = facet
    if isinstance(facet, type):
        entry = FacetEntry(facet, directed, asks)
    elif callable(facet):
        compare: Callable[[City, City], float | None] = facet
        entry = FacetEntry(lambda c, _: OfTwoCities(name, c, compare, says), directed, asks)
    FACETS[name] = entry


# --- city feature vectors: for analysts, who cluster, plot and model cities ------------------------------------


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
    for d, column in zip(readiness.DIMENSIONS, readiness.levels(cohort).T, strict=True):
        yield Feature(f"readiness.{d}", f"Readiness: {NAMES[d]}", "level 0-4"), column
    yield from _domains(cohort)
    yield from _context(cohort)
    if text is not None:
        yield from _text("needs", text, needs_passages(cohort), len(cohort))
        yield from _text("offers", text, offers_passages(cohort), len(cohort))


def _emissions(cohort: Cohort) -> Iterator[tuple[Feature, Floats]]:
    empty = [np.nan] * len(emissions.COARSE)
    rows = [emissions.coarse_sectors(c.emissions) if c.emissions else empty for c in cohort.cities]
    tonnes = np.array(rows).reshape(-1, len(emissions.COARSE))
    total = np.nansum(tonnes, axis=1, keepdims=True)
    with np.errstate(invalid="ignore", divide="ignore"):
        share = np.where(total > 0, tonnes / total, np.nan)
    for name, column in zip(emissions.COARSE, share.T, strict=True):
        code = f"emissions.share.{name.replace(' ', '_')}"
        yield Feature(code, f"Share of {name} in the reported emissions", "0-1"), column
    level = np.array([emissions.per_head(c) for c in cohort.cities], dtype=np.float64)
    meaning = "Buildings, energy and transport per capita of the reporting boundary"
    yield Feature("emissions.per_head", meaning, "t CO2e per capita"), level


def _domains(cohort: Cohort) -> Iterator[tuple[Feature, Floats]]:
    asks, shows = domains.challenges(cohort), domains.strengths(cohort)
    needed = domains.lever_table(c.levers_needed for c in cohort.cities)
    offered = domains.lever_table(domains.offered_levers(cohort))
    tables = (
        ("challenge", "Part of the challenges in", "0-1", asks.fine, asks.known & ~asks.wide_only),
        ("strength", "Strength in", "0-1", shows.fine, shows.known & ~shows.wide_only),
        ("lever_needed", "Lacks", "0 or 1", *needed),
        ("lever_offered", "Can show", "0 or 1", *offered),
    )
    for code, meaning, unit, table, known in tables:
        names: tuple[Domain | Lever, ...] = (
            domains.LEVERS if code.startswith("lever") else domains.FINE
        )
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
    yield from zip(described, context.table(cohort).T, strict=True)
    yield Feature("location.lat", "Latitude", "degrees north"), cohort.coordinates[:, 0]
    yield Feature("location.lon", "Longitude", "degrees east"), cohort.coordinates[:, 1]


def _text(
    name: str, model: TextVectors, passages: Sequence[Passage], n: int
) -> Iterator[tuple[Feature, Floats]]:
    """Mean of the unit vectors of a city's sentences, rounded; nan for a city without any."""
    vectors = np.asarray(model.vectors([p.text for p in passages]), dtype=np.float64)
    owner = np.array([p.city for p in passages], dtype=np.intp)
    mean = np.full((n, vectors.shape[1] if len(passages) else 0), np.nan)
    for i in np.unique(owner):
        mean[i] = np.round(np.nanmean(vectors[owner == i], axis=0), 6)
    for k, column in enumerate(mean.T):
        meaning = f"Component {k} of the mean sentence vector of the {name}"
        yield Feature(f"{name}.{k:03d}", meaning, "cosine space"), column
