"""Formats solved as one: their candidates side by side, the rules of each, and one ledger over all of them.

So none has the first choice of a city that several of them want. Meetings of all formats count alike when places
are filled; then the scores are added up.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import reduce
from typing import Any

import numpy as np
import scipy.sparse as sp

from twinmatch.errors import NoProposalError, QuestionError
from twinmatch.programmes.base import ProductSettings
from twinmatch.programmes.load_ledger import Loads
from twinmatch.programmes.registry import RegisteredProduct
from twinmatch.programmes.round import Round, SolvedProduct
from twinmatch.programmes.rules import load_rules
from twinmatch.solving import Block, Candidates, solve
from twinmatch.wording import listed


@dataclass(frozen=True)
class JointPart:
    """One of the formats that are solved as one."""

    name: str
    entry: RegisteredProduct
    settings: ProductSettings


def propose_together(round_: Round, parts: Sequence[JointPart]) -> list[SolvedProduct]:
    """Return the products of several formats from one solve, in the order given.

    Raises QuestionError where a format cannot be solved with others, NoProposalError where no choice keeps the rules.
    """
    _check(parts)
    ready: list[Any] = [p.entry.prepare(round_, p.settings) for p in parts if p.entry.prepare]
    keep = [np.flatnonzero(one.allowed) for one in ready]
    candidates = _side_by_side([one.candidates.take(k) for one, k in zip(ready, keep, strict=True)])
    blocks = _blocks(round_, ready, keep, len(candidates))
    befores = [getattr(one, "before", None) for one in ready]
    held = None
    objectives: tuple[str, ...] = ("filled", "total")
    if any(before is not None for before in befores):
        held = np.concatenate(
            [
                np.zeros(len(k), dtype=bool) if before is None else before[k]
                for before, k in zip(befores, keep, strict=True)
            ]
        )
        objectives = (*objectives, "fewest changes")
    solution = solve(candidates, blocks, objectives=objectives, previous=held)
    if solution.status == "infeasible":
        title = listed([part.settings.title for part in parts])
        says = f"{title} cannot be made together."
        raise NoProposalError.of("no-proposal", says, do="Make them in turn.")
    found, start = [], 0
    slack = max(0.0, solution.bound - solution.score)
    for part, one, k in zip(parts, ready, keep, strict=True):
        chosen = np.zeros(len(one.candidates), dtype=bool)
        chosen[k] = solution.chosen[start : start + len(k)]
        start += len(k)
        score = float(one.candidates.score[chosen].sum())
        others = listed([other.settings.title for other in parts if other is not part])
        mine = replace(
            solution,
            chosen=chosen[k],
            score=score,
            bound=score + slack,
            duals=(),
            engine=f"{solution.engine}, solved together with {others}",
        )
        assert part.entry.product_of is not None
        product = part.entry.product_of(round_, part.settings, one, chosen, mine)
        found.append(SolvedProduct(product, round_, part.settings, one, chosen, mine))
    return [_beside(solved, found) for solved in found]


def _beside(solved: SolvedProduct, found: Sequence[SolvedProduct]) -> SolvedProduct:
    """Return a product as if it had been solved last: in the ledger stands what the others take."""
    ledger = solved.round.ledger
    for other in found:
        if other is not solved:
            ledger = ledger.with_product(other.product, other.settings)
    limited = solved.ready.loads.block(ledger)
    rules = [rule for rule in solved.ready.rules if rule.kind != "load"]
    rules += load_rules(limited)
    ready = replace(solved.ready, rules=tuple(rules))
    return replace(solved, round=replace(solved.round, load_ledger=ledger), ready=ready)


def _check(parts: Sequence[JointPart]) -> None:
    alone = [p.name for p in parts if p.entry.prepare is None or p.entry.product_of is None]
    if alone:
        raise QuestionError.of(
            "not-together",
            f"[ledger] together names {listed(alone)}, which cannot be solved with others.",
            do="Put it in order instead.",
        )


def _side_by_side(parts: Sequence[Candidates]) -> Candidates:
    """Return the candidates of all parts, with hosts and guests of each numbered after those before."""
    hosts = np.cumsum([0, *(p.n_hosts for p in parts)])
    guests = np.cumsum([0, *(p.n_guests for p in parts)])
    return Candidates(
        np.concatenate([p.host + h for p, h in zip(parts, hosts, strict=False)]),
        np.concatenate([p.guest + g for p, g in zip(parts, guests, strict=False)]),
        np.concatenate([p.score for p in parts]),
        int(hosts[-1]),
        int(guests[-1]),
    )


def _blocks(round_: Round, ready: Sequence[Any], keep: Sequence[Any], count: int) -> list[Block]:
    """Return every rule of every part over all candidates, and one row of load a city over all of them."""
    blocks, start = [], 0
    for one, k in zip(ready, keep, strict=True):
        for rule in one.rules:
            if not rule.filters and rule.kind != "load":
                blocks.append(_shifted(rule.block.take(k), start, count))
        start += len(k)
    loads = reduce(
        lambda a, b: a.after(b),
        (_kept(one.loads, k) for one, k in zip(ready, keep, strict=True)),
    )
    limited = loads.block(round_.ledger)
    return [*blocks, limited] if limited else blocks


def _kept(loads: Loads, keep: Any) -> Loads:
    """Return the loads of the candidates kept, renumbered."""
    place = np.full(loads.count, -1, dtype=np.int64)
    place[keep] = np.arange(len(keep))
    mine = np.flatnonzero(place[loads.candidate] >= 0)
    return Loads(loads.city[mine], place[loads.candidate[mine]], loads.amount[mine], len(keep))


def _shifted(block: Block, start: int, count: int) -> Block:
    matrix = sp.coo_array(block.matrix)
    wide = sp.csr_array(
        (matrix.data, (matrix.coords[0], matrix.coords[1] + start)), shape=(len(block), count)
    )
    return replace(block, matrix=wide, switch=None)
