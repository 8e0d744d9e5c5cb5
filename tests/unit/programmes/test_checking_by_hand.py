"""check(): who stands in which meeting decides each rule, and what is broken is named, meeting by meeting."""

from __future__ import annotations

from dataclasses import replace
from types import SimpleNamespace
from typing import Any

import pytest
from product_cases import city, round_of, settings_of, twinning

from twinmatch.programmes.load_ledger import Ledger
from twinmatch.programmes.registry import OWN
from twinmatch.programmes.rules import counted
from twinmatch.programmes.world_cafe import propose_world_cafe, seating_rules
from twinmatch.proposal import Account, Meeting, Member, Product, Proposal, RuleStatus
from twinmatch.proposal.tables import SeatingRow
from twinmatch.whatif.difference import RefereeReport, check_proposal

MISSION = [city(f"{code}-m{k}", "mission") for k, code in enumerate(("dk", "be", "dk"))]
GUESTS = [city(f"at-g{k}", "guest") for k in range(3)]
ROUND = round_of(*MISSION, *GUESTS)
GROUPS = settings_of(
    "discussion_groups",
    themes=[{"id": "heat", "title": "Heat", "levers": ["governance_policy"]}],
    weights={"theme": 1},
    size=(2, 3),
    leads=(1, 2),
)
PANELS = settings_of("city_panels", size=(2, 3), mission_at_least=1, cities_per_country=1)


RECOUNTED = {"audience, city by city", "known enough", "caps, pair by pair"}
"""What is counted city by city, for which test_recount.py breaks each by hand."""


def meeting(label: str, *who: str, unit: str = "") -> Meeting:
    """Return a meeting of ``role city`` words; without a role it is a member."""
    members = (word.rpartition(" ") for word in who)
    return Meeting(
        label,
        label,
        tuple(Member(name, role or "member") for role, _, name in members),  # type: ignore[arg-type]
        Account(()),
        unit=unit,
    )


def product(name: str, *meetings: Meeting) -> Product:
    return Product(name, name.title(), "optimal", "", 0.0, 0.0, meetings, (), (), "")


def asking(**formats: Any) -> Any:
    """A programme that asks for some formats, in this order."""
    return SimpleNamespace(products=tuple(formats), ledger=Ledger(), **formats)


def checked(settings: Any, name: str, *meetings: Meeting, round_=ROUND) -> RefereeReport:
    proposal = Proposal({}, (product(name, *meetings),), ())
    (found,) = check_proposal(replace(round_, programme=asking(**{name: settings})), proposal)
    return replace(found, rules=tuple(r for r in found.rules if r.rule not in RECOUNTED))


def broken(found: RefereeReport) -> dict[str, str]:
    """Return what is broken by rule, in the words after ``Broken:``."""
    rules = [rule for rule in found.rules if rule.status == "broken"]
    assert found.kept is (not rules)
    return {rule.rule: rule.says.partition(" Broken: ")[2] for rule in rules}


def rule(found: RefereeReport, name: str) -> RuleStatus:
    return next(rule for rule in found.rules if rule.rule == name)


# --- every product ---------------------------------------------------------------------------------------


def test_every_product_of_a_proposal_is_judged_by_its_own_settings_in_order():
    found = check_proposal(
        replace(ROUND, programme=asking(discussion_groups=GROUPS, city_panels=PANELS)),
        Proposal(
            {},
            (
                product("city_panels", meeting("P", "dk-m0")),
                product("discussion_groups", meeting("G", "lead dk-m0", "at-g0")),
            ),
            (),
        ),
    )
    assert [(c.product, c.title, c.unjudged, c.kept) for c in found] == [
        ("city_panels", "City_Panels", "", False),
        ("discussion_groups", "Discussion_Groups", "", True),
    ]
    assert [rule.rule for rule in found[0].rules] == [
        "known cities",
        "once in a meeting",
        "sizes",
        "one panel each",
        "Mission Cities",
        "cities per country",
        "audience, city by city",
    ]


def test_a_city_that_nobody_knows_ends_the_judging_and_is_named():
    found = checked(GROUPS, "discussion_groups", meeting("G", "zz-no", "aa-no", "dk-m0"))
    assert (found.product, found.title) == ("discussion_groups", "Discussion_Groups")
    assert found.unjudged == "The format's own rules were not judged, because cities are unknown."
    assert found.rules == (
        RuleStatus(
            "known cities",
            "Every city of a meeting is in the profiles. Broken: aa-no; zz-no.",
            "broken",
        ),
        RuleStatus("once in a meeting", "A city stands once in a meeting.", "kept"),
    )
    assert not found.kept


def test_a_format_that_the_programme_has_not_is_not_judged_and_this_is_said():
    found = checked(None, "city_panels", meeting("P", "dk-m0", "dk-m0", "at-g0", "at-g0", "be-m1"))
    assert (found.product, found.title) == ("city_panels", "City_Panels")
    assert found.unjudged == "This programme has no such format: its own rules were not judged."
    assert found.rules == (
        RuleStatus("known cities", "Every city of a meeting is in the profiles.", "kept"),
        RuleStatus(
            "once in a meeting",
            "A city stands once in a meeting. Broken: P: dk-m0; P: at-g0.",
            "broken",
        ),
    )
    other = check_proposal(
        replace(ROUND, programme=asking()), Proposal({}, (product("new_format"),), ())
    )
    assert other[0].unjudged == found.unjudged
    assert other[0].kept


def test_a_city_may_stand_in_two_meetings_but_not_twice_in_one():
    two = checked(None, "city_panels", meeting("P", "dk-m0"), meeting("Q", "dk-m0"))
    assert two.kept
    thrice = checked(None, "city_panels", meeting("P", *["dk-m0"] * 3))
    assert broken(thrice) == {"once in a meeting": "P: dk-m0."}


# --- discussion groups -----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("meetings", "told"),
    [
        ([meeting("G", "lead dk-m0", "at-g0")], {}),
        ([meeting("G", "lead dk-m0", "lead be-m1", "at-g0")], {}),
        ([meeting("G", "lead dk-m0")], {"group size": "G has 1."}),
        (
            [meeting("G", "lead dk-m0", "at-g0", "at-g1", "at-g2")],
            {"group size": "G has 4."},
        ),
        ([meeting("G", "at-g0", "at-g1")], {"leads": "G has 0."}),
        (
            [meeting("G", "lead dk-m0", "lead be-m1", "lead dk-m2")],
            {"leads": "G has 3."},
        ),
        (
            [meeting("G", "lead at-g1", "lead at-g0", "dk-m0")],
            {"lead roles": "at-g0; at-g1."},
        ),
        (
            [meeting("G", "lead dk-m0", "at-g0"), meeting("H", "lead be-m1", "at-g0")],
            {"groups of a city": "at-g0."},
        ),
        (
            [meeting("G", "lead dk-m0", "at-g0"), meeting("H", "lead dk-m0", "at-g1")],
            {"groups of a city": "dk-m0.", "lead of": "dk-m0."},
        ),
    ],
)
def test_a_group_breaks_what_it_should(meetings, told):
    found = checked(GROUPS, "discussion_groups", *meetings)
    assert broken(found) == told
    assert found.unjudged == ""


def test_the_rules_of_groups_in_words():
    found = checked(GROUPS, "discussion_groups", meeting("G", "lead dk-m0", "at-g0"))
    assert [(r.rule, r.says) for r in found.rules[2:]] == [
        ("group size", "A group has 2 to 3 cities, leads included."),
        ("leads", "A group has 1 to 2 leads."),
        ("lead roles", "Leads are Mission Cities."),
        ("groups of a city", "A city is in at most 1 of the groups."),
        ("lead of", "A city leads at most 1 of the groups."),
    ]
    wide = type(GROUPS).model_validate({**GROUPS.model_dump(), "lead_roles": ["mission", "guest"]})
    found = checked(wide, "discussion_groups", meeting("G", "lead at-g0", "at-g1"))
    assert rule(found, "lead roles").says == "Leads are Mission Cities or guests."
    assert found.kept


def test_groups_and_leads_of_a_city_are_counted_to_what_is_allowed():
    twice = type(GROUPS).model_validate({**GROUPS.model_dump(), "groups_per_city": 2})
    two = [meeting(name, "lead dk-m0", "at-g0") for name in "GH"]
    assert broken(checked(twice, "discussion_groups", *two)) == {"lead of": "dk-m0."}
    led = type(GROUPS).model_validate({**twice.model_dump(), "lead_of": 2})
    assert checked(led, "discussion_groups", *two).kept


def test_countries_of_a_group_are_counted_where_they_are_limited():
    both = meeting("G", "lead dk-m0", "dk-m2")
    assert checked(GROUPS, "discussion_groups", both).kept
    one = type(GROUPS).model_validate({**GROUPS.model_dump(), "cities_per_country": 1})
    found = checked(one, "discussion_groups", both, meeting("H", "lead be-m1", "at-g0"))
    assert broken(found) == {"cities per country": "G has 2 from Denmark."}
    two = type(GROUPS).model_validate({**GROUPS.model_dump(), "cities_per_country": 2})
    assert checked(two, "discussion_groups", both).kept


# --- city panels -----------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("meetings", "told"),
    [
        ([meeting("P", "dk-m0", "at-g0")], {}),
        ([meeting("P", "dk-m0", "be-m1", "at-g0")], {}),
        ([meeting("P", "dk-m0")], {"sizes": "P has 1."}),
        (
            [meeting("P", "at-g0")],
            {"sizes": "P has 1.", "Mission Cities": "P has 0 among the Mission Cities."},
        ),
        (
            [meeting("P", "dk-m0", "at-g0"), meeting("Q", "be-m1", "at-g0")],
            {"one panel each": "at-g0."},
        ),
        (
            [meeting("P", "dk-m0", "be-m1", "dk-m2", "at-g0", "at-g1")],
            {
                "sizes": "P has 5.",
                "cities per country": "P has 2 from Austria; P has 2 from Denmark.",
            },
        ),
    ],
)
def test_a_panel_breaks_what_it_should(meetings, told):
    assert broken(checked(PANELS, "city_panels", *meetings)) == told


def test_the_rules_of_panels_in_words():
    found = checked(PANELS, "city_panels", meeting("P", "dk-m0", "at-g0"))
    assert [(r.rule, r.says) for r in found.rules[2:]] == [
        ("sizes", "A panel has 2 to 3 cities."),
        ("one panel each", "A city is in one panel."),
        ("Mission Cities", "In each panel, at least 1 must be among the Mission Cities."),
        ("cities per country", "In each panel, at most 1 may be from one country."),
    ]
    free = type(PANELS).model_validate({**PANELS.model_dump(), "cities_per_country": None})
    found = checked(free, "city_panels", meeting("P", "dk-m0", "dk-m2"))
    assert [r.rule for r in found.rules[2:]] == ["sizes", "one panel each", "Mission Cities"]


# --- twinning --------------------------------------------------------------------------------------------


def pair(guest: str, *hosts: str, unit: str = "") -> Meeting:
    return meeting(guest, f"guest {guest}", *(f"host {h}" for h in hosts), unit=unit)


def test_a_pair_is_a_guest_and_a_host_of_the_round():
    assert checked(twinning(), "twinning", pair("at-g0", "dk-m0"), pair("at-g1", "be-m1")).kept
    found = checked(twinning(), "twinning", pair("dk-m0", "be-m1"), pair("at-g0", "at-g1"))
    assert broken(found) == {"eligible pairs": "dk-m0 with be-m1; at-g0 with at-g1."}
    assert rule(found, "eligible pairs").says.startswith(
        "Every pair is an eligible guest and a host of the round."
    )


def test_a_host_beyond_its_places_and_a_guest_with_two_hosts():
    found = checked(twinning(), "twinning", pair("at-g0", "dk-m0"), pair("at-g1", "dk-m0"))
    assert set(broken(found)) == {"guests per host"}
    found = checked(twinning(), "twinning", pair("at-g0", "dk-m0"), pair("at-g0", "be-m1"))
    assert set(broken(found)) == {"one host each"}


def test_a_unit_is_one_host_whatever_its_cities():
    unit = {"id": "unit-north", "name": "North", "cities": ["dk-m0", "be-m1"]}
    round_ = round_of(*MISSION, *GUESTS, units=[unit])
    whole = pair("at-g0", "dk-m0", "be-m1", unit="unit-north")
    assert checked(twinning(), "twinning", whole, round_=round_).kept
    alone = replace(whole, unit="")
    found = checked(twinning(), "twinning", alone, round_=round_)
    assert broken(found) == {"eligible pairs": "at-g0 with dk-m0."}


# --- the other formats are handed what they are judged by ------------------------------------------------


def test_seats_are_read_from_the_table_of_seats_alone():
    domains = ("energy_systems", "waste_circular_economy", "mobility_transport")
    cafe = settings_of(
        "world_cafe",
        themes=[{"id": f"t{k}", "title": f"T{k}", "domains": [d]} for k, d in enumerate(domains)],
        rounds=2,
        seats=3,
        weights={"theme": 1},
    )
    round_ = round_of(
        *(city(f"dk-h{k}", "mission", shows={d: 3}) for k, d in enumerate(domains)),
        *(city(f"at-g{k}", wants={"energy_systems": 1}) for k in range(6)),
    )
    made = propose_world_cafe(round_, cafe)

    def judged(product: Product) -> RefereeReport:
        programme = asking(world_cafe=cafe)
        return check_proposal(replace(round_, programme=programme), Proposal({}, (product,), ()))[0]

    assert judged(made).kept
    renamed = [replace(t, name="other") for t in made.tables]
    assert not judged(replace(made, tables=tuple(renamed))).kept


# --- national clusters -----------------------------------------------------------------------------------

CLUSTERS = settings_of("national_clusters", size=(2, 4), weights={"context": 1})
DANES = meeting("C", "lead dk-m0", "lead dk-m2")
REST = meeting("D", "lead be-m1", "at-g0", "at-g1", "at-g2")


@pytest.mark.parametrize(
    ("meetings", "told"),
    [
        ([DANES, REST], {}),
        ([meeting("C", "dk-m0", "dk-m2", "be-m1", "at-g0")], {}),
        ([meeting("C", "dk-m0")], {"cluster size": "C has 1."}),
        (
            [meeting("C", "dk-m0", "dk-m2", "at-g0", "at-g1", "at-g2")],
            {"cluster size": "C has 5."},
        ),
        (
            [DANES, meeting("D", "be-m1", "at-g0"), meeting("E", "be-m1", "at-g1", "at-g2")],
            {"one cluster each": "be-m1.", "country first": "Austria."},
        ),
        # Two Danes fit into one cluster, whoever else is in theirs.
        (
            [meeting("C", "dk-m0", "at-g0"), meeting("D", "dk-m2", "be-m1")],
            {"country first": "Denmark."},
        ),
    ],
)
def test_a_cluster_breaks_what_it_should(meetings, told):
    found = checked(CLUSTERS, "national_clusters", *meetings)
    assert broken(found) == told
    assert found.unjudged == ""


def test_a_country_is_split_as_asked_and_those_kept_apart_share_no_cluster():
    split = [meeting("at-dk-1", "dk-m0", "at-g0"), meeting("at-dk-2", "dk-m2", "at-g1")]

    def told(**changes):
        asked = type(CLUSTERS).model_validate({**CLUSTERS.model_dump(), **changes})
        return broken(checked(asked, "national_clusters", *split))

    assert told() == {"country first": "Austria; Denmark."}
    assert told(split={"at-dk": 2}) == {}
    found = told(split={"at-dk": 2}, never_joined=[("DK", "AT")])
    assert found == {"never joined": "at-dk-1: Denmark and Austria; at-dk-2: Denmark and Austria."}


def test_the_rules_of_clusters_in_words():
    found = checked(CLUSTERS, "national_clusters", DANES, REST)
    anchored = "Each cluster has a Mission or Pilot City where its countries have enough of them."
    assert [(r.rule, r.says, r.status) for r in found.rules[2:]] == [
        ("cluster size", "A cluster has 2 to 4 cities.", "kept"),
        ("one cluster each", "A city is in one cluster.", "kept"),
        (
            "country first",
            "Compatriots are together; only countries too large for one cluster are split (0).",
            "kept",
        ),
        (
            "never joined",
            "Countries that the programme keeps apart share no cluster.",
            "kept",
        ),
        ("anchor", anchored, "kept"),
    ]
    bare = checked(CLUSTERS, "national_clusters", DANES, meeting("D", "at-g0", "at-g1"))
    assert rule(bare, "anchor").says == anchored + " None in: D."
    free = type(CLUSTERS).model_validate({**CLUSTERS.model_dump(), "anchor": None})
    found = checked(free, "national_clusters", DANES, REST)
    assert "anchor" not in {r.rule for r in found.rules}


# --- study visits ----------------------------------------------------------------------------------------


def test_the_rules_of_visits_in_words():
    one = settings_of(
        "study_visits", stops=1, leg_km=250, visits_per_host=1, weights={"context": 1}
    )
    two = type(one).model_validate(
        {**one.model_dump(), "stops": 2, "hosts": ["mission", "pilot"], "visits_per_host": 2}
    )

    def says(settings: Any) -> list[tuple[str, str]]:
        found = checked(settings, "study_visits", meeting("V", "host dk-m0", "guest at-g0"))
        return [(r.rule, r.says.partition(" Broken: ")[0]) for r in found.rules[2:8]]

    assert says(one) == [
        ("hosts", "Hosts are Mission Cities."),
        ("visits per host", "A host receives at most 1 visit."),
        ("one visit a city", "A city makes one visit."),
        ("stops", "A visit has one stop."),
        ("theme", "Hosts are strong in the theme of the group that visits them."),
        ("leg of a tour", "Two stops lie at most 250 km apart."),
    ]
    assert says(two)[0] == ("hosts", "Hosts are Mission Cities or Pilot Cities.")
    assert says(two)[1] == ("visits per host", "A host receives at most 2 visits.")
    assert says(two)[3] == ("stops", "A visit has one or two stops.")


def test_a_host_that_receives_twice_makes_no_visit_twice():
    twice = settings_of(
        "study_visits", stops=1, visits_per_host=2, visitors=(1, 2), neutral_by=None, weights={"context": 1}
    )  # fmt: skip
    found = checked(
        twice,
        "study_visits",
        meeting("V", "host dk-m0", "guest at-g0"),
        meeting("W", "host dk-m0", "guest at-g1"),
    )
    assert broken(found) == {}


# --- world cafés -----------------------------------------------------------------------------------------


def test_the_rules_of_cafes_in_words_and_a_city_invited_twice():
    cafe = settings_of(
        "world_cafe",
        themes=[{"id": f"t{k}", "title": f"T{k}", "domains": ["industry"]} for k in range(3)],
        rounds=2,
        seats=3,
        weights={"theme": 1},
    )
    seats = [
        SeatingRow("K", 1, "T0", "dk-m0", "at-g0; at-g1; at-g2"),
        SeatingRow("K", 2, "T1", "be-m1", "at-g0"),
    ]
    both = [meeting("K", "dk-m0", "at-g0"), meeting("L", "at-g0", "be-m1", "at-g1", "at-g2")]
    found = seating_rules(ROUND, cafe, both, seats)
    assert [(r.rule, r.says) for r in found] == [
        ("new faces", "Nobody meets anybody at a table twice."),
        ("new tables", "Nobody comes by a table twice; hosts stay."),
        ("seats", "A table has at most 3 people. Broken: 4 at 'T0'."),
        ("one café each", "A city is in one café. Broken: G0."),
        ("a seat each", "Who is invited has a seat, and nobody else."),
    ]


# --- a format without rules of its own -------------------------------------------------------------------


def test_a_format_without_a_judge_is_judged_as_every_format_and_this_is_said(monkeypatch):
    monkeypatch.setitem(OWN, "city_panels", replace(OWN["city_panels"], judge=None))
    found = checked(PANELS, "city_panels", meeting("P", "dk-m0"))
    assert (found.product, found.title) == ("city_panels", "City_Panels")
    assert found.unjudged == (
        "This format comes without rules of its own to judge by: only those of every format were judged."
    )
    assert [r.rule for r in found.rules] == ["known cities", "once in a meeting"]
    assert found.kept


def test_a_rule_that_very_many_break_names_some_and_counts_the_others():
    few = counted("once", "Once.", [f"c{k}" for k in range(50)])
    assert few.says.endswith("; c49.")
    many = counted("once", "Once.", [f"c{k}" for k in range(53)])
    assert many.says.endswith("; c49 and 3 more.")
