"""Rules on who sits with whom, said once: the search, the exact solver and the referee read them.

Notation: n items, K groups. Every rule speaks about each group that has members; a group that
stays empty keeps all of them.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

import numpy as np
from numpy.typing import ArrayLike

from twinmatch.solving.blocks import Bools, Floats

Bound = int | Sequence[int]


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


GroupRule = Distribute | Gather | NobodyIsolated


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
    """One row of a rule over K groups: how many of a mask (n,) a group has, between low and high (K,), or not one alone."""

    mask: Bools
    low: Floats
    high: Floats
    alone: bool = False


def counts_of(rule: GroupRule, n_groups: int) -> list[Count]:
    """The counts that say a rule; none for Gather, which ties items instead."""
    none, free = np.zeros(n_groups), np.full(n_groups, np.inf)
    if isinstance(rule, Distribute):
        low = per_group(rule.low, n_groups)
        high = free if rule.high is None else per_group(rule.high, n_groups)
        return [Count(mask, low, high) for _, mask in masks(rule.values)]
    if isinstance(rule, NobodyIsolated):
        return [Count(mask, none, free, alone=True) for _, mask in masks(rule.values)]
    return []
