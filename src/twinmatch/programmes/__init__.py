"""Programmes: the formats that a round can have, each in a file of its own, and the rules they are made under.

OPEN for additions: a format is a file with a settings class and a function from a round and these settings to a
:class:`~twinmatch.proposal.Product`, and one line below. The programme files, the ledger and the proposal read
this registry, so nothing else needs to know of it.
"""

from __future__ import annotations

from twinmatch.programmes.city_panels import CityPanels, propose_city_panels
from twinmatch.programmes.discussion_groups import DiscussionGroups, propose_discussion_groups
from twinmatch.programmes.format import Format
from twinmatch.programmes.national_clusters import NationalClusters, propose_national_clusters
from twinmatch.programmes.policy_exchange import PolicyExchange, propose_policy_exchange
from twinmatch.programmes.round import Round
from twinmatch.programmes.settings import Programme, Twinning, load
from twinmatch.programmes.study_visits import StudyVisits, propose_study_visits
from twinmatch.programmes.study_visits import prepare as prepare_visits
from twinmatch.programmes.study_visits import product_of as product_of_visits
from twinmatch.programmes.twinning import prepare, product_of, propose_twinning
from twinmatch.programmes.world_cafe import WorldCafe, propose_world_cafe

__all__ = ["PRODUCTS", "Format", "Programme", "Round", "load"]

PRODUCTS: dict[str, Format] = {
    "twinning": Format(Twinning, propose_twinning, prepare, product_of),
    "discussion_groups": Format(DiscussionGroups, propose_discussion_groups),
    "study_visits": Format(StudyVisits, propose_study_visits, prepare_visits, product_of_visits),
    "national_clusters": Format(NationalClusters, propose_national_clusters),
    "city_panels": Format(CityPanels, propose_city_panels),
    "policy_exchange": Format(PolicyExchange, propose_policy_exchange),
    "world_cafe": Format(WorldCafe, propose_world_cafe),
}
"""Each format of the programme files, in the order in which they choose where the ledger says no other."""
