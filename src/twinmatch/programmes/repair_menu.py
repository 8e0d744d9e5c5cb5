"""When no choice keeps the rules: a menu of repairs, cheapest first, each solved before it is told.

A repair lets some limits give way by as little as helps. It is never made by itself: the coordinator takes one
by its number, and every limit that gave way is a row of the result.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import replace
from typing import Final

import numpy as np
from numpy.typing import NDArray

from twinmatch.errors import Problem, QuestionError
from twinmatch.programmes.rules import Rule
from twinmatch.proposal import RuleStatus
from twinmatch.solving import (
    Block,
    Candidates,
    LimitChange,
    Relaxation,
    RelaxationMenu,
    relaxations,
    relaxed,
)

SHOWN: Final = 3
"""Rows of one rule that a repair names before it counts the rest."""

NEVER: Final = ("one host each", "hosts each", "load")
"""Rules that never give way: what a meeting is, and what cities can carry over all formats."""


def menu(candidates: Candidates, blocks: Sequence[Block]) -> RelaxationMenu:
    """Return repairs of rules that cannot be kept, cheapest first: the fewest places or limits that give way."""
    prices = dict.fromkeys(NEVER, math.inf)
    return relaxations(candidates, blocks, prices=prices)


def in_menu(found: RelaxationMenu, blocks: Sequence[Block]) -> list[Problem]:
    """Return the menu in words, one line a repair with its number, and a note where the search was cut short."""
    told = [
        Problem(
            "repair",
            f"Repair {n}: {'; '.join(_told(repair, blocks).values())}.",
            do=f"Take it with --repair {n}.",
        )
        for n, repair in enumerate(found.items, 1)
    ]
    if not (found.complete and all(repair.cheapest for repair in found.items)):
        cut = "The search for repairs reached its limit of effort: there may be cheaper ones, or more."
        told.append(Problem("repairs-cut-short", cut, level="note"))
    return told


def taken(
    rules: Sequence[Rule], candidates: Candidates, allowed: NDArray[np.bool_], number: int
) -> tuple[tuple[Rule, ...], tuple[RuleStatus, ...]]:
    """Return the rules with one repair of the menu made, and what gave way.

    Raises QuestionError where the menu has no such number.
    """
    found = _menu_of(rules, candidates, allowed)
    if not 1 <= number <= len(found):
        raise QuestionError(
            Problem(
                "no-such-repair",
                f"There is no repair {number}: the menu has {len(found)}.",
                do="Run without --repair to see it.",
            )
        )
    return _made(rules, found[number - 1], number)


def as_told(
    rules: Sequence[Rule],
    candidates: Candidates,
    allowed: NDArray[np.bool_],
    told: Sequence[RuleStatus],
) -> tuple[tuple[Rule, ...], tuple[RuleStatus, ...]]:
    """Return the rules with the repair made that a proposal says it took; unchanged where the menu has none like it."""
    if told:
        for number, repair in enumerate(_menu_of(rules, candidates, allowed), 1):
            changed, gave_way = _made(rules, repair, number)
            if gave_way == tuple(told):
                return changed, gave_way
    return tuple(rules), ()


def excepting(
    rules: Sequence[RuleStatus], gave_way: Sequence[RuleStatus]
) -> tuple[RuleStatus, ...]:
    """Return the rules as they stand, those that gave way with a word on it, and then what gave way."""
    names = {rule.rule for rule in gave_way}
    told = (
        replace(r, says=f"{r.says} But for what gave way.") if r.rule in names else r for r in rules
    )
    return (*told, *gave_way)


def _menu_of(
    rules: Sequence[Rule], candidates: Candidates, allowed: NDArray[np.bool_]
) -> tuple[Relaxation, ...]:
    keep = np.flatnonzero(allowed)
    blocks = [r.block.take(keep) for r in rules if not r.filters]
    return menu(candidates.take(keep), blocks).items


def _made(
    rules: Sequence[Rule], repair: Relaxation, number: int
) -> tuple[tuple[Rule, ...], tuple[RuleStatus, ...]]:
    hard = [rule for rule in rules if not rule.filters]
    whole = [rule.block for rule in hard]
    changed = dict(zip((rule.name for rule in hard), relaxed(whole, repair), strict=True))
    gave_way = tuple(
        RuleStatus(c.at.rule, f"Gave way by repair {number}: {_says(c, whole)}.", "relaxed")
        for c in repair.changes
    )
    return tuple(
        replace(rule, block=changed[rule.name]) if rule.name in changed else rule for rule in rules
    ), gave_way


def _told(repair: Relaxation, blocks: Sequence[Block]) -> dict[str, str]:
    """Return what gives way by rule: the first few rows, and how many more."""
    rows: dict[str, list[str]] = {}
    for change in repair.changes:
        rows.setdefault(change.at.rule, []).append(_says(change, blocks))
    more = {
        rule: f"; and {len(says) - SHOWN} more of {rule!r} likewise" if len(says) > SHOWN else ""
        for rule, says in rows.items()
    }
    return {rule: "; ".join(says[:SHOWN]) + more[rule] for rule, says in rows.items()}


def _says(change: LimitChange, blocks: Sequence[Block]) -> str:
    block = blocks[change.at.block]
    row = block.says(change.at.row).rstrip(".")
    if block.name == "locks":
        return f"drop the lock: {row}"
    before = change.to + (change.by if change.bound == "low" else -change.by)
    if block.switch is None and block.matrix[[change.at.row]].data.min(initial=0.0) < 0:
        return f"{row}: off by {change.by:g} at most"  # a share, of which one side moves with the other
    way = "at least" if change.bound == "low" else "at most"
    return f"{row}: {way} {change.to:g} in place of {before:g}"
