"""What groups are mixed or alike by: a category of each city, or none where it is not known.

Notation: n cities; a category is a word, None where not known; alike (n, n) is 1 for cities of one category, 0 for
others, and the mean of the known pairs where either is not known, so that silence neither mixes nor matches.

Who may be a guest: the conditions of a programme file, and who meets them.
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final, Literal

import numpy as np
from numpy.typing import NDArray
from pydantic import Field

from twinmatch.cohort import City, Cohort
from twinmatch.facets.readiness import levels
from twinmatch.geography import country, in_eu
from twinmatch.programmes.base import Policy, ProgrammeSection
from twinmatch.programmes.round import Round
from twinmatch.schema import Role

Floats = NDArray[np.float64]
Attribute = Literal["country", "region", "size", "readiness", "mission", "newcomer"]

SMALL, LARGE = 100_000, 500_000
"""Residents below which a city is small, and from which it is large."""

STARTING, ADVANCED = 1.5, 2.5
"""Mean level of readiness below which a city is starting, and from which it is advanced."""

LEAST_KNOWN: Final = 4
"""Dimensions of readiness that must be known before a city has a category of readiness."""

TITLES: dict[Attribute, str] = {
    "country": "countries",
    "region": "regions of Europe",
    "size": "sizes of city",
    "readiness": "stages of readiness",
    "mission": "Mission Cities and others",
    "newcomer": "newcomers and others",
}


def categories(cohort: Cohort, attribute: Attribute) -> list[str | None]:
    """Return the category of every city, in order; None where it is not known."""
    if attribute == "readiness":
        return [_stage(row) for row in levels(cohort)]
    return [_category(city, attribute) for city in cohort.cities]


def _category(city: City, attribute: Attribute) -> str | None:
    if attribute == "country":
        return country(city.country).name
    if attribute == "region":
        return country(city.country).region
    if attribute == "mission":
        return "Mission City" if city.has(Role.MISSION) else "other city"
    if attribute == "newcomer":
        known = is_kind(city, "newcomer", SMALL)
        return None if known is None else ("newcomer" if known else "experienced")
    people = city.population.value if city.population else None
    if people is None:
        return None
    return "small" if people < SMALL else ("large" if people >= LARGE else "middle-sized")


def _stage(row: Floats) -> str | None:
    known = row[~np.isnan(row)]
    if len(known) < LEAST_KNOWN:
        return None
    mean = float(known.mean())
    return "starting" if mean < STARTING else ("advanced" if mean >= ADVANCED else "under way")


def alike(words: Sequence[str | None]) -> Floats:
    """Return how alike cities are in a category, shape (n, n)."""
    return Alike(words).of(np.arange(len(words)))


class Alike:
    """How alike cities are in a category, for those who ask for some of them at a time."""

    def __init__(self, words: Sequence[str | None]) -> None:
        names = {word: k for k, word in enumerate(sorted({w for w in words if w}))}
        self.kind = np.array([names[w] if w else -1 for w in words], dtype=np.int64)
        self.silent = silent_mean(words)

    def of(self, rows: NDArray[np.intp], columns: NDArray[np.intp] | None = None) -> Floats:
        """Return how alike some cities are to each other, (r, r), or to others, (r, c)."""
        one, other = self.kind[rows], self.kind[rows if columns is None else columns]
        both = (one >= 0)[:, None] & (other >= 0)
        return np.where(both, one[:, None] == other, self.silent)


def silent_mean(words: Sequence[str | None]) -> float:
    """Return what a pair with an unknown category counts: the mean over the known pairs, 0.5 without any."""
    counted = Counter(w for w in words if w)
    pairs = math.comb(counted.total(), 2)
    return sum(math.comb(c, 2) for c in counted.values()) / pairs if pairs else 0.5


def composition(words: Sequence[str | None]) -> str:
    """Return the categories of some cities in words, the most frequent first, such as "5 small, 3 large"."""
    counted: dict[str, int] = {}
    for word in words:
        counted[word or "not known"] = counted.get(word or "not known", 0) + 1
    return ", ".join(
        f"{count} {word}" for word, count in sorted(counted.items(), key=lambda x: (-x[1], x[0]))
    )


def likeness_to_all(members: Sequence[str | None], everyone: Counter[str]) -> float:
    """Return how far a group has the mix of all, in [0, 1]: 1 minus half the summed difference of shares.

    Over the known ones of both, ``everyone`` counting those of all cities; nan where there are none.
    """
    mine = Counter(w for w in members if w)
    if not mine or not everyone:
        return float("nan")
    own, all_ = mine.total(), everyone.total()
    words = sorted({*mine, *everyone})
    return 1.0 - sum(abs(mine[w] / own - everyone[w] / all_) for w in words) / 2.0


def is_kind(city: City, who: str, small_below: int) -> bool | None:
    """Return whether a city is of a kind that does not depend on the host; None where it is not known."""
    people = city.population.value if city.population else None
    own = city.participation
    if who == "newcomer":
        if own is None or (own.newcomer is None and not own.programmes):
            return None
        return own.newcomer if own.newcomer is not None else False
    if who in ("small", "large"):
        return None if people is None else (people < small_below) == (who == "small")
    return in_eu(city.country) == (who == "in the EU")


English = Literal["A1", "A2", "B1", "B2", "C1", "C2"]


class Eligibility(ProgrammeSection):
    """Who may be a guest. What is not known of a city is neither yes nor no: ``unknown`` says what it means."""

    roles: tuple[Role, ...] = Field(
        (Role.GUEST,), description="Cities with one of these roles apply"
    )
    not_roles: tuple[Role, ...] = Field(
        (Role.MISSION,), description="Cities with one of these roles do not"
    )
    neutral_by: int | None = Field(
        None, ge=2020, le=2100, description="Climate neutrality committed to by this year"
    )
    staff_hours_a_month: float | None = Field(
        None, ge=0, description="Staff hours a month, at least"
    )
    english: English | None = Field(None, description="English of the team, at least (CEFR)")
    population_at_least: int | None = Field(None, ge=0, description="Residents, at least")
    population_at_most: int | None = Field(None, ge=0, description="Residents, at most")
    inside_eu: bool | None = Field(
        None, description="true: only cities of Member States; false: only others"
    )
    urbanisation_at_most: int | None = Field(
        None, ge=1, le=3, description="Degree of urbanisation: 1 city, 2 town or suburb, 3 rural"
    )
    covenant: bool = Field(False, description="Only signatories of the Covenant of Mayors")
    took_part_in: tuple[str, ...] = Field(
        (), description="Only cities that took part in one of these programmes, to replay a round"
    )
    unknown: Policy = Field(
        "ask first",
        description="A condition not known: 'ask first' (kept apart and named), 'let in', 'keep out'",
    )


ENGLISH_LEVELS = ("A1", "A2", "B1", "B2", "C1", "C2")


@dataclass(frozen=True)
class Applicants:
    """Who applied: the eligible in order of id, and why the others are not; "ask" where it is not known."""

    eligible: tuple[int, ...]
    refused: dict[int, str]
    ask: dict[int, str]
    let_in: dict[int, str]


def applicants(round_: Round, rule: Eligibility) -> Applicants:
    """Return who may be a guest, and for everyone else with a guest's role the reason."""
    eligible: list[int] = []
    refused: dict[int, str] = {}
    ask: dict[int, str] = {}
    let_in: dict[int, str] = {}
    for i, city in enumerate(round_.cohort.cities):
        if not set(rule.roles) & set(city.roles):
            continue
        if rule.took_part_in and not _took_part(city, rule):
            continue
        failed, unknown = conditions(city, rule)
        if failed:
            refused[i] = f"Not eligible: {'; '.join(failed)}."
        elif unknown and rule.unknown != "let in":
            (ask if rule.unknown == "ask first" else refused)[i] = (
                f"Not known: {'; '.join(unknown)}."
            )
        else:
            eligible.append(i)
            if unknown:
                let_in[i] = f"Let in although not known: {'; '.join(unknown)}."
    return Applicants(tuple(eligible), refused, ask, let_in)


def _took_part(city: City, rule: Eligibility) -> bool:
    own = city.participation.programmes if city.participation else ()
    return bool(set(own) & set(rule.took_part_in))


def conditions(city: City, rule: Eligibility) -> tuple[list[str], list[str]]:
    """Return the conditions that a city fails, and those of which it is not known, in words."""
    failed: list[str] = []
    unknown: list[str] = []
    clash = [role.value for role in rule.not_roles if city.has(role)]
    if clash:
        failed.append(
            f"it is a {clash[0].capitalize()} City already"
            if clash[0] != "guest"
            else "it is a guest already"
        )
    if rule.neutral_by is not None:
        commitment = city.commitment
        year = (commitment.neutral_by or commitment.neutral_by_at_latest) if commitment else None
        _weigh(
            year,
            year is not None and year <= rule.neutral_by,
            f"a commitment to climate neutrality by {rule.neutral_by} or earlier",
            failed,
            unknown,
        )
    participation = city.participation
    if rule.staff_hours_a_month is not None:
        hours = participation.staff_hours_a_month if participation else None
        _weigh(
            hours,
            hours is not None and hours >= rule.staff_hours_a_month,
            f"{rule.staff_hours_a_month:g} staff hours a month",
            failed,
            unknown,
        )
    if rule.english is not None:
        level = participation.english if participation else None
        enough = level is not None and ENGLISH_LEVELS.index(level) >= ENGLISH_LEVELS.index(
            rule.english
        )
        _weigh(level, enough, f"English at {rule.english} or better", failed, unknown)
    _weigh_place(city, rule, failed, unknown)
    return failed, unknown


def _weigh_place(city: City, rule: Eligibility, failed: list[str], unknown: list[str]) -> None:
    """Add the conditions on size, density and membership that a city fails, or of which it is not known."""
    people = city.population.value if city.population else None
    density = city.context.degree_of_urbanisation if city.context else None
    least, most = rule.population_at_least, rule.population_at_most
    has = f"it has {people or 0:,} residents where"
    if least is not None:
        enough = people is not None and people >= least
        words = f"at least {least:,} residents"
        _weigh(people, enough, words, failed, unknown, f"{has} at least {least:,} are asked")
    if most is not None:
        few = people is not None and people <= most
        words = f"at most {most:,} residents"
        _weigh(people, few, words, failed, unknown, f"{has} at most {most:,} are asked")
    if rule.urbanisation_at_most is not None:
        dense = density is not None and density <= rule.urbanisation_at_most
        words = f"a degree of urbanisation of {rule.urbanisation_at_most} or less"
        otherwise = f"its degree of urbanisation is {density} where {rule.urbanisation_at_most} or less is asked"
        _weigh(density, dense, words, failed, unknown, otherwise)
    if rule.inside_eu is not None and in_eu(city.country) != rule.inside_eu:
        failed.append("it is not in the EU" if rule.inside_eu else "it is in the EU")
    if rule.covenant and city.covenant is None:
        unknown.append("a signature of the Covenant of Mayors")


def _weigh(
    value: object,
    holds: bool,
    condition: str,
    failed: list[str],
    unknown: list[str],
    otherwise: str = "",
) -> None:
    """Add a condition where it is not known, or, where it does not hold, what is the case instead."""
    if value is None:
        unknown.append(condition)
    elif not holds:
        failed.append(otherwise or f"it lacks {condition}")
