"""Pairs of a programme name cities by id or by any of their names; a name of nobody stays for the rules to tell."""

from __future__ import annotations

import pytest

from twinmatch.app.decided import Decided, with_decided
from twinmatch.programmes import load
from twinmatch.reading import read


@pytest.mark.parametrize(
    ("guest", "host"),
    [
        ("pl-warsaw", "de-cologne"),
        ("Warszawa", "Köln"),
        ("VARSOVIE", "koln"),
        ("warsaw", "Cologne"),
    ],
)
def test_locks_bans_and_past_pairs_are_by_any_name(guest: str, host: str) -> None:
    programme = load("twinning")
    assert programme.twinning is not None
    pairs = ((guest, host), ("Nowhere", host))
    own = programme.twinning.model_copy(update={"lock": pairs, "ban": pairs, "past": pairs})
    found = with_decided(programme.model_copy(update={"twinning": own}), [Decided()], read())
    assert found.twinning is not None
    for said in (found.twinning.lock, found.twinning.ban, found.twinning.past):
        assert said == (("pl-warsaw", "de-cologne"), ("Nowhere", "de-cologne"))


def test_past_rounds_say_nothing_of_cities_that_are_not_here() -> None:
    met = ("pl-warsaw", "de-cologne")
    decided = Decided(past=(met, ("xx-gone", "de-cologne")), refused=("be-ghent", "xx-gone"))
    programme = load("twinning")
    assert programme.twinning is not None
    own = programme.twinning.model_copy(update={"refused_before_points": 1.0})
    programme = programme.model_copy(update={"twinning": own})
    found = with_decided(programme, [decided], read()).twinning
    assert found is not None
    assert (found.past, found.refused_before) == ((met,), ("be-ghent",))
