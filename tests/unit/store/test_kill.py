"""A kill at any moment leaves the store readable, and the last decision either whole or absent."""

from __future__ import annotations

import os
import random
import signal
import sqlite3
import subprocess
import sys

import pytest
from stores_for_tests import POSTGRES, keep

from twinmatch.store.records import open_store

WRITER = """
import sys
from twinmatch.store.records import open_store
store, run = open_store(sys.argv[1]), sys.argv[2]
print("ready", flush=True)
while True:
    entry = store.add(run, "note", "writer", why="word " * 400)
    print(entry.number, flush=True)
"""


def killed_writer(place: str, run: str, entries: int) -> int:
    """Start a writer, kill it when it has acknowledged some entries, and return the last number that it acknowledged."""
    process = subprocess.Popen(
        [sys.executable, "-c", WRITER, place, run], stdout=subprocess.PIPE, text=True
    )
    assert process.stdout is not None
    assert process.stdout.readline() == "ready\n"
    first = [process.stdout.readline() for _ in range(entries)]
    os.kill(process.pid, signal.SIGKILL)  # while it writes the next one
    lines = "".join([*first, process.stdout.read()]).split("\n")
    process.wait()
    process.stdout.close()
    # The kill can cut the last line short, so only lines with an end were acknowledged.
    acknowledged = [int(line) for line in lines[:-1]]
    return max(acknowledged, default=0)


@pytest.mark.slow
def test_kills_lose_nothing_that_was_acknowledged(place):
    store = open_store(place)
    run = keep(store).id
    rng = random.Random(7)
    last = 0
    for _ in range(6):
        last = max(last, killed_writer(place, run, rng.randint(0, 8)))
        history = store.history(run)
        assert [e.number for e in history] == list(range(1, len(history) + 1))
        assert last <= len(history)
        assert all(e.why == ("word " * 400).strip() and e.by == "writer" for e in history)
        last = len(history)
    assert last > 0
    store.add(run, "approve", "Ada")
    store.close()
    if not POSTGRES or not place.startswith("postgresql"):
        with sqlite3.connect(place) as connection:
            assert connection.execute("PRAGMA integrity_check").fetchone() == ("ok",)
        connection.close()
