"""The tables of a proposal that other parts read: a typed row each, in the order of the table's columns.

Several cities of a cell are ids with "; " between them.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import NamedTuple, TypeVar

from twinmatch.proposal.proposal import Table

R = TypeVar("R", bound=NamedTuple)


def rows_of(tables: Iterable[Table], name: str, kind: type[R]) -> list[R]:
    """Return the rows of all tables of a name; a table of another width, which others made, has none."""
    found = [t for t in tables if t.name == name and len(t.columns) == len(kind._fields)]
    return [kind._make(row) for table in found for row in table.rows]


def cities_in(cell: str) -> tuple[str, ...]:
    """Return the ids in a cell."""
    return tuple(filter(None, cell.split("; ")))


class AgendaRow(NamedTuple):
    """What a meeting can begin with: who asks what (the first city in these words), who shows what."""

    meeting: str
    kind: str
    asking: str
    asked: str
    showing: str
    shown: str
    closeness: float | None


class AlikeRow(NamedTuple):
    """What the cities of a pair have in common ("alike"), or do not ("unlike")."""

    meeting: str
    how: str
    facet: str
    says: str
    standing: float


class ActorRow(NamedTuple):
    """A national actor who should be in the room with the cities of a country."""

    country: str
    name: str
    kind: str
    does: str
    link: str
    year: str


class LoadRow(NamedTuple):
    """What a city carries over all formats, each beside its limit (None: none), and the least hours that it stated."""

    city: str
    hours: float
    hours_at_most: float | None
    trips: float
    trips_at_most: float | None
    tasks: float
    tasks_at_most: float | None
    hours_stated: float | None
    where: str

    @property
    def is_more_than_stated(self) -> bool:
        """Return whether more hours are asked of the city than it said it can give at least."""
        return self.hours_stated is not None and self.hours > self.hours_stated


class PathwayRow(NamedTuple):
    """A resource named for a city, its place among them, and why."""

    city: str
    place: int
    resource: str
    link: str
    score: float
    why: str


class SeatingRow(NamedTuple):
    """Who sits at a table of a café in a round."""

    cafe: str
    round: int
    table: str
    host: str
    guests: str


class SatisfactionRow(NamedTuple):
    """A guest's pair beside the best host open to it, and its host's place in the guest's order."""

    meeting: str
    guest: str
    host: str
    points: float
    best: float
    best_host: str
    rank: int
    open_hosts: int


class ThemeRow(NamedTuple):
    """A domain or lever: how many guests ask for it and hosts offer it, and in how many pairs it is met."""

    kind: str
    theme: str
    ask: int
    offer: int
    met: int
    balance: str
    who_asks: str
    who_offers: str


class FairnessRow(NamedTuple):
    """A group of cities: how many, how many have a place, their mean points, the chance of so few by lot."""

    by: str
    group: str
    cities: int
    placed: int
    part: float
    points: float | None
    chance: float


class StabilityRow(NamedTuple):
    """In which part of the perturbed runs a pair survives, and what comes instead."""

    meeting: str
    pair: str
    survives: float
    judgement: str
    instead: str


class InterviewRow(NamedTuple):
    """A question to a city, how many pairs its answers change, and in which part of the draws it gets a pair."""

    city: str
    pairs_changed: float
    gets_a_pair: float
    question: str
