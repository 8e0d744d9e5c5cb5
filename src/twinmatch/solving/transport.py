"""Candidates under two nested families of rules, as a flow network.

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

from twinmatch.solving.blocks import Bools, Ints
from twinmatch.solving.flow import Network, cheapest, potentials
from twinmatch.solving.laminar import Families

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

    def on(self, network: Network) -> Transport:
        """The same candidates and rows on a network with other bounds."""
        return replace(self, network=network)

    def cost(self, of: npt.NDArray[Number]) -> npt.NDArray[Number]:
        """(E,) costs of all arcs from those of the candidates, `of` (m,)."""
        return np.concatenate([of, np.zeros(self.n_rows + 1, dtype=of.dtype)])

    def most_by_rows(self) -> int:
        """A bound above on the number of meetings: what the outermost rows let through."""
        return int(self.network.high[-1])


def transport(families: Families, m: int, kept: Bools | None = None) -> Transport:
    """The network of these families over m candidates; those `kept` (m,) must be chosen."""
    n_rows = len(families.low)
    node = np.arange(n_rows) + FIRST_ROW
    feeds = families.side == 0
    parent = np.where(
        families.parent >= 0, families.parent + FIRST_ROW, np.where(feeds, SOURCE, SINK)
    )
    leaf_out = np.where(families.leaf[0] >= 0, families.leaf[0] + FIRST_ROW, SOURCE)
    leaf_in = np.where(families.leaf[1] >= 0, families.leaf[1] + FIRST_ROW, SINK)
    low = np.zeros(m, dtype=np.int64) if kept is None else kept.astype(np.int64)
    most = _most(families, np.minimum(families.high, families.size))
    network = Network(
        tail=np.concatenate([leaf_out, np.where(feeds, parent, node), [SINK]]),
        head=np.concatenate([leaf_in, np.where(feeds, node, parent), [SOURCE]]),
        low=np.concatenate([low, families.low, [0]]),
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


def bipartite(guest: Ints, host: Ints, demand: Ints, at_least: Ints, capacity: Ints) -> Transport:
    """The network of candidates guest (m,) to host (m,) under limits of guests and hosts alone."""
    n_guests, n_hosts, m = len(demand), len(capacity), len(guest)
    guests = FIRST_ROW + np.arange(n_guests)
    hosts = FIRST_ROW + n_guests + np.arange(n_hosts)
    n_arcs = m + n_guests + n_hosts + 1
    # Filled in place: on small questions, joining arrays costs as much as the flow itself.
    tail, head = np.full(n_arcs, SINK), np.full(n_arcs, SOURCE)
    low, high = np.zeros(n_arcs, dtype=np.int64), np.ones(n_arcs, dtype=np.int64)
    np.add(guest, FIRST_ROW, out=tail[:m])
    np.add(host, FIRST_ROW + n_guests, out=head[:m])
    tail[m:-1] = np.concatenate([np.full(n_guests, SOURCE), hosts])
    head[m:-1] = np.concatenate([guests, np.full(n_hosts, SINK)])
    low[m + n_guests : -1] = at_least
    high[m:] = np.concatenate([demand, capacity, [min(demand.sum(), capacity.sum())]])
    supply = np.zeros(FIRST_ROW + n_guests + n_hosts, dtype=np.int64)
    network = Network(tail, head, low, high, supply)
    rows = m + np.arange(n_guests + n_hosts)
    outer = (rows[:n_guests], rows[n_guests:])
    return Transport(network, m, n_guests + n_hosts, outer)


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
    """(N,) half way between the highest and the lowest potentials, nought at the sink.

    Both are even, as all costs are, so their middle is whole.
    """
    highest = potentials(network, flow, cost)
    turned = replace(network, tail=network.head, head=network.tail)
    lowest = -potentials(turned, flow, cost)
    between: Ints = (highest - highest[SINK] + lowest - lowest[SINK]) // 2
    return between
