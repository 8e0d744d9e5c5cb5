"""Settings of discussion groups, and the groups that may be held under them: themes, leads, sizes, what groups are mixed in."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Annotated, ClassVar, Final

import numpy as np
from pydantic import Field, model_validator

from twinmatch.programmes.base import Band, GatedProduct, Load, each_once
from twinmatch.programmes.group_quotas import alike
from twinmatch.programmes.kinds import Attribute, categories
from twinmatch.programmes.quotas import Quota, counted_per, told_apart
from twinmatch.programmes.round import Round
from twinmatch.programmes.themes import Theme
from twinmatch.proposal import Meeting
from twinmatch.schema import Role
from twinmatch.solving import Floats
from twinmatch.wording import say


class DiscussionGroups(GatedProduct):
    """Peers around a shared challenge, led by cities that are strong in it."""

    EXTRA_FACETS: ClassVar[tuple[str, ...]] = ("theme",)
    LOADS: ClassVar[dict[str, Load]] = {"lead": Load(hours=6, tasks=1), "member": Load(hours=4)}
    PRODUCT: ClassVar[str] = "discussion_groups"

    title: str = Field("Discussion groups", min_length=1)
    themes: Annotated[tuple[Theme, ...], each_once("theme")] = Field(min_length=1)
    leads: Band = (2, 3)
    """Lead cities of a group: at least, at most"""
    lead_roles: tuple[Role, ...] = Field((Role.MISSION,), min_length=1)
    """Cities with one of these roles lead"""
    not_roles: tuple[Role, ...] = ()
    """Cities with one of these roles are no members; they may lead"""
    size: Band = (8, 24)
    """Cities of a group, leads included: at least, at most"""
    cities_per_country: int | None = Field(None, ge=1)
    """Cities of one country in a group, at most"""
    rules: Annotated[
        tuple[Quota, ...], counted_per("group", "theme", "all", compared=("group", "theme"))
    ] = ()
    """Numbers and shares of kinds of cities, leads included, each per 'group' (left out), 'theme' or 'all'"""
    least_need: float = Field(0.1, ge=0, le=1)
    """Part of a city's challenges that the theme must make up, at least"""
    groups_a_theme: int = Field(1, ge=1, le=20)
    """Groups of one theme where many apply, at most"""
    groups_per_city: int = Field(1, ge=1, le=10)
    """Groups that a city is in, as lead or member, at most"""
    lead_of: int = Field(1, ge=1, le=10)
    """Groups that a city leads, at most"""
    mixed: tuple[Attribute, ...] = ()
    """What groups are to be mixed in"""
    alike: tuple[Attribute, ...] = ()
    """What members of a group are to share"""
    past: tuple[tuple[str, ...], ...] = ()
    """Groups of earlier editions: people are to meet new peers"""
    lock: tuple[tuple[str, str], ...] = ()
    """Cities that are in a group whatever else: the city, and the group's theme or id"""
    split: dict[str, Annotated[int, Field(ge=1, le=20)]] = Field({})
    """Number of groups of a theme, by its id, whatever else"""
    pairs_weight: float = Field(0.5, ge=0, le=10)
    """What being mixed or alike counts beside a member's fit, for those wishes together"""
    new_peers_weight: float = Field(1.0, ge=0, le=10)
    """What it costs that two cities meet again, beside their fit"""

    @model_validator(mode="after")
    def _consistent(self) -> DiscussionGroups:
        if unknown := sorted(self.split.keys() - {theme.id for theme in self.themes}):
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
    @told_apart
    def quotas(self) -> Iterator[tuple[str, Quota]]:
        """Yield every rule on kinds of cities with its name."""
        if self.cities_per_country is not None:
            one = Quota(each="country", per="group", at_most=self.cities_per_country)
            yield "cities per country", one
        for quota in self.rules:
            yield quota.named(say("cities"), PLACES[quota.per]), quota


WHERE: Final = {
    "group": say("In each group"),
    "theme": say("In the groups of each theme"),
    "all": say("In all groups"),
}
"""Where a rule on kinds of cities is counted, in words."""

PLACES: Final = {
    "group": say("in each group"),
    "theme": say("in the groups of each theme"),
    "all": say("in all groups"),
}
"""The same within a sentence."""


@dataclass(frozen=True)
class Slot:
    """A group that may be held: its theme, and which of the theme's groups it is (1 for the first)."""

    theme: Theme
    number: int
    of: int

    @property
    def key(self) -> str:
        """Return the group's key in ids."""
        return self.theme.id if self.of == 1 else f"{self.theme.id}-{self.number}"

    @property
    def title(self) -> str:
        """Return the group's title."""
        return (
            self.theme.title
            if self.of == 1
            else say("{title} {number}", title=self.theme.title, number=self.number)
        )


def slots_of(settings: DiscussionGroups, meetings: Sequence[Meeting]) -> list[Slot]:
    """Return the groups that finished meetings are, read from their ids."""
    keys = [m.id.partition(":")[2] for m in meetings]
    found = []
    for theme in settings.themes:
        mine = [k for k in keys if k == theme.id or k.rpartition("-")[0] == theme.id]
        found += [Slot(theme, n, len(mine)) for n in range(1, len(mine) + 1)]
    order = {slot.key: slot for slot in found}
    return [order[key] for key in keys]


def locked_in(round_: Round, settings: DiscussionGroups, slots: Sequence[Slot]) -> dict[int, int]:
    """Return for each city that is locked in a group the place of the group.

    A group that is not held is replaced by the first of its theme; where its theme does not open, the lock does not
    hold, and the rules tell of it.
    """
    found: dict[int, int] = {}
    cities = round_.cohort.by_id([city] for city, _ in settings.lock)
    for (city,), (_, group) in zip(cities, settings.lock, strict=True):
        for name in (group, group.rpartition("-")[0]):
            named = [k for k, s in enumerate(slots) if name in (s.key, s.theme.id)]
            if named and city in round_.cohort.index:
                found.setdefault(round_.cohort.index[city], named[0])
    return found


def pair_worth(round_: Round, settings: DiscussionGroups, cities: Sequence[int]) -> Floats:
    """Return what two cities in one group are worth to each other beside their fit, shape (n, n)."""
    worth = np.zeros((len(cities), len(cities)))
    wishes: list[tuple[Attribute, float]] = [(a, 1.0) for a in settings.alike]
    wishes += [(a, -1.0) for a in settings.mixed]
    for attribute, sign in wishes:
        words = categories(round_.cohort, attribute)
        worth += sign * settings.pairs_weight / len(wishes) * alike([words[i] for i in cities])
    met = pairs_met(round_, settings)
    again = np.array([[frozenset((a, b)) in met and a != b for b in cities] for a in cities])
    return np.asarray(np.round(worth - settings.new_peers_weight * again.astype(np.float64), 9))


def pairs_met(round_: Round, settings: DiscussionGroups) -> set[frozenset[int]]:
    """Return the pairs of cities that shared a group of an earlier edition; cities no longer here are passed over."""
    index = round_.cohort.index
    past = round_.cohort.by_id(settings.past)
    groups = [[index[c] for c in group if c in index] for group in past]
    return {frozenset((a, b)) for group in groups for a in group for b in group if a != b}
