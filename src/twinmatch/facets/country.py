"""Country and language: a shared language other than English makes an exchange of staff easier.

Whether a pair must cross a border is a rule of a programme, not a likeness.
"""

from __future__ import annotations

import numpy as np

from twinmatch.cohort import Cohort
from twinmatch.evidence import Fact
from twinmatch.facets.base import Floats, Ints, Materials, listed
from twinmatch.geography import country, language_name, related_languages

RELATED = 0.5
"""Likeness of two languages that are commonly understood by each other's readers."""


class Language:
    """1 where two cities share a working language beside English, 0.5 where their languages are close, else 0.

    A city's languages are those it states and those of its country's administration. English alone does not
    count: nearly every profile names it, so it tells no pair from another. Never unknown.
    """

    def __init__(self, cohort: Cohort, _: Materials) -> None:
        self._cities = cohort.cities
        spoken = [
            frozenset(c.languages) | frozenset(country(c.country).languages) for c in cohort.cities
        ]
        self._own = [
            s - {"en"} if c.country not in {"GB", "IE", "MT"} else s
            for s, c in zip(spoken, cohort.cities, strict=True)
        ]

    def likeness(self, rows: Ints, cols: Ints) -> Floats:
        """Return the likeness of language, shape (r, c)."""
        groups = {
            key: k for k, key in enumerate(sorted({self._key(int(i)) for i in (*rows, *cols)}))
        }
        names = list(groups)
        table = np.array([[_pair(a, b) for b in names] for a in names]).reshape(
            len(names), len(names)
        )
        of = {int(i): groups[self._key(int(i))] for i in {*rows.tolist(), *cols.tolist()}}
        return np.asarray(
            table[np.ix_([of[int(i)] for i in rows], [of[int(j)] for j in cols])], dtype=np.float64
        )

    def _key(self, i: int) -> tuple[str, tuple[str, ...]]:
        return self._cities[i].country, tuple(sorted(self._own[i]))

    def says(self, i: int, j: int) -> tuple[str, tuple[Fact, ...]]:
        """Return the languages that both work in."""
        one, other = self._cities[i], self._cities[j]
        shared = sorted(self._own[i] & self._own[j])
        facts = tuple(
            Fact(
                c.id,
                "languages",
                listed([language_name(v) for v in sorted(self._own[k])]),
                source=c.source_of("languages"),
            )
            for c, k in ((one, i), (other, j))
        )
        if shared:
            return (
                f"{one.name} and {other.name} both work in {listed([language_name(v) for v in shared])}.",
                facts,
            )
        if related_languages(one.country, other.country):
            return f"The languages of {one.name} and {other.name} are close to each other.", facts
        return f"{one.name} and {other.name} share no language beside English.", facts


def _pair(one: tuple[str, tuple[str, ...]], other: tuple[str, tuple[str, ...]]) -> float:
    if set(one[1]) & set(other[1]):
        return 1.0
    return RELATED if related_languages(one[0], other[0]) else 0.0
