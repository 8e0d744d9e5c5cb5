"""Topics: what the guest seeks against what the host shows, in the words in which officers match.

A city's profile over the topics is what it ticked (``seeks``, ``shows``); where it ticked nothing, the sum of the
probabilities that a classifier reads in its sentences. Rare topics count for more, as words do in retrieval (Sparck
Jones 1972, doi:10.1108/eb026526), and profiles are compared by their cosine.

Notation: T topics; seeks and shows (n, T), each row of length 1 after weighting, or nan where nothing is known.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

import numpy as np

from twinmatch.cohort import Cohort
from twinmatch.embedding.classifier import TOPICS
from twinmatch.facets.base import FacetCache, Floats, Ints, listed
from twinmatch.facets.text import NAMED, Sayings, answers, needs_said, offers_said, quotes
from twinmatch.proposal import Fact
from twinmatch.schema import City
from twinmatch.vocabulary.topics import Topic

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

    def named(self, profile: Floats) -> list[Topic]:
        """Return the topics of a profile (T,), strongest first."""
        order = np.argsort(-np.round(profile, 4), kind="stable")
        return [TOPICS[t] for t in order if profile[t] > PRESENT]

    def shared(self, one: Floats, other: Floats) -> list[Topic]:
        """Return the topics that two weighted profiles have in common, those that tie them most first."""
        return self.named(np.where(one * other > 0, one * other + PRESENT, 0.0))

    def grounded(
        self, seeking: int, showing: int, shared: Sequence[Topic], *, offers: bool
    ) -> list[Topic]:
        """Return the topics that both cities ticked or say in a sentence that may be printed."""
        sides = (
            (seeking, "seeks", self.needs),
            ((showing, "shows", self.offers) if offers else (showing, "seeks", self.needs)),
        )
        return [
            t
            for t in shared
            if all(t in self._ticked[field][i] or said.saying(i, t) for i, field, said in sides)
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
            return (
                f"No topic that {guest.name} seeks and {host.name} shows is sure enough to be named; "
                "likely ones are compared."
            ), ()
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
            return (
                f"No topic that both {one.name} and {other.name} seek is sure enough to be named; "
                "likely ones are compared."
            ), ()
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
    """Return a sentence of each city on the first topic where they answer each other, else the topics that they share."""
    there = table.offers if offers else table.needs
    for topic in shared:
        for found in answers(table.needs, there, [pair[0]], [pair[1]], {topic}):
            return quotes(cohort, found.asks, found.shows)
    named = listed([t.wording for t in shared])
    facts = []
    for k, side in zip(pair, (table.needs, there), strict=True):
        city, said = cohort.cities[k], side.saying(k, shared[0])
        source = (
            said.source if said else city.source_of("seeks" if side is table.needs else "shows")
        )
        facts.append(
            Fact(city.id, "topics", named, kind="estimated" if said else "stated", source=source)
        )
    return tuple(facts)


def _unknown(*sides: tuple[City, str, bool]) -> str:
    words = list(dict.fromkeys(f"{city.name} {what}" for city, what, missing in sides if missing))
    return f"Which topics {listed(words)} is not known."
