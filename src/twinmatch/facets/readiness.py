"""Climate readiness: alike for groups; for learning, the host a step ahead on what the guest lacks.

The climate transition map reads its six steps and the overarching one from the dimensions of readiness: a city stands at
several at once, each at its own level, and is *stuck* at the step where its level is lowest. The steps are those of
NetZeroCities' map; which dimensions stand for which step is this project's reading; adaptation is no step of the map.

Notation: D dimensions, levels (n, D), and T = 7 steps, step_levels (n, T), both from 0 to 4, nan where not known.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from twinmatch.cohort import Cohort
from twinmatch.facets.base import FacetCache, Floats, Ints, fact_of, kinds_of, known_mean
from twinmatch.proposal import Fact
from twinmatch.schema import NAMES, City, Dimension
from twinmatch.wording import listed, say

DIMENSIONS: Final = tuple(Dimension)
MOST_NAMED: Final = 3
"""Dimensions named in a sentence, at most."""
LEAST_SHARED: Final = 4
"""Dimensions that both cities must know before their readiness is compared."""

_GAPS: Final = np.array([-1.0, -0.5, 0.5, 1.5, 4.0])
_FIT: Final = np.array([0.0, 0.2, 1.0, 1.0, 0.0])
"""How well a host fits by how many levels it is ahead; in between, straight lines."""


def levels(cohort: Cohort) -> Floats:
    """Return the level of every city on every dimension, shape (n, D); nan where not known."""
    rows = [[(c.readiness or {}).get(d, np.nan) for d in DIMENSIONS] for c in cohort.cities]
    return np.array(rows, dtype=np.float64).reshape(-1, len(DIMENSIONS))


class Readiness:
    """Likeness of readiness: 1 minus the mean distance in levels over 4, over the dimensions known to both.

    An ordinal Gower coefficient (Podani 1999, Taxon 48(2), doi:10.2307/1224438); nan where fewer than
    ``LEAST_SHARED`` dimensions are known to both.
    """

    def __init__(self, cohort: Cohort, _: FacetCache) -> None:
        self._cities = cohort.cities
        self._levels = levels(cohort)
        self.kinds = kinds_of(self._levels)
        self._known = (~np.isnan(self._levels)).astype(np.float64)
        above = (self._levels[:, :, None] > np.arange(4)).astype(np.float64)
        above, may = above.reshape(-1, 4 * len(DIMENSIONS)), np.repeat(self._known, 4, axis=1)
        self._sides = np.hstack([above, may - 2.0 * above]), np.hstack([may, above])

    def likeness(self, rows: Ints, cols: Ints) -> Floats:
        """Return the likeness of readiness, shape (r, c).

        Two levels are as far apart as there are whole levels that one of them is above and the other is not, so all
        distances are products of matrices of zeros and ones.
        """
        known = self._known[rows] @ self._known[cols].T
        gap = self._sides[0][rows] @ self._sides[1][cols].T
        return np.where(known >= LEAST_SHARED, 1.0 - gap / 4.0 / np.maximum(known, 1.0), np.nan)

    def says(self, i: int, j: int) -> tuple[str, tuple[Fact, ...]]:
        """Return on how many dimensions both stand alike, and where they are furthest apart."""
        one, other = self._cities[i], self._cities[j]
        gap = self._levels[i] - self._levels[j]
        known = np.flatnonzero(~np.isnan(gap))
        if len(known) < LEAST_SHARED:
            return _unknown(one, other), ()
        told = {"one": one.name, "other": other.name, "same": int((gap[known] == 0).sum())}
        says = (
            "{one} and {other} stand at the same level on {same} of {known} dimensions of readiness"
        )
        text = say(says, **told, known=len(known))
        widest = int(known[np.argmax(np.abs(gap[known]))])
        if gap[widest]:
            ahead = one if gap[widest] > 0 else other
            apart = {"dimension": NAMES[DIMENSIONS[widest]], "city": ahead.name}
            says = "; furthest apart on {dimension}, where {city} is {gap:.0f} ahead"
            text += say(says, **apart, gap=abs(gap[widest]))
        return text + ".", _facts(one, known) + _facts(other, known)


class ReadinessStep:
    """Fit of a host as a teacher: a step ahead on what the guest lacks, not behind and not four ahead.

    Each dimension known to both is worth 1 where the host is 0.5 to 1.5 levels ahead, falling to 0 at one
    level behind and at four ahead, and counts by how far the guest is from the top (4 minus its level). nan
    where fewer than ``LEAST_SHARED`` dimensions are known to both or the guest lacks nothing. The band follows
    the zone of proximal development (Vygotsky 1978) and was set by hand, not fitted.
    """

    def __init__(self, cohort: Cohort, _: FacetCache) -> None:
        self._cities = cohort.cities
        self._levels = levels(cohort)
        self.kinds = kinds_of(self._levels)

    def likeness(self, rows: Ints, cols: Ints) -> Floats:
        """Return how well each column is a step ahead of each row, shape (r, c)."""
        guest, host = self._levels[rows][:, None, :], self._levels[cols][None, :, :]
        lacking = np.broadcast_to(4.0 - guest, np.broadcast_shapes(guest.shape, host.shape))
        return _mean_known(np.interp(host - guest, _GAPS, _FIT), np.nan_to_num(lacking))

    def says(self, i: int, j: int) -> tuple[str, tuple[Fact, ...]]:
        """Return on what the host is ahead of the guest."""
        guest, host = self._cities[i], self._cities[j]
        mine, theirs = self._levels[i], self._levels[j]
        gap = theirs - mine
        known = np.flatnonzero(~np.isnan(gap))
        if len(known) < LEAST_SHARED:
            return _unknown(guest, host), ()
        ahead = [d for d in known.tolist() if 1 <= gap[d] <= 2]
        # What the guest lacks most comes first.
        first = sorted(ahead, key=lambda d: (mine[d], d))[:MOST_NAMED]
        names = {"host": host.name, "guest": guest.name}
        text = say("{host} is nowhere one or two levels ahead of {guest}.", **names)
        if first:
            says = "{host} is a step ahead of {guest} with {dimensions}."
            text = say(says, **names, dimensions=listed([NAMES[DIMENSIONS[d]] for d in first]))
        return text, _facts(guest, known) + _facts(host, known)


def _mean_known(worth: Floats, weight: Floats) -> Floats:
    """Return the weighted mean over known dimensions, shape (r, c); nan where too few are known."""
    known = ~np.isnan(worth)
    weight = np.where(known, weight, 0.0)
    total = weight.sum(axis=2)
    with np.errstate(invalid="ignore", divide="ignore"):
        mean = np.where(known, worth * weight, 0.0).sum(axis=2) / total
    return np.where((known.sum(axis=2) >= LEAST_SHARED) & (total > 0), mean, np.nan)


def _unknown(one: City, other: City) -> str:
    without = [c.name for c in (one, other) if not c.readiness]
    if without:
        return say("The readiness of {cities} is not known.", cities=listed(without))
    says = "Too few dimensions of readiness are known to both {one} and {other}."
    return say(says, one=one.name, other=other.name)


def _facts(city: City, known: Ints | Sequence[int]) -> tuple[Fact, ...]:
    levels, unit = city.readiness or {}, say("level 0-4")
    stated = [d for d in (DIMENSIONS[k] for k in known) if d in levels]
    return tuple(fact_of(city, "readiness", NAMES[d], levels[d], unit, "estimated") for d in stated)


@dataclass(frozen=True)
class Step:
    """A step of the map: its code, its name, and the dimensions of readiness that stand for it."""

    code: str
    name: str
    dimensions: tuple[Dimension, ...]


STEPS: Final = (
    Step("mandate", say("Build a strong mandate"), (Dimension.MANDATE,)),
    Step("understand", say("Understand the system"), (Dimension.INVENTORY,)),
    Step("portfolio", say("Co-create the portfolio"), (Dimension.TARGET, Dimension.PLAN)),
    Step("act", say("Take action"), (Dimension.FINANCE, Dimension.DELIVERY)),
    Step("learn", say("Learn and reflect"), (Dimension.LEARNING,)),
    Step("normal", say("Make it the new normal"), (Dimension.MAINSTREAM,)),
    Step("ecosystem", say("Inclusive ecosystem"), (Dimension.ECOSYSTEM,)),
)

LEAST_KNOWN: Final = 4
"""Steps that must be known before one of them is called the one where a city is stuck."""

_STEP_GAPS: Final = np.array([0.0, 1.0, 2.0, 4.0])
_STEP_FIT: Final = np.array([0.0, 1.0, 1.0, 0.25])
"""How well a host helps by how many levels it is ahead at the step; in between, straight lines."""


def step_levels(cohort: Cohort) -> Floats:
    """Return every city's level at every step, shape (n, T): the mean of its known dimensions."""
    ready = levels(cohort)
    at = [[DIMENSIONS.index(d) for d in step.dimensions] for step in STEPS]
    return np.column_stack([known_mean(ready[:, columns], 1) for columns in at])


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
        return np.where(known, np.interp(np.nan_to_num(gap), _STEP_GAPS, _STEP_FIT), np.nan)

    def says(self, i: int, j: int) -> tuple[str, tuple[Fact, ...]]:
        """Return where the guest is stuck and how the host stands there."""
        guest, host = self._cities[i], self._cities[j]
        step = int(self._stuck[i])
        if step < 0:
            says = "At which step of the transition map {guest} is stuck is not known."
            return say(says, guest=guest.name), ()
        told = {"guest": guest.name, "step": STEPS[step].name, "host": host.name}
        mine, theirs = float(self._at[i, step]), float(self._at[j, step])
        if np.isnan(theirs):
            says = "{guest} is stuck at “{step}”; how {host} stands there is not known."
            return say(says, **told), ()
        says = "{guest} is stuck at “{step}” (level {mine:g}), where {host} stands at {theirs:g}."
        if theirs <= mine:
            says = "{guest} is stuck at “{step}” (level {mine:g}), and {host} is no further, at {theirs:g}."
        places = [DIMENSIONS.index(d) for d in STEPS[step].dimensions]
        facts = _facts(guest, places) + _facts(host, places)
        return say(says, **told, mine=mine, theirs=theirs), facts
