"""The workbook as a coordinator's tool: decisions that read back, charts, and a real spreadsheet program."""

from __future__ import annotations

import os
import shutil
import subprocess
from dataclasses import replace
from io import BytesIO
from pathlib import Path

import openpyxl
import pytest
from exporting_samples import sample, twinning
from test_workbook import members

from twinmatch.app.decided import DecisionSheet, read_decisions
from twinmatch.errors import DataError
from twinmatch.exporting.spreadsheet import CHOICES
from twinmatch.exporting.workbook import proposal_xlsx
from twinmatch.proposal import Proposal, Table
from twinmatch.wording import LANGUAGES, spoken

FAIRNESS = Table(
    "fairness",
    "Fairness",
    ("By", "Group", "Guests", "With a place", "Part with a place", "Mean points", "Chance of so few by lot"),
    (("Size", "small", 4, 1, 0.25, 0.6, 0.03), ("Size", "large", 2, 2, 1.0, 0.7, 1.0)),
)  # fmt: skip
SATISFACTION = Table(
    "satisfaction",
    "Satisfaction",
    ("Meeting", "Guest", "Host", "Points", "Best possible points", "With", "Rank", "Hosts"),
    (("twinning-1", "Graz", "North", 0.5, 0.75, "Lund", 2, 3),),
)


def proposal() -> Proposal:
    return replace(
        sample(), products=(replace(twinning(), tables=(FAIRNESS, SATISFACTION)),), tables=()
    )


def filled(path: Path, *decisions: tuple[int, str | None, dict[str, str]]) -> Path:
    """Write the workbook with decisions: row, word, and further cells by head."""
    book = openpyxl.load_workbook(BytesIO(proposal_xlsx(proposal())))
    page = book["Decisions"]
    heads = {cell.value: cell.column for cell in page[1]}
    for row, word, cells in decisions:
        for head, value in {"Decision": word, **cells}.items():
            page.cell(row, heads[head], value)
    book.save(path)
    return path


def problems_of(path: Path) -> list[str]:
    with pytest.raises(DataError) as caught:
        read_decisions(path)
    return [str(p) for p in caught.value.problems]


def test_an_untouched_workbook_has_no_decision(tmp_path):
    path = tmp_path / "proposal.xlsx"
    path.write_bytes(proposal_xlsx(proposal()))
    assert read_decisions(path) == DecisionSheet(())


def test_decisions_read_back_with_their_place(tmp_path):
    own = {"Guest id": "Nantes", "Host id": "se-lund", "Note": "the mayor asked"}
    path = filled(tmp_path / "p.xlsx", (2, "Reject", {}), (3, "keep", {}), (6, "lock", own))
    first, kept, second = read_decisions(path).found
    assert (first.one, first.other, first.kind) == ("at-graz", "unit-north", "reject")
    assert (kept.one, kept.kind) == ("il-eilat", "release")
    assert (second.one, second.other, second.kind, second.why) == (
        "Nantes", "se-lund", "lock", "the mayor asked",
    )  # fmt: skip
    assert str(second.where) == "p.xlsx, sheet 'Decisions', row 6, Decision"


@pytest.mark.parametrize("code", LANGUAGES)
def test_every_word_of_a_sheet_reads_back_in_its_language(tmp_path, code):
    book = openpyxl.load_workbook(BytesIO(proposal_xlsx(proposal(), code)))
    page = book[spoken("Decisions", code)]
    heads = {cell.value: cell.column for cell in page[1]}
    (choices,) = {v.formula1 for v in page.data_validations.dataValidation if v.type == "list"}
    words = choices.strip('"').split(",")
    assert words == [spoken(word, code) for word in CHOICES]
    for row, word in enumerate(words, 4):
        for head, value in (("Guest id", "at-graz"), ("Host id", f"h-{row}"), ("Decision", word)):
            page.cell(row, heads[spoken(head, code)], value)
    book.save(tmp_path / "p.xlsx")
    found = read_decisions(tmp_path / "p.xlsx").found
    assert [d.kind for d in found] == ["release", *CHOICES[1:]]
    assert {d.one for d in found} == {"at-graz"}


def test_a_pair_may_be_named_and_a_row_that_decides_nothing_is_told(tmp_path):
    named = {"Guest": "Nantes", "Host": "Lund"}
    path = filled(tmp_path / "p.xlsx", (4, "lock", named), (5, None, {"Guest id": "at-graz"}))
    found = read_decisions(path)
    assert [(d.one, d.other, d.kind) for d in found.found] == [("Nantes", "Lund", "lock")]
    assert found.undecided == (5,)


def test_locks_and_bans_that_hold_stand_in_the_next_sheet(tmp_path):
    unit_first = [["unit-north", "fr-nantes"], ["fr-nantes", "xk-nowhere"]]
    wanted = {"lock": [["unit-north", "at-graz"]], "ban": [*unit_first, unit_first[0]]}
    made_from = {"programme": {"settings": {"twinning": wanted}}}
    path = tmp_path / "p.xlsx"
    path.write_bytes(proposal_xlsx(replace(proposal(), made_from=made_from)))
    found = read_decisions(path)
    assert [(d.one, d.other, d.kind) for d in found.found] == [
        ("at-graz", "unit-north", "lock"),
        ("fr-nantes", "unit-north", "ban"),
        ("fr-nantes", "xk-nowhere", "ban"),
    ]
    assert found.undecided == ()


@pytest.mark.parametrize(
    "made_from",
    [
        {},
        {"programme": []},
        {"programme": {"settings": {"twinning": {"lock": 3, "ban": [["a"], "ab", [1, 2], None]}}}},
    ],
)
def test_settings_that_name_no_pairs_want_none(made_from):
    assert replace(proposal(), made_from=made_from).wanted == ((), ())


def test_every_wrong_decision_is_told_with_its_row(tmp_path):
    clash = {"Guest id": "at-graz", "Host id": "unit-north"}
    path = filled(
        tmp_path / "p.xlsx", (2, "lock", {}), (3, "rejct", {}), (5, "ban", {"Guest id": "x"}), (7, "ban", clash)
    )  # fmt: skip
    found = problems_of(path)
    assert len(found) == 3
    assert "row 3, Decision: 'rejct' is no decision. Did you mean reject?" in found[0]
    assert "row 5, Host id" in found[1]
    assert "'ban' here, but 'lock' in row 2" in found[2]


def test_wrong_workbooks_are_refused(tmp_path):
    assert "There is no such file" in problems_of(tmp_path / "nothing.xlsx")[0]
    other = openpyxl.Workbook()
    other.save(tmp_path / "other.xlsx")
    assert "no sheet 'Decisions'" in problems_of(tmp_path / "other.xlsx")[0]
    other.active.title = "Decisions"
    other.active.append(["Guest id", "Decision"])
    other.save(tmp_path / "other.xlsx")
    assert problems_of(tmp_path / "other.xlsx") == [
        "other.xlsx, sheet 'Decisions', row 1, Host id: There is no column 'Host id'. Put it back."
    ]
    (tmp_path / "text.xlsx").write_text("no workbook")
    assert "Not readable as a workbook" in problems_of(tmp_path / "text.xlsx")[0]


def test_a_cell_offers_the_decisions_and_nothing_else():
    page = openpyxl.load_workbook(BytesIO(proposal_xlsx(proposal())))["Decisions"]
    (rule,) = page.data_validations.dataValidation
    assert rule.formula1 == '"keep,accept,reject,hold,lock,ban"'
    assert str(rule.sqref) == f"D2:D{1 + 2 + 20}"


def test_charts_read_their_figures_from_the_sheets():
    parts = members(proposal_xlsx(proposal()))
    charts = [text for name, text in parts.items() if name.startswith("xl/charts/chart")]
    assert len(charts) == 2
    joined = " ".join(charts)
    assert "'Twinning, fairness'!$E$2:$E$3" in joined
    assert "'Twinning, satisfaction'!$D$2" in joined


def test_figures_stand_as_numbers_with_their_unit():
    book = openpyxl.load_workbook(BytesIO(proposal_xlsx(proposal())))
    page = book["Twinning, fairness"]
    assert [c.value for c in page[2]] == ["Size", "small", 4, 1, 0.25, 60, 0.03]
    assert [c.number_format for c in page[2]][4:] == ["0%", "0.0", "0%"]


@pytest.mark.slow
def test_libreoffice_opens_it_and_says_the_same(tmp_path):
    """Every sheet and every cell survives a real spreadsheet program, and nothing in it is an error."""
    program = shutil.which("soffice") or shutil.which("libreoffice")
    if program is None:
        told = "LIBREOFFICE IS MISSING: no real spreadsheet program has opened the workbook"
        if os.environ.get("CI"):
            pytest.fail(told)
        pytest.skip(told)
    source = tmp_path / "proposal.xlsx"
    source.write_bytes(proposal_xlsx(proposal()))
    subprocess.run(
        [program, f"-env:UserInstallation=file://{tmp_path}/profile", "--headless", "--convert-to",
         "xlsx:Calc MS Excel 2007 XML", "--outdir", str(tmp_path / "out"), str(source)],
        check=True, capture_output=True, timeout=180,
    )  # fmt: skip
    ours, theirs = (
        openpyxl.load_workbook(source),
        openpyxl.load_workbook(tmp_path / "out/proposal.xlsx"),
    )
    assert theirs.sheetnames == ours.sheetnames
    for name in (n for n in ours.sheetnames if n != "Charts"):
        for mine, its in zip(ours[name].iter_rows(), theirs[name].iter_rows(), strict=False):
            for one, other in zip(mine, its, strict=False):
                assert str(other.value or "").replace("_x000D_", "") == str(one.value or ""), one
                assert other.data_type != "e"
    assert len(theirs["Charts"]._charts) == len(ours["Charts"]._charts) == 2
    assert read_decisions(tmp_path / "out/proposal.xlsx") == DecisionSheet(())
