"""The support ladder: what each city may join now, and what it lacks for the next step.

Online resources are open to all; discussion groups to cities that say what they struggle with; study visits to
cities with a climate-neutrality target; twinning to those that meet the conditions of the programme. National
events stand beside the ladder: every city of a country may join. What is not known is lacking, and told as such.

Support pathways: a catalogue of resources kept by the coordinator, matched to each city's needs with reasons.

A resource is matched by the facets of the programme: how far the city's challenges and needed levers are those of
the resource, whether it serves the step of the transition map at which the city is stuck, and whether the city
works in its language. Resources for a higher step of the support ladder than the city's are not offered.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from twinmatch.affinity import Affinity, OwnFacet, compare
from twinmatch.cohort import City, Cohort, Host
from twinmatch.facets import FacetCache
from twinmatch.facets.base import listed
from twinmatch.facets.steps import STEPS, step_levels, stuck_at
from twinmatch.geography import language_name
from twinmatch.programmes.base import Catalogue, Resource
from twinmatch.programmes.eligibility import conditions
from twinmatch.programmes.programme import Programme
from twinmatch.programmes.themes import Theme, ThemeNeed
from twinmatch.proposal import Fact, Table
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


Floats = NDArray[np.float64]


LADDER: Final = (ONLINE, GROUP, VISIT, TWINNING, HOST)


WEIGHTS: Final = {"theme": 60.0, "step": 25.0, "language": 15.0}


class _Step:
    """1 where a resource serves the step at which a city is stuck, else 0; nan where either is not known."""

    def __init__(self, cohort: Cohort, resources: Sequence[Resource]) -> None:
        self._cities, self._resources = cohort.cities, resources
        self._stuck = stuck_at(step_levels(cohort))

    def likeness(self, rows: Sequence[int]) -> Floats:
        table = np.full((len(rows), len(self._resources)), np.nan)
        for r, i in enumerate(rows):
            for c, resource in enumerate(self._resources):
                if self._stuck[i] >= 0 and resource.steps:
                    table[r, c] = float(STEPS[self._stuck[i]].code in resource.steps)
        return table

    def says(self, i: int, column: int) -> tuple[str, tuple[Fact, ...]]:
        name, resource = self._cities[i].name, self._resources[column]
        if self._stuck[i] < 0 or not resource.steps:
            return (
                f"At which step {name} is stuck, or which step the resource serves, is not known.",
                (),
            )
        step = STEPS[self._stuck[i]]
        serves = "serves" if step.code in resource.steps else "does not serve"
        return f"It {serves} the step at which {name} is stuck: “{step.name}”.", ()


class _Language:
    """1 where a city works in a language of the resource, else 0; nan where its languages are not known."""

    def __init__(self, cohort: Cohort, resources: Sequence[Resource]) -> None:
        self._cities, self._resources = cohort.cities, resources

    def likeness(self, rows: Sequence[int]) -> Floats:
        return np.array(
            [
                [
                    float(bool(set(resource.languages) & set(self._cities[i].languages)))
                    if self._cities[i].languages
                    else np.nan
                    for resource in self._resources
                ]
                for i in rows
            ]
        ).reshape(len(rows), len(self._resources))

    def says(self, i: int, column: int) -> tuple[str, tuple[Fact, ...]]:
        names = listed([language_name(v) for v in self._resources[column].languages], "or")
        return f"It is in {names}.", ()


def matched(cohort: Cohort, facet_cache: FacetCache, catalogue: Catalogue) -> Affinity:
    """Return how well every resource (column) fits every city (row), with the account of each."""
    resources = catalogue.resources
    themes = [
        Theme.model_construct(id=r.id, title=r.title, domains=r.domains, levers=r.levers)
        for r in resources
    ]
    columns = [Host(r.id, r.title, ()) for r in resources]
    own: dict[str, OwnFacet] = {
        "theme": ThemeNeed(cohort, themes),
        "step": _Step(cohort, resources),
        "language": _Language(cohort, resources),
    }
    return compare(cohort, WEIGHTS, facet_cache, columns=columns, own=own)


def pathways(
    cohort: Cohort, facet_cache: FacetCache, catalogue: Catalogue, programme: Programme
) -> Table:
    """Return the best resources for each city, with the reasons, as a table; none where none is known to fit.

    A resource is named only where something of the city's own is known to ask for it: a challenge, a lever or
    the step at which it is stuck.
    """
    affinity = matched(cohort, facet_cache, catalogue)
    rows = []
    for i, city in enumerate(cohort.cities):
        level = LADDER.index(standing(city, programme).level)
        asked = [
            c
            for c, resource in enumerate(catalogue.resources)
            if LADDER.index(resource.level) <= level
            and np.fmax(affinity.likeness["theme"][i, c], affinity.likeness["step"][i, c]) > 0
        ]
        best = sorted(asked, key=lambda c: (-round(float(affinity.score[i, c]), 9), c))
        for place, c in enumerate(best[: catalogue.per_city], 1):
            account, resource = affinity.account(i, c), catalogue.resources[c]
            why = " ".join(line.says for line in account.lines if line.known and line.likeness > 0)
            rows.append(
                (city.id, place, resource.title, resource.link, round(account.score, 6), why)
            )
    served = len({row[0] for row in rows})
    return Table(
        "pathways",
        "Support pathways",
        ("city", "place", "resource", "link", "score", "why"),
        tuple(rows),
        f"{len(catalogue.resources)} resources matched to {served} of {len(cohort)} cities; the others have not "
        "said what they struggle with.",
    )
