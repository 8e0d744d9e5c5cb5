"""What the settings of every product share: sections of a programme file, loads, weights.

The coordinator's catalogue of resources, as a programme file holds it.
"""

from __future__ import annotations

from typing import Annotated, ClassVar, Literal

from pydantic import BaseModel, ConfigDict, Field, field_validator

from twinmatch.affinity import checked_weights
from twinmatch.errors import QuestionError

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
        description="Weight of each facet; only their proportions matter. Left out: all that the table does not say is as in the bundled one"
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
        raise ValueError("the smaller number comes first")
    return value
