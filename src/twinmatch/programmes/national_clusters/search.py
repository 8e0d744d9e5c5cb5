"""Which countries share a cluster: small ones are joined along ties, and the choice is proven best.

Large countries split into clusters of alike cities, anchors shared evenly.
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Iterator, Sequence, Set
from dataclasses import dataclass
from functools import cached_property, partial
from itertools import combinations, combinations_with_replacement, islice, pairwise, product

import numpy as np

from twinmatch.affinity import Affinity, compare
from twinmatch.errors import NoProposalError
from twinmatch.programmes.group_quotas import GroupQuotas, best_grouping
from twinmatch.programmes.national_clusters.countries import BLOCK, Lock, locked_in, ties, unjoined
from twinmatch.programmes.national_clusters.settings import NationalClusters, likeness_of
from twinmatch.programmes.round import Round
from twinmatch.solving import Bools, Distribute, Floats, Ints, group_referee
from twinmatch.solving.exact import disjoint_sets, halves_bound
from twinmatch.solving.exchange import (
    exchange,
    exchange_in_parts,
    fair_prices,
    nearest,
    pair_bound,
    pair_score,
    seated_starts,
    triangle_bound,
)
from twinmatch.vocabulary.geography import country
from twinmatch.wording import joined, listed, say, say_n


@dataclass(frozen=True, eq=False)
class PreparedClusters:
    """Cities of a round that can be in a cluster, by country, how alike they are, and what is asked of the clusters."""

    round: Round
    settings: NationalClusters

    @cached_property
    def affinity(self) -> Affinity:
        """Return how alike all cities are."""
        return compare(self.round.cohort, self.settings.weights, self.round.facet_cache)

    @cached_property
    def fits(self) -> Bools:
        """Return the cities that can carry a place in a cluster, (n,)."""
        return self.round.ledger.fits(self.settings.load("member"))

    @cached_property
    def locks(self) -> dict[int, Lock]:
        """Return the cities that are locked in a cluster."""
        return locked_in(self.round, self.settings)

    @cached_property
    def by_country(self) -> dict[str, list[int]]:
        """Return the cities that can be in a cluster by country, locked ones by that of their cluster, countries in order."""
        found: dict[str, list[int]] = {}
        for i, city in enumerate(self.round.cohort.cities):
            if self.fits[i]:
                code = self.locks[i].code if i in self.locks else city.country
                found.setdefault(code, []).append(i)
        return dict(sorted(found.items()))

    @cached_property
    def asked(self) -> GroupQuotas:
        """Return the rules on kinds of cities."""
        n = len(self.fits)
        return GroupQuotas.of(self.round, self.settings.quotas, range(n), [n])

    def is_anchor(self, i: int) -> bool:
        """Return whether a city anchors its cluster."""
        return self.settings.is_anchor(self.round.cohort.cities[i])


@dataclass(frozen=True)
class Home:
    """Countries that share a cluster, or the clusters that they are split into, and why."""

    codes: tuple[str, ...]
    reason: str

    @property
    def name(self) -> str:
        """Return the countries in words."""
        first, *others = [country(code).name for code in self.codes]
        return say("{first} with {others}", first=first, others=listed(others)) if others else first


def join_countries(
    ready: PreparedClusters, barred: Set[frozenset[str]] = frozenset()
) -> tuple[list[Home], dict[int, str]]:
    """Return which countries share a home, proven best, and the cities that fit nowhere with the reason.

    ``barred`` are homes that cannot be split under the rules on kinds of cities.
    """
    joining = _Joining(ready, barred)
    size, low = joining.size, ready.settings.size[0]
    sets: list[tuple[str, ...]] = [(code,) for code in size if code not in joining.small]
    sets += [group for group in joining.sets() if math.isfinite(joining.cost(group))]
    number = {code: k for k, code in enumerate(size)}
    worth = [joining.worth(group) - joining.cost(group) for group in sets]
    weight = [float(n) for n in size.values()]
    items = [[number[c] for c in group] for group in sets]
    for kind in ready.asked.gathered():  # one home at most has cities of it
        holding = {code for code in size if kind[ready.by_country[code]].any()}
        for held, group in zip(items, sets, strict=True):
            held += [len(weight)] if holding & set(group) else []
        weight.append(0.0)
    homes = [joining.home(sets[k]) for k in disjoint_sets(items, worth, np.array(weight))]
    placed = {code for home in homes for code in home.codes}
    alone: dict[int, str] = {}
    for code in size.keys() - placed:
        name = country(code).name
        why = say(
            "{country}: no cluster of its cities keeps the rules on kinds of cities.", country=name
        )
        if size[code] < low:
            says = "{country} has {size} of the {low} cities that a cluster needs."
            why = say(says, country=name, size=size[code], low=low)
            tried = any(code in group for group in sets)
            why = joined([why, unjoined(code, joining.ties, list(size), ready.settings, tried)])
        alone |= dict.fromkeys(ready.by_country[code], why)
    return homes, alone


class _Joining:
    """Countries with their numbers of cities, ``small`` those that cannot stand alone, and the ties between them."""

    def __init__(self, ready: PreparedClusters, barred: Set[frozenset[str]]) -> None:
        self._ready, self._barred, self._settings = ready, barred, ready.settings
        low, high = ready.settings.size
        self.size = {code: len(cities) for code, cities in ready.by_country.items()}
        self.small = {c for c, n in self.size.items() if n < low or math.isinf(self.cost((c,)))}
        self._own = Counter(city.country for city in ready.round.cohort.cities)
        self._room = {code: -(-n // high) * high for code, n in self.size.items()}
        self.ties = ties(ready.round, list(self.size), ready.settings.never_joined)

    def cost(self, group: Sequence[str]) -> float:
        """Return what a home misses as one cluster: inf of what must hold, else the price of the rest."""
        cities = [i for code in group for i in self._ready.by_country[code]]
        if frozenset(group) in self._barred:
            return math.inf
        if len(cities) > self._settings.size[1]:
            return 0.0
        quotas = self._ready.asked.within(cities, [len(cities)])
        hard, soft = quotas.missed(np.zeros(len(cities), np.int64))
        return math.inf if hard else soft

    def sets(self) -> Iterator[tuple[str, ...]]:
        """Yield every set of tied countries that fits: small ones, and at most one that can stand alone.

        A large country has room for others up to the full size of the clusters that it is split into anyway.
        """
        near: dict[str, set[str]] = {}
        for pair in self.ties:
            for code in pair:
                near.setdefault(code, set()).update(pair - {code})
        barred = {frozenset(pair) for pair in self._settings.never_joined}
        seen = reached = {frozenset({code}) for code in self.small}
        for _ in range(self._settings.countries_joined - 1):
            wider = {
                group | {code}
                for group in reached
                for member in group
                for code in near.get(member, set()) - group
            }
            reached = {
                group
                for group in wider - seen
                if self._fit(group) and not any(pair <= group for pair in barred)
            }
            seen = seen | reached
        least = self._settings.size[0]
        yield from sorted(
            tuple(sorted(group))
            for group in seen
            if len(group) > 1 and sum(self.size[c] for c in group) >= least
        )

    def _fit(self, group: frozenset[str]) -> bool:
        standing = [code for code in group if code not in self.small]
        room = self._room[standing[0]] if standing else self._settings.size[1]
        return len(standing) <= 1 and sum(self.size[c] for c in group) <= room

    def worth(self, group: Sequence[str]) -> float:
        """Return how well the small countries of a set sit with the others: cities times their mean tie."""
        total, size = 0.0, self.size
        for one in group:
            others = [o for o in group if o != one]
            if one in self.small and others:
                pairs = ((size[o], self.ties.get(frozenset({one, o}))) for o in others)
                tied = sum(n * tie.worth for n, tie in pairs if tie)
                total += size[one] * tied / sum(size[o] for o in others)
        return total

    def home(self, group: Sequence[str]) -> Home:
        """Return the home of a set of countries, in order of their own cities, so that locks change no key."""
        codes = tuple(sorted(group, key=lambda code: (-self._own[code], code)))
        if len(group) == 1:
            return Home(codes, "")
        pairs = sorted(map(frozenset, combinations(group, 2)), key=sorted)
        few = [country(code).name for code in sorted(group) if code in self.small]
        named = (
            "{one} and {other} {reasons}"
            if len(group) > len(few) or len(few) > 2
            else "they {reasons}"
        )
        reasons = (
            say(
                named,
                one=country(min(pair)).name,
                other=country(max(pair)).name,
                reasons=self.ties[pair].reason,
            )
            for pair in pairs
            if pair in self.ties
        )
        joined_because = say_n(
            "{countries} has too few cities for a cluster of its own (at least {low}). The countries are put together because {reasons}.",
            "{countries} have too few cities for clusters of their own (at least {low}). The countries are put together because {reasons}.",
            max(len(few), 1),
            countries=listed(few),
            low=self._settings.size[0],
            reasons=joined(reasons, "; "),
        )
        return Home(codes, joined_because)


AT_ONCE = 400
"""Cities of a country up to which several starts are tried; beyond that they differ by a few thousandths."""

WEIGHED = 4_000_000
"""Pairs of cities over all starts, by which their number is limited: 2,000 for 40 cities, 25 for 400."""

TOGETHER = 2_000
"""Cities of a country up to which every swap is tried; more are halved first."""

LANDMARKS = 256
"""Cities beside which those to be halved are compared."""

MOST_SEATINGS = 200
"""Ways of placing small countries whole that are tried when their home is split."""


def split_country(
    ready: PreparedClusters, home: Home, cities: list[int]
) -> tuple[list[tuple[int, ...]], float]:
    """Return groups of alike cities, anchors shared evenly and small countries kept whole, and the unproven slack.

    Small countries are placed whole in every possible way; for each, several starts are bettered by swaps; where a
    country is large, one start of one way. No groups where none keep the rules on kinds of cities. Raises NoProposalError where the sizes do not allow it.
    """
    affinity, settings = ready.affinity, ready.settings
    low, high = settings.size
    count = settings.split_into(home.codes) or -(-len(cities) // high)
    sizes = [len(cities) // count + (g < len(cities) % count) for g in range(count)]
    if min(sizes) < low or max(sizes) > high:
        found = say(
            "{name} has {n} cities, which do not fit into {count} clusters of {low} to {high}.",
            name=home.name,
            n=len(cities),
            count=count,
            low=low,
            high=high,
        )
        raise NoProposalError.of("no-split", found, do=say("Widen the band of sizes."))
    anchors = np.array([ready.is_anchor(i) for i in cities])
    each = int(anchors.sum()) // count
    evenly = Distribute(anchors, each, each + 1, name="anchors shared evenly")
    rules = [evenly] if anchors.any() else []
    seatings = _seatings(ready, home, cities, sizes)
    if ready.asked.kinds:
        return _split_by_rules(ready, home, cities, sizes, rules)
    if len(cities) > TOGETHER:
        seats = next(seatings, None)
        if seats is None:
            raise _no_seats(home, low, high)
        label, slack = _split_in_parts(affinity, settings, cities, sizes, seats, anchors, rules)
        return _members_of(cities, label, count), slack
    likeness = likeness_of(affinity, settings, np.array(cities))
    best: tuple[float, list[int]] | None = None
    reach, shared = -math.inf, (each, each + 1) if anchors.any() else (0, len(cities))
    tried = list(islice(seatings, None if len(cities) <= AT_ONCE else 1))
    most = WEIGHED // (len(cities) ** 2 * max(len(tried), 1)) if len(cities) <= AT_ONCE else 1
    for seats in tried:
        reach = max(reach, halves_bound(likeness, sizes, seats, anchors, shared))
        for start in seated_starts(seats, sizes, min(settings.starts, max(most, 1))):
            label = exchange(start, likeness, rules, fixed=seats >= 0)
            kept = all(v.kept for v in group_referee(label, *rules))
            made = (round(pair_score(label, likeness), 9) - (0 if kept else 1e6), label.tolist())
            if best is None or (-made[0], made[1]) < (-best[0], best[1]):
                best = made
    if best is None:
        raise _no_seats(home, low, high)
    label = np.array(best[1])
    score = pair_score(label, likeness)
    if math.isinf(reach):
        whole = _whole(_codes(ready, cities), np.array(tried))
        reach = triangle_bound(likeness, sizes, score, whole, anchors, shared)
    slack = min(pair_bound(likeness, sizes), reach) - score
    return _members_of(cities, label, count), max(0.0, slack)


def _split_by_rules(
    ready: PreparedClusters,
    home: Home,
    cities: list[int],
    sizes: Sequence[int],
    rules: Sequence[Distribute],
) -> tuple[list[tuple[int, ...]], float]:
    """Return groups under rules on kinds of cities and the unproven slack; anchors are shared evenly where that can be."""
    likeness = likeness_of(ready.affinity, ready.settings, np.array(cities))
    asked = ready.asked.within(cities, sizes)
    codes = _codes(ready, cities)
    small = [[k for k, c in enumerate(codes) if c == code] for code in _small(ready, home, cities)]
    starts = [
        (start, seats >= 0)
        for seats in _seatings(ready, home, cities, sizes)
        for start in seated_starts(seats, sizes, ready.settings.starts)
    ][: MOST_SEATINGS if len(cities) <= AT_ONCE else 1]
    label, bound = None, math.inf
    for also in (rules, ()):
        if label is None:
            label, bound = best_grouping(
                likeness, asked, starts, also=also, together=[p for s in small for p in pairwise(s)]
            )
    if label is None:
        return [], 0.0
    worth = pair_score(label, likeness) - asked.missed(label)[1]
    slack = min(bound, pair_bound(likeness, sizes), triangle_bound(likeness, sizes, worth)) - worth
    return _members_of(cities, label, len(sizes)), max(0.0, slack)


def _codes(ready: PreparedClusters, cities: Sequence[int]) -> list[str]:
    return [ready.round.cohort.cities[i].country for i in cities]


def _whole(codes: Sequence[str], tried: Ints) -> list[tuple[int, int]]:
    """Return pairs of cities of one country that sit together in whatever seating (r, n) is tried."""
    order = sorted(range(len(codes)), key=lambda i: codes[i])
    same = ((i, j) for i, j in pairwise(order) if codes[i] == codes[j] and tried[0, i] >= 0)
    return [(i, j) for i, j in same if (tried[:, i] == tried[:, j]).all()]


def _small(ready: PreparedClusters, home: Home, cities: Sequence[int]) -> list[str]:
    """Return the countries of a home but the one with most cities."""
    codes = _codes(ready, cities)
    largest = max(home.codes, key=lambda code: (codes.count(code), code))
    return [code for code in sorted(home.codes) if code != largest]


def _no_seats(home: Home, low: int, high: int) -> NoProposalError:
    says = "{name}: its countries do not fit whole into clusters of {low} to {high}."
    found = say(says, name=home.name, low=low, high=high)
    do = say("Join fewer countries, or widen the band of sizes.")
    return NoProposalError.of("no-split", found, do=do)


def _members_of(cities: Sequence[int], label: Ints, count: int) -> list[tuple[int, ...]]:
    """Return the cities of each group, in their order."""
    order = np.argsort(label, kind="stable")
    ends = np.cumsum(np.bincount(label, minlength=count))[:-1]
    return [tuple(cities[k] for k in part.tolist()) for part in np.split(order, ends)]


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
    label, parts, places = seats.copy(), list[list[int]](), np.array(cities)

    def likeness(who: Ints) -> Floats:
        return likeness_of(affinity, settings, places[who])

    def halved(who: Ints, groups: Ints) -> None:
        if len(who) > TOGETHER and len(groups) > 1:
            cut = len(groups) // 2
            left = _half(
                _direction(affinity, settings, places[who]),
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
    price, most = np.zeros(len(cities)), max(min(sizes) - 1, 1)
    for groups in parts:
        who = np.flatnonzero(np.isin(label, groups))
        block = likeness(who)
        label = exchange_in_parts(label, partial(_given, block), rules, [groups], fixed=seats >= 0)
        np.fill_diagonal(block, -np.inf)
        price[who] = fair_prices(block, most)
    best = np.full((len(cities), most), -np.inf)  # the nearest of each city, less their prices
    blocks = np.array_split(everyone, -(-len(cities) // math.isqrt(BLOCK)))
    for one, other in combinations_with_replacement(blocks, 2):
        block = likeness_of(affinity, settings, places[one], places[other])
        block[one[:, None] == other] = -np.inf
        best[one] = nearest(np.hstack([best[one], block - price[other]]), most)
        if one is not other:
            best[other] = nearest(np.hstack([best[other], block.T - price[one]]), most)
    bound = math.fsum((*price.tolist(), *best.mean(axis=1).tolist()))
    return label, max(0.0, bound - pair_score(label, likeness))


def _given(likeness: Floats, _: Ints) -> Floats:
    return likeness


def _direction(affinity: Affinity, settings: NationalClusters, cities: Ints) -> Floats:
    """Return where cities stand along the direction in which they differ most, (n,): beside some of them.

    The first principal component of the likenesses to landmarks; rounded, its sign set by its largest part.
    """
    landmarks = cities[:: -(-len(cities) // LANDMARKS)]
    beside = likeness_of(affinity, settings, cities, landmarks)
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


def _seatings(
    ready: PreparedClusters, home: Home, cities: list[int], sizes: Sequence[int]
) -> Iterator[Ints]:
    """Yield where the cities of the smaller countries sit, (n,) and -1 for the others: each country whole.

    Cities that are locked in one of the clusters sit there.
    """
    codes, small = _codes(ready, cities), _small(ready, home, cities)
    fixed = {
        k: ready.locks[i].number - 1
        for k, i in enumerate(cities)
        if i in ready.locks and 0 < ready.locks[i].number <= len(sizes)
    }
    for seats in islice(product(range(len(sizes)), repeat=len(small)), MOST_SEATINGS):
        of = dict(zip(small, seats, strict=True))
        sat = [fixed.get(k, of.get(code, -1)) for k, code in enumerate(codes)]
        label = np.array(sat, dtype=np.int64)
        if all((label == g).sum() <= size for g, size in enumerate(sizes)):
            yield label
