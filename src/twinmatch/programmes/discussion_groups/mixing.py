"""Swaps of members between groups, so that groups are mixed or alike in something and people meet new peers."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from twinmatch.affinity import Affinity
from twinmatch.programmes.attributes import Attribute, alike, categories
from twinmatch.programmes.discussion_groups.search import MemberPairs, Slot
from twinmatch.programmes.discussion_groups.settings import DiscussionGroups
from twinmatch.programmes.round import Round
from twinmatch.programmes.rules import allowed_pairs
from twinmatch.solving import Distribute
from twinmatch.solving.exchange import exchange

Floats = NDArray[np.float64]


def with_swaps(
    round_: Round,
    settings: DiscussionGroups,
    slots: Sequence[Slot],
    leads: Sequence[Sequence[int]],
    members: MemberPairs,
    affinity: Affinity,
) -> MemberPairs:
    """Return the members after swaps for what groups are to be mixed or alike in and for new peers."""
    if not (settings.mixed or settings.alike or settings.past):
        return members
    chosen = members.chosen.reshape(len(slots), len(affinity.rows))
    joined = [(affinity.rows[int(r)], int(r), int(k)) for k, r in np.argwhere(chosen)]
    cities = [i for group in leads for i in group] + [i for i, _, _ in joined]
    label = [k for k, group in enumerate(leads) for _ in group] + [k for _, _, k in joined]
    fixed = np.array([True] * sum(map(len, leads)) + [False] * len(joined))
    bonus, may = np.zeros((len(cities), len(slots))), np.ones((len(cities), len(slots)), dtype=bool)
    open_ = allowed_pairs(members.rules).reshape(chosen.shape)
    for place, (_, r, _) in enumerate(joined, int(fixed.sum())):
        bonus[place], may[place] = affinity.score[r], open_[:, r]
    rules = []
    if settings.cities_per_country is not None:
        codes = np.array([round_.cohort.cities[i].country for i in cities])
        rules.append(Distribute(codes, 0, settings.cities_per_country))
    worth = _pair_worth(round_, settings, cities)
    found = exchange(label, worth, rules, bonus=np.round(bonus, 9), allowed=may, fixed=fixed)
    after = np.zeros_like(chosen)
    for place, (_, r, _) in enumerate(joined, int(fixed.sum())):
        after[found[place], r] = True
    score = members.candidates.score
    cost = float(score[members.chosen].sum() - score[after.ravel()].sum())
    return replace(
        members,
        chosen=after.ravel(),
        cost=cost,
        engine=f"{members.engine}, then swaps for the mix of groups",
    )


def _pair_worth(round_: Round, settings: DiscussionGroups, cities: Sequence[int]) -> Floats:
    """Return what two cities in one group are worth to each other beside their fit, shape (n, n)."""
    worth = np.zeros((len(cities), len(cities)))
    wishes: list[tuple[Attribute, float]] = [(a, 1.0) for a in settings.alike]
    wishes += [(a, -1.0) for a in settings.mixed]
    for attribute, sign in wishes:
        words = categories(round_.cohort, attribute)
        worth += sign * settings.pairs_weight / len(wishes) * alike([words[i] for i in cities])
    met = pairs_met(round_, settings)
    again = np.array([[frozenset((a, b)) in met and a != b for b in cities] for a in cities])
    return np.asarray(np.round(worth - settings.new_peers_weight * again.astype(np.float64), 9))


def pairs_met(round_: Round, settings: DiscussionGroups) -> set[frozenset[int]]:
    """Return the pairs of cities that shared a group of an earlier edition; cities no longer here are passed over."""
    index = round_.cohort.index
    groups = [[index[c] for c in group if c in index] for group in settings.past]
    return {frozenset((a, b)) for group in groups for a in group for b in group if a != b}
