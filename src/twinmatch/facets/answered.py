"""Needs answered: do the host's texts use the words of the guest's needs, and does it answer these better than everyone's?

Okapi BM25 over word stems (Robertson and Zaragoza 2009, doi:10.1561/1500000019) with k1 = 1.2 and b = 0.75, divided by the
number of different words asked, so that a long need is not a closer one. Names and rare terms count that vectors blur.
Words of two languages do not meet, so sentences in another language than English are left out.

Some hosts say much, or speak of what everyone needs, and come out close to all: in high dimensions a few points
are near neighbours of everything (hubs; Radovanović, Nanopoulos and Ivanović 2010, JMLR 11, 2487-2531). So the
closeness of needs and offers, by topics and by words, is taken relative to the host: the share of the cities that
state needs which the host's offers answer less well, ties half. Where words cannot be compared, since either side writes
in another language, the closeness of sentences takes their place.

Notation: V words; asked (n, V) is 0 or 1, said (n, V) the BM25 weight of each word in a city's texts.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from typing import Final

import numpy as np
from scipy.sparse import csr_array

from twinmatch.cohort import Cohort
from twinmatch.embedding.backends import ENGLISH
from twinmatch.embedding.multilingual import foreign_language
from twinmatch.facets.base import FacetCache, Floats, Ints
from twinmatch.facets.quoting import stems
from twinmatch.facets.shared_topics import TopicsMet
from twinmatch.facets.text import NeedsOffers, Passage, needs_passages, offers_passages
from twinmatch.proposal import Fact
from twinmatch.wording import say

K1: Final = 1.2
B: Final = 0.75


class WordTable:
    """BM25 of all needs against all texts of hosts."""

    def __init__(self, cohort: Cohort) -> None:
        asked, said = (
            _bags(len(cohort), passages)
            for passages in (needs_passages(cohort), offers_passages(cohort))
        )
        frequency = Counter(word for bag in said for word in bag)
        place = {word: v for v, word in enumerate(sorted(frequency))}
        speaking = sum(map(bool, said))
        mean = sum(map(Counter.total, said)) / max(speaking, 1)
        self.speaks = np.array([bool(bag) for bag in said])
        self.asks = np.array([len(bag) for bag in asked])
        self._asked = _sparse(
            [dict.fromkeys((w for w in bag if w in place), 1.0) for bag in asked], place
        )
        self._said = _sparse(
            [
                {
                    word: float(
                        np.log1p((speaking - frequency[word] + 0.5) / (frequency[word] + 0.5))
                    )
                    * count
                    * (K1 + 1)
                    / (count + K1 * (1 - B + B * bag.total() / mean))
                    for word, count in bag.items()
                }
                for bag in said
            ],
            place,
        )

    def closeness(self, rows: Ints, cols: Ints) -> Floats:
        """Return the BM25 a word asked, at least 0, shape (r, c); nan where either side says nothing."""
        total = (self._asked[rows] @ self._said[cols].T).toarray()
        found = np.round(total / np.maximum(self.asks[rows], 1)[:, None], 6)
        known = (self.asks[rows] > 0)[:, None] & self.speaks[cols][None, :]
        return np.asarray(np.where(known, found, np.nan), dtype=np.float64)


def word_table(cohort: Cohort, facet_cache: FacetCache) -> WordTable:
    """Return the words of a cohort, counted once a run."""
    return facet_cache.once(cohort, "words", lambda: WordTable(cohort))


def _bags(n: int, passages: Sequence[Passage]) -> list[Counter[str]]:
    bags: list[Counter[str]] = [Counter() for _ in range(n)]
    for passage in passages:
        if not foreign_language(passage.text, ENGLISH):
            bags[passage.city].update(stems(passage.text))
    return bags


def _sparse(rows: Sequence[dict[str, float]], place: dict[str, int]) -> csr_array:
    starts = np.cumsum([0, *map(len, rows)])
    columns = [place[word] for row in rows for word in sorted(row)]
    values = [row[word] for row in rows for word in sorted(row)]
    return csr_array((values, columns, starts), shape=(len(rows), max(len(place), 1)))


MOST: Final = 2.0
"""BM25 a word asked that counts as full likeness; the bundled cities reach 1.6."""


class SameWords:
    """BM25 of the guest's needs in the host's offers and pilots, a word asked, over 2."""

    def __init__(self, cohort: Cohort, facet_cache: FacetCache) -> None:
        self._cohort = cohort
        self._table = word_table(cohort, facet_cache)

    def likeness(self, rows: Ints, cols: Ints) -> Floats:
        """Return how far each column's texts use the words of each row's needs, shape (r, c)."""
        return np.clip(self._table.closeness(rows, cols) / MOST, 0.0, 1.0)

    def says(self, i: int, j: int) -> tuple[str, tuple[Fact, ...]]:
        """Return that the two texts share words, or whose text is not known."""
        guest, host = self._cohort.cities[i], self._cohort.cities[j]
        if not self._table.asks[i]:
            return say("The needs of {guest} are not known in English.", guest=guest.name), ()
        if not self._table.speaks[j]:
            return say("What {host} offers is not known in English.", host=host.name), ()
        return say(
            "The offers of {host} use words in which {guest} states its needs.",
            host=host.name,
            guest=guest.name,
        ), ()


MOST_ASKING: Final = 500
"""Cities that a host is compared over, at most: beyond that, evenly spaced ones in order of id."""

LEAST_ASKING: Final = 3
"""Cities that must state their needs before a share of them says anything."""


class NeedsAnswered:
    """Share of the cities with stated needs, in [0, 1], that the host's offers answer less well than the guest's.

    The closeness is the mean of that by topics and by words or sentences, of those that are known; nan where none is,
    and where fewer than ``LEAST_ASKING`` cities state needs.
    """

    def __init__(self, cohort: Cohort, facet_cache: FacetCache) -> None:
        self._cohort = cohort
        self._topics, self._words = TopicsMet(cohort, facet_cache), SameWords(cohort, facet_cache)
        self._sentences = NeedsOffers(cohort, facet_cache)
        asking = np.flatnonzero([bool(city.needs) for city in cohort.cities])
        step = max(1, -(-len(asking) // MOST_ASKING))
        self._asking = asking[::step]
        self._known: dict[int, Floats] = {}

    def likeness(self, rows: Ints, cols: Ints) -> Floats:
        """Return the share of asking cities that each row surpasses at each column, shape (r, c)."""
        mine = self._close(rows, cols)
        pools = self._pools(cols)
        shares = [_share(mine[:, c], pool) for c, pool in enumerate(pools)]
        return np.column_stack(shares) if shares else mine

    def _close(self, rows: Ints, cols: Ints) -> Floats:
        """Return the mean of the closeness by topics and by words or sentences, of those known, shape (r, c)."""
        words = self._words.likeness(rows, cols)
        if np.isnan(words).any():
            words = np.where(np.isnan(words), self._sentences.likeness(rows, cols), words)
        each = np.stack([self._topics.likeness(rows, cols), words])
        known = ~np.isnan(each)
        total = np.where(known, each, 0.0).sum(axis=0)
        return np.asarray(
            np.where(
                known.any(axis=0), np.round(total / np.maximum(known.sum(axis=0), 1), 6), np.nan
            )
        )

    def _pools(self, cols: Ints) -> list[Floats]:
        """Return what the offers of each column are to the asking cities, itself left out, in ascending order."""
        new = np.array([j for j in cols.tolist() if j not in self._known], dtype=np.intp)
        if len(new):
            everyone = self._close(self._asking, new)
            for c, j in enumerate(new.tolist()):
                pool = everyone[self._asking != j, c]
                self._known[j] = np.sort(pool[~np.isnan(pool)])
        return [self._known[j] for j in cols.tolist()]

    def says(self, i: int, j: int) -> tuple[str, tuple[Fact, ...]]:
        """Return what the host shows of what the guest asks: how well it does so beside others is the likeness."""
        return self._sentences.says(i, j)


def _share(mine: Floats, pool: Floats) -> Floats:
    """The share of a pool in ascending order that each value is above, ties half."""
    if len(pool) < LEAST_ASKING:
        return np.full(len(mine), np.nan)
    filled = np.where(np.isnan(mine), 0.0, mine)
    below = np.searchsorted(pool, filled, side="left")
    up_to = np.searchsorted(pool, filled, side="right")
    return np.where(np.isnan(mine), np.nan, (below + up_to) / (2.0 * len(pool)))
