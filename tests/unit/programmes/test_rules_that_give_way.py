"""Rules on kinds of cities that no groups keep: every format names the rule and the smallest number that would do."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
from product_cases import city

from cities import cohort_of, facet_cache
from rounds_for_tests import propose
from twinmatch.errors import NoProposalError
from twinmatch.exporting import words
from twinmatch.programmes.programme import programme_model
from twinmatch.proposal import FacetWeight, Proposal
from twinmatch.proposal.wire import from_wire, to_wire

SMALL = {"people_in_it": 20_000, "wants": {"industry": 2}}
LARGE = {"people_in_it": 300_000, "wants": {"industry": 1}}
CITIES = [
    *(city(f"at-s{k}", "guest", by=2030, **SMALL) for k in range(2)),
    *(city(f"at-l{k}", "guest", by=2030, **LARGE) for k in range(4)),
    city("be-host", "mission", shows={"industry": 3}, by=2030, people_in_it=900_000),
]
FORMATS: dict[str, dict[str, Any]] = {
    "national_clusters": {"size": [2, 3], "anchor": None, "weights": {"nearness": 1}},
    "study_visits": {
        "travellers": "cities",
        "not_roles": ["mission"],
        "visitors": [1, 6],
        "stops": 1,
        "weights": {"challenges_met": 1},
    },
    "city_panels": {
        "size": [3, 4],
        "mission_at_least": 0,
        "cities_per_country": None,
        "mix": {"country": 1},
    },
}


def proposed(name: str, rule: dict[str, Any], **repairs: tuple[int, ...]) -> Proposal:
    programme = programme_model().model_validate({name: {**FORMATS[name], "rules": [rule]}})
    return propose(cohort_of(*CITIES), programme, facet_cache(), repairs=repairs)


def repairs_of(name: str, rule: dict[str, Any]) -> list[str]:
    try:
        return list(proposed(name, rule).products[0].advice)
    except NoProposalError as error:
        return [p.found for p in error.problems if p.code == "repair"]


@pytest.mark.parametrize(
    ("name", "rule", "change"),
    [
        # Two small cities of six, in two clusters or panels; on the one visit there are two at most.
        ("national_clusters", {"who": "small", "at_least": 2}, {"at_least": 1}),
        ("city_panels", {"who": "small", "at_least": 2}, {"at_least": 1}),
        ("study_visits", {"who": "small", "at_least": 4}, {"at_least": 2}),
        ("study_visits", {"who": "small", "at_least": 4, "per": "all"}, {"at_least": 2}),
        ("study_visits", {"who": "small", "share_at_least": 1.0, "per": "all"}, {}),
        ("national_clusters", {"who": "small", "share_at_least": 0.5}, {"share_at_least": 0.33}),
        ("national_clusters", {"who": "large", "balance": 0, "at_most": 1}, {"at_most": 2}),
    ],
)
def test_the_first_repair_is_the_smallest_and_solves(name, rule, change):
    found = repairs_of(name, rule)
    if not change:
        assert found == []
        return
    assert found
    taken = proposed(name, rule, **{name: (1,)})
    product = taken.products[0]
    (settings,) = taken.made_from["programme"]["settings"][name]["rules"]
    assert product.meetings
    assert settings.items() >= change.items()
    assert any(r.rule == "rules" and r.repair == 1 for r in product.rules)


def test_a_product_without_meetings_that_a_repair_would_form_is_not_formed():
    product = proposed("national_clusters", {"who": "small", "at_least": 2}).products[0]
    assert (product.status, product.meetings) == ("infeasible", ())
    assert product.advice
    assert proposed("study_visits", {"who": "small", "share_at_least": 1.0, "per": "all"}).products[
        0
    ].status != ("infeasible")


def test_a_rule_with_a_price_never_gives_way():
    assert repairs_of("study_visits", {"who": "small", "at_least": 4, "price": 5}) == []
    product = proposed("study_visits", {"who": "small", "at_least": 4, "price": 5}).products[0]
    assert [(r.missed, r.paid) for r in product.rules if r.paid is not None] == [(2, 10)]


@pytest.mark.parametrize("name", FORMATS)
def test_what_a_missed_rule_costs_may_exceed_what_the_meetings_are_worth(name):
    given = proposed(name, {"who": "small", "at_least": 9, "price": 1000})
    product = given.products[0]
    assert product.score < 0
    assert product.bound >= product.score
    again = from_wire(Proposal, to_wire(given)).products[0]
    assert (again.score, again.bound) == (product.score, product.bound)
    proven = product.bound == pytest.approx(product.score)
    assert product.gap == pytest.approx(0, abs=1e-6) if proven else product.gap > 0
    assert ("points below" in words.status_words(product)) == (product.status != "optimal")


def test_shares_of_the_spread_below_nothing_and_above_all_are_written_and_read():
    given = proposed("city_panels", {"who": "small", "at_least": 0, "price": 1})
    weights = (FacetWeight("needs_offers", 0.5, 1.01), FacetWeight("nearness", 0.5, -0.01))
    given = replace(given, products=(replace(given.products[0], weights=weights),))
    assert from_wire(Proposal, to_wire(given)).products[0].weights == weights
