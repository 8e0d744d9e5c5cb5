"""Groups, moves and letters decided in a workbook of any language: read back, solved again, and still in the next workbook."""

from __future__ import annotations

import io

import openpyxl
import pytest

from cities import cohort_of, facet_cache
from rounds_for_tests import propose
from twinmatch.app.decided import correspondence, read_sheet, with_decided
from twinmatch.errors import DataError
from twinmatch.exporting.letters import letters
from twinmatch.exporting.titles import product_title
from twinmatch.exporting.workbook import proposal_xlsx
from twinmatch.programmes.programme import programme_model
from twinmatch.wording import LANGUAGES, spoken

DOMAINS = ("energy_systems", "mobility_transport")
COHORT = cohort_of(
    *(
        {"id": f"at-g{k}", "roles": ["guest"], "challenges": {DOMAINS[k % 2]: 3, DOMAINS[1 - k % 2]: 1}}
        for k in range(6)
    ),
    *({"id": f"be-h{k}", "roles": ["mission"], "strengths": {DOMAINS[k]: 3}} for k in range(2)),
)  # fmt: skip
THEMES = [
    {"id": d.partition("_")[0], "title": d.partition("_")[0].title(), "domains": [d]}
    for d in DOMAINS
]
PROGRAMME = programme_model().model_validate(
    {
        "discussion_groups": {
            "themes": THEMES,
            "leads": [0, 1],
            "size": [1, 8],
            "weights": {"theme": 1},
        },
        "national_clusters": {"size": [2, 3], "weights": {"shared_challenges": 1}},
    }
)
MOVED = "discussion_groups:mobility"


@pytest.fixture(scope="module")
def made():
    return propose(COHORT, PROGRAMME, facet_cache())


def filled(path, made, cells, code="en", edited=None):
    """Write a workbook with cells filled: by sheet, the text of a row's id, and the head, all in English."""
    path.write_bytes(proposal_xlsx(made, code, edited))
    book = openpyxl.load_workbook(path)
    for (sheet, id_, head), value in cells.items():
        page = book[spoken(sheet, code)]
        heads = {c.value: c.column for c in page[1]}
        row = next(r for r in range(2, page.max_row + 1) if id_ in [c.value for c in page[r]])
        page.cell(row, heads[spoken(head, code)]).value = value
    book.save(path)
    return path


def group_of(made, city, product="discussion_groups"):
    return next(m.id for m in made.product(product).meetings if city in m.cities())


@pytest.mark.parametrize("code", LANGUAGES)
def test_what_is_decided_of_groups_cities_and_letters_is_read_back(tmp_path, made, code):
    energy = "discussion_groups:energy"
    letter = next(x for x in letters(made) if x.city == "at-g1")
    cells = {
        ("Groups to change", energy, "New name"): "Heat",
        ("Groups to change", energy, "Split into"): 2,
        ("Groups to change", energy, "Assigned to"): "Ada",
        ("Groups to change", MOVED, "Decision"): spoken("reject", code),
        ("Groups to change", MOVED, "Note"): "too small",
        ("Cities to move", "at-g0", "Move to"): "mobility",
        ("Letters to change", "at-g1", "Subject"): "Servus",
        ("Letters to change", "at-g1", "Letter"): "Come.\n\nAda",
    }
    decided = read_sheet(filled(tmp_path / "p.xlsx", made, cells, code), COHORT, made)
    assert (decided.names, decided.splits) == ({energy: "Heat"}, {energy: 2})
    assert (decided.lock, decided.rejected) == ((("at-g0", MOVED),), (MOVED,))
    assert decided.letters == {"at-g1": (letter.code, "Servus\n\nCome.\n\nAda")}
    again = letters(made, correspondence([decided], code))
    assert [(x.subject, x.text) for x in again if x.edited] == [("Servus", "Come.\n\nAda")]


@pytest.mark.parametrize("code", LANGUAGES)
def test_an_untouched_workbook_asks_for_nothing(tmp_path, made, code):
    decided = read_sheet(filled(tmp_path / "p.xlsx", made, {}, code), COHORT, made)
    assert (decided.lock, decided.ban, decided.names, decided.splits, decided.letters) == (
        (), (), {}, {}, {},
    )  # fmt: skip


def test_the_next_round_has_it_and_the_next_workbook_still_says_so(tmp_path, made):
    energy = "discussion_groups:energy"
    assert group_of(made, "at-g0") == energy
    cells = {
        ("Groups to change", energy, "New name"): "Heat",
        ("Groups to change", MOVED, "Split into"): 2,
        ("Cities to move", "at-g0", "Move to"): "Mobility",
        ("Letters to change", "be-h0", "Letter"): "Come.",
    }
    decided = read_sheet(filled(tmp_path / "p.xlsx", made, cells), COHORT, made)
    after = propose(COHORT, with_decided(PROGRAMME, [decided], COHORT), facet_cache())
    titles = {m.id: m.label for m in after.product("discussion_groups").meetings}
    assert (titles[energy], len(titles)) == ("Heat", 3)
    assert group_of(after, "at-g0").startswith(MOVED)
    edited = {city: (next(x.code for x in letters(after) if x.city == city), text) for city, (_, text) in decided.letters.items()}  # fmt: skip
    again = read_sheet(filled(tmp_path / "q.xlsx", after, {}, "de", edited), COHORT, after)
    assert (again.names, again.splits) == (decided.names, decided.splits)
    assert again.letters == edited
    (lock,) = again.lock
    assert lock == ("at-g0", group_of(after, "at-g0"))


def test_a_cluster_is_meant_by_a_city_that_is_there(tmp_path, made):
    one, other = made.product("national_clusters").meetings[:2]
    city, path = one.cities()[0], filled(tmp_path / "p.xlsx", made, {})
    book = openpyxl.load_workbook(path)
    page = book["Cities to move"]
    row = next(r for r in page.iter_rows(min_row=2) if (r[5].value, r[6].value) == (city, one.id))
    page.cell(row[0].row, 5, other.id)
    book.save(path)
    (mine, beside) = read_sheet(path, COHORT, made).lock
    assert mine == (city, other.id)
    assert beside[0] in other.cities()
    assert beside[1] == other.id


def test_every_wrong_cell_is_named_with_sheet_row_and_column(tmp_path, made):
    energy = "discussion_groups:energy"
    cells = {
        ("Groups to change", energy, "Split into"): "many",
        ("Groups to change", energy, "New name"): "x" * 200,
        ("Groups to change", MOVED, "Decision"): "acept",
        ("Cities to move", "at-g0", "Move to"): "Heating",
        ("Letters to change", "at-g1", "Subject"): None,
        ("Letters to change", "at-g2", "Letter code"): None,
    }
    with pytest.raises(DataError) as caught:
        read_sheet(filled(tmp_path / "p.xlsx", made, cells), COHORT, made)
    where = [(p.code, p.where.sheet, p.where.row, p.where.column) for p in caught.value.problems]
    moved = next(w[2] for w in where if w[1] == "Cities to move")
    assert sorted(where) == sorted(
        [
            ("name-wrong", "Groups to change", 2, "New name"),
            ("number-wrong", "Groups to change", 2, "Split into"),
            ("decision-unknown", "Groups to change", 3, "Decision"),
            ("group-unknown", "Cities to move", moved, "Move to"),
            ("letter-wrong", "Letters to change", 3, "Subject"),
            ("letter-wrong", "Letters to change", 4, "Letter code"),
        ]
    )


def test_a_theme_split_otherwise_in_two_rows_and_a_city_in_two_groups_clash(tmp_path, made):
    path = tmp_path / "p.xlsx"
    path.write_bytes(proposal_xlsx(made))
    book = openpyxl.load_workbook(path)
    groups, moves = book["Groups to change"], book["Cities to move"]
    for row, number in ((2, 2), (3, 3)):
        groups.cell(row, 6, number)
        groups.cell(row, 10, "discussion_groups:energy")
    moves.cell(2, 5, "Mobility")
    moves.append([None, None, None, None, "Energy", moves.cell(2, 6).value])
    book.save(path)
    with pytest.raises(DataError) as caught:
        read_sheet(path, COHORT, made)
    assert [(p.code, p.where.row) for p in caught.value.problems] == [
        ("decisions-clash", 3),
        ("decisions-clash", moves.max_row),
    ]


def test_a_column_that_is_gone_is_named(tmp_path, made):
    path = tmp_path / "p.xlsx"
    path.write_bytes(proposal_xlsx(made))
    book = openpyxl.load_workbook(path)
    book["Letters to change"]["E1"] = "x"
    book["Cities to move"]["E1"] = "y"
    book.save(path)
    with pytest.raises(DataError) as caught:
        read_sheet(path, COHORT, made)
    where = {(p.code, p.where.sheet, p.where.column) for p in caught.value.problems}
    assert where == {
        ("column-missing", "Letters to change", "Letter code"),
        ("column-missing", "Cities to move", "Move to"),
    }


def test_the_choices_of_a_city_are_the_groups_of_its_format(made):
    book = openpyxl.load_workbook(io.BytesIO(proposal_xlsx(made, "de")))
    page = book[spoken("Cities to move", "de")]
    offered = {str(v.sqref): v.formula1 for v in page.data_validations.dataValidation}
    groups = book[spoken("Groups to change", "de")]
    for cells, source in offered.items():
        first, last = (int(x.rpartition("$")[2]) for x in source.partition("!")[2].split(":"))
        ids = {groups.cell(r, 9).value.partition(":")[0] for r in range(first, last + 1)}
        mine = {row[0].value for row in page[cells.replace("E", "C")]}
        of = {p.product for p in made.products if spoken(product_title(p), "de") in mine}
        assert len(mine) == 1
        assert of == ids
    assert len(offered) == 2
