"""Cells as people fill them: text, numbers, years, days, levels, options; every doubt is reported with its cell.

Lists are written ``a; b``, weighted domains ``mobility_transport:3; industry:1``; words that people read
("mobility and transport") stand for their codes. An empty cell is not known.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from functools import lru_cache
from typing import Any, Final

from twinmatch.errors import Problem
from twinmatch.reading import values
from twinmatch.reading.grid import Grid, Percent, text
from twinmatch.reading.mapping import Choices, Mapping, MappingQuestion, Part, ProfileColumn, Target
from twinmatch.reading.meaning import factor_in, factor_removed
from twinmatch.reading.values import MISSING, Decimal, Number, decides, is_finite, mass, parse
from twinmatch.schema import NAMES
from twinmatch.validate import NAMING
from twinmatch.vocabulary.geography import country_code, language_code
from twinmatch.vocabulary.taxonomy import notation, plain, words
from twinmatch.wording import say

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
    """Problems of a sheet; what is met in many cells of a column is reported once, with how often."""

    grid: Grid
    problems: list[Problem]
    is_foreign: bool = False
    """Whether the header is not our own form's, so that what every form asks may be missing."""
    questions: list[MappingQuestion] = field(default_factory=list)
    counted: Counter[tuple[str, str, str]] = field(default_factory=Counter)
    first: dict[tuple[str, str, str], Problem] = field(default_factory=dict)

    def count(
        self, code: str, column: str, found: str, row: int, level: Any = "note", do: str = ""
    ) -> None:
        """Count what is met in many cells of a column."""
        key = (code, column, found)
        self.counted[key] += 1
        if key not in self.first:
            self.first[key] = Problem(code, found, self.grid.at(row, column), do, level)

    @property
    def has_errors(self) -> bool:
        """Return whether an error was reported."""
        return any(p.level == "error" for p in self.problems)

    def add(
        self, code: str, found: str, row: int, column: str, do: str = "", level: Any = "error"
    ) -> None:
        """Report what is met in one cell or row."""
        self.problems.append(Problem(code, found, self.grid.at(row, column), do, level))

    def ask(
        self,
        table: Part,
        key: str,
        asks: str,
        place: tuple[int, str],
        choices: Choices,
        guess: str = "",
    ) -> None:
        """Ask what reading cannot decide, at a row and column."""
        where = self.grid.at(*place)
        self.questions.append(MappingQuestion(table, key, asks, where, choices, guess))

    def summed(self) -> list[Problem]:
        """Return what was reported, what was counted once each with how often."""
        says, found = "{found} So in {n:,} cells, first here.", list(self.problems)
        for p, n in zip(self.first.values(), self.counted.values(), strict=True):
            found.append(p if n == 1 else replace(p, found=say(says, found=p.found, n=n)))
        return found


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


def is_no_text(target: Target, cells: Sequence[str], place: tuple[int, str], notes: Notes) -> bool:
    """Return whether cells hold numbers, days, yes or no where words or names of cities were to stand; it is told."""
    said = [t for t in cells if t and t.lower() not in MISSING]
    is_of_words = target.field in {"needs", "offers", *NAMING} and not target.option
    is_option = None not in map(values.yes_or_no, said)
    has_words = any(re.search(r"[^\W\d_]", t) for t in said) and not is_option
    if not is_of_words or not said or has_words:
        return False
    says = "The cells (such as {example}) say nothing of {field}: they were not read."
    found = say(says, example=repr(said[0][:40]), field=target.field)
    line = f'"{place[1]}" = {{ field = "wishes", option = "Aarhus" }}'
    do = say("A column that is one option stands in the mapping file so: {line}", line=line)
    do = do if is_option else say('"{name}" = "" leaves it out.', name=place[1])
    notes.add("cells-no-words", found, place[0], place[1], do, "warning")
    return True


def reader_of(
    column: ProfileColumn, target: Target, name: str, decimal: Decimal | None, notes: Notes
) -> Callable[[Any, int], Any]:
    """Return the function that reads the cells of a column, given cell and row."""
    if form := _form(column):
        if target.is_negated:
            return _by(lambda w: None if (s := form(w)) is None else not s, column, name, notes)
        return _by(form, column, name, notes)
    if column.kind in {"whole", "number", "tonnes"}:
        return _Numbers(column, target, name, decimal, notes).read
    plain_reader = _BY_KIND[column.kind]

    def read(cell: Any, row: int) -> Any:
        value = clean(cell, row, name, notes)
        return plain_reader(value, column) if value else None

    return read


def _form(column: ProfileColumn) -> Callable[[str], Any] | None:
    """Return the reader of a value that people write in several forms."""
    if column.unit == "year" or column.path.endswith(".year"):
        return values.year
    if column.unit == "level 0-4" and column.kind == "whole":
        return values.level
    return values.yes_or_no if column.kind == "flag" else _FORMS.get(column.path)


_FORMS: Final[dict[str, Callable[[str], Any]]] = {
    "participation.english": values.cefr,
    "participation.weeks": values.weeks,
    "mission.label_awarded": values.month,
    "version.date": lambda v: (
        None if values.is_doubtful_day(v) or not (d := values.day(v)) else f"{d}"
    ),
}
"""Readers of single fields whose values people write in several forms."""


def _by(
    form: Callable[[str], Any], column: ProfileColumn, name: str, notes: Notes
) -> Callable[[Any, int], Any]:
    """Return a reader by a form: what does not fit it stays as written, and validation reports it."""

    def read(cell: Any, row: int) -> Any:
        written = clean(cell, row, name, notes)
        if not written or _is_missing(written, row, name, notes):
            return None
        if column.unit == "level 0-4" and hasattr(cell, "isoformat"):
            return f"{written} (a date)"
        value = form(written)
        return written if value is None or value == [] else value

    return read


def is_none(written: str) -> bool:
    """Return whether a text says that something is not known or does not apply."""
    return written.lower() in MISSING or values.is_unknown(written)


def _is_missing(written: str, row: int, name: str, notes: Notes) -> bool:
    if found := is_none(written):
        says = "{written} is read as not known."
        notes.count("not-known", name, say(says, written=repr(written)), row)
    return found


def clean(cell: Any, row: int, name: str, notes: Notes) -> str:
    """Return a cell's text without invisible and control characters, which is reported."""
    value = text(cell)
    if not value or (value.isascii() and value.isprintable() and value[0] != "#"):
        return value
    if value in _ERRORS:
        found = say("The cell holds the error {value}.", value=value)
        notes.add("cell-error", found, row, name, say("Repair the formula."))
        return ""
    for pattern, what in (
        (_INVISIBLE, say("Invisible characters")),
        (_CONTROL, say("Control characters")),
    ):
        if pattern.search(value):
            notes.count("characters-removed", name, say("{what} were taken out.", what=what), row)
            value = pattern.sub("", value)
    return value.strip()


@dataclass
class _Numbers:
    """Reads the numbers of a column: signs, separators, units and factors; doubt is reported, never decided."""

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
        is_mass = self.column.kind == "tonnes"
        if is_mass and (key := notation(written) or notation(written.replace(".", ""))):
            return key
        if _is_missing(written, row, self.name, self.notes):
            return None
        number = parse(written if is_mass else _ABOUT.sub("", written))
        return written if number is None else self._value(number, written, row)

    def _whole(self, value: float, row: int) -> float:
        """Return a count of people whole: figures of statistics have decimals."""
        if self.column.unit != "people" or float(value).is_integer() or abs(value) < 100:
            return value
        found = say("A number of people with decimals was rounded.")
        self.notes.count("rounded", self.name, found, row)
        return round(value)

    def _value(self, number: Number, written: str, row: int) -> Any:
        factor = self._unit_factor(number.unit, row)
        if factor is None:
            return written
        if (read := self._reading(number, written, row, factor)) is None:
            return None
        value = self._whole(read, row)
        if self.column.unit == "people" and re.search(r"[^\W\d_]", written):
            found = say(
                "{written} is read as {value:,.10g}.", written=repr(written[:40]), value=value
            )
            self.notes.count("number-read", self.name, found, row)
        return int(value) if float(value).is_integer() and abs(value) < 1e15 else value

    def _unit_factor(self, unit: str, row: int) -> float | None:
        """Return what a number in the cell's own unit is multiplied by; None where the unit does not fit."""
        is_people, is_mass = self.column.unit == "people", self.column.unit == "t CO2e"
        if not is_mass:
            times = factor_in(unit) if is_people else 1.0
            unit = (_NOTE if is_people and times == 1.0 else _ASIDE).sub(" ", unit).strip()
            times = factor_in(unit) if is_people else 1.0
            if times != 1.0 and plain(factor_removed(unit)) in _UNITS:
                return times  # in place of the header's: nobody means a thousand thousands
        if not unit or unit.rstrip(".") in {"%", self.column.unit} or plain(unit) in _UNITS:
            return self.factor
        if not is_mass or (found := mass(unit)) is None:
            return None
        if found.gas == "CO2":
            self._says_co2(row)
        said = say("{unit} was turned into tonnes.", unit=unit)
        self.notes.count("unit-read", self.name, said, row)
        return found.tonnes * self.target.factor

    def _says_co2(self, row: int) -> None:
        found = say("The unit says CO2, not CO2e: other greenhouse gases may be missing.")
        do = say("Ask the city; keep it in the inventory's note.")
        self.notes.add("co2-only", found, row, self.name, do, "warning")

    def _reading(self, number: Number, written: str, row: int, factor: float) -> float | None:
        is_plain = self.column.unit == "people" and factor == 1.0
        if is_plain and len(number.readings) > 1:
            return max(number.readings.values())  # people have no decimals: thousands are meant
        if self.decimal and (said := number.as_(self.decimal)) is not None:
            value = _times(said, factor)
            if self.column.admits(value) or number.is_sure:
                return value
        values = sorted({_times(v, factor) for v in number.readings.values()})
        fitting = [v for v in values if self.column.admits(v)] or values
        if len(fitting) == 1:
            return fitting[0]
        one, other = (f"{v:,.10g}" for v in fitting)
        says = "{written} may be {one} or {other}."
        found = say(says, written=repr(written), one=one, other=other)
        do = say('Say decimal = "," or decimal = "." in a mapping file.')
        self.notes.add("number-ambiguous", found, row, self.name, do)
        return None


def _times(value: float, factor: float) -> float:
    """Return a product without the dust of its multiplication."""
    return value if factor == 1.0 else float(f"{value * factor:.15g}")


_NEARLY: Final[str] = values.SAID["nearly"]
_ABOUT: Final = re.compile(
    rf"(?i)^\s*(?:{_NEARLY}|"
    r"more than|over|mehr als|plus de|>|at least|mindestens|au moins|almeno|al menos|co najmniej)\s*"
)
_ASIDE: Final = re.compile(rf"(?i)\([^()\d]{{0,40}}\d[^()]{{0,40}}\)|(?<!\w)(?:{_NEARLY})(?!\w)")
"""What a number in a cell may be followed by and means the same: a figure in brackets, "about"."""

_NOTE: Final = re.compile(rf"{_ASIDE.pattern}|\([^()]{{0,80}}\)")
"""And after a number of people any words in brackets."""

_UNITS: Final = words(values.SAID["units"])
"""Units in a cell that say nothing beyond the column's own, in plain letters."""


def _text(value: str, column: ProfileColumn) -> Any:
    if column.path == "country":
        return country_code(value) or value
    return value.rstrip("*†¹²³ \t\n\xa0") or value if column.path == "name" else value


_CODES: Final = {plain(said): code for code, said in NAMES.items()} | values.ROLES
"""The code of the words that people read, such as "mobility and transport"."""


@lru_cache(4096)
def _code(value: str) -> str:
    return _CODES.get(plain(value), value)


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
        return names  # one that stands twice is reported where the names are checked
    return {name: pair[2].strip() or None for name, pair in zip(names, pairs, strict=True)}


_BY_KIND: Final[dict[str, Callable[[str, ProfileColumn], Any]]] = {
    "list": _list,
    "sources": _list,
    "weights": _weights,
    "choice": values.choice,
    "text": _text,
}
"""Readers of the kinds that are not numbers."""
