"""Countries of Europe and its neighbours: codes, official languages, land borders, regions, distances.

Codes are ISO 3166-1 alpha-2; ``EL`` and ``UK``, which European bodies write, are read as ``GR`` and ``GB``,
and ``XK`` stands for Kosovo (user-assigned, as the European Commission uses it). Languages are ISO 639-1 and
are those in which a national administration works. Regions follow the United Nations' M49 geoscheme, with
Cyprus and Türkiye counted as southern Europe. The table is our own: pycountry lacks XK, EL and UK.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Set
from dataclasses import dataclass
from functools import cache
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from twinmatch.files import data_beside
from twinmatch.vocabulary.taxonomy import plain
from twinmatch.wording import babel_name, say, titled

EARTH_RADIUS_KM: Final = 6371.0088
"""Mean radius of the Earth in km (IUGG)."""


@dataclass(frozen=True)
class Country:
    """A country: its code, name, languages of administration, region, EU membership and land borders."""

    code: str
    name: str
    languages: tuple[str, ...]
    region: str
    in_eu: bool
    borders: tuple[str, ...]


_TABLE: Final[dict[str, dict[str, Any]]] = data_beside(__file__, "countries.toml")

ALIASES: Final = {"EL": "GR", "UK": "GB"}
"""Codes of European bodies and the ISO code that each stands for."""


def funds(code: str) -> str:
    """Return whose funds and rules a country has: EU, EEA, candidate, neighbourhood, or an empty text."""
    if in_eu(code):
        return "EU"
    return next((n for n, row in _TABLE["funds"].items() if code in row["countries"]), "")


def eu_standing(code: str) -> frozenset[str]:
    """Return how a country stands to the EU: "member", or "associated" to its research, "candidate", both; else "other"."""
    if in_eu(code):
        return frozenset({"member"})
    found = {"associated"} if code in _TABLE["associated"]["countries"] else set()
    return frozenset(found | {"candidate"} if funds(code) == "candidate" else found or {"other"})


def same_funds(one: str, other: str) -> str:
    """Return in words that two countries share funds and rules; an empty text where they do not."""
    shared = funds(one) if funds(one) == funds(other) else ""
    if shared == "EU":
        return say("both belong to the EU")
    return say(_TABLE["funds"][shared]["two"]) if shared else ""


def cooperation(one: str, other: str) -> str:
    """Return a standing cooperation that two countries belong to; an empty text for none."""
    both = {one, other}
    named = _TABLE["cooperations"].items()
    return next((titled(name) for name, codes in named if both <= set(codes)), "")


def disputes() -> tuple[tuple[str, str], ...]:
    """Return the pairs of countries in open dispute, without relations, or of which one does not recognise the other."""
    return tuple((one, other) for one, others in _TABLE["disputes"].items() for other in others)


@cache
def countries() -> dict[str, Country]:
    """Return every country of Europe and its neighbourhood by its code."""
    table = {}
    for code, row in _TABLE["countries"].items():
        listed = {name: tuple(row[name]) for name in ("languages", "borders")}
        name = babel_name(row["name"], "territories", code)
        table[code] = Country(code, name, region=row["region"], in_eu=row["in_eu"], **listed)
    return table


_NO_COUNTRY: Final = frozenset(
    ["AC", "CP", "CQ", "DG", "EA", "EU", "EZ", "IC", "QO", "TA", "UN", "XA", "XB", "ZZ"]
)
"""Codes of two letters in the CLDR that are no country of ISO 3166-1."""


@cache
def world() -> dict[str, Country]:
    """Return the other countries of the world by code: name and languages of the Unicode CLDR, no region or border of Europe."""
    from babel import Locale
    from babel.languages import get_official_languages

    def made(code: str) -> Country:
        name = babel_name(names[code], "territories", code)
        languages = get_official_languages(code, de_facto=True)
        return Country(code, name, languages, "world", False, ())

    names: dict[str, str] = dict(Locale("en").territories)
    codes = {c for c in names if len(c) == 2 and c.isalpha()} - _NO_COUNTRY - set(countries())
    return {code: made(code) for code in sorted(codes)}


def is_country(code: str) -> bool:
    """Return whether a code is that of a country, of any part of the world."""
    return code in countries() or code in world()


def country(code: str) -> Country:
    """Return the country of a code that validation has accepted.

    Raises KeyError for an unknown code.
    """
    return countries().get(code) or world()[code]


def with_article(name: str) -> str:
    """Return the name of a country as it stands in a sentence."""
    return say("the {country}", country=name) if name in ARTICLE else name


ARTICLE: Final = {"Netherlands", "United Arab Emirates", "United Kingdom", "United States"}
"""Countries whose English names take an article."""


def in_eu(code: str) -> bool:
    """Return whether the country is a Member State of the European Union."""
    return country(code).in_eu


def are_neighbours(one: str, other: str) -> bool:
    """Return whether two countries share a land border or a fixed link."""
    return other in country(one).borders


def shared_languages(one: str, other: str) -> tuple[str, ...]:
    """Return the languages of administration that two countries share, in the first one's order."""
    theirs = country(other).languages
    return tuple(code for code in country(one).languages if code in theirs)


def related_languages(one: str, other: str) -> bool:
    """Return whether the two countries' languages are commonly understood by each other's readers."""
    mine, theirs = set(country(one).languages), set(country(other).languages)
    families = map(set, _TABLE["related_languages"]["families"])
    return any(family & mine and family & theirs for family in families)


SAME_LANGUAGE: Final = {"nb": "no"}
"""Codes of one written language: Norwegian is Bokmål unless it is said to be Nynorsk."""


@cache
def language_codes() -> frozenset[str]:
    """Return the codes of all languages that the Unicode CLDR or a country here names: of two letters, else of three."""
    from babel import Locale

    official = {code for country in countries().values() for code in country.languages}
    named = {str(code) for code in Locale("en").languages}
    return frozenset(code for code in named if len(code) <= 3) | official


@cache
def language_name(code: str) -> str:
    """Return the English name of an ISO 639-1 language, or the code itself where it has none."""
    from babel import Locale

    found = Locale("en").languages.get(code)
    return babel_name(found, "languages", code) if found else code


Floats = NDArray[np.float64]


def distance_km(lat: Floats, lon: Floats, to_lat: Floats, to_lon: Floats) -> Floats:
    """Return great-circle distances in km by the haversine formula; nan where a coordinate is nan.

    Arguments are degrees and broadcast against each other. Source: R. W. Sinnott, "Virtues of the
    Haversine", Sky and Telescope 68 (1984), 159.
    """
    phi, to_phi = np.radians(lat), np.radians(to_lat)
    half = np.sin((to_phi - phi) / 2) ** 2
    half = half + np.cos(phi) * np.cos(to_phi) * np.sin(np.radians(to_lon - lon) / 2) ** 2
    return np.asarray(2 * EARTH_RADIUS_KM * np.arcsin(np.sqrt(np.clip(half, 0.0, 1.0))))


# --- names to codes: of countries and languages, in any official language; and the identifier that a name makes ---

_MORE: Final = {name: code for code, names in _TABLE["names"].items() for name in names}
"""Names in use that the Unicode CLDR does not list as a country's name."""


@cache
def country_names() -> dict[str, str]:
    """Return the code of every country name, reduced to plain letters, in all official languages and English.

    Names come from the Unicode CLDR by way of Babel. A name that two countries share is left out.
    """
    elsewhere = _sure_names("territories", set(world()))
    return elsewhere | _sure_names("territories", set(countries())) | _MORE


@cache
def language_names() -> dict[str, str]:
    """Return the code of every language's name, reduced to plain letters, in all official languages and English."""
    return {**_sure_names("languages", language_codes()), **_TABLE["languages"]}


def _sure_names(kind: str, codes: Set[str]) -> dict[str, str]:
    """Return the code of each name that the CLDR has for one code alone, in all official languages and English."""
    from babel import Locale, UnknownLocaleError

    languages = {"en"} | {code for c in countries().values() for code in c.languages}
    found: dict[str, set[str]] = {}
    for language in sorted(languages):
        try:
            names = getattr(Locale.parse(language), kind)
        except (UnknownLocaleError, ValueError):
            continue
        for code in codes & set(names):
            found.setdefault(plain(names[code]), set()).add(code)
    return {name: next(iter(codes)) for name, codes in found.items() if len(codes) == 1}


@cache
def country_code(text: str) -> str | None:
    """Return the ISO 3166-1 code that a text means: a code, or a name in any official language; else None."""
    word = text.strip()
    upper = ALIASES.get(word.upper(), word.upper())
    if upper in countries() or (len(upper) == 2 and is_country(upper)):
        return upper
    if len(upper) == 3 and upper.isalpha():
        from babel.core import get_global

        codes = get_global("territory_aliases").get(upper, ())
        if len(codes) == 1 and is_country(codes[0]):
            return str(codes[0])
        return country_names().get(upper.lower())
    part, comma, whole = word.rpartition(",")  # "Scotland, United Kingdom"
    return country_names().get(plain(word)) or (country_code(whole) if comma and part else None)


@cache
def language_code(text: str) -> str | None:
    """Return the code of the language that a text means: a code, or a name in any official language; else None."""
    word = text.strip().lower()
    code = word if word in language_codes() else language_names().get(plain(word))
    return SAME_LANGUAGE.get(code, code) if code else None


@cache
def country_within(text: str) -> str | None:
    """Return the code of the one country outside Europe whose name stands among other words; else None."""
    word = f" {plain(text)} "
    names = {code: plain(country.name) for code, country in world().items()}
    hits = {code: name for code, name in names.items() if len(name) > 4 and f" {name} " in word}
    longest = max(hits.values(), key=len, default="")
    found = [code for code, name in hits.items() if name == longest and code not in countries()]
    return found[0] if len(found) == 1 else None


def city_id(country: str, name: str) -> str:
    """Return the identifier of a city: country and name in lower-case ASCII, such as ``de-munster``."""
    from anyascii import anyascii

    spread = unicodedata.normalize("NFKD", name)
    words = re.findall(r"\w+", "".join(c for c in spread if not unicodedata.combining(c)))
    latin = ["".join(re.findall(r"[a-z0-9]+", anyascii(word).lower())) for word in words]
    slug = "-".join(word for word in latin if word)
    return f"{country.lower()}-{slug or 'city'}"
