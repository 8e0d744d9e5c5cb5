"""How high the scores rank what pilot cities chose: the partners of an activity, and a city's own activity.

What an activity itself says is taken out of the profiles first, since it would give the answer away. Measured as in
:mod:`twinmatch.whatif.backtest`: percentile ranks, 0 the best and 0.5 chance.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated, Final

import numpy as np
from numpy.typing import NDArray
from pydantic import Field

from twinmatch.affinity import compare
from twinmatch.cohort import Cohort, Host
from twinmatch.errors import QuestionError
from twinmatch.facets import FacetCache
from twinmatch.proposal.wire import Numbers, Tabular, frame
from twinmatch.schema import Role
from twinmatch.whatif.backtest import Floats, Interval, Ints, interval_of, percentile_of, ranks

if TYPE_CHECKING:
    import pandas as pd


class _Ranked(Tabular):
    """What both tests share: figures over units, shown by unit."""

    figures: Annotated[Interval, Field(alias="mean_percentile_rank")]
    by_unit: Numbers

    def __repr__(self) -> str:
        return f"<{type(self).__name__}: {self.figures}, {len(self.by_unit)} units>"

    def to_frame(self) -> pd.DataFrame:
        """Return one row a unit: its mean percentile rank."""
        return frame({"unit": unit, "mean_percentile_rank": rank} for unit, rank in self.by_unit)


@dataclass(frozen=True, repr=False)
class PartnerTest(_Ranked):
    """How high a score ranks the true partners of the cities of multi-city pilots, among all other candidates.

    ``by_unit`` has the mean percentile rank of each unit, so that a large unit counts no more than a small one
    in ``figures``; ``across_borders`` ranks partners of another country among cities of other countries only.
    """

    figures: Annotated[Interval, Field(alias="mean_percentile_rank")]
    by_unit: Numbers
    across_borders: Interval | None
    alone: Numbers


def stripped(cohort: Cohort) -> Cohort:
    """Return the cohort without anything that pilot activities say: no pilot, no unit; what cities say stays."""
    return Cohort(tuple(c.model_copy(update={"pilot": None}) for c in cohort.cities), ())


def partners(
    cohort: Cohort, weights: Mapping[str, float], facet_cache: FacetCache, *, seed: int = 0
) -> PartnerTest:
    """Return how high the score ranks true partners: cities that chose to run a pilot activity together.

    Every city of a multi-city pilot asks; its candidates are all other Mission and Pilot Cities of which
    anything is known. The activity itself is taken out of all profiles first. The ranks of a city's partners are
    averaged, then those of a unit's cities, and the interval is over units, since the cities of one are no
    independent draws.
    """
    bare = stripped(cohort)
    candidates = [
        i
        for i, c in enumerate(bare.cities)
        if {Role.MISSION, Role.PILOT} & set(c.roles) and (c.needs or c.challenges)
    ]
    columns = tuple(Host(bare.cities[i].id, bare.cities[i].name, (i,)) for i in candidates)
    affinity = compare(bare, weights, facet_cache, rows=candidates, columns=columns)
    place = {i: k for k, i in enumerate(candidates)}
    units = {
        u.id: [place[cohort.index[c]] for c in u.cities if cohort.index[c] in place]
        for u in cohort.units
    }
    units = {name: members for name, members in units.items() if len(members) > 1}
    if not units:
        raise QuestionError.of(
            "no-units", "No host unit has two cities of which anything is known."
        )
    abroad = np.not_equal.outer(bare.countries[candidates], bare.countries[candidates])
    everyone = np.ones_like(abroad)
    by_unit = {name: _unit_rank(affinity.score, m, everyone) for name, m in units.items()}
    crossing = [
        value
        for members in units.values()
        if not np.isnan(value := _unit_rank(affinity.score, members, abroad))
    ]
    alone = {
        name: float(np.mean([_unit_rank(block, m, everyone) for m in units.values()]))
        for name, block in affinity.standing.items()
    }
    return PartnerTest(
        interval_of(np.array(list(by_unit.values())), seed),
        tuple(by_unit.items()),
        interval_of(np.array(crossing), seed) if crossing else None,
        tuple(alone.items()),
    )


def _unit_rank(score: Floats, members: Sequence[int], rivals: NDArray[np.bool_]) -> float:
    """Mean percentile rank of each member's partners among its rivals that are no partners; nan where there is none."""
    found = []
    for i in members:
        others = rivals[i].copy()
        others[list(members)] = False
        pool = np.round(score[i][others], 9)
        for j in members:
            if j != i and rivals[i, j] and len(pool):
                own = round(float(score[i, j]), 9)
                found.append(float((pool > own).mean() + (pool == own).mean() / 2))
    return float(np.mean(found)) if found else float("nan")


@dataclass(frozen=True, repr=False)
class ActivityTest(_Ranked):
    """How high a score ranks the activity that a city chose to run, among the activities of all host units.

    The city asks with its needs, challenges and levers; every host shows its pilot activity and nothing else.
    The ranks of a unit's cities are averaged first, and the interval is over units.
    """

    cities: int
    units: int
    figures: Annotated[Interval, Field(alias="mean_percentile_rank")]
    by_unit: Numbers
    alone: Numbers


def only_activities(cohort: Cohort) -> Cohort:
    """Return the cohort in which nobody shows anything but pilot activities."""
    silent = {"offers": None, "strengths": None, "levers_offered": None, "shows": None}
    return Cohort(tuple(c.model_copy(update=silent) for c in cohort.cities), cohort.units)


def activities(
    cohort: Cohort, weights: Mapping[str, float], facet_cache: FacetCache, *, seed: int = 0
) -> ActivityTest:
    """Return how high the score ranks the pilot activity that each city chose for itself.

    It is the question of twinning, what a city needs against what an activity shows, with an answer that is
    known for many more cities than were ever twinned. Facets of the place of a city have no say in it (a city
    is where it is), so only those of needs, challenges and levers are read from the weights. Raises
    QuestionError where none of them has a weight, or no city with needs runs an activity.
    """
    asked = {n: w for n, w in weights.items() if n in ASKING and w > 0}
    bare = only_activities(cohort)
    hosts = tuple(
        h for h in bare.hosts((Role.MISSION, Role.PILOT)) if any(bare.pilots(i) for i in h.cities)
    )
    own = {
        i: c
        for c, host in enumerate(hosts)
        for i in host.cities
        if bare.pilots(i) and bare.cities[i].needs
    }
    if not asked or not own:
        raise QuestionError.of(
            "no-activities",
            "No facet of needs has a weight, or no city that states needs runs a pilot activity.",
            do=f"Facets of needs are: {', '.join(sorted(ASKING))}.",
        )
    rows = tuple(sorted(own))
    true = np.array([own[i] for i in rows], dtype=np.int64)
    affinity = compare(bare, asked, facet_cache, rows=rows, columns=hosts)
    by_unit = _by_unit(affinity.score, true)
    alone = {
        n: float(np.mean(list(_by_unit(block, true).values())))
        for n, block in affinity.standing.items()
    }
    return ActivityTest(
        len(rows),
        len(by_unit),
        interval_of(np.array(list(by_unit.values())), seed),
        tuple((hosts[c].id, value) for c, value in by_unit.items()),
        tuple(alone.items()),
    )


ASKING: Final = frozenset(
    {"challenges_met", "levers_met", "topics_met", "same_words", "needs_offers", "needs_answered"}
)
"""Facets of what a city needs against what an activity shows."""


def _by_unit(score: Floats, true: Ints) -> dict[int, float]:
    percentile = percentile_of(*ranks(score, true, np.ones(score.shape, dtype=np.bool_)))
    return {int(c): float(percentile[true == c].mean()) for c in np.unique(true)}
