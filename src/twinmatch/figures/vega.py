"""Pictures of a meeting as Vega-Lite specifications: the one set for report, dossiers, web page and notebook.

A picture is a plain dictionary with its rows, words, colours and order inside, made from an account and from the
cards of cities and from nothing else. ``altair.Chart.from_dict`` shows it in a notebook, and
:mod:`twinmatch.exporting.charts` draws the same dictionary as SVG for pages. Its table twin, for those who
cannot see it, stands in ``usermeta``. What is not known is not drawn as zero: it is named in the subtitle.

Layers are of three kinds only, which is what ``drawings`` can draw: ranged bars, points, and texts at the end of a bar.
"""

from __future__ import annotations

import json
import math
from collections import Counter
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Final

from twinmatch.proposal import Account, CityCard, Measure
from twinmatch.wording import joined, listed, raised, say

Spec = dict[str, Any]

_PICTURES: Final = {
    name: json.dumps(picture)
    for name, picture in json.loads(
        Path(__file__).with_name("pictures.json").read_text("utf-8")
    ).items()
}
"""What every picture of a kind has, as JSON: marks, encodings, sizes."""

BLUE, TEAL, PLUM = "#12436D", "#28A197", "#801650"
ORANGE, GREY, LILAC = "#F46A25", "#3D3D3D", "#A285D1"
SHADES: Final = (BLUE, TEAL, PLUM, ORANGE, GREY)
"""Dark and light in turn, each at 3:1 or more beside its neighbours and on white, in grey print too."""

WIDTH: Final = 560
STEP: Final = 24
"""Pixels of a row."""

POINTS: Final = (ORANGE, BLUE, TEAL, PLUM)
SHAPES: Final = ("circle", "square", "triangle-up", "diamond")
WHITE, INK = "#FFFFFF", "#1F1F1F"
MOST_BARS: Final = 12
"""Cities whose emissions one picture has room for."""

MOST_POINTS: Final = len(SHAPES)
"""Cities whose readiness one picture has room for: as many as there are shapes."""

LEAST_LABELLED: Final = 6.0
"""Percent of a bar that a figure fits into."""

LEAST_HELD: Final = 60.0
"""Percent of what a city reports below which the subtitle says how little the sectors compared hold."""

KNOWN, UNKNOWN, SCORE = say("known"), say("not known: counted as average"), say("score")


def pictures_of(
    account: Account, cards: Sequence[CityCard], title: str, titles: Mapping[str, str] | None = None
) -> dict[str, Spec]:
    """Return every picture of a meeting that can be drawn, by name, in reading order."""
    found = {"waterfall": waterfall(account, title, titles)}
    found |= {"emissions_mix": emissions_mix(cards), "readiness": readiness(cards)}
    return {name: spec for name, spec in found.items() if spec is not None}


# --- how a score adds up -----------------------------------------------------------------------------------


def waterfall(account: Account, title: str, titles: Mapping[str, str] | None = None) -> Spec | None:
    """Return how the shares of an account add up to its score, in points of 100; None for an account without lines.

    ``titles`` has the words for each facet. Every bar begins where the one before ends, and its outline goes as
    far as the facet could give; the last bar is the score.
    """
    if not account.lines:
        return None
    rows: list[dict[str, Any]] = []
    reached = 0.0
    for line in account.lines:
        name, kind = (titles or {}).get(line.facet, line.facet), KNOWN if line.known else UNKNOWN
        rows.append(_fall(name, reached, 100 * line.share, 100 * line.weight, kind, line.says))
        reached += 100 * line.share
    total = round(100 * account.score, 6)
    rows.append(_fall(say("Score"), 0.0, total, 100.0, SCORE, say("The sum of the lines above.")))
    kinds = {row["kind"] for row in rows}
    colours = {KNOWN: BLUE, UNKNOWN: LILAC, SCORE: GREY}
    colours = {kind: colour for kind, colour in colours.items() if kind in kinds}
    says = "{part} of the weights rest on something known; an outline is what a facet can give"
    heads = (say("Facet"), say("Points"), say("Of at most"), say("In words"))
    table = [(r["line"], _tenth(r["adds"]), _tenth(r["most"]), r["says"]) for r in rows]
    titles_ = say("How the score adds up: {title}", title=title), say("Points of 100")
    note = say(says, part=_whole(100 * account.coverage))
    order, looks = [row["line"] for row in rows], {"color": colours}
    return _spec("waterfall", titles_, note, rows, order, looks, (heads, table))


def _tenth(number: float) -> str:
    return say("{n:.1f}", n=number)


def _fall(line: str, start: float, adds: float, most: float, kind: str, says: str) -> Spec:
    """Return the row of a bar that begins at a place and adds some points of those that it could."""
    figures = {"from": start, "to": start + adds, "could": start + most, "adds": adds, "most": most}
    gives = say("{n:.1f} of {most:.1f}", n=adds, most=most)
    if kind == SCORE:
        gives = say("{n:.1f} of {most:g}", n=adds, most=most)
    rounded = {name: round(value, 6) for name, value in figures.items()}
    return {"line": line, **rounded, "gives": gives, "kind": kind, "says": says}


# --- emissions side by side --------------------------------------------------------------------------------


def emissions_mix(cards: Sequence[CityCard]) -> Spec | None:
    """Return the emissions of cities by sector, in percent of the sectors that all of them report.

    Cities that all have GPC tables are compared on five sectors, others on the four groups that every form has, as
    in the facet. None where fewer than two cities have a table, or they share fewer than two sectors with emissions.
    """
    cards = cards[:MOST_BARS]
    there = [card for card in cards if _of(card, "emissions_groups")]
    if len(there) < 2:
        return None
    block = "emissions_gpc" if all(_of(c, "emissions_gpc") for c in there) else "emissions_groups"
    tonnes = [_known(card, block) for card in there]
    every = [m.what for m in _of(there[0], block)]
    shared = [name for name in every if all(name in t for t in tonnes)]
    totals = [math.fsum(t[name] for name in shared) for t in tonnes]
    if len(shared) < 2 or min(totals) <= 0:
        return None
    years = (_of(card, block)[0].year or say("year not known") for card in there)
    names = [
        say("{name} ({year})", name=name, year=str(year) if isinstance(year, int) else year)
        for name, year in zip(_apart(there), years, strict=True)
    ]
    shades = dict(zip(shared, SHADES, strict=False))
    rows: list[dict[str, Any]] = []
    for name, values, total in zip(names, tonnes, totals, strict=True):
        rows += _stack(name, {s: values[s] for s in shared}, total, shades)
    cities = listed([card.name for card in there])
    note = _mix_note(cards, there, [n for n in every if n not in shared], tonnes, totals)
    heads = (say("City"), say("Sector"), say("Percent"), "t CO2e")
    figures = [(_tenth(r["percent"]), say("{n:,.0f}", n=r["tonnes"])) for r in rows]
    table = [(r["city"], r["sector"], *f) for r, f in zip(rows, figures, strict=True)]
    title = say("Where the emissions of {cities} come from", cities=cities)
    titles = title, say("Percent of the sectors compared")
    return _spec("emissions_mix", titles, note, rows, names, {"color": shades}, (heads, table))


def _stack(
    name: str, tonnes: Mapping[str, float], total: float, shades: Mapping[str, str]
) -> list[dict[str, Any]]:
    """Return the rows of one bar: each sector begins where the one before ends."""
    rows, reached = [], 0.0
    for sector, value in tonnes.items():
        percent = 100 * value / total
        ends = {"from": reached, "to": reached + percent, "middle": reached + percent / 2}
        at = {place: round(p, 6) for place, p in (ends | {"percent": percent}).items()}
        label = f"{percent:.0f}%" if percent >= LEAST_LABELLED else ""
        ink = INK if shades[sector] in {TEAL, ORANGE} else WHITE
        row = {"city": name, "sector": sector, **at, "tonnes": value, "label": label, "ink": ink}
        rows.append(row)
        reached += percent
    return rows


def _mix_note(
    asked: Sequence[CityCard],
    there: Sequence[CityCard],
    left_out: Sequence[str],
    tonnes: Sequence[Mapping[str, float]],
    totals: Sequence[float],
) -> str:
    """Return what the picture does not show: sectors that not all report, cities without a table, little held."""
    says = "Not reported by both, so left out: {sectors}"
    if len(there) > 2:
        says = "Not reported by all, so left out: {sectors}"
    parts = [say(says, sectors=joined(left_out, ", "))]
    if not left_out:
        both = say("All sectors are reported by both")
        every = say("All sectors are reported by all")
        parts = [both if len(there) == 2 else every]
    if without := [card.name for card in asked if card not in there]:
        parts.append(say("no inventory is known of {cities}", cities=listed(without)))
    for card, values, total in zip(there, tonnes, totals, strict=True):
        held = 100 * total / math.fsum(values.values())
        if held < LEAST_HELD:
            says = "these sectors hold only {part} of what {city} reports"
            parts.append(say(says, part=_whole(held), city=card.name))
    return joined(parts, "; ")


# --- readiness ---------------------------------------------------------------------------------------------


def readiness(cards: Sequence[CityCard]) -> Spec | None:
    """Return the readiness of cities by dimension, levels 0 to 4, over the dimensions known to all of them.

    None where fewer than two cities, or more than there are shapes for, have a level that all of them have.
    """
    there = [card for card in cards if _of(card, "readiness")]
    levels = [_known(card, "readiness") for card in there]
    if not 2 <= len(there) <= MOST_POINTS:
        return None
    every = list(dict.fromkeys(name for level in levels for name in level))
    shared = [name for name in levels[0] if all(name in level for level in levels)]
    if not shared:
        return None
    names = _apart(there)
    rows = [
        {"city": name, "dimension": dimension, "level": level[dimension]}
        for dimension in shared
        for name, level in zip(names, levels, strict=True)
    ]
    left_out = [name for name in every if name not in shared]
    says = "not known of both: {dimensions}"
    if len(there) > 2:
        says = "not known of all: {dimensions}"
    parts = [say(says, dimensions=joined(left_out, ", "))] if left_out else []
    without = [card.name for card in cards if card not in there]
    parts += [say("not known at all: {cities}", cities=listed(without))] if without else []
    note = joined([*parts, say("half a level is noise")], "; ")
    title = say("Readiness of {cities}", cities=listed(names))
    titles = title, say("Level, from 0 (absent) to 4 (at full strength)")
    colours, shapes = (dict(zip(names, of, strict=False)) for of in (POINTS, SHAPES))
    looks: dict[str, dict[str, Any]] = {"color": colours, "shape": shapes}
    looks["yOffset"] = dict.fromkeys(names)
    table = [(name, *(say("{n:g}", n=level[name]) for level in levels)) for name in shared]
    heads = (say("Dimension"), *names)
    return _spec("readiness", titles, raised(note), rows, shared, looks, (heads, table))


# --- parts of every picture --------------------------------------------------------------------------------


def _of(card: CityCard, block: str) -> list[Measure]:
    return [m for m in card.measures if m.block == block]


def _known(card: CityCard, block: str) -> dict[str, float]:
    return {m.what: m.value for m in _of(card, block) if m.value is not None}


def _apart(cards: Sequence[CityCard]) -> list[str]:
    """Return the names of cities; those that share one are told apart by their ids."""
    names = Counter(card.name for card in cards)
    return [c.name if names[c.name] == 1 else f"{c.name}, {c.id}" for c in cards]


def _whole(percent: float) -> str:
    return f"{percent:.0f}%"


def _spec(
    name: str,
    titles: tuple[str, str],
    note: str,
    rows: list[dict[str, Any]],
    order: Sequence[str],
    looks: Mapping[str, Mapping[str, Any]],
    table: tuple[Sequence[str], Sequence[Sequence[str]]],
) -> Spec:
    """Return a picture by its name, with its title and the one below it, the order of its rows, and how values look."""
    title, below = titles
    spec: Spec = json.loads(_PICTURES[name])
    spec["title"] |= {"text": title, "subtitle": note}
    spec["encoding"]["y"]["sort"] = list(order)
    for layer in spec["layer"]:
        layer["encoding"]["x"]["title"] = below
        for channel, look in looks.items():
            said = layer["encoding"].get(channel, {})
            if "sort" in said:
                said["sort"] = list(look)
            elif said.get("scale") is not None:
                said["scale"] |= {"domain": list(look), "range": list(look.values())}
    return spec | {
        "description": joined((title, ". ", note, "."), ""),
        "usermeta": {"columns": list(table[0]), "rows": [list(row) for row in table[1]]},
        "width": WIDTH,
        "height": {"step": STEP, "for": "position"},
        "data": {"values": rows},
    }
