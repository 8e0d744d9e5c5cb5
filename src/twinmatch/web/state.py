"""What every route of one process shares: settings, the cohort in memory, the board."""

from __future__ import annotations

import gc
import hashlib
from collections.abc import Callable
from dataclasses import dataclass, field
from threading import Lock, Semaphore
from typing import Annotated, Any, Final

from cachetools import LRUCache, TTLCache
from fastapi import Depends, Request, Response
from starlette.concurrency import run_in_threadpool

from twinmatch.app.service import Service, open_service
from twinmatch.errors import QuestionError
from twinmatch.web.auth import ANYONE, LOCAL, NOBODY, Person
from twinmatch.web.board import Board
from twinmatch.web.middleware import Metrics
from twinmatch.web.rounds import Rounds
from twinmatch.web.settings import Settings
from twinmatch.wording import say

REMEMBERED: Final = 20.0
"""Seconds for which a key that was looked up is not looked up again: so long does one taken back still open."""


MOST_ANSWERS: Final = 128_000_000
"""Bytes of answers about cities that a process keeps to give them again: the usual ones of 13,000 cities are half of it."""

KEEP: Final = "private, max-age=0, must-revalidate"
"""An answer may be kept, and is asked for again by its tag."""


def tag_of(service: Service, path: str, query: bytes = b"", form: str = "json") -> str:
    """Return the tag of what is asked of a cohort at an address, in a form: equal tags have equal answers.

    It is weak, for the bytes differ by how they are compressed.
    """
    address = path.encode("utf-8", "surrogatepass")
    text = b"\0".join((service.tag.encode(), address, query, form.encode()))
    return f'W/"{hashlib.blake2b(text, digest_size=12).hexdigest()}"'


def unchanged(request: Request, tag: str) -> Response | None:
    """Return "not modified" to a caller that has the answer of this tag already."""
    given = {
        t.strip().removeprefix("W/") for t in request.headers.get("if-none-match", "").split(",")
    }
    if not given & {"*", tag.removeprefix("W/")}:
        return None
    headers = {"ETag": tag, "Cache-Control": KEEP, "Vary": "Accept, Accept-Encoding"}
    return Response(status_code=304, headers=headers)


@dataclass
class State:
    """What the routes of a process share."""

    settings: Settings
    board: Board
    metrics: Metrics
    opened: Service | None = None
    failed: str = ""
    _people: TTLCache[tuple[str, str], Person] = field(
        default_factory=lambda: TTLCache(10_000, REMEMBERED)
    )
    _answers: LRUCache[str, bytes] = field(
        default_factory=lambda: LRUCache(MOST_ANSWERS, getsizeof=len)
    )
    _lock: Lock = field(default_factory=Lock)
    _making: Semaphore = field(default_factory=lambda: Semaphore(2))  # more hinder each other

    def __post_init__(self) -> None:
        self.rounds = Rounds(self.board, self.settings)

    @property
    def service(self) -> Service:
        """Return the cohort in memory; raises QuestionError while it is being read."""
        if self.opened is None:
            later, why = "Try again in a moment.", "The administrator finds why in the log."
            do = why if self.failed else later
            raise QuestionError.of("service-busy", say("The cities are not loaded."), do=do)
        return self.opened

    def open(self) -> None:
        """Read the cohort and make its peers ready, and the model for sentences that nobody has written before."""
        settings = self.settings
        service = open_service(
            settings.profiles, programme=settings.programme, model=settings.text_model
        )
        service.warm()
        self.opened = service
        self.metrics.cities.set(len(self.opened.cohort))
        # Nothing of the cohort is ever freed, and the garbage collector takes a tenth of a second to look through it.
        gc.collect()
        gc.freeze()

    def answer(self, tag: str, make: Callable[[], bytes]) -> bytes:
        """Return the answer of a tag, made where it was not asked for of late."""
        with self._lock:
            known = self._answers.get(tag)
        if known is None:
            with self._making:
                known = make()
            if len(known) <= MOST_ANSWERS // 16:
                with self._lock:
                    self._answers[tag] = known
        return known

    async def who(self, bearer: str, session: str) -> Person:
        """Return who asks, by key or session; looked up once in a while, in a thread."""
        access = self.settings.access
        if access == "local":
            return LOCAL
        open_ = ANYONE if access == "keys, reading open" else NOBODY
        secret = bearer or session
        if not secret or len(secret) > 200:
            return open_
        known = ("key" if bearer else "session", secret)
        with self._lock:
            kept = self._people.get(known)
        if kept is None:
            look = self.board.holder if bearer else self.board.visitor
            kept = await run_in_threadpool(look, secret) or open_
            with self._lock:
                self._people[known] = kept
        return kept

    def forget(self, secret: str) -> None:
        """Forget who held a secret."""
        with self._lock:
            for kind in ("key", "session"):
                self._people.pop((kind, secret), None)


def state_of(request: Request) -> State:
    """Return what the routes share."""
    found: Any = request.app.state.shared
    assert isinstance(found, State)
    return found


async def _shared(request: Request) -> State:
    # async although it waits for nothing: the framework sends anything else through a thread.
    return state_of(request)


Shared = Annotated[State, Depends(_shared)]
"""What the routes of a process share, as a route asks for it."""
