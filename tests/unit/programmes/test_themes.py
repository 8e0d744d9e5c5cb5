"""How far a city's challenges are those of a theme, and what shows it, checked by hand."""

from __future__ import annotations

import numpy as np
import pytest
from product_cases import city

from cities import cohort_of, facet_cache
from twinmatch.programmes.themes import Theme, ThemeNeed, _named_most, lead_strength
from twinmatch.proposal import Fact

HEAT = Theme(id="heat", title="Heat", domains=("energy_systems",), levers=("procurement",))
WORDS = Theme(id="words", title="Words", texts=("Steel heat for houses.",))
SOURCES = [{"of": ["challenges"], "from": ["Survey"]}, {"of": ["needs"], "from": ["Form"]}]
CITIES = [
    city("at-a", wants={"energy_systems": 3, "industry": 1}, sources=SOURCES),
    city("at-b", wants={"industry": 1}, levers_needed=["procurement", "finance_funding"]),
    city("at-c", needs="Steel heat for houses. Trams for all.", sources=SOURCES),
    city("at-d"),
    city("at-e", wants={"stationary_energy": 1, "industry": 1}),
    city("at-f", needs="Trams for all."),
]


def needs(*themes: Theme) -> ThemeNeed:
    return ThemeNeed(cohort_of(*CITIES), themes, facet_cache())


def test_need_is_the_best_of_domains_levers_and_sentences():
    found = needs(HEAT, WORDS).likeness(range(6))
    assert found.shape == (6, 2)
    np.testing.assert_allclose(found[:, 0], [0.75, 0.5, np.nan, np.nan, 0.5, np.nan])
    # One of three sentences is among the fifth nearest to the text: half of those of the third city.
    np.testing.assert_allclose(found[:, 1], [np.nan, np.nan, 0.5, np.nan, np.nan, 0.0])
    assert needs().likeness([0, 1]).shape == (2, 0)
    assert needs(HEAT, HEAT).likeness([3, 0])[1].tolist() == [0.75, 0.75]


def test_texts_count_for_nothing_without_a_text_model():
    silent = ThemeNeed(cohort_of(*CITIES), [WORDS])
    assert np.isnan(silent.likeness(range(6))).all()


STATED = "challenges and levers needed in this theme"


@pytest.mark.parametrize(
    ("i", "says", "value", "source"),
    [
        (0, "A names energy systems as a challenge.", "energy systems", "Survey"),
        (1, "B names procurement as a challenge.", "procurement", ""),
        (
            4,
            "E names buildings and energy as a challenge.",
            "buildings and energy",
            "",
        ),
    ],
)
def test_what_is_named_is_said_with_its_source(i, says, value, source):
    told, (fact,) = needs(HEAT).says(i, 0)
    assert told == says
    assert fact == Fact(CITIES[i]["id"], STATED, value, kind="stated", source=source)


def test_what_is_not_named_is_said_too():
    other = Theme(id="waste", title="Waste", domains=("waste_circular_economy",))
    told, (fact,) = needs(other).says(0, 0)
    assert told == "A names nothing of this theme."
    assert (fact.city, fact.what, fact.value) == ("at-a", STATED, "none")
    wide = Theme(id="ways", title="Ways", domains=("mobility_transport",))
    assert needs(wide).says(4, 0)[0] == "E names nothing of this theme."
    assert needs(HEAT).says(3, 0) == ("The challenges of D are not known.", ())


def test_what_is_near_the_text_is_a_fact_with_its_place():
    told, (fact,) = needs(HEAT, WORDS).says(2, 1)
    assert told == "C names among what it needs: Steel heat for houses."
    assert (fact.city, fact.what, fact.value) == ("at-c", "needs", "Steel heat for houses.")
    assert (fact.kind, fact.source) == ("stated", "Form")
    assert fact.place
    assert needs(WORDS).says(5, 0) == ("The challenges of F are not known.", ())


def test_how_strong_a_lead_is_is_the_mean_over_what_the_theme_names():
    strong = [
        city("dk-a", "mission", shows={"energy_systems": 3}, levers_offered=["procurement"]),
        city("dk-b", "mission", shows={"energy_systems": 3}),
        city("dk-c", "mission", offers="Steel heat for houses."),
        city("dk-d", "mission"),
    ]
    cohort = cohort_of(*strong)
    both, one, _, none = lead_strength(cohort, HEAT)
    assert both > one > none == 0.0
    assert lead_strength(cohort, WORDS, facet_cache())[2] == 1.0
    assert not lead_strength(cohort, WORDS).any()


@pytest.mark.parametrize(
    ("n", "areas", "begins"),
    [
        (
            4,
            {"finance_funding": 4},
            "Each of the 4 cities that come to learn names finance and funding ",
        ),
        (4, {"finance_funding": 3}, "What the 4 cities that come to learn name most often: "),
        (4, {"industry": 4, "finance_funding": 2}, "What the 4 cities that come to learn name"),
    ],
)
def test_a_count_that_says_no_more_than_the_theme_asks_what_is_meant(n, areas, begins):
    assert _named_most(n, {}, areas).startswith(begins)
