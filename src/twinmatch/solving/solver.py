"""`solve`: the best choice of meetings under rules given as blocks.

The shape of the rules picks the engine, and the answer names it: two nested families of counts are
a flow, solved exactly; anything else goes to HiGHS (see `highs_engine`).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np
import numpy.typing as npt

from twinmatch.solving.blocks import Block, Candidates, Ints
from twinmatch.solving.flow_engine import by_flow
from twinmatch.solving.highs_engine import by_highs
from twinmatch.solving.laminar import bound, families
from twinmatch.solving.model import (
    FAIR,
    FLOW,
    INFEASIBLE,
    LP,
    AssignmentQuestion,
    Level,
    Solution,
    asked,
)
from twinmatch.solving.scaling import exponent
from twinmatch.solving.shortage import shortage, undercuts


def solve(
    candidates: Candidates,
    blocks: Sequence[Block],
    *,
    objectives: Sequence[str] = ("filled", "total"),
    previous: npt.ArrayLike | None = None,
    max_changes: int | None = None,
    keep_all: bool = False,
    seconds: float | None = None,
    gap: float = 1e-4,
) -> Solution:
    """The choice of meetings that keeps every row and is best in the objectives, in their order.

    objectives, each locked before the next:
        "filled"          the number of meetings
        "served"          the number of guests with a meeting
        "worst-off"       the least sum of scores of a guest that has a meeting; "served" goes before
        "leximin"         the same, then the next least, and so on
        "total"           the sum of scores, less what the missed rows of blocks with a price cost
        "fewest changes"  the number of earlier meetings that stay
    and last of all early guests with early hosts, so that the answer does not depend on the order
    of the candidates.

    previous (m,) is true for meetings of an earlier answer; with `keep_all` all of them stay, with
    `max_changes` all but so many. seconds bounds the search where the rules are no network; `gap`
    is the relative gap at which a MIP may stop and still be called optimal.

    Where no choice keeps the rules the status is "infeasible" and `advice` says why. Raises
    `DataError` for candidates or blocks that cannot be used, `QuestionError` for a wrong question
    or where no answer was found in the seconds given.
    """
    question, by = asked(
        candidates, blocks, objectives, previous, max_changes, keep_all, seconds, gap
    )
    power = exponent(question.candidates.score)
    if power:
        score = np.ldexp(question.candidates.score, -power)
        blocks = tuple(
            block if block.price is None else replace(block, price=np.ldexp(block.price, -power))
            for block in question.blocks
        )
        candidates = replace(question.candidates, score=score)
        question = replace(question, candidates=candidates, blocks=blocks)
    found = answer(question)
    return _in_asked_order(_multiplied(found, power) if power else found, by, len(blocks))


def _multiplied(found: Solution, power: int) -> Solution:
    """The answer in the unit of the scores as they were given."""
    scored = ("worst-off", "leximin", "total")
    return replace(
        found,
        score=float(np.ldexp(found.score, power)),
        bound=float(np.ldexp(found.bound, power)),
        duals=tuple(np.ldexp(part, power) for part in found.duals),
        levels=tuple(
            Level(v.name, float(np.ldexp(v.value, power)), float(np.ldexp(v.bound, power)))
            if v.name in scored
            else v
            for v in found.levels
        ),
    )


def answer(question: AssignmentQuestion) -> Solution:
    """The answer to a checked question whose candidates are in order."""
    if not question.m:
        # With nobody to choose there is nothing to be fair about; only the rules have a say.
        question = replace(question, objectives=("filled", "total"))
    question = replace(question, objectives=_with_served(question))
    rows = bound(question.blocks, question.m)
    nested = families(rows) if _flow_can(question) else None
    if nested is not None:
        return by_flow(question, rows, nested) or _impossible(question, FLOW)
    return by_highs(question, rows) or _impossible(question, LP)


def _with_served(question: AssignmentQuestion) -> tuple[str, ...]:
    """The objectives, guests served before fairness; with one meeting a guest at most they are the meetings."""
    names = list(question.objectives)
    fair = [names.index(name) for name in FAIR if name in names]
    if not fair and "served" not in names:
        return question.objectives
    if question.single():
        names = ["filled" if name == "served" else name for name in names]
    elif fair:
        names.insert(min(fair), "served")
    return tuple(dict.fromkeys(names))


def _flow_can(question: AssignmentQuestion) -> bool:
    """Whether the objectives are sums over meetings, or floors under single meetings, and every rule must hold."""
    if any(block.price is not None for block in question.blocks):
        return False
    return not {"served", *FAIR} & set(question.objectives) or question.single()


def _impossible(question: AssignmentQuestion, engine: str) -> Solution:
    candidates, blocks = question.candidates, [block.hard for block in question.blocks]
    return Solution(
        chosen=np.zeros(question.m, dtype=np.bool_),
        score=np.nan,
        bound=np.nan,
        gap=np.nan,
        status=INFEASIBLE,
        engine=engine,
        filled=0,
        duals=tuple(np.zeros(len(block)) for block in blocks),
        levels=(),
        advice=(*undercuts(candidates, blocks), *shortage(candidates, blocks)),
    )


def _in_asked_order(solution: Solution, by: Ints | None, n_blocks: int) -> Solution:
    """The answer for the candidates and blocks as they were given."""
    chosen = solution.chosen
    if by is not None:
        chosen = np.zeros_like(chosen)
        chosen[by] = solution.chosen
    return replace(solution, chosen=chosen, duals=solution.duals[:n_blocks])
