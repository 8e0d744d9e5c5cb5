"""A folder of returned forms becomes one set of profiles, with what each city left open."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass
from pathlib import Path

from twinmatch.errors import DataError, Problem, QuestionError, Where
from twinmatch.reading import TABLES, Mapping, read_raw
from twinmatch.reading.grid import not_linked_out
from twinmatch.schema import City, HostUnit
from twinmatch.validate import Record, in_order, profiles

ASKED = (
    *("location", "population", "languages", "commitment", "participation", "needs", "offers"),
    *("challenges", "strengths", "levers_needed", "levers_offered", "readiness", "emissions"),
)
"""The blocks that a form asks for, by which it is told what is missing."""


@dataclass(frozen=True)
class Returned:
    """What came back: files read, cities and units of them, what each city left open, and every problem."""

    files: tuple[str, ...]
    rows: int
    cities: tuple[City, ...]
    units: tuple[HostUnit, ...]
    missing: dict[str, tuple[str, ...]]
    problems: tuple[Problem, ...]


def merge_forms(folder: Path, mapping: Mapping | None = None) -> Returned:
    """Return the cities of every table in a folder; of a city that came twice, the newer version.

    A file that cannot be read is a problem among the others. Two forms of one city that differ and say no
    version or date are an error, and the city is left out: nobody can know which is meant.
    """
    if not folder.is_dir():
        do = "Name the folder into which the returned forms were put."
        raise QuestionError(
            Problem("no-such-folder", "There is no such folder.", Where(str(folder)), do)
        )
    paths = sorted(
        p
        for p in folder.iterdir()
        if p.suffix.lower() in TABLES and not p.name.startswith((".", "~"))
    )
    records, units, problems = _read_all(paths, mapping)
    known, wrong = profiles(records, City)
    known_units, wrong_units = profiles(units, HostUnit)
    chosen, doubles = _one_each(known)
    problems += [*wrong, *wrong_units, *doubles]
    if not paths:
        problems.append(
            Problem("no-forms", "There are no tables in this folder.", Where(str(folder)))
        )
    cities = tuple(sorted(chosen, key=lambda c: c.id))
    return Returned(
        tuple(p.name for p in paths),
        len(records),
        cities,
        tuple(unit for unit, _ in known_units),
        {c.id: missing_of(c) for c in cities},
        tuple(in_order(problems)),
    )


def missing_of(city: City) -> tuple[str, ...]:
    """Return the blocks that a city left open, and the dimensions of readiness where it filled only some."""
    found = [block for block in ASKED if not getattr(city, block)]
    if city.readiness and len(city.readiness) < 10:
        found.append(f"readiness ({10 - len(city.readiness)} of 10 dimensions)")
    return tuple(found)


def _read_all(
    paths: list[Path], mapping: Mapping | None
) -> tuple[list[Record], list[Record], list[Problem]]:
    records: list[Record] = []
    units: list[Record] = []
    problems: list[Problem] = []
    for path in paths:
        try:
            not_linked_out(path, path.parent)
            raw = read_raw(path, mapping)
        except DataError as error:
            problems += error.problems
            continue
        records += raw.cities
        units += raw.units
        problems += raw.problems
        if not raw.cities and not any(p.level == "error" for p in raw.problems):
            problems.append(
                Problem("form-empty", "Nothing was filled in.", Where(path.name), level="warning")
            )
    return records, units, problems


def _one_each(known: list[tuple[City, Record]]) -> tuple[list[City], list[Problem]]:
    """Return one profile a city: the newest where versions tell, and errors where they do not."""
    by_id: dict[str, list[tuple[City, Record]]] = defaultdict(list)
    for city, record in known:
        by_id[city.id].append((city, record))
    chosen: list[City] = []
    problems: list[Problem] = []
    for city_id, forms in by_id.items():
        newest = max(forms, key=lambda f: _age(f[0]))
        rivals = [f for f in forms if _age(f[0]) == _age(newest[0]) and f[0] != newest[0]]
        if not rivals:
            chosen.append(newest[0])
        for city, record in forms:
            if (city, record) == newest or (city == newest[0] and record is not newest[1]):
                continue
            problems.append(_double(city_id, newest[1], record, is_rival=bool(rivals)))
    return chosen, problems


def _age(city: City) -> tuple[int, str]:
    version = city.version
    return ((version.number or 0), (version.date or "")) if version else (0, "")


def _double(city_id: str, newest: Record, other: Record, *, is_rival: bool) -> Problem:
    if is_rival:
        found = (
            f"{city_id!r} came back twice with different answers; the other is in {newest.where}."
        )
        do = "Keep one, or give the newer one a higher version number."
        return Problem("city-twice", found, other.place("id"), do)
    found = (
        f"{city_id!r} came back in a newer version, in {newest.where}; this one was passed over."
    )
    return Problem("form-older", found, other.place("id"), level="note")
