"""Several named answers, on a case small enough to see each of them."""

from __future__ import annotations

import numpy as np
import pytest

from twinmatch.errors import DataError
from twinmatch.solving import Candidates, broken, counts, frontier


@pytest.fixture
def case() -> tuple[Candidates, list]:
    """Two hosts with two places each, four guests; the first two guests score far above."""
    host, guest = np.divmod(np.arange(8), 4)
    score = np.array([9, 8, 3, 1, 7, 6, 2, 1], dtype=float)
    c = Candidates(host, guest, score, 2, 4)
    total = counts("all places", np.zeros(8, int), high=2.0)
    return c, [total, counts("host", host, high=2.0), counts("guest", guest, high=1.0)]


def test_each_answer_is_best_in_what_it_is_named_for(case: tuple[Candidates, list]) -> None:
    c, blocks = case
    found = frontier(c, blocks, attribute=[0, 0, 1, 1], marked=[False, False, True, True])
    by_name = {answer.name: answer for answer in found}
    assert list(by_name) == [
        "total score", "worst-off", "attributes covered", "marked served", "even load",
    ]  # fmt: skip
    assert all(broken(c, answer.chosen, blocks) == [] for answer in found)
    assert all(answer.filled == 2 and answer.proven for answer in found)
    assert by_name["total score"].total == 17
    assert by_name["total score"].gives_up == 0
    assert by_name["worst-off"].worst == 8
    assert (by_name["attributes covered"].covered, by_name["attributes covered"].total) == (2, 12)
    assert (by_name["marked served"].served, by_name["marked served"].total) == (2, 4)
    assert (by_name["even load"].load, by_name["even load"].total) == (1, 15)


def test_no_answer_has_no_frontier(case: tuple[Candidates, list]) -> None:
    c, blocks = case
    assert frontier(c, [*blocks, counts("too many", np.zeros(8, int), low=3.0)]) == ()


def test_attribute_of_wrong_length_is_told(case: tuple[Candidates, list]) -> None:
    c, blocks = case
    with pytest.raises(DataError, match=r"attribute: shape \(3,\), not \(4,\)"):
        frontier(c, blocks, attribute=[0, 1, 2])


def random_case(seed: int) -> tuple[Candidates, list, np.ndarray, np.ndarray]:
    rng = np.random.default_rng(seed)
    host, guest = np.divmod(np.arange(6 * 15), 15)
    c = Candidates(host, guest, np.round(rng.random(90), 4), 6, 15)
    blocks = [counts("host", host, high=2.0), counts("guest", guest, high=1.0)]
    return c, blocks, rng.integers(0, 5, 15), rng.random(15) < 0.3


def alike(one, other) -> bool:
    return all(
        a.name == b.name and np.array_equal(a.chosen, b.chosen) and repr(a) == repr(b)
        for a, b in zip(one, other, strict=True)
    )


def test_a_backend_of_joblib_that_was_chosen_gives_the_same_answers() -> None:
    import joblib

    c, blocks, attribute, marked = random_case(3)
    alone = frontier(c, blocks, attribute=attribute, marked=marked)
    with joblib.parallel_config(backend="threading", n_jobs=2):
        spread = frontier(c, blocks, attribute=attribute, marked=marked)
    assert len(alone) == 5
    assert alike(alone, spread)
