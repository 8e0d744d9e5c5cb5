"""The emissions table of a Climate City Contract, in its three forms: GPC sectors, economic sectors, the city's own.

A table has a row a sector and a column of totals or of scopes, or a row a city and a column a sector. Of the city's
own form only lines whose wording is known are taken; every other line is reported and left out, since nothing is split.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any, Final

from twinmatch.errors import DataError, Problem, Where
from twinmatch.reading.grid import Grid, is_empty, text
from twinmatch.reading.importers.base import (
    Drafts,
    Imported,
    Importer,
    Options,
    as_number,
    inventory,
    labels,
    other_format,
    said,
    tidy,
    whole,
    whose,
)
from twinmatch.reading.values import mass, parse, unit_in
from twinmatch.vocabulary.taxonomy import (
    CONTRACT_ECONOMIC,
    CONTRACT_GPC,
    COVENANT,
    CRF,
    EOI,
    Sector,
    Standard,
    notation,
    plain,
    together,
    words,
)

SOURCE: Final = "Climate City Contract, emissions table"

OWN: Final = (CONTRACT_GPC, CONTRACT_ECONOMIC, EOI, CRF, COVENANT)
"""Where the wording of a city's own form is looked up, in this order."""

TOTALS: Final = words(
    "total; total emissions; total ghg emissions; sum; gesamt; summe; totale; total general; grand total"
)
REMOVALS: Final = words(
    "sinks; carbon sinks; removals; lulucf; afolu sinks; land use sinks; carbon removals; natural sinks"
)
_SECTOR_HEADS: Final = words("sector; sectors; source sector; emission sector; source")
_AMOUNTS: Final = words(
    "total; emissions; value; amount; base year emissions; ghg emissions; baseline; total emissions"
)
_ONLY_ECONOMIC: Final = frozenset(
    plain(label)
    for s in CONTRACT_ECONOMIC.sectors
    if s.field in {"other"} or s.label in {"Buildings & Heating"}
    for label in (s.label, *s.also)
) - {"other", "buildings", "heating"}


@dataclass(frozen=True)
class InventoryEntry:
    """A line of a table: the sector's wording, the number in t CO2e or the notation key, and its place."""

    label: str
    value: float | None
    key: str | None
    where: Where


def read_contract(grids: Sequence[Grid], options: Options) -> Imported:
    """Return the inventories of contract tables: one city a sheet, or a row a city.

    Raises DataError where no sheet has such a table, or a table does not say its city and the caller did not.
    """
    drafts = Drafts()
    rows = 0
    problems: list[Problem] = []
    for grid in grids:
        wide = _wide(grid)
        for about, entries in _tall(grid) if wide is None else wide:
            rows += len(entries)
            try:
                _inventory(about, entries, options, drafts, grid.at())
            except DataError as error:
                problems += error.problems
    if problems:
        raise DataError(problems)
    if not rows:
        found = "there is no table with a row a sector, or a column a sector"
        do = "Needed: a column 'Sector' and one of totals or scopes; or columns City, Country and sectors."
        raise other_format(grids[0], found, do)
    return drafts.done(rows)


Table = tuple[dict[str, str], list[InventoryEntry]]


def _heads(cells: Sequence[Any]) -> tuple[list[str], list[str]]:
    """Return the names of columns, and their wordings in plain letters without a unit."""
    names = [" ".join(text(c).split()) for c in cells]
    return names, [plain(n.replace(_unit(n), "")) for n in names]


def _wide(grid: Grid) -> list[Table] | None:
    """Return the tables of a sheet with a row a city, None where it has another shape."""
    for k, (_, cells) in enumerate(grid.rows[:20]):
        names, heads = _heads(cells)
        known = {i for i, h in enumerate(heads) if _known(h) or h in TOTALS or h in REMOVALS}
        if len(known) >= 3 and {"city", "name"} & set(heads):
            below = [(row, c) for row, c in grid.rows[k + 1 :] if not is_empty(c)]
            return [_row_table(grid, row, c, names, heads, known) for row, c in below]
    return None


def _row_table(
    grid: Grid, row: int, cells: Sequence[Any], names: list[str], heads: list[str], known: set[int]
) -> Table:
    filled = [(i, text(c)) for i, c in enumerate(cells[: len(heads)]) if text(c)]
    about = {heads[i]: cell for i, cell in filled if i not in known}
    said = [(heads[i], c, _unit(names[i]), grid.at(row, names[i])) for i, c in filled if i in known]
    return about, [_entry(h, c, u or about.get("unit", "t"), where) for h, c, u, where in said]


def _tall(grid: Grid) -> list[Table]:
    """Return the table of a sheet with a row a sector, none where it has no such header."""
    for k, (_, cells) in enumerate(grid.rows[:40]):
        names, heads = _heads(cells)
        sector = next((i for i, h in enumerate(heads) if h in _SECTOR_HEADS), None)
        amount = [i for i, h in enumerate(heads) if h in _AMOUNTS]
        used = amount[-1:] or [i for i, h in enumerate(heads) if h.startswith("scope ")]
        if sector is None or not used:
            continue
        about = labels(grid, k)
        unit = next((u for i in used if (u := _unit(names[i]))), "") or about.get("unit", "") or "t"
        entries = []
        for row, below in grid.rows[k + 1 :]:
            label = text(below[sector]) if sector < len(below) else ""
            filled = [(i, cell) for i in used if i < len(below) and (cell := text(below[i]))]
            parts = [_entry(label, cell, unit, grid.at(row, names[i])) for i, cell in filled]
            if label and parts:
                entries.append(_sum_of(parts))
        return [(about, [e for e in entries if e.value is not None or e.key])]
    return []


def _sum_of(parts: list[InventoryEntry]) -> InventoryEntry:
    """Return the line of a sector: its total, or its scopes added."""
    numbers = [p.value for p in parts if p.value is not None]
    keys = [p.key for p in parts if p.key]
    key = together(keys) if keys and not numbers else None
    return replace(parts[0], value=sum(numbers) if numbers else None, key=key)


def _entry(label: str, cell: str, unit: str, where: Where) -> InventoryEntry:
    if key := notation(cell):
        return InventoryEntry(label, None, key, where)
    number = parse(cell)
    found = mass(number.unit if number and number.unit else unit)
    if number is None or found is None or (not number.is_sure and as_number(cell) is None):
        return InventoryEntry(label, None, None, where)
    value = next(iter(number.readings.values()))
    amount = value if number.is_sure else as_number(cell.replace(number.unit, ""))
    return InventoryEntry(label, None if amount is None else amount * found.tonnes, None, where)


def _unit(header: str) -> str:
    """Return the unit of emissions in a header's brackets; other words in brackets are part of the wording."""
    found = unit_in(header)
    return found if mass(found) else ""


def _known(label: str) -> Sector | None:
    return next((s for standard in OWN if (s := standard.find(label))), None)


def form_of(names: Sequence[str]) -> tuple[str, Standard | None]:
    """Return the form that a list of sector wordings is, and its standard; ``city`` where it is neither."""
    wordings = [plain(n) for n in names if plain(n) not in TOTALS | REMOVALS]
    is_economic = bool(wordings) and all(map(CONTRACT_ECONOMIC.find, wordings))
    if is_economic and _ONLY_ECONOMIC & set(wordings):
        return "economic", CONTRACT_ECONOMIC
    if wordings and all(map(CONTRACT_GPC.find, wordings)):
        return "gpc", CONTRACT_GPC
    return ("economic", CONTRACT_ECONOMIC) if is_economic else ("city", None)


def _inventory(
    about: dict[str, str],
    entries: list[InventoryEntry],
    options: Options,
    drafts: Drafts,
    at: Where,
) -> None:
    if not entries:
        return
    name, word = whose(options, about, at)
    country = drafts.country(word, entries[0].where)
    if country is None:
        return
    form, standard = form_of([e.label for e in entries])
    sectors, total, removals = _added(entries, standard, drafts)
    boundary = about.get("boundary", "")
    values = inventory(
        name,
        country,
        SOURCE,
        year=options.year or whole(as_number(said(about, "base year", "year", "inventory year"))),
        form=form,
        boundary=boundary if boundary in {"district", "joint", "metropolitan"} else "city",
        boundary_note=boundary or "not stated",
        boundary_population=whole(as_number(about.get("population", ""))),
        sectors=sectors,
        removals=tidy(removals) if removals < 0 else None,
        total_printed=tidy(total),
        unit_as_printed=about.get("unit"),
    )
    drafts.add(values, None, {}, name, entries[0].where)


def _added(
    entries: list[InventoryEntry], standard: Standard | None, drafts: Drafts
) -> tuple[dict[str, Any], float | None, float]:
    """Return the sectors, the printed total and the removals of a table."""
    numbers: dict[str, float] = {}
    keys: dict[str, list[str]] = {}
    total, removals = None, 0.0
    for entry in entries:
        word = plain(entry.label)
        sector = standard.find(word) if standard else _known(word)
        if word in TOTALS:
            total = entry.value
        elif entry.value is not None and (word in REMOVALS or entry.value < 0):
            removals -= abs(entry.value)
        elif sector is None or sector.field is None:
            found = f"{entry.label!r} is no sector that is known; its {entry.value or 0:,.0f} t were not added to any."
            do = "Rename it to a sector, or put it under 'Other'."
            drafts.unknown_sector(found, entry.where, do)
        elif entry.value is not None:
            numbers[sector.field] = numbers.get(sector.field, 0.0) + entry.value
        elif entry.key:
            keys.setdefault(sector.field, []).append(entry.key)
    sectors: dict[str, Any] = {name: together(found) for name, found in keys.items()}
    return sectors | {name: tidy(value) for name, value in numbers.items()}, total, removals


_TITLE: Final = "Climate City Contract tables (GPC, economic, own form)"
FORMATS: Final = {"contract": Importer(_TITLE, SOURCE, read_contract)}
