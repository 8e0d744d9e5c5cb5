"""The linear model of the rules; those that bind only where a meeting is chosen get a switch of their own.

A `Switch` block asks for `least` of what it counts wherever a pair of its group is chosen, one row a pair. HiGHS
gets along far better with one column y a group, which is 1 where any of its pairs is chosen:

    y - x_p >= 0 for each pair p of the group;  counted @ x - least y >= 0;  sum of x_p - cap y <= 0

`cap` is the most pairs of the group that the other rules let through. The last row says nothing new about whole
numbers, but tightens the LP.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import scipy.sparse as sp

from twinmatch.solving.blocks import Block, Floats, Switch
from twinmatch.solving.highs import Model
from twinmatch.solving.laminar import RuleRows


def base_model(blocks: Sequence[Block], rows: RuleRows, m: int) -> tuple[Model, RuleRows]:
    """The rules as a model whose first m columns are the candidates, and the rows that stand in it as they are."""
    switched = np.array([block.switch is not None for block in blocks], dtype=np.bool_)
    kept = rows.take(np.flatnonzero(~switched[rows.block])) if switched.any() else rows
    every = np.ones(m, dtype=np.bool_)
    model = Model(sp.csc_array(kept.matrix), kept.low, kept.high, np.zeros(m), np.ones(m), every)
    for block in blocks:
        if block.switch is not None:
            model = _switched(model, block.switch, kept)
    return model, kept


def _switched(model: Model, switch: Switch, rows: RuleRows) -> Model:
    live = np.flatnonzero(switch.trigger >= 0)
    trigger, group = switch.trigger[live], switch.group[live]
    used, place = np.unique(group, return_inverse=True)
    n, k = model.matrix.shape[1], len(used)
    model = model.with_columns(k, least=0.0, most=1.0, whole=True)
    m = switch.counted.shape[1]
    pairs = sp.csr_array((np.ones(len(live)), (place, trigger)), shape=(k, m))
    y = n + np.arange(k)

    def rows_of(matrix: sp.csr_array, own: Floats) -> sp.csc_array:
        left = sp.csr_array(
            (matrix.data, matrix.indices, matrix.indptr), shape=(matrix.shape[0], n + k)
        )
        return sp.csc_array(left + sp.csr_array((own, (np.arange(len(own)), y)), shape=left.shape))

    each = np.arange(len(live))
    one, two = np.ones(len(live)), np.full(k, np.inf)
    on = sp.csc_array(
        (
            np.concatenate([one, -one]),
            (np.concatenate([each, each]), np.concatenate([n + place, trigger])),
        ),
        shape=(len(live), n + k),
    )
    model = model.with_rows(on, np.zeros(len(live)), np.full(len(live), np.inf))
    counted = sp.csr_array(switch.counted[used, :])
    model = model.with_rows(rows_of(counted, -switch.least[used]), np.zeros(k), two)
    return model.with_rows(rows_of(pairs, -_most(pairs, rows)), -two, np.zeros(k))


def _most(pairs: sp.csr_array, rows: RuleRows) -> Floats:
    """(k,) the most of these pairs that one row lets through, or their number."""
    size = np.diff(pairs.indptr).astype(np.float64)
    ones = np.ones(len(rows), dtype=np.bool_)
    owner = np.repeat(np.arange(len(rows)), np.diff(rows.matrix.indptr))
    np.logical_and.at(ones, owner, rows.matrix.data == 1.0)
    limits = rows.take(np.flatnonzero(ones & np.isfinite(rows.high)))
    shared = sp.coo_array(pairs @ limits.matrix.T)
    whole = shared.data == size[shared.coords[0]]
    np.minimum.at(
        size, shared.coords[0][whole], np.floor(limits.high[shared.coords[1][whole]] + 1e-9)
    )
    return np.maximum(size, 0.0)
