"""Needs and offers in words: what the guest needs against what the host offers, sentence by sentence.

Whole-text cosines hardly tell cities apart, so every sentence of the one side looks for its best match on the
other, and the likeness is the mean over those best matches (the "MaxSim" of Khattab and Zaharia 2020,
doi:10.1145/3397271.3401075). The pair of sentences that match best is kept as evidence, quoted and located.

Notation: a side holds all sentences of all cities, vectors (s, d) of unit length, and for every city the range
of its sentences. A sentence that the model cannot read is left out and named.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence, Set
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from twinmatch.cohort import Cohort
from twinmatch.embedding.sentences import KINDS, TOPICS, Reading
from twinmatch.facets.base import FacetCache, Floats, Ints
from twinmatch.facets.quoting import (
    PILOT,
    Passage,
    Role,
    WordWeights,
    asks,
    classifier_for,
    is_of_costs,
    is_of_money,
    named_in,
    named_topics,
    passages_of,
    printable,
    quotes,
    readable,
    same_matter,
    shows,
    speaks_of,
    told_topics,
    wants,
    why_silent,
    worded,
    worth,
)
from twinmatch.proposal import Fact
from twinmatch.proposal.evidence import ASKS, LEAST, is_own_words, is_sentence
from twinmatch.schema import City
from twinmatch.vocabulary.topics import Topic
from twinmatch.wording import joined, listed, say, sentence

NAMED = 2
"""Topics named in a sentence, at most."""

LEAST_SURE = 0.35
"""Probability from which a sentence that names a topic in its words may stand for it."""

LEAST_SHOWN = 0.45
"""The same for what a city shows: no park-and-ride site is a park."""

MOST_TOPICS = 2
"""Topics of a need that is quoted, at most: an answer on one of more would leave the others open."""

DECIMALS = 4
"""Similarities are rounded to this before anything sorts: vectors differ by 1e-7 between machines."""

_LARGEST_PART = 4_000_000
"""Cosines held at once."""


def needs_passages(cohort: Cohort) -> list[Passage]:
    """Return the sentences in which cities say what they need, in order of city."""
    each = enumerate(cohort.cities)
    return [p for i, c in each for p in passages_of(i, "needs", c.needs, c.source_of("needs"))]


def offers_passages(cohort: Cohort) -> list[Passage]:
    """Return the sentences that say what cities can show: their offers, then their pilot activities."""
    found = []
    for i, city in enumerate(cohort.cities):
        found += passages_of(i, "offers", city.offers, city.source_of("offers"))
        for pilot in cohort.pilots(i):
            found += passages_of(i, PILOT, pilot.summary, cohort.pilot_source(i, pilot))
    return found


def all_sentences(cohort: Cohort) -> list[str]:
    """Return every distinct sentence that the text facets compare, sorted."""
    return sorted({p.text for p in (*needs_passages(cohort), *offers_passages(cohort))})


class Sayings:
    """The sentences of one side and where each city's begin and end, what they are about and which may be printed."""

    def __init__(
        self, cohort: Cohort, passages: list[Passage], facet_cache: FacetCache, role: Role
    ) -> None:
        self.passages, vectors, unread = readable(passages, facet_cache)
        self.unread = {p.city for p in unread}
        number: dict[str, int] = {}
        self.line = np.array(
            [number.setdefault(p.text, len(number)) for p in self.passages], np.intp
        )
        # In double precision, so that a rounded cosine does not depend on how many stand beside it.
        self.vectors = vectors[np.unique(self.line, return_index=True)[1]].astype(np.float64)
        self._role, self._classifier = role, classifier_for(facet_cache)
        self._names = [city.name for city in cohort.cities]
        self._worths: dict[int, Floats] = {}
        self._worth: dict[tuple[int, str, int, frozenset[str]], float] = {}
        self.words = facet_cache.once(
            cohort, "word weights", lambda: WordWeights(all_sentences(cohort))
        )
        self.owners = np.array([p.city for p in self.passages], dtype=np.intp)
        self.start = np.searchsorted(self.owners, np.arange(len(cohort)))
        self.end = np.searchsorted(self.owners, np.arange(len(cohort)), side="right")
        self._best: dict[int, dict[Topic, tuple[float, int, int]]] = {}
        self._surest: dict[int, tuple[Ints, Floats]] = {}

    @cached_property
    def reading(self) -> Reading | None:
        """What a classifier reads in the sentences; None where there is none for the text model."""
        if self._classifier is None:
            return None
        read = self._classifier.read(self.vectors)
        said = dict(zip(self.line.tolist(), self.passages, strict=True))
        topics = named_topics(read.topics, said)
        return Reading(*(part[self.line] for part in (read.shows, read.kinds, topics)))

    @cached_property
    def named(self) -> Floats | None:
        """The topics sure enough to be named, (s, T), 0 elsewhere; None where nobody reads topics."""
        reading = self.reading
        return None if reading is None else told_topics(reading.topics, self.passages)

    @cached_property
    def may(self) -> NDArray[np.bool_]:
        """Which sentences may be printed, (s,)."""
        return printable(self.passages, self._role, self.reading)

    @cached_property
    def on_costs(self) -> NDArray[np.bool_]:
        """Which sentences are about what something costs, (s,)."""
        return np.array([is_of_costs(p.text) for p in self.passages], bool)

    @cached_property
    def on_money(self) -> NDArray[np.bool_]:
        """Which sentences speak of money, (s,)."""
        return np.array([is_of_money(p.text) for p in self.passages], bool)

    @cached_property
    def _printable(self) -> tuple[Ints, Ints]:
        """The places of the sentences that may be printed, and where each city's begin among them, the end last."""
        places = np.flatnonzero(self.may)
        return places, np.append(np.searchsorted(places, self.start), len(places))

    def _of(self, city: int) -> Ints:
        places, begin = self._printable
        return places[begin[city] : begin[city + 1]]

    def surest(self, city: int) -> tuple[Ints, Floats]:
        """Return a city's printable sentence that names each topic most surely, -1 for none, and how surely, (T,); kept."""
        if city not in self._surest:
            places, sure = self._of(city), np.zeros((1, len(TOPICS)))
            if self.named is not None and len(places):
                sure = self.named[places]
            best = sure.max(axis=0)
            place = np.where(best > 0, np.append(places, -1)[sure.argmax(axis=0)], -1)
            self._surest[city] = place, best
        return self._surest[city]

    def by(self, cities: Sequence[int], topics: Set[Topic] = frozenset()) -> tuple[Ints, Floats]:
        """Return the places of the sentences of some cities that may be printed, and how well each serves on each topic.

        Places (p,) and worths (p, T); only sentences that serve on some topics where any are given, and are known.
        """
        each = sorted(set(cities))
        places = np.concatenate([np.zeros(0, np.intp), *map(self._of, each)])
        worths = np.concatenate([np.zeros((0, len(TOPICS))), *map(self.worths, each)])
        if topics and self.reading is not None:
            on = [TOPICS.index(topic) for topic in topics]
            serving = (worths[:, on] > 0).any(axis=1)
            places, found = places[serving], worths[serving]
            worths = np.zeros_like(found)
            worths[:, on] = found[:, on]
        return places, worths

    def best_on(self, cities: Sequence[int], topics: Set[Topic]) -> tuple[Passage, Topic] | None:
        """Return the printable text of some cities that names one of some topics most surely, early and in few words.

        Whole sentences come before mere words; what is printed of it has to name the topic, where it is in English.
        """
        found = [best[t] for best in map(self.best_of, cities) for t in topics if t in best]
        if not found:
            return None
        _, place, column = min(found)
        return self.passages[place], TOPICS[column]

    def best_of(self, city: int) -> dict[Topic, tuple[float, int, int]]:
        """Return for each topic that a city serves the worth of its best sentence, negated, its place and the topic's; kept."""
        if city not in self._best:
            places, worths = self.by([city])
            self._best[city] = {
                TOPICS[t]: (-float(worths[row, t]), int(places[row]), t)
                for t, row in enumerate(worths.argmax(axis=0).tolist() if len(places) else ())
                if worths[row, t] > 0
            }
        return self._best[city]

    def served(self, cities: Sequence[int]) -> set[Topic]:
        """Return the topics on which a printable sentence of some cities serves as evidence."""
        return {topic for city in cities for topic in self.best_of(city)}

    def worths(self, city: int) -> Floats:
        """Return how well each printable sentence of a city serves as evidence on each topic, (p, T), 0 where it does not."""
        if city not in self._worths:
            places = self._of(city)
            found = np.zeros((len(places), len(TOPICS)))
            read = found if self.reading is None else self.reading.topics[places]
            least = LEAST_SHOWN
            if self._role == "asks" and self.reading is not None:
                kinds = np.array(KINDS)[self.reading.kinds[places].argmax(axis=1)]
                least, read = LEAST_SURE, read * np.isin(kinds, [*ASKS])[:, None]
            for row, column in np.argwhere(read >= least).tolist():
                sure, most = float(read[row, column]), float(read[row].max())
                said, name = self.passages[places[row]], self._names[city]
                alike = int(self.line[places[row]]), said.what, column, named_in(said.text, name)
                if alike not in self._worth:
                    self._worth[alike] = worth(
                        said, TOPICS[column], sure, most, self._role, self.words, name
                    )
                found[row, column] = self._worth[alike]
            self._worths[city] = found
        return self._worths[city]

    def saying(self, city: int, topic: Topic) -> Passage | None:
        """Return a city's surest printable sentence that names a topic; None where none does."""
        place = self.surest(city)[0][TOPICS.index(topic)]
        return self.passages[place] if place >= 0 else None

    def wants(self, cohort: Cohort, city: int, topics: Sequence[Topic]) -> str:
        """Return that a city wants to learn about topics, as it ticked or says, or as its words are read."""
        sure = self.surest(city)[1]
        return wants(cohort.cities[city], topics, sure, self.saying(city, topics[0]))

    def is_silent(self, i: int) -> bool:
        """Return whether a city has no sentence that can be read."""
        return bool(self.start[i] == self.end[i])

    def told(self, cities: Ints) -> tuple[Ints, list[Ints]]:
        """Return which of some cities say something, who says most first, and the lines of their first sentences, their second ones..."""
        length = self.end[cities] - self.start[cities]
        order = np.argsort(-length, kind="stable")[: np.count_nonzero(length)]
        first = self.start[cities][order]
        more = [np.count_nonzero(length > k) for k in range(int(length.max(initial=0)))]
        return order, [self.line[first[:m] + k] for k, m in enumerate(more)]


def offers_said(cohort: Cohort, facet_cache: FacetCache) -> Sayings:
    """Return the sentences that say what cities can show, read once a run."""
    return facet_cache.once(
        cohort, "offers", lambda: Sayings(cohort, offers_passages(cohort), facet_cache, "shows")
    )


def needs_said(cohort: Cohort, facet_cache: FacetCache) -> Sayings:
    """Return the sentences in which cities say what they need, read once a run."""
    return facet_cache.once(
        cohort, "needs", lambda: Sayings(cohort, needs_passages(cohort), facet_cache, "asks")
    )


def _best_matches(asking: Sayings, answering: Sayings, rows: Ints, cols: Ints) -> Floats:
    """Return the mean over each row's sentences of their best cosine in each column, (r, c); nan where empty."""
    result = np.full((len(rows), len(cols)), np.nan)
    for at, cosine, mine, theirs in _compared(asking, answering, rows, cols):
        result[at] = _mean_best(cosine, mine, theirs)
    return result


def _both_ways(side: Sayings, rows: Ints, cols: Ints) -> Floats:
    """Return the mean of the best matches there and back, (r, c), from each cosine once; nan where empty."""
    result = np.full((len(rows), len(cols)), np.nan)
    for at, cosine, mine, theirs in _compared(side, side, rows, cols):
        there, back = _mean_best(cosine, mine, theirs), _mean_best(cosine.T, theirs, mine)
        result[at] = np.round((there + back.T) / 2, DECIMALS)
    return result


def _compared(
    one: Sayings, other: Sayings, rows: Ints, cols: Ints
) -> Iterator[tuple[tuple[Ints, ...], Floats, list[Ints], list[Ints]]]:
    """Yield some cities of both sides that say something, the cosines of their lines, (b, a), and which of these each says.

    A line is compared once, however many cities say it.
    """
    filled, lines = other.told(cols)
    if not lines:
        return
    some = np.unique(np.concatenate(lines))
    theirs = [np.searchsorted(some, line) for line in lines]
    count = one.end[rows] - one.start[rows]
    part = np.cumsum(count) * len(some) // _LARGEST_PART
    for places in np.split(np.arange(len(rows)), np.flatnonzero(np.diff(part)) + 1):
        speaking, lines = one.told(rows[places])
        if lines:
            said = np.unique(np.concatenate(lines))
            cosine = other.vectors[some] @ one.vectors[said].T
            mine = [np.searchsorted(said, line) for line in lines]
            yield np.ix_(places[speaking], filled), cosine, mine, theirs


def _mean_best(cosine: Floats, mine: list[Ints], theirs: list[Ints]) -> Floats:
    """Return the mean over the lines of each city of their best cosine, (b, a), to those of each other one, (r, c)."""
    best = _over(np.maximum, np.ascontiguousarray(cosine), theirs).T
    total = _over(np.add, np.ascontiguousarray(best), mine)
    return _rounded(total / np.bincount(np.concatenate([np.arange(len(k)) for k in mine]))[:, None])


def _over(what: np.ufunc, table: Floats, lines: list[Ints]) -> Floats:
    """Return the sums or such of the rows of a table that each city says."""
    found = table.take(lines[0], axis=0)
    for line in lines[1:]:
        some = found[: len(line)]
        what(some, table.take(line, axis=0), out=some)
    return found


def _rounded(cosine: Floats) -> Floats:
    return np.asarray(np.round(np.clip(cosine, 0.0, 1.0), DECIMALS))


class NeedsOffers:
    """Closeness of what the guest needs to what the host offers: mean best cosine over the guest's sentences."""

    shows = True
    """Whether the other city's sentences are of what it offers, rather than of what it needs as well."""

    def __init__(self, cohort: Cohort, facet_cache: FacetCache) -> None:
        self._cohort = cohort
        self._needs = needs_said(cohort, facet_cache)
        self._other = offers_said(cohort, facet_cache) if self.shows else self._needs

    def likeness(self, rows: Ints, cols: Ints) -> Floats:
        """Return how well each column's offers answer each row's needs, shape (r, c)."""
        return _best_matches(self._needs, self._other, rows, cols)

    def says(self, i: int, j: int) -> tuple[str, tuple[Fact, ...]]:
        """Return that one text answers the other or is close to it, with the two sentences quoted and located."""
        one, other = self._cohort.cities[i], self._cohort.cities[j]
        found = next(iter(answers(self._needs, self._other, [i], [j])), None)
        if self._needs.is_silent(i) or self._other.is_silent(j):
            theirs = "offers" if self.shows else "needs"
            return _silent((one, self._needs, i, "needs"), (other, self._other, j, theirs)), ()
        if found is not None:
            said = [asks(one.name, found.asks, found.topic), asks(other.name, found.shows)]
            if self.shows:
                said = [shows(other.name, found.shows, found.topic), found.need(one.name)]
            return joined(said), quotes(self._cohort, found.asks, found.shows)
        shared = named_by_both(self._needs, self._other, i, j)
        if not shared:
            says = "What {guest} needs and {host} shows is compared as a whole; no two sentences are sure enough to be quoted."
            if self.shows:
                return say(says, guest=one.name, host=other.name), ()
            says = "What {one} and {other} need is compared as a whole; no two sentences are sure enough to be quoted."
            return say(says, one=one.name, other=other.name), ()
        if self.shows:
            text, quoted, named = shown(self._cohort, (self._needs, self._other), i, j, shared)
            quoted = quoted or (_read(other, self._other, j, named),)
            return text, (_read(one, self._needs, i, named), *quoted)
        facts = _read(one, self._needs, i, shared), _read(other, self._other, j, shared)
        says = "Both {one} and {other} want to learn about {topics}."
        return say(says, one=one.name, other=other.name, topics=worded(shared[:NAMED])), facts


def shown(
    cohort: Cohort, sides: tuple[Sayings, Sayings], i: int, j: int, topics: Sequence[Topic]
) -> tuple[str, tuple[Fact, ...], Sequence[Topic]]:
    """Return what a host shows of topics that a guest seeks, by its surest sentence on the first ones, else on the others, else in mere words.

    With the sentence as a fact, and the topics that are named.
    """
    (needs, offers), host = sides, cohort.cities[j].name
    each = [offers.best_on([j], frozenset(some)) for some in (topics[:NAMED], topics[NAMED:])]
    found = min(filter(None, each), key=lambda x: not is_sentence(x[0].text), default=None)
    if found is not None:
        said = joined([shows(host, *found), needs.wants(cohort, i, found[1:])])
        return said, quotes(cohort, found[0]), found[1:]
    named = topics[:NAMED]
    says = "{host} is asked for an example of this."
    return joined([needs.wants(cohort, i, named), say(says, host=host)]), (), named


class SharedNeeds(NeedsOffers):
    """Closeness of two cities' needs: mean best cosine over the sentences of both, each way, averaged."""

    shows = False

    def __init__(self, cohort: Cohort, facet_cache: FacetCache) -> None:
        super().__init__(cohort, facet_cache)
        # Cities that say nothing that can be read are of one kind, each other city is of its own.
        speaks = self._needs.end > self._needs.start
        self.kinds = np.where(speaks, np.cumsum(speaks), 0)

    def likeness(self, rows: Ints, cols: Ints) -> Floats:
        """Return how alike the needs of each row and column are, shape (r, c); the same both ways."""
        return _both_ways(self._needs, rows, cols)


@dataclass(frozen=True)
class PassageMatch:
    """A sentence that asks, the one that is likeliest to be on its matter, how likely, and the topic that they share."""

    asks: Passage
    shows: Passage
    closeness: float
    topic: Topic | None

    @property
    def is_whole(self) -> bool:
        """Return whether both are sentences, and no mere words."""
        return is_sentence(self.asks.text) and is_sentence(self.shows.text)

    def need(self, name: str, topic: Topic | None = None) -> str:
        """Return what a city of a name asks, in its words; by the topic alone where the answer is on little more of it."""
        brief = is_own_words(self.asks.source) and not is_sentence(self.asks.text)
        if self.topic and not (brief or speaks_of(self.shows.text, self.asks.text, self.topic)):
            says = "{guest} wants to learn about {topics}."
            return say(says, guest=name, topics=self.topic.wording)
        return asks(name, self.asks, topic)


def answers(
    needs: Sayings,
    offers: Sayings,
    asking: Sequence[int],
    showing: Sequence[int],
    topics: Set[Topic] = frozenset(),
    least: float = LEAST,
) -> list[PassageMatch]:
    """Return for each need of some cities the sentence of others that answers it best, the best answered first.

    What is about costs is answered by what speaks of money.
    Both have to serve as evidence on one topic, on one of some where any are given, and to be of two cities and on the same
    matter with a likelihood of ``least``; of several answers the one nearest in words and meaning, and of most worth, is
    taken.
    """
    rows, asked = needs.by(asking, topics)
    if needs.reading is not None:
        single = (needs.reading.topics[rows] >= LEAST_SURE).sum(axis=1) <= MOST_TOPICS
        rows, asked = rows[single], asked[single]
    columns, shown = offers.by(showing if len(rows) else (), topics)
    if not len(columns):
        return []
    met = needs.owners[rows][:, None] != offers.owners[columns]
    met &= ~needs.on_costs[rows][:, None] | offers.on_money[columns]
    if needs.reading is not None:
        met &= (asked > 0).astype(float) @ (shown.T > 0) > 0
    here, there = met.any(axis=1), met.any(axis=0)
    rows, asked, columns, shown = rows[here], asked[here], columns[there], shown[there]
    if not len(rows):
        return []
    sides = ((needs, rows), (offers, columns))
    texts = [[side.passages[k].text for k in at] for side, at in sides]
    read = [side.reading.topics[at] if side.reading else None for side, at in sides]
    likely = same_matter(needs.words.likeness(*texts), *read)
    likely[~met[np.ix_(here, there)]] = 0.0
    vectors = (side.vectors[side.line[at]] for side, at in sides)
    near = np.round(np.inner(*vectors), DECIMALS)
    near += shown.max(axis=1) / 2
    found = []
    for k, b in enumerate(np.where(likely >= least, likely + near, -1.0).argmax(axis=1).tolist()):
        if (closeness := float(likely[k, b])) >= least:
            ask, answer = needs.passages[rows[k]], offers.passages[columns[b]]
            both = np.minimum(asked[k], shown[b])
            topic = TOPICS[int(both.argmax())] if both.any() else None
            found.append(PassageMatch(ask, answer, closeness, topic))
    return sorted(found, key=lambda a: (not a.is_whole, -a.closeness, a.asks.city, a.asks.place))


def named_by_both(one: Sayings, other: Sayings, i: int, j: int) -> list[Topic]:
    """Return the topics that two cities surely speak of in what may be printed, the surest first."""
    sure = np.minimum(one.surest(i)[1], other.surest(j)[1])
    return [TOPICS[t] for t in np.argsort(-sure, kind="stable") if sure[t] > 0]


def _read(city: City, side: Sayings, i: int, topics: Sequence[Topic]) -> Fact:
    """Return the topics that were read in a city's sentences as a fact, with the source of the first of them."""
    said = side.saying(i, topics[0])
    source = said.source if said else ""
    named = worded(topics[:NAMED])
    return Fact(city.id, say("topics"), named, kind="estimated", source=source)


def _silent(*sides: tuple[City, Sayings, int, str]) -> str:
    """Return who is silent, or whose language the model does not read."""
    silent = [(c.name, text, k in side.unread) for c, side, k, text in sides if side.is_silent(k)]
    return sentence(listed(list(dict.fromkeys(why_silent(*one) for one in silent))))
