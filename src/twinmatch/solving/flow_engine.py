"""`solve` where the rules are a network: exact min-cost flow, one objective after the other."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from twinmatch.solving.blocks import Block, Floats, Ints
from twinmatch.solving.column_generation import FEW_FROM, CandidatePairs, FewPairs, over_few
from twinmatch.solving.flow import (
    FIRST_ROW,
    SINK,
    Transport,
    cheapest,
    least_cost_bound,
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
    Scale,
    Solution,
    gap_between,
    scaled,
    tolerance,
)


def by_flow(question: AssignmentQuestion, rows: RuleRows, nested: Families) -> Solution | None:
    """The exact answer, or None where no choice keeps the rules."""
    chain = settled(question, transport(nested, question.m))
    if chain is None:
        return None
    return chain.solution(question, duals(question.blocks, rows, nested, chain.prices))


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


class Chain:
    """Objectives settled one after the other on one network, each locked before the next.

    at: the places of the candidates that are left in the question, among those that it began with.
    """

    def __init__(
        self, question: AssignmentQuestion, problem: Transport, filled: int | None = None
    ) -> None:
        self.question, self.at = question, np.arange(question.m)
        self.problem = problem if filled is None else problem.with_filled(filled)
        self.levels = [] if filled is None else [Level("filled", filled, filled)]
        self.flow: Ints | None = None
        self.prices: Floats = np.zeros(problem.network.n_nodes)
        self.step = 0.0
        self.considered, self.rounds = question.m, 0

    def best(self, name: str) -> bool:
        """The best sum over meetings, proven by prices and locked; False where no flow is."""
        gain = self.question.gain(name)
        if self._best_of_few(name, gain):
            return True
        value, scale = scaled(gain)
        cost, network = self.problem.cost(-value), self.problem.network
        flow = cheapest(network, cost)
        if flow is None:
            return False
        potential = potentials(network, flow, cost)
        price = potential / scale.factor
        bound = -least_cost_bound(network, self.problem.cost(-gain), price)
        self.lock(name, flow, potential, scale, 1, bound)
        return True

    def _best_of_few(self, name: str, gain: Floats) -> bool:
        """Whether few of many candidates were proven enough; then the rest has left the question."""
        network, m = self.problem.network, self.question.m
        if np.count_nonzero(network.high[:m] > network.low[:m]) < FEW_FROM:
            return False
        source = CandidatePairs(self.question, self.problem, gain)
        fixed = np.flatnonzero(network.low[:m])
        others = self.problem.take(fixed)
        few = over_few(source, others.network, others.cost(gain[fixed]))
        if few is None:
            return False
        at = np.concatenate([source.place[few.guest, few.host], fixed])
        by = np.argsort(at)
        at, flow = at[by], np.concatenate([few.flow[by], few.flow[len(by) :]])
        self.at, self.question, self.problem = (
            self.at[at],
            self.question.take(at),
            self.problem.take(at),
        )
        self.keep(name, few, flow)
        return True

    def keep(self, name: str, few: FewPairs, flow: Ints) -> None:
        """Lock what few pairs have proven; the question and the network hold these alone."""
        self.considered, self.rounds = few.considered, few.rounds
        self.lock(name, flow, few.potential, few.scale, 2, few.bound)

    def lock(
        self, name: str, flow: Ints, potential: Ints, scale: Scale, times: int, bound: float
    ) -> None:
        """Keep a level whose cheapest flow has these potentials, at costs of so many times the scaled gains."""
        gain, network = self.question.gain(name), self.problem.network
        value = np.rint(gain * scale.factor).astype(np.int64)
        held = np.flatnonzero(flow[: len(gain)])
        total = float(gain[held].sum())
        if self._filled():
            # The potentials prove the flow best for the rounded gains, exactly. Every answer that is as good so far
            # has as many meetings, each off by at most a step, so no true total passes this one by more. Where many
            # pairs tie, the prices alone would add up a step for each of them.
            bound = min(bound, float(value[held].sum()) / scale.factor + len(held) * scale.step)
        self.levels.append(Level(name, total, max(bound, total)))
        if name == "total":
            self.prices, self.step = potential / (times * scale.factor), scale.step
        face = on_face(network, flow, self.problem.cost(-times * value), potential)
        self.flow, self.problem = flow, self.problem.on(face)

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

    def solution(self, question: AssignmentQuestion, prices: tuple[Floats, ...]) -> Solution:
        """The answer to the question that this began with, and its proof."""
        assert self.flow is not None
        chosen = np.zeros(question.m, dtype=np.bool_)
        chosen[self.at[self.flow[: len(self.at)] > 0]] = True
        score = question.candidates.score
        total, n = float(score[chosen].sum()), int(chosen.sum())
        bound = next((level.bound for level in self.levels if level.name == "total"), np.nan)
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
            prices,
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
