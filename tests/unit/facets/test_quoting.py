"""Quoting: what may be printed by kind, and which sentences answer each other."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pytest

from twinmatch.embedding.classifier import KINDS, TOPICS, Reading
from twinmatch.facets.quoting import fit, printable, topic_of

SOURCE = "the city's answer to a survey"


@dataclass(frozen=True)
class Sentence:
    """A sentence with place and source, as the facets have it."""

    text: str
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
        ("action", 0.3, False, True),
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
    ("cosine", "one", "other", "found"),
    [
        (0.20, HEAT, HEAT, 0.20 + 0.5 * 0.64),
        (0.10, HEAT, HEAT, -1.0),
        (0.30, HEAT, TRAM, -1.0),
        (0.50, HEAT, TRAM, 0.50),
        (0.24, None, None, -1.0),
        (0.30, None, None, 0.30),
    ],
)
def test_sentences_of_one_topic_answer_each_other_at_a_lower_cosine(cosine, one, other, found):
    assert fit(np.array([[cosine]]), one, other)[0, 0] == pytest.approx(found)


def test_the_topic_named_is_the_one_that_both_have():
    both = HEAT + topics(heat_planning=0.9)
    assert topic_of(both, HEAT, 0, 0).value == "district_heating_cooling"
    assert topic_of(HEAT, TRAM, 0, 0) is None
    assert topic_of(None, HEAT, 0, 0) is None
