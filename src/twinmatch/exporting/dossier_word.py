"""Dossiers as Word documents, the same bytes for the same dossier; needs python-docx (extra ``word``)."""

from __future__ import annotations

import zipfile
from datetime import UTC, datetime
from io import BytesIO
from typing import Any

from twinmatch.errors import Problem, QuestionError
from twinmatch.exporting.characters import printable
from twinmatch.exporting.dossiers import Dossier, DossierSection
from twinmatch.exporting.drawings import Drawing
from twinmatch.exporting.words import sentence

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
        raise QuestionError(
            Problem(
                "word-missing",
                "Word documents need python-docx, which is not installed.",
                do="Install it with: pip install 'twinmatch[word]', or leave --word out.",
            )
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
    properties.language = "en"
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
        _add(document, f"{drawing.title}. {sentence(drawing.note)}")
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
