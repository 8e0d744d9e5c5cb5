"""Cities like mine at any size: the standings of the slow way, and the nearest that comparing everyone finds."""

from __future__ import annotations

import os

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from twinmatch.affinity import checked_weights, compare
from twinmatch.app import peers as peers_module
from twinmatch.app.neighbours import PEER_WEIGHTS
from twinmatch.app.peers import (
    COUNTED,
    MOST_KEPT,
    PEER_FACETS,
    Peers,
    Ranked,
    best,
    blocks,
    likeness_of,
    weighted,
)
from twinmatch.embedding import open_text_model
from twinmatch.facets import FacetCache


@pytest.fixture(scope="module")
def facet_cache(bundled):
    return FacetCache(open_text_model("static"))


@pytest.fixture(scope="module")
def prepared(bundled, facet_cache):
    made = Peers(bundled, facet_cache, checked_weights(PEER_WEIGHTS))
    made.prepare()
    return made


@pytest.fixture(scope="module")
def whole(bundled, facet_cache):
    """Every city compared with every city in every facet, the slow way."""
    return compare(bundled, dict.fromkeys(PEER_FACETS, 1.0), facet_cache)


def test_the_standings_are_those_of_the_slow_way_to_the_last_bit(prepared, whole, bundled):
    everyone = np.arange(len(bundled))
    for i in (0, 17, 100, len(bundled) - 1):
        beside = prepared.beside(i, everyone)
        others = everyone != i
        for f, name in enumerate(PEER_FACETS):
            assert (beside.standing[others, f] == whole.standing[name][i, others]).all(), name
            found = [likeness_of(s) for s in beside.steps[others, f].tolist()]
            assert np.array_equal(found, whole.likeness[name][i, others], equal_nan=True), name


shares = st.lists(st.integers(0, 5), min_size=len(PEER_FACETS), max_size=len(PEER_FACETS))


@settings(max_examples=60, deadline=None)
@given(city=st.integers(0, 999), shares=shares.filter(any), k=st.integers(1, 40))
def test_the_nearest_are_those_that_comparing_everyone_finds(prepared, whole, city, shares, k):
    city %= len(whole.rows)
    weights = checked_weights(dict(zip(PEER_FACETS, map(float, shares), strict=True)))
    vector = prepared.vector(weights)
    others = np.array([j for j in range(len(whole.rows)) if j != city])
    score = np.zeros(len(whole.rows))
    for name, weight in weights.items():
        score += weight * whole.standing[name][city]
    expected = others[best(score[others], k)]
    found = prepared.nearest(city, vector, k)
    assert found.cities.tolist() == expected.tolist()
    assert (weighted(found.standing, vector) == score[expected]).all()


def test_a_standing_from_elsewhere_takes_its_part(prepared):
    beyond = np.random.default_rng(0).random(len(prepared.cohort))
    allowed = np.arange(len(prepared.cohort)) % 3 > 0
    found = prepared.nearest(5, prepared.usual, 12, allowed, beyond=beyond, part=0.4)
    everyone = np.arange(len(prepared.cohort))
    score = 0.6 * weighted(prepared.beside(5, everyone).standing, prepared.usual) + 0.4 * beyond
    places = np.array([j for j in everyone if allowed[j] and j != 5])
    assert found.cities.tolist() == places[best(score[places], 12)].tolist()


def test_other_weights_for_a_city_compare_nothing_again(bundled, facet_cache, monkeypatch):
    made = Peers(bundled, facet_cache, checked_weights(PEER_WEIGHTS))
    made.prepare()
    compared = []
    rows = Ranked.rows
    monkeypatch.setattr(Ranked, "rows", lambda *asked: compared.append(1) or rows(*asked))
    made.nearest(3, made.vector({"readiness": 0.5, "context": 0.5}), 5)
    made.nearest(3, made.vector({"readiness": 0.9, "context": 0.1}), 5)
    assert len(compared) == 2  # one a facet
    made.nearest(3, made.vector({"readiness": 0.9, "language": 0.1}), 5)
    assert len(compared) == 3
    monkeypatch.setattr(peers_module, "AT_HAND", 2 * len(bundled))
    for city in (4, 5, 3):
        made.nearest(city, made.vector({"readiness": 1.0}), 5)
    assert len(made._rows) == 2
    assert len(compared) == 6  # the third city was forgotten, and is compared again


def test_an_even_draw_holds_every_city_as_often_and_no_city_beside_itself(monkeypatch):
    monkeypatch.setattr(peers_module, "COUNTED", 200_000)
    n = 1500
    times, pairs = np.zeros(n, dtype=int), set()
    for rows, cols in blocks(n):
        times[rows] += len(cols)
        times[cols] += len(rows)
        pairs |= {(min(i, j), max(i, j)) for i in rows.tolist() for j in cols.tolist()}
    assert not any(i == j for i, j in pairs)
    assert sum(times) == 2 * len(pairs)  # nobody twice
    assert times.max() - times.min() <= 0.05 * times.mean()
    assert len(pairs) == pytest.approx(200_000, rel=0.1)


@pytest.mark.parametrize("n", [*range(2001, 3001, 7), 3000, 4000, 10_007, 60_000])
def test_no_pair_is_counted_twice_at_any_size(n):
    strips = [(int(rows[0]), int(cols[0])) for rows, cols in blocks(n)]
    assert len({frozenset(pair) for pair in strips}) == len(strips)  # strips share no city
    counted = sum(len(rows) * len(cols) for rows, cols in blocks(n))
    assert min(0.9 * COUNTED, 0.9 * n * (n - 1) / 2) < counted < n * (n - 1) / 2


def test_drawn_standings_are_near_the_counted_ones_and_say_so(
    bundled, facet_cache, prepared, monkeypatch
):
    assert prepared.says == ""
    monkeypatch.setattr(peers_module, "COUNTED", 20_000)
    drawn = Peers(bundled, facet_cache, checked_weights(PEER_WEIGHTS))
    drawn.prepare()
    n = len(bundled)
    assert f" of {n * (n - 1) // 2:,} pairs, drawn evenly" in drawn.says
    away = np.abs(drawn.tables.standing - prepared.tables.standing).max(axis=1)
    assert (away < 0.03).all()
    kinds = [f for f, r in enumerate(drawn._ranked) if r._held is not None]
    assert PEER_FACETS.index("language") in kinds
    assert all(away[f] == 0 for f in kinds)  # few kinds are always counted in full


def test_what_was_found_is_kept_and_taken_again(bundled, facet_cache, tmp_path, monkeypatch):
    monkeypatch.setattr(peers_module, "SMALL", 10)
    usual = checked_weights(PEER_WEIGHTS)
    first = Peers(bundled, facet_cache, usual)
    first.prepare(tmp_path, "text")
    assert not first.is_complete
    asked = first.nearest(7, first.usual, 20)
    first.find_nearest()
    again = Peers(bundled, facet_cache, usual)
    again.prepare(tmp_path, "text")
    assert again.is_complete
    assert again.tables.near[7][:20].tolist() == asked.cities.tolist()
    assert (again.tables.near_steps[7][:20] == asked.steps).all()
    assert again.tables.reasons_of(7, 0) == first.tables.reasons_of(7, 0)
    other = Peers(bundled, facet_cache, usual)
    other.prepare(tmp_path, "another text model")
    assert not other.is_complete


def test_of_many_cohorts_the_latest_are_kept(prepared, tmp_path):
    places = [tmp_path / f"peers-{name}" for name in "fedcba"]
    for k, place in enumerate(places):
        peers_module._keep(place, prepared.tables)
        os.utime(place, ns=(k, k))
    assert {p.name for p in tmp_path.iterdir()} == {p.name for p in places[-MOST_KEPT:]}
    peers_module._keep(places[2], prepared.tables)
    assert {p.name for p in tmp_path.iterdir()} == {p.name for p in [places[2], *places[-3:]]}


def test_who_stops_finding_still_answers_one_city_at_a_time(
    bundled, facet_cache, prepared, monkeypatch
):
    monkeypatch.setattr(peers_module, "SMALL", 10)
    monkeypatch.setattr(peers_module, "BLOCK_PAIRS", 10 * len(bundled))
    made = Peers(bundled, facet_cache, checked_weights(PEER_WEIGHTS))
    made.prepare()
    told = []
    made.find_nearest(told.append, stopped=lambda: len(told) >= 2)
    assert told == [f"The nearest of {n} of {len(bundled)} cities" for n in (10, 20)]
    assert not made.is_complete
    found = made.nearest(7, made.usual, 12)
    assert found.cities.tolist() == prepared.tables.near[7][:12].tolist()
    assert (found.steps == prepared.tables.near_steps[7][:12]).all()
