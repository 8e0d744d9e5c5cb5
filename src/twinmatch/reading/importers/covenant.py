"""The Covenant of Mayors (GCoM): the context table, the inventories, compiled totals, and the reporting template (SECAP).

Source of the first two: Kona et al. 2021, Earth System Science Data 13, 3551 (doi:10.5194/essd-13-3551-2021; data
doi:10.2905/57A615EB-CFBC-435A-A8C5-553BD40F76C9). The EDGAR figure is an estimate and marked so. Layout of the
template after the Covenant of Mayors Reporting Guidelines (2016, doi:10.2790/586693): a workbook holds one signatory,
its sheet has final energy (MWh) above and emissions (t) below, of which only the emissions are read. Electricity of
buildings is kept apart, since the table does; that of transport stays with transport.
"""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Sequence
from typing import Any, Final

from twinmatch.files import data_beside
from twinmatch.reading.grid import Grid, text
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
    other_format,
    said,
    tidy,
    whole,
    whose,
)
from twinmatch.reading.values import mass, parse
from twinmatch.vocabulary.taxonomy import COVENANT, CRF, notation, plain

SOURCE: Final = "Kona et al. 2021, Earth System Science Data 13, 3551 (doi:10.2905/57A615EB-CFBC-435A-A8C5-553BD40F76C9)"

MY_COVENANT: Final = "The city's inventory in the MyCovenant reporting template"
COMPILED: Final = "Covenant of Mayors totals, compiled by Data-Driven EnviroLab 2022"

_TEXTS, _WHOLES, _PLACE, _NUMBERS = data_beside(__file__, "heads.toml")["covenant"].values()
"""Where each field stands in the context table, by the kind of its values."""


def read_context(grids: Sequence[Grid], options: Options) -> Imported:
    """Return the signatories of the context table: place, population, climate, economy, targets."""
    drafts = Drafts()
    found = first_with(grids, "GCoM_ID", "signatory name", "country code")
    seen: set[str] = set()
    for line in found:
        code = line.text("GCoM_ID")
        if not code or not line.text("signatory name"):
            drafts.aside["empty rows"] += 1
        elif code in seen:
            found_ = f"{code} is here again; the first was kept."
            drafts.note("id-twice", found_, line.where("GCoM_ID"), "warning")
            drafts.aside["identifier here before"] += 1
        else:
            seen.add(code)
            _signatory(line, drafts)
    return drafts.done(len(found))


def _signatory(line: Line, drafts: Drafts) -> None:
    country = drafts.country(line.text("country code"), line.where("country code"))
    if country is None:
        return
    values: dict[str, Any] = {path: line.text(header) for path, header in _TEXTS.items()}
    values |= {path: line.whole(header) for path, header in _WHOLES.items()}
    values |= {path: line.number(header) for path, header in _PLACE.items()}
    values |= {path: tidy(line.number(header)) for path, header in _NUMBERS.items()}
    values |= {"name": _name(line.text("signatory name")), "country": country}
    if len(values["name"]) > 100:
        found = "The name was cut before its list of members."
        drafts.note("name-shortened", found, line.where("signatory name"))
        values["name"] = values["name"].partition(":")[0][:100].strip()
    _population(values, line)
    urban = values["context.degree_of_urbanisation"]
    if urban not in {1, 2, 3, None}:
        found = f"A degree of urbanisation of {urban} is none of 1 to 3: read as not known."
        drafts.tally("value-unknown", found, line.where("degree of urbanisation"))
        values["context.degree_of_urbanisation"] = None
    if None in (place := [values[path] for path in _PLACE]) or place == [0, 0]:
        values |= dict.fromkeys(_PLACE)
    for figure in ("heating_degree_days", "gdp_per_head", "edgar_per_head"):
        if values.get(f"context.{figure}.value") is None:
            values[f"context.{figure}.year"] = None
    if values["context.edgar_per_head.value"] is not None:
        values["context.edgar_per_head.kind"] = "estimated"
    blocks = {path.split(".")[0] for path, v in values.items() if v is not None}
    values["sources"] = [{"of": sorted(blocks - {"name", "country"}), "from": [SOURCE]}]
    drafts.add(values, line, _TEXTS | _WHOLES | _PLACE | _NUMBERS, line.text("GCoM_ID"))


def _population(values: dict[str, Any], line: Line) -> None:
    """Take the population of 2018, or that of the year of adhesion where it is missing."""
    note = "2018" if values["population.value"] else "in the year of adhesion"
    values["population.value"] = (
        values["population.value"] or line.whole("population adhesion year") or None
    )
    values["population.note"] = note if values["population.value"] else None


def _name(name: str) -> str:
    """Return a name as names are written, where the table has it in capitals."""
    if not name.isupper() or len(name) < 4:
        return name
    small = {"DE", "DI", "DEL", "DELLA", "LA", "LE", "LES", "EL", "D", "I", "ET", "SUR"}
    words = name.split()
    return " ".join(w.lower() if k and w in small else w.capitalize() for k, w in enumerate(words))


def read_inventories(grids: Sequence[Grid], options: Options) -> Imported:
    """Return the inventories of signatories by sector; the newest a city, or that of the year asked for.

    Cities are known by their GCoM identifier; names come from the table or from the options.
    """
    drafts = Drafts()
    found = first_with(grids, "GCoM_ID", "inventory year", "emission inventory sector", "emissions")
    items = by_city_and_year(found, "GCoM_ID", "inventory year")
    for code, year, group in latest(items, options.year, drafts):
        _inventory(code, year, group, options, drafts)
    return drafts.done(len(found))


def _inventory(
    code: str, year: int | None, group: list[Line], options: Options, drafts: Drafts
) -> None:
    line = group[0]
    country = drafts.country(line.text("country code") or code[:2], line.where("GCoM_ID"))
    if country is None:
        return
    headers = "emission inventory sector", "emissions"
    name = line.text("signatory name") or options.names.get(code.upper(), "")
    values = inventory(
        _name(name) if name else code,
        country,
        SOURCE,
        year=year,
        boundary_population=line.whole("population in the inventory year"),
        sectors=by_sector(group, drafts, headers, lambda s: COVENANT.find(s) or CRF.find(s)),
        unit_as_printed=line.text("emission reporting unit", "unit"),
    )
    values |= {"covenant.id": code}
    values["sources"][0]["of"] = ["covenant", "emissions"]
    if not name:
        _nameless(line, drafts)
    drafts.add(values, line, {"emissions.year": "inventory year", "covenant.id": "GCoM_ID"}, code)


def _nameless(line: Line, drafts: Drafts) -> None:
    found = "The table has codes and no names: the profile is called by its code."
    do = " Give a table of names with --names."
    drafts.tally("name-is-a-code", found + do, line.grid.at(line.row))


def read_totals(grids: Sequence[Grid], options: Options) -> Imported:
    """Return city totals of a compilation (``actor_id``, ``year``, ``total_emissions``); the newest a city.

    Identifiers are UN/LOCODEs; without names for them a profile is called by its code, which is reported.
    """
    drafts = Drafts()
    found = first_with(grids, "actor_id", "year", "total_emissions")
    items = [(line.text("actor_id"), line.whole("year"), line) for line in found]
    for line in latest(items, options.year, drafts):
        code = " ".join(line.text("actor_id").upper().split())
        country = drafts.country(code[:2], line.where("actor_id"))
        if country is None:
            continue
        name = options.names.get(code, "")
        if not name:
            _nameless(line, drafts)
        values = inventory(
            name or code,
            country,
            COMPILED,
            year=line.whole("year"),
            total_printed=tidy(line.number("total_emissions")),
            note=f"UN/LOCODE {code}; {line.text('datasource_id')}",
        )
        columns = {"emissions.total_printed": "total_emissions", "emissions.year": "year"}
        drafts.add(values, line, columns, code)
    return drafts.done(len(found))


_GROUPS: Final = ("subtotal", "buildings equipment facilities", "transport", "other")
"""Beginnings of lines that are headings with a total of their own."""

_UNIT: Final = ("emission reporting unit", "2 emission reporting unit")


def read_my_covenant(grids: Sequence[Grid], options: Options) -> Imported:
    """Return the inventory of a filled template; of several inventories the newest, or that of the year asked for.

    Raises DataError where no sheet has the table, or signatory and country are not said.
    """
    drafts = Drafts()
    about = {k: v for grid in grids for k, v in reversed(labels(grid).items())}
    tables = [(_year(g, about, options), g, k) for g in grids if (k := _start(g)) is not None]
    if not tables:
        do = "Needed: the sheet of the inventory, with its row of energy carriers and TOTAL."
        found = "there is no sheet with a table of emissions by sector and energy carrier"
        raise other_format(grids[0], found, do)
    wanted = [t for t in tables if options.year is None or t[0] == options.year] or tables
    year, grid, start = max(wanted, key=lambda t: t[0] or 0)
    if len(tables) > 1:
        drafts.aside["inventories of other years"] += len(tables) - 1
    name, word = whose(options, about, grid.at())
    country = drafts.country(word, grid.at())
    if country is not None:
        values = inventory(name, country, MY_COVENANT, year=year)
        values |= _template(grid, start, about, drafts)
        where = grid.at(grid.rows[start][0])
        drafts.add(values, None, {"emissions.total_printed": "TOTAL"}, name, where)
    return drafts.done(1)


def _year(grid: Grid, about: dict[str, str], options: Options) -> int | None:
    value = said(labels(grid), "inventory year", "1 inventory year", "year")
    number = as_number(value or said(about, "inventory year", "1 inventory year"))
    return round(number) if number else options.year


def _start(grid: Grid) -> int | None:
    """Return the place of the row of energy carriers of the emissions table, None where the sheet has none.

    The row has a TOTAL and electricity; the one that counts is the last below a title that speaks of emissions.
    """
    found, speaks = None, False
    for k, (_, cells) in enumerate(grid.rows):
        words = [plain(text(c)) for c in cells if text(c)]
        if any("emissions" in w and _OF_GASES.search(w) for w in words[:2]):
            speaks = True
        if any("final energy consumption" in w for w in words[:2]):
            speaks = False
        if speaks and {"total", "electricity"} <= set(words):
            found = k
    return found


_OF_GASES: Final = re.compile(r"co2|ghg|\bt\b")


def _template(grid: Grid, start: int, about: dict[str, str], drafts: Drafts) -> dict[str, Any]:
    """Return the fields of the emissions table below its row of energy carriers."""
    heads = [plain(text(c)) for c in grid.rows[start][1]]
    total, electricity = heads.index("total"), heads.index("electricity")
    unit = mass(said(about, *_UNIT, "unit") or "t")
    factor = unit.tonnes if unit else 1.0
    sums: dict[str, float] = defaultdict(float)
    keys: dict[str, str] = {}
    printed = None
    for row, cells in grid.rows[start + 1 :]:
        label = next((text(c) for c in cells[:2] if text(c)), "")
        word, value = plain(label), _number(cells, total)
        if word == "total":
            printed = value
            break
        sector = COVENANT.find(label)
        if sector is None or sector.field is None:
            if word and not word.startswith(_GROUPS) and value is not None:
                found = f"{label!r} is no sector that is known; it was not added."
                drafts.unknown_sector(found, grid.at(row, "TOTAL"))
        elif value is None:
            if total < len(cells) and (key := notation(text(cells[total]))):
                keys.setdefault(sector.field, key)
        elif word != "transport" or not sums.get("transport"):  # else the heading's own total
            power = _number(cells, electricity) or 0.0
            if sector.field == "stationary_energy" and power:
                sums["electricity"] += power * factor
                value -= power
            sums[sector.field] += value * factor
    if unit and unit.gas == "CO2":
        found = "The template reports CO2, not CO2e: other gases are missing."
        drafts.note("co2-only", found, grid.at(), "warning")
    people = said(about, *_PEOPLE)
    return {
        "emissions.boundary_population": whole(as_number(people)),
        "emissions.sectors": keys | {n: tidy(v) for n, v in sums.items()},
        "emissions.total_printed": tidy(printed * factor) if printed is not None else None,
        "emissions.unit_as_printed": said(about, *_UNIT) or None,
    }


_PEOPLE: Final = (
    *("number of inhabitants in the inventory year", "number of inhabitants", "population"),
)


def _number(cells: tuple[Any, ...], at: int) -> float | None:
    written = text(cells[at]) if at < len(cells) else ""
    number = parse(written)
    if number is None:
        return None
    return next(iter(number.readings.values())) if number.is_sure else as_number(written)


_OPEN: Final = "Covenant of Mayors open data: "
_LAB: Final = "Data-Driven EnviroLab 2022"
FORMATS: Final = {
    "covenant": Importer(_OPEN + "context of signatories", SOURCE, read_context),
    "covenant-inventories": Importer(_OPEN + "inventories by sector", SOURCE, read_inventories),
    "covenant-totals": Importer("Covenant of Mayors totals by UN/LOCODE", _LAB, read_totals),
    "mycovenant": Importer("MyCovenant reporting template (SECAP)", MY_COVENANT, read_my_covenant),
}
