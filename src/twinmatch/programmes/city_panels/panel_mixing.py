"""All cities in panels as mixed as found: dealt, then swapped, with a bound."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from twinmatch.errors import NoProposalError, Problem
from twinmatch.programmes.city_panels.settings import CityPanels
from twinmatch.programmes.eligibility import Alike, Attribute, silent_mean
from twinmatch.programmes.round import Round
from twinmatch.solving import Distribute, group_referee, partition
from twinmatch.solving.exchange import dealt, exchange, exchange_in_parts

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]
Places = NDArray[np.intp]

AT_ONCE = 1_200
"""Cities up to which every swap is tried; of more, swaps within some panels at a time."""


TOGETHER = 400
"""Cities of panels that swap among themselves, where not all do."""


BLOCK = 1_000_000
"""Pairs whose likeness is held at once."""


PROVABLE = 16
"""Cities up to which the best panels are looked for among all groupings."""


@dataclass(frozen=True, eq=False)
class Mix:
    """How alike cities are in what panels are mixed by, for some of them at a time."""

    each: dict[Attribute, Alike]
    weights: dict[Attribute, float]

    def likeness(self, rows: Places, columns: Places | None = None) -> Floats:
        """Return how alike some cities are to each other, (r, r), or to others, (r, c), in [0, 1]."""
        whole = sum(w * self.each[a].of(rows, columns) for a, w in self.weights.items())
        return np.asarray(np.round(whole, 9))

    def least_alike(self, others: int) -> Floats:
        """Return each city's likeness to so many of the others to which it is least like, shape (n, others)."""
        kinds = np.column_stack([alike.kind for alike in self.each.values()])
        _, first, of = np.unique(kinds, axis=0, return_index=True, return_inverse=True)
        everyone, least = np.arange(len(kinds)), np.empty((len(first), others))
        for part in np.array_split(np.arange(len(first)), -(-len(first) * len(kinds) // BLOCK)):
            block = self.likeness(first[part], everyone)
            block[np.arange(len(part)), first[part]] = np.inf
            least[part] = np.sort(np.partition(block, others - 1, axis=1)[:, :others], axis=1)
        return least[of.ravel()]


def grouped(
    round_: Round,
    settings: CityPanels,
    cities: Sequence[int],
    number: int,
    mix: Mix,
    words: dict[Attribute, list[str | None]],
    rules: Sequence[Distribute],
) -> tuple[Ints, float]:
    """Return the panel of every city and a bound on the score; raises NoProposalError where quotas clash."""
    n = len(cities)
    sizes = np.full(number, n // number)
    sizes[: n % number] += 1
    smallest = int(sizes.min())
    apart = math.inf if smallest < 2 else n - _sum_of_means(mix.least_alike(smallest - 1))
    bound = min(apart, n - least_alike(settings, words, sizes))
    if n > PROVABLE:
        codes = [round_.cohort.cities[i].country for i in cities]
        keys = [
            (codes[k], *(words[a][k] or "" for a in settings.mix), round_.id(i))
            for k, i in enumerate(cities)
        ]
        label = _swapped(dealt(keys, number), number, mix, rules)
        if all(verdict.kept for verdict in group_referee(label, *rules)):
            return label, bound
    found = partition(
        mix.likeness(np.arange(n)),
        groups=[(int(s), int(s)) for s in sizes],
        objective="mean",
        alike=False,
        effort=50,
        rules=list(rules),
    )
    if found.status not in ("optimal", "feasible"):
        why = "; ".join(str(reason) for reason in found.reasons) or "the quotas clash"
        raise NoProposalError(
            Problem("no-panels", f"{settings.title}: {why}.", do="Loosen a quota.")
        )
    return found.label, n + found.bound if found.status == "optimal" else min(
        bound, n + found.bound
    )


def _swapped(start: Ints, number: int, mix: Mix, rules: Sequence[Distribute]) -> Ints:
    """Return panels that no swap betters; of thousands of cities, no swap within some panels at a time.

    Then swaps are tried twice, among panels that were dealt next to each other and among panels far apart.
    """
    if len(start) <= AT_ONCE:
        return exchange(start, mix.likeness(np.arange(len(start))), rules, alike=False)
    parts = -(-len(start) // TOGETHER)
    far = [list(range(part, number, parts)) for part in range(parts)]
    near = [part.tolist() for part in np.array_split(np.arange(number), parts)]
    return exchange_in_parts(start, mix.likeness, rules, [*near, *far], alike=False)


def _sum_of_means(least: Floats) -> float:
    """Return the sum over cities of the mean of their rows, exactly rounded."""
    return math.fsum(least.mean(axis=1).tolist())


def least_alike(
    settings: CityPanels, words: dict[Attribute, list[str | None]], sizes: Ints
) -> float:
    """Return a sum of mean likenesses that no panels go below: each attribute spread as evenly as if alone.

    Pairs with an unknown category count the mean; at best the known ones sit together in as few panels as
    they fill, which leaves the fewest pairs of known cities to differ.
    """
    number, most = len(sizes), int(sizes.max())
    factor = 2.0 / max(most - 1, 1)
    total = 0.0
    for attribute, weight in settings.mix.items():
        known = [w for w in words[attribute] if w]
        same = 0.0
        for held in Counter(known).values():
            each, more = divmod(held, number)
            same += (number - more) * math.comb(each, 2) + more * math.comb(each + 1, 2)
        if len(known) == len(words[attribute]):
            total += weight * factor * same
            continue
        silent = silent_mean(words[attribute])
        full, rest = divmod(len(known), most)
        together = full * math.comb(most, 2) + math.comb(rest, 2)
        pairs = sum(math.comb(int(size), 2) for size in sizes)
        total += weight * factor * max(0.0, same + silent * (pairs - together))
    return total


def engine(n: int) -> str:
    """Return in words how the panels of so many cities are found."""
    if n <= PROVABLE:
        return "exact search"
    among = "" if n <= AT_ONCE else " among some panels at a time"
    return f"dealt by country, then swaps{among}, with a bound"
