"""What a database cannot do, in words: it is full, read-only, busy, damaged, or gone.

SQLite names its errors (sqlite.org/rescode.html) and PostgreSQL numbers them (SQLSTATE, its manual's appendix A); what
neither names is passed on as it was said.

What the law lets nobody keep for ever is taken out of the history: names after a time, reasons on demand.

The history is append-only, and its triggers stand; here alone they rest, for one transaction, while the names of
who decided or the words that they wrote give way to ``(removed)``. What was decided, about whom and when stays as it
was, and the change is noted itself.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from datetime import datetime
from typing import Final

import sqlalchemy as sa

from twinmatch.errors import DataError, Problem, Where
from twinmatch.reading.personal_data import redact
from twinmatch.store.tables import entries, run_meetings, runs

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
        found = f"There is no room left for the store ({said})."
        do = "Free some space on its disk and try again; what was acknowledged before is kept."
        return Problem("store-full", found, where, do)
    if code == "store-read-only":
        found = f"The store can only be read here ({said})."
        do = "Let the user who runs this write to the store and to the folder it is in, or name another."
        return Problem("store-read-only", found, where, do)
    if code == "store-busy":
        found = f"Others have used the store for too long ({said})."
        return Problem("store-busy", found, where, "Try again in a moment.")
    if code == "store-broken":
        found = f"The store cannot be used: it is none, or it is damaged ({said})."
        return Problem("store-broken", found, where, "Check the path, or go on from a backup.")
    found = f"The store cannot be used ({said})."
    do = "Check the path or the address, and whether the database runs."
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
    with _thawed(connection, "entries"):
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
    with _thawed(connection, "entries", "runs"):
        one = connection.execute(
            sa.update(entries).where(old_entries).values(by=REMOVED, why=why)
        ).rowcount
        other = connection.execute(sa.update(runs).where(old_runs).values(kept_by=REMOVED)).rowcount
    return int(one) + int(other)


@contextmanager
def _thawed(connection: sa.Connection, *tables: str) -> Iterator[None]:
    """Let tables be changed for a while; the caller's transaction ends with the triggers as they were, or not at all."""
    sqlite = connection.dialect.name == "sqlite"
    for table in tables:
        connection.exec_driver_sql(
            f"DROP TRIGGER {table}_no_update"
            if sqlite
            else f"ALTER TABLE {table} DISABLE TRIGGER {table}_append_only"
        )
    yield
    for table in tables:
        connection.exec_driver_sql(
            f"CREATE TRIGGER {table}_no_update BEFORE UPDATE ON {table} "
            "BEGIN SELECT RAISE(ABORT, 'the history is append-only'); END"
            if sqlite
            else f"ALTER TABLE {table} ENABLE TRIGGER {table}_append_only"
        )


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
