"""National clusters: country first, then readiness; large countries split, small ones joined with the reason said.

A country within the size band is a cluster. A larger one is split into the fewest clusters that fit, so that
members are alike. Smaller ones are joined along ties (a shared or close language, a border, or the nearest
country where there is neither): all sensible sets are listed, and the choice among them is proven best.
"""

from __future__ import annotations

import math
import re
from collections import Counter
from collections.abc import Iterator, Sequence, Set
from dataclasses import dataclass
from itertools import combinations, islice, product
from typing import ClassVar, Literal

import numpy as np
from numpy.typing import NDArray
from pydantic import Field, field_validator

from twinmatch.affinity import Affinity, compare
from twinmatch.embedding.sentences import split_sentences
from twinmatch.errors import NoProposalError, Problem
from twinmatch.facets.base import listed
from twinmatch.geography import (
    are_neighbours,
    countries,
    country,
    distance_km,
    language_name,
    related_languages,
    shared_languages,
)
from twinmatch.programmes.round import Round, coverage_note, shares
from twinmatch.programmes.rules import counted, judged, outside
from twinmatch.programmes.settings import Band, Load, Weighted, ordered
from twinmatch.proposal import LeftOut, Meeting, Member, Product, RuleStatus, Table, count
from twinmatch.schema import NAMES, City, Role
from twinmatch.solving import Distribute, group_referee
from twinmatch.solving.exchange import exchange, exchange_in_parts, pair_bound, pair_score
from twinmatch.solving.sets import disjoint_sets

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]
Bools = NDArray[np.bool_]
Places = NDArray[np.intp]

AT_ONCE = 1_200
"""Cities of a country up to which every swap is tried; more are halved first."""

TOGETHER = 400
"""Cities of a part within which every swap is tried."""

LANDMARKS = 256
"""Cities beside which those to be halved are compared."""

BLOCK = 1_000_000
"""Pairs whose scores are held at once."""

SHARED_LANGUAGE, CLOSE_LANGUAGE, BORDER, NEAREST = 1.0, 0.8, 0.6, 0.3
"""Worth of a tie between two countries; the strongest one counts."""

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

LEAST_LIFT = 0.15
"""By how much more often a topic is named in a part than in the others, to name the part by it."""

MOST_SEATINGS = 200
"""Ways of placing small countries whole that are tried when their home is split."""

SPLIT_FACETS = {
    "readiness": ("readiness",),
    "theme": ("shared_challenges", "shared_levers", "shared_needs"),
}

NEAREST_COUNTRIES = 3
"""To how many nearest countries one without a border or language tie is tied."""


class NationalClusters(Weighted):
    """Cities of a country, then of like readiness; large countries split, small ones joined."""

    LOADS: ClassVar[dict[str, Load]] = {"lead": Load(hours=1), "member": Load(hours=1)}

    title: str = Field("National clusters", min_length=1)
    size: Band = Field((4, 14), description="Cities of a cluster: at least, at most")
    anchor: Role | None = Field(
        Role.MISSION, description="Each cluster has a city of this role where there is one"
    )
    countries_joined: int = Field(
        5, ge=2, le=6, description="Countries in a joined cluster, at most"
    )
    never_joined: tuple[tuple[str, str], ...] = Field(
        (), description="Pairs of countries that are not joined in one cluster"
    )
    split_by: Literal["all", "readiness", "theme"] = Field(
        "all",
        description="What the parts of a large country are alike in: all weights, readiness, or challenges, levers and needs",
    )
    bridges: int = Field(2, ge=0, le=10, description="Bridges to other clusters named for each")
    starts: int = Field(
        12, ge=1, le=10_000, description="Starts of the search that splits a country"
    )

    _check_band = field_validator("size")(ordered)

    @field_validator("never_joined")
    @classmethod
    def _known_countries(cls, pairs: tuple[tuple[str, str], ...]) -> tuple[tuple[str, str], ...]:
        unknown = sorted({code for pair in pairs for code in pair} - set(countries()))
        if unknown:
            raise ValueError(f"no country has the code {unknown[0]!r}")
        return pairs


@dataclass(frozen=True)
class Cluster:
    """Cities of a cluster (indices, in order), its name and why it is one."""

    key: str
    name: str
    cities: tuple[int, ...]
    reason: str
    slack: float = 0.0
    """By how much the summed likeness to the own cluster might still be raised; 0 where it is proven best."""


@dataclass(frozen=True)
class Tie:
    """Why two countries may share a cluster, and how much that is worth."""

    worth: float
    reason: str


def propose_national_clusters(round_: Round, settings: NationalClusters) -> Product:
    """Return the clusters of a round: every city once, compatriots together, sizes within the band.

    Raises NoProposalError where a country cannot be split into clusters within the band.
    """
    affinity = compare(round_.cohort, settings.weights, round_.facet_cache)
    fits = round_.ledger.fits(settings.load("member"))
    by_country: dict[str, list[int]] = {}
    for i, city in enumerate(round_.cohort.cities):
        if fits[i]:
            by_country.setdefault(city.country, []).append(i)
    homes, alone = _join(round_, settings, by_country)
    alone |= {int(i): "What it can carry is taken by other formats." for i in np.flatnonzero(~fits)}
    clusters = sorted(
        (c for home in homes for c in _clusters(round_, settings, affinity, home, by_country)),
        key=lambda c: c.key,
    )
    bridges = _bridges(settings, affinity, clusters)
    anchors = {
        city.country
        for city in round_.cohort.cities
        if settings.anchor is not None and city.has(settings.anchor)
    }
    meetings = tuple(
        _meeting(round_, settings, affinity, c, anchors, _bridge_note(round_, clusters, bridges, k))
        for k, c in enumerate(clusters)
    )
    kept = judged(cluster_rules(round_, settings, meetings))
    score = sum(_cohesion(affinity, c.cities) for c in clusters)
    slack = sum(c.slack for c in clusters)
    proven = slack <= 1e-6 * max(1.0, score)
    placed = {round_.cohort.cities[i].country for c in clusters for i in c.cities}
    return Product(
        "national_clusters",
        settings.title,
        "optimal" if proven else "feasible",
        "country first; countries joined by integer programme; splits by swaps with a bound",
        score,
        score + (0.0 if proven else slack),
        meetings,
        tuple(LeftOut(round_.id(i), why, "") for i, why in sorted(alone.items())),
        kept,
        f"{count(len(meetings), 'cluster')} with {count(sum(len(m.members) for m in meetings), 'city', 'cities')} of {count(len(placed), 'country', 'countries')}.",
        weights=shares(affinity),
        tables=(_bridge_table(round_, clusters, bridges), country_sheets(round_, clusters)),
    )


@dataclass(frozen=True)
class Bridge:
    """A city of one cluster and one of another that fit best of all such pairs (clusters by their place)."""

    cluster: int
    other: int
    here: int
    there: int
    score: float


def _bridges(
    settings: NationalClusters, affinity: Affinity, clusters: Sequence[Cluster]
) -> list[Bridge]:
    """Return each cluster's best bridges to others, at most one to each of them."""
    if len(clusters) < 2 or not settings.bridges:
        return []
    size = np.array([len(c.cities) for c in clusters])
    first = np.cumsum(size) - size
    everyone = np.array([i for c in clusters for i in c.cities], dtype=np.intp)
    found: list[Bridge] = []
    blocks = min(len(clusters), -(-(len(everyone) ** 2) // BLOCK))
    for part in np.array_split(np.arange(len(clusters)), blocks):
        rows = np.array([i for k in part for i in clusters[k].cities], dtype=np.intp)
        score = np.round(affinity.scores(rows, everyone), 9)
        for k, start in zip(part.tolist(), (first[part] - first[part[0]]).tolist(), strict=True):
            block = score[start : start + size[k]]
            best = np.maximum.reduceat(block.max(axis=0), first)
            best[k] = -np.inf
            least = np.sort(best)[-min(settings.bridges, len(clusters) - 1)]
            mine = []
            for o in np.flatnonzero(best >= max(least, 0.0)).tolist():
                between = block[:, first[o] : first[o] + size[o]]
                a, b = divmod(int(np.argmax(between)), between.shape[1])
                here, there = clusters[k].cities[a], clusters[o].cities[b]
                mine.append(Bridge(k, o, here, there, float(between[a, b])))
            found += sorted(mine, key=lambda b: (-b.score, b.here, b.there))[: settings.bridges]
    return found


def _bridge_note(
    round_: Round, clusters: Sequence[Cluster], bridges: Sequence[Bridge], k: int
) -> tuple[str, ...]:
    words = [
        f"{round_.name(b.here)} with {round_.name(b.there)} ({clusters[b.other].name})"
        for b in bridges
        if b.cluster == k
    ]
    return (f"Bridges to other clusters: {listed(words)}.",) if words else ()


def _bridge_table(round_: Round, clusters: Sequence[Cluster], bridges: Sequence[Bridge]) -> Table:
    rows = tuple(
        (
            clusters[b.cluster].name,
            round_.id(b.here),
            clusters[b.other].name,
            round_.id(b.there),
            round(b.score, 6),
        )
        for b in bridges
    )
    columns = ("cluster", "city", "other cluster", "city there", "score")
    says = "For each cluster the pairs of cities that could best carry its results to another one."
    return Table("bridges", "Bridges between clusters", columns, rows, says)


def country_sheets(round_: Round, clusters: Sequence[Cluster]) -> Table:
    """Return for each country what its cities say they lack, most often named first, with one of their sentences.

    These are the needs that a ministry or national platform should hear; a quotation is a sentence of the city's
    own that speaks of the lever, empty where none does.
    """
    cities = round_.cohort.cities
    cluster_of = {i: c.name for c in clusters for i in c.cities}
    rows: list[tuple[str | int, ...]] = []
    for code in sorted({c.country for c in cities}):
        mine = [i for i, c in enumerate(cities) if c.country == code]
        stated = [i for i in mine if _named(cities[i])]
        counted: dict[str, list[int]] = {}
        for i in stated:
            for word in sorted(_named(cities[i])):
                counted.setdefault(word, []).append(i)
        ranked = sorted(counted.items(), key=lambda x: (-len(x[1]), x[0]))[:NEEDS_A_COUNTRY]
        where = "; ".join(dict.fromkeys(cluster_of[i] for i in mine if i in cluster_of))
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
    columns = (
        "country",
        "clusters",
        "need",
        "cities naming it",
        "cities that named any",
        "named by",
        "in their words",
    )
    says = "What the cities of a country say they lack: for its ministries, agencies and national platform."
    return Table("country_sheets", "Country sheets", columns, tuple(rows), says)


def _quote(round_: Round, cities: Sequence[int], word: str) -> str:
    """Return the first sentence in which one of the cities speaks of a lever, with its name; empty for none."""
    pattern = SPOKEN_OF.get(word)
    if pattern is None:
        return ""
    for i in cities:
        for sentence in split_sentences(round_.cohort.cities[i].needs or ""):
            if re.search(rf"\b(?:{pattern})\b", sentence.text, re.IGNORECASE):
                return f"{round_.name(i)}: “{sentence.text}”"
    return ""


def _pairs(cities: Sequence[int]) -> list[tuple[int, int]]:
    return list(combinations(cities, 2))


def _cohesion(affinity: Affinity, cities: Sequence[int]) -> float:
    if len(cities) < 2:
        return 0.0
    rows = np.array(cities, dtype=np.intp)
    block = affinity.scores(rows, rows)
    return float((block.sum() - np.trace(block)) / (len(cities) - 1))


@dataclass(frozen=True)
class Home:
    """Countries that share a cluster, or the clusters that they are split into, and why."""

    codes: tuple[str, ...]
    reason: str

    @property
    def name(self) -> str:
        """Return the countries in words."""
        first, *others = [country(code).name for code in self.codes]
        return f"{first} with {listed(others)}" if others else first


def _clusters(
    round_: Round,
    settings: NationalClusters,
    affinity: Affinity,
    home: Home,
    by_country: dict[str, list[int]],
) -> list[Cluster]:
    """Return the cluster of a home, or the fewest clusters that it fits into."""
    cities = sorted(i for code in home.codes for i in by_country[code])
    key = "-".join(code.lower() for code in home.codes)
    if len(cities) <= settings.size[1]:
        return [Cluster(key, home.name, tuple(cities), home.reason)]
    groups, slack = _split(round_, settings, affinity, home, cities)
    groups = sorted(groups)
    what = {
        "all": "as alike as",
        "readiness": "as alike in readiness as",
        "theme": "as alike in needs as",
    }
    reason = (
        f"{home.reason} {len(cities)} cities are more than {settings.size[1]}: split into {len(groups)} clusters of "
        f"about equal size, Mission Cities shared evenly, members {what[settings.split_by]} these rules allow."
    )
    return [
        Cluster(
            f"{key}-{n}",
            f"{home.name} {n} of {len(groups)}" + (f": {topic}" if topic else ""),
            group,
            reason,
            slack / len(groups),
        )
        for n, (group, topic) in enumerate(zip(groups, _topics(round_, groups), strict=True), 1)
    ]


def _topics(round_: Round, groups: Sequence[tuple[int, ...]]) -> list[str]:
    """Return for each part what its cities name more often than those of the others, once each; empty for none."""
    named = [[_named(round_.cohort.cities[i]) for i in group] for group in groups]
    counted = [Counter(word for words in mine for word in words) for mine in named]
    stated = [sum(bool(words) for words in mine) for mine in named]
    all_, any_ = sum(counted, Counter[str]()), sum(stated)
    lift: list[tuple[float, int, str]] = []
    for k, mine in enumerate(counted):
        for word in sorted(mine):
            here = mine[word] / max(stated[k], 1)
            there = (all_[word] - mine[word]) / max(any_ - stated[k], 1)
            lift.append((round(there - here, 6), k, word))
    topics = [""] * len(groups)
    for gap, k, word in sorted(lift):
        if gap <= -LEAST_LIFT and not topics[k] and word not in topics:
            topics[k] = word
    return [NAMES.get(word, word) for word in topics]


def _named(city: City) -> set[str]:
    """Return the domains and levers that a city says it struggles with."""
    return {d.value for d in city.challenges or {}} | {v.value for v in city.levers_needed or ()}


def _split(
    round_: Round, settings: NationalClusters, affinity: Affinity, home: Home, cities: list[int]
) -> tuple[list[tuple[int, ...]], float]:
    """Return groups of alike cities, anchors shared evenly and small countries kept whole, and the unproven slack.

    Small countries are placed whole in every possible way; for each, several starts are bettered by swaps. Raises
    NoProposalError where the sizes do not allow it.
    """
    low, high = settings.size
    count = -(-len(cities) // high)
    sizes = [len(cities) // count + (g < len(cities) % count) for g in range(count)]
    if min(sizes) < low:
        raise NoProposalError(
            Problem(
                "no-split",
                f"{home.name} has {len(cities)} cities, which do not fit into clusters of {low} to {high}.",
                do="Widen the band of sizes.",
            )
        )
    anchors = np.array(
        [
            settings.anchor is not None and round_.cohort.cities[i].has(settings.anchor)
            for i in cities
        ]
    )
    each = int(anchors.sum()) // count
    rules = (
        [Distribute(anchors, each, each + 1, name="anchors shared evenly")] if anchors.any() else []
    )
    if len(cities) > AT_ONCE:
        seats = next(_seatings(round_, home, cities, sizes), None)
        if seats is None:
            raise _no_seats(home, low, high)
        label, slack = _split_in_parts(affinity, settings, cities, sizes, seats, anchors, rules)
        return _members_of(cities, label, count), slack
    likeness = _likeness(affinity, settings, cities)
    best: tuple[float, list[int]] | None = None
    for seats in _seatings(round_, home, cities, sizes):
        for start in _starts(seats, sizes, settings.starts):
            label = exchange(start, likeness, rules, fixed=seats >= 0)
            kept = all(v.kept for v in group_referee(label, *rules))
            found = (round(pair_score(label, likeness), 9) - (0 if kept else 1e6), label.tolist())
            if best is None or (-found[0], found[1]) < (-best[0], best[1]):
                best = found
    if best is None:
        raise _no_seats(home, low, high)
    slack = pair_bound(likeness, sizes) - pair_score(np.array(best[1]), likeness)
    return _members_of(cities, np.array(best[1]), count), max(0.0, slack)


def _no_seats(home: Home, low: int, high: int) -> NoProposalError:
    return NoProposalError(
        Problem(
            "no-split",
            f"{home.name}: its countries do not fit whole into clusters of {low} to {high}.",
            do="Join fewer countries, or widen the band of sizes.",
        )
    )


def _members_of(cities: Sequence[int], label: Ints, count: int) -> list[tuple[int, ...]]:
    """Return the cities of each group, in their order."""
    order = np.argsort(label, kind="stable")
    ends = np.cumsum(np.bincount(label, minlength=count))
    return [
        tuple(cities[k] for k in order[end - size : end].tolist())
        for end, size in zip(ends, np.bincount(label, minlength=count), strict=True)
    ]


def _split_in_parts(
    affinity: Affinity,
    settings: NationalClusters,
    cities: list[int],
    sizes: Sequence[int],
    seats: Ints,
    anchors: Bools,
    rules: Sequence[Distribute],
) -> tuple[Ints, float]:
    """Return the group of each of many cities, (n,), and by how much their summed likeness might still be raised.

    Halved again and again along the direction in which they differ most, each half with its share of anchors and of
    groups, until a part is small enough for every swap in it to be tried.
    """
    label, parts = seats.copy(), list[list[int]]()

    def likeness(who: Ints) -> Floats:
        return _likeness(affinity, settings, [cities[k] for k in who.tolist()])

    def halved(who: Ints, groups: Ints) -> None:
        if len(who) > TOGETHER and len(groups) > 1:
            cut = len(groups) // 2
            left = _half(
                _direction(affinity, settings, [cities[k] for k in who.tolist()]),
                np.where(seats[who] < 0, 0, np.where(seats[who] < groups[cut], 1, -1)),
                anchors[who],
                sum(sizes[g] for g in groups[:cut].tolist()),
            )
            halved(who[left], groups[:cut])
            halved(who[~left], groups[cut:])
            return
        free = [sizes[g] - int((seats[who] == g).sum()) for g in groups.tolist()]
        label[who[seats[who] < 0]] = np.repeat(groups, free)
        parts.append(groups.tolist())

    everyone = np.arange(len(cities))
    halved(everyone, np.arange(len(sizes)))
    label = exchange_in_parts(label, likeness, rules, parts, fixed=seats >= 0)
    bound = 0.0
    for part in np.array_split(everyone, -(-(len(cities) ** 2) // BLOCK)):
        rows = [cities[k] for k in part.tolist()]
        block = _likeness(affinity, settings, rows, cities)
        block[np.arange(len(part)), part] = -np.inf
        best = -np.sort(-block, axis=1)[:, : max(min(sizes) - 1, 1)]
        bound += math.fsum(best.mean(axis=1).tolist())
    return label, max(0.0, bound - pair_score(label, likeness))


def _direction(affinity: Affinity, settings: NationalClusters, cities: list[int]) -> Floats:
    """Return where cities stand along the direction in which they differ most, (n,): beside some of them.

    The first principal component of the likenesses to landmarks; rounded, its sign set by its largest part.
    """
    landmarks = cities[:: -(-len(cities) // LANDMARKS)]
    beside = _likeness(affinity, settings, cities, landmarks)
    beside = beside - beside.mean(axis=0)
    axis = np.linalg.eigh(beside.T @ beside)[1][:, -1]
    axis = axis * np.sign(axis[np.argmax(np.round(np.abs(axis), 6))])
    return np.asarray(np.round(beside @ axis, 6))


def _half(direction: Floats, side: Ints, anchors: Bools, size: int) -> Bools:
    """Return which cities are in the first half of ``size``, (n,): those lowest along a direction, anchors in proportion.

    side (n,) is 1 for cities whose seat is in the first half, -1 for those seated in the other, 0 for all others.
    """
    left: Bools = side == 1
    wanted = round(int(anchors.sum()) * size / len(side)) - int((left & anchors).sum())
    for who in (anchors, ~anchors, np.ones_like(anchors)):
        free = np.flatnonzero(who & (side == 0))
        place = free[np.lexsort((free, direction[free]))]
        number = max(wanted, 0) if who is anchors else size - int(left.sum())
        left[place[:number]] = True
    return left


def _likeness(
    affinity: Affinity,
    settings: NationalClusters,
    cities: list[int],
    others: list[int] | None = None,
) -> Floats:
    """Return how alike cities are in what a country is split by, to each other or to others, (n, m), in [0, 1]."""
    facets = SPLIT_FACETS.get(settings.split_by, tuple(affinity.weights))
    used = [name for name in affinity.weights if name in facets] or list(affinity.weights)
    whole = sum(affinity.weights[name] for name in used)
    rows = np.array(cities, dtype=np.intp)
    columns = rows if others is None else np.array(others, dtype=np.intp)
    there = _weighted(affinity, used, whole, rows, columns)
    back = there if others is None else _weighted(affinity, used, whole, columns, rows)
    likeness = np.round((there + back.T) / 2, 9)
    likeness[rows[:, None] == columns] = 0.0
    return np.asarray(likeness)


def _weighted(
    affinity: Affinity, used: Sequence[str], whole: float, rows: Places, columns: Places
) -> Floats:
    total = np.zeros((len(rows), len(columns)))
    for name in used:
        total += affinity.weights[name] / whole * affinity.standings(name, rows, columns)
    return total


def _seatings(
    round_: Round, home: Home, cities: list[int], sizes: Sequence[int]
) -> Iterator[NDArray[np.int64]]:
    """Yield where the cities of the smaller countries sit, (n,) and -1 for the others: each country whole."""
    codes = [round_.cohort.cities[i].country for i in cities]
    largest = max(home.codes, key=lambda code: (codes.count(code), code))
    small = [code for code in sorted(home.codes) if code != largest]
    for seats in islice(product(range(len(sizes)), repeat=len(small)), MOST_SEATINGS):
        of = dict(zip(small, seats, strict=True))
        label = np.array([of.get(code, -1) for code in codes], dtype=np.int64)
        if all((label == g).sum() <= size for g, size in enumerate(sizes)):
            yield label


def _starts(
    seats: NDArray[np.int64], sizes: Sequence[int], count: int
) -> Iterator[NDArray[np.int64]]:
    """Yield groupings of these sizes that keep the seats: one in order, the others shuffled from a fixed seed."""
    rng = np.random.Generator(np.random.PCG64(0))
    free = np.flatnonzero(seats < 0)
    places = np.repeat(
        np.arange(len(sizes)), [size - int((seats == g).sum()) for g, size in enumerate(sizes)]
    )
    for number in range(count):
        label = seats.copy()
        label[free if number == 0 else rng.permutation(free)] = places
        yield label


def ties(
    round_: Round, codes: Sequence[str], never: Sequence[tuple[str, str]] = ()
) -> dict[frozenset[str], Tie]:
    """Return the ties between countries: a language, a border, or the nearest where there is neither."""
    found: dict[frozenset[str], Tie] = {}
    barred = {frozenset(pair) for pair in never}
    for one, other in combinations(sorted(codes), 2):
        tie = _tie(one, other)
        if tie and frozenset({one, other}) not in barred:
            found[frozenset({one, other})] = tie
    place = {code: _middle(round_, code) for code in codes}
    for code in sorted(codes):
        if any(code in pair for pair in found) or np.isnan(place[code]).any():
            continue
        away = sorted(
            (_km(place[code], place[o]), o)
            for o in codes
            if o != code and not np.isnan(place[o]).any()
        )
        for km, other in [a for a in away if frozenset({code, a[1]}) not in barred][
            :NEAREST_COUNTRIES
        ]:
            found[frozenset({code, other})] = Tie(
                NEAREST,
                f"{country(other).name} is among the nearest countries to {country(code).name} ({km:.0f} km)",
            )
    return found


def _tie(one: str, other: str) -> Tie | None:
    names = f"{country(one).name} and {country(other).name}"
    shared = shared_languages(one, other)
    if shared:
        return Tie(SHARED_LANGUAGE, f"{names} share {listed([language_name(v) for v in shared])}")
    if related_languages(one, other):
        return Tie(CLOSE_LANGUAGE, f"{names} have close languages")
    return Tie(BORDER, f"{names} are neighbours") if are_neighbours(one, other) else None


def _middle(round_: Round, code: str) -> NDArray[np.float64]:
    places = round_.cohort.coordinates[round_.cohort.countries == code]
    known = places[~np.isnan(places).any(axis=1)]
    return known.mean(axis=0) if len(known) else np.array([np.nan, np.nan])


def _km(one: NDArray[np.float64], other: NDArray[np.float64]) -> float:
    return float(distance_km(one[:1], one[1:], other[:1], other[1:])[0])


def _join(
    round_: Round, settings: NationalClusters, by_country: dict[str, list[int]]
) -> tuple[list[Home], dict[int, str]]:
    """Return which countries share a home, proven best, and the cities that fit nowhere with the reason."""
    low, high = settings.size
    size = {code: len(cities) for code, cities in sorted(by_country.items())}
    small = {code for code in size if size[code] < low}
    room = {code: -(-n // high) * high for code, n in size.items()}
    known = ties(round_, list(size), settings.never_joined)
    sets = [(code,) for code in size if code not in small] + list(
        _sets(known, size, room, small, settings)
    )
    number = {code: k for k, code in enumerate(size)}
    worth = [_worth(group, known, size, small) for group in sets]
    weight = np.array([float(n) for n in size.values()])
    picked = disjoint_sets([[number[c] for c in group] for group in sets], worth, weight)
    homes = [_home(sets[k], by_country, known, small) for k in picked]
    placed = {code for home in homes for code in home.codes}
    alone = {
        i: f"{country(code).name} has {size[code]} of the {low} cities that a cluster needs, and no neighbouring or related country can take it in within {high}."
        for code in size
        if code not in placed
        for i in by_country[code]
    }
    return homes, alone


def _sets(
    known: dict[frozenset[str], Tie],
    size: dict[str, int],
    room: dict[str, int],
    small: set[str],
    settings: NationalClusters,
) -> Iterator[tuple[str, ...]]:
    """Yield every set of tied countries that fits: small ones, and at most one that can stand alone.

    A large country has room for others up to the full size of the clusters that it is split into anyway.
    """
    near: dict[str, set[str]] = {}
    for pair in known:
        one, other = sorted(pair)
        near.setdefault(one, set()).add(other)
        near.setdefault(other, set()).add(one)
    low, high = settings.size
    barred = {frozenset(pair) for pair in settings.never_joined}
    seen = reached = {frozenset({code}) for code in small}
    for _ in range(settings.countries_joined - 1):
        wider = {
            group | {code}
            for group in reached
            for member in group
            for code in near.get(member, set()) - group
        }
        reached = {
            group
            for group in wider - seen
            if _fits(group, size, room, small, high) and not any(pair <= group for pair in barred)
        }
        seen = seen | reached
    yield from sorted(
        tuple(sorted(group))
        for group in seen
        if len(group) > 1 and sum(size[c] for c in group) >= low
    )


def _fits(
    group: frozenset[str], size: dict[str, int], room: dict[str, int], small: set[str], high: int
) -> bool:
    standing = [code for code in group if code not in small]
    return len(standing) <= 1 and sum(size[c] for c in group) <= (
        room[standing[0]] if standing else high
    )


def _worth(
    group: tuple[str, ...], known: dict[frozenset[str], Tie], size: dict[str, int], small: set[str]
) -> float:
    """Return how well the small countries of a set sit with the others: cities times their mean tie."""
    total = 0.0
    for one in group:
        others = [o for o in group if o != one]
        if one in small and others:
            tied = sum(
                size[o] * known[frozenset({one, o})].worth
                for o in others
                if frozenset({one, o}) in known
            )
            total += size[one] * tied / sum(size[o] for o in others)
    return total


def _home(
    group: tuple[str, ...],
    by_country: dict[str, list[int]],
    known: dict[frozenset[str], Tie],
    small: set[str],
) -> Home:
    codes = tuple(sorted(group, key=lambda code: (-len(by_country[code]), code)))
    if len(group) == 1:
        return Home(codes, f"The {len(by_country[group[0]])} cities of {country(group[0]).name}.")
    reasons = [
        known[pair].reason
        for pair in sorted(map(frozenset, combinations(group, 2)), key=sorted)
        if pair in known
    ]
    few = [country(code).name for code in sorted(group) if code in small]
    lack = (
        "have too few cities for clusters of their own"
        if len(few) > 1
        else "has too few cities for a cluster of its own"
    )
    return Home(codes, f"{listed(few)} {lack}; joined because {'; '.join(reasons)}.")


def _meeting(
    round_: Round,
    settings: NationalClusters,
    affinity: Affinity,
    cluster: Cluster,
    anchors: Set[str],
    bridges: tuple[str, ...],
) -> Meeting:
    anchor = settings.anchor
    leads = {
        i for i in cluster.cities if anchor is not None and round_.cohort.cities[i].has(anchor)
    }
    members = tuple(
        Member(round_.id(i), "lead" if i in leads else "member")
        for i in sorted(cluster.cities, key=lambda i: (i not in leads, i))
    )
    account = affinity.joint_account(_pairs(cluster.cities), "pairs")
    notes = coverage_note(account) if len(cluster.cities) > 1 else ()
    if anchor is not None and not leads:
        kind = anchor.value.capitalize()
        somewhere = any(round_.cohort.cities[i].country in anchors for i in cluster.cities)
        notes += (
            f"The {kind} Cities of these countries are in other clusters."
            if somewhere
            else f"No {kind} City of these countries is in the cohort.",
        )
    return Meeting(
        f"national_clusters:{cluster.key}",
        cluster.name,
        members,
        account,
        cluster.reason,
        notes=(*notes, *bridges),
    )


def cluster_rules(
    round_: Round, settings: NationalClusters, meetings: Sequence[Meeting]
) -> tuple[RuleStatus, ...]:
    """Return how the finished clusters stand to each rule, read from the meetings and nothing else."""
    low, high = settings.size
    everyone = Counter(city for m in meetings for city in m.cities())
    where: dict[str, list[str]] = {}
    for meeting in meetings:
        for city in meeting.cities():
            where.setdefault(round_.cohort.city(city).country, []).append(meeting.id)
    spread = sorted(code for code, ids in where.items() if len(set(ids)) > 1)
    torn = [
        country(code).name for code in spread if len(where[code]) + _guests_of(code, where) <= high
    ]
    rules = [
        counted(
            "cluster size",
            f"A cluster has {low} to {high} cities.",
            outside(meetings, low, high),
        ),
        counted(
            "one cluster each",
            "A city is in one cluster.",
            [c for c, n in sorted(everyone.items()) if n > 1],
        ),
        counted(
            "country first",
            f"Compatriots are together; only countries too large for one cluster are split ({len(spread)}).",
            torn,
        ),
    ]
    if settings.anchor is not None:
        bare = [m.label for m in meetings if not m.cities("lead")]
        none = f" None in: {listed(bare)}." if bare else ""
        kind = settings.anchor.value.capitalize()
        says = f"Each cluster has a {kind} City where its countries have enough of them.{none}"
        rules.append(RuleStatus("anchor", says, "kept"))
    return tuple(rules)


def _guests_of(code: str, where: dict[str, list[str]]) -> int:
    """Return how many cities of other countries share the clusters of a country."""
    mine = set(where[code])
    return sum(m in mine for other, ids in where.items() if other != code for m in ids)
