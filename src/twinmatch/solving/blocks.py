"""Meetings that may be, and rules over them as blocks of rows.

Notation, used in all of `solving`:

    m            candidate meetings, c = 0 .. m-1; a forbidden meeting is simply not among them
    H, G         hosts h = 0 .. H-1, guests g = 0 .. G-1
    s (m,)       score of each candidate, higher is better
    x (m,)       1 where the meeting is chosen, else 0
    A (r, m)     matrix of a block; its rule reads  low <= A @ x <= high,  low and high (r,)
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt
import scipy.sparse as sp

from twinmatch.errors import DataError, Problem, Where

Floats = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int64]
Bools = npt.NDArray[np.bool_]
Sentence = Callable[[int], str]


@dataclass(frozen=True, eq=False)
class Candidates:
    """The meetings that may be chosen: host, guest and score of each, all (m,)."""

    host: Ints
    guest: Ints
    score: Floats
    n_hosts: int
    n_guests: int

    def __post_init__(self) -> None:
        object.__setattr__(self, "host", np.asarray(self.host, dtype=np.int64))
        object.__setattr__(self, "guest", np.asarray(self.guest, dtype=np.int64))
        object.__setattr__(self, "score", np.asarray(self.score, dtype=np.float64))

    def __len__(self) -> int:
        return len(self.host)

    def __repr__(self) -> str:
        return (
            f"Candidates({len(self)} meetings of {self.n_hosts} hosts and {self.n_guests} guests)"
        )

    def take(self, which: npt.NDArray[np.generic]) -> Candidates:
        """The candidates at these positions (or under this mask), in that order."""
        return Candidates(
            self.host[which], self.guest[which], self.score[which], self.n_hosts, self.n_guests
        )


@dataclass(frozen=True, eq=False)
class Switch:
    """What the rows of a block mean that bind only where a meeting is chosen.

    Row i says: where candidate trigger[i] is chosen (-1: it is no candidate), what group[i] counts
    is at least least[group[i]]. trigger and group (r,), counted (k, m) with 0 and 1, least (k,).
    """

    counted: sp.csr_array
    least: Floats
    group: Ints
    trigger: Ints


@dataclass(frozen=True, eq=False)
class Givers:
    """Whose limits the highest numbers of rows add up: high is of (r, F) @ most (F,). They give way, not the rows."""

    of: sp.csr_array
    most: Floats

    def up_to(self, giver: int, most: float) -> Givers:
        """The same with another limit of one of them."""
        limits = self.most.copy()
        limits[giver] = most
        return Givers(self.of, limits)


@dataclass(frozen=True, eq=False)
class Block:
    """One rule: rows over the candidates, `low <= matrix @ x <= high`, each with its sentence.

    `matrix` (r, m) mostly holds 0 and 1 (a count of meetings); other coefficients are allowed.
    `low` and `high` are (r,), infinite where a side is open. `says(i)` words row i and is called
    only for rows that are printed. `switch` is given where the rows come from `once_chosen`.
    `price` is what each unit costs by which a row is missed, in score; None: every row must hold. Rows of one number in
    `shared` (r,) are missed together, by the most that one of them is.
    """

    name: str
    matrix: sp.csr_array
    low: Floats
    high: Floats
    says: Sentence
    switch: Switch | None = None
    price: float | None = None
    shared: Ints | None = None
    givers: Givers | None = None

    def __post_init__(self) -> None:
        object.__setattr__(self, "low", np.asarray(self.low, dtype=np.float64))
        object.__setattr__(self, "high", np.asarray(self.high, dtype=np.float64))

    def __len__(self) -> int:
        return len(self.low)

    def __repr__(self) -> str:
        return f"Block({self.name!r}, {len(self)} rows over {self.matrix.shape[1]} meetings)"

    @property
    def hard(self) -> Block:
        """The rule as it must hold: nothing of it where it has a price."""
        if self.price is None:
            return self
        open_ = np.full(len(self), np.inf)
        return replace(self, low=-open_, high=open_, switch=None, price=None)

    def missed(self, chosen: npt.NDArray[np.generic]) -> Floats:
        """How far an answer (m,) misses each row, or each set of rows that are missed together."""
        found = self.matrix @ chosen.astype(np.float64)
        missed: Floats = np.maximum(np.maximum(self.low - found, found - self.high), 0.0)
        if self.shared is None:
            return missed
        each = np.zeros(int(self.shared.max(initial=-1)) + 1)
        np.maximum.at(each, self.shared, missed)
        return each

    def take(self, which: npt.NDArray[np.generic]) -> Block:
        """The same rule over these candidates only."""
        m = self.matrix.shape[1]
        columns = np.arange(m)[which]
        switch = self.switch
        if switch is not None:
            place = np.full(m + 1, -1, dtype=np.int64)
            place[columns] = np.arange(len(columns))
            counted = sp.csr_array(switch.counted[:, columns])
            switch = replace(switch, counted=counted, trigger=place[switch.trigger])
        return replace(self, matrix=sp.csr_array(self.matrix[:, columns]), switch=switch)


def counts(
    name: str,
    label: npt.ArrayLike,
    *,
    low: npt.ArrayLike = -np.inf,
    high: npt.ArrayLike = np.inf,
    rows: int | None = None,
    says: Sentence | None = None,
) -> Block:
    """A block that counts the chosen meetings by label.

    `label` (m,) is the row each candidate counts in, -1 for none; `low` and `high` are one number
    or (rows,). Without `rows` there are as many as the largest label asks for.
    """
    labels = np.asarray(label, dtype=np.int64)
    n_rows = int(labels.max(initial=-1)) + 1 if rows is None else rows
    inside = np.flatnonzero(labels >= 0)
    matrix = sp.csr_array(
        (np.ones(len(inside)), (labels[inside], inside)), shape=(n_rows, len(labels))
    )
    lows = np.broadcast_to(np.asarray(low, dtype=np.float64), n_rows).copy()
    highs = np.broadcast_to(np.asarray(high, dtype=np.float64), n_rows).copy()
    return Block(name, matrix, lows, highs, says or (lambda i: f"{name} {i}"))


def once_chosen(
    name: str, group: npt.ArrayLike, counted: npt.ArrayLike, least: npt.ArrayLike, says: Sentence
) -> Block:
    """A block that asks for a number of meetings wherever one of a group is chosen, one row a candidate.

    `group` (m,) from 0; `counted` (m,) is true for the meetings that count; `least` is one number or
    (groups,); `says(k)` words group k.
    """
    of, counts_in = np.asarray(group, dtype=np.int64), np.asarray(counted, dtype=np.bool_)
    k, m = int(of.max(initial=-1)) + 1, len(of)
    inside = np.flatnonzero(counts_in)
    lines = sp.csr_array((np.ones(len(inside)), (of[inside], inside)), shape=(k, m))
    fewest = np.broadcast_to(np.asarray(least, dtype=np.float64), k).copy()
    return switched(name, Switch(lines, fewest, of, np.arange(m)), says)


def switched(name: str, switch: Switch, says: Sentence) -> Block:
    """The block of a switch: what the group counts, less its least where the row's candidate is chosen."""
    r, m = len(switch.group), switch.counted.shape[1]
    live = np.flatnonzero(switch.trigger >= 0)
    asks = sp.csr_array(
        (switch.least[switch.group[live]], (live, switch.trigger[live])), shape=(r, m)
    )
    matrix = sp.csr_array(switch.counted[switch.group, :] - asks)
    group = switch.group
    low, high = np.zeros(r), np.full(r, np.inf)
    says_row: Sentence = lambda i: says(int(group[i]))  # noqa: E731
    return Block(name, matrix, low, high, says_row, switch, shared=group)


def check(candidates: Candidates, blocks: Sequence[Block]) -> None:
    """Raise `DataError` with every problem of the candidates and blocks, or return."""
    problems = [*_candidate_problems(candidates)]
    for block in blocks:
        problems += _block_problems(block, len(candidates))
    if problems:
        raise DataError(problems)


def _candidate_problems(c: Candidates) -> Iterable[Problem]:
    if not len(c.host) == len(c.guest) == len(c.score):
        lengths = f"{len(c.host)} hosts, {len(c.guest)} guests, {len(c.score)} scores"
        yield Problem("shape", f"candidates of unequal length: {lengths}")
        return
    for name, index, size in (("host", c.host, c.n_hosts), ("guest", c.guest, c.n_guests)):
        wrong = np.flatnonzero((index < 0) | (index >= size))
        if len(wrong):
            found = f"{name} {index[wrong[0]]} is not among 0 to {size - 1}"
            yield Problem("index", f"{found} ({len(wrong)} such candidates)", Where(column=name))
    unknown = np.flatnonzero(~np.isfinite(c.score))
    if len(unknown):
        first = f"candidate {unknown[0]} has the score {c.score[unknown[0]]}"
        yield Problem(
            "score",
            f"{first} ({len(unknown)} such candidates)",
            do="Give a finite score, or leave the meeting out of the candidates.",
        )
    keys = c.host * max(c.n_guests, 1) + c.guest
    # Sorted keys (the usual case) show a double by a step of zero; no sort is needed then.
    steps = np.diff(keys)
    if np.any(steps <= 0) and len(np.unique(keys)) < len(keys):
        yield Problem("double", "the same host and guest stand twice among the candidates")


def _block_problems(block: Block, m: int) -> Iterable[Problem]:
    where = Where(column=block.name)
    rows, columns = block.matrix.shape
    if columns != m:
        yield Problem("shape", f"the block has {columns} columns for {m} candidates", where)
    if not rows == len(block.low) == len(block.high):
        sizes = f"{rows} rows, {len(block.low)} lows, {len(block.high)} highs"
        yield Problem("shape", f"the block's sizes differ: {sizes}", where)
        return
    if np.isnan(block.low).any() or np.isnan(block.high).any():
        yield Problem("bound", "a bound is not a number", where)
    if not np.isfinite(block.matrix.data).all():
        yield Problem("coefficient", "a coefficient is not finite", where)


def order(candidates: Candidates) -> Ints | None:
    """The positions that sort candidates by host, then guest; None where they are sorted already.

    Solving in this order makes every answer independent of the order in which candidates came.
    """
    keys = candidates.host * max(candidates.n_guests, 1) + candidates.guest
    if np.all(np.diff(keys) > 0):
        return None
    return np.argsort(keys, kind="stable").astype(np.int64)
