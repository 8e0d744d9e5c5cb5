"""Killed at any call that changes a file: nothing that was acknowledged is lost, and nothing is torn.

Some kills of each job; ``benchmarks/kills.py`` does hundreds. See ``killing.py`` for how they are killed.
"""

from __future__ import annotations

import shutil
import sys
from typing import Any

import killing
import pytest
from jobs_to_kill import FOLDERS, JOBS, PROFILES, PROPOSALS, STORES

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(
        not sys.platform.startswith("linux") or shutil.which("cc") is None,
        reason="counts the calls of the C library: needs Linux and a C compiler",
    ),
]

ROUNDS = {
    **dict.fromkeys((*FOLDERS, *PROFILES), 6),
    **dict.fromkeys(PROPOSALS, 5),
    **dict.fromkeys(STORES["sqlite"], 5),
    **dict.fromkeys(STORES["postgresql"], 5),
}
CARELESS = ("careless-files:20", "careless-decisions:20")


@pytest.fixture(scope="module")
def found() -> dict[str, dict[str, Any]]:
    """What the kills of each job left; all are forked from one process, which takes seconds to be ready."""
    jobs = [f"{name}:{rounds}" for name, rounds in ROUNDS.items() if name in JOBS]
    return {one["job"]: one for one in killing.run([*jobs, *CARELESS], 0)}


@pytest.mark.parametrize("job", ROUNDS)
def test_a_killed_job_leaves_all_that_it_acknowledged_and_nothing_torn(job: str, found) -> None:
    """Nothing was lost or torn, and it was the kills that were survived."""
    if job not in JOBS:
        pytest.skip("no PostgreSQL server: run tools/postgres_for_tests.sh COMMAND")
    left = found[job]
    assert left["faults"] == []
    assert left["killed"] >= 0.6 * ROUNDS[job], left
    assert left["by"]["before"] and left["by"]["within"] and left["by"]["time"], left  # noqa: PT018
    assert len(left["left"]) > 1, f"every kill left the same: {left}"


def test_the_harness_notices_what_is_torn_or_lost(found) -> None:
    assert any("torn" in fault for fault in found["careless-files"]["faults"])
    assert any("AssertionError" in fault for fault in found["careless-decisions"]["faults"])
