"""What changed between two states of the profiles: cities that came and went, and every field, in order.

Warnings that somebody looked at and accepted, remembered in a small file beside the profiles.

A warning is known by its key, made of its code, its city, its field and what was found: when the value changes,
so does the key, and the warning is back.
"""

from __future__ import annotations

import hashlib
import json
import tomllib
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from twinmatch.cohort import Cohort, nearest
from twinmatch.errors import DataError, Problem, QuestionError, Where
from twinmatch.intake.writing import plain_profile
from twinmatch.reading.personal_data import redact
from twinmatch.schema import City, HostUnit
from twinmatch.validate import Record


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


@dataclass(frozen=True)
class KeyedProblem:
    """A problem with the city that it is about (empty where none) and the key by which it can be accepted."""

    problem: Problem
    city: str
    key: str


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
        name = str(record.data.get("id", ""))
        for where in (record.where, *record.elsewhere.values()):
            owners.setdefault((where.file, where.sheet, where.row), name)
    told = []
    for problem in problems:
        where = problem.where
        city = owners.get((where.file, where.sheet, where.row), "")
        told.append(KeyedProblem(problem, city, _key(problem, city)))
    return told


def _key(problem: Problem, city: str) -> str:
    place = city or f"{problem.where.file}:{problem.where.row}"
    text = "|".join((problem.code, place, problem.where.column, problem.found))
    return hashlib.sha256(text.encode()).hexdigest()[:8]


def accepted_path(profiles: Path) -> Path:
    """Return the file of accepted warnings: in a folder of profiles, or beside a table."""
    return (
        profiles / "_accepted.toml" if profiles.is_dir() else profiles.with_suffix(".accepted.toml")
    )


def read_accepted(path: Path) -> tuple[Accepted, ...]:
    """Return what was accepted, nothing where there is no such file; raises DataError where it is broken."""
    if not path.exists():
        return ()
    try:
        entries = tomllib.loads(path.read_text("utf-8")).get("accepted", [])
        return tuple(
            Accepted(**{f: str(e[f]) for f in Accepted.__dataclass_fields__}) for e in entries
        )
    except (
        OSError,
        ValueError,  # no UTF-8, no TOML, a number of 5,000 digits
        RecursionError,
        KeyError,
        TypeError,
        AttributeError,
    ) as error:
        do = "Repair it, or delete it and accept the warnings again."
        raise DataError(
            Problem("accepted-unreadable", f"Cannot be read: {error}.", Where(str(path)), do)
        ) from error


def with_accepted(
    before: Sequence[Accepted],
    told: Sequence[KeyedProblem],
    keys: Sequence[str],
    why: str,
    on: str,
) -> tuple[Accepted, ...]:
    """Return the accepted warnings with further ones, sorted.

    Raises QuestionError for a key that no present warning has, and for errors, which cannot be accepted.
    """
    by_key = {t.key: t for t in told}
    problems = []
    for key in keys:
        if key not in by_key:
            do = nearest(key, {k: k for k in by_key})
            problems.append(Problem("key-unknown", f"No warning here has the key {key!r}.", do=do))
        elif by_key[key].problem.level == "error":
            problems.append(
                Problem(
                    "error-not-acceptable",
                    f"{key} is an error: {by_key[key].problem.found}",
                    do="Repair it.",
                )
            )
    if not why.strip():
        problems.append(Problem("why-missing", "No reason is given.", do="Say it: --why TEXT."))
    if problems:
        raise QuestionError(problems)
    kept = {a.key: a for a in before}
    reason = redact(why.strip())[0]
    for key in keys:
        item = by_key[key]
        kept[key] = Accepted(key, item.problem.code, item.city, item.problem.found, reason, on)
    return tuple(sorted(kept.values(), key=lambda a: (a.city, a.code, a.key)))


def to_toml(accepted: Sequence[Accepted]) -> str:
    """Return the file of accepted warnings; a JSON text is a TOML text, so values are written as such."""
    lines = [
        "# Warnings that were looked at and accepted; a changed value brings its warning back."
    ]
    for entry in accepted:
        lines += ["", "[[accepted]]"]
        lines += [
            f"{name} = {json.dumps(getattr(entry, name), ensure_ascii=False)}"
            for name in Accepted.__dataclass_fields__
        ]
    return "\n".join(lines) + "\n"
