"""The words of the workbench in the languages that there is a catalogue for (gettext, compiled by Babel).

A further language is one file in ``catalogues`` and one line in ``LANGUAGES``. What is said of cities and
meetings comes from the facets and is English in every language of the interface.
"""

from __future__ import annotations

import re
from functools import cache
from gettext import GNUTranslations, NullTranslations
from importlib.resources import files
from io import BytesIO
from typing import Final

from babel import negotiate_locale
from babel.messages.mofile import write_mo
from babel.messages.pofile import read_po

LANGUAGES: Final = {"en": "English", "de": "Deutsch"}

_ACCEPTED: Final = re.compile(
    r"\s*([a-z]{1,8}(?:-[a-z0-9]{1,8})*|\*)\s*(?:;\s*q=([01](?:\.\d{0,3})?)\s*)?", re.I
)
"""A language of an Accept-Language header with its quality (RFC 9110, 12.5.4)."""


@cache
def translation(code: str) -> NullTranslations:
    """Return the words of a language, with its own plural forms; what has no translation stays English."""
    if code == "en":
        return NullTranslations()
    with (files("twinmatch.web") / "catalogues" / f"{code}.po").open("rb") as file:
        catalogue = read_po(file, locale=code)
    compiled = BytesIO()
    write_mo(compiled, catalogue)
    compiled.seek(0)
    return GNUTranslations(compiled)


def chosen(wanted: str, accepted: str) -> str:
    """Return the language chosen here, or else the one accepted with the highest quality that there is, or English."""
    if wanted in LANGUAGES:
        return wanted
    found = (_ACCEPTED.fullmatch(part) for part in accepted[:200].split(","))
    quality = [(float(m[2] or 1), m[1].lower()) for m in found if m]
    best_first = sorted((q for q in quality if q[0] > 0), key=lambda q: -q[0])
    names = ["en" if name == "*" else name for _, name in best_first]
    return negotiate_locale(names, list(LANGUAGES), sep="-") or "en"
