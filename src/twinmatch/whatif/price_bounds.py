"""What each rule of a product costs at most, read from the one solve that made it: nothing is solved again.

Notation: m candidates; prices of rows, one (r,) array a rule, are what one more of a maximum is worth in score (less,
where negative, of a minimum).
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Final

import numpy as np
from numpy.typing import NDArray

from twinmatch.programmes.round import SolvedProduct
from twinmatch.programmes.rules import Rule
from twinmatch.proposal import RulePrice
from twinmatch.solving import Block, Candidates
from twinmatch.solving.model import AssignmentQuestion

Bools = NDArray[np.bool_]


def price_bounds(solved: SolvedProduct) -> dict[str, RulePrice]:
    """Return what each rule of a product costs at most, by name: from the prices of the one solve, without another.

    Where nothing but a rule stands in the way of more meetings, their number is bounded by every other rule. Else any
    answer without the rule is worth no more than what the prices of all other rules leave of its meetings (Geoffrion
    1974, doi:10.1007/BFb0120690), as many as there are now, and no guest with more than it may have.
    """
    ready, solution = solved.ready, solved.solution
    rules: Sequence[Rule] = ready.rules
    lines = [rule for rule in rules if not rule.filters]
    if [len(rule.block) for rule in lines] != [len(dual) for dual in solution.duals]:
        return {}
    duals = dict(zip(map(id, lines), map(_priced_rows, lines, solution.duals), strict=True))
    left = ready.candidates.score - sum(duals[id(r)][0] for r in lines)
    worth = math.fsum(duals[id(r)][1] for r in lines)
    filters = sum(rule.forbidden.astype(np.int64) for rule in rules)
    each = [rule.block for rule in lines if rule.kind in FIXED]
    best = _BestMeetings(ready.candidates, each, solution.filled)
    found = {}
    for rule in rules:
        if rule.kind in FIXED:
            continue
        open_ = filters == rule.forbidden
        others = [r for r in lines if r is not rule]
        if more := _fillable(others, np.asarray(open_), solution.filled) - solution.filled:
            found[rule.name] = RulePrice(more, None)
            continue
        lost, mine = (0.0, 0.0) if rule.filters else duals[id(rule)]
        gain = worth - mine + best.total(left + lost, np.asarray(open_)) - solution.score
        found[rule.name] = RulePrice(0, max(gain, 0.0))
    return found


FIXED: Final = ("structure", "demand")
"""Kinds of rules that say what a meeting is; without them there is no answer to compare."""


def _priced_rows(rule: Rule, dual: NDArray[np.float64]) -> tuple[NDArray[np.float64], float]:
    """Return what the prices of a rule's rows take of each meeting, (m,), and what its limits are worth."""
    block, price = rule.block, np.asarray(dual)
    if block.price is not None:  # no more is paid than a unit costs, over all rows missed together
        together = np.arange(len(block)) if block.shared is None else block.shared
        paid = np.bincount(together, np.abs(price), minlength=len(block))[together]
        price = price * np.minimum(1.0, block.price / np.maximum(paid, 1e-300))
    limit = np.where(price > 0, block.high, block.low)
    price = np.where(np.isfinite(limit), price, 0.0)
    return block.matrix.T @ price, float(price @ np.where(price, limit, 0.0))


def _fillable(rules: Sequence[Rule], open_: Bools, filled: int) -> int:
    """Return how many of the open meetings (m,) can be had at most, by each rule that counts all of them; at least ``filled``."""
    most = int(open_.sum())
    for block in (rule.block for rule in rules if rule.block.price is None):
        counted = np.zeros(len(open_), dtype=bool)
        counted[block.matrix.indices] = True
        if (
            most > filled
            and block.matrix.data.min(initial=1.0) >= 1
            and not (open_ & ~counted).any()
        ):
            rows = np.minimum(np.floor(block.high), block.matrix @ open_.astype(np.float64))
            most = min(most, int(rows.sum()))
    return max(most, filled)


class _BestMeetings:
    """The best sum over so many meetings that leaves no guest with more than it may have."""

    def __init__(self, candidates: Candidates, each: Sequence[Block], filled: int) -> None:
        question = AssignmentQuestion(candidates, tuple(each), (), None, None, 0.0)
        self._most, self._filled = question.most_each, filled
        self._order = np.argsort(candidates.guest, kind="stable")
        self._guest = candidates.guest[self._order]

    def total(self, worth: NDArray[np.float64], open_: Bools) -> float:
        """Return the sum, given what each meeting is worth (m,) and which are open (m,)."""
        value = np.where(open_, worth, -np.inf)[self._order]
        if self._most.max(initial=0) > 1:
            by = np.lexsort((-value, self._guest))
            value = value[by]
        starts = np.flatnonzero(np.diff(self._guest, prepend=-1))
        if self._most.max(initial=0) > 1:
            sizes = np.diff(np.append(starts, len(value)))
            rank = np.arange(len(value)) - np.repeat(starts, sizes)
            best = value[rank < self._most[self._guest]]
        else:
            best = np.maximum.reduceat(value, starts) if len(starts) else value
        return float(np.sort(best)[len(best) - self._filled :].sum())
