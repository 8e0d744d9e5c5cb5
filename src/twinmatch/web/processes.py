"""Processes of the service's own: copies of one that has loaded what they need, so that each begins at once.

Where the system cannot copy a process, each is started anew and loads everything itself.
"""

from __future__ import annotations

from multiprocessing import get_all_start_methods, get_context
from typing import Any, Final

_COPIES: Final = "forkserver" in get_all_start_methods()

PROCESSES: Final[Any] = get_context("forkserver" if _COPIES else "spawn")
"""The context in which processes are made."""


def warm() -> None:
    """Begin to load what processes need; nothing is waited for."""
    if _COPIES:
        from multiprocessing.forkserver import ensure_running

        PROCESSES.set_forkserver_preload(["twinmatch.web.ready"])
        ensure_running()
