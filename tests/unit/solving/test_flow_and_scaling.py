"""The flow's proof, its optimal face, and the integers it counts in."""

from __future__ import annotations

import numpy as np
import pytest
import scipy.sparse as sp

from twinmatch.solving.flow import Network, cheapest, least_cost_bound, on_face, potentials
from twinmatch.solving.model import DecimalGrid, scaled, upper_bound


def diamond(low: list[int] | None = None) -> Network:
    """Two ways from node 0 to node 3: over 1 and over 2, two units to send."""
    return Network(
        tail=np.array([0, 0, 1, 2]),
        head=np.array([1, 2, 3, 3]),
        low=np.array(low or [0, 0, 0, 0]),
        high=np.array([2, 2, 2, 2]),
        supply=np.array([2, 0, 0, -2]),
    )


def test_cheapest_way() -> None:
    assert cheapest(diamond(), np.array([1, 5, 1, 1])).tolist() == [2, 0, 2, 0]


def test_least_flow_on_an_arc_is_kept() -> None:
    assert cheapest(diamond([0, 1, 0, 0]), np.array([1, 5, 1, 1])).tolist() == [1, 1, 1, 1]


def test_bounds_that_contradict_have_no_flow() -> None:
    assert cheapest(diamond([3, 0, 0, 0]), np.zeros(4, dtype=np.int64)) is None


def test_potentials_prove_the_best_and_refuse_another() -> None:
    network, cost = diamond(), np.array([1, 5, 1, 1])
    best = cheapest(network, cost)
    price = potentials(network, best, cost)
    rest = cost + price[network.tail] - price[network.head]
    assert np.all(rest[best < network.high] >= 0)
    assert np.all(rest[best > network.low] <= 0)
    with pytest.raises(ArithmeticError, match="cheaper cycle"):
        potentials(network, np.array([0, 2, 0, 2]), cost)


def test_face_holds_all_cheapest_flows_and_no_other() -> None:
    network, level = diamond(), np.array([1, 1, 1, 1])
    flow = cheapest(network, level)
    face = on_face(network, flow, level, potentials(network, flow, level))
    for second, expected in (([0, 1, 0, 0], [2, 0, 2, 0]), ([1, 0, 0, 0], [0, 2, 0, 2])):
        assert cheapest(face, np.array(second)).tolist() == expected
    dear = np.array([1, 5, 1, 1])
    flow = cheapest(network, dear)
    face = on_face(network, flow, dear, potentials(network, flow, dear))
    assert cheapest(face, np.array([9, 0, 0, 0])).tolist() == [2, 0, 2, 0]


def test_any_potentials_bound_every_circulation() -> None:
    ring = Network(
        np.array([0, 1, 2]), np.array([1, 2, 0]), np.zeros(3, int), np.full(3, 4), np.zeros(3, int)
    )
    cost = np.array([-2.0, 0.5, 0.25])
    rng = np.random.default_rng(0)
    bounds = [least_cost_bound(ring, cost, rng.normal(size=3)) for _ in range(50)]
    assert max(bounds) <= 4 * cost.sum() + 1e-12
    assert least_cost_bound(ring, cost, np.array([0.0, -2.0, -1.5])) == pytest.approx(-5.0)


def test_any_prices_bound_every_answer() -> None:
    gain, matrix = np.array([3.0, 2.0]), np.array([[1.0, 1.0]])
    rows = sp.csr_array(matrix)
    arguments = (np.array([-np.inf]), np.array([1.0]))
    for price in (0.0, 1.0, 2.0, 2.5, 3.0, 9.0, -1.0):
        bound = upper_bound(gain, rows, *arguments, np.array([price]), np.zeros(2), np.ones(2))
        assert bound >= 3.0
    assert upper_bound(gain, rows, *arguments, np.array([2.5]), np.zeros(2), np.ones(2)) == 3.0


@pytest.mark.parametrize("grid", [1.0, 4.0, 100.0, 1e6])
def test_scores_on_a_grid_lose_nothing(grid: float) -> None:
    score = np.arange(-20, 20) / grid
    value, scale = scaled(score)
    assert scale.step == 0.0
    assert np.array_equal(value / scale.factor, score)


def test_other_scores_are_off_by_no_more_than_the_step() -> None:
    score = np.random.default_rng(0).normal(size=1000)
    value, scale = scaled(score)
    assert np.abs(value / scale.factor - score).max() <= scale.step * (1 + 1e-9)
    assert scale.step <= np.abs(score).max() * 2**-31


def test_zeros_have_a_scale_too() -> None:
    assert scaled(np.zeros(3))[0].tolist() == [0, 0, 0]


def test_grid_is_found_over_parts_and_passes_over_what_may_not_meet() -> None:
    grid = DecimalGrid()
    grid.see(np.array([[0.25, -np.inf]]))
    assert grid.scale().factor == 4.0
    grid.see(np.array([[0.01]]))
    assert grid.scale().factor == 100.0
