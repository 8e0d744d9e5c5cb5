"""Standings: where each pair stands among all pairs by one facet, from likenesses counted on steps.

Likenesses are rounded to six decimals before they are ranked, so a likeness is one of 1,000,001 *steps*, and
counting the pairs on each step gives every standing exactly. So no pair needs to be held: up to ``HELD`` pairs of
kinds of cities the steps are, beyond that they are compared again where they are asked for, some rows at a time,
and the result is the same to the last bit; between peers, so many pairs are not all counted, but an even draw of them. steps (R, C) int32, the likeness times 10**6, ``UNKNOWN`` where it is
not known; table (10**6 + 2,), the standing of each step, the last one that of ``UNKNOWN``.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import Final
from zlib import crc32

import numpy as np
from numpy.typing import NDArray

from twinmatch.cohort import Host
from twinmatch.facets.base import Facet

Floats = NDArray[np.float64]
Ints = NDArray[np.intp]
Steps = NDArray[np.int32]

DECIMALS: Final = 6
"""Likenesses are rounded to this before they are ranked, so that machines agree on ties."""

THIN_COVERAGE: Final = 0.35
"""Below this part of the weights little is known of a meeting or a peer, and that is said."""

UNKNOWN_STANDING: Final = 0.5

PRIOR: Final = 100.0
"""Average pairs with which a guest's mean standing is shrunk: about as many as a round has hosts."""

STEP: Final = 10**DECIMALS
UNKNOWN: Final = STEP + 1

HELD: Final = 50_000_000
"""Pairs of kinds of cities whose steps are held for a facet: 200 MB."""

COUNTED: Final = 4_000_000
"""Pairs counted for a standing between peers where not all are held; it is known to within 0.1 of 100 points."""

STRIP: Final = 64
"""Cities on each side of a block of drawn pairs."""

BLOCK: Final = 400_000
"""Pairs that are compared together; no result depends on it."""


def in_parts(rows: int, columns: int) -> Iterator[Ints]:
    """Yield the numbers of the rows of a table, as many at a time as are compared together."""
    step = max(BLOCK // max(columns, 1), 1)
    for start in range(0, rows, step):
        yield np.arange(start, min(start + step, rows), dtype=np.intp)


def steps_of(likeness: Floats) -> Steps:
    """Return likenesses in [0, 1] as steps; nan is ``UNKNOWN``."""
    unknown = np.isnan(likeness)
    steps = np.where(unknown, UNKNOWN / STEP, likeness)
    steps *= STEP
    return np.asarray(np.rint(steps, out=steps).astype(np.int32))


def likeness_of(steps: Steps) -> Floats:
    """Return the likenesses of steps, the very numbers that were rounded; nan for ``UNKNOWN``."""
    likeness = steps.astype(np.float64) / STEP
    return np.asarray(np.where(steps == UNKNOWN, np.nan, likeness))


def standing_table(count: NDArray[np.int64]) -> Floats:
    """Return the standing of every step, shape (10**6 + 2,), from the pairs on each, the unknown ones last.

    The mid-distribution function (Parzen 1979, doi:10.1080/01621459.1979.10481621), whose mean over the pairs is
    exactly 0.5.
    """
    known = count[: STEP + 1]
    twice = np.cumsum(known)
    size = int(twice[-1])
    twice *= 2
    twice -= known
    table = np.empty(UNKNOWN + 1)
    table[STEP + 1 if size else 0 :] = UNKNOWN_STANDING
    if size:
        np.divide(twice, 2 * size, out=table[: STEP + 1])
    return table


class Compared:
    """One facet over all rows and columns of an affinity: its steps, held or compared where they are asked for.

    Cities that a facet cannot tell apart are of one kind, and each two kinds are compared once: row (R,) and
    column (C,) are the kinds, ``between`` compares some kinds of rows with some of columns.
    """

    def __init__(
        self, row: Ints, column: Ints, between: Callable[[Ints, Ints], Floats], same: bool
    ) -> None:
        self.row, self.column, self._between, self._same = row, column, between, same
        self._rows, self._columns = (int(k.max(initial=-1)) + 1 for k in (row, column))
        self._held: Steps | None = None
        if self._rows * self._columns <= HELD:
            self._held = self._all()

    @property
    def is_held(self) -> bool:
        """Return whether the steps are held, so that counting them all takes no time."""
        return self._held is not None

    def _all(self) -> Steps:
        held = np.empty((self._rows, self._columns), dtype=np.int32)
        everyone = np.arange(self._columns, dtype=np.intp)
        for kinds in in_parts(self._rows, self._columns):
            first = int(kinds[0]) if self._same else 0
            held[kinds, first:] = self.between(kinds, everyone[first:])
            if first:  # what stands before is known from above
                held[kinds, :first] = held[:first, kinds].T
        return held

    def between(self, rows: Ints, columns: Ints) -> Steps:
        """Return the steps between some kinds of rows and of columns, shape (r, c)."""
        return steps_of(self._between(rows, columns))

    def block(self, rows: Ints, columns: Ints) -> Steps:
        """Return the steps of some rows to some columns, shape (r, c)."""
        row, column = self.row[rows], self.column[columns]
        if self._held is not None:
            return np.take(self._held[row], column, axis=1)
        kinds, row = np.unique(row, return_inverse=True)
        others, column = np.unique(column, return_inverse=True)
        return np.take(self.between(kinds, others)[row], column, axis=1)

    def pairs(self, rows: Ints, columns: Ints) -> Steps:
        """Return the steps of pairs, row by column, shape (m,)."""
        if self._held is not None:
            return np.asarray(self._held[self.row[rows], self.column[columns]])
        few, row = np.unique(rows, return_inverse=True)
        some, column = np.unique(columns, return_inverse=True)
        found = np.empty(len(row), dtype=np.int32)
        high = max(BLOCK // max(len(some), 1), 1)
        for start in range(0, len(few), high):
            at = np.flatnonzero((row >= start) & (row < start + high))
            here, place = np.unique(column[at], return_inverse=True)
            block = self.block(few[start : start + high], some[here])
            found[at] = block[row[at] - start, place]
        return found

    def count(self) -> NDArray[np.int64]:
        """Return how many pairs of a row and a column stand on each step, shape (10**6 + 2,)."""
        rows = np.bincount(self.row, minlength=self._rows)
        columns = np.bincount(self.column, minlength=self._columns)
        total = np.zeros(UNKNOWN + 1, dtype=np.int64)
        everyone = np.arange(self._columns, dtype=np.intp)
        for kinds in in_parts(self._rows, self._columns):
            steps = self.between(kinds, everyone) if self._held is None else self._held[kinds]
            np.add.at(total, steps.ravel(), (rows[kinds][:, None] * columns).ravel())
        return total


def drawn_pairs(n: int) -> Iterator[tuple[Ints, Ints]]:
    """Yield rows and columns of cities whose pairs are counted: an even draw of about ``COUNTED`` pairs.

    The cities are laid out in a random circle of strips and each strip is compared with the next ones, so that every
    city is in as many pairs and outliers move no standing (a balanced incomplete design; Lee 1990, U-Statistics,
    chapter 4). It stops short of half the circle, where the pairs would come again the other way round. It depends
    on the number of cities alone.
    """
    circle = np.random.default_rng(0).permutation(n).astype(np.intp)
    strips = np.array_split(circle, -(-n // STRIP))
    shifts = min(max(1, round(COUNTED / (n * STRIP))), (len(strips) - 1) // 2)
    for shift in range(1, 1 + shifts):
        for k, rows in enumerate(strips):
            yield rows, strips[(k + shift) % len(strips)]


def standing(likeness: Floats, others: NDArray[np.bool_]) -> Floats:
    """Return the share of the pairs in ``others`` with a known likeness that each pair beats, ties half.

    Shape and order are those of ``likeness``, which may be any number, such as kilometres; nan stands at 0.5.
    """
    known = likeness[others & ~np.isnan(likeness)]
    if not known.size:
        return np.full(likeness.shape, UNKNOWN_STANDING)
    ordered = np.sort(known)
    filled = np.where(np.isnan(likeness), ordered[0], likeness)
    below = np.searchsorted(ordered, filled, side="left")
    up_to = np.searchsorted(ordered, filled, side="right")
    share = (below + up_to) / (2 * ordered.size)
    return np.where(np.isnan(likeness), UNKNOWN_STANDING, share)


def tie_keys(ids: Iterable[str]) -> NDArray[np.uint32]:
    """Return the CRC-32 of each id, (n,): ties of a city go by its key XOR those of the others, so that they spread."""
    return np.fromiter((crc32(id_.encode()) for id_ in ids), dtype=np.uint32)


def best(score: Floats, k: int, ties: NDArray[np.uint32]) -> Ints:
    """Return the k best places of a score (n,): best first, ties to nine decimals by the least of ``ties`` (n,)."""
    rounded = np.round(score, 9)
    chosen = np.arange(len(score))
    if k < len(score):
        chosen = np.flatnonzero(rounded >= np.partition(rounded, len(score) - k)[len(score) - k])
    return chosen[np.lexsort((ties[chosen], -rounded[chosen]))][:k]


def expected_standing(standing: Floats, known: NDArray[np.bool_]) -> Floats:
    """Return where each row stands on average where it is known, both (r, c), shrunk to 0.5, shape (r,)."""
    away = np.where(known, standing - UNKNOWN_STANDING, 0.0).sum(axis=1)
    mean = away / (known.sum(axis=1) + PRIOR)
    return np.asarray(UNKNOWN_STANDING + np.round(mean, DECIMALS))


def numbered_kinds(facet: Facet, cities: Ints) -> tuple[Ints, Ints]:
    """Return the kind of each city, numbered from 0, and the first place of each kind; all differ where none is named."""
    named = getattr(facet, "kinds", None)
    if named is None:
        alone = np.arange(len(cities), dtype=np.intp)
        return alone, alone
    _, first, kind = np.unique(named[cities], return_index=True, return_inverse=True)
    return kind.astype(np.intp), first.astype(np.intp)


def mean_by_host(facet: Facet, rows: Ints, hosts: Sequence[Host]) -> Floats:
    """Return the likeness of every row to every host, shape (r, c): the mean over its members that are known.

    A host without a member, as a group that nobody leads, is like nobody: nan.
    """
    sizes = np.array([len(host.cities) for host in hosts], dtype=np.intp)
    means = np.full((len(rows), len(hosts)), np.nan)
    if not sizes.any():
        return means
    each = facet.likeness(rows, np.array([i for host in hosts for i in host.cities], dtype=np.intp))
    starts = (np.cumsum(sizes) - sizes)[sizes > 0]
    known = np.add.reduceat(~np.isnan(each), starts, axis=1)
    total = np.add.reduceat(np.nan_to_num(each), starts, axis=1)
    means[:, sizes > 0] = np.where(known > 0, total / np.maximum(known, 1), np.nan)
    return means


class Moments:
    """Sums over pairs, from which variances and covariances come; seen some rows at a time."""

    def __init__(self, facets: int) -> None:
        self._n = 0
        self._sum = np.zeros(facets + 1)
        self._product = np.zeros(facets + 1)
        self._low, self._high = np.full(facets + 1, np.inf), np.full(facets + 1, -np.inf)

    def see(self, parts: Sequence[Floats], itself: tuple[Ints, Ints]) -> None:
        """Take in each facet's part and, last, the score of some pairs, (r, C), but for some of them."""
        # About the middle of the range, so that squares lose nothing to the mean.
        score = parts[-1] - UNKNOWN_STANDING
        score[itself] = 0.0
        self._n += score.size - len(itself[0])
        for f, part in enumerate(parts):
            pairs = part - (UNKNOWN_STANDING if f == len(parts) - 1 else 0.0)
            pairs[itself] = np.nan
            self._low[f] = min(self._low[f], np.fmin.reduce(pairs, axis=None, initial=np.inf))
            self._high[f] = max(self._high[f], np.fmax.reduce(pairs, axis=None, initial=-np.inf))
            pairs[itself] = 0.0
            self._sum[f] += pairs.sum()
            self._product[f] += (pairs * score).sum()

    def shares(self, names: Sequence[str]) -> dict[str, float]:
        """Return each facet's part of the variance of the scores."""
        if not self._n:
            return dict.fromkeys(names, 0.0)
        mean = self._sum / self._n
        covariance = self._product / self._n - mean * mean[-1]
        if covariance[-1] <= 1e-15:
            return dict.fromkeys(names, 0.0)
        varies = self._high - self._low > 1e-12
        return {
            name: float(covariance[f] / covariance[-1]) if varies[f] else 0.0
            for f, name in enumerate(names)
        }
