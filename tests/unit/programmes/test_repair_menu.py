"""Repairs in words and in numbers: what gives way, by how little, and which row says that it did."""

from __future__ import annotations

import math
from dataclasses import replace

import numpy as np
import pytest
import scipy.sparse as sp

from twinmatch.errors import QuestionError
from twinmatch.programmes.repair_menu import in_menu, menu, taken
from twinmatch.programmes.rules import Rule, forbid
from twinmatch.solving import (
    Block,
    Candidates,
    LimitChange,
    Relaxation,
    RelaxationMenu,
    counts,
    solve,
)
from twinmatch.solving.model import RowRef

# One host with one place; two of its three guests are locked to it.
ONE = Candidates(np.zeros(3, int), np.arange(3), np.array([0.5, 0.4, 0.3]), 1, 3)
PLACES = counts("guests per host", ONE.host, high=1, says=lambda _: "Aarhus takes 0 to 1 guests")
LOCKS = Block(
    "locks",
    sp.csr_array(np.eye(3)[:2]),
    np.ones(2),
    np.full(2, np.inf),
    lambda k: f"{'ab'[k]}=AARHUS X.",
)
EACH = counts("one host each", ONE.guest, high=1)
BLOCKS = [PLACES, LOCKS, EACH]
KINDS = {"guests per host": "places", "locks": "lock", "one host each": "structure"}
RULES = tuple(
    Rule(block.name, f"Says {block.name}.", block, kind=KINDS[block.name]) for block in BLOCKS
)

MENU = {
    "Repair {}: Aarhus takes 0 to 1 guests: at most 2 in place of 1.",
    "Repair {}: drop the lock: a=AARHUS X.",
    "Repair {}: drop the lock: b=AARHUS X.",
}


def test_the_menu_has_every_way_out_with_its_number_and_how_to_take_it():
    found = menu(ONE, RULES)
    assert [repair.price for repair in found.items] == [1, 1, 1]
    told = in_menu(found, RULES)
    assert {p.found.replace(f"Repair {n}:", "Repair {}:") for n, p in enumerate(told, 1)} == MENU
    assert [(p.code, p.do) for p in told] == [
        ("repair", f"Take it with --repair {n}.") for n in (1, 2, 3)
    ]


def test_what_a_meeting_is_never_gives_way():
    twice = Candidates(np.array([0, 1]), np.array([0, 0]), np.array([0.5, 0.4]), 2, 1)
    for kind in ("structure", "demand", "load"):
        one = Rule("each", "", counts("each", twice.guest, high=1), kind=kind)
        both = Block("locks", sp.csr_array(np.eye(2)), np.ones(2), np.full(2, np.inf), str)
        found = menu(twice, [one, Rule("locks", "", both, kind="lock")])
        assert {change.at.rule for repair in found.items for change in repair.changes} == {"locks"}
        assert len(found.items) == 2


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        (
            [LimitChange(RowRef("guests per host", 0, 0), "high", 2.0, 3.0)],
            "Aarhus takes 0 to 1 guests: at most 3 in place of 1",
        ),
        (
            [LimitChange(RowRef("locks", 1, 1), "low", 1.0, 0.0)],
            "drop the lock: b=AARHUS X",
        ),
        (
            [
                LimitChange(RowRef("locks", 1, 0), "low", 1.0, 0.0),
                LimitChange(RowRef("guests per host", 0, 0), "high", 0.5, 1.5),
                LimitChange(RowRef("locks", 1, 1), "low", 1.0, 0.0),
            ],
            "drop the lock: a=AARHUS X; drop the lock: b=AARHUS X; "
            "Aarhus takes 0 to 1 guests: at most 1.5 in place of 1",
        ),
    ],
)
def test_a_repair_in_words_rule_by_rule(changes, words):
    (told,) = in_menu(RelaxationMenu((Relaxation(tuple(changes), 1.0),), True), RULES)
    assert told.found == f"Repair 1: {words}."


@pytest.mark.parametrize(
    ("count", "words"),
    [
        (3, "row 0: at least 1 in place of 2; row 1: at least 1 in place of 2; row 2: at least 1 in place of 2"),
        (
            5,
            "row 0: at least 1 in place of 2; row 1: at least 1 in place of 2; "
            "row 2: at least 1 in place of 2; and 2 more likewise",
        ),
    ],
)  # fmt: skip
def test_of_many_rows_three_are_told_and_the_others_counted(count, words):
    least = counts("least", np.arange(count), low=2, says=lambda k: f"row {k}")
    changes = [LimitChange(RowRef("least", 0, k), "low", 1.0, 1.0) for k in range(count)]
    (told,) = in_menu(
        RelaxationMenu((Relaxation(tuple(changes), 1.0),), True), [Rule("least", "", least)]
    )
    assert told.found == f"Repair 1: {words}."


@pytest.mark.parametrize("number", [1, 2, 3])
def test_a_repair_that_is_taken_changes_one_limit_and_says_so(number):
    rules, gave_way = taken(RULES, ONE, [number])
    assert [rule.name for rule in rules] == [rule.name for rule in RULES]
    assert solve(ONE, [rule.block for rule in rules]).status == "optimal"
    told = in_menu(menu(ONE, RULES), RULES)[number - 1].found
    (row,) = gave_way
    assert (row.status, row.repair) == ("relaxed", number)
    assert row.says == f"Gave way by repair {number}: {told.partition(': ')[2]}"
    assert row.rule in {"locks", "guests per host"}
    for before, after in zip(RULES, rules, strict=True):
        same = (after.block.low == before.block.low).all() and (
            after.block.high == before.block.high
        ).all()
        assert same is np.bool_(after.name != row.rule)


@pytest.mark.parametrize("number", [0, 4, -1])
def test_a_number_that_the_menu_has_not_is_a_question(number):
    with pytest.raises(QuestionError) as caught:
        taken(RULES, ONE, [number])
    (problem,) = caught.value.problems
    assert (problem.code, problem.found, problem.do) == (
        "no-such-repair",
        f"There is no repair {number}: the menu has 3.",
        "Run without --repair to see it.",
    )


def test_a_filter_stays_and_what_it_forbids_is_no_way_out():
    storm = forbid("storm", "Nobody sails.", np.array([True, False, False]))
    least = Block(
        "least", sp.csr_array([[1.0, 1.0, 0.0]]), np.array([2.0]), np.array([np.inf]), str
    )
    rules = (storm, Rule("least", "Two.", least), RULES[2])
    changed, gave_way = taken(rules, ONE, [1])
    assert changed[0] is storm
    assert changed[1].block.low.tolist() == [1.0]
    assert [row.rule for row in gave_way] == ["least"]
    assert math.isinf(changed[1].block.high[0])


def test_a_menu_that_was_cut_short_says_so():
    cheapest = Relaxation((LimitChange(RowRef("locks", 1, 0), "low", 1.0, 0.0),), 1.0)
    for found, codes in (
        (RelaxationMenu((cheapest,), True), ["repair"]),
        (RelaxationMenu((cheapest,), False), ["repair", "repairs-cut-short"]),
        (
            RelaxationMenu((replace(cheapest, cheapest=False),), True),
            ["repair", "repairs-cut-short"],
        ),
    ):
        assert [problem.code for problem in in_menu(found, RULES)] == codes
