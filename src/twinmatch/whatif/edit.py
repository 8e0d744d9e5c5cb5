"""What a change by hand costs: a guest with another host, two guests swapped, a guest put back; nothing is solved.

Every other pair stays as it is, so the difference is exact for the change as it stands, and an upper bound of what
the best round with that pair costs: solved again, the others may move and lose less. Rows of rules that the change
breaks are named; a few matrix products answer, whatever the rules.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from twinmatch.errors import Problem, QuestionError
from twinmatch.whatif.case import Case, Outcome, Price, find_host, must_meet

Bools = NDArray[np.bool_]

MOST: Final = 5
"""Ways to make one change that are told, at most."""


@dataclass(frozen=True)
class Edit:
    """A change by hand: the pairs that it makes (guest and host by id), who moves and what is lost, rules it breaks."""

    pairs: tuple[tuple[str, str], ...]
    outcome: Outcome
    breaks: tuple[str, ...]

    @property
    def order(self) -> tuple[int, int, float, int]:
        """Return what edits are ordered by: fewest broken rules, then least lost, then fewest who move."""
        price = self.outcome.price
        return len(self.breaks), price.places, round(price.score, 9), len(self.outcome.moves)


def edits(case: Case, guest: str, host: str) -> tuple[Edit, ...]:
    """Return the ways in which a guest can be given a host while all others but one stay, the best first.

    The guest moves there; or swaps with one of the host's guests; or takes the place of one (one without a place: of
    any guest). Raises QuestionError
    where the two cannot be a pair of this round, or meet already.
    """
    g, h = _places(case, guest, host)
    before = case.host_of(g)
    held = case.grid(case.chosen)
    found = [_edit(case, {g: (h,)})]
    # A guest without a place may need one that is not at its host: under a limit of the round, anybody's will do.
    for k in np.flatnonzero(held[h] if before else held.any(axis=0)).tolist():
        found.append(_edit(case, {g: (h,), k: ()}))
        if before and held[h, k]:
            found.append(_edit(case, {g: (h,), k: before}))
    return tuple(sorted(found, key=lambda e: e.order)[:MOST])


def solved_with(case: Case, guest: str, host: str) -> Outcome | None:
    """Return what the best round with a pair costs, proven, and who moves; None where no choice keeps the rules."""
    mask = np.zeros(len(case.score), dtype=np.bool_)
    mask[case.pair(*_places(case, guest, host))] = True
    answer = case.settled((*case.ready.rules, must_meet(mask, "The two meet.")))
    return None if answer is None else case.outcome(answer)


def options(case: Case, guest: str) -> Iterator[tuple[str, str, float, int, tuple[str, ...]]]:
    """Yield every host that a guest could have: id, name, score, guests that it has, and the filters that forbid it.

    The best first, and those that nothing forbids before all others.
    """
    g = _guest(case, guest)
    score, held = case.grid(case.score)[:, g], case.grid(case.chosen).sum(axis=1)
    filters = [
        (rule.name, case.grid(rule.forbidden)[:, g]) for rule in case.ready.rules if rule.filters
    ]
    rows = [
        (host.id, host.name, float(score[h]), int(held[h]), tuple(n for n, no in filters if no[h]))
        for h, host in enumerate(case.hosts)
    ]
    yield from sorted(rows, key=lambda r: (bool(r[4]), -round(r[2], 9), r[0]))


def _guest(case: Case, guest: str) -> int:
    i = case.round.cohort.find(guest)
    if i in case.ready.frame.guests:
        return case.ready.frame.guests.index(i)
    found = f"{case.round.name(i)} is no guest of this round."
    raise QuestionError(Problem("no-such-pair", found, do="Ask why not: it names the condition."))


def _places(case: Case, guest: str, host: str) -> tuple[int, int]:
    g, h = _guest(case, guest), find_host(case.round, case.hosts, host)
    if h is None:
        raise QuestionError(Problem("no-such-pair", f"{host} is no host of this round."))
    if case.chosen[case.pair(g, h)]:
        found = f"{case.guest_name(g)} and {case.hosts[h].name} meet already."
        raise QuestionError(Problem("no-such-pair", found, do="Choose another host."))
    return g, h


def _edit(case: Case, moved: dict[int, tuple[int, ...]]) -> Edit:
    grid = case.grid(case.chosen).copy()
    for g, hosts in moved.items():
        grid[:, g] = False
        grid[list(hosts), g] = True
    chosen = grid.ravel()
    pairs = tuple((case.guest_id(g), case.hosts[h].id) for g, hosts in moved.items() for h in hosts)
    lost = case.total - math.fsum(case.score[chosen].tolist())
    price = Price(case.filled - int(chosen.sum()), lost)
    return Edit(pairs, Outcome(price, case.moves(chosen)), tuple(_broken(case, chosen)))


def _broken(case: Case, chosen: Bools) -> Iterator[str]:
    """Yield the rows of rules that an answer breaks and the answer before it kept, in words."""
    for rule in case.ready.rules:
        block = rule.block
        was, is_ = (block.matrix @ x.astype(np.float64) for x in (case.chosen, chosen))
        out = [(v < block.low - 1e-6) | (v > block.high + 1e-6) for v in (was, is_)]
        for row in np.flatnonzero(out[1] & ~out[0]).tolist():
            yield rule.says if rule.filters else block.says(row)
