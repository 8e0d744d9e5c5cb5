"""A cohort held in memory for fronts that answer many questions, with the answers of the other doors.

Every object here is safe to ask from several threads.
"""

from __future__ import annotations

import hashlib
from bisect import bisect_right
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field, replace
from functools import cached_property
from operator import itemgetter
from pathlib import Path
from threading import Lock
from typing import Any, Final, Literal

import numpy as np
from anyascii import anyascii

from twinmatch import __version__
from twinmatch.affinity import checked_weights, compare
from twinmatch.app.neighbours import (
    ASKED,
    PEER_FACETS,
    PEER_WEIGHTS,
    AskedText,
    Bools,
    Floats,
    Ints,
    Neighbour,
    Progress,
    nearest,
    neighbours,
    says,
    silent,
    text_model,
    too_little_known,
)
from twinmatch.app.pairs import Learning, PairExplanation, pair_explanations, with_pictures
from twinmatch.cohort import Cohort, Host
from twinmatch.cohort import nearest as nearest_name
from twinmatch.embedding.backends import ENGLISH, BundledOnly
from twinmatch.embedding.choice import (
    LANGUAGES,
    TextModel,
    foreign_language,
    is_there,
    open_text_model,
)
from twinmatch.errors import Problem, QuestionError, Where
from twinmatch.facets import FACETS, OWN, FacetCache
from twinmatch.facets.text import all_sentences
from twinmatch.programmes.city_cards import card, gaps
from twinmatch.programmes.programme import Programme, load
from twinmatch.proposal import CityCard, Gap
from twinmatch.reading import completed, read, without_contacts
from twinmatch.reading.grid import Raw
from twinmatch.schema import City, Role
from twinmatch.standings import best, in_parts
from twinmatch.validate import NAMING, Record, validate
from twinmatch.wording import joined, say

Order = Literal["name", "known", "population"]

MOST_SIMILAR: Final = 100
"""Cities named in one answer, at most; so many nearest by the usual weights are found for each city."""

LONGEST_TEXT: Final = 5_000
"""Characters of a question in words."""

TEXT_WEIGHT: Final = 50.0
"""Part of all weights, in percent, that a question in words takes where nothing else is said."""

UNHEARD: Final = "A sentence that nobody has written before."


@dataclass(frozen=True)
class Wanted:
    """Which cities count at all: everything left out or false does not narrow."""

    other_country: bool = False
    mission: bool = False
    country: str = ""
    population_at_least: int | None = None
    population_at_most: int | None = None


@dataclass(frozen=True)
class Question:
    """What "cities like mine" is asked with; weights and facets left out are by name."""

    k: int = 10
    weights: Mapping[str, float] = field(default_factory=dict)
    without: tuple[str, ...] = ()
    wanted: Wanted = Wanted()
    text: str = ""
    text_weight: float = TEXT_WEIGHT
    worded: bool = False
    """Whether whole accounts are put into words, not the reasons alone."""

    @property
    def is_usual(self) -> bool:
        """Return whether it is asked with the usual weights and nothing in words."""
        return not self.weights and not self.without and not self.text


@dataclass(frozen=True)
class Answer:
    """Cities like one, by id, best first, each facet's part of all weights, what is said of the text model, what to know first."""

    city: str
    similar: tuple[Neighbour, ...]
    weights: Mapping[str, float]
    says: str
    note: str


@dataclass(frozen=True)
class Listing:
    """A page of cities: how many match, how many come before, those of the page, and after which key more follow."""

    total: int
    first: int
    cities: tuple[CityCard, ...]
    after: tuple[Any, ...] | None


@dataclass(frozen=True)
class Search:
    """What cities are looked for, in which order, and which page: from a number on, or after a key of this order."""

    words: str = ""
    country: str = ""
    role: Role | None = None
    lacks: str = ""
    population_at_least: int | None = None
    population_at_most: int | None = None
    order: Order = "name"
    first: int = 0
    size: int = 50
    after: tuple[Any, ...] | None = None


class Service:
    """A cohort, its text model and its peers, made once and asked often."""

    def __init__(self, cohort: Cohort, text: TextModel, programme: Programme) -> None:
        self.cohort, self.text, self.programme = cohort, text, programme
        self.facet_cache = FacetCache(text)
        self.peers = compare(cohort, dict.fromkeys(self._facets(), 1.0), self.facet_cache)
        self.usual = self.peers.weighted(PEER_WEIGHTS)
        self.says = says(text, self.usual)
        self.cards = {city.id: card(cohort, i) for i, city in enumerate(cohort.cities)}
        self._near: Ints = np.zeros((len(cohort), 0), dtype=np.intp)
        self._readers: dict[str, Service] = {}
        self._one_at_a_time = Lock()

    def _facets(self) -> list[str]:
        """Return the facets for peers: ours, and those of installed packages that can be used."""
        found = []
        for name in PEER_FACETS:
            with suppress(QuestionError):
                if name not in OWN:
                    compare(self.cohort, {name: 1.0}, self.facet_cache, rows=[0])
                found.append(name)
        return found

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
        for city, c in zip(self.cohort.cities, self.cards.values(), strict=True):
            text = " ".join([city.name, city.local_name or "", c.country_name, city.id]).casefold()
            found.append(f"{text} {anyascii(text)}")
        return found

    @cached_property
    def population(self) -> Floats:
        """Return residents, shape (n,); nan where not known."""
        known = (c.population for c in self.cards.values())
        return np.array([np.nan if p is None else p for p in known])

    @cached_property
    def mission(self) -> Bools:
        """Return which cities are Mission Cities, shape (n,)."""
        return np.array([c.has(Role.MISSION) for c in self.cohort.cities], dtype=np.bool_)

    def list_cities(self, search: Search) -> Listing:
        """Return the cities that match every word and filter, a page of them in the order asked for."""
        words = search.words.casefold().split()
        within = self._within(search.population_at_least, search.population_at_most)
        cards = list(self.cards.values())
        found = sorted(
            (_order(cards[i], search.order), i)
            for i, city in enumerate(self.cohort.cities)
            if all(word in self._hay[i] for word in words)
            and search.country in {"", city.country}
            and (search.role is None or city.has(search.role))
            and (not search.lacks or not getattr(city, search.lacks))
            and within[i]
        )
        first = search.first
        if search.after is not None:
            first = bisect_right(found, search.after, key=itemgetter(0))
        page = found[first : first + search.size]
        more = page[-1][0] if page and first + search.size < len(found) else None
        return Listing(len(found), first, tuple(cards[i] for _, i in page), more)

    def _within(self, least: int | None, most: int | None) -> Bools:
        """Return which cities have a known population between the two, (n,); all where neither is given."""
        within = np.ones(len(self.cohort), dtype=np.bool_)
        if least is not None:
            within &= self.population >= least
        if most is not None:
            within &= self.population <= most
        return within

    def gaps(self, i: int) -> tuple[Gap, ...]:
        """Return what is not known of a city, and what that silences."""
        return gaps(Cohort((self.cohort.cities[i],)))

    # --- cities like mine --------------------------------------------------------------------------------

    def similar(self, city: str, question: Question) -> Answer:
        """Return the cities most like a city; raises QuestionError where the question cannot be answered."""
        i, weights = self.cohort.find(city), _checked(question, tuple(self.peers.weights))
        if question.text:
            return self._asked(self.cohort, i, weights, question)
        affinity = self.usual if question.is_usual else self.peers.weighted(weights)
        allowed = self._allowed(question.wanted, self.cohort.cities[i].country)
        columns = self._found(i, allowed)[: question.k]
        if not question.is_usual or len(columns) < question.k:
            columns = nearest(affinity, i, question.k, allowed)
        found = neighbours(affinity, i, columns, worded=question.worded)
        note = too_little_known(self.cohort.cities[i], found)
        return Answer(self.cohort.cities[i].id, tuple(found), affinity.weights, self.says, note)

    def similar_to(self, profile: Mapping[str, Any], question: Question) -> Answer:
        """Return the cities most like one that is not among them; raises DataError with all its problems.

        Its standings are among the pairs of the cities that are there. A profile with the id of a city that is
        there is taken in its place, as "what if our profile said this".
        """
        visitor, weights = _profile(profile), _checked(question, tuple(self.peers.weights))
        others = (c for c in self.cohort.cities if c.id != visitor.id)
        together = tuple(sorted((*others, visitor), key=lambda c: c.id))
        cohort = Cohort(together, self.cohort.units)
        return self._asked(cohort, cohort.index[visitor.id], weights, question)

    def _asked(
        self, cohort: Cohort, me: int, weights: dict[str, float], question: Question
    ) -> Answer:
        """Return the answer for a city of this cohort, or of one with a visitor: a row of its own among these pairs."""
        with self._one_at_a_time:
            reader = self._able_to_read(
                [*all_sentences(Cohort((cohort.cities[me],))), question.text]
            )
            own = dict[str, AskedText]()
            if question.text:
                own[ASKED] = AskedText(self.cohort, reader.facet_cache, question.text)
                part = question.text_weight / 100
                weights = {ASKED: part, **{f: (1 - part) * w for f, w in weights.items()}}
            is_here = cohort is self.cohort
            cache = reader.facet_cache if is_here else FacetCache(reader.text)
            hosts = [Host(c.id, c.name, (cohort.index[c.id],)) for c in self.cohort.cities]
            row = compare(cohort, weights, cache, rows=[me], columns=hosts, own=own)
        tables = reader.peers.tables
        among = {
            f: own[f].standings(row.compared[f].count()) if f in own else tables[f] for f in weights
        }
        row = replace(row, among=among, peers=True)
        allowed = self._allowed(question.wanted, cohort.cities[me].country)
        columns = nearest(row, 0, question.k, allowed)
        found = neighbours(row, 0, columns, worded=question.worded)
        note = too_little_known(cohort.cities[me], found)
        if own and np.isnan(own[ASKED].likeness([0])).all():
            nobody = say(
                "No city is found that shows what was asked; plain words in English are read most surely."
            )
            note = joined(filter(None, [nobody, note]))
        return Answer(cohort.cities[me].id, tuple(found), row.weights, reader.says, note)

    def warm(self) -> None:
        """Answer a question in words, so that the first one of a client need not wait for the text model."""
        with suppress(QuestionError):  # a model that reads no English
            self.similar(self.cohort.cities[0].id, Question(1, text=UNHEARD))
            self._able_to_read([UNHEARD]).text.backend.encode([UNHEARD])  # not looked up

    def _able_to_read(self, texts: Sequence[str]) -> Service:
        """Return what reads sentences that nobody has written before: this, or one by another text model.

        It is the model of many languages, for both sides, where one of them is foreign and the model is installed.
        """
        if not isinstance(self.text.backend, BundledOnly) or not any(texts):
            return self
        foreign = is_there() and any(foreign_language(t, ENGLISH) in LANGUAGES for t in texts)
        name = "multilingual" if foreign else "auto"
        if name not in self._readers:
            text = open_text_model(name, [*all_sentences(self.cohort), UNHEARD])
            why = say("; what was sent is not in English") if foreign else ""
            text.says = say(
                "Texts are compared by {model}{why}.", model=text.backend.describes, why=why
            )
            self._readers[name] = Service(self.cohort, text, self.programme)
        return self._readers[name]

    def _allowed(self, wanted: Wanted, country: str) -> Bools:
        """Return which cities count, shape (n,), a fresh array."""
        allowed = self._within(wanted.population_at_least, wanted.population_at_most)
        if wanted.other_country:
            allowed &= self.cohort.countries != country
        if wanted.country:
            allowed &= self.cohort.countries == wanted.country
        if wanted.mission:
            allowed &= self.mission
        return allowed

    def _found(self, i: int, allowed: Bools) -> Ints:
        """Return the nearest allowed cities by the usual weights, as far as they were found beforehand."""
        near = self._near[i]
        return np.asarray(near[allowed[near]])

    def find_nearest(self) -> None:
        """Find the nearest of every city by the usual weights, so that they are looked up from then on."""
        n = len(self.cohort)
        m, everyone = min(MOST_SIMILAR, n - 1), np.arange(n)
        near = np.zeros((n, m), dtype=np.intp)
        for rows in in_parts(n, n):
            score = self.usual.scores(rows, everyone)
            score[np.arange(len(rows)), rows] = -np.inf
            near[rows] = [
                best(s, m, self.usual.ties(r)) for r, s in zip(rows.tolist(), score, strict=True)
            ]
        self._near = near
        # Which sentences may be printed is found out once, at the first reason that quotes one.
        for city in [c.id for c in self.cohort.cities if c.needs][:1]:
            self.similar(city, Question())

    # --- pairs -------------------------------------------------------------------------------------------

    def pair(self, one: str, other: str) -> list[PairExplanation]:
        """Return the accounts of a pair: as peers, and as guest and host both ways; of a host unit as host alone."""
        return with_pictures(self.cohort, *pair_explanations(one, other, self.usual, self.learning))

    @cached_property
    def learning(self) -> Learning | None:
        """Return how guests and hosts are scored, or None where the programme has no twinning."""
        twinning = self.programme.twinning
        return Learning(self.cohort, twinning, self.facet_cache) if twinning is not None else None


def open_service(
    profiles: str | Path | Cohort | None = None,
    *,
    programme: Sequence[str | Path] = (),
    model: str | None = None,
    progress: Progress = silent,
) -> Service:
    """Return a service ready to answer; raises DataError with every problem of the profiles."""
    settings = load(*programme)
    progress(say("Profiles"))
    cohort = profiles if isinstance(profiles, Cohort) else read(profiles)
    text = text_model(cohort, model or settings.text.model, settings.text.prefix, progress)
    progress(f"Standings of {len(cohort)} cities")
    return Service(cohort, text, settings)


def _profile(profile: Mapping[str, Any]) -> City:
    """Return a posted profile as a city, without contacts and what names others."""
    left_out = {*NAMING, "wishes_unordered"}
    data = completed({k: v for k, v in profile.items() if k not in left_out})
    return validate(without_contacts(Raw((Record(data, Where()),))).cities).cities[0]


def _checked(question: Question, known: Sequence[str]) -> dict[str, float]:
    """Return the weights of a question, summing to 1; raises QuestionError with everything wrong about it."""
    problems = []
    if not 1 <= question.k <= MOST_SIMILAR:
        problems.append(
            Problem(
                "k-wrong",
                say("Asked for {k} cities.", k=question.k),
                do=say("Ask for 1 to {MOST_SIMILAR}.", MOST_SIMILAR=MOST_SIMILAR),
            )
        )
    if len(question.text) > LONGEST_TEXT:
        found = say("The question in words has {n} characters.", n=len(question.text))
        problems.append(
            Problem(
                "text-too-long",
                found,
                do=say("Use at most {LONGEST_TEXT}.", LONGEST_TEXT=LONGEST_TEXT),
            )
        )
    if not 0 < question.text_weight < 100:
        found = say(
            "The weight of the question in words is {text_weight}%.",
            text_weight=question.text_weight,
        )
        problems.append(
            Problem("weight-wrong", found, do=say("Give a percentage between 0 and 100."))
        )
    for name in (*question.weights, *question.without):
        if name not in known:
            problems.append(_not_for_peers(name, known))
    if problems:
        raise QuestionError(list(dict.fromkeys(problems)))
    weights = {**(question.weights or PEER_WEIGHTS), **dict.fromkeys(question.without, 0.0)}
    return checked_weights(weights)


def _not_for_peers(name: str, known: Sequence[str]) -> Problem:
    if name in FACETS and FACETS[name].directed:
        found = say("The facet {name} is about learning, which has a direction.", name=repr(name))
        return Problem(
            "facet-directed", found, do=say("For peers: {names}.", names=", ".join(known))
        )
    hint = nearest_name(name, {f: f for f in known}) or say(
        "Known: {names}.", names=", ".join(known)
    )
    return Problem("facet-unknown", say("There is no facet {name}.", name=repr(name)), do=hint)


def _order(city: CityCard, by: Order) -> tuple[float, str, str]:
    first = {"name": 0.0, "known": -city.known, "population": -float(city.population or 0)}[by]
    return first, anyascii(city.name).casefold(), city.id
