"""The words of the workbench in the languages that there is a catalogue for (gettext, compiled by Babel).

A further language is one file in ``catalogues`` and one line in ``LANGUAGES``. What is said of cities and
meetings comes from the facets and is English in every language of the interface.
"""

from __future__ import annotations

from contextlib import suppress
from functools import cache
from gettext import GNUTranslations, NullTranslations
from importlib.resources import files
from io import BytesIO
from operator import itemgetter
from typing import Final

from babel import negotiate_locale
from babel.messages.mofile import write_mo
from babel.messages.pofile import read_po

LANGUAGES: Final = {"en": "English", "de": "Deutsch", "fr": "Français"}


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
    found = []
    for part in accepted[:200].lower().replace(" ", "").split(","):
        name, _, quality = part.partition(";q=")
        with suppress(ValueError):
            found.append((-float(quality or 1), "en" if name == "*" else name))
    best_first = [name for less, name in sorted(found, key=itemgetter(0)) if -1 <= less < 0]
    return negotiate_locale(best_first, list(LANGUAGES), sep="-") or "en"
