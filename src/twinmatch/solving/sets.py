"""Choosing disjoint sets: cover as many items as possible, then the most worth, proven by HiGHS.

Notation: n items, S sets; member (S, n) is 1 where a set holds an item; worth (S,) higher is better.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import Bounds, LinearConstraint, milp
from scipy.sparse import csr_array

_DECIMALS = 6


def disjoint_sets(
    sets: Sequence[Sequence[int]], worth: Sequence[float], size: NDArray[np.float64]
) -> tuple[int, ...]:
    """Return the positions of disjoint sets that cover the most size, then have the most worth.

    ``sets`` hold items 0 .. n-1, ``size`` (n,) is what covering an item counts. Both aims are proven optimal
    (set packing as an integer programme); of equal answers the one with the earliest sets is returned.
    """
    if not sets:
        return ()
    rows = [item for items in sets for item in items]
    columns = [k for k, items in enumerate(sets) for _ in items]
    member = csr_array((np.ones(len(rows)), (rows, columns)), shape=(len(size), len(sets)))
    covered = np.array([sum(size[item] for item in items) for items in sets])
    once = LinearConstraint(member, ub=np.ones(len(size)))
    most = _best(covered, [once])
    full = LinearConstraint(covered[None, :], lb=np.array([most @ covered - 0.5e-6]))
    value = np.round(np.asarray(worth, dtype=np.float64), _DECIMALS)
    # Earlier sets first among equals: far below the last decimal of any difference in worth.
    order = -np.arange(len(sets)) * 10.0**-_DECIMALS / (4.0 * len(sets) ** 2)
    chosen = _best(value + order, [once, full])
    return tuple(int(k) for k in np.flatnonzero(chosen))


def _best(worth: NDArray[np.float64], constraints: list[LinearConstraint]) -> NDArray[np.float64]:
    answer = milp(
        -worth,
        integrality=np.ones(len(worth), dtype=np.int64),
        bounds=Bounds(0, 1),
        constraints=constraints,
        options={"mip_rel_gap": 0.0},
    )
    if answer.x is None:
        raise ArithmeticError(f"set packing found no answer: {answer.message}")
    return np.asarray(np.round(answer.x))
