"""Guests served, and floors under their sums of scores, as columns and rows of a linear model.

    z (G',)      whether a guest has a meeting: at most its meetings, and at least each of them
    t            one column: the floor under all guests that have a meeting
    B            above any sum, so that a guest without a meeting is under no floor
    rows         sum of g's scores - t - B z_g >= -B

Where every guest has a meeting the rows are just  sum - t >= 0, and where none can have two, z is the
number of its meetings.

Leximin raises the sum of the k smallest sums for k = 1, 2, ... (Ogryczak and Sliwinski 2006, "On
direct methods for lexicographic min-max optimization", doi:10.1007/11751649_88), each step with

    f (G',)      sum of g's scores + B (1 - z_g);  t_k a column;  d (G',) >= t_k - f,  d >= 0
    gain         k t_k - sum of d
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
import scipy.sparse as sp

from twinmatch.solving.blocks import Floats, Ints
from twinmatch.solving.highs import Model
from twinmatch.solving.question import AssignmentQuestion


@dataclass(frozen=True, eq=False)
class Guests:
    """The guests of a question that can have a meeting, with what their rows are made of.

    number (G',) of each guest; most (G',) its meetings at most; reach: B above; placed: the columns
    of z (G',), or None where there are none.
    """

    question: AssignmentQuestion
    number: Ints
    most: Ints
    reach: float
    placed: Ints | None = None

    def __len__(self) -> int:
        return len(self.number)

    def rows(self, value: Floats, n_columns: int) -> sp.csr_array:
        """(G', n) rows with this value (m,) at each candidate of the guest."""
        guest, m = self.question.candidates.guest, self.question.m
        place = np.full(self.question.candidates.n_guests, -1, dtype=np.int64)
        place[self.number] = np.arange(len(self))
        mine = np.flatnonzero(place[guest] >= 0)
        return sp.csr_array(
            (value[mine], (place[guest[mine]], mine)), shape=(len(self), max(n_columns, m))
        )

    def sums(self, n_columns: int, every: bool) -> tuple[sp.csr_array, float]:
        """(G', n) rows of the sums of scores less B for a guest with a meeting, and what each is then short of."""
        score, B = self.question.candidates.score, self.reach
        if every:
            return self.rows(score, n_columns), 0.0
        if self.placed is None:
            return self.rows(score - B, n_columns), B
        own = sp.csr_array(
            (np.full(len(self), -B), (np.arange(len(self)), self.placed)),
            shape=(len(self), n_columns),
        )
        return sp.csr_array(self.rows(score, n_columns) + own), B


def guests_of(question: AssignmentQuestion) -> Guests:
    """The guests that can have a meeting."""
    most = question.most_each
    number = np.flatnonzero(most > 0)
    largest = float(np.abs(question.candidates.score).max(initial=0.0))
    return Guests(question, number, most[number], max(largest, 1e-9) * int(most.max(initial=1)))


def with_placed(guests: Guests, model: Model) -> tuple[Guests, Model, Floats]:
    """The model with a column for each guest that says whether it has a meeting, and the gain of their number."""
    n, k = model.matrix.shape[1], len(guests)
    model = model.with_columns(k, least=0.0, most=1.0, whole=True)
    placed = n + np.arange(k)
    each = guests.rows(np.ones(guests.question.m), n + k)
    at = np.arange(k), placed
    one = sp.csr_array((np.ones(k), at), shape=each.shape)
    most = sp.csr_array((guests.most.astype(np.float64), at), shape=each.shape)
    none, open_ = np.zeros(k), np.full(k, np.inf)
    model = model.with_rows(sp.csc_array(each - one), none, open_)
    model = model.with_rows(sp.csc_array(each - most), -open_, none)
    gain = np.zeros(n + k)
    gain[placed] = 1.0
    return replace(guests, placed=placed), model, gain


def with_floor(guests: Guests, model: Model, every: bool) -> tuple[Model, Floats]:
    """The model with a floor under the guests with a meeting (`every`: all have one), and the gain of the floor."""
    n = model.matrix.shape[1]
    model = model.with_columns(1, least=-guests.reach, most=guests.reach, whole=False)
    sums, short = guests.sums(n + 1, every)
    floor = sp.csr_array(
        (np.ones(len(guests)), (np.arange(len(guests)), np.full(len(guests), n))), shape=sums.shape
    )
    low = np.full(len(guests), -short)
    gain = np.zeros(n + 1)
    gain[n] = 1.0
    return model.with_rows(sp.csc_array(sums - floor), low, np.full(len(guests), np.inf)), gain


def with_sums(guests: Guests, model: Model, every: bool) -> Model:
    """The model with a column f for each guest, the last of all, that holds its sum of scores."""
    n, k = model.matrix.shape[1], len(guests)
    model = model.with_columns(k, least=-guests.reach, most=2 * guests.reach, whole=False)
    sums, short = guests.sums(n + k, every)
    own = sp.csr_array((np.ones(k), (np.arange(k), n + np.arange(k))), shape=sums.shape)
    fixed = np.full(k, -short)
    return model.with_rows(sp.csc_array(sums - own), fixed, fixed)


def with_smallest(
    guests: Guests, model: Model, first: int, n_smallest: int
) -> tuple[Model, Floats]:
    """The model with the sum of the smallest sums, f at column `first`, and the gain of that sum."""
    n, k = model.matrix.shape[1], len(guests)
    model = model.with_columns(1, least=-guests.reach, most=2 * guests.reach, whole=False)
    model = model.with_columns(k, least=0.0, most=3 * guests.reach, whole=False)
    each, one = np.arange(k), np.ones(k)
    row = np.concatenate([each, each, each])
    column = np.concatenate([first + each, n + 1 + each, np.full(k, n)])
    matrix = sp.csc_array((np.concatenate([one, one, -one]), (row, column)), shape=(k, n + 1 + k))
    gain = np.zeros(n + 1 + k)
    gain[n], gain[n + 1 :] = float(n_smallest), -1.0
    return model.with_rows(matrix, np.zeros(k), np.full(k, np.inf)), gain
