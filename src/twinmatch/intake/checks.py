"""What a good analyst would ask about a profile, each question with its cell, its level and a suggested repair.

An error cannot be true, a warning is hard to believe, a note is worth knowing. Nothing is repaired here. Thresholds
are constants below, each with its reason.

Per-head figures are judged only where the population of the reporting boundary is known: the one stated for the
boundary, or the city's own where the inventory covers the city.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Sequence
from statistics import median
from typing import Final

import numpy as np

from twinmatch.errors import Problem
from twinmatch.facets.emissions import reporting_population
from twinmatch.schema import City, Commitment, Dimension, Emissions, Notation, Participation, Role
from twinmatch.validate import Record
from twinmatch.vocabulary.gazetteer import places
from twinmatch.vocabulary.geography import ALIASES, distance_km
from twinmatch.vocabulary.taxonomy import SECTOR_FIELDS, plain
from twinmatch.wording import say

Known = tuple[City, Record]
Doubt = tuple[str, str, str, str] | tuple[str, str, str, str, str]
"""A doubt about a city: its code, what was found, the field, what to do, and its level where it is no warning."""

AGREES: Final = 0.005
NEARLY: Final = 0.02
"""Relative difference of sum and printed total: rounding, and a line that may have been left out."""

LEAST_A_HEAD: Final = 0.3
MOST_A_HEAD: Final = 60.0
"""t CO2e per capita: below the lowest and above the highest national figure of Europe, with room for industry towns."""

USUAL: Final = (1.0, 25.0)
"""t CO2e per capita in which nearly all cities lie: where a slip of a factor of 1000 would land again."""

FAR: Final = 3.5
"""Modified z-score from which a value is far out (Iglewicz and Hoaglin 1993, How to Detect and Handle Outliers)."""

FEWEST_PEERS: Final = 20
APART_KM: Final = 25.0
"""Two places of one name that lie farther apart are two: no city's centre is in doubt by as much."""

OLD: Final = 10
"""Years behind the newest inventory of the cohort from which a year is worth a note."""


def doubts(known: Sequence[Known]) -> list[Problem]:
    """Return every doubt about profiles that are valid by themselves, in order of city."""
    found = [_say(record, *doubt) for city, record in known for f in CHECKS for doubt in f(city)]
    return [*found, *_outliers(known), *_old_years(known), *_twice(known)]


def _say(
    record: Record, code: str, found: str, path: str, do: str, level: str = "warning"
) -> Problem:
    return Problem(code, found, record.place(path), do, level)  # type: ignore[arg-type]


def numbers_of(emissions: Emissions) -> dict[str, float]:
    """Return the sectors that have a number, in t CO2e."""
    values = {name: getattr(emissions.sectors, name) for name in SECTOR_FIELDS}
    return {n: float(v) for n, v in values.items() if type(v) in {int, float}}


def total_of(emissions: Emissions) -> float | None:
    """Return the printed total, else the sum of the sectors, else scopes 1 and 2, in t CO2e; None where none is known."""
    if emissions.total_printed is not None:
        return emissions.total_printed
    numbers = numbers_of(emissions)
    if numbers:
        return math.fsum(numbers.values())
    one, two = (getattr(emissions.scopes, scope, None) for scope in ("scope_1", "scope_2"))
    return None if one is None or two is None else one + two


def a_head(city: City) -> float | None:
    """Return t CO2e per capita of the reporting boundary, None where not known."""
    people = reporting_population(city)
    total = total_of(city.emissions) if city.emissions else None
    return total / people if people and total is not None else None


def _totals(city: City) -> Iterator[Doubt]:
    """The sectors against the printed total, and against what the profile says of it."""
    emissions = city.emissions
    if emissions is None or emissions.total_printed is None:
        return
    numbers, total = numbers_of(emissions), emissions.total_printed
    added = math.fsum(numbers.values())
    net = added + (emissions.removals or 0.0)
    if numbers and total and abs(off := (added - total) / total) > AGREES:
        says = "The sectors add up to {added:,.0f} t, the printed total is {total:,.0f} t ({off:+.1%})."
        found = say(says, added=added, total=total, off=off)
        known = emissions.total_check == "differs" or abs((net - total) / total) <= AGREES
        level = "note" if abs(off) <= NEARLY or known else "warning"
        do = _why_off(emissions, numbers, added)
        yield "total-differs", found, "emissions.total_printed", do, level
    is_far = min(abs(added - total), abs(net - total)) > NEARLY * total
    if emissions.total_check == "agrees" and added and is_far:
        found = say("The profile says that the sectors agree with the printed total; they do not.")
        yield "total-check-wrong", found, "emissions.total_check", say("Write 'differs'.")


def _why_off(emissions: Emissions, numbers: dict[str, float], added: float) -> str:
    total = emissions.total_printed or 0.0
    gap = total - added
    if (added and 900 < total / added < 1100) or (total and 900 < added / total < 1100):
        return say("One of them is off by 1000: check whether it is in kt.")
    if emissions.removals and abs(gap - emissions.removals) <= AGREES * total:
        return say("The printed total has the removals taken off: say so in the note.")
    for name, value in numbers.items():
        if value and abs(gap + value) <= AGREES * total:
            where = say("it may stand inside another line, or outside the total")
            return say("The difference is {name}: {where}.", name=name, where=where)
    blank = _blank(emissions, ("waste", "ippu", "afolu"))
    if gap > 0 and blank:
        says = "What is missing may be in {blank}, which have no figure."
        return say(says, blank=", ".join(blank))
    return say("Ask the city which line is missing or counted twice.")


def _blank(emissions: Emissions, names: Sequence[str]) -> list[str]:
    return [n for n in names if getattr(emissions.sectors, n) == Notation.BLANK]


def _per_head(city: City) -> Iterator[Doubt]:
    """Emissions per capita, with the suspicion of a factor of 1000."""
    value = a_head(city)
    if value is None:
        if city.emissions is not None and total_of(city.emissions) is not None:
            says = "Emissions per capita cannot be judged: the population inside the boundary is not known."
            do = say("Fill in the population inside the boundary.")
            path = "emissions.boundary_population"
            yield "boundary-population-unknown", say(says), path, do, "note"
        return
    if LEAST_A_HEAD <= value <= MOST_A_HEAD:
        return
    printed = city.emissions is not None and city.emissions.total_printed is not None
    path = "emissions.total_printed" if printed else "emissions.sectors"
    low, high = USUAL
    for factor, words in ((1000.0, say("in kt")), (0.001, say("in kg")), (1e6, say("in Mt"))):
        if low <= value * factor <= high:
            told = {"figure_of": _figure_of(value), "words": words, "value": value * factor}
            says = (
                "{figure_of} t CO2e per capita; were the figures {words}, it would be {value:.1f}."
            )
            found = say(says, **told)
            says = "Check the unit: the source may be {words}, or the population in thousands."
            yield "factor-1000", found, path, say(says, words=words)
            return
    says = "{figure_of} t CO2e per capita is far from what cities emit."
    found = say(says, figure_of=_figure_of(value))
    says = (
        "Check unit, boundary and population; large industry or a port would explain a high figure."
    )
    yield "per-head-implausible", found, path, say(says)


def _figure_of(value: float) -> str:
    """Return a figure as people write it: 34,500 and never 3.45e+04."""
    return f"{value:,.0f}" if abs(value) >= 1000 else f"{value:,.4g}"


def _blanks(city: City) -> Iterator[Doubt]:
    """Sectors that are blank, and zeros that may be blanks."""
    emissions = city.emissions
    if emissions is None or not (numbers := numbers_of(emissions)):
        return
    sectors = ("stationary_energy", "transport", "waste", "ippu", "afolu")
    if blank := _blank(emissions, sectors):
        says = "Nothing is said about {blank}: not occurring, or not estimated?"
        found = say(says, blank=", ".join(blank))
        do = say("Write NO, NE, IE or C: only sectors that both cities report are compared.")
        yield "sector-blank", found, f"emissions.sectors.{blank[0]}", do, "note"
    for name in ("stationary_energy", "transport"):
        if numbers.get(name) == 0:
            found = say("{name} is zero, which no city is.", name=name)
            do = say("Leave it empty, or write NE or IE.")
            yield "zero-or-unknown", found, f"emissions.sectors.{name}", do


def _base_year(city: City) -> Iterator[Doubt]:
    """The year of the inventory."""
    if city.emissions is None:
        return
    year, path = city.emissions.year, "emissions.year"
    if year is None:
        do = say("Fill in the year that the figures are of.")
        yield "year-missing", say("The inventory has no year."), path, do, "note"
        return
    if year < 1990:
        base = say("the base year of the climate convention, 1990")
        found = say("An inventory of {year} is older than {base}.", year=year, base=base)
        yield "year-early", found, path, say("Check the year.")
    target = city.commitment.neutral_by if city.commitment else None
    if target and year >= target:
        says = "The inventory is of {year}, the target year is {target}."
        found = say(says, year=year, target=target)
        yield "year-after-target", found, path, say("One of them is wrong.")


def _old_years(known: Sequence[Known]) -> Iterator[Problem]:
    years = [c.emissions.year for c, _ in known if c.emissions and c.emissions.year]
    if len(years) < FEWEST_PEERS:
        return
    newest = sorted(years)[int(0.9 * (len(years) - 1))]
    for city, record in known:
        if city.emissions and city.emissions.year and newest - city.emissions.year > OLD:
            says = "The inventory is of {year}; nine in ten are of {newest} or before, most much newer than this."
            found = say(says, year=city.emissions.year, newest=newest)
            do = say("Ask for a newer inventory.")
            yield _say(record, "year-old", found, "emissions.year", do, "note")


def _commitment(city: City) -> Iterator[Doubt]:
    """Target years against each other and against the label."""
    by = city.commitment.neutral_by if city.commitment else None
    if city.commitment is None or by is None:
        return
    latest, path = city.commitment.neutral_by_at_latest, "commitment.neutral_by"
    if latest is not None and by > latest:
        found = say("Climate-neutral by {by}, and by {latest} at the latest.", by=by, latest=latest)
        do = say("Keep the year that the council adopted.")
        yield "target-contradicts", found, path, do, "error"
    if by > 2050:
        found = say("Climate-neutral by {by} is later than 2050, the Union's own year.", by=by)
        yield "target-late", found, path, say("Check the year.")
    if by > 2030 and city.has(Role.MISSION):
        found = say("A Mission City whose target year is {by}, not 2030.", by=by)
        yield "target-after-2030", found, path, say("Some are; check the contract."), "note"


def _guests(city: City) -> Iterator[Doubt]:
    taking = city.participation or Participation()
    least, most = taking.guests_at_least, taking.guests_at_most
    if least is not None and most is not None and least > most:
        found = say("At least {least} guests and at most {most}.", least=least, most=most)
        path = "participation.guests_at_least"
        yield "guests-contradict", found, path, say("Exchange or repair them."), "error"
    both = sorted(set(city.refuses) & set(city.wishes))
    if both or city.id in city.refuses:
        found = say("{id} is wished for and refused.", id=", ".join(both) or city.id)
        yield "wished-and-refused", found, "refuses", say("Remove it from one."), "error"


Clash = tuple[object, Dimension, str, str]


def _clashes(city: City, levels: dict[Dimension, int]) -> Iterator[Clash]:
    """Yield each contradiction: whether it is there, the dimension that shows it, its words and its level."""
    d, level = Dimension, levels.get
    said, emissions = city.commitment or Commitment(), city.emissions
    inventory = emissions is not None and emissions.kind != "estimated" and level(d.INVENTORY) == 0
    found = say("The city has an inventory, and says that it has none (level 0).")
    yield inventory, d.INVENTORY, found, "warning"
    found = say("A neutrality year is stated, and the target is said to be absent (level 0).")
    yield said.neutral_by and level(d.TARGET) == 0, d.TARGET, found, "warning"
    yearless = level(d.TARGET, 0) >= 3 and not (said.neutral_by or said.neutral_by_at_latest)
    says = "The target is at level 3 or more, which needs a stated year, and no year is given."
    yield yearless, d.TARGET, say(says), "note"
    for what, dimension, base in (
        (say("The plan's effects are worked out"), d.PLAN, d.INVENTORY),
        (say("Measures are on schedule"), d.DELIVERY, d.PLAN),
        (say("The money of the plan is in place"), d.FINANCE, d.PLAN),
    ):
        found = say("{what} (level 3 or more) without any {base} (level 0).", what=what, base=base)
        yield level(dimension, 0) >= 3 and level(base) == 0, dimension, found, "warning"
    labelled = city.mission and city.mission.label_awarded
    says = (
        "The Mission Label was awarded for a contract with a plan, and the plan is at level 0 or 1."
    )
    yield labelled and level(d.PLAN, 4) <= 1, d.PLAN, say(says), "warning"
    found = say("Everything is at level 4, which no city says of itself after a second look.")
    yield len(levels) == len(d) and set(levels.values()) == {4}, d.MANDATE, found, "note"


def _readiness(city: City) -> Iterator[Doubt]:
    """Levels that contradict each other or the rest of the profile."""
    levels = dict(city.readiness or {})
    if not levels:
        return
    do = say("Read the wording of the level again (sheet 'levels' of the form).")
    for clashes, dimension, found, level in _clashes(city, levels):
        if clashes:
            yield "readiness-contradicts", found, f"readiness.{dimension}", do, level


def _place(city: City) -> Iterator[Doubt]:
    """Coordinates and population against the gazetteer."""
    known = places().get(city.id)
    if known is None:
        return
    if city.location and known.lat is not None and known.lon is not None:
        lat, lon = city.location.lat, city.location.lon
        if abs(lat - known.lon) < 0.5 and abs(lon - known.lat) < 0.5 and abs(lat - known.lat) > 1:
            says = "{lat}, {lon} looks like longitude and latitude exchanged."
            found = say(says, lat=lat, lon=lon)
            yield "lat-lon-exchanged", found, "location.lat", say("Exchange them.")
        elif abs(lat - known.lat) > 0.5 or abs(lon - known.lon) > 0.8:
            says = "{name}, which lies at {lat}, {lon}"
            there = say(says, name=known.name, lat=known.lat, lon=known.lon)
            found = say("{lat}, {lon} is far from {there}.", lat=lat, lon=lon, there=there)
            do = say("Check the coordinates, or the identifier.")
            yield "place-far", found, "location.lat", do
    people = city.population
    is_own = people is not None and people.of in {"municipality", "settlement"}
    ratio = people.value / known.population if people and is_own and known.population else 1.0
    if people and not 1 / 3 <= ratio <= 3:
        says = "{value:,} people; the gazetteer has {population:,}."
        found = say(says, value=people.value, population=known.population)
        do = say("Check whether thousands, or another area, are meant.")
        yield "population-differs", found, "population.value", do


def _twice(known: Sequence[Known]) -> Iterator[Problem]:
    """Cities of one country and one name under two identifiers, unless they lie apart."""
    named: dict[tuple[str, str], list[Known]] = {}
    for city, record in known:
        for name in {plain(n) for n in (city.name, city.local_name) if n and plain(n)}:
            named.setdefault((city.country, name), []).append((city, record))
    told: set[str] = set()
    for same in named.values():
        for k, (city, record) in enumerate(same):
            near = (c for c, _ in same[:k] if c.id != city.id and not _lie_apart(c, city))
            first = next(near, None)
            if first is None or city.id in told:
                continue
            told.add(city.id)
            says = "{id} and {id2} are both {name} in {country}."
            found = say(says, id=city.id, id2=first.id, name=city.name, country=city.country)
            do = say("If they are one city, keep one of the two; its places would be given twice.")
            yield _say(record, "same-name", found, "id", do)


def _lie_apart(one: City, other: City) -> bool:
    ends = [(c.location.lat, c.location.lon) for c in (one, other) if c.location]
    return len(ends) == 2 and distance_km(*np.array(ends).reshape(4, 1))[0] > APART_KM


def _covenant(city: City) -> Iterator[Doubt]:
    if city.covenant and city.covenant.id[:2].isalpha():
        code = ALIASES.get(city.covenant.id[:2].upper(), city.covenant.id[:2].upper())
        if code != city.country:
            says = "The Covenant identifier {id} is of {code}, the city of {country}."
            found = say(says, id=city.covenant.id, code=code, country=city.country)
            yield "covenant-country", found, "covenant.id", say("Check the identifier.")


def _outliers(known: Sequence[Known]) -> Iterator[Problem]:
    """Values that lie far from those of the other cities, on a logarithmic scale."""
    for path, what, unit, value in (
        ("emissions.total_printed", say("Emissions per capita"), "t CO2e", a_head),
        ("context.gdp_per_head.value", say("Gross domestic product per capita"), "EUR", _gdp),
    ):
        values = {i: v for i, (c, _) in enumerate(known) if (v := value(c)) is not None and v > 0}
        logs = {i: math.log(v) for i, v in values.items()}
        if len(logs) < FEWEST_PEERS:
            continue
        middle = median(logs.values())
        spread = median(abs(v - middle) for v in logs.values())
        if spread == 0:
            continue
        for i, log in logs.items():
            score = 0.6745 * (log - middle) / spread
            if abs(score) > FAR:
                both = [_figure_of(v) for v in (values[i], math.exp(middle))]
                told = {"what": what, "unit": unit, "figure_of": both[0], "figure_of2": both[1]}
                says = "{what}, {figure_of} {unit}, is far from the cohort's middle, {figure_of2} (score {score:+.1f})."
                found = say(says, **told, score=score)
                do = say("True outliers exist (ports, steel, capitals): accept it if it is one.")
                level = "warning" if value is a_head else "note"
                yield _say(known[i][1], "outlier", found, path, do, level)


def _gdp(city: City) -> float | None:
    figure = city.context.gdp_per_head if city.context else None
    return figure.value if figure else None


CHECKS: Final[tuple[Callable[[City], Iterator[Doubt]], ...]] = (
    *(_totals, _per_head, _blanks, _base_year, _commitment, _guests, _readiness, _place),
    _covenant,
)
"""The checks of one profile; a further one is a function and a line here."""
