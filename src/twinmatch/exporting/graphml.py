"""network.graphml: who meets whom, as a graph that Gephi and networkx open.

Nodes are cities; edges are the ties of every meeting: guest to host, else member to lead, else each two
members. Attributes are texts and numbers only, and one that is not known is left out.
"""

from __future__ import annotations

from collections.abc import Iterator
from io import BytesIO
from itertools import combinations
from typing import TYPE_CHECKING, Any

from twinmatch.exporting import words
from twinmatch.exporting.characters import printable
from twinmatch.exporting.folder_files import Directory
from twinmatch.proposal import Meeting, Proposal

if TYPE_CHECKING:
    import networkx as nx


def network_graphml(proposal: Proposal) -> bytes:
    """Return the network as GraphML, the same bytes on every run and with or without lxml."""
    from networkx.readwrite.graphml import GraphMLWriter

    stream = BytesIO()
    writer = GraphMLWriter(prettyprint=True)
    writer.add_graph_element(network(proposal))
    writer.dump(stream)
    return stream.getvalue()


def network(proposal: Proposal) -> nx.MultiDiGraph[str]:
    """Return the graph of cities and ties; its nodes and edges follow the proposal's order."""
    import networkx as nx

    directory = Directory(proposal)
    graph: nx.MultiDiGraph[str] = nx.MultiDiGraph(name=printable(proposal.title))
    for card in proposal.cities:
        graph.add_node(printable(card.id), **_city(directory, card.id))
    for product in proposal.products:
        for meeting in product.meetings:
            _add_ties(graph, product.product, meeting, directory)
    return graph


def _add_ties(
    graph: nx.MultiDiGraph[str], product: str, meeting: Meeting, directory: Directory
) -> None:
    """Add the edges of one meeting, and the cities that the proposal has no card of."""
    attributes = _meeting(product, meeting, directory)
    for one, other, tie in ties(meeting):
        for city in (one, other):
            if printable(city) not in graph:
                graph.add_node(printable(city), **_city(directory, city))
        key = printable(f"{meeting.id} {one} {other}")
        graph.add_edge(printable(one), printable(other), key=key, tie=tie, **attributes)


def ties(meeting: Meeting) -> Iterator[tuple[str, str, str]]:
    """Yield the ties of a meeting: two cities, and what ties them."""
    hosts, guests = meeting.cities("host"), meeting.cities("guest")
    leads, members = meeting.cities("lead"), meeting.cities("member")
    if hosts or guests:
        yield from ((guest, host, "guest to host") for guest in guests for host in hosts)
    elif leads:
        yield from ((one, other, "lead and lead") for one, other in combinations(leads, 2))
        yield from ((member, lead, "member to lead") for member in members for lead in leads)
    else:
        yield from ((one, other, "member and member") for one, other in combinations(members, 2))


def _city(directory: Directory, city: str) -> dict[str, Any]:
    """Return a node's attributes, without those that are not known."""
    card = directory.card(city)
    return _attributes(
        label=card.name,
        country=card.country,
        country_name=card.country_name,
        roles=", ".join(card.roles),
        population=card.population,
        lat=card.lat,
        lon=card.lon,
        known=card.known,
    )


def _meeting(product: str, meeting: Meeting, directory: Directory) -> dict[str, Any]:
    """Return the attributes of a meeting's edges; Gephi reads ``weight`` as the strength of a tie."""
    return _attributes(
        product=product,
        meeting=meeting.id,
        label=directory.title(meeting),
        score=meeting.score,
        weight=meeting.score,
        reasons=" ".join(map(words.shortened, words.reasons(meeting))),
    )


def _attributes(**values: str | float | None) -> dict[str, str | float]:
    """Return what GraphML can hold of some values, each attribute always of one type."""
    known = {key: value for key, value in values.items() if value not in (None, "")}
    return {
        key: printable(value) if isinstance(value, str) else _settled(key, value)
        for key, value in known.items()
        if value is not None
    }


def _settled(key: str, value: float) -> float:
    """Return a number without the noise of a sum; whole only where it counts people."""
    return value if key == "population" else round(float(value), 10)
