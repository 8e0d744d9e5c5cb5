"""Drawn programmes of rules of every kind, as ``benchmarks/proofs.py`` tries them by the thousand."""

from __future__ import annotations

import sys
from dataclasses import replace
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parents[2] / "benchmarks"))
import rule_proofs

SEEDS = range(20_000, 20_060)


def test_no_answer_is_beaten_and_no_rule_is_read_otherwise():
    found = rule_proofs.run(SEEDS)
    assert found["faults"] == []
    assert all(found["statuses"][way] for way in ("optimal", "optimal at a price", "infeasible"))


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
