"""World cafés: nobody meets twice, nobody comes by a table twice, hosts stay, and the seats are the best ones."""

from __future__ import annotations

import itertools
from collections import Counter

import pytest
from hypothesis import given
from hypothesis import strategies as st
from product_cases import city, everywhere, round_of, settings_of

from twinmatch.errors import NoProposalError, QuestionError
from twinmatch.programmes.world_cafe import propose_world_cafe, strides, table_of

THEMES = [
    {"id": "heat", "title": "Heat", "domains": ["energy_systems"]},
    {"id": "waste", "title": "Waste", "domains": ["waste_circular_economy"]},
    {"id": "cars", "title": "Cars", "domains": ["mobility_transport"]},
]
HOSTS = [
    city("dk-h0", "mission", shows={"energy_systems": 3}),
    city("dk-h1", "mission", shows={"waste_circular_economy": 3}),
    city("dk-h2", "mission", shows={"mobility_transport": 3}),
]


def cafe(**changes):
    fields = {"themes": THEMES, "rounds": 2, "seats": 3, "weights": {"theme": 1}, **changes}
    return settings_of("world_cafe", **fields)


@given(tables=st.integers(2, 15), data=st.data())
def test_the_plan_lets_nobody_meet_twice(tables, data):
    rounds = data.draw(st.integers(2, tables))
    seats = data.draw(st.integers(2, tables))
    used = strides(tables, rounds, seats)
    assert used[0] == 1
    assert len(used) < seats
    prime = all(tables % k for k in range(2, tables))
    assert not prime or len(used) == seats - 1
    places = [(i, j) for j in (0, *used) for i in range(tables)]
    met: Counter[frozenset[tuple[int, int]]] = Counter()
    for r in range(rounds):
        at: dict[int, list[tuple[int, int]]] = {}
        for i, j in places:
            at.setdefault(table_of(i, j, r, tables), []).append((i, j))
        assert {len(people) for people in at.values()} == {1 + len(used)}
        assert all((t, 0) in people for t, people in at.items())
        for people in at.values():
            met.update(frozenset(pair) for pair in itertools.combinations(people, 2))
    assert max(met.values()) == 1


def seating(product):
    return next(t for t in product.tables if t.name == "seating").rows


def test_three_tables_by_hand():
    guests = [city(f"at-g{k}", wants={"energy_systems": 1}) for k in range(6)]
    product = propose_world_cafe(round_of(*HOSTS, *guests), cafe())
    assert len(product.meetings) == 1
    assert len(product.meetings[0].members) == 9
    hosts = {(row[2], row[3]) for row in seating(product)}
    assert hosts == {("Heat", "dk-h0"), ("Waste", "dk-h1"), ("Cars", "dk-h2")}
    met = Counter()
    for row in seating(product):
        met.update(frozenset(p) for p in itertools.combinations([row[3], *row[4].split("; ")], 2))
    assert max(met.values()) == 1
    assert {r.status for r in product.rules} == {"kept"}


@pytest.mark.parametrize(("tables", "guests"), [(4, 4), (6, 9), (6, 12)])
def test_no_table_is_without_a_guest_whatever_their_number(tables, guests):
    domains = ["energy_systems", "waste_circular_economy", "mobility_transport"] * 2
    themes = [
        {"id": f"t{k}", "title": f"T{k}", "domains": [d]} for k, d in enumerate(domains[:tables])
    ]
    hosts = [city(f"dk-h{k}", "mission", shows={d: 3}) for k, d in enumerate(domains[:tables])]
    product = propose_world_cafe(
        round_of(*hosts, *(city(f"at-g{k:02}") for k in range(guests))),
        cafe(themes=themes, rounds=3, seats=6),
    )
    assert len(seating(product)) == 3 * tables
    assert all(row[4] for row in seating(product))
    assert {r.status for r in product.rules} == {"kept"}


def test_guests_come_by_the_tables_they_need():
    """One guest: of the places of a plan it takes one that comes by its table."""
    product = propose_world_cafe(
        round_of(*HOSTS, city("at-g", wants={"mobility_transport": 1})), cafe()
    )
    assert any(row[2] == "Cars" and row[4] == "at-g" for row in seating(product))


def test_as_many_cafes_as_there_are_hosts_and_guests():
    more = [{**h, "id": h["id"].replace("dk", "se")} for h in HOSTS]
    guests = [city(f"at-g{k}", wants={"energy_systems": 1}) for k in range(12)]
    product = propose_world_cafe(round_of(*HOSTS, *more, *guests), cafe())
    assert len(product.meetings) == 2
    few = propose_world_cafe(round_of(*HOSTS, *guests), cafe())
    assert len(few.meetings) == 1
    assert len(few.left_out) == 6
    assert everywhere(few) == {c["id"] for c in (*HOSTS, *guests)}


def test_tables_without_hosts_and_nobody_to_host():
    with pytest.raises(NoProposalError, match="none in: Waste, Cars") as caught:
        propose_world_cafe(round_of(*HOSTS[:1], city("at-g")), cafe())
    assert caught.value.exit_code == 3
    with pytest.raises(QuestionError, match="can host a table"):
        propose_world_cafe(round_of(city("at-g")), cafe())


@pytest.mark.parametrize(
    "changes",
    [{"rounds": 4}, {"themes": [THEMES[0]] * 3}],
)
def test_plans_that_cannot_be(changes):
    with pytest.raises(ValueError, match=r"rounds at|twice"):
        cafe(**changes)
