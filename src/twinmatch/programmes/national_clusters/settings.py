"""Settings of national clusters: sizes, anchor, which countries are never joined."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Annotated, ClassVar, Literal

import numpy as np
from pydantic import Field

from twinmatch.affinity import Affinity
from twinmatch.facets import FACETS
from twinmatch.programmes.base import Band, CountryName, GatedProduct, Load
from twinmatch.programmes.quotas import Quota, counted_per, told_apart
from twinmatch.schema import City, Role
from twinmatch.solving import Floats, Ints
from twinmatch.vocabulary.geography import disputes
from twinmatch.wording import say

KEY = r"^[a-z]{2}(-[a-z]{2})*(-[1-9][0-9]{0,3})?$"
"""The id of a cluster: its countries, and its number where they have several."""


class NationalClusters(GatedProduct):
    """Cities of a country, then of like readiness; large countries split, small ones joined."""

    LOADS: ClassVar[dict[str, Load]] = {"lead": Load(hours=2), "member": Load(hours=1)}

    title: str = Field("National clusters", min_length=1)
    size: Band = (4, 14)
    """Cities of a cluster: at least, at most"""
    anchor: Role | None = Role.MISSION
    """Each cluster has a city of this role where there is one; Pilot Cities count as Mission Cities do"""
    anchors_at_most: float = Field(1 / 3, gt=0, le=1)
    """Part of a cluster's cities that lead it as anchors, at most, and one in any case: those that show most of what the others seek; further ones are members"""
    countries_joined: int = Field(5, ge=2, le=6)
    """Countries in a joined cluster, at most"""
    never_joined: tuple[tuple[CountryName, CountryName], ...] = disputes()
    """Pairs of countries that are not joined in one cluster"""
    split_by: Literal["all", "readiness", "theme"] = "all"
    """What the parts of a large country are alike in: all weights, readiness, or challenges, levers and needs"""
    rules: Annotated[tuple[Quota, ...], counted_per("cluster", compared=("cluster",))] = ()
    """Numbers and shares of kinds of cities in each cluster; per is 'cluster'"""
    lock: tuple[tuple[str, Annotated[str, Field(pattern=KEY)]], ...] = ()
    """Cities that are in a cluster whatever else: the city, and the cluster's id"""
    split: dict[
        Annotated[str, Field(pattern=r"^[a-z]{2}(-[a-z]{2})*$")], Annotated[int, Field(ge=1, le=20)]
    ] = Field({})
    """Number of clusters of a country, or of joined ones, by their codes"""
    bridges: int = Field(2, ge=0, le=10)
    """Bridges to other clusters named for each"""
    starts: int = Field(12, ge=1, le=10_000)
    """Starts of the search that splits a country"""

    @property
    @told_apart
    def quotas(self) -> Iterator[tuple[str, Quota]]:
        """Yield every rule on kinds of cities with its name."""
        for quota in self.rules:
            yield quota.named(say("cities"), say("in each cluster")), quota

    def split_into(self, codes: Sequence[str]) -> int | None:
        """Return into how many clusters these countries are to be split; None where nobody asked."""
        same = (n for key, n in self.split.items() if set(key.upper().split("-")) == set(codes))
        return next(same, None)

    def is_anchor(self, city: City) -> bool:
        """Return whether a city anchors a cluster; Pilot Cities count as Mission Cities do."""
        kinds = (Role.MISSION, Role.PILOT) if self.anchor is Role.MISSION else (self.anchor,)
        return any(kind is not None and city.has(kind) for kind in kinds)

    @property
    def anchors(self) -> str:
        """Return what anchors are called, such as "Mission or Pilot"; empty where there are none."""
        if self.anchor is None:
            return ""
        if self.anchor is Role.MISSION:
            return say("Mission or Pilot")
        return self.anchor.value.capitalize()


SPLIT_FACETS = {
    "readiness": ("readiness",),
    "theme": ("shared_challenges", "shared_levers", "shared_needs"),
}


def likeness_of(
    affinity: Affinity, settings: NationalClusters, rows: Ints, others: Ints | None = None
) -> Floats:
    """Return how alike cities are in what a country is split by, to each other or to others, (n, m), in [0, 1]."""
    facets = SPLIT_FACETS.get(settings.split_by, tuple(affinity.weights))
    used = [name for name in affinity.weights if name in facets] or list(affinity.weights)
    whole = sum(affinity.weights[name] for name in used)
    columns = rows if others is None else others
    likeness = _weighted(affinity, used, whole, rows, columns)
    if not affinity.peers or any(FACETS[name].directed for name in used):
        back = likeness if others is None else _weighted(affinity, used, whole, columns, rows)
        likeness = (likeness + back.T) / 2
    return np.where(rows[:, None] == columns, 0.0, np.round(likeness, 9))


def _weighted(
    affinity: Affinity, used: Sequence[str], whole: float, rows: Ints, columns: Ints
) -> Floats:
    total = np.zeros((len(rows), len(columns)))
    for name in used:
        total += affinity.weights[name] / whole * affinity.standings(name, rows, columns)
    return total
