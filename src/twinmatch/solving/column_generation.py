"""LPs over few columns that are proven best over all: column generation with HiGHS.

As `pricing` does for flows (see there for sources), for rules of any shape: solve over some
columns, price all others with the prices of the rows, add those that would improve, until there are
none. HiGHS goes on from its last basis. Columns left out are at their least, nought.

A flow over few pairs that is proven best over all of them.

Column generation (Ford and Fulkerson 1958, doi:10.1287/mnsc.5.1.97; Dantzig and Wolfe 1960,
doi:10.1287/opre.8.1.101): solve over each guest's best hosts and each host's best guests, price all
other pairs with the node potentials, add those that would improve, and stop when there are none.
The potentials then prove the answer over all pairs, though few were ever in the network. They are
taken half way between the highest and the lowest that fit, which needs far fewer rounds than either
end. Scores are read block by block, and only the pairs in the network are kept.

    key (n,)     pairs in the network, as guest * H + host, sorted; score (n,) theirs
    q            score as an integer, see `scaling`; costs here are -2 q, so that the middle of two
                 integer potentials is an integer
    joker        one more node that stands in, at a price above any score, for a guest whose host or
                 a host whose guest is not in the network yet
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace

import numpy as np
import scipy.sparse as sp

from twinmatch.solving.blocks import Bools, Candidates, Floats, Ints
from twinmatch.solving.flow import (
    FIRST_ROW,
    SINK,
    SOURCE,
    Network,
    Transport,
    bipartite,
    cheapest,
    least_cost_bound,
    middle,
    on_face,
)
from twinmatch.solving.highs import Clock, LinearOutcome, Model, answered, loaded
from twinmatch.solving.scaling import DecimalGrid, Scale, upper_bound
from twinmatch.solving.scores import ScoreBlocks, blocks_of

ALL_FROM_START = 20_000  # with fewer columns than this, all of them are in from the start
FIRST = 8  # best candidates of each guest and of each host to begin with
ADDED = 3  # columns added for a guest in a round, at most
IMPROVES = 1e-7  # of the largest gain: what a column must bring to be added


def first_columns(c: Candidates, n: int) -> Ints:
    """The columns to begin with: all of a small question, else the best of each guest and host.

    Columns after the candidates, m to n - 1, are always in.
    """
    m = len(c)
    if m <= ALL_FROM_START:
        return np.arange(n)
    best = [_best_of(c.guest, c.score, FIRST), _best_of(c.host, c.score, FIRST)]
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

    def move_to(self, model: Model, rows: Ints, column: int) -> None:
        """Go on with a model whose rows named here no longer hold this column, and have new lows."""
        place = int(np.flatnonzero(self.columns == column)[0])
        for row in rows:
            self.engine.changeCoeff(int(row), place, 0.0)
            self.engine.changeRowBounds(int(row), float(model.low[row]), float(model.high[row]))
        self.model = model


def _improving(model: Model, gain: Floats, price: Floats, columns: Ints, owner: Ints) -> Ints:
    rest = gain - model.matrix.T @ price
    rest[columns] = -np.inf
    found = np.flatnonzero(rest > IMPROVES * max(float(np.abs(gain).max(initial=0.0)), 1.0))
    best = _best_of(owner[found], rest[found], ADDED)
    return found[best]


def _spread(part: LinearOutcome, columns: Ints, n: int) -> LinearOutcome:
    """The outcome over all columns, those that were left out at nought."""
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

    Stand-ins make up what the minima lack; their sum is brought down to nought.
    """
    short = np.flatnonzero((model.low > 0) | (model.high < 0))
    n = model.matrix.shape[1]
    if len(columns) == n or not len(short):
        return columns
    wide = model.with_columns(len(short), least=0.0, most=np.inf, whole=False)
    sign = np.where(model.low[short] > 0, 1.0, -1.0)
    stand_ins = sp.csc_array(
        (sign, (short, np.arange(len(short)))), shape=(model.matrix.shape[0], len(short))
    )
    wide = replace(wide, matrix=sp.csc_array(sp.hstack([model.matrix, stand_ins], format="csc")))
    gain = np.zeros(n + len(short))
    gain[n:] = -1.0
    start = np.concatenate([columns, n + np.arange(len(short))])
    master = Master(wide, start, owner, clock)
    outcome = master.best(gain)
    if outcome.x is None or outcome.value < -1e-6:
        return None
    return master.columns[master.columns < n]


HOSTS_FIRST = 12  # best hosts of each guest to begin with, or twice its demand
GUESTS_FIRST = 32  # best guests of each host to begin with, or twice its capacity if that is less
PRICED_IN = 15  # pairs added for a guest in a round, at most
JOKER = 64  # times the highest score: the price of a stand-in
SHARE = 0.6  # with more than this share of all pairs in the network, it is not worth the rounds
ROUNDS = 40


@dataclass(frozen=True, eq=False)
class Limits:
    """What guests ask for (G,), what hosts have at most and at least (H,)."""

    demand: Ints
    capacity: Ints
    at_least: Ints


@dataclass(frozen=True, eq=False)
class PricedAssignment:
    """The pairs chosen, a bound on the total of any answer, and prices in units of score.

    host_price (H,) and guest_price (G,) are what one more place, and one more wish, are worth.
    considered: how many pairs were ever in the network; step: the rounding of one score.
    """

    host: Ints
    guest: Ints
    score: Floats
    bound: float
    host_price: Floats
    guest_price: Floats
    considered: int
    step: float


@dataclass(frozen=True, eq=False)
class _Pairs:
    """Pairs by key, sorted, with their scores."""

    key: Ints
    score: Floats

    def __len__(self) -> int:
        return len(self.key)

    def joined(self, more: _Pairs) -> _Pairs:
        """These pairs and those, each once."""
        key, at = np.unique(np.concatenate([self.key, more.key]), return_index=True)
        return _Pairs(key, np.concatenate([self.score, more.score])[at])


@dataclass(frozen=True, eq=False)
class _Start:
    """What one reading of all scores tells: the first pairs, the scale, and how many pairs."""

    first: _Pairs
    scale: Scale
    pairs: int
    filled: int


@dataclass(frozen=True, eq=False)
class _Round:
    """An optimal flow over the pairs in the network, and potentials (N,) that prove it."""

    pairs: _Pairs
    flow: Ints
    potential: Ints

    def prices(self, n_guests: int) -> tuple[Floats, Floats]:
        """The potentials of guests (G,) and of hosts (H,)."""
        rows = self.potential[FIRST_ROW:-1].astype(np.float64)
        return rows[:n_guests], rows[n_guests:]


def priced(scores: ScoreBlocks, limits: Limits) -> PricedAssignment | None:
    """The best choice over all pairs, places filled first.

    None where it is for a flow over all pairs to tell: the minima cannot be kept, some place that
    counting alone allows cannot be filled, or a large share of the pairs would be needed anyway.
    """
    start = _first_pairs(scores, limits)
    pairs = start.first
    for _ in range(ROUNDS):
        if len(pairs) > SHARE * start.pairs:
            return None
        now = _solved(limits, start, pairs)
        if now is None:
            return None
        more = _priced_in(scores, start.scale, now)
        if not len(more):
            # Where the joker still stands in, what counting allows cannot be filled.
            stands_in = now.flow[-len(limits.demand) - len(limits.capacity) :].any()
            return None if stands_in else _answer(scores, limits, start, now)
        pairs = pairs.joined(more)
    return None


def _first_pairs(scores: ScoreBlocks, limits: Limits) -> _Start:
    H, G = scores.n_hosts, scores.n_guests
    each_guest = min(max(HOSTS_FIRST, 2 * int(limits.demand.max(initial=0))), H)
    of_hosts = _BestGuests(H, min(GUESTS_FIRST, 2 * int(limits.capacity.max(initial=0)), G))
    parts, grid = [], DecimalGrid()
    of_guest, of_host = np.zeros(G, np.int64), np.zeros(H, np.int64)
    for first, rows in blocks_of(scores):
        grid.see(rows)
        may = rows > -np.inf
        of_guest[first : first + len(rows)] = may.sum(axis=1)
        of_host += may.sum(axis=0)
        parts.append(_best_of_rows(rows, first, each_guest))
        of_hosts.see(first, rows)
    filled = min(
        int(np.minimum(limits.demand, of_guest).sum()),
        int(np.minimum(limits.capacity, of_host).sum()),
    )
    return _Start(_joined([*parts, of_hosts.pairs()]), grid.scale(), int(of_guest.sum()), filled)


def _largest(values: Floats, k: int) -> Ints:
    """(B, k) places of the k largest values of each row (B, n), in any order."""
    n = values.shape[1]
    if k == 0 or k >= n:
        return np.broadcast_to(np.arange(min(k, n)), (len(values), min(k, n)))
    return np.argpartition(values, n - k, axis=1)[:, n - k :]


def _best_of_rows(rows: Floats, first: int, n_best: int) -> _Pairs:
    """The best hosts of each guest of a block (B, H), whose first guest is `first`."""
    host = _largest(rows, n_best)
    score = np.take_along_axis(rows, host, axis=1)
    guest = first + np.arange(len(rows))
    usable = score > -np.inf
    return _Pairs((guest[:, None] * rows.shape[1] + host)[usable], score[usable])


def _joined(parts: list[_Pairs]) -> _Pairs:
    nothing = _Pairs(np.zeros(0, dtype=np.int64), np.zeros(0))
    every = _Pairs(
        np.concatenate([part.key for part in parts] or [nothing.key]),
        np.concatenate([part.score for part in parts] or [nothing.score]),
    )
    return every.joined(nothing)


class _BestGuests:
    """The best guests of each host, as blocks of guests go by."""

    def __init__(self, n_hosts: int, n_best: int) -> None:
        self.score = np.full((n_hosts, n_best), -np.inf)
        self.guest = np.zeros((n_hosts, n_best), dtype=np.int64)

    def see(self, first: int, rows: Floats) -> None:
        """Take in a block of guests, the first of them by number, their scores (B, H)."""
        n_hosts = len(self.score)
        score = np.concatenate([self.score, rows.T], axis=1)
        names = np.broadcast_to(first + np.arange(len(rows)), (n_hosts, len(rows)))
        guest = np.concatenate([self.guest, names], axis=1)
        best = _largest(score, self.score.shape[1])
        self.score = np.take_along_axis(score, best, axis=1)
        self.guest = np.take_along_axis(guest, best, axis=1)

    def pairs(self) -> _Pairs:
        """The pairs found."""
        host, place = np.nonzero(self.score > -np.inf)
        return _Pairs(self.guest[host, place] * len(self.score) + host, self.score[host, place])


def _solved(limits: Limits, start: _Start, pairs: _Pairs) -> _Round | None:
    """An optimal flow over these pairs and the joker; None where even the joker cannot help."""
    problem = _network(limits, start.filled, pairs)
    gain = np.rint(pairs.score * start.scale.factor).astype(np.int64)
    stand_in = np.full(len(limits.demand), 2 * JOKER * (int(np.abs(gain).max(initial=0)) + 1))
    cost = np.concatenate(
        [problem.cost(-2 * gain), stand_in, np.zeros(len(limits.capacity), dtype=np.int64)]
    )
    network = _with_joker(problem.network, limits)
    flow = cheapest(network, cost)
    if flow is None:
        return None
    between = middle(network, flow, cost)
    return _Round(pairs, flow, _guests_raised(network, flow, cost, between, len(limits.demand)))


def _network(limits: Limits, filled: int, pairs: _Pairs) -> Transport:
    guest, host = np.divmod(pairs.key, len(limits.capacity))
    problem = bipartite(guest, host, limits.demand, limits.at_least, limits.capacity)
    return problem.with_filled(filled)


def _with_joker(network: Network, limits: Limits) -> Network:
    """The network with one more node, which takes from every guest and gives to every host."""
    n_guests, n_hosts, joker = len(limits.demand), len(limits.capacity), network.n_nodes
    guests = FIRST_ROW + np.arange(n_guests)
    hosts = FIRST_ROW + n_guests + np.arange(n_hosts)
    return Network(
        tail=np.concatenate([network.tail, guests, np.full(n_hosts, joker)]),
        head=np.concatenate([network.head, np.full(n_guests, joker), hosts]),
        low=np.concatenate([network.low, np.zeros(n_guests + n_hosts, dtype=np.int64)]),
        high=np.concatenate([network.high, limits.demand, limits.capacity]),
        supply=np.append(network.supply, 0),
    )


def _guests_raised(
    network: Network, flow: Ints, cost: Ints, potential: Ints, n_guests: int
) -> Ints:
    """(N,) the potentials with every guest's as high as its own meetings allow.

    The higher a guest's potential, the fewer of its other pairs seem to improve.
    """
    guests = slice(FIRST_ROW, FIRST_ROW + n_guests)
    ceiling = np.full(len(potential), np.iinfo(np.int64).max)
    used = np.flatnonzero(flow > network.low)
    np.minimum.at(ceiling, network.tail[used], potential[network.head[used]] - cost[used])
    room = np.flatnonzero((network.tail == SOURCE) & (flow < network.high))
    np.minimum.at(ceiling, network.head[room], potential[SOURCE])
    # A guest that asks for nothing has no ceiling: one above all scores keeps it out of play.
    idle = int(potential.max()) + 2 * int(np.abs(cost).max(initial=0))
    raised = potential.copy()
    raised[guests] = np.minimum(ceiling[guests], idle)
    return raised


def _priced_in(scores: ScoreBlocks, scale: Scale, now: _Round) -> _Pairs:
    """The best pairs outside the network that would improve the answer, some for each guest."""
    H = scores.n_hosts
    parts = []
    for first, rows, rest in _reduced(scores, scale, now):
        better = np.flatnonzero(rest.max(axis=1, initial=-np.inf) > 0)
        best = _best_of_rows(rest[better], 0, min(PRICED_IN, H))
        place, host = np.divmod(best.key[best.score > 0], H)
        guest = better[place]
        parts.append(_Pairs((first + guest) * H + host, rows[guest, host]))
    return _joined(parts)


def _reduced(
    scores: ScoreBlocks, scale: Scale, now: _Round
) -> Iterator[tuple[int, Floats, Floats]]:
    """By block: its first guest, the scores, and what each pair outside the network would bring.

    The latter (B, H) is in units of cost, exact, and -inf for pairs in the network.
    """
    H = scores.n_hosts
    of_guest, of_host = now.prices(scores.n_guests)
    for first, rows in blocks_of(scores):
        rest = np.rint(rows * scale.factor)
        rest *= 2.0
        rest += of_host
        rest -= of_guest[first : first + len(rows), None]
        inside = slice(*np.searchsorted(now.pairs.key, [first * H, (first + len(rows)) * H]))
        rest.ravel()[now.pairs.key[inside] - first * H] = -np.inf
        yield first, rows, rest


def _answer(scores: ScoreBlocks, limits: Limits, start: _Start, now: _Round) -> PricedAssignment:
    """The proof over all pairs, and of the answers as good the one with early guests and hosts."""
    H, G, unit = scores.n_hosts, scores.n_guests, 2.0 * start.scale.factor
    of_guest, of_host = now.prices(G)
    tight, beyond = [], 0.0
    for first, rows, rest in _reduced(scores, start.scale, now):
        guest, host = np.nonzero(rest == 0)
        tight.append(_Pairs((first + guest) * H + host, rows[guest, host]))
        rows += (of_host - of_guest[first : first + len(rows), None]) / unit
        beyond += float(np.maximum(rows, 0.0, out=rows).sum())
    pairs = now.pairs.joined(_joined(tight))
    chosen = _early(limits, start, now, pairs)
    rows_of_limits = _network(limits, start.filled, _joined([])).network
    potential = now.potential[:-1] / unit
    fixed = least_cost_bound(rows_of_limits, np.zeros(len(rows_of_limits.tail)), potential)
    guest, host = np.divmod(pairs.key[chosen], H)
    by = np.lexsort((guest, host))
    return PricedAssignment(
        host[by],
        guest[by],
        pairs.score[chosen][by],
        beyond - fixed,
        potential[SINK] - of_host / unit,
        of_guest / unit - potential[SOURCE],
        len(now.pairs),
        start.scale.step,
    )


def _early(limits: Limits, start: _Start, now: _Round, pairs: _Pairs) -> Bools:
    """(n,) which of these pairs are chosen, early guests with early hosts, at no loss of score."""
    problem = _network(limits, start.filled, pairs)
    flow = np.zeros(len(problem.network.tail), dtype=np.int64)
    flow[np.searchsorted(pairs.key, now.pairs.key)] = now.flow[: len(now.pairs)]
    rows = len(limits.demand) + len(limits.capacity) + 1
    flow[len(pairs) :] = now.flow[len(now.pairs) : len(now.pairs) + rows]
    cost = problem.cost(-2 * np.rint(pairs.score * start.scale.factor).astype(np.int64))
    face = on_face(problem.network, flow, cost, now.potential[:-1])
    guest, host = np.divmod(pairs.key, len(limits.capacity))
    early = (len(limits.capacity) - host) * (len(limits.demand) - guest)
    best = cheapest(face, problem.cost(-early))
    return (flow if best is None else best)[: len(pairs)] > 0
