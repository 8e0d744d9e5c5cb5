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


_GRID_OUT = "energy sold to the grid is counted where it is used"
_WASTE_IN = "waste from outside is counted where it is made"
_BEYOND = "outside the boundary and not part of BASIC"


def _gpc() -> tuple[Sector, ...]:
    """The GPC's reference numbers; BASIC is scope 1 and 2 of I and II, and scope 1 and 3 of the city's waste."""
    found: list[Sector] = []
    for sub in range(1, 7):
        found += [Sector(f"I.{sub}.{s}", "stationary_energy", s) for s in (1, 2)]
        found.append(Sector(f"I.{sub}.3", "stationary_energy", 3, basic=False, why=_BEYOND))
    found.append(Sector("I.4.4", None, 1, basic=False, why=_GRID_OUT))
    found += [Sector(f"I.{sub}.1", "stationary_energy", 1) for sub in (7, 8)]
    for sub in range(1, 6):
        found += [Sector(f"II.{sub}.{s}", "transport", s) for s in (1, 2)]
        found.append(Sector(f"II.{sub}.3", "transport", 3, basic=False, why=_BEYOND))
    for sub in range(1, 5):
        found += [Sector(f"III.{sub}.1", "waste", 1), Sector(f"III.{sub}.2", "waste", 3)]
        found.append(Sector(f"III.{sub}.3", None, 1, basic=False, why=_WASTE_IN))
    found += [Sector(f"IV.{sub}", "ippu", 1, basic=False) for sub in (1, 2)]
    found += [Sector(f"V.{sub}", "afolu", 1, basic=False) for sub in (1, 2, 3)]
    found.append(Sector("VI.1", None, 3, basic=False, why=_BEYOND))
    return tuple(found)


GPC: Final = Standard(
    "gpc",
    "Global Protocol for Community-Scale Greenhouse Gas Inventories 1.1 (WRI, C40, ICLEI 2021), tables 4.2 and 4.3",
    _gpc(),
)


def _line(field: str | None, wordings: str, scope: int | None = None, why: str = "") -> Sector:
    """Return a line of a standard; of its wordings, separated by semicolons, the first is its label."""
    label, *also = wordings.split("; ")
    return Sector(label, field, scope, why=why, also=tuple(also))


CRF: Final = Standard(
    "crf",
    "Common Reporting Framework of the Global Covenant of Mayors (2018), chapter 3 and annex",
    (
        _line(
            "stationary_energy",
            "Stationary energy; Residential buildings; Commercial buildings and facilities; "
            "Institutional buildings and facilities; Industrial buildings and facilities; "
            "Agriculture, forestry and fishing activities; Fugitive emissions",
        ),
        _line(
            "transport", "Transportation; On-road; Rail; Waterborne navigation; Aviation; Off-road"
        ),
        _line(
            "waste",
            "Waste; Solid waste; Biological waste; Incineration and open burning; Wastewater",
        ),
        _line("ippu", "Industrial processes and product use (IPPU); IPPU"),
        _line("afolu", "Agriculture, forestry and other land use (AFOLU); AFOLU"),
        _line(
            None,
            "Energy generation; Electricity-only generation; CHP generation; Heat/cold generation",
            why=_GRID_OUT,
        ),
    ),
)

COVENANT: Final = Standard(
    "covenant",
    "Covenant of Mayors Reporting Guidelines (2016, doi:10.2790/586693), inventory table; Kona et al. 2021, "
    "Earth System Science Data 13, 3551, table 2",
    (
        _line(
            "stationary_energy",
            "Municipal buildings, equipment/facilities; Municipal buildings and facilities; "
            "Municipal buildings",
        ),
        _line(
            "stationary_energy",
            "Tertiary (non municipal) buildings, equipment/facilities; Tertiary buildings, "
            "equipment/facilities; Institutional/tertiary buildings and facilities; Tertiary "
            "buildings",
        ),
        _line("stationary_energy", "Residential buildings; Residential buildings and facilities"),
        _line("stationary_energy", "Public lighting; Municipal public lighting"),
        _line(
            "industry_energy",
            "Industry: Non-ETS; Non-ETS; Industry; Industries; Industries (excluding industries "
            "involved in the EU Emission trading scheme - ETS); Manufacturing and construction "
            "industries",
        ),
        _line(
            "industry_energy",
            "Industry: ETS (not recommended); ETS (not recommended); Industry ETS",
        ),
        _line("transport", "Municipal fleet"),
        _line("transport", "Public transport"),
        _line("transport", "Private and commercial transport"),
        _line("transport", "Transport; Transportation; Transport not allocated"),
        _line(
            "stationary_energy",
            "Agriculture, Forestry, Fisheries",
            why="the inventory counts the energy that they use, not their land",
        ),
        _line("waste", "Waste management; Solid waste"),
        _line("waste", "Waste water management; Wastewater management; Waste/wastewater"),
        _line("other", "Other non-energy related; Other"),
    ),
)

CONTRACT_GPC: Final = Standard(
    "contract-gpc",
    "Climate City Contract, Action Plan template (NetZeroCities), table of emissions by source sector",
    (
        _line("stationary_energy", "Buildings; Stationary energy; Energy; Heating"),
        _line("transport", "Transport; Transportation; Mobility"),
        _line("waste", "Waste; Waste and wastewater"),
        _line(
            "ippu",
            "Industrial Process and Product Use (IPPU); Industrial Processes and Product Use; "
            "IPPU; Industrial processes",
        ),
        _line(
            "afolu",
            "Agricultural, Forestry and Land Use (AFOLU); Agriculture, Forestry and Other Land "
            "Use; AFOLU; Agriculture",
        ),
        _line("electricity", "Electricity; Grid-supplied energy"),
        _line("other", "Other"),
    ),
)

CONTRACT_ECONOMIC: Final = Standard(
    "contract-economic",
    "Climate City Contract, Investment Plan and economic model (NetZeroCities), emissions by sector",
    (
        _line("transport", "Transport; Transportation; Mobility and transport"),
        _line(
            "stationary_energy", "Buildings & Heating; Buildings and heating; Buildings; Heating"
        ),
        _line("electricity", "Electricity; Electricity generation; Energy systems"),
        _line("waste", "Waste; Waste & circular economy"),
        _line("ippu", "IPPU; Industrial processes and product use"),
        _line("afolu", "AFOLU; Agriculture, forestry and other land use"),
        _line(
            "other",
            "Other (incl. IPPU and AFOLU); Other; Other (IPPU, AFOLU); Other sectors; Industry "
            "and other",
            why="IPPU and AFOLU stand in one figure, which is not split",
        ),
    ),
)

EOI: Final = Standard(
    "eoi",
    "Info Kit for Cities, EU Mission Climate-Neutral and Smart Cities (European Commission, October 2021), "
    "and the expression of interest that followed it",
    (
        _line("stationary_energy", "Stationary energy; Buildings; Energy in buildings"),
        _line("transport", "Transport"),
        _line("waste", "Waste and wastewater; Waste; Wastewater"),
        _line("ippu", "Industrial processes and product use; IPPU"),
        _line("afolu", "Agriculture, forestry and other land use; AFOLU; Land use"),
        _line("electricity", "Grid-supplied energy; Energy generation", 2),
    ),
)

CARBON_MONITOR: Final = Standard(
    "carbon-monitor",
    "Carbon Monitor Cities: Huo et al. 2022, Scientific Data 9, 533 (doi:10.1038/s41597-022-01657-z)",
    (
        Sector("Residential", "stationary_energy", 1),
        Sector("Power", "energy_industries", 1, why="power made in the area, not power used there"),
        Sector(
            "Industry",
            "other",
            1,
            why="fuel and process emissions stand in one figure, which is not split",
        ),
        Sector("Ground Transport", "transport", 1),
        Sector("Aviation", "transport", 1),
    ),
)

SECTOR_FIELDS: Final = (
    *("stationary_energy", "electricity", "industry_energy", "energy_industries", "transport"),
    *("waste", "ippu", "afolu", "other"),
)
"""The fields of a profile's sectors, in order."""

_KEYS: Final = {
    "no": "NO",
    "not occurring": "NO",
    "ne": "NE",
    "not estimated": "NE",
    "ie": "IE",
    "included elsewhere": "IE",
    "c": "C",
    "confidential": "C",
    "blank": "blank",
}


def notation(text: str) -> str | None:
    """Return the notation key that a cell holds, or None.

    ``IE (II.1.1)`` and ``NE; NE`` are read as their key. Of several keys the one that claims least wins:
    ``NO; IE`` is IE, since part of it does occur.
    """
    parts = [plain(re.sub(r"\(.*?\)", "", part)) for part in re.split(r"[;,/]", text)]
    keys = [_KEYS[part] for part in parts if part in _KEYS]
    if not keys or len(keys) < len([part for part in parts if part]):
        return None
    return together(keys)


def together(keys: list[str]) -> str:
    """Return the key of cells that are one sector here and have no number.

    NE if any is not estimated (the sum would be too low), then C, then IE, then blank; NO only where all are.
    """
    return next((key for key in ("NE", "C", "IE", "blank") if key in keys), "NO")
