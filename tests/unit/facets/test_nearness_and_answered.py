"""Nearness by known distances; needs answered relative to the host, so that a hub is close to nobody."""

from __future__ import annotations

import numpy as np
import pytest

from cities import cohort_of, facet_cache
from twinmatch.facets.answered import NeedsAnswered
from twinmatch.facets.context import Nearness
from twinmatch.facets.text import NeedsOffers
from twinmatch.vocabulary.geography import distance_km


def kilometres(one, other):
    """Return distances of every place (lat, lon) to every other, shape (r, c)."""
    a, b = one[:, None, :], other[None, :, :]
    return distance_km(a[..., 0], a[..., 1], b[..., 0], b[..., 1])


def test_distances_of_known_places():
    paris, london = (48.8566, 2.3522), (51.5074, -0.1278)
    found = kilometres(np.array([paris]), np.array([paris, london]))[0]
    assert found == pytest.approx([0, 343.6], rel=1e-3)
    quarter = kilometres(np.array([[90.0, 0.0]]), np.array([[0.0, 17.0]]))[0, 0]
    assert quarter == pytest.approx(np.pi / 2 * 6371.0088)


def test_nearness_falls_with_distance_and_is_unknown_without_a_place():
    cohort = cohort_of(
        {"id": "fr-paris", "location": {"lat": 48.8566, "lon": 2.3522}},
        {"id": "gb-london", "location": {"lat": 51.5074, "lon": -0.1278}},
        {"id": "it-rome"},
        {"id": "pt-lisbon", "location": {"lat": 38.7223, "lon": -9.1393}},
        {"id": "ua-kyiv", "location": {"lat": 50.4501, "lon": 30.5234}},
    )
    facet = Nearness(cohort, facet_cache())
    block = facet.likeness(np.arange(5), np.arange(5))
    assert block[0, 0] == 1.0
    assert block[0, 1] == 1.0
    assert block[0, 3] == pytest.approx((3000 - 1454) / 2000, abs=2e-3)
    assert block[3, 4] == 0.0
    assert np.isnan(block[0, 2])
    assert "344 km" in facet.says(0, 1)[0]
    assert "not known" in facet.says(0, 2)[0]


HUB = "heat tram solar steel"


def test_a_host_close_to_everyone_is_close_to_nobody_in_particular():
    cohort = cohort_of(
        {"id": "at-a", "needs": "heat"},
        {"id": "at-b", "needs": "tram"},
        {"id": "at-c", "needs": "solar"},
        {"id": "at-d", "needs": "steel"},
        {"id": "be-hub", "offers": HUB},
        {"id": "be-one", "offers": "heat pumps for old houses"},
    )
    guests, hosts = np.arange(4), np.array([4, 5])
    close = NeedsOffers(cohort, facet_cache()).likeness(guests, hosts)
    answered = NeedsAnswered(cohort, facet_cache()).likeness(guests, hosts)
    assert close[0, 0] == pytest.approx(0.5, abs=1e-3)
    assert answered[:, 0].mean() == pytest.approx(0.5)
    assert answered[:, 0].max() < answered[0, 1] == pytest.approx(7 / 8)
    assert answered[1, 1] == pytest.approx(3 / 8)


def test_unknown_needs_stay_unknown_and_too_few_say_nothing():
    cohort = cohort_of(
        {"id": "at-a", "needs": "heat"}, {"id": "at-b"}, {"id": "be-h", "offers": "heat"}
    )
    facet = NeedsAnswered(cohort, facet_cache())
    assert np.isnan(facet.likeness(np.array([0, 1]), np.array([2]))).all()
    assert facet.says(1, 2)[1] == ()


def test_what_is_said_and_its_facts_are_those_of_the_closest_sentences():
    cohort = cohort_of(
        *({"id": f"at-{k}", "needs": "heat"} for k in "abc"), {"id": "be-h", "offers": "heat"}
    )
    answered, close = NeedsAnswered(cohort, facet_cache()), NeedsOffers(cohort, facet_cache())
    assert answered.says(0, 3) == close.says(0, 3)
    assert {fact.city for fact in answered.says(0, 3)[1]} == {"at-a", "be-h"}
