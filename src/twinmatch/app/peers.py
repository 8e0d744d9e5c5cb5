"""Cities like mine from memory: the standings of a cohort made once, the rows of a city when they are asked for.

Nothing of size n x n x facets is held: at 13,000 cities that would be 11 GB. Likenesses are rounded to six
decimals before they are ranked (see :mod:`twinmatch.affinity`), so a likeness is one of 1,000,001 *steps*, and
counting the pairs on each step gives every standing exactly, as a table that is looked up. What is asked for
most, the cities nearest by the usual weights, is kept for every city; any other question reads the city's row.

Notation: n cities; F facets; steps (.., F) int32, the likeness times 10**6, and ``UNKNOWN`` where it is not
known; tables (F, 10**6 + 2), the standing of each step, the last one that of ``UNKNOWN``.
"""

from __future__ import annotations

import hashlib
import json
from collections import OrderedDict
from collections.abc import Callable, Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass, fields, replace
from pathlib import Path
from threading import Lock
from typing import Final

import numpy as np
from numpy.typing import NDArray

from twinmatch.affinity import DECIMALS, UNKNOWN_STANDING
from twinmatch.cohort import Cohort
from twinmatch.evidence import Account, Evidence
from twinmatch.facets import FACETS, Materials
from twinmatch.facets.base import Facet
from twinmatch.files import write_folder

Floats = NDArray[np.float64]
Steps = NDArray[np.int32]
Ints = NDArray[np.intp]
Told = Callable[[str], None]

PEER_FACETS: Final = tuple(name for name, entry in FACETS.items() if not entry.directed)
"""The facets by which peers can be compared: those that are the same both ways."""

STEP: Final = 10**DECIMALS
UNKNOWN: Final = STEP + 1

KEPT: Final = 128
"""Nearest cities kept for each city."""

NAMED: Final = 10
"""Nearest cities of each city whose reasons are put into words beforehand, for they are asked for most."""

REASONS: Final = 2
"""Reasons kept for each of them."""

BLOCK_PAIRS: Final = 500_000
"""Pairs compared at once."""

ROWS_BYTES: Final = 160_000_000
"""Memory for rows that were asked for lately."""

SMALL: Final = 1000
"""Up to so many cities the tables are made anew at each start, in a second or two, and not kept on disk."""

_FORM: Final = 1
"""Changes whenever the kept files change their meaning."""


@dataclass(frozen=True, eq=False)
class Row:
    """A city beside all cities: the likeness in steps, and the standing, both of shape (n, F)."""

    steps: Steps
    standing: Floats


@dataclass(frozen=True, eq=False)
class Tables:
    """What is made once for a cohort: the standings, and the nearest cities by the usual weights with reasons.

    ``near`` (n, m) are cities, nearest first, and ``near_steps`` (n, m, F) their likenesses in steps. ``reasons``
    are bytes of JSON, one list for each of the first ``NAMED`` cities; ``reasons_at`` (n, NAMED + 1) is where
    each begins and the last one ends.
    """

    standing: Floats
    near: NDArray[np.int32]
    near_steps: Steps
    reasons: NDArray[np.uint8]
    reasons_at: NDArray[np.int64]

    def reasons_of(self, city: int, rank: int) -> bytes | None:
        """Return the reasons of a city's nearest but ``rank``, as JSON; None where they are not kept."""
        if rank + 1 >= self.reasons_at.shape[1]:
            return None
        return self.reasons[self.reasons_at[city, rank] : self.reasons_at[city, rank + 1]].tobytes()


def steps_of(likeness: Floats) -> Steps:
    """Return likenesses in [0, 1] as steps; nan is ``UNKNOWN``."""
    whole = np.rint(np.where(np.isnan(likeness), 0.0, likeness) * STEP)
    return np.where(np.isnan(likeness), UNKNOWN, whole).astype(np.int32)


def likeness_of(step: int) -> float:
    """Return the likeness of a step, the very number that was rounded; nan for ``UNKNOWN``."""
    return float("nan") if step == UNKNOWN else float(np.float64(step) / STEP)


def standing_table(count: NDArray[np.int64]) -> Floats:
    """Return the standing of every step, shape (10**6 + 2,), from the number of pairs on each known step.

    The mid-distribution function (Parzen 1979, doi:10.1080/01621459.1979.10481621), as in
    :func:`twinmatch.affinity.standing`, from the same whole numbers, so the results are the same floats.
    """
    size = int(count.sum())
    if not size:
        return np.full(UNKNOWN + 1, UNKNOWN_STANDING)
    up_to = np.cumsum(count)
    return np.append((2 * up_to - count) / (2 * size), UNKNOWN_STANDING)


def weighted(standing: Floats, weights: Floats) -> Floats:
    """Return the scores, shape (n,), of standings (n, F): summed facet by facet, as an affinity sums them."""
    total = np.zeros(len(standing))
    for f in np.flatnonzero(weights):
        total += weights[f] * standing[:, f]
    return total


def best(score: Floats, allowed: NDArray[np.bool_], k: int) -> Ints:
    """Return the k best places of a score (n,) among those allowed: best first, ties in the order of cities."""
    places = np.flatnonzero(allowed)
    rounded = np.round(score[places], 9)
    if k < len(places):
        least = np.partition(rounded, len(places) - k)[len(places) - k]
        chosen = np.flatnonzero(rounded >= least)
        places, rounded = places[chosen], rounded[chosen]
    return places[np.argsort(-rounded, kind="stable")][:k]


class Peers:
    """The cities of a cohort as peers of each other, ready to be asked."""

    def __init__(self, cohort: Cohort, materials: Materials, usual: Mapping[str, float]) -> None:
        self.cohort, self.materials = cohort, materials
        self.facets: dict[str, Facet] = {
            name: FACETS[name].make(cohort, materials) for name in PEER_FACETS
        }
        self.usual = self.vector(usual)
        self.tables = Tables(
            np.full((len(PEER_FACETS), UNKNOWN + 1), UNKNOWN_STANDING),
            np.zeros((len(cohort), 0), np.int32),
            np.zeros((len(cohort), 0, len(PEER_FACETS)), np.int32),
            np.zeros(0, np.uint8),
            np.zeros((len(cohort), 1), np.int64),
        )
        self._rows: OrderedDict[int, Row] = OrderedDict()
        self._lock = Lock()

    @staticmethod
    def vector(weights: Mapping[str, float]) -> Floats:
        """Return weights, shape (F,), in the order of ``PEER_FACETS``."""
        return np.array([weights.get(name, 0.0) for name in PEER_FACETS])

    def prepare(
        self, kept_in: Path | None = None, key: str = "", told: Told = lambda _: None
    ) -> None:
        """Make the tables, or take those that were kept in a folder for the same cohort and text model."""
        place = None if kept_in is None or len(self.cohort) <= SMALL else kept_in / self._name(key)
        if place is not None and (found := _read(place)) is not None:
            self.tables = found
            return
        told(f"Standings of {len(self.cohort)} cities")
        standing = self._standings()
        near, near_steps = self._nearest(standing)
        told("Reasons")
        reasons = self._reasons(standing, near, near_steps)
        self.tables = Tables(standing, near, near_steps, *reasons)
        if place is not None:
            _keep(place, self.tables)

    def _name(self, key: str) -> str:
        from twinmatch import __version__

        weights = ",".join(f"{w:.12g}" for w in self.usual)
        parts = (
            str(_FORM),
            __version__,
            self.cohort.fingerprint,
            key,
            ",".join(PEER_FACETS),
            weights,
        )
        return "peers-" + hashlib.sha256("\0".join(parts).encode()).hexdigest()[:32]

    def _blocks(self) -> Iterator[tuple[Ints, Steps]]:
        """Yield rows of cities with their steps to all cities, (r, n, F), a block at a time."""
        n = len(self.cohort)
        everyone, high = np.arange(n, dtype=np.intp), max(1, BLOCK_PAIRS // max(n, 1))
        for start in range(0, n, high):
            rows = everyone[start : start + high]
            yield rows, self.steps(rows, everyone)

    def steps(self, rows: Ints, cols: Ints) -> Steps:
        """Return the likenesses of rows to columns in steps, shape (r, c, F)."""
        return np.stack(
            [steps_of(facet.likeness(rows, cols)) for facet in self.facets.values()], axis=2
        )

    def _standings(self) -> Floats:
        count = np.zeros((len(PEER_FACETS), UNKNOWN + 1), dtype=np.int64)
        for rows, steps in self._blocks():
            steps[np.arange(len(rows)), rows] = UNKNOWN  # a city beside itself is no pair
            for f in range(len(PEER_FACETS)):
                count[f] += np.bincount(steps[:, :, f].ravel(), minlength=UNKNOWN + 1)
        return np.stack([standing_table(of[:-1]) for of in count])

    def _nearest(self, standing: Floats) -> tuple[NDArray[np.int32], Steps]:
        n = len(self.cohort)
        m = min(KEPT, max(n - 1, 0))
        near = np.zeros((n, m), dtype=np.int32)
        near_steps = np.zeros((n, m, len(PEER_FACETS)), dtype=np.int32)
        allowed = np.ones(n, dtype=np.bool_)
        for rows, block in self._blocks():
            for i, steps in zip(rows, block, strict=True):
                allowed[i] = False
                score = weighted(_looked_up(standing, steps), self.usual)
                near[i] = best(score, allowed, m)
                near_steps[i] = steps[near[i]]
                allowed[i] = True
        return near, near_steps

    def _reasons(
        self, standing: Floats, near: NDArray[np.int32], near_steps: Steps
    ) -> tuple[NDArray[np.uint8], NDArray[np.int64]]:
        """Return the strongest reasons of every city's nearest, in words, and where each list begins."""
        named = min(NAMED, near.shape[1])
        at = np.zeros((len(near), named + 1), dtype=np.int64)
        found = bytearray()
        weights = {name: float(w) for name, w in zip(PEER_FACETS, self.usual, strict=True) if w}
        for i, (cities, steps) in enumerate(
            zip(near[:, :named], near_steps[:, :named], strict=True)
        ):
            for rank, (j, own) in enumerate(zip(cities.tolist(), steps, strict=True)):
                at[i, rank] = len(found)
                line = _looked_up(standing, own)
                account = Account(
                    tuple(
                        Evidence(name, likeness_of(int(own[f])), float(line[f]), weights[name], "")
                        for f, name in enumerate(PEER_FACETS)
                        if name in weights
                    )
                )
                said = [
                    reason(replace(e, says=self.facets[e.facet].says(i, j)[0]))
                    for e in account.strongest(REASONS)
                ]
                found += json.dumps(said, ensure_ascii=False, separators=(",", ":")).encode()
            at[i, named] = len(found)
        return np.frombuffer(bytes(found), dtype=np.uint8), at

    def has_row(self, i: int) -> bool:
        """Return whether a city's row is at hand."""
        return i in self._rows

    def row(self, i: int) -> Row:
        """Return a city beside all cities; rows asked for lately are at hand."""
        with self._lock:
            if i in self._rows:
                self._rows.move_to_end(i)
                return self._rows[i]
        everyone = np.arange(len(self.cohort), dtype=np.intp)
        row = self.seen(self.steps(np.array([i], dtype=np.intp), everyone)[0])
        with self._lock:
            self._rows[i] = row
            most = max(4, ROWS_BYTES // max(1, row.steps.nbytes + row.standing.nbytes))
            while len(self._rows) > most:
                self._rows.popitem(last=False)
        return row

    def seen(self, steps: Steps) -> Row:
        """Return likenesses in steps, shape (n, F), with their standings among the cohort's pairs."""
        return Row(steps, _looked_up(self.tables.standing, steps))

    def visitor(self, cohort: Cohort, i: int, materials: Materials) -> Row:
        """Return a city of another cohort beside all of that cohort's cities, standing among this one's pairs."""
        everyone, me = np.arange(len(cohort), dtype=np.intp), np.array([i], dtype=np.intp)
        made = (FACETS[name].make(cohort, materials) for name in PEER_FACETS)
        return self.seen(np.stack([steps_of(f.likeness(me, everyone))[0] for f in made], axis=1))


def reason(line: Evidence) -> dict[str, str | float]:
    """Return a line of evidence as a reason: facet, sentence, standing, and what it adds to the score."""
    standing = round(line.standing, 10)
    share = round(round(line.weight, 10) * standing, 10)
    return {"facet": line.facet, "says": line.says, "standing": standing, "share": share}


def _looked_up(standing: Floats, steps: Steps) -> Floats:
    """Return the standing of steps (.., F)."""
    return np.asarray(standing[np.arange(standing.shape[0]), steps])


_PARTS: Final = tuple(part.name for part in fields(Tables))


def _read(place: Path) -> Tables | None:
    """Return kept tables, shared between processes by the system; None where they are not there, or not whole."""
    try:
        parts = [np.load(place / f"{p}.npy", mmap_mode="r", allow_pickle=False) for p in _PARTS]
    except (OSError, ValueError, EOFError):
        return None
    return Tables(*parts)


def _keep(place: Path, tables: Tables) -> None:
    """Keep tables for the next start: whole or not at all; a disk that refuses costs only the time saved."""

    def write(folder: Path) -> None:
        for part in _PARTS:
            np.save(folder / f"{part}.npy", getattr(tables, part), allow_pickle=False)

    with suppress(OSError):
        write_folder(place, write)
