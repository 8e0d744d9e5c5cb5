"""What of a page stays English where its frame is in another language: texts that are the same in both, or sound English.

Names, figures and what is marked with a language of its own are left aside.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable, Iterator
from functools import cache
from html.parser import HTMLParser
from importlib.resources import files

from babel.messages.pofile import read_po

SHOWN = ("aria-label", "title", "alt", "placeholder")
"""Attributes that people read."""

EMPTY = frozenset({"area", "br", "col", "hr", "img", "input", "link", "meta", "use", "wbr"})
ENGLISH = re.compile(
    r"\b(the|of|and|with|is|are|not|by|from|which|that|has|have|its|their|were|only)\b", re.I
)
"""Words that are English and neither German nor French."""

WORD = re.compile(r"[^\W\d_]{2,}")
QUOTED = re.compile(r"'[^']*'|„[^“]*“|« [^»]* »")
_NAME = re.compile(r"%\(\w+\)s|{\w*[^{}]*}")


@cache
def only_english(code: str) -> frozenset[str]:
    """Return the words of our messages that no translation of any of them has."""
    with (files("twinmatch") / "catalogues" / f"{code}.po").open("rb") as file:
        entries = [*read_po(file, locale=code)]
    sides = ([entry.id for entry in entries], [entry.string for entry in entries])
    ours, theirs = (
        {word.casefold() for text in _flat(side) for word in WORD.findall(_NAME.sub(" ", text))}
        for side in sides
    )
    return frozenset(ours - theirs)


def _flat(texts: Iterable[str | tuple[str, ...]]) -> Iterator[str]:
    for text in texts:
        yield from (text,) if isinstance(text, str) else text


class _Texts(HTMLParser):
    """The texts of a page with the language that each stands in."""

    def __init__(self) -> None:
        super().__init__()
        self.found: list[tuple[str, str]] = []
        self.open: list[tuple[str, str]] = [("", "")]

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        said = dict(attrs)
        language = said.get("lang") or self.open[-1][1]
        if tag not in ("svg", "path"):
            self.found += [(said[name] or "", language) for name in SHOWN if name in said]
        if tag not in EMPTY:
            self.open.append((tag, language))

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        pass

    def handle_endtag(self, tag: str) -> None:
        while len(self.open) > 1 and self.open.pop()[0] != tag:
            pass

    def handle_data(self, data: str) -> None:
        if self.open[-1][0] not in ("style", "script"):
            self.found.append((data, self.open[-1][1]))


def texts_of(page: str, code: str) -> list[str]:
    """Return the texts of a page that stand in its own language, in order."""
    reader = _Texts()
    reader.feed(page)
    reader.close()
    texts = (" ".join(text.split()) for text, language in reader.found if language == code)
    return [text for text in texts if WORD.search(text)]


def left_english(
    texts: Collection[str], english: Collection[str], names: Collection[str], code: str
) -> Iterator[str]:
    """Yield the texts that are English, each once: the same as one in English, or with a word that only English has.

    ``names`` are texts, or parts of them, that are the same in every language; so is what stands in quotation marks.
    """
    same = set(english)
    known = re.compile(
        "|".join(sorted(map(re.escape, filter(None, names)), key=len, reverse=True)) or "$^"
    )
    for text in dict.fromkeys(texts):
        rest = known.sub("", text)
        spoken = {word.casefold() for word in WORD.findall(QUOTED.sub(" ", rest))}
        if WORD.search(rest) and (
            text in same or ENGLISH.search(rest) or spoken & only_english(code)
        ):
            yield text
