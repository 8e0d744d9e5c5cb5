"""Sentences: split, cut into word pieces, and what each is about.

Cut a text into the word pieces of a BERT vocabulary, in the standard library alone.

The static table needs the tokenizer of MiniLM and nothing else of it. The `tokenizers` package
would bring 45 MB and an HTTP client into the core for this one page of code; the tests hold this
page against that package, piece by piece.

The steps are those of uncased BERT (Devlin et al. 2019, `BertNormalizer`, `BertPreTokenizer` and
`WordPiece` in tokenizers): control characters out, Chinese characters apart, accents off, small
letters, cut at white space and around punctuation, then the longest piece first.

Split a text into its sentences, each with the place where it stands.

Evidence quotes a city's own words, so every sentence is an exact slice of its source:
`sentence.text == source[sentence.start : sentence.end]`. Nothing is rewritten.

A sentence ends at `. ! ? …` (and their Armenian, Arabic, Devanagari and full-width sisters), at a
blank line, before a bullet, and after a semicolon that ends a line. A full stop ends no sentence
after an abbreviation, an initial, a short number ("12. Mai") or before a small letter. A semicolon
within a line is no end, for lists run on in it ("heat; water; waste") and Greek asks with it; only
where a sentence grows past `LONG` characters is it cut there, and past `TOO_LONG` between words,
because a text model reads no further than some 250 words.

What a sentence is about: its topics, whether it shows something, and which kind of statement it is.

Logistic regressions over the vector of a sentence, learned from sentences labelled by reading
(``data/sources/sentence_labels.csv``) and kept as two arrays a text model under ``models/topics``: reading needs
NumPy alone. ``tools/build_classifier.py`` learns them. Topics and "shows" are each a regression of their own; the kinds are one with several outcomes.

Notation: n sentences, d dimensions, K = 6 kinds, T topics; weights (d + 1, 1 + K + T), the last row the intercepts,
columns in the order shows, kinds, topics.
"""

from __future__ import annotations

import json
import re
import unicodedata
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from twinmatch.errors import DataError, Where
from twinmatch.files import bundled_path, data_beside
from twinmatch.vocabulary.topics import Topic

_UNKNOWN = "[UNK]"
_INSIDE = "##"  # marks a piece that goes on within a word
_LONGEST_WORD = 100  # longer words are unknown as a whole, as in BERT
_REMEMBERED_WORDS = 50_000

_CHINESE = re.compile(
    "[\u3400-\u4dbf\u4e00-\u9fff\uf900-\ufaff\U00020000-\U0002a6df\U0002a700-\U0002b73f"
    "\U0002b740-\U0002b81f\U0002b920-\U0002ceaf\U0002f800-\U0002fa1f]"
)


class WordPiece:
    """The tokenizer of an uncased BERT vocabulary; pieces that it does not know are left out."""

    def __init__(self, vocabulary: Mapping[str, int]) -> None:
        self._vocabulary = dict(vocabulary)
        self._remembered: dict[str, tuple[int, ...]] = {}

    @classmethod
    def from_file(cls, path: Path) -> WordPiece:
        """Read the vocabulary of a `tokenizer.json` that states this kind of tokenizer."""
        stated = json.loads(path.read_text(encoding="utf-8"))
        kind = (stated["normalizer"]["type"], stated["model"]["type"])
        if kind != ("BertNormalizer", "WordPiece") or not stated["normalizer"]["lowercase"]:
            raise ValueError(f"{path.name} is no uncased BERT tokenizer but {kind}")
        return cls(stated["model"]["vocab"])

    def __len__(self) -> int:
        return len(self._vocabulary)

    def ids(self, text: str) -> list[int]:
        """Return the numbers of the known pieces of a text, in their order."""
        return [number for word in _words(text) for number in self._pieces(word)]

    def _pieces(self, word: str) -> tuple[int, ...]:
        known = self._remembered.get(word)
        if known is None:
            if len(self._remembered) >= _REMEMBERED_WORDS:
                self._remembered.clear()
            known = self._remembered[word] = self._cut(word)
        return known

    def _cut(self, word: str) -> tuple[int, ...]:
        """Take the longest known piece from the left until the word is used up, or give it up."""
        if len(word) > _LONGEST_WORD:
            return ()
        numbers: list[int] = []
        start = 0
        while start < len(word):
            for end in range(len(word), start, -1):
                piece = word[start:end] if start == 0 else _INSIDE + word[start:end]
                number = self._vocabulary.get(piece)
                if number is not None:
                    break
            else:
                return ()
            numbers.append(number)
            start = end
        return tuple(n for n in numbers if n != self._vocabulary.get(_UNKNOWN))


def _words(text: str) -> list[str]:
    return "".join(f" {c} " if _stands_alone(c) else c for c in _plain(text)).split()


def _plain(text: str) -> str:
    """Control characters out, accents off, small letters (each letter for itself, as in Rust)."""
    kept = "".join(" " if c.isspace() else c for c in text if not _is_control(c))
    spread = unicodedata.normalize("NFD", kept)
    return "".join(c.lower() for c in spread if unicodedata.category(c) != "Mn")


def _is_control(character: str) -> bool:
    is_other = character == "\ufffd" or unicodedata.category(character).startswith("C")
    return is_other and character not in "\t\n\r"


def _stands_alone(character: str) -> bool:
    if character.isascii():
        return character.isprintable() and not character.isalnum() and character != " "
    return unicodedata.category(character).startswith("P") or bool(_CHINESE.match(character))


LONG = 600
TOO_LONG = 1200
LONGEST_ABBREVIATION = 30
"""Characters; looking further back for each full stop of a long text would take the square of its length."""


@dataclass(frozen=True, slots=True)
class Sentence:
    """A sentence and its place: `text == source[start:end]`."""

    text: str
    start: int
    end: int


_CLOSERS = r"[\"'»«”“’‘)\]]*"
_BULLET = r"(?:[-–—•‣◦·▪●■*+►➢✓](?=\s)|(?:\d{1,2}[.)]|[A-Za-z]\))(?=\s)|\(\w{1,3}\)(?=\s))"

# A place where a sentence may end; the named groups tell on what ground.
_END = re.compile(
    rf"""
      (?<![.!?…։؟।])(?P<stop>[.!?…։؟।]++){_CLOSERS}(?=\s|$)
    | (?P<wide>[。！？]+){_CLOSERS}
    | (?P<item>;)(?=[^\S\n]*\n)
    | (?P<line>\n(?=[^\S\n]*\n|[^\S\n]*{_BULLET}))
    """,
    re.VERBOSE,
)
_LEADING_BULLET = re.compile(rf"\s*{_BULLET}\s+")
_LAST_WORD = re.compile(r"[^\s(\[\"'«„“‘/]+$")
_NEXT_LETTER = re.compile(r"[\s\"'«»„“”‘’(\[]*(\S)")
_INITIALS = re.compile(r"(?:[^\W\d_]\.-?)*[^\W\d_]")
_CUTS = re.compile(r";\s+|\n\s*")


_TABLE = data_beside(__file__, "abbreviations.toml")
_ABBREVIATIONS, _BEFORE_NUMBERS = (
    frozenset(_TABLE[when].split()) for when in ("before_names", "before_numbers")
)


def split_sentences(text: str) -> list[Sentence]:
    """Return the sentences of a text in their order; what holds no letter or digit is left out."""
    return [
        Sentence(text[start:end], start, end)
        for whole_start, whole_end in _spans(text)
        for start, end in _shorter(text, *_trim(text, whole_start, whole_end))
        if any(character.isalnum() for character in text[start:end])
    ]


def _spans(text: str) -> Iterator[tuple[int, int]]:
    start = 0
    for match in _END.finditer(text):
        if match["stop"] and not _ends_a_sentence(text, start, match):
            continue
        yield start, match.end()
        start = match.end()
    yield start, len(text)


def _ends_a_sentence(text: str, start: int, match: re.Match[str]) -> bool:
    following = _NEXT_LETTER.match(text, match.end())
    if following is None:
        return True
    after = following[1]
    if after.islower() and "\n" not in text[match.end() : following.start(1)]:
        return False
    if match["stop"] != "." or match.end("stop") != match.end():
        return True
    return not _is_abbreviated(_last_word(text, start, match.start()), after)


def _last_word(text: str, start: int, end: int) -> str:
    """Return the word before `end`; nothing where it is too long to be an abbreviation."""
    first = max(start, end - LONGEST_ABBREVIATION - 1)
    found = _LAST_WORD.search(text, first, end)
    return "" if found is None or end - found.start() > LONGEST_ABBREVIATION else found[0]


def _is_abbreviated(word: str, after: str) -> bool:
    """Whether the full stop after `word` belongs to it rather than to the sentence."""
    if word.casefold() in _ABBREVIATIONS or _INITIALS.fullmatch(word):
        return True
    if word.casefold() in _BEFORE_NUMBERS:
        return after.isdigit()
    # "12. Mai", "3. Bezirk"; a year or a large number does end a sentence
    return word.isdigit() and len(word) <= 2 and after.isalpha()


def _trim(text: str, start: int, end: int) -> tuple[int, int]:
    """Leave out the white space at both ends and the bullet in front."""
    bullet = _LEADING_BULLET.match(text, start, end)
    if bullet and (start == 0 or "\n" in text[start - 1 : bullet.end()]):
        start = bullet.end()
    said = text[start:end]
    end = max(start, end - len(said) + len(said.rstrip()))
    return min(end, start + len(said) - len(said.lstrip())), end


def _shorter(text: str, start: int, end: int) -> Iterator[tuple[int, int]]:
    """Cut what is longer than a text model reads: at semicolons and lines, else between words."""
    while end - start > LONG:
        cut = _cut(text, start, end)
        if cut is None:
            break
        yield _trim(text, start, cut)
        start = _trim(text, cut, end)[0]
    yield start, end


def _cut(text: str, start: int, end: int) -> int | None:
    soft = [match.end() for match in _CUTS.finditer(text, start, min(end, start + TOO_LONG))]
    within = [cut for cut in soft if cut - start <= LONG] or soft[:1]
    if within and within[-1] < end:
        return within[-1]
    if end - start <= TOO_LONG:
        return None
    space = text.rfind(" ", start + 1, start + TOO_LONG)
    return space if space > start else start + TOO_LONG


Floats = NDArray[np.float64]

KINDS: Final = ("problem", "wish", "achievement", "action", "plan", "context")
TOPICS: Final = tuple(Topic)
LEAST: Final = 0.15
"""Probabilities of a topic below this count as 0, where a classifier states no other."""


@dataclass(frozen=True)
class Reading:
    """What sentences are about: shows (n,), kinds (n, K) and topics (n, T) as probabilities; nan where not read."""

    shows: Floats
    kinds: Floats
    topics: Floats


@dataclass(frozen=True)
class Classifier:
    """The regressions for the vectors of one text model, named by the digest of its weights."""

    weights: Floats
    weights_sha256: str
    threshold: float = 0.4
    """From this probability on a topic is named to people."""
    least: float = LEAST
    """Probabilities of a topic below this count as 0: less where sentences of many languages are read, for those of
    another language than the labelled ones lie a little off and get lower probabilities."""

    def read(self, vectors: NDArray[Any]) -> Reading:
        """Return what sentences of these unit vectors (n, d) are about."""
        # Sums of products one sentence at a time, so that a probability does not depend on its neighbours.
        logits = np.einsum("nd,dk->nk", vectors.astype(np.float64), self.weights[:-1])
        logits += self.weights[-1]
        kinds = np.exp(logits[:, 1 : 1 + len(KINDS)])
        kinds /= kinds.sum(axis=1, keepdims=True)
        alone = 1.0 / (1.0 + np.exp(-logits))
        topics = np.round(alone[:, 1 + len(KINDS) :], 4)
        return Reading(
            np.round(alone[:, 0], 4), np.round(kinds, 4), np.where(topics < self.least, 0.0, topics)
        )


@lru_cache(maxsize=4)
def bundled_classifier(weights_sha256: str) -> Classifier | None:
    """Return the bundled classifier of a text model, None where there is none for it."""
    for path in sorted(bundled_path("models", "topics").glob("*.npz")):
        try:
            with np.load(path, allow_pickle=False) as file:
                if file["digest"].tobytes().hex() == weights_sha256:
                    limits = float(file["threshold"]), float(file["least"])
                    return Classifier(file["weights"].astype(np.float64), weights_sha256, *limits)
        except (OSError, ValueError, KeyError) as error:
            found, do = f"{path.name} cannot be read ({error}).", "Install twinmatch again."
            raise DataError.of("text-model-broken", found, Where(str(path)), do) from error
    return None
