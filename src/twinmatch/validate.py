"""Raw records to a cohort: every problem at once, each with its file, sheet, row and column."""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import reduce
from itertools import product
from typing import Any, Final, TypeVar

from pydantic import BaseModel, ValidationError

from twinmatch.cohort import Cohort, nearest
from twinmatch.errors import DataError, Problem, Where
from twinmatch.files import data_beside
from twinmatch.schema import City, HostUnit
from twinmatch.vocabulary.gazetteer import NamedEntity, Names
from twinmatch.wording import joined, say

M = TypeVar("M", bound=BaseModel)

_TAGS = frozenset(
    {"constrained-float", "constrained-int", "constrained-str", "float", "int", "str"}
)
"""Branches of a union as pydantic names them in the path of an error, beside those that end in a bracket."""


@dataclass(frozen=True)
class Record:
    """One raw profile or unit as it was read: its fields, its place, and the column of each field's path."""

    data: dict[str, Any]
    where: Where
    columns: Mapping[str, str] = field(default_factory=dict)
    elsewhere: Mapping[str, Where] = field(default_factory=dict)
    """Fields that stand on another sheet or row than the rest of the record."""

    @property
    def spot(self) -> tuple[float, float] | None:
        """Return the latitude and longitude, None where one of them is no number."""
        match self.data.get("location"):
            case {"lat": int() | float() as lat, "lon": int() | float() as lon}:
                return float(lat), float(lon)
        return None

    def place(self, path: str) -> Where:
        """Return where a field stands, given its dotted path."""
        if path in self.elsewhere:
            return self.elsewhere[path]
        whole = path.rpartition(".")[0]  # a cell with a list is the place of each of its parts
        column = self.columns.get(path, self.columns.get(whole, path))
        return Where(self.where.file, self.where.sheet, self.where.row, column)


def validate(
    cities: Sequence[Record], units: Sequence[Record] = (), problems: Sequence[Problem] = ()
) -> Cohort:
    """Return the cohort of raw records, in an order that does not depend on theirs.

    ``problems`` are those that reading has already found; its warnings and notes do not stop. Raises DataError with
    all errors together: unknown and missing fields, values out of range, a city twice, and references to cities that are not there.
    """
    found = examine(cities, units)
    errors = {p for p in (*problems, *found.problems) if p.level == "error"}
    if errors or found.cohort is None:
        raise DataError(in_order(errors))
    return found.cohort


def in_order(problems: Iterable[Problem]) -> list[Problem]:
    """Return problems once each, by place and code, whatever the order in which they were found.

    That there are no profiles is left out where another error tells why.
    """
    found = set(problems)
    if any(p.level == "error" and (p.code != "no-cities" or p.where.file) for p in found):
        found = {p for p in found if p.code != "no-cities" or p.where.file}
    return sorted(found, key=lambda p: (p.where, p.code, p.found))


@dataclass(frozen=True)
class Examined:
    """What records are: the cohort where there is one, the cities that are valid by themselves, every problem."""

    cohort: Cohort | None
    known: tuple[tuple[City, Record], ...]
    problems: tuple[Problem, ...]


def examine(cities: Sequence[Record], units: Sequence[Record] = ()) -> Examined:
    """Return what records are; there is a cohort only where no record has a problem.

    A city may be named in wishes, refusals and welcomes by any of its names; the profile has its id.
    """
    cities = _with_ids(cities, units)
    known, problems = profiles(cities, City)
    known_units, more = profiles(units, HostUnit)
    problems += more
    if not cities:
        do = say("Name a folder of .yaml files, or a table.")
        problems.append(Problem("no-cities", say("There are no city profiles here."), do=do))
    problems += _twice(cities) + _twice(units)
    problems += _dangling(known_units, (*cities, *units))
    cohort = None
    if not problems:
        made = sorted((city for city, _ in known), key=lambda c: c.id)
        units_made = sorted((unit for unit, _ in known_units), key=lambda u: u.id)
        cohort = Cohort(tuple(made), tuple(units_made))
    return Examined(cohort, tuple(known), tuple(problems))


NAMING: Final = ("wishes", "refuses", "welcomes")
"""Fields that name other cities and host units."""


def _with_ids(cities: Sequence[Record], units: Sequence[Record]) -> Sequence[Record]:
    """Return the records with the id in place of each name that one city or unit alone has."""
    everyone = {str(r.data.get("id", "")) for r in (*cities, *units)}
    found = []
    names: Names | None = None
    for record in cities:
        for path in NAMING:
            said = record.data.get(path)
            if isinstance(said, list | tuple) and not everyone.issuperset(map(str, said)):
                names = names or names_of((*cities, *units))
                hits = {n: names.find(n) for n in said if isinstance(n, str)}
                ids = [hits[n][0] if isinstance(n, str) and len(hits[n]) == 1 else n for n in said]
                once = list(dict.fromkeys(ids)) if all(isinstance(i, str) for i in ids) else ids
                record = replace(record, data={**record.data, path: once})
        found.append(record)
    return found


def names_of(records: Iterable[Record]) -> Names:
    """Return the resolver of the names of some cities and units."""
    return Names(map(_named, records))


def _named(record: Record) -> NamedEntity:
    data = record.data
    names = tuple(str(data[k]) for k in ("name", "local_name") if data.get(k))
    return NamedEntity(str(data.get("id", "")), names, str(data.get("country") or ""), record.spot)


def profiles(
    records: Sequence[Record], kind: type[M]
) -> tuple[list[tuple[M, Record]], list[Problem]]:
    """Return the records that are profiles by themselves, each with its record, and the problems of the others."""
    known: list[tuple[M, Record]] = []
    problems: list[Problem] = []
    for record in records:
        try:
            known.append((kind.model_validate(dict(record.data)), record))
        except ValidationError as error:
            problems += problems_of(kind, error, record)
    return known, problems


def problems_of(kind: type[BaseModel], error: ValidationError, record: Record) -> list[Problem]:
    """Return one problem a field: a union's several complaints about one value are reported as one."""
    by_path: dict[str, list[Any]] = defaultdict(list)
    for item in error.errors(include_url=False):
        by_path[_path(item["loc"])].append(item)
    return [
        Problem(_code(items), _found(items), record.place(path), _do(kind, path, items))
        for path, items in by_path.items()
    ]


def _path(loc: tuple[int | str, ...]) -> str:
    """Return the dotted path of an error; what stands first in it is always a field, whatever its name."""
    first, *others = [str(part) for part in loc] or ["profile"]
    return ".".join([first, *(p for p in others if p not in _TAGS and not p.endswith("]"))])


def _code(items: list[Any]) -> str:
    kinds = {item["type"] for item in items}
    if "missing" in kinds:
        return "field-missing"
    return "field-unknown" if "extra_forbidden" in kinds else "value-wrong"


def _found(items: list[Any]) -> str:
    item = items[0]
    if item["type"] == "missing":
        return say("The field is missing.")
    if item["type"] == "extra_forbidden":
        return say("There is no such field.")
    told, given = "", item["input"]
    if item["type"] == "value_error":
        told = str(item["ctx"]["error"]).rstrip(". ")
    if any(isinstance(part, dict) for part in (given, *(given if isinstance(given, list) else ()))):
        told = told or say("Found a table")
        return f"{told[:1].upper()}{told[1:]}."
    shown = repr(given)
    shown = shown if len(shown) <= 80 else shown[:77] + "..."
    if told:
        return say("Found {shown}: {error}.", shown=shown, error=told)
    return say("Found {shown}.", shown=shown)


def _do(kind: type[BaseModel], path: str, items: list[Any]) -> str:
    if items[0]["type"] == "extra_forbidden":
        *parents, name = path.split(".")
        fields = fields_at(kind, parents)
        known = say("Known fields: {names}.", names=", ".join(sorted(fields)))
        return nearest(name, {f: f for f in fields}) or known
    if items[0]["type"] in {"missing", "value_error"}:
        return ""
    expected = list(dict.fromkeys(map(in_words, items)))
    told = reduce(lambda one, other: say("{one}, or {other}", one=one, other=other), expected)
    return joined(filter(None, [_meant(items[0]), say("Expected {p}.", p=told)]))


_EXPECTED: Final = data_beside(__file__, "expected.toml")


def in_words(item: Any) -> str:
    """Return in a coordinator's words what a validator expected, never in its own."""
    kind, context = str(item["type"]), item.get("ctx", {})
    if kind == "value_error":
        return str(context["error"])
    if kind == "string_pattern_mismatch":
        pattern = str(context["pattern"])
        found = (words for part, words in _EXPECTED["examples"].items() if part in pattern)
        names = ", ".join(re.findall(r"\w+", pattern.partition(")")[0]))
        return say(
            next(found, "small letters, digits and hyphens, such as de-munster"), names=names
        )
    known = _EXPECTED["words"]
    begins = (words for k, words in known.items() if kind.startswith(f"{k}_"))
    return say(known.get(kind) or next(begins, "another kind of value"), **context)


def as_sentence(item: Any) -> str:
    """Return what a validator found wrong as one sentence in a coordinator's words."""
    whole = {
        "missing": say("The value is missing."),
        "extra_forbidden": say("There is no such name."),
    }
    if item["type"] in whole:
        return whole[item["type"]]
    said = in_words(item)
    if item["type"] == "value_error":
        return f"{said[:1].upper()}{said[1:].rstrip('.')}."
    return say("Expected {p}.", p=said)


def _meant(item: Any) -> str:
    """Return which of the words that are expected was meant, where one is near."""
    choices = re.findall("'([^']+)'", str(item.get("ctx", {}).get("expected", "")))
    return nearest(item["input"], {c: c for c in choices}) if isinstance(item["input"], str) else ""


def fields_at(kind: type[BaseModel], parents: list[str]) -> list[str]:
    """Return the field names of the model that stands at a path."""
    model: type[BaseModel] = kind
    for name in (n for n in parents if not n.isdecimal()):  # not the places of a list
        found = model.model_fields.get(name)
        inner = models_in(found.annotation if found else None)
        if not inner:
            return []
        model = inner[0]
    return list(model.model_fields)


def parts_of(annotation: Any) -> list[Any]:
    """Return an annotation and everything inside its unions and containers."""
    return [annotation, *(t for a in getattr(annotation, "__args__", ()) for t in parts_of(a))]


def models_in(annotation: Any) -> list[type[BaseModel]]:
    """Return the blocks of the schema in an annotation."""
    return [t for t in parts_of(annotation) if isinstance(t, type) and issubclass(t, BaseModel)]


def _twice(given: Sequence[Record]) -> list[Problem]:
    """Return a problem for each record whose id stood before, whether or not the two are valid otherwise."""
    first: dict[str, Record] = {}
    problems = []
    for record in given:
        name = record.data.get("id")
        if isinstance(name, str) and name in first:
            place = str(first[name].where) or "this input"
            says = "{name} is here again; it stands first in {place}."
            found = say(says, name=repr(name), place=place)
            problems.append(Problem("city-twice", found, record.place("id"), say("Keep one.")))
        elif isinstance(name, str):
            first[name] = record
    return problems


def _dangling(
    units: Sequence[tuple[HostUnit, Record]],
    given: Sequence[Record],
) -> list[Problem]:
    """Return references to cities and units that are not there, whether or not those that are there are valid.

    None is judged where a profile has no identifier: it may be the one that is meant.
    """
    if not all(isinstance(r.data.get("id"), str) for r in given):
        return []
    everyone = {str(r.data["id"]) for r in given}
    cities = {name for name in everyone if not name.startswith("unit-")}
    names = {str(r.data["name"]): str(r.data["id"]) for r in given if "name" in r.data}
    problems = []
    for record, path in product(given, NAMING):
        said, where = record.data.get(path), record.place(path)
        named = [n for n in said if isinstance(n, str)] if isinstance(said, list | tuple) else []
        problems += [_unknown(n, everyone, names, where) for n in named if n not in everyone]
        if record.data["id"] in named:
            found = say("{p} names itself.", p=record.data["id"])
            problems.append(Problem("names-itself", found, where, say("Remove it.")))
    seen: dict[str, str] = {}
    for unit, record in units:
        where, do = record.place("cities"), say("A city acts in one host unit.")
        for city in unit.cities:
            if city not in cities:
                problems.append(_unknown(city, cities, names, where))
            if city in seen:
                found = say("{city} is already in {seen}.", city=repr(city), seen=repr(seen[city]))
                problems.append(Problem("city-in-two-units", found, where, do))
            seen[city] = unit.id
    return problems


def _unknown(name: str, known: set[str], names: Mapping[str, str], where: Where) -> Problem:
    of_name = {n: i for n, i in names.items() if i in known}
    found = say("{name} is neither a city nor a host unit here.", name=repr(name))
    near = nearest(name, {k: k for k in sorted(known)} | of_name)
    return Problem("reference-unknown", found, where, near)
