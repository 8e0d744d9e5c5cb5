"""Facets from elsewhere: their answers are checked each time; one may be a plain function of two cities."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import numpy as np

from twinmatch.cohort import Cohort
from twinmatch.errors import QuestionError
from twinmatch.extensions import need, wrong
from twinmatch.facets.base import Facet, FacetCache, FacetEntry, Floats, Ints
from twinmatch.proposal import Fact
from twinmatch.schema import City

GROUP = "twinmatch.facets"


def checked_entry(name: str, entry: Any) -> FacetEntry:
    """Return a facet from elsewhere whose answers are checked; raises QuestionError where it is no FacetEntry."""
    right = isinstance(entry, FacetEntry) and callable(entry.make)
    need(right, GROUP, name, f"it is {type(entry).__name__}, not FacetEntry(make, directed, asks)")

    def make(cohort: Cohort, facet_cache: FacetCache) -> Facet:
        made = entry.make(cohort, facet_cache)
        for part in ("likeness", "says"):
            need(callable(getattr(made, part, None)), GROUP, name, f"it has no {part}()")
        return CheckedFacet(name, made, len(cohort))

    given: FacetEntry = entry
    return replace(given, make=make)


class CheckedFacet:
    """A facet from elsewhere: each block has its shape and lies in [0, 1] or is nan, each pair has its sentence."""

    def __init__(self, name: str, facet: Facet, n: int) -> None:
        self._name, self._facet = name, facet
        kinds = getattr(facet, "kinds", None)
        if kinds is not None:
            need(np.shape(kinds) == (n,), GROUP, name, f"its kinds are not one a city, ({n},)")
            self.kinds = np.asarray(kinds, dtype=np.intp)

    def likeness(self, rows: Ints, cols: Ints) -> Floats:
        """Return the facet's likeness, shape (r, c); raises QuestionError, naming the facet, where it is wrong."""
        given = self._facet.likeness(rows, cols)
        try:
            found = np.asarray(given, dtype=np.float64)
        except (TypeError, ValueError):
            raise QuestionError(
                wrong(GROUP, self._name, f"its likeness is {type(given).__name__}, not numbers")
            ) from None
        asked = (len(rows), len(cols))
        need(found.shape == asked, GROUP, self._name, f"its likeness has the shape {found.shape}, not {asked}")  # fmt: skip
        out = found[(found < 0) | (found > 1)]
        need(not out.size, GROUP, self._name, f"its likeness {out[:1]} lies outside [0, 1]")
        return found

    def says(self, i: int, j: int) -> tuple[str, tuple[Fact, ...]]:
        """Return the facet's sentence and facts; raises QuestionError, naming the facet, where they are none."""
        found = self._facet.says(i, j)
        right = (
            isinstance(found, tuple)
            and len(found) == 2
            and isinstance(found[0], str)
            and all(isinstance(fact, Fact) for fact in found[1])
        )
        need(right, GROUP, self._name, "says() gives no sentence with a tuple of facts")
        return found[0], tuple(found[1])


class OfTwoCities:
    """A facet from a function of two cities: a likeness in [0, 1], None where not known."""

    def __init__(
        self,
        name: str,
        cohort: Cohort,
        compare: Callable[[City, City], float | None],
        sentence: Callable[[City, City], str] | None,
    ) -> None:
        self._name, self._cities = name.replace("_", " "), cohort.cities
        self._compare, self._sentence = compare, sentence

    def likeness(self, rows: Ints, cols: Ints) -> Floats:
        """Return the likeness of every row to every column, shape (r, c); nan where unknown."""
        found = [[self._one(int(i), int(j)) for j in cols] for i in rows]
        return np.array(found, dtype=np.float64).reshape(len(rows), len(cols))

    def _one(self, i: int, j: int) -> float:
        found = self._compare(self._cities[i], self._cities[j])
        return np.nan if found is None else found

    def says(self, i: int, j: int) -> tuple[str, tuple[Fact, ...]]:
        """Return the caller's sentence of two cities, or their likeness in figures."""
        one, other, found = self._cities[i], self._cities[j], self._one(i, j)
        if np.isnan(found):
            return f"The {self._name} of {one.name} and {other.name} is not known.", ()
        if self._sentence is not None:
            return self._sentence(one, other), ()
        return f"The {self._name} of {one.name} and {other.name} is {found:.2f} of 1.", ()
