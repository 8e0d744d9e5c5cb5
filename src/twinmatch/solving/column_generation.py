"""Much that is proven best over all, with little of it ever in the model: column generation.

Ford and Fulkerson 1958, doi:10.1287/mnsc.5.1.97; Dantzig and Wolfe 1960, doi:10.1287/opre.8.1.101: solve over few
columns, price all others with the prices of the rows, add those that would improve, and stop when there are none.

For rules of any shape the model is an LP, and HiGHS goes on from its last basis; columns left out are at their least,
zero. For rules that are a network it is a flow over each guest's best pairs. A pair is an arc between two nodes that
are always there (the smallest rows that hold it), so its price is one subtraction. Potentials are taken half way
between the highest and the lowest that fit, which needs far fewer rounds than either end; costs are doubled, so that
the middle is whole.

    B, H         guests of a block, hosts: pairs are read some guests at a time
    joker        one more node that stands in, at a price above any score, for what is not in the network yet
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Protocol

import numpy as np

from twinmatch.solving.blocks import Candidates, Floats, Ints
from twinmatch.solving.flow import Network, Transport, cheapest, least_cost_bound, middle
from twinmatch.solving.highs import Clock, LinearOutcome, Model, answered, loaded
from twinmatch.solving.model import AssignmentQuestion, DecimalGrid, Scale, upper_bound

ALL_FROM_START = 20_000  # with fewer columns than this, all of them are in from the start
BEST = 2  # best candidates of each guest and of each host to begin with
MORE = 3  # columns added for a guest in a round, at most
IMPROVES = 1e-7  # of the largest gain: what a column must bring to be added


def first_columns(c: Candidates, n: int) -> Ints:
    """The columns to begin with: all of a small question, else the best of each guest and host.

    Columns after the candidates, m to n - 1, are always in.
    """
    m = len(c)
    if m <= ALL_FROM_START:
        return np.arange(n)
    best = [_best_of(c.guest, c.score, BEST), _best_of(c.host, c.score, BEST)]
    return np.unique(np.concatenate([*best, np.arange(m, n)]))


def _best_of(owner: Ints, score: Floats, k: int) -> Ints:
    """The k best-scored candidates of each owner."""
    by = np.lexsort((-score, owner))
    starts = np.flatnonzero(np.diff(owner[by], prepend=-1))
    rank = np.arange(len(by)) - np.repeat(starts, np.diff(np.append(starts, len(by))))
    return by[rank < k]


class Master:
    """A model of which HiGHS holds some columns, and goes on from its last basis.

    `owner` (m,) is the guest of each candidate, so that no guest floods a round. The columns must
    hold an answer, if there is any: see `feasible_columns`.
    """

    def __init__(self, model: Model, columns: Ints, owner: Ints, clock: Clock) -> None:
        self.model, self.columns, self.owner, self.clock = model, columns, owner, clock
        start = np.zeros(len(columns))
        self.engine = loaded(model.take(columns), start, whole=False, seconds=clock.left())

    def best(self, gain: Floats) -> LinearOutcome:
        """The best of the LP over all columns of the model, and the bound that its prices give."""
        n = self.model.matrix.shape[1]
        at = np.arange(len(self.columns), dtype=np.int32)
        self.engine.changeColsCost(len(at), at, gain[self.columns])
        while True:
            part = answered(self.engine, whole=False)
            if part.x is None or part.price is None:
                return part
            if len(self.columns) == n:
                return _spread(part, self.columns, n)
            more = _improving(self.model, gain, part.price, self.columns, self.owner)
            if not len(more):
                return _proven(self.model, gain, _spread(part, self.columns, n))
            self._add(gain, more)

    def _add(self, gain: Floats, more: Ints) -> None:
        part = self.model.take(more)
        self.engine.addCols(
            len(more),
            gain[more],
            part.least,
            part.most,
            part.matrix.nnz,
            part.matrix.indptr[:-1],
            part.matrix.indices,
            part.matrix.data,
        )
        self.columns = np.concatenate([self.columns, more])

    def start_from(self, gain: Floats) -> None:
        """Begin with a basis that is best for another gain; its first answer is by the interior where there are many columns."""
        if len(self.columns) > ALL_FROM_START:
            at = np.arange(len(self.columns), dtype=np.int32)
            self.engine.changeColsCost(len(at), at, gain[self.columns])
            self.engine.setOptionValue("solver", "ipm")
            answered(self.engine, whole=False)
            self.engine.setOptionValue("solver", "choose")
        self.best(gain)

    def lock(self, model: Model, gain: Floats) -> None:
        """Go on with a model that has one row more, its last, with this gain at its columns, which may be fixed."""
        held = gain[self.columns]
        at = np.flatnonzero(held)
        low, high = float(model.low[-1]), float(model.high[-1])
        self.engine.addRow(low, high, len(at), at.astype(np.int32), held[at])
        every = np.arange(len(held), dtype=np.int32)
        least, most = model.least[self.columns], model.most[self.columns]
        self.engine.changeColsBounds(len(every), every, least, most)
        self.model = model


def _improving(model: Model, gain: Floats, price: Floats, columns: Ints, owner: Ints) -> Ints:
    rest = gain - model.matrix.T @ price
    rest[columns] = -np.inf
    rest[model.most <= model.least] = -np.inf
    found = np.flatnonzero(rest > IMPROVES * max(float(np.abs(gain).max(initial=0.0)), 1.0))
    best = _best_of(owner[found], rest[found], MORE)
    return found[best]


def _spread(part: LinearOutcome, columns: Ints, n: int) -> LinearOutcome:
    """The outcome over all columns, those that were left out at zero."""
    assert part.x is not None
    x = np.zeros(n)
    x[columns] = part.x
    return replace(part, x=x)


def _proven(model: Model, gain: Floats, whole: LinearOutcome) -> LinearOutcome:
    """The outcome with a bound over all columns from the prices alone."""
    assert whole.price is not None
    bound = upper_bound(
        gain, model.matrix, model.low, model.high, whole.price, model.least, model.most
    )
    return replace(whole, bound=max(bound, whole.value))


def feasible_columns(model: Model, columns: Ints, owner: Ints, clock: Clock) -> Ints | None:
    """Columns that hold an answer, or None where the rows cannot be kept even in part.

    Stand-ins make up what the minima lack; their sum is brought down to zero.
    """
    short = np.flatnonzero((model.low > 0) | (model.high < 0))
    n = model.matrix.shape[1]
    if len(columns) == n or not len(short):
        return columns
    sign = np.where(model.low[short] > 0, 1.0, -1.0)
    wide = model.missing(short, sign, np.arange(len(short)))
    gain = np.zeros(n + len(short))
    gain[n:] = -1.0
    start = np.concatenate([columns, n + np.arange(len(short))])
    master = Master(wide, start, owner, clock)
    outcome = master.best(gain)
    if outcome.x is None or outcome.value < -1e-6:
        return None
    return master.columns[master.columns < n]


FEW_FROM = 200_000  # pairs; below, one flow over all of them is as quick
CELLS = 2**18  # pairs looked at together: some 2 MB, which stays in the processor's cache
FIRST = 12  # best hosts of each guest to begin with, or twice its demand
ADDED = 8  # pairs added for a guest in a round, at most
JOKER = 64  # times the highest cost: the price of a stand-in
SHARE = 0.5  # with more than this share of all pairs in the network, it is not worth the rounds
ROUNDS = 60


class PairSource(Protocol):
    """All pairs of G guests and H hosts, read some guests at a time."""

    @property
    def shape(self) -> tuple[int, int]:
        """(G, H)."""

    @property
    def ends(self) -> tuple[Ints, Ints]:
        """The nodes that pairs leave, and those that they enter."""

    def block(self, start: int, stop: int) -> tuple[Floats, Ints, Ints]:
        """What each pair of these guests gains, (B, H), -inf where none may be, and its two nodes.

        The nodes are (B, H), or (B, 1) and (1, H).
        """


class CandidatePairs:
    """The candidates of a network that may still be chosen or not, as a source of pairs."""

    def __init__(self, question: AssignmentQuestion, problem: Transport, gain: Floats) -> None:
        c, network = question.candidates, problem.network
        self.shape = (c.n_guests, c.n_hosts)
        self.place = np.full(self.shape, -1, dtype=np.int32)
        self.place[c.guest, c.host] = np.arange(len(c))
        free = network.high[: len(c)] > network.low[: len(c)]
        self.gain = np.append(np.where(free, gain, -np.inf), -np.inf)
        self.tail, self.head = network.tail[: len(c)], network.head[: len(c)]
        self.ends = (np.flatnonzero(np.bincount(self.tail)), np.flatnonzero(np.bincount(self.head)))

    def block(self, start: int, stop: int) -> tuple[Floats, Ints, Ints]:
        """See `PairSource`."""
        at = self.place[start:stop]
        return self.gain[at], self.tail[at], self.head[at]


@dataclass(frozen=True, eq=False)
class _Pairs:
    """Pairs by key, guest * H + host, sorted, with their gains and nodes."""

    key: Ints
    gain: Floats
    tail: Ints
    head: Ints

    def __len__(self) -> int:
        return len(self.key)


@dataclass(frozen=True, eq=False)
class FewPairs:
    """The pairs that an optimal answer may hold, a cheapest flow over them, and its proof over all.

    guest, host (n,); flow: of the pairs, then of the arcs given; potential (N,), in units of doubled costs. bound: no
    answer gains more. considered: how many pairs were ever in the network; rounds: how often all were priced.
    """

    guest: Ints
    host: Ints
    flow: Ints
    potential: Ints
    scale: Scale
    bound: float
    considered: int
    rounds: int


def over_few(
    source: PairSource, network: Network, worth: Floats, first: int = FIRST
) -> FewPairs | None:
    """The best of all pairs beside the other arcs of a network; None where it is for a flow over all to tell.

    That is where no flow keeps the bounds, or where most pairs would be needed anyway. worth (E,): what the other
    arcs gain.
    """
    number, grid, best = 0, DecimalGrid(), []
    for start, gain, tail, head in _blocks(source):
        grid.see(gain)
        number += int(np.count_nonzero(gain > -np.inf))
        best.append(_leading(start, gain, gain, tail, head, first))
    scale, held = grid.scale(), _joined(best)
    for rounds in range(1, ROUNDS + 1):
        solved = None if len(held) > SHARE * number else _with_joker(source, network, held, scale)
        if solved is None:
            return None
        flow, potential, stands_in = solved
        more, tight, beyond = [], [held], 0.0
        for start, gain, tail, head, rest in _reduced(source, held, potential, scale):
            more.append(_leading(start, -rest, gain, tail, head, ADDED, above=0.0))
            if not stands_in and not len(more[-1]):
                row, host = np.nonzero(rest == 0)
                nodes = tail[row, host], head[row, host]
                key = (start + row) * rest.shape[1] + host
                tight.append(_Pairs(key, gain[row, host], *nodes))
                price = potential / (2 * scale.factor)
                beyond += float(np.maximum(gain - price[tail] + price[head], 0.0).sum())
        if any(map(len, more)):
            held = _joined([held, *more])
            continue
        if stands_in:  # for what the rows let through, and the pairs do not
            return None
        every = _joined(tight)
        whole = np.zeros(len(every) + len(worth), dtype=np.int64)
        whole[np.searchsorted(every.key, held.key)] = flow[: len(held)]
        whole[len(every) :] = flow[len(held) :]
        fixed = least_cost_bound(network, -worth, potential / (2 * scale.factor))
        return FewPairs(
            *np.divmod(every.key, source.shape[1]),
            whole,
            potential,
            scale,
            beyond - fixed,
            len(held),
            rounds,
        )
    return None


def _blocks(source: PairSource) -> Iterator[tuple[int, Floats, Ints, Ints]]:
    """Each block of about `CELLS` pairs with the number of its first guest."""
    n_guests, n_hosts = source.shape
    step = max(CELLS // max(n_hosts, 1), 1)
    for start in range(0, n_guests, step):
        gain, tail, head = source.block(start, min(start + step, n_guests))
        yield start, gain, np.broadcast_to(tail, gain.shape), np.broadcast_to(head, gain.shape)


def _leading(
    start: int, value: Floats, gain: Floats, tail: Ints, head: Ints, n: int, above: float = -np.inf
) -> _Pairs:
    """The pairs of the n highest values of each guest of a block, of those above a value."""
    kept = np.flatnonzero(value.max(axis=1, initial=-np.inf) > above)
    value, H = value[kept], value.shape[1]
    if 0 < n < H:
        host = np.argpartition(value, H - n, axis=1)[:, H - n :]
    else:
        host = np.broadcast_to(np.arange(H), value.shape)
    row, place = np.nonzero(np.take_along_axis(value, host, axis=1) > above)
    row, host = kept[row], host[row, place]
    key = (start + row) * H + host
    return _Pairs(key, gain[row, host], tail[row, host], head[row, host])


def _joined(parts: Sequence[_Pairs]) -> _Pairs:
    """All of these pairs, none of which stands in two parts."""
    key, gain, tail, head = (
        np.concatenate([getattr(part, name) for part in parts])
        for name in ("key", "gain", "tail", "head")
    )
    by = np.argsort(key)
    return _Pairs(key[by], gain[by], tail[by], head[by])


def _with_joker(
    source: PairSource, network: Network, held: _Pairs, scale: Scale
) -> tuple[Ints, Ints, bool] | None:
    """The flow of the held pairs and the network, potentials (N,), and whether the joker stands in for anything.

    The joker takes from wherever a pair leaves and gives to wherever one enters.
    """
    leaves, enters = source.ends
    joker, extra = network.n_nodes, len(leaves) + len(enters)
    most = int(network.high.max(initial=1))
    gain = np.rint(held.gain * scale.factor).astype(np.int64)
    stand_in = 2 * JOKER * (int(np.abs(gain).max(initial=0)) + 1)
    small = Network(
        tail=np.concatenate([held.tail, network.tail, leaves, np.full(len(enters), joker)]),
        head=np.concatenate([held.head, network.head, np.full(len(leaves), joker), enters]),
        low=np.concatenate([np.zeros(len(held), np.int64), network.low, np.zeros(extra, np.int64)]),
        high=np.concatenate([np.ones(len(held), np.int64), network.high, np.full(extra, most)]),
        supply=np.append(network.supply, 0),
    )
    cost = np.zeros(len(small.tail), dtype=np.int64)
    cost[: len(held)] = -2 * gain
    cost[len(cost) - extra : len(cost) - len(enters)] = stand_in
    flow = cheapest(small, cost)
    if flow is None:
        return None
    potential = middle(small, flow, cost)[:joker]
    return flow[:-extra], potential, bool(flow[-extra:].any())


def _reduced(
    source: PairSource, held: _Pairs, potential: Ints, scale: Scale
) -> Iterator[tuple[int, Floats, Ints, Ints, Floats]]:
    """Each block with what one unit over each pair costs by these potentials, exact; inf where held or barred."""
    H = source.shape[1]
    price = potential.astype(np.float64)
    for start, gain, tail, head in _blocks(source):
        rest = np.rint(gain * scale.factor)
        rest *= -2.0
        rest += price[tail] - price[head]
        inside = slice(*np.searchsorted(held.key, [start * H, (start + len(gain)) * H]))
        rest.ravel()[held.key[inside] - start * H] = np.inf
        yield start, gain, tail, head, rest
