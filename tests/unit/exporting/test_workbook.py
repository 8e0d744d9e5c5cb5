import io
import math
import re
import zipfile
from dataclasses import replace

import openpyxl
import pytest
from exporting_samples import CONTROLS, FORMULA, RIGHT_TO_LEFT, SCRIPT, clusters, sample, twinning
from hypothesis import given, settings
from hypothesis import strategies as st

from twinmatch.exporting.report import report_html
from twinmatch.exporting.workbook import proposal_xlsx
from twinmatch.proposal import Proposal, Table, UnitName
from twinmatch.proposal.tables import AlikeRow, QuestionRow


def book_of(proposal: Proposal):
    return openpyxl.load_workbook(io.BytesIO(proposal_xlsx(proposal)))


@pytest.fixture(scope="module")
def book():
    return book_of(sample())


def rows(sheet):
    head, *body = sheet.iter_rows(values_only=True)
    return [dict(zip(head, row, strict=True)) for row in body]


def members(content: bytes) -> dict[str, str]:
    with zipfile.ZipFile(io.BytesIO(content)) as archive:
        return {name: archive.read(name).decode("utf-8") for name in archive.namelist()}


def test_sheets_stand_in_reading_order(book):
    assert book.sheetnames == [
        *("Read me", "Decisions", "Groups to change", "Letters to change"),
        *("Twinning", "Groups", "Clusters", "Cities", "Accounts"),
        *("Left out", "Rules", "Rules to change", "Gaps", "Parameters", "Load"),
    ]


def test_the_first_sheet_begins_with_a_result(book):
    cells = [cell.value for row in book["Read me"].iter_rows() for cell in row if cell.value]
    assert cells[1].startswith("2 twinning pairs, 1 discussion group and 1 national cluster")
    assert "No other set of meetings" in " ".join(cells)
    assert "Text model › Name" in cells


def test_a_pair_is_one_row(book):
    first, second = rows(book["Twinning"])
    assert first["Guest"] == "Graz"
    assert first["Host"] == 'North "light" & sons'
    assert first["Host cities"] == f"Aarhus, {SCRIPT}"
    assert first["Points of 100"] == pytest.approx(60.79, abs=0.01)
    assert first["Why"] == "Both want district heating."
    assert first["If one side declines"].startswith(
        f"{RIGHT_TO_LEFT} instead of Graz (61.2 points)"
    )
    assert second["Host"] == "xk-nowhere"


def test_points_given_sum_to_the_score(book):
    lines = [row for row in rows(book["Accounts"]) if row["Identifier"] == "twinning-1"]
    score = rows(book["Twinning"])[0]["Points of 100"]
    assert sum(row["Points given"] for row in lines) == pytest.approx(score, abs=1e-6)
    assert [row["Likeness (0 to 1)"] for row in lines] == [0.71, "not known", 0.33333333]
    assert (
        "Graz – population: 289,440 people (2021; reported; Eurostat)"
        in (lines[0]["Figures and quotations behind it"])
    )


def test_a_group_is_one_row_with_its_leads(book):
    (group,) = rows(book["Groups"])
    assert group["Discussion group"] == "Heat & <power>"
    assert group["Lead cities"] == "Aarhus (Denmark)"
    assert (group["Cities"], group["Countries"]) == (3, 3)


def test_every_city_says_where_it_is(book):
    cities = {row["Identifier"]: row for row in rows(book["Cities"])}
    assert cities["at-graz"]["Twinning"] == "Graz and North (guest)"
    assert cities["fr-lyon"]["Twinning"] == "Left out: no host has a place"
    assert cities["dk-aarhus"]["Population"] is None


def test_sheets_are_ready_for_work_and_print(book):
    for sheet in book.worksheets[1:]:
        assert sheet.freeze_panes
        assert sheet.auto_filter.ref
        assert sheet.print_title_rows == "$1:$1"
        assert sheet.page_setup.orientation == "landscape"
        assert sheet.page_setup.paperSize == 9
        assert sheet.sheet_properties.pageSetUpPr.fitToPage
        assert sheet.oddFooter.center.text == "Page &P of &N"
        assert all(1 <= row.height <= 409 for row in sheet.row_dimensions.values() if row.height)


def test_no_cell_is_a_formula_or_leads_outside():
    for name, text in members(proposal_xlsx(sample())).items():
        if name.startswith("xl/worksheets"):
            assert "<f>" not in text
            assert "<f " not in text
        assert not re.search(r'Target="(https?|file|mailto):', text)
    values = [c.value for s in book_of(sample()) for row in s.iter_rows() for c in row]
    texts = [value for value in values if isinstance(value, str)]
    assert not [text for text in texts if text.startswith(("=", "+", "-", "@", "\t", "\r"))]
    assert "'" + FORMULA in texts
    assert SCRIPT in texts


def test_texts_lose_only_what_xml_cannot_hold():
    parameters = rows(book_of(sample())["Parameters"])
    note = next(row["Value"] for row in parameters if row["Part"] == "Note")
    assert note.startswith("bell, escape, override, lone  and tab")
    assert "\x07" in CONTROLS


def test_other_products_get_a_sheet_each():
    products = (
        replace(clusters(), product="study_visits", title=""),
        replace(clusters(), product="x", title="City panels: [all]/none * and very very long"),
        replace(clusters(), product="y", title="city panels all none  and very very long"),
        replace(clusters(), product="z", title="Rules"),
        replace(twinning(), meetings=(), left_out=(), status="infeasible", bound=math.inf),
    )
    names = book_of(Proposal({}, products)).sheetnames
    assert names[2:7] == [
        *("Study visits", "City panels allnone  and"),
        *("city panels all none  and", "Rules 2", "Twinning"),
    ]
    assert all(len(name) <= 31 for name in names)


def test_figures_name_cities_meetings_facets_and_topics_in_place_of_their_codes():
    alike = AlikeRow("twinning-1", "alike", "needs_offers", "Both heat with coal.", 0.5)
    asked = QuestionRow("One", "at-graz; dk-aarhus", "one_stop_shop_advice; public_transport")
    tables = (
        Table("alike", "Own", ("a", "b", "c", "d", "e"), (alike,)),
        Table("questions", "Asked", ("p", "q", "t"), (asked,)),
        Table("own", "Own", ("who asks", "text"), (("at-graz; dk-aarhus", "at-graz and more"),)),
    )
    made = replace(sample(), products=(replace(twinning(), tables=tables),))
    rows = [
        [c.value for c in book_of(made)[f"Twinning, {name}"][2]]
        for name in ("in common", "questions", "own")
    ]
    assert rows[0] == [
        "Graz and North",
        "alike",
        "Needs met by offers",
        "Both heat with coal.",
        0.5,
    ]
    assert rows[1][1:] == [
        "Graz, Aarhus",
        "one-stop shops and advice for owners as well as public transport",
    ]
    assert rows[2] == ["Graz, Aarhus", "at-graz and more"]
    assert "at-graz; dk-aarhus" not in report_html(made).decode()


def test_an_empty_proposal_is_a_workbook():
    assert book_of(Proposal({}, ())).sheetnames[0] == "Read me"


def test_the_same_proposal_gives_the_same_bytes():
    assert proposal_xlsx(sample()) == proposal_xlsx(sample())


@settings(max_examples=25, deadline=None)
@given(st.text(max_size=50))
def test_any_text_opens_again(text):
    product = replace(twinning(text), title=text, engine=text, advice=(text,))
    proposal = Proposal(
        {text: text}, (product,), units=(UnitName("unit-north", text),), notes=(text,)
    )
    content = proposal_xlsx(proposal)
    openpyxl.load_workbook(io.BytesIO(content), read_only=True).close()
    assert "<f>" not in "".join(members(content).values())
