"""Samples with pieces cut out and evil pieces put in: records or an error on purpose, whatever stands in a cell."""

from __future__ import annotations

import contextlib
import json
import random
from pathlib import Path

import importer_samples as samples
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from twinmatch.app.intake import text_doubts
from twinmatch.errors import DataError, TwinmatchError
from twinmatch.intake.checks import doubts
from twinmatch.public import read as read_records
from twinmatch.reading import read_grids, read_raw, without_contacts
from twinmatch.reading.importers import IMPORTERS, Options
from twinmatch.schema import City
from twinmatch.validate import profiles

TABLE = """id,name,country,population,emissions.form,emissions.boundary,emissions.sectors.waste,needs
de-x,X,DE,5,gpc,city,12,Heat
fr-y,Y,France,1.234,gpc,city,NO,Wärme für alle in der Stadt und im Land
"""
SAMPLES = {
    "table": [TABLE],
    "covenant": [samples.COVENANT],
    "covenant-inventories": [samples.INVENTORIES],
    "covenant-totals": [samples.TOTALS],
    "mycovenant": [samples.MY_COVENANT],
    "cdp": [samples.CDP_2016, samples.CDP_2018, samples.CDP_2021],
    "c40": [samples.C40],
    "ciris": [samples.CIRIS],
    "carbon-monitor": [samples.CARBON_MONITOR],
    "contract": [samples.CONTRACT_GPC, samples.CONTRACT_ECONOMIC, samples.CONTRACT_CITY],
}
EVIL = (
    *(
        "1e308",
        "-1e308",
        "1e5000",
        "NaN",
        "inf",
        "-",
        "",
        "9" * 400,
        "1.234",
        "1,5",
        "0x10",
        "1_000",
        "-5",
        "2050",
    ),
    *(
        "\u202e",
        "א",
        "١٢٣",
        "²",
        "½",
        "\x00",
        "=1+1",
        "'; DROP",
        "NO",
        '"',
        ";",
        ",",
        "\n",
        "2018-13-45",
        "﷽",
    ),
)


def damaged(text: str, rng: random.Random) -> str:
    for _ in range(rng.randint(1, 6)):
        start = rng.randrange(len(text) or 1)
        text = text[:start] + rng.choice(EVIL) + text[start + rng.randint(0, 12) :]
    return text


def _all_the_way(kind: str, path: Path) -> None:
    """Read, validate and doubt; errors on purpose end it, any other escapes."""
    with contextlib.suppress(TwinmatchError):
        if kind == "table":
            raw = read_raw(path)
        else:
            raw = without_contacts(IMPORTERS[kind].read(read_grids(path), Options()).raw)
        known, _ = profiles(raw.cities, City)
        doubts(known)
        text_doubts(known)


@pytest.mark.parametrize("number", ["1e5000", "-1e5000", "9" * 400, "inf", "NaN", "1e308"])
@pytest.mark.parametrize("column", ["population", "emissions.sectors.waste", "lat"])
def test_a_number_that_is_not_finite_is_a_problem_of_its_cell(
    tmp_path: Path, number: str, column: str
) -> None:
    path = tmp_path / "fuzzed.csv"
    path.write_text(f"id,name,country,{column}\nde-x,X,DE,{number}\n", "utf-8")
    raw = read_raw(path)
    _, problems = profiles(raw.cities, City)
    said = [*raw.problems, *problems]
    assert number == "NaN" or any(p.where and p.where.column == column for p in said), said
    for record in raw.cities:
        json.dumps(record.data, allow_nan=False)


@pytest.mark.parametrize("number", [float("inf"), float("nan"), 10**400, -(10**400)])
def test_an_object_that_is_not_finite_is_refused(number: float) -> None:
    with pytest.raises(DataError):
        read_records([{"id": "de-x", "name": "X", "country": "DE", "population": number}])


@pytest.mark.parametrize("kind", SAMPLES)
@given(seed=st.integers(0, 10**9))
@settings(
    max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
def test_a_damaged_sample_never_escapes(tmp_path: Path, kind: str, seed: int) -> None:
    """A sample of what `tools/fuzz.py` tries by the million."""
    rng = random.Random(seed)
    path = tmp_path / "fuzzed.csv"
    path.write_text(damaged(rng.choice(SAMPLES[kind]), rng), "utf-8")
    _all_the_way(kind, path)


def test_every_importer_is_fuzzed() -> None:
    assert set(SAMPLES) == {"table", *IMPORTERS}
