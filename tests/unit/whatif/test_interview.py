"""The interview plan: who is asked, what, and how many pairs the answers change."""

from __future__ import annotations

import pytest

from cities import cohort_of, facet_cache
from twinmatch.errors import QuestionError
from twinmatch.programmes import Round
from twinmatch.programmes.twinning import Twinning
from twinmatch.whatif.counterfactual import interview_plan

CITIES = (
    {"id": "at-a", "roles": ["guest"], "challenges": {"industry": 3}},
    {"id": "at-b", "roles": ["guest"]},
    {"id": "de-x", "roles": ["mission"], "strengths": {"industry": 3}},
    {"id": "fr-y", "roles": ["mission"], "strengths": {"industry": 2}},
)


def plan(*cities, guests=None, **asked):
    settings = Twinning(
        weights={"challenges_met": 1},
        guests_per_host=(0, 1),
        known_at_least=0.5,
        guests=guests or {},
    )
    return interview_plan(Round(cohort_of(*cities), facet_cache()), settings, **asked)


def test_the_silent_city_is_asked_and_its_answer_makes_the_second_pair():
    """The one donor is at-a: with its challenges at-b takes the free host, one pair more."""
    (found,) = plan(*CITIES)
    assert (found.city, found.pairs_changed, found.gets_a_pair) == ("at-b", 1.0, 1.0)
    assert [q.block for q in found.ask] == ["challenges"]


def test_a_city_of_unknown_eligibility_is_asked_for_it_first():
    cities = [{**c, "commitment": {"neutral_by": 2040}} if c["id"] == "at-a" else c for c in CITIES]
    (found,) = plan(*cities, guests={"neutral_by": 2050})
    assert [q.block for q in found.ask] == ["commitment", "challenges"]
    assert found.gets_a_pair == 1.0  # all of whom it is known are eligible


def test_the_same_seed_gives_the_same_plan_and_nothing_open_an_empty_one():
    assert plan(*CITIES, rng=4) == plan(*CITIES, rng=4)
    assert plan(CITIES[0], *CITIES[2:]) == []


def test_numbers_below_one_are_refused():
    with pytest.raises(QuestionError, match="at least 1"):
        plan(*CITIES, draws=0)
