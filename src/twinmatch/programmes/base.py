"""What the settings of every product share: sections of a programme file, loads, weights.

The coordinator's catalogue of resources, as a programme file holds it.
"""

from __future__ import annotations

from typing import Annotated, ClassVar, Literal

from pydantic import BaseModel, ConfigDict, Field, field_validator, model_validator

from twinmatch.affinity import checked_weights
from twinmatch.errors import QuestionError
from twinmatch.schema import Domain, Lever

Band = tuple[Annotated[int, Field(ge=0)], Annotated[int, Field(ge=0)]]


Policy = Literal["ask first", "let in", "keep out"]


RoleInMeeting = Literal["host", "guest", "lead", "member"]


class ProgrammeSection(BaseModel):
    """A part of a programme file; unknown keys are errors."""

    model_config = ConfigDict(frozen=True, extra="forbid")


class Load(ProgrammeSection):
    """What a role in one meeting takes of a city."""

    hours: float = Field(0, ge=0, allow_inf_nan=False, description="Staff hours a month")
    trips: int = Field(0, ge=0, description="Journeys in the round, with a stay")
    tasks: int = Field(0, ge=0, description="Tasks as a host or lead that need a person")


class ProductSettings(ProgrammeSection):
    """What every format has: a title, and what its roles take of a city."""

    LOADS: ClassVar[dict[str, Load]] = {}
    """What the roles take where the programme file does not say."""

    title: str = Field("", description="Title of the product")
    takes: dict[RoleInMeeting, Load] = Field(
        {}, description="What each role takes of a city; replaces the format's own figures"
    )

    def load(self, role: str) -> Load:
        """Return what a role takes of a city in one meeting."""
        return self.takes.get(role) or self.LOADS.get(role) or Load()  # type: ignore[call-overload]


class ScoredProduct(ProductSettings):
    """A format whose meetings are scored by facets."""

    EXTRA_FACETS: ClassVar[tuple[str, ...]] = ()
    """Facets that the product brings itself, beside those of the registry."""

    weights: dict[str, Annotated[float, Field(strict=True)]] = Field(
        description="Weight of each facet; only their proportions matter"
    )

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

    known_at_least: float = Field(
        0.25,
        ge=0,
        le=1,
        description="Part of the weights that must be known of a pair, lead, visit or anchor; below it the place is held",
    )


def ordered(value: Band) -> Band:
    """Return a band; raises ValueError where the larger number comes first."""
    if value[0] > value[1]:
        raise ValueError(f"the smaller number comes first in [{value[0]}, {value[1]}]")
    return value


Level = Literal[
    "online resources", "discussion groups", "study visits", "twinning", "hosting others"
]


StepCode = Literal["mandate", "understand", "portfolio", "act", "learn", "normal", "ecosystem"]


class Resource(ProgrammeSection):
    """Something that helps a city: a guide, a tool, a training, a programme."""

    id: str = Field(pattern=r"^[a-z0-9]+(-[a-z0-9]+)*$")
    title: str = Field(min_length=1)
    link: str = Field(pattern=r"^https?://\S+$", description="Where it is found")
    domains: tuple[Domain, ...] = Field((), description="Domains that it is about")
    levers: tuple[Lever, ...] = Field((), description="Levers that it is about")
    steps: tuple[StepCode, ...] = Field(
        (), description="Steps of the transition map that it serves"
    )
    level: Level = Field("online resources", description="Step of the ladder from which it is open")
    languages: tuple[str, ...] = Field(("en",), min_length=1, description="ISO 639-1")
    checked: str = Field("", description="When and how the link was last checked")

    @model_validator(mode="after")
    def _about_something(self) -> Resource:
        if not self.domains and not self.levers and not self.steps:
            raise ValueError("a resource needs a domain, a lever or a step")
        return self


class Catalogue(ProgrammeSection):
    """The coordinator's catalogue of resources."""

    per_city: int = Field(3, ge=1, le=20, description="Resources named for each city, at most")
    resources: tuple[Resource, ...] = Field((), description="The resources")

    @model_validator(mode="after")
    def _once(self) -> Catalogue:
        ids = [r.id for r in self.resources]
        twice = sorted({i for i in ids if ids.count(i) > 1})
        if twice:
            raise ValueError(f"the resource {twice[0]!r} stands here twice")
        return self
