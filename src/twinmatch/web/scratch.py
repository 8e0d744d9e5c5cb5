"""Folders for files in passing, which nobody finds later, however a process ends.

The owner of a folder holds a lock on it that the system lets go when the process dies; a folder without an owner is
removed by the next sweep: at the start of a service, after a job has ended, and with what is purged.
"""

from __future__ import annotations

import os
import shutil
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Final

from filelock import FileLock, Timeout

PREFIX: Final = "twinmatch-scratch-"

_LOCK: Final = "owner.lock"

_YOUNG: Final = 60.0
"""Seconds for which a folder without a lock may be one that is being made."""


@contextmanager
def scratch() -> Iterator[Path]:
    """Give a new folder that nobody else may read, removed at the end."""
    folder = Path(tempfile.mkdtemp(prefix=PREFIX))
    try:
        with FileLock(folder / _LOCK):
            yield folder
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def put_table(folder: Path, name: str, content: bytes, mapping: str = "") -> Path:
    """Return the path of a table in a folder, with the mapping file beside it by which it is read, where there is one."""
    path = folder / f"table{Path(name).suffix.lower()}"
    path.write_bytes(content)
    if mapping:
        path.with_name(f"{path.stem}.mapping.toml").write_text(mapping, "utf-8")
    return path


def sweep() -> int:
    """Remove the folders whose owners have died, and return how many they were."""
    removed = 0
    for folder in Path(tempfile.gettempdir()).glob(f"{PREFIX}*"):
        with suppress(OSError, Timeout):
            is_new = time.time() - folder.stat().st_mtime < _YOUNG
            if folder.is_symlink() or (is_new and not (folder / _LOCK).exists()):
                continue
            if hasattr(os, "geteuid") and folder.stat().st_uid != os.geteuid():
                continue
            with FileLock(folder / _LOCK, timeout=0):
                shutil.rmtree(folder, ignore_errors=True)
                removed += 1
    return removed
