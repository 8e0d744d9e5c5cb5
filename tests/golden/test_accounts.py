"""What every facet says of six cities made up to be awkward, word for word, with likeness and every fact.

Write the golden anew with ``python tests/golden/test_accounts.py`` after looking at what changed.
"""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest

sys.path.insert(0, str(Path(__file__).parents[1]))

from cities import cohort_of, facet_cache
from twinmatch.facets import FACETS

GOLDEN = Path(__file__).with_name("accounts.txt")
READINESS = ("mandate", "inventory", "target", "plan", "finance", "delivery", "learning")

FULL: dict[str, Any] = {
    "id": "at-full",
    "location": {"lat": 47.07, "lon": 15.44},
    "population": {"value": 290_000, "of": "municipality"},
    "languages": ["de", "en"],
    "challenges": {"industry": 3, "mobility_transport": 1, "built_environment": None},
    "strengths": {"energy_systems": 2},
    "levers_needed": ["procurement", "finance_funding"],
    "levers_offered": ["social_innovation"],
    "needs": "Steel heat for old houses. Trams for all.",
    "offers": "District heat from rivers.",
    "readiness": dict(zip(READINESS, (1, 0, 2, 1, 0, 3, 4), strict=True)),
    "emissions": {
        "year": 2019,
        "form": "gpc",
        "boundary": "metropolitan",
        "boundary_note": "the region of Full",
        "boundary_population": 400_000,
        "kind": "estimated",
        "sectors": {
            "stationary_energy": 600_000,
            "electricity": 100_000,
            "transport": 500_000,
            "waste": 50_000,
            "ippu": "NO",
            "afolu": 12_000,
        },
    },
    "context": {
        "heating_degree_days": {"value": 3_100, "year": 2020},
        "gdp_per_head": {"value": 45_000, "year": 2021, "kind": "estimated"},
        "degree_of_urbanisation": 1,
    },
    "wishes": ["be-other", "unit-two"],
    "sources": [
        {"of": ["needs", "offers"], "from": ["Form"]},
        {"of": ["emissions"], "from": ["Inventory"]},
        {"of": ["context"], "from": ["Eurostat"]},
        {"of": ["wishes"], "from": ["Call"]},
        {"of": ["readiness"], "from": ["Label"]},
        {"of": ["population", "location"], "from": ["Gazetteer"]},
        {"of": ["challenges", "levers_needed"], "from": ["Survey"]},
    ],
}
OTHER: dict[str, Any] = {
    "id": "be-other",
    "location": {"lat": 50.85, "lon": 4.35},
    "population": {"value": 60_000, "of": "settlement"},
    "languages": ["fr"],
    "challenges": {"mobility_transport": 2, "waste_circular_economy": 1},
    "strengths": {"industry": 3, "built_environment": 1},
    "levers_needed": ["procurement"],
    "levers_offered": ["procurement", "governance_policy"],
    "needs": "Trams for all.",
    "offers": "Steel heat for old houses without gas.",
    "readiness": dict(zip(READINESS, (2, 3, 4, 3, 0, 2, 4), strict=True)),
    "emissions": {
        "year": 2021,
        "form": "gpc",
        "boundary": "city",
        "sectors": {
            "stationary_energy": 90_000,
            "transport": 150_000,
            "waste": "IE",
            "ippu": 10_000,
            "afolu": "NE",
        },
    },
    "context": {
        "heating_degree_days": {"value": 2_600, "year": 2020},
        "gdp_per_head": {"value": 60_000, "year": 2020},
        "degree_of_urbanisation": 2,
    },
    "wishes": ["at-full"],
}
THIRD: dict[str, Any] = {
    "id": "cz-third",
    "location": {"lat": 50.08, "lon": 14.43},
    "population": {"value": 9_000, "of": "region"},
    "challenges": ["stationary_energy"],
    "strengths": {"mobility_transport": None},
    "levers_offered": ["finance_funding"],
    "offers": "Trams.",
    "readiness": dict(zip(READINESS, (4, 4, 4, 4, 4, 4, 4), strict=True)),
    "emissions": {
        "form": "economic",
        "boundary": "joint",
        "boundary_population": 9_000,
        "sectors": {
            "stationary_energy": 10_000,
            "transport": 60_000,
            "waste": 500,
            "ippu": "IE",
            "afolu": 300,
            "other": 1_000,
        },
    },
    "context": {"degree_of_urbanisation": 3},
}
PILOT: dict[str, Any] = {
    "id": "de-pilot",
    "roles": ["mission"],
    "languages": ["de"],
    "challenges": {"industry": 1},
    "levers_needed": ["technology_infrastructure", "procurement"],
    "needs": "Heat.",
    "readiness": {"mandate": 3, "inventory": 3, "target": 1},
    "pilot": {
        "activity": "Heat for all",
        "cohort": 2,
        "domains": ["stationary_energy"],
        "levers": ["finance_funding"],
        "summary": "Steel heat for a whole quarter. Nothing else.",
    },
    "emissions": {
        "form": "gpc",
        "boundary": "city",
        "sectors": {"stationary_energy": "NE", "transport": 100, "waste": 50},
    },
}
EMPTY: dict[str, Any] = {"id": "ee-empty"}
SOUTH: dict[str, Any] = {
    "id": "it-south",
    "location": {"lat": 37.5, "lon": 15.08},
    "population": {"value": 311_000, "of": "municipality"},
    "challenges": {"industry": 2, "built_environment": 2},
    "levers_needed": ["finance_funding", "procurement"],
    "needs": "Trams. Steel heat for old houses.",
    "readiness": dict(zip(READINESS, (1, 1, 1, 1, 1, 1, 1), strict=True)),
    "emissions": {
        "year": 2018,
        "form": "economic",
        "boundary": "city",
        "sectors": {"stationary_energy": 400_000, "transport": 450_000, "waste": 30_000},
    },
    "context": {
        "heating_degree_days": {"value": 900, "year": 2020},
        "gdp_per_head": {"value": 20_000, "year": 2020},
    },
}
SIX = [FULL, OTHER, THIRD, PILOT, EMPTY, SOUTH]
UNITS = [{"id": "unit-two", "name": "Two", "cities": ["be-other", "cz-third"]}]


def told(name: str) -> list[str]:
    """Return the lines of a facet over every ordered pair of the six, and of each city with itself."""
    cohort = cohort_of(*SIX, units=UNITS)
    facet = FACETS[name].make(cohort, facet_cache())
    everyone = np.arange(len(cohort))
    likeness = facet.likeness(everyone, everyone)
    lines = [f"# {name}"]
    for i, one in enumerate(cohort.cities):
        for j, other in enumerate(cohort.cities):
            says, facts = facet.says(i, j)
            lines.append(f"{one.id} {other.id} {likeness[i, j]:.6f} {says}")
            lines += [f"    {fact_line(fact)}" for fact in facts]
    return lines


def fact_line(fact: Any) -> str:
    parts = (fact.city, fact.what, repr(fact.value), fact.unit, str(fact.year), fact.kind)
    return " | ".join((*parts, fact.source, fact.place))


def golden() -> dict[str, list[str]]:
    found: dict[str, list[str]] = {}
    for line in GOLDEN.read_text(encoding="utf-8").splitlines():
        if line.startswith("# "):
            found[line[2:]] = []
        list(found.values())[-1].append(line)
    return found


@pytest.mark.parametrize("name", FACETS)
def test_a_facet_says_of_six_cities_what_it_said(name: str) -> None:
    assert told(name) == golden()[name]


def test_the_golden_has_every_facet_and_no_other() -> None:
    assert set(golden()) == set(FACETS)


if __name__ == "__main__":
    everything = [line for name in FACETS for line in told(name)]
    GOLDEN.write_text("\n".join(everything) + "\n", encoding="utf-8")
