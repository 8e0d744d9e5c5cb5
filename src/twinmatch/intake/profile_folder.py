"""Profiles as files: written to a folder, merged from returned forms, compared; and the warnings accepted beside them.

A profile is a YAML file that people can read and change, and that says exactly what the profile says. Profiles are
written all or none, and nothing that stands there is overwritten unless asked for. An accepted warning is known by its
key, made of its code, its city, its field and what was found: when the value changes, so does the key, and the
warning is back.
"""

from __future__ import annotations

import hashlib
import json
import tomllib
from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Annotated, Any, Final, Literal, TypeVar

import yaml
from pydantic import PlainSerializer, TypeAdapter

from twinmatch.cohort import Cohort, nearest
from twinmatch.errors import DataError, Problem, QuestionError, Where
from twinmatch.files import write_files
from twinmatch.proposal.wire import Hidden, on_wire
from twinmatch.reading import TABLES, Mapping, Raw, read_raw
from twinmatch.reading.grid import leaves, not_linked_out
from twinmatch.reading.personal_data import redact
from twinmatch.reading.table_files import UNITS_FILE, parse_yaml
from twinmatch.schema import City, Dimension, HostUnit
from twinmatch.validate import Record, in_order, profiles
from twinmatch.wording import say

T = TypeVar("T")


class _Dumper(yaml.SafeDumper):
    """Folded texts, short lists on one line, no anchors."""

    def ignore_aliases(self, data: Any) -> bool:
        """Return that nothing is written as an alias: our reader refuses them."""
        return True


def _string(dumper: yaml.SafeDumper, text: str) -> yaml.ScalarNode:
    folds = len(text) > 80 and text == text.strip() and "\n" not in text and text.isprintable()
    return dumper.represent_scalar("tag:yaml.org,2002:str", text, style=">" if folds else None)


def _sequence(dumper: yaml.SafeDumper, items: list[Any]) -> yaml.SequenceNode:
    short = all(isinstance(i, str | int | float) and len(str(i)) < 40 for i in items)
    return dumper.represent_sequence("tag:yaml.org,2002:seq", items, flow_style=short)


_Dumper.add_representer(str, _string)
_Dumper.add_representer(list, _sequence)


def plain_profile(profile: City | HostUnit) -> dict[str, Any]:
    """Return the fields of a profile that say something: without what is not known and what is the default."""
    return profile.model_dump(mode="json", by_alias=True, exclude_defaults=True)


def to_yaml(profile: City | HostUnit | list[HostUnit]) -> str:
    """Return a profile, or a list of host units, as YAML; reading it gives the same profile."""
    is_list = isinstance(profile, list)
    content = [*map(plain_profile, profile)] if is_list else plain_profile(profile)  # type: ignore[arg-type]
    return str(yaml.dump(content, Dumper=_Dumper, sort_keys=False, allow_unicode=True, width=100))


Existing = Literal["refuse", "replace", "merge"]
"""What is done with profiles that are there already."""


def write_profiles(
    cities: Sequence[City], units: Sequence[HostUnit], out: Path, existing: Existing = "refuse"
) -> tuple[list[Path], list[Problem]]:
    """Return the files written, one a city and one for the units, and notes on what a merge kept.

    ``refuse``: raise QuestionError that names every file that is already there. ``replace``: overwrite them.
    ``merge``: fill only the blocks that the profile there leaves empty; what it says is kept,
    and of host units those that are there, with the new ones beside them.
    """
    notes: list[Problem] = []
    here = [c for c in cities if (out / f"{c.id}.yaml").exists()]
    there = [out / f"{c.id}.yaml" for c in here]
    there += [out / UNITS_FILE] if units and (out / UNITS_FILE).exists() else []
    if existing == "refuse" and there:
        found = say("This profile is already there.")
        says = (
            "Name another folder, or give --replace to overwrite or --merge to fill what is empty."
        )
        problems = (Problem("file-exists", found, Where(str(at)), say(says)) for at in there)
        raise QuestionError(problems)
    if existing == "merge":
        merged = {c.id: _merged(c, out / f"{c.id}.yaml", notes) for c in here}
        cities = [merged.get(c.id, c) for c in cities]
        units = _merged_units(units, out / UNITS_FILE, notes)
    files = {f"{c.id}.yaml": to_yaml(c).encode() for c in sorted(cities, key=lambda c: c.id)}
    if units:
        files[UNITS_FILE] = to_yaml(sorted(units, key=lambda u: u.id)).encode()
    return write_files(files, out), notes


def _standing(path: Path, kind: type[T]) -> T:
    """Return what stands at a path; raises DataError where it is not valid."""
    content = parse_yaml(path.read_bytes(), path.name)
    try:
        return TypeAdapter(kind).validate_python(content)
    except ValueError as error:
        found = say("The profile there cannot be read.")
        do = say("Repair it first: twinmatch validate tells what is wrong.")
        raise DataError.of("profile-broken", found, Where(str(path)), do) from error


def _merged_units(new: Sequence[HostUnit], path: Path, notes: list[Problem]) -> list[HostUnit]:
    """Return the host units that stand at a path, with those of the new ones that do not stand there."""
    units = {unit.id: unit for unit in new}
    for old in _standing(path, list[HostUnit]) if units and path.exists() else ():
        if units.get(old.id, old) != old:
            found = say("The host unit there says something else; it was kept.")
            notes.append(Problem("kept", found, Where(path.name, column=old.id), level="note"))
        units[old.id] = old
    return list(units.values())


def _merged(new: City, path: Path, notes: list[Problem]) -> City:
    """Return the profile that stands at a path with its empty blocks filled from a new one."""
    old = _standing(path, City)
    taken: dict[str, Any] = {}
    for name in City.model_fields:
        mine, theirs = getattr(old, name), getattr(new, name)
        if name == "sources" or theirs in (None, ()) or theirs == mine:
            continue
        if mine in (None, ()):
            taken[name] = theirs
        else:
            found = say("The profile says something else about {name}; it was kept.", name=name)
            notes.append(Problem("kept", found, Where(path.name, column=name), level="note"))
    of = [(source, tuple(b for b in source.of if b in taken)) for source in new.sources]
    kept = [source.model_copy(update={"of": blocks}) for source, blocks in of if blocks]
    return old.model_copy(update={**taken, "sources": (*old.sources, *kept)})


# --- returned forms -----------------------------------------------------------------------------------------

ASKED: Final = tuple(block for block in City.BLOCKS if block != "context")
"""The blocks that a form asks for, by which it is told what is missing."""


def plain_problems(problems: Iterable[Problem]) -> list[dict[str, Any]]:
    """Return problems as JSON has them."""
    return [problem.plain() for problem in problems]


@dataclass(frozen=True)
class Import:
    """What files became: rows read, profiles that can be used, every problem, rows set aside by reason, files written."""

    rows: int
    cities: Annotated[tuple[City, ...], PlainSerializer(lambda cities: [*map(_shown, cities)])]
    units: Hidden[tuple[HostUnit, ...]]
    problems: Annotated[tuple[Problem, ...], PlainSerializer(plain_problems)]
    set_aside: dict[str, int] = field(default_factory=dict)
    written: tuple[str, ...] = ()

    @on_wire
    def usable(self) -> int:
        """Return how many profiles can be used."""
        return len(self.cities)

    @property
    def errors(self) -> tuple[Problem, ...]:
        """Return the problems because of which rows cannot be used."""
        return tuple(p for p in self.problems if p.level == "error")


def merge_forms(folder: Path, mapping: Mapping | None = None) -> Import:
    """Return the cities of every table in a folder; of a city that came twice, the newer version.

    A file that cannot be read is a problem among the others. Two forms of one city that differ and say no
    version or date are an error, and the city is left out: nobody can know which is meant.
    """
    if not folder.is_dir():
        found, do = say("There is no such folder."), say("Name the folder of the returned forms.")
        raise QuestionError.of("no-such-folder", found, Where(str(folder)), do)
    tables = (p for p in folder.iterdir() if p.suffix.lower() in TABLES)
    paths = sorted(p for p in tables if not p.name.startswith((".", "~")))
    raw = _read_all(paths, mapping)
    known, wrong = profiles(raw.cities, City)
    known_units, wrong_units = profiles(raw.units, HostUnit)
    chosen, doubles = _one_each(known)
    problems = [*raw.problems, *wrong, *wrong_units, *doubles]
    if not paths:
        found = say("There are no tables in this folder.")
        problems.append(Problem("no-forms", found, Where(str(folder))))
    cities = tuple(sorted(chosen, key=lambda c: c.id))
    made = tuple(unit for unit, _ in known_units)
    return Import(len(raw.cities), cities, made, tuple(in_order(problems)))


def _shown(city: City) -> dict[str, Any]:
    return {"id": city.id, "name": city.name, "missing": missing_of(city)}


def missing_of(city: City) -> tuple[str, ...]:
    """Return the blocks that a city left open, and the dimensions of readiness where it filled only some."""
    found = [block for block in ASKED if not getattr(city, block)]
    if city.readiness and len(city.readiness) < len(Dimension):
        left = len(Dimension) - len(city.readiness)
        found.append(f"readiness ({left} of {len(Dimension)} dimensions)")
    return tuple(found)


def _read_all(paths: list[Path], mapping: Mapping | None) -> Raw:
    """Return what stands in some tables together; one that cannot be read is a problem among the others."""
    whole = Raw(())
    for path in paths:
        try:
            not_linked_out(path, path.parent)
            raw = read_raw(path, mapping)
        except DataError as error:
            raw = Raw((), problems=error.problems)
        told = raw.problems
        if not raw.cities and not any(p.level == "error" for p in told):
            found, where = say("Nothing was filled in."), Where(path.name)
            told = (*told, Problem("form-empty", found, where, level="warning"))
        cities, units = (*whole.cities, *raw.cities), (*whole.units, *raw.units)
        whole = Raw(cities, units, (*whole.problems, *told))
    return whole


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
    told, place = {"city_id": repr(city_id), "there": newest.where}, other.place("id")
    if is_rival:
        says = "{city_id} came back twice with different answers; the other is in {there}."
        do = say("Keep one, or give the newer one a higher version number.")
        found = say(says, **told)
        return Problem("city-twice", found, place, do)
    says = "{city_id} came back in a newer version, in {there}; this one was passed over."
    found = say(says, **told)
    return Problem("form-older", found, place, level="note")


# --- what changed -------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class ProfileChange:
    """One change: the city or unit, the field (empty for the whole), what it was and what it is now."""

    id: str
    kind: Literal["new", "gone", "changed"]
    field: str = ""
    old: Any = None
    new: Any = None


def compare_profiles(old: Cohort, new: Cohort) -> list[ProfileChange]:
    """Return every change from one cohort to another, by id and in the order of the fields."""
    sides: list[dict[str, City | HostUnit]] = [{}, {}]
    for side, cohort in zip(sides, (old, new), strict=True):
        side |= {city.id: city for city in cohort.cities}
        side |= {unit.id: unit for unit in cohort.units}
    before, after = sides
    found: list[ProfileChange] = []
    for name in sorted(before.keys() | after.keys()):
        if name in before and name in after:
            found += _fields(name, plain_profile(before[name]), plain_profile(after[name]))
        else:
            found.append(ProfileChange(name, "new" if name in after else "gone"))
    return found


def _fields(name: str, old: dict[str, Any], new: dict[str, Any]) -> Iterator[ProfileChange]:
    mine, theirs = (dict(leaves(profile, together=())) for profile in (old, new))
    for path in dict.fromkeys((*mine, *theirs)):
        if mine.get(path) != theirs.get(path):
            yield ProfileChange(name, "changed", path, mine.get(path), theirs.get(path))


# --- accepted warnings --------------------------------------------------------------------------------------


@dataclass(frozen=True)
class KeyedProblem(Problem):
    """A problem with the city that it is about (empty where none) and the key by which it can be accepted."""

    city: str = ""
    key: str = ""

    def plain(self) -> dict[str, Any]:
        """Return the problem as JSON has it."""
        return {**super().plain(), "city": self.city, "key": self.key}


@dataclass(frozen=True)
class Accepted:
    """An accepted warning: its key, what it said, why it was accepted, and on which day."""

    key: str
    code: str
    city: str
    found: str
    why: str
    on: str


def labelled(problems: Iterable[Problem], records: Sequence[Record]) -> list[KeyedProblem]:
    """Return problems with their cities and keys."""
    owners: dict[tuple[str, str, int], str] = {}
    for record in records:
        for where in (record.where, *record.elsewhere.values()):
            owners.setdefault((where.file, where.sheet, where.row), str(record.data.get("id", "")))
    told = []
    for problem in problems:
        where = problem.where
        city = owners.get((where.file, where.sheet, where.row), "")
        told.append(KeyedProblem(**vars(problem), city=city, key=_key(problem, city)))
    return told


def _key(problem: Problem, city: str) -> str:
    place = city or f"{problem.where.file}:{problem.where.row}"
    text = "|".join((problem.code, place, problem.where.column, problem.found))
    return hashlib.sha256(text.encode()).hexdigest()[:8]


def accepted_path(profiles: Path) -> Path:
    """Return the file of accepted warnings: in a folder of profiles, or beside a table."""
    is_folder = profiles.is_dir()
    return profiles / "_accepted.toml" if is_folder else profiles.with_suffix(".accepted.toml")


def read_accepted(path: Path) -> tuple[Accepted, ...]:
    """Return what was accepted, nothing where there is no such file; raises DataError where it is broken."""
    if not path.exists():
        return ()
    try:
        entries = tomllib.loads(path.read_text("utf-8")).get("accepted", [])
        names = Accepted.__dataclass_fields__
        return tuple(Accepted(*(str(entry[name]) for name in names)) for entry in entries)
    except (OSError, ValueError, RecursionError, KeyError, TypeError, AttributeError) as error:
        # also no UTF-8, no TOML, a number of 5,000 digits
        found = say("Cannot be read: {error}.", error=error)
        do = say("Repair it, or delete it and accept the warnings again.")
        raise DataError.of("accepted-unreadable", found, Where(str(path)), do) from error


def with_accepted(
    before: Sequence[Accepted], told: Sequence[KeyedProblem], keys: Sequence[str], why: str, on: str
) -> tuple[Accepted, ...]:
    """Return the accepted warnings with further ones, sorted.

    Raises QuestionError for a key that no present warning has, and for errors, which cannot be accepted.
    """
    by_key = {t.key: t for t in told}
    problems = []
    for key in keys:
        if key not in by_key:
            found = say("No warning here has the key {key}.", key=repr(key))
            do = nearest(key, {k: k for k in by_key})
            problems.append(Problem("key-unknown", found, do=do))
        elif by_key[key].level == "error":
            found = say("{key} is an error: {found}", key=key, found=by_key[key].found)
            problems.append(Problem("error-not-acceptable", found, do=say("Repair it.")))
    if not (reason := why.strip()):
        found, do = say("No reason is given."), say("Say it: --why TEXT.")
        problems.append(Problem("why-missing", found, do=do))
    if problems:
        raise QuestionError(problems)
    kept = {a.key: a for a in before}
    for item in map(by_key.__getitem__, keys):
        said = (item.key, item.code, item.city, item.found, redact(reason)[0], on)
        kept[item.key] = Accepted(*said)
    return tuple(sorted(kept.values(), key=lambda a: (a.city, a.code, a.key)))


def accepted_toml(accepted: Sequence[Accepted]) -> str:
    """Return the file of accepted warnings; a JSON text is a TOML text, so values are written as such."""
    lines = [
        "# Warnings that were looked at and accepted; a changed value brings its warning back."
    ]
    for entry in accepted:
        values = (f"{k} = {json.dumps(v, ensure_ascii=False)}" for k, v in vars(entry).items())
        lines += ["", "[[accepted]]", *values]
    return "\n".join(lines) + "\n"
