"""The database of a store, SQLite or PostgreSQL: opened, migrated, what it cannot do in words, and what is erased.

SQLite names its errors (sqlite.org/rescode.html) and PostgreSQL numbers them (SQLSTATE, its manual's appendix A); what
neither names is passed on as it was said.

What the law lets nobody keep for ever is taken out of the history: names after a time, reasons on demand.

The names of who decided and the words that they wrote give way to ``(removed)``. What was decided, about whom and when
stays as it was, and the change is noted itself.

Changes beside the history of runs are lines of their own: who did what to which key, upload or name, and when. A line
names persons and things by id, so it holds no personal data and can be kept for as long as the store; the database lets
nobody change or delete one.
"""

from __future__ import annotations

import os
import sqlite3
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Final

import sqlalchemy as sa

from twinmatch.errors import DataError, Problem, QuestionError, Where
from twinmatch.reading.personal_data import redact
from twinmatch.store.migrations import EARLIER, HEAD, bring, revision, thawed
from twinmatch.store.tables import changes, entries, run_meetings, runs
from twinmatch.wording import say

BUSY_MS: Final = 10_000
"""How long a writer waits for another one, in milliseconds."""

CONNECT_SECONDS: Final = 10
"""How long a server may take to let a connection in, unless the address says otherwise."""

MIGRATION_LOCK: Final = 20_190_817
"""Key of the lock that lets one process at a time migrate a PostgreSQL store."""


def shown(place: str) -> str:
    """Return the place without a password."""
    return sa.make_url(place).render_as_string(hide_password=True) if "://" in place else place


def engine_of(place: str) -> sa.Engine:
    """Return the engine of a place; raises QuestionError and DataError where it can be none."""
    if place.startswith(("postgresql://", "postgres://")):
        url = _address(place)
        # A server that does not answer is reported within seconds; one that is back is found by the next request.
        patience = {} if "connect_timeout" in url.query else {"connect_timeout": CONNECT_SECONDS}
        return sa.create_engine(
            url, pool_pre_ping=True, hide_parameters=True, connect_args=patience
        )
    if "://" in place and not place.startswith("sqlite"):
        raise QuestionError.of(
            "store-kind",
            say("A store is a file or a postgresql:// address, not {p}.", p=repr(shown(place))),
            do=say("Name one of the two."),
        )
    path = Path(place.removeprefix("sqlite:///"))
    if not path.absolute().parent.is_dir():
        raise DataError.of(
            "store-folder",
            say("There is no such folder."),
            Where(str(path.absolute().parent)),
            say("Make it first."),
        )
    if path.exists() and not all(os.access(p, os.W_OK) for p in (path, path.absolute().parent)):
        return _only_read(path)
    # An error is logged without the values that it was about: they are what people wrote.
    engine = sa.create_engine(
        f"sqlite:///{path}", connect_args={"timeout": BUSY_MS / 1000}, hide_parameters=True
    )
    sa.event.listen(engine, "connect", _prepare_sqlite)
    sa.event.listen(engine, "begin", _begin_sqlite)
    return engine


def _only_read(path: Path) -> sa.Engine:
    """Return the engine of a file that this process may not write to: what is in it can be looked at."""

    def connected() -> sqlite3.Connection:
        # SQLite makes files beside one with a log to read it, but not for one that it is told nobody changes; where
        # the log is there, somebody does.
        still = "" if Path(f"{path}-wal").exists() else "&immutable=1"
        address = f"{path.absolute().as_uri()}?mode=ro{still}"
        return sqlite3.connect(
            address, uri=True, timeout=BUSY_MS / 1000, check_same_thread=False, isolation_level=None
        )

    engine = sa.create_engine(f"sqlite:///{path}", creator=connected, hide_parameters=True)
    sa.event.listen(engine, "begin", _begin_sqlite)
    return engine


def _address(place: str) -> sa.URL:
    """Return a PostgreSQL address with its driver; raises QuestionError where it is none, or the driver is missing."""
    _, _, rest = place.partition("://")
    try:
        import psycopg  # noqa: F401
    except ImportError as error:
        found = say("A store on PostgreSQL needs a driver that is not installed.")
        do = say("Install it with: pip install 'twinmatch[postgres]'.")
        raise QuestionError.of("store-driver", found, do=do) from error
    try:
        return sa.make_url(f"postgresql+psycopg://{rest}")
    except (sa.exc.ArgumentError, ValueError) as error:
        found = say("The address of the store cannot be read.")  # it may have a password
        do = say("Write postgresql://user@host:port/database.")
        raise QuestionError.of("store-address", found, do=do) from error


def _prepare_sqlite(connection: Any, _: object) -> None:
    """Durable and checked: every commit is on disk when it is acknowledged, and references hold."""
    connection.isolation_level = None  # the driver opens no transactions of its own; "begin" does
    for pragma in (
        f"busy_timeout={BUSY_MS}",
        "journal_mode=WAL",
        "synchronous=FULL",
        "foreign_keys=ON",
    ):
        connection.execute(f"PRAGMA {pragma}").close()


def _begin_sqlite(connection: sa.Connection) -> None:
    """A change takes its turn before it reads, so that what it has read still holds when it writes."""
    reading = connection.get_execution_options().get("reading")
    connection.exec_driver_sql("BEGIN" if reading else "BEGIN IMMEDIATE")


def migrate(engine: sa.Engine, place: str) -> None:
    """Bring the tables of a database to this version's; raises DataError where they are a newer version's."""
    with engine.execution_options(reading=True).begin() as connection:
        if revision(connection) == HEAD:
            return
    with engine.begin() as connection:
        if connection.dialect.name == "postgresql":
            connection.execute(sa.select(sa.func.pg_advisory_xact_lock(MIGRATION_LOCK)))
        found = revision(connection)
        if found in EARLIER:
            bring(connection, found)
        elif found != HEAD:
            raise DataError.of(
                "store-newer",
                say(
                    "The store was made by a newer version (its tables are {found}).",
                    found=repr(found),
                ),
                Where(shown(place)),
                say("Use that version of twinmatch, or a copy of the store from before."),
            )


_SQLITE: Final = {
    "SQLITE_FULL": "store-full",
    "SQLITE_READONLY": "store-read-only",
    "SQLITE_BUSY": "store-busy",
    "SQLITE_LOCKED": "store-busy",
    "SQLITE_CORRUPT": "store-broken",
    "SQLITE_NOTADB": "store-broken",
    "SQLITE_CANTOPEN": "store-unreachable",
    "SQLITE_IOERR": "store-unreachable",
    "SQLITE_PERM": "store-unreachable",
    "SQLITE_PROTOCOL": "store-busy",
}
"""Our code for SQLite's, whatever further detail its name goes on with."""

_POSTGRESQL: Final = {
    "53100": "store-full",
    "25006": "store-read-only",
    "42501": "store-read-only",
    "53300": "store-busy",
    "55P03": "store-busy",
    "40001": "store-busy",
    "40P01": "store-busy",
    "XX001": "store-broken",
    "XX002": "store-broken",
}
"""Our code for PostgreSQL's; what is lost in between (classes 08 and 57, or none) is unreachable."""


@contextmanager
def told(engine: sa.Engine, *, opening: bool = False) -> Iterator[None]:
    """Raise DataError where the database cannot do what it is asked; a wrong statement stays an error of its own.

    While a store is being opened any statement that is refused tells of the database: it may be somebody else's.
    """
    try:
        yield
    except sa.exc.TimeoutError as error:
        raise DataError(_problem("store-busy", "no connection is free", engine)) from error
    except (sa.exc.DBAPIError, sqlite3.Error) as error:
        code = _code(error) or ("store-unreachable" if opening else "")
        if not code:
            raise
        raise DataError(_problem(code, _line(error), engine)) from error


def _code(error: sa.exc.DBAPIError | sqlite3.Error) -> str:
    """Return our code of an error; empty where the database is well and the statement is not."""
    said = getattr(error, "orig", error)
    name = getattr(said, "sqlite_errorname", None)
    if name is not None or isinstance(error, sqlite3.Error):
        return next((code for begin, code in _SQLITE.items() if (name or "").startswith(begin)), "")
    state = getattr(said, "sqlstate", None)
    if state is not None and state in _POSTGRESQL:
        return _POSTGRESQL[state]
    lost = state is None or state[:2] in {"08", "57"}
    gone = isinstance(error, sa.exc.OperationalError | sa.exc.InterfaceError)
    return "store-unreachable" if gone and (lost or error.connection_invalidated) else ""


def _line(error: Exception) -> str:
    lines = str(getattr(error, "orig", error) or "").strip().splitlines()
    return lines[0].rstrip(".") if lines else "it did not say why"


def _problem(code: str, said: str, engine: sa.Engine) -> Problem:
    url = engine.url
    place = url.database if url.drivername == "sqlite" else url.render_as_string(hide_password=True)
    where = Where(place or "")
    if code == "store-full":
        found = say("There is no room left for the store ({said}).", said=said)
        do = say("Free some space on its disk and try again; what was acknowledged before is kept.")
        return Problem("store-full", found, where, do)
    if code == "store-read-only":
        found = say("The store can only be read here ({said}).", said=said)
        do = say(
            "Let the user who runs this write to the store and to the folder it is in, or name another."
        )
        return Problem("store-read-only", found, where, do)
    if code == "store-busy":
        found = say("Others have used the store for too long ({said}).", said=said)
        return Problem("store-busy", found, where, say("Try again in a moment."))
    if code == "store-broken":
        found = say("The store cannot be used: it is none, or it is damaged ({said}).", said=said)
        return Problem("store-broken", found, where, say("Check the path, or go on from a backup."))
    found = say("The store cannot be used ({said}).", said=said)
    do = say("Check the path or the address, and whether the database runs.")
    return Problem("store-unreachable", found, where, do)


REMOVED: Final = "(removed)"
"""What stands in place of a name or a reason that was taken out."""

Reason = tuple[str, int, datetime, str, str]
"""A reason that somebody wrote: run, number of the entry, when, by whom, the words."""


def reasons_about(connection: sa.Connection, city: str) -> list[Reason]:
    """Return the reasons that were written of a city, its meetings and its host units, in order."""
    meetings = connection.execute(
        sa.select(
            run_meetings.c.run, run_meetings.c.one, run_meetings.c.other, run_meetings.c.cities
        )
    )
    with_city = {(m.run, m.one, m.other) for m in meetings if city in m.cities}
    query = sa.select(entries).where(entries.c.why.not_in(("", REMOVED)))
    return [
        (e.run, e.number, e.at, e.by, e.why)
        for e in connection.execute(query.order_by(entries.c.run, entries.c.number))
        if city in (e.one, e.other, e.city) or (e.run, e.one, e.other) in with_city
    ]


def remove_reasons(connection: sa.Connection, reasons: Iterable[Reason], *, whole: bool) -> int:
    """Take reasons out of the history, or only the personal data in them; return how many were changed."""
    told = 0
    with thawed(connection, "entries"):
        for run, number, _, _, why in reasons:
            left = REMOVED if whole else redact(why)[0]
            if left != why:
                line = (entries.c.run == run) & (entries.c.number == number)
                connection.execute(sa.update(entries).where(line).values(why=left))
                told += 1
    return told


def remove_names(connection: sa.Connection, before: datetime) -> int:
    """Take names and reasons out of what was decided or kept before a moment; return of how many lines."""
    why = sa.case((entries.c.why == "", ""), else_=REMOVED)
    old_entries = (entries.c.at < before) & (entries.c.by != REMOVED)
    old_runs = (runs.c.kept_at < before) & (runs.c.kept_by != REMOVED)
    with thawed(connection, "entries", "runs"):
        one = connection.execute(
            sa.update(entries).where(old_entries).values(by=REMOVED, why=why)
        ).rowcount
        other = connection.execute(sa.update(runs).where(old_runs).values(kept_by=REMOVED)).rowcount
    return int(one) + int(other)


def wipe(connection: sa.Connection) -> None:
    """Let SQLite write zeros over what the transaction deletes, instead of leaving it in the file."""
    if connection.dialect.name == "sqlite":
        connection.exec_driver_sql("PRAGMA secure_delete=ON").close()


def empty_log(engine: sa.Engine) -> None:
    """Empty SQLite's write-ahead log, which holds what was there before; PostgreSQL vacuums on its own."""
    if engine.dialect.name == "sqlite":
        connection = engine.raw_connection()
        try:
            connection.cursor().execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchall()
        finally:
            connection.close()


# --- changes beside the history of runs ----------------------------------------------------------------------


COMMAND_LINE: Final = "command line"
"""Who does what is done by a command: somebody with the store's password or file."""


@dataclass(frozen=True)
class AuditEntry:
    """One line: its number, when, by whom (id of a key, or from where), what, and what it was done to."""

    number: int
    at: datetime
    by: str
    what: str
    about: str


def note(connection: sa.Connection, by: str, what: str, about: str = "") -> None:
    """Add a line, in the transaction of the change itself: neither is kept without the other."""
    row = {"at": datetime.now(UTC), "by": by[:40], "what": what, "about": about[:64]}
    connection.execute(sa.insert(changes).values(**row))


def noted(connection: sa.Connection) -> tuple[AuditEntry, ...]:
    """Return every line, the first one first."""
    found = connection.execute(sa.select(changes).order_by(changes.c.number))
    return tuple(AuditEntry(*row) for row in found)
