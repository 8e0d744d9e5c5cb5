import io

import networkx as nx
from exporting_samples import FORMULA, SCRIPT, sample
from hypothesis import given, settings
from hypothesis import strategies as st

from twinmatch.exporting.atlas import network, network_graphml
from twinmatch.proposal import CityCard, Proposal


def read(proposal: Proposal) -> nx.MultiDiGraph:
    return nx.read_graphml(io.BytesIO(network_graphml(proposal)), force_multigraph=True)


def test_ties_follow_the_roles():
    ties = [(a, b, d["tie"]) for a, b, d in read(sample()).edges(data=True)]
    assert sorted(ties) == [
        ("at-graz", "dk-aarhus", "guest to host"),
        ("at-graz", "se-lund", "guest to host"),
        ("fr-lyon", "at-graz", "member and member"),
        ("fr-lyon", "dk-aarhus", "member to lead"),
        ("fr-lyon", "fr-nantes", "member and member"),
        ("fr-nantes", "at-graz", "member and member"),
        ("il-eilat", "xk-nowhere", "guest to host"),
        ("se-lund", "dk-aarhus", "member to lead"),
    ]


def test_attributes_are_texts_and_numbers_and_the_unknown_is_left_out():
    graph = read(sample())
    assert graph.nodes["at-graz"] == {
        "label": "Graz",
        "country": "AT",
        "country_name": "Austria",
        "roles": "guest",
        "population": 289_440,
        "lat": 47.07,
        "lon": 15.44,
        "known": 0.9,
    }
    assert "population" not in graph.nodes["dk-aarhus"]
    assert "lat" not in graph.nodes["fr-lyon"]
    assert graph.nodes["fr-lyon"]["label"] == FORMULA
    assert graph.nodes["fr-nantes"]["label"] == "fr-nantes"
    (edge,) = graph.get_edge_data("il-eilat", "xk-nowhere").values()
    assert edge["product"] == "twinning"
    assert edge["meeting"] == "twinning-2"
    assert abs(edge["score"] - 0.6078571429) < 1e-9
    assert edge["reasons"] == f"{SCRIPT}."


def test_edges_have_their_own_ids():
    keys = [key for _, _, key in network(sample()).edges(keys=True)]
    assert len(set(keys)) == len(keys) == 8


def test_the_same_proposal_gives_the_same_bytes():
    assert network_graphml(sample()) == network_graphml(sample())


@settings(deadline=None)
@given(st.text(min_size=1))
def test_any_name_can_be_read_again(name):
    card = CityCard("at-graz", name, "AT", name, (name,), 1, 0, 0, 1)
    read(Proposal({"title": name}, (), cities=(card,)))
