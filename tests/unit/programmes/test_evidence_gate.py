"""The evidence gate, the places it holds, what binds where a city is left out, and choices that tie."""

from __future__ import annotations

from dataclasses import replace

import pytest
from product_cases import city, pairs, propose_twinning, round_of, twinning

from cities import cohort_of, facet_cache
from rounds_for_tests import propose
from twinmatch.programmes.eligibility import ASKED, to_ask
from twinmatch.programmes.programme import programme_model
from twinmatch.programmes.rules import LOOK_UP, QUESTIONS, ask
from twinmatch.programmes.twinning import pair_rules
from twinmatch.proposal import Account, Evidence, Fact, Meeting, Member, Product

GUEST = city("at-a", "guest", wants={"industry": 3})
SILENT = city("at-b", "guest")
HOSTS = (
    city("de-x", "mission", shows={"industry": 3}),
    city("fr-y", "mission", shows={"industry": 2}),
)


def proposed(*cities, **changes):
    return propose_twinning(round_of(*cities), twinning(known_at_least=0.5, **changes))


def causes(product, role="guest"):
    return {x.city: x.code for x in product.left_out if x.as_role == role}


def test_a_city_of_which_too_little_is_known_fills_no_place_and_is_asked():
    product = proposed(GUEST, SILENT, *HOSTS)
    assert pairs(product) == {("at-a", "de-x")}
    (held,) = product.held
    assert (held.places, held.cities) == (1, ("at-b",))
    assert [(q.city, q.block) for q in held.ask] == [("at-b", "challenges")]
    assert causes(product) == {"at-b": "gate"}


def test_nothing_is_held_where_the_gate_costs_no_place():
    product = proposed(GUEST, SILENT, *HOSTS, places=1)
    assert product.held == ()
    assert causes(product) == {"at-b": "gate"}


def test_a_pair_that_the_coordinator_locked_passes_the_gate():
    product = proposed(GUEST, SILENT, *HOSTS, lock=(("at-b", "fr-y"),))
    assert pairs(product) == {("at-a", "de-x"), ("at-b", "fr-y")}
    assert product.held == ()


def test_a_pair_that_shares_nothing_is_none_unless_it_is_locked():
    """What is not known shares nothing either, and stays for the gate."""
    other = city("at-c", "guest", wants={"energy_systems": 3})
    product = proposed(GUEST, other, *HOSTS, shared_content=True)
    assert pairs(product) == {("at-a", "de-x")}
    assert causes(product) == {"at-c": "rule"}
    locked = proposed(GUEST, other, *HOSTS, shared_content=True, lock=(("at-c", "fr-y"),))
    assert ("at-c", "fr-y") in pairs(locked)
    free = propose_twinning(round_of(SILENT, *HOSTS), twinning(shared_content=True))
    assert len(pairs(free)) == 1


def test_a_pair_of_which_no_reason_can_be_printed_fills_no_place_unless_it_is_locked():
    """Enough is known, but nothing that speaks for the pair: the place is held, and the referee finds it where it is filled."""
    other = city("at-c", "guest", wants={"energy_systems": 3})
    product = proposed(GUEST, other, *HOSTS)
    assert pairs(product) == {("at-a", "de-x")}
    (held,) = product.held
    assert (held.places, [(q.city, q.block) for q in held.ask]) == (1, [("at-c", "needs")])
    assert causes(product) == {"at-c": "gate"}
    asked, lock = twinning(known_at_least=0.5), (("at-c", "fr-y"),)
    forced = propose_twinning(round_of(GUEST, other, *HOSTS), twinning(known_at_least=0))
    assert pairs(forced) == {("at-a", "de-x"), *lock}
    for settings, gate in ((asked, ["broken"]), (twinning(known_at_least=0.5, lock=lock), [])):
        rules = pair_rules(round_of(GUEST, other, *HOSTS), settings, forced)
        assert [r.status for r in rules if r.rule == "evidence gate"] == gate
    assert pairs(proposed(GUEST, other, *HOSTS, lock=lock)) == pairs(forced)


def test_a_round_whose_pairs_all_lack_a_reason_breaks_no_rule_and_has_no_repair():
    other = city("at-c", "guest", wants={"energy_systems": 3})
    asked = {"weights": {"challenges_met": 1}, "guests": {"unknown": "let in"}}
    programme = programme_model().model_validate(
        {"twinning": {"something_to_show": False, **asked}}
    )
    (product,) = propose(cohort_of(other, *HOSTS), programme, facet_cache()).products
    assert (product.status, product.meetings, product.advice) == ("optimal", (), ())
    assert [held.cities for held in product.held] == [("at-c",)]


def test_a_host_that_can_show_nothing_of_what_its_guest_seeks_hosts_it_only_where_it_is_locked():
    """Ticked topics and challenges say what is sought, ticked topics what is shown; what is not known forbids nothing."""
    solar, zone = "solar_wind_power", "car_traffic_parking_low_emission_zones"
    guests = (
        {**city("at-a", "guest"), "seeks": [solar]},
        city("at-b", "guest", wants={"energy_systems": 1}),
        city("at-c", "guest"),
    )
    hosts = (
        {**city("de-x", "mission"), "shows": [zone]},
        {**city("fr-y", "mission"), "shows": [solar]},
        city("pl-z", "mission"),
    )

    def hosts_of(guest, **changes):
        each = (pairs(proposed_freely(guest, host, **changes)) for host in hosts)
        return {host for found in each for _, host in found}

    def proposed_freely(*cities, **changes):
        return propose_twinning(
            round_of(*cities), twinning(**{"something_to_show": True, **changes})
        )

    everyone = {"de-x", "fr-y", "pl-z"}
    assert [hosts_of(g) for g in guests] == [{"fr-y", "pl-z"}, {"fr-y", "pl-z"}, everyone]
    assert hosts_of(guests[0], something_to_show=False) == everyone
    locked = proposed_freely(guests[0], *hosts, lock=(("at-a", "de-x"),))
    assert pairs(locked) == {("at-a", "de-x")}
    says = {rule.rule: rule.says for rule in locked.rules}["something to show"]
    one, other = (round_of(guests[0], *hosts).cohort.city(c).name for c in ("at-a", "de-x"))
    assert f"A lock lets through: {one} with {other}." in says
    assert "A lock lets through" not in str(proposed_freely(guests[0], *hosts).rules)
    none = proposed_freely(guests[0], hosts[0], hosts[1])
    assert causes(proposed_freely(guests[0], hosts[0])) == {"at-a": "rule"}
    idle = {x.city: x.why for x in none.left_out if x.as_role == "host"}
    assert idle[hosts[0]["id"]].endswith(
        "No example is known yet of what the one eligible guest wants to learn."
    )


def test_what_flows_back_is_no_reason():
    returns, met, weak = (
        Evidence(name, likeness, standing, 0.4, f"{name}.", (Fact("at-a", "x", 1),))
        for name, likeness, standing in (
            ("returns", 0.9, 0.9),
            ("challenges_met", 0.3, 0.4),
            ("emissions_mix", 0.3, 0.4),
        )
    )
    assert Account((returns, met, weak)).strongest() == (met,)
    assert Account((returns, weak)).strongest() == ()
    assert Account((weak, met)).strongest() == (met,)  # nor is there none where the guest learns
    lifting = replace(met, standing=0.6)
    assert Account((returns, lifting)).strongest() == (lifting,)


def test_beside_a_wish_stands_what_it_is_for():
    wish, strong, asked = (
        Evidence(name, 0.9, 0.9, weight, f"{name}.", (Fact("at-a", "x", 1, place=place),))
        for name, weight, place in (
            ("wishes", 0.5, ""),
            ("challenges_met", 0.3, ""),
            ("topics_met", 0.2, "needs, characters 1-9"),
        )
    )
    assert Account((wish, strong)).strongest() == (wish, strong)
    assert Account((wish, strong, asked)).strongest() == (wish, asked)


def test_as_few_questions_are_asked_as_would_open_the_gate():
    """A city that says its needs lacks 3 of 4 parts: one answer, the weightiest, brings it to half."""
    weights = {"challenges_met": 2, "levers_met": 1, "emissions_mix": 1}
    (held,) = proposed(
        GUEST, city("at-b", "guest", levers_needed=["procurement"]), *HOSTS, weights=weights
    ).held
    assert [q.block for q in held.ask if q.city == "at-b"] == ["challenges"]


def test_the_referee_finds_a_pair_below_the_gate():
    meeting = Meeting(
        "twinning:at-b", "", (Member("de-x", "host"), Member("at-b", "guest")), Account()
    )
    product = Product("twinning", "Twinning", "optimal", "by hand", 0.0, 0.0, (meeting,))
    rules = pair_rules(round_of(GUEST, SILENT, *HOSTS), twinning(known_at_least=0.5), product)
    assert [r.rule for r in rules if r.status == "broken"] == ["evidence gate"]


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        (
            {"overall": [{"who": "national", "share_at_least": 1.0}]},
            {"at-a": "quota", "be-b": "quota"},
        ),
        ({"pairs_per_host_country": 1, "hosts": ["mission"]}, {"be-b": "quota"}),
        ({"places": 1}, {"be-b": "places"}),
    ],
)
def test_what_binds_is_named(changes, expected):
    """Two guests, the second a weaker fit; two hosts of one country with a place each."""
    cities = (
        city("at-a", "guest", wants={"industry": 3}),
        city("be-b", "guest", wants={"industry": 1, "mobility_transport": 2}),
        city("de-x", "mission", shows={"industry": 3}),
        city("de-y", "mission", shows={"industry": 3}),
    )
    assert causes(proposed(*cities, **changes)) == expected


def test_a_quota_before_the_best_host_binds_though_a_worse_host_is_free():
    """The guest fits de-y better than the weakest pair chosen, and Germany has its one pair; it-w alone wants a place."""
    cities = (
        city("at-a", "guest", wants={"industry": 3}),
        city("be-b", "guest", wants={"energy_systems": 3, "mobility_transport": 1}),
        city("cz-c", "guest", wants={"built_environment": 2, "industry": 1}),
        city("de-x", "mission", shows={"industry": 3}),
        city("de-y", "mission", shows={"energy_systems": 3}),
        city("fr-z", "mission", shows={"built_environment": 3}),
        city("it-w", "mission", shows={"mobility_transport": 3}),
    )
    product = proposed(*cities, places=2, pairs_per_host_country=1)
    assert causes(product) == {"be-b": "quota"}
    (left,) = [x for x in product.left_out if x.city == "be-b"]
    assert "hosts in Germany: there may be at most 1." in left.why
    assert "With the other hosts all places went to pairs that fit better" in left.why


def test_a_host_without_places_is_not_ready_to_host_and_a_guest_beside_it_is_short_of_hosts():
    closed = city("de-x", "mission", shows={"industry": 3}, participation={"guests_at_most": 0})
    product = proposed(GUEST, closed)
    assert causes(product, "host") == {"de-x": "own limit"}
    assert causes(product) == {"at-a": "capacity"}


def test_two_that_fit_alike_tie_and_no_defeat_is_said():
    product = proposed(GUEST, {**GUEST, "id": "be-b"}, HOSTS[0])
    assert causes(product) == {"be-b": "tie"}
    (ties,) = [t for t in product.tables if t.name == "tied_choices"]
    assert ties.rows == (("at-a", "de-x", "be-b", "de-x", 0.0),)


def test_hosts_that_fit_alike_tie_too():
    product = proposed(GUEST, HOSTS[0], {**HOSTS[0], "id": "it-z"})
    (ties,) = [t for t in product.tables if t.name == "tied_choices"]
    assert ties.rows == (("at-a", "de-x", "at-a", "it-z", 0.0),)


def test_a_unit_of_two_countries_counts_in_both():
    cities = (
        GUEST,
        {**GUEST, "id": "be-b"},
        HOSTS[0],
        HOSTS[1],
        city("de-z", "mission", shows={"industry": 3}),
    )
    unit = [{"id": "unit-one", "name": "One", "cities": ["de-x", "fr-y"]}]
    product = propose_twinning(
        round_of(*cities, units=unit),
        twinning(pairs_per_host_country=1, hosts=("mission", "pilot")),
    )
    assert len(product.meetings) == 1 or {
        m.unit or m.cities("host")[0] for m in product.meetings
    } != {"unit-one", "de-z"}


def test_held_places_are_read_back_from_the_proposal():
    from twinmatch.proposal import from_plain, to_plain

    made = propose(
        round_of(GUEST, SILENT, *HOSTS).cohort,
        programme_model()(twinning=twinning(known_at_least=0.5)),
        round_of(GUEST).facet_cache,
    )
    plain = to_plain(made)
    assert plain["products"][0]["held"][0]["places"] == 1
    assert from_plain(plain).product("twinning").held == made.product("twinning").held


def test_what_the_office_can_look_up_is_no_question_to_the_city():
    product = proposed(GUEST, *HOSTS, guests={"urbanisation_at_most": 2})
    (left,) = (x for x in product.left_out if x.as_role == "guest")
    assert left.why == (
        "Guests need to be cities, towns or suburbs (Eurostat’s degree of urbanisation 1 or 2); the programme office "
        "looks this up."
    )
    assert (left.code, left.ask) == ("ask", LOOK_UP)
    both = {"urbanisation_at_most": 2, "neutral_by": 2050}
    (left,) = (x for x in proposed(GUEST, *HOSTS, guests=both).left_out if x.as_role == "guest")
    assert left.ask == ASKED["neutral_by"][0]
    assert left.why.count("Guests need") == 2
    (left,) = (
        x
        for x in proposed(GUEST, *HOSTS, guests={"covenant": True}).left_out
        if x.as_role == "guest"
    )
    assert left.ask == LOOK_UP


def test_a_role_that_hosts_is_told_so_alone_and_is_no_applicant_without_a_place():
    """Its other conditions do not matter: no answer of the city would change its role."""
    both = {**city("fr-y", "mission", shows={"industry": 2}), "roles": ["mission", "guest"]}
    rules = {"staff_hours_a_month": 12, "english": "B2"}
    product = proposed(both, HOSTS[0], guests=rules)
    left = next(x for x in product.left_out if x.city == "fr-y")
    assert (left.code, left.as_role, left.ask) == ("role", "host", "")
    assert left.why.startswith("In this programme Mission Cities host and do not travel as guests.")
    product = proposed(both, HOSTS[0], guests=rules, host_ids=["de-x"])
    left = next(x for x in product.left_out if x.city == "fr-y")
    assert (left.code, left.as_role) == ("eligibility", "guest")
    assert (
        left.why
        == "A condition of the programme is not met: Mission Cities do not travel as guests."
    )


def test_a_municipality_of_100_000_is_no_rural_area_where_its_degree_of_urbanisation_is_not_known():
    for people, limit, meets in ((150_000, 2, True), (99_999, 2, False), (150_000, 1, False)):
        large = {**GUEST, "population": {"value": people}}
        product = proposed(large, *HOSTS, guests={"urbanisation_at_most": limit})
        assert bool(product.meetings) is meets


def test_a_host_outside_the_mission_is_said_to_host_by_the_rules_of_the_programme():
    pilot = city("de-x", "pilot", shows={"industry": 3})
    (pair,) = proposed(GUEST, pilot, hosts=("mission", "pilot")).meetings
    assert pair.notes[-1] == (
        "X hosts as one of the Pilot Cities: the hosts of this programme are Mission Cities and Pilot Cities."
    )
    assert not any("hosts as" in note for note in proposed(GUEST, *HOSTS).meetings[0].notes)


@pytest.mark.parametrize(
    ("city", "known", "asked"),
    [
        ("de-a", {}, ["hours", "English"]),
        ("de-a", {"english": "B2"}, ["hours"]),
        ("de-a", {"staff_hours_a_month": 12}, ["English"]),
        ("ie-a", {}, ["hours"]),
    ],
)  # fmt: skip
def test_only_what_is_missing_of_hours_and_english_is_asked(city, known, asked):
    (one,) = cohort_of({"id": city, "participation": known or None}).cities
    rule = twinning(guests={"staff_hours_a_month": 12, "english": "B2"}).guests
    put = [x.question for x in to_ask(one, rule)]
    assert [word for text in put for word in ("hours", "English") if word in text] == asked
    assert not to_ask(one, twinning(guests={"population_at_least": 9}).guests)  # nobody asks this


def test_who_says_in_words_what_it_can_show_is_asked_for_its_areas():
    told = {"id": "it-two", "offers": "Un ufficio unico per i condomini."}
    one, two = cohort_of({"id": "it-one"}, told).cities
    assert ask(one, "strengths").question == QUESTIONS["strengths"]
    assert ask(two, "strengths").question.startswith("In which areas are you strongest")
