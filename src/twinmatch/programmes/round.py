"""A round: cohort, programme, facet cache, load ledger and earlier proposal, opened once, and the products solved so far.

Beside them: what each rule of a product costs at most, read from the one solve that made it; nothing is solved again.

Notation: m candidates; prices of rows, one (r,) array a rule, are what one more of a maximum is worth in score (less,
where negative, of a minimum).
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import TYPE_CHECKING, Any, Final

import numpy as np
from numpy.typing import NDArray

from twinmatch.affinity import Affinity
from twinmatch.cohort import Cohort
from twinmatch.errors import NoProposalError, Problem
from twinmatch.facets import FacetCache
from twinmatch.programmes.load_ledger import Ledger, LoadLedger, open_ledger
from twinmatch.programmes.rules import DEFINES, Rule, allowed_pairs, price_at_most, worth
from twinmatch.proposal import Account, FacetWeight, Product, Proposal, RulePrice
from twinmatch.solving import Block, Bools, Candidates, Clash, Labels, Solution, clash, in_words
from twinmatch.solving.model import Advice, AssignmentQuestion, Undercut
from twinmatch.standings import THIN_COVERAGE
from twinmatch.wording import listed, say, titled

if TYPE_CHECKING:
    from twinmatch.programmes.programme import Programme


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
    """A product with what it was solved from, and the choice: ``chosen`` (m,) is true for the candidates that meet.

    ``ready`` has the round before it, its settings, the candidates and the rules over them.
    """

    product: Product
    ready: Any
    chosen: NDArray[np.bool_]
    solution: Solution
    partial: bool = False
    """Whether something was given up before the solve, so that its prices tell less than a rule may cost."""


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
    says = "Only {coverage:.0f}% of what is compared is known of these cities; ask before this is confirmed."
    if account.coverage < 0.005:
        says = "Nothing of what is compared is known of these cities; ask before this is confirmed."
    return (say(says, coverage=100 * account.coverage),)


def no_answer(
    solution: Solution,
    candidates: Candidates,
    rules: Sequence[Rule],
    *,
    hosts: Sequence[str],
    guests: Sequence[str],
) -> NoProposalError:
    """Return the error of a product that fits no rules: the rows and places that are short, else the rules that clash.

    ``hosts`` and ``guests`` are their names by index.
    """
    keep = np.flatnonzero(allowed_pairs(rules))
    counting = [rule.block for rule in rules if not rule.filters]
    if not len(keep):
        found = say("No two cities are left that may meet, of {n} pairs.", n=len(candidates))
        loosen = say("Loosen what takes out pairs: {rules}.", rules=_filters(rules, slice(None)))
        return NoProposalError.of("no-proposal", found, do=loosen)
    blocks, candidates = [block.take(keep) for block in counting], candidates.take(keep)
    labels = Labels(blocks, host=hosts.__getitem__, guest=guests.__getitem__)
    alone = {item.at for item in solution.advice if isinstance(item, Undercut)}
    told: list[Advice | Clash] = [
        a for a in solution.advice if isinstance(a, Undercut) or not alone.issuperset(a.needs)
    ]
    told = told or [clash(candidates, blocks)]
    return NoProposalError(
        Problem("no-proposal", in_words(item, labels), do=_to_loosen(item, rules, counting))
        for item in told
    )


def _to_loosen(told: Advice | Clash, rules: Sequence[Rule], counting: Sequence[Block]) -> str:
    """Return what to do about a piece of advice; where one row has too few pairs, with what takes them out."""
    if isinstance(told, Undercut) and told.low > told.most:
        row = counting[told.at.block].matrix[[told.at.row], :].indices
        if by := _filters(rules, row):
            says = "Loosen it, or what takes out pairs of its {n}: {rules}."
            return say(says, n=len(row), rules=by)
    return say("Loosen one of the rules.")


def _filters(rules: Sequence[Rule], pairs: Any) -> str:
    """Return the filters that take out some of the pairs, each with how many."""
    out = [(rule.name, int(rule.forbidden[pairs].sum())) for rule in rules if rule.filters]
    return listed([say("{rule} ({n})", rule=titled(name), n=n) for name, n in out if n])


# --- what rules cost at most ---------------------------------------------------------------------------------


def price_bounds(solved: SolvedProduct) -> dict[str, RulePrice]:
    """Return what each rule of a product costs at most, by name: from the prices of the one solve, without another.

    Where nothing but a rule stands in the way of more meetings, their number is bounded by every other rule. Else any
    answer without the rule is worth no more than what the prices of all other rules leave of its meetings (Geoffrion
    1974, doi:10.1007/BFb0120690), as many as there are now, and no guest with more than it may have.
    """
    ready, chosen = solved.ready, solved.chosen
    filled, rules = int(chosen.sum()), tuple[Rule, ...](ready.rules)
    lines = [rule for rule in rules if not rule.filters]
    told = solved.solution.duals
    if [len(rule.block) for rule in lines] != [len(dual) for dual in told]:
        told = tuple(np.zeros(len(rule.block)) for rule in lines)  # an answer without prices
    duals = dict(zip(map(id, lines), map(_priced_rows, lines, told), strict=True))
    left = ready.candidates.score - sum(duals[id(r)][0] for r in lines)
    limits = math.fsum(duals[id(r)][1] for r in lines)
    score = worth(rules, ready.candidates, chosen)
    filters = sum(rule.forbidden.astype(np.int64) for rule in rules)
    each = [rule.block for rule in lines if rule.kind in FIXED]
    best, found = _BestMeetings(ready.candidates, each, filled), {}
    for rule in rules:
        if rule.kind in FIXED:
            found[rule.name] = DEFINES
            continue
        open_ = filters == rule.forbidden
        others = [r for r in lines if r is not rule]
        more = fillable(others, np.asarray(open_), filled) - filled
        lost, mine = (0.0, 0.0) if rule.filters else duals[id(rule)]
        gain = 0.0 if more else limits - mine + best.total(left + lost, np.asarray(open_)) - score
        found[rule.name] = price_at_most(more, gain)
    return found


FIXED: Final = ("structure", "demand")
"""Kinds of rules that say what a meeting is; without them there is no answer to compare."""


def _priced_rows(rule: Rule, dual: NDArray[np.float64]) -> tuple[NDArray[np.float64], float]:
    """Return what the prices of a rule's rows take of each meeting, (m,), and what its limits are worth."""
    block, price = rule.block, np.asarray(dual)
    if block.price is not None:  # no more is paid than a unit costs, over all rows missed together
        together = np.arange(len(block)) if block.shared is None else block.shared
        paid = np.bincount(together, np.abs(price), minlength=len(block))[together]
        price = price * np.minimum(1.0, block.price / np.maximum(paid, 1e-300))
    limit = np.where(price > 0, block.high, block.low)
    price = np.where(np.isfinite(limit), price, 0.0)
    return block.matrix.T @ price, float(price @ np.where(price, limit, 0.0))


def fillable(rules: Sequence[Rule], open_: Bools, filled: int) -> int:
    """Return how many of the open meetings (m,) can be had at most, by each rule that counts all of them; at least ``filled``."""
    most = int(open_.sum())
    for block in (rule.block for rule in rules if rule.block.price is None):
        counted = np.zeros(len(open_), dtype=bool)
        counted[block.matrix.indices] = True
        if (
            most > filled
            and block.matrix.data.min(initial=1.0) >= 1
            and not (open_ & ~counted).any()
        ):
            rows = np.minimum(np.floor(block.high), block.matrix @ open_.astype(np.float64))
            most = min(most, int(rows.sum()))
    return max(most, filled)


class _BestMeetings:
    """The best sum over so many meetings that leaves no guest with more than it may have."""

    def __init__(self, candidates: Candidates, each: Sequence[Block], filled: int) -> None:
        question = AssignmentQuestion(candidates, tuple(each), ())
        self._most, self._filled = question.most_each, filled
        self._order = np.argsort(candidates.guest, kind="stable")
        self._guest = candidates.guest[self._order]

    def total(self, each: NDArray[np.float64], open_: Bools) -> float:
        """Return the sum, given what each meeting is worth (m,) and which are open (m,)."""
        value = np.where(open_, each, -np.inf)[self._order]
        if self._most.max(initial=0) > 1:
            by = np.lexsort((-value, self._guest))
            value = value[by]
        starts = np.flatnonzero(np.diff(self._guest, prepend=-1))
        if self._most.max(initial=0) > 1:
            sizes = np.diff(np.append(starts, len(value)))
            rank = np.arange(len(value)) - np.repeat(starts, sizes)
            best = value[rank < self._most[self._guest]]
        else:
            best = np.maximum.reduceat(value, starts) if len(starts) else value
        return float(np.sort(best)[len(best) - self._filled :].sum())
