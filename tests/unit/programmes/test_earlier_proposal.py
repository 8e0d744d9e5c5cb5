"""Of answers that are equally good, the one that changes least of an earlier proposal is chosen."""

from __future__ import annotations

from dataclasses import replace

import pytest
from product_cases import city, pairs, propose_twinning, round_of, twinning

from twinmatch.programmes import Round
from twinmatch.proposal import Proposal

# Two guests alike and two hosts alike: either pairing is as good as the other.
GUESTS = [city(f"at-g{k}", "guest", wants={"industry": 3}, by=2040) for k in range(2)]
HOSTS = [city(f"be-h{k}", "mission", shows={"industry": 3}) for k in range(2)]
UNIT = {"id": "unit-one", "name": "One", "cities": ["be-h0", "dk-h2"]}
WAYS = [
    {("at-g0", "be-h0"), ("at-g1", "be-h1")},
    {("at-g0", "be-h1"), ("at-g1", "be-h0")},
]


def earlier(round_: Round, settings, want) -> Proposal:
    """Return the proposal in which these pairs met."""
    lock = type(settings).model_validate({**settings.model_dump(), "lock": sorted(want)})
    return Proposal({}, (propose_twinning(round_, lock),), ())


@pytest.mark.parametrize("want", WAYS)
def test_pairs_stay_where_another_pairing_is_no_better(want):
    round_, settings = round_of(*GUESTS, *HOSTS), twinning()
    before = earlier(round_, settings, want)
    assert pairs(before.products[0]) == want
    assert pairs(propose_twinning(replace(round_, previous=before), settings)) == want


@pytest.mark.parametrize("want", WAYS)
def test_pairs_with_a_unit_stay_too(want):
    third = city("dk-h2", "mission", shows={"industry": 3})
    round_, settings = round_of(*GUESTS, *HOSTS, third, units=[UNIT]), twinning()
    before = earlier(round_, settings, want)
    assert any(m.unit == "unit-one" for m in before.products[0].meetings)
    assert pairs(propose_twinning(replace(round_, previous=before), settings)) == want


def test_a_better_pairing_is_taken_whatever_was_before():
    guests = [GUESTS[0], city("at-g1", "guest", wants={"energy_systems": 3}, by=2040)]
    hosts = [HOSTS[0], city("be-h1", "mission", shows={"energy_systems": 3})]
    round_, settings = round_of(*guests, *hosts), twinning()
    before = earlier(round_, settings, WAYS[1])
    assert pairs(propose_twinning(replace(round_, previous=before), settings)) == WAYS[0]


def test_an_earlier_proposal_of_other_cities_changes_nothing():
    settings, others = twinning(), [city("it-g", "guest"), city("it-h", "mission")]
    before = Proposal({}, (propose_twinning(round_of(*others), twinning()),), ())
    round_ = round_of(*GUESTS, *HOSTS)
    found = propose_twinning(replace(round_, previous=before), settings)
    assert pairs(found) == pairs(propose_twinning(round_, settings))
