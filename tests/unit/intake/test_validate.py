"""Raw records to a cohort: every problem with its place, what was found and what to do, and none twice."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest

import twinmatch as tm
from twinmatch.app.intake import check_profiles
from twinmatch.errors import DataError, Problem, QuestionError, Where
from twinmatch.reading.mapping import columns
from twinmatch.reading.table import put
from twinmatch.schema import City, HostUnit
from twinmatch.validate import Record, examine, in_order, profiles, validate


def record(id_: str = "de-aa", row: int = 2, **fields: Any) -> Record:
    data = {"id": id_, "name": "Aa", "country": id_[:2].upper(), **fields}
    return Record(data, Where("a.xlsx", "cities", row))


def unit(id_: str, *cities: str, row: int = 2) -> Record:
    return Record({"id": id_, "name": "U", "cities": list(cities)}, Where("a.xlsx", "units", row))


def told(*cities: Record, units: tuple[Record, ...] = ()) -> list[tuple[str, int, str, str, str]]:
    """Return code, row, column, what was found and what to do, of every problem."""
    problems = examine(cities, units).problems
    assert {p.level for p in problems} <= {"error"}
    return [(p.code, p.where.row, p.where.column, p.found, p.do) for p in problems]


# --- places ----------------------------------------------------------------------------------------------


def test_a_field_stands_under_its_path_its_column_or_elsewhere() -> None:
    elsewhere = Where("b.csv", "", 9, "year")
    one = Record(
        {},
        Where("a.xlsx", "cities", 3, "ignored"),
        {"name": "Stadt", "emissions.year": "Jahr"},
        {"emissions.year": elsewhere},
    )
    assert one.place("country") == Where("a.xlsx", "cities", 3, "country")
    assert one.place("name") == Where("a.xlsx", "cities", 3, "Stadt")
    assert one.place("emissions.year") == elsewhere


# --- one profile -----------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("fields", "problem"),
    [
        ({"name": None}, ("value-wrong", "name", "Found None.", "Expected a text.")),
        (
            {"populaton": 5},
            ("field-unknown", "populaton", "There is no such field.", "Did you mean population?"),
        ),
        (
            {"emissions": {"form": "gpc", "boundary": "city", "sectors": {}, "yaer": 2020}},
            ("field-unknown", "emissions.yaer", "There is no such field.", "Did you mean year?"),
        ),
        (
            {"location": {"lat": 1, "lon": 1, "zzzz": 2}},
            (
                "field-unknown",
                "location.zzzz",
                "There is no such field.",
                "Known fields: lat, lon.",
            ),
        ),
        (
            {"location": {"lat": 91, "lon": 1}},
            (
                "value-wrong",
                "location.lat",
                "Found 91.",
                "Expected at most 90.",
            ),
        ),
        (
            {"location": {"lat": 1}},
            ("field-missing", "location.lon", "The field is missing.", ""),
        ),
    ],
)
def test_a_wrong_field_is_told_with_what_is_expected(
    fields: dict[str, Any], problem: tuple[str, ...]
) -> None:
    code, column, found, do = problem
    assert told(record(**fields)) == [(code, 2, column, found, do)]


def test_a_missing_field_is_told_by_name() -> None:
    one = Record({"id": "de-aa", "country": "DE"}, Where("a.yaml"))
    assert told(one) == [("field-missing", 0, "name", "The field is missing.", "")]


def test_a_reason_of_the_model_is_repeated_in_its_own_words() -> None:
    ((code, _, column, found, do),) = told(record(country="ZZ"))
    assert (code, column, do) == ("value-wrong", "country", "")
    assert found.startswith("Found 'ZZ': ")
    assert found.endswith(".")


@pytest.mark.parametrize(
    ("length", "shown"),
    [(78, "'" + "x" * 78 + "'"), (79, "'" + "x" * 76 + "...")],
)
def test_a_long_value_is_shown_by_its_first_eighty_characters(length: int, shown: str) -> None:
    ((_, _, _, found, _),) = told(record(population={"value": "x" * length}))
    assert found == f"Found {shown}."


def test_the_complaints_of_a_union_about_one_value_are_one_problem() -> None:
    emissions = {"form": "gpc", "boundary": "city", "sectors": {"waste": "soon"}}
    ((code, _, column, found, do),) = told(record(emissions=emissions))
    assert (code, column, found) == ("value-wrong", "emissions.sectors.waste", "Found 'soon'.")
    assert do.startswith("Expected ")
    assert do.count(", or ") == 1
    assert "'NE'" in do
    assert "number" in do


def test_a_key_that_is_no_domain_is_told_at_its_key() -> None:
    ((code, _, column, found, _),) = told(record(challenges={"cheese": 3}))
    assert (code, column, found) == ("value-wrong", "challenges.cheese", "Found 'cheese'.")


@pytest.mark.parametrize(
    ("fields", "problem"),
    [
        ({"strengths": {"cheese": 3}}, ("strengths.cheese", "Found 'cheese'.")),
        ({"strengths": 5}, ("strengths", "Found 5.")),
        ({"streets": 5}, ("streets", "There is no such field.")),
        ({"float": 5}, ("float", "There is no such field.")),
        ({"people [1000]": 5}, ("people [1000]", "There is no such field.")),
    ],
)
def test_a_field_that_is_called_like_a_type_keeps_its_place(
    fields: dict[str, Any], problem: tuple[str, str]
) -> None:
    ((_, _, column, found, _),) = told(record(**fields))
    assert (column, found) == problem


def test_an_unknown_field_that_begins_like_a_type_is_told_with_the_nearest() -> None:
    ((*_, do),) = told(record(strenghts=5))
    assert do == "Did you mean strengths?"


def test_every_wrong_field_of_every_record_is_told() -> None:
    found = told(record("de-aa", 2, name=5, wrong=1), record("de-bb", 3, location={"lat": 1}))
    assert [(code, row, column) for code, row, column, *_ in found] == [
        ("value-wrong", 2, "name"),
        ("field-unknown", 2, "wrong"),
        ("field-missing", 3, "location.lon"),
    ]


def test_what_is_no_profile_at_all_is_told_as_one() -> None:
    found = told(Record({"id": "de-aa"}, Where("a.yaml")))
    assert [problem[2] for problem in found] == ["name", "country"]


def test_profiles_that_are_right_come_with_their_records_and_the_others_do_not() -> None:
    right, wrong = record("de-aa", 2), record("de-bb", 3, name=5)
    known, problems = profiles([wrong, right], City)
    assert [(city.id, of) for city, of in known] == [("de-aa", right)]
    assert [p.where.row for p in problems] == [3]
    units, problems = profiles([unit("unit-x", "de-aa")], HostUnit)
    assert (units[0][0].cities, problems) == (("de-aa",), [])


# --- all together ----------------------------------------------------------------------------------------


def test_a_cohort_is_sorted_whatever_the_order_of_its_records() -> None:
    cities = [record(f"de-{k}{k}") for k in "cab"]
    units = [unit("unit-y", "de-aa"), unit("unit-x", "de-bb")]
    cohort = validate(cities, units)
    assert [c.id for c in cohort.cities] == ["de-aa", "de-bb", "de-cc"]
    assert [u.id for u in cohort.units] == ["unit-x", "unit-y"]
    found = examine(cities, units)
    assert found.cohort == cohort
    assert [city.id for city, _ in found.known] == ["de-cc", "de-aa", "de-bb"]
    assert found.problems == ()


@pytest.mark.parametrize("nothing", ["", " "])
def test_a_name_without_letters_names_no_city(nothing: str) -> None:
    with pytest.raises(QuestionError) as caught:
        validate([record(), record("de-bb")]).find(nothing)
    assert [(p.code, p.found) for p in caught.value.problems] == [
        ("city-unknown", "No city was named.")
    ]


def test_no_profile_at_all_is_a_problem() -> None:
    found = examine([])
    assert found.cohort is None
    assert found.problems == (
        Problem(
            "no-cities",
            "There are no city profiles here.",
            do="Name a folder of .yaml files, or a table.",
        ),
    )


def test_that_there_is_no_profile_is_not_told_where_another_error_tells_why() -> None:
    with pytest.raises(DataError) as caught:
        validate([], (), [Problem("column-missing", "No column 'country'.")])
    assert [p.code for p in caught.value.problems] == ["column-missing"]
    with pytest.raises(DataError) as caught:
        validate([], (), [Problem("header-read-as", "Read.", level="note")])
    assert [p.code for p in caught.value.problems] == ["no-cities"]


def test_a_city_twice_is_told_at_the_second_with_the_place_of_the_first() -> None:
    found = told(record(row=2), record("de-bb", row=3), record(row=4), record(row=5))
    assert found == [
        (
            "city-twice",
            row,
            "id",
            "'de-aa' is here again; it stands first in a.xlsx, sheet 'cities', row 2.",
            "Keep one.",
        )
        for row in (4, 5)
    ]
    nowhere = [Record({"id": "de-aa", "name": "Aa", "country": "DE"}, Where())] * 2
    assert told(*nowhere)[0][3] == "'de-aa' is here again; it stands first in this input."


def test_a_unit_twice_is_told_like_a_city() -> None:
    units = (unit("unit-x", "de-aa", row=2), unit("unit-x", "de-bb", row=3))
    ((code, row, *_),) = told(record(), record("de-bb"), units=units)
    assert (code, row) == ("city-twice", 3)


@pytest.mark.parametrize("name", ["wishes", "refuses", "welcomes"])
def test_a_reference_to_nobody_is_told_with_the_nearest(name: str) -> None:
    found = told(
        record(**{name: ["de-bb", "unit-x", "de-bbb", "zz-qqqq"]}),
        record("de-bb"),
        units=(unit("unit-x", "de-bb"),),
    )
    assert found == [
        (
            "reference-unknown",
            2,
            name,
            "'de-bbb' is neither a city nor a host unit here.",
            "Did you mean de-bb?",
        ),
        (
            "reference-unknown",
            2,
            name,
            "'zz-qqqq' is neither a city nor a host unit here.",
            "",
        ),
    ]


@pytest.mark.parametrize("name", ["wishes", "refuses", "welcomes"])
def test_a_city_does_not_name_itself(name: str) -> None:
    assert told(record(**{name: ["de-aa"]})) == [
        ("names-itself", 2, name, "de-aa names itself.", "Remove it.")
    ]


def test_a_unit_is_made_of_cities_and_a_city_acts_in_one() -> None:
    units = (
        unit("unit-x", "de-aa", "unit-y", row=7),
        unit("unit-y", "de-bb", "de-aa", row=8),
        unit("unit-z", "de-aa", row=9),
    )
    assert told(record(), record("de-bb"), units=units) == [
        (
            "reference-unknown",
            7,
            "cities",
            "'unit-y' is neither a city nor a host unit here.",
            "",
        ),
        (
            "city-in-two-units",
            8,
            "cities",
            "'de-aa' is already in 'unit-x'.",
            "A city acts in one host unit.",
        ),
        (
            "city-in-two-units",
            9,
            "cities",
            "'de-aa' is already in 'unit-y'.",
            "A city acts in one host unit.",
        ),
    ]


def test_references_are_judged_beside_profiles_that_are_wrong_themselves() -> None:
    found = told(record(wishes=["de-zz", "de-bb"]), record("de-bb", 3, name=5))
    assert {(code, row) for code, row, *_ in found} == {
        ("reference-unknown", 2),
        ("value-wrong", 3),
    }
    nameless = Record({"name": "Zz", "country": "DE"}, Where("a.yaml"))
    found = told(record(wishes=["de-zz"]), nameless)  # it may be the one that is meant
    assert [code for code, *_ in found] == ["field-missing"]


def test_references_of_a_profile_that_is_wrong_itself_are_told_beside_it() -> None:
    found = told(record(roles=["gust"], wishes=["de-zz", 5], refuses="de-yy"))
    assert {(code, column) for code, _, column, _, _ in found} == {
        ("value-wrong", "roles.0"),
        ("value-wrong", "wishes.1"),
        ("value-wrong", "refuses"),
        ("reference-unknown", "wishes"),
    }


@pytest.mark.parametrize("name", ["Lund", "lund", "LUND", "se-lund", "SE-LUND"])
def test_a_reference_by_name_is_one_by_id(name: str) -> None:
    cohort = validate([record(wishes=[name]), record("se-lund", 3, name="Lund")])
    assert cohort.city("de-aa").wishes == ("se-lund",)


@pytest.mark.parametrize("name", ["Wien", "Vienna", "Vienne", "wien"])
def test_a_reference_may_be_in_another_language(name: str) -> None:
    cohort = validate([record(refuses=[name]), record("at-vienna", 3, name="Vienna")])
    assert cohort.city("de-aa").refuses == ("at-vienna",)


def test_a_name_of_two_cities_is_not_taken_for_either() -> None:
    found = told(
        record(wishes=["Halle"]),
        record("de-halle", 3, name="Halle"),
        record("be-halle", 4, name="Halle"),
    )
    assert [code for code, *_ in found] == ["reference-unknown"]


def test_a_word_that_is_nearly_a_choice_is_guessed() -> None:
    ((code, *_, found, do),) = told(record(roles=["gust"]))
    assert (code, found) == ("value-wrong", "Found 'gust'.")
    assert do == "Did you mean guest? Expected 'mission', 'pilot' or 'guest'."


def test_warnings_of_reading_do_not_stop_and_errors_do() -> None:
    warning = Problem("w", "doubtful", level="warning")
    note = Problem("n", "noted", level="note")
    error = Problem("e", "wrong", Where("z.csv"))
    assert validate([record()], problems=[warning, note]).cities[0].id == "de-aa"
    with pytest.raises(DataError) as caught:
        validate([record()], problems=[error, warning])
    assert caught.value.problems == (error,)
    with pytest.raises(DataError) as caught:
        validate([record(name=5)], problems=[error, error])
    assert [p.code for p in caught.value.problems] == ["value-wrong", "e"]


def test_problems_come_by_place_code_and_words_and_once_each() -> None:
    later = Problem("a", "x", Where("b"))
    other = Problem("b", "x", Where("a"))
    first = Problem("a", "y", Where("a"))
    earlier = Problem("a", "x", Where("a"))
    assert in_order([later, other, first, earlier, later]) == [earlier, first, other, later]


WRONG: tuple[Any, ...] = ("3-4", 2.5, -1, 1e9, [], {}, [[1]], None, "x" * 9_000, True, ["x"])
VALIDATOR = re.compile(
    r"valid (integer|number|tuple|string|list|dict)|unable to|parse|\\d|\[a-z|Input|should|pattern"
)


@pytest.mark.parametrize("value", WRONG, ids=repr)
def test_no_message_is_in_the_words_of_a_validator(value: Any) -> None:
    good = {"id": "de-x", "name": "X", "country": "DE"}
    for path in columns():
        data: dict[str, Any] = dict(good)
        put(data, path, value)
        _, problems = profiles([Record(data, Where("t.csv", row=2))], City)
        for problem in problems:
            assert not VALIDATOR.search(problem.do + problem.found.replace(repr(value), "")), (
                problem
            )


def test_an_empty_table_is_one_message(tmp_path: Path) -> None:
    table = tmp_path / "empty.csv"
    table.write_text("", "utf-8")
    checked = check_profiles(table)
    assert [t.code for t in checked.problems] == ["no-cities"]


@pytest.mark.parametrize("name", ["Cologne", "Leuven"])
def test_a_bundled_city_that_is_not_in_the_round_is_told_as_that(name):
    cohort = tm.read([{"name": "Trento", "country": "IT"}])
    with pytest.raises(QuestionError) as said:
        cohort.find(name)
    (problem,) = said.value.problems
    assert problem.found.startswith(f"{name} is one of the bundled cities, but not in this round.")
    assert "--hosts bundled brings it if it hosts others" in problem.found
    with pytest.raises(QuestionError, match="No city 'Nowhere' in these profiles"):
        cohort.find("Nowhere")
