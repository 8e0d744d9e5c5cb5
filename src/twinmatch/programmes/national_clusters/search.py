"""Which countries share a cluster: small ones are joined along ties, and the choice is proven best.

Large countries split into clusters of alike cities, anchors shared evenly.
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence, Set
from dataclasses import dataclass
from itertools import combinations, islice, pairwise, product

import numpy as np
from numpy.typing import NDArray

from twinmatch.affinity import Affinity
from twinmatch.errors import NoProposalError
from twinmatch.programmes.group_quotas import GroupQuotas, best_grouping
from twinmatch.programmes.national_clusters.countries import BLOCK, CountryTie, locked_in, ties
from twinmatch.programmes.national_clusters.settings import NationalClusters
from twinmatch.programmes.round import Round
from twinmatch.solving import Bools, Distribute, Floats, Ints, group_referee
from twinmatch.solving.exact import disjoint_sets, halves_bound
from twinmatch.solving.exchange import exchange, exchange_in_parts, pair_bound, pair_score
from twinmatch.vocabulary.geography import country
from twinmatch.wording import joined, listed, say, say_n


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
    round_: Round,
    settings: NationalClusters,
    by_country: dict[str, list[int]],
    asked: GroupQuotas,
    barred: Set[frozenset[str]] = frozenset(),
) -> tuple[list[Home], dict[int, str]]:
    """Return which countries share a home, proven best, and the cities that fit nowhere with the reason.

    ``asked`` are the rules on kinds of cities; ``barred`` homes that cannot be split under them.
    """
    low, high = settings.size
    size = {code: len(cities) for code, cities in sorted(by_country.items())}

    def cost(group: Sequence[str]) -> float:
        """What a home misses as one cluster: inf of what must hold, else the price of the rest."""
        cities = [i for code in group for i in by_country[code]]
        if frozenset(group) in barred or len(cities) > high:
            return math.inf if frozenset(group) in barred else 0.0
        hard, soft = asked.within(cities, [len(cities)]).missed(np.zeros(len(cities), np.int64))
        return math.inf if hard else soft

    small = {code for code in size if size[code] < low or math.isinf(cost((code,)))}
    room = {code: -(-n // high) * high for code, n in size.items()}
    known = ties(round_, list(size), settings.never_joined)
    sets: list[tuple[str, ...]] = [(code,) for code in size if code not in small]
    sets += [g for g in _sets(known, size, room, small, settings) if math.isfinite(cost(g))]
    number = {code: k for k, code in enumerate(size)}
    worth = [_worth(group, known, size, small) - cost(group) for group in sets]
    weight = [float(n) for n in size.values()]
    items = [[number[c] for c in group] for group in sets]
    for kind in asked.gathered():  # one home at most has cities of it
        holding = {code for code in size if kind[by_country[code]].any()}
        for held, group in zip(items, sets, strict=True):
            held += [len(weight)] if holding & set(group) else []
        weight.append(0.0)
    picked = disjoint_sets(items, worth, np.array(weight))
    own = Counter(city.country for city in round_.cohort.cities)
    homes = [_home(sets[k], own, known, small) for k in picked]
    placed = {code for home in homes for code in home.codes}
    alone = {
        i: say(
            "{country} has {size} of the {low} cities that a cluster needs, and there is no cluster of other countries that it could join (at most {high} cities).",
            country=country(code).name,
            size=size[code],
            low=low,
            high=high,
        )
        if size[code] < low
        else say(
            "{country}: no cluster of its cities keeps the rules on kinds of cities.",
            country=country(code).name,
        )
        for code in size
        if code not in placed
        for i in by_country[code]
    }
    return homes, alone


def _sets(
    known: dict[frozenset[str], CountryTie],
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
    group: tuple[str, ...],
    known: dict[frozenset[str], CountryTie],
    size: dict[str, int],
    small: set[str],
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
    own: Mapping[str, int],
    known: dict[frozenset[str], CountryTie],
    small: set[str],
) -> Home:
    codes = tuple(sorted(group, key=lambda code: (-own[code], code)))  # locks change no key
    if len(group) == 1:
        return Home(
            codes,
            say(
                "All its cities are in one country ({country}) and deal with the same ministries and national funds.",
                country=country(group[0]).name,
            ),
        )
    reasons = [
        known[pair].reason
        for pair in sorted(map(frozenset, combinations(group, 2)), key=sorted)
        if pair in known
    ]
    few = [country(code).name for code in sorted(group) if code in small]
    return Home(
        codes,
        say_n(
            "{countries} has too few cities for a cluster of its own; joined because {reasons}.",
            "{countries} have too few cities for clusters of their own; joined because {reasons}.",
            max(len(few), 1),
            countries=listed(few),
            reasons=joined(reasons, "; "),
        ),
    )


Places = NDArray[np.intp]


AT_ONCE = 1_200
"""Cities of a country up to which every swap is tried; more are halved first."""


TOGETHER = 400
"""Cities of a part within which every swap is tried."""


LANDMARKS = 256
"""Cities beside which those to be halved are compared."""


MOST_SEATINGS = 200
"""Ways of placing small countries whole that are tried when their home is split."""


SPLIT_FACETS = {
    "readiness": ("readiness",),
    "theme": ("shared_challenges", "shared_levers", "shared_needs"),
}


def split_country(
    round_: Round,
    settings: NationalClusters,
    affinity: Affinity,
    home: Home,
    cities: list[int],
    asked: GroupQuotas,
) -> tuple[list[tuple[int, ...]], float]:
    """Return groups of alike cities, anchors shared evenly and small countries kept whole, and the unproven slack.

    Small countries are placed whole in every possible way; for each, several starts are bettered by swaps. No groups
    where none keep the rules on kinds of cities. Raises NoProposalError where the sizes do not allow it.
    """
    low, high = settings.size
    count = settings.split_into(home.codes) or -(-len(cities) // high)
    sizes = [len(cities) // count + (g < len(cities) % count) for g in range(count)]
    if min(sizes) < low or max(sizes) > high:
        raise NoProposalError.of(
            "no-split",
            say(
                "{name} has {n} cities, which do not fit into {count} clusters of {low} to {high}.",
                name=home.name,
                n=len(cities),
                count=count,
                low=low,
                high=high,
            ),
            do=say("Widen the band of sizes."),
        )
    anchors = np.array([settings.is_anchor(round_.cohort.cities[i]) for i in cities])
    each = int(anchors.sum()) // count
    rules = (
        [Distribute(anchors, each, each + 1, name="anchors shared evenly")] if anchors.any() else []
    )
    if asked.kinds:
        return _split_by_rules(
            round_, settings, affinity, home, cities, asked.within(cities, sizes), rules
        )
    if len(cities) > AT_ONCE:
        seats = next(_seatings(round_, settings, home, cities, sizes), None)
        if seats is None:
            raise _no_seats(home, low, high)
        label, slack = _split_in_parts(affinity, settings, cities, sizes, seats, anchors, rules)
        return _members_of(cities, label, count), slack
    likeness = _likeness(affinity, settings, cities)
    best: tuple[float, list[int]] | None = None
    reach, shared = -math.inf, (each, each + 1) if anchors.any() else (0, len(cities))
    for seats in _seatings(round_, settings, home, cities, sizes):
        reach = max(reach, halves_bound(likeness, sizes, seats, anchors, shared))
        for start in _starts(seats, sizes, settings.starts):
            label = exchange(start, likeness, rules, fixed=seats >= 0)
            kept = all(v.kept for v in group_referee(label, *rules))
            found = (round(pair_score(label, likeness), 9) - (0 if kept else 1e6), label.tolist())
            if best is None or (-found[0], found[1]) < (-best[0], best[1]):
                best = found
    if best is None:
        raise _no_seats(home, low, high)
    bound = min(pair_bound(likeness, sizes), reach)
    slack = bound - pair_score(np.array(best[1]), likeness)
    return _members_of(cities, np.array(best[1]), count), max(0.0, slack)


def _split_by_rules(
    round_: Round,
    settings: NationalClusters,
    affinity: Affinity,
    home: Home,
    cities: list[int],
    asked: GroupQuotas,
    rules: Sequence[Distribute],
) -> tuple[list[tuple[int, ...]], float]:
    """Return groups under rules on kinds of cities and the unproven slack; anchors are shared evenly where that can be."""
    likeness, sizes = _likeness(affinity, settings, cities), asked.sizes.tolist()
    codes = [round_.cohort.cities[i].country for i in cities]
    main = max(home.codes, key=lambda code: (codes.count(code), code))
    small = [[k for k, code in enumerate(codes) if code == c] for c in home.codes if c != main]
    starts = [
        (start, seats >= 0)
        for seats in _seatings(round_, settings, home, cities, sizes)
        for start in _starts(seats, sizes, settings.starts)
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
    slack = min(bound, pair_bound(likeness, sizes)) - worth
    return _members_of(cities, label, len(sizes)), max(0.0, slack)


def _no_seats(home: Home, low: int, high: int) -> NoProposalError:
    return NoProposalError.of(
        "no-split",
        say(
            "{name}: its countries do not fit whole into clusters of {low} to {high}.",
            name=home.name,
            low=low,
            high=high,
        ),
        do=say("Join fewer countries, or widen the band of sizes."),
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
    round_: Round, settings: NationalClusters, home: Home, cities: list[int], sizes: Sequence[int]
) -> Iterator[Ints]:
    """Yield where the cities of the smaller countries sit, (n,) and -1 for the others: each country whole.

    Cities that are locked in one of the clusters sit there.
    """
    locks = locked_in(round_, settings)
    fixed = {
        k: locks[i].number - 1
        for k, i in enumerate(cities)
        if i in locks and 0 < locks[i].number <= len(sizes)
    }
    codes = [round_.cohort.cities[i].country for i in cities]
    largest = max(home.codes, key=lambda code: (codes.count(code), code))
    small = [code for code in sorted(home.codes) if code != largest]
    for seats in islice(product(range(len(sizes)), repeat=len(small)), MOST_SEATINGS):
        of = dict(zip(small, seats, strict=True))
        sat = [fixed.get(k, of.get(code, -1)) for k, code in enumerate(codes)]
        label = np.array(sat, dtype=np.int64)
        if all((label == g).sum() <= size for g, size in enumerate(sizes)):
            yield label


def _starts(seats: Ints, sizes: Sequence[int], count: int) -> Iterator[Ints]:
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
