"""Killed at any call that changes a file: nothing that was acknowledged is lost, and nothing is torn.

Some kills of each job; ``benchmarks/kills.py`` does hundreds. See ``killing.py`` for how they are killed.
"""

from __future__ import annotations

import os
import shutil
import sys

import killing
import pytest
from jobs_to_kill import FOLDERS, PROFILES, PROPOSALS, STORES

pytestmark = pytest.mark.skipif(
    not sys.platform.startswith("linux") or shutil.which("cc") is None,
    reason="counts the calls of the C library: needs Linux and a C compiler",
)


def survives(names: tuple[str, ...], rounds: int) -> None:
    """Kill jobs and assert that nothing was lost or torn, and that it was the kills that were survived."""
    for found in killing.run(list(names), rounds):
        assert found["faults"] == [], found["job"]
        assert found["killed"] >= 0.6 * rounds, found
        assert found["by"]["before"] and found["by"]["within"] and found["by"]["time"], found  # noqa: PT018
        assert len(found["left"]) > 1, f"every kill left the same: {found}"


def test_a_killed_writer_leaves_a_whole_folder_or_the_one_before() -> None:
    survives(FOLDERS, 16)


def test_a_killed_import_leaves_the_old_profiles_or_the_new_ones() -> None:
    survives(PROFILES, 16)


@pytest.mark.slow
def test_a_killed_proposal_leaves_a_whole_folder_or_the_one_before() -> None:
    survives(PROPOSALS, 6)


@pytest.mark.slow
def test_a_killed_store_has_all_that_it_acknowledged() -> None:
    survives(STORES["sqlite"], 12)


@pytest.mark.slow
def test_a_killed_store_on_postgresql_has_all_that_it_acknowledged() -> None:
    if not os.environ.get("TWINMATCH_TEST_POSTGRES"):
        pytest.skip("no PostgreSQL server: run tools/postgres_for_tests.sh COMMAND")
    survives(STORES["postgresql"], 6)


def test_the_harness_notices_what_is_torn_or_lost() -> None:
    torn, lost = killing.run(["careless-files", "careless-decisions"], 30)
    assert any("torn" in fault for fault in torn["faults"])
    assert any("AssertionError" in fault for fault in lost["faults"])
