"""The feature table: documented columns, nan where not known, and a transformer that scikit-learn accepts."""

from __future__ import annotations

import numpy as np
import pytest
from sklearn.base import clone
from sklearn.impute import SimpleImputer
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from cities import BagOfWords, cohort_of
from twinmatch.facets.features import CityFeatures

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
    table = CityFeatures().fit(cohort).table(cohort)
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
    table = CityFeatures().fit(cohort).table(cohort)
    assert table.filter(like="challenge.").isna().all(axis=None)


def test_text_columns_are_mean_vectors():
    cohort = cohort_of(AACHEN, {"id": "fr-empty"})
    table = CityFeatures(text=BagOfWords()).fit(cohort).table(cohort)
    needs = table.filter(regex=r"^needs\.\d+$")
    assert needs.shape[1] == 256
    assert np.linalg.norm(needs.loc["de-aachen"]) == pytest.approx(1)
    assert needs.loc["fr-empty"].isna().all()


def test_it_works_in_a_pipeline_and_can_be_cloned(bundled):
    pipeline = make_pipeline(
        clone(CityFeatures()), SimpleImputer(keep_empty_features=True), StandardScaler()
    )
    vectors = pipeline.fit_transform(bundled)
    assert vectors.shape[0] == 255
    assert np.isfinite(vectors).all()
    names = pipeline[0].get_feature_names_out()
    assert len(names) == len(set(names)) == vectors.shape[1]
