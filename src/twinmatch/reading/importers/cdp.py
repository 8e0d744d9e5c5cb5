"""City-wide emissions as cities reported them to CDP and ICLEI, 2016 to 2021; the columns differ each year.

Totals and scopes, no sectors: nothing is split. "This data was collected in partnership by CDP and ICLEI - Local
Governments for Sustainability" is the citation that its licence asks for.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Any, Final

from twinmatch.errors import DataError
from twinmatch.reading.grid import Grid
from twinmatch.reading.importers.base import (
    Drafts,
    Imported,
    Line,
    Options,
    inventory,
    latest,
    lines,
    tidy,
)
from twinmatch.reading.values import date_of

SOURCE: Final = "CDP and ICLEI, city-wide emissions, reported {year} (collected in partnership by CDP and ICLEI)"

NAME: Final = ("City Short Name", "City")
ORGANISATION: Final = ("Organization", "City Name")
TOTAL: Final = (
    "Total City-wide Emissions (metric tonnes CO2e)",
    "Total emissions (metric tonnes CO2e)",
    "Total BASIC Emissions (GPC)",
)
SCOPES: Final = {
    "scope_1": (
        "Total Scope 1 Emissions (metric tonnes CO2e)",
        "Direct emissions/ Scope 1 (metric tonnes CO2e) for Total emissions (excluding generation of grid-supplied energy)",
        "Direct emissions (metric tonnes CO2e) for Total emissions (excluding generation of grid-supplied energy)",
        "TOTAL Scope 1 Emissions (metric tonnes CO2e)",
    ),
    "scope_2": (
        "Total Scope 2 Emissions (metric tonnes CO2e)",
        "Indirect emissions from use of grid supplied energy/Scope 2 (metric tonnes CO2e) for Total emissions (excluding generation of grid-supplied energy)",
        "Indirect emissions from use of grid supplied energy (metric tonnes CO2e) for Total Emissions (excluding generation of grid-supplied energy)",
    ),
    "scope_3": (
        "Total Scope 3 emissions (metric tonnes CO2e)",
        "TOTAL Scope 3 Emissions",
        "Emissions occurring outside city boundary/ Scope 3 (metric tonnes CO2e) for Total emissions (excluding generation of grid-supplied energy)",
        "Emissions occurring outside city boundary (metric tonnes CO2e) for Total Emissions (excluding generation of grid-supplied energy)",
    ),
}
YEARS: Final = ("Accounting year", "Measurement Year")
PEOPLE: Final = ("Population", "Current Population")
BOUNDARY: Final = (
    "Inventory boundary (compared to Administrative city boundary)",
    "Inventory Boundary",
    "Boundary",
)

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
    drafts = Drafts()
    found = _lines(grids[0])
    items = []
    for line in found:
        if _is_empty(line):
            drafts.aside["no inventory in the row"] += 1
            continue
        country = drafts.country(line.text("Country"), line.where("Country"))
        if country is not None:
            year = inventory_year(line.text(*YEARS))
            items.append((line.text("Account Number") or _name(line), year, (line, country, year)))
    for line, country, year in latest(items, options.year, drafts):
        _report(line, country, year, drafts)
    return drafts.done(len(found))


def _lines(grid: Grid) -> list[Line]:
    try:
        return lines(grid, "Account Number", "Country", "City")
    except DataError:
        return lines(grid, "Account Number", "Country", "City Short Name")


def _is_empty(line: Line) -> bool:
    return line.number(*TOTAL) is None and all(line.number(*h) is None for h in SCOPES.values())


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
        SOURCE.format(year=reported),
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
