"""price_list: every price is the difference of two optima, found again by brute force."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from cities import cohort_of, facet_cache
from rounds_for_tests import answers, propose, random_case, small_case, small_cities, worth
from twinmatch.errors import NoProposalError
from twinmatch.programmes import Round
from twinmatch.programmes.conditions import wording
from twinmatch.programmes.programme import programme_model
from twinmatch.programmes.proposing import solve_round
from twinmatch.programmes.round import SolvedProduct, price_bounds
from twinmatch.programmes.twinning import product_of
from twinmatch.solving.model import LP, MIP
from twinmatch.whatif.case import Price, swapped, twinning_case, widened
from twinmatch.whatif.prices import found_prices, price_list, price_questions


def gained(loose, tight):
    """What the best answer of a looser round has more, by brute force."""
    best, now = (max(worth(case, c) for c in answers(case)) for case in (loose, tight))
    return best[0] - now[0], best[1] - now[1]


def matches(price: Price, expected) -> bool:
    return price.places == expected[0] and price.score == pytest.approx(expected[1], abs=1e-8)


@pytest.mark.parametrize("seed", range(5))
def test_locks_and_bans_cost_what_the_best_answer_without_them_has_more(seed):
    cities = small_cities(np.random.default_rng(seed), 4, 3)
    free = small_case(cities)
    names = {c.id: c.name for c in free.round.cohort.cities}
    taken = int(np.flatnonzero(free.chosen)[0])
    ban = (free.guest_id(taken % 4), free.hosts[taken // 4].id)
    loose = int(np.flatnonzero(~free.chosen)[1])
    lock = (free.guest_id(loose % 4), free.hosts[loose // 4].id)
    if lock[0] == ban[0]:
        lock = None
    case = small_case(cities, ban=[ban], lock=[lock] if lock else [])
    found = {p.kind: p for p in price_list(case).rules}
    unbanned = small_case(cities, lock=[lock] if lock else [])
    assert matches(found["ban"].price, gained(unbanned, case))
    assert found["ban"].says == f"{names[ban[0]]} with {names[ban[1]]} must not meet"
    if lock:
        assert matches(found["lock"].price, gained(small_case(cities, ban=[ban]), case))
        assert found["lock"].says == f"{names[lock[0]]} with {names[lock[1]]} must meet"


@pytest.mark.parametrize("seed", range(5))
def test_rules_and_limits_cost_what_the_best_answer_without_them_has_more(seed):
    cities = small_cities(np.random.default_rng(seed), 5, 3)
    case = small_case(cities, places=2, guests_per_country=1)
    found = price_list(case)
    by_rule = {p.rule: p.price for p in found.rules}
    assert matches(by_rule["places"], gained(small_case(cities, guests_per_country=1), case))
    assert matches(by_rule["guests per country"], gained(small_case(cities, places=2), case))
    (places,) = (p for p in found.rules if p.rule == "places")
    assert (places.numbers.now, places.numbers.at_most) == (case.filled, 2)
    assert f"Now {case.filled} of at most 2." in places.says
    one_more = {p.rule: p.price for p in found.limits if p.rule == "places"}
    wider = small_case(cities, places=3, guests_per_country=1)
    assert matches(one_more["places"], gained(wider, case))


@pytest.mark.parametrize("seed", range(4))
def test_a_limit_that_is_not_reached_is_worth_nothing_though_rules_cross(seed):
    cities = small_cities(np.random.default_rng(seed), 5, 3)
    for k in range(5):
        cities[k]["population"] = {"value": (20_000, 400_000)[k % 2], "of": "settlement"}
    small = {"who": "small", "per": "all", "at_most": 2}
    case = small_case(cities, guests_per_country=1, places=3, rules=(small,))
    assert case.solution.engine in {LP, MIP}
    questions = price_questions(case)
    for question in (
        q for q in questions if q.kind == "one more"
    ):  # solved, or nothing as its whole rule is
        looser = swapped(case.ready.rules, question.rule, question.change(question.rule))
        loose = replace(case, ready=replace(case.ready, rules=looser))
        assert matches(question.priced.price, gained(loose, case))
    asked = {(q.rule.name, q.says) for q in questions}
    for rule in (r for r in case.ready.rules if not r.filters and r.kind != "lock"):
        for row in np.flatnonzero(np.isfinite(rule.block.high)).tolist():
            if (rule.name, rule.block.says(row)) not in asked and rule.kind != "structure":
                looser = swapped(case.ready.rules, rule, widened(rule, row))
                loose = replace(case, ready=replace(case.ready, rules=looser))
                assert gained(loose, case) == pytest.approx((0, 0.0), abs=1e-8)


@pytest.mark.parametrize("seed", range(4))
def test_one_more_place_at_each_host_is_worth_what_brute_force_finds(seed):
    cities = small_cities(np.random.default_rng(seed), 4, 3)
    case = small_case(cities)
    for demand in price_list(case).hosts:
        wider = [dict(c) for c in cities]
        for city in wider:
            if city["id"] == demand.host:
                city["participation"] = {"guests_at_most": 2}
            elif city["roles"] == ["mission"]:
                city["participation"] = {"guests_at_most": 1}
        more = small_case(wider, guests_per_host=(0, 2))
        assert matches(demand.worth, gained(more, case)), demand


def test_every_price_is_nothing_where_no_rule_binds():
    case = random_case(1, guests=2, hosts=4, guests_per_host=(0, 2), places=4)
    assert all(p.price.is_nothing for p in price_list(case).rules if p.rule == "places")
    assert price_list(case).limits == ()


def test_over_wished_hosts_and_hosts_that_nobody_wants():
    cities = [
        {"id": f"at-g{k}", "roles": ["guest"], "challenges": {"industry": 3}, "wishes": ["be-h"]}
        for k in range(3)
    ]
    cities += [
        {"id": "be-h", "roles": ["mission"], "strengths": {"industry": 3}},
        *({"id": f"be-i{k}", "roles": ["mission"], "strengths": {"industry": 2}} for k in range(5)),
        {"id": "be-z", "roles": ["mission"], "strengths": {"mobility_transport": 1}},
    ]
    hosts = {d.host: d for d in price_list(small_case(cities)).hosts}
    assert hosts["be-h"].wished_by == 3
    assert hosts["be-h"].over_wished
    assert hosts["be-h"].best_of == 3
    assert not hosts["be-i0"].over_wished
    assert hosts["be-z"].never
    assert sum(d.guests for d in hosts.values()) == 3


def bounds(case):
    made = product_of(case.ready, case.chosen, case.solution)
    return price_bounds(SolvedProduct(made, case.ready, case.chosen, case.solution))


SETTINGS = [
    {"places": 3, "guests_per_country": 1},
    {"places": 3, "another_country": True, "pairs_per_host_country": 1},
    {"overall": [{"who": "small", "at_most": 1}], "guests_per_host": (0, 2), "places": 3},
    {"overall": [{"who": "small", "at_least": 2, "price": 20}], "places": 2},
    {"hosts_per_guest": 2, "guests_per_host": (0, 2), "places": 5, "guests_per_country": 3},
]


@pytest.mark.parametrize("settings", SETTINGS)
def test_no_rule_costs_more_than_its_bound_and_one_that_does_not_bind_costs_nothing(settings):
    close = 0
    for seed in range(6):
        case = small_case(small_cities(np.random.default_rng(seed), 5, 3), **settings)
        found, exact = bounds(case), price_list(case)
        for priced in exact.rules:
            bound = found[priced.rule]
            if bound.defines:
                assert priced.rule == "hosts per guest"
                continue
            assert priced.price.places <= bound.places
            if priced.price.places == 0 and bound.score is not None:
                assert priced.price.score <= bound.score + 1e-6
                close += priced.price.score >= bound.score - 1e-6
    assert close >= 3  # bounds are often the price itself


def test_the_bounds_of_a_round_in_words():
    """Two of five guests have places, and one of a country: without places two more are chosen, at most."""
    case = small_case(small_cities(np.random.default_rng(3), 5, 3), places=2)
    assert bounds(case)["places"].says == "at most 1 place"
    loose = random_case(1, guests=2, hosts=4, guests_per_host=(0, 2), places=4)
    told = bounds(loose)
    assert [name for name, b in told.items() if b.defines] == ["one host each"]
    assert {b.says for b in told.values() if not b.defines} == {"nothing"}


def test_a_rule_with_a_price_costs_what_the_proposal_says_in_every_format():
    """Guests of one country only: each of three that are missing costs 5 points, and lifting the rule gains them."""
    cities = [
        *(
            {"id": f"at-g{k}", "roles": ["guest"], "challenges": {"industry": 1 + k}}
            for k in range(2)
        ),
        *({"id": f"be-h{k}", "roles": ["mission"], "strengths": {"industry": 2}} for k in range(2)),
    ]
    asked = {
        "twinning": {
            "guests_per_host": [0, 1],
            "weights": {"challenges_met": 1},
            "rules": [{"who": "country: BE", "at_least": 3, "price": 5}],
        },
        "city_panels": {
            "size": [2, 2],
            "mission_at_least": 0,
            "mix": {"country": 1},
            "rules": [{"who": "mission", "at_least": 2, "price": 10}],
        },
    }
    programme = programme_model().model_validate(asked)
    proposal = propose(cohort_of(*cities), programme, facet_cache())
    found = price_list(twinning_case(Round(cohort_of(*cities), facet_cache(), programme=programme)))
    told = {(p.product, r.rule): r.paid for p in proposal.products for r in p.rules if r.paid}
    assert {(s.product, s.rule): s.paid for s in found.soft} == told
    # Of two mixed panels each has one Mission City of the two that are asked for.
    assert sorted(told.values()) == [15, 20]
    (lifted,) = (p.price for p in found.rules if p.rule == "guests that are from Belgium")
    assert matches(lifted, (0, 0.15))
    for product in proposal.products:
        pure = sum(
            m.score * (len(m.members) if "panel" in product.product else 1)
            for m in product.meetings
        )
        cost = sum(r.paid or 0 for r in product.rules) / 100
        assert product.score == pytest.approx(pure - cost)


def solved(product, cities, **settings):
    """A round of one format, and what it was solved from where the format keeps that."""
    asked = programme_model().model_validate({product: settings})
    return solve_round(Round(cohort_of(*cities), facet_cache(), programme=asked))


def test_a_rule_of_groups_costs_no_more_than_its_bound():
    """Four of one country share the challenge and two may join; without that rule the group gains no more than its bound."""
    cities = [{"id": "dk-a", "roles": ["mission"], "strengths": {"industry": 3}}]
    cities += [{"id": f"at-g{k}", "challenges": {"industry": 3 - k // 2}} for k in range(4)]
    cities += [{"id": f"be-g{k}", "challenges": {"industry": 1}} for k in range(2)]
    theme = {"id": "i", "title": "I", "domains": ["industry"]}
    fields = {"themes": [theme], "leads": [1, 1], "size": [2, 4], "known_at_least": 0}
    fields |= {"weights": {"theme": 1}}
    tight = solved("discussion_groups", cities, **fields, cities_per_country=2)
    loose = solved("discussion_groups", cities, **fields, cities_per_country=None)
    bound = price_bounds(tight.solved[0])["cities per country"]
    gained = loose.made[0].score - tight.made[0].score
    assert (bound.places, bound.exact) == (0, False)
    assert 0 <= gained <= bound.score + 1e-6


@pytest.mark.parametrize("seed", range(4))
def test_a_rule_of_panels_costs_no_more_than_its_bound(seed):
    rng = np.random.default_rng(seed)
    cities = [
        {"id": f"{rng.choice(['at', 'be', 'cz'])}-c{k}", "roles": ["mission"][: int(k < 3)]}
        for k in range(9)
    ]
    fields = {"size": [3, 3], "mix": {"country": 2, "mission": 1}, "cities_per_country": None}
    asked = [{"who": "mission", "at_most": 2}, {"who": "country: AT", "nobody_alone": True}]
    tight = solved("city_panels", cities, **fields, mission_at_least=0, rules=asked)
    told = {r.rule: r.costs for r in tight.made[0].rules}
    assert told.pop("one panel each").defines
    assert len(told) == 3
    one = solved("city_panels", cities, **fields | {"size": [9, 9]}, mission_at_least=0)
    assert one.made[0].score - tight.made[0].score <= told["sizes"].score + 1e-6
    for k, quota in enumerate(asked):
        loose = solved(
            "city_panels", cities, **fields, mission_at_least=0, rules=[*asked[:k], *asked[k + 1 :]]
        )
        gained = loose.made[0].score - tight.made[0].score
        assert (
            gained <= told[f"cities that are {wording(quota['who'])}, in each panel"].score + 1e-6
        )


def test_seats_of_panels_have_the_bound_of_their_one_solve():
    """Two seats on one panel, which fits all three cities alike: one of a country costs nothing of the fit."""
    cities = [{"id": id_, "roles": ["mission"]} for id_ in ("at-a", "at-b", "be-c")]
    fields = {
        "size": [2, 2],
        "panels": 1,
        "mission_at_least": 0,
        "cities_per_country": 1,
        "mix": {"size": 1},
    }
    round_ = solved("city_panels", cities, **fields)
    assert [m.cities() for m in round_.made[0].meetings] == [("at-a", "be-c")]
    assert price_bounds(round_.solved[0])["cities per country"].says == "nothing"


def test_what_rules_of_clusters_cost_is_found_by_hand():
    """Two cities of Austria and two of Slovenia: apart, no cluster of three is formed; together, all four sit in one."""
    cities = [{"id": f"{code}-c{k}", "roles": []} for code in ("at", "si") for k in range(2)]
    fields = {"size": [3, 4], "weights": {"context": 1}, "known_at_least": 0}
    apart = solved(
        "national_clusters",
        [*cities, *({"id": f"de-c{k}", "roles": []} for k in range(3))],
        **fields,
        never_joined=[["AT", "SI"]],
        anchor=None,
    )
    made = apart.made[0]
    found = found_prices(apart, made)
    assert set(found) == {"never joined", "cluster size"}
    assert found["never joined"].found
    placed = sum(len(m.members) for m in apart.made[0].meetings)
    assert found["never joined"].places == 7 - placed
    assert found["never joined"].says.endswith(", as found")
    told = {r.rule: r.costs for r in made.rules}
    assert all(price.places <= told[name].places for name, price in found.items())
    assert [name for name, price in told.items() if price.defines] == [
        "one cluster each",
        "country first",
    ]


VISITS = {
    "travellers": "cities",
    "visitors": [2, 2],
    "stops": 1,
    "weights": {"challenges_met": 1},
    "known_at_least": 0,
    "neutral_by": 2040,
    "unknown": "keep out",
    "not_roles": ["mission"],
    "rules": [{"who": "newcomer", "per": "visit", "at_least": 1}],
}


@pytest.mark.parametrize("seed", range(6))
def test_what_is_found_without_a_rule_of_visits_or_clusters_is_within_its_bound(seed):
    rng = np.random.default_rng(seed)
    domains = ("industry", "energy_systems", "built_environment")
    cities = [
        {
            "id": f"{rng.choice(['at', 'be', 'cz'])}-c{k}",
            "roles": ["mission" if k < 2 else "guest"],
            "challenges": {d: int(rng.integers(1, 4)) for d in domains},
            "strengths": {d: int(rng.integers(1, 4)) for d in domains},
            "commitment": {"neutral_by": int(rng.choice([2035, 2045]))},
            "participation": {"newcomer": bool(rng.random() < 0.5)},
        }
        for k in range(8)
    ]
    tried = 0
    clusters = {
        "size": [2, 3],
        "weights": {"shared_challenges": 1},
        "rules": [{"who": "newcomer", "at_most": 1}],
    }
    for product, fields in (("study_visits", VISITS), ("national_clusters", clusters)):
        try:
            round_ = solved(product, cities, **fields)
        except NoProposalError:
            continue
        made = round_.made[0]
        told = {r.rule: r.costs for r in made.rules}
        assert None not in told.values()
        for name, price in found_prices(round_, made).items():
            bound = told[name]
            assert price.places <= bound.places, name
            assert bound.score is None or price.score <= bound.score + 1e-6, name
            tried += 1
    assert tried >= 4
