"""The registry of products: each with its settings and the function that proposes it; and products solved as one.

Solved as one, their candidates stand side by side, with the rules of each and one ledger over all of them: none has the first choice of a city that several of them want. Meetings of all formats count alike when places
are filled; then the scores are added up.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import scipy.sparse as sp

from twinmatch.errors import NoProposalError, QuestionError
from twinmatch.extensions import Registry, need
from twinmatch.programmes.base import ProductSettings
from twinmatch.programmes.city_panels import CityPanels, panel_rules, solved_panels
from twinmatch.programmes.discussion_groups import (
    DiscussionGroups,
    group_rules,
    solved_groups,
)
from twinmatch.programmes.load_ledger import load_block
from twinmatch.programmes.national_clusters import (
    NationalClusters,
    cluster_rules,
    propose_national_clusters,
)
from twinmatch.programmes.policy_exchange import PolicyExchange
from twinmatch.programmes.round import Round, SolvedProduct
from twinmatch.programmes.rules import load_rules
from twinmatch.programmes.study_visits import StudyVisits, solved_visits, visit_rules
from twinmatch.programmes.study_visits import prepare as prepare_visits
from twinmatch.programmes.study_visits import product_of as product_of_visits
from twinmatch.programmes.twinning import Twinning, pair_rules, prepare, product_of, solved_twinning
from twinmatch.programmes.world_cafe import WorldCafe, judge_cafes, propose_world_cafe
from twinmatch.proposal import Meeting, Product, RuleStatus
from twinmatch.solving import Block, Candidates, solve
from twinmatch.wording import listed, say

Judge = Callable[[Round, Any, Product], tuple[RuleStatus, ...]]
"""How a finished product, no matter who made it, stands to each rule of its kind."""


@dataclass(frozen=True)
class RegisteredProduct:
    """A line of the registry: the settings of a product, and the function that proposes it.

    ``prepare`` and ``product_of`` are there where the product can be solved together with others: the first
    returns its candidates with the rules over them, the second the product of a choice. ``judge`` is there
    where the product has rules of its own; without it a product is only judged as every product is.
    """

    settings: type[ProductSettings]
    propose: Callable[[Round, Any], Product | SolvedProduct]
    prepare: Callable[[Round, Any], Any] | None = None
    product_of: Callable[..., Product] | None = None
    judge: Judge | None = None

    def __call__(self, round_: Round, settings: ProductSettings) -> Product:
        """Return the product of a round; raises what its function raises."""
        found = self.propose(round_, settings)
        return found.product if isinstance(found, SolvedProduct) else found


def by_meetings(rules: Callable[[Round, Any, Sequence[Meeting]], tuple[RuleStatus, ...]]) -> Judge:
    """Return the judge of a product whose rules are read from its meetings and nothing else."""
    return lambda round_, settings, product: rules(round_, settings, product.meetings)


OWN: dict[str, RegisteredProduct] = {
    "twinning": RegisteredProduct(Twinning, solved_twinning, prepare, product_of, pair_rules),
    "discussion_groups": RegisteredProduct(
        DiscussionGroups, solved_groups, judge=by_meetings(group_rules)
    ),
    "study_visits": RegisteredProduct(
        StudyVisits, solved_visits, prepare_visits, product_of_visits, by_meetings(visit_rules)
    ),
    "national_clusters": RegisteredProduct(
        NationalClusters, propose_national_clusters, judge=by_meetings(cluster_rules)
    ),
    "city_panels": RegisteredProduct(CityPanels, solved_panels, judge=by_meetings(panel_rules)),
    "policy_exchange": RegisteredProduct(
        PolicyExchange, solved_groups, judge=by_meetings(group_rules)
    ),
    "world_cafe": RegisteredProduct(WorldCafe, propose_world_cafe, judge=judge_cafes),
}
"""Each product of the programme files, in the order in which they choose where the ledger says no other."""


def checked_product(name: str, entry: Any) -> RegisteredProduct:
    """Return a product from elsewhere whose answers are checked; raises QuestionError where it is no RegisteredProduct."""
    right = isinstance(entry, RegisteredProduct) and issubclass(entry.settings, ProductSettings)
    need(
        right,
        GROUP,
        name,
        f"it is {type(entry).__name__}, not RegisteredProduct(settings, propose)",
    )

    def propose(round_: Round, settings: Any) -> Product:
        product: Product = entry.propose(round_, settings)
        need(
            isinstance(product, Product),
            GROUP,
            name,
            f"it gives {type(product).__name__}, not a Product",
        )
        need(product.product == name, GROUP, name, f"its product is called {product.product!r}")
        members = [city for meeting in product.meetings for city in meeting.cities()]
        unknown = {*members, *(out.city for out in product.left_out)} - round_.cohort.index.keys()
        need(not unknown, GROUP, name, f"it names {', '.join(sorted(unknown))}, not in the cohort")
        need(math.isfinite(product.score), GROUP, name, f"its score is {product.score}")
        return product

    given: RegisteredProduct = entry
    return replace(given, propose=propose)


GROUP = "twinmatch.products"

PRODUCTS: Registry[RegisteredProduct] = Registry(GROUP, OWN, checked_product)
"""Every product: ours, then those of installed packages and those added at run time."""


# --- products solved as one ----------------------------------------------------------------------------------


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
        says = say("{title} cannot be made together.", title=title)
        raise NoProposalError.of("no-proposal", says, do=say("Make them in turn."))
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
            engine=say(
                "{engine}, solved together with {others}", engine=solution.engine, others=others
            ),
        )
        assert part.entry.product_of is not None
        product = part.entry.product_of(one, chosen, mine)
        found.append(SolvedProduct(product, one, chosen, mine))
    return [_beside(solved, found) for solved in found]


def _beside(solved: SolvedProduct, found: Sequence[SolvedProduct]) -> SolvedProduct:
    """Return a product as if it had been solved last: in the ledger stands what the others take."""
    ready, ledger = solved.ready, solved.ready.round.ledger
    for other in found:
        if other is not solved:
            ledger = ledger.with_product(other.product, other.ready.settings)
    rules = [rule for rule in ready.rules if rule.kind != "load"]
    rules += load_rules(load_block(ready.loads, ledger))
    round_ = replace(ready.round, load_ledger=ledger)
    return replace(solved, ready=replace(ready, round=round_, rules=tuple(rules)))


def _check(parts: Sequence[JointPart]) -> None:
    alone = [p.name for p in parts if p.entry.prepare is None or p.entry.product_of is None]
    if alone:
        raise QuestionError.of(
            "not-together",
            say(
                "[ledger] together names {p}, which cannot be solved with others.", p=listed(alone)
            ),
            do=say("Put it in order instead."),
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
                block = rule.block.take(k)
                own = block.matrix
                wide = sp.csr_array(
                    (own.data, own.indices + start, own.indptr), (len(own.indptr) - 1, count)
                )
                blocks.append(replace(block, matrix=wide, switch=None))
        start += len(k)
    loads = sp.csr_array(sp.vstack([one.loads[k] for one, k in zip(ready, keep, strict=True)]))
    limited = load_block(loads, round_.ledger)
    return [*blocks, limited] if limited else blocks
