"""A cohort held in memory for fronts that answer many questions: what a web front needs beyond the other doors.

The answers are those of the other doors, to the last decimal: only the work that does not hang on the question
is done once. Every object here is safe to ask from several threads.
"""

from __future__ import annotations

import hashlib
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cache, cached_property
from pathlib import Path
from threading import Lock
from typing import Any, Final, Literal

import numpy as np
from anyascii import anyascii
from numpy.typing import NDArray

from twinmatch import __version__
from twinmatch.affinity import UNKNOWN, checked_weights, standing
from twinmatch.app.neighbours import PEER_WEIGHTS, Progress, silent, text_model, told
from twinmatch.app.pairs import (
    PEERS,
    Learning,
    PairExplanation,
    as_peers,
    both_ways,
    found_pair,
    with_pictures,
)
from twinmatch.app.peers import (
    KEPT,
    PEER_FACETS,
    Beside,
    Nearest,
    Peers,
    best,
    likeness_of,
    weighted,
)
from twinmatch.cohort import Cohort, nearest
from twinmatch.embedding import open_text_model
from twinmatch.embedding.backends import BundledOnly
from twinmatch.embedding.sentences import split_sentences
from twinmatch.embedding.vectors import cache_folder
from twinmatch.errors import DataError, Problem, QuestionError, Where
from twinmatch.facets import FACETS, FacetCache
from twinmatch.facets.text import all_sentences, offers_passages, readable
from twinmatch.programmes.programme import Programme, load
from twinmatch.proposal import Account, CityCard, Evidence, Fact, Gap
from twinmatch.proposing import card, gaps
from twinmatch.reading import read, without_contacts
from twinmatch.reading.raw import Raw
from twinmatch.schema import City, Role
from twinmatch.validate import Record, check

Floats = NDArray[np.float64]
Bools = NDArray[np.bool_]
Order = Literal["name", "known", "population"]

MOST_SIMILAR: Final = 100
"""Cities named in one answer, at most."""

LONGEST_TEXT: Final = 5_000
"""Characters of a question in words."""

MOST_SENTENCES: Final = 40
"""Sentences of a question in words that are compared."""

TEXT_WEIGHT: Final = 50.0
"""Part of all weights, in percent, that a question in words takes where nothing else is said."""

UNHEARD: Final = "A sentence that nobody has written before."

KEPT_SENTENCES: Final = 100_000
"""Sentences of pairs kept for the next time that they are said."""

ASKED: Final = "asked"
"""The facet of a question in words: what cities can show, against what was asked."""


@dataclass(frozen=True)
class Wanted:
    """Which cities count at all: everything left out or false does not narrow."""

    other_country: bool = False
    mission: bool = False
    country: str = ""
    population_at_least: int | None = None
    population_at_most: int | None = None

    @property
    def is_open(self) -> bool:
        """Return whether every city counts."""
        return self == Wanted()


@dataclass(frozen=True)
class Question:
    """What "cities like mine" is asked with; weights and facets left out are by name."""

    k: int = 10
    weights: Mapping[str, float] = field(default_factory=dict)
    without: tuple[str, ...] = ()
    wanted: Wanted = Wanted()
    text: str = ""
    text_weight: float = TEXT_WEIGHT

    @property
    def is_usual(self) -> bool:
        """Return whether it is the question that is asked most, and answered in no time."""
        return not self.weights and not self.without and not self.text and self.wanted.is_open


@dataclass(frozen=True, eq=False)
class Peer:
    """A city like mine: its index, its score, and for each facet with a weight the step and the standing."""

    city: int
    score: float
    steps: tuple[int, ...]
    standing: tuple[float, ...]
    asked: tuple[float, float] | None = None
    """Likeness and standing of a question in words."""


@dataclass(frozen=True, eq=False)
class Answer:
    """Cities like mine, best first, and everything needed to say why."""

    peers: tuple[Peer, ...]
    facets: tuple[str, ...]
    weights: tuple[float, ...]
    sayer: Sayer
    says: str = ""
    """What the answer says of its text model."""
    asked: AskedText | None = None
    asked_weight: float = 0.0
    said: tuple[bytes | None, ...] = ()
    """Reasons that were put into words beforehand, as JSON, in the order of the peers."""

    def coverage(self, peer: Peer) -> float:
        """Return the part of the weights, in [0, 1], that rests on something known for a peer."""
        known = [w for w, s in zip(self.weights, peer.steps, strict=True) if s != UNKNOWN]
        if peer.asked is not None and not math.isnan(peer.asked[0]):
            known.append(self.asked_weight)
        return math.fsum(known)

    def lines(self, peer: Peer) -> tuple[Evidence, ...]:
        """Return the lines of a peer's account without words: quick, for sorting and sums."""
        found = [
            Evidence(name, likeness_of(step), standing, weight, "")
            for name, step, standing, weight in zip(
                self.facets, peer.steps, peer.standing, self.weights, strict=True
            )
        ]
        if peer.asked is not None:
            found.append(Evidence(ASKED, *peer.asked, self.asked_weight, ""))
        return tuple(found)

    def worded(self, peer: Peer, line: Evidence) -> Evidence:
        """Return a line with its sentence and facts."""
        if line.facet == ASKED and self.asked is not None:
            says, facts = self.asked.says(peer.city)
        else:
            says, facts = self.sayer.says(line.facet, peer.city)
        return replace(line, says=says, facts=facts)

    def account(self, peer: Peer) -> Account:
        """Return the whole account of a peer, every line in words."""
        return Account(tuple(self.worded(peer, line) for line in self.lines(peer)))

    def reasons(self, peer: Peer, most: int = 2) -> tuple[Evidence, ...]:
        """Return the strongest lines with their sentences, without the facts."""
        strongest = Account(self.lines(peer)).strongest(most)
        return tuple(
            self.worded(peer, line)
            if line.facet == ASKED
            else replace(line, says=self.sayer.sentence(line.facet, peer.city))
            for line in strongest
        )


class Sayer:
    """Says, for one city, what each facet has to tell of another; ``kept`` has sentences that were said lately."""

    def __init__(
        self,
        facets: Mapping[str, Any],
        me: int,
        index: Sequence[int] | None = None,
        kept: dict[tuple[str, int, int], str] | None = None,
    ) -> None:
        self._facets, self._me, self._index = facets, me, index
        self._kept = kept

    def says(self, facet: str, other: int) -> tuple[str, tuple[Fact, ...]]:
        """Return the sentence of a facet and its facts."""
        place = other if self._index is None else self._index[other]
        text, facts = self._facets[facet].says(self._me, place)
        return str(text), tuple(facts)

    def sentence(self, facet: str, other: int) -> str:
        """Return the sentence of a facet."""
        if self._kept is None:
            return self.says(facet, other)[0]
        key = (facet, self._me, other)
        found = self._kept.get(key)
        if found is None:
            if len(self._kept) >= KEPT_SENTENCES:
                self._kept.clear()
            found = self._kept[key] = self.says(facet, other)[0]
        return found


@dataclass(frozen=True, eq=False)
class Words:
    """What a question with new sentences is answered by: one text model for both sides, and the peers by it."""

    peers: Peers
    facet_cache: FacetCache
    offers: Offers
    says: str


class AskedText:
    """A question in words against what every city can show: likeness and standing, both (n,), and the sentence."""

    def __init__(self, cohort: Cohort, words: Words, text: str) -> None:
        sentences = [s.text for s in split_sentences(text)][:MOST_SENTENCES]
        vectors = np.asarray(words.facet_cache.text.vectors(sentences), dtype=np.float32)
        vectors = vectors[~np.isnan(vectors).any(axis=1)]
        if not len(vectors):
            raise QuestionError(
                Problem(
                    "text-not-read",
                    "The text model can read no sentence of the question.",
                    do="Ask in a few plain sentences, in English unless the service names another text model.",
                )
            )
        self._cohort, self._offers = cohort, words.offers
        self._cosine = np.round(vectors @ words.offers.vectors.T, 4)
        self.likeness = words.offers.best(self._cosine)
        self.standing = standing(self.likeness, np.ones(len(self.likeness), dtype=np.bool_))

    def says(self, city: int) -> tuple[str, tuple[Fact, ...]]:
        """Return what a city can show of what was asked, quoted and located."""
        name = self._cohort.cities[city].name
        first, last = self._offers.start[city], self._offers.end[city]
        if first == last:
            return f"What {name} can show is not known in words.", ()
        k = int(np.argmax(self._cosine[:, first:last].max(axis=0)))
        found = self._offers.passages[first + k]
        fact = Fact(
            self._cohort.cities[city].id,
            found.place.split(",")[0],
            found.text,
            kind="stated",
            source=found.source,
            place=found.place,
        )
        return f"{name} can show: “{found.text}”", (fact,)


class Offers:
    """The sentences in which cities say what they can show: vectors (s, d), and each city's range of them."""

    def __init__(self, cohort: Cohort, facet_cache: FacetCache) -> None:
        self.passages, self.vectors, _ = readable(offers_passages(cohort), facet_cache)
        owners = np.array([p.city for p in self.passages], dtype=np.intp)
        self.start = np.searchsorted(owners, np.arange(len(cohort)))
        self.end = np.searchsorted(owners, np.arange(len(cohort)), side="right")

    def best(self, cosine: NDArray[np.float32]) -> Floats:
        """Return the mean over the sentences asked (rows) of the best cosine of each city, (n,); nan if silent."""
        found = np.full(len(self.start), np.nan)
        speaking = np.flatnonzero(self.end > self.start)
        if len(speaking):
            top = np.maximum.reduceat(cosine, self.start[speaking], axis=1).astype(np.float64)
            found[speaking] = np.round(np.clip(top.mean(axis=0), 0.0, 1.0), 4)
        return found


@dataclass(frozen=True)
class Listing:
    """A page of cities: how many match, and those of the page."""

    total: int
    cities: tuple[CityCard, ...]


@dataclass(frozen=True)
class Search:
    """What cities are looked for, in which order, and which page."""

    words: str = ""
    country: str = ""
    role: Role | None = None
    lacks: str = ""
    population_at_least: int | None = None
    population_at_most: int | None = None
    order: Order = "name"
    first: int = 0
    size: int = 50


class Service:
    """A cohort, its text model and its peers, made once and asked often."""

    def __init__(self, cohort: Cohort, text: Any, programme: Programme) -> None:
        self.cohort, self.text, self.programme = cohort, text, programme
        self.facet_cache = FacetCache(_Locked(text))
        self.peers = Peers(cohort, self.facet_cache, checked_weights(PEER_WEIGHTS))
        self.cards = tuple(card(cohort, i) for i in range(len(cohort)))
        self._lock = Lock()
        self._words: Words | None = None
        self._said: dict[tuple[str, int, int], str] = {}
        self._pairs: dict[tuple[int, str], list[PairExplanation]] = {}

    @cached_property
    def says(self) -> str:
        """Return what the service says of its text model, and of its standings where they are estimates."""
        return " ".join(filter(None, [told(self.text), self.peers.says]))

    @cached_property
    def tag(self) -> str:
        """Return what decides every answer about cities: equal tags and questions have equal answers."""
        parts = (
            __version__,
            self.cohort.fingerprint,
            repr(sorted(dict(self.text.fingerprint).items())),
            self.programme.model_dump_json(),
        )
        return hashlib.sha256("\0".join(parts).encode()).hexdigest()[:20]

    # --- cities ------------------------------------------------------------------------------------------

    @cached_property
    def _hay(self) -> list[str]:
        """Every city as one searchable text: names, country, id; with and without accents."""
        found = []
        for city, c in zip(self.cohort.cities, self.cards, strict=True):
            text = " ".join([city.name, city.local_name or "", c.country_name, city.id]).casefold()
            found.append(f"{text} {anyascii(text)}")
        return found

    @cached_property
    def population(self) -> Floats:
        """Return residents, shape (n,); nan where not known."""
        return np.array([np.nan if c.population is None else c.population for c in self.cards])

    @cached_property
    def mission(self) -> Bools:
        """Return which cities are Mission Cities, shape (n,)."""
        return np.array([c.has(Role.MISSION) for c in self.cohort.cities], dtype=np.bool_)

    def list_cities(self, search: Search) -> Listing:
        """Return the cities that match every word and filter, a page of them in the order asked for."""
        words = search.words.casefold().split()
        found = [
            i
            for i, city in enumerate(self.cohort.cities)
            if all(word in self._hay[i] for word in words)
            and search.country in {"", city.country}
            and (search.role is None or city.has(search.role))
            and (not search.lacks or not getattr(city, search.lacks))
            and _within(
                self.cards[i].population, search.population_at_least, search.population_at_most
            )
        ]
        found.sort(key=lambda i: _order(self.cards[i], search.order))
        page = found[search.first : search.first + search.size]
        return Listing(len(found), tuple(self.cards[i] for i in page))

    def gaps(self, i: int) -> tuple[Gap, ...]:
        """Return what is not known of a city, and what that silences."""
        return gaps(Cohort((self.cohort.cities[i],)))

    # --- cities like mine --------------------------------------------------------------------------------

    def similar(self, city: str, question: Question) -> Answer:
        """Return the cities most like a city; raises QuestionError where the question cannot be answered."""
        i = self.cohort.find(city)
        weights = _checked(question)
        allowed = self._allowed(question.wanted, self.cohort.cities[i].country)
        vector = self.peers.vector(weights)
        sayer = Sayer(self.peers.facets, i, None, self._said)
        if not question.text and np.array_equal(vector, self.peers.usual):
            near = self.peers.tables.near[i]
            ranks = np.arange(len(near)) if allowed is None else np.flatnonzero(allowed[near])
            if len(ranks) >= question.k or len(near) == len(self.cohort) - 1:
                return self._from_near(i, ranks[: question.k], weights, sayer)
        if question.text:
            peers, kept, says = self.words.peers, None, self.words.says
            asked = AskedText(self.cohort, self.words, question.text)
            beyond, part = asked.standing, question.text_weight / 100
        else:
            peers, kept, says = self.peers, self._said, self.says
            asked, beyond, part = None, None, 0.0
        found = peers.nearest(i, vector, question.k, allowed, beyond=beyond, part=part)
        answer = self._worded(found, weights, Sayer(peers.facets, i, None, kept), asked, part)
        return replace(answer, says=says)

    def is_quick(self, question: Question) -> bool:
        """Return whether a question is answered from what is at hand, in about a millisecond."""
        return question.is_usual and self.peers.is_complete

    def similar_to(self, profile: Mapping[str, Any], question: Question) -> Answer:
        """Return the cities most like one that is not among them; raises DataError with all its problems.

        Its standings are among the pairs of the cities that are there. A profile with the id of a city that is
        there stands in its place, as "what if our profile said this".
        """
        visitor = self._profile(profile)
        weights = _checked(question)
        allowed = self._allowed(question.wanted, visitor.country)
        if allowed is None:
            allowed = np.ones(len(self.cohort), dtype=np.bool_)
        others = tuple(c for c in self.cohort.cities if c.id != visitor.id)
        together = Cohort(tuple(sorted((*others, visitor), key=lambda c: c.id)), self.cohort.units)
        me = together.index[visitor.id]
        if visitor.id in self.cohort.index:
            allowed[self.cohort.index[visitor.id]] = False
        index = [together.index[c.id] for c in self.cohort.cities]
        words = self.words
        seen = words.peers.visitor(together, me, words.facet_cache)
        vector, places = self.peers.vector(weights), np.flatnonzero(allowed)
        score = weighted(seen.standing[index], vector)
        asked, part = None, 0.0
        if question.text:
            asked = AskedText(self.cohort, words, question.text)
            part = question.text_weight / 100
            score = (1.0 - part) * score + part * asked.standing
        chosen = places[best(score[places], question.k)]
        row = np.array(index, dtype=np.intp)[chosen]
        found = Nearest(seen.steps[row], seen.standing[row], chosen)
        facets = _MadeWhenAsked(together, words.facet_cache)
        answer = self._worded(found, weights, Sayer(facets, me, index), asked, part)
        return replace(answer, says=words.says)

    def _profile(self, profile: Mapping[str, Any]) -> City:
        data = {k: v for k, v in profile.items() if k not in {"wishes", "refuses", "welcomes"}}
        told = without_contacts(Raw((Record(data, Where()),)))
        cohort, problems = check(told.cities)
        if cohort is None:
            raise DataError(problems)
        return cohort.cities[0]

    def _allowed(self, wanted: Wanted, country: str) -> Bools | None:
        """Return which cities count, shape (n,), a fresh array; None where all do."""
        if wanted.is_open:
            return None
        allowed = np.ones(len(self.cohort), dtype=np.bool_)
        if wanted.other_country:
            allowed &= self.cohort.countries != country
        if wanted.country:
            allowed &= self.cohort.countries == wanted.country
        if wanted.mission:
            allowed &= self.mission
        if wanted.population_at_least is not None:
            allowed &= self.population >= wanted.population_at_least
        if wanted.population_at_most is not None:
            allowed &= self.population <= wanted.population_at_most
        return allowed

    def _from_near(
        self, i: int, ranks: NDArray[np.intp], weights: dict[str, float], sayer: Sayer
    ) -> Answer:
        tables, columns = self.peers.tables, _columns(weights)
        steps = tables.near_steps[i][ranks][:, columns]
        found = self._answer(
            tables.near[i][ranks].tolist(), steps, tables.standing[columns, steps], weights, sayer
        )
        said = tuple(tables.reasons_of(i, rank) for rank in ranks.tolist())
        return replace(found, said=said, says=self.says)

    def _worded(
        self,
        found: Nearest,
        weights: dict[str, float],
        sayer: Sayer,
        asked: AskedText | None,
        part: float,
    ) -> Answer:
        """Return an answer of the nearest; a question in words takes ``part`` of all weights."""
        columns, cities = _columns(weights), found.cities.tolist()
        weights = {name: (1 - part) * weight for name, weight in weights.items()}
        answer = self._answer(
            cities, found.steps[:, columns], found.standing[:, columns], weights, sayer
        )
        if asked is None:
            return answer
        peers = tuple(
            replace(
                p,
                score=p.score + part * float(asked.standing[p.city]),
                asked=(float(asked.likeness[p.city]), float(asked.standing[p.city])),
            )
            for p in answer.peers
        )
        return replace(answer, peers=peers, asked=asked, asked_weight=part)

    def _answer(
        self,
        cities: list[int],
        steps: NDArray[np.int32],
        standing: Floats,
        weights: dict[str, float],
        sayer: Sayer,
    ) -> Answer:
        values = tuple(weights.values())
        peers = tuple(
            Peer(c, math.fsum(map(float.__mul__, values, s)), tuple(t), tuple(s))
            for c, t, s in zip(cities, steps.tolist(), standing.tolist(), strict=True)
        )
        return Answer(peers, tuple(weights), values, sayer)

    @property
    def words(self) -> Words:
        """Return what reads sentences that nobody has written before; opened at the first question with some."""
        with self._lock:
            if self._words is None:
                self._words = self._open_words()
            return self._words

    def _open_words(self) -> Words:
        if not isinstance(self.text.backend, BundledOnly):
            return Words(
                self.peers, self.facet_cache, Offers(self.cohort, self.facet_cache), self.says
            )
        text = open_text_model("auto", [*all_sentences(self.cohort), UNHEARD])
        facet_cache, peers = FacetCache(_Locked(text)), self.peers
        if text.fingerprint["weights_sha256"] != self.text.fingerprint["weights_sha256"]:
            peers = Peers(self.cohort, facet_cache, checked_weights(PEER_WEIGHTS))
            peers.prepare()
        return Words(peers, facet_cache, Offers(self.cohort, facet_cache), told(text))

    # --- pairs -------------------------------------------------------------------------------------------

    def pair(self, one: str, other: str) -> list[PairExplanation]:
        """Return the accounts of a pair: as peers, and as guest and host both ways; of a host unit as host alone."""
        i, beside = found_pair(self.cohort, one, other)
        with self._lock:
            if (i, beside.id) in self._pairs:
                return self._pairs[i, beside.id]
        found = [self._as_peers(i, beside.cities[0])] if len(beside.cities) == 1 else []
        if self.learning is not None:
            found += both_ways(self.learning, self.cohort, i, beside)
        found = with_pictures(self.cohort, (i, beside.cities[0]), found)
        with self._lock:
            if len(self._pairs) > 200:
                self._pairs.clear()
            self._pairs[i, beside.id] = found
        return found

    @cached_property
    def learning(self) -> Learning | None:
        """Return how guests and hosts are scored, or None where the programme has no twinning."""
        twinning = self.programme.twinning
        return Learning(self.cohort, twinning, self.facet_cache) if twinning is not None else None

    def _as_peers(self, i: int, j: int) -> PairExplanation:
        pair: Beside = self.peers.beside(i, np.array([j], dtype=np.intp))
        weights = checked_weights(PEER_WEIGHTS)
        lines = []
        for name, weight in weights.items():
            f = PEER_FACETS.index(name)
            says, facts = self.peers.facets[name].says(i, j)
            likeness = likeness_of(int(pair.steps[0, f]))
            lines.append(Evidence(name, likeness, float(pair.standing[0, f]), weight, says, facts))
        account = Account(tuple(lines))
        return PairExplanation("peers", as_peers(self.cohort, i, j), account, PEERS)


class _Locked:
    """A text model asked by one thread at a time, which keeps the vectors of the sentences it met."""

    def __init__(self, text: Any) -> None:
        self._text, self._lock = text, Lock()
        self._known: dict[str, NDArray[np.float32]] = {}

    @property
    def says(self) -> str:
        return str(self._text.says)

    @property
    def fingerprint(self) -> Mapping[str, Any]:
        return dict(getattr(self._text, "fingerprint", {}))

    def vectors(self, texts: Sequence[str]) -> NDArray[np.float32]:
        with self._lock:
            missing = sorted({t for t in texts if t not in self._known})
            if len(self._known) + len(missing) > 400_000:
                self._known.clear()
                missing = sorted(set(texts))
            if missing:
                self._known |= dict(zip(missing, self._text.vectors(missing), strict=True))
            if not texts:
                return np.asarray(self._text.vectors([]), dtype=np.float32)
            return np.stack([self._known[t] for t in texts])


class _MadeWhenAsked(dict[str, Any]):
    """Facets by name, made for a cohort when they are first asked to say something."""

    def __init__(self, cohort: Cohort, facet_cache: FacetCache) -> None:
        super().__init__()
        self._cohort, self._facet_cache = cohort, facet_cache

    def __missing__(self, name: str) -> Any:
        self[name] = FACETS[name].make(self._cohort, self._facet_cache)
        return self[name]


def open_service(
    profiles: str | Path | None = None,
    *,
    programme: Sequence[str | Path] = (),
    model: str | None = None,
    keep_in: Path | None = None,
    progress: Progress = silent,
) -> Service:
    """Return a service ready to answer; raises DataError with every problem of the profiles."""
    settings = load(*programme)
    progress("Profiles")
    cohort = read(profiles)
    text = text_model(cohort, model or settings.text.model, settings.text.prefix, progress)
    service = Service(cohort, text, settings)
    service.peers.prepare(keep_in or cache_folder(), service.tag, progress)
    return service


def _checked(question: Question) -> dict[str, float]:
    """Return the weights of a question, summing to 1; raises QuestionError with everything wrong about it."""
    problems = []
    if not 1 <= question.k <= MOST_SIMILAR:
        problems.append(
            Problem(
                "k-wrong", f"Asked for {question.k} cities.", do=f"Ask for 1 to {MOST_SIMILAR}."
            )
        )
    if len(question.text) > LONGEST_TEXT:
        found = f"The question in words has {len(question.text)} characters."
        problems.append(Problem("text-too-long", found, do=f"Use at most {LONGEST_TEXT}."))
    if not 0 < question.text_weight < 100:
        found = f"The weight of the question in words is {question.text_weight}%."
        problems.append(Problem("weight-wrong", found, do="Give a percentage between 0 and 100."))
    for name in (*question.weights, *question.without):
        if name not in PEER_FACETS:
            problems.append(_not_for_peers(name))
    if problems:
        raise QuestionError(list(dict.fromkeys(problems)))
    if not question.weights and not question.without:
        return dict(_usual())
    weights = {**(question.weights or PEER_WEIGHTS), **dict.fromkeys(question.without, 0.0)}
    return checked_weights(weights)


@cache
def _usual() -> dict[str, float]:
    return checked_weights(PEER_WEIGHTS)


def _columns(weights: Mapping[str, float]) -> list[int]:
    return [PEER_FACETS.index(name) for name in weights]


def _not_for_peers(name: str) -> Problem:
    if name in FACETS:
        found = f"The facet {name!r} is about learning, which has a direction."
        return Problem("facet-directed", found, do=f"For peers: {', '.join(PEER_FACETS)}.")
    hint = nearest(name, {f: f for f in PEER_FACETS}) or f"Known: {', '.join(PEER_FACETS)}."
    return Problem("facet-unknown", f"There is no facet {name!r}.", do=hint)


def _within(value: int | None, least: int | None, most: int | None) -> bool:
    if least is None and most is None:
        return True
    return value is not None and (least or 0) <= value and (most is None or value <= most)


def _order(city: CityCard, by: Order) -> tuple[float, str, str]:
    first = {"name": 0.0, "known": -city.known, "population": -float(city.population or 0)}[by]
    return first, anyascii(city.name).casefold(), city.id


__all__ = [
    "KEPT",
    "Answer",
    "Listing",
    "Peer",
    "Question",
    "Search",
    "Service",
    "Wanted",
    "open_service",
]
