"""Cities in scikit-learn: columns and ids are kept, other estimators take what comes out."""

from __future__ import annotations

import hashlib

import numpy as np
import pandas as pd
import pytest
from sklearn.base import clone
from sklearn.cluster import SpectralClustering
from sklearn.impute import SimpleImputer
from sklearn.linear_model import Ridge
from sklearn.model_selection import cross_val_score
from sklearn.neighbors import NearestNeighbors
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.utils.estimator_checks import check_estimator

import twinmatch as tm
from cities import cohort_of

EXPECTED = {
    "check_estimator_sparse_tag": "cities are no sparse matrix: the stand-in fails before it could say so",
    "check_estimator_sparse_array": "the same",
    "check_estimator_sparse_matrix": "the same",
    "check_transformer_general": "X is cities: it has no number of columns that could differ from that of fit",
    "check_transformer_preserve_dtypes": "a DataFrame comes out, which has a type a column",
}
"""Checks that fail, each with the reason."""


def letters(texts):
    return np.array([[text.lower().count(chr(97 + k)) for k in range(26)] for text in texts])


def test_it_works_in_a_pipeline_and_can_be_cloned(bundled):
    pipeline = make_pipeline(
        clone(tm.CityFeatures()), SimpleImputer(keep_empty_features=True), StandardScaler()
    )
    vectors = pipeline.fit_transform(bundled)
    assert vectors.shape[0] == 255
    assert np.isfinite(vectors).all()
    names = pipeline[0].get_feature_names_out()
    assert len(names) == len(set(names)) == vectors.shape[1]


def test_transform_keeps_the_columns_of_fit():
    wordy = cohort_of({"id": "at-a", "needs": "Heat networks."}, {"id": "be-b", "offers": "Trams."})
    silent = cohort_of({"id": "cz-c"})
    features = tm.CityFeatures(text=letters).fit(wordy)
    found = features.transform(silent)
    assert list(found.columns) == list(features.get_feature_names_out())
    assert found.shape[1] == 53 + 2 * 26
    assert found.isna().all(axis=None)
    fewer = tm.CityFeatures(text=letters).fit(silent).transform(wordy)
    assert fewer.shape == (2, 53)


def test_sequences_keep_their_order_and_repeats_and_frames_their_ids(bundled):
    features = tm.CityFeatures().fit(bundled)
    whole = features.transform(bundled)
    some = features.transform([bundled[7], bundled[2], bundled[7]])
    assert list(some.index) == [bundled[k].id for k in (7, 2, 7)]
    pd.testing.assert_frame_equal(some, whole.iloc[[7, 2, 7]])
    frame = pd.DataFrame({"name": ["X"], "country": ["DE"], "population": [1000]})
    assert features.transform(frame).loc["de-x", "context.log10_population"] == 3


def test_rows_of_a_table_keep_their_order_beside_a_target(bundled):
    rows = [
        {"name": name, "country": country, "population": people}
        for name, country, people in (("X", "SE", 9000), ("A", "DE", 7000), ("B", "AT", 5000))
    ]
    features = tm.CityFeatures().fit(bundled)
    nested = [{"id": f"{r['country'].lower()}-{r['name'].lower()}", **r, "population": {"value": r["population"]}} for r in rows]  # fmt: skip
    for given in (rows, pd.DataFrame(rows), pd.DataFrame(rows, index=[7, 3, 5]), nested):
        found = features.transform(given)
        assert list(found.index) == ["se-x", "de-a", "at-b"]
        people = 10 ** found["context.log10_population"]
        np.testing.assert_allclose(people, [9000, 7000, 5000])
    distance = tm.CityAffinity(weights={"context": 1}).fit(pd.DataFrame(rows)).transform(nested)
    assert list(distance.index) == list(distance.columns) == ["se-x", "de-a", "at-b"]
    assert (np.diag(distance) == 0).all()


def test_set_output_keeps_ids_through_a_pipeline(bundled):
    pipeline = make_pipeline(tm.CityFeatures(), SimpleImputer(keep_empty_features=True))
    found = pipeline.set_output(transform="pandas").fit_transform(bundled)
    assert list(found.index) == [city.id for city in bundled]
    assert list(found.columns) == list(pipeline[0].get_feature_names_out())


def test_two_cities_of_one_id_are_refused():
    one, other = (
        cohort_of({"id": "at-a"})[0],
        cohort_of({"id": "at-a", "population": {"value": 2}})[0],
    )
    with pytest.raises(tm.QuestionError, match="at-a"):
        tm.CityFeatures().fit([one, other])


def test_it_is_cross_validated(bundled):
    known = bundled.filter(lambda c: c.population is not None)
    target = [np.log10(c.population.value) for c in known]
    model = make_pipeline(tm.CityFeatures(), SimpleImputer(keep_empty_features=True), Ridge())
    scores = cross_val_score(model, list(known), target, cv=3, error_score="raise")
    assert (scores > 0.5).all()  # the target is one of the columns
    again = cross_val_score(model, known, target, cv=3, error_score="raise")
    np.testing.assert_array_equal(scores, again)


def test_distances_are_those_of_the_affinity(bundled):
    distance = tm.CityAffinity().fit_transform(bundled)
    score = tm.compare(bundled).to_frame()
    assert (np.diag(distance) == 0).all()
    off = ~np.eye(len(bundled), dtype=bool)
    np.testing.assert_allclose(1 - distance.to_numpy()[off], score.to_numpy()[off], atol=1e-12)


def test_neighbours_by_distance_are_similar_cities(bundled):
    affinity = tm.CityAffinity().fit(bundled)
    nearest = NearestNeighbors(n_neighbors=4, metric="precomputed").fit(affinity.transform(bundled))
    asked = affinity.transform([bundled.city("Leuven")])
    assert asked.shape == (1, 255)
    _, found = nearest.kneighbors(asked)
    names = [bundled[k].id for k in found[0]]
    assert names == ["be-leuven", *(s.id for s in tm.similar("Leuven", bundled, k=3))]


def test_a_new_city_moves_no_standing(bundled):
    affinity = tm.CityAffinity(weights={"shared_challenges": 1, "language": 1}).fit(bundled)
    before = affinity.transform(bundled[:3])
    new = cohort_of(
        {"id": "at-zz", "population": {"value": 10**6}, "location": {"lat": 48, "lon": 16}}
    )
    both = affinity.transform([*new, *bundled[:3]])
    pd.testing.assert_frame_equal(both.iloc[1:], before)


def test_scores_cluster(bundled):
    few = bundled[:40]
    score = tm.CityAffinity(output="score").fit_transform(few)
    assert ((score >= 0) & (score <= 1)).all(axis=None)
    label = SpectralClustering(3, affinity="precomputed", random_state=0).fit_predict(score)
    assert len(set(label)) == 3
    with pytest.raises(tm.QuestionError, match="output"):
        tm.CityAffinity(output="likeness").fit(few)


class OfNumbers:
    """Stands in front of a transformer of cities and makes each row of numbers a city, for checks that send numbers."""

    def fit(self, X, y=None):
        return super().fit(as_cities(X), y)

    def transform(self, X):
        return super().transform(as_cities(X))


class FeaturesOfNumbers(OfNumbers, tm.CityFeatures):
    """A transformer under scikit-learn's checks."""


class AffinityOfNumbers(OfNumbers, tm.CityAffinity):
    """A transformer under scikit-learn's checks."""


def as_cities(X):
    rows = np.asarray(X, dtype=float).reshape(len(X), -1)
    names = [hashlib.sha256(np.round(row, 9).tobytes()).hexdigest()[:8] for row in rows]
    profiles = {
        name: {"id": f"at-c{name}", "population": {"value": 1 + int(1000 * abs(row).sum())}}
        for name, row in zip(names, rows, strict=True)
    }
    cohort = cohort_of(*profiles.values())
    return [cohort.city(f"at-c{name}") for name in names]


@pytest.mark.parametrize(
    "estimator", [FeaturesOfNumbers(), AffinityOfNumbers(weights={"context": 1})]
)
def test_scikit_learn_checks_it(estimator):
    found = check_estimator(estimator, on_fail=None, on_skip=None)
    failed = {r["check_name"]: repr(r["exception"]) for r in found if r["status"] == "failed"}
    assert failed.keys() == EXPECTED.keys(), failed
    assert sum(r["status"] == "passed" for r in found) > 30


def test_numbers_are_refused_by_name():
    with pytest.raises(tm.DataError, match="ndarray is no profile"):
        tm.CityFeatures().fit(np.zeros((3, 2)))
