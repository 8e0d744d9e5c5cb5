"""Exports of surveys of a few cities, alone: a round is made of each, whatever cannot be formed of it."""

from __future__ import annotations

import warnings
from pathlib import Path

import pytest

import twinmatch as tm
from twinmatch.exporting import read_proposal
from twinmatch.exporting.letters import letters
from twinmatch.proposal.wire import to_wire

pytestmark = pytest.mark.slow

SURVEYS = Path(__file__).parents[2] / "benchmarks" / "data" / "surveys"


@pytest.mark.filterwarnings("ignore::UserWarning")
@pytest.mark.parametrize(
    ("file", "formed"),
    [
        # Four cities: to loosen the rules of groups asks for groups that nobody leads.
        ("40_eusurvey_en.xlsx", {"national_clusters"}),
        # One facet of panels runs against the others, so that another has more than all of the spread.
        ("42_microsoft_de.xlsx", {"national_clusters"}),
    ],
)
def test_a_round_is_made_of_a_survey_of_a_few_cities(tmp_path, file, formed):
    proposal = tm.propose(SURVEYS / file, text_model="static")
    assert {p.product for p in proposal.products if p.meetings} == formed
    for product in proposal.products:
        assert product.meetings or product.says
    proposal.write(tmp_path / "out")
    again = read_proposal(tmp_path / "out" / "proposal.json")
    assert to_wire(again)["products"] == to_wire(proposal)["products"]


def test_a_survey_meets_the_hosts_that_are_named():
    with warnings.catch_warnings(record=True) as told:
        warnings.simplefilter("always")
        alone = tm.read(SURVEYS / "40_eusurvey_en.xlsx")
    assert [str(w.message) for w in told if "'Espoo'" in str(w.message)]
    with warnings.catch_warnings(record=True) as told:
        warnings.simplefilter("always")
        beside = tm.read(SURVEYS / "40_eusurvey_en.xlsx", hosts="bundled")
    assert not [str(w.message) for w in told if "'Espoo'" in str(w.message)]
    assert {c.id for c in alone} < {c.id for c in beside}
    assert sum("guest" in c.roles for c in beside) == len(alone)


def test_hosts_that_are_brought_are_met_and_no_more():
    """Who only hosts has no cluster, panel, reason or letter of its own; a city of a foreign name reads its own."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        cohort = tm.read(SURVEYS / "70_typeform_pl.csv", hosts="bundled")
    mine = {c.id for c in cohort} - cohort.brought
    assert cohort.city("lt-kowno").name == "Kaunas"
    assert {cohort.city(c).name for c in mine} >= {"Kaunas", "Wrocław", "Słupsk"}
    assert cohort.filter(lambda c: c.country == "PL").brought == {
        c.id for c in cohort if c.country == "PL" and c.id not in mine
    }
    proposal = tm.propose(cohort, text_model="static")
    meetings = [m for p in proposal.products for m in p.meetings]
    assert meetings
    assert all(mine & set(m.cities()) for m in meetings)
    assert {x.city for p in proposal.products for x in p.left_out} <= mine
    met = {c for m in meetings for c in m.cities()}
    assert {letter.city for letter in letters(proposal)} == met | mine
