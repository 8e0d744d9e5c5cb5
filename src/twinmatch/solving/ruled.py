"""Annealing by sweeps for groups under rules: ties, pairs apart, and counts in every group.

As `search`, but what breaks a rule is allowed on the way at a price, and any size of item (several
tied together are one atom) can change places: sizes are one more count. The best grouping is kept
only where nothing is broken.

Notation: as in `grouping`, with bonus (K, m) and held[r, g] the tally of group g,
broken[g] its breach summed over the counts.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from twinmatch.solving.grouping import ISOLATED, SIZE

IntArray = NDArray[np.int64]
FloatArray = NDArray[np.float64]

TINY = 1e-10  # a breach below this is rounding


@dataclass(frozen=True, eq=False)
class RuledSeating:
    """The arrays that a search under rules works on in place; shapes as in the notation above."""

    label: IntArray
    size: IntArray
    inside: FloatArray
    reach: FloatArray
    held: FloatArray
    broken: FloatArray


def seat_under_rules(
    label: IntArray,
    weight: FloatArray,
    inner: FloatArray,
    mass: IntArray,
    kind: IntArray,
    tally: FloatArray,
    floor: FloatArray,
    ceiling: FloatArray,
    slope: FloatArray,
) -> RuledSeating:
    """The arrays of a grouping of atoms; sums run in the order of the atoms."""
    n_groups, n_atoms = floor.shape[1], label.size
    reach = np.zeros((n_groups, n_atoms))
    size = np.zeros(n_groups, dtype=np.int64)
    held = np.zeros((len(kind), n_groups))
    inside = np.zeros(n_groups)
    for atom in range(n_atoms):
        group = label[atom]
        inside[group] += inner[atom] + reach[group, atom]
        reach[group] += weight[atom]
        size[group] += mass[atom]
        held[:, group] += tally[:, atom]
    broken = np.zeros(n_groups)
    for group in range(n_groups):
        for r in range(len(kind)):
            broken[group] += breach_of(
                kind[r], held[r, group], floor[r, group], ceiling[r, group], slope[r], size[group]
            )
    return RuledSeating(label.copy(), size, inside, reach, held, broken)


def breach_of(
    kind: int, count: float, floor: float, ceiling: float, slope: float, size: int
) -> float:
    """By how much one count of one group breaks its rule; 0 where it is kept."""
    if size == 0 and kind != SIZE:
        return 0.0
    if kind == ISOLATED:
        return 1.0 if count == 1.0 else 0.0
    over = max((floor - slope * size) - count, count - (ceiling + slope * size))
    return over if over > TINY else 0.0


def breaches_of(
    kind: int, count: FloatArray, floor: Any, ceiling: Any, slope: float, size: IntArray
) -> FloatArray:
    """`breach_of` for many counts at once."""
    if kind == ISOLATED:
        alone: FloatArray = ((count == 1.0) & (size != 0)).astype(np.float64)
        return alone
    over: FloatArray = np.maximum((floor - slope * size) - count, count - (ceiling + slope * size))
    over[over <= TINY] = 0.0
    if kind != SIZE:
        over[size == 0] = 0.0
    return over


def exchange_under_rules(
    weight: Any,
    inner: Any,
    bonus: Any,
    mass: Any,
    factor: Any,
    kind: Any,
    tally: Any,
    floor: Any,
    ceiling: Any,
    slope: Any,
    label: Any,
    size: Any,
    inside: Any,
    reach: Any,
    held: Any,
    broken: Any,
    price: float,
    apart: Any,
    noise: Any,
    draws: Any,
    heats: Any,
    least: float,
    standing: Any,
    best: Any,
) -> int:
    """Run one sweep a heat, in place; standing = [value, best value], best (m,) its grouping.

    price: what one unit of breach costs; apart (P, 2) the pairs whose price is in weight already.
    Only groupings that break nothing become best. Returns how many exchanges were made.
    """
    n_atoms = label.size
    n_groups = size.size
    margin = np.empty(n_atoms + n_groups)
    made = 0
    for t in range(heats.size):
        heat = heats[t]
        for i in range(n_atoms):
            fill_margins(
                i, weight, inner, bonus, mass, factor, kind, tally, floor, ceiling, slope,
                label, size, inside, reach, held, broken, price, margin,
            )  # fmt: skip
            k = pick(margin, noise, draws[t, i], heat, least)
            if k < 0:
                continue
            standing[0] += margin[k]
            a = label[i]
            if k < n_atoms:
                b = label[k]
                shift(k, b, a, weight, inner, mass, tally, size, inside, reach, held)
                label[k] = a
            else:
                b = k - n_atoms
            shift(i, a, b, weight, inner, mass, tally, size, inside, reach, held)
            label[i] = b
            for g in (a, b):
                broken[g] = 0.0
                for r in range(kind.size):
                    broken[g] += breach_of(
                        kind[r], held[r, g], floor[r, g], ceiling[r, g], slope[r], size[g]
                    )
            made += 1
        better = standing[0] > standing[1] + least and broken.max() == 0.0
        if better and not (label[apart[:, 0]] == label[apart[:, 1]]).any():
            standing[1] = standing[0]
            best[:] = label
    return made


def shift(
    i: int,
    a: int,
    b: int,
    weight: Any,
    inner: Any,
    mass: Any,
    tally: Any,
    size: Any,
    inside: Any,
    reach: Any,
    held: Any,
) -> None:
    """Take atom i out of group a and into group b in all running sums."""
    inside[a] -= reach[a, i] + inner[i]
    inside[b] += reach[b, i] + inner[i]
    reach[a] -= weight[i]
    reach[b] += weight[i]
    size[a] -= mass[i]
    size[b] += mass[i]
    held[:, a] -= tally[:, i]
    held[:, b] += tally[:, i]


def pick(margin: Any, noise: Any, start: int, heat: float, least: float) -> int:
    """The exchange with the highest margin after its handicap, if above least; else -1."""
    handicapped = margin + heat * noise[start : start + margin.size]
    k = int(handicapped.argmax())
    return k if handicapped[k] > least else -1


def pick_loops(margin: Any, noise: Any, start: int, heat: float, least: float) -> int:
    """`pick` as a loop."""
    top = least
    at = -1
    for k in range(margin.size):
        handicapped = margin[k] + heat * noise[start + k]
        if handicapped > top:
            top = handicapped
            at = k
    return at


def fill_margins(
    i: int,
    weight: Any,
    inner: Any,
    bonus: Any,
    mass: Any,
    factor: Any,
    kind: Any,
    tally: Any,
    floor: Any,
    ceiling: Any,
    slope: Any,
    label: Any,
    size: Any,
    inside: Any,
    reach: Any,
    held: Any,
    broken: Any,
    price: float,
    margin: Any,
) -> None:
    """What each swap of atom i, (m,), and then each move of it, (K,), gains less what it breaks."""
    a = label[i]
    n_atoms = label.size
    n_groups = size.size
    # a swap gives the other group's place to i; a move is a swap with an atom of no mass
    other = np.concatenate((label, np.arange(n_groups)))
    back = np.concatenate((mass, np.zeros(n_groups, dtype=np.int64)))
    small_a = np.maximum((size[a] - mass[i]) + back, 0)
    small_b = np.maximum(np.minimum((size[other] + mass[i]) - back, factor.size - 1), 0)
    small_a = np.minimum(small_a, factor.size - 1)
    nobody = np.zeros(n_groups)
    pair = np.concatenate((weight[i], nobody))
    core = np.concatenate((inner, nobody))
    to_a = np.concatenate((reach[a], nobody))
    from_b = np.concatenate((reach[label, np.arange(n_atoms)], nobody))
    in_a = (((inside[a] - reach[a, i]) - inner[i]) + (to_a - pair)) + core
    in_b = (((inside[other] - from_b) - core) + (reach[other, i] - pair)) + inner[i]
    worth_a = factor[small_a] * in_a - factor[size[a]] * inside[a]
    worth_b = factor[small_b] * in_b - factor[size[other]] * inside[other]
    seat_back = np.concatenate((bonus[a] - bonus[label, np.arange(n_atoms)], nobody))
    np.add(worth_a + worth_b, (bonus[other, i] - bonus[a, i]) + seat_back, out=margin)
    more = np.zeros(n_atoms + n_groups)
    for r in range(kind.size):
        given = np.concatenate((tally[r], nobody))
        held_a = (held[r, a] - tally[r, i]) + given
        held_b = (held[r][other] + tally[r, i]) - given
        more += breaches_of(kind[r], held_a, floor[r, a], ceiling[r, a], slope[r], small_a)
        more += breaches_of(kind[r], held_b, floor[r][other], ceiling[r][other], slope[r], small_b)
    margin -= price * ((more - broken[a]) - broken[other])
    margin[other == a] = -np.inf


def fill_margins_loops(
    i: int,
    weight: Any,
    inner: Any,
    bonus: Any,
    mass: Any,
    factor: Any,
    kind: Any,
    tally: Any,
    floor: Any,
    ceiling: Any,
    slope: Any,
    label: Any,
    size: Any,
    inside: Any,
    reach: Any,
    held: Any,
    broken: Any,
    price: float,
    margin: Any,
) -> None:
    """`fill_margins` as loops."""
    a = label[i]
    n_atoms = label.size
    stay_a = (inside[a] - reach[a, i]) - inner[i]
    worth_now = factor[size[a]] * inside[a]
    for k in range(n_atoms + size.size):
        swap = k < n_atoms
        b = label[k] if swap else k - n_atoms
        if b == a:
            margin[k] = -np.inf
            continue
        size_a = size[a] - mass[i]
        size_b = size[b] + mass[i]
        if swap:
            size_a += mass[k]
            size_b -= mass[k]
            in_a = (stay_a + (reach[a, k] - weight[i, k])) + inner[k]
            in_b = (((inside[b] - reach[b, k]) - inner[k]) + (reach[b, i] - weight[i, k])) + inner[
                i
            ]
            seat_back = bonus[a, k] - bonus[b, k]
        else:
            in_a = stay_a
            in_b = (inside[b] + reach[b, i]) + inner[i]
            seat_back = 0.0
        worth_a = factor[size_a] * in_a - worth_now
        worth_b = factor[size_b] * in_b - factor[size[b]] * inside[b]
        gain = (worth_a + worth_b) + ((bonus[b, i] - bonus[a, i]) + seat_back)
        more = 0.0
        for r in range(kind.size):
            held_a = held[r, a] - tally[r, i]
            held_b = held[r, b] + tally[r, i]
            if swap:
                held_a += tally[r, k]
                held_b -= tally[r, k]
            more += breach_of(kind[r], held_a, floor[r, a], ceiling[r, a], slope[r], size_a)
            more += breach_of(kind[r], held_b, floor[r, b], ceiling[r, b], slope[r], size_b)
        margin[k] = gain - price * ((more - broken[a]) - broken[b])


# What numba compiles in place of each function that is spelled as rows.
LOOPS = {fill_margins: fill_margins_loops, pick: pick_loops}
