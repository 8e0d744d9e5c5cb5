"""How many members each group is to have, drawn inside unequal bands by an exact dynamic programme.

A sum over pairs rewards uneven sizes, because pairs grow with the square of a group; so sizes are
part of the answer, and good ones are drawn rather than left to the search alone.

Notation: n items, K groups, low[g] and high[g] the band of group g, worth[g, s] the value expected
of group g with s members.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

IntArray = NDArray[np.int64]
FloatArray = NDArray[np.float64]


def group_counts(n_items: int, low: int, high: int) -> range:
    """The numbers of groups of low to high members that n items can fill; empty when none can."""
    if n_items < low:
        return range(0)
    return range(-(-n_items // high), n_items // max(low, 1) + 1)


def best_sizes(worth: FloatArray, low: IntArray, high: IntArray, n_items: int) -> IntArray:
    """The sizes (K,) inside the bands that sum to n with the highest total worth.

    worth: (K, n + 1). The bands must admit a sum of n. Among equals the first groups are smallest.
    """
    n_groups = low.size
    # reach[g, s]: the best worth of groups g.. when they share s members
    reach = np.full((n_groups + 1, n_items + 1), -np.inf)
    reach[n_groups, 0] = 0.0
    for group in range(n_groups - 1, -1, -1):
        for size in range(int(low[group]), min(int(high[group]), n_items) + 1):
            rest = reach[group + 1, : n_items + 1 - size] + worth[group, size]
            np.maximum(reach[group, size:], rest, out=reach[group, size:])
    if not np.isfinite(reach[0, n_items]):
        raise ValueError("the bands admit no sizes that sum to n")
    return _trace(worth, reach, low, high, n_items)


def _trace(
    worth: FloatArray, reach: FloatArray, low: IntArray, high: IntArray, n_items: int
) -> IntArray:
    sizes = np.zeros(low.size, dtype=np.int64)
    left = n_items
    for group in range(low.size):
        for size in range(int(low[group]), min(int(high[group]), left) + 1):
            if reach[group + 1, left - size] + worth[group, size] == reach[group, left]:
                sizes[group] = size
                left -= size
                break
    return sizes
