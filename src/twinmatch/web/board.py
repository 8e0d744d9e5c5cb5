"""What the service must remember of its own: jobs, keys, sessions, uploads; in the store's database, beside the runs.

Everything that outlives a request is here or in the store, so any number of processes on any number of machines are
the same service: SQLite for one machine, PostgreSQL for several. Every change is one transaction. A job that is done
is a run of the store under the same id, and all that is decided about it stands there. Secrets are kept as hashes.
"""

from __future__ import annotations

import secrets
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any, Final, Literal

import sqlalchemy as sa

from twinmatch.errors import Problem, QuestionError, TwinmatchError
from twinmatch.proposal.wire import Hidden, Instant, packed
from twinmatch.reading.personal_data import redact
from twinmatch.store.database import COMMAND_LINE, note
from twinmatch.store.records import RunRecord, Store, named, open_store
from twinmatch.store.tables import answers, jobs, keys, sessions, uploads
from twinmatch.web.auth import SESSION_HOURS, Person, Rank, digest, new_secret, same
from twinmatch.web.desk import Desk
from twinmatch.wording import say

State = Literal["waiting", "running", "done", "failed", "cancelled"]
ENDED: Final = ("done", "failed", "cancelled")

SILENCE: Final = timedelta(seconds=180)
"""A running job whose process has said nothing for so long has died with it; longer than `jobs.PATIENCE`."""


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
    created: Instant
    begun: Instant | None
    ended: Instant | None
    round: Hidden[str]
    """The round of which it is a version: the id of the first."""

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
    """The memory of the service in the store's database."""

    def __init__(self, place: str) -> None:
        self.store: Store = open_store(place)
        self._change, self._look = self.store.change, self.store.look
        self.desk = Desk(self.store)

    def is_reachable(self) -> bool:
        """Return whether the database answers."""
        try:
            with self._look() as connection:
                connection.execute(sa.text("select 1"))
        except (TwinmatchError, sa.exc.SQLAlchemyError):
            return False
        return True

    # --- jobs --------------------------------------------------------------------------------------------

    def ask(self, title: str, asked: Mapping[str, Any], by: str) -> str:
        """Return the id of a new job, which waits for a process; asked of an earlier one it is of the same round."""
        with self._change() as c:
            return self._ask(c, title, asked, by, state="waiting")

    def _ask(
        self, c: sa.Connection, title: str, asked: Mapping[str, Any], by: str, **more: Any
    ) -> str:
        job, earlier = secrets.token_hex(8), str(asked.get("programme_of") or "")
        round_ = c.execute(sa.select(jobs.c.round).where(jobs.c.id == earlier)).scalar()
        said = {"title": redact(title)[0], "asked": dict(asked), "asked_by": by, **more}
        said |= {"steps": [], "problems": [], "round": round_ or earlier or job}
        c.execute(jobs.insert().values(id=job, created=_now(), **said))
        return job

    def keep_made(
        self,
        title: str,
        asked: Mapping[str, Any],
        by: str,
        result: bytes,
    ) -> str:
        """Return the id of a proposal that was made already, such as an offer that was taken; it waits for nobody."""
        with self._change() as c:
            job = self._ask(c, title, asked, by, state="done", ended=_now())
            after = str(asked.get("programme_of") or "")
            self.store.keep_as(c, job, result, title, by, after=after)
        return job

    def job(self, job: str) -> Job:
        """Return a job, or a run that was kept by another door as the job that is done; raises QuestionError."""
        with self._look() as c:
            row = c.execute(_JOB.where(jobs.c.id == job)).first() if job.isalnum() else None
        return _job(row) if row is not None else _as_job(self.run(job))

    def run(self, proposal: str) -> RunRecord:
        """Return the run of a proposal that was made; raises QuestionError where there is none."""
        if not proposal.isalnum():
            raise unknown(proposal)
        try:
            return self.store.run(proposal)
        except QuestionError:
            with self._look() as c:
                found = c.execute(sa.select(jobs.c.state).where(jobs.c.id == proposal)).first()
        if found is None:
            raise unknown(proposal)
        said = say(
            "The proposal {proposal} is {state}; it has no result.",
            proposal=repr(proposal),
            state=found.state,
        )
        raise QuestionError.of(
            "not-ready", said, do=say("Look at /v1/proposals/{proposal}.", proposal=proposal)
        )

    def all_jobs(self, size: int = 100, after: tuple[datetime, str] | None = None) -> list[Job]:
        """Return the latest proposals, the newest first: jobs, and runs that were kept by another door.

        Those that come after one alone, by when it was asked for and its id.
        """
        at, last = after or (datetime.max.replace(tzinfo=UTC), "")
        query = _JOB.where((jobs.c.created < at) | ((jobs.c.created == at) & (jobs.c.id > last)))
        with self._look() as c:
            rows = c.execute(query.order_by(jobs.c.created.desc(), jobs.c.id).limit(size)).all()
            known = set(c.execute(sa.select(jobs.c.id)).scalars())
        found = [_job(row) for row in rows]
        runs = [_as_job(run) for run in self.store.runs() if run.id not in known]
        found += [j for j in runs if j.created < at or (j.created == at and j.id > last)]
        return sorted(found, key=lambda j: (-j.created.timestamp(), j.id))[:size]

    def versions(self, round_: str) -> list[Job]:
        """Return the proposals of a round, the first one first; a run kept by another door comes before those asked of it."""
        with self._look() as c:
            rows = c.execute(_JOB.where(jobs.c.round == round_).order_by(jobs.c.created)).all()
        found = [_job(row) for row in rows]
        if round_ not in {job.id for job in found}:
            found.insert(0, self.job(round_))
        return found

    def replace_published(self, proposal: str, by: str) -> None:
        """Withdraw the other versions of a round that are published: of a round one version is its result."""
        done = [v.id for v in self.versions(self.job(proposal).round) if v.state == "done"]
        for run in done:
            if run != proposal and self.store.held(run).status == "published":
                self.store.add(run, "withdraw", by, why=say("A later version was published."))

    def result_of(self, proposal: str) -> str:
        """Return the version of a proposal's round that is published, or itself where none is."""
        done = (v.id for v in self.versions(self.job(proposal).round) if v.state == "done")
        return next((v for v in done if self.store.held(v).status == "published"), proposal)

    def counts(self) -> dict[str, int]:
        """Return how many jobs are in each state."""
        query = sa.select(jobs.c.state, sa.func.count()).group_by(jobs.c.state)
        with self._look() as c:
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

    def beat(self, job: str, **values: Any) -> bool:
        """Say that a running job lives, or with ``steps`` how far it is; return whether it is still wanted."""
        running = jobs.update().where(jobs.c.id == job, jobs.c.state == "running")
        with self._change() as c:
            return bool(c.execute(running.values(beat=_now(), **values)).rowcount)

    def end(
        self,
        job: str,
        state: State,
        problems: Sequence[Problem] = (),
        result: bytes = b"",
        who: str = "",
    ) -> bool:
        """End a job that has not ended yet, and keep the proposal that it made as a run; return whether it had not.

        ``who`` is the person who stopped it, if anybody did.
        """
        open_ = jobs.update().where(jobs.c.id == job, jobs.c.state.not_in(ENDED))
        values = {"state": state, "problems": packed([p.plain() for p in problems])}
        with self._change() as c:
            if not c.execute(open_.values(**values, ended=_now())).rowcount:
                return False
            if who:
                note(c, who, f"proposal {state}", job)
            if result:
                made = c.execute(_JOB.where(jobs.c.id == job)).one()
                after = str(made.asked.get("programme_of") or "")
                self.store.keep_as(c, job, result, made.title, made.asked_by, after=after)
                c.execute(answers.insert().values(run=job, what="declines"))
        return True

    def result(self, job: str) -> bytes:
        """Return the proposal.json of a proposal; raises QuestionError where none was made."""
        return self.store.proposal(self.run(job).id)

    def bury(self) -> None:
        """End the jobs whose process has died: they say so, and can be asked again."""
        dead = jobs.update().where(jobs.c.state == "running", jobs.c.beat < _now() - SILENCE)
        died = Problem("interrupted", say("The process that made it ended before it did."))
        with self._change() as c:
            problems = packed([died.plain()])
            c.execute(dead.values(state="failed", problems=problems, ended=_now()))

    # --- keys and sessions -------------------------------------------------------------------------------

    def add_key(
        self, name: str, rank: Rank, days: int | None = None, who: str = COMMAND_LINE
    ) -> tuple[Key, str]:
        """Return a new key and its secret, which is shown this once and kept nowhere."""
        secret, key, name = new_secret(), secrets.token_hex(4), named(name)
        expires = _now() + timedelta(days=days) if days else None
        made = Key(key, name, rank, _now(), expires, None)
        with self._change() as c:
            values = {"id": key, "name": name, "created": made.created, "expires": expires}
            c.execute(keys.insert().values(**values, rank=int(rank), sha256=digest(secret)))
            note(c, who, "key made", key)
        return made, secret

    def all_keys(self) -> list[Key]:
        """Return every key, the newest first."""
        with self._look() as c:
            rows = c.execute(sa.select(keys).order_by(keys.c.created.desc(), keys.c.id)).all()
        return [_key(row) for row in rows]

    def take_back(self, key: str, who: str = COMMAND_LINE) -> None:
        """End a key and its sessions; raises QuestionError where there is no such key."""
        with self._change() as c:
            open_ = keys.update().where(keys.c.id == key, keys.c.taken_back.is_(None))
            if not c.execute(open_.values(taken_back=_now())).rowcount:
                raise QuestionError.of(
                    "key-unknown", say("There is no open key {key}.", key=repr(key))
                )
            c.execute(sessions.delete().where(sessions.c.key == key))
            note(c, who, "key taken back", key)

    def holder(self, secret: str) -> Person | None:
        """Return who holds a key; None where nobody does any more."""
        with self._look() as c:
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
            values = {"sha256": digest(session), "key": person.key, "expires": expires}
            c.execute(sessions.insert().values(**values))
        return session

    def visitor(self, session: str) -> Person | None:
        """Return whose session it is; None where it has ended."""
        query = sa.select(keys).join(sessions, sessions.c.key == keys.c.id)
        live = (sessions.c.sha256 == digest(session)) & (sessions.c.expires > _now())
        with self._look() as c:
            row = c.execute(query.where(live)).first()
        return None if row is None else _person(row)

    def close_session(self, session: str) -> None:
        """End a session."""
        with self._change() as c:
            c.execute(sessions.delete().where(sessions.c.sha256 == digest(session)))

    # --- uploads -----------------------------------------------------------------------------------------

    def keep_upload(
        self,
        name: str,
        by: str,
        found: Mapping[str, Any],
        content: bytes,
        who: str = COMMAND_LINE,
    ) -> str:
        """Return the id under which an uploaded file and what was found in it are kept."""
        upload = secrets.token_hex(8)
        with self._change() as c:
            values = {"id": upload, "name": name, "uploaded_by": by, "created": _now()}
            c.execute(uploads.insert().values(**values, found=dict(found), content=content))
            note(c, who, "upload kept", upload)
        return upload

    def upload(self, upload: str) -> Upload:
        """Return an upload without its content; raises QuestionError where there is none."""
        return Upload(**self._upload_row(_UPLOAD, upload)._mapping)

    def all_uploads(self, size: int = 50) -> list[Upload]:
        """Return the latest uploads, the newest first."""
        with self._look() as c:
            rows = c.execute(_UPLOAD.order_by(uploads.c.created.desc(), uploads.c.id).limit(size))
            return [Upload(**row._mapping) for row in rows]

    def accept(self, upload: str, keys: Sequence[str], by: str, who: str = COMMAND_LINE) -> None:
        """Remember that doubts about an upload were accepted, and by whom."""
        found = self.upload(upload).found
        by_whom = {**found.get("accepted_by", {}), **dict.fromkeys(keys, by)}
        changes = {"accepted": sorted({*found.get("accepted", ()), *keys}), "accepted_by": by_whom}
        self.note_upload(upload, changes, "doubt accepted", who)

    def note_upload(
        self, upload: str, changes: Mapping[str, Any], said: str, who: str = COMMAND_LINE
    ) -> None:
        """Write further values into what was found in an upload, and note what was done."""
        with self._change() as c:
            # As it is stored, or what its texts were made of would be lost.
            found = sa.type_coerce(uploads.c.found, sa.JSON)
            query = sa.select(found).where(uploads.c.id == upload).with_for_update()
            kept = {**c.execute(query).scalar_one(), **changes}
            c.execute(uploads.update().where(uploads.c.id == upload).values(found=kept))
            note(c, who, said, upload)

    def uploaded(self, upload: str) -> bytes:
        """Return the very bytes that were uploaded."""
        return bytes(self._upload_row(sa.select(uploads.c.content), upload).content)

    def _upload_row(self, query: sa.Select[Any], upload: str) -> Any:
        with self._look() as c:
            row = c.execute(query.where(uploads.c.id == upload)).first()
        if row is None:
            found = say("There is no upload {upload}.", upload=repr(upload))
            raise QuestionError.of("upload-unknown", found)
        return row


_JOB: Final = sa.select(*(column for column in jobs.c if column.name != "beat"))
_UPLOAD: Final = sa.select(*(column for column in uploads.c if column.name != "content"))


def unknown(proposal: str) -> QuestionError:
    """Return the error of a proposal that is not there."""
    shown = proposal if len(proposal) <= 40 else f"{proposal[:40]}…"
    return QuestionError.of(
        "proposal-unknown", say("There is no proposal {shown}.", shown=repr(shown))
    )


def _now() -> datetime:
    return datetime.now(UTC)


def _job(row: Any) -> Job:
    lists = {"steps": tuple(row.steps), "problems": tuple(row.problems)}
    return Job(**{**row._mapping, **lists})


def _as_job(run: RunRecord) -> Job:
    at = run.kept_at
    return Job(run.id, run.title, "done", {}, run.kept_by, (), (), at, None, at, run.id)


def _key(row: Any) -> Key:
    return Key(row.id, row.name, Rank(row.rank), row.created, row.expires, row.taken_back)


def _person(row: Any) -> Person | None:
    key = _key(row)
    if key.taken_back is not None or (key.expires is not None and key.expires < _now()):
        return None
    return Person(key.name, key.rank, key.id)
