"""Two processes of the service on one store: what is asked, made and decided at one is seen at the other."""

from __future__ import annotations

import json
import signal
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest
from service_for_tests import PROGRAMME, five_cities


class Replica:
    """A process of the service."""

    def __init__(self, cities: Path, store: str, jobs: int) -> None:
        with socket.socket() as s:
            s.bind(("127.0.0.1", 0))
            self.port = s.getsockname()[1]
        command = [sys.executable, "-m", "twinmatch", "serve", str(cities), "--store", store]
        command += ["--port", str(self.port), "--jobs", str(jobs), "--text-model", "static"]
        self.log = cities.parent / f"log-{self.port}"
        with self.log.open("wb") as log:
            self.process = subprocess.Popen(command, stdout=log, stderr=log)

    def ask(self, path: str, body: Any = None, **headers: str) -> tuple[int, bytes]:
        """Return the status and the body of an answer."""
        content = None if body is None else json.dumps(body).encode()
        given = {
            "Content-Type": "application/json",
            **{k.replace("_", "-"): v for k, v in headers.items()},
        }
        asked = urllib.request.Request(f"http://127.0.0.1:{self.port}{path}", content, given)
        try:
            with urllib.request.urlopen(asked, timeout=180) as answer:
                return answer.status, answer.read()
        except urllib.error.HTTPError as error:
            return error.code, error.read()

    def wait_until(self, path: str, is_so: Any, seconds: float = 180) -> Any:
        """Return what a path answers when it is as wanted."""
        end = time.monotonic() + seconds
        while True:
            try:
                status, body = self.ask(path)
                if is_so(status, body):
                    return body
            except OSError:
                pass
            assert self.process.poll() is None, self.log.read_text()
            assert time.monotonic() < end, self.log.read_text()
            time.sleep(0.1)

    def stop(self, how: signal.Signals = signal.SIGTERM) -> None:
        """Stop the process and wait for its end."""
        self.process.send_signal(how)
        try:
            self.process.wait(20)
        except subprocess.TimeoutExpired:
            self.process.kill()


@pytest.fixture
def replicas(place: str, tmp_path: Path) -> Iterator[tuple[Replica, Replica]]:
    """One that makes no proposal itself, and one that makes them."""
    cities = five_cities(tmp_path)
    # The tables of the store are made by whoever comes first, here by both at once.
    both = Replica(cities, place, jobs=0), Replica(cities, place, jobs=1)
    try:
        for replica in both:
            replica.wait_until("/readyz", lambda status, _: status == 200)
        yield both
    finally:
        for replica in both:
            replica.stop()


def state(body: bytes) -> str:
    return str(json.loads(body)["state"])


@pytest.mark.slow
def test_what_is_asked_at_one_is_made_by_the_other_decided_by_both_and_survives_it(
    replicas, place, tmp_path
) -> None:
    decided_by_both(*replicas)
    made_by_the_next_one(*replicas, place, tmp_path / "cities")


def decided_by_both(idle: Replica, working: Replica) -> None:
    """What is asked at one is made by the other, and decided at both."""
    status, body = idle.ask("/v1/proposals", {"title": "Round", "programme_toml": PROGRAMME})
    assert status == 202
    proposal = json.loads(body)["id"]
    ended = idle.wait_until(
        f"/v1/proposals/{proposal}", lambda _, b: state(b) in {"done", "failed", "cancelled"}
    )
    assert state(ended) == "done"
    assert working.ask(f"/v1/proposals/{proposal}") == (200, ended)
    made = [r.ask(f"/v1/proposals/{proposal}/files/proposal.json") for r in (idle, working)]
    assert made[0] == made[1]
    assert made[0][0] == 200

    decisions = f"/v1/proposals/{proposal}/decisions"
    pair = {"kind": "lock", "one": "de-guest", "other": "se-host", "why": "the mayor"}
    assert idle.ask(decisions, pair, If_Match='"0"')[0] == 201
    assert working.ask(decisions) == idle.ask(decisions)
    status, body = working.ask(decisions, {**pair, "kind": "ban"}, If_Match='"0"')
    assert status == 412
    assert json.loads(body)["problems"][0]["code"] == "changed-meanwhile"

    def write(k: int) -> int:
        note = {"kind": "note", "one": "de-guest", "why": f"note {k}"}
        return (idle, working)[k % 2].ask(decisions, note, If_Match='"1"')[0]

    with ThreadPoolExecutor(8) as threads:
        found = sorted(threads.map(write, range(8)))
    assert found == [201] + 7 * [412]  # of those who write at once at both, one is let in


def made_by_the_next_one(idle: Replica, working: Replica, place: str, cities: Path) -> None:
    """What one that is killed has left is made by the next one."""
    jobs = [
        json.loads(idle.ask("/v1/proposals", {"programme_toml": PROGRAMME})[1])["id"]
        for _ in range(3)
    ]
    idle.wait_until(f"/v1/proposals/{jobs[0]}", lambda _, b: state(b) != "waiting")
    working.stop(signal.SIGKILL)
    left = [state(idle.ask(f"/v1/proposals/{job}")[1]) for job in jobs]
    assert "waiting" in left
    following = Replica(cities, place, jobs=1)
    try:
        for job, was in zip(jobs, left, strict=True):
            ended = idle.wait_until(
                f"/v1/proposals/{job}", lambda _, b: state(b) in {"done", "failed"}
            )
            # What was being made when its maker died may be told as interrupted; nothing else is lost.
            assert state(ended) == "done" or was == "running"
            if state(ended) == "failed":
                assert json.loads(ended)["problems"][0]["code"] == "interrupted"
    finally:
        following.stop()
