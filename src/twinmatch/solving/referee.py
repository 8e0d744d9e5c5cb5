"""The referee: does an answer keep the rules, row by row.

Written apart from every engine: it reads the blocks and the chosen meetings and nothing else, so it
judges any answer, also one made by hand.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from twinmatch.errors import DataError, Problem
from twinmatch.solving.blocks import Block, Candidates

SLACK = 1e-6  # coefficients are measured quantities; counts are whole


@dataclass(frozen=True)
class Verdict:
    """What the referee found for one row of one rule: `found` against `low` and `high`."""

    rule: str
    block: int
    row: int
    found: float
    low: float
    high: float

    @property
    def kept(self) -> bool:
        """Whether the row is kept."""
        slack = SLACK * max(1.0, abs(self.found))
        return bool(self.low - slack <= self.found <= self.high + slack)

    def __str__(self) -> str:
        state = "kept" if self.kept else "BROKEN"
        return f"{self.rule} {self.row}: {self.found:g} in [{self.low:g}, {self.high:g}]: {state}"


def referee(
    candidates: Candidates, chosen: npt.ArrayLike, blocks: Sequence[Block]
) -> list[Verdict]:
    """One verdict for each row of each block, in order.

    `chosen` (m,) is true where the meeting is held. Raises `DataError` where it has another length
    or a block speaks of other candidates.
    """
    held = np.asarray(chosen)
    problems = list(_problems(held, len(candidates), blocks))
    if problems:
        raise DataError(problems)
    verdicts = []
    for b, block in enumerate(blocks):
        found = block.matrix @ held.astype(np.float64)
        verdicts += [
            Verdict(block.name, b, i, float(found[i]), float(block.low[i]), float(block.high[i]))
            for i in range(len(block))
        ]
    return verdicts


def broken(candidates: Candidates, chosen: npt.ArrayLike, blocks: Sequence[Block]) -> list[Verdict]:
    """Only the verdicts on rows that are broken."""
    return [v for v in referee(candidates, chosen, blocks) if not v.kept]


def _problems(held: npt.NDArray[np.generic], m: int, blocks: Iterable[Block]) -> Iterable[Problem]:
    if held.shape != (m,):
        yield Problem("shape", f"an answer of shape {held.shape} for {m} candidates")
    elif not np.isin(held, (0, 1)).all():
        yield Problem("answer", "a meeting is either held or not: only 0 and 1 are understood")
    for block in blocks:
        if block.matrix.shape[1] != m:
            yield Problem("shape", f"{block.name} has {block.matrix.shape[1]} columns, not {m}")
