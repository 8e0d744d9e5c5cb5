"""Nearness: how far apart the two cities lie, for visits both ways and for neighbours' like conditions.

A light signal. Half of the published twinning pairs lie within 992 km, where half of all possible pairs of the
same guests and hosts lie within about 1,650 km: pairs are nearer than chance would have them. But only 5 of 46 are
within one country, so nearer still is not better: up to ``NEAR_KM`` all cities are as near, and none is favoured
for being next door.
"""

from __future__ import annotations

from typing import Final

import numpy as np

from twinmatch.cohort import Cohort
from twinmatch.facets.base import FacetCache, Floats, Ints, listed
from twinmatch.geography import distance_km
from twinmatch.proposal import Fact
from twinmatch.schema import City

NEAR_KM: Final = 1000.0
"""Up to this distance the likeness is 1: within a day by train or a short flight."""

FAR_KM: Final = 3000.0
"""From this distance on the likeness is 0."""


class Nearness:
    """1 up to 1,000 km, falling in a straight line to 0 at 3,000 km; nan where the place of either city is not known."""

    def __init__(self, cohort: Cohort, _: FacetCache) -> None:
        self._cities = cohort.cities
        self._places = cohort.coordinates

    def likeness(self, rows: Ints, cols: Ints) -> Floats:
        """Return the nearness, shape (r, c)."""
        one, other = self._places[rows][:, None, :], self._places[cols][None, :, :]
        apart = distance_km(one[..., 0], one[..., 1], other[..., 0], other[..., 1])
        return np.asarray(np.clip((FAR_KM - apart) / (FAR_KM - NEAR_KM), 0.0, 1.0))

    def says(self, i: int, j: int) -> tuple[str, tuple[Fact, ...]]:
        """Return how far apart the two cities lie, as the crow flies."""
        one, other = self._cities[i], self._cities[j]
        unknown = [c.name for c in (one, other) if c.location is None]
        if unknown:
            return f"Where {listed(unknown)} lies is not known.", ()
        apart = float(distance_km(*self._places[[i]].T, *self._places[[j]].T)[0])
        text = f"{one.name} and {other.name} lie {apart:,.0f} km apart as the crow flies."
        return text, _place(one) + _place(other)


def _place(city: City) -> tuple[Fact, ...]:
    assert city.location is not None
    return (
        Fact(
            city.id,
            "location",
            f"{city.location.lat:.2f}, {city.location.lon:.2f}",
            "degrees north, east",
            source=city.source_of("location"),
        ),
    )
