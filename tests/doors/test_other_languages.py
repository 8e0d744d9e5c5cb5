"""No English that the product made is left where its frame is in another language: pages, report, workbook, letters."""

from __future__ import annotations

import io
import re
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime
from urllib.parse import urljoin

import lxml.html
import pytest
from openpyxl import load_workbook
from service_for_tests import FIVE, PROGRAMME, board_of, served, shared
from starlette.testclient import TestClient

from left_english import left_english, texts_of
from twinmatch.exporting.folder_files import settings_in_words
from twinmatch.exporting.letters import Correspondence, letters
from twinmatch.programmes.base import national_actors
from twinmatch.store.history import HistoryEntry
from twinmatch.store.tables import jobs
from twinmatch.web.jobs import proposal_of, work, work_out
from twinmatch.wording import Said, shown, spoken

pytestmark = pytest.mark.slow

FORMATS = (
    PROGRAMME
    + """
[discussion_groups]
leads = [1, 1]
size = [1, 9]
[[discussion_groups.themes]]
id = "heat"
title = "Energy systems"
domains = ["energy_systems"]
[discussion_groups.weights]
theme = 1
[national_clusters]
[study_visits]
"""
)

NAMES = (
    *(name.title() for name in FIVE),
    *("Runde 5", "Energy systems", "Ada", "tests", "twinmatch", "API", "Name", "Text", "In"),
    *("t CO2e", "Format", "of: "),
    *("small and not newcomer", "table.csv", "Nowhere", "Aachen"),
    *("location.lon", "Population"),
    *("report.html", "proposal.xlsx", "proposal.json", "network.graphml", "programme.toml"),
    *("letters.zip", ".xlsx, .csv, .tsv, .ods, .parquet"),
)
"""What is the same in every language, or somebody's own."""

OWN_WORDS = ("Heat networks for old towns.", "Trams and cycle lanes", "an old town", "We run")
DATA = ("sentence-transformers/all-MiniLM-L6-v2", "Region", "Link", "Gov", "DEFRA", "https://")
"""Parts of what stands in the data of others."""

PASSED = ("/files/", ".zip", ".toml", "/file", "/workbench/api", "/logout", "/workbench/mail")
"""Parts of the addresses of files, and of what is in English on purpose."""

SAME = re.compile(
    r"[a-z]+([-_][a-z]+)*|[A-Z]{2}|[\d:-]+ UTC|\d{4}-\d\d-\d\d [\d:]+( UTC)?"
    r"|.*(mitgelieferten Programm|programme fourni), .*"
)
"""Codes of errors, ids, countries, times and the keys of a programme's file."""

TABLE = """City,Country,Population,Our needs,neutral_by,latitude
Aachen,DE,1,We need to learn how others renovate old blocks of flats,2051,5
Aachen,DE,249070,We need to learn how others renovate old blocks of flats,2030,50.7
Nowhere,,12 to 13,Nothing,20x0,
"""


@pytest.fixture(scope="module")
def round_(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[TestClient, str]]:
    """A service, and a round of four formats about which everything was decided that can be."""
    folder = tmp_path_factory.mktemp("languages")
    cities = folder / "cities"
    cities.mkdir()
    for name, fields in FIVE.items():
        text = f"id: {name}\nname: {name.title()}\ncountry: {name[:2].upper()}\n{fields}\n"
        (cities / f"{name}.yaml").write_text(text, encoding="utf-8")
    with served(folder / "s.sqlite", profiles=cities, heavy_a_minute=10_000, jobs=0) as client:
        board, run = board_of(client), asked(client, FORMATS)
        for what in ("declines", "stability"):
            work_out(shared(client).settings.model_dump_json(), run, what)
        one, other = (m.about for m in board.store.meetings(run) if m.host)
        for kind, about, said in (
            *(("accept", one, {}), ("hold", one, {}), ("reject", other, {}), ("ban", other, {})),
            *(("assign", one, {"why": "Ada"}), ("asked", one, {"city": one.one})),
            *(("agreed", one, {"city": one.other}), ("declined", other, {"city": other.one})),
        ):
            board.store.add(run, kind, "tests", one=about.one, other=about.other, **said)
        yield client, run


def asked(client: TestClient, programme: str) -> str:
    """Return the id of a proposal that was made here, or failed."""
    given = {"title": "Runde 5", "programme_toml": programme}
    run: str = client.post("/v1/proposals", json=given).json()["id"]
    work(shared(client).settings.model_dump_json(), run)
    return run


def get(client: TestClient, place: str, code: str) -> str:
    answer = client.get(place, headers={"accept-language": code})
    assert answer.status_code in (200, 303, 400, 404, 409), (place, answer.text)
    return answer.text


def addresses(place: str, text: str) -> Iterator[str]:
    """Yield the pages and parts of pages that a page leads to."""
    if text.strip():
        for found in lxml.html.fromstring(text).xpath("//a/@href | //*/@hx-get"):
            address = urljoin(f"http://localhost{place}", found).partition("#")[0]
            local = address.removeprefix("http://localhost")
            another = "/cities/" in local and "de-guest" not in local
            passed = another or any(part in local for part in PASSED)
            if local.startswith("/workbench/") and not passed:
                yield local


def left_in(client: TestClient, place: str, there: str) -> list[str]:
    """Return what is English in a German page; no message lacks in French (unit/test_message_catalogues.py)."""
    english = texts_of(get(client, place, "en"), "en")
    found = left_english(texts_of(there, "de"), english, (*NAMES, *OWN_WORDS), "de")
    return [f"{place}: {text}" for text in found if not SAME.fullmatch(text)]


def test_no_page_of_a_round_has_english_left(round_: tuple[TestClient, str]) -> None:
    client, run = round_
    base = f"/workbench/proposals/{run}"
    waiting = [
        *("/workbench/proposals", "/workbench/intake", "/workbench/cities", base),
        *(f"{base}?tab={tab}" for tab in ("map", "rules", "letters", "history", "left-out")),
        *(f"{base}/prices", f"{base}/frontier", f"{base}/nothing", f"{base}/pairs/nothing"),
        f"{base}/why-not?guest=de-guest&host=se-host",
        f"{base}/price?guest=de-guest&host=se-host",
        f"{base}/moves?product=discussion_groups&city=fr-guest",
        f"{base}/moves?product=national_clusters&city=fr-guest",
        f"{base}/split?meeting=discussion_groups:heat&number=2",
    ]
    seen: set[str] = set()
    left: list[str] = []
    while waiting:
        place = waiting.pop()
        if place not in seen:
            seen.add(place)
            there = get(client, place, "de")
            left += left_in(client, place, there)
            waiting += addresses(place, there)
    assert len(seen) > 30
    assert not left, "\n".join(left)


def test_what_was_stored_is_worded_when_it_is_shown(round_: tuple[TestClient, str]) -> None:
    client, _ = round_
    failed = asked(client, PROGRAMME.replace("[0, 1]", "[3, 3]"))
    assert client.get(f"/v1/proposals/{failed}").json()["problems"][0]["found"]
    file = {"file": ("table.csv", TABLE.encode(), "text/csv")}
    handed = client.post("/workbench/intake", files=file, follow_redirects=False)
    upload = handed.headers["location"].removesuffix("/columns")
    assert (
        client.post(f"{upload}/accept-all").status_code == 200
    )  # what is written beside it changes no text
    left = []
    for place in (
        f"/workbench/proposals/{failed}",
        *(upload + step for step in ("", "/columns", "/values", "/review")),
    ):
        left += left_in(client, place, get(client, place, "de"))
    assert not left, "\n".join(left)


def test_what_an_earlier_version_stored_as_plain_text_stays_as_it_is(
    round_: tuple[TestClient, str],
) -> None:
    client, _ = round_
    board = board_of(client)
    file = {"file": ("table.csv", TABLE.encode(), "text/csv")}
    place = client.post("/workbench/intake", files=file, follow_redirects=False).headers["location"]
    upload = place.removesuffix("/columns")
    kept = board.upload(upload.rpartition("/")[2])
    one = dict(kept.found["problems"][0])
    assert isinstance(one["found"], Said)
    old = [one | {"found": "There is no such thing any more.", "do": "", "city": ""}]
    board.note_upload(kept.id, {"problems": old}, "as of old")
    failed = asked(client, PROGRAMME.replace("[0, 1]", "[3, 3]"))
    plain = [p | {"found": "No longer said so.", "do": ""} for p in board.job(failed).problems]
    with board.store.change() as c:
        c.execute(jobs.update().where(jobs.c.id == failed).values(problems=plain))
    assert "There is no such thing any more." in get(client, f"{upload}/review", "de")
    assert "No longer said so." in get(client, f"/workbench/proposals/{failed}", "de")


def test_a_reason_that_the_product_wrote_is_in_the_language_of_the_page() -> None:
    now = datetime.now(UTC)
    why = "A later version was published."
    entry = HistoryEntry(1, now, "Ada", "withdraw", why=why)
    assert "Fassung" in shown(entry.told(), "de")
    assert shown(replace(entry, kind="accept", one="a").told(), "de").endswith(f": {why}")


def test_a_german_workbook_comes_back_with_its_decisions(round_: tuple[TestClient, str]) -> None:
    """A pair, a group's name and number, a city's group and a letter: one step of the history, and once."""
    client, _ = round_
    board, run = board_of(client), asked(client, FORMATS)
    place = f"/v1/proposals/{run}/files/proposal.xlsx"
    book = load_workbook(io.BytesIO(client.get(place, params={"language": "de"}).content))
    for sheet, row, said in (
        ("Decisions", 2, {"Decision": spoken("hold", "de"), "Note": "der Rat"}),
        ("Decisions", 3, {"Assigned to": "Ada"}),
        ("Groups to change", 2, {"New name": "Wärme", "Split into": 2}),
        ("Cities to move", 2, {"Move to": "Energy systems"}),
        ("Letters to change", 6, {"Letter": "Kommen Sie.\n\nAda"}),
    ):
        page = book[spoken(sheet, "de")]
        heads = {cell.value: cell.column for cell in page[1]}
        for head, value in said.items():
            page.cell(row, heads[spoken(head, "de")], value)
    moved = book[spoken("Cities to move", "de")].cell(2, 6).value
    written = book[spoken("Letters to change", "de")].cell(6, 4).value
    stream = io.BytesIO()
    book.save(stream)
    file = {"file": ("proposal.xlsx", stream.getvalue())}
    base = f"/workbench/proposals/{run}/workbook"
    done = client.post(base, data={"version": 0}, files=file, follow_redirects=False)
    assert done.status_code == 303, done.text
    history, now = board.store.history(run), board.store.held(run)
    assert [e.kind for e in history] == ["hold", "assign", "rename", "split", "lock", "letter"]
    assert len({e.at for e in history}) == 1
    assert (history[0].why, history[1].why) == ("der Rat", "Ada")
    assert (*now.names.values(), *now.splits.values()) == ("Wärme", 2)
    assert now.locks == ((moved, "discussion_groups:heat"),)
    code, text = now.letters[written]
    assert text.endswith("\n\nKommen Sie.\n\nAda")
    assert code == next(x.code for x in letters(proposal_of(board, run)) if x.city == written)
    again = client.post(base, data={"version": len(history)}, files=file, follow_redirects=False)
    assert (again.status_code, board.store.history(run)) == (303, history)
    newer = load_workbook(io.BytesIO(client.get(place).content))["Letters to change"]
    assert newer.cell(6, 3).value == "Kommen Sie.\n\nAda"


def test_report_workbook_and_letters_have_no_english_left(round_: tuple[TestClient, str]) -> None:
    client, run = round_
    files, made = f"/v1/proposals/{run}/files", proposal_of(board_of(client), run)
    pages = {}
    for code in ("de", "en"):
        report = client.get(f"{files}/report.html", params={"language": code}).text
        book = client.get(f"{files}/proposal.xlsx", params={"language": code}).content
        sheets = load_workbook(io.BytesIO(book)).worksheets
        cells = [
            cell
            for s in sheets
            for row in s.iter_rows(values_only=True)
            for cell in (s.title, *row)
        ]
        written = letters(made, Correspondence(language=code))
        pages[code] = [
            *texts_of(report, code),
            *(text for cell in cells if isinstance(cell, str) for text in cell.splitlines()),
            *(line for letter in written for line in letter.text.splitlines()),
        ]
    # What a programme's file says, and public data of others, stay as they are.
    own = {str(part) for pair in settings_in_words(made.made_from) for part in pair}
    own |= {str(part) for actor in national_actors() for part in actor} | {
        c.id for c in made.cities
    }
    own |= {m.id for p in made.products for m in p.meetings}
    found = left_english(pages["de"], pages["en"], (*NAMES, *OWN_WORDS, *DATA), "de")
    left = [text for text in found if not SAME.fullmatch(text) and text not in own]
    assert not left, "\n".join(left)
