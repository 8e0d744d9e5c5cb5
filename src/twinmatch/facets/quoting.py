"""Which sentences may be printed as reasons, and in what words: reviewed, whole, quoted only where the city wrote them."""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache
from typing import Final, Literal, Protocol

import numpy as np
from numpy.typing import NDArray

from twinmatch.embedding.classifier import KINDS, TOPICS, Classifier, Reading, bundled_classifier
from twinmatch.embedding.multilingual import foreign_language
from twinmatch.facets.base import FacetCache, Floats
from twinmatch.proposal.reviewer import ALONE, LEAST, RELATED, Claim, Ground, faults, printed
from twinmatch.vocabulary.topics import Topic

Role = Literal["shows", "asks"]

FEWEST: Final = 100
"""Sentences from which on a mean says what all of them have in common."""

TOGETHER: Final = 0.5
"""What a topic that two sentences surely share is worth beside their cosine."""


SHARED: Final = 0.35
"""Probability from which two sentences are taken to share a topic."""


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


def classifier_for(facet_cache: FacetCache) -> Classifier | None:
    """Return the bundled classifier for the text model of a run, None where there is none."""
    return bundled_classifier(
        getattr(facet_cache.text, "fingerprint", {}).get("weights_sha256", "")
    )


@lru_cache(maxsize=65_536)
def _may_be_printed(text: str, source: str, role: Role, kind: str, shows: bool | None) -> bool:
    """Return whether a sentence passes every rule that needs no other one, and can be printed whole."""
    language = foreign_language(text, ("en",)) or "en"
    claim = Claim("", text, role, kind, showable=shows, language=language)
    return not faults(claim, Ground({""})) and bool(printed(text, source))


def printable(
    passages: Sequence[Quoted], role: Role, reading: Reading | None = None
) -> NDArray[np.bool_]:
    """Return which sentences may be printed as a reason, shape (n,); ``reading`` is what a classifier reads in them."""
    if reading is None:
        return np.array([_may_be_printed(p.text, p.source, role, "", None) for p in passages], bool)
    kinds = [KINDS[k] for k in reading.kinds.argmax(axis=1).tolist()]
    # What stands among a city's needs is one unless it surely shows something, whatever its kind.
    least = 0.5 if role == "shows" else 0.9
    each = zip(passages, kinds, (reading.shows >= least).tolist(), strict=True)
    return np.array([_may_be_printed(p.text, p.source, role, *read) for p, *read in each], bool)


def centred(vectors: Floats) -> Floats:
    """Return vectors (n, d) without their mean, of unit length, so that a cosine of unlike sentences is about 0.

    Fewer than ``FEWEST`` sentences have no mean worth taking away and stay as they are.
    """
    if len(vectors) < FEWEST:
        return vectors
    moved = vectors - vectors.mean(axis=0)
    length = np.linalg.norm(moved, axis=1, keepdims=True)
    return np.asarray(np.divide(moved, length, out=np.zeros_like(moved), where=length > 0))


def fit(cosine: Floats, one: Floats | None, other: Floats | None) -> Floats:
    """Return how well sentences answer each other, (a, b), -1 where they do not.

    cosine (a, b) of centred vectors; one (a, T) and other (b, T) the probabilities of their topics, None where nobody
    reads topics. Sentences that share a topic may be less close in their words than those that share none.
    """
    if one is None or other is None:
        return np.where(cosine >= LEAST, cosine, -1.0)
    shared = np.sqrt((one[:, None, :] * other[None, :, :]).max(axis=2))
    least = np.where(shared >= SHARED, RELATED, ALONE)
    return np.asarray(np.where(cosine >= least, np.round(cosine + TOGETHER * shared, 4), -1.0))


def topic_of(one: Floats | None, other: Floats | None, a: int, b: int) -> Topic | None:
    """Return the topic that two sentences share most surely, of named topics (a, T) and (b, T); None for none."""
    if one is None or other is None:
        return None
    both = one[a] * other[b]
    return TOPICS[int(both.argmax())] if both.any() else None


def shows(name: str, passage: Quoted, topic: Topic | None = None) -> str:
    """Return what a city can show as a sentence of its own, its topic first where one is known."""
    verb = "works on" if passage.place.startswith("summary of the pilot") else "can show"
    return f"{_on(topic)}{name} {verb}: {printed(passage.text, passage.source)}"


def asks(name: str, passage: Quoted, topic: Topic | None = None) -> str:
    """Return what a city asks for as a sentence of its own, its topic first where one is known."""
    return f"{_on(topic)}{name} says: {printed(passage.text, passage.source)}"


def _on(topic: Topic | None) -> str:
    return f"On {topic.wording}, " if topic else ""
