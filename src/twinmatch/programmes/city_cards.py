"""What a reader needs to know of each city beside its id, and what is not known of it."""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import replace

from twinmatch.cohort import Cohort
from twinmatch.facets.emissions import COARSE, FINE, coarse_sectors, fine_sectors
from twinmatch.facets.readiness import DIMENSIONS
from twinmatch.programmes.kinds import speaks_english
from twinmatch.proposal import CityCard, Gap, Measure, Statement
from twinmatch.schema import NAMES, City
from twinmatch.vocabulary.geography import country, language_name
from twinmatch.vocabulary.topics import BLOCKS
from twinmatch.wording import joined, say


def card(cohort: Cohort, i: int) -> CityCard:
    """Return what a reader needs to know of a city beside its id."""
    city = cohort.cities[i]
    return CityCard(
        city.id,
        city.name,
        city.country,
        country(city.country).name,
        tuple(role.value for role in city.roles),
        city.population.value if city.population else None,
        city.location.lat if city.location else None,
        city.location.lon if city.location else None,
        round(cohort.known(i), 4),
        statements(city),
    )


def measured_card(cohort: Cohort, i: int) -> CityCard:
    """Return a city's card with the figures that pictures show: emissions by sector, readiness by dimension."""
    return replace(card(cohort, i), measures=tuple(_measures(cohort.cities[i])))


def _measures(city: City) -> Iterator[Measure]:
    emissions = city.emissions
    if emissions is not None:
        tables: list[tuple[str, tuple[str, ...], list[float]]] = [
            ("emissions_groups", COARSE, coarse_sectors(emissions))
        ]
        if emissions.form == "gpc":
            tables.insert(0, ("emissions_gpc", FINE, fine_sectors(emissions)))
        for block, names, tonnes in tables:
            for name, value in zip(names, tonnes, strict=True):
                known = None if math.isnan(value) else value
                yield Measure(block, name, known, emissions.year)
    for dimension in DIMENSIONS:
        if city.readiness and dimension in city.readiness:
            yield Measure("readiness", NAMES[dimension], float(city.readiness[dimension]))


def _commitment(city: City) -> str:
    if city.commitment is None:
        return ""
    if city.commitment.neutral_by is not None:
        return say("climate neutral by {year}", year=city.commitment.neutral_by)
    latest = city.commitment.neutral_by_at_latest
    return say("climate neutral by {year} at the latest", year=latest) if latest is not None else ""


def statements(city: City) -> tuple[Statement, ...]:
    """Return what a city says of itself in words, by block; what is not known is left out."""
    found = (
        ("commitment", _commitment(city)),
        ("languages", joined((language_name(code) for code in city.languages or ()), ", ")),
        ("needs", city.needs or ""),
        ("offers", city.offers or ""),
        *(
            (block, joined((NAMES[code] for code in getattr(city, block) or ()), ", "))
            for block in ("challenges", "strengths", "levers_needed", "levers_offered")
        ),
    )
    return tuple(Statement(block, says) for block, says in found if says)


def gaps(cohort: Cohort) -> tuple[Gap, ...]:
    """Return everything that is not known of each city, and what that silences."""
    return tuple(
        Gap(
            city.id,
            block,
            say(
                "{what} not known, which leaves open: {open}",
                what=say("staff hours")
                if block == "participation" and speaks_english(city)
                else say(BLOCKS[block]["words"]),
                open=say(BLOCKS[block]["opens"]),
            ),
        )
        for city in cohort.cities
        for block in City.BLOCKS
        if not (getattr(city, block) or (block == "languages" and _works_in_one(city)))
    )


def _works_in_one(city: City) -> bool:
    """Return whether a city that states no working language has one: the only one of its country, or English."""
    return speaks_english(city) or len(country(city.country).languages) == 1
