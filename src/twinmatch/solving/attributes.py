"""Rules on who sits with whom, said once: the search, the exact solver and the referee read them.

Notation: n items, K groups. Every rule speaks about each group that has members; a group that
stays empty keeps all of them.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
from numpy.typing import ArrayLike, NDArray

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


def masks(values: ArrayLike) -> list[tuple[str, NDArray[np.bool_]]]:
    """The masks that a rule's values stand for, (word, (n,) bool) each, in the order of first use.

    A bool array is one mask without a word; anything else is one mask a category.
    """
    array = np.asarray(values)
    if array.dtype == np.bool_:
        return [("", array)]
    plain = array.tolist()
    words = list(dict.fromkeys(value for value in plain if is_category(value)))
    return [(str(word), np.array([value == word for value in plain])) for word in words]


def per_group(bound: Bound, n_groups: int) -> NDArray[np.float64]:
    """A bound as one float a group, (K,)."""
    return np.broadcast_to(np.asarray(bound, dtype=np.float64), (n_groups,)).copy()
