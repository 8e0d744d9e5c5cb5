"""National clusters: country first, then readiness; large countries split, small ones joined with the reason said.

A country within the size band is a cluster. A larger one is split into the fewest clusters that fit, so that
members are alike. Smaller ones are joined along ties (a shared or close language, a border, or the nearest
country where there is neither): all sensible sets are listed, and the choice among them is proven best.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import combinations

import numpy as np
from numpy.typing import NDArray
from pydantic import Field, field_validator

from twinmatch.affinity import Affinity, compare
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
from twinmatch.programmes.rules import judged
from twinmatch.programmes.settings import Band, Weighted, ordered
from twinmatch.proposal import LeftOut, Meeting, Member, Product, RuleStatus
from twinmatch.schema import Role
from twinmatch.solving import Distribute, partition
from twinmatch.solving.sets import disjoint_sets

SHARED_LANGUAGE, CLOSE_LANGUAGE, BORDER, NEAREST = 1.0, 0.8, 0.6, 0.3
"""Worth of a tie between two countries; the strongest one counts."""

NEAREST_COUNTRIES = 3
"""To how many nearest countries one without a border or language tie is tied."""


class NationalClusters(Weighted):
    """Cities of a country, then of like readiness; large countries split, small ones joined."""

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
    effort: int = Field(
        200, ge=1, le=100_000, description="Sweeps of the search that splits a country"
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
    affinity = compare(round_.cohort, settings.weights, round_.materials)
    by_country: dict[str, list[int]] = {}
    for i, city in enumerate(round_.cohort.cities):
        by_country.setdefault(city.country, []).append(i)
    homes, alone = _join(round_, settings, by_country)
    clusters = [
        c for home in homes for c in _clusters(round_, settings, affinity, home, by_country)
    ]
    meetings = tuple(
        _meeting(round_, settings, affinity, c) for c in sorted(clusters, key=lambda c: c.key)
    )
    kept = judged(_rules(round_, settings, meetings))
    score = sum(_cohesion(affinity, c.cities) for c in clusters)
    slack = sum(c.slack for c in clusters)
    proven = slack <= 1e-6 * max(1.0, score)
    apart = len({round_.cohort.cities[i].country for i in alone})
    return Product(
        "national_clusters",
        settings.title,
        "optimal" if proven else "feasible",
        "country first; countries joined by integer programme; splits by "
        + ("exact search" if proven else "search with a bound"),
        score,
        score + (0.0 if proven else slack),
        meetings,
        tuple(LeftOut(round_.id(i), why, "") for i, why in sorted(alone.items())),
        kept,
        f"{len(meetings)} clusters with {sum(len(m.members) for m in meetings)} cities of {len(by_country) - apart} countries.",
        weights=shares(affinity),
    )


def _pairs(cities: Sequence[int]) -> list[tuple[int, int]]:
    return list(combinations(cities, 2))


def _cohesion(affinity: Affinity, cities: Sequence[int]) -> float:
    if len(cities) < 2:
        return 0.0
    block = affinity.score[np.ix_(cities, cities)]
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
    reason = f"{home.reason} {len(cities)} cities are more than {settings.size[1]}: split into {len(groups)} clusters of about equal size, Mission Cities shared evenly, members as alike as these rules allow."
    named = enumerate(sorted(groups), 1)
    return [
        Cluster(
            f"{key}-{n}", f"{home.name} {n} of {len(groups)}", group, reason, slack / len(groups)
        )
        for n, group in named
    ]


def _split(
    round_: Round, settings: NationalClusters, affinity: Affinity, home: Home, cities: list[int]
) -> tuple[list[tuple[int, ...]], float]:
    """Return groups of alike cities, anchors shared evenly and small countries kept whole, and the unproven slack."""
    low, high = settings.size
    count = -(-len(cities) // high)
    if count * low > len(cities):
        raise NoProposalError(
            Problem(
                "no-split",
                f"{home.name} has {len(cities)} cities, which do not fit into clusters of {low} to {high}.",
                do="Widen the band of sizes.",
            )
        )
    even = len(cities) // count
    band = (max(low, even - 1), min(high, even + 2))
    likeness = affinity.score[np.ix_(cities, cities)].copy()
    np.fill_diagonal(likeness, 0.0)
    anchors = np.array(
        [
            settings.anchor is not None and round_.cohort.cities[i].has(settings.anchor)
            for i in cities
        ]
    )
    each = int(anchors.sum()) // count
    found = partition(
        np.round((likeness + likeness.T) / 2, 9),
        groups=[band] * count,
        objective="mean",
        effort=settings.effort,
        rng=0,
        rules=[Distribute(anchors, each, each + 1, name="anchors shared evenly")]
        if anchors.any()
        else [],
        together=_whole(round_, home, cities),
    )
    if found.status not in {"optimal", "feasible"}:
        reasons = "; ".join(str(reason) for reason in found.reasons)
        raise NoProposalError(
            Problem("no-split", f"{home.name} cannot be split under the rules: {reasons}.")
        )
    groups = [tuple(cities[int(k)] for k in found.members(g)) for g in range(count)]
    return groups, 0.0 if found.status == "optimal" else max(0.0, found.bound - found.score)


def _whole(round_: Round, home: Home, cities: list[int]) -> list[tuple[int, int]]:
    """Return the pairs of compatriots that stay together: all but those of the home's largest country."""
    codes = [round_.cohort.cities[i].country for i in cities]
    largest = max(home.codes, key=lambda code: (codes.count(code), code))
    return [
        (a, b) for a, b in combinations(range(len(cities)), 2) if codes[a] == codes[b] != largest
    ]


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
    round_: Round, settings: NationalClusters, affinity: Affinity, cluster: Cluster
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
        notes += (f"No {anchor.value.capitalize()} City of these countries is in the cohort.",)
    return Meeting(
        f"national_clusters:{cluster.key}",
        cluster.name,
        members,
        account,
        cluster.reason,
        notes=notes,
    )


def _rules(
    round_: Round, settings: NationalClusters, meetings: Sequence[Meeting]
) -> tuple[RuleStatus, ...]:
    """Return how the finished clusters stand to each rule, read from the meetings and nothing else."""
    low, high = settings.size
    wrong = [
        f"{m.label} has {len(m.members)}" for m in meetings if not low <= len(m.members) <= high
    ]
    everyone = [m.city for meeting in meetings for m in meeting.members]
    twice = sorted({c for c in everyone if everyone.count(c) > 1})
    where: dict[str, list[str]] = {}
    for meeting in meetings:
        for m in meeting.members:
            where.setdefault(round_.cohort.city(m.city).country, []).append(meeting.id)
    spread = sorted(code for code, ids in where.items() if len(set(ids)) > 1)
    torn = [
        country(code).name for code in spread if len(where[code]) + _guests_of(code, where) <= high
    ]
    bare = [m.label for m in meetings if settings.anchor is not None and not m.cities("lead")]
    none = f" None in: {listed(bare)}." if bare else ""
    return (
        RuleStatus(
            "cluster size",
            f"A cluster has {low} to {high} cities.{_broken(wrong)}",
            "broken" if wrong else "kept",
        ),
        RuleStatus(
            "one cluster each",
            f"A city is in one cluster.{_broken(twice)}",
            "broken" if twice else "kept",
        ),
        RuleStatus(
            "country first",
            f"Compatriots are together; only countries too large for one cluster are split ({len(spread)}).{_broken(torn)}",
            "broken" if torn else "kept",
        ),
        RuleStatus(
            "anchor", f"Each cluster has a Mission City where its countries have one.{none}", "kept"
        ),
    )


def _guests_of(code: str, where: dict[str, list[str]]) -> int:
    """Return how many cities of other countries share the clusters of a country."""
    return sum(
        len([m for m in ids if m in where[code]]) for other, ids in where.items() if other != code
    )


def _broken(found: Sequence[str]) -> str:
    return f" Broken: {'; '.join(found)}." if found else ""


__all__ = ["Cluster", "Tie", "propose_national_clusters", "ties"]
