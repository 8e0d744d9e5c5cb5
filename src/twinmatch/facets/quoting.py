"""Which sentences may be printed as reasons, how likely two are on the same matter, and in what words they are said.

Two sentences are on the same matter with the likelihood that a logistic regression gives, learned from pairs judged by
reading (``benchmarks/judgements``, ``python benchmarks/evidence.py fit``): from the topics that both have, and from the
words that both use. Sentences, topics and words of both sides have to agree, so a pair of one wide field is not quoted.

Notation: a sentences of one side, b of the other; T topics; V word stems.
"""

from __future__ import annotations

import math
import re
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from itertools import compress
from typing import Final, Literal

import numpy as np
from numpy.typing import NDArray

from twinmatch.cohort import Cohort
from twinmatch.embedding import sentences
from twinmatch.embedding.choice import foreign_language
from twinmatch.facets.base import FacetCache, Floats
from twinmatch.files import data_beside
from twinmatch.proposal import Fact
from twinmatch.proposal.evidence import (
    LONGEST,
    OFFERS,
    faults,
    is_own_words,
    is_sentence,
    printed,
    shortened,
)
from twinmatch.schema import City
from twinmatch.vocabulary.taxonomy import plain
from twinmatch.vocabulary.topics import Topic
from twinmatch.wording import Said, listed, own_words, say, say_n, titled, with_parts

Role = Literal["shows", "asks"]

PILOT: Final = say("summary of the pilot activity")
"""The text of a city that says what a pilot activity is about."""

FEWEST: Final = 1000
"""Sentences of which a cohort is taken to have at least so many: among a few, every shared word would be common."""

SURE: Final = 0.6
"""Probability from which a single sentence stands for a topic."""

LIKELY: Final = 0.4
"""Probability from which it stands for one that its words name, where no other is likelier."""

CERTAIN: Final = 0.8
"""Probability from which a topic is told as what a city says: 95 of 100 are, out of fold; of less it is told how it was read."""

SHORT: Final = 120
"""Characters from which a sentence is less welcome, the longer it is."""

TELLING: Final = 6
LEAST_TOLD: Final = 3
"""What a sentence tells (``WordWeights.told``): below the first it is less welcome, below the second not shown at all."""

VAGUENESS: Final = 0.5
LEAST_WORTH: Final = 1.5
"""What a sentence that tells nothing, or of what is only tried out, is worth less; and the least worth that is shown."""

MOST_NAMED: Final = 6
FIRST_NAMED: Final = 4
"""Cities that ask alike and are all named, and how many of more than these."""

SAME_MATTER: Final = (-2.14, 1.3, 7.57)
"""The regression of "on the same matter": its intercept, and what shared topics and shared words add."""

_WORD: Final = re.compile(r"[^\W\d_]{3,}")
_CUT: Final = re.compile(r"\w\.\w\.$")  # words that end in an abbreviation were cut there
_FIGURE: Final = re.compile(r"(?<!\w)(?!(?:19|20)\d\d\b)\d")  # a year alone is none
_TRIED: Final = re.compile(
    r"\b(?:pilots?|test(?:s|ed|ing)?|tr(?:y|ies|ied) out|stud(?:y|ied)|feasibility|being \w+ed|made ready|(?:is|are) "
    r"(?:planned|prepared|growing|tried)|(?:under|on its|on the) way|in preparation|memoranda|is the aim)\b",
    re.I,
)
_PEOPLE: Final = r"(?:associations|residents|owners|households|(?:\w+ )?(?:companies|communities))"
_GIVES: Final = re.compile(
    rf"\b(?:we|they) g[ai]ve\b|\b{_PEOPLE} (?:get|got)\b|\bgrants? (?:to|for) {_PEOPLE}", re.I
)
_COSTS: Final = re.compile(
    r"\b(?:costs?|costly|expensive|afford|financ\w+|loans?|to fund|(?:lacks?|no|too little|without) (?:money|funds|funding))\b",
    re.I,
)
_MONEY: Final = re.compile(
    r"€|\b(?:costs?|[mb]illion|euros?|funds?|funding|financ\w+|invest\w+|loans?|bonds?|budgets?|money|grants?|pays?|paid"
    r"|subsid\w+|savings|capital)\b",
    re.I,
)
_ENDING: Final = re.compile(r"(ations?|ings?|ions?|ies|ers?|ed|es|s|e|y)$")


@dataclass(frozen=True)
class Passage:
    """A sentence of a city: the text, in which of its texts it stands, from which character to which, and the source."""

    city: int
    text: str
    what: str
    start: int
    end: int
    source: str

    @property
    def place(self) -> str:
        """Return where it stands, such as "needs, characters 120-188"."""
        return f"{self.what}, characters {self.start}-{self.end}"


def classifier_for(facet_cache: FacetCache) -> sentences.Classifier | None:
    """Return the bundled classifier for the text model of a run, None where there is none."""
    made_by = getattr(facet_cache.text, "fingerprint", {})
    return sentences.bundled_classifier(made_by.get("weights_sha256", ""))


@lru_cache(maxsize=65_536)
def _may_be_printed(text: str, source: str, role: Role, kind: str, shows: bool | None) -> bool:
    """Return whether a text passes every rule that needs no other one, and can be printed whole; words always may."""
    if not is_sentence(text):
        return bool(printed(text, source)) and not _CUT.search(text)
    wrong = faults(text, role, kind, shows) or foreign_language(text, ("en",))
    return not wrong and bool(printed(text, source))


def printable(
    passages: Sequence[Passage], role: Role, reading: sentences.Reading | None = None
) -> NDArray[np.bool_]:
    """Return which sentences may be printed as a reason, shape (n,); ``reading`` is what a classifier reads in them."""
    if reading is None:
        return np.array([_may_be_printed(p.text, p.source, role, "", None) for p in passages], bool)
    # What stands among a city's offers shows something unless something else is surely read in it, and what stands
    # among its needs is one unless it surely shows something; a summary of a pilot activity has both.
    stated = np.array([role == "shows" and p.what != PILOT for p in passages], bool)
    least = np.where(stated, 0.25, 0.5 if role == "shows" else 0.9)
    other = stated[:, None] & (reading.kinds.max(axis=1, keepdims=True) < SURE)
    weighed = np.where(other & ~np.isin(sentences.KINDS, [*OFFERS]), 0.0, reading.kinds)
    kinds = [sentences.KINDS[k] for k in weighed.argmax(axis=1).tolist()]
    each = zip(passages, kinds, (reading.shows >= least).tolist(), strict=True)
    return np.array([_may_be_printed(p.text, p.source, role, *read) for p, *read in each], bool)


def passages_of(i: int, name: str, text: str | None, source: str) -> list[Passage]:
    """Return the sentences of a text of a city."""
    return [Passage(i, s.text, name, s.start, s.end, source) for s in _sentences(text or "")]


@lru_cache(maxsize=65_536)
def _sentences(text: str) -> tuple[sentences.Sentence, ...]:
    """Return the sentences of a text, which several facets and figures of a run ask for."""
    return tuple(sentences.split_sentences(text))


def readable(
    passages: Sequence[Passage], facet_cache: FacetCache
) -> tuple[list[Passage], NDArray[np.float32], list[Passage]]:
    """Return the sentences that the text model can read, their vectors (s, d), and the sentences that it cannot."""
    vectors = np.asarray(facet_cache.text.vectors([p.text for p in passages]), dtype=np.float32)
    known = np.asarray(~np.isnan(vectors).any(axis=1))
    return [*compress(passages, known)], vectors[known], [*compress(passages, ~known)]


@lru_cache(maxsize=65_536)
def stems(text: str) -> tuple[str, ...]:
    """Return the stems of the words of a text: lower case, common English endings taken off longer words."""
    return tuple(_stem(word) for word in _WORD.findall(text.lower()))


@lru_cache(maxsize=65_536)
def _stem(word: str) -> str:
    return _ENDING.sub("", word) if len(word) > 4 else word


@lru_cache(maxsize=65_536)
def telling(text: str) -> frozenset[str]:
    """Return the stems of a text that say what it is about."""
    return frozenset(stems(text)) - COMMON


@lru_cache(maxsize=65_536)
def _named(city: str) -> frozenset[str]:
    """Return the stems of the words of a city's name."""
    return frozenset(_stem(plain(word)) for word in _WORD.findall(city))


_plain = lru_cache(maxsize=65_536)(plain)


def named_in(text: str, city: str) -> frozenset[str]:
    """Return the stems of a city's name that stand in a text, perhaps within a word."""
    whole = _plain(text)
    return frozenset(stem for stem in _named(city) if stem in whole)


class WordWeights:
    """How much a shared word says: the logarithm of how rare it is among the sentences of a cohort."""

    def __init__(self, texts: Iterable[str]) -> None:
        each = set(texts)
        self._count = Counter(w for text in each for w in telling(text))
        self._size = max(len(each), FEWEST)
        self._kept: dict[str, dict[str, float]] = {}
        self._told: dict[tuple[str, frozenset[str]], float] = {}

    def likeness(self, one: Sequence[str], other: Sequence[str]) -> Floats:
        """Return the cosine of the weighted words of sentences, shape (a, b), 0 where they share none."""
        theirs = [self._weights(text) for text in other]
        found = [
            [sum([x * b[w] for w, x in mine.items() if w in b]) for b in theirs]
            for mine in map(self._weights, one)
        ]
        return np.array(found, dtype=np.float64).reshape(len(one), len(other))

    def told(self, text: str, city: str = "") -> float:
        """Return how much a text tells: 1 for a word that none other has, less for common ones, 2 for a figure, 1 a name.

        Two names count at most, and that of the city that says it for nothing; 3 is little.
        """
        own = named_in(text, city)
        if (text, own) not in self._told:
            self._told[text, own] = self._tells(text, own)
        return self._told[text, own]

    def _tells(self, text: str, own: frozenset[str]) -> float:
        """Return how much a text tells; kept, as many cities may say it."""
        words = _WORD.findall(text.partition(" ")[2])
        names = {w for w in words if w[0].isupper() and _stem(w.lower()) not in COMMON}
        names = {w for w in names if _stem(plain(w)) not in own}
        said = [w for w in sorted(telling(text)) if plain(w) not in own]
        rare = sum(map(self._rarity, said)) / math.log(self._size + 1)
        return rare + 2 * bool(_FIGURE.search(text)) + min(len(names), 2)

    def _rarity(self, word: str) -> float:
        return math.log((self._size + 1) / (self._count[word] + 0.5))

    def _weights(self, text: str) -> dict[str, float]:
        """Return the weights of a sentence's telling words, of length 1 together; kept, as many pairs ask for them."""
        if text not in self._kept:
            words = sorted(telling(text))
            weights = np.sqrt(np.maximum([*map(self._rarity, words)], 0.0))
            length = float(np.linalg.norm(weights)) or 1.0
            self._kept[text] = dict(zip(words, (weights / length).tolist(), strict=True))
        return self._kept[text]


def same_matter(words: Floats, one: Floats | None, other: Floats | None) -> Floats:
    """Return how likely sentences are on the same matter, in [0, 1], shape (a, b).

    words (a, b) is the likeness of their words; one (a, T) and other (b, T) the probabilities of their topics: sentences
    that share none are on none. None where nobody reads topics: words alone have to do then.
    """
    topics = np.zeros_like(words)
    if one is not None and other is not None:
        topics = np.minimum(one[:, None, :], other[None, :, :]).sum(axis=2)
        topics[topics == 0] = -np.inf
    start, by_topic, by_word = SAME_MATTER
    return np.asarray(np.round(1 / (1 + np.exp(-(start + by_topic * topics + by_word * words))), 4))


@lru_cache(maxsize=65_536)
def names_topic(text: str, topic: Topic) -> float:
    """Return how early a text names a topic in one of its words, 1 at its beginning to 0 at its end; -1 where it does not."""
    own = _words_of(topic)
    found = next((w.start() for w in _WORD.finditer(text.lower()) if _stem(w[0]) in own), None)
    return -1.0 if found is None else 1.0 - found / len(text)


def named_topics(topics: Floats, passages: Mapping[int, Passage]) -> Floats:
    """Return the probabilities of topics (s, T), 0 where a city's own words are only likely to be on one and name it not.

    Nobody has read such words before ("reuse of concrete" is near to renovating homes); those in another language than English
    are taken to name it. ``passages`` has for each row one that says it.
    """
    found = topics.copy()
    for row, column in np.argwhere((topics > 0) & (topics < SURE)).tolist():
        if is_own_words(passages[row].source) and not may_name(passages[row], column):
            found[row, column] = 0.0
    return found


def may_name(passage: Passage, column: int) -> bool:
    """Return whether a text names the topic of a column in one of its words, or may, being in another language than English."""
    named = names_topic(passage.text, sentences.TOPICS[column]) >= 0
    return named or in_language(passage) != "en"


def told_topics(topics: Floats, passages: Sequence[Passage]) -> Floats:
    """Return the probabilities of topics (s, T) that may be told of a sentence, 0 elsewhere.

    Sure ones, and the likeliest one where it is likely and the sentence names it: 90 of 100 are right, out of fold
    (``tools/build_classifier.py evaluate``).
    """
    likeliest = (topics >= LIKELY) & (topics == topics.max(axis=1, keepdims=True))
    found = np.where((topics >= SURE) | likeliest, topics, 0.0)
    for row, column in np.argwhere((found > 0) & (found < SURE)).tolist():
        if not may_name(passages[row], column):
            found[row, column] = 0.0
    return found


@lru_cache(maxsize=len(sentences.TOPICS))
def _words_of(topic: Topic) -> frozenset[str]:
    """Return the stems of the words by which a topic and its examples are known."""
    return frozenset(stems(f"{topic.wording} {topic.examples}")) - VAGUE


def worth(
    passage: Passage,
    topic: Topic,
    sure: float,
    most: float,
    role: Role,
    words: WordWeights,
    city: str = "",
) -> float:
    """Return how well a text serves as evidence on a topic, up to 2.5, 0 where it does not.

    ``sure`` is the probability of the topic, ``most`` that of the surest one; ``city`` is the name of the one that says it.
    """
    said = shortened(passage.text)
    named = names_topic(said, topic) if in_language(passage) == "en" else 0.0
    # A long sentence, or one that is mainly on something else, has to begin with the topic.
    least = 0.5 if len(said) > SHORT else 0.25 * (len(said) > SHORT / 2)
    least = 0.7 if sure < most - 1e-9 else least
    if named < least and (named or sure < SURE):
        return 0.0
    whole, told = is_sentence(passage.text), words.told(said, city)
    long, vague = max(len(said) - SHORT, 0) / LONGEST, VAGUENESS * max(1 - told / TELLING, 0)
    found = round(sure + whole + named / 2 - long - vague, 6)
    if not whole or role == "asks":
        return found
    # Grants that a city gives are no answer to one that seeks money itself.
    gives = topic == "public_grants_funding" and _GIVES.search(said)
    found -= VAGUENESS * bool(passage.what == PILOT or _TRIED.search(said))
    return 0.0 if found < LEAST_WORTH or told < LEAST_TOLD or gives else found


def in_language(passage: Passage) -> str:
    """Return the language of a sentence, English where it is not surely another."""
    return foreign_language(passage.text, ("en",)) or "en"


def shows(name: str, passage: Passage, topic: Topic | None = None) -> str:
    """Return what a city can show as a sentence of its own, its topic first where one is known."""
    says = "{on}{name} names among what it can show: {said}."
    if is_sentence(passage.text):
        is_pilot = passage.what == PILOT
        says = "{on}{name} can show: {said}"
        if is_pilot:
            says = "{on}{name} has a pilot activity: {said}"
    return _quoted(says, name, passage, topic)


def asks(name: str, passage: Passage, topic: Topic | None = None) -> str:
    """Return what a city asks for as a sentence of its own, its topic first where one is known.

    "Our heat network ..." becomes that of the city, "We want ..." what it says.
    """
    says = "{on}{name} says: {said}"
    if not is_sentence(passage.text):
        says = "{on}{name} names among what it needs: {said}."
    elif (
        passage.text.startswith("Our ") and name[-1].isalpha() and not is_own_words(passage.source)
    ):
        says = "{name}’s {said}"
    elif passage.text.startswith("We ") and not is_own_words(passage.source):
        says = "{on}{name} says that they {said}"
    return _quoted(says, name, passage, topic)


def wants(city: City, topics: Sequence[Topic], sure: Floats, said: Passage | None) -> str:
    """Return that a city wants to learn about topics: as it ticked, in its own few words, or as its own words are read.

    ``sure`` is how surely its words name each topic, (T,); ``said`` are those that name the first of these most surely.
    """
    ticked = {*(city.seeks or ())}
    is_own = bool(said and is_own_words(said.source))
    if said and is_own and not is_sentence(said.text) and not ticked.issuperset(topics):
        return asks(city.name, said)
    doubted = any(t not in ticked and sure[_COLUMN[t]] < CERTAIN for t in topics)
    says = "{guest} wants to learn about {topics}."
    if doubted and is_own:
        says = "{guest} wants to learn about {topics}, as its words are read."
    return say(says, guest=city.name, topics=worded(topics))


_COLUMN: Final = {topic: t for t, topic in enumerate(sentences.TOPICS)}


@lru_cache(maxsize=65_536)
def _quoted(says: str, name: str, passage: Passage, topic: Topic | None) -> str:
    said = printed(passage.text, passage.source, in_language(passage))
    on = _on(topic, said)
    first = says.startswith("{name}’s") or says.endswith("they {said}")
    if first and isinstance(said, Said):  # what follows the first word, "Their" or "They"
        said = with_parts(
            said, lambda text: own_words(text.partition(" ")[2], in_language(passage))
        )
    return say(says, on=on, name=name, said=said)


def _on(topic: Topic | None, said: str) -> str:
    """Return the beginning that names a topic; empty where what is said begins with it, or is in other words than its own."""
    if topic is None or names_topic(said, topic) < 0:
        return ""
    begins = frozenset(stems(topic.wording)) - VAGUE
    return "" if begins & {*stems(said)[:2]} else say("On {topic}, ", topic=topic.wording)


def speaks_of(answer: str, need: str, topic: Topic) -> bool:
    """Return whether an answer uses most of a need's telling words, one of them beyond the name of the topic of both."""
    asked = telling(need)
    both = asked & telling(answer)
    return 2 * len(both) > len(asked) and bool(both.difference(stems(topic.wording)))


@lru_cache(maxsize=65_536)
def is_of_costs(text: str) -> bool:
    """Return whether a need is about what something costs."""
    return bool(_COSTS.search(text))


@lru_cache(maxsize=65_536)
def is_of_money(text: str) -> bool:
    """Return whether a text speaks of money."""
    return bool(_MONEY.search(text))


def sought_by(topic: Topic, cities: Sequence[str]) -> str:
    """Return that some cities want to learn about a topic, by name or, where they are many, some of them by name."""
    if len(cities) > MOST_NAMED:
        says = "{n} other cities want to learn about {topic}, {cities} among them."
        return say(says, n=len(cities), cities=listed(cities[:FIRST_NAMED]), topic=topic.wording)
    return say_n(
        "{cities} wants to learn about {topic}.",
        "{cities} want to learn about {topic}.",
        len(cities),
        cities=listed(cities),
        topic=topic.wording,
    )


def worded(topics: Sequence[Topic]) -> str:
    """Return topics as a list in a sentence."""
    return _worded(tuple(topics))


@lru_cache(maxsize=4096)
def _worded(topics: tuple[Topic, ...]) -> str:
    return listed([topic.wording for topic in topics])


VAGUE: Final = frozenset(stems(data_beside(__file__, "common_words.toml")["vague"]))
"""Stems of words of topics that name none of them."""


COMMON: Final = frozenset(stems(data_beside(__file__, "common_words.toml")["common"]))
"""Stems of words that stand in sentences of any matter."""


def quotes(cohort: Cohort, *passages: Passage) -> tuple[Fact, ...]:
    """Return sentences as facts, each with its city, place and source."""
    return tuple(_quote(cohort.cities[p.city].id, p) for p in passages)


@lru_cache(maxsize=65_536)
def _quote(city: str, p: Passage) -> Fact:
    words = own_words(p.text, in_language(p))
    return Fact(city, titled(p.what), words, kind="stated", source=p.source, place=p.place)


def why_silent(city: str, text: str, unread: bool) -> str:
    """Return why nothing is read of a city: it says nothing, or in a language that is not read."""
    says = "the offers of {city} are not known"
    if text == "needs":
        says = "the needs of {city} are not known"
    if unread:
        says = "the offers of {city} are in a language that the text model does not read"
    if unread and text == "needs":
        says = "the needs of {city} are in a language that the text model does not read"
    return say(says, city=city)
