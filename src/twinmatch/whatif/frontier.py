"""Several named twinning proposals: each best in one respect, with what it gives up in total score."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Final

import numpy as np

from twinmatch.solving.frontier import frontier
from twinmatch.whatif.case import Case

WORDS: Final = {
    "total score": "highest total score",
    "worst-off": "worst-off guest served best",
    "attributes covered": "most countries",
    "marked served": "most small cities",
    "even load": "load spread most evenly over hosts",
}


@dataclass(frozen=True)
class Choice:
    """A named proposal: pairs of guest and host ids, its figures, and what it gives up (in units of score)."""

    name: str
    pairs: tuple[tuple[str, str], ...]
    total: float
    gives_up: float
    worst: float
    countries: int
    small: int
    load: int
    proven: bool

    def row(self) -> dict[str, Any]:
        """Return the proposal as a row of a table: its figures, with the number of its pairs."""
        figures = {k: v for k, v in vars(self).items() if k not in ("name", "pairs")}
        return {"name": self.name, "pairs": len(self.pairs), **figures}


def choices(case: Case) -> tuple[Choice, ...]:
    """Return the named proposals of a twinning round, all with as many pairs as the rules allow; () where none fits.

    A city is small where it has fewer residents than the programme's ``small_below``.
    """
    ready, round_, small_below = case.ready, case.round, case.settings.small_below
    cities = [round_.cohort.cities[i] for i in ready.frame.guests]
    codes = sorted({city.country for city in cities})
    country = np.array([codes.index(city.country) for city in cities], dtype=np.int64)
    small = np.array(
        [city.population is not None and city.population.value < small_below for city in cities]
    )
    keep = np.flatnonzero(ready.allowed)
    candidates = ready.candidates.take(keep)
    blocks = [rule.block.take(keep) for rule in ready.rules if not rule.filters]
    found = frontier(candidates, blocks, attribute=country, marked=small)
    return tuple(
        Choice(
            WORDS[n.name],
            tuple(
                sorted(
                    (
                        cities[int(candidates.guest[k])].id,
                        ready.frame.hosts[int(candidates.host[k])].id,
                    )
                    for k in np.flatnonzero(n.chosen)
                )
            ),
            n.total,
            n.gives_up,
            n.worst,
            n.covered,
            n.served,
            n.load,
            n.proven,
        )
        for n in found
    )
