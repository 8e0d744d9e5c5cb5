"""What groups are mixed or alike by: a category of each city, or none where it is not known.

Notation: n cities; a category is a word, None where not known; alike (n, n) is 1 for cities of one category, 0 for
others, and the mean of the known pairs where either is not known, so that silence neither mixes nor matches.
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Sequence
from typing import Final, Literal

import numpy as np
from numpy.typing import NDArray

from twinmatch.cohort import City, Cohort
from twinmatch.facets.readiness import levels
from twinmatch.geography import country, in_eu
from twinmatch.schema import Role

Floats = NDArray[np.float64]
Attribute = Literal["country", "region", "size", "readiness", "mission", "newcomer"]

SMALL, LARGE = 100_000, 500_000
"""Residents below which a city is small, and from which it is large."""

STARTING, ADVANCED = 1.5, 2.5
"""Mean level of readiness below which a city is starting, and from which it is advanced."""

LEAST_KNOWN: Final = 4
"""Dimensions of readiness that must be known before a city has a category of readiness."""

TITLES: dict[Attribute, str] = {
    "country": "countries",
    "region": "regions of Europe",
    "size": "sizes of city",
    "readiness": "stages of readiness",
    "mission": "Mission Cities and others",
    "newcomer": "newcomers and others",
}


def categories(cohort: Cohort, attribute: Attribute) -> list[str | None]:
    """Return the category of every city, in order; None where it is not known."""
    if attribute == "readiness":
        return [_stage(row) for row in levels(cohort)]
    return [_category(city, attribute) for city in cohort.cities]


def _category(city: City, attribute: Attribute) -> str | None:
    if attribute == "country":
        return country(city.country).name
    if attribute == "region":
        return country(city.country).region
    if attribute == "mission":
        return "Mission City" if city.has(Role.MISSION) else "other city"
    if attribute == "newcomer":
        known = is_kind(city, "newcomer", SMALL)
        return None if known is None else ("newcomer" if known else "experienced")
    people = city.population.value if city.population else None
    if people is None:
        return None
    return "small" if people < SMALL else ("large" if people >= LARGE else "middle-sized")


def _stage(row: Floats) -> str | None:
    known = row[~np.isnan(row)]
    if len(known) < LEAST_KNOWN:
        return None
    mean = float(known.mean())
    return "starting" if mean < STARTING else ("advanced" if mean >= ADVANCED else "under way")


def alike(words: Sequence[str | None]) -> Floats:
    """Return how alike cities are in a category, shape (n, n)."""
    return Alike(words).of(np.arange(len(words)))


class Alike:
    """How alike cities are in a category, for those who ask for some of them at a time."""

    def __init__(self, words: Sequence[str | None]) -> None:
        names = {word: k for k, word in enumerate(sorted({w for w in words if w}))}
        self.kind = np.array([names[w] if w else -1 for w in words], dtype=np.int64)
        self.silent = silent_mean(words)

    def of(self, rows: NDArray[np.intp], columns: NDArray[np.intp] | None = None) -> Floats:
        """Return how alike some cities are to each other, (r, r), or to others, (r, c)."""
        one, other = self.kind[rows], self.kind[rows if columns is None else columns]
        both = (one >= 0)[:, None] & (other >= 0)
        return np.where(both, one[:, None] == other, self.silent)


def silent_mean(words: Sequence[str | None]) -> float:
    """Return what a pair with an unknown category counts: the mean over the known pairs, 0.5 without any."""
    counted = Counter(w for w in words if w)
    pairs = math.comb(counted.total(), 2)
    return sum(math.comb(c, 2) for c in counted.values()) / pairs if pairs else 0.5


def composition(words: Sequence[str | None]) -> str:
    """Return the categories of some cities in words, the most frequent first, such as "5 small, 3 large"."""
    counted: dict[str, int] = {}
    for word in words:
        counted[word or "not known"] = counted.get(word or "not known", 0) + 1
    return ", ".join(
        f"{count} {word}" for word, count in sorted(counted.items(), key=lambda x: (-x[1], x[0]))
    )


def likeness_to_all(members: Sequence[str | None], everyone: Counter[str]) -> float:
    """Return how far a group has the mix of all, in [0, 1]: 1 minus half the summed difference of shares.

    Over the known ones of both, ``everyone`` counting those of all cities; nan where there are none.
    """
    mine = Counter(w for w in members if w)
    if not mine or not everyone:
        return float("nan")
    own, all_ = mine.total(), everyone.total()
    words = sorted({*mine, *everyone})
    return 1.0 - sum(abs(mine[w] / own - everyone[w] / all_) for w in words) / 2.0


def is_kind(city: City, who: str, small_below: int) -> bool | None:
    """Return whether a city is of a kind that does not depend on the host; None where it is not known."""
    people = city.population.value if city.population else None
    own = city.participation
    if who == "newcomer":
        if own is None or (own.newcomer is None and not own.programmes):
            return None
        return own.newcomer if own.newcomer is not None else False
    if who in ("small", "large"):
        return None if people is None else (people < small_below) == (who == "small")
    return in_eu(city.country) == (who == "in the EU")
