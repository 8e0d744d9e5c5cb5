"""Answers about cities that were given before, given again without asking the routes.

An answer about cities hangs on nothing but the cohort, the path and the query, so its tag can be known before it
is made. Only whole answers that a route gave are kept; who may not read is sent on and refused by the route.
"""

from __future__ import annotations

from typing import Final

from starlette.types import ASGIApp, Receive, Scope, Send

from twinmatch.web.auth import NOBODY, Rank
from twinmatch.web.state import KEEP, Kept, State, has_tag, tag_of

_UNDER: Final = ("/cities/", "/pairs/")


class AnsweredBefore:
    """The application behind the answers that it gave before."""

    def __init__(self, app: ASGIApp, state: State) -> None:
        self._app, self._state = app, state

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer from what was answered before, or let the application answer."""
        kept = self._kept(scope)
        if kept is None:
            await self._app(scope, receive, send)
            return
        scope["route_path"] = kept.route
        given = next((v for k, v in scope["headers"] if k == b"if-none-match"), b"")
        same = bool(given) and has_tag(given.decode("latin-1"), kept.tag)
        headers = [(b"etag", kept.tag.encode()), (b"cache-control", KEEP.encode())]
        if not same:
            headers.append((b"content-type", b"application/json"))
            headers.append((b"content-length", str(len(kept.body)).encode()))
        start = {"type": "http.response.start", "status": 304 if same else 200, "headers": headers}
        await send(start)
        await send({"type": "http.response.body", "body": b"" if same else kept.body})

    def _kept(self, scope: Scope) -> Kept | None:
        if scope["type"] != "http" or scope["method"] != "GET":
            return None
        if not scope["path"].startswith(_UNDER) or self._state.opened is None:
            return None
        if scope.get("person", NOBODY).rank < Rank.READER:
            return None
        return self._state.answers.get(tag_of(self._state.opened, scope))
