"""Emissions: is the mix of sectors alike, and is the level per capita alike?

Notation: S sectors; shares (n, S) in t CO2e, nan where a city does not report the sector. A blank, an estimate
not made and an amount included elsewhere are not known; only "not occurring" is a zero. Removals stay out.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

import numpy as np

from twinmatch.cohort import Cohort
from twinmatch.facets.base import FacetCache, Floats, Ints, kinds_of
from twinmatch.proposal import Fact
from twinmatch.schema import City, Emissions, Notation
from twinmatch.wording import joined, listed, say

FINE: Final = (
    say("buildings and energy"),
    say("transport"),
    say("waste"),
    say("industrial processes"),
    say("agriculture and land use"),
)
COARSE: Final = (*FINE[:3], say("other"))
LEAST_SHARED_MASS: Final = 0.6
"""Part of each city's reported emissions that the sectors known to both must hold, or the mix abstains."""

FAR_APART: Final = 5
"""Years between two inventories from which a sentence says so."""

_BLOCK: Final = 256


def _tonnes(cell: float | Notation | None) -> float:
    """Return a cell in t CO2e: nan where not known, 0 where the source says it does not occur."""
    if cell is Notation.NOT_OCCURRING:
        return 0.0
    return np.nan if cell is None or isinstance(cell, Notation) else float(cell)


def energy_tonnes(emissions: Emissions) -> float:
    """Return emissions of buildings and energy in t CO2e, with electricity and industry where kept apart."""
    s = emissions.sectors
    apart = [_tonnes(cell) for cell in (s.electricity, s.industry_energy, s.energy_industries)]
    return _tonnes(s.stationary_energy) + float(np.nansum(apart))


def fine_sectors(emissions: Emissions) -> list[float]:
    """Return t CO2e of the five GPC sectors, in the order of FINE; nan where not known."""
    s = emissions.sectors
    return [
        energy_tonnes(emissions),
        *(_tonnes(cell) for cell in (s.transport, s.waste, s.ippu, s.afolu)),
    ]


def coarse_sectors(emissions: Emissions) -> list[float]:
    """Return t CO2e of the four groups that every form of table has, in the order of COARSE; nan where not known.

    "Other" is never split and, where one of its parts is not known, not known either; a part that the form
    includes in its "other" line counts there.
    """
    s = emissions.sectors
    energy, transport, waste, ippu, afolu = fine_sectors(emissions)
    lump = _tonnes(s.other)
    if not np.isnan(lump):
        parts = [
            0.0 if cell is Notation.INCLUDED_ELSEWHERE else _tonnes(cell)
            for cell in (s.ippu, s.afolu)
        ]
        return [energy, transport, waste, lump + sum(parts)]
    return [energy, transport, waste, ippu + afolu]


class EmissionsMix:
    """Likeness of the sector shares: 1 minus the Jensen-Shannon distance (base 2) over sectors known to both.

    The shares are closed again over those sectors; the pair is unknown (nan) where they hold less than
    ``LEAST_SHARED_MASS`` of what either city reports. Two cities with GPC tables are compared on five sectors,
    all others on the four groups that every form has. Source: Endres and Schindelin 2003, IEEE Transactions on
    Information Theory 49(7), doi:10.1109/TIT.2003.813506. It is defined at zero, so no constant is chosen.
    """

    def __init__(self, cohort: Cohort, _: FacetCache) -> None:
        tables = [city.emissions for city in cohort.cities]
        self._cities = cohort.cities
        self._fine = _rows(tables, fine_sectors, len(FINE))
        self._coarse = _rows(tables, coarse_sectors, len(COARSE))
        self._gpc = np.array([t is not None and t.form == "gpc" for t in tables])
        self.kinds = kinds_of(self._fine, self._coarse, self._gpc)

    def likeness(self, rows: Ints, cols: Ints) -> Floats:
        """Return the likeness of the mixes, shape (r, c)."""
        parts = [self._block(rows[k : k + _BLOCK], cols) for k in range(0, len(rows), _BLOCK)]
        return np.vstack(parts) if parts else np.zeros((0, len(cols)))

    def _block(self, rows: Ints, cols: Ints) -> Floats:
        found = np.empty((len(rows), len(cols)))
        at = [np.flatnonzero(self._gpc[cols] == gpc) for gpc in (False, True)]
        for gpc in (False, True):
            mine = np.flatnonzero(self._gpc[rows] == gpc)
            for theirs, both_gpc in zip(at, (False, gpc), strict=True):
                table = self._fine if both_gpc else self._coarse
                found[np.ix_(mine, theirs)] = _mix_likeness(table[rows[mine]], table[cols[theirs]])
        return found

    def says(self, i: int, j: int) -> tuple[str, tuple[Fact, ...]]:
        """Return the largest sectors of both cities over what both report."""
        one, other = self._cities[i], self._cities[j]
        if one.emissions is None or other.emissions is None:
            without = [c.name for c in (one, other) if c.emissions is None]
            return say(
                "The emissions inventory of {cities} is not known.", cities=listed(without)
            ), ()
        both_gpc = bool(self._gpc[i] and self._gpc[j])
        table, names = (self._fine, FINE) if both_gpc else (self._coarse, COARSE)
        shared = ~np.isnan(table[i]) & ~np.isnan(table[j])
        facts = _mix_facts(one, table[i], names, shared) + _mix_facts(
            other, table[j], names, shared
        )
        if np.isnan(self.likeness(np.array([i]), np.array([j]))[0, 0]):
            return say("The two inventories share too few sectors to compare their mix."), facts
        main = [names[int(np.nanargmax(np.where(shared, table[k], np.nan)))] for k in (i, j)]
        share = [
            100 * np.nanmax(np.where(shared, table[k], np.nan)) / table[k][shared].sum()
            for k in (i, j)
        ]
        if main[0] == main[1]:
            text = say(
                "In both cities {sector} is the largest source ({share:.0f}% in {one}, {share_2:.0f}% in {other})",
                sector=main[0],
                share=share[0],
                one=_dated(one),
                share_2=share[1],
                other=_dated(other),
            )
        else:
            text = say(
                "The largest source is {sector} in {one} ({share:.0f}%) and {sector_2} in {other} ({share_2:.0f}%)",
                sector=main[0],
                one=_dated(one),
                share=share[0],
                sector_2=main[1],
                other=_dated(other),
                share_2=share[1],
            )
        return (
            say(
                "{text}; compared over {sectors}{boundary_note}{years_note}.",
                text=text,
                sectors=listed([n for n, both in zip(names, shared, strict=True) if both]),
                boundary_note=_boundary_note(one, other),
                years_note=_years_note(one, other),
            ),
            facts,
        )


class EmissionsLevel:
    """Likeness of emissions per capita: the smaller over the larger, over buildings, energy and transport.

    In t CO2e per capita; known only where the population of the reporting boundary is known: stated, or the city's
    own where the inventory covers the whole city. Waste, processes and land use are left out because too many
    tables leave them blank.
    """

    def __init__(self, cohort: Cohort, _: FacetCache) -> None:
        self._cities = cohort.cities
        self._level = np.array([per_head(city) for city in cohort.cities], dtype=np.float64)

    def likeness(self, rows: Ints, cols: Ints) -> Floats:
        """Return the ratio of the two levels, at most 1, shape (r, c)."""
        one, other = self._level[rows][:, None], self._level[cols][None, :]
        with np.errstate(invalid="ignore", divide="ignore"):
            return np.asarray(np.minimum(one, other) / np.maximum(one, other))

    def says(self, i: int, j: int) -> tuple[str, tuple[Fact, ...]]:
        """Return both levels in t CO2e per capita."""
        one, other = self._cities[i], self._cities[j]
        unknown = [c.name for c, k in ((one, i), (other, j)) if np.isnan(self._level[k])]
        facts = tuple(
            _level_fact(c, self._level[k])
            for c, k in ((one, i), (other, j))
            if not np.isnan(self._level[k])
        )
        if unknown:
            return (
                say(
                    "Emissions per capita of {cities} are not known for the boundary that is reported.",
                    cities=listed(unknown),
                ),
                facts,
            )
        return (
            say(
                "Buildings, energy and transport emit {level:.1f} t CO2e per capita in {one} and {level_2:.1f} in {other}{years_note}.",
                level=self._level[i],
                one=_dated(one),
                level_2=self._level[j],
                other=_dated(other),
                years_note=_years_note(one, other),
            ),
            facts,
        )


def reporting_population(city: City) -> int | None:
    """Return the residents of the inventory's boundary, None where they are not known."""
    if city.emissions is None:
        return None
    if city.emissions.boundary_population is not None:
        return city.emissions.boundary_population
    people = city.population
    is_own = people is not None and people.of in {"municipality", "settlement"}
    return people.value if people and is_own and city.emissions.boundary == "city" else None


def per_head(city: City) -> float:
    """Return t CO2e per capita from buildings, energy and transport; nan where the boundary's people are not known."""
    emissions, people = city.emissions, reporting_population(city)
    if emissions is None or people is None:
        return np.nan
    tonnes = energy_tonnes(emissions) + _tonnes(emissions.sectors.transport)
    return tonnes / people if tonnes > 0 else np.nan


def _rows(
    tables: list[Emissions | None], sectors: Callable[[Emissions], list[float]], width: int
) -> Floats:
    empty = [np.nan] * width
    return np.array([sectors(t) if t else empty for t in tables], dtype=np.float64).reshape(
        -1, width
    )


def _mix_likeness(one: Floats, other: Floats) -> Floats:
    """Return 1 - JS distance, shape (r, c), of two tables (r, S) and (c, S) of tonnes with nan."""
    shared = ~np.isnan(one)[:, None, :] & ~np.isnan(other)[None, :, :]
    p = np.where(shared, one[:, None, :], 0.0)
    q = np.where(shared, other[None, :, :], 0.0)
    p_sum, q_sum = p.sum(axis=2), q.sum(axis=2)
    with np.errstate(invalid="ignore", divide="ignore"):
        held = np.minimum(
            p_sum / np.nansum(one, axis=1)[:, None], q_sum / np.nansum(other, axis=1)[None, :]
        )
        p, q = p / p_sum[:, :, None], q / q_sum[:, :, None]
        middle = (p + q) / 2
        divergence = (_entropy_terms(p, middle) + _entropy_terms(q, middle)).sum(axis=2) / 2
    known = (shared.sum(axis=2) >= 2) & (held >= LEAST_SHARED_MASS)
    distance = np.sqrt(np.clip(divergence, 0.0, 1.0))
    return np.where(known, 1.0 - distance, np.nan)


def _entropy_terms(p: Floats, middle: Floats) -> Floats:
    return np.where(
        p > 0, p * np.log2(np.where(p > 0, p, 1.0) / np.where(middle > 0, middle, 1.0)), 0.0
    )


def _dated(city: City) -> str:
    """Return a city's name with the year of its inventory."""
    year = city.emissions.year if city.emissions else None
    return (
        say("{city} in {year}", city=city.name, year=year)
        if year
        else say("{city} (year not known)", city=city.name)
    )


def _years_note(one: City, other: City) -> str:
    """Return that two inventories are so far apart in time that they do not compare like with like."""
    years = [c.emissions.year for c in (one, other) if c.emissions and c.emissions.year]
    apart = max(years) - min(years) if len(years) == 2 else 0
    return (
        say("; the inventories are {apart} years apart", apart=apart) if apart >= FAR_APART else ""
    )


def _boundary_note(*cities: City) -> str:
    notes = [
        say(
            "{city} reports {boundary_note}",
            city=city.name,
            boundary_note=city.emissions.boundary_note or say("another boundary than the city"),
        )
        for city in cities
        if city.emissions is not None and city.emissions.boundary != "city"
    ]
    return say(" ({notes})", notes=joined(notes, "; ")) if notes else ""


def _mix_facts(
    city: City,
    tonnes: Floats,
    names: tuple[str, ...],
    shared: np.ndarray[tuple[int], np.dtype[np.bool_]],
) -> tuple[Fact, ...]:
    year = city.emissions.year if city.emissions else None
    total = tonnes[shared].sum()
    return tuple(
        Fact(
            city.id,
            say("share of {name}", name=name),
            round(100 * float(t) / total, 1),
            "%",
            year,
            _kind(city),
            city.source_of("emissions"),
        )
        for name, t, both in zip(names, tonnes, shared, strict=True)
        if both and total > 0
    )


def _kind(city: City) -> str:
    return (city.emissions.kind if city.emissions else None) or "reported"


def _level_fact(city: City, level: float) -> Fact:
    stated = city.emissions is not None and city.emissions.boundary_population is not None
    kind = _kind(city) if stated else "estimated"
    what = say("buildings, energy and transport per capita")
    if not stated and city.population is not None:
        what += say(", by the {area}'s population", area=city.population.of)
    return Fact(
        city.id,
        what,
        round(float(level), 2),
        "t CO2e",
        city.emissions.year if city.emissions else None,
        kind,
        city.source_of("emissions"),
    )
