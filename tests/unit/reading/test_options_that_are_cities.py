"""Columns of one question whose options are cities, and mappings that name an option of a field."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from twinmatch.errors import QuestionError
from twinmatch.reading import Mapping, read_raw
from twinmatch.reading.mapping import Target, mapping_of, to_toml

ASKED = "Città con cui vorreste essere abbinati (max 3)"
OPTIONS = ("Barcellona", "Colonia", "Lubiana")
ROWS = (("Trento", "No", "Sì", "Sì"), ("Parma", "Sì", "No", "Sì"), ("Prato", "No", "No", "No"))


def _table(folder: Path, asked: str = ASKED, options: Any = OPTIONS, rows: Any = ROWS) -> Path:
    path = folder / "survey.csv"
    header = ["Nome del Comune", "Stato", *(f"{asked} [{o}]" for o in options)]
    lines = [header, *([name, "Italia", *cells] for name, *cells in rows)]
    path.write_text("\n".join(";".join(line) for line in lines), "utf-8")
    return path


def _wishes(path: Path, mapping: Mapping | None = None) -> list[Any]:
    return [r.data.get("wishes") for r in read_raw(path, mapping).cities]


def test_ticked_cities_of_a_question_about_matching_are_wishes_in_no_order(tmp_path: Path) -> None:
    path = _table(tmp_path)
    raw = read_raw(path)
    assert [q.key for q in raw.questions] == []
    assert _wishes(path) == [["Colonia", "Lubiana"], ["Barcellona", "Lubiana"], None]
    assert [r.data.get("wishes_unordered") for r in raw.cities] == [True, True, None]


def test_ticked_cities_of_another_question_are_asked_about_once(tmp_path: Path) -> None:
    path = _table(tmp_path, "Quali conoscete bene?")
    (question,) = read_raw(path).questions
    assert (question.guess, question.labels) == ("wishes", OPTIONS)
    assert _wishes(path) == [None, None, None]
    answered = Mapping().answered(question, "wishes")
    assert _wishes(path, answered) == [["Colonia", "Lubiana"], ["Barcellona", "Lubiana"], None]


@pytest.mark.parametrize(
    ("said", "wishes"),
    [
        ({"field": "wishes", "option": "Colonia"}, [["Colonia"], None, None]),
        ("wishes", [["Colonia", "Lubiana"], ["Barcellona", "Lubiana"], None]),
    ],
)
def test_a_line_of_a_mapping_names_the_wish(tmp_path: Path, said: Any, wishes: Any) -> None:
    rest = {f"{ASKED} [{o}]": "" for o in OPTIONS if o != "Colonia" and said != "wishes"}
    mapping = mapping_of({"columns": {f"{ASKED} [Colonia]": said, **rest}})
    assert _wishes(_table(tmp_path), mapping) == wishes


@pytest.mark.parametrize(
    ("field", "option", "block", "found"),
    [
        ("languages", "Italiano", "languages", ["it"]),
        ("refuses", "Milano", "refuses", ["Milano"]),
        ("participation.programmes", "Twinning 2024", "participation", "Twinning 2024"),
        ("pilot.levers", "finance_funding", "pilot", "finance_funding"),
        ("own_labels", "Costa", "own_labels", ["Costa: yes"]),
    ],
)
def test_an_option_of_a_list_is_added_where_it_is_ticked(
    tmp_path: Path, field: str, option: str, block: str, found: Any
) -> None:
    path = _table(tmp_path, "Che cosa", ("A", "B"), [("Trento", "Sì", "Sì"), ("Parma", "No", "No")])
    targets = {"Che cosa [A]": {"field": field, "option": option}}
    targets["Che cosa [B]"] = {"field": field, "option": option}
    cities = read_raw(path, mapping_of({"columns": targets})).cities
    said = cities[0].data[block]
    assert said == found or [*said.values()] == [[found]]
    assert field == "own_labels" or block not in cities[1].data


@pytest.mark.parametrize("field", ["needs", "country", "population.value", "contact"])
def test_an_option_of_a_field_that_takes_none_names_those_that_do(field: str) -> None:
    with pytest.raises(QuestionError, match=f"{field} takes no options.*wishes"):
        mapping_of({"columns": {"X [Y]": {"field": field, "option": "Y"}}})


def test_an_option_that_is_not_read_is_kept_so() -> None:
    mapping = Mapping(columns={"X [Y]": Target("", option="Y")})
    assert mapping_of({"columns": {"X [Y]": {"field": "", "option": "Y"}}}) == mapping
    assert 'option = "Y"' in to_toml(mapping, "t.csv")


@pytest.mark.parametrize("cells", [("Sì", "No"), ("1804427713", "902331874"), ("2026-02-03", "")])
@pytest.mark.parametrize("field", ["needs", "offers", "wishes"])
def test_what_holds_no_words_under_a_field_of_words_is_not_read_but_told(
    tmp_path: Path, field: str, cells: tuple[str, str]
) -> None:
    path = _table(tmp_path, "Parola", ["x"], [("Trento", cells[0]), ("Parma", cells[1])])
    raw = read_raw(path, mapping_of({"columns": {"Parola [x]": field}}))
    assert all(field not in r.data for r in raw.cities)
    (told,) = (p for p in raw.problems if p.code == "cells-no-words")
    assert told.level == "warning"
    assert ("option" in told.do) == (cells[1] == "No")


def test_a_column_that_nothing_tells_is_advised_to_be_left(tmp_path: Path) -> None:
    rows = [("Trento", "Vorremmo vedere"), ("Parma", "niente di altro da dire")]
    path = _table(tmp_path, "Note e commenti", ["x"], rows)
    (told,) = (p for p in read_raw(path).problems if p.code == "column-set-aside")
    assert '= ""' in told.do
    assert "survey.mapping.toml" in told.do
    assert "needs" not in told.do


@pytest.mark.parametrize("header", ["Seme", "Data di inizio", "Data dell'ultima azione", "Graine"])
def test_what_a_survey_tool_counts_is_set_aside(tmp_path: Path, header: str) -> None:
    path = tmp_path / "survey.csv"
    path.write_text(f"Nome del Comune;Stato;{header}\nTrento;Italia;1804427713\n", "utf-8")
    raw = read_raw(path)
    assert not raw.questions
    assert "column-set-aside" not in {p.code for p in raw.problems}
