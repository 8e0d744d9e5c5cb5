"""The referee of meetings, by hand: each row of each rule, what is refused, and how a verdict is told."""

from __future__ import annotations

import numpy as np
import pytest
import scipy.sparse as sp

from twinmatch.errors import DataError
from twinmatch.solving import Block, Candidates, broken, counts, referee
from twinmatch.solving.referee import Verdict

ONE_HOST = Candidates(np.array([0, 0]), np.array([0, 1]), np.array([0.5, 0.25]), 1, 2)


def test_every_row_of_every_rule_has_its_verdict_in_order() -> None:
    rules = [
        counts("host", ONE_HOST.host, low=1.0, high=2.0),
        counts("guest", ONE_HOST.guest, low=1.0, high=1.0),
    ]
    assert referee(ONE_HOST, [True, False], rules) == [
        Verdict("host", 0, 0, 1.0, 1.0, 2.0),
        Verdict("guest", 1, 0, 1.0, 1.0, 1.0),
        Verdict("guest", 1, 1, 0.0, 1.0, 1.0),
    ]
    assert broken(ONE_HOST, [True, False], rules) == [Verdict("guest", 1, 1, 0.0, 1.0, 1.0)]


def test_hours_are_weighed_and_not_only_counted() -> None:
    hours = Block("hours", sp.csr_array([[3.0, 0.5]]), np.array([1.0]), np.array([3.25]), str)
    found = {answer: referee(ONE_HOST, answer, [hours])[0] for answer in ((0, 0), (1, 0), (1, 1))}
    assert [(v.found, v.kept) for v in found.values()] == [(0.0, False), (3.0, True), (3.5, False)]


@pytest.mark.parametrize(
    ("found", "kept"),
    [(1.0, True), (2.0, True), (0.9999999, True), (2.000001, True), (0.99, False), (2.01, False)],
)
def test_a_bound_itself_is_kept_and_so_is_rounding_but_no_more(found: float, kept: bool) -> None:
    assert Verdict("load", 0, 0, found, 1.0, 2.0).kept is kept


def test_room_for_rounding_grows_with_what_is_measured() -> None:
    assert Verdict("load", 0, 0, 2_000_000.9, 0.0, 2e6).kept
    assert not Verdict("load", 0, 0, 2_000_003.0, 0.0, 2e6).kept
    assert Verdict("load", 0, 0, 0.0000009, 0.0, 0.0).kept
    assert not Verdict("load", 0, 0, 0.0000011, 0.0, 0.0).kept


def test_a_verdict_is_told_in_a_line() -> None:
    assert str(Verdict("load", 0, 3, 1.5, 1.0, 2.0)) == "load 3: 1.5 in [1, 2]: kept"
    assert str(Verdict("load", 0, 3, 2.5, 1.0, 2.0)) == "load 3: 2.5 in [1, 2]: BROKEN"


@pytest.mark.parametrize(
    ("answer", "rules", "told"),
    [
        ([True], [], [("shape", "an answer of shape (1,) for 2 candidates")]),
        (
            [2, 0],
            [],
            [("answer", "a meeting is either held or not: only 0 and 1 are understood")],
        ),
        (
            [0.5, 1],
            [counts("host", [0, 0, 0])],
            [
                ("answer", "a meeting is either held or not: only 0 and 1 are understood"),
                ("shape", "host has 3 columns, not 2"),
            ],
        ),
    ],
)
def test_what_cannot_be_judged_is_refused_with_everything_that_is_wrong(
    answer: list[float], rules: list[Block], told: list[tuple[str, str]]
) -> None:
    with pytest.raises(DataError) as caught:
        referee(ONE_HOST, answer, rules)
    assert [(p.code, p.found) for p in caught.value.problems] == told
