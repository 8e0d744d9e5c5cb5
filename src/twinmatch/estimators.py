"""Cities in scikit-learn: feature vectors as a transformer, and affinities for ``metric="precomputed"``.

X is a Cohort, a sequence of cities, a DataFrame or a list of dicts: whatever ``tm.read`` takes. Rows come out in the
order of X, so that they fit a target beside them.
"""

from __future__ import annotations

import os
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, Literal

import numpy as np
from numpy.typing import NDArray

from twinmatch.affinity import compare
from twinmatch.app.neighbours import PEER_WEIGHTS
from twinmatch.cohort import City, Cohort
from twinmatch.embedding.choice import TextModel
from twinmatch.errors import QuestionError
from twinmatch.facets import FacetCache, feature_table
from twinmatch.public import TextBy, Weights, is_frame, read, records_of, text_model_of
from twinmatch.validate import validate

try:
    from sklearn.base import BaseEstimator, TransformerMixin
    from sklearn.utils.validation import check_is_fitted
except ModuleNotFoundError as _error:
    raise ModuleNotFoundError(
        "The estimators need scikit-learn: pip install 'twinmatch[analysis]'", name=_error.name
    ) from None

if TYPE_CHECKING:
    import pandas as pd


class _OfCities(TransformerMixin, BaseEstimator):  # type: ignore[misc]
    """What both transformers share: they take cities and give named columns, a row a city by id."""

    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()
        tags.no_validation = True  # X is cities, which scikit-learn does not look into
        return tags

    def get_feature_names_out(self, input_features: Any = None) -> NDArray[np.object_]:
        """Return the names of the columns; ``input_features`` is ignored."""
        check_is_fitted(self)
        return np.array(self.names_, dtype=object)


class CityFeatures(_OfCities):
    """Cities as feature vectors, with the columns of ``fit``; a DataFrame by id, nan where not known.

    ``text`` is a text model as ``tm.features`` takes it: with one, the mean sentence vectors of needs and offers are
    added. It is chosen at ``fit`` and stays. Nothing else is learned. Impute before estimators that take no nan.
    """

    def __init__(self, text: TextBy = None) -> None:
        self.text = text

    def fit(self, X: Any, y: Any = None) -> CityFeatures:
        """Note the columns that the cities' table has, and the text model; y is ignored."""
        cohort, _ = cities_of(X)
        self.text_: TextModel | None = text_model_of(self.text, cohort) if self.text else None
        self.names_ = tuple(feature_table(cohort, self.text_).columns)
        return self

    def transform(self, X: Any) -> pd.DataFrame:
        """Return the cities' vectors, a row a city in the order of X, with the columns of ``fit``.

        A column of which nothing is known here is nan; ``attrs["features"]`` has meanings and units.
        """
        check_is_fitted(self)
        cohort, order = cities_of(X)
        table = feature_table(cohort, self.text_)
        return table.reindex(columns=list(self.names_)).iloc[order]


Output = Literal["distance", "score"]


class CityAffinity(_OfCities):
    """How far each city is from those of ``fit``: 1 less the score; a DataFrame, a row a city, a column a fitted one.

    For ``metric="precomputed"``; with ``output="score"`` the scores themselves, for ``affinity="precomputed"``. A city
    is at distance 0 from itself. Standings are those among the cities of ``fit``, which a new city does not move.
    """

    def __init__(
        self, weights: Weights | None = None, text: TextBy = None, output: Output = "distance"
    ) -> None:
        self.weights, self.text, self.output = weights, text, output

    def fit(self, X: Any, y: Any = None) -> CityAffinity:
        """Compare the cities with each other; y is ignored. Raises QuestionError for weights of unknown facets."""
        if self.output not in ("distance", "score"):
            found = f"There is no output {self.output!r}."
            raise QuestionError.of("output-unknown", found, do="Known: distance, score.")
        self.cohort_, order = cities_of(X)
        self.text_: TextModel = text_model_of(self.text, self.cohort_)
        self.weights_ = dict(PEER_WEIGHTS if self.weights is None else self.weights)
        fitted = compare(self.cohort_, self.weights_, FacetCache(self.text_))
        self.standing_ = dict(fitted.tables)
        self.names_ = tuple(self.cohort_.cities[i].id for i in order)
        return self

    def transform(self, X: Any) -> pd.DataFrame:
        """Return the distances or scores of the cities to those of ``fit``, shape (cities, fitted cities)."""
        import pandas as pd

        check_is_fitted(self)
        asked, order = cities_of(X)
        both = self.cohort_ + asked
        rows = [both.index[city.id] for city in asked.cities]
        columns = [both.alone(both.index[name]) for name in dict.fromkeys(self.names_)]
        found = compare(both, self.weights_, FacetCache(self.text_), rows=rows, columns=columns)
        every = tuple(np.arange(n, dtype=np.intp) for n in (len(rows), len(columns)))
        score = np.zeros((len(rows), len(columns)))
        for name, weight in found.weights.items():
            score += weight * self.standing_[name][found.compared[name].block(*every)]
        score[~found.comparable] = 1.0
        table = pd.DataFrame(
            score if self.output == "score" else 1 - score,
            index=pd.Index([city.id for city in asked.cities], name="id"),
            columns=[host.id for host in columns],
        )
        return table.iloc[order][list(self.names_)]


def cities_of(X: Any) -> tuple[Cohort, list[int]]:
    """Return the cohort of X, and the place in it of each row of X; a city may come several times.

    Raises DataError and QuestionError as ``tm.read`` does, and QuestionError where two cities share an id.
    """
    if X is None or isinstance(X, Cohort | str | os.PathLike):
        cohort = read(X)
        return cohort, list(range(len(cohort)))
    if is_frame(X) or not isinstance(X, Sequence) or not all(isinstance(c, City) for c in X):
        raw = records_of(X)
        cohort = validate(raw.cities, raw.units, raw.problems)
        return cohort, [cohort.index[record.data["id"]] for record in raw.cities]
    cities: dict[str, City] = {}
    for city in X:
        if cities.setdefault(city.id, city) != city:
            found = f"Two different cities have the id {city.id!r}."
            raise QuestionError.of("city-twice", found, do="Keep one.")
    cohort = Cohort(tuple(cities[name] for name in sorted(cities)))
    return cohort, [cohort.index[city.id] for city in X]
