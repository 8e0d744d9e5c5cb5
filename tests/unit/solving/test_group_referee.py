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
