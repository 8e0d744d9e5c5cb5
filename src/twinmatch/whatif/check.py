"""check(): the referee over a proposal, whoever made it: also one that was edited by hand.

Twinning is judged by the rules' own blocks over the whole frame; every other format by what stands in its meetings.
The registry of formats holds who judges them. Nothing of the solver is used. What is left unjudged is said.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, replace

from twinmatch.programmes import PRODUCTS, Programme, Round
from twinmatch.programmes.rules import counted
from twinmatch.proposal import Product, Proposal, RuleStatus
from twinmatch.proposing import programme_of


@dataclass(frozen=True)
class RefereeReport:
    """A product as the referee finds it: every rule, and what was not judged."""

    product: str
    title: str
    rules: tuple[RuleStatus, ...]
    unjudged: str = ""

    @property
    def kept(self) -> bool:
        """Return whether no rule is broken."""
        return all(rule.status != "broken" for rule in self.rules)


def check_proposal(round_: Round, proposal: Proposal) -> tuple[RefereeReport, ...]:
    """Return how every product of a proposal stands to the rules of a programme over a cohort.

    Each is judged beside what those that chose before it take of the cities, as when it was made.
    """
    programme = programme_of(round_)
    order = {name: k for k, name in enumerate(programme.products)}
    found = {}
    for product in sorted(proposal.products, key=lambda p: order.get(p.product, len(order))):
        found[product.product] = _product(round_, programme, product)
        settings = getattr(programme, product.product, None)
        if settings is not None:
            round_ = replace(round_, load_ledger=round_.ledger.with_product(product, settings))
    return tuple(found[product.product] for product in proposal.products)


def _product(round_: Round, programme: Programme, product: Product) -> RefereeReport:
    strangers = sorted(
        {m.city for meeting in product.meetings for m in meeting.members} - set(round_.cohort.index)
    )
    rules = [
        counted("known cities", "Every city of a meeting is in the profiles.", strangers),
        _once(product),
    ]
    entry = PRODUCTS.get(product.product)
    settings = getattr(programme, product.product, None)
    if entry is None or settings is None:
        return RefereeReport(
            product.product,
            product.title,
            tuple(rules),
            "This programme has no such format: its own rules were not judged.",
        )
    if strangers:
        return RefereeReport(
            product.product,
            product.title,
            tuple(rules),
            "The format's own rules were not judged, because cities are unknown.",
        )
    if entry.judge is None:
        return RefereeReport(
            product.product,
            product.title,
            tuple(rules),
            "This format comes without rules of its own to judge by: only those of every format were judged.",
        )
    own = entry.judge(round_, settings, product)
    return RefereeReport(product.product, product.title, (*rules, *own))


def _once(product: Product) -> RuleStatus:
    twice = [
        f"{m.label}: {city}"
        for m in product.meetings
        for city, n in Counter(m.cities()).items()
        if n > 1
    ]
    return counted("once in a meeting", "A city stands once in a meeting.", twice)
