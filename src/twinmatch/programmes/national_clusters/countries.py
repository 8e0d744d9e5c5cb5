"""Countries in clusters: why two may share one (language, cooperation, funds, border, nearness), each one's sheet, and bridges between clusters."""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from itertools import chain, combinations

import numpy as np
from numpy.typing import NDArray

from twinmatch.affinity import Affinity
from twinmatch.embedding.choice import foreign_language
from twinmatch.embedding.sentences import TOPICS, split_sentences
from twinmatch.facets.answered import topic_table
from twinmatch.facets.quoting import shows
from twinmatch.facets.text import answers
from twinmatch.files import shared_out
from twinmatch.programmes.base import national_actors
from twinmatch.programmes.national_clusters.settings import NationalClusters
from twinmatch.programmes.round import Round
from twinmatch.proposal import Meeting, Table, make_table
from twinmatch.proposal.evidence import printed
from twinmatch.proposal.proposal import is_of_theme
from twinmatch.schema import NAMES, City
from twinmatch.solving import Floats
from twinmatch.vocabulary.geography import (
    are_neighbours,
    cooperation,
    country,
    distance_km,
    language_name,
    related_languages,
    same_funds,
    shared_languages,
)
from twinmatch.wording import joined, listed, say, titled

NEAREST_KM = 700
"""Farther than this a country is not near."""

SHARED_LANGUAGE, COOPERATION, CLOSE_LANGUAGE, BORDER, NEAREST = 1.0, 0.9, 0.8, 0.6, 0.3
"""Worth of a tie between two countries; the strongest one counts. A border or nearness ties only under the same funds."""

FURTHER = 0.05
"""What each further tie between them adds."""

NEAREST_COUNTRIES = 3
"""To how many nearest countries with the same funds one without another tie is tied."""


@dataclass(frozen=True)
class CountryTie:
    """Why two countries may share a cluster, as what is said of the two, and how much that is worth."""

    worth: float
    reason: str


def ties(
    round_: Round, codes: Sequence[str], never: Sequence[tuple[str, str]] = ()
) -> dict[frozenset[str], CountryTie]:
    """Return the ties between countries: language, cooperation, same funds with a border, or the nearest with them."""
    found: dict[frozenset[str], CountryTie] = {}
    barred = {frozenset(pair) for pair in never}
    for one, other in combinations(sorted(codes), 2):
        tie = _tie(one, other)
        if tie and frozenset({one, other}) not in barred:
            found[frozenset({one, other})] = tie
    place = {code: _middle(round_, code) for code in codes}
    for pair in {pair for code in codes for pair in _unspoken(round_, code, found)}:
        del found[pair]
    for code in sorted(codes):
        if any(code in pair for pair in found) or np.isnan(place[code]).any():
            continue
        away = sorted(
            (_km(place[code], place[o]), o)
            for o in codes
            if o != code and same_funds(o, code) and not np.isnan(place[o]).any()
        )
        for _, other in [
            a for a in away if a[0] <= NEAREST_KM and frozenset({code, a[1]}) not in barred
        ][:NEAREST_COUNTRIES]:
            found[frozenset({code, other})] = CountryTie(NEAREST, same_funds(code, other))
    return found


def _unspoken(round_: Round, code: str, found: Collection[frozenset[str]]) -> list[frozenset[str]]:
    """Return the ties by a language of a country that its cities do not speak; of several where none is known, all but the nearest."""
    own, here = set(country(code).languages), _middle(round_, code)
    cities = [c for c in round_.cohort if c.country == code]
    spoken = own & {v for c in cities for v in (*c.official_languages, *c.languages)}
    others = {pair: next(iter(pair - {code})) for pair in found if code in pair}
    shared = {pair: own & set(country(other).languages) for pair, other in others.items()}
    if spoken:
        return [pair for pair, languages in shared.items() if languages and not languages & spoken]
    away = {
        p: _km(here, _middle(round_, others[p])) for p, languages in shared.items() if languages
    }
    nearest = sorted(away, key=lambda p: (np.nan_to_num(away[p], nan=np.inf), others[p]))
    return nearest[1:] if len(own) > 1 else []


def unjoined(
    code: str,
    found: Mapping[frozenset[str], CountryTie],
    here: Sequence[str],
    settings: NationalClusters,
    possible: bool,
) -> str:
    """Return what keeps a country from the clusters of others: no tie, or no cluster with those that it is tied to."""
    tied = sorted({c for pair in found if code in pair for c in pair - {code}})
    told = {"names": listed([country(c).name for c in tied]), "most": settings.size[1]}
    if tied and possible:
        says = "It could be with {names}, but all clusters together fit best without it."
        return say(says, **told)
    if tied:
        says = "Its ties are to {names}, but no cluster with them keeps to {most} cities, {n} countries and the rules."
        return say(says, n=settings.countries_joined, **told)
    apart = {c for pair in settings.never_joined if code in pair for c in pair} - {code}
    kept = listed([country(c).name for c in sorted(apart & {*here})])
    parts = [say("The programme keeps it apart from {names}.", names=kept)] if kept else []
    says = "With no other country here does it share a language or a standing cooperation, and none with the same funds and rules is its neighbour or known to lie within {km} km."
    return joined([*parts, say(says, km=NEAREST_KM)])


ONE_OF_SEVERAL_NAMES = frozenset({"bs", "cnr", "hr", "sh", "sr"})
"""Languages that countries call by names of their own: a shared one is not named for them."""


def _tie(one: str, other: str) -> CountryTie | None:
    """Return the tie of two countries, with its strongest reason in words; None without one."""
    shared, together = shared_languages(one, other), cooperation(one, other)
    under = same_funds(one, other)
    named = listed([language_name(v) for v in shared if v not in ONE_OF_SEVERAL_NAMES])
    sharing = (
        say("share {shared}", shared=named) if named else say("understand each other’s languages")
    )
    each = (
        (SHARED_LANGUAGE, shared, sharing),
        (COOPERATION, together, say("work together in {together}", together=together)),
        (CLOSE_LANGUAGE, not shared and related_languages(one, other), say("have close languages")),
        (BORDER, under and are_neighbours(one, other), say("are neighbours")),
    )
    found = [(worth, says) for worth, holds, says in each if holds]
    if not found:
        return None
    reasons = [found[0][1], *([under] if found[0][0] == BORDER else [])]
    return CountryTie(found[0][0] + FURTHER * (len(found) - 1), listed(reasons))


def _middle(round_: Round, code: str) -> NDArray[np.float64]:
    places = round_.cohort.coordinates[round_.cohort.countries == code]
    known = places[~np.isnan(places).any(axis=1)]
    return known.mean(axis=0) if len(known) else np.array([np.nan, np.nan])


def _km(one: NDArray[np.float64], other: NDArray[np.float64]) -> float:
    return float(distance_km(one[:1], one[1:], other[:1], other[1:])[0])


@dataclass(frozen=True)
class Lock:
    """Where a city is locked: the id of its cluster, the first country of it, and its number there, 0 without one."""

    key: str
    code: str
    number: int

    def holds_in(self, key: str) -> bool:
        """Return whether a cluster is the one that is meant: of that country, and of that number where it has one."""
        number = key.rpartition("-")[2]
        found = int(number) if number.isdecimal() else 0
        return self.code in codes_of(key) and self.number in (0, found)


def codes_of(key: str) -> tuple[str, ...]:
    """Return the countries of a cluster by its id, such as ("DE", "LU") of "de-lu-2"."""
    return tuple(part.upper() for part in key.split("-") if part.isalpha())


def locked_in(round_: Round, settings: NationalClusters) -> dict[int, Lock]:
    """Return the cities that are locked in a cluster; cities of other editions are passed over."""
    found: dict[int, Lock] = {}
    for city, key in settings.lock:
        ((id_,),) = round_.cohort.by_id([[city]])
        number = key.rpartition("-")[2]
        lock = Lock(key, codes_of(key)[0], int(number) if number.isdecimal() else 0)
        if id_ in round_.cohort.index:
            found[round_.cohort.index[id_]] = lock
    return found


# --- what a country's cities lack, and who should be in the room -------------------------------------------------

NEEDS_A_COUNTRY = 5
"""Needs on a country sheet."""


SPOKEN_OF = {
    "regulation_national": "laws?|legal|legislation|regulations?|regulatory|rules?|national|ministr(?:y|ies)",
    "finance_funding": "funds?|funding|financ(?:e|es|ing|ial)|budgets?|money|loans?|investments?|investors?",
    "governance_policy": "governance|polic(?:y|ies)|departments?|mandates?|competences?",
    "procurement": "procure(?:s|d|ment)?|tenders?|contracts?",
    "data_digitalisation": "data|digital(?:isation)?|monitoring",
    "learning_capabilities": "skills?|staff|training|capacit(?:y|ies)",
}
"""Whole words by which a sentence is taken to speak of a lever."""


def room_table(round_: Round) -> Table:
    """Return who should be in the room beside the cities: the national actors of each country of the cohort."""
    codes = sorted({c.country for c in round_.cohort.cities})
    rows = tuple(
        actor._replace(country=country(code).name, kind=titled(actor.kind))
        for code in codes
        for actor in national_actors()
        if actor.country == code
    )
    return make_table("room", rows)


def country_sheets(round_: Round, cluster_of: Mapping[int, str]) -> Table:
    """Return for each country what its cities say they lack, most often named first, with one of their sentences.

    ``cluster_of`` has the name of each city's cluster. These are the needs that a ministry should hear; a quotation is a sentence of the city's
    own that speaks of the lever, empty where none does.
    """
    cities = round_.cohort.cities
    rows: list[tuple[str | int, ...]] = []
    for code in sorted({c.country for c in cities}):
        mine = [i for i, c in enumerate(cities) if c.country == code]
        stated = [i for i in mine if struggles(cities[i])]
        counted: dict[str, list[int]] = {}
        for i in stated:
            for word in sorted(struggles(cities[i])):
                counted.setdefault(word, []).append(i)
        ranked = sorted(counted.items(), key=lambda x: (-len(x[1]), x[0]))[:NEEDS_A_COUNTRY]
        where = joined(dict.fromkeys(cluster_of[i] for i in mine if i in cluster_of), "; ")
        for word, by in ranked:
            rows.append(
                (
                    country(code).name,
                    where,
                    NAMES.get(word, word),
                    len(by),
                    len(stated),
                    "; ".join(cities[i].id for i in by),
                    _quote(round_, by, word),
                )
            )
    return make_table("country_sheets", rows)


def _quote(round_: Round, cities: Sequence[int], word: str) -> str:
    """Return the first sentence in which one of the cities speaks of a lever, with its name; empty for none."""
    pattern = SPOKEN_OF.get(word)
    if pattern is None:
        return ""
    for i in cities:
        city = round_.cohort.cities[i]
        for sentence in split_sentences(city.needs or ""):
            if re.search(rf"\b(?:{pattern})\b", sentence.text, re.IGNORECASE):
                language = foreign_language(sentence.text, ("en",)) or "en"
                if said := printed(sentence.text, city.source_of("needs"), language):
                    return say("{city}: {said}", city=city.name, said=said)
    return ""


def struggles(city: City) -> set[str]:
    """Return the domains and levers that a city says it struggles with."""
    return {d.value for d in city.challenges or {}} | {v.value for v in city.levers_needed or ()}


def clusters_asked(settings: NationalClusters, keys: Sequence[str]) -> int:
    """Return how many clusters a country may be in, by those that its cities are in: as few as fit, or as was asked."""
    asked = [n for key, n in settings.split.items() if any(is_of_theme(k, key) for k in keys)]
    return max(-(-len(keys) // settings.size[1]), *asked, 1)


def homes_of(round_: Round, meetings: Sequence[Meeting]) -> list[list[int]]:
    """Return the places of the clusters that share countries, with each other or by way of others."""
    homes: list[tuple[set[str], list[int]]] = []
    for k, meeting in enumerate(meetings):
        codes, here = {round_.cohort.city(c).country for c in meeting.cities()}, [k]
        for home in [home for home in homes if home[0] & codes]:
            homes.remove(home)
            codes, here = codes | home[0], home[1] + here
        homes.append((codes, here))
    return [here for _, here in homes]


@dataclass(frozen=True)
class Cluster:
    """Cities of a cluster (indices, in order), its name and why it is one."""

    key: str
    name: str
    cities: tuple[int, ...]
    reason: str
    slack: float = 0.0
    """By how much the summed likeness to the own cluster might still be raised; 0 where it is proven best."""
    topic: str = ""
    """The domain or lever that it is named by."""


@dataclass(frozen=True)
class Bridge:
    """A city of one cluster and one of another that fit best of all such pairs (clusters by their place)."""

    cluster: int
    other: int
    here: int
    there: int
    score: float
    why: str = ""


BLOCK = 1_000_000
"""Pairs whose scores are held at once."""

COMPARED = 8_000_000
"""Pairs of cities compared for bridges, about; where there are more, each cluster is compared with some of the others."""

TRIED = 3
"""Clusters tried for each bridge that is asked for."""

CARRYING = 6
"""Cities of a cluster that may carry a bridge to another one."""

NARROW = 0.2
"""Part of all cities that may ask for a topic at which two that ask for it have something to talk about."""


def bridges_between(
    round_: Round, settings: NationalClusters, affinity: Affinity, clusters: Sequence[Cluster]
) -> list[Bridge]:
    """Return each cluster's best bridges to others, at most one to each of them.

    A bridge has a reason: one of its cities shows what the other asks, else, where these are too few, both ask for the
    same topic.
    """
    apart = max(1, -(-(sum(len(c.cities) for c in clusters) ** 2) // COMPARED))
    among = partial(_bridges_among, round_, settings, affinity, clusters)
    places = [range(first, len(clusters), apart) for first in range(apart)]
    found = shared_out([partial(among, some) for some in places], len(round_.cohort))
    return sorted(chain(*found), key=lambda bridge: bridge.cluster)


def _bridges_among(
    round_: Round,
    settings: NationalClusters,
    affinity: Affinity,
    clusters: Sequence[Cluster],
    among: Sequence[int],
) -> list[Bridge]:
    """Return the best bridges between some clusters (their places)."""
    if len(among) < 2 or not settings.bridges:
        return []
    of = [clusters[k].cities for k in among]
    size = np.array([len(cities) for cities in of])
    first = np.cumsum(size) - size
    everyone = np.array([i for cities in of for i in cities], dtype=np.intp)
    found: list[Bridge] = []
    blocks = min(len(of), -(-(len(everyone) ** 2) // BLOCK))
    for part in np.array_split(np.arange(len(of)), blocks):
        rows = np.array([i for k in part for i in of[k]], dtype=np.intp)
        score = np.round(affinity.scores(rows, everyone), 9)
        for k, start in zip(part.tolist(), (first[part] - first[part[0]]).tolist(), strict=True):
            block = score[start : start + size[k]]
            best = np.maximum.reduceat(block.max(axis=0), first)
            best[k] = -np.inf
            others = np.argsort(-best, kind="stable")[: TRIED * settings.bridges]
            tried = []
            for o in others[best[others] >= 0].tolist():
                between = block[:, first[o] : first[o] + size[o]]
                sides = (of[k], between.max(axis=1)), (of[o], between.max(axis=0))
                tried.append((among[o], *(_nearest(cities, score) for cities, score in sides)))
            found += _reasoned(round_, affinity, among[k], tried, settings.bridges)
    return found


def _nearest(cities: Sequence[int], score: Floats) -> list[int]:
    """Return the cities of a cluster that fit best to those of another one, ``CARRYING`` at most."""
    return [cities[a] for a in np.argsort(-score, kind="stable")[:CARRYING].tolist()]


def _reasoned(
    round_: Round,
    affinity: Affinity,
    k: int,
    tried: Sequence[tuple[int, list[int], list[int]]],
    most: int,
) -> list[Bridge]:
    """Return a bridge to each other cluster (its place, and cities of both) that has a reason, ``most`` in all."""
    found: dict[int, tuple[int, int, str]] = {}
    for reason in (_answer, _by_topic, _shared_topic):
        for o, here, there in tried:
            if len(found) < most and o not in found and (said := reason(round_, here, there)):
                found[o] = said
    bridges = [
        Bridge(
            k, o, a, b, float(np.round(affinity.scores(np.array([a]), np.array([b]))[0, 0], 9)), why
        )
        for o, (a, b, why) in found.items()
    ]
    return sorted(bridges, key=lambda b: (-b.score, b.here, b.there))


def _answer(
    round_: Round, here: Sequence[int], there: Sequence[int]
) -> tuple[int, int, str] | None:
    """Return a city of each side of which one shows what the other asks, and their two sentences; None for none."""
    table = topic_table(round_.cohort, round_.facet_cache)
    both = (here, there), (there, here)
    found = [a for pair in both for a in answers(table.needs, table.offers, *pair)[:1]]
    best = max((a for a in found if a.is_whole), key=lambda a: a.closeness, default=None)
    if best is None:
        return None
    one, other = best.asks.city, best.shows.city
    shown = shows(round_.name(other), best.shows, best.topic)
    why = joined([shown, best.need(round_.name(one))])
    return (one, other, why) if one in here else (other, one, why)


def _by_topic(
    round_: Round, here: Sequence[int], there: Sequence[int]
) -> tuple[int, int, str] | None:
    """Return a city of each side of which one shows best what the other wants to learn about; None for none."""
    table = topic_table(round_.cohort, round_.facet_cache)
    found = [
        (-best[topic][0], topic, one, other)
        for mine, theirs in ((here, there), (there, here))
        for other in theirs
        for best in (table.offers.best_of(other),)
        for one in mine
        for topic in table.sought(one)
        if topic in best
    ]
    if not found:
        return None
    _, topic, one, other = max(found)
    best = table.offers.best_on([other], {topic})
    assert best is not None
    asked = table.needs.wants(round_.cohort, one, (topic,))
    why = joined([shows(round_.name(other), *best), asked])
    return (one, other, why) if one in here else (other, one, why)


def _shared_topic(
    round_: Round, here: Sequence[int], there: Sequence[int]
) -> tuple[int, int, str] | None:
    """Return the cities that fit best and the rarest topic that both want to learn about; None where few others do not."""
    table = topic_table(round_.cohort, round_.facet_cache)
    pair = here[0], there[0]
    one, other = ({*table.sought(i)} for i in pair)
    asked = table.asked
    topic = min(one & other, key=lambda t: (asked[TOPICS.index(t)], t), default=None)
    if topic is None or asked[TOPICS.index(topic)] > max(2, NARROW * len(round_.cohort)):
        return None
    says = "Both {one} and {other} want to learn about {topics}."
    named = {"one": round_.name(pair[0]), "other": round_.name(pair[1])}
    return (*pair, say(says, **named, topics=topic.wording))


def bridge_note(
    round_: Round, clusters: Sequence[Cluster], bridges: Sequence[Bridge], k: int
) -> tuple[str, ...]:
    """Return a note on each bridge of cluster ``k``."""
    return tuple(
        say(
            "Bridge between {one} and {other} (cluster {cluster}): {why}",
            cluster=clusters[b.other].name,
            one=round_.name(b.here),
            other=round_.name(b.there),
            why=b.why,
        )
        for b in bridges
        if b.cluster == k
    )


def bridge_table(round_: Round, clusters: Sequence[Cluster], bridges: Sequence[Bridge]) -> Table:
    """Return the bridges as a table."""
    rows = tuple(
        (
            clusters[b.cluster].name,
            round_.id(b.here),
            clusters[b.other].name,
            round_.id(b.there),
            round(b.score, 6),
            b.why,
        )
        for b in bridges
    )
    return make_table("bridges", rows)
