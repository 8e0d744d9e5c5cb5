"""The search for groups of given sizes, sweep by sweep.

One sweep offers each item its best exchange: with any item of another group, or a move where the
sizes allow it. Best is meant after a random handicap, heat * -log u, so that at heat zero a sweep
is a steepest descent and above it an annealing (Kirkpatrick et al. 1983,
doi:10.1126/science.220.4598.671). What makes it quick is that reach is kept up to date, so that the
gain of an exchange is read off in a few operations.

Notation: as in `grouping`: n items, K groups.
weight (n, n), label (n,), size (K,),
reach[g, i] the weights of i to the members of g, inside[g] the weights inside g,
rate[g] what a pair in g is worth at its present size, pace[i] = rate[label[i]],
pull = rate * reach, own[i] = pull[label[i], i]; heats (T,) one a sweep; noise a table of
-log u, and draws (T, n) where in that table each row of each sweep begins.

Rows of numpy, which numba compiles where it is installed. Two functions are spelled as loops too, since numba
takes three times as long over rows: the same operations in the same order, so that the answer is the
same to the last bit, and a test holds the two together. Arguments come in named tuples, which numba takes apart.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from functools import cache
from typing import Any, NamedTuple

import numpy as np

from twinmatch.solving.blocks import Floats, Ints
from twinmatch.solving.grouping import Task
from twinmatch.solving.highs import Clock

Kernel = Callable[..., Any]

NOISE = 1 << 13  # entries in the table of -log u


class Sweeps(NamedTuple):
    """What one call of a kernel is to do: a sweep a heat, with these random handicaps."""

    heats: Floats
    noise: Floats
    draws: Ints


class Best(NamedTuple):
    """What a search has reached, changed in place.

    standing: [value, best value]; label: the grouping of the best; least: the smallest gain that
    counts, above the rounding of sums.
    """

    standing: Floats
    label: Ints
    least: float


class PlainTask(NamedTuple):
    """What is searched; rigid: no size can change."""

    weight: Floats
    low: Ints
    high: Ints
    factor: Floats
    rigid: bool


class Seating(NamedTuple):
    """The arrays that a search works on in place."""

    label: Ints
    size: Ints
    inside: Floats
    reach: Floats
    pull: Floats
    own: Floats
    rate: Floats
    pace: Floats


def seat(label: Ints, weight: Floats, factor: Floats, n_groups: int) -> Seating:
    """The arrays of a grouping; sums run in the order of the items, on every machine."""
    n_items = label.size
    reach = np.zeros((n_groups, n_items))
    for item in range(n_items):
        reach[label[item]] += weight[item]
    size = np.bincount(label, minlength=n_groups).astype(np.int64)
    rate = factor[size]
    pull = rate[:, None] * reach
    everyone = np.arange(n_items)
    inside = np.bincount(label, weights=reach[label, everyone], minlength=n_groups) / 2.0
    own = pull[label, everyone]
    return Seating(label.copy(), size, inside, reach, pull, own, rate, rate[label])


def exchange_plain(task: PlainTask, at: Seating, sweeps: Sweeps, best: Best) -> int:
    """Run one sweep a heat, in place; returns how many exchanges were made."""
    n_items = at.label.size
    standing = best.standing
    made = 0
    for t in range(sweeps.heats.size):
        heat = sweeps.heats[t]
        for i in range(n_items):
            start = sweeps.draws[t, i]
            margin = swap_margins(i, task, at, heat, sweeps.noise[start : start + n_items])
            j = int(margin.argmax())
            if not margin[j] > best.least:
                j = -1
            g = -1
            if not task.rigid:
                bar = margin[j] if j >= 0 else best.least
                g = best_move(i, task, at, heat, sweeps.noise[start + n_items :], bar)
            a = at.label[i]
            if g >= 0:
                standing[0] += move_gain(i, g, task, at)
                at.inside[a] -= at.reach[a, i]
                at.inside[g] += at.reach[g, i]
                at.size[a] -= 1
                at.size[g] += 1
                at.rate[a] = task.factor[at.size[a]]
                at.rate[g] = task.factor[at.size[g]]
                at.label[i] = g
                at.reach[a] -= task.weight[i]
                at.reach[g] += task.weight[i]
                refresh(a, g, at)
                made += 1
            elif j >= 0:
                b = at.label[j]
                pair = task.weight[i, j]
                standing[0] += (at.pull[a, j] - at.own[j]) + (at.pull[b, i] - at.own[i])
                standing[0] -= (at.rate[a] + at.rate[b]) * pair
                at.inside[a] += (at.reach[a, j] - at.reach[a, i]) - pair
                at.inside[b] += (at.reach[b, i] - at.reach[b, j]) - pair
                at.label[i] = b
                at.label[j] = a
                at.reach[a] += task.weight[j] - task.weight[i]
                at.reach[b] += task.weight[i] - task.weight[j]
                refresh(a, b, at)
                made += 1
        if standing[0] > standing[1] + best.least:
            standing[1] = standing[0]
            best.label[:] = at.label
    return made


def move_gain(i: int, g: int, task: PlainTask, at: Seating) -> float:
    """What the objective gains when item i moves to group g, without the random handicap."""
    a = at.label[i]
    left = task.factor[at.size[a] - 1] * (at.inside[a] - at.reach[a, i]) - at.rate[a] * at.inside[a]
    joined = (
        task.factor[at.size[g] + 1] * (at.inside[g] + at.reach[g, i]) - at.rate[g] * at.inside[g]
    )
    gain: float = left + joined
    return gain


def swap_margins(i: int, task: PlainTask, at: Seating, heat: float, noise: Floats) -> Floats:
    """What the swap of i with each item gains, with its handicap, (n,); -inf in its own group."""
    a = at.label[i]
    there = at.pull[:, i] - at.own[i]
    there[a] = -np.inf
    here = at.pull[a]
    row = task.weight[i]
    margin: Floats = (here - at.own) - (at.rate[a] + at.pace) * row + heat * noise
    margin += there[at.label]
    return margin


def swap_margins_loops(i: int, task: PlainTask, at: Seating, heat: float, noise: Floats) -> Floats:
    """`swap_margins` as loops."""
    a, label, row, own, pace = at.label[i], at.label, task.weight[i], at.own, at.pace
    there, here, rate = at.pull[:, i] - own[i], at.pull[a], at.rate[a]
    there[a] = -np.inf
    margin = np.empty(own.size)
    for j in range(own.size):
        margin[j] = ((here[j] - own[j]) - (rate + pace[j]) * row[j]) + heat * noise[j]
    for j in range(own.size):  # apart from the rest, which the compiler can then do in lanes
        margin[j] += there[label[j]]
    return margin


def best_move(i: int, task: PlainTask, at: Seating, heat: float, noise: Floats, bar: float) -> int:
    """The group that i gains most by moving to, above the bar and within the sizes, or -1."""
    a, best = at.label[i], -1
    if at.size[a] <= task.low[a]:
        return best
    size, inside, factor = at.size, at.inside, task.factor
    left = factor[size[a] - 1] * (inside[a] - at.reach[a, i]) - at.rate[a] * inside[a]
    for g in range(size.size):
        if g != a and size[g] < task.high[g]:
            joined = factor[size[g] + 1] * (inside[g] + at.reach[g, i]) - at.rate[g] * inside[g]
            margin = (left + joined) + heat * noise[g]
            if margin > bar:
                best, bar = g, margin
    return best


def refresh(a: int, b: int, at: Seating) -> None:
    """Bring pull of the groups a and b, own and pace of their members up to date."""
    for g in (a, b):
        at.pull[g] = at.rate[g] * at.reach[g]
        members = np.flatnonzero(at.label == g)
        at.own[members] = at.pull[g][members]
        at.pace[members] = at.rate[g]


def refresh_loops(a: int, b: int, at: Seating) -> None:
    """`refresh` as loops."""
    label, pull, reach, own, pace = at.label, at.pull, at.reach, at.own, at.pace
    for k in range(label.size):
        pull[a, k] = at.rate[a] * reach[a, k]
        pull[b, k] = at.rate[b] * reach[b, k]
    for k in range(label.size):
        g = label[k]
        if g in (a, b):
            own[k] = pull[g, k]
            pace[k] = at.rate[g]


# What numba compiles in place of rows, and what it compiles as it stands.
LOOPS = {swap_margins: swap_margins_loops, refresh: refresh_loops}
SHARED = (best_move, move_gain)


# -- a search -----------------------------------------------------------------------------------


class Walk:
    """One search: the arrays it works on, the best grouping it has seen, and a kernel to go on."""

    def __init__(self, task: Task, start: Ints, kernel: Kernel) -> None:
        rigid = bool((task.low == task.high).all())
        self._plain = PlainTask(task.weight, task.low, task.high, task.factor, rigid)
        self._kernel, self._best, self._standing = kernel, start.copy(), np.zeros(2)
        self.n_items, self._n_groups = len(start), task.n_groups
        self.restart(start)
        self._standing[1] = self._standing[0]
        scale = float(max(np.abs(task.weight).max(), np.abs(self._seating.own).max()))
        self._least = 1e-9 * max(1.0, scale)

    def restart(self, label: Ints) -> None:
        """Go on from another grouping; what is best starts afresh."""
        task = self._plain
        self._seating = at = seat(label, task.weight, task.factor, self._n_groups)
        self._standing[:] = float((at.rate * at.inside).sum()), -np.inf

    def sweep(self, heats: Floats, bits: np.random.PCG64) -> int:
        """Sweep once a heat; returns the number of exchanges."""
        draws = bits.random_raw(heats.size * self.n_items) % NOISE
        noise = np.resize(_noise(), NOISE + self.n_items + self._n_groups)
        sweeps = Sweeps(heats, noise, draws.astype(np.int64).reshape(heats.size, -1))
        best = Best(self._standing, self._best, self._least)
        made: int = self._kernel(self._plain, self._seating, sweeps, best)
        return made

    def descend(self, bits: np.random.PCG64, clock: Clock) -> tuple[Ints, float]:
        """The local optimum from the best grouping seen, by steepest descent, and its value."""
        self.restart(self._best)
        self._standing[1] = self._standing[0]
        while not clock.over() and self.sweep(np.zeros(1), bits):
            pass
        return self._best.copy(), float(self._standing[1])


@cache
def _noise() -> Floats:
    """A shuffled table of -log u at evenly spaced u, rounded so that it is the same everywhere."""
    order = np.argsort(np.random.PCG64(0).random_raw(NOISE), kind="stable")
    return np.array([round(-math.log((k + 0.5) / NOISE), 9) for k in order.tolist()])
