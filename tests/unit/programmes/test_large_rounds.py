"""Thousands of cities are clustered and panelled in parts; with the limits lowered, a few dozen go the same way."""

from __future__ import annotations

import itertools
import random
from collections import Counter
from dataclasses import asdict

import numpy as np
import pytest
from product_cases import city, propose_city_panels, round_of, settings_of

from cities import cohort_of, facet_cache
from twinmatch.affinity import compare
from twinmatch.programmes.city_panels import search as panel_mixing
from twinmatch.programmes.national_clusters import countries, propose_national_clusters, search
from twinmatch.programmes.national_clusters.settings import likeness_of
from twinmatch.vocabulary.geography import country

DOMAINS = ("industry", "mobility_transport", "energy_systems", "waste_circular_economy")


def italians(n, anchors):
    """Return cities of one country on a line of sizes, with challenges that turn."""
    return [
        city(
            f"it-c{k:02}",
            *(("mission",) if k % (n // anchors) == 0 else ()),
            wants={DOMAINS[k % 4]: 3, DOMAINS[k // 4 % 4]: 1},
            population={"value": 10_000 + 7_000 * (k * 11 % n), "of": "municipality"},
            readiness=dict.fromkeys(("mandate", "target"), k % 5),
        )
        for k in range(n)
    ]


def clusters(**changes):
    fields = {"weights": {"context": 1, "shared_challenges": 1, "readiness": 1}, **changes}
    return settings_of("national_clusters", **fields)


@pytest.fixture
def few(monkeypatch):
    """Lower the limits, so that a few dozen cities are many."""
    monkeypatch.setattr(search, "AT_ONCE", 8)
    monkeypatch.setattr(search, "TOGETHER", 10)
    monkeypatch.setattr(search, "LANDMARKS", 7)
    monkeypatch.setattr(search, "BLOCK", 60)
    monkeypatch.setattr(countries, "BLOCK", 60)
    monkeypatch.setattr(panel_mixing, "AT_ONCE", 8)
    monkeypatch.setattr(panel_mixing, "TOGETHER", 10)
    monkeypatch.setattr(panel_mixing, "PROVABLE", 4)


def members(product):
    return [set(m.cities()) for m in product.meetings]


# --- clusters --------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("n", "anchors"), [(24, 6), (30, 10), (33, 3)])
def test_a_large_country_is_split_whole_with_its_anchors_shared(few, n, anchors):
    product = propose_national_clusters(round_of(*italians(n, anchors)), clusters(size=(4, 6)))
    assert sorted(c for group in members(product) for c in group) == [
        f"it-c{k:02}" for k in range(n)
    ]
    count = len(product.meetings)
    assert {len(m.members) for m in product.meetings} <= {n // count, n // count + 1}
    leads = [len(m.cities("lead")) for m in product.meetings]
    assert min(leads) >= anchors // count
    assert max(leads) <= anchors // count + 1
    assert all(rule.status == "kept" for rule in product.rules)


def test_what_is_found_in_parts_is_near_what_every_swap_finds_and_below_its_bound(monkeypatch, few):
    round_ = round_of(*italians(30, 6))
    parts = propose_national_clusters(round_, clusters(size=(4, 6)))
    monkeypatch.setattr(search, "AT_ONCE", 1_000)
    monkeypatch.setattr(search, "TOGETHER", 1_000)
    whole = propose_national_clusters(round_, clusters(size=(4, 6), starts=40))
    assert 0.8 * whole.score <= parts.score <= whole.score + 1e-9
    assert parts.status == "feasible"
    assert parts.bound >= whole.score - 1e-9


def test_the_bound_of_parts_holds_for_the_best_of_all_splits(monkeypatch, few):
    """Eight cities in two clusters of four: 35 splits, each scored by hand from the likenesses."""
    monkeypatch.setattr(search, "AT_ONCE", 7)
    monkeypatch.setattr(search, "TOGETHER", 4)
    cohort, settings = cohort_of(*italians(8, 8)), clusters(size=(4, 4), anchor=None)
    everyone = list(range(8))
    affinity = compare(cohort, settings.weights, facet_cache(), rows=everyone, columns=None)
    likeness = likeness_of(affinity, settings, np.array(everyone))

    def worth(split):
        return sum(
            sum(likeness[i, j] for j in group if j != i) / (len(group) - 1)
            for group in split
            for i in group
        )

    best = max(
        worth((set(half), set(everyone) - set(half)))
        for half in itertools.combinations(everyone, 4)
    )
    product = propose_national_clusters(round_of(*italians(8, 8)), settings)
    found = [{cohort.index[c] for c in group} for group in members(product)]
    seats = np.full(8, -1)
    label, slack = search._split_in_parts(
        affinity, settings, everyone, [4, 4], seats, np.zeros(8, dtype=bool), []
    )
    mine = worth([set(np.flatnonzero(label == g).tolist()) for g in (0, 1)])
    assert mine == pytest.approx(worth(found))
    assert mine <= best + 1e-9
    assert mine + slack >= best - 1e-9
    assert slack >= 0


def test_parts_do_not_hang_on_the_order_of_the_input(few):
    cities = italians(30, 6)
    first = propose_national_clusters(round_of(*cities), clusters(size=(4, 6)))
    random.Random(3).shuffle(cities)
    again = propose_national_clusters(round_of(*cities), clusters(size=(4, 6)))
    assert str(asdict(again)) == str(asdict(first))


def test_small_countries_stay_whole_beside_a_large_one_in_parts(few):
    small = [city(f"{code}-c{k}") for code in ("si", "ch") for k in range(2)]
    product = propose_national_clusters(round_of(*italians(24, 4), *small), clusters(size=(4, 7)))
    for code in ("si", "ch"):
        ids = {f"{code}-c{k}" for k in range(2)}
        assert [ids <= group for group in members(product) if ids & group] == [True]
    assert all(rule.status == "kept" for rule in product.rules)


def test_likeness_to_some_is_a_part_of_the_likeness_to_all(few):
    settings = clusters()
    cohort = cohort_of(*italians(12, 3))
    affinity = compare(cohort, settings.weights, facet_cache(), rows=range(12), columns=None)
    whole = likeness_of(affinity, settings, np.arange(12))
    some = likeness_of(affinity, settings, np.array([1, 5, 7]), np.array([5, 0, 11, 1]))
    np.testing.assert_allclose(some, whole[np.ix_([1, 5, 7], [5, 0, 11, 1])], atol=1e-9)
    assert some[0, 3] == some[1, 0] == 0.0  # a city beside itself
    np.testing.assert_allclose(whole, whole.T)


def test_the_direction_puts_like_cities_side_by_side():
    """Large cities that struggle with industry and small ones with transport: each kind on one side."""
    kinds = (("industry", 900_000), ("mobility_transport", 9_000))
    cities = []
    for k in range(40):
        domain, people = kinds[k % 2]
        size = {"value": people, "of": "municipality"}
        cities.append(city(f"it-c{k:02}", wants={domain: 1}, population=size))
    settings, cohort = clusters(weights={"context": 1, "shared_challenges": 1}), cohort_of(*cities)
    affinity = compare(cohort, settings.weights, facet_cache(), rows=range(40), columns=None)
    along = search._direction(affinity, settings, np.arange(40))
    left, right = along[::2], along[1::2]
    assert left.max() < right.min() or right.max() < left.min()


NOBODY = np.zeros(6, dtype=bool)


@pytest.mark.parametrize(
    ("side", "anchors", "size", "left"),
    [
        ([0] * 6, NOBODY, 3, [1, 3, 5]),  # the lowest along the direction
        ([0] * 6, NOBODY, 2, [3, 5]),
        ([0, -1, 0, 0, 0, 0], NOBODY, 3, [3, 4, 5]),  # a seat in the other half
        ([1, 0, 0, 0, 0, 0], NOBODY, 3, [0, 3, 5]),  # a seat in this half
        # Two anchors, both high along the direction: one comes in all the same.
        ([0] * 6, np.array([1, 0, 1, 0, 0, 0], dtype=bool), 3, [2, 3, 5]),
        # An anchor seated here is the half's share of two.
        ([1, 0, 0, 0, 0, 0], np.array([1, 0, 1, 0, 0, 0], dtype=bool), 3, [0, 3, 5]),
    ],
)
def test_a_half_is_what_lies_lowest_with_its_share_of_anchors(side, anchors, size, left):
    direction = np.array([9.0, 3.0, 8.0, 1.0, 5.0, 2.0])
    found = search._half(direction, np.array(side), anchors, size)
    assert np.flatnonzero(found).tolist() == left


# --- panels ----------------------------------------------------------------------------------------------


def europeans(n):
    codes, rng = ("at", "be", "de", "dk", "it", "rs"), random.Random(1)
    return [
        city(
            f"{codes[k % 6]}-c{k:02}",
            *(("mission",) if k % 3 == 0 else ("guest",)),
            population={"value": rng.choice((20_000, 200_000, 900_000)), "of": "municipality"},
            readiness={"mandate": rng.randrange(4)},
        )
        for k in range(n)
    ]


def panels(**changes):
    fields = {
        "size": (4, 6),
        "mission_at_least": 1,
        "cities_per_country": 2,
        "mix": {"size": 2, "country": 1, "readiness": 1},
        **changes,
    }
    return settings_of("city_panels", **fields)


def test_panels_in_parts_keep_the_quotas_and_come_near_those_of_every_swap(monkeypatch, few):
    round_ = round_of(*europeans(36))
    parts = propose_city_panels(round_, panels())
    assert sorted(c for group in members(parts) for c in group) == sorted(
        c["id"] for c in europeans(36)
    )
    assert "among some panels at a time" in parts.engine
    assert all(rule.status == "kept" for rule in parts.rules)
    monkeypatch.setattr(panel_mixing, "AT_ONCE", 1_000)
    whole = propose_city_panels(round_, panels())
    assert "at a time" not in whole.engine
    assert 0.97 * whole.score <= parts.score <= parts.bound + 1e-9
    assert whole.score <= parts.bound + 1e-9


def test_panels_in_parts_weigh_rules_with_a_price_and_balance(few):
    rules = [
        {"each": "region", "at_most": 1, "price": 40},
        {"who": "large", "balance": 1},
    ]
    plain = propose_city_panels(round_of(*europeans(36)), panels())
    found = propose_city_panels(round_of(*europeans(36)), panels(rules=rules))
    assert found.score <= found.bound + 1e-9
    assert all(rule.status in ("kept", "relaxed") for rule in found.rules)
    regions = [Counter(country(c[:2].upper()).region for c in m.cities()) for m in found.meetings]
    paid = 40 * sum(max(n - 1, 0) for counted in regions for n in counted.values())
    assert sum(rule.paid or 0 for rule in found.rules) == pytest.approx(paid)
    before = [Counter(country(c[:2].upper()).region for c in m.cities()) for m in plain.meetings]
    assert paid <= 40 * sum(max(n - 1, 0) for counted in before for n in counted.values())


def test_swaps_in_parts_better_what_was_dealt(monkeypatch, few):
    round_, asked = round_of(*europeans(36)), panels()
    swapped = propose_city_panels(round_, asked)
    monkeypatch.setattr(panel_mixing, "_swapped", lambda start, *_: start)
    dealt = propose_city_panels(round_, asked)
    assert swapped.score > dealt.score + 1e-6


def test_panels_in_parts_do_not_hang_on_the_order_of_the_input(few):
    cities = europeans(36)
    first = propose_city_panels(round_of(*cities), panels())
    random.Random(5).shuffle(cities)
    again = propose_city_panels(round_of(*cities), panels())
    assert str(asdict(again)) == str(asdict(first))
