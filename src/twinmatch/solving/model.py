"""What is asked of `solve`, in the one order that engines see, and what is wrong with a question.

What a solve gives back: an answer, how good it is proven to be, and advice where there is none.

Scores as integers, with the error that it makes. The flow engine counts in integers. A score s becomes q = round(s *
scale). Where all scores lie on a decimal grid or on quarters, the scale is that grid and nothing is lost. Otherwise the
largest |q| is about 2**30, so a meeting is off by at most max|s| * 2**-31 and an answer of n meetings by at most n times
as much: for 1,000 meetings of scores in [-1, 1], 5e-7 in all. The bound reported with an answer is computed from the
true scores, so it holds whatever the rounding did.

A bound on every answer, from prices of the rules alone. For any prices y, one a row, weak duality of linear programming gives

    gain @ x  <=  sum_i max(y_i low_i, y_i high_i)  +  sum_c max over x_c of (gain - y @ A)_c x_c

for every x that keeps the rows `low <= A @ x <= high` and `least <= x <= most`. So the bound trusts
no engine: wrong prices give a weaker bound, never a wrong one. It is computed from the true scores,
not from scaled ones.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from functools import cached_property

import numpy as np
import numpy.typing as npt
import scipy.sparse as sp

from twinmatch.errors import Problem, QuestionError
from twinmatch.solving.blocks import Block, Bools, Candidates, Floats, Ints, check, order
from twinmatch.wording import say

OBJECTIVES = ("filled", "served", "worst-off", "leximin", "total", "fewest changes")
FAIR = ("worst-off", "leximin")


@dataclass(frozen=True, eq=False)
class AssignmentQuestion:
    """Candidates sorted by host and guest, blocks over them (the asker's first), and the aims."""

    candidates: Candidates
    blocks: tuple[Block, ...]
    objectives: tuple[str, ...]
    previous: Bools | None = None
    seconds: float | None = None

    @property
    def m(self) -> int:
        """The number of candidates."""
        return len(self.candidates)

    def take(self, which: Ints) -> AssignmentQuestion:
        """The question over these candidates only, without its rules."""
        previous = None if self.previous is None else self.previous[which]
        candidates = self.candidates.take(which)
        return replace(self, candidates=candidates, blocks=(), previous=previous)

    def gain(self, name: str) -> Floats:
        """(m,) what each candidate adds to an objective that is a sum over meetings."""
        if name == "total":
            return self.candidates.score
        if name == "filled":
            return np.ones(self.m)
        if self.previous is None:
            raise ValueError(f"{name} is no sum over meetings")
        return self.previous.astype(np.float64)

    def early(self, among: Ints) -> Ints:
        """The last objective of all, for these candidates: early guests with early hosts.

        A meeting gains (H - h) * (G - g), so of answers that are equal in all else the one is taken
        that gives the lowest guests the lowest hosts.
        """
        c = self.candidates
        return (c.n_hosts - c.host[among]) * (c.n_guests - c.guest[among])

    def cost(self, chosen: Bools) -> float:
        """What the rows cost that an answer (m,) misses and that have a price."""
        soft = (block for block in self.blocks if block.price is not None)
        return sum((float(b.price or 0) * float(b.missed(chosen).sum()) for b in soft), 0.0)

    def single(self) -> bool:
        """Whether the rules let every guest have at most one meeting."""
        return bool(np.all(self.most_each <= 1))

    @cached_property
    def most_each(self) -> Ints:
        """(G,) the most meetings each guest can have, by the rules that count all of its pairs."""
        guest, n_guests = self.candidates.guest, self.candidates.n_guests
        size = np.bincount(guest, minlength=n_guests)
        most = size.copy()
        by_guest = sp.csr_array(
            (np.ones(self.m), (np.arange(self.m), guest)), shape=(self.m, n_guests)
        )
        for block in self.blocks:
            if block.price is not None:
                continue
            if block.matrix.nnz and block.matrix.data.min() < 0:
                continue  # a row that can be paid back says nothing about one guest
            counted = (sp.csr_array(block.matrix >= 1).astype(np.int64) @ by_guest).tocoo()
            whole = counted.data == size[counted.col]
            rows, guests = counted.row[whole], counted.col[whole]
            limit = np.floor(np.clip(block.high[rows], 0, self.m)).astype(np.int64)
            np.minimum.at(most, guests, limit)
        return most


def asked(
    candidates: Candidates,
    blocks: Sequence[Block],
    objectives: Sequence[str],
    previous: npt.ArrayLike | None,
) -> tuple[AssignmentQuestion, Ints | None]:
    """The question, and the order that sorts its candidates (None where they were sorted)."""
    check(candidates, blocks)
    held = None if previous is None else np.asarray(previous)
    problems = list(_problems(len(candidates), objectives, held))
    if problems:
        raise QuestionError(problems)
    before = None if held is None else held.astype(np.bool_)
    by = order(candidates)
    if by is not None:
        candidates, blocks = candidates.take(by), [block.take(by) for block in blocks]
        before = None if before is None else before[by]
    aims = tuple(objectives)
    return AssignmentQuestion(candidates, tuple(blocks), aims, before), by


def _problems(
    m: int,
    objectives: Sequence[str],
    previous: npt.NDArray[np.generic] | None,
) -> Iterator[Problem]:
    known = ", ".join(OBJECTIVES)
    for name in objectives:
        if name not in OBJECTIVES:
            yield Problem("objective", f"{name!r} is no objective", do=f"Known: {known}.")
    if len(set(objectives)) < len(objectives) or not objectives:
        yield Problem("objective", "each objective once, and at least one")
    for name in FAIR:
        if name in objectives and "filled" not in objectives[: objectives.index(name)]:
            found = f"{name!r} stands before 'filled'"
            yield Problem("objective", found, do="Put 'filled' first.")
    if "fewest changes" in objectives and previous is None:
        yield Problem("previous", "changes are counted from `previous`, which is missing")
    if previous is not None and previous.shape != (m,):
        yield Problem("previous", f"previous has shape {previous.shape}, not ({m},)")


OPTIMAL, FEASIBLE, INFEASIBLE = "optimal", "feasible", "infeasible"
FLOW, PRICED, LP, MIP = say("min-cost flow"), say("flow + pricing"), "HiGHS LP", "HiGHS MIP"


@dataclass(frozen=True)
class Level:
    """One objective: the value reached, and the best that any answer could reach.

    The bound holds for answers that are as good in the objectives before; it is nan where none was
    computed. Counts are of meetings, other values are in the unit of the scores.
    """

    name: str
    value: float
    bound: float


@dataclass(frozen=True)
class RowRef:
    """One row of one block: `rule` is the block's name, `block` and `row` its place."""

    rule: str
    block: int
    row: int


@dataclass(frozen=True)
class Undercut:
    """A row that no choice can keep: it asks for `low` to `high`, but only 0 to `most` can be."""

    at: RowRef
    low: float
    high: float
    least: float
    most: float


@dataclass(frozen=True, eq=False)
class Shortage:
    """Needs that exceed the places: `needs` together ask for `needed`, `limits` leave `places`.

    `guests` and `hosts` are those that compete. `pairs` counts the places that are single
    candidates (each can be held once) rather than limits of a rule.
    """

    needs: tuple[RowRef, ...]
    needed: int
    limits: tuple[RowRef, ...]
    places: int
    pairs: int
    guests: Ints
    hosts: Ints

    @property
    def short(self) -> int:
        """How many places are missing."""
        return self.needed - self.places


Advice = Undercut | Shortage


@dataclass(frozen=True, eq=False)
class Solution:
    """An answer of `solve`.

    chosen (m,) true where the meeting is held; score, their total less what missed rows cost; bound, which no answer passes
    that is as good in the objectives before the total; gap, (bound - score) / |bound|.
    status: "optimal" (proven up to the stated rounding), "feasible" (gap told), "infeasible".
    engine: which one answered. filled: number of meetings. duals: one (r,) array a block, what one
    more unit of a row's maximum (positive) or one less of its minimum (negative) is worth in score.
    levels: each objective in order. advice: why there is no answer. score, bound and gap are nan where there is none.
    considered: how many candidates the flow ever held, and in how many rounds of pricing (0: it held all).
    """

    chosen: Bools
    score: float
    bound: float
    gap: float
    status: str
    engine: str
    filled: int
    duals: tuple[Floats, ...]
    levels: tuple[Level, ...]
    advice: tuple[Advice, ...] = ()
    considered: int = 0
    rounds: int = 0

    def __repr__(self) -> str:
        return (
            f"Solution({self.status}, {self.filled} meetings, score {self.score:.6g}, "
            f"bound {self.bound:.6g}, {self.engine})"
        )


def gap_between(value: float, bound: float, unit: float = 0.0) -> float:
    """The gap between a value and its bound, relative to the bound, or to `unit` if that is more.

    `unit` is the size of one meeting's share, so that a value near zero has no gap of rounding.
    """
    return max(bound - value, 0.0) / max(abs(bound), unit, 1e-9) if bound != value else 0.0


GRIDS = (1.0, 4.0, 100.0, 1e4, 1e6)
FINEST = 2.0**30


USUAL = (2.0**-10, 2.0**20)  # largest scores that are taken as they are
HUGE = 1e300  # beyond which a sum of scores may overflow


def numbers(given: npt.ArrayLike) -> tuple[Floats, tuple[int, ...] | None]:
    """The table as floats and None; or, where a cell is no real number, the place of the first such.

    Raises ValueError where rows differ in length.
    """
    table = np.asarray(given)
    if table.dtype.kind in "biuf":
        return np.asarray(table, dtype=np.float64), None
    cells = np.asarray(given, dtype=object)
    values = np.zeros(cells.shape)
    for at in np.ndindex(cells.shape):
        if not isinstance(cells[at], int | float | np.integer | np.floating):
            return values, at
        try:
            values[at] = cells[at]
        except OverflowError:
            return values, at
    return values, None


def is_time(seconds: object) -> bool:
    """Whether this is a number of seconds above 0."""
    number = isinstance(seconds, int | float | np.number) and not isinstance(seconds, bool)
    return number and bool(0 < seconds < np.inf)  # type: ignore[operator]


def exponent(score: Floats | float) -> int:
    """The power of two by which these scores are divided before they are solved: 0 for usual ones."""
    largest = float(np.max(np.abs(score), initial=0.0))
    if largest == 0.0 or USUAL[0] <= largest <= USUAL[1]:
        return 0
    return int(np.frexp(largest)[1])


@dataclass(frozen=True)
class Scale:
    """What scores are multiplied by before rounding; `step` is the most one can then be off."""

    factor: float
    step: float


class DecimalGrid:
    """The scale that fits all scores seen, which may come in parts."""

    def __init__(self) -> None:
        self.largest = 0.0
        self.grids: tuple[float, ...] = GRIDS

    def see(self, score: Floats) -> None:
        """Look at more scores; -inf (no meeting) is passed over."""
        highest, lowest = float(score.max(initial=0.0)), float(score.min(initial=0.0))
        if np.isneginf(lowest):
            score = np.where(score == -np.inf, 0.0, score)
            lowest = float(score.min(initial=0.0))
        self.largest = max(self.largest, highest, -lowest)
        few = score.ravel()[:64]  # nearly always enough to tell that a grid does not fit
        self.grids = tuple(g for g in self.grids if _lies_on(few, g) and _lies_on(score, g))

    def scale(self) -> Scale:
        """The coarsest grid that holds all scores, or the finest scale that the integers hold."""
        if self.largest == 0.0:
            return Scale(1.0, 0.0)
        for grid in self.grids:
            if self.largest * grid <= FINEST:
                return Scale(grid, 0.0)
        factor = FINEST / self.largest
        return Scale(factor, 0.5 / factor)


def scaled(score: Floats) -> tuple[Ints, Scale]:
    """The scores as integers, exactly where they lie on a grid (see the module's head)."""
    grid = DecimalGrid()
    grid.see(score)
    scale = grid.scale()
    value = score * scale.factor
    return np.rint(value, out=value).astype(np.int64), scale


def _lies_on(score: Floats, grid: float) -> bool:
    on_grid = score * grid
    np.rint(on_grid, out=on_grid)
    on_grid /= grid
    return bool((on_grid == score).all())


def upper_bound(
    gain: Floats,
    matrix: sp.csr_array | sp.csc_array,
    low: Floats,
    high: Floats,
    price: Floats,
    least: Floats,
    most: Floats,
) -> float:
    """The bound that these prices (r,) put on the gain of any answer.

    A price that leans on an open side of its row says nothing and is left out.
    """
    leans = ((price > 0) & np.isinf(high)) | ((price < 0) & np.isinf(low))
    price = np.where(leans, 0.0, price)
    used = np.flatnonzero(price)
    rows = float(price[used] @ np.where(price > 0, high, low)[used])
    rest = gain - matrix.T @ price
    return rows + float(_best(rest, least, most).sum())


def _best(rest: Floats, least: Floats, most: Floats) -> Floats:
    """The most that each column can bring; columns of no worth bring nothing, even unbounded."""
    towards = np.where(rest > 0, most, least)
    return np.where(rest == 0, 0.0, rest * np.where(rest == 0, 0.0, towards))


def tolerance(score: Floats, n_chosen: int, step: float) -> float:
    """How far a proven total may lie under the bound by rounding alone, in units of score."""
    largest = float(np.abs(score).max(initial=1.0))
    return max(n_chosen, 1) * (1e-9 * largest + 2.0 * step)
