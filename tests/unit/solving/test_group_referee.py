"""The referee of groups, by hand: each rule kept, and each rule broken, in words."""

from __future__ import annotations

import numpy as np
import pytest

from twinmatch.solving import Distribute, Gather, NobodyIsolated, group_referee

LABEL = [0, 0, 0, 1, 1, 1]


def breaches(*rules, label=LABEL) -> list[str]:
    return [words for verdict in group_referee(label, *rules) for words in verdict.breaches]


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
    ],
)
def test_each_rule_kept_and_broken(kept, broken, words):
    assert breaches(kept) == []
    assert words in breaches(broken)


def test_a_category_that_is_missing_is_no_category():
    values = [None, "", float("nan"), None, "", None]
    assert breaches(Gather(values), NobodyIsolated(values), Distribute(values, 0, 0)) == []


def test_verdicts_come_by_name_in_order_and_say_whether_they_are_kept():
    even, together = Distribute(list("aabbcc"), 0, 1), Gather(list("aaabbb"))
    found = group_referee([0, 0, 0, 1, 1, -1], even, together)
    assert [(v.rule, v.kept) for v in found] == [
        ("everyone in a group", False),
        (even.name, False),
        (together.name, True),
    ]
    assert found[0].breaches == ("item 5 has no group",)


def test_bounds_may_differ_from_group_to_group():
    leads = np.array([1, 1, 0, 1, 0, 0]) == 1
    assert breaches(Distribute(leads, [2, 1], [2, 1])) == []
    assert breaches(Distribute(leads, [1, 2], [1, 2])) == [
        "group 0 has 2, at most 1 wanted",
        "group 1 has 1, at least 2 wanted",
    ]
