"""What a facet is: one way in which two cities can fit, and the words that say it.

Notation: n cities; ``rows`` (r,) and ``cols`` (c,) are indices of cities; a likeness block has shape (r, c),
values in [0, 1] and nan where the facet is not known for the pair. In a directed facet the row is the city
that learns and the column the city that it learns from.
"""

from __future__ import annotations

from collections.abc import Callable, Hashable
from dataclasses import dataclass, field
from typing import Any, Protocol, TypeVar

import numpy as np
from numpy.typing import NDArray

from twinmatch.cohort import Cohort
from twinmatch.proposal import Fact
from twinmatch.proposal import listed as listed

Floats = NDArray[np.float64]
Ints = NDArray[np.intp]
Made = TypeVar("Made")


class TextVectors(Protocol):
    """What the text facets need of a text model: unit vectors of sentences, and what it says of itself."""

    @property
    def says(self) -> str:
        """Return which model is used, and why."""
        ...

    def vectors(self, texts: Any) -> NDArray[np.float32]:
        """Return one unit row a sentence, (n, d); nan rows for sentences that the model cannot read."""
        ...


class Facet(Protocol):
    """A facet made ready for a cohort: it compares pairs, and says a pair in words with its facts."""

    def likeness(self, rows: Ints, cols: Ints) -> Floats:
        """Return the likeness of every row to every column, shape (r, c); nan where unknown."""
        ...

    def says(self, i: int, j: int) -> tuple[str, tuple[Fact, ...]]:
        """Return the sentence of a pair of cities and the facts behind it; called only for pairs shown."""
        ...


KEPT_COHORTS = 2
"""Cohorts of which what was made is kept: the round's, and one that is asked about beside it."""


@dataclass(frozen=True)
class FacetCache:
    """What facets are made of beside the cohort: the text model of the run, and what was made already."""

    text: TextVectors
    _made: dict[int, tuple[Cohort, dict[Any, Any]]] = field(
        default_factory=dict, init=False, repr=False, compare=False
    )

    def once(self, cohort: Cohort, key: Hashable, make: Callable[[], Made]) -> Made:
        """Return what ``make`` makes for a cohort, made once a run under its key, for it does not change."""
        # By identity: cohorts of thousands of cities are no quick keys. The entry keeps the cohort, so that no
        # other one takes its identity.
        entry = self._made.get(id(cohort))
        if entry is None:
            for old in list(self._made)[: 1 - KEPT_COHORTS]:
                self._made.pop(old, None)
            entry = self._made.setdefault(id(cohort), (cohort, {}))
        if key not in entry[1]:
            entry[1][key] = make()
        found: Made = entry[1][key]
        return found


Maker = Callable[[Cohort, FacetCache], Facet]


@dataclass(frozen=True)
class FacetEntry:
    """A line of the registry: the maker, whether the facet is directed, and what it asks."""

    make: Maker
    directed: bool
    asks: str


def kinds_of(*tables: NDArray[Any]) -> Ints:
    """Return the kind of each city, shape (n,): cities alike in every column of (n, k) tables are of one kind.

    A facet that compares cities by such tables alone names its ``kinds``, and each two kinds need comparing once.
    """
    rows = np.column_stack([np.asarray(t, dtype=np.float64) + 0.0 for t in tables])  # no -0.0
    as_one = np.ascontiguousarray(rows).view(np.dtype((np.void, rows.shape[1] * 8))).ravel()
    return np.unique(as_one, return_inverse=True)[1].astype(np.intp)
