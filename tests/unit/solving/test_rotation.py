"""Rounds in which nobody meets the same person twice."""

from __future__ import annotations

import numpy as np
import pytest

from twinmatch.errors import QuestionError
from twinmatch.solving import rotate
from twinmatch.solving.rotation import meetings


def likeness_of(n: int, seed: int) -> np.ndarray:
    matrix = np.random.default_rng(seed).random((n, n))
    return (matrix + matrix.T) / 2


def test_nobody_meets_twice():
    found = rotate(likeness_of(12, 1), rounds=3, groups=[(3, 3)] * 4, effort=60)
    assert found.status == "feasible"
    met = [pair for label in found.label for pair in meetings(label)]
    assert len(met) == len(set(met)) == 3 * 4 * 3


def test_hosts_keep_their_group():
    hosts = [0, 1, 2, 3] + [-1] * 8
    found = rotate(likeness_of(12, 2), rounds=3, groups=[(3, 3)] * 4, hosts=hosts, effort=60)
    assert found.status == "feasible"
    assert (found.label[:, :4] == [0, 1, 2, 3]).all()
    met = [pair for label in found.label for pair in meetings(label)]
    assert len(met) == len(set(met))


def test_a_pair_apart_never_meets():
    found = rotate(likeness_of(9, 3), rounds=2, groups=[(3, 3)] * 3, apart=[(0, 1)], effort=60)
    assert (found.label[:, 0] != found.label[:, 1]).all()


@pytest.mark.parametrize(("rounds", "groups"), [(5, [(3, 3)] * 3), (2, [(5, 5), (4, 4)])])
def test_too_many_rounds_are_told(rounds, groups):
    found = rotate(likeness_of(9, 1), rounds=rounds, groups=groups)
    assert found.status == "infeasible"
    assert found.reasons
    assert (found.label == -1).all()


def test_a_first_round_that_cannot_be_gives_its_reason():
    found = rotate(likeness_of(9, 1), rounds=2, groups=[(2, 2)] * 3)
    assert found.status == "infeasible"
    assert found.reasons[0].rule == "sizes"


@pytest.mark.parametrize("said", [{"rounds": 0}, {"together": [(0, 1)]}, {"fixed": [0] * 9}])
def test_a_wrong_question_is_told(said):
    with pytest.raises(QuestionError):
        rotate(likeness_of(9, 1), **({"rounds": 2, "groups": [(3, 3)] * 3} | said))


def test_four_rounds_of_sixteen_take_a_detour():
    found = rotate(likeness_of(16, 4), rounds=4, groups=[(4, 4)] * 4, effort=30)
    assert found.status == "feasible"
    met = [pair for label in found.label for pair in meetings(label)]
    assert len(met) == len(set(met)) == 4 * 4 * 6
