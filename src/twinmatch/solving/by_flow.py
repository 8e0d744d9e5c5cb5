"""`solve` where the rules are a network: exact min-cost flow, one objective after the other."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import groupby

import numpy as np

from twinmatch.solving.blocks import Block, Floats, Ints
from twinmatch.solving.certificate import tolerance
from twinmatch.solving.flow import (
    LARGEST,
    cheapest,
    in_order,
    least_cost_bound,
    on_face,
    potentials,
)
from twinmatch.solving.laminar import Families, Rows
from twinmatch.solving.question import FAIR, Question
from twinmatch.solving.scaling import packed, scaled
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
    if question.objectives[0] != "filled":
        chain = _settled(question, problem)
        return None if chain is None else chain.solution(rows, nested)
    chain = filled_and(question, problem)
    return None if chain is None else chain.solution(rows, nested)


def filled_and(question: Question, problem: Transport) -> Chain | None:
    """As many meetings as can be, then the other objectives; None where no choice keeps the rules.

    What the outermost rows let through is tried first, as it is nearly always reached; only when
    it is not does a flow of its own find the number of meetings.
    """
    bound = problem.most_by_rows()
    chain = _settled(question, problem.with_filled(bound), bound)
    if chain is not None:
        return chain
    filled = most_meetings(problem)
    return None if filled is None else _settled(question, problem.with_filled(filled), filled)


def _settled(question: Question, problem: Transport, filled: int | None = None) -> Chain | None:
    chain = Chain(question, problem)
    names = list(question.objectives)
    if filled is not None:
        chain.levels.append(Level("filled", filled, filled))
        names.remove("filled")
    for fair, run in groupby(names, key=lambda name: name in FAIR):
        if not fair:
            chain.waiting += run
        elif not chain.raise_floor():
            return None
    return chain if chain.finish() else None


class Chain:
    """Objectives settled one after the other on one network, each locked before the next."""

    def __init__(self, question: Question, problem: Transport) -> None:
        self.question, self.problem = question, problem
        self.levels: list[Level] = []
        self.waiting: list[str] = []
        self.flow: Ints | None = None
        self.prices: Floats = np.zeros(problem.network.n_nodes)

    def raise_floor(self) -> bool:
        """The highest floor under every meeting, by bisection; False where no flow is."""
        if not self._settle([]) or not self._holds(-np.inf):
            return False
        score = self.question.candidates.score
        usable = self.problem.network.high[: self.question.m] > 0
        steps = np.unique(score[usable])
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

    def finish(self) -> bool:
        """What is still waiting, then early guests with early hosts."""
        return self._settle([-self.question.early()])

    def _settle(self, last: list[Ints]) -> bool:
        """Solve what waits, in as few flows as the integers hold, and prove each level."""
        names, self.waiting = self.waiting, []
        if not names and not last:
            return True
        gains = [scaled(self.question.gain(name)) for name in names]
        costs = [-gain.value for gain in gains]
        network = self.problem.network
        filled = int(network.high[-1])
        passes = packed(
            [*costs, *last],
            units=filled,
            fixed=bool(network.low[-1] == network.high[-1]),
            largest=LARGEST // (network.n_nodes + 1),
        )
        self.flow = in_order(network, [self.problem.cost(cost) for cost in passes])
        if self.flow is None:
            return False
        for name, cost, gain in zip(names, costs, gains, strict=True):
            self._prove(name, self.problem.cost(cost), gain.scale)
        return True

    def _prove(self, name: str, cost: Ints, scale: float) -> None:
        """Prices that show this level to be the best, its bound from true scores, and its lock."""
        assert self.flow is not None
        network = self.problem.network
        price = potentials(network, self.flow, cost)
        gain = self.question.gain(name)
        true_cost = np.concatenate([-gain, np.zeros(len(cost) - len(gain))])
        bound = -least_cost_bound(network, true_cost, price / scale)
        value = float(gain[self.flow[: len(gain)] > 0].sum())
        self.levels.append(Level(name, value, max(bound, value)))
        if name == "total":
            self.prices = price / scale
        self.problem = self.problem.on(on_face(network, self.flow, cost, price))

    def solution(self, rows: Rows, nested: Families) -> Solution:
        """The answer with its proof."""
        assert self.flow is not None
        question = self.question
        chosen = self.flow[: question.m] > 0
        score = question.candidates.score
        total = float(score[chosen].sum())
        bound = next((level.bound for level in self.levels if level.name == "total"), np.nan)
        n = int(chosen.sum())
        proven = not bound - total > tolerance(score, n, scaled(score).step)
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
