"""One ledger over all formats: limits that bind, and what they cost."""

from __future__ import annotations

import pytest
from product_cases import city, round_of, settings_of, twinning

from cities import facet_cache
from rounds_for_tests import propose
from twinmatch.errors import DataError, NoProposalError, QuestionError
from twinmatch.programmes.base import Load
from twinmatch.programmes.load_ledger import Ledger, judged_ledger, open_ledger
from twinmatch.programmes.programme import programme_model
from twinmatch.proposal import Product
from twinmatch.proposal.tables import LoadRow, rows_of

# Everybody wants the one city that is strong in industry; the other is a little so.
BEST = city("dk-aarhus", "mission", shows={"industry": 3}, by=2030)
OTHER = city("se-lund", "mission", shows={"industry": 1}, by=2030)
GUESTS = [city(f"at-g{k}", "guest", wants={"industry": 3}, by=2040) for k in range(3)]


def programme(**ledger):
    return programme_model().model_validate(
        {
            "ledger": ledger,
            "twinning": twinning(title="Twinning").model_dump(),
            "study_visits": settings_of(
                "study_visits",
                travellers="cities",
                visitors=(1, 3),
                weights={"challenges_met": 1},
            ).model_dump(),
        }
    )


def proposed(programme_, *cities):
    cohort = round_of(*cities).cohort
    return propose(cohort, programme_, facet_cache())


def hosts(product: Product) -> set[str]:
    return {c for m in product.meetings for c in m.cities("host")}


def rule(product: Product):
    return next(r for r in product.rules if r.rule == "load")


def test_without_limits_both_formats_take_the_best_host():
    found = proposed(programme(), BEST, OTHER, *GUESTS[:1])
    assert hosts(found.product("twinning")) == {"dk-aarhus"}
    assert hosts(found.product("study_visits")) == {"dk-aarhus"}


def test_a_limit_binds_across_formats_and_its_price_is_told():
    found = proposed(programme(tasks=1), BEST, OTHER, *GUESTS[:1])
    assert hosts(found.product("twinning")) == {"dk-aarhus"}
    visits = found.product("study_visits")
    assert hosts(visits) == {"se-lund"}
    assert rule(visits).status == "binding"
    free = proposed(programme(), BEST, OTHER, *GUESTS[:1]).product("study_visits")
    assert f"{100 * (free.score - visits.score):+.1f} points" in rule(visits).says


def test_the_order_of_the_ledger_decides_who_chooses_first():
    found = proposed(programme(tasks=1, order=["study_visits"]), BEST, OTHER, *GUESTS[:1])
    assert hosts(found.product("study_visits")) == {"dk-aarhus"}
    assert hosts(found.product("twinning")) == {"se-lund"}
    assert [p.product for p in found.products] == ["study_visits", "twinning"]
    assert any("Study visits, then Twinning" in note for note in found.notes)


def test_the_ledger_adds_up_what_is_carried():
    found = proposed(programme(tasks=4), BEST, OTHER, *GUESTS[:1])
    table = next(t for t in found.tables if t.name == "ledger")
    row = dict(zip(table.columns, next(r for r in table.rows if r[0] == "dk-aarhus"), strict=True))
    assert (row["hours"], row["trips"], row["tasks"], row["tasks at most"]) == (14.0, 1.0, 2.0, 4.0)
    guest = dict(zip(table.columns, next(r for r in table.rows if r[0] == "at-g0"), strict=True))
    assert (guest["hours"], guest["trips"], guest["tasks at most"]) == (14.0, 3.0, 4.0)


def test_a_city_s_own_limits_count():
    tired = {**BEST, "participation": {"people": 0}}
    found = proposed(programme(), tired, OTHER, *GUESTS[:1])
    assert hosts(found.product("twinning")) == hosts(found.product("study_visits")) == {"se-lund"}


@pytest.mark.parametrize(("room", "pairs"), [(3, 0), (4, 1)])
def test_the_members_of_a_unit_share_its_load(room, pairs):
    unit = {"id": "unit-north", "name": "North", "cities": ["dk-aarhus", "se-lund"]}
    tired = {**OTHER, "participation": {"hours_at_most": room}}
    cohort = round_of(BEST, tired, *GUESTS[:1], units=[unit]).cohort
    wanted = programme_model().model_validate({"twinning": twinning().model_dump()})
    proposal = propose(cohort, wanted, facet_cache())
    assert len(proposal.product("twinning").meetings) == pairs
    if pairs:
        took = {
            row.city: (row.hours, row.trips, row.tasks)
            for row in rows_of(proposal.tables, "ledger", LoadRow)
        }
        assert took == {"at-g0": (12, 2, 0), "dk-aarhus": (4, 1, 1), "se-lund": (4, 0, 0)}


def test_each_city_of_a_large_unit_gives_two_hours_at_least():
    load = Load(hours=8, trips=1, tasks=1)
    assert [load.shared(n).hours for n in (1, 2, 3, 7)] == [8, 4, 3, 2]
    assert load.shared(7, leads=False) == Load(hours=2)
    assert Load(hours=1).shared(2).hours == 1


def test_a_locked_pair_without_room_is_no_proposal():
    wanted = programme_model().model_validate(
        {
            "ledger": {"tasks": 0},
            "twinning": twinning(lock=[("at-g0", "dk-aarhus")]).model_dump(),
        }
    )
    with pytest.raises(NoProposalError) as caught:
        proposed(wanted, BEST, OTHER, *GUESTS)
    assert caught.value.exit_code == 3


def test_limits_name_cities_that_are_there():
    with pytest.raises(QuestionError, match="dk-arhus"):
        open_ledger(
            round_of(BEST).cohort, Ledger.model_validate({"cities": [{"city": "dk-arhus"}]})
        )


def test_books_that_are_passed_never_leave_the_house():
    round_ = round_of(BEST, OTHER, *GUESTS[:1])
    product = proposed(programme(), BEST, OTHER, *GUESTS[:1]).product("twinning")
    ledger = open_ledger(round_.cohort, Ledger(tasks=0)).with_product(product, twinning())
    with pytest.raises(DataError, match="Aarhus carries 1 tasks, its limit is 0"):
        judged_ledger(ledger)
