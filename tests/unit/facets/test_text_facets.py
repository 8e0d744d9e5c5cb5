"""Text: sentence by sentence, the best match per need, quoted and located."""

from __future__ import annotations

import numpy as np
import pytest

from cities import cohort_of, facet_cache
from twinmatch.facets import text as module
from twinmatch.facets.text import NeedsOffers, SharedNeeds, all_sentences


def likeness(facet, i=0, j=1):
    return facet.likeness(np.array([i]), np.array([j]))[0, 0]


GUEST = {"id": "de-guest", "needs": "Heat pumps please. Trams please."}
HOST = {"id": "fr-host", "offers": "We run trams. Heat pumps please. Nothing else here."}


def test_the_likeness_is_the_mean_over_needs_of_their_best_match():
    facet = NeedsOffers(cohort_of(GUEST, HOST), facet_cache())
    # "Heat pumps please." finds itself (1); "Trams please." finds "We run trams." (1 / sqrt(2 x 3)).
    assert likeness(facet) == pytest.approx((1 + 1 / np.sqrt(6)) / 2, abs=1e-4)


def test_evidence_quotes_the_citys_own_words_and_where_they_stand():
    says, facts = NeedsOffers(cohort_of(GUEST, HOST), facet_cache()).says(0, 1)
    assert "“Heat pumps please.”" in says
    assert [f.place for f in facts] == ["needs, characters 0-18", "offers, characters 14-32"]
    for fact, text in zip(facts, (GUEST["needs"], HOST["offers"]), strict=True):
        start, end = map(int, fact.place.rpartition(" ")[2].split("-"))
        assert text[start:end] == fact.value


def test_no_evidence_by_substring():
    """Seen elsewhere: "AI" found in "retail". Words are compared, and quoted whole."""
    cohort = cohort_of(
        {"id": "de-guest", "needs": "AI."}, {"id": "fr-host", "offers": "Retail chains."}
    )
    assert likeness(NeedsOffers(cohort, facet_cache())) == 0.0


def test_a_pilots_summary_is_an_offer():
    host = {"id": "fr-host", "pilot": {"activity": "Tram", "cohort": 1, "summary": "Trams please."}}
    facet = NeedsOffers(cohort_of(GUEST, host), facet_cache())
    assert likeness(facet) > 0.5
    assert facet.says(0, 1)[1][1].place == "summary of the pilot activity, characters 0-13"


def test_no_text_is_unknown_and_said():
    facet = NeedsOffers(cohort_of({"id": "de-guest"}, HOST), facet_cache())
    assert np.isnan(likeness(facet))
    assert facet.says(0, 1)[0] == "The needs of Guest are not known."


def test_shared_needs_go_both_ways():
    cohort = cohort_of(GUEST, {"id": "fr-other", "needs": "Trams please."})
    facet = SharedNeeds(cohort, facet_cache())
    there, back = (1 / 2 * (1 + 1 / np.sqrt(3 * 2) * 1), 1.0)
    assert likeness(facet, 0, 1) == likeness(facet, 1, 0)
    assert likeness(facet) == pytest.approx((there + back) / 2, abs=0.02)


@pytest.mark.parametrize("number", [2, 7])
@pytest.mark.parametrize("largest", [1, 10, 4_000_000])
def test_shared_needs_in_parts_are_those_of_every_pair_alone(number, largest, monkeypatch):
    words = ["heat", "trams", "waste", "roofs", "pumps", "parks", "ports"][:number]
    rng = np.random.default_rng(4)
    cities = []
    for k in range(9):
        sentences = [" ".join(rng.choice(words, 3)).title() + "." for _ in range(k % 4)]
        cities.append({"id": f"de-c{k}", **({"needs": " ".join(sentences)} if sentences else {})})
    cohort = cohort_of(*cities)
    monkeypatch.setattr(module, "_LARGEST_PART", largest)
    facet = SharedNeeds(cohort, facet_cache())
    found = facet.likeness(np.arange(9), np.arange(9))
    side = facet._needs
    assert number > 2 or len(side.vectors) < len(side.passages)  # the same line is said again
    own = [side.vectors[side.line[a:b]] for a, b in zip(side.start, side.end, strict=True)]
    for i in range(9):
        for j in range(9):
            cosine = own[i] @ own[j].T
            if not cosine.size:
                assert np.isnan(found[i, j])
                continue
            there, back = cosine.max(axis=1).mean(), cosine.max(axis=0).mean()
            assert found[i, j] == pytest.approx((there + back) / 2, abs=2e-4)


def test_a_sentence_too_long_to_print_gives_way_to_the_closest_that_is_not():
    long = "word " * 80 + "end."
    guest = {"id": "de-guest", "needs": f"{long} Heat pumps please."}
    facet = NeedsOffers(cohort_of(guest, HOST), facet_cache())
    assert facet.says(0, 1)[1][0].value == "Heat pumps please."
    alone = NeedsOffers(cohort_of({"id": "de-guest", "needs": long}, HOST), facet_cache())
    assert alone.says(0, 1)[1] == ()


def test_a_problem_is_not_said_to_be_shown():
    host = {"id": "fr-host", "offers": "Heat pumps are missing. Heat pumps run in schools."}
    facts = NeedsOffers(cohort_of(GUEST, host), facet_cache()).says(0, 1)[1]
    assert facts[1].value == "Heat pumps run in schools."


def test_blocks_agree_with_the_whole(bundled, bundled_facet_cache):
    facet = NeedsOffers(bundled, bundled_facet_cache)
    rows, cols = np.arange(0, len(bundled), 7), np.arange(0, len(bundled), 11)
    whole = facet.likeness(np.arange(len(bundled)), np.arange(len(bundled)))
    np.testing.assert_array_equal(facet.likeness(rows, cols), whole[np.ix_(rows, cols)])


def test_every_sentence_compared_is_listed(bundled):
    sentences = all_sentences(bundled)
    assert sentences == sorted(set(sentences))
    assert any("Weisweiler" in s for s in sentences)


def test_a_shared_topic_is_shown_by_a_whole_sentence_of_the_host(bundled, bundled_facet_cache):
    facet = NeedsOffers(bundled, bundled_facet_cache)
    hosts = [j for j, c in enumerate(bundled.cities) if c.offers][:12]
    seen = 0
    for i in [k for k, c in enumerate(bundled.cities) if c.needs][:12]:
        for j in hosts:
            text, facts = facet.says(i, j)
            quoted = [f for f in facts if f.kind == "stated" and f.city == bundled.cities[j].id]
            if len(facts) == 2 and len(quoted) == 1 and facts[0].what == "topics":
                seen += 1
                assert quoted[0].value in bundled.cities[j].offers or quoted[0].place
                assert text.rstrip(".").endswith(facts[0].value)
    assert seen
