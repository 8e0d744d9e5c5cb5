"""Groups as diverse as can be, by the published methods of anticlust and of gruepr, written from their descriptions.

**anticlust** (Papenberg & Klau 2021, doi:10.1037/met0000301): from a random grouping, each item in turn is exchanged with
the item of another group that improves the sum of distances within groups most; passes go on until none improves
(its "local-maximum"), and are restarted from other groupings. Brusco, Cradit & Steinley (2020, doi:10.1111/bmsp.12186)
is its search with two criteria and is not here.

**gruepr** (Hertz 2022, doi:10.18260/1-2--40811; its source is public): a genetic algorithm over orders of all items, cut
into groups. A generation keeps three elites; the others come of two parents, chosen by a tournament of 100 in which each
next best is taken with a likelihood, of which the child has some whole groups of the one and the rest in the order of the
other; then items change places, again with a likelihood. It ends after 40 generations of which 25 brought nothing, or
after 500. Not here: that relatives have no children. Its score of teams is replaced by the sum of distances.

Both keep the sizes that they begin with. They are compiled by numba, which they need.
"""

from __future__ import annotations

import time

import numpy as np
from numba import njit
from numpy.typing import NDArray

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]

GENERATIONS = (40, 25, 500)
"""At least, without improvement, and at most."""

ELITES, TOURNAMENT = 3, 100
POPULATIONS = (
    (30, 60_000, 25, 25),
    (75, 45_000, 33, 50),
    (200, 20_000, 66, 50),
    (10**9, 10_000, 80, 75),
)
"""Items below which a population, and the percentages of the best in a tournament and of a change, hold."""  # fmt: skip


def diversity(weight: Floats, label: Ints) -> float:
    """Return the sum of weights within groups."""
    return float((weight * (label[:, None] == label)).sum()) / 2


def exchanges(weight: Floats, sizes: Ints, seconds: float, seed: int) -> Ints:
    """Return the best grouping of the exchange method, restarted until the processor seconds are over, (n,)."""
    rng = np.random.default_rng(seed)
    slots = np.repeat(np.arange(len(sizes)), sizes)
    best, most = slots, -np.inf
    end = time.process_time() + seconds
    while time.process_time() < end:
        label = rng.permutation(slots)
        _exchange(weight, label, len(sizes))
        if (score := diversity(weight, label)) > most:
            best, most = label, score
    return best


@njit(cache=True)
def _exchange(weight: Floats, label: Ints, groups: int) -> None:
    n = len(label)
    among = np.zeros((n, groups))
    for i in range(n):
        for j in range(n):
            among[i, label[j]] += weight[i, j]
    better = True
    while better:
        better = False
        for i in range(n):
            own, best, gain = label[i], -1, 1e-9
            for j in range(n):
                other = label[j]
                if other != own:
                    found = among[i, other] - among[i, own] + among[j, own] - among[j, other] - 2 * weight[i, j]  # fmt: skip
                    if found > gain:
                        best, gain = j, found
            if best >= 0:
                other = label[best]
                for k in range(n):
                    change = weight[k, best] - weight[k, i]
                    among[k, own] += change
                    among[k, other] -= change
                label[i], label[best] = other, own
                better = True


def generations(weight: Floats, sizes: Ints, seconds: float, seed: int) -> Ints:
    """Return the best grouping of the genetic algorithm when it ends or the processor seconds are over, (n,)."""
    n, cuts = len(weight), np.concatenate([[0], np.cumsum(sizes)])
    size, top, change = next(p[1:] for p in POPULATIONS if n < p[0])
    rng = np.random.default_rng(seed)
    pool = rng.permuted(np.tile(np.arange(n), (size, 1)), axis=1)
    least, idle, most = GENERATIONS
    best, order, since = -np.inf, pool[0], 0
    end = time.process_time() + seconds
    for generation in range(most):
        score = _scores(weight, pool, cuts)
        ranked = np.argsort(-score, kind="stable")
        since += 1
        if score[ranked[0]] > best:
            best, order, since = score[ranked[0]], pool[ranked[0]].copy(), 0
        if time.process_time() > end or (generation >= least and since >= idle):
            break
        pool = _children(pool, ranked, cuts, top, change, rng)
    label = np.empty(n, dtype=np.int64)
    label[order] = np.repeat(np.arange(len(sizes)), sizes)
    return label


@njit(cache=True)
def _scores(weight: Floats, pool: Ints, cuts: Ints) -> Floats:
    found = np.zeros(len(pool))
    for p in range(len(pool)):
        for g in range(len(cuts) - 1):
            for a in range(cuts[g], cuts[g + 1]):
                for b in range(a):
                    if b >= cuts[g]:
                        found[p] += weight[pool[p, a], pool[p, b]]
    return found


@njit(cache=True)
def _parent(top: int, not_this: int, rng: np.random.Generator) -> int:
    place = 0
    while rng.integers(1, 101) > top or place == not_this:
        place += 1
    return place


@njit(cache=True)
def _children(
    pool: Ints, ranked: Ints, cuts: Ints, top: int, change: int, rng: np.random.Generator
) -> Ints:
    size, n = pool.shape
    groups = len(cuts) - 1
    found = np.empty_like(pool)
    for p in range(ELITES):
        found[p] = pool[ranked[p]]
    for p in range(ELITES, size):
        picks = np.sort(rng.integers(0, size, TOURNAMENT))
        first = _parent(top, -1, rng)
        second = _parent(top, first, rng)
        mother = pool[ranked[picks[first % TOURNAMENT]]]
        father = pool[ranked[picks[second % TOURNAMENT]]]
        low, high = rng.integers(0, groups + 1), rng.integers(0, groups + 1)
        while low == high:
            high = rng.integers(0, groups + 1)
        start, end = cuts[min(low, high)], cuts[max(low, high)]
        taken = np.zeros(n, dtype=np.bool_)
        for k in range(start, end):
            found[p, k] = mother[k]
            taken[mother[k]] = True
        at = 0
        for k in range(n):
            if not taken[father[k]]:
                if at == start:
                    at = end
                found[p, at] = father[k]
                at += 1
        while rng.integers(1, 101) <= change:
            a, b = rng.integers(0, n), rng.integers(0, n)
            found[p, a], found[p, b] = found[p, b], found[p, a]
    return found
