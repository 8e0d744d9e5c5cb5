"""The referee's own count of gate, audience and caps: each is broken by hand in finished meetings, and seen."""

from __future__ import annotations

import pytest

from cities import cohort_of, facet_cache
from twinmatch.programmes import Round
from twinmatch.programmes.programme import programme_model
from twinmatch.proposal import Account, Meeting, Member, Product, Table
from twinmatch.proposal.tables import SeatingRow
from twinmatch.whatif.recount import recounted

INDUSTRY = {"challenges": {"industry": 3}, "strengths": {"industry": 3}}
COHORT = cohort_of(
    {"id": "at-guest", "roles": ["guest"], **INDUSTRY},
    {"id": "at-second", "roles": ["guest"], **INDUSTRY},
    {"id": "de-guest", "roles": ["guest"], **INDUSTRY},
    {"id": "de-silent", "roles": ["guest"]},
    {"id": "at-host", "roles": ["mission"], **INDUSTRY},
    {"id": "at-other", "roles": ["mission"], **INDUSTRY},
    {"id": "de-host", "roles": ["mission"], **INDUSTRY},
    {"id": "de-mute", "roles": ["mission"]},
    {"id": "fr-bystander", "roles": [], **INDUSTRY},
)
KNOWN, AUDIENCE, CAPS = "known enough", "audience, city by city", "caps, pair by pair"
THEMES = [{"id": "heat", "title": "Heat", "domains": ["industry"]}]
TWINNING = {
    "weights": {"challenges_met": 1},
    "hosts": ["mission"],
    "known_at_least": 0.5,
    "places": 3,
    "pairs_per_host_country": 2,
    "guests_per_country": 2,
    "rules": [{"who": "national", "at_most": 1}],
}
GROUPS = {
    "weights": {"theme": 1},
    "themes": THEMES,
    "known_at_least": 0.5,
    "not_roles": ["mission"],
}
POLICY = GROUPS | {"themes": [THEMES[0] | {"levers": ["procurement"]}]}
VISITS = {"weights": {"challenges_met": 1}, "known_at_least": 0.5, "not_roles": ["mission"]}
CLUSTERS = {"weights": {"shared_challenges": 1}, "known_at_least": 0.5}
CAFE = {
    "weights": {"theme": 1},
    "themes": [*THEMES, THEMES[0] | {"id": "waste", "title": "Waste"}],
    "rounds": 2,
    "roles": ["guest"],
}


def broken(name, settings, *meetings, tables=()):
    """Return the rules that hand-made meetings break; a meeting is its members, a role before each city."""
    programme = programme_model().model_validate({name: settings})
    made = tuple(
        Meeting(
            f"{name}:heat" if k == 0 else f"{name}:heat-{k}",
            f"Meeting {k}",
            tuple(Member(city, role) for role, city in (part.split() for part in members)),
            Account(),
        )
        for k, members in enumerate(meetings)
    )
    product = Product(name, name, "optimal", "by hand", 0.0, 0.0, made, tables=tables)
    found = recounted(
        Round(COHORT, facet_cache(), programme=programme), getattr(programme, name), product
    )
    return [rule.rule for rule in found if rule.status == "broken"]


def pair(guest, host):
    return [f"guest {guest}", f"host {host}"]


@pytest.mark.parametrize(
    ("pairs", "expected"),
    [
        ([("at-guest", "de-host"), ("de-guest", "at-host")], []),
        ([("de-silent", "at-host")], [KNOWN]),
        ([("at-guest", "de-mute")], [KNOWN]),
        ([("fr-bystander", "at-host")], [AUDIENCE]),
        ([("at-host", "de-host")], [AUDIENCE]),
        ([("at-guest", "de-guest")], [AUDIENCE]),
        ([("at-guest", "at-host"), ("de-guest", "at-other")], []),
        ([("at-guest", "at-host"), ("at-second", "at-other")], [CAPS]),
        ([("at-guest", "de-host"), ("at-second", "de-host"), ("de-guest", "de-host")], [CAPS]),
    ],
)
def test_twinning(pairs, expected):
    assert broken("twinning", TWINNING, *(pair(*one) for one in pairs)) == expected


def test_a_pair_that_is_locked_passes_the_gate_and_a_rule_that_gave_way_is_not_counted():
    locked = TWINNING | {"lock": [["de-silent", "at-host"]]}
    assert broken("twinning", locked, pair("de-silent", "at-host")) == []
    priced = TWINNING | {"rules": [{"who": "national", "at_most": 0, "price": 5}]}
    assert broken("twinning", priced, pair("at-guest", "at-host")) == []
    foreign = TWINNING | {"another_country": True}
    assert broken("twinning", foreign, pair("at-guest", "at-host")) == [CAPS]


@pytest.mark.parametrize(
    ("name", "settings"), [("discussion_groups", GROUPS), ("policy_exchange", POLICY)]
)
@pytest.mark.parametrize(
    ("members", "expected"),
    [
        (["lead at-host", "lead de-host", "member at-guest"], []),
        (["lead at-host", "member de-silent"], [KNOWN]),
        (["lead at-host", "member de-host"], [AUDIENCE]),
        (["lead at-guest", "member de-guest"], [AUDIENCE]),
    ],
)
def test_groups_are_led_by_mission_cities_and_others_are_members(name, settings, members, expected):
    assert broken(name, settings, members) == expected


@pytest.mark.parametrize(
    ("members", "expected"),
    [
        (["host at-host", "guest de-guest", "guest at-guest"], []),
        (["host de-mute", "host at-host", "guest de-guest"], []),
        (["host de-mute", "guest at-guest"], [KNOWN]),
        (["host at-host", "guest de-silent"], [KNOWN]),
        (["host at-host", "guest de-host"], [AUDIENCE]),
        (["host at-guest", "guest de-guest"], [AUDIENCE]),
    ],
)
def test_visits_are_for_others_than_mission_cities(members, expected):
    assert broken("study_visits", VISITS, members) == expected


@pytest.mark.parametrize(
    ("members", "expected"),
    [
        (["lead at-host", "member at-guest"], []),
        (["lead de-mute", "member de-guest"], [KNOWN]),
        (["lead at-guest", "member at-second"], [AUDIENCE]),
    ],
)
def test_anchors_of_clusters_are_known_and_of_the_role(members, expected):
    assert broken("national_clusters", CLUSTERS, members) == expected


def test_panels_are_for_the_roles_of_the_programme():
    settings = {"size": [2, 3], "roles": ["guest", "mission"]}
    assert broken("city_panels", settings, ["member at-guest", "member at-host"]) == []
    assert broken("city_panels", settings, ["member at-guest", "member fr-bystander"]) == [AUDIENCE]


def test_no_table_of_a_cafe_is_without_a_guest_and_hosts_have_their_role():
    rows = tuple(
        SeatingRow("Café 1", 1, title, host, guests)
        for title, host, guests in (
            ("Heat", "at-host", "at-guest"),
            ("Waste", "de-host", "de-guest"),
        )
    )
    members = ["lead at-host", "lead de-host", "member at-guest", "member de-guest"]

    def seen(members, *rows):
        seating = Table("seating", "Seats", SeatingRow._fields, rows)
        return broken("world_cafe", CAFE, members, tables=(seating,))

    assert seen(members, *rows) == []
    assert seen(members, rows[0], rows[1]._replace(guests="")) == [AUDIENCE]
    assert seen([*members, "member fr-bystander"], *rows) == [AUDIENCE]
    assert seen(["lead at-second", *members], *rows) == [AUDIENCE]
