"""An analyst's questions: each asked where it should be, at its cell, and not asked where all is well."""

from __future__ import annotations

from typing import Any

import pytest
from profiles_for_intake import city, inventory, known

from twinmatch.errors import Problem
from twinmatch.intake.checks import doubts
from twinmatch.intake.survey import estimated_readiness
from twinmatch.schema import City, Dimension


def asked(*cities: City) -> dict[str, Problem]:
    return {p.code: p for p in doubts(known(*cities))}


def emitting(**more: Any) -> City:
    return city(emissions=inventory(**more))


def test_a_sound_inventory_raises_no_question() -> None:
    assert asked(emitting()) == {}


@pytest.mark.parametrize(
    ("more", "code", "level", "column", "hint"),
    [
        (
            {"total_printed": 130_000},
            "total-differs",
            "warning",
            "emissions.total_printed",
            "Ask the city",
        ),
        (
            {"total_printed": 90_000},
            "total-differs",
            "warning",
            "emissions.total_printed",
            "difference is waste",
        ),
        (
            {"total_printed": 101_000},
            "total-differs",
            "note",
            "emissions.total_printed",
            "Ask the city",
        ),
        (
            {"total_printed": 80_000, "removals": -20_000},
            "total-differs",
            "note",
            "emissions.total_printed",
            "removals taken off",
        ),
        (
            {"total_printed": 130_000, "total_check": "agrees"},
            "total-check-wrong",
            "warning",
            "emissions.total_check",
            "differs",
        ),
        (
            {"boundary_population": 20_000_000},
            "factor-1000",
            "warning",
            "emissions.total_printed",
            "in kt",
        ),
        ({"boundary_population": 20}, "factor-1000", "warning", "emissions.total_printed", "in kg"),
        (
            {"boundary_population": 1_300},
            "per-head-implausible",
            "warning",
            "emissions.total_printed",
            "boundary",
        ),
        (
            {"boundary_population": None},
            "boundary-population-unknown",
            "note",
            "emissions.boundary_population",
            "Fill in",
        ),
        ({"year": None}, "year-missing", "note", "emissions.year", "Fill in"),
        ({"year": 1985}, "year-early", "warning", "emissions.year", "Check"),
    ],
)
def test_questions_about_an_inventory(
    more: dict[str, Any], code: str, level: str, column: str, hint: str
) -> None:
    problem = asked(emitting(**more))[code]
    assert (problem.level, problem.where.column) == (level, column)
    assert hint in problem.do
    assert problem.where.file == "de-beispiel.yaml"


def test_a_total_in_another_unit_than_its_sectors_is_suspected() -> None:
    problem = asked(emitting(total_printed=100))["total-differs"]
    assert "off by 1000" in problem.do


def test_a_blank_is_not_a_zero_and_a_zero_is_asked_about() -> None:
    blank = asked(emitting(sectors={"stationary_energy": 60_000, "transport": 40_000}))[
        "sector-blank"
    ]
    assert blank.level == "note"
    assert "waste, ippu, afolu" in blank.found
    zero = asked(
        emitting(
            sectors={
                "stationary_energy": 100_000,
                "transport": 0,
                "waste": "IE",
                "ippu": "NO",
                "afolu": "NE",
            }
        )
    )
    assert zero["zero-or-unknown"].where.column == "emissions.sectors.transport"
    assert "sector-blank" not in zero


def test_a_citys_population_counts_only_where_the_boundary_is_the_city() -> None:
    figures = {"boundary_population": None, "total_printed": 100}
    people = {"value": 20_000, "of": "municipality"}
    inside = city(population=people, emissions=inventory(**figures))
    wider = city(population=people, emissions=inventory(boundary="metropolitan", **figures))
    region = city(population={"value": 20_000, "of": "region"}, emissions=inventory(**figures))
    assert "factor-1000" in asked(inside)
    for other in (wider, region):
        assert "factor-1000" not in asked(other)
        assert "boundary-population-unknown" in asked(other)


def test_a_far_city_is_an_outlier_among_enough_peers() -> None:
    peers = [
        city(f"de-b{k}", emissions=inventory(boundary_population=20_000 + 500 * k))
        for k in range(20)
    ]
    far = city("nl-port", emissions=inventory(boundary_population=2_000))
    assert asked(*peers, far)["outlier"].where.file == "nl-port.yaml"
    assert "outlier" not in asked(*peers)
    assert "outlier" not in asked(*peers[:18], far)  # 19 are too few to judge by


def test_an_old_inventory_among_new_ones() -> None:
    peers = [city(f"de-b{k}", emissions=inventory()) for k in range(20)]
    assert (
        asked(*peers, city("de-alt", emissions=inventory(year=2005)))["year-old"].where.file
        == "de-alt.yaml"
    )


@pytest.mark.parametrize(
    ("fields", "code", "level"),
    [
        (
            {"commitment": {"neutral_by": 2045, "neutral_by_at_latest": 2040}},
            "target-contradicts",
            "error",
        ),
        ({"commitment": {"neutral_by": 2060}}, "target-late", "warning"),
        ({"commitment": {"neutral_by": 2040}, "roles": ["mission"]}, "target-after-2030", "note"),
        (
            {"commitment": {"neutral_by": 2020}, "emissions": inventory()},
            "year-after-target",
            "warning",
        ),
        (
            {"participation": {"guests_at_least": 2, "guests_at_most": 1}},
            "guests-contradict",
            "error",
        ),
        ({"wishes": ["fr-a"], "refuses": ["fr-a"]}, "wished-and-refused", "error"),
        ({"covenant": {"id": "FR0001"}}, "covenant-country", "warning"),
        (
            {"readiness": {"inventory": 0}, "emissions": inventory()},
            "readiness-contradicts",
            "warning",
        ),
        (
            {"readiness": {"target": 0}, "commitment": {"neutral_by": 2040}},
            "readiness-contradicts",
            "warning",
        ),
        ({"readiness": {"target": 3}}, "readiness-contradicts", "note"),
        ({"readiness": {"plan": 3, "inventory": 0}}, "readiness-contradicts", "warning"),
        ({"readiness": {"delivery": 3, "plan": 0}}, "readiness-contradicts", "warning"),
        ({"readiness": {"finance": 4, "plan": 0}}, "readiness-contradicts", "warning"),
        (
            {"readiness": {"plan": 1}, "mission": {"label_awarded": "2024-10"}},
            "readiness-contradicts",
            "warning",
        ),
        (
            {"readiness": dict.fromkeys(Dimension, 4), "commitment": {"neutral_by": 2030}},
            "readiness-contradicts",
            "note",
        ),
    ],
)
def test_contradictions(fields: dict[str, Any], code: str, level: str) -> None:
    assert asked(city(**fields))[code].level == level


@pytest.mark.parametrize(
    "fields",
    [
        {"commitment": {"neutral_by": 2040, "neutral_by_at_latest": 2040}},
        {"participation": {"guests_at_least": 1, "guests_at_most": 1}},
        {"covenant": {"id": "DE0001"}},
        {"readiness": {"plan": 3, "inventory": 1, "target": 3}, "commitment": {"neutral_by": 2040}},
        {"readiness": {"inventory": 0}},
        {"readiness": {"inventory": 0}, "emissions": inventory(kind="estimated")},
    ],
)
def test_what_is_consistent_is_not_asked(fields: dict[str, Any]) -> None:
    assert asked(city(**fields)) == {}


@pytest.mark.parametrize(
    ("one", "other", "twice"),
    [
        ({}, {}, True),
        ({"local_name": "Münster"}, {"name": "Munster (Westfalen)", "local_name": "MÜNSTER"}, True),
        ({"location": {"lat": 50, "lon": 8}}, {"location": {"lat": 50.1, "lon": 8.1}}, True),
        ({"location": {"lat": 50, "lon": 8}}, {"location": {"lat": 50.3, "lon": 8}}, False),
        ({}, {"name": "Elsewhere"}, False),
        ({}, {"id": "at-b", "country": "AT"}, False),
        ({}, {"id": "de-a"}, False),  # given twice, which is an error of its own
    ],
)
def test_one_city_under_two_identifiers_is_suspected(
    one: dict[str, Any], other: dict[str, Any], twice: bool
) -> None:
    bare = {"id": "de-a", "name": "Münster", "country": "DE"}
    pair = [City.model_validate(bare | one), City.model_validate({**bare, "id": "de-b"} | other)]
    found = asked(*pair).get("same-name")
    assert (found is not None) is twice
    if found:
        assert (found.level, found.where.file) == ("warning", "de-b.yaml")
        assert found.found.startswith("de-b and de-a are both ")


def test_of_three_places_of_one_name_those_that_lie_together_are_told_in_any_order() -> None:
    far, one, two = (
        City.model_validate(
            {
                "id": f"fr-{k}",
                "name": "Saint-Denis",
                "country": "FR",
                "location": {"lat": lat, "lon": 2},
            }
        )
        for k, lat in (("a", 43), ("b", 48), ("c", 48.01))
    )
    for order in ((far, one, two), (one, two, far), (one, far, two)):
        assert asked(*order)["same-name"].where.file == "fr-c.yaml"
    dashes = [
        City.model_validate({"id": f"fr-{k}", "name": n, "country": "FR"})
        for k, n in (("a", "--"), ("b", "!!"))
    ]
    assert "same-name" not in asked(*dashes)


def test_places_are_compared_with_the_gazetteer() -> None:
    right = {"lat": 50.77664, "lon": 6.08342}
    swapped = {"lat": 6.08342, "lon": 50.77664}
    wrong = {"lat": 48.1, "lon": 11.5}
    assert asked(city("de-aachen", location=right)) == {}
    assert set(asked(city("de-aachen", location=swapped))) == {"lat-lon-exchanged"}
    assert set(asked(city("de-aachen", location=wrong))) == {"place-far"}
    assert set(asked(city("de-aachen", population={"value": 265}))) == {"population-differs"}
    assert asked(city("de-aachen", population={"value": 250_000})) == {}


def test_greek_and_british_covenant_codes_are_their_countries() -> None:
    assert asked(city("gr-x", covenant={"id": "EL0001"})) == {}
    assert asked(city("gb-x", covenant={"id": "UK0001"})) == {}


def test_estimates_of_readiness_say_what_they_rest_on() -> None:
    assert estimated_readiness(city()) == {}
    signatory = estimated_readiness(city(covenant={"id": "DE0001", "target_2030": 40}))
    assert signatory[Dimension.TARGET] == (2, "a reduction target in the Covenant of Mayors")
    assert signatory[Dimension.MANDATE][0] == 2
    labelled = estimated_readiness(
        city(mission={"label_awarded": "2024-10"}, commitment={"neutral_by": 2030})
    )
    assert labelled[Dimension.PLAN] == (3, "Mission Label")
    assert Dimension.ADAPTATION not in labelled
    assert estimated_readiness(city(emissions=inventory(kind="estimated"))) == {}
