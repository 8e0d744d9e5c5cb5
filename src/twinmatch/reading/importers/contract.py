"""The emissions table of a Climate City Contract, in its three forms: GPC sectors, economic sectors, the city's own.

A table has a row a sector and a column of totals or of scopes, or a row a city and a column a sector. Of the city's
own form only lines whose wording is known are taken; every other line is told and left out, since nothing is split.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final

from twinmatch.errors import DataError, Problem, Where
from twinmatch.reading.grid import Grid, is_empty, text
from twinmatch.reading.importers.base import (
    Drafts,
    Imported,
    Options,
    as_number,
    labels,
    tidy,
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
)

SOURCE: Final = "Climate City Contract, emissions table"

OWN: Final = (CONTRACT_GPC, CONTRACT_ECONOMIC, EOI, CRF, COVENANT)
"""Where the wording of a city's own form is looked up, in this order."""

TOTALS: Final = frozenset(
    {
        "total",
        "total emissions",
        "total ghg emissions",
        "sum",
        "gesamt",
        "summe",
        "totale",
        "total general",
        "grand total",
    }
)
REMOVALS: Final = frozenset(
    {
        "sinks",
        "carbon sinks",
        "removals",
        "lulucf",
        "afolu sinks",
        "land use sinks",
        "carbon removals",
        "natural sinks",
    }
)
_SECTOR_HEADS: Final = frozenset(
    {"sector", "sectors", "source sector", "emission sector", "source"}
)
_AMOUNTS: Final = frozenset(
    {
        "total",
        "emissions",
        "value",
        "amount",
        "base year emissions",
        "ghg emissions",
        "baseline",
        "total emissions",
    }
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
        tables = wide if wide is not None else _tall(grid, options)
        for about, entries in tables:
            rows += len(entries)
            try:
                _inventory(about, entries, options, drafts, grid)
            except DataError as error:
                problems += error.problems
    if problems:
        raise DataError(problems)
    if not rows:
        found = "There is no table with a row a sector, or a column a sector."
        do = "Needed: a column 'Sector' and one of totals or scopes; or columns City, Country and sectors."
        raise DataError(Problem("not-this-format", found, Where(grids[0].file), do))
    return drafts.done(rows)


Table = tuple[dict[str, str], list[InventoryEntry]]


def _wide(grid: Grid) -> list[Table] | None:
    """Return the tables of a sheet with a row a city, None where it has another shape."""
    for k, (_, cells) in enumerate(grid.rows[:20]):
        names = [" ".join(text(c).split()) for c in cells]
        heads = [plain(n.replace(_unit(n), "")) for n in names]
        known = [i for i, h in enumerate(heads) if _known(h) or h in TOTALS or h in REMOVALS]
        if len(known) >= 3 and {"city", "name"} & set(heads):
            return [
                _row_table(grid, row, c, names, heads, known)
                for row, c in grid.rows[k + 1 :]
                if not is_empty(c)
            ]
    return None


def _row_table(
    grid: Grid,
    row: int,
    cells: tuple[Any, ...],
    names: list[str],
    heads: list[str],
    known: list[int],
) -> Table:
    def at(i: int) -> str:
        return text(cells[i]) if i < len(cells) else ""

    about = {h: at(i) for i, h in enumerate(heads) if i not in known and at(i)}
    entries = [
        _entry(heads[i], at(i), _unit(names[i]) or about.get("unit", "t"), grid.at(row, names[i]))
        for i in known
        if at(i)
    ]
    return about, entries


def _tall(grid: Grid, options: Options) -> list[Table]:
    """Return the table of a sheet with a row a sector, none where it has no such header."""
    for k, (_, cells) in enumerate(grid.rows[:40]):
        names = [" ".join(text(c).split()) for c in cells]
        heads = [plain(n.replace(_unit(n), "")) for n in names]
        sector = next((i for i, h in enumerate(heads) if h in _SECTOR_HEADS), None)
        if sector is None:
            continue
        amount = [i for i, h in enumerate(heads) if h in _AMOUNTS]
        scopes = [i for i, h in enumerate(heads) if h.startswith("scope ")]
        used = amount[-1:] or scopes
        if not used:
            continue
        about = {name: value for name, (value, _) in labels(grid, k).items()}
        unit = (
            next((_unit(names[i]) for i in used if _unit(names[i])), "")
            or about.get("unit", "")
            or "t"
        )
        entries = [
            _summed_entry(grid, row, cells, sector, used, names, unit)
            for row, cells in grid.rows[k + 1 :]
            if len(cells) > sector and text(cells[sector])
        ]
        return [(about, [e for e in entries if e.value is not None or e.key])]
    return []


def _summed_entry(
    grid: Grid,
    row: int,
    cells: tuple[Any, ...],
    sector: int,
    used: list[int],
    names: list[str],
    unit: str,
) -> InventoryEntry:
    """Return the line of a sector: its total, or its scopes added."""
    parts = [
        _entry(text(cells[sector]), text(cells[i]), unit, grid.at(row, names[i]))
        for i in used
        if i < len(cells) and text(cells[i])
    ]
    numbers = [p.value for p in parts if p.value is not None]
    keys = [p.key for p in parts if p.key]
    where = parts[0].where if parts else grid.at(row)
    key = together(keys) if keys and not numbers else None
    return InventoryEntry(text(cells[sector]), sum(numbers) if numbers else None, key, where)


def _entry(label: str, cell: str, unit: str, where: Where) -> InventoryEntry:
    key = notation(cell)
    if key:
        return InventoryEntry(label, None, key, where)
    number = parse(cell)
    found = mass(number.unit if number and number.unit else unit)
    if number is None or found is None or (not number.is_sure and as_number(cell) is None):
        return InventoryEntry(label, None, None, where)
    value = (
        as_number(cell.replace(number.unit, ""))
        if not number.is_sure
        else next(iter(number.readings.values()))
    )
    return InventoryEntry(label, None if value is None else value * found.tonnes, None, where)


def _unit(header: str) -> str:
    """Return the unit of emissions in a header's brackets; other words in brackets are part of the wording."""
    found = unit_in(header)
    return found if mass(found) else ""


def _known(label: str) -> Sector | None:
    return next((s for standard in OWN if (s := standard.find(label))), None)


def form_of(names: Sequence[str]) -> tuple[str, Standard | None]:
    """Return the form that a list of sector wordings is, and its standard; ``city`` where it is neither."""
    wordings = [plain(n) for n in names if plain(n) not in TOTALS | REMOVALS]
    if any(w in _ONLY_ECONOMIC for w in wordings) and all(
        CONTRACT_ECONOMIC.find(w) for w in wordings
    ):
        return "economic", CONTRACT_ECONOMIC
    if wordings and all(CONTRACT_GPC.find(w) for w in wordings):
        return "gpc", CONTRACT_GPC
    if wordings and all(CONTRACT_ECONOMIC.find(w) for w in wordings):
        return "economic", CONTRACT_ECONOMIC
    return "city", None


def _inventory(
    about: dict[str, str],
    entries: list[InventoryEntry],
    options: Options,
    drafts: Drafts,
    grid: Grid,
) -> None:
    if not entries:
        return
    name = options.city or about.get("city") or about.get("name") or ""
    word = (
        options.country
        or about.get("country")
        or about.get("country code")
        or about.get("iso2")
        or ""
    )
    if not name or not word:
        found = (
            "The table does not say its city."
            if not name
            else "The table does not say its country."
        )
        raise DataError(
            Problem("city-not-said", found, grid.at(), "Give --city NAME and --country CODE.")
        )
    country = drafts.country(word, entries[0].where)
    if country is None:
        return
    form, standard = form_of([e.label for e in entries])
    sectors, total, removals = _added(entries, standard, drafts)
    year = options.year or as_number(
        about.get("base year", "") or about.get("year", "") or about.get("inventory year", "")
    )
    people = as_number(about.get("population", ""))
    values: dict[str, Any] = {
        "name": name,
        "country": country,
        "emissions.year": round(year) if year else None,
        "emissions.form": form,
        "emissions.boundary": about.get("boundary")
        if about.get("boundary") in {"city", "district", "joint", "metropolitan"}
        else "city",
        "emissions.boundary_note": about.get("boundary") or "not stated",
        "emissions.boundary_population": round(people) if people else None,
        "emissions.sectors": sectors,
        "emissions.removals": tidy(removals) if removals < 0 else None,
        "emissions.total_printed": tidy(total),
        "emissions.unit_as_printed": about.get("unit"),
        "sources": [{"of": ["emissions"], "from": [SOURCE]}],
    }
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
            drafts.note(
                "sector-unknown",
                found,
                entry.where,
                "warning",
                "Rename it to a sector, or put it under 'Other'.",
            )
        elif entry.value is not None:
            numbers[sector.field] = numbers.get(sector.field, 0.0) + entry.value
        elif entry.key:
            keys.setdefault(sector.field, []).append(entry.key)
    sectors: dict[str, Any] = {name: together(found) for name, found in keys.items()}
    return sectors | {name: tidy(value) for name, value in numbers.items()}, total, removals
