"""Cells as people fill them: text, numbers, years, days, levels, options; every doubt is reported with its cell.

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

from twinmatch.errors import Problem
from twinmatch.reading import answers
from twinmatch.reading.columns import ProfileColumn
from twinmatch.reading.grid import Grid, Percent, text
from twinmatch.reading.mapping import Mapping, Target
from twinmatch.reading.names import country_code, language_code
from twinmatch.reading.numbers import MISSING, Decimal, Number, decides, is_finite, mass, parse
from twinmatch.schema import NAMES
from twinmatch.vocabulary.taxonomy import notation, plain

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


@dataclass
class Notes:
    """Problems of a sheet; what is met in many cells of a column is told once, with how often."""

    grid: Grid
    problems: list[Problem]
    is_foreign: bool = False
    """Whether the header is not our own form's, so that what every form asks may be missing."""
    counted: Counter[tuple[str, str, str]] = field(default_factory=Counter)
    first: dict[tuple[str, str, str], int] = field(default_factory=dict)
    said: dict[tuple[str, str, str], tuple[Any, str]] = field(default_factory=dict)

    def count(
        self, code: str, column: str, found: str, row: int, level: Any = "note", do: str = ""
    ) -> None:
        """Count what is met in many cells of a column."""
        key = (code, column, found)
        self.counted[key] += 1
        self.first.setdefault(key, row)
        self.said.setdefault(key, (level, do))

    @property
    def has_errors(self) -> bool:
        """Return whether an error was reported."""
        return any(p.level == "error" for p in self.problems)

    def add(
        self, code: str, found: str, row: int, column: str, do: str = "", level: Any = "error"
    ) -> None:
        """Report what is met in one cell or row."""
        self.problems.append(Problem(code, found, self.grid.at(row, column), do, level))

    def summed(self) -> list[Problem]:
        """Return what was reported, what was counted once each with how often."""
        told = [
            Problem(
                code,
                found if n == 1 else f"{found} So in {n:,} cells, first here.",
                self.grid.at(self.first[code, column, found], column),
                self.said[code, column, found][1],
                self.said[code, column, found][0],
            )
            for (code, column, found), n in self.counted.items()
        ]
        return self.problems + told


def decimal_of(
    wanted: Sequence[int], rows: Sequence[tuple[int, Cells]], mapping: Mapping
) -> Decimal | None:
    """Return the decimal sign that the numbers of some columns decide; None where none does, or they disagree."""
    if mapping.decimal:
        return mapping.decimal
    votes: Counter[Decimal] = Counter()
    for _, cells in rows:
        for i in wanted:
            cell = cells[i] if i < len(cells) else None
            if isinstance(cell, str) and ("," in cell or "." in cell) and (sign := decides(cell)):
                votes[sign] += 1
    return next(iter(votes)) if len(votes) == 1 else None


def reader_of(
    column: ProfileColumn, target: Target, name: str, decimal: Decimal | None, notes: Notes
) -> Callable[[Any, int], Any]:
    """Return the function that reads the cells of a column, given cell and row."""
    if column.unit == "year" or column.path.endswith(".year"):
        return _by(lambda v: answers.year(v), column, name, notes)
    if column.kind == "whole" and column.unit == "level 0-4":
        return _by(lambda v: answers.level(v), column, name, notes)
    if column.kind == "flag":
        return _by(answers.yes_or_no, column, name, notes)
    if column.path in _FORMS:
        return _by(_FORMS[column.path], column, name, notes)
    if column.kind in {"whole", "number", "tonnes"}:
        return _Numbers(column, target, name, decimal, notes).read
    by_kind: dict[str, Callable[[str, ProfileColumn], Any]] = {
        "list": _list,
        "sources": _list,
        "weights": _weights,
        "choice": answers.choice,
        "text": _text,
    }
    plain_reader = by_kind[column.kind]

    def read(cell: Any, row: int) -> Any:
        value = clean(cell, row, name, notes)
        return None if not value else plain_reader(value, column)

    return read


_FORMS: Final[dict[str, Callable[[str], Any]]] = {
    "participation.english": answers.cefr,
    "participation.weeks": answers.weeks,
    "mission.label_awarded": answers.month,
    "version.date": lambda v: None if answers.is_doubtful_day(v) else _iso(answers.day(v)),
}
"""Readers of the fields whose values people write in several forms."""


def _iso(day: Any) -> str | None:
    return day.isoformat() if day else None


def _by(
    form: Callable[[str], Any], column: ProfileColumn, name: str, notes: Notes
) -> Callable[[Any, int], Any]:
    """Return a reader by a form: what does not fit it stays as written, and validation reports it."""

    def read(cell: Any, row: int) -> Any:
        written = clean(cell, row, name, notes)
        if not written:
            return None
        if written.lower() in MISSING or answers.is_unknown(written):
            notes.count("not-known", name, f"{written!r} is read as not known.", row)
            return None
        if column.unit == "level 0-4" and hasattr(cell, "isoformat"):
            return f"{written} (a date)"
        value = form(written)
        return written if value is None or value == [] else value

    return read


def clean(cell: Any, row: int, name: str, notes: Notes) -> str:
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

    column: ProfileColumn
    target: Target
    name: str
    decimal: Decimal | None
    notes: Notes

    def __post_init__(self) -> None:
        unit = mass(self.target.unit) if self.column.unit == "t CO2e" else None
        self.factor = self.target.factor * (unit.tonnes if unit else 1.0)
        if unit and unit.gas == "CO2":
            self._says_co2(0)

    def read(self, cell: Any, row: int) -> Any:
        """Return a number, a notation key, or the text itself where it is neither (validation tells it)."""
        if isinstance(cell, Percent):
            if self.column.unit == "%":
                self.notes.count("percent-read", self.name, "55% stands for 55.", row)
                return _times(float(cell), 100.0)
            cell = float(cell)
        if isinstance(cell, int | float) and not isinstance(cell, bool):
            return self._whole(_times(cell, self.factor), row) if is_finite(cell) else text(cell)
        cell = text(cell)
        if self.factor == 1.0 and cell.isascii() and cell.isdigit() and len(cell) < 15:
            return int(cell)
        written = clean(cell, row, self.name, self.notes)
        if not written:
            return None
        if self.column.kind == "tonnes" and (
            key := notation(written) or notation(written.replace(".", ""))
        ):
            return key
        if written.lower() in MISSING or answers.is_unknown(written):
            self.notes.count("not-known", self.name, f"{written!r} is read as not known.", row)
            return None
        number = parse(_ABOUT.sub("", written)) if self.column.kind != "tonnes" else parse(written)
        return written if number is None else self._value(number, written, row)

    def _whole(self, value: float, row: int) -> float:
        """Return a count of people whole: figures of statistics have decimals."""
        if self.column.unit != "people" or float(value).is_integer() or abs(value) < 100:
            return value
        self.notes.count("rounded", self.name, "A number of people with decimals was rounded.", row)
        return round(value)

    def _value(self, number: Number, written: str, row: int) -> Any:
        factor = self._unit_factor(number.unit, row)
        if factor is None:
            return written
        value = self._reading(number, written, row, factor)
        if value is None:
            return None
        value = self._whole(value, row)
        return int(value) if float(value).is_integer() and abs(value) < 1e15 else value

    def _unit_factor(self, unit: str, row: int) -> float | None:
        """Return what a number in the cell's own unit is multiplied by; None where the unit does not fit."""
        if not unit or unit.rstrip(".") in {"%", self.column.unit} or plain(unit) in _UNITS:
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
        if (
            self.column.unit == "people"
            and factor == 1.0
            and not self.decimal
            and len(number.readings) > 1
        ):
            return max(
                number.readings.values()
            )  # people have no decimals: three digits follow a thousand
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


_ABOUT: Final = re.compile(
    r"(?i)^\s*(?:about|approx\.?|approximately|around|circa|ca\.?|c\.|~|≈|rund|etwa|environ|environ|aproximadamente|aprox\.?|około|ok\.|"
    r"more than|over|mehr als|plus de|>|at least|mindestens|au moins|almeno|al menos|co najmniej)\s*"
)
_UNITS: Final = (
    frozenset(
        [
            "h",
            "hours",
            "hour",
            "hrs",
            "hours",
            "month",
            "h",
            "month",
            "stunden",
            "std",
            "h",
            "monat",
            "stunden",
            "monat",
            "heures",
            "heures",
            "mois",
            "ore",
            "ore",
            "mese",
            "horas",
            "horas",
            "mes",
            "godzin",
            "godz",
            "people",
            "inhabitants",
            "einwohner",
            "habitants",
            "abitanti",
            "habitantes",
            "mieszkancow",
            "eur",
        ]
    )
    | {
        "hours a month",
        "hours per month",
        "h month",
        "hours month",
        "stunden pro monat",
        "heures par mois",
        "ore al mese",
    }
    | {
        "horas al mes",
        "godzin miesiecznie",
        "ore mese",
        "h mois",
        "h mese",
        "h mes",
        "",
        "heures mois",
        "horas mes",
        "stunden monat",
    }
)
"""Units in a cell that say nothing beyond the column's own, in plain letters."""


def _text(value: str, column: ProfileColumn) -> Any:
    if column.path == "country":
        return country_code(value) or value
    if column.path == "name":
        return value.rstrip("*†¹²³ \t\n\xa0") or value
    return value


@cache
def _codes() -> dict[str, str]:
    """Return the code of the words that people read, such as "mobility and transport"."""
    return {plain(words): code for code, words in NAMES.items()} | answers.ROLES


@lru_cache(4096)
def _code(value: str) -> str:
    return _codes().get(plain(value), value)


def _list(value: str, column: ProfileColumn) -> list[str]:
    if value == NONE_STATED:
        return []
    if column.path == "languages":
        named = [part.strip() for part in _BETWEEN_LANGUAGES.split(value) if part.strip()]
        return [language_code(part) or part for part in named]
    parts = [part.replace("\\;", ";").strip() for part in _SEMICOLON.split(value) if part.strip()]
    return [_code(part) for part in parts] if column.choices else parts


def _weights(value: str, column: ProfileColumn) -> Any:
    if value == NONE_STATED:
        return {}
    parts = [part.strip() for part in value.split(";") if part.strip()]
    pairs = [part.partition(":") for part in parts]
    names = [_code(name.strip()) for name, _, _ in pairs]
    if ":" not in value or len(set(names)) < len(names):
        return names  # one that stands twice is told where the names are checked
    return {name: pair[2].strip() or None for name, pair in zip(names, pairs, strict=True)}
