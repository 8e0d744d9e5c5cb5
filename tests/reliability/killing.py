"""Kill a job at every call that changes a file, and at random moments, and look at what is left.

A round: a folder is made ready, a child process does the job in it and tells through a pipe what it has
acknowledged, the child is killed, and the job's own check looks at what it left: first as any reader finds it, then
as the next run leaves it. The child is forked from a warm process, so that a round costs milliseconds.

Where it is killed:

- ``before``: before the n-th call that changes a file or sends to a server, for every n (or as many as are asked for);
- ``within``: in the middle of that call: half of the bytes are written, or it has just been made;
- ``time``: after a random time, by another process.

The calls are counted by ``faults.c``, which stands between Python, SQLite or libpq and the C library. Run by the
tests beside it, and for long by ``benchmarks/kills.py``:

    python benchmarks/kills.py files-over decisions-sqlite --rounds 60 --seed 7
"""

from __future__ import annotations

import argparse
import ctypes
import json
import os
import random
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Protocol

HERE = Path(__file__).parent
MODES = {"count": 1, "before": 2, "within": 3, "refuse": 4}
OURS = ("DataError", "QuestionError")
"""Errors on purpose, which every door tells in words."""

Tell = Callable[[object], None]


class Job(Protocol):
    """Something that writes, and what must hold whenever it is killed."""

    name: str

    def ready(self, folder: Path) -> None:
        """Make a folder ready: what was there before the job begins."""

    def act(self, folder: Path, tell: Tell) -> None:
        """Do the job, in a child process; ``tell`` what is acknowledged."""

    def check(self, folder: Path, told: list[Any]) -> str:
        """Return in a word what was left; AssertionError where something is lost or torn."""


@dataclass
class Found:
    """What the rounds of a job showed."""

    job: str
    calls: int = 0
    rounds: int = 0
    killed: int = 0
    by: Counter[str] = field(default_factory=Counter)
    left: Counter[str] = field(default_factory=Counter)
    faults: list[str] = field(default_factory=list)
    seconds: float = 0.0


def compiled(folder: Path) -> Path | None:
    """Return the compiled faults; None where there is no C compiler."""
    compiler = shutil.which("cc") or shutil.which("gcc") or shutil.which("clang")
    if compiler is None or not sys.platform.startswith("linux"):
        return None
    made = folder / "faults.so"
    subprocess.run(
        [compiler, "-O1", "-shared", "-fPIC", "-o", str(made), str(HERE / "faults.c"), "-ldl"],
        check=True,
        capture_output=True,
    )
    return made


def in_child(
    job: Job, folder: Path, mode: str, at: int = 0, after: float | None = None, code: int = 0
) -> tuple[list[Any], int, float, str]:
    """Do a job in a child; return what it told, its wait status, its seconds, and why it failed by itself."""
    reading, writing = os.pipe()
    begun = time.monotonic()
    child = os.fork()
    if child == 0:
        os.close(reading)
        status, faults = 1, ctypes.CDLL(None)

        def tell(what: object) -> None:
            os.write(writing, json.dumps(what).encode() + b"\n")

        try:
            if mode in MODES:
                faults.faults_arm(at, MODES[mode], code)
            job.act(folder, lambda what: tell({"told": what}))
            calls = faults.faults_seen() if mode in MODES else 0
            faults.faults_arm(0, 0, 0) if mode in MODES else None
            tell({"calls": calls})
            status = 0
        except BaseException as error:
            faults.faults_arm(0, 0, 0) if mode in MODES else None
            tell({"error": f"{type(error).__name__}: {error}"})
        finally:
            os._exit(status)
    os.close(writing)
    if after is not None:
        time.sleep(after)
        os.kill(child, signal.SIGKILL)
    with os.fdopen(reading, "rb") as pipe:
        text = pipe.read()
    _, status = os.waitpid(child, 0)
    told: list[Any] = []
    error = ""
    for line in text.split(b"\n")[:-1]:  # a line without its end was never acknowledged
        said = json.loads(line)
        if "told" in said:
            told.append(said["told"])
        error = said.get("error", error)
        if "calls" in said:
            told.append(said)
    return told, status, time.monotonic() - begun, error


def plan(calls: int, seconds: float, rounds: int, rng: random.Random) -> list[tuple[str, float]]:
    """Return where to kill: calls, as many before as within, as far as the rounds reach; a fifth and the rest by time."""
    each = min(calls, (rounds - rounds // 5) // 2)
    places = range(1, calls + 1)
    chosen = [(mode, float(at)) for mode in ("before", "within") for at in rng.sample(places, each)]
    timed = rounds - 2 * each
    return [*chosen, *(("time", rng.uniform(0.0, 1.05 * seconds)) for _ in range(timed))]


def kill(job: Job, rounds: int, seed: int, root: Path) -> Found:
    """Return what so many kills of a job left."""
    rng, found, begun = random.Random(f"{job.name} {seed}"), Found(job.name), time.monotonic()
    folder = root / job.name
    seconds, calls = 0.0, dict[object, int]()
    for _ in getattr(job, "starts", (None,)):  # what changes a file differs by where a job starts
        ready(job, folder)
        told, status, took, error = in_child(job, folder, "count")
        assert status == 0, f"{job.name} fails without any kill: {error}"
        calls[getattr(job, "start", None)] = int(told.pop()["calls"])
        seconds = max(seconds, took)
        found.left[job.check(folder, told)] += 1
    found.calls = max(calls.values())
    assert min(calls.values()) > 0
    for mode, at in plan(found.calls, seconds, rounds, rng):
        ready(job, folder)
        if mode == "time":
            told, status, _, error = in_child(job, folder, mode, after=at)
        else:
            at = (int(at) - 1) % calls[getattr(job, "start", None)] + 1
            told, status, _, error = in_child(job, folder, mode, at)
        found.rounds += 1
        found.by[mode] += 1
        killed = os.WIFSIGNALED(status) and os.WTERMSIG(status) == signal.SIGKILL
        found.killed += killed
        if told and isinstance(told[-1], dict) and "calls" in told[-1]:
            told.pop()
        where = f"{job.name}, seed {seed}, {mode} {at:g}"
        if not killed and status != 0:
            found.faults.append(f"{where}: the job failed by itself: {error}")
            continue
        try:
            found.left[job.check(folder, told)] += 1
        except Exception as fault:
            found.faults.append(f"{where}: {type(fault).__name__}: {fault}"[:600])
    found.seconds = round(time.monotonic() - begun, 1)
    return found


def refuse(job: Job, rounds: int, seed: int, root: Path, code: int) -> Found:
    """Return what a disk left that takes nothing more from some call on, for every call or as many as asked for.

    The job may go on without (a cache), or say in words of ours that it cannot; it may not be killed, say nothing
    of ours, or leave what its check does not allow.
    """
    rng, found, begun = random.Random(f"{job.name} {seed}"), Found(job.name), time.monotonic()
    folder = root / job.name
    ready(job, folder)
    told, status, _, error = in_child(job, folder, "count")
    assert status == 0, f"{job.name} fails without any fault: {error}"
    found.calls = int(told.pop()["calls"])
    calls = range(1, found.calls + 1)
    for at in calls if len(calls) <= rounds else sorted(rng.sample(calls, rounds)):
        ready(job, folder)
        told, status, _, error = in_child(job, folder, "refuse", at, code=code)
        found.rounds += 1
        if told and isinstance(told[-1], dict) and "calls" in told[-1]:
            told.pop()
        where = f"{job.name}, seed {seed}, refused from {at} on"
        if not os.WIFEXITED(status) or (status != 0 and not error.startswith(OURS)):
            found.faults.append(f"{where}: {status} {error}"[:600])
        found.by[error.partition(":")[0] or "went on"] += 1
        try:
            found.left[job.check(folder, told)] += 1
        except Exception as fault:
            found.faults.append(f"{where}: {type(fault).__name__}: {fault}"[:600])
    found.seconds = round(time.monotonic() - begun, 1)
    return found


def ready(job: Job, folder: Path) -> None:
    """Make a job's folder anew."""
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    job.ready(folder)


def run(
    names: list[str], rounds: int, seed: int = 7, nice: int = 0, refused: int = 0
) -> list[dict[str, Any]]:
    """Return what a process of its own, with faults loaded before the C library, found; one entry a job.

    A name may end with a number of rounds of its own, as in ``import:16``.
    ``refused`` is an errno: calls are refused with it, and nobody is killed.
    """
    memory = "/dev/shm" if os.access("/dev/shm", os.W_OK) else None  # a kill is no loss of power
    with tempfile.TemporaryDirectory(prefix="kills-", dir=memory) as folder:
        faults = compiled(Path(folder))
        assert faults is not None, "this needs Linux and a C compiler"
        done = subprocess.run(
            [
                *("nice", "-n", str(nice)),
                *(sys.executable, str(Path(__file__)), *names),
                *("--rounds", str(rounds), "--seed", str(seed), "--in", folder),
                *("--refused", str(refused)),
            ],
            env={**os.environ, "LD_PRELOAD": str(faults), "OMP_NUM_THREADS": "1"},
            capture_output=True,
            text=True,
            check=False,
        )
    assert done.returncode == 0, done.stderr[-3000:]
    found: list[dict[str, Any]] = json.loads(done.stdout.splitlines()[-1])
    return found


def main() -> None:
    """Run jobs by name and print what was found as one line of JSON."""
    sys.path.insert(0, str(HERE))
    from jobs_to_kill import CARELESS, JOBS

    known = {**JOBS, **CARELESS}
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("jobs", nargs="+", help=", ".join([*known, "all"]))
    parser.add_argument("--rounds", type=int, default=60)
    parser.add_argument("--seed", type=int, default=7)
    parser.add_argument("--in", dest="root", type=Path, required=True)
    parser.add_argument("--refused", type=int, default=0)
    given = parser.parse_args()
    found = []
    for name in list(JOBS) if "all" in given.jobs else given.jobs:
        job, _, own = name.partition(":")
        asked = (known[job], int(own or given.rounds), given.seed, given.root)
        found.append(refuse(*asked, given.refused) if given.refused else kill(*asked))
    sys.stdout.write(json.dumps([vars(f) for f in found]) + "\n")


if __name__ == "__main__":
    main()
