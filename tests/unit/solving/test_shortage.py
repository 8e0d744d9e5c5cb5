"""The cut behind a shortage, on cases that can be checked by hand."""

from __future__ import annotations

from typing import Any

import numpy as np

from twinmatch.solving import Block, Candidates, counts, shortage, solve, undercuts


def wanted(c: Candidates, each: Any) -> Block:
    return counts("wanted", c.guest, low=each, high=each, rows=c.n_guests)


def table(allowed: list[list[int]]) -> Candidates:
    may = np.array(allowed, dtype=bool)
    host, guest = np.nonzero(may)
    return Candidates(host, guest, np.zeros(len(host)), *may.shape)


def test_three_guests_compete_for_two_places() -> None:
    candidates = table([[1, 1, 1, 0], [0, 0, 0, 1]])
    blocks = [
        counts("host capacity", candidates.host, high=[2, 5]),
        counts("guest", candidates.guest, high=1.0),
    ]
    (found,) = shortage(candidates, [*blocks, wanted(candidates, np.ones(4))])
    assert found.guests.tolist() == [0, 1, 2]
    assert found.hosts.tolist() == [0]
    assert (found.needed, found.places, found.short) == (3, 2, 1)
    assert [(ref.rule, ref.row) for ref in found.limits] == [("host capacity", 0)]


def test_two_shortages_apart_are_told_apart() -> None:
    candidates = table([[1, 1, 0, 0], [0, 0, 1, 1]])
    blocks = [counts("host", candidates.host, high=1.0)]
    first, second = shortage(candidates, [*blocks, wanted(candidates, np.ones(4))])
    assert (first.guests.tolist(), second.guests.tolist()) == ([0, 1], [2, 3])


def test_minimum_of_a_host_that_too_few_guests_may_meet() -> None:
    candidates = table([[1, 0], [1, 1]])
    blocks = [
        counts("guest", candidates.guest, high=1.0),
        counts("host minimum", candidates.host, low=[2, 0], high=[3, 3]),
    ]
    (found,) = shortage(candidates, blocks)
    assert (found.needed, found.places) == (2, 1)
    assert [(ref.rule, ref.row) for ref in found.needs] == [("host minimum", 0)]
    assert found.hosts.tolist() == [0]
    assert found.guests.tolist() == [0]


def test_minima_of_two_hosts_that_share_one_guest() -> None:
    candidates = table([[1, 0], [1, 0]])
    for blocks in (
        [counts("guest", candidates.guest, high=1.0), counts("host", candidates.host, low=1.0)],
        [counts("host", candidates.host, low=1.0), counts("guest", candidates.guest, high=1.0)],
    ):
        (found,) = shortage(candidates, blocks)
        assert (found.needed, found.places) == (2, 1)
        assert found.hosts.tolist() == [0, 1]
        assert found.guests.tolist() == [0]
        assert solve(candidates, blocks).status == "infeasible"


def test_nothing_is_short() -> None:
    candidates = table([[1, 1], [1, 1]])
    assert (
        shortage(
            candidates, [counts("host", candidates.host, high=1.0), wanted(candidates, [1, 1])]
        )
        == ()
    )


def test_guest_whom_nobody_may_host() -> None:
    candidates = table([[1, 0]])
    (found,) = shortage(
        candidates, [counts("host", candidates.host, high=1.0), wanted(candidates, [1, 1])]
    )
    assert [(ref.rule, ref.row) for ref in found.needs] == [("wanted", 1)]
    assert (found.needed, found.places) == (1, 0)


def test_personal_maximum_below_the_minimum_is_told_by_row() -> None:
    candidates = table([[1, 1], [1, 1]])
    blocks = [
        counts("own maximum", candidates.host, high=[1, 3]),
        counts("minimum of the programme", candidates.host, low=2.0),
    ]
    solution = solve(candidates, blocks)
    assert solution.status == "infeasible"
    (told,) = solution.advice
    assert [(r.rule, r.row) for r in told.needs] == [("minimum of the programme", 0)]
    assert [(r.rule, r.row) for r in told.limits] == [("own maximum", 0)]
    assert (told.needed, told.places) == (2, 1)


def test_row_that_contradicts_itself_or_lacks_candidates() -> None:
    candidates = table([[1, 1], [1, 1]])
    blocks = [counts("host", candidates.host, low=[2, 3], high=[1, 9])]
    found = undercuts(candidates, blocks)
    assert [(u.at.row, u.low, u.high, u.most) for u in found] == [(0, 2, 1, 2), (1, 3, 9, 2)]
    assert solve(candidates, blocks).advice[:2] == found


def test_one_missing_place_among_300_guests_and_112_hosts_is_named_at_once() -> None:
    may = np.ones((112, 300), dtype=bool)
    may[:, :40] = False
    may[:10, :40] = True
    candidates = table(may.tolist())
    capacity = np.full(112, 4)
    capacity[9] = 3
    blocks = [
        counts("host", candidates.host, high=capacity),
        counts("guest", candidates.guest, high=1.0),
    ]
    (found,) = shortage(candidates, [*blocks, wanted(candidates, np.ones(300))])
    assert (len(found.guests), len(found.hosts), found.places) == (40, 10, 39)
