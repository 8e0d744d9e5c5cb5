"""A product that cannot be made: the others are made, its repairs are true and smallest, and one can be taken."""

from __future__ import annotations

from typing import Any

import pytest
from product_cases import city

from cities import cohort_of, facet_cache
from rounds_for_tests import propose
from twinmatch.errors import NoProposalError, QuestionError
from twinmatch.programmes import Round
from twinmatch.programmes.city_panels import CityPanels
from twinmatch.programmes.programme import programme_model
from twinmatch.programmes.repair_menu import FEWEST, asked_repairs, loosened
from twinmatch.proposal import Proposal
from twinmatch.whatif.difference import check_proposal

PANELS: dict[str, Any] = {
    "size": [8, 12],
    "mission_at_least": 0,
    "cities_per_country": None,
    "mix": {"country": 1},
}
CLUSTERS = {"size": [2, 20], "anchor": None, "weights": {"nearness": 1}}
LOCKED = {
    "hosts": ["mission"],
    "guests_per_host": [0, 1],
    "weights": {"nearness": 1},
    "lock": [["at-c01", "at-host"], ["at-c02", "at-host"]],
}


def proposed(
    cities: int, repairs: dict[str, tuple[int, ...]] | None = None, **products: Any
) -> Proposal:
    return propose(
        cohort(cities), programme_model().model_validate(products), facet_cache(), repairs=repairs
    )


def cohort(cities: int) -> Any:
    guests = [city(f"at-c{k:02}", "guest") for k in range(1, cities)]
    return cohort_of(city("at-host", "mission"), *guests)


def test_thirteen_cities_make_no_two_panels_and_the_clusters_are_made() -> None:
    """13 cities are one too many for one panel of 12 and three too few for two of 8."""
    proposal = proposed(13, city_panels=PANELS, national_clusters=CLUSTERS)
    panels, clusters = proposal.product("city_panels"), proposal.product("national_clusters")
    assert (panels.status, clusters.status) == ("infeasible", "optimal")
    assert "13 cities cannot fill 2 panels" in panels.says
    assert len(panels.left_out) == 13
    assert len(clusters.meetings) == 1
    assert list(panels.advice) == [
        "Repair 1: cities of a meeting: at most 13 in place of 12; 13 of 13 cities then have a place.",
        "Repair 2: cities of a meeting: at least 6 in place of 8; 13 of 13 cities then have a place.",
    ]


@pytest.mark.parametrize(("number", "panels", "size"), [(1, 1, [8, 13]), (2, 2, [6, 12])])
def test_a_repair_of_settings_is_taken_recorded_and_judged(
    number: int, panels: int, size: list[int]
) -> None:
    asked = {"city_panels": PANELS, "national_clusters": CLUSTERS}
    proposal = proposed(13, {"city_panels": (number,)}, **asked)
    product = proposal.product("city_panels")
    assert len(product.meetings) == panels
    assert [(r.rule, r.repair) for r in product.rules if r.status == "relaxed"] == [
        ("size", number)
    ]
    assert proposal.made_from["programme"]["settings"]["city_panels"]["size"] == size
    round_ = Round(cohort(13), facet_cache(), programme=programme_model().model_validate(asked))
    assert all(report.kept for report in check_proposal(round_, proposal))


def test_one_product_alone_that_fails_is_an_error_with_its_repairs() -> None:
    with pytest.raises(NoProposalError) as caught:
        proposed(13, city_panels=PANELS)
    assert [p.code for p in caught.value.problems] == ["no-panels", "repair", "repair"]
    assert caught.value.problems[1].do == "Take it with --repair 1."


def test_of_many_cities_repairs_are_sought_when_one_is_asked_for(monkeypatch) -> None:
    monkeypatch.setattr("twinmatch.programmes.proposing.EFFORT", 12 * FEWEST)
    asked = {"city_panels": PANELS, "national_clusters": CLUSTERS}
    (advice,) = proposed(13, **asked).product("city_panels").advice
    assert "--repair city_panels=1" in advice
    assert "13 cities" in advice
    repaired = proposed(13, {"city_panels": (1,)}, **asked).product("city_panels")
    assert [r.repair for r in repaired.rules if r.status == "relaxed"] == [1]


def test_two_settings_give_way_together_where_neither_would_do_alone() -> None:
    """One Mission City and 13 cities: two panels that each need a Mission City and 8 cities."""
    asked = {**PANELS, "panels": 2, "mission_at_least": 1}
    panels = proposed(13, city_panels=asked, national_clusters=CLUSTERS).product("city_panels")
    assert list(panels.advice) == [
        "Repair 1: panels: as many as the cities fill in place of 2; cities of a meeting: at most 13 in place of 12; "
        "13 of 13 cities then have a place.",
        "Repair 2: cities of a meeting: at least 6 in place of 8; "
        "Mission Cities in a panel: at least 0 in place of 1; 13 of 13 cities then have a place.",
    ]


def test_no_repair_of_settings_is_another_one_and_more() -> None:
    """Without a number of panels more of them must be filled, so what does beside it asks for more than what does alone."""

    def works(settings: CityPanels) -> bool:
        least = settings.mission_at_least
        return least <= 2 and settings.size[0] <= 6 and (settings.panels is not None or least <= 1)

    settings = (
        programme_model().model_validate({"city_panels": {**PANELS, "panels": 2}}).city_panels
    )
    settings = settings.model_copy(update={"mission_at_least": 6})
    round_ = Round(cohort(13), facet_cache())
    menu, whole = loosened(round_, settings, works)
    assert whole
    assert [dict(one.says) for one in menu] == [
        {
            "size": "cities of a meeting: at least 6 in place of 8",
            "mission_at_least": "Mission Cities in a panel: at least 2 in place of 6",
        }
    ]


def test_a_round_without_hosts_says_how_to_add_them() -> None:
    guests = [city(f"at-c{k}", "guest") for k in range(4)]
    programme = programme_model().model_validate(
        {"twinning": {"weights": {"nearness": 1}}, "national_clusters": CLUSTERS}
    )
    twinning = propose(cohort_of(*guests), programme, facet_cache()).product("twinning")
    assert twinning.status == "infeasible"
    assert "--hosts bundled" in twinning.advice[0]


def test_a_number_alone_is_for_the_first_product_that_fails() -> None:
    products = {"twinning": LOCKED, "city_panels": PANELS}
    statuses = {p.product: p.status for p in proposed(13, {"": (1,)}, **products).products}
    assert statuses == {"twinning": "optimal", "city_panels": "infeasible"}
    both = proposed(13, {"": (1,), "city_panels": (2,)}, **products)
    assert [p.status for p in both.products] == ["optimal", "optimal"]


def test_several_repairs_of_a_product_compose() -> None:
    one = proposed(4, {"twinning": (1, 2)}, twinning=LOCKED, national_clusters=CLUSTERS)
    gave_way = [r.repair for r in one.product("twinning").rules if r.status == "relaxed"]
    assert gave_way == [1, 2]


def test_a_number_of_an_empty_menu_is_refused_with_what_the_product_lacks() -> None:
    """Nothing but the lock itself is wrong, and no setting that gives way would help it."""
    wrong = {**LOCKED, "lock": [["at-c01", "at-c02"]]}
    with pytest.raises(QuestionError) as caught:
        proposed(4, {"twinning": (1,)}, twinning=wrong, national_clusters=CLUSTERS)
    told = {p.code: p.found for p in caught.value.problems}
    assert told["lock-impossible"].startswith("Twinning: lock at-c01=at-c02")
    assert told["no-such-repair"] == "Twinning: There is no repair 1: the menu has 0."


def test_where_no_pair_is_left_this_is_said_and_no_repair_that_lets_nobody_meet() -> None:
    """All are of one country: minima dropped to nothing would keep the rules, and leave everybody alone."""
    asked = {
        "weights": {"nearness": 1},
        "another_country": True,
        "rules": [{"who": "guest", "at_least": 2}, {"who": "country: AT", "at_least": 1}],
    }
    with pytest.raises(NoProposalError) as caught:
        proposed(4, twinning=asked)
    (told,) = caught.value.problems
    assert told.found.endswith("No two cities are left that may meet, of 3 pairs.")
    assert told.do == "Loosen what takes out pairs: another country (3) and evidence gate (3)."


def test_groups_that_lack_leads_say_who_may_lead_too() -> None:
    groups = {
        "themes": [{"id": "heat", "title": "Heat", "domains": ["energy_systems"]}],
        "leads": [1, 1],
        "size": [2, 9],
        "least_need": 0,
        "lead_roles": ["pilot"],
        "weights": {"theme": 1},
    }
    cities = cohort_of(
        city("at-a", "mission", shows={"energy_systems": 3}),
        *(city(f"at-{x}", "guest", wants={"energy_systems": 3}) for x in "bcd"),
    )
    programme = programme_model().model_validate(
        {"discussion_groups": groups, "national_clusters": CLUSTERS}
    )
    failed = propose(cities, programme, facet_cache()).product("discussion_groups")
    assert failed.advice[0].startswith(
        "Repair 1: cities with the role mission may lead too; 4 of 4"
    )
    made = propose(cities, programme, facet_cache(), repairs={"discussion_groups": (1,)})
    assert len(made.product("discussion_groups").meetings) == 1


@pytest.mark.parametrize("text", ["x", "-1", "city_panels=", "nothing=1", "1.5", ""])
def test_what_is_no_repair_is_a_question(text: str) -> None:
    with pytest.raises(QuestionError) as caught:
        asked_repairs(["1", text], ("twinning", "city_panels"))
    assert [p.code for p in caught.value.problems] == ["repair-wrong"]


def test_repairs_are_read_by_product() -> None:
    found = asked_repairs(["1", "2", "city_panels=3", "twinning = 1"], ("twinning", "city_panels"))
    assert found == {"": (1, 2), "city_panels": (3,), "twinning": (1,)}


def small_ones(cities: int) -> Any:
    guests = [city(f"fi-c{k}", "guest", people_in_it=20_000) for k in range(cities)]
    return cohort_of(city("at-host", "mission"), city("dk-host", "mission"), *guests)


@pytest.mark.parametrize(
    ("settings", "repairs"),
    [
        (
            {"once_hosting": 3},
            [
                "guests of a host: at most 3 in place of 2",
                "guests of a host that takes any: at least 2 in place of 3",
            ],
        ),
        (
            {"per_host": [{"who": "small", "at_least": 3}]},
            [
                "guests of a host: at most 3 in place of 2",
                "small per host: at least 2 in place of at least 3",
            ],
        ),
    ],
)
def test_a_twinning_whose_rules_let_no_pair_be_is_not_formed_and_each_repair_makes_pairs(
    settings: dict[str, Any], repairs: list[str]
) -> None:
    asked = {"guests_per_host": [0, 2], "weights": {"nearness": 1}, "known_at_least": 0, **settings}
    programme = programme_model().model_validate({"twinning": asked})
    failed = propose(small_ones(4), programme, facet_cache()).product("twinning")
    assert (failed.status, failed.meetings) == ("infeasible", ())
    assert [a.rpartition("; ")[0] for a in failed.advice] == [
        f"Repair {n}: {one}" for n, one in enumerate(repairs, 1)
    ]
    for n in range(1, len(repairs) + 1):
        made = propose(small_ones(4), programme, facet_cache(), repairs={"twinning": (n,)})
        assert made.product("twinning").status == "optimal"
        assert len(made.product("twinning").meetings) >= 2


@pytest.mark.parametrize(("refused", "status"), [((), "optimal"), (["at-host"], "infeasible")])
def test_a_twinning_that_only_waits_for_answers_is_no_clash(
    refused: list[str], status: str
) -> None:
    """Where a host is asked what is not known, answers may bring pairs; where it is refused, none can."""
    cities = [city(f"fi-c{k}", "guest", refuses=refused) for k in range(3)]
    asked = {"known_at_least": 1, "weights": {"nearness": 1}}
    programme = programme_model().model_validate({"twinning": asked})
    who = cohort_of(city("at-host", "mission"), *cities)
    twinning = propose(who, programme, facet_cache()).product("twinning")
    assert (twinning.status, twinning.meetings) == (status, ())


def test_a_balance_over_hosts_gives_way_as_one_number() -> None:
    """Three small guests of two hosts cannot be as many at each; one has to stay out, or the numbers differ by one."""
    guests = [city(f"{code}-g", "guest", people_in_it=20_000) for code in ("at", "fi", "se")]
    rules = [
        {"who": "small", "at_least": 3},
        {"who": "small", "per": "host", "balance": 0},
    ]
    asked = {"guests_per_host": [0, 3], "weights": {"context": 1}, "known_at_least": 0}
    asked |= {"guests": {"neutral_by": None, "staff_hours_a_month": None, "english": None}}
    asked |= {"rules": rules}
    settings = programme_model().model_validate({"twinning": asked})
    round_ = cohort_of(city("be-h", "mission"), city("no-h", "mission"), *guests)
    with pytest.raises(NoProposalError) as caught:
        propose(round_, settings, facet_cache())
    told = [p.found for p in caught.value.problems if p.code == "repair"]
    assert any("at hosts differ by at most 1 in place of 0" in found for found in told), told
    soft = [rules[0], rules[1] | {"price": 1.0}]
    settings = programme_model().model_validate({"twinning": asked | {"rules": soft}})
    (paid,) = [
        r.paid for r in propose(round_, settings, facet_cache()).product("twinning").rules if r.paid
    ]
    assert paid == pytest.approx(1.0)


def test_a_rule_that_counts_nobody_who_is_known_is_told_all_the_same() -> None:
    """No city names a language: a rule on each of them forbids nothing, and stands among the rules."""
    rules = [{"each": "language", "per": "host", "at_most": 1}]
    asked = {"weights": {"context": 1}, "known_at_least": 0, "rules": rules}
    settings = programme_model().model_validate({"twinning": asked})
    product = propose(cohort(4), settings, facet_cache()).product("twinning")
    (told,) = [r for r in product.rules if "working in one language" in r.says]
    assert (told.status, told.numbers.rows) == ("kept", 0)
