"""The words of the workbench in the languages that there is a catalogue for (gettext, read by Babel).

A further language is one file in ``catalogues`` and one line in ``LANGUAGES``. What is said of cities and
meetings comes from the facets and is English in every language of the interface.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from typing import Final

from babel.messages.pofile import read_po

LANGUAGES: Final = {"en": "English", "de": "Deutsch"}


@dataclass(frozen=True)
class Translation:
    """The words of one language; what has no translation stays English."""

    code: str
    words: dict[str, str | tuple[str, ...]]

    def gettext(self, text: str) -> str:
        """Return a text in this language."""
        found = self.words.get(text, text)
        first = found if isinstance(found, str) else found[0]
        return str(first)

    def ngettext(self, one: str, several: str, number: int) -> str:
        """Return the singular or plural of a text in this language."""
        found = self.words.get(one)
        if isinstance(found, tuple):
            return str(found[0] if number == 1 else found[-1])
        return one if number == 1 else several


@cache
def translation(code: str) -> Translation:
    """Return the words of a language."""
    if code == "en":
        return Translation("en", {})
    path = files("twinmatch.web") / "catalogues" / f"{code}.po"
    with path.open("rb") as file:
        catalogue = read_po(file, locale=code)
    found: dict[str, str | tuple[str, ...]] = {}
    for message in catalogue:
        if message.id and message.string and not message.fuzzy:
            key = message.id[0] if isinstance(message.id, tuple | list) else message.id
            said = message.string
            found[key] = tuple(said) if isinstance(said, tuple | list) else said
    return Translation(code, found)


def chosen(wanted: str, accepted: str) -> str:
    """Return the language chosen here, or else the first one accepted that there is, or English."""
    if wanted in LANGUAGES:
        return wanted
    for code in map(str, re.findall(r"(?:^|,)\s*([a-z]{2})", accepted[:200].lower())):
        if code in LANGUAGES:
            return code
    return "en"
