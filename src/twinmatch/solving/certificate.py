"""A bound on every answer, from prices of the rules alone.

For any prices y, one a row, weak duality of linear programming gives

    gain @ x  <=  sum_i max(y_i low_i, y_i high_i)  +  sum_c max over x_c of (gain - y @ A)_c x_c

for every x that keeps the rows `low <= A @ x <= high` and `least <= x <= most`. So the bound trusts
no engine: wrong prices give a weaker bound, never a wrong one. It is computed from the true scores,
not from scaled ones.
"""

from __future__ import annotations

import numpy as np
import scipy.sparse as sp

from twinmatch.solving.blocks import Floats


def upper_bound(
    gain: Floats,
    matrix: sp.csr_array | sp.csc_array,
    low: Floats,
    high: Floats,
    price: Floats,
    least: Floats,
    most: Floats,
) -> float:
    """The bound that these prices (r,) put on the gain of any answer.

    A price that leans on an open side of its row says nothing and is left out.
    """
    leans = ((price > 0) & np.isinf(high)) | ((price < 0) & np.isinf(low))
    price = np.where(leans, 0.0, price)
    used = np.flatnonzero(price)
    rows = float(price[used] @ np.where(price > 0, high, low)[used])
    rest = gain - matrix.T @ price
    return rows + float(_best(rest, least, most).sum())


def _best(rest: Floats, least: Floats, most: Floats) -> Floats:
    """The most that each column can bring; columns of no worth bring nothing, even unbounded."""
    towards = np.where(rest > 0, most, least)
    return np.where(rest == 0, 0.0, rest * np.where(rest == 0, 0.0, towards))


def tolerance(score: Floats, n_chosen: int, step: float) -> float:
    """How far a proven total may lie under the bound by rounding alone, in units of score."""
    largest = float(np.abs(score).max(initial=1.0))
    return max(n_chosen, 1) * (1e-9 * largest + 2.0 * step)
