"""Changes by hand: exact against brute force, never cheaper than the best round with the pair, rules named."""

from __future__ import annotations

import numpy as np
import pytest

from rounds_for_tests import answers, random_case, worth
from twinmatch.errors import QuestionError
from twinmatch.solving import broken
from twinmatch.whatif.by_hand import edits, options, solved_with


def changed(case, edit):
    """The answer that an edit makes, from its pairs and from who loses a place."""
    grid = case.grid(case.chosen).copy()
    guests = {case.guest_id(g): g for g in range(len(case.ready.frame.guests))}
    for move in edit.outcome.moves:
        grid[:, guests[move.guest]] = False
    for guest, host in edit.pairs:
        grid[[h.id for h in case.hosts].index(host), guests[guest]] = True
    return grid.ravel()


@pytest.mark.parametrize("seed", range(8))
def test_the_price_is_the_difference_and_no_less_than_that_of_the_best_round(seed):
    case = random_case(seed, guests=5, hosts=3, places=3)
    blocks = [rule.block for rule in case.ready.rules]
    possible = list(answers(case))
    before = worth(case, case.chosen)
    for g in range(5):
        for h in range(3):
            pair = case.pair(g, h)
            if case.chosen[pair]:
                continue
            found = edits(case, case.guest_id(g), case.hosts[h].id)
            best = max((worth(case, a) for a in possible if a[pair]), default=None)
            for edit in found:
                after = changed(case, edit)
                assert after[pair]
                price = edit.outcome.price
                assert (before[0] - price.places, before[1] - price.score) == pytest.approx(
                    worth(case, after)
                )
                assert bool(edit.breaks) == bool(broken(case.ready.candidates, after, blocks))
                if not edit.breaks:
                    assert worth(case, after) <= (best[0], best[1] + 1e-9)
            assert [e.order for e in found] == sorted(e.order for e in found)
            solved = solved_with(case, case.guest_id(g), case.hosts[h].id)
            assert solved.price.places == before[0] - best[0]
            assert solved.price.score == pytest.approx(before[1] - best[1], abs=1e-8)


def test_a_swap_is_among_the_ways_and_moves_two():
    case = random_case(3, guests=5, hosts=3, places=3)
    (g, a), (k, b) = [(g, case.host_of(g)[0]) for g in range(5) if case.host_of(g)][:2]
    found = edits(case, case.guest_id(g), case.hosts[b].id)
    swap = {(case.guest_id(g), case.hosts[b].id), (case.guest_id(k), case.hosts[a].id)}
    assert swap in [set(e.pairs) for e in found]


def test_every_host_stands_among_the_options_the_best_first_and_what_forbids_it():
    case = random_case(1, guests=4, hosts=3, ban=[("at-guest-0", "be-host-0")])
    found = list(options(case, "at-guest-0"))
    assert {row.id for row in found} == {host.id for host in case.hosts}
    assert found[-1].id == "be-host-0"
    assert found[-1].forbidden == ("bans",)
    open_ = [row.score for row in found if not row.forbidden]
    assert open_ == sorted(open_, reverse=True)


@pytest.mark.parametrize("seed", range(4))
def test_a_host_is_full_where_the_move_alone_breaks_a_limit(seed):
    case = random_case(seed, guests=5, hosts=3, places=3)
    for g in range(5):
        for option in options(case, case.guest_id(g)):
            h = [host.id for host in case.hosts].index(option.id)
            if not case.chosen[case.pair(g, h)] and not option.forbidden:
                alone = [
                    e
                    for e in edits(case, case.guest_id(g), option.id)
                    if {m.guest for m in e.outcome.moves} == {case.guest_id(g)}
                ]
                assert [option.is_full] == [bool(e.breaks) for e in alone]


def test_who_is_no_guest_or_meets_already_is_told():
    case = random_case(0)
    g = int(np.flatnonzero(case.grid(case.chosen).any(axis=0))[0])
    host = case.hosts[case.host_of(g)[0]].id
    for guest, other in ((case.guest_id(g), host), (host, host), (case.guest_id(g), "at-guest-0")):
        with pytest.raises(QuestionError) as raised:
            edits(case, guest, other)
        assert raised.value.problems[0].code == "no-such-pair"
