"""The referee of groups, by hand: each rule kept, and each rule broken, in words."""

from __future__ import annotations

import numpy as np
import pytest

from twinmatch.solving import Balance, Distribute, Gather, NobodyIsolated, group_referee

LABEL = [0, 0, 0, 1, 1, 1]


def breaches(*rules, label=LABEL, **said) -> list[str]:
    return [words for verdict in group_referee(label, *rules, **said) for words in verdict.breaches]


@pytest.mark.parametrize(
    ("kept", "broken", "words"),
    [
        (
            Distribute(np.ones(6) == [1, 0, 0, 1, 0, 0], 1, 1),
            Distribute(np.ones(6) == [1, 1, 0, 0, 0, 0], 1),
            "group 1 has 0, at least 1 wanted",
        ),
        (
            Distribute(list("abcabc"), 1, 1),
            Distribute(list("aabbcc"), 0, 1),
            "group 0 has 2 of a, at most 1 wanted",
        ),
        (Gather(list("aaabbb")), Gather(list("aabbbb")), "the items of b sit in groups 0, 1"),
        (
            NobodyIsolated(np.array([1, 1, 0, 0, 0, 0]) == 1),
            NobodyIsolated(np.array([1, 0, 0, 0, 0, 0]) == 1),
            "group 0 has one alone",
        ),
        (
            Balance([1, 2, 3, 3, 2, 1], 0),
            Balance([1, 2, 3, 4, 5, 6], 1),
            "group 0 has a mean of 2, more than 1 from 3.5",
        ),
        (
            Balance([1, 2, 3, 3, 2, 1], 0, of="sum"),
            Balance([0, 0, 0, 1, 1, 1], 1, of="sum"),
            "group 0 has a sum of 0, more than 1 from 1.5",
        ),
    ],
)
def test_each_rule_kept_and_broken(kept, broken, words):
    assert breaches(kept) == []
    assert words in breaches(broken)


@pytest.mark.parametrize(
    ("said", "words"),
    [
        ({"sizes": (1, 2)}, "group 0 has 3 members, not 1 to 2"),
        ({"groups": [(3, 3), (3, 3), (1, 2)]}, "group 2 has 0 members, not 1 to 2"),
        ({"groups": [(6, 6)]}, "group 1 does not exist"),
        ({"allowed": [[True, True]] * 5 + [[True, False]]}, "item 5 may not be in group 1"),
        ({"fixed": [1, -1, -1, -1, -1, -1]}, "item 0 is in group 0, fixed in group 1"),
        ({"together": [(0, 3)]}, "items 0 and 3 are parted"),
        ({"apart": [(0, 1)]}, "items 0 and 1 share group 0"),
        ({"label": [0, 0, 0, 1, 1, -1]}, "item 5 has no group"),
    ],
)
def test_what_is_not_a_rule_of_attributes(said, words):
    assert words in breaches(**said)


def test_a_category_that_is_missing_is_no_category():
    values = [None, "", float("nan"), None, "", None]
    assert breaches(Gather(values), NobodyIsolated(values), Distribute(values, 0, 0)) == []


def test_verdicts_come_by_name_in_a_fixed_order_and_say_whether_they_are_kept():
    rule = Distribute(list("aabbcc"), 0, 1)
    found = group_referee(
        LABEL,
        rule,
        sizes=(3, 3),
        allowed=[[True, True]] * 6,
        fixed=[0, -1, -1, 0, -1, -1],
        together=[(0, 1)],
        apart=[(0, 1)],
    )
    assert [(v.rule, v.kept) for v in found] == [
        ("everyone in a group", True),
        ("sizes", True),
        ("allowed", True),
        ("fixed", False),
        ("together", True),
        ("apart", False),
        (rule.name, False),
    ]
    assert found[3].breaches == ("item 3 is in group 1, fixed in group 0",)


def test_what_is_not_said_is_not_judged():
    assert [v.rule for v in group_referee(LABEL)] == ["everyone in a group", "together", "apart"]


@pytest.mark.parametrize(
    ("sizes", "kept"),
    [((3, 3), True), ((2, 3), True), ((3, 4), True), ((4, 5), False), ((1, 2), False)],
)
def test_both_ends_of_a_size_are_allowed(sizes, kept):
    assert (breaches(sizes=sizes) == []) is kept


@pytest.mark.parametrize(
    ("label", "allowed", "words"),
    [
        ([0, 1], [[True, False], [False, True]], []),
        ([1, 0], [[True, False], [False, True]], [(0, 1), (1, 0)]),
        ([0, 2], [[True, False], [True, True]], [(1, 2)]),
        ([0, -1], [[True, False], [False, False]], []),
        ([0, 1], [[0, 1], [0, 1]], [(0, 0)]),
    ],
)
def test_a_place_is_judged_item_by_item_also_in_the_first_group(label, allowed, words):
    found = next(v for v in group_referee(label, allowed=allowed) if v.rule == "allowed")
    assert list(found.breaches) == [f"item {i} may not be in group {g}" for i, g in words]


def test_nobody_without_a_group_is_fixed_by_being_free():
    found = {v.rule: v for v in group_referee([1, -1, 0], fixed=[0, -1, 1])}
    assert found["fixed"].breaches == (
        "item 0 is in group 1, fixed in group 0",
        "item 2 is in group 0, fixed in group 1",
    )


def test_items_without_a_group_share_none():
    assert breaches(label=[-1, -1, 0], apart=[(0, 1)]) == [f"item {i} has no group" for i in (0, 1)]


def test_bounds_may_differ_from_group_to_group():
    leads = np.array([1, 1, 0, 1, 0, 0]) == 1
    assert breaches(Distribute(leads, [2, 1], [2, 1])) == []
    assert breaches(Distribute(leads, [1, 2], [1, 2])) == [
        "group 0 has 2, at most 1 wanted",
        "group 1 has 1, at least 2 wanted",
    ]


def test_a_sum_is_compared_with_its_share_of_all_groups_the_empty_ones_included():
    weights = Balance([1, 1, 1, 1, 1, 1], 1, of="sum")
    assert breaches(weights) == []
    assert breaches(weights, groups=[(0, 6)] * 3) == []
    assert breaches(Balance([1] * 6, 0.5, of="sum"), groups=[(0, 6)] * 3) == [
        f"group {g} has a sum of 3, more than 0.5 from 2" for g in (0, 1)
    ]


@pytest.mark.parametrize(
    ("values", "kept"),
    [
        ([-1e-9, 1e-9], True),
        ([0.0, 3e-9], False),
        ([1e6, 1e6 + 1e-3], True),
        ([1e6, 1e6 + 1e-2], False),
    ],
)
def test_room_for_the_rounding_of_sums_grows_with_the_values(values, kept):
    assert (breaches(Balance(values, 0), label=[0, 1]) == []) is kept
