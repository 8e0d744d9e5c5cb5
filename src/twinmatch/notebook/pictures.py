"""Pictures for notebooks, by Altair: those of a meeting are the report's, those of a whole round are drawn here.

Colours can be told apart by the colour-blind and print in grey.

Every picture says its unit; what is not known is left white or named, never drawn as zero.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from itertools import product
from typing import Any, Final, TypeAlias

import numpy as np
import pandas as pd

try:
    import altair as alt
except ModuleNotFoundError as _error:
    raise ModuleNotFoundError(
        "Pictures need altair: pip install 'twinmatch[notebook]'", name=_error.name
    ) from None

from twinmatch.affinity import Affinity
from twinmatch.cohort import City, Cohort
from twinmatch.exporting import words
from twinmatch.exporting.atlas import kilometres, land
from twinmatch.figures import vega as specs
from twinmatch.figures.vega import BLUE, GREY, ORANGE, PLUM, WIDTH, Spec
from twinmatch.programmes.city_cards import measured_card
from twinmatch.proposal import Account, CityCard, Meeting, Proposal, Table
from twinmatch.proposal.tables import FairnessRow, SatisfactionRow, rows_of
from twinmatch.schema import Role
from twinmatch.whatif.stability import Stability

Picture: TypeAlias = Any
"""An Altair chart; its operators and methods return types that its annotations do not tell."""

Rows: TypeAlias = Sequence[dict[str, Any]]

alt.renderers.enable("png", scale_factor=1.25)
_png: Any = alt.renderers.get()


LIVE: Final = ("application/vnd.vegalite.v6+json", "application/vnd.vegalite.v5+json")
"""The media types by which notebooks know a chart; one takes the first that it can draw."""


def _described_png(spec: Spec, **options: Any) -> tuple[dict[str, Any], dict[str, Any]]:
    """Return a chart as PNG with its description as alternative text, for those who cannot see it.

    Beside it stands the chart itself, which a live notebook draws in its place and which answers to the pointer.
    """
    bundle, metadata = _png(spec, **options)
    config = spec.get("config", {})
    live = {**spec, "config": {**config, "mark": {"tooltip": True, **config.get("mark", {})}}}
    bundle |= dict.fromkeys(LIVE, live)
    metadata["image/png"]["alt"] = spec.get("description", "")
    return bundle, metadata


alt.renderers.register("described png", _described_png)
alt.renderers.enable("described png")
alt.data_transformers.disable_max_rows()


def known_blocks(cohort: Cohort) -> Picture:
    """Return of how many cities each block of the profile is known."""
    rows = [
        {"block": words.block_title(b), "cities": sum(bool(getattr(c, b)) for c in cohort.cities)}
        for b in City.BLOCKS
    ]
    return _bars(rows, "block", "cities", "Cities of which it is known")


def _bars(rows: Rows, name: str, value: str, title: str) -> Picture:
    """Return horizontal bars, the longest first, with their figures."""
    base = alt.Chart(pd.DataFrame(rows)).encode(
        y=alt.Y(f"{name}:N", sort="-x", title=None, axis=alt.Axis(labelLimit=320)),
        x=alt.X(f"{value}:Q", title=title),
    )
    figures = base.mark_text(align="left", dx=4, color=GREY).encode(text=_figure(value, ",.3~f"))
    said = "; ".join(f"{row[name]}: {row[value]}" for row in rows)
    return (base.mark_bar(color=BLUE) + figures).properties(
        width=WIDTH, description=f"{title}. {said}."
    )


def _figure(field: str, form: str) -> Any:
    """Return figures as texts."""
    return alt.Text(f"{field}:Q", format=form)


def city_map(cohort: Cohort) -> Picture:
    """Return the cities of a cohort on an equal-area map of Europe, by role and size."""
    rows: list[dict[str, Any]] = []
    named = {Role.MISSION: "Mission City", Role.GUEST: "guest", Role.PILOT: "pilot city"}
    for c in cohort.cities:
        if c.location is not None:
            x, y = kilometres(c.location.lat, c.location.lon)
            role = next((name for role, name in named.items() if c.has(role)), "no role stated")
            people = c.population.value if c.population else None
            rows.append({"city": c.name, "x": x, "y": y, "role": role, "residents": people})
    looks = [("square", BLUE), ("circle", ORANGE), ("triangle-up", PLUM), ("diamond", GREY)]
    there = {row["role"] for row in rows}
    names = (*named.values(), "no role stated")
    roles = {name: look for name, look in zip(names, looks, strict=True) if name in there}
    sizes = alt.Scale(type="sqrt", domain=[0, SIZES[-1]], range=[10, 300], clamp=True)
    points = _dots(rows, roles, "Role", opacity=0.8).encode(
        size=alt.Size(
            "residents:Q", title="Residents", scale=sizes, legend=alt.Legend(values=SIZES)
        ),
        tooltip=["city", "role", "residents"],
    )
    largest = sorted(rows, key=lambda row: (-(row["residents"] or 0), row["city"]))[:LABELLED]
    said = f"Map of Europe with {len(rows)} cities by role and size; the largest are named."
    return _on_map(points, largest, said)


def _dots(rows: Rows, roles: dict[str, tuple[str, str]], title: str | None, **mark: Any) -> Picture:
    """Return dots on a map, each role with its shape and colour."""
    looks = ([look[k] for look in roles.values()] for k in (0, 1))
    shapes, colours = (alt.Scale(domain=[*roles], range=look) for look in looks)
    dots = alt.Chart(pd.DataFrame(rows).drop_duplicates()).mark_point(
        filled=True, stroke="white", strokeWidth=0.5, **mark
    )
    shape = alt.Shape("role:N", title=title, scale=shapes)
    return dots.encode(
        **_axes(), shape=shape, color=alt.Color("role:N", title=title, scale=colours)
    )


def _on_map(drawn: Picture, named: Rows, said: str) -> Picture:
    """Return what is drawn on the map of Europe, with some names and the words for those who cannot see it."""
    return (_shores() + drawn + _names(named)).properties(width=WIDTH, height=520, description=said)


SIZES = [50_000, 200_000, 1_000_000, 3_000_000]
"""Residents whose dots stand in the legend of a map; larger cities have the last."""

LABELLED = 15
"""Cities that are named on a map, at most."""

WIDE, HIGH = 450, 90
"""Kilometres that a name takes on a map."""


def _names(rows: Rows) -> Picture:
    """Return the names of cities above their places, the first ones where two would lie on each other."""
    apart: list[dict[str, Any]] = []
    for row in rows:
        if all(abs(row["x"] - r["x"]) > WIDE or abs(row["y"] - r["y"]) > HIGH for r in apart):
            apart.append(row)
    named = alt.Chart(pd.DataFrame(apart, columns=["city", "x", "y"]))
    return named.mark_text(dy=-9, fontSize=10, color=GREY).encode(**_axes(), text="city:N")


def _axes() -> dict[str, Any]:
    """Return the two axes of a map in kilometres, y growing downwards."""
    box = land()
    return {
        "x": alt.X("x:Q", axis=None, scale=alt.Scale(domain=[box.west, box.east], nice=False)),
        "y": alt.Y("y:Q", axis=None, scale=alt.Scale(domain=[box.south, box.north], nice=False)),
    }


def _shores() -> Picture:
    """Return the borders and shores of the packaged map as lines."""
    rows = []
    for number, ring in enumerate(re.findall(r"M([^MZz]+)", land().shores)):
        steps = np.array(
            re.findall(r"-?\d+(?:\.\d+)?", ring), dtype=np.float64
        )  # each from the last
        for order, (x, y) in enumerate(steps.reshape(-1, 2).cumsum(axis=0).tolist()):
            rows.append({"x": x, "y": y, "ring": number, "order": order})
    lines = alt.Chart(pd.DataFrame(rows)).mark_line(color="#9AA3AB", strokeWidth=0.6)
    return lines.encode(**_axes(), detail="ring:N", order="order:Q")


NOTHING: Final = "Nothing to draw: what is asked is not known of all of these cities."


def shown(spec: Spec | None) -> Picture:
    """Return a picture of :mod:`twinmatch.figures.vega` as an Altair chart, or a sentence where there is none to draw.

    It is the picture of the report, the dossiers and the workbench, from the same specification.
    """
    if spec is not None:
        return alt.Chart.from_dict(spec)
    said = alt.Chart(pd.DataFrame([{"says": NOTHING}]), width=WIDTH, height=30, description=NOTHING)
    return said.mark_text(fontSize=13, color=GREY).encode(text="says:N")


def waterfall(account: Account, title: str) -> Picture:
    """Return how an account adds up: what each facet can give (outline) and gives (filled)."""
    titles = {line.facet: words.facet_title(line.facet) for line in account.lines}
    return shown(specs.waterfall(account, title, titles))


def emissions_mix(cohort: Cohort, cities: Sequence[str]) -> Picture:
    """Return where the emissions of cities come from, over the sectors that all of them report."""
    return shown(specs.emissions_mix(_cards(cohort, cities)))


def readiness(cohort: Cohort, cities: Sequence[str]) -> Picture:
    """Return the readiness of up to four cities, over the dimensions known to all of them."""
    return shown(specs.readiness(_cards(cohort, cities)))


def _cards(cohort: Cohort, cities: Sequence[str]) -> list[CityCard]:
    return [measured_card(cohort, cohort.find(name)) for name in cities]


def heat(affinity: Affinity, chosen: Sequence[tuple[str, str]] = ()) -> Picture:
    """Return the scores of an affinity as a heat map; chosen pairs, of a guest and a host by id, have a frame."""
    ids = [affinity.cohort.cities[i].id for i in affinity.rows]
    cells = [
        {
            "guest": affinity.cohort.cities[i].name,
            "host": words.shortened(host.name, 28),
            "points": round(100 * float(affinity.score[r, c]), 1),
            "chosen": (ids[r], host.id) in set(chosen),
        }
        for r, i in enumerate(affinity.rows)
        for c, host in enumerate(affinity.columns)
    ]
    base = alt.Chart(pd.DataFrame(cells)).encode(
        x=alt.X("host:N", title="Host", sort=None, axis=alt.Axis(labelAngle=-60, labelLimit=200)),
        y=alt.Y("guest:N", title="Guest", sort=None),
        tooltip=["guest", "host", "points"],
    )
    shades = alt.Scale(scheme="cividis", reverse=True, domain=[0, 100])
    tiles = base.mark_rect().encode(
        color=alt.Color(
            "points:Q",
            title="Points of 100",
            scale=shades,
            legend=alt.Legend(values=[*range(0, 101, 20)]),
        )
    )
    chosen_ones = base.transform_filter("datum.chosen")
    frames = chosen_ones.mark_rect(filled=False, stroke="black", strokeWidth=2.5)
    high, wide = len(ids), len(affinity.columns)
    said = f"Scores of {high} guests beside {wide} hosts; {len(chosen)} pairs are framed."
    return (tiles + frames).properties(width=22 * wide, height=18 * high, description=said)


def satisfaction(found: Table) -> Picture:
    """Return each guest's pair beside its best open host, the worst served first."""
    rows = rows_of([found], "satisfaction", SatisfactionRow)
    dots = [
        {"guest": row.guest, "points": 100 * points, "kind": kind, "order": k}
        for k, row in enumerate(rows)
        for kind, points in (("its pair", row.points), ("best open host", row.best))
    ]
    worst = f"; {rows[0].guest} is served worst" if rows else ""
    said = f"Points of {len(rows)} pairs beside the guest's best open host{worst}."
    return (
        alt.Chart(pd.DataFrame(dots), width=WIDTH, description=said)
        .mark_point(size=60, strokeWidth=2)
        .encode(
            y=_in_order("guest"),
            x=alt.X("points:Q", title="Points of 100", scale=alt.Scale(zero=False)),
            shape=alt.Shape("kind:N", title=None, scale=alt.Scale(range=["circle", "square"])),
            color=alt.Color("kind:N", title=None, scale=alt.Scale(range=[PLUM, BLUE])),
        )
    )


def _in_order(field: str) -> Any:
    """Return the axis of names, in the order of the rows."""
    names = alt.Axis(labelLimit=360)
    return alt.Y(f"{field}:N", sort=alt.SortField("order"), title=None, axis=names)


def _percent(field: str, title: str) -> Any:
    """Return the axis of a part of one, as a percentage."""
    whole = alt.Scale(domain=[0, 1])
    return alt.X(f"{field}:Q", title=title, axis=alt.Axis(format="%"), scale=whole)


def fairness(found: Table, by: str) -> Picture:
    """Return the part of each group with a place, by one way of grouping; the line is the part of all."""
    rows = [row for row in rows_of([found], "fairness", FairnessRow) if row.by == by]
    named = ((f"{r.group} ({r.placed} of {r.cities})", r.part) for r in rows)
    groups = [{"group": name, "part": part, "order": k} for k, (name, part) in enumerate(named)]
    overall = sum(r.placed for r in rows) / max(1, sum(r.cities for r in rows))
    bars = alt.Chart(pd.DataFrame(groups)).mark_bar(color=BLUE)
    bars = bars.encode(y=_in_order("group"), x=_percent("part", "Part with a place"))
    line = _dashed("part", overall, strokeWidth=2)
    title = f"By {by.lower()}; dashed: all together"
    said = f"Part of the guests with a place by {by.lower()}, {len(rows)} groups; all together {overall:.0%}."
    return (bars + line).properties(width=WIDTH, title=title, description=said)


def _dashed(field: str, at: float, **mark: Any) -> Picture:
    """Return a dashed line at a figure."""
    line = alt.Chart(pd.DataFrame([{field: at}]))
    return line.mark_rule(color=PLUM, strokeDash=[4, 3], **mark).encode(x=f"{field}:Q")


def stability_bars(found: Stability) -> Picture:
    """Return in which share of the perturbed runs each pair survives, the most fragile first."""
    rows = []
    for k, p in enumerate(found.pairs):
        figures = {"share": p.share, "judgement": p.judgement, "order": k}
        rows.append({"pair": words.shortened(p.name, 60), **figures})
    title = f"Share of {found.runs} runs in which the pair survives"
    said = f"{title}: {len(found.fragile)} of {len(rows)} pairs are fragile."
    kinds = alt.Scale(domain=["robust", "fragile"], range=[BLUE, ORANGE])
    colour = alt.Color("judgement:N", title=None, scale=kinds)
    base = alt.Chart(pd.DataFrame(rows)).encode(y=_in_order("pair"), x=_percent("share", title))
    figures = base.mark_text(align="left", dx=4, color=GREY).encode(text=_figure("share", ".0%"))
    bars = base.mark_bar().encode(color=colour)
    return (bars + figures).properties(width=WIDTH, description=said)


def intervals(
    rows: Sequence[tuple[str, float, float, float]], title: str, reference: float | None = None
) -> Picture:
    """Return figures with their intervals (name or facet, value, low, high); the dashed line is a reference such as chance."""
    told = [(words.facet_title(row[0]), *row[1:]) for row in rows]
    frame = pd.DataFrame(told, columns=["name", "value", "low", "high"])
    names = alt.Y("name:N", sort=None, title=None, axis=alt.Axis(labelLimit=300))
    base = alt.Chart(frame).encode(y=names)
    spans = base.mark_rule(color=GREY, strokeWidth=2)
    points = base.mark_point(filled=True, size=80, color=BLUE)
    layers = [spans.encode(x=alt.X("low:Q", title=title), x2="high:Q"), points.encode(x="value:Q")]
    layers += [base.mark_text(dy=-9, color=GREY).encode(x="value:Q", text=_figure("value", ".2f"))]
    layers += [] if reference is None else [_dashed("at", reference)]
    said = "; ".join(f"{name}: {value:.2f}" for name, value, *_ in told)
    return alt.layer(*layers).properties(width=WIDTH, description=f"{title}. {said}.")


def pair_map(proposal: Proposal, meetings: Sequence[Meeting]) -> Picture:
    """Return the pairs on an equal-area map of Europe: a line from each guest to each city of its host."""
    cards = {c.id: c for c in proposal.cities if c.lat is not None and c.lon is not None}
    ends: list[dict[str, Any]] = []
    for meeting in meetings:
        for pair in product(meeting.cities("guest"), meeting.cities("host")):
            for order, card in enumerate(cards[city] for city in pair if cards.keys() >= {*pair}):
                x, y = kilometres(card.lat or 0.0, card.lon or 0.0)
                role = ("guest", "host")[order]
                end = {"x": x, "y": y, "role": role, "city": card.name}
                ends.append({**end, "pair": " ".join(pair), "order": order})
    lines = alt.Chart(pd.DataFrame(ends)).mark_line(color=PLUM, strokeWidth=1.2)
    drawn = lines.encode(**_axes(), detail="pair:N", order="order:Q")
    dots = [{key: end[key] for key in ("x", "y", "role", "city")} for end in ends]
    points = _dots(dots, {"guest": ("circle", ORANGE), "host": ("square", BLUE)}, None, size=45)
    hosts = list({d["city"]: d for d in dots if d["role"] == "host"}.values())
    said = f"Map of Europe with {len(meetings)} pairs, a line from each guest to its host."
    return _on_map(drawn + points, hosts, said)
