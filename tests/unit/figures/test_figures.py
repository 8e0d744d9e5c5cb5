"""The figures beside a proposal, on rounds small enough to count by hand."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import combinations

import pytest
from hypothesis import given
from hypothesis import strategies as st

import twinmatch as tm
from cities import cohort_of, facet_cache
from rounds_for_tests import propose
from twinmatch.figures import _Told, with_figures
from twinmatch.figures.fairness import Shares, fairness, size_class
from twinmatch.programmes import Programme, Round, load
from twinmatch.programmes.proposing import proposal_of, solve_round
from twinmatch.programmes.themes import alike_in
from twinmatch.proposal import Account, Meeting, Member, Product, Proposal, Table
from twinmatch.vocabulary.topics import Topic

ROUND = """
[twinning]
places = 2
guests_per_host = [0, 1]
[twinning.guests]
unknown = "let in"
[twinning.weights]
challenges_met = 2
needs_offers = 1
"""


def cohort():
    return cohort_of(
        {"id": "de-one", "roles": ["guest"], "needs": "heat networks for old towns", "challenges": ["energy_systems"], "population": {"value": 40_000}},
        {"id": "fr-two", "roles": ["guest"], "needs": "trams", "challenges": ["mobility_transport"], "levers_needed": ["procurement"], "population": {"value": 60_000}},
        {"id": "fr-three", "roles": ["guest"], "challenges": ["industry"], "population": {"value": 2_000_000}},
        {"id": "it-heat", "roles": ["mission"], "offers": "heat networks in old towns", "strengths": ["energy_systems"], "needs": "zebras"},
        {"id": "se-tram", "roles": ["mission"], "offers": "trams", "strengths": ["mobility_transport"], "levers_offered": ["procurement"]},
    )  # fmt: skip


@pytest.fixture(scope="module")
def programme(tmp_path_factory) -> Programme:
    path = tmp_path_factory.mktemp("round") / "round.toml"
    path.write_text(ROUND, encoding="utf-8")
    return load(path)


@pytest.fixture(scope="module")
def product(programme) -> Product:
    round_ = solve_round(Round(cohort(), facet_cache(), programme=programme))
    return with_figures(proposal_of(round_, {}), round_).product("twinning")


def table(product: Product, name: str) -> Table:
    return next(t for t in product.tables if t.name == name)


def rows(found: Table, *wanted: str) -> Iterator[tuple[object, ...]]:
    places = [found.columns.index(name) for name in wanted]
    return (tuple(row[k] for k in places) for row in found.rows)


def test_figures_change_no_meeting(programme, product):
    assert product.meetings == propose(cohort(), programme, facet_cache()).products[0].meetings


def test_both_guests_with_a_place_have_their_best_host(product):
    found = table(product, "satisfaction")
    assert set(rows(found, "Guest", "With", "Host's place in the guest's order", "Hosts open to it")) == {
        ("One", "Heat", 1, 2),
        ("Two", "Tram", 1, 2),
    }  # fmt: skip
    assert found.says == "Guests that meet the host that fits them best: 2 of 2."


def test_themes_count_who_asks_and_who_offers(product):
    found = table(product, "themes")
    counted = rows(
        found, "Theme", "Guests that ask", "Hosts that offer", "Pairs in which it is met"
    )
    assert list(counted) == [
        ("energy systems", 1, 1, 1),
        ("mobility and transport", 1, 1, 1),
        ("industry", 1, 0, 0),
        ("procurement", 1, 1, 1),
    ]
    assert found.says == "More guests ask than hosts offer: industry."


def test_the_network_says_from_where_to_where(product):
    found = table(product, "ties")
    assert found.columns == ("Guests from", "Italy", "Sweden")
    assert found.rows == (("France", 0, 1), ("Germany", 1, 0))
    assert "0 of 2 pairs stay within one country" in found.says


def test_an_agenda_has_the_need_and_the_offer_that_answers_it(product):
    found = table(product, "agenda")
    needs = {row[0]: row for row in found.rows if row[1] == "need"}
    assert needs["twinning:de-one"][2:6] == (
        "de-one", "One names among what it needs: heat networks for old towns.", "it-heat", "heat networks in old towns",
    )  # fmt: skip
    assert (
        "twinning:fr-two",
        "lever",
        "fr-two",
        "procurement",
        "se-tram",
        "procurement",
        None,
    ) in found.rows
    assert not [row for row in found.rows if row[3] == "zebras"]


def test_sentences_that_share_no_more_than_the_name_of_a_topic_are_not_set_side_by_side(
    bundled, bundled_facet_cache
):
    """Turku lacks money for renovation, and advice is none; Issy and Paris both speak of renovating old homes."""
    told = _Told(bundled, bundled_facet_cache)
    at = bundled.index
    turku, issy = at["fi-turku"], at["fr-issy-les-moulineaux"]
    assert told.on(Topic.HOME_RENOVATION, turku, [at["fi-helsinki"]]) == (None, "")
    found, asked = told.on(Topic.HOME_RENOVATION, issy, [at["fr-paris"]])
    assert found is not None
    assert found.city == at["fr-paris"]
    assert "Issy" in asked


def test_fairness_is_counted_by_hand(product):
    found = table(product, "fairness")
    by_size = [row[1:4] for row in found.rows if row[0] == "Size"]
    assert by_size == [
        ("under 50,000 residents", 1, 1),
        ("50,000 to 100,000", 1, 1),
        ("over 1 million residents", 1, 0),
    ]
    france = next(row for row in found.rows if row[1] == "France")
    assert france[2:5] == (2, 1, 0.5)
    # Of three guests two are drawn; at most one of the two French ones: all draws but one of three.
    assert france[6] == pytest.approx(2 / 3)


def test_what_everyone_has_needs_no_fairness(programme):
    everyone = Meeting("m", "m", tuple(Member(c.id, "member") for c in cohort().cities), Account())
    group = Product("discussion_groups", "", "optimal", "", 1, 1, (everyone,))
    found = with_figures(
        Proposal({}, (group,)), Round(cohort(), facet_cache(), programme=programme)
    )
    assert [t.name for t in found.products[0].tables] == ["agenda", "reasons"]


def test_a_table_that_a_product_brings_is_kept(programme):
    own = Table("agenda", "Own", ("a",), ((1,),))
    group = Product("discussion_groups", "", "optimal", "", 0, 0, tables=(own,))
    found = with_figures(
        Proposal({}, (group,)), Round(cohort(), facet_cache(), programme=programme)
    ).products[0]
    assert [t for t in found.tables if t.name == "agenda"] == [own]


@given(st.data())
def test_the_chance_by_lot_is_that_of_all_draws(data):
    """Against counting every draw."""
    sizes = data.draw(
        st.lists(st.sampled_from([10_000, 70_000, 2_000_000]), min_size=2, max_size=7)
    )
    many = cohort_of(*({"id": f"de-c{k}", "population": {"value": n}} for k, n in enumerate(sizes)))
    places = data.draw(st.integers(1, len(sizes) - 1))
    chosen = data.draw(st.permutations(range(len(sizes))))[:places]
    found = fairness(many, Shares("cities", tuple(range(len(sizes))), dict.fromkeys(chosen, 0.5)))
    for row in (r for r in found.rows if r[0] == "Size"):
        group = {i for i, c in enumerate(many.cities) if size_class(c) == row[1]}
        draws = list(combinations(range(len(sizes)), places))
        few = sum(len(group & set(draw)) <= row[3] for draw in draws)
        assert row[6] == pytest.approx(few / len(draws), abs=1e-6)


def test_who_names_the_same_challenge_is_named_and_one_that_stands_alone_reads_nothing() -> None:
    named = [("at-a", "industry"), ("at-b", "industry"), ("at-c", "mobility_transport")]
    named += [(f"at-{k}", "industry") for k in "def"]
    cohort = cohort_of(*({"id": i, "challenges": {area: 1}} for i, area in named))
    says = alike_in(cohort, [0, 1, 2], 0, bool)
    assert says == (
        "A names industry as a challenge, as does B. Each is asked to bring one measure "
        "that it has tried, and its result."
    )
    many = alike_in(cohort, range(6), 0, bool)
    assert many.startswith(
        "A names industry as a challenge, as do 4 other cities, B, D and E among"
    )
    assert not alike_in(cohort, [0, 1, 2], 2, bool)
    assert not alike_in(cohort, [0, 1, 2], 0, lambda area: area != "industry")
    both = {"industry": 1, "mobility_transport": 1}
    two = [{"id": f"at-{k}", "challenges": both} for k in "ab"]
    cohort = cohort_of(*two, *({"id": f"be-{k}", "challenges": {"industry": 1}} for k in "cde"))
    # What the whole round names as well tells less of a meeting than what is its own.
    assert alike_in(cohort, [0, 1], 0, bool).startswith("A names mobility and transport as a")


def test_who_leads_on_a_theme_answers_and_does_not_ask(bundled):
    found = tm.propose(bundled, {"discussion_groups": {}}).product("discussion_groups")
    leads = {m.id: set(m.cities("lead")) for m in found.meetings}
    asked = [(row[0], set(str(row[2]).split("; "))) for row in table(found, "agenda").rows]
    assert asked
    assert not [m for m, cities in asked if cities & leads[m]]
    told = [str(row[2]) for row in table(found, "reasons").rows]
    assert any(" can show: " in text for text in told)
    # A challenge is no wish for one measure.
    assert not [text for text in told if " as a challenge" in text and " can show: " in text]


def test_how_near_two_cities_lie_is_told_as_no_likeness(tmp_path):
    path = tmp_path / "round.toml"
    path.write_text(ROUND + "nearness = 1\n", encoding="utf-8")
    spots = {"de-one": 50, "fr-two": 47, "fr-three": 45, "it-heat": 46, "se-tram": 59}
    placed = [
        {**city.model_dump(exclude_none=True), "location": {"lat": spots[city.id], "lon": 10}}
        for city in cohort()
    ]
    round_ = solve_round(Round(cohort_of(*placed), facet_cache(), programme=load(path)))
    found = with_figures(proposal_of(round_, {}), round_).product("twinning")
    told = [row[1:3] for row in table(found, "alike").rows]
    assert {how for how, facet in told if facet == "nearness"} == {"unlike"}
    assert "alike" in {how for how, _ in told}
