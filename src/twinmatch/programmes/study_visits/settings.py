"""Settings of study visits: who travels, who is visited, tours, weeks and ways to travel."""

from __future__ import annotations

from typing import ClassVar, Literal

from pydantic import Field, field_validator

from twinmatch.programmes.base import Band, GatedProduct, Load, Policy, ordered
from twinmatch.programmes.study_visits.travel import Mode
from twinmatch.schema import Role


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
