"""The question of a partition: checked, and brought into the arrays that the engines work on.

Notation: n items, K groups, m atoms (items that must stay together are one atom), R counts.
weight[x, y] likeness summed between atoms, inner[x] within one; bonus[x, g] the score of atom x in
group g, -inf where it may not sit; mass[x] its items; factor[s] what a pair is worth in a group of
s members. A rule becomes counts: tally[r, x] summed over a group must lie in
[floor[r, g] - slope[r] * s, ceiling[r, g] + slope[r] * s].
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, TypedDict, Unpack

import numpy as np
from numpy.typing import ArrayLike

from twinmatch.errors import Problem, QuestionError
from twinmatch.solving.attributes import (
    SIZE,
    Balance,
    Count,
    Distribute,
    Gather,
    GroupRule,
    NobodyIsolated,
    counts_of,
    gathered,
)
from twinmatch.solving.blocks import Bools, Floats, Ints
from twinmatch.solving.model import HUGE, numbers

Band = tuple[int, int]


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


OBJECTIVES = ("total", "mean", "squares")


@dataclass(frozen=True, eq=False)
class GroupingQuestion:
    """A checked question about n items; made by `ask`, answered by `partition`.

    worth: (n, n) likeness, negated for mixed groups, zero on the diagonal. bands: one a group, or
    band alone where the number of groups is free. The rest is as given to `partition`.
    """

    worth: Floats
    objective: str
    band: Band | None
    bands: tuple[Band, ...] | None
    bonus: Floats | None = None
    allowed: Bools | None = None
    fixed: Ints | None = None
    together: tuple[tuple[int, int], ...] = ()
    apart: tuple[tuple[int, int], ...] = ()
    rules: tuple[GroupRule, ...] = ()

    @property
    def n_items(self) -> int:
        """How many items are grouped."""
        return len(self.worth)


@dataclass(frozen=True, eq=False)
class Task:
    """A question with its number of groups chosen, in the arrays of the notation above.

    atom: (n,) the atom of each item. kin: (K,) groups with the same number are interchangeable.
    apart: (m, m) bool or None.
    """

    atom: Ints
    weight: Floats
    inner: Floats
    bonus: Floats
    mass: Ints
    low: Ints
    high: Ints
    factor: Floats
    apart: Bools | None
    kind: Ints
    tally: Floats
    floor: Floats
    ceiling: Floats
    slope: Floats
    kin: Ints = field(repr=False)

    @property
    def n_groups(self) -> int:
        """How many groups there are, K."""
        return self.low.size

    @property
    def plain(self) -> bool:
        """Whether sizes and allowed groups are the only rules, and no items are tied."""
        return self.apart is None and self.kind.size == 1 and bool((self.mass == 1).all())

    def score(self, label: Ints) -> float:
        """The objective of a grouping of the atoms, (m,), exactly rounded."""
        parts: list[float] = []
        for group in range(self.n_groups):
            inside = np.flatnonzero(label == group)
            pairs = self.weight[np.ix_(inside, inside)][np.triu_indices(inside.size, 1)]
            total = math.fsum(pairs.tolist()) + math.fsum(self.inner[inside].tolist())
            parts.append(float(self.factor[self.mass[inside].sum()]) * total)
            parts.extend(self.bonus[inside, group].tolist())
        return math.fsum(parts)


class GroupWishes(TypedDict, total=False):
    """What may be asked of a grouping beside its sizes.

    bonus (n, K): the score of an item in a group; allowed (n, K) bool; fixed (n,) group or -1; all
    three need groups. together, apart: pairs of items; rules: see `attributes`. alike=False takes
    the likeness off the score in place of adding it.
    """

    bonus: ArrayLike | None
    allowed: ArrayLike | None
    fixed: ArrayLike | None
    together: Iterable[tuple[int, int]]
    apart: Iterable[tuple[int, int]]
    rules: Sequence[GroupRule]
    alike: bool


# -- checking ----------------------------------------------------------------------------------


def ask(
    likeness: ArrayLike,
    *,
    sizes: Band | None,
    groups: Sequence[Band] | None,
    objective: str,
    more: Iterable[Problem] = (),
    **wishes: Unpack[GroupWishes],
) -> GroupingQuestion:
    """The checked question; a QuestionError lists everything that is wrong, and the problems `more`."""
    if unknown := wishes.keys() - GroupWishes.__annotations__.keys():
        raise TypeError(f"unexpected arguments: {', '.join(sorted(unknown))}")
    matrix, problems = _checked_likeness(likeness)
    n_items = len(matrix)
    problems += _wrong_bands(sizes, groups)
    if objective not in OBJECTIVES:
        problems.append(
            Problem(
                "objective-unknown",
                f"objective {objective!r} is unknown.",
                do='Use "total" or "mean".',
            )
        )
    n_groups = None if groups is None else len(groups)
    given = {name: wishes.get(name) for name in ("bonus", "allowed", "fixed")}
    tables, wrong = _checked_tables(n_items, n_groups, given)
    problems += wrong
    rules = tuple(wishes.get("rules", ()))
    ties, bans = _pairs(wishes.get("together", ())), _pairs(wishes.get("apart", ()))
    problems += _wrong_pairs("together", ties, n_items) + _wrong_pairs("apart", bans, n_items)
    if not problems:
        problems += _contradictions(ties, bans, tables["fixed"], n_items)
    for rule in rules:
        problems += _wrong_rule(rule, n_items, n_groups)
    problems += more
    if problems:
        raise QuestionError(problems)

    worth = matrix if wishes.get("alike", True) else -matrix
    np.fill_diagonal(worth, 0.0)
    return GroupingQuestion(
        worth=worth,
        objective=objective,
        band=None if sizes is None else _at_most(sizes, n_items),
        bands=None if groups is None else tuple(_at_most(band, n_items) for band in groups),
        bonus=tables["bonus"],
        allowed=tables["allowed"],
        fixed=tables["fixed"],
        together=tuple(ties),
        apart=tuple(bans),
        rules=rules,
    )


def _at_most(band: Band, n_items: int) -> Band:
    """The same band, since no group has more members than there are items."""
    return min(int(band[0]), n_items + 1), min(int(band[1]), n_items + 1)


def _checked_likeness(likeness: ArrayLike) -> tuple[Floats, list[Problem]]:
    try:
        matrix, wrong = numbers(likeness)
    except ValueError:
        return np.zeros((0, 0)), [Problem("likeness-shape", "likeness is no table of numbers.")]
    if matrix.ndim != 2 or matrix.shape[0] != matrix.shape[1]:
        shape = "x".join(map(str, matrix.shape)) or "one value"
        return np.zeros((0, 0)), [Problem("likeness-shape", f"likeness is {shape}, not square.")]
    if wrong is not None:
        found = f"likeness of {' and '.join(map(str, wrong))} is no real number."
        return np.zeros((0, 0)), [Problem("likeness-no-number", found, do="Give a number.")]
    if not len(matrix):
        return matrix, [Problem("likeness-empty", "there is nobody to group.")]
    off = matrix.copy()
    np.fill_diagonal(off, 0.0)  # nobody is compared with oneself, so nothing is asked of it
    if not (np.abs(off) <= HUGE).all():
        i, j = np.argwhere(~(np.abs(off) <= HUGE))[0]
        found = f"likeness of {i} and {j} is {off[i, j]}."
        return off, [Problem("likeness-not-finite", found, do="Decide what an unknown counts.")]
    uneven = np.abs(off - off.T)
    if (uneven > 1e-9 * max(1.0, float(np.abs(off).max()))).any():
        i, j = np.unravel_index(int(uneven.argmax()), uneven.shape)
        found = f"likeness of {i} to {j} is {off[i, j]}, of {j} to {i} is {off[j, i]}."
        return off, [Problem("likeness-not-symmetric", found, do="Take the mean of both.")]
    return (off + off.T) / 2.0, []


def _wrong_bands(sizes: Any, groups: Any) -> list[Problem]:
    if (sizes is None) == (groups is None):
        found = "sizes and groups are both given." if groups is not None else "no sizes are given."
        return [Problem("sizes-or-groups", found, do="Give sizes=(low, high) or groups, not both.")]
    bands = (
        [("sizes", sizes)] if groups is None else [(f"group {g}", b) for g, b in enumerate(groups)]
    )
    if not bands:
        return [Problem("groups-empty", "the list of groups is empty.")]
    least = 1 if groups is None else 0
    problems = []
    for name, band in bands:
        band = tuple(band) if isinstance(band, Iterable) else (band,)
        whole = len(band) == 2 and all(isinstance(v, int | np.integer) for v in band)
        if not (whole and least <= band[0] <= band[1] and band[1] >= 1):
            problems.append(
                Problem(
                    "band-impossible",
                    f"{name}: {band} is no band.",
                    do=f"Give two whole numbers, {least} <= low <= high.",
                )
            )
    return problems


def _checked_tables(
    n_items: int, n_groups: int | None, given: Mapping[str, Any]
) -> tuple[dict[str, Any], list[Problem]]:
    """bonus (n, K) float, allowed (n, K) bool and fixed (n,) int, or None; and what is wrong."""
    tables: dict[str, Any] = dict.fromkeys(given)
    problems: list[Problem] = []
    for name, value in given.items():
        if value is None:
            continue
        if n_groups is None:
            problems.append(
                Problem("groups-needed", f"{name} speaks of groups.", do="Give groups.")
            )
            continue
        array = np.asarray(value)
        shape = (n_items,) if name == "fixed" else (n_items, n_groups)
        if array.shape != shape:
            problems.append(Problem(f"{name}-shape", f"{name} is {array.shape}, not {shape}."))
        elif name == "bonus":
            tables[name], place = numbers(array)
            beyond = np.argwhere(~(np.abs(tables[name]) <= HUGE))
            if place is not None or len(beyond):
                i, g = beyond[0] if place is None else place
                found = f"bonus of item {i} in group {g} is {array[i, g]}."
                problems.append(Problem("bonus-not-finite", found, do="Give a finite number."))
        elif name == "allowed":
            tables[name] = array.astype(bool)
        else:
            tables[name] = array.astype(np.int64)
            if (tables[name] < -1).any() or (tables[name] >= n_groups).any():
                found = f"fixed names groups outside -1 to {n_groups - 1}."
                problems.append(Problem("fixed-range", found))
    return tables, problems


def _pairs(pairs: Iterable[tuple[int, int]]) -> list[tuple[int, int]]:
    return [(int(i), int(j)) for i, j in pairs]


def _wrong_pairs(name: str, pairs: list[tuple[int, int]], n_items: int) -> list[Problem]:
    problems = []
    for i, j in pairs:
        if not (0 <= i < n_items and 0 <= j < n_items):
            problems.append(Problem(f"{name}-range", f"{name}: ({i}, {j}) is outside the items."))
        elif i == j:
            problems.append(Problem(f"{name}-self", f"{name}: {i} is paired with itself."))
    return problems


def _contradictions(
    ties: list[tuple[int, int]], bans: list[tuple[int, int]], fixed: Ints | None, n_items: int
) -> list[Problem]:
    atom = tied(n_items, ties)
    problems = [
        Problem("links-contradict", f"{i} and {j} are to be together and apart.")
        for i, j in bans
        if atom[i] == atom[j]
    ]
    if fixed is not None:
        for i in range(n_items):
            j = int(np.flatnonzero(atom == atom[i])[0])
            if fixed[i] >= 0 <= fixed[j] and fixed[i] != fixed[j]:
                found = f"{j} and {i} are to be together, but fixed in groups {fixed[j]} and {fixed[i]}."
                problems.append(Problem("links-contradict", found))
    return problems


def _wrong_rule(rule: GroupRule, n_items: int, n_groups: int | None) -> list[Problem]:
    if not isinstance(rule, Distribute | Gather | NobodyIsolated | Balance):
        return [Problem("rule-unknown", f"{rule!r} is no rule of groups.")]
    shape = np.shape(rule.values)
    if shape != (n_items,):
        return [Problem("rule-shape", f"{rule.name}: values are {shape}, not ({n_items},).")]
    if isinstance(rule, Distribute):
        return _wrong_limits(rule, n_groups)
    if isinstance(rule, Balance):
        numbers = np.asarray(rule.values)
        if numbers.dtype.kind not in "biuf" or not np.isfinite(numbers.astype(float)).all():
            return [Problem("rule-values", f"{rule.name}: values are not all finite numbers.")]
        if not 0 <= rule.tolerance < math.inf:
            return [Problem("rule-tolerance", f"{rule.name}: tolerance is {rule.tolerance}.")]
        if rule.of not in ("mean", "sum"):
            return [Problem("rule-of", f'{rule.name}: of is {rule.of!r}, not "mean" or "sum".')]
    return []


def _wrong_limits(rule: Distribute, n_groups: int | None) -> list[Problem]:
    bounds = [np.asarray(rule.low)] + ([] if rule.high is None else [np.asarray(rule.high)])
    if any(b.ndim and (n_groups is None or b.shape != (n_groups,)) for b in bounds):
        return [Problem("rule-shape", f"{rule.name}: one number, or one for each group given.")]
    if (bounds[0] < 0).any() or (bounds[0] > bounds[-1]).any():
        return [Problem("rule-limits", f"{rule.name}: limits must be 0 <= low <= high.")]
    return []


# -- arrays ------------------------------------------------------------------------------------


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


def task_of(question: GroupingQuestion, bands: Sequence[Band]) -> Task:
    """The arrays of a question whose groups have the bands given, one a group."""
    n_items, n_groups = question.n_items, len(bands)
    atom = tied(n_items, [*question.together, *gathered(question.rules)])
    n_atoms = int(atom.max()) + 1
    mass = np.bincount(atom, minlength=n_atoms).astype(np.int64)
    low, high = (np.array([band[k] for band in bands], dtype=np.int64) for k in (0, 1))
    counts = [
        Count(SIZE, np.ones(n_items), low.astype(np.float64), high.astype(np.float64)),
        *(c for rule in question.rules for c in counts_of(rule, n_groups)),
    ]
    weight, inner = _contract(question.worth, atom, n_atoms)
    bonus = _places(question, atom, n_atoms, n_groups)
    floor, ceiling = np.array([c.floor for c in counts]), np.array([c.ceiling for c in counts])
    return Task(
        atom=atom,
        weight=weight,
        inner=inner,
        bonus=bonus,
        mass=mass,
        low=low,
        high=high,
        factor=pair_worth(question.objective, n_items),
        apart=_apart(question.apart, atom, n_atoms),
        kind=np.array([c.kind for c in counts], dtype=np.int64),
        tally=np.array([_pool(c.values, atom, n_atoms) for c in counts]),
        floor=floor,
        ceiling=ceiling,
        slope=np.array([c.slope for c in counts]),
        kin=_kin(np.vstack([floor, ceiling, bonus])),
    )


def _pool(values: Floats, atom: Ints, n_atoms: int) -> Floats:
    pooled = np.zeros(n_atoms)
    np.add.at(pooled, atom, values)
    return pooled


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


def _places(question: GroupingQuestion, atom: Ints, n_atoms: int, n_groups: int) -> Floats:
    """bonus (m, K), -inf where some item of the atom may not sit."""
    places = np.zeros((question.n_items, n_groups))
    if question.bonus is not None:
        places += question.bonus
    if question.allowed is not None:
        places[~question.allowed] = -np.inf
    if question.fixed is not None:
        seated = question.fixed >= 0
        elsewhere = np.arange(n_groups) != question.fixed[:, None]
        places[seated[:, None] & elsewhere] = -np.inf
    pooled = np.zeros((n_atoms, n_groups))
    np.add.at(pooled, atom, places)
    return pooled


def _apart(pairs: Sequence[tuple[int, int]], atom: Ints, n_atoms: int) -> Bools | None:
    if not pairs:
        return None
    matrix = np.zeros((n_atoms, n_atoms), dtype=bool)
    for i, j in pairs:
        matrix[atom[i], atom[j]] = matrix[atom[j], atom[i]] = True
    return matrix


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
