"""The first sheet of the workbook: the result, how to read scores and statuses, and what is where."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

from twinmatch.exporting import words
from twinmatch.exporting.characters import cell_text
from twinmatch.exporting.spreadsheet import FRONT, Sheet, height, set_up_print, write_section
from twinmatch.proposal import Proposal

APOSTROPHE = (
    "Apostrophe",
    "A text that a spreadsheet would take for a formula has an apostrophe in front.",
)


def write_front(
    book: Any, formats: dict[str, Any], proposal: Proposal, sheets: Sequence[Sheet]
) -> None:
    """Write the first sheet: the result, how to read scores and statuses, and what is where."""
    page = book.add_worksheet("Read me")
    page.hide_gridlines(2)
    page.set_column(0, 0, FRONT[0])
    page.set_column(1, 1, FRONT[1])
    page.merge_range(0, 0, 0, 1, "", formats["title"])
    page.write_string(0, 0, cell_text(proposal.title), formats["title"])
    page.merge_range(1, 0, 1, 1, "", formats["result"])
    page.write_string(1, 0, cell_text(words.result(proposal)), formats["result"])
    page.set_row(0, 34)
    page.set_row(1, height([words.result(proposal)], [sum(FRONT) * 0.75], 18))
    row = 3
    for heading, lines in _sections(proposal):
        row = write_section(page, formats, row, heading, lines)
    row = write_section(page, formats, row, "Sheets", ())
    for sheet in sheets:
        page.set_row(row, height([sheet.name, sheet.says], FRONT))
        page.write_url(
            row, 0, f"internal:'{sheet.name}'!A1", formats["link"], cell_text(sheet.name)
        )
        page.write_string(row, 1, cell_text(sheet.says), formats["prose"])
        row += 1
    set_up_print(page, "Read me")


def _sections(proposal: Proposal) -> Iterator[tuple[str, list[tuple[str, str]]]]:
    """Yield the sections of the first sheet: heading, and lines of label and text."""
    yield (
        "Results",
        [
            (words.product_title(p), words.sentence(p.says or words.product_says(p, p.engine)))
            for p in proposal.products
        ],
    )
    yield "How to read scores", [*words.READING, APOSTROPHE]
    yield (
        "What was proven",
        [
            (
                words.product_title(p),
                f"{words.status_words(p).capitalize()}. {words.status_meaning(p)}",
            )
            for p in proposal.products
        ],
    )
    made = [pair for pair in words.flat(proposal.made_from) if "text model" in pair[0].lower()]
    if made:
        yield "Text model", made
    if proposal.notes:
        yield "Notes", [("", note) for note in proposal.notes]
