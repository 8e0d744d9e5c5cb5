"""The worked example of docs/how-it-works.md, computed."""

from __future__ import annotations

import re
from pathlib import Path

import numpy as np
import pytest

from twinmatch.standings import standing

PAGE = Path(__file__).parents[2] / "docs" / "how-it-works.md"


def test_the_table_of_the_page():
    rows = re.findall(
        r"^\| (A-\w) \| (\S+) \| (\S+) \| (\S+) \| (\S+) \| .* = (\S+) \|$",
        PAGE.read_text(encoding="utf-8"),
        re.M,
    )
    assert [row[0] for row in rows] == ["A-X", "A-Y", "A-Z"]
    table = np.array([[float(v) for v in row[1:]] for row in rows])
    everyone = np.ones((1, 3), dtype=bool)
    challenges, language = (standing(table[:, k][None, :], everyone)[0] for k in (0, 2))
    assert challenges == pytest.approx(table[:, 1], abs=0.005)
    assert language == pytest.approx(table[:, 3], abs=0.005)
    assert 0.75 * challenges + 0.25 * language == pytest.approx(table[:, 4], abs=0.005)
