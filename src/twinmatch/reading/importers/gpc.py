"""Inventories by the Global Protocol (GPC): C40's table, a row an inventory, and CIRIS, a row a sub-sector.

Sectors are summed over what BASIC counts (scopes 1 and 2, and the city's own waste), with IPPU and AFOLU as printed,
so that cities that report BASIC and BASIC+ compare. A cell with a notation key has no number; a sector whose cells
all are keys has the key that claims least. The printed total is taken where it covers just those sectors.

Beside them Carbon Monitor Cities: modelled CO2 of functional urban areas, 2019 to 2021, five sectors (Huo et al. 2022,
Scientific Data 9, 533, doi:10.1038/s41597-022-01657-z, CC BY 4.0). They are estimates of CO2 alone for an area wider
than the city, and are marked so; an absent sector is absent, not zero.

City-wide emissions as cities reported them to CDP and ICLEI, 2016 to 2021; the columns differ each year: totals and
scopes, no sectors, of which nothing is split. "This data was collected in partnership by CDP and ICLEI - Local Governments
for Sustainability" is the citation that its licence asks for.
"""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial
from typing import Any, Final

from twinmatch.errors import DataError, Where
from twinmatch.files import data_beside
from twinmatch.reading.grid import Grid
from twinmatch.reading.importers.base import (
    Drafts,
    Imported,
    Importer,
    Line,
    Options,
    as_number,
    by_city_and_year,
    by_sector,
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
from twinmatch.reading.values import date_of, mass
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

    def of(line: Line) -> tuple[str, int | None] | None:
        city = line.text("City")
        return (city, line.whole("Year_calendar") or line.whole("Year")) if city else None

    found = first_with(grids, "City", "Country", "Year", "I.1.1", "III.1.1")
    return _newest(found, options, of, "empty rows", _inventory)


def _newest(
    found: list[Line],
    options: Options,
    of: Callable[[Line], tuple[str, int | None] | None],
    aside: str,
    draft: Callable[[Line, str, int | None, Drafts], None],
) -> Imported:
    """Return the drafts of rows that are an inventory each: of those of one city the newest, or of the year asked for.

    ``of`` says city and year of a row, None where it has no inventory.
    """
    drafts, items = Drafts(), []
    for line in found:
        if (known := of(line)) is None:
            drafts.aside[aside] += 1
        elif country := drafts.country(line.text("Country"), line.where("Country")):
            items.append((f"{country}|{known[0]}", known[1], (line, country, known[1])))
    for line, country, year in latest(items, options.year, drafts):
        draft(line, country, year, drafts)
    return drafts.done(len(found))


def _inventory(line: Line, country: str, year: int | None, drafts: Drafts) -> None:
    result = summed((s.label, line.cell(s.label)) for s in GPC.sectors if line.has(s.label))
    _unread(result, drafts, line.where)
    printed = line.number("BASIC")
    if printed and abs(result.basic - printed) > 0.005 * printed:
        basic = result.basic
        found = f"The cells of BASIC add up to {basic:,.0f} t, the table says {printed:,.0f} t."
        do = "Look at the sub-sectors."
        drafts.note("basic-differs", found, line.where("BASIC"), "warning", do)
    about = {"boundary": line.text("Boundary"), "level": line.text("Level")}
    values = _values((line.text("City"), country, C40), year, result, printed, about)
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


_HEADS: Final = data_beside(__file__, "heads.toml")
REFERENCE, AMOUNT, KEY = (_HEADS["ciris"][of] for of in ("reference", "amount", "key"))


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
    identity = name, drafts.country(word, found[0].grid.at()) or "", CIRIS
    year = options.year or as_number(spoken("inventory year", "year"))
    printed = as_number(spoken("basic", "total basic", "total basic emissions"))
    boundary = spoken("boundary", "geographic boundary", "inventory boundary")
    told = {"boundary": boundary, "level": spoken("level", "reporting level")}
    values = _values(identity, year, result, printed, told)
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
    def tonnes(line: Line) -> float | None:
        unit = mass(line.text("emissions_units") or "kg")
        return unit.tonnes if unit else None

    headers = "sector", "emissions_value"
    values = inventory(
        group[0].text("city_name"),
        country,
        MODELLED,
        year=year,
        kind="estimated",
        boundary="metropolitan",
        boundary_note="functional urban area",
        sectors=by_sector(group, drafts, headers, CARBON_MONITOR.find, tonnes),
        unit_as_printed="kg CO2",
        note="Modelled CO2 alone, not a report of the city; other holds industry, fuel and process together.",
    )
    columns = {"name": "city_name", "emissions.sectors": "emissions_value"}
    drafts.add(values, group[0], columns | {"emissions.year": "year"}, code)


# --- reported to CDP and ICLEI ------------------------------------------------------------------------------------

CDP: Final = "CDP and ICLEI, city-wide emissions, reported {year} (collected in partnership by CDP and ICLEI)"

_CDP: Final = _HEADS["cdp"]
NAME, ORGANISATION, TOTAL, YEARS = (_CDP[of] for of in ("name", "organisation", "total", "years"))
PEOPLE, BOUNDARY, SCOPES = (_CDP[of] for of in ("people", "boundary", "scopes"))

LONGEST: Final = 200
"""Letters of an authority's name that are looked at."""

_BODIES: Final = re.compile(
    r"^(?:the )?(?:city and county of|city of|municipality of|commune of|town of|district of|ayuntamiento de|ajuntament de|comune di|"
    r"c[aâ]mara municipal d[aeo]s?|munic[ií]pio d[aeo]s?|ville de|mairie de|m[ée]tropole (?:de |du )?|stadt|gemeente|"
    r"landeshauptstadt|roma capitale|statutory city of|metropolitan city of) "
    r"| (?:city council|borough council|county council|metropolitan borough council|municipality|kommune|kommun|stad|"
    r"council|city|kaupunki|metropole|métropole|metropolitan municipality)$",
    re.IGNORECASE,
)


def read_cdp(grids: Sequence[Grid], options: Options) -> Imported:
    """Return the reported inventories of European cities; rows without an inventory are counted and set aside."""

    def of(line: Line) -> tuple[str, int | None] | None:
        if all(line.number(*headers) is None for headers in (TOTAL, *SCOPES.values())):
            return None
        return line.text("Account Number") or _name(line), inventory_year(line.text(*YEARS))

    try:
        found = lines(grids[0], "Account Number", "Country", "City")
    except DataError:
        found = lines(grids[0], "Account Number", "Country", "City Short Name")
    return _newest(found, options, of, "no inventory in the row", _report)


def _name(line: Line) -> str:
    return line.text(*NAME) or city_of(line.text(*ORGANISATION))


def city_of(organisation: str) -> str:
    """Return the city that a local authority's name says: ``Comune di Lucca`` is Lucca."""
    name = " ".join(organisation.partition(",")[0][:LONGEST].split())
    while (shorter := _BODIES.sub("", name).strip()) and shorter != name:
        name = shorter
    return name


def _report(line: Line, country: str, year: int | None, drafts: Drafts) -> None:
    name = _name(line).partition(",")[0].strip()
    if name.endswith(")"):
        name = name.partition("(")[0].strip()
    if not line.text(*NAME):
        found = "The city's name was taken from that of its authority."
        drafts.tally("name-from-organisation", found, line.where(*ORGANISATION))
    boundary, words = boundary_of(line.text(*BOUNDARY), line.text("Administrative city boundary"))
    people, (lat, lon) = line.whole(*PEOPLE), _point(line.text("City Location"))
    reported = line.text("Year Reported to CDP", "Reporting Year") or "?"
    values = inventory(
        name,
        country,
        CDP.format(year=reported),
        year=year,
        boundary=boundary,
        boundary_note=words or "not stated",
        total_printed=tidy(line.number(*TOTAL)),
        unit_as_printed="metric tonnes CO2e",
        note=line.text("Primary Protocol", "Primary Methodology", "Protocol"),
    )
    values |= {f"emissions.scopes.{s}": tidy(line.number(*h)) for s, h in SCOPES.items()}
    blocks = values["sources"][0]["of"]
    if people and people > 0:
        said = line.text("Population Year", "Current Population Year")
        values |= {"population.value": people, "population.note": said}
        blocks.append("population")
    if lat is not None:
        values |= {"location.lat": lat, "location.lon": lon}
        blocks.append("location")
    _sum_of_scopes(values, line, drafts)
    columns = {"name": "City", "country": "Country", "population.value": "Population"}
    for path, headers in (("emissions.total_printed", TOTAL), ("emissions.year", YEARS)):
        columns[path] = line.where(*headers).column
    drafts.add(values, line, columns, line.text("Account Number"))


def _sum_of_scopes(values: dict[str, Any], line: Line, drafts: Drafts) -> None:
    """Tell where the scopes do not add up to the total; scope 3 may or may not be in it."""
    total = values["emissions.total_printed"]
    one, two, three = (values[f"emissions.scopes.{s}"] for s in SCOPES)
    if total is None or one is None or two is None:
        return
    sums = [one + two, one + two + (three or 0)]
    if total and all(abs(s - total) > 0.02 * total for s in sums):
        found = f"Scopes 1 and 2 are {sums[0]:,.0f} t, the total is {total:,.0f} t."
        do = "Ask which figure holds."
        drafts.note("scopes-differ", found, line.where(*TOTAL), "warning", do)


def inventory_year(period: str) -> int | None:
    """Return the year that holds most of an accounting period (the earlier of two equal halves).

    ``2016-01-01 - 2016-12-31``, ``12/31/2013 12:00:00 AM`` and ``2015`` are read.
    """
    found = re.findall(r"(\d{4})-(\d\d)-(\d\d)", period)
    days = [d for parts in found if (d := date_of(*map(int, parts))) is not None]
    if len(days) >= 2 and days[0] <= days[1]:
        return (days[0] + (days[1] - days[0]) / 2).year
    if days:
        return days[0].year
    years = re.findall(r"(?:19|20)\d\d", period)
    return int(years[0]) if years else None


def boundary_of(words: str, administrative: str = "") -> tuple[str, str]:
    """Return the boundary of a profile that a phrase means, and the phrase."""
    low, area = words.lower(), "metropolitan area"
    if low.startswith(("larger", "partial")) or (area in low and "not" not in low):
        return "metropolitan", words
    for beginning, boundary in (("smaller", "district"), ("combination", "joint")):
        if low.startswith(beginning):
            return boundary, words
    if area in administrative.lower() and not administrative.lower().startswith("local"):
        return "metropolitan", f"{words}; {administrative}".strip("; ")
    return "city", words


def _point(words: str) -> tuple[float | None, float | None]:
    """Return latitude and longitude of ``POINT (lon lat)`` or ``(lat, lon)``."""
    numbers = [float(n) for n in re.findall(r"-?\d+(?:\.\d+)?", words)]
    if len(numbers) < 2:
        return None, None
    lat, lon = numbers[1::-1] if words.upper().startswith("POINT") else numbers[:2]
    is_place = abs(lat) <= 90 and abs(lon) <= 180 and (lat, lon) != (0, 0)
    return (lat, lon) if is_place else (None, None)


FORMATS: Final = {
    "cdp": Importer("CDP-ICLEI city-wide emissions 2016-2021", "CDP and ICLEI", read_cdp),
    "c40": Importer("C40 table of GPC inventories", C40, read_c40),
    "ciris": Importer("CIRIS inventory of one city (GPC)", CIRIS, read_ciris),
    "carbon-monitor": Importer("Carbon Monitor Cities", MODELLED, read_carbon_monitor),
}
