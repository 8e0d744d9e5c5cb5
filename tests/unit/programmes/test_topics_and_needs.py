"""Hosts of stated topics, guests with several needs, applicants who were refused before: by hand and by brute force."""

from __future__ import annotations

import itertools

import numpy as np
import pytest
from product_cases import city, pairs, propose_twinning, round_of, twinning

from twinmatch.errors import NoProposalError
from twinmatch.exporting.letters import letters
from twinmatch.programmes.twinning import prepare, solve_twinning
from twinmatch.programmes.twinning.settings import Twinning
from twinmatch.proposal import CityCard, Proposal
from twinmatch.whatif.case import open_case
from twinmatch.whatif.why_not import why_not

HEAT, SHOPS, SUN, BUSES = (
    "district_heating_cooling",
    "one_stop_shop_advice",
    "solar_wind_power",
    "public_transport",
)
TOPICS = (HEAT, SHOPS, SUN)

GRAZ = city("at-graz", "guest", wants={"industry": 3}, seeks=[HEAT])
LINZ = city("at-linz", "guest", wants={"industry": 3}, seeks=[SHOPS])
WELS = city("at-wels", "guest", wants={"industry": 1})  # nothing is known of what it seeks
AARHUS = city("dk-aarhus", "mission", shows={"industry": 3}, hosts_on=[SHOPS, SUN])


def rule(product, name):
    return next((r for r in product.rules if r.rule == name), None)


# --- a host may offer only some topics -----------------------------------------------------------------------


def test_a_host_takes_guests_on_its_topics_alone():
    round_, settings = round_of(GRAZ, LINZ, WELS, AARHUS), twinning(guests_per_host=(0, 3))
    product = propose_twinning(round_, settings)
    assert pairs(product) == {("at-linz", "dk-aarhus"), ("at-wels", "dk-aarhus")}
    told = rule(product, "host topics")
    assert (told.numbers.taken_out, told.numbers.alone) == (1, 1)
    (out,) = (x for x in product.left_out if x.city == "at-graz")
    assert out.code == "rule"
    assert "host of stated topics" in out.why
    answer = why_not(open_case(round_, settings), "at-graz", "dk-aarhus")
    assert answer.verdict == "forbidden"
    assert "Aarhus takes guests on one-stop shops" in answer.reasons[0]
    assert answer.if_lifted is not None


def test_a_host_without_guests_says_how_many_seek_none_of_its_topics():
    product = propose_twinning(round_of(GRAZ, LINZ, {**AARHUS, "hosts_on": [SUN]}), twinning())
    (idle,) = (x for x in product.left_out if x.as_role == "host")
    assert "2 of 2 eligible guests seek none of the topics" in idle.why


@pytest.mark.parametrize(("price", "met"), [(10, "at-graz"), (60, "at-linz")])
def test_off_topic_pairs_may_have_a_price(price, met):
    """Graz fits Aarhus fully and Linz by a third; what Graz seeks is not what Aarhus takes guests on."""
    less = city("at-linz", "guest", wants={"industry": 1, "energy_systems": 3}, seeks=[SHOPS])
    product = propose_twinning(round_of(GRAZ, less, AARHUS), twinning(off_topic_price=price))
    assert pairs(product) == {(met, "dk-aarhus")}
    told = rule(product, "host topics")
    assert told.status == ("relaxed" if met == "at-graz" else "kept")


@pytest.mark.parametrize(
    ("unit", "first", "second", "topics"),
    [
        ([], [], [HEAT], set()),
        ([], [SUN], [HEAT], {SUN, HEAT}),
        ([SHOPS], [SUN], [HEAT], {SHOPS}),
        ([SHOPS], [], [], {SHOPS}),
    ],
)
def test_a_unit_takes_guests_on_its_own_topics_else_on_those_of_its_cities(
    unit, first, second, topics
):
    cities = [
        city("be-bruges", "mission", hosts_on=first),
        city("dk-aarhus", "mission", hosts_on=second),
    ]
    both = {"id": "unit-two", "name": "Two", "cities": ["be-bruges", "dk-aarhus"], "hosts_on": unit}
    ready = prepare(round_of(GRAZ, *cities, units=[both]), twinning())
    assert ready.frame.hosts_on == (frozenset(topics),)


# --- a guest with several needs --------------------------------------------------------------------------------


def needs_round(seed):
    """Two to three guests of up to three needs and three to four hosts that show up to two topics, or nothing known."""
    rng = np.random.default_rng(seed)
    guests = [
        city(
            f"at-g{k}", "guest", seeks=[TOPICS[i] for i in rng.permutation(3)[: rng.integers(0, 4)]]
        )
        for k in range(int(rng.integers(2, 4)))
    ]
    hosts = [
        city(f"be-h{k}", "mission", shows={"industry": int(rng.integers(1, 4))})
        for k in range(int(rng.integers(3, 5)))
    ]
    for host in hosts:
        host["strengths"] = {"industry": 1}
    shown = [
        set(rng.choice(TOPICS, int(rng.integers(0, 3)), replace=False).tolist()) for _ in hosts
    ]
    hosts = [{**h, "shows": sorted(s)} for h, s in zip(hosts, shown, strict=True)]
    return guests, hosts, rng


def fits(seeks, hosts, most):
    """Return whether some hosts, each as the topics it shows, answer different needs of a guest; tried one by one."""
    if len(seeks) < 2:
        return len(hosts) <= 1
    ways = itertools.permutations(seeks, len(hosts))
    return len(hosts) <= most and any(
        all(not shown or need in shown for need, shown in zip(way, hosts, strict=True))
        for way in ways
    )


@pytest.mark.parametrize("most", [2, 3])
@pytest.mark.parametrize("seed", range(12))
def test_several_hosts_answer_different_needs_and_no_answer_is_better(seed, most):
    guests, hosts, rng = needs_round(seed)
    settings = twinning(
        hosts_per_guest=most, one_host_a_need=True, guests_per_host=(0, 2), places=4
    )
    round_ = round_of(*guests, *hosts)
    ready = prepare(round_, settings)
    score = np.round(rng.random((len(hosts), len(guests))), 2)
    ready = with_score(ready, score)
    chosen, solution = solve_twinning(ready)
    ways = [
        [some for n in range(most + 1) for some in itertools.combinations(range(len(hosts)), n)
         if fits(g["seeks"], [set(hosts[h]["shows"]) for h in some], most)]
        for g in guests
    ]  # fmt: skip
    best = max(
        (n, sum(map(bool, way)), total)
        for way in itertools.product(*ways)
        if (n := sum(map(len, way))) <= 4
        and max(sum(h in some for some in way) for h in range(len(hosts))) <= 2
        for total in [sum(score[h, g] for g, some in enumerate(way) for h in some)]
    )
    held = chosen.reshape(score.shape)
    assert (held.sum(), held.any(axis=0).sum()) == best[:2]
    assert solution.score == pytest.approx(best[2])
    for g, guest in enumerate(guests):
        mine = np.flatnonzero(held[:, g]).tolist()
        assert fits(guest["seeks"], [set(hosts[h]["shows"]) for h in mine], most)
        if len(guest["seeks"]) > 1:
            answered = ready.frame.needs_of(g, mine)
            assert len(set(answered)) == len(mine)


def with_score(ready, score):
    from dataclasses import replace

    return replace(ready, candidates=ready.frame.candidates(np.ascontiguousarray(score.T)))


TWO = city("at-two", "guest", wants={"industry": 3}, seeks=[HEAT, SHOPS])
HOSTS = [
    city("be-bruges", "mission", shows={"industry": 2}) | {"shows": [SHOPS]},
    city("dk-aarhus", "mission", shows={"industry": 3}) | {"shows": [HEAT]},
    city("nl-breda", "mission", shows={"industry": 3}) | {"shows": [HEAT]},
    city("se-kalmar", "mission", shows={"industry": 3}) | {"shows": [BUSES]},
]


def test_each_host_is_said_with_the_need_that_it_answers_in_reasons_and_letters():
    settings = twinning(hosts_per_guest=2, one_host_a_need=True)
    product = propose_twinning(round_of(TWO, *HOSTS), settings)
    found = {m.cities("host")[0]: m.need for m in product.meetings}
    assert set(found) == {"be-bruges", "dk-aarhus"}
    assert found["dk-aarhus"].startswith("For the first need of Two: ")
    assert found["be-bruges"].startswith("For the second need of Two: ")
    assert rule(product, "needs").numbers.taken_out == 1  # Kalmar shows neither
    assert rule(product, "one host a need").status == "binding"
    cards = tuple(
        CityCard(c, c, c[:2], c[:2], (), None, None, None, 1.0) for c in ("at-two", "dk-aarhus")
    )
    told = letters(Proposal({}, (product,), cards))
    assert all("first need" in letter.text for letter in told)
    assert "second need" in told[0].text
    assert "second need" not in told[1].text


def test_nobody_has_a_second_host_before_another_has_a_first():
    other = city("at-one", "guest", wants={"energy_systems": 3}, seeks=[HEAT])
    settings = twinning(hosts_per_guest=2, one_host_a_need=True, places=2)
    product = propose_twinning(round_of(TWO, other, *HOSTS), settings)
    assert {g for g, _ in pairs(product)} == {"at-one", "at-two"}


def test_one_host_a_need_asks_for_several_hosts_a_guest():
    with pytest.raises(ValueError, match="hosts_per_guest of 2 or 3"):
        twinning(one_host_a_need=True)


# --- who was refused before ------------------------------------------------------------------------------------


@pytest.mark.parametrize(("points", "met"), [(None, "at-graz"), (10, "at-graz"), (90, "at-wels")])
def test_who_was_refused_before_ranks_higher_by_the_stated_points(points, met):
    """Graz fits better; Wels was refused in an earlier round, and is named by its name."""
    settings = twinning(refused_before=["Wels", "de-gone"], refused_before_points=points)
    less = {**WELS, "challenges": {"industry": 1, "energy_systems": 3}}
    product = propose_twinning(round_of(GRAZ, less, {**AARHUS, "hosts_on": []}), settings)
    assert {g for g, _ in pairs(product)} == {met}
    told = rule(product, "refused before")
    assert (told is None) == (points is None)
    if told:
        assert told.status == ("kept" if met == "at-wels" else "relaxed")
    notes = product.meetings[0].notes
    assert any("refused a place" in note for note in notes) == (met == "at-wels")


def test_among_equals_who_was_refused_before_comes_first():
    equals = [city(f"at-{k}", "guest", wants={"industry": 3}) for k in "abc"]
    host = city("dk-aarhus", "mission", shows={"industry": 3})
    for k in "abc":
        settings = twinning(refused_before=[f"at-{k}"], refused_before_points=0.1)
        product = propose_twinning(round_of(*equals, host), settings)
        assert {g for g, _ in pairs(product)} == {f"at-{k}"}


def test_places_come_before_points():
    """A guest that was refused before is not let in where that would leave a place empty."""
    settings: Twinning = twinning(
        refused_before=["at-wels"], refused_before_points=10_000, guests_per_host=(0, 1)
    )
    hosts = [city("dk-aarhus", "mission"), city("be-bruges", "mission")]
    product = propose_twinning(round_of(GRAZ, LINZ, WELS, *hosts), settings)
    assert len(product.meetings) == 2
    assert "at-wels" in {g for g, _ in pairs(product)}
    with pytest.raises(NoProposalError):
        propose_twinning(round_of(WELS, *hosts), twinning(guests_per_host=(1, 1), places=1))
