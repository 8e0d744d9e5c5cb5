"""Each real programme's file, solved on the bundled cohort, its own rules counted by hand from the meetings."""

from __future__ import annotations

from collections import Counter
from dataclasses import replace

import pytest

from twinmatch.programmes import PRODUCTS, Round, load
from twinmatch.programmes.pathways import with_offers
from twinmatch.programmes.programme import recipe_names
from twinmatch.programmes.round import SolvedProduct, price_bounds
from twinmatch.vocabulary.geography import in_eu
from twinmatch.whatif.prices import with_costs


@pytest.fixture(scope="module")
def solved(bundled, bundled_facet_cache):
    made = {}
    for name in recipe_names():
        programme = load(name)
        made[name] = {}
        for product in programme.products:
            round_ = Round(bundled, bundled_facet_cache)
            found = PRODUCTS[product].propose(round_, getattr(programme, product))
            if isinstance(found, SolvedProduct):
                rules = with_costs(found.product.rules, price_bounds(found))
                found = replace(found.product, rules=rules)
            made[name][product] = found
    return made


def pairs(solved, name):
    product = solved[name]["twinning"]
    return [(m.cities("guest")[0], m.unit or m.cities("host")[0], m) for m in product.meetings]


@pytest.mark.parametrize("name", recipe_names())
def test_every_recipe_has_a_proposal_that_keeps_its_rules(name, solved, bundled):
    for product in solved[name].values():
        assert product.meetings
        assert {r.status for r in product.rules} <= {"kept", "binding"}
        placed = {m.city for meeting in product.meetings for m in meeting.members}
        assert placed | {x.city for x in product.left_out} == {c.id for c in bundled.cities}


@pytest.mark.parametrize("name", recipe_names())
def test_every_rule_of_a_recipe_has_a_price_or_says_what_is_formed(name, solved):
    for product in solved[name].values():
        for rule in product.rules:
            if rule.rule == "conditions on guests":
                continue  # what is gained without them is found by ``prices`` alone: others are compared then
            assert rule.costs is not None, (product.product, rule.rule)
            assert rule.costs.places >= 0
            assert (rule.costs.score is None) == (rule.costs.places > 0 or rule.costs.defines)


@pytest.mark.parametrize("name", recipe_names())
def test_no_recipe_offers_a_city_itself(name, solved, bundled):
    cohort_names = {c.id: c.name for c in bundled.cities}
    products = list(solved[name].values())
    for product in with_offers(bundled, load(name), products):
        for meeting in product.meetings:
            assert len({x.city for x in meeting.members}) == len(meeting.members)
            assert all(r.candidate != r.instead_of for r in meeting.reserves)
        for left in product.left_out:
            assert f" to {cohort_names[left.city]}" not in left.offered
            assert f"from {cohort_names[left.city]}" not in left.offered or left.as_role == "host"


@pytest.mark.parametrize(("round_number", "places"), [(1, 40), (2, 19), (3, 24), (4, 30)])
def test_netzerocities(round_number, places, solved):
    found = pairs(solved, f"netzerocities-round-{round_number}")
    assert 0 < len(found) <= places
    assert max(Counter(h for _, h, _ in found).values()) <= 2
    if round_number == 4:
        assert len(found) == 30


def test_netzerocities_4_has_a_fifth_of_small_cities(solved, bundled):
    guests = [bundled.city(g) for g, _, _ in pairs(solved, "netzerocities-round-4")]
    small = sum(c.population is not None and c.population.value < 100_000 for c in guests)
    assert small >= 0.2 * len(guests)


def test_covenant_pairs_are_signatories(solved, bundled):
    found = pairs(solved, "covenant-twinning")
    assert len(found) == 6
    assert all(bundled.city(g).covenant for g, _, _ in found)
    assert max(Counter(h for _, h, _ in found).values()) == 1


def test_eui_peers_are_of_another_member_state(solved, bundled):
    for g, _, meeting in pairs(solved, "eui-exchange"):
        guest, hosts = bundled.city(g), [bundled.city(c) for c in meeting.cities("host")]
        assert in_eu(guest.country)
        degree = guest.context.degree_of_urbanisation if guest.context else None
        assert guest.population.value >= 100_000 if degree is None else degree <= 2
        assert all(in_eu(h.country) and h.country != guest.country for h in hosts)


def test_divaircity_has_exactly_four_a_host_one_from_outside(solved, bundled):
    found = pairs(solved, "divaircity")
    by_host = {h: [g for g, k, _ in found if k == h] for _, h, _ in found}
    assert {len(guests) for guests in by_host.values()} == {4}
    assert len(by_host) == 5
    for guests in by_host.values():
        outside = sum(not in_eu(bundled.city(g).country) for g in guests)
        assert 1 <= outside <= 3


def test_veneto_has_a_national_and_a_foreign_guest_a_host(solved, bundled):
    found = pairs(solved, "veneto-adapt")
    for host in {h for _, h, _ in found}:
        national = [bundled.city(g).country == "IT" for g, h, _ in found if h == host]
        assert any(national)
        assert not all(national)


def test_utm_cities_have_at_most_two_partners(solved, bundled):
    found = pairs(solved, "utm-city2city")
    assert len(found) == 20
    assert max(Counter(g for g, _, _ in found).values()) <= 2
    assert max(Counter(h for _, h, _ in found).values()) <= 2
    assert all(bundled.city(g).population.value >= 50_000 for g, _, _ in found)


def test_mpower_groups_are_six_or_fewer(solved):
    meetings = solved["mpower-groups"]["discussion_groups"].meetings
    assert all(3 <= len(m.members) <= 6 for m in meetings)
    assert len(meetings) > 3


def test_an_urbact_network_has_six_to_eight_of_different_countries(solved):
    (network,) = solved["urbact-network"]["discussion_groups"].meetings
    assert 6 <= len(network.members) <= 8
    assert len({c[:2] for c in network.cities()}) == len(network.members)
    assert len(network.cities("lead")) == 1
