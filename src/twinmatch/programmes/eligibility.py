"""Who may be a guest: the conditions of a programme file, and who meets them."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterable
from dataclasses import dataclass
from typing import Annotated, Any, Final, Literal

from pydantic import AfterValidator, Field

from twinmatch.cohort import City, Cohort
from twinmatch.programmes.base import Policy, ProgrammeSection
from twinmatch.programmes.conditions import Who, is_kind, without_host, wording
from twinmatch.programmes.kinds import ENGLISH_LEVELS, FIELDS
from twinmatch.programmes.round import Round
from twinmatch.programmes.rules import roles_in_words
from twinmatch.proposal import Ask, RuleStatus
from twinmatch.schema import Role
from twinmatch.vocabulary.geography import in_eu
from twinmatch.vocabulary.topics import KINDS
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
    """Degree of urbanisation: 1 city, 2 town or suburb, 3 rural; where it is not known, 100,000 residents are no rural area"""
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
            refused[i] = _not_met(failed)
        elif unknown and rule.unknown != "let in":
            (ask if rule.unknown == "ask first" else refused)[i] = _not_known(unknown)
        else:
            eligible.append(i)
            if unknown:
                let_in[i] = say(
                    "Let in although not known: {unknown}.", unknown=joined(unknown, "; ")
                )
    return Applicants(tuple(eligible), refused, ask, let_in)


NEVER_RURAL: Final = 100_000
"""Residents from which a municipality counts as a city, town or suburb where its degree of urbanisation is not known.

Of the signatories of the Covenant of Mayors none of this size is rural: 341 are cities, 18 towns or suburbs (Kona et al.
2021, table 3, doi:10.2905/57A615EB-CFBC-435A-A8C5-553BD40F76C9).
"""


def kept_out(city: City, rule: Eligibility) -> str:
    """Return which conditions keep a city from being a guest, not met or not known; empty for none."""
    failed, unknown = conditions(city, rule)
    if failed:
        return _not_met(failed)
    return _not_known(unknown) if unknown and rule.unknown != "let in" else ""


def _not_met(failed: Collection[str]) -> str:
    return say_n(
        "A condition of the programme is not met: {failed}.",
        "{n} conditions of the programme are not met: {failed}.",
        len(failed),
        failed=joined(failed, "; "),
    )


def _not_known(unknown: dict[str, str]) -> str:
    """Return what is not known of a city, by setting: what it is asked, and what the office looks up."""
    asked = [words for words, name in unknown.items() if name in ASKED]
    office = [words for words, name in unknown.items() if name not in ASKED]
    parts = []
    if asked:
        one = "Guests need {unknown}; this is not known yet."
        many = "Guests need {unknown}; none of this is known yet."
        parts.append(say_n(one, many, len(asked), unknown=listed(asked)))
    if office:
        says = "Guests need {unknown}; the programme office looks this up."
        parts.append(say(says, unknown=listed(office)))
    return joined(parts)


ASKED: Final = {
    name: (say(row["question"]), row["block"])
    for name, row in KINDS["conditions"].items()
    if "question" in row
}
"""The question to a city, and the block of its profile that it fills, by the condition of which it is not known."""


def to_ask(city: City, rule: Eligibility) -> tuple[Ask, ...]:
    """Return the questions to a city on the conditions that are not known of it."""
    unknown = conditions(city, rule)[1].values()
    return tuple(Ask(city.id, *ASKED[name]) for name in unknown if name in ASKED)


def _took_part(city: City, rule: Eligibility) -> bool:
    own = city.participation.programmes if city.participation else ()
    return bool(set(own) & set(rule.took_part_in))


def _worded(setting: str, says: str, n: Any, has: Any = None) -> str:
    """Return what a condition "asks", or what is said where it "fails", with what the city has."""
    values: dict[str, Any] = {"n": n}
    if has is not None:
        values["has"] = ENGLISH_LEVELS[has] if setting == "english" else has
    if setting == "urbanisation_at_most":
        of = KINDS["urbanisation"]
        values = {"places": say(of[says][n - 1])}
        values |= {} if has is None else {"own": say(of["own"][has - 1])}
    return say(KINDS["conditions"][setting][says], **values)


def conditions(city: City, rule: Eligibility) -> tuple[dict[str, str], dict[str, str]]:
    """Return the conditions that a city fails, in words, each with what is asked; and those of which it is not known.

    The second by what is asked, each with its setting. Where a role alone keeps a city out nothing else is named.
    """
    failed: dict[str, str] = {}
    unknown: dict[str, str] = {}
    if clash := [role for role in rule.not_roles if city.has(role)]:
        kinds = roles_in_words(clash)
        says = say("{kinds} do not travel as guests", kinds=kinds)
        return {says: say("to be none of the {kinds}", kinds=kinds)}, {}
    for name, row in KINDS["conditions"].items():
        if (asked := getattr(rule, name)) is None:
            continue
        held = is_kind(city, row["kind"].format(asked))
        if held is None and name == "urbanisation_at_most" and asked >= 2:
            held = is_kind(city, f"population >= {NEVER_RURAL}") or None
        asks = _worded(name, "asks", asked)
        if held is None:
            unknown[asks] = name
        elif not held:
            read = FIELDS[row["kind"].partition(" ")[0]].number
            failed[_worded(name, "fails", asked, read(city) if read else None)] = asks
    if rule.inside_eu is not None and in_eu(city.country) != rule.inside_eu:
        inside, outside = (
            say("guests are cities in the EU"),
            say("guests are cities outside the EU"),
        )
        says = inside if rule.inside_eu else outside
        failed[says] = says
    if rule.covenant and city.covenant is None:
        unknown[say("a signature of the Covenant of Mayors")] = "covenant"
    if rule.who and not (held := is_kind(city, rule.who)):
        kind = wording(rule.who)
        if held is None:
            unknown[say("to be {kind}", kind=kind)] = "who"
        else:
            says = say("guests are {kind}", kind=kind)
            failed[says] = says
    return failed, unknown


CONDITIONS: Final = "conditions on guests"
"""The name of the rule that who is a guest meets the conditions."""


def conditions_kept(cohort: Cohort, who: Applicants, rule: Eligibility) -> RuleStatus:
    """Return the conditions on guests as a rule, with how many applicants each keeps out; binding where any does."""
    asked = who.refused if rule.unknown == "keep out" else who.ask
    says = unmet(cohort, who.refused, asked, rule)
    if not says:
        return RuleStatus(CONDITIONS, say("Every applicant meets the conditions."), "kept")
    return RuleStatus(CONDITIONS, says, "binding")


def unmet(cohort: Cohort, refused: Iterable[int], asked: Iterable[int], rule: Eligibility) -> str:
    """Return which conditions some cities fail and which are not known of others, each with how many, most first; empty for none."""
    failed = [[*conditions(cohort.cities[i], rule)[0].values()] for i in refused]
    unknown = [[*conditions(cohort.cities[i], rule)[1]] for i in asked]
    parts = []
    for found, says in (
        (failed, "Conditions that applicants miss, with how many: {failed}."),
        (unknown, "Conditions of which it is not known yet, with how many: {failed}."),
    ):
        counted = Counter(asks for mine in found for asks in mine)
        each = [say("{asks} ({n})", asks=asks, n=n) for asks, n in counted.most_common()]
        parts += [say(says, failed=joined(each, "; "))] if each else []
        if several := sum(len(mine) > 1 for mine in found):
            one = "{n} applicant counts here more than once."
            parts.append(say_n(one, "{n} applicants count here more than once.", several))
    return joined(parts)
