"""What an earlier version kept is there after the store is brought to this version: runs, jobs, decisions, keys."""

from __future__ import annotations

import json
import zlib
from datetime import UTC, datetime

import pytest
import sqlalchemy as sa
from stores_for_tests import MEETINGS, make_earlier, proposal

from twinmatch.errors import QuestionError
from twinmatch.store.database import engine_of
from twinmatch.store.records import open_store

NOW = datetime(2026, 3, 1, 12, 30, tzinfo=UTC)
MADE = {"data_sha256": "d" * 64, "programme_sha256": "e" * 64}

EARLIER = sa.MetaData()
runs = sa.Table(
    "runs",
    EARLIER,
    sa.Column("id", sa.String(16), primary_key=True),
    sa.Column("title", sa.Text),
    sa.Column("kept_at", sa.DateTime(timezone=True)),
    sa.Column("kept_by", sa.Text),
    sa.Column("sha256", sa.String(64)),
    sa.Column("data_sha256", sa.String(64)),
    sa.Column("programme_sha256", sa.String(64)),
    sa.Column("proposal", sa.LargeBinary),
)
run_pairs = sa.Table(
    "run_pairs",
    EARLIER,
    *(sa.Column(name, sa.Text) for name in ("run", "guest", "host")),
    sa.Column("cities", sa.JSON),
    sa.Column("score", sa.Float(53)),
    sa.Column("if_guest_declines", sa.JSON),
    sa.Column("if_host_declines", sa.JSON),
)
entries = sa.Table(
    "entries",
    EARLIER,
    sa.Column("run", sa.Text),
    sa.Column("number", sa.Integer),
    sa.Column("at", sa.DateTime(timezone=True)),
    *(sa.Column(name, sa.Text) for name in ("by", "kind", "one", "other", "city", "why")),
)
# The service made these by itself, beside the store or in a database of its own.
SERVICE = sa.MetaData()
jobs = sa.Table(
    "jobs",
    SERVICE,
    sa.Column("id", sa.String(32), primary_key=True),
    sa.Column("title", sa.Text, nullable=False),
    sa.Column("state", sa.String(12), nullable=False, index=True),
    sa.Column("asked", sa.JSON, nullable=False),
    sa.Column("asked_by", sa.Text, nullable=False),
    sa.Column("steps", sa.JSON, nullable=False),
    sa.Column("problems", sa.JSON, nullable=False),
    sa.Column("created", sa.DateTime(timezone=True), nullable=False),
    sa.Column("begun", sa.DateTime(timezone=True)),
    sa.Column("beat", sa.DateTime(timezone=True)),
    sa.Column("ended", sa.DateTime(timezone=True)),
    sa.Column("result", sa.LargeBinary),
)
decisions = sa.Table(
    "decisions",
    SERVICE,
    sa.Column("proposal", sa.String(32), sa.ForeignKey("jobs.id"), primary_key=True),
    sa.Column("number", sa.Integer, primary_key=True, autoincrement=False),
    sa.Column("at", sa.DateTime(timezone=True), nullable=False),
    *(sa.Column(name, sa.Text, nullable=False) for name in ("by", "kind", "one", "other", "why")),
)


def earlier_store(place: str) -> sa.Engine:
    """A store as the first migration made it."""
    engine = engine_of(place)
    with engine.begin() as connection:
        make_earlier(connection, "0001")
    return engine


def packed(mark: str) -> bytes:
    return zlib.compress(proposal(mark), 6)


def keep_earlier(connection: sa.Connection) -> None:
    about = {"title": "Round one", "kept_at": NOW, "kept_by": "Ada", **MADE}
    connection.execute(
        runs.insert().values(id="a" * 12, sha256="a" * 64, proposal=packed("a"), **about)
    )
    for pair in MEETINGS:
        if pair.host:
            connection.execute(
                run_pairs.insert().values(
                    run="a" * 12,
                    guest=pair.guest,
                    host=pair.host,
                    cities=list(pair.cities),
                    score=pair.score,
                    if_guest_declines=list(pair.if_guest_declines),
                    if_host_declines=list(pair.if_host_declines),
                )
            )
    line = {"run": "a" * 12, "at": NOW, "by": "Ada", "city": "", "why": "„Grüße“"}
    connection.execute(
        entries.insert(),
        [
            {**line, "number": 1, "kind": "accept", "one": "at-a", "other": "be-h"},
            {**line, "number": 2, "kind": "approve", "one": "", "other": ""},
            {**line, "number": 3, "kind": "publish", "one": "", "other": ""},
        ],
    )


def test_runs_keep_their_bytes_their_pairs_and_their_history(place):
    engine = earlier_store(place)
    with engine.begin() as connection:
        keep_earlier(connection)
    engine.dispose()
    store = open_store(place)
    (run,) = store.runs()
    assert (run.id, run.title, run.kept_by, run.kept_at) == ("a" * 12, "Round one", "Ada", NOW)
    assert (run.status, run.version) == ("published", 3)
    assert store.proposal(run.id) == proposal("a")
    assert store.meetings(run.id) == MEETINGS
    assert store.held(run.id).verdicts["at-a", "be-h"].why == "„Grüße“"
    assert {(p.guest, p.outcome) for p in store.past()} == {("at-a", "met"), ("at-b", "met")}
    store.add(run.id, "withdraw", "Bo")
    for statement in ("DELETE FROM runs", "UPDATE entries SET why = ''"):
        with pytest.raises(sa.exc.DBAPIError, match="append-only"), store.change() as c:
            c.execute(sa.text(statement))
    store.close()


@pytest.mark.parametrize("beside_runs", [True, False])
def test_finished_jobs_of_the_service_become_runs_with_what_was_decided(place, beside_runs):
    engine = earlier_store(place) if beside_runs else engine_of(place)
    SERVICE.create_all(engine)
    job = {"title": "Spring", "asked": {"upload": "u"}, "asked_by": "Key", "steps": ["Solved"]}
    job |= {"problems": [], "created": NOW, "ended": NOW}
    line = {"proposal": "f" * 16, "at": NOW, "by": "Key", "why": "so", "other": ""}
    with engine.begin() as connection:
        if beside_runs:
            keep_earlier(connection)
        connection.execute(
            jobs.insert(),
            [
                {**job, "id": "f" * 16, "state": "done", "result": packed("f")},
                {**job, "id": "9" * 16, "state": "failed", "result": None},
            ],
        )
        connection.execute(
            decisions.insert(),
            [
                {**line, "number": 1, "kind": "accept", "one": "twinning::twinning:at-a"},
                {**line, "number": 2, "kind": "lock", "one": "at-b", "other": "unit-two"},
                {**line, "number": 3, "kind": "reject", "one": "x::discussion_groups:heat"},
                {**line, "number": 4, "kind": "undo", "one": "3"},
            ],
        )
    engine.dispose()
    store = open_store(place)
    run = store.run("f" * 16)
    assert (run.title, run.kept_by, run.version, run.data_sha256) == ("Spring", "Key", 4, "d" * 64)
    assert json.loads(store.proposal(run.id))["mark"] == "f"
    assert [m.about for m in store.meetings(run.id)] == [m.about for m in MEETINGS]
    now = store.held(run.id)
    assert set(now.verdicts) == {("at-a", "be-h")}
    assert now.locks == (("at-b", "unit-two"),)
    assert now.undone == {3}
    with pytest.raises(QuestionError):
        store.run("9" * 16)
    with store.look() as connection:
        kept = connection.execute(sa.text("SELECT id, state FROM jobs ORDER BY id")).all()
        tables = set(sa.inspect(connection).get_table_names())
    assert [tuple(row) for row in kept] == [("9" * 16, "failed"), ("f" * 16, "done")]
    assert "decisions" not in tables
    assert len(store.runs()) == 1 + beside_runs
    store.close()


def test_a_store_is_migrated_once_by_many_who_open_it_at_once(place):
    from concurrent.futures import ThreadPoolExecutor

    engine = earlier_store(place)
    with engine.begin() as connection:
        keep_earlier(connection)
    engine.dispose()
    with ThreadPoolExecutor(6) as threads:
        stores = list(threads.map(lambda _: open_store(place), range(6)))
    assert all([r.id for r in s.runs()] == ["a" * 12] for s in stores)
    for store in stores:
        store.close()


@pytest.mark.parametrize("version", ["0001", "0001, beside a service", "0002", "0003", "0004"])
def test_the_tables_of_every_earlier_version_become_those_of_a_new_store(place, version, tmp_path):
    engine = engine_of(place)
    with engine.begin() as connection:
        if version.endswith("service"):
            SERVICE.create_all(connection)
        make_earlier(connection, version[:4])
    open_store(place).close()
    brought = shape(engine)
    engine.dispose()
    engine = engine_of(str(tmp_path / "new.sqlite"))
    open_store(str(tmp_path / "new.sqlite")).close()
    new = shape(engine)
    engine.dispose()
    assert brought["tables"] == new["tables"]
    if not place.startswith("postgresql"):
        assert brought["triggers"] == new["triggers"]


def shape(engine: sa.Engine) -> dict[str, object]:
    """The columns, keys and indexes of every table, and the triggers of SQLite."""
    found, tables = sa.inspect(engine), {}
    for name in found.get_table_names():
        columns = {c["name"]: c["nullable"] for c in found.get_columns(name)}
        indexes = {tuple(i["column_names"]) for i in found.get_indexes(name)}
        keys = (*found.get_pk_constraint(name)["constrained_columns"],)
        others = {
            (*k["constrained_columns"], k["referred_table"]) for k in found.get_foreign_keys(name)
        }
        unique = {(*u["column_names"],) for u in found.get_unique_constraints(name)}
        tables[name] = (columns, keys, others, indexes - unique, unique)
    triggers: set[str] = set()
    if engine.dialect.name == "sqlite":
        with engine.connect() as connection:
            named = "SELECT sql FROM sqlite_master WHERE type = 'trigger'"
            triggers = {
                " ".join(sql.split()) for sql in connection.execute(sa.text(named)).scalars()
            }
    return {"tables": tables, "triggers": triggers}
