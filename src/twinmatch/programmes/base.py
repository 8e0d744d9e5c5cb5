"""What the settings of every product share: sections of a programme file, loads, weights; and the catalogue of resources.

Resources are the bundled ones and the coordinator's own. Beside them stand the national actors of each country.
"""

from __future__ import annotations

import csv
from collections.abc import Collection
from functools import cache
from math import ceil
from typing import Annotated, Any, ClassVar, Final, Literal

from pydantic import AfterValidator, ConfigDict, Field, field_validator, model_validator

from twinmatch.affinity import checked_weights
from twinmatch.errors import QuestionError
from twinmatch.files import bundled_path
from twinmatch.programmes.conditions import Who
from twinmatch.proposal import Meeting
from twinmatch.proposal.tables import ActorRow
from twinmatch.schema import Domain, Lever
from twinmatch.vocabulary import Described
from twinmatch.vocabulary.geography import countries, country_code, in_eu
from twinmatch.vocabulary.topics import Topic
from twinmatch.wording import say


def _ordered(band: tuple[int, int]) -> tuple[int, int]:
    if band[0] > band[1]:
        raise ValueError("the smaller number comes first")
    return band


Band = Annotated[
    tuple[Annotated[int, Field(ge=0)], Annotated[int, Field(ge=0)]], AfterValidator(_ordered)
]
"""At least and at most."""


def _known_country(said: str) -> str:
    code = country_code(said)
    if code is None:
        raise ValueError(f"no country is called {said!r}: give a code, such as PL, or a name")
    return code


CountryName = Annotated[str, AfterValidator(_known_country)]
"""A country by its code or by its name in any official language; kept as its code."""


def each_once(kind: str) -> AfterValidator:
    """Return the check that no two things have the same id."""

    def check(things: tuple[Any, ...]) -> tuple[Any, ...]:
        ids = [thing.id for thing in things]
        twice = sorted({name for name in ids if ids.count(name) > 1})
        if twice:
            raise ValueError(f"the {kind} {twice[0]!r} stands here twice")
        return things

    return AfterValidator(check)


Policy = Literal["ask first", "let in", "keep out"]


RoleInMeeting = Literal["host", "guest", "lead", "member"]


class ProgrammeSection(Described):
    """A part of a programme file; unknown keys are errors."""

    model_config = ConfigDict(frozen=True, extra="forbid")


LEAST_PART: Final = 2.0
"""Staff hours a month that a city of a host unit gives at least, where its cities share what hosting takes."""


class Load(ProgrammeSection):
    """What a role in one meeting takes of a city."""

    hours: float = Field(0, ge=0, allow_inf_nan=False)
    """Staff hours a month"""
    trips: int = Field(0, ge=0)
    """Journeys in the round, with a stay"""
    tasks: int = Field(0, ge=0)
    """Tasks as a host or lead that need a person"""

    def shared(self, cities: int, leads: bool = True) -> Load:
        """Return what it takes of one of several cities that share it: a part of the hours, and of the one that leads the rest."""
        if cities < 2:
            return self
        hours = min(self.hours, max(LEAST_PART, float(ceil(self.hours / cities))))
        return self.model_copy(
            update={"hours": hours} | ({} if leads else {"trips": 0, "tasks": 0})
        )

    def of(self, meeting: Meeting, city: str) -> Load:
        """Return what it takes of a city in a meeting: the cities of a unit share it, and the first leads."""
        hosts = meeting.cities("host") if meeting.unit else ()
        return self.shared(len(hosts), city in hosts[:1]) if city in hosts else self


class ProductSettings(ProgrammeSection):
    """What every format has: a title, and what its roles take of a city."""

    LOADS: ClassVar[dict[str, Load]] = {}
    """What the roles take where the programme file does not say."""

    title: str = ""
    """Title of the product"""
    takes: dict[RoleInMeeting, Load] = Field({})
    """What each role takes of a city; replaces the format's own figures"""

    def load(self, role: str) -> Load:
        """Return what a role takes of a city in one meeting."""
        return self.takes.get(role) or self.LOADS.get(role) or Load()  # type: ignore[call-overload]


class ScoredProduct(ProductSettings):
    """A format whose meetings are scored by facets."""

    EXTRA_FACETS: ClassVar[tuple[str, ...]] = ()
    """Facets that the product brings itself, beside those of the registry."""

    weights: dict[str, Annotated[float, Field(strict=True)]]
    """Weight of each facet; only their proportions matter. Left out: all that the table does not say is as in the bundled one"""

    @field_validator("weights")
    @classmethod
    def _usable(cls, weights: dict[str, float]) -> dict[str, float]:
        try:
            checked_weights(weights, extra=cls.EXTRA_FACETS)
        except QuestionError as error:
            raise ValueError("; ".join(str(p) for p in error.problems)) from None
        return weights


class GatedProduct(ScoredProduct):
    """A product in which no place is filled where too little is known."""

    known_at_least: float = Field(0.25, ge=0, le=1)
    """Part of the weights that must be known of a pair, lead, visit or anchor; below it the place is held"""


Level = Literal[
    "online resources", "discussion groups", "study visits", "twinning", "hosting others"
]


StepCode = Literal["mandate", "understand", "portfolio", "act", "learn", "normal", "ecosystem"]


class Resource(ProgrammeSection):
    """Something that helps a city: a guide, a tool, a training, a programme."""

    id: str = Field(pattern=r"^[a-z0-9]+(-[a-z0-9]+)*$")
    title: str = Field(min_length=1)
    link: str = Field(pattern=r"^https?://\S+$")
    """Where it is found"""
    gives: str = ""
    """What a city gets from it, in a sentence"""
    domains: tuple[Domain, ...] = ()
    """Domains that it is about"""
    levers: tuple[Lever, ...] = ()
    """Levers that it is about"""
    topics: tuple[Topic, ...] = ()
    """Topics that it is about"""
    steps: tuple[StepCode, ...] = ()
    """Steps of the transition map that it serves"""
    level: Level = "online resources"
    """Step of the ladder from which it is open"""
    languages: tuple[str, ...] = Field(("en",), min_length=1)
    """ISO 639-1"""
    countries: tuple[CountryName, ...] = ()
    """Only for cities of these; none: of any"""
    only: Who | None = None
    """Kind of the cities that it is for, such as "mission"; none: any"""
    readiness: tuple[float, float] = (0, 4)
    """Mean readiness of the cities that it is made for: at least, at most"""
    population: tuple[int, int] = (0, 10**9)
    """Residents of the cities that it is made for: at least, at most"""
    checked: str = ""
    """When and how the link was last checked"""

    @model_validator(mode="after")
    def _about_something(self) -> Resource:
        if not self.domains and not self.levers and not self.steps and not self.topics:
            raise ValueError("a resource needs a domain, a lever, a topic or a step")
        return self


class Catalogue(ProgrammeSection):
    """The catalogue of resources: the bundled ones where they are asked for, and the coordinator's own."""

    per_city: int = Field(3, ge=1, le=20)
    """Resources named for each city, at most"""
    cities_per_resource: int = Field(49, ge=1)
    """Cities to which one resource is named, at most, while another fits them"""
    bundled: bool = False
    """Whether the bundled resources are offered too"""
    resources: Annotated[tuple[Resource, ...], each_once("resource")] = ()
    """The coordinator's own resources"""

    @property
    def offered(self) -> tuple[Resource, ...]:
        """Return all resources, the coordinator's own first; an own one replaces a bundled one of its id."""
        own = {r.id for r in self.resources}
        bundled = bundled_resources() if self.bundled else ()
        return (*self.resources, *(r for r in bundled if r.id not in own))


@cache
def _rows(name: str) -> list[dict[str, str]]:
    with bundled_path("support", name).open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


def _listed(cell: str) -> tuple[str, ...]:
    return tuple(part.strip() for part in cell.split(";") if part.strip())


@cache
def bundled_resources() -> tuple[Resource, ...]:
    """Return the bundled resources that are offered: no closed call, and a page of their own."""
    return tuple(_resource(row) for row in _rows("resources.csv") if not row["not_offered"])


def _resource(row: dict[str, str]) -> Resource:
    languages = tuple(part for part in _listed(row["languages"]) if len(part) == 2)
    if "all EU languages" in row["languages"]:
        languages = tuple(
            sorted({v for c in countries().values() if in_eu(c.code) for v in c.languages})
        )
    low, _, high = row["readiness"].partition("-")
    few, _, many = row["population"].partition("-")
    fields: dict[str, Any] = {
        **{key: row[key] for key in ("id", "title", "gives")},
        **{key: _listed(row[key]) for key in ("domains", "levers", "topics", "steps", "countries")},
        "link": row["address"],
        "languages": languages or ("en",),
        "only": row["who_may_use"] or None,
        "readiness": (float(low or 0), float(high or 4)),
        "population": (int(few or 0), int(many or 10**9)),
        "checked": say(
            "Read in a stored copy of the page, {row_last_seen}", row_last_seen=row["last_seen"]
        ),
    }
    return Resource.model_validate(fields)


@cache
def national_actors() -> tuple[ActorRow, ...]:
    """Return the bundled actors by code of country, those of Europe under EU."""
    fields = ("country", "name", "kind", "offers", "address", "year")
    return tuple(ActorRow(*(row[field] for field in fields)) for row in _rows("actors.csv"))


def actor_for(topics: Collection[Topic], codes: Collection[str]) -> str:
    """Return whom the cities of some countries could ask about some topics together; empty where no actor is known for it."""
    for row in _rows("actors.csv"):
        if row["country"] in codes and not {*_listed(row["topics"])}.isdisjoint(topics):
            return say("A national actor to ask about it together: {actor}.", actor=row["name"])
    return ""
