"""Programmes: the formats that a round can have, each in a file of its own, and the rules they are made under.

OPEN for additions: a format is a file with a settings class and a function from a round and these settings to a
:class:`~twinmatch.proposal.Product`, and one line below. The programme files, the ledger, the proposal and
the referee read this registry, so nothing else needs to know of it.
"""

from __future__ import annotations

from twinmatch.programmes.city_panels import CityPanels, panel_rules, propose_city_panels
from twinmatch.programmes.discussion_groups import (
    DiscussionGroups,
    group_rules,
    propose_discussion_groups,
)
from twinmatch.programmes.format import Format, by_meetings
from twinmatch.programmes.national_clusters import (
    NationalClusters,
    cluster_rules,
    propose_national_clusters,
)
from twinmatch.programmes.policy_exchange import PolicyExchange, propose_policy_exchange
from twinmatch.programmes.round import Round
from twinmatch.programmes.settings import Programme, Twinning, load
from twinmatch.programmes.study_visits import StudyVisits, propose_study_visits, visit_rules
from twinmatch.programmes.study_visits import prepare as prepare_visits
from twinmatch.programmes.study_visits import product_of as product_of_visits
from twinmatch.programmes.twinning import pair_rules, prepare, product_of, propose_twinning
from twinmatch.programmes.world_cafe import WorldCafe, judge_cafes, propose_world_cafe

__all__ = ["PRODUCTS", "Format", "Programme", "Round", "load"]

PRODUCTS: dict[str, Format] = {
    "twinning": Format(Twinning, propose_twinning, prepare, product_of, pair_rules),
    "discussion_groups": Format(
        DiscussionGroups, propose_discussion_groups, judge=by_meetings(group_rules)
    ),
    "study_visits": Format(
        StudyVisits,
        propose_study_visits,
        prepare_visits,
        product_of_visits,
        by_meetings(visit_rules),
    ),
    "national_clusters": Format(
        NationalClusters, propose_national_clusters, judge=by_meetings(cluster_rules)
    ),
    "city_panels": Format(CityPanels, propose_city_panels, judge=by_meetings(panel_rules)),
    "policy_exchange": Format(
        PolicyExchange, propose_policy_exchange, judge=by_meetings(group_rules)
    ),
    "world_cafe": Format(WorldCafe, propose_world_cafe, judge=judge_cafes),
}
"""Each format of the programme files, in the order in which they choose where the ledger says no other."""
