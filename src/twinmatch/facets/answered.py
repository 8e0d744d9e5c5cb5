"""Needs answered: by topics, by words, and beside what everybody's needs find at the same host.

Topics: what the guest seeks against what the host shows, in the words in which officers match.

A city's profile over the topics is what it ticked (``seeks``, ``shows``); where it ticked nothing, the sum of the
probabilities that a classifier reads in its sentences. Rare topics count for more, as words do in retrieval (Sparck
Jones 1972, doi:10.1108/eb026526), and profiles are compared by their cosine.

Notation: T topics; seeks and shows (n, T), each row of length 1 after weighting, or nan where nothing is known.

Words: do the host's texts use the words of the guest's needs, and does it answer these better than everyone's?

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
from collections.abc import Collection, Sequence
from typing import TYPE_CHECKING, Final

import numpy as np
from numpy.typing import NDArray

from twinmatch.cohort import Cohort
from twinmatch.embedding.backends import ENGLISH
from twinmatch.embedding.choice import foreign_language
from twinmatch.embedding.sentences import TOPICS
from twinmatch.facets import text as texts
from twinmatch.facets.base import FacetCache, Floats, Ints, known_mean, memberships
from twinmatch.facets.domains import wider
from twinmatch.facets.quoting import Passage, quotes, stems, worded
from twinmatch.proposal import Fact
from twinmatch.schema import Domain
from twinmatch.vocabulary.topics import Topic
from twinmatch.wording import listed, say

if TYPE_CHECKING:
    from scipy.sparse import csr_array

PRESENT: Final = 0.3
"""From this much on a topic counts among those that a city speaks of, for the rarity of topics."""


class TopicTable:
    """The topics of all cities: what they seek and show, and the sentences that say so."""

    def __init__(self, cohort: Cohort, facet_cache: FacetCache) -> None:
        self._cities = cohort.cities
        self._sought: dict[int, tuple[Topic, ...]] = {}
        self.needs = texts.needs_said(cohort, facet_cache)
        self.offers = texts.offers_said(cohort, facet_cache)
        self.seeks = _profiles(cohort, "seeks", self.needs)
        self.shows = _profiles(cohort, "shows", self.offers)
        self.asked = (self.seeks > PRESENT).sum(axis=0)
        count = self.asked + (self.shows > PRESENT).sum(axis=0)
        rarity = np.log((1.0 + 2 * len(cohort)) / (1.0 + count))
        self.seeking, self.showing = (_unit(table * rarity) for table in (self.seeks, self.shows))

    def named(self, profile: Floats) -> list[Topic]:
        """Return the topics of a profile (T,), strongest first."""
        order = np.argsort(-np.round(profile, 4), kind="stable")
        return [TOPICS[t] for t in order[profile[order] > PRESENT].tolist()]

    def sought(self, i: int) -> Sequence[Topic]:
        """Return the topics that a city ticked, or says it seeks in what may be printed, strongest first; kept."""
        if i not in self._sought:
            ticked, named = self._cities[i].seeks or (), self.named(self.seeks[i])
            self._sought[i] = tuple(t for t in named if t in ticked or self.needs.saying(i, t))
        return self._sought[i]

    def can_show(self, cities: Sequence[int]) -> set[str]:
        """Return the topics on which a sentence of some cities serves as evidence, else those that they ticked."""
        ticked = (topic for i in cities for topic in self._cities[i].shows or ())
        return {*(self.offers.served(cities) or ticked)}


def topic_table(cohort: Cohort, facet_cache: FacetCache) -> TopicTable:
    """Return the topics of a cohort, read once a run."""
    return facet_cache.once(cohort, "topics", lambda: TopicTable(cohort, facet_cache))


def nothing_to_show(
    cohort: Cohort,
    facet_cache: FacetCache,
    guests: Sequence[int],
    hosts: Sequence[Sequence[int]],
    topics: Collection[Topic] = tuple(Topic),
) -> NDArray[np.bool_]:
    """Return where a host (some cities) can show something, but nothing of the topics that a guest seeks, shape (G, H).

    Of some topics only, where they are given. A guest seeks what it ticked or says it needs of them, else those of its
    challenges and of the levers that it looks for. Where either is not known, nothing is missed.
    """
    table, domains = topic_table(cohort, facet_cache), {*Domain}
    areas = {t: wider(Domain(t.area)) if t.area in domains else t.area for t in topics}
    sought: list[set[str]] = []
    for i in guests:
        city = cohort.cities[i]
        fields = {*map(wider, city.challenges or ()), *(city.levers_needed or ())}
        named = areas.keys() & table.sought(i)
        sought.append({*(named or (t for t, area in areas.items() if area in fields))})
    seeks = memberships(sought, TOPICS)
    shows = memberships([table.can_show(host) for host in hosts], TOPICS)
    known = seeks.any(axis=1, keepdims=True) & shows.any(axis=1)
    return np.asarray(known & (seeks.astype(np.int64) @ shows.T.astype(np.int64) == 0))


def _profiles(cohort: Cohort, field: str, said: texts.Sayings) -> Floats:
    table = np.zeros((len(cohort), len(TOPICS)))
    if said.reading is not None:
        np.add.at(table, said.owners, said.reading.topics)
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
        seeks = ("seeks", table.seeking, table.needs)
        self._sides = (seeks, ("shows", table.showing, table.offers) if self.shows else seeks)

    def likeness(self, rows: Ints, cols: Ints) -> Floats:
        """Return how far the topics of each row and column are the same, shape (r, c)."""
        (_, one, _), (_, other, _) = self._sides
        return np.asarray(np.round(np.clip(one[rows] @ other[cols].T, 0.0, 1.0), 6))

    def says(self, i: int, j: int) -> tuple[str, tuple[Fact, ...]]:
        """Return the topics that tie the two, and a sentence of each on the first of them."""
        names = [self._cohort.cities[k].name for k in (i, j)]
        both = dict(zip(("one", "other"), names, strict=True))
        unknown: dict[str, None] = {}
        for name, k, (field, profile, _) in zip(names, (i, j), self._sides, strict=True):
            says = "{city} wants to learn about" if field == "seeks" else "{city} shows"
            unknown |= {say(says, city=name): None} if np.isnan(profile[k]).any() else {}
        if unknown:
            return say("Which topics {unknown} is not known.", unknown=listed(list(unknown))), ()
        topics = self._grounded(i, j)
        if not topics:
            says = "No topic that both {one} and {other} want to learn about is sure enough to be named; likely ones are compared."
            if self.shows:
                says = "No topic that {one} wants to learn about and {other} shows is sure enough to be named; likely ones are compared."
            return say(says, **both), ()
        if not self.shows:
            topics = topics[: texts.NAMED]
            says = "Both {one} and {other} want to learn about {topics}."
            return say(says, **both, topics=worded(topics)), self._facts((i, j), topics)
        text, quoted, named = texts.shown(
            self._cohort, (self.table.needs, self.table.offers), i, j, topics
        )
        return text, tuple(dict.fromkeys((*self._facts((i, j), named), *quoted)))

    def _grounded(self, i: int, j: int) -> list[Topic]:
        """Return the topics that both cities ticked or say in what may be printed, those that tie them most first."""
        (_, one, _), (_, other, _) = self._sides
        both = one[i] * other[j]
        for k, (field, _, said) in zip((i, j), self._sides, strict=True):
            ticked = getattr(self._cohort.cities[k], field) or ()
            spoken = np.array([topic in ticked for topic in TOPICS]) | (said.surest(k)[0] >= 0)
            both = np.where(spoken & (both > 0), both, 0.0)
        return self.table.named(np.where(both > 0, both + PRESENT, 0.0))

    def _facts(self, pair: tuple[int, int], topics: Sequence[Topic]) -> tuple[Fact, ...]:
        """Return a sentence of each city where they answer each other on a topic, else the topics that they share."""
        (_, _, needs), (_, _, there) = self._sides
        for topic in topics:
            for found in texts.answers(needs, there, [pair[0]], [pair[1]], {topic}):
                return quotes(self._cohort, found.asks, found.shows)
        named, facts = worded(topics), []
        for k, (field, _, side) in zip(pair, self._sides, strict=True):
            city, said = self._cohort.cities[k], side.saying(k, topics[0])
            kind, source = ("estimated", said.source) if said else ("stated", city.source_of(field))
            facts.append(Fact(city.id, say("topics"), named, kind=kind, source=source))
        return tuple(facts)


class SharedTopics(TopicsMet):
    """Cosine of the topics that two cities seek, rare topics counting for more."""

    shows = False


K1: Final = 1.2
B: Final = 0.75


class WordTable:
    """BM25 of all needs against all texts of hosts."""

    def __init__(self, cohort: Cohort) -> None:
        sides = (texts.needs_passages(cohort), texts.offers_passages(cohort))
        asked, said = (_bags(len(cohort), passages) for passages in sides)
        frequency = Counter(word for bag in said for word in bag)
        place = {word: v for v, word in enumerate(sorted(frequency))}
        speaking = sum(map(bool, said))
        mean = sum(map(Counter.total, said)) / max(speaking, 1) or 1.0
        self.speaks = np.array([bool(bag) for bag in said])
        self.asks = np.array([len(bag) for bag in asked])
        odds = {w: (speaking - n + 0.5) / (n + 0.5) for w, n in frequency.items()}
        rarity = {w: float(np.log1p(odd)) for w, odd in odds.items()}

        def weighed(bag: Counter[str]) -> dict[str, float]:
            damped = K1 * (1 - B + B * bag.total() / mean)
            return {w: rarity[w] * n * (K1 + 1) / (n + damped) for w, n in bag.items()}

        self._asked = _sparse([dict.fromkeys(place.keys() & bag, 1.0) for bag in asked], place)
        self._said = _sparse([*map(weighed, said)], place)

    def closeness(self, rows: Ints, cols: Ints) -> Floats:
        """Return the BM25 a word asked, at least 0, shape (r, c); nan where either side says nothing."""
        total = (self._asked[rows] @ self._said[cols].T).toarray()
        found = np.round(total / np.maximum(self.asks[rows], 1)[:, None], 6)
        known = (self.asks[rows] > 0)[:, None] & self.speaks[cols][None, :]
        return np.asarray(np.where(known, found, np.nan), dtype=np.float64)


def _bags(n: int, passages: Sequence[Passage]) -> list[Counter[str]]:
    bags: list[Counter[str]] = [Counter() for _ in range(n)]
    for passage in passages:
        if not foreign_language(passage.text, ENGLISH):
            bags[passage.city].update(stems(passage.text))
    return bags


def _sparse(rows: Sequence[dict[str, float]], place: dict[str, int]) -> csr_array:
    from scipy.sparse import (
        csr_array,
    )  # a third of what a start imports; few questions compare words

    cells = [(place[word], row[word]) for row in rows for word in sorted(row)]
    columns, values = ([cell[k] for cell in cells] for k in (0, 1))
    starts = np.cumsum([0, *map(len, rows)])
    return csr_array((values, columns, starts), shape=(len(rows), max(len(place), 1)))


MOST: Final = 2.0
"""BM25 a word asked that counts as full likeness; the bundled cities reach 1.6."""


class SameWords:
    """BM25 of the guest's needs in the host's offers and pilots, a word asked, over 2."""

    def __init__(self, cohort: Cohort, facet_cache: FacetCache) -> None:
        self._cohort = cohort
        self._table = facet_cache.once(cohort, "words", lambda: WordTable(cohort))

    def likeness(self, rows: Ints, cols: Ints) -> Floats:
        """Return how far each column's texts use the words of each row's needs, shape (r, c)."""
        return np.clip(self._table.closeness(rows, cols) / MOST, 0.0, 1.0)

    def says(self, i: int, j: int) -> tuple[str, tuple[Fact, ...]]:
        """Return that the two texts share words, or whose text is not known."""
        guest, host = self._cohort.cities[i].name, self._cohort.cities[j].name
        if not self._table.asks[i]:
            return say("The needs of {guest} are not known in English.", guest=guest), ()
        if not self._table.speaks[j]:
            return say("What {host} offers is not known in English.", host=host), ()
        says = "The offers of {host} use words in which {guest} states its needs."
        return say(says, host=host, guest=guest), ()


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
        self._sentences = texts.NeedsOffers(cohort, facet_cache)
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
        return np.round(known_mean(np.stack([self._topics.likeness(rows, cols), words]), 0), 6)

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
