"""The rounds behind proposals: read and solved when somebody asks about one, and held for the next question."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Iterable, Mapping
from threading import Lock
from typing import Any, Final

from twinmatch.app.decisions import decided_so_far, kept_fallbacks
from twinmatch.app.round import Repaired, repaired, taken
from twinmatch.exporting.folder_files import proposal_json
from twinmatch.programmes.round import Round
from twinmatch.proposal import Proposal
from twinmatch.store import RunSnapshot
from twinmatch.store.history import About
from twinmatch.web.board import Board, Job
from twinmatch.web.jobs import proposal_of, round_of
from twinmatch.web.settings import Settings
from twinmatch.whatif.case import Case, twinning_case
from twinmatch.whatif.difference import ProposalDifference, difference
from twinmatch.whatif.prices import PriceList, price_list
from twinmatch.whatif.repair import Disruption, Kind
from twinmatch.whatif.why_not import WhyNotAnswer, why_not

KEPT: Final = 3
"""Rounds held in memory because somebody asks about them."""


class Rounds:
    """The rounds behind proposals, read and solved when somebody asks about one, and held for the next question."""

    def __init__(self, board: Board, settings: Settings) -> None:
        self._board, self._settings = board, settings
        self._kept: OrderedDict[tuple[str, int], Case] = OrderedDict()
        self._lock = Lock()

    def case(self, proposal: str) -> Case:
        """Return the twinning of a proposal's round under what is decided now."""
        job, now = self._board.job(proposal), self._board.store.held(proposal)
        key = (job.id, now.version)
        with self._lock:
            if key in self._kept:
                self._kept.move_to_end(key)
                return self._kept[key]
            case = twinning_case(self._round(again(self._board, job, now)))
            self._kept[key] = case
            while len(self._kept) > KEPT:
                self._kept.popitem(last=False)
            return case

    def of(self, asked: Mapping[str, Any]) -> Case:
        """Return the twinning of a round that is only being thought of; it is not held."""
        return twinning_case(self._round(asked))

    def _round(self, asked: Mapping[str, Any]) -> Round:
        return round_of(self._board, self._settings, asked)

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
        asked = again(self._board, job, now)
        lock = _still(asked["lock"], change, earlier)
        return repaired(
            earlier, change, self._round({**asked, "lock": lock, "previous": ""}), at_most
        )

    def take(self, proposal: str, change: Disruption, at_most: int, kind: Kind, by: str) -> str:
        """Return the id of a further proposal that is an offer to repair one; raises QuestionError where it is none."""
        job = self._board.job(proposal)
        found = self.repair(proposal, change, at_most)
        made = taken(proposal_of(self._board, proposal), found, kind, change)
        result, falls = proposal_json(made), kept_fallbacks(made, found.round)
        told = {
            **again(self._board, job, self._board.store.held(proposal)),
            "repair": {"of": job.id, "offer": kind, "withdrawn": list(change.withdrawn)},
        }
        return self._board.keep_made(job.title, told, by, result, falls)

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
    upload = {"upload": job.asked["upload"]} if job.asked.get("upload") else {}
    return {
        **upload,
        "programme_of": job.id,
        "lock": pairs.lock,
        "ban": pairs.ban,
        "previous": job.id,
    }
