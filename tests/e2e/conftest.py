"""A real browser and a real service: Debian's Chromium, driven by Playwright, against a process of its own.

Where there is no Chromium these tests are left out, and say so loudly; CI sets TWINMATCH_BROWSER=required, and
then a missing browser is a failure.
"""

from __future__ import annotations

import os
import shutil
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

FLAGS = [
    "--headless",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]
CHROMIUM = os.environ.get("TWINMATCH_CHROMIUM") or shutil.which("chromium") or ""


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    here = Path(__file__).parent
    mine = [item for item in items if here in Path(item.path).parents]
    for item in mine:
        item.add_marker(pytest.mark.slow)
    if mine and not CHROMIUM:
        told = "NO CHROMIUM: the browser tests are left out. apt-get install chromium"
        if os.environ.get("TWINMATCH_BROWSER") == "required":
            raise pytest.UsageError(told)
        sys.stderr.write(f"\n{told}\n\n")
        for item in mine:
            item.add_marker(pytest.mark.skip(reason=told))


@contextmanager
def running(folder: Path, *arguments: str) -> Iterator[str]:
    """Run ``twinmatch serve`` as a process; give its address when it is ready."""
    with socket.socket() as s:
        s.bind(("127.0.0.1", 0))
        port = int(s.getsockname()[1])
    command = [sys.executable, "-m", "twinmatch", "serve", *arguments, "--port", str(port)]
    command += ["--store", str(folder / "s.sqlite"), "--text-model", "static"]
    command += ["--requests-a-minute", "100000"]
    with (folder / "log").open("wb") as log:
        process = subprocess.Popen(command, stdout=log, stderr=log)
    try:
        _wait(f"http://127.0.0.1:{port}", process, folder / "log")
        yield f"http://127.0.0.1:{port}"
    finally:
        process.terminate()
        process.wait(20)


def _wait(address: str, process: subprocess.Popen[bytes], log: Path) -> None:
    end = time.monotonic() + 120
    while time.monotonic() < end and process.poll() is None:
        try:
            with urllib.request.urlopen(f"{address}/readyz", timeout=5):
                return
        except (urllib.error.URLError, OSError):
            time.sleep(0.2)
    raise AssertionError(log.read_text(encoding="utf-8")[-3000:])


@pytest.fixture(scope="session")
def chromium() -> Iterator[Any]:
    """One browser for all tests."""
    from playwright.sync_api import expect, sync_playwright

    expect.set_options(timeout=20_000)  # a loaded machine is slow, not wrong
    with warnings.catch_warnings(), sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=FLAGS)
        yield browser
        browser.close()


class Visitor:
    """Somebody at a browser window of their own; notes what no page of ours may do."""

    def __init__(self, chromium: Any, address: str, **window: Any) -> None:
        self.context = chromium.new_context(
            **{"viewport": {"width": 1280, "height": 900}, "accept_downloads": True, **window}
        )
        self.page = self.context.new_page()
        self.page.set_default_timeout(60_000)
        self.address, self.elsewhere, self.complaints = address, [], []
        self.page.on("request", self._asked)
        self.page.on("console", self._said)
        self.page.on("pageerror", lambda error: self.complaints.append(str(error)))

    def _asked(self, request: Any) -> None:
        if not request.url.startswith((self.address, "data:", "blob:")):
            self.elsewhere.append(request.url)

    def _said(self, message: Any) -> None:
        # A 4xx answer is told by the page itself.
        if message.type == "error" and "status of 4" not in message.text:
            self.complaints.append(message.text)

    def go(self, path: str) -> Any:
        """Open a page and return it."""
        self.page.goto(self.address + path)
        return self.page

    def leave(self) -> None:
        """Close the window; nothing may have been fetched from elsewhere, and nothing been refused by the policy."""
        self.context.close()
        assert self.elsewhere == []
        assert self.complaints == []


@pytest.fixture
def visit(chromium: Any) -> Iterator[Any]:
    """Give a maker of visitors, who leave at the end."""
    visitors: list[Visitor] = []

    def make(address: str, **window: Any) -> Visitor:
        visitors.append(Visitor(chromium, address, **window))
        return visitors[-1]

    yield make
    for visitor in visitors:
        visitor.leave()
