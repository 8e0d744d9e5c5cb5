"""A flow over few candidates that is proven best over all of them, whatever nested rules it keeps.

Column generation, as in `pricing`, on the network of `transport`: solve over each guest's best hosts, price every
other candidate with the node potentials, add those that would improve, and stop when there are none. A candidate is
an arc between two nodes that are always there (the smallest rows that hold it), so its price is one subtraction.
The potentials then prove the answer over all candidates, and the face of equally good answers is that of the whole
network. They are taken half way between the highest and the lowest that fit, which needs far fewer rounds.

    held (m,)    candidates in the network; cost (E,) of the whole network, doubled here
    joker        one more node that stands in, at a price above any score, for what is not in the network yet

`solve` where the rules are a network: exact min-cost flow, one objective after the other.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from twinmatch.solving.blocks import Block, Bools, Candidates, Floats, Ints
from twinmatch.solving.flow import (
    FIRST_ROW,
    SINK,
    Network,
    Transport,
    cheapest,
    least_cost_bound,
    middle,
    most_meetings,
    on_face,
    potentials,
    transport,
)
from twinmatch.solving.highs import Clock
from twinmatch.solving.laminar import Families, RuleRows
from twinmatch.solving.model import (
    FEASIBLE,
    FLOW,
    OPTIMAL,
    PRICED,
    AssignmentQuestion,
    Level,
    Solution,
    gap_between,
)
from twinmatch.solving.scaling import scaled, tolerance

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


HALVED_FROM = 5_000  # candidates; below, one flow over all is done before they are sorted out
SWEEPS = 50  # to tell whether half of the candidates held the answer


def by_flow(question: AssignmentQuestion, rows: RuleRows, nested: Families) -> Solution | None:
    """The exact answer, or None where no choice keeps the rules."""
    chain = settled(question, transport(nested, question.m))
    return None if chain is None else chain.solution(rows, nested)


def settled(question: AssignmentQuestion, problem: Transport) -> Chain | None:
    """All objectives settled in order; None where no choice keeps the rules.

    Where places filled come first, what the outermost rows let through is tried first, as it is
    nearly always reached; only when it is not does a flow of its own find the number of meetings.
    """
    if question.objectives[0] != "filled":
        return _run(Chain(question, problem.with_any_filled()), question.objectives)
    bound = problem.most_by_rows()
    chain = _run(Chain(question, problem, bound), question.objectives[1:])
    if chain is not None:
        return chain
    filled = most_meetings(problem)
    return (
        None if filled is None else _run(Chain(question, problem, filled), question.objectives[1:])
    )


def _run(chain: Chain, objectives: Sequence[str]) -> Chain | None:
    for name in objectives:
        settled = {"worst-off": chain.raise_floor, "leximin": chain.raise_floors}.get(name)
        if not (chain.best(name) if settled is None else settled()):
            return None
    return chain if chain.early() else None


def _over_all(network: Network, cost: Ints) -> tuple[Ints, Ints] | None:
    flow = cheapest(network, cost)
    return None if flow is None else (flow, potentials(network, flow, cost))


def _well_above(gain: Floats, owner: Ints, n: int) -> Bools:
    """(m,) whether each gain is half a standard deviation above the mean of its owner's."""
    count = np.maximum(np.bincount(owner, minlength=n), 1)
    mean = np.bincount(owner, gain, n) / count
    spread = np.sqrt(np.maximum(np.bincount(owner, gain * gain, n) / count - mean * mean, 0.0))
    above: Bools = gain >= (mean + 0.5 * spread)[owner]
    return above


class Chain:
    """Objectives settled one after the other on one network, each locked before the next."""

    def __init__(
        self, question: AssignmentQuestion, problem: Transport, filled: int | None = None
    ) -> None:
        self.question = question
        self.problem = problem if filled is None else problem.with_filled(filled)
        self.levels = [] if filled is None else [Level("filled", filled, filled)]
        self.flow: Ints | None = None
        self.prices: Floats = np.zeros(problem.network.n_nodes)
        self.step = 0.0
        self.considered, self.rounds = question.m, 0

    def best(self, name: str) -> bool:
        """The best sum over meetings, proven by prices and locked; False where no flow is."""
        gain = self.question.gain(name)
        units = scaled(gain)
        cost = self.problem.cost(-units.value)
        network = self.problem.network
        few = over_few(self.problem, cost, gain, self.question.candidates)
        if few is not None:
            # Half way between two integer potentials lies an integer where all costs are even.
            cost, self.considered, self.rounds = 2 * cost, few.considered, few.rounds
            self.flow, potential, price = few.flow, few.potential, few.potential / 2 / units.scale
        else:
            solved = self._over_likely(gain, cost) or _over_all(network, cost)
            if solved is None:
                return False
            self.flow, potential = solved
            price = potential / units.scale
        bound = -least_cost_bound(network, self.problem.cost(-gain), price)
        held = np.flatnonzero(self.flow[: len(gain)])
        value = float(gain[held].sum())
        if self._filled():
            # The potentials prove the flow best for the rounded gains, exactly. Every answer that is as good so far
            # has as many meetings, each off by at most a step, so no true total passes this one by more. Where many
            # pairs tie, the prices alone would add up a step for each of them.
            rounded = float(units.value[held].sum()) / units.scale + len(held) * units.step
            bound = min(bound, rounded)
        self.levels.append(Level(name, value, max(bound, value)))
        if name == "total":
            self.prices, self.step = price, units.step
        self.problem = self.problem.on(on_face(network, self.flow, cost, potential))
        return True

    def _over_likely(self, gain: Floats, cost: Ints) -> tuple[Ints, Ints] | None:
        """The flow over the likelier half of the candidates, where it is the best over all.

        Half the arcs nearly halve the time, and potentials over all arcs tell whether the answer
        is there; None where it is not, or where the scores are too alike to halve them.
        """
        c = self.question.candidates
        if len(c) < HALVED_FROM:
            return None
        likely = _well_above(gain, c.guest, c.n_guests) | _well_above(gain, c.host, c.n_hosts)
        if not 0.3 * len(c) < np.count_nonzero(likely) < 0.7 * len(c):
            return None
        network = self.problem.network
        flow = cheapest(self.problem.without(~likely).network, cost)
        try:
            return None if flow is None else (flow, potentials(network, flow, cost, SWEEPS))
        except ArithmeticError:
            return None

    def _filled(self) -> bool:
        """Whether the number of meetings is locked."""
        return any(level.name == "filled" for level in self.levels)

    def early(self) -> bool:
        """Of what is left, early guests with early hosts; False where no flow is."""
        network, m = self.problem.network, self.question.m
        open_still = np.flatnonzero(network.high[:m] > network.low[:m])
        cost = np.zeros(len(network.tail), dtype=np.int64)
        cost[open_still] = -self.question.early(open_still)
        self.flow = cheapest(network, cost)
        return self.flow is not None

    def raise_floor(self, name: str = "worst-off") -> bool:
        """The highest floor under every meeting; False where no flow is."""
        if not self._holds(-np.inf, -np.inf):
            return False
        floor = self._next_floor(-np.inf)
        if floor is not None:
            self.levels.append(Level(name, floor, floor))
        return True

    def raise_floors(self) -> bool:
        """Leximin: as few meetings as can be at the floor, then the next floor, to the last.

        The lexicographic bottleneck assignment (Burkard and Rendl 1991,
        doi:10.1016/0167-6377(91)90069-Y), each level locked by its optimal face.
        """
        if not self.raise_floor("leximin"):
            return False
        score = self.question.candidates.score
        clock = Clock(self.question.seconds)
        floor: float | None = self.levels[-1].value if len(self.levels) > 1 else None
        while floor is not None and not clock.over():
            network = self.problem.network
            cost = self.problem.cost((score == floor).astype(np.int64))
            flow = cheapest(network, cost)
            assert flow is not None, "a floor that holds has a flow"
            self.problem = self.problem.on(
                on_face(network, flow, cost, potentials(network, flow, cost))
            )
            floor = self._next_floor(floor)
        filled = int(self.problem.network.low[-1])
        loose = 0 if floor is None else self._loose()
        self.levels.append(Level("guests settled", max(filled - loose, 0), filled))
        return True

    def _loose(self) -> int:
        """How many guests have a choice left."""
        network, c = self.problem.network, self.question.candidates
        return len(np.unique(c.guest[network.high[: len(c)] > network.low[: len(c)]]))

    def _next_floor(self, above: float) -> float | None:
        """The highest floor under all meetings that score more than `above`; then it is kept.

        None where no such meeting may be.
        """
        score = self.question.candidates.score
        usable = self.problem.network.high[: self.question.m] > 0
        steps = np.unique(score[usable & (score > above)])
        if not len(steps):
            return None
        low, high = 0, len(steps)  # the first floor is no floor; one past the last is too high
        while high - low > 1:
            middle = (low + high) // 2
            if self._holds(above, steps[middle]):
                low = middle
            else:
                high = middle
        self.problem = self.problem.without((score > above) & (score < steps[low]))
        return float(steps[low])

    def _holds(self, above: float, floor: float) -> bool:
        """Whether the rules can be kept without meetings that score between these."""
        score = self.question.candidates.score
        trial = self.problem.without((score > above) & (score < floor))
        nothing = np.zeros(len(trial.network.tail), dtype=np.int64)
        return cheapest(trial.network, nothing) is not None

    def solution(self, rows: RuleRows, nested: Families) -> Solution:
        """The answer with its proof."""
        assert self.flow is not None
        question = self.question
        chosen = self.flow[: question.m] > 0
        score = question.candidates.score
        total = float(score[chosen].sum())
        bound = next((level.bound for level in self.levels if level.name == "total"), np.nan)
        n = int(chosen.sum())
        settled = all(v.value == v.bound for v in self.levels if v.name == "guests settled")
        proven = settled and not bound - total > tolerance(score, n, self.step)
        return Solution(
            chosen,
            total,
            bound,
            gap_between(total, bound),
            OPTIMAL if proven else FEASIBLE,
            PRICED if self.rounds else FLOW,
            n,
            duals(question.blocks, rows, nested, self.prices),
            tuple(self.levels),
            considered=self.considered,
            rounds=self.rounds,
        )


def duals(
    blocks: Sequence[Block], rows: RuleRows, nested: Families, price: Floats
) -> tuple[Floats, ...]:
    """The price of each row of each block, from those of the nodes (N,)."""
    node = np.arange(len(nested.low)) + FIRST_ROW
    parent = np.where(
        nested.parent >= 0, nested.parent + FIRST_ROW, np.where(nested.side == 0, 0, SINK)
    )
    worth = np.where(nested.side == 0, 1.0, -1.0) * (price[node] - price[parent])
    found = [np.zeros(len(block)) for block in blocks]
    for i in np.flatnonzero(worth):
        source = nested.high_from[i] if worth[i] > 0 else nested.low_from[i]
        found[rows.block[source]][rows.row[source]] = worth[i]
    return tuple(found)
