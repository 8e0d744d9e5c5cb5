"""The projection of European maps: ETRS89 Lambert azimuthal equal area (EPSG:3035), as used by Eurostat.

Notation: phi latitude, lam longitude, in radians; q the authalic function and beta the authalic latitude;
e the eccentricity of the ellipsoid GRS 1980. Formulas: J. P. Snyder, "Map Projections: A Working Manual",
U.S. Geological Survey Professional Paper 1395 (1987), pages 187-188; the same as method 9820 in IOGP
Publication 373-7-2, whose worked example is a test.

Where the pairs lie: the places, lines and labels of a map of guests and hosts.

All lengths are kilometres on the map (EPSG:3035), y growing downwards; a *unit* is a thousandth of the
map's width, so that dots and letters have the same size on every map. The list of pairs says the same.

network.graphml: who meets whom, as a graph that Gephi and networkx open. Nodes are cities; edges are the ties of every
meeting: guest to host, else member to lead, else each two members. Attributes are texts and numbers only, and one
that is not known is left out.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from functools import cache
from html import escape
from importlib.resources import files
from itertools import combinations
from itertools import product as crossed
from math import atanh, cos, hypot, radians, sin, sqrt
from typing import TYPE_CHECKING, Any, Final

import numpy as np

from twinmatch.exporting import words
from twinmatch.exporting.folder_files import Directory, printable
from twinmatch.proposal import CityCard, Meeting, Proposal
from twinmatch.vocabulary.geography import distance_km
from twinmatch.wording import say

if TYPE_CHECKING:
    import networkx as nx

SEMI_MAJOR_AXIS: Final = 6_378_137.0
FLATTENING: Final = 1 / 298.257222101
CENTRE: Final = (52.0, 10.0)
FALSE_ORIGIN: Final = (4_321_000.0, 3_210_000.0)

_E2 = FLATTENING * (2 - FLATTENING)
_E = sqrt(_E2)


def _q(phi: float) -> float:
    """Return the authalic function of a latitude (Snyder 3-12)."""
    s = sin(phi)
    return (1 - _E2) * (s / (1 - _E2 * s * s) + atanh(_E * s) / _E)


_PHI1, _LAM0 = radians(CENTRE[0]), radians(CENTRE[1])
_QP = _q(radians(90))
_RQ = SEMI_MAJOR_AXIS * sqrt(_QP / 2)
_SIN_BETA1 = _q(_PHI1) / _QP
_COS_BETA1 = sqrt(1 - _SIN_BETA1**2)
_M1 = cos(_PHI1) / sqrt(1 - _E2 * sin(_PHI1) ** 2)
_D = SEMI_MAJOR_AXIS * _M1 / (_RQ * _COS_BETA1)


def project(lat: float, lon: float) -> tuple[float, float]:
    """Return easting and northing in metres of a place in degrees.

    The one point opposite to the centre, in the southern Pacific, has no place on the map and raises
    ZeroDivisionError.
    """
    lam = radians(lon) - _LAM0
    sin_beta = max(-1.0, min(1.0, _q(radians(lat)) / _QP))
    cos_beta = sqrt(1 - sin_beta**2)
    facing = 1 + _SIN_BETA1 * sin_beta + _COS_BETA1 * cos_beta * cos(lam)
    b = _RQ * sqrt(2 / facing)
    east = b * _D * cos_beta * sin(lam)
    north = b / _D * (_COS_BETA1 * sin_beta - _SIN_BETA1 * cos_beta * cos(lam))
    return FALSE_ORIGIN[0] + east, FALSE_ORIGIN[1] + north


def kilometres(lat: float, lon: float) -> tuple[float, float]:
    """Return a place on the map in kilometres, with y growing downwards as in SVG."""
    east, north = project(lat, lon)
    return east / 1000, -north / 1000


def span(one: tuple[float, float], other: tuple[float, float]) -> float:
    """Return the distance of two places on the map, in its unit."""
    return hypot(one[0] - other[0], one[1] - other[1])


MARGIN = 160.0
"""Kilometres of land around the outermost cities."""

NARROWEST = 1500.0
"""Kilometres that a map shows at least, so that a reader sees where in Europe it is."""

DOT, LETTER = 5.0, 15.0
"""Radius of a dot and height of a letter, in units."""

BEND = 0.04
"""How far a line bows out, as part of its length: lines of nearby pairs part, and none hides another."""


@dataclass(frozen=True)
class Land:
    """The land and the borders of the map, as SVG paths, and the box that they fill."""

    shores: str
    borders: str
    west: float
    north: float
    east: float
    south: float


@dataclass(frozen=True)
class Dot:
    """A city on the map: its place, its part, its label and where that stands (empty where there is no room)."""

    city: str
    x: float
    y: float
    is_host: bool
    title: str
    label: str
    meetings: tuple[str, ...]
    """Ids of its meetings."""
    label_x: float = 0.0
    label_y: float = 0.0


@dataclass(frozen=True)
class Tie:
    """A line from a guest to a host city; ``lesser`` where it is one of several cities of the host."""

    path: str
    title: str
    lesser: bool
    meeting: str
    """The id of its meeting."""


@dataclass(frozen=True)
class PairMap:
    """A map of pairs: its frame, lines and dots, and the cities whose place is not known or not in Europe."""

    x: float
    y: float
    width: float
    height: float
    ties: tuple[Tie, ...]
    dots: tuple[Dot, ...]
    absent: tuple[str, ...]

    @property
    def unit(self) -> float:
        """Return a thousandth of the map's width."""
        return self.width / 1000


@cache
def land() -> Land:
    """Return the land and borders that are packaged with the house."""
    text = (files("twinmatch.exporting") / "assets" / "europe.json").read_text(encoding="utf-8")
    content = json.loads(text)
    return Land(content["land"], content["borders"], *map(float, content["box"]))


def pair_map(meetings: Sequence[Meeting], directory: Directory) -> PairMap | None:
    """Return the map of some pairs, numbered from 1 in their order; None where no pair can be drawn."""
    cards = [directory.card(city) for city in dict.fromkeys(_cities(meetings))]
    places = {card.id: place for card in cards if (place := _place(card)) is not None}
    ties = tuple(tie for n, m in enumerate(meetings, 1) for tie in _ties(n, m, places, directory))
    if not ties:
        return None
    x, y, width, height = _frame(list(places.values()))
    dots = _labelled(list(_dots(meetings, places, directory)), width / 1000, x, x + width)
    absent = tuple(card.name for card in cards if card.id not in places)
    return PairMap(x, y, width, height, ties, tuple(dots), absent)


def _cities(meetings: Sequence[Meeting]) -> Iterator[str]:
    """Yield the guests and hosts of some pairs."""
    for meeting in meetings:
        yield from (*meeting.cities("guest"), *meeting.cities("host"))


def _place(card: CityCard) -> tuple[float, float] | None:
    """Return a city's place on the map; None where it is not known or beyond the packaged land."""
    if card.lat is None or card.lon is None:
        return None
    x, y = kilometres(card.lat, card.lon)
    shown = land().west < x < land().east and land().north < y < land().south
    return (x, y) if shown else None


def _ties(
    number: int, meeting: Meeting, places: dict[str, tuple[float, float]], directory: Directory
) -> Iterator[Tie]:
    """Yield the lines of a pair, from each guest to each city of the host."""
    hosts = meeting.cities("host")
    for guest, host in crossed(meeting.cities("guest"), hosts):
        if guest in places and host in places:
            names = {"guest": directory.name(guest), "host": directory.name(host)}
            title = say("Pair {n}: {guest} to {host}", n=number, **names)
            yield Tie(_bow(places[guest], places[host]), title, len(hosts) > 1, meeting.id)


def _bow(start: tuple[float, float], end: tuple[float, float]) -> str:
    """Return a slightly bent line as an SVG path."""
    (x1, y1), (x2, y2) = start, end
    bend_x = (x1 + x2) / 2 + BEND * 2 * (y2 - y1)
    bend_y = (y1 + y2) / 2 - BEND * 2 * (x2 - x1)
    return f"M{x1:.0f} {y1:.0f}Q{bend_x:.0f} {bend_y:.0f} {x2:.0f} {y2:.0f}"


def _frame(places: Sequence[tuple[float, float]]) -> tuple[float, float, float, float]:
    """Return west, north, width and height of a map that shows all places with land around them."""
    low, high = _stretch([x for x, _ in places], land().west, land().east)
    top, bottom = _stretch([y for _, y in places], land().north, land().south)
    return round(low), round(top), round(high - low), round(bottom - top)


def _stretch(values: Sequence[float], least: float, most: float) -> tuple[float, float]:
    """Return a range around some values, wide enough to recognise, inside the land."""
    middle = (min(values) + max(values)) / 2
    half = max((max(values) - min(values)) / 2 + MARGIN, NARROWEST / 2)
    return max(least, middle - half), min(most, middle + half)


def _dots(
    meetings: Sequence[Meeting], places: dict[str, tuple[float, float]], directory: Directory
) -> Iterator[Dot]:
    """Yield the cities: guests labelled with the numbers of their pairs, then hosts with their names."""
    numbers: dict[tuple[str, bool], list[int]] = {}
    for number, meeting in enumerate(meetings, 1):
        for role in ("guest", "host"):
            for city in meeting.cities("guest" if role == "guest" else "host"):
                numbers.setdefault((city, role == "host"), []).append(number)
    for (city, is_host), pairs in sorted(numbers.items(), key=lambda item: item[0][1]):
        if city in places:
            told = ", ".join(map(str, pairs))
            name = directory.name(city)
            title = (
                say("{city}, host in {pairs}", city=name, pairs=told)
                if is_host
                else say("{city}, guest in {pairs}", city=name, pairs=told)
            )
            ids = tuple(meetings[number - 1].id for number in pairs)
            yield Dot(city, *places[city], is_host, title, name if is_host else told, ids)


def _labelled(dots: list[Dot], unit: float, west_edge: float, east_edge: float) -> list[Dot]:
    """Return the dots with their labels on the map where nothing else stands; a name without room is left out."""
    taken = np.full((2 * len(dots), 4), np.nan)
    taken[: len(dots)] = [_square(dot.x, dot.y, DOT * unit) for dot in dots]
    placed = []
    for n, dot in enumerate(dots, len(dots)):
        options = np.array(list(_places_beside(dot, unit)))
        options = options[(options[:, 0] >= west_edge) & (options[:, 2] <= east_edge)]
        near = taken[:n]
        for k in (0, 1) if len(options) else ():
            near = near[
                (near[:, k] < options[:, k + 2].max()) & (near[:, k + 2] > options[:, k].min())
            ]
        west, north, east, south = options.T[:, :, None]
        across = (west < near[:, 2]) & (near[:, 0] < east)
        free = options[~(across & (north < near[:, 3]) & (near[:, 1] < south)).any(axis=1)]
        if not len(free) and dot.is_host:
            placed.append(replace(dot, label=""))
            continue
        spot = (free if len(free) else np.array(list(_places_beside(dot, unit))))[0]
        taken[n] = spot
        x, y = round(float(spot[0]), 1), round(float(spot[3]), 1)
        placed.append(replace(dot, label_x=x, label_y=y))
    return placed


Box = tuple[float, float, float, float]


def _square(x: float, y: float, half: float) -> Box:
    return x - half, y - half, x + half, y + half


def _places_beside(dot: Dot, unit: float) -> Iterator[Box]:
    """Yield the boxes where a dot's label may stand: right, left, above, below, and the corners, ever further off."""
    width, height = (0.58 * len(dot.label) + 0.2) * LETTER * unit, 0.8 * LETTER * unit
    for away in (3, 9, 15):
        gap = (DOT + away) * unit
        left, middle, right = dot.x - gap - width, dot.x - width / 2, dot.x + gap
        above, level, below = dot.y - gap - height, dot.y - height / 2, dot.y + gap
        corner = 0.5 * gap
        for x, y in (
            *((right, level), (left, level), (middle, above), (middle, below)),
            *((right - corner, above + corner), (left + corner, above + corner)),
            *((right - corner, below - corner), (left + corner, below - corner)),
        ):
            yield x, y, x + width, y + height


def distance(meeting: Meeting, directory: Directory) -> float | None:
    """Return the kilometres from a guest to the nearest city of its host, along a great circle."""
    guests = [directory.card(city) for city in meeting.cities("guest")]
    hosts = [directory.card(city) for city in meeting.cities("host")]
    one, other = (
        np.array([[c.lat, c.lon] for c in side if c.lat is not None and c.lon is not None], float)
        for side in (guests, hosts)
    )
    if not len(one) or not len(other):
        return None
    lat, lon = one[:, :1], one[:, 1:]
    return float(distance_km(lat, lon, other[:, 0], other[:, 1]).min())


# --- network.graphml ---------------------------------------------------------------------------------------


_GRAPHML: Final = """<?xml version='1.0' encoding='utf-8'?>
<graphml xmlns="http://graphml.graphdrawing.org/xmlns" xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance" \
xsi:schemaLocation="http://graphml.graphdrawing.org/xmlns http://graphml.graphdrawing.org/xmlns/1.0/graphml.xsd">
"""
_KINDS: Final = {str: "string", int: "long", float: "double"}


def network_graphml(proposal: Proposal, language: str = "en") -> bytes:
    """Return the network as GraphML in English, as networkx writes it but without its tree of XML."""
    graph = network(proposal)
    keys: dict[tuple[str, str, type], str] = {}

    def data(scope: str, values: dict[str, Any]) -> str:
        lines = []
        for name, value in values.items():
            key = keys.setdefault((scope, name, type(value)), f"d{len(keys)}")
            lines.append(f'<data key="{key}">{escape(str(value), quote=False)}</data>\n')
        return "      ".join(["", *lines])

    last = f"    {data('graph', graph.graph).lstrip()}  </graph>\n</graphml>\n"
    parts = ['  <graph edgedefault="directed">\n']
    for node, values in graph.nodes(data=True):
        parts.append(f'    <node id="{_quoted(node)}">\n{data("node", values)}    </node>\n')
    for *ends, values in graph.edges(keys=True, data=True):
        one, other, key = map(_quoted, ends)
        tie = f'<edge source="{one}" target="{other}" id="{key}">'
        parts.append(f"    {tie}\n{data('edge', values)}    </edge>\n")
    told = (
        f'  <key id="{key}" for="{scope}" attr.name="{name}" attr.type="{_KINDS[kind]}" />\n'
        for (scope, name, kind), key in reversed(keys.items())
    )
    return "".join((_GRAPHML, *told, *parts, last)).encode("utf-8")


def _quoted(text: str) -> str:
    """Return a text as it stands between the quotation marks of an attribute."""
    return escape(text).replace("&#x27;", "'").replace("\n", "&#10;").replace("\t", "&#09;")


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
    return {
        key: printable(value) if isinstance(value, str) else _settled(key, value)
        for key, value in values.items()
        if value is not None and value != ""
    }


def _settled(key: str, value: float) -> float:
    """Return a number without the noise of a sum; whole only where it counts people."""
    return value if key == "population" else round(float(value), 10)
