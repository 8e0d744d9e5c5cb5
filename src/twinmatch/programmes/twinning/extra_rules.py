"""Rules over twinning pairs that other packages bring; a programme asks for them by name in ``twinning.extra_rules``."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeAlias

import numpy as np

from twinmatch.errors import Problem, QuestionError
from twinmatch.extensions import Registry, need
from twinmatch.programmes.rules import Rule
from twinmatch.programmes.twinning.frame import Frame

PairRule: TypeAlias = Callable[[Frame], Rule]
"""A function of the pairs of a round that returns a rule over all of them."""

GROUP = "twinmatch.rules"


def checked_rule(name: str, entry: Any) -> PairRule:
    """Return a rule from elsewhere that is checked when it is compiled; raises QuestionError where it is no function."""
    need(callable(entry), GROUP, name, f"it is {type(entry).__name__}, not a function of a Frame")

    def compiled(frame: Frame) -> Rule:
        rule: Rule = entry(frame)
        pairs = len(frame.hosts) * len(frame.guests)
        need(isinstance(rule, Rule), GROUP, name, f"it gives {type(rule).__name__}, not a Rule")
        block = rule.block
        shape = (len(block.low), pairs)
        need(
            block.matrix.shape == shape,
            GROUP,
            name,
            f"its matrix is {block.matrix.shape}, not {shape}",
        )
        numbers = np.isfinite(block.matrix.data).all() and (block.low <= block.high).all()
        need(numbers, GROUP, name, "a bound or coefficient is nan, or low lies above high")
        need(rule.says, GROUP, name, "it says nothing")
        return rule

    return compiled


RULES: Registry[PairRule] = Registry(GROUP, {}, checked_rule)
"""Every rule of installed packages, and those added at run time."""


def extra_rules(frame: Frame, names: tuple[str, ...]) -> list[Rule]:
    """Return the rules that a programme asks for by name; raises QuestionError for one that there is not."""
    for name in names:
        if name not in RULES:
            do = RULES.why_not(name) or f"Known: {', '.join(RULES) or 'none is installed'}."
            raise QuestionError(Problem("rule-unknown", f"There is no rule {name!r}.", do=do))
    return [RULES[name](frame) for name in names]
