"""proposal.xlsx: the proposal as a coordinator's workbook, the same bytes for the same proposal.

Its first sheet has the result, how to read scores and statuses, and what is where.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from io import BytesIO
from typing import Any, Final, TypeVar

from twinmatch.exporting import words
from twinmatch.exporting.charts import SHEET, figures_sheet, write_charts
from twinmatch.exporting.folder_files import Directory, cell_text, settings_in_words
from twinmatch.exporting.letters import letter_form
from twinmatch.exporting.spreadsheet import (
    CREATED,
    DECISIONS,
    GROUP_SHEET,
    LETTER_SHEET,
    MOST_BY_HAND,
    MOVE_SHEET,
    RULE_SHEET,
    SCORE,
    Cell,
    Sheet,
    SheetColumn,
    formats_of,
    group_forms,
    height,
    pair_form,
    rule_form,
    set_up_print,
    sheet_name,
    write_sheet,
)
from twinmatch.proposal import Meeting, Product, Proposal
from twinmatch.wording import say, shown, spoken, translated

T = TypeVar("T")

FRONT: Final = (26.0, 84.0)
"""Widths of the first sheet's columns, in characters."""

SHEETS: dict[str, str] = {
    "twinning": "Twinning",
    "discussion_groups": "Groups",
    "national_clusters": "Clusters",
}
"""Short names of sheets; other products take their title."""


OWN_SHEETS: Final = (
    *("Read me", "Cities", "Accounts", "Left out", "Rules", "Gaps", "Parameters", "History"),
    *(DECISIONS, GROUP_SHEET, MOVE_SHEET, LETTER_SHEET, SHEET, RULE_SHEET),
)
"""Names that no sheet of a product or of figures may have."""


def proposal_xlsx(
    proposal: Proposal, language: str = "en", edited: Mapping[str, tuple[str, str]] | None = None
) -> bytes:
    """Return the proposal as an Excel workbook in a language, with letters that were ``edited`` as ``Correspondence`` has them."""
    import xlsxwriter

    stream = BytesIO()
    options = {
        "in_memory": True,
        "strings_to_formulas": False,
        "strings_to_urls": False,
        "strings_to_numbers": False,
    }
    few = 0 < len(proposal.cities) <= MOST_BY_HAND
    forms = [letter_form(proposal, edited or {}, language)] if few else []
    proposal = translated(proposal, language)
    found = [*_forms(proposal), *forms, *_sheets(proposal, language)]
    sheets = tuple(_spoken(sheet, language) for sheet in found)
    with xlsxwriter.Workbook(stream, options) as book:
        title = cell_text(spoken(proposal.title, language), 250)
        book.set_properties({"title": title, "author": "twinmatch", "created": CREATED})
        formats = formats_of(book)
        _write_front(book, formats, proposal, sheets, language)
        for sheet in sheets:
            write_sheet(book, formats, sheet, language)
            if sheet.of == DECISIONS:
                write_charts(book, formats["section"], sheets, language)
    return stream.getvalue()


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
        page.set_row(row + offset, height([label, text], FRONT))
        page.write_string(row + offset, 0, cell_text(label), formats["label"])
        page.write_string(row + offset, 1, cell_text(text), formats["prose"])
    return row + len(lines) + (2 if lines else 1)


APOSTROPHE = (
    say("Apostrophe"),
    say("A text that a spreadsheet would take for a formula has an apostrophe in front."),
)


def _write_front(
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
        row = _write_section(page, formats, row, spoken(heading, language), said)
    row = _write_section(page, formats, row, spoken("Sheets", language), ())
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
        choices=tuple(
            replace(c, head=spoken(c.head, code), words=tuple(spoken(w, code) for w in c.words))
            for c in sheet.choices
        ),
    )


# --- what the sheets say -----------------------------------------------------------------------------------


def _forms(proposal: Proposal) -> Iterator[Sheet]:
    """Yield the sheets on which pairs, groups and cities in groups are decided."""
    directory = Directory(proposal)
    if any(words.is_paired(product) and product.meetings for product in proposal.products):
        yield pair_form(proposal, directory)
    yield from group_forms(proposal, directory)


def _sheets(proposal: Proposal, language: str) -> Iterator[Sheet]:
    """Yield the workbook's tables in reading order."""
    directory = Directory(proposal)
    taken = {spoken(name, language).lower() for name in OWN_SHEETS}
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
            of = words.TITLES["sheets"].get(table.name) or say("{title:lower}", title=table.title)
            yield figures_sheet(
                table, sheet_name(f"{short}, {spoken(of, language)}", taken), directory
            )
    for table in proposal.tables:
        yield figures_sheet(table, sheet_name(table.title, taken), directory)


def _short(product: Product, language: str) -> str:
    """Return the short name of a product in a language."""
    return spoken(SHEETS.get(product.product) or words.product_title(product), language)


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
