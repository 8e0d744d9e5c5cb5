"""Each question of the analyst, word for word, on both sides of the figure at which it begins to be asked."""

from __future__ import annotations

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
from twinmatch.schema import City, Dimension

TOTAL, SECTORS = "emissions.total_printed", "emissions.sectors"
LINE = "Ask the city which line is missing or counted twice."
UNIT = "Check the unit: the source may be {}, or the population in thousands."


def emitting(**more: Any) -> City:
    return city(emissions=inventory(**more))


def told(*cities: City) -> list[tuple[str, str, str, str, str]]:
    """Return code, level, column, what was found and what to do, of every question."""
    found = doubts(known(*cities))
    assert all(p.where.file.endswith(".yaml") and p.where.row == 0 for p in found)
    return [(p.code, p.level, p.where.column, p.found, p.do) for p in found]


def asked(*cities: City) -> set[str]:
    return {code for code, *_ in told(*cities)}


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


# --- sectors against the printed total -------------------------------------------------------------------


def differs(level: str, total: str, share: str, do: str, added: str = "100,000") -> tuple[str, ...]:
    found = f"The sectors add up to {added} t, the printed total is {total} t ({share})."
    return ("total-differs", level, TOTAL, found, do)


@pytest.mark.parametrize(
    ("more", "question"),
    [
        ({"total_printed": 100_500}, None),
        ({"total_printed": 100_600}, differs("note", "100,600", "-0.6%", LINE)),
        ({"total_printed": 99_400}, differs("note", "99,400", "+0.6%", LINE)),
        ({"total_printed": 102_000}, differs("note", "102,000", "-2.0%", LINE)),
        ({"total_printed": 103_000}, differs("warning", "103,000", "-2.9%", LINE)),
        (
            {"total_printed": 103_000, "total_check": "differs"},
            differs("note", "103,000", "-2.9%", LINE),
        ),
        (
            {"total_printed": 95_000, "removals": -5_000},
            differs(
                "note",
                "95,000",
                "+5.3%",
                "The printed total has the removals taken off: say so in the note.",
            ),
        ),
        (
            {"total_printed": 95_000, "removals": -4_000},
            differs("warning", "95,000", "+5.3%", LINE),
        ),
        (
            {"total_printed": 70_000},
            differs(
                "warning",
                "70,000",
                "+42.9%",
                "The difference is transport: it may stand inside another line, or outside the total.",
            ),
        ),
        (
            {"total_printed": 105_000, "sectors": {"transport": 100_000, "waste": "blank"}},
            differs(
                "warning",
                "105,000",
                "-4.8%",
                "What is missing may be in waste, ippu, afolu, which have no figure.",
            ),
        ),
        (
            {"total_printed": 95_000, "sectors": {"transport": 100_000, "waste": "blank"}},
            differs("warning", "95,000", "+5.3%", LINE),
        ),
        (
            {"total_printed": 100_000_000, "boundary_population": 20_000_000},
            differs(
                "warning",
                "100,000,000",
                "-99.9%",
                "One of them is off by 1000: check whether it is in kt.",
            ),
        ),
    ],
)
def test_sectors_are_added_up_against_the_printed_total(
    more: dict[str, Any], question: tuple[str, ...] | None
) -> None:
    found = [q for q in told(emitting(**more)) if q[0] == "total-differs"]
    assert found == ([question] if question else [])


@pytest.mark.parametrize(
    ("total", "suspected"),
    [(90, False), (92, True), (110, True), (112, False), (89_000_000, False), (109_000_000, True)],
)
def test_a_factor_of_1000_between_sectors_and_total_is_suspected_near_it_only(
    total: int, suspected: bool
) -> None:
    question = next(q for q in told(emitting(total_printed=total)) if q[0] == "total-differs")
    assert ("off by 1000" in question[4]) is suspected


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
    found = [q for q in told(emitting(**more)) if q[0] == "total-check-wrong"]
    assert found == [
        (
            "total-check-wrong",
            "warning",
            "emissions.total_check",
            "The profile says that the sectors agree with the printed total; they do not.",
            "Write 'differs'.",
        )
    ] * int(is_asked)


# --- per capita ----------------------------------------------------------------------------------------------


def per_head(words: str, amount: str, path: str = TOTAL) -> tuple[str, ...]:
    return ("factor-1000", "warning", path, amount, UNIT.format(words))


FAR_OFF = (
    "Check unit, boundary and population; large industry or a port would explain a high figure."
)


@pytest.mark.parametrize(
    ("people", "question"),
    [
        (100_000, None),
        (333_000, None),
        (1_700, None),
        (
            340_000,
            (
                "per-head-implausible",
                "warning",
                TOTAL,
                "0.2941 t CO2e per capita is far from what cities emit.",
                FAR_OFF,
            ),
        ),
        (
            1_600,
            (
                "per-head-implausible",
                "warning",
                TOTAL,
                "62.5 t CO2e per capita is far from what cities emit.",
                FAR_OFF,
            ),
        ),
        (
            100_000_000,
            per_head("in kt", "0.001 t CO2e per capita; were the figures in kt, it would be 1.0."),
        ),
        (
            4_000_000,
            per_head("in kt", "0.025 t CO2e per capita; were the figures in kt, it would be 25.0."),
        ),
        (
            100,
            per_head("in kg", "1,000 t CO2e per capita; were the figures in kg, it would be 1.0."),
        ),
    ],
)
def test_emissions_a_head_are_judged(people: int, question: tuple[str, ...] | None) -> None:
    found = told(emitting(boundary_population=people))
    assert found == ([question] if question else [])


def test_figures_in_millions_of_tonnes_are_suspected() -> None:
    tiny = emitting(boundary_population=100_000_000, total_printed=500, sectors={"transport": 500})
    found = [q for q in told(tiny) if q[0] == "factor-1000"]
    words = "5e-06 t CO2e per capita; were the figures in Mt, it would be 5.0."
    assert found == [per_head("in Mt", words)]


def test_the_figure_that_is_asked_about_is_the_printed_total_or_the_sectors() -> None:
    (question,) = told(emitting(boundary_population=100, total_printed=None))
    assert question[2] == SECTORS


def test_who_lives_inside_the_boundary_is_asked_where_there_are_figures() -> None:
    assert told(emitting(boundary_population=None)) == [
        (
            "boundary-population-unknown",
            "note",
            "emissions.boundary_population",
            "Emissions per capita cannot be judged: the population inside the boundary is not known.",
            "Fill in the population inside the boundary.",
        )
    ]
    assert told(emitting(boundary_population=None, total_printed=None, sectors={})) == []
    assert told(city()) == []


# --- blanks, years and targets ---------------------------------------------------------------------------


def test_a_sector_that_is_blank_is_asked_about_by_name() -> None:
    sectors = {"stationary_energy": "blank", "transport": 100_000, "waste": "blank", "ippu": "NO"}
    assert told(emitting(sectors=sectors)) == [
        (
            "sector-blank",
            "note",
            "emissions.sectors.stationary_energy",
            "Nothing is said about stationary_energy, waste, afolu: not occurring, or not estimated?",
            "Write NO, NE, IE or C: only sectors that both cities report are compared.",
        )
    ]
    assert told(emitting(sectors={})) == []


@pytest.mark.parametrize("name", ["stationary_energy", "transport"])
def test_a_zero_that_no_city_has_is_asked_about(name: str) -> None:
    other = {"stationary_energy": "transport", "transport": "stationary_energy"}[name]
    rest = dict.fromkeys(("waste", "ippu", "afolu"), 0)
    assert told(emitting(sectors={name: 0, other: 100_000, **rest})) == [
        (
            "zero-or-unknown",
            "warning",
            f"emissions.sectors.{name}",
            f"{name} is zero, which no city is.",
            "Leave it empty, or write NE or IE.",
        )
    ]


@pytest.mark.parametrize(
    ("fields", "question"),
    [
        ({"emissions": inventory(year=1990)}, None),
        (
            {"emissions": inventory(year=1989)},
            (
                "year-early",
                "warning",
                "emissions.year",
                "An inventory of 1989 is older than the base year of the climate convention, 1990.",
                "Check the year.",
            ),
        ),
        (
            {"emissions": inventory(year=None)},
            (
                "year-missing",
                "note",
                "emissions.year",
                "The inventory has no year.",
                "Fill in the year that the figures are of.",
            ),
        ),
        ({"emissions": inventory(), "commitment": {"neutral_by": 2021}}, None),
        (
            {"emissions": inventory(), "commitment": {"neutral_by": 2020}},
            (
                "year-after-target",
                "warning",
                "emissions.year",
                "The inventory is of 2020, the target year is 2020.",
                "One of them is wrong.",
            ),
        ),
        ({"commitment": {"neutral_by": 2050}}, None),
        (
            {"commitment": {"neutral_by": 2051}},
            (
                "target-late",
                "warning",
                "commitment.neutral_by",
                "Climate-neutral by 2051 is later than 2050, the Union's own year.",
                "Check the year.",
            ),
        ),
        ({"commitment": {"neutral_by": 2030}, "roles": ["mission"]}, None),
        ({"commitment": {"neutral_by": 2031}, "roles": ["guest"]}, None),
        (
            {"commitment": {"neutral_by": 2031}, "roles": ["mission"]},
            (
                "target-after-2030",
                "note",
                "commitment.neutral_by",
                "A Mission City whose target year is 2031, not 2030.",
                "Some are; check the contract.",
            ),
        ),
        ({"commitment": {"neutral_by_at_latest": 2040}}, None),
        (
            {"commitment": {"neutral_by": 2041, "neutral_by_at_latest": 2040}},
            (
                "target-contradicts",
                "error",
                "commitment.neutral_by",
                "Climate-neutral by 2041, and by 2040 at the latest.",
                "Keep the year that the council adopted.",
            ),
        ),
        ({"participation": {"guests_at_least": 2}}, None),
        ({"participation": {"guests_at_most": 0}}, None),
        (
            {"participation": {"guests_at_least": 2, "guests_at_most": 1}},
            (
                "guests-contradict",
                "error",
                "participation.guests_at_least",
                "At least 2 guests and at most 1.",
                "Exchange or repair them.",
            ),
        ),
        ({"wishes": ["fr-a"], "refuses": ["fr-b"]}, None),
        (
            {"wishes": ["fr-b", "fr-a", "fr-c"], "refuses": ["fr-a", "fr-b"]},
            (
                "wished-and-refused",
                "error",
                "refuses",
                "fr-a, fr-b is wished for and refused.",
                "Remove it from one.",
            ),
        ),
        (
            {"refuses": ["de-beispiel"]},
            (
                "wished-and-refused",
                "error",
                "refuses",
                "de-beispiel is wished for and refused.",
                "Remove it from one.",
            ),
        ),
        ({"covenant": {"id": "de0001"}}, None),
        ({"covenant": {"id": "123"}}, None),
        (
            {"covenant": {"id": "el0001"}},
            (
                "covenant-country",
                "warning",
                "covenant.id",
                "The Covenant identifier el0001 is of GR, the city of DE.",
                "Check the identifier.",
            ),
        ),
    ],
)
def test_a_question_of_one_field_against_another(
    fields: dict[str, Any], question: tuple[str, ...] | None
) -> None:
    assert told(city(**fields)) == ([question] if question else [])


# --- readiness -------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("fields", "dimension", "level", "words"),
    [
        (
            {"readiness": {"inventory": 0}, "emissions": inventory()},
            "inventory",
            "warning",
            "The city has an inventory, and says that it has none (level 0).",
        ),
        (
            {"readiness": {"target": 0}, "commitment": {"neutral_by": 2040}},
            "target",
            "warning",
            "A neutrality year is stated, and the target is said to be absent (level 0).",
        ),
        (
            {"readiness": {"target": 3}},
            "target",
            "note",
            "The target is at level 3 or more, which needs a stated year, and no year is given.",
        ),
        (
            {"readiness": {"plan": 3, "inventory": 0}},
            "plan",
            "warning",
            "The plan's effects are worked out (level 3 or more) without any inventory (level 0).",
        ),
        (
            {"readiness": {"delivery": 3, "plan": 0}},
            "delivery",
            "warning",
            "Measures are on schedule (level 3 or more) without any plan (level 0).",
        ),
        (
            {"readiness": {"finance": 3, "plan": 0}},
            "finance",
            "warning",
            "The money of the plan is in place (level 3 or more) without any plan (level 0).",
        ),
        (
            {"readiness": {"plan": 1}, "mission": {"label_awarded": "2024-10"}},
            "plan",
            "warning",
            "The Mission Label was awarded for a contract with a plan, and the plan is at level 0 or 1.",
        ),
        (
            {"readiness": dict.fromkeys(Dimension, 4), "commitment": {"neutral_by": 2030}},
            "mandate",
            "note",
            "Everything is at level 4, which no city says of itself after a second look.",
        ),
    ],
)
def test_levels_that_contradict_are_told_at_their_dimension(
    fields: dict[str, Any], dimension: str, level: str, words: str
) -> None:
    do = "Read the wording of the level again (sheet 'levels' of the form)."
    assert told(city(**fields)) == [
        ("readiness-contradicts", level, f"readiness.{dimension}", words, do)
    ]


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
    ],
)
def test_levels_that_fit_are_not_asked_about(fields: dict[str, Any]) -> None:
    assert told(city(**fields)) == []


# --- the gazetteer ---------------------------------------------------------------------------------------


AACHEN = (50.77664, 6.08342)


def near(north: float, east: float) -> dict[str, float]:
    return {"lat": AACHEN[0] + north, "lon": AACHEN[1] + east}


@pytest.mark.parametrize(
    ("place", "far"),
    [
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
    if not far:
        assert found == []
        return
    ((code, level, column, words, do),) = found
    assert (code, level, column) == ("place-far", "warning", "location.lat")
    assert words.startswith(
        f"{round(place['lat'], 10)}, {round(place['lon'], 10)} is far from Aachen, which lies at 50.7"
    )
    assert do == "Check the coordinates, or the identifier."


def test_coordinates_the_wrong_way_round_are_recognised_and_only_they() -> None:
    swapped = {"lat": AACHEN[1] + 0.4, "lon": AACHEN[0] - 0.4}
    assert told(city("de-aachen", location=swapped)) == [
        (
            "lat-lon-exchanged",
            "warning",
            "location.lat",
            f"{round(swapped['lat'], 10)}, {round(swapped['lon'], 10)} looks like longitude and latitude exchanged.",
            "Exchange them.",
        )
    ]
    for off in ((0.6, 0), (0, 0.6)):
        elsewhere = {"lat": AACHEN[1] + off[0], "lon": AACHEN[0] + off[1]}
        assert asked(city("de-aachen", location=elsewhere)) == {"place-far"}


@pytest.mark.parametrize(
    ("people", "is_asked"), [(90_000, False), (80_000, True), (700_000, False), (800_000, True)]
)
def test_a_population_is_asked_about_beyond_a_factor_of_three(people: int, is_asked: bool) -> None:
    found = told(city("de-aachen", population={"value": people, "of": "municipality"}))
    assert [q[:3] for q in found] == [("population-differs", "warning", "population.value")] * int(
        is_asked
    )
    if is_asked:
        assert found[0][3].startswith(f"{people:,} people; the gazetteer has 2")
        assert found[0][4] == "Check whether thousands, or another area, are meant."
    assert told(city("de-aachen", population={"value": people, "of": "region"})) == []


# --- against the others ----------------------------------------------------------------------------------


def peers(count: int = 20, **more: Any) -> list[City]:
    return [
        city(f"de-b{k}", emissions=inventory(boundary_population=20_000 + 500 * k, **more))
        for k in range(count)
    ]


def test_an_outlier_is_told_with_the_middle_and_its_score() -> None:
    far = city("nl-port", emissions=inventory(boundary_population=2_000))
    (question,) = told(*peers(), far)
    assert question == (
        "outlier",
        "warning",
        TOTAL,
        "Emissions per capita, 50 t CO2e, is far from the cohort's middle, 4.082 (score +15.7).",
        "True outliers exist (ports, steel, capitals): accept it if it is one.",
    )


def test_a_low_figure_is_an_outlier_too_and_wealth_is_only_a_note() -> None:
    wealth = [
        city(f"de-w{k}", context={"gdp_per_head": {"value": 30_000 + 500 * k, "year": 2020}})
        for k in range(20)
    ]
    poor = city("de-poor", context={"gdp_per_head": {"value": 1_000, "year": 2020}})
    (question,) = told(*wealth, poor)
    assert question[:3] == ("outlier", "note", "context.gdp_per_head.value")
    assert question[3].startswith(
        "Gross domestic product per capita, 1,000 EUR, is far from the cohort's middle, 34,500 (score -"
    )


def test_where_all_are_alike_nobody_is_far() -> None:
    alike = [city(f"de-a{k}", emissions=inventory()) for k in range(20)]
    far = city("nl-port", emissions=inventory(boundary_population=2_000))
    assert told(*alike, far) == []


def test_an_old_inventory_is_told_from_eleven_years_behind_nine_in_ten() -> None:
    new = [city(f"de-n{k}", emissions=inventory()) for k in range(19)]
    old = city("de-old", emissions=inventory(year=2009))
    assert told(*new, old) == [
        (
            "year-old",
            "note",
            "emissions.year",
            "The inventory is of 2009; nine in ten are of 2020 or before, most much newer than this.",
            "Ask for a newer inventory.",
        )
    ]
    assert told(*new, city("de-ten", emissions=inventory(year=2010))) == []
    assert told(*new[:18], old) == []
    newest = [city(f"de-x{k}", emissions=inventory(year=2023)) for k in range(2)]
    assert told(*new[:16], *newest, old, city("de-o", emissions=inventory(year=2012))) == told(
        *new, old
    )


def test_questions_stand_at_the_place_of_their_record() -> None:
    from twinmatch.validate import Record

    one = emitting(year=None)
    where = Where("a.xlsx", "emissions", 7)
    record = Record({}, where, {"emissions.year": "Jahr"})
    assert doubts([(one, record)]) == [
        Problem(
            "year-missing",
            "The inventory has no year.",
            Where("a.xlsx", "emissions", 7, "Jahr"),
            "Fill in the year that the figures are of.",
            "note",
        )
    ]


@pytest.mark.parametrize(
    ("total", "people"), [(120_000, 2_000), (30_000, 100_000)], ids=["60_a_head", "0.3_a_head"]
)
def test_the_ends_of_what_a_head_may_emit_are_not_asked_about(total: int, people: int) -> None:
    sectors = {"stationary_energy": total - 1, "transport": 1}
    found = asked(emitting(total_printed=total, boundary_population=people, sectors=sectors))
    assert found == {"sector-blank"}


def test_twenty_are_enough_to_judge_by() -> None:
    far = city("nl-port", emissions=inventory(boundary_population=2_000))
    assert asked(*peers(19), far) == {"outlier"}
    assert asked(*peers(18), far) == set()


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
    assert asked(*rich, poor) == {"outlier"}


def test_nine_in_ten_is_counted_over_all_that_have_a_year() -> None:
    years = [2012, 2015, *[2020] * 15, *[2023] * 3]
    some = [city(f"de-y{k}", emissions=inventory(year=y)) for k, y in enumerate(years)]
    ((code, *_, words, _),) = told(*some)
    assert code == "year-old"
    assert words.startswith("The inventory is of 2012; nine in ten are of 2023 or before")
