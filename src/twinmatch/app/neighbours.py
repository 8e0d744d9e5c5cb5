"""Cities like mine, for every front: standings counted once, then one row of scores a question.

Notation: n cities; a row (r,) and columns (c,) are places in an affinity; steps as in :mod:`twinmatch.affinity`.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from itertools import compress
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from twinmatch.affinity import Affinity, compare
from twinmatch.cohort import City, Cohort
from twinmatch.embedding.choice import TextModel, open_text_model
from twinmatch.embedding.sentences import split_sentences
from twinmatch.errors import QuestionError
from twinmatch.facets import FACETS, FacetCache
from twinmatch.facets.quoting import classifier_for, quotes, same_matter, shows
from twinmatch.facets.text import all_sentences, offers_said
from twinmatch.proposal import Account, Evidence, Fact
from twinmatch.proposal.evidence import LEAST
from twinmatch.proposal.wire import Hidden, Number, on_wire
from twinmatch.standings import THIN_COVERAGE, UNKNOWN, best, drawn_pairs, standing_table
from twinmatch.vocabulary.topics import BLOCKS
from twinmatch.wording import joined, listed, say

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

TELLING: Final = ("challenges", "needs", "levers_needed", "readiness", "emissions")
"""Blocks of a profile on which most of these weights rest."""

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
    """Return what is said of the standings and of a city little known, and the k cities most like it, best first."""
    if not isinstance(k, int) or k < 1:
        raise QuestionError.of(
            "k-wrong",
            say("Asked for {k} cities.", k=repr(k)),
            do=say("Ask for a whole number of at least 1."),
        )
    i = cohort.find(city)
    affinity = compare(cohort, weights, FacetCache(text))
    found = neighbours(affinity, i, nearest(affinity, i, k))
    note = too_little_known(cohort.cities[i], found)
    return joined(filter(None, [says(text, affinity), note])), found


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


def too_little_known(city: City, found: Sequence[Neighbour]) -> str:
    """Return a sentence where less is known of a city than an account needs, with what its profile lacks; else an empty text."""
    each = [[x for x in n.account.lines if x.facet in FACETS and x.weight > 0] for n in found]
    known = [
        sum(x.weight for x in lines if x.known) / sum(x.weight for x in lines) for lines in each
    ]
    lacks = [say(BLOCKS[block]["words"]) for block in TELLING if not getattr(city, block)]
    if not lacks or max(known, default=1.0) >= THIN_COVERAGE:
        return ""
    return say(
        "{part:.0f}% of what is compared is known of {city}, too little to trust this order: its profile lacks {blocks}.",
        part=100 * max(known),
        city=city.name,
        blocks=listed(lacks),
    )


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


# --- a question in words ---

ASKED: Final = "asked"
"""The name of the facet."""

MOST_SENTENCES: Final = 40
"""Sentences of a question in words that are compared."""


class AskedText:
    """The mean over the sentences asked of the best cosine of a city's sentences on their matter; nan where it has none.

    A sentence is on the matter of another where both surely name one topic, or are as likely on one as what is quoted of
    a pair; nobody can tell with a text model for which no classifier was learned.
    """

    def __init__(self, cohort: Cohort, facet_cache: FacetCache, text: str) -> None:
        sentences = [s.text for s in split_sentences(text)][:MOST_SENTENCES]
        vectors = np.asarray(facet_cache.text.vectors(sentences), dtype=np.float64)
        can = np.asarray(~np.isnan(vectors).any(axis=1))
        vectors, heard = vectors[can], [*compress(sentences, can)]
        if not len(vectors):
            raise QuestionError.of(
                "text-not-read",
                say("The text model can read no sentence of the question."),
                do=say(
                    "Ask in a few plain sentences, in English unless the service names another text model."
                ),
            )
        self._cohort, self._offers = cohort, offers_said(cohort, facet_cache)
        self._cosine = np.round(vectors @ self._offers.vectors.T, 4)[:, self._offers.line]
        classifier, offers = classifier_for(facet_cache), self._offers
        self._cosine[:, ~offers.may] = 0.0
        if classifier and offers.reading is not None and offers.named is not None:
            topics, texts = classifier.read(vectors).topics, [p.text for p in offers.passages]
            for k, (read, text) in enumerate(zip(topics, heard, strict=True)):
                words = offers.words.likeness([text], texts)
                likely = same_matter(words, read[None], offers.reading.topics)[0]
                named = (offers.named[:, read >= classifier.threshold] > 0).any(axis=1)
                self._cosine[k, ~(named | (likely >= LEAST))] = 0.0

    def likeness(self, rows: Sequence[int]) -> Floats:
        """Return the likeness of every city to the question, the same in each row, shape (r, n)."""
        start, end = self._offers.start, self._offers.end
        found = np.full(len(start), np.nan)
        speaking = np.flatnonzero(end > start)
        if len(speaking):
            top = np.maximum.reduceat(self._cosine, start[speaking], axis=1)
            mean = np.round(np.clip(top, 0.0, 1.0).mean(axis=0), 4)
            found[speaking] = np.where(mean > 0, mean, np.nan)
        return np.tile(found, (len(rows), 1))

    def standings(self, count: NDArray[np.int64]) -> Floats:
        """Return the standing of each step: who has something on the matter stands above all who have nothing."""
        count[0] += count[UNKNOWN]
        return standing_table(count)

    def says(self, i: int, column: int) -> tuple[str, tuple[Fact, ...]]:
        """Return what a city can show of what was asked, quoted and located."""
        name = self._cohort.cities[column].name
        own = slice(self._offers.start[column], self._offers.end[column])
        near = self._cosine[:, own].max(axis=0, initial=0.0)
        if not near.any():
            return f"What {name} can show on this is not known.", ()
        found = self._offers.passages[own][near.argmax()]
        return shows(name, found), quotes(self._cohort, found)
