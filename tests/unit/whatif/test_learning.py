"""learn: the true weights found again, never negative, held to today's, tested on guests not learned from."""

from __future__ import annotations

import json
from collections import Counter
from itertools import product

import numpy as np
import pytest

from twinmatch.errors import QuestionError
from twinmatch.whatif import learning
from twinmatch.whatif.learning import Preference, learn, model_files, preferences


def weights(found):
    return [suggested for _, _, suggested, _, _ in found.lines]


TODAY = {"a": 1.0, "b": 1.0, "c": 2.0}


def choices(true, guests=60, each=4, seed=0, noise=0.0):
    """Preferences of a chooser with these weights over drawn standings."""
    rng = np.random.default_rng(seed)
    found = []
    for g in range(guests):
        for _ in range(each):
            one, other = rng.random((2, len(true)))
            if (one - other) @ true + noise * rng.standard_normal() < 0:
                one, other = other, one
            found.append(Preference((f"g{g}", f"g{g}"), tuple(one), tuple(other)))
    return found


def test_the_chooser_s_weights_are_found_again():
    true = np.array([0.7, 0.3, 0.0])
    found = learn(TODAY, choices(true), pull=0.5)
    assert np.argsort(weights(found)).tolist() == [2, 1, 0]
    assert found.agreement_suggested > found.agreement_today + 0.1
    assert found.helps
    assert "agree better" in found.says
    assert all(a <= b for a, b in [line[3:] for line in found.lines])


def test_weights_are_never_negative_and_sum_to_one():
    found = learn(TODAY, choices(np.array([1.0, 0.2, -0.9])), pull=0.1)
    assert min(weights(found)) >= 0
    assert sum(weights(found)) == pytest.approx(1)
    assert min(line[3] for line in found.lines) >= 0


def test_a_strong_pull_leaves_today_s_weights():
    found = learn(TODAY, choices(np.array([1.0, 0.0, 0.0])), pull=1e7)
    assert weights(found) == pytest.approx([line[1] for line in found.lines], abs=1e-3)


def test_pure_noise_is_not_said_to_help():
    agreements = []
    for seed in range(5):
        found = learn(TODAY, choices(np.zeros(3), seed=seed, noise=1.0), pull=20)
        agreements.append(found.agreement_suggested)
        assert found.agreement_suggested == pytest.approx(0.5, abs=0.12)
    assert np.mean(agreements) == pytest.approx(0.5, abs=0.06)


def test_too_little_says_nothing():
    with pytest.raises(QuestionError, match="At least"):
        learn(TODAY, choices(np.ones(3), guests=2, each=2))
    with pytest.raises(QuestionError, match="of 2 guests"):
        learn(TODAY, choices(np.ones(3), guests=2, each=20))


def test_preferences_compare_a_guest_with_itself_and_decided_pairs_with_each_other():
    standings = {("g", "h"): [1.0], ("g", "i"): [0.0], ("k", "h"): [0.5], ("k", "i"): [0.2]}
    liked = {("g", "h"): 1.0, ("k", "h"): -1.0, ("k", "x"): 1.0}
    found = {(p.guests, p.better, p.worse) for p in preferences(standings, liked, {("g", "i")})}
    assert found == {(("g", "g"), (1.0,), (0.0,)), (("g", "k"), (1.0,), (0.5,))}
    liked["g", "i"] = 1.0
    assert {p.worse for p in preferences(standings, liked, {("g", "i")})} == {(0.5,)}


@pytest.mark.parametrize("more", [0.0, 1.0])
def test_a_satisfaction_of_nought_is_one_like_any_other(more):
    standings = {(guest, "h"): [0.5] for guest in "gkl"}
    liked = {("g", "h"): 9.0 + more, ("k", "h"): more, ("l", "h"): 3.0 + more}
    found = [p.guests for p in preferences(standings, liked)]
    assert found == [("g", "k"), ("g", "l"), ("l", "k")]


def test_no_guest_is_both_learned_from_and_tested_on(monkeypatch):
    pairs = list(product(range(7), repeat=2))  # row r is a preference between the guests pairs[r]
    learned, tested = [], []

    def fit(D, start, pull):
        learned.append(D[:, 0].astype(int).tolist())
        return start

    def right(lead):
        tested.append(lead.astype(int).tolist())
        return np.ones(len(lead))

    monkeypatch.setattr(learning, "_fit", fit)
    monkeypatch.setattr(learning, "_right", right)
    D, guests = np.arange(len(pairs), dtype=float)[:, None], np.array(pairs).T
    learning._back_test(D, guests, np.ones(1), 20.0)
    tested.remove(list(range(len(pairs))))  # all of them by today's weights
    assert sorted(row for rows in tested for row in rows) == list(range(len(pairs)))
    for mine, others in zip(tested, learned, strict=True):
        assert others
        assert not {g for r in mine for g in pairs[r]} & {g for r in others for g in pairs[r]}


def test_a_preference_between_two_guests_is_drawn_as_often_as_both(monkeypatch):
    found = [
        Preference((f"g{k % 5}", f"g{(k + 1) % 5}"), (k / 10, 0.0), (0.0, 0.0)) for k in range(10)
    ]
    drawn = []

    def fit(D, start, pull):
        drawn.append(Counter((D[:, 0] * 10).round().astype(int).tolist()))
        return start

    monkeypatch.setattr(learning, "_fit", fit)
    monkeypatch.setattr(learning, "_back_test", lambda *_: (0.5, 0.5))
    learn({"a": 1.0, "b": 1.0}, found)
    rng = np.random.default_rng(0)
    for rows in drawn[1:]:
        times = Counter(rng.choice(5, 5).tolist())
        assert [rows[k] for k in range(10)] == [
            times[k % 5] * times[(k + 1) % 5] for k in range(10)
        ]


def test_the_same_preferences_give_the_same_bytes_and_they_are_plain_text():
    found = learn(TODAY, choices(np.array([0.5, 0.5, 0.0])))
    files = model_files(found, "spring", {"data": "abc"})
    again = model_files(learn(TODAY, choices(np.array([0.5, 0.5, 0.0]))), "spring", {"data": "abc"})
    assert files == again
    weights = json.loads(files["spring.json"])
    assert weights["weights"].keys() == TODAY.keys()
    assert "SHA-256" in files["spring.md"].decode()
    assert "What it is not for" in files["spring.md"].decode()
