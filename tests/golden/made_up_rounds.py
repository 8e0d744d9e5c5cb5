"""Thirty cities made up to differ in everything that formats look at, and programmes that ask for nearly every rule."""

from __future__ import annotations

from typing import Any

from twinmatch.schema import Domain, Lever

PLACES = {
    "at": ("de", 47.1, 15.4),
    "be": ("nl", 51.0, 3.7),
    "de": ("de", 52.5, 13.4),
    "dk": ("da", 56.2, 10.2),
    "it": ("it", 45.5, 9.2),
    "rs": ("sr", 44.8, 20.5),
    "tr": ("tr", 41.0, 29.0),
}
SIZES = (12_000, 45_000, 95_000, 100_000, 380_000, 900_000)
DOMAINS = [d.value for d in Domain if d is not Domain.STATIONARY_ENERGY]
LEVERS = [lever.value for lever in Lever]
SENTENCES = (
    "Heat for old houses without gas.",
    "Trams for all quarters.",
    "The law on rents is slow.",
    "Money for steel heat.",
    "Staff who can read data.",
)
STEPS = ("mandate", "inventory", "target", "plan", "finance", "delivery", "learning")


def made_up(k: int) -> dict[str, Any]:
    """Return the profile of the k-th city: each field turns at its own pace, and some stay unknown."""
    code = list(PLACES)[k % 7]
    language, lat, lon = PLACES[code]
    mission = k % 3 == 0
    city: dict[str, Any] = {
        "id": f"{code}-c{k:02}",
        "name": f"City {k:02}",
        "roles": ["mission"] if mission else ["pilot", "guest"] if k % 7 == 1 else ["guest"],
        "languages": [language, "en"][: 1 + k % 2],
        "location": {"lat": lat + k % 5 / 4, "lon": lon + k % 4 / 4},
        "challenges": {DOMAINS[(k + j) % 6]: 3 - j for j in range(1 + k % 3)},
        "levers_needed": [LEVERS[(k * 3 + j) % len(LEVERS)] for j in range(1 + k % 2)],
        "needs": f"{SENTENCES[k % 5]} {SENTENCES[(k + 2) % 5]}",
        "readiness": {step: (k + j) % 5 for j, step in enumerate(STEPS[: 3 + k % 5])},
        "commitment": {"neutral_by": (2030, 2035, 2040, 2050, 2060)[k % 5]},
        "participation": {"staff_hours_a_month": 8 + 4 * (k % 4), "english": "B1" if k % 4 else "A2"},
        "context": {"degree_of_urbanisation": 1 + k % 3},
        "sources": [{"of": ["needs", "challenges"], "from": [f"Form of city {k:02}"]}],
    }  # fmt: skip
    if k % 8 != 5:
        city["population"] = {"value": SIZES[k % 6], "of": "municipality"}
    if mission:
        city["strengths"] = {DOMAINS[(k + j) % 6]: 3 - j for j in range(1 + k % 2)}
        city["levers_offered"] = [LEVERS[(k + j) % len(LEVERS)] for j in range(3)]
        city["offers"] = SENTENCES[(k + 1) % 5]
        city["participation"] |= {"guests_at_most": 1 + k % 3, "visitors_at_most": 3 + k % 4}
    if k % 4 == 2:
        city["participation"] |= {"newcomer": k % 8 == 2, "weeks": [f"2027-W{10 + k % 3}"]}
    if k % 11 == 4:
        city["participation"]["programmes"] = ["Round 1"]
    for unknown in {5: ("commitment", "challenges"), 13: ("participation", "readiness")}.get(k, ()):
        del city[unknown]
    return city


CITIES = [made_up(k) for k in range(30)]
_named = {city["id"]: city for city in CITIES}
_named["be-c01"]["wishes"] = ["it-c18", "dk-c03"]
_named["de-c02"]["refuses"] = ["at-c00"]
_named["at-c00"]["welcomes"] = ["be-c08", "it-c04"]
_named["rs-c12"]["refuses"] = ["dk-c10"]
UNITS = [
    {"id": "unit-pair", "name": "The Pair", "cities": ["rs-c12", "it-c18"], "guests_at_most": 2}
]

WITHOUT_PILOTS = [{**c, "roles": [r for r in c["roles"] if r != "pilot"]} for c in CITIES]

THEMES = [
    {"id": "heat", "title": "Heat", "domains": ["energy_systems", "built_environment"]},
    {"id": "ways", "title": "Ways", "domains": ["mobility_transport"], "levers": ["procurement"]},
    {"id": "words", "title": "Words", "texts": ["Money for steel heat."]},
]
FACETS = {"challenges_met": 2, "readiness_step": 1, "context": 1, "needs_offers": 1}

PROGRAMMES: dict[str, dict[str, Any]] = {
    "twinning, plain": {"twinning": {"weights": FACETS, "reserves": 2}},
    "twinning, every rule": {
        "twinning": {
            "title": "Pairs",
            "weights": FACETS,
            "places": 9,
            "guests_per_host": (0, 3),
            "another_country": True,
            "guests_per_country": 3,
            "guests": {
                "roles": ["guest", "pilot"],
                "neutral_by": 2060,
                "staff_hours_a_month": 10,
                "english": "B1",
                "population_at_least": 20_000,
                "urbanisation_at_most": 2,
            },
            "lock": [("be-c01", "dk-c03")],
            "ban": [("de-c16", "at-c00")],
            "past": [("it-c04", "dk-c24")],
            "shared_language": True,
            "overall": [{"who": "outside the EU", "at_least": 1, "share_at_most": 0.5}],
            "per_host": [{"who": "large", "at_most": 2}],
            "facilitators": [
                {"name": "Ada", "pairs_at_most": 2, "languages": ["de"]},
                {"name": "Ben", "pairs_at_most": 9},
            ],
            "fairness": "worst-off",
        }
    },
    "twinning, several hosts each": {
        "twinning": {
            "weights": FACETS,
            "hosts_per_guest": 2,
            "once_hosting": 2,
            "guests_per_host": (0, 4),
            "only_wished": True,
            "hosts_inside_eu": True,
            "guests": {"unknown": "let in", "population_at_most": 200_000, "inside_eu": True},
            "reserves": 0,
        }
    },
    "twinning, named hosts, a round replayed": {
        "twinning": {
            "weights": FACETS,
            "host_ids": ["unit-pair", "be-c15", "tr-c27"],
            "guests": {"took_part_in": ["Round 1"], "unknown": "keep out"},
        }
    },
    "groups and the visits of their members": {
        "discussion_groups": {
            "themes": THEMES,
            "weights": {"theme": 2, "context": 1},
            "leads": (1, 2),
            "size": (4, 9),
            "cities_per_country": 2,
            "groups_a_theme": 2,
        },
        "study_visits": {
            "weights": {"challenges_met": 1, "needs_offers": 1},
            "visitors": (1, 4),
            "visits_per_host": 2,
            "leg_km": 900,
            "modes": [
                {"mode": "rail", "grams_per_km": 30, "low": 5, "high": 60, "detour": 1.2, "year": 2025, "source": "A"},
                {"mode": "air", "grams_per_km": 200, "low": 90, "high": 250, "year": 2025, "source": "B"},
            ],
            "no_rail": ["TR"],
        },
    },
    "mixed groups with new peers": {
        "discussion_groups": {
            "themes": THEMES,
            "weights": {"theme": 1},
            "leads": (1, 2),
            "size": (3, 12),
            "mixed": ["size", "country"],
            "alike": ["readiness"],
            "past": [("be-c01", "de-c02", "rs-c05"), ("it-c04", "dk-c10", "gone")],
        }
    },
    "several groups a city": {
        "discussion_groups": {
            "themes": [*THEMES, {"id": "south", "title": "South", "domains": ["industry"], "countries": ["IT", "TR"]}],
            "weights": {"theme": 1},
            "lead_roles": ["mission", "pilot"],
            "leads": (1, 3),
            "lead_of": 2,
            "groups_per_city": 2,
            "size": (3, 20),
        }
    },
    "pairs and visits under one ledger": {
        "ledger": {
            "hours": 30,
            "trips": 3,
            "tasks": 2,
            "cities": [{"city": "dk-c24", "trips": 1, "hours": 9}],
        },
        "twinning": {"weights": FACETS, "places": 6},
        "study_visits": {
            "weights": {"challenges_met": 1},
            "travellers": "cities",
            "visitors": (1, 3),
            "stops": 1,
            "unknown": "let in",
            "own_country": True,
            "weeks": ["2027-W10", "2027-W12"],
            "modes": [],
        },
    },
    "clusters": {"national_clusters": {"weights": {"readiness": 1, "shared_challenges": 1}, "size": (3, 6)}},
    "clusters split by theme": {
        "national_clusters": {
            "weights": {"context": 1},
            "size": (2, 4),
            "split_by": "theme",
            "never_joined": [("RS", "TR")],
            "anchor": "pilot",
            "bridges": 1,
        }
    },
    "panels": {"city_panels": {"size": (4, 6), "mix": {"country": 1, "size": 2, "newcomer": 1}}},
    "panels of some": {
        "city_panels": {
            "size": (3, 7),
            "panels": 3,
            "roles": ["mission", "pilot"],
            "mission_at_least": 2,
            "cities_per_country": 2,
            "mix": {"readiness": 1},
        }
    },
    "policy exchange and a café": {
        "policy_exchange": {
            "themes": [
                {"id": "buying", "title": "Buying", "levers": ["procurement", "finance_funding"]},
                {"id": "law", "title": "Law", "levers": ["regulation_national"], "countries": ["AT", "DE", "BE"]},
                {"id": "data", "title": "Data", "levers": ["data_digitalisation"]},
            ],
            "weights": {"theme": 1},
            "size": (3, 12),
            "leads": (1, 2),
        },
        "world_cafe": {
            "themes": THEMES,
            "weights": {"theme": 1},
            "rounds": 2,
            "seats": 4,
            "host_roles": ["mission"],
        },
    },
    "nothing opens": {
        "discussion_groups": {
            "themes": [
                {"id": "none", "title": "None", "domains": ["industry"], "countries": ["FI"]},
                {"id": "few", "title": "Few", "domains": ["industry"], "countries": ["TR"]},
            ],
            "weights": {"theme": 1},
            "size": (9, 12),
        },
        "city_panels": {"size": (40, 50)},
    },
    "one theme of two opens": {
        "discussion_groups": {
            "themes": [THEMES[0], {"id": "few", "title": "Few", "domains": ["industry"], "countries": ["TR"]}],
            "weights": {"theme": 1, "readiness": 1},
            "size": (6, 12),
            "least_need": 0.3,
        }
    },
    "guests of pairs travel": {
        "twinning": {"weights": FACETS, "places": 5, "reserves": 1},
        "study_visits": {
            "weights": {"challenges_met": 1},
            "travellers": "pairs",
            "visitors": (2, 3),
            "stops": 1,
            "people": 1,
            "unknown": "keep out",
            "neutral_by": 2040,
            "modes": [],
        },
    },
    "limits of load in turn": {
        "ledger": {"hours": 12, "tasks": 1, "order": ["national_clusters", "discussion_groups"]},
        "discussion_groups": {"themes": THEMES[:2], "weights": {"theme": 1}, "size": (3, 8), "leads": (1, 2)},
        "national_clusters": {"weights": {"context": 1}, "size": (2, 9)},
        "city_panels": {"size": (3, 6), "mission_at_least": 0, "mix": {"mission": 1, "region": 1}},
    },
}  # fmt: skip

VISITS = {"weights": {"challenges_met": 1}, "modes": []}
PROGRAMMES |= {
    "pairs and visits that do not fit together": {
        "ledger": {"trips": 1, "order": ["twinning", "study_visits"]},
        "twinning": {"weights": FACETS, "lock": [("be-c01", "dk-c03")]},
        "study_visits": {**VISITS, "travellers": "cities"},
    },
}
IMPOSSIBLE: dict[str, dict[str, Any]] = {
    "more guests than there are": {"twinning": {"weights": FACETS, "guests_per_host": (3, 4)}},
    "unknown and contradictory pairs": {
        "twinning": {
            "weights": FACETS,
            "lock": [("be-c01", "dk-c03"), ("be-c01", "nowhere"), ("at-c07", "at-c14")],
            "ban": [("be-c01", "dk-c03")],
        }
    },
    "hosts that nobody knows": {"twinning": {"weights": FACETS, "host_ids": ["unit-pears", "be-c15"]}},
    "nobody may host": {
        "twinning": {"weights": FACETS, "host_ids": ["tr-c27"], "hosts_inside_eu": True}
    },
    "visits before their groups": {"study_visits": VISITS},
    "visits before their pairs": {"study_visits": {**VISITS, "travellers": "pairs"}},
    "nobody may lead": {
        "discussion_groups": {"themes": THEMES, "weights": {"theme": 1}, "lead_roles": ["pilot"]},
    },
    "a country that cannot be split": {
        "national_clusters": {"weights": {"context": 1}, "size": (4, 4)}
    },
    "panels of too few Mission Cities": {
        "city_panels": {"size": (3, 4), "mission_at_least": 2, "cities_per_country": 1, "mix": {"size": 1}}
    },
    "a number of panels that cannot be": {
        "city_panels": {"size": (4, 5), "panels": 12, "mix": {"size": 1}}
    },
    "a ledger that names nobody": {
        "ledger": {"cities": [{"city": "be-c1", "trips": 1}, {"city": "fi-c01", "hours": 9}]},
        "twinning": {"weights": FACETS},
    },
    "a café without hosts": {
        "world_cafe": {"themes": THEMES, "weights": {"theme": 1}, "rounds": 2, "host_roles": ["pilot"], "seats": 2}
    },
}  # fmt: skip
"""Programmes that cannot be answered; "nobody may lead" is asked where no city is a pilot."""
