"""`solve` where the rules are a network: exact min-cost flow, one objective after the other."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from twinmatch.solving.blocks import Block, Floats, Ints
from twinmatch.solving.certificate import tolerance
from twinmatch.solving.flow import cheapest, least_cost_bound, on_face, potentials
from twinmatch.solving.laminar import Families, Rows
from twinmatch.solving.question import FAIR, Question
from twinmatch.solving.scaling import scaled
from twinmatch.solving.solution import (
    FEASIBLE,
    FLOW,
    OPTIMAL,
    Level,
    Solution,
    gap_between,
)
from twinmatch.solving.transport import FIRST_ROW, SINK, Transport, most_meetings, transport


def by_flow(question: Question, rows: Rows, nested: Families) -> Solution | None:
    """The exact answer, or None where no choice keeps the rules."""
    problem = transport(nested, question.m)
    if np.any(nested.low > problem.network.high[question.m : -1]):
        return None
    chain = settled(question, problem)
    return None if chain is None else chain.solution(rows, nested)


def settled(question: Question, problem: Transport) -> Chain | None:
    """All objectives settled in order; None where no choice keeps the rules.

    Where places filled come first, what the outermost rows let through is tried first, as it is
    nearly always reached; only when it is not does a flow of its own find the number of meetings.
    """
    if question.objectives[0] != "filled":
        return _run(Chain(question, problem), question.objectives)
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
        if not (chain.raise_floor() if name in FAIR else chain.best(name)):
            return None
    return chain if chain.early() else None


class Chain:
    """Objectives settled one after the other on one network, each locked before the next."""

    def __init__(self, question: Question, problem: Transport, filled: int | None = None) -> None:
        self.question = question
        self.problem = problem if filled is None else problem.with_filled(filled)
        self.levels = [] if filled is None else [Level("filled", filled, filled)]
        self.flow: Ints | None = None
        self.prices: Floats = np.zeros(problem.network.n_nodes)
        self.step = 0.0

    def best(self, name: str) -> bool:
        """The best sum over meetings, proven by prices and locked; False where no flow is."""
        gain = self.question.gain(name)
        units = scaled(gain)
        cost = self.problem.cost(-units.value)
        network = self.problem.network
        self.flow = cheapest(network, cost)
        if self.flow is None:
            return False
        potential = potentials(network, self.flow, cost)
        price = potential / units.scale
        bound = -least_cost_bound(network, self.problem.cost(-gain), price)
        value = float(gain[np.flatnonzero(self.flow[: len(gain)])].sum())
        self.levels.append(Level(name, value, max(bound, value)))
        if name == "total":
            self.prices, self.step = price, units.step
        self.problem = self.problem.on(on_face(network, self.flow, cost, potential))
        return True

    def early(self) -> bool:
        """Of what is left, early guests with early hosts; False where no flow is."""
        network, m = self.problem.network, self.question.m
        open_still = np.flatnonzero(network.high[:m] > network.low[:m])
        cost = np.zeros(len(network.tail), dtype=np.int64)
        cost[open_still] = -self.question.early(open_still)
        self.flow = cheapest(network, cost)
        return self.flow is not None

    def raise_floor(self) -> bool:
        """The highest floor under every meeting, by bisection; False where no flow is."""
        if not self._holds(-np.inf):
            return False
        score = self.question.candidates.score
        steps = np.unique(score[self.problem.network.high[: self.question.m] > 0])
        low, high = 0, len(steps)  # the first floor is no floor; one past the last is too high
        while high - low > 1:
            middle = (low + high) // 2
            if self._holds(steps[middle]):
                low = middle
            else:
                high = middle
        if len(steps):
            self.problem = self.problem.without(score < steps[low])
            self.levels.append(Level("worst-off", float(steps[low]), float(steps[low])))
        return True

    def _holds(self, floor: float) -> bool:
        """Whether the rules can be kept by meetings that score at least this much."""
        trial = self.problem.without(self.question.candidates.score < floor)
        nothing = np.zeros(len(trial.network.tail), dtype=np.int64)
        return cheapest(trial.network, nothing) is not None

    def solution(self, rows: Rows, nested: Families) -> Solution:
        """The answer with its proof."""
        assert self.flow is not None
        question = self.question
        chosen = self.flow[: question.m] > 0
        score = question.candidates.score
        total = float(score[chosen].sum())
        bound = next((level.bound for level in self.levels if level.name == "total"), np.nan)
        n = int(chosen.sum())
        proven = not bound - total > tolerance(score, n, self.step)
        return Solution(
            chosen,
            total,
            bound,
            gap_between(total, bound),
            OPTIMAL if proven else FEASIBLE,
            FLOW,
            n,
            duals(question.blocks, rows, nested, self.prices),
            tuple(self.levels),
        )


def duals(
    blocks: Sequence[Block], rows: Rows, nested: Families, price: Floats
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
