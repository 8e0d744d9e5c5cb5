"""What a change by hand costs: a guest with another host, two guests swapped, a guest put back; nothing is solved.

Every other pair stays as it is, so the difference is exact for the change as it stands, and an upper bound of what
the best round with that pair costs: solved again, the others may move and lose less. Rows of rules that the change
breaks are named; a few matrix products answer, whatever the rules.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

import numpy as np

from twinmatch.errors import QuestionError
from twinmatch.solving import Bools
from twinmatch.whatif.case import Case, Outcome, Price, find_host, must_meet
from twinmatch.wording import say

MOST: Final = 5
"""Ways to make one change that are listed, at most."""


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
    pair = case.only(case.pair(*_places(case, guest, host)))
    answer = case.settled((*case.ready.rules, must_meet(pair, "The two meet.")))
    return None if answer is None else case.outcome(answer)


@dataclass(frozen=True)
class HostOption:
    """A host that a guest could have, with its score in [0, 1] and the guests that it has.

    ``wish`` is its place among the guest's wishes, "✓" where these stand in no order, "" where it is none; ``forbidden`` names the filters that forbid it,
    and ``is_full`` says whether a move there, everybody else staying, breaks a limit.
    """

    id: str
    name: str
    cities: tuple[str, ...]
    score: float
    guests: int
    wish: str
    forbidden: tuple[str, ...]
    is_full: bool


def options(case: Case, guest: str) -> Iterator[HostOption]:
    """Yield every host that a guest could have, the best first, and those that nothing forbids before all others."""
    g = _guest(case, guest)
    score, held = case.grid(case.score)[:, g], case.grid(case.chosen).sum(axis=1)
    filters = [
        (rule.name, case.grid(rule.forbidden)[:, g]) for rule in case.ready.rules if rule.filters
    ]
    cities, full = case.round.cohort.cities, _full(case, g)
    asks = cities[case.ready.frame.guests[g]]
    rows = [
        HostOption(
            host.id,
            host.name,
            tuple(cities[i].name for i in host.cities),
            float(score[h]),
            int(held[h]),
            asks.wish_for(case.ready.frame.members(host)),
            tuple(n for n, no in filters if no[h]),
            bool(full[h]),
        )
        for h, host in enumerate(case.hosts)
    ]
    yield from sorted(rows, key=lambda r: (bool(r.forbidden), -round(r.score, 9), r.id))


def _full(case: Case, g: int) -> Bools:
    """Return for each host whether a guest's move there, everybody else staying, breaks a limit, shape (hosts,)."""
    grid = case.grid(case.chosen).copy()
    grid[:, g] = False
    mine = np.arange(len(case.hosts)) * len(case.ready.frame.guests) + g
    found = np.zeros(len(case.hosts), dtype=np.bool_)
    for block in (rule.block for rule in case.ready.rules if not rule.filters):
        low, high = block.low[:, None] - 1e-6, block.high[:, None] + 1e-6
        was = (block.matrix @ case.chosen.astype(np.float64))[:, None]
        without = (block.matrix @ grid.ravel().astype(np.float64))[:, None]
        is_ = without + block.matrix[:, mine].toarray()
        found |= (((is_ < low) | (is_ > high)) & (was >= low) & (was <= high)).any(axis=0)
    return found


def _guest(case: Case, guest: str) -> int:
    i = case.round.cohort.find(guest)
    if i in case.ready.frame.guests:
        return case.ready.frame.guests.index(i)
    found = say("{p} is no guest of this round.", p=case.round.name(i))
    raise QuestionError.of("no-such-pair", found, do=say("Ask why not: it names the condition."))


def _places(case: Case, guest: str, host: str) -> tuple[int, int]:
    g, h = _guest(case, guest), find_host(case.round, case.hosts, host)
    if h is None:
        raise QuestionError.of("no-such-pair", say("{host} is no host of this round.", host=host))
    if case.chosen[case.pair(g, h)]:
        found = say("{p} and {name} meet already.", p=case.guest_name(g), name=case.hosts[h].name)
        raise QuestionError.of("no-such-pair", found, do=say("Choose another host."))
    return g, h


def _edit(case: Case, moved: dict[int, tuple[int, ...]]) -> Edit:
    grid = case.grid(case.chosen).copy()
    for g, hosts in moved.items():
        grid[:, g] = False
        grid[list(hosts), g] = True
    chosen = grid.ravel()
    pairs = tuple((case.guest_id(g), case.hosts[h].id) for g, hosts in moved.items() for h in hosts)
    lost = case.worth(case.chosen) - case.worth(chosen)
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
