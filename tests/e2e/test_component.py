"""The web component on a page of another origin: it shows what the service answers, and is accessible."""

from __future__ import annotations

import json
import urllib.request
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread

import pytest
from browser_for_tests import PATIENCE, faults, running
from playwright.sync_api import expect

PAGE = """<!DOCTYPE html><html lang="en"><head><title>Platform</title>
<script src="{service}/assets/similar.js" defer></script></head><body><main><h1>Platform</h1>
<twinmatch-similar city="de-aachen" k="3" label="Cities like Aachen" heading="2"></twinmatch-similar>
<twinmatch-similar city="nowhere"></twinmatch-similar></main></body></html>"""


@pytest.fixture(scope="module")
def platform(tmp_path_factory):
    """A server of pages at an origin of its own."""
    folder = tmp_path_factory.mktemp("platform")
    handler = partial(SimpleHTTPRequestHandler, directory=str(folder))
    with ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        Thread(target=server.serve_forever, daemon=True).start()
        yield folder, f"http://127.0.0.1:{server.server_address[1]}"
        server.shutdown()


def test_the_component_shows_cities_on_a_page_of_another_origin(platform, chromium, tmp_path):
    folder, origin = platform
    with running(tmp_path, "--origin", origin) as service:
        (folder / "index.html").write_text(PAGE.replace("{service}", service), encoding="utf-8")
        asked = f"{service}/v1/cities/de-aachen/similar?k=3"
        expected = json.load(urllib.request.urlopen(asked))["similar"]
        page = chromium.new_context().new_page()
        page.set_default_timeout(PATIENCE)
        seen: list[str] = []
        page.on("request", lambda request: seen.append(request.url))
        page.goto(origin)
        part = page.get_by_role("region", name="Cities like Aachen")
        expect(part.get_by_role("heading", level=2)).to_have_text("Cities like Aachen")
        expect(part.get_by_role("listitem")).to_have_count(3)
        for city, item in zip(expected, part.get_by_role("listitem").all(), strict=True):
            expect(item).to_contain_text(f"{city['name']} ({city['country']})")
            expect(item).to_contain_text(city["why"][0]["says"])
        expect(page.get_by_role("status")).to_contain_text("nowhere")
        page.locator("twinmatch-similar").first.evaluate("e => e.setAttribute('k', '2')")
        expect(part.get_by_role("listitem")).to_have_count(2)
        assert all(url.startswith((service, origin)) for url in seen)
        assert faults(page) == []
        page.context.close()
