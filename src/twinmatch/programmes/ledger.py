"""One ledger of load: what each city carries over all formats, and the limits that hold across them.

Notation: n cities; KINDS hours a month, trips in the round, tasks as a host or lead; limit, used and room have
shape (n, 3), and a limit that nobody set is infinite.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Final

import numpy as np
import scipy.sparse as sp
from numpy.typing import NDArray

from twinmatch.cohort import Cohort, nearest
from twinmatch.errors import DataError, Problem, QuestionError
from twinmatch.programmes.settings import FormatSettings, Ledger, Load
from twinmatch.proposal import Product, Table
from twinmatch.solving.blocks import Block

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]

KINDS: Final = ("hours", "trips", "tasks")
WORDS: Final = {"hours": "staff hours a month", "trips": "journeys", "tasks": "tasks"}


def amount(load: Load) -> Floats:
    """Return a load as hours, trips and tasks, shape (3,)."""
    return np.array([load.hours, load.trips, load.tasks], dtype=np.float64)


@dataclass(frozen=True)
class Entry:
    """A line of the ledger: a city (index) in a meeting of a format, its role, and what that takes of it."""

    product: str
    meeting: str
    city: int
    role: str
    load: Load


@dataclass(frozen=True, eq=False)
class Books:
    """The limits of every city and the entries so far; made anew with each product, never changed."""

    cohort: Cohort
    limit: Floats
    entries: tuple[Entry, ...] = ()

    @cached_property
    def used(self) -> Floats:
        """Return what each city carries, shape (n, 3)."""
        total = np.zeros_like(self.limit)
        for entry in self.entries:
            total[entry.city] += amount(entry.load)
        return total

    @property
    def room(self) -> Floats:
        """Return what each city can still carry, shape (n, 3); infinite where there is no limit."""
        return self.limit - self.used

    def fits(self, load: Load) -> NDArray[np.bool_]:
        """Return the cities that can carry one more load, shape (n,)."""
        return np.asarray((amount(load) <= self.room + 1e-9).all(axis=1))

    def with_product(self, product: Product, settings: FormatSettings) -> Books:
        """Return the books with the entries of a finished product."""
        more = [
            Entry(product.product, meeting.id, self.cohort.index[member.city], member.role, load)
            for meeting in product.meetings
            for member in meeting.members
            if (load := settings.load(member.role)) != Load()
        ]
        return replace(self, entries=(*self.entries, *more))

    def unlimited(self) -> Books:
        """Return the same entries without any limit."""
        return replace(self, limit=np.full_like(self.limit, np.inf))

    def broken(self) -> list[str]:
        """Return in words every limit that the entries pass, read from the entries and nothing else."""
        found = []
        for i, city in enumerate(self.cohort.cities):
            mine = [entry.load for entry in self.entries if entry.city == i]
            for k, kind in enumerate(KINDS):
                total = sum(float(getattr(load, kind)) for load in mine)
                if total > self.limit[i, k] + 1e-6:
                    found.append(
                        f"{city.name} carries {total:g} {WORDS[kind]}, its limit is {self.limit[i, k]:g}"
                    )
        return found

    def full(self, settings: FormatSettings) -> tuple[int, ...]:
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
        for i in sorted({entry.city for entry in self.entries}):
            mine = [entry for entry in self.entries if entry.city == i]
            numbers = [
                value
                for k in range(len(KINDS))
                for value in (
                    float(self.used[i, k]),
                    float(self.limit[i, k]) if np.isfinite(self.limit[i, k]) else None,
                )
            ]
            what = "; ".join(f"{e.role} in {e.meeting}" for e in mine)
            rows.append((self.cohort.cities[i].id, *numbers, what))
        columns = ("city", *(c for kind in KINDS for c in (kind, f"{kind} at most")), "in")
        return Table(
            "ledger",
            "What each city carries",
            columns,
            tuple(rows),
            f"{len(rows)} cities over all formats; an empty limit was set by nobody.",
        )


def open_books(cohort: Cohort, settings: Ledger) -> Books:
    """Return the books of a round before anything is proposed.

    A city's limit is the lowest of the programme's for all, the programme's for this city and its own (hours and
    journeys at most; people times tasks a person). Raises QuestionError where a limit names no city.
    """
    limit = np.full((len(cohort), len(KINDS)), np.inf)
    for k, kind in enumerate(KINDS):
        if getattr(settings, kind) is not None:
            limit[:, k] = float(getattr(settings, kind))
    for i, city in enumerate(cohort.cities):
        own = city.participation
        if own is None:
            continue
        people = None if own.people is None else own.people * settings.tasks_a_person
        for k, value in enumerate((own.hours_at_most, own.trips_at_most, people)):
            if value is not None:
                limit[i, k] = min(limit[i, k], float(value))
    problems = []
    for one in settings.cities:
        if one.city not in cohort.index:
            hint = nearest(one.city, {c.id: c.id for c in cohort.cities})
            problems.append(
                Problem("city-unknown", f"[ledger] names {one.city!r}, which is no city.", do=hint)
            )
            continue
        for k, kind in enumerate(KINDS):
            value = getattr(one, kind)
            if value is not None:
                i = cohort.index[one.city]
                limit[i, k] = min(limit[i, k], float(value))
    if problems:
        raise QuestionError(problems)
    return Books(cohort, limit)


def judged_books(books: Books) -> Books:
    """Return the books, or raise DataError: an answer that passes a limit never leaves the house."""
    found = books.broken()
    if found:
        raise DataError(Problem("load-broken", f"The ledger is passed: {text}.") for text in found)
    return books


@dataclass(frozen=True, eq=False)
class Loads:
    """What candidates take of cities: entry k says that candidate[k] takes amount[k] (3,) of city[k]."""

    city: Ints
    candidate: Ints
    amount: Floats
    count: int
    """Number of candidates."""

    def after(self, others: Loads) -> Loads:
        """Return these loads followed by those of further candidates."""
        return Loads(
            np.concatenate([self.city, others.city]),
            np.concatenate([self.candidate, others.candidate + self.count]),
            np.concatenate([self.amount, others.amount]),
            self.count + others.count,
        )

    def block(self, books: Books) -> Block | None:
        """Return the rows that keep cities within their room; None where nobody has a limit here."""
        rows: list[tuple[int, int]] = []
        lines: list[Ints] = []
        for i in sorted(set(self.city.tolist())):
            mine = np.flatnonzero(self.city == i)
            for k in range(len(KINDS)):
                if np.isfinite(books.room[i, k]) and self.amount[mine, k].any():
                    rows.append((i, k))
                    lines.append(mine)
        if not rows:
            return None
        at = np.repeat(np.arange(len(rows)), [len(line) for line in lines])
        picked = np.concatenate(lines)
        kind = np.repeat([k for _, k in rows], [len(line) for line in lines])
        matrix = sp.csr_array(
            (self.amount[picked, kind], (at, self.candidate[picked])),
            shape=(len(rows), self.count),
        )
        high = np.array([max(0.0, books.room[i, k]) for i, k in rows])

        def says(row: int) -> str:
            i, k = rows[row]
            return f"{books.cohort.cities[i].name} has {high[row]:g} {WORDS[KINDS[k]]} left"

        return Block("load", matrix, np.full(len(rows), -np.inf), high, says)


def loads_of(members: Iterable[tuple[int, int, Load]], count: int) -> Loads:
    """Return the loads of (candidate, city, load) entries over so many candidates; empty loads are left out."""
    kept: Sequence[tuple[int, int, Load]] = [m for m in members if m[2] != Load()]
    return Loads(
        np.array([city for _, city, _ in kept], dtype=np.int64),
        np.array([candidate for candidate, _, _ in kept], dtype=np.int64),
        np.array([amount(load) for _, _, load in kept]).reshape(-1, len(KINDS)),
        count,
    )
