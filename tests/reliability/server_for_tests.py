"""A PostgreSQL server of a test's own, which it can stop and start again."""

from __future__ import annotations

import os
import shutil
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest


class Server:
    """PostgreSQL on a socket in a folder; run as the user of its package where the tests run as root."""

    def __init__(self, programs: Path, folder: Path) -> None:
        self._programs, self._folder = programs, folder
        self.place = f"postgresql://twinmatch@/twinmatch?host={folder}"

    def _run(self, program: str, *arguments: str) -> None:
        who = {"user": "postgres", "group": "postgres", "extra_groups": []} if _is_root() else {}
        with (self._folder / "said").open("ab") as said:
            subprocess.run(
                [str(self._programs / program), *arguments],
                check=True,
                cwd=self._folder,
                stdout=said,
                stderr=said,
                **who,  # type: ignore[call-overload]
            )

    def make(self) -> None:
        """Make a server."""
        data = ("-D", str(self._folder / "data"))
        self._run("initdb", *data, "-U", "twinmatch", "--auth=trust", "--encoding=UTF8", "-N")

    def empty(self) -> None:
        """Let it run, with an empty database."""
        if not (self._folder / "data" / "postmaster.pid").exists():
            self.start()
        here = ("-h", str(self._folder), "-U", "twinmatch", "twinmatch")
        self._run("dropdb", "--if-exists", "--force", *here)
        self._run("createdb", *here)

    def start(self) -> None:
        """Start it and wait until it answers."""
        # A stopped server loses no page that the system holds: only a machine without power would.
        options = f"-c listen_addresses='' -c unix_socket_directories='{self._folder}' -c fsync=off"
        data, log = str(self._folder / "data"), str(self._folder / "log")
        self._run("pg_ctl", "-D", data, "-l", log, "-w", "-o", options, "start")

    def stop(self, how: str = "immediate") -> None:
        """Stop it as if its machine lost power, or (fast) as an administrator does."""
        self._run("pg_ctl", "-D", str(self._folder / "data"), "-m", how, "-w", "stop")


def _is_root() -> bool:
    return hasattr(os, "geteuid") and os.geteuid() == 0


@contextmanager
def server(folder: Path) -> Iterator[Server]:
    """Give a server that is yet to be emptied; skipped where PostgreSQL's programs are not installed."""
    found = sorted(Path("/usr/lib/postgresql").glob("*/bin/initdb"))
    programs = found[-1] if found else Path(shutil.which("initdb") or "")
    if not programs.is_file():
        pytest.skip("PostgreSQL is not installed (apt-get install postgresql)")
    if _is_root():
        shutil.chown(folder, "postgres", "postgres")
    made = Server(programs.parent, folder)
    made.make()
    try:
        yield made
    finally:
        made.stop()
