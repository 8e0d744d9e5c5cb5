"""Exports of seven survey tools in six languages: what is guessed is right, what is not is asked or reported."""

from __future__ import annotations

import json
import sys
import tomllib
from pathlib import Path

import pytest

from twinmatch.embedding import choice
from twinmatch.errors import QuestionError
from twinmatch.reading import Mapping, read_raw
from twinmatch.reading.mapping import mapping_of, to_toml
from twinmatch.reading.meaning import are_options, meaning, of_codes
from twinmatch.reading.sense import grouped, likely
from twinmatch.reading.values import option_codes, options_of

sys.path.insert(0, str(Path(__file__).parents[3] / "benchmarks"))
from surveys import SURVEYS, Score, score

TRUTH = json.loads((SURVEYS / "truth.json").read_text("utf-8"))


def test_there_are_seventy_of_seven_tools_in_six_languages() -> None:
    assert len(TRUTH) == 70
    assert len({t["tool"] for t in TRUTH.values()}) == 7
    assert len({t["language"] for t in TRUTH.values()}) == 6


UNSEEN = sorted(n for n, t in TRUTH.items() if t.get("outside") == 3)


def test_unseen_exports_have_nine_cells_in_ten_right_and_none_wrong_in_silence() -> None:
    found = sum((score(SURVEYS / name, TRUTH[name]) for name in UNSEEN), Score())
    right, wrong, missed = (found.cells[k] for k in ("right", "wrong", "missed"))
    assert right >= 0.9 * (right + wrong + missed), found.told
    assert not found.cells["silent"] + found.cells["extra rows"], found.told


@pytest.mark.parametrize("name", sorted(set(TRUTH) - set(UNSEEN)))
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


def _survey(folder: Path, *rows: str) -> Path:
    table = folder / "survey.csv"
    table.write_text("\n".join(rows), "utf-8")
    return table


@pytest.mark.parametrize("base", ["", "Q7"])
def test_an_answer_about_the_first_column_of_a_question_holds_for_all(
    tmp_path: Path, base: str
) -> None:
    options = ("Finance and funding", "Governance and policy", "Procurement")
    heads = [f"{base} [{o}]" if base else o for o in options]
    ticks = [(f"{c},AT", [o if k != n else "" for n, o in enumerate(options)]) for k, c in enumerate(("Graz", "Linz", "Wels"))]  # fmt: skip
    rows = (f"{city},{','.join('x' if base and t else t for t in said)}" for city, said in ticks)
    table = _survey(tmp_path, f"City,Country,{','.join(heads)}", *rows)
    (question,) = read_raw(table).questions
    assert (question.key, question.options) == (heads[0], tuple(heads[1:]))
    by_hand = mapping_of({"columns": {heads[0]: "levers_offered"}})  # the line of the mapping file
    for mapping in (by_hand, Mapping().answered(question, "levers_offered")):
        raw = read_raw(table, mapping)
        assert not raw.questions
        assert [len(r.data["levers_offered"]) for r in raw.cities] == [2, 2, 2]
        assert raw.cities[0].data["levers_offered"] == ["governance_policy", "procurement"]


WISHED = "Which cities would you like to be matched with?"


@pytest.mark.parametrize(
    ("header", "cells", "unordered", "asked"),
    [
        (WISHED, ("Aarhus; Ghent; Turku", "Ghent; Oslo", "Oslo; Turku"), True, False),
        (f"{WISHED} (tick up to 3)", ("Turku; Ghent", "Ghent; Oslo", "Oslo; Turku"), True, False),
        (WISHED, ("Turku; Ghent", "Ghent; Oslo", "Oslo; Turku"), True, True),
        (WISHED, ("Turku", "Ghent", "Oslo"), True, False),
        (f"{WISHED} (in order)", ("Aarhus; Ghent", "Ghent; Oslo", "Oslo; Turku"), None, False),
        ("Rank the host cities", ("Aarhus; Ghent", "Ghent; Oslo", "Oslo; Turku"), None, False),
        (WISHED, ("1. Turku 2. Ghent", "1. Ghent 2. Oslo", "Oslo"), None, False),
        ("Wunschpartner 1,Wunschpartner 2", ("Turku,Ghent", "Ghent,Oslo", "Oslo,"), None, False),
        ("Premier choix,Deuxième choix", ("Turku,Ghent", "Ghent,Oslo", "Oslo,"), None, False),
        ("wishes", ("Turku; Ghent", "Ghent; Oslo", "Oslo; Turku"), None, False),
    ],
)
def test_wishes_are_a_ranking_only_where_something_says_so(
    tmp_path: Path,
    header: str,
    cells: tuple[str, ...],
    unordered: bool | None,
    asked: bool,
) -> None:
    cities = zip(("Aachen", "Mainz", "Trier"), cells, strict=True)
    table = _survey(tmp_path, f"Stadt,Land,{header}", *(f"{c},DE,{said}" for c, said in cities))
    raw = read_raw(table)
    assert {r.data.get("wishes_unordered") for r in raw.cities} == {unordered}
    assert [q.asks for q in raw.questions if "best first" in q.asks] == [
        q.asks for q in raw.questions
    ]
    assert bool(raw.questions) == asked


def test_who_says_that_wishes_stand_best_first_is_not_asked_again(tmp_path: Path) -> None:
    cells = ("Turku; Ghent", "Ghent; Oslo", "Oslo; Turku")
    rows = (f"{c},DE,{said}" for c, said in zip(("Aachen", "Mainz", "Trier"), cells, strict=True))
    table = _survey(tmp_path, f"Stadt,Land,{WISHED}", *rows)
    raw = read_raw(table)
    (question,) = raw.questions
    for answer, unordered in (("wishes", True), ("ranked wishes", None)):
        mapping = (raw.used or Mapping()).answered(question, answer)
        mapping = mapping_of(tomllib.loads(to_toml(mapping, table.name)))
        again = read_raw(table, mapping)
        assert not again.questions
        assert again.cities[0].data["wishes"] == ["Turku", "Ghent"]
        assert again.cities[0].data.get("wishes_unordered") == unordered
    with pytest.raises(QuestionError):
        mapping_of({"columns": {"Stadt": "ranked name"}})


@pytest.mark.parametrize(
    ("cells", "found"),
    [
        (["a, b;", "c"], [("a, b",), ("c",)]),  # a semicolon anywhere separates everywhere
        (["Heat (gas, oil), Waste", "Waste"], [("Heat (gas, oil)", "Waste"), ("Waste",)]),
        (
            ["Transport, cars and buses, Waste", "Waste"],
            [("Transport, cars and buses", "Waste"), ("Waste",)],
        ),
        (["Waste, green procurement", "Waste"], [("Waste", "green procurement"), ("Waste",)]),
        (["Money, then what, who pays"], [("Money, then what, who pays",)]),  # a sentence
    ],
)
def test_options_are_split_as_their_whole_column_shows(
    cells: list[str], found: list[tuple[str, ...]]
) -> None:
    assert list(options_of(cells).values()) == found


@pytest.mark.parametrize(
    ("option", "codes"),
    [
        ("Riqualificazione energetica degli edifici", ("built_environment",)),
        ("Buildings and energy", ("stationary_energy",)),
        ("Energie (Strom, Verkehr)", ("energy_systems",)),
        ("Funding and business cases", ("finance_funding",)),
        ("Green infrastructure", ("nature_based_solutions",)),
        ("Participation and data", ("democracy_participation", "data_digitalisation")),
        ("Tourism", ()),
    ],
)
def test_an_option_means_a_domain_or_lever_by_its_stems(
    option: str, codes: tuple[str, ...]
) -> None:
    assert option_codes(option) == codes


def test_options_seen_elsewhere_or_listed_are_options_and_sentences_are_not() -> None:
    assert are_options(["Trees and water", "Old flats"], seen={"Trees and water"})
    assert are_options(["Trees and water;", "Old flats;Cars;"])
    assert not are_options(["Trees die on our squares", "Nobody wants old flats"])
    assert of_codes("challenges", ["Money", "Procurement", "Buildings"]) == "levers_needed"
    assert of_codes("strengths", ["Money", "Buildings"]) == "strengths"


def test_a_yes_to_having_taken_part_is_no_newcomer_and_the_mapping_says_so(tmp_path: Path) -> None:
    rows = (
        "Stadt,Land,Waren Sie schon einmal bei einem Lernprogramm dabei?",
        "Jena,DE,Ja",
        "Gera,DE,Nein",
    )
    raw = read_raw(_survey(tmp_path, *rows))
    assert [c.data["participation"]["newcomer"] for c in raw.cities] == [False, True]
    text = to_toml(raw.used, "survey.csv")
    assert '"not participation.newcomer"' in text
    again = mapping_of({"columns": {rows[0].split(",")[2]: "not participation.newcomer"}})
    assert [
        c.data["participation"]["newcomer"] for c in read_raw(tmp_path / "survey.csv", again).cities
    ] == [
        False,
        True,
    ]
    with pytest.raises(QuestionError):
        mapping_of({"columns": {"Stadt": "not name"}})


def test_columns_of_one_question_are_grouped_by_it_and_headed_options_by_their_cells() -> None:
    names = ["Lacking? [Money]", "Lacking? [Data]", "Trees", "Cars", "Other", "Trees (2)", "Name"]
    cells = [["Y"], ["N"], ["Trees"], [""], ["Ports"], ["Trees"], ["Ann"]]
    found = grouped(dict(enumerate(names)), cells)
    assert found == [
        ("lacking", {0: "Money", 1: "Data"}),
        ("", {2: "Trees", 3: "Cars", 4: "Other"}),
    ]


def test_two_columns_with_one_set_of_options_ask_which_the_second_is(tmp_path: Path) -> None:
    rows = (
        "Stadt,Land,Themen mit Bedarf,Noch ein Bedarf",
        "Jena,DE,Verkehr;Abfall,Verkehr",
        "Gera,DE,Verkehr,Abfall",
    )
    (question,) = read_raw(_survey(tmp_path, *rows)).questions
    assert (question.key, question.guess) == ("Noch ein Bedarf", "strengths")


def test_an_option_that_nothing_names_is_asked_once_without_a_text_model(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(choice, "is_there", lambda: False)
    rows = ("Stadt,Land,Themen mit Bedarf", "Jena,DE,Verkehr;Xyzzy", "Gera,DE,Xyzzy")
    (question,) = read_raw(_survey(tmp_path, *rows)).questions
    assert (question.table, question.key, question.guess) == ("values", "Xyzzy", "")
    assert not likely("What can you show us?", ("needs", "offers"))


@pytest.mark.skipif(not choice.is_there(), reason="needs the text model for many languages")
def test_a_header_without_known_words_is_guessed_by_its_sense_and_asked() -> None:
    assert likely("Worin seid ihr richtig stark?", ("challenges", "strengths")) == "strengths"
    assert not likely("Und sonst so im Alltag?", ("needs", "offers"))


def test_columns_of_the_tables_own_are_labels_where_the_mapping_says_so(tmp_path: Path) -> None:
    """Two of them together, yes and no in any language, a short name for a long heading; an empty cell says nothing."""
    long = "Does your city lie at the coast?"
    path = _survey(
        tmp_path, f"Stadt,Land,{long},Lot", "Jena,DE,nein,B", "Bari,IT,ja,A;B", "Linz,AT,,"
    )
    asked = {"Lot": "own_labels", long: {"field": "own_labels", "option": "Coastal"}}
    mapping = mapping_of({"columns": asked})
    (unread,) = {p.code for p in read_raw(path).problems if p.where.column == "Lot"}
    found = {r.data["name"]: r.data.get("own_labels") for r in read_raw(path, mapping).cities}
    assert (unread, found) == (
        "column-set-aside",
        {
            "Jena": ["Coastal: no", "Lot: B"],
            "Bari": ["Coastal: yes", "Lot: A", "Lot: B"],
            "Linz": None,
        },
    )
    again = mapping_of(tomllib.loads(to_toml(mapping, "x")))
    assert again.columns == mapping.columns
