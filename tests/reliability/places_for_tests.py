"""Places that refuse: a small disk, a read-only one, folders of somebody else, and the command line in them."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from unittest import mock

import pytest

from commands_for_tests import command

SOURCE = Path(__file__).parents[2] / "src"
NOBODY = 65534
BOUND = ("setpriv", "--inh-caps=-all", "--bounding-set=-dac_override,-dac_read_search,-fowner")
"""Root as anybody else: it may write only what is its own."""


def twinmatch(
    *arguments: object, cwd: Path, bound: bool = False
) -> subprocess.CompletedProcess[str]:
    """Run a command here; bound by what others let it in a process of its own, where that is asked."""
    own = {"HOME": str(cwd), "XDG_CACHE_HOME": str(cwd / "cache")}
    if not bound:
        with mock.patch.dict(os.environ, own):
            return command(*arguments, folder=cwd)
    return subprocess.run(
        [*BOUND, sys.executable, "-m", "twinmatch", *map(str, arguments)],
        cwd=cwd,
        env={**os.environ, **own, "PYTHONPATH": str(SOURCE), "COLUMNS": "200"},
        capture_output=True,
        text=True,
        check=False,
    )


def give_away(folder: Path) -> None:
    """Let a folder and its files be nobody's, for root to be bound by; skipped where that is not to be had."""
    tried = [*BOUND, "true"]
    if os.geteuid() or not shutil.which(BOUND[0]) or subprocess.run(tried, check=False).returncode:
        pytest.skip("nothing can be given away here: needs Linux and root")
    for path in (folder, *folder.rglob("*")):
        os.chown(path, NOBODY, NOBODY)
        path.chmod(0o755 if path.is_dir() else 0o644)


def said_in_words(done: subprocess.CompletedProcess[str], *words: str) -> None:
    """Assert that a command ended with code 2 and said why, without its inside."""
    text = done.stdout + done.stderr
    assert done.returncode == 2, text
    assert "Traceback" not in text, text
    plain = " ".join(text.split())
    for word in words:
        assert word in plain, text


def done_well(done: subprocess.CompletedProcess[str]) -> str:
    """Return what a command printed; AssertionError where it failed."""
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


@contextmanager
def small_disk(folder: Path, kilobytes: int) -> Iterator[Path]:
    """Give a folder on a real disk of so many kilobytes; the test is skipped where none may be mounted."""
    place = folder / "disk"
    place.mkdir()
    options = f"size={kilobytes}k,mode=0777"
    command = ["mount", "-t", "tmpfs", "-o", options, "tmpfs", str(place)]
    if (
        not shutil.which("mount")
        or subprocess.run(command, capture_output=True, check=False).returncode
    ):
        pytest.skip("no disk may be mounted here: needs Linux and root")
    try:
        yield place
    finally:
        subprocess.run(["umount", "--lazy", str(place)], check=True)


@contextmanager
def read_only(place: Path) -> Iterator[None]:
    """Let nothing be written to a small disk."""
    subprocess.run(["mount", "-o", "remount,ro", str(place)], check=True)
    try:
        yield
    finally:
        subprocess.run(["mount", "-o", "remount,rw", str(place)], check=True)


def fill(place: Path, leave: int = 0) -> None:
    """Fill a disk up to so many bytes."""
    free = shutil.disk_usage(place).free - leave
    (place / "filler").write_bytes(b"\0" * max(0, free))


def files_of(folder: Path) -> dict[str, bytes]:
    """Return every file of a folder by its path."""
    return {
        p.relative_to(folder).as_posix(): p.read_bytes() for p in folder.rglob("*") if p.is_file()
    }
