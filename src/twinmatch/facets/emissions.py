"""Emissions: is the mix of sectors alike, and is the level per capita alike?

Notation: S sectors; shares (n, S) in t CO2e, nan where a city does not report the sector. A blank, an estimate
not made and an amount included elsewhere are not known; only "not occurring" is a zero. Removals stay out.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Final

import numpy as np
from numpy.typing import NDArray

from twinmatch.cohort import Cohort
from twinmatch.facets.base import FacetCache, Floats, Ints, fact_of, kinds_of
from twinmatch.proposal import Fact
from twinmatch.schema import City, Emissions, Notation
from twinmatch.wording import joined, listed, say, titled

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

LARGE_SHARE: Final = 25
"""Percent of both inventories from which a sector that is not the largest of both is named as common."""

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
    return [energy_tonnes(emissions), *map(_tonnes, (s.transport, s.waste, s.ippu, s.afolu))]


def coarse_sectors(emissions: Emissions) -> list[float]:
    """Return t CO2e of the four groups that every form of table has, in the order of COARSE; nan where not known.

    "Other" is never split and, where one of its parts is not known, not known either; a part that the form
    includes in its "other" line counts there.
    """
    s = emissions.sectors
    *first, ippu, afolu = fine_sectors(emissions)
    lump = _tonnes(s.other)
    if np.isnan(lump):
        return [*first, ippu + afolu]
    parts = [c for c in (s.ippu, s.afolu) if c is not Notation.INCLUDED_ELSEWHERE]
    return [*first, lump + sum(map(_tonnes, parts))]


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
        if without := [c.name for c in (one, other) if c.emissions is None]:
            says = "The emissions inventory of {cities} is not known."
            return say(says, cities=listed(without)), ()
        both_gpc = bool(self._gpc[i] and self._gpc[j])
        table, names = (self._fine, FINE) if both_gpc else (self._coarse, COARSE)
        shared = ~np.isnan(table[i]) & ~np.isnan(table[j])
        parts = [_shares(table[k], shared) for k in (i, j)]
        facts = _mix_facts(one, parts[0], names) + _mix_facts(other, parts[1], names)
        if np.isnan(self.likeness(np.array([i]), np.array([j]))[0, 0]):
            return say("The two inventories share too few sectors to compare their mix."), facts
        main, main_2 = (int(np.nanargmax(part)) for part in parts)
        common = int(np.nanargmax(np.minimum(*parts)))
        if main != main_2 and min(part[common] for part in parts) >= LARGE_SHARE:
            says = "Both cities have a large part from {sector} ({share:.0f}% in {one}, {share_2:.0f}% in {other})"
            main = main_2 = common
        elif main == main_2:
            says = "In both cities {sector} is the largest source ({share:.0f}% in {one}, {share_2:.0f}% in {other})"
        else:
            says = "The largest source is {sector} in {one} ({share:.0f}%) and {sector_2} in {other} ({share_2:.0f}%)"
        told = {"one": _dated(one), "share": parts[0][main], "sector": names[main]}
        told |= {"other": _dated(other), "share_2": parts[1][main_2], "sector_2": names[main_2]}
        text = say(says, **told)
        over = listed([n for n, both in zip(names, shared, strict=True) if both])
        notes = {"boundary_note": _boundary_note(one, other), "years_note": _years_note(one, other)}
        says = "{text}; compared over {sectors}{boundary_note}{years_note}."
        return say(says, text=text, sectors=over, **notes), facts


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
        pair = [(self._cities[k], float(self._level[k])) for k in (i, j)]
        facts = tuple(_level_fact(city, level) for city, level in pair if not np.isnan(level))
        if unknown := [city.name for city, level in pair if np.isnan(level)]:
            says = (
                "Emissions per capita of {cities} are not known for the boundary that is reported."
            )
            return say(says, cities=listed(unknown)), facts
        (one, level), (other, level_2) = pair
        told = {"level": level, "one": _dated(one), "level_2": level_2, "other": _dated(other)}
        says = "Buildings, energy and transport emit {level:.1f} t CO2e per capita in {one} and {level_2:.1f} in {other}{years_note}."
        return say(says, **told, years_note=_years_note(one, other)), facts


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
    rows = [sectors(t) if t else [np.nan] * width for t in tables]
    return np.array(rows, dtype=np.float64).reshape(-1, width)


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
    ratio = np.where(p > 0, p, 1.0) / np.where(middle > 0, middle, 1.0)
    return np.where(p > 0, p * np.log2(ratio), 0.0)


def _dated(city: City) -> str:
    """Return a city's name with the year of its inventory."""
    if year := city.emissions and city.emissions.year:
        return say("{city} in {year}", city=city.name, year=year)
    return say("{city} (year not known)", city=city.name)


def _years_note(one: City, other: City) -> str:
    """Return that two inventories are so far apart in time that they do not compare like with like."""
    years = [c.emissions.year for c in (one, other) if c.emissions and c.emissions.year]
    apart = max(years) - min(years) if len(years) == 2 else 0
    says = "; the inventories are {apart} years apart"
    return say(says, apart=apart) if apart >= FAR_APART else ""


def _boundary_note(*cities: City) -> str:
    notes = []
    for city in cities:
        if city.emissions is not None and city.emissions.boundary != "city":
            note = city.emissions.boundary_note or say("another boundary than the city")
            notes.append(
                say("boundary of {city}: {boundary_note}", city=city.name, boundary_note=note)
            )
    return say(" ({notes})", notes=joined(notes, "; ")) if notes else ""


def _shares(tonnes: Floats, shared: NDArray[np.bool_]) -> Floats:
    """Return the shares in percent of the shared sectors in their sum, shape (S,); nan for the others, and of no sum."""
    total = tonnes[shared].sum()
    return np.where(shared, 100 * tonnes / (total if total > 0 else np.nan), np.nan)


def _mix_facts(city: City, shares: Floats, names: tuple[str, ...]) -> tuple[Fact, ...]:
    return tuple(
        _fact(city, say("share of {name}", name=name), round(float(share), 1), "%", _kind(city))
        for name, share in zip(names, shares, strict=True)
        if not np.isnan(share)
    )


def _fact(city: City, what: str, value: float, unit: str, kind: str) -> Fact:
    year = city.emissions.year if city.emissions else None
    return replace(fact_of(city, "emissions", what, value, unit, kind), year=year)


def _kind(city: City) -> str:
    return (city.emissions.kind if city.emissions else None) or "reported"


def _level_fact(city: City, level: float) -> Fact:
    stated = city.emissions is not None and city.emissions.boundary_population is not None
    what = say("buildings, energy and transport per capita")
    if not stated and city.population is not None:
        what += say(", by the {area}'s population", area=titled(city.population.of))
    return _fact(city, what, round(level, 2), "t CO2e", _kind(city) if stated else "estimated")
