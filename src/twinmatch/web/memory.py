"""Memory of the service: freed memory goes back to the system.

The C library of Linux keeps what is freed for the next time, in a pool for every thread, and takes large arrays into
these pools once it has seen some. A service that solves rounds in many threads grows so by several times what it
holds. Here it is told to have two pools and to map large arrays one by one (mallopt(3)); elsewhere nothing is done.
"""

from __future__ import annotations

import sys
from typing import Any, Final

_POOLS, _MAPPED_FROM, _TRIM_FROM = -8, -3, -1
"""Numbers of the settings in glibc's malloc.h: M_ARENA_MAX, M_MMAP_THRESHOLD, M_TRIM_THRESHOLD."""

LARGE: Final = 256 * 1024
"""Bytes from which an array is mapped alone and given back when it is let go."""


def _library() -> Any:
    """Return the C library where it is glibc, else None."""
    import ctypes

    library = ctypes.CDLL(None) if sys.platform.startswith("linux") else None
    return library if hasattr(library, "gnu_get_libc_version") else None


def stay_small() -> None:
    """Let this process hold no more than it needs; to be called before its threads begin."""
    library = _library()
    if library is not None:
        for setting, value in ((_POOLS, 2), (_MAPPED_FROM, LARGE), (_TRIM_FROM, LARGE)):
            library.mallopt(setting, value)


def give_back() -> None:
    """Give back what is free now: some milliseconds, worth it after a round was solved."""
    library = _library()
    if library is not None:
        library.malloc_trim(0)
