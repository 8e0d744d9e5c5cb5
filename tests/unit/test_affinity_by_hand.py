"""Scores, standings, shares and joint accounts against the definitions, pair by pair, in small and in parts."""

from __future__ import annotations

import itertools
import math
from typing import Any

import numpy as np
import pytest

from cities import cohort_of, facet_cache
from twinmatch import standings as module
from twinmatch.affinity import Affinity, checked_weights, compare
from twinmatch.cohort import Host
from twinmatch.errors import QuestionError
from twinmatch.facets import FACETS
from twinmatch.proposal import Account
from twinmatch.standings import UNKNOWN, likeness_of, standing, standing_table, steps_of

DOMAINS = ("industry", "mobility_transport", "energy_systems", "waste_circular_economy")
WEIGHTS = {"challenges_met": 2, "shared_challenges": 1, "levers_met": 1, "wishes": 1}


def cities(count: int = 9, seed: int = 5) -> list[dict[str, Any]]:
    """Return cities with drawn challenges and strengths, some of which say nothing."""
    rng = np.random.default_rng(seed)
    found = []
    for k in range(count):
        wants = {d: int(w) for d, w in zip(DOMAINS, rng.integers(0, 4, 4), strict=True) if w}
        shows = {d: int(w) for d, w in zip(DOMAINS, rng.integers(0, 4, 4), strict=True) if w}
        found.append(
            {
                "id": f"at-c{k}",
                **({"challenges": wants} if k % 4 else {}),
                **({"strengths": shows} if k % 3 else {}),
                **({"levers_needed": ["procurement"]} if k % 2 else {}),
                "levers_offered": ["procurement" if k % 3 else "finance_funding"],
            }
        )
    found[1]["wishes"] = ["at-c2"]
    return found


COHORT = cohort_of(*cities())
UNIT = Host("unit-u", "U", (2, 3, 4))
HOSTS = (UNIT, *(Host(c.id, c.name, (i,)) for i, c in enumerate(COHORT.cities) if i in (0, 5, 7)))


def both_ways() -> list[tuple[str, Affinity]]:
    return [
        ("every city with every city", compare(COHORT, WEIGHTS, facet_cache())),
        (
            "guests with hosts",
            compare(COHORT, WEIGHTS, facet_cache(), rows=(1, 3, 5, 6), columns=HOSTS),
        ),
    ]


def candidates(one: Affinity) -> list[tuple[int, int]]:
    return [
        (r, c)
        for r, i in enumerate(one.rows)
        for c, host in enumerate(one.columns)
        if i not in host.cities
    ]


def expected_likeness(one: Affinity, name: str, r: int, c: int) -> float:
    facet = FACETS[name].make(COHORT, facet_cache())
    each = [
        float(facet.likeness(np.array([one.rows[r]]), np.array([j]))[0, 0])
        for j in one.columns[c].cities
    ]
    known = [v for v in each if not math.isnan(v)]
    return round(math.fsum(known) / len(known), 6) if known else math.nan


def expected_standing(value: float, of: list[float]) -> float:
    known = [v for v in of if not math.isnan(v)]
    if math.isnan(value) or not known:
        return 0.5
    return sum((v < value) + 0.5 * (v == value) for v in known) / len(known)


def expected_silent(of_guest: list[float], pool: list[float]) -> float:
    """Return where a guest stands with a host that is silent: its mean with the known ones and 100 average pairs."""
    stands = [expected_standing(v, pool) for v in of_guest if not math.isnan(v)]
    return round((math.fsum(stands) + 100 * 0.5) / (len(stands) + 100), 6)


@pytest.fixture(params=["held", "in parts", "never held"])
def way(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> str:
    """Pairs held at once, made a few rows at a time, or compared anew where they are asked for."""
    if request.param != "held":
        monkeypatch.setattr(module, "BLOCK", 8)
    if request.param == "never held":
        monkeypatch.setattr(module, "HELD", 0)
    return str(request.param)


@pytest.mark.parametrize("case", [0, 1], ids=["cities", "hosts"])
def test_every_score_is_the_weighted_sum_of_standings_counted_by_hand(way: str, case: int) -> None:
    _, one = both_ways()[case]
    pairs = candidates(one)
    total = np.zeros((len(one.rows), len(one.columns)))
    for name, weight in one.weights.items():
        like = {
            (r, c): expected_likeness(one, name, r, c)
            for r in range(len(one.rows))
            for c in range(len(one.columns))
        }
        pool = [like[p] for p in pairs]
        for (r, c), value in like.items():
            assert one.likeness[name][r, c] == pytest.approx(value, nan_ok=True, abs=1e-9)
            stand = expected_standing(value, pool)
            if case and math.isnan(value):
                stand = expected_silent([like[p] for p in pairs if p[0] == r], pool)
            if (r, c) in pairs:
                assert one.standing[name][r, c] == pytest.approx(stand, abs=1e-12)
                total[r, c] += weight * stand
    for r, c in pairs:
        assert one.score[r, c] == pytest.approx(total[r, c], abs=1e-12)


@pytest.mark.parametrize("case", [0, 1], ids=["cities", "hosts"])
def test_shares_are_the_covariance_of_each_part_with_the_score(way: str, case: int) -> None:
    _, one = both_ways()[case]
    at = tuple(np.array(candidates(one)).T)
    score = one.score[at]
    for name, weight in one.weights.items():
        part = weight * one.standing[name][at]
        share = np.cov(part, score, bias=True)[0, 1] / score.var()
        assert one.effective_shares[name] == pytest.approx(share, abs=1e-9)
    assert math.fsum(one.effective_shares.values()) == pytest.approx(1)
    assert list(one.effective_shares) == list(one.weights)


def test_shares_are_nought_where_nothing_varies() -> None:
    silent = cohort_of({"id": "at-a"}, {"id": "at-b"}, {"id": "at-c"})
    assert compare(silent, {"wishes": 1, "context": 1}, facet_cache()).effective_shares == {
        "wishes": 0.0,
        "context": 0.0,
    }
    nobody = compare(COHORT, {"context": 1}, facet_cache(), rows=())
    assert nobody.effective_shares == {"context": 0.0}
    alone = compare(cohort_of({"id": "at-a"}), {"context": 1}, facet_cache())
    assert alone.effective_shares == {"context": 0.0}


def test_whatever_the_way_the_scores_are_the_same_to_the_last_bit(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    held = [one.score for _, one in both_ways()]
    monkeypatch.setattr(module, "BLOCK", 3)
    monkeypatch.setattr(module, "HELD", 0)
    for before, (_, one) in zip(held, both_ways(), strict=True):
        np.testing.assert_array_equal(one.score, before)
        some, few = np.array([2, 0]), np.array([1, 3])
        np.testing.assert_array_equal(one.scores(some, few), before[np.ix_(some, few)])


# --- steps and standings ---------------------------------------------------------------------------------


def test_a_likeness_is_a_step_of_a_millionth_and_back() -> None:
    likeness = np.array([0.0, 1.0, 0.5, 0.1234564, 0.1234566, np.nan])
    steps = steps_of(likeness)
    assert steps.tolist() == [0, 1_000_000, 500_000, 123_456, 123_457, UNKNOWN]
    assert steps.dtype == np.int32
    back = likeness_of(steps)
    assert back[:-1].tolist() == [0.0, 1.0, 0.5, 0.123456, 0.123457]
    assert math.isnan(back[-1])


def test_standings_of_steps_by_hand() -> None:
    count = np.zeros(UNKNOWN + 1, dtype=np.int64)
    count[[0, 10, 1_000_000]] = (1, 2, 1)
    count[UNKNOWN] = 7
    table = standing_table(count)
    assert table[[0, 5, 10, 11, 1_000_000, UNKNOWN]].tolist() == [
        0.125,
        0.25,
        0.5,
        0.75,
        0.875,
        0.5,
    ]
    nothing = np.zeros(UNKNOWN + 1, dtype=np.int64)
    nothing[UNKNOWN] = 3
    assert (standing_table(nothing) == 0.5).all()


def test_a_standing_counts_the_pairs_of_the_others_alone() -> None:
    likeness = np.array([[0.2, 0.4], [0.4, np.nan]])
    others = np.array([[True, True], [False, True]])
    assert standing(likeness, others).tolist() == [[0.25, 0.75], [0.75, 0.5]]
    assert standing(likeness, np.zeros((2, 2), dtype=bool)).tolist() == [[0.5, 0.5], [0.5, 0.5]]


# --- weights ---------------------------------------------------------------------------------------------


def test_weights_are_parts_of_one_in_the_order_of_the_registry() -> None:
    found = checked_weights({"context": 3, "wishes": 1, "language": 0})
    assert list(found.items()) == [("wishes", 0.25), ("context", 0.75)]
    own = checked_weights({"context": 1, "theme": 1}, extra=("theme",))
    assert list(own) == ["theme", "context"]


def test_everything_wrong_with_weights_is_told_word_for_word() -> None:
    with pytest.raises(QuestionError) as caught:
        checked_weights({"contextt": 1, "zzzzqqq": 1, "language": -2, "wishes": "3"})  # type: ignore[dict-item]
    found = [(p.code, p.found, p.do) for p in caught.value.problems]
    assert found[0] == (
        "facet-unknown",
        "There is no facet 'contextt'.",
        "Did you mean context?",
    )
    assert found[1] == (
        "facet-unknown",
        "There is no facet 'zzzzqqq'.",
        f"Known: {', '.join(FACETS)}.",
    )
    assert found[2:] == [
        (
            "weight-wrong",
            f"The weight of {name!r} is {weight!r}.",
            "Give a number from 0 to 1,000,000,000.",
        )
        for name, weight in (("language", -2), ("wishes", "3"))
    ]
    with pytest.raises(QuestionError) as caught:
        checked_weights({"context": 0})
    (problem,) = caught.value.problems
    assert (problem.code, problem.found, problem.do) == (
        "weights-empty",
        "No facet has a weight above 0.",
        "Give at least one.",
    )


# --- accounts --------------------------------------------------------------------------------------------


def test_an_account_has_a_line_a_facet_with_the_words_of_the_facet() -> None:
    one = compare(COHORT, WEIGHTS, facet_cache())
    accounts = one.accounts([1, 5, 5], [2, 0, 2])
    for account, (r, c) in zip(accounts, [(1, 2), (5, 0), (5, 2)], strict=True):
        assert [line.facet for line in account.lines] == list(one.weights)
        for line in account.lines:
            says, facts = FACETS[line.facet].make(COHORT, facet_cache()).says(r, c)
            assert (line.says, line.facts) == (says, facts)
            assert line.weight == one.weights[line.facet]
            assert line.standing == one.standing[line.facet][r, c]
            assert line.likeness == pytest.approx(one.likeness[line.facet][r, c], nan_ok=True)
        assert account == one.account(r, c) or any(math.isnan(x.likeness) for x in account.lines)


def test_a_unit_is_said_by_its_closest_city_and_as_such() -> None:
    one = compare(COHORT, {"challenges_met": 1}, facet_cache(), rows=(5,), columns=(UNIT,))
    facet = FACETS["challenges_met"].make(COHORT, facet_cache())
    each = facet.likeness(np.array([5]), np.array(UNIT.cities))[0]
    best = UNIT.cities[int(np.nanargmax(each))]
    (line,) = one.account(0, 0).lines
    assert (line.says, line.facts) == facet.says(5, best)
    unknown = compare(COHORT, {"context": 1}, facet_cache(), rows=(5,), columns=(UNIT,))
    (line,) = unknown.account(0, 0).lines
    context = FACETS["context"].make(COHORT, facet_cache())
    first = COHORT.cities[2].name
    assert line.says == (
        f"Not known for any of the 3 cities of the unit; for {first}: {context.says(5, 2)[0]}"
    )


def test_of_a_unit_the_city_speaks_that_was_wished_for_and_a_gap_of_the_guest_is_its_own() -> None:
    cohort = cohort_of(
        {"id": "at-guest", "challenges": {"industry": 2}, "wishes": ["it-c"]},
        {"id": "it-a", "strengths": {"industry": 3}},
        {"id": "it-b", "strengths": {"industry": 3}},
        {"id": "it-c", "strengths": {"industry": 1}},
        {"id": "it-silent"},
    )
    names = {"challenges_met": 1, "levers_met": 1}
    unit = Host("unit-a", "A", (1, 2, 3))
    one = compare(cohort, names, facet_cache(), rows=(0,), columns=(unit,))
    met, levers = one.account(0, 0).lines
    assert "C works on this" in met.says
    assert levers.says == FACETS["levers_met"].make(cohort, facet_cache()).says(0, 1)[0]
    assert levers.says.startswith("The levers")
    few = compare(cohort, names, facet_cache(), rows=(0,), columns=(Host("u", "U", (1, 4)),))
    assert "A works on this" in few.account(0, 0).lines[0].says


def test_a_joint_account_by_hand() -> None:
    one = compare(COHORT, WEIGHTS, facet_cache())
    pairs = [(1, 2), (2, 5), (4, 5), (5, 7)]
    joint = one.joint_account(pairs, "meetings")
    assert [line.facet for line in joint.lines] == list(one.weights)
    for line in joint.lines:
        like = [float(one.likeness[line.facet][p]) for p in pairs]
        stand = [float(one.standing[line.facet][p]) for p in pairs]
        known = [v for v in like if not math.isnan(v)]
        assert line.weight == one.weights[line.facet]
        assert line.standing == pytest.approx(math.fsum(stand) / 4)
        if not known:
            assert math.isnan(line.likeness)
            assert line.says == "Not known for any of the 4 meetings."
            continue
        assert line.likeness == pytest.approx(math.fsum(known) / len(known))
        assert line.known_part == pytest.approx(len(known) / 4)
        best = max((k for k in range(4) if not math.isnan(like[k])), key=lambda k: (stand[k], -k))
        words, facts = FACETS[line.facet].make(COHORT, facet_cache()).says(*pairs[best])
        assert line.says == words
        assert line.facts == facts


def test_a_joint_account_of_one_pair_says_the_pair_and_of_none_nothing() -> None:
    one = compare(COHORT, {"levers_met": 1}, facet_cache())
    (line,) = one.joint_account([(1, 2)], "pairs").lines
    assert line.says == one.account(1, 2).lines[0].says
    assert one.joint_account([], "pairs") == Account()


class Own:
    """A facet that knows its columns: the likeness is what it is told."""

    def __init__(self, table: list[list[float]]) -> None:
        self.table = np.array(table)

    def likeness(self, rows: Any) -> Any:
        return self.table[: len(rows)]

    def says(self, i: int, column: int) -> tuple[str, tuple[()]]:
        return f"city {i} and column {column}", ()


def test_a_facet_that_a_product_brings_is_asked_by_column(way: str) -> None:
    own = {"theme": Own([[0.1, 0.9], [0.4, math.nan], [0.4, 0.2]])}
    hosts = (Host("a", "A", ()), Host("b", "B", ()))
    one = compare(COHORT, {"theme": 1}, facet_cache(), rows=(1, 2, 4), columns=hosts, own=own)
    silent = round((0.6 + 100 * 0.5) / 101, 6)
    assert one.standing["theme"].tolist() == [[0.1, 0.9], [0.6, silent], [0.6, 0.3]]
    assert one.account(2, 1).lines[0].says == "city 4 and column 1"


def test_a_silent_host_is_not_best_for_a_guest_whom_few_hosts_suit() -> None:
    """81 hosts, the last of them silent: the second guest is far from all others, and silence is no better than they."""
    likeness = np.full((3, 81), 0.2)
    likeness[0], likeness[1], likeness[2] = 0.8, 0.1, math.nan
    likeness[:, 80] = math.nan
    own = {"theme": Own(likeness.tolist())}
    hosts = tuple(Host(f"h{k}", f"H{k}", ()) for k in range(81))
    one = compare(COHORT, {"theme": 1}, facet_cache(), rows=(1, 2, 4), columns=hosts, own=own)
    by_guest = one.standing["theme"]
    assert by_guest[0, 80] == pytest.approx((80 * 0.75 + 50) / 180, abs=1e-6)
    assert by_guest[1, 80] == pytest.approx((80 * 0.25 + 50) / 180, abs=1e-6)
    assert set(by_guest[2].tolist()) == {0.5}


# --- the graph -------------------------------------------------------------------------------------------


def test_the_graph_has_every_city_and_the_pairs_from_a_score_on() -> None:
    one = compare(COHORT, WEIGHTS, facet_cache())
    least = float(np.median(one.score))
    graph = one.graph(least=least)
    assert not graph.is_directed()
    assert dict(graph.nodes(data=True)) == {
        c.id: {"name": c.name, "cities": c.id} for c in COHORT.cities
    }
    ids = [c.id for c in COHORT.cities]
    assert {frozenset(e) for e in graph.edges} == {
        frozenset((ids[r], ids[c]))
        for r, c in itertools.combinations(range(len(ids)), 2)
        if one.score[r, c] >= least
    }
    for a, b, edge in graph.edges(data=True):
        r, c = sorted((ids.index(a), ids.index(b)))
        assert edge["weight"] == one.score[r, c]
        expected = {"weight": one.score[r, c]}
        for name, weight in one.weights.items():
            expected[f"share_{name}"] = weight * one.standing[name][r, c]
            if not np.isnan(one.likeness[name][r, c]):
                expected[f"likeness_{name}"] = one.likeness[name][r, c]
        assert edge == pytest.approx(expected)


def test_the_graph_of_guests_and_hosts_has_the_units_with_their_cities() -> None:
    one = compare(COHORT, WEIGHTS, facet_cache(), rows=(1, 3), columns=HOSTS)
    graph = one.graph()
    assert graph.is_directed()
    ids = [c.id for c in COHORT.cities]
    assert graph.nodes["unit-u"] == {"name": "U", "cities": "; ".join(ids[i] for i in UNIT.cities)}
    assert graph.nodes[ids[1]] == {"name": COHORT.cities[1].name, "cities": ids[1]}
    expected = {(ids[1], h.id) for h in HOSTS} | {(ids[3], h.id) for h in HOSTS[1:]}
    assert set(graph.edges) == expected


def test_rows_and_columns_are_found_by_city_and_by_id() -> None:
    one = compare(COHORT, WEIGHTS, facet_cache(), rows=(5, 1), columns=HOSTS)
    assert one.row_of == {5: 0, 1: 1}
    assert one.column_of == {h.id: c for c, h in enumerate(HOSTS)}
    assert list(one.standing) == list(one.weights)
    assert len(one.likeness) == 4
    with pytest.raises(KeyError):
        one.likeness["context"]
