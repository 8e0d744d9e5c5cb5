"""Rules of every kind on cases solved by hand, and the engine that each shape of rules gets."""

from __future__ import annotations

import numpy as np
import pytest
import scipy.sparse as sp

from twinmatch.errors import DataError, QuestionError
from twinmatch.solving import Block, Candidates, broken, counts, referee, solve
from twinmatch.solving.laminar import binding, families, stack


def complete(score: list[list[float]]) -> Candidates:
    table = np.array(score, dtype=float)
    host, guest = np.divmod(np.arange(table.size), table.shape[1])
    return Candidates(host, guest, table.ravel(), *table.shape)


@pytest.fixture
def three() -> Candidates:
    """One host, three guests of two countries (0, 0, 1)."""
    return complete([[5.0, 4.0, 1.0]])


def pairs(c: Candidates, chosen: np.ndarray) -> list[tuple[int, int]]:
    return list(zip(c.host[chosen].tolist(), c.guest[chosen].tolist(), strict=True))


def test_quota_by_country_at_a_host(three: Candidates) -> None:
    country = np.array([0, 0, 1])[three.guest]
    blocks = [counts("host", three.host, high=2.0), counts("country", country, high=1.0)]
    answer = solve(three, blocks)
    assert pairs(three, answer.chosen) == [(0, 0), (0, 2)]
    assert (answer.engine, answer.status) == ("min-cost flow", "optimal")


def test_at_least_one_of_a_country(three: Candidates) -> None:
    country = np.array([0, 0, 1])[three.guest]
    blocks = [counts("host", three.host, high=2.0), counts("abroad", country, low=[0, 1])]
    assert pairs(three, solve(three, blocks).chosen) == [(0, 0), (0, 2)]


def test_exactly_four_guests_and_one_from_outside() -> None:
    c = complete([[9, 8, 7, 6, 1]])
    outside = np.array([-1, -1, -1, -1, 0])
    blocks = [
        counts("exactly four", c.host, low=4.0, high=4.0),
        counts("outside", outside, low=1.0),
    ]
    assert pairs(c, solve(c, blocks).chosen) == [(0, 0), (0, 1), (0, 2), (0, 4)]


def test_must_meet() -> None:
    c = complete([[5.0, 1.0], [1.0, 5.0]])
    blocks = [counts("host", c.host, high=1.0), counts("guest", c.guest, high=1.0)]
    must = counts("must", [-1, 0, -1, -1], low=1.0)
    assert pairs(c, solve(c, [*blocks, must]).chosen) == [(0, 1), (1, 0)]


def test_fewest_changes_breaks_ties_for_what_was_before() -> None:
    c = complete([[1.0, 1.0], [1.0, 1.0]])
    blocks = [counts("host", c.host, high=1.0), counts("guest", c.guest, high=1.0)]
    order = ("filled", "total", "fewest changes")
    before = np.array([False, True, True, False])
    assert solve(c, blocks, objectives=order, previous=before).chosen.tolist() == before.tolist()
    assert solve(c, blocks).chosen.tolist() == [True, False, False, True]


def test_load_in_hours_over_meetings() -> None:
    c = complete([[5.0, 4.0, 3.0]])
    hours = Block(
        "hours", sp.csr_array([[3.0, 2.0, 1.0]]), np.array([-np.inf]), np.array([3.5]), str
    )
    answer = solve(c, [hours])
    assert pairs(c, answer.chosen) == [(0, 1), (0, 2)]
    assert answer.engine.startswith("HiGHS")


def test_balance_of_two_kinds() -> None:
    c = complete([[9.0, 8.0, 7.0, 1.0]])
    difference = Block(
        "balance", sp.csr_array([[1.0, 1.0, 1.0, -1.0]]), np.array([-1.0]), np.array([1.0]), str
    )
    answer = solve(c, [difference])
    assert answer.filled == 3
    assert pairs(c, answer.chosen) == [(0, 0), (0, 1), (0, 3)]


def test_crossing_quotas_are_no_network() -> None:
    c = complete([[1.0, 1.0, 1.0, 1.0]])
    a, b = np.array([0, 0, 1, 1]), np.array([0, 1, 0, 1])
    third = np.array([0, 1, 1, 0])
    blocks = [counts(name, label, high=1.0) for name, label in (("a", a), ("b", b))]
    assert solve(c, blocks).engine == "min-cost flow"
    crossing = [*blocks, counts("c", third, high=1.0)]
    assert families(stack(crossing, 4)) is None
    answer = solve(c, crossing)
    assert answer.engine == "HiGHS MIP"
    assert (answer.filled, answer.status) == (1, "optimal")


def test_nested_rules_on_both_sides_are_one_network() -> None:
    c = complete(np.ones((4, 6)).tolist())
    region, country = c.host // 2, c.guest // 3
    blocks = [
        counts("host", c.host, high=2.0),
        counts("guest", c.guest, high=1.0),
        counts("region of hosts", region, high=3.0),
        counts("country", country, high=2.0),
        counts("all", np.zeros(24, int), high=4.0),
        counts("host and country", c.host * 2 + country, high=1.0),
    ]
    rows = stack(blocks, len(c))
    nested = families(rows.take(binding(rows)))
    assert nested is not None
    answer = solve(c, blocks)
    assert (answer.filled, answer.engine) == (4, "min-cost flow")
    assert broken(c, answer.chosen, blocks) == []


def test_rules_that_cannot_bind_do_not_cost_the_engine() -> None:
    c = complete(np.ones((3, 3)).tolist())
    loose = counts("loose", [0, 1, 2, 1, 2, 0, 2, 0, 1], high=9.0)
    blocks = [counts("host", c.host, high=1.0), counts("guest", c.guest, high=1.0), loose]
    assert solve(c, blocks).engine == "min-cost flow"


def test_referee_reads_rules_not_the_solver() -> None:
    c = complete([[1.0, 1.0]])
    verdicts = referee(c, [True, True], [counts("host", c.host, low=0.0, high=1.0)])
    assert [(v.rule, v.row, v.found, v.high, v.kept) for v in verdicts] == [
        ("host", 0, 2.0, 1.0, False)
    ]
    assert str(verdicts[0]) == "host 0: 2 in [0, 1]: BROKEN"
    with pytest.raises(DataError, match="answer of shape"):
        referee(c, [True], [])


def test_wrong_questions_list_all_that_is_wrong(three: Candidates) -> None:
    with pytest.raises(QuestionError) as caught:
        solve(three, [], objectives=("worst-off", "best", "fewest changes"))
    assert [p.code for p in caught.value.problems] == ["objective", "objective", "previous"]
    with pytest.raises(QuestionError, match="Known: filled, served, worst-off, leximin, total"):
        solve(three, [], objectives=("totall",))


def test_wrong_candidates_list_all_that_is_wrong() -> None:
    c = Candidates(np.array([0, 5, 0]), np.array([0, 0, 0]), np.array([np.nan, 1, 1]), 1, 1)
    with pytest.raises(DataError) as caught:
        solve(c, [counts("host", [0, 0])])
    assert [p.code for p in caught.value.problems] == ["index", "score", "double", "shape"]


def test_nothing_to_choose_from() -> None:
    none = Candidates(np.zeros(0, int), np.zeros(0, int), np.zeros(0), 2, 2)
    assert solve(none, [counts("host", [], rows=2, high=1.0)]).status == "optimal"
    told = solve(none, [counts("host", [], rows=2, low=1.0)])
    assert told.status == "infeasible"
    assert [u.at.row for u in told.advice[:2]] == [0, 1]
