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
