"""difference: nothing where nothing differs, every city that moved, settings by name, prices in words."""

from __future__ import annotations

from dataclasses import replace

import pytest

from rounds_for_tests import random_case, settings
from twinmatch.programmes import PRODUCTS
from twinmatch.proposal import CityCard, Proposal
from twinmatch.whatif.difference import difference
from twinmatch.wording import shown


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
        told = next(says for says in found.products[0].says if "total score" in says)
        assert way in told
        then, now = (round(told.values[k], 1) for k in ("before", "after"))  # as shown: adds up
        assert f" {abs(now - then):.1f} points" in told


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


def test_totals_of_different_numbers_of_places_are_not_compared():
    found = difference(proposal_of(places=2), proposal_of(places=1))
    says = " ".join(found.products[0].says)
    assert "2 meetings before, 1 after. Totals of points do not compare." in says
    assert "in the mean" in says
    assert "total score" not in says
    assert "another one: At most 1 guests are chosen. It was: At most 2" in says
    assert found.made_from == ()  # the rule says it


def test_points_under_other_weights_are_not_compared():
    weights = [{"challenges_met": 1.0, "needs_offers": n} for n in (1.0, 2.0)]
    found = difference(*(proposal_of(weights=w) for w in weights))
    assert "Twinning, weight of “Needs met by offers”: 1.0 before, 2.0 after." in found.made_from
    assert not any("score" in says for says in found.products[0].says)


def test_a_rule_is_called_as_its_row_is():
    before = proposal_of()
    (product,) = before.products
    rule = replace(product.rules[0], rule="target", says="Guests have a target.")
    more = replace(product, rules=(*product.rules, rule))
    (says,) = difference(before, replace(before, products=(more,))).products[0].says
    assert says == "New rule (climate target): Guests have a target."
    assert shown(says, "de").startswith("Neue Regel (Klimaziel)")


def test_decided_numbers_and_names_of_groups_are_told_in_words():
    before = proposal_of()
    before.made_from["programme"]["settings"]["discussion_groups"] = {"size": [2, 8]}
    settings = {
        "twinning": before.made_from["programme"]["settings"]["twinning"],
        "discussion_groups": {"split": {"heat": 2}, "size": [2, 8]},
        "names": {"discussion_groups:heat": "Warm homes"},
    }
    programme = {"sha256": "other", "settings": settings}
    after = replace(before, made_from={**before.made_from, "programme": programme})
    assert difference(before, after).made_from == (
        "Number of groups: heat: not set before, 2 after.",
        "Name of a group: not set before, Warm homes after.",
    )
