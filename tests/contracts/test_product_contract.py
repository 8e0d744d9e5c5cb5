"""What every format of the registry promises; a further format is one file and one line, and tests itself here."""

from __future__ import annotations

import random
from dataclasses import asdict, replace

import pytest

from cities import cohort_of, facet_cache
from rounds_for_tests import propose
from twinmatch.programmes import PRODUCTS, RegisteredProduct, Round, load
from twinmatch.programmes.base import Load, ProductSettings
from twinmatch.programmes.load_ledger import Ledger, open_ledger
from twinmatch.proposal import LeftOut, Meeting, Member, Product, from_plain, to_plain
from twinmatch.whatif.difference import check_proposal

FILES = {
    "twinning": ("twinning",),
    "discussion_groups": ("discussion_groups",),
    "study_visits": ("discussion_groups", "study_visits"),
    "national_clusters": ("national_clusters",),
    "city_panels": ("city_panels",),
    "policy_exchange": ("conference",),
    "world_cafe": ("conference",),
}
"""The shipped programme files in which each format stands, with those it builds on."""


def round_for(name, cohort, stuff):
    """Return the round in which a format is made, with what it builds on, and its settings."""
    programme = load(*FILES[name])
    round_ = Round(cohort, stuff)
    for other in programme.products:
        if other == name or (FILES[other] != FILES[name] and name != "study_visits"):
            break
        if name == "study_visits":
            made = PRODUCTS[other](round_, getattr(programme, other))
            round_ = replace(round_, made=(*round_.made, made))
    return round_, getattr(programme, name)


@pytest.fixture(scope="module")
def products(bundled, bundled_facet_cache):
    return {
        name: PRODUCTS[name](*round_for(name, bundled, bundled_facet_cache)) for name in PRODUCTS
    }


def test_every_format_has_a_shipped_programme_file():
    assert set(FILES) == set(PRODUCTS)


@pytest.mark.parametrize("name", PRODUCTS)
def test_every_city_ends_somewhere_with_a_reason(name, products, bundled):
    product = products[name]
    placed = {m.city for meeting in product.meetings for m in meeting.members}
    left = {x.city for x in product.left_out}
    assert placed | left == {c.id for c in bundled.cities}
    # A city that hosts may be left out as a guest all the same; that is then said.
    assert not placed & {x.city for x in product.left_out if x.as_role != "guest"}
    assert all(x.why for x in product.left_out)


@pytest.mark.parametrize("name", PRODUCTS)
def test_products_are_named_scored_and_refereed(name, products):
    product = products[name]
    assert product.product == name
    assert product.title
    assert product.says
    assert product.engine
    assert product.status in {"optimal", "feasible"}
    assert product.meetings
    assert len({m.id for m in product.meetings}) == len(product.meetings)
    assert all(m.id.startswith(f"{name}:") for m in product.meetings)
    assert product.bound >= product.score - 1e-9
    assert product.status == "feasible" or product.gap <= 1e-6
    assert product.rules
    assert {r.status for r in product.rules} <= {"kept", "binding"}
    for meeting in product.meetings:
        assert 0 <= meeting.score <= 1
        assert len(set(meeting.cities())) == len(meeting.members)
    for table in product.tables:
        assert all(len(row) == len(table.columns) for row in table.rows)


@pytest.mark.parametrize("name", PRODUCTS)
def test_a_city_without_room_is_in_no_meeting(name, bundled, bundled_facet_cache, products):
    """The most loaded city of the product is given no room at all: it is left out, and told."""
    round_, settings = round_for(name, bundled, bundled_facet_cache)
    heavy = settings.model_copy(
        update={
            "takes": {
                r: Load(hours=1, trips=1, tasks=1) for r in ("host", "guest", "lead", "member")
            }
        }
    )
    busy = products[name].meetings[0].members[-1].city
    ledger = Ledger.model_validate({"cities": [{"city": busy, "hours": 0}]})
    ledger = open_ledger(bundled, ledger)
    product = PRODUCTS[name](replace(round_, load_ledger=ledger), heavy)
    assert busy in {x.city for x in product.left_out}
    assert not ledger.with_product(product, heavy).broken()


@pytest.mark.parametrize("name", PRODUCTS)
def test_the_order_of_the_input_changes_nothing(name, bundled, bundled_facet_cache):
    """A third of the bundled cities, in order and shuffled."""
    profiles = [
        c.model_dump(mode="json", exclude_none=True, by_alias=True) for c in bundled.cities[::3]
    ]
    ids = {c["id"] for c in profiles}
    profiles = [{k: v for k, v in c.items() if k not in {"wishes", "refuses"}} for c in profiles]
    assert ids
    shuffled = list(profiles)
    random.Random(5).shuffle(shuffled)
    one, other = (
        PRODUCTS[name](*round_for(name, cohort_of(*cities), bundled_facet_cache))
        for cities in (profiles, shuffled)
    )
    assert str(asdict(one)) == str(asdict(other))  # not ==, as an unknown likeness is nan


# --- adding a format ---------------------------------------------------------------------------------------


class Breakfast(ProductSettings):
    """Everybody at one table: a format as a newcomer would add it."""

    LOADS = {"member": Load(hours=1)}  # noqa: RUF012
    title: str = "Breakfast"
    seats: int = 2


def propose_breakfast(round_: Round, settings: Breakfast) -> Product:
    ids = [c.id for c in round_.cohort.cities]
    from twinmatch.proposal import Account

    meeting = Meeting(
        "breakfast:1",
        "Breakfast",
        tuple(Member(c, "member") for c in ids[: settings.seats]),
        Account(),
    )
    out = tuple(LeftOut(c, "No seat.", "") for c in ids[settings.seats :])
    return Product("breakfast", settings.title, "optimal", "first come", 0.0, 0.0, (meeting,), out)


def test_a_further_format_is_one_file_and_one_line(monkeypatch, tmp_path):
    monkeypatch.setitem(PRODUCTS, "breakfast", RegisteredProduct(Breakfast, propose_breakfast))
    path = tmp_path / "breakfast.toml"
    path.write_text("[breakfast]\nseats = 1\n[ledger]\nhours = 3\n", encoding="utf-8")
    programme = load(path)
    assert programme.products == ("breakfast",)
    cohort = cohort_of({"id": "at-a"}, {"id": "at-b"})
    proposal = propose(cohort, programme, facet_cache())
    assert proposal.product("breakfast").meetings[0].cities() == ("at-a",)
    assert proposal.product("breakfast").left_out[0].why == "No seat."
    ledger = next(t for t in proposal.tables if t.name == "ledger")
    assert ledger.rows[0][:3] == ("at-a", 1.0, 3.0)
    assert from_plain(to_plain(proposal)) is not None
    (checked,) = check_proposal(Round(cohort, facet_cache(), programme=programme), proposal)
    assert [rule.rule for rule in checked.rules] == ["known cities", "once in a meeting"]
    assert checked.unjudged.startswith("This format comes without rules of its own")
    path.write_text("[breakfast]\nsaets = 1\n", encoding="utf-8")
    with pytest.raises(Exception, match="seats"):
        load(path)
