"""Rules that clash, and what would mend them, on cases that can be checked by hand."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from twinmatch.solving import (
    Block,
    Candidates,
    broken,
    clash,
    counts,
    relaxations,
    relaxed,
    shortage,
    solve,
)
from twinmatch.solving.blocks import once_chosen


def wanted(c: Candidates, each: Any) -> Block:
    return counts("wanted", c.guest, low=each, high=each, rows=c.n_guests)


def complete(n_hosts: int, n_guests: int) -> Candidates:
    host, guest = np.divmod(np.arange(n_hosts * n_guests), n_guests)
    return Candidates(host, guest, np.zeros(len(host)), n_hosts, n_guests)


def test_three_rules_that_hold_in_pairs_but_not_together() -> None:
    c = complete(2, 4)
    blocks = [
        counts("harmless", c.host, high=3.0),
        counts("first two guests", np.where(c.guest < 2, 0, -1), low=2.0),
        counts("last two guests", np.where(c.guest >= 2, 0, -1), low=2.0),
        counts("all", np.zeros(len(c), int), high=3.0),
    ]
    found = clash(c, blocks)
    assert found.status == "clash"
    assert found.minimal
    assert {ref.rule for ref in found.rows} == {"first two guests", "last two guests", "all"}


def test_every_row_of_a_clash_is_needed() -> None:
    c = complete(3, 3)
    blocks = [
        counts("host", c.host, low=2.0),
        counts("guest", c.guest, high=[1, 1, 3]),
        counts("even", np.where((c.host + c.guest) % 2 == 0, 0, -1), high=2.0),
    ]
    found = clash(c, blocks)
    assert found.status == "clash"
    kept = {(ref.block, ref.row) for ref in found.rows}
    assert solve(c, only(blocks, kept)).status == "infeasible"
    for one in kept:
        assert solve(c, only(blocks, kept - {one})).status != "infeasible"


def only(blocks: list, kept: set[tuple[int, int]]) -> list:
    thinned = []
    for b, block in enumerate(blocks):
        here = np.array([(b, i) in kept for i in range(len(block))])
        low, high = np.where(here, block.low, -np.inf), np.where(here, block.high, np.inf)
        thinned.append(type(block)(block.name, block.matrix, low, high, block.says))
    return thinned


def test_no_clash_is_said() -> None:
    c = complete(2, 2)
    assert clash(c, [counts("host", c.host, low=1.0)]).status == "no clash"


def test_row_that_contradicts_itself_is_a_clash_of_one() -> None:
    c = complete(1, 3)
    found = clash(c, [counts("host", c.host, low=2.0, high=1.0)])
    assert [(ref.rule, ref.row) for ref in found.rows] == [("host", 0)]


def test_clash_with_measured_coefficients() -> None:
    c = complete(2, 2)
    hours = counts("hours", np.zeros(4, int), high=1.0)
    hours = type(hours)("hours", hours.matrix * 0.75, hours.low, hours.high, hours.says)
    blocks = [hours, counts("guest", c.guest, low=1.0)]
    assert clash(c, blocks).status == "clash"
    assert clash(c, [hours, counts("guest", c.guest, low=[1, 0])]).status == "no clash"


def test_a_clash_that_the_effort_does_not_reach_is_not_known() -> None:
    """Of each two of three meetings one takes place: halves would do, whole ones cannot."""
    c = complete(1, 3)
    two = [counts(f"not {k}", np.where(c.guest == k, -1, 0), low=1.0, high=1.0) for k in range(3)]
    assert clash(c, two, effort=1e-9).status == "not known"
    assert clash(c, two).status == "clash"


def test_too_few_places_for_all_are_a_clash_of_every_place() -> None:
    """Forty guests, nine hosts of three: what an LP proves at once is a search of boxes and balls for CP-SAT."""
    c = complete(9, 40)
    blocks = [counts("host", c.host, high=3.0), counts("guest", c.guest, low=1.0, high=1.0)]
    found = clash(c, blocks)
    assert (found.status, found.minimal) == ("clash", True)
    assert sorted(at.row for at in found.rows if at.rule == "host") == list(range(9))
    assert sum(at.rule == "guest" for at in found.rows) == 28


def test_a_rule_that_binds_where_a_host_takes_any_gives_way_as_one() -> None:
    """One host of three guests, two of them abroad: three from abroad cannot be, two can; no guest at all is no repair."""
    c = complete(1, 3)
    abroad = once_chosen("abroad", c.host, [True, True, False], 3, lambda h: f"host {h}")
    blocks = [counts("host", c.host, low=2.0), abroad]
    menu = relaxations(c, blocks, prices={"abroad": 0.5}).items
    assert [(r.price, [(x.at.rule, x.bound, x.by, x.to) for x in r.changes]) for r in menu] == [
        (0.5, [("abroad", "low", 1.0, 2.0)]),
    ]
    for relaxation in menu:
        changed = relaxed(blocks, relaxation)
        found = solve(c, changed)
        assert found.status == "optimal"
        assert found.chosen.any()
        assert broken(c, found.chosen, changed) == []


def test_no_minimum_is_lowered_below_nothing_and_no_repair_changes_nothing() -> None:
    c = complete(2, 2)
    blocks = [counts("host", c.host, low=1.0), counts("guest", c.guest, high=[1.0, 0.0])]
    menu = relaxations(c, blocks).items
    assert all(x.by > 0 and x.to >= 0 for relaxation in menu for x in relaxation.changes)
    assert {tuple(x.at.rule for x in r.changes) for r in menu} == {("host",), ("guest",)}


def test_no_repair_leaves_nobody_to_meet() -> None:
    """A minimum that is dropped costs as little as a meeting more, and would hold an empty round."""
    c = complete(1, 3)
    blocks = [counts("host", c.host, low=1.0), counts("all", np.zeros(3, int), high=0.0)]
    (only,) = relaxations(c, blocks).items
    assert [(x.at.rule, x.to) for x in only.changes] == [("all", 1.0)]
    assert solve(c, relaxed(blocks, only)).chosen.sum() == 1
    never = {"all": np.inf}  # what no rule lets meet has no repair
    assert relaxations(c, blocks, prices=never).items == ()


def test_cheapest_repair_comes_first_and_each_is_another_one() -> None:
    c = complete(2, 5)
    blocks = [
        counts("host places", c.host, high=[2, 2]),
        counts("guest", c.guest, high=1.0),
    ]
    assert shortage(c, [*blocks, wanted(c, np.ones(5))])[0].short == 1
    menu = relaxations(
        c,
        [*blocks, wanted(c, np.ones(5))],
        prices={"host places": [3.0, 1.0], "wanted": np.inf},
    ).items
    assert [repair.price for repair in menu] == [1.0, 3.0]
    (change,) = menu[0].changes
    assert (change.at.rule, change.at.row, change.bound) == ("host places", 1, "high")
    assert (change.by, change.to) == (1.0, 3.0)


def test_repaired_rules_can_be_kept() -> None:
    c = complete(2, 3)
    blocks = [
        counts("host minimum", c.host, low=3.0),
        counts("guest", c.guest, high=1.0),
    ]
    menu = relaxations(c, blocks).items
    assert menu
    for repair in menu:
        assert solve(c, relaxed(blocks, repair)).status == "optimal"
    assert menu[0].price == min(repair.price for repair in menu) == 3.0


def test_rows_that_may_not_give_way_do_not() -> None:
    c = complete(2, 3)
    blocks = [
        counts("host minimum", c.host, low=2.0),
        counts("guest", c.guest, high=1.0),
    ]
    menu = relaxations(c, blocks, prices={"guest": np.inf}).items
    assert {change.at.rule for repair in menu for change in repair.changes} == {"host minimum"}


def test_nothing_to_repair() -> None:
    c = complete(2, 2)
    menu = relaxations(c, [counts("host", c.host, high=2.0)])
    assert (menu.items, menu.complete) == ((), True)


@pytest.mark.slow
def test_exact_clash_among_hundreds_of_rules() -> None:
    c = complete(112, 300)
    rng = np.random.default_rng(0)
    blocks = [
        counts("host", c.host, high=4.0),
        counts("guest", c.guest, high=1.0),
        counts("quota", rng.integers(0, 150, 300)[c.guest], high=2.0, rows=150),
        counts("must", np.where(c.guest < 5, c.guest, -1), low=1.0),
        counts("first host", np.where((c.host > 0) & (c.guest < 5), 0, -1), high=0.0),
    ]
    found = clash(c, blocks, effort=20)
    assert found.status == "clash"
    assert {ref.rule for ref in found.rows} == {"host", "must", "first host"}
