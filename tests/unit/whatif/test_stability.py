"""stability: a share is what the runs say, the same however they are spread; nothing known, nothing shaken."""

from __future__ import annotations

import numpy as np
import pytest

from rounds_for_tests import random_case, small_case, small_cities
from twinmatch.errors import QuestionError
from twinmatch.programmes import load
from twinmatch.programmes.round import Round
from twinmatch.whatif.case import open_case
from twinmatch.whatif.stability import ROBUST, drawn, stability


def test_without_any_doubt_everything_is_kept():
    """One facet, known for every pair: no weight can shift it, and nothing is left to draw."""
    cities = small_cities(np.random.default_rng(0), 3, 3)
    for city in cities:
        city.pop("wishes", None)
        if city["roles"] == ["guest"]:
            city["challenges"] = city["challenges"] or {"industry": 1}
        else:
            city["strengths"] = city["strengths"] or {"industry": 1}
    case = small_case(cities, weights={"challenges_met": 1})
    found = stability(case, 20)
    assert [p.share for p in found.pairs] == [1.0] * case.filled
    assert found.fragile == ()
    assert found.dropped == ()


def test_shares_are_those_of_a_run_by_hand():
    """The same draws, made and solved here one by one."""
    case = random_case(6, guests=5, hosts=3, places=3)
    found = stability(case, 25, seed=11, spread=0.8)
    kept = {p.guest: 0 for p in found.pairs}
    affinity = case.ready.affinity
    for child in np.random.SeedSequence(11).spawn(25):
        rng = np.random.default_rng(child)
        weights = np.array(list(affinity.weights.values())) * np.exp(0.8 * rng.standard_normal(3))
        score = np.zeros((3, 5))
        for weight, name in zip(weights / weights.sum(), affinity.weights, strict=True):
            filled = drawn(affinity.standing[name].T, ~np.isnan(affinity.likeness[name].T), rng)
            score += weight * filled
        best = _best_by_hand(case, score)
        for p in found.pairs:
            g = next(k for k in range(5) if case.guest_id(k) == p.guest)
            h = next(k for k, host in enumerate(case.hosts) if host.id == p.host)
            kept[p.guest] += int(best[h, g])
    assert {p.guest: round(p.share * 25) for p in found.pairs} == kept


def _best_by_hand(case, score):
    from rounds_for_tests import answers

    choices = list(answers(case))
    worth = [
        (
            int(c.sum()),
            round(float(case.grid(c)[...].astype(float).ravel() @ score.ravel()), 8),
            int((c & case.chosen).sum()),
        )
        for c in choices
    ]
    return case.grid(choices[worth.index(max(worth))])


def test_judgements_follow_the_share_and_the_fragile_come_first():
    found = stability(random_case(3, guests=6, hosts=3, places=3), 40, spread=1.0)
    shares = [p.share for p in found.pairs]
    assert shares == sorted(shares)
    assert all((p.judgement == "robust") == (p.share >= ROBUST) for p in found.pairs)
    for p in found.pairs:
        assert f"{100 * p.share:.0f}%" in p.says
        assert p.share + sum(other.share for other in p.instead) == pytest.approx(1)
    assert {s.id for s in found.places} >= {p.guest for p in found.pairs}


def test_a_dropped_facet_is_the_answer_without_its_weight():
    cities = small_cities(np.random.default_rng(8), 5, 3)
    case = small_case(cities, places=3)
    found = dict(stability(case, 1).dropped)
    for name in case.settings.weights:
        rest = {n: w for n, w in case.settings.weights.items() if n != name}
        other = small_case(cities, places=3, weights=rest)
        if name in found and other.total == pytest.approx(other.score[case.chosen].sum(), abs=1e-8):
            continue  # several best answers: which is kept is the tie-break's
        assert found[name] == pytest.approx((other.chosen & case.chosen).sum() / case.filled)


def test_a_hot_deck_gives_a_silent_guest_the_row_of_another():
    standing = np.array([[0.1, 0.5, 0.9], [0.2, 0.5, 0.8]])
    known = np.array([[True, False, True], [True, False, True]])
    rows = {tuple(drawn(standing, known, np.random.default_rng(k))[:, 1]) for k in range(30)}
    assert rows == {(0.1, 0.2), (0.9, 0.8)}
    assert drawn(standing, np.zeros_like(known), np.random.default_rng(0)) is standing
    assert drawn(standing, np.ones_like(known), np.random.default_rng(0)) is standing


def test_wrong_numbers_are_all_told():
    case = random_case(0)
    with pytest.raises(QuestionError) as raised:
        stability(case, 0, workers=0, spread=-1)
    assert len(raised.value.problems) == 3


def test_progress_is_told_and_the_seed_decides():
    case = random_case(5, guests=5, hosts=3)
    told: list[str] = []
    one = stability(case, 12, seed=4, spread=1.0, progress=told.append)
    assert told[-1] == "12 of 12 runs"
    assert one == stability(case, 12, seed=4, spread=1.0)
    assert one.pairs != stability(case, 12, seed=5, spread=1.0).pairs


@pytest.mark.slow
def test_several_processes_give_the_same_result():
    case = random_case(5, guests=5, hosts=3)
    assert stability(case, 30, workers=2) == stability(case, 30)


@pytest.mark.slow
def test_all_runs_on_the_bundled_cities_have_an_answer(bundled, bundled_facet_cache):
    case = open_case(Round(bundled, bundled_facet_cache), load("twinning").twinning)
    found = stability(case, 30)
    assert found.failed == 0
    assert len(found.pairs) == case.filled
