"""Few candidates in the flow, all of them in the proof, under nested rules: against one flow over all."""

from __future__ import annotations

import sys

import numpy as np
import pytest

from twinmatch.solving import Candidates, counts, solve

module = sys.modules["twinmatch.solving.flow_engine"]
columns = sys.modules["twinmatch.solving.column_generation"]


def question(seed, tied):
    """Return candidates and nested rules: places of hosts, one host a guest, places of countries and in all."""
    rng = np.random.default_rng(seed)
    H, G = int(rng.integers(25, 45)), int(rng.integers(30, 80))
    allowed = np.flatnonzero(rng.random(H * G) < 0.9)
    host, guest = np.divmod(allowed, G)
    score = rng.integers(0, 5, len(host)) / 4 if tied else rng.random(len(host))
    nation = rng.integers(0, 5, G)
    blocks = [
        counts("host", host, low=rng.integers(0, 2, H), high=rng.integers(1, 4, H), rows=H),
        counts("guest", guest, high=1, rows=G),
        counts("country", nation[guest], high=rng.integers(5, 20, 5), rows=5),
    ]
    if seed % 2:
        blocks.append(counts("places", np.zeros(len(host), int), high=G // 2, rows=1))
    return Candidates(host, guest, score, H, G), blocks


@pytest.mark.parametrize("seed", range(14))
@pytest.mark.parametrize("tied", [False, True])
def test_same_answer_as_one_flow_over_all(seed, tied, monkeypatch):
    candidates, blocks = question(seed, tied)
    monkeypatch.setattr(module, "FEW_FROM", sys.maxsize)
    whole = solve(candidates, blocks)
    monkeypatch.setattr(module, "FEW_FROM", 0)
    monkeypatch.setattr(columns, "FIRST", 3)
    few = solve(candidates, blocks)
    assert whole.rounds == 0
    assert few.status == whole.status
    assert few.chosen.tolist() == whole.chosen.tolist()
    if whole.status != "infeasible":
        assert few.bound == pytest.approx(whole.bound, abs=1e-6)


def test_few_are_enough_and_it_is_told(monkeypatch):
    rng = np.random.default_rng(1)
    H, G = 30, 400
    host, guest = (axis.ravel() for axis in np.indices((H, G)))
    blocks = [
        counts("host", host, high=20, rows=H),
        counts("guest", guest, high=1, rows=G),
        counts("country", (guest % 7), high=60, rows=7),
    ]
    monkeypatch.setattr(module, "FEW_FROM", 0)
    monkeypatch.setattr(columns, "FIRST", 4)
    found = solve(Candidates(host, guest, rng.random(H * G), H, G), blocks)
    assert found.status == "optimal"
    assert found.engine == "flow + pricing"
    assert found.rounds > 0
    assert 4 * G <= found.considered < H * G / 2


def test_where_the_rows_promise_too_much_all_are_asked(monkeypatch):
    """Ten guests that one host alone takes: counting allows ten meetings, the rules only two."""
    host, guest = np.zeros(10, int), np.arange(10)
    score = np.linspace(0, 1, 10)
    candidates = Candidates(
        np.append(host, [1]), np.append(guest, [0]), np.append(score, 0.5), 2, 10
    )
    blocks = [
        counts("host", candidates.host, high=[2, 9], rows=2),
        counts("guest", candidates.guest, high=1, rows=10),
    ]
    monkeypatch.setattr(module, "FEW_FROM", 0)
    found = solve(candidates, blocks)
    assert found.filled == 3
    assert found.score == pytest.approx(0.5 + 1 + 8 / 9)
