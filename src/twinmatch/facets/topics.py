"""Topics: what the guest seeks against what the host shows, in the words in which officers match.

A city's profile over the topics is what it ticked (``seeks``, ``shows``); where it ticked nothing, the sum of the
probabilities that a classifier reads in its sentences. Rare topics count for more, as words do in retrieval (Sparck
Jones 1972, doi:10.1108/eb026526), and profiles are compared by their cosine.

Notation: T topics; seeks and shows (n, T), each row of length 1 after weighting, or nan where nothing is known.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np

from twinmatch.cohort import Cohort
from twinmatch.embedding.classifier import KINDS, TOPICS, Reading, bundled_classifier
from twinmatch.facets.base import FacetCache, Floats, Ints, listed
from twinmatch.facets.text import Passage, needs_passages, offers_passages, quotes, readable
from twinmatch.proposal import Fact
from twinmatch.schema import City
from twinmatch.topics import Topic

NAMED: Final = 2
"""Topics named in a sentence, at most."""
PRESENT: Final = 0.3
"""From this much on a topic counts among those that a city speaks of, for the rarity of topics."""


@dataclass(frozen=True)
class Spoken:
    """A sentence of a city on a topic: how sure the topic is, its kind, and whether it shows something."""

    passage: Passage
    probability: float
    kind: str
    shows: bool


class TopicTable:
    """The topics of all cities: what they seek and show, and the sentences that say so."""

    def __init__(self, cohort: Cohort, facet_cache: FacetCache) -> None:
        self.needs, self._needs_read = _read(needs_passages(cohort), facet_cache)
        self.offers, self._offers_read = _read(offers_passages(cohort), facet_cache)
        self.seeks = _profiles(cohort, "seeks", self.needs, self._needs_read)
        self.shows = _profiles(cohort, "shows", self.offers, self._offers_read)
        count = (self.seeks > PRESENT).sum(axis=0) + (self.shows > PRESENT).sum(axis=0)
        rarity = np.log((1.0 + 2 * len(cohort)) / (1.0 + count))
        self.seeking, self.showing = (_unit(table * rarity) for table in (self.seeks, self.shows))

    def named(self, profile: Floats) -> list[Topic]:
        """Return the topics of a profile (T,), strongest first."""
        order = np.argsort(-np.round(profile, 4), kind="stable")
        return [TOPICS[t] for t in order if profile[t] > PRESENT]

    def shared(self, one: Floats, other: Floats) -> list[Topic]:
        """Return the topics that two weighted profiles have in common, those that tie them most first."""
        return self.named(np.where(one * other > 0.02, one * other + PRESENT, 0.0))

    def spoken(self, city: int, topic: Topic, *, offers: bool) -> Spoken | None:
        """Return a city's surest sentence on a topic; of its offers only one that shows something."""
        passages, read = (
            (self.offers, self._offers_read) if offers else (self.needs, self._needs_read)
        )
        best = None
        for k, passage in enumerate(passages):
            if passage.city != city or (offers and read.shows[k] < 0.5):
                continue
            sure = float(read.topics[k, TOPICS.index(topic)])
            if sure > 0 and (best is None or sure > best.probability):
                kind = KINDS[int(read.kinds[k].argmax())]
                best = Spoken(passage, sure, kind, bool(read.shows[k] >= 0.5))
        return best


def topic_table(cohort: Cohort, facet_cache: FacetCache) -> TopicTable:
    """Return the topics of a cohort, read once a run."""
    return facet_cache.once(cohort, "topics", lambda: TopicTable(cohort, facet_cache))


def _read(passages: Sequence[Passage], facet_cache: FacetCache) -> tuple[list[Passage], Reading]:
    fingerprint = getattr(facet_cache.text, "fingerprint", {})
    classifier = bundled_classifier(fingerprint.get("weights_sha256", ""))
    if classifier is None:
        return [], Reading(*(np.zeros((0, k)) for k in (1, len(KINDS), len(TOPICS))))
    known, vectors, _ = readable(passages, facet_cache)
    return known, classifier.read(vectors)


def _profiles(cohort: Cohort, field: str, passages: Sequence[Passage], read: Reading) -> Floats:
    table = np.zeros((len(cohort), len(TOPICS)))
    np.add.at(table, np.array([p.city for p in passages], dtype=np.intp), read.topics)
    for i, city in enumerate(cohort.cities):
        ticked = getattr(city, field)
        if ticked is not None:
            table[i] = [float(topic in ticked) for topic in TOPICS]
    return table


def _unit(table: Floats) -> Floats:
    length = np.linalg.norm(table, axis=1, keepdims=True)
    return np.asarray(np.divide(table, length, out=np.full_like(table, np.nan), where=length > 0))


class TopicsMet:
    """Cosine of the topics that the guest seeks and the host shows, rare topics counting for more."""

    def __init__(self, cohort: Cohort, facet_cache: FacetCache) -> None:
        self._cohort = cohort
        self.table = topic_table(cohort, facet_cache)

    def likeness(self, rows: Ints, cols: Ints) -> Floats:
        """Return how far each column shows what each row seeks, shape (r, c)."""
        met = self.table.seeking[rows] @ self.table.showing[cols].T
        return np.asarray(np.round(np.clip(met, 0.0, 1.0), 6), dtype=np.float64)

    def says(self, i: int, j: int) -> tuple[str, tuple[Fact, ...]]:
        """Return the topics that tie the two, and a sentence of each on the first of them."""
        guest, host = self._cohort.cities[i], self._cohort.cities[j]
        table = self.table
        if np.isnan(table.seeking[i]).any() or np.isnan(table.showing[j]).any():
            return _unknown(
                (guest, "seeks", bool(np.isnan(table.seeking[i]).any())),
                (host, "shows", bool(np.isnan(table.showing[j]).any())),
            ), ()
        shared = table.shared(table.seeking[i], table.showing[j])[:NAMED]
        if not shared:
            return f"{host.name} is known for none of the topics that {guest.name} seeks.", ()
        asks = table.spoken(i, shared[0], offers=False)
        shows = table.spoken(j, shared[0], offers=True)
        said = [s.passage for s in (asks, shows) if s is not None]
        return (
            f"{host.name} has something to show on {listed([t.wording for t in shared])}, which {guest.name} seeks.",
            quotes(self._cohort, *said),
        )


class SharedTopics:
    """Cosine of the topics that two cities seek, rare topics counting for more."""

    def __init__(self, cohort: Cohort, facet_cache: FacetCache) -> None:
        self._cohort = cohort
        self.table = topic_table(cohort, facet_cache)

    def likeness(self, rows: Ints, cols: Ints) -> Floats:
        """Return how alike what each row and column seek is, shape (r, c)."""
        shared = self.table.seeking[rows] @ self.table.seeking[cols].T
        return np.asarray(np.round(np.clip(shared, 0.0, 1.0), 6), dtype=np.float64)

    def says(self, i: int, j: int) -> tuple[str, tuple[Fact, ...]]:
        """Return the topics that both seek, and a sentence of each on the first of them."""
        one, other = self._cohort.cities[i], self._cohort.cities[j]
        seeking = self.table.seeking
        unknown = [bool(np.isnan(seeking[k]).any()) for k in (i, j)]
        if any(unknown):
            return _unknown((one, "seeks", unknown[0]), (other, "seeks", unknown[1])), ()
        shared = self.table.shared(seeking[i], seeking[j])[:NAMED]
        if not shared:
            return f"{one.name} and {other.name} seek different topics.", ()
        said = [self.table.spoken(k, shared[0], offers=False) for k in (i, j)]
        return (
            f"Both seek {listed([t.wording for t in shared])}.",
            quotes(self._cohort, *(s.passage for s in said if s is not None)),
        )


def _unknown(*sides: tuple[City, str, bool]) -> str:
    words = list(dict.fromkeys(f"{city.name} {what}" for city, what, missing in sides if missing))
    return f"Which topics {listed(words)} is not known."
