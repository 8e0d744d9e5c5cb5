"""Domains and levers: directed cover, shared challenges, and two vocabularies that are never split."""

from __future__ import annotations

import numpy as np
import pytest

from cities import cohort_of, facet_cache
from twinmatch.facets.domains import (
    WIDE,
    ChallengesMet,
    LeversMet,
    Returns,
    SharedChallenges,
    SharedLevers,
    Stated,
    strengths,
)
from twinmatch.schema import Domain


def likeness(facet, i=0, j=1):
    return facet.likeness(np.array([i]), np.array([j]))[0, 0]


GUEST = {
    "id": "de-guest",
    "challenges": {"mobility_transport": 3, "industry": 1},
    "levers_needed": ["finance_funding", "procurement"],
}
HOST = {
    "id": "fr-host",
    "strengths": {"mobility_transport": 2},
    "levers_offered": ["finance_funding"],
}


WHICH = "Host works on this. Guest is asked which part of what it names is to be on the agenda."
"""A wide field is no wish for one measure: what to ask stands beside it."""


def test_cover_is_challenge_weight_times_strength():
    facet = ChallengesMet(cohort_of(GUEST, HOST), facet_cache())
    assert likeness(facet) == pytest.approx(0.75 * 2 / 3)
    assert facet.says(0, 1)[0] == f"Guest names mobility and transport as a challenge. {WHICH}"


@pytest.mark.parametrize(
    ("made", "block", "area"),
    [
        (ChallengesMet, "challenges", "mobility_transport"),
        (LeversMet, "levers_needed", "finance_funding"),
    ],
)
def test_a_wide_field_has_an_example_and_is_asked_about(
    bundled, bundled_facet_cache, made, block, area
):
    guest = next(i for i, c in enumerate(bundled.cities) if area in (getattr(c, block) or ()))
    facet, hosts = made(bundled, bundled_facet_cache), range(len(bundled))
    told = [facet.says(guest, j)[0] for j in hosts if j != guest]
    shown = [text for text in told if "can show: " in text]
    assert shown
    assert all(
        text.endswith("is asked which part of what it names is to be on the agenda.")
        for text in shown
    )


def test_levers_met_is_the_share_of_those_needed():
    facet = LeversMet(cohort_of(GUEST, HOST), facet_cache())
    assert likeness(facet) == 0.5
    says = "Guest looks for help with finance and funding."
    assert facet.says(0, 1)[0] == f"{says} {WHICH}"


def test_a_fit_is_directed():
    facet = ChallengesMet(cohort_of(GUEST, HOST), facet_cache())
    assert np.isnan(likeness(facet, 1, 0))


def test_unweighted_challenges_count_alike():
    guest = {"id": "de-guest", "challenges": ["mobility_transport", "industry"]}
    assert likeness(ChallengesMet(cohort_of(guest, HOST), facet_cache())) == pytest.approx(
        0.5 * 2 / 3
    )


def test_the_wider_vocabulary_is_compared_on_the_wider_domain():
    guest = {"id": "de-guest", "challenges": ["stationary_energy"]}
    builder = {"id": "fr-build", "strengths": {"built_environment": 3}}
    power = {"id": "it-power", "strengths": {"energy_systems": 1}}
    facet = ChallengesMet(cohort_of(guest, builder, power), facet_cache())
    assert likeness(facet, 0, 1) == pytest.approx(1.0)
    assert likeness(facet, 0, 2) == pytest.approx(1 / 3)
    says = "Guest names buildings and energy as a challenge."
    assert facet.says(0, 1)[0] == f"{says} {WHICH.replace('Host', 'Build')}"


@pytest.mark.parametrize("turned", [False, True])
def test_of_two_domains_the_wider_one_has_the_higher_weight(turned):
    stated = {Domain.BUILT_ENVIRONMENT: 1.0, Domain.ENERGY_SYSTEMS: 3.0}
    stated = dict(reversed(stated.items())) if turned else stated
    wide = dict(zip(WIDE, Stated([stated]).wide[0].tolist(), strict=True))
    assert {d: w for d, w in wide.items() if w} == {Domain.STATIONARY_ENERGY: 3.0}


def test_a_pilot_takes_nothing_from_what_its_city_states():
    host = {
        "id": "fr-host",
        "strengths": {"industry": 3, "mobility_transport": 1},
        "pilot": {"activity": "A", "cohort": 1, "domains": ["industry", "mobility_transport"]},
    }
    shown = dict(zip(WIDE, strengths(cohort_of(host)).wide[0].tolist(), strict=True))
    assert shown[Domain.INDUSTRY] == 1.0
    assert shown[Domain.MOBILITY_TRANSPORT] == pytest.approx(2 / 3)


def test_stationary_energy_is_not_split_into_buildings_and_energy():
    fine = {"id": "de-fine", "challenges": {"built_environment": 1, "energy_systems": 1}}
    wide = {"id": "fr-wide", "challenges": ["stationary_energy"]}
    assert likeness(SharedChallenges(cohort_of(fine, wide), facet_cache())) == 1.0


def test_a_pilot_shows_what_its_city_does_not_state():
    pilot = {
        "activity": "Tram",
        "cohort": 1,
        "domains": ["mobility_transport"],
        "levers": ["procurement"],
    }
    cohort = cohort_of(GUEST, {"id": "fr-host", "pilot": pilot})
    assert likeness(ChallengesMet(cohort, facet_cache())) == pytest.approx(0.75 * 2 / 3)
    assert likeness(LeversMet(cohort, facet_cache())) == 0.5


def test_members_of_a_unit_show_the_units_pilot():
    unit = {
        "id": "unit-tram",
        "name": "Tram",
        "cities": ["fr-host"],
        "pilot": {"activity": "Tram", "cohort": 1, "domains": ["industry"]},
    }
    cohort = cohort_of(GUEST, {"id": "fr-host"}, units=[unit])
    assert likeness(ChallengesMet(cohort, facet_cache())) == pytest.approx(0.25 * 2 / 3)


def test_shared_challenges_is_weighted_jaccard():
    other = {"id": "fr-other", "challenges": {"mobility_transport": 1, "industry": 1}}
    assert likeness(SharedChallenges(cohort_of(GUEST, other), facet_cache())) == pytest.approx(
        (0.5 + 0.25) / (0.75 + 0.5)
    )


def test_a_rare_lever_tells_more_than_a_common_one():
    common = [{"id": f"it-c{k}", "levers_needed": ["finance_funding"]} for k in range(8)]
    rare = {"id": "de-a", "levers_needed": ["finance_funding", "procurement"]}
    alike = {"id": "de-b", "levers_needed": ["procurement"]}
    usual = {"id": "de-c", "levers_needed": ["finance_funding"]}
    cohort = cohort_of(rare, alike, usual, *common)
    facet = SharedLevers(cohort, facet_cache())
    assert likeness(facet, 0, 1) > likeness(facet, 0, 2)


def test_returns_is_the_mean_of_what_is_known():
    host = {**HOST, "challenges": {"industry": 2}, "levers_needed": ["social_innovation"]}
    guest = {**GUEST, "strengths": {"industry": 3}}
    assert likeness(Returns(cohort_of(guest, host), facet_cache())) == 1.0
    assert (
        likeness(
            Returns(cohort_of({**guest, "levers_offered": ["procurement"]}, host), facet_cache())
        )
        == 0.5
    )


def test_unknown_is_said():
    cohort = cohort_of({"id": "de-guest"}, HOST)
    assert (
        ChallengesMet(cohort, facet_cache()).says(0, 1)[0]
        == "The challenges of Guest are not known."
    )
    assert (
        LeversMet(cohort, facet_cache()).says(0, 1)[0]
        == "The levers that Guest lacks are not known."
    )


def test_a_domain_of_a_pilot_activity_alone_is_no_stated_strength():
    pilot = {"activity": "A pilot", "cohort": 1, "domains": ["mobility_transport"]}
    host = {"id": "fr-host", "strengths": {"industry": 3}, "pilot": pilot}
    facet = ChallengesMet(cohort_of(GUEST, host), facet_cache())
    assert facet.says(0, 1)[0] == (
        f"Guest names mobility and transport as well as industry as a challenge. {WHICH}"
    )
