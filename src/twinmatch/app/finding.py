"""The nearest of every city, found in a process of its own while the service answers one city at a time.

Several services of the same cities find them once: whoever holds the lock finds, the others wait and take what is
kept. A process that is stopped leaves nothing behind, and the next start begins anew.
"""

from __future__ import annotations

import os
import time
from collections.abc import Sequence
from contextlib import suppress
from multiprocessing import get_context
from multiprocessing.process import BaseProcess
from pathlib import Path
from tempfile import TemporaryDirectory
from threading import Lock

from twinmatch.app.service import Service, open_service
from twinmatch.files import held


class Finding:
    """The search for what a service does not have yet, by the same settings from which it was opened."""

    def __init__(
        self,
        service: Service,
        profiles: Path | None,
        programme: Sequence[str],
        model: str | None,
    ) -> None:
        self._peers = service.peers
        self._asked = (profiles, tuple(programme), model)
        self._process: BaseProcess | None = None
        self._passed_on: TemporaryDirectory[str] | None = None
        self._lock, self._stopped = Lock(), False

    def look(self) -> bool:
        """Return whether there is nothing to wait for any more; begin the search at the first look."""
        process = self._process
        has_ended = process is not None and not process.is_alive()
        if self._peers.is_complete or self._peers.take_kept():
            return True
        if process is None:
            self._begin()
        return has_ended

    def _begin(self) -> None:
        """Begin the search, unless it was stopped or begun meanwhile: a process is there once it has started."""
        with self._lock:
            if self._stopped or self._process is not None:
                return
            process = get_context("spawn").Process(
                target=find, args=(self._place(), *self._asked), daemon=True
            )
            process.start()
            self._process = process

    def _place(self) -> Path:
        """Return the folder in which the nearest are kept, or passed on where nothing is to be kept."""
        if self._peers.place is None:
            self._passed_on = TemporaryDirectory(prefix="twinmatch-", ignore_cleanup_errors=True)
            self._peers.keep_in(Path(self._passed_on.name))
        assert self._peers.place is not None
        return self._peers.place

    def stop(self) -> None:
        """Stop the search, which can begin again at the next start."""
        with self._lock:
            self._stopped = True
        if self._process is not None:
            self._process.terminate()
            self._process.join(5)
            if self._process.is_alive():
                self._process.kill()
                self._process.join()
        if self._passed_on is not None:
            self._passed_on.cleanup()


def find(place: Path, profiles: Path | None, programme: Sequence[str], model: str | None) -> None:
    """Find the nearest of every city and keep them in a folder; wait while another process does."""
    with suppress(AttributeError, OSError):
        os.nice(10)  # answers go first
    place.parent.mkdir(parents=True, exist_ok=True)
    lock = place.with_name(f"{place.name}.finding")
    while True:
        lock.touch()
        try:
            with held(lock):
                service = open_service(
                    profiles, programme=programme, model=model, keep_in=place.parent
                )
                service.peers.find_nearest()
                lock.unlink(missing_ok=True)
                return
        except BlockingIOError:
            time.sleep(1)
