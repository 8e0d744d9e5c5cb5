"""Evidence: why a meeting scores as it does, one line a facet, complete in itself; and the reviewer of its sentences.

A score is the sum of its evidence and there is no other way to get one, so ``Account.score`` is computed
from the lines and never stored beside them.

Notation: likeness in [0, 1] or nan (unknown); standing in [0, 1], the share of candidate pairs that the
likeness beats, 0.5 where it is unknown; weight, each facet's part of all weights (they sum to 1);
share = weight x standing.

The reviewer of printed reasons: what a sentence breaks is said by name, and it is not printed then.

Rules read its kind where it is known, and its wording where it is not; nothing here knows a facet, a city's profile
or a text model.
"""

from __future__ import annotations

import math
import re
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import lru_cache
from operator import attrgetter
from typing import TYPE_CHECKING, Annotated, Any, Final, Literal

from pydantic import Field, GetCoreSchemaHandler, model_validator
from pydantic_core import core_schema

from twinmatch.files import data_beside
from twinmatch.proposal.wire import Cell, Number, Part, Unknown, Whole, adds_up, frame, on_wire
from twinmatch.wording import joined, own_words, say

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
        line into words that has none yet; it is called for no more lines than it takes. Where nothing lifts the score,
        what the guest learns is the reason, however little that is.
        """
        lines = [x for x in self.lines if x.known and x.weight > 0]
        learned = [x for x in lines if x.facet in LEARNED and x.likeness > 0]
        lifting = [x for x in lines if x.standing > 0.5]
        return tuple(_reasons(lifting, count, worded) or _reasons(learned, count, worded))

    def summary(self) -> str:
        """Return the strongest reasons as one or two sentences."""
        says = joined(line.says for line in self.strongest(2))
        return says or NO_REASON_SAID


def _reasons(
    lines: list[Evidence], count: int, worded: Callable[[Evidence], Evidence]
) -> list[Evidence]:
    """Return the first lines that are reasons, in words, none of them said by one before it."""
    found: list[Evidence] = []
    for line in sorted(lines, key=_place):
        told = line.facet in TOPICS_TOLD and any(x.facet in QUOTING for x in found)
        before = LABELS | CONTENT - {"wishes"}
        told |= line.facet in LABELS and any(x.facet in before for x in found)
        if told or line.facet in NO_REASON:
            continue
        line = worded(line)
        if is_reason(line) and line.says not in {x.says for x in found}:
            found.append(line)
        if len(found) >= count:
            break
    labels = [x for x in found if _is_label(x)]
    # That one wished for the other says not what for.
    better = any(x.facet in CONTENT - {"wishes"} and x not in labels for x in found)
    return [x for x in found if x not in labels or (not better and x is labels[0])]


def _is_label(line: Evidence) -> bool:
    """Return whether a line names domains, levers, steps or topics and quotes nobody."""
    if line.facet in ("needs_offers", "needs_answered", "topics_met"):
        return not any(fact.place for fact in line.facts)
    return line.facet in LABELS


_TABLE: Final = data_beside(__file__, "reviewer.toml")

CONTENT, LEARNED, QUOTING, TOPICS_TOLD, LABELS, NO_REASON = (
    frozenset(_TABLE["facets"][kind])
    for kind in ("content", "learned", "quoting", "topics_told", "labels", "no_reason")
)
"""Facets by what their lines are as reasons."""


def is_reason(line: Evidence) -> bool:
    """Return whether a line may stand as a reason: content that nothing was found for is none."""
    return line.facet not in NO_REASON and bool(line.facts or line.facet not in CONTENT)


def _place(line: Evidence) -> tuple[bool, bool, float, str]:
    lift = -line.weight * (line.standing - 0.5)
    return line.facet not in CONTENT, line.facet in TOPICS_TOLD, lift, line.facet


NO_REASON_SAID: Final = say("Not enough is known to give a reason.")

LONGEST: Final = 180
"""Characters from which a sentence ends at a clause where it has one."""

LONGEST_WHOLE: Final = 240
"""Characters of a sentence without such a clause, or of a city's own words, that is printed whole; none beyond."""

LEAST_CLAUSE: Final = 55
"""Characters of a first clause that may stand for the sentence."""

LEAST: Final = 0.68
"""Likelihood in [0, 1] from which two sentences are taken to be on the same matter (benchmarks/evidence.py)."""

OFFERS: Final = frozenset({"achievement", "action"})
LONGEST_WORDS: Final = 80
"""Characters of a text that is no sentence and is named as it stands."""

FEWEST_WORDS: Final = 3
ENDED_WORDS: Final = 5
"""Words below which a text is no sentence, and from which one that ends with a stop is one whatever its verb."""

ASKS: Final = frozenset({"problem", "wish"})
"""Kinds of sentences that show something, and that ask for something."""


def faults(
    text: str, role: Literal["shows", "asks"], kind: str = "", showable: bool | None = None
) -> tuple[str, ...]:
    """Return the names of the rules that a sentence breaks as a reason; none where it may be printed.

    It is to show or to ask something, to speak of one city, and to stand alone. ``kind`` is problem, wish, achievement,
    action, plan or context, empty where it is not known; ``showable`` is None where nobody has said.
    """
    kept = {
        "right kind": _is_of_the_right_kind(text, role, kind, showable),
        "a model": role == "asks" or not _FOSSIL.search(text),
        "this city": not _MANY.search(text),  # true of one city, and not of several together
        "whole": _is_whole(text.strip()),
    }
    return tuple(name for name, holds in kept.items() if not holds)


def _is_of_the_right_kind(text: str, role: str, kind: str, showable: bool | None) -> bool:
    """Return whether what is said to be shown is an offer, and what is said to be asked for is a need."""
    if role == "asks":
        return kind in ASKS if kind and showable is not False else not _SHARE.search(text)
    if showable is False or (kind and kind not in OFFERS):
        return False
    if _PLANNED.search(_MAIN_CLAUSE.split(text)[0]) or _PREPARED.search(text):
        return False
    known = showable is not None or kind
    return not _SHARE.search(text) and bool(known or not _PROBLEM.search(text))


def _is_whole(text: str) -> bool:
    """Return whether a text stands alone: a whole sentence that points at nothing before it."""
    if not text or text.endswith(("…", "...")) or _POINTS_BACK_LAST.search(text):
        return False
    closed = all(text.count(one) == text.count(other) for one, other in ("()", "[]", "“”"))
    return closed and is_sentence(text) and not (_POINTS_BACK.match(text) or _BESIDE_IT.match(text))


@lru_cache(maxsize=65_536)
def is_sentence(text: str) -> bool:
    """Return whether a text says something of its subject, rather than naming it in a word or a few."""
    count = len(_WORDS.findall(text))
    ended = count >= ENDED_WORDS and bool(_ENDED.search(text))
    return count >= FEWEST_WORDS and (ended or bool(_SAYS.search(text)))


_WORDS = re.compile(r"[^\W_]+")
_ENDED = re.compile(r"[.!?][\"'»”’)]*\s*$")


def _words(name: str) -> re.Pattern[str]:
    """Return the words of the reviewer's table of a name."""
    return re.compile("|".join(_TABLE[name]).replace("SOON", _TABLE["soon"]), re.IGNORECASE)


_SAYS, _SHARE, _PROBLEM = _words("says"), _words("share"), _words("problem")
_PLANNED, _PREPARED, _MANY = _words("planned"), _words("prepared"), _words("many")
_POINTS_BACK, _POINTS_BACK_LAST = _words("points_back"), _words("points_back_last")
_BESIDE_IT, _FOSSIL = _words("beside_it"), _words("fossil")

_MAIN_CLAUSE = re.compile(r"[;:]|,(?= (?:and|but|which|while|who|whose|where|so|after|with)\b)")

_CLAUSE = re.compile(
    r"\s{0,9}(?:;|\s[–—-]\s|:\s|,(?=\s{1,9}(?:and|while|which|so|because|whose|where|as well as|for which)\b))"
)
"""Where a clause ends and a sentence may be cut; not before "but", which takes back what was said."""


def shortened(text: str, longest: int = LONGEST, whole: int = LONGEST_WHOLE) -> str:
    """Return a text up to its first semicolon whole where that is short, else its first clauses up to ``longest`` characters.

    One without such clauses is returned up to ``whole`` characters; empty beyond.
    """
    text = text.strip()
    head, more, _ = text.partition("; ")
    if more and len(head) >= LEAST_CLAUSE and head.count("(") == head.count(")"):
        text = f"{head}."
    if len(text) <= longest:
        return text
    ends = [
        end.start()
        for end in _CLAUSE.finditer(text[: longest + 9])
        # A comma after a comma is the end of a list, which may not be cut.
        if LEAST_CLAUSE <= end.start() <= longest
        and not (end[0] == "," and ", " in text[: end.start()])
    ]
    end = max(ends, default=0)
    cut = text[:end].rstrip(" ,;:")
    if cut and cut.count("(") == cut.count(")"):
        return f"{cut}."
    return text if len(text) <= whole else ""


_DOCUMENT = re.compile(r"https?://|read from|contract", re.IGNORECASE)


def is_own_words(source: str) -> bool:
    """Return whether a text was written by its city: its source is no document or page that somebody read it from."""
    return not _DOCUMENT.search(source)


@lru_cache(maxsize=65_536)
def printed(text: str, source: str, language: str = "en") -> str:
    """Return a sentence as it is printed: a city's own words in quotation marks, a paraphrase reported with its source.

    Words that are no sentence stand as they are; empty for what cannot be printed whole.
    """
    if not is_sentence(text):
        words = text.strip().rstrip(".")
        return own_words(words, language) if len(words) <= LONGEST_WORDS else ""
    if is_own_words(source):
        whole = text.strip() if len(text.strip()) <= LONGEST_WHOLE else ""
        return say("“{words}”", words=own_words(whole, language)) if whole else ""
    said = own_words(shortened(text).rstrip("."), language)
    if not said:
        return ""
    if "climate city contract" in source.lower():
        return say("{words:reported} (its Climate City Contract).", words=said)
    return say("{words:reported} (public page).", words=said)
