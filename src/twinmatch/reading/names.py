"""Names of countries and languages, in any official language, to codes, and the identifier that a city's name makes."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Set
from functools import cache
from typing import Final

from twinmatch.geography import ALIASES, SAME_LANGUAGE, countries, is_country, language_codes, world
from twinmatch.vocabulary.taxonomy import plain

_MORE: Final = {
    "czech republic": "CZ",
    "ceska republika": "CZ",
    "slovak republic": "SK",
    "slovenska republika": "SK",
    "the netherlands": "NL",
    "holland": "NL",
    "great britain": "GB",
    "england": "GB",
    "scotland": "GB",
    "wales": "GB",
    "northern ireland": "GB",
    "united kingdom of great britain and northern ireland": "GB",
    "republic of ireland": "IE",
    "eire": "IE",
    "turkiye": "TR",
    "turkey": "TR",
    "macedonia": "MK",
    "republic of north macedonia": "MK",
    "the former yugoslav republic of macedonia": "MK",
    "former yugoslav republic of macedonia": "MK",
    "bosnia": "BA",
    "bosnia and herzegovina": "BA",
    "republic of moldova": "MD",
    "moldova republic of": "MD",
    "kosovo": "XK",
    "hellas": "GR",
    "hellenic republic": "GR",
    "vatican": "VA",
    "russian federation": "RU",
    "united states of america": "US",
    "viet nam": "VN",
    "republic of korea": "KR",
    "state of palestine": "PS",
    "hong kong": "HK",
    "lao people s democratic republic": "LA",
}
"""Names in use that the Unicode CLDR does not list as a country's name."""


_MORE_LANGUAGES: Final = {
    "flemish": "nl",
    "vlaams": "nl",
    "castilian": "es",
    "castellano": "es",
    "valencian": "ca",
    "montenegrin": "cnr",
    "crnogorski": "cnr",
    "moldovan": "ro",
    "bokmal": "no",
}


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
    return _sure_names("languages", language_codes()) | _MORE_LANGUAGES


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
        return (
            codes[0]
            if len(codes) == 1 and is_country(codes[0])
            else country_names().get(upper.lower())
        )
    return country_names().get(plain(word))


@cache
def language_code(text: str) -> str | None:
    """Return the code of the language that a text means: a code, or a name in any official language; else None."""
    word = text.strip().lower()
    code = word if word in language_codes() else language_names().get(plain(word))
    return SAME_LANGUAGE.get(code, code) if code else None


@cache
def is_elsewhere(text: str) -> bool:
    """Return whether a text names a country of the world outside Europe and its neighbours."""
    if (code := country_code(text)) is not None:
        return code not in countries()
    word = f" {plain(text)} "
    names = (plain(country.name) for country in world().values())
    return any(f" {name} " in word for name in names if len(name) > 4)


def city_id(country: str, name: str) -> str:
    """Return the identifier of a city: country and name in lower-case ASCII, such as ``de-munster``."""
    from anyascii import anyascii

    spread = unicodedata.normalize("NFKD", name)
    words = re.findall(r"\w+", "".join(c for c in spread if not unicodedata.combining(c)))
    latin = ["".join(re.findall(r"[a-z0-9]+", anyascii(word).lower())) for word in words]
    slug = "-".join(word for word in latin if word)
    return f"{country.lower()}-{slug or 'city'}"
