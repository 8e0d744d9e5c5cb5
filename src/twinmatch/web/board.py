"""What the service must remember beside the proposals' own store: jobs, keys, sessions, uploads.

Everything that outlives a request is here, so any number of processes on any number of machines are the same
service: SQLite for one machine, PostgreSQL for several. Every change is one transaction. Secrets are kept as hashes.
"""

from __future__ import annotations

import secrets
import zlib
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any, Final, Literal

import sqlalchemy as sa

from twinmatch.errors import Problem, QuestionError
from twinmatch.web.people import SESSION_HOURS, Person, Rank, digest, new_secret, same

State = Literal["waiting", "running", "done", "failed", "cancelled"]
ENDED: Final = ("done", "failed", "cancelled")

SILENCE: Final = timedelta(seconds=60)
"""A running job whose process has said nothing for so long has died with it."""

tables = sa.MetaData()

jobs = sa.Table(
    "jobs",
    tables,
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

keys = sa.Table(
    "keys",
    tables,
    sa.Column("id", sa.String(16), primary_key=True),
    sa.Column("name", sa.Text, nullable=False),
    sa.Column("rank", sa.Integer, nullable=False),
    sa.Column("sha256", sa.String(64), nullable=False, unique=True),
    sa.Column("created", sa.DateTime(timezone=True), nullable=False),
    sa.Column("expires", sa.DateTime(timezone=True)),
    sa.Column("taken_back", sa.DateTime(timezone=True)),
)

sessions = sa.Table(
    "sessions",
    tables,
    sa.Column("sha256", sa.String(64), primary_key=True),
    sa.Column("key", sa.String(16), sa.ForeignKey("keys.id"), nullable=False),
    sa.Column("expires", sa.DateTime(timezone=True), nullable=False),
)

uploads = sa.Table(
    "uploads",
    tables,
    sa.Column("id", sa.String(32), primary_key=True),
    sa.Column("name", sa.Text, nullable=False),
    sa.Column("uploaded_by", sa.Text, nullable=False),
    sa.Column("created", sa.DateTime(timezone=True), nullable=False),
    sa.Column("found", sa.JSON, nullable=False),
    sa.Column("content", sa.LargeBinary, nullable=False),
)


@dataclass(frozen=True)
class Job:
    """A proposal as it is being made: what was asked, by whom, how far it is, and what went wrong."""

    id: str
    title: str
    state: State
    asked: Mapping[str, Any]
    asked_by: str
    steps: tuple[str, ...]
    problems: tuple[Mapping[str, Any], ...]
    created: datetime
    begun: datetime | None
    ended: datetime | None

    @property
    def has_ended(self) -> bool:
        """Return whether nothing more will happen to it."""
        return self.state in ENDED


@dataclass(frozen=True)
class Key:
    """A key as its owner may see it: everything but the secret."""

    id: str
    name: str
    rank: Rank
    created: datetime
    expires: datetime | None
    taken_back: datetime | None


@dataclass(frozen=True)
class Upload:
    """A workbook that was handed in, and what was found in it."""

    id: str
    name: str
    uploaded_by: str
    created: datetime
    found: Mapping[str, Any]


class Board:
    """The memory of the service in a database."""

    def __init__(self, place: str) -> None:
        self.engine = _engine(place)
        _made(self.engine)

    @contextmanager
    def _change(self) -> Iterator[sa.Connection]:
        """Give a transaction: all of it is kept, or none of it."""
        with self.engine.begin() as connection:
            yield connection

    def is_reachable(self) -> bool:
        """Return whether the database answers."""
        try:
            with self.engine.connect() as connection:
                connection.execute(sa.text("select 1"))
        except sa.exc.SQLAlchemyError:
            return False
        return True

    # --- jobs --------------------------------------------------------------------------------------------

    def ask(self, title: str, asked: Mapping[str, Any], by: str) -> str:
        """Return the id of a new job, which waits for a process."""
        job = secrets.token_hex(8)
        with self._change() as c:
            c.execute(
                jobs.insert().values(
                    id=job,
                    title=title,
                    state="waiting",
                    asked=dict(asked),
                    asked_by=by,
                    steps=[],
                    problems=[],
                    created=_now(),
                )
            )
        return job

    def job(self, job: str) -> Job:
        """Return a job; raises QuestionError where there is none."""
        with self.engine.connect() as c:
            row = c.execute(_JOB.where(jobs.c.id == job)).first()
        if row is None:
            raise unknown(job)
        return _job(row)

    def all_jobs(self, size: int = 100) -> list[Job]:
        """Return the latest jobs, the newest first."""
        with self.engine.connect() as c:
            rows = c.execute(_JOB.order_by(jobs.c.created.desc(), jobs.c.id).limit(size)).all()
        return [_job(row) for row in rows]

    def counts(self) -> dict[str, int]:
        """Return how many jobs are in each state."""
        query = sa.select(jobs.c.state, sa.func.count()).group_by(jobs.c.state)
        with self.engine.connect() as c:
            return {str(state): int(n) for state, n in c.execute(query)}

    def claim(self) -> Job | None:
        """Return the job that has waited longest, now running and this process's own; None where none waits."""
        with self._change() as c:
            waiting = sa.select(jobs.c.id).where(jobs.c.state == "waiting")
            for (job,) in c.execute(waiting.order_by(jobs.c.created, jobs.c.id).limit(5)).all():
                mine = jobs.update().where(jobs.c.id == job, jobs.c.state == "waiting")
                if c.execute(mine.values(state="running", begun=_now(), beat=_now())).rowcount:
                    row = c.execute(_JOB.where(jobs.c.id == job)).one()
                    return _job(row)
        return None

    def step(self, job: str, steps: Sequence[str]) -> bool:
        """Say how far a running job is; return whether it is still wanted."""
        running = jobs.update().where(jobs.c.id == job, jobs.c.state == "running")
        with self._change() as c:
            return bool(c.execute(running.values(steps=list(steps), beat=_now())).rowcount)

    def beat(self, job: str) -> bool:
        """Say that a running job lives; return whether it is still wanted."""
        running = jobs.update().where(jobs.c.id == job, jobs.c.state == "running")
        with self._change() as c:
            return bool(c.execute(running.values(beat=_now())).rowcount)

    def end(
        self,
        job: str,
        state: State,
        problems: Sequence[Mapping[str, Any]] = (),
        result: bytes = b"",
    ) -> bool:
        """End a job that has not ended yet; return whether it had not."""
        open_ = jobs.update().where(jobs.c.id == job, jobs.c.state.not_in(ENDED))
        values: dict[str, Any] = {"state": state, "problems": [dict(p) for p in problems]}
        with self._change() as c:
            kept = zlib.compress(result, 6) if result else None
            return bool(c.execute(open_.values(**values, ended=_now(), result=kept)).rowcount)

    def result(self, job: str) -> bytes:
        """Return the proposal.json that a job made; raises QuestionError where it made none."""
        with self.engine.connect() as c:
            row = c.execute(sa.select(jobs.c.state, jobs.c.result).where(jobs.c.id == job)).first()
        if row is None:
            raise unknown(job)
        if row.result is None:
            found = f"The proposal {job!r} is {row.state}; it has no result."
            raise QuestionError(Problem("not-ready", found, do=f"Look at /proposals/{job}."))
        return zlib.decompress(row.result)

    def bury(self) -> None:
        """End the jobs whose process has died: they say so, and can be asked again."""
        dead = jobs.update().where(jobs.c.state == "running", jobs.c.beat < _now() - SILENCE)
        problem = {"code": "interrupted", "found": "The process that made it ended before it did."}
        with self._change() as c:
            c.execute(dead.values(state="failed", problems=[problem], ended=_now()))

    # --- keys and sessions -------------------------------------------------------------------------------

    def add_key(self, name: str, rank: Rank, days: int | None = None) -> tuple[Key, str]:
        """Return a new key and its secret, which is shown this once and kept nowhere."""
        secret, key = new_secret(), secrets.token_hex(4)
        expires = _now() + timedelta(days=days) if days else None
        made = Key(key, name, rank, _now(), expires, None)
        with self._change() as c:
            c.execute(
                keys.insert().values(
                    id=key,
                    name=name,
                    rank=int(rank),
                    sha256=digest(secret),
                    created=made.created,
                    expires=expires,
                )
            )
        return made, secret

    def all_keys(self) -> list[Key]:
        """Return every key, the newest first."""
        with self.engine.connect() as c:
            rows = c.execute(sa.select(keys).order_by(keys.c.created.desc(), keys.c.id)).all()
        return [_key(row) for row in rows]

    def take_back(self, key: str) -> None:
        """End a key and its sessions; raises QuestionError where there is no such key."""
        with self._change() as c:
            open_ = keys.update().where(keys.c.id == key, keys.c.taken_back.is_(None))
            if not c.execute(open_.values(taken_back=_now())).rowcount:
                raise QuestionError(Problem("key-unknown", f"There is no open key {key!r}."))
            c.execute(sessions.delete().where(sessions.c.key == key))

    def holder(self, secret: str) -> Person | None:
        """Return who holds a key; None where nobody does any more."""
        with self.engine.connect() as c:
            row = c.execute(sa.select(keys).where(keys.c.sha256 == digest(secret))).first()
        return _person(row) if row is not None and same(row.sha256, secret) else None

    def open_session(self, secret: str) -> str | None:
        """Return a session that stands for a key for some hours; None where the key is none."""
        person = self.holder(secret)
        if person is None:
            return None
        session, expires = new_secret(), _now() + timedelta(hours=SESSION_HOURS)
        with self._change() as c:
            c.execute(sessions.delete().where(sessions.c.expires < _now()))
            c.execute(
                sessions.insert().values(sha256=digest(session), key=person.key, expires=expires)
            )
        return session

    def visitor(self, session: str) -> Person | None:
        """Return whose session it is; None where it has ended."""
        query = sa.select(keys).join(sessions, sessions.c.key == keys.c.id)
        live = (sessions.c.sha256 == digest(session)) & (sessions.c.expires > _now())
        with self.engine.connect() as c:
            row = c.execute(query.where(live)).first()
        return None if row is None else _person(row)

    def close_session(self, session: str) -> None:
        """End a session."""
        with self._change() as c:
            c.execute(sessions.delete().where(sessions.c.sha256 == digest(session)))

    # --- uploads -----------------------------------------------------------------------------------------

    def keep_upload(self, name: str, by: str, found: Mapping[str, Any], content: bytes) -> str:
        """Return the id under which an uploaded file and what was found in it are kept."""
        upload = secrets.token_hex(8)
        with self._change() as c:
            c.execute(
                uploads.insert().values(
                    id=upload,
                    name=name,
                    uploaded_by=by,
                    created=_now(),
                    found=dict(found),
                    content=content,
                )
            )
        return upload

    def upload(self, upload: str) -> Upload:
        """Return an upload without its content; raises QuestionError where there is none."""
        with self.engine.connect() as c:
            row = c.execute(_UPLOAD.where(uploads.c.id == upload)).first()
        if row is None:
            raise QuestionError(Problem("upload-unknown", f"There is no upload {upload!r}."))
        return Upload(row.id, row.name, row.uploaded_by, _aware(row.created), row.found)

    def all_uploads(self, size: int = 50) -> list[Upload]:
        """Return the latest uploads, the newest first."""
        with self.engine.connect() as c:
            rows = c.execute(_UPLOAD.order_by(uploads.c.created.desc(), uploads.c.id).limit(size))
            return [Upload(r.id, r.name, r.uploaded_by, _aware(r.created), r.found) for r in rows]

    def accept(self, upload: str, key: str, by: str) -> None:
        """Remember that a doubt about an upload was accepted, and by whom."""
        with self._change() as c:
            found = c.execute(sa.select(uploads.c.found).where(uploads.c.id == upload)).scalar_one()
            accepted = [*found.get("accepted", []), key]
            who = {**found.get("accepted_by", {}), key: by}
            kept = {**found, "accepted": sorted(set(accepted)), "accepted_by": who}
            c.execute(uploads.update().where(uploads.c.id == upload).values(found=kept))

    def uploaded(self, upload: str) -> bytes:
        """Return the very bytes that were uploaded."""
        with self.engine.connect() as c:
            row = c.execute(sa.select(uploads.c.content).where(uploads.c.id == upload)).first()
        if row is None:
            raise QuestionError(Problem("upload-unknown", f"There is no upload {upload!r}."))
        return bytes(row.content)


_JOB: Final = sa.select(*(column for column in jobs.c if column.name not in {"result", "beat"}))
_UPLOAD: Final = sa.select(*(column for column in uploads.c if column.name != "content"))


def unknown(proposal: str) -> QuestionError:
    """Return the error of a proposal that is not there."""
    shown = proposal if len(proposal) <= 40 else f"{proposal[:40]}…"
    return QuestionError(Problem("proposal-unknown", f"There is no proposal {shown!r}."))


def _engine(place: str) -> sa.Engine:
    url = place if "://" in place else f"sqlite:///{place}"
    if url.startswith("postgresql://"):
        url = url.replace("postgresql://", "postgresql+psycopg://", 1)
    engine = sa.create_engine(url, pool_pre_ping=True)
    if engine.dialect.name == "sqlite":
        sa.event.listen(engine, "connect", _settle_sqlite)
    return engine


def _made(engine: sa.Engine) -> None:
    """Make the tables that are missing; several processes may begin at once."""
    from twinmatch.web import desk  # its table stands beside those of the board

    assert desk.entries.metadata is tables
    try:
        tables.create_all(engine)
    except sa.exc.DatabaseError:
        tables.create_all(engine)


def _settle_sqlite(connection: Any, _: Any) -> None:
    cursor = connection.cursor()
    for pragma in ("journal_mode=WAL", "synchronous=FULL", "foreign_keys=ON", "busy_timeout=10000"):
        cursor.execute(f"PRAGMA {pragma}")
    cursor.close()


def _now() -> datetime:
    return datetime.now(UTC)


def _aware(when: datetime) -> datetime:
    """Return a time with its zone: SQLite keeps none, and all times are kept in UTC."""
    return when if when.tzinfo else when.replace(tzinfo=UTC)


def _maybe(when: datetime | None) -> datetime | None:
    return None if when is None else _aware(when)


def _job(row: Any) -> Job:
    return Job(
        row.id,
        row.title,
        row.state,
        row.asked,
        row.asked_by,
        tuple(row.steps),
        tuple(row.problems),
        _aware(row.created),
        _maybe(row.begun),
        _maybe(row.ended),
    )


def _key(row: Any) -> Key:
    return Key(
        row.id,
        row.name,
        Rank(row.rank),
        _aware(row.created),
        _maybe(row.expires),
        _maybe(row.taken_back),
    )


def _person(row: Any) -> Person | None:
    key = _key(row)
    if key.taken_back is not None or (key.expires is not None and key.expires < _now()):
        return None
    return Person(key.name, key.rank, key.id)
