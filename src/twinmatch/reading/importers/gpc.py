"""Inventories by the Global Protocol (GPC): C40's table, a row an inventory, and CIRIS, a row a sub-sector.

Sectors are summed over what BASIC counts (scopes 1 and 2, and the city's own waste), with IPPU and AFOLU as printed,
so that cities that report BASIC and BASIC+ compare. A cell with a notation key has no number; a sector whose cells
all are keys has the key that claims least. The printed total is taken where it covers just those sectors.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import Any, Final

from twinmatch.errors import DataError, Problem, Where
from twinmatch.reading.grid import Grid, text
from twinmatch.reading.importers.base import (
    Drafts,
    Imported,
    Line,
    Options,
    as_number,
    first_with,
    labels,
    latest,
    lines,
    tidy,
)
from twinmatch.reading.importers.cdp import boundary_of
from twinmatch.vocabulary.taxonomy import GPC, notation, together

C40: Final = "C40 Cities, GHG emissions interactive dashboard"
CIRIS: Final = "The city's inventory in CIRIS (City Inventory Reporting and Information System)"

_COUNTED: Final = {"IV.1", "IV.2", "V.1", "V.2", "V.3"}


@dataclass
class Summed:
    """Sectors summed from cells: numbers, removals, and how many cells had no number."""

    sectors: dict[str, Any] = field(default_factory=dict)
    removals: float = 0.0
    not_estimated: list[str] = field(default_factory=list)
    basic: float = 0.0
    unread: list[tuple[str, str]] = field(default_factory=list)


def summed(cells: Iterable[tuple[str, str]]) -> Summed:
    """Return the sectors of an inventory from its cells, each a GPC reference and what stands there."""
    result = Summed()
    numbers: dict[str, float] = defaultdict(float)
    keys: dict[str, list[str]] = defaultdict(list)
    for ref, cell in cells:
        sector = GPC.find(ref)
        if sector is None or sector.field is None or not (sector.basic or ref in _COUNTED):
            continue
        value = as_number(cell)
        if value is not None and value < 0:
            result.removals += value
        elif value is not None:
            numbers[sector.field] += value
            result.basic += value if sector.basic else 0.0
        elif key := notation(cell):
            keys[sector.field].append(key)
            if key == "NE":
                result.not_estimated.append(ref)
        elif cell:
            result.unread.append((ref, cell))
    for name in ("stationary_energy", "transport", "waste", "ippu", "afolu"):
        if name in numbers:
            result.sectors[name] = tidy(numbers[name])
        elif keys[name]:
            result.sectors[name] = together(keys[name])
    return result


def read_c40(grids: Sequence[Grid], options: Options) -> Imported:
    """Return the inventories of European cities in C40's table; the newest a city, or of the year asked for."""
    drafts = Drafts()
    found = first_with(grids, "City", "Country", "Year", "I.1.1", "III.1.1")
    items = []
    for line in found:
        if not line.text("City"):
            drafts.aside["empty rows"] += 1
            continue
        country = drafts.country(line.text("Country"), line.where("Country"))
        if country is not None:
            year = line.whole("Year_calendar") or line.whole("Year")
            items.append((f"{country}|{line.text('City')}", year, (line, country, year)))
    for line, country, year in latest(items, options.year, drafts):
        _inventory(line, country, year, drafts)
    return drafts.done(len(found))


def _inventory(line: Line, country: str, year: int | None, drafts: Drafts) -> None:
    refs = [s.label for s in GPC.sectors if line.has(s.label)]
    result = summed((ref, _cell(line, ref)) for ref in refs)
    for ref, cell in result.unread:
        drafts.note(
            "cell-unread",
            f"{cell!r} is neither a number nor a notation key.",
            line.where(ref),
            "warning",
        )
    printed = line.number("BASIC")
    if printed and abs(result.basic - printed) > 0.005 * printed:
        found = (
            f"The cells of BASIC add up to {result.basic:,.0f} t, the table says {printed:,.0f} t."
        )
        drafts.note(
            "basic-differs", found, line.where("BASIC"), "warning", "Look at the sub-sectors."
        )
    boundary, words = boundary_of(line.text("Boundary"))
    values: dict[str, Any] = {
        "name": line.text("City"),
        "country": country,
        "emissions.year": year,
        "emissions.form": "gpc",
        "emissions.boundary": boundary,
        "emissions.boundary_note": words or "not stated",
        "emissions.boundary_population": line.whole("Population") or None,
        "emissions.unit_as_printed": "t CO2e",
        "sources": [{"of": ["emissions"], "from": [C40]}],
    }
    columns = {
        "name": "City",
        "country": "Country",
        "emissions.year": "Year",
        "emissions.total_printed": "BASIC",
    }
    values |= _figures(result, printed, line.text("Level"))
    drafts.add(values, line, columns, f"{line.text('City')} {year}")


def _cell(line: Line, ref: str) -> str:
    """Return a cell as it stands: keys such as NE must not be taken for "not known"."""
    at = line.index.get(ref.lower().replace(".", " "))
    return text(line.cells[at]) if at is not None and at < len(line.cells) else ""


def _figures(result: Summed, printed: float | None, level: str) -> dict[str, Any]:
    """Return the fields of the sums: sectors, removals, the printed total where it covers them, and a note."""
    has_more = any(isinstance(result.sectors.get(n), int | float) for n in ("ippu", "afolu"))
    notes = [f"Level {level}." if level else "", _missing(result.not_estimated)]
    if printed and has_more:
        notes.append(f"BASIC total as printed {printed:,.0f} t, without IPPU and AFOLU.")
    return {
        "emissions.sectors": result.sectors,
        "emissions.removals": tidy(result.removals) if result.removals < 0 else None,
        "emissions.total_printed": tidy(printed) if printed and not has_more else None,
        "emissions.note": " ".join(n for n in notes if n) or None,
    }


def _missing(refs: list[str]) -> str:
    return f"Not estimated: {', '.join(refs[:8])}{' …' if len(refs) > 8 else ''}." if refs else ""


REFERENCE: Final = ("GPC ref. no.", "GPC ref No.", "GPC reference number", "GPC ref", "GPC refno")
AMOUNT: Final = (
    "Total CO2e",
    "Total tonnes CO2e",
    "Total (t CO2e)",
    "Tonnes CO2e",
    "tCO2e",
    "CO2e (t)",
    "Emissions (t CO2e)",
    "CO2e",
)
KEY: Final = ("Notation key", "Notation keys", "Notation")


def read_ciris(grids: Sequence[Grid], options: Options) -> Imported:
    """Return the one inventory of a CIRIS workbook; city, country and year stand above it or in the options.

    Several rows of one sub-sector (a row a fuel) are added.
    """
    drafts = Drafts()
    found = _references(grids)
    about = {k: v for grid in grids for k, v in labels(grid).items()}

    def said(*names: str) -> str:
        return next((about[n][0] for n in names if n in about), "")

    name = options.city or said("city", "name of city", "city name", "local government")
    country = drafts.country(options.country or said("country"), found[0].grid.at())
    if not name or country is None:
        missing = "the city" if not name else "its country"
        do = "Give --city NAME and --country CODE."
        raise DataError(
            [Problem("city-not-said", f"The file does not say {missing}.", found[0].grid.at(), do)]
        )
    cells, places = _by_reference(found)
    result = summed(cells)
    for ref, cell in result.unread:
        drafts.note(
            "cell-unread",
            f"{cell!r} ({ref}) is neither a number nor a notation key.",
            places[ref],
            "warning",
        )
    boundary, words = boundary_of(said("boundary", "geographic boundary", "inventory boundary"))
    people = as_number(said("population", "resident population"))
    year = options.year or as_number(said("inventory year", "year"))
    values: dict[str, Any] = {
        "name": name,
        "country": country,
        "emissions.year": round(year) if year else None,
        "emissions.form": "gpc",
        "emissions.boundary": boundary,
        "emissions.boundary_note": words or "not stated",
        "emissions.boundary_population": round(people) if people else None,
        "emissions.unit_as_printed": "t CO2e",
        "sources": [{"of": ["emissions"], "from": [CIRIS]}],
    }
    values |= _figures(
        result,
        as_number(said("basic", "total basic", "total basic emissions")),
        said("level", "reporting level"),
    )
    drafts.add(values, found[0], {}, name)
    return drafts.done(len(found))


def _references(grids: Sequence[Grid]) -> list[Line]:
    """Return the rows of the first sheet that has a column of GPC references and one of amounts."""
    for grid in grids:
        for name in REFERENCE:
            try:
                found = [x for x in lines(grid, name) if GPC.find(x.text(name)) and x.has(*AMOUNT)]
            except DataError:
                continue
            if found:
                return found
    problem = Problem(
        "not-this-format",
        "There is no sheet with a column of GPC references and one of tonnes CO2e.",
        Where(grids[0].file),
        f"Needed: one of {', '.join(REFERENCE[:3])}, and one of {', '.join(AMOUNT[:3])}.",
    )
    raise DataError(problem)


def _by_reference(found: Sequence[Line]) -> tuple[list[tuple[str, str]], dict[str, Where]]:
    numbers: dict[str, float] = defaultdict(float)
    words: dict[str, str] = {}
    places: dict[str, Where] = {}
    for line in found:
        ref = line.text(*REFERENCE).strip().rstrip(".")
        places.setdefault(ref, line.where(*AMOUNT))
        value = line.number(*AMOUNT)
        key = next((c for h in (*KEY, *AMOUNT) if (c := _cell_of(line, h)) and notation(c)), "")
        if value is not None:
            numbers[ref] += value
        elif key or line.text(*AMOUNT):
            words.setdefault(ref, key or line.text(*AMOUNT))
    refs = dict.fromkeys((*numbers, *words))
    return [(ref, repr(numbers[ref]) if ref in numbers else words[ref]) for ref in refs], places


def _cell_of(line: Line, header: str) -> str:
    from twinmatch.vocabulary.taxonomy import plain

    at = line.index.get(plain(header))
    return text(line.cells[at]) if at is not None and at < len(line.cells) else ""
