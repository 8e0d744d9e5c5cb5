"""proposal.xlsx: the proposal as a coordinator's workbook, the same bytes for the same proposal.

Sheets are said as data (``Sheet``) and written by one writer, so that every sheet has the same head, filter
and print set-up. Points are of 100; texts are never formulas (see ``characters.cell_text``).
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence, Set
from dataclasses import dataclass
from datetime import UTC, datetime
from io import BytesIO
from math import ceil
from typing import Any, Final, Literal

from twinmatch.exporting import words
from twinmatch.exporting.characters import cell_text
from twinmatch.exporting.charts import write_charts
from twinmatch.exporting.directory import Directory
from twinmatch.proposal import Evidence, Meeting, Product, Proposal, Table

Cell = str | int | float | None
Kind = Literal["text", "strong", "whole", "number", "points", "part", "input"]

INK, HEAD, LINE = "#1F1F1F", "#12436D", "#C9CDD2"
SHADE = "#A9D9D5"
INPUT = "#FFF8E5"
"""Ground of the cells that a coordinator fills."""
SCORE = "Points of 100"

CREATED = datetime(2000, 1, 1, tzinfo=UTC).replace(tzinfo=None)
"""A fixed date of creation: the workbook tells its data and programme, not the hour of the run."""

README = (26.0, 84.0)
"""Widths of the first sheet's columns, in characters."""

APOSTROPHE = (
    "Apostrophe",
    "A text that a spreadsheet would take for a formula has an apostrophe in front.",
)

SHEETS: dict[str, str] = {
    "twinning": "Twinning",
    "discussion_groups": "Groups",
    "national_clusters": "Clusters",
}
"""Short names of sheets; other products take their title."""


@dataclass(frozen=True)
class Column:
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
    columns: tuple[Column, ...]
    rows: tuple[tuple[Cell, ...], ...]
    choices: tuple[str, ...] = ()
    """What may be chosen in the cells of the first column of kind ``input``."""


DECISIONS: Final = "Decisions"
CHOICES: Final = ("keep", "lock", "ban", "reject")
"""What a coordinator may decide of a pair; ``propose --decisions`` reads it back."""

SPARE_ROWS: Final = 20
"""Empty rows below the pairs, for pairs that are not in the proposal."""

TABLE_SHEETS: Final[dict[str, str]] = {
    "watch": "Fragile",
    "satisfaction": "Satisfaction",
    "ties": "Network",
    "themes": "Themes",
    "fairness": "Fairness",
    "alike": "Alike",
    "agenda": "Agenda",
}
"""Short names of the sheets of figures; other tables take their title."""


def proposal_xlsx(proposal: Proposal) -> bytes:
    """Return the proposal as an Excel workbook."""
    import xlsxwriter

    stream = BytesIO()
    options = {
        "in_memory": True,
        "strings_to_formulas": False,
        "strings_to_urls": False,
        "strings_to_numbers": False,
    }
    sheets = tuple(_sheets(proposal))
    with xlsxwriter.Workbook(stream, options) as book:
        title = cell_text(proposal.title, 250)
        book.set_properties({"title": title, "author": "twinmatch", "created": CREATED})
        formats = _formats(book)
        _write_readme(book, formats, proposal, sheets)
        for sheet in sheets:
            _write_sheet(book, formats, sheet)
            if sheet.name == DECISIONS:
                write_charts(book, formats["section"], sheets)
    return stream.getvalue()


# --- what the sheets say -----------------------------------------------------------------------------------


def _sheets(proposal: Proposal) -> Iterator[Sheet]:
    """Yield the workbook's tables in reading order."""
    directory = Directory(proposal)
    taken: set[str] = {"read me"}
    if any(words.is_paired(product) and product.meetings for product in proposal.products):
        yield _decisions(proposal, directory)
    for product in proposal.products:
        short = SHEETS.get(product.product) or words.product_title(product)
        name = _sheet_name(short, taken)
        yield (
            _pairs(product, name, directory)
            if words.is_paired(product)
            else _groups(product, name, directory)
        )
    yield _cities(proposal, directory)
    yield _accounts(proposal, directory)
    yield _left_out(proposal, directory)
    yield _rules(proposal)
    yield _gaps(proposal, directory)
    yield _parameters(proposal)
    for product in proposal.products:
        short = SHEETS.get(product.product) or words.product_title(product)
        for table in product.tables:
            name = f"{short} {TABLE_SHEETS.get(table.name, table.title)}"
            yield _figures(table, _sheet_name(name, taken), directory)
    for table in proposal.tables:
        yield _figures(table, _sheet_name(table.title, taken), directory)


def _decisions(proposal: Proposal, directory: Directory) -> Sheet:
    """Return one row a pair with a cell for the coordinator's decision, and empty rows for further pairs."""
    columns = (
        Column("Guest", 22, "strong"),
        Column("Host", 36, "strong"),
        Column(SCORE, 9, "points"),
        Column("Decision", 14, "input"),
        Column("Note", 44, "input"),
        Column("Guest id", 24, "input"),
        Column("Host id", 24, "input"),
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
                    "lock" if _is_of(locked, m) else None,
                    None,
                    ", ".join(m.cities("guest")),
                    m.unit or ", ".join(m.cities("host")[:1]),
                )
                for m in product.meetings
            ]
    units = {unit for unit, _ in proposal.units}
    for pair in dict.fromkeys(bans):
        guest, host = reversed(pair) if pair[0] in units else pair  # bans hold either way round
        names = (directory.name(guest), directory.name(host))
        rows.append((*names, None, "ban", None, guest, host))
    rows += [(None,) * len(columns)] * SPARE_ROWS
    says = (
        "Choose lock, ban or reject for a pair, or name a further pair below; then run twinmatch propose "
        "--decisions with this file. Locks and refusals that hold already stand here: cleared, one holds no more, "
        "unless the programme file asks for it. Notes stay in the workbook in which they were written."
    )
    return Sheet(DECISIONS, says, columns, tuple(rows), CHOICES)


def _is_of(pairs: Set[frozenset[str]], meeting: Meeting) -> bool:
    """Return whether one of the pairs is that of a meeting; a unit may be named by one of its cities."""
    guests, hosts = meeting.cities("guest"), (meeting.unit, *meeting.cities("host"))
    return any(frozenset((guest, host)) in pairs for guest in guests for host in hosts)


def _figures(table: Table, name: str, directory: Directory) -> Sheet:
    """Return a table of figures as a sheet: numbers as numbers, ids as names."""
    columns = tuple(_figures_column(table, k) for k in range(len(table.columns)))
    rows = tuple(
        tuple(_named(head, cell, directory) for head, cell in zip(table.columns, row, strict=True))
        for row in table.rows
    )
    return Sheet(name, words.sentence(table.says or table.title), columns, rows)


def _figures_column(table: Table, place: int) -> Column:
    head, first = table.columns[place], place == (1 if table.columns[0] == "Meeting" else 0)
    if not words.is_numeric(table, head):
        longest = max((len(str(row[place] or "")) for row in table.rows), default=0)
        width = float(min(60, max(12, longest // 2 if longest > 60 else longest + 2)))
        return Column(head, width, "strong" if first else "text", printed=head != "Meeting")
    kind: Kind = (
        "points"
        if head in words.POINTS
        else "part"
        if head.startswith(words.PARTS)
        else "whole"
        if all(isinstance(row[place], int | None) for row in table.rows)
        else "number"
    )
    return Column(words.column_head(head), 11, kind)


def _named(head: str, cell: Cell, directory: Directory) -> Cell:
    """Return a cell with the names of cities and facets in place of their ids."""
    if not isinstance(cell, str):
        return cell
    if head in ("Who asks", "Who shows"):
        return ", ".join(directory.name(city) for city in cell.split("; "))
    return words.facet_title(cell) if head == "Facet" else cell


def _sheet_name(wanted: str, taken: set[str]) -> str:
    """Return a name that spreadsheets accept and no other sheet has, and note it as taken."""
    own = (
        "cities",
        "accounts",
        "left out",
        "rules",
        "gaps",
        "parameters",
        "history",
        "decisions",
        "charts",
    )
    clean = "".join(c for c in cell_text(wanted) if c not in "[]:*?/\\'\n\t").strip()[:28]
    base = clean or "Product"
    name, number = base, 2
    while name.lower() in taken or name.lower() in own:
        name, number = f"{base} {number}", number + 1
    taken.add(name.lower())
    return name


def _pairs(product: Product, name: str, directory: Directory) -> Sheet:
    """Return one row a pair: guest, host, points, reasons, reserves."""
    columns = (
        Column("No.", 5, "whole"),
        Column("Guest", 18, "strong"),
        Column("Guest country", 13),
        Column("Host", 26, "strong"),
        Column("Host cities", 20),
        Column("Host country", 13),
        Column(SCORE, 9, "points"),
        Column("Strongest reasons", 52),
        Column("If one side declines", 38),
        Column("Weights known", 9, "part", printed=False),
        Column("Notes", 40, printed=False),
        Column("Meeting", 24, printed=False),
    )
    rows = tuple(_pair(n, m, directory) for n, m in enumerate(product.meetings, 1))
    return Sheet(name, _product_says(product, "one row a pair"), columns, rows)


def _pair(number: int, meeting: Meeting, directory: Directory) -> tuple[Cell, ...]:
    hosts, guests = meeting.cities("host"), meeting.cities("guest")
    return (
        number,
        directory.names(guests),
        directory.countries(guests),
        directory.host(meeting),
        directory.names(hosts),
        directory.countries(hosts),
        meeting.score,
        "\n".join(words.reasons(meeting)),
        "\n".join(directory.reserve(r) for r in meeting.reserves),
        meeting.account.coverage,
        _notes(meeting),
        meeting.id,
    )


def _groups(product: Product, name: str, directory: Directory) -> Sheet:
    """Return one row a group: leads, members, points, reasons."""
    columns = (
        Column("No.", 5, "whole"),
        Column(words.NOUNS.get(product.product, ("Meeting", ""))[0].capitalize(), 24, "strong"),
        Column("Lead cities", 20),
        Column("Cities", 7, "whole"),
        Column("Countries", 9, "whole"),
        Column("Other members", 52),
        Column(SCORE, 9, "points"),
        Column("Strongest reasons", 46),
        Column("Notes", 34),
        Column("Weights known", 9, "part", printed=False),
        Column("Meeting", 24, printed=False),
    )
    rows = tuple(_group(n, m, directory) for n, m in enumerate(product.meetings, 1))
    return Sheet(name, _product_says(product, "one row a meeting"), columns, rows)


def _group(number: int, meeting: Meeting, directory: Directory) -> tuple[Cell, ...]:
    countries = {directory.country(city) for city in meeting.cities()} - {""}
    # Among cities of one country, its name at each would say nothing.
    named = directory.place if len(countries) > 1 else directory.name
    return (
        number,
        directory.title(meeting),
        ", ".join(named(m.city) for m in meeting.members if m.role == "lead"),
        len(meeting.members),
        len(countries),
        ", ".join(named(m.city) for m in meeting.members if m.role != "lead"),
        meeting.score,
        "\n".join(words.reasons(meeting)),
        _notes(meeting),
        meeting.account.coverage,
        meeting.id,
    )


def _notes(meeting: Meeting) -> str:
    """Return what is said of a meeting as a whole, and its notes."""
    said = [meeting.says] if meeting.says and meeting.account.strongest() else []
    return "\n".join(words.sentence(text) for text in (*said, *meeting.notes))


def _product_says(product: Product, form: str) -> str:
    """Return what a product's sheet shows and what was proven."""
    return f"{words.meetings_counted(product)}, {form}; {words.status_words(product)}."


def _cities(proposal: Proposal, directory: Directory) -> Sheet:
    """Return one row a city: who it is, and where it is in every product."""
    columns = (
        Column("City", 18, "strong"),
        Column("Country", 16),
        Column("Roles", 18),
        Column("Population", 11, "whole"),
        Column("Profile known", 9, "part"),
        *(Column(words.product_title(p), 40) for p in proposal.products),
        Column("Identifier", 24, printed=False),
    )
    places = [_places(product, directory) for product in proposal.products]
    rows = tuple(
        (
            card.name,
            card.country_name,
            ", ".join(words.role_word(role) for role in card.roles),
            card.population,
            card.known,
            *("\n".join(where.get(card.id, ())) for where in places),
            card.id,
        )
        for card in proposal.cities
    )
    return Sheet("Cities", "Where each city is in every product, one row a city.", columns, rows)


def _places(product: Product, directory: Directory) -> dict[str, list[str]]:
    """Return for each city the meetings that it is in, with its role there, or why it is left out."""
    places: dict[str, list[str]] = {}
    for meeting in product.meetings:
        for member in meeting.members:
            role = words.role_word(member.role).lower()
            places.setdefault(member.city, []).append(f"{directory.title(meeting)} ({role})")
    for left in product.left_out:
        places.setdefault(left.city, []).append(f"Left out: {left.why}")
    return places


def _accounts(proposal: Proposal, directory: Directory) -> Sheet:
    """Return one row a line of evidence: what a facet found, and the points that it gives."""
    columns = (
        Column("Product", 14),
        Column("Meeting", 26, "strong"),
        Column("Facet", 20),
        Column("What was found", 48),
        Column("Likeness (0 to 1)", 9, "part"),
        Column("Better than, of possible pairs", 11, "part"),
        Column("Points at most", 8, "points"),
        Column("Points given", 8, "points"),
        Column("Figures and quotations behind it", 62),
        Column("Identifier", 24, printed=False),
    )
    rows = tuple(
        _account_row(product, meeting, line, directory)
        for product in proposal.products
        for meeting in product.meetings
        for line in meeting.account.lines
    )
    says = "Why each meeting scores as it does, one row a line of evidence; points given sum to its score."
    return Sheet("Accounts", says, columns, rows)


def _account_row(
    product: Product, meeting: Meeting, line: Evidence, directory: Directory
) -> tuple[Cell, ...]:
    return (
        words.product_title(product),
        directory.title(meeting),
        words.facet_title(line.facet),
        words.sentence(line.says),
        line.likeness if line.known else "not known",
        line.standing if line.known else "counts as 50%",
        line.weight,
        line.share,
        directory.facts(line.facts),
        meeting.id,
    )


def _left_out(proposal: Proposal, directory: Directory) -> Sheet:
    """Return one row a city without a meeting in a product: why, and what it is offered."""
    columns = (
        Column("Product", 18),
        Column("City", 20, "strong"),
        Column("Country", 18),
        Column("Why", 62),
        Column("Offered instead", 52),
        Column("To ask the city", 40),
    )
    rows = tuple(
        (
            words.product_title(product),
            directory.name(left.city),
            directory.country(left.city),
            words.sentence(left.why),
            words.sentence(left.offered),
            words.sentence(left.ask),
        )
        for product in proposal.products
        for left in product.left_out
    )
    says = "Every city without a meeting in a product, with the reason and what it can join now."
    return Sheet("Left out", says, columns, rows)


def _rules(proposal: Proposal) -> Sheet:
    """Return one row a rule as it was applied, and how the answer stands to it."""
    columns = (
        Column("Product", 20),
        Column("Rule", 28, "strong"),
        Column("What it says", 84),
        Column("Status", 24),
    )
    rows = tuple(
        (
            words.product_title(product),
            words.humanise(rule.rule),
            words.sentence(rule.says),
            words.rule_word(rule.status),
        )
        for product in proposal.products
        for rule in product.rules
    )
    return Sheet("Rules", "Every rule as it was applied, and whether it was kept.", columns, rows)


def _gaps(proposal: Proposal, directory: Directory) -> Sheet:
    """Return one row for everything that is not known of a city."""
    columns = (
        Column("City", 22, "strong"),
        Column("Country", 18),
        Column("Not known", 24),
        Column("What this means", 90),
    )
    rows = tuple(
        (
            directory.name(gap.city),
            directory.country(gap.city),
            words.block_title(gap.block),
            words.sentence(gap.says),
        )
        for gap in proposal.gaps
    )
    says = "What is not known of each city; nothing unknown flatters or punishes a city."
    return Sheet("Gaps", says, columns, rows)


def _parameters(proposal: Proposal) -> Sheet:
    """Return what was proven, the weights, and what the proposal was made from."""
    columns = (
        Column("Part", 24),
        Column("Name", 38, "strong"),
        Column("Value", 60),
        Column("Points at most", 10, "points"),
        Column("Share of the score's spread", 12, "part"),
    )
    rows = (
        *(row for product in proposal.products for row in _product_parameters(product)),
        *(("Made from", name, value, None, None) for name, value in words.flat(proposal.made_from)),
        *(("Note", "", note, None, None) for note in proposal.notes),
    )
    says = "What the proposal was made from and with: status, weights, data, programme, versions."
    return Sheet("Parameters", says, columns, rows)


def _product_parameters(product: Product) -> Iterator[tuple[Cell, ...]]:
    """Yield a product's status and weights as rows of the parameters."""
    part = words.product_title(product)
    yield part, "Result", words.sentence(words.status_words(product)), None, None
    yield part, "Method of solving", product.engine, None, None
    yield part, "Total score", _exact(product.score), None, None
    yield part, "Best possible total, at most", _exact(product.bound), None, None
    for advice in product.advice:
        yield part, "Advice", words.sentence(advice), None, None
    for facet, weight, share in product.weights:
        yield part, words.facet_title(facet), "Weight", weight, share


def _exact(value: float) -> str:
    """Return a total with four decimals, or that it is not known."""
    return f"{value:,.4f}" if math.isfinite(value) else "not known"


# --- how they are written ----------------------------------------------------------------------------------


def _formats(book: Any) -> dict[str, Any]:
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


def _write_sheet(book: Any, formats: dict[str, Any], sheet: Sheet) -> None:
    """Write one table: head, rows, filter, frozen head and print set-up."""
    page = book.add_worksheet(sheet.name)
    page.hide_gridlines(2)
    page.set_row(0, 42)
    for row, cells in enumerate(sheet.rows, 1):
        page.set_row(row, _height(cells, [column.width for column in sheet.columns]))
    for place, column in enumerate(sheet.columns):
        page.set_column(place, place, column.width)
        head = "head" if column.kind in ("text", "strong", "input") else "head of numbers"
        page.write_string(0, place, cell_text(column.head), formats[head])
        _write_column(page, formats, place, column, [row[place] for row in sheet.rows])
    if sheet.choices:
        _offer_choices(page, sheet)
    page.freeze_panes(1, _frozen(sheet.columns))
    page.autofilter(0, 0, max(len(sheet.rows), 1), len(sheet.columns) - 1)
    _set_up_print(page, sheet.name)
    page.set_landscape()
    page.repeat_rows(0)
    on_paper = sum(column.printed for column in sheet.columns)
    page.print_area(0, 0, max(len(sheet.rows), 1), on_paper - 1)


def _offer_choices(page: Any, sheet: Sheet) -> None:
    """Have the first column to fill offer the choices, and refuse anything else."""
    place = next(k for k, column in enumerate(sheet.columns) if column.kind == "input")
    told = f"One of: {', '.join(sheet.choices)}; empty is keep."
    page.data_validation(
        *(1, place, len(sheet.rows), place),
        {
            "validate": "list",
            "source": list(sheet.choices),
            "input_title": sheet.columns[place].head,
            "input_message": told,
            "error_title": "Not a decision",
            "error_message": told,
        },
    )


def _height(cells: Sequence[Cell], widths: Sequence[float], line: float = 12.75) -> float:
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


def _frozen(columns: Sequence[Column]) -> int:
    """Return how many columns stay in view: up to the first strong one, if that leaves room to scroll."""
    first = next((i for i, column in enumerate(columns) if column.kind == "strong"), 0)
    return first + 1 if sum(column.width for column in columns[: first + 1]) <= 50 else 0


def _write_column(
    page: Any, formats: dict[str, Any], place: int, column: Column, cells: list[Cell]
) -> None:
    """Write the cells of one column; scores are shaded, so that they can be compared at a glance."""
    style = formats["likeness" if column.head.startswith("Likeness") else column.kind]
    for row, value in enumerate(cells, 1):
        _write_cell(page, row, place, value, column.kind, style)
    if len(set(cells)) > 1 and column.head == SCORE:
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
        page.write_number(row, place, round(value * 100 if kind == "points" else value, 8), style)


def _set_up_print(page: Any, name: str) -> None:
    """Set A4, fit to one page's width, sheet name and page numbers."""
    page.set_paper(9)
    page.set_margins(left=0.4, right=0.4, top=0.6, bottom=0.6)
    page.fit_to_pages(1, 0)
    page.set_header(f"&L&10{name.replace('&', '&&')}&R&10twinmatch")
    page.set_footer("&C&10Page &P of &N")


def _write_readme(
    book: Any, formats: dict[str, Any], proposal: Proposal, sheets: Sequence[Sheet]
) -> None:
    """Write the first sheet: the result, how to read scores and statuses, and what is where."""
    page = book.add_worksheet("Read me")
    page.hide_gridlines(2)
    page.set_column(0, 0, README[0])
    page.set_column(1, 1, README[1])
    page.merge_range(0, 0, 0, 1, "", formats["title"])
    page.write_string(0, 0, cell_text(proposal.title), formats["title"])
    page.merge_range(1, 0, 1, 1, "", formats["result"])
    page.write_string(1, 0, cell_text(words.result(proposal)), formats["result"])
    page.set_row(0, 34)
    page.set_row(1, _height([words.result(proposal)], [sum(README) * 0.75], 18))
    row = 3
    for heading, lines in _readme(proposal):
        row = _write_section(page, formats, row, heading, lines)
    row = _write_section(page, formats, row, "Sheets", ())
    for sheet in sheets:
        page.set_row(row, _height([sheet.name, sheet.says], README))
        page.write_url(
            row, 0, f"internal:'{sheet.name}'!A1", formats["link"], cell_text(sheet.name)
        )
        page.write_string(row, 1, cell_text(sheet.says), formats["prose"])
        row += 1
    _set_up_print(page, "Read me")


def _write_section(
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
        page.set_row(row + offset, _height([label, text], README))
        page.write_string(row + offset, 0, cell_text(label), formats["label"])
        page.write_string(row + offset, 1, cell_text(text), formats["prose"])
    return row + len(lines) + (2 if lines else 1)


def _readme(proposal: Proposal) -> Iterator[tuple[str, list[tuple[str, str]]]]:
    """Yield the sections of the first sheet: heading, and lines of label and text."""
    yield (
        "Results",
        [
            (words.product_title(p), words.sentence(p.says or _product_says(p, p.engine)))
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
