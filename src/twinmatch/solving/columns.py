"""LPs over few columns that are proven best over all: column generation with HiGHS.

As `pricing` does for flows (see there for sources), for rules of any shape: solve over some
columns, price all others with the prices of the rows, add those that would improve, until there are
none. HiGHS goes on from its last basis. Columns left out are at their least, nought.
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import scipy.sparse as sp

from twinmatch.solving.blocks import Candidates, Floats, Ints
from twinmatch.solving.certificate import upper_bound
from twinmatch.solving.highs import Clock, LinearOutcome, Model, answered, loaded

ALL_FROM_START = 20_000  # with fewer columns than this, all of them are in from the start
FIRST = 8  # best candidates of each guest and of each host to begin with
ADDED = 3  # columns added for a guest in a round, at most
IMPROVES = 1e-7  # of the largest gain: what a column must bring to be added


def first_columns(c: Candidates, n: int) -> Ints:
    """The columns to begin with: all of a small question, else the best of each guest and host.

    Columns after the candidates, m to n - 1, are always in.
    """
    m = len(c)
    if m <= ALL_FROM_START:
        return np.arange(n)
    best = [_best_of(c.guest, c.score, FIRST), _best_of(c.host, c.score, FIRST)]
    return np.unique(np.concatenate([*best, np.arange(m, n)]))


def _best_of(owner: Ints, score: Floats, k: int) -> Ints:
    """The k best-scored candidates of each owner."""
    by = np.lexsort((-score, owner))
    starts = np.flatnonzero(np.diff(owner[by], prepend=-1))
    rank = np.arange(len(by)) - np.repeat(starts, np.diff(np.append(starts, len(by))))
    return by[rank < k]


class Master:
    """A model of which HiGHS holds some columns, and goes on from its last basis.

    `owner` (m,) is the guest of each candidate, so that no guest floods a round. The columns must
    hold an answer, if there is any: see `feasible_columns`.
    """

    def __init__(self, model: Model, columns: Ints, owner: Ints, clock: Clock) -> None:
        self.model, self.columns, self.owner, self.clock = model, columns, owner, clock
        start = np.zeros(len(columns))
        self.engine = loaded(model.take(columns), start, whole=False, seconds=clock.left())

    def best(self, gain: Floats) -> LinearOutcome:
        """The best of the LP over all columns of the model, and the bound that its prices give."""
        n = self.model.matrix.shape[1]
        at = np.arange(len(self.columns), dtype=np.int32)
        self.engine.changeColsCost(len(at), at, gain[self.columns])
        while True:
            part = answered(self.engine, whole=False)
            if part.x is None or part.price is None:
                return part
            if len(self.columns) == n:
                return _spread(part, self.columns, n)
            more = _improving(self.model, gain, part.price, self.columns, self.owner)
            if not len(more):
                return _proven(self.model, gain, _spread(part, self.columns, n))
            self._add(gain, more)

    def _add(self, gain: Floats, more: Ints) -> None:
        part = self.model.take(more)
        self.engine.addCols(
            len(more),
            gain[more],
            part.least,
            part.most,
            part.matrix.nnz,
            part.matrix.indptr[:-1],
            part.matrix.indices,
            part.matrix.data,
        )
        self.columns = np.concatenate([self.columns, more])

    def move_to(self, model: Model, rows: Ints, column: int) -> None:
        """Go on with a model whose rows named here no longer hold this column, and have new lows."""
        place = int(np.flatnonzero(self.columns == column)[0])
        for row in rows:
            self.engine.changeCoeff(int(row), place, 0.0)
            self.engine.changeRowBounds(int(row), float(model.low[row]), float(model.high[row]))
        self.model = model


def _improving(model: Model, gain: Floats, price: Floats, columns: Ints, owner: Ints) -> Ints:
    rest = gain - model.matrix.T @ price
    rest[columns] = -np.inf
    found = np.flatnonzero(rest > IMPROVES * max(float(np.abs(gain).max(initial=0.0)), 1.0))
    best = _best_of(owner[found], rest[found], ADDED)
    return found[best]


def _spread(part: LinearOutcome, columns: Ints, n: int) -> LinearOutcome:
    """The outcome over all columns, those that were left out at nought."""
    assert part.x is not None
    x = np.zeros(n)
    x[columns] = part.x
    return replace(part, x=x)


def _proven(model: Model, gain: Floats, whole: LinearOutcome) -> LinearOutcome:
    """The outcome with a bound over all columns from the prices alone."""
    assert whole.price is not None
    bound = upper_bound(
        gain, model.matrix, model.low, model.high, whole.price, model.least, model.most
    )
    return replace(whole, bound=max(bound, whole.value))


def feasible_columns(model: Model, columns: Ints, owner: Ints, clock: Clock) -> Ints | None:
    """Columns that hold an answer, or None where the rows cannot be kept even in part.

    Stand-ins make up what the minima lack; their sum is brought down to nought.
    """
    short = np.flatnonzero((model.low > 0) | (model.high < 0))
    n = model.matrix.shape[1]
    if len(columns) == n or not len(short):
        return columns
    wide = model.with_columns(len(short), least=0.0, most=np.inf, whole=False)
    sign = np.where(model.low[short] > 0, 1.0, -1.0)
    stand_ins = sp.csc_array(
        (sign, (short, np.arange(len(short)))), shape=(model.matrix.shape[0], len(short))
    )
    wide = replace(wide, matrix=sp.csc_array(sp.hstack([model.matrix, stand_ins], format="csc")))
    gain = np.zeros(n + len(short))
    gain[n:] = -1.0
    start = np.concatenate([columns, n + np.arange(len(short))])
    master = Master(wide, start, owner, clock)
    outcome = master.best(gain)
    if outcome.x is None or outcome.value < -1e-6:
        return None
    return master.columns[master.columns < n]
