"""What the law lets nobody keep for ever is taken out of the history: names after a time, reasons on demand.

The history is append-only, and its triggers stand; here alone they rest, for one transaction, while the names of
who decided or the words that they wrote give way to ``(removed)``. What was decided, about whom and when stays as it
was, and the change is noted itself.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from datetime import datetime
from typing import Final

import sqlalchemy as sa

from twinmatch.reading.personal_data import redact
from twinmatch.store.tables import entries, run_meetings, runs

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
    """Empty SQLite's write-ahead log, which holds what was there before; PostgreSQL vacuums by itself."""
    if engine.dialect.name == "sqlite":
        connection = engine.raw_connection()
        try:
            connection.cursor().execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchall()
        finally:
            connection.close()
