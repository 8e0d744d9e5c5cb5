"""Needs answered: does this host answer this guest's needs better than it answers everyone's?

Some hosts say much, or speak of what everyone needs, and come out close to all: in high dimensions a few points
are near neighbours of everything (hubs; Radovanović, Nanopoulos and Ivanović 2010, JMLR 11, 2487-2531). So the
closeness of needs and offers, by topics and by words, is taken relative to the host: the share of the cities that
state needs which the host's offers answer less well, ties half. A host that is close to everyone is then close to
nobody in particular. Where words cannot be compared, since either side writes in another language, the closeness of
sentences takes their place.
"""

from __future__ import annotations

from typing import Final

import numpy as np

from twinmatch.cohort import Cohort
from twinmatch.facets.base import FacetCache, Floats, Ints
from twinmatch.facets.same_words import SameWords
from twinmatch.facets.shared_topics import TopicsMet
from twinmatch.facets.text import NeedsOffers
from twinmatch.proposal import Fact

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
