"""Support pathways: a catalogue of resources kept by the coordinator, matched to each city's needs with reasons.

A resource is matched by the facets of the programme: how far the city's challenges and needed levers are those of
the resource, whether it serves the step of the transition map at which the city is stuck, and whether the city
works in its language. Resources for a higher step of the support ladder than the city's are not offered.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

import numpy as np
from numpy.typing import NDArray

from twinmatch.affinity import Affinity, OwnFacet, compare
from twinmatch.cohort import Cohort, Host
from twinmatch.facets import FacetCache
from twinmatch.facets.base import listed
from twinmatch.facets.steps import STEPS, step_levels, stuck_at
from twinmatch.geography import language_name
from twinmatch.programmes.ladder import GROUP, HOST, ONLINE, TWINNING, VISIT, standing
from twinmatch.programmes.programme import Programme
from twinmatch.programmes.resources import Catalogue, Resource
from twinmatch.programmes.themes import Theme, ThemeNeed
from twinmatch.proposal import Fact, Table

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
