"""From the sheets of a file to raw records: the list of cities, and the sheets that stand beside it.

The list is the sheet ``cities``, the one that the mapping names, in a form the only one with its header, or the first
that has rows. Beside ``cities`` there may be ``emissions`` (a row a city, or a row a cell with ``id``, ``sector`` and
``value``), ``readiness``, ``one city`` (a form, a row a field), ``sources`` and ``host_units``; the template has all.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import replace
from typing import Any, Final

from twinmatch.cohort import nearest
from twinmatch.errors import DataError, Problem, Where
from twinmatch.reading.grid import Grid, Raw, is_empty, leaves, put, text
from twinmatch.reading.headers import find_header
from twinmatch.reading.mapping import Mapping, columns
from twinmatch.reading.table import table_records
from twinmatch.reading.values import is_finite, mass, parse
from twinmatch.schema import HostUnit
from twinmatch.validate import Record
from twinmatch.vocabulary.taxonomy import SECTOR_FIELDS
from twinmatch.wording import say

SIDE_SHEETS: Final = ("emissions", "readiness", "participation")
"""Sheets with further columns of the cities, one row a city, by its id."""

FORM: Final = "one city"
_OURS: Final = frozenset(
    ("cities", FORM, "sources", "host_units", "about", "fields", "levels", "instructions", "lists")
) | set(SIDE_SHEETS)
"""Sheets of the template."""

NEWEST_TEMPLATE: Final = 2


def raw_of(grids: Sequence[Grid], mapping: Mapping | None = None) -> Raw:
    """Return the records of a file's sheets, unchecked, with what was met on the way."""
    mapping = mapping or Mapping()
    by_name = {grid.sheet: grid for grid in grids}
    renamed = _renamed(grids, by_name)
    if renamed is not None:
        by_name["cities"] = renamed
    main = _main(grids, by_name, mapping)
    if main is not by_name.get("cities"):
        return _tables(main, grids, mapping)
    told = _newer(by_name)
    is_read = _filled(main) or FORM not in by_name
    table = table_records(main, mapping) if is_read else Raw((), used=Mapping())
    form, more = _form(by_name[FORM]) if FORM in by_name else ([], [])
    cities, problems = [*table.cities, *form], [*table.problems, *more]
    if renamed is not None:
        says = "There is no sheet 'cities': {sheet} is read in its place."
        found = say(says, sheet=repr(renamed.sheet))
        told.append(
            Problem("sheet-renamed", found, renamed.at(), say("Name it 'cities'."), "warning")
        )
    if FORM in by_name and not cities and not problems:
        says = "Nothing is filled in: neither 'cities' nor {FORM} has a city."
        found = say(says, FORM=repr(FORM))
        do = say(
            "Fill a row of the sheet 'cities' for each city; the row with examples does not count."
        )
        told.append(Problem("form-empty", found, Where(main.file), do))
    beside = _Beside(cities)
    for name in SIDE_SHEETS:
        if name in by_name:
            problems += beside.add_side(by_name[name])
    if "sources" in by_name:
        problems += beside.add_sources(by_name["sources"])
    units = by_name.get("host_units")
    of_units = table_records(units, model=HostUnit) if units else Raw(())
    for record in cities:
        if "emissions" in record.data:
            record.data["emissions"].setdefault("sectors", {})
    others = [g for g in grids if g.sheet not in _OURS and g is not renamed]
    told += _unread([g for g in others if not g.is_hidden])
    problems = [*told, *problems, *of_units.problems]
    return replace(table, cities=tuple(cities), units=of_units.cities, problems=tuple(problems))


def _tables(main: Grid, grids: Sequence[Grid], mapping: Mapping) -> Raw:
    """Return the records of the main sheet and of those of its shape, such as one a country; others are named."""
    others = [g for g in grids if g is not main and mapping.sheet is None and not g.is_hidden]
    shown = [g for g in others if _filled(g)]
    names = find_header(main, mapping).names if shown else ()
    like = {id(g) for g in shown if find_header(g, mapping).names == names}
    alike = [g for g in grids if g is main or id(g) in like]
    tables = [table_records(g, mapping) for g in alike]
    told = [p for t in tables for p in t.problems] + _unread([g for g in grids if g not in alike])
    used = tables[0].used or mapping
    if len(alike) > 1:
        says = "{n} sheets of one shape are read as one table: {names}."
        found = say(says, n=len(alike), names=", ".join(g.sheet for g in alike))
        told.append(Problem("sheets-together", found, main.at(), level="warning"))
        used = replace(used, header_row=None)
    elif len(grids) > 1:
        used = replace(used, sheet=main.sheet)
    return replace(
        tables[0],
        cities=tuple(r for t in tables for r in t.cities),
        problems=tuple(told),
        questions=tuple(dict.fromkeys(q for t in tables for q in t.questions)),
        contacts={city: who for t in tables for city, who in t.contacts.items()},
        used=used,
    )


def _unread(grids: Sequence[Grid]) -> list[Problem]:
    """Return a warning for each sheet with rows that was not read."""
    told = []
    for g in grids:
        if any(not is_empty(cells) for _, cells in g.rows):
            hidden = "hidden " if g.is_hidden else ""
            says = "The {hidden}sheet {sheet} ({n} rows) was not read."
            found = say(says, hidden=hidden, sheet=repr(g.sheet), n=len(g.rows))
            do = say('To read it instead: sheet = "{sheet}" in the mapping file.', sheet=g.sheet)
            told.append(Problem("sheet-not-read", found, g.at(), do, "warning"))
    return told


def _renamed(grids: Sequence[Grid], by_name: dict[str, Grid]) -> Grid | None:
    """Return the sheet of a form that lists cities under another name than 'cities', if there is one."""
    if "cities" in by_name or FORM not in by_name:
        return None
    lists = [g for g in grids if {"id", "name", "country"} <= set(find_header(g, Mapping()).names)]
    return lists[0] if len(lists) == 1 else None


def _main(grids: Sequence[Grid], by_name: dict[str, Grid], mapping: Mapping) -> Grid:
    if mapping.sheet is not None:
        named = {grid.sheet: grid for grid in grids}
        if mapping.sheet not in named:
            do = nearest(mapping.sheet, {name: name for name in named})
            found = say("There is no sheet {sheet}.", sheet=repr(mapping.sheet))
            raise DataError.of("sheet-missing", found, Where(grids[0].file), do)
        return named[mapping.sheet]
    if "cities" in by_name:
        return by_name["cities"]
    first, *others = sorted(grids, key=lambda g: (g.is_hidden, not g.is_active))
    return first if not others else next((g for g in (first, *others) if _filled(g)), first)


def _filled(grid: Grid) -> list[tuple[int, tuple[Any, ...]]]:
    """Return the rows below the header that hold anything."""
    header = find_header(grid, Mapping())
    return [(row, cells) for row, cells in grid.rows if row > header.row and not is_empty(cells)]


def _newer(by_name: dict[str, Grid]) -> list[Problem]:
    """Return a warning where the form was made by a version of twinmatch that is newer than this one."""
    rows = by_name["about"].rows if "about" in by_name else ()
    about = {text(c[0]): text(c[1]) for _, c in rows if len(c) > 1}
    version = about.get("template", "")
    if version.isdigit() and int(version) > NEWEST_TEMPLATE:
        says = "The form is of version {version}; this twinmatch knows versions up to {NEWEST_TEMPLATE}."
        found = say(says, version=version, NEWEST_TEMPLATE=NEWEST_TEMPLATE)
        do = say("Columns that it does not know are listed below; a newer twinmatch reads them.")
        return [Problem("template-newer", found, by_name["about"].at(), do, "warning")]
    return []


def _form(grid: Grid) -> tuple[list[Record], list[Problem]]:
    """Return the record of the one-city form, none where nobody filled it in."""
    start = next((k for k, (_, c) in enumerate(grid.rows) if c and text(c[0]) == "field"), None)
    if start is None:
        return [], []
    header = [text(cell) for cell in grid.rows[start][1]]
    answer = header.index("your answer") if "your answer" in header else 2
    long = ((row, c) for row, c in grid.rows[start + 1 :] if len(c) > answer)
    said = ((row, text(c[0]), c[answer]) for row, c in long)
    answers = [(row, name, cell) for row, name, cell in said if name and text(cell)]
    if not answers:
        return [], []
    # The form is the table laid on its side: read it as a table of one row, then give each field its own place.
    _, names, cells = zip(*answers, strict=True)
    table = table_records(Grid(grid.file, grid.sheet, ((1, names), (2, cells))))
    rows = {path: grid.at(row, path) for row, path, _ in answers}
    top = grid.at(grid.rows[start][0])
    moved = [replace(p, where=rows.get(p.where.column, top)) for p in table.problems]
    return [replace(r, where=grid.at(), elsewhere=rows) for r in table.cities], moved


class _Beside:
    """The cities of the list by id, into which the sheets beside it are put."""

    def __init__(self, cities: list[Record]) -> None:
        self.cities = cities
        self.by_id = {str(r.data.get("id", "")): k for k, r in enumerate(cities)}

    def put(self, city: str, values: Iterable[tuple[str, Any, Where]]) -> None:
        """Put values at dotted paths into the record of a city, each with its place."""
        record = self.cities[self.by_id[city]]
        places = {path: where for path, _, where in values}
        for path, value, _ in values:
            put(record.data, path, value)
        self.cities[self.by_id[city]] = replace(record, elsewhere={**record.elsewhere, **places})

    def add_side(self, grid: Grid) -> list[Problem]:
        """Put the columns of a side sheet into the cities' records; return what does not fit."""
        header = find_header(grid, Mapping(), other=frozenset({"sector", "value", "unit"}))
        if grid.sheet == "emissions" and {"sector", "value"} & set(header.names):
            return self._add_cells(grid)
        with_units, problems = _in_tonnes(grid)
        side = table_records(with_units, is_side=True)
        for record in side.cities:
            city = str(record.data.pop("id", "")).strip()
            if city in self.by_id:
                self.put(city, [(p, v, record.place(p)) for p, v in leaves(record.data)])
            else:
                problems.append(_no_city(city, record.where))
        return [*problems, *side.problems]

    def _add_cells(self, grid: Grid) -> list[Problem]:
        """Put the cells of an emissions sheet with a row a cell into the cities' records."""
        names = ("id", "sector", "value")
        header = find_header(grid, Mapping(), other=frozenset(names))
        lines, problems = _named(grid, header.row, header.names, names)
        for row, (city, sector, value) in lines:
            if text(city) not in self.by_id:
                problems.append(_no_city(text(city), grid.at(row)))
            elif text(sector) not in SECTOR_FIELDS:
                do = nearest(text(sector), {s: s for s in SECTOR_FIELDS})
                found = say("There is no sector {p}.", p=repr(text(sector)))
                problems.append(Problem("sector-unknown", found, grid.at(row, "sector"), do))
            elif text(value):
                said = value.strip() if isinstance(value, str) else value
                path = f"emissions.sectors.{text(sector)}"
                self.put(text(city), [(path, said, grid.at(row, "value"))])
        return problems

    def add_sources(self, grid: Grid) -> list[Problem]:
        """Put the rows of the sources sheet into the cities' records, in their order.

        Its columns are id, entry, of, from and, where stated, year and after_pairing ("yes").
        """
        if not grid.rows:
            return []
        heads = tuple(text(cell) for cell in grid.rows[0][1])
        needed, more = ("id", "entry", "of", "from"), ("year", "after_pairing")
        lines, problems = _named(grid, grid.rows[0][0], heads, needed, more)
        entries: dict[tuple[str, str], dict[str, Any]] = {}
        for row, cells in lines:
            city, entry, of, source, *stated = map(text, cells)
            if city not in self.by_id:
                problems.append(_no_city(city, grid.at(row)))
                continue
            blocks = [part.strip() for part in of.split(";") if part.strip()]
            item = entries.setdefault((city, entry), {"of": blocks, "from": []})
            item["from"].append(source)
            item |= {name: said for name, said in zip(more, stated, strict=True) if said}
        for (city, _), item in entries.items():
            self.cities[self.by_id[city]].data.setdefault("sources", []).append(item)
        return problems


def _named(
    grid: Grid, row: int, heads: Sequence[str], needed: Sequence[str], more: Sequence[str] = ()
) -> tuple[list[tuple[int, list[Any]]], list[Problem]]:
    """Return the cells of filled rows under some headers, None where there is none, or what is missing."""
    if lacking := [name for name in needed if name not in heads]:
        found = (f"The sheet has no column {name!r}." for name in lacking)
        return [], [Problem("column-missing", said, grid.at(row)) for said in found]
    at = [heads.index(n) if n in heads else len(heads) for n in (*needed, *more)]
    filled = [(k, cells) for k, cells in grid.rows if k > row and not is_empty(cells)]
    return [(row, [c[i] if i < len(c) else None for i in at]) for row, c in filled], []


def _in_tonnes(grid: Grid) -> tuple[Grid, list[Problem]]:
    """Return the sheet without its column ``unit``, its emissions turned into tonnes by it, row by row."""
    header = find_header(grid, Mapping(), other=frozenset({"unit"}))
    if "unit" not in header.names:
        return grid, []
    at, problems, rows = header.names.index("unit"), [], []
    fields = [t.field if t else "" for t in header.targets]
    masses = [i for i, f in enumerate(fields) if f and columns()[f].unit == "t CO2e"]
    for row, cells in grid.rows:
        kept = list(cells)
        word = text(kept[at]) if at < len(kept) else ""
        kept[at : at + 1] = [None] * (at < len(kept))
        if row > header.row and word and not is_empty(tuple(kept)):
            if found := mass(word):
                _scale(kept, masses, found.tonnes)
            else:
                what = say("{word} is no unit of mass that is known.", word=repr(word))
                do = say("Write t, kt or Mt.")
                problems.append(Problem("unit-unknown", what, grid.at(row, "unit"), do))
        rows.append((row, tuple(kept)))
    return replace(grid, rows=tuple(rows)), problems


def _scale(cells: list[Any], positions: Sequence[int], factor: float) -> None:
    for i in positions:
        if i >= len(cells) or factor == 1.0:
            continue
        number = parse(text(cells[i])) if isinstance(cells[i], str) else None
        value = next(iter(number.readings.values())) if number and number.is_sure else cells[i]
        if isinstance(value, int | float) and not isinstance(value, bool) and is_finite(value):
            cells[i] = float(f"{value * factor:.15g}")


def _no_city(name: str, where: Where) -> Problem:
    place = Where(where.file, where.sheet, where.row, "id")
    return Problem(
        "reference-unknown", say("{name} has no row among the cities.", name=repr(name)), place
    )
