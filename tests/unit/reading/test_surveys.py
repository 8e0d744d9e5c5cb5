"""Exports of seven survey tools in six languages: what is guessed is right, what is not is asked or reported."""

from __future__ import annotations

import json
import sys
from pathlib import Path

import pytest

from twinmatch.reading import Mapping, read_raw
from twinmatch.reading.meaning import meaning

sys.path.insert(0, str(Path(__file__).parents[3] / "benchmarks"))
from surveys import SURVEYS, score

TRUTH = json.loads((SURVEYS / "truth.json").read_text("utf-8"))


def test_there_are_forty_eight_of_seven_tools_in_six_languages() -> None:
    assert len(TRUTH) == 48
    assert len({t["tool"] for t in TRUTH.values()}) == 7
    assert len({t["language"] for t in TRUTH.values()}) == 6


@pytest.mark.parametrize("name", sorted(TRUTH))
def test_an_export_is_read_right(name: str) -> None:
    found = score(SURVEYS / name, TRUTH[name])
    right, wrong, missed = (found.cells[k] for k in ("right", "wrong", "missed"))
    assert right >= 0.9 * (right + wrong + missed), found.told
    assert not found.cells["silent"], found.told
    assert not found.cells["extra rows"], found.told
    assert not found.columns["wrong"], found.told
    assert found.asked <= 3


DIRECTED = [
    ("What could a visiting city learn from you?", "offers"),
    ("What would you like a host city to show you?", "needs"),
    ("Was können andere von Ihnen lernen?", "offers"),
    ("Avec quelle ville aimeriez-vous échanger ?", "wishes"),
    ("Have you taken part in a peer exchange before?", "not participation.newcomer"),
    ("Is this your first EU twinning?", "participation.newcomer"),
    ("Experiencias que puede enseñar a otras ciudades", "offers"),
]
CELLS = {
    "wishes": ["Ghent", "Espoo", "Lyon"],
    "participation.newcomer": ["Yes", "No", "Yes"],
    "not participation.newcomer": ["Yes", "No", "Yes"],
}
TEXTS = [
    "We cannot find installers.",
    "Too many cars in the centre.",
    "Our flats are cold and old.",
]


@pytest.mark.parametrize(("header", "field"), DIRECTED)
def test_who_learns_from_whom_is_read_from_the_words(header: str, field: str) -> None:
    found = meaning(header, CELLS.get(field, TEXTS))
    assert (found.field if found else "") == field


def test_sentences_under_a_header_that_says_nothing_are_asked_about(tmp_path: Path) -> None:
    table = tmp_path / "survey.csv"
    rows = [f"{c},DE,{t}" for c, t in zip(("Aachen", "Mainz", "Trier"), TEXTS, strict=True)]
    table.write_text("\n".join(["Stadt,Land,Und sonst so im Alltag?", *rows]), "utf-8")
    (question,) = [q for q in read_raw(table).questions if q.table == "columns"]
    assert question.key == "Und sonst so im Alltag?"
    assert [choice for choice, _ in question.choices] == ["needs", "offers", ""]
    assert not question.guess
    answered = read_raw(table, Mapping().answered(question, "offers"))
    assert answered.cities[0].data["offers"] == TEXTS[0]
