"""The account of a pair: the round's own where it has the pair, and why it is another where it has not."""

from __future__ import annotations

import numpy as np
import pytest

from cities import cohort_of, facet_cache
from rounds_for_tests import settings, small_case, small_cities
from twinmatch.affinity import compare
from twinmatch.app.neighbours import PEER_WEIGHTS
from twinmatch.app.pairs import Learning, found_pair, pair_explanations
from twinmatch.cohort import Host
from twinmatch.errors import QuestionError
from twinmatch.proposal.wire import to_wire
from twinmatch.whatif.why_not import best_peers

CITIES = small_cities(np.random.default_rng(3), 4, 3)
COHORT = cohort_of(*CITIES)


def alone(i: int) -> Host:
    city = COHORT.cities[i]
    return Host(city.id, city.name, (i,))


def learning(**changes) -> Learning:
    return Learning(COHORT, settings(**changes), facet_cache())


def lines(found):
    """The account as plain values, in which what is not known equals itself."""
    return to_wire(found.account)


def best(line, but):
    """The first best place of a line of scores, one left out."""
    others = [k for k in range(len(line)) if k != but]
    return max(others, key=lambda k: (round(float(line[k]), 9), -k))


@pytest.mark.parametrize("rules", [{}, {"places": 2}], ids=["plain", "places"])
def test_pairs_of_the_round_have_the_very_account_of_the_proposal(rules):
    case, asked = small_case(CITIES, **rules), learning(**rules)
    score = case.ready.affinity.score
    for g, guest in enumerate(case.ready.frame.guests):
        for h, host in enumerate(case.hosts):
            found = asked.account(guest, host)
            assert lines(found) == to_wire(case.ready.affinity.account(g, h))
            assert (
                found.says
                == "Scored as in the round, against all pairs of its 4 eligible guests and 3 hosts."
            )
            other_host, other_guest = found.runners_up
            k, r = best(score[g], h), best(score[:, h], g)
            assert (other_host.side, other_host.id) == ("host", case.hosts[k].id)
            assert other_host.margin == pytest.approx(score[g, h] - score[g, k])
            assert (other_guest.side, other_guest.id) == ("guest", case.guest_id(r))
            assert other_guest.margin == pytest.approx(score[g, h] - score[r, h])


def test_a_host_that_a_rule_closes_is_no_runner_up_and_a_closed_pair_names_the_rule():
    guest, hosts = CITIES[0]["id"], [c["id"] for c in CITIES[4:]]
    asked = learning(ban=[(guest, host) for host in hosts[1:]])
    first, second = (COHORT.host_named(host) for host in hosts[:2])
    sides = [r.side for r in asked.account(COHORT.find(guest), first).runners_up]
    assert sides == ["guest"]
    closed = asked.account(COHORT.find(guest), second)
    assert closed.says.endswith("3 hosts. The rule 'bans' forbids the pair.")
    assert [r.id for r in closed.runners_up if r.side == "host"] == [first.id]


def test_where_the_round_has_no_such_pair_it_is_said_why():
    asked = learning(guests={"neutral_by": 2030, "unknown": "keep out"})
    host, guest = COHORT.find(CITIES[4]["id"]), COHORT.find(CITIES[0]["id"])
    turned = asked.account(host, alone(guest))
    name = COHORT.cities[host].name
    assert turned.says == (
        f"No pair of the round: {name} is no guest in it. It has not applied as one. "
        "Scored against all pairs of a city and a host."
    )
    refused = asked.account(guest, alone(host))
    assert "a commitment to climate neutrality by 2030 or earlier" in refused.says
    peers = learning().account(guest, alone(COHORT.find(CITIES[1]["id"])))
    assert f"{COHORT.cities[COHORT.find(CITIES[1]['id'])].name} is no host in it." in peers.says


def test_a_host_by_name_and_a_city_outside_of_what_is_asked_for_are_not_called_no_applicants():
    guest, host = COHORT.find(CITIES[0]["id"]), alone(COHORT.find(CITIES[4]["id"]))
    named = learning(host_ids=[CITIES[0]["id"], CITIES[4]["id"]]).account(guest, host)
    assert "is no guest in it. It is named as a host. Scored" in named.says
    before = learning(guests={"took_part_in": ["Round 3"]}).account(guest, host)
    assert "is no guest in it. It has not taken part in Round 3. Scored" in before.says


def test_a_name_of_a_city_and_a_unit_is_ambiguous_and_ids_are_not():
    unit = {"id": "unit-two", "name": "Host-0", "cities": ["be-host-0", "cz-host-1"]}
    cohort = cohort_of(*CITIES, units=[unit])
    assert cohort.host_named("be-host-0").cities == (cohort.find("be-host-0"),)
    assert len(cohort.host_named("unit-two").cities) == 2
    with pytest.raises(QuestionError, match="Use one of: be-host-0, unit-two"):
        cohort.host_named("host-0")


def test_the_account_outside_of_the_round_is_over_every_city_and_every_host():
    guest, host = COHORT.find(CITIES[4]["id"]), COHORT.find(CITIES[5]["id"])
    columns = [alone(i) for i, c in enumerate(COHORT.cities) if "mission" in c.roles]
    over = compare(COHORT, settings().weights, facet_cache(), columns=columns)
    expected = over.account(guest, over.column_of[COHORT.cities[host].id])
    assert lines(learning().account(guest, alone(host))) == to_wire(expected)


def test_a_round_that_cannot_be_made_is_named():
    cohort = cohort_of(*CITIES[:2])
    found = Learning(cohort, settings(), facet_cache()).account(0, cohort.host_named("be-guest-1"))
    assert found.says.startswith("No pair of the round: No city that this cohort has")
    assert found.account.lines


def test_a_city_of_a_unit_is_met_through_its_unit():
    unit = {"id": "unit-two", "name": "The two", "cities": ["be-host-0", "cz-host-1"]}
    cohort = cohort_of(*CITIES, units=[unit])
    asked = Learning(cohort, settings(), facet_cache())
    i = cohort.find("at-guest-0")
    through, whole = (asked.account(i, cohort.host_named(n)) for n in ("cz-host-1", "the two"))
    assert (lines(through), through.title, through.says) == (lines(whole), whole.title, whole.says)
    assert whole.title == f"{cohort.cities[i].name} learns from The two"
    compared = compare(cohort, PEER_WEIGHTS, facet_cache())
    _, found = pair_explanations("at-guest-0", "unit-two", compared, asked)
    assert [a.title for a in found] == [whole.title]
    with pytest.raises(QuestionError) as told:
        found_pair(cohort, "cz-host-1", "unit-two")
    assert told.value.problems[0].found == "'cz-host-1' is in 'unit-two'."
    with pytest.raises(QuestionError, match="Name the city first, then the unit"):
        found_pair(cohort, "unit-two", "at-guest-0")
    with pytest.raises(QuestionError, match=r"No host unit 'unit-tow'.*Did you mean unit-two"):
        cohort.host_named("unit-tow")


def test_the_best_other_peers_of_both():
    affinity = compare(COHORT, {"challenges_met": 1, "levers_met": 1}, facet_cache())
    score = np.where(affinity.comparable, affinity.score, -1)
    for i, j in ((0, 1), (2, 5), (6, 3)):
        found = best_peers(affinity, i, j)
        expected = [best(score[i], j), best(score[j], i)]
        assert [r.id for r in found] == [COHORT.cities[k].id for k in expected]
        assert [r.of for r in found] == [COHORT.cities[k].name for k in (i, j)]
    above = [r for r in found if r.margin < 0]
    assert all("above this pair" in r.says for r in above)
