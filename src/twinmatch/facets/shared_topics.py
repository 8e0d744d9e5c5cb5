"""Topics: what the guest seeks against what the host shows, in the words in which officers match.

A city's profile over the topics is what it ticked (``seeks``, ``shows``); where it ticked nothing, the sum of the
probabilities that a classifier reads in its sentences. Rare topics count for more, as words do in retrieval (Sparck
Jones 1972, doi:10.1108/eb026526), and profiles are compared by their cosine.

Notation: T topics; seeks and shows (n, T), each row of length 1 after weighting, or nan where nothing is known.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache
from typing import Final

import numpy as np

from twinmatch.cohort import Cohort
from twinmatch.embedding.classifier import TOPICS
from twinmatch.facets.base import FacetCache, Floats, Ints, listed
from twinmatch.facets.text import Passage, Sayings, needs_said, offers_said, quotes
from twinmatch.proposal import Fact
from twinmatch.schema import City
from twinmatch.vocabulary.topics import Topic

NAMED: Final = 2
"""Topics named in a sentence, at most."""
PRESENT: Final = 0.3
"""From this much on a topic counts among those that a city speaks of, for the rarity of topics."""


class TopicTable:
    """The topics of all cities: what they seek and show, and the sentences that say so."""

    def __init__(self, cohort: Cohort, facet_cache: FacetCache) -> None:
        self.needs, self.offers = needs_said(cohort, facet_cache), offers_said(cohort, facet_cache)
        self._ticked = {
            side: [getattr(city, side) or () for city in cohort.cities]
            for side in ("seeks", "shows")
        }
        self.seeks = _profiles(cohort, "seeks", self.needs)
        self.shows = _profiles(cohort, "shows", self.offers)
        count = (self.seeks > PRESENT).sum(axis=0) + (self.shows > PRESENT).sum(axis=0)
        rarity = np.log((1.0 + 2 * len(cohort)) / (1.0 + count))
        self.seeking, self.showing = (_unit(table * rarity) for table in (self.seeks, self.shows))
        self.said = lru_cache(maxsize=65_536)(self._said)

    def named(self, profile: Floats) -> list[Topic]:
        """Return the topics of a profile (T,), strongest first."""
        order = np.argsort(-np.round(profile, 4), kind="stable")
        return [TOPICS[t] for t in order if profile[t] > PRESENT]

    def shared(self, one: Floats, other: Floats) -> list[Topic]:
        """Return the topics that two weighted profiles have in common, those that tie them most first."""
        return self.named(np.where(one * other > 0, one * other + PRESENT, 0.0))

    def _said(self, city: int, topic: Topic, *, offers: bool) -> Passage | None:
        """Return a city's surest printable sentence that names a topic: an offer shows something, a need asks."""
        side = self.offers if offers else self.needs
        if side.named is None:
            return None
        places = side.by([city])
        sure = side.named[places, TOPICS.index(topic)]
        return side.passages[places[int(sure.argmax())]] if sure.any() else None

    def grounded(
        self, seeking: int, showing: int, shared: Sequence[Topic], *, offers: bool
    ) -> list[Topic]:
        """Return the topics that both cities ticked or say in a sentence that may be printed."""
        other = "shows" if offers else "seeks"
        return [
            t
            for t in shared
            if (t in self._ticked["seeks"][seeking] or self.said(seeking, t, offers=False))
            and (t in self._ticked[other][showing] or self.said(showing, t, offers=offers))
        ]


def topic_table(cohort: Cohort, facet_cache: FacetCache) -> TopicTable:
    """Return the topics of a cohort, read once a run."""
    return facet_cache.once(cohort, "topics", lambda: TopicTable(cohort, facet_cache))


def _profiles(cohort: Cohort, field: str, said: Sayings) -> Floats:
    table = np.zeros((len(cohort), len(TOPICS)))
    if said.reading is not None:
        np.add.at(
            table, np.array([p.city for p in said.passages], dtype=np.intp), said.reading.topics
        )
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
        shared = table.grounded(
            i, j, table.shared(table.seeking[i], table.showing[j]), offers=True
        )[:NAMED]
        if not shared:
            return f"No topic is known to be sought by {guest.name} and shown by {host.name}.", ()
        return (
            f"{host.name} shows work on {listed([t.wording for t in shared])}, which {guest.name} seeks.",
            topic_facts(self._cohort, self.table, (i, j), shared, offers=True),
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
        shared = self.table.grounded(i, j, self.table.shared(seeking[i], seeking[j]), offers=False)[
            :NAMED
        ]
        if not shared:
            return f"No topic is known to be sought by both {one.name} and {other.name}.", ()
        return (
            f"Both {one.name} and {other.name} seek {listed([t.wording for t in shared])}.",
            topic_facts(self._cohort, self.table, (i, j), shared, offers=False),
        )


def topic_facts(
    cohort: Cohort,
    table: TopicTable,
    pair: tuple[int, int],
    shared: Sequence[Topic],
    *,
    offers: bool,
) -> tuple[Fact, ...]:
    """Return a sentence of each city on the first topic that they share, else the topics that they ticked."""
    sides = ((pair[0], False), (pair[1], offers))
    said = [(k, table.said(k, shared[0], offers=shows)) for k, shows in sides]
    ticked = listed([t.wording for t in shared])
    return (
        *quotes(cohort, *(p for _, p in said if p is not None)),
        *(
            Fact(cohort.cities[k].id, "topics", ticked, kind="stated")
            for k, passage in said
            if passage is None
        ),
    )


def _unknown(*sides: tuple[City, str, bool]) -> str:
    words = list(dict.fromkeys(f"{city.name} {what}" for city, what, missing in sides if missing))
    return f"Which topics {listed(words)} is not known."
