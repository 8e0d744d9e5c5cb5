"""`assign` on cases solvable by hand, and on arguments that cannot be used."""

from __future__ import annotations

import numpy as np
import pytest

from twinmatch.solving import assign


def test_best_total_of_two_by_two() -> None:
    answer = assign([[5.0, 4.0], [4.0, 1.0]], [1, 1], [1, 1])
    assert answer.pairs.tolist() == [[0, 1], [1, 0]]
    assert (answer.score, answer.bound, answer.gap, answer.status) == (8.0, 8.0, 0.0, "optimal")
    assert answer.engine == "min-cost flow"


def test_places_are_filled_before_the_total_counts() -> None:
    answer = assign([[5.0, -9.0]], [1, 1], [2])
    assert len(answer.pairs) == 2
    assert answer.score == -4.0


def test_more_guests_than_places() -> None:
    answer = assign([[1.0, 3.0, 2.0]], [1, 1, 1], [2])
    assert answer.pairs.tolist() == [[0, 1], [0, 2]]


def test_isolated_guest_leaves_the_others_placed() -> None:
    allowed = np.array([[True, False], [True, False]])
    answer = assign(np.ones((2, 2)), [1, 1], [1, 1], allowed=allowed)
    assert answer.pairs.tolist() == [[0, 0]]
    assert answer.status == "optimal"


def test_duals_price_places_and_wishes() -> None:
    # Host 0 is worth 5 to either guest, host 1 worth 1: one more place at host 0 brings 4.
    answer = assign([[5.0, 5.0], [1.0, 1.0]], [1, 1], [1, 2])
    assert answer.duals.host.tolist() == [4.0, 0.0]
    assert answer.duals.guest.tolist() == [1.0, 1.0]


def test_worst_off_guest_first() -> None:
    score = np.array([[9.0, 5.0], [5.0, 2.0]])
    assert assign(score, [1, 1], [1, 1]).score == 11.0
    fair = assign(score, [1, 1], [1, 1], fairness="max-min")
    assert (fair.floor, fair.floor_bound, fair.score) == (5.0, 5.0, 10.0)


def test_worst_off_counts_the_sum_of_a_guests_scores() -> None:
    score = np.array([[6.0, 6.0], [5.0, 1.0], [1.0, 0.0], [1.0, 0.0]])
    fair = assign(score, [2, 2], [1, 1, 1, 1], fairness="max-min")
    assert fair.status == "optimal"
    assert fair.floor == fair.floor_bound == 6.0


def test_leximin_lifts_the_second_worst_too() -> None:
    # Guest 0 can only have 1; of the two ways for the others, leximin takes the evener.
    score = np.array([[1.0, 0, 0], [0, 9.0, 5.0], [0, 5.0, 2.0]])
    allowed = score > 0
    fair = assign(score, [1, 1, 1], [1, 1, 1], allowed=allowed, fairness="max-min")
    assert sorted(score[tuple(fair.pairs.T)]) == [1, 2, 9]
    lex = assign(score, [1, 1, 1], [1, 1, 1], allowed=allowed, fairness="leximin")
    assert sorted(score[tuple(lex.pairs.T)]) == [1, 5, 5]


# Defects seen elsewhere, each by name.


def test_minimum_and_maximum_both_given_are_both_kept() -> None:
    score = np.array([[9.0, 9, 9, 9], [1, 1, 1, 1], [0, 0, 0, 0]])
    answer = assign(score, [1] * 4, [2, 4, 4], at_least=[0, 0, 1])
    loads = np.bincount(answer.pairs[:, 0], minlength=3)
    assert loads.tolist() == [2, 1, 1]


def test_minimum_is_never_silently_set_to_nought() -> None:
    answer = assign(np.ones((2, 2)), [1, 1], [2, 2], at_least=[2, 1])
    assert answer.status == "infeasible"
    assert len(answer.pairs) == 0
    (told,) = answer.advice
    assert (told.needed, told.places) == (3, 2)


def test_table_of_zeros_has_the_answer_of_lowest_ids() -> None:
    answer = assign(np.zeros((3, 3)), [1, 1, 1], [1, 1, 1])
    assert answer.pairs.tolist() == [[0, 0], [1, 1], [2, 2]]
    loose = assign(np.zeros((3, 4)), [1, 1, 1, 1], [2, 2, 2])
    assert loose.pairs.tolist() == [[0, 0], [0, 1], [1, 2], [1, 3]]


def test_forbidden_pair_is_never_chosen_however_it_scores() -> None:
    allowed = np.array([[False, True], [True, True]])
    answer = assign([[1e9, 0.0], [0.0, 0.0]], [2, 1], [2, 2], allowed=allowed)
    assert [0, 0] not in answer.pairs.tolist()
    assert len(answer.pairs) == 2


def test_one_conflict_does_not_blank_a_row() -> None:
    for h in range(3):
        for g in range(3):
            allowed = np.ones((3, 3), dtype=bool)
            allowed[h, g] = False
            answer = assign(np.ones((3, 3)), [2, 2, 2], [2, 2, 2], allowed=allowed)
            assert len(answer.pairs) == 6
            assert np.bincount(answer.pairs[:, 0]).tolist() == [2, 2, 2]


def test_scores_where_no_meeting_may_be_are_not_read() -> None:
    allowed = np.array([[True, False]])
    assert assign([[1.0, np.nan]], [1, 0], [1], allowed=allowed).score == 1.0


def test_ensure_at_least_is_met_where_it_can_be() -> None:
    rng = np.random.default_rng(3)
    score = rng.random((6, 9))
    score[5] = -10.0
    answer = assign(score, [1] * 9, [3] * 6, at_least=[0, 0, 0, 0, 0, 2])
    assert np.bincount(answer.pairs[:, 0], minlength=6)[5] == 2


def test_own_maximum_below_the_minimum_is_told() -> None:
    answer = assign(np.ones((2, 4)), [1] * 4, [1, 4], at_least=[2, 2])
    assert answer.status == "infeasible"
    assert [(told.at.row, told.low, told.high) for told in answer.advice[:1]] == [(0, 2.0, 1.0)]


@pytest.mark.parametrize("shape", [(0, 0), (0, 3), (3, 0)])
@pytest.mark.parametrize("fairness", ["total", "max-min", "leximin"])
def test_nobody_to_match(shape: tuple[int, int], fairness: str) -> None:
    answer = assign(
        np.zeros(shape), np.zeros(shape[1], int), np.zeros(shape[0], int), fairness=fairness
    )
    assert answer.pairs.shape == (0, 2)
    assert (answer.status, answer.score) == ("optimal", 0.0)


def test_nothing_asked_nothing_given() -> None:
    answer = assign(np.ones((2, 2)), [0, 0], [2, 2])
    assert answer.pairs.shape == (0, 2)
    assert answer.status == "optimal"


# -- guests served before the floor --------------------------------------------------------------

SERVED = np.array([[0.7, 0.4, 0.1], [0.1, 0.9, 1.0]])


def sums_of(found, score: np.ndarray) -> list[float]:
    h, g = found.pairs.T
    return np.bincount(g, score[h, g], score.shape[1]).round(9).tolist()


@pytest.mark.parametrize("fairness", ["max-min", "leximin"])
def test_every_guest_that_can_be_served_is_served_before_any_floor_counts(fairness: str) -> None:
    """Four places, three guests that want two each: nobody goes without for the sake of a higher floor."""
    found = assign(SERVED, [2, 2, 2], [2, 2], fairness=fairness)
    assert found.status == "optimal"
    assert sums_of(found, SERVED) == [0.7, 1.3, 1.0]
    assert found.floor == pytest.approx(0.7)


def test_leximin_of_several_meetings_a_guest_is_the_best_there_is() -> None:
    score = np.array([[1.1, 0.5, 0.8], [0.8, 0.3, 0.3]])
    found = assign(score, [2, 2, 2], [3, 2], fairness="leximin")
    assert (found.status, sorted(sums_of(found, score))) == ("optimal", [0.8, 1.1, 1.1])


def test_where_not_all_can_be_served_the_floor_is_over_those_who_are() -> None:
    found = assign([[3.0, 2.0, 1.0]], [1, 1, 1], [2], fairness="max-min")
    assert found.pairs.tolist() == [[0, 0], [0, 1]]
    assert found.floor == 2.0
