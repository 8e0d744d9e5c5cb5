"""The web component on a page of another origin: it shows what the service answers, and is accessible."""

from __future__ import annotations

import json
import urllib.request

from browser_for_tests import PATIENCE, faults
from playwright.sync_api import expect

PAGE = """<!DOCTYPE html><html lang="en"><head><title>Platform</title>
<script src="{service}/assets/similar.js" defer></script></head><body><main><h1>Platform</h1>
<twinmatch-similar city="de-cologne" k="3" label="Cities like Cologne" heading="2"></twinmatch-similar>
<twinmatch-similar city="nowhere"></twinmatch-similar></main></body></html>"""


def test_the_component_shows_cities_on_a_page_of_another_origin(service, platform, chromium):
    folder, origin = platform
    (folder / "index.html").write_text(PAGE.replace("{service}", service), encoding="utf-8")
    asked = f"{service}/v1/cities/de-cologne/similar?k=3"
    expected = json.load(urllib.request.urlopen(asked))["similar"]
    page = chromium.new_context().new_page()
    page.set_default_timeout(PATIENCE)
    seen: list[str] = []
    page.on("request", lambda request: seen.append(request.url))
    page.goto(origin)
    part = page.get_by_role("region", name="Cities like Cologne")
    expect(part.get_by_role("heading", level=2)).to_have_text("Cities like Cologne")
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
