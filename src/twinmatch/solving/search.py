"""Annealing by sweeps over swaps and moves, for groups whose only rules are sizes and places.

One sweep offers each item its best exchange: with any item of another group, or a move where the
sizes allow it. Best is meant after a random handicap, heat * -log u, so that at heat zero a sweep
is a steepest descent and above it an annealing (Kirkpatrick et al. 1983,
doi:10.1126/science.220.4598.671). What makes it quick is that reach is kept up to date, so that the
gain of an exchange is read off in a few operations.

Notation: n items, K groups.
weight (n, n), bonus (K, n) with -inf where an item may not sit, label (n,), size (K,),
reach[g, i] the weights of i to the members of g, inside[g] the weights inside g,
rate[g] what a pair in g is worth at its present size, pull = rate * reach + bonus,
own[i] = pull[label[i], i]; heats (T,) one a sweep; noise a table of -log u, and draws (T, n) where
in that table each row of each sweep begins.

The arithmetic on rows is spelled twice, as loops for numba and as numpy rows for Python alone, with
the same operations in the same order; so the answer is the same to the last bit, and a test holds
the two together.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

IntArray = NDArray[np.int64]
FloatArray = NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class Seating:
    """The arrays that a search works on in place; shapes as in the notation above."""

    label: IntArray
    size: IntArray
    inside: FloatArray
    reach: FloatArray
    pull: FloatArray
    own: FloatArray
    rate: FloatArray

    def value(self, bonus: FloatArray) -> float:
        """The objective, up to the rounding of running sums."""
        seats = bonus[self.label, np.arange(self.label.size)]
        return float((self.rate * self.inside).sum() + seats.sum())


def seat(label: IntArray, weight: FloatArray, bonus: FloatArray, factor: FloatArray) -> Seating:
    """The arrays of a grouping; sums run in the order of the items, on every machine."""
    n_groups, n_items = bonus.shape
    reach = np.zeros((n_groups, n_items))
    for item in range(n_items):
        reach[label[item]] += weight[item]
    size = np.bincount(label, minlength=n_groups).astype(np.int64)
    rate = factor[size]
    pull = rate[:, None] * reach + bonus
    everyone = np.arange(n_items)
    inside = np.bincount(label, weights=reach[label, everyone], minlength=n_groups) / 2.0
    return Seating(label.copy(), size, inside, reach, pull, pull[label, everyone], rate)


def exchange(
    weight: Any,
    bonus: Any,
    low: Any,
    high: Any,
    factor: Any,
    label: Any,
    size: Any,
    inside: Any,
    reach: Any,
    pull: Any,
    own: Any,
    rate: Any,
    noise: Any,
    draws: Any,
    heats: Any,
    even: bool,
    rigid: bool,
    least: float,
    standing: Any,
    best: Any,
) -> int:
    """Run one sweep a heat, in place; standing = [value, best value], best (n,) its grouping.

    even: all pairs count alike, in all groups and sizes. rigid: no size can change. least: the
    smallest gain that counts, above the rounding of sums. Returns how many exchanges were made.
    """
    n_items = label.size
    margin = np.empty(n_items)
    made = 0
    for t in range(heats.size):
        heat = heats[t]
        for i in range(n_items):
            start = draws[t, i]
            j = best_swap(
                i, weight, pull, own, rate, label, noise, start, heat, even, least, margin
            )
            bar = margin[j] if j >= 0 else least
            g = -1
            if not rigid:
                g = best_move(
                    i, bonus, low, high, factor, label, size, inside, reach, rate, noise,
                    start + n_items, heat, bar,
                )  # fmt: skip
            if g >= 0:
                a = label[i]
                standing[0] += move_gain(i, g, bonus, factor, label, size, inside, reach, rate)
                inside[a] -= reach[a, i]
                inside[g] += reach[g, i]
                size[a] -= 1
                size[g] += 1
                rate[a] = factor[size[a]]
                rate[g] = factor[size[g]]
                label[i] = g
                reach[a] -= weight[i]
                reach[g] += weight[i]
                refresh(a, g, bonus, label, reach, pull, own, rate)
                made += 1
            elif j >= 0:
                a = label[i]
                b = label[j]
                pair = weight[i, j]
                standing[0] += (pull[a, j] - own[j]) + (pull[b, i] - own[i])
                standing[0] -= (rate[a] + rate[b]) * pair
                inside[a] += (reach[a, j] - reach[a, i]) - pair
                inside[b] += (reach[b, i] - reach[b, j]) - pair
                label[i] = b
                label[j] = a
                reach[a] += weight[j] - weight[i]
                reach[b] += weight[i] - weight[j]
                refresh(a, b, bonus, label, reach, pull, own, rate)
                made += 1
        if standing[0] > standing[1] + least:
            standing[1] = standing[0]
            best[:] = label
    return made


def move_gain(
    i: int,
    g: int,
    bonus: Any,
    factor: Any,
    label: Any,
    size: Any,
    inside: Any,
    reach: Any,
    rate: Any,
) -> float:
    """What the objective gains when item i moves to group g."""
    a = label[i]
    left = factor[size[a] - 1] * (inside[a] - reach[a, i]) - rate[a] * inside[a]
    joined = factor[size[g] + 1] * (inside[g] + reach[g, i]) - rate[g] * inside[g]
    gain: float = left + joined + (bonus[g, i] - bonus[a, i])
    return gain


def best_swap(
    i: int,
    weight: Any,
    pull: Any,
    own: Any,
    rate: Any,
    label: Any,
    noise: Any,
    start: int,
    heat: float,
    even: bool,
    least: float,
    margin: Any,
) -> int:
    """The item whose swap with i has the highest margin above least, or -1; fills margin (n,)."""
    a = label[i]
    np.subtract(pull[a], own, out=margin)
    margin -= (rate[a] + rate[label]) * weight[i]
    margin += heat * noise[start : start + margin.size]
    margin += pull[:, i][label] - own[i]
    margin[label == a] = -np.inf
    j = int(margin.argmax())
    return j if margin[j] > least else -1


def best_swap_loops(
    i: int,
    weight: Any,
    pull: Any,
    own: Any,
    rate: Any,
    label: Any,
    noise: Any,
    start: int,
    heat: float,
    even: bool,
    least: float,
    margin: Any,
) -> int:
    """`best_swap` as loops; where all pairs count alike, one look-up less an item."""
    a = label[i]
    row = weight[i]
    here = pull[a]
    there = pull[:, i].copy()
    chance = noise[start:]
    if even:
        twice = rate[a] + rate[a]
        for j in range(label.size):
            margin[j] = ((here[j] - own[j]) - twice * row[j]) + heat * chance[j]
    else:
        for j in range(label.size):
            both = rate[a] + rate[label[j]]
            margin[j] = ((here[j] - own[j]) - both * row[j]) + heat * chance[j]
    for j in range(label.size):  # apart from the rest, which the compiler can then do in lanes
        margin[j] += there[label[j]] - own[i]
    top = least
    at = -1
    for j in range(label.size):
        if margin[j] > top and label[j] != a:
            top = margin[j]
            at = j
    return at


def best_move(
    i: int,
    bonus: Any,
    low: Any,
    high: Any,
    factor: Any,
    label: Any,
    size: Any,
    inside: Any,
    reach: Any,
    rate: Any,
    noise: Any,
    start: int,
    heat: float,
    bar: float,
) -> int:
    """The group that i gains most by moving to, above the bar and within the sizes, or -1."""
    a = label[i]
    if size[a] <= low[a]:
        return -1
    left = factor[size[a] - 1] * (inside[a] - reach[a, i]) - rate[a] * inside[a]
    room = np.minimum(size + 1, factor.size - 1)
    margin = left + (factor[room] * (inside + reach[:, i]) - rate * inside)
    margin += bonus[:, i] - bonus[a, i]
    margin += heat * noise[start : start + size.size]
    margin[size >= high] = -np.inf
    margin[a] = -np.inf
    g = int(margin.argmax())
    return g if margin[g] > bar else -1


def best_move_loops(
    i: int,
    bonus: Any,
    low: Any,
    high: Any,
    factor: Any,
    label: Any,
    size: Any,
    inside: Any,
    reach: Any,
    rate: Any,
    noise: Any,
    start: int,
    heat: float,
    bar: float,
) -> int:
    """`best_move` as loops."""
    a = label[i]
    at = -1
    if size[a] <= low[a]:
        return at
    top = bar
    left = factor[size[a] - 1] * (inside[a] - reach[a, i]) - rate[a] * inside[a]
    for g in range(size.size):
        if g != a and size[g] < high[g]:
            joined = factor[size[g] + 1] * (inside[g] + reach[g, i]) - rate[g] * inside[g]
            gain = ((left + joined) + (bonus[g, i] - bonus[a, i])) + heat * noise[start + g]
            if gain > top:
                top = gain
                at = g
    return at


def refresh(
    a: int, b: int, bonus: Any, label: Any, reach: Any, pull: Any, own: Any, rate: Any
) -> None:
    """Bring pull of the groups a and b, and own of everyone, up to date."""
    pull[a] = rate[a] * reach[a] + bonus[a]
    pull[b] = rate[b] * reach[b] + bonus[b]
    touched = (label == a) | (label == b)
    own[touched] = pull[label[touched], np.flatnonzero(touched)]


def refresh_loops(
    a: int, b: int, bonus: Any, label: Any, reach: Any, pull: Any, own: Any, rate: Any
) -> None:
    """`refresh` as loops."""
    for k in range(label.size):
        pull[a, k] = rate[a] * reach[a, k] + bonus[a, k]
        pull[b, k] = rate[b] * reach[b, k] + bonus[b, k]
    for k in range(label.size):
        if label[k] == a:
            own[k] = pull[a, k]
        elif label[k] == b:
            own[k] = pull[b, k]


# What numba compiles in place of each function that is spelled as rows.
LOOPS = {best_swap: best_swap_loops, best_move: best_move_loops, refresh: refresh_loops}
