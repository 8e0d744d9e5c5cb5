"""backtest: ranks by hand, chance that is chance, intervals that hold, pairs read with every problem told."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from cities import cohort_of, facet_cache
from rounds_for_tests import small_cities
from twinmatch.affinity import compare
from twinmatch.errors import DataError, QuestionError
from twinmatch.reading import read_rows
from twinmatch.schema import Role
from twinmatch.whatif.backtest import ObservedPair, backtest, figures, ranks, read_pairs
from twinmatch.whatif.learning import ASKING, activities, only_activities, partners, stripped

WEIGHTS = {"challenges_met": 2.0, "levers_met": 1.0}


def cohort(seed=0, guests=5, hosts=4, units=()):
    return cohort_of(*small_cities(np.random.default_rng(seed), guests, hosts), units=units)


def test_ranks_by_hand():
    score = np.array([[0.9, 0.5, 0.1], [0.2, 0.2, 0.7], [0.4, 0.4, 0.4]])
    everyone = np.ones((3, 3), dtype=bool)
    rank, of = ranks(score, np.array([0, 0, 1]), everyone)
    assert rank.tolist() == [1.0, 2.5, 2.0]
    assert of.tolist() == [3, 3, 3]
    everyone[1, 2] = False
    assert ranks(score, np.array([0, 0, 1]), everyone)[0].tolist() == [1.0, 1.5, 2.0]


def test_figures_by_hand():
    found = figures(np.array([1.0, 5.0, 11.0]), np.array([11, 11, 11]))
    assert found.mean_percentile_rank.value == pytest.approx((0 + 0.4 + 1) / 3)
    assert dict(found.hit_at)[1].value == pytest.approx(1 / 3)
    assert dict(found.hit_at)[5].value == pytest.approx(2 / 3)
    assert found.mrr.value == pytest.approx((1 + 1 / 5 + 1 / 11) / 3)
    assert dict(found.chance)["hit_at_5"] == pytest.approx(5 / 11)
    assert found.mean_percentile_rank.low <= found.mean_percentile_rank.value
    assert found.mean_percentile_rank.value <= found.mean_percentile_rank.high


@given(st.integers(0, 1000))
def test_a_score_that_says_nothing_stands_at_chance(seed):
    rng = np.random.default_rng(seed)
    size = int(rng.integers(2, 9))
    rank, of = ranks(np.zeros((6, size)), rng.integers(0, size, 6), np.ones((6, size), dtype=bool))
    assert figures(rank, of).mean_percentile_rank.value == pytest.approx(0.5)


def test_a_random_score_is_at_chance_on_average():
    rng = np.random.default_rng(1)
    rank, of = ranks(
        rng.random((4000, 30)), rng.integers(0, 30, 4000), np.ones((4000, 30), dtype=bool)
    )
    found = figures(rank, of)
    assert found.mean_percentile_rank.low < 0.5 < found.mean_percentile_rank.high
    for (k, hit), (_, expected) in zip(found.hit_at, found.chance[1:], strict=False):
        assert hit.value == pytest.approx(expected, abs=0.03), k


def test_the_rank_of_a_pair_is_its_place_among_the_hosts():
    c = cohort()
    affinity = compare(c, WEIGHTS, facet_cache(), rows=(0,), columns=c.hosts([Role.MISSION]))
    for h, host in enumerate(affinity.columns):
        found = backtest(c, [ObservedPair(0, frozenset(host.cities))], WEIGHTS, facet_cache())
        own = round(float(affinity.score[0, h]), 9)
        scores = np.round(affinity.score[0], 9)
        expected = 1 + (scores > own).sum() + ((scores == own).sum() - 1) / 2
        assert found.pairs[0].rank == expected
        assert np.isnan(found.figures.mrr.low)


def test_each_facet_left_out_is_the_backtest_without_it():
    c = cohort(3)
    pairs = [ObservedPair(g, frozenset({h})) for g, h in ((0, 3), (2, 6), (4, 8))]
    pairs = [p for p in pairs if not {p.guest} & p.hosts]
    found = backtest(c, pairs, WEIGHTS, facet_cache())
    for name, change in found.without:
        rest = {n: w for n, w in WEIGHTS.items() if n != name}
        other = backtest(c, pairs, rest, facet_cache())
        difference = (
            other.figures.mean_percentile_rank.value - found.figures.mean_percentile_rank.value
        )
        assert change.value == pytest.approx(difference)
        assert dict(other.alone)[next(iter(rest))] == pytest.approx(
            other.figures.mean_percentile_rank.value
        )


def test_a_unit_is_one_rival_and_its_members_are_none():
    units = [{"id": "unit-two", "name": "Two", "cities": ["be-host-0", "cz-host-1"]}]
    c = cohort(units=units)
    found = backtest(
        c, [ObservedPair(0, frozenset({c.index["be-host-0"]}))], WEIGHTS, facet_cache()
    )
    assert found.pairs[0].host == "unit-two"
    assert found.pairs[0].of == 3


def test_cities_that_joined_for_one_pair_take_the_place_of_their_members():
    c = cohort()
    hosts = frozenset({c.index["be-host-0"], c.index["cz-host-1"]})
    found = backtest(c, [ObservedPair(0, hosts)], WEIGHTS, facet_cache())
    assert found.pairs[0].of == 3
    assert "Host-0" in found.pairs[0].host_name


def test_pairs_are_read_by_id_or_name_and_every_problem_is_told():
    c = cohort()
    rows = [{"guest": "at-guest-0", "hosts": "Host-0; cz-host-1"}]
    (pair,) = read_pairs(c, rows, "pairs.csv")
    assert pair.hosts == {c.index["be-host-0"], c.index["cz-host-1"]}
    bad = [
        {"guest": "", "hosts": "be-host-0"},
        {"guest": "at-guest-0;be-guest-1", "hosts": "be-host-0"},
        {"guest": "at-guest-0", "hosts": "xx-nowhere"},
    ]
    with pytest.raises(QuestionError) as raised:
        read_pairs(c, bad, "pairs.csv")
    assert [(p.code, p.where.row, p.where.column) for p in raised.value.problems] == [
        ("pair-empty", 2, "guest"),
        ("pair-guests", 3, "guest"),
        ("city-unknown", 4, "hosts"),
    ]
    with pytest.raises(QuestionError, match="its own host"):
        backtest(c, [ObservedPair(0, frozenset({0}))], WEIGHTS, facet_cache())
    with pytest.raises(QuestionError, match="no pairs"):
        read_pairs(c, [], "pairs.csv")


def test_a_csv_that_cannot_be_read_says_why(tmp_path):
    missing = tmp_path / "none.csv"
    with pytest.raises(DataError, match="no such file"):
        read_rows(missing, ("guest",))
    (tmp_path / "a.csv").write_bytes("guest\nMünster\n".encode("latin-1"))
    with pytest.raises(DataError, match="UTF-8"):
        read_rows(tmp_path / "a.csv", ("guest",))
    (tmp_path / "b.csv").write_text("guest,x\na,b\n")
    with pytest.raises(DataError, match="no column 'hosts'"):
        read_rows(tmp_path / "b.csv", ("guest", "hosts"))
    (tmp_path / "c.csv").write_text("\ufeffguest,hosts\na,b;c\n", encoding="utf-8")
    assert read_rows(tmp_path / "c.csv", ("guest", "hosts")) == [{"guest": "a", "hosts": "b;c"}]


def test_the_activity_is_taken_out_before_partners_are_ranked(bundled):
    bare = stripped(bundled)
    assert all(not bare.pilots(i) for i in range(len(bare)))
    shown = only_activities(bundled)
    assert all(not c.offers and not c.strengths and not c.levers_offered for c in shown.cities)
    assert any(shown.pilots(i) for i in range(len(shown)))


@pytest.mark.slow
def test_the_default_weights_find_what_pilot_cities_chose_better_than_chance(
    bundled, bundled_facet_cache
):
    """The record of docs/decisions/0005: the own activity of a city, of 68, and partners for peers."""
    from twinmatch.app.neighbours import PEER_WEIGHTS
    from twinmatch.programmes import load

    weights = load("twinning").twinning.weights
    assert set(weights) & ASKING
    chosen = activities(bundled, weights, bundled_facet_cache)
    assert chosen.figures.high < 0.5
    assert chosen.figures.value < 0.40
    peers = partners(bundled, PEER_WEIGHTS, bundled_facet_cache)
    assert peers.figures.high < 0.5


def test_text_from_after_a_pairing_is_left_out_of_the_headline_and_guests_that_speak_stand_apart():
    told = {"of": ["needs"], "from": ["news of the pairing"], "after_pairing": True}
    hosts = [
        {"id": "at-a", "roles": ["mission"], "offers": "We run trams."},
        {"id": "at-b", "roles": ["mission"], "offers": "We heat with wood."},
        {"id": "at-c", "roles": ["mission"], "offers": "We plant trees."},
    ]
    cohort = cohort_of(
        *hosts,
        {"id": "de-x", "needs": "We heat with wood.", "sources": [told]},
        {"id": "de-y", "needs": "We plant trees."},
    )
    pairs = read_pairs(
        cohort, [{"guest": "de-x", "hosts": "at-b"}, {"guest": "de-y", "hosts": "at-c"}], "p.csv"
    )
    found = backtest(cohort, pairs, {"needs_offers": 1}, facet_cache(cohort))
    views = {view.name: view for view in found.views}
    assert [view.pairs for view in found.views] == [2, 2, 1, 1]
    assert views["as shipped"].score.value == 0
    assert found.figures.mean_percentile_rank.value == 0.25  # de-x is silent then, and at chance
    assert [x.percentile for x in found.pairs] == [0.5, 0]
    assert [name for name, _ in found.views[0].beside] == ["distance", "whole text", "BM25"]
    assert dict(found.views[0].beside)["whole text"].value == 0
    assert dict(found.views[0].beside)["distance"].value == 0.5  # no place is known
