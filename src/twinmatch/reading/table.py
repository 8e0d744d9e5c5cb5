"""One row a city: from a sheet to raw records, every cell with its place.

Lists are written ``a; b``, weighted domains ``mobility_transport:3; industry:1``; words that people read
("mobility and transport") stand for their codes. An empty cell is not known.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from functools import cache, lru_cache
from typing import Any, Final

from pydantic import BaseModel

from twinmatch.errors import Problem, Where
from twinmatch.geography import countries
from twinmatch.reading.columns import Column, columns
from twinmatch.reading.gazetteer import known_city, near_city
from twinmatch.reading.grid import Grid, is_empty, text
from twinmatch.reading.headers import Header, find_header
from twinmatch.reading.mapping import Mapping, Target
from twinmatch.reading.names import city_id, country_code, language_code
from twinmatch.reading.numbers import MISSING, Decimal, Number, decides, mass, parse
from twinmatch.schema import NAMES, City, Role
from twinmatch.taxonomy import notation, plain
from twinmatch.validate import Record

NONE_STATED: Final = "(none)"
"""What a cell holds where a list is known to be empty."""

_ERRORS: Final = frozenset({"#REF!", "#DIV/0!", "#VALUE!", "#NAME?", "#NUM!", "#NULL!", "#N/A"})
_INVISIBLE: Final = re.compile("[\u200b-\u200f\u202a-\u202e\u2060\u2066-\u2069\ufeff]")
_CONTROL: Final = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\x7f]")

_SEMICOLON: Final = re.compile(r"(?<!\\);")
"""A semicolon that separates; one that belongs to an entry is written with a backslash before it."""

_BETWEEN_LANGUAGES: Final = re.compile(r"[;,/|+&]|\band\b")
"""What people write between the names of languages, which have none of it in them."""

Cells = Sequence[Any]


def table_records(
    grid: Grid,
    mapping: Mapping | None = None,
    model: type[BaseModel] = City,
    *,
    is_side: bool = False,
) -> tuple[list[Record], list[Problem]]:
    """Return one record a row, and what was met: unknown and repeated columns, doubtful numbers, near names.

    ``is_side``: a further sheet about cities that have their row elsewhere, so that name and country may miss.
    """
    mapping = mapping or Mapping()
    header = find_header(grid, mapping, model)
    foreign = 2 * sum(header.is_own) < sum(map(bool, header.names))
    notes = _Notes(grid, list(header.problems) + list(grid.problems), foreign)
    rows = [(row, cells) for row, cells in grid.rows if row > header.row and not is_empty(cells)]
    readers = _readers(header, rows, mapping, model, notes)
    required = {"name", "country"} if model is City and not is_side else set()
    lacking = sorted(required - {r.path for r in readers} - set(mapping.defaults))
    if lacking:
        for name in lacking:
            found = f"The table has no column {name!r}, which every city needs."
            do = "Say in a mapping file which column it is."
            notes.problems.append(Problem("column-missing", found, grid.at(header.row), do))
        return [], notes.problems
    found_records = [
        _record(readers, row, cells, grid, mapping, notes, model, is_side) for row, cells in rows
    ]
    return found_records, notes.summed()


@dataclass
class _Notes:
    """Problems of a sheet; what is met in many cells of a column is told once, with how often."""

    grid: Grid
    problems: list[Problem]
    is_foreign: bool = False
    """Whether the header is not our own form's, so that what every form asks may be missing."""
    counted: Counter[tuple[str, str, str]] = field(default_factory=Counter)
    first: dict[tuple[str, str, str], int] = field(default_factory=dict)

    def count(self, code: str, column: str, found: str, row: int) -> None:
        key = (code, column, found)
        self.counted[key] += 1
        self.first.setdefault(key, row)

    def add(
        self, code: str, found: str, row: int, column: str, do: str = "", level: Any = "error"
    ) -> None:
        self.problems.append(Problem(code, found, self.grid.at(row, column), do, level))

    def summed(self) -> list[Problem]:
        told = [
            Problem(
                code,
                found if n == 1 else f"{found} So in {n:,} cells, first here.",
                self.grid.at(self.first[code, column, found], column),
                level="note",
            )
            for (code, column, found), n in self.counted.items()
        ]
        return self.problems + told


@dataclass(frozen=True)
class _Reader:
    """How the cells of one column are read."""

    position: int
    path: str
    name: str
    column: Column
    read: Callable[[Any, int], Any]


def _readers(
    header: Header,
    rows: Sequence[tuple[int, Cells]],
    mapping: Mapping,
    model: type[BaseModel],
    notes: _Notes,
) -> list[_Reader]:
    known = columns(model)
    found = []
    foreign = _decimal_of(header, rows, mapping, known)
    for position, target in enumerate(header.targets):
        if target is None or not target.field:
            continue
        column = known[target.field]
        decimal: Decimal | None = (
            mapping.decimal or foreign or ("." if header.is_own[position] else None)
        )
        name = header.names[position]
        found.append(
            _Reader(
                position, column.path, name, column, _reader(column, target, name, decimal, notes)
            )
        )
    return found


def _decimal_of(
    header: Header, rows: Sequence[tuple[int, Cells]], mapping: Mapping, known: dict[str, Column]
) -> Decimal | None:
    """Return the decimal sign that the sheet's own numbers decide; None where none does, or they disagree."""
    if mapping.decimal:
        return mapping.decimal
    wanted = [
        i
        for i, t in enumerate(header.targets)
        if t and t.field and known[t.field].kind in {"whole", "number", "tonnes"}
    ]
    votes: Counter[Decimal] = Counter()
    for _, cells in rows:
        for i in wanted:
            if (
                i < len(cells)
                and isinstance(cells[i], str)
                and ("," in cells[i] or "." in cells[i])
            ):
                sign = decides(cells[i])
                if sign:
                    votes[sign] += 1
    return next(iter(votes)) if len(votes) == 1 else None


def _reader(
    column: Column, target: Target, name: str, decimal: Decimal | None, notes: _Notes
) -> Callable[[Any, int], Any]:
    """Return the function that reads the cells of a column."""
    if column.kind in {"whole", "number", "tonnes"}:
        return _Numbers(column, target, name, decimal, notes).read
    by_kind: dict[str, Callable[[str, Column], Any]] = {
        "list": _list,
        "sources": _list,
        "weights": _weights,
        "choice": _choice,
        "text": _text,
    }
    plain_reader = by_kind[column.kind]

    def read(cell: Any, row: int) -> Any:
        value = _clean(cell, row, name, notes)
        return None if not value else plain_reader(value, column)

    return read


def _clean(cell: Any, row: int, name: str, notes: _Notes) -> str:
    """Return a cell's text without invisible and control characters, which is told."""
    value = text(cell)
    if not value or (value.isascii() and value.isprintable() and value[0] != "#"):
        return value
    if value in _ERRORS:
        notes.add(
            "cell-error", f"The cell holds the error {value}.", row, name, "Repair the formula."
        )
        return ""
    for pattern, what in ((_INVISIBLE, "Invisible characters"), (_CONTROL, "Control characters")):
        if pattern.search(value):
            notes.count("characters-removed", name, f"{what} were taken out.", row)
            value = pattern.sub("", value)
    return value.strip()


@dataclass
class _Numbers:
    """Reads the numbers of a column: signs, separators, units and factors; doubt is told, never settled."""

    column: Column
    target: Target
    name: str
    decimal: Decimal | None
    notes: _Notes

    def __post_init__(self) -> None:
        unit = mass(self.target.unit) if self.column.unit == "t CO2e" else None
        self.factor = self.target.factor * (unit.tonnes if unit else 1.0)
        if unit and unit.gas == "CO2":
            self._says_co2(0)

    def read(self, cell: Any, row: int) -> Any:
        """Return a number, a notation key, or the text itself where it is neither (validation tells it)."""
        if isinstance(cell, int | float) and not isinstance(cell, bool):
            return _times(cell, self.factor)
        cell = text(cell)
        if self.factor == 1.0 and cell.isascii() and cell.isdigit() and len(cell) < 15:
            return int(cell)
        written = _clean(cell, row, self.name, self.notes)
        if not written:
            return None
        if self.column.kind == "tonnes" and (key := notation(written)):
            return key
        if written.lower() in MISSING:
            self.notes.count("not-known", self.name, f"{written!r} is read as not known.", row)
            return None
        number = parse(written)
        return written if number is None else self._value(number, written, row)

    def _value(self, number: Number, written: str, row: int) -> Any:
        factor = self._unit_factor(number.unit, row)
        if factor is None:
            return written
        value = self._reading(number, written, row, factor)
        if value is None:
            return None
        return int(value) if float(value).is_integer() and abs(value) < 1e15 else value

    def _unit_factor(self, unit: str, row: int) -> float | None:
        """Return what a number in the cell's own unit is multiplied by; None where the unit does not fit."""
        if (
            not unit
            or unit.rstrip(".") in {"%", self.column.unit}
            or unit in {"h", "hours", "€", "EUR"}
        ):
            return self.factor
        if self.column.unit != "t CO2e" or (found := mass(unit)) is None:
            return None
        if found.gas == "CO2":
            self._says_co2(row)
        self.notes.count("unit-read", self.name, f"{unit} was turned into tonnes.", row)
        return found.tonnes * self.target.factor

    def _says_co2(self, row: int) -> None:
        found = "The unit says CO2, not CO2e: other greenhouse gases may be missing."
        self.notes.add(
            "co2-only",
            found,
            row,
            self.name,
            "Ask the city; keep it in the inventory's note.",
            "warning",
        )

    def _reading(self, number: Number, written: str, row: int, factor: float) -> float | None:
        if self.decimal and (said := number.as_(self.decimal)) is not None:
            value = _times(said, factor)
            if self.column.admits(value) or number.is_sure:
                return value
        values = sorted({_times(v, factor) for v in number.readings.values()})
        fitting = [v for v in values if self.column.admits(v)] or values
        if len(fitting) == 1:
            return fitting[0]
        one, other = (f"{v:,.10g}" for v in fitting)
        self.notes.add(
            "number-ambiguous",
            f"{written!r} may be {one} or {other}.",
            row,
            self.name,
            'Say decimal = "," or decimal = "." in a mapping file.',
        )
        return None


def _times(value: float, factor: float) -> float:
    """Return a product without the dust of its multiplication."""
    return value if factor == 1.0 else float(f"{value * factor:.15g}")


def _text(value: str, column: Column) -> Any:
    if column.path == "country":
        return country_code(value) or value
    if column.path == "mission.label_awarded" and re.fullmatch(r"\d{4}-\d\d-\d\d", value):
        return value[:7]
    return value


_ROLES: Final = {f"{role} cit{end}": role for role in Role for end in ("y", "ies")}
"""What programmes call a city in each role."""


@cache
def _codes() -> dict[str, str]:
    """Return the code of the words that people read, such as "mobility and transport"."""
    return {plain(words): code for code, words in NAMES.items()} | _ROLES


@lru_cache(4096)
def _code(value: str) -> str:
    return _codes().get(plain(value), value)


@lru_cache(4096)
def _choice(value: str, column: Column) -> str:
    wanted = plain(value)
    return next((c for c in column.choices if plain(c) == wanted), value)


def _list(value: str, column: Column) -> list[str]:
    if value == NONE_STATED:
        return []
    if column.path == "languages":
        named = [part.strip() for part in _BETWEEN_LANGUAGES.split(value) if part.strip()]
        return [language_code(part) or part for part in named]
    parts = [part.replace("\\;", ";").strip() for part in _SEMICOLON.split(value) if part.strip()]
    return [_code(part) for part in parts] if column.choices else parts


def _weights(value: str, column: Column) -> Any:
    if value == NONE_STATED:
        return {}
    parts = [part.strip() for part in value.split(";") if part.strip()]
    pairs = [part.partition(":") for part in parts]
    names = [_code(name.strip()) for name, _, _ in pairs]
    if ":" not in value or len(set(names)) < len(names):
        return names  # one that stands twice is told where the names are checked
    return {name: pair[2].strip() or None for name, pair in zip(names, pairs, strict=True)}


def _record(
    readers: Sequence[_Reader],
    row: int,
    cells: Cells,
    grid: Grid,
    mapping: Mapping,
    notes: _Notes,
    model: type[BaseModel],
    is_side: bool,
) -> Record:
    data: dict[str, Any] = {}
    names: dict[str, str] = {}
    width = len(cells)
    for reader in readers:
        cell = cells[reader.position] if reader.position < width else None
        if cell is None or cell == "":
            continue
        value = reader.read(cell, row)
        if value is not None:
            put(data, reader.path, value)
        names[reader.path] = reader.name
    for path, value in mapping.defaults.items():
        put(data, path, value, keep=True)
    if "emissions" in data and not is_side:
        data["emissions"].setdefault("sectors", {})  # an inventory may have a total alone
        if notes.is_foreign:
            _boundary(data["emissions"], row, notes)
    if model is City and not is_side:
        _identify(data, row, names, notes)
        if isinstance(data.get("sources"), list):
            data["sources"] = [
                {"of": sorted(set(data) - {"sources", "id"}), "from": data["sources"]}
            ]
    return Record(data, Where(grid.file, grid.sheet, row), names)


def put(data: dict[str, Any], path: str, value: Any, *, keep: bool = False) -> None:
    """Put a value at a dotted path; ``keep`` leaves one that stands there."""
    *parents, name = path.split(".")
    for parent in parents:
        data = data.setdefault(parent, {})
    if not (keep and name in data):
        data[name] = value


def _boundary(emissions: dict[str, Any], row: int, notes: _Notes) -> None:
    """Take an inventory that says neither form nor boundary for the city's own form, and say so."""
    if "form" in emissions and "boundary" in emissions:
        return
    emissions.setdefault("form", "city")
    if "boundary" not in emissions:
        emissions["boundary"] = "city"
        emissions.setdefault("boundary_note", "not stated")
    found = (
        "The table says no form or boundary of the inventories: they are taken for the city's own."
    )
    notes.count("boundary-not-stated", "", found, row)


def _identify(data: dict[str, Any], row: int, names: dict[str, str], notes: _Notes) -> None:
    """Give a row without an id the known city's or a made one, and ask about names that are near a known city's."""
    name, country = data.get("name"), data.get("country")
    if not isinstance(name, str) or not isinstance(country, str):
        return
    if country not in countries():
        data.setdefault("id", city_id("xx", name))  # the country is the error to tell, once
        return
    column = names.get("name", "name")
    if "id" not in data:
        known = known_city(country, name) or known_city(country, str(data.get("local_name", "")))
        data["id"] = known or city_id(country, name)
        found = (
            "The identifier is that of the bundled city of this name and country."
            if known
            else "The identifier was made from country and name."
        )
        notes.count("id-made", column, found, row)
        if not known and (near := near_city(country, name)):
            notes.add(
                "city-near",
                f"{name!r} is nearly {near.name!r} ({near.id}), a city that is known.",
                row,
                column,
                f"If it is that city, write {near.name!r} or give the id {near.id}.",
                "warning",
            )
