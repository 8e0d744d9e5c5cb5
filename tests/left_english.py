"""What of a page stays English where its frame is in another language: texts that are the same in both, or sound English.

Names, figures and what is marked with a language of its own are left aside.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator
from html.parser import HTMLParser

SHOWN = ("aria-label", "title", "alt", "placeholder")
"""Attributes that people read."""

EMPTY = frozenset({"area", "br", "col", "hr", "img", "input", "link", "meta", "use", "wbr"})
ENGLISH = re.compile(
    r"\b(the|of|and|with|is|are|not|by|from|which|that|has|have|its|their|were|only)\b", re.I
)
"""Words that are English and neither German nor French."""

WORD = re.compile(r"[^\W\d_]{2,}")


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
    texts: Collection[str], english: Collection[str], names: Collection[str]
) -> Iterator[str]:
    """Yield the texts that are English, each once: the same as one in English, or with a word that only English has.

    ``names`` are texts, or parts of them, that are the same in every language.
    """
    same = set(english)
    known = re.compile(
        "|".join(sorted(map(re.escape, filter(None, names)), key=len, reverse=True)) or "$^"
    )
    for text in dict.fromkeys(texts):
        rest = known.sub("", text)
        if WORD.search(rest) and (text in same or ENGLISH.search(rest)):
            yield text
