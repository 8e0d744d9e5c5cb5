"""Who may be a guest: the conditions of a programme file, and who meets them."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Annotated, Any, Final, Literal

from pydantic import AfterValidator, Field

from twinmatch.cohort import City
from twinmatch.programmes.base import Policy, ProgrammeSection
from twinmatch.programmes.kinds import FIELDS, Who, is_kind, without_host, wording
from twinmatch.programmes.round import Round
from twinmatch.schema import Role
from twinmatch.vocabulary.geography import in_eu
from twinmatch.wording import joined, say

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
    who: Annotated[Who, AfterValidator(without_host)] | None = Field(
        None, description="Only cities of this kind, as rules say it"
    )
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
            refused[i] = say("Not eligible: {failed}.", failed=joined(failed, "; "))
        elif unknown and rule.unknown != "let in":
            (ask if rule.unknown == "ask first" else refused)[i] = say(
                "We do not know yet whether it has: {unknown}.", unknown=joined(unknown, "; ")
            )
        else:
            eligible.append(i)
            if unknown:
                let_in[i] = say(
                    "Let in although not known: {unknown}.", unknown=joined(unknown, "; ")
                )
    return Applicants(tuple(eligible), refused, ask, let_in)


def _took_part(city: City, rule: Eligibility) -> bool:
    own = city.participation.programmes if city.participation else ()
    return bool(set(own) & set(rule.took_part_in))


CONDITIONS: Final[dict[str, tuple[str, Callable[[Any], str], Callable[[Any, Any], str] | None]]] = {
    "neutral_by": (
        "target <= {0}",
        lambda n: say("a commitment to climate neutrality by {n} or earlier", n=n),
        None,
    ),
    "staff_hours_a_month": (
        "hours >= {0:f}",
        lambda n: say("{n:g} staff hours a month", n=n),
        lambda n, has: say(
            "it gives {has:g} staff hours a month where at least {n:g} are asked", n=n, has=has
        ),
    ),
    "english": ("english >= {0}", lambda n: say("English at {n} or better", n=n), None),
    "population_at_least": (
        "population >= {0}",
        lambda n: say("at least {n:,} residents", n=n),
        lambda n, has: say("it has {has:,} residents where at least {n:,} are asked", n=n, has=has),
    ),
    "population_at_most": (
        "population <= {0}",
        lambda n: say("at most {n:,} residents", n=n),
        lambda n, has: say("it has {has:,} residents where at most {n:,} are asked", n=n, has=has),
    ),
    "urbanisation_at_most": (
        "urbanisation <= {0}",
        lambda n: say("a degree of urbanisation of {n} or less", n=n),
        lambda n, has: say(
            "its degree of urbanisation is {has} where {n} or less is asked", n=n, has=has
        ),
    ),
}
"""Each setting as a kind of city, in words, and what is the case where it is not met; nothing: the city lacks it."""


def conditions(city: City, rule: Eligibility) -> tuple[list[str], list[str]]:
    """Return the conditions that a city fails, and those of which it is not known, in words."""
    failed: list[str] = []
    unknown: list[str] = []
    clash = next((role.value for role in rule.not_roles if city.has(role)), "")
    if clash:
        already = {
            "guest": say("it is a guest already"),
            "mission": say("it is a Mission City already"),
            "pilot": say("it is a Pilot City already"),
        }
        failed.append(
            already.get(clash) or say("it is a {role} City already", role=clash.capitalize())
        )
    for name, (kind, words, otherwise) in CONDITIONS.items():
        if (asked := getattr(rule, name)) is None:
            continue
        held = is_kind(city, kind.format(asked))
        if held is None:
            unknown.append(words(asked))
        elif not held:
            read = FIELDS[kind.partition(" ")[0]].number
            has = read(city) if read else None
            lacks = say("it lacks {condition}", condition=words(asked))
            failed.append(otherwise(asked, has) if otherwise else lacks)
    if rule.inside_eu is not None and in_eu(city.country) != rule.inside_eu:
        failed.append(say("it is not in the EU") if rule.inside_eu else say("it is in the EU"))
    if rule.covenant and city.covenant is None:
        unknown.append(say("a signature of the Covenant of Mayors"))
    if rule.who and not (held := is_kind(city, rule.who)):
        kind = wording(rule.who)
        if held is None:
            unknown.append(kind)
        else:
            failed.append(say("it is not {kind}", kind=kind))
    return failed, unknown
