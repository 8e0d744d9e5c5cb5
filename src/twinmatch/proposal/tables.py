"""The tables of a proposal that other parts read: a typed row each, in the order of the table's columns.

Several cities or topics of a cell are ids with "; " between them.

And how an answer stands to each rule: what the rule forbids, whether it binds, and what it costs.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import (
    TYPE_CHECKING,
    Annotated,
    Any,
    Final,
    Literal,
    NamedTuple,
    TypeVar,
    get_type_hints,
)

from pydantic import Field, model_validator
from pydantic_core import PydanticCustomError

from twinmatch.files import data_beside
from twinmatch.proposal.wire import Cell, Number, Whole
from twinmatch.wording import count, joined, listed, say

if TYPE_CHECKING:
    import pandas as pd

R = TypeVar("R", bound=NamedTuple)


@dataclass(frozen=True)
class Table:
    """Figures beside the meetings, such as travel, balance or load: named columns, and rows of that width."""

    name: str
    title: str
    columns: tuple[str, ...]
    rows: tuple[tuple[Cell, ...], ...]
    says: str = ""

    @model_validator(mode="after")
    def _width(self) -> Table:
        for number, row in enumerate(self.rows):
            if len(row) != len(self.columns):
                said = {"row": number, "width": len(self.columns), "found": len(row)}
                raise PydanticCustomError(
                    "proposal-type", "rows[{row}] has {found} cells; {width} are expected.", said
                )
        return self

    def __repr__(self) -> str:
        return f"<Table {self.name}: {len(self.rows)} rows, {len(self.columns)} columns>"

    def to_frame(self) -> pd.DataFrame:
        """Return the figures with the table's own columns."""
        import pandas as pd

        return pd.DataFrame(list(self.rows), columns=list(self.columns))


TABLES: Final = data_beside(__file__, "tables.toml")
"""Title, heads of the columns and what is said of each of our tables, by its name."""


def make_table(
    name: str,
    rows: Iterable[tuple[Cell, ...]],
    /,
    *,
    heads: Iterable[str] = (),
    told: str = "",
    **values: Any,
) -> Table:
    """Return a table of ours; ``heads`` and what is ``told`` of it where they depend on the rows, else ``values`` in its text."""
    own = TABLES[name]
    told = told or (say(own["says"], **values) if "says" in own else "")
    return Table(name, say(own["title"]), tuple(heads or own["columns"]), tuple(rows), told)


def rows_of(tables: Iterable[Table], name: str, kind: type[R]) -> list[R]:
    """Return the rows of all tables of a name; a table of another width, which others made, has none."""
    found = [t for t in tables if t.name == name and len(t.columns) == len(kind._fields)]
    return [kind._make(row) for table in found for row in table.rows]


def ids_in(cell: str) -> tuple[str, ...]:
    """Return the ids in a cell."""
    return tuple(filter(None, cell.split("; ")))


MeetingId = Annotated[str, "meeting"]
FacetCode = Annotated[str, "facet"]
Code = Annotated[str, "code"]
"""A word of ours, which the catalogues have."""

Points = Annotated[float, "points"]
"""A score in [0, 1], which people read as points of 100."""

PartOf = Annotated[float, "part"]
"""A part in [0, 1], which people read as a percentage."""


class AgendaRow(NamedTuple):
    """What a meeting can begin with: who asks what (the first city in these words), who shows what."""

    meeting: MeetingId
    kind: Code
    asking: str
    asked: str
    showing: str
    shown: str
    closeness: float | None


class ReasonRow(NamedTuple):
    """What a city of a group, cluster, panel or visit finds there, or what the others ask of it."""

    meeting: MeetingId
    city: str
    says: str


class AlikeRow(NamedTuple):
    """What the cities of a pair have in common ("alike"), or do not ("unlike")."""

    meeting: MeetingId
    how: Code
    facet: FacetCode
    says: str
    standing: PartOf


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

    meeting: MeetingId
    guest: str
    host: str
    points: Points
    best: Points
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
    part: PartOf
    points: Annotated[float | None, "points"]
    chance: PartOf


ROBUST: Final = 0.7
"""A pair that survives in so large a part of the perturbed runs, or a larger one, is robust, else fragile."""


class StabilityRow(NamedTuple):
    """In which part of the perturbed runs a pair survives, and what comes instead."""

    meeting: MeetingId
    pair: str
    survives: PartOf
    judgement: str
    instead: str


class InterviewRow(NamedTuple):
    """A question to a city, how many pairs its answers change, and in which part of the draws it gets a pair."""

    city: str
    pairs_changed: float
    gets_a_pair: PartOf
    question: str


class PriceRow(NamedTuple):
    """What a rule costs the round: places, points, and both in words."""

    rule: str
    says: str
    places: int
    points: Annotated[float, "cost"]
    words: str


class QuestionRow(NamedTuple):
    """What a panel asks, and the codes of the topics that it is about."""

    panel: str
    question: str
    topics: Annotated[str, "topics"]


class TieRow(NamedTuple):
    """A pair, another that may be taken in its place, and the points of 100 that this loses."""

    guest: str
    host: str
    other_guest: str
    other_host: str
    lost: float


class TravelRow(NamedTuple):
    """A visitor's journey there and back: kilometres of one person, kg CO2e of its people by rail and air, what is suggested."""

    visit: str
    city: str
    km: int | None
    rail: float | None
    air: float | None
    by: str


class WatchRow(NamedTuple):
    """A pair to look at before it is confirmed, and why."""

    meeting: MeetingId
    pair: str
    points: Points
    known: PartOf
    why: str


ROWS: Final[dict[str, type[NamedTuple]]] = {
    "agenda": AgendaRow,
    "reasons": ReasonRow,
    "alike": AlikeRow,
    "room": ActorRow,
    "ledger": LoadRow,
    "pathways": PathwayRow,
    "seating": SeatingRow,
    "satisfaction": SatisfactionRow,
    "themes": ThemeRow,
    "fairness": FairnessRow,
    "stability": StabilityRow,
    "interview": InterviewRow,
    "prices": PriceRow,
    "questions": QuestionRow,
    "tied_choices": TieRow,
    "travel": TravelRow,
    "watch": WatchRow,
}
"""The rows of each table by its name."""


def kinds_of(table: Table) -> tuple[str, ...]:
    """Return for each column of a table whether it holds: meeting, facet, code, topics, points, cost, part, or ""."""
    row = ROWS.get(table.name)
    if row is None or len(row._fields) != len(table.columns):
        return ("",) * len(table.columns)
    hints = get_type_hints(row, include_extras=True)
    return tuple(getattr(hints[name], "__metadata__", ("",))[0] for name in row._fields)


# --- rules ---------------------------------------------------------------------------------------------------

SMALLEST: Final = 0.001
"""Points below which a difference is nothing."""

NAMED_AT_LIMIT: Final = 3
"""Rows of a rule that are named where they are at their limit; more are counted."""


@dataclass(frozen=True)
class RuleNumbers:
    """What a rule forbids in numbers: meetings that it takes out, or how many of its rows are at their limit.

    Of ``possible`` meetings a filter forbids ``taken_out``, ``alone`` of which no other filter does. A rule of one row
    counts ``now``, and asks for at least or at most so many.
    """

    possible: Whole
    taken_out: Whole = 0
    alone: Whole = 0
    rows: Whole = 0
    at_limit: Whole = 0
    now: Number | None = None
    at_least: Number | None = None
    at_most: Number | None = None

    def named(self, full: Sequence[str]) -> str:
        """Return the numbers in words, with the rows at their limit where they are few; nothing where none is."""
        if not self.rows:
            shared = self.taken_out - self.alone
            says = "It takes out {out:,} of {all:,} possible meetings."
            if shared:
                says = "It takes out {out:,} of {all:,} possible meetings; other rules take out {shared:,} of these too."
            return say(says, out=self.taken_out, all=self.possible, shared=shared)
        if self.now is not None:
            asked = [] if self.at_least is None else [say("at least {n:g}", n=self.at_least)]
            asked += [] if self.at_most is None else [say("at most {n:g}", n=self.at_most)]
            return say("Now {now:g} of {asked}.", now=self.now, asked=joined(asked, " and "))
        if not self.at_limit:
            return ""
        told = {"n": self.at_limit, "all": self.rows}
        if 0 < len(full) <= NAMED_AT_LIMIT:
            return say(
                "{n} of {all} at the limit: {rows:stopless}.", rows=joined(full, "; "), **told
            )
        return say("{n} of {all} are at the limit.", **told)


@dataclass(frozen=True)
class RulePrice:
    """What the best answer would gain without a rule: meetings, then score; exact, at most so much, or as found.

    Found is the difference of two answers of which neither is proven best. ``score`` is None where more meetings may be gained, and by how much the score would change then is not known. A rule that ``defines`` what is
    formed has no price: without it there is no answer to compare.
    """

    places: Annotated[Whole, Field(ge=0)]
    score: Number | None
    exact: bool = False
    found: Annotated[bool, Field(exclude_if=lambda value: not value)] = False
    defines: Annotated[bool, Field(exclude_if=lambda value: not value)] = False

    @property
    def is_known(self) -> bool:
        """Return whether it is more than a bound."""
        return self.exact or self.found or self.defines

    @property
    def says(self) -> str:
        """Return the price in words."""
        if self.defines:
            return say("none: it says what is formed")
        points = 100 * (self.score or 0.0)
        if not self.places and points < 0.05:
            nothing = say("nothing") if points < SMALLEST else say("less than 0.1 points")
            return say("{amount}, as found", amount=nothing) if self.found else nothing
        parts = [count(self.places, "place")] if self.places else []
        parts += [say("{points:.1f} points", points=points)] if abs(points) >= 0.05 else []
        if self.found:
            return say("{amount}, as found", amount=listed(parts))
        return listed(parts) if self.exact else say("at most {amount}", amount=listed(parts))


@dataclass(frozen=True)
class RuleStatus:
    """A rule as it was compiled, and how the answer stands to it: kept, binding, broken or relaxed.

    ``repair`` is the number of the repair by which it gave way; ``numbers`` what it forbids, and ``costs`` what it
    costs, where it was compiled to rows over all possible meetings. A rule with a price has by how much it is
    ``missed``, and the points ``paid`` for that.
    """

    rule: str
    says: str
    status: Literal["kept", "binding", "broken", "relaxed"]
    repair: Annotated[Whole | None, Field(exclude_if=lambda value: value is None)] = None
    numbers: Annotated[RuleNumbers | None, Field(exclude_if=lambda value: value is None)] = None
    costs: Annotated[RulePrice | None, Field(exclude_if=lambda value: value is None)] = None
    missed: Annotated[Number | None, Field(exclude_if=lambda value: value is None)] = None
    paid: Annotated[Number | None, Field(exclude_if=lambda value: value is None)] = None
