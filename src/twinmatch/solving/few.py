"""A flow over few candidates that is proven best over all of them, whatever nested rules it keeps.

Column generation, as in `pricing`, on the network of `transport`: solve over each guest's best hosts, price every
other candidate with the node potentials, add those that would improve, and stop when there are none. A candidate is
an arc between two nodes that are always there (the smallest rows that hold it), so its price is one subtraction.
The potentials then prove the answer over all candidates, and the face of equally good answers is that of the whole
network. They are taken half way between the highest and the lowest that fit, which needs far fewer rounds.

    held (m,)    candidates in the network; cost (E,) of the whole network, doubled here
    joker        one more node that stands in, at a price above any score, for what is not in the network yet
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from twinmatch.solving.blocks import Bools, Candidates, Floats, Ints
from twinmatch.solving.flow import Network, cheapest
from twinmatch.solving.transport import Transport, middle

FEW_FROM = 500_000  # candidates; below, one flow over all of them is as quick
FIRST = 16  # best hosts of each guest to begin with
ADDED = 8  # candidates added for a guest in a round, at most
JOKER = 64  # times the highest cost: the price of a stand-in
SHARE = (
    0.5  # with more than this share of all candidates in the network, it is not worth the rounds
)
ROUNDS = 60


@dataclass(frozen=True, eq=False)
class Few:
    """A cheapest flow (E,) of the whole network and potentials (N,), in doubled costs, that prove it.

    considered: how many candidates were ever in the network; rounds: how often they were priced.
    """

    flow: Ints
    potential: Ints
    considered: int
    rounds: int


def over_few(problem: Transport, cost: Ints, gain: Floats, candidates: Candidates) -> Few | None:
    """The cheapest flow and its proof; None where it is for a flow over all candidates to tell.

    That is where they are not many, where no flow keeps the bounds, or where most would be needed anyway.
    """
    network, m = problem.network, problem.m
    free = network.high[:m] > network.low[:m]
    number = int(np.count_nonzero(free))
    if number < FEW_FROM:
        return None
    cost = 2 * cost
    held = _best_of_guests(gain, free, candidates)
    held |= network.low[:m] > 0
    for rounds in range(1, ROUNDS + 1):
        if np.count_nonzero(held) > SHARE * number:
            return None
        solved = _solved(problem, cost, held)
        if solved is None:
            return None
        flow, potential, stands_in = solved
        better = _improving(network, cost, potential, free & ~held, candidates)
        if not len(better):
            # Where the joker still stands in, what the rows let through cannot be reached.
            return None if stands_in else Few(flow, potential, int(held.sum()), rounds)
        held[better] = True
    return None


def _best_of_guests(gain: Floats, free: Bools, c: Candidates) -> Bools:
    """(m,) the best candidates of each guest."""
    held = np.zeros(len(c), dtype=np.bool_)
    at = np.flatnonzero(free)
    held[at[_leading(c.guest[at], -gain[at], FIRST)]] = True
    return held


def _leading(owner: Ints, value: Floats | Ints, n: int) -> Ints:
    """The places of the n lowest values of each owner, the first of equals."""
    order = np.lexsort((value, owner))
    ordered = owner[order]
    starts = np.flatnonzero(np.concatenate([[True], ordered[1:] != ordered[:-1]]))
    size = np.diff(np.append(starts, len(order)))
    rank = np.arange(len(order)) - np.repeat(starts, size)
    return order[rank < n]


def _solved(problem: Transport, cost: Ints, held: Bools) -> tuple[Ints, Ints, bool] | None:
    """The flow of the whole network (E,), potentials (N,), and whether the joker stands in for anything."""
    network, m = problem.network, problem.m
    arcs = np.concatenate([np.flatnonzero(held), np.arange(m, len(network.tail))])
    small, price = _with_joker(network, m, arcs, cost)
    flow = cheapest(small, price)
    if flow is None:
        return None
    whole = network.low.copy()
    whole[arcs] = flow[: len(arcs)]
    potential = middle(small, flow, price)[: network.n_nodes]
    return whole, potential, bool(flow[len(arcs) :].any())


def _with_joker(network: Network, m: int, arcs: Ints, cost: Ints) -> tuple[Network, Ints]:
    """These arcs and one more node, which takes from wherever a candidate leaves and gives to wherever one enters."""
    leaves, enters, joker = (
        np.unique(network.tail[:m]),
        np.unique(network.head[:m]),
        network.n_nodes,
    )
    extra = len(leaves) + len(enters)
    most = int(network.high[m:].max(initial=1))
    small = Network(
        tail=np.concatenate([network.tail[arcs], leaves, np.full(len(enters), joker)]),
        head=np.concatenate([network.head[arcs], np.full(len(leaves), joker), enters]),
        low=np.concatenate([network.low[arcs], np.zeros(extra, dtype=np.int64)]),
        high=np.concatenate([network.high[arcs], np.full(extra, most, dtype=np.int64)]),
        supply=np.append(network.supply, 0),
    )
    stand_in = 2 * JOKER * (int(np.abs(cost).max(initial=0)) // 2 + 1)
    added = np.concatenate([np.full(len(leaves), stand_in), np.zeros(len(enters), np.int64)])
    return small, np.concatenate([cost[arcs], added])


def _improving(
    network: Network, cost: Ints, potential: Ints, outside: Bools, c: Candidates
) -> Ints:
    """The candidates outside the network that would improve the answer, the best of each guest."""
    m = len(outside)
    rest = potential[network.tail[:m]] - potential[network.head[:m]]
    rest += cost[:m]
    at = np.flatnonzero(outside & (rest < 0))
    return at[_leading(c.guest[at], rest[at], ADDED)] if len(at) else at
