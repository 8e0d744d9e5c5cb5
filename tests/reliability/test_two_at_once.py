"""Two processes on one store: nothing is lost, nothing is numbered twice, and who saw an older version is told."""

from __future__ import annotations

import itertools
import json
import subprocess
import sys
import threading
from pathlib import Path

import pytest
from stores_for_tests import keep, proposal

from twinmatch.errors import DataError
from twinmatch.store import database
from twinmatch.store.records import open_store

WRITER = """
import json, sys, time
from twinmatch.errors import QuestionError
from twinmatch.store.records import open_store
place, run, by, words = sys.argv[1:]
store = open_store(place)
print("ready", flush=True)
sys.stdin.readline()
told, refused = [], 0
for k in range(2 * int(words)):
    time.sleep(0.002)  # the other one has its turn
    seen = store.held(run).version if k >= int(words) else None
    try:
        told.append([store.add(run, "note", by, why=f"word {k}", seen=seen).number, k])
    except QuestionError as error:
        assert error.problems[0].code == "changed-meanwhile", error
        refused += 1
print(json.dumps([told, refused]), flush=True)
"""


def writers(place: str, run: str, words: int) -> dict[str, tuple[list[list[int]], int]]:
    """Let two processes write at once, whatever came between and then guarded; return what each was told, and how often
    it was told to look again."""
    names = ("Ada", "Bo")
    started = [
        subprocess.Popen(
            [sys.executable, "-c", WRITER, place, run, name, str(words)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        for name in names
    ]
    for process in started:
        assert process.stdout is not None
        assert process.stdout.readline() == "ready\n"
    for process in started:
        assert process.stdin is not None
        process.stdin.write("go\n")
        process.stdin.flush()
    said = [json.loads(process.communicate(timeout=300)[0]) for process in started]
    assert [process.returncode for process in started] == [0, 0]
    return {name: (told, refused) for name, (told, refused) in zip(names, said, strict=True)}


def test_two_processes_decide_about_one_run(place: str) -> None:
    store = open_store(place)
    run = keep(store).id
    found = writers(place, run, 60)
    history = store.history(run)
    assert [e.number for e in history] == list(range(1, len(history) + 1))
    for name, (told, refused) in found.items():
        mine = [[e.number, int(e.why.removeprefix("word "))] for e in history if e.by == name]
        assert mine == told, f"{name} was told otherwise"
        assert len(told) + refused == 120
        assert [k for _, k in told[:60]] == [*range(60)], "without a guard all of them are let in"
    # Who was told to look again has left nothing.
    assert len(history) == sum(len(told) for told, _ in found.values())
    both = [e.by for e in history]
    assert sum(a != b for a, b in itertools.pairwise(both)) >= 1, "only one of them wrote"
    store.close()


def test_two_processes_open_a_new_store_at_once(place: str) -> None:
    code = "import sys; from twinmatch.store.records import open_store; open_store(sys.argv[1]).close()"
    started = [subprocess.Popen([sys.executable, "-c", code, place]) for _ in range(2)]
    assert [process.wait(60) for process in started] == [0, 0]
    store = open_store(place)
    assert store.runs() == ()
    store.close()


def test_two_keep_the_same_proposal_once(place: str) -> None:
    stores = [open_store(place), open_store(place)]
    kept: list[tuple[str, bool]] = []

    def keep_it(number: int) -> None:
        run, new = stores[number].keep(proposal(), "Round", "Ada")
        kept.append((run.id, new))

    for _ in range(2):
        threads = [threading.Thread(target=keep_it, args=(n,)) for n in (0, 1)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join(30)
    assert len({run for run, _ in kept}) == 1
    assert sum(new for _, new in kept) == 1
    assert len(stores[0].runs()) == 1
    for store in stores:
        store.close()


def test_whoever_waits_too_long_is_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    place = str(tmp_path / "store.sqlite")
    slow = open_store(place)
    run = keep(slow).id
    monkeypatch.setattr(database, "BUSY_MS", 200)
    store = open_store(place)
    with slow.change(), pytest.raises(DataError) as refused:
        store.add(run, "note", "Ada", why="x")
    assert refused.value.problems[0].code == "store-busy"
    assert "Try again" in str(refused.value)
    assert store.add(run, "note", "Ada", why="x").number == 1
    with slow.change():
        assert len(store.history(run)) == 1, "who reads waits for nobody"
    for found in (slow, store):
        found.close()
