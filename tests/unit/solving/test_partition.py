"""Partition by hand, by brute force for every rule and objective, and asked wrongly."""

from __future__ import annotations

import itertools
import math

import numpy as np
import pytest

from twinmatch.errors import QuestionError
from twinmatch.solving import (
    Balance,
    Distribute,
    Gather,
    NobodyIsolated,
    group_referee,
    partition,
)


def likeness_of(n: int, seed: int) -> np.ndarray:
    matrix = np.random.default_rng(seed).random((n, n))
    return (matrix + matrix.T) / 2


def worth(matrix, label, objective, bonus=None) -> float:
    """The objective as its words say it, apart from any code of the package."""
    total = 0.0
    for group in set(label):
        inside = [i for i, g in enumerate(label) if g == group]
        pairs = [matrix[i][j] for i, j in itertools.combinations(inside, 2)]
        if objective == "total":
            total += sum(pairs)
        elif objective == "mean":
            for i in inside:
                others = [matrix[i][j] for j in inside if j != i]
                total += sum(others) / len(others) if others else 0.0
        else:
            total += sum(pairs) / len(inside)
    if bonus is not None:
        total += sum(bonus[i][g] for i, g in enumerate(label))
    return total


def best_by_force(matrix, n_groups, objective, keeps, bonus=None) -> float:
    labels = itertools.product(range(n_groups), repeat=len(matrix))
    return max(
        (worth(matrix, lab, objective, bonus) for lab in labels if keeps(lab)), default=-math.inf
    )


def test_two_pairs_by_hand():
    matrix = [[0, 9, 1, 1], [9, 0, 1, 1], [1, 1, 0, 9], [1, 1, 9, 0]]
    found = partition(matrix, sizes=(2, 2))
    assert found.label.tolist() == [0, 0, 1, 1]
    assert found.score == 18.0
    assert found.status == "optimal"
    assert found.gap == 0.0


def test_mixed_groups_by_hand():
    matrix = [[0, 9, 1, 1], [9, 0, 1, 1], [1, 1, 0, 9], [1, 1, 9, 0]]
    found = partition(matrix, sizes=(2, 2), alike=False)
    assert found.score == -2.0
    assert found.label[0] != found.label[1]


RULES = [
    [Distribute([True, True, True, False, False, False, False], 1, 2)],
    [Distribute(["a", "a", "b", "b", "c", "c", None], 0, 1)],
    [Gather(["a", "a", "a", "b", "b", None, ""])],
    [NobodyIsolated([True, False, True, False, False, True, False])],
    [Balance([1, 2, 3, 4, 5, 6, 7], 0.6)],
    [Balance([1, 2, 3, 4, 5, 6, 7], 3, of="sum")],
    [Distribute(["a", "a", "b", "b", "c", "c", None], 0, 1), Balance([1, 2, 3, 4, 5, 6, 7], 1.0)],
]


@pytest.mark.parametrize("objective", ["total", "mean", "squares"])
@pytest.mark.parametrize("rules", RULES, ids=lambda rules: rules[0].name)
def test_every_rule_against_brute_force(rules, objective):
    matrix = likeness_of(7, 3)
    bands = [(2, 4), (3, 4)]

    def keeps(label):
        return all(v.kept for v in group_referee(label, *rules, groups=bands))

    found = partition(matrix, groups=bands, rules=rules, objective=objective)
    assert keeps(found.label)
    assert found.status == "optimal"
    assert found.score == pytest.approx(best_by_force(matrix, 2, objective, keeps), abs=1e-9)
    assert found.score == pytest.approx(worth(matrix, found.label.tolist(), objective), abs=1e-9)


@pytest.mark.parametrize("objective", ["total", "mean"])
def test_links_places_and_bonus_against_brute_force(objective):
    matrix = likeness_of(7, 4)
    bonus = np.random.default_rng(5).random((7, 3))
    allowed = np.random.default_rng(6).random((7, 3)) < 0.8
    fixed = [0, -1, -1, -1, -1, -1, 2]
    allowed[0, 0] = allowed[6, 2] = True
    said = {
        "groups": [(1, 3), (2, 3), (2, 4)],
        "allowed": allowed,
        "fixed": fixed,
        "together": [(1, 2)],
        "apart": [(3, 4), (0, 5)],
    }

    def keeps(label):
        return all(v.kept for v in group_referee(label, **said))

    found = partition(matrix, bonus=bonus, objective=objective, **said)
    assert found.score == pytest.approx(best_by_force(matrix, 3, objective, keeps, bonus), abs=1e-9)
    assert keeps(found.label)


def test_any_number_of_groups_against_brute_force():
    matrix = likeness_of(7, 8) - 0.5

    def keeps(label):
        return all(v.kept for v in group_referee(label, sizes=(2, 4)))

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
        ({"groups": [(3, 4), (3, 4)], "allowed": [[i > 0, i > 0] for i in range(7)]}, "allowed"),
        ({"groups": [(3, 4), (2, 4)], "fixed": [0, 0, 0, 0, 0, -1, -1]}, "fixed"),
        (
            {"groups": [(3, 4), (3, 4)], "rules": [Distribute([True] + [False] * 6, 1)]},
            "distribute",
        ),
        ({"groups": [(3, 4), (3, 4)], "rules": [Gather(list("aaaaabb"))]}, "gather"),
        ({"groups": [(3, 4), (3, 4)], "apart": [(0, 1), (0, 2), (1, 2)]}, "apart"),
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
        ({"bonus": np.zeros((4, 2))}, "groups-needed"),
        ({"together": [(0, 1), (1, 2)], "apart": [(0, 2)]}, "links-contradict"),
        ({"together": [(0, 9)]}, "together-range"),
        ({"apart": [(1, 1)]}, "apart-self"),
        ({"sizes": None, "groups": [(2, 2)] * 2, "bonus": np.zeros((4, 3))}, "bonus-shape"),
        ({"sizes": None, "groups": [(2, 2)] * 2, "fixed": [5, 0, 0, 0]}, "fixed-range"),
        ({"rules": [Distribute([True, False], 1)]}, "rule-shape"),
        ({"rules": [Distribute([True] * 4, 2, 1)]}, "rule-limits"),
        ({"rules": [Balance([1, 2, 3, math.nan], 1)]}, "rule-values"),
        ({"rules": [Balance([1, 2, 3, 4], -1)]}, "rule-tolerance"),
        ({"rules": ["fair"]}, "rule-unknown"),
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


def test_an_unknown_wish_is_refused():
    with pytest.raises(TypeError, match="alikee"):
        partition(np.eye(4), sizes=(2, 2), alikee=False)
