"""What no grouping can exceed, so that a search can tell its gap honestly.

Each member can at best sit with the others most like it: half the best pairs that a group of s
members can hold, weighed as the objective does. Choosing groups for all at once, within their
sizes, is a transport problem; its optimum is a bound on every grouping.

Notation: n items, K groups, reward[i, g] the most that item i can bring to group g.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import linprog
from scipy.sparse import csr_array, kron, vstack
from scipy.sparse import eye_array as eye

from twinmatch.solving.grouping import Band, Question, pair_worth

FloatArray = NDArray[np.float64]

MOST_SEATS = 20_000  # n * K beyond which the transport problem is relaxed to each item's best


def upper_bound(question: Question, bands: Sequence[Band]) -> float:
    """A score that no grouping into groups of these bands exceeds."""
    reward = rewards(question, bands)
    simple = float(reward.max(axis=1).sum())
    alike = question.bonus is None and question.allowed is None and question.fixed is None
    if not np.isfinite(simple) or (alike and len(set(bands)) == 1) or reward.size > MOST_SEATS:
        return _above(simple)
    return min(_above(simple), _transport(reward, bands))


def rewards(question: Question, bands: Sequence[Band]) -> FloatArray:
    """The most that each item can bring to each group, (n, K), -inf where it may not sit."""
    n_items = question.n_items
    worth = question.worth.copy()
    for i, j in question.apart:
        worth[i, j] = worth[j, i] = -np.inf
    np.fill_diagonal(worth, -np.inf)
    ranked = -np.sort(-worth, axis=1)[:, : n_items - 1]
    sums = np.zeros((n_items, n_items))
    np.cumsum(ranked, axis=1, out=sums[:, 1:])  # sums[i, k]: i with its k likest
    value = sums * pair_worth(question.objective, n_items)[1:] / 2.0
    best = {band: _most(value, band) for band in set(bands)}
    reward = np.stack([best[band] for band in bands], axis=1)
    if question.bonus is not None:
        reward = reward + question.bonus
    if question.allowed is not None:
        reward = np.where(question.allowed, reward, -np.inf)
    if question.fixed is not None:
        elsewhere = np.arange(len(bands)) != question.fixed[:, None]
        reward = np.where((question.fixed >= 0)[:, None] & elsewhere, -np.inf, reward)
    return reward


def _most(value: FloatArray, band: Band) -> FloatArray:
    """The best over the sizes of a band; value[i, s - 1] is that of i in a group of s."""
    low, high = max(band[0], 1), min(band[1], value.shape[1])
    if low > high:
        return np.full(len(value), -np.inf)
    most: FloatArray = value[:, low - 1 : high].max(axis=1)
    return most


def _transport(reward: FloatArray, bands: Sequence[Band]) -> float:
    n_items, n_groups = reward.shape
    one_group = kron(eye(n_items), np.ones((1, n_groups)))
    per_group = kron(np.ones((1, n_items)), eye(n_groups))
    low, high = np.array(bands, dtype=np.float64).T
    seats = np.isfinite(reward).ravel()
    solve: Any = linprog  # its stubs know no sparse rows
    result = solve(
        -np.where(seats, reward.ravel(), 0.0),
        A_eq=csr_array(one_group),
        b_eq=np.ones(n_items),
        A_ub=csr_array(vstack([per_group, -per_group])),
        b_ub=np.concatenate([high, -low]),
        bounds=np.stack([np.zeros(seats.size), seats.astype(np.float64)], axis=1),
    )
    return _above(-float(result.fun)) if result.status == 0 else np.inf


def _above(bound: float) -> float:
    """The bound with room for the rounding of its sums."""
    return bound + 1e-9 * max(1.0, abs(bound))
