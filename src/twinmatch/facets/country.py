"""Country and language: a shared language other than English makes an exchange of staff easier.

Whether a pair must cross a border is a rule of a programme, not a likeness.
"""

from __future__ import annotations

import numpy as np

from twinmatch.cohort import City, Cohort
from twinmatch.facets.base import FacetCache, Floats, Ints, listed
from twinmatch.geography import country, language_name, related_languages
from twinmatch.proposal import Fact

RELATED = 0.5
"""Likeness of two languages that are commonly understood by each other's readers."""


class Language:
    """1 where two cities share a working language beside English, 0.5 where their languages are close, else 0.

    A city's languages are those it states; where it states none beside English, those of its country's
    administration. English counts only where it is an official language: nearly every profile names it, so
    it tells no pair from another. nan where the answer hangs on which of its country's languages a city uses.
    """

    def __init__(self, cohort: Cohort, _: FacetCache) -> None:
        self._cities = cohort.cities
        self._own = [_languages(city) for city in cohort.cities]
        self._sure = [
            bool(_stated(c)) or len(own) == 1
            for c, own in zip(cohort.cities, self._own, strict=True)
        ]
        keys = [self._key(i) for i in range(len(cohort))]
        kinds = sorted(set(keys))
        of = {key: k for k, key in enumerate(kinds)}
        self.kinds = np.array([of[key] for key in keys], dtype=np.intp)
        self._table = np.array([[_pair(a, b) for b in kinds] for a in kinds]).reshape(
            len(kinds), len(kinds)
        )

    def likeness(self, rows: Ints, cols: Ints) -> Floats:
        """Return the likeness of language, shape (r, c)."""
        block = self._table[np.ix_(self.kinds[rows], self.kinds[cols])]
        return np.asarray(block, dtype=np.float64)

    def _key(self, i: int) -> tuple[str, tuple[str, ...], bool]:
        return self._cities[i].country, tuple(sorted(self._own[i])), self._sure[i]

    def says(self, i: int, j: int) -> tuple[str, tuple[Fact, ...]]:
        """Return the languages that both work in."""
        one, other = self._cities[i], self._cities[j]
        shared = sorted(self._own[i] & self._own[j])
        unsure = [c.name for c, k in ((one, i), (other, j)) if not self._sure[k]]
        facts = tuple(
            Fact(
                c.id,
                "languages",
                listed([language_name(v) for v in sorted(self._own[k])]),
                source=c.source_of("languages"),
            )
            for c, k in ((one, i), (other, j))
        )
        if shared and unsure:
            return (
                f"Which of its country's languages {listed(unsure)} works in is not known.",
                facts,
            )
        if shared:
            return (
                f"{one.name} and {other.name} both work in {listed([language_name(v) for v in shared])}.",
                facts,
            )
        if related_languages(one.country, other.country):
            return f"The languages of {one.name} and {other.name} are close to each other.", facts
        return f"{one.name} and {other.name} share no language beside English.", facts


def _stated(city: City) -> frozenset[str]:
    return frozenset(city.languages) - {"en"}


def _languages(city: City) -> frozenset[str]:
    official = frozenset(country(city.country).languages)
    stated = _stated(city) | (official & frozenset(city.languages))
    return stated or official


def _pair(
    one: tuple[str, tuple[str, ...], bool], other: tuple[str, tuple[str, ...], bool]
) -> float:
    if set(one[1]) & set(other[1]):
        return 1.0 if one[2] and other[2] else np.nan
    return RELATED if related_languages(one[0], other[0]) else 0.0
