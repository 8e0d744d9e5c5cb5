"""What a facet is: one way in which two cities can fit, and the words that say it.

Notation: n cities; ``rows`` (r,) and ``cols`` (c,) are indices of cities; a likeness block has shape (r, c),
values in [0, 1] and nan where the facet is not known for the pair. In a directed facet the row is the city
that learns and the column the city that it learns from.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from twinmatch.cohort import Cohort
from twinmatch.evidence import Fact

Floats = NDArray[np.float64]
Ints = NDArray[np.intp]


class TextVectors(Protocol):
    """What the text facets need of a text model: unit vectors of sentences, and what it says of itself."""

    @property
    def says(self) -> str:
        """Return which model is used, and why."""
        ...

    def vectors(self, texts: Any) -> NDArray[np.float32]:
        """Return one unit row a sentence; nan rows for sentences that the model cannot read."""
        ...


class Facet(Protocol):
    """A facet made ready for a cohort: it compares pairs, and says a pair in words with its facts."""

    def likeness(self, rows: Ints, cols: Ints) -> Floats:
        """Return the likeness of every row to every column, shape (r, c); nan where unknown."""
        ...

    def says(self, i: int, j: int) -> tuple[str, tuple[Fact, ...]]:
        """Return the sentence of a pair of cities and the facts behind it; called only for pairs shown."""
        ...


@dataclass(frozen=True)
class Materials:
    """What facets are made of beside the cohort: the text model of the run."""

    text: TextVectors


Maker = Callable[[Cohort, Materials], Facet]


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


def listed(words: list[str], joiner: str = "and") -> str:
    """Return words as a phrase: "a", "a and b", "a, b and c"."""
    if len(words) < 2:
        return "".join(words)
    return f"{', '.join(words[:-1])} {joiner} {words[-1]}"
