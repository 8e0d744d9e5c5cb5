"""Profiles for the tests of intake: one full, and a way to make others with their records."""

from __future__ import annotations

from typing import Any

from twinmatch.errors import Where
from twinmatch.schema import City
from twinmatch.validate import Record


def city(name: str = "de-beispiel", **fields: Any) -> City:
    return City.model_validate(
        {"id": name, "name": name[3:].title(), "country": name[:2].upper(), **fields}
    )


def known(*cities: City) -> list[tuple[City, Record]]:
    return [(c, Record({"id": c.id}, Where(f"{c.id}.yaml"))) for c in cities]


def inventory(**more: Any) -> dict[str, Any]:
    sectors = {
        "stationary_energy": 60_000,
        "transport": 30_000,
        "waste": 10_000,
        "ippu": "NO",
        "afolu": "NO",
    }
    return {
        "year": 2020,
        "form": "gpc",
        "boundary": "city",
        "boundary_population": 20_000,
        "sectors": sectors,
        "total_printed": 100_000,
        **more,
    }


FULL: dict[str, Any] = {
    "id": "de-voll",
    "name": "Voll",
    "local_name": "Völl \u05d7",
    "country": "DE",
    "roles": ["mission", "guest"],
    "location": {"lat": 50.1234567890123, "lon": -0.1},
    "population": {
        "value": 20_001,
        "year": 2021,
        "of": "municipality",
        "note": "2021; with students",
    },
    "languages": ["de", "en"],
    "official_languages": ["de"],
    "mission": {"label_awarded": "2024-10", "note": "=SUM(A1)"},
    "pilot": {
        "activity": "Heat; and more",
        "cohort": 2,
        "domains": ["energy_systems"],
        "levers": ["finance_funding", "procurement"],
        "summary": "A pilot.\nWith two lines.",
        "basis": "city",
    },
    "commitment": {"neutral_by": 2035, "neutral_by_at_latest": 2040, "basis": "council"},
    "participation": {
        "staff_hours_a_month": 12.5,
        "english": "B2",
        "guests_at_most": 2,
        "guests_at_least": 0,
        "programmes": ["One; two", "Three"],
        "basis": "form",
    },
    "needs": "We need heat.",
    "offers": "- We offer \u201ctrams\u201d; + more",
    "challenges": {"energy_systems": 3, "industry": None},
    "strengths": {},
    "seeks": ["industry_decarbonisation", "heat_planning"],
    "shows": [],
    "levers_needed": [],
    "levers_offered": ["technology_infrastructure"],
    "readiness": {"mandate": 0, "inventory": 4},
    "readiness_estimated": {"plan": 2},
    "emissions": {
        "year": 2020,
        "form": "economic",
        "boundary": "joint",
        "boundary_note": "with a neighbour",
        "boundary_population": 30_000,
        "sectors": {
            "stationary_energy": 0.1 + 0.2,
            "electricity": "blank",
            "industry_energy": "C",
            "transport": 1e-7,
            "waste": "IE",
            "ippu": "NO",
            "afolu": "NE",
            "other": 5,
        },
        "scopes": {"scope_1": 1.5, "scope_3": 0},
        "kind": "estimated",
        "removals": -12.25,
        "total_printed": 123456.789,
        "total_check": "differs",
        "unit_as_printed": "kt CO2e",
        "note": "2021",
    },
    "context": {
        "heating_degree_days": {"value": 2448.64, "year": 1990},
        "edgar_per_head": {"value": 8.76, "year": 1990, "kind": "estimated"},
        "nuts3": "DEA2D",
        "degree_of_urbanisation": 1,
    },
    "covenant": {"id": "DE0021", "adhesion_year": 2009, "target_2020": 40, "target_2030": 55.5},
    "wishes": ["se-malmo", "unit-x"],
    "refuses": ["fr-a"],
    "own_labels": ["lot B", "wave 1"],
    "hosts_on": ["heat_planning", "public_transport"],
    "welcomes": ["it-b"],
    "wishes_unordered": True,
    "sources": [
        {"of": ["needs", "offers"], "from": ["A; B", "C"]},
        {
            "of": ["emissions"],
            "from": ["https://example.org/a;b"],
            "year": 2020,
            "after_pairing": True,
        },
    ],
    "version": {"number": 3, "date": "2026-03-31"},
    "note": "True",
}
"""A profile in which every field of the schema is filled, with values that are hard to keep."""
