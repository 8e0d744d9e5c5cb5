"""Groups to be formed, in the arrays that the engines work on.

Notation: n items, K groups, m atoms (items that must stay together are one atom), R counts.
weight[x, y] likeness summed between atoms, inner[x] within one; may[x, g] whether atom x may sit in
group g; mass[x] its items; factor[s] what a pair is worth in a group of s members. A rule becomes
counts: tally[r, x] summed over a group lies in [low[g], high[g]], or is not 1.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field

import numpy as np

from twinmatch.solving.attributes import Count, GroupRule, counts_of, gathered
from twinmatch.solving.blocks import Bools, Floats, Ints

Band = tuple[int, int]

OBJECTIVES = ("total", "mean", "squares")


def pair_worth(objective: str, largest: int) -> Floats:
    """What one pair inside a group of s members adds to the objective, (largest + 1,).

    "total": 1. "mean": 2 / (s - 1), as both members count the other in a mean over s - 1.
    "squares": 1 / s, as the sum of squares around a centre is the sum over pairs divided by s.
    """
    size = np.arange(largest + 1, dtype=np.float64)
    if objective == "total":
        return np.ones(largest + 1)
    if objective == "mean":
        return np.where(size >= 2, 2.0 / np.maximum(size - 1.0, 1.0), 0.0)
    return np.where(size >= 1, 1.0 / np.maximum(size, 1.0), 0.0)


@dataclass(frozen=True, eq=False)
class Task:
    """Groups to be formed, in the arrays of the notation above.

    atom: (n,) the atom of each item. low, high: (K,) the members of each group. kin: (K,) groups with the
    same number are interchangeable.
    """

    atom: Ints
    weight: Floats
    inner: Floats
    may: Bools
    mass: Ints
    low: Ints
    high: Ints
    factor: Floats
    counts: tuple[Count, ...]
    tally: Floats
    kin: Ints = field(repr=False)

    @property
    def n_groups(self) -> int:
        """How many groups there are, K."""
        return self.low.size

    def score(self, label: Ints) -> float:
        """The objective of a grouping of the atoms, (m,), exactly rounded."""
        parts: list[float] = []
        for group in range(self.n_groups):
            inside = np.flatnonzero(label == group)
            pairs = self.weight[np.ix_(inside, inside)][np.triu_indices(inside.size, 1)]
            total = math.fsum(pairs.tolist()) + math.fsum(self.inner[inside].tolist())
            parts.append(float(self.factor[self.mass[inside].sum()]) * total)
        return math.fsum(parts)

    def of_atoms(self, label: Ints) -> Ints | None:
        """Return a grouping of the items (n,) as one of the atoms, (m,); None where ties, places or sizes forbid it."""
        found: Ints = label[np.unique(self.atom, return_index=True)[1]]
        size = np.bincount(label, minlength=self.n_groups)
        fits = ((self.low <= size) & (size <= self.high)).all()
        fits &= (found[self.atom] == label).all() & self.may[np.arange(len(found)), found].all()
        return found if fits else None


def tied(n_items: int, pairs: Iterable[tuple[int, int]]) -> Ints:
    """The atom of each item when the pairs stay together, (n,), numbered by lowest member."""
    root = list(range(n_items))

    def find(i: int) -> int:
        while root[i] != i:
            i = root[i]
        return i

    for i, j in pairs:
        low, high = sorted((find(i), find(j)))
        root[high] = low
    return np.unique([find(i) for i in range(n_items)], return_inverse=True)[1].astype(np.int64)


def task_of(
    worth: Floats,
    bands: Sequence[Band],
    objective: str,
    rules: Sequence[GroupRule] = (),
    *,
    together: Iterable[tuple[int, int]] = (),
    fixed: Ints | None = None,
) -> Task:
    """The task of forming groups of these bands, one a group, of items of this worth (n, n) to each other.

    together: pairs of items that share a group; fixed (n,): the group of an item, -1 where it is free.
    """
    n_items, n_groups = len(worth), len(bands)
    atom = tied(n_items, [*together, *gathered(rules)])
    n_atoms = int(atom.max()) + 1
    low, high = (np.array([band[k] for band in bands], dtype=np.int64) for k in (0, 1))
    counts = tuple(count for rule in rules for count in counts_of(rule, n_groups))
    pure = worth - np.diag(np.diagonal(worth))
    weight, inner = _contract(pure, atom, n_atoms)
    may = np.ones((n_atoms, n_groups), dtype=bool)
    for item, group in enumerate([] if fixed is None else fixed.tolist()):
        if group >= 0:
            may[atom[item]] &= np.arange(n_groups) == group
    bounds = [(low, high), *((count.low, count.high) for count in counts)]
    return Task(
        atom=atom,
        weight=weight,
        inner=inner,
        may=may,
        mass=np.bincount(atom, minlength=n_atoms).astype(np.int64),
        low=low,
        high=high,
        factor=pair_worth(objective, n_items),
        counts=counts,
        tally=np.array([np.bincount(atom, c.mask, n_atoms) for c in counts]),
        kin=_kin(np.vstack([*(side for pair in bounds for side in pair), may])),
    )


def _contract(worth: Floats, atom: Ints, n_atoms: int) -> tuple[Floats, Floats]:
    if n_atoms == len(worth):
        return worth, np.zeros(n_atoms)
    rows = np.zeros((n_atoms, len(worth)))
    np.add.at(rows, atom, worth)
    weight = np.zeros((n_atoms, n_atoms))
    np.add.at(weight.T, atom, rows.T)
    inner = np.diagonal(weight) / 2.0
    np.fill_diagonal(weight, 0.0)
    return (weight + weight.T) / 2.0, inner


def _kin(columns: Floats) -> Ints:
    """Groups with equal columns get the number of the first of them."""
    first: dict[bytes, int] = {}
    one: Callable[[int], bytes] = lambda g: np.ascontiguousarray(columns[:, g] + 0.0).tobytes()  # noqa: E731
    return np.array([first.setdefault(one(g), g) for g in range(columns.shape[1])], dtype=np.int64)


def in_order(label: Ints, kin: Ints) -> Ints:
    """The same grouping with interchangeable groups numbered by their lowest member."""
    order = label.copy()
    for family in np.unique(kin):
        groups = np.flatnonzero(kin == family)
        firsts = [
            int(np.flatnonzero(label == g)[0]) if (label == g).any() else label.size for g in groups
        ]
        for new, old in zip(groups, groups[np.argsort(firsts, kind="stable")], strict=True):
            order[label == old] = new
    return order
