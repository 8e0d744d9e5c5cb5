"""The HTTP protocol of the server with bounds: how large the head of a request may be, and how slow its sender.

The server's own has neither: it takes headers without end, and waits for the end of a request for ever.
"""

from __future__ import annotations

import asyncio
from typing import Any, Final

from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

MOST_HEAD: Final = 32_768
"""Bytes of the address and the headers of a request."""

HEAD_SECONDS: Final = 15.0
"""Seconds from the first byte of a connection, or of its next request, to the end of the headers."""

BODY_SECONDS: Final = 60.0
"""Seconds from there to the end of the body."""


class BoundedProtocol(HttpToolsProtocol):
    """A connection that answers 431 to a head that is too large and 408 to a sender that is too slow."""

    _head = 0
    _in_head = True
    _before = b""  # the last bytes of the head so far: its end may come in two parts
    _timer: asyncio.TimerHandle | None = None

    def connection_made(self, transport: Any) -> None:
        """Begin to wait for a request."""
        super().connection_made(transport)
        self._wait(HEAD_SECONDS)

    def connection_lost(self, exc: Exception | None) -> None:
        """Wait for nothing more."""
        self._wait(0)
        super().connection_lost(exc)

    def data_received(self, data: bytes) -> None:
        """Take bytes, unless they make the head too large."""
        if self._in_head:
            joined = self._before + data
            end = joined.find(b"\r\n\r\n")
            self._before = joined[-3:]
            self._head += len(data) if end < 0 else end
            if self._head > MOST_HEAD:
                self._refuse(b"431 Request Header Fields Too Large")
                return
            if self._timer is None:  # a further request on a connection that was kept
                self._wait(HEAD_SECONDS)
        super().data_received(data)

    def on_headers_complete(self) -> None:
        """Wait for the body from now on."""
        self._in_head = False
        self._wait(BODY_SECONDS)
        super().on_headers_complete()

    def on_message_complete(self) -> None:
        """The request is whole: the next one begins with a head."""
        self._in_head, self._head, self._before = True, 0, b""
        self._wait(0)
        super().on_message_complete()

    def _wait(self, seconds: float) -> None:
        if self._timer is not None:
            self._timer.cancel()
        late = b"408 Request Timeout"
        self._timer = self.loop.call_later(seconds, self._refuse, late) if seconds else None

    def _refuse(self, status: bytes) -> None:
        if not self.transport.is_closing():
            self.transport.write(
                b"HTTP/1.1 " + status + b"\r\nContent-Length: 0\r\nConnection: close\r\n\r\n"
            )
            self.transport.close()
