"""Which rules are a network: the split of 0/1 rows into two nested families.

A family of rows is *laminar* when any two of them are nested or share no candidate. Rows that
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

import numpy as np
import numpy.typing as npt
import scipy.sparse as sp
from scipy.sparse import csgraph

from twinmatch.solving.blocks import Block, Bools, Floats, Ints


@dataclass(frozen=True, eq=False)
class Rows:
    """All rows of all blocks one under the other, each with where it came from."""

    matrix: sp.csr_array
    low: Floats
    high: Floats
    block: Ints
    row: Ints

    def __len__(self) -> int:
        return len(self.low)

    def take(self, which: npt.NDArray[np.generic]) -> Rows:
        """These rows only."""
        rows = np.arange(len(self))[which]
        matrix = sp.csr_array(self.matrix[rows, :])
        return Rows(matrix, self.low[which], self.high[which], self.block[which], self.row[which])


@dataclass(frozen=True, eq=False)
class Families:
    """Two nested families of rows; `member` (R,) points into the rows they were made from.

    Rows with the same candidates are merged: `low` is their largest minimum, `high` their smallest
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


def stack(blocks: Sequence[Block], m: int) -> Rows:
    """The rows of all blocks, in order; an empty stack where there is none."""
    if not blocks:
        none = np.zeros(0, dtype=np.int64)
        return Rows(sp.csr_array((0, m)), np.zeros(0), np.zeros(0), none, none)
    matrix = sp.csr_array(sp.vstack([b.matrix for b in blocks], format="csr"))
    matrix.sum_duplicates()
    matrix.eliminate_zeros()
    return Rows(
        matrix,
        np.concatenate([b.low for b in blocks]),
        np.concatenate([b.high for b in blocks]),
        np.repeat(np.arange(len(blocks)), [len(b) for b in blocks]),
        np.concatenate([np.arange(len(b)) for b in blocks]),
    )


def reach(rows: Rows) -> tuple[Floats, Floats]:
    """The least and the most that each row can come to when nothing else binds, both (R,)."""
    data, owner = rows.matrix.data, np.repeat(np.arange(len(rows)), np.diff(rows.matrix.indptr))
    least: Floats = np.bincount(owner, np.minimum(data, 0.0), len(rows)).astype(np.float64)
    most: Floats = np.bincount(owner, np.maximum(data, 0.0), len(rows)).astype(np.float64)
    return least, most


def binding(rows: Rows) -> Ints:
    """The rows that can bind: not those that hold for every choice of candidates."""
    least, most = reach(rows)
    return np.flatnonzero((rows.low > least) | (rows.high < most))


def families(rows: Rows) -> Families | None:
    """The two nested families of these rows, or None where there are not two.

    All rows must be able to bind (see `binding`). Coefficients other than 0 and 1 are no network.
    """
    if not np.all(rows.matrix.data == 1.0):
        return None
    sets = sp.csr_array(
        (np.ones(rows.matrix.nnz, np.int32), rows.matrix.indices, rows.matrix.indptr),
        shape=rows.matrix.shape,
    )
    size = np.diff(sets.indptr).astype(np.int64)
    shared = (sets @ sets.T).tocoo()
    first, second = shared.row.astype(np.int64), shared.col.astype(np.int64)
    common = shared.data.astype(np.int64)
    group = _same(first, second, common, size)
    keep = np.unique(group)
    side = _two_colours(first, second, common < np.minimum(size[first], size[second]), len(size))
    if side is None:
        return None
    side = side[group]
    inside = (common == size[first]) & (size[second] > size[first]) & (side[first] == side[second])
    parent = _smallest(first[inside], second[inside], size, len(size))
    owner = np.repeat(np.arange(len(rows)), size)
    leaf = np.stack(
        [
            _smallest(sets.indices[at], owner[at], size, sets.shape[1])
            for at in (side[owner] == 0, side[owner] == 1)
        ]
    )
    return _merged(rows, group, keep, side, parent, leaf)


def _same(first: Ints, second: Ints, common: Ints, size: Ints) -> Ints:
    """(R,) the first row that holds the same candidates as each row."""
    group = np.arange(len(size))
    equal = (common == size[first]) & (common == size[second])
    np.minimum.at(group, first[equal], second[equal])
    return group


def _two_colours(first: Ints, second: Ints, crossing: Bools, n: int) -> Ints | None:
    """(n,) 0 or 1 so that rows that cross differ; None where that cannot be."""
    first, second = first[crossing], second[crossing]
    graph = sp.csr_array((np.ones(len(first)), (first, second)), shape=(n, n))
    _, component = csgraph.connected_components(graph, directed=False)
    # One more node, tied to the first row of each component, lets one search colour them all.
    starts = np.unique(component, return_index=True)[1]
    from_root = sp.csr_array(
        (np.ones(len(starts)), (np.zeros(len(starts), np.int64), starts)), shape=(1, n)
    )
    rooted: sp.csr_array[np.float64] = sp.csr_array(
        sp.block_array([[None, from_root], [from_root.T, graph]], format="csr")
    )
    depth = csgraph.shortest_path(rooted, unweighted=True, indices=0)[1:]
    colour = ((depth + 1) % 2).astype(np.int64)
    return None if np.any(colour[first] == colour[second]) else colour


def _smallest(item: Ints, row: Ints, size: Ints, n_items: int) -> Ints:
    """(n_items,) for each item the smallest of its rows (the first of equals), -1 where none."""
    found = np.full(n_items, -1, dtype=np.int64)
    by_size = np.lexsort((-row, -size[row]))
    found[item[by_size]] = row[by_size]
    return found


def _merged(rows: Rows, group: Ints, keep: Ints, side: Ints, parent: Ints, leaf: Ints) -> Families:
    """One row for each set of candidates, with the tightest bounds and who gave them."""
    # The last entry of each stands for "none", which is -1 on both sides.
    place = np.full(len(group) + 1, -1, dtype=np.int64)
    place[keep] = np.arange(len(keep))
    merged = place[np.append(group, -1)]
    low = np.ceil(np.nan_to_num(np.maximum(rows.low, 0.0), posinf=2**40) - 1e-9).astype(np.int64)
    high = np.floor(np.clip(rows.high, -1.0, 2**40) + 1e-9).astype(np.int64)
    slot = merged[:-1]
    tightest_low = _extreme(slot, low, len(keep))
    tightest_high = _extreme(slot, -high, len(keep))
    return Families(
        low[tightest_low],
        high[tightest_high],
        np.diff(rows.matrix.indptr)[keep].astype(np.int64),
        side[keep],
        merged[parent[keep]],
        merged[leaf],
        tightest_low,
        tightest_high,
    )


def _extreme(slot: Ints, value: Ints, n: int) -> Ints:
    """(n,) for each slot the row of the largest value (the first of equals)."""
    found = np.zeros(n, dtype=np.int64)
    by_value = np.lexsort((-np.arange(len(slot)), value))
    found[slot[by_value]] = by_value
    return found
