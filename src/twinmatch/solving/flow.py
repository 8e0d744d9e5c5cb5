"""Min-cost flow with bounds below and above, its node potentials, and objectives in order.

The engine is the cost-scaling push-relabel of OR-Tools (Goldberg and Tarjan 1990, "Finding
minimum-cost circulations by successive approximation", doi:10.1287/moor.15.3.430): exact on
integers. It does not tell its duals, so these are found here from the answer itself: shortest
distances in the residual network, which exist exactly when the flow is optimal.

    N, E           nodes and arcs
    tail, head     (E,) nodes of each arc
    low, high      (E,) least and most flow on each arc
    cost (E,)      integer cost of a unit of flow
    supply (N,)    what each node sends out (positive) or takes in
    potential (N,) p with  cost + p[tail] - p[head] >= 0  wherever the flow can grow, <= 0 wherever
                   it can shrink
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
from ortools.graph.python.min_cost_flow import SimpleMinCostFlow

from twinmatch.solving.blocks import Floats, Ints

LARGEST = 2**60  # cost times (nodes + 1) beyond this is refused by the engine
FAR = 2**61  # longer than any path, and still no overflow when a distance is added


@dataclass(frozen=True, eq=False)
class Network:
    """Arcs between nodes, with the least and most flow on each, and what each node supplies."""

    tail: Ints
    head: Ints
    low: Ints
    high: Ints
    supply: Ints

    @property
    def n_nodes(self) -> int:
        """The number of nodes."""
        return len(self.supply)


def cheapest(network: Network, cost: Ints) -> Ints | None:
    """(E,) a flow of least cost, or None where no flow keeps the bounds.

    Arcs whose flow is fixed are folded into the supplies, and so cost the engine nothing.
    """
    if np.any(network.low > network.high):
        return None
    supply = network.supply - _net(network, network.low)
    free = np.flatnonzero(network.high > network.low)
    engine = SimpleMinCostFlow()
    arcs = engine.add_arcs_with_capacity_and_unit_cost(
        network.tail[free].astype(np.int32),
        network.head[free].astype(np.int32),
        network.high[free] - network.low[free],
        cost[free],
    )
    nodes = np.arange(network.n_nodes, dtype=np.int32)
    engine.set_nodes_supplies(nodes, supply)
    status = engine.solve()
    if status in (SimpleMinCostFlow.INFEASIBLE, SimpleMinCostFlow.UNBALANCED):
        return None
    if status != SimpleMinCostFlow.OPTIMAL:
        raise ArithmeticError(f"the flow engine answered {status.name}: costs too large")
    flow: Ints = network.low.copy()
    flow[free] += engine.flows(arcs)
    return flow


def _net(network: Network, flow: Ints) -> Ints:
    """(N,) what leaves each node less what comes in."""
    n = network.n_nodes
    out = np.bincount(network.tail, flow, n)
    into = np.bincount(network.head, flow, n)
    balance: Ints = np.rint(out - into).astype(np.int64)
    return balance


def potentials(network: Network, flow: Ints, cost: Ints) -> Ints:
    """(N,) distances in the residual network from a root tied to every node at no cost.

    Bellman-Ford on whole arrays. Raises `ArithmeticError` where the flow is not of least cost (a
    cycle of negative length), so it is a check of the engine that does not trust it.
    """
    forward = _Relaxation(network.tail, network.head, np.where(flow < network.high, cost, FAR))
    used = np.flatnonzero(flow > network.low)
    backward = _Relaxation(network.head[used], network.tail[used], -cost[used])
    distance = np.zeros(network.n_nodes, dtype=np.int64)
    for _ in range(network.n_nodes + 1):
        before = distance.copy()
        forward.relax(distance)
        backward.relax(distance)
        if np.array_equal(before, distance):
            return distance
    raise ArithmeticError("the flow is not of least cost: its residual network has a cheaper cycle")


class _Relaxation:
    """One sweep over arcs grouped by the node they enter."""

    def __init__(self, tail: Ints, head: Ints, length: Ints) -> None:
        if np.any(np.diff(head) < 0):
            by_head = np.argsort(head, kind="stable")
            tail, head, length = tail[by_head], head[by_head], length[by_head]
        self.tail, self.length = tail, length
        self.starts = np.flatnonzero(np.diff(head, prepend=-1))
        self.heads = head[self.starts]

    def relax(self, distance: Ints) -> None:
        if len(self.starts):
            best = np.minimum.reduceat(distance[self.tail] + self.length, self.starts)
            distance[self.heads] = np.minimum(distance[self.heads], best)


def reduced(network: Network, cost: Ints, potential: Ints) -> Ints:
    """(E,) reduced cost of each arc; where it is not nought, every cheapest flow is the same."""
    return cost + potential[network.tail] - potential[network.head]


def on_face(network: Network, flow: Ints, cost: Ints, potential: Ints) -> Network:
    """The network whose flows are exactly the cheapest flows of this one.

    Complementary slackness: an arc with a reduced cost other than nought carries the same flow in
    every cheapest answer, so it is fixed; on the others every flow within the bounds is as cheap.
    """
    fixed = reduced(network, cost, potential) != 0
    return replace(
        network,
        low=np.where(fixed, flow, network.low),
        high=np.where(fixed, flow, network.high),
    )


def in_order(network: Network, levels: Sequence[Ints]) -> Ints | None:
    """(E,) a flow cheapest in the first level, among those in the second, and so on.

    Each level is locked by its optimal face, exactly. None where no flow keeps the bounds.
    """
    flow = None
    for i, cost in enumerate(levels):
        if i and flow is not None:
            before = levels[i - 1]
            network = on_face(network, flow, before, potentials(network, flow, before))
        flow = cheapest(network, cost)
        if flow is None:
            return None
    return flow


def least_cost_bound(network: Network, cost: Floats, potential: Floats) -> float:
    """A bound below on the cost of every circulation, from any potentials (weak duality).

    The network must have no supplies; `cost` (E,) are true costs, `potential` (N,) in their unit.
    """
    rest = cost + potential[network.tail] - potential[network.head]
    return float(np.minimum(rest * network.low, rest * network.high).sum())
