"""Overlapping groups against brute force, by hand, and asked wrongly."""

from __future__ import annotations

import itertools

import numpy as np
import pytest

from twinmatch.errors import QuestionError
from twinmatch.solving import Distribute, overlap


def likeness_of(n: int, seed: int) -> np.ndarray:
    matrix = np.random.default_rng(seed).random((n, n))
    return (matrix + matrix.T) / 2


def test_against_brute_force():
    matrix, bands, demand = likeness_of(5, 1), [(2, 3), (2, 4), (2, 3)], [1, 2, 1, 2, 2]
    places = [
        [set(c) for c in itertools.combinations(range(3), d)] for d in demand
    ]  # the sets of groups that each item can choose
    best = -np.inf
    for chosen in itertools.product(*places):
        sizes = [sum(g in own for own in chosen) for g in range(3)]
        if all(low <= s <= high for s, (low, high) in zip(sizes, bands, strict=True)):
            pairs = itertools.combinations(range(5), 2)
            best = max(best, sum(matrix[i, j] * len(chosen[i] & chosen[j]) for i, j in pairs))
    found = overlap(matrix, groups=bands, demand=demand, up_to=2)
    assert found.copies.status == "optimal"
    assert found.copies.score == pytest.approx(best, abs=1e-9)
    assert found.member.sum(axis=1).tolist() == demand


def test_links_and_rules_hold_for_all_groups_of_an_item():
    matrix = likeness_of(8, 2)
    some = [True, True, True, False, False, False, False, False]
    found = overlap(
        matrix,
        groups=[(3, 5)] * 4,
        demand=[2, 2, 2, 2, 1, 1, 2, 2],
        up_to=2,
        together=[(0, 3)],
        apart=[(1, 2)],
        rules=[Distribute(some, 1, 2)],
    )
    member = found.member
    assert (member[0] == member[3]).all()
    assert not (member[1] & member[2]).any()
    assert set(member[:3].sum(axis=0).tolist()) <= {1, 2}


@pytest.mark.parametrize(
    ("change", "code"),
    [
        ({"up_to": 0}, "up-to-range"),
        ({"demand": [1, 1, 1, 3]}, "demand-range"),
        ({"demand": [1, 1, 0, 1]}, "demand-range"),
        ({"demand": [1, 1]}, "demand-shape"),
        ({"demand": [1.5, 1, 1, 1]}, "demand-shape"),
        ({"together": [(0, 1)]}, "together-demand"),
    ],
)
def test_a_wrong_question_is_told(change, code):
    said = {"groups": [(1, 4)] * 3, "demand": [2, 1, 1, 1], "up_to": 2} | change
    with pytest.raises(QuestionError) as caught:
        overlap(likeness_of(4, 1), **said)
    assert code in [problem.code for problem in caught.value.problems]
