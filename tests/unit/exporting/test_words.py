import math
from dataclasses import replace

import pytest
from exporting_samples import clusters, groups, line, sample, twinning
from hypothesis import given
from hypothesis import strategies as st

from twinmatch.exporting import words
from twinmatch.exporting.folder_files import cell_text, printable, settings_in_words
from twinmatch.proposal import Account, Evidence, Fact, Meeting, Proposal, RuleStatus, Table
from twinmatch.proposal.proposal import FacetWeight
from twinmatch.proposal.tables import StabilityRow


@pytest.mark.parametrize(
    ("part", "said"),
    [(0, "0%"), (0.001, "under 1%"), (0.93, "93%"), (0.999, "over 99%"), (1, "100%")],
)
def test_percent(part, said):
    assert words.percent(part) == said


@pytest.mark.parametrize(
    ("likeness", "standing", "said"),
    [
        (0.7, 0.93, "better than 93% of possible pairs"),
        (0.0, 0.0, "better than none of the possible pairs"),
        (1.0, 1.0, "better than all other possible pairs"),
        (1.0, 0.9999, "better than over 99% of possible pairs"),
        (math.nan, 0.5, "not known, so it counts as average"),
    ],
)
def test_standing(likeness, standing, said):
    assert words.standing_words(line("x", likeness, standing, 1)) == said


def test_a_group_says_for_how_many_of_its_pairs_a_facet_is_known():
    partly = replace(line("x", 0.7, 0.93, 1), known_part=0.62)
    assert words.standing_words(partly).endswith("; known for 62% of its pairs")


@pytest.mark.parametrize(
    ("status", "score", "bound", "said"),
    [
        ("optimal", 1.0, 1.0, "proven best under these rules and weights"),
        ("feasible", 0.99, 1.0, "within 1% of the best possible"),
        ("feasible", 0.9899, 1.0, "within 1.1% of the best possible"),
        ("feasible", 1.0, 1.0, "within 0.1% of the best possible"),
        ("feasible", 1.0, math.inf, "good, but how near to the best is not proven"),
        ("infeasible", 0.0, 0.0, "no proposal fits the rules"),
    ],
)
def test_status_never_promises_more_than_was_proven(status, score, bound, said):
    product = replace(twinning(), status=status, score=score, bound=bound)
    assert words.status_words(product).partition(" (points of 100")[0] == said


def test_the_limit_of_clusters_is_said_to_be_loose_and_of_others_is_not():
    product = replace(twinning(), status="feasible", score=0.9, bound=1.0)
    assert "loose" not in words.status_meaning(product)
    assert "loose" in words.status_meaning(replace(product, product="national_clusters"))


def test_groups_whose_leads_are_chosen_first_are_proven_for_these_leads_alone():
    leads = (RuleStatus("leads", "Chosen first.", "kept"),)
    product = replace(twinning(), status="optimal", score=1.0, bound=1.0, rules=leads)
    assert words.status_words(product).startswith("members proven best for these leads")


def test_proven_says_under_which_weights_and_how_many_pairs_survive():
    rows = tuple(
        StabilityRow(name, name, part, judgement, "–")
        for name, part, judgement in (
            ("a", 0.9, "robust"),
            ("b", 0.2, "fragile"),
            ("c", 0.8, "robust"),
        )
    )
    weights = tuple(
        FacetWeight(name, part, 0.5)
        for name, part in (("context", 0.1), ("wishes", 0.6), ("returns", 0.3))
    )
    product = replace(
        twinning(),
        status="optimal",
        score=1.0,
        bound=1.0,
        weights=weights,
        tables=(Table("stability", "", StabilityRow._fields, rows),),
    )
    said = words.status_words(product)
    assert said.endswith("pairs that survive shaken weights: 2 of 3")
    assert said.index("stated wishes 60") < said.index("30") < said.index("10)")


def test_a_weight_that_is_known_for_no_meeting_says_so():
    lines = [Evidence("wishes", k, 0.5, 0.5, "") for k in (0.4, math.nan, math.nan)]
    meetings = tuple(Meeting(str(n), "", (), Account((x,))) for n, x in enumerate(lines))
    weights = (FacetWeight("wishes", 1.0, 0.0),)
    product = replace(twinning(), status="optimal", score=1.0, meetings=meetings, weights=weights)
    assert words.known_for(product, "wishes") == "1 of 3"
    assert "known for none" not in words.status_words(product)
    nobody = replace(product, meetings=meetings[1:])
    assert words.known_for(nobody, "wishes") == "0 of 2"
    assert "stated wishes 100 (known for none)" in words.status_words(nobody)
    assert words.known_for(product, "context") == "–"


def test_codes_are_read_as_words():
    assert words.facet_title("needs_offers") == "Needs met by offers"
    assert words.facet_title("moon_phase") == "Moon phase"
    assert words.block_title("emissions") == "Emissions"
    assert words.role_word("lead") == "Lead city"
    assert words.product_title(groups()) == "Discussion groups"


def test_the_first_sentence_is_a_result():
    assert words.result(sample()) == (
        "2 twinning pairs, 1 discussion group and 1 national cluster: every one of the 7 cities has "
        "at least one place."
    )
    assert words.result(replace(sample(), products=(twinning(),))) == (
        "2 twinning pairs: 5 of 7 cities have at least one place; the other 2 are told why and what "
        "they are offered instead."
    )
    nothing = replace(twinning(), status="infeasible", meetings=(), left_out=())
    assert words.result(Proposal({}, (nothing,))) == (
        "No meetings could be proposed; no proposal fits the rules of twinning."
    )
    assert words.result(Proposal({}, ())) == "No meetings could be proposed."


def test_the_title_is_the_rounds_own():
    assert Proposal({"title": "Round 4"}, ()).title == "Round 4"
    assert Proposal({"programme": {"name": "North"}}, ()).title == ("Peer-matching proposal: North")
    for none in ({"title": 3}, {"programme": {"name": ""}}, {"title": " ", "programme": {}}):
        assert Proposal(none, ()).title == "Peer-matching proposal"


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("both want heat", "Both want heat."),
        ("It asks: “why?”", "It asks: “why?”"),
        ("It asks: “heat”", "It asks: “heat”."),
        ("Known. (The closest.)", "Known. (The closest.)"),
        ("", ""),
    ],
)
def test_sentences_end_once(text, said):
    assert words.sentence(text) == said


@pytest.mark.parametrize(
    ("fact", "said"),
    [
        (Fact("x", "residents", 289_440, "people"), "residents: 289,440 people"),
        (Fact("x", "y", 3.456789, "t CO2e"), "y: 3.46 t CO2e"),
        (Fact("x", "y", 1234.56), "y: 1,235"),
        (Fact("x", "y", 123.456, "%"), "y: 123.5%"),
        (Fact("x", "finance", 3, "level 0-4"), "finance: level 3 of 4"),
        (Fact("x", "", 2030.0), "2,030"),
        (Fact("x", "challenge: heat", None), "challenge: heat"),
        (Fact("x", "needs", "We want heat.", place="needs, 3-7"), "needs: “We want heat.”"),
        (Fact("x", "levers", "procurement", kind="stated"), "levers: procurement"),
    ],
)
def test_figures_have_their_unit(fact, said):
    assert words.finding(fact) == said


def test_facts_of_one_city_and_origin_stand_together():
    facts = [
        Fact("a", "plan", 3, "level 0-4", None, "estimated", "Contract"),
        Fact("b", "plan", 1, "level 0-4", None, "estimated", "Contract"),
        Fact("a", "finance", 2, "level 0-4", None, "estimated", "Contract"),
    ]
    assert words.findings(facts) == [
        ("a", "plan: level 3 of 4; finance: level 2 of 4", "estimated; Contract"),
        ("b", "plan: level 1 of 4", "estimated; Contract"),
    ]


def test_only_http_addresses_become_links_and_are_shown_by_host():
    text = "stated; https://www.example.eu/a?b=c; javascript:alert(1), http://x.org/y) end"
    assert words.linked(text) == [
        ("stated; ", ""),
        ("example.eu", "https://www.example.eu/a?b=c"),
        ("; javascript:alert(1), ", ""),
        ("x.org", "http://x.org/y"),
        (") end", ""),
    ]


@given(st.text(alphabet="htps:/.,; a"))
def test_links_keep_every_other_text(text):
    assert "".join(address or part for part, address in words.linked(text)) == text


def test_long_texts_are_cut_between_words():
    assert words.shortened("one two three", 9) == "one two…"
    assert words.shortened("one two", 9) == "one two"


@given(st.text())
def test_a_cell_never_starts_a_formula(text):
    cell = cell_text(text)
    assert not cell.lstrip(" \n\xa0").startswith(
        ("=", "+", "-", "@", "\t", "\r", "＝", "＋", "－", "＠")
    )
    assert "\x00" not in cell


@given(st.text(alphabet=st.sampled_from("a🚲"), min_size=90, max_size=200))
def test_a_cut_text_is_told_and_fits(text):
    cell = cell_text(text, 80)
    assert len(cell.encode("utf-16-le")) // 2 <= 80
    assert cell.endswith(f"[cut: {len(text)} characters in all]")


def test_what_misleads_is_removed_and_the_rest_is_kept():
    assert printable("a\x00b\u202ec\r\nd\te\ud800👩🏽‍🔧אילת") == "abc\nd\te👩🏽‍🔧אילת"


def test_settings_are_in_words():
    made = {
        "twinning": {"weights": {"returns": 4.0}, "hosts": ["mission"], "never": [["AT", "XK"]]}
    }
    assert list(
        settings_in_words({"sha256": "f0", **made, "levers": ["finance_funding"], "open": True})
    ) == [
        ("SHA-256", "f0"),
        ("Twinning › Weights › What flows back to the host", "4"),
        ("Twinning › Hosts", "Mission City"),
        ("Twinning › Never › 1", "Austria, Kosovo"),
        ("Levers", "finance and funding"),
        ("Open", "yes"),
    ]


def test_a_cluster_of_several_countries_is_not_called_national():
    meeting = clusters().meetings[0]
    one, two, part = (
        replace(meeting, id=f"national_clusters:{key}") for key in ("fr", "al-ua", "fr-2")
    )
    each = replace(clusters(), meetings=(one, part))
    some = replace(clusters(), meetings=(one, two))
    assert [words.meeting_kind(some, m) for m in (one, two)] == [
        "National cluster",
        "Multi-country cluster",
    ]
    assert words.product_title(each) == "National clusters"
    assert words.product_title(some) == "National and multi-country clusters"
    assert words.meetings_counted(each) == "2 national clusters"
    assert words.meetings_counted(some) == "2 national and multi-country clusters"
    own = replace(some, title="Regional meetings")
    assert words.product_title(own) == words.meeting_kind(own, two) == "Regional meetings"
