"""The coordinator's catalogue of resources, as a programme file holds it."""

from __future__ import annotations

from typing import Literal

from pydantic import Field, model_validator

from twinmatch.programmes.base import ProgrammeSection
from twinmatch.schema import Domain, Lever

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
