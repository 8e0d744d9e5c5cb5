"""The registry of products: each with its settings and the function that proposes it."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Any

from twinmatch.extensions import Registry, need
from twinmatch.programmes.base import ProductSettings
from twinmatch.programmes.city_panels import CityPanels, panel_rules, solved_panels
from twinmatch.programmes.discussion_groups import (
    DiscussionGroups,
    group_rules,
    solved_groups,
)
from twinmatch.programmes.national_clusters import (
    NationalClusters,
    cluster_rules,
    propose_national_clusters,
)
from twinmatch.programmes.policy_exchange import PolicyExchange
from twinmatch.programmes.round import Round, SolvedProduct
from twinmatch.programmes.study_visits import StudyVisits, solved_visits, visit_rules
from twinmatch.programmes.study_visits import prepare as prepare_visits
from twinmatch.programmes.twinning import Twinning, pair_rules, prepare, solved_twinning
from twinmatch.programmes.world_cafe import WorldCafe, judge_cafes, propose_world_cafe
from twinmatch.proposal import Meeting, Product, RuleStatus

Judge = Callable[[Round, Any, Product], tuple[RuleStatus, ...]]
"""How a finished product, no matter who made it, stands to each rule of its kind."""


@dataclass(frozen=True)
class RegisteredProduct:
    """A line of the registry: the settings of a product, and the function that proposes it.

    ``prepare`` is there where the product chooses among candidates: it returns them with the rules over them.
    ``judge`` is there where the product has rules of its own; without it a product is only judged as every product is.
    """

    settings: type[ProductSettings]
    propose: Callable[[Round, Any], Product | SolvedProduct]
    prepare: Callable[[Round, Any], Any] | None = None
    judge: Judge | None = None

    def __call__(self, round_: Round, settings: ProductSettings) -> Product:
        """Return the product of a round; raises what its function raises."""
        found = self.propose(round_, settings)
        return found.product if isinstance(found, SolvedProduct) else found


def by_meetings(rules: Callable[[Round, Any, Sequence[Meeting]], tuple[RuleStatus, ...]]) -> Judge:
    """Return the judge of a product whose rules are read from its meetings and nothing else."""
    return lambda round_, settings, product: rules(round_, settings, product.meetings)


OWN: dict[str, RegisteredProduct] = {
    "twinning": RegisteredProduct(Twinning, solved_twinning, prepare, pair_rules),
    "discussion_groups": RegisteredProduct(
        DiscussionGroups, solved_groups, judge=by_meetings(group_rules)
    ),
    "study_visits": RegisteredProduct(
        StudyVisits, solved_visits, prepare_visits, by_meetings(visit_rules)
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
