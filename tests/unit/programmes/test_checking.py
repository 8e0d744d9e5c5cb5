"""The referee over finished meetings: every format is judged, and each edit by hand breaks the rule it should."""

from __future__ import annotations

from dataclasses import replace

import pytest
from product_cases import city, propose_study_visits, round_of, settings_of

from cities import cohort_of, facet_cache
from rounds_for_tests import propose
from twinmatch.programmes import PRODUCTS, Round
from twinmatch.programmes.programme import programme_model
from twinmatch.programmes.study_visits import visit_rules
from twinmatch.programmes.world_cafe import propose_world_cafe, seating_rules
from twinmatch.proposal import Member, Product
from twinmatch.proposal.tables import SeatingRow, rows_of
from twinmatch.whatif.difference import check_proposal

AARHUS = city("dk-aarhus", "mission", shows={"industry": 3}, by=2030, at=(56.2, 10.2))
BRUGES = city("be-bruges", "mission", shows={"energy_systems": 3}, by=2030, at=(51.2, 3.2))
GRAZ = city("at-graz", "guest", wants={"industry": 3}, by=2040, at=(47.1, 15.4))
LINZ = city("at-linz", "guest", wants={"industry": 2}, by=2050, at=(48.3, 14.3))
WELS = city("at-wels", "guest", by=2060)
VEJLE = city("dk-vejle", "guest", by=2040)
VISITS = settings_of(
    "study_visits",
    travellers="cities",
    visitors=(1, 2),
    stops=1,
    leg_km=300,
    weights={"challenges_met": 1},
)
CAFE = settings_of(
    "world_cafe",
    themes=[
        {"id": "heat", "title": "Heat", "domains": ["energy_systems"]},
        {"id": "waste", "title": "Waste", "domains": ["waste_circular_economy"]},
        {"id": "cars", "title": "Cars", "domains": ["mobility_transport"]},
    ],
    rounds=2,
    seats=3,
    weights={"theme": 1},
)


def broken(rules):
    return [rule.rule for rule in rules if rule.status == "broken"]


@pytest.fixture(scope="module")
def visit():
    round_ = round_of(AARHUS, BRUGES, GRAZ, LINZ, WELS, VEJLE)
    product = propose_study_visits(round_, VISITS)
    assert product.meetings[-1].cities() == ("dk-aarhus", "at-graz", "at-linz")
    return round_, product.meetings[-1]


def of(meeting, *members):
    return replace(meeting, members=tuple(Member(id_, role) for role, id_ in members))


HOST, FIRST, SECOND = ("host", "dk-aarhus"), ("guest", "at-graz"), ("guest", "at-linz")


@pytest.mark.parametrize(
    ("members", "rules"),
    [
        ([HOST, FIRST, SECOND], []),
        ([HOST], ["visitors"]),
        ([FIRST, SECOND], ["stops"]),
        ([("host", "at-linz"), FIRST], ["hosts", "another country"]),
        ([HOST, ("host", "be-bruges"), FIRST], ["stops", "leg of a tour"]),
        ([HOST, FIRST, ("guest", "at-wels")], ["target"]),
        ([HOST, ("guest", "dk-vejle")], ["another country"]),
    ],
)
def test_an_edited_visit_breaks_what_it_should(visit, members, rules):
    round_, meeting = visit
    assert broken(visit_rules(round_, VISITS, [of(meeting, *members)])) == rules


def test_two_visits_of_a_host_and_of_a_city(visit):
    round_, meeting = visit
    found = visit_rules(round_, VISITS, [of(meeting, HOST, FIRST), of(meeting, HOST, FIRST)])
    assert broken(found) == ["visits per host", "one visit a city"]
    assert "Aarhus" in next(r.says for r in found if r.rule == "visits per host")


def test_seats_that_were_moved():
    hosts = [
        city("dk-h0", "mission", shows={"energy_systems": 3}),
        city("dk-h1", "mission", shows={"waste_circular_economy": 3}),
        city("dk-h2", "mission", shows={"mobility_transport": 3}),
    ]
    round_ = round_of(*hosts, *(city(f"at-g{k}", wants={"energy_systems": 1}) for k in range(6)))
    product = propose_world_cafe(round_, CAFE)
    rows = rows_of(product.tables, "seating", SeatingRow)
    assert not broken(seating_rules(round_, CAFE, product.meetings, rows))
    again = seating_rules(round_, CAFE, product.meetings, [*rows[:3], *rows[:3]])
    assert broken(again) == ["new faces", "new tables"]
    crowded = [rows[0], rows[1]._replace(guests=f"{rows[1].guests}; at-g0"), *rows[2:]]
    assert "seats" in broken(seating_rules(round_, CAFE, product.meetings, crowded))
    assert broken(seating_rules(round_, CAFE, product.meetings, [])) == ["a seat each"]


@pytest.mark.parametrize("name", sorted(PRODUCTS))
def test_every_format_of_the_registry_is_judged(name):
    themes = {"themes": [t.model_dump() for t in CAFE.themes]} if name == "world_cafe" else {}
    if name in ("discussion_groups", "policy_exchange"):
        themes = {"themes": [{"id": "heat", "title": "Heat", "levers": ["governance_policy"]}]}
    weights = {} if name == "city_panels" else {"weights": {"context": 1}}
    settings = settings_of(name, **weights, **themes)
    empty = Product(name, name, "optimal", "", 0.0, 0.0, (), (), (), "")
    judge = PRODUCTS[name].judge
    assert judge is not None
    assert judge(round_of(AARHUS, GRAZ), settings, empty)


def test_a_repair_is_judged_beside_what_other_formats_took_first():
    """Leading the cluster leaves the host one guest; both guests are locked to it, and a lock gives way."""
    cohort = cohort_of(
        {"id": "at-host", "roles": ["mission"]},
        {"id": "at-one", "roles": ["guest"]},
        {"id": "at-two", "roles": ["guest"]},
    )
    programme = programme_model().model_validate(
        {
            "ledger": {"tasks": 2, "order": ["national_clusters"]},
            "national_clusters": {
                "size": [2, 4],
                "known_at_least": 0,
                "takes": {"lead": {"tasks": 1}},
                "weights": {"nearness": 1},
            },
            "twinning": {
                "guests_per_host": [0, 2],
                "hosts": ["mission"],
                "weights": {"nearness": 1},
                "lock": [["at-one", "at-host"], ["at-two", "at-host"]],
            },
        }
    )
    alone = propose(cohort, programme, facet_cache())
    assert [p.status for p in alone.products] == ["optimal", "infeasible"]
    assert sum("drop the lock" in text for text in alone.product("twinning").advice) == 2
    made = propose(cohort, programme, facet_cache(), repairs={"": (1,)})
    round_ = Round(cohort, facet_cache(), programme=programme)
    found = {c.product: c for c in check_proposal(round_, made)}["twinning"]
    assert found.kept
    assert [r.rule for r in found.rules if r.status == "relaxed"] == ["locks"]
