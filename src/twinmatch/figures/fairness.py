"""Fairness: who has a place and who has not, by country, region, size, wealth and experience.

Notation: of N cities that could have a place, K have one; a group has n of the N and k of the K. Were places
drawn by lot, k would be hypergeometric; the chance of so few tells whether a shortfall needs a reason.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

import numpy as np

from twinmatch.cohort import City, Cohort
from twinmatch.geography import country
from twinmatch.proposal import Product, Table

if TYPE_CHECKING:
    from twinmatch.figures.pair_figures import TwinningRound

SIZES: Final = (
    (50_000, "under 50,000 residents"),
    (100_000, "50,000 to 100,000"),
    (250_000, "100,000 to 250,000"),
    (1_000_000, "250,000 to 1 million"),
    (math.inf, "over 1 million residents"),
)
"""Upper ends of the classes of size, and their names."""

REGIONS: Final = {
    "north": "Northern Europe",
    "west": "Western Europe",
    "south": "Southern Europe",
    "east": "Eastern Europe",
    "world": "outside Europe",
}

THIRDS: Final = ("lowest third of the cohort", "middle third", "highest third")
"""Classes of wealth, by the thirds of the cohort."""

UNKNOWN: Final = "not known"

RARE: Final = 0.05
"""A shortfall less likely than this by lot is named."""


@dataclass(frozen=True)
class Shares:
    """Who could have a place, who has one with which score, and what they are called together."""

    noun: str
    could: tuple[int, ...]
    score: dict[int, float]

    @classmethod
    def of_pairs(cls, round_: TwinningRound) -> Shares:
        """Return the eligible guests of a twinning round, and the scores of those with a pair."""
        return cls("eligible guests", round_.ready.frame.guests, round_.scores)

    @classmethod
    def of_groups(cls, cohort: Cohort, product: Product) -> Shares:
        """Return all cities, and the best score of a meeting of each that has one."""
        score: dict[int, float] = {}
        for meeting in product.meetings:
            for city in meeting.cities():
                i = cohort.index[city]
                score[i] = max(meeting.score, score.get(i, 0.0))
        return cls("cities", tuple(range(len(cohort))), score)


@dataclass(frozen=True)
class Group:
    """A group of the cities that could have a place: how many, how many have one, their mean score, the chance."""

    by: str
    name: str
    cities: int
    placed: int
    score: float
    chance: float
    """Chance of so few places by lot, in [0, 1]."""


def fairness(cohort: Cohort, shares: Shares) -> Table:
    """Return places by country, region, size, wealth and experience, with the chance of so few by lot.

    Where everyone has a place there is nothing to tell, and no row; what has one group only is left out.
    """
    everyone = set(shares.could) <= set(shares.score)
    groups = [
        group
        for by, of in (() if everyone else dimensions(cohort))
        for group in _groups(cohort, shares, by, of)
    ]
    rows = tuple(
        (
            g.by,
            g.name,
            g.cities,
            g.placed,
            g.placed / g.cities,
            round(g.score, 6) if g.placed else None,
            round(g.chance, 6),
        )
        for g in groups
    )
    columns = (
        "By",
        "Group",
        shares.noun.capitalize(),
        "With a place",
        "Part with a place",
        "Mean points",
        "Chance of so few by lot",
    )
    return Table("fairness", "Fairness: who has a place", columns, rows, _says(shares, groups))


def _says(shares: Shares, groups: list[Group]) -> str:
    could, placed = len(shares.could), len(set(shares.score) & set(shares.could))
    text = f"{placed} of {could} {shares.noun} have a place."
    if placed == could:
        return text
    rare = [g for g in groups if g.chance < RARE]
    named = "; ".join(
        f"{g.name} ({g.by.lower()}): {g.placed} of {g.cities}"
        for g in sorted(rare, key=lambda g: g.chance)
    )
    return (
        f"{text} Fewer places than a draw by lot would give in 19 of 20 cases: {named}."
        if rare
        else f"{text} No group of {len(groups)} has fewer places than a draw by lot would give in 19 of 20 cases."
    )


Naming = Callable[[City], str]


def dimensions(cohort: Cohort) -> tuple[tuple[str, Naming], ...]:
    """Return by what fairness is told, each with the name of a city's group."""
    low, high = _thirds(cohort)
    return (
        ("Country", lambda c: country(c.country).name),
        ("Region", lambda c: REGIONS[country(c.country).region]),
        ("Size", size_class),
        ("Wealth of the region", lambda c: _wealth(c, low, high)),
        ("Earlier rounds", _experience),
    )


def size_class(city: City) -> str:
    """Return the class of size that a city belongs to."""
    if city.population is None:
        return UNKNOWN
    return next(name for most, name in SIZES if city.population.value < most)


def _wealth(city: City, low: float, high: float) -> str:
    value = _gdp(city)
    if math.isnan(value):
        return UNKNOWN
    return THIRDS[(value > low) + (value > high)]


def _gdp(city: City) -> float:
    figure = city.context.gdp_per_head if city.context else None
    return math.nan if figure is None else figure.value


def _thirds(cohort: Cohort) -> tuple[float, float]:
    known = [v for v in map(_gdp, cohort.cities) if not math.isnan(v)]
    if not known:
        return math.nan, math.nan
    low, high = np.quantile(known, (1 / 3, 2 / 3))
    return float(low), float(high)


def _experience(city: City) -> str:
    programmes = city.participation.programmes if city.participation else ()
    return "took part in one before" if programmes else "none known"


def _groups(cohort: Cohort, shares: Shares, by: str, of: Naming) -> Iterator[Group]:
    members: dict[str, list[int]] = {}
    for i in shares.could:
        members.setdefault(of(cohort.cities[i]), []).append(i)
    if len(members) < 2:
        return
    order = [*(name for _, name in SIZES), *REGIONS.values(), *THIRDS]
    places = len(set(shares.could) & set(shares.score))
    for name in sorted(
        members, key=lambda n: (n == UNKNOWN, order.index(n) if n in order else 0, n)
    ):
        group = members[name]
        scores = [shares.score[i] for i in group if i in shares.score]
        yield Group(
            by,
            name,
            len(group),
            len(scores),
            math.fsum(scores) / len(scores) if scores else math.nan,
            _so_few(len(scores), len(shares.could), places, len(group)),
        )


def _so_few(placed: int, could: int, places: int, group: int) -> float:
    """Return the chance that at most ``placed`` of a group's cities win a place in a draw by lot."""
    # Exact in whole numbers; importing scipy.stats would take longer than all figures together. Each number of ways
    # follows from the one before, for thousands of cities have factorials of thousands of digits.
    others = could - group
    first = max(0, places - others)
    way = math.comb(group, first) * math.comb(others, places - first)
    ways = 0
    for k in range(first, min(placed, places) + 1):
        ways += way
        way = way * (group - k) * (places - k) // ((k + 1) * (others - places + k + 1))
    return ways / math.comb(could, places)
