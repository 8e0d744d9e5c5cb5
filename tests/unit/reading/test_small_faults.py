"""Small files with the faults that people report of survey exports, and what a person would expect of each."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from twinmatch.intake.survey import hosts_of, open_survey
from twinmatch.reading import Raw, raw_of_records, read, read_raw
from twinmatch.reading.mapping import Mapping, read_mapping, to_toml
from twinmatch.reading.meaning import cities_joined
from twinmatch.schema import Domain

CASES = Path(__file__).parent / "cases"


def _of(name: str, mapping: Mapping | None = None) -> Raw:
    return read_raw(CASES / name, mapping)


def _values(raw: Raw, path: str) -> list[Any]:
    found = []
    for record in raw.cities:
        value: Any = record.data
        for part in path.split("."):
            value = value.get(part) if isinstance(value, dict) else None
        found.append(value)
    return found


def _codes(raw: Raw, level: str) -> set[str]:
    return {p.code for p in raw.problems if p.level == level}


@pytest.mark.parametrize(
    ("name", "path", "values"),
    [
        ("percent.xlsx", "covenant.target_2030", [55, 40, 100]),
        ("dates.xlsx", "commitment.neutral_by", [2030, 2030, 2030]),
        ("dates.xlsx", "version.date", ["2026-03-31"] * 3),
        ("dates.xlsx", "mission.label_awarded", ["2024-03"] * 3),
        ("dates_pop.csv", "participation.english", ["B2", "B2", "B2"]),
        ("float_pop.csv", "population.value", [102275, 265086]),
        ("gforms.csv", "population.value", [102275]),
        ("hidden_row.xlsx", "participation.newcomer", [*[True] * 8, False]),
        ("hidden_sheet_first.xlsx", "name", ["Leuven", "Ghent", "Aachen"]),
        ("sheet_per_country.xlsx", "name", ["Leuven", "Ghent", "Aachen"]),
        ("header_break.xlsx", "emissions.sectors.transport", [150500, 400000]),
        ("header_break.xlsx", "name", ["Leuven", "Ghent"]),
        ("id_running.csv", "id", ["be-leuven", "be-ghent"]),
        ("id_running2.csv", "id", ["be-leuven", "be-ghent"]),
        ("likert.csv", "readiness.mandate", [3, 3]),
        ("likert.csv", "readiness.plan", [4, None]),
        ("multi_cols.csv", "challenges", [["mobility_transport", "nature_based_solutions"], ["industry"]]),
        ("notation_lower.csv", "emissions.sectors.ippu", ["NE", "NE"]),
        ("qualtrics.csv", "name", ["Leuven"]),
        ("strict.xlsx", "name", ["Leuven", "Ghent"]),
        ("totals.csv", "name", ["Leuven", "Ghent"]),
        ("totals2.csv", "name", ["Aachen", "Münster"]),
        ("totals_country.xlsx", "name", ["Leuven", "Ghent", "Aachen"]),
    ],
)  # fmt: skip
def test_a_table_is_read_as_a_person_reads_it(name: str, path: str, values: list[Any]) -> None:
    raw = _of(name)
    assert _values(raw, path) == values
    assert not _codes(raw, "error")


@pytest.mark.parametrize(
    ("name", "code", "rows"),
    [
        ("ragged.csv", "row-too-long", {3}),
        ("ragged_tail2.csv", "row-too-long", {2}),
        ("header.csv", "no-cities", {1}),
        ("errcells.xlsx", "cell-error", {2, 3}),
        ("formula_none.xlsx", "formula-without-result", {2}),
    ],
)
def test_what_cannot_be_read_is_one_cause_with_its_rows(
    name: str, code: str, rows: set[int]
) -> None:
    errors = [p for p in _of(name).problems if p.level == "error"]
    assert {p.code for p in errors} == {code}
    assert {p.where.row for p in errors} == rows


@pytest.mark.parametrize(
    ("name", "code"),
    [
        ("hidden_row.xlsx", "hidden-rows"),
        ("hidden_sheet_first.xlsx", "sheet-not-read"),
        ("sheet_per_country.xlsx", "sheets-together"),
        ("totals.csv", "row-set-aside"),
        ("mojibake.csv", "letters-broken"),
        ("same_name.csv", "same-name"),
        ("gforms.csv", "rows-merged"),
    ],
)
def test_what_a_person_should_look_at_is_a_warning(name: str, code: str) -> None:
    assert code in _codes(_of(name), "warning")


def test_options_of_a_column_each_and_own_words_are_kept() -> None:
    lime = _of("lime.csv")
    assert _values(lime, "challenges") == [["mobility_transport"], ["industry"]]
    assert "Ports" in _values(lime, "needs")[1]
    forms = _of("msforms.csv")
    assert _values(forms, "challenges")[1] == ["waste_circular_economy", "nature_based_solutions"]
    assert "ports" in _values(forms, "needs")[1]


def test_two_places_of_one_name_are_two_cities() -> None:
    assert len({r.data["id"] for r in _of("same_name.csv").cities}) == 2


def test_two_columns_that_disagree_are_asked_and_the_answer_is_used() -> None:
    raw = _of("dup_header.csv")
    assert _values(raw, "population.value") == [None]
    (question,) = raw.questions
    answered = (raw.used or Mapping()).answered(question, question.choices[0][0])
    assert _values(_of("dup_header.csv", answered), "population.value") == [102275]


def test_broken_letters_are_repaired_when_somebody_says_so() -> None:
    raw = _of("mojibake.csv")
    (question,) = raw.questions
    repaired = _of("mojibake.csv", (raw.used or Mapping()).answered(question, "true"))
    assert _values(repaired, "name") == ["München", "Köln", "Málaga"]


def test_a_date_or_half_a_level_is_no_level() -> None:
    found = open_survey(_of("readiness_date.xlsx"))
    bundled = read()
    cities = found.cohort.cities
    assert [c.readiness for c in cities] == [bundled.city(c.id).readiness for c in cities]
    assert sum(p.code == "answer-left-out" for p in found.problems) == 3


def test_a_number_that_words_say_is_told_as_it_was_read(tmp_path: Path) -> None:
    table = tmp_path / "table.csv"
    rows = ("Graz,AT,about 120 000", "Linz,AT,1.2 million", "Wels,AT,84.7k", "Enns,AT,11 900")
    table.write_text("\n".join(("Stadt,Land,Einwohner", *rows)), "utf-8")
    raw = read_raw(table)
    assert _values(raw, "population.value") == [120_000, 1_200_000, 84_700, 11_900]
    assert [p.found for p in raw.problems if p.code == "number-read"] == [
        "'about 120 000' is read as 120,000.",
        "'1.2 million' is read as 1,200,000.",
        "'84.7k' is read as 84,700.",
    ]


def test_a_wish_for_a_host_that_was_not_given_says_how_to_bring_it() -> None:
    raw = _of("survey.csv")
    for hosts, hint in (([], "It is among the bundled hosts"), ([hosts_of("bundled")], "")):
        told = {p.found: p.do for p in open_survey(raw, hosts).problems if p.code == "wish-no-host"}
        assert any(" 'Copenhagen'" in found for found in told) == bool(hint)
        assert all(do.startswith(hint) for found, do in told.items() if " 'Copenhagen'" in found)
        assert any("bundled" not in do for do in told.values())


def test_a_survey_is_39_applicants_with_their_answers() -> None:
    raw = _of("survey.csv")
    found = open_survey(raw, [hosts_of("bundled")])
    cities = [found.cohort.city(i) for i in found.applicants]
    assert len(cities) == 39
    assert {c.id for c in found.cohort.cities if "guest" in c.roles} == set(found.applicants)
    assert raw.questions == ()
    assert all(c.wishes or c.id in {"it-trento"} for c in cities)
    assert all(c.challenges or c.levers_needed for c in cities)
    assert all(c.participation and c.participation.staff_hours_a_month for c in cities)
    assert all(c.participation and c.participation.english for c in cities)
    assert {c.id for c in cities if not c.commitment} == {"it-trento", "bg-varna"}
    graz = found.cohort.city("at-graz")
    assert graz.wishes == ("dk-copenhagen", "se-malmo", "fi-helsinki")
    assert graz.population is not None
    assert graz.population.value == 292_600
    assert graz.location is not None
    ghent = found.cohort.city("be-ghent")
    assert ghent.needs is not None
    assert ghent.needs.endswith("(corrected)")
    assert "example.org" not in repr(found)
    assert len(found.contacts) == 39


def test_the_same_survey_without_its_letters_asks_for_the_one_city_that_is_lost() -> None:
    raw = _of("survey_cp1252.csv")
    (question,) = raw.questions
    assert question.where.row == 16
    assert "Volos, GR" in [value for value, _ in question.choices]
    answered = (raw.used or Mapping()).answered(question, "Volos, GR")
    found = open_survey(_of("survey_cp1252.csv", answered), [hosts_of("bundled")])
    assert len(found.applicants) == 39
    assert {"gr-volos", "pl-niepolomice", "ro-iasi"} <= set(found.applicants)


def test_how_a_table_was_read_is_a_file_that_reads_it_the_same(tmp_path: Path) -> None:
    raw = _of("survey.csv")
    place = tmp_path / "m.toml"
    place.write_text(to_toml(raw.used or Mapping(), "survey.csv", raw.questions), "utf-8")
    again = _of("survey.csv", read_mapping(place))
    assert [r.data for r in again.cities] == [r.data for r in raw.cities]


@pytest.mark.parametrize(
    ("said", "cities"),
    [
        ("Copenhagen or Malmö", ["Copenhagen", "Malmö"]),
        ("Kopenhagen oder Malmö", ["Kopenhagen", "Malmö"]),
        ("Copenhague ou Malmö", ["Copenhague", "Malmö"]),
        ("Lisbona o Torino", ["Lisbona", "Torino"]),
        ("København eller Malmö", ["København", "Malmö"]),
        ("Łódź lub Kraków", ["Łódź", "Kraków"]),
        ("either Graz or Turku", ["Graz", "Turku"]),
        ("A Coruña", ["A Coruña"]),
        ("trams or buses", ["trams or buses"]),
    ],
)
def test_cities_joined_by_a_word_are_several(said: str, cities: list[str]) -> None:
    assert cities_joined(said) == cities


@pytest.mark.parametrize("name", ["gforms.csv", "dates_pop.csv", "float_pop.csv"])
def test_whoever_answers_a_survey_has_applied_without_hosts_too(name: str) -> None:
    raw = _of(name)
    cities = open_survey(raw).cohort.cities
    assert cities
    assert all(city.roles for city in cities) == raw.is_survey


def test_what_a_survey_does_not_answer_of_a_bundled_city_stays_as_its_profile_has_it() -> None:
    said = {"name": "Prato", "country": "IT", "challenges": {"industry": 1}, "wishes": ["Lyon"]}
    raw = raw_of_records([{"id": "it-prato", **said, "offers": "Il riuso degli scarti tessili."}])
    found = open_survey(raw, [hosts_of("bundled")])
    prato, bundled = found.cohort.city("it-prato"), read().city("it-prato")
    assert prato.challenges == {Domain.INDUSTRY: 1}
    assert prato.offers == "Il riuso degli scarti tessili."
    assert prato.wishes == ("fr-lyon",)
    assert [role.value for role in prato.roles] == ["guest", "mission", "pilot"]
    for block in ("readiness", "needs", "levers_needed", "strengths", "emissions", "commitment"):
        assert getattr(prato, block) == getattr(bundled, block)
        assert prato.source_of(block) == bundled.source_of(block) != ""
    assert {prato.source_of(block) for block in ("challenges", "offers")} == {""}
    (note,) = [p for p in found.problems if p.code == "taken-from-profile"]
    assert note.level == "note"
    assert note.found.startswith("Prato is also among the bundled cities: what the table does")
    assert "climate readiness" in note.found
    assert "challenges" not in note.found
