"""Settings of study visits: who travels, who is visited, tours, weeks and ways to travel; distances.

What a journey emits: its great-circle distance, lengthened by the mode's detour, times the emissions per passenger-km.
The programme file names the source, the year and the range of every figure, so nothing here is a figure from memory.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Annotated, ClassVar, Literal

import numpy as np
from numpy.typing import NDArray
from pydantic import Field, field_validator, model_validator

from twinmatch.cohort import Cohort
from twinmatch.programmes.base import Band, GatedProduct, Load, Policy, ProgrammeSection, ordered
from twinmatch.programmes.quotas import PairQuota, counted_per
from twinmatch.schema import City, Role
from twinmatch.solving import Floats
from twinmatch.vocabulary.geography import distance_km
from twinmatch.wording import say

Places = NDArray[np.intp]

BLOCK_PAIRS = 1_000_000
"""Pairs of cities whose distances are held at once."""


class Mode(ProgrammeSection):
    """A way to travel, what it emits, and where that figure comes from."""

    mode: Literal["rail", "air"] = Field(description="rail or air")
    grams_per_km: float = Field(
        ge=0, le=1000, allow_inf_nan=False, description="g CO2e a passenger-km"
    )
    low: float = Field(ge=0, le=1000, description="Lowest figure found, g CO2e a passenger-km")
    high: float = Field(ge=0, le=1000, description="Highest figure found, g CO2e a passenger-km")
    detour: float = Field(1.0, ge=1, le=3, description="Length of the way over the great circle")
    year: int = Field(ge=1990, le=2100, description="Year of the figure")
    source: str = Field(min_length=1, description="Where the figure and its range come from")
    detour_source: str = Field("", description="Where the detour comes from, or that it is assumed")

    @model_validator(mode="after")
    def _within(self) -> Mode:
        if not self.low <= self.grams_per_km <= self.high:
            raise ValueError("grams_per_km lies between low and high")
        return self

    def kg(self, km: float) -> float:
        """Return what a passenger emits over a great-circle distance, in kg CO2e."""
        return km * self.detour / 1000.0 * self.grams_per_km


class StudyVisits(GatedProduct):
    """Group visits of about two days to cities that show what the visitors need."""

    LOADS: ClassVar[dict[str, Load]] = {
        "host": Load(hours=6, tasks=1),
        "guest": Load(hours=2, trips=1),
    }

    title: str = Field("Study visits", min_length=1)
    travellers: Literal["groups", "pairs", "cities"] = Field(
        "groups",
        description="Who travels together: the members of a discussion group, guests of twinning pairs, or any cities",
    )
    hosts: tuple[Role, ...] = Field((Role.MISSION,), min_length=1, description="Who may be visited")
    not_roles: tuple[Role, ...] = Field(
        (), description="Cities with one of these roles do not travel; they may be visited"
    )
    visitors: Band = Field((4, 12), description="Visiting cities of a visit: at least, at most")
    visits_per_host: int = Field(1, ge=1, description="Visits that a host receives, at most")
    neutral_by: int | None = Field(
        2050, ge=2020, le=2100, description="Visitors have a climate-neutrality target by this year"
    )
    unknown: Policy = Field(
        "ask first", description="A target not known: 'ask first', 'let in', 'keep out'"
    )
    own_country: bool = Field(
        False, description="Whether a city may visit a host of its own country unasked"
    )
    rules: Annotated[tuple[PairQuota, ...], counted_per("visit", "all")] = Field(
        (),
        description="Numbers and shares of kinds of cities, each per 'visit' (left out) or 'all' visits",
    )
    people: int = Field(2, ge=1, le=20, description="People who travel for a city")
    stops: Literal[1, 2] = Field(2, description="Stops of a visit, at most")
    leg_km: float = Field(
        400, ge=0, le=5000, description="Between the two stops of a tour, at most"
    )
    km_price: float = Field(
        0.02, ge=0, le=1, description="Score that 1,000 km of a visitor's way cost"
    )
    stop_price: float = Field(
        0.03, ge=0, le=1, description="Score a visitor that a second stop costs beside its way"
    )
    weeks: tuple[str, ...] = Field(
        (), description="Weeks that come into question; none: those that cities name"
    )
    rail_km: float = Field(
        1000, ge=0, description="Up to this distance rail is suggested, where there is one"
    )
    no_rail: tuple[str, ...] = Field(
        (), description="Countries without a passenger rail link to others"
    )
    modes: tuple[Mode, ...] = Field((), description="Ways to travel, with what they emit")

    _check_band = field_validator("visitors")(ordered)

    @property
    def quotas(self) -> Iterator[tuple[str, PairQuota]]:
        """Yield every rule on kinds of cities with its name."""
        for quota in self.rules:
            side = "visitors" if quota.of == "guests" else "hosts"
            yield f"{quota.who or quota.each or 'any'} {side} per {quota.per}", quota


def why_barred(city: City, settings: StudyVisits) -> tuple[str, str] | None:
    """Return why a city may not travel and what it can do, or None where it may."""
    if set(settings.not_roles) & set(city.roles):
        return (say("Study visits are for other cities; it may be visited."), "")
    if settings.neutral_by is None:
        return None
    stated = city.commitment
    year = (stated.neutral_by or stated.neutral_by_at_latest) if stated else None
    if year is None:
        if settings.unknown == "let in":
            return None
        return (
            say(
                "Study visits are for cities with a climate-neutrality target by {neutral_by} or earlier; whether it has one is not known.",
                neutral_by=settings.neutral_by,
            ),
            say(
                "Ask the city. Without a target, a commitment signed by its mayor opens study visits and twinning; "
                "until then online resources and discussion groups are open to it."
            )
            if settings.unknown == "ask first"
            else say(
                "A commitment signed by its mayor opens study visits and twinning; until then online resources and "
                "discussion groups are open to it."
            ),
        )
    if year > settings.neutral_by:
        return (
            say(
                "Its climate-neutrality target is {year}; study visits ask for {neutral_by} or earlier.",
                year=year,
                neutral_by=settings.neutral_by,
            ),
            say("An earlier target signed by its mayor opens study visits and twinning."),
        )
    return None


def distances(
    cohort: Cohort, rows: Sequence[int] | Places, columns: Sequence[int] | Places
) -> Floats:
    """Return the great-circle distances of some cities to others in km, shape (r, c); nan where not known."""
    lat, lon = cohort.coordinates.T
    r, c = np.asarray(rows, dtype=np.intp), np.asarray(columns, dtype=np.intp)
    return distance_km(lat[r, None], lon[r, None], lat[None, c], lon[None, c])


def mean_distance(cohort: Cohort) -> float:
    """Return the mean great-circle distance over all pairs of cities in km, 0 where none is known."""
    placed = np.flatnonzero(~np.isnan(cohort.coordinates).any(axis=1))
    pairs = len(placed) * (len(placed) - 1)
    blocks = np.array_split(placed, max(1, -(-pairs // BLOCK_PAIRS)))
    total = sum(float(distances(cohort, rows, placed).sum()) for rows in blocks)
    return total / pairs if pairs else 0.0


def by_rail(cohort: Cohort, cities: Sequence[int], no_rail: Sequence[str]) -> bool:
    """Return whether cities are joined by passenger trains, as far as the programme file tells.

    Cities of a country that it names as without a rail link are reached by rail from their own country only.
    """
    codes = {cohort.cities[i].country for i in cities}
    return len(codes) == 1 or not codes & set(no_rail)
