"""Readiness inferred from what is public about a city: an estimate, marked so, never stated by the city.

The rules give the lowest level that the fact makes certain by the wording of the scale (:mod:`twinmatch.intake.readiness_scale`).
They are written to ``readiness_estimated``, a field apart; no facet takes it for ``readiness``.
"""

from __future__ import annotations

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
