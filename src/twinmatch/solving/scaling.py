"""Scores as integers, with the error that it makes.

The flow engine counts in integers. A score s becomes q = round(s * scale). Where all scores lie on
a decimal grid or on quarters, the scale is that grid and nothing is lost. Otherwise the largest
|q| is about 2**30, so a meeting is off by at most max|s| * 2**-31 and an answer of n meetings by
at most n times as much: for 1,000 meetings of scores in [-1, 1], 5e-7 in all. The bound reported
with an answer is computed from the true scores, so it holds whatever the rounding did.

A bound on every answer, from prices of the rules alone.

For any prices y, one a row, weak duality of linear programming gives

    gain @ x  <=  sum_i max(y_i low_i, y_i high_i)  +  sum_c max over x_c of (gain - y @ A)_c x_c

for every x that keeps the rows `low <= A @ x <= high` and `least <= x <= most`. So the bound trusts
no engine: wrong prices give a weaker bound, never a wrong one. It is computed from the true scores,
not from scaled ones.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import scipy.sparse as sp

from twinmatch.solving.blocks import Floats, Ints

GRIDS = (1.0, 4.0, 100.0, 1e4, 1e6)
FINEST = 2.0**30


USUAL = (2.0**-10, 2.0**20)  # largest scores that are taken as they are
HUGE = 1e300  # beyond which a sum of scores may overflow


def numbers(given: npt.ArrayLike) -> tuple[Floats, tuple[int, ...] | None]:
    """The table as floats and None; or, where a cell is no real number, the place of the first such.

    Raises ValueError where rows differ in length.
    """
    table = np.asarray(given)
    if table.dtype.kind in "biuf":
        return np.asarray(table, dtype=np.float64), None
    cells = np.asarray(given, dtype=object)
    values = np.zeros(cells.shape)
    for at in np.ndindex(cells.shape):
        if not isinstance(cells[at], int | float | np.integer | np.floating):
            return values, at
        try:
            values[at] = cells[at]
        except OverflowError:
            return values, at
    return values, None


def is_time(seconds: object) -> bool:
    """Whether this is a number of seconds above 0."""
    number = isinstance(seconds, int | float | np.number) and not isinstance(seconds, bool)
    return number and bool(0 < seconds < np.inf)  # type: ignore[operator]


def exponent(score: Floats | float) -> int:
    """The power of two by which these scores are divided before they are solved: 0 for usual ones."""
    largest = float(np.max(np.abs(score), initial=0.0))
    if largest == 0.0 or USUAL[0] <= largest <= USUAL[1]:
        return 0
    return int(np.frexp(largest)[1])


@dataclass(frozen=True)
class Scale:
    """What scores are multiplied by before rounding; `step` is the most one can then be off."""

    factor: float
    step: float


class DecimalGrid:
    """The scale that fits all scores seen, which may come in parts."""

    def __init__(self) -> None:
        self.largest = 0.0
        self.grids: tuple[float, ...] = GRIDS

    def see(self, score: Floats) -> None:
        """Look at more scores; -inf (no meeting) is passed over."""
        highest, lowest = float(score.max(initial=0.0)), float(score.min(initial=0.0))
        if np.isneginf(lowest):
            score = np.where(score == -np.inf, 0.0, score)
            lowest = float(score.min(initial=0.0))
        self.largest = max(self.largest, highest, -lowest)
        few = score.ravel()[:64]  # nearly always enough to tell that a grid does not fit
        self.grids = tuple(g for g in self.grids if _lies_on(few, g) and _lies_on(score, g))

    def scale(self) -> Scale:
        """The coarsest grid that holds all scores, or the finest scale that the integers hold."""
        if self.largest == 0.0:
            return Scale(1.0, 0.0)
        for grid in self.grids:
            if self.largest * grid <= FINEST:
                return Scale(grid, 0.0)
        factor = FINEST / self.largest
        return Scale(factor, 0.5 / factor)


def scaled(score: Floats) -> tuple[Ints, Scale]:
    """The scores as integers, exactly where they lie on a grid (see the module's head)."""
    grid = DecimalGrid()
    grid.see(score)
    scale = grid.scale()
    value = score * scale.factor
    return np.rint(value, out=value).astype(np.int64), scale


def _lies_on(score: Floats, grid: float) -> bool:
    on_grid = score * grid
    np.rint(on_grid, out=on_grid)
    on_grid /= grid
    return bool((on_grid == score).all())


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
