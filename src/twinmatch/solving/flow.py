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

Candidates under two nested families of rules, as a flow network.

nodes    0 the source, 1 the sink, then one for each row of the families
arcs     the m candidates (from the leaf row on side 0 to the leaf row on side 1), then one for
         each row (its bounds are the rule's), then the return arc from sink to source, whose
         flow is the number of meetings
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TypeVar

import numpy as np
import numpy.typing as npt
from ortools.graph.python.min_cost_flow import SimpleMinCostFlow

from twinmatch.solving.blocks import Bools, Floats, Ints
from twinmatch.solving.laminar import Families

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


def potentials(network: Network, flow: Ints, cost: Ints) -> Ints:
    """(N,) distances in the residual network from a root that is tied to every node.

    Bellman-Ford on whole arrays, from lengths of the ties that are near the answer. Raises `ArithmeticError` where the flow is not of least cost (a
    cycle of negative length), so it is a check of the engine that does not trust it.
    """
    length = np.where(flow < network.high, cost, FAR)
    used = np.flatnonzero(flow > network.low)
    ahead = _Sweep(network.tail, network.head, length)
    back = _Sweep(network.head[used], network.tail[used], -cost[used])
    distance = _near(network, cost, used)
    for _ in range(network.n_nodes + 1):
        shortened = [ahead.shorten(distance), back.shorten(distance)]
        if not any(shortened):
            return distance
    raise ArithmeticError("the flow is not of least cost: its residual network has a cheaper cycle")


def _near(network: Network, cost: Ints, used: Ints) -> Ints:
    """(N,) potentials that fit the arcs in use wherever their heads are at zero.

    That is nearly right where few limits bind, and halves the sweeps.
    """
    ends = used[cost[used] != 0]
    start = np.full(network.n_nodes, FAR)
    np.minimum.at(start, network.tail[ends], -cost[ends])
    start[start == FAR] = 0
    return start


class _Sweep:
    """One pass over arcs, grouped by the node they enter."""

    def __init__(self, tail: Ints, head: Ints, length: Ints) -> None:
        by = np.argsort(head, kind="stable")
        self.tail, self.length = tail[by], length[by]
        self.starts = np.flatnonzero(np.diff(head[by], prepend=-1))
        self.heads = head[by][self.starts]

    def shorten(self, distance: Ints) -> bool:
        """Shorten the distances (N,) over these arcs; False where none is shorter."""
        if not len(self.heads):
            return False
        best = np.minimum.reduceat(distance[self.tail] + self.length, self.starts)
        before = distance[self.heads]
        shorter = best < before
        if not shorter.any():
            return False
        distance[self.heads] = np.minimum(before, best)
        return True


def on_face(network: Network, flow: Ints, cost: Ints, potential: Ints) -> Network:
    """The network whose flows are exactly the cheapest flows of this one.

    Complementary slackness: an arc with a reduced cost other than zero carries the same flow in
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


SOURCE, SINK, FIRST_ROW = 0, 1, 2
Number = TypeVar("Number", np.int64, np.float64)


@dataclass(frozen=True, eq=False)
class Transport:
    """A network whose first m arcs are the candidates, then the rows, then the return arc.

    `outer` holds for each side the arcs of its outermost rows, or nothing where some candidates
    are in no row of that side.
    """

    network: Network
    m: int
    n_rows: int
    outer: tuple[Ints, Ints]

    def with_filled(self, filled: int) -> Transport:
        """The same network with exactly so many meetings."""
        low, high = self.network.low.copy(), self.network.high.copy()
        low[-1] = high[-1] = filled
        for rows in self.outer:
            # RuleRows that must all be full, or all at their minimum, have no choice left; to say so
            # spares the engine their arcs.
            if len(rows) and high[rows].sum() == filled:
                low[rows] = np.maximum(low[rows], high[rows])
            elif len(rows) and low[rows].sum() == filled:
                high[rows] = np.minimum(low[rows], high[rows])
        return replace(self, network=replace(self.network, low=low, high=high))

    def with_any_filled(self) -> Transport:
        """The same network with as many meetings as are best.

        Here the return arc must not bind, or it would take the price that belongs to a rule.
        """
        high = self.network.high.copy()
        high[-1] = self.m + 1
        return replace(self, network=replace(self.network, high=high))

    def without(self, removed: Bools) -> Transport:
        """The same network with these candidates (m,) taken away."""
        high = self.network.high.copy()
        high[: self.m][removed] = 0
        return replace(self, network=replace(self.network, high=high))

    def take(self, columns: Ints) -> Transport:
        """The same rows over these candidates only."""
        network, m = self.network, self.m
        arcs = np.concatenate([columns, np.arange(m, len(network.tail))])
        part = replace(
            network,
            tail=network.tail[arcs],
            head=network.head[arcs],
            low=network.low[arcs],
            high=network.high[arcs],
        )
        one, other = (rows - m + len(columns) for rows in self.outer)
        return Transport(part, len(columns), self.n_rows, (one, other))

    def on(self, network: Network) -> Transport:
        """The same candidates and rows on a network with other bounds."""
        return replace(self, network=network)

    def cost(self, of: npt.NDArray[Number]) -> npt.NDArray[Number]:
        """(E,) costs of all arcs from those of the candidates, `of` (m,)."""
        return np.concatenate([of, np.zeros(self.n_rows + 1, dtype=of.dtype)])

    def most_by_rows(self) -> int:
        """A bound above on the number of meetings: what the outermost rows let through."""
        return int(self.network.high[-1])


def transport(families: Families, m: int) -> Transport:
    """The network of these families over m candidates."""
    n_rows = len(families.low)
    node = np.arange(n_rows) + FIRST_ROW
    feeds = families.side == 0
    parent = np.where(
        families.parent >= 0, families.parent + FIRST_ROW, np.where(feeds, SOURCE, SINK)
    )
    leaf_out = np.where(families.leaf[0] >= 0, families.leaf[0] + FIRST_ROW, SOURCE)
    leaf_in = np.where(families.leaf[1] >= 0, families.leaf[1] + FIRST_ROW, SINK)
    most = _most(families, np.minimum(families.high, families.size))
    network = Network(
        tail=np.concatenate([leaf_out, np.where(feeds, parent, node), [SINK]]),
        head=np.concatenate([leaf_in, np.where(feeds, node, parent), [SOURCE]]),
        low=np.concatenate([np.zeros(m, np.int64), families.low, [0]]),
        high=np.concatenate([np.ones(m, np.int64), families.high, [most]]),
        supply=np.zeros(n_rows + 2, dtype=np.int64),
    )
    outer = [
        m + np.flatnonzero((families.side == side) & (families.parent < 0))
        if np.all(families.leaf[side] >= 0)
        else np.zeros(0, dtype=np.int64)
        for side in (0, 1)
    ]
    return Transport(network, m, n_rows, (outer[0], outer[1]))


def _most(families: Families, high: Ints) -> int:
    """What the outermost rows of the tighter side let through."""
    sides: list[int] = []
    for side in (0, 1):
        outermost = (families.side == side) & (families.parent < 0)
        loose = int(np.count_nonzero(families.leaf[side] < 0))
        sides.append(int(high[outermost].sum()) + loose)
    return max(min(sides), 0)


def most_meetings(problem: Transport) -> int | None:
    """The largest number of meetings that the rules allow; None where no choice keeps them.

    A circulation that is paid for each unit on the return arc.
    """
    reward = np.zeros(len(problem.network.tail), dtype=np.int64)
    reward[-1] = -1
    flow = cheapest(problem.network, reward)
    return None if flow is None else int(flow[-1])


def middle(network: Network, flow: Ints, cost: Ints) -> Ints:
    """(N,) half way between the highest and the lowest potentials, zero at the sink.

    Both are even, as all costs are, so their middle is whole.
    """
    highest = potentials(network, flow, cost)
    turned = replace(network, tail=network.head, head=network.tail)
    lowest = -potentials(turned, flow, cost)
    between: Ints = (highest - highest[SINK] + lowest - lowest[SINK]) // 2
    return between
