"""Carbon Monitor Cities: modelled CO2 of functional urban areas, 2019 to 2021, five sectors.

Source: Huo et al. 2022, Scientific Data 9, 533 (doi:10.1038/s41597-022-01657-z), CC BY 4.0. They are estimates of CO2
alone for an area wider than the city, and are marked so; an absent sector is absent, not zero.
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
    tidy,
)
from twinmatch.reading.values import mass
from twinmatch.vocabulary.taxonomy import CARBON_MONITOR

SOURCE: Final = "Carbon Monitor Cities: Huo et al. 2022, Scientific Data 9, 533 (doi:10.1038/s41597-022-01657-z), CC BY 4.0"


def read_carbon_monitor(grids: Sequence[Grid], options: Options) -> Imported:
    """Return the estimates of European cities; the newest year a city, or the year asked for."""
    drafts = Drafts()
    found = first_with(grids, "city_name", "locode", "year", "sector", "emissions_value")
    groups: dict[tuple[str, int | None], list[Line]] = defaultdict(list)
    for line in found:
        groups[line.text("locode"), line.whole("year")].append(line)
    items = [(code, year, (code, year, group)) for (code, year), group in groups.items()]
    for code, year, group in latest(items, options.year, drafts):
        country = drafts.country(code[:2], group[0].where("locode"))
        if country is not None:
            _city(code, country, year, group, drafts)
    return drafts.done(len(found))


def _city(code: str, country: str, year: int | None, group: list[Line], drafts: Drafts) -> None:
    sums: dict[str, float] = defaultdict(float)
    for line in group:
        sector = CARBON_MONITOR.find(line.text("sector"))
        unit = mass(line.text("emissions_units") or "kg")
        value = line.number("emissions_value")
        if sector is None or sector.field is None or unit is None:
            found = f"{line.text('sector')!r} in {line.text('emissions_units')!r} is not known; it was not added."
            drafts.note("sector-unknown", found, line.where("sector"), "warning")
        elif value is not None:
            sums[sector.field] += value * unit.tonnes
    values: dict[str, Any] = {
        "name": group[0].text("city_name"),
        "country": country,
        "emissions.year": year,
        "emissions.form": "city",
        "emissions.kind": "estimated",
        "emissions.boundary": "metropolitan",
        "emissions.boundary_note": "functional urban area",
        "emissions.sectors": {name: tidy(value) for name, value in sums.items()},
        "emissions.unit_as_printed": "kg CO2",
        "emissions.note": "Modelled CO2 alone, not a report of the city; other holds industry, fuel and process together.",
        "sources": [{"of": ["emissions"], "from": [SOURCE]}],
    }
    columns = {
        "name": "city_name",
        "emissions.sectors": "emissions_value",
        "emissions.year": "year",
    }
    drafts.add(values, group[0], columns, code)
