"""A service in a process of its own, and somebody who visits it with a browser."""

from __future__ import annotations

import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

AXE = Path(__file__).parent / "assets" / "axe.min.js"
PATIENCE = 240_000
"""Milliseconds for which a page is waited for: a loaded machine is slow, not wrong."""
TAGS = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa"]


def faults(page: Any) -> list[str]:
    """Return what axe-core finds on a page, what is closed opened first, as somebody who opens it sees it."""
    page.evaluate(
        "[...document.querySelectorAll('details:not(.once)')].slice(0, 8).forEach(d => { d.open = true; })"
    )
    page.wait_for_load_state("networkidle")
    page.evaluate(AXE.read_text(encoding="utf-8"))
    run = "([where, tags]) => axe.run(where ?? document, {runOnly: {type: 'tag', values: tags}, resultTypes: ['violations']})"
    found = page.evaluate(run, [None, TAGS])
    if page.locator(
        "details.once"
    ).count():  # what is asked once lies over the page, so it is looked at by itself
        page.evaluate("document.querySelectorAll('details.once').forEach(d => { d.open = true; })")
        found["violations"] += page.evaluate(run, ["details.once", TAGS])["violations"]
    assert found["testEngine"]["name"] == "axe-core"
    return [
        f"{v['id']}: {v['help']}: {n['html'][:200]}"
        for v in found["violations"]
        for n in v["nodes"][:3]
    ]


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
        process.wait(120)


def _wait(address: str, process: subprocess.Popen[bytes], log: Path) -> None:
    end = time.monotonic() + 300
    while time.monotonic() < end and process.poll() is None:
        try:
            with urllib.request.urlopen(f"{address}/readyz", timeout=5):
                return
        except (urllib.error.URLError, OSError):
            time.sleep(0.2)
    raise AssertionError(log.read_text(encoding="utf-8")[-3000:])


class Visitor:
    """Somebody at a browser window of their own; notes what no page of ours may do."""

    def __init__(self, chromium: Any, address: str, **window: Any) -> None:
        self.context = chromium.new_context(
            **{"viewport": {"width": 1280, "height": 900}, "accept_downloads": True, **window}
        )
        self.page = self.context.new_page()
        self.page.set_default_timeout(PATIENCE)
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
