"""Choosing disjoint sets: cover as many items as possible, then the most worth, proven by HiGHS.

Notation: n items, S sets; member (n, S) is 1 where a set holds an item; worth (S,) higher is better.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import Bounds, LinearConstraint, milp
from scipy.sparse import csr_array

_DECIMALS = 6

Floats = NDArray[np.float64]


def disjoint_sets(
    sets: Sequence[Sequence[int]], worth: Sequence[float], size: Floats
) -> tuple[int, ...]:
    """Return the positions of disjoint sets that cover the most size, then have the most worth.

    ``sets`` hold items 0 .. n-1, ``size`` (n,) is what covering an item counts; worth counts to 6 decimals. Both
    aims are proven optimal (set packing as an integer programme). Of equal answers the one with the earliest sets
    is returned: item by item, the set that holds it stands as early as any answer has it.
    """
    if not sets:
        return ()
    rows = [item for items in sets for item in items]
    columns = [k for k, items in enumerate(sets) for _ in items]
    member = csr_array((np.ones(len(rows)), (rows, columns)), shape=(len(size), len(sets)))
    kept = [LinearConstraint(member, ub=np.ones(len(size)))]
    may = Bounds(np.zeros(len(sets)), np.ones(len(sets)))
    covered = np.array([sum(size[item] for item in items) for items in sets])
    kept.append(_no_less(covered, _best(covered, kept, may), 0.5e-6))
    # Whole numbers: HiGHS takes answers within 1e-6 of each other for equal.
    value = np.round(np.asarray(worth, dtype=np.float64) * 10**_DECIMALS)
    chosen = _best(value, kept, may)
    kept.append(_no_less(value, chosen, 0.5))
    for item in range(len(size)):
        holding = np.unique(member.indices[member.indptr[item] : member.indptr[item + 1]])
        holding = holding[may.ub[holding] > 0]
        if len(holding) and not chosen[holding[0]]:
            early = np.zeros(len(sets))
            early[holding] = np.arange(len(holding), 0, -1)
            chosen = _best(early, kept, may)
        may.lb[holding] = may.ub[holding] = chosen[holding]
    return tuple(int(k) for k in np.flatnonzero(chosen))


def _no_less(worth: Floats, chosen: Floats, apart: float) -> LinearConstraint:
    """What keeps an answer as good as a chosen one; no two that differ are less than twice ``apart`` apart."""
    return LinearConstraint(worth[None, :], lb=np.array([chosen @ worth - apart]))


def _best(worth: Floats, kept: Sequence[LinearConstraint], may: Bounds) -> Floats:
    answer = milp(
        -worth,
        integrality=np.ones(len(worth), dtype=np.int64),
        bounds=may,
        constraints=kept,
        options={"mip_rel_gap": 0.0},
    )
    if answer.x is None:
        raise ArithmeticError(f"set packing found no answer: {answer.message}")
    return np.asarray(np.round(answer.x))
