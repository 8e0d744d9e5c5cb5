"""The page of sizes and costs: every table is what the results make, and no marker is left empty."""

from __future__ import annotations

import re
import sys
from pathlib import Path

REPO = Path(__file__).resolve().parents[2]

sys.path.insert(0, str(REPO / "tools"))
import make_scale  # noqa: E402


def test_the_tables_are_what_the_results_make():
    text = make_scale.PAGE.read_text(encoding="utf-8")
    assert make_scale.page(text) == text, "run: python tools/make_scale.py"


def test_every_table_stands_on_the_page_once():
    names = re.findall(r"<!-- table: (\w+) -->", make_scale.PAGE.read_text(encoding="utf-8"))
    assert sorted(names) == sorted(make_scale.TABLES)


def test_a_changed_figure_is_noticed(monkeypatch, tmp_path):
    text = make_scale.PAGE.read_text(encoding="utf-8")
    monkeypatch.setattr(make_scale, "RESULTS", tmp_path)
    assert make_scale.page(text) != text
    assert make_scale.NONE in make_scale.page(text)
