"""Rules on who goes on a visit, and to whom: the choices of visitors that keep them, and rules over all visits.

Visitors whom no rule tells apart are alike but for what a visit is worth to them, so the best of them go.

Notation: V visitors of a party, C classes of them, S choices by number, O options.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Final, NamedTuple

import numpy as np
import scipy.sparse as sp

from twinmatch.errors import QuestionError
from twinmatch.programmes.quotas import (
    Counted,
    PairQuota,
    Units,
    counted_kinds,
    counted_says,
    quota_rules,
    with_topics,
)
from twinmatch.programmes.round import Round
from twinmatch.programmes.rules import Rule
from twinmatch.programmes.study_visits.settings import StudyVisits
from twinmatch.solving import Bools, Floats, Ints
from twinmatch.wording import say

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
                f"{settings.title}: the rules tell {len(size)} kinds of visitors of {title!r} apart.",
                do="Count fewer categories, or let fewer cities make a visit.",
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
        for n, (bound, block) in enumerate(quota_rules(name, quota, units, counted)):
            own = f"{name} {n + 1}" if n else name
            says = counted_says(units.where, bound, quota.wording) + "."
            yield Rule(own, says, replace(block, name=own))


OVER_ALL: Final = {"guests": say("Of all visitors"), "hosts": say("Of all hosts visited")}
"""Where a rule over all visits is counted, in words."""
