"""Formats drawn so that many cannot be made: every repair of their settings solves, and nothing smaller of it does."""

from __future__ import annotations

import itertools
import math
from collections import Counter
from typing import Any

import numpy as np
import pytest

from cities import cohort_of, facet_cache
from rounds_for_tests import DOMAINS, LEVERS
from twinmatch.errors import NoProposalError, QuestionError
from twinmatch.programmes import PRODUCTS, Round
from twinmatch.programmes.programme import programme_model
from twinmatch.programmes.repair_menu import _turned, knobs, loosened

Settings = dict[str, Any]
KINDS = ("small", "not small", "newcomer", "outside the EU", "mission", "small and not newcomer")
DRAWS = {
    "discussion_groups": (13, 14, 15, 16, 18, 19),
    "policy_exchange": (0, 1, 2, 14, 16, 19),
    "study_visits": (1, 2, 9),
    "national_clusters": (1, 3, 4, 9, 11, 13),
    "city_panels": (
        3,
        4,
        5,
        7,
        10,
        11,
        12,
        13,
        16,
        17,
        19,
    ),  # two of them have repairs of settings that hinder each other
    "world_cafe": range(8),
}


def drawn_cities(rng: np.random.Generator) -> list[dict[str, Any]]:
    """Return 4 to 8 cities of three countries, of which some facts are not known."""
    return [
        {
            "id": f"{rng.choice(['at', 'be', 'no'])}-c{k}",
            "roles": ["mission" if rng.random() < 0.35 else "guest"],
            "challenges": {d: int(w) for d in DOMAINS if (w := rng.integers(0, 4))},
            "strengths": {d: int(w) for d in DOMAINS if (w := rng.integers(0, 4))},
            "levers_needed": [v for v in LEVERS if rng.random() < 0.6],
            "levers_offered": [v for v in LEVERS if rng.random() < 0.5],
            "commitment": {"neutral_by": 2040},
            **({"population": {"value": 20_000 * 15 ** int(rng.random() < 0.4)}} if rng.random() < 0.8 else {}),
            **({"participation": {"newcomer": bool(rng.random() < 0.5)}} if rng.random() < 0.7 else {}),
        }
        for k in range(int(rng.integers(4, 9)))
    ]  # fmt: skip


def drawn_rule(rng: np.random.Generator, per: str) -> Settings:
    """Return a rule on a kind of cities; those that compare places where there are several."""
    numbers: list[Settings] = [
        {"at_least": int(rng.integers(1, 4))},
        {"at_most": int(rng.integers(0, 2))},
        {"share_at_least": float(rng.choice([0.3, 0.5, 1.0]))},
        {"share_at_most": float(rng.choice([0.0, 0.3]))},
        {"nobody_alone": True},
        {"balance": int(rng.integers(0, 2))},
        {"gather": True},
    ]
    of = len(numbers) if per not in ("visit", "all") else 5
    return {"who": str(rng.choice(KINDS)), "per": per, **numbers[int(rng.integers(of))]}


def drawn_settings(name: str, rng: np.random.Generator) -> Settings:
    """Return settings of a format, with up to two rules."""
    low = int(rng.integers(2, 6))
    places = {"national_clusters": "cluster", "city_panels": "panel", "study_visits": "visit"}
    rules = [drawn_rule(rng, places.get(name, "group")) for _ in range(int(rng.integers(0, 3)))]
    compared = {"weights": {"challenges_met": 1}}
    themes = [{"id": f"t{k}", "title": d, "domains": [d]} for k, d in enumerate(DOMAINS[:3])]
    needs = [{"id": f"t{k}", "title": v, "levers": [v]} for k, v in enumerate(LEVERS[:2])]
    groups = {
        "size": [low, low + int(rng.integers(0, 4))],
        "leads": [1, 1 + int(rng.integers(0, 2))],
        "least_need": 0.01,
        "known_at_least": 0,
        "rules": rules,
        **compared,
    }
    made: dict[str, Settings] = {
        "discussion_groups": {**groups, "themes": themes[:2]},
        "policy_exchange": {**groups, "themes": needs, "lead_roles": ["mission"]},
        "study_visits": {
            "travellers": "cities",
            "stops": 1,
            "visitors": [low - 1, low + int(rng.integers(0, 3))],
            "not_roles": ["mission"],
            "own_country": True,
            "known_at_least": 0,
            "rules": rules,
            **compared,
        },
        "national_clusters": {
            "size": [low, low + int(rng.integers(0, 4))],
            "anchor": None,
            "known_at_least": 0,
            "weights": {"shared_challenges": 1},
            "rules": rules,
        },
        "city_panels": {
            "size": [low, low + int(rng.integers(0, 3))],
            "mission_at_least": int(rng.integers(0, 3)),
            "cities_per_country": int(rng.integers(1, 4)),
            "mix": {"country": 1},
            "rules": rules,
            **({"panels": int(rng.integers(1, 4))} if rng.random() < 0.4 else {}),
        },
        "world_cafe": {
            "rounds": int(rng.integers(2, 4)),
            "seats": int(rng.integers(2, 5)),
            "themes": themes,
            **compared,
        },
    }
    return made[name]


@pytest.mark.parametrize("name", DRAWS)
def test_every_repair_solves_and_no_smaller_change_of_the_same_settings_does(name):
    ways: Counter[str] = Counter()
    for seed in DRAWS[name]:
        rng = np.random.default_rng(seed)
        cities = cohort_of(*drawn_cities(rng))
        programme = programme_model().model_validate({name: drawn_settings(name, rng)})
        round_ = Round(cities, facet_cache(), programme=programme)
        settings, tried = getattr(programme, name), dict[str, bool]()
        turns = [knob for knob in knobs(round_, settings) if len(knob.values)]

        def works(changed, name=name, round_=round_, tried=tried):
            key = changed.model_dump_json()
            if key not in tried:
                try:
                    tried[key] = bool(PRODUCTS[name](round_, changed).meetings)
                except (NoProposalError, QuestionError):
                    tried[key] = False
            return tried[key]

        def do(steps, works=works, settings=settings, turns=turns):
            changed = _turned(settings, turns, steps)
            return changed is not None and works(changed)

        if works(settings):
            ways["made"] += 1
            continue
        menu, whole = loosened(round_, settings, works)
        assert whole
        for one in menu:
            assert works(one.settings), one.says
            less = itertools.product(*(range(n + 1) for n in one.steps))
            few = itertools.islice(less, math.prod(n + 1 for n in one.steps) - 1)  # all but itself
            assert not any(map(do, few)), one.says
        ways["a repair" if menu else "none"] += 1
        each = (
            tuple(n if k == at else 0 for k in range(len(turns)))
            for at, knob in enumerate(turns)
            for n in range(1, len(knob.values) + 1)
        )
        alone = [steps for steps in each if do(steps)]
        if alone:  # one setting does: the first repair is the smallest of these
            assert (sum(map(bool, menu[0].steps)), sum(menu[0].steps)) == (1, min(map(sum, alone)))
        assert max(Counter(frozenset(one.says) for one in menu).values(), default=0) <= 2
    assert ways["made"] > 0
    assert ways["a repair"] > 1
