"""Scores of all pairs, read some guests at a time, so that no dense copy is ever needed.

H, G         hosts, guests
rows (B, H)  scores of B guests with every host, -inf where they may not meet
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Protocol, runtime_checkable

import numpy as np

from twinmatch.solving.blocks import Bools, Candidates, Floats

CELLS = 2**18  # of scores looked at together: some 2 MB, which stays in the processor's cache


@runtime_checkable
class ScoreBlocks(Protocol):
    """Scores that come some guests at a time; each call for the same guests gives the same."""

    @property
    def n_hosts(self) -> int:
        """H, the number of hosts."""

    @property
    def n_guests(self) -> int:
        """G, the number of guests."""

    def rows(self, start: int, stop: int) -> Floats:
        """(stop - start, H) scores of these guests with every host, -inf where they may not meet.

        The caller may write into what it gets.
        """


class ScoreTable:
    """A table of scores (H, G) with where a meeting may be, read as blocks."""

    def __init__(self, score: Floats, allowed: Bools | None) -> None:
        self.score, self.allowed = score, allowed
        self.n_hosts, self.n_guests = score.shape

    def rows(self, start: int, stop: int) -> Floats:
        """(stop - start, H) scores of these guests with every host."""
        rows: Floats = self.score[:, start:stop].T.copy()
        if self.allowed is not None:
            rows[~self.allowed[:, start:stop].T] = -np.inf
        return rows

    def candidates(self) -> Candidates:
        """All pairs that may meet, by host and guest."""
        H, G = self.score.shape
        if self.allowed is None:
            host, guest = np.repeat(np.arange(H), G), np.tile(np.arange(G), H)
            return Candidates(host, guest, self.score.ravel(), H, G)
        host, guest = np.nonzero(self.allowed)
        return Candidates(host, guest, self.score[host, guest], H, G)


def blocks_of(scores: ScoreBlocks) -> Iterator[tuple[int, Floats]]:
    """Each block with the number of its first guest, of about `CELLS` scores."""
    step = max(CELLS // max(scores.n_hosts, 1), 1)
    for start in range(0, scores.n_guests, step):
        yield start, scores.rows(start, min(start + step, scores.n_guests))


def candidates_of(scores: ScoreBlocks) -> Candidates:
    """All pairs that may meet, by host and guest; this holds every pair in memory."""
    if isinstance(scores, ScoreTable):
        return scores.candidates()
    found = []
    for start, rows in blocks_of(scores):
        guest, host = np.nonzero(rows > -np.inf)
        found.append((host, guest + start, rows[guest, host]))
    if not found:
        found.append((np.zeros(0, np.int64), np.zeros(0, np.int64), np.zeros(0)))
    host, guest, score = (np.concatenate(part) for part in zip(*found, strict=True))
    by = np.lexsort((guest, host))
    return Candidates(host[by], guest[by], score[by], scores.n_hosts, scores.n_guests)
