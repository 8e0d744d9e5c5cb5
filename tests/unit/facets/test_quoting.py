"""Quoting: what may be printed by kind, and which sentences answer each other."""

from __future__ import annotations

import math
import re
from dataclasses import dataclass, replace

import numpy as np
import pytest

from cities import cohort_of
from twinmatch.embedding.sentences import KINDS, TOPICS, Reading
from twinmatch.facets.quoting import (
    FEWEST,
    PILOT,
    SAME_MATTER,
    Passage,
    WordWeights,
    asks,
    is_of_costs,
    named_topics,
    names_topic,
    printable,
    same_matter,
    shows,
    speaks_of,
    telling,
    told_topics,
    wants,
    worth,
)
from twinmatch.facets.text import needs_said, offers_said
from twinmatch.vocabulary.topics import Topic

SOURCE = "the city's answer to a survey"


@dataclass(frozen=True)
class Sentence:
    """A sentence with place and source, as the facets have it."""

    text: str
    what: str = "offers"
    place: str = "offers, characters 0-10"
    source: str = SOURCE


def read(kind, shows):
    kinds = np.array([[float(k == kind) for k in KINDS]])
    return Reading(np.array([shows]), kinds, np.zeros((1, len(TOPICS))))


@pytest.mark.parametrize(
    ("kind", "shows", "as_offer", "as_need"),
    [
        ("achievement", 0.9, True, False),
        ("achievement", 0.7, True, True),
        ("action", 0.3, True, True),
        ("action", 0.2, False, True),
        ("problem", 0.7, False, True),
        ("wish", 0.1, False, True),
        ("context", 0.2, False, True),
        ("context", 0.95, False, False),
    ],
)
def test_what_may_be_printed_follows_kind_and_showing(kind, shows, as_offer, as_need):
    sentence = [Sentence("The tram carries forty thousand people a day.")]
    assert printable(sentence, "shows", read(kind, shows)).tolist() == [as_offer]
    assert printable(sentence, "asks", read(kind, shows)).tolist() == [as_need]


@pytest.mark.parametrize(
    ("what", "problem", "shows", "printed"),
    [
        (
            "offers",
            0.55,
            0.3,
            True,
        ),  # among offers, what may well be a problem still shows something
        ("offers", 0.65, 0.9, False),
        ("offers", 0.55, 0.2, False),
        (PILOT, 0.55, 0.9, False),
        (PILOT, 0.45, 0.9, True),
        (PILOT, 0.45, 0.3, False),
    ],
)
def test_what_stands_among_offers_shows_something_unless_surely_not(what, problem, shows, printed):
    kinds = np.zeros((1, len(KINDS)))
    kinds[0, [KINDS.index("problem"), KINDS.index("action")]] = problem, 1 - problem
    reading = Reading(np.array([shows]), kinds, np.zeros((1, len(TOPICS))))
    sentence = [Sentence("Our heat network has been free of coal since 2019.", what)]
    assert printable(sentence, "shows", reading).tolist() == [printed]


def test_a_share_of_emissions_is_never_shown():
    sentence = [Sentence("Mobility is about 24% of the city's emissions.")]
    assert printable(sentence, "shows", read("achievement", 0.99)).tolist() == [False]


def topics(**sure):
    row = np.zeros((1, len(TOPICS)))
    for code, p in sure.items():
        row[0, [t.value for t in TOPICS].index(code)] = p
    return row


HEAT, TRAM = topics(district_heating_cooling=0.64), topics(public_transport=0.64)


@pytest.mark.parametrize(
    ("words", "one", "other", "shared"),
    [
        (0.0, HEAT, HEAT, 0.64),
        (0.4, HEAT, HEAT + TRAM, 0.64),
        (0.3, HEAT + TRAM, HEAT + TRAM, 1.28),
        (0.9, HEAT, TRAM, -math.inf),
        (0.3, None, HEAT, 0.0),
    ],
)
def test_shared_topics_and_shared_words_make_one_matter_likelier(words, one, other, shared):
    start, by_topic, by_word = SAME_MATTER
    likely = 1 / (1 + math.exp(-(start + by_topic * shared + by_word * words)))
    found = same_matter(np.array([[words]]), one, other)
    assert found[0, 0] == pytest.approx(likely, abs=1e-4)


def test_rare_words_that_both_use_count_and_words_of_any_matter_do_not():
    assert telling("The city wants plans for its trams") == {"tram"}
    weights = WordWeights(["Trams run.", "Trams and wood.", "Wood and coal."])
    found = weights.likeness(["trams wood", "coal"], ["wood", "wind"])
    rare = {
        w: math.log((FEWEST + 1) / (c + 0.5)) for w, c in (("tram", 2), ("wood", 2), ("coal", 1))
    }
    assert found[0, 0] == pytest.approx(math.sqrt(rare["wood"] / (rare["tram"] + rare["wood"])))
    assert found[0, 1] == found[1, 0] == 0


@pytest.mark.parametrize(
    ("text", "name", "said"),
    [
        ("Our heat company lost heat.", "Arad", "Arad’s heat company lost heat (public page)."),
        (
            "Our heat company lost heat.",
            "Niš (R)",
            "Niš (R) says: Their heat company lost heat (public page).",
        ),
        ("We want peers.", "Arad", "Arad says that they want peers (public page)."),
        ("Permits are slow here.", "Arad", "Arad says: Permits are slow here (public page)."),
    ],
)
def test_a_paraphrase_is_told_of_the_city(text, name, said):
    assert asks(name, Sentence(text, source="https://arad.example")) == said


@pytest.mark.parametrize("text", ["cycling", "cycling and walking", "large heat pumps, trams"])
def test_words_are_named_and_never_quoted(text):
    said = shows("Leuven", Sentence(text), TOPICS[0])
    assert said.endswith(f"Leuven names among what it can show: {text}.")
    assert asks("Leuven", Sentence(text)) == f"Leuven names among what it needs: {text}."
    assert "“" not in said


@pytest.mark.parametrize(
    ("text", "topic", "early"),
    [
        ("Solar roofs stand on every school.", Topic.SOLAR_WIND_POWER, 1.0),
        ("The photovoltaic plant feeds the tram.", Topic.SOLAR_WIND_POWER, 1 - 4 / 38),
        ("The tram crosses the old town.", Topic.SOLAR_WIND_POWER, -1.0),
        ("An auditor reviewed the energy of the city.", Topic.SOLAR_WIND_POWER, -1.0),
    ],
)
def test_a_sentence_names_a_topic_by_its_words_and_how_early(text, topic, early):
    assert names_topic(text, topic) == pytest.approx(early)


@pytest.mark.parametrize("topic", list(Topic))
def test_every_topic_is_named_by_its_own_wording(topic):
    assert names_topic(topic.wording, topic) >= 0


REUSE = Sentence("Reuse of concrete and building materials from demolition", "needs")
HOMES, NEW = Topic.HOME_RENOVATION, Topic.NEW_BUILD_CIRCULAR_CONSTRUCTION


def _probabilities(**of: float) -> np.ndarray:
    return np.array([[of.get(t.value, 0.0) for t in TOPICS]])


@pytest.mark.parametrize(
    ("source", "sure", "read"),
    [
        (SOURCE, 0.5, {NEW}),  # reused materials are near to renovating homes, and no word says so
        (SOURCE, 0.7, {HOMES, NEW}),
        ("read from its Climate City Contract", 0.5, {HOMES, NEW}),
    ],
)
def test_own_words_are_on_a_likely_topic_only_where_a_word_names_it(source, sure, read):
    topics = _probabilities(home_renovation=sure, new_build_circular_construction=0.5)
    found = named_topics(topics, {0: replace(REUSE, source=source)})
    assert {t for t, p in zip(TOPICS, found[0], strict=True) if p} == read


@pytest.mark.parametrize(
    ("homes", "new", "told"),
    [
        (0.7, 0.5, {HOMES}),  # likely beside a surer one
        (0.7, 0.65, {HOMES, NEW}),
        (0.45, 0.5, {NEW}),  # the likeliest, and named
        (0.5, 0.45, set()),  # the likeliest, and no word of it
        (0.2, 0.35, set()),
    ],
)
def test_what_is_told_is_sure_or_likeliest_and_named(homes, new, told):
    topics = _probabilities(home_renovation=homes, new_build_circular_construction=new)
    found = told_topics(topics, [replace(REUSE, source="its Climate City Contract")])
    assert {t for t, p in zip(TOPICS, found[0], strict=True) if p} == told


@pytest.mark.parametrize(
    ("text", "source", "sure", "seeks", "told"),
    [
        (REUSE.text, SOURCE, 0.9, (), f"Linz names among what it needs: {REUSE.text}."),
        (REUSE.text, SOURCE, 0.9, [NEW], "Linz wants to learn about {topic}."),
        ("We want to reuse bricks.", SOURCE, 0.5, (), "Linz wants to learn about {topic}, as its words are read."),
        ("We want to reuse bricks.", SOURCE, 0.9, (), "Linz wants to learn about {topic}."),
        ("We want to reuse bricks.", "its Climate City Contract", 0.5, (), "Linz wants to learn about {topic}."),
    ],
)  # fmt: skip
def test_a_topic_that_was_read_in_own_words_is_told_as_read(text, source, sure, seeks, told):
    city = cohort_of({"id": "at-linz", "seeks": list(seeks) or None}).cities[0]
    topics = _probabilities(new_build_circular_construction=sure)[0]
    said = wants(city, [NEW], topics, Sentence(text, "needs", source=source))
    assert said == told.format(topic=NEW.wording)


def test_a_sentence_in_other_words_than_its_topic_is_printed_without_it():
    tram = Sentence("The tram carries forty thousand people a day.")
    assert "solar" not in shows("Lund", tram, Topic.SOLAR_WIND_POWER)
    assert Topic.PUBLIC_TRANSPORT.wording in shows("Lund", tram, Topic.PUBLIC_TRANSPORT)
    own = Sentence("Public transport carries forty thousand people a day.")
    assert shows("Lund", own, Topic.PUBLIC_TRANSPORT).startswith("Lund can show")


def test_a_text_tells_more_with_rare_words_a_figure_or_names_and_a_year_is_no_figure():
    words = WordWeights(["Heat pumps warm homes.", "Heat moves.", "Geothermal wells run."])
    told = words.told
    assert told("Heat pumps.") < told("Geothermal pumps.")
    assert told("It heats 450 homes.") == pytest.approx(told("It heats homes.") + 2)
    assert told("It has run since 2019.") == told("It has run since then.")
    assert told("In Kawka it runs.") == pytest.approx(told("In kawka it runs.") + 1)
    assert (
        told("It runs in Kawka.", "Kawka")
        == told("It runs in Kąwka.", "Kawka")
        == told("It runs in.")
    )


@pytest.mark.parametrize(
    ("text", "serves"),
    [
        ("An EU grant of 3 million euros paid for insulating the grammar school.", True),
        ("We gave 40 textile companies EU grants and subsidies for insulation.", False),
        ("Grants for associations rose to 3 million euros for insulating clubhouses.", False),
        ("Grants and funding are sought.", False),
    ],
)
def test_grants_that_a_city_gives_and_sentences_that_tell_little_are_no_evidence(text, serves):
    passage = Passage(0, text, "offers", 0, len(text), "")
    words = WordWeights([text])
    topic = Topic.PUBLIC_GRANTS_FUNDING
    assert (worth(passage, topic, 0.9, 0.9, "shows", words) > 0) == serves
    tried = replace(passage, what=PILOT)
    assert worth(tried, topic, 0.9, 0.9, "shows", words) <= serves * 2
    assert worth(tried, topic, 0.5, 0.5, "shows", words) == 0


@pytest.mark.parametrize(
    ("need", "answer", "topic", "near"),
    [
        ("Solar roofs depend on the full grid.", "Solar roofs cover 2 km2.", "solar_wind", False),
        ("We want a public transport that people trust.", "Trams renew the public transport.", "public_transport", False),
        ("Public procurement is slow.", "Public procurement has a share of spending.", "public_procurement", False),
        ("Our budget hides the effect.", "The budget gives each measure its effect.", "climate_budget", True),
        ("Waste water should be reused.", "A pipeline for reuse brings waste water to firms.", "water_wastewater", True),
    ],
)  # fmt: skip
def test_a_need_is_quoted_only_beside_what_speaks_of_most_of_it(need, answer, topic, near):
    found = next(t for t in Topic if t.startswith(topic))
    assert speaks_of(answer, need, found) is near


@pytest.mark.parametrize(
    ("text", "is_so"),
    [
        ("We want to learn how to finance geothermal district heat.", True),
        ("We want to learn how to fund heat networks.", True),
        ("New pipes have to be paid by loans and grants.", True),
        ("We want to learn how small users are connected to district heat.", False),
        ("Our city fund of trees is old.", False),
    ],
)
def test_a_need_of_money_is_one_of_costs_whatever_word_it_uses(text, is_so):
    assert is_of_costs(text) == is_so


VAGUE = re.compile(
    r"\bor (?:being )?tested\b|at work on (?:it|them)|\ba development bank\b|joined the Covenant|test wells|more than "
    r"\d+ indicators|\bstars of\b|\bjoint memorandum\b|\bbeing (?:built|set up)\W*$|\bA(?: rating)? (?:by|of) CDP\b|"
    r"than in any other|\bone euro\b|\binternational standard\b|\bmethod of the C40\b|\bplan dates from\b|"
    r"\binventor(?:y|ies) (?:follows?|have been made)\b|\bof the 600 connected\b|\bagainst storms\b|"
    # condensed until it is no English, or points at what stands elsewhere in the profile
    r"\bquarter by quarter\b|^(?:Cycling|Walking|Reuse|Resilience|Mobility)\b[^,.]* has (?:an? )|\b(?:the|this|our) contract\b|"
    r"\bthe \w+-zone project\b|^(?:Further|More) stages\b|\bcitizen voice\b|\bmodal shift\b|\b(?:began|live|work) here\b|"
    # a count without a way to it
    r"^(?:Over|About|More than)? ?[\d,.]+ trees\b|^Cycle paths grew\b",
    re.IGNORECASE,
)
LIST = re.compile(
    r"We (?:want to learn|want help|want peers|look for|seek)\b.{40,},(?! and\b).+ and\b"
)


def test_bundled_evidence_of_hosts_is_no_pledge_praise_or_hearsay(bundled, bundled_facet_cache):
    offers = offers_said(bundled, bundled_facet_cache)
    hosts = [i for i, city in enumerate(bundled.cities) if {"mission", "pilot"} & {*city.roles}]
    places, worths = offers.by(hosts)
    serving = [offers.passages[p].text for p, w in zip(places, worths, strict=True) if w.any()]
    assert len(serving) > 280
    assert not [text for text in serving if VAGUE.search(text)]


def test_a_wish_of_a_bundled_mission_city_is_for_one_thing(bundled, bundled_facet_cache):
    wishes = [p for p in needs_said(bundled, bundled_facet_cache).passages if p.what == "needs"]
    mission = [p.text for p in wishes if "mission" in bundled.cities[p.city].roles]
    assert not [text for text in mission if LIST.match(text)]
