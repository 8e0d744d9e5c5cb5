"""From a survey's export to a proposal in a real browser: file, columns, values, review, hosts and rules."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from playwright.sync_api import expect

CASES = Path(__file__).parents[1] / "unit" / "reading" / "cases"
SURVEYS = Path(__file__).parents[2] / "benchmarks" / "data" / "surveys"
FEW = 20
"""Clicks, of file choosers, buttons, boxes and menus, from the first page to the proposal."""


@pytest.fixture
def page(service, visit):
    page = visit(service).go("/workbench/intake")
    page.add_init_script(
        "addEventListener('click', e => e.isTrusted && "
        "sessionStorage.setItem('n', 1 + +(sessionStorage.getItem('n') || 0)), true)"
    )
    page.goto(f"{service}/workbench/intake")
    return page


def hand_in(page, path):
    page.get_by_label("A table of profiles").set_input_files(path)
    page.get_by_role("button", name="Hand in and check").click()
    expect(page.get_by_role("button", name="Continue")).to_be_visible()


def go_on(page, step):
    page.get_by_role("button", name="Continue").click()
    page.wait_for_url(f"**/{step}")


def test_a_survey_comes_to_a_proposal_in_few_clicks(page) -> None:
    hand_in(page, CASES / "survey.csv")
    thousands = page.get_by_label("Inhabitants (thousands)")
    assert thousands.input_value() == "thousands of population.value"
    assert page.get_by_label("Preferred host – 2nd choice").input_value() == "wishes"
    assert "example.org" not in page.content()  # nobody's address is shown
    assert "mapping" not in page.content()
    go_on(page, "values")
    assert page.get_by_label("Built environment", exact=True).input_value() == "built_environment"
    go_on(page, "review")
    cities = page.get_by_role("region", name="Cities").locator("tbody tr")
    expect(cities).to_have_count(39)
    page.get_by_role("button", name="Accept all doubts").click()
    expect(page.locator(".state.accept").first).to_be_visible()
    assert "mapping file" not in page.content()
    page.get_by_label("Twinning", exact=True).check()
    page.get_by_label("Title").fill("Round 4")
    page.get_by_role("button", name="Propose").click()
    expect(page.get_by_role("heading", name="At a glance")).to_be_visible()
    assert 0 < int(page.evaluate("sessionStorage.getItem('n')")) + 1 <= FEW  # and the file chooser
    address = page.url.partition("?")[0].replace("/workbench", "")
    made = json.loads(page.request.get(f"{address}/files/proposal.json").body())
    names = {c["name"] for c in made["cities"]}
    assert {"Graz", "Ghent", "Linz", "Lviv", "Oulu"} <= names
    (twinning,) = made["products"]
    in_it = {m["city"] for x in twinning["meetings"] for m in x["members"]}
    in_it |= {x["city"] for x in twinning["left_out"]}
    assert len(in_it) >= 39


def test_a_column_and_a_word_are_matched_by_a_menu(page, tmp_path) -> None:
    table = tmp_path / "own.csv"
    table.write_text(
        "Which city?,Country,Colour,Main challenges\n"
        "Graz,Austria,How to heat an old town,Mobility;Wasser\n"
        "Linz,Austria,How to green the streets,Wasser\n"
        "Wels,Austria,Where to find the money,Energy;Wasser\n",
        "utf-8",
    )
    hand_in(page, table)
    page.get_by_label("Colour").select_option("needs")
    go_on(page, "values")
    page.get_by_label("Wasser").select_option("nature_based_solutions")
    go_on(page, "review")
    page.get_by_role("link", name="Columns").click()
    assert page.get_by_label("Colour").input_value() == "needs"
    page.get_by_role("link", name="Values").click()
    assert page.get_by_label("Wasser").input_value() == "nature_based_solutions"
    page.get_by_role("link", name="Review and propose").click()
    expect(page.get_by_role("region", name="Cities").locator("tbody tr")).to_have_count(3)
