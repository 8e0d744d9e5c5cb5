"""Drawn programmes of rules of every kind, as ``benchmarks/proofs.py`` tries them by the thousand."""

from __future__ import annotations

import sys
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest

from twinmatch.programmes.round import price_bounds
from twinmatch.programmes.rules import allowed_pairs
from twinmatch.programmes.twinning import Twinning
from twinmatch.solving import solve

sys.path.insert(0, str(Path(__file__).parents[2] / "benchmarks"))
import group_rule_proofs
import rule_proofs

SEEDS = range(20_000, 20_060)
MORE = range(30_000, 30_080)
SOME = {
    "members": range(80),
    "split": range(12, 22),
    "panels": range(20),
    "visits": [5, 15, 20, *range(120, 130)],  # the first three have no answer
}


def test_no_answer_is_beaten_and_no_rule_is_read_otherwise():
    """Rules of every kind together; a draw that no answer keeps ends with a menu whose every repair solves."""
    found = rule_proofs.run((*SEEDS, *MORE))
    assert found["faults"] == []
    assert found["statuses"]["infeasible"] > 6
    assert all(found["statuses"][way] for way in ("optimal", "optimal at a price", "infeasible"))


def test_a_menu_whose_first_repair_does_not_solve_is_found(monkeypatch):
    monkeypatch.setattr(rule_proofs, "taken", lambda rules, *_: (rules, ()))
    found = rule_proofs.run(SEEDS)
    assert found["faults"]
    assert {wrong["found"][:23] for wrong in found["faults"]} == {"repair 1 does not solve"}


@pytest.mark.parametrize(
    "change",
    [
        lambda block: replace(block, high=block.high + 1),
        lambda block: replace(block, low=block.low - 1, switch=None),
        lambda block: block if block.price is None else replace(block, price=3 * block.price),
        lambda block: block if block.price is None else replace(block, price=None),
    ],
)
def test_a_rule_that_is_compiled_otherwise_is_found(monkeypatch, change):
    compiled = rule_proofs.twinning_rules
    monkeypatch.setattr(
        rule_proofs,
        "twinning_rules",
        lambda *asked: [
            replace(r, block=change(r.block)) if r.kind == "rule" and not r.filters else r
            for r in compiled(*asked)
        ],
    )
    assert any(rule_proofs.fault(seed)[1] for seed in SEEDS)


@pytest.mark.parametrize(
    ("form", "ways"),
    [
        ("members", {"optimal", "infeasible"}),
        ("split", {"kept", "at a price", "no cluster"}),
        ("panels", {"kept", "at a price", "no panel"}),
        ("visits", {"visits", "infeasible"}),
    ],
)
def test_no_group_cluster_panel_or_visit_is_beaten(form, ways):
    found = group_rule_proofs.run(form, SOME[form])
    assert found["faults"] == []
    assert set(found["statuses"]) == ways


@pytest.mark.parametrize(
    ("form", "change"),
    [
        ("members", {"balance": 9, "gather": False}),
        ("members", {"at_most": None, "nobody_alone": False}),
        ("split", {"at_least": 0, "share_at_least": None}),
        ("panels", {"at_least": 0, "share_at_least": None}),
        ("visits", {"share_at_most": 1.0, "nobody_alone": False}),
    ],
)
def test_a_rule_on_groups_that_is_left_out_is_found(monkeypatch, form, change):
    """Told in full to the reader of every answer, but in part to the engines."""
    told = group_rule_proofs.told
    monkeypatch.setattr(
        group_rule_proofs, "told", lambda *asked: told(*asked).model_copy(update=change)
    )
    assert any(group_rule_proofs.FORMS[form](seed)[1] for seed in range(24))


def test_no_rule_costs_more_than_its_bound():
    """What the best answer gains without each rule, solved again, against what the one solve says at most."""
    tried = 0
    for seed in range(24):
        rng = np.random.default_rng(seed)
        frame, settings = rule_proofs.cohort(seed % 40).frame, rule_proofs.programme(rng)
        score = rng.integers(0, 101, (len(frame.guests), len(frame.hosts))) / 100
        candidates = frame.candidates(score)
        rules = rule_proofs.twinning_rules(frame, Twinning.model_validate(settings))

        def best(kept, candidates=candidates):
            keep = np.flatnonzero(allowed_pairs(kept))
            blocks = [r.block.take(keep) for r in kept if not r.filters]
            return solve(candidates.take(keep), blocks)

        now = best(rules)
        if now.status == "infeasible":
            continue
        ready = SimpleNamespace(rules=rules, candidates=candidates)
        chosen = np.zeros(len(candidates), dtype=bool)
        chosen[np.flatnonzero(allowed_pairs(rules))] = now.chosen
        bounds = price_bounds(SimpleNamespace(ready=ready, chosen=chosen, solution=now))
        for rule in rules:
            if bounds[rule.name].defines:
                assert rule.kind == "structure"
                continue
            free, bound = best([r for r in rules if r is not rule]), bounds[rule.name]
            assert free.filled - now.filled <= bound.places, (seed, rule.name)
            if bound.score is not None:
                assert free.score - now.score <= bound.score + 1e-6, (seed, rule.name)
            tried += 1
    assert tried > 60
