"""`solve`: the best choice of meetings under rules given as blocks; and who competes for which places where there is none.

The shape of the rules picks the engine, and the answer names it: two nested families of counts are
a flow, solved exactly; anything else goes to HiGHS (see `highs_engine`).

A shortage is the cut behind it. Hoffman's circulation theorem (1960, "Some recent applications of the theory of linear
inequalities"): bounds on a network can be kept exactly when every set of nodes W lets out as much
(the highs of arcs that leave it) as must come in (the lows of arcs that enter it). A max flow finds
a set that fails, and its rows say it in words: these needs, against these limits. For guests with
one wish each this is Hall's theorem.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt
import scipy.sparse as sp
from ortools.graph.python.max_flow import SimpleMaxFlow
from scipy.sparse import csgraph

from twinmatch.solving.blocks import Block, Bools, Candidates, Ints, check
from twinmatch.solving.diagnosis import CLASH, NO_CLASH, Clash
from twinmatch.solving.flow import SINK, SOURCE, Network, transport
from twinmatch.solving.flow_engine import by_flow
from twinmatch.solving.highs_engine import by_highs
from twinmatch.solving.laminar import Families, RuleRows, binding, bound, families, reach, stack
from twinmatch.solving.model import (
    FAIR,
    FLOW,
    INFEASIBLE,
    LP,
    AssignmentQuestion,
    Level,
    RowRef,
    Shortage,
    Solution,
    Undercut,
    asked,
    exponent,
)
from twinmatch.solving.referee import broken
from twinmatch.wording import count, joined, say, say_n


def solve(
    candidates: Candidates,
    blocks: Sequence[Block],
    *,
    objectives: Sequence[str] = ("filled", "total"),
    previous: npt.ArrayLike | None = None,
) -> Solution:
    """The choice of meetings that keeps every row and is best in the objectives, in their order.

    objectives, each locked before the next:
        "filled"          the number of meetings
        "served"          the number of guests with a meeting
        "worst-off"       the least sum of scores of a guest that has a meeting; "served" goes before
        "leximin"         the same, then the next least, and so on
        "total"           the sum of scores, less what the missed rows of blocks with a price cost
        "fewest changes"  the number of earlier meetings that stay
    and last of all early guests with early hosts, so that the answer does not depend on the order
    of the candidates.

    previous (m,) is true for meetings of an earlier answer.

    Where no choice keeps the rules the status is "infeasible" and `advice` says why. Raises
    `DataError` for candidates or blocks that cannot be used, `QuestionError` for a wrong question
    or where no answer was found with the effort allowed.
    """
    question, by = asked(candidates, blocks, objectives, previous)
    power = exponent(question.candidates.score)
    if power:
        score = np.ldexp(question.candidates.score, -power)
        blocks = tuple(
            block if block.price is None else replace(block, price=np.ldexp(block.price, -power))
            for block in question.blocks
        )
        candidates = replace(question.candidates, score=score)
        question = replace(question, candidates=candidates, blocks=blocks)
    found = answer(question)
    return _in_asked_order(multiplied(found, power), by)


def multiplied(found: Solution, power: int) -> Solution:
    """The answer in the unit of the scores as they were given, which were divided by this power of two."""
    if not power:
        return found
    scored = ("worst-off", "leximin", "total")
    return replace(
        found,
        score=float(np.ldexp(found.score, power)),
        bound=float(np.ldexp(found.bound, power)),
        duals=tuple(np.ldexp(part, power) for part in found.duals),
        levels=tuple(
            Level(v.name, float(np.ldexp(v.value, power)), float(np.ldexp(v.bound, power)))
            if v.name in scored
            else v
            for v in found.levels
        ),
    )


def answer(question: AssignmentQuestion) -> Solution:
    """The answer to a checked question whose candidates are in order."""
    if not question.m:
        # With nobody to choose there is nothing to be fair about; only the rules have a say.
        question = replace(question, objectives=("filled", "total"))
        hard = [block for block in question.blocks if block.price is None]
        if broken(question.candidates, np.zeros(0, dtype=np.bool_), hard):
            return impossible(question, LP)
    question = replace(question, objectives=_with_served(question))
    rows = bound(question.blocks, question.m)
    nested = families(rows) if _flow_can(question) else None
    if nested is not None:
        return by_flow(question, rows, nested) or impossible(question, FLOW)
    return by_highs(question, rows) or impossible(question, LP)


def _with_served(question: AssignmentQuestion) -> tuple[str, ...]:
    """The objectives, guests served before fairness; with one meeting a guest at most they are the meetings."""
    names = list(question.objectives)
    fair = [names.index(name) for name in FAIR if name in names]
    if not fair and "served" not in names:
        return question.objectives
    if question.single():
        names = ["filled" if name == "served" else name for name in names]
    elif fair:
        names.insert(min(fair), "served")
    return tuple(dict.fromkeys(names))


def _flow_can(question: AssignmentQuestion) -> bool:
    """Whether the objectives are sums over meetings, or floors under single meetings, and every rule must hold."""
    if any(block.price is not None for block in question.blocks):
        return False
    return not {"served", *FAIR} & set(question.objectives) or question.single()


def impossible(question: AssignmentQuestion, engine: str) -> Solution:
    """The answer where no choice keeps the rules, with why."""
    candidates, blocks = question.candidates, [block.hard for block in question.blocks]
    return Solution(
        chosen=np.zeros(question.m, dtype=np.bool_),
        score=np.nan,
        bound=np.nan,
        gap=np.nan,
        status=INFEASIBLE,
        engine=engine,
        filled=0,
        duals=tuple(np.zeros(len(block)) for block in blocks),
        levels=(),
        advice=(*undercuts(candidates, blocks), *shortage(candidates, blocks)),
    )


def _in_asked_order(solution: Solution, by: Ints | None) -> Solution:
    """The answer for the candidates as they were given."""
    if by is None:
        return solution
    chosen = np.zeros_like(solution.chosen)
    chosen[by] = solution.chosen
    return replace(solution, chosen=chosen)


def undercuts(candidates: Candidates, blocks: Sequence[Block]) -> tuple[Undercut, ...]:
    """The rows that no choice of candidates can keep, each alone.

    A maximum below its own minimum, or a minimum above all that the candidates can bring.
    """
    rows = stack(blocks, len(candidates))
    least, most = reach(rows)
    failed = (rows.low > rows.high) | (rows.low > most + 1e-9) | (rows.high < least - 1e-9)
    return tuple(
        Undercut(
            RowRef(blocks[rows.block[i]].name, int(rows.block[i]), int(rows.row[i])),
            *(float(value[i]) for value in (rows.low, rows.high, least, most)),
        )
        for i in np.flatnonzero(failed)
    )


def shortage(candidates: Candidates, blocks: Sequence[Block]) -> tuple[Shortage, ...]:
    """The shortages that keep the rules from being met; () where there is none.

    How many meetings each guest is to get is a block like any other. Blocks that are no network beside
    those before them are left out, the last one coming first of all, so what is found is always a true
    shortage, but a clash of such rules is not found here (see `clash`).
    """
    check(candidates, blocks)
    rows_kept, nested = _network_part(candidates, blocks)
    if nested is None:
        return ()
    return _violations(candidates, blocks, rows_kept, nested)


def _network_part(
    candidates: Candidates, blocks: Sequence[Block]
) -> tuple[RuleRows, Families | None]:
    """The rows of as many blocks as make a network, the last block first of all."""
    everything = stack(blocks, len(candidates))
    can_bind = binding(everything)
    rows = everything.take(can_bind)
    found = families(rows)
    if found is not None:
        return rows, found
    kept: list[int] = []
    for b in [len(blocks) - 1, *range(len(blocks) - 1)]:
        trial = everything.take(can_bind[np.isin(everything.block[can_bind], [*kept, b])])
        nested = families(trial)
        if nested is not None:
            kept, rows, found = [*kept, b], trial, nested
    return rows, found


def _violations(
    candidates: Candidates, blocks: Sequence[Block], rows: RuleRows, nested: Families
) -> tuple[Shortage, ...]:
    """Every piece of the cut of this network whose needs exceed its places."""
    view = _View(candidates, blocks, rows, nested)
    found = [view.contradiction(int(i)) for i in np.flatnonzero(nested.low > nested.high)]
    network = view.network
    inside = _lacking_side(network)
    if inside.any():
        # The parts are counted on the side without the source: there they share no arc.
        around = bool(inside[SOURCE])
        pieces = _pieces(network, ~inside if around else inside)
        sides = [~piece if around else piece for piece in pieces]
        found += [view.cut(side) for side in sides if _excess(network, side) > 0]
    return tuple(found)


def _excess(network: Network, inside: Bools) -> int:
    """What must come into a set of nodes less what may leave it; positive where that cannot be."""
    enters = inside[network.head] & ~inside[network.tail]
    leaves = inside[network.tail] & ~inside[network.head]
    return int(network.low[enters].sum() - network.high[leaves].sum())


def _lacking_side(network: Network) -> Bools:
    """(N,) the nodes that more must enter than may leave; none where the bounds can be kept."""
    n = network.n_nodes
    surplus = np.bincount(network.head, network.low, n) - np.bincount(network.tail, network.low, n)
    given, taken = np.flatnonzero(surplus > 0), np.flatnonzero(surplus < 0)
    tail = np.concatenate([network.tail, np.full(len(given), n), taken])
    head = np.concatenate([network.head, given, np.full(len(taken), n + 1)])
    room = np.concatenate([network.high - network.low, surplus[given], -surplus[taken]])
    engine = SimpleMaxFlow()
    arcs = engine.add_arcs_with_capacity(
        tail.astype(np.int32), head.astype(np.int32), room.astype(np.int64)
    )
    engine.solve(n, n + 1)
    inside = np.zeros(n, dtype=np.bool_)
    if engine.optimal_flow() == int(surplus[given].sum()):
        return inside
    flow = engine.flows(arcs)
    ahead, back = flow < room, flow > 0
    residual = sp.csr_array(
        (
            np.ones(np.count_nonzero(ahead) + np.count_nonzero(back)),
            (np.append(tail[ahead], head[back]), np.append(head[ahead], tail[back])),
        ),
        shape=(n + 2, n + 2),
    )
    reached = csgraph.breadth_first_order(residual, n, return_predecessors=False)
    inside[reached[reached < n]] = True
    return inside


def _pieces(network: Network, side: Bools) -> list[Bools]:
    """The nodes of a side split into parts that share no arc; the source and sink are in none."""
    n = len(side)
    if side[SINK] or side[SOURCE]:
        return [side]
    inner = side[network.tail] & side[network.head]
    graph = sp.csr_array(
        (np.ones(np.count_nonzero(inner)), (network.tail[inner], network.head[inner])),
        shape=(n, n),
    )
    _, label = csgraph.connected_components(graph, directed=False)
    return [side & (label == one) for one in np.unique(label[side])]


class _View:
    """The network of the rules, and how to name its cuts by rows, guests and hosts."""

    def __init__(
        self, candidates: Candidates, blocks: Sequence[Block], rows: RuleRows, nested: Families
    ) -> None:
        self.candidates, self.blocks, self.rows, self.nested = candidates, blocks, rows, nested
        problem = transport(nested, len(candidates))
        low, high = problem.network.low.copy(), problem.network.high.copy()
        at = slice(problem.m, problem.m + problem.n_rows)
        # A row's minimum beyond its candidates is for the cut to name; beyond its own maximum it
        # is a contradiction, named apart.
        low[at] = np.minimum(nested.low, nested.high).clip(0)
        high[at] = np.maximum(high[at], low[at])
        high[-1] = 2**40
        self.network = replace(problem.network, low=low, high=high)
        self.m = problem.m

    def contradiction(self, i: int) -> Shortage:
        """The shortage of one set of candidates whose minimum is above its maximum."""
        need, limit = self.nested.low_from[i], self.nested.high_from[i]
        held = self.rows.matrix[[need]].indices
        return Shortage(
            (self._ref(need),),
            int(self.nested.low[i]),
            (self._ref(limit),),
            max(int(self.nested.high[i]), 0),
            0,
            np.unique(self.candidates.guest[held]),
            np.unique(self.candidates.host[held]),
        )

    def cut(self, inside: Bools) -> Shortage:
        """The needs that enter a set of nodes, and the limits on what leaves it."""
        network, m = self.network, self.m
        from_inside, to_inside = inside[network.tail], inside[network.head]
        enters, leaves = to_inside & ~from_inside, from_inside & ~to_inside
        needs = np.flatnonzero(enters[m:-1] & (network.low[m:-1] > 0))
        limits = np.flatnonzero(leaves[m:-1])
        # Candidates that use the scarce places: those that leave the set, and those beside them.
        around = bool(inside[SOURCE])
        within = ~(from_inside | to_inside) if around else from_inside & to_inside
        touched = np.flatnonzero((leaves | within)[:m])
        own = self.rows.matrix[self.nested.low_from[needs]].indices if around else touched[:0]
        concerned = np.union1d(touched, own)
        return Shortage(
            tuple(self._ref(i) for i in self.nested.low_from[needs]),
            int(network.low[m:-1][needs].sum()),
            tuple(self._ref(i) for i in self.nested.high_from[limits]),
            int(network.high[leaves].sum()),
            int(np.count_nonzero(leaves[:m])),
            np.unique(self.candidates.guest[concerned]),
            np.unique(self.candidates.host[concerned]),
        )

    def _ref(self, i: int) -> RowRef:
        block = int(self.rows.block[i])
        return RowRef(self.blocks[block].name, block, int(self.rows.row[i]))


# -- in words ----------------------------------------------------------------------------------

NAMED, ROWS = (
    12,
    3,
)  # guests or hosts, and rows of a shortage, named in a sentence; more are counted


@dataclass(frozen=True)
class Labels:
    """How to name the rows of some rules (a phrase, such as "places at Ghent"), a host and a guest."""

    blocks: Sequence[Block]
    host: Callable[[int], str] = "host {}".format
    guest: Callable[[int], str] = "guest {}".format

    def row(self, at: RowRef) -> str:
        """Return the words of a row of a rule."""
        return say("{row:stopless}", row=self.blocks[at.block].says(at.row))


def in_words(told: Undercut | Shortage | Clash, labels: Labels) -> str:
    """One piece of advice as a sentence or two."""
    if isinstance(told, Undercut):
        return _undercut(told, labels)
    if isinstance(told, Shortage):
        return _shortage(told, labels)
    return _clash(told, labels)


def _undercut(told: Undercut, labels: Labels) -> str:
    rule = labels.row(told.at)
    if told.low > told.high:
        says = "{rule}: at least {low:g} and at most {high:g} cannot both be."
        return say(says, rule=rule, low=told.low, high=told.high)
    if told.low > told.most:
        says = "{rule}: at least {low:g} asked, at most {most:g} possible."
        return say(says, rule=rule, low=told.low, most=told.most)
    says = "{rule}: at most {high:g} is allowed, and it is {least:g} at least."
    return say(says, rule=rule, high=told.high, least=told.least)


def _shortage(told: Shortage, labels: Labels) -> str:
    needs, limits = (
        _listed(dict.fromkeys(map(labels.row, rows)), "; ", ROWS)
        for rows in (told.needs, told.limits)
    )
    if not len(told.hosts):
        return say("{n} asked ({needs}), and nobody may be met.", n=told.needed, needs=needs)
    guests, hosts = _listed(map(labels.guest, told.guests)), _listed(map(labels.host, told.hosts))
    return say(
        "{meetings} asked ({needs}), {places} possible{limits}: {short} short, between {guests} and {hosts}.",
        meetings=count(told.needed, "meeting"),
        needs=needs,
        places=told.places,
        limits=joined((" (", limits, ")"), "") if limits else "",
        short=told.short,
        guests=say_n("{n} guest ({who})", "{n} guests ({who})", len(told.guests), who=guests),
        hosts=say_n("{n} host ({who})", "{n} hosts ({who})", len(told.hosts), who=hosts),
    )


def _clash(told: Clash, labels: Labels) -> str:
    if told.status == NO_CLASH:
        return say("The rules do not clash.")
    if told.status != CLASH:
        return say("Whether the rules clash was not found out with the effort allowed.")
    rules = _listed(map(labels.row, told.rows), "; ")
    drop = say(" Without any one of them the others hold.") if told.minimal else ""
    return say("These cannot hold together: {rules}.{drop}", rules=rules, drop=drop)


def _listed(names: Iterable[str], between: str = ", ", most: int = NAMED) -> str:
    every = list(names)
    found = joined(every[:most], between)
    if len(every) <= most:
        return found
    end = joined((found, between.strip(", ")), "")
    return say("{names} and {n} more", names=end, n=len(every) - most)
