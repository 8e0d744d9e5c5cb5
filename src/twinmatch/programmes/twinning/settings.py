"""Settings of twinning: places, hosts, quotas, facilitators and who may be a guest."""

from __future__ import annotations

from typing import ClassVar, Literal

from pydantic import Field, field_validator, model_validator

from twinmatch.programmes.base import Band, GatedProduct, Load, ProgrammeSection, ordered
from twinmatch.programmes.eligibility import Eligibility
from twinmatch.schema import LanguageCode, Role

Kind = Literal["national", "foreign", "in the EU", "outside the EU", "newcomer", "small", "large"]


class Quota(ProgrammeSection):
    """A number or share of one kind of guests. Guests of whom the kind is not known do not count towards it."""

    who: Kind = Field(description="The kind of guests that are counted")
    at_least: int | None = Field(None, ge=0, description="So many at least")
    at_most: int | None = Field(None, ge=0, description="So many at most")
    share_at_least: float | None = Field(None, ge=0, le=1, description="Part of all, at least")
    share_at_most: float | None = Field(None, ge=0, le=1, description="Part of all, at most")

    @model_validator(mode="after")
    def _says_something(self) -> Quota:
        numbers = (self.at_least, self.at_most, self.share_at_least, self.share_at_most)
        if all(number is None for number in numbers):
            raise ValueError("a quota needs at_least, at_most, share_at_least or share_at_most")
        return self


class Facilitator(ProgrammeSection):
    """Who accompanies pairs: a name, how many at most, and the languages that are spoken."""

    name: str = Field(min_length=1)
    pairs_at_most: int = Field(ge=0, description="Pairs accompanied, at most")
    languages: tuple[LanguageCode, ...] = Field((), description="Languages spoken, ISO 639-1")


class Twinning(GatedProduct):
    """Guests learn from host units: selection and pairing in one solve."""

    LOADS: ClassVar[dict[str, Load]] = {
        "host": Load(hours=8, trips=1, tasks=1),
        "guest": Load(hours=12, trips=2),
    }
    title: str = Field("Twinning", min_length=1)
    places: int | None = Field(
        None, ge=1, description="Guests chosen, at most; none: as many as the hosts can take"
    )
    guests_per_host: Band = Field((0, 2), description="Guests of each host unit: at least, at most")
    hosts: tuple[Role, ...] = Field(
        (Role.MISSION, Role.PILOT), min_length=1, description="Cities with one of these roles host"
    )
    host_ids: tuple[str, ...] = Field(
        (),
        description="Only these cities or units host, whatever their role; none: those of the roles",
    )
    another_country: bool = Field(
        False, description="Guest and host must be in different countries"
    )
    guests_per_country: int | None = Field(
        None, ge=1, description="Guests chosen from one country, at most"
    )
    pairs_per_host_country: int | None = Field(
        None, ge=1, description="Pairs whose host is in one country, at most"
    )
    guests: Eligibility = Eligibility()
    lock: tuple[tuple[str, str], ...] = Field((), description="Pairs that must meet")
    ban: tuple[tuple[str, str], ...] = Field((), description="Pairs that must not meet")
    past: tuple[tuple[str, str], ...] = Field(
        (), description="Pairs of earlier rounds, which do not meet again"
    )
    reserves: int = Field(3, ge=0, le=20, description="Reserve hosts named for each pair")
    once_hosting: int | None = Field(
        None, ge=1, description="Guests of a host that takes any at all, at least"
    )
    hosts_per_guest: int = Field(1, ge=1, le=10, description="Hosts of each guest, at most")
    hosts_inside_eu: bool = Field(False, description="Only hosts of Member States")
    only_wished: bool = Field(
        False, description="A guest with wishes is matched with hosts among them only"
    )
    shared_language: bool = Field(
        False, description="Guest and host share a working language, where both have named any"
    )
    extra_rules: tuple[str, ...] = Field(
        (), description="Rules of installed packages, by name (twinmatch doctor lists them)"
    )
    per_host: tuple[Quota, ...] = Field((), description="Quotas at each host that takes any guest")
    overall: tuple[Quota, ...] = Field((), description="Quotas over all guests chosen")
    small_below: int = Field(100_000, ge=1, description="Residents below which a city is small")
    facilitators: tuple[Facilitator, ...] = Field((), description="Who accompanies the pairs")
    fairness: Literal["total", "worst-off"] = Field(
        "total",
        description="After places: the total score, or first the score of the worst-off guest",
    )

    _check_band = field_validator("guests_per_host")(ordered)
