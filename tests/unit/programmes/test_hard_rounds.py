"""Rounds with many rules at once: a clash with true repairs, hosts of all or nothing, guests served first."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from rounds_for_tests import propose
from twinmatch.embedding.choice import open_text_model
from twinmatch.errors import NoProposalError
from twinmatch.facets import FacetCache
from twinmatch.facets.text import all_sentences
from twinmatch.programmes import load
from twinmatch.reading import read

HERE = Path(__file__).parent / "hard_rounds"


def proposed(cities: str, programme: str):
    """Return a proposal, which is not solved again under other draws to tell how stable it is."""
    cohort = read(HERE / cities)
    model = open_text_model("auto", all_sentences(cohort))
    return propose(cohort, load(HERE / programme), FacetCache(model))


def test_a_clash_among_many_rules_has_repairs_that_mean_something():
    with pytest.raises(NoProposalError) as caught:
        proposed("hard_round_cities.csv", "clash_hard_round.toml")
    clash, *menu = caught.value.problems
    assert "Kiel with Odense must meet" in clash.found
    told = [p.found.partition(": ")[2] for p in menu if p.code == "repair"]
    assert told
    assert len(set(told)) == len(told)
    for repair in told:
        parts = repair.rstrip(".").split("; ")
        assert len(set(parts)) == len(parts)
        numbers = re.findall(r"at (?:least|most) (-?\d+) in place of (\d+)", repair)
        assert all(int(to) >= 0 and to != before for to, before in numbers)


@pytest.mark.slow
def test_hosts_of_all_or_nothing_with_facilitators_for_fewer_are_solved_and_proven():
    """Hosts take three guests or none and facilitators thirteen pairs: twelve are the most there can be."""
    product = proposed("hard_round_cities.csv", "facilitators_short.toml").product("twinning")
    assert (product.status, len(product.meetings)) == ("optimal", 12)
    staff = next(table for table in product.tables if table.title == "Facilitators")
    assert sum(row[1] for row in staff.rows) == 12
    assert all(row[1] <= row[2] for row in staff.rows)
    assert "3 of 15 places stay empty because of the rule on facilitators" in product.says
    assert "let Ada have at most 10 pairs in place of 8" in product.says


def test_every_city_that_can_be_served_is_served_before_the_worst_off_is_raised():
    product = proposed("quota_cohort.csv", "worst_off.toml").product("twinning")
    guests = {city for meeting in product.meetings for city in meeting.cities("guest")}
    assert {"es-gijon", "pt-braga"} <= guests
    assert product.status == "optimal"
