"""Runs that are kept, what is decided about them, and a proposal's pairs as rows with both."""

from __future__ import annotations

import json
import math
import os
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, Literal

import numpy as np

from twinmatch.app.decided import Decided, SheetDecision
from twinmatch.app.group_moves import group_of, groups_wanted
from twinmatch.app.round import fallbacks_of
from twinmatch.errors import DataError, Problem, QuestionError, Where
from twinmatch.exporting.folder_files import Directory
from twinmatch.programmes.round import Round
from twinmatch.proposal import LeftOut, Meeting, Pairs, Product, Proposal, pairs_wanted
from twinmatch.proposal.proposal import is_of_theme
from twinmatch.proposal.tables import ROBUST, SatisfactionRow, TieRow, ids_in, rows_of
from twinmatch.proposal.wire import Hidden
from twinmatch.reading import read_rows
from twinmatch.reading.mapping import toml_value
from twinmatch.store.history import About, HistoryEntry, RunSnapshot, held
from twinmatch.store.records import RunRecord, Store, open_store
from twinmatch.store.tables import Fallbacks, KeptMeeting, as_met
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
    said: dict[str, Any] = {"past": past} | ({"refused_before": refused} if refused else {})
    if kept:
        again = decided_in_run(kept, store)
        said |= {"lock": [pair for pair in again.lock if not group_of(pair)], "ban": again.ban}
    return "".join(f"{name} = {toml_value(value)}\n" for name, value in said.items())


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
    return replace(
        decided_on, lock=found[0], ban=found[1], names=names, splits=splits, letters=now.letters
    )


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


@dataclass(frozen=True)
class PairRow:
    """A pair with everything that is known, decided and said of it; shares in [0, 1], ``stable`` None where not known."""

    meeting: Meeting
    kept: MeetingState
    guest: str
    guest_country: str
    host: str
    host_country: str
    stable: float | None
    tied: bool
    decision: str
    consents: Mapping[str, str | None]
    assigned: str
    comments: int
    contested: bool
    wish: str
    """The place of the host among the guest's wishes, "✓" where these stand in no order, "" where it is none."""

    @property
    def about(self) -> About:
        """Return guest and host by id."""
        return self.kept.about

    @property
    def standing(self) -> str:
        """Return "robust", "fragile", or "" where it is not known."""
        if self.stable is None:
            return ""
        return "robust" if self.stable >= ROBUST else "fragile"

    @property
    def consent(self) -> str:
        """Return the consent of the pair: declined, agreed by all, asked, or ""."""
        return joint(self.consents.values())


@dataclass(frozen=True)
class UnplacedRow:
    """An applicant without a place: who, the reason and its code, what is asked, what is offered, what is known of it."""

    city: str
    name: str
    country: str
    known: float
    left: LeftOut
    tied: bool


@dataclass(frozen=True)
class PairTable:
    """The rows of a proposal's pairs and of its applicants without a place."""

    product: Product | None
    pairs: tuple[PairRow, ...]
    unplaced: tuple[UnplacedRow, ...]

    def agenda(self, gate: float) -> Iterator[tuple[str, tuple[PairRow, ...]]]:
        """Yield what a committee decides first: the code of a reason and its pairs; each pair stands once.

        What was accepted, rejected or banned comes last, unless a city has declined.
        """
        done = tuple(
            r
            for r in self.pairs
            if r.decision in ("accept", "reject", "ban") and r.consent != "declined"
        )
        seen = {r.meeting.id for r in done}
        reasons: tuple[tuple[str, Callable[[PairRow], bool]], ...] = (
            ("declined", lambda r: r.consent == "declined"),
            ("held", lambda r: r.decision == "hold"),
            ("tied", lambda r: r.tied),
            ("fragile", lambda r: r.standing == "fragile"),
            ("thin", lambda r: r.meeting.account.coverage < gate),
            ("locked", lambda r: r.decision == "lock"),
            ("contested", lambda r: r.contested),
            ("open", lambda r: r.decision == ""),
        )
        for code, wanted in reasons:
            found = tuple(r for r in self.pairs if r.meeting.id not in seen and wanted(r))
            seen |= {r.meeting.id for r in found}
            if found:
                yield code, found
        if done:
            yield "done", done


def pair_table(made: Proposal, run: RunState, answers: Mapping[str, Any]) -> PairTable:
    """Return the tables of a proposal's twinning as it stands; ``answers`` has what was worked out of it."""
    product = next((p for p in made.products if p.product == "twinning"), None)
    if product is None:
        return PairTable(None, (), ())
    names, kept = Directory(made), {m.id: m for m in run.meetings}
    stable = {About(guest, host): share for guest, host, share, _ in answers.get("stability") or ()}
    ties = rows_of(product.tables, "tied_choices", TieRow)
    tied, waiting = {(r.guest, r.host) for r in ties}, {r.other_guest for r in ties}
    contested = _contested(product)
    rows = [
        _pair(m, kept[m.id], run, names, stable, tied, contested)
        for m in product.meetings
        if m.id in kept
    ]
    unplaced = [
        UnplacedRow(
            x.city,
            names.name(x.city),
            names.country(x.city),
            names.card(x.city).known,
            x,
            x.city in waiting or x.code == "tie",
        )
        for x in product.left_out
        if x.as_role != "host"
    ]
    return PairTable(product, tuple(rows), tuple(unplaced))


def _pair(
    meeting: Meeting,
    kept: MeetingState,
    run: RunState,
    names: Directory,
    stable: Mapping[About, float],
    tied: set[Any],
    contested: set[str],
) -> PairRow:
    now, about = run.held, kept.about
    guest = meeting.cities("guest")[0]
    hosts = [city for city in kept.cities if city != guest]
    assigned = now.assigned.get(about)
    return PairRow(
        meeting,
        kept,
        names.name(guest),
        names.country(guest),
        names.host(meeting),
        names.countries(hosts),
        stable.get(about),
        about in tied,
        decision_on(run, about),
        kept.consents,
        assigned.why if assigned else "",
        len(now.notes.get(about, ())),
        names.host(meeting) in contested,
        _wish(meeting, guest, {about[1], *hosts}),
    )


def _wish(meeting: Meeting, guest: str, hosts: set[str]) -> str:
    """Return which wish of a guest its host is, as the account of the pair lists them; one in no order has a unit."""
    stated = (f for line in meeting.account.lines if line.facet == "wishes" for f in line.facts)
    for fact in (f for f in stated if f.city == guest):
        place = next((k for k, name in enumerate(ids_in(str(fact.value)), 1) if name in hosts), 0)
        return ("✓" if fact.unit else str(place)) if place else ""
    return ""


def decision_on(run: RunState, about: About) -> str:
    """Return the decision that holds on a pair: lock, ban, hold, accept or reject; "" where there is none."""
    now = run.held
    for kind, pairs in (("lock", now.locks), ("ban", now.bans), ("hold", now.holds)):
        if about in pairs:
            return kind
    verdict = now.verdicts.get(about)
    return verdict.kind if verdict else ""


def moved(locks: Iterable[Pair], city: str, group: str) -> Iterator[dict[str, str]]:
    """Yield the entries that lock a city in a group, in place of any other lock of it in groups of that kind."""
    kind = group.partition(":")[0] + ":"
    for other in (g for c, g in locks if c == city and g.startswith(kind) and g != group):
        yield {"kind": "release", "one": city, "other": other}
    yield {"kind": "lock", "one": city, "other": group}


def not_yet(run: RunState, so_far: Decided, found: Iterable[SheetDecision]) -> list[dict[str, str]]:
    """Return the entries of a workbook's decisions that do not hold yet; ``so_far`` has what the run was made with too."""
    now, entries = run.held, list[dict[str, str]]()
    asked = {kind: {frozenset(p) for p in getattr(so_far, kind)} for kind in ("lock", "ban")}
    for one in found:
        about, why = About(one.one, one.other), one.why
        word, letter = decision_on(run, about), now.letters.get(one.city, ("", ""))
        holds = {
            "release": not word,
            "rename": so_far.names.get(one.one) == why,
            "split": str(so_far.splits.get(one.one)) == why,
            "letter": letter == (one.one, why) or letter[1] == why == "",
            "assign": about in now.assigned and now.assigned[about].why == why,
            "note": any(e.why == why for e in now.notes.get(about, ())),
        }.get(one.kind, word == one.kind or (not word and set(about) in asked.get(one.kind, ())))
        if not holds and group_of(about):
            entries += moved(now.locks, one.one, one.other)
        elif not holds:
            given = {"kind": one.kind, "one": one.one, "other": one.other}
            entries.append({**given, "city": one.city, "why": why})
    return entries


def _contested(product: Product) -> set[str]:
    """Return the names of the hosts that fit some guest best who has another one."""
    rows = rows_of(product.tables, "satisfaction", SatisfactionRow)
    return {row.best_host for row in rows if row.rank > 1}


def pending(made: Proposal, run: RunState) -> tuple[tuple[str, About], ...]:
    """Return what was decided and is not so in the proposal: it holds once the round is solved again."""
    must, must_not = run.held.wanted
    met = {m.about for m in run.meetings}
    met |= {About(city, m.id) for m in run.meetings if not m.host for city in m.cities}
    return (
        *(("must", pair) for pair in must if pair not in met),
        *(("must not", pair) for pair in must_not if pair in met),
        *(
            ("split", About(theme))
            for theme, number in run.held.splits.items()
            if sum(is_of_theme(m.id, theme) for m in run.meetings) != number
        ),
    )
