"""Questions of the analyst, on both sides of the figure at which each begins to be asked: its code, level, place and figures."""

from __future__ import annotations

import re
from typing import Any

import pytest
from profiles_for_intake import city, inventory, known

from twinmatch.errors import Problem, Where
from twinmatch.intake.checks import (
    a_head,
    doubts,
    numbers_of,
    reporting_population,
    total_of,
)
from twinmatch.intake.survey import estimated_readiness
from twinmatch.schema import City, Dimension
from twinmatch.validate import Record

TOTAL, SECTORS = "emissions.total_printed", "emissions.sectors"
FIGURE = re.compile(r"(?<![\w.])[-+]?\d(?:[\d,]*\d)?(?:\.\d+)?(?:e-\d+)?%?")


def emitting(**more: Any) -> City:
    return city(emissions=inventory(**more))


def asked(*cities: City) -> dict[str, Problem]:
    return {p.code: p for p in doubts(known(*cities))}


def told(*cities: City) -> list[tuple[str, ...]]:
    """Return code, level, column and figures of every question."""
    found = doubts(known(*cities))
    assert all(p.where.file.endswith(".yaml") and p.where.row == 0 and p.do for p in found)
    return [(p.code, p.level, p.where.column, *FIGURE.findall(p.found)) for p in found]


# --- what is emitted per capita -----------------------------------------------------------------------------------


def test_numbers_are_the_sectors_that_have_one() -> None:
    emissions = emitting(sectors={"waste": 5, "transport": "NO", "ippu": 0}).emissions
    assert emissions
    assert numbers_of(emissions) == {"waste": 5.0, "ippu": 0.0}


@pytest.mark.parametrize(
    ("more", "total"),
    [
        ({}, 100_000),
        ({"total_printed": 7}, 7),
        ({"total_printed": None}, 100_000),
        ({"total_printed": None, "sectors": {}}, None),
        ({"total_printed": None, "sectors": {}, "scopes": {"scope_1": 3, "scope_2": 4}}, 7),
        ({"total_printed": None, "sectors": {}, "scopes": {"scope_1": 3, "scope_3": 4}}, None),
        ({"total_printed": None, "sectors": {}, "scopes": {"scope_2": 4}}, None),
        ({"total_printed": None, "scopes": {"scope_1": 3, "scope_2": 4}}, 100_000),
        ({"total_printed": None, "sectors": {}, "scopes": {"scope_1": 0, "scope_2": 0}}, 0),
    ],
)
def test_a_total_is_the_printed_one_else_the_sectors_else_the_scopes(
    more: dict[str, Any], total: float | None
) -> None:
    emissions = emitting(**more).emissions
    assert emissions
    assert total_of(emissions) == total


@pytest.mark.parametrize(
    ("fields", "people"),
    [
        ({}, None),
        ({"population": {"value": 5, "of": "municipality"}}, None),
        ({"emissions": inventory()}, 20_000),
        ({"emissions": inventory(boundary_population=None)}, None),
        (
            {
                "emissions": inventory(boundary_population=None),
                "population": {"value": 5, "of": "settlement"},
            },
            5,
        ),
        (
            {
                "emissions": inventory(boundary_population=None, boundary="joint"),
                "population": {"value": 5, "of": "settlement"},
            },
            None,
        ),
    ],
)
def test_people_are_those_of_the_inventorys_boundary(
    fields: dict[str, Any], people: int | None
) -> None:
    assert reporting_population(city(**fields)) == people
    expected = 100_000 / people if people else None
    assert a_head(city(**fields)) == expected


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


# --- sectors against the printed total -------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("more", "question", "hint"),
    [
        ({"total_printed": 100_500}, (), ""),
        ({"total_printed": 100_600}, ("note", "100,600", "-0.6%"), "Ask the city"),
        ({"total_printed": 99_400}, ("note", "99,400", "+0.6%"), "Ask the city"),
        ({"total_printed": 102_000}, ("note", "102,000", "-2.0%"), "Ask the city"),
        ({"total_printed": 103_000}, ("warning", "103,000", "-2.9%"), "Ask the city"),
        ({"total_printed": 103_000, "total_check": "differs"}, ("note", "103,000", "-2.9%"), ""),
        ({"total_printed": 95_000, "removals": -5_000}, ("note", "95,000", "+5.3%"), "removals"),
        ({"total_printed": 95_000, "removals": -4_000}, ("warning", "95,000", "+5.3%"), "Ask the"),
        ({"total_printed": 70_000}, ("warning", "70,000", "+42.9%"), "transport"),
        (
            {"total_printed": 105_000, "sectors": {"transport": 100_000, "waste": "blank"}},
            ("warning", "105,000", "-4.8%"),
            "waste, ippu, afolu",
        ),
        (
            {"total_printed": 95_000, "sectors": {"transport": 100_000, "waste": "blank"}},
            ("warning", "95,000", "+5.3%"),
            "Ask the city",
        ),
        (
            {"total_printed": 100_000_000, "boundary_population": 20_000_000},
            ("warning", "100,000,000", "-99.9%"),
            "1000",
        ),
    ],
)
def test_sectors_are_added_up_against_the_printed_total(
    more: dict[str, Any], question: tuple[str, ...], hint: str
) -> None:
    found = asked(emitting(**more)).get("total-differs")
    assert (found is not None) == bool(question)
    if found:
        level, total, share = question
        assert (found.level, found.where.column) == (level, TOTAL)
        assert FIGURE.findall(found.found) == ["100,000", total, share]
        assert hint in found.do


@pytest.mark.parametrize(
    ("total", "suspected"),
    [(90, False), (92, True), (110, True), (112, False), (89_000_000, False), (109_000_000, True)],
)
def test_a_factor_of_1000_between_sectors_and_total_is_suspected_near_it_only(
    total: int, suspected: bool
) -> None:
    assert ("1000" in asked(emitting(total_printed=total))["total-differs"].do) is suspected


@pytest.mark.parametrize(
    "more",
    [
        {"total_printed": None},
        {"sectors": {"transport": "NE"}},
        {"total_printed": 0},
    ],
)
def test_without_a_total_or_a_sector_there_is_nothing_to_add_up(more: dict[str, Any]) -> None:
    assert "total-differs" not in asked(emitting(**more))


@pytest.mark.parametrize(
    ("more", "is_asked"),
    [
        ({"total_printed": 98_000, "total_check": "agrees"}, True),
        ({"total_printed": 98_100, "total_check": "agrees"}, False),
        ({"total_printed": 103_000, "total_check": "differs"}, False),
        ({"total_printed": 103_000}, False),
        ({"total_printed": 80_000, "total_check": "agrees", "removals": -20_000}, False),
        ({"total_printed": 103_000, "total_check": "agrees", "sectors": {}}, False),
        ({"total_printed": None, "total_check": "agrees"}, False),
    ],
)
def test_who_says_that_they_agree_is_asked_beyond_two_percent(
    more: dict[str, Any], is_asked: bool
) -> None:
    found = asked(emitting(**more)).get("total-check-wrong")
    assert (found is not None) is is_asked
    assert not found or (found.level, found.where.column) == ("warning", "emissions.total_check")


# --- per capita ------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("people", "code", "figures"),
    [
        (100_000, "", ()),
        (333_000, "", ()),
        (1_700, "", ()),
        (340_000, "per-head-implausible", ("0.2941",)),
        (1_600, "per-head-implausible", ("62.5",)),
        (100_000_000, "factor-1000", ("0.001", "1.0")),
        (4_000_000, "factor-1000", ("0.025", "25.0")),
        (100, "factor-1000", ("1,000", "1.0")),
    ],
)
def test_emissions_a_head_are_judged(people: int, code: str, figures: tuple[str, ...]) -> None:
    expected = [(code, "warning", TOTAL, *figures)] if code else []
    assert told(emitting(boundary_population=people)) == expected


@pytest.mark.parametrize(("people", "unit"), [(100_000_000, "kt"), (100, "kg")])
def test_the_unit_that_would_explain_a_figure_is_named(people: int, unit: str) -> None:
    assert f" in {unit}" in asked(emitting(boundary_population=people))["factor-1000"].do


def test_figures_in_millions_of_tonnes_are_suspected() -> None:
    tiny = emitting(boundary_population=100_000_000, total_printed=500, sectors={"transport": 500})
    assert ("factor-1000", "warning", TOTAL, "5e-06", "5.0") in told(tiny)
    assert " in Mt" in asked(tiny)["factor-1000"].do


def test_the_figure_that_is_asked_about_is_the_printed_total_or_the_sectors() -> None:
    (question,) = told(emitting(boundary_population=100, total_printed=None))
    assert question[2] == SECTORS


def test_who_lives_inside_the_boundary_is_asked_where_there_are_figures() -> None:
    (question,) = told(emitting(boundary_population=None))
    assert question == ("boundary-population-unknown", "note", "emissions.boundary_population")
    assert told(emitting(boundary_population=None, total_printed=None, sectors={})) == []
    assert told(city()) == []


# --- blanks, years and targets ---------------------------------------------------------------------------------------


def test_a_sector_that_is_blank_is_asked_about_by_name() -> None:
    sectors = {"stationary_energy": "blank", "transport": 100_000, "waste": "blank", "ippu": "NO"}
    (question,) = asked(emitting(sectors=sectors)).values()
    assert (question.code, question.level) == ("sector-blank", "note")
    assert question.where.column == "emissions.sectors.stationary_energy"
    assert "stationary_energy, waste, afolu" in question.found
    assert told(emitting(sectors={})) == []


@pytest.mark.parametrize("name", ["stationary_energy", "transport"])
def test_a_zero_that_no_city_has_is_asked_about(name: str) -> None:
    other = {"stationary_energy": "transport", "transport": "stationary_energy"}[name]
    rest = dict.fromkeys(("waste", "ippu", "afolu"), 0)
    sectors = {name: 0, other: 100_000, **rest}
    expected = ("zero-or-unknown", "warning", f"emissions.sectors.{name}")
    assert told(emitting(sectors=sectors)) == [expected]


@pytest.mark.parametrize(
    ("fields", "question"),
    [
        ({"emissions": inventory(year=1990)}, ()),
        (
            {"emissions": inventory(year=1989)},
            ("year-early", "warning", "emissions.year", "1989", "1990"),
        ),
        ({"emissions": inventory(year=None)}, ("year-missing", "note", "emissions.year")),
        ({"emissions": inventory(), "commitment": {"neutral_by": 2021}}, ()),
        (
            {"emissions": inventory(), "commitment": {"neutral_by": 2020}},
            ("year-after-target", "warning", "emissions.year", "2020", "2020"),
        ),
        ({"commitment": {"neutral_by": 2050}}, ()),
        (
            {"commitment": {"neutral_by": 2051}},
            ("target-late", "warning", "commitment.neutral_by", "2051", "2050"),
        ),
        ({"commitment": {"neutral_by": 2030}, "roles": ["mission"]}, ()),
        ({"commitment": {"neutral_by": 2031}, "roles": ["guest"]}, ()),
        (
            {"commitment": {"neutral_by": 2031}, "roles": ["mission"]},
            ("target-after-2030", "note", "commitment.neutral_by", "2031", "2030"),
        ),
        ({"commitment": {"neutral_by_at_latest": 2040}}, ()),
        ({"commitment": {"neutral_by": 2040, "neutral_by_at_latest": 2040}}, ()),
        (
            {"commitment": {"neutral_by": 2041, "neutral_by_at_latest": 2040}},
            ("target-contradicts", "error", "commitment.neutral_by", "2041", "2040"),
        ),
        ({"participation": {"guests_at_least": 2}}, ()),
        ({"participation": {"guests_at_most": 0}}, ()),
        ({"participation": {"guests_at_least": 1, "guests_at_most": 1}}, ()),
        (
            {"participation": {"guests_at_least": 2, "guests_at_most": 1}},
            ("guests-contradict", "error", "participation.guests_at_least", "2", "1"),
        ),
        ({"wishes": ["fr-a"], "refuses": ["fr-b"]}, ()),
        (
            {"wishes": ["fr-b", "fr-a", "fr-c"], "refuses": ["fr-a", "fr-b"]},
            ("wished-and-refused", "error", "refuses"),
        ),
        ({"refuses": ["de-beispiel"]}, ("wished-and-refused", "error", "refuses")),
        ({"covenant": {"id": "de0001"}}, ()),
        ({"covenant": {"id": "123"}}, ()),
        ({"covenant": {"id": "el0001"}}, ("covenant-country", "warning", "covenant.id")),
    ],
)
def test_a_question_of_one_field_against_another(
    fields: dict[str, Any], question: tuple[str, ...]
) -> None:
    assert told(city(**fields)) == ([question] if question else [])


def test_greek_and_british_covenant_codes_are_their_countries() -> None:
    assert asked(city("gr-x", covenant={"id": "EL0001"})) == {}
    assert asked(city("gb-x", covenant={"id": "UK0001"})) == {}


# --- readiness -------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("fields", "dimension", "level"),
    [
        (
            {"readiness": {"inventory": 0}, "emissions": inventory()},
            "inventory",
            "warning",
        ),
        (
            {"readiness": {"target": 0}, "commitment": {"neutral_by": 2040}},
            "target",
            "warning",
        ),
        (
            {"readiness": {"target": 3}},
            "target",
            "note",
        ),
        (
            {"readiness": {"plan": 3, "inventory": 0}},
            "plan",
            "warning",
        ),
        (
            {"readiness": {"delivery": 3, "plan": 0}},
            "delivery",
            "warning",
        ),
        (
            {"readiness": {"finance": 3, "plan": 0}},
            "finance",
            "warning",
        ),
        (
            {"readiness": {"plan": 1}, "mission": {"label_awarded": "2024-10"}},
            "plan",
            "warning",
        ),
        (
            {"readiness": dict.fromkeys(Dimension, 4), "commitment": {"neutral_by": 2030}},
            "mandate",
            "note",
        ),
    ],
)
def test_levels_that_contradict_are_told_at_their_dimension(
    fields: dict[str, Any], dimension: str, level: str
) -> None:
    (question,) = asked(city(**fields)).values()
    where = f"readiness.{dimension}"
    assert (question.code, question.level, question.where.column) == (
        "readiness-contradicts",
        level,
        where,
    )


@pytest.mark.parametrize(
    "fields",
    [
        {"readiness": {"inventory": 1}, "emissions": inventory()},
        {"readiness": {"target": 1}, "commitment": {"neutral_by": 2040}},
        {"readiness": {"target": 0}, "commitment": {"neutral_by_at_latest": 2040}},
        {"readiness": {"target": 2}},
        {"readiness": {"target": 4}, "commitment": {"neutral_by": 2040}},
        {"readiness": {"target": 4}, "commitment": {"neutral_by_at_latest": 2040}},
        {"readiness": {"plan": 2, "inventory": 0}},
        {"readiness": {"plan": 3}},
        {"readiness": {"delivery": 2, "plan": 0}},
        {"readiness": {"delivery": 4, "plan": 1}},
        {"readiness": {"finance": 2, "plan": 0}},
        {"readiness": {"finance": 4}},
        {"readiness": {"plan": 2}, "mission": {"label_awarded": "2024-10"}},
        {"readiness": {"mandate": 1}, "mission": {"label_awarded": "2024-10"}},
        {"readiness": {"plan": 0}, "mission": {}},
        {"readiness": {"mandate": 4}},
        {
            "readiness": {**dict.fromkeys(Dimension, 4), Dimension.MANDATE: 3},
            "commitment": {"neutral_by": 2030},
        },
        {"mission": {"label_awarded": "2024-10"}},
        {"readiness": {"inventory": 0}},
        {"readiness": {"inventory": 0}, "emissions": inventory(kind="estimated")},
    ],
)
def test_levels_that_fit_are_not_asked_about(fields: dict[str, Any]) -> None:
    assert told(city(**fields)) == []


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


# --- the gazetteer ---------------------------------------------------------------------------------------------------


AACHEN = (50.77664, 6.08342)


def near(north: float, east: float) -> dict[str, float]:
    return {"lat": AACHEN[0] + north, "lon": AACHEN[1] + east}


@pytest.mark.parametrize(
    ("place", "far"),
    [
        (near(0, 0), False),
        (near(0.49, 0), False),
        (near(-0.49, 0), False),
        (near(0.51, 0), True),
        (near(-0.51, 0), True),
        (near(0, 0.79), False),
        (near(0, -0.81), True),
        (near(0, 0.81), True),
    ],
)
def test_a_place_is_far_from_half_a_degree_north_or_so_east(
    place: dict[str, float], far: bool
) -> None:
    found = told(city("de-aachen", location=place))
    assert [q[:3] for q in found] == [("place-far", "warning", "location.lat")] * far


def test_coordinates_the_wrong_way_round_are_recognised_and_only_they() -> None:
    swapped = {"lat": AACHEN[1] + 0.4, "lon": AACHEN[0] - 0.4}
    (question,) = told(city("de-aachen", location=swapped))
    assert question[:3] == ("lat-lon-exchanged", "warning", "location.lat")
    for off in ((0.6, 0), (0, 0.6)):
        elsewhere = {"lat": AACHEN[1] + off[0], "lon": AACHEN[0] + off[1]}
        assert set(asked(city("de-aachen", location=elsewhere))) == {"place-far"}


@pytest.mark.parametrize(
    ("people", "is_asked"), [(90_000, False), (80_000, True), (700_000, False), (800_000, True)]
)
def test_a_population_is_asked_about_beyond_a_factor_of_three(people: int, is_asked: bool) -> None:
    found = told(city("de-aachen", population={"value": people, "of": "municipality"}))
    expected = ("population-differs", "warning", "population.value", f"{people:,}")
    assert [q[:4] for q in found] == [expected] * is_asked
    assert told(city("de-aachen", population={"value": people, "of": "region"})) == []


# --- against the others ----------------------------------------------------------------------------------------------


def peers(count: int = 20, **more: Any) -> list[City]:
    return [
        city(f"de-b{k}", emissions=inventory(boundary_population=20_000 + 500 * k, **more))
        for k in range(count)
    ]


def test_an_outlier_is_told_with_the_middle_and_its_score() -> None:
    far = city("nl-port", emissions=inventory(boundary_population=2_000))
    assert told(*peers(), far) == [("outlier", "warning", TOTAL, "50", "4.082", "+15.7")]
    assert asked(*peers(), far)["outlier"].where.file == "nl-port.yaml"


def test_a_low_figure_is_an_outlier_too_and_wealth_is_only_a_note() -> None:
    wealth = [
        city(f"de-w{k}", context={"gdp_per_head": {"value": 30_000 + 500 * k, "year": 2020}})
        for k in range(20)
    ]
    poor = city("de-poor", context={"gdp_per_head": {"value": 1_000, "year": 2020}})
    (question,) = told(*wealth, poor)
    assert question[:3] == ("outlier", "note", "context.gdp_per_head.value")
    assert question[3:5] == ("1,000", "34,500")


def test_where_all_are_alike_nobody_is_far() -> None:
    alike = [city(f"de-a{k}", emissions=inventory()) for k in range(20)]
    far = city("nl-port", emissions=inventory(boundary_population=2_000))
    assert told(*alike, far) == []


def test_an_old_inventory_is_told_from_eleven_years_behind_nine_in_ten() -> None:
    new = [city(f"de-n{k}", emissions=inventory()) for k in range(19)]
    old = city("de-old", emissions=inventory(year=2009))
    assert told(*new, old) == [("year-old", "note", "emissions.year", "2009", "2020")]
    assert told(*new, city("de-ten", emissions=inventory(year=2010))) == []
    assert told(*new[:18], old) == []
    newest = [city(f"de-x{k}", emissions=inventory(year=2023)) for k in range(2)]
    assert told(*new[:16], *newest, old, city("de-o", emissions=inventory(year=2012))) == told(
        *new, old
    )


def test_questions_stand_at_the_place_of_their_record() -> None:
    one = emitting(year=None)
    record = Record({}, Where("a.xlsx", "emissions", 7), {"emissions.year": "Jahr"})
    (question,) = doubts([(one, record)])
    assert question.where == Where("a.xlsx", "emissions", 7, "Jahr")


@pytest.mark.parametrize(
    ("total", "people"), [(120_000, 2_000), (30_000, 100_000)], ids=["60_a_head", "0.3_a_head"]
)
def test_the_ends_of_what_a_head_may_emit_are_not_asked_about(total: int, people: int) -> None:
    sectors = {"stationary_energy": total - 1, "transport": 1}
    found = asked(emitting(total_printed=total, boundary_population=people, sectors=sectors))
    assert set(found) == {"sector-blank"}


def test_twenty_are_enough_to_judge_by() -> None:
    far = city("nl-port", emissions=inventory(boundary_population=2_000))
    assert set(asked(*peers(19), far)) == {"outlier"}
    assert set(asked(*peers(18), far)) == set()


def test_wealth_is_judged_also_where_emissions_are_all_alike() -> None:
    rich = [
        city(
            f"de-w{k}",
            emissions=inventory(),
            context={"gdp_per_head": {"value": 30_000 + 500 * k, "year": 2020}},
        )
        for k in range(20)
    ]
    poor = city("de-poor", context={"gdp_per_head": {"value": 1_000, "year": 2020}})
    assert set(asked(*rich, poor)) == {"outlier"}


def test_nine_in_ten_is_counted_over_all_that_have_a_year() -> None:
    years = [2012, 2015, *[2020] * 15, *[2023] * 3]
    some = [city(f"de-y{k}", emissions=inventory(year=y)) for k, y in enumerate(years)]
    assert told(*some) == [("year-old", "note", "emissions.year", "2012", "2023")]


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
