"""Sheets said as data (``Sheet``) and their one writer: every sheet has the same head, filter and print set-up.

Points are of 100; texts are never formulas (see ``folder_files.cell_text``).

The first sheet of the workbook: the result, how to read scores and statuses, and what is where. Then the sheets on which
groups, letters and rules are changed; ``twinmatch.app.decided`` reads them back.
"""

from __future__ import annotations

import hashlib
import math
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence, Set
from dataclasses import dataclass
from datetime import UTC, datetime
from math import ceil
from typing import Any, Final, Literal

from twinmatch.exporting import words
from twinmatch.exporting.folder_files import Directory, cell_text
from twinmatch.proposal import Meeting, Product, Proposal
from twinmatch.proposal.proposal import MOST_GROUPS, pairs_in, settings_of, theme_of
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
class DropDown:
    """What may be chosen in a column, by its head: words, or the first column of a sheet from a row to another.

    ``cells`` are the first and last row in which it may be chosen; all rows where nothing is said.
    """

    head: str
    words: tuple[str, ...] = ()
    sheet: str = ""
    rows: tuple[int, int] = (0, 0)
    cells: tuple[int, int] = (0, 0)


@dataclass(frozen=True)
class Sheet:
    """A table of the workbook: its name, one sentence on what it shows, columns and rows."""

    name: str
    says: str
    columns: tuple[SheetColumn, ...]
    rows: tuple[tuple[Cell, ...], ...]
    choices: tuple[DropDown, ...] = ()
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
    for choice in sheet.choices:
        _offer(page, sheet, choice, language)
    page.freeze_panes(1, _frozen(sheet.columns))
    page.autofilter(0, 0, max(len(sheet.rows), 1), len(sheet.columns) - 1)
    set_up_print(page, sheet.name, language)
    page.set_landscape()
    page.repeat_rows(0)
    on_paper = sum(column.printed for column in sheet.columns)
    page.print_area(0, 0, max(len(sheet.rows), 1), on_paper - 1)


def _offer(page: Any, sheet: Sheet, choice: DropDown, language: str) -> None:
    """Have the cells of a column offer the choices, and refuse anything else."""
    place = next(k for k, column in enumerate(sheet.columns) if column.head == choice.head)
    first, last = choice.rows
    top, bottom = choice.cells if choice.cells[1] else (2, len(sheet.rows) + 1)
    said = say("Choose one of the list; an empty cell asks for nothing.")
    told = shown(said, language)
    page.data_validation(
        *(top - 1, place, bottom - 1, place),
        {
            "validate": "list",
            "source": f"='{spoken(choice.sheet, language)}'!$A${first}:$A${last}"
            if last
            else list(choice.words),
            "input_title": choice.head,
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


# --- the sheets that a coordinator fills ------------------------------------------------------------------------

DECISIONS: Final = "Decisions"
GROUP_SHEET: Final = "Groups to change"
MOVE_SHEET: Final = "Cities to move"
LETTER_SHEET: Final = "Letters to change"
RULE_SHEET: Final = "Rules to change"

CHOICES: Final = ("keep", "accept", "reject", "hold", "lock", "ban")
"""What a coordinator may decide of a pair; of a group the first three."""

MOST_BY_HAND: Final = 1000
"""Cities of a round up to which its workbook has sheets to move them and to change their letters."""

RULE_FIELDS: Final = (
    *("who", "each", "per", "at_least", "at_most", "share_at_least", "share_at_most"),
    *("nobody_alone", "balance", "gather", "price", "of"),
)
"""What a rule on kinds of cities is made of, as a programme file says it."""

SPARE_ROWS: Final = 20
"""Empty rows below the pairs, for pairs that are not in the proposal."""

SPARE_RULES: Final = 12


def movable(proposal: Proposal, product: Product) -> frozenset[str]:
    """Return the cities that can be put in another group: members, and those left out that may join one."""
    if product.product == "twinning" or "lock" not in settings_of(
        proposal.made_from, product.product
    ):
        return frozenset()
    anchors_move = product.product == "national_clusters"  # leads of a group stay with its theme
    members = (x for m in product.meetings for x in m.members)
    cities = {x.city for x in members if anchors_move or x.role == "member"}
    return frozenset(
        cities | {x.city for x in product.left_out if x.code not in ("", "audience", "own limit")}
    )


def pair_form(proposal: Proposal, directory: Directory) -> Sheet:
    """Return one row a pair with a cell for the coordinator's decision, and empty rows for further pairs."""
    columns = (
        SheetColumn("Guest", 22, "strong"),
        SheetColumn("Host", 36, "strong"),
        SheetColumn(SCORE, 9, "score"),
        SheetColumn("Decision", 14, "input"),
        SheetColumn("Note", 44, "input"),
        SheetColumn("Assigned to", 20, "input"),
        SheetColumn("Guest id", 24, "input"),
        SheetColumn("Host id", 24, "input"),
    )
    locks, bans = proposal.wanted
    locked = {frozenset(pair) for pair in locks}
    rows: list[tuple[Cell, ...]] = []
    for product in proposal.products:
        # Study visits are pairs too; locks and refusals are about twinning.
        if product.product == "twinning":
            rows += [
                (
                    directory.names(m.cities("guest")),
                    directory.host(m),
                    m.score,
                    say("lock") if _is_of(locked, m) else None,
                    *(None, None),
                    ", ".join(m.cities("guest")),
                    m.unit or ", ".join(m.cities("host")[:1]),
                )
                for m in product.meetings
            ]
    units = {unit.id for unit in proposal.units}
    for pair in dict.fromkeys(bans):
        guest, host = reversed(pair) if pair[0] in units else pair  # bans hold either way round
        names = (directory.name(guest), directory.name(host))
        rows.append((*names, None, say("ban"), None, None, guest, host))
    rows += [(None,) * len(columns)] * SPARE_ROWS
    says = (
        "Choose accept, reject, hold, lock or ban for a pair, or name a further pair below; then run twinmatch propose "
        "--decisions with this file, or hand it in on the page of the round. Locks and refusals that hold already stand here: "
        "cleared, one holds no more, unless the programme file asks for it. Who looks after a pair, and notes, are kept by the "
        "page alone."
    )
    choices = (DropDown("Decision", CHOICES),)
    return Sheet(DECISIONS, says, columns, tuple(rows), choices, of=DECISIONS)


def _is_of(pairs: Set[frozenset[str]], meeting: Meeting) -> bool:
    """Return whether one of the pairs is that of a meeting; a unit may be named by one of its cities."""
    guests, hosts = meeting.cities("guest"), (meeting.unit, *meeting.cities("host"))
    return any(frozenset((guest, host)) in pairs for guest in guests for host in hosts)


def group_forms(proposal: Proposal, directory: Directory) -> Iterator[Sheet]:
    """Yield the sheets of groups and of cities in groups, with the names, numbers and locks that hold filled in.

    Two groups of one name have their ids behind it.
    """
    made = [(p, m) for p in proposal.products if p.product != "twinning" for m in p.meetings]
    if not made:
        return
    titles = Counter(directory.title(m) for _, m in made)
    called = {
        m.id: f"{title} [{m.id}]" if titles[title := directory.title(m)] > 1 else title
        for _, m in made
    }
    names = settings_of(proposal.made_from, "names")
    rows: list[tuple[Cell, ...]] = []
    for product, m in made:
        part = settings_of(proposal.made_from, product.product)
        theme = theme_of(m.id, part) if "split" in part else ""
        is_first = theme not in {row[-1] for row in rows}
        split = dict(part.get("split") or {}).get(theme.partition(":")[2]) if is_first else None
        what = (called[m.id], words.meeting_kind(product, m), len(m.members))
        rows.append((*what, None, names.get(m.id), split, None, None, m.id, theme))
    columns = (
        SheetColumn("Group", 40, "strong"),
        SheetColumn("Format", 20),
        SheetColumn("Cities", 8, "whole"),
        SheetColumn("Decision", 14, "input"),
        SheetColumn("New name", 32, "input"),
        SheetColumn("Split into", 12, "input"),
        *(SheetColumn("Assigned to", 20, "input"), SheetColumn("Note", 36, "input")),
        *(SheetColumn("Group id", 46), SheetColumn("Theme id", 40, printed=False)),
    )
    says = (
        "Accept or reject a group, name it, or say into how many groups its theme is split (or the clusters of its countries, "
        "or all panels); then run twinmatch propose --decisions with this file, or hand it in on the page of the round. "
        "Names and numbers that hold already stand here: cleared, one holds no more."
    )
    numbers = DropDown("Split into", tuple(map(str, range(1, MOST_GROUPS + 1))))
    choices = (DropDown("Decision", CHOICES[:3]), numbers)
    yield Sheet(GROUP_SHEET, says, columns, tuple(rows), choices)
    moves = _move_form(proposal, directory, called)
    if moves.rows and len(proposal.cities) <= MOST_BY_HAND:
        yield moves


def _move_form(proposal: Proposal, directory: Directory, called: Mapping[str, str]) -> Sheet:
    """Return one row a city that can be in another group, with that in which it is locked."""
    order = {meeting: row for row, meeting in enumerate(called, 2)}
    rows: list[tuple[Cell, ...]] = []
    choices = []
    for product in proposal.products:
        at = {city: m.id for m in product.meetings for city in m.cities()}
        cities = sorted(
            movable(proposal, product),
            key=lambda c: (order.get(at.get(c, ""), len(order) + 2), directory.name(c), c),
        )
        if not (cities and product.meetings):
            continue
        locked = dict(pairs_in(settings_of(proposal.made_from, product.product), "lock"))
        groups = order[product.meetings[0].id], order[product.meetings[-1].id]
        here = len(rows) + 2, len(rows) + len(cities) + 1
        choices.append(DropDown("Move to", sheet=GROUP_SHEET, rows=groups, cells=here))
        rows += [
            (
                directory.name(city),
                directory.country(city),
                words.product_title(product),
                called.get(at.get(city, "")),
                called.get(at.get(city, "")) if city in locked else None,
                city,
                at.get(city),
            )
            for city in cities
        ]
    columns = (
        *(SheetColumn("City", 24, "strong"), SheetColumn("Country", 18), SheetColumn("Format", 20)),
        *(SheetColumn("In now", 40), SheetColumn("Move to", 40, "input")),
        *(SheetColumn("City id", 26), SheetColumn("Group id", 46, printed=False)),
    )
    says = (
        "Choose another group of the same format for a city, or its own for it to stay there; then run twinmatch propose "
        "--decisions with this file, or hand it in on the page of the round and solve it again. What holds already stands "
        "here: cleared, it holds no more."
    )
    return Sheet(MOVE_SHEET, says, columns, tuple(rows), tuple(choices))


def code_of(text: str) -> str:
    """Return a short code of a text in letters alone, as the store takes long numbers for telephone numbers."""
    hexed = hashlib.sha256(text.encode()).hexdigest()[:12]
    return "".join(chr(ord("a") + int(digit, 16)) for digit in hexed)


def letter_code(made: str, subject: str, text: str) -> str:
    """Return the code of a letter in a workbook: of the letter as it was made, and of what stands in its cells."""
    said = f"{subject.strip()}\n{text.strip()}"
    return f"{made} {code_of(said)}"


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
        "--decisions with this file, or the page of the round, then takes the rules of each format that was changed from here."
    )
    empty = [(None,) * len(columns)] * SPARE_RULES
    return Sheet(RULE_SHEET, says, columns, (*rows, *empty))
