"""Who may be a guest: the conditions of a programme file, and who meets them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from pydantic import Field

from twinmatch.cohort import City
from twinmatch.geography import in_eu
from twinmatch.programmes.base import Policy, ProgrammeSection
from twinmatch.programmes.kinds import ENGLISH_LEVELS
from twinmatch.programmes.round import Round
from twinmatch.schema import Role

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
