"""The support ladder, the transition map, the catalogue of resources and the themes in needs texts."""

from __future__ import annotations

import csv
from collections import Counter

import numpy as np
import pytest
from product_cases import city, round_of

import twinmatch as tm
from cities import facet_cache
from twinmatch.facets.readiness import STEPS, StuckStep, step_levels, stuck_at
from twinmatch.files import bundled_path
from twinmatch.programmes import load
from twinmatch.programmes.base import Catalogue, bundled_resources, national_actors
from twinmatch.programmes.conditions import is_kind
from twinmatch.programmes.pathways import ladder, pathways, standing, transition_map
from twinmatch.schema import Dimension

LEVELS = dict.fromkeys((d.value for d in Dimension), 3)


@pytest.fixture(scope="module")
def programme():
    return load("twinning", "discussion_groups", "study_visits")


@pytest.mark.parametrize(
    ("profile", "level", "next_", "lacks"),
    [
        (city("at-a"), "no inventory yet", "discussion groups", "what it struggles with"),
        (
            city("at-a", readiness={"inventory": 1}),
            "online resources",
            "discussion groups",
            "what it struggles with",
        ),
        (
            city("at-a", "guest", wants={"industry": 1}),
            "discussion groups",
            "study visits",
            "climate-neutrality target by 2050",
        ),
        (
            city("at-a", "guest", wants={"industry": 1}, by=2060),
            "discussion groups",
            "study visits",
            "it has 2060",
        ),
        (
            city("at-a", "guest", wants={"industry": 1}, by=2050),
            "study visits",
            "twinning",
            "12 staff hours a month (not known)",
        ),
        (city("at-a", "mission", wants={"industry": 1}, by=2030), "hosting others", "", ""),
        (
            city(
                "at-a",
                "guest",
                wants={"industry": 1},
                by=2050,
                participation={"staff_hours_a_month": 12, "english": "B2"},
            ),
            "twinning",
            "",
            "",
        ),
    ],
)
def test_where_a_city_stands_on_the_ladder(profile, level, next_, lacks, programme):
    cohort = round_of(profile).cohort
    found = standing(cohort.cities[0], programme)
    assert (found.level, found.next) == (level, next_)
    assert lacks in "; ".join(found.lacks)
    assert ladder(cohort, programme).rows[0][:3] == ("at-a", level, next_)


def test_a_city_stands_at_several_steps_and_is_stuck_at_its_lowest():
    cohort = round_of(
        city("at-a", readiness={**LEVELS, "finance": 1, "delivery": 2}),
        city("dk-b", "mission", readiness={**LEVELS, "finance": 3, "delivery": 3}),
        city("fi-c", readiness={"mandate": 1}),
    ).cohort
    at = step_levels(cohort)
    act = [step.code for step in STEPS].index("act")
    assert at[0, act] == 1.5
    assert np.isnan(at[2]).sum() == 6
    assert stuck_at(at).tolist() == [act, 0, -1]
    row = dict(zip(transition_map(cohort).columns, transition_map(cohort).rows[0], strict=True))
    assert (row["stuck at"], row["ahead there"]) == ("Take action", "dk-b")
    facet = StuckStep(cohort, facet_cache())
    likeness = facet.likeness(np.array([0, 2]), np.array([1]))
    assert likeness[0, 0] == 1.0
    assert np.isnan(likeness[1, 0])
    assert "“Take action”" in facet.says(0, 1)[0]
    assert "is not known" in facet.says(2, 1)[0]


RESOURCES = [
    {"id": "heat", "title": "Heat guide", "link": "https://example.org/heat", "domains": ["energy_systems"]},
    {"id": "act", "title": "Act guide", "link": "https://example.org/act", "steps": ["act"]},
    {
        "id": "high", "title": "For twins", "link": "https://example.org/twins",
        "domains": ["energy_systems"], "level": "twinning",
    },
]  # fmt: skip


def test_resources_meet_needs_with_reasons(programme):
    cohort = round_of(
        city("at-a", wants={"energy_systems": 1}, languages=["en"]),
        city("at-b", readiness={**LEVELS, "finance": 0, "delivery": 0}),
        city("at-c"),
    ).cohort
    table = pathways(
        cohort, facet_cache(), Catalogue.model_validate({"resources": RESOURCES}), programme
    )
    found = {(row[0], row[2]): row[5] for row in table.rows}
    assert set(found) == {("at-a", "Heat guide"), ("at-b", "Act guide")}
    assert "names energy systems" in found["at-a", "Heat guide"]
    assert "“Take action”" in found["at-b", "Act guide"]


@pytest.mark.parametrize(
    "wrong", [{"link": "not a link"}, {"domains": []}, {"colour": 1}, {"level": "sky"}]
)
def test_wrong_resources(wrong):
    with pytest.raises(ValueError, match="validation error"):
        Catalogue.model_validate({"resources": [{**RESOURCES[0], **wrong}]})


def test_the_bundled_catalogue_is_real_and_meets_needs(bundled, bundled_facet_cache):
    programme = load()
    table = pathways(bundled, bundled_facet_cache, programme.pathways, programme)
    offered = {r.title: r for r in programme.pathways.offered}
    assert len({row[2] for row in table.rows}) >= 40
    assert all(r.checked for r in offered.values())
    assert {row[0] for row in table.rows} == {c.id for c in bundled.cities}
    assert max(Counter(row[2] for row in table.rows).values()) <= 49
    for row in table.rows:
        chosen, to = offered[row[2]], bundled.city(row[0])
        assert not chosen.countries or to.country in chosen.countries
        assert not chosen.only or is_kind(to, chosen.only)


@pytest.mark.parametrize("name", ["resources.csv", "actors.csv"])
def test_bundled_support_is_published_with_its_own_pages_only(name):
    with bundled_path("support", name).open(encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file))
    assert len({row["id"] for row in rows}) == len(rows) >= 130
    assert all(row["source"] or row["address"] for row in rows)
    shown = [r.link for r in bundled_resources()] + [a.link for a in national_actors() if a.link]
    assert all(link.startswith("http") for link in shown)
    assert not any("utmc.app" in link or "staging" in link for link in shown)


def test_every_country_has_somebody_for_the_room(bundled):
    assert {c.country for c in bundled.cities} <= {actor.country for actor in national_actors()}


def test_a_resource_goes_to_few_while_another_fits(programme):
    cohort = round_of(
        *(city(f"at-{k}", wants={"energy_systems": 1}) for k in "abcd"), city("at-z")
    ).cohort
    both = [RESOURCES[0], {**RESOURCES[0], "id": "heat-2", "title": "Second guide"}]
    first = {
        "id": "first",
        "title": "First steps",
        "link": "https://example.org",
        "steps": ["understand"],
    }
    catalogue = Catalogue.model_validate(
        {"resources": [*both, first], "per_city": 1, "cities_per_resource": 2}
    )
    table = pathways(cohort, facet_cache(), catalogue, programme)
    given = Counter(row[2] for row in table.rows)
    assert given == {"Heat guide": 2, "Second guide": 2, "First steps": 1}
    assert {row[0] for row in table.rows if row[2] == "First steps"} == {"at-z"}


def test_a_city_of_which_nothing_is_known_stands_at_the_entry_of_the_map():
    cohort = round_of(
        city("at-a"),
        city("at-b", "mission", readiness={**LEVELS}),
        city("fi-c", "mission", readiness={**LEVELS}),
        city("at-d", emissions={"form": "gpc", "boundary": "city", "sectors": {"transport": 5}}),
    ).cohort
    rows = {row[0]: row for row in transition_map(cohort).rows}
    assert rows["at-a"][-2:] == ("no inventory yet", "at-b")
    assert "at-d" not in rows


def test_a_resource_on_a_topic_is_no_answer_to_a_domain(programme):
    reporting = {
        "id": "report", "title": "Reporting guide", "link": "https://example.org/report",
        "topics": ["emissions_data_monitoring"], "domains": ["energy_systems"],
    }  # fmt: skip
    cohort = round_of(city("at-a", wants={"energy_systems": 1}, languages=["en"])).cohort
    topic = ["district_heating_cooling"]
    for topics, named in ((reporting["topics"], []), (topic, []), ([], ["Reporting guide"])):
        catalogue = Catalogue.model_validate({"resources": [{**reporting, "topics": topics}]})
        table = pathways(cohort, facet_cache(), catalogue, programme)
        assert [row[2] for row in table.rows] == named


def test_one_page_is_named_once_to_a_city(programme):
    two = [RESOURCES[0], {**RESOURCES[0], "id": "tool", "title": "Tool on the same page"}]
    cohort = round_of(city("at-a", wants={"energy_systems": 1}, languages=["en"])).cohort
    table = pathways(cohort, facet_cache(), Catalogue.model_validate({"resources": two}), programme)
    assert [row[3] for row in table.rows] == ["https://example.org/heat"]


@pytest.mark.parametrize(
    ("topics", "named"),
    [([], 1), (["climate_plan_portfolio"], 1), (["social_housing_energy_poverty"], 0)],
)
def test_the_first_steps_are_a_plan_and_an_inventory_and_no_single_field(programme, topics, named):
    guide = {"id": "guide", "title": "Guide", "link": "https://example.org/guide"}
    asked = {**guide, "topics": topics, "steps": ["understand"]}
    catalogue = Catalogue.model_validate({"resources": [asked]})
    cohort = round_of(city("at-z")).cohort
    assert len(pathways(cohort, facet_cache(), catalogue, programme).rows) == named


def test_who_leads_groups_and_joins_none_is_offered_none(bundled):
    found = tm.propose(bundled, {"discussion_groups": {}, "study_visits": {}})
    groups, visits = ({x.city: x.offered for x in p.left_out} for p in found.products)
    asked = {c for c, offered in visits.items() if "a discussion group, once" in offered}
    assert asked
    assert not any("a discussion group" in offered for offered in groups.values())
    assert not any("mission" in bundled.city(c).roles for c in asked)
