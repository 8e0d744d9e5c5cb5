"""Rules on who sits with whom, said once: the search, the exact solver and the referee read them.

Notation: n items, K groups. Every rule speaks about each group that has members; a group that
stays empty keeps all of them.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Any, Literal

import numpy as np
from numpy.typing import ArrayLike

from twinmatch.solving.blocks import Bools, Floats

Bound = int | Sequence[int]

TINY = 1e-10  # a breach below this is rounding
SIZE, RANGE, ISOLATED = 0, 1, 2  # kinds of counts; all but SIZE are kept by an empty group


@dataclass(frozen=True, eq=False)
class Distribute:
    """Each group has between low and high members of a mask, or of every category.

    values: (n,) bool mask, or (n,) categories (None, "" and nan are no category).
    low, high: one number for all groups, or one a group; high None means no upper limit.
    """

    values: ArrayLike
    low: Bound = 0
    high: Bound | None = None
    name: str = "distribute"


@dataclass(frozen=True, eq=False)
class Gather:
    """All items of a category sit in one group; values (n,) categories, None, "" and nan are free."""

    values: ArrayLike
    name: str = "gather"


@dataclass(frozen=True, eq=False)
class NobodyIsolated:
    """Each group has none or at least two members of the mask, or of every category; values (n,)."""

    values: ArrayLike
    name: str = "nobody isolated"


@dataclass(frozen=True, eq=False)
class Balance:
    """Each group's mean, or sum, of the values lies within tolerance of the common one.

    The common mean is that of all n items; the common sum is the sum of all divided by the number
    of groups. values: (n,) finite; tolerance: at least 0, in the unit of the values.
    """

    values: ArrayLike
    tolerance: float
    of: Literal["mean", "sum"] = "mean"
    name: str = "balance"


GroupRule = Distribute | Gather | NobodyIsolated | Balance


def is_category(value: Any) -> bool:
    """Whether a value names a category: None, "" and nan do not."""
    return value is not None and value != "" and value == value


def masks(values: ArrayLike) -> list[tuple[str, Bools]]:
    """The masks that a rule's values stand for, (word, (n,) bool) each, in the order of first use.

    A bool array is one mask without a word; anything else is one mask a category.
    """
    array = np.asarray(values)
    if array.dtype == np.bool_:
        return [("", array)]
    plain = array.tolist()
    words = list(dict.fromkeys(value for value in plain if is_category(value)))
    return [(str(word), np.array([value == word for value in plain])) for word in words]


def per_group(bound: Bound, n_groups: int) -> Floats:
    """A bound as one float a group, (K,)."""
    return np.broadcast_to(np.asarray(bound, dtype=np.float64), (n_groups,)).copy()


# -- as counts ---------------------------------------------------------------------------------


def gathered(rules: Sequence[GroupRule]) -> list[tuple[int, int]]:
    """The pairs that the Gather rules tie together, as a chain through each category."""
    chain: list[tuple[int, int]] = []
    for rule in rules:
        if isinstance(rule, Gather):
            for _, mask in masks(rule.values):
                chosen = np.flatnonzero(mask).tolist()
                chain.extend(pairwise(chosen))
    return chain


@dataclass(frozen=True, eq=False)
class Count:
    """One row of a rule over K groups: values (n,) summed in a group, and where the sum must lie."""

    kind: int
    values: Floats
    floor: Floats
    ceiling: Floats
    slope: float = 0.0


def counts_of(rule: GroupRule, n_groups: int) -> list[Count]:
    """The counts that say a rule; none for Gather, which ties items instead."""
    free = np.full(n_groups, np.inf)
    if isinstance(rule, Distribute):
        low = per_group(rule.low, n_groups)
        high = free if rule.high is None else per_group(rule.high, n_groups)
        return [Count(RANGE, m.astype(np.float64), low, high) for _, m in masks(rule.values)]
    if isinstance(rule, NobodyIsolated):
        return [
            Count(ISOLATED, m.astype(np.float64), np.zeros(n_groups), free)
            for _, m in masks(rule.values)
        ]
    if isinstance(rule, Balance):
        return [_balance_count(rule, n_groups)]
    return []


def _balance_count(rule: Balance, n_groups: int) -> Count:
    """Values around their mean and on the scale of one, so that a breach weighs like one item's."""
    values = np.asarray(rule.values, dtype=np.float64)
    plain = values.tolist()
    if rule.of == "mean":
        centred = values - math.fsum(plain) / len(plain)
        scale = float(np.abs(centred).max()) or 1.0
        zero = np.zeros(n_groups)
        return Count(RANGE, centred / scale, zero, zero, rule.tolerance / scale)
    scale = float(np.abs(values).max()) or 1.0
    common = math.fsum(plain) / n_groups
    low = np.full(n_groups, (common - rule.tolerance) / scale)
    high = np.full(n_groups, (common + rule.tolerance) / scale)
    return Count(RANGE, values / scale, low, high)


def breaches(kind: Any, count: Any, floor: Any, ceiling: Any, slope: Any, size: Any) -> Floats:
    """By how much counts of groups of these sizes break their rules, elementwise; 0 where they are kept."""
    over = np.maximum((floor - slope * size) - count, count - (ceiling + slope * size))
    over = np.where(kind == ISOLATED, 1.0 * (count == 1.0), over)
    return np.where((over <= TINY) | ((size == 0) & (kind != SIZE)), 0.0, over)
