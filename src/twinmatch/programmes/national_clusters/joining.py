"""Which countries share a cluster: small ones are joined along ties, and the choice is proven best."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import combinations

import numpy as np
from numpy.typing import NDArray

from twinmatch.facets.base import listed
from twinmatch.geography import (
    are_neighbours,
    cooperation,
    country,
    distance_km,
    language_name,
    related_languages,
    same_funds,
    shared_languages,
)
from twinmatch.programmes.national_clusters.settings import NationalClusters
from twinmatch.programmes.round import Round
from twinmatch.solving.sets import disjoint_sets

NEAREST_KM = 1_200
"""Farther than this a country is not near."""

SHARED_LANGUAGE, COOPERATION, CLOSE_LANGUAGE, BORDER, NEAREST = 1.0, 0.9, 0.8, 0.6, 0.3
"""Worth of a tie between two countries; the strongest one counts. A border or nearness ties only under the same funds."""

NEAREST_COUNTRIES = 3
"""To how many nearest countries with the same funds one without another tie is tied."""


@dataclass(frozen=True)
class CountryTie:
    """Why two countries may share a cluster, and how much that is worth."""

    worth: float
    reason: str


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
    for code in sorted(codes):
        if any(code in pair for pair in found) or np.isnan(place[code]).any():
            continue
        away = sorted(
            (_km(place[code], place[o]), o)
            for o in codes
            if o != code and same_funds(o, code) and not np.isnan(place[o]).any()
        )
        for km, other in [
            a for a in away if a[0] <= NEAREST_KM and frozenset({code, a[1]}) not in barred
        ][:NEAREST_COUNTRIES]:
            names = f"{country(code).name} and {country(other).name}"
            says = f"{names} {same_funds(code, other)} and lie {km:.0f} km apart"
            found[frozenset({code, other})] = CountryTie(NEAREST, says)
    return found


def _tie(one: str, other: str) -> CountryTie | None:
    """Return the strongest tie of two countries, with every reason there is for it; None without one."""
    shared, together = shared_languages(one, other), cooperation(one, other)
    under = same_funds(one, other)
    each = (
        (SHARED_LANGUAGE, shared, f"share {listed([language_name(v) for v in shared])}"),
        (COOPERATION, together, f"work together in {together}"),
        (CLOSE_LANGUAGE, not shared and related_languages(one, other), "have close languages"),
        (BORDER, under and are_neighbours(one, other), "are neighbours"),
    )
    found = [(worth, says) for worth, holds, says in each if holds]
    if not found:
        return None
    reasons = [says for _, says in found] + ([under] if under else [])
    names = f"{country(one).name} and {country(other).name}"
    return CountryTie(found[0][0], f"{names} {listed(reasons)}")


def _middle(round_: Round, code: str) -> NDArray[np.float64]:
    places = round_.cohort.coordinates[round_.cohort.countries == code]
    known = places[~np.isnan(places).any(axis=1)]
    return known.mean(axis=0) if len(known) else np.array([np.nan, np.nan])


def _km(one: NDArray[np.float64], other: NDArray[np.float64]) -> float:
    return float(distance_km(one[:1], one[1:], other[:1], other[1:])[0])


def join_countries(
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
    by_country: dict[str, list[int]],
    known: dict[frozenset[str], CountryTie],
    small: set[str],
) -> Home:
    codes = tuple(sorted(group, key=lambda code: (-len(by_country[code]), code)))
    if len(group) == 1:
        return Home(
            codes, f"One country, {country(group[0]).name}: the same laws, funds and language."
        )
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
