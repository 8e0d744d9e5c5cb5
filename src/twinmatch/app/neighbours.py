"""Questions about cities alone, which need no programme and no solver: cities like mine, feature vectors."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, Final

import numpy as np

from twinmatch.affinity import compare
from twinmatch.cohort import Cohort
from twinmatch.embedding import TextModel, open_text_model
from twinmatch.errors import Problem, QuestionError
from twinmatch.facets import FacetCache
from twinmatch.facets.text import all_sentences
from twinmatch.proposal import Account

Progress = Callable[[str], None]

PEER_WEIGHTS: dict[str, float] = {
    "shared_challenges": 20,
    "shared_topics": 20,
    "shared_needs": 20,
    "readiness": 15,
    "shared_levers": 15,
    "emissions_mix": 15,
    "emissions_level": 5,
    "context": 5,
    "language": 5,
}
"""Weights of "cities like mine", where no others are given."""


MANY: Final = 500
"""So many new sentences take long enough for a text model to tell how far it is."""


def silent(_: str) -> None:
    """Take note of nothing."""


@dataclass(frozen=True)
class Neighbour:
    """A city like mine: its id, name, country, and the account of the pair."""

    id: str
    name: str
    country: str
    account: Account

    def row(self) -> dict[str, Any]:
        """Return the city as a row of a table: its score, the part of the weights known, the strongest reasons."""
        figures = {"score": self.account.score, "known": self.account.coverage}
        city = {"id": self.id, "name": self.name, "country": self.country}
        return {**city, **figures, "why": self.account.summary()}


def text_model(
    cohort: Cohort,
    name: str = "auto",
    prefix: str | None = None,
    progress: Progress = silent,
    more: Sequence[str] = (),
) -> TextModel:
    """Return the one text model of a run, chosen aloud for all sentences of the cohort and some ``more``."""
    progress("Text model")
    sentences = [*all_sentences(cohort), *more]
    return open_text_model(name, sentences, prefix=prefix, progress=_in_tenths(progress))


def _in_tenths(progress: Progress) -> Callable[[int, int], None]:
    """Return what tells how far the reading of many new sentences is, each tenth of them once."""
    last = 0

    def tell(done: int, of: int) -> None:
        nonlocal last
        tenth = 10 * done // of
        if of >= MANY and tenth > last:
            progress(f"Text model: {10 * tenth}% of {of:,} new sentences")
        last = 0 if done == of else tenth

    return tell


def text_of(facet_cache: FacetCache) -> TextModel:
    """Return the text model of a round that was opened here."""
    text = facet_cache.text
    assert isinstance(text, TextModel), "the round was opened with something else"
    return text


def told(text: TextModel) -> str:
    """Return what a result says of its text model, with what could not be read."""
    return " ".join([text.says, *text.notes])


def similar(
    city: str,
    cohort: Cohort,
    *,
    k: int = 10,
    weights: dict[str, float] | None = None,
    model: str | None = None,
    progress: Progress = silent,
) -> tuple[str, list[Neighbour]]:
    """Return the text model's saying and the k cities most like a city, best first, each with its account."""
    if k < 1:
        raise QuestionError(Problem("k-wrong", f"Asked for {k} cities.", do="Ask for at least 1."))
    i = cohort.find(city)
    text = text_model(cohort, model or "auto", None, progress)
    affinity = compare(cohort, weights or PEER_WEIGHTS, FacetCache(text))
    score = np.round(affinity.score[i], 9)
    ranked = [int(j) for j in np.argsort(-score, kind="stable") if j != i][:k]
    return told(text), [
        Neighbour(
            cohort.cities[j].id,
            cohort.cities[j].name,
            cohort.cities[j].country,
            affinity.account(i, j),
        )
        for j in ranked
    ]


def features(
    cohort: Cohort,
    *,
    model: str | None = None,
    text: bool = False,
    progress: Progress = silent,
) -> Any:
    """Return the feature vectors of the cities as one pandas table; see :mod:`twinmatch.facets.features`."""
    from twinmatch.facets.features import feature_table

    vectors = text_model(cohort, model or "auto", None, progress) if text else None
    return feature_table(cohort, vectors)
