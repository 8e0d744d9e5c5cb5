"""Figures of who is served and how: the pairs of a twinning round beside each other, and fairness.

Who is worst served, which pairs rest on little, where guests go; and who has a place and who has not, by country,
region, size, wealth and experience.

Notation: G eligible guests, H hosts of the frame; score (G, H). Of N cities that could have a place, K have one; a group
has n of the N and k of the K. Were places drawn by lot, k would be hypergeometric; the chance of so few tells whether a
shortfall needs a reason.
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Final

import numpy as np

from twinmatch.affinity import compare
from twinmatch.cohort import City, Cohort
from twinmatch.facets import FACETS, OWN, FacetCache
from twinmatch.programmes.kinds import REGIONS
from twinmatch.programmes.twinning import PreparedTwinning
from twinmatch.proposal import Cell, Meeting, Product, Table, make_table
from twinmatch.proposal.tables import AlikeRow, FairnessRow, SatisfactionRow, WatchRow
from twinmatch.vocabulary.geography import country
from twinmatch.wording import count, joined, raised, say, say_n, sentence

CLOSE: Final = 0.01
"""A lead of less than this over the next best host is one that a small change of the weights may turn."""

THIN: Final = 0.5
"""Below this part of the weights, a pair rests on little."""

ALIKE, UNLIKE = 3, 2
"""How many things alike and unlike are named for each pair."""


@dataclass(frozen=True, eq=False)
class TwinningRound:
    """A twinning product with what it was made from."""

    cohort: Cohort
    facet_cache: FacetCache
    ready: PreparedTwinning
    product: Product

    @cached_property
    def host_name(self) -> dict[str, str]:
        """Return the name of every host of the frame by its id."""
        return {host.id: host.name for host in self.ready.frame.hosts}

    def guest(self, meeting: Meeting) -> int:
        """Return the index of a pair's guest."""
        return self.cohort.index[meeting.cities("guest")[0]]

    def host_id(self, meeting: Meeting) -> str:
        """Return the id of a pair's host."""
        return meeting.unit or meeting.cities("host")[0]

    def names(self, meeting: Meeting) -> tuple[str, str]:
        """Return the names of a pair's guest and host."""
        return self.cohort.cities[self.guest(meeting)].name, self.host_name[self.host_id(meeting)]

    def place(self, meeting: Meeting) -> tuple[int, int]:
        """Return the row and the column of a pair in the frame."""
        affinity = self.ready.affinity
        return affinity.row_of[self.guest(meeting)], affinity.column_of[self.host_id(meeting)]

    @cached_property
    def scores(self) -> dict[int, float]:
        """Return the best score of each guest with a pair, by index."""
        found: dict[int, float] = {}
        for meeting in self.product.meetings:
            i = self.guest(meeting)
            found[i] = max(meeting.score, found.get(i, 0.0))
        return found

    @cached_property
    def open(self) -> np.ndarray[tuple[int, int], np.dtype[np.bool_]]:
        """Return the pairs that no rule takes out, shape (G, H)."""
        frame = self.ready.frame
        return self.ready.allowed.reshape(len(frame.hosts), len(frame.guests)).T


def satisfaction(round_: TwinningRound) -> Table:
    """Return how near each guest's pair is to the best host it could have had, the worst served first."""
    score = np.round(round_.ready.affinity.score, 9)
    rows = []
    for meeting in round_.product.meetings:
        r, c = round_.place(meeting)
        line = np.where(round_.open[r], score[r], -1.0)
        best = int(np.argmax(line))
        rank = 1 + int((line > score[r, c]).sum())
        points = float(score[r, c]), float(line[best])
        host = round_.ready.frame.hosts[best].name
        ranked = rank, int(round_.open[r].sum())
        rows.append(SatisfactionRow(meeting.id, *round_.names(meeting), *points, host, *ranked))
    rows.sort(key=lambda row: (row.points - row.best, row.points, row.meeting))
    return make_table("satisfaction", rows, told=_served(rows))


def _served(rows: Sequence[SatisfactionRow]) -> str:
    if not rows:
        return ""
    first = sum(row.rank == 1 for row in rows)
    worst = rows[0]
    says = "Guests that meet the host that fits them best: {n} of {all}."
    text = say(says, n=first, all=len(rows))
    if worst.rank > 1:
        points = {"points": 100 * worst.points, "best": 100 * worst.best}
        told = {"guest": worst.guest, "host": worst.host, "best_host": worst.best_host, **points}
        says = " Worst served is {guest}: {points:.1f} points with {host}, where {best_host} would give {best:.1f}."
        text += say(says, **told)
    return text


def watch(round_: TwinningRound) -> Table:
    """Return the pairs to look at before they are confirmed, the ones that rest on least first.

    A pair is named where little of its weights is known, where the guest's next best host is nearly as good, or
    where it fits less well than the average possible pair.
    """
    score = np.round(round_.ready.affinity.score, 9)
    found = []
    for meeting in round_.product.meetings:
        r, c = round_.place(meeting)
        others = np.where(round_.open[r], score[r], -1.0)
        others[c] = -1.0
        other = int(np.argmax(others))
        reasons = list(_doubts(round_, meeting, float(score[r, c]), other, float(others[other])))
        if reasons:
            one, other_name = round_.names(meeting)
            pair = say("{one} with {other}", one=one, other=other_name)
            known, why = meeting.account.coverage, sentence(joined(reasons, "; "))
            found.append((len(reasons), WatchRow(meeting.id, pair, meeting.score, known, why)))
    found.sort(key=lambda x: (-x[0], x[1].known, x[1].meeting))
    rows = [row for _, row in found]
    says = say_n(
        "{n} of {pairs} rests on little, or is close to another choice; look there first.",
        "{n} of {pairs} rest on little, or are close to another choice; look there first.",
        len(rows),
        pairs=count(len(round_.product.meetings), "pair"),
    )
    return make_table("watch", rows, told=says if rows else "")


def _doubts(
    round_: TwinningRound, meeting: Meeting, own: float, other: int, next_best: float
) -> Iterator[str]:
    if meeting.account.coverage < THIN:
        says = "only {part:.0f}% of the weights rest on something known"
        yield say(says, part=100 * meeting.account.coverage)
    if next_best >= 0 and abs(own - next_best) < CLOSE:
        name = round_.ready.frame.hosts[other].name
        says = "{host} would fit the guest nearly as well ({points:.1f} points apart)"
        yield say(says, host=name, points=100 * abs(own - next_best))
    if own < 0.5:
        yield say("it fits less well than the average possible pair")


def ties(round_: TwinningRound) -> Table:
    """Return how many guests of each country go to hosts of each country: rows guests, columns hosts.

    A unit of several countries counts once for each of them.
    """
    sent: Counter[tuple[str, str]] = Counter()
    for meeting in round_.product.meetings:
        guest = round_.cohort.cities[round_.guest(meeting)].country
        hosts = {round_.cohort.city(city).country for city in meeting.cities("host")}
        sent.update((guest, host) for host in sorted(hosts))
    rows_of = sorted({g for g, _ in sent}, key=lambda code: country(code).name)
    columns_of = sorted({h for _, h in sent}, key=lambda code: country(code).name)
    rows: tuple[tuple[Cell, ...], ...] = tuple(
        (country(g).name, *(sent[g, h] for h in columns_of)) for g in rows_of
    )
    at_home = sum(number for (g, h), number in sent.items() if g == h)
    pairs = say_n("{n:,} pair stays", "{n:,} pairs stay", len(round_.product.meetings))
    countries = count(len(columns_of), "country", "countries")
    says = say_n(
        "{n:,} country sends guests to {hosts}; {home} of {pairs} within one country.",
        "{n:,} countries send guests to {hosts}; {home} of {pairs} within one country.",
        len(rows_of),
        hosts=countries,
        home=at_home,
        pairs=pairs,
    )
    heads = ("Guests from", *(country(code).name for code in columns_of))
    return make_table("ties", rows, heads=heads, told=says if rows else "")


SHARED: Final = ("shared_challenges", "shared_topics", "shared_needs", "shared_levers")
"""Facets whose sentence says what two cities share: it tells a difference only where they share nothing."""


def alike(round_: TwinningRound) -> Table:
    """Return for each pair up to three things in which guest and host are alike, and up to two in which they differ.

    Told by our facets that compare like with like, and others that the round weighs, all weighted alike; what is not known
    is not told. A thing is alike where it beats at least half of the possible pairs, unlike where it does not; how far apart
    two cities lie is nothing that they have in common.
    """
    frame = round_.ready.frame
    names = (*OWN, *(w.facet for w in round_.product.weights if w.facet not in OWN))
    weights = {name: 1.0 for name in names if not FACETS[name].directed}
    rows, columns = frame.guests, frame.hosts
    affinity = compare(round_.cohort, weights, round_.facet_cache, rows=rows, columns=columns)
    found, meetings = [], round_.product.meetings
    places = np.array([round_.place(m) for m in meetings], dtype=np.intp).reshape(-1, 2)
    accounts = affinity.accounts(*places.T, worded=False)
    for meeting, account, place in zip(meetings, accounts, places.tolist(), strict=True):
        known = sorted((x for x in account.lines if x.known), key=lambda x: (-x.standing, x.facet))
        near = [x for x in known if x.standing >= 0.5 and x.facet != "nearness"][:ALIKE]
        unlike = (x for x in reversed(known) if x.standing < 0.5)
        far = [x for x in unlike if x.facet not in SHARED or x.likeness == 0][:UNLIKE]
        found += [
            AlikeRow(meeting.id, how, x.facet, says, round(x.standing, 6))
            for how, lines in (("alike", near), ("unlike", far))
            for x in lines
            for says in (affinity.worded(x, *place).says,)
        ]
    return make_table("alike", found)


# --- fairness -----------------------------------------------------------------------------------------------

SIZES: Final = (
    (50_000, say("under 50,000 residents")),
    (100_000, say("50,000 to 100,000")),
    (250_000, say("100,000 to 250,000")),
    (1_000_000, say("250,000 to 1 million")),
    (math.inf, say("over 1 million residents")),
)
"""Upper ends of the classes of size, and their names."""

THIRDS: Final = (say("lowest third of the cohort"), say("middle third"), say("highest third"))
"""Classes of wealth, by the thirds of the cohort."""

UNKNOWN: Final = say("not known")

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
        return cls(say("eligible guests"), round_.ready.frame.guests, round_.scores)

    @classmethod
    def of_groups(cls, cohort: Cohort, product: Product) -> Shares:
        """Return all cities, and the best score of a meeting of each that has one."""
        score: dict[int, float] = {}
        for meeting in product.meetings:
            for city in meeting.cities():
                i = cohort.index[city]
                score[i] = max(meeting.score, score.get(i, 0.0))
        return cls(say("cities"), tuple(range(len(cohort))), score)


def fairness(cohort: Cohort, shares: Shares) -> Table:
    """Return places by country, region, size, wealth and experience, with the chance of so few by lot.

    Where everyone has a place there is nothing to tell, and no row; what has one group only is left out.
    """
    everyone = set(shares.could) <= set(shares.score)
    by = () if everyone else dimensions(cohort)
    rows = tuple(row for name, of in by for row in _groups(cohort, shares, name, of))
    columns = (
        *("By", "Group", raised(shares.noun), "With a place", "Part with a place"),
        *("Mean points", "Chance of so few by lot"),
    )
    return make_table("fairness", rows, heads=columns, told=_says(shares, rows))


def _says(shares: Shares, groups: Sequence[FairnessRow]) -> str:
    could, placed = len(shares.could), len(set(shares.score) & set(shares.could))
    text = say("{n} of {all} {noun} have a place.", n=placed, all=could, noun=shares.noun)
    if placed == could:
        return text
    rare = [g for g in groups if g.chance < RARE]
    if not rare:
        says = " No group of {n} has fewer places than a draw by lot would give in 19 of 20 cases."
        return text + say(says, n=len(groups))
    named = (
        say("{group} ({by:lower}): {n} of {all}", group=g.group, by=g.by, n=g.placed, all=g.cities)
        for g in sorted(rare, key=lambda g: g.chance)
    )
    says = " Fewer places than a draw by lot would give in 19 of 20 cases: {groups}."
    return text + say(says, groups=joined(named, "; "))


Naming = Callable[[City], str]


def dimensions(cohort: Cohort) -> tuple[tuple[str, Naming], ...]:
    """Return by what fairness is reported, each with the name of a city's group."""
    known = [v for v in map(_gdp, cohort.cities) if not math.isnan(v)]
    ends = np.quantile(known or [math.nan], (1 / 3, 2 / 3))

    def wealth(city: City) -> str:
        value = _gdp(city)
        return UNKNOWN if math.isnan(value) else THIRDS[int((value > ends).sum())]

    return (
        (say("Country"), lambda c: country(c.country).name),
        (say("Region"), lambda c: REGIONS[country(c.country).region]),
        (say("Size"), size_class),
        (say("Wealth of the region"), wealth),
        (say("Earlier rounds"), _experience),
    )


def size_class(city: City) -> str:
    """Return the class of size that a city belongs to."""
    if city.population is None:
        return UNKNOWN
    return next(name for most, name in SIZES if city.population.value < most)


def _gdp(city: City) -> float:
    figure = city.context.gdp_per_head if city.context else None
    return math.nan if figure is None else figure.value


def _experience(city: City) -> str:
    programmes = city.participation.programmes if city.participation else ()
    return say("took part in one before") if programmes else say("none known")


def _groups(cohort: Cohort, shares: Shares, by: str, of: Naming) -> Iterator[FairnessRow]:
    members: dict[str, list[int]] = {}
    for i in shares.could:
        members.setdefault(of(cohort.cities[i]), []).append(i)
    if len(members) < 2:
        return
    order = [*(name for _, name in SIZES), *REGIONS.values(), *THIRDS]
    places = len(set(shares.could) & set(shares.score))

    def rank(name: str) -> tuple[bool, int, str]:
        return name == UNKNOWN, order.index(name) if name in order else 0, name

    for name in sorted(members, key=rank):
        scores = [shares.score[i] for i in members[name] if i in shares.score]
        placed, n = len(scores), len(members[name])
        mean = round(math.fsum(scores) / placed, 6) if scores else None
        chance = round(_so_few(placed, len(shares.could), places, n), 6)
        yield FairnessRow(by, name, n, placed, placed / n, mean, chance)


def _so_few(placed: int, could: int, places: int, group: int) -> float:
    """Return the chance that at most ``placed`` of a group's cities win a place in a draw by lot."""

    # Importing scipy.stats would take longer than all figures together; factorials of thousands have thousands of digits.
    def ways(n: int, k: int) -> float:
        return math.lgamma(n + 1) - math.lgamma(k + 1) - math.lgamma(n - k + 1)

    others, every = could - group, ways(could, places)
    drawn = range(max(0, places - others), min(placed, places) + 1)
    logs = (ways(group, k) + ways(others, places - k) - every for k in drawn)
    return math.fsum(map(math.exp, logs))
