from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from twinmatch.reading import read_raw
from twinmatch.reading.values import decides, mass, parse, unit_in


@pytest.mark.parametrize(
    ("written", "value"),
    [
        ("1.234,5", 1234.5),
        ("1,234.5", 1234.5),
        ("1 234 567", 1234567),
        ("1\u00a0234,5", 1234.5),
        ("1'234'567", 1234567),
        ("1.234.567", 1234567),
        ("0,5", 0.5),
        ("0.123", 0.123),
        ("-12,34", -12.34),
        ("−5", -5),
        ("1e3", 1000),
    ],
)
def test_a_number_that_can_be_only_one_is_read(written: str, value: float) -> None:
    number = parse(written)
    assert number is not None
    assert set(number.readings.values()) == {value}


@pytest.mark.parametrize("written", ["1.234", "1,234", "999.999", "12,345"])
def test_a_number_that_can_be_two_has_both_readings(written: str) -> None:
    number = parse(written)
    assert number is not None
    assert not number.is_sure
    assert decides(written) is None


@pytest.mark.parametrize("written", ["", "abc", "1,23,456", "1.2.3", "--1", "."])
def test_what_is_no_number_is_none(written: str) -> None:
    assert parse(written) is None


@given(st.floats(0.01, 1e9).map(lambda x: round(x, 2)))
def test_both_conventions_are_read_back(value: float) -> None:
    english = f"{value:,.2f}"
    german = english.translate(str.maketrans(",.", ".,"))
    for written, sign in ((english, "."), (german, ",")):
        number = parse(written)
        assert number is not None
        assert number.as_(sign) == value  # type: ignore[arg-type]
        assert decides(written) in {sign, None}


@pytest.mark.parametrize(
    ("unit", "tonnes", "gas"),
    [
        ("t", 1, ""),
        ("t CO2e", 1, "CO2e"),
        ("tCO2eq", 1, "CO2e"),
        ("kt CO2", 1000, "CO2"),
        ("kt CO₂-eq", 1000, "CO2e"),
        ("Mt CO2e", 1e6, "CO2e"),
        ("Mg", 1, ""),
        ("Gg CO2e", 1000, "CO2e"),
        ("kg CO2", 0.001, "CO2"),
        ("1000 t CO2", 1000, "CO2"),
        ("metric tonnes CO2e", 1, "CO2e"),
    ],
)
def test_units_of_emissions(unit: str, tonnes: float, gas: str) -> None:
    found = mass(unit)
    assert found is not None
    assert (found.tonnes, found.gas) == (tonnes, gas)


@pytest.mark.parametrize("unit", ["people", "mg", "MWh", "t/km", "%"])
def test_what_is_no_unit_of_emissions(unit: str) -> None:
    assert mass(unit) is None


def test_a_unit_in_a_header() -> None:
    assert unit_in("Emissionen [kt CO2e]") == "kt CO2e"
    assert unit_in("Total (t)") == "t"
    assert unit_in("Total") == ""


@pytest.mark.parametrize(
    ("header", "cells"),
    [
        (
            "Einwohner",
            {
                "ca. 96 Tsd.": 96_000,
                "140 000 environ": 140_000,
                "env. 144'000 hab.": 144_000,
                "circa 195mila": 195_000,
                "304459 (2024)": 304_459,
                "39.7 mil": 39_700,
                "Unos 470.000": 470_000,  # beside 39.7 mil: people have no decimals
                "ok. 198 tys.": 198_000,
                "1,2 Mio.": 1_200_000,
                "viele": "viele",
            },
        ),
        ("Einwohner (Tsd.)", {"96": 96_000, "97 Tsd.": 97_000, "98": 98_000}),
    ],
)
def test_people_are_counted_in_the_words_of_the_cell(tmp_path, header, cells) -> None:
    table = tmp_path / "people.csv"
    rows = [f"de-c{k};C{k};DE;{cell}" for k, cell in enumerate(cells)]
    table.write_text("\n".join([f"id;name;country;{header}", *rows]), "utf-8")
    found = {r.data["id"]: r.data["population"]["value"] for r in read_raw(table).cities}
    assert list(found.values()) == list(cells.values())
