"""Every page: no violation of WCAG 2.2 AA by axe-core, reachable by keyboard, whole at 320 px and on paper."""

from __future__ import annotations

import re
import urllib.error
import urllib.request
from pathlib import Path

import pytest
from browser_for_tests import PATIENCE, Visitor, faults
from playwright.sync_api import expect
from test_whole_round import TABLE, hand_in, made

import twinmatch as tm
from twinmatch.exporting import report_html

SURVEY = Path(__file__).parents[1] / "unit" / "reading" / "cases" / "survey.csv"


@pytest.fixture(scope="module")
def places(service, chromium, tmp_path_factory):
    """The path of every page, with two proposals and an upload to show."""
    page = chromium.new_context().new_page()
    page.set_default_timeout(PATIENCE)
    page.goto(service)
    table = tmp_path_factory.mktemp("table") / "round.csv"
    table.write_text(TABLE, encoding="utf-8")
    hand_in(page, table)
    upload = page.url.removeprefix(service)
    page.goto(service)
    hand_in(page, SURVEY)
    page.wait_for_url("**/columns")
    survey = page.url.removeprefix(service).removesuffix("/columns")
    page.goto(f"{service}/workbench/proposals")
    page.locator("#upload").select_option("")
    page.get_by_label("Twinning", exact=True).check()
    page.get_by_role("button", name="Propose").click()
    first = made(page)
    page.goto(f"{first}?tab=twinning")
    for k, name in enumerate(("Lock", "Accept", "Reject")):
        page.locator("#pairs tbody input").nth(k).check()
        page.get_by_role("button", name=name, exact=True).click()
    page.locator("#pairs tbody th a").nth(1).click()
    pair = page.url.removeprefix(service)
    page.get_by_role("button", name=re.compile("^Solve again")).click()
    second = made(page).removeprefix(service)
    first = first.removeprefix(service)
    page.context.close()
    return {
        "cities": "/workbench/cities",
        "city": "/workbench/cities/be-leuven",
        "thin city": "/workbench/cities/de-dortmund",
        "pair": "/workbench/cities/be-leuven/with/it-milan",
        "proposals": "/workbench/proposals",
        "overview": first,
        "twinning": f"{first}?tab=twinning",
        "left out": f"{first}?tab=left-out",
        "map": f"{first}?tab=map",
        "one pair": pair,
        "rules": f"{first}?tab=rules",
        "letters": f"{first}?tab=letters",
        "letter": f"{first}/letters/be-ghent",
        "committee": f"{first}/committee",
        "report": f"/v1/proposals/{first.rpartition('/')[2]}/files/report.html",
        "without": f"{first}/guests/ba-gorazde",
        "its cities": f"{first}/cities",
        "history": f"{first}?tab=history",
        "why not": f"{second}/why-not?guest=de-cologne&host=it-milan",
        "compare": f"{second}/compare?other={first.rpartition('/')[2]}",
        "intake": "/workbench/intake",
        "upload": upload,
        **{step: f"{survey}/{step}" for step in ("columns", "values", "review")},
        "api": "/workbench/api",
        "error": "/workbench/cities/nowhere",
        "login": "/workbench/login",
    }


PAGES = [
    *(
        "cities",
        "city",
        "thin city",
        "pair",
        "proposals",
        "overview",
        "twinning",
        "left out",
        "map",
    ),
    *("one pair", "rules", "letters", "letter", "committee", "report", "without", "its cities"),
    *("history", "why not", "compare", "intake", "upload", "api", "error", "login"),
    *("columns", "values", "review"),
]


LONG_WORD = "document.querySelectorAll('textarea').forEach(t => { t.value += ' https://' + 'x'.repeat(200); })"
"""An address in every text that can be written, wider than a phone."""

RUN_OVER = """[...document.querySelectorAll(".grid :is(th, td), .scroll:not(:has(> .picture)), textarea")]
  .filter(e => e.scrollWidth > e.clientWidth + 1 && e.clientWidth).map(e => e.innerText)"""
"""The cells of tables and the fields out of which their words run, and tables that scroll sideways."""


@pytest.fixture(scope="module")
def looker(service, chromium):
    """Somebody who looks at one page after another in one window."""
    visitor = Visitor(chromium, service)
    yield visitor
    visitor.leave()


@pytest.mark.parametrize("name", PAGES)
def test_axe_finds_nothing_and_at_320_pixels_only_tables_scroll_sideways(looker, places, name):
    """320 CSS pixels are a phone, and 1280 pixels at 400%."""
    looker.page.set_viewport_size({"width": 320, "height": 640})
    page = looker.go(places[name])
    page.evaluate(LONG_WORD)
    width = page.evaluate("document.documentElement.scrollWidth")
    assert width <= 320, width
    page.set_viewport_size({"width": 768, "height": 1024})
    assert page.evaluate("document.documentElement.scrollWidth") <= 768
    if name != "report":
        assert page.evaluate(RUN_OVER) == []
    page.set_viewport_size({"width": 1280, "height": 900})
    assert faults(page) == []
    assert (looker.elsewhere, looker.complaints) == ([], [])


@pytest.mark.parametrize("language", ["de-DE", "fr-FR"])
def test_tables_of_a_round_fit_the_screen_in_longer_languages(service, visit, places, language):
    page = visit(service, locale=language).page
    for name in ("twinning", "left out", "letters", "map", "upload", "review", "pair", "compare"):
        for width in (390, 768, 1280):
            page.set_viewport_size({"width": width, "height": 900})
            page.goto(service + places[name])
            assert page.evaluate(RUN_OVER) == [], (name, width)
    page.set_viewport_size({"width": 390, "height": 844})
    page.goto(service + places["twinning"])
    expect(page.locator("#pairs tbody tr").first).to_be_in_viewport()


def test_the_keyboard_reaches_everything_and_the_focus_is_seen(service, visit, places):
    page = visit(service).go(places["twinning"])
    page.keyboard.press("Tab")
    expect(page.get_by_role("link", name="Skip to the content")).to_be_focused()
    page.keyboard.press("Enter")
    reached = set()
    for _ in range(60):
        page.keyboard.press("Tab")
        told = page.evaluate(
            "() => { const e = document.activeElement, s = getComputedStyle(e);"
            " return [e.innerText.split('\\n')[0].trim(), s.outlineStyle, parseFloat(s.outlineWidth), e.tagName]; }"
        )
        if told[3] == "BODY":  # behind the last: a table takes one Tab, however many rows it has
            break
        reached.add(told[0].split(" ")[0])
        assert told[1] != "none", told
        assert told[2] >= 2, told
    assert told[3] == "BODY"
    assert {"Approve", "Solve", "Overview", "Columns", "Guest", "Score", "Rules"} <= reached


def test_on_paper_there_are_results_and_no_buttons(service, visit, places):
    page = visit(service).go(places["twinning"])
    page.emulate_media(media="print")
    expect(page.get_by_role("button", name="Accept").first).to_be_hidden()
    expect(page.locator("#pairs thead th", has_text="Host").first.locator("button")).to_be_visible()
    expect(page.locator("#pairs input").first).to_be_hidden()
    assert page.pdf(format="A4").startswith(b"%PDF")


def test_the_report_of_all_bundled_cities_prints_on_25_pages_without_its_appendix(
    chromium, bundled
):
    page = chromium.new_context().new_page()
    page.set_default_timeout(PATIENCE)
    page.set_content(report_html(tm.propose(bundled, "twinning")).decode())
    page.add_style_tag(content="#appendix, #appendix ~ * { display: none; }")
    printed = page.pdf(format="A4")
    page.context.close()
    assert 1 < len(re.findall(rb"/Type /Page\b", printed)) <= 25


def test_a_page_of_another_origin_is_not_let_in(service):
    request = urllib.request.Request(
        f"{service}/v1/proposals",
        b"{}",
        {"Content-Type": "application/json", "Origin": "http://evil"},
    )
    with pytest.raises(urllib.error.HTTPError) as raised:
        urllib.request.urlopen(request)
    assert raised.value.code == 403
    raised.value.close()
