"""What a facet is: one way in which two cities can fit, and the words that say it.

Notation: n cities; ``rows`` (r,) and ``cols`` (c,) are indices of cities; a likeness block has shape (r, c),
values in [0, 1] and nan where the facet is not known for the pair. In a directed facet the row is the city
that learns and the column the city that it learns from.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Hashable, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, Protocol, TypeVar

import numpy as np
from numpy.typing import NDArray

from twinmatch.cohort import Cohort
from twinmatch.errors import QuestionError
from twinmatch.extensions import need, wrong
from twinmatch.proposal import Fact
from twinmatch.schema import City
from twinmatch.wording import say

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


def fact_of(
    city: City, block: str, what: str, value: Any, unit: str = "", kind: str = "reported"
) -> Fact:
    """Return a figure or words of a block of a city's profile as a fact, with the sources of that block."""
    return Fact(city.id, what, value, unit, kind=kind, source=city.source_of(block))


def known_mean(table: Floats, axis: int, least: int = 1) -> Floats:
    """Return the mean along an axis of what is known; nan where fewer than ``least`` are."""
    known = ~np.isnan(table)
    count = known.sum(axis=axis)
    total = np.where(known, table, 0.0).sum(axis=axis)
    return np.where(count >= least, total / np.maximum(count, 1), np.nan)


Maker = Callable[[Cohort, FacetCache], Facet]


@dataclass(frozen=True)
class FacetEntry:
    """A line of the registry: the maker, whether the facet is directed, and what it asks."""

    make: Maker
    directed: bool
    asks: str


def memberships(sets: Sequence[Collection[str]], names: Sequence[str]) -> NDArray[np.bool_]:
    """Return which set holds which name, shape (sets, names)."""
    found = np.zeros((len(sets), len(names)), dtype=bool)
    place = {name: k for k, name in enumerate(names)}
    for s, held in enumerate(sets):
        found[s, [place[name] for name in held]] = True
    return found


def kinds_of(*tables: NDArray[Any]) -> Ints:
    """Return the kind of each city, shape (n,): cities alike in every column of (n, k) tables are of one kind.

    A facet that compares cities by such tables alone names its ``kinds``, and each two kinds need comparing once.
    """
    rows = np.column_stack([np.asarray(t, dtype=np.float64) + 0.0 for t in tables])  # no -0.0
    as_one = np.ascontiguousarray(rows).view(np.dtype((np.void, rows.shape[1] * 8))).ravel()
    return np.unique(as_one, return_inverse=True)[1].astype(np.intp)


FACET_GROUP = "twinmatch.facets"


def checked_entry(name: str, entry: Any) -> FacetEntry:
    """Return a facet from elsewhere whose answers are checked; raises QuestionError where it is no FacetEntry."""
    right = isinstance(entry, FacetEntry) and callable(entry.make)
    why = f"it is {type(entry).__name__}, not FacetEntry(make, directed, asks)"
    need(right, FACET_GROUP, name, why)

    def make(cohort: Cohort, facet_cache: FacetCache) -> Facet:
        made = entry.make(cohort, facet_cache)
        for part in ("likeness", "says"):
            need(callable(getattr(made, part, None)), FACET_GROUP, name, f"it has no {part}()")
        return CheckedFacet(name, made, len(cohort))

    given: FacetEntry = entry
    return replace(given, make=make)


class CheckedFacet:
    """A facet from elsewhere: each block has its shape and lies in [0, 1] or is nan, each pair has its sentence."""

    def __init__(self, name: str, facet: Facet, n: int) -> None:
        self._name, self._facet = name, facet
        kinds = getattr(facet, "kinds", None)
        if kinds is not None:
            self._need(np.shape(kinds) == (n,), f"its kinds are not one a city, ({n},)")
            self.kinds = np.asarray(kinds, dtype=np.intp)

    def _need(self, is_right: object, why: str) -> None:
        need(is_right, FACET_GROUP, self._name, why)

    def likeness(self, rows: Ints, cols: Ints) -> Floats:
        """Return the facet's likeness, shape (r, c); raises QuestionError, naming the facet, where it is wrong."""
        given = self._facet.likeness(rows, cols)
        try:
            found = np.asarray(given, dtype=np.float64)
        except (TypeError, ValueError):
            why = f"its likeness is {type(given).__name__}, not numbers"
            raise QuestionError(wrong(FACET_GROUP, self._name, why)) from None
        asked = (len(rows), len(cols))
        self._need(found.shape == asked, f"its likeness has the shape {found.shape}, not {asked}")
        out = found[(found < 0) | (found > 1)]
        self._need(not out.size, f"its likeness {out[:1]} lies outside [0, 1]")
        return found

    def says(self, i: int, j: int) -> tuple[str, tuple[Fact, ...]]:
        """Return the facet's sentence and facts; raises QuestionError, naming the facet, where they are none."""
        match self._facet.says(i, j):
            case (str() as text, facts) if all(isinstance(fact, Fact) for fact in facts):
                return text, tuple(facts)
        why = "says() gives no sentence with a tuple of facts"
        raise QuestionError(wrong(FACET_GROUP, self._name, why))


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
        told = {"name": self._name, "one": one.name, "other": other.name}
        if np.isnan(found):
            return say("The {name} of {one} and {other} is not known.", **told), ()
        if self._sentence is not None:
            return self._sentence(one, other), ()
        return say("The {name} of {one} and {other} is {found:.2f} of 1.", **told, found=found), ()
