"""Cities that are known by name: the bundled profiles, and places of GeoNames (CC BY 4.0) with their other names.

A name is an id, an English or local name, or a name in another language, in any case and with or without accents.
A name that is only near one is never taken for it: it is offered.
"""

from __future__ import annotations

import gzip
import math
import re
from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import cache, cached_property
from typing import Final, TypeVar

from twinmatch.files import bundled_path
from twinmatch.vocabulary.taxonomy import plain

T = TypeVar("T")

NEAR: Final = 82
"""Likeness of two names, of 100, from which one may be the other misspelt."""

SAME_KM: Final = 25.0
"""Distance within which two entries of one name are one place."""

_FIELD = re.compile(
    r"^(name|local_name|country|population|  value|  lat|  lon): *(.*?) *$", re.MULTILINE
)
_BODY: Final = re.compile(
    r"^(?:the )?(?:city(?: council| and county)?|town|municipality|metropolitan city|stadt|gemeinde|landeshauptstadt|"
    r"hansestadt|ville|commune|mairie|metropole|comune|citta|citta metropolitana|ayuntamiento|municipio|ciudad|concello|"
    r"ajuntament|camara municipal|municipio|gemeente|stad|miasto|gmina|urzad miasta|mesto|obec|statutarni mesto|"
    r"municipiul|primaria|orasul|δημοσ|община|grad|kommune|kommun|comunidad)\s+(?:(?:of|de|di|del|della|da|do|der|den|d|l|la)\s+)*"
)
_BODY_AFTER: Final = re.compile(
    r"\s{1,9}(?:city(?: council)?|council|municipality|kommune|kommun|stad|kaupunki|metropole|kommunes|stads)$"
)


@dataclass(frozen=True)
class Place:
    """A city of the gazetteer; ``id`` is empty where it has no bundled profile."""

    id: str
    name: str
    country: str
    names: tuple[str, ...]
    lat: float | None
    lon: float | None
    population: int | None
    others: tuple[str, ...] = ()
    """Names in other languages, in plain letters."""


@cache
def places() -> dict[str, Place]:
    """Return the bundled cities by id; no profile is validated, which takes milliseconds."""
    paths = sorted(bundled_path("city_profiles").glob("[a-z]*.yaml"))
    return {path.stem: _place(path.stem, path.read_text("utf-8")) for path in paths}


def _place(city: str, profile: str) -> Place:
    fields: dict[str, str] = {}
    for key, value in _FIELD.findall(profile):
        fields.setdefault(key.strip(), value.strip("'\""))
    lat, lon = (float(fields[k]) if fields.get(k) else None for k in ("lat", "lon"))
    names = tuple(dict.fromkeys(fields[k] for k in ("name", "local_name") if k in fields))
    people = fields.get("value", "")
    residents = int(people) if people.isdigit() else None
    return Place(city, names[0], fields["country"], names, lat, lon, residents)


@cache
def _listed() -> dict[str, list[Place]]:
    """Return the places of GeoNames by country."""
    found: dict[str, list[Place]] = defaultdict(list)
    content = gzip.decompress(bundled_path("gazetteer", "places.tsv.gz").read_bytes())
    for line in content.decode().splitlines():
        code, name, lat, lon, people, others = line.split("\t")
        more = tuple(others.split("|")) if others else ()
        figures = float(lat), float(lon), int(people)
        found[code].append(Place("", name, code, (name,), *figures, more))
    return found


@cache
def _named(country: str) -> dict[str, list[Place]]:
    """Return a country's listed places by their plain names, those whose first name it is before the others."""
    listed = _listed().get(country, [])
    return _by_word([*((p, [plain(p.name)]) for p in listed), *((p, p.others) for p in listed)])


def _by_word(each: Iterable[tuple[T, Iterable[str]]]) -> dict[str, list[T]]:
    """Return things by each of their words, in their order."""
    found: dict[str, list[T]] = defaultdict(list)
    for one, words in each:
        for word in words:
            found[word].append(one)
    return found


def bare(name: str) -> str:
    """Return a name in plain letters without the word for a municipality ("City of", "Comune di")."""
    alone = re.sub(r"\s{0,9}[(\[].{0,99}?[)\]]|\s{0,9}[*†¹²³]{1,9}\s{0,9}$", " ", name)
    word = plain(alone) or plain(name)
    return _BODY_AFTER.sub("", _BODY.sub("", word)) or word


@cache
def listed_place(country: str, name: str) -> Place | None:
    """Return the listed place of a name in a country; None where none is sure."""
    found = _named(country).get(bare(name)) or _named(country).get(plain(name)) or []
    first = [p for p in found if plain(p.name) == bare(name)] or found
    if len(first) < 2:
        return first[0] if first else None
    large = sorted(first, key=lambda p: -(p.population or 0))
    return large[0] if (large[0].population or 0) > 5 * (large[1].population or 0) else None


def countries_of(name: str) -> tuple[str, ...]:
    """Return the countries in which a listed or bundled place has this name as its first one."""
    word = bare(name)
    listed = {c for c in _listed() for p in _named(c).get(word, []) if plain(p.name) == word}
    bundled = {p.country for p in places().values() if word in map(plain, p.names)}
    return tuple(sorted(listed | bundled))


def is_place(name: str) -> bool:
    """Return whether a listed or bundled place of any country has this name, in any language."""
    return bare(name) in _all_names()


@cache
def _all_names() -> frozenset[str]:
    bundled = {plain(n) for p in places().values() for n in p.names}
    return frozenset(bundled.union(*map(_named, list(_listed()))))


_SCRIPT: Final = {"GR": "\u0370-\u03ff", "CY": "\u0370-\u03ff"} | dict.fromkeys(
    ("BG", "MK", "RS", "UA", "BY"), "\u0400-\u052f"
)
"""Letters of the countries that write in others than Latin ones."""


def lost_letters(country: str, name: str, people: float | None = None) -> tuple[str, ...]:
    """Return the places that a name may be whose letters were lost at export (``?ód?``), the likeliest first.

    ``people`` leaves out those whose population is not within a factor of two, where any is.
    """
    wanted = "".join("." if c == "?" else re.escape(plain(c) or c) for c in name.strip())
    letters = re.compile(f"[{_SCRIPT.get(country, 'a-z')} ]+")
    hits: dict[str, float] = {}
    for word, found in _named(country).items() if country else ():
        if re.fullmatch(wanted, word) and (letters.fullmatch(word) or not set(name) <= {"?", " "}):
            for place in found:
                is_told = people and place.population
                off = abs(math.log(people / place.population)) if is_told else 0.0  # type: ignore[operator]
                hits[place.name] = min(off, hits.get(place.name, off))
    near = [n for n in hits if hits[n] < math.log(2)] or list(hits)
    return tuple(sorted(near, key=lambda n: (hits[n], n)))


def other_names(country: str, names: Iterable[str], at: tuple[float, float] | None) -> set[str]:
    """Return the plain names in other languages of a place: of the listed one that shares a name and lies there."""
    found: set[str] = set()
    for name in names:
        word = bare(name)
        for place in _named(country).get(word) or _named(country).get(word.split(" ")[0]) or []:
            if at is None or _km(at, (place.lat or 0.0, place.lon or 0.0)) <= SAME_KM:
                found |= {plain(place.name), *place.others}
                break
    return found


def _km(one: tuple[float, float], other: tuple[float, float]) -> float:
    north = (other[0] - one[0]) * 111.2
    east = (other[1] - one[1]) * 111.2 * math.cos(math.radians(one[0]))
    return math.hypot(north, east)


@dataclass(frozen=True)
class NamedEntity:
    """Something with an id and names: a city, or a host unit (without country and place)."""

    id: str
    names: tuple[str, ...]
    country: str = ""
    at: tuple[float, float] | None = None


class Names:
    """The one resolver of names, over some cities and units: which ids a text may mean."""

    def __init__(self, named: Iterable[NamedEntity]) -> None:
        self._named = tuple(sorted(named, key=lambda n: n.id))

    @cached_property
    def _own(self) -> Mapping[str, list[NamedEntity]]:
        return _by_word(
            (n, {w for f in (plain, bare) for w in map(f, n.names)} - {""}) for n in self._named
        )

    @cached_property
    def _other(self) -> Mapping[str, list[NamedEntity]]:
        placed = (n for n in self._named if n.country)
        return _by_word((n, other_names(n.country, n.names, n.at)) for n in placed)

    @cached_property
    def _ids(self) -> Mapping[str, str]:
        ids = {one.id.casefold(): one.id for one in self._named}
        other = {i.replace("gr-", "el-", 1).replace("gb-", "uk-", 1): v for i, v in ids.items()}
        return other | ids

    def find(self, text: str, country: str = "") -> tuple[str, ...]:
        """Return the ids that a text names, none where it names none, several where it is ambiguous."""
        wanted = " ".join(text.split())
        if wanted.casefold() in self._ids:
            return (self._ids[wanted.casefold()],)
        name, _, after = re.sub(r"[()\[\]]", ",", wanted).partition(",")
        for part, is_other in ((p, o) for o in (False, True) for p in (wanted, name)):
            table = self._other if is_other else self._own
            hits = table.get(plain(part)) or table.get(bare(part)) or []
            hits = [h for h in hits if not country or h.country == country] or hits
            if len(hits) > 1 and after.strip(" ,"):
                code = after.strip(" ,").upper()
                hits = [h for h in hits if h.country == code] or hits
            if hits:
                return tuple(h.id for h in hits)
        return ()

    def near(self, text: str, country: str = "", most: int = 3) -> tuple[str, ...]:
        """Return up to ``most`` ids whose name a text may be, misspelt, the nearest first."""
        from rapidfuzz import fuzz, process

        words = {
            w: n for w, ns in self._own.items() for n in ns if not country or n.country == country
        }
        word = bare(text)
        if len(word) < 4:
            return ()
        found = process.extract(word, list(words), scorer=fuzz.ratio, limit=6, score_cutoff=NEAR)
        return tuple(dict.fromkeys(words[hit].id for hit, _, _ in found))[:most]


@cache
def bundled_names() -> Names:
    """Return the resolver over the bundled cities."""
    return Names(NamedEntity(p.id, p.names, p.country, _at(p)) for p in places().values())


def _at(place: Place) -> tuple[float, float] | None:
    return None if place.lat is None or place.lon is None else (place.lat, place.lon)


@cache
def known_city(country: str, name: str) -> str | None:
    """Return the id of the bundled city that has this name in this country, in any language; else None."""
    hits = [i for i in bundled_names().find(name, country) if places()[i].country == country]
    return hits[0] if len(hits) == 1 else None


@cache
def near_city(country: str, name: str) -> Place | None:
    """Return the bundled or listed place of a country whose name is nearest, None where none is near or it is one."""
    from rapidfuzz import fuzz, process

    if known_city(country, name) or _named(country).get(bare(name)):
        return None
    if hits := bundled_names().near(name, country, 1):
        return places()[hits[0]]
    large = {plain(p.name): p for p in _listed().get(country, []) if (p.population or 0) >= 15_000}
    hit = process.extractOne(bare(name), list(large), scorer=fuzz.ratio, score_cutoff=NEAR)
    return large[hit[0]] if hit and len(bare(name)) > 4 else None
