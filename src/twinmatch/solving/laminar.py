"""Which rules are a network: the split of 0/1 rows into two nested families.

A family of rows is *laminar* when any two of them are nested or share no candidate. RuleRows that
split into two such families are exactly the rows of a flow network: one family is a tree that
feeds the candidates, the other a tree that collects them (Edmonds 1970, "Submodular functions,
matroids, and certain polyhedra"; Schrijver 2003, "Combinatorial Optimization", section 13.4).

    R            rows kept, over all blocks; rows with the same candidates are one row here
    A (R, m)     0/1 matrix of these rows
    side (R,)    0 or 1, the family of each row
    parent (R,)  the smallest row of the same family that holds this one, -1 for none
    leaf (2, m)  the smallest row of each family that holds the candidate, -1 for none
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from hashlib import blake2b
from itertools import pairwise

import numpy as np
import numpy.typing as npt
import scipy.sparse as sp
from scipy.sparse import csgraph

from twinmatch.solving.blocks import Block, Floats, Ints


@dataclass(frozen=True, eq=False)
class RuleRows:
    """All rows of all blocks one under the other, each with where it came from."""

    matrix: sp.csr_array
    low: Floats
    high: Floats
    block: Ints
    row: Ints

    def __len__(self) -> int:
        return len(self.low)

    def take(self, which: npt.NDArray[np.generic]) -> RuleRows:
        """These rows only."""
        rows = np.arange(len(self))[which]
        matrix = sp.csr_array(self.matrix[rows, :])
        return RuleRows(
            matrix, self.low[which], self.high[which], self.block[which], self.row[which]
        )


@dataclass(frozen=True, eq=False)
class Families:
    """Two nested families of rows; `member` (R,) points into the rows they were made from.

    RuleRows with the same candidates are merged: `low` is their largest minimum, `high` their smallest
    maximum, `low_from` and `high_from` the rows that gave them.
    """

    low: Ints
    high: Ints
    size: Ints
    side: Ints
    parent: Ints
    leaf: Ints
    low_from: Ints
    high_from: Ints


def stack(blocks: Sequence[Block], m: int) -> RuleRows:
    """The rows of all blocks, in order; an empty stack where there is none."""
    if not blocks:
        none = np.zeros(0, dtype=np.int64)
        return RuleRows(sp.csr_array((0, m)), np.zeros(0), np.zeros(0), none, none)
    matrix = sp.csr_array(sp.vstack([b.matrix for b in blocks], format="csr"))
    matrix.sum_duplicates()
    matrix.eliminate_zeros()
    return RuleRows(
        matrix,
        np.concatenate([b.low for b in blocks]),
        np.concatenate([b.high for b in blocks]),
        np.repeat(np.arange(len(blocks)), [len(b) for b in blocks]),
        np.concatenate([np.arange(len(b)) for b in blocks]),
    )


def reach(rows: RuleRows) -> tuple[Floats, Floats]:
    """The least and the most that each row can come to when nothing else binds, both (R,)."""
    data, owner = rows.matrix.data, np.repeat(np.arange(len(rows)), np.diff(rows.matrix.indptr))
    least: Floats = np.bincount(owner, np.minimum(data, 0.0), len(rows)).astype(np.float64)
    most: Floats = np.bincount(owner, np.maximum(data, 0.0), len(rows)).astype(np.float64)
    return least, most


def binding(rows: RuleRows) -> Ints:
    """The rows that can bind: not those that hold for every choice of candidates."""
    least, most = reach(rows)
    return np.flatnonzero((rows.low > least) | (rows.high < most))


def bound(blocks: Sequence[Block], m: int) -> RuleRows:
    """The rows of all blocks that can bind, in order; a block at a time, so that no row is held that is not needed."""
    parts = [stack([block], m) for block in blocks]
    kept = [binding(part) for part in parts]
    few = [
        part.take(k) if len(k) < len(part) else part for part, k in zip(parts, kept, strict=True)
    ]
    if not few:
        return stack((), m)
    return RuleRows(
        sp.csr_array(sp.vstack([part.matrix for part in few], format="csr")),
        np.concatenate([part.low for part in few]),
        np.concatenate([part.high for part in few]),
        np.repeat(np.arange(len(blocks)), [len(part) for part in few]),
        np.concatenate([part.row for part in few]),
    )


def families(rows: RuleRows) -> Families | None:
    """The two nested families of these rows, or None where there are not two.

    All rows must be able to bind (see `binding`). Coefficients other than 0 and 1 are no network.
    """
    if not np.all(rows.matrix.data == 1.0):
        return None
    group, keep = _distinct(rows.matrix)
    sets = rows.matrix if len(keep) == len(rows) else sp.csr_array(rows.matrix[keep, :])
    sets = sp.csr_array((np.ones(sets.nnz, np.int32), sets.indices, sets.indptr), shape=sets.shape)
    size = np.diff(sets.indptr).astype(np.int64)
    shared = sp.triu(sets @ sets.T, 1)  # every two rows that share candidates, once
    first, second = shared.coords
    apart = shared.data < np.minimum(size[first], size[second])
    side = _two_colours(first[apart], second[apart], len(keep))
    if side is None:
        return None
    nested = ~apart & (side[first] == side[second])
    first, second = first[nested], second[nested]
    turned = size[first] > size[second]
    inner, outer = np.where(turned, second, first), np.where(turned, first, second)
    parent = _smallest(inner, outer, size)
    leaf = np.stack([_leaves(sets, np.flatnonzero(side == k), size) for k in (0, 1)])
    return _merged(rows, group, size, side, parent, leaf)


def _distinct(sets: sp.csr_array) -> tuple[Ints, Ints]:
    """(R,) the place of each row among the distinct ones, and (K,) the first row of each; empty rows stay apart."""
    place: dict[object, int] = {}
    group, keep = np.empty(sets.shape[0], dtype=np.int64), list[int]()
    ends = sets.indptr.tolist()
    for i, (start, end) in enumerate(pairwise(ends)):
        key = (
            blake2b(sets.indices[start:end].tobytes(), digest_size=16).digest()
            if end > start
            else i
        )
        group[i] = place.setdefault(key, len(keep))
        if group[i] == len(keep):
            keep.append(i)
    return group, np.array(keep, dtype=np.int64)


def _two_colours(first: Ints, second: Ints, n: int) -> Ints | None:
    """(n,) 0 or 1 so that rows that cross differ; None where that cannot be."""
    graph = sp.csr_array((np.ones(len(first)), (first, second)), shape=(n, n))
    _, component = csgraph.connected_components(graph, directed=False)
    # One more node, tied to the first row of each component, lets one search colour them all.
    starts = np.unique(component, return_index=True)[1]
    ends = np.append(first, np.full(len(starts), n)), np.append(second, starts)
    graph = sp.csr_array((np.ones(len(ends[0])), ends), shape=(n + 1, n + 1))
    order, before = csgraph.breadth_first_order(graph, n, directed=False)
    colour = np.ones(n + 1, dtype=np.int64)
    for row, nearer in zip(order[1:].tolist(), before[order[1:]].tolist(), strict=True):
        colour[row] = 1 - colour[nearer]
    return None if np.any(colour[first] == colour[second]) else colour[:n]


def _leaves(sets: sp.csr_array, rows: Ints, size: Ints) -> Ints:
    """(m,) for each candidate the smallest of these rows that holds it (the first of equals), -1 where none."""
    found = np.full(sets.shape[1], -1, dtype=np.int64)
    for row in rows[np.lexsort((-rows, -size[rows]))].tolist():
        found[sets.indices[sets.indptr[row] : sets.indptr[row + 1]]] = row
    return found


def _smallest(item: Ints, row: Ints, size: Ints) -> Ints:
    """(K,) for each row as an item the smallest of the rows that hold it (the first of equals), -1 where none."""
    found = np.full(len(size), -1, dtype=np.int64)
    by_size = np.lexsort((-row, -size[row]))
    found[item[by_size]] = row[by_size]
    return found


def _merged(
    rows: RuleRows, group: Ints, size: Ints, side: Ints, parent: Ints, leaf: Ints
) -> Families:
    """One row for each set of candidates, with the tightest bounds and who gave them."""
    low = np.ceil(np.nan_to_num(np.maximum(rows.low, 0.0), posinf=2**40) - 1e-9).astype(np.int64)
    high = np.floor(np.clip(rows.high, -1.0, 2**40) + 1e-9).astype(np.int64)
    tightest_low = _extreme(group, low, len(size))
    tightest_high = _extreme(group, -high, len(size))
    return Families(
        low[tightest_low],
        high[tightest_high],
        size,
        side,
        parent,
        leaf,
        tightest_low,
        tightest_high,
    )


def _extreme(slot: Ints, value: Ints, n: int) -> Ints:
    """(n,) for each slot the row of the largest value (the first of equals)."""
    found = np.zeros(n, dtype=np.int64)
    by_value = np.lexsort((-np.arange(len(slot)), value))
    found[slot[by_value]] = by_value
    return found
