"""The proposal: products, meetings, who is left out and why, the rules kept; enough for every later step.

``twinmatch.proposal.wire`` turns a proposal into the one dictionary that every export is made from.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal, TypeVar

from twinmatch.frames import frame
from twinmatch.proposal.evidence import Account

if TYPE_CHECKING:
    import networkx as nx
    import pandas as pd

SCHEMA = "twinmatch/proposal/1"

Pairs = tuple[tuple[str, str], ...]

Status = Literal["optimal", "feasible", "infeasible"]
MemberRole = Literal["host", "guest", "lead", "member"]

Cause = Literal[
    "eligibility",
    "ask",
    "audience",
    "gate",
    "quota",
    "capacity",
    "places",
    "tie",
    "rule",
    "own limit",
    "idle",
    "aside",
]
"""Why a city is left out: not eligible; eligibility not known; not of the product's audience; too little known of it;
a quota or cap; no free host or group; better-fitting cities took the places; others fit as well; a filter; its own or
the ledger's limit; a host to whom nobody came; it takes no side."""


@dataclass(frozen=True)
class Member:
    """A city in a meeting, and what it is there."""

    city: str
    role: MemberRole


@dataclass(frozen=True)
class Reserve:
    """Who would step in: a host unit for the guest, or a guest for the host, with the score of that pair."""

    instead_of: str
    candidate: str
    score: float


@dataclass(frozen=True, repr=False)
class Meeting:
    """A pair, group or cluster: members with their roles, and the account whose shares sum to its score."""

    id: str
    label: str
    members: tuple[Member, ...]
    account: Account
    says: str = ""
    reserves: tuple[Reserve, ...] = ()
    notes: tuple[str, ...] = ()
    unit: str = ""

    def __repr__(self) -> str:
        return (
            f"<Meeting {self.id}: {self.label}, {len(self.members)} cities, score {self.score:.3f}>"
        )

    def row(self) -> dict[str, Any]:
        """Return the meeting as a row of a table; several cities stand with "; " between them."""
        cities = {
            f"{role}s": "; ".join(self.cities(role)) for role in ("guest", "host", "lead", "member")
        }
        figures = {"score": self.score, "known": self.account.coverage}
        return {"meeting": self.id, "label": self.label, **cities, **figures, "says": self.says}

    @property
    def score(self) -> float:
        """Return the meeting's score in [0, 1]."""
        return self.account.score

    def cities(self, role: MemberRole | None = None) -> tuple[str, ...]:
        """Return the members' ids, all or those of one role, in the meeting's order."""
        return tuple(m.city for m in self.members if role is None or m.role == role)


@dataclass(frozen=True)
class LeftOut:
    """A city without a meeting in a product: the reason, and the best thing that it can join now."""

    city: str
    why: str
    offered: str
    ask: str = ""
    as_role: Literal["guest", "host", ""] = ""
    """The side on which it would have taken part; empty where it is on neither, or the product has no sides."""
    code: Cause | Literal[""] = ""
    """What binds; empty where the product does not tell."""


@dataclass(frozen=True)
class Ask:
    """A question to a city whose answer would bring it through the evidence gate: the block of its profile that it fills."""

    city: str
    question: str
    block: str = ""


@dataclass(frozen=True)
class Held:
    """Places that are held open because too little is known of those who could fill them, and what to ask them."""

    places: int
    why: str
    ask: tuple[Ask, ...] = ()

    @property
    def cities(self) -> tuple[str, ...]:
        """Return the cities that are asked, each once, in the order of the questions."""
        return tuple(dict.fromkeys(item.city for item in self.ask))


@dataclass(frozen=True)
class RuleStatus:
    """A rule as it was compiled, and how the answer stands to it: kept, binding, broken or relaxed."""

    rule: str
    says: str
    status: Literal["kept", "binding", "broken", "relaxed"]


@dataclass(frozen=True)
class Gap:
    """Something about a city that is not known, and which facets or rules it silences."""

    city: str
    block: str
    says: str


Cell = str | float | int | None


@dataclass(frozen=True)
class Table:
    """Figures beside the meetings, such as travel, balance or load: named columns, and rows of that width."""

    name: str
    title: str
    columns: tuple[str, ...]
    rows: tuple[tuple[Cell, ...], ...]
    says: str = ""

    def to_frame(self) -> pd.DataFrame:
        """Return the figures with the table's own columns."""
        import pandas as pd

        return pd.DataFrame(list(self.rows), columns=list(self.columns))


@dataclass(frozen=True, repr=False)
class Product:
    """One kind of meeting, solved: what was proven, the meetings, who is left out, the rules."""

    product: str
    title: str
    status: Status
    engine: str
    score: float
    bound: float
    meetings: tuple[Meeting, ...] = ()
    left_out: tuple[LeftOut, ...] = ()
    rules: tuple[RuleStatus, ...] = ()
    says: str = ""
    advice: tuple[str, ...] = ()
    weights: tuple[tuple[str, float, float], ...] = ()
    """Facet, weight, and effective share of the score's variance; all in [0, 1]."""
    tables: tuple[Table, ...] = ()
    held: tuple[Held, ...] = ()

    def __repr__(self) -> str:
        found = f"{count(len(self.meetings), 'meeting')}, {len(self.left_out)} left out"
        return f"<Product {self.product}: {self.status}, {found}, score {self.score:.3f}>"

    def to_frame(self) -> pd.DataFrame:
        """Return one row a meeting: its cities by role, score, part of the weights known, and why."""
        return frame((meeting.row() for meeting in self.meetings), "meeting")

    def table(self, name: str) -> Table:
        """Return the table of a name; raises KeyError, naming the tables there are, where it has none."""
        return _named({table.name: table for table in self.tables}, name)

    @property
    def gap(self) -> float:
        """Return (bound - score) / bound: 0 where proven best or nothing is scored, nan where no bound is known."""
        if not math.isfinite(self.bound):
            return math.nan
        return max(0.0, (self.bound - self.score) / self.bound) if self.bound > 0 else 0.0


@dataclass(frozen=True)
class Measure:
    """A figure of a city that pictures show: its block, what it is of, the value (None: not known) and the year.

    Blocks are ``emissions_gpc`` (t CO2e by the five GPC sectors), ``emissions_groups`` (t CO2e by the four groups
    that every form of table has) and ``readiness`` (levels 0 to 4 by dimension).
    """

    block: str
    what: str
    value: float | None
    year: int | None = None


@dataclass(frozen=True)
class CityCard:
    """What a reader needs to know of a city beside its id: name, country, roles, size, what is known."""

    id: str
    name: str
    country: str
    country_name: str
    roles: tuple[str, ...]
    population: int | None
    lat: float | None
    lon: float | None
    known: float
    """Part of the profile's blocks that are filled, in [0, 1]."""
    statements: tuple[tuple[str, str], ...] = ()
    """What the city says of itself in words: code of the block and text, such as needs, offers, challenges."""
    measures: tuple[Measure, ...] = ()
    """The figures that pictures of its meetings show."""


@dataclass(frozen=True, repr=False)
class Proposal:
    """A round's proposal, complete in itself: what it was made from, its products, gaps and cities."""

    made_from: dict[str, Any]
    products: tuple[Product, ...]
    cities: tuple[CityCard, ...] = ()
    units: tuple[tuple[str, str], ...] = ()
    """Id and name of every host unit of several cities."""
    gaps: tuple[Gap, ...] = ()
    notes: tuple[str, ...] = field(default=())
    tables: tuple[Table, ...] = ()
    """Figures over all products, such as the ledger of load and the support ladder."""

    def __repr__(self) -> str:
        parts = (f"{p.product} {count(len(p.meetings), 'meeting')}" for p in self.products)
        return f"<Proposal of {len(self.cities)} cities: {', '.join(parts)}>"

    @property
    def title(self) -> str:
        """Return the title: the round's own where it has one."""
        stated = self.made_from.get("title")
        if isinstance(stated, str) and stated.strip():
            return stated
        programme = self.made_from.get("programme")
        name = programme.get("name") if isinstance(programme, dict) else None
        return (
            f"Peer-matching proposal: {name}" if isinstance(name, str) else "Peer-matching proposal"
        )

    @property
    def wanted(self) -> tuple[Pairs, Pairs]:
        """Return the twinning pairs that had to meet and those that must not, as guest and host by id."""
        return pairs_wanted(self.made_from)

    def product(self, name: str) -> Product:
        """Return the product of a name; raises KeyError, naming the products there are, where it has none."""
        return _named({product.product: product for product in self.products}, name)

    def to_frame(self) -> pd.DataFrame:
        """Return one row a meeting of every product: its cities by role, score, part of the weights known, and why."""
        rows = ({"product": p.product} | m.row() for p in self.products for m in p.meetings)
        return frame(rows, "meeting")

    def graph(self) -> nx.MultiDiGraph[str]:
        """Return who meets whom: cities, and a tie for each two that a meeting brings together, with its score.

        All attributes are texts and numbers, so that networkx can save the graph in any format.
        """
        from twinmatch.exporting.network import network

        return network(self)

    def write(self, folder: str | Path, *, word: bool = False, pdf: bool = False) -> list[Path]:
        """Write every file of the proposal into a folder, all or none, and return their paths.

        ``word`` and ``pdf`` add these forms of report and dossiers; they need the extras of these names.
        """
        from twinmatch.exporting import publish

        return publish(self, Path(folder), word=word, pdf=pdf)


T = TypeVar("T")


def _named(found: Mapping[str, T], name: str) -> T:
    if name not in found:
        raise KeyError(f"{name!r}; there are: {', '.join(found)}")
    return found[name]


def pairs_wanted(made_from: Mapping[str, Any]) -> tuple[Pairs, Pairs]:
    """Return the locks and the bans of the settings that a proposal was made from; what is no pair is passed over."""
    part: Any = made_from
    for key in ("programme", "settings", "twinning"):
        part = part.get(key) if isinstance(part, Mapping) else None
    locks, bans = (
        tuple((pair[0], pair[1]) for pair in _pairs(part, name)) for name in ("lock", "ban")
    )
    return locks, bans


def _pairs(part: Any, name: str) -> Iterator[Sequence[str]]:
    found = part.get(name) if isinstance(part, Mapping) else None
    for pair in found if isinstance(found, list | tuple) else ():
        if isinstance(pair, list | tuple) and [type(city) for city in pair] == [str, str]:
            yield pair


def count(number: int, one: str, several: str = "") -> str:
    """Return a counted noun, such as ``1 city`` or ``1,200 cities``."""
    return f"{number:,} {one if number == 1 else several or one + 's'}"
