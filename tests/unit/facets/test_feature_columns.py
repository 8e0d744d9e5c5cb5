"""The feature table by hand: every column's name, meaning and unit, and a city's figures in them."""

from __future__ import annotations

import math

import pandas as pd
import pytest

from cities import BagOfWords, cohort_of
from twinmatch.facets import feature_table
from twinmatch.schema import NAMES, Dimension, Domain, Lever

FULL = {
    "id": "at-full",
    "location": {"lat": 47.07, "lon": 15.44},
    "population": {"value": 10_000, "of": "municipality"},
    "challenges": {"industry": 3, "mobility_transport": 1},
    "strengths": {"industry": 3},
    "levers_needed": ["procurement"],
    "levers_offered": ["finance_funding"],
    "readiness": {"plan": 3},
    "needs": "Heat. Steel.",
    "offers": "Trams.",
    "emissions": {
        "form": "gpc",
        "boundary": "city",
        "sectors": {
            "stationary_energy": 500,
            "transport": 300,
            "waste": 150,
            "ippu": 50,
            "afolu": "NO",
        },
    },
    "context": {
        "heating_degree_days": {"value": 3_000, "year": 2020},
        "gdp_per_head": {"value": 100_000, "year": 2020},
        "degree_of_urbanisation": 2,
    },
}
SECOND = {
    "id": "be-second",
    "strengths": ["stationary_energy"],
    "emissions": {"form": "gpc", "boundary": "city", "sectors": {"transport": 10}},
}
WIDE = {"id": "cz-wide", "challenges": ["stationary_energy"], "needs": "Heat."}
COHORT = cohort_of(FULL, SECOND, WIDE)
FINE = [d for d in Domain if d is not Domain.STATIONARY_ENERGY]


def table(text: object = None) -> pd.DataFrame:
    return feature_table(COHORT, text)


def test_every_column_has_its_name_meaning_and_unit() -> None:
    share = [
        ("buildings_and_energy", "buildings and energy"),
        ("transport", "transport"),
        ("waste", "waste"),
        ("other", "other"),
    ]
    expected = [
        *(
            (f"emissions.share.{name}", f"Share of {words} in the reported emissions", "0-1")
            for name, words in share
        ),
        (
            "emissions.per_head",
            "Buildings, energy and transport per capita of the reporting boundary",
            "t CO2e per capita",
        ),
        *((f"readiness.{d}", f"Readiness: {NAMES[d]}", "level 0-4") for d in Dimension),
        *((f"challenge.{d}", f"Part of the challenges in {NAMES[d]}", "0-1") for d in FINE),
        *((f"strength.{d}", f"Strength in {NAMES[d]}", "0-1") for d in FINE),
        *((f"lever_needed.{v}", f"Lacks {NAMES[v]}", "0 or 1") for v in Lever),
        *((f"lever_offered.{v}", f"Can show {NAMES[v]}", "0 or 1") for v in Lever),
        ("context.log10_population", "Population", "log10 people"),
        ("context.heating_degree_days", "Heating degree days of a year", "kelvin days"),
        ("context.log10_gdp_per_head", "GDP per head of the NUTS 3 region", "log10 EUR"),
        ("context.degree_of_urbanisation", "1 city, 2 town or suburb, 3 rural", "class"),
        ("location.lat", "Latitude", "degrees north"),
        ("location.lon", "Longitude", "degrees east"),
    ]
    made = table()
    assert list(made.columns) == [name for name, *_ in expected]
    assert made.index.name == "id"
    assert made.index.tolist() == ["at-full", "be-second", "cz-wide"]
    assert made.attrs["features"] == {
        name: {"meaning": meaning, "unit": unit} for name, meaning, unit in expected
    }


@pytest.mark.parametrize(
    ("column", "values"),
    [
        ("emissions.share.buildings_and_energy", (0.5, math.nan, math.nan)),
        ("emissions.share.transport", (0.3, 1.0, math.nan)),
        ("emissions.share.waste", (0.15, math.nan, math.nan)),
        ("emissions.share.other", (0.05, math.nan, math.nan)),
        ("emissions.per_head", (0.08, math.nan, math.nan)),
        ("readiness.plan", (3, math.nan, math.nan)),
        ("readiness.mandate", (math.nan, math.nan, math.nan)),
        ("challenge.industry", (0.75, math.nan, math.nan)),
        ("challenge.mobility_transport", (0.25, math.nan, math.nan)),
        ("challenge.built_environment", (0.0, math.nan, math.nan)),
        ("strength.industry", (1.0, 0.0, math.nan)),
        ("strength.mobility_transport", (0.0, 0.0, math.nan)),
        ("lever_needed.procurement", (1, math.nan, math.nan)),
        ("lever_needed.finance_funding", (0, math.nan, math.nan)),
        ("lever_offered.finance_funding", (1, math.nan, math.nan)),
        ("lever_offered.procurement", (0, math.nan, math.nan)),
        ("context.log10_population", (4, math.nan, math.nan)),
        ("context.heating_degree_days", (3_000, math.nan, math.nan)),
        ("context.log10_gdp_per_head", (5, math.nan, math.nan)),
        ("context.degree_of_urbanisation", (2, math.nan, math.nan)),
        ("location.lat", (47.07, math.nan, math.nan)),
        ("location.lon", (15.44, math.nan, math.nan)),
    ],
)
def test_a_figure_stands_in_its_column(column: str, values: tuple[float, ...]) -> None:
    assert table()[column].tolist() == pytest.approx(values, nan_ok=True)


def test_texts_are_the_mean_of_their_sentences_in_columns_of_their_own() -> None:
    made = table(BagOfWords())
    needs = made.filter(regex=r"^needs\.")
    offers = made.filter(regex=r"^offers\.")
    assert list(needs)[:2] == ["needs.000", "needs.001"]
    assert list(offers)[-1] == "offers.255"
    assert made.attrs["features"]["needs.001"] == {
        "meaning": "Component 1 of the mean sentence vector of the needs",
        "unit": "cosine space",
    }
    assert made.attrs["features"]["offers.003"]["meaning"].endswith("vector of the offers")
    assert sorted(needs.loc["at-full"])[-3:] == [0.0, 0.5, 0.5]
    assert sorted(needs.loc["cz-wide"])[-2:] == [0.0, 1.0]
    assert needs.loc["be-second"].isna().all()
    assert sorted(offers.loc["at-full"])[-2:] == [0.0, 1.0]
    assert offers.loc["cz-wide"].isna().all()


def test_a_text_model_that_nobody_writes_for_adds_no_column() -> None:
    silent = cohort_of({"id": "ee-empty"})
    made = feature_table(silent, BagOfWords())
    assert list(made) == list(feature_table(silent))
