"""The referees: does an answer keep the rules, no matter who made it.

Written apart from every engine. One reads the blocks and the chosen meetings and nothing else, row by row. The other
counts the members of groups in plain Python; it shares no array, no tolerance of the search and no model with it.

Notation: n items, K groups, label (n,) the group of each item, -1 where an item has none.
"""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from numpy.typing import ArrayLike

from twinmatch.errors import DataError, Problem
from twinmatch.solving.attributes import (
    Bound,
    Distribute,
    Gather,
    GroupRule,
    NobodyIsolated,
    is_category,
)
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


Groups = dict[int, list[int]]


@dataclass(frozen=True)
class GroupVerdict:
    """One rule, whether a grouping keeps it, and in words each place where it does not."""

    rule: str
    kept: bool
    breaches: tuple[str, ...] = ()


def group_referee(label: ArrayLike, *rules: GroupRule) -> tuple[GroupVerdict, ...]:
    """The verdict on every item having a group, and on each rule given; label (n,), -1 for none."""
    members: Groups = defaultdict(list)
    for item, group in enumerate(np.asarray(label).tolist()):
        members[int(group)].append(item)
    left_out = members.pop(-1, [])
    found: list[tuple[str, Iterable[str]]] = [
        ("everyone in a group", (f"item {i} has no group" for i in left_out)),
        *((rule.name, _breaches(rule, members)) for rule in rules),
    ]
    return tuple(_verdict(name, breaches) for name, breaches in found)


def _verdict(name: str, breaches: Iterable[str]) -> GroupVerdict:
    listed = tuple(breaches)
    return GroupVerdict(name, not listed, listed)


def _breaches(rule: GroupRule, members: Groups) -> Iterator[str]:
    match rule:
        case Distribute():
            return _uneven(rule, members)
        case Gather():
            return _scattered(rule, members)
        case NobodyIsolated():
            return _isolated(rule, members)


def _at(bound: Bound | float, group: int) -> float:
    flat = np.asarray(bound)
    return float(flat if flat.ndim == 0 else flat[group])


def _counts(values: ArrayLike, members: Groups) -> Iterator[tuple[int, str, int]]:
    """For each group and each category of the whole cohort: its group, word and number of members."""
    array = np.asarray(values)
    plain = array.tolist()
    if array.dtype == np.bool_:
        categories = [True]
    else:
        categories = list(dict.fromkeys(v for v in plain if is_category(v)))
    for group, items in sorted(members.items()):
        for category in categories:
            word = "" if category is True else f" of {category}"
            yield group, word, sum(plain[i] == category for i in items)


def _uneven(rule: Distribute, members: Groups) -> Iterator[str]:
    most = math.inf if rule.high is None else rule.high
    bands = {group: (_at(rule.low, group), _at(most, group)) for group in members}
    for group, word, count in _counts(rule.values, members):
        low, high = bands[group]
        if count < low:
            yield f"group {group} has {count}{word}, at least {low:g} wanted"
        if count > high:
            yield f"group {group} has {count}{word}, at most {high:g} wanted"


def _scattered(rule: Gather, members: Groups) -> Iterator[str]:
    seats: dict[str, list[int]] = defaultdict(list)
    for group, word, count in _counts(rule.values, members):
        if count:
            seats[word].append(group)
    for word, in_groups in seats.items():
        if len(in_groups) > 1:
            yield f"the items{word} sit in groups {', '.join(map(str, in_groups))}"


def _isolated(rule: NobodyIsolated, members: Groups) -> Iterator[str]:
    for group, word, count in _counts(rule.values, members):
        if count == 1:
            yield f"group {group} has one{word} alone"
