"""The sheet of rules of a workbook: the form of a programme file, changed there and read back."""

from __future__ import annotations

import openpyxl
import pytest

from cities import cohort_of, facet_cache
from rounds_for_tests import propose
from twinmatch.app.decided import read_sheet, with_decided
from twinmatch.errors import QuestionError
from twinmatch.exporting.spreadsheet import RULE_FIELDS, RULE_SHEET
from twinmatch.exporting.workbook import proposal_xlsx
from twinmatch.programmes.programme import programme_model
from twinmatch.programmes.quotas import PairQuota

COHORT = cohort_of(
    *(
        {"id": f"at-g{k}", "roles": ["guest"], "challenges": {"industry": 1 + k}, "population": {"value": 90_000 + 20_000 * k}}
        for k in range(3)
    ),
    *({"id": f"be-h{k}", "roles": ["mission"], "strengths": {"industry": 2}} for k in range(2)),
)  # fmt: skip
PROGRAMME = programme_model().model_validate(
    {
        "twinning": {
            "guests_per_host": [0, 2],
            "weights": {"challenges_met": 1},
            "per_host": [{"who": "small", "at_most": 1}],
            "rules": [{"who": "small", "share_at_least": 0.25, "price": 5}],
        },
        "city_panels": {"size": [2, 3], "mission_at_least": 0, "mix": {"country": 1}},
    }
)


@pytest.fixture
def page(tmp_path):
    """The workbook of a proposal, and what reads it back once cells were changed."""
    made = propose(COHORT, PROGRAMME, facet_cache())
    path = tmp_path / "proposal.xlsx"

    def read(*changes, language="en"):
        path.write_bytes(proposal_xlsx(made, language))
        book = openpyxl.load_workbook(path)
        sheet = next(s for s in book if s["A1"].value == "format")
        for cell, value in changes:
            sheet[cell] = value
        book.save(path)
        return read_sheet(path, COHORT, made)

    return read


def test_the_sheet_has_every_part_of_a_rule():
    assert set(RULE_FIELDS) == set(PairQuota.model_fields)


@pytest.mark.parametrize("language", ["en", "de", "fr"])
def test_a_sheet_that_was_not_changed_changes_no_rule(page, language):
    assert page(language=language).rules == {}


def test_without_its_proposal_the_rules_of_the_programme_are_no_changes(page, tmp_path):
    page()
    path = tmp_path / "proposal.xlsx"
    assert read_sheet(path, COHORT, programme=PROGRAMME).rules == {}
    other = PROGRAMME.model_copy(
        update={"twinning": PROGRAMME.twinning.model_copy(update={"rules": ()})}
    )
    assert list(read_sheet(path, COHORT, programme=other).rules) == ["twinning"]


def test_rules_that_were_changed_cleared_and_added_hold_in_the_next_round(page):
    """Row 2 is the cap of each host, row 3 the soft share: the cap becomes one over all, the share goes, panels get one."""
    cleared = [(f"{column}3", None) for column in "ABDGLM"]
    added = [("A4", "city_panels"), ("B4", "not small"), ("I4", "yes")]
    decided = page(("D2", "all"), ("F2", 0), *cleared, *added)
    after = with_decided(PROGRAMME, [decided], COHORT)
    assert [(q.who, q.per, q.at_most) for q in after.twinning.rules] == [("small", "all", 0)]
    assert (after.twinning.per_host, after.twinning.overall) == ((), ())
    assert [(q.who, q.nobody_alone) for q in after.city_panels.rules] == [("not small", True)]
    again = propose(COHORT, after, facet_cache())
    assert "at-g0" not in {c for m in again.product("twinning").meetings for c in m.cities()}


def test_every_wrong_row_is_named_with_its_place(page):
    decided = page(("B2", "smal"), ("E3", "x"), ("A4", "twining"), ("B4", "small"))
    with pytest.raises(QuestionError) as caught:
        with_decided(PROGRAMME, [decided], COHORT)
    where = [(p.where.sheet, p.where.row, p.where.column) for p in caught.value.problems]
    assert where == [(RULE_SHEET, 2, "who"), (RULE_SHEET, 3, "at_least"), (RULE_SHEET, 4, "")]
