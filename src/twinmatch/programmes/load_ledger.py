"""One ledger of load: what each city carries over all formats, and the limits that hold across them.

Notation: n cities; KINDS hours a month, trips in the round, tasks as a host or lead; limit, used and room have
shape (n, 3), and a limit that nobody set is infinite. What m candidates take of cities is (m, 3n), KINDS city by city.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Final

import numpy as np
import scipy.sparse as sp
from numpy.typing import NDArray
from pydantic import Field

from twinmatch.cohort import Cohort, nearest
from twinmatch.errors import DataError, Problem, QuestionError
from twinmatch.programmes.base import Load, ProductSettings, ProgrammeSection
from twinmatch.proposal import Product, Table, make_table
from twinmatch.solving import Floats
from twinmatch.solving.blocks import Block
from twinmatch.wording import joined, say, titled


class CityLimit(ProgrammeSection):
    """What one city may carry; a number left out is that of all cities."""

    city: str = Field(min_length=1)
    """Id of the city"""
    hours: float | None = Field(None, ge=0, allow_inf_nan=False)
    """Hours a month"""
    trips: int | None = Field(None, ge=0)
    """Journeys in the round"""
    tasks: int | None = Field(None, ge=0)
    """Tasks as a host or lead"""


class Ledger(ProgrammeSection):
    """One ledger of load a city over all formats: limits that hold across them, and who comes first."""

    hours: float | None = Field(None, ge=0, allow_inf_nan=False)
    """Staff hours a month of any city, at most"""
    trips: int | None = Field(None, ge=0)
    """Journeys in the round, at most"""
    tasks: int | None = Field(None, ge=0)
    """Tasks as a host or lead, at most"""
    tasks_a_person: int = Field(2, ge=1)
    """Tasks that a person carries, where a city has said how many people"""
    cities: tuple[CityLimit, ...] = ()
    """Limits of single cities"""
    order: tuple[str, ...] = ()
    """Formats that choose first, in this order; the others follow"""


KINDS: Final = ("hours", "trips", "tasks")


WORDS: Final = {
    "hours": say("staff hours a month"),
    "trips": say("journeys"),
    "tasks": say("tasks"),
}


def amount(load: Load) -> Floats:
    """Return a load as hours, trips and tasks, shape (3,)."""
    return np.array([load.hours, load.trips, load.tasks], dtype=np.float64)


@dataclass(frozen=True)
class LoadEntry:
    """A line of the ledger: a city (index) in a meeting of a format, its role, and what that takes of it."""

    product: str
    meeting: str
    city: int
    role: str
    load: Load


@dataclass(frozen=True, eq=False)
class LoadLedger:
    """The limits of every city and the entries so far; made again with each product, never changed."""

    cohort: Cohort
    limit: Floats
    entries: tuple[LoadEntry, ...] = ()

    @cached_property
    def used(self) -> Floats:
        """Return what each city carries, shape (n, 3)."""
        total = np.zeros_like(self.limit)
        if self.entries:
            of: dict[int, Floats] = {}  # a format's loads are few objects that every entry shares
            each = [of.setdefault(id(e.load), amount(e.load)) for e in self.entries]
            np.add.at(total, [e.city for e in self.entries], np.array(each))
        return total

    @cached_property
    def _lines(self) -> dict[int, list[LoadEntry]]:
        """The entries of each city that has any, in their order."""
        found: dict[int, list[LoadEntry]] = {}
        for entry in self.entries:
            found.setdefault(entry.city, []).append(entry)
        return found

    @property
    def room(self) -> Floats:
        """Return what each city can still carry, shape (n, 3); infinite where there is no limit."""
        return self.limit - self.used

    def fits(self, load: Load) -> NDArray[np.bool_]:
        """Return the cities that can carry one more load, shape (n,)."""
        return np.asarray((amount(load) <= self.room + 1e-9).all(axis=1))

    def with_product(self, product: Product, settings: ProductSettings) -> LoadLedger:
        """Return the ledger with the entries of a finished product; cities that the cohort does not know are left out."""
        roles = {member.role for meeting in product.meetings for member in meeting.members}
        loads = {role: load for role in roles if (load := settings.load(role)) != Load()}
        more = [
            LoadEntry(
                product.product,
                meeting.id,
                self.cohort.index[member.city],
                member.role,
                loads[member.role].of(meeting, member.city),
            )
            for meeting in product.meetings
            for member in meeting.members
            if member.role in loads and member.city in self.cohort.index
        ]
        return replace(self, entries=(*self.entries, *more))

    def unlimited(self) -> LoadLedger:
        """Return the same entries without any limit."""
        return replace(self, limit=np.full_like(self.limit, np.inf))

    def broken(self) -> list[str]:
        """Return in words every limit that the entries pass, read from the entries and nothing else."""
        found = []
        for i, lines in sorted(self._lines.items()):
            city = self.cohort.cities[i]
            for k, kind in enumerate(KINDS):
                total = sum(float(getattr(entry.load, kind)) for entry in lines)
                if total > self.limit[i, k] + 1e-6:
                    found.append(
                        say(
                            "{city} carries {total:g} {kind}, its limit is {limit:g}",
                            city=city.name,
                            total=total,
                            kind=WORDS[kind],
                            limit=self.limit[i, k],
                        )
                    )
        return found

    def full(self, settings: ProductSettings) -> tuple[int, ...]:
        """Return the cities in whose way a limit stands: no room for one more of the format's roles."""
        tight = np.zeros(len(self.limit), dtype=bool)
        for role in ("host", "guest", "lead", "member"):
            load = settings.load(role)
            if load != Load():
                tight |= ~self.fits(load)
        return tuple(int(i) for i in np.flatnonzero(tight))

    def table(self) -> Table:
        """Return the ledger as a table: a row for each city that carries anything."""
        rows = []
        for i, mine in sorted(self._lines.items()):
            numbers = [
                value
                for k in range(len(KINDS))
                for value in (
                    float(self.used[i, k]),
                    float(self.limit[i, k]) if np.isfinite(self.limit[i, k]) else None,
                )
            ]
            what = joined(
                (say("{role} in {meeting}", role=titled(e.role), meeting=e.meeting) for e in mine),
                "; ",
            )
            own = self.cohort.cities[i].participation
            stated = own.staff_hours_a_month if own else None
            rows.append((self.cohort.cities[i].id, *numbers, stated, what))
        return make_table("ledger", rows, rows=len(rows))


def open_ledger(cohort: Cohort, settings: Ledger) -> LoadLedger:
    """Return the ledger of a round before anything is proposed.

    A city's limit is the lowest of the programme's for all, the programme's for this city and its own (hours and
    journeys at most; people times tasks a person). Raises QuestionError where a limit names no city.
    """
    limit = np.tile(_limits(settings.hours, settings.trips, settings.tasks), (len(cohort), 1))
    for i, city in enumerate(cohort.cities):
        if (own := city.participation) is not None:
            people = None if own.people is None else own.people * settings.tasks_a_person
            stated = _limits(own.hours_at_most, own.trips_at_most, people)
            limit[i] = np.minimum(limit[i], stated)
    problems = []
    for one in settings.cities:
        if one.city in cohort.index:
            i = cohort.index[one.city]
            limit[i] = np.minimum(limit[i], _limits(one.hours, one.trips, one.tasks))
            continue
        hint = nearest(one.city, {c.id: c.id for c in cohort.cities})
        found = say("[ledger] names {city}, which is no city.", city=repr(one.city))
        problems.append(Problem("city-unknown", found, do=hint))
    if problems:
        raise QuestionError(problems)
    return LoadLedger(cohort, limit)


def _limits(*said: float | None) -> Floats:
    """Return limits by kind, (3,), infinite where there is none."""
    return np.array([np.inf if number is None else number for number in said], dtype=np.float64)


def judged_ledger(ledger: LoadLedger) -> LoadLedger:
    """Return the ledger, or raise DataError: an answer that passes a limit never leaves the house."""
    found = ledger.broken()
    if found:
        raise DataError(
            Problem("load-broken", say("The ledger is passed: {text}.", text=text))
            for text in found
        )
    return ledger


def loads_of(groups: Sequence[Sequence[int]], load: Load, cohort: Cohort) -> sp.csr_array:
    """Return what each group of cities takes of them, a load each, (groups, 3n): hours, trips and tasks city by city."""
    ends = np.cumsum([0, *map(len, groups)])
    cities = np.array([i for group in groups for i in group], dtype=np.int64)
    member = sp.csr_array((np.ones(len(cities)), cities, ends), (len(groups), len(cohort)))
    return sp.csr_array(sp.kron(member, sp.coo_array(amount(load)[None]), format="csr"))


def load_block(loads: sp.csr_array, ledger: LoadLedger) -> Block | None:
    """Return the rows that keep cities within their room, given what candidates take (m, 3n); None where no limit is near."""
    room = ledger.room.ravel()
    taken = np.bincount(loads.indices, minlength=len(room)) > 0
    rows = np.flatnonzero(taken & np.isfinite(room))
    if not len(rows):
        return None
    city, kind = np.divmod(rows, len(KINDS))
    high = np.maximum(room[rows], 0.0)

    def says(row: int) -> str:
        return say(
            "of its {kind} {name} has {high:g} left",
            kind=WORDS[KINDS[int(kind[row])]],
            name=ledger.cohort.cities[int(city[row])].name,
            high=high[row],
        )

    matrix = sp.csr_array(loads.tocsc()[:, rows].T)
    return Block("load", matrix, np.full(len(rows), -np.inf), high, says)
