"""Pictures of a pair as Vega-Lite specifications: one set for report, web page and notebook.

A picture is a plain dictionary with its figures inside, so it needs no library to be made and can be shown by
whatever draws Vega-Lite (``altair.Chart.from_dict`` in a notebook, vega-embed on a page, vl-convert for SVG).
What is not known is not drawn as nought: it is named in the subtitle.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any, Final

import numpy as np

from twinmatch.cohort import Cohort
from twinmatch.evidence import Account
from twinmatch.facets.emissions import COARSE, FINE, coarse_sectors, fine_sectors
from twinmatch.facets.readiness import DIMENSIONS
from twinmatch.schema import NAMES

Spec = dict[str, Any]

SCHEMA: Final = "https://vega.github.io/schema/vega-lite/v6.json"
BLUE, ORANGE, GREY, PALE = "#12436D", "#F46A25", "#3D3D3D", "#A285D1"
SHADES: Final = ("#12436D", "#28A197", "#801650", "#F46A25", "#A285D1")
WIDTH: Final = 560


def waterfall(account: Account, title: str, titles: Mapping[str, str] | None = None) -> Spec:
    """Return how the shares of an account add up to its score, line by line, in points of 100.

    ``titles`` has the words for each facet. The last bar is the score; every bar begins where the one before ends.
    """
    rows: list[dict[str, Any]] = []
    reached = 0.0
    for line in account.lines:
        after = reached + 100 * line.share
        rows.append(
            {
                "line": (titles or {}).get(line.facet, line.facet),
                "from": round(reached, 6),
                "to": round(after, 6),
                "adds": round(100 * line.share, 6),
                "most": round(100 * line.weight, 6),
                "kind": "known" if line.known else "not known: counted as average",
                "says": line.says,
            }
        )
        reached = after
    total = round(100 * account.score, 6)
    rows.append(
        {
            "line": "Score",
            "from": 0.0,
            "to": total,
            "adds": total,
            "most": 100.0,
            "kind": "score",
            "says": title,
        }
    )
    colours = {"known": BLUE, "not known: counted as average": PALE, "score": GREY}
    return _spec(
        title,
        f"{100 * account.coverage:.0f}% of the weights rest on something known",
        rows,
        mark={"type": "bar"},
        encoding={
            "y": _in_order("line", [r["line"] for r in rows]),
            "x": {"field": "from", "type": "quantitative", "title": "Points of 100"},
            "x2": {"field": "to"},
            "color": _colours("kind", list(colours), list(colours.values())),
            "tooltip": [
                {"field": "says", "type": "nominal", "title": "In words"},
                {"field": "adds", "type": "quantitative", "title": "Adds", "format": ".1f"},
                {"field": "most", "type": "quantitative", "title": "Of at most", "format": ".1f"},
            ],
        },
    )


def emissions_mix(cohort: Cohort, one: int, other: int) -> Spec | None:
    """Return the emissions of two cities by sector, in percent of the sectors that both report; None where none.

    Two GPC tables are compared on five sectors, others on the four groups that every form has, as in the facet.
    """
    cities = (cohort.cities[one], cohort.cities[other])
    tables = [c.emissions for c in cities]
    if tables[0] is None or tables[1] is None:
        return None
    both_gpc = all(t is not None and t.form == "gpc" for t in tables)
    names: Sequence[str] = FINE if both_gpc else COARSE
    sectors: Callable[[Any], list[float]] = fine_sectors if both_gpc else coarse_sectors
    tonnes = np.array([sectors(t) for t in tables], dtype=np.float64)
    shared = np.asarray(~np.isnan(tonnes).any(axis=0))
    total = tonnes[:, shared].sum(axis=1)
    if shared.sum() < 2 or (total <= 0).any():
        return None
    kept = [name for name, both in zip(names, shared, strict=True) if both]
    rows = [
        {
            "city": _label(city.name, table.year if table else None),
            "sector": name,
            "order": kept.index(name),
            "percent": round(100 * float(t) / float(sum_), 6),
            "tonnes": float(t),
        }
        for city, table, values, sum_ in zip(cities, tables, tonnes, total, strict=True)
        for name, t, both in zip(names, values, shared, strict=True)
        if both
    ]
    left_out = [name for name, both in zip(names, shared, strict=True) if not both]
    note = (
        f"Not reported by both, so left out: {', '.join(left_out)}"
        if left_out
        else "All sectors are reported by both"
    )
    return _spec(
        f"Where the emissions of {cities[0].name} and {cities[1].name} come from",
        note,
        rows,
        mark={"type": "bar", "stroke": "white"},
        encoding={
            "y": {"field": "city", "type": "nominal", "title": None, "sort": None},
            "x": {
                "field": "percent",
                "type": "quantitative",
                "stack": "zero",
                "title": "Percent of the sectors compared",
                "scale": {"domain": [0, 100]},
            },
            "color": _colours("sector", kept, list(SHADES[: len(kept)])),
            "order": {"field": "order", "type": "quantitative"},
            "tooltip": [
                {"field": "sector", "type": "nominal", "title": "Sector"},
                {"field": "percent", "type": "quantitative", "title": "Percent", "format": ".1f"},
                {"field": "tonnes", "type": "quantitative", "title": "t CO2e", "format": ",.0f"},
            ],
        },
    )


def readiness(cohort: Cohort, one: int, other: int) -> Spec | None:
    """Return the readiness of two cities by dimension, levels 0 to 4, over the dimensions known to both; None where none."""
    cities = (cohort.cities[one], cohort.cities[other])
    levels = [c.readiness or {} for c in cities]
    shared = [d for d in DIMENSIONS if all(d in level for level in levels)]
    if not shared:
        return None
    rows = [
        {"city": city.name, "dimension": NAMES[d], "level": int(level[d])}
        for d in shared
        for city, level in zip(cities, levels, strict=True)
    ]
    left_out = [NAMES[d] for d in DIMENSIONS if d not in shared]
    note = (
        f"Not known of both: {', '.join(left_out)}"
        if left_out
        else "Known of both on every dimension"
    )
    names = [city.name for city in cities]
    return _spec(
        f"Readiness of {names[0]} and {names[1]}",
        note + "; half a level is noise",
        rows,
        mark={"type": "point", "filled": True, "size": 90},
        encoding={
            "y": _in_order("dimension", [NAMES[d] for d in shared]),
            "x": {
                "field": "level",
                "type": "quantitative",
                "title": "Level, 0 absent to 4 at full strength",
                "scale": {"domain": [0, 4]},
                "axis": {"values": [0, 1, 2, 3, 4]},
            },
            "yOffset": {"field": "city", "type": "nominal", "sort": names},
            "color": _colours("city", names, [ORANGE, BLUE]),
            "shape": {"field": "city", "type": "nominal", "sort": names},
            "tooltip": [
                {"field": name, "type": kind}
                for name, kind in (
                    ("city", "nominal"),
                    ("dimension", "nominal"),
                    ("level", "quantitative"),
                )
            ],
        },
    )


def pictures_of(
    cohort: Cohort,
    one: int,
    other: int,
    account: Account,
    title: str,
    titles: Mapping[str, str] | None = None,
) -> dict[str, Spec]:
    """Return every picture of a pair that can be drawn, by name."""
    found = {
        "waterfall": waterfall(account, title, titles),
        "emissions_mix": emissions_mix(cohort, one, other),
        "readiness": readiness(cohort, one, other),
    }
    return {name: spec for name, spec in found.items() if spec is not None}


def _label(name: str, year: int | None) -> str:
    return f"{name} ({year})" if year else f"{name} (year not known)"


def _spec(
    title: str, subtitle: str, rows: list[dict[str, Any]], *, mark: Spec, encoding: Spec
) -> Spec:
    return {
        "$schema": SCHEMA,
        "title": {"text": title, "subtitle": subtitle, "anchor": "start"},
        "description": f"{title}. {subtitle}.",
        "width": WIDTH,
        "data": {"values": rows},
        "mark": mark,
        "encoding": encoding,
    }


def _in_order(field: str, order: list[str]) -> Spec:
    return {
        "field": field,
        "type": "nominal",
        "sort": order,
        "title": None,
        "axis": {"labelLimit": 260},
    }


def _colours(field: str, domain: list[str], colours: list[str]) -> Spec:
    return {
        "field": field,
        "type": "nominal",
        "title": None,
        "scale": {"domain": domain, "range": colours},
    }
