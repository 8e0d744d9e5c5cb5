"""BM25 and topic profiles by hand; another language than English is no word, and what a city ticks is its profile."""

import math

import numpy as np
import pytest

from cities import cohort_of, facet_cache
from twinmatch.embedding.sentences import TOPICS
from twinmatch.facets.answered import (
    MOST,
    NeedsAnswered,
    SameWords,
    SharedTopics,
    TopicsMet,
    WordTable,
)
from twinmatch.facets.quoting import stems

GERMAN = "Wir suchen Hilfe bei der Umstellung unserer Fernwärme auf Abwärme und Holz."


def test_stems_are_lower_case_without_common_endings_and_short_words_stay() -> None:
    assert stems("Heating, heated: HEATS! of trams in 2030") == ("heat", "heat", "heat", "tram")
    assert stems("city cities") == ("city", "cit")


def test_bm25_by_hand() -> None:
    cohort = cohort_of(
        {"id": "at-a", "needs": "tram tram wood"},
        {"id": "at-b", "offers": "tram tram park"},
        {"id": "at-c", "offers": "park"},
        {"id": "at-d"},
    )
    everyone = np.arange(4)
    found = WordTable(cohort).closeness(everyone, everyone)
    # two cities speak, one of them of trams, twice in three words where the mean is two; two words are asked
    rarity = math.log1p((2 - 1 + 0.5) / (1 + 0.5))
    weight = rarity * 2 * 2.2 / (2 + 1.2 * (0.25 + 0.75 * 3 / 2))
    assert found[0, 1] == pytest.approx(weight / 2, abs=1e-6)
    assert found[0, 2] == 0
    assert np.isnan(found[0, [0, 3]]).all()
    assert np.isnan(found[1:]).all()
    facet = SameWords(cohort, facet_cache(cohort))
    assert facet.likeness(everyone[:1], everyone)[0, 1] == pytest.approx(
        weight / 2 / MOST, abs=1e-6
    )


def test_words_of_another_language_are_left_out_and_sentences_take_their_place() -> None:
    cohort = cohort_of(
        {"id": "at-a", "needs": GERMAN},
        {"id": "at-b", "offers": "We heat homes with wood and with waste heat of the mills."},
        {"id": "at-c", "needs": "We want trams."},
        {"id": "at-d", "needs": "We want parks."},
        {"id": "at-e", "needs": "We heat homes with coal."},
    )
    everyone = np.arange(5)
    words = SameWords(cohort, facet_cache(cohort))
    assert np.isnan(words.likeness(everyone[:1], everyone)).all()
    assert "not known in English" in words.says(0, 1)[0]
    answered = NeedsAnswered(cohort, facet_cache(cohort)).likeness(everyone[[0, 4]], everyone[[1]])
    assert not np.isnan(answered).any()


def test_topics_that_are_ticked_are_compared_by_their_rarity() -> None:
    heat, tram, tree = (TOPICS[k].value for k in (0, 14, 25))
    cohort = cohort_of(
        {"id": "at-a", "seeks": [heat, tram]},
        {"id": "at-b", "shows": [heat]},
        {"id": "at-c", "shows": [tree]},
        {"id": "at-d", "seeks": [heat], "shows": [tram]},
    )
    everyone = np.arange(4)
    met = TopicsMet(cohort, facet_cache(cohort)).likeness(everyone, everyone)
    rare, common = math.log(9 / 3), math.log(9 / 4)  # of 8 sides: trams on two, heat on three
    both = math.hypot(rare, common)
    assert met[0, 1] == pytest.approx(common / both, abs=1e-6)
    assert met[0, 3] == pytest.approx(rare / both, abs=1e-6)
    assert met[0, 2] == 0
    assert met[3, 1] == 1
    assert np.isnan(met[1]).all()
    shared = SharedTopics(cohort, facet_cache(cohort)).likeness(everyone, everyone)
    assert shared[0, 3] == shared[3, 0] == pytest.approx(common / both, abs=1e-6)
