from __future__ import annotations

from pathlib import Path

from twinmatch.app.intake import KINDS
from twinmatch.intake.forms import GENERAL, LEVELS

TEXT = (Path(__file__).parents[3] / "docs" / "intake.md").read_text("utf-8")


def test_the_documentation_has_the_wording_of_every_level() -> None:
    for sentence in (*GENERAL, *(s for levels in LEVELS.values() for s in levels)):
        assert sentence in TEXT


def test_the_documentation_names_every_format() -> None:
    for kind in KINDS:
        assert f"import {kind}" in TEXT or f"`{kind}`" in TEXT
