"""Travel: distances, and what a journey emits by rail and by air, from a table in the programme file.

A great-circle distance is lengthened by the mode's detour and multiplied by its emissions per passenger-km; the
table names the source, the year and the range of every figure, so nothing here is a figure from memory.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray
from pydantic import Field, model_validator

from twinmatch.cohort import Cohort
from twinmatch.geography import distance_km
from twinmatch.programmes.base import ProgrammeSection

Floats = NDArray[np.float64]
Places = NDArray[np.intp]


BLOCK_PAIRS = 1_000_000
"""Pairs of cities whose distances are held at once."""


class Mode(ProgrammeSection):
    """A way to travel, what it emits, and where that figure comes from."""

    mode: Literal["rail", "air"] = Field(description="rail or air")
    grams_per_km: float = Field(
        ge=0, le=1000, allow_inf_nan=False, description="g CO2e a passenger-km"
    )
    low: float = Field(ge=0, le=1000, description="Lowest figure found, g CO2e a passenger-km")
    high: float = Field(ge=0, le=1000, description="Highest figure found, g CO2e a passenger-km")
    detour: float = Field(1.0, ge=1, le=3, description="Length of the way over the great circle")
    year: int = Field(ge=1990, le=2100, description="Year of the figure")
    source: str = Field(min_length=1, description="Where the figure and its range come from")
    detour_source: str = Field("", description="Where the detour comes from, or that it is assumed")

    @model_validator(mode="after")
    def _within(self) -> Mode:
        if not self.low <= self.grams_per_km <= self.high:
            raise ValueError("grams_per_km lies between low and high")
        return self


@dataclass(frozen=True)
class Emitted:
    """What a journey emits in kg CO2e, with the range of the figure behind it."""

    kg: float
    low: float
    high: float


def emitted(mode: Mode, km: float) -> Emitted:
    """Return what a passenger emits over a great-circle distance."""
    tonnes_km = km * mode.detour / 1000.0
    return Emitted(tonnes_km * mode.grams_per_km, tonnes_km * mode.low, tonnes_km * mode.high)


def distances(
    cohort: Cohort, rows: Sequence[int] | Places, columns: Sequence[int] | Places
) -> Floats:
    """Return the great-circle distances of some cities to others in km, shape (r, c); nan where not known."""
    lat, lon = cohort.coordinates.T
    r, c = np.asarray(rows, dtype=np.intp), np.asarray(columns, dtype=np.intp)
    return distance_km(lat[r, None], lon[r, None], lat[None, c], lon[None, c])


def mean_distance(cohort: Cohort) -> float:
    """Return the mean great-circle distance over all pairs of cities in km, 0 where none is known."""
    placed = np.flatnonzero(~np.isnan(cohort.coordinates).any(axis=1))
    pairs = len(placed) * (len(placed) - 1)
    blocks = np.array_split(placed, max(1, -(-pairs // BLOCK_PAIRS)))
    total = sum(float(distances(cohort, rows, placed).sum()) for rows in blocks)
    return total / pairs if pairs else 0.0


def by_rail(cohort: Cohort, cities: Sequence[int], no_rail: Sequence[str]) -> bool:
    """Return whether cities are joined by passenger trains, as far as the programme file tells.

    Cities of a country that it names as without a rail link are reached by rail from their own country only.
    """
    codes = {cohort.cities[i].country for i in cities}
    return len(codes) == 1 or not codes & set(no_rail)
