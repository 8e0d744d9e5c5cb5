"""What every product of a round is made from: the cohort, the cache of the facets, the earlier proposal."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

from twinmatch.affinity import Affinity
from twinmatch.cohort import Cohort
from twinmatch.errors import NoProposalError, Problem
from twinmatch.facets import FacetCache
from twinmatch.programmes.load_ledger import Ledger, LoadLedger, open_ledger
from twinmatch.proposal import Account, Product, Proposal
from twinmatch.solving import Block, Candidates, Clash, Solution, clash, in_words, labels_of
from twinmatch.solving.solution import Advice, Undercut

THIN_COVERAGE = 0.35
"""Below this part of the weights, a meeting carries a note that little is known of it."""


@dataclass(frozen=True)
class Round:
    """The cohort, the cache of its facets, the proposal of an earlier run, and what this run has made so far."""

    cohort: Cohort
    facet_cache: FacetCache
    previous: Proposal | None = None
    load_ledger: LoadLedger | None = None
    """The ledger of load; none stands for no limit."""
    made: tuple[Product, ...] = ()
    """The products that chose first."""
    repair: int | None = None
    """The repair of the menu to take where no choice keeps the rules, by its number from 1."""

    @cached_property
    def ledger(self) -> LoadLedger:
        """Return the ledger of load, without a limit but the cities' own where none was given."""
        return self.load_ledger or open_ledger(self.cohort, Ledger())

    def product(self, name: str) -> Product | None:
        """Return a product that this run has made already, or None."""
        return next((p for p in self.made if p.product == name), None)

    def name(self, i: int) -> str:
        """Return the name of a city by its index."""
        return self.cohort.cities[i].name

    def id(self, i: int) -> str:
        """Return the id of a city by its index."""
        return self.cohort.cities[i].id


def shares(affinity: Affinity) -> tuple[tuple[str, float, float], ...]:
    """Return facet, weight and effective share of the score's variance, in the registry's order."""
    effective = affinity.effective_shares
    return tuple((name, weight, effective[name]) for name, weight in affinity.weights.items())


def coverage_note(account: Account) -> tuple[str, ...]:
    """Return a note where little of the weights is known."""
    if account.coverage >= THIN_COVERAGE:
        return ()
    return (
        f"Only {100 * account.coverage:.0f}% of the weights rest on something known; ask before this is confirmed.",
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
