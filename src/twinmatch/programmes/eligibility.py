"""Who may be a guest: the conditions of a programme file, and who meets them."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Annotated, Any, Final, Literal

from pydantic import AfterValidator, Field

from twinmatch.cohort import City
from twinmatch.programmes.base import Policy, ProgrammeSection
from twinmatch.programmes.kinds import (
    ENGLISH_LEVELS,
    FIELDS,
    Who,
    is_kind,
    without_host,
    wording,
)
from twinmatch.programmes.round import Round
from twinmatch.programmes.rules import roles_in_words
from twinmatch.schema import Role
from twinmatch.vocabulary.geography import in_eu
from twinmatch.wording import joined, listed, say, say_n

English = Literal["A1", "A2", "B1", "B2", "C1", "C2"]


class Eligibility(ProgrammeSection):
    """Who may be a guest. What is not known of a city is neither yes nor no: ``unknown`` says what it means."""

    roles: tuple[Role, ...] = (Role.GUEST,)
    """Cities with one of these roles apply"""
    not_roles: tuple[Role, ...] = (Role.MISSION,)
    """Cities with one of these roles do not"""
    neutral_by: int | None = Field(None, ge=2020, le=2100)
    """Climate neutrality committed to by this year"""
    staff_hours_a_month: float | None = Field(None, ge=0)
    """Staff hours a month, at least"""
    english: English | None = None
    """English of the team, at least (CEFR)"""
    population_at_least: int | None = Field(None, ge=0)
    """Residents, at least"""
    population_at_most: int | None = Field(None, ge=0)
    """Residents, at most"""
    inside_eu: bool | None = None
    """true: only cities of Member States; false: only others"""
    urbanisation_at_most: int | None = Field(None, ge=1, le=3)
    """Degree of urbanisation: 1 city, 2 town or suburb, 3 rural"""
    covenant: bool = False
    """Only signatories of the Covenant of Mayors"""
    who: Annotated[Who, AfterValidator(without_host)] | None = None
    """Only cities of this kind, as rules say it"""
    took_part_in: tuple[str, ...] = ()
    """Only cities that took part in one of these programmes, to replay a round"""
    unknown: Policy = "ask first"
    """A condition not known: 'ask first' (kept apart and named), 'let in', 'keep out'"""


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
            refused[i] = say_n(
                "A condition of the programme is not met: {failed}.",
                "{n} conditions of the programme are not met: {failed}.",
                len(failed),
                failed=joined(failed, "; "),
            )
        elif unknown and rule.unknown != "let in":
            (ask if rule.unknown == "ask first" else refused)[i] = say(
                "Guests need {unknown}; this is not known yet.",
                unknown=listed(list(unknown)),
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


URBAN: Final = (
    say("a city (degree of urbanisation 1)"),
    say("a city, town or suburb (degree of urbanisation 1 or 2)"),
    say("a city, town, suburb or rural area (any degree of urbanisation)"),
)
"""Places up to each degree of urbanisation."""

CONDITIONS: Final[dict[str, tuple[str, str, Callable[[Any], str], Callable[[Any, Any], str]]]] = {
    "neutral_by": (
        "target <= {0}",
        "commitment",
        lambda n: say("a commitment to climate neutrality by {n} or earlier", n=n),
        lambda n, has: say(
            "guests aim to be climate neutral by {n} or earlier (the application states {has})",
            n=n,
            has=int(has),
        ),
    ),
    "staff_hours_a_month": (
        "hours >= {0:f}",
        "participation",
        lambda n: say("at least {n:g} staff hours a month", n=n),
        lambda n, has: say(
            "guests give at least {n:g} staff hours a month (the application states {has:g})",
            n=n,
            has=has,
        ),
    ),
    "english": (
        "english >= {0}",
        "participation",
        lambda n: say("English at {n} or better", n=n),
        lambda n, has: say(
            "guests work in English at {n} or better (the application states {has})",
            n=n,
            has=ENGLISH_LEVELS[int(has)],
        ),
    ),
    "population_at_least": (
        "population >= {0}",
        "population",
        lambda n: say("at least {n:,} residents", n=n),
        lambda n, has: say(
            "guests have at least {n:,} residents (the profile states {has:,})", n=n, has=has
        ),
    ),
    "population_at_most": (
        "population <= {0}",
        "population",
        lambda n: say("at most {n:,} residents", n=n),
        lambda n, has: say(
            "guests have at most {n:,} residents (the profile states {has:,})", n=n, has=has
        ),
    ),
    "urbanisation_at_most": (
        "urbanisation <= {0}",
        "",
        lambda n: say("to lie in {places}", places=URBAN[n - 1]),
        lambda n, has: say(
            "guests are {places}, and Eurostat classes this municipality as {own}",
            places=(say("cities"), say("cities, towns or suburbs"))[n - 1],
            own=(say("a town or suburb"), say("a rural area"))[int(has) - 2],
        ),
    ),
}
"""Each setting as a kind of city, the block of a profile that answers it, in words, and what is said where it is not met."""


def conditions(city: City, rule: Eligibility) -> tuple[list[str], dict[str, str]]:
    """Return the conditions that a city fails, and those of which it is not known with the block that answers, in words."""
    failed: list[str] = []
    unknown: dict[str, str] = {}
    if clash := [role for role in rule.not_roles if city.has(role)]:
        failed.append(say("guests are cities other than {kinds}", kinds=roles_in_words(clash)))
    for name, (kind, block, words, otherwise) in CONDITIONS.items():
        if (asked := getattr(rule, name)) is None:
            continue
        held = is_kind(city, kind.format(asked))
        if held is None:
            unknown[words(asked)] = block
        elif not held:
            read = FIELDS[kind.partition(" ")[0]].number
            failed.append(otherwise(asked, read(city) if read else None))
    if rule.inside_eu is not None and in_eu(city.country) != rule.inside_eu:
        inside = say("guests are cities in the EU")
        failed.append(inside if rule.inside_eu else say("guests are cities outside the EU"))
    if rule.covenant and city.covenant is None:
        unknown[say("a signature of the Covenant of Mayors")] = "covenant"
    if rule.who and not (held := is_kind(city, rule.who)):
        kind = wording(rule.who)
        if held is None:
            unknown[say("to be {kind}", kind=kind)] = ""
        else:
            failed.append(say("guests are {kind}", kind=kind))
    return failed, unknown
