"""The answers that take a while, as tables of a proposal: what each rule costs, and which pairs are stable."""

from __future__ import annotations

from dataclasses import replace
from typing import Final

from twinmatch.proposal import Proposal, Table
from twinmatch.whatif.case import Case
from twinmatch.whatif.prices import PriceList, price_list
from twinmatch.whatif.stability import Stability, stability

RUNS: Final = 100
"""Perturbed runs that stability is told from."""


def with_answers(proposal: Proposal, case: Case) -> Proposal:
    """Return the proposal with the prices of its twinning's rules and the stability of its pairs as tables."""
    tables = (
        stability_table(stability(case, RUNS)),
        prices_table(price_list(case)),
    )
    products = tuple(
        replace(p, tables=(*(t for t in tables if t.rows), *p.tables))
        if p.product == "twinning"
        else p
        for p in proposal.products
    )
    return replace(proposal, products=products)


def prices_table(prices: PriceList) -> Table:
    """Return what each rule, lock and ban costs the round, the dearest first."""
    rows = tuple(
        (p.rule, p.says, p.price.places, p.price.score, str(p.price)) for p in prices.rules
    )
    free = sum(p.price.is_nothing for p in prices.rules)
    says = (
        "What the best answer would gain without each rule; both answers are proven. "
        f"{free} of {len(rows)} rules cost nothing."
    )
    columns = ("Rule", "What it says", "Places it costs", "Points it costs", "In words")
    return Table("prices", "What each rule costs", columns, rows, says)


def stability_table(found: Stability) -> Table:
    """Return in which share of the perturbed runs each pair survives, the most fragile first."""
    rows = tuple(
        (
            f"twinning:{p.guest}",
            p.name,
            p.share,
            p.judgement,
            ", ".join(f"{name} ({100 * share:.0f}%)" for name, share in p.instead[:2]) or "–",
        )
        for p in found.pairs
    )
    says = (
        f"{len(found.fragile)} of {len(rows)} pairs are fragile: they survive in fewer than 7 of 10 of the {found.runs} runs in "
        "which the weights, and what is not known, were drawn anew."
    )
    columns = (
        "Meeting",
        "Pair",
        "Part of the runs that it survives",
        "Judgement",
        "Otherwise most often",
    )
    return Table("stability", "How stable each pair is, the fragile first", columns, rows, says)
