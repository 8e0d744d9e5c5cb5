"""Pictures: valid Vega-Lite, bars that add up to the score, sectors that all report and no others."""

from __future__ import annotations

import itertools
import json
from dataclasses import replace

import pytest

from cities import cohort_of, facet_cache
from twinmatch.affinity import compare
from twinmatch.figures.vega import (
    BLUE,
    LILAC,
    SHADES,
    emissions_mix,
    pictures_of,
    readiness,
    waterfall,
)
from twinmatch.programmes import load
from twinmatch.programmes.city_cards import measured_card
from twinmatch.proposal import Account, Evidence
from twinmatch.schema import NAMES

PAIRS = [
    ("de-aachen", "de-mannheim"),
    ("de-cologne", "es-valencia"),
    ("fr-lyon", "se-malmo"),
    ("it-turin", "gr-athens"),
]


@pytest.fixture(scope="module")
def affinity(bundled, bundled_facet_cache):
    return compare(bundled, load("twinning").twinning.weights, bundled_facet_cache)


def cards(cohort, *cities):
    return [measured_card(cohort, cohort.index[city]) for city in cities]


@pytest.mark.parametrize("pair", PAIRS)
def test_the_waterfall_adds_up_to_the_score(pair, bundled, affinity):
    i, j = (bundled.index[name] for name in pair)
    account = affinity.account(i, j)
    rows = waterfall(account, "A pair")["data"]["values"]
    assert rows[0]["from"] == 0
    for before, after in itertools.pairwise(rows[:-1]):
        assert after["from"] == before["to"]
    assert rows[-1]["to"] == pytest.approx(100 * affinity.score[i, j], abs=1e-5)
    assert rows[-2]["to"] == pytest.approx(rows[-1]["to"], abs=1e-5)
    assert len(rows) == len(account.lines) + 1
    for row, line in zip(rows[:-1], account.lines, strict=True):
        assert (row["kind"] == "known") == line.known
        assert row["could"] - row["from"] == pytest.approx(100 * line.weight, abs=1e-5)
        assert row["says"] == line.says


def test_a_waterfall_by_hand():
    known = Evidence("needs_offers", 0.7, 0.75, 0.6, "Both want heat.")
    unknown = Evidence("returns", float("nan"), 0.5, 0.4, "Not known.")
    spec = waterfall(Account((known, unknown)), "A learns from B", {"needs_offers": "Needs"})
    bars = [(r["line"], r["from"], r["to"], r["could"], r["gives"]) for r in spec["data"]["values"]]
    assert bars == [
        ("Needs", 0, 45, 60, "45.0 of 60.0"),
        ("returns", 45, 65, 85, "20.0 of 40.0"),
        ("Score", 0, 65, 100, "65.0 of 100"),
    ]
    assert spec["title"]["subtitle"].startswith("60% of the weights rest on something known")
    assert spec["usermeta"]["rows"][0] == ["Needs", "45.0", "60.0", "Both want heat."]
    assert waterfall(Account(), "nothing") is None


def emitting(id_, form="gpc", **sectors):
    return {
        "id": id_,
        "emissions": {"form": form, "boundary": "city", "year": 2020, "sectors": sectors},
    }


def test_a_mix_by_hand_names_what_it_leaves_out():
    cohort = cohort_of(
        emitting("de-one", stationary_energy=60, transport=20, waste=20),
        emitting("it-two", stationary_energy=10, transport=30, ippu=60),
        {"id": "fr-three"},
    )
    spec = emissions_mix(cards(cohort, "de-one", "it-two", "fr-three"))
    found = [(r["city"], r["sector"], r["from"], r["to"]) for r in spec["data"]["values"]]
    assert found == [
        ("One (2020)", "buildings and energy", 0, 75),
        ("One (2020)", "transport", 75, 100),
        ("Two (2020)", "buildings and energy", 0, 25),
        ("Two (2020)", "transport", 25, 100),
    ]
    assert spec["title"]["subtitle"] == (
        "Not reported by both, so left out: waste, industrial processes, agriculture and land use; "
        "no inventory is known of Three; these sectors hold only 40% of what Two reports"
    )


def test_a_mix_of_unlike_forms_is_over_the_four_groups_of_every_form():
    cohort = cohort_of(
        emitting("de-one", stationary_energy=60, transport=20, waste=10, ippu=5, afolu=5),
        emitting(
            "it-two",
            form="economic",
            stationary_energy=10,
            transport=30,
            waste=10,
            ippu="IE",
            afolu="IE",
            other=50,
        ),
    )
    spec = emissions_mix(cards(cohort, "de-one", "it-two"))
    sectors = {r["sector"]: r["percent"] for r in spec["data"]["values"] if r["tonnes"] != 50}
    assert spec["title"]["subtitle"] == "All sectors are reported by both"
    assert set(sectors) == {"buildings and energy", "transport", "waste", "other"}


@pytest.mark.parametrize("pair", PAIRS)
def test_the_mix_has_the_sectors_that_both_report_and_sums_to_100(pair, bundled):
    spec = emissions_mix(cards(bundled, *pair))
    told = [bundled.city(name).emissions for name in pair]
    if any(e is None or not any(isinstance(v, float) for _, v in e.sectors) for e in told):
        assert spec is None
        return
    rows = spec["data"]["values"]
    assert len({r["city"] for r in rows}) == 2
    for city in {r["city"] for r in rows}:
        mine = [r for r in rows if r["city"] == city]
        assert sum(r["percent"] for r in mine) == pytest.approx(100, abs=1e-4)
        assert {r["sector"] for r in mine} == {r["sector"] for r in rows}


def test_readiness_has_the_levels_of_the_profiles(bundled):
    pair = ("de-aachen", "es-valencia")
    spec = readiness(cards(bundled, *pair))
    levels = {
        bundled.city(c).name: {NAMES[d]: v for d, v in bundled.city(c).readiness.items()}
        for c in pair
    }
    rows = spec["data"]["values"]
    assert rows
    for row in rows:
        assert row["level"] == levels[row["city"]][row["dimension"]]
    assert len(rows) == 2 * len(set(levels["Aachen"]) & set(levels["Valencia"]))
    silent = next(city.id for city in bundled.cities if not city.readiness)
    assert readiness(cards(bundled, "de-aachen", silent)) is None


def test_readiness_names_who_and_what_is_not_known():
    cohort = cohort_of(
        {"id": "de-one", "readiness": {"finance": 2, "delivery": 3}},
        {"id": "it-two", "readiness": {"finance": 4}},
        {"id": "fr-three"},
    )
    spec = readiness(cards(cohort, "de-one", "it-two", "fr-three"))
    assert spec["usermeta"] == {
        "columns": ["Dimension", "One", "Two"],
        "rows": [["finance", "2", "4"]],
    }
    assert spec["title"]["subtitle"] == (
        "Not known of both: delivery; not known at all: Three; half a level is noise"
    )


def test_cities_of_one_name_are_told_apart(bundled):
    one, other = cards(bundled, "de-aachen", "es-valencia")
    spec = readiness([one, replace(other, name=one.name)])
    assert spec["usermeta"]["columns"][1:] == ["Aachen, de-aachen", "Aachen, es-valencia"]


@pytest.mark.parametrize("pair", PAIRS)
def test_every_picture_is_vega_lite_and_plain_json(pair, bundled, affinity):
    altair = pytest.importorskip("altair", reason="the extra [notebook] is not installed")
    i, j = (bundled.index[name] for name in pair)
    found = pictures_of(affinity.account(i, j), cards(bundled, *pair), "A pair")
    assert "waterfall" in found
    for spec in found.values():
        assert json.loads(json.dumps(spec, allow_nan=False)) == spec
        altair.Chart.from_dict(spec, validate=True).to_dict()


def test_colours_are_told_apart_by_their_neighbours_and_on_white():
    assert min(contrast(one, other) for one, other in itertools.pairwise(SHADES)) >= 3
    assert min(contrast("#FFFFFF", shade) for shade in (*SHADES, LILAC)) >= 3
    assert contrast(BLUE, LILAC) >= 3


def contrast(one, other):
    light, dark = sorted((luminance(one), luminance(other)), reverse=True)
    return (light + 0.05) / (dark + 0.05)


def luminance(colour):
    parts = [int(colour[k : k + 2], 16) / 255 for k in (1, 3, 5)]
    linear = [p / 12.92 if p <= 0.04045 else ((p + 0.055) / 1.055) ** 2.4 for p in parts]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]


def test_the_cards_of_a_proposal_have_what_the_profiles_say():
    cohort = cohort_of(emitting("de-one", stationary_energy=1, transport=2))
    card = measured_card(cohort, 0)
    known = {(m.block, m.what): m.value for m in card.measures}
    assert known["emissions_gpc", "transport"] == 2
    assert known["emissions_gpc", "waste"] is None
    assert {m.year for m in card.measures} == {2020}
    assert compare(cohort, {"context": 1}, facet_cache()).cohort is cohort
