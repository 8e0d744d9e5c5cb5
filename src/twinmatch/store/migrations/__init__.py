"""The tables of a store, made as :mod:`twinmatch.store.tables` has them; and earlier ones, brought to this version with all in them.

History is append-only: triggers refuse to change or delete what is kept, and rest only for one transaction, while the
names of who decided or the words that they wrote give way to ``(removed)``.

Versions 0001 to 0003 were made before there was a release. In 0001 the service made its tables by itself, beside the
store or in a database of its own, and kept its proposals in its jobs, with decisions of their own: each finished job
becomes a run, and what was decided about it that run's history, number by number.
"""

from __future__ import annotations

import hashlib
import json
import zlib
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from typing import Any, Final

import sqlalchemy as sa

from twinmatch.store.history import About
from twinmatch.store.tables import (
    KeptMeeting,
    entries,
    jobs,
    meeting_row,
    meetings_of,
    metadata,
    run_meetings,
    runs,
    versions,
)

HEAD: Final = "0004"
"""The version of the tables."""

EARLIER: Final = (None, "0001", "0002", "0003")
"""Versions that are brought to this one: none yet, and those of before the first release."""

FROZEN: Final = ("runs", "run_meetings", "entries", "changes")
"""Tables to which lines are only ever added."""


def revision(connection: sa.Connection) -> str | None:
    """Return the version of the tables of a database; None where it has none."""
    if not sa.inspect(connection).has_table(versions.name):
        return None
    return connection.execute(sa.select(versions.c.version_num)).scalar_one_or_none()


def bring(connection: sa.Connection, found: str | None) -> None:
    """Make the tables of this version where there are none, or bring those of an earlier one to it."""
    there = set(sa.inspect(connection).get_table_names())
    is_first = found == "0001"
    if is_first:
        for table in ("runs", "run_pairs", "entries"):
            _lift(connection, table, "update", "delete")
            _run(connection, f"ALTER TABLE {table} RENAME TO old_{table}")
        there -= {"runs", "entries"}
    metadata.create_all(connection)
    if "jobs" in there:
        _run(connection, "ALTER TABLE jobs ADD COLUMN round VARCHAR(32) NOT NULL DEFAULT ''")
        _run(connection, "UPDATE jobs SET round = id")
        for index in jobs.indexes:
            index.create(connection, checkfirst=True)
    if "keys" in there:  # ranks from coordinator up leave room for the committee
        _run(connection, "UPDATE keys SET rank = rank + 1 WHERE rank >= 2")
    if is_first:
        _carry_runs(connection)
    if "jobs" in there and found in {None, "0001"}:
        _carry_jobs(connection, "decisions" in there)
    for table in FROZEN:
        if table not in there:
            _freeze(connection, table, "update", "delete")
    connection.execute(versions.delete())
    connection.execute(versions.insert().values(version_num=HEAD))


def _carry_runs(connection: sa.Connection) -> None:
    old, pairs, said = (
        _old(connection, f"old_{name}") for name in ("runs", "run_pairs", "entries")
    )
    connection.execute(runs.insert().from_select(old.c.keys(), sa.select(old)))
    for run, packed in connection.execute(sa.select(old.c.id, old.c.proposal)).all():
        found = {m.about: m for m in meetings_of(json.loads(zlib.decompress(packed)))}
        for p in connection.execute(sa.select(pairs).where(pairs.c.run == run)):
            about = About(p.guest, p.host)
            title, label = f"twinning:{p.guest}", f"{p.guest} learns from {p.host}"
            bare = KeptMeeting(title, "twinning", label, *about, tuple(p.cities), p.score)
            found[about] = replace(
                found.get(about, bare),
                if_guest_declines=tuple(p.if_guest_declines),
                if_host_declines=tuple(p.if_host_declines),
            )
        _keep_meetings(connection, run, found.values())
    connection.execute(entries.insert().from_select(said.c.keys(), sa.select(said)))
    for table in (said, pairs, old):
        _run(connection, f"DROP TABLE {table.name}")


def _keep_meetings(connection: sa.Connection, run: str, found: Iterable[KeptMeeting]) -> None:
    if rows := [meeting_row(run, meeting) for meeting in found]:
        connection.execute(run_meetings.insert(), rows)


def _carry_jobs(connection: sa.Connection, decided: bool) -> None:
    """Make a run of every finished job, and entries of what was decided about it."""
    old = _old(connection, "jobs")
    done = old.c.result.is_not(None) & (old.c.state == "done")
    for job in connection.execute(sa.select(old).where(done)).all():
        proposal = zlib.decompress(job.result)
        plain = json.loads(proposal)
        values = {"id": job.id, "title": job.title, "kept_by": job.asked_by}
        values |= {
            "kept_at": job.ended or job.created,
            "sha256": hashlib.sha256(proposal).hexdigest(),
        }
        made_from = plain.get("made_from") or {}
        for part in ("data", "programme"):
            values[f"{part}_sha256"] = str((made_from.get(part) or {}).get("sha256", ""))
        connection.execute(runs.insert().values(**values, proposal=job.result))
        found = meetings_of(plain)
        _keep_meetings(connection, job.id, found)
        if decided:
            told, about = _old(connection, "decisions"), {m.id: m.about for m in found}
            query = sa.select(told).where(told.c.proposal == job.id).order_by(told.c.number)
            lines = [_line(job.id, line, about) for line in connection.execute(query).mappings()]
            if lines:
                connection.execute(entries.insert(), lines)
    if decided:
        _run(connection, "DROP TABLE decisions")
    _run(connection, "ALTER TABLE jobs DROP COLUMN result")


def _line(run: str, line: Any, about: dict[str, About]) -> dict[str, Any]:
    """Return an entry of a decision: a meeting was "product::id" and is its id, a pair guest and host."""
    one, other = line["one"], line["other"]
    if line["kind"] != "undo" and not other:
        id_ = one.partition("::")[2] or one
        one, other = about.get(id_, About(id_))
    kept = {name: line[name] for name in ("number", "at", "by", "kind", "why")}
    return {"run": run, **kept, "one": one, "other": other, "city": ""}


def _old(connection: sa.Connection, name: str) -> sa.Table:
    return sa.Table(name, sa.MetaData(), autoload_with=connection, resolve_fks=False)


def _run(connection: sa.Connection, statement: str) -> None:
    connection.execute(sa.text(statement))


# --- only ever added to ---------------------------------------------------------------------------------------


@contextmanager
def thawed(connection: sa.Connection, *tables: str) -> Iterator[None]:
    """Let lines be changed for a while; the caller's transaction ends with the triggers as they were, or not at all."""
    for table in tables:
        _lift(connection, table, "update")
    yield
    for table in tables:
        _freeze(connection, table, "update")


def _lift(connection: sa.Connection, table: str, *kinds: str) -> None:
    if connection.dialect.name == "postgresql":
        _run(connection, f"DROP TRIGGER {table}_append_only ON {table}")
        return
    for kind in kinds:
        _run(connection, f"DROP TRIGGER {table}_no_{kind}")


def _freeze(connection: sa.Connection, table: str, *kinds: str) -> None:
    if connection.dialect.name == "postgresql":
        _run(
            connection,
            "CREATE OR REPLACE FUNCTION twinmatch_append_only() RETURNS trigger LANGUAGE plpgsql AS "
            "$$ BEGIN RAISE EXCEPTION 'the history is append-only'; END $$",
        )
        _run(
            connection,
            f"CREATE TRIGGER {table}_append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON {table} "
            "FOR EACH STATEMENT EXECUTE FUNCTION twinmatch_append_only()",
        )
        return
    for kind in kinds:
        _run(
            connection,
            f"CREATE TRIGGER {table}_no_{kind} BEFORE {kind.upper()} ON {table} "
            "BEGIN SELECT RAISE(ABORT, 'the history is append-only'); END",
        )
