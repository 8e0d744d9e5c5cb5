"""Pictures: valid Vega-Lite, bars that add up to the score, sectors that both report and no others."""

from __future__ import annotations

import itertools
import json

import pytest

from twinmatch.affinity import compare
from twinmatch.pictures import emissions_mix, pictures_of, readiness, waterfall
from twinmatch.programmes import load

PAIRS = [
    ("de-aachen", "de-mannheim"),
    ("de-cologne", "es-valencia"),
    ("fr-lyon", "se-malmo"),
    ("it-turin", "gr-athens"),
]


@pytest.fixture(scope="module")
def affinity(bundled, bundled_materials):
    return compare(bundled, load("twinning").twinning.weights, bundled_materials)


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
    for row, line in zip(rows, account.lines, strict=False):
        assert (row["kind"] == "known") == line.known
        assert row["says"] == line.says


@pytest.mark.parametrize("pair", PAIRS)
def test_the_mix_has_the_sectors_that_both_report_and_sums_to_100(pair, bundled):
    i, j = (bundled.index[name] for name in pair)
    spec = emissions_mix(bundled, i, j)
    if bundled.cities[i].emissions is None or bundled.cities[j].emissions is None:
        assert spec is None
        return
    rows = spec["data"]["values"]
    for city in {r["city"] for r in rows}:
        mine = [r for r in rows if r["city"] == city]
        assert sum(r["percent"] for r in mine) == pytest.approx(100, abs=1e-4)
        assert {r["sector"] for r in mine} == {r["sector"] for r in rows}


def test_readiness_has_the_levels_of_the_profiles(bundled):
    i, j = bundled.index["de-aachen"], bundled.index["es-valencia"]
    spec = readiness(bundled, i, j)
    by_name = {c.name: c for c in bundled.cities}
    for row in spec["data"]["values"]:
        levels = {str(d): v for d, v in by_name[row["city"]].readiness.items()}
        assert row["level"] in levels.values()
    assert len(spec["data"]["values"]) % 2 == 0
    assert readiness(bundled, i, bundled.index["it-orvieto"]) is None


@pytest.mark.parametrize("pair", PAIRS)
def test_every_picture_is_vega_lite_and_plain_json(pair, bundled, affinity):
    altair = pytest.importorskip("altair", reason="the extra [notebook] is not installed")
    i, j = (bundled.index[name] for name in pair)
    for spec in pictures_of(bundled, i, j, affinity.account(i, j), "A pair").values():
        assert json.loads(json.dumps(spec, allow_nan=False)) == spec
        altair.Chart.from_dict(spec, validate=True).to_dict()
