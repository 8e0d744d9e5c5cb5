"""One test a rule of the reviewer: what passes, and what does not."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from twinmatch.facets.quoting import Passage, printable
from twinmatch.proposal.evidence import LONGEST_WHOLE, faults, is_sentence, printed, shortened
from twinmatch.wording import spoken_by

HEAT = "The heat network delivers 450 GWh a year."


def test_a_good_sentence_has_no_fault():
    assert faults(HEAT, "shows", "achievement", True) == ()
    assert faults(HEAT, "shows") == ()


@pytest.mark.parametrize(
    ("text", "role", "known", "fault"),
    [
        (HEAT, "shows", {"kind": "problem"}, True),
        (HEAT, "shows", {"kind": "context"}, True),
        (HEAT, "shows", {"kind": "plan"}, True),
        (HEAT, "shows", {"kind": "achievement", "showable": False}, True),
        (HEAT, "asks", {"kind": "achievement"}, True),
        (HEAT, "asks", {"kind": "wish"}, False),
        ("Mobility is about 24% of all emissions here.", "shows", {}, True),
        ("Mobility is about 24 per cent of our emissions.", "asks", {}, True),
        ("Primary energy fell by 39% and emissions were cut.", "shows", {}, False),
        ("Silos and weak training slow the energy transition.", "shows", {}, True),
        ("A poorer quarter suffers pollution and noise.", "shows", {}, True),
        ("Staff are missing for the heat plan.", "asks", {}, False),
        ("Pay-as-you-throw is designed for 5,000 users.", "shows", {"kind": "action"}, True),
        ("The company plans to heat with wood.", "shows", {"kind": "action"}, True),
        ("A tram runs, and a second line will follow.", "shows", {"kind": "action"}, False),
        ("The heat hub is soon to open.", "shows", {"kind": "action"}, True),
        ("The plant is now being designed.", "shows", {"kind": "action"}, True),
        ("A dashboard is being built with a firm.", "shows", {"kind": "action"}, True),
        (
            "Floods are held off by tunnels, which are being built.",
            "shows",
            {"kind": "action"},
            True,
        ),
        ("Capital, some of it blended, is developed in a lab.", "shows", {"kind": "action"}, True),
        ("Emissions are shown by a tool in the making.", "shows", {"kind": "action"}, True),
        (
            "Homes get models in a pilot, where they are prepared.",
            "shows",
            {"kind": "action"},
            True,
        ),
        ("The tram was extended to the port.", "shows", {"kind": "action"}, False),
        ("The council has a climate plan to 2030.", "shows", {"kind": "achievement"}, False),
        (HEAT, "asks", {"kind": "plan"}, True),
    ],
)
def test_right_kind(text, role, known, fault):
    assert ("right kind" in faults(text, role, **known)) is fault


@pytest.mark.parametrize(
    ("text", "fault"),
    [
        ("Each city studies one quarter of ageing houses.", True),
        ("Missing procedures are mended in nine cities at once.", True),
        ("The nine Italian Mission cities work by a memorandum.", True),
        ("The plan lists 70 measures of all departments and city companies.", False),
        ("Engagement of firms, as the twin city describes it.", True),
        ("The city studies one quarter of ageing houses.", False),
    ],
)
def test_this_city(text, fault):
    assert ("this city" in faults(text, "shows")) is fault


@pytest.mark.parametrize(
    ("text", "fault"),
    [
        ("A heat network has been run since 2020 from a gas-fired combined heat and power plant.", True),
        ("The city bought 50 gas buses.", True),
        ("The school is heated with gas and powered by the sun.", True),
        ("Gas boilers of single flats are banned in new apartment blocks.", False),
        ("Heat pumps replaced the oil boilers of four schools.", False),
        ("District heat moved from gas to wood chips.", False),
        ("Landfill gas is turned into electricity.", False),
    ],
)  # fmt: skip
def test_a_model(text, fault):
    assert ("a model" in faults(text, "shows")) is fault
    assert "a model" not in faults(text, "asks")


@pytest.mark.parametrize(
    "text",
    ["This is joined with the plan.", "They renew the network.", "The heat network delivers …", "The network (450 GWh a year.", "cycling", "Experience with trams"],
)  # fmt: skip
def test_whole(text):
    assert faults(text, "shows") == ("whole",)


@pytest.mark.parametrize(
    ("text", "whole"),
    [
        ("Heat pumps please.", True),
        ("We want trams", True),
        ("An adaptation roadmap dates from 2015.", True),
        ("cycling", False),
        ("District heating.", False),
        ("district heating, trams, cycling, parks, wood and solar power on many roofs", False),
    ],
)
def test_what_is_a_sentence_and_what_is_words(text, whole):
    assert is_sentence(text) is whole
    assert ("“" in printed(text, "")) is whole


@pytest.mark.parametrize(
    ("text", "may"),
    [(HEAT, True), ("Das Wärmenetz liefert 450 GWh Fernwärme in einem Jahr an alle Haushalte.", False)],
)  # fmt: skip
def test_only_english_is_printed(text, may):
    passage = Passage(0, text, "offers", 0, len(text), "")
    assert printable([passage], "shows").tolist() == [may]


def test_a_long_sentence_ends_at_a_clause_or_is_not_printed():
    head = "The network delivers heat to half of all homes in the old town and in the port quarter"
    assert shortened(f"{head}, and {'word ' * 60}end.") == f"{head}."
    assert shortened("word " * 80) == ""
    taken_back = f"{head}, but {'word ' * 15}end."
    assert (
        shortened(taken_back) == taken_back
    )  # what follows "but" takes back what stands before it
    listed = f"{head}, its shops, and {'word ' * 15}end."
    assert shortened(listed) == listed  # the end of a list is not cut off
    assert shortened(f"{head}; more is said.") == f"{head}."
    assert shortened(f"Short; {HEAT}") == f"Short; {HEAT}"
    assert shortened(f"Short, and whole. {HEAT}") == f"Short, and whole. {HEAT}"


@given(st.text(max_size=500))
def test_a_shortened_text_is_short_and_begins_the_text(text):
    found = shortened(text)
    assert len(found) <= LONGEST_WHOLE
    assert text.strip().startswith(found.removesuffix("."))


def test_a_paraphrase_is_reported_and_only_own_words_are_quoted():
    assert spoken_by("We run our buses; the US does not help us.") == (
        "They run their buses; the US does not help them."
    )
    assert "“" not in printed("We run buses.", "Climate City Contract of Dijon, lines 3-5")
    assert "“" not in printed("We run buses.", "https://example.eu/page")
    assert printed("We run buses.", "Form of the round, row 3") == "“We run buses.”"
    assert printed(f"{'word ' * 30}; {'word ' * 30}", "") == ""  # a quote is never cut
