"""What was handed in is nowhere in the temporary folder when its proposal was stopped, or its service killed."""

from __future__ import annotations

import contextlib
import json
import os
import signal
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from service_for_tests import PROGRAMME, five_cities
from test_replicas import Replica

from twinmatch.web.board import Board

CONTACT = "ada.kowalska@town.example"
TABLE = "id,name,country,contact\n" + "".join(f"de-x{k},X{k},DE,{CONTACT}\n" for k in range(40_000))
"""Rows enough to be looked at while they are read."""


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


def handed_in(passing: Path) -> list[Path]:
    """Return the files of the temporary folder that hold the contacts."""
    found = []
    # A folder that is removed at this moment is passed over.
    for folder, _, files in os.walk(passing):
        for path in (Path(folder) / name for name in files):
            with contextlib.suppress(FileNotFoundError):
                if path.is_file():
                    with path.open("rb") as file:
                        found += [path] if CONTACT.encode() in file.read(4096) else []
    return found


def until(is_so: Callable[[], object], seconds: float = 180) -> None:
    """Wait until it is so."""
    end = time.monotonic() + seconds
    while not is_so():
        assert time.monotonic() < end
        time.sleep(0.02)


def working(service: Replica, upload: str, passing: Path) -> str:
    """Ask for a proposal from what is handed in; return its number when it has begun to read."""
    status, body = service.ask("/v1/proposals", {"upload": upload, "programme_toml": PROGRAMME})
    assert status == 202, body
    until(lambda: handed_in(passing))
    return str(json.loads(body)["id"])


@pytest.mark.slow
def test_no_upload_stays_when_its_proposal_is_cancelled_killed_or_stopped(tmp_path: Path) -> None:
    """Killed without a last word, the service that starts next sweeps."""
    five_cities(tmp_path)
    checked = {"errors": 0, "problems": [], "sheets": [], "rows": 40_000, "usable": 40_000}
    # Under a short name, where processes are copies of one that is warm.
    with tempfile.TemporaryDirectory() as name:
        passing = Path(name)
        with service(tmp_path, passing) as first:
            board = Board(str(tmp_path / "s.sqlite"))
            upload = board.keep_upload("a.csv", "Ada", checked, TABLE.encode())
            proposal = working(first, upload, passing)
            assert first.ask(f"/v1/proposals/{proposal}/cancel", {})[0] == 200
            until(lambda: not handed_in(passing))
            working(first, upload, passing)
            first.stop(signal.SIGKILL)
        with service(tmp_path, passing) as second:
            until(lambda: not handed_in(passing))
            working(second, upload, passing)
            second.stop(signal.SIGTERM)
        assert handed_in(passing) == []
