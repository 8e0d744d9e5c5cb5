"""Scores of all pairs, read some guests at a time, so that no dense copy is ever needed.

H, G         hosts, guests
rows (B, H)  scores of B guests with every host, -inf where they may not meet

A floor under every guest by flows alone: those below it count more, until they are above.

No guest can have more than the sum of its best allowed scores, so the least of these sums bounds
every floor. Guests that the best total leaves below it get their scores weighted up; each trial is
one flow. Where all reach the bound, the floor is exact, and the total is proven by Lagrangian
duality (Geoffrion 1974, doi:10.1007/BFb0120690): with weights w_g >= 0 and floor t

    total of any answer with that floor  <=  best total of scores s (1 + w_g)  -  t * sum of w_g

Where they do not, nothing is said, and the caller turns to linear programming.

    w (G,)       weights;  sums (G,) each guest's sum of scores
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Protocol, runtime_checkable

import numpy as np

from twinmatch.solving.blocks import Bools, Candidates, Floats, Ints

CELLS = 2**18  # of scores looked at together: some 2 MB, which stays in the processor's cache


@runtime_checkable
class ScoreBlocks(Protocol):
    """Scores that come some guests at a time; each call for the same guests gives the same."""

    @property
    def n_hosts(self) -> int:
        """H, the number of hosts."""

    @property
    def n_guests(self) -> int:
        """G, the number of guests."""

    def rows(self, start: int, stop: int) -> Floats:
        """(stop - start, H) scores of these guests with every host, -inf where they may not meet.

        The caller may write into what it gets.
        """


class ScoreTable:
    """A table of scores (H, G) with where a meeting may be, read as blocks."""

    def __init__(self, score: Floats, allowed: Bools | None) -> None:
        self.score, self.allowed = score, allowed
        self.n_hosts, self.n_guests = score.shape

    def rows(self, start: int, stop: int) -> Floats:
        """(stop - start, H) scores of these guests with every host."""
        rows: Floats = self.score[:, start:stop].T.copy()
        if self.allowed is not None:
            rows[~self.allowed[:, start:stop].T] = -np.inf
        return rows

    def candidates(self) -> Candidates:
        """All pairs that may meet, by host and guest."""
        H, G = self.score.shape
        if self.allowed is None:
            host, guest = np.repeat(np.arange(H), G), np.tile(np.arange(G), H)
            return Candidates(host, guest, self.score.ravel(), H, G)
        host, guest = np.nonzero(self.allowed)
        return Candidates(host, guest, self.score[host, guest], H, G)


def blocks_of(scores: ScoreBlocks) -> Iterator[tuple[int, Floats]]:
    """Each block with the number of its first guest, of about `CELLS` scores."""
    step = max(CELLS // max(scores.n_hosts, 1), 1)
    for start in range(0, scores.n_guests, step):
        yield start, scores.rows(start, min(start + step, scores.n_guests))


def candidates_of(scores: ScoreBlocks) -> Candidates:
    """All pairs that may meet, by host and guest; this holds every pair in memory."""
    if isinstance(scores, ScoreTable):
        return scores.candidates()
    found = []
    for start, rows in blocks_of(scores):
        guest, host = np.nonzero(rows > -np.inf)
        found.append((host, guest + start, rows[guest, host]))
    if not found:
        found.append((np.zeros(0, np.int64), np.zeros(0, np.int64), np.zeros(0)))
    host, guest, score = (np.concatenate(part) for part in zip(*found, strict=True))
    by = np.lexsort((guest, host))
    return Candidates(host[by], guest[by], score[by], scores.n_hosts, scores.n_guests)


WEIGHTS = (1.0, 4.0, 16.0, 64.0)
REACHED = 1e-9  # of the floor: what rounding may take from a sum


@dataclass(frozen=True, eq=False)
class Weighted:
    """Scores (H, G) by block, those of guest g times (1 + weight[g]) / 2**power."""

    scores: ScoreBlocks
    weight: Floats
    power: int = 0

    @property
    def n_hosts(self) -> int:
        """H, the number of hosts."""
        return self.scores.n_hosts

    @property
    def n_guests(self) -> int:
        """G, the number of guests."""
        return self.scores.n_guests

    def rows(self, start: int, stop: int) -> Floats:
        """(stop - start, H) scores of these guests with every host."""
        rows = self.scores.rows(start, stop)
        rows *= 1.0 + self.weight[start:stop, None]
        return np.ldexp(rows, -self.power, out=rows) if self.power else rows


@dataclass(frozen=True, eq=False)
class Lifted:
    """An answer whose worst-off guest has as much as any answer can give: pairs, and a bound."""

    pairs: Ints
    floor: float
    bound: float


def highest_floor(scores: ScoreBlocks, demand: Ints) -> float:
    """The least, over guests that ask for meetings, of the sum of their best allowed scores."""
    lowest = np.inf
    for first, rows in blocks_of(scores):
        wish = demand[first : first + len(rows)]
        most = int(wish.max(initial=0))
        if not most:
            continue
        best = -np.partition(-rows, most - 1, axis=1)[:, :most]
        best.sort(axis=1)
        sums = np.cumsum(best[:, ::-1], axis=1)
        asks = np.flatnonzero(wish)
        lowest = min(lowest, float(sums[asks, wish[asks] - 1].min()))
    return lowest


def lifted(
    scores: ScoreBlocks,
    demand: Ints,
    best: Lifted,
    sums_of: Callable[[Ints], Floats],
    best_total: Callable[[ScoreBlocks], Lifted],
) -> Lifted | None:
    """The best total raised to the highest floor, or None where weights do not get there.

    `best` is the answer of best total, which must give every guest all it asks for; `sums_of` the
    sums (G,) of some pairs; `best_total` solves for other scores.
    """
    floor = highest_floor(scores, demand)
    asks = demand > 0
    enough = floor - REACHED * max(1.0, abs(floor))
    weight = np.zeros(len(demand))
    pairs, bound = best.pairs, best.bound
    for more in WEIGHTS:
        below = asks & (sums_of(pairs) < enough)
        if not below.any():
            return Lifted(pairs, floor, bound)
        weight[below] = more
        found = best_total(Weighted(scores, weight))
        pairs = found.pairs
        bound = min(bound, found.bound - floor * float(weight.sum()))
    below = asks & (sums_of(pairs) < enough)
    return None if below.any() else Lifted(pairs, floor, bound)
