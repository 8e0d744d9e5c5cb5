"""A question in words as a facet: what was asked, against what every city can show."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

import numpy as np

from twinmatch.app.neighbours import Floats
from twinmatch.cohort import Cohort
from twinmatch.embedding.sentences import split_sentences
from twinmatch.errors import QuestionError
from twinmatch.facets import FacetCache
from twinmatch.facets.quoting import shows
from twinmatch.facets.text import offers_said, quotes
from twinmatch.proposal import Fact

ASKED: Final = "asked"
"""The name of the facet."""

MOST_SENTENCES: Final = 40
"""Sentences of a question in words that are compared."""


class AskedText:
    """The mean over the sentences asked of the best cosine that each city of a cohort has with them; nan if silent."""

    def __init__(self, cohort: Cohort, facet_cache: FacetCache, text: str) -> None:
        sentences = [s.text for s in split_sentences(text)][:MOST_SENTENCES]
        vectors = np.asarray(facet_cache.text.vectors(sentences), dtype=np.float64)
        vectors = vectors[~np.isnan(vectors).any(axis=1)]
        if not len(vectors):
            raise QuestionError.of(
                "text-not-read",
                "The text model can read no sentence of the question.",
                do="Ask in a few plain sentences, in English unless the service names another text model.",
            )
        self._cohort, self._offers = cohort, offers_said(cohort, facet_cache)
        self._cosine = np.round(vectors @ self._offers.vectors.T, 4)

    def likeness(self, rows: Sequence[int]) -> Floats:
        """Return the likeness of every city to the question, the same in each row, shape (r, n)."""
        start, end = self._offers.start, self._offers.end
        found = np.full(len(start), np.nan)
        speaking = np.flatnonzero(end > start)
        if len(speaking):
            top = np.maximum.reduceat(self._cosine, start[speaking], axis=1)
            found[speaking] = np.round(np.clip(top.mean(axis=0), 0.0, 1.0), 4)
        return np.tile(found, (len(rows), 1))

    def says(self, i: int, column: int) -> tuple[str, tuple[Fact, ...]]:
        """Return what a city can show of what was asked, quoted and located."""
        name = self._cohort.cities[column].name
        places = self._offers.by([column])
        if not len(places):
            return f"What {name} can show is not known in words.", ()
        found = self._offers.passages[places[self._cosine[:, places].max(axis=0).argmax()]]
        return shows(name, found), quotes(self._cohort, found)
