"""Exports of surveys of a few cities, alone: a round is made of each, whatever cannot be formed of it."""

from __future__ import annotations

import warnings
from pathlib import Path

import pytest

import twinmatch as tm
from twinmatch.exporting import read_proposal
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
