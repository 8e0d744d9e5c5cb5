"""repair, fallbacks, reserves: three offers checked by brute force, everyone told who must be, nobody else."""

from __future__ import annotations

import numpy as np
import pytest

from cities import cohort_of, facet_cache
from rounds_for_tests import answers, random_case, settings, small_case, small_cities, worth
from twinmatch.errors import NoProposalError, QuestionError
from twinmatch.programmes import PRODUCTS
from twinmatch.programmes.round import Round
from twinmatch.proposal import Account, Meeting, Member, Product, Proposal
from twinmatch.whatif.case import held_case
from twinmatch.whatif.repair import (
    Disruption,
    earlier_pairs,
    fallbacks,
    repair,
    reserves,
    with_offer,
)


def held_of(case, **changes):
    """The case that holds the answer of a case, as if it were read from a file."""
    pairs = [
        (
            case.guest_id(p % len(case.ready.frame.guests)),
            case.hosts[p // len(case.ready.frame.guests)].id,
        )
        for p in np.flatnonzero(case.chosen)
    ]
    return held_case(case.round, case.settings.model_copy(update=changes), pairs)


def gone(case, guest):
    g = next(k for k in range(len(case.ready.frame.guests)) if case.guest_id(k) == guest)
    mask = np.zeros(len(case.score), dtype=bool)
    mask[[case.pair(g, h) for h in range(len(case.hosts))]] = True
    return mask


@pytest.mark.parametrize("seed", range(12))
@pytest.mark.parametrize("k", [0, 1, 2])
def test_the_three_offers_are_the_best_of_all_answers_that_keep_so_much(seed, k):
    case = random_case(seed, guests=5, hosts=3, places=3)
    guest = case.guest_id(int(np.flatnonzero(case.chosen)[0]) % 5)
    mask = gone(case, guest)
    still = case.chosen & ~mask
    found = repair(held_of(case), Disruption(withdrawn=(guest,)), at_most=k)
    possible = [a for a in answers(case) if not (a & mask).any()]
    best = max(worth(case, a) for a in possible)
    for offer, allowed in zip(found.offers, (0, k, 99), strict=True):
        enough = [a for a in possible if (still & ~a).sum() <= allowed]
        optimum = max(worth(case, a) for a in enough)
        assert (offer.filled, round(offer.total, 9)) == pytest.approx(optimum)
        assert offer.price.places == best[0] - optimum[0]
        assert offer.price.score == pytest.approx(best[1] - optimum[1], abs=1e-8)
        assert (still & ~offer.answer[0]).sum() <= allowed
        assert not (offer.answer[0] & mask).any()
    assert found.offer("best").price.is_nothing


@pytest.mark.parametrize("seed", range(8))
def test_exactly_those_are_told_whose_partners_change(seed):
    case = random_case(seed, guests=5, hosts=3, guests_per_host=(0, 2))
    pair = int(np.flatnonzero(case.chosen)[0])
    guest, host = case.guest_id(pair % 5), case.hosts[pair // 5].id
    found = repair(held_of(case), Disruption(refused=((guest, host),)))
    for offer in found.offers:
        changed = case.grid(case.chosen) != case.grid(offer.answer[0])
        guests = {case.guest_id(int(g)) for g in np.flatnonzero(changed.any(axis=0))}
        hosts = {case.hosts[int(h)].id for h in np.flatnonzero(changed.any(axis=1))}
        assert {t.city for t in offer.told if not t.host} == guests
        assert {t.city for t in offer.told if t.host} == hosts


def test_a_host_that_withdraws_loses_its_guests_and_they_are_named():
    case = random_case(2)
    pair = int(np.flatnonzero(case.chosen)[0])
    host = case.hosts[pair // 4]
    found = repair(held_of(case), Disruption(withdrawn=(host.id,)))
    assert found.lost == (f"{case.guest_name(pair % 4)} with {host.name}",)
    for offer in found.offers:
        assert not case.grid(offer.answer[0])[pair // 4].any()


def test_a_unit_withdraws_as_a_whole_and_a_member_alone_is_told_so():
    cities = small_cities(np.random.default_rng(0), 3, 3)
    units = [{"id": "unit-two", "name": "Two", "cities": ["be-host-0", "cz-host-1"]}]
    round_ = Round(cohort_of(*cities, units=units), facet_cache())
    held = held_case(round_, settings(), [("at-guest-0", "unit-two")])
    found = repair(held, Disruption(withdrawn=("unit-two",)))
    assert found.lost == ("Guest-0 with Two",)
    told = [t for t in found.offers[0].told if t.host and "Two" in t.says]
    assert {t.city for t in told} == {"be-host-0", "cz-host-1"}
    with pytest.raises(QuestionError, match="unit-two"):
        repair(held, Disruption(withdrawn=("be-host-0",)))


def test_a_new_city_is_offered_a_free_place():
    cities = small_cities(np.random.default_rng(3), 4, 3)
    before = small_case(cities[:2] + cities[4:])
    pairs = [
        (before.guest_id(p % 2), before.hosts[p // 2].id) for p in np.flatnonzero(before.chosen)
    ]
    held = held_case(Round(cohort_of(*cities), facet_cache()), settings(), pairs)
    found = repair(held, Disruption())
    keep = found.offer("keep all")
    assert keep.kept == 2
    assert keep.filled == 3
    assert len([m for m in keep.moves if not m.before]) == 1


def test_wrong_names_and_numbers_are_all_told():
    held = held_of(random_case(0))
    with pytest.raises(QuestionError) as raised:
        repair(
            held,
            Disruption(withdrawn=("at-nobody", "unit-none"), refused=(("at-guest-0", "xx-y"),)),
        )
    assert len(raised.value.problems) == 3
    with pytest.raises(QuestionError, match="no number"):
        repair(held, Disruption(), at_most=-1)
    with pytest.raises(QuestionError, match="no guest and host"):
        repair(held, Disruption(refused=(("be-host-0", "cz-host-1"),)))


def test_where_nothing_fits_it_is_an_error_and_no_offer():
    cities = small_cities(np.random.default_rng(1), 3, 3)
    case = small_case(cities, guests_per_host=(1, 1))
    with pytest.raises(NoProposalError):
        repair(held_of(case), Disruption(withdrawn=("at-guest-0",)))


@pytest.mark.parametrize("seed", range(6))
def test_fallbacks_keep_every_other_pair(seed):
    case = random_case(seed, guests=5, hosts=3, places=3)
    held = held_of(case)
    falls = fallbacks(held)
    assert len(falls) == held.filled
    for fall in falls:
        for change, said in (
            (Disruption(withdrawn=(fall.guest,)), fall.if_guest_declines),
            (Disruption(refused=((fall.guest, fall.host),)), fall.if_host_declines),
        ):
            offers = repair(held, change).offers
            keep = next(o for o in offers if o.kind == "keep all")
            moves = [
                m.says
                for m in keep.moves
                if not (m.guest == fall.guest and not m.after and change.withdrawn)
            ]
            assert said == tuple(moves) or said[0].startswith("Nobody steps in")


def test_reserves_are_the_best_others_with_a_free_place():
    case = random_case(4, guests=5, hosts=4, places=3)
    held = held_of(case)
    score, chosen = case.grid(case.score), case.grid(case.chosen)
    free = chosen.sum(axis=1) < 1
    for ranked in reserves(held, 2):
        if ranked.side == "guest":
            g = next(k for k in range(5) if case.guest_id(k) == ranked.id)
            best = sorted(
                (-round(score[h, g], 9), h) for h in range(4) if free[h] and not chosen[h, g]
            )
            assert [i for i, _, _ in ranked.reserves] == [case.hosts[h].id for _, h in best[:2]]
        else:
            h = next(k for k, host in enumerate(case.hosts) if host.id == ranked.id)
            alone = [g for g in range(5) if not chosen[:, g].any()]
            best = sorted((-round(score[h, g], 9), g) for g in alone)
            assert [i for i, _, _ in ranked.reserves] == [case.guest_id(g) for _, g in best[:2]]


def test_the_offer_taken_becomes_the_twinning_of_the_proposal():
    case = random_case(1, guests=5, hosts=3)
    product = PRODUCTS["twinning"](case.round, case.settings)
    proposal = Proposal({"data": {}}, (product,))
    assert len(earlier_pairs(proposal)) == case.filled
    change = Disruption(withdrawn=("at-guest-0",))
    offer = repair(held_of(case), change).offer("keep all")
    after = with_offer(proposal, offer, change)
    assert len(after.product("twinning").meetings) == offer.filled
    assert after.made_from["repairs"][0]["withdrawn"] == ["at-guest-0"]
    assert any(rule.rule == "withdrawals" for rule in after.product("twinning").rules)
    assert all(
        m.score == pytest.approx(sum(line.share for line in m.account.lines), abs=1e-9)
        for m in after.product("twinning").meetings
    )


def test_a_proposal_without_twinning_has_nothing_to_repair():
    meeting = Meeting("group:a", "A", (Member("at-a", "member"),), Account())
    groups = Product("discussion_groups", "Groups", "optimal", "", 0.0, 0.0, (meeting,))
    with pytest.raises(QuestionError, match="no twinning"):
        earlier_pairs(Proposal({}, (groups,)))


def test_a_lock_on_a_host_that_withdraws_is_named():
    case = random_case(0, guests=5, hosts=3, places=3)
    p = int(np.flatnonzero(case.chosen)[0])
    guest, host = case.guest_id(p % 5), case.hosts[p // 5]
    held = held_of(case, lock=((guest, host.id),))
    with pytest.raises(NoProposalError) as caught:
        repair(held, Disruption(withdrawn=(host.id,)))
    first, *named = caught.value.problems
    assert first.code == "no-repair"
    assert any(case.guest_name(p % 5) in p_.found and host.name in p_.found for p_ in named)


def test_a_guest_whose_host_declines_is_rehoused_before_a_better_fitting_newcomer():
    """Two hosts of one place each; the waiting guest fits the free host better than the guest that lost its own."""

    def asks(name, **wants):
        return {"id": name, "roles": ["guest"], "challenges": wants}

    def shows(name, **strengths):
        return {"id": name, "roles": ["mission"], "strengths": strengths}

    round_ = Round(
        cohort_of(
            asks("at-admitted", industry=3, energy_systems=1),
            asks("be-waiting", energy_systems=3),
            shows("dk-declines", industry=3),
            shows("fi-free", energy_systems=3),
        ),
        facet_cache(),
    )
    asked = settings(guests_per_host=(0, 1), weights={"challenges_met": 1})
    held = held_case(round_, asked, [("at-admitted", "dk-declines")])
    found = repair(held, Disruption(withdrawn=("dk-declines",)))
    for offer in found.offers:
        places = {m.guest: m.after for m in offer.moves}
        assert places.get("at-admitted") == ("fi-free",)
        assert "be-waiting" not in places
