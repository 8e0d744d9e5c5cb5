"""Dossiers and e-mails: what they say, in every form, whatever people typed."""

import shutil
import subprocess
import zipfile
from dataclasses import replace
from io import BytesIO

import pytest
from docx import Document
from exporting_samples import FORMULA, HOSTILE, SCRIPT, sample
from test_report import Page

from twinmatch.exporting import dossier_files, publish
from twinmatch.exporting.dossiers import Dossier, dossiers, slug
from twinmatch.exporting.printing import dossier_docx
from twinmatch.proposal import LeftOut, Proposal, Table

AGENDA = Table(
    "agenda",
    "Agenda",
    ("Meeting", "Kind", "Who asks", "What is asked", "Who shows", "What is shown", "Closeness"),
    (
        ("twinning-1", "need", "at-graz", "Heat plans", "dk-aarhus", "Our heat plan", 0.8),
        ("twinning-1", "return", "dk-aarhus", SCRIPT, "at-graz", FORMULA, 0.4),
    ),
)
ALIKE = Table(
    "alike",
    "Alike",
    ("Meeting", "Alike or unlike", "Facet", "What was found", "Better than, of possible pairs"),
    (
        ("twinning-1", "alike", "context", "both are cold", 0.9),
        ("twinning-1", "unlike", "language", "they share no language", 0.1),
    ),
)


@pytest.fixture(scope="module")
def proposal() -> Proposal:
    twinning, *others = sample().products
    return replace(sample(), products=(replace(twinning, tables=(AGENDA, ALIKE)), *others))


@pytest.fixture(scope="module")
def found(proposal) -> dict[str, Dossier]:
    return {dossier.path: dossier for dossier in dossiers(proposal)}


def part(dossier: Dossier, heading: str):
    return next(p for p in dossier.parts if p.heading.startswith(heading))


def test_there_is_one_for_every_meeting_city_and_country(found):
    folders = [path.split("/")[0] for path in found]
    assert {name: folders.count(name) for name in set(folders)} == {
        "pairs": 2,
        "groups": 2,
        "cities": 5,
        "countries": 5,
    }
    assert len(found) == len(folders)


def test_a_pair_has_reasons_what_is_alike_and_an_agenda(found):
    pair = found["pairs/twinning-1"]
    assert "Both want district heating." in part(pair, "Why these two").points
    assert part(pair, "What you have in common").points == (
        "Alike – context of the city: Both are cold.",
        "Different – language: They share no language.",
    )
    lines = [row[1] for row in part(pair, "First agenda").rows]
    assert "Heat plans Aarhus can show: Our heat plan" in lines
    assert lines[-2].startswith("What flows back.")


def test_an_agenda_takes_about_ninety_minutes_at_most(found):
    for dossier in found.values():
        for p in dossier.parts:
            if p.heading == "First agenda":
                assert 50 <= sum(int(row[0].split()[0]) for row in p.rows) <= 95


def test_a_dossier_names_no_reserve_and_leaves_contacts_to_fill(found):
    pair = found["pairs/twinning-1"]
    assert "61.2" not in str(pair)
    assert all(row[1:] == ("", "", "") for row in part(pair, "Contacts").rows)


def test_a_city_learns_where_it_is_and_why_it_is_not(found):
    lyon = found["cities/fr-lyon"]
    assert [row[0] for row in part(lyon, "Your place").rows] == [
        "Discussion group: Heat & <power> (member)",
        "National cluster: France (member)",
    ]
    assert part(lyon, "No place in this round").rows[0][1:3] == (
        "No host has a place.",
        "A discussion group.",
    )


def test_names_of_files_are_safe_and_apart():
    assert slug("../../etc/passwd") == "etc-passwd"
    assert slug("אילת") == "x"
    cards = tuple(replace(sample().cities[0], id=id_) for id_ in ("../A", "a", "אילת", "🚲"))
    waiting = tuple(LeftOut(card.id, "There is no place.", "") for card in cards)
    product = replace(sample().products[0], meetings=(), left_out=waiting, tables=())
    paths = [d.path for d in dossiers(replace(sample(), products=(product,), cities=cards))]
    assert paths[:4] == ["cities/a", "cities/a-2", "cities/x", "cities/x-2"]


def test_pages_are_whole_run_nothing_and_show_what_people_typed_as_text(proposal):
    pages = {name: content for name, content in dossier_files(proposal) if name.endswith(".html")}
    said = " ".join(Page(content).words for content in pages.values())
    for text in HOSTILE[:4]:
        assert text in said
    for content in pages.values():
        page = Page(content)
        assert page.all("script", "img", "iframe") == []
        for attributes in page.all("a"):
            assert not (attributes["href"] or "").startswith(("http", "javascript"))


def test_the_index_leads_to_every_dossier_in_every_form(proposal):
    files = dict(dossier_files(proposal, word=True))
    linked = {a["href"] for a in Page(files["index.html"]).all("a")} - {
        "../report.html",
        "../letters/index.html",
    }
    assert linked == set(files) - {"index.html"}


def test_word_says_what_the_page_says(found):
    pair = found["pairs/twinning-1"]
    document = Document(BytesIO(dossier_docx(pair)))
    texts = [p.text for p in document.paragraphs]
    assert pair.title in texts
    assert [p.text for p in document.paragraphs if p.style.name == "Heading 1"] == [
        p.heading for p in pair.parts
    ]
    agenda = next(t for t in document.tables if t.cell(0, 0).text == "Time")
    assert [cell.text for cell in agenda.rows[1].cells] == list(part(pair, "First agenda").rows[0])
    assert document.core_properties.title == pair.title


def test_word_and_pages_are_the_same_bytes_each_time(proposal):
    one, other = (dict(dossier_files(proposal, word=True)) for _ in range(2))
    assert one == other
    archive = zipfile.ZipFile(BytesIO(one["pairs/twinning-1.docx"]))
    assert {item.date_time for item in archive.infolist()} == {(1980, 1, 1, 0, 0, 0)}


@pytest.mark.slow
def test_pdf_is_tagged_numbered_and_the_same_each_time(tmp_path, proposal):
    from pypdf import PdfReader

    pdftotext = shutil.which("pdftotext")
    if pdftotext is None:
        pytest.skip("no pdftotext to read the pages back: install poppler-utils")
    one_pair = replace(proposal, products=proposal.products[:1], cities=proposal.cities[:2])
    publish(one_pair, tmp_path / "one", pdf=True)
    publish(one_pair, tmp_path / "two", pdf=True)
    for name in ("report.pdf", "dossiers/pairs/twinning-1.pdf"):
        content = (tmp_path / "one" / name).read_bytes()
        assert content == (tmp_path / "two" / name).read_bytes()
        reader = PdfReader(BytesIO(content))
        assert reader.trailer["/Root"]["/MarkInfo"]["/Marked"]
        assert reader.trailer["/Root"]["/Lang"] == "en"
        last = len(reader.pages)
        # Poppler reads what people copy; pypdf takes WeasyPrint's two-byte codes for single characters.
        page = ["-f", str(last), "-l", str(last), str(tmp_path / "one" / name), "-"]
        text = subprocess.run([pdftotext, *page], check=True, capture_output=True, text=True).stdout
        assert f"{last}/{last}" in "".join(text.split())
