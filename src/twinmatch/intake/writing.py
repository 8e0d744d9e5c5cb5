"""A profile as a YAML file that people can read and change, and that says exactly what the profile says.

Profiles written to a folder: all or none, and nothing that stands there is overwritten unless asked for.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any, Literal, TypeVar

import yaml
from pydantic import TypeAdapter

from twinmatch.errors import DataError, Problem, QuestionError, Where
from twinmatch.files import write_files
from twinmatch.reading.folder import UNITS_FILE, parse_yaml
from twinmatch.schema import City, HostUnit


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
    content: Any = (
        [plain_profile(unit) for unit in profile]
        if isinstance(profile, list)
        else plain_profile(profile)
    )
    return str(yaml.dump(content, Dumper=_Dumper, sort_keys=False, allow_unicode=True, width=100))


Existing = Literal["refuse", "replace", "merge"]

T = TypeVar("T")


def write_profiles(
    cities: Sequence[City],
    units: Sequence[HostUnit],
    out: Path,
    existing: Existing = "refuse",
) -> tuple[list[Path], list[Problem]]:
    """Return the files written, one a city and one for the units, and notes on what a merge kept.

    ``refuse``: raise QuestionError that names every file that is already there. ``replace``: overwrite them.
    ``merge``: fill only the blocks that the profile there leaves empty; what it says is kept,
    and of host units those that are there, with the new ones beside them.
    """
    notes: list[Problem] = []
    here = [c for c in cities if (out / f"{c.id}.yaml").exists()]
    if existing == "refuse":
        _refuse(out, [f"{c.id}.yaml" for c in here], bool(units))
    if existing == "merge":
        merged = {c.id: _merged(c, out / f"{c.id}.yaml", notes) for c in here}
        cities = [merged.get(c.id, c) for c in cities]
        units = _merged_units(units, out / UNITS_FILE, notes)
    files = {f"{c.id}.yaml": to_yaml(c).encode() for c in sorted(cities, key=lambda c: c.id)}
    if units:
        files[UNITS_FILE] = to_yaml(sorted(units, key=lambda u: u.id)).encode()
    return write_files(files, out), notes


def _refuse(out: Path, names: list[str], has_units: bool) -> None:
    if has_units and (out / UNITS_FILE).exists():
        names = [*names, UNITS_FILE]
    if names:
        do = "Name another folder, or give --replace to overwrite or --merge to fill what is empty."
        raise QuestionError(
            [
                Problem("file-exists", "This profile is already there.", Where(str(out / n)), do)
                for n in names
            ]
        )


def _standing(path: Path, kind: type[T]) -> T:
    """Return what stands at a path; raises DataError where it is not valid."""
    content = parse_yaml(path.read_bytes(), path.name)
    try:
        return TypeAdapter(kind).validate_python(content)
    except ValueError as error:
        do = "Repair it first: twinmatch validate tells what is wrong."
        raise DataError(
            Problem("profile-broken", "The profile there cannot be read.", Where(str(path)), do)
        ) from error


def _merged_units(new: Sequence[HostUnit], path: Path, notes: list[Problem]) -> list[HostUnit]:
    """Return the host units that stand at a path, with those of the new ones that do not stand there."""
    units = {unit.id: unit for unit in new}
    for old in _standing(path, list[HostUnit]) if units and path.exists() else ():
        if units.get(old.id, old) != old:
            found = "The host unit there says something else; it was kept."
            notes.append(Problem("kept", found, Where(path.name, column=old.id), level="note"))
        units[old.id] = old
    return list(units.values())


def _merged(new: City, path: Path, notes: list[Problem]) -> City:
    """Return the profile that stands at a path with its empty blocks filled from a new one."""
    old = _standing(path, City)
    taken = {}
    for name in City.model_fields:
        mine, theirs = getattr(old, name), getattr(new, name)
        if name == "sources" or theirs in (None, ()) or theirs == mine:
            continue
        if mine in (None, ()):
            taken[name] = theirs
        else:
            found = f"The profile says something else about {name}; it was kept."
            notes.append(Problem("kept", found, Where(path.name, column=name), level="note"))
    kept = tuple(
        source.model_copy(update={"of": tuple(b for b in source.of if b in taken)})
        for source in new.sources
        if set(source.of) & set(taken)
    )
    return old.model_copy(update={**taken, "sources": (*old.sources, *kept)})
