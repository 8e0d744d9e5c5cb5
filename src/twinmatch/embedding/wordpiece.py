"""Cut a text into the word pieces of a BERT vocabulary, in the standard library alone.

The static table needs the tokenizer of MiniLM and nothing else of it. The `tokenizers` package
would bring 45 MB and an HTTP client into the core for this one page of code; the tests hold this
page against that package, piece by piece.

The steps are those of uncased BERT (Devlin et al. 2019, `BertNormalizer`, `BertPreTokenizer` and
`WordPiece` in tokenizers): control characters out, Chinese characters apart, accents off, small
letters, cut at white space and around punctuation, then the longest piece first.
"""

from __future__ import annotations

import json
import unicodedata
from collections.abc import Mapping
from pathlib import Path

_UNKNOWN = "[UNK]"
_INSIDE = "##"  # marks a piece that goes on within a word
_LONGEST_WORD = 100  # longer words are unknown as a whole, as in BERT
_REMEMBERED_WORDS = 50_000

_CHINESE = (
    (0x4E00, 0x9FFF),
    (0x3400, 0x4DBF),
    (0x20000, 0x2A6DF),
    (0x2A700, 0x2B73F),
    (0x2B740, 0x2B81F),
    (0x2B920, 0x2CEAF),
    (0xF900, 0xFAFF),
    (0x2F800, 0x2FA1F),
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
    return "".join(_spaced(character) for character in _plain(text)).split()


def _plain(text: str) -> str:
    """Control characters out, accents off, small letters (each letter for itself, as in Rust)."""
    kept = (" " if c.isspace() else c for c in text if not _is_control(c))
    bare = (
        c for c in unicodedata.normalize("NFD", "".join(kept)) if unicodedata.category(c) != "Mn"
    )
    return "".join(c.lower() for c in bare)


def _spaced(character: str) -> str:
    return f" {character} " if _stands_alone(character) else character


def _is_control(character: str) -> bool:
    if character in "\t\n\r":
        return False
    return character == "\ufffd" or unicodedata.category(character).startswith("C")


def _stands_alone(character: str) -> bool:
    if character.isascii():
        return character.isprintable() and not character.isalnum() and character != " "
    code = ord(character)
    return unicodedata.category(character).startswith("P") or any(
        low <= code <= high for low, high in _CHINESE
    )
