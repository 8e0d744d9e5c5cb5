"""Kinds of cities: what is read of a profile, in which fields, and what each is called in a sentence.

Notation: n cities; a category is a word, None where not known.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Collection, Iterable, Sequence
from dataclasses import dataclass
from typing import Final, Literal, get_args

from twinmatch.cohort import City, Cohort
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
    "target": CityField(_one(target_year), target_year),
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


def worded(name: str, values: Sequence[str], sign: str = "") -> str:
    """Return a condition on a field as it stands after "must be", such as "from Poland or Czechia"."""
    value = listed([_in_words(name, value) for value in values], "or")
    graded = name == "readiness" and not sign and plain(values[0]) in FIELDS[name].known()
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
    return own.get(plain(value)) or own.get(value) or value


def plain(word: str) -> str:
    """Return a word as words are compared."""
    return word.casefold().replace("_", " ")


# --- what cities are alike in ---------------------------------------------------------------------------------

Nuts = Literal["nuts1", "nuts2", "nuts3"]
Attribute = (
    Literal["country", "region", "eu", "size", "urbanisation", "readiness", "mission", "newcomer"]
    | Nuts
)
NUTS: Final[tuple[Nuts, ...]] = get_args(Nuts)


ONE_OF: Final = _each_said(KINDS["one_of"]) | {
    name: say("from one NUTS {n} region", n=name[-1]) for name in NUTS
}
"""What is said of the cities of any one category."""


def one_of(each: str) -> str:
    """Return what is said of the cities of any one word of a field, or of a column of one's own."""
    name, _, column = each.partition(": ")
    return say("of one {column}", column=column) if column else ONE_OF[name]


def of_category(each: str, word: str) -> str:
    """Return what is said of the cities of a category."""
    if each == "mission":
        return say("Mission Cities") if word == "Mission City" else say("outside the Mission")
    if each == "country":  # its name as it is: the names of all countries take long to read
        return say(_SAYS["country"], value=with_article(word))
    name = each.partition(": ")[0]
    field = "history" if name == "newcomer" else "nuts" if name in NUTS else name
    return worded(field, word.split(" and ") if name == "eu" else [word])


TITLES: Final = _each_said(KINDS["titles"]) | {
    name: say("NUTS {n} regions", n=name[-1]) for name in NUTS
}

CATEGORIES: Final[dict[str, Callable[[City], object]]] = {
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


EACH: Final = tuple(ONE_OF)
"""What a rule may count each of: what cities have one of, and fields of which they have several words."""


def words_of(city: City, each: str) -> Collection[str]:
    """Return the words of a city of which a rule counts each; several of some fields, none where not known."""
    if each in CATEGORIES:
        word = category(city, each)
        return () if word is None else (word,)
    name, _, column = each.partition(": ")
    words = map(str, FIELDS[name].words(city) or ())
    return {word for word in words if not column or column_of(word) == plain(column)}


def column_of(label: str) -> str:
    """Return the column of one's own that a label is from, as names are compared; empty for a label of none."""
    return plain(label).rpartition(":")[0].strip()


def categories(cohort: Cohort, attribute: str) -> list[str | None]:
    """Return the category of every city, in order; None where it is not known."""
    return [category(city, attribute) for city in cohort.cities]


def category(city: City, attribute: str) -> str | None:
    """Return the category of a city; None where it is not known."""
    word = CATEGORIES[attribute](city)
    return None if word is None else str(word)
