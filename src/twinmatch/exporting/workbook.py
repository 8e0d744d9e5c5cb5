"""proposal.xlsx: the proposal as a coordinator's workbook, the same bytes for the same proposal."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Iterator, Set
from dataclasses import replace
from io import BytesIO
from typing import Final, TypeVar

from twinmatch.exporting import words
from twinmatch.exporting.charts import SHEET, write_charts
from twinmatch.exporting.folder_files import Directory, cell_text, settings_in_words
from twinmatch.exporting.spreadsheet import (
    CREATED,
    RULE_SHEET,
    SCORE,
    Cell,
    Kind,
    Sheet,
    SheetColumn,
    formats_of,
    rule_form,
    sheet_name,
    write_front,
    write_sheet,
)
from twinmatch.proposal import Meeting, Product, Proposal, Table
from twinmatch.wording import say, shown, spoken, translated

T = TypeVar("T")

SHEETS: dict[str, str] = {
    "twinning": "Twinning",
    "discussion_groups": "Groups",
    "national_clusters": "Clusters",
}
"""Short names of sheets; other products take their title."""


DECISIONS: Final = "Decisions"
CHOICES: Final = ("keep", "accept", "reject", "hold", "lock", "ban")
"""What a coordinator may decide of a pair; ``propose --decisions`` reads it back."""

SPARE_ROWS: Final = 20
"""Empty rows below the pairs, for pairs that are not in the proposal."""

TABLE_SHEETS: Final[dict[str, str]] = {
    "watch": "fragile pairs",
    "satisfaction": "satisfaction",
    "ties": "by country",
    "tied_choices": "tied choices",
    "themes": "themes",
    "fairness": "fairness",
    "alike": "in common",
    "agenda": "agendas",
    "reasons": "what each city finds",
    "facilitators": "facilitators",
    "goals": "goals",
    "travel": "travel",
    "travel_method": "travel method",
    "bridges": "bridges",
    "country_sheets": "by country",
    "balance": "balance",
    "seating": "seating",
    "audience": "audience",
    "prices": "prices",
    "stability": "stability",
    "interview": "interview plan",
    "questions": "questions",
    "room": "who should be there",
}
"""Short names of the sheets of figures; other tables take their title."""

OWN_SHEETS: Final = (
    *("Read me", "Cities", "Accounts", "Left out", "Rules", "Gaps", "Parameters", "History"),
    *(DECISIONS, SHEET, RULE_SHEET),
)
"""Names that no sheet of a product or of figures may have."""


def proposal_xlsx(proposal: Proposal, language: str = "en") -> bytes:
    """Return the proposal as an Excel workbook in a language."""
    import xlsxwriter

    stream = BytesIO()
    options = {
        "in_memory": True,
        "strings_to_formulas": False,
        "strings_to_urls": False,
        "strings_to_numbers": False,
    }
    proposal = translated(proposal, language)
    sheets = tuple(_spoken(sheet, language) for sheet in _sheets(proposal, language))
    with xlsxwriter.Workbook(stream, options) as book:
        title = cell_text(spoken(proposal.title, language), 250)
        book.set_properties({"title": title, "author": "twinmatch", "created": CREATED})
        formats = formats_of(book)
        write_front(book, formats, proposal, sheets, language)
        for sheet in sheets:
            write_sheet(book, formats, sheet, language)
            if sheet.choices:
                write_charts(book, formats["section"], sheets, language)
    return stream.getvalue()


def _spoken(sheet: Sheet, code: str) -> Sheet:
    """Return a sheet in a language: what frames it as the catalogue has it, and the texts in its cells."""
    if code == "en":
        return sheet
    return replace(
        sheet,
        name=spoken(sheet.name, code),
        says=spoken(sheet.says, code),
        columns=tuple(replace(c, head=spoken(c.head, code)) for c in sheet.columns),
        rows=tuple(tuple(shown(cell, code) for cell in row) for row in sheet.rows),
        choices=tuple(spoken(choice, code) for choice in sheet.choices),
    )


# --- what the sheets say -----------------------------------------------------------------------------------


def _sheets(proposal: Proposal, language: str) -> Iterator[Sheet]:
    """Yield the workbook's tables in reading order."""
    directory = Directory(proposal)
    taken = {spoken(name, language).lower() for name in OWN_SHEETS}
    if any(words.is_paired(product) and product.meetings for product in proposal.products):
        yield _decisions(proposal, directory)
    for product in proposal.products:
        name = sheet_name(_short(product, language), taken)
        yield (
            _pairs(product, name, directory)
            if words.is_paired(product)
            else _groups(product, name, directory)
        )
    yield _cities(proposal, directory)
    yield _accounts(proposal, directory, language)
    yield _left_out(proposal, directory)
    if any(product.held for product in proposal.products):
        yield _held(proposal, directory)
    yield _rules(proposal)
    yield rule_form(proposal.made_from)
    yield _gaps(proposal, directory)
    yield _parameters(proposal)
    for product in proposal.products:
        short = _short(product, language)
        for table in product.tables:
            of = TABLE_SHEETS.get(table.name) or say("{title:lower}", title=table.title)
            yield _figures(table, sheet_name(f"{short}, {spoken(of, language)}", taken), directory)
    for table in proposal.tables:
        yield _figures(table, sheet_name(table.title, taken), directory)


def _short(product: Product, language: str) -> str:
    """Return the short name of a product in a language."""
    return spoken(SHEETS.get(product.product) or words.product_title(product), language)


def _decisions(proposal: Proposal, directory: Directory) -> Sheet:
    """Return one row a pair with a cell for the coordinator's decision, and empty rows for further pairs."""
    columns = (
        SheetColumn("Guest", 22, "strong"),
        SheetColumn("Host", 36, "strong"),
        SheetColumn(SCORE, 9, "score"),
        SheetColumn("Decision", 14, "input"),
        SheetColumn("Note", 44, "input"),
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
                    None,
                    ", ".join(m.cities("guest")),
                    m.unit or ", ".join(m.cities("host")[:1]),
                )
                for m in product.meetings
            ]
    units = {unit.id for unit in proposal.units}
    for pair in dict.fromkeys(bans):
        guest, host = reversed(pair) if pair[0] in units else pair  # bans hold either way round
        names = (directory.name(guest), directory.name(host))
        rows.append((*names, None, say("ban"), None, guest, host))
    rows += [(None,) * len(columns)] * SPARE_ROWS
    says = (
        "Choose accept, reject, hold, lock or ban for a pair, or name a further pair below; then run twinmatch propose "
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
    kinds = words.kinds_of(table)
    numeric = words.numeric(table)
    columns = tuple(_figures_column(table, k, kind, k in numeric) for k, kind in enumerate(kinds))
    rows: tuple[tuple[Cell, ...], ...] = directory.named(table).rows
    if kinds[0] == "meeting":
        rows = tuple((directory.worded(str(row[0])), *row[1:]) for row in rows)
    return Sheet(name, words.sentence(table.says or table.title), columns, rows, of=table.name)


def _figures_column(table: Table, place: int, of: str, numeric: bool) -> SheetColumn:
    head = words.column_head(table.columns[place], of)
    if not numeric:
        longest = max((len(str(row[place] or "")) for row in table.rows), default=0)
        width = float(min(60, max(12, longest // 2 if longest > 60 else longest + 2)))
        return SheetColumn(head, width, "text" if place else "strong")
    kind: Kind = (
        "points"
        if of in ("points", "cost")
        else "part"
        if of == "part"
        else "whole"
        if all(isinstance(row[place], int | None) for row in table.rows)
        else "number"
    )
    return SheetColumn(head, 11, kind)


def _table(
    name: str, says: str, items: Iterable[T], *cells: tuple[SheetColumn, Callable[[T], Cell]]
) -> Sheet:
    """Return a sheet of one row an item: each column with what it shows of one."""
    columns = tuple(column for column, _ in cells)
    return Sheet(name, says, columns, tuple(tuple(of(item) for _, of in cells) for item in items))


def _pairs(product: Product, name: str, directory: Directory) -> Sheet:
    """Return one row a pair: guest, host, points, reasons, reserves."""

    def guests(item: tuple[int, Meeting]) -> tuple[str, ...]:
        return item[1].cities("guest")

    def hosts(item: tuple[int, Meeting]) -> tuple[str, ...]:
        return item[1].cities("host")

    return _table(
        name,
        words.product_says(product, say("one row a pair")),
        enumerate(product.meetings, 1),
        (SheetColumn("No.", 5, "whole"), lambda m: m[0]),
        (SheetColumn("Guest", 18, "strong"), lambda m: directory.names(guests(m))),
        (SheetColumn("Guest country", 13), lambda m: directory.countries(guests(m))),
        (SheetColumn("Host", 26, "strong"), lambda m: directory.host(m[1])),
        (SheetColumn("Host cities", 20), lambda m: directory.names(hosts(m))),
        (SheetColumn("Host country", 13), lambda m: directory.countries(hosts(m))),
        (SheetColumn("Why", 60), lambda m: "\n".join(words.reasons(m[1]))),
        (SheetColumn(SCORE, 9, "score"), lambda m: m[1].score),
        (
            SheetColumn("If one side declines", 38),
            lambda m: words.joined(map(directory.reserve, m[1].reserves), "\n"),
        ),
        *_about_a_meeting(),
    )


def _groups(product: Product, name: str, directory: Directory) -> Sheet:
    """Return one row a group: leads, members, points, reasons."""

    def named(item: tuple[int, Meeting], lead: bool) -> str:
        found = {directory.country(city) for city in item[1].cities()} - {""}
        # Among cities of one country, its name at each would say nothing.
        of = directory.place if len(found) > 1 else directory.name
        return ", ".join(of(m.city) for m in item[1].members if (m.role == "lead") is lead)

    noun = words.raised(say(words.NOUNS.get(product.product, ("meeting", ""))[0]))
    return _table(
        name,
        words.product_says(product, say("one row a meeting")),
        enumerate(product.meetings, 1),
        (SheetColumn("No.", 5, "whole"), lambda m: m[0]),
        (SheetColumn(noun, 24, "strong"), lambda m: directory.title(m[1])),
        (SheetColumn("Lead cities", 20), lambda m: named(m, lead=True)),
        (SheetColumn("Cities", 7, "whole"), lambda m: len(m[1].members)),
        (
            SheetColumn("Countries", 9, "whole"),
            lambda m: len({directory.country(city) for city in m[1].cities()} - {""}),
        ),
        (SheetColumn("Other members", 52), lambda m: named(m, lead=False)),
        (SheetColumn("Why", 50), lambda m: "\n".join(words.reasons(m[1]))),
        (SheetColumn(SCORE, 9, "score"), lambda m: m[1].score),
        *_about_a_meeting(),
    )


def _about_a_meeting() -> tuple[tuple[SheetColumn, Callable[[tuple[int, Meeting]], Cell]], ...]:
    return (
        (SheetColumn("Notes", 34), lambda m: _notes(m[1])),
        (SheetColumn("Weights known", 9, "part", printed=False), lambda m: m[1].account.coverage),
        (SheetColumn("Identifier", 24, printed=False), lambda m: m[1].id),
    )


def _notes(meeting: Meeting) -> str:
    """Return what is said of a meeting as a whole, and its notes."""
    said = [meeting.says] if meeting.says and meeting.account.strongest() else []
    return "\n".join(words.sentence(text) for text in (*said, *meeting.notes))


def _cities(proposal: Proposal, directory: Directory) -> Sheet:
    """Return one row a city: who it is, and where it is in every product."""
    columns = (
        SheetColumn("City", 18, "strong"),
        SheetColumn("Country", 16),
        SheetColumn("Roles", 18),
        SheetColumn("Population", 11, "whole"),
        SheetColumn("Profile known", 9, "part"),
        *(SheetColumn(words.product_title(p), 40) for p in proposal.products),
        SheetColumn("Identifier", 24, printed=False),
    )
    places = [_places(product, directory) for product in proposal.products]
    rows = tuple(
        (
            card.name,
            card.country_name,
            words.joined(map(words.role_word, card.roles), ", "),
            card.population,
            card.known,
            *(words.joined(where.get(card.id, ()), "\n") for where in places),
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
            told = {"meeting": directory.title(meeting), "role": words.role_word(member.role)}
            places.setdefault(member.city, []).append(say("{meeting} ({role:lower})", **told))
    for left in product.left_out:
        places.setdefault(left.city, []).append(say("Left out: {why}", why=left.why))
    return places


def _accounts(proposal: Proposal, directory: Directory, language: str) -> Sheet:
    """Return one row a line of evidence: what a facet found, and the points that it gives."""
    return _table(
        "Accounts",
        "Why each meeting scores as it does, one row a line of evidence; points given sum to its score.",
        (
            (product, meeting, line)
            for product in proposal.products
            for meeting in product.meetings
            for line in meeting.account.lines
        ),
        (SheetColumn("Product", 14), lambda x: words.product_title(x[0])),
        (SheetColumn("Meeting", 26, "strong"), lambda x: directory.title(x[1])),
        (SheetColumn("Facet", 20), lambda x: words.facet_title(x[2].facet)),
        (SheetColumn("What was found", 48), lambda x: words.sentence(x[2].says)),
        (
            SheetColumn("Likeness (0 to 1)", 9, "likeness"),
            lambda x: x[2].likeness if x[2].known else say("not known"),
        ),
        (
            SheetColumn("Better than, of possible pairs", 11, "part"),
            lambda x: (
                x[2].standing
                if x[2].known
                else say("counts as {part}", part=words.percent(x[2].standing))
            ),
        ),
        (SheetColumn("Points at most", 8, "points"), lambda x: x[2].weight),
        (SheetColumn("Points given", 8, "points"), lambda x: x[2].share),
        (
            SheetColumn("Figures and quotations behind it", 62),
            lambda x: directory.facts(x[2].facts, language),
        ),
        (SheetColumn("Identifier", 24, printed=False), lambda x: x[1].id),
    )


def _left_out(proposal: Proposal, directory: Directory) -> Sheet:
    """Return one row a city without a meeting in a product: why, and what it is offered."""
    return _table(
        "Left out",
        "Every city without a meeting in a product, with the reason and what it can join now; applicants and hosts "
        "apart, refusals first.",
        (
            (product, kind, left)
            for product in proposal.products
            for kind, cities in words.outcomes(product).items()
            for left in cities
        ),
        (SheetColumn("Product", 18), lambda x: words.product_title(x[0])),
        (SheetColumn("City", 20, "strong"), lambda x: directory.name(x[2].city)),
        (SheetColumn("Country", 18), lambda x: directory.country(x[2].city)),
        (SheetColumn("What it is", 22), lambda x: words.OUTCOMES[x[1]][0]),
        (SheetColumn("Why", 62), lambda x: words.sentence(x[2].why)),
        (SheetColumn("Offered instead", 52), lambda x: words.sentence(x[2].offered)),
        (SheetColumn("To ask the city", 40), lambda x: words.sentence(x[2].ask)),
    )


def _held(proposal: Proposal, directory: Directory) -> Sheet:
    """Return one row a question to a city for which a place is held."""
    return _table(
        "To ask",
        "Places held because too little is known, and the fewest questions to each city whose answers would open them.",
        (
            (product, held, ask)
            for product in proposal.products
            for held in product.held
            for ask in held.ask
        ),
        (SheetColumn("Product", 18), lambda x: words.product_title(x[0])),
        (SheetColumn("Places held", 12), lambda x: x[1].places),
        (SheetColumn("City", 22, "strong"), lambda x: directory.name(x[2].city)),
        (SheetColumn("Country", 18), lambda x: directory.country(x[2].city)),
        (SheetColumn("What is not known", 22), lambda x: words.block_title(x[2].block)),
        (SheetColumn("Question", 70), lambda x: words.sentence(x[2].question)),
    )


def _rules(proposal: Proposal) -> Sheet:
    """Return one row a rule as it was applied, and how the answer stands to it."""
    return _table(
        "Rules",
        "Every rule as it was applied, and whether it was kept.",
        ((product, rule) for product in proposal.products for rule in product.rules),
        (SheetColumn("Product", 20), lambda x: words.product_title(x[0])),
        (SheetColumn("Rule", 28, "strong"), lambda x: words.humanise(x[1].rule)),
        (SheetColumn("What it says", 84), lambda x: words.sentence(x[1].says)),
        (SheetColumn("Status", 24), lambda x: words.rule_word(x[1].status)),
        (SheetColumn("What it costs", 24), lambda x: x[1].costs.says if x[1].costs else ""),
    )


def _gaps(proposal: Proposal, directory: Directory) -> Sheet:
    """Return one row for everything that is not known of a city."""
    return _table(
        "Gaps",
        "What is not known of each city; nothing unknown flatters or punishes a city.",
        proposal.gaps,
        (SheetColumn("City", 22, "strong"), lambda gap: directory.name(gap.city)),
        (SheetColumn("Country", 18), lambda gap: directory.country(gap.city)),
        (SheetColumn("Not known", 24), lambda gap: words.block_title(gap.block)),
        (SheetColumn("What this means", 90), lambda gap: words.sentence(gap.says)),
    )


def _parameters(proposal: Proposal) -> Sheet:
    """Return what was proven, the weights, and what the proposal was made from."""
    columns = (
        SheetColumn("Part", 24),
        SheetColumn("Name", 38, "strong"),
        SheetColumn("Value", 60),
        SheetColumn("Points at most", 10, "points"),
        SheetColumn("Share of the score's spread", 12, "part"),
    )
    rows = (
        *(row for product in proposal.products for row in _product_parameters(product)),
        *(
            (say("Made from"), name, value, None, None)
            for name, value in settings_in_words(proposal.made_from)
        ),
        *((say("Note"), "", note, None, None) for note in proposal.notes),
    )
    says = "What the proposal was made from and with: status, weights, data, programme, versions."
    return Sheet("Parameters", says, columns, rows)


def _product_parameters(product: Product) -> Iterator[tuple[Cell, ...]]:
    """Yield a product's status and weights as rows of the parameters."""
    part = words.product_title(product)
    yield part, say("Result"), words.sentence(words.status_words(product)), None, None
    yield part, say("Method of solving"), product.engine, None, None
    yield part, say("Total score"), _exact(product.score), None, None
    yield part, say("Best possible total, at most"), _exact(product.bound), None, None
    for advice in product.advice:
        yield part, say("Advice"), words.sentence(advice), None, None
    for one in product.weights:
        yield part, words.facet_title(one.facet), say("Weight"), one.weight, one.effective_share


def _exact(value: float) -> str:
    """Return a total with four decimals, or that it is not known."""
    return say("{n:,.4f}", n=value) if math.isfinite(value) else say("not known")
