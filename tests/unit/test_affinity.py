"""compare(): weights checked, standings fair to silence, accounts that sum to the score."""

from __future__ import annotations

import math

import networkx as nx
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import array_shapes, arrays

from cities import cohort_of, facet_cache
from twinmatch.affinity import checked_weights, compare
from twinmatch.cohort import Host
from twinmatch.errors import QuestionError
from twinmatch.facets import FACETS
from twinmatch.standings import standing

FIVE = [
    {
        "id": "at-a",
        "challenges": {"industry": 3},
        "levers_needed": ["procurement"],
        "needs": "Steel heat.",
    },
    {
        "id": "be-b",
        "challenges": {"industry": 1, "mobility_transport": 1},
        "strengths": {"industry": 3},
        "offers": "Steel heat.",
    },
    {
        "id": "cz-c",
        "strengths": {"mobility_transport": 2},
        "levers_offered": ["procurement"],
        "offers": "Trams.",
    },
    {"id": "de-d", "challenges": ["stationary_energy"], "needs": "Trams."},
    {"id": "ee-e"},
]


def all_weights(directed):
    return {name: 1.0 for name, entry in FACETS.items() if directed or not entry.directed}


def test_every_account_sums_to_its_score():
    affinity = compare(cohort_of(*FIVE), all_weights(True), facet_cache())
    for r in range(5):
        for c in range(5):
            account = affinity.account(r, c)
            assert account.score == pytest.approx(affinity.score[r, c], abs=1e-9)
            assert math.fsum(line.weight for line in account.lines) == pytest.approx(1)


def test_a_joint_account_is_the_mean_of_the_pairs():
    affinity = compare(cohort_of(*FIVE), all_weights(False), facet_cache())
    pairs = [(0, 1), (0, 3), (1, 3)]
    joint = affinity.joint_account(pairs, "pairs")
    assert joint.score == pytest.approx(np.mean([affinity.score[p] for p in pairs]), abs=1e-9)
    coverage = np.mean([affinity.account(*p).coverage for p in pairs])
    assert joint.coverage == pytest.approx(coverage)


def test_a_unit_counts_with_the_mean_over_members_that_are_known():
    cohort = cohort_of(*FIVE)
    alone = compare(cohort, {"challenges_met": 1}, facet_cache(), rows=[0])
    unit = compare(
        cohort,
        {"challenges_met": 1},
        facet_cache(),
        rows=[0],
        columns=[Host("unit-u", "U", (1, 2, 4)), Host("be-b", "B", (1,))],
    )
    known = [alone.likeness["challenges_met"][0, j] for j in (1, 2)]
    assert unit.likeness["challenges_met"][0, 0] == pytest.approx(np.mean(known))


def test_a_host_without_a_member_is_like_nobody_and_changes_no_other():
    cohort = cohort_of(*FIVE)
    led, nobody = (Host("two", "Two", (1, 2)), Host("one", "One", (2,))), Host("nobody", "N", ())

    def known(*hosts):
        found = compare(cohort, {"challenges_met": 1}, facet_cache(), rows=[0], columns=hosts)
        return found.likeness["challenges_met"][0].tolist()

    for at in range(3):
        among = known(*led[:at], nobody, *led[at:])
        assert np.isnan(among.pop(at))
        assert among == known(*led)
    assert np.isnan(known(nobody, nobody)).all()


def test_order_of_the_input_changes_nothing():
    one = compare(cohort_of(*FIVE), all_weights(True), facet_cache())
    other = compare(cohort_of(*FIVE[::-1]), all_weights(True), facet_cache())
    np.testing.assert_array_equal(one.score, other.score)


def test_effective_shares_sum_to_one_and_an_unknown_facet_has_none():
    affinity = compare(
        cohort_of(*FIVE), {"challenges_met": 1, "levers_met": 1, "wishes": 5}, facet_cache()
    )
    shares = affinity.effective_shares
    assert sum(shares.values()) == pytest.approx(1)
    assert shares["wishes"] == 0.0


def test_a_weight_acts_as_itself():
    """Seen elsewhere: a weight that acted as its square."""
    cohort = cohort_of(*FIVE)
    single = {
        name: compare(cohort, {name: 1}, facet_cache()).score
        for name in ("shared_challenges", "language")
    }
    both = compare(cohort, {"shared_challenges": 3, "language": 1}, facet_cache()).score
    np.testing.assert_allclose(
        both, 0.75 * single["shared_challenges"] + 0.25 * single["language"], atol=1e-12
    )


def test_the_graph_carries_scores_and_accounts():
    affinity = compare(cohort_of(*FIVE), all_weights(False), facet_cache())
    graph = affinity.graph()
    assert isinstance(graph, nx.Graph)
    assert graph.number_of_edges() == 10
    for a, b, edge in graph.edges(data=True):
        row, column = affinity.cohort.index[a], affinity.cohort.index[b]
        assert edge["weight"] == affinity.score[row, column]
        shares = [value for name, value in edge.items() if name.startswith("share_")]
        assert sum(shares) == pytest.approx(edge["weight"])


def test_the_graph_is_saved_and_read_again(tmp_path):
    graph = compare(cohort_of(*FIVE), all_weights(False), facet_cache()).graph()
    nx.write_graphml(graph, tmp_path / "graph.graphml")
    again = nx.read_graphml(tmp_path / "graph.graphml")
    assert dict(again.nodes(data=True)) == dict(graph.nodes(data=True))
    for a, b, edge in graph.edges(data=True):
        assert again.edges[a, b] == pytest.approx(edge)


def test_the_graph_of_guests_and_hosts_points_from_guest_to_host():
    affinity = compare(
        cohort_of(*FIVE),
        {"challenges_met": 1},
        facet_cache(),
        rows=[0],
        columns=[Host("be-b", "B", (1,))],
    )
    assert list(affinity.graph().edges) == [("at-a", "be-b")]


@pytest.mark.parametrize(
    ("weights", "code"),
    [
        ({"contextt": 1}, "facet-unknown"),
        ({"context": -1}, "weight-wrong"),
        ({"context": math.nan}, "weight-wrong"),
        ({"context": math.inf}, "weight-wrong"),
        ({"context": True}, "weight-wrong"),
        ({"context": 0}, "weights-empty"),
        ({}, "weights-empty"),
    ],
)
def test_impossible_weights_are_refused(weights, code):
    with pytest.raises(QuestionError) as error:
        checked_weights(weights)
    assert [p.code for p in error.value.problems] == [code]


def test_an_unknown_facet_names_the_nearest():
    with pytest.raises(QuestionError, match="Did you mean context"):
        checked_weights({"contextt": 1})


def test_all_problems_of_weights_are_told_together():
    with pytest.raises(QuestionError) as error:
        checked_weights({"contextt": 1, "language": -2})
    assert len(error.value.problems) == 2


likenesses = arrays(
    np.float64,
    array_shapes(min_dims=2, max_dims=2, max_side=6),
    elements=st.one_of(st.just(np.nan), st.sampled_from([0.0, 0.2, 0.5, 1.0])),
)


@given(likenesses)
def test_the_mean_standing_of_the_known_pairs_is_one_half(block):
    everything = np.ones(block.shape, dtype=bool)
    stand = standing(block, everything)
    known = ~np.isnan(block)
    assert (stand[~known] == 0.5).all()
    if known.any():
        assert stand[known].mean() == pytest.approx(0.5)
    assert ((stand >= 0) & (stand <= 1)).all()


@given(likenesses)
def test_standing_keeps_the_order_of_likeness(block):
    stand = standing(block, np.ones(block.shape, dtype=bool))
    known = ~np.isnan(block)
    value, rank = block[known], stand[known]
    order = np.argsort(value, kind="stable")
    assert (np.diff(rank[order]) >= 0).all()
    assert (np.diff(value[order]) == 0).tolist() == (np.diff(rank[order]) == 0).tolist()
