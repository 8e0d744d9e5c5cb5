"""Drawings: the SVG of a page and the chart of a notebook show the same figures, from one specification."""

from __future__ import annotations

import re
import xml.etree.ElementTree as ET
from dataclasses import replace

import pytest
from exporting_samples import HOSTILE, SCRIPT, sample

from twinmatch.exporting.charts import drawing, of_meeting, svg
from twinmatch.exporting.folder_files import Directory
from twinmatch.exporting.report import report_html
from twinmatch.figures.vega import STEP, WIDTH, emissions_mix, readiness, waterfall
from twinmatch.proposal import Account, CityCard, Evidence, Measure, from_plain, to_plain

SVG = "{http://www.w3.org/2000/svg}"
NUMBER = r"-?[\d,]+(?:\.\d+)?"


def card(id_, name, tonnes, levels):
    measures = [
        Measure("emissions_gpc", what, value, 2019)
        for what, value in zip(
            ("buildings and energy", "transport", "waste", "industrial processes"),
            tonnes,
            strict=True,
        )
    ]
    measures += [Measure("emissions_groups", m.what, m.value, 2019) for m in measures[:3]]
    measures += [Measure("readiness", what, level) for what, level in levels.items()]
    return CityCard(id_, name, "DE", "Germany", (), None, None, None, 1.0, (), tuple(measures))


CARDS = [
    card("de-one", "One", (50, 25, 20, 5), {"finance": 1, "delivery": 3}),
    card("de-two", "Two & <b>", (10, 30, None, 20), {"finance": 2, "delivery": 3, "adaptation": 4}),
]
ACCOUNT = Account(
    (
        Evidence("needs", 0.7, 0.9, 0.5, "Both want “heat” & <light>."),
        Evidence("readiness", float("nan"), 0.5, 0.3, "Not known."),
        Evidence("nearness", 0.2, 0.1, 0.2, "They lie far apart."),
    )
)
SPECS = {
    "waterfall": waterfall(ACCOUNT, "One learns from Two"),
    "emissions_mix": emissions_mix(CARDS),
    "readiness": readiness(CARDS),
}


def drawn(spec):
    """Return the drawing as XML, and how to turn pixels into the numbers of its axis."""
    tree = ET.fromstring(svg(spec))
    x = spec["layer"][0]["encoding"]["x"]
    low, high = x["scale"]["domain"]
    zero = next(t for t in tree.iter(f"{SVG}text") if t.text == f"{low:g}")
    left = float(zero.get("x"))
    return tree, lambda pixels: low + (pixels - left) * (high - low) / WIDTH


@pytest.mark.parametrize("name", ["waterfall", "emissions_mix"])
def test_bars_are_as_long_as_the_rows_say_and_in_their_colour(name):
    spec = SPECS[name]
    tree, value = drawn(spec)
    layers = [layer for layer in spec["layer"] if layer["mark"]["type"] == "bar"]
    wanted = []
    for layer in layers:
        encoding = layer["encoding"]
        for row in spec["data"]["values"]:
            colour = encoding.get("color")
            paint = (
                dict(zip(colour["scale"]["domain"], colour["scale"]["range"], strict=True))[
                    row[colour["field"]]
                ]
                if colour
                else "none"
            )
            wanted.append((row[encoding["x"]["field"]], row[encoding["x2"]["field"]], paint))
    found = [
        (value(float(r.get("x"))), value(float(r.get("x")) + float(r.get("width"))), r.get("fill"))
        for r in tree.iter(f"{SVG}rect")
    ]
    assert len(found) == len(wanted)
    for (start, end, colour), (low, high, paint) in zip(found, wanted, strict=True):
        assert (start, end) == (pytest.approx(low, abs=0.02), pytest.approx(high, abs=0.02))
        assert colour == paint


def test_points_stand_at_the_levels_of_their_rows():
    spec = SPECS["readiness"]
    tree, value = drawn(spec)
    circles = [round(value(float(c.get("cx"))), 2) for c in tree.iter(f"{SVG}circle")]
    squares = [
        round(value(float(re.match(r"M(\S+)", p.get("d"))[1]) + 5), 2)
        for p in tree.iter(f"{SVG}path")
        if "h10v10" in p.get("d")
    ]
    # The last of each shape is the one in the legend.
    assert circles[:-1] == [1, 3]
    assert squares[:-1] == [2, 3]


@pytest.mark.parametrize("name", SPECS)
def test_the_notebook_shows_the_same_figures(name):
    """Altair's own renderer labels every mark with its numbers; they are those that the page's SVG was drawn from."""
    vl_convert = pytest.importorskip("vl_convert", reason="the extra [notebook] is not installed")
    spec = SPECS[name]
    theirs = vl_convert.vegalite_to_svg(spec)
    tree, value = drawn(spec)
    title = spec["layer"][0]["encoding"]["x"]["title"]
    said = {
        round(float(n.replace(",", "")), 1)
        for label in re.findall(r'aria-label="([^"]*)"', theirs)
        for n in re.findall(rf"{re.escape(title)}: ({NUMBER})(?:;|$)", label)
    }
    mine = {round(value(float(r.get("x"))), 1) for r in tree.iter(f"{SVG}rect")}
    mine |= {round(value(float(c.get("cx"))), 1) for c in tree.iter(f"{SVG}circle")}
    assert said
    assert {n for n in mine if n >= 0} <= said | mine_legend(tree, value)
    for text in (t.text for t in tree.iter(f"{SVG}text")):
        assert text in ET.fromstring(theirs).itertext() or text.replace(".0", "") in theirs, text


def mine_legend(tree, value):
    """Shapes of the legend stand below the plot."""
    return {round(value(float(c.get("cx"))), 1) for c in list(tree.iter(f"{SVG}circle"))[-1:]}


@pytest.mark.parametrize("name", SPECS)
def test_a_drawing_has_words_for_those_who_do_not_see_it(name):
    spec = SPECS[name]
    tree, _ = drawn(spec)
    assert tree.get("role") == "img"
    assert tree[0].tag == f"{SVG}title"
    assert tree[0].text == spec["title"]["text"]
    assert tree[1].tag == f"{SVG}desc"
    assert spec["title"]["subtitle"] in tree[1].text
    labels = [t.text for t in tree.iter(f"{SVG}text")]
    assert set(spec["encoding"]["y"]["sort"]) <= set(labels)
    figure = drawing(spec).figure()
    assert "<caption>" in figure
    for row in spec["usermeta"]["rows"]:
        assert len(row) == len(spec["usermeta"]["columns"])
    assert figure.count("<tr>") == len(spec["usermeta"]["rows"]) + 1
    assert "<table" not in drawing(spec).figure(twin=False)


def test_the_table_has_the_figures_of_the_rows():
    for name, row_figure, cell in (("waterfall", "adds", 1), ("emissions_mix", "percent", 2)):
        spec = SPECS[name]
        for row, told in zip(spec["data"]["values"], spec["usermeta"]["rows"], strict=True):
            assert told[cell] == f"{row[row_figure]:.1f}"


@pytest.mark.parametrize("name", SPECS)
def test_a_drawing_needs_no_style_and_no_script_and_is_the_same_each_time(name):
    made = svg(SPECS[name])
    assert svg(SPECS[name]) == made
    assert not re.search(r"style|script|class=\"(?!picture)|href|on\w+=", made)


def test_marks_stay_inside_the_picture():
    for spec in SPECS.values():
        tree, _ = drawn(spec)
        _, _, wide, tall = (float(n) for n in tree.get("viewBox").split())
        for rect in tree.iter(f"{SVG}rect"):
            assert float(rect.get("x")) >= 0
            assert float(rect.get("x")) + float(rect.get("width")) <= wide
            assert float(rect.get("y")) + float(rect.get("height")) <= tall
        rows = len(spec["encoding"]["y"]["sort"])
        assert tall > rows * STEP


@pytest.mark.parametrize("text", [SCRIPT, *HOSTILE], ids=range(1 + len(HOSTILE)))
def test_what_people_typed_is_never_markup(text):
    cards = [replace(CARDS[0], name=text), CARDS[1]]
    account = Account((replace(ACCOUNT.lines[0], says=text),))
    for spec in (waterfall(account, text, {"needs": text}), emissions_mix(cards), readiness(cards)):
        ET.fromstring(svg(spec))
        assert "<script" not in drawing(spec).figure().lower()


def test_every_meeting_of_a_report_has_its_pictures_also_when_it_was_read_back():
    proposal = sample()
    directory = Directory(proposal)
    page = report_html(proposal).decode()
    for product in proposal.products:
        for meeting in product.meetings:
            found = of_meeting(meeting, directory)
            assert bool(found) == bool(meeting.account.lines)
            for picture in found:
                assert picture.svg in page
    again = from_plain(to_plain(replace(proposal, cities=tuple(CARDS))))
    assert again.cities == tuple(CARDS)


def test_the_guest_stands_first():
    proposal = replace(sample(), cities=tuple(CARDS))
    meeting = next(m for p in proposal.products for m in p.meetings if m.cities("guest"))
    host, guest = (
        replace(m, city=c)
        for m, c in zip(
            sorted(meeting.members, key=lambda m: m.role == "guest")[-2:],
            ("de-two", "de-one"),
            strict=True,
        )
    )
    pictures = of_meeting(replace(meeting, members=(host, guest)), Directory(proposal))
    assert pictures[-1].columns == ("Dimension", "One", "Two & <b>")
