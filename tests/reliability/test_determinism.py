"""The same bytes whatever the order of the input, the threads, and the seed of hashing; in small.

``benchmarks/determinism.py`` does 20 runs in each of 10 processes, and all bundled cities.
"""

from __future__ import annotations

import shutil
import subprocess
import sys
from pathlib import Path

import pytest

BENCHMARKS = Path(__file__).parents[2] / "benchmarks"
sys.path.insert(0, str(BENCHMARKS))


@pytest.mark.slow
def test_the_same_round_has_the_same_bytes() -> None:
    import determinism

    found = determinism.compared(1, 25, ways=((1, 0), (2, 4_294_967_295)), whole=False)
    assert found["differ"] == []
    assert set(found["files_by_kind"]) >= {"json", "xlsx", "html", "graphml", "csv"}
    assert found["runs"] == 2


def test_a_byte_that_differs_is_noticed(monkeypatch: pytest.MonkeyPatch) -> None:
    import determinism

    def in_process(python: str, threads: int, seed: int, *_: object) -> dict[str, object]:
        digest = "other" if (threads, seed) == (2, 42) else "same"
        return {"runs": [{"a.html": "same"}, {"a.html": digest}], determinism.ALL: {}}

    monkeypatch.setattr(determinism, "in_process", in_process)
    assert determinism.compared(2, 5, whole=False)["differ"] == ["some: a.html"]
    assert determinism.compared(2, 5, seeds=(0, 1), whole=False)["differ"] == []


@pytest.mark.slow
@pytest.mark.parametrize("version", ["3.11", "3.12", "3.13"])
def test_other_versions_of_python_make_the_same_bytes(version: str) -> None:
    import determinism

    beside = Path(__file__).parents[2] / "build" / "pythons" / version / "bin" / "python"
    python = str(beside) if beside.exists() else shutil.which(f"python{version}")
    mine = ".".join(map(str, sys.version_info[:2]))
    if version == mine:
        pytest.skip(f"this is Python {mine} already")
    code = "import twinmatch.app, numpy, ortools, highspy"
    if python is None or subprocess.run([python, "-c", code], capture_output=True).returncode:
        pytest.skip(f"NOT CHECKED: no Python {version} with twinmatch; `make pythons` makes one")
    pythons = (sys.executable, python)
    found = determinism.compared(1, 40, threads=(1,), seeds=(0,), whole=False, pythons=pythons)
    assert found["differ"] == []
