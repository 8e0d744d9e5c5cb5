"""counterfactual: the ranks that are told are the ranks of the round with those answers."""

from __future__ import annotations

import numpy as np
import pytest

from rounds_for_tests import random_case, small_case, small_cities
from twinmatch.errors import QuestionError
from twinmatch.programmes.round import Round
from twinmatch.whatif.case import open_case
from twinmatch.whatif.counterfactual import (
    BEST,
    answered,
    as_guest,
    counterfactual,
    rank_of,
    with_city,
)


@pytest.mark.parametrize("seed", range(8))
def test_every_way_holds_when_the_round_is_compared_anew(seed):
    case = small_case(small_cities(np.random.default_rng(seed), 4, 9))
    told = 0
    for host in case.hosts:
        found = counterfactual(case, "at-guest-0", host.id)
        for way in found.ways:
            told += 1
            city = answered(case.round.cohort.city("at-guest-0"), way.answers)
            then = open_case(
                Round(with_city(case.round.cohort, city), case.round.facet_cache), case.settings
            )
            g = then.ready.frame.guests.index(then.round.cohort.index["at-guest-0"])
            h = then.hosts.index(host)
            assert rank_of(then.ready.affinity.score[g], h) == way.rank <= BEST
            assert then.ready.affinity.score[g][h] == pytest.approx(way.score, abs=1e-9)
            assert host.name in way.says
    assert told


def test_a_host_among_the_best_needs_nothing():
    case = random_case(0, guests=2, hosts=3)
    found = counterfactual(case, "at-guest-0", case.hosts[0].id)
    assert found.ways == ()
    assert "already" in found.says
    assert len(found.best) == 3


def test_a_city_that_is_no_guest_of_the_round_may_ask_too():
    case = small_case(small_cities(np.random.default_rng(1), 3, 8), guests={"english": "B2"})
    assert not case.ready.frame.guests
    asking = as_guest(case, case.round.cohort.index["at-guest-0"])
    assert asking.ready.affinity.score.shape == (1, 8)
    assert counterfactual(case, "at-guest-0", case.hosts[7].id).of == 8


def test_wrong_questions():
    case = random_case(0)
    with pytest.raises(QuestionError, match="no host"):
        counterfactual(case, "at-guest-0", "be-guest-1")
    with pytest.raises(QuestionError, match="own host"):
        counterfactual(case, "be-host-0", "be-host-0")
