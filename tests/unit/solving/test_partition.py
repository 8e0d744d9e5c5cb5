"""Partition by hand, by brute force for every rule and objective, and asked wrongly."""

from __future__ import annotations

import itertools
import math

import numpy as np
import pytest

from twinmatch.errors import QuestionError
from twinmatch.solving import Distribute, Gather, NobodyIsolated, group_referee, partition
from twinmatch.solving.exact import solve_exactly
from twinmatch.solving.grouping import task_of
from twinmatch.solving.initial_grouping import first_grouping


def likeness_of(n: int, seed: int) -> np.ndarray:
    matrix = np.random.default_rng(seed).random((n, n))
    return (matrix + matrix.T) / 2


def worth(matrix, label, objective) -> float:
    """The objective as its words say it, apart from any code of the package."""
    total = 0.0
    for group in set(label):
        inside = [i for i, g in enumerate(label) if g == group]
        pairs = [matrix[i][j] for i, j in itertools.combinations(inside, 2)]
        if objective == "total":
            total += sum(pairs)
        elif objective == "squares":
            total += sum(pairs) / len(inside)
        else:
            for i in inside:
                others = [matrix[i][j] for j in inside if j != i]
                total += sum(others) / len(others) if others else 0.0
    return total


def best_by_force(matrix, n_groups, objective, keeps) -> float:
    labels = itertools.product(range(n_groups), repeat=len(matrix))
    return max((worth(matrix, lab, objective) for lab in labels if keeps(lab)), default=-math.inf)


def sized(label, bands) -> bool:
    return all(low <= list(label).count(g) <= high for g, (low, high) in enumerate(bands))


def test_two_pairs_by_hand():
    matrix = [[0, 9, 1, 1], [9, 0, 1, 1], [1, 1, 0, 9], [1, 1, 9, 0]]
    found = partition(matrix, sizes=(2, 2))
    assert found.label.tolist() == [0, 0, 1, 1]
    assert found.score == 18.0
    assert found.status == "optimal"
    assert found.gap == 0.0


def test_mixed_groups_by_hand():
    matrix = [[0, 9, 1, 1], [9, 0, 1, 1], [1, 1, 0, 9], [1, 1, 9, 0]]
    found = partition(-np.array(matrix), sizes=(2, 2))
    assert found.score == -2.0
    assert found.label[0] != found.label[1]


RULES = [
    [Distribute([True, True, True, False, False, False, False], 1, 2)],
    [Distribute(["a", "a", "b", "b", "c", "c", None], 0, 1)],
    [Gather(["a", "a", "a", "b", "b", None, ""])],
    [NobodyIsolated([True, False, True, False, False, True, False])],
    [Distribute(["a", "a", "b", "b", "c", "c", None], 0, 1), Gather([None] * 4 + list("aba"))],
]


@pytest.mark.parametrize("objective", ["total", "mean", "squares"])
@pytest.mark.parametrize("rules", RULES, ids=lambda rules: rules[0].name)
def test_every_rule_against_brute_force(rules, objective):
    matrix = likeness_of(7, 3)
    bands = [(2, 4), (3, 4)]

    def keeps(label):
        return sized(label, bands) and all(v.kept for v in group_referee(label, *rules))

    task = task_of(matrix, bands, objective, rules)
    solved = solve_exactly(task)
    label = solved.label[task.atom]
    assert keeps(label)
    assert solved.proven
    assert solved.bound == pytest.approx(best_by_force(matrix, 2, objective, keeps), abs=1e-9)
    assert solved.bound == pytest.approx(worth(matrix, label.tolist(), objective), abs=1e-9)
    assert keeps(first_grouping(task))


def test_who_shares_a_group_and_who_has_a_seat_against_brute_force():
    matrix, bands = likeness_of(7, 4), [(1, 3), (2, 3), (2, 4)]
    fixed = np.array([0, -1, -1, -1, -1, -1, 2])

    def keeps(label):
        return sized(label, bands) and label[1] == label[2] and (label[0], label[6]) == (0, 2)

    task = task_of(matrix, bands, "mean", together=[(1, 2)], fixed=fixed)
    solved = solve_exactly(task)
    assert solved.bound == pytest.approx(best_by_force(matrix, 3, "mean", keeps), abs=1e-9)
    assert keeps(solved.label[task.atom].tolist())
    assert keeps(first_grouping(task).tolist())


def test_rules_that_cannot_be_kept_have_no_grouping():
    task = task_of(likeness_of(7, 1), [(3, 4)] * 2, "mean", [Gather(list("aaaaabb"))])
    assert solve_exactly(task).label is None
    assert first_grouping(task) is None


def test_any_number_of_groups_against_brute_force():
    matrix = likeness_of(7, 8) - 0.5

    def keeps(label):
        return all(2 <= label.count(g) <= 4 for g in set(label))

    found = partition(matrix, sizes=(2, 4))
    assert found.score == pytest.approx(best_by_force(matrix, 3, "total", keeps), abs=1e-9)


def test_a_group_may_stay_empty_where_its_band_says_so():
    found = partition(likeness_of(4, 1), groups=[(0, 4), (0, 4)])
    assert found.label.tolist() == [0, 0, 0, 0]
    assert found.n_groups == 1


def test_groups_are_numbered_by_their_lowest_member():
    label = partition(likeness_of(12, 2), sizes=(3, 4)).label.tolist()
    firsts = list(dict.fromkeys(label))
    assert firsts == sorted(firsts)


@pytest.mark.parametrize(
    ("said", "rule"),
    [
        ({"sizes": (4, 5)}, "sizes"),
        ({"groups": [(1, 2), (1, 2)]}, "sizes"),
        ({"groups": [(4, 4), (4, 4)]}, "sizes"),
    ],
)
def test_the_impossible_is_told_with_its_rule(said, rule):
    found = partition(likeness_of(7, 1), **said)
    assert found.status == "infeasible"
    assert (found.label == -1).all()
    assert math.isnan(found.gap)
    assert found.reasons[0].rule == rule
    assert found.reasons[0].says


@pytest.mark.parametrize(
    ("change", "code"),
    [
        ({"likeness": np.zeros((0, 0))}, "likeness-empty"),
        ({"likeness": np.zeros((2, 3))}, "likeness-shape"),
        ({"likeness": "words"}, "likeness-shape"),
        ({"likeness": [[0, math.nan], [math.nan, 0]]}, "likeness-not-finite"),
        ({"likeness": [[0, math.inf], [math.inf, 0]]}, "likeness-not-finite"),
        ({"likeness": [[0, 1], [2, 0]]}, "likeness-not-symmetric"),
        ({"sizes": (3, 2)}, "band-impossible"),
        ({"sizes": (0, 2)}, "band-impossible"),
        ({"sizes": None}, "sizes-or-groups"),
        ({"groups": [(1, 2)]}, "sizes-or-groups"),
        ({"sizes": None, "groups": []}, "groups-empty"),
        ({"objective": "most"}, "objective-unknown"),
        ({"seconds": 0}, "seconds-range"),
        ({"effort": 0}, "effort-range"),
        ({"workers": 0}, "workers-range"),
    ],
)
def test_a_wrong_question_is_told(change, code):
    said = {"likeness": likeness_of(4, 1), "sizes": (2, 2)} | change
    with pytest.raises(QuestionError) as caught:
        partition(said.pop("likeness"), **said)
    assert code in [problem.code for problem in caught.value.problems]


def test_all_that_is_wrong_is_told_at_once():
    with pytest.raises(QuestionError) as caught:
        partition([[0, 1], [2, 0]], sizes=(3, 2), objective="most", effort=0)
    assert len(caught.value.problems) == 4


def test_nothing_to_gain_is_still_a_deterministic_answer():
    first, second = (partition(np.zeros((6, 6)), sizes=(2, 3)) for _ in range(2))
    assert first.score == 0.0
    assert first.label.tolist() == second.label.tolist()
