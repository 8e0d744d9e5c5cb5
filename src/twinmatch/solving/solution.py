"""What a solve gives back: an answer, how good it is proven to be, and advice where there is none."""

from __future__ import annotations

from dataclasses import dataclass

from twinmatch.solving.blocks import Bools, Floats, Ints

OPTIMAL, FEASIBLE, INFEASIBLE = "optimal", "feasible", "infeasible"
FLOW, PRICED, LP, MIP = "min-cost flow", "flow + pricing", "HiGHS LP", "HiGHS MIP"


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

    chosen (m,) true where the meeting is held; score, their total; bound, which no answer passes
    that is as good in the objectives before the total; gap, (bound - score) / |bound|.
    status: "optimal" (proven up to the stated rounding), "feasible" (gap told), "infeasible".
    engine: which one answered. filled: number of meetings. duals: one (r,) array a block, what one
    more unit of a row's maximum (positive) or one less of its minimum (negative) is worth in score.
    levels: each objective in order. relaxations: always empty, as no rule is relaxed unasked.
    advice: why there is no answer. score, bound and gap are nan where there is none.
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
    relaxations: tuple[()] = ()
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

    `unit` is the size of one meeting's share, so that a value near nought has no gap of rounding.
    """
    return max(bound - value, 0.0) / max(abs(bound), unit, 1e-9) if bound != value else 0.0
