"""The rules of twinning over a frame of two hosts and three guests: every row, filter, saying and verdict by hand."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pytest
from product_cases import city, round_of, settings_of, twinning

from twinmatch.cohort import Cohort, Host
from twinmatch.errors import DataError, QuestionError
from twinmatch.programmes.discussion_groups.settings import pairs_met
from twinmatch.programmes.programme import Programme, programme_model
from twinmatch.programmes.proposing import absent_names
from twinmatch.programmes.rules import Rule, allowed_pairs, counted, forbid, judged, statuses
from twinmatch.programmes.twinning.frame import Frame
from twinmatch.programmes.twinning.pair_rules import twinning_rules
from twinmatch.proposal import RuleNumbers, RuleStatus

UNIT = {"id": "unit-north", "name": "North", "cities": ["dk-aarhus", "be-bruges"]}
CITIES = {
    "at-graz": city("at-graz", "guest"),
    "be-ghent": city("be-ghent", "guest"),
    "it-turin": city("it-turin", "guest"),
    "be-bruges": city("be-bruges", "mission"),
    "dk-aarhus": city("dk-aarhus", "mission"),
    "it-milan": city("it-milan", "mission"),
}
GUESTS = ("at-graz", "be-ghent", "it-turin")
NORTH, MILAN = 0, 1


def frame_of(units: tuple[dict[str, Any], ...] = (UNIT,), **changes: dict[str, Any]) -> Frame:
    """Return the frame of North and Milan as hosts, and Graz, Ghent and Turin as guests."""
    profiles = [{**profile, **changes.get(name[3:], {})} for name, profile in CITIES.items()]
    cohort = round_of(*profiles, units=units).cohort
    hosts = _hosts(cohort)
    return Frame(
        cohort,
        tuple(hosts[name] for name in ("unit-north", "it-milan")),
        tuple(cohort.index[name] for name in GUESTS),
    )


def _hosts(cohort: Cohort) -> dict[str, Host]:
    units = {
        u.id: Host(
            u.id,
            u.name,
            tuple(cohort.index[c] for c in u.cities),
            u.guests_at_most,
            u.guests_at_least,
        )
        for u in cohort.units
    }
    return {**{c.id: Host(c.id, c.name, (i,)) for i, c in enumerate(cohort.cities)}, **units}


FRAME = frame_of()


def rule(name: str, frame: Frame = FRAME, **settings: Any) -> Rule:
    return next(r for r in twinning_rules(frame, twinning(**settings)) if r.name == name)


def names(frame: Frame = FRAME, **settings: Any) -> list[str]:
    return [r.name for r in twinning_rules(frame, twinning(**settings))]


def rows(of: Rule) -> list[tuple[list[int], float, float]]:
    """Return each row of a rule: the pairs it counts, its least and its most."""
    dense = of.block.matrix.toarray()
    return [
        (np.flatnonzero(row).tolist(), float(low), float(high))
        for row, low, high in zip(dense, of.block.low, of.block.high, strict=True)
    ]


def forbidden(of: Rule) -> set[tuple[str, str]]:
    """Return the (guest, host) ids that a filter takes out."""
    assert of.filters
    return {pair for pair, out in zip(every_pair(), of.forbidden, strict=True) if out}


def every_pair() -> list[tuple[str, str]]:
    return [(g, h) for h in ("unit-north", "it-milan") for g in GUESTS]


# --- the frame -------------------------------------------------------------------------------------------


def test_pairs_stand_in_order_of_host_then_guest():
    assert FRAME.host.tolist() == [0, 0, 0, 1, 1, 1]
    assert FRAME.guest.tolist() == [0, 1, 2, 0, 1, 2]
    candidates = FRAME.candidates(np.array([[0.1, 0.4], [0.2, 0.5], [0.3, 0.6]]))
    assert candidates.score.tolist() == [0.1, 0.2, 0.3, 0.4, 0.5, 0.6]
    assert (candidates.n_hosts, candidates.n_guests) == (2, 3)
    assert candidates.score.flags["C_CONTIGUOUS"]
    turin = FRAME.cohort.index["it-turin"]
    found = FRAME.pairs(lambda host, guest: host.id == "it-milan" and guest == turin)
    assert (found.tolist(), found.dtype) == ([False] * 5 + [True], np.dtype(bool))


def test_a_unit_goes_by_its_own_name_and_by_those_of_its_cities():
    assert FRAME.members(FRAME.hosts[NORTH]) == {"unit-north", "dk-aarhus", "be-bruges"}
    assert FRAME.members(FRAME.hosts[MILAN]) == {"it-milan"}


def test_a_round_without_guests_still_has_a_row_for_each_host_and_limit():
    nobody = Frame(FRAME.cohort, FRAME.hosts, ())
    found = {
        r.name: rows(r)
        for r in twinning_rules(
            nobody,
            twinning(
                guests_per_host=(1, 2),
                places=3,
                facilitators=[{"name": "Ada", "pairs_at_most": 2}],
                another_country=True,
            ),
        )
    }
    assert found["guests per host"] == [([], 1, 2), ([], 1, 2)]
    assert found["places"] == [([], -math.inf, 3)]
    assert found["facilitators"] == [([], -math.inf, 2)]
    assert found["one host each"] == []
    assert nobody.pairs(lambda h, g: True).dtype == np.dtype(bool)


# --- what is always there --------------------------------------------------------------------------------


def test_a_plain_round_has_two_rules_in_order():
    assert names() == ["guests per host", "one host each"]


@pytest.mark.parametrize(
    ("band", "says", "row"),
    [
        ((0, 2), "Each host unit has 0 to 2 guests.", "North takes 0 to 2 guests"),
        ((2, 2), "Each host unit has exactly 2 guests.", "North takes exactly 2 guests"),
    ],
)
def test_a_host_takes_as_many_guests_as_the_programme_says(band, says, row):
    found = rule("guests per host", guests_per_host=band)
    assert found.says == says
    assert not found.filters
    assert rows(found) == [([0, 1, 2], *band), ([3, 4, 5], *band)]
    assert found.block.name == "guests per host"
    assert found.block.says(NORTH) == row
    assert found.block.says(MILAN).startswith("Milan takes")


def test_a_host_that_said_fewer_takes_fewer_and_a_unit_as_few_as_each_of_its_cities():
    frame = frame_of(
        aarhus={"participation": {"guests_at_most": 1}},
        bruges={"participation": {"guests_at_most": 2}},
        milan={"participation": {"guests_at_most": 5}},
    )
    found = rule("guests per host", frame, guests_per_host=(0, 3))
    assert rows(found) == [([0, 1, 2], 0, 1), ([3, 4, 5], 0, 3)]
    assert found.says == "Each host unit has 0 to 3 guests, or fewer where it said so."
    assert found.block.says(NORTH) == "North takes 0 to 1 guests"


def test_a_units_own_limits_count_beside_those_of_its_cities():
    own = {**UNIT, "guests_at_most": 2, "guests_at_least": 1}
    found = rule("guests per host", frame_of((own,)), guests_per_host=(0, 3))
    assert rows(found) == [([0, 1, 2], 1, 2), ([3, 4, 5], 0, 3)]
    found = rule("guests per host", frame_of((own,)), guests_per_host=(2, 3))
    assert rows(found)[NORTH] == ([0, 1, 2], 2, 2)


def test_a_host_that_is_asked_for_more_than_it_takes_is_a_question():
    frame = frame_of(milan={"participation": {"guests_at_most": 1}})
    with pytest.raises(QuestionError) as caught:
        twinning_rules(frame, twinning(guests_per_host=(2, 3)))
    (problem,) = caught.value.problems
    assert (problem.code, problem.found, problem.do) == (
        "limits-undercut",
        "it-milan can take at most 1 guests, but at least 2 are asked of it.",
        "Change one of the two.",
    )
    assert rule("guests per host", frame, guests_per_host=(1, 3)).block.high.tolist() == [3, 1]


@pytest.mark.parametrize(
    ("most", "name", "words"),
    [(1, "one host each", "one host unit"), (2, "hosts per guest", "at most 2 host units")],
)
def test_a_guest_has_so_many_hosts(most, name, words):
    found = rule(name, hosts_per_guest=most)
    assert found.says == f"Each guest has {words}."
    assert rows(found) == [([g, g + 3], -math.inf, most) for g in range(3)]
    assert found.block.says(0) == f"Graz has {words}"
    assert found.block.name == "one host each"
    assert not found.filters


# --- what a programme may ask for ------------------------------------------------------------------------


def test_places_count_every_pair():
    found = rule("places", places=2)
    assert rows(found) == [([0, 1, 2, 3, 4, 5], -math.inf, 2)]
    assert found.says == found.block.says(0) == "At most 2 guests are chosen."
    assert (found.block.name, found.filters) == ("places", False)
    assert names(places=2) == ["guests per host", "one host each", "places"]


def test_guests_of_one_country_are_counted_together():
    index = FRAME.cohort.index
    guests = (index["be-ghent"], index["at-graz"], index["be-bruges"])
    frame = Frame(FRAME.cohort, FRAME.hosts, guests)
    found = rule("guests per country", frame, guests_per_country=1)
    assert rows(found) == [([1, 4], -math.inf, 1), ([0, 2, 3, 5], -math.inf, 1)]
    assert found.says == "Of all guests chosen, at most 1 may be from one country."
    assert [found.block.says(k)[-12:] for k in (0, 1)] == ["from Austria", "from Belgium"]
    assert found.block.name == "guests per country"


def test_another_country_takes_out_the_countries_of_every_city_of_a_unit():
    found = rule("another country", another_country=True)
    assert forbidden(found) == {("be-ghent", "unit-north"), ("it-turin", "it-milan")}
    assert found.says == found.block.says(0) == "Guest and host are in different countries."
    assert (found.block.name, found.block.low[0], found.block.high[0]) == (
        "another country",
        -math.inf,
        0,
    )
    assert "another country" not in names(another_country=False)


def test_refusals_are_heard_from_both_sides():
    frame = frame_of(graz={"refuses": ["dk-aarhus"]}, milan={"refuses": ["be-ghent"]})
    found = rule("refusals", frame)
    assert forbidden(found) == {("at-graz", "unit-north"), ("be-ghent", "it-milan")}
    assert found.says == "Nobody is matched with a city that either side refuses."
    frame = frame_of(bruges={"refuses": ["it-turin"]})
    assert forbidden(rule("refusals", frame)) == {("it-turin", "unit-north")}


def test_a_host_that_refuses_a_unit_refuses_its_cities():
    home = {"id": "unit-home", "name": "Home", "cities": ["at-graz", "it-turin"]}
    frame = frame_of(units=(UNIT, home), bruges={"refuses": ["unit-home"]})
    assert forbidden(rule("refusals", frame)) == {
        ("at-graz", "unit-north"),
        ("it-turin", "unit-north"),
    }


def test_who_refuses_a_city_that_is_no_partner_refuses_nobody():
    frame = frame_of(graz={"refuses": ["be-ghent"]}, milan={"refuses": ["dk-aarhus", "be-bruges"]})
    assert "refusals" not in names(frame)
    more = frame_of(
        ghent={"refuses": ["it-turin", "it-milan"]}, milan={"refuses": ["dk-aarhus", "it-turin"]}
    )
    assert forbidden(rule("refusals", more)) == {("be-ghent", "it-milan"), ("it-turin", "it-milan")}


def test_a_guest_inside_a_unit_is_not_its_guest():
    unit = {**UNIT, "cities": ["dk-aarhus", "be-ghent"]}
    found = rule("not itself", frame_of((unit,)))
    assert forbidden(found) == {("be-ghent", "unit-north")}
    assert found.says == "No city is matched with its own host unit."


def test_wishes_bind_those_who_have_some_and_a_city_stands_for_its_unit():
    frame = frame_of(graz={"wishes": ["be-bruges"]}, ghent={"wishes": ["it-milan"]})
    found = rule("wishes", frame, only_wished=True)
    assert forbidden(found) == {("at-graz", "it-milan"), ("be-ghent", "unit-north")}
    assert found.says == "A guest with wishes is matched with a host among them."
    assert "wishes" not in names(frame)
    no_host = frame_of(graz={"wishes": ["it-turin"]}, turin={"wishes": ["be-ghent", "it-milan"]})
    assert forbidden(rule("wishes", no_host, only_wished=True)) == {
        ("at-graz", "unit-north"),
        ("at-graz", "it-milan"),
        ("it-turin", "unit-north"),
    }


def test_a_language_is_asked_only_where_both_sides_named_one():
    frame = frame_of(
        graz={"languages": ["de"]},
        ghent={"languages": ["nl", "fr"]},
        bruges={"languages": ["nl"]},
        aarhus={"languages": ["da"]},
        milan={"languages": ["it"]},
    )
    found = rule("language", frame, shared_language=True)
    assert forbidden(found) == {
        ("at-graz", "unit-north"),
        ("at-graz", "it-milan"),
        ("be-ghent", "it-milan"),
    }
    assert found.says == "Guest and host share a working language, where both have named any."
    half = frame_of(graz={"languages": ["de"]}, bruges={"languages": ["nl"]})
    assert forbidden(rule("language", half, shared_language=True)) == {("at-graz", "unit-north")}
    silent = frame_of(graz={"languages": ["de"]})
    assert forbidden(rule("language", silent, shared_language=True)) == set()


def test_facilitators_together_limit_all_pairs():
    people = [{"name": "Ada", "pairs_at_most": 2}, {"name": "Bo", "pairs_at_most": 3}]
    found = rule("facilitators", facilitators=people)
    assert rows(found) == [([0, 1, 2, 3, 4, 5], -math.inf, 5)]
    assert found.says == found.block.says(0) == "2 facilitators together accompany at most 5 pairs."
    assert found.block.name == "facilitators"


def test_the_rules_come_in_the_order_in_which_they_are_told():
    frame = frame_of(graz={"refuses": ["it-milan"], "wishes": ["be-bruges"]})
    assert names(
        frame,
        places=2,
        guests_per_country=1,
        another_country=True,
        lock=[("at-graz", "dk-aarhus")],
        ban=[("it-turin", "dk-aarhus")],
        past=[("be-ghent", "it-milan")],
        only_wished=True,
        shared_language=True,
        facilitators=[{"name": "Ada", "pairs_at_most": 2}],
    ) == [
        "guests per host",
        "one host each",
        "places",
        "guests per country",
        "another country",
        "locks",
        "bans",
        "past pairs",
        "refusals",
        "wishes",
        "language",
        "facilitators",
    ]


# --- pairs by name ---------------------------------------------------------------------------------------


def test_a_lock_is_a_row_of_its_own_whichever_city_stands_first():
    found = rule("locks", lock=[("at-graz", "it-milan"), ("be-bruges", "it-turin")])
    assert rows(found) == [([3], 1, math.inf), ([2], 1, math.inf)]
    north = "North (of which Bruges is one of 2 cities) with Turin"
    assert found.says == f"These pairs must meet: Graz with Milan, {north}."
    assert [found.block.says(k) for k in (0, 1)] == [
        "Graz with Milan must meet",
        f"{north} must meet",
    ]
    assert (found.block.name, found.filters) == ("locks", False)
    assert found.block.matrix.dtype == np.float64


@pytest.mark.parametrize(
    ("kind", "name", "says"),
    [
        ("ban", "bans", "These pairs must not meet: Graz with North, Milan with Turin."),
        ("past", "past pairs", "Pairs of earlier rounds (2) do not meet again."),
    ],
)
def test_bans_and_past_pairs_are_taken_out(kind, name, says):
    found = rule(name, **{kind: [("at-graz", "unit-north"), ("it-milan", "it-turin")]})
    assert forbidden(found) == {("at-graz", "unit-north"), ("it-turin", "it-milan")}
    assert found.says == says


def test_a_ban_of_one_city_of_a_unit_says_that_it_is_of_the_unit():
    found = rule("bans", ban=[("at-graz", "dk-aarhus")])
    assert forbidden(found) == {("at-graz", "unit-north")}
    says = "These pairs must not meet: Graz with North (of which Aarhus is one of 2 cities)."
    assert found.says == says


def test_a_ban_of_a_pair_that_could_not_meet_anyway_is_no_question():
    assert forbidden(rule("bans", ban=[("at-graz", "be-ghent")])) == set()


@pytest.mark.parametrize("other", ["ban", "past"])
def test_a_pair_locked_and_banned_is_named(other):
    with pytest.raises(QuestionError) as caught:
        twinning_rules(
            FRAME,
            twinning(lock=[("at-graz", "be-bruges")], **{other: [("dk-aarhus", "at-graz")]}),
        )
    (problem,) = caught.value.problems
    assert (problem.code, problem.found, problem.do) == (
        "lock-banned",
        "at-graz=be-bruges is locked and banned at once.",
        "Remove one of the two.",
    )


ABSENT = {
    "lock": [("at-gratz", "unit-nort")],
    "ban": [("at-graz", "xx")],
    "past": [("it-milano", "it-turin"), ("Graz", "BRUGES")],
}


def test_names_of_nobody_are_a_note_with_the_nearest_and_the_other_pairs_count():
    settings = twinning(**ABSENT)
    kept = {r.name for r in twinning_rules(FRAME, settings)} & {"locks", "bans", "past pairs"}
    assert kept == {"past pairs"}
    assert forbidden(rule("past pairs", **ABSENT)) == {("at-graz", "unit-north")}
    lock, ban, past = absent_names(FRAME.cohort, Programme(twinning=settings))
    assert "at-gratz (did you mean at-graz?), unit-nort (did you mean unit-north?)" in lock
    assert "ban names 1 city not here: xx." in ban
    assert "it-milano (did you mean it-milan?)" in past


@pytest.mark.parametrize("product", ["discussion_groups", "policy_exchange"])
def test_groups_of_earlier_editions_are_by_any_name_too(product):
    themes = [{"id": "heat", "title": "Heat", "levers": ["governance_policy"]}]
    past = [["Graz", "be-ghent", "xx-gone"], ["nobody"]]
    more = {"weights": {"context": 1}, "groups_per_city": 1}
    settings = settings_of(product, themes=themes, past=past, **more)
    round_ = round_of(*CITIES.values(), units=(UNIT,))
    met = {frozenset(round_.id(i) for i in pair) for pair in pairs_met(round_, settings)}
    assert met == {frozenset({"at-graz", "be-ghent"})}
    programme = programme_model()(**{product: settings})
    (note,) = absent_names(FRAME.cohort, programme)
    assert "past names 2 cities not here: xx-gone, nobody." in note


def test_a_lock_of_two_guests_says_why_it_cannot_be():
    with pytest.raises(QuestionError) as caught:
        twinning_rules(FRAME, twinning(lock=[("at-graz", "be-ghent")]))
    (problem,) = caught.value.problems
    assert (problem.code, problem.found, problem.do) == (
        "lock-impossible",
        "lock at-graz=be-ghent: the two are not an eligible guest and a host of this round.",
        "Remove the lock, or ask why: twinmatch why-not at-graz be-ghent",
    )


@pytest.mark.parametrize(
    ("known", "why"),
    [
        ({}, "Guests need at least 12 staff hours a month; this is not known yet."),
        ({"staff_hours_a_month": 4}, "A condition of the programme is not met:"),
    ],
)
def test_a_lock_of_a_guest_that_is_not_eligible_names_the_condition(known, why):
    whole = frame_of(graz={"participation": known or None})
    frame = Frame(whole.cohort, whole.hosts, whole.guests[1:])  # all but Graz are eligible
    settings = twinning(guests={"staff_hours_a_month": 12}, lock=[("it-milan", "at-graz")])
    with pytest.raises(QuestionError) as caught:
        twinning_rules(frame, settings)
    (problem,) = caught.value.problems
    assert problem.code == "lock-impossible"
    says = "lock it-milan=at-graz: Graz cannot be a guest of this round. "
    assert problem.found.startswith(says + why)
    assert "Remove the lock" in problem.do
    assert "[twinning.guests]" in problem.do


# --- filters and verdicts --------------------------------------------------------------------------------


def test_what_any_filter_forbids_is_not_allowed_and_a_count_forbids_nothing():
    found = twinning_rules(FRAME, twinning(another_country=True, ban=[("at-graz", "it-milan")]))
    allowed = [p for p, a in zip(every_pair(), allowed_pairs(found), strict=True) if a]
    assert allowed == [
        ("at-graz", "unit-north"),
        ("it-turin", "unit-north"),
        ("be-ghent", "it-milan"),
    ]
    assert not found[0].forbidden.any()
    assert found[0].forbidden.shape == (6,)


def test_one_rule_alone_says_what_is_allowed():
    assert allowed_pairs([rule("another country", another_country=True)]).tolist() == [
        *(True, False, True),
        *(True, True, False),
    ]


def test_a_filter_is_a_limit_of_nought_on_its_pairs():
    found = forbid("storm", "Nobody sails.", np.array([True, False, True]))
    assert (found.name, found.says, found.filters) == ("storm", "Nobody sails.", True)
    assert rows(found) == [([0, 2], -math.inf, 0)]
    assert found.block.says(0) == "Nobody sails."
    assert found.forbidden.tolist() == [True, False, True]


def judge(*chosen: int, **settings: Any) -> dict[str, RuleStatus]:
    """Return the status of every rule where these pairs of the frame were chosen."""
    held = np.isin(np.arange(6), chosen)
    rules = twinning_rules(FRAME, twinning(**settings))
    candidates = FRAME.candidates(np.zeros((3, 2)))
    return {found.rule: found for found in statuses(rules, candidates, held)}


def test_a_rule_is_kept_binding_or_broken_and_says_how_many_rows_are_full():
    found = judge(0, 4, guests_per_host=(0, 2), places=3)
    assert {name: s.status for name, s in found.items()} == {
        "guests per host": "kept",
        "one host each": "binding",
        "places": "kept",
    }
    assert found["one host each"].says == "Each guest has one host unit. 2 of 3 are at the limit."
    assert found["places"].says == "At most 3 guests are chosen. Now 2 of at most 3."
    assert found["places"].numbers == RuleNumbers(6, rows=1, now=2.0, at_most=3.0)
    full = judge(0, 1, 5, guests_per_host=(0, 2), places=3)
    assert (full["places"].status, full["places"].numbers.at_limit) == ("binding", 1)
    assert full["guests per host"].says == (
        "Each host unit has 0 to 2 guests. 1 of 2 at the limit: North takes 0 to 2 guests."
    )


def test_a_minimum_that_is_just_met_binds_but_a_minimum_of_nought_does_not():
    assert judge(0, 4, guests_per_host=(1, 3))["guests per host"].status == "binding"
    none_full = judge(0, guests_per_host=(0, 3))["guests per host"]
    assert (none_full.status, none_full.says) == ("kept", "Each host unit has 0 to 3 guests.")


def test_what_is_broken_is_named_row_by_row():
    found = judge(0, 1, 2, 3, guests_per_host=(0, 1), another_country=True)
    assert {name: s.status for name, s in found.items()} == {
        "guests per host": "broken",
        "one host each": "broken",
        "another country": "broken",
    }
    assert found["guests per host"].says == (
        "Each host unit has 0 to 1 guests. Broken: North takes 0 to 1 guests."
    )
    assert found["one host each"].says == (
        "Each guest has one host unit. Broken: Graz has one host unit."
    )
    found = judge(0, 3, lock=[("it-turin", "it-milan"), ("be-ghent", "it-milan")])
    assert found["locks"].says.endswith(
        " Broken: Turin with Milan must meet; Ghent with Milan must meet."
    )


def test_a_filter_that_nobody_crossed_is_kept_and_never_binds():
    found = judge(0, another_country=True)["another country"]
    assert found.status == "kept"
    assert found.numbers == RuleNumbers(6, taken_out=2, alone=2)
    assert found.says == (
        "Guest and host are in different countries. It takes out 2 of 6 possible meetings."
    )


def test_a_pair_that_two_filters_take_out_is_of_neither_alone():
    found = judge(0, another_country=True, ban=[("be-ghent", "unit-north")])
    assert found["another country"].numbers == RuleNumbers(6, taken_out=2, alone=1)
    assert found["bans"].numbers == RuleNumbers(6, taken_out=1, alone=0)


def test_a_rule_that_holds_where_a_host_takes_any_counts_hosts_and_binds():
    found = judge(0, 1, guests_per_host=(0, 3), once_hosting=2)["once hosting"]
    assert (found.status, found.numbers) == ("binding", RuleNumbers(6, rows=2, at_limit=1))


def test_a_count_over_meetings_names_what_breaks_it():
    assert counted("size", "At most 3.", []) == RuleStatus("size", "At most 3.", "kept")
    assert counted("size", "At most 3.", ["G has 4", "H has 5"]) == RuleStatus(
        "size", "At most 3. Broken: G has 4; H has 5.", "broken"
    )


def test_an_answer_that_breaks_a_rule_never_leaves_the_house():
    kept = counted("size", "At most 3.", [])
    relaxed = RuleStatus("size", "Gave way.", "relaxed")
    assert judged([kept, relaxed]) == (kept, relaxed)
    with pytest.raises(DataError) as caught:
        judged([kept, counted("size", "At most 3.", ["G"]), counted("leads", "One.", ["H"])])
    assert [(p.code, p.found) for p in caught.value.problems] == [
        ("rule-broken", "The answer breaks the rule 'size': At most 3. Broken: G."),
        ("rule-broken", "The answer breaks the rule 'leads': One. Broken: H."),
    ]
