"""Small groupings solved exactly: every group that the rules permit is a column of a set partition.

All rules are about one group at a time, so they only decide which columns exist, and the objective
of a column is exact whatever its form. The linear relaxation of the set partition is tight (Balas
and Padberg 1976, doi:10.1137/1018115); by its duals, columns that no grouping better than the one
in hand can use are dropped, and HiGHS proves the rest.

Notation: m atoms, K groups, C columns; a family is a set of interchangeable groups.

What no grouping can exceed, so that a search can tell its gap honestly: the lesser of two.

By members: each can at best sit with the others most like it, half the best pairs that a group of s
members can hold, weighed as the objective does. Choosing groups for all at once, within their sizes,
is a transport problem; its optimum is a bound on every grouping.

By eigenvalues: the pairs inside groups are a matrix whose K eigenvalues are the sizes, so their sum
is at most that of the sizes times the largest eigenvalues of the likeness, both in descending order
(Donath and Hoffman 1973, doi:10.1147/rd.175.0420).

Notation: n items, K groups, reward[i, g] the most that item i can bring to group g.
"""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from itertools import chain, combinations
from math import comb

import numpy as np
from scipy.sparse import csc_array, csr_array, eye_array, kron, vstack

from twinmatch.solving.blocks import Bools, Floats, Ints
from twinmatch.solving.grouping import Band, Task, in_order, pair_worth
from twinmatch.solving.highs import Model, maximise

MOST_COLUMNS = 60_000
WHOLE = 1e-7  # a share this near a whole number is one
CLOSE = 1e-9  # relative difference below which score and bound are the same


@dataclass(frozen=True, eq=False)
class Solved:
    """label (m,) the best grouping, or None; bound on every grouping; proven: label, or none, is final."""

    label: Ints | None
    bound: float
    proven: bool


@dataclass(frozen=True, eq=False)
class _Columns:
    """Members (C, s) as lists of atoms, the family (C,) each column belongs to, its score (C,)."""

    members: list[Ints]
    family: Ints
    score: Floats


def column_count(task: Task) -> int:
    """How many sets of atoms, once a family, would have to be looked at; MOST_COLUMNS can be."""
    families = len(np.unique(task.kin))
    return families * sum(comb(task.mass.size, s) for s in _cardinals(task))


def _cardinals(task: Task) -> range:
    """How many atoms a group with members can have."""
    light = np.sort(task.mass)
    fewest = int(np.searchsorted(light[::-1].cumsum(), task.low.min(), side="left")) + 1
    most = int(np.searchsorted(light.cumsum(), task.high.max(), side="right"))
    return range(fewest, most + 1)


def solve_exactly(
    task: Task,
    incumbent: Ints | None = None,
    seconds: float | None = None,
    cost: Callable[[Ints], Floats] | None = None,
) -> Solved:
    """The best grouping, proven, within a fixed number of nodes and the seconds given.

    incumbent: (m,) a grouping that keeps every rule, if one is known; it is only ever improved on. cost gives what
    sets of atoms (C, s) cost as groups, taken off their scores; an incumbent costs nothing.
    """
    began = time.monotonic()
    columns = _columns(task, cost)
    if not columns.members:
        return Solved(None, -np.inf, True)
    model = _model(task, columns)
    relaxed = maximise(model, columns.score, whole=False)
    if relaxed.x is None or relaxed.price is None:
        return Solved(None, -np.inf if relaxed.proven else np.inf, relaxed.proven)
    bound = relaxed.value
    score = -np.inf if incumbent is None else task.score(incumbent)
    room = CLOSE * max(1.0, abs(bound))
    if bound - score <= room:
        return Solved(incumbent, max(bound, score), True)
    if (np.abs(relaxed.x - np.round(relaxed.x)) < WHOLE).all():
        return Solved(_label(relaxed.x, columns, task), bound, True)
    reduced = columns.score - model.matrix.T @ relaxed.price
    left = np.flatnonzero(reduced >= score - bound - room)
    rest = None if seconds is None else seconds - (time.monotonic() - began)
    found = maximise(model.take(left), columns.score[left], whole=True, seconds=rest)
    if found.impossible:  # nothing better than the incumbent, if there is one
        return Solved(incumbent, score, True)
    bound = min(bound, found.bound)
    if found.x is None:
        return Solved(incumbent, bound, False)
    x = np.zeros(len(columns.members))
    x[left] = np.round(found.x)
    score = float(columns.score @ x)
    proven = found.proven and bound - score <= CLOSE * max(1.0, abs(score))
    return Solved(_label(x, columns, task), max(bound, score), proven)


def _model(task: Task, columns: _Columns) -> Model:
    """Every atom in one column, and as many columns of a family as it has groups.

    A group that may stay empty may also have no column.
    """
    kins, counts = np.unique(task.kin, return_counts=True)
    families = np.array([columns.family == kin for kin in kins], dtype=np.float64)
    matrix = csc_array(vstack([_matrix(columns.members, task.mass.size), csc_array(families)]))
    once, n = np.ones(task.mass.size), len(columns.members)
    low = np.concatenate([once, np.where(task.low[kins] == 0, 0, counts)])
    every = np.ones(n, dtype=np.bool_)
    return Model(matrix, low, np.concatenate([once, counts]), np.zeros(n), np.ones(n), every)


def _columns(task: Task, cost: Callable[[Ints], Floats] | None) -> _Columns:
    members: list[Ints] = []
    family: list[Floats] = []
    score: list[Floats] = []
    for chosen in _subsets(task):
        for kin in np.unique(task.kin).tolist():
            good = chosen[_permitted(task, chosen, kin)]
            members.extend(good)
            family.append(np.full(len(good), kin, dtype=np.float64))
            score.append(_scores(task, good) - (0.0 if cost is None else cost(good)))
    if not members:
        return _Columns([], np.zeros(0, dtype=np.int64), np.zeros(0))
    return _Columns(members, np.concatenate(family).astype(np.int64), np.concatenate(score))


def _subsets(task: Task) -> Iterator[Ints]:
    """All sets of atoms that may fit a group, as arrays (C, s), one for each number of atoms s."""
    n_atoms = task.mass.size
    for s in _cardinals(task):
        flat = np.fromiter(chain.from_iterable(combinations(range(n_atoms), s)), dtype=np.int64)
        yield flat.reshape(-1, s)


def _permitted(task: Task, chosen: Ints, group: int) -> Bools:
    """Which of the sets (C, s) keep every rule as the members of a group."""
    size = task.mass[chosen].sum(axis=1)
    good: Bools = task.may[chosen, group].all(axis=1)
    good &= (task.low[group] <= size) & (size <= task.high[group])
    for count, tally in zip(task.counts, task.tally, strict=True):
        held = tally[chosen].sum(axis=1)
        good &= (count.low[group] <= held) & (held <= count.high[group])
        good &= (held != 1) if count.alone else True
    return good


def _scores(task: Task, chosen: Ints) -> Floats:
    inside = task.inner[chosen].sum(axis=1)
    for p, q in combinations(range(chosen.shape[1]), 2):
        inside += task.weight[chosen[:, p], chosen[:, q]]
    worth: Floats = task.factor[task.mass[chosen].sum(axis=1)] * inside
    return worth


def _matrix(members: list[Ints], n_atoms: int) -> csc_array:
    ends = np.cumsum([0] + [len(m) for m in members])
    rows = np.concatenate(members)
    return csc_array((np.ones(rows.size), rows, ends), shape=(n_atoms, len(members)))


def _label(x: Floats, columns: _Columns, task: Task) -> Ints:
    label = np.full(task.mass.size, -1, dtype=np.int64)
    free = {kin: np.flatnonzero(task.kin == kin).tolist() for kin in np.unique(task.kin).tolist()}
    for column in np.flatnonzero(x > 0.5):
        label[columns.members[column]] = free[int(columns.family[column])].pop(0)
    return in_order(label, task.kin)


MOST_SEATS = 20_000  # n * K beyond which the transport problem is relaxed to each item's best
MOST_ITEMS = 1_000  # beyond which eigenvalues take seconds


def upper_bound(worth: Floats, objective: str, bands: Sequence[Band]) -> float:
    """A score that no grouping into groups of these bands, one each, exceeds; worth (n, n), zero on the diagonal."""
    by_members = _transport(rewards(worth, objective, bands), bands)
    if len(worth) > MOST_ITEMS:
        return _above(by_members)
    return _above(min(by_members, _by_eigenvalues(worth, objective, bands)))


def upper_bound_of_any_number(worth: Floats, objective: str, band: Band) -> float:
    """A score that no grouping into groups of this band, however many, exceeds."""
    return _above(float(rewards(worth, objective, [band]).sum()))


def _by_eigenvalues(worth: Floats, objective: str, bands: Sequence[Band]) -> float:
    """The bound of the eigenvalues; a group of s weighs its pairs as an eigenvalue worth[s] * s."""
    n_items = len(worth)
    weight = pair_worth(objective, n_items) * np.arange(n_items + 1)
    kept = [weight[low : min(high, n_items) + 1] for low, high in bands if low <= n_items]
    most = np.sort([part.max() for part in kept])[::-1]
    least = np.sort([part.min() for part in kept])[::-1]
    values = np.zeros(most.size)
    largest = np.linalg.eigvalsh(worth)[::-1][: most.size]
    values[: largest.size] = largest
    if objective != "total":
        return float(np.maximum(most * values, least * values).sum()) / 2.0
    # the sizes sum to n, so that what is above the least goes to the largest eigenvalues first
    spare = n_items - least.sum()
    given = np.clip(spare - np.concatenate([[0.0], np.cumsum(most - least)[:-1]]), 0, most - least)
    return float(((least + given) * values).sum()) / 2.0


def rewards(worth: Floats, objective: str, bands: Sequence[Band]) -> Floats:
    """The most that each item can bring to each group, (n, K)."""
    n_items = len(worth)
    others = worth.copy()
    np.fill_diagonal(others, -np.inf)
    ranked = -np.sort(-others, axis=1)[:, : n_items - 1]
    sums = np.zeros((n_items, n_items))
    np.cumsum(ranked, axis=1, out=sums[:, 1:])  # sums[i, k]: i with its k likest
    value = sums * pair_worth(objective, n_items)[1:] / 2.0
    best = {band: _most(value, band) for band in set(bands)}
    return np.stack([best[band] for band in bands], axis=1)


def _most(value: Floats, band: Band) -> Floats:
    """The best over the sizes of a band; value[i, s - 1] is that of i in a group of s."""
    low, high = max(band[0], 1), min(band[1], value.shape[1])
    if low > high:
        return np.full(len(value), -np.inf)
    most: Floats = value[:, low - 1 : high].max(axis=1)
    return most


def _transport(reward: Floats, bands: Sequence[Band]) -> float:
    """The most that all items bring when each has one group and groups keep their sizes.

    Where all groups have one band, or there are too many seats, each item simply has its best.
    """
    simple = float(reward.max(axis=1).sum())
    if len(set(bands)) == 1 or not np.isfinite(simple) or reward.size > MOST_SEATS:
        return simple
    n_items, n_groups = reward.shape
    low, high = np.array(bands, dtype=np.float64).T
    one_group = kron(eye_array(n_items), np.ones((1, n_groups)))
    per_group = kron(np.ones((1, n_items)), eye_array(n_groups))
    once, seats = np.ones(n_items), np.isfinite(reward).ravel()
    found = maximise(
        Model(
            csc_array(vstack([one_group, per_group])),
            np.concatenate([once, low]),
            np.concatenate([once, high]),
            np.zeros(seats.size),
            seats.astype(np.float64),
            np.ones(seats.size, dtype=np.bool_),
        ),
        np.where(seats, reward.ravel(), 0.0),
        whole=False,
    )
    return simple if found.x is None else min(simple, found.value)


def _above(bound: float) -> float:
    """The bound rounded up to nine digits: above the rounding of its sums, and the same everywhere."""
    if not np.isfinite(bound) or bound == 0.0:
        return bound
    step = 10.0 ** (math.floor(math.log10(abs(bound))) - 8)
    return math.ceil(bound / step + 0.01) * step


def disjoint_sets(
    sets: Sequence[Sequence[int]], worth: Sequence[float], size: Floats
) -> tuple[int, ...]:
    """The positions of disjoint sets that cover the most size, then have the most worth.

    sets hold items 0 .. n-1, size (n,) is what covering an item counts; worth (S,) counts to 6 decimals. Both
    aims are proven optimal (set packing as an integer programme). Of equal answers the one with the earliest sets
    is returned: item by item, the set that holds it stands as early as any answer has it.
    """
    if not sets:
        return ()
    n = len(sets)
    member = _matrix([np.asarray(items, dtype=np.int64) for items in sets], len(size))
    none, once = np.full(len(size), -np.inf), np.ones(len(size))
    model = Model(member, none, once, np.zeros(n), np.ones(n), np.ones(n, dtype=np.bool_))
    covered = np.array([sum(size[item] for item in items) for items in sets])
    model, _ = _packed(model, covered, 0.5e-6)
    # Whole numbers: HiGHS takes answers within 1e-6 of each other for equal.
    model, chosen = _packed(model, np.round(np.asarray(worth, dtype=np.float64) * 1e6), 0.5)
    for items in csr_array(member).tolil().rows[: len(size)]:
        holding = np.array([k for k in items if model.most[k] > 0], dtype=np.int64)
        if len(holding) and not chosen[holding[0]]:
            early = np.zeros(n)
            early[holding] = np.arange(len(holding), 0, -1)
            _, chosen = _packed(model, early, 0.5)
        model.least[holding] = model.most[holding] = chosen[holding]
    return tuple(int(k) for k in np.flatnonzero(chosen))


def _packed(model: Model, worth: Floats, apart: float) -> tuple[Model, Floats]:
    """The model held to its best worth, no two of which are less than twice ``apart`` apart, and the choice."""
    found = maximise(model, worth, whole=True)
    if found.x is None or not found.proven:
        raise ArithmeticError("set packing found no proven answer")
    chosen = np.round(found.x)
    return model.at_least(worth, float(chosen @ worth) - apart), chosen


MOST_HALVES = 50_000_000  # splits in two that are looked at, a second's work


def halves_bound(
    likeness: Floats,
    sizes: Sequence[int],
    seats: Ints,
    marked: Bools,
    band: Band,
) -> float:
    """The highest sum of mean likenesses to the own group that two groups reach, from all there are; inf if too many.

    seats (n,): 0 or 1 where an item has to sit, else -1; each group has low to high of the marked items. Each half of
    the items is enumerated, and halves that fit together are joined by a product of matrices.
    """
    n, half = len(likeness), len(likeness) // 2
    free, open_seats = int((seats < 0).sum()), sizes[0] - int((seats == 0).sum())
    if len(sizes) != 2 or open_seats < 0 or comb(free, open_seats) > MOST_HALVES:
        return math.inf
    one, other = (1.0 / max(size - 1, 1) for size in sizes)
    worth = likeness - np.diag(np.diagonal(likeness))
    if free == n and sizes[0] == sizes[1]:  # the groups may change places
        seats = np.append(0, seats[1:])
    parts = []
    for items in (np.arange(half), np.arange(half, n)):
        chosen = np.arange(2**items.size)[:, None] >> np.arange(items.size) & 1
        may = ((seats[items] < 0) | (chosen == (seats[items] == 0))).all(axis=1)
        x = chosen[may].astype(np.float64)
        own = (x @ worth[np.ix_(items, items)] * x).sum(axis=1) * (one + other)
        own -= 2.0 * other * (x @ worth[items].sum(axis=1))
        parts.append((x, own, (x.sum(axis=1) * (n + 1) + x @ marked[items]).astype(np.int64)))
    (x, own, kind), (y, theirs, fits) = parts
    cross = 2.0 * (one + other) * worth[:half, half:]
    total, best = int(marked.sum()), -math.inf
    for k in range(max(band[0], total - band[1]), min(band[1], total - band[0]) + 1):
        for here in np.unique(kind):
            left, right = kind == here, fits == sizes[0] * (n + 1) + k - here
            if right.any():
                value = x[left] @ cross @ y[right].T
                value += own[left][:, None]
                value += theirs[right]
                best = max(best, float(value.max()))
    return best + other * float(worth.sum())


MOST_ROUNDS = 300  # of prices of categories; what is known after each is a bound


def fewest_alike(held: Sequence[int], sizes: Ints, silent: float) -> float:
    """A sum of mean likenesses to the own group that no grouping goes below, where items of one category are alike.

    held (K,): items of each category, the others are of none; sizes (G,) of the groups; silent: what a pair counts of
    which either is of none. Compositions of groups are the columns of an LP that deals the categories out. By its prices
    the best composition of a size is greedy, and what the best ones cost is a bound (Geoffrion 1974,
    doi:10.1007/BFb0120690).
    """
    stock = np.array(held, dtype=np.int64)
    kinds, number = np.unique(sizes, return_counts=True)
    limits = np.concatenate([stock, number]).astype(np.float64)
    columns = _dealt(stock, sizes, kinds)
    bound, unknown = 0.0, int(sizes.sum() - stock.sum())
    for _ in range(MOST_ROUNDS):
        n, own = len(columns), columns[:, : len(stock)]
        size = columns[:, len(stock) :] @ kinds
        cost = (own * (own - 1)).sum(axis=1) / np.maximum(size - 1, 1)
        cost = cost + _silence(own.sum(axis=1), size, silent)
        every = np.ones(n, dtype=np.bool_)
        model = Model(
            csc_array(columns.T.astype(float)),
            limits,
            limits,
            np.zeros(n),
            np.full(n, np.inf),
            every,
        )
        found = maximise(model, -cost, whole=False)
        if found.price is None:
            break
        price, best = -found.price[: len(stock)], []
        total = float(price @ stock)
        for t, s in enumerate(kinds.tolist()):
            worth, composition = _least_alike(stock, s, unknown, silent, price)
            total += float(number[t]) * worth
            best.append(np.append(composition, np.arange(len(kinds)) == t))
        bound = max(bound, total)
        columns = np.unique(np.vstack([columns, *best]), axis=0)
        if len(columns) == n:
            break
    return bound


def _dealt(stock: Ints, sizes: Ints, kinds: Ints) -> Ints:
    """The compositions of groups of these sizes when categories are dealt out evenly, (C, K), and which of the sizes each has."""
    category = np.repeat(np.arange(len(stock) + 1), [*stock, sizes.sum() - stock.sum()])
    seat = np.argsort(np.concatenate([np.arange(s) / s for s in sizes.tolist()]), kind="stable")
    held = np.zeros((len(sizes), len(stock) + 1), dtype=np.int64)
    np.add.at(held, (np.repeat(np.arange(len(sizes)), sizes)[seat], category), 1)
    return np.unique(np.hstack([held[:, :-1], sizes[:, None] == kinds]), axis=0)


def _silence(known: Ints, size: Ints | int, silent: float) -> Floats:
    """What the pairs count, one of which is of no category, in groups with so many known items."""
    whole = np.asarray(size)
    return np.asarray(
        silent * (whole * (whole - 1) - known * (known - 1)) / np.maximum(whole - 1, 1)
    )


def _least_alike(
    stock: Ints, size: int, unknown: int, silent: float, price: Floats
) -> tuple[float, Ints]:
    """What the best composition of a group costs less the prices of its categories, and that composition (K,)."""
    category, before = np.nonzero(np.arange(size) < stock[:, None])
    more = 2.0 * before / max(size - 1, 1) - price[category]
    order = np.argsort(more, kind="stable")[:size]
    known = np.arange(len(order) + 1)
    cost = np.append(0.0, np.cumsum(more[order])) + _silence(known, size, silent)
    cost[: max(size - unknown, 0)] = np.inf
    best = int(cost.argmin())
    return float(cost[best]), np.bincount(category[order[:best]], minlength=len(stock))
