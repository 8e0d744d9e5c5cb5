"""LPs over few columns that are proven best over all: column generation with HiGHS.

As `pricing` does for flows (see there for sources), for rules of any shape: solve over some
columns, price all others with the prices of the rows, add those that would improve, until there are
none. HiGHS goes on from its last basis. Columns left out are at their least, nought.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from twinmatch.solving.blocks import Candidates, Floats, Ints
from twinmatch.solving.certificate import upper_bound
from twinmatch.solving.highs import Clock, Model, Outcome, answered, loaded

ALL_FROM_START = 20_000  # with fewer columns than this, all of them are in from the start
FIRST = 8  # best candidates of each guest and of each host to begin with
ADDED = 3  # columns added for a guest in a round, at most
IMPROVES = 1e-7  # of the largest gain: what a column must bring to be added


@dataclass(frozen=True, eq=False)
class Columned:
    """An LP's outcome over all columns: x (n,) and price (r,), and the columns it looked at."""

    outcome: Outcome
    columns: Ints


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


def best_by_columns(
    model: Model, gain: Floats, columns: Ints, owner: Ints, clock: Clock
) -> Columned:
    """The best of the LP over all columns of the model, from these columns on.

    `owner` (m,) is the guest of each candidate, so that no guest floods a round. The columns must
    hold an answer, if there is any: see `feasible_columns`.
    """
    n = model.matrix.shape[1]
    engine = loaded(model.take(columns), gain[columns], whole=False, seconds=clock.left())
    while True:
        part = answered(engine, whole=False)
        if part.x is None or part.price is None or len(columns) == n:
            return Columned(_spread(part, columns, n), columns)
        more = _improving(model, gain, part.price, columns, owner)
        if not len(more):
            return Columned(_proven(model, gain, _spread(part, columns, n)), columns)
        _add(engine, model, gain, more)
        columns = np.concatenate([columns, more])


def _improving(model: Model, gain: Floats, price: Floats, columns: Ints, owner: Ints) -> Ints:
    rest = gain - model.matrix.T @ price
    rest[columns] = -np.inf
    found = np.flatnonzero(rest > IMPROVES * max(float(np.abs(gain).max(initial=0.0)), 1.0))
    best = _best_of(owner[found], rest[found], ADDED)
    return found[best]


def _add(engine: object, model: Model, gain: Floats, more: Ints) -> None:
    part = model.take(more)
    engine.addCols(  # type: ignore[attr-defined]
        len(more),
        gain[more],
        part.least,
        part.most,
        part.matrix.nnz,
        part.matrix.indptr[:-1],
        part.matrix.indices,
        part.matrix.data,
    )


def _spread(part: Outcome, columns: Ints, n: int) -> Outcome:
    """The outcome over all columns, those that were left out at nought."""
    if part.x is None:
        return part
    x = np.zeros(n)
    x[columns] = part.x
    return Outcome(x, part.value, part.bound, part.price, part.proven)


def _proven(model: Model, gain: Floats, whole: Outcome) -> Outcome:
    """The outcome with a bound over all columns from the prices alone."""
    assert whole.price is not None
    bound = upper_bound(
        gain, model.matrix, model.low, model.high, whole.price, model.least, model.most
    )
    return Outcome(whole.x, whole.value, max(bound, whole.value), whole.price, whole.proven)


def feasible_columns(model: Model, columns: Ints, owner: Ints, clock: Clock) -> Ints | None:
    """Columns that hold an answer, or None where the rows cannot be kept even in part.

    Stand-ins make up what the minima lack; their sum is brought down to nought.
    """
    short = np.flatnonzero((model.low > 0) | (model.high < 0))
    n = model.matrix.shape[1]
    if len(columns) == n or not len(short):
        return columns
    wide = model.with_columns(len(short), least=0.0, most=np.inf, whole=False)
    matrix = wide.matrix.tolil()
    matrix[short, n + np.arange(len(short))] = np.where(model.low[short] > 0, 1.0, -1.0)
    wide = Model(matrix.tocsc(), wide.low, wide.high, wide.least, wide.most, wide.whole)
    gain = np.zeros(n + len(short))
    gain[n:] = -1.0
    start = np.concatenate([columns, n + np.arange(len(short))])
    found = best_by_columns(wide, gain, start, owner, clock)
    if found.outcome.x is None or found.outcome.value < -1e-7:
        return None
    return found.columns[found.columns < n]
