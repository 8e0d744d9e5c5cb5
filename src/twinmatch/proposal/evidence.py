"""Evidence: why a meeting scores as it does, one line a facet, complete in itself.

A score is the sum of its evidence and there is no other way to get one, so ``Account.score`` is computed
from the lines and never stored beside them.

Notation: likeness in [0, 1] or nan (unknown); standing in [0, 1], the share of candidate pairs that the
likeness beats, 0.5 where it is unknown; weight, each facet's part of all weights (they sum to 1);
share = weight x standing.

And how an answer stands to each rule: what the rule forbids, whether it binds, and what it costs.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass, field
from operator import attrgetter
from typing import TYPE_CHECKING, Annotated, Any, Final, Literal

from pydantic import Field, GetCoreSchemaHandler, model_validator
from pydantic_core import core_schema

from twinmatch.proposal.wire import Cell, Number, Part, Unknown, Whole, adds_up, frame, on_wire
from twinmatch.wording import count, joined, listed, say

if TYPE_CHECKING:
    import pandas as pd

Stated = Field(exclude_if=lambda value: value in (None, ""))
"""A part of a fact that JSON leaves out where it is empty."""


@dataclass(frozen=True)
class Fact:
    """A figure or a quotation behind a line of evidence, with where it comes from.

    ``kind`` is reported, estimated or stated (a city's own words); ``place`` is the span of a quotation in
    the city's text, such as "needs, characters 120-188". Parts that are not known are None or empty.
    """

    city: Annotated[str, Stated] = ""
    what: Annotated[str, Stated] = ""
    value: Annotated[Cell, Stated] = None
    unit: Annotated[str, Stated] = ""
    year: Annotated[Whole | None, Stated] = None
    kind: Annotated[str, Stated] = "reported"
    source: Annotated[str, Stated] = ""
    place: Annotated[str, Stated] = ""


@dataclass(frozen=True)
class Evidence:
    """One line of an account: what a facet found for a pair, and what it adds to the score."""

    facet: str
    likeness: Annotated[Unknown, Field(description="0 to 1; null where not known")]
    standing: Annotated[
        Part, Field(description="Share of the possible pairs that it beats; 0.5 where not known")
    ]
    weight: Part
    says: str
    facts: Annotated[tuple[Fact, ...], Field(alias="evidence")] = ()
    known_part: Part = 1.0
    """Part of the pairs behind the line, in [0, 1], for which the facet is known (1 for a single known pair)."""

    @on_wire
    def share(self) -> Number:
        """Return what the line adds to the score: weight times standing, in [0, 1]."""
        return self.weight * self.standing

    @model_validator(mode="wrap")
    @classmethod
    def _read(cls, plain: Any, handler: Any) -> Any:
        line = handler(plain)
        adds_up(plain, "share", line.share, "weight times standing is")
        return line

    @property
    def known(self) -> bool:
        """Return whether the facet is known for the pair."""
        return not math.isnan(self.likeness)


@dataclass(frozen=True, repr=False)
class Account:
    """Why a pair or a group scores as it does: its lines of evidence, whose shares sum to the score."""

    lines: tuple[Evidence, ...] = field(default=())

    @classmethod
    def __get_pydantic_core_schema__(
        cls, source: Any, handler: GetCoreSchemaHandler
    ) -> core_schema.CoreSchema:
        """Return the schema of its JSON form: the list of its lines."""
        lines = handler(tuple[Evidence, ...])
        written = core_schema.plain_serializer_function_ser_schema(
            attrgetter("lines"), return_schema=lines
        )
        return core_schema.no_info_after_validator_function(cls, lines, serialization=written)

    def __repr__(self) -> str:
        known = sum(line.known for line in self.lines)
        return f"<Account: score {self.score:.3f}, {known} of {len(self.lines)} facets known>"

    def to_frame(self) -> pd.DataFrame:
        """Return one row a facet: likeness, standing, weight, share (their product, summing to the score), says."""
        columns = ("facet", "likeness", "standing", "weight", "share", "says")
        return frame(({c: getattr(line, c) for c in columns} for line in self.lines), "facet")

    @property
    def score(self) -> float:
        """Return the score in [0, 1]: the sum of the shares, summed exactly and in any order alike."""
        return math.fsum(line.share for line in self.lines)

    @property
    def coverage(self) -> float:
        """Return the part of the weights, in [0, 1], that rests on something known."""
        return math.fsum(line.weight * line.known_part for line in self.lines if line.known)

    def strongest(
        self, count: int = 3, worded: Callable[[Evidence], Evidence] = lambda line: line
    ) -> tuple[Evidence, ...]:
        """Return the known lines that are reasons and lift the score above the average pair, content first.

        What a city asked for and what another shows come before domains and levels; where cities lie and how large
        they are is no reason. A line that rests on the same facts as one before it is left out. ``worded`` puts a
        line into words that has none yet; it is called for no more lines than it takes. What flows back to the host is
        no reason alone: what the guest learns stands before it, however little it lifts the score.
        """
        lines = [x for x in self.lines if x.known and x.weight > 0]
        found = _reasons([x for x in lines if x.standing > 0.5], count, worded)
        if found and all(line.facet == "returns" for line in found):
            learned = [x for x in lines if x.facet in LEARNED and x.likeness > 0]
            found = [*_reasons(learned, count, worded), *found]
        return tuple(found[:count])

    def summary(self) -> str:
        """Return the strongest reasons as one or two sentences."""
        says = joined(line.says for line in self.strongest(2))
        return says or say("Not enough is known to give a reason.")


def _reasons(
    lines: list[Evidence], count: int, worded: Callable[[Evidence], Evidence]
) -> list[Evidence]:
    """Return the first lines that are reasons, in words, none of them said by one before it."""
    found: list[Evidence] = []
    for line in map(worded, sorted(lines, key=_place)):
        said = {x.says for x in found}
        told = line.facet in TOPICS_TOLD and any(x.facet in QUOTING for x in found)
        if is_reason(line) and line.says not in said and not told:
            found.append(line)
        if len(found) >= count:
            break
    return found


CONTENT: Final = (
    *("wishes", "topics_met", "needs_offers", "needs_answered", "theme"),
    *("shared_topics", "shared_needs"),
)
"""Facets whose lines say what it is about."""

QUOTING: Final = frozenset({"needs_offers", "needs_answered", "shared_needs"})
LEARNED: Final = frozenset({*CONTENT, "challenges_met", "levers_met"})
"""Facets that say what a guest learns."""
TOPICS_TOLD: Final = frozenset({"topics_met", "shared_topics"})
"""Facets that quote a sentence on a topic, and those that name topics: no reason beside a quotation."""

NO_REASON: Final = frozenset(
    {"same_words", "nearness", "context", "country", "language", "emissions_level"}
)
"""Facets that make a score and never a reason: where cities lie, how large they are, what they speak."""


def is_reason(line: Evidence) -> bool:
    """Return whether a line may stand as a reason: content that nothing was found for is none."""
    return line.facet not in NO_REASON and bool(line.facts or line.facet not in CONTENT)


def _place(line: Evidence) -> tuple[bool, bool, bool, float, str]:
    lift = -line.weight * (line.standing - 0.5)
    back = line.facet == "returns"
    return back, line.facet not in CONTENT, line.facet in TOPICS_TOLD, lift, line.facet


# --- rules ---------------------------------------------------------------------------------------------------

SMALLEST: Final = 0.001
"""Points below which a difference is nothing."""


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

    @property
    def says(self) -> str:
        """Return the numbers in words; nothing where no row is at its limit."""
        if not self.rows:
            return f"It takes out {self.taken_out:,} of {self.possible:,} possible meetings, {self.alone:,} that no other rule does."
        if self.now is not None:
            sides = (("at least", self.at_least), ("at most", self.at_most))
            asked = " and ".join(f"{word} {n:g}" for word, n in sides if n is not None)
            return f"Now {self.now:g} of {asked}."
        return f"{self.at_limit} of {self.rows} are at the limit." if self.at_limit else ""


@dataclass(frozen=True)
class RulePrice:
    """What the best answer would gain without a rule: meetings, then score; exact, or at most so much.

    ``score`` is None where more meetings may be gained, and by how much the score would change then is not known.
    """

    places: Annotated[Whole, Field(ge=0)]
    score: Number | None
    exact: bool = False

    @property
    def says(self) -> str:
        """Return the price in words."""
        points = 100 * (self.score or 0.0)
        if not self.places and points < 0.05:
            return say("nothing") if points < SMALLEST else say("less than 0.1 points")
        parts = [count(self.places, "place")] if self.places else []
        parts += [say("{points:.1f} points", points=points)] if abs(points) >= 0.05 else []
        return listed(parts) if self.exact else say("at most {amount}", amount=listed(parts))


@dataclass(frozen=True)
class RuleStatus:
    """A rule as it was compiled, and how the answer stands to it: kept, binding, broken or relaxed.

    ``repair`` is the number of the repair by which it gave way; ``numbers`` what it forbids, and ``costs`` what it
    costs, where it was compiled to rows over all possible meetings.
    """

    rule: str
    says: str
    status: Literal["kept", "binding", "broken", "relaxed"]
    repair: Annotated[Whole | None, Field(exclude_if=lambda value: value is None)] = None
    numbers: Annotated[RuleNumbers | None, Field(exclude_if=lambda value: value is None)] = None
    costs: Annotated[RulePrice | None, Field(exclude_if=lambda value: value is None)] = None
