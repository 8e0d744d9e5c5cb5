"""Min-cost flow with bounds below and above, its node potentials, and its optimal face.

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
    """(E,) a flow of least cost, or None where no flow keeps the bounds."""
    room = network.high - network.low
    if room.min(initial=0) < 0:
        return None
    # A few arcs whose flow is fixed cost the engine less than it costs to leave them out.
    few = np.count_nonzero(room) < 0.9 * len(room)
    used = np.flatnonzero(room) if few else slice(None)
    engine = SimpleMinCostFlow()
    arcs = engine.add_arcs_with_capacity_and_unit_cost(
        network.tail[used].astype(np.int32),
        network.head[used].astype(np.int32),
        room[used],
        cost[used],
    )
    nodes = np.arange(network.n_nodes, dtype=np.int32)
    engine.set_nodes_supplies(nodes, network.supply - _net(network, network.low))
    status = engine.solve()
    if status in (SimpleMinCostFlow.INFEASIBLE, SimpleMinCostFlow.UNBALANCED):
        return None
    if status != SimpleMinCostFlow.OPTIMAL:
        raise ArithmeticError(f"the flow engine answered {status.name}: costs too large")
    flow: Ints = network.low.copy()
    flow[used] += engine.flows(arcs)
    return flow


def _net(network: Network, flow: Ints) -> Ints:
    """(N,) what leaves each node less what comes in."""
    moved = np.flatnonzero(flow)
    net = np.zeros(network.n_nodes, dtype=np.int64)
    np.add.at(net, network.tail[moved], flow[moved])
    np.subtract.at(net, network.head[moved], flow[moved])
    return net


def potentials(network: Network, flow: Ints, cost: Ints, sweeps: int | None = None) -> Ints:
    """(N,) distances in the residual network from a root that is tied to every node.

    Bellman-Ford on whole arrays, from lengths of the ties that are near the answer. Raises `ArithmeticError` where the flow is not of least cost (a
    cycle of negative length), so it is a check of the engine that does not trust it; or where
    `sweeps` do not suffice to tell.
    """
    length = np.where(flow < network.high, cost, FAR)
    used = np.flatnonzero(flow > network.low)
    over_arcs = [
        *_sweeps(network.tail, network.head, length),
        *_sweeps(network.head[used], network.tail[used], -cost[used]),
    ]
    distance = _near(network, cost, used)
    for _ in range(network.n_nodes + 1 if sweeps is None else sweeps):
        shortened = [sweep.shorten(distance) for sweep in over_arcs]
        if not any(shortened):
            return distance
    raise ArithmeticError("the flow is not of least cost: its residual network has a cheaper cycle")


def _near(network: Network, cost: Ints, used: Ints) -> Ints:
    """(N,) potentials that fit the arcs in use wherever their heads are at nought.

    That is nearly right where few limits bind, and halves the sweeps.
    """
    ends = used[cost[used] != 0]
    start = np.full(network.n_nodes, FAR)
    np.minimum.at(start, network.tail[ends], -cost[ends])
    start[start == FAR] = 0
    return start


def _sweeps(tail: Ints, head: Ints, length: Ints) -> list[_Sweep]:
    """All arcs, sorted by head; the arcs in front that are sorted already are not moved."""
    falls = np.flatnonzero(head[1:] < head[:-1])
    if not len(falls):
        return [_Sweep(tail, head, length)] if len(head) else []
    front = int(falls[0]) + 1 if 2 * falls[0] > len(head) else 0
    rest = front + np.argsort(head[front:], kind="stable")
    parts = [_Sweep(tail[rest], head[rest], length[rest])]
    return [_Sweep(tail[:front], head[:front], length[:front]), *parts] if front else parts


class _Sweep:
    """One pass over arcs that are grouped by the node they enter."""

    def __init__(self, tail: Ints, head: Ints, length: Ints) -> None:
        self.tail, self.length = tail, length
        self.starts = np.flatnonzero(np.concatenate([[True], head[1:] != head[:-1]]))
        self.heads = head[self.starts]

    def shorten(self, distance: Ints) -> bool:
        """Shorten the distances (N,) over these arcs; False where none is shorter."""
        best = np.minimum.reduceat(distance[self.tail] + self.length, self.starts)
        before = distance[self.heads]
        shorter = best < before
        if not shorter.any():
            return False
        distance[self.heads] = np.minimum(before, best)
        return True


def on_face(network: Network, flow: Ints, cost: Ints, potential: Ints) -> Network:
    """The network whose flows are exactly the cheapest flows of this one.

    Complementary slackness: an arc with a reduced cost other than nought carries the same flow in
    every cheapest answer, so it is fixed; on the others every flow within the bounds is as cheap.
    """
    fixed = cost + potential[network.tail] != potential[network.head]
    return replace(
        network,
        low=np.where(fixed, flow, network.low),
        high=np.where(fixed, flow, network.high),
    )


def least_cost_bound(network: Network, cost: Floats, potential: Floats) -> float:
    """A bound below on the cost of every circulation, from any potentials (weak duality).

    The network must have no supplies; `cost` (E,) are true costs, `potential` (N,) in their unit.
    """
    rest = cost + potential[network.tail] - potential[network.head]
    # Not `@`: BLAS would wake a thread a core for this one sum.
    return float((np.where(rest < 0, network.high, network.low) * rest).sum())
