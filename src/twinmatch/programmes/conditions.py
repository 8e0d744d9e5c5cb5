"""Conditions on cities in words: whom rules count, and who may take part.

A condition is a trait ("small"), a field with words ("country: PL, CZ", one of them) or a field with a number
("target <= 2035", "population: 50000 to 100000"); several are joined by "and", "or", "not" and brackets, "and" before
"or". What is not known of a city is neither yes nor no.
"""

from __future__ import annotations

import operator
import re
from collections import deque
from dataclasses import dataclass, replace
from functools import cache, partial
from itertools import chain
from typing import Annotated, Any, Final, Literal

from pydantic import AfterValidator, BeforeValidator, WithJsonSchema

from twinmatch.cohort import City, nearest
from twinmatch.programmes.kinds import (
    EACH,
    ENGLISH_LEVELS,
    FIELDS,
    SMALL,
    column_of,
    plain,
    worded,
)
from twinmatch.schema import Role
from twinmatch.vocabulary.topics import KINDS
from twinmatch.wording import joined, listed, say

TRAITS: Final = {trait: (of, say(words)) for trait, (of, words) in KINDS["traits"].items()}
"""Traits, the condition that each stands for, and its wording; the last two depend on the host."""

OF_PAIRS: Final = ("national", "foreign")

_SIGNS: Final = {
    ">=": (operator.ge, say("at least")),
    "<=": (operator.le, say("at most")),
    ">": (operator.gt, say("above")),
    "<": (operator.lt, say("below")),
}
_SIGN = re.compile(r"[<>]=?|[:=]")
_BAND = re.compile(r"([\d.]+)(?:\s*to\s*([\d.]+))?")
_VALUE = re.compile(r'(?:"[^"]*"|[^,"])+')
_TOKEN = re.compile(r'[()]|(?:"[^"]*"|[^\s()"])+|"')


@dataclass(frozen=True)
class Condition:
    """A condition on a city: a field compared with values by a sign, ":" for one of them; ``no``: it must not hold."""

    field: str
    sign: str
    values: tuple[str, ...]
    no: bool
    wording: str
    """As it stands in a sentence, such as "with population at least 50000"."""

    @property
    def conditions(self) -> tuple[Condition, ...]:
        """Return the conditions that it is made of."""
        return (self,)

    def holds(
        self, city: City, small_below: int = SMALL, national: bool | None = None
    ) -> bool | None:
        """Return whether a city, in a pair that is ``national`` or not, meets it; None where it is not known."""
        if self.field in OF_PAIRS:
            return None if national is None else (national == (self.field == "national")) != self.no
        read = FIELDS[self.field]
        number = read.number(city) if read.number else None
        words = read.words(city)
        if number is None and words is None:
            return None
        if self.sign == ":":
            have = {plain(word) for word in words or ()}
            asked = {column_of(v) for v in self.values} - {""}
            if self.field == "label" and asked and not asked & {column_of(w) for w in have}:
                return None  # the cell of that column is empty
            found = any(plain(v) in have or _within(v, number) for v in self.values)
        else:
            limit = _number(self.values[0], small_below)
            found = number is not None and bool(_SIGNS[self.sign][0](number, limit))
        return found != self.no


def _number(value: str, small_below: int = SMALL) -> float:
    if value == "small":
        return small_below
    return ENGLISH_LEVELS.index(value) if value in ENGLISH_LEVELS else float(value)


def _within(value: str, number: float | None) -> bool:
    if number is None:
        return False
    if value in ENGLISH_LEVELS:
        return number == _number(value)
    band = _BAND.fullmatch(value)
    return band is not None and float(band[1]) <= number <= float(band[2] or band[1])


@dataclass(frozen=True)
class Kind:
    """Conditions and kinds in brackets: a city meets all of them, or any; ``no``: that must not hold."""

    parts: tuple[Condition | Kind, ...]
    any: bool
    no: bool = False

    @property
    def conditions(self) -> tuple[Condition, ...]:
        """Return the conditions that it is made of."""
        return tuple(chain.from_iterable(part.conditions for part in self.parts))

    def holds(
        self, city: City, small_below: int = SMALL, national: bool | None = None
    ) -> bool | None:
        """Return whether a city, in a pair that is ``national`` or not, meets it; None where it is not known."""
        held = {part.holds(city, small_below, national) for part in self.parts}
        found = self.any if self.any in held else None if None in held else not self.any
        return found if found is None else found != self.no

    @property
    def wording(self) -> str:
        """Return it as it stands in a sentence, what a city is not last, so that it is plain what "not" is about."""
        words = [
            joined(("(", part.wording, ")"), "")
            if isinstance(part, Kind) and not part.no
            else part.wording
            for part in sorted(self.parts, key=lambda part: part.no)
        ]
        found = listed(words, "or") if self.any else joined(words, " and ")
        return say("not {kind}", kind=joined(("(", found, ")"), "")) if self.no else found


@cache
def parsed(who: str) -> Condition | Kind:
    """Return the kind that a text says; raises ValueError with what can be said."""
    words = deque(_TOKEN.finditer(who))
    found = _joined(who, words, "or")
    if words:
        raise ValueError(f"a bracket is closed in {who!r} that none opens")
    return found


def _joined(who: str, words: deque[re.Match[str]], by: Literal["and", "or"]) -> Condition | Kind:
    """Read what a word joins, "and" within "or", up to the end or a bracket that closes."""
    read = partial(_joined, who, words, "and") if by == "or" else partial(_one_of, who, words)
    parts = [read()]
    while words and words[0][0] == by:
        words.popleft()
        parts.append(read())
    return parts[0] if len(parts) == 1 else Kind(tuple(parts), any=by == "or")


def _one_of(who: str, words: deque[re.Match[str]]) -> Condition | Kind:
    """Read a condition, or a kind in brackets, after "not" or not."""
    start, no = words[0].start() if words else len(who), bool(words) and words[0][0] == "not"
    if no:
        words.popleft()
    if words and words[0][0] == "(":
        words.popleft()
        inside = _joined(who, words, "or")
        if not words:
            raise ValueError(f"a bracket is open in {who!r}")
        words.popleft()
        if isinstance(inside, Condition):
            return Kind((inside,), any=False, no=True) if no else inside
        return replace(inside, no=inside.no != no)
    end, depth = start, 0
    while words and (depth or words[0][0] not in ("and", "or", ")")):
        depth += {"(": 1, ")": -1}.get(words[0][0], 0)
        end = words.popleft().end()
    return _condition(who[start:end])


def _condition(text: str) -> Condition:
    no, rest = text.startswith("not "), text.removeprefix("not ").strip()
    if rest in TRAITS:
        stands_for, words = TRAITS[rest]
        meant = _condition(stands_for or f"role: {Role.GUEST.value}")
        field = meant.field if stands_for else rest
        said = say("not {kind}", kind=words) if no else words
        return Condition(field, meant.sign, meant.values, meant.no != no, said)
    told = f"{_only_field(rest)}: {rest}" if _only_field(rest) else rest
    found = _SIGN.search(told)
    name = told[: found.start()].rstrip() if found else ""
    values = [v.strip().strip('"') for v in _VALUE.findall(told, found.end())] if found else []
    if found is None or name not in FIELDS or not values:
        raise ValueError(_unknown(rest))
    sign = ":" if found[0] == "=" else found[0]
    for value in values:
        _check(name, sign, value, len(values))
    words = worded(name, values, "" if sign == ":" else _SIGNS[sign][1])
    said = say("not {kind}", kind=words) if no else words
    return Condition(name, sign, tuple(values), no, said)


@cache
def _only_field(said: str) -> str:
    """Return the field that alone has a word, such as region for "north"; empty where none or several have it."""
    word = plain(said.strip('"'))
    fields = [n for n, read in FIELDS.items() if word in map(plain, read.known())]
    return fields[0] if len(fields) == 1 and not word.isdigit() and word != "yes" else ""


def _check(name: str, sign: str, value: str, count: int) -> None:
    """Raise ValueError where a field cannot be compared with a value in this way."""
    read = FIELDS[name]
    known = {plain(word): word for word in read.known()}
    if sign != ":" and (read.number is None or count > 1):
        raise ValueError(f"{name} is compared by ':' with words, not by {sign!r}")
    if name == "nuts" and not re.fullmatch(r"[A-Z]{2}[A-Z0-9]{0,3}", value):
        raise ValueError(f"{value!r} is no NUTS code, such as PL2")
    if (value == "small" and sign != ":") or (sign == ":" and plain(value) in known):
        return
    if name == "english" and value in ENGLISH_LEVELS:
        return
    numeric = read.number is not None and name != "english"
    if numeric and _BAND.fullmatch(value) and (sign == ":" or " to " not in value):
        return
    if known or read.number is not None:
        hint = nearest(value, {word: f"{name}: {word}" for word in known.values()})
        some = (
            ", ".join(sorted(known.values())[:20]) or "a number, such as 50000, or 50000 to 100000"
        )
        raise ValueError(f"{name} has no {value!r}. {hint} Known: {some}".replace("  ", " "))


def _unknown(said: str) -> str:
    """Return what can be said where a text names no kind of city."""
    words = {trait: trait for trait in TRAITS}
    for name, read in FIELDS.items():
        if name not in ("language", "country"):
            words = {word: f"{name}: {word}" for word in read.known()} | words
    words |= {name: f"{name}: ..." for name in FIELDS}
    hint = nearest(said, words)
    return (
        f"no kind of city is called {said!r}. {hint} Traits: {', '.join(TRAITS)}. Fields, with words or a number after "
        f"them ('country: PL, CZ', 'population >= 50000', 'target: 2030 to 2035'): {', '.join(FIELDS)}. Join them "
        "by 'and', 'or' and brackets; 'not' stands before what is not meant; words with an 'or' of their own stand in "
        "quotation marks. A column of your own, such as Coastal, is read with "
        '"Coastal" = "own_labels" under [columns] of the mapping file, and is \'label: Coastal: yes\' here'
    ).replace("  ", " ")


def is_kind(city: City, who: str) -> bool | None:
    """Return whether a city is of a kind that does not depend on the host; None where it is not known."""
    return parsed(who).holds(city)


def wording(who: str) -> str:
    """Return a kind as it stands in a sentence."""
    return parsed(who).wording


def _said(who: object) -> object:
    if not isinstance(who, list | tuple):
        return who
    texts = map(str, who)  # a list means all of them
    return " and ".join(f"({text})" if " or " in text else text for text in texts)


def without_host(who: str) -> str:
    """Return a kind; raises ValueError where it depends on a host."""
    if any(condition.field in OF_PAIRS for condition in parsed(who).conditions):
        raise ValueError(f"{who!r} compares a guest with its host, as rules of twinning alone do")
    return who


Who = Annotated[str, BeforeValidator(_said), AfterValidator(lambda who: parsed(who) and who)]


def _counted_each(each: str) -> str:
    """Return what a rule counts each of; raises ValueError with what it can be."""
    if each in EACH or re.fullmatch(r"label: .+", each):
        return each
    hint = nearest(each, {name: name for name in EACH})
    raise ValueError(
        f"there is no each = {each!r}. {hint} Known: {', '.join(EACH)}; and 'label: Coastal' for a column of your own"
    )


_EACH_SCHEMA: Final[dict[str, Any]] = {"enum": [*EACH]}
_LABEL_SCHEMA: Final[dict[str, Any]] = {"type": "string", "pattern": "^label: .+"}

Each = Annotated[
    str, AfterValidator(_counted_each), WithJsonSchema({"anyOf": [_EACH_SCHEMA, _LABEL_SCHEMA]})
]
