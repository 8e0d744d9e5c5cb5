"""Study visits small enough to be reckoned by hand: who goes where, who cannot, and what travel emits."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from product_cases import city, everywhere, propose_study_visits, round_of, settings_of

from twinmatch.errors import NoProposalError, QuestionError
from twinmatch.facets.answered import topic_table
from twinmatch.programmes.eligibility import ASKED
from twinmatch.programmes.round import Round
from twinmatch.programmes.study_visits import visit_rules
from twinmatch.programmes.study_visits.search import NO_PARTY
from twinmatch.programmes.study_visits.settings import Mode, by_rail, mean_distance
from twinmatch.programmes.themes import Theme, most_sought
from twinmatch.proposal import Account, Meeting, Member, Product
from twinmatch.vocabulary.geography import distance_km

RAIL = {
    "mode": "rail", "grams_per_km": 40, "low": 5, "high": 50, "detour": 1.5, "year": 2025, "source": "test"
}  # fmt: skip
AIR = {
    "mode": "air", "grams_per_km": 200, "low": 100, "high": 250, "detour": 1.1, "year": 2025, "source": "test"
}  # fmt: skip

AARHUS = city("dk-aarhus", "mission", shows={"industry": 3}, by=2030, at=(56.2, 10.2))
BRUGES = city("be-bruges", "mission", shows={"energy_systems": 3}, by=2030, at=(51.2, 3.2))
GRAZ = city("at-graz", "guest", wants={"industry": 3}, by=2040, at=(47.1, 15.4))
LINZ = city("at-linz", "guest", wants={"industry": 2}, by=2050, at=(48.3, 14.3))
LATE = city("at-wels", "guest", wants={"industry": 3}, by=2060)
SILENT = city("at-krems", "guest", wants={"industry": 3})


def visits(**changes):
    fields = {
        "travellers": "cities",
        "visitors": (1, 4),
        "stops": 1,
        "weights": {"challenges_met": 1},
        "modes": [RAIL, AIR],
        **changes,
    }
    return settings_of("study_visits", **fields)


def guests(product):
    return {g for m in product.meetings for g in m.cities("guest")}


def hosts(product):
    return {h for m in product.meetings for h in m.cities("host")}


def test_the_group_goes_where_its_need_is_shown():
    product = propose_study_visits(round_of(AARHUS, BRUGES, GRAZ, LINZ), visits(hosts=["mission"]))
    assert hosts(product) == {"dk-aarhus"}
    assert guests(product) >= {"at-graz", "at-linz"}
    assert product.status == "optimal"


def test_a_clash_over_all_visits_names_its_rule_where_there_is_no_option_either():
    rules = [{"who": "not mission", "per": "all", "at_least": 5}]
    with pytest.raises(NoProposalError, match="visitors that are not"):
        propose_study_visits(round_of(AARHUS, BRUGES, GRAZ), visits(hosts=["mission"], rules=rules))
    with pytest.raises(NoProposalError, match="visitors that are not"):
        propose_study_visits(round_of(AARHUS, LATE), visits(hosts=["mission"], rules=rules))


def test_without_a_target_nobody_travels_and_is_told_what_to_do():
    product = propose_study_visits(round_of(AARHUS, GRAZ, LATE, SILENT), visits())
    assert guests(product) == {"at-graz"}
    left = {x.city: x for x in product.left_out}
    assert "2060" in left["at-wels"].why
    assert left["at-wels"].code == ""
    assert "signed by the mayor" in left["at-wels"].ask
    assert "not known" in left["at-krems"].why
    assert left["at-krems"].ask == ASKED["neutral_by"][0]
    assert guests(
        propose_study_visits(round_of(AARHUS, GRAZ, SILENT), visits(unknown="let in"))
    ) == {
        "at-graz",
        "at-krems",
    }


def test_a_city_that_is_kept_out_for_an_unknown_target_is_not_to_be_asked():
    product = propose_study_visits(round_of(AARHUS, GRAZ, SILENT), visits(unknown="keep out"))
    assert guests(product) == {"at-graz"}
    silent = next(x for x in product.left_out if x.city == "at-krems")
    assert "not known" in silent.why
    assert silent.ask.startswith("A commitment signed by the mayor opens study visits")


def test_nobody_visits_its_own_country_unless_it_asked():
    dane = city("dk-vejle", "guest", wants={"industry": 3}, by=2040)
    assert not propose_study_visits(round_of(AARHUS, dane), visits()).meetings
    asking = {**dane, "wishes": ["dk-aarhus"]}
    assert guests(propose_study_visits(round_of(AARHUS, asking), visits())) == {"dk-vejle"}
    assert guests(propose_study_visits(round_of(AARHUS, dane), visits(own_country=True))) == {
        "dk-vejle"
    }


def test_the_host_s_own_limit_of_visitors_counts():
    small = {**AARHUS, "participation": {"visitors_at_most": 1}}
    product = propose_study_visits(round_of(small, GRAZ, LINZ), visits())
    assert guests(product) == {"at-linz"}  # both want the same; Linz has the shorter way
    assert "its places" in next(x for x in product.left_out if x.city == "at-graz").why


def test_large_groups_become_several_parties():
    product = propose_study_visits(
        round_of(AARHUS, BRUGES, GRAZ, LINZ), visits(visitors=(1, 1), neutral_by=2050)
    )
    assert all(len(m.cities("guest")) == 1 for m in product.meetings)
    assert hosts(product) == {"dk-aarhus", "be-bruges"}


def test_a_host_receives_one_visit():
    product = propose_study_visits(round_of(AARHUS, GRAZ, LINZ), visits(visitors=(1, 1)))
    assert len(product.meetings) == 1
    assert "(" not in product.meetings[0].label  # of the parts of its group, one travels
    twice = propose_study_visits(
        round_of(AARHUS, GRAZ, LINZ), visits(visitors=(1, 1), visits_per_host=2)
    )
    assert len(twice.meetings) == 2
    assert all("(" in visit.label for visit in twice.meetings)


def test_weeks_decide_who_can_go_where():
    busy = {**AARHUS, "participation": {"weeks": ["2027-W10", "2027-W11"]}}
    early = {**GRAZ, "participation": {"weeks": ["2027-W10"]}}
    late = {**LINZ, "participation": {"weeks": ["2027-W12"]}}
    product = propose_study_visits(round_of(busy, early, late), visits())
    assert guests(product) == {"at-graz"}
    assert "Week: 2027-W10." in product.meetings[0].notes
    other = propose_study_visits(round_of(busy, late), visits())
    assert not other.meetings


# Graz needs what Aarhus shows and Steyr what Kiel shows; the two hosts have no target, so they do not travel.
HOME = city("dk-aarhus", "mission", shows={"industry": 3}, at=(56.2, 10.2))
KIEL = city("de-kiel", "mission", shows={"energy_systems": 3}, at=(54.3, 10.1))
STEYR = city("at-steyr", "guest", wants={"energy_systems": 3}, by=2040, at=(48.0, 14.4))


def test_two_stops_where_visitors_need_different_hosts():
    round_ = round_of(HOME, KIEL, GRAZ, STEYR)
    alone = propose_study_visits(round_, visits())
    assert len(hosts(alone)) == 1
    tour = propose_study_visits(round_, visits(stops=2))
    assert hosts(tour) == {"dk-aarhus", "de-kiel"}
    assert guests(tour) == {"at-graz", "at-steyr"}
    assert tour.score > alone.score
    assert any("stops" in note for note in tour.meetings[0].notes)
    dear = propose_study_visits(round_, visits(stops=2, stop_price=1))
    assert len(hosts(dear)) == 1
    far = propose_study_visits(round_, visits(stops=2, leg_km=100))
    assert len(hosts(far)) == 1


def test_nobody_is_host_and_guest_of_one_tour():
    """Each host could visit the other, which counts as a visit to both stops."""
    travelling = [{**host, "commitment": {"neutral_by": 2030}} for host in (HOME, KIEL)]
    product = propose_study_visits(round_of(*travelling, GRAZ, STEYR), visits(stops=2))
    assert product.meetings
    for meeting in product.meetings:
        assert len(set(meeting.cities())) == len(meeting.members)


@pytest.mark.parametrize("by", ["guest", "host", "guest, of the host's unit"])
def test_who_refuses_one_stop_of_a_tour_is_not_on_it(by):
    """With Linz, which needs what Aarhus shows, and two that need what Kiel shows, the tour pays without Graz."""
    guest, host, units = GRAZ, KIEL, []
    if by == "guest":
        guest = {**GRAZ, "refuses": ["de-kiel"]}
    elif by == "host":
        host = {**KIEL, "refuses": ["at-graz"]}
    else:
        guest = {**GRAZ, "refuses": ["unit-north"]}
        units = [{"id": "unit-north", "name": "North", "cities": ["de-kiel"]}]
    cities = [HOME, host, guest, STEYR, {**STEYR, "id": "at-enns"}, LINZ]
    product = propose_study_visits(round_of(*cities, units=units), visits(stops=2))
    together = [set(m.cities()) for m in product.meetings]
    assert any({"dk-aarhus", "de-kiel"} <= meeting for meeting in together)
    assert not any({"at-graz", "de-kiel"} <= meeting for meeting in together)


def test_the_referee_names_who_is_on_a_tour_with_a_stop_it_refuses():
    tour = propose_study_visits(round_of(HOME, KIEL, GRAZ, STEYR), visits(stops=2))
    refusing = round_of(HOME, KIEL, {**GRAZ, "refuses": ["de-kiel"]}, STEYR)
    found = visit_rules(refusing, visits(stops=2), tour.meetings)
    (broken,) = [rule for rule in found if rule.status == "broken"]
    assert broken.rule == "another country"
    assert "Graz visits" in broken.says


def test_travel_is_distance_times_detour_times_factor():
    product = propose_study_visits(round_of(AARHUS, GRAZ), visits(people=2))
    table = next(t for t in product.tables if t.name == "travel")
    row = dict(zip(table.columns, table.rows[0], strict=True))
    graz, aarhus = (np.array([x]) for x in (47.1, 15.4)), (np.array([x]) for x in (56.2, 10.2))
    km = 2 * float(distance_km(*graz, *aarhus)[0])
    assert row["km there and back"] == round(km)
    assert row["kg CO2e by rail"] == pytest.approx(2 * km * 1.5 * 0.040, abs=0.06)
    assert row["kg CO2e by air"] == pytest.approx(2 * km * 1.1 * 0.200, abs=0.06)
    assert (
        product.meetings[0]
        .notes[0]
        .startswith(
            f"Travel: 2 people of 1 city travel {2 * round(km):,} km in all, there and back."
        )
    )
    method = next(t for t in product.tables if t.name == "travel_method")
    assert {r[0] for r in method.rows} == {"rail", "air"}


@pytest.mark.parametrize("block", [1, 10**6])
def test_the_mean_distance_is_that_of_all_pairs_whose_places_are_known(monkeypatch, block):
    monkeypatch.setattr("twinmatch.programmes.study_visits.settings.BLOCK_PAIRS", block)
    cohort = round_of(AARHUS, BRUGES, GRAZ, SILENT).cohort
    places = [np.array(c.location and (c.location.lat, c.location.lon)) for c in cohort.cities]
    a, b, c = (p for p in places if p.ndim)
    km = [float(distance_km(*one, *other)) for one, other in ((a, b), (a, c), (b, c))]
    assert mean_distance(cohort) == pytest.approx(sum(km) / 3)
    assert mean_distance(round_of(AARHUS, SILENT).cohort) == 0.0


def test_where_there_is_no_rail_none_is_reckoned():
    round_ = round_of(AARHUS, GRAZ)
    assert by_rail(round_.cohort, (0, 1), ())
    assert not by_rail(round_.cohort, (0, 1), ("DK",))
    product = propose_study_visits(round_, visits(no_rail=["DK"]))
    assert product.tables[0].rows[0][3] is None
    assert product.tables[0].rows[0][5] == "air"


def test_unknown_places_are_told_and_not_guessed():
    nowhere = {k: v for k, v in GRAZ.items() if k != "location"}
    product = propose_study_visits(round_of(AARHUS, nowhere), visits())
    assert product.tables[0].rows[0][2:] == (None, None, None, "not known")
    assert product.meetings[0].notes[0] == (
        "Travel: how far the visitors go is not known, as locations are missing."
    )


def test_a_factor_lies_in_its_range():
    with pytest.raises(ValueError, match="between low and high"):
        Mode.model_validate({**RAIL, "low": 41})
    assert Mode.model_validate(RAIL).kg(1000) == pytest.approx(60)


def groups_of(*meetings: tuple[str, ...]) -> Product:
    made = tuple(
        Meeting(
            f"discussion_groups:g{k}",
            f"Group {k}",
            tuple(Member(c, "member") for c in cities),
            Account(),
        )
        for k, cities in enumerate(meetings)
    )
    return Product("discussion_groups", "Discussion groups", "optimal", "", 0, 0, made)


def test_groups_travel_and_who_is_in_none_is_told():
    round_ = replace(round_of(AARHUS, BRUGES, GRAZ, LINZ), made=(groups_of(("at-graz",)),))
    product = propose_study_visits(round_, visits(travellers="groups"))
    assert guests(product) == {"at-graz"}
    assert (
        "have a discussion group to travel with"
        in next(x for x in product.left_out if x.city == "at-linz").why
    )
    assert everywhere(product) == {c.id for c in round_.cohort.cities}


def test_where_no_group_was_formed_that_is_the_reason():
    round_ = replace(round_of(AARHUS, GRAZ), made=(groups_of(),))
    why = {
        x.city: x.why for x in propose_study_visits(round_, visits(travellers="groups")).left_out
    }
    assert {text.endswith(NO_PARTY) for text in why.values()} == {True}


def test_a_city_of_two_groups_makes_one_visit():
    round_ = replace(round_of(AARHUS, BRUGES, GRAZ), made=(groups_of(("at-graz",), ("at-graz",)),))
    product = propose_study_visits(round_, visits(travellers="groups"))
    assert len(product.meetings) == 1


def test_groups_must_be_made_before():
    with pytest.raises(QuestionError, match="discussion_groups"):
        propose_study_visits(round_of(AARHUS, GRAZ), visits(travellers="groups"))
    with pytest.raises(QuestionError, match="can be visited"):
        propose_study_visits(round_of(GRAZ), visits())


def test_a_group_visits_hosts_that_are_strong_in_its_theme():
    from twinmatch.programmes.programme import programme_model
    from twinmatch.programmes.study_visits.search import shows_theme

    heat = {"id": "heat", "title": "Heat", "domains": ["energy_systems"]}
    groups = {"themes": [heat], "weights": {"theme": 1}}
    round_ = round_of(
        city("at-strong", "mission", shows={"energy_systems": 3}),
        city("be-other", "mission", shows={"industry": 3}),
        programme=programme_model().model_validate({"discussion_groups": groups}),
    )
    assert shows_theme(round_, "heat-2:1", [0, 1]).tolist() == [True, False]
    assert shows_theme(round_, "pairs", [0, 1]).tolist() == [True, True]


def test_a_visit_is_named_by_what_most_of_its_cities_come_for(bundled, bundled_facet_cache):
    """A theme is wider than what is shown: "energy" where all of it is solar power."""
    theme = Theme(id="energy", title="Energy", domains=["energy_systems"])
    round_ = Round(bundled, bundled_facet_cache)
    table, solar = topic_table(bundled, bundled_facet_cache), "solar_wind_power"
    hosts = [i for i in range(len(bundled)) if table.offers.served([i]) == {solar}][:1]
    seek = [i for i in range(len(bundled)) if solar in table.sought(i)][:3]
    others = [i for i in range(len(bundled)) if solar not in table.sought(i)][:3]
    assert most_sought(round_, theme, hosts, seek) == solar
    assert most_sought(round_, theme, hosts, [*seek, *others]) is None
    assert most_sought(round_, theme, others[:0], seek) is None
    assert most_sought(round_, None, hosts, seek) is None


def test_a_city_that_is_not_visited_reads_what_its_visitors_find_elsewhere():
    solar, grid = "solar_wind_power", "grid_storage_flexibility"
    able = city("dk-able", "mission", shows={"energy_systems": 3}) | {"shows": [solar, grid]}
    less = city("be-less", "mission", shows={"energy_systems": 1}) | {"shows": [grid]}
    going = [
        city(f"at-{k}", wants={"energy_systems": 3}, by=2040, seeks=[solar, grid]) for k in "ab"
    ]
    asked = {"not_roles": ["mission"], "visitors": (2, 4)}
    made = propose_study_visits(round_of(able, less, *going), visits(**asked))
    (less_why,) = [x.why for x in made.left_out if x.city == "be-less"]
    assert less_why.endswith("shown something on more of what they want to learn.")
    none = propose_study_visits(round_of(able, less, going[0]), visits(**asked))
    why = {x.city: x.why for x in none.left_out}
    assert why["be-less"].endswith(
        "No visit takes place: in the group “Cities with like needs” 1 city may travel, and a visit takes at least 2."
    )


def test_a_visit_shows_each_visitor_something_that_it_seeks():
    """The strongest host shows nothing that is sought; who does not say what it seeks goes anywhere."""
    solar, grid = "solar_wind_power", "grid_storage_flexibility"
    strong = {**city("dk-aarhus", "mission", shows={"energy_systems": 3}), "shows": [grid]}
    weak = {**city("be-bruges", "mission", shows={"energy_systems": 1}), "shows": [solar]}
    seeking = [
        {**city(f"at-{k}", "guest", wants={"energy_systems": 3}, by=2040), "seeks": [solar]}
        for k in "ab"
    ]
    open_ = city("at-c", "guest", wants={"energy_systems": 3}, by=2040)
    round_ = round_of(strong, weak, *seeking, open_)
    asked = {"weights": {"challenges_met": 1}, "visitors": (2, 4)}
    free = propose_study_visits(round_, visits(**asked))
    assert hosts(free) == {"dk-aarhus"}
    shown = propose_study_visits(round_, visits(**asked, something_to_show=True))
    assert (hosts(shown), guests(shown)) == ({"be-bruges"}, {"at-a", "at-b", "at-c"})
    found = {rule.rule: rule.status for rule in shown.rules}
    assert found["something to show"] == "kept"
    nobody = propose_study_visits(
        round_of(strong, *seeking, open_),
        visits(**asked | {"visitors": (1, 4)}, something_to_show=True),
    )
    assert guests(nobody) == {"at-c"}
    whys = {x.city: x.why for x in nobody.left_out}
    assert "no example is known there" in whys["at-a"]
    assert "something to show" not in {rule.rule for rule in free.rules}
