"""Which sentences may be printed as reasons, and in what words: reviewed, whole, quoted only where the city wrote them."""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache
from typing import Final, Literal, Protocol

import numpy as np
from numpy.typing import NDArray

from twinmatch.embedding.languages import foreign_language
from twinmatch.facets.base import Floats
from twinmatch.proposal.reviewer import LEAST, Claim, Ground, faults, printed

Role = Literal["shows", "asks"]

FEWEST: Final = 100
"""Sentences from which on a mean says what all of them have in common."""


class Quoted(Protocol):
    """A sentence of a city with its place and source, as the text facets have it."""

    @property
    def text(self) -> str:
        """Return the sentence."""
        ...

    @property
    def place(self) -> str:
        """Return where it stands, such as "needs, characters 120-188"."""
        ...

    @property
    def source(self) -> str:
        """Return where the text comes from."""
        ...


@lru_cache(maxsize=65_536)
def _may_be_printed(text: str, source: str, role: Role) -> bool:
    """Return whether a sentence passes every rule that needs no other one, and can be printed whole."""
    language = foreign_language(text, ("en",)) or "en"
    claim = Claim("", text, role, language=language)
    return not faults(claim, Ground({""})) and bool(printed(text, source))


def printable(passages: Sequence[Quoted], role: Role) -> NDArray[np.bool_]:
    """Return which sentences may be printed as a reason, shape (n,)."""
    return np.array([_may_be_printed(p.text, p.source, role) for p in passages], dtype=bool)


def centred(vectors: Floats) -> Floats:
    """Return vectors (n, d) without their mean, of unit length, so that a cosine of unlike sentences is about 0.

    Fewer than ``FEWEST`` sentences have no mean worth taking away and stay as they are.
    """
    if len(vectors) < FEWEST:
        return vectors
    moved = vectors - vectors.mean(axis=0)
    length = np.linalg.norm(moved, axis=1, keepdims=True)
    return np.asarray(np.divide(moved, length, out=np.zeros_like(moved), where=length > 0))


def closest(
    one: Floats, other: Floats, mine: NDArray[np.bool_], theirs: NDArray[np.bool_]
) -> tuple[int, int] | None:
    """Return the printable sentences with the highest cosine, the first where several tie; None below the floor.

    one (a, d) and other (b, d) are centred vectors of two cities, mine (a,) and theirs (b,) what may be printed.
    """
    if not (mine.any() and theirs.any()):
        return None
    cosine = np.where(mine[:, None] & theirs[None, :], np.round(one @ other.T, 4), -1.0)
    a, b = divmod(int(np.argmax(cosine)), cosine.shape[1])
    return (a, b) if cosine[a, b] >= LEAST else None


def shows(name: str, passage: Quoted) -> str:
    """Return what a city can show as a sentence of its own."""
    verb = "works on" if passage.place.startswith("summary of the pilot") else "can show"
    return f"{name} {verb}: {printed(passage.text, passage.source)}"


def asks(name: str, passage: Quoted) -> str:
    """Return what a city asks for as a sentence of its own."""
    return f"{name} asks: {printed(passage.text, passage.source)}"
