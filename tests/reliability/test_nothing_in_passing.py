"""What was handed in is nowhere in the temporary folder when its proposal was stopped, or its service killed."""

from __future__ import annotations

import contextlib
import json
import os
import signal
import time
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from service_for_tests import PROGRAMME, five_cities
from test_replicas import Replica

CONTACT = "ada.kowalska@town.example"
TABLE = "id,name,country,contact\n" + "".join(f"de-x{k},X{k},DE,{CONTACT}\n" for k in range(800))


@contextmanager
def service(folder: Path, passing: Path) -> Iterator[Replica]:
    """Give a process of the service that makes proposals, and has its own temporary folder."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("TMPDIR", str(passing))
        found = Replica(folder / "cities", str(folder / "s.sqlite"), jobs=1)
    try:
        found.wait_until("/readyz", lambda status, _: status == 200)
        yield found
    finally:
        found.stop()


def hand_in(service: Replica, content: bytes) -> str:
    """Hand a table in at the page of the workbench; return its number."""
    body = b'--x\r\nContent-Disposition: form-data; name="file"; filename="a.csv"\r\n\r\n%s\r\n--x--\r\n'
    headers = {"Content-Type": "multipart/form-data; boundary=x"}
    address = f"http://127.0.0.1:{service.port}/workbench/intake"
    asked = urllib.request.Request(address, body % content, headers)
    with urllib.request.urlopen(asked, timeout=300) as answer:
        return str(answer.geturl())[-16:]


def handed_in(passing: Path) -> list[Path]:
    """Return the files of the temporary folder that hold the contacts."""
    found = []
    # A folder that is removed at this moment is passed over.
    for folder, _, files in os.walk(passing):
        for path in (Path(folder) / name for name in files):
            with contextlib.suppress(FileNotFoundError):
                if CONTACT.encode() in path.read_bytes():
                    found.append(path)
    return found


def until(is_so: Callable[[], object], seconds: float = 180) -> None:
    """Wait until it is so."""
    end = time.monotonic() + seconds
    while not is_so():
        assert time.monotonic() < end
        time.sleep(0.005)


def working(service: Replica, passing: Path) -> str:
    """Ask for a proposal from what is handed in; return its number when it has begun to read."""
    upload = hand_in(service, TABLE.encode())
    status, body = service.ask("/v1/proposals", {"upload": upload, "programme_toml": PROGRAMME})
    assert status == 202, body
    until(lambda: handed_in(passing))
    return str(json.loads(body)["id"])


@pytest.mark.slow
def test_no_upload_stays_when_its_proposal_is_cancelled_killed_or_stopped(tmp_path: Path) -> None:
    """Killed without a last word, the service that starts next sweeps."""
    five_cities(tmp_path)
    passing = tmp_path / "passing"
    passing.mkdir()
    with service(tmp_path, passing) as first:
        proposal = working(first, passing)
        assert first.ask(f"/v1/proposals/{proposal}/cancel", {})[0] == 200
        until(lambda: not handed_in(passing))
        working(first, passing)
        first.stop(signal.SIGKILL)
    with service(tmp_path, passing) as second:
        until(lambda: not handed_in(passing))
        working(second, passing)
        second.stop(signal.SIGTERM)
    assert handed_in(passing) == []
