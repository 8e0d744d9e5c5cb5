"""The cohort: validated cities and host units in one fixed order, complete for every later step.

Notation: n cities, in order of id, so that nothing depends on the order in which they were read; a city's
index is its place in that order. A *host* is what guests are matched with: a host unit of several cities,
or one city that acts alone.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from twinmatch.errors import Problem, QuestionError
from twinmatch.schema import City, HostUnit, Pilot, Role

__all__ = ["City", "Cohort", "Host", "HostUnit"]


@dataclass(frozen=True)
class Host:
    """What a guest is matched with: an id, a name and the indices of its cities (one or several)."""

    id: str
    name: str
    cities: tuple[int, ...]
    guests_at_most: int | None = None
    guests_at_least: int | None = None


@dataclass(frozen=True)
class Cohort:
    """Cities and host units of a round; made by :func:`twinmatch.validate.validate`, never by hand."""

    cities: tuple[City, ...]
    units: tuple[HostUnit, ...] = ()

    def __len__(self) -> int:
        return len(self.cities)

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
        text = json.dumps(content, ensure_ascii=False, sort_keys=True, separators=(",", ":"))
        return hashlib.sha256(text.encode()).hexdigest()

    @cached_property
    def countries(self) -> NDArray[np.str_]:
        """Return the country codes, shape (n,)."""
        return np.array([city.country for city in self.cities])

    @cached_property
    def coordinates(self) -> NDArray[np.float64]:
        """Return latitude and longitude in degrees, shape (n, 2); nan where not known."""
        places = [
            (c.location.lat, c.location.lon) if c.location else (np.nan, np.nan)
            for c in self.cities
        ]
        return np.array(places, dtype=np.float64).reshape(-1, 2)

    def city(self, city_id: str) -> City:
        """Return the city of an id; raises QuestionError, naming the nearest ids, where there is none."""
        return self.cities[self.find(city_id)]

    def find(self, name: str) -> int:
        """Return the index of a city by id, or by a name that only one city has.

        Raises QuestionError, naming the nearest ids, where no city or more than one answers.
        """
        if name in self.index:
            return self.index[name]
        if not name.strip():
            do = "Give the id or the name of a city."
            raise QuestionError(Problem("city-unknown", "No city was named.", do=do))
        wanted = name.casefold()
        hits = [
            i
            for i, c in enumerate(self.cities)
            if wanted in {c.name.casefold(), (c.local_name or "").casefold()}
        ]
        if len(hits) == 1:
            return hits[0]
        if hits:
            ids = ", ".join(self.cities[i].id for i in hits)
            raise QuestionError(
                Problem(
                    "city-ambiguous",
                    f"Several cities are called {name!r}.",
                    do=f"Use one of: {ids}.",
                )
            )
        raise QuestionError(
            Problem(
                "city-unknown",
                f"No city {name!r} in these profiles.",
                do=nearest(name, self._names()),
            )
        )

    def _names(self) -> dict[str, str]:
        return {c.id: c.id for c in self.cities} | {c.name: c.id for c in self.cities}

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
        return (
            city.source_of("pilot")
            if pilot == city.pilot or unit is None
            else "; ".join(unit.sources)
        )

    def hosts(self, roles: Iterable[Role]) -> tuple[Host, ...]:
        """Return every host in order of id: units of which a member has a role, and such cities alone."""
        wanted = set(roles)
        alone = [
            Host(
                city.id,
                city.name,
                (i,),
                city.participation.guests_at_most if city.participation else None,
                city.participation.guests_at_least if city.participation else None,
            )
            for i, city in enumerate(self.cities)
            if wanted & set(city.roles) and city.id not in self.unit_of
        ]
        units = [
            Host(
                u.id,
                u.name,
                tuple(self.index[c] for c in u.cities),
                u.guests_at_most,
                u.guests_at_least,
            )
            for u in self.units
            if any(wanted & set(self.cities[self.index[c]].roles) for c in u.cities)
        ]
        return tuple(sorted(alone + units, key=lambda host: host.id))

    def known(self, i: int) -> float:
        """Return the part of the profile's blocks, in [0, 1], that are filled for the city."""
        city = self.cities[i]
        return sum(bool(getattr(city, block)) for block in City.BLOCKS) / len(City.BLOCKS)


def nearest(name: str, known: dict[str, str]) -> str:
    """Return a "Did you mean …?" with up to three known names, or an empty text where none is near."""
    from rapidfuzz import fuzz, process

    found = process.extract(name, list(known), scorer=fuzz.WRatio, limit=6, score_cutoff=70)
    ids = list(dict.fromkeys(known[hit] for hit, _, _ in found))[:3]
    return f"Did you mean {' or '.join(ids)}?" if ids else ""
