"""Work on files that others made, in a process of its own with little memory and time.

A file can be made to harm whoever reads it. What happens to it happens to a process that holds no key, no store and
no other request; it may not do more than it should, and a few at a time are all there are.
"""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import Any, Final

from twinmatch.web.processes import PROCESSES, warm

SECONDS: Final = 60
"""Processor time of the process that reads."""

PATIENCE: Final = 10
"""Seconds beyond that for which it is waited for, on a machine that does other things too."""

MEMORY: Final = 3 * 2**30
"""Address space of the process that reads: the libraries alone reserve a part of it."""

AT_ONCE: Final = 2
"""Such processes at one time; who comes later waits for a turn."""

_TURN = threading.BoundedSemaphore(AT_ONCE)


def sandboxed(
    work: Callable[..., bytes], *given: Any, seconds: float = SECONDS, patience: float = PATIENCE
) -> bytes:
    """Return what work returns, done by a process with limits; nothing where it did not end well in time."""
    warm()
    with _TURN:
        ours, theirs = PROCESSES.Pipe(duplex=False)
        process = PROCESSES.Process(target=_limited, args=(theirs, work, given), daemon=True)
        process.start()
        theirs.close()
        try:
            return ours.recv_bytes() if ours.poll(seconds + patience) else b""
        except (EOFError, OSError):
            return b""
        finally:
            ours.close()
            process.join(1)
            if process.is_alive():
                process.kill()
                process.join(5)


def _limited(out: Any, work: Callable[..., bytes], given: tuple[Any, ...]) -> None:
    limit()
    out.send_bytes(work(*given))


def limit() -> None:
    """Take little memory and time from now on, and leave no core dump."""
    try:
        import resource

        resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
        resource.setrlimit(resource.RLIMIT_CPU, (SECONDS, SECONDS))
        resource.setrlimit(resource.RLIMIT_AS, (MEMORY, MEMORY))
    except (ImportError, ValueError):
        pass  # a system without such limits still has the time limit of the process that waits
