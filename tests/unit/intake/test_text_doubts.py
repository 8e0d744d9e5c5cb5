from __future__ import annotations

from profiles_for_intake import city, known

from twinmatch.app.intake import text_doubts
from twinmatch.errors import Problem
from twinmatch.schema import City

GERMAN = "Wir suchen Partner für die Sanierung der Fernwärme in den alten Stadtteilen und für die Finanzierung."
ENGLISH = (
    "We look for partners for the renovation of district heating in our old quarters and for the funding of it. "
    "The council has adopted a plan with a cost for every action that we want to carry out by 2030."
)


def asked(*cities: City) -> list[Problem]:
    return text_doubts(known(*cities))


def test_a_language_that_the_model_does_not_know_is_named() -> None:
    (problem,) = asked(city(needs=GERMAN))
    assert problem.code == "language-unknown"
    assert "German" in problem.found
    assert problem.where.column == "needs"
    assert problem.level == "warning"


def test_a_multilingual_model_knows_it() -> None:
    assert text_doubts(known(city(needs=GERMAN)), None) == []
    assert text_doubts(known(city(needs=GERMAN)), ("de", "en")) == []


def test_english_with_names_of_places_is_english() -> None:
    text = "We renew the Fernwärme of Köln-Mülheim and the Straßenbahn with the Stadtwerke, and look for funding."
    assert asked(city(needs=text)) == []


def test_a_copied_text_is_told_once_with_both_cities() -> None:
    copied = ENGLISH.replace("council", "city council")
    (problem,) = asked(
        city("de-a", needs=ENGLISH),
        city("fr-b", needs=copied),
        city("it-c", needs="Trams and cycle lanes for all."),
    )
    assert problem.code == "near-duplicate"
    assert problem.where.file == "fr-b.yaml"
    assert "needs of A" in problem.found


def test_a_citys_own_needs_and_offers_may_be_alike() -> None:
    assert asked(city(needs=ENGLISH, offers=ENGLISH)) == []


def test_a_sentence_that_many_have_is_boilerplate() -> None:
    shared = "Our city is committed to the goals of the Mission and to a just transition. "
    own = (
        "We need heat from rivers for old quarters.",
        "Trams should reach the harbour by 2030 at least.",
        "Farms around us need water.",
    )
    found = asked(*(city(f"de-b{k}", needs=shared + text) for k, text in enumerate(own)))
    boilerplate = [p for p in found if p.code == "boilerplate"]
    assert len(boilerplate) == 1
    assert boilerplate[0].found.startswith("3 cities")
    assert boilerplate[0].level == "note"


def test_the_bundled_texts_raise_no_doubt(bundled) -> None:  # type: ignore[no-untyped-def]
    assert asked(*bundled.cities) == []
