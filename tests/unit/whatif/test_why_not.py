"""why_not: agreement with brute force, rules named, prices that are differences of optima, changes that hold."""

from __future__ import annotations

import numpy as np
import pytest

from rounds_for_tests import answers, random_case, settings, small_case, small_cities, worth
from twinmatch.errors import QuestionError
from twinmatch.whatif.case import NOTHING, Price, points
from twinmatch.whatif.counterfactual import (
    answered,
    best_additions,
    case_if,
    possible_answers,
    score_row,
)
from twinmatch.whatif.why_not import why_not


def by_hand(case, valued, g, h):
    """The best forced answer, and the forced answer with the fewest changes, among all answers and what they are worth."""
    pair = case.pair(g, h)
    forced = [(value, int((c & case.chosen).sum())) for c, value in valued if c[pair]]
    best = max(forced, default=None)
    gentlest = max(((v[0], k, v[1]) for v, k in forced), default=None)
    return best, gentlest


@pytest.fixture
def nothing_tried(monkeypatch):
    """Changed answers, which take most of the time, are another test's."""
    monkeypatch.setattr("twinmatch.whatif.why_not.TRIED", 0)


@pytest.mark.slow
@pytest.mark.parametrize("seed", range(6))
@pytest.mark.parametrize(
    "rules",
    [{}, {"places": 2}, {"guests_per_country": 1}, {"guests_per_host": (1, 2)}],
    ids=["plain", "places", "country", "minimum"],
)
def test_why_not_agrees_with_brute_force(seed, rules, nothing_tried):
    case = random_case(seed, **rules)
    valued = [(chosen, worth(case, chosen)) for chosen in answers(case)]
    optimum = max(value for _, value in valued)
    assert worth(case, case.chosen) == optimum
    for g in range(4):
        for h in range(3):
            found = why_not(case, case.guest_id(g), case.hosts[h].id)
            best, gentlest = by_hand(case, valued, g, h)
            if found.verdict == "meets":
                assert case.chosen[case.pair(g, h)]
                continue
            if best is None:
                assert found.verdict == "impossible"
                assert found.best is None
                continue
            assert found.verdict == "possible"
            assert found.best.price.places == optimum[0] - best[0][0]
            assert found.best.price.score == pytest.approx(optimum[1] - best[0][1], abs=1e-8)
            assert found.gentlest.price.places == optimum[0] - gentlest[0]
            assert found.gentlest.price.score == pytest.approx(optimum[1] - gentlest[2], abs=1e-8)


@pytest.mark.parametrize("seed", range(4))
def test_the_moves_account_for_the_whole_price(seed, nothing_tried):
    case = random_case(seed, places=3)
    for g in range(4):
        for h in range(3):
            found = why_not(case, case.guest_id(g), case.hosts[h].id)
            for outcome in (found.best, found.gentlest):
                if outcome is not None:
                    assert sum(m.change for m in outcome.moves) == pytest.approx(
                        -outcome.price.score, abs=1e-9
                    )
                    assert {m.guest for m in outcome.worse_off} == {
                        m.guest for m in outcome.moves if m.change < -NOTHING
                    }


def test_keeping_a_pair_apart_has_the_price_of_the_best_answer_without_it():
    case = random_case(3)
    pair = int(np.flatnonzero(case.chosen)[0])
    g, h = pair % 4, pair // 4
    found = why_not(case, case.guest_id(g), case.hosts[h].id)
    without = max(worth(case, c) for c in answers(case) if not c[pair])
    assert found.verdict == "meets"
    assert found.best.price.places == case.filled - without[0]
    assert found.best.price.score == pytest.approx(case.total - without[1], abs=1e-8)
    assert str(found.best.price) in found.reasons[0]


def test_a_ban_is_named_with_what_lifting_it_would_cost():
    cities = small_cities(np.random.default_rng(5), 4, 3)
    free = small_case(cities)
    pair = int(np.flatnonzero(free.chosen)[0])
    guest, host = free.guest_id(pair % 4), free.hosts[pair // 4].id
    banned = small_case(cities, ban=[(guest, host)])
    found = why_not(banned, guest, host)
    assert found.verdict == "forbidden"
    assert "'bans'" in found.reasons[0]
    assert f"{free.guest_name(pair % 4)} with {free.hosts[pair // 4].name}" in found.reasons[0]
    assert found.best is None
    lifted = max(worth(free, c) for c in answers(free) if c[pair])
    assert found.if_lifted.price.places == banned.filled - lifted[0]
    assert found.if_lifted.price.score == pytest.approx(banned.total - lifted[1], abs=1e-8)


def test_a_country_rule_is_named():
    cities = [
        {"id": "at-a", "roles": ["guest"], "challenges": ["industry"]},
        {"id": "at-b", "roles": ["mission"], "strengths": ["industry"]},
        {"id": "be-c", "roles": ["mission"], "strengths": ["mobility_transport"]},
    ]
    found = why_not(small_case(cities, another_country=True), "at-a", "at-b")
    assert found.verdict == "forbidden"
    assert "another country" in found.reasons[0]


def test_a_locked_guest_cannot_go_elsewhere_and_the_lock_is_named():
    cities = small_cities(np.random.default_rng(1), 3, 3)
    case = small_case(cities, lock=[("at-guest-0", "be-host-0")])
    found = why_not(case, "at-guest-0", "cz-host-1")
    assert found.verdict == "impossible"
    assert any("'locks'" in reason for reason in found.reasons)
    assert any("'one host each'" in reason for reason in found.reasons)


def test_open_conditions_are_named_and_the_question_is_answered_as_if_they_were_met():
    cities = small_cities(np.random.default_rng(2), 3, 2)
    for city in cities[1:3]:
        city["participation"] = {"english": "B2", "staff_hours_a_month": 20}
    case = small_case(cities, guests={"english": "B2", "staff_hours_a_month": 12})
    found = why_not(case, "at-guest-0", "be-host-0")
    assert found.verdict == "not eligible"
    assert "12 staff hours a month" in found.reasons[0]
    assert "English at B2" in found.changes[0]
    assert found.if_eligible.verdict in {"possible", "meets"}
    for city in cities[:1]:
        city["participation"] = {"english": "B2", "staff_hours_a_month": 12}
    then = small_case(cities, guests={"english": "B2", "staff_hours_a_month": 12})
    again = why_not(then, "at-guest-0", "be-host-0")
    assert again.verdict == found.if_eligible.verdict
    assert again.score == pytest.approx(found.if_eligible.score)


def test_a_city_that_is_no_host_and_one_that_never_applied():
    case = random_case(0)
    swapped = why_not(case, "be-host-0", "at-guest-0")
    assert swapped.verdict == "forbidden"
    assert "no host in this round" in swapped.reasons[0]
    assert "other way round" in swapped.reasons[0]
    never = why_not(case, "be-host-0", "cz-host-1")
    assert never.verdict == "not eligible"
    assert "has not applied" in never.reasons[0]


def test_wrong_names_are_errors_with_a_hint():
    case = random_case(0)
    with pytest.raises(QuestionError, match=r"at-guest-0|at-gest"):
        why_not(case, "at-gest-0", "be-host-0")
    with pytest.raises(QuestionError, match="No city"):
        why_not(case, "at-guest-0", "be-nowhere")
    with pytest.raises(QuestionError, match="No host unit"):
        why_not(case, "at-guest-0", "unit-nowhere")
    with pytest.raises(QuestionError, match="its own host"):
        why_not(case, "be-host-0", "be-host-0")


def test_one_more_place_is_said_to_help_only_where_it_does():
    """One host is best for both guests; a second place there would let both come."""
    cities = [
        {"id": "at-a", "roles": ["guest"], "challenges": {"industry": 3}},
        {"id": "at-b", "roles": ["guest"], "challenges": {"industry": 3, "energy_systems": 1}},
        {"id": "be-h", "roles": ["mission"], "strengths": {"industry": 3}},
        {"id": "be-i", "roles": ["mission"], "strengths": {"energy_systems": 1}},
    ]
    case = small_case(cities, weights={"challenges_met": 1})
    left = next(g for g in range(2) if not case.chosen[case.pair(g, 0)])
    found = why_not(case, case.guest_id(left), "be-h")
    assert any("'guests per host'" in change for change in found.changes)
    wider = small_case(cities, weights={"challenges_met": 1}, guests_per_host=(0, 2))
    assert wider.chosen[wider.pair(left, 0)]


@pytest.mark.slow
@pytest.mark.parametrize("seed", range(3))
def test_changed_answers_do_bring_about_what_is_said(seed):
    """Whatever set of answers is offered, the whole round compared and settled anew has the two meet."""
    case = random_case(seed, guests=5, hosts=4)
    said = 0
    for g in range(5):
        for h in range(4):
            found = why_not(case, case.guest_id(g), case.hosts[h].id)
            offer = [c for c in found.changes if c.startswith("If ")]
            if not offer:
                continue
            said += 1
            city = case.round.cohort.cities[case.ready.frame.guests[g]]
            assert any(
                all(answer.says in offer[0] for answer in a)
                and (then := case_if(case, answered(city, a))).chosen[then.pair(g, h)]
                for a, _ in best_additions(case, g, h)
            )
    assert said


def test_a_score_row_is_the_row_of_the_round_with_that_answer():
    case = random_case(4, guests=4, hosts=3)
    city = case.round.cohort.cities[case.ready.frame.guests[1]]
    checked = 0
    for answer in possible_answers(case.round.cohort, city, case.hosts[2]):
        row = score_row(case, 1, (answer,))
        then = case_if(case, answered(city, [answer]))
        np.testing.assert_allclose(row, then.ready.affinity.score[1], atol=1e-12)
        checked += 1
    assert checked >= 3


def test_only_things_that_can_change_are_offered():
    case = random_case(4)
    city = case.round.cohort.cities[case.ready.frame.guests[0]]
    blocks = {a.block for h in case.hosts for a in possible_answers(case.round.cohort, city, h)}
    assert blocks <= {"wishes", "challenges", "strengths", "levers_needed", "levers_offered"}


def test_prices_and_points_in_words():
    assert str(Price(0, 0.0)) == "nothing"
    assert str(Price(1, 0.5)) == "1 place and 50.0 points"
    assert str(Price(0, -0.02)) == "2.0 points gained"
    assert str(Price(-2, 0.0)) == "2 places gained"
    assert str(Price(0, 0.1, proven=False)) == "10.0 points (not proven)"
    assert points(0.0003) == "0.03 points"


def test_settings_of_these_tests_are_valid():
    assert settings(places=2).places == 2
