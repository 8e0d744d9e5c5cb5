"""Dossiers as HTML pages that print on their own, and the page that leads to them.

Dossiers as Word documents, the same bytes for the same dossier; needs python-docx (extra ``word``).

Pages as PDF for printing and for screen readers (PDF/UA-1), by WeasyPrint; needs the extra ``pdf``.

First meetings for calendars, and the table for a merge of letters.
"""

from __future__ import annotations

import csv
import logging
import os
import re
import zipfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import UTC, date, datetime, time, timedelta
from functools import cache
from importlib.resources import files
from io import BytesIO, StringIO
from typing import TYPE_CHECKING, Any

from twinmatch.errors import QuestionError
from twinmatch.exporting import words
from twinmatch.exporting.charts import Drawing
from twinmatch.exporting.dossiers import Dossier, DossierSection, slug
from twinmatch.exporting.folder_files import Directory, cell_text, printable
from twinmatch.exporting.report import templates
from twinmatch.wording import say, titled

if TYPE_CHECKING:
    from icalendar import Calendar

    from twinmatch.exporting.letters import Correspondence, Letter
    from twinmatch.proposal import Meeting, Proposal

FOLDERS: dict[str, str] = {
    "pairs": say("Pairs"),
    "groups": say("Groups and clusters"),
    "cities": say("Cities"),
    "countries": say("Countries"),
}
"""Folders of dossiers and what they hold, in reading order."""


def dossier_html(dossier: Dossier, back: str, address: str) -> bytes:
    """Return a dossier as one self-contained page in its language, with the way back that it names."""
    page = templates(dossier.language).get_template("dossier.html.j2")
    return page.render(dossier=dossier, back=(titled(back), address)).encode("utf-8")


def letters_index(letters: Sequence[Letter], title: str, word: bool, language: str) -> bytes:
    """Return the page that leads to every letter, in a language."""
    page = templates(language).get_template("letters.html.j2")
    return page.render(letters=letters, title=title, word=word).encode("utf-8")


COLUMNS = (
    "city_id", "city", "country", "contact_name", "contact_email", "subject", "letter", "meetings", "hours", "trips",
    "page",
)  # fmt: skip
"""Columns of merge.csv: a row is a whole letter."""


def merge_csv(written: Sequence[Letter]) -> bytes:
    """Return one row a letter, UTF-8 with a mark so that spreadsheets read it; no cell can be taken for a formula."""
    stream = StringIO()
    writer = csv.writer(stream, lineterminator="\r\n")
    writer.writerow(COLUMNS)
    for letter in written:
        row = (
            letter.city,
            letter.name,
            letter.country,
            letter.contact.name,
            letter.contact.email,
            letter.subject,
            letter.text,
            "; ".join(letter.meetings),
            f"{letter.hours:g}",
            f"{letter.trips:g}",
            f"{letter.file}.html",
        )
        writer.writerow([cell_text(value) for value in row])
    return stream.getvalue().encode("utf-8-sig", "backslashreplace")


def index_html(
    dossiers: Sequence[Dossier], endings: Sequence[str], title: str, language: str
) -> bytes:
    """Return the page in a language that leads to every dossier, in each of the forms that were written."""
    folders = [
        (folder, heading, [d for d in dossiers if d.folder == folder])
        for folder, heading in FOLDERS.items()
    ]
    page = templates(language).get_template("dossiers.html.j2")
    return page.render(title=title, folders=[f for f in folders if f[2]], endings=endings).encode(
        "utf-8"
    )


BLUE, INK = (0x12, 0x43, 0x6D), (0x1F, 0x1F, 0x1F)
CREATED = datetime(2000, 1, 1, tzinfo=UTC).replace(tzinfo=None)
"""A fixed date: a dossier tells its proposal, not the hour of the run."""


def dossier_docx(dossier: Dossier) -> bytes:
    """Return a dossier as a Word document; raises QuestionError where python-docx is not installed."""
    document = _document(dossier)
    _add(document, f"{dossier.kind} · {dossier.round}", "Subtitle")
    _add(document, dossier.title, "Title")
    _add(document, dossier.lead)
    for part in dossier.parts:
        _add_part(document, part)
    stream = BytesIO()
    document.save(stream)
    return _without_dates(stream.getvalue())


def _document(dossier: Dossier) -> Any:
    """Return an empty A4 document in the house's colours."""
    try:
        from docx import Document
        from docx.shared import Mm, Pt, RGBColor
    except ImportError as error:
        raise QuestionError.of(
            "word-missing",
            say("Word documents need python-docx, which is not installed."),
            do=say("Install it with: pip install 'twinmatch[word]', or leave --word out."),
        ) from error
    document = Document()
    section = document.sections[0]
    section.page_width, section.page_height = Mm(210), Mm(297)
    section.left_margin = section.right_margin = Mm(20)
    section.top_margin = section.bottom_margin = Mm(18)
    for name, size, colour in (
        ("Normal", 10.5, INK),
        ("Title", 20, BLUE),
        ("Subtitle", 9.5, INK),
        ("Heading 1", 13, BLUE),
    ):
        font = document.styles[name].font
        font.name, font.size, font.color.rgb = "Calibri", Pt(size), RGBColor(*colour)
    properties = document.core_properties
    properties.title, properties.author = printable(dossier.title)[:250], "twinmatch"
    properties.created = properties.modified = CREATED
    properties.language = dossier.language
    return document


def _add(document: Any, text: str, style: str = "Normal") -> None:
    """Add a paragraph in a style, by its identifier: python-docx looks a name up among all styles each time."""
    document.add_paragraph(printable(text))._p.style = style


def _add_part(document: Any, part: DossierSection) -> None:
    if part.heading:
        _add(document, part.heading, "Heading1")
    for text in part.paragraphs:
        _add(document, text)
    for text in part.points:
        _add(document, text, "ListBullet")
    for drawing in part.drawings:
        _add(document, f"{drawing.title}. {words.sentence(drawing.note)}")
        _add_table(document, drawing)
    if part.rows:
        _add_table(document, part)


def _add_table(document: Any, part: DossierSection | Drawing) -> None:
    """Add a table whose head repeats on every page; a picture stands here as its figures."""
    from docx.oxml import OxmlElement
    from docx.shared import Pt

    table = document.add_table(rows=1 + len(part.rows), cols=len(part.columns))
    table._tbl.tblStyle_val = "TableGrid"
    # ``table.cell`` walks the whole table each time; all cells at once are many times faster.
    cells = table._cells
    for k, text in enumerate((*part.columns, *(cell for row in part.rows for cell in row))):
        run = cells[k].paragraphs[0].add_run(printable(text))
        run.font.size = Pt(9)
        run.bold = k < len(part.columns) or k % len(part.columns) == 0
    table.rows[0]._tr.get_or_add_trPr().append(OxmlElement("w:tblHeader"))


def _without_dates(content: bytes) -> bytes:
    """Return a document's archive with the same date at every part."""
    stream = BytesIO()
    with zipfile.ZipFile(BytesIO(content)) as old, zipfile.ZipFile(stream, "w") as new:
        for item in old.infolist():
            info = zipfile.ZipInfo(item.filename, (1980, 1, 1, 0, 0, 0))
            info.compress_type, info.external_attr = zipfile.ZIP_DEFLATED, 0o600 << 16
            new.writestr(info, old.read(item.filename))
    return stream.getvalue()


def pdf(page: bytes) -> bytes:
    """Return a self-contained HTML page as a tagged PDF, the same bytes for the same page; nothing is fetched.

    Raises QuestionError where WeasyPrint or its libraries are not installed, and ValueError
    naming the address where a page asks for something outside itself.
    """
    try:
        import weasyprint
    except (ImportError, OSError) as error:
        raise QuestionError.of(
            "pdf-missing",
            say("PDF needs WeasyPrint and Pango, which are not installed ({error}).", error=error),
            do=say(
                "Install them with: pip install 'twinmatch[pdf]' (Pango comes with the system), or print report.html to PDF in any browser."
            ),
        ) from error
    # It tells of every property of the screen that means nothing on paper.
    logging.getLogger("weasyprint").setLevel(logging.CRITICAL)
    nothing = weasyprint.urls.URLFetcher(allowed_protocols=(), fail_on_errors=True)
    html = weasyprint.HTML(string=for_paper(page.decode("utf-8")), url_fetcher=nothing)
    with _fixed_date():
        try:
            return bytes(html.write_pdf(pdf_variant="pdf/ua-1"))
        except (
            weasyprint.urls.FatalURLFetchingError
        ) as error:  # no Exception: it would end a server's worker
            raise ValueError(f"The page is not self-contained: {error}") from error


@contextmanager
def _fixed_date() -> Iterator[None]:
    """Have the fonts of the file carry one date: fontTools takes the hour of the run where none is set."""
    before = os.environ.get("SOURCE_DATE_EPOCH")
    os.environ["SOURCE_DATE_EPOCH"] = before or "946684800"
    try:
        yield
    finally:
        if before is None:
            del os.environ["SOURCE_DATE_EPOCH"]


_SHAPE = re.compile(r'<path id="(\w+)" d="([^"]*)"/>')
_USE = re.compile(r'<use href="#(\w+)"')
_PICTURE = re.compile(r"<svg\b[^>]*>")


def for_paper(page: str) -> str:
    """Return a page whose pictures stand on their own: WeasyPrint draws each without the page's style and shapes."""
    shapes = dict(_SHAPE.findall(page))
    page = _USE.sub(lambda use: f'<path d="{shapes[use[1]]}"', page)
    return _PICTURE.sub(lambda picture: f"{picture[0]}<style>{_style()}</style>", page)


@cache
def _style() -> str:
    """Return the style of the pictures; letters have no white edge, which would be painted over them."""
    style = (files("twinmatch.exporting") / "templates" / "svg.css").read_text(encoding="utf-8")
    return style + ".labels text { stroke: none; }"


SLOTS = (time(9), time(13))
"""When first meetings begin on a day, in UTC."""

LENGTH = timedelta(minutes=90)

WEEKEND = 5
"""The first day of the week, from 0, on which nobody meets."""


def calendar_files(
    proposal: Proposal, correspondence: Correspondence, first_day: date
) -> Iterator[tuple[str, bytes]]:
    """Yield one calendar file a meeting with its first date, and one with all of them.

    Each meeting takes the earliest half day from the first day on, weekends left out, on which none of its cities
    meets already; a date is a proposal to be moved.
    """
    from icalendar import STATUS, Event, vCalAddress

    names = Directory(proposal)
    stamp = datetime.combine(first_day, time(0), UTC)
    together = _calendar("all")
    for title, meeting, start in first_dates(proposal, first_day):
        event = Event.new(
            uid=f"{slug(meeting.id)}@twinmatch",
            stamp=stamp,
            start=start,
            end=start + LENGTH,
            summary=title,
            description="\n".join(words.reasons(meeting, 2)),
            status=STATUS.TENTATIVE,
        )
        for city in meeting.cities():
            if email := correspondence.contact(city).email:
                attendee = vCalAddress(f"mailto:{email}")
                attendee.params["CN"] = names.name(city)
                event.add("attendee", attendee)
        alone = _calendar(slug(meeting.id))
        alone.add_component(event)
        together.add_component(event)
        yield f"{slug(meeting.id)}.ics", alone.to_ical()
    yield "all.ics", together.to_ical()


def _calendar(name: str) -> Calendar:
    from icalendar import Calendar

    return Calendar.new(prodid="-//twinmatch//first meetings//EN", uid=f"{name}-calendar@twinmatch")


def first_dates(proposal: Proposal, first_day: date) -> Iterator[tuple[str, Meeting, datetime]]:
    """Yield title, meeting and beginning of every first meeting; no city has two in one half day."""
    names = Directory(proposal)
    busy: set[tuple[str, int]] = set()
    starts = _starts(first_day)
    begins: list[datetime] = []
    for product in proposal.products:
        for meeting in product.meetings:
            cities = meeting.cities()
            slot = next(k for k in range(10**6) if not any((city, k) in busy for city in cities))
            busy.update((city, slot) for city in cities)
            while len(begins) <= slot:
                begins.append(next(starts))
            yield (
                f"{words.meeting_kind(product, meeting)}: {names.title(meeting)}",
                meeting,
                begins[slot],
            )


def _starts(first_day: date) -> Iterator[datetime]:
    day = first_day
    while True:
        if day.weekday() < WEEKEND:
            yield from (datetime.combine(day, slot, UTC) for slot in SLOTS)
        day += timedelta(days=1)
