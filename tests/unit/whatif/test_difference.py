"""difference: nothing where nothing differs, every city that moved, settings by name, prices in words."""

from __future__ import annotations

from dataclasses import replace

import pytest

from rounds_for_tests import random_case, settings
from twinmatch.programmes import PRODUCTS
from twinmatch.proposal import CityCard, Proposal
from twinmatch.whatif.difference import difference


def proposal_of(seed=1, **changes):
    case = random_case(seed, guests=5, hosts=3, **changes)
    cards = tuple(
        CityCard(c.id, c.name, c.country, "", (), None, None, None, 0.5)
        for c in case.round.cohort.cities
    )
    made_from = {
        "data": {"sha256": case.round.cohort.fingerprint},
        "programme": {
            "sha256": str(changes),
            "settings": {"twinning": settings(**changes).model_dump(mode="json")},
        },
    }
    return Proposal(made_from, (PRODUCTS["twinning"](case.round, case.settings),), cards)


def test_a_proposal_does_not_differ_from_itself():
    found = difference(proposal_of(), proposal_of())
    assert found.alike
    assert found.made_from == ()
    assert found.products[0].moved == ()


@pytest.mark.parametrize("seed", range(8))
def test_every_city_whose_partners_differ_is_named_and_no_other(seed):
    before = proposal_of(seed)
    taken = before.products[0].meetings[0]
    ban = (taken.cities("guest")[0], taken.cities("host")[0])
    after = proposal_of(seed, ban=[ban])
    found = difference(before, after)
    was, is_ = (
        {(m.cities("guest")[0], m.cities("host")[0]) for m in p.products[0].meetings}
        for p in (before, after)
    )
    assert {m.city for m in found.products[0].moved} == {c for pair in was ^ is_ for c in pair}
    names = {card.id: card.name for card in before.cities}
    assert f"Now banned: {names[ban[0]]} with {names[ban[1]]}." in found.made_from
    assert difference(after, before).made_from[0].startswith("No longer banned: ")
    assert any("New rule (bans)" in says for says in found.products[0].says)
    if before.products[0].score != pytest.approx(after.products[0].score, abs=1e-9):
        way = "more" if after.products[0].score > before.products[0].score else "less"
        assert any(way in says and "total score" in says for says in found.products[0].says)


def test_cities_that_came_and_went_are_named():
    before = proposal_of()
    after = replace(before, cities=before.cities[1:], made_from={"data": {"sha256": "other"}})
    found = difference(before, after)
    assert any("no longer there: Guest-0" in says for says in found.made_from)
    back = difference(after, before)
    assert any("Cities new: Guest-0" in says for says in back.made_from)


def test_a_product_that_only_one_has():
    before = proposal_of()
    found = difference(before, replace(before, products=()))
    assert "only in the first" in found.products[0].says[0]
    assert not found.alike
