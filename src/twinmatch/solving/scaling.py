"""Scores as integers, and several objectives packed in one integer.

The flow engine counts in integers. A score s becomes q = round(s * scale). Where all scores lie on
a decimal grid or on quarters, the scale is that grid and nothing is lost. Otherwise the largest
|q| is about 2**30, so a meeting is off by at most max|s| * 2**-31 and an answer of n meetings by
at most n times as much: for 1,000 meetings of scores in [-1, 1], 5e-7 in all. The bound reported
with an answer is computed from the true scores, so it holds whatever the rounding did.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from twinmatch.solving.blocks import Floats, Ints

GRIDS = (1.0, 4.0, 100.0, 1e4, 1e6)
FINEST = 2.0**30


@dataclass(frozen=True, eq=False)
class Scaled:
    """Scores times `scale`, rounded; `step` is the most by which one score can be off."""

    value: Ints
    scale: float
    step: float


def scaled(score: Floats) -> Scaled:
    """The scores as integers, exactly where they lie on a grid (see the module's head)."""
    largest = float(max(score.max(initial=0.0), -score.min(initial=0.0)))
    if largest == 0.0:
        return Scaled(np.zeros(len(score), dtype=np.int64), 1.0, 0.0)
    for grid in GRIDS:
        if largest * grid <= FINEST and _lies_on(score[:64], grid) and _lies_on(score, grid):
            return Scaled(np.rint(score * grid).astype(np.int64), grid, 0.0)
    scale = FINEST / largest
    return Scaled(np.rint(score * scale).astype(np.int64), scale, 0.5 / scale)


def _lies_on(score: Floats, grid: float) -> bool:
    return bool(np.array_equal(np.rint(score * grid) / grid, score))


def packed(levels: Sequence[Ints], *, units: int, fixed: bool, largest: int) -> list[Ints]:
    """Consecutive levels joined in one integer each, as far as they fit below `largest`.

    Two levels a, b of cost join as a * W + b with W beyond any difference that b can make over an
    answer of `units` meetings, which keeps the order of the levels exact. With `fixed` every
    answer has as many meetings, so a level may be shifted to begin at nought, which makes W small.
    """
    joined: list[Ints] = []
    for level in reversed(levels):
        if fixed and len(level):
            level = level - level.min()
        if joined:
            tail = joined[-1]
            weight = units * int(tail.max(initial=0) - min(tail.min(initial=0), 0)) + 1
            if int(np.abs(level).max(initial=0)) * weight + weight <= largest:
                joined[-1] = level * weight + tail
                continue
        joined.append(level)
    return joined[::-1]
