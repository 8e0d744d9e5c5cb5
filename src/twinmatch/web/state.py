"""What every route of one process shares: settings, the cohort in memory, the board, answers kept for a while."""

from __future__ import annotations

import gc
import hashlib
import time
from collections import OrderedDict
from dataclasses import dataclass, field
from typing import Any, Final

from fastapi import Request
from starlette.concurrency import run_in_threadpool
from starlette.types import Scope

from twinmatch.app.finding import Finding
from twinmatch.app.service import Service, open_service
from twinmatch.errors import Problem, QuestionError
from twinmatch.web.auth import ANYONE, LOCAL, NOBODY, Person
from twinmatch.web.board import Board
from twinmatch.web.metrics import Metrics
from twinmatch.web.rounds import Rounds
from twinmatch.web.settings import Settings

REMEMBERED: Final = 20.0
"""Seconds for which a key that was looked up is not looked up again: so long does one taken back still open."""


KEEP: Final = "private, max-age=0, must-revalidate"
"""An answer may be kept, and is asked for again by its tag."""


@dataclass(frozen=True)
class Kept:
    """An answer that was given: its tag, its body, and the pattern of its route."""

    tag: str
    body: bytes
    route: str


class Answers:
    """Answers by their tag, the latest used, up to so many bytes."""

    def __init__(self, most: int) -> None:
        self._kept: OrderedDict[str, Kept] = OrderedDict()
        self._most, self.bytes = most, 0

    def get(self, tag: str) -> Kept | None:
        """Return an answer that was kept, or None."""
        found = self._kept.get(tag)
        if found is not None:
            self._kept.move_to_end(tag)
        return found

    def keep(self, answer: Kept) -> None:
        """Keep an answer, and forget those used longest ago where there are too many."""
        if answer.tag in self._kept or len(answer.body) > self._most // 4:
            return
        self._kept[answer.tag] = answer
        self.bytes += len(answer.body)
        while self.bytes > self._most:
            _, old = self._kept.popitem(last=False)
            self.bytes -= len(old.body)


def tag_of(service: Service, scope: Scope) -> str:
    """Return the tag of what a request asks of a cohort: equal tags have equal answers."""
    text = b"\0".join(
        (
            service.tag.encode(),
            scope["path"].encode("utf-8", "surrogatepass"),
            scope["query_string"],
        )
    )
    return f'"{hashlib.blake2b(text, digest_size=12).hexdigest()}"'


def has_tag(given: str, tag: str) -> bool:
    """Return whether an If-None-Match header names a tag."""
    return given.strip() == "*" or tag in {t.strip().removeprefix("W/") for t in given.split(",")}


@dataclass
class State:
    """What the routes of a process share."""

    settings: Settings
    board: Board
    metrics: Metrics
    opened: Service | None = None
    failed: str = ""
    _people: dict[tuple[str, str], tuple[float, Person]] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.answers = Answers(self.settings.answers_kept)
        self.metrics.answers.set_function(lambda: self.answers.bytes)
        self.rounds = Rounds(self.board, self.settings)

    @property
    def service(self) -> Service:
        """Return the cohort in memory; raises QuestionError while it is being read."""
        if self.opened is None:
            do = (
                "Try again in a moment."
                if not self.failed
                else "The administrator finds why in the log."
            )
            raise QuestionError(Problem("service-busy", "The cities are not loaded.", do=do))
        return self.opened

    def open(self) -> None:
        """Read the cohort and make its peers ready."""
        settings = self.settings
        self.opened = open_service(
            settings.profiles, programme=settings.programme, model=settings.text_model
        )
        self.metrics.cities.set(len(self.opened.cohort))
        # Nothing of the cohort is ever let go: to look through it for litter again and again costs a tenth of a second.
        gc.collect()
        gc.freeze()

    def finding(self) -> Finding:
        """Return the search for the nearest of every city, not begun."""
        s = self.settings
        return Finding(self.service, s.profiles, s.programme, s.text_model)

    async def who(self, bearer: str, session: str) -> Person:
        """Return who asks, by key or session; looked up once in a while, in a thread."""
        access = self.settings.access
        if access == "local":
            return LOCAL
        open_ = ANYONE if access == "keys, reading open" else NOBODY
        secret = bearer or session
        if not secret or len(secret) > 200:
            return open_
        now = time.monotonic()
        known = ("key" if bearer else "session", secret)
        kept = self._people.get(known)
        if kept is not None and kept[0] > now:
            return kept[1]
        look = self.board.holder if bearer else self.board.visitor
        found = await run_in_threadpool(look, secret) or open_
        if len(self._people) > 10_000:
            self._people.clear()
        self._people[known] = (now + REMEMBERED, found)
        return found

    def forget(self, secret: str) -> None:
        """Forget who held a secret."""
        for kind in ("key", "session"):
            self._people.pop((kind, secret), None)


def state_of(request: Request) -> State:
    """Return what the routes share."""
    found: Any = request.app.state.shared
    assert isinstance(found, State)
    return found
