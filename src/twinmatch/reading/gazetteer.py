"""Cities that are known by name: the bundled profiles, whose places come from GeoNames.

A name that is spelled as the gazetteer has it is that city. A name that is only near is never changed: it is
told, with the city that may be meant.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import cache

from twinmatch.files import bundled_path
from twinmatch.taxonomy import plain

_NEAR = 82
_FIELD = re.compile(
    r"^(name|local_name|country|location|population|  value): *(.*?) *$", re.MULTILINE
)
_POINT = re.compile(r"lat: *(-?[\d.]+), *lon: *(-?[\d.]+)")


@dataclass(frozen=True)
class Place:
    """A city of the gazetteer."""

    id: str
    name: str
    country: str
    names: tuple[str, ...]
    lat: float | None
    lon: float | None
    population: int | None


@cache
def places() -> dict[str, Place]:
    """Return the bundled cities by id; only the head of each profile is looked at, which takes milliseconds."""
    found = {}
    for path in sorted(bundled_path("city_profiles").glob("[a-z]*.yaml")):
        place = _place(path.stem, path.read_text("utf-8")[:1200])
        found[place.id] = place
    return found


def _place(name: str, head: str) -> Place:
    fields: dict[str, str] = {}
    for key, value in _FIELD.findall(head):
        fields.setdefault(key.strip(), value.strip("'\""))
    point = _POINT.search(fields.get("location", ""))
    names = tuple(dict.fromkeys(fields[k] for k in ("name", "local_name") if k in fields))
    people = fields.get("value", "")
    return Place(
        name,
        names[0],
        fields["country"],
        names,
        float(point[1]) if point else None,
        float(point[2]) if point else None,
        int(people) if people.isdigit() else None,
    )


@cache
def _by_name() -> dict[tuple[str, str], str]:
    return {(p.country, plain(name)): p.id for p in places().values() for name in p.names}


@cache
def _names_of(country: str) -> dict[str, str]:
    return {name: found for (code, name), found in _by_name().items() if code == country}


def known_city(country: str, name: str) -> str | None:
    """Return the id of the city that has this name in this country, spelled so; else None."""
    return _by_name().get((country, plain(name)))


@cache
def near_city(country: str, name: str) -> Place | None:
    """Return the city of the country whose name is nearest, None where none is near enough to be asked about."""
    from rapidfuzz import fuzz, process

    names = _names_of(country)
    word = plain(name)
    if len(word) < 4 or word in names:
        return None
    hit = process.extractOne(word, list(names), scorer=fuzz.ratio, score_cutoff=_NEAR)
    return places()[names[hit[0]]] if hit else None
