import re
from dataclasses import replace
from html.parser import HTMLParser
from itertools import pairwise

import pytest
from exporting_samples import HOSTILE, RIGHT_TO_LEFT, SCRIPT, sample, twinning
from hypothesis import given, settings
from hypothesis import strategies as st

from twinmatch.exporting import report
from twinmatch.exporting.report import report_html
from twinmatch.proposal import LeftOut, Proposal
from twinmatch.proposal.tables import StabilityRow, make_table

VOID = {"meta", "link", "br", "hr", "input", "img", "col"}


class Page(HTMLParser):
    """What a page holds: tags with their attributes, texts, and whether all tags are closed."""

    def __init__(self, content: bytes) -> None:
        super().__init__(convert_charrefs=True)
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.text: list[str] = []
        self.open: list[str] = []
        self.feed(content.decode("utf-8"))
        self.close()
        assert self.open == []

    def handle_starttag(self, tag, attrs):
        self.tags.append((tag, dict(attrs)))
        self.text.append(" " if tag in {"td", "th", "li"} else "")
        if tag not in VOID:
            self.open.append(tag)

    def handle_startendtag(self, tag, attrs):
        self.tags.append((tag, dict(attrs)))

    def handle_endtag(self, tag):
        assert self.open.pop() == tag, (tag, self.getpos())

    def handle_data(self, data):
        self.text.append(data)

    def all(self, *names: str) -> list[dict[str, str | None]]:
        return [attrs for tag, attrs in self.tags if tag in names]

    @property
    def words(self) -> str:
        return re.sub(r"\s+", " ", "".join(self.text))


@pytest.fixture(scope="module")
def page() -> Page:
    return Page(report_html(sample()))


def test_the_first_sentence_is_a_result(page):
    assert (
        "Peer-matching proposal 2 twinning pairs, 1 discussion group and 1 national cluster"
        in page.words
    )


def test_nothing_runs_and_nothing_is_fetched(page):
    assert page.all("script", "link", "img", "iframe", "object", "embed", "base", "form") == []
    for tag, attributes in page.tags:
        assert not [name for name in attributes if name.startswith("on")]
        assert "src" not in attributes
        assert (attributes.get("href") or "#").startswith("#") or tag == "a"
    style = "".join(page.text)
    assert "url(" not in style
    assert "@import" not in style
    policy = page.all("meta")[2]
    assert policy["content"] == "default-src 'none'; style-src 'unsafe-inline'"


def test_what_people_typed_is_text(page):
    assert SCRIPT in page.words
    assert RIGHT_TO_LEFT in page.words
    content = report_html(sample()).decode()
    assert "<script" not in content
    assert "<b>heat" not in content
    assert "\u202e" not in content
    assert "\x07" not in content


def test_links_lead_somewhere_and_ids_are_used_once(page):
    ids = [attributes["id"] for _, attributes in page.tags if "id" in attributes]
    assert len(ids) == len(set(ids))
    links = [attributes["href"] or "" for attributes in page.all("a", "use")]
    targets = {link[1:] for link in links if not link.startswith("https://")}
    labels = {attributes["for"] for attributes in page.all("label")}
    assert targets | labels <= set(ids)


def test_sources_are_plain_links(page):
    outside = [a for a in page.all("a") if (a["href"] or "").startswith("http")]
    assert {a["href"] for a in outside} == {"https://example.eu/data?year=2019&unit=t"}
    assert all(a["rel"] == "noreferrer noopener" for a in outside)


def test_headings_go_down_one_level_at_a_time(page):
    levels = [int(tag[1]) for tag, _ in page.tags if re.fullmatch(r"h[1-6]", tag)]
    assert levels[0] == 1
    assert levels.count(1) == 1
    assert all(after <= before + 1 for before, after in pairwise(levels))


def test_tables_have_captions_and_scopes(page):
    assert len(page.all("caption")) == len(page.all("table"))
    assert all(attributes.get("scope") in {"col", "row"} for attributes in page.all("th"))
    assert page.all("html") == [{"lang": "en"}]


def test_pictures_have_a_title_and_a_description(page):
    content = report_html(sample()).decode()
    pictures = re.findall(r"<svg\b.*?</svg>", content, flags=re.DOTALL)
    shown = [picture for picture in pictures if 'aria-hidden="true"' not in picture]
    assert len(shown) == len(pictures) - 1
    for picture in shown:
        assert re.match(r'<svg [^>]*role="img"[^>]*>\s*<title[ >].+?</title>\s*<desc', picture)


def test_an_account_is_told_in_words(page):
    for expected in (
        "Needs met by offers Both want district heating.",
        "Better than 93% of possible pairs. Likeness 0.71",
        "Graz – population: 289,440 people (2021; reported; Eurostat)",
        "Graz – needs: “we lack <b>heat</b> plans” (stated; needs, 3-27)",
        "Aarhus – emissions a head: 3.46 t CO2e (2019; estimated; EDGAR)",
        "Not known, so it counts as average.",
        "Moon phase",
        "46.5 of 50.0",
        "Score 60.8 of 100",
        "No other set of meetings",
        "Within 1.3% of the best possible.",
        "Kept, and at its limit",
    ):
        assert expected in page.words


def test_accounts_of_very_many_meetings_stand_in_the_workbook(monkeypatch):
    monkeypatch.setattr(report, "MOST_ACCOUNTS", 1)
    page = Page(report_html(sample()))
    test_links_lead_somewhere_and_ids_are_used_once(page)
    assert "no room for 2 accounts: the sheet Accounts of the workbook has them" in page.words
    assert "Graz – population" not in page.words
    assert "Aarhus" in page.words


def test_reasons_that_many_share_head_a_table_and_others_have_a_row_each():
    shared = tuple(LeftOut(f"c{n}", "no place", f"group {n % 2}", "Call") for n in range(30))
    own = tuple(LeftOut(f"d{n}", f"reason {n}", "a group") for n in range(3))
    told = Page(report_html(Proposal({}, (replace(twinning(), left_out=(*shared, *own)),)))).words
    assert "No place. 30 cities. To do: Call." in told
    assert "Group 1. c1, c3, c5" in told
    assert "Cities with a reason of their own 3 cities" in told
    assert "d2 Reason 2. A group." in told


def test_settings_stand_apart_from_what_it_was_made_from():
    made = {"data": "abc", "programme": {"name": "North", "settings": {"places": 30}}}
    told = Page(report_html(Proposal(made, ()))).words
    assert "Programme › Name North" in told
    assert "1 setting " in told
    assert "Programme › Settings › Places 30" in told


def test_pairs_that_all_survive_need_no_decision():
    for survives, needs in ((0.2, True), (0.9, False)):
        rows = (
            StabilityRow("a", "A with B", survives, "", "–"),
            StabilityRow("b", "C", 0.9, "", "–"),
        )
        table = make_table("stability", rows, n=1, all=2, runs=5)
        product = replace(twinning(), tables=(table,), held=())
        told = Page(report_html(Proposal({}, (product,)))).words
        assert ("Fragile pairs: 1 of 2" in told.partition("All parts")[0]) is needs


def test_an_empty_proposal_is_a_page():
    assert "No meetings could be proposed." in Page(report_html(Proposal({}, ()))).words


def test_the_same_proposal_gives_the_same_bytes():
    assert report_html(sample()) == report_html(sample())


@settings(max_examples=25, deadline=None)
@given(st.text(max_size=60))
def test_any_text_stays_text(text):
    product = replace(twinning(text), title=text, advice=(text, *HOSTILE))
    before = Page(report_html(Proposal({}, (replace(product, advice=("x", *HOSTILE)),))))
    after = Page(report_html(Proposal({"title": text}, (product,))))
    assert len(after.all("li", "td")) <= len(before.all("li", "td")) + 2
    assert after.all("script") == []
