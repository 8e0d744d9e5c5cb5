"""A round: cohort, programme, facet cache, load ledger and earlier proposal, opened once, and the products solved so far."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from twinmatch.affinity import Affinity
from twinmatch.cohort import Cohort
from twinmatch.errors import NoProposalError, Problem
from twinmatch.facets import FacetCache
from twinmatch.programmes.load_ledger import Ledger, LoadLedger, open_ledger
from twinmatch.proposal import Account, FacetWeight, Product, Proposal
from twinmatch.solving import Block, Candidates, Clash, Solution, clash, in_words, labels_of
from twinmatch.solving.model import Advice, Undercut
from twinmatch.wording import say

if TYPE_CHECKING:
    from twinmatch.programmes.programme import Programme

THIN_COVERAGE = 0.35
"""Below this part of the weights, a meeting carries a note that little is known of it."""


@dataclass(frozen=True)
class Round:
    """What every product is made from, and what was made so far; a product that was made gives a new round."""

    cohort: Cohort
    facet_cache: FacetCache
    previous: Proposal | None = None
    load_ledger: LoadLedger | None = None
    """The ledger of load; none stands for no limit."""
    made: tuple[Product, ...] = ()
    """The products that chose first."""
    repairs: Mapping[str, tuple[int, ...]] = field(default_factory=dict)
    """The repairs of the menu to take where a product fits no rules, by product, as numbers from 1; those under ""
    are for the first such product."""
    programme: Programme | None = None
    solved: tuple[SolvedProduct, ...] = ()
    """The products made so far that were chosen among candidates, each with what it was solved from."""

    @cached_property
    def ledger(self) -> LoadLedger:
        """Return the ledger of load: the one given, else the programme's before anything was proposed."""
        asked = self.programme.ledger if self.programme is not None else Ledger()
        return self.load_ledger or open_ledger(self.cohort, asked)

    def repairs_of(self, name: str) -> tuple[int, ...]:
        """Return the numbers of the repairs that a product is to take where it fits no rules."""
        return self.repairs.get(name) or self.repairs.get("") or ()

    def named(self, name: str) -> str:
        """Return the name of a product where the programme has several, else nothing."""
        return name if self.programme is not None and len(self.programme.products) > 1 else ""

    def solution_of(self, name: str) -> SolvedProduct | None:
        """Return what a product was solved from; None where it was not solved, or not among candidates."""
        return next((s for s in self.solved if s.product.product == name), None)

    def product(self, name: str) -> Product | None:
        """Return a product that this run has made already, or None."""
        return next((p for p in self.made if p.product == name), None)

    def name(self, i: int) -> str:
        """Return the name of a city by its index."""
        return self.cohort.cities[i].name

    def id(self, i: int) -> str:
        """Return the id of a city by its index."""
        return self.cohort.cities[i].id


@dataclass(frozen=True, eq=False)
class SolvedProduct:
    """A product with what it was solved from: the round before it, the candidates with their rules, and the choice.

    ``chosen`` (m,) is true for the candidates that meet.
    """

    product: Product
    round: Round
    settings: Any
    ready: Any
    chosen: NDArray[np.bool_]
    solution: Solution


def shares(affinity: Affinity) -> tuple[FacetWeight, ...]:
    """Return what each facet weighs, and its effective share of the score's variance, in the registry's order."""
    effective = affinity.effective_shares
    return tuple(
        FacetWeight(name, weight, effective[name]) for name, weight in affinity.weights.items()
    )


def coverage_note(account: Account) -> tuple[str, ...]:
    """Return a note where little of the weights is known."""
    if account.coverage >= THIN_COVERAGE:
        return ()
    return (
        say(
            "Only {coverage:.0f}% of what is compared is known of these cities; ask before this is confirmed.",
            coverage=100 * account.coverage,
        ),
    )


def no_answer(
    product: str,
    solution: Solution,
    candidates: Candidates,
    blocks: Sequence[Block],
    *,
    hosts: Sequence[str],
    guests: Sequence[str],
) -> NoProposalError:
    """Return the error of a product that fits no rules: the rows and places that are short, else the rules that clash.

    ``hosts`` and ``guests`` are their names by index.
    """
    labels = labels_of(blocks, host=hosts.__getitem__, guest=guests.__getitem__)
    alone = {item.at for item in solution.advice if isinstance(item, Undercut)}
    told: list[Advice | Clash] = [
        a for a in solution.advice if isinstance(a, Undercut) or not alone.issuperset(a.needs)
    ]
    told = told or [clash(candidates, blocks)]
    return NoProposalError(
        Problem(
            "no-proposal", f"{product}: {in_words(item, labels)}", do="Loosen one of the rules."
        )
        for item in told
    )
