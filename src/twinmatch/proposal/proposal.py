"""The proposal: products, meetings, who is left out and why, the rules kept; enough for every later step.

``twinmatch.proposal.wire`` turns a proposal into the one dictionary that every export is made from.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Final, Literal, TypeVar

from pydantic import Field, model_validator
from pydantic_core import PydanticCustomError

from twinmatch.errors import DataError
from twinmatch.proposal.evidence import Account
from twinmatch.proposal.tables import RuleStatus, Table
from twinmatch.proposal.wire import (
    Anything,
    Number,
    Part,
    Saying,
    Unbounded,
    Unknown,
    Whole,
    adds_up,
    frame,
    from_wire,
    on_wire,
    restored,
    rounded,
    sayings_of,
    schema_of,
    to_wire,
)
from twinmatch.wording import count

if TYPE_CHECKING:
    import networkx as nx
    import pandas as pd

SCHEMA: Final = "twinmatch/proposal/1"

Pairs = tuple[tuple[str, str], ...]

Status = Literal["optimal", "feasible", "infeasible"]
MemberRole = Literal["host", "guest", "lead", "member"]

Cause = Literal[
    "eligibility",
    "role",
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
"""Why a city is left out: not eligible; its role hosts and travels as no guest; eligibility not known; not of the product's audience; too little known of it;
a quota or cap; no free host or group; better-fitting cities took the places; others fit as well; a filter; its own or
the ledger's limit; a host whose guests all have places elsewhere; it takes no side."""


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
    score: Part


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
    need: Annotated[str, Field(exclude_if=lambda value: not value)] = ""
    """Which of its guest's needs a pair answers, in words, where hosts answer them one by one."""

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

    @on_wire
    def score(self) -> Number:
        """Return the meeting's score in [0, 1]."""
        return self.account.score

    @model_validator(mode="wrap")
    @classmethod
    def _read(cls, plain: Any, handler: Any) -> Any:
        meeting = handler(plain)
        adds_up(plain, "score", meeting.score, "the shares of its account sum to")
        return meeting

    def cities(self, role: MemberRole | None = None) -> tuple[str, ...]:
        """Return the members' ids, all or those of one role, in the meeting's order."""
        return tuple([m.city for m in self.members if role is None or m.role == role])


@dataclass(frozen=True)
class LeftOut:
    """A city without a meeting in a product: the reason, and the best thing that it can join now, empty where there is none."""

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

    places: Annotated[Whole, Field(ge=0)]
    why: str
    ask: tuple[Ask, ...] = ()

    @property
    def cities(self) -> tuple[str, ...]:
        """Return the cities that are asked, each once, in the order of the questions."""
        return tuple(dict.fromkeys(item.city for item in self.ask))


@dataclass(frozen=True)
class Gap:
    """Something about a city that is not known, and which facets or rules it silences."""

    city: str
    block: str
    says: str


MOST_GROUPS: Final = 20
"""Groups that a theme is split into, at most."""


def joins_countries(meeting: str) -> bool:
    """Return whether a meeting is a cluster of several countries, by its id, such as "national_clusters:de-at-2"."""
    product, _, key = meeting.partition(":")
    return product == "national_clusters" and sum(map(str.isalpha, key.split("-"))) > 1


def is_of_theme(meeting: str, theme: str) -> bool:
    """Return whether a meeting is a group of a theme, by their ids: a theme of several groups numbers them.

    A theme without a name, such as "city_panels:", has every group of its product.
    """
    head, dash, number = meeting.rpartition("-")
    if theme.endswith(":"):
        return meeting.startswith(theme)
    return meeting == theme or (head == theme and bool(dash) and number.isdecimal())


def theme_of(meeting: str, settings: Mapping[str, Any]) -> str:
    """Return the id of what a group is one of: a theme, the countries of a cluster, or all panels."""
    product, _, key = meeting.partition(":")
    if product == "city_panels":
        return f"{product}:"
    head, _, number = key.rpartition("-")
    themes = (str(t.get("id")) for t in settings.get("themes") or ())
    whole = head if head and number.isdecimal() else key
    return f"{product}:{next((t for t in themes if is_of_theme(key, t)), whole)}"


@dataclass(frozen=True)
class FacetWeight:
    """What a facet weighs in a product, and its effective share of the score's variance.

    The shares sum to 1; a facet that runs against the others has one below 0, and another then one above 1.
    """

    facet: str
    weight: Part
    effective_share: Number


Words = Annotated[str, Field(default="")]
"""A text that a file may leave out."""


@dataclass(frozen=True, repr=False)
class Product:
    """One kind of meeting, solved: what was proven, the meetings, who is left out, the rules."""

    product: str
    title: Words
    status: Status
    engine: Words
    score: Number
    bound: Annotated[Unbounded, Field(description="Null where no bound is known")]
    meetings: tuple[Meeting, ...] = ()
    left_out: tuple[LeftOut, ...] = ()
    rules: tuple[RuleStatus, ...] = ()
    says: str = ""
    advice: tuple[str, ...] = ()
    weights: tuple[FacetWeight, ...] = ()
    tables: tuple[Table, ...] = ()
    held: tuple[Held, ...] = ()

    def __repr__(self) -> str:
        found = f"{count(len(self.meetings), 'meeting')}, {len(self.left_out)} left out"
        return f"<Product {self.product}: {self.status}, {found}, score {self.score:.3f}>"

    @cached_property
    def joins_countries(self) -> bool:
        """Return whether some of its meetings are clusters of several countries."""
        return any(joins_countries(meeting.id) for meeting in self.meetings)

    def to_frame(self) -> pd.DataFrame:
        """Return one row a meeting: its cities by role, score, part of the weights known, and why."""
        return frame((meeting.row() for meeting in self.meetings), "meeting")

    def table(self, name: str) -> Table:
        """Return the table of a name; raises KeyError, naming the tables there are, where it has none."""
        return _named({table.name: table for table in self.tables}, name)

    @on_wire
    def gap(self) -> Unknown:
        """Return (bound - score) / |bound|: 0 where proven best, nan where no bound is known, or it is 0 and missed.

        Both are below 0 where missed rules with a price cost more than the meetings are worth.
        """
        if self.score >= self.bound:
            return 0.0
        finite = math.isfinite(self.bound) and self.bound
        return (self.bound - self.score) / abs(self.bound) if finite else math.nan


@dataclass(frozen=True)
class Measure:
    """A figure of a city that pictures show: its block, what it is of, the value (None: not known) and the year.

    Blocks are ``emissions_gpc`` (t CO2e by the five GPC sectors), ``emissions_groups`` (t CO2e by the four groups
    that every form of table has) and ``readiness`` (levels 0 to 4 by dimension).
    """

    block: str
    what: str
    value: Number | None
    year: Whole | None = None


@dataclass(frozen=True)
class Statement:
    """What a city says of itself in words: code of the block, such as needs or offers, and text."""

    block: str
    says: str


@dataclass(frozen=True)
class UnitName:
    """Id and name of a host unit of several cities."""

    id: str
    name: str


@dataclass(frozen=True)
class CityCard:
    """What a reader needs to know of a city beside its id: name, country, roles, size, what is known."""

    id: str
    name: str
    country: Words
    country_name: Words
    roles: Annotated[tuple[str, ...], Field(default=())]
    population: Annotated[Whole | None, Field(default=None, description="Residents")]
    lat: Annotated[Number | None, Field(default=None, description="Degrees north, WGS 84")]
    lon: Annotated[Number | None, Field(default=None, description="Degrees east, WGS 84")]
    known: Annotated[Part, Field(description="Part of the profile's blocks that are filled")]
    statements: tuple[Statement, ...] = ()
    """What the city says of itself in words."""
    measures: tuple[Measure, ...] = ()
    """The figures that pictures of its meetings show."""

    def __repr__(self) -> str:
        return f"<CityCard {self.id}, {self.name}>"


@dataclass(frozen=True, repr=False)
class Proposal:
    """A round's proposal, complete in itself: what it was made from, its products, gaps and cities."""

    made_from: Anything
    products: tuple[Product, ...]
    cities: tuple[CityCard, ...] = ()
    units: tuple[UnitName, ...] = ()
    """Every host unit of several cities."""
    gaps: tuple[Gap, ...] = ()
    notes: tuple[str, ...] = field(default=())
    tables: tuple[Table, ...] = ()
    """Figures over all products, such as the ledger of load and the support ladder."""

    def __repr__(self) -> str:
        parts = (f"{p.product} {count(len(p.meetings), 'meeting')}" for p in self.products)
        return f"<Proposal of {len(self.cities)} cities: {', '.join(parts)}>"

    @on_wire
    def schema(self) -> Literal["twinmatch/proposal/1"]:
        """Return which form this is."""
        return SCHEMA

    @model_validator(mode="before")
    @classmethod
    def _of_this_form(cls, plain: Any) -> Any:
        if not isinstance(plain, dict):
            raise PydanticCustomError(
                "proposal-type", "This is not a proposal: an object is expected."
            )
        if plain.get("schema") != SCHEMA:
            found = plain.get("schema")
            said = "names no schema" if found is None else f"has the schema {str(found)[:80]!r}"
            raise PydanticCustomError(
                "proposal-schema",
                "The file {said}; {known} is expected. Is it a proposal.json of twinmatch, of this version?",
                {"said": said, "known": repr(SCHEMA)},
            )
        return plain

    @on_wire
    def title(self) -> str:
        """Return the title: the round's own where it has one."""
        stated = self.made_from.get("title")
        if isinstance(stated, str) and stated.strip():
            return stated
        programme = self.made_from.get("programme")
        name = programme.get("name") if isinstance(programme, dict) else None
        named = isinstance(name, str) and name.strip()
        return f"Peer-matching proposal: {name}" if named else "Peer-matching proposal"

    @on_wire
    def sayings(self) -> tuple[Saying, ...]:
        """Return what its texts were made of, by which they are shown in other languages."""
        return self.made_of

    @cached_property
    def made_of(self) -> tuple[Saying, ...]:
        """Return the same, gathered once."""
        return sayings_of(self)

    @model_validator(mode="wrap")
    @classmethod
    def _read(cls, plain: Any, handler: Any) -> Any:
        made = handler(plain)
        try:
            return restored(made, from_wire(tuple[Saying, ...], plain.get("sayings", ())))
        except DataError as error:
            wrong = error.problems[0]
            said = {"where": wrong.where.column, "found": wrong.found}
            raise PydanticCustomError("proposal-type", "sayings{where}: {found}", said) from None

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
        from twinmatch.exporting.atlas import network

        return network(self)

    def write(
        self, folder: str | Path, *, word: bool = False, pdf: bool = False, language: str = "en"
    ) -> list[Path]:
        """Write every file of the proposal into a folder, all or none, and return their paths.

        ``word`` and ``pdf`` add these forms of report and dossiers; they need the extras of these names. The files for
        people are in ``language``, such as "de".
        """
        from twinmatch.exporting import publish

        return publish(self, Path(folder), word=word, pdf=pdf, language=language)


def to_plain(proposal: Proposal) -> dict[str, Any]:
    """Return the proposal as dictionaries, lists, texts and finite numbers: the contract of proposal.json."""
    plain: dict[str, Any] = to_wire(proposal)
    for product in plain["products"]:
        # What stands in the file adds up to the last decimal, so that it gives the same again when it is read.
        for meeting in product["meetings"]:
            for line in meeting["account"]:
                line["share"] = rounded(line["weight"] * line["standing"])
            meeting["score"] = rounded(math.fsum(line["share"] for line in meeting["account"]))
    return {key: plain[key] for key in ("schema", "title")} | plain


def from_plain(plain: Any, file: str = "") -> Proposal:
    """Return the proposal of a dictionary; raises DataError with every problem of a wrong one."""
    found: Proposal = from_wire(Proposal, plain, file)
    return found


def proposal_schema() -> dict[str, Any]:
    """Return the JSON Schema (2020-12) of a proposal.json."""
    return schema_of(Proposal, "schema:proposal:1", "proposal.json")


T = TypeVar("T")


def _named(found: Mapping[str, T], name: str) -> T:
    if name not in found:
        raise KeyError(f"{name!r}; there are: {', '.join(found)}")
    return found[name]


def settings_of(made_from: Mapping[str, Any], product: str) -> Mapping[str, Any]:
    """Return the settings of a product as a proposal was made from them; empty where none are known."""
    part: Any = made_from
    for key in ("programme", "settings", product):
        part = part.get(key) if isinstance(part, Mapping) else None
    return part if isinstance(part, Mapping) else {}


def pairs_wanted(made_from: Mapping[str, Any]) -> tuple[Pairs, Pairs]:
    """Return the locks and the bans of the settings that a proposal was made from; what is no pair is passed over."""
    part = settings_of(made_from, "twinning")
    return pairs_in(part, "lock"), pairs_in(part, "ban")


def pairs_in(part: Mapping[str, Any], name: str) -> Pairs:
    """Return the pairs of texts of a setting; what is no pair is passed over."""
    found = part.get(name)
    return tuple(
        (pair[0], pair[1])
        for pair in (found if isinstance(found, list | tuple) else ())
        if isinstance(pair, list | tuple) and [type(city) for city in pair] == [str, str]
    )
