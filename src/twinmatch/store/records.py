"""The store itself: opening it, keeping runs, adding entries, and remembering past rounds."""

from __future__ import annotations

import hashlib
import json
import zlib
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Annotated, Any, Final
from weakref import finalize

import sqlalchemy as sa
from pydantic import Field

from twinmatch.errors import Problem, QuestionError
from twinmatch.proposal.wire import Hidden, Instant
from twinmatch.reading.personal_data import redact
from twinmatch.store.database import AuditEntry, empty_log, engine_of, migrate, noted, told
from twinmatch.store.history import About, HistoryEntry, RunSnapshot, Status, carried, checked, held
from twinmatch.store.tables import (
    Fallbacks,
    KeptMeeting,
    answers,
    as_met,
    entries,
    meeting_row,
    meetings_of,
    places_of,
    run_meetings,
    runs,
)
from twinmatch.wording import say

TRIES: Final = 8
"""How often an entry is tried again where another one took its number, when no version was named."""

LATEST: Final = 5
"""Entries listed, at most, to a person who decided on what was no longer there."""


@dataclass(frozen=True)
class RunRecord:
    """A run that is kept: its id, title, when and by whom, fingerprints, status and version."""

    id: Annotated[str, Field(alias="run")]
    title: str
    kept_at: Instant
    kept_by: str
    sha256: str
    data_sha256: Hidden[str]
    programme_sha256: Hidden[str]
    status: Status
    version: Annotated[int, Field(description="Over HTTP the ETag too")]


@dataclass(frozen=True)
class PastPair:
    """A pair that a past round remembers: it met (its run was published), or a side declined it."""

    run: str
    title: str
    guest: str
    host: str
    outcome: str


def open_store(place: str | Path) -> Store:
    """Return the store at a path (SQLite) or a postgresql:// address, made or migrated where need be.

    Raises DataError where it cannot be reached, cannot be written, is no store, or was made by a newer version.
    """
    engine = engine_of(str(place))
    try:
        with told(engine, opening=True):
            migrate(engine, str(place))
    except Exception:
        engine.dispose()
        raise
    return Store(engine)


class Store:
    """Runs and their history in a database; every method is one transaction."""

    def __init__(self, engine: sa.Engine) -> None:
        self._engine = engine
        self._reader = engine.execution_options(reading=True)
        finalize(self, engine.dispose)  # a store that nobody closes leaves no connection open

    def close(self) -> None:
        """Close all connections."""
        self._engine.dispose()

    @contextmanager
    def change(self) -> Iterator[sa.Connection]:
        """Give a transaction that writes: all of it is kept, or none of it; DataError where the database cannot."""
        with told(self._engine), self._engine.begin() as connection:
            yield connection

    @contextmanager
    def look(self) -> Iterator[sa.Connection]:
        """Give a transaction that reads, beside those who write; DataError where the database cannot."""
        with told(self._engine), self._reader.begin() as connection:
            yield connection

    def wiped(self) -> None:
        """Leave nothing of what was erased beside the database."""
        with told(self._engine):
            empty_log(self._engine)

    def changes(self) -> tuple[AuditEntry, ...]:
        """Return what was changed beside the history of runs, the first change first."""
        with self.look() as connection:
            return noted(connection)

    # --- runs ---------------------------------------------------------------------------------------------

    def keep(
        self, proposal: bytes, title: str, by: str, fallbacks: Fallbacks | None = None
    ) -> tuple[RunRecord, bool]:
        """Keep a proposal.json; return the run and whether it is new (the same bytes are one run)."""
        for _ in range(TRIES):
            try:
                return self._keep(proposal, title, by, fallbacks)
            except sa.exc.IntegrityError:  # another one kept the same bytes in this very moment
                continue
        return self._keep(proposal, title, by, fallbacks)

    def _keep(
        self, proposal: bytes, title: str, by: str, fallbacks: Fallbacks | None
    ) -> tuple[RunRecord, bool]:
        sha256 = hashlib.sha256(proposal).hexdigest()
        with self.change() as connection:
            same = sa.select(runs.c.id).where(runs.c.sha256 == sha256)
            known = connection.execute(same.order_by(runs.c.kept_at, runs.c.id)).scalars().first()
            if known is None:
                self.keep_as(connection, sha256[:12], proposal, title, by, fallbacks)
        return self.run(known or sha256[:12]), known is None

    def keep_as(
        self,
        connection: sa.Connection,
        run: str,
        proposal: bytes,
        title: str,
        by: str,
        fallbacks: Fallbacks | None = None,
        after: str = "",
    ) -> None:
        """Keep a proposal.json as a run with an id of the caller's, in the caller's transaction.

        ``after`` is the run of which it is a further version: what was decided there goes on.
        """
        plain = json.loads(proposal)
        made_from = plain.get("made_from") or {}
        connection.execute(
            sa.insert(runs).values(
                id=run,
                title=redact(title)[0],
                kept_at=datetime.now(UTC),
                kept_by=redact(by.strip(), names=False)[0],
                sha256=hashlib.sha256(proposal).hexdigest(),
                data_sha256=str((made_from.get("data") or {}).get("sha256", "")),
                programme_sha256=str((made_from.get("programme") or {}).get("sha256", "")),
                proposal=zlib.compress(proposal, 6),
            )
        )
        rows = [meeting_row(run, meeting) for meeting in meetings_of(plain, fallbacks)]
        if rows:
            connection.execute(sa.insert(run_meetings), rows)
        if earlier := carried(_history(connection, after)) if after else ():
            lines = [{"run": run, **vars(entry)} for entry in earlier]
            connection.execute(sa.insert(entries), lines)

    def runs(self) -> tuple[RunRecord, ...]:
        """Return all runs, the one kept last first."""
        with self.look() as connection:
            query = sa.select(*_run_columns()).order_by(runs.c.kept_at.desc(), runs.c.id)
            found = connection.execute(query).all()
            histories = _histories(connection)
        return tuple(_kept(row, held(histories.get(row.id, ()))) for row in found)

    def run(self, name: str) -> RunRecord:
        """Return the run whose id begins with a name; raises QuestionError where none or several do."""
        with self.look() as connection:
            row = _find(connection, name)
            return _kept(row, held(_history(connection, row.id)))

    def proposal(self, name: str) -> bytes:
        """Return the proposal.json of a run, byte for byte as it was kept."""
        with self.look() as connection:
            return _content(connection, _find(connection, name).id)

    def meetings(self, name: str) -> tuple[KeptMeeting, ...]:
        """Return the meetings of a run with what is offered if a side declines, by product and then by guest or id."""
        with self.look() as connection:
            return _meetings(connection, _find(connection, name).id)

    # --- the history --------------------------------------------------------------------------------------

    def history(self, name: str) -> tuple[HistoryEntry, ...]:
        """Return the entries of a run, the first one first."""
        with self.look() as connection:
            return _history(connection, _find(connection, name).id)

    def held(self, name: str) -> RunSnapshot:
        """Return what holds of a run now."""
        return held(self.history(name))

    def add(
        self,
        name: str,
        kind: str,
        by: str,
        *,
        one: str = "",
        other: str = "",
        city: str = "",
        why: str = "",
        seen: int | None = None,
    ) -> HistoryEntry:
        """Add an entry to a run's history and return it, as :meth:`add_all` does several."""
        asked = {"kind": kind, "one": one, "other": other, "city": city, "why": why}
        return self.add_all(name, by, [asked], seen)[-1]

    def add_all(
        self, name: str, by: str, asked: Sequence[Mapping[str, str]], seen: int | None = None
    ) -> tuple[HistoryEntry, ...]:
        """Add entries to a run's history in one step, which one undo takes back, and return them; they are on disk then.

        Each has a kind and may have one, other, city and why. All are written, or none.

        A pair may be named by its guest and host, or by the id of its meeting; cities and units by id or name. ``seen`` is the version that the
        writer has seen; where the run has gone on since, nothing is written. Raises QuestionError for a run, kind,
        meeting or city that is not there, and for a step out of order.
        """
        if not by.strip():
            raise QuestionError.of(
                "by-missing", say("It is not said who decides."), do=say("Name yourself with --by.")
            )
        # What people write may name others; that is taken out before it is kept where nothing can be taken out.
        at, who = datetime.now(UTC), named(by)
        step = [
            HistoryEntry(0, at, who, **{**one, "why": redact(one.get("why", "").strip())[0]})
            for one in asked
        ]
        for _ in range(TRIES):
            try:
                return self._add(name, step, seen)
            except sa.exc.IntegrityError:
                if seen is not None:
                    break
        raise _changed_meanwhile(self.history(name), seen or 0)

    def _add(
        self, name: str, step: Sequence[HistoryEntry], seen: int | None
    ) -> tuple[HistoryEntry, ...]:
        with self.change() as connection:
            run = _find(connection, name).id
            # Writers of one run wait for each other (SQLite lets only one write at a time).
            connection.execute(sa.select(runs.c.id).where(runs.c.id == run).with_for_update())
            history = list(_history(connection, run))
            version = len(history)
            if seen is not None and seen != held(history).version:
                raise _changed_meanwhile(history, seen)
            meetings = _meetings(connection, run)
            by_about, known = {m.about: m.cities for m in meetings}, dict[str, str]()
            # No two steps have one instant: it is what tells them apart.
            at, instants = step[0].at, {entry.at for entry in history}
            while at in instants:
                at += timedelta(microseconds=1)
            for asked in step:
                now, places = held(history), dict[str, str]()
                entry = replace(_about(asked, meetings), number=now.version + 1, at=at)
                if not _is_of(entry, meetings):
                    known = places = known or places_of(json.loads(_content(connection, run)))
                    entry = _as_known(_by_id(entry, places), meetings, history)
                checked(now, entry, by_about, places)
                undone = now.undoable if entry.kind == "undo" else ()
                history += [
                    replace(entry, number=entry.number + k, one=str(e.number), other="", city="")
                    for k, e in enumerate(undone)
                ] or [entry]
            added = tuple(history[version:])
            if added:
                lines = [{"run": run, **vars(entry)} for entry in added]
                connection.execute(sa.insert(entries), lines)
        return added

    # --- past rounds --------------------------------------------------------------------------------------

    def past(self, *, but: str = "") -> tuple[PastPair, ...]:
        """Return the pairs of runs that are published now, and those that a side declined; by run and guest.

        A pair that was rejected or banned before its run was published has not met.

        ``but`` is the id of a run that is not past.
        """
        with self.look() as connection:
            query = sa.select(*_run_columns()).order_by(runs.c.kept_at, runs.c.id.desc())
            rows = [row for row in connection.execute(query) if row.id != but]
            histories = _histories(connection)
            found = []
            for row in rows:
                now = held(histories.get(row.id, ()))
                declined = set(now.declined)
                refused = set(now.wanted[1]) - declined
                if now.status != "published" and not declined:
                    continue
                for meeting in _meetings(connection, row.id):
                    outcome = "declined" if meeting.about in declined else "met"
                    if not meeting.host or meeting.about in refused:
                        continue
                    if outcome == "declined" or now.status == "published":
                        found.append(
                            PastPair(row.id, row.title, meeting.guest, meeting.host, outcome)
                        )
        return tuple(found)

    def refused(self, *, but: str = "") -> tuple[str, ...]:
        """Return the applicants of published runs for whom there was no place, but for those with a pair since; by id.

        ``but`` is the id of a run that is not past.
        """
        found: set[str] = set()
        with self.look() as connection:
            query = sa.select(runs.c.id).where(runs.c.id != but).order_by(runs.c.kept_at, runs.c.id)
            histories = _histories(connection)
            for run in connection.execute(query).scalars().all():
                now = held(histories.get(run, ()))
                if now.status != "published":
                    continue
                products = json.loads(_content(connection, run))["products"]
                twinning = (p for p in products if p["product"] == "twinning")
                left = [
                    x for p in twinning for x in p.get("left_out", ()) if x.get("as_role") != "host"
                ]
                found |= {x["city"] for x in left if x.get("code") in OUTRANKED}
                met = {m.about for m in _meetings(connection, run) if m.host}
                found -= {guest for guest, _ in met - {*now.wanted[1]}}
        return tuple(sorted(found))


OUTRANKED: Final = ("quota", "capacity", "places", "tie")
"""Why an eligible applicant has no pair where others took the places."""


def named(by: str) -> str:
    """Return the name of who keeps or decides; raises QuestionError where it is an address or a number."""
    name = by.strip()
    if redact(name, names=False)[1]:
        raise QuestionError.of(
            "by-personal",
            say("An e-mail address or a telephone number is kept for nobody."),
            do=say("Give a name, a role or a body."),
        )
    return name


# --- rows -----------------------------------------------------------------------------------------------------


def _find(connection: sa.Connection, name: str) -> Any:
    query = sa.select(*_run_columns())
    exact = connection.execute(query.where(runs.c.id == name)).first() if _sane(name) else None
    if exact is not None:
        return exact
    begins = query.where(runs.c.id.startswith(name, autoescape=True)).order_by(runs.c.id)
    found = connection.execute(begins.limit(2)).all() if name and _sane(name) else []
    if len(found) == 1:
        return found[0]
    raise QuestionError(
        Problem(
            "run-unknown",
            say("No run {name} is kept.", name=repr(name[:40])),
            do=say("See twinmatch runs."),
        )
        if not found
        else Problem(
            "run-ambiguous",
            say("Several runs begin with {name}.", name=repr(name)),
            do=say("Give more of the id."),
        )
    )


def _sane(name: str) -> bool:
    """Return whether a name can be an id at all: a database is not asked with characters that it refuses."""
    return name.isascii() and name.isprintable()


def _kept(row: Any, now: RunSnapshot) -> RunRecord:
    return RunRecord(**row._mapping, status=now.status, version=now.version)


def _history(connection: sa.Connection, run: str) -> tuple[HistoryEntry, ...]:
    query = sa.select(entries).where(entries.c.run == run).order_by(entries.c.number)
    return tuple(_entry(row) for row in connection.execute(query))


def _histories(connection: sa.Connection) -> dict[str, list[HistoryEntry]]:
    found: dict[str, list[HistoryEntry]] = {}
    for row in connection.execute(sa.select(entries).order_by(entries.c.run, entries.c.number)):
        found.setdefault(row.run, []).append(_entry(row))
    return found


def _entry(row: Any) -> HistoryEntry:
    _, *said = row
    return HistoryEntry(*said)


def _about(asked: HistoryEntry, meetings: Sequence[KeptMeeting]) -> HistoryEntry:
    """Return an entry about a pair by its guest and host, also where the id of its meeting was named."""
    if asked.other or not asked.one:
        return asked
    by_id: dict[str, About] = {m.id: m.about for m in meetings}
    one, other = by_id.get(asked.one, asked.about)
    return replace(asked, one=one, other=other)


def _is_of(entry: HistoryEntry, meetings: Sequence[KeptMeeting]) -> bool:
    """Return whether an entry names a meeting of the run, and nobody who is not in it; or no meeting at all."""
    cities = next((m.cities for m in meetings if m.about == entry.about), None)
    return not entry.one or (cities is not None and entry.city in {"", *cities})


def _by_id(entry: HistoryEntry, places: Mapping[str, str]) -> HistoryEntry:
    """Return an entry with the ids of cities and units in place of their names."""
    one, other, city = (
        places.get(name.casefold(), name) for name in (entry.one, entry.other, entry.city)
    )
    return replace(entry, one=one, other=other, city=city)


def _as_known(
    entry: HistoryEntry, meetings: Sequence[KeptMeeting], history: Sequence[HistoryEntry]
) -> HistoryEntry:
    """Return an entry about a pair as the run, or what was said before, has the pair: either way round is the same."""
    if not entry.other:
        return entry
    one, other = as_met(entry.about, meetings)
    if (other, one) in {said.about for said in history}:
        one, other = other, one
    return replace(entry, one=one, other=other)


def _content(connection: sa.Connection, run: str) -> bytes:
    packed = sa.select(runs.c.proposal).where(runs.c.id == run)
    return zlib.decompress(connection.execute(packed).scalar_one())


def _meetings(connection: sa.Connection, run: str) -> tuple[KeptMeeting, ...]:
    query = sa.select(run_meetings).where(run_meetings.c.run == run)
    later = sa.select(answers.c.content).where(answers.c.run == run, answers.c.what == "declines")
    falls = {
        (one, other): (tuple(guest), tuple(host))
        for one, other, guest, host in connection.execute(later).scalar() or ()
    }
    found = [
        KeptMeeting(
            r.meeting,
            r.product,
            r.label,
            r.one if r.other else "",
            r.other,
            tuple(r.cities),
            r.score,
            *falls.get((r.one, r.other), (tuple(r.if_guest_declines), tuple(r.if_host_declines))),
        )
        for r in connection.execute(query)
    ]
    return tuple(sorted(found, key=lambda m: (not m.host, m.product, m.about)))


def _run_columns() -> list[sa.Column[Any]]:
    return [c for c in runs.c if c.name != "proposal"]


def _changed_meanwhile(history: Sequence[HistoryEntry], seen: int) -> QuestionError:
    """Return the error that tells what others did meanwhile; nothing was written."""
    later = [entry for entry in history if entry.number > seen]
    told = "; ".join(f"{e.by} {e.told()}" for e in later[-LATEST:]) or f"there is no version {seen}"
    return QuestionError.of(
        "changed-meanwhile",
        say("The run has gone on since it was seen ({told}); nothing was written.", told=told),
        do=say("Look at it as it is now, then decide again."),
    )
