"""Settings of discussion groups: themes, leads, sizes, what groups are mixed in."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Annotated, ClassVar

from pydantic import Field, field_validator, model_validator

from twinmatch.programmes.base import Band, GatedProduct, Load, ordered
from twinmatch.programmes.kinds import Attribute
from twinmatch.programmes.quotas import Quota, counted_per
from twinmatch.programmes.themes import Theme
from twinmatch.schema import Role


class DiscussionGroups(GatedProduct):
    """Peers around a shared challenge, led by cities that are strong in it."""

    EXTRA_FACETS: ClassVar[tuple[str, ...]] = ("theme",)
    LOADS: ClassVar[dict[str, Load]] = {"lead": Load(hours=6, tasks=1), "member": Load(hours=4)}
    PRODUCT: ClassVar[str] = "discussion_groups"

    title: str = Field("Discussion groups", min_length=1)
    themes: tuple[Theme, ...] = Field(min_length=1)
    leads: Band = Field((2, 3), description="Lead cities of a group: at least, at most")
    lead_roles: tuple[Role, ...] = Field(
        (Role.MISSION,), min_length=1, description="Cities with one of these roles lead"
    )
    not_roles: tuple[Role, ...] = Field(
        (), description="Cities with one of these roles are no members; they may lead"
    )
    size: Band = Field((8, 24), description="Cities of a group, leads included: at least, at most")
    cities_per_country: int | None = Field(
        None, ge=1, description="Cities of one country in a group, at most"
    )
    rules: Annotated[
        tuple[Quota, ...], counted_per("group", "theme", "all", compared=("group", "theme"))
    ] = Field(
        (),
        description="Numbers and shares of kinds of cities, leads included, each per 'group' (left out), 'theme' or 'all'",
    )
    least_need: float = Field(
        0.1,
        ge=0,
        le=1,
        description="Part of a city's challenges that the theme must make up, at least",
    )
    groups_a_theme: int = Field(
        1, ge=1, le=20, description="Groups of one theme where many apply, at most"
    )
    groups_per_city: int = Field(
        1, ge=1, le=10, description="Groups that a city is in, as lead or member, at most"
    )
    lead_of: int = Field(1, ge=1, le=10, description="Groups that a city leads, at most")
    mixed: tuple[Attribute, ...] = Field((), description="What groups are to be mixed in")
    alike: tuple[Attribute, ...] = Field((), description="What members of a group are to share")
    past: tuple[tuple[str, ...], ...] = Field(
        (), description="Groups of earlier editions: people are to meet new peers"
    )
    lock: tuple[tuple[str, str], ...] = Field(
        (),
        description="Cities that are in a group whatever else: the city, and the group's theme or id",
    )
    split: dict[str, Annotated[int, Field(ge=1, le=20)]] = Field(
        {}, description="Number of groups of a theme, by its id, whatever else"
    )
    pairs_weight: float = Field(
        0.5,
        ge=0,
        le=10,
        description="What being mixed or alike counts beside a member's fit, for those wishes together",
    )
    new_peers_weight: float = Field(
        1.0, ge=0, le=10, description="What it costs that two cities meet again, beside their fit"
    )

    _check_bands = field_validator("leads", "size")(ordered)

    @model_validator(mode="after")
    def _consistent(self) -> DiscussionGroups:
        ids = [theme.id for theme in self.themes]
        twice = sorted({name for name in ids if ids.count(name) > 1})
        if twice:
            raise ValueError(f"the theme {twice[0]!r} stands here twice")
        if unknown := sorted(set(self.split) - set(ids)):
            raise ValueError(f"split names {unknown[0]!r}, which is no theme here")
        if self.leads[1] > self.size[1]:
            raise ValueError("a group cannot have more leads than cities")
        both = sorted(set(self.mixed) & set(self.alike))
        if both:
            raise ValueError(f"groups cannot be both mixed and alike in {both[0]!r}")
        if self.groups_per_city > 1 and (self.mixed or self.alike or self.past):
            raise ValueError("mixed, alike and past need groups_per_city = 1")
        return self

    @property
    def quotas(self) -> Iterator[tuple[str, Quota]]:
        """Yield every rule on kinds of cities with its name."""
        if self.cities_per_country is not None:
            one = Quota(each="country", per="group", at_most=self.cities_per_country)
            yield "cities per country", one
        for quota in self.rules:
            yield f"{quota.who or quota.each} cities per {quota.per}", quota
