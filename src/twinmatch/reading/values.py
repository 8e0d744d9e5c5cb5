"""What people write in a cell: numbers, yes and no, years, days, weeks, levels, options, in the ways of many languages.

Each reader returns the value, or None where the text says something else; nothing is guessed. A number that could be
two is never chosen: ``1.234`` is one thousand two hundred and thirty-four in half of Europe and a little more than one
in the other half. What decides is, in this order, the mapping file, the other cells of the sheet, whether the field
holds whole numbers, and the field's own range.
"""

from __future__ import annotations

import datetime as dt
import re
from collections import Counter, defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import cache, lru_cache
from itertools import pairwise
from math import floor
from typing import Final, Literal

from twinmatch.files import data_beside
from twinmatch.reading.mapping import ProfileColumn
from twinmatch.schema import NAMES, Domain, Lever, Role
from twinmatch.vocabulary.taxonomy import plain, words
from twinmatch.wording import say

Decimal = Literal[",", "."]

_WORDS: Final = data_beside(__file__, "words.toml")
SAID: Final[dict[str, str]] = _WORDS["said"]
MISSING, YES, NO, UNKNOWN = (words(SAID[name]) for name in ("missing", "yes", "no", "unknown"))
"""What people write where a number is not known; yes; no; and where something is not known or does not apply."""

TONNES: Final = {
    "kg": 0.001,
    **dict.fromkeys(words("t; to; ton; tons; tonne; tonnes; mg"), 1.0),
    **dict.fromkeys(words("kt; ktonnes; gg"), 1e3),
    **dict.fromkeys(words("mt; tg"), 1e6),
}
"""Tonnes in a unit of mass, its letters in lower case (``Mg`` is a tonne, ``Mt`` a million)."""

_SPACES = "\u0020\u00a0\u2009\u202f'’`"
_NUMBER = re.compile(
    rf"^(?P<sign>[-−+]?)(?P<digits>\d(?:[\d.,{_SPACES}]*\d)?|[.,]\d+)(?P<exponent>[eE][-+]?\d{{1,3}})?\s*(?P<unit>\D.*)?$"
)
_GAS = re.compile(r"co\s*[2₂]\s*[- ]?\s*(?P<e>e(?:q\w*)?\b|[- ]?äq\w*|[- ]?eq\w*)?", re.IGNORECASE)


@dataclass(frozen=True)
class Number:
    """A number as written: its readings by decimal sign (equal where there is no doubt) and its unit."""

    readings: dict[Decimal, float]
    unit: str = ""

    @property
    def is_sure(self) -> bool:
        """Return whether the number reads the same, or at all, only one way."""
        return len(set(self.readings.values())) == 1

    def as_(self, decimal: Decimal) -> float | None:
        """Return the number under a decimal sign, None where it cannot be read so."""
        return self.readings.get(decimal)


def is_finite(value: float) -> bool:
    """Return whether a number is finite, with room to be multiplied by any unit; nan and huge integers are not."""
    return abs(value) < 1e300


@lru_cache(maxsize=65_536)
def parse(text: str) -> Number | None:
    """Return the number that a text holds, None where it holds none that is finite."""
    found = _NUMBER.match(text.strip())
    if not found:
        return None
    digits = re.sub(f"[{_SPACES}]", "", found["digits"])
    readings: dict[Decimal, float] = {}
    signs: tuple[Decimal, Decimal] = (".", ",")
    for decimal in signs:
        if (said := _as_python(digits, decimal)) is not None:
            value = float(said + (found["exponent"] or ""))
            if is_finite(value):
                readings[decimal] = -value if found["sign"] in {"-", "−"} else value
    return Number(readings, (found["unit"] or "").strip()) if readings else None


def _as_python(digits: str, decimal: Decimal) -> str | None:
    """Return digits as Python reads them, or None where they are not written with that decimal sign."""
    thousands = "," if decimal == "." else "."
    whole, point, fraction = digits.partition(decimal)
    if thousands in fraction or decimal in fraction:
        return None
    groups = whole.split(thousands)
    wrong = not 1 <= len(groups[0]) <= 3 or groups[0] == "0" or any(len(g) != 3 for g in groups[1:])
    if len(groups) > 1 and wrong:
        return None
    return "".join(groups) + ("." + fraction if point else "")


def decides(text: str) -> Decimal | None:
    """Return the decimal sign that a text can only have been written with, None where it tells nothing."""
    number = parse(text)
    return next(iter(number.readings)) if number and len(number.readings) == 1 else None


@dataclass(frozen=True)
class Mass:
    """A unit of emissions: tonnes in one of it, and whether it says CO2 only, CO2e, or nothing."""

    tonnes: float
    gas: Literal["CO2", "CO2e", ""] = ""


def mass(unit: str) -> Mass | None:
    """Return the mass that a unit stands for (``kt CO2e``, ``1000 t``, ``Mt CO₂-eq``); None where it is none."""
    gas = _GAS.search(unit)
    rest = unit[: gas.start()] + unit[gas.end() :] if gas else unit
    rest = re.sub(
        r"(?i)\b(metric|of|per year|a year|/\s*(a|yr|year)|p\.?\s?a\.?|eq\w*|äq\w*|e)\b", " ", rest
    )
    rest = re.sub(r"[\[\]().]", " ", rest).strip(" -/")
    times, word = re.match(
        r"^((?:1[ .,']?000|thousand|tsd|million|mio|1e3|1e6|10\^3|10\^6)\b)?\s*(.*)$",
        rest.lower(),
        re.DOTALL,
    ).groups()  # type: ignore[union-attr]
    word = word.strip()
    if rest.strip() in {"Mg", "Mg "}:
        word = "mg"
    elif word == "mg":
        return None  # milligrams, written so, are no unit of a city
    if word not in TONNES:
        return None
    factor = 1.0 if times is None else 1e6 if times in {"million", "mio", "1e6", "10^6"} else 1e3
    kind: Literal["CO2", "CO2e", ""] = "" if gas is None else "CO2e" if gas["e"] else "CO2"
    return Mass(TONNES[word] * factor, kind)


_TRAILING = re.compile(r"\s((?:1[ .,']?000 )?(?:kt|Mt|t|Gg|kg|tonnes?)\s?(?:of )?CO.{0,12})$")
_BRACKETS = re.compile(r"[\[(]([^\])]{1,30})[\])]\s*$")


def unit_in(header: str) -> str:
    """Return the unit that a header names in brackets, or a mass of CO2 at its end, or an empty text."""
    found = _BRACKETS.search(header.strip()) or _TRAILING.search(header.strip())
    return found[1].strip() if found else ""


_CEFR: Final = re.compile(r"\b([ABC][12])\b")

_YEAR: Final = re.compile(r"(?<!\d)(19[89]\d|20\d\d|2100)(?!\d)")
_ISO: Final = re.compile(r"(\d{4})[-/.](\d{1,2})[-/.](\d{1,2})(?!\d)")
_DAY_FIRST: Final = re.compile(r"(\d{1,2})[-/. ]{1,2}(\d{1,2})[-/. ]{1,2}(\d{4}|\d{2})(?!\d)")
_MONTH: Final = re.compile(
    r"(?:(\d{4})[-/. ]{1,9}(\d{1,2})|(\d{1,2})[-/. ]{1,9}(\d{4})|([^\W\d]{1,30})\.?[-/ ]{1,9}(\d{4}|\d{2}))"
)
_CLOCK: Final = re.compile(
    r"(\d{1,2}):(\d{2})(?::(\d{2}))?(?:\.\d+)?\s*([ap]\.?m\b)?", re.IGNORECASE
)
_WEEK: Final = re.compile(
    r"(?i)\b(?:(\d{4})\s*-?\s*(?:W|KW|week|semaine|semana|Woche)\s*0?(\d{1,2})|(?:W|KW|week|semaine|semana|Woche)\s*0?(\d{1,2})\s*[-/ ,]?\s*(\d{4}))\b"
)
_SERIAL_DAYS: Final = dt.date(1899, 12, 30)
"""Day 0 of the serial dates of spreadsheets."""

ROLES: Final = {f"{role} cit{end}": role.value for role in Role for end in ("y", "ies")}
"""What programmes call a city in each role."""


_WEAK: Final = ("technology_infrastructure", "learning_capabilities", "culture_behaviour")
"""What an option does not mean where its words speak of something else too."""


MOST_WORDS: Final = 8
"""Words of an option at most; longer ones are a city's own words."""


@cache
def patterns(of: str) -> dict[str, re.Pattern[str]]:
    """Return the patterns over plain letters of a table of words, by what they mean."""
    return {n: re.compile(pattern.replace("\n", "")) for n, pattern in _WORDS[of].items()}


@cache
def _named_codes() -> dict[str, str]:
    return {plain(words): code for code, words in NAMES.items()} | {plain(c): c for c in NAMES}


@cache
def option_codes(text: str) -> tuple[str, ...]:
    """Return the domain or lever that an option's words mean; none where nothing fits, several where they mean several.

    The likeliest comes first. Words in brackets count only where those outside say nothing.
    """
    word = plain(text)
    if (exact := _named_codes().get(word, "")) in {*Domain, *Lever}:
        return (exact,)
    return _codes_in(plain(re.sub(r"[(\[][^)\]]{0,300}[)\]]", " ", text))) or _codes_in(word)


def _codes_in(word: str) -> tuple[str, ...]:
    if not word or len(word.split()) > MOST_WORDS:
        return ()
    at = {
        code: hit.start()
        for code, stems in patterns("stems").items()
        if (hit := stems.search(word))
    }
    for one, beside in _ALONE:
        if one in at and not at.keys() & beside:
            return (one,)
    if at.keys() >= {"built_environment", "energy_systems"} and _REFURBISHED.search(word):
        del at["energy_systems"]
    strong = [code for code in at if code not in _WEAK] or list(at)
    return tuple(sorted(strong, key=at.__getitem__))


_ALONE: Final[tuple[tuple[str, frozenset[str]], ...]] = (
    ("stationary_energy", frozenset()),
    ("social_innovation", frozenset()),
    ("procurement", frozenset(Lever) - {Lever.PROCUREMENT}),
    ("waste_circular_economy", frozenset({"energy_systems"})),
)
"""What an option means alone where its words speak of it, unless they speak of one of those beside it too."""

_REFURBISHED: Final = re.compile(
    r"energet|energetyczn|energiq|retrofit|renov|sanier|riqualific|ristruttur|rehabil|reabil|modernizac|efficien"
)
"""Words of the refurbishing of buildings, for the sake of energy."""


def options_of(cells: Sequence[str]) -> dict[str, tuple[str, ...]]:
    """Return the options that each cell of a column has ticked, split as the whole column shows.

    A semicolon, line or bar in any cell is the separator of all; else the commas outside of brackets are, but for
    those within one option: what always stands before a part in small letters and never without it.
    """
    cells = [c for c in dict.fromkeys(cells) if c.strip(" ,;")]
    if any(re.search(r"[;|\n•]", c) for c in cells):
        return {
            c: tuple(p.strip() for p in re.split(r"[;|\n•]", c) if p.strip(" ,")) for c in cells
        }
    split = {c: [p.strip() for p in re.split(r",(?![^(]*\))", c) if p.strip()] for c in cells}
    after, before = defaultdict[str, set[str]](set), defaultdict[str, set[str]](set)
    for found in split.values():
        for one, other in pairwise([*found, ""]):
            after[one].add(other)
            before[other].add(one)

    def is_one(one: str, other: str) -> bool:
        codes = {*option_codes(one)}, {*option_codes(other)}
        is_bound = after[one] == {other} and before[other] == {one}
        return is_bound and other[:1].islower() and not (all(codes) and codes[0] != codes[1])

    joined: dict[str, tuple[str, ...]] = {}
    for cell, found in split.items():
        joined[cell] = tuple(found[:1])
        for one, other in pairwise(found):
            *others, last = joined[cell]
            joined[cell] = (
                *others,
                *((f"{last}, {other}",) if is_one(one, other) else (last, other)),
            )
    met = Counter(part for found in joined.values() for part in found)
    known = sum(bool(n > 1 or option_codes(part)) for part, n in met.items())
    return joined if 2 * known >= len(met) else {c: (c,) for c in cells}


def parts(text: str) -> list[str]:
    """Return the options of a cell: by semicolon, line or bar, else by the commas between options that are known."""
    return list(options_of([text]).get(text, ()))


def yes_or_no(text: str) -> bool | None:
    """Return whether a cell says yes or no."""
    word = plain(text) or text.strip()
    first = word.split(" ")[0] if re.match(r"^[^\W\d]+\s*[,;.:(–-]", text.strip()) else word
    if word in YES or first in YES - {"1", "x", "s", "t", "o", "on"}:
        return True
    return False if word in NO or first in NO - {"0", "n", "off"} else None


_DEGREES: Final = [words(SAID[f"degree_{n}"]) for n in range(4)]
_LEVEL: Final = re.compile(r"^([0-5])(?:\s*[-–—:.=(/]\s*\D*|\.0)?$")
_NONE_AT_ONE: Final = re.compile(
    rf"(?i)\b1\s*[-–—:=]\s*(?:{'|'.join(map(re.escape, sorted(_DEGREES[0], key=len, reverse=True)))})\b"
)


@dataclass(frozen=True)
class Grades:
    """How much the answers to a question say, from ``least``, which is nothing, to ``most``; 0 and 3 for words."""

    least: int
    most: int

    @property
    def says(self) -> str:
        """Return how answers are read."""
        if self.least:
            says = "Answers from {least}, not at all, to {most}, very much, are read as how much."
            return say(says, least=self.least, most=self.most)
        return say("Answers up to {most}, very much, are read as how much.", most=self.most)

    def weight(self, said: str) -> int | None:
        """Return how much an answer says, from 0, nothing, to 3; None where it is no answer of the scale."""
        word = next((n for n, of in enumerate(_DEGREES) if plain(said) in of), None)
        if word is not None:
            return word
        if not (found := _LEVEL.match(said.strip())):
            return None
        part = (int(found[1]) - self.least) / (self.most - self.least)
        return max(floor(3 * part + 0.5), 0)


def grades_of(texts: Iterable[str], headers: Iterable[str]) -> Grades | None:
    """Return the scale that all answers to the parts of one question are on, of 3 to 5 levels or in words; None where there is none.

    The lowest of 1 to 3 says a little, unless it is said to be nothing; that of longer scales says nothing.
    """
    said = {t for t in texts if t and t.lower() not in MISSING and not is_unknown(t)}
    numbered = [_LEVEL.match(t.strip()) for t in said if not any(plain(t) in of for of in _DEGREES)]
    levels = [int(found[1]) for found in numbered if found]
    if len(said) < 2 or len(levels) < len(numbered):
        return None
    anchors = " ".join((*headers, *said))
    named = (n for n in (4, 5) if re.search(rf"\b{n}\s*[-–—:=]\s*[^\W\d]", anchors))
    most = max((*named, *levels), default=3)
    is_nothing = levels and 0 not in levels and (most > 3 or _NONE_AT_ONE.search(anchors))
    return Grades(int(bool(is_nothing)), most) if most >= 3 else None


def is_unknown(text: str) -> bool:
    """Return whether a cell says that something is not known or does not apply."""
    return plain(text) in UNKNOWN


def cefr(text: str) -> str | None:
    """Return the CEFR level that a cell names, the lowest of a range."""
    codes = _CEFR.findall(text.upper())
    level: str | None = min(codes, default=_WORDS["english"].get(plain(text)))
    return level


def year(text: str) -> int | None:
    """Return the one year that a cell names; a serial date of a spreadsheet counts, several years do not."""
    years = set(_YEAR.findall(text))
    if len(years) == 1:
        return int(years.pop())
    found = serial_day(text)
    return found.year if found and not years else None


def serial_day(text: str) -> dt.date | None:
    """Return the day of a serial date of the years 2000 to 2099, None where a text is none."""
    number = text.partition(".")[0]
    if re.fullmatch(r"\d{5}(\.\d+)?", text) and 36526 <= int(number) <= 73050:
        return _SERIAL_DAYS + dt.timedelta(days=int(number))
    return None


def day(text: str, *, month_first: bool = False) -> dt.date | None:
    """Return the day that a cell names; day and month that could change places are told apart by ``month_first``."""
    if found := serial_day(text):
        return found
    if m := _ISO.search(text):
        return date_of(int(m[1]), int(m[2]), int(m[3]))
    if m := _DAY_FIRST.search(text):
        one, two, last = int(m[1]), int(m[2]), int(m[3]) + (2000 if len(m[3]) == 2 else 0)
        swap = (month_first or two > 12) and one <= 12
        return date_of(last, one, two) if swap else date_of(last, two, one)
    return None


def is_doubtful_day(text: str) -> bool:
    """Return whether the day and month of a date could change places."""
    m = None if _ISO.search(text) else _DAY_FIRST.search(text)
    return bool(m) and int(m[1]) <= 12 and int(m[2]) <= 12 and m[1] != m[2]  # type: ignore[index]


def date_of(of_year: int, month: int, of_month: int) -> dt.date | None:
    """Return a day, None where the calendar has none such."""
    try:
        return dt.date(of_year, month, of_month)
    except ValueError:
        return None


def moment(text: str, *, month_first: bool = False) -> tuple[dt.date, int] | None:
    """Return day and second of a time stamp, None where it is none; stamps of 1980, a tool's mark for none, neither."""
    found = day(text, month_first=month_first)
    if found is None or found.year < 1990:
        return None
    clock = _CLOCK.search(text)
    if not clock:
        return found, 0
    hour = int(clock[1])
    if clock[4]:
        hour = hour % 12 + (12 if clock[4].lower().startswith("p") else 0)
    return found, hour * 3600 + int(clock[2]) * 60 + int(clock[3] or 0)


def month(text: str) -> str | None:
    """Return a month as YYYY-MM: from a date, or a month and a year in figures or English letters."""
    if (found := day(text)) and not is_doubtful_day(text):
        return f"{found:%Y-%m}"
    m = _MONTH.fullmatch(text.strip())
    if not m:
        return None
    if m[5]:
        names = ["jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec"]
        of_year, number = int(m[6]) + (2000 if len(m[6]) == 2 else 0), m[5].lower()[:3]
        return f"{of_year}-{names.index(number) + 1:02}" if number in names else None
    of_year, of_month = (int(m[1]), int(m[2])) if m[1] else (int(m[4]), int(m[3]))
    return f"{of_year}-{of_month:02}" if 1 <= of_month <= 12 else None


def weeks(text: str) -> list[str]:
    """Return the weeks that a cell names as YYYY-Www; none where it names none."""
    found = [(m[1] or m[4], m[2] or m[3]) for m in _WEEK.finditer(text)]
    return [f"{y}-W{int(w):02}" for y, w in found]


def level(text: str) -> int | None:
    """Return the level 0 to 4 of "3", "3 - Working", "4: Full strength" or "2 (Decided)"; None where another."""
    pattern = r"(?i)^\s*(?:level\s*)?([0-4])(?:\.0)?\s*(?:$|[-–:.)(]\s*[^\W\d]|\s[^\W\d])"
    if m := re.match(pattern, text):
        return int(m[1])
    words = ("absent", "begun", "decided", "working", "full strength")
    return words.index(plain(text)) if plain(text) in words else None


def choice(text: str, column: ProfileColumn) -> str:
    """Return the code of a choice, whatever its case; the text itself where it is none."""
    wanted = plain(text)
    return next((c for c in column.choices if plain(c) == wanted), text)


def labels(value: str, called: str) -> list[str] | None:
    """Return the labels of a cell in a column of the table's own, such as "Coastal: yes"; None where it says nothing.

    Rules count by them; each has at most 100 characters.
    """
    if value.lower() in {"", *MISSING}:
        return None
    said = yes_or_no(value)
    found = parts(value) if said is None else ["yes" if said else "no"]
    return [f"{called}: {part}"[:100] for part in found] or None


def ordinal(name: str) -> int | None:
    """Return the place that a header names, such as 2 for "2nd choice"; None where it names none."""
    found = re.search(r"\b(\d)\s*(?:st|nd|rd|th|\.|er|e|ère|ª|º|°|\))?\b|\b(\d)\b", name)
    words = ("first", "second", "third", "fourth", "fifth")
    spoken = next((k for k, w in enumerate(words, 1) if w in plain(name).split()), None)
    return int(found[1] or found[2]) if found else spoken
