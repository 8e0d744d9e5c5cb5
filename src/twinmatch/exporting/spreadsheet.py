"""Sheets said as data (``Sheet``) and their one writer: every sheet has the same head, filter and print set-up.

Points are of 100; texts are never formulas (see ``characters.cell_text``).

The first sheet of the workbook: the result, how to read scores and statuses, and what is where.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from math import ceil
from typing import Any, Final, Literal

from twinmatch.exporting import words
from twinmatch.exporting.folder_files import cell_text, settings_in_words
from twinmatch.proposal import Proposal
from twinmatch.wording import say, shown, spoken

Cell = str | int | float | None
Kind = Literal["text", "strong", "whole", "number", "score", "points", "part", "likeness", "input"]
"""What the cells of a column hold; a score is the points of a meeting, shaded so that meetings compare at a glance."""


INK, HEAD, LINE = "#1F1F1F", "#12436D", "#C9CDD2"
SHADE = "#A9D9D5"
INPUT = "#FFF8E5"
"""Ground of the cells that a coordinator fills."""

SCORE: Final = "Points of 100"

CREATED: Final = datetime(2000, 1, 1, tzinfo=UTC).replace(tzinfo=None)
"""A fixed date of creation: the workbook states its data and programme, not the hour of the run."""

FRONT: Final = (26.0, 84.0)
"""Widths of the first sheet's columns, in characters."""


LONGEST_NAME: Final = 31
"""Characters of a sheet's name, as spreadsheets allow."""


@dataclass(frozen=True)
class SheetColumn:
    """A column of a sheet: its head, its width in characters, what its cells are, and if it goes on paper."""

    head: str
    width: float
    kind: Kind = "text"
    printed: bool = True


@dataclass(frozen=True)
class Sheet:
    """A table of the workbook: its name, one sentence on what it shows, columns and rows."""

    name: str
    says: str
    columns: tuple[SheetColumn, ...]
    rows: tuple[tuple[Cell, ...], ...]
    choices: tuple[str, ...] = ()
    """What may be chosen in the cells of the first column of kind ``input``."""
    of: str = ""
    """The table of figures that it shows, by its name."""


def sheet_name(wanted: str, taken: set[str]) -> str:
    """Return a name that spreadsheets accept and no other sheet has, and note it as taken."""
    clean = "".join(c for c in cell_text(wanted) if c not in "[]:*?/\\'\n\t").strip()
    # Room for " 12"; a long name ends at a word and never in half of one.
    base = words.shortened(clean, LONGEST_NAME - 3).rstrip("…") or "Product"
    name, number = base, 2
    while name.lower() in taken:
        name, number = f"{base} {number}", number + 1
    taken.add(name.lower())
    return name


def formats_of(book: Any) -> dict[str, Any]:
    """Return the workbook's formats by name."""
    base = {"font_name": "Calibri", "font_size": 10, "font_color": INK, "valign": "top"}
    cell = {**base, "bottom": 1, "bottom_color": LINE}
    wrapped = {**cell, "text_wrap": True, "align": "left", "indent": 1}
    number = {**cell, "align": "center"}
    head = {
        **base,
        "bold": True,
        "font_color": "#FFFFFF",
        "bg_color": HEAD,
        "text_wrap": True,
        "valign": "vcenter",
    }
    kinds: dict[str, dict[str, object]] = {
        "text": wrapped,
        "strong": {**wrapped, "bold": True},
        "whole": {**number, "num_format": "#,##0"},
        "number": {**number, "num_format": "#,##0.##"},
        "input": {**wrapped, "bg_color": INPUT, "border": 1, "border_color": LINE},
        "score": {**number, "num_format": "0.0"},
        "points": {**number, "num_format": "0.0"},
        "part": {**number, "num_format": "0%"},
        "likeness": {**number, "num_format": "0.00"},
        "head": {**head, "align": "left", "indent": 1},
        "head of numbers": {**head, "align": "center"},
        "title": {**base, "font_size": 20, "bold": True, "font_color": HEAD, "text_wrap": True},
        "result": {**base, "font_size": 13, "text_wrap": True},
        "section": {
            **base,
            "font_size": 12,
            "bold": True,
            "font_color": HEAD,
            "valign": "vcenter",
            "bottom": 2,
            "bottom_color": HEAD,
        },
        "label": {**base, "bold": True, "text_wrap": True},
        "prose": {**base, "text_wrap": True},
        "link": {**base, "bold": True, "underline": 1, "font_color": HEAD},
    }
    return {name: book.add_format(properties) for name, properties in kinds.items()}


def write_sheet(book: Any, formats: dict[str, Any], sheet: Sheet, language: str = "en") -> None:
    """Write one table: head, rows, filter, frozen head and print set-up."""
    page = book.add_worksheet(sheet.name)
    page.hide_gridlines(2)
    page.set_row(0, 42)
    for row, cells in enumerate(sheet.rows, 1):
        page.set_row(row, height(cells, [column.width for column in sheet.columns]))
    for place, column in enumerate(sheet.columns):
        page.set_column(place, place, column.width)
        head = "head" if column.kind in ("text", "strong", "input") else "head of numbers"
        page.write_string(0, place, cell_text(column.head), formats[head])
        _write_column(page, formats, place, column, [row[place] for row in sheet.rows])
    if sheet.choices:
        _offer_choices(page, sheet, language)
    page.freeze_panes(1, _frozen(sheet.columns))
    page.autofilter(0, 0, max(len(sheet.rows), 1), len(sheet.columns) - 1)
    set_up_print(page, sheet.name, language)
    page.set_landscape()
    page.repeat_rows(0)
    on_paper = sum(column.printed for column in sheet.columns)
    page.print_area(0, 0, max(len(sheet.rows), 1), on_paper - 1)


def _offer_choices(page: Any, sheet: Sheet, language: str) -> None:
    """Have the first column to fill offer the choices, and refuse anything else."""
    place = next(k for k, column in enumerate(sheet.columns) if column.kind == "input")
    several = ", ".join(sheet.choices)
    told = shown(
        say("One of: {choices}; empty is {keep}.", choices=several, keep=sheet.choices[0]), language
    )
    page.data_validation(
        *(1, place, len(sheet.rows), place),
        {
            "validate": "list",
            "source": list(sheet.choices),
            "input_title": sheet.columns[place].head,
            "input_message": told,
            "error_title": spoken("Not a decision", language),
            "error_message": told,
        },
    )


def height(cells: Sequence[Cell], widths: Sequence[float], line: float = 12.75) -> float:
    """Return the height of a row in points that shows its longest text whole, up to what sheets allow.

    Excel fits rows to their texts when it opens a file; LibreOffice and viewers take what the file says.
    """
    pairs = zip(cells, widths, strict=True)
    texts = [(cell, width) for cell, width in pairs if isinstance(cell, str) and cell]
    lines = max((_lines(text, width) for text, width in texts), default=1)
    return float(min(409, lines * line + 4))


def _lines(text: str, width: float) -> int:
    """Return on how many lines a text is wrapped, a little more rather than less."""
    across = 1.2 * (width - 1.5)
    if "\n" not in text:
        return ceil((len(text) + 1) / across)
    return sum(ceil((len(part) + 1) / across) for part in text.split("\n"))


def _frozen(columns: Sequence[SheetColumn]) -> int:
    """Return how many columns stay in view: up to the first strong one, if that leaves room to scroll."""
    first = next((i for i, column in enumerate(columns) if column.kind == "strong"), 0)
    return first + 1 if sum(column.width for column in columns[: first + 1]) <= 50 else 0


def _write_column(
    page: Any, formats: dict[str, Any], place: int, column: SheetColumn, cells: list[Cell]
) -> None:
    """Write the cells of one column."""
    style = formats[column.kind]
    for row, value in enumerate(cells, 1):
        _write_cell(page, row, place, value, column.kind, style)
    if len(set(cells)) > 1 and column.kind == "score":
        # A scale of two colours and no data bar: the bars of 2010 are an extension that readers drop.
        shades = {"type": "2_color_scale", "min_color": "#FFFFFF", "max_color": SHADE}
        page.conditional_format(1, place, len(cells), place, shades)


def _write_cell(page: Any, row: int, place: int, value: Cell, kind: Kind, style: Any) -> None:
    """Write one cell: a text, a finite number, or nothing."""
    if isinstance(value, str):
        page.write_string(row, place, cell_text(value), style)
    elif value is None or not math.isfinite(value):
        page.write_blank(row, place, None, style)
    else:
        # Rounded like proposal.json, so that the noise of a sum never shows in the formula bar.
        page.write_number(
            row, place, round(value * 100 if kind in ("score", "points") else value, 8), style
        )


def set_up_print(page: Any, name: str, language: str = "en") -> None:
    """Set A4, fit to one page's width, sheet name and page numbers."""
    page.set_paper(9)
    page.set_margins(left=0.4, right=0.4, top=0.6, bottom=0.6)
    page.fit_to_pages(1, 0)
    page.set_header(f"&L&10{name.replace('&', '&&')}&R&10twinmatch")
    page.set_footer("&C&10" + spoken("Page &P of &N", language))


def write_section(
    page: Any,
    formats: dict[str, Any],
    row: int,
    heading: str,
    lines: Sequence[tuple[str, str]],
) -> int:
    """Write a heading and its lines; return the row where the next section starts."""
    page.write_string(row, 0, cell_text(heading), formats["section"])
    page.write_blank(row, 1, None, formats["section"])
    page.set_row(row, 24)
    for offset, (label, text) in enumerate(lines, 1):
        page.set_row(row + offset, height([label, text], FRONT))
        page.write_string(row + offset, 0, cell_text(label), formats["label"])
        page.write_string(row + offset, 1, cell_text(text), formats["prose"])
    return row + len(lines) + (2 if lines else 1)


APOSTROPHE = (
    say("Apostrophe"),
    say("A text that a spreadsheet would take for a formula has an apostrophe in front."),
)


def write_front(
    book: Any, formats: dict[str, Any], proposal: Proposal, sheets: Sequence[Sheet], language: str
) -> None:
    """Write the first sheet: the result, how to read scores and statuses, and what is where."""
    page = book.add_worksheet(spoken("Read me", language))
    result = shown(words.result(proposal), language)
    page.hide_gridlines(2)
    page.set_column(0, 0, FRONT[0])
    page.set_column(1, 1, FRONT[1])
    page.merge_range(0, 0, 0, 1, "", formats["title"])
    page.write_string(0, 0, cell_text(spoken(proposal.title, language)), formats["title"])
    page.merge_range(1, 0, 1, 1, "", formats["result"])
    page.write_string(1, 0, cell_text(result), formats["result"])
    page.set_row(0, 34)
    page.set_row(1, height([result], [sum(FRONT) * 0.75], 18))
    row = 3
    for heading, lines in _sections(proposal):
        said = [(shown(label, language), shown(text, language)) for label, text in lines]
        row = write_section(page, formats, row, spoken(heading, language), said)
    row = write_section(page, formats, row, spoken("Sheets", language), ())
    for sheet in sheets:
        page.set_row(row, height([sheet.name, sheet.says], FRONT))
        page.write_url(
            row, 0, f"internal:'{sheet.name}'!A1", formats["link"], cell_text(sheet.name)
        )
        page.write_string(row, 1, cell_text(sheet.says), formats["prose"])
        row += 1
    set_up_print(page, spoken("Read me", language), language)


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
                words.joined((words.raised(words.status_words(p)), words.status_meaning(p)), ". "),
            )
            for p in proposal.products
        ],
    )
    made = list(settings_in_words({"text_model": proposal.made_from.get("text_model")}))
    if proposal.made_from.get("text_model"):
        yield "Text model", made
    if proposal.notes:
        yield "Notes", [("", note) for note in proposal.notes]


RULE_SHEET: Final = "Rules to change"
RULE_FIELDS: Final = (
    *("who", "each", "per", "at_least", "at_most", "share_at_least", "share_at_most"),
    *("nobody_alone", "balance", "gather", "price", "of"),
)
"""What a rule on kinds of cities is made of, as a programme file says it."""

SPARE_RULES: Final = 12


def rules_said(made_from: Mapping[str, Any]) -> list[tuple[str, dict[str, Any]]]:
    """Return the rules on kinds of cities that a proposal was made under, each with its format, in one form."""
    settings = (made_from.get("programme") or {}).get("settings") or {}
    return [
        (product, {**rule, "per": "host"} if name == "per_host" else rule)
        for product, part in settings.items()
        if isinstance(part, dict)
        for name in ("per_host", "overall", "rules")
        for rule in part.get(name) or ()
    ]


def rule_form(made_from: Mapping[str, Any]) -> Sheet:
    """Return one row a rule in the form of a programme file, for the coordinator to change, and empty rows for more."""
    rows = [
        (
            product,
            *(
                "yes" if (cell := rule.get(f)) is True else cell if cell is not False else None
                for f in RULE_FIELDS
            ),
        )
        for product, rule in rules_said(made_from)
    ]
    columns = tuple(SheetColumn(field, 16, "input") for field in ("format", *RULE_FIELDS))
    says = (
        "The rules on kinds of cities as the programme file says them. Change, clear or add rows; twinmatch propose "
        "--decisions with this file then takes the rules of each format that was changed from here."
    )
    empty = [(None,) * len(columns)] * SPARE_RULES
    return Sheet(RULE_SHEET, says, columns, (*rows, *empty))
