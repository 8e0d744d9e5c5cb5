"""The rounds behind proposals: read and solved when somebody asks about one, and held for the next question."""

from __future__ import annotations

import tempfile
from collections import OrderedDict
from collections.abc import Mapping
from pathlib import Path
from threading import Lock
from typing import Any, Final

from twinmatch.app.loop import RoundAsked, open_round, twinning_case
from twinmatch.difference import Difference, difference
from twinmatch.explain import WhyNot, why_not
from twinmatch.repair import Change, Repair, earlier_pairs, repair
from twinmatch.web.board import Board, Job
from twinmatch.web.desk import Desk, Held, held
from twinmatch.web.jobs import previous_of, profiles_of, programme_of, proposal_of
from twinmatch.web.settings import Settings
from twinmatch.whatif import Case, held_case, twinning_of

KEPT: Final = 3
"""Rounds held in memory because somebody asks about them."""


class Rounds:
    """The rounds behind proposals, read and solved when somebody asks about one, and held for the next question."""

    def __init__(self, board: Board, settings: Settings) -> None:
        self._board, self._settings, self._desk = board, settings, Desk(board)
        self._kept: OrderedDict[tuple[str, int], Case] = OrderedDict()
        self._lock = Lock()

    def case(self, proposal: str) -> Case:
        """Return the twinning of a proposal's round under what is decided now."""
        job = self._board.job(proposal)
        now = held(self._desk.history(proposal))
        key = (proposal, now.version)
        with self._lock:
            if key in self._kept:
                self._kept.move_to_end(key)
                return self._kept[key]
            with tempfile.TemporaryDirectory(prefix="twinmatch-") as folder:
                case = twinning_case(self._asked(job, now, Path(folder)))
            self._kept[key] = case
            while len(self._kept) > KEPT:
                self._kept.popitem(last=False)
            return case

    def of(self, asked: Mapping[str, Any]) -> Case:
        """Return the twinning of a round that is only being thought of; it is not held."""
        with tempfile.TemporaryDirectory(prefix="twinmatch-") as name:
            folder = Path(name)
            return twinning_case(
                RoundAsked(
                    profiles_of(self._board, self._settings, asked, folder),
                    programme_of(self._settings, asked, folder),
                    previous_of(self._board, asked, folder),
                    [(str(a), str(b)) for a, b in asked.get("lock", [])],
                    [(str(a), str(b)) for a, b in asked.get("ban", [])],
                    self._settings.text_model or "auto",
                )
            )

    def _asked(self, job: Job, now: Held, folder: Path) -> RoundAsked:
        locks, bans = pairs_of(job, now)
        return RoundAsked(
            profiles_of(self._board, self._settings, job.asked, folder),
            programme_of(self._settings, job.asked, folder),
            previous_of(self._board, job.asked, folder),
            locks,
            bans,
            self._settings.text_model or "auto",
        )

    def why_not(self, proposal: str, guest: str, host: str) -> WhyNot:
        """Return why a guest and a host do not meet in a proposal."""
        return why_not(self.case(proposal), guest, host)

    def repair(self, proposal: str, change: Change, at_most: int) -> Repair:
        """Return three offers to repair a proposal."""
        job, earlier = self._board.job(proposal), proposal_of(self._board, proposal)
        now = held(self._desk.history(proposal))
        with tempfile.TemporaryDirectory(prefix="twinmatch-") as folder:
            opened = open_round(self._asked(job, now, Path(folder)))
        case = held_case(opened.round, twinning_of(opened.programme), earlier_pairs(earlier))
        return repair(case, change, at_most)

    def difference(self, one: str, other: str) -> Difference:
        """Return how two proposals differ."""
        return difference(proposal_of(self._board, one), proposal_of(self._board, other))


def pairs_of(job: Job, now: Held) -> tuple[list[tuple[str, str]], list[tuple[str, str]]]:
    """Return the locks and bans of a proposal: those it was asked with, as later decisions changed them."""
    decided = {*now.locks, *now.bans}
    found = []
    for name, mine in (("lock", now.locks), ("ban", now.bans)):
        asked = [(str(a), str(b)) for a, b in job.asked.get(name, [])]
        found.append([*(p for p in asked if p not in decided), *mine])
    return found[0], found[1]


def again(job: Job, now: Held) -> dict[str, Any]:
    """Return what to ask for the same round under what is decided now, changing as little as possible."""
    locks, bans = pairs_of(job, now)
    asked = {k: v for k, v in job.asked.items() if k not in {"lock", "ban", "previous"}}
    rejected = [m.partition("::")[2] for m in now.verdicts if now.verdicts[m].kind == "reject"]
    bans += [(g, h) for g, _, h in (m.partition("=") for m in rejected) if h and (g, h) not in bans]
    return {**asked, "lock": locks, "ban": bans, "previous": job.id}
