"""Runs that are kept, and what is decided about them."""

from __future__ import annotations

import json
import math
import os
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, Literal

import numpy as np

from twinmatch.app.decided import Decided, group_of, groups_wanted
from twinmatch.app.round import fallbacks_of
from twinmatch.errors import DataError, Problem, QuestionError, Where
from twinmatch.files import toml_text
from twinmatch.programmes.round import Round
from twinmatch.proposal import Pairs, Proposal, pairs_wanted
from twinmatch.proposal.wire import Hidden
from twinmatch.reading import read_rows
from twinmatch.store import (
    About,
    Fallbacks,
    HistoryEntry,
    KeptMeeting,
    RunRecord,
    RunSnapshot,
    Store,
    as_met,
    held,
    open_store,
)
from twinmatch.whatif.case import Case
from twinmatch.whatif.learning import Learned, learn, preferences
from twinmatch.wording import say

DEFAULT_STORE = "twinmatch.sqlite"


Pair = tuple[str, str]


def joint(said: Iterable[str | None]) -> str:
    """Return the consent of several cities: declined where one has, agreed where all have, asked where one was, or ""."""
    words = list(said)
    if "declined" in words:
        return "declined"
    if words and set(words) == {"agreed"}:
        return "agreed"
    return "asked" if any(words) else ""


Consent = Literal["asked", "agreed", "declined"]


@dataclass(frozen=True)
class MeetingState(KeptMeeting):
    """A meeting of a run with what was decided about it, and by city what is known of its consent (null: not asked)."""

    verdict: Literal["accept", "reject"] | None = None
    consents: Mapping[str, Consent | None] = field(default_factory=dict)


@dataclass(frozen=True)
class RunState(RunRecord):
    """A run as it stands: what holds, how it came about, and its meetings with what is offered if a side declines."""

    held: Hidden[RunSnapshot]
    locks: tuple[About, ...]
    bans: tuple[About, ...]
    history: tuple[HistoryEntry, ...]
    meetings: tuple[MeetingState, ...]


def store_place(place: str | None = None) -> str:
    """Return where the store is: as named, else TWINMATCH_STORE, else a file in the current folder."""
    return place or os.environ.get("TWINMATCH_STORE", "") or DEFAULT_STORE


def standing_store(place: str | None = None) -> str:
    """Return where the store is; raises DataError where there is none yet, so that no misspelt name makes an empty one."""
    found = store_place(place)
    file = found.removeprefix("sqlite:///")
    if "://" not in file and not Path(file).exists():
        do = say("Name it with --store, or keep a run first: twinmatch runs keep PROPOSAL.json")
        raise DataError.of("no-store", say("There is no store here yet."), Where(found), do)
    return found


@contextmanager
def opened(place: str | None, *, make: bool = False) -> Iterator[Store]:
    """Give the store of a place, and close it again; only ``make`` makes one that is not there."""
    store = open_store(store_place(place) if make else standing_store(place))
    try:
        yield store
    finally:
        store.close()


def keep_run(
    store: Store, proposal: Proposal, content: bytes, by: str, round_: Round, title: str = ""
) -> tuple[RunRecord, bool]:
    """Keep a proposal, and the bytes of its proposal.json, as a run; return it and whether it is new.

    What is offered if a side declines is kept with it, computed in ``round_``. Raises QuestionError where nobody
    keeps it, DataError where the store cannot be used.
    """
    if not by.strip():
        found = say("It is not said who keeps it.")
        raise QuestionError.of("by-missing", found, do=say("Name yourself with --by."))
    return store.keep(content, title or proposal.title, by, kept_fallbacks(proposal, round_))


def kept_fallbacks(proposal: Proposal, round_: Round) -> Fallbacks:
    """Return what is offered if a side of a pair declines, as the store keeps it."""
    found = fallbacks_of(proposal, round_)
    return {About(f.guest, f.host): (f.if_guest_declines, f.if_host_declines) for f in found}


def run_state(run: str, store: Store) -> RunState:
    """Return a run as it stands."""
    history = store.history(run)
    now, kept = held(history), store.run(run)
    meetings = tuple(_meeting_state(meeting, now) for meeting in store.meetings(run))
    # Status and version are those of this very history, even where somebody has written since the run was read.
    kept = replace(kept, status=now.status, version=now.version)
    return RunState(
        **vars(kept), held=now, locks=now.locks, bans=now.bans, history=history, meetings=meetings
    )


def _meeting_state(meeting: KeptMeeting, now: RunSnapshot) -> MeetingState:
    verdict: Any = now.verdicts.get(meeting.about)
    said: Mapping[str, Any] = now.consents.get(meeting.about, {})
    consents = {city: said[city].kind if city in said else None for city in meeting.cities}
    return MeetingState(**vars(meeting), verdict=verdict and verdict.kind, consents=consents)


def past_rounds(store: Store) -> Decided:
    """Return what past rounds decide of the next: pairs that do not meet again, and applicants who were refused a place."""
    return Decided(past=_met(store), refused=store.refused())


def _met(store: Store, but: str = "") -> Pairs:
    return tuple(sorted({(p.guest, p.host) for p in store.past(but=but)}))


def programme_lines(run: str | None, store: Store) -> str:
    """Return lines for [twinning] of a programme file: a run's locks and bans, and the pairs of past rounds."""
    kept = store.run(run).id if run else ""
    past, refused = _met(store, kept), store.refused(but=kept)
    lines = [_pairs_line("past", past)]
    if refused:
        lines.append(f"refused_before = [{', '.join(map(toml_text, refused))}]\n")
    if kept:
        again = decided_in_run(kept, store)
        lock = [pair for pair in again.lock if not group_of(pair)]
        lines += [_pairs_line("lock", lock), _pairs_line("ban", again.ban)]
    return "".join(lines)


def decided_so_far(store: Store, run: str, now: RunSnapshot) -> Decided:
    """Return the locks and bans that a run was made with, as its decisions changed them."""
    must, must_not = now.wanted
    history = store.history(run)
    live = [e for e in history if e.number not in now.undone]
    released = {e.about for e in live if e.kind == "release"}
    decided = {frozenset(pair) for pair in (*must, *must_not, *released)}
    made_from = json.loads(store.proposal(run))["made_from"]
    meetings = store.meetings(run)
    found: list[Pairs] = []
    lifted: list[Pair] = []
    locks, bans = pairs_wanted(made_from)
    for made, asked in (((*locks, *groups_wanted(made_from)), must), (bans, must_not)):
        same = {pair: frozenset(as_met(pair, meetings)) for pair in made}
        gone = decided - {frozenset(pair) for pair in asked}
        lifted += [pair for pair in made if same[pair] in gone]
        again = {same[pair] for pair in made}
        further = (pair for pair in asked if frozenset(pair) not in again)
        found.append((*(pair for pair in made if same[pair] not in gone), *further))
    rejected = (one for (one, other), e in now.verdicts.items() if e.kind == "reject" and not other)
    decided_on = Decided(
        lifted=tuple(lifted), rejected=tuple(rejected), run=run, made_from=made_from
    )
    names, splits = _groups_so_far(made_from, history, now)
    return replace(decided_on, lock=found[0], ban=found[1], names=names, splits=splits)


def _groups_so_far(
    made_from: Mapping[str, Any], history: Sequence[HistoryEntry], now: RunSnapshot
) -> tuple[dict[str, str], dict[str, int]]:
    """Return names of groups and splits of themes that a run was made with, as its decisions changed them."""
    settings = (made_from.get("programme") or {}).get("settings") or {}
    splits = {
        f"{product}:{theme}": number
        for product, part in settings.items()
        if isinstance(part, dict) and isinstance(part.get("split"), dict)
        for theme, number in part["split"].items()
    }
    said = {(e.kind, e.one) for e in history}
    names = {k: v for k, v in settings.get("names", {}).items() if ("rename", k) not in said}
    splits = {k: v for k, v in splits.items() if ("split", k) not in said}
    return {**names, **now.names}, {**splits, **now.splits}


def decided_in_run(run: str, store: Store) -> Decided:
    """Return what a run of the store asks of the next time it is solved, as its decisions have it now."""
    kept = store.run(run).id
    return decided_so_far(store, kept, store.held(kept))


def _pairs_line(name: str, pairs: Sequence[tuple[str, str]]) -> str:
    return f"{name} = [" + ", ".join(f"[{toml_text(a)}, {toml_text(b)}]" for a, b in pairs) + "]\n"


SHOWN = 3
"""Best other hosts of a guest that count as shown and not taken when a pair is accepted."""


def learn_weights(case: Case, liked: dict[Pair, float], *, shown: bool) -> Learned:
    """Return the weights that a value for each of some pairs suggests; what is liked more has a higher value.

    With ``shown``, the best other hosts of each guest that liked a pair count as seen and not taken. Raises
    QuestionError where there is too little to learn from.
    """
    affinity = case.ready.affinity
    guests = {case.guest_id(g): g for g in range(len(case.ready.frame.guests))}
    hosts = {host.id: h for h, host in enumerate(case.hosts)}
    standings = {
        (guest, host): [float(affinity.standing[f][g, h]) for f in affinity.weights]
        for guest, g in guests.items()
        for host, h in hosts.items()
    }
    seen: set[Pair] = set()
    for guest, host in [p for p, value in liked.items() if value > 0 and shown]:
        if guest in guests and host in hosts:
            order = np.argsort(-np.round(affinity.score[guests[guest]], 9), kind="stable")
            others = [case.hosts[int(h)].id for h in order if case.hosts[int(h)].id != host]
            seen |= {(guest, other) for other in others[:SHOWN]}
    return learn(affinity.weights, preferences(standings, liked, seen))


def liked_in_store(store: Store) -> dict[Pair, float]:
    """Return what all runs of the store say of pairs: 1 accepted or locked, -1 rejected or banned; the last run counts."""
    liked: dict[tuple[str, str], float] = {}
    for run in reversed(store.runs()):
        now = store.held(run.id)
        said = {p: e.kind for p, e in now.verdicts.items() if p.other}
        liked |= {p: 1.0 if kind == "accept" else -1.0 for p, kind in said.items()}
        liked.update((pair, 1.0) for pair in now.locks)
        liked.update((pair, -1.0) for pair in now.bans)
    return liked


def satisfaction_of(path: Path) -> dict[Pair, float]:
    """Return the satisfaction with pairs of a CSV with the columns guest, host and satisfaction, on any scale."""
    liked, problems = {}, []
    for number, row in enumerate(read_rows(path, ("guest", "host", "satisfaction")), 2):
        try:
            value = float(row["satisfaction"])
            if not math.isfinite(value):
                raise ValueError
            liked[row["guest"].strip(), row["host"].strip()] = value
        except ValueError:
            where, found = Where(path.name, row=number, column="satisfaction"), row["satisfaction"]
            problems.append(
                Problem("not-a-number", say("{found} is no number.", found=repr(found)), where)
            )
    if problems:
        raise DataError(problems)
    return liked
