"""The rounds behind proposals: read and solved when somebody asks about one, and held for the next question."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable, Iterable, Mapping
from dataclasses import replace
from threading import Lock
from typing import Any, Final, Generic, TypeVar

from twinmatch.app.decided import Decided, with_decided
from twinmatch.app.decisions import decided_so_far
from twinmatch.app.round import Repaired, held_twinning, repaired, taken
from twinmatch.app.service import Service, open_service
from twinmatch.exporting.folder_files import proposal_json
from twinmatch.programmes.round import Round
from twinmatch.proposal import Pairs, Proposal
from twinmatch.store import RunSnapshot
from twinmatch.store.history import About
from twinmatch.web.board import Board, Job
from twinmatch.web.jobs import (
    cohort_of,
    programme_made_from,
    proposal_of,
    round_of,
    round_of_version,
)
from twinmatch.web.settings import Settings
from twinmatch.whatif.case import Case, twinning_case
from twinmatch.whatif.difference import ProposalDifference, difference
from twinmatch.whatif.prices import PriceList, price_list
from twinmatch.whatif.repair import Disruption, Kind
from twinmatch.whatif.why_not import WhyNotAnswer, why_not

KEPT: Final = 3
"""Rounds held in memory because somebody asks about them."""

T = TypeVar("T")


class Latest(Generic[T]):
    """The last few of what is long to make, each made once however many ask for it."""

    def __init__(self, most: int) -> None:
        self._kept: OrderedDict[object, T] = OrderedDict()
        self._most, self._lock = most, Lock()

    def get(self, key: object, make: Callable[[], T]) -> T:
        """Return what is kept under a key, or make it."""
        with self._lock:
            if key not in self._kept:
                self._kept[key] = make()
            self._kept.move_to_end(key)
            while len(self._kept) > self._most:
                self._kept.popitem(last=False)
            return self._kept[key]


class Rounds:
    """The rounds behind proposals, read and solved when somebody asks about one, and held for the next question."""

    def __init__(self, board: Board, settings: Settings) -> None:
        self._board, self._settings = board, settings
        self._rounds: Latest[Round] = Latest(KEPT)
        self._held: Latest[Case] = Latest(KEPT)
        self._cases: Latest[Case] = Latest(KEPT)
        self._services: Latest[Service] = Latest(KEPT)

    def round(self, job: Job) -> Round:
        """Return the round of a proposal as it was made: its cities, its programme, what was decided before."""
        return self._rounds.get(job.id, lambda: round_of_version(self._board, self._settings, job))

    def held(self, proposal: str) -> Case:
        """Return the twinning of a proposal as it stands there, ready to be asked what a change costs."""
        job = self._board.job(proposal)
        return self._held.get(
            job.id, lambda: held_twinning(self.round(job), proposal_of(self._board, job.id))
        )

    def case(self, proposal: str) -> Case:
        """Return the twinning of a proposal's round solved under what is decided now."""
        job, now = self._board.job(proposal), self._board.store.held(proposal)
        pairs = decided_so_far(self._board.store, job.id, now)
        key = (job.id, pairs.lock, pairs.ban)
        return self._cases.get(key, lambda: self._solved(job, pairs.lock, pairs.ban))

    def _solved(self, job: Job, lock: Pairs, ban: Pairs) -> Case:
        made = proposal_of(self._board, job.id)
        product = next((p for p in made.products if p.product == "twinning"), None)
        same = (set(lock), set(ban)) == tuple(map(set, made.wanted))
        proven = product is not None and product.status == "optimal"
        # An offer that was taken is the best only under what was kept.
        if same and product is not None and proven and "repairs" not in made.made_from:
            held = self.held(job.id)
            solution = replace(held.solution, status="optimal", engine=product.engine)
            return replace(held, solution=replace(solution, bound=held.total))
        return twinning_case(self._decided(job, lock, ban, made))

    def _decided(self, job: Job, lock: Pairs, ban: Pairs, previous: Proposal | None) -> Round:
        """Return the round of a proposal with other locks and bans, of equally good answers the nearest to another one."""
        round_ = self.round(job)
        programme = programme_made_from(self._board, job.id)
        programme = with_decided(programme, (Decided(lock, ban),), round_.cohort)
        return replace(round_, programme=programme, previous=previous)

    def of(self, asked: Mapping[str, Any]) -> Case:
        """Return the twinning of a round that is only being thought of; it is not held."""
        return twinning_case(round_of(self._board, self._settings, asked))

    def service(self, job: Job) -> Service | None:
        """Return the cities of a proposal's round where they are an upload's; None where they are the service's own."""
        if not job.asked.get("upload"):
            return None
        cities = repr((job.asked["upload"], job.asked.get("hosts", "")))
        return self._services.get(cities, lambda: self._opened(job))

    def _opened(self, job: Job) -> Service:
        settings = self._settings
        cohort = cohort_of(self._board, settings, job.asked)
        return open_service(cohort, programme=settings.programme, model=settings.text_model)

    def why_not(self, proposal: str, guest: str, host: str) -> WhyNotAnswer:
        """Return why a guest and a host do not meet in a proposal."""
        return why_not(self.case(proposal), guest, host)

    def prices(self, proposal: str) -> PriceList:
        """Return what each rule, lock and ban of a proposal's twinning costs, and what a further place is worth."""
        return price_list(self.case(proposal))

    def repair(self, proposal: str, change: Disruption, at_most: int) -> Repaired:
        """Return three offers to repair a proposal."""
        job, now = self._board.job(proposal), self._board.store.held(proposal)
        earlier = proposal_of(self._board, proposal)
        pairs = decided_so_far(self._board.store, job.id, now)
        lock = tuple(_still(pairs.lock, change, earlier))
        round_ = self._decided(job, lock, pairs.ban, None)
        return repaired(earlier, change, round_, at_most)

    def take(self, proposal: str, change: Disruption, at_most: int, kind: Kind, by: str) -> str:
        """Return the id of a further proposal that is an offer to repair one; raises QuestionError where it is none."""
        job = self._board.job(proposal)
        found = self.repair(proposal, change, at_most)
        made = taken(proposal_of(self._board, proposal), found, kind, change)
        told = {
            **again(self._board, job, self._board.store.held(proposal)),
            "repair": {"of": job.id, "offer": kind, "withdrawn": list(change.withdrawn)},
        }
        run = self._board.keep_made(job.title, told, by, proposal_json(made))
        self._board.desk.want(run, "declines")
        return run

    def difference(self, one: str, other: str) -> ProposalDifference:
        """Return how two proposals differ."""
        return difference(proposal_of(self._board, one), proposal_of(self._board, other))


def _still(locks: Iterable[About], change: Disruption, earlier: Proposal) -> list[About]:
    """Return the locks that are not lifted by what happened: whoever withdrew or refused is not locked."""
    ids = {card.name: card.id for card in earlier.cities} | {
        unit.name: unit.id for unit in earlier.units
    }
    gone = {ids.get(name, name) for name in change.withdrawn}
    refused = {frozenset(ids.get(name, name) for name in pair) for pair in change.refused}
    return [p for p in locks if not gone & set(p) and frozenset(p) not in refused]


def again(board: Board, job: Job, now: RunSnapshot) -> dict[str, Any]:
    """Return what to ask for the same round under what is decided now: of equally good answers the nearest."""
    pairs = decided_so_far(board.store, job.id, now)
    cities = {name: job.asked[name] for name in ("upload", "hosts") if job.asked.get(name)}
    return {
        **cities,
        "programme_of": job.id,
        "lock": pairs.lock,
        "ban": pairs.ban,
        "previous": job.id,
    }
