"""A few of the small cases that ``benchmarks/proofs.py`` tries by the thousand, against every answer there is."""

from __future__ import annotations

import sys
from dataclasses import replace
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parents[3] / "benchmarks"))
import proofs


def test_no_answer_that_is_called_best_is_beaten() -> None:
    found = proofs.run(range(10_000, 10_040))
    assert found["faults"] == []
    assert all(n["optimal"] >= 30 for n in found["statuses"].values())


@pytest.mark.parametrize("fairness", proofs.FAIRNESS)
def test_a_worse_answer_that_is_called_best_is_noticed(
    fairness: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The same answer without its last meeting, or with a bound below its score."""

    free = [c for c in map(proofs.case, range(40)) if not c.at_least.any()]
    small = next(c for c in free if len(proofs.every_answer(c)) > 20)
    assert proofs.fault(small, fairness) == ("optimal", "")
    assign = proofs.assign
    monkeypatch.setattr(
        proofs,
        "assign",
        lambda *a, **k: replace(found := assign(*a, **k), pairs=found.pairs[:-1]),
    )
    assert "level 0" in proofs.fault(small, fairness)[1]
    monkeypatch.setattr(
        proofs, "assign", lambda *a, **k: replace(found := assign(*a, **k), bound=found.score - 1)
    )
    assert "bound" in proofs.fault(small, fairness)[1]
