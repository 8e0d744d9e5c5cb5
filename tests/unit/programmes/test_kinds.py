"""Kinds of cities in words: what each says of a city by hand, what is not known, and what cannot be said."""

from __future__ import annotations

import pytest
from product_cases import city, round_of

from twinmatch.errors import DataError, QuestionError
from twinmatch.programmes.conditions import TRAITS, is_kind, parsed, wording
from twinmatch.programmes.eligibility import conditions, unmet
from twinmatch.programmes.kinds import FIELDS, categories, words_of
from twinmatch.programmes.programme import load_text
from twinmatch.programmes.quotas import Quota, counted_kinds

SEVILLE = city(
    "es-seville",
    "mission",
    people_in_it=684_000,
    languages=["es", "en"],
    by=2030,
    readiness=dict.fromkeys(("mandate", "inventory", "target", "plan"), 3),
    participation={
        "english": "B2",
        "staff_hours_a_month": 20,
        "programmes": ["Twin and Learn, first round"],
    },
    context={"nuts3": "ES618", "degree_of_urbanisation": 1},
    challenges=["mobility_transport"],
    seeks=["district_heating_cooling"],
    own_labels=["Lot B", "wave 1", "Coastal: no"],
    levers_needed=["procurement"],
    covenant={"id": "ES1"},
)
SILENT = city("no-silent", "guest")


@pytest.mark.parametrize(
    ("who", "seville", "silent"),
    [
        ("large", True, None),
        ("small", False, None),
        ("not small", True, None),
        ("population >= 684000", True, None),
        ("population > 684000", False, None),
        ("population: 500000 to 700000", True, None),
        ("size: middle-sized, large", True, None),
        ("in the EU", True, False),
        ("outside the EU", False, True),
        ("not outside the EU", True, False),
        ("associated", False, True),
        ("candidate", False, False),
        ("eu: member, candidate", True, False),
        ("country: ES", True, False),
        ("country: spain, NO", True, True),
        ("region: south", True, False),
        ("nuts: ES6", True, None),
        ("nuts: ES61", True, None),
        ("nuts: ES62", False, None),
        ("label: lot b", True, None),
        ("label: Coastal: yes", False, None),
        ("label: coastal: no", True, None),
        ("not label: Coastal: yes", True, None),
        ("label: Harbour: yes", None, None),
        ("mission", True, False),
        ("guest", False, True),
        ("role: guest, pilot", False, True),
        ("experienced", True, None),
        ("newcomer", False, None),
        ('programme: "Twin and Learn, first round"', True, None),
        ("language: fr, es", True, None),
        ("not language: fr", True, None),
        ("english >= B2", True, None),
        ("english: C1", False, None),
        ("hours >= 20", True, None),
        ("target <= 2030", True, None),
        ("target: 2031 to 2050", False, None),
        ("readiness >= 2.5", True, None),
        ("readiness: advanced", True, None),
        ("urbanisation: 1", True, None),
        ("urbanisation >= 2", False, None),
        ("topic: District heating cooling", True, None),
        ("domain: industry", False, None),
        ("label: lot A, wave 2", False, None),
        ("lever: procurement", True, None),
        ("signatory", True, None),
        ("large and language: es and not newcomer", True, None),
        ("large and guest", False, None),
        ("small and guest", False, None),
        ("guest and outside the EU", False, True),
        ("small or newcomer", False, None),
        ("large or newcomer", True, None),
        ("small or guest", False, True),
        ("newcomer or guest and outside the EU", False, True),
        ("(newcomer or guest) and in the EU", False, False),
        ("not (small and newcomer)", True, None),
        ("not (small or newcomer)", True, None),
        ("not (guest or outside the EU)", True, False),
        ("not (not (large and (guest or language: es)))", True, None),
        ("not (small)", True, None),
        ('programme: "Twin and Learn, first round" or programme: Other (pilot)', True, None),
    ],
)
def test_what_a_kind_says_of_a_city(who, seville, silent):
    cohort = round_of(SEVILLE, SILENT).cohort
    assert [is_kind(c, who) for c in cohort] == [seville, silent]


@pytest.mark.parametrize(
    ("who", "field"),
    [
        ("north", "region"),
        ("Poland", "country"),
        ("middle-sized", "size"),
        ("under way", "readiness"),
        ("B2", "english"),
        ("small", "population"),
    ],
)
def test_a_word_that_one_field_alone_has_stands_for_it(who, field):
    assert parsed(who).field == field
    other = parsed(f"not {who}")
    assert (other.field, other.no) == (field, True)


def test_small_is_below_what_the_programme_says():
    (one,) = round_of(city("at-a", people_in_it=100_000)).cohort
    assert [parsed("small").holds(one, n) for n in (100_000, 100_001)] == [False, True]
    assert [parsed("large").holds(one, n) for n in (100_000, 100_001)] == [True, False]


@pytest.mark.parametrize(
    ("who", "named"),
    [
        ("nroth", "region: north"),
        ("fr", "Traits"),  # a country and a language
        ("1", "urbanisation: 1"),
        ("newcommer", "newcomer"),
        ("heat_planning", "topic: heat_planning"),
        ("regoin: north", "region"),
        ("region: nroth", "north"),
        ("country: XX", "AT"),
        ("language: xx", "aa"),
        ("topic: heat", "topic: heat_planning"),
        ("population >= many", "50000"),
        ("population >= 1, 2", "population"),
        ("population >= 1 to 2", "50000"),
        ("language >= fr", "':'"),
        ("nuts: spain", "PL2"),
        ("small and", "small"),
        ("", "Traits"),
        ("not", "Traits"),
        ("small or", "Traits"),
        ("(small or newcomer", "a bracket is open"),
        ("small) or newcomer", "a bracket is closed"),
        ("small or nroth", "region: north"),
    ],
)
def test_what_cannot_be_said_is_answered_by_what_can(who, named):
    with pytest.raises(ValueError, match=named.replace(".", r"\.")):
        parsed(who)
    with pytest.raises(DataError, match="who"):
        load_text(f"[twinning]\n[[twinning.rules]]\nat_least = 1\nwho = {who!r}\n")


def test_every_trait_and_every_field_can_be_said():
    for trait in TRAITS:
        assert wording(trait)
        assert wording(f"not {trait}").startswith("not ")
    for name, read in FIELDS.items():
        value = next(iter(read.known()), "PL2" if name == "nuts" else "5")
        assert parsed(f"{name}: {value}").field == name


@pytest.mark.parametrize(
    ("rule", "said"),
    [
        ("at_least = 1\nper = 'planet'", "host country"),
        ("at_least = 3\nat_most = 2", "above"),
        ("who = 'small'", "needs"),
    ],
)
def test_a_rule_that_says_nothing_or_counts_nowhere(rule, said):
    with pytest.raises(DataError, match=said):
        load_text(f"[twinning]\n[[twinning.rules]]\n{rule}\n")


@pytest.mark.parametrize(
    ("rule", "said"),
    [
        (
            "who = 'national'\nper = 'visit'",
            "'national' compares a guest with its host, as rules of",
        ),
        ("who = 'small'\nper = 'planet'", "There is no per = 'planet': known are visit, all."),
        ("who = {small = 'yes'}", "Found a table."),
    ],
)
def test_what_is_wrong_with_a_rule_is_said_without_the_lists_of_a_programming_language(rule, said):
    with pytest.raises(DataError) as caught:
        load_text(f"[study_visits]\n[[study_visits.rules]]\nat_most = 1\n{rule}\n")
    (found,) = [p.found for p in caught.value.problems]
    assert said in found
    assert not set("[]{}") & {*found}


def test_rules_of_one_kind_and_place_have_names_of_their_own():
    rule = "[[discussion_groups.rules]]\nwho = 'small'\nprice = 1\n"
    asked = ("at_most = 1", "at_most = 2", "at_most = 2", "balance = 1")
    text = "[discussion_groups]\n" + "".join(f"{rule}{one}\n" for one in asked)
    _, *names = [name for name, _ in load_text(text).discussion_groups.quotas]
    assert [name.removeprefix("cities that are small, in each group: ") for name in names] == [
        "at most 1",
        "at most 2",
        "at most 2 (2)",
        "at most 1 more than in any other",
    ]


def test_guests_may_be_of_one_kind_only():
    text = "[twinning]\n[twinning.guests]\nroles = ['guest', 'mission']\nnot_roles = []\n"
    rule = load_text(text + "who = 'large and language: es'\n").twinning.guests
    bare = rule.model_copy(
        update={"neutral_by": None, "staff_hours_a_month": None, "english": None}
    )
    seville, silent = round_of(SEVILLE, SILENT).cohort
    assert conditions(seville, bare) == ({}, {})
    failed, unknown = conditions(silent, bare)
    assert (failed, len(unknown)) == ({}, 1)
    small = bare.model_copy(update={"who": "small"})
    failed, unknown = conditions(seville, small)
    assert (len(failed), unknown) == (1, {})
    with pytest.raises(DataError, match="host"):
        load_text(text + "who = 'national'\n")


def test_conditions_that_are_not_met_are_named_with_how_many_miss_them():
    rule = load_text(
        "[twinning]\n[twinning.guests]\nstaff_hours_a_month = 30\nenglish = 'B2'\n"
    ).twinning.guests
    short = city("es-short", participation={"staff_hours_a_month": 8, "english": "A2"})
    cohort = round_of(SEVILLE, SILENT, short).cohort
    silent = [cohort.index["no-silent"]]
    assert unmet(cohort, silent, [], rule) == ""  # not known is not failed
    assert unmet(cohort, [], silent, rule).startswith(
        "Conditions of which it is not known yet, with how many: "
    )
    assert unmet(cohort, range(3), [], rule) == (
        "Conditions that applicants miss, with how many: to be none of the Mission Cities (1); at least 30 staff hours a month (1); English at B2 or better (1). 1 applicant counts here more than once."
    )


def test_no_host_in_a_group():
    with pytest.raises(DataError, match="host"):
        load_text("[city_panels]\n[[city_panels.rules]]\nwho = 'national'\nat_least = 1\n")


def test_a_list_means_all_of_them():
    text = "[twinning]\n[[twinning.rules]]\nwho = ['small', 'not newcomer']\nat_least = 1\n"
    assert load_text(text).twinning.rules[0].who == "small and not newcomer"


def test_categories_of_the_silent_are_not_known():
    cohort = round_of(SEVILLE, SILENT).cohort
    assert categories(cohort, "nuts2") == ["ES61", None]
    assert categories(cohort, "nuts1") == ["ES6", None]
    assert categories(cohort, "eu") == ["member", "associated"]
    assert categories(cohort, "urbanisation") == ["1", None]
    assert categories(cohort, "newcomer") == ["experienced", None]


def test_the_english_of_a_city_where_it_is_official_is_known():
    """By the country, or by the place alone; what the city states goes before."""
    irish, austrian = city("ie-a"), city("at-a")
    by_place = city("at-b", official_languages=["en"])
    modest = city("gb-a", participation={"english": "B1"})
    found = [
        is_kind(c, "english >= B2") for c in round_of(irish, austrian, by_place, modest).cohort
    ]
    assert found == [None, True, False, True]


@pytest.mark.parametrize(
    ("who", "said"),
    [
        ("small or newcomer", "small or new to exchange programmes"),
        (
            "not newcomer and (small or north)",
            "(small or from Northern Europe) and not new to exchange programmes",
        ),
        ("not (small and newcomer)", "not (small and new to exchange programmes)"),
        ("guest or small and north", "among the guests or (small and from Northern Europe)"),
    ],
)
def test_brackets_are_read_out(who, said):
    assert wording(who) == said


def test_each_counts_every_word_of_a_field_and_every_value_of_a_column():
    seville, silent = round_of(SEVILLE, SILENT).cohort
    assert {*words_of(seville, "language")} == {"es", "en"}
    assert {*words_of(seville, "label: coastal")} == {"Coastal: no"}
    assert [{*words_of(c, "target")} for c in (seville, silent)] == [{"2030"}, set()]
    with pytest.raises(DataError, match="language"):
        load_text("[twinning]\n[[twinning.rules]]\neach = 'langauge'\nat_most = 1\n")


def test_a_column_that_no_city_has_a_value_of_is_told_with_those_there_are():
    quota = {"who": "label: Costal: yes", "per": "group", "at_least": 1}
    with pytest.raises(QuestionError, match="Known columns: Coastal") as caught:
        counted_kinds(round_of(SEVILLE, SILENT).cohort, Quota.model_validate(quota), [0, 1])
    assert "counts by the column Costal" in str(caught.value)
    one = Quota.model_validate({"each": "label: Coastal", "per": "group", "at_most": 1})
    (kind,) = counted_kinds(round_of(SEVILLE, SILENT).cohort, one, [0, 1])
    assert (kind[0], kind[1].tolist()) == ("labelled Coastal: no", [True, False])
