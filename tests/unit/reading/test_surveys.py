"""Exports of seven survey tools in six languages: what is guessed is right, what is not is asked or reported."""

from __future__ import annotations

import json
import sys
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parents[3] / "benchmarks"))
from surveys import SURVEYS, score

TRUTH = json.loads((SURVEYS / "truth.json").read_text("utf-8"))


def test_there_are_thirty_of_seven_tools_in_six_languages() -> None:
    assert len(TRUTH) == 30
    assert len({t["tool"] for t in TRUTH.values()}) == 7
    assert len({t["language"] for t in TRUTH.values()}) == 6


@pytest.mark.parametrize("name", sorted(TRUTH))
def test_an_export_is_read_right(name: str) -> None:
    found = score(SURVEYS / name, TRUTH[name])
    right, wrong, missed = (found.cells[k] for k in ("right", "wrong", "missed"))
    assert right >= 0.9 * (right + wrong + missed), found.told
    assert not found.cells["silent"], found.told
    assert not found.cells["extra rows"], found.told
    assert not found.columns["wrong"], found.told
    assert found.asked <= 3
