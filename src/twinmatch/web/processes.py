"""Processes of the service's own: copies of one that has loaded what they need, so that each begins at once.

Where the system cannot copy a process, or its temporary folder has so long a name that no socket can stand in it, each
is started anew and loads everything itself.
"""

from __future__ import annotations

import os
import tempfile
from multiprocessing import get_all_start_methods, get_context
from typing import Any, Final

_LONGEST: Final = 64
"""Bytes of a temporary folder's name: Python adds up to 36, and systems take 104 (macOS) or 108 (Linux)."""

_COPIES: Final = (
    "forkserver" in get_all_start_methods() and len(os.fsencode(tempfile.gettempdir())) <= _LONGEST
)

PROCESSES: Final[Any] = get_context("forkserver" if _COPIES else "spawn")
"""The context in which processes are made."""


def warm() -> None:
    """Begin to load what processes need; nothing is waited for."""
    if _COPIES:
        from multiprocessing.forkserver import ensure_running

        PROCESSES.set_forkserver_preload(["twinmatch.web.ready"])
        ensure_running()
