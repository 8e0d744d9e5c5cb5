"""The climate transition map: its six steps and the overarching one, read from the dimensions of readiness.

A city stands at several steps at once, each at its own level; it is *stuck* at the step where its level is lowest.
The steps are those of NetZeroCities' Climate Transition Map: build a strong mandate, understand the system,
co-create the portfolio, take action, learn and reflect, make it the new normal, and around them an inclusive
ecosystem. Which dimensions stand for which step is this project's reading; adaptation is no step of the map.

Notation: n cities, T = 7 steps; step_levels (n, T) from 0 to 4, nan where not known.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from twinmatch.cohort import Cohort
from twinmatch.facets.base import FacetCache, Floats, Ints
from twinmatch.facets.readiness import DIMENSIONS, levels
from twinmatch.proposal import Fact
from twinmatch.schema import NAMES, Dimension


@dataclass(frozen=True)
class Step:
    """A step of the map: its code, its name, and the dimensions of readiness that stand for it."""

    code: str
    name: str
    dimensions: tuple[Dimension, ...]


STEPS: Final = (
    Step("mandate", "Build a strong mandate", (Dimension.MANDATE,)),
    Step("understand", "Understand the system", (Dimension.INVENTORY,)),
    Step("portfolio", "Co-create the portfolio", (Dimension.TARGET, Dimension.PLAN)),
    Step("act", "Take action", (Dimension.FINANCE, Dimension.DELIVERY)),
    Step("learn", "Learn and reflect", (Dimension.LEARNING,)),
    Step("normal", "Make it the new normal", (Dimension.MAINSTREAM,)),
    Step("ecosystem", "Inclusive ecosystem", (Dimension.ECOSYSTEM,)),
)

LEAST_KNOWN: Final = 4
"""Steps that must be known before one of them is called the one where a city is stuck."""

_GAPS: Final = np.array([0.0, 1.0, 2.0, 4.0])
_FIT: Final = np.array([0.0, 1.0, 1.0, 0.25])
"""How well a host helps by how many levels it is ahead at the step; in between, straight lines."""


def step_levels(cohort: Cohort) -> Floats:
    """Return every city's level at every step, shape (n, T): the mean of its known dimensions."""
    ready = levels(cohort)
    columns = []
    for step in STEPS:
        part = ready[:, [DIMENSIONS.index(d) for d in step.dimensions]]
        known = ~np.isnan(part)
        count = known.sum(axis=1)
        total = np.where(known, part, 0.0).sum(axis=1)
        columns.append(np.where(count > 0, total / np.maximum(count, 1), np.nan))
    return np.column_stack(columns) if len(ready) else np.zeros((0, len(STEPS)))


def stuck_at(at: Floats) -> NDArray[np.intp]:
    """Return the step where each city is stuck, shape (n,): its lowest, the earlier one where several tie.

    -1 where fewer than ``LEAST_KNOWN`` steps are known or the city stands at the top of all known ones.
    """
    known = ~np.isnan(at)
    lowest = np.where(known, at, np.inf)
    step = np.argmin(lowest, axis=1)
    ok = (known.sum(axis=1) >= LEAST_KNOWN) & (lowest.min(axis=1, initial=np.inf) < 4)
    return np.asarray(np.where(ok, step, -1), dtype=np.intp)


class StuckStep:
    """Help at the step where the guest is stuck: 1 where the host is one or two levels ahead there, 0 where level.

    nan where it is not known at which step the guest is stuck, or where the host stands there.
    """

    def __init__(self, cohort: Cohort, _: FacetCache) -> None:
        self._cities = cohort.cities
        self._at = step_levels(cohort)
        self._stuck = stuck_at(self._at)

    def likeness(self, rows: Ints, cols: Ints) -> Floats:
        """Return how well each column helps each row at its stuck step, shape (r, c)."""
        stuck = self._stuck[rows]
        step = np.maximum(stuck, 0)
        gap = self._at[cols][:, step].T - self._at[rows, step][:, None]
        known = (stuck >= 0)[:, None] & ~np.isnan(gap)
        return np.where(known, np.interp(np.nan_to_num(gap), _GAPS, _FIT), np.nan)

    def says(self, i: int, j: int) -> tuple[str, tuple[Fact, ...]]:
        """Return where the guest is stuck and how the host stands there."""
        guest, host = self._cities[i], self._cities[j]
        step = int(self._stuck[i])
        if step < 0:
            return f"At which step of the transition map {guest.name} is stuck is not known.", ()
        name = STEPS[step].name
        mine, theirs = float(self._at[i, step]), float(self._at[j, step])
        if np.isnan(theirs):
            return (
                f"{guest.name} is stuck at “{name}”; how {host.name} stands there is not known.",
                (),
            )
        if theirs > mine:
            says = f"{guest.name} is stuck at “{name}” (level {mine:g}), where {host.name} stands at {theirs:g}."
        else:
            says = f"{guest.name} is stuck at “{name}” (level {mine:g}), and {host.name} is no further ({theirs:g})."
        facts = tuple(
            Fact(
                city.id,
                NAMES[d],
                (city.readiness or {})[d],
                "level 0-4",
                kind="estimated",
                source=city.source_of("readiness"),
            )
            for city in (guest, host)
            for d in STEPS[step].dimensions
            if d in (city.readiness or {})
        )
        return says, facts
