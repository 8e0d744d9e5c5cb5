from pathlib import Path

import pytest
from stand_ins import Counting


@pytest.fixture
def counting() -> Counting:
    return Counting()


@pytest.fixture(autouse=True)
def _own_cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TWINMATCH_CACHE", str(tmp_path / "cache"))
