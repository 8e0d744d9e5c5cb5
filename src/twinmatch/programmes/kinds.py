"""Kinds of cities, said in words: what rules count, and what groups are mixed or alike by.

A kind is one or more conditions joined by "and", each perhaps after "not": a trait ("small"), a field with words
("country: PL, CZ", one of them) or a field with a number ("target <= 2035", "population: 50000 to 100000"). It is
read from the profile; what is not known of a city is neither yes nor no.

Notation: n cities; a category is a word, None where not known.
"""

from __future__ import annotations

import math
import operator
import re
from collections.abc import Callable, Collection, Iterable, Sequence
from dataclasses import dataclass
from functools import cache
from typing import Annotated, Final, Literal, get_args

from pydantic import AfterValidator, BeforeValidator

from twinmatch.cohort import City, Cohort, nearest
from twinmatch.schema import IN_TEXT, Domain, Lever, Role
from twinmatch.vocabulary.geography import (
    ALIASES,
    countries,
    country,
    country_code,
    eu_standing,
    language_codes,
    language_name,
    with_article,
)
from twinmatch.vocabulary.topics import KINDS, Topic
from twinmatch.wording import joined, listed, say

SMALL, LARGE = 100_000, 500_000
"""Residents below which a city is small, and from which it is large."""

STARTING, ADVANCED = 1.5, 2.5
"""Mean level of readiness below which a city is starting, and from which it is advanced."""

LEAST_KNOWN: Final = 4
"""Dimensions of readiness that must be known before a city has a category of readiness."""

ENGLISH_LEVELS: Final = ("A1", "A2", "B1", "B2", "C1", "C2")

# --- what is read of a city ----------------------------------------------------------------------------------


def _people(city: City) -> int | None:
    return city.population.value if city.population else None


def _size(city: City) -> str | None:
    people = _people(city)
    if people is None:
        return None
    return "small" if people < SMALL else ("large" if people >= LARGE else "middle-sized")


def _readiness(city: City) -> float | None:
    known = list((city.readiness or {}).values())
    return math.fsum(known) / len(known) if len(known) >= LEAST_KNOWN else None


def _stage(city: City) -> str | None:
    mean = _readiness(city)
    if mean is None:
        return None
    return "starting" if mean < STARTING else ("advanced" if mean >= ADVANCED else "under way")


def _history(city: City) -> str | None:
    own = city.participation
    if own is None or (own.newcomer is None and not own.programmes):
        return None
    return "newcomer" if own.newcomer else "experienced"


def target_year(city: City) -> int | None:
    """Return the year by which a city aims to be climate neutral, at the latest where it has stated no more."""
    own = city.commitment
    return (own.neutral_by or own.neutral_by_at_latest) if own else None


def _nuts(city: City, length: int = 2) -> str | None:
    code = city.context.nuts3 if city.context else None
    return code[:length] if code and len(code) >= length else None


def _urbanisation(city: City) -> int | None:
    return city.context.degree_of_urbanisation if city.context else None


def _hours(city: City) -> float | None:
    return city.participation.staff_hours_a_month if city.participation else None


def _english(city: City) -> int | None:
    level = city.participation.english if city.participation else None
    if level is None and speaks_english(city):
        level = ENGLISH_LEVELS[-1]
    return ENGLISH_LEVELS.index(level) if level else None


def speaks_english(city: City) -> bool:
    """Return whether English is an official language of a city's place or country: its English is known then."""
    return "en" in {*city.official_languages, *country(city.country).languages}


def _names(city: City) -> list[str]:
    codes = [code for code, iso in ALIASES.items() if iso == city.country]
    return [city.country, country(city.country).name, *codes]


Words = Callable[[City], Iterable[str] | None]


def _one(read: Callable[[City], object]) -> Words:
    """Return a reader of the one word that a city has, None where it is not known."""
    return lambda city: None if (word := read(city)) is None else (str(word),)


@dataclass(frozen=True)
class CityField:
    """What a condition is about: the words, the number or both that a city has there, None where not known.

    ``known`` are the words that can be said; none: any.
    """

    words: Words = lambda _: None
    number: Callable[[City], float | None] | None = None
    known: Callable[[], Collection[str]] = tuple


FIELDS: Final[dict[str, CityField]] = {
    "country": CityField(
        _names, known=lambda: [*countries(), *ALIASES, *(c.name for c in countries().values())]
    ),
    "region": CityField(
        _one(lambda c: country(c.country).region), known=lambda: ["north", "south", "east", "west"]
    ),
    "eu": CityField(
        lambda c: eu_standing(c.country),
        known=lambda: ["member", "associated", "candidate", "other"],
    ),
    "nuts": CityField(lambda c: [_nuts(c, n) or "" for n in range(2, 6)] if _nuts(c) else None),
    "size": CityField(_one(_size), known=lambda: ["small", "middle-sized", "large"]),
    "population": CityField(number=_people),
    "urbanisation": CityField(_one(_urbanisation), _urbanisation, lambda: ["1", "2", "3"]),
    "readiness": CityField(_one(_stage), _readiness, lambda: ["starting", "under way", "advanced"]),
    "target": CityField(number=target_year),
    "hours": CityField(number=_hours),
    "english": CityField(number=_english, known=lambda: ENGLISH_LEVELS),
    "history": CityField(_one(_history), known=lambda: ["newcomer", "experienced"]),
    "programme": CityField(
        lambda c: (c.participation.programmes or None) if c.participation else None
    ),
    "covenant": CityField(_one(lambda c: "yes" if c.covenant else None), known=lambda: ["yes"]),
    "role": CityField(lambda c: c.roles, known=lambda: [*Role]),
    "language": CityField(lambda c: c.languages or None, known=language_codes),
    "label": CityField(lambda c: c.own_labels),
    "topic": CityField(lambda c: c.seeks, known=lambda: [*Topic]),
    "shows": CityField(lambda c: c.shows, known=lambda: [*Topic]),
    "domain": CityField(lambda c: c.challenges, known=lambda: [*Domain]),
    "strength": CityField(lambda c: c.strengths, known=lambda: [*Domain]),
    "lever": CityField(lambda c: c.levers_needed, known=lambda: [*Lever]),
}
"""What conditions are about, by the word that says it."""


def _each_said(table: dict[str, str]) -> dict[str, str]:
    return {code: say(words) for code, words in table.items()}


REGIONS: Final = _each_said(KINDS["regions"])
"""The names of the parts of Europe."""

_SAYS: Final[dict[str, str]] = KINDS["says"]
"""What is said of a city that has a value of a field, after "must be"."""

_WORDS: Final = {"region": REGIONS} | {
    of: _each_said(words) for of, words in KINDS["words"].items()
}
"""Words of fields as they stand in a sentence; those of topics, domains and levers have names of their own."""

# --- conditions in words -------------------------------------------------------------------------------------

TRAITS: Final = {trait: (of, say(words)) for trait, (of, words) in KINDS["traits"].items()}
"""Traits, the condition that each stands for, and its wording; the last two depend on the host."""

OF_PAIRS: Final = ("national", "foreign")

_SIGNS: Final = {
    ">=": (operator.ge, say("at least")),
    "<=": (operator.le, say("at most")),
    ">": (operator.gt, say("above")),
    "<": (operator.lt, say("below")),
}
_CONDITION = re.compile(r"([a-z]+) *([<>]=?|[:=])(.+)", re.DOTALL)
_BAND = re.compile(r"([\d.]+)(?:\s*to\s*([\d.]+))?")
_UNQUOTED = r'(?=(?:[^"]*"[^"]*")*[^"]*$)'


@dataclass(frozen=True)
class Condition:
    """A condition on a city: a field compared with values by a sign, ":" for one of them; ``no``: it must not hold."""

    field: str
    sign: str
    values: tuple[str, ...]
    no: bool
    wording: str
    """As it stands in a sentence, such as "with population at least 50000"."""

    def holds(self, city: City, small_below: int) -> bool | None:
        """Return whether a city meets it; None where it is not known."""
        read = FIELDS[self.field]
        number = read.number(city) if read.number else None
        words = read.words(city)
        if number is None and words is None:
            return None
        if self.sign == ":":
            have = {_plain(word) for word in words or ()}
            asked = {_plain(v).rpartition(":")[0] for v in self.values} - {""}
            if self.field == "label" and asked and not asked & {w.rpartition(":")[0] for w in have}:
                return None  # the cell of that column is empty
            found = any(_plain(v) in have or _within(v, number) for v in self.values)
        else:
            limit = _number(self.values[0], small_below)
            found = number is not None and bool(_SIGNS[self.sign][0](number, limit))
        return found != self.no


def _plain(word: str) -> str:
    return word.casefold().replace("_", " ")


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


@cache
def parsed(who: str) -> tuple[Condition, ...]:
    """Return the conditions that a text joins by "and"; raises ValueError with what can be said."""
    return tuple(_condition(part.strip()) for part in re.split(r"\s+and\s+" + _UNQUOTED, who))


def _condition(text: str) -> Condition:
    no, rest = text.startswith("not "), text.removeprefix("not ").strip()
    if rest in TRAITS:
        stands_for, words = TRAITS[rest]
        meant = _condition(stands_for or f"role: {Role.GUEST.value}")
        field = meant.field if stands_for else rest
        said = say("not {kind}", kind=words) if no else words
        return Condition(field, meant.sign, meant.values, meant.no != no, said)
    match = _CONDITION.fullmatch(f"{_only_field(rest)}: {rest}" if _only_field(rest) else rest)
    if match is None or match[1] not in FIELDS:
        raise ValueError(_unknown(rest))
    name, sign = match[1], ":" if match[2] == "=" else match[2]
    values = [v.strip().strip('"') for v in re.split("," + _UNQUOTED, match[3])]
    for value in values:
        _check(name, sign, value, len(values))
    words = worded(name, values, "" if sign == ":" else _SIGNS[sign][1])
    said = say("not {kind}", kind=words) if no else words
    return Condition(name, sign, tuple(values), no, said)


@cache
def _only_field(said: str) -> str:
    """Return the field that alone has a word, such as region for "north"; empty where none or several have it."""
    word = _plain(said.strip('"'))
    fields = [n for n, read in FIELDS.items() if word in map(_plain, read.known())]
    return fields[0] if len(fields) == 1 and not word.isdigit() and word != "yes" else ""


def worded(name: str, values: Sequence[str], sign: str = "") -> str:
    """Return a condition on a field as it stands after "must be", such as "from Poland or Czechia"."""
    value = listed([_in_words(name, value) for value in values], "or")
    graded = name == "readiness" and not sign and _plain(values[0]) in FIELDS[name].known()
    says = _SAYS["stage" if graded else name]
    return say(says, value=joined((sign, value)) if sign else value)


def _in_words(name: str, value: str) -> str:
    """Return a word or number of a field as people read it."""
    code = country_code(value) if name == "country" else None
    if code or name == "language":
        return country(code).name if code else language_name(value.lower())
    if name == "population" and value.isdigit():
        return say("{n:,}", n=int(value))
    own = _WORDS.get(name, IN_TEXT)
    return own.get(_plain(value)) or own.get(value) or value


def _check(name: str, sign: str, value: str, count: int) -> None:
    """Raise ValueError where a field cannot be compared with a value in this way."""
    read = FIELDS[name]
    known = {_plain(word): word for word in read.known()}
    if sign != ":" and (read.number is None or count > 1):
        raise ValueError(f"{name} is compared by ':' with words, not by {sign!r}")
    if name == "nuts" and not re.fullmatch(r"[A-Z]{2}[A-Z0-9]{0,3}", value):
        raise ValueError(f"{value!r} is no NUTS code, such as PL2")
    if (value == "small" and sign != ":") or (sign == ":" and _plain(value) in known):
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
        "by 'and'; 'not' stands before what is not meant. A column of your own, such as Coastal, is read with "
        '"Coastal" = "own_labels" under [columns] of the mapping file, and is \'label: Coastal: yes\' here'
    ).replace("  ", " ")


def is_kind(city: City, who: str) -> bool | None:
    """Return whether a city is of a kind that does not depend on the host; None where it is not known."""
    held = [condition.holds(city, SMALL) for condition in parsed(who)]
    return False if False in held else (None if None in held else True)


def wording(who: str) -> str:
    """Return a kind as it stands in a sentence, what a city is not last, so that it is plain what "not" is about."""
    conditions = sorted(parsed(who), key=lambda condition: condition.no)
    return joined((condition.wording for condition in conditions), " and ")


# --- the one form of a rule ----------------------------------------------------------------------------------

Nuts = Literal["nuts1", "nuts2", "nuts3"]
Attribute = (
    Literal["country", "region", "eu", "size", "urbanisation", "readiness", "mission", "newcomer"]
    | Nuts
)
NUTS: Final[tuple[Nuts, ...]] = get_args(Nuts)


def _said(who: object) -> object:
    if not isinstance(who, list | tuple):
        return who
    return " and ".join(map(str, who))  # a list means all of them


def without_host(who: str) -> str:
    """Return a kind; raises ValueError where it depends on a host."""
    if any(condition.field in OF_PAIRS for condition in parsed(who)):
        raise ValueError(f"{who!r} compares a guest with its host, as rules of twinning alone do")
    return who


Who = Annotated[str, BeforeValidator(_said), AfterValidator(lambda who: parsed(who) and who)]


# --- categories ----------------------------------------------------------------------------------------------

ONE_OF: Final = _each_said(KINDS["one_of"]) | {
    name: say("from one NUTS {n} region", n=name[-1]) for name in NUTS
}
"""What is said of the cities of any one category."""


def of_category(attribute: Attribute, word: str) -> str:
    """Return what is said of the cities of a category."""
    if attribute == "mission":
        return say("Mission Cities") if word == "Mission City" else say("outside the Mission")
    if attribute == "country":  # its name as it is: the names of all countries take long to read
        return say(_SAYS["country"], value=with_article(word))
    field = "history" if attribute == "newcomer" else "nuts" if attribute in NUTS else attribute
    return worded(field, word.split(" and ") if attribute == "eu" else [word])


TITLES: Final = _each_said(KINDS["titles"]) | {
    name: say("NUTS {n} regions", n=name[-1]) for name in NUTS
}

CATEGORIES: Final[dict[Attribute, Callable[[City], object]]] = {
    "country": lambda c: country(c.country).name,
    "region": lambda c: country(c.country).region,
    "eu": lambda c: " and ".join(sorted(eu_standing(c.country))),
    "nuts1": lambda c: _nuts(c, 3),
    "nuts2": lambda c: _nuts(c, 4),
    "nuts3": lambda c: _nuts(c, 5),
    "size": _size,
    "urbanisation": _urbanisation,
    "readiness": _stage,
    "mission": lambda c: "Mission City" if c.has(Role.MISSION) else "other city",
    "newcomer": _history,
}


def categories(cohort: Cohort, attribute: Attribute) -> list[str | None]:
    """Return the category of every city, in order; None where it is not known."""
    return [category(city, attribute) for city in cohort.cities]


def category(city: City, attribute: Attribute) -> str | None:
    """Return the category of a city; None where it is not known."""
    word = CATEGORIES[attribute](city)
    return None if word is None else str(word)
