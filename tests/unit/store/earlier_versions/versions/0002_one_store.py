"""One store: every meeting of a run, and the service's jobs, keys, sessions and uploads under the same history.

Until now the service made its tables by itself and kept its proposals in its jobs, with decisions of their own. Here
each finished job becomes a run, and what was decided about it that run's history, number by number.
"""

from __future__ import annotations

import hashlib
import json
import zlib
from typing import Any

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"

BEFORE = ("runs", "run_pairs", "entries")
AFTER = ("runs", "run_meetings", "entries")

Row = dict[str, Any]


def upgrade() -> None:
    """Make the new tables, carry everything over, and drop the old ones."""
    connection = op.get_bind()
    there = set(sa.inspect(connection).get_table_names())
    _thaw(BEFORE)
    for table in BEFORE:
        op.rename_table(table, f"old_{table}")
    _make_runs()
    _carry_runs(connection)
    for table in reversed(BEFORE):
        op.drop_table(f"old_{table}")
    if "jobs" in there:
        _carry_jobs(connection, "decisions" in there)
    _make_service(there)
    _freeze(AFTER)


def _make_runs() -> None:
    op.create_table(
        "runs",
        sa.Column("id", sa.String(32), primary_key=True),
        sa.Column("title", sa.Text, nullable=False),
        sa.Column("kept_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("kept_by", sa.Text, nullable=False),
        sa.Column("sha256", sa.String(64), nullable=False),
        sa.Column("data_sha256", sa.String(64), nullable=False),
        sa.Column("programme_sha256", sa.String(64), nullable=False),
        sa.Column("proposal", sa.LargeBinary, nullable=False),
    )
    op.create_index("ix_runs_sha256", "runs", ["sha256"])
    op.create_table(
        "run_meetings",
        sa.Column("run", sa.String(32), sa.ForeignKey("runs.id"), primary_key=True),
        sa.Column("one", sa.Text, primary_key=True),
        sa.Column("other", sa.Text, primary_key=True),
        sa.Column("meeting", sa.Text, nullable=False),
        sa.Column("product", sa.Text, nullable=False),
        sa.Column("label", sa.Text, nullable=False),
        sa.Column("cities", sa.JSON, nullable=False),
        sa.Column("score", sa.Float(53), nullable=False),
        sa.Column("if_guest_declines", sa.JSON, nullable=False),
        sa.Column("if_host_declines", sa.JSON, nullable=False),
    )
    op.create_table(
        "entries",
        sa.Column("run", sa.String(32), sa.ForeignKey("runs.id"), primary_key=True),
        sa.Column("number", sa.Integer, primary_key=True, autoincrement=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("by", sa.Text, nullable=False),
        sa.Column("kind", sa.String(12), nullable=False),
        sa.Column("one", sa.Text, nullable=False),
        sa.Column("other", sa.Text, nullable=False),
        sa.Column("city", sa.Text, nullable=False),
        sa.Column("why", sa.Text, nullable=False),
        sa.CheckConstraint("number >= 1", name="entries_number"),
    )


def _make_service(there: set[str]) -> None:
    if "jobs" not in there:
        op.create_table(
            "jobs",
            sa.Column("id", sa.String(32), primary_key=True),
            sa.Column("title", sa.Text, nullable=False),
            sa.Column("state", sa.String(12), nullable=False),
            sa.Column("asked", sa.JSON, nullable=False),
            sa.Column("asked_by", sa.Text, nullable=False),
            sa.Column("steps", sa.JSON, nullable=False),
            sa.Column("problems", sa.JSON, nullable=False),
            sa.Column("created", sa.DateTime(timezone=True), nullable=False),
            sa.Column("begun", sa.DateTime(timezone=True)),
            sa.Column("beat", sa.DateTime(timezone=True)),
            sa.Column("ended", sa.DateTime(timezone=True)),
        )
        op.create_index("ix_jobs_state", "jobs", ["state"])
    if "keys" not in there:
        op.create_table(
            "keys",
            sa.Column("id", sa.String(16), primary_key=True),
            sa.Column("name", sa.Text, nullable=False),
            sa.Column("rank", sa.Integer, nullable=False),
            sa.Column("sha256", sa.String(64), nullable=False, unique=True),
            sa.Column("created", sa.DateTime(timezone=True), nullable=False),
            sa.Column("expires", sa.DateTime(timezone=True)),
            sa.Column("taken_back", sa.DateTime(timezone=True)),
        )
    if "sessions" not in there:
        op.create_table(
            "sessions",
            sa.Column("sha256", sa.String(64), primary_key=True),
            sa.Column("key", sa.String(16), sa.ForeignKey("keys.id"), nullable=False),
            sa.Column("expires", sa.DateTime(timezone=True), nullable=False),
        )
    if "uploads" not in there:
        op.create_table(
            "uploads",
            sa.Column("id", sa.String(32), primary_key=True),
            sa.Column("name", sa.Text, nullable=False),
            sa.Column("uploaded_by", sa.Text, nullable=False),
            sa.Column("created", sa.DateTime(timezone=True), nullable=False),
            sa.Column("found", sa.JSON, nullable=False),
            sa.Column("content", sa.LargeBinary, nullable=False),
        )


# --- carrying over --------------------------------------------------------------------------------------------

_RUN = ("id", "title", "kept_at", "kept_by", "sha256", "data_sha256", "programme_sha256")
_ENTRY = ("run", "number", "at", "by", "kind", "one", "other", "city", "why")


def _carry_runs(connection: sa.Connection) -> None:
    runs, meetings, entries = (_table(name) for name in AFTER)
    old_runs, old_pairs, old_entries = (_table(f"old_{name}") for name in BEFORE)
    columns = [*_RUN, "proposal"]
    op.execute(runs.insert().from_select(columns, sa.select(*(old_runs.c[c] for c in columns))))
    for run in connection.execute(sa.select(old_runs.c.id)).scalars().all():
        packed = connection.execute(
            sa.select(old_runs.c.proposal).where(old_runs.c.id == run)
        ).scalar_one()
        rows = {(r["one"], r["other"]): r for r in _meetings(run, _plain(packed))}
        for pair in connection.execute(sa.select(old_pairs).where(old_pairs.c.run == run)):
            key = (pair.guest, pair.host)
            known = rows.get(key) or _bare(run, pair)
            falls = {
                "if_guest_declines": pair.if_guest_declines,
                "if_host_declines": pair.if_host_declines,
            }
            rows[key] = {**known, **falls}
        if rows:
            connection.execute(meetings.insert(), list(rows.values()))
    op.execute(entries.insert().from_select(_ENTRY, sa.select(*(old_entries.c[c] for c in _ENTRY))))


def _bare(run: str, pair: Any) -> Row:
    return {
        "run": run,
        "one": pair.guest,
        "other": pair.host,
        "meeting": f"twinning:{pair.guest}",
        "product": "twinning",
        "label": f"{pair.guest} learns from {pair.host}",
        "cities": pair.cities,
        "score": pair.score,
    }


def _carry_jobs(connection: sa.Connection, decided: bool) -> None:
    """Make a run of every finished job, and entries of what was decided about it."""
    jobs, runs, meetings, entries = (_table(n) for n in ("jobs", *AFTER))
    result = sa.column("result", sa.LargeBinary)
    done = sa.select(jobs.c.id).where(jobs.c.state == "done", result.is_not(None))
    for job in connection.execute(done).scalars().all():
        row = connection.execute(sa.select(jobs, result).where(jobs.c.id == job)).one()
        plain = _plain(row.result)
        made_from = plain.get("made_from") or {}
        connection.execute(
            runs.insert().values(
                id=job,
                title=row.title,
                kept_at=row.ended or row.created,
                kept_by=row.asked_by,
                sha256=hashlib.sha256(zlib.decompress(row.result)).hexdigest(),
                data_sha256=str((made_from.get("data") or {}).get("sha256", "")),
                programme_sha256=str((made_from.get("programme") or {}).get("sha256", "")),
                proposal=row.result,
            )
        )
        found = _meetings(job, plain)
        if found:
            connection.execute(meetings.insert(), found)
        if decided:
            pairs = {m["meeting"]: (m["one"], m["other"]) for m in found}
            told = _table("decisions")
            query = sa.select(told).where(told.c.proposal == job).order_by(told.c.number)
            lines = connection.execute(query).mappings().all()
            rows = [_entry(job, line, pairs) for line in lines]
            if rows:
                connection.execute(entries.insert(), rows)
    if decided:
        op.drop_table("decisions")
    op.drop_column("jobs", "result")


def _entry(job: str, line: Any, pairs: dict[str, tuple[str, str]]) -> Row:
    """Return an entry as it is kept from now on: a meeting was "product::id" and is its id, a pair guest and host."""
    one, other = line["one"], line["other"]
    if line["kind"] != "undo" and not other:
        id_ = one.partition("::")[2] or one
        one, other = pairs.get(id_, (id_, ""))
    kept = {name: line[name] for name in ("number", "at", "by", "kind", "why")}
    return {"run": job, **kept, "one": one, "other": other, "city": ""}


def _plain(packed: bytes) -> Row:
    found: Row = json.loads(zlib.decompress(packed))
    return found


def _meetings(run: str, plain: Row) -> list[Row]:
    rows = []
    for product in plain.get("products", ()):
        for meeting in product["meetings"]:
            guests = [m["city"] for m in meeting["members"] if m["role"] == "guest"]
            hosts = [m["city"] for m in meeting["members"] if m["role"] == "host"]
            pair = product["product"] == "twinning" and len(guests) == 1 and hosts
            rows.append(
                {
                    "run": run,
                    "one": guests[0] if pair else meeting["id"],
                    "other": (meeting.get("unit") or hosts[0]) if pair else "",
                    "meeting": meeting["id"],
                    "product": product["product"],
                    "label": meeting["label"],
                    "cities": [
                        *guests,
                        *(m["city"] for m in meeting["members"] if m["city"] not in guests),
                    ],
                    "score": meeting["score"],
                    "if_guest_declines": [],
                    "if_host_declines": [],
                }
            )
    return rows


_TYPES: dict[str, sa.types.TypeEngine[Any]] = {
    "cities": sa.JSON(),
    "if_guest_declines": sa.JSON(),
    "if_host_declines": sa.JSON(),
    "asked": sa.JSON(),
    "steps": sa.JSON(),
    "problems": sa.JSON(),
    "kept_at": sa.DateTime(timezone=True),
    "at": sa.DateTime(timezone=True),
    "created": sa.DateTime(timezone=True),
    "ended": sa.DateTime(timezone=True),
    "proposal": sa.LargeBinary(),
}
_COLUMNS = {
    "runs": (*_RUN, "proposal"),
    "run_pairs": (
        "run",
        "guest",
        "host",
        "cities",
        "score",
        "if_guest_declines",
        "if_host_declines",
    ),
    "run_meetings": (
        "run",
        "one",
        "other",
        "meeting",
        "product",
        "label",
        "cities",
        "score",
        "if_guest_declines",
        "if_host_declines",
    ),
    "entries": _ENTRY,
    "decisions": ("proposal", "number", "at", "by", "kind", "one", "other", "why"),
    "jobs": ("id", "title", "state", "asked_by", "created", "ended"),
}


def _table(name: str) -> sa.TableClause:
    columns = _COLUMNS[name.removeprefix("old_")]
    types = {**_TYPES, "proposal": sa.Text()} if name == "decisions" else _TYPES
    return sa.table(name, *(sa.column(c, types.get(c)) for c in columns))


# --- only ever added to ---------------------------------------------------------------------------------------


def _thaw(tables: tuple[str, ...]) -> None:
    sqlite = op.get_bind().dialect.name == "sqlite"
    for table in tables:
        if sqlite:
            op.execute(f"DROP TRIGGER {table}_no_update")
            op.execute(f"DROP TRIGGER {table}_no_delete")
        else:
            op.execute(f"DROP TRIGGER {table}_append_only ON {table}")


def _freeze(tables: tuple[str, ...]) -> None:
    sqlite = op.get_bind().dialect.name == "sqlite"
    for table in tables:
        if sqlite:
            for what in ("UPDATE", "DELETE"):
                op.execute(
                    f"CREATE TRIGGER {table}_no_{what.lower()} BEFORE {what} ON {table} "
                    "BEGIN SELECT RAISE(ABORT, 'the history is append-only'); END"
                )
        else:
            op.execute(
                f"CREATE TRIGGER {table}_append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON {table} "
                "FOR EACH STATEMENT EXECUTE FUNCTION twinmatch_append_only()"
            )
