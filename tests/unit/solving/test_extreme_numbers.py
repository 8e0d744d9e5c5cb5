"""Scores and limits of any size are solved, or refused by their cell; a short time still places everyone."""

from __future__ import annotations

import numpy as np
import pytest

from twinmatch.errors import DataError, QuestionError
from twinmatch.solving import Candidates, assign, counts, partition, solve

FAIRNESS = ("total", "max-min", "leximin")
SMALL = np.array([[3.0, 2.0], [1.0, 2.0]])


@pytest.mark.parametrize("fairness", FAIRNESS)
@pytest.mark.parametrize("power", [-1030, -300, 300, 900])
def test_the_unit_of_the_scores_changes_nothing_but_the_unit(fairness: str, power: int) -> None:
    usual = assign(SMALL, [2, 1], [2, 1], fairness=fairness)
    other = assign(np.ldexp(SMALL, power), [2, 1], [2, 1], fairness=fairness)
    assert (other.status, other.pairs.tolist()) == (usual.status, usual.pairs.tolist())
    assert other.score == np.ldexp(usual.score, power)
    assert other.bound >= other.score


@pytest.mark.parametrize("fairness", FAIRNESS)
def test_scores_over_many_magnitudes_have_an_answer(fairness: str) -> None:
    score = 10 ** np.random.default_rng(0).uniform(-10, 8.9, (3, 4))
    found = assign(score, [2, 2, 2, 2], [3, 3, 3], fairness=fairness)
    assert found.status == "optimal"
    assert len(found.pairs) == 8


def test_solve_takes_any_unit_too() -> None:
    c = Candidates(np.array([0, 0]), np.array([0, 1]), np.array([2e-200, 1e-200]), 1, 2)
    found = solve(c, [counts("host", c.host, high=1.0)])
    assert (found.status, found.chosen.tolist(), found.score) == ("optimal", [True, False], 2e-200)


@pytest.mark.parametrize("most", [1e19, 2**64 - 1])
def test_a_limit_beyond_all_guests_is_no_limit(most: float) -> None:
    kind = np.float64 if isinstance(most, float) else np.uint64
    found = assign([[1.0, 2.0]], [1, 1], np.array([most], dtype=kind))
    assert found.pairs.tolist() == [[0, 0], [0, 1]]


@pytest.mark.parametrize(
    ("score", "cell"),
    [
        ([[1.0, "b"]], "host 0 and guest 1"),
        ([[1j, 2]], "host 0 and guest 0"),
        ([[1.0, 1e305]], "host 0 and guest 1"),
        ([[1.0, np.nan]], "host 0 and guest 1"),
    ],
)
def test_a_score_that_cannot_be_used_is_named_by_its_cell(score: list, cell: str) -> None:
    with pytest.raises(DataError, match=cell):
        assign(score, [1, 1], [1])


@pytest.mark.parametrize("ragged", ["score", "demand", "capacity"])
def test_rows_that_differ_in_length_are_told(ragged: str) -> None:
    given = {"score": SMALL, "demand": [1, 1], "capacity": [1, 1], ragged: [[1], [1, 2]]}
    with pytest.raises(DataError, match=ragged):
        assign(**given)


LIKE = np.ones((4, 4))


@pytest.mark.parametrize(
    ("wrong", "code", "place"),
    [
        (
            {"likeness": [[0, "x", 1, 1], *[[1] * 4] * 3]},
            "likeness-no-number",
            "0 and 1",
        ),
        ({"likeness": LIKE * 1j}, "likeness-no-number", "0 and 0"),
        ({"likeness": LIKE * 1e301}, "likeness-not-finite", "0 and 1"),
        ({"seconds": "a"}, "seconds-range", "a"),
        ({"seconds": True}, "seconds-range", "True"),
        ({"effort": "a"}, "effort-range", "a"),
        ({"effort": 1.5}, "effort-range", "1.5"),
    ],
)
def test_a_partition_names_what_it_cannot_use(wrong: dict, code: str, place: str) -> None:
    given = {"likeness": LIKE, "groups": [(2, 2)] * 2, **wrong}
    with pytest.raises(QuestionError) as error:
        partition(**given)
    assert [p.code for p in error.value.problems] == [code]
    assert place in error.value.problems[0].found


def test_a_size_beyond_all_items_is_no_limit() -> None:
    for most in (10**19, np.uint64(2**64 - 1)):
        assert partition(LIKE, sizes=(2, most), effort=5).status == "optimal"


@pytest.mark.parametrize("seconds", [0, -1, np.nan, np.inf, "3", True])
@pytest.mark.parametrize("fairness", FAIRNESS)
def test_no_time_is_a_wrong_question(fairness: str, seconds: float) -> None:
    with pytest.raises(QuestionError):
        assign(SMALL, [1, 1], [1, 1], fairness=fairness, seconds=seconds)


def test_a_bound_is_never_below_its_score_however_small_the_likeness() -> None:
    tiny = np.random.default_rng(1).random((12, 12)) * 1e-13
    found = partition((tiny + tiny.T) / 2, groups=[(3, 5)] * 3, effort=20)
    assert found.bound >= found.score
    plain = partition((tiny + tiny.T) / 2 * 2.0**43, groups=[(3, 5)] * 3, effort=20)
    assert found.label.tolist() == plain.label.tolist()


@pytest.mark.parametrize("n", [120, 400])
@pytest.mark.parametrize("bands", ["sizes", "groups"])
def test_hardly_any_time_still_places_everyone_and_says_that_it_was_short(
    n: int, bands: str
) -> None:
    likeness = np.random.default_rng(2).random((n, n))
    said = {"sizes": (5, 7)} if bands == "sizes" else {"groups": [(5, 7)] * (n // 6)}
    found = partition((likeness + likeness.T) / 2, seconds=0.001, **said)
    assert found.status == "feasible"
    assert (found.label >= 0).all()
    assert not found.complete
