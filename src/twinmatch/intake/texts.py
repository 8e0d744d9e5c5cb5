"""Doubts about texts: a language that the text model does not know, and words that several cities share.

Two texts are near-duplicates where at least half of their runs of five words are common (Broder 1997,
doi:10.1109/SEQUEN.1997.666900); a sentence is boilerplate where three or more cities have it word for word.
Either would make cities look alike that only copied from one form.
"""

from __future__ import annotations

import re
from collections import Counter, defaultdict
from collections.abc import Collection, Iterator, Sequence
from typing import Final

from twinmatch.embedding import foreign_language, language_name
from twinmatch.embedding.multilingual import hint
from twinmatch.errors import Problem
from twinmatch.schema import City
from twinmatch.validate import Record
from twinmatch.vocabulary.taxonomy import words

TEXTS: Final = ("needs", "offers")
RUN: Final = 5
ALIKE: Final = 0.5
MANY: Final = 3
FEWEST_WORDS: Final = 12

_WORDS = re.compile(r"\w+")
_SENTENCE = re.compile(r"[.!?;\n]\s")
_ENGLISH: Final = words(
    "the; of; and; to; in; we; our; for; is; with; a; on; are; by; that; from; as; an; it; be; not; "
    "have; has; at; which; their; this; or; can"
)
_PLAINLY_ENGLISH: Final = 0.18


def text_doubts(
    known: Sequence[tuple[City, Record]], languages: Collection[str] | None = ("en",)
) -> list[Problem]:
    """Return the doubts about all texts; ``languages`` are those of the text model, None where it knows many."""
    texts = [
        (city, record, name, text)
        for city, record in known
        for name in TEXTS
        if (text := getattr(city, name))
    ]
    tokens = [_WORDS.findall(text.lower()) for *_, text in texts]
    found = list(_foreign(texts, tokens, languages)) if languages is not None else []
    return found + list(_alike(texts, tokens)) + list(_boilerplate(texts))


Text = tuple[City, Record, str, str]


def _foreign(
    texts: Sequence[Text], said: Sequence[list[str]], languages: Collection[str]
) -> Iterator[Problem]:
    for (city, record, name, text), tokens in zip(texts, said, strict=True):
        if "en" in languages and _is_plainly_english(tokens):
            continue
        code = foreign_language(text, languages)
        if code:
            found = f"The {name} of {city.name} are in {language_name(code)}, which the text model does not know."
            do = f"They are not compared, only counted as unknown. {hint()}"
            yield Problem("language-unknown", found, record.place(name), do, "warning")


def _is_plainly_english(tokens: list[str]) -> bool:
    """Return whether small English words make up so much of a text that no detector need be asked."""
    return sum(t in _ENGLISH for t in tokens) >= _PLAINLY_ENGLISH * max(len(tokens), 1)


def _alike(texts: Sequence[Text], tokens: Sequence[list[str]]) -> Iterator[Problem]:
    runs = [
        {" ".join(t[k : k + RUN]) for k in range(len(t) - RUN + 1)}
        if len(t) >= FEWEST_WORDS
        else set()
        for t in tokens
    ]
    holders: dict[str, list[int]] = defaultdict(list)
    for i, mine in enumerate(runs):
        for run in mine:
            holders[run].append(i)
    common: Counter[tuple[int, int]] = Counter()
    for group in holders.values():
        if 1 < len(group) <= 50:  # what more have is boilerplate, told below
            common.update((a, b) for k, a in enumerate(group) for b in group[k + 1 :])
    for (a, b), shared in sorted(common.items()):
        part = shared / (len(runs[a]) + len(runs[b]) - shared)
        if part >= ALIKE and texts[a][0].id != texts[b][0].id:
            first, second = sorted((texts[a], texts[b]), key=lambda t: t[0].id)
            found = f"The {second[2]} of {second[0].name} are nearly the {first[2]} of {first[0].name} ({part:.0%} of the wording)."
            do = "If one was copied, ask the city for its own words."
            yield Problem("near-duplicate", found, second[1].place(second[2]), do, "warning")


def _boilerplate(texts: Sequence[Text]) -> Iterator[Problem]:
    holders: dict[str, list[int]] = defaultdict(list)
    for i, (*_, text) in enumerate(texts):
        for sentence in {s.strip(" .!?;\t\r\n").lower() for s in _SENTENCE.split(text + " ")}:
            if len(sentence) >= 40:
                holders[sentence].append(i)
    for sentence, group in sorted(holders.items()):
        cities = sorted({texts[i][0].id for i in group})
        if len(cities) >= MANY:
            first = min(group, key=lambda i: texts[i][0].id)
            found = f"{len(cities)} cities have this sentence word for word ({', '.join(cities[:3])} …): “{sentence[:80]}”."
            do = "It may come from a form: it tells nothing about a city."
            yield Problem("boilerplate", found, texts[first][1].place(texts[first][2]), do, "note")
