"""The score tested on what pilot cities chose: the partners of an activity, and their own activity.

What an activity itself says is taken out of the profiles first, since it would give the answer away. Measured as in
:mod:`twinmatch.whatif.backtest`: percentile ranks, 0 the best and 0.5 chance.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated, Final

import numpy as np
from numpy.typing import NDArray
from pydantic import Field

from twinmatch.affinity import Affinity, compare
from twinmatch.cohort import Cohort
from twinmatch.errors import QuestionError
from twinmatch.facets import FacetCache
from twinmatch.proposal.wire import Numbers, Tabular, frame
from twinmatch.schema import Role
from twinmatch.whatif.backtest import Interval, interval_of, percentile_of, ranks

if TYPE_CHECKING:
    import pandas as pd


Floats = NDArray[np.float64]


@dataclass(frozen=True, repr=False)
class _Ranked(Tabular):
    """What both tests share: figures over units, shown by unit, and by each facet alone."""

    figures: Annotated[Interval, Field(alias="mean_percentile_rank")]
    by_unit: Numbers
    alone: Numbers

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

    across_borders: Interval | None


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
    hosting = ((i, c) for i, c in enumerate(bare) if {Role.MISSION, Role.PILOT} & set(c.roles))
    candidates = [i for i, c in hosting if c.needs or c.challenges]
    columns = tuple(map(bare.alone, candidates))
    affinity = compare(bare, weights, facet_cache, rows=candidates, columns=columns)
    place = {i: k for k, i in enumerate(candidates)}
    at = {u.id: [place.get(cohort.index[c], -1) for c in u.cities] for u in cohort.units}
    known = {name: [k for k in members if k >= 0] for name, members in at.items()}
    units = {name: members for name, members in known.items() if len(members) > 1}
    if not units:
        found = "No host unit has two cities of which anything is known."
        raise QuestionError.of("no-units", found)
    abroad = np.not_equal.outer(bare.countries[candidates], bare.countries[candidates])
    everyone = np.ones_like(abroad)
    ranked = [_unit_rank(affinity.score, members, abroad) for members in units.values()]
    crossing = [value for value in ranked if not np.isnan(value)]

    def by_unit(score: Floats) -> dict[str, float]:
        return {name: _unit_rank(score, members, everyone) for name, members in units.items()}

    across = interval_of(np.array(crossing), seed) if crossing else None
    return PartnerTest(*_measured(affinity, by_unit, seed), across)


def _measured(
    affinity: Affinity, by_unit: Callable[[Floats], dict[str, float]], seed: int
) -> tuple[Interval, Numbers, Numbers]:
    """The figures over units of a score, by unit, and by each facet alone."""
    ranks = by_unit(affinity.score)
    alone = ((n, float(np.mean([*by_unit(s).values()]))) for n, s in affinity.standing.items())
    return interval_of(np.array([*ranks.values()]), seed), tuple(ranks.items()), tuple(alone)


def _unit_rank(score: Floats, members: Sequence[int], rivals: NDArray[np.bool_]) -> float:
    """Mean percentile rank of each member's partners among its rivals that are no partners; nan where there is none."""
    own = [(i, j) for i in members for j in members if i != j and rivals[i, j]]
    mine, true = np.array(own, dtype=np.intp).reshape(-1, 2).T
    among = np.delete(rivals, list(members), axis=1)[mine]
    ranked = np.c_[score[mine, true], np.delete(score, list(members), axis=1)[mine]]
    rank, of = ranks(ranked, np.zeros_like(true), np.c_[np.ones_like(true, bool), among])
    found = percentile_of(rank, of)[of > 1]
    return float(found.mean()) if len(found) else float("nan")


@dataclass(frozen=True, repr=False)
class ActivityTest(_Ranked):
    """How high a score ranks the activity that a city chose to run, among the activities of all host units.

    The city asks with its needs, challenges and levers; every host shows its pilot activity and nothing else.
    The ranks of a unit's cities are averaged first, and the interval is over units.
    """

    cities: int
    units: int


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
    every = bare.hosts((Role.MISSION, Role.PILOT))
    hosts = tuple(host for host in every if any(map(bare.pilots, host.cities)))
    members = ((i, c) for c, host in enumerate(hosts) for i in host.cities)
    own = {i: c for i, c in members if bare.pilots(i) and bare.cities[i].needs}
    if not asked or not own:
        found = (
            "No facet of needs has a weight, or no city that states needs runs a pilot activity."
        )
        do = f"Facets of needs are: {', '.join(sorted(ASKING))}."
        raise QuestionError.of("no-activities", found, do=do)
    rows = tuple(sorted(own))
    true = np.array([own[i] for i in rows], dtype=np.int64)
    affinity = compare(bare, asked, facet_cache, rows=rows, columns=hosts)

    def by_unit(score: Floats) -> dict[str, float]:
        percentile = percentile_of(*ranks(score, true, np.ones(score.shape, dtype=np.bool_)))
        return {hosts[c].id: float(percentile[true == c].mean()) for c in np.unique(true)}

    return ActivityTest(*_measured(affinity, by_unit, seed), len(rows), len(np.unique(true)))


ASKING: Final = frozenset(
    {"challenges_met", "levers_met", "topics_met", "same_words", "needs_offers", "needs_answered"}
)
"""Facets of what a city needs against what an activity shows."""
