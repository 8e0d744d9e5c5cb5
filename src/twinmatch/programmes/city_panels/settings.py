"""Settings of city panels: sizes, number, questions, quotas and what they are mixed by."""

from __future__ import annotations

import math
from collections.abc import Iterator
from typing import Annotated, ClassVar, Literal

from pydantic import Field, field_validator

from twinmatch.programmes.base import Band, Load, ProductSettings, ProgrammeSection
from twinmatch.programmes.kinds import Attribute
from twinmatch.programmes.quotas import Quota, counted_per
from twinmatch.schema import Role
from twinmatch.vocabulary.topics import Topic
from twinmatch.wording import Title


class Purpose(ProgrammeSection):
    """What a panel is for: its question, and the topics that it is about."""

    title: Title = Field(min_length=1)
    question: str = Field("", description="Its question; empty: proposed from what cities seek")
    topics: tuple[Topic, ...] = Field(
        (), description="Topics of the question; none: read from it, or proposed with it"
    )
    about: Literal["practice", "strategy", "any"] = Field(
        "any",
        description="Where a question is proposed from: topics of practice (domains), of strategy (governance, "
        "finance, regulation), or any",
    )


class CityPanels(ProductSettings):
    """Deliberately mixed groups of Mission and other cities."""

    LOADS: ClassVar[dict[str, Load]] = {"member": Load(hours=2)}

    title: str = Field("City panels", min_length=1)
    size: Band = Field((8, 12), description="Cities of a panel: at least, at most")
    panels: int | None = Field(
        None, ge=1, description="Number of panels; none: as many as all cities fill"
    )
    purposes: tuple[Purpose, ...] = Field(
        (), description="What each panel is for, in order; panels beyond these have no question"
    )
    roles: tuple[Role, ...] = Field(
        (), description="Only cities with one of these roles; none: every city"
    )
    mission_at_least: int = Field(1, ge=0, description="Mission Cities in a panel, at least")
    cities_per_country: int | None = Field(
        2, ge=1, description="Cities of one country in a panel, at most"
    )
    rules: Annotated[tuple[Quota, ...], counted_per("panel", compared=("panel",))] = Field(
        (), description="Numbers and shares of kinds of cities in each panel; per is 'panel'"
    )
    lock: tuple[tuple[str, Annotated[str, Field(pattern=r"^[1-9][0-9]{0,3}$")]], ...] = Field(
        (), description="Cities that are on a panel whatever else: the city, and the panel's number"
    )
    split: dict[Literal[""], Annotated[int, Field(ge=1, le=20)]] = Field(
        {}, description="Number of panels, under an empty name, in place of ``panels``"
    )
    mix: dict[Attribute, float] = Field(
        {"country": 25, "region": 20, "size": 20, "readiness": 20, "mission": 15},
        min_length=1,
        validate_default=True,
        description="What panels are mixed by, with weights; only their proportions matter. Left out of a file: all that the table does not say is as in the bundled one",
    )

    @field_validator("mix")
    @classmethod
    def _usable(cls, mix: dict[Attribute, float]) -> dict[Attribute, float]:
        wrong = [name for name, w in mix.items() if not math.isfinite(w) or w < 0]
        if wrong or not sum(mix.values()):
            raise ValueError(f"weights are numbers of at least 0, one above it: {wrong or mix}")
        total = sum(mix.values())
        return {name: weight / total for name, weight in mix.items() if weight}

    @property
    def quotas(self) -> Iterator[tuple[str, Quota]]:
        """Yield every rule on kinds of cities with its name."""
        if self.mission_at_least:
            yield "Mission Cities", Quota(who="mission", at_least=self.mission_at_least)
        if self.cities_per_country is not None:
            yield "cities per country", Quota(each="country", at_most=self.cities_per_country)
        for quota in self.rules:
            yield f"{quota.who or quota.each} cities per panel", quota
