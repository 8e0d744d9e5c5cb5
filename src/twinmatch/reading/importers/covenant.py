"""The open data of the Covenant of Mayors (GCoM): the context table, the inventories, and compiled totals.

Source of the first two: Kona et al. 2021, Earth System Science Data 13, 3551 (doi:10.5194/essd-13-3551-2021; data
doi:10.2905/57A615EB-CFBC-435A-A8C5-553BD40F76C9). The EDGAR figure is an estimate and marked so.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from typing import Any, Final

from twinmatch.reading.grid import Grid
from twinmatch.reading.importers.base import (
    Drafts,
    Imported,
    Line,
    Options,
    first_with,
    latest,
    sources_of,
    tidy,
)
from twinmatch.vocabulary.taxonomy import COVENANT, CRF

SOURCE: Final = "Kona et al. 2021, Earth System Science Data 13, 3551 (doi:10.2905/57A615EB-CFBC-435A-A8C5-553BD40F76C9)"

_COLUMNS: Final = {
    "name": "signatory name",
    "country": "country code",
    "location.lat": "latitude",
    "location.lon": "longitude",
    "population.value": "population in 2018",
    "context.heating_degree_days.value": "Heating Degree-Days (HDD)",
    "context.heating_degree_days.year": "reference year HDD",
    "context.gdp_per_head.value": "GDP per capita at NUTS3 [Euro per inhabitant]",
    "context.edgar_per_head.value": "GHG emissions per capita in GCoM sectors_EDGAR [tCO2-eq/year]",
    "context.edgar_per_head.year": "reference years in EDGAR",
    "context.nuts3": "NUTS3",
    "context.degree_of_urbanisation": "degree of urbanisation",
    "covenant.id": "GCoM_ID",
    "covenant.adhesion_year": "Year of adhesion",
    "covenant.target_2020": "Mitigation reduction target 2020 [%]",
    "covenant.target_2030": "Mitigation reduction target 2030 [%]",
}
"""Where each field stands in the context table."""


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
            drafts.note(
                "id-twice",
                f"{code} is here again; the first was kept.",
                line.where("GCoM_ID"),
                "warning",
            )
            drafts.aside["identifier here before"] += 1
        else:
            seen.add(code)
            _signatory(line, drafts)
    return drafts.done(len(found))


def _signatory(line: Line, drafts: Drafts) -> None:
    country = drafts.country(line.text("country code"), line.where("country code"))
    if country is None:
        return
    wholes = {"population.value", "context.heating_degree_days.year", "context.edgar_per_head.year"}
    wholes |= {"context.degree_of_urbanisation", "covenant.adhesion_year"}
    texts = {"name", "country", "context.nuts3", "covenant.id"}
    values: dict[str, Any] = {
        path: line.text(header)
        if path in texts
        else line.whole(header)
        if path in wholes
        else tidy(line.number(header))
        if path not in {"location.lat", "location.lon"}
        else line.number(header)
        for path, header in _COLUMNS.items()
    }
    values |= {"name": _name(line.text("signatory name")), "country": country}
    if len(values["name"]) > 100:
        drafts.note(
            "name-shortened",
            "The name was cut before its list of members.",
            line.where("signatory name"),
        )
        values["name"] = values["name"].partition(":")[0][:100].strip()
    _population(values, line)
    if values["context.degree_of_urbanisation"] not in {1, 2, 3, None}:
        found = f"A degree of urbanisation of {values['context.degree_of_urbanisation']} is none of 1 to 3: read as not known."
        drafts.tally("value-unknown", found, line.where("degree of urbanisation"))
        values["context.degree_of_urbanisation"] = None
    if (
        values["location.lat"] is None
        or values["location.lon"] is None
        or values["location.lat"] == values["location.lon"] == 0
    ):
        values["location.lat"] = values["location.lon"] = None
    for figure in ("heating_degree_days", "gdp_per_head", "edgar_per_head"):
        if values.get(f"context.{figure}.value") is None:
            values[f"context.{figure}.year"] = None
    if values["context.edgar_per_head.value"] is not None:
        values["context.edgar_per_head.kind"] = "estimated"
    nested = {path.split(".")[0] for path, v in values.items() if v is not None}
    values["sources"] = sources_of(dict.fromkeys(nested), SOURCE)
    drafts.add(values, line, _COLUMNS, line.text("GCoM_ID"))


def _population(values: dict[str, Any], line: Line) -> None:
    """Take the population of 2018, or that of the year of adhesion where it is missing."""
    if not values["population.value"]:
        values["population.value"] = line.whole("population adhesion year") or None
        if values["population.value"]:
            values["population.note"] = "in the year of adhesion"
    else:
        values["population.note"] = "2018"


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
    groups: dict[tuple[str, int | None], list[Line]] = defaultdict(list)
    for line in found:
        groups[line.text("GCoM_ID"), line.whole("inventory year")].append(line)
    items = [(code, year, (code, year, group)) for (code, year), group in groups.items() if code]
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
    sums: dict[str, float] = defaultdict(float)
    for each in group:
        label = each.text("emission inventory sector")
        sector = COVENANT.find(label) or CRF.find(label)
        value = each.number("emissions")
        if sector is None or sector.field is None:
            drafts.note(
                "sector-unknown",
                f"{label!r} is no sector that is known; it was not added.",
                each.where("emission inventory sector"),
                "warning",
            )
        elif value is not None:
            sums[sector.field] += value
    name = line.text("signatory name") or options.names.get(code.upper(), "")
    values: dict[str, Any] = {
        "name": _name(name) if name else code,
        "country": country,
        "covenant.id": code,
        "emissions.year": year,
        "emissions.form": "city",
        "emissions.boundary": "city",
        "emissions.boundary_population": line.whole("population in the inventory year"),
        "emissions.sectors": {f: tidy(v) for f, v in sums.items()},
        "emissions.unit_as_printed": line.text("emission reporting unit", "unit"),
        "sources": [{"of": ["covenant", "emissions"], "from": [SOURCE]}],
    }
    if not name:
        _nameless(code, line, drafts)
    drafts.add(values, line, {"emissions.year": "inventory year", "covenant.id": "GCoM_ID"}, code)


def _nameless(code: str, line: Line, drafts: Drafts) -> None:
    drafts.tally(
        "name-is-a-code",
        "The table has codes and no names: the profile is called by its code. Give a table of names with --names.",
        line.grid.at(line.row),
    )


def read_totals(grids: Sequence[Grid], options: Options) -> Imported:
    """Return city totals of a compilation (``actor_id``, ``year``, ``total_emissions``); the newest a city.

    Identifiers are UN/LOCODEs; without names for them a profile is called by its code, which is told.
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
            _nameless(code, line, drafts)
        values = {
            "name": name or code,
            "country": country,
            "emissions.year": line.whole("year"),
            "emissions.form": "city",
            "emissions.boundary": "city",
            "emissions.sectors": {},
            "emissions.total_printed": tidy(line.number("total_emissions")),
            "emissions.note": f"UN/LOCODE {code}; {line.text('datasource_id')}",
            "sources": [
                {
                    "of": ["emissions"],
                    "from": ["Covenant of Mayors totals, compiled by Data-Driven EnviroLab 2022"],
                }
            ],
        }
        drafts.add(
            values,
            line,
            {"emissions.total_printed": "total_emissions", "emissions.year": "year"},
            code,
        )
    return drafts.done(len(found))
