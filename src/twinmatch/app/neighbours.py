"""Cities like mine, for every front: standings counted once, then one row of scores a question.

Notation: n cities; a row (r,) and columns (c,) are places in an affinity; steps as in :mod:`twinmatch.affinity`.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from twinmatch.affinity import Affinity, compare
from twinmatch.cohort import Cohort
from twinmatch.embedding.choice import TextModel, open_text_model
from twinmatch.errors import QuestionError
from twinmatch.facets import FACETS, FacetCache
from twinmatch.facets.text import all_sentences
from twinmatch.proposal import Account, Evidence
from twinmatch.proposal.wire import Hidden, Number, on_wire
from twinmatch.standings import best, drawn_pairs
from twinmatch.wording import joined, say

Floats = NDArray[np.float64]
Ints = NDArray[np.intp]
Bools = NDArray[np.bool_]
Progress = Callable[[str], None]

PEER_FACETS: Final = tuple(name for name, entry in FACETS.items() if not entry.directed)
"""The facets by which peers can be compared: those that are the same both ways."""

PEER_WEIGHTS: dict[str, float] = {
    "shared_challenges": 20,
    "shared_topics": 25,
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
"""New sentences from which on a text model says how far it is."""


def silent(_: str) -> None:
    """Take note of nothing."""


class Scored:
    """Something with an account: its score, and the part of the weights that rests on something known, in JSON too."""

    account: Account

    @on_wire
    def score(self) -> Number:
        """Return the score, in [0, 1]."""
        return self.account.score

    @on_wire
    def coverage(self) -> Number:
        """Return the part of the weights, in [0, 1], that rests on something known."""
        return self.account.coverage

    def _figures(self) -> dict[str, Any]:
        account = self.account
        return {"score": account.score, "known": account.coverage, "why": account.summary()}


@dataclass(frozen=True)
class Neighbour(Scored):
    """A city like mine: its id, name, country, the account of the pair and its strongest lines."""

    id: str
    name: str
    country: str
    account: Account
    reasons: Hidden[tuple[Evidence, ...]] = ()

    def __repr__(self) -> str:
        return f"<Neighbour {self.id}, {self.name}, score {self.account.score:.3f}>"

    def row(self) -> dict[str, Any]:
        """Return the city as a row of a table: its score, the part of the weights known, the strongest reasons."""
        city = {"id": self.id, "name": self.name, "country": self.country}
        return city | self._figures()


def text_model(
    cohort: Cohort,
    name: str = "auto",
    prefix: str | None = None,
    progress: Progress = silent,
    more: Sequence[str] = (),
) -> TextModel:
    """Return the one text model of a run, chosen aloud for all sentences of the cohort and some ``more``."""
    progress(say("Text model"))
    sentences = [*all_sentences(cohort), *more]
    return open_text_model(name, sentences, prefix=prefix, progress=_in_tenths(progress))


def _in_tenths(progress: Progress) -> Callable[[int, int], None]:
    """Return what tells how far the reading of many new sentences is, each tenth of them once."""
    last = 0

    def tell(done: int, of: int) -> None:
        nonlocal last
        tenth = 10 * done // of
        if of >= MANY and tenth > last:
            told = {"part": 10 * tenth, "of": of}
            progress(say("Text model: {part}% of {of:,} new sentences", **told))
        last = 0 if done == of else tenth

    return tell


def text_of(facet_cache: FacetCache) -> TextModel:
    """Return the text model of a round that was opened here."""
    text = facet_cache.text
    assert isinstance(text, TextModel), "the round was opened with something else"
    return text


def told(text: TextModel) -> str:
    """Return what a result says of its text model, with what could not be read."""
    return joined([text.says, *text.notes])


def similar(
    city: str,
    cohort: Cohort,
    text: TextModel,
    *,
    k: int = 10,
    weights: Mapping[str, float] = PEER_WEIGHTS,
) -> tuple[str, list[Neighbour]]:
    """Return what is said of the standings, and the k cities most like a city, best first, each with its account."""
    if not isinstance(k, int) or k < 1:
        raise QuestionError.of(
            "k-wrong", say("Asked for {k} cities.", k=repr(k)), do=say("Ask for at least 1.")
        )
    i = cohort.find(city)
    affinity = compare(cohort, weights, FacetCache(text))
    return says(text, affinity), neighbours(affinity, i, nearest(affinity, i, k))


# --- the engine -------------------------------------------------------------------------------------------


def says(text: TextModel, affinity: Affinity) -> str:
    """Return what is said of the text model, and of the standings where they are estimates."""
    if not affinity.is_drawn:
        return told(text)
    n = len(affinity.cohort)
    drawn = sum(len(rows) * len(cols) for rows, cols in drawn_pairs(n))
    return say(
        "{text} Standings rest on {drawn:,} of {all:,} pairs, drawn evenly: to within 0.1 of 100 points.",
        text=told(text),
        drawn=drawn,
        all=n * (n - 1) // 2,
    )


def nearest(affinity: Affinity, row: int, k: int, allowed: Bools | None = None) -> Ints:
    """Return the k columns with the highest score in a row, best first, of other cities and those ``allowed`` (C,)."""
    may = affinity.others(row)
    places = np.flatnonzero(may if allowed is None else may & allowed)
    score = affinity.scores(np.array([row]), np.arange(len(may)))[0]
    return places[best(score[places], k, affinity.ties(row)[places])]


def neighbours(
    affinity: Affinity, row: int, columns: Ints, *, worded: bool = True
) -> list[Neighbour]:
    """Return the cities of some columns beside a row, each with its account; only the reasons in words where not worded."""
    accounts = affinity.accounts([row] * len(columns), columns, worded=worded)
    found = []
    for column, account in zip(columns.tolist(), accounts, strict=True):
        reasons = account.strongest(2) if worded else affinity.reasons(row, column, account)
        (place,) = affinity.columns[column].cities
        city = affinity.cohort.cities[place]
        found.append(Neighbour(city.id, city.name, city.country, account, reasons))
    return found
