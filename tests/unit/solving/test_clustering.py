"""Clusters under sizes: by hand, against brute force, and asked wrongly."""

from __future__ import annotations

import itertools

import numpy as np
import pytest

from twinmatch.errors import QuestionError
from twinmatch.solving import size_constrained_kmeans
from twinmatch.solving.clustering import squared_distances


def test_three_corners_by_hand():
    points = [[0, 0], [0, 1], [9, 9], [9, 8], [0, 9], [1, 9]]
    found = size_constrained_kmeans(points, 3, 2, 2)
    assert found.label.tolist() == [0, 0, 1, 1, 2, 2]
    assert found.inertia == pytest.approx(1.5)
    assert found.centres.tolist() == [[0, 0.5], [9, 8.5], [0.5, 9]]


def test_against_brute_force():
    points = np.random.default_rng(1).normal(size=(7, 2))
    best = np.inf
    for label in itertools.product(range(2), repeat=7):
        parts = [points[np.array(label) == k] for k in range(2)]
        if all(3 <= len(part) <= 4 for part in parts):
            best = min(best, sum(((p - p.mean(axis=0)) ** 2).sum() for p in parts))
    found = size_constrained_kmeans(points, 2, 3, 4)
    assert found.inertia == pytest.approx(best)
    assert found.partition.score == pytest.approx(-best)


def test_distances_are_symmetric_and_right():
    points = np.random.default_rng(2).normal(size=(9, 3)) + 100
    expected = ((points[:, None] - points[None]) ** 2).sum(axis=2)
    distances = squared_distances(points)
    assert (distances == distances.T).all()
    assert distances == pytest.approx(expected, abs=1e-9)


@pytest.mark.parametrize(
    "said",
    [
        ([[np.nan, 1.0]] * 4, 2, 2, 2),
        ([1.0, 2.0], 2, 1, 1),
        ([[1.0]] * 4, 2, 3, 2),
        ([[1.0]] * 4, 2, 3, 3),
        (np.zeros((0, 2)), 1, 1, 1),
    ],
)
def test_a_wrong_question_is_told(said):
    with pytest.raises(QuestionError):
        size_constrained_kmeans(*said)
