"""A first grouping that keeps every rule, or the proof and the reason in words that there is none.

CP-SAT (OR-Tools) places items in groups under all rules and no objective, with one worker, a fixed
seed and a deterministic clock, so that the answer does not depend on the machine.

Notation: n items, K groups, seat[i][g] whether item i sits in group g.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from twinmatch.solving.attributes import (
    RANGE,
    Balance,
    Count,
    Distribute,
    Gather,
    GroupRule,
    NobodyIsolated,
    counts_of,
    gathered,
    masks,
)
from twinmatch.solving.blocks import Ints
from twinmatch.solving.grouping import Band, GroupingQuestion

if TYPE_CHECKING:
    from ortools.sat.python import cp_model

GRAIN = 10**6  # values of Balance are rounded to a millionth of the largest


@dataclass(frozen=True)
class GroupingReason:
    """Why no grouping exists, as data: the rule, the sentence, and the numbers in the sentence."""

    rule: str
    says: str
    numbers: tuple[int, ...] = ()


@dataclass(frozen=True, eq=False)
class Start:
    """label (n,) a grouping that keeps every rule, or None; proven: that none exists."""

    label: Ints | None
    proven: bool


def first_grouping(
    question: GroupingQuestion,
    bands: tuple[Band, ...],
    *,
    work: float = 5.0,
    seed: int = 0,
    seconds: float | None = None,
) -> Start:
    """A grouping that keeps every rule of the question; work is CP-SAT's deterministic time."""
    return _solve(question, bands, set(families(question)), work, seed, seconds)


def families(question: GroupingQuestion) -> dict[str, str]:
    """The rules of a question, each key with the words for it, in the order of the report."""
    words = {"sizes": "the sizes of the groups"}
    if question.allowed is not None:
        words["allowed"] = "the groups allowed to each item"
    if question.fixed is not None:
        words["fixed"] = "the items fixed in a group"
    if question.together:
        words["together"] = f"{len(question.together)} pairs to be together"
    if question.apart:
        words["apart"] = f"{len(question.apart)} pairs to be apart"
    for k, rule in enumerate(question.rules):
        words[f"rule {k}"] = f"the rule {rule.name!r}"
    return words


def why_none(
    question: GroupingQuestion, bands: tuple[Band, ...], *, work: float = 5.0
) -> tuple[GroupingReason, ...]:
    """Reasons why no grouping exists: plain arithmetic where it tells, else a set of clashing rules.

    The set is minimal as far as `work` allows each check: without any one of its rules, the others
    can be kept. It is verified, because it is found by solving without the rest.
    """
    told = tuple(_arithmetic(question, bands))
    if told:
        return told
    words = families(question)
    needed = set(words)
    for family in list(words)[::-1]:
        fewer = needed - {family}
        if _solve(question, bands, fewer, work, 0).proven:
            needed = fewer
    clash = [key for key in words if key in needed]
    sentence = " and ".join(words[key] for key in clash)
    keys = ", ".join(question.rules[int(k[5:])].name if k[:5] == "rule " else k for k in clash)
    if len(clash) == 1:
        return (GroupingReason(keys, f"{sentence} cannot be kept, even alone"),)
    return (GroupingReason(keys, f"{sentence} cannot be kept at once"),)


def _solve(
    question: GroupingQuestion,
    bands: tuple[Band, ...],
    keep: set[str],
    work: float,
    seed: int,
    seconds: float | None = None,
) -> Start:
    model, seat = _model(question, bands, keep)
    from ortools.sat.python import cp_model  # a second to import, and seldom needed

    solver = cp_model.CpSolver()
    solver.parameters.num_workers = 1
    solver.parameters.random_seed = seed
    solver.parameters.max_deterministic_time = work
    if seconds is not None:
        solver.parameters.max_time_in_seconds = seconds
    status = solver.solve(model)
    if status not in (cp_model.OPTIMAL, cp_model.FEASIBLE):
        return Start(None, status == cp_model.INFEASIBLE)
    label = [next(g for g, s in enumerate(row) if solver.boolean_value(s)) for row in seat]
    return Start(np.array(label, dtype=np.int64), False)


def _model(
    question: GroupingQuestion, bands: tuple[Band, ...], keep: set[str]
) -> tuple[cp_model.CpModel, list[list[cp_model.IntVar]]]:
    from ortools.sat.python import cp_model  # a second to import, and seldom needed

    model = cp_model.CpModel()
    seat = [[model.new_bool_var("") for _ in bands] for _ in range(question.n_items)]
    for row in seat:
        model.add_exactly_one(row)
    if "sizes" in keep:
        for g, (low, high) in enumerate(bands):
            model.add_linear_constraint(sum(row[g] for row in seat), low, high)
    if question.allowed is not None and "allowed" in keep:
        for i, g in np.argwhere(~question.allowed).tolist():
            model.add(seat[i][g] == 0)
    if question.fixed is not None and "fixed" in keep:
        for i, g in enumerate(question.fixed.tolist()):
            if g >= 0:
                model.add(seat[i][g] == 1)
    ties = list(question.together) if "together" in keep else []
    kept = [rule for k, rule in enumerate(question.rules) if f"rule {k}" in keep]
    for i, j in ties + gathered(kept):
        for g in range(len(bands)):
            model.add(seat[i][g] == seat[j][g])
    if "apart" in keep:
        for i, j in question.apart:
            for g in range(len(bands)):
                model.add_at_most_one(seat[i][g], seat[j][g])
    _add_counts(model, seat, kept, [low for low, _ in bands] if "sizes" in keep else None)
    return model, seat


def _add_counts(
    model: cp_model.CpModel,
    seat: list[list[cp_model.IntVar]],
    rules: list[GroupRule],
    lows: list[int] | None,
) -> None:
    if not rules:
        return
    n_groups = len(seat[0])
    used = []  # whether a group has members, where that is not sure
    for g in range(n_groups):
        if lows is not None and lows[g] > 0:
            used.append(model.new_constant(1))
        else:
            used.append(model.new_bool_var(""))
            model.add_max_equality(used[g], [row[g] for row in seat])
    for rule in rules:
        for count in counts_of(rule, n_groups):
            for g in range(n_groups):
                _add_count(model, [row[g] for row in seat], count, g, used[g])


def _add_count(
    model: cp_model.CpModel,
    column: list[cp_model.IntVar],
    count: Count,
    g: int,
    used: cp_model.IntVar,
) -> None:
    whole = bool((count.values == np.round(count.values)).all()) and count.slope == 0.0
    grain = 1 if whole else GRAIN
    weights = [round(v * grain) for v in count.values.tolist()]
    total = sum(w * s for w, s in zip(weights, column, strict=True) if w)
    if count.kind != RANGE:
        several = model.new_bool_var("")
        model.add(total >= 2).only_enforce_if(several)
        model.add(total == 0).only_enforce_if(~several)
        return
    room = round(count.slope * grain) * sum(column) if count.slope else 0
    if count.floor[g] > -np.inf:
        floor = int(np.ceil(count.floor[g] * grain - 1e-6))
        model.add(total + room >= floor).only_enforce_if(used)
    if count.ceiling[g] < np.inf:
        ceiling = int(np.floor(count.ceiling[g] * grain + 1e-6))
        model.add(total - room <= ceiling).only_enforce_if(used)


# -- reasons that arithmetic tells --------------------------------------------------------------


def _arithmetic(question: GroupingQuestion, bands: tuple[Band, ...]) -> Iterator[GroupingReason]:
    n_items = question.n_items
    least, most = sum(low for low, _ in bands), sum(high for _, high in bands)
    if n_items < least:
        says = f"{len(bands)} groups need at least {least} members, and there are {n_items}"
        yield GroupingReason("sizes", says, (len(bands), least, n_items))
    if n_items > most:
        says = f"{len(bands)} groups have room for {most}, and there are {n_items}"
        yield GroupingReason("sizes", says, (len(bands), most, n_items))
    if question.allowed is not None:
        for item in np.flatnonzero(~question.allowed.any(axis=1)).tolist():
            yield GroupingReason("allowed", f"item {item} is allowed in no group", (item,))
    yield from _crowded(question, bands)
    told: dict[type, Callable[..., Iterator[GroupingReason]]] = {
        Distribute: _short,
        Gather: _too_many,
    }
    for rule in question.rules:
        if isinstance(rule, Distribute | Gather):
            yield from told[type(rule)](rule, bands)
        else:
            assert isinstance(rule, NobodyIsolated | Balance)


def _crowded(question: GroupingQuestion, bands: tuple[Band, ...]) -> Iterator[GroupingReason]:
    if question.fixed is None:
        return
    for g, (_, high) in enumerate(bands):
        there = int((question.fixed == g).sum())
        if there > high:
            says = f"{there} items are fixed in group {g}, which has room for {high}"
            yield GroupingReason("fixed", says, (there, g, high))


def _short(rule: Distribute, bands: tuple[Band, ...]) -> Iterator[GroupingReason]:
    if any(low == 0 for low, _ in bands):
        sure = [g for g, (low, _) in enumerate(bands) if low > 0]
    else:
        sure = list(range(len(bands)))
    lows = np.broadcast_to(np.asarray(rule.low), (len(bands),))
    least = int(lows[sure].sum())
    most = None
    if rule.high is not None:
        highs = np.broadcast_to(np.asarray(rule.high), (len(bands),))
        most = int(sum(min(int(h), high) for h, (_, high) in zip(highs, bands, strict=True)))
    for word, mask in masks(rule.values):
        count, of = int(mask.sum()), f" of {word}" if word else ""
        if count < least:
            says = f"{rule.name}: the groups need at least {least}{of}, and there are {count}"
            yield GroupingReason(rule.name, says, (least, count))
        if most is not None and count > most:
            says = f"{rule.name}: the groups take at most {most}{of}, and there are {count}"
            yield GroupingReason(rule.name, says, (most, count))


def _too_many(rule: Gather, bands: tuple[Band, ...]) -> Iterator[GroupingReason]:
    largest = max(high for _, high in bands)
    for word, mask in masks(rule.values):
        count = int(mask.sum())
        if count > largest:
            of = f" of {word}" if word else ""
            says = f"{rule.name}: {count}{of} cannot sit in a group of at most {largest}"
            yield GroupingReason(rule.name, says, (count, largest))
