"""The bounds on groupings against brute force, and tight where they must be."""

from __future__ import annotations

import itertools
import math

import numpy as np
import pytest

from twinmatch.solving.exact import (
    fewest_alike,
    halves_bound,
    upper_bound,
    upper_bound_of_any_number,
)
from twinmatch.solving.exchange import pair_bound, pair_score, triangle_bound
from twinmatch.solving.grouping import task_of


@pytest.mark.parametrize("objective", ["total", "mean", "squares"])
@pytest.mark.parametrize("seed", range(12))
def test_no_grouping_exceeds_the_bounds(seed, objective):
    rng = np.random.default_rng(seed)
    matrix = rng.normal(size=(7, 7))
    matrix = matrix + matrix.T
    np.fill_diagonal(matrix, 0.0)
    bands = [(1, 3), (2, 4), (0, 3)] if seed % 2 else [(1, 4)] * 3
    task = task_of(matrix, bands, objective)
    best = -np.inf
    for label in itertools.product(range(3), repeat=7):
        sizes = [label.count(g) for g in range(3)]
        if all(low <= s <= high for s, (low, high) in zip(sizes, bands, strict=True)):
            best = max(best, task.score(np.array(label)))
    assert upper_bound(matrix, objective, bands) >= best
    if len(set(bands)) == 1:
        assert upper_bound_of_any_number(matrix, objective, bands[0]) >= best


def test_groups_that_are_plain_to_see_are_proven():
    matrix = np.kron(np.eye(10), np.ones((4, 4))) - np.eye(40)
    assert upper_bound(matrix, "total", [(4, 4)] * 10) == pytest.approx(60, rel=1e-8)


def test_eigenvalues_halve_the_gap_on_noise():
    rng = np.random.default_rng(0)
    matrix = rng.random((60, 60))
    matrix = (matrix + matrix.T) / 2
    np.fill_diagonal(matrix, 0.0)
    assert upper_bound(matrix, "total", [(10, 10)] * 6) < 200


@pytest.mark.parametrize("seed", range(30))
def test_bound_of_two_halves_is_the_best_of_all(seed: int) -> None:
    rng = np.random.default_rng(seed)
    n = int(rng.integers(4, 9))
    table = rng.random((n, n))
    likeness, first = (table + table.T) / 2, int(rng.integers(2, n - 1))
    marked, most = rng.random(n) < 0.4, int(rng.integers(1, 4))
    seats = np.where(rng.random(n) < 0.2, rng.integers(0, 2, n), -1)
    best = -math.inf
    for group in itertools.combinations(range(n), first):
        label = np.ones(n, dtype=int)
        label[list(group)] = 0
        kept = all((marked & (label == g)).sum() <= most for g in (0, 1))
        if kept and not ((seats >= 0) & (seats != label)).any():
            best = max(best, pair_score(label, likeness))
    found = halves_bound(likeness, [first, n - first], seats, marked, (0, most))
    assert found == pytest.approx(best)


def test_too_many_halves_are_not_looked_at() -> None:
    n = 60
    assert halves_bound(np.ones((n, n)), [30, 30], np.full(n, -1), np.zeros(n, bool), (0, n)) == (
        math.inf
    )


@pytest.mark.parametrize("seed", range(20))
def test_no_grouping_is_less_alike_than_the_bound(seed: int) -> None:
    rng = np.random.default_rng(seed)
    sizes = [(4, 3), (2, 2, 3), (3, 3, 1)][seed % 3]
    kind, silent = rng.integers(-1, 3, 7), float(rng.random())
    known = (kind[:, None] >= 0) & (kind >= 0)
    likeness = np.where(known, kind[:, None] == kind, silent)
    least = min(
        pair_score(np.array(label), likeness)
        for label in itertools.product(range(len(sizes)), repeat=7)
        if tuple(label.count(g) for g in range(len(sizes))) == sizes
    )
    held = np.bincount(kind[kind >= 0], minlength=3).tolist()
    found = fewest_alike(held, np.array(sizes), silent)
    assert found <= least + 1e-9
    assert found >= least - 0.7


def test_categories_that_can_be_dealt_evenly_reach_the_bound_by_hand() -> None:
    # Four and two in two groups of three: each has two of the first, one pair in three, twice; 3 members a group.
    assert fewest_alike([4, 2], np.array([3, 3]), 0.5) == pytest.approx(2.0)
    # One known pair in four items, the others count a half: parted, no pair is alike, and all pairs are silent ones.
    assert fewest_alike([2], np.array([2, 2]), 0.5) == pytest.approx(2.0)
    assert fewest_alike([], np.array([2, 2]), 0.25) == pytest.approx(1.0)


@pytest.mark.parametrize("seed", range(12))
def test_triangles_bound_every_grouping_and_are_near_the_best(seed: int) -> None:
    """Of eight or nine items in two or three groups, with pairs that share one and marked items shared out."""
    rng = np.random.default_rng(seed)
    sizes = [[4, 4], [3, 3, 3], [3, 3, 2], [5, 4]][seed % 4]
    n, count = sum(sizes), len(sizes)
    table = rng.random((n, n))
    likeness = (table + table.T) / 2
    np.fill_diagonal(likeness, 0.0)
    marked, together = rng.random(n) < 0.4, [(0, 1)] if seed % 3 else []
    each = int(marked.sum()) // count
    best = -math.inf
    for label in map(np.array, itertools.product(range(count), repeat=n)):
        held = np.bincount(label, marked, count)
        kept = (np.bincount(label, minlength=count) == sizes).all() and (held >= each).all()
        if kept and (held <= each + 1).all() and all(label[i] == label[j] for i, j in together):
            best = max(best, pair_score(label, likeness))
    found = triangle_bound(likeness, sizes, -math.inf, together, marked, (each, each + 1))
    if math.isfinite(best):
        assert best - 1e-7 <= found <= best * 1.05
        assert found <= pair_bound(likeness, sizes) + 1e-7


def test_triangles_of_too_many_items_are_not_looked_at() -> None:
    assert triangle_bound(np.ones((80, 80)), [40, 40], 0.0) == math.inf
