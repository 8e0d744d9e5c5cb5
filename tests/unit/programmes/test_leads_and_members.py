"""Discussion groups against every way to lead and to join: leads are chosen first, then members for them."""

from __future__ import annotations

import math
from collections import Counter
from itertools import combinations, product

import numpy as np
import pytest
from product_cases import city, round_of, settings_of

from twinmatch.programmes.discussion_groups.search import (
    LEAD_READINESS,
    LEAD_SHOWS,
    LEADS_SHOW,
    PreparedGroups,
    groups_for,
)
from twinmatch.programmes.discussion_groups.settings import Slot
from twinmatch.programmes.rules import allowed_pairs
from twinmatch.programmes.themes import strength_of, topics_of
from twinmatch.schema import Role

THEMES = [
    {"id": "heat", "title": "Heat", "domains": ["energy_systems"]},
    {"id": "waste", "title": "Waste", "domains": ["waste_circular_economy"]},
]


def drawn_for_groups(seed):
    """Return the round and settings of two themes, four cities that may lead, and five that come to learn."""
    rng = np.random.default_rng(seed)
    topics = ("district_heating_cooling", "solar_wind_power", "waste_prevention_recycling")
    domains = ("energy_systems", "waste_circular_economy")
    each = [
        {
            **city(
                f"{('dk', 'be', 'se')[int(rng.integers(3))]}-l{k}",
                "mission",
                shows=dict(zip(domains, rng.integers(1, 4, 2).tolist(), strict=True)),
            ),
            "shows": [t for t in topics if rng.random() < 0.5],
        }
        for k in range(4)
    ]
    for k in range(5):
        wanted = dict(zip(domains, rng.integers(1, 4, 2).tolist(), strict=True))
        seeks = [t for t in topics if rng.random() < 0.5]
        each.append({**city(f"at-m{k}", wants=wanted), "seeks": seeks})
    low = int(rng.integers(1, 3))
    asked = {
        "themes": THEMES,
        "leads": (low, 2),
        "size": (3, 5),
        "least_need": 0,
        "weights": {"theme": 1},
    }
    return round_of(*each), settings_of("discussion_groups", **asked)


def ways_to_lead(round_, slots, least, most):
    """Yield who leads each group: of different countries, nobody twice."""
    may = [i for i, c in enumerate(round_.cohort.cities) if c.has(Role.MISSION)]
    each = [w for n in range(least, most + 1) for w in combinations(may, n)]
    land = round_.cohort.countries
    each = [w for w in each if len({land[i] for i in w}) == len(w)]
    for ways in product(each, repeat=len(slots)):
        led = [i for way in ways for i in way]
        if len(led) == len(set(led)):
            yield ways


def worth_of_leads(round_, slots, ways):
    """Return how many lead and what they are worth together, from their profiles and the strength in a theme."""
    cities, total = round_.cohort.cities, 0.0
    sought = Counter(t for c in cities if not c.has(Role.MISSION) for t in c.seeks or ())
    for slot, way in zip(slots, ways, strict=True):
        strength, own = strength_of(round_, slot.theme), topics_of(slot.theme)
        asked = (
            {t: float(sought[t]) for t in own}
            if any(sought[t] for t in own)
            else dict.fromkeys(own, 1.0)
        )
        shown = {i: {*(cities[i].shows or ())} for i in way}
        for i in way:
            can = any(asked[t] for t in own if t in shown[i])
            total += LEAD_READINESS * 0.5 + (1 - LEAD_READINESS) * strength[i] + LEAD_SHOWS * can
        seen = set[str]().union(*shown.values())
        missed = sum(n for t, n in asked.items() if t not in seen)
        total -= LEADS_SHOW * missed / sum(asked.values())
    return sum(map(len, ways)), total


def best_members(ready):
    """Return the most members and their best total under given leads, by trying every way to join; None where none fits."""
    low, high = ready.settings.size
    score, best = ready.affinity.score, None
    open_ = ready.grid(allowed_pairs(ready.rules)).T
    for label in product((-1, 0, 1), repeat=len(score)):
        sizes = [len(ready.leads[t]) + label.count(t) for t in (0, 1)]
        if all(low <= n <= high for n in sizes) and all(
            open_[r, t] for r, t in enumerate(label) if t >= 0
        ):
            total = math.fsum(score[r, t] for r, t in enumerate(label) if t >= 0)
            best = max(best or (0, 0.0), (sum(t >= 0 for t in label), total))
    return best


@pytest.mark.parametrize("seed", range(12))
def test_leads_are_the_best_of_all_and_then_members_the_best_of_all_for_them(seed):
    round_, asked = drawn_for_groups(seed)
    made = groups_for(round_, asked, dict.fromkeys(asked.themes, 1))
    if isinstance(made, tuple):
        slots = [Slot(theme, 1, 1) for theme in asked.themes]
        assert not [*ways_to_lead(round_, slots, *asked.leads)]
        return
    ready = made.ready
    worth = {
        ways: worth_of_leads(round_, ready.slots, ways)
        for ways in ways_to_lead(round_, ready.slots, *asked.leads)
    }
    mine = worth_of_leads(round_, ready.slots, tuple(tuple(sorted(way)) for way in ready.leads))
    assert mine == pytest.approx(max(worth.values()))
    filled, total = best_members(ready)
    assert (made.solution.filled, made.solution.score) == (filled, pytest.approx(total))
    others = (PreparedGroups(round_, asked, ready.slots, ways) for ways in worth)
    joint = max(found for other in others if (found := best_members(other)))
    assert joint[0] == filled  # leads who are chosen first keep nobody out,
    assert total >= 0.89 * joint[1]  # and seldom cost members any of their fit
