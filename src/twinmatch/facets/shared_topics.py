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
from twinmatch.facets.base import FacetCache, Floats, Ints
from twinmatch.facets.text import NAMED, Sayings, answers, needs_said, offers_said, quotes, shown
from twinmatch.proposal import Fact
from twinmatch.vocabulary.topics import Topic
from twinmatch.wording import listed, say

PRESENT: Final = 0.3
"""From this much on a topic counts among those that a city speaks of, for the rarity of topics."""


class TopicTable:
    """The topics of all cities: what they seek and show, and the sentences that say so."""

    def __init__(self, cohort: Cohort, facet_cache: FacetCache) -> None:
        self.needs, self.offers = needs_said(cohort, facet_cache), offers_said(cohort, facet_cache)
        self.seeks = _profiles(cohort, "seeks", self.needs)
        self.shows = _profiles(cohort, "shows", self.offers)
        count = (self.seeks > PRESENT).sum(axis=0) + (self.shows > PRESENT).sum(axis=0)
        rarity = np.log((1.0 + 2 * len(cohort)) / (1.0 + count))
        self.seeking, self.showing = (_unit(table * rarity) for table in (self.seeks, self.shows))

    def named(self, profile: Floats) -> list[Topic]:
        """Return the topics of a profile (T,), strongest first."""
        order = np.argsort(-np.round(profile, 4), kind="stable")
        return [TOPICS[t] for t in order if profile[t] > PRESENT]


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

    shows = True
    """Whether the other city's topics are those that it shows, rather than those that it seeks as well."""

    def __init__(self, cohort: Cohort, facet_cache: FacetCache) -> None:
        self._cohort = cohort
        self.table = table = topic_table(cohort, facet_cache)
        self._sides = (
            ("seeks", table.seeking, table.needs),
            ("shows", table.showing, table.offers)
            if self.shows
            else ("seeks", table.seeking, table.needs),
        )

    def likeness(self, rows: Ints, cols: Ints) -> Floats:
        """Return how far the topics of each row and column are the same, shape (r, c)."""
        (_, one, _), (_, other, _) = self._sides
        return np.asarray(np.round(np.clip(one[rows] @ other[cols].T, 0.0, 1.0), 6))

    def says(self, i: int, j: int) -> tuple[str, tuple[Fact, ...]]:
        """Return the topics that tie the two, and a sentence of each on the first of them."""
        one, other = (self._cohort.cities[k].name for k in (i, j))
        unknown = {
            (
                say("{city} seeks", city=name)
                if field == "seeks"
                else say("{city} shows", city=name)
            ): None
            for name, k, (field, profile, _) in zip((one, other), (i, j), self._sides, strict=True)
            if np.isnan(profile[k]).any()
        }
        if unknown:
            return say("Which topics {unknown} is not known.", unknown=listed(list(unknown))), ()
        topics = self._grounded(i, j)[:NAMED]
        words = listed([topic.wording for topic in topics])
        if not topics:
            both = {"one": one, "other": other}
            return (
                say(
                    "No topic that {one} seeks and {other} shows is sure enough to be named; likely ones are compared.",
                    **both,
                )
                if self.shows
                else say(
                    "No topic that both {one} and {other} seek is sure enough to be named; likely ones are compared.",
                    **both,
                )
            ), ()
        facts = self._facts((i, j), topics)
        if not self.shows:
            return say(
                "Both {one} and {other} seek {topics}.", one=one, other=other, topics=words
            ), facts
        text, quoted = shown(self._cohort, self.table.offers, i, j, topics)
        return text, tuple(dict.fromkeys((*facts, *quoted)))

    def _grounded(self, i: int, j: int) -> list[Topic]:
        """Return the topics that both cities ticked or say in what may be printed, those that tie them most first."""
        (_, one, _), (_, other, _) = self._sides
        both = one[i] * other[j]
        return [
            topic
            for topic in self.table.named(np.where(both > 0, both + PRESENT, 0.0))
            if all(
                topic in (getattr(self._cohort.cities[k], field) or ()) or said.saying(k, topic)
                for k, (field, _, said) in zip((i, j), self._sides, strict=True)
            )
        ]

    def _facts(self, pair: tuple[int, int], topics: Sequence[Topic]) -> tuple[Fact, ...]:
        """Return a sentence of each city where they answer each other on a topic, else the topics that they share."""
        (_, _, needs), (_, _, there) = self._sides
        for topic in topics:
            for found in answers(needs, there, [pair[0]], [pair[1]], {topic}):
                return quotes(self._cohort, found.asks, found.shows)
        named, facts = listed([topic.wording for topic in topics]), []
        for k, (field, _, side) in zip(pair, self._sides, strict=True):
            city, said = self._cohort.cities[k], side.saying(k, topics[0])
            kind, source = ("estimated", said.source) if said else ("stated", city.source_of(field))
            facts.append(Fact(city.id, say("topics"), named, kind=kind, source=source))
        return tuple(facts)


class SharedTopics(TopicsMet):
    """Cosine of the topics that two cities seek, rare topics counting for more."""

    shows = False
