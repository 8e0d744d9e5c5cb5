"""Lists of cities in each form, by hand: which form is taken, and what stands in it."""

from __future__ import annotations

import csv
import io
import json

import pytest

from twinmatch.errors import QuestionError
from twinmatch.web.bodies import LISTS, accepted, list_bytes, sources_once


@pytest.mark.parametrize(
    ("header", "form"),
    [
        ("*/*", "json"),
        ("text/csv", "csv"),
        ("application/geo+json", "geojson"),
        ("text/html, application/json;q=0.5, text/csv;q=0.8", "csv"),
        ("text/*", "csv"),
        ("application/json;q=0, */*;q=0.1", "csv"),
        ("text/html,application/xhtml+xml,*/*;q=0.8", "json"),
    ],
)
def test_the_form_is_the_best_that_is_accepted(header, form):
    assert accepted(header, LISTS) == form


@pytest.mark.parametrize("header", ["text/html", "text/csv;q=0", "image/*", "text/csv;q=x", ""])
def test_a_form_that_there_is_not_is_refused(header):
    with pytest.raises(QuestionError) as raised:
        accepted(header, LISTS)
    assert raised.value.problems[0].code == "not-acceptable"


def two():
    why = [{"says": "Both build trams."}, {"says": "Both seek money."}]
    return {
        "city": "at-a",
        "similar": [
            {"id": "de-b", "name": "B, north", "score": 0.5, "why": why},
            {"id": "de-c", "name": "=1+1", "score": 0.25, "why": []},
        ],
    }


def test_rows_name_the_city_asked_about_and_hold_no_formula():
    rows = list(csv.DictReader(io.StringIO(list_bytes("csv", two()).decode(), newline="")))
    assert [r["like"] for r in rows] == ["at-a", "at-a"]
    assert [r["name"] for r in rows] == ["B, north", "'=1+1"]
    none = "Not enough is known to give a reason."
    assert [r["why"] for r in rows] == ["Both build trams. Both seek money.", none]


def test_fields_are_those_that_were_named():
    many = {"answers": [two(), two()]}
    found = json.loads(list_bytes("json", many, {"id", "score"}))["answers"]
    assert [list(line) for answer in found for line in answer["similar"]] == [["id", "score"]] * 4
    assert list_bytes("csv", two(), {"id"}) == b"like,id\r\nat-a,de-b\r\nat-a,de-c\r\n"


def test_a_source_stands_once():
    facts = [{"source": "X"}, {"source": "Y"}, {}, {"source": "X"}]
    accounts = [[{"evidence": facts[:2]}], [{"evidence": facts[2:]}]]
    assert sources_once(accounts) == {"s1": "X", "s2": "Y"}
    assert facts == [{"source": "s1"}, {"source": "s2"}, {}, {"source": "s1"}]
