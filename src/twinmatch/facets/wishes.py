"""Wishes: the host units that a guest asked for, and the guests that a host asked for."""

from __future__ import annotations

import numpy as np

from twinmatch.cohort import Cohort
from twinmatch.facets.base import FacetCache, Floats, Ints
from twinmatch.proposal import Fact
from twinmatch.wording import joined, say


class Wishes:
    """1 for the first wish, falling by equal steps to the last, 0 for hosts not asked for; both sides averaged.

    A guest's wish may name a city or its host unit. nan where neither side has stated any wish.
    """

    def __init__(self, cohort: Cohort, _: FacetCache) -> None:
        self._cohort = cohort
        self._asked = [self._worth(city.wishes) for city in cohort.cities]
        self._welcomed = [self._worth(city.welcomes) for city in cohort.cities]

    def _worth(self, wishes: tuple[str, ...]) -> dict[int, float]:
        """Return the worth of each city wished for, by its index; a unit stands for all its members."""
        worth: dict[int, float] = {}
        for rank, name in enumerate(wishes):
            for city in self._cohort.cities_of[name]:
                worth.setdefault(city, 1.0 - rank / len(wishes))
        return worth

    def likeness(self, rows: Ints, cols: Ints) -> Floats:
        """Return how far each row and column asked for each other, shape (r, c)."""
        asked = _lookup(self._asked, rows, cols)
        welcomed = _lookup(self._welcomed, cols, rows).T
        known = (~np.isnan(asked)).astype(int) + ~np.isnan(welcomed)
        total = np.nan_to_num(asked) + np.nan_to_num(welcomed)
        return np.where(known > 0, total / np.maximum(known, 1), np.nan)

    def says(self, i: int, j: int) -> tuple[str, tuple[Fact, ...]]:
        """Return who asked for whom, and in which place."""
        guest, host = self._cohort.cities[i], self._cohort.cities[j]
        parts, facts = [], []
        for one, other, wishes in ((guest, host, guest.wishes), (host, guest, host.welcomes)):
            if not wishes:
                continue
            unit = self._cohort.unit_of.get(other.id)
            places = [
                k
                for k, name in enumerate(wishes, 1)
                if name in {other.id, unit.id if unit else other.id}
            ]
            parts.append(
                say(
                    "{one} asked for {other} as wish {place} of {wishes}",
                    one=one.name,
                    other=other.name,
                    place=places[0],
                    wishes=len(wishes),
                )
                if places
                else say("{one} asked for others", one=one.name)
            )
            facts.append(
                Fact(
                    one.id,
                    say("wishes, best first"),
                    "; ".join(wishes),
                    kind="stated",
                    source=one.source_of("wishes"),
                )
            )
        return (
            joined(parts, "; ") + "."
            if parts
            else say(
                "Neither {guest} nor {host} has stated a wish.", guest=guest.name, host=host.name
            )
        ), tuple(facts)


def _lookup(worth: list[dict[int, float]], rows: Ints, cols: Ints) -> Floats:
    table = np.full((len(rows), len(cols)), np.nan)
    place = {int(j): c for c, j in enumerate(cols)}
    for r, i in enumerate(rows):
        if worth[int(i)]:
            table[r] = 0.0
            for j, value in worth[int(i)].items():
                if j in place:
                    table[r, place[j]] = value
    return table
