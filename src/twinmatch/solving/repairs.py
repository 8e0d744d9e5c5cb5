"""What would help: a menu of single changes and the cheapest joint one, each solved again.

Every binding row may give way by some units at its price; HiGHS finds the cheapest slack that makes
the rules fit (elastic programming, Brown and Graves 1975; Chinneck 2008, "Feasibility and
Infeasibility in Optimization", doi:10.1007/978-0-387-74932-7). Rows of the first repair are then
held fast in turn, which gives the next cheapest, and so on: a menu, smallest first.

    slack (r,)   by how much a row gives way, whole numbers
    price (r,)   of one unit; infinite for rows that may not give way
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt
import scipy.sparse as sp

from twinmatch.solving.blocks import Block, Candidates, Floats, check
from twinmatch.solving.highs import Clock, Model, maximise
from twinmatch.solving.laminar import Rows, bound
from twinmatch.solving.referee import broken
from twinmatch.solving.solution import INFEASIBLE, RowRef
from twinmatch.solving.solver import solve


@dataclass(frozen=True)
class Change:
    """One row that gives way: its minimum comes down, or its maximum goes up, by `by` to `to`."""

    at: RowRef
    bound: str  # "low" or "high"
    by: float
    to: float


@dataclass(frozen=True)
class Repair:
    """Changes that together make the rules fit, with their price; solved again before it is told."""

    changes: tuple[Change, ...]
    price: float


def repairs(
    candidates: Candidates,
    blocks: Sequence[Block],
    *,
    prices: Mapping[str, float | npt.ArrayLike] | None = None,
    wanted: npt.ArrayLike | None = None,
    at_most: int = 5,
    seconds: float = 10.0,
) -> tuple[Repair, ...]:
    """Repairs of rules that cannot be kept, cheapest first; () where they can, or none is found.

    prices: by rule name, what one unit of a row costs (one number, or one a row; infinite where it
    may not give way); 1 where nothing is said. wanted (G,): meetings each guest is to get, as a
    rule that may not give way, for a menu against a shortage.
    """
    check(candidates, blocks)
    asked = [*blocks, *_wishes(candidates, wanted)]
    rows = bound(asked, len(candidates))
    price = _prices(rows, asked, len(blocks), prices or {})
    clock, menu = Clock(seconds), list[Repair]()
    while len(menu) < at_most and not clock.over():
        found = _cheapest(rows, asked, price, clock)
        if found is None or not found.changes:
            break
        if not _holds(candidates, asked, found):
            break
        menu.append(found)
        price = _without(rows, price, found)
    return tuple(sorted(menu, key=lambda repair: (repair.price, len(repair.changes))))


def applied(blocks: Sequence[Block], repair: Repair) -> list[Block]:
    """The blocks with the changes of a repair made."""
    changed = list(blocks)
    for change in repair.changes:
        block = changed[change.at.block]
        low, high = block.low.copy(), block.high.copy()
        (low if change.bound == "low" else high)[change.at.row] = change.to
        changed[change.at.block] = replace(block, low=low, high=high)
    return changed


def _wishes(candidates: Candidates, wanted: npt.ArrayLike | None) -> list[Block]:
    if wanted is None:
        return []
    wishes = np.asarray(wanted, dtype=np.float64)
    matrix = sp.csr_array(
        (np.ones(len(candidates)), (candidates.guest, np.arange(len(candidates)))),
        shape=(candidates.n_guests, len(candidates)),
    )
    return [Block("wanted", matrix, wishes, np.full(len(wishes), np.inf), lambda g: f"guest {g}")]


def _prices(
    rows: Rows,
    blocks: Sequence[Block],
    n_given: int,
    prices: Mapping[str, float | npt.ArrayLike],
) -> Floats:
    """(r,) the price of a unit of each row; wishes may not give way."""
    price = np.full(len(rows), np.inf)
    for b, block in enumerate(blocks[:n_given]):
        of_block = np.broadcast_to(
            np.asarray(prices.get(block.name, 1.0), dtype=np.float64), len(block)
        )
        mine = rows.block == b
        price[mine] = of_block[rows.row[mine]]
    return price


def _cheapest(rows: Rows, blocks: Sequence[Block], price: Floats, clock: Clock) -> Repair | None:
    """The cheapest slack, in whole units, under which the rules fit; None where none is found."""
    may = np.flatnonzero(np.isfinite(price))
    r, m = rows.matrix.shape
    up = sp.csc_array((np.ones(len(may)), (may, np.arange(len(may)))), shape=(r, len(may)))
    matrix = sp.csc_array(sp.hstack([rows.matrix, up, -up], format="csc"))
    n = matrix.shape[1]
    # A low can come down to nothing, a high can go up; open sides need no slack.
    most_up = np.where(np.isfinite(rows.low[may]), np.inf, 0.0)
    most_down = np.where(np.isfinite(rows.high[may]), np.inf, 0.0)
    model = Model(
        matrix,
        rows.low,
        rows.high,
        np.zeros(n),
        np.concatenate([np.ones(m), most_up, most_down]),
        np.ones(n, dtype=np.bool_),
    )
    gain = np.concatenate([np.zeros(m), -price[may], -price[may]])
    outcome = maximise(model, gain, whole=True, seconds=clock.left())
    if outcome.x is None:
        return None
    slack = np.rint(outcome.x[m:]).reshape(2, len(may))
    changes = [
        Change(_ref(rows, blocks, i), bound, float(by), float(old + sign * by))
        for bound, sign, given, values in (
            ("low", -1.0, rows.low, slack[0]),
            ("high", 1.0, rows.high, slack[1]),
        )
        for i, by, old in zip(may.tolist(), values.tolist(), given[may].tolist(), strict=True)
        if by > 0
    ]
    paid = float((price[may] * slack.sum(axis=0)).sum())
    return Repair(tuple(sorted(changes, key=lambda c: (c.at.block, c.at.row))), paid)


def _ref(rows: Rows, blocks: Sequence[Block], i: int) -> RowRef:
    block = int(rows.block[i])
    return RowRef(blocks[block].name, block, int(rows.row[i]))


def _holds(candidates: Candidates, blocks: Sequence[Block], repair: Repair) -> bool:
    """Whether the rules can truly be kept after the repair, by a solve and the referee."""
    changed = applied(blocks, repair)
    solution = solve(candidates, changed, objectives=("filled",))
    if solution.status == INFEASIBLE:
        return False
    return not broken(candidates, solution.chosen, changed)


def _without(rows: Rows, price: Floats, repair: Repair) -> Floats:
    """The prices with the rows of a repair held fast, so that the next is another one."""
    rest = price.copy()
    for change in repair.changes:
        rest[(rows.block == change.at.block) & (rows.row == change.at.row)] = np.inf
    return rest
