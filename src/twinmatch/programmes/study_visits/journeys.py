"""The journeys of study visits: a row of travel for each visitor, and their sums."""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from typing import Literal

import numpy as np

from twinmatch.programmes.round import Round
from twinmatch.programmes.study_visits.search import Option
from twinmatch.programmes.study_visits.settings import StudyVisits
from twinmatch.programmes.study_visits.travel import Mode, by_rail, distances, emitted
from twinmatch.proposal import Table


def journey_rows(
    round_: Round, settings: StudyVisits, label: str, hosts: Sequence[int], option: Option
) -> tuple[list[tuple[str | float | None, ...]], tuple[str, ...]]:
    """Return a row of travel for each visitor (whole journey, all its people) and notes on the sums."""
    way = distances(round_.cohort, option.visitors, hosts)
    legs = distances(round_.cohort, hosts, hosts)
    modes = {mode.mode: mode for mode in settings.modes}
    rows: list[tuple[str | float | None, ...]] = []
    for k, i in enumerate(option.visitors):
        stages = [
            way[k, 0],
            *(legs[a, b] for a, b in itertools.pairwise(range(len(hosts)))),
            way[k, -1],
        ]
        length = float(sum(stages))
        known = np.isfinite(length)
        rail = by_rail(round_.cohort, (i, *hosts), settings.no_rail)
        kg: dict[str, float | None] = {}
        for name in ("rail", "air"):
            usable = known and name in modes and (name == "air" or rail)
            kg[name] = (
                round(settings.people * emitted(modes[name], length).kg, 1) if usable else None
            )
        near = rail and known and float(max(stages)) <= settings.rail_km
        mode = "not known" if not known else ("rail" if near else "air")
        rows.append(
            (label, round_.id(i), round(length) if known else None, kg["rail"], kg["air"], mode)
        )
    return rows, _sums(settings, rows, modes)


def _sums(
    settings: StudyVisits,
    rows: Sequence[tuple[str | float | None, ...]],
    modes: dict[Literal["rail", "air"], Mode],
) -> tuple[str, ...]:
    whole = sum(float(row[2] or 0) for row in rows)
    text = f"Travel: {len(rows)} cities with {settings.people} people each, {whole:,.0f} km of journeys a person in all"
    silent = sum(row[2] is None for row in rows)
    text += f" ({silent} places not known)" if silent else ""
    if not modes:
        return (text + ".",)
    chosen = sum(float((row[3] if row[5] == "rail" else row[4]) or 0) for row in rows)
    flown = sum(float(row[4] or 0) for row in rows)
    trains = sum(row[5] == "rail" for row in rows)
    return (
        f"{text}; {chosen / 1000:.1f} t CO2e with rail for {trains} of them, {flown / 1000:.1f} t if all fly.",
    )


def journey_table(rows: tuple[tuple[str | float | None, ...], ...]) -> Table:
    """Return the journeys of all visitors as a table."""
    return Table(
        "travel",
        "Travel of the visitors",
        ("visit", "city", "km there and back", "kg CO2e by rail", "kg CO2e by air", "suggested"),
        rows,
        "Great-circle distances of the whole journey, for one person; emissions for all people of the city. "
        "Empty: not known, or no rail link.",
    )


def method_table(settings: StudyVisits) -> Table:
    """Return the figures behind the emissions, with their sources."""
    return Table(
        "travel_method",
        "How travel is reckoned",
        ("mode", "g CO2e a passenger-km", "low", "high", "detour", "year", "source", "detour from"),
        tuple(
            (m.mode, m.grams_per_km, m.low, m.high, m.detour, m.year, m.source, m.detour_source)
            for m in settings.modes
        ),
        "Great-circle distance times detour times emissions.",
    )
