"""Bounds of a connection: the head of a request is not too large, and its sender not too slow."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest
from uvicorn.config import Config
from uvicorn.server import ServerState

from loops_for_tests import finished
from twinmatch.web import protocol
from twinmatch.web.protocol import MOST_HEAD, BoundedProtocol


async def answer(scope: Any, receive: Any, send: Any) -> None:
    """Answer when the body is whole."""
    while (await receive()).get("more_body"):
        pass
    await send({"type": "http.response.start", "status": 200, "headers": []})
    await send({"type": "http.response.body", "body": b"ok"})


async def sent(*parts: bytes) -> bytes:
    """Return what a server answers to some bytes on one connection, until it closes it."""
    config = Config(answer, http=BoundedProtocol, log_level="critical", timeout_keep_alive=1)
    config.load()
    state = ServerState()
    loop = asyncio.get_running_loop()
    server = await loop.create_server(lambda: BoundedProtocol(config, state, {}), "127.0.0.1", 0)
    reader, writer = await asyncio.open_connection(*server.sockets[0].getsockname())
    try:
        for part in parts:
            writer.write(part)
            await writer.drain()
        return await reader.read()
    except ConnectionError:
        return b""
    finally:
        writer.close()
        server.close()


HEAD = b"GET / HTTP/1.1\r\nHost: x\r\n"


def test_a_usual_request_is_answered_and_the_next_one_too() -> None:
    found = finished(sent(HEAD + b"\r\n", HEAD + b"\r\n"))
    assert found.count(b"200 OK") == 2


def test_a_head_without_end_is_refused() -> None:
    found = finished(sent(HEAD, *[b"X-A: " + b"a" * 1000 + b"\r\n"] * (2 * MOST_HEAD // 1000)))
    assert found == b"" or found.startswith(b"HTTP/1.1 431")


def test_a_large_head_is_refused_though_it_comes_whole() -> None:
    assert b"431" in finished(sent(HEAD + b"X-A: " + b"a" * MOST_HEAD + b"\r\n\r\n"))


@pytest.mark.parametrize("cut", range(1, 5))
def test_a_large_body_is_no_large_head_wherever_the_head_ends(cut: int) -> None:
    whole = (
        b"POST / HTTP/1.1\r\nHost: x\r\nConnection: close\r\nContent-Length: 60000\r\n\r\n"
        + b"b" * 60000
    )
    end = whole.index(b"\r\n\r\n") + cut
    assert b"200 OK" in finished(sent(whole[:end], whole[end:]))


@pytest.mark.parametrize(
    "part", [b"", HEAD, b"POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 10\r\n\r\nabc"]
)
def test_a_slow_sender_is_not_waited_for(part: bytes, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(protocol, "HEAD_SECONDS", 0.05)
    monkeypatch.setattr(protocol, "BODY_SECONDS", 0.05)
    assert finished(sent(part)).startswith(b"HTTP/1.1 408")
