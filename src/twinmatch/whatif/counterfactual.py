"""Which of a city's answers would bring a host into its five best: only answers that it can change.

The city asks as a guest, whether or not it is eligible in this round; the hosts are those of the round.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from twinmatch.affinity import compare
from twinmatch.errors import Problem, QuestionError
from twinmatch.programmes.twinning.frame import Frame
from twinmatch.solving import Solution
from twinmatch.whatif.answers import ChangedAnswer, best_additions, said
from twinmatch.whatif.case import Case, find_host, host_id

BEST = 5

SHOWN = 5
"""Ways that are told, at most."""


@dataclass(frozen=True)
class Way:
    """A set of answers, and the host's rank and score with them."""

    answers: tuple[ChangedAnswer, ...]
    rank: int
    score: float
    says: str


@dataclass(frozen=True)
class Counterfactual:
    """How a host ranks for a city now, its best hosts, and the ways to bring the host among them."""

    city: str
    name: str
    host: str
    host_name: str
    rank: int
    of: int
    score: float
    best: tuple[tuple[str, float], ...]
    """Names and scores of the best hosts now."""
    ways: tuple[Way, ...]
    nearest: Way | None
    """The set that comes closest, where no way is found."""

    @property
    def says(self) -> str:
        """Return the answer in words."""
        now = f"{self.host_name} is number {self.rank} of {self.of} hosts for {self.name}, with {100 * self.score:.1f} of 100."
        if self.rank <= BEST:
            return now + f" It is among the {BEST} best already."
        if self.ways:
            return now + f" {len(self.ways)} ways would bring it among the {BEST} best."
        if self.nearest is None:
            return (
                now
                + f" No answer that {self.name} could add speaks to what is known of {self.host_name}."
            )
        return (
            now + f" No three answers that {self.name} could add bring it among the {BEST} best. "
            f"Closest: {self.nearest.says}"
        )


def counterfactual(case: Case, city: str, host: str) -> Counterfactual:
    """Return which answers of a city would bring a host into its five best, the fewest answers first.

    Raises QuestionError where no city or host has the name, or the two are one.
    """
    i = case.round.cohort.find(city)
    asking = as_guest(case, i)
    h = find_host(case.round, asking.hosts, host)
    if h is None:
        name = host_id(case.round, host)
        raise QuestionError(
            Problem(
                "no-host",
                f"{name} is no host in this round.",
                do="See twinmatch prices for the hosts.",
            )
        )
    if i in asking.hosts[h].cities:
        raise QuestionError(
            Problem(
                "same-city", f"{case.round.name(i)} would be its own host.", do="Name another host."
            )
        )
    g = asking.ready.frame.guests.index(i)
    row = asking.ready.affinity.score[g]
    rank = rank_of(row, h)
    found = (
        []
        if rank <= BEST
        else [_way(asking, g, h, answers, row) for answers, row in best_additions(asking, g, h)]
    )
    ways = sorted(
        (w for w in found if w.rank <= BEST), key=lambda w: (len(w.answers), w.rank, -w.score)
    )
    order = np.argsort(-np.round(row, 9), kind="stable")[:BEST]
    return Counterfactual(
        case.round.id(i),
        case.round.name(i),
        asking.hosts[h].id,
        asking.hosts[h].name,
        rank,
        len(row),
        float(row[h]),
        tuple((asking.hosts[int(k)].name, float(row[k])) for k in order),
        tuple(ways[:SHOWN]),
        min(found, key=lambda w: (w.rank, len(w.answers), -w.score), default=None),
    )


def rank_of(row: NDArray[np.float64], h: int) -> int:
    """Return the rank of a host in a score row (H,), 1 the best; hosts on a level share the better rank."""
    rounded = np.round(row, 9)
    return 1 + int((rounded > rounded[h]).sum())


def _way(
    case: Case, g: int, h: int, answers: tuple[ChangedAnswer, ...], row: NDArray[np.float64]
) -> Way:
    rank = rank_of(row, h)
    name = case.hosts[h].name
    says = f"{said(case.guest_name(g), answers)}, {name} is number {rank} with {100 * row[h]:.1f} of 100."
    return Way(answers, rank, float(row[h]), says)


def as_guest(case: Case, i: int) -> Case:
    """Return the case with a city among the guests that are compared; it need not be eligible."""
    if i in case.ready.frame.guests:
        return case
    guests = tuple(sorted((*case.ready.frame.guests, i)))
    affinity = compare(
        case.round.cohort,
        case.settings.weights,
        case.round.facet_cache,
        rows=guests,
        columns=case.hosts,
    )
    frame = Frame(case.round.cohort, case.hosts, guests)
    chosen = np.zeros(len(guests) * len(case.hosts), dtype=np.bool_)
    ready = replace(case.ready, affinity=affinity, frame=frame, rules=(), before=None)
    ready = replace(ready, candidates=frame.candidates(affinity.score))
    nothing = Solution(chosen, 0.0, 0.0, 0.0, "feasible", "not solved", 0, (), ())
    return Case(case.round, case.settings, ready, chosen, nothing)
