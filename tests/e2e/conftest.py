"""A real browser and a real service: Debian's Chromium, driven by Playwright, against a process of its own.

Where there is no Chromium these tests are left out, and say so loudly; CI sets TWINMATCH_BROWSER=required, and
then a missing browser is a failure.
"""

from __future__ import annotations

import os
import shutil
import sys
import warnings
from collections.abc import Iterator
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread
from typing import Any

import pytest
from browser_for_tests import PATIENCE, Visitor, running

from twinmatch.files import bundled_path

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


@pytest.fixture(scope="session")
def chromium() -> Iterator[Any]:
    """One browser for all tests."""
    from playwright.sync_api import expect, sync_playwright

    expect.set_options(timeout=PATIENCE)
    with warnings.catch_warnings(), sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=FLAGS)
        yield browser
        browser.close()


NAMED = {"be-leuven", "be-ghent", "nl-groningen", "fi-lahti", "de-dortmund", "de-cologne", "it-milan", "ba-gorazde"}  # fmt: skip


@pytest.fixture(scope="session")
def platform(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Path, str]]:
    """A folder of pages and the address of their server, an origin of its own that the service lets in."""
    folder = tmp_path_factory.mktemp("platform")
    handler = partial(SimpleHTTPRequestHandler, directory=str(folder))
    with ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        Thread(target=server.serve_forever, daemon=True).start()
        yield folder, f"http://127.0.0.1:{server.server_address[1]}"
        server.shutdown()


@pytest.fixture(scope="session")
def service(tmp_path_factory: pytest.TempPathFactory, platform: tuple[Path, str]) -> Iterator[str]:
    """A service of every third bundled city, and of those that tests name: a proposal takes a third of the time."""
    folder = tmp_path_factory.mktemp("service")
    (folder / "cities").mkdir()
    bundled = sorted(bundled_path("city_profiles").glob("[!_]*.yaml"))
    for k, path in enumerate(bundled):
        if k % 3 == 0 or path.stem in NAMED:
            shutil.copy(path, folder / "cities")
    with running(folder, str(folder / "cities"), "--origin", platform[1]) as address:
        yield address


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
