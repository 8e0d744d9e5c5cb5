"""Settings of twinning: places, hosts, quotas, facilitators and who may be a guest."""

from __future__ import annotations

from collections.abc import Collection, Iterator
from math import floor, inf
from typing import Annotated, ClassVar, Literal

from pydantic import AfterValidator, Field, model_validator

from twinmatch.programmes.base import Band, CountryName, GatedProduct, Load, ProgrammeSection
from twinmatch.programmes.conditions import Who, without_host
from twinmatch.programmes.eligibility import Eligibility
from twinmatch.programmes.quotas import PairQuota, counted_per, told_apart
from twinmatch.schema import LanguageCode, Role
from twinmatch.wording import say

PairQuotas = Annotated[
    tuple[PairQuota, ...],
    counted_per("all", "host", "host country", balanced=("host",), of_host=True),
]


class Facilitator(ProgrammeSection):
    """Who accompanies pairs: a name, how many, the languages that are spoken, and which guests; several rows may name one person."""

    name: str = Field(min_length=1)
    pairs_at_most: int | None = Field(None, ge=0)
    """Pairs accompanied, at most"""
    hours: float | None = Field(None, ge=0, allow_inf_nan=False)
    """Hours a month for all pairs together"""
    hours_a_pair: float = Field(4, gt=0, allow_inf_nan=False)
    """Hours a month that a pair takes"""
    languages: tuple[LanguageCode, ...] = ()
    """Languages spoken, ISO 639-1: one with the guest and one with the host (of a city that names none an official one, or English); none: any"""
    countries: tuple[CountryName, ...] = ()
    """Only pairs with guests of these countries; none: of any"""
    who: Annotated[Who, AfterValidator(without_host)] | None = None
    """Only pairs with guests of this kind, as rules say it; none: of any"""

    @model_validator(mode="after")
    def _limited(self) -> Facilitator:
        if self.pairs_at_most is None and self.hours is None:
            raise ValueError("a facilitator needs pairs_at_most or hours")
        return self

    @property
    def most(self) -> int:
        """Return how many pairs the limit and the hours allow."""
        by_hours = inf if self.hours is None else floor(self.hours / self.hours_a_pair + 1e-9)
        return int(min(by_hours, inf if self.pairs_at_most is None else self.pairs_at_most))

    def hours_of(self, pairs: int) -> float | None:
        """Return the hours a month that so many pairs take; None where hours are not counted."""
        return None if self.hours is None else pairs * self.hours_a_pair

    def speaks(self, languages: Collection[str]) -> bool:
        """Return whether one of some languages is spoken; any is by a facilitator who names none."""
        return not self.languages or not {*self.languages}.isdisjoint(languages)


class Twinning(GatedProduct):
    """Guests learn from host units: selection and pairing in one solve."""

    LOADS: ClassVar[dict[str, Load]] = {
        "host": Load(hours=8, trips=1, tasks=1),
        "guest": Load(hours=12, trips=2),
    }
    title: str = Field("Twinning", min_length=1)
    places: int | None = Field(None, ge=1)
    """Guests chosen, at most; none: as many as the hosts can take"""
    guests_per_host: Band = (0, 2)
    """Guests of each host unit: at least, at most"""
    hosts: tuple[Role, ...] = Field((Role.MISSION, Role.PILOT), min_length=1)
    """Cities with one of these roles host"""
    host_ids: tuple[str, ...] = ()
    """Only these cities or units host, whatever their role; none: those of the roles"""
    another_country: bool = False
    """Guest and host must be in different countries"""
    guests_per_country: int | None = Field(None, ge=1)
    """Guests chosen from one country, at most"""
    pairs_per_host_country: int | None = Field(None, ge=1)
    """Pairs whose host is in one country, at most"""
    guests: Eligibility = Eligibility()
    lock: tuple[tuple[str, str], ...] = ()
    """Pairs that must meet"""
    ban: tuple[tuple[str, str], ...] = ()
    """Pairs that must not meet"""
    past: tuple[tuple[str, str], ...] = ()
    """Pairs of earlier rounds, which do not meet again"""
    refused_before: tuple[str, ...] = ()
    """Applicants of earlier rounds for whom there was no place; --past adds them"""
    refused_before_points: float | None = Field(None, gt=0, le=10_000)
    """Points that the round loses for each of refused_before that has no place again; none: they rank as all others"""
    shared_content: bool = False
    """A pair shares a wish, topic, domain or lever, where that is known of it"""
    something_to_show: bool = False
    """A host can show something of what its guest seeks, where both are known"""
    off_topic_price: float | None = Field(None, gt=0, le=10_000)
    """Points that a pair costs whose guest seeks none of the topics on which alone its host takes guests; none: no such pair"""
    reserves: int = Field(3, ge=0, le=20)
    """Reserve hosts named for each pair"""
    once_hosting: int | None = Field(None, ge=1)
    """Guests of a host that takes any at all, at least"""
    hosts_per_guest: int = Field(1, ge=1, le=10)
    """Hosts of each guest, at most"""
    one_host_a_need: bool = False
    """Several hosts of a guest each answer another topic that it set as sought; with fewer than two topics it has one host"""
    hosts_inside_eu: bool = False
    """Only hosts of Member States"""
    only_wished: bool = False
    """A guest with wishes is matched with hosts among them only"""
    shared_language: bool = False
    """Guest and host share a working language, where both have named any"""
    extra_rules: tuple[str, ...] = ()
    """Rules of installed packages, by name (twinmatch doctor lists them)"""
    rules: PairQuotas = ()
    """Numbers and shares of kinds of cities, each per 'all' (left out), 'host' or 'host country' that has any"""
    per_host: PairQuotas = ()
    """The same at each host that takes any guest"""
    overall: PairQuotas = ()
    """The same over all guests chosen"""
    small_below: int = Field(100_000, ge=1)
    """Residents below which a city is small"""
    facilitators: tuple[Facilitator, ...] = ()
    """Who accompanies the pairs"""
    fairness: Literal["total", "worst-off"] = "total"
    """After places: the total score, or first the score of the worst-off guest"""

    @model_validator(mode="after")
    def _several_hosts(self) -> Twinning:
        if self.one_host_a_need and self.hosts_per_guest not in (2, 3):
            raise ValueError("one_host_a_need needs hosts_per_guest of 2 or 3")
        return self

    @property
    @told_apart
    def quotas(self) -> Iterator[tuple[str, PairQuota]]:
        """Yield every rule on kinds of cities with its name, those that have a setting of their own first."""
        for name, most, per in (
            ("guests per country", self.guests_per_country, "all"),
            ("pairs per host country", self.pairs_per_host_country, "host country"),
        ):
            if most is not None:
                each = "country" if per == "all" else None
                yield name, PairQuota(each=each, per=per, at_most=most)
        for quota in (
            *(q.model_copy(update={"per": "host"}) for q in self.per_host),
            *self.overall,
            *self.rules,
        ):
            of = say("guests") if quota.of == "guests" else say("hosts")
            place = {"host": say("at each host"), "host country": say("in each host country")}
            yield quota.named(of, place.get(quota.per, "")), quota
