"""Discussion groups, policy exchange and national clusters that can be checked by hand."""

from __future__ import annotations

import numpy as np
import pytest
from product_cases import city, everywhere, propose_discussion_groups, round_of, settings_of

from cities import BagOfWords
from twinmatch.errors import NoProposalError, QuestionError
from twinmatch.facets import FacetCache
from twinmatch.programmes import Round
from twinmatch.programmes.discussion_groups import group_rules
from twinmatch.programmes.national_clusters import countries, propose_national_clusters
from twinmatch.programmes.national_clusters.countries import ties
from twinmatch.programmes.national_clusters.product import _shared, _topics
from twinmatch.programmes.rules import QUESTIONS

HEAT = {"id": "heat", "title": "Heat", "domains": ["energy_systems"]}
WASTE = {"id": "waste", "title": "Waste", "domains": ["waste_circular_economy"]}


def groups(**changes):
    fields = {
        "themes": [HEAT, WASTE],
        "leads": (1, 1),
        "size": (2, 9),
        "weights": {"theme": 1},
        **changes,
    }
    return settings_of("discussion_groups", **fields)


def lead(id_, domain, weight=3):
    return city(id_, "mission", shows={domain: weight})


def wants(id_, *domains, **more):
    return city(id_, wants=dict.fromkeys(domains, 1), **more)


def of(product):
    return {m.label: set(m.cities()) for m in product.meetings}


LEADS = [lead("dk-aarhus", "energy_systems"), lead("be-bruges", "waste_circular_economy")]


def test_five_cities_find_their_themes():
    product = propose_discussion_groups(
        round_of(
            *LEADS,
            wants("at-a", "energy_systems"),
            wants("at-b", "waste_circular_economy"),
            city("at-c"),
        ),
        groups(),
    )
    assert of(product) == {"Heat": {"dk-aarhus", "at-a"}, "Waste": {"be-bruges", "at-b"}}
    assert {x.city: x.ask for x in product.left_out} == {"at-c": QUESTIONS["challenges"]}
    assert product.status == "optimal"


def test_a_theme_without_takers_does_not_open():
    product = propose_discussion_groups(round_of(*LEADS, wants("at-a", "energy_systems")), groups())
    assert set(of(product)) == {"Heat"}
    assert "“Waste” does not open" in product.rules[0].says
    assert everywhere(product) == {"dk-aarhus", "be-bruges", "at-a"}


def test_leads_show_together_what_the_others_seek():
    """The two strongest show the same topic; where another one is sought too, a weaker lead that shows it takes a place."""
    heat, solar = "district_heating_cooling", "solar_wind_power"
    leads = (
        {**lead("dk-aarhus", "energy_systems"), "shows": [heat]},
        {**lead("se-lund", "energy_systems"), "shows": [heat]},
        {**lead("be-bruges", "energy_systems", 2), "shows": [solar]},
    )

    def led(*sought):
        seek = [{**wants(f"at-{k}", "energy_systems"), "seeks": sought} for k in "abcdef"]
        asked = groups(themes=[HEAT], leads=(2, 2))
        (met,) = propose_discussion_groups(round_of(*leads, *seek), asked).meetings
        return set(met.cities("lead"))

    assert led(heat) == {"dk-aarhus", "se-lund"}
    assert led(heat, solar) == {"dk-aarhus", "be-bruges"}


def test_nobody_to_lead_is_a_question_error():
    with pytest.raises(QuestionError, match="can lead"):
        propose_discussion_groups(round_of(wants("at-a", "energy_systems")), groups())


def test_a_second_group_opens_where_many_apply():
    cities = [
        lead("dk-aarhus", "energy_systems"),
        lead("se-lund", "energy_systems"),
        *(wants(f"at-{x}", "energy_systems") for x in "abcd"),
    ]
    one = propose_discussion_groups(round_of(*cities), groups(themes=[HEAT], size=(2, 3)))
    assert len(one.meetings) == 1
    full = [x for x in one.left_out if x.code == "capacity"]
    assert len(full) == 2
    last = one.meetings[0].cities("member")[-1]
    assert all(
        x.why.startswith(
            "The group that fits this city best, “Heat”, has the 3 cities that it takes, and all of them "
        )
        or x.why.startswith(
            "The group that fits this city best, “Heat”, could take it in the place of another city only"
        )
        for x in full
    ), (last, full)
    two = propose_discussion_groups(
        round_of(*cities), groups(themes=[HEAT], size=(2, 3), groups_a_theme=5)
    )
    assert {m.label: len(m.members) for m in two.meetings} == {"Heat 1": 3, "Heat 2": 3}
    assert not two.left_out


def test_a_city_in_two_groups_of_different_themes():
    cities = [*LEADS, wants("at-a", "energy_systems", "waste_circular_economy")]
    once = propose_discussion_groups(round_of(*cities), groups(size=(1, 9)))
    assert sum("at-a" in m.cities() for m in once.meetings) == 1
    twice = propose_discussion_groups(round_of(*cities), groups(size=(1, 9), groups_per_city=2))
    assert sum("at-a" in m.cities() for m in twice.meetings) == 2


def test_cities_of_one_country_are_limited_leads_included():
    cities = [
        lead("at-graz", "energy_systems"),
        wants("at-a", "energy_systems"),
        wants("be-b", "energy_systems"),
    ]
    product = propose_discussion_groups(
        round_of(*cities), groups(themes=[HEAT], cities_per_country=1)
    )
    assert of(product) == {"Heat": {"at-graz", "be-b"}}


def both(id_, size):
    return wants(id_, "energy_systems", "waste_circular_economy", people_in_it=size)


FOUR = [both("fi-a", 50_000), both("fi-b", 50_000), both("it-a", 900_000), both("it-b", 900_000)]


def sizes(product):
    return sorted(tuple(sorted(c[:2] for c in m.cities("member"))) for m in product.meetings)


AS_GOOD = [
    wants("at-a", "energy_systems", "waste_circular_economy"),
    wants("at-b", "energy_systems"),
]


@pytest.mark.parametrize(
    ("group", "label"), [("heat", "Heat"), ("waste", "Waste"), ("waste-2", "Waste")]
)
def test_a_city_that_is_locked_in_a_group_is_in_it(group, label):
    """At-a fits both themes alike; a number that no group has stands for the first of its theme."""
    settings = groups(lock=[("at-a", group)], size=(1, 9))
    round_ = round_of(*LEADS, *AS_GOOD)
    product = propose_discussion_groups(round_, settings)
    assert [name for name, cities in of(product).items() if "at-a" in cities] == [label]
    rules = {r.rule: r.status for r in group_rules(round_, settings, product.meetings)}
    assert rules["locks"] == "kept"
    elsewhere = groups(lock=[("at-a", "waste" if label == "Heat" else "heat")], size=(1, 9))
    judged = group_rules(round_, elsewhere, product.meetings)
    assert {r.rule: r.status for r in judged}["locks"] == "broken"


def test_a_lock_that_a_rule_forbids_names_the_rule():
    with pytest.raises(NoProposalError, match="shared challenge") as error:
        propose_discussion_groups(round_of(*LEADS, *AS_GOOD), groups(lock=[("at-b", "waste")]))
    assert [p.code for p in error.value.problems] == ["lock-in-group"]


def test_a_lead_that_is_locked_in_another_group_does_not_lead_this_one():
    two = [*LEADS, lead("se-a", "energy_systems", 2)]
    locked = groups(lock=[("dk-aarhus", "waste")], size=(1, 9), least_need=0)
    round_ = round_of(*two, *AS_GOOD)
    leads = {
        m.label: m.cities("lead") for m in propose_discussion_groups(round_, groups()).meetings
    }
    assert leads["Heat"] == ("dk-aarhus",)
    with pytest.raises(NoProposalError, match="Aarhus"):  # it shares no challenge of waste
        propose_discussion_groups(round_, locked)


def test_locked_members_are_not_swapped():
    settings = groups(size=(3, 3), mixed=["size"], lock=[("fi-a", "heat"), ("fi-b", "heat")])
    product = propose_discussion_groups(round_of(*LEADS, *FOUR), settings)
    assert of(product)["Heat"] == {"dk-aarhus", "fi-a", "fi-b"}


def test_groups_mixed_and_alike_as_asked():
    mixed = propose_discussion_groups(round_of(*LEADS, *FOUR), groups(size=(3, 3), mixed=["size"]))
    assert sizes(mixed) == [("fi", "it"), ("fi", "it")]
    same = propose_discussion_groups(round_of(*LEADS, *FOUR), groups(size=(3, 3), alike=["size"]))
    assert sizes(same) == [("fi", "fi"), ("it", "it")]
    goals = {(r[0], r[1]): r[2] for r in same.tables[0].rows}
    assert goals["Heat", "alike in sizes of city"] == 1.0


@pytest.mark.parametrize("seed", range(6))
def test_soft_rules_of_groups_cost_the_same_by_rows_and_by_cities_after_swaps_too(seed):
    rng = np.random.default_rng(seed)
    cities = [
        wants(
            f"{('at', 'fi')[int(rng.integers(2))]}-c{k}",
            "energy_systems",
            "waste_circular_economy",
            people_in_it=int(rng.choice([20_000, 300_000])),
        )
        for k in range(8)
    ]
    asked = groups(
        size=(3, 6),
        rules=[
            {"who": "small", "at_most": 1, "price": 8},
            {"who": "small", "balance": 0, "price": 3},
            {"who": "country: FI", "nobody_alone": True, "price": 2},
            {"each": "country", "share_at_least": 0.4, "price": 1},
        ],
        mixed=["country"] if seed % 2 else [],
    )
    round_ = round_of(*LEADS, *cities)
    product = propose_discussion_groups(round_, asked)
    judged = group_rules(round_, asked, product.meetings)
    mine, others = (sum(r.paid or 0 for r in rules) for rules in (product.rules, judged))
    assert mine == pytest.approx(others)
    assert mine > 0
    assert product.bound >= product.score - 1e-9
    small = {c["id"] for c in cities if c["population"]["value"] < 100_000}
    numbers = [len(small & set(m.cities())) for m in product.meetings]
    small_ones = "cities that are small, in each group: "
    paid = {r.rule: r.paid for r in judged}
    costs = [8 * sum(max(n - 1, 0) for n in numbers), 3 * (max(numbers) - min(numbers))]
    names = ("at most 1", "at most 0 more than in any other")
    assert [paid[small_ones + name] for name in names] == costs


def test_people_meet_new_peers():
    past = [["fi-a", "fi-b"], ["it-a", "it-b"]]
    product = propose_discussion_groups(round_of(*LEADS, *FOUR), groups(size=(3, 3), past=past))
    assert sizes(product) == [("fi", "it"), ("fi", "it")]
    goals = [r[2] for r in product.tables[0].rows if r[1] == "new peers"]
    assert goals == [1.0, 1.0]


@pytest.mark.parametrize(
    "changes",
    [
        {"mixed": ["size"], "alike": ["size"]},
        {"mixed": ["size"], "groups_per_city": 2},
        {"themes": [HEAT, HEAT]},
        {"themes": []},
        {"leads": (3, 2)},
        {"leads": (9, 10)},
        {"themes": [{"id": "x", "title": "X"}]},
        {"weights": {"theme": -1}},
        {"weights": {"theme": float("nan")}},
        {"weights": {"colour": 1}},
    ],
    ids=str,
)
def test_wrong_settings(changes):
    with pytest.raises(ValueError, match="validation error"):
        groups(**changes)


def test_a_theme_told_by_texts():
    cities = [
        city("dk-aarhus", "mission", offers="We show hydrogen buses."),
        city("at-a", needs="We want hydrogen buses."),
        city("at-b", needs="Our forests burn."),
    ]
    theme = {"id": "buses", "title": "Buses", "texts": ["hydrogen buses"]}
    round_ = Round(round_of(*cities).cohort, FacetCache(BagOfWords()))
    product = propose_discussion_groups(round_, groups(themes=[theme]))
    assert of(product) == {"Buses": {"dk-aarhus", "at-a"}}
    says = next(x.says for x in product.meetings[0].account.lines if x.facet == "theme")
    assert "We want hydrogen buses." in says


def test_a_national_policy_need_gathers_its_country():
    law = {"id": "law", "title": "Law", "levers": ["regulation_national"], "countries": ["AT"]}
    cities = [
        city("dk-aarhus", "mission", levers_offered=["regulation_national"]),
        city("at-graz", "mission", levers_offered=["regulation_national"]),
        city("at-a", levers_needed=["regulation_national"]),
        city("it-b", levers_needed=["regulation_national"]),
    ]
    settings = settings_of(
        "policy_exchange", themes=[law], size=(2, 9), leads=(1, 1), weights={"theme": 1}
    )
    product = propose_discussion_groups(round_of(*cities), settings)
    assert of(product) == {"Law": {"at-graz", "at-a"}}
    assert product.product == "policy_exchange"
    assert product.meetings[0].id == "policy_exchange:law"
    with pytest.raises(ValueError, match="names no lever"):
        settings_of("policy_exchange", themes=[HEAT], weights={"theme": 1})


def test_cities_outside_the_audience_lead_but_do_not_join():
    cities = [
        city("dk-aarhus", "mission", shows={"energy_systems": 3}, wants={"energy_systems": 3}),
        city("fr-lyon", "mission", wants={"energy_systems": 3}),
        city("at-a", wants={"energy_systems": 3}),
    ]
    asked = {"themes": [HEAT], "size": (2, 9), "leads": (1, 1), "weights": {"theme": 1}}
    settings = settings_of("discussion_groups", **asked, not_roles=["mission"])
    product = propose_discussion_groups(round_of(*cities), settings)
    (meeting,) = product.meetings
    assert (meeting.cities("lead"), meeting.cities("member")) == (("dk-aarhus",), ("at-a",))
    assert {x.city: x.code for x in product.left_out} == {"fr-lyon": "audience"}
    (lyon,) = product.left_out
    assert "no example on it is known yet" in lyon.why
    weaker = city("fr-lyon", "mission", shows={"energy_systems": 1})
    (lyon,) = propose_discussion_groups(round_of(cities[0], weaker, cities[2]), settings).left_out
    assert "led by Aarhus. Aarhus is stronger in the theme." in lyon.why
    wrong = settings_of("discussion_groups", **asked)
    other = propose_discussion_groups(round_of(*cities), wrong)
    rules = group_rules(round_of(*cities), settings, other.meetings)
    assert [r.rule for r in rules if r.status == "broken"] == ["audience"]


# --- national clusters -------------------------------------------------------------------------------------


def clusters(**changes):
    few = {"size": (2, 4), "weights": {"shared_challenges": 1}, "known_at_least": 0}
    return settings_of("national_clusters", **few | changes)


def test_a_city_of_which_too_little_is_known_anchors_nothing_and_is_asked():
    silent = city("at-a", "mission")
    cities = [city("at-b", wants={"industry": 1}), city("at-c", wants={"industry": 2})]
    anchor = city("at-d", "mission", wants={"industry": 1})
    (alone,) = propose_national_clusters(
        round_of(silent, *cities), clusters(known_at_least=0.25)
    ).meetings
    assert alone.cities("lead") == ()
    assert any("at-a".partition("-")[2].upper() in note for note in alone.notes)
    (both,) = propose_national_clusters(
        round_of(silent, anchor, *cities), clusters(known_at_least=0.25)
    ).meetings
    assert both.cities("lead") == ("at-d",)


def test_countries_within_the_band_are_clusters():
    product = propose_national_clusters(
        round_of(*(city(f"at-{x}") for x in "abc"), *(city(f"fi-{x}") for x in "ab")), clusters()
    )
    assert of(product) == {
        "Austria": {"at-a", "at-b", "at-c"},
        "Finland": {"fi-a", "fi-b"},
    }


def test_small_countries_join_their_relations_and_say_why():
    product = propose_national_clusters(round_of(city("cz-a"), city("sk-b")), clusters())
    assert of(product) == {"Czechia with Slovakia": {"cz-a", "sk-b"}}
    assert "put together because they work together" in product.meetings[0].says
    assert "close languages" not in product.meetings[0].says  # one reason is enough
    apart = propose_national_clusters(
        round_of(city("cz-a"), city("sk-b")), clusters(never_joined=[("CZ", "SK")])
    )
    assert not apart.meetings
    assert {x.city for x in apart.left_out} == {"cz-a", "sk-b"}
    assert frozenset({"CZ", "SK"}) in ties(round_of(city("cz-a"), city("sk-b")), ["CZ", "SK"])


@pytest.mark.parametrize(
    ("one", "other", "joined"),
    [
        ("al-a", "ba-b", True),  # the Green Agenda, no border
        ("ee-a", "lt-b", True),  # the Baltic Council, no border
        ("md-a", "ua-b", True),  # a border of two candidates
        ("pl-a", "ua-b", False),  # a border alone
        ("gr-a", "tr-b", False),
        ("rs-a", "xk-b", False),  # never joined, whatever links them
    ],
)
def test_countries_join_by_funds_language_or_cooperation_and_not_by_a_border_alone(
    one, other, joined
):
    product = propose_national_clusters(round_of(city(one), city(other)), clusters())
    assert bool(product.meetings) is joined


def test_a_country_without_a_cluster_is_told_the_rule_that_binds():
    def why(*cities, **changes):
        return {
            x.city: x.why
            for x in propose_national_clusters(round_of(*cities), clusters(**changes)).left_out
        }

    far = why(city("il-a"), city("at-b"), city("at-c"))
    assert far["il-a"].endswith(
        "none with the same funds and rules is its neighbour or known to lie within 700 km."
    )
    kept = why(city("rs-a"), city("xk-b"), never_joined=[("RS", "XK")])
    assert "The programme keeps it apart from Kosovo." in kept["rs-a"]
    full = why(city("cz-a"), *(city(f"sk-{x}") for x in "bcde"), countries_joined=2)
    assert "but no cluster with them keeps to 4 cities" in full["cz-a"]


def test_it_is_said_why_a_city_leads_its_cluster():
    learner = city("sk-a", seeks=["district_heating_cooling"])
    anchors = [
        city("sk-b", "mission"),
        city("sk-c", "mission") | {"shows": ["district_heating_cooling"]},
    ]
    (meeting,) = propose_national_clusters(round_of(learner, *anchors), clusters()).meetings
    assert meeting.cities("lead") == ("sk-c",)
    assert (
        "leads: of the 2 Mission or Pilot Cities of this cluster it can show most"
        in meeting.notes[0]
    )
    (meeting,) = propose_national_clusters(round_of(learner, anchors[0]), clusters()).meetings
    assert not any("leads" in note for note in meeting.notes)  # there is no choice to explain


ITALIANS = [
    *(wants(f"it-c{k}", "energy_systems") for k in range(4)),
    *(wants(f"it-d{k}", "waste_circular_economy") for k in range(4)),
    *(city(f"at-{x}") for x in "abc"),
]


def by_id(cities, **changes):
    product = propose_national_clusters(round_of(*cities), clusters(size=(2, 4), **changes))
    return {m.id.partition(":")[2]: set(m.cities()) for m in product.meetings}


def test_a_city_is_locked_in_a_cluster_of_its_country_or_of_another():
    assert by_id(ITALIANS)["it-1"] == {f"it-c{k}" for k in range(4)}
    beside = by_id(ITALIANS, lock=[("it-c0", "it-2"), ("it-d0", "it-2"), ("no-where", "it-1")])
    assert {"it-c0", "it-d0"} <= beside["it-2"]
    abroad = by_id(ITALIANS, lock=[("It-C0", "at")])
    assert abroad["at"] == {"at-a", "at-b", "at-c", "it-c0"}
    assert len(abroad["it-1"] | abroad["it-2"]) == 7


@pytest.mark.parametrize(
    ("asked", "code"),
    [
        ({"lock": [("it-c0", "it-3")]}, "lock-in-group"),
        ({"lock": [("it-c0", "fi")]}, "lock-in-group"),
        ({"split": {"it": 5}}, "no-split"),
        ({"split": {"it": 1}}, "no-split"),
        ({"split": {"fi": 2}}, "split-impossible"),
    ],
)
def test_a_lock_or_a_split_of_clusters_that_cannot_be_is_told(asked, code):
    with pytest.raises(NoProposalError) as caught:
        by_id(ITALIANS, **asked)
    assert [p.code for p in caught.value.problems] == [code]


def test_a_country_is_split_into_as_many_clusters_as_asked():
    sizes = {key: len(mine) for key, mine in by_id(ITALIANS, split={"it": 3, "at": 1}).items()}
    assert sizes == {"at": 3, "it-1": 3, "it-2": 3, "it-3": 2}


def test_pilots_anchor_as_mission_cities_do_and_few_do_not_name_a_cluster():
    cities = [
        city("it-p", "pilot"),
        *(city(f"it-o{k}") for k in range(6)),
        wants("it-w", "industry"),
    ]
    product = propose_national_clusters(round_of(*cities), clusters(size=(2, 4)))
    assert [m.cities("lead") for m in product.meetings if m.cities("lead")] == [("it-p",)]
    assert {m.label.partition(": ")[2] for m in product.meetings} == {""}


def test_a_cluster_says_what_more_of_it_want_to_learn_than_elsewhere():
    cities = [
        city("it-a", seeks=["public_transport", "citizen_participation"]),
        city("it-b", seeks=["public_transport", "citizen_participation"]),
        city("it-c", seeks=["citizen_participation"]),
        *(city(f"at-{k}", seeks=["citizen_participation"]) for k in "de"),
    ]
    austria, italy = propose_national_clusters(round_of(*cities), clusters()).meetings
    unknown = "Nothing is known yet that one of these cities can show another: before they first meet, each is asked for two measures and their results."
    assert italy.says == (
        "2 of the 3 cities of this cluster want to learn about public transport. "
        "A national actor to ask about it together: Ministry of Sustainable Infrastructure and Mobility (MIMS). "
        f"{unknown}"
    )
    assert austria.says == unknown  # what every city of the round wants to learn is no reason


def test_a_cluster_says_what_one_of_it_can_show_and_who_asks(bundled, bundled_facet_cache):
    round_ = Round(bundled, bundled_facet_cache)
    pair = tuple(bundled.index[city] for city in ("dk-aarhus", "dk-copenhagen"))
    says = _shared(round_, countries.Cluster("dk", "Denmark", pair, ""), set())
    assert says.startswith("On climate plans and portfolios, Aarhus can show: ")
    assert "Copenhagen wants to learn about climate plans and portfolios." in says
    alone = _shared(round_, countries.Cluster("dk", "Denmark", pair[1:], ""), set())
    assert "Copenhagen can show" not in alone  # nobody else asks


def test_a_large_country_splits_by_what_its_cities_share():
    cities = [
        *(wants(f"it-h{k}", "energy_systems") for k in range(3)),
        *(wants(f"it-w{k}", "waste_circular_economy") for k in range(3)),
    ]
    product = propose_national_clusters(round_of(*cities), clusters(size=(2, 3), split_by="theme"))
    assert {frozenset(c[3] for c in m.cities()) for m in product.meetings} == {
        frozenset("h"),
        frozenset("w"),
    }
    apart = ("energy systems", "waste and circular economy")
    assert all(sum(f"apart is {a}" in m.says for m in product.meetings) == 1 for a in apart)
    assert product.status == "optimal"


def test_anchors_are_shared_evenly_when_a_country_splits():
    cities = [city(f"it-m{k}", "mission") for k in range(2)] + [city(f"it-o{k}") for k in range(4)]
    product = propose_national_clusters(round_of(*cities), clusters(size=(2, 3)))
    assert [len(m.cities("lead")) for m in product.meetings] == [1, 1]


def test_at_most_a_third_of_a_cluster_leads_it_by_what_the_others_seek():
    topics = ("cycling_walking", "air_quality")
    anchors = [city(f"it-m{k}", "mission") | {"shows": [topics[k % 2]]} for k in range(4)]
    others = [city(f"it-o{k}", seeks=[topics[1]]) for k in range(2)]
    product = propose_national_clusters(round_of(*anchors, *others), clusters(size=(2, 6)))
    (cluster,) = product.meetings
    assert cluster.cities("lead") == ("it-m1", "it-m3")
    assert len(cluster.cities("member")) == 4


@pytest.mark.parametrize(
    ("cities", "note"),
    [
        (["it-m0"], "The Mission or Pilot Cities of these countries are in other clusters."),
        ([], "No Mission or Pilot City of these countries is in the cohort."),
    ],
)
def test_a_cluster_without_an_anchor_says_where_they_are(cities, note):
    anchors = [city(id_, "mission") for id_ in cities]
    others = [city(f"it-o{k}") for k in range(6 - len(anchors))]
    product = propose_national_clusters(
        round_of(*anchors, *others, city("fr-m0", "mission"), city("fr-o0")), clusters(size=(2, 3))
    )
    bare = [m for m in product.meetings if not m.cities("lead")]
    assert bare
    assert all(note in m.notes for m in bare)


def test_a_country_that_cannot_be_split_says_so():
    with pytest.raises(NoProposalError, match="do not fit into 2 clusters"):
        propose_national_clusters(
            round_of(*(city(f"it-c{k}") for k in range(5))), clusters(size=(4, 4))
        )


def test_bridges_and_country_sheets(monkeypatch):
    cities = [
        wants("at-a", "energy_systems", seeks=["hydrogen_ccs"]),
        wants("at-b", "industry"),
        wants("fi-a", "energy_systems", seeks=["hydrogen_ccs"]),
        wants(
            "fi-b",
            "nature_based_solutions",
            levers_needed=["regulation_national"],
            needs="The law is slow. We wait.",
        ),
    ]
    product = propose_national_clusters(round_of(*cities), clusters())
    bridges = next(t for t in product.tables if t.name == "bridges")
    # The same domain is no reason for a bridge, the same topic is one.
    assert {(r[1], r[3]) for r in bridges.rows} == {("at-a", "fi-a"), ("fi-a", "at-a")}
    monkeypatch.setattr(countries, "COMPARED", 8)  # of 16 pairs: two clusters are too many together
    apart = propose_national_clusters(round_of(*cities), clusters())
    assert not next(t for t in apart.tables if t.name == "bridges").rows
    monkeypatch.undo()
    unnamed = [{**c, "seeks": None} for c in cities]
    bare = propose_national_clusters(round_of(*unnamed), clusters())
    assert not next(t for t in bare.tables if t.name == "bridges").rows
    sheets = next(t for t in product.tables if t.name == "country_sheets")
    law = next(r for r in sheets.rows if r[2] == "national regulation")
    assert (law[0], law[3], law[5], law[6]) == ("Finland", 1, "fi-b", "B: “The law is slow.”")


def test_what_no_other_cluster_struggles_with_is_against_none_and_no_nought():
    cities = [city(f"it-{k}", wants={"industry": 3}) for k in "ab"]
    round_ = round_of(*cities, *(city(f"it-{k}", wants={"energy_systems": 3}) for k in "cd"))
    assert _topics(round_, [(0, 1), (2, 3)])[0] == (
        "industry",
        "What sets this cluster apart is industry: 2 of its 2 cities struggle with it, against none of the 2 others.",
    )


def test_a_country_of_several_languages_joins_those_of_the_language_that_its_cities_speak():
    def joined_with(swiss):
        cities = [swiss, *(city(f"{c}-{k}") for c in ("de", "fr", "it") for k in "ab")]
        made = propose_national_clusters(round_of(*cities), clusters(size=(2, 4)))
        return next(m.label for m in made.meetings if "ch-a" in m.cities())

    assert "France" in joined_with({**city("ch-a"), "languages": ["fr", "en"]})
    assert "Italy" in joined_with({**city("ch-a"), "official_languages": ["it"]})
