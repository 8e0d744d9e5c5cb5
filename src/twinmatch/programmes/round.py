"""What every product of a round is made from: the cohort, the facets' materials, the earlier proposal."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property

from twinmatch.affinity import Affinity
from twinmatch.cohort import Cohort
from twinmatch.errors import NoProposalError, Problem
from twinmatch.evidence import Account
from twinmatch.facets import Materials
from twinmatch.programmes.ledger import Books, open_books
from twinmatch.programmes.settings import Ledger
from twinmatch.proposal import Product, Proposal
from twinmatch.solving.solution import RowRef, Shortage, Solution, Undercut

THIN_COVERAGE = 0.35
"""Below this part of the weights, a meeting carries a note that little is known of it."""


@dataclass(frozen=True)
class Round:
    """The cohort, the materials of its facets, the proposal of an earlier run, and what this run has made so far."""

    cohort: Cohort
    materials: Materials
    previous: Proposal | None = None
    books: Books | None = None
    """The ledger of load; none stands for no limit."""
    made: tuple[Product, ...] = ()
    """The products that chose first."""
    repair: int | None = None
    """The repair of the menu to take where no choice keeps the rules, by its number from 1."""

    @cached_property
    def ledger(self) -> Books:
        """Return the ledger of load, without a limit but the cities' own where none was given."""
        return self.books or open_books(self.cohort, Ledger())

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


def summary(account: Account) -> str:
    """Return the strongest reasons of an account as one or two sentences."""
    strongest = account.strongest(2)
    return (
        " ".join(line.says for line in strongest)
        or "Nothing known lifts it above the average pair."
    )


def coverage_note(account: Account) -> tuple[str, ...]:
    """Return a note where little of the weights is known."""
    if account.coverage >= THIN_COVERAGE:
        return ()
    return (
        f"Only {100 * account.coverage:.0f}% of the weights rest on something known; ask before this is confirmed.",
    )


def no_answer(
    product: str, solution: Solution, blocks: Sequence[object], labels: Mapping[str, Sequence[str]]
) -> NoProposalError:
    """Return the error of a product that fits no rules, saying which rows and places are short.

    ``labels`` has the names of "hosts" and "guests" by index.
    """
    problems = [
        Problem("no-proposal", f"{product}: {_advice(item, blocks, labels)}")
        for item in solution.advice
    ]
    return NoProposalError(
        problems
        or [
            Problem(
                "no-proposal",
                f"{product}: the rules cannot all be kept together.",
                do="Loosen one of them.",
            )
        ]
    )


def _advice(
    item: Undercut | Shortage, blocks: Sequence[object], labels: Mapping[str, Sequence[str]]
) -> str:
    if isinstance(item, Undercut):
        return f"{_row(item.at, blocks)}, but only {item.most:.0f} can be reached; {item.low:.0f} are asked for."
    guests = [labels["guests"][g] for g in item.guests]
    hosts = [labels["hosts"][h] for h in item.hosts]
    asked = "; ".join(dict.fromkeys(_row(at, blocks) for at in item.needs[:3]))
    limits = "; ".join(dict.fromkeys(_row(at, blocks) for at in item.limits[:3]))
    return (
        f"{item.needed} meetings are asked for ({asked}{', …' if len(item.needs) > 3 else ''}), but there are only "
        f"{item.places} places ({limits}{', …' if len(item.limits) > 3 else ''}): {item.short} short. "
        f"Concerned: {_few(guests, 'guests')}; {_few(hosts, 'hosts')}."
    )


def _row(at: RowRef, blocks: Sequence[object]) -> str:
    return str(blocks[at.block].says(at.row))  # type: ignore[attr-defined]


def _few(names: Sequence[str], noun: str) -> str:
    shown = ", ".join(names[:5])
    return f"{len(names)} {noun if len(names) != 1 else noun.removesuffix('s')} ({shown}{', …' if len(names) > 5 else ''})"
