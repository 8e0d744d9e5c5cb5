"""Settings of twinning: places, hosts, quotas, facilitators and who may be a guest."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Annotated, ClassVar, Literal

from pydantic import Field, field_validator

from twinmatch.programmes.base import Band, GatedProduct, Load, ProgrammeSection, ordered
from twinmatch.programmes.eligibility import Eligibility
from twinmatch.programmes.kinds import Attribute, Quota, counted_per
from twinmatch.schema import LanguageCode, Role


class PairQuota(Quota):
    """A number or share of guests, or of pairs by the kind of their host. Whoever's kind is not known does not count."""

    of: Literal["guests", "hosts"] = Field(
        "guests",
        description="Whose kind is meant; a host unit is of a kind where one of its cities is",
    )


PairQuotas = Annotated[tuple[PairQuota, ...], counted_per("all", "host", "host country")]


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
    rules: PairQuotas = Field(
        (),
        description="Numbers and shares of kinds of cities, each per 'all' (left out), 'host' or 'host country' that has any",
    )
    per_host: PairQuotas = Field((), description="The same at each host that takes any guest")
    overall: PairQuotas = Field((), description="The same over all guests chosen")
    small_below: int = Field(100_000, ge=1, description="Residents below which a city is small")
    facilitators: tuple[Facilitator, ...] = Field((), description="Who accompanies the pairs")
    fairness: Literal["total", "worst-off"] = Field(
        "total",
        description="After places: the total score, or first the score of the worst-off guest",
    )

    _check_band = field_validator("guests_per_host")(ordered)

    @property
    def quotas(self) -> Iterator[tuple[str, PairQuota]]:
        """Yield every rule on kinds of cities with its name, those that have a setting of their own first."""
        for name, most, per in (
            ("guests per country", self.guests_per_country, "all"),
            ("pairs per host country", self.pairs_per_host_country, "host country"),
        ):
            if most is not None:
                each: Attribute | None = "country" if per == "all" else None
                yield name, PairQuota(each=each, per=per, at_most=most)
        for quota in (
            *(q.model_copy(update={"per": "host"}) for q in self.per_host),
            *self.overall,
            *self.rules,
        ):
            who = f"{quota.who or quota.each or 'any'} {quota.of}"
            yield who + ("" if quota.per == "all" else f" per {quota.per}"), quota
