"""The sectors of every standard that cities report in, and the field of a profile that each one is.

A standard's sector maps to one field of :class:`twinmatch.schema.Sectors` or to none. Nothing is split: a line
that holds two of our sectors goes to ``other`` as it stands. What a standard keeps out of its own total (energy
sold to the grid, waste brought in from outside) maps to no field, with the reason.
"""

from __future__ import annotations

import re
import unicodedata
from dataclasses import dataclass
from functools import cache, lru_cache
from typing import Final

from twinmatch.files import data_beside


@dataclass(frozen=True)
class Sector:
    """A line of a standard: its code or wording, the field that it is part of, its scope, and why."""

    label: str
    field: str | None
    scope: int | None = None
    basic: bool = True
    why: str = ""
    also: tuple[str, ...] = ()


@dataclass(frozen=True)
class Standard:
    """A way to report: its name, where the wording comes from, and its lines in order."""

    name: str
    source: str
    sectors: tuple[Sector, ...]

    def find(self, label: str) -> Sector | None:
        """Return the line of a wording, whatever its case, accents and punctuation; None where there is none."""
        return _by_label(self).get(plain(label))


@cache
def _by_label(standard: Standard) -> dict[str, Sector]:
    return {plain(name): s for s in standard.sectors for name in (s.label, *s.also)}


_STROKES: Final = str.maketrans(
    {"ł": "l", "ø": "o", "đ": "d", "ð": "d", "ħ": "h", "ı": "i", "æ": "ae", "œ": "oe", "þ": "th"}
)
"""Letters that Unicode does not take apart into a plain letter and a mark."""


@lru_cache(maxsize=16_384)
def plain(text: str) -> str:
    """Return a wording reduced to lower-case letters, digits and single spaces, without accents."""
    kept = text.casefold()
    if not kept.isascii():
        spread = unicodedata.normalize("NFKD", kept.translate(_STROKES))
        kept = "".join(c for c in spread if not unicodedata.combining(c))
    return re.sub(r"[\W_]+", " ", kept).strip()


def words(listed: str) -> frozenset[str]:
    """Return the words of a list that semicolons separate."""
    return frozenset(word.strip() for word in listed.split(";"))


_TABLE: Final = data_beside(__file__, "standards.toml")


def _standard(name: str) -> Standard:
    """Return a standard of the table of standards."""
    row = _TABLE[name]
    lines = ({"field": None, **line, "also": tuple(line.get("also", ()))} for line in row["lines"])
    return Standard(name, row["source"], tuple(Sector(**line) for line in lines))


GPC: Final = _standard("gpc")
CRF: Final = _standard("crf")
COVENANT: Final = _standard("covenant")
CONTRACT_GPC: Final = _standard("contract-gpc")
CONTRACT_ECONOMIC: Final = _standard("contract-economic")
EOI: Final = _standard("eoi")
CARBON_MONITOR: Final = _standard("carbon-monitor")

SECTOR_FIELDS: Final = (
    *("stationary_energy", "electricity", "industry_energy", "energy_industries", "transport"),
    *("waste", "ippu", "afolu", "other"),
)
"""The fields of a profile's sectors, in order."""


def notation(text: str) -> str | None:
    """Return the notation key that a cell holds, or None.

    ``IE (II.1.1)`` and ``NE; NE`` are read as their key. Of several keys the one that claims least wins:
    ``NO; IE`` is IE, since part of it does occur.
    """
    parts = [plain(re.sub(r"\(.*?\)", "", part)) for part in re.split(r"[;,/]", text)]
    keys = [key for part in parts if (key := _TABLE["keys"].get(part))]
    if not keys or len(keys) < len([part for part in parts if part]):
        return None
    return together(keys)


def together(keys: list[str]) -> str:
    """Return the key of cells that are one sector here and have no number.

    NE if any is not estimated (the sum would be too low), then C, then IE, then blank; NO only where all are.
    """
    return next((key for key in ("NE", "C", "IE", "blank") if key in keys), "NO")
