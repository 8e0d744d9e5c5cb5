"""Rules, said once: the solver, the referee and the report all read the same saying.

A rule over pairs yields a :class:`~twinmatch.solving.blocks.Block` over the frame, which holds *every* pair of
an eligible guest and a host. A filter is the same thing with a limit of nought: the pairs it forbids are taken
out of the candidates before anything is solved (forbidden is removed, never priced), and the referee, who
judges over the whole frame, still sees whether any of them was chosen.

Notation: m pairs in the frame; host, guest (m,) index the frame's hosts and guests.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import scipy.sparse as sp
from numpy.typing import NDArray

from twinmatch.errors import DataError, Problem
from twinmatch.programmes.round import Round
from twinmatch.proposal import Meeting, RuleStatus
from twinmatch.solving.blocks import Block, Candidates
from twinmatch.solving.referee import Verdict, referee

Bools = NDArray[np.bool_]


@dataclass(frozen=True, eq=False)
class Rule:
    """A rule as it was compiled: its name, its saying, its block over the frame, and whether it is a filter."""

    name: str
    says: str
    block: Block
    filters: bool = False

    @property
    def forbidden(self) -> Bools:
        """Return the pairs that a filter takes out, shape (m,)."""
        columns = np.zeros(self.block.matrix.shape[1], dtype=bool)
        if self.filters:
            columns[self.block.matrix.indices] = True
        return columns


def allowed_pairs(rules: Sequence[Rule]) -> Bools:
    """Return the pairs that no filter takes out, shape (m,)."""
    allowed = np.ones(rules[0].block.matrix.shape[1], dtype=bool)
    for rule in rules:
        allowed &= ~rule.forbidden
    return allowed


def forbid(name: str, says: str, pairs: Bools) -> Rule:
    """Return the filter that takes out some pairs."""
    matrix = sp.csr_array(pairs[None, :].astype(np.float64))
    return Rule(
        name,
        says,
        Block(name, matrix, np.array([-np.inf]), np.array([0.0]), lambda _: says),
        filters=True,
    )


def statuses(
    rules: Sequence[Rule], candidates: Candidates, chosen: Bools
) -> tuple[RuleStatus, ...]:
    """Return how an answer stands to every rule, as the referee finds it over the whole frame.

    "binding" means that at least one row of the rule is at its limit.
    """
    verdicts = referee(candidates, chosen, [rule.block for rule in rules])
    found = []
    for b, rule in enumerate(rules):
        mine = [v for v in verdicts if v.block == b]
        broken = [rule.block.says(v.row) for v in mine if not v.kept]
        if broken:
            found.append(
                RuleStatus(rule.name, f"{rule.says} Broken: {'; '.join(broken)}.", "broken")
            )
        else:
            found.append(
                RuleStatus(
                    rule.name,
                    rule.says + _at_limit(rule, mine),
                    "binding" if _binds(rule, mine) else "kept",
                )
            )
    return tuple(found)


def _binds(rule: Rule, verdicts: Sequence[Verdict]) -> bool:
    return not rule.filters and any(
        v.found == v.high or (v.found == v.low and v.low > 0) for v in verdicts
    )


def _at_limit(rule: Rule, verdicts: Sequence[Verdict]) -> str:
    if rule.filters or len(verdicts) < 2:
        return ""
    full = sum(v.found == v.high for v in verdicts)
    return f" {full} of {len(verdicts)} are at the limit." if full else ""


def counted(name: str, says: str, broken: Sequence[str]) -> RuleStatus:
    """Return a rule that was counted over finished meetings: kept, or broken by what is named."""
    return RuleStatus(
        name,
        says + (f" Broken: {'; '.join(broken)}." if broken else ""),
        "broken" if broken else "kept",
    )


def outside(meetings: Sequence[Meeting], low: int, high: int, role: str | None = None) -> list[str]:
    """Return the meetings whose size, of one role or of all, lies outside a band, in words."""
    sizes = [(m.label, sum(role is None or x.role == role for x in m.members)) for m in meetings]
    return [f"{label} has {n}" for label, n in sizes if not low <= n <= high]


def few_of_a_country(round_: Round, meetings: Sequence[Meeting], most: int) -> RuleStatus:
    """Return how finished meetings stand to the rule on cities of one country."""
    tallies = [
        (m.label, Counter(round_.cohort.city(c).country for c in m.cities())) for m in meetings
    ]
    wrong = [
        f"{label} has {n} of {code}"
        for label, codes in tallies
        for code, n in sorted(codes.items())
        if n > most
    ]
    return counted(
        "cities per country", f"At most {most} cities of one country are in a meeting.", wrong
    )


def judged(rules: Sequence[RuleStatus]) -> tuple[RuleStatus, ...]:
    """Return the statuses, or raise: an answer that breaks a rule never leaves the house."""
    broken = [
        Problem("rule-broken", f"The answer breaks the rule {r.rule!r}: {r.says}")
        for r in rules
        if r.status == "broken"
    ]
    if broken:
        raise DataError(broken)
    return tuple(rules)
