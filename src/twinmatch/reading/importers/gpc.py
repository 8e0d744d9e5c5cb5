"""Inventories by the Global Protocol (GPC): C40's table, a row an inventory, and CIRIS, a row a sub-sector.

Sectors are summed over what BASIC counts (scopes 1 and 2, and the city's own waste), with IPPU and AFOLU as printed,
so that cities that report BASIC and BASIC+ compare. A cell with a notation key has no number; a sector whose cells
all are keys has the key that claims least. The printed total is taken where it covers just those sectors.

Beside them Carbon Monitor Cities: modelled CO2 of functional urban areas, 2019 to 2021, five sectors (Huo et al. 2022,
Scientific Data 9, 533, doi:10.1038/s41597-022-01657-z, CC BY 4.0). They are estimates of CO2 alone for an area wider
than the city, and are marked so; an absent sector is absent, not zero.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial
from typing import Any, Final

from twinmatch.errors import DataError, Where
from twinmatch.reading.grid import Grid
from twinmatch.reading.importers.base import (
    Drafts,
    Imported,
    Line,
    Options,
    as_number,
    by_city_and_year,
    first_with,
    inventory,
    labels,
    latest,
    lines,
    other_format,
    said,
    tidy,
    whole,
    whose,
)
from twinmatch.reading.importers.cdp import boundary_of
from twinmatch.reading.values import mass
from twinmatch.vocabulary.taxonomy import CARBON_MONITOR, GPC, notation, together

C40: Final = "C40 Cities, GHG emissions interactive dashboard"
CIRIS: Final = "The city's inventory in CIRIS (City Inventory Reporting and Information System)"

MODELLED: Final = "Carbon Monitor Cities: Huo et al. 2022, Scientific Data 9, 533 (doi:10.1038/s41597-022-01657-z), CC BY 4.0"

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
    result = summed((s.label, line.cell(s.label)) for s in GPC.sectors if line.has(s.label))
    _unread(result, drafts, line.where)
    printed = line.number("BASIC")
    if printed and abs(result.basic - printed) > 0.005 * printed:
        found = (
            f"The cells of BASIC add up to {result.basic:,.0f} t, the table says {printed:,.0f} t."
        )
        do = "Look at the sub-sectors."
        drafts.note("basic-differs", found, line.where("BASIC"), "warning", do)
    values = _values(
        (line.text("City"), country, C40),
        year,
        result,
        printed,
        {"boundary": line.text("Boundary"), "level": line.text("Level")},
    )
    values["emissions.boundary_population"] = line.whole("Population") or None
    columns = {"name": "City", "country": "Country", "emissions.year": "Year"}
    columns["emissions.total_printed"] = "BASIC"
    drafts.add(values, line, columns, f"{line.text('City')} {year}")


def _unread(result: Summed, drafts: Drafts, place: Callable[[str], Where]) -> None:
    for ref, cell in result.unread:
        found = f"{cell!r} ({ref}) is neither a number nor a notation key."
        drafts.note("cell-unread", found, place(ref), "warning")


def _values(
    identity: tuple[str, str, str],
    year: float | None,
    result: Summed,
    printed: float | None,
    about: Mapping[str, str],
) -> dict[str, Any]:
    """Return the profile of an inventory: sectors, removals, the printed total where it covers them, and a note.

    ``about`` has what is said of its boundary and reporting level.
    """
    boundary, words = boundary_of(about["boundary"])
    has_more = any(isinstance(result.sectors.get(n), int | float) for n in ("ippu", "afolu"))
    notes = [f"Level {about['level']}." if about["level"] else "", _missing(result.not_estimated)]
    if printed and has_more:
        notes.append(f"BASIC total as printed {printed:,.0f} t, without IPPU and AFOLU.")
    return inventory(
        *identity,
        year=round(year) if year else None,
        form="gpc",
        boundary=boundary,
        boundary_note=words or "not stated",
        unit_as_printed="t CO2e",
        sectors=result.sectors,
        removals=tidy(result.removals) if result.removals < 0 else None,
        total_printed=tidy(printed) if printed and not has_more else None,
        note=" ".join(n for n in notes if n) or None,
    )


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
    name, word = whose(options, about, found[0].grid.at())
    cells, places = _by_reference(found)
    result = summed(cells)
    _unread(result, drafts, places.__getitem__)
    spoken = partial(said, about)
    values = _values(
        (name, drafts.country(word, found[0].grid.at()) or "", CIRIS),
        options.year or as_number(spoken("inventory year", "year")),
        result,
        as_number(spoken("basic", "total basic", "total basic emissions")),
        {
            "boundary": spoken("boundary", "geographic boundary", "inventory boundary"),
            "level": spoken("level", "reporting level"),
        },
    )
    people = as_number(spoken("population", "resident population"))
    values["emissions.boundary_population"] = whole(people)
    if values["country"]:
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
    do = f"Needed: one of {', '.join(REFERENCE[:3])}, and one of {', '.join(AMOUNT[:3])}."
    found_ = "there is no sheet with a column of GPC references and one of tonnes CO2e"
    raise other_format(grids[0], found_, do)


def _by_reference(found: Sequence[Line]) -> tuple[list[tuple[str, str]], dict[str, Where]]:
    numbers: dict[str, float] = defaultdict(float)
    words: dict[str, str] = {}
    places: dict[str, Where] = {}
    for line in found:
        ref = line.text(*REFERENCE).strip().rstrip(".")
        places.setdefault(ref, line.where(*AMOUNT))
        value = line.number(*AMOUNT)
        key = next((c for h in (*KEY, *AMOUNT) if (c := line.cell(h)) and notation(c)), "")
        if value is not None:
            numbers[ref] += value
        elif key or line.text(*AMOUNT):
            words.setdefault(ref, key or line.text(*AMOUNT))
    refs = dict.fromkeys((*numbers, *words))
    return [(ref, repr(numbers[ref]) if ref in numbers else words[ref]) for ref in refs], places


def read_carbon_monitor(grids: Sequence[Grid], options: Options) -> Imported:
    """Return the estimates of European cities; the newest year a city, or the year asked for."""
    drafts = Drafts()
    found = first_with(grids, "city_name", "locode", "year", "sector", "emissions_value")
    items = by_city_and_year(found, "locode", "year")
    for code, year, group in latest(items, options.year, drafts):
        country = drafts.country(code[:2], group[0].where("locode"))
        if country is not None:
            _modelled(code, country, year, group, drafts)
    return drafts.done(len(found))


def _modelled(code: str, country: str, year: int | None, group: list[Line], drafts: Drafts) -> None:
    sums: dict[str, float] = defaultdict(float)
    for line in group:
        sector = CARBON_MONITOR.find(line.text("sector"))
        unit = mass(line.text("emissions_units") or "kg")
        value = line.number("emissions_value")
        if sector is None or sector.field is None or unit is None:
            found = f"{line.text('sector')!r} in {line.text('emissions_units')!r} is not known; it was not added."
            drafts.unknown_sector(found, line.where("sector"))
        elif value is not None:
            sums[sector.field] += value * unit.tonnes
    values = inventory(
        group[0].text("city_name"),
        country,
        MODELLED,
        year=year,
        kind="estimated",
        boundary="metropolitan",
        boundary_note="functional urban area",
        sectors={name: tidy(value) for name, value in sums.items()},
        unit_as_printed="kg CO2",
        note="Modelled CO2 alone, not a report of the city; other holds industry, fuel and process together.",
    )
    columns = {"name": "city_name", "emissions.sectors": "emissions_value"}
    drafts.add(values, group[0], columns | {"emissions.year": "year"}, code)
