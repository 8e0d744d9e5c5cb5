"""Quotas on groups that all of some cities are in, each of a known size: what the search is asked, and the best grouping.

Beside them how alike cities are in a category, which groups are mixed or alike by.

Notation: n cities; K groups; label (n,) the group of each city; alike (n, n) is 1 for cities of one category, 0 for
others, and the mean of the known pairs where either is not known, so that silence neither mixes nor matches.
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Callable, Collection, Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import islice, product
from typing import Any, Final

import numpy as np
from numpy.typing import ArrayLike, NDArray

from twinmatch.programmes.kinds import CATEGORIES
from twinmatch.programmes.quotas import Quota, counted_kinds, counted_says, with_topics
from twinmatch.programmes.round import Round
from twinmatch.programmes.rules import counted, priced
from twinmatch.proposal import RuleStatus
from twinmatch.solving import (
    Distribute,
    Gather,
    GroupRule,
    NobodyIsolated,
    group_referee,
)
from twinmatch.solving.blocks import Bools, Floats, Ints
from twinmatch.solving.exact import MOST_COLUMNS, column_count, solve_exactly
from twinmatch.solving.exchange import exchange, pair_score
from twinmatch.solving.grouping import task_of
from twinmatch.solving.initial_grouping import first_grouping
from twinmatch.wording import joined, say, titled

MOST_WAYS: Final = 24
"""Ways to keep the numbers of groups balanced that are tried."""


@dataclass(frozen=True, eq=False)
class GroupQuotas:
    """Quotas on groups that all of some cities are in: what the search is asked, and what an answer misses.

    kinds: each quota with its name and the cities of each kind that it counts, (n,); sizes (K,) of the groups. ``whole``: by
    how much all groups together miss what is asked of all, whoever is in which, and its cost.
    """

    kinds: tuple[tuple[str, Quota, tuple[tuple[str, Bools], ...]], ...]
    sizes: Ints
    whole: tuple[float, float] = (0.0, 0.0)

    @classmethod
    def of(
        cls,
        round_: Round,
        quotas: Iterable[tuple[str, Quota]],
        cities: Sequence[int],
        sizes: ArrayLike,
    ) -> GroupQuotas:
        """Return the quotas on groups of these sizes of some cities."""
        named, among = tuple(quotas), list(cities)
        cohort = with_topics(round_, named)
        each, whole = (
            tuple(
                (name, quota, tuple((w, m[among]) for w, m in counted_kinds(cohort, quota, among)))
                for name, quota in named
                if (quota.per == "all") == together
            )
            for together in (False, True)
        )
        together = cls(whole, np.array([len(among)])).missed(np.zeros(len(among), np.int64))
        return cls(each, np.asarray(sizes, dtype=np.int64), together)

    def within(self, cities: Sequence[int], sizes: ArrayLike) -> GroupQuotas:
        """Return the same on groups of some of the cities, by their places."""
        mine = list(cities)
        kinds = ((name, q, tuple((w, m[mine]) for w, m in every)) for name, q, every in self.kinds)
        return GroupQuotas(tuple(kinds), np.asarray(sizes, dtype=np.int64))

    def gathered(self) -> list[Bools]:
        """Return the kinds whose cities share a group, (n,) each."""
        return [mask for _, quota, kinds in self.kinds if quota.gather for _, mask in kinds]

    def missed(self, label: Ints) -> tuple[float, float]:
        """Return by how much a grouping misses what must hold, and what it costs that it misses the rest, in score."""
        hard, cost = self.whole
        total = np.bincount(label, minlength=len(self.sizes))
        for _, quota, kinds in self.kinds:
            for _, mask in kinds:
                number = np.bincount(label[mask], minlength=len(total))
                off = float(quota.missed(number, total).sum())
                off += quota.missed_over(number.tolist(), number.tolist())
                hard += off if quota.price is None else 0.0
                cost += off * (quota.price or 0.0) / 100
        return hard, cost

    def rules(self) -> list[tuple[GroupRule, float | None]]:
        """Return what the groups are asked one by one, each with its price, None where it must hold."""
        found: list[tuple[GroupRule, float | None]] = []
        for name, quota, kinds in self.kinds:
            price = None if quota.price is None else quota.price / 100
            several = _values(kinds, quota.each, int(self.sizes.sum()))
            low = np.maximum(quota.at_least or 0, (quota.share_at_least or 0.0) * self.sizes)
            high = np.full(len(self.sizes), np.inf if quota.at_most is None else quota.at_most)
            if quota.share_at_most is not None:
                high = np.minimum(high, quota.share_at_most * self.sizes)
            if price is None:
                low, high = np.ceil(low - 1e-9), np.floor(high + 1e-9)
            if low.any() or np.isfinite(high).any():
                found += [(_band(values, low, high, name), price) for values in several]
            if quota.nobody_alone:
                found += [(NobodyIsolated(values, name), price) for values in several]
            if quota.gather:
                found += [(Gather(values, name), None) for values in several]
        return found

    def ways(self) -> Iterator[list[tuple[GroupRule, float | None]]]:
        """Yield sets of rules, each of which keeps one choice of bands within which the groups are balanced.

        Without a quota that balances there is one. The widest bands come last; no more than ``MOST_WAYS``.
        """
        rules, choices = self.rules(), []
        for name, quota, kinds in self.kinds:
            if quota.balance is not None:
                choices += [list(self._bands(name, quota, mask)) for _, mask in kinds]
        for bands in islice(product(*choices), MOST_WAYS):
            yield [*rules, *((band, None) for band in bands)]

    def _bands(self, name: str, quota: Quota, mask: Bools) -> Iterator[Distribute]:
        """Yield the bands of a width within which the numbers of a kind can lie, wider ones too where that has a price."""
        number, k = int(mask.sum()), len(self.sizes)
        narrow, most = quota.balance or 0, int(min(number, self.sizes.max()))
        for width in range(narrow, narrow + 1 if quota.price is None else max(narrow, most) + 1):
            for low in range(max(0, -(-number // k) - width), number // k + 1):
                yield Distribute(mask, low, low + width, name)

    def costs(self, atom: Ints) -> Callable[[Ints], Floats]:
        """Return what gives the cost of sets of atoms (C, s) as groups, balance left aside; atom (n,) of each city."""
        mass = np.bincount(atom)
        soft = [
            (quota, np.bincount(atom, mask, len(mass)))
            for _, quota, kinds in self.kinds
            if quota.price is not None
            for _, mask in kinds
        ]

        def cost(sets: Ints) -> Floats:
            total, found = mass[sets].sum(axis=1), np.zeros(len(sets))
            for quota, held in soft:
                found += quota.missed(held[sets].sum(axis=1), total) * (quota.price or 0.0) / 100
            return found

        return cost


def best_grouping(
    likeness: Floats,
    asked: GroupQuotas,
    starts: Iterable[tuple[Ints, Bools]],
    *,
    also: Sequence[Distribute] = (),
    together: Sequence[tuple[int, int]] = (),
    fixed: Ints | None = None,
    alike: bool = True,
) -> tuple[Ints | None, float]:
    """Return the best grouping found under quotas, (n,), None where none is, and what none is worth more than.

    Its worth is the sum over cities of their mean likeness (n, n) to their group, or taken off, less what soft quotas
    cost. Few cities are grouped exactly. ``starts`` are groupings with the cities that stay; ``also`` other rules;
    ``together`` pairs that share a group and ``fixed`` (n,) groups that hold, -1 for none, as the starts have them.
    """
    bands = [(size, size) for size in asked.sizes.tolist()]
    best: tuple[float, list[int]] | None = None
    ways, bound, from_ = list(asked.ways()), -math.inf, list(starts)
    worth_of = likeness if alike else -likeness
    for way in ways:
        hard = [*also, *(rule for rule, price in way if price is None)]
        task = task_of(worth_of, bands, "mean", hard, together=together, fixed=fixed)
        counts = [rule for rule in hard if isinstance(rule, Distribute | NobodyIsolated)]
        soft = [(r, p) for r, p in way if p and isinstance(r, Distribute | NobodyIsolated)]

        def bettered(start: Ints, stays: Bools, counts: Any = counts, soft: Any = soft) -> Ints:
            return exchange(start, likeness, counts, soft=soft, fixed=stays, alike=alike)

        tried = from_ if len(counts) == len(hard) else []
        swapped = (bettered(start, stays) for start, stays in tried)
        found = [label for label in swapped if all(v.kept for v in group_referee(label, *hard))]
        if column_count(task) <= MOST_COLUMNS:
            # What swaps reach spares the search most sets where cities are alike.
            is_free = not any(price for _, price in way)
            known = task.of_atoms(found[0]) if found and is_free else None
            solved = solve_exactly(task, known, cost=asked.costs(task.atom))
            bound = max(bound, solved.bound)
            found = [] if solved.label is None else [solved.label[task.atom]]
        else:
            bound = math.inf
            if not found and (first := first_grouping(task)) is not None:
                stays = (np.bincount(task.atom) > 1)[task.atom]
                stays |= False if fixed is None else fixed >= 0
                found = [bettered(first, stays)]
        for label in found:
            worth = pair_score(label, likeness) * (1 if alike else -1) - asked.missed(label)[1]
            if best is None or (-round(worth, 9), label.tolist()) < (-best[0], best[1]):
                best = round(worth, 9), label.tolist()
    if best is None:
        return None, bound
    return np.array(best[1], dtype=np.int64), math.inf if len(ways) == MOST_WAYS else bound


def _values(
    kinds: Sequence[tuple[str, Bools]], each: str | None, n: int
) -> list[NDArray[np.generic]]:
    """Return the cities of each kind as a mask, or the category of every city where it has one and each some city, (n,)."""
    if each not in CATEGORIES or not all(mask.any() for _, mask in kinds):
        return [mask for _, mask in kinds]
    values = np.full(n, None, dtype=object)
    for word, mask in kinds:
        values[mask] = word
    return [values]


def _band(values: NDArray[np.generic], low: Floats, high: Floats, name: str) -> Distribute:
    """Return the rule that groups have between low and high (K,), as whole numbers where they are."""
    top = None if np.isinf(high).all() else high.tolist()
    return Distribute(values, low.tolist(), top, name)


# --- judged ----------------------------------------------------------------------------------------------------


def quotas_kept(
    round_: Round,
    quota: Quota,
    name: str,
    where: str,
    sets: Sequence[tuple[str, Collection[str], Collection[str]]],
    *,
    balanced: Sequence[Sequence[int]] | None = None,
) -> RuleStatus:
    """Return how a quota stands in sets of cities, counted city by city and nothing else.

    ``sets`` are labels, the ids of the cities in each, and those of them that were there first, such as leads.
    ``balanced`` are the sets whose numbers are balanced with each other, all where it is not given.
    """
    cohort = with_topics(round_, [(name, quota)])
    at = cohort.index
    everyone = sorted({at[city] for _, members, _ in sets for city in members})
    wrong, missed = [], 0.0
    for words, mask in counted_kinds(cohort, quota, everyone):
        numbers = [[sum(bool(mask[at[c]]) for c in ids) for ids in both] for _, *both in sets]
        for (label, members, _), (n, first) in zip(sets, numbers, strict=True):
            off = float(quota.missed(n, len(members), first))
            wrong += [say("{label} has {n} {what}", label=label, n=n, what=words)] if off else []
            missed += off
        for part in [range(len(sets))] if balanced is None else balanced:
            here = [numbers[k] for k in part]
            off = quota.missed_over([n for n, _ in here], [n - first for n, first in here])
            wrong += [
                say("{label} has {n} {what}", label=sets[k][0], n=numbers[k][0], what=words)
                for k in part
                if off
            ]
            missed += off
    says = counted_says(where, quota.bound, quota.wording) + "."
    if quota.price is None:
        return counted(name, says, wrong)
    return priced(name, says, quota.price, missed, wrong)


# --- alike ---------------------------------------------------------------------------------------------------


def alike(words: Sequence[str | None]) -> Floats:
    """Return how alike cities are in a category, shape (n, n)."""
    return Alike(words).of(np.arange(len(words)))


class Alike:
    """How alike cities are in a category, for those who ask for some of them at a time."""

    def __init__(self, words: Sequence[str | None]) -> None:
        names = {word: k for k, word in enumerate(sorted({w for w in words if w}))}
        self.kind = np.array([names[w] if w else -1 for w in words], dtype=np.int64)
        self.silent = silent_mean(words)

    def of(self, rows: NDArray[np.intp], columns: NDArray[np.intp] | None = None) -> Floats:
        """Return how alike some cities are to each other, (r, r), or to others, (r, c)."""
        one, other = self.kind[rows], self.kind[rows if columns is None else columns]
        both = (one >= 0)[:, None] & (other >= 0)
        return np.where(both, one[:, None] == other, self.silent)


def same_part(words: Sequence[str | None]) -> float | None:
    """Return the part of the pairs of known categories that are of one category; None without such a pair."""
    counted = Counter(w for w in words if w)
    pairs = math.comb(counted.total(), 2)
    return sum(math.comb(c, 2) for c in counted.values()) / pairs if pairs else None


def silent_mean(words: Sequence[str | None]) -> float:
    """Return what a pair with an unknown category counts: the mean over the known pairs, 0.5 without any."""
    same = same_part(words)
    return 0.5 if same is None else same


def composition(words: Sequence[str | None]) -> str:
    """Return the categories of some cities in words, the most frequent first, such as "5 small, 3 large"."""
    counted = sorted(Counter(word or say("not known") for word in words).items())
    return joined(
        (joined((str(n), titled(word))) for word, n in sorted(counted, key=lambda x: -x[1])), ", "
    )
