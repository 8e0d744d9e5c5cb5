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
    Candidates,
    LimitChange,
    Relaxation,
    RelaxationMenu,
    relaxations,
    relaxed,
)

SHOWN: Final = 3
"""Rows of one rule that a repair names before it counts the rest."""

NEVER: Final = ("structure", "demand", "load")
"""Kinds of rules that never give way: what a meeting is, and what cities can carry over all formats."""


def menu(candidates: Candidates, rules: Sequence[Rule]) -> RelaxationMenu:
    """Return repairs of rules that cannot be kept, cheapest first: the fewest places or limits that give way."""
    prices = {rule.block.name: math.inf for rule in rules if rule.kind in NEVER}
    return relaxations(candidates, [rule.block for rule in rules], prices=prices)


def menu_of(
    rules: Sequence[Rule], candidates: Candidates, allowed: NDArray[np.bool_]
) -> tuple[RelaxationMenu, list[Rule]]:
    """Return the menu over the pairs that no filter takes out, and the rules that it is about."""
    keep = np.flatnonzero(allowed)
    hard = [replace(r, block=r.block.take(keep)) for r in rules if not r.filters]
    return menu(candidates.take(keep), hard), hard


def in_menu(found: RelaxationMenu, rules: Sequence[Rule]) -> list[Problem]:
    """Return the menu in words, one line a repair with its number, and a note where the search was cut short."""
    told = [
        Problem(
            "repair",
            f"Repair {n}: {'; '.join(_told(repair, rules).values())}.",
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
    found = menu_of(rules, candidates, allowed)[0].items
    if not 1 <= number <= len(found):
        raise QuestionError(
            Problem(
                "no-such-repair",
                f"There is no repair {number}: the menu has {len(found)}.",
                do="Run without --repair to see it.",
            )
        )
    return _made(rules, found[number - 1], number)


def made_again(
    rules: Sequence[Rule],
    candidates: Candidates,
    allowed: NDArray[np.bool_],
    said: Sequence[RuleStatus],
) -> tuple[tuple[Rule, ...], tuple[RuleStatus, ...]]:
    """Return the rules with the repair made whose number a proposal states; unchanged where the menu has no such one.

    Unchanged too where other rules than the stated ones would give way.
    """
    stated = {(rule.repair, rule.rule) for rule in said if rule.repair is not None}
    if stated:
        for number, repair in enumerate(menu_of(rules, candidates, allowed)[0].items, 1):
            if stated == {(number, change.at.rule) for change in repair.changes}:
                return _made(rules, repair, number)
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


def _made(
    rules: Sequence[Rule], repair: Relaxation, number: int
) -> tuple[tuple[Rule, ...], tuple[RuleStatus, ...]]:
    hard = [rule for rule in rules if not rule.filters]
    whole = [rule.block for rule in hard]
    changed = dict(zip((rule.name for rule in hard), relaxed(whole, repair), strict=True))
    gave_way = tuple(
        RuleStatus(c.at.rule, f"Gave way by repair {number}: {_says(c, hard)}.", "relaxed", number)
        for c in repair.changes
    )
    return tuple(
        replace(rule, block=changed[rule.name]) if rule.name in changed else rule for rule in rules
    ), gave_way


def _told(repair: Relaxation, rules: Sequence[Rule]) -> dict[str, str]:
    """Return what gives way by rule: the first few rows, and how many more."""
    rows: dict[str, list[str]] = {}
    for change in repair.changes:
        rows.setdefault(change.at.rule, []).append(_says(change, rules))
    more = {
        rule: f"; and {len(says) - SHOWN} more of {rule!r} likewise" if len(says) > SHOWN else ""
        for rule, says in rows.items()
    }
    return {rule: "; ".join(says[:SHOWN]) + more[rule] for rule, says in rows.items()}


def _says(change: LimitChange, rules: Sequence[Rule]) -> str:
    rule = rules[change.at.block]
    block = rule.block
    row = block.says(change.at.row).rstrip(".")
    if rule.kind == "lock":
        return f"drop the lock: {row}"
    before = change.to + (change.by if change.bound == "low" else -change.by)
    if block.switch is None and block.matrix[[change.at.row]].data.min(initial=0.0) < 0:
        return f"{row}: off by {change.by:g} at most"  # a share, of which one side moves with the other
    way = "at least" if change.bound == "low" else "at most"
    return f"{row}: {way} {change.to:g} in place of {before:g}"
