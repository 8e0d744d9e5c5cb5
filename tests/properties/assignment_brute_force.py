"""All answers of a small question, tried one by one: slow, short and hard to get wrong."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import product

import numpy as np

from twinmatch.solving.blocks import Block, Candidates


def answers(candidates: Candidates, blocks: Sequence[Block]) -> Iterator[np.ndarray]:
    """Every choice of candidates that keeps every row."""
    for bits in product((False, True), repeat=len(candidates)):
        x = np.array(bits, dtype=bool)
        sums = [block.matrix @ x.astype(float) for block in blocks]
        if all(
            np.all(s >= b.low - 1e-9) and np.all(s <= b.high + 1e-9)
            for s, b in zip(sums, blocks, strict=True)
        ):
            yield x


def value(
    candidates: Candidates, x: np.ndarray, objective: str, previous: np.ndarray | None
) -> tuple[float, ...]:
    """How good an answer is in one objective; larger tuples are better."""
    if objective == "filled":
        return (float(x.sum()),)
    if objective == "total":
        return (round(float(candidates.score[x].sum()), 7),)
    if objective == "fewest changes":
        return (float((x & previous).sum()),)
    placed = np.unique(candidates.guest[x])
    if objective == "served":
        return (float(len(placed)),)
    sums = sorted(
        round(float(candidates.score[x & (candidates.guest == g)].sum()), 7) for g in placed
    )
    if objective == "leximin":
        return (float(len(placed)), *sums)
    return (float(len(placed)), sums[0] if sums else np.inf)


def best(
    candidates: Candidates,
    blocks: Sequence[Block],
    objectives: Sequence[str],
    previous: np.ndarray | None = None,
) -> tuple[tuple[float, ...], ...] | None:
    """The best values in the objectives, in order; None where no choice keeps the rows."""
    found = [
        tuple(value(candidates, x, name, previous) for name in objectives)
        for x in answers(candidates, blocks)
    ]
    return max(found) if found else None
