"""Readiness inferred from what is public about a city: an estimate, marked so, never stated by the city.

The rules give the lowest level that the fact makes certain by the wording of the scale (:mod:`twinmatch.intake.readiness_scale`).
They are written to ``readiness_estimated``, a field apart; no facet takes it for ``readiness``.

The readiness scale: what each level from 0 to 4 means, on ten dimensions, in words that a city can check.

A level is reached when its sentence is true today and the city could show it; a plan to do so is the level
below. A city states its own level. Half a level is noise: two careful readers differ by that much.
"""

from __future__ import annotations

from typing import Final

from twinmatch.schema import City, Dimension


def estimated_readiness(city: City) -> dict[Dimension, tuple[int, str]]:
    """Return the levels that public facts make likely, each with the fact that it rests on; often none."""
    found: dict[Dimension, tuple[int, str]] = {}

    def at_least(dimension: Dimension, level: int, because: str) -> None:
        if found.get(dimension, (-1, ""))[0] < level:
            found[dimension] = (level, because)

    if city.covenant is not None:
        at_least(Dimension.MANDATE, 1, "signatory of the Covenant of Mayors")
        if city.covenant.target_2020 is not None or city.covenant.target_2030 is not None:
            at_least(Dimension.TARGET, 2, "a reduction target in the Covenant of Mayors")
            at_least(Dimension.INVENTORY, 2, "a Covenant plan rests on an inventory")
            at_least(Dimension.PLAN, 2, "a Covenant target comes with an action plan")
            at_least(Dimension.MANDATE, 2, "a Covenant plan is adopted by the council")
    if city.commitment is not None and city.commitment.neutral_by is not None:
        at_least(Dimension.TARGET, 3, "a climate-neutrality year is stated")
        at_least(Dimension.MANDATE, 2, "a climate-neutrality year is stated")
    if city.emissions is not None and city.emissions.kind != "estimated":
        at_least(Dimension.INVENTORY, 2, "an inventory is printed")
    if city.mission is not None and city.mission.label_awarded:
        for dimension in (Dimension.MANDATE, Dimension.TARGET, Dimension.PLAN):
            at_least(dimension, 3, "Mission Label")
        at_least(Dimension.FINANCE, 2, "the Mission Label asks for an investment plan")
        at_least(Dimension.ECOSYSTEM, 2, "the Mission Label asks for signed commitments")
    return dict(sorted(found.items()))


GENERAL: Final = (
    "Absent: nothing is there yet.",
    "Begun: first steps by a few people, nothing decided.",
    "Decided: adopted and under way, with clear gaps.",
    "Working: in force across the city, resourced, and followed up.",
    "Full strength: routine, proven by results, and others come to learn from it.",
)
"""What the five levels mean on every dimension."""

LEVELS: Final[dict[Dimension, tuple[str, str, str, str, str]]] = {
    Dimension.MANDATE: (
        "No political decision on climate has been taken.",
        "Individual politicians support climate action; there is no council decision.",
        "The council has adopted a climate goal; who answers for it is not settled.",
        "A council decision names the goal, the office that answers for it and its powers.",
        "The goal has outlived an election or a change of majority, and the whole administration reports on it to the council.",
    ),
    Dimension.INVENTORY: (
        "There is no emissions inventory.",
        "There are figures for single sectors, or an estimate made from national averages.",
        "There is one complete inventory for the city's own area, by sector, with its year and boundary.",
        "The inventory is repeated at least every two years by the same method, with notation keys for what is missing.",
        "The inventory is yearly, checked by a third party or published with its data, and used to decide what to fund.",
    ),
    Dimension.TARGET: (
        "There is no climate target.",
        "There is a target in words, without a year or a base year.",
        "There is a quantified target with target year and base year, for part of the emissions.",
        "Climate neutrality by a stated year is adopted for the whole city, with interim targets and what happens to the rest.",
        "The target is broken down to sectors and years or to a carbon budget, and missing it has consequences.",
    ),
    Dimension.PLAN: (
        "There is no climate action plan.",
        "A plan is being written, or there is a list of single projects.",
        "A plan is adopted, with actions by sector; effects or costs are not worked out.",
        "Every action has an effect in tonnes, a cost, a person who answers for it and a date.",
        "The plan adds up to the target, is revised on a fixed cycle, and its gaps are named.",
    ),
    Dimension.FINANCE: (
        "No money is set aside for climate action.",
        "Single projects are paid from grants as they come.",
        "There is a climate budget line; the cost of the whole plan has been estimated.",
        "There is an investment plan with sources for the next years, and private money is in play.",
        "Most of what the plan needs is secured or contracted, and new instruments (funds, bonds, contracts) are in use.",
    ),
    Dimension.DELIVERY: (
        "No measures are being carried out.",
        "There are single pilot projects.",
        "Measures run in the main sectors, with staff of their own; many are late or small.",
        "Most planned measures are on schedule and growing beyond pilots.",
        "Measures have reached the scale that the target needs, and emissions fall because of them.",
    ),
    Dimension.LEARNING: (
        "Nothing is monitored.",
        "Single projects report when their funder asks.",
        "There are indicators for the plan, collected now and then.",
        "Progress is reported every year to council and public, and actions are changed because of it.",
        "Monitoring is part of daily work, failures are published, and the city teaches others.",
    ),
    Dimension.ECOSYSTEM: (
        "The administration works alone.",
        "Residents and firms are informed.",
        "Residents, firms and universities are consulted, and some have signed commitments.",
        "Partners carry out part of the plan themselves, under a contract or pact that is followed up.",
        "Partners share decisions and money; participation is standing, wide and reaches those who are seldom heard.",
    ),
    Dimension.MAINSTREAM: (
        "Climate is the task of one person or of nobody.",
        "An environment office works on it, with little say over others.",
        "Some departments have climate tasks; decisions are checked for climate now and then.",
        "All main departments have climate tasks and numbers, and council papers state the effect on climate.",
        "Budget, procurement, land use and staff targets follow the climate goal as a rule.",
    ),
    Dimension.ADAPTATION: (
        "Climate risks have not been looked at.",
        "Risks are known from single events or from national maps.",
        "There is a risk and vulnerability assessment, and first measures.",
        "An adaptation plan is adopted and funded, and tied to the mitigation plan.",
        "Adaptation is built into planning and investment, with its effects monitored, for those most at risk first.",
    ),
}
"""The wording of every level on every dimension."""
