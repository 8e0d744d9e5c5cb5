import math
from dataclasses import replace

import pytest
from exporting_samples import clusters, groups, line, sample, twinning
from hypothesis import given
from hypothesis import strategies as st

from twinmatch.evidence import Fact
from twinmatch.exporting import words
from twinmatch.exporting.characters import cell_text, printable
from twinmatch.proposal import Proposal


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


@pytest.mark.parametrize(
    ("status", "score", "bound", "said"),
    [
        ("optimal", 1.0, 1.0, "proven best"),
        ("feasible", 0.99, 1.0, "within 1% of the best possible"),
        ("feasible", 0.9899, 1.0, "within 1.1% of the best possible"),
        ("feasible", 1.0, 1.0, "within 0.1% of the best possible"),
        ("feasible", 1.0, math.inf, "good, but how near to the best is not proven"),
        ("infeasible", 0.0, 0.0, "no proposal fits the rules"),
    ],
)
def test_status_never_promises_more_than_was_proven(status, score, bound, said):
    product = replace(twinning(), status=status, score=score, bound=bound)
    assert words.status_words(product) == said


def test_codes_are_read_as_words():
    assert words.facet_title("needs_offers") == "Needs met by offers"
    assert words.facet_title("moon_phase") == "Moon phase"
    assert words.block_title("emissions") == "Emissions"
    assert words.role_word("lead") == "Lead city"
    assert words.product_title(groups()) == "Discussion groups"


def test_the_first_sentence_is_a_result():
    assert words.result(sample()) == (
        "2 twinning pairs, 1 discussion group and 1 national cluster for 7 cities; 2 cities without "
        "a place in twinning, each with its reason and another offer."
    )
    assert words.result(Proposal({}, (clusters(),))) == (
        "1 national cluster for 3 cities; nobody is left out."
    )
    nothing = replace(twinning(), status="infeasible", meetings=(), left_out=())
    assert words.result(Proposal({}, (nothing,))) == (
        "No meetings could be proposed; no proposal fits the rules of twinning."
    )
    assert words.result(Proposal({}, ())) == "No meetings could be proposed."


@pytest.mark.parametrize(
    ("fact", "said"),
    [
        (Fact("x", "y", 289_440, "people"), "289,440 people"),
        (Fact("x", "y", 3.456789, "t CO2e"), "3.46 t CO2e"),
        (Fact("x", "y", 1234.56), "1,235"),
        (Fact("x", "y", 123.456, "%"), "123.5%"),
        (Fact("x", "y", 2030.0), "2,030"),
        (Fact("x", "y", None, "people"), "not known"),
        (Fact("x", "y", "we need heat", kind="stated"), "“we need heat”"),
    ],
)
def test_figures_have_their_unit(fact, said):
    assert words.fact_figure(fact) == said


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
