"""The feature table: documented columns, nan where not known, and a transformer that scikit-learn accepts."""

from __future__ import annotations

import numpy as np
import pytest

from cities import BagOfWords, cohort_of
from twinmatch.facets import feature_table

AACHEN = {
    "id": "de-aachen",
    "population": {"value": 1000},
    "emissions": {
        "form": "gpc",
        "boundary": "city",
        "sectors": {"stationary_energy": 600, "transport": 400, "waste": "blank"},
    },
    "readiness": {"plan": 3},
    "challenges": {"industry": 3, "mobility_transport": 1},
    "levers_needed": ["procurement"],
    "needs": "Heat.",
}


def test_columns_are_documented_and_unknown_is_nan():
    cohort = cohort_of(AACHEN, {"id": "fr-empty"})
    table = feature_table(cohort)
    assert list(table.index) == ["de-aachen", "fr-empty"]
    row = table.loc["de-aachen"]
    assert row["emissions.share.transport"] == pytest.approx(0.4)
    assert row["emissions.per_head"] == pytest.approx(1.0)
    assert np.isnan(row["emissions.share.waste"])
    assert row["readiness.plan"] == 3
    assert row["challenge.industry"] == pytest.approx(0.75)
    assert row["lever_needed.procurement"] == 1
    assert row["lever_needed.finance_funding"] == 0
    assert table.loc["fr-empty"].isna().all()
    described = table.attrs["features"]
    assert list(described) == list(table.columns)
    assert all(words["meaning"] and words["unit"] for words in described.values())


def test_the_wider_vocabulary_leaves_the_finer_columns_unknown():
    cohort = cohort_of({"id": "de-wide", "challenges": ["stationary_energy"]})
    table = feature_table(cohort)
    assert table.filter(like="challenge.").isna().all(axis=None)


def test_text_columns_are_mean_vectors():
    cohort = cohort_of(AACHEN, {"id": "fr-empty"})
    table = feature_table(cohort, BagOfWords())
    needs = table.filter(regex=r"^needs\.\d+$")
    assert needs.shape[1] == 256
    assert np.linalg.norm(needs.loc["de-aachen"]) == pytest.approx(1)
    assert needs.loc["fr-empty"].isna().all()
