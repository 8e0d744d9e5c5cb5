"""Small cities that tests make up: a few fields, everything else not known."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from twinmatch.cohort import Cohort
from twinmatch.errors import Where
from twinmatch.facets import FacetCache
from twinmatch.validate import Record, validate


def cohort_of(*cities: dict[str, Any], units: Sequence[dict[str, Any]] = ()) -> Cohort:
    """Return the cohort of some profiles; name and country come from the id where they are left out."""
    records = [
        Record({"name": c["id"][3:].title(), "country": c["id"][:2].upper(), **c}, Where("test"))
        for c in cities
    ]
    return validate(records, [Record(u, Where("units")) for u in units])


class BagOfWords:
    """A text model that tests can follow by hand: a dimension a word, vectors of unit length."""

    says = "Texts are compared word by word, in this test."

    def __init__(self) -> None:
        self._words: dict[str, int] = {}

    def vectors(self, texts: Sequence[str]) -> NDArray[np.float32]:
        rows = np.zeros((len(texts), 256), dtype=np.float32)
        for row, text in zip(rows, texts, strict=True):
            for word in text.lower().strip(".").split():
                row[self._words.setdefault(word, len(self._words)) % 256] += 1
        length = np.linalg.norm(rows, axis=1, keepdims=True)
        return rows / np.where(length > 0, length, np.nan)


def facet_cache() -> FacetCache:
    """Return facet_cache whose text model is a bag of words."""
    return FacetCache(BagOfWords())
