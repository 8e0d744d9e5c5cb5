"""Settings of study visits: who travels, who is visited, tours, weeks and ways to travel; distances.

What a journey emits: its great-circle distance, lengthened by the mode's detour, times the emissions per passenger-km.
The programme file names the source, the year and the range of every figure, so nothing here is a figure from memory.

Beside them the rules on who goes on a visit, and to whom: the choices of visitors that keep them, and rules over all
visits. Visitors whom no rule tells apart are alike but for what a visit is worth to them, so the best of them go.

Notation: V visitors of a party, C classes of them, S choices by number, O options.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Annotated, ClassVar, Final, Literal, NamedTuple

import numpy as np
import scipy.sparse as sp
from numpy.typing import NDArray
from pydantic import Field, model_validator

from twinmatch.cohort import Cohort
from twinmatch.errors import QuestionError
from twinmatch.programmes.base import Band, GatedProduct, Load, Policy, ProgrammeSection
from twinmatch.programmes.kinds import target_year
from twinmatch.programmes.quotas import (
    Counted,
    PairQuota,
    Units,
    counted_kinds,
    counted_per,
    rules_of,
    told_apart,
    with_topics,
)
from twinmatch.programmes.round import Round
from twinmatch.programmes.rules import Rule, roles_in_words
from twinmatch.schema import City, Role
from twinmatch.solving import Bools, Floats, Ints
from twinmatch.vocabulary.geography import distance_km
from twinmatch.vocabulary.topics import KINDS
from twinmatch.wording import say

Places = NDArray[np.intp]

BLOCK_PAIRS = 1_000_000
"""Pairs of cities whose distances are held at once."""


class Mode(ProgrammeSection):
    """A way to travel, what it emits, and where that figure comes from."""

    mode: Literal["rail", "air"]
    """rail or air"""
    grams_per_km: float = Field(ge=0, le=1000, allow_inf_nan=False)
    """g CO2e a passenger-km"""
    low: float = Field(ge=0, le=1000)
    """Lowest figure found, g CO2e a passenger-km"""
    high: float = Field(ge=0, le=1000)
    """Highest figure found, g CO2e a passenger-km"""
    detour: float = Field(1.0, ge=1, le=3)
    """Length of the way over the great circle"""
    year: int = Field(ge=1990, le=2100)
    """Year of the figure"""
    source: str = Field(min_length=1)
    """Where the figure and its range come from"""
    detour_source: str = ""
    """Where the detour comes from, or that it is assumed"""

    @model_validator(mode="after")
    def _within(self) -> Mode:
        if not self.low <= self.grams_per_km <= self.high:
            raise ValueError("grams_per_km lies between low and high")
        return self

    def kg(self, km: float) -> float:
        """Return what a passenger emits over a great-circle distance, in kg CO2e."""
        return km * self.detour / 1000.0 * self.grams_per_km


class StudyVisits(GatedProduct):
    """Group visits of about two days to cities that show what the visitors need."""

    LOADS: ClassVar[dict[str, Load]] = {
        "host": Load(hours=6, tasks=1),
        "guest": Load(hours=2, trips=1),
    }

    title: str = Field("Study visits", min_length=1)
    travellers: Literal["groups", "pairs", "cities"] = "groups"
    """Who travels together: the members of a discussion group, guests of twinning pairs, or any cities"""
    hosts: tuple[Role, ...] = Field((Role.MISSION,), min_length=1)
    """Who may be visited"""
    not_roles: tuple[Role, ...] = ()
    """Cities with one of these roles do not travel; they may be visited"""
    visitors: Band = (4, 12)
    """Visiting cities of a visit: at least, at most"""
    visits_per_host: int = Field(1, ge=1)
    """Visits that a host receives, at most"""
    neutral_by: int | None = Field(2050, ge=2020, le=2100)
    """Visitors have a climate-neutrality target by this year"""
    unknown: Policy = "ask first"
    """A target not known: 'ask first', 'let in', 'keep out'"""
    own_country: bool = False
    """Whether a city may visit a host of its own country unasked"""
    something_to_show: bool = False
    """A host can show something of what each visitor seeks of the group's theme, where both are known"""
    rules: Annotated[tuple[PairQuota, ...], counted_per("visit", "all")] = ()
    """Numbers and shares of kinds of cities, each per 'visit' (left out) or 'all' visits"""
    people: int = Field(2, ge=1, le=20)
    """People who travel for a city"""
    stops: Literal[1, 2] = 2
    """Stops of a visit, at most"""
    leg_km: float = Field(400, ge=0, le=5000)
    """Between the two stops of a tour, at most"""
    km_price: float = Field(0.02, ge=0, le=1)
    """Score that 1,000 km of a visitor's way cost"""
    stop_price: float = Field(0.03, ge=0, le=1)
    """Score a visitor that a second stop costs beside its way"""
    weeks: tuple[str, ...] = ()
    """Weeks that come into question; none: those that cities name"""
    rail_km: float = Field(1000, ge=0)
    """Up to this distance rail is suggested, where there is one"""
    no_rail: tuple[str, ...] = ()
    """Countries without a passenger rail link to others"""
    modes: tuple[Mode, ...] = ()
    """Ways to travel, with what they emit"""

    @property
    @told_apart
    def quotas(self) -> Iterator[tuple[str, PairQuota]]:
        """Yield every rule on kinds of cities with its name."""
        for quota in self.rules:
            place = say("on each visit") if quota.per == "visit" else say("on all visits")
            side = say("visitors") if quota.of == "guests" else say("hosts")
            yield quota.named(side, place), quota


def why_barred(city: City, settings: StudyVisits) -> tuple[str, str] | None:
    """Return why a city may not travel and what it can do, or None where it may."""
    by, year = settings.neutral_by, target_year(city)
    if no := set(settings.not_roles) & set(city.roles):
        says = "{kinds} are visited and do not travel."
        return say(says, kinds=roles_in_words(no)), ""
    if by is None or (year is None and settings.unknown == "let in"):
        return None
    if year is None:
        says = "Study visits are for cities with a climate-neutrality target by {neutral_by} or earlier; this is not known yet."
        opens = say(
            "A commitment signed by the mayor opens study visits and twinning; online resources and discussion groups are "
            "open without one."
        )
        first = settings.unknown == "ask first"
        question = say(KINDS["conditions"]["neutral_by"]["question"])
        return say(says, neutral_by=by), question if first else opens
    if year > by:
        says = (
            "The climate-neutrality target is {year}; study visits ask for {neutral_by} or earlier."
        )
        opens = say("An earlier target signed by the mayor opens study visits and twinning.")
        return say(says, year=year, neutral_by=by), opens
    return None


def distances(
    cohort: Cohort, rows: Sequence[int] | Places, columns: Sequence[int] | Places
) -> Floats:
    """Return the great-circle distances of some cities to others in km, shape (r, c); nan where not known."""
    lat, lon = cohort.coordinates.T
    r, c = np.asarray(rows, dtype=np.intp), np.asarray(columns, dtype=np.intp)
    return distance_km(lat[r, None], lon[r, None], lat[None, c], lon[None, c])


def mean_distance(cohort: Cohort) -> float:
    """Return the mean great-circle distance over all pairs of cities in km, 0 where none is known."""
    placed = np.flatnonzero(~np.isnan(cohort.coordinates).any(axis=1))
    pairs = len(placed) * (len(placed) - 1)
    blocks = np.array_split(placed, max(1, -(-pairs // BLOCK_PAIRS)))
    total = sum(float(distances(cohort, rows, placed).sum()) for rows in blocks)
    return total / pairs if pairs else 0.0


def by_rail(cohort: Cohort, cities: Sequence[int], no_rail: Sequence[str]) -> bool:
    """Return whether cities are joined by passenger trains, as far as the programme file tells.

    Cities of a country that it names as without a rail link are reached by rail from their own country only.
    """
    codes = {cohort.cities[i].country for i in cities}
    return len(codes) == 1 or not codes & set(no_rail)


MOST_VARIANTS = 60
"""Choices of visitors for the same stops that are listed."""

MOST_CHOICES = 60_000
"""Choices by number that are looked at for a party."""


class VisitKinds(NamedTuple):
    """A rule on visits, the words for a kind that it counts, and the cities of that kind, (n,)."""

    name: str
    quota: PairQuota
    what: str
    cities: Bools


def visit_kinds(
    round_: Round, settings: StudyVisits, guests: Sequence[int], hosts: Sequence[int]
) -> list[VisitKinds]:
    """Return every kind that the rules on visits count."""
    quotas = list(settings.quotas)
    cohort = with_topics(round_, quotas)
    return [
        VisitKinds(name, quota, what, mask)
        for name, quota in quotas
        for what, mask in counted_kinds(cohort, quota, guests if quota.of == "guests" else hosts)
    ]


@dataclass(frozen=True, eq=False)
class Choices:
    """How many visitors of each class may go together; visitors whom no rule tells apart are of one class.

    members (C,) the visitors of each class; counts (S, C) the numbers of each choice that keeps the rules; cost (S,)
    what it misses of those with a price, in score; alike the choices that rules over all visits do not tell apart.
    """

    settings: StudyVisits
    asked: Sequence[VisitKinds]
    members: Sequence[Ints]
    counts: Ints
    cost: Floats
    alike: Sequence[Ints]

    @classmethod
    def of(
        cls, settings: StudyVisits, title: str, visitors: Sequence[int], asked: Sequence[VisitKinds]
    ) -> Choices:
        """Return the choices of a party; raises QuestionError where the rules tell too many apart."""
        mine = [one for one in asked if one.quota.of == "guests"]
        who = list(visitors)
        marks = np.array([np.ones(len(who), dtype=bool), *(one.cities[who] for one in mine)])
        classes, kind = np.unique(marks.T, axis=0, return_inverse=True)
        size = np.bincount(kind.ravel(), minlength=len(classes))
        if math.prod((size + 1).tolist()) > MOST_CHOICES:
            raise QuestionError.of(
                "visit-rules-too-many",
                say(
                    "The rules tell {n} kinds of visitors of {title} apart.",
                    n=len(size),
                    title=repr(title),
                ),
                do=say("Count fewer categories, or let fewer cities make a visit."),
            )
        counts = np.indices((size + 1).tolist()).reshape(len(size), -1).T
        total = counts.sum(axis=1)
        counts = counts[(total >= max(1, settings.visitors[0])) & (total <= settings.visitors[1])]
        total, numbers = counts.sum(axis=1), counts @ classes.astype(np.int64)
        keep, cost, outer = (
            np.ones(len(counts), dtype=bool),
            np.zeros(len(counts)),
            [total[:, None] * 0],
        )
        for q, one in enumerate(mine, 1):
            if one.quota.per == "all":
                outer += [numbers[:, q : q + 1], total[:, None]]
                continue
            off = one.quota.missed(numbers[:, q], total)
            keep &= (off == 0) | (one.quota.price is not None)
            cost += off * (one.quota.price or 0.0) / 100
        told_apart = np.hstack(outer).astype(np.float64)[keep]
        told, number = np.unique(told_apart, axis=0, return_inverse=True)
        alike = [np.flatnonzero(number.ravel() == k) for k in range(len(told))]
        members = [np.flatnonzero(kind.ravel() == c) for c in range(len(classes))]
        return cls(settings, asked, members, counts[keep], cost[keep], alike)

    def best(
        self, value: Floats, places: Ints, extra: Floats
    ) -> Iterator[tuple[int, int, float, list[int]]]:
        """Yield the best choices of T visits: number of the visit, what its rules over all visits tell it by, worth, who.

        value (T, V) what each visitor is worth, -inf for one who cannot go; places (T,); extra (T,) is taken off the
        worth. A choice with a visitor who is worth nothing or has no place is left out; visitors go best first.
        """
        falling = -np.round(value, 9)
        order = [who[np.argsort(falling[:, who], axis=1, kind="stable")] for who in self.members]
        worth = np.zeros((len(value), len(self.counts)))
        for c, who in enumerate(order):
            able = np.take_along_axis(value, who, axis=1)
            sums = np.cumsum(np.where(able > 0, able, -np.inf), axis=1)
            worth += np.insert(sums, 0, 0.0, axis=1)[:, self.counts[:, c]]
        worth -= self.cost
        worth[self.counts.sum(axis=1) > places[:, None]] = -np.inf
        net = np.round(worth - extra[:, None], 9)
        for key, choices in enumerate(self.alike):
            best = choices[np.argmax(net[:, choices], axis=1)]
            for t in np.flatnonzero(np.isfinite(net[np.arange(len(net)), best])).tolist():
                taken = [of[t, :n] for of, n in zip(order, self.counts[best[t]], strict=True)]
                yield t, key, float(worth[t, best[t]]), np.concatenate(taken).tolist()

    def hosts_cost(self, hosts: Sequence[int]) -> float:
        """Return what the stops of a visit miss of the rules on them, in score; inf of what must hold."""
        total = 0.0
        for one in self.asked:
            if one.quota.of == "hosts" and one.quota.per == "visit":
                off = float(one.quota.missed(int(one.cities[list(hosts)].sum()), len(hosts)))
                total += (
                    off * (math.inf if one.quota.price is None else one.quota.price / 100)
                    if off
                    else 0
                )
        return total


def rules_on_all(
    guests: Sequence[Sequence[int]], hosts: Sequence[Sequence[int]], asked: Sequence[VisitKinds]
) -> Iterator[Rule]:
    """Yield the rules on the visitors, or the hosts, of all visits; guests and hosts (O,) are the cities of each option."""
    by_rule: dict[int, list[VisitKinds]] = {}
    for one in asked:
        if one.quota.per == "all":
            by_rule.setdefault(id(one.quota), []).append(one)
    for kinds in by_rule.values():
        name, quota = kinds[0].name, kinds[0].quota
        sides = guests if quota.of == "guests" else hosts
        size = np.array([len(side) for side in sides], dtype=np.float64)
        member = sp.csr_array(np.ones((1, len(sides))))
        nobody = np.zeros((1, len(kinds[0].cities)), dtype=bool)
        units = Units(OVER_ALL[quota.of], [OVER_ALL[quota.of]], member, nobody, size=size)
        counted = [
            Counted(np.array([k.cities[list(s)].sum() for s in sides], float), k.cities, k.what)
            for k in kinds
        ]
        yield from rules_of(name, quota, units, counted)


OVER_ALL: Final = {"guests": say("Of all visitors"), "hosts": say("Of all hosts visited")}
"""Where a rule over all visits is counted, in words."""
