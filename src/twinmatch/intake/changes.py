"""What changed between two states of the profiles: cities that came and went, and every field, in order."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, Literal

from twinmatch.cohort import Cohort
from twinmatch.intake.profile_yaml import plain_profile
from twinmatch.schema import City, HostUnit


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
    before, after = _by_id(old), _by_id(new)
    found: list[ProfileChange] = []
    for name in sorted(before.keys() | after.keys()):
        if name not in after:
            found.append(ProfileChange(name, "gone"))
        elif name not in before:
            found.append(ProfileChange(name, "new"))
        else:
            found += _fields(name, plain_profile(before[name]), plain_profile(after[name]))
    return found


def _by_id(cohort: Cohort) -> dict[str, City | HostUnit]:
    cities: dict[str, City | HostUnit] = {city.id: city for city in cohort.cities}
    return cities | {unit.id: unit for unit in cohort.units}


def _fields(name: str, old: dict[str, Any], new: dict[str, Any]) -> Iterator[ProfileChange]:
    mine, theirs = dict(_leaves(old)), dict(_leaves(new))
    for path in dict.fromkeys((*mine, *theirs)):
        if mine.get(path) != theirs.get(path):
            yield ProfileChange(name, "changed", path, mine.get(path), theirs.get(path))


def _leaves(value: dict[str, Any], prefix: str = "") -> Iterator[tuple[str, Any]]:
    for key, item in value.items():
        if isinstance(item, dict):
            yield from _leaves(item, f"{prefix}{key}.")
        else:
            yield f"{prefix}{key}", item
