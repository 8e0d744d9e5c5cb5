"""A twinning round that can be asked "what if": a pair forced, a rule changed, a city gone; each answer proven.

Whatever is asked becomes a rule beside the round's own (or in place of one), and the round is settled again
by the same call, so a price is always the difference of two answers that the solver proved under rules that
the referee can read. Places are filled before scores count, so a price has two parts: places and score.

Notation: m pairs in the frame; chosen (m,) is true where the pair meets; score (m,) in [0, 1].
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Annotated, TypeVar

import numpy as np
import scipy.sparse as sp
from numpy.typing import NDArray
from pydantic import PlainSerializer

from twinmatch.cohort import Host, nearest
from twinmatch.errors import NoProposalError, QuestionError
from twinmatch.programmes.proposing import programme_of, solve_round
from twinmatch.programmes.round import Round, SolvedProduct
from twinmatch.programmes.rules import Rule, best_choice, forbid, worth
from twinmatch.programmes.twinning import (
    PreparedTwinning,
    Twinning,
    prepare,
    settled,
    solve_twinning,
)
from twinmatch.proposal.wire import Number, on_wire
from twinmatch.solving import Bools, Floats, Solution, counts
from twinmatch.wording import count, listed, say

T = TypeVar("T", bound=np.generic)

NOTHING = 5e-10
"""A difference of scores below this is rounding."""


def points(score: float) -> str:
    """Return a score in points of 100, with enough digits to be seen, such as "6.1 points"."""
    value = 100 * score
    digits = next((d for d in (1, 2, 3) if abs(value) >= 0.5 * 10**-d), 4)
    return say("{number} points", number=say(f"{{n:,.{digits}f}}", n=value))


@dataclass(frozen=True, order=True)
class Price:
    """What an answer costs against the best one: places (meetings lost), then score lost, both 0 or more.

    ``proven`` is false where one of the two answers was not proven best; the price is then an estimate.
    """

    places: int
    score: Number
    proven: bool = True

    @property
    def is_nothing(self) -> bool:
        """Return whether nothing is lost."""
        return self.places == 0 and abs(self.score) < NOTHING

    def __str__(self) -> str:
        return str(self.says)

    @on_wire
    def says(self) -> str:
        """Return the price in words."""
        if self.is_nothing:
            return say("nothing")
        parts = []
        if self.places:
            places = count(abs(self.places), "place")
            parts.append(say("{what} gained", what=places) if self.places < 0 else places)
        if abs(self.score) >= NOTHING:
            score = points(abs(self.score))
            parts.append(say("{what} gained", what=score) if self.score < 0 else score)
        found = listed(parts)
        return found if self.proven else say("{price} (not proven)", price=found)


@dataclass(frozen=True)
class Move:
    """A guest whose host is another one: who, from where to where, and what that changes in its score.

    ``before`` and ``after`` are ids of hosts, none where the guest has no pair.
    """

    guest: str
    name: str
    before: tuple[str, ...]
    after: tuple[str, ...]
    before_name: str
    after_name: str
    change: Number

    @on_wire
    def says(self) -> str:
        """Return the move as a sentence."""
        if not self.after:
            return say(
                "{city} loses its place with {before}.", city=self.name, before=self.before_name
            )
        if not self.before:
            return say("{city} gains a place with {after}.", city=self.name, after=self.after_name)
        told = {
            "city": self.name,
            "before": self.before_name,
            "after": self.after_name,
            "points": points(abs(self.change)),
        }
        if self.change >= 0:
            return say("{city} moves from {before} to {after}, better off by {points}.", **told)
        return say("{city} moves from {before} to {after}, worse off by {points}.", **told)


def _guests(moves: Sequence[Move]) -> list[str]:
    return [move.guest for move in moves]


@dataclass(frozen=True)
class Outcome:
    """Another answer beside the one it is compared with: its price and who moves."""

    price: Price
    moves: tuple[Move, ...]

    @on_wire
    def worse_off(self) -> Annotated[tuple[Move, ...], PlainSerializer(_guests)]:
        """Return the moves of guests who lose, those who lose most first."""
        lose = [m for m in self.moves if m.change < -NOTHING]
        return tuple(sorted(lose, key=lambda m: (m.change, m.guest)))


@dataclass(frozen=True, eq=False)
class Case:
    """A twinning round with its proven answer, ready to be asked what if."""

    ready: PreparedTwinning
    chosen: Bools
    solution: Solution

    @property
    def round(self) -> Round:
        """Return the round before the twinning was made."""
        return self.ready.round

    @property
    def settings(self) -> Twinning:
        """Return the settings of the twinning."""
        return self.ready.settings

    @cached_property
    def score(self) -> Floats:
        """Return the score of every pair of the frame, shape (m,)."""
        return self.ready.candidates.score

    @cached_property
    def total(self) -> float:
        """Return the total score of the answer."""
        return math.fsum(self.score[self.chosen].tolist())

    def worth(self, chosen: Bools) -> float:
        """Return the total score of an answer less what the round's soft rules cost that it misses."""
        return worth(self.ready.rules, self.ready.candidates, chosen)

    @cached_property
    def filled(self) -> int:
        """Return the number of meetings."""
        return int(self.chosen.sum())

    @property
    def hosts(self) -> tuple[Host, ...]:
        """Return the hosts of the frame."""
        return self.ready.frame.hosts

    def pair(self, g: int, h: int) -> int:
        """Return where the pair of a guest and a host stands in the frame."""
        return h * len(self.ready.frame.guests) + g

    def pairs(self, chosen: Bools) -> list[tuple[int, int]]:
        """Return the guest and the host of some pairs, by their places in the frame, in order of host and guest."""
        return [(int(g), int(h)) for h, g in np.argwhere(self.grid(chosen))]

    def only(self, pair: int) -> Bools:
        """Return the pairs of which one alone is true, (m,)."""
        return np.asarray(np.arange(len(self.score)) == pair)

    def guest_name(self, g: int) -> str:
        """Return the name of a guest by its place in the frame."""
        return self.round.name(self.ready.frame.guests[g])

    def guest_id(self, g: int) -> str:
        """Return the id of a guest by its place in the frame."""
        return self.round.id(self.ready.frame.guests[g])

    def host_of(self, g: int, chosen: Bools | None = None) -> tuple[int, ...]:
        """Return the hosts that a guest meets, by their places in the frame."""
        held = self.grid(self.chosen if chosen is None else chosen)
        return tuple(int(h) for h in np.flatnonzero(held[:, g]))

    def grid(self, pairs: NDArray[T]) -> NDArray[T]:
        """Return values over the frame as a table of hosts and guests."""
        return pairs.reshape(len(self.hosts), len(self.ready.frame.guests))

    @property
    def host_places(self) -> Rule | None:
        """Return the rule on guests a host, or None where the round has none."""
        return next((r for r in self.ready.rules if r.kind == "places"), None)

    def settled(
        self, rules: Sequence[Rule], before: Bools | None = None, score: Floats | None = None
    ) -> tuple[Bools, Solution] | None:
        """Return the best answer under other rules or scores (m,), with its solution; None where no choice keeps them.

        Of answers alike in places and score it is the one closest to ``before``, by default to this answer.
        """
        scored = (
            self.ready.candidates if score is None else replace(self.ready.candidates, score=score)
        )
        before = self.chosen if before is None else before
        try:
            return solve_twinning(
                replace(self.ready, rules=tuple(rules), candidates=scored, before=before)
            )
        except NoProposalError:
            return None

    def with_fewest_changes(self, rules: Sequence[Rule]) -> tuple[Bools, Solution] | None:
        """Return the answer under other rules that keeps most of this one, then scores best; or None."""
        objectives = ("filled", "fewest changes", "total")
        answer = best_choice(rules, self.ready.candidates, objectives, self.chosen)
        return None if answer[1].status == "infeasible" else answer

    def outcome(self, answer: tuple[Bools, Solution]) -> Outcome:
        """Return an answer's price against this one, and who moves."""
        chosen, solution = answer
        proven = solution.status == "optimal" == self.solution.status
        difference = self.worth(self.chosen) - self.worth(chosen)
        price = Price(
            self.filled - int(chosen.sum()),
            0.0 if abs(difference) < NOTHING else difference,
            proven,
        )
        return Outcome(price, self.moves(chosen))

    def moves(self, chosen: Bools) -> tuple[Move, ...]:
        """Return the guests whose hosts differ in another answer, in order of id."""
        was, is_ = self.grid(self.chosen), self.grid(chosen)
        return tuple(self._move(int(g), chosen) for g in np.flatnonzero((was != is_).any(axis=0)))

    def _move(self, g: int, chosen: Bools) -> Move:
        before, after = self.host_of(g), self.host_of(g, chosen)
        score = self.grid(self.score)[:, g]
        return Move(
            self.guest_id(g),
            self.guest_name(g),
            tuple(self.hosts[h].id for h in before),
            tuple(self.hosts[h].id for h in after),
            " and ".join(self.hosts[h].name for h in before),
            " and ".join(self.hosts[h].name for h in after),
            math.fsum(float(score[h]) for h in after) - math.fsum(float(score[h]) for h in before),
        )


def case_of(solved: SolvedProduct) -> Case:
    """Return a twinning that was solved, ready to be asked what if."""
    return Case(solved.ready, solved.chosen, solved.solution)


def twinning_case(round_: Round) -> Case:
    """Return the twinning of a round, solved beside the products that choose before it if it is not solved yet.

    Raises QuestionError where the programme has no twinning, NoProposalError where no choice keeps the rules.
    """
    twinning_of(round_)
    made = round_ if round_.solution_of("twinning") else solve_round(round_, until="twinning")
    solved = made.solution_of("twinning")
    assert solved is not None  # the registry's twinning is solved among candidates
    return case_of(solved)


def open_case(round_: Round, settings: Twinning) -> Case:
    """Return a twinning round with its proven answer; raises as :func:`prepare` and :func:`solve_twinning` do."""
    ready, answer = settled(prepare(round_, settings))
    if isinstance(answer, NoProposalError):
        raise answer
    return Case(ready, *answer)


def held_case(round_: Round, settings: Twinning, pairs: Sequence[tuple[str, str]]) -> Case:
    """Return a twinning round whose answer is given, as (guest, host) ids, whether or not it is the best.

    Pairs that the round no longer knows are left out. The answer is not proven.
    """
    ready = prepare(round_, settings)
    held = set(pairs)
    chosen = ready.frame.pairs(lambda h, g: (round_.id(g), h.id) in held)
    total = math.fsum(ready.candidates.score[chosen].tolist())
    solution = Solution(
        chosen, total, math.nan, math.nan, "feasible", "as given", int(chosen.sum()), (), ()
    )
    return Case(ready, chosen, solution)


def twinning_of(round_: Round) -> Twinning:
    """Return the twinning settings of a round's programme; raises QuestionError where it has none."""
    twinning = programme_of(round_).twinning
    if twinning is None:
        raise QuestionError.of(
            "no-twinning",
            say("The question is about twinning, which this programme does not have."),
            do=say("Name a programme file with [twinning]."),
        )
    return twinning


# --- what is asked, as a rule ------------------------------------------------------------------------------


def must_meet(pairs: Bools, says: str) -> Rule:
    """Return the rule that at least one of some pairs meets."""
    return at_least(pairs, 1, says, "what if")


def must_not_meet(pairs: Bools, says: str) -> Rule:
    """Return the filter that none of some pairs meets."""
    return forbid("what if", says, pairs)


def at_least(pairs: Bools, count: int, says: str, name: str = "earlier pairs") -> Rule:
    """Return the rule that at least so many of some pairs meet."""
    label = np.where(pairs, 0, -1)
    return Rule(name, says, counts(name, label, low=count, rows=1, says=lambda _: says))


def all_kept(pairs: Bools, says: str) -> Rule:
    """Return the rule that each of some pairs meets, a row for each."""
    label, name = np.where(pairs, np.cumsum(pairs) - 1, -1), "earlier pairs"
    return Rule(name, says, counts(name, label, low=1, says=lambda _: says))


def widened(rule: Rule, row: int, by: float = 1.0) -> Rule:
    """Return a rule whose maximum in one row is larger."""
    high = rule.block.high.copy()
    high[row] += by
    return replace(rule, block=replace(rule.block, high=high))


def swapped(rules: Sequence[Rule], old: Rule, new: Rule | None) -> tuple[Rule, ...]:
    """Return the rules with one of them replaced, or left out."""
    return tuple(
        found for rule in rules for found in ([new] if rule is old else [rule]) if found is not None
    )


def spared(rule: Rule, pair: int) -> Rule:
    """Return a filter that no longer takes out one pair."""
    matrix = sp.lil_array(rule.block.matrix)
    matrix[:, pair] = 0.0
    kept = sp.csr_array(matrix)
    kept.eliminate_zeros()
    return replace(rule, block=replace(rule.block, matrix=kept))


# --- names -------------------------------------------------------------------------------------------------


def find_host(round_: Round, hosts: Sequence[Host], name: str) -> int | None:
    """Return the place of a host by its id, its name, or one of its cities; None where it is no host.

    Raises QuestionError where no city or unit has the name.
    """
    for h, host in enumerate(hosts):
        if name in {host.id, host.name}:
            return h
    units = {u.id for u in round_.cohort.units} | {u.name for u in round_.cohort.units}
    if name in units:
        return None
    try:
        i = round_.cohort.find(name)
    except QuestionError:
        if name.startswith("unit-"):
            known = {u.id: u.id for u in round_.cohort.units}
            raise QuestionError.of(
                "unit-unknown",
                say("No host unit {name}.", name=repr(name)),
                do=nearest(name, known),
            ) from None
        raise
    return next((h for h, host in enumerate(hosts) if i in host.cities), None)


def host_id(round_: Round, name: str) -> str:
    """Return the id of the unit or city of a name, whether or not it hosts in the round."""
    for unit in round_.cohort.units:
        if name in {unit.id, unit.name}:
            return unit.id
    return round_.id(round_.cohort.find(name))
