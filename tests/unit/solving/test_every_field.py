"""What `assign`, `shortage` and the network of rules answer in every field, and the odd ends of tables."""

from __future__ import annotations

import math
import sys
from typing import Any

import numpy as np
import pytest

from twinmatch.errors import DataError, QuestionError
from twinmatch.solving import (
    Block,
    Candidates,
    assign,
    counts,
    shortage,
    solve,
    undercuts,
)
from twinmatch.solving.laminar import binding, bound, families, stack
from twinmatch.solving.model import FINEST, DecimalGrid, tolerance, upper_bound

module = sys.modules["twinmatch.solving.assign"]


def wanted(c: Candidates, each: Any) -> Block:
    return counts("wanted", c.guest, low=each, high=each, rows=c.n_guests)


def complete(score: list[list[float]]) -> Candidates:
    table = np.array(score)
    host, guest = (axis.ravel() for axis in np.indices(table.shape))
    return Candidates(host, guest, table.ravel(), *table.shape)


# --- wrong tables ------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("given", "codes"),
    [
        (([[1.0]], [1], [1], ("fairness", "best")), [("fairness", "")]),
        (([1.0, 2.0], [1], [1]), [("shape", "")]),
        (([[1.0, 2.0]], [1, 1], [2], ("allowed", np.array([[1, 0]]))), [("allowed", "")]),
        (([[1.0, math.nan], [math.inf, 1.0]], [1, 1], [1, 1]), [("score", "")]),
        ((np.ones((2, 1)), [1, 1], [1, 0.5]), [("shape", "demand"), ("limit", "capacity")]),
        ((np.ones((2, 1)), [3], [1, 1]), [("demand", "demand")]),
        ((np.ones((2, 1)), [1], [1, -1]), [("limit", "capacity")]),
        (([[1.0, -math.inf]], [1, 1], [1]), [("score", "")]),
        (
            ([[math.nan, 1.0]], [1, -1], [0.5, 1], ("at_least", [1])),
            [("score", ""), ("limit", "demand"), ("shape", "capacity")],
        ),
    ],
)
def test_a_wrong_table_is_told_by_its_code_and_argument(
    given: tuple[Any, ...], codes: list[tuple[str, str]]
) -> None:
    with pytest.raises((DataError, QuestionError)) as caught:
        assign(*given[:3], **dict(given[3:]))
    assert [(p.code, p.where.column) for p in caught.value.problems] == codes


# --- fields ------------------------------------------------------------------------------------------------


def test_an_impossible_assignment_has_every_field() -> None:
    answer = assign(np.ones((2, 3)), [1, 1, 1], [2, 2], at_least=[2, 2])
    assert (answer.status, answer.engine, answer.pairs.tolist()) == (
        "infeasible",
        "min-cost flow",
        [],
    )
    assert all(math.isnan(v) for v in (answer.score, answer.bound, answer.gap, answer.floor))
    assert (answer.duals.host.tolist(), answer.duals.guest.tolist()) == ([0.0, 0.0], [0.0] * 3)
    (lack,) = answer.advice
    assert {(ref.rule, ref.row) for ref in lack.needs} == {("host", 0), ("host", 1)}
    assert {(ref.rule, ref.row) for ref in lack.limits} == {
        ("guest", 0),
        ("guest", 1),
        ("guest", 2),
    }
    assert (lack.needed, lack.places) == (4, 3)


def test_a_flow_tells_how_many_pairs_it_held() -> None:
    assert assign(np.ones((2, 3)), [1, 1, 1], [2, 2]).considered == 6


@pytest.mark.parametrize("fairness", ["max-min", "leximin"])
def test_a_fair_answer_has_every_field(fairness: str) -> None:
    # Total alone: 0.9 + 0.1. The worst-off first: 0.5 and 0.4.
    answer = assign([[0.9, 0.5], [0.4, 0.1]], [1, 1], [1, 1], fairness=fairness)
    assert answer.pairs.tolist() == [[0, 1], [1, 0]]
    assert answer.status == "optimal"
    assert (answer.floor, answer.floor_bound) == pytest.approx((0.4, 0.4))
    assert (answer.score, answer.bound, answer.gap) == pytest.approx((0.9, 0.9, 0.0), abs=1e-6)
    assert (answer.duals.host.shape, answer.duals.guest.shape) == ((2,), (2,))


@pytest.mark.parametrize("fairness", ["max-min", "leximin"])
def test_the_worst_off_of_those_who_have_a_meeting(fairness: str) -> None:
    # One place for two guests: somebody has none, and the floor is that of who has one.
    answer = assign([[0.3, 0.8]], [1, 1], [1], fairness=fairness)
    assert answer.pairs.tolist() == [[0, 1]]
    assert answer.floor == pytest.approx(0.8)


@pytest.fixture
def always_priced(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "FEW_FROM", 0)


@pytest.mark.usefixtures("always_priced")
def test_a_priced_answer_has_every_field() -> None:
    table = np.random.default_rng(5).random((40, 200))
    answer = assign(table, [1] * 200, [5] * 40)
    assert (answer.engine, answer.status) == ("flow + pricing", "optimal")
    assert answer.pairs.shape == (200, 2)
    assert sorted(answer.pairs[:, 1].tolist()) == list(range(200))
    assert answer.score == pytest.approx(table[tuple(answer.pairs.T)].sum())
    assert answer.score <= answer.bound < answer.score + 1e-6
    assert 0.0 <= answer.gap < 1e-6
    assert 200 <= answer.considered < table.size


# --- bounds and scales -------------------------------------------------------------------------------------


def test_a_bound_from_prices_by_hand() -> None:
    # Two columns in [0, 1], one row x0 + x1 <= 1, gains 3 and 2: the price 2 proves 3.
    rows = stack([counts("row", [0, 0], high=1.0)], 2)
    bounds = np.zeros(2), np.ones(2)
    gain = np.array([3.0, 2.0])

    def proves(price: float, low: float = -np.inf, high: float = 1.0) -> float:
        return upper_bound(
            gain, rows.matrix, np.array([low]), np.array([high]), np.array([price]), *bounds
        )

    assert proves(2.0) == 3.0
    assert proves(0.0) == 5.0
    assert proves(0.5) == 4.5
    assert proves(-1.0) == 5.0  # it leans on the open side, and says nothing
    assert proves(0.5, high=np.inf) == 5.0
    assert proves(-1.0, low=1.0) == -1.0 + 7.0


def test_a_column_of_no_worth_brings_nothing_even_without_end() -> None:
    rows = stack([counts("row", [0], high=1.0)], 1)
    ends = np.array([-np.inf]), np.array([np.inf])
    found = upper_bound(
        np.array([2.0]), rows.matrix, np.array([-np.inf]), np.ones(1), np.array([2.0]), *ends
    )
    assert found == 2.0


def test_rounding_is_told_in_units_of_the_largest_score() -> None:
    assert tolerance(np.zeros(0), 0, 0.0) == pytest.approx(1e-9)
    assert tolerance(np.array([0.5, -0.5]), 2, 0.0) == pytest.approx(2e-9)
    assert tolerance(np.array([-4.0]), 3, 0.25) == pytest.approx(3 * (4e-9 + 0.5))


def test_scores_fit_a_grid_where_all_parts_do() -> None:
    grid = DecimalGrid()
    grid.see(np.array([0.5, -0.25, -np.inf]))
    assert grid.largest == 0.5
    grid.see(np.array([0.1, -2.0]))
    assert grid.largest == 2.0
    factor = grid.scale().factor
    assert all(float(v * factor).is_integer() for v in (0.5, -0.25, 0.1, -2.0))
    assert grid.scale().step == 0.0


def test_only_the_last_of_many_scores_lies_off_the_grid() -> None:
    grid = DecimalGrid()
    grid.see(np.append(np.full(100, 0.5), math.pi / 10))
    assert grid.grids == ()
    assert grid.scale().step > 0.0


def test_the_finest_grid_may_be_used_up_to_its_last_number() -> None:
    grid = DecimalGrid()
    grid.see(np.array([float(FINEST)]))
    assert (grid.scale().factor, grid.scale().step) == (1.0, 0.0)


# --- the network of rules ----------------------------------------------------------------------------------


def test_no_rules_are_an_empty_stack() -> None:
    for rows in (stack([], 3), bound([], 3)):
        assert rows.matrix.shape == (0, 3)
        assert [len(part) for part in (rows.low, rows.high, rows.block, rows.row)] == [0] * 4


def test_rows_that_always_hold_do_not_bind() -> None:
    rows = stack([counts("a", [0, 0, 1], low=[0, 1], high=[2, 1])], 3)
    assert binding(rows).tolist() == [1]  # row 0 allows all it has; row 1 asks for its only one
    kept = bound([counts("a", [0, 0, 1], low=[0, 1], high=[2, 1]), counts("b", [0, 1, 1])], 3)
    assert (kept.block.tolist(), kept.row.tolist()) == ([0], [1])
    assert kept.matrix.toarray().tolist() == [[0.0, 0.0, 1.0]]


def test_equal_rows_are_one_with_the_tightest_bounds_and_empty_rows_stay_apart() -> None:
    a = counts("a", [0, 0, 0], low=1.0, high=3.0)
    b = counts("b", [0, 0, 0], low=0.0, high=2.0)
    nested = families(stack([a, b], 3))
    assert nested is not None
    assert (nested.low.tolist(), nested.high.tolist(), nested.size.tolist()) == ([1], [2], [3])
    assert (nested.low_from.tolist(), nested.high_from.tolist()) == ([0], [1])
    empty = counts("empty", [-1, -1, -1], low=1.0, rows=2)
    apart = families(stack([empty], 3))
    assert apart is not None
    assert apart.size.tolist() == [0, 0]
    assert apart.leaf.tolist() == [[-1, -1, -1], [-1, -1, -1]]


def test_parents_and_leaves_by_hand() -> None:
    whole = counts("whole", [0, 0, 0, 0], high=3.0)
    halves = counts("halves", [0, 0, 1, 1], high=1.0)
    across = counts("across", [0, 1, 0, 1], high=1.0)
    nested = families(stack([whole, halves, across], 4))
    assert nested is not None
    assert nested.parent.tolist()[1:3] == [0, 0]
    side = nested.side.tolist()
    assert side[1] == side[2] != side[3] == side[4]
    by_side = dict(zip((side[1], side[3]), ([1, 1, 2, 2], [3, 4, 3, 4]), strict=True))
    assert nested.leaf.tolist() == [by_side[0], by_side[1]]


def test_large_bounds_are_kept_and_open_ones_are_open() -> None:
    nested = families(stack([counts("a", [0] * 200, low=150.0, high=np.inf)], 200))
    assert nested is not None
    assert (nested.low.tolist(), nested.high.tolist()) == ([150], [2**40])
    endless = families(stack([counts("a", [0], low=np.inf)], 1))
    assert endless is not None
    assert endless.low.tolist() == [2**40]


# --- shortages ---------------------------------------------------------------------------------------------


def test_a_maximum_that_its_candidates_cannot_stay_under() -> None:
    candidates = complete([[1.0, 1.0]])
    assert undercuts(candidates, [counts("a", [0, 0], high=0.0)]) == ()
    (found,) = undercuts(candidates, [counts("a", [0, 0], high=-1.0)])
    assert (found.low, found.high, found.least, found.most) == (-math.inf, -1.0, 0.0, 2.0)


def test_a_shortage_is_found_although_another_rule_is_no_network() -> None:
    candidates = complete([[1.0] * 4])
    crossing = [counts(n, v, high=1.0) for n, v in (("a", [0, 0, 1, 1]), ("b", [0, 1, 0, 1]))]
    third = counts("c", [0, 1, 1, 0], high=1.0)
    found = shortage(candidates, [*crossing, third, wanted(candidates, np.ones(4))])
    assert sum(f.needed for f in found) == 4
    assert sum(f.places for f in found) == 2
    assert {ref.rule for f in found for ref in f.limits} < {"a", "b", "c"}
    assert all(ref.rule == "wanted" for f in found for ref in f.needs)


def test_a_contradiction_tells_its_places_and_who_is_concerned() -> None:
    candidates = complete([[1.0, 1.0, 1.0], [1.0, 1.0, 1.0]])
    blocks = [
        counts("most", candidates.host, high=[0.0, 9.0]),
        counts("least", candidates.host, low=[2.0, 0.0]),
    ]
    (found,) = [f for f in shortage(candidates, blocks) if f.needed > f.places]
    assert (found.needed, found.places) == (2, 0)
    assert (found.guests.tolist(), found.hosts.tolist()) == ([0, 1, 2], [0])


def test_who_concerns_a_shortage_among_others_that_are_met() -> None:
    # Guests 0 and 1 may meet host 0 alone; guests 2 and 3 have host 1, which has room.
    host, guest = np.array([0, 0, 1, 1]), np.array([0, 1, 2, 3])
    candidates = Candidates(host, guest, np.zeros(4), 2, 4)
    (found,) = shortage(
        candidates, [counts("host", host, high=[1.0, 5.0]), wanted(candidates, [1, 1, 1, 1])]
    )
    assert (found.needed, found.places, found.short) == (2, 1, 1)
    assert [(r.rule, r.row) for r in found.needs] == [("wanted", 0), ("wanted", 1)]
    assert [(r.rule, r.row) for r in found.limits] == [("host", 0)]
    assert (found.guests.tolist(), found.hosts.tolist()) == ([0, 1], [0])


def test_guests_without_a_wish_are_in_no_shortage() -> None:
    candidates = complete([[1.0, 1.0, 1.0]])
    (found,) = shortage(
        candidates,
        [counts("host", candidates.host, high=1.0), wanted(candidates, [1.0, 1.0, 0.0])],
    )
    assert [(r.rule, r.row) for r in found.needs] == [("wanted", 0), ("wanted", 1)]
    assert found.guests.tolist() == [0, 1]


def test_an_impossible_rule_beside_rules_that_hold_is_told_alone() -> None:
    candidates = complete([[1.0, 1.0], [1.0, 1.0]])
    blocks = [
        counts("guest", candidates.guest, high=1.0),
        counts("host", candidates.host, low=[1.0, 2.0], high=2.0),
    ]
    solution = solve(candidates, blocks)
    assert solution.status == "infeasible"
    (found,) = solution.advice
    assert (found.needed, found.places) == (3, 2)
    assert found.hosts.tolist() == [0, 1]
