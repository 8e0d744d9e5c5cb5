"""The intake form as a workbook, made from the schema; with profiles in it, it is also their workbook form.

The header that is read is the row of field names; the rows above it (words, meaning, example) are for people. The
same content gives the same bytes.

With the readiness scale: what each level from 0 to 4 means, on ten dimensions, in words that a city can check. A level is
reached when its sentence is true today and the city could show it; a plan to do so is the level below. A city states its
own level. Half a level is noise: two careful readers differ by that much.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from dataclasses import dataclass
from io import BytesIO
from typing import Any, Final

from twinmatch.files import data_beside
from twinmatch.reading.cells import NONE_STATED
from twinmatch.reading.mapping import ProfileColumn, columns
from twinmatch.reading.sheets import FORM, NEWEST_TEMPLATE
from twinmatch.schema import NAMES, SCHEMA_VERSION, City, Dimension, Domain, HostUnit, Notation
from twinmatch.vocabulary.geography import countries

CREATED: Final = dt.datetime(2026, 1, 1)
ROWS: Final = 500
"""Rows for which drop-downs and checks are laid out."""

_FORM: Final = data_beside(__file__, "form.toml")
EXAMPLES: Final[dict[str, str]] = _FORM["examples"]
"""An example for the fields that people ask about."""

KEYS: Final = {
    Notation.NOT_OCCURRING: "Not occurring: there is no such source in the city.",
    Notation.NOT_ESTIMATED: "Not estimated: it occurs, and nobody has worked out how much.",
    Notation.INCLUDED_ELSEWHERE: "Included elsewhere: it is counted in another line.",
    Notation.CONFIDENTIAL: "Confidential: known, and may not be given.",
}
"""The notation keys of the GPC in words."""

GENERAL: Final[list[str]] = _FORM["levels"]["general"]
"""What the five levels mean on every dimension."""

LEVELS: Final[dict[Dimension, list[str]]] = {d: _FORM["levels"][d] for d in Dimension}
"""The wording of every level on every dimension."""

INTRODUCTION: Final[list[str]] = _FORM["introduction"]["lines"]


@dataclass(frozen=True)
class _Sheet:
    """A sheet with a row a city: its name, its columns, and the prefix that the columns share."""

    name: str
    columns: tuple[ProfileColumn, ...]
    has_unit: bool = False


def template(cities: Sequence[City] = (), units: Sequence[HostUnit] = ()) -> bytes:
    """Return the workbook, empty or with profiles in it; reading it gives the same profiles.

    Sheets: instructions, cities, one city, emissions, readiness, levels, sources, host_units, about.
    """
    import xlsxwriter

    stream = BytesIO()
    kinds = ("formulas", "urls", "numbers")
    options = {"in_memory": True, **{f"strings_to_{kind}": False for kind in kinds}}
    ordered = sorted(cities, key=lambda c: c.id)
    about = {"title": "twinmatch intake form", "author": "twinmatch", "created": CREATED}
    with xlsxwriter.Workbook(stream, options) as book:
        book.set_properties(about)
        _Form(book).write(ordered, sorted(units, key=lambda u: u.id))
    return stream.getvalue()


def _sheets(cities: Sequence[City]) -> tuple[_Sheet, ...]:
    known = columns()
    first = (known["id"],)

    def part(*prefixes: str) -> tuple[ProfileColumn, ...]:
        return tuple(c for p, c in known.items() if p.startswith(prefixes))

    apart = ("emissions.", "readiness.", "readiness_estimated.", "sources")
    main = tuple(c for p, c in known.items() if not p.startswith(apart))
    levels = apart[1:3] if any(c.readiness_estimated for c in cities) else apart[1:2]
    return (
        _Sheet("cities", main),
        _Sheet("emissions", first + part("emissions."), has_unit=True),
        _Sheet("readiness", first + part(*levels)),
    )


class _Form:
    """Writes the sheets of the form into a book."""

    def __init__(self, book: Any) -> None:
        def style(**more: Any) -> Any:
            return book.add_format({"text_wrap": True, "valign": "top", **more})

        self._book = book
        self._title = book.add_format({"bold": True, "font_size": 14, "font_color": "#12436D"})
        self._bold = style(bold=True)
        self._words = style(bold=True, bg_color="#12436D", font_color="#FFFFFF")
        self._meaning = style(font_size=9)
        self._example = style(italic=True, font_size=9, font_color="#3D3D3D")
        self._field = book.add_format({"font_size": 8, "bg_color": "#E6E6E6", "bottom": 1})
        self._wrapped = style()

    def write(self, cities: Sequence[City], units: Sequence[HostUnit]) -> None:
        """Write every sheet in order."""
        first, *others = _sheets(cities)
        self._instructions()
        self._cities_sheet(first, cities)
        self._one_city()
        for sheet in others:
            self._cities_sheet(sheet, cities)
        self._levels()
        self._sources(cities)
        self._units(units)
        self._lists()
        self._about()

    def _instructions(self) -> None:
        page = self._book.add_worksheet("instructions")
        page.set_column(0, 0, 120)
        headings = {"What this is", "How to fill it in", "Please no contacts", "What comes next"}
        for row, line in enumerate(INTRODUCTION):
            page.write_string(row, 0, line, self._title if line in headings else self._wrapped)
        row = len(INTRODUCTION) + 1
        page.write_string(row, 0, "Notation keys", self._title)
        for k, (key, words) in enumerate(KEYS.items(), 1):
            page.write_string(row + k, 0, f"{key}: {words}", self._wrapped)

    def _cities_sheet(self, sheet: _Sheet, cities: Sequence[City]) -> None:
        page = self._book.add_worksheet(sheet.name)
        shown = list(sheet.columns)
        for c, column in enumerate(shown):
            width = 40 if column.path in {"needs", "offers"} else 18
            example = f"e.g. {EXAMPLES[column.path]}" if column.path in EXAMPLES else ""
            page.set_column(c, c, width, self._wrapped)
            self._head(page, c, (_asked(column), _meaning(column), example, column.path))
            self._validate(page, 4, 3 + ROWS, c, column)
        if sheet.has_unit:
            c, units = len(shown), ["t CO2e", "kt CO2e", "Mt CO2e"]
            page.set_column(c, c, 12)
            about = ("Unit of this row", "Tonnes CO2e where left empty", "e.g. kt CO2e", "unit")
            self._head(page, c, about)
            page.data_validation(4, c, 3 + ROWS, c, {"validate": "list", "source": units})
        page.set_row(1, 75)
        page.set_row(2, 45)
        page.freeze_panes(4, 2 if sheet.name == "cities" else 1)
        every = ([_value_at(city, column) for column in shown] for city in cities)
        filled = (values for values in every if any(v is not None for v in values[1:]))
        for row, values in enumerate(filled, 4):
            for c, value in enumerate(values):
                self._cell(page, row, c, value)

    def _head(self, page: Any, c: int, rows: Sequence[str]) -> None:
        styles = (self._words, self._meaning, self._example, self._field)
        for row, said in enumerate(zip(rows, styles, strict=True)):
            page.write_string(row, c, *said)

    def _one_city(self) -> None:
        page = self._book.add_worksheet(FORM)
        for c, width in enumerate((34, 38, 60, 60, 40)):
            page.set_column(c, c, width, self._wrapped)
        page.write_string(0, 0, "One city, a line a question", self._title)
        for c, words in enumerate(("field", "question", "your answer", "what it means", "example")):
            page.write_string(1, c, words, self._words)
        left_out = ("sources", "readiness_estimated")
        asked = [c for p, c in columns().items() if not p.startswith(left_out)]
        for row, column in enumerate(asked, 2):
            block, _, dimension = column.path.partition(".")
            levels = LEVELS[Dimension(dimension)] if block == "readiness" else ()
            told = "\n".join(f"{level}: {text}" for level, text in enumerate(levels))
            page.write_string(row, 0, column.path, self._field)
            page.write_string(row, 1, _asked(column), self._bold)
            page.write_blank(row, 2, None, self._wrapped)
            page.write_string(row, 3, told or _meaning(column), self._meaning)
            page.write_string(row, 4, EXAMPLES.get(column.path, ""), self._example)
            self._validate(page, row, row, 2, column)
        page.freeze_panes(2, 3)

    def _levels(self) -> None:
        page = self._book.add_worksheet("levels")
        page.set_column(0, 0, 24, self._bold)
        page.set_column(1, 5, 36, self._wrapped)
        page.write_row(0, 0, ["dimension", *(f"level {k}" for k in range(5))], self._words)
        page.write_row(1, 0, ["in general", *GENERAL], self._wrapped)
        for row, (dimension, words) in enumerate(LEVELS.items(), 2):
            page.write_row(row, 0, [NAMES[dimension], *words], self._wrapped)
        page.freeze_panes(1, 1)

    def _sources(self, cities: Sequence[City]) -> None:
        page = self._book.add_worksheet("sources")
        page.set_column(0, 2, 24)
        page.set_column(3, 3, 100)
        page.write_row(0, 0, ("id", "entry", "of", "from", "year", "after_pairing"), self._field)
        entries = ((c.id, k, source) for c in cities for k, source in enumerate(c.sources, 1))
        texts = ((city, k, source, text) for city, k, source in entries for text in source.from_)
        for row, (city, k, source, text) in enumerate(texts, 1):
            page.write_row(row, 0, (city, k, "; ".join(source.of)))
            page.write_string(row, 3, text)
            if source.year:
                page.write_number(row, 4, source.year)
            if source.after_pairing:
                page.write_string(row, 5, "yes")

    def _units(self, units: Sequence[HostUnit]) -> None:
        page = self._book.add_worksheet("host_units")
        for c, column in enumerate(columns(HostUnit).values()):
            page.set_column(c, c, 24)
            page.write_string(0, c, column.label, self._words)
            page.write_string(1, c, column.path, self._field)
            for row, unit in enumerate(units, 2):
                self._cell(page, row, c, _value_at(unit, column))

    def _lists(self) -> None:
        """Write the values of long drop-downs on a hidden sheet."""
        page = self._book.add_worksheet("lists")
        page.write_column(0, 0, sorted(countries()))
        page.write_column(0, 1, [str(key) for key in Notation])
        page.hide()

    def _about(self) -> None:
        page = self._book.add_worksheet("about")
        page.write_row(0, 0, ("template", str(NEWEST_TEMPLATE)))
        page.write_row(1, 0, ("schema", SCHEMA_VERSION))

    def _cell(self, page: Any, row: int, c: int, value: Any) -> None:
        if value is None:
            return
        if isinstance(value, int | float) and float(f"{value:.16G}") == value:
            page.write_number(row, c, value)
        else:
            page.write_string(row, c, str(value))

    def _validate(self, page: Any, top: int, bottom: int, c: int, column: ProfileColumn) -> None:
        from xlsxwriter.utility import xl_rowcol_to_cell

        title, words = column.label[:32], _meaning(column)[:250]
        rule = _rule(column, xl_rowcol_to_cell(top, c))
        if rule["validate"] != "any":
            rule |= {"error_title": title, "error_message": words}
        page.data_validation(
            top, c, bottom, c, rule | {"input_title": title, "input_message": words}
        )


def _asked(column: ProfileColumn) -> str:
    return column.label + (" *" if column.is_required else "")


def _rule(column: ProfileColumn, cell: str) -> dict[str, Any]:
    """Return the check that a spreadsheet program makes of a cell; any text may stand where there is none."""
    if column.path == "country":
        source = f"=lists!$A$1:$A${len(countries())}"
        return {"validate": "list", "source": source, "error_type": "warning"}
    if column.kind == "whole" and column.path.startswith("readiness"):
        return {"validate": "list", "source": list("01234")}
    if column.kind == "choice":
        return {"validate": "list", "source": list(column.choices)}
    if column.kind == "tonnes":
        formula = f"=OR(ISNUMBER({cell}),COUNTIF(lists!$B$1:$B$5,{cell})>0)"
        return {"validate": "custom", "value": formula}
    kinds = {"whole": ("integer", 0, 1_000_000_000), "number": ("decimal", -1e12, 1e12)}
    if column.kind not in kinds:
        return {"validate": "any"}
    kind, low, high = kinds[column.kind]
    low = low if column.low is None else column.low
    high = high if column.high is None else column.high
    return {"validate": kind, "criteria": "between", "minimum": low, "maximum": high}


def _meaning(column: ProfileColumn) -> str:
    parts = [column.meaning]
    if column.unit and column.unit not in column.meaning:
        parts.append(f"Unit: {column.unit}.")
    if column.kind == "tonnes":
        parts.append("A number, or NO, NE, IE or C.")
    if column.choices:
        parts.append("One of: " + "; ".join(column.choices) + ".")
    if column.kind == "weights":
        parts.append("Domains: " + "; ".join(Domain) + ".")
    return " ".join(parts)


def _value_at(profile: City | HostUnit, column: ProfileColumn) -> Any:
    """Return what a cell holds for a field: a number, a text, a joined list, None where not known."""
    value: Any = profile
    for part in column.path.split("."):
        value = value.get(Dimension(part)) if isinstance(value, dict) else getattr(value, part)
        if value is None:
            return None
    if isinstance(value, dict | tuple):
        parts = [str(v).replace(";", "\\;") for v in value]
        if isinstance(value, dict):
            parts = [f"{name}:{weight}" if weight else name for name, weight in value.items()]
        # Nothing is written where an empty list is what an empty cell means.
        is_said = isinstance(value, dict) or column.may_be_empty_list
        return "; ".join(parts) or (NONE_STATED if is_said else None)
    if column.kind == "tonnes" and value == Notation.BLANK and not column.may_be_empty_list:
        return None
    return str(value) if isinstance(value, str) else value
