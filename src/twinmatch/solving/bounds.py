"""What no grouping can exceed, so that a search can tell its gap honestly: the lesser of two.

By members: each can at best sit with the others most like it, half the best pairs that a group of s
members can hold, weighed as the objective does. Choosing groups for all at once, within their sizes,
is a transport problem; its optimum is a bound on every grouping.

By eigenvalues: the pairs inside groups are a matrix whose K eigenvalues are the sizes, so their sum
is at most that of the sizes times the largest eigenvalues of the likeness, both in descending order
(Donath and Hoffman 1973, doi:10.1147/rd.175.0420).

Notation: n items, K groups, reward[i, g] the most that item i can bring to group g.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import linprog
from scipy.sparse import csr_array, kron, vstack
from scipy.sparse import eye_array as eye

from twinmatch.solving.grouping import Band, GroupingQuestion, pair_worth

FloatArray = NDArray[np.float64]

MOST_SEATS = 20_000  # n * K beyond which the transport problem is relaxed to each item's best
MOST_ITEMS = 1_000  # beyond which eigenvalues take seconds


def upper_bound(question: GroupingQuestion, bands: Sequence[Band]) -> float:
    """A score that no grouping into groups of these bands, one each, exceeds."""
    reward = rewards(question, bands)
    by_members = _transport(reward, bands, _told_apart(question, bands))
    if question.n_items > MOST_ITEMS:
        return _above(by_members)
    seats = _places(question, np.zeros((question.n_items, len(bands))))
    by_eigenvalues = _by_eigenvalues(question, bands) + _transport(
        seats, bands, question.bonus is not None
    )
    return _above(min(by_members, by_eigenvalues))


def upper_bound_of_any_number(question: GroupingQuestion, band: Band) -> float:
    """A score that no grouping into groups of this band, however many, exceeds."""
    return _above(float(rewards(question, [band]).sum()))


def _told_apart(question: GroupingQuestion, bands: Sequence[Band]) -> bool:
    """Whether it matters which group an item is in."""
    some = (question.bonus, question.allowed, question.fixed)
    return len(set(bands)) > 1 or any(table is not None for table in some)


def _by_eigenvalues(question: GroupingQuestion, bands: Sequence[Band]) -> float:
    """The bound on the pairs alone; a group of s weighs its pairs as an eigenvalue worth[s] * s."""
    n_items = question.n_items
    weight = pair_worth(question.objective, n_items) * np.arange(n_items + 1)
    kept = [weight[low : min(high, n_items) + 1] for low, high in bands if low <= n_items]
    most = np.sort([part.max() for part in kept])[::-1]
    least = np.sort([part.min() for part in kept])[::-1]
    values = np.zeros(most.size)
    largest = np.linalg.eigvalsh(question.worth)[::-1][: most.size]
    values[: largest.size] = largest
    if question.objective != "total":
        return float(np.maximum(most * values, least * values).sum()) / 2.0
    # the sizes sum to n, so that what is above the least goes to the largest eigenvalues first
    spare = n_items - least.sum()
    given = np.clip(spare - np.concatenate([[0.0], np.cumsum(most - least)[:-1]]), 0, most - least)
    return float(((least + given) * values).sum()) / 2.0


def rewards(question: GroupingQuestion, bands: Sequence[Band]) -> FloatArray:
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
    return _places(question, np.stack([best[band] for band in bands], axis=1))


def _places(question: GroupingQuestion, reward: FloatArray) -> FloatArray:
    """The reward (n, K) with the bonus added, -inf where an item may not sit."""
    if question.bonus is not None:
        reward = reward + question.bonus
    if question.allowed is not None:
        reward = np.where(question.allowed, reward, -np.inf)
    if question.fixed is not None:
        elsewhere = np.arange(reward.shape[1]) != question.fixed[:, None]
        reward = np.where((question.fixed >= 0)[:, None] & elsewhere, -np.inf, reward)
    return reward


def _most(value: FloatArray, band: Band) -> FloatArray:
    """The best over the sizes of a band; value[i, s - 1] is that of i in a group of s."""
    low, high = max(band[0], 1), min(band[1], value.shape[1])
    if low > high:
        return np.full(len(value), -np.inf)
    most: FloatArray = value[:, low - 1 : high].max(axis=1)
    return most


def _transport(reward: FloatArray, bands: Sequence[Band], told_apart: bool) -> float:
    """The most that all items bring when each has one group and groups keep their sizes.

    Where groups are not told apart, or there are too many seats, each item simply has its best.
    """
    simple = float(reward.max(axis=1).sum())
    if not told_apart or not np.isfinite(simple) or reward.size > MOST_SEATS:
        return simple
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
    return min(simple, -float(result.fun)) if result.status == 0 else simple


def _above(bound: float) -> float:
    """The bound rounded up to nine digits: above the rounding of its sums, and the same everywhere."""
    if not np.isfinite(bound) or bound == 0.0:
        return bound
    step = 10.0 ** (math.floor(math.log10(abs(bound))) - 8)
    return math.ceil(bound / step + 0.01) * step
