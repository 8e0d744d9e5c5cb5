"""The cohort: validated cities and host units in one fixed order, complete for every later step.

Notation: n cities, in order of id, so that nothing depends on the order in which they were read; a city's
index is its place in that order. A *host* is what guests are matched with: a host unit of several cities,
or one city that acts alone.
"""

from __future__ import annotations

import hashlib
import json
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property
from itertools import chain
from typing import TYPE_CHECKING, overload

import numpy as np
from numpy.typing import NDArray

from twinmatch.errors import DataError, Problem, QuestionError
from twinmatch.schema import City, HostUnit, Location, Participation, Pilot, Role
from twinmatch.vocabulary.gazetteer import NamedEntity, Names, bundled_names, places
from twinmatch.wording import listed, say

if TYPE_CHECKING:
    import pandas as pd

__all__ = ["City", "Cohort", "Host", "HostUnit"]


@dataclass(frozen=True)
class Host:
    """What a guest is matched with: an id, a name and the indices of its cities (one or several)."""

    id: str
    name: str
    cities: tuple[int, ...]
    guests_at_most: int | None = None
    guests_at_least: int | None = None


@dataclass(frozen=True, repr=False)
class Cohort:
    """Cities and host units of a round, a sequence of cities in order of id; ``tm.read`` makes one.

    ``cohort[3]`` is a city, ``cohort[:10]`` a cohort, ``one + other`` both together; ``in`` takes ids.
    """

    cities: tuple[City, ...]
    units: tuple[HostUnit, ...] = ()
    brought: frozenset[str] = frozenset()
    """Cities that did not ask to take part and are only there to be met: hosts beside somebody's own table."""

    def __repr__(self) -> str:
        countries = len({city.country for city in self.cities})
        return f"<Cohort: {len(self)} cities, {countries} countries, {len(self.units)} host units>"

    def __len__(self) -> int:
        return len(self.cities)

    def __iter__(self) -> Iterator[City]:
        return iter(self.cities)

    def __contains__(self, city: object) -> bool:
        return (city.id if isinstance(city, City) else city) in self.index

    @overload
    def __getitem__(self, at: int) -> City: ...
    @overload
    def __getitem__(self, at: slice) -> Cohort: ...
    def __getitem__(self, at: int | slice) -> City | Cohort:
        return self.of(self.cities[at]) if isinstance(at, slice) else self.cities[at]

    def __add__(self, other: Cohort) -> Cohort:
        """Return both cohorts as one; a city or unit in both counts once, DataError where the two differ."""
        cities = {c.id: c for c in (*self.cities, *other.cities)}
        units = {u.id: u for u in (*self.units, *other.units)}
        twice = [c.id for c in self.cities if cities[c.id] != c]
        twice += [u.id for u in self.units if units[u.id] != u]
        if twice:
            says, do = "{name} differs in the two cohorts.", say("Keep one.")
            raise DataError(
                Problem("city-twice", say(says, name=repr(name)), do=do) for name in twice
            )
        asked = {c.id for x in (self, other) for c in x.cities if c.id not in x.brought}
        return Cohort(
            tuple(cities[i] for i in sorted(cities)),
            tuple(units[i] for i in sorted(units)),
            (self.brought | other.brought) - asked,
        )

    def filter(self, keep: Callable[[City], object]) -> Cohort:
        """Return the cohort of the cities for which ``keep`` is true."""
        return self.of(city for city in self.cities if keep(city))

    def of(self, cities: Iterable[City]) -> Cohort:
        """Return the cohort of some of these cities, with the host units that are complete among them.

        Wishes, refusals and welcomes that name a city or unit left behind are left out.
        """
        chosen = {city.id: city for city in cities}
        units = tuple(u for u in self.units if chosen.keys() >= set(u.cities))
        known = chosen.keys() | {unit.id for unit in units}
        mine = tuple(_among(chosen[i], known) for i in sorted(chosen))
        return Cohort(mine, units, self.brought & chosen.keys())

    def to_frame(self) -> pd.DataFrame:
        """Return one row a city by id: name, country, roles, population, place, part of the profile known."""
        import pandas as pd

        rows = {
            c.id: {
                "name": c.name,
                "country": c.country,
                "roles": ", ".join(role.value for role in c.roles),
                "population": c.population.value if c.population else None,
                "lat": self.coordinates[i, 0],
                "lon": self.coordinates[i, 1],
                "known": self.known(i),
            }
            for i, c in enumerate(self.cities)
        }
        return pd.DataFrame.from_dict(rows, orient="index").rename_axis("id")

    @cached_property
    def index(self) -> dict[str, int]:
        """Return each city's index by its id."""
        return {city.id: i for i, city in enumerate(self.cities)}

    @cached_property
    def cities_of(self) -> dict[str, tuple[int, ...]]:
        """Return the indices of the cities that each id stands for: a city's own, or those of a host unit."""
        units = {unit.id: tuple(self.index[city] for city in unit.cities) for unit in self.units}
        return units | {city: (i,) for city, i in self.index.items()}

    @cached_property
    def unit_of(self) -> dict[str, HostUnit]:
        """Return the host unit of every city that belongs to one."""
        return {city: unit for unit in self.units for city in unit.cities}

    @cached_property
    def fingerprint(self) -> str:
        """Return the SHA-256 of all profiles and units, the same whatever order they were read in."""
        content = [city.model_dump(mode="json", exclude_none=True) for city in self.cities]
        content += [unit.model_dump(mode="json", exclude_none=True) for unit in self.units]
        content += [{"brought": sorted(self.brought)}] if self.brought else []
        text = json.dumps(content, ensure_ascii=False, sort_keys=True, separators=(",", ":"))
        return hashlib.sha256(text.encode()).hexdigest()

    @cached_property
    def struggling(self) -> Counter[str]:
        """Return how many cities name each domain or lever as a challenge."""
        each = ((*(c.challenges or ()), *(c.levers_needed or ())) for c in self.cities)
        return Counter(chain.from_iterable(each))

    @cached_property
    def countries(self) -> NDArray[np.str_]:
        """Return the country codes, shape (n,)."""
        return np.array([city.country for city in self.cities])

    @cached_property
    def coordinates(self) -> NDArray[np.float64]:
        """Return latitude and longitude in degrees, shape (n, 2); nan where not known."""
        each = (c.location for c in self.cities)
        places = [(place.lat, place.lon) if place else (np.nan, np.nan) for place in each]
        return np.array(places, dtype=np.float64).reshape(-1, 2)

    def alone(self, i: int) -> Host:
        """Return a city as the host that it is where it acts alone."""
        city = self.cities[i]
        taking = city.participation or Participation()
        return Host(city.id, city.name, (i,), taking.guests_at_most, taking.guests_at_least)

    def city(self, city_id: str) -> City:
        """Return the city of an id; raises QuestionError, naming the nearest ids, where there is none."""
        return self.cities[self.find(city_id)]

    def find(self, name: str) -> int:
        """Return the index of a city by its id or any of its names, in any language, case and without accents.

        Raises QuestionError, naming the nearest ids, where no city or more than one answers.
        """
        if name in self.index:
            return self.index[name]
        if not name.strip():
            do = say("Give the id or the name of a city.")
            raise QuestionError.of("city-unknown", say("No city was named."), do=do)
        hits = self.names.find(name)
        if len(hits) == 1:
            return self.index[hits[0]]
        if hits:
            found = say("Several cities are called {name}.", name=repr(name))
            do = say("Use one of: {names}.", names=", ".join(hits))
            raise QuestionError.of("city-ambiguous", found, do=do)
        if elsewhere := _bundled_elsewhere(name):
            raise QuestionError.of("city-unknown", elsewhere)
        do = nearest(name, {c.id: c.id for c in self.cities} | {c.name: c.id for c in self.cities})
        found = say("No city {name} in these profiles.", name=repr(name))
        raise QuestionError.of("city-unknown", found, do=do)

    def host_named(self, name: str) -> Host:
        """Return a host unit or a city by its id, or by a name that only one of them has.

        Raises QuestionError, naming the nearest ids, where none or several answer.
        """
        wanted = name.casefold()
        units = [u for u in self.units if wanted in {u.id.casefold(), u.name.casefold()}]
        if name in self.index or not units:
            try:
                i = self.find(name)
            except QuestionError as error:
                near = nearest(name, {n: u.id for u in self.units for n in (u.id, u.name)})
                if not near:
                    raise
                found = say("No host unit {name}.", name=repr(name))
                unknown = Problem("unit-unknown", found, do=near)
                raise QuestionError([*error.problems, unknown]) from None
            return self.alone(i)
        named = ((c.id, {c.name.casefold(), (c.local_name or "").casefold()}) for c in self.cities)
        cities = [city for city, names in named if wanted in names]
        if len(units) > 1 or (cities and wanted != units[0].id):
            ids = ", ".join([*cities, *(u.id for u in units)])
            found = say("Several cities or host units are called {name}.", name=repr(name))
            raise QuestionError.of("city-ambiguous", found, do=say("Use one of: {ids}.", ids=ids))
        return Host(units[0].id, units[0].name, self.cities_of[units[0].id])

    def host_id(self, name: str) -> str | Problem:
        """Return the id as :meth:`host_named` does, or the problem where nobody has the name; raises where several have it."""
        try:
            return self.host_named(name).id
        except QuestionError as error:
            if any(p.code == "city-ambiguous" for p in error.problems):
                raise
            return error.problems[-1]

    def by_id(self, groups: Iterable[Sequence[str]]) -> tuple[tuple[str, ...], ...]:
        """Return groups of cities and host units by id; a name that nobody has stays as it is."""
        found = [[(name, self.host_id(name)) for name in group] for group in groups]
        return tuple(tuple(i if isinstance(i, str) else n for n, i in group) for group in found)

    @cached_property
    def names(self) -> Names:
        """Return the resolver of the names of these cities."""
        return Names(named(c.id, c.name, c.local_name, c.country, c.location) for c in self.cities)

    def wished_first(self, i: int, cities: Iterable[int]) -> list[int]:
        """Return some cities in their order, but first those that a city wishes for, in the order of its wishes."""
        place = {name: k for k, name in enumerate(self.cities[i].wishes)}
        return sorted(cities, key=lambda j: place.get(self.cities[j].id, len(place)))

    def pilots(self, i: int) -> tuple[Pilot, ...]:
        """Return the pilot activities that the city runs: its own and its host unit's."""
        city = self.cities[i]
        unit = self.unit_of.get(city.id)
        shared = unit.pilot if unit else None
        return tuple(pilot for pilot in (city.pilot, shared) if pilot is not None)

    def pilot_source(self, i: int, pilot: Pilot) -> str:
        """Return the sources of one of a city's pilot activities, joined."""
        city = self.cities[i]
        unit = self.unit_of.get(city.id)
        if unit is None or pilot == city.pilot:
            return city.source_of("pilot")
        return "; ".join(unit.sources)

    def hosts(self, roles: Iterable[Role]) -> tuple[Host, ...]:
        """Return every host in order of id: units of which a member has a role, and such cities alone."""
        wanted = set(roles)
        found = []
        for u in self.units:
            if any(wanted & set(self.cities[i].roles) for i in self.cities_of[u.id]):
                limits = u.guests_at_most, u.guests_at_least
                found.append(Host(u.id, u.name, self.cities_of[u.id], *limits))
        for i, city in enumerate(self.cities):
            if wanted & set(city.roles) and city.id not in self.unit_of:
                found.append(self.alone(i))
        return tuple(sorted(found, key=lambda host: host.id))

    def known(self, i: int) -> float:
        """Return the part of the profile's blocks, in [0, 1], that are filled for the city."""
        city = self.cities[i]
        return sum(bool(getattr(city, block)) for block in City.BLOCKS) / len(City.BLOCKS)


def _among(city: City, known: Iterable[str]) -> City:
    """Return a city that names none but the known cities and units."""
    said = {name: getattr(city, name) for name in ("wishes", "refuses", "welcomes")}
    left = {name: tuple(n for n in ids if n in known) for name, ids in said.items() if ids}
    fewer = {name: ids for name, ids in left.items() if ids != tuple(said[name])}
    return city.model_copy(update=fewer) if fewer else city


def _bundled_elsewhere(name: str) -> str:
    """Return how to bring a city that nobody here is called, where one of the bundled cities is; empty where none is."""
    hits = bundled_names().find(name)
    if len(hits) != 1:
        return ""
    says = "{city} is one of the bundled cities, but not in this round. --hosts bundled brings it if it hosts others, a row of its own in your table in any case."
    return say(says, city=places()[hits[0]].name)


def named(
    city_id: str, name: str, local: str | None, country: str, place: Location | None
) -> NamedEntity:
    """Return a city as the resolver of names takes it."""
    at = (place.lat, place.lon) if place else None
    return NamedEntity(city_id, (name, local) if local else (name,), country, at)


def nearest(name: str, known: dict[str, str]) -> str:
    """Return a "Did you mean …?" with up to three known names, or an empty text where none is near."""
    from rapidfuzz import fuzz, process

    found = process.extract(name, list(known), scorer=fuzz.WRatio, limit=6, score_cutoff=70)
    ids = list(dict.fromkeys(known[hit] for hit, _, _ in found))[:3]
    return say("Did you mean {names}?", names=listed(ids, "or")) if ids else ""
