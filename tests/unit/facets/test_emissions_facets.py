"""Emissions: known sectors only, forms compared on what both have, per head only inside a known boundary."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.spatial.distance import jensenshannon

from cities import cohort_of, facet_cache
from twinmatch.facets.emissions import (
    EmissionsLevel,
    EmissionsMix,
    coarse_sectors,
    fine_sectors,
    per_head,
)
from twinmatch.schema import Emissions

GPC = {"form": "gpc", "boundary": "city"}


def city(name, sectors, **emissions):
    return {
        "id": name,
        "population": {"value": 1000},
        "emissions": {**GPC, "sectors": sectors, **emissions},
    }


def likeness(facet, i=0, j=1):
    return facet.likeness(np.array([i]), np.array([j]))[0, 0]


def test_the_mix_is_one_minus_the_jensen_shannon_distance_over_shared_sectors():
    one = city(
        "de-x",
        {"stationary_energy": 60, "transport": 30, "waste": 10, "ippu": "blank", "afolu": "NE"},
    )
    other = city(
        "fr-y",
        {"stationary_energy": 20, "transport": 60, "waste": "blank", "ippu": 5, "afolu": "blank"},
    )
    facet = EmissionsMix(cohort_of(one, other), facet_cache())
    expected = 1 - jensenshannon([60 / 90, 30 / 90], [20 / 80, 60 / 80], base=2)
    assert likeness(facet) == pytest.approx(expected)


def test_a_blank_is_not_a_zero_but_not_occurring_is():
    blank = cohort_of(
        city("de-x", {"stationary_energy": 50, "transport": 50, "waste": "blank"}),
        city("fr-y", {"stationary_energy": 40, "transport": 40, "waste": 20}),
    )
    nought = cohort_of(
        city("de-x", {"stationary_energy": 50, "transport": 50, "waste": "NO"}),
        city("fr-y", {"stationary_energy": 40, "transport": 40, "waste": 20}),
    )
    assert likeness(EmissionsMix(blank, facet_cache())) == 1.0
    assert likeness(EmissionsMix(nought, facet_cache())) < 1.0


def test_the_mix_abstains_where_too_little_is_shared():
    one = city("de-x", {"stationary_energy": 10, "transport": 10, "waste": "blank", "ippu": 980})
    other = city("fr-y", {"stationary_energy": 50, "transport": 50, "ippu": "blank"})
    facet = EmissionsMix(cohort_of(one, other), facet_cache())
    assert np.isnan(likeness(facet))
    assert facet.says(0, 1)[0] == "The two inventories share too few sectors to compare their mix."


def test_other_of_the_economic_form_is_never_split():
    economic = Emissions.model_validate(
        {
            "form": "economic",
            "boundary": "city",
            "sectors": {
                "stationary_energy": 10,
                "electricity": 5,
                "transport": 3,
                "waste": 2,
                "ippu": "IE",
                "afolu": "IE",
                "other": 7,
            },
        }
    )
    np.testing.assert_array_equal(coarse_sectors(economic), [15, 3, 2, 7])
    assert np.isnan(fine_sectors(economic)[3:]).all()


def test_an_unknown_part_makes_other_unknown():
    gpc = Emissions.model_validate(
        {**GPC, "sectors": {"stationary_energy": 1, "transport": 1, "ippu": 4, "afolu": "blank"}}
    )
    assert np.isnan(coarse_sectors(gpc)[3])


@pytest.mark.parametrize(
    ("boundary", "people", "of", "expected"),
    [
        ("city", None, "settlement", 2.0),
        ("city", None, "core municipality", np.nan),
        ("district", None, "settlement", np.nan),
        ("district", 500, "settlement", 4.0),
        ("metropolitan", None, "municipality", np.nan),
    ],
)
def test_emissions_a_head_need_the_people_of_the_boundary(boundary, people, of, expected):
    emissions = {
        "form": "gpc",
        "boundary": boundary,
        "sectors": {"stationary_energy": 1500, "transport": 500},
    }
    if people:
        emissions["boundary_population"] = people
    cohort = cohort_of(
        {"id": "de-x", "population": {"value": 1000, "of": of}, "emissions": emissions}
    )
    np.testing.assert_equal(per_head(cohort.cities[0]), expected)


def test_the_level_is_the_smaller_over_the_larger():
    cohort = cohort_of(
        city("de-x", {"stationary_energy": 3000, "transport": 0}),
        city("fr-y", {"stationary_energy": 1000, "transport": 1000}),
    )
    facet = EmissionsLevel(cohort, facet_cache())
    assert likeness(facet) == pytest.approx(2 / 3)
    said = facet.says(0, 1)[0]
    assert "3.0" in said
    assert "2.0" in said


def test_removals_stay_out_of_the_shares():
    with_sink = city("de-x", {"stationary_energy": 50, "transport": 50}, removals=-80)
    without = city("fr-y", {"stationary_energy": 50, "transport": 50})
    assert likeness(EmissionsMix(cohort_of(with_sink, without), facet_cache())) == 1.0


@pytest.mark.parametrize(("year", "said"), [(2019, False), (2020, True), (2030, True)])
def test_inventories_years_apart_are_not_set_side_by_side_without_a_word(year, said):
    cohort = cohort_of(
        city("de-x", {"stationary_energy": 50, "transport": 50}, year=2015),
        city("fr-y", {"stationary_energy": 40, "transport": 60}, year=year),
    )
    for facet in (EmissionsMix(cohort, facet_cache()), EmissionsLevel(cohort, facet_cache())):
        text = facet.says(0, 1)[0]
        assert (f"{year - 2015} years apart" in text) is said
        assert "2015" in text
        assert str(year) in text
