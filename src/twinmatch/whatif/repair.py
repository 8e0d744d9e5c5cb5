"""Repair after a withdrawal, a refusal or a new city: three offers, who must be told, and the price of each.

*Keep all*: every earlier pair that is still possible stays, and only the gaps are filled. *Few changes*: at
most k of those pairs may go. *Best*: the best answer there is, and of equal ones the closest to the earlier
pairs. The price of an offer is what it has less than the best one, so the best one is free and keeping all is
dearest. In every offer a guest whose host is gone is rehoused before a guest without a pair comes in.

Fallbacks are the same question asked beforehand: for each pair, what is offered if the guest or the host says no.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from functools import partial
from typing import Annotated, Literal

import numpy as np

from twinmatch.errors import NoProposalError, Problem, QuestionError
from twinmatch.programmes.rules import Rule
from twinmatch.programmes.twinning import product_of
from twinmatch.programmes.twinning.product import Reserves
from twinmatch.programmes.twinning.search import solve_twinning
from twinmatch.proposal import Product, Proposal
from twinmatch.proposal.wire import Hidden, Number, rows
from twinmatch.solving import Bools, Floats, Solution
from twinmatch.whatif.case import (
    Case,
    Move,
    Price,
    all_kept,
    at_least,
    find_host,
    host_id,
    must_not_meet,
)
from twinmatch.wording import joined, say

Kind = Literal["keep all", "few changes", "best"]
KINDS: tuple[Kind, ...] = ("keep all", "few changes", "best")


@dataclass(frozen=True)
class Disruption:
    """What happened since the proposal: cities or units that withdrew, and pairs that one side refused."""

    withdrawn: tuple[str, ...] = ()
    refused: tuple[tuple[str, str], ...] = ()


@dataclass(frozen=True)
class Notice:
    """A city that must be told, and what; ``host`` where it is told as a host."""

    city: str
    name: str
    host: bool
    says: str


@dataclass(frozen=True, eq=False)
class Offer:
    """One way to repair: its price against the best, who moves against the earlier pairs, and who must be told."""

    kind: Kind
    price: Price
    filled: int
    total: Number
    kept: int
    moves: tuple[Move, ...]
    told: tuple[Notice, ...]
    answer: Hidden[tuple[Bools, Solution]]
    case: Hidden[Case]

    @property
    def product(self) -> Product:
        """Return the twinning of the offer, as a proposal has it."""
        return product_of(self.case.ready, *self.answer)


@dataclass(frozen=True, eq=False)
class RepairOffers:
    """What was lost, and the offers, the one that keeps most first; one that no rules allow is not there."""

    earlier: int
    lost: tuple[str, ...]
    offers: tuple[Offer, ...]

    def offer(self, kind: Kind) -> Offer:
        """Return the offer of a kind; raises QuestionError where the rules leave none."""
        for offer in self.offers:
            if offer.kind == kind:
                return offer
        raise QuestionError.of(
            "no-such-offer",
            say("Nothing keeps the rules and is the offer {kind}.", kind=repr(kind)),
            do=say("There are: {names}.", names=", ".join(o.kind for o in self.offers)),
        )


@dataclass(frozen=True)
class Fallback:
    """What is offered when a pair falls through: for each side the next best with everything else kept."""

    guest: str
    guest_name: str
    host: str
    host_name: str
    if_guest_declines: tuple[str, ...]
    if_host_declines: tuple[str, ...]


Ranked = tuple[tuple[str, str, float], ...]


@dataclass(frozen=True)
class ReserveList:
    """The reserves of a guest or host, best first: id, name, score and, for a host, its free places."""

    id: str
    name: str
    side: Literal["guest", "host"]
    reserves: Annotated[Ranked, rows("id", "name", "score")]


def earlier_pairs(proposal: Proposal) -> tuple[tuple[str, str], ...]:
    """Return the (guest, host) ids of a proposal's twinning pairs; raises QuestionError where it has none."""
    products = [p for p in proposal.products if p.product == "twinning"]
    if not products:
        raise QuestionError.of(
            "no-twinning",
            say("The proposal has no twinning."),
            do=say("Name another proposal.json."),
        )
    return tuple(
        (g, m.unit or m.cities("host")[0]) for m in products[0].meetings for g in m.cities("guest")
    )


def repair(held: Case, change: Disruption, at_most: int = 3) -> RepairOffers:
    """Return the three offers after a change to earlier pairs; ``held`` is the case that holds them.

    Raises QuestionError for unknown names and a negative number of changes, NoProposalError where no answer
    keeps the rules after the change.
    """
    if at_most < 0:
        raise QuestionError.of(
            "changes",
            say("At most {at_most} changes is no number of changes.", at_most=at_most),
            do=say("Give 0 or more."),
        )
    case, still = _changed(held, change)
    rules = case.ready.rules
    lost = tuple(_pairs(held, held.chosen & ~still))
    count = int(still.sum())
    best = _answer(case, rules, still, None)
    if best is None:
        found = say("No answer keeps the rules after this change.")
        said = Problem("no-repair", found, do=say("Loosen or drop what is named here."))
        raise NoProposalError([said, *_why(case)])
    answers = {
        "keep all": _answer(case, rules, still, count),
        "few changes": _answer(case, rules, still, max(count - at_most, 0)),
        "best": best,
    }
    return RepairOffers(
        held.filled,
        lost,
        tuple(
            _offer(case, kind, answer, best, still)
            for kind in KINDS
            if (answer := answers[kind]) is not None
        ),
    )


def _changed(held: Case, change: Disruption) -> tuple[Case, Bools]:
    """Return the case after a change, and the earlier pairs that are still possible, (m,)."""
    rules = (*held.ready.rules, *_gone(held, change))
    case = replace(held, ready=replace(held.ready, rules=rules))
    return case, held.chosen & case.ready.allowed


def _why(case: Case) -> tuple[Problem, ...]:
    """The rules and places that are short, such as a lock on a host that has withdrawn."""
    try:
        solve_twinning(case.ready)
    except NoProposalError as error:
        return error.problems
    return ()


def _gone(held: Case, change: Disruption) -> list[Rule]:
    """The filters of a change: the pairs of those who withdrew, and the pairs refused."""
    parts: tuple[tuple[str, str, dict[str, tuple[str, ...]], Callable[..., Bools]], ...] = (
        (
            "withdrawals",
            say("Withdrawn"),
            {name: (name,) for name in change.withdrawn},
            _all_pairs_of,
        ),
        ("refused since", say("Refused"), {"=".join(p): p for p in change.refused}, _one_pair),
    )
    problems: list[Problem] = []
    rules = []
    for rule, word, asked, find in parts:
        mask = np.zeros(len(held.score), dtype=np.bool_)
        for names in asked.values():
            try:
                mask |= find(held, *names)
            except QuestionError as error:
                problems += error.problems
        if asked:
            said = _pairs(held, mask) if find is _one_pair else map(partial(_name, held), asked)
            filtered = must_not_meet(mask, joined((word, joined(said, ", ")), ": ") + ".")
            rules.append(replace(filtered, name=rule))
    if problems:
        raise QuestionError(problems)
    return rules


def _pairs(held: Case, mask: Bools) -> Iterator[str]:
    """Yield "guest with host" for each pair of a mask, (m,)."""
    return (
        say("{one} with {other}", one=held.guest_name(g), other=held.hosts[h].name)
        for g, h in held.pairs(mask)
    )


def _name(held: Case, city: str) -> str:
    """Return the name of a host or guest that was named in any way; the words themselves of nobody."""
    with suppress(QuestionError):
        id_ = host_id(held.round, city)
        at = next((h.name for h in held.hosts if h.id == id_), "")
        return at or held.round.cohort.city(id_).name
    return city


def _all_pairs_of(held: Case, name: str) -> Bools:
    """All pairs of a city as a guest, and of a unit or city as a host; a member of a unit alone takes no host away."""
    target, frame = host_id(held.round, name), held.ready.frame
    guests = [g for g, i in enumerate(frame.guests) if held.round.id(i) == target]
    hosts = [h for h, host in enumerate(frame.hosts) if host.id == target]
    mask = np.isin(frame.guest, guests) | np.isin(frame.host, hosts)
    if not mask.any():
        unit = held.round.cohort.unit_of.get(target)
        do = (
            say("It hosts through {id}; name that unit if all of it withdraws.", id=unit.id)
            if unit
            else ""
        )
        found = say("{name} is neither a guest nor a host of this round.", name=name)
        raise QuestionError.of("nothing-withdrawn", found, do=do)
    return np.asarray(mask)


def _one_pair(held: Case, one: str, other: str) -> Bools:
    frame = held.ready.frame
    for guest, host in ((one, other), (other, one)):
        i = held.round.cohort.find(guest) if not guest.startswith("unit-") else -1
        h = find_host(held.round, held.hosts, host)
        if i in frame.guests and h is not None:
            return held.only(held.pair(frame.guests.index(i), h))
    found = say("{one}={other} is no guest and host of this round.", one=one, other=other)
    raise QuestionError.of("no-such-pair", found, do=say("Check the two ids."))


def _answer(
    case: Case, rules: Sequence[Rule], still: Bools, keep: int | None
) -> tuple[Bools, Solution] | None:
    """Return the best answer that keeps some pairs; guests who lost theirs get a place before anybody new does."""
    extra: tuple[Rule, ...] = ()
    if keep and keep == int(still.sum()):
        # The same as "at least all of them", but row by row it stays a flow, which is far quicker.
        extra = (all_kept(still, "Every earlier pair stays."),)
    elif keep:
        extra = (at_least(still, keep, f"At least {keep} earlier pairs stay."),)
    found = case.settled((*rules, *extra), before=still)
    if found is None:
        return None
    for mine in _rehoused(case, still):
        if found[0][mine].any():
            continue  # it has a place in any case
        wanted = at_least(mine, 1, "A guest whose host is gone has a place again.")
        again = case.settled((*rules, *extra, wanted), before=still)
        if again is not None:
            found, extra = again, (*extra, wanted)
    return found


def _rehoused(case: Case, still: Bools) -> list[Bools]:
    """Return the possible pairs of each guest that was admitted and has lost its host, (m,) each, best guest first."""
    guests = len(case.ready.frame.guests)
    guest = np.arange(len(still)) % guests
    lost = sorted({int(g) for g in guest[case.chosen & ~still]} - {int(g) for g in guest[still]})
    pairs = [(guest == g) & case.ready.allowed for g in lost]
    open_ = [mine for mine in pairs if mine.any()]
    return sorted(open_, key=lambda mine: -round(float(case.score[mine].max()), 9))


def _offer(
    case: Case,
    kind: Kind,
    answer: tuple[Bools, Solution],
    best: tuple[Bools, Solution],
    still: Bools,
) -> Offer:
    reference = replace(case, chosen=best[0], solution=best[1])
    price = reference.outcome(answer).price
    moves = case.moves(answer[0])
    here = replace(case, chosen=answer[0], solution=answer[1])
    return Offer(
        kind,
        price,
        here.filled,
        here.total,
        int((answer[0] & still).sum()),
        moves,
        _told(case, moves),
        answer,
        case,
    )


def _told(case: Case, moves: Sequence[Move]) -> tuple[Notice, ...]:
    """Everyone whose partners change: the guests, then every city of the hosts that lose or gain one."""
    told = [Notice(m.guest, m.name, False, m.says) for m in moves]
    for host in sorted(case.hosts, key=lambda host: host.id):
        parts = []
        for had, has in ((True, False), (False, True)):
            moved = [
                m.name for m in moves if ((host.id in m.before), (host.id in m.after)) == (had, has)
            ]
            if moved:
                guests = joined(moved, ", ")
                parts.append(
                    say("no longer hosts {guests}", guests=guests)
                    if had
                    else say("hosts {guests}", guests=guests)
                )
        said = say("{host} {changes}.", host=host.name, changes=joined(parts, " and "))
        cities = host.cities if parts else ()
        told += [Notice(case.round.id(i), case.round.name(i), True, said) for i in cities]
    return tuple(told)


def with_offer(proposal: Proposal, offer: Offer, change: Disruption) -> Proposal:
    """Return the proposal with its twinning exchanged for the offer's, and what was repaired recorded."""
    products = tuple(offer.product if p.product == "twinning" else p for p in proposal.products)
    record = {
        "kind": offer.kind,
        "withdrawn": list(change.withdrawn),
        "refused": ["=".join(pair) for pair in change.refused],
    }
    repairs = [*proposal.made_from.get("repairs", []), record]
    return replace(
        proposal, made_from={**proposal.made_from, "repairs": repairs}, products=products
    )


# --- beforehand --------------------------------------------------------------------------------------------


def fallbacks(held: Case) -> tuple[Fallback, ...]:
    """Return for each pair what is offered if either side says no, with every other pair kept; in order of guest."""
    found = []
    for g, h in sorted(held.pairs(held.chosen)):
        guest, host = held.guest_id(g), held.hosts[h]
        found.append(
            Fallback(
                guest,
                held.guest_name(g),
                host.id,
                host.name,
                _without(held, Disruption(withdrawn=(guest,)), guest),
                _without(held, Disruption(refused=((guest, host.id),)), ""),
            )
        )
    return tuple(found)


def _without(held: Case, change: Disruption, gone: str) -> tuple[str, ...]:
    """What keeping all other pairs offers after a change, as sentences."""
    case, still = _changed(held, change)
    answer = _answer(case, case.ready.rules, still, int(still.sum()))
    if answer is None:
        return (
            say(
                "Nothing fits beside the other pairs; a repair of the round tells what moving some would do."
            ),
        )
    moves = [m for m in case.moves(answer[0]) if m.guest != gone]
    return tuple(m.says for m in moves) or (say("Nobody steps in; the place stays free."),)


def reserves(held: Case, count: int = 3) -> tuple[ReserveList, ...]:
    """Return for every guest its best other hosts with a free place, and for every host the best guests without a pair.

    In order of guests by id, then hosts by id; pairs that a rule forbids are left out.
    """
    found = Reserves(held.ready, held.chosen, count)
    hosts = [(host.id, host.name) for host in held.hosts]
    guests = [(held.guest_id(g), held.guest_name(g)) for g in range(len(held.ready.frame.guests))]

    def ranked(names: list[tuple[str, str]], line: Floats, best: list[int]) -> Ranked:
        return tuple((*names[k], float(line[k])) for k in best)

    return (
        *(
            ReserveList(*guest, "guest", ranked(hosts, found.score[:, g], found.for_guest(g)))
            for g, guest in enumerate(guests)
        ),
        *(
            ReserveList(*host, "host", ranked(guests, found.score[h], found.for_host(h)))
            for h, host in enumerate(hosts)
        ),
    )
