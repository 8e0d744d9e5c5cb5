"""Small rounds of every format that tests make up."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from cities import cohort_of, facet_cache
from twinmatch.programmes import PRODUCTS, Round
from twinmatch.programmes.twinning import Twinning
from twinmatch.proposal import Product

propose_twinning, propose_discussion_groups = PRODUCTS["twinning"], PRODUCTS["discussion_groups"]
propose_study_visits, propose_city_panels = PRODUCTS["study_visits"], PRODUCTS["city_panels"]

DOMAINS = ("industry", "mobility_transport", "energy_systems", "built_environment")


def city(id_: str, *roles: str, **fields: Any) -> dict[str, Any]:
    """Return a profile; ``needs`` and ``shows`` are domains with weights."""
    profile: dict[str, Any] = {"id": id_, "roles": list(roles)}
    if "wants" in fields:
        profile["challenges"] = fields.pop("wants")
    if "shows" in fields:
        profile["strengths"] = fields.pop("shows")
    if "by" in fields:
        profile["commitment"] = {"neutral_by": fields.pop("by")}
    if "people_in_it" in fields:
        profile["population"] = {"value": fields.pop("people_in_it"), "of": "settlement"}
    if "at" in fields:
        lat, lon = fields.pop("at")
        profile["location"] = {"lat": lat, "lon": lon}
    return {**profile, **fields}


def round_of(*cities: dict[str, Any], units: Sequence[dict[str, Any]] = (), **more: Any) -> Round:
    """Return the round of some profiles."""
    return Round(cohort_of(*cities, units=units), facet_cache(), **more)


def twinning(**changes: Any) -> Twinning:
    """Return twinning settings with few conditions."""
    fields: dict[str, Any] = {
        "guests_per_host": (0, 1),
        "hosts": ("mission",),
        "weights": {"challenges_met": 1},
        "known_at_least": 0,
        **changes,
    }
    return Twinning.model_validate(fields)


def settings_of(name: str, **fields: Any) -> Any:
    """Return the settings of a format by its name in the registry."""
    return PRODUCTS[name].settings.model_validate(fields)


def pairs(product: Product) -> set[tuple[str, str]]:
    """Return (guest, first host) of every meeting of a product."""
    return {(g, m.cities("host")[0]) for m in product.meetings for g in m.cities("guest")}


def everywhere(product: Product) -> set[str]:
    """Return every city that a product places or leaves out."""
    placed = {m.city for meeting in product.meetings for m in meeting.members}
    return placed | {item.city for item in product.left_out}


def drawn(seed: int, guests: int, hosts: int, **each: Any) -> list[dict[str, Any]]:
    """Return guests and hosts with drawn countries, sizes, challenges and strengths."""
    rng = np.random.default_rng(seed)
    codes = ("at", "be", "tr")
    found = []
    for k in range(guests):
        found.append(
            city(
                f"{codes[int(rng.integers(3))]}-guest{k}",
                "guest",
                wants={d: int(w) for d, w in zip(DOMAINS, rng.integers(0, 4, 4), strict=True) if w},
                people_in_it=int(rng.choice([20_000, 60_000, 300_000])),
                participation={"newcomer": bool(rng.random() < 0.5)},
                **each,
            )
        )
    for k in range(hosts):
        found.append(
            city(
                f"{codes[int(rng.integers(3))]}-host{k}",
                "mission",
                shows={d: int(w) for d, w in zip(DOMAINS, rng.integers(0, 4, 4), strict=True) if w},
            )
        )
    return found
