"""The support ladder: what each city may join now, and what it lacks for the next step.

Online resources are open to all; discussion groups to cities that say what they struggle with; study visits to
cities with a climate-neutrality target; twinning to those that meet the conditions of the programme. National
events stand beside the ladder: every city of a country may join. What is not known is lacking, and told as such.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from twinmatch.cohort import City, Cohort
from twinmatch.facets.base import listed
from twinmatch.facets.steps import STEPS, step_levels, stuck_at
from twinmatch.programmes.eligibility import conditions
from twinmatch.programmes.programme import Programme
from twinmatch.proposal import Table
from twinmatch.schema import Role

ONLINE, GROUP, VISIT, TWINNING, HOST = (
    "online resources",
    "discussion groups",
    "study visits",
    "twinning",
    "hosting others",
)
NEUTRAL_BY = 2050
"""The target that study visits ask for where the programme does not say."""


@dataclass(frozen=True)
class Standing:
    """A city's level on the ladder, the next one, and what it lacks for it (empty at the top)."""

    level: str
    next: str
    lacks: tuple[str, ...]


def standing(city: City, programme: Programme) -> Standing:
    """Return the highest step that is open to a city with all below it, and what the next one asks."""
    steps = [
        (ONLINE, ()),
        *((name, _lacking(city, programme, name)) for name in (GROUP, VISIT, TWINNING)),
    ]
    level = ONLINE
    for name, lacks in steps:
        if lacks:
            return Standing(level, name, tuple(lacks))
        level = name
    if city.has(Role.MISSION) or city.has(Role.PILOT):
        return Standing(HOST, "", ())
    return Standing(TWINNING, "", ())


def _lacking(city: City, programme: Programme, step: str) -> tuple[str, ...]:
    if step == GROUP:
        named = city.challenges or city.levers_needed
        return () if named else ("a statement of what it struggles with",)
    if step == VISIT:
        visits = getattr(programme, "study_visits", None)
        by = visits.neutral_by if visits is not None else NEUTRAL_BY
        return _target(city, by)
    if city.has(Role.MISSION) or programme.twinning is None:
        return ()
    failed, unknown = conditions(city, programme.twinning.guests)
    return (*failed, *(f"{text} (not known)" for text in unknown))


def _target(city: City, by: int | None) -> tuple[str, ...]:
    if by is None:
        return ()
    stated = city.commitment
    year = (stated.neutral_by or stated.neutral_by_at_latest) if stated else None
    if year is None:
        return (f"a climate-neutrality target by {by} or earlier, signed by its mayor (not known)",)
    return () if year <= by else (f"a target by {by} or earlier (it has {year})",)


def ladder(cohort: Cohort, programme: Programme) -> Table:
    """Return the ladder as a table, a row a city."""
    rows = []
    for city in cohort.cities:
        found = standing(city, programme)
        rows.append((city.id, found.level, found.next, "; ".join(found.lacks)))
    counted = {
        name: sum(row[1] == name for row in rows) for name in (ONLINE, GROUP, VISIT, TWINNING, HOST)
    }
    says = "; ".join(f"{count} at {name}" for name, count in counted.items() if count)
    return Table(
        "ladder",
        "Support ladder",
        ("city", "open to it", "next step", "lacks"),
        tuple(rows),
        f"{says}.",
    )


def transition_map(cohort: Cohort) -> Table:
    """Return where each city stands on the transition map, where it is stuck, and who is ahead there.

    Cities whose readiness is not known have no row. Up to three Mission or Pilot Cities that are one or two
    levels ahead at the step are named, those highest at the step's neighbours in readiness first.
    """
    at, rows = step_levels(cohort), []
    stuck = stuck_at(at)
    ahead = [i for i, c in enumerate(cohort.cities) if c.has(Role.MISSION) or c.has(Role.PILOT)]
    hosts = np.array(ahead, dtype=np.intp)
    for i, city in enumerate(cohort.cities):
        if np.isnan(at[i]).all():
            continue
        step = int(stuck[i])
        helpers = _ahead(cohort, at, hosts, i, step) if step >= 0 else []
        levels = [None if np.isnan(v) else round(float(v), 2) for v in at[i]]
        rows.append(
            (
                city.id,
                *levels,
                STEPS[step].name if step >= 0 else "",
                "; ".join(cohort.cities[j].id for j in helpers),
            )
        )
    columns = ("city", *(step.name for step in STEPS), "stuck at", "ahead there")
    says = (
        f"Levels 0 to 4 of {len(rows)} cities; a city stands at several steps at once. "
        + listed([f"{step.name}: {listed([d.value for d in step.dimensions])}" for step in STEPS])
    )
    return Table("transition_map", "Climate transition map", columns, tuple(rows), f"{says}.")


def _ahead(
    cohort: Cohort,
    at: NDArray[np.float64],
    hosts: NDArray[np.intp],
    i: int,
    step: int,
) -> list[int]:
    """Return up to three hosts one or two levels ahead at a step, nearest in the other steps first."""
    more = at[hosts, step] - at[i, step]  # nan, where not known, is neither
    ready = hosts[(hosts != i) & (more >= 1) & (more <= 2)]
    apart = np.nan_to_num(np.abs(at[ready] - at[i]), nan=2.0).mean(axis=1)
    # Hosts are in the order of ids, as cities are.
    return [int(j) for j in ready[np.argsort(np.round(apart, 6), kind="stable")][:3]]
