"""A floor under each guest's sum of scores, as columns and rows of a linear model.

    t            one column: the floor that is raised
    z (G',)      whether a guest has a meeting, for guests that may be left without
    rows         sum of g's scores - t - B z_g >= -B    (only guests with a meeting count)
                 meetings of g - D_g z_g <= 0           (a guest with a meeting says so)

with D_g the most meetings of g and B beyond any difference of two sums. Where every guest is full
there is no z and the rows are just  sum - t >= 0.

Leximin goes on from there in rounds (Nace and Orlin 2007, "Lexicographically minimum and maximum
load linear programming problems", doi:10.1287/opre.1060.0341): guests whose row has a price cannot
be above the floor in any best answer, so they keep it, and the floor of the others is raised again.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
import scipy.sparse as sp

from twinmatch.solving.blocks import Floats, Ints
from twinmatch.solving.highs import Model
from twinmatch.solving.question import Question


@dataclass(frozen=True, eq=False)
class Floored:
    """A model with a floor: the column of t, and for each guest with a floor its row."""

    model: Model
    column: int
    guest: Ints
    row: Ints

    def gain(self) -> Floats:
        """The floor itself, to be raised."""
        gain = np.zeros(self.model.matrix.shape[1])
        gain[self.column] = 1.0
        return gain

    def at(self, floor: float) -> Model:
        """The model with the floor at least this high."""
        least = self.model.least.copy()
        least[self.column] = floor
        return replace(self.model, least=least)

    def keeping(self, guests: Ints, floor: float) -> Floored:
        """These guests (by place in `guest`) keep this floor; t is for the others."""
        matrix, low, rows = self.model.matrix.copy(), self.model.low.copy(), self.row[guests]
        own = slice(*matrix.indptr[self.column : self.column + 2])
        matrix.data[own][np.isin(matrix.indices[own], rows)] = 0.0
        low[rows] += floor
        rest = np.setdiff1d(np.arange(len(self.guest)), guests)
        model = replace(self.model, matrix=matrix, low=low)
        return Floored(model, self.column, self.guest[rest], self.row[rest])


def floored(question: Question, model: Model, filled: float) -> Floored:
    """The model (its first m columns the candidates) with a floor under guests with a meeting."""
    c, most = question.candidates, question.most_each()
    guests = np.flatnonzero(most > 0)
    reach = float(np.abs(c.score).max(initial=0.0)) * int(most.max(initial=1))
    column = model.matrix.shape[1]
    model = model.with_columns(1, least=-reach, most=reach, whole=False)
    sums = _by_guest(c.guest, c.score, len(most))[guests]
    rows = np.arange(len(guests)) + model.matrix.shape[0]
    if filled >= most.sum() - 1e-6:
        wide = _wide(model, sums, {column: np.full(len(guests), -1.0)})
        low, high = np.zeros(len(guests)), np.full(len(guests), np.inf)
        return Floored(model.with_rows(wide, low, high), column, guests, rows)
    model = model.with_columns(len(guests), least=0.0, most=1.0, whole=True)
    placed = column + 1 + np.arange(len(guests))
    wide = _wide(model, sums, {column: np.full(len(guests), -1.0)}, placed, -2.0 * reach)
    low, high = np.full(len(guests), -2.0 * reach), np.full(len(guests), np.inf)
    model = model.with_rows(wide, low, high)
    counts = _by_guest(c.guest, np.ones(len(c)), len(most))[guests]
    wide = _wide(model, counts, {}, placed, -most[guests].astype(np.float64))
    model = model.with_rows(wide, np.full(len(guests), -np.inf), np.zeros(len(guests)))
    return Floored(model, column, guests, rows)


def _by_guest(guest: Ints, value: Floats, n_guests: int) -> sp.csr_array:
    m = len(guest)
    return sp.csr_array((value, (guest, np.arange(m))), shape=(n_guests, m))


def _wide(
    model: Model,
    over_candidates: sp.csr_array,
    columns: dict[int, Floats],
    own: Ints | None = None,
    value: float | Floats = 0.0,
) -> sp.csc_array:
    """Rows over all columns: over the candidates, some whole columns, and one own column a row."""
    n_rows = over_candidates.shape[0]
    wide = sp.csr_array(
        (over_candidates.data, over_candidates.indices, over_candidates.indptr),
        shape=(n_rows, model.matrix.shape[1]),
    ).tocoo()
    row, col = [wide.row.astype(np.int64)], [wide.col.astype(np.int64)]
    data = [wide.data]
    for column, values in columns.items():
        row.append(np.arange(n_rows))
        col.append(np.full(n_rows, column))
        data.append(values)
    if own is not None:
        row.append(np.arange(n_rows))
        col.append(own)
        data.append(np.broadcast_to(np.asarray(value, dtype=np.float64), n_rows))
    return sp.csc_array(
        (np.concatenate(data), (np.concatenate(row), np.concatenate(col))), shape=wide.shape
    )
