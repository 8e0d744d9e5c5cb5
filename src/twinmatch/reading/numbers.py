"""Numbers as people write them: decimal commas, thousands separators, units in the cell.

A reading that could be two numbers is never chosen: ``1.234`` is one thousand two hundred and thirty-four in
half of Europe and a little more than one in the other half. What decides is, in this order, the mapping file,
the other cells of the sheet, whether the field holds whole numbers, and the field's own range.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Literal

Decimal = Literal[",", "."]

MISSING = frozenset(
    {
        "-",
        "–",
        "—",
        "nan",
        "n/a",
        "na",
        "n.a.",
        "n.d.",
        "k.a.",
        "s.d.",
        "null",
        "none",
        "#n/a",
        "?",
        "..",
        "…",
    }
)
"""What people write where a number is not known."""

TONNES = {
    "kg": 0.001,
    "t": 1.0,
    "to": 1.0,
    "ton": 1.0,
    "tons": 1.0,
    "tonne": 1.0,
    "tonnes": 1.0,
    "mg": 1.0,
    "kt": 1e3,
    "ktonnes": 1e3,
    "gg": 1e3,
    "mt": 1e6,
    "tg": 1e6,
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


def parse(text: str) -> Number | None:
    """Return the number that a text holds, None where it holds none that is finite."""
    found = _NUMBER.match(text.strip())
    if not found:
        return None
    digits = re.sub(f"[{_SPACES}]", "", found["digits"])
    readings: dict[Decimal, float] = {}
    signs: tuple[Decimal, Decimal] = (".", ",")
    for decimal in signs:
        plain = _plain(digits, decimal)
        if plain is not None:
            value = float(plain + (found["exponent"] or ""))
            if is_finite(value):
                readings[decimal] = -value if found["sign"] in {"-", "−"} else value
    return Number(readings, (found["unit"] or "").strip()) if readings else None


def _plain(digits: str, decimal: Decimal) -> str | None:
    """Return digits as Python reads them, or None where they are not written with that decimal sign."""
    thousands = "," if decimal == "." else "."
    whole, point, fraction = digits.partition(decimal)
    if thousands in fraction or decimal in fraction:
        return None
    groups = whole.split(thousands)
    if len(groups) > 1 and (not 1 <= len(groups[0]) <= 3 or any(len(g) != 3 for g in groups[1:])):
        return None
    if len(groups) > 1 and groups[0] == "0":
        return None
    return "".join(groups) + ("." + fraction if point else "")


def decides(text: str) -> Decimal | None:
    """Return the decimal sign that a text can only have been written with, None where it tells nothing."""
    number = parse(text)
    if number is None or len(number.readings) != 1:
        return None
    return next(iter(number.readings))


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
