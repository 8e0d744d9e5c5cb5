"""Context, language and wishes."""

from __future__ import annotations

import numpy as np
import pytest

from cities import cohort_of, facet_cache
from twinmatch.facets.context import Language, SharedContext
from twinmatch.facets.domains import Wishes


def likeness(facet, i=0, j=1):
    return facet.likeness(np.array([i]), np.array([j]))[0, 0]


def place(name, people, hdd):
    return {
        "id": name,
        "population": {"value": people},
        "context": {"heating_degree_days": {"value": hdd, "year": 2010}},
    }


def test_context_is_gowers_coefficient_over_what_both_know():
    cohort = cohort_of(
        place("de-a", 1_000, 1000), place("de-b", 10_000, 2000), place("de-c", 100_000, 3000)
    )
    facet = SharedContext(cohort, facet_cache())
    spread = np.quantile([3, 4, 5], [0.05, 0.95])
    gap = 1 / (spread[1] - spread[0])
    assert likeness(facet, 0, 1) == pytest.approx(1 - gap)
    assert likeness(facet, 0, 0) == 1.0
    assert likeness(facet, 0, 2) == 0.0


def test_context_needs_two_parts():
    cohort = cohort_of(
        {"id": "de-a", "population": {"value": 10}}, {"id": "de-b", "population": {"value": 10}}
    )
    assert np.isnan(likeness(SharedContext(cohort, facet_cache())))


@pytest.mark.parametrize(
    ("one", "other", "expected"),
    [
        ({"id": "de-a"}, {"id": "at-b"}, 1.0),
        ({"id": "de-a", "languages": ["de", "en"]}, {"id": "gb-b", "languages": ["en"]}, 0.0),
        ({"id": "se-a"}, {"id": "no-b"}, 0.5),
        ({"id": "fr-a"}, {"id": "be-b", "languages": ["nl", "en"]}, 0.0),
        ({"id": "fr-a"}, {"id": "be-b", "languages": ["fr", "en"]}, 1.0),
        ({"id": "fr-a"}, {"id": "be-b"}, np.nan),
        ({"id": "ie-a", "languages": ["en"]}, {"id": "gb-b", "languages": ["en"]}, 1.0),
    ],
)
def test_languages(one, other, expected):
    facet = Language(cohort_of(one, other), facet_cache())
    a, b = (0, 1) if one["id"] < other["id"] else (1, 0)
    np.testing.assert_equal(likeness(facet, a, b), expected)
    np.testing.assert_equal(likeness(facet, b, a), expected)


def test_wishes_fall_by_rank_and_units_stand_for_their_cities():
    guest = {"id": "de-guest", "wishes": ["unit-pair", "it-solo"]}
    unit = {"id": "unit-pair", "name": "Pair", "cities": ["fr-one", "fr-two"]}
    cohort = cohort_of(
        guest,
        {"id": "fr-one"},
        {"id": "fr-two"},
        {"id": "it-solo"},
        {"id": "pl-other"},
        units=[unit],
    )
    facet = Wishes(cohort, facet_cache())
    row = facet.likeness(np.array([0]), np.arange(1, 5))[0]
    np.testing.assert_array_equal(row, [1.0, 1.0, 0.5, 0.0])
    assert facet.says(0, 1)[0] == "Guest named One as its first choice."


def test_wishes_in_no_order_count_alike_and_are_told_without_a_place():
    hosts = ("fr-one", "it-two", "pl-three")
    guest = {"id": "de-guest", "wishes": list(hosts), "wishes_unordered": True}
    facet = Wishes(cohort_of(guest, *({"id": h} for h in hosts)), facet_cache())
    row = facet.likeness(np.array([0]), np.arange(1, 4))[0]
    np.testing.assert_allclose(row, np.mean([1, 2 / 3, 1 / 3]))
    text, (fact,) = facet.says(0, 2)
    assert text == "Guest named Two among its wishes."
    assert (fact.what, fact.unit) == ("wishes", "in no order")


def test_both_sides_wishes_are_averaged():
    cohort = cohort_of(
        {"id": "de-guest", "wishes": ["fr-host"]},
        {"id": "fr-host", "welcomes": ["it-other", "de-guest"]},
        {"id": "it-other"},
    )
    assert likeness(Wishes(cohort, facet_cache())) == pytest.approx((1.0 + 0.5) / 2)


def test_no_wish_is_unknown():
    facet = Wishes(cohort_of({"id": "de-guest"}, {"id": "fr-host"}), facet_cache())
    assert np.isnan(likeness(facet))


def test_who_wished_as_a_guest_is_not_said_to_have_no_wish_where_it_hosts():
    cohort = cohort_of({"id": "de-one", "wishes": ["fr-two"]}, {"id": "fr-two"})
    assert Wishes(cohort, facet_cache()).says(1, 0)[0] == "Two has named no host, and One no guest."
