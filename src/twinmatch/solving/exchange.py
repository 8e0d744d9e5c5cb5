"""Exchanging items between groups until no swap helps: for many items under many counts.

`partition` proves small groupings and anneals plain ones; with dozens of categories over hundreds of items its
search under rules takes minutes without a compiler. Here every swap of two items is weighed with array
arithmetic: first by how far the counts of the rules are missed, then by the objective. Sizes never change.

Notation: n items, K groups; low, high (K,) the bounds of a count in each group; missed = how far counts lie outside, in items.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Sequence
from itertools import chain, repeat
from typing import Any

import numpy as np
import scipy.sparse as sp
from numpy.typing import ArrayLike

from twinmatch.solving.attributes import Distribute, NobodyIsolated, masks, per_group
from twinmatch.solving.blocks import Bools, Floats, Ints
from twinmatch.solving.highs import Model, answered, loaded

Counts = Distribute | NobodyIsolated
"""Rules that are numbers of a kind in each group."""

ROUNDS = 200
"""Rounds over all items at most; each ends sooner where no swap helps."""

NOTHING = 1e-9

PRICINGS = 9
"""Steps in search of the prices of a bound."""

PRICE = 0.05
"""By how much the first step changes a price, in likeness."""


def dealt(keys: Sequence[tuple[object, ...]], n_groups: int) -> Ints:
    """Return a grouping (n,) of about equal sizes: items sorted by their keys and dealt like cards.

    Items that are alike in the first key lie apart as far as that is possible.
    """
    order = sorted(range(len(keys)), key=lambda i: (*map(str, keys[i]), i))
    label = np.zeros(len(keys), dtype=np.int64)
    for place, item in enumerate(order):
        label[item] = place % n_groups
    return label


def seated_starts(seats: Ints, sizes: Sequence[int], count: int) -> Iterator[Ints]:
    """Yield groupings of these sizes that keep the seats: one in order, the others shuffled from a fixed seed."""
    rng = np.random.Generator(np.random.PCG64(0))
    free = np.flatnonzero(seats < 0)
    places = np.repeat(
        np.arange(len(sizes)), [size - int((seats == g).sum()) for g, size in enumerate(sizes)]
    )
    for number in range(count):
        label = seats.copy()
        label[free if number == 0 else rng.permutation(free)] = places
        yield label


def exchange(
    start: ArrayLike,
    likeness: ArrayLike,
    rules: Sequence[Counts] = (),
    *,
    soft: Sequence[tuple[Counts, float]] = (),
    bonus: ArrayLike | None = None,
    allowed: ArrayLike | None = None,
    fixed: ArrayLike | None = None,
    alike: bool = True,
    rounds: int = ROUNDS,
) -> Ints:
    """Return a grouping (n,) that no swap of two items betters, starting from ``start`` (n,).

    The rules' counts come first, then the sum over pairs inside groups of the likeness (n, n), symmetric
    (taken off with alike=False), divided by the size of the group less one, times two, plus the bonus (n, K) of
    each item, less the price of each unit by which soft rules are missed. allowed (n, K): where an item may sit; fixed (n,): items that stay. Whether every rule is kept is for
    the referee to say: a swap search may end with a count missed.
    """
    label = np.array(start, dtype=np.int64)
    state = _State(
        label, np.asarray(likeness, dtype=np.float64) * (1 if alike else -1), rules, soft, bonus
    )
    may = None if allowed is None else np.asarray(allowed, bool)
    moves = np.ones(len(label), dtype=bool) if fixed is None else ~np.asarray(fixed, bool)
    movable = np.flatnonzero(moves).tolist()
    in_vain = 0  # items in a row that no swap helped: once these are all, none will
    for i in chain.from_iterable(repeat(movable, rounds)):
        in_vain = 0 if state.better(i, may, moves) else in_vain + 1
        if in_vain == len(movable):
            break
    return state.label


def exchange_in_parts(
    start: ArrayLike,
    likeness: Callable[[Ints], Floats],
    rules: Sequence[Counts],
    parts: Sequence[Sequence[int]],
    *,
    soft: Sequence[tuple[Counts, float]] = (),
    fixed: ArrayLike | None = None,
    alike: bool = True,
    rounds: int = ROUNDS,
) -> Ints:
    """Return a grouping (n,) that no swap within a part betters; a part is some groups that swap among themselves.

    For cohorts of thousands: the time of :func:`exchange` grows with the square of the items, this one with their
    number. likeness gives that of some items to each other, (m, m), and is asked for a part at a time.
    """
    label = np.array(start, dtype=np.int64)
    stays = np.zeros(len(label), dtype=bool) if fixed is None else np.asarray(fixed, bool)
    for groups in parts:
        place = np.full(int(label.max(initial=0)) + 1, -1, dtype=np.int64)
        place[list(groups)] = np.arange(len(groups))
        inside = np.flatnonzero(place[label] >= 0)
        found = exchange(
            place[label[inside]],
            likeness(inside),
            [_within(rule, inside, groups, len(place)) for rule in rules],
            soft=[(_within(rule, inside, groups, len(place)), price) for rule, price in soft],
            fixed=stays[inside],
            alike=alike,
            rounds=rounds,
        )
        label[inside] = np.asarray(groups, dtype=np.int64)[found]
    return label


def _within(rule: Counts, items: Ints, groups: Sequence[int], n_groups: int) -> Counts:
    """The same rule over some items and groups."""
    values = np.asarray(rule.values)[items]
    if isinstance(rule, NobodyIsolated):
        return NobodyIsolated(values, rule.name)
    low = per_group(rule.low, n_groups)[list(groups)]
    high = None if rule.high is None else per_group(rule.high, n_groups)[list(groups)]
    return Distribute(values, low.tolist(), None if high is None else high.tolist(), rule.name)


class _State:
    """A grouping with its counts and, for every item and group, its summed likeness to the group."""

    def __init__(
        self,
        label: Ints,
        worth: Floats,
        rules: Sequence[Counts],
        soft: Sequence[tuple[Counts, float]],
        bonus: ArrayLike | None,
    ) -> None:
        self.label = label
        n, n_groups = len(label), int(label.max(initial=0)) + 1
        self.size = np.bincount(label, minlength=n_groups)
        self.worth = worth.copy()
        np.fill_diagonal(self.worth, 0.0)
        self.factor = 2.0 / np.maximum(self.size - 1.0, 1.0)
        self.everyone = np.arange(n)
        self.bonus = None if bonus is None else np.asarray(bonus, np.float64)
        seat = np.zeros((n, n_groups))
        seat[np.arange(n), label] = 1.0
        self.near = np.ascontiguousarray((self.worth @ seat).T)
        self._tell()
        self.kinds = [_Kinds(rule, label, self.size) for rule in rules]
        self.soft = [(_Kinds(rule, label, self.size), price) for rule, price in soft]

    def _tell(self) -> None:
        """Find the factor of each item's group and its summed likeness to it, both (n,)."""
        self.theirs = self.factor[self.label]
        self.own = self.near.take(self.label * len(self.label) + self.everyone)

    def better(self, i: int, may: Bools | None, moves: Bools) -> bool:
        """Make the best swap of an item, where there is one that helps; return whether there was."""
        gi, of, worth = int(self.label[i]), self.label, self.worth[i]
        gain = self.theirs * (self.near[:, i].take(of) - worth - self.own)
        gain += self.factor[gi] * (self.near[gi] - worth - self.near[gi, i])
        if self.bonus is not None:
            gain += self.bonus[i, of] + self.bonus[:, gi]
            gain -= self.bonus[i, gi] + self.bonus[self.everyone, of]
        for kinds, price in self.soft:
            gain -= price * kinds.missed_more(i, gi)
        missed = np.zeros(len(of))
        for kinds in self.kinds:
            missed += kinds.missed_more(i, gi)
        open_ = (of != gi) & moves
        if may is not None:
            open_ &= may[i, of] & may[:, gi]
        open_ &= (missed < -NOTHING) | ((missed < NOTHING) & (gain > NOTHING))
        candidates = np.flatnonzero(open_)
        if not len(candidates):
            return False
        fewest = np.round(missed[candidates], 9)
        candidates = candidates[fewest == fewest.min()]
        self._swap(i, int(candidates[np.round(gain[candidates], 9).argmax()]))
        return True

    def _swap(self, i: int, j: int) -> None:
        gi, gj = int(self.label[i]), int(self.label[j])
        for kinds in (*self.kinds, *(kinds for kinds, _ in self.soft)):
            kinds.swap(i, j, gi, gj)
        self.near[gi] += self.worth[j] - self.worth[i]
        self.near[gj] += self.worth[i] - self.worth[j]
        self.label[i], self.label[j] = gj, gi
        self._tell()


class _Kinds:
    """The counts of one rule on categories: an item is of one kind, or of none (the last row).

    A swap moves only two of its counts in each of two groups, so what one more and one less of a kind would miss
    is kept by group (kinds + 1, K) and looked up.
    """

    def __init__(self, rule: Counts, label: Ints, size: Ints) -> None:
        n_groups, self.alone = len(size), isinstance(rule, NobodyIsolated)
        every = masks(rule.values)
        self.kind = np.full(len(label), len(every), dtype=np.int64)
        for k, (_, mask) in enumerate(every):
            self.kind[mask] = k
        low, high = (0, None) if isinstance(rule, NobodyIsolated) else (rule.low, rule.high)
        self.low = per_group(low, n_groups)
        self.high = np.full(n_groups, np.inf) if high is None else per_group(high, n_groups)
        self.count = np.zeros((len(every) + 1, n_groups))
        np.add.at(self.count, (self.kind, label), 1.0)
        self.cell = self.kind * n_groups + label  # where an item's kind and group are in the counts
        self.one_more, self.one_less = np.zeros(self.count.shape), np.zeros(self.count.shape)
        self._tell(np.arange(n_groups))

    def _tell(self, groups: Ints) -> None:
        """Find what one more and one less of each kind would miss in some groups; items of no kind miss nothing."""
        count, now = self.count[:-1, groups], self._missed(self.count[:-1, groups], groups)
        self.one_more[:-1, groups] = self._missed(count + 1.0, groups) - now
        self.one_less[:-1, groups] = self._missed(count - 1.0, groups) - now

    def _missed(self, count: Floats, groups: Ints) -> Floats:
        if self.alone:
            return np.asarray(count == 1.0, dtype=np.float64)
        return _outside(count, self.low[groups], self.high[groups])

    def missed_more(self, i: int, gi: int) -> Floats:
        """By how much more the counts are missed after swapping i with each item, shape (n,)."""
        mine = self.kind[i]
        here = self.one_less[mine, gi] + self.one_more[:, [gi]]
        more = here + (self.one_more[mine] + self.one_less)
        more[mine] = 0.0
        return np.asarray(more.take(self.cell))

    def swap(self, i: int, j: int, gi: int, gj: int) -> None:
        """Count i in the group of j and j in the group of i."""
        for item, leaves, enters in ((i, gi, gj), (j, gj, gi)):
            self.count[self.kind[item], leaves] -= 1.0
            self.count[self.kind[item], enters] += 1.0
            self.cell[item] += enters - leaves
        self._tell(np.array([gi, gj]))


def _outside(total: Floats, low: Floats, high: Floats) -> Floats:
    return np.maximum(low - total, 0.0) + np.maximum(total - high, 0.0)


def pair_score(label: Ints, likeness: ArrayLike | Callable[[Ints], Floats]) -> float:
    """Return the sum over items of their mean likeness to the rest of their group, exactly rounded.

    likeness (n, n), or what gives that of some items to each other.
    """
    among = likeness if callable(likeness) else _table(likeness)
    parts: list[float] = []
    for group in range(int(label.max(initial=-1)) + 1):
        inside = np.flatnonzero(label == group)
        if len(inside) > 1:
            block = among(inside)
            parts.append(
                2.0 * math.fsum(block[np.triu_indices(len(inside), 1)]) / (len(inside) - 1)
            )
    return math.fsum(parts)


def _table(likeness: ArrayLike) -> Callable[[Ints], Floats]:
    worth = np.asarray(likeness, dtype=np.float64)
    return lambda items: np.asarray(worth[np.ix_(items, items)])


def pair_bound(likeness: ArrayLike, sizes: ArrayLike) -> float:
    """Return what no grouping into these sizes exceeds: every item with the ones that it is most like, at fair prices.

    A mean over s - 1 others is at most the mean over the s_min - 1 best ones, so the smallest size counts.
    """
    worth = np.array(likeness, dtype=np.float64)
    smallest = int(np.asarray(sizes).min())
    if smallest < 2:
        return math.inf
    np.fill_diagonal(worth, -np.inf)
    price = fair_prices(worth, smallest - 1)
    return math.fsum((*nearest(worth - price, smallest - 1).mean(axis=1).tolist(), *price.tolist()))


def nearest(worth: Floats, most: int) -> Floats:
    """Return the ``most`` largest in each row, the least of them first, (r, most)."""
    return np.asarray(np.sort(np.partition(worth, -most, axis=1)[:, -most:], axis=1))


def fair_prices(worth: Floats, most: int) -> Floats:
    """Return a price of each item, (n,), by which about as many have it among their ``most`` nearest as can.

    worth (n, n), -inf of an item with itself. In a grouping each item is with so many others as are with it, so whatever
    the prices, no grouping is worth more than the nearest less their prices, and all prices (Lagrange); these come
    from a few steps along the subgradient, the best of them kept.
    """
    price, found, least = np.zeros(len(worth)), np.zeros(len(worth)), math.inf
    for step in range(1, 1 + PRICINGS):
        left = worth - price
        bound = math.fsum((*nearest(left, most).mean(axis=1).tolist(), *price.tolist()))
        if bound < least:
            least, found = bound, price
        chosen = (left >= np.partition(left, -most, axis=1)[:, [-most]]).sum(axis=0) / most
        price = price + PRICE / step * np.clip(chosen - 1.0, -1.0, 1.0)
    return found


MOST_IN_TRIANGLES = 64
"""Items up to which triangles bound their groups: a few seconds' work."""

TRIANGLE_ROUNDS, TRIANGLE_WORK, MOST_TRIANGLES = 5, 12_000, 1_000
"""Rounds in which triangles are added, or more while items squared times rounds are few, and triangles of a round."""

MISSED = 1e-4
"""By so much at least is a triangle missed."""


def triangle_bound(
    likeness: Floats,
    sizes: Sequence[int],
    known: float,
    together: Sequence[tuple[int, int]] = (),
    marked: ArrayLike = (),
    band: tuple[int, int] = (0, 0),
) -> float:
    """Return what no grouping into these sizes exceeds, by a linear programme; inf of too many items.

    Of each size it says of every pair whether both are in a group of that size, x (T, n, n), and of every item, y (T, n). An
    item has as many others as the size says, and low to high of the marked with itself; pairs ``together`` share a group. Who
    is with j is with each other (Groetschel and Wakabayashi 1989, doi:10.1007/BF01589097): x[t, i, j] + x[t, j, k] - x[t, i, k]
    is at most y[t, j]. Triangles are added where they are missed, unless the bound is ``known`` to be reached.
    """
    n, kinds = len(likeness), np.unique(sizes)
    if n > MOST_IN_TRIANGLES or kinds[0] < 2:
        return math.inf
    first, second = np.triu_indices(n, 1)
    t, pairs = len(kinds), len(first)
    pair = np.zeros((n, n), dtype=np.int64)
    pair[first, second] = pair[second, first] = np.arange(pairs)
    gain = np.outer(2.0 / (kinds - 1.0), likeness[first, second]).ravel()
    model = _shares(n, sizes, [int(pair[ij]) for ij in together], np.asarray(marked, float), band)
    engine, bound = loaded(model, np.append(gain, np.zeros(t * n)), whole=False), math.inf
    for _ in range(max(TRIANGLE_ROUNDS, TRIANGLE_WORK // n**2)):
        answer = answered(engine, whole=False)
        if answer.x is None:
            break
        bound = min(bound, answer.value * (1 + NOTHING))
        x, y = answer.x[: t * pairs].reshape(t, pairs)[:, pair], answer.x[t * pairs :]
        of, j, i, k = _missed(x, y.reshape(t, n)).T
        if bound <= known * (1 + 2 * NOTHING) or not len(of):
            break
        sides = [of * pairs + side for side in (pair[i, j], pair[j, k], pair[i, k])]
        at = np.stack([*sides, t * pairs + of * n + j], axis=1).astype(np.int32)
        high, starts = np.zeros(len(of)), np.arange(0, at.size, 4, dtype=np.int32)
        factors = np.tile([1.0, 1.0, -1.0, -1.0], len(of))
        engine.addRows(len(of), high - np.inf, high, at.size, starts, at.ravel(), factors)
    return bound


def _shares(
    n: int, sizes: Sequence[int], together: Sequence[int], marked: Floats, band: tuple[int, int]
) -> Model:
    """Return the linear programme of pairs and items that share a group of each size, without triangles."""
    (kinds, number), (first, second) = np.unique(sizes, return_counts=True), np.triu_indices(n, 1)
    t, pairs = len(kinds), len(first)
    each, of_kind, any_kind = sp.eye_array(n), sp.eye_array(t), np.ones((1, t))
    ends = np.append(first, second), np.tile(np.arange(pairs), 2)
    others = sp.csr_array((np.ones(2 * pairs), ends), shape=(n, pairs))
    nothing = sp.csr_array((1, t * n))
    items = sp.csr_array((t, t * pairs)), sp.csr_array((n, t * pairs))
    rows: list[tuple[Any, Any, Any, Any]] = [
        (sp.kron(of_kind, others), sp.kron(sp.diags_array(1.0 - kinds), each), 0.0, 0.0),
        (items[0], sp.kron(of_kind, np.ones((1, n))), kinds * number, kinds * number),
        (items[1], sp.kron(any_kind, each), 1.0, 1.0),
    ]
    for p in together:
        this = sp.csr_array(([1.0], ([0], [p])), shape=(1, pairs))
        rows.append((sp.kron(any_kind, this), nothing, 1.0, 1.0))
    if marked.any():
        theirs = sp.csr_array((np.append(marked[second], marked[first]), ends), shape=(n, pairs))
        for most, at_least, at_most in ((band[0], 0.0, np.inf), (band[1], -np.inf, 0.0)):
            own = sp.kron(of_kind, sp.diags_array(marked - most))
            rows.append((sp.kron(of_kind, theirs), own, at_least, at_most))
    matrix = sp.csc_array(sp.vstack([sp.hstack([x, y]) for x, y, _, _ in rows]))
    low, high = (
        np.concatenate(
            [np.broadcast_to(np.asarray(row[k], float), row[0].shape[0]) for row in rows]
        )
        for k in (2, 3)
    )
    free = np.zeros(matrix.shape[1])
    return Model(matrix, low, high, free, free + 1.0, free > 0)


def _missed(x: Floats, y: Floats) -> Ints:
    """Return the triangles that are missed most, (c, 4): the size, the item that two are with, and the two."""
    n, item = x.shape[1], np.arange(x.shape[1])
    off = x[:, :, :, None] + x[:, :, None, :] - x[:, None, :, :] - y[:, :, None, None]
    off[:, item, item, :] = off[:, item, :, item] = 0.0
    at = np.argwhere(off * np.triu(np.ones((n, n)), 1) > MISSED)
    worst = np.argsort(-np.round(off[tuple(at.T)], 6), kind="stable")
    return np.asarray(at[worst[:MOST_TRIANGLES]], dtype=np.int64)
