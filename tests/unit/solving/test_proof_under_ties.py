"""Many pairs that tie must not cost the proof: their rounding does not add up."""

from __future__ import annotations

import numpy as np

from twinmatch.solving import Candidates, counts, solve


def test_a_round_of_ties_is_proven_best():
    n_hosts, n_guests, places = 81, 52, 30
    host, guest = (axis.ravel() for axis in np.indices((n_hosts, n_guests)))
    score = np.full((n_hosts, n_guests), 0.5 + 1 / 7)
    score[:, ::2] = np.pi / 5 + np.arange(n_hosts)[:, None] * 1e-9 / 3
    candidates = Candidates(host, guest, score.ravel(), n_hosts, n_guests)
    blocks = [
        counts("host", host, low=0, high=2, rows=n_hosts),
        counts("guest", guest, high=1, rows=n_guests),
        counts("places", np.zeros_like(host), high=places, rows=1),
    ]
    found = solve(candidates, blocks)
    assert found.status == "optimal"
    assert found.filled == places
    assert found.bound >= found.score
    best = np.sort(score.max(axis=0))[::-1][:places].sum()
    assert abs(found.score - best) < 1e-6


def test_what_a_level_may_fall_short_by_costs_no_proof():
    """The best total gains four by dropping one earlier meeting for another: a slack of 2e-7 is worth 8e-7."""
    host, guest = np.array([0, 1, 0, 0, 1, 1, 0, 1]), np.array([2, 2, 1, 0, 0, 1, 3, 3])
    score = np.array([0.0, 0.0, 0.0, 1.0, -1.0, 2.0, 0.0, 0.0])
    earlier = np.array([0, 0, 1, 1, 1, 0, 0, 0], dtype=bool)
    blocks = [
        counts("host", host, low=[0, 0], high=[1, 1], rows=2),
        counts("guest", guest, high=[1, 1, 0, 0], rows=4),
        counts("size", np.zeros_like(host), high=2, rows=1),
        counts("any", host, high=2, rows=2),
    ]
    found = solve(
        Candidates(host, guest, score, 2, 4),
        blocks,
        objectives=("fewest changes", "total"),
        previous=earlier,
    )
    assert found.status == "optimal"
    assert found.score == -1.0
