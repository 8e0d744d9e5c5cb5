"""The store itself: opening it, keeping runs, adding entries, and remembering past rounds."""

from __future__ import annotations

import hashlib
import zlib
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from importlib import resources
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import sqlalchemy as sa

from twinmatch.errors import DataError, Problem, QuestionError, Where
from twinmatch.store.history import Entry, Held, checked, held
from twinmatch.store.tables import entries, run_pairs, runs

if TYPE_CHECKING:
    from alembic.config import Config

BUSY_MS: Final = 10_000
"""How long a writer waits for another one, in milliseconds."""

TRIES: Final = 8
"""How often an entry is tried again where another one took its number, when no version was named."""

MIGRATION_LOCK: Final = 20_190_817
"""Key of the lock that lets one process at a time migrate a PostgreSQL store."""


@dataclass(frozen=True)
class Kept:
    """A run that is kept: its id, title, when and by whom, fingerprints, status and version."""

    id: str
    title: str
    kept_at: datetime
    kept_by: str
    sha256: str
    data_sha256: str
    programme_sha256: str
    status: str
    version: int


@dataclass(frozen=True)
class KeptPair:
    """A pair of a run: guest and host ids, all its cities, its score, and what is offered if a side declines."""

    guest: str
    host: str
    cities: tuple[str, ...]
    score: float
    if_guest_declines: tuple[str, ...] = ()
    if_host_declines: tuple[str, ...] = ()


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

    Raises DataError where it cannot be reached, is no store, or was made by a newer version.
    """
    store = Store(_engine(str(place)), str(place))
    try:
        store.migrate()
    except DataError:
        store.close()
        raise
    except sa.exc.DBAPIError as error:
        store.close()
        raise DataError(
            Problem(
                "store-unreachable",
                f"The store cannot be used ({_said(error)}).",
                Where(_shown(str(place))),
                "Check the path or the address.",
            )
        ) from None
    return store


def _said(error: sa.exc.DBAPIError) -> str:
    return str(error.orig).strip().splitlines()[0] if error.orig else "unknown error"


def _shown(place: str) -> str:
    """The place without a password."""
    return sa.make_url(place).render_as_string(hide_password=True) if "://" in place else place


def _engine(place: str) -> sa.Engine:
    if place.startswith(("postgresql://", "postgres://")):
        _, _, rest = place.partition("://")
        return sa.create_engine(f"postgresql+psycopg://{rest}", pool_pre_ping=True)
    if "://" in place and not place.startswith("sqlite"):
        raise QuestionError(
            Problem(
                "store-kind",
                f"A store is a file or a postgresql:// address, not {_shown(place)!r}.",
                do="Name one of the two.",
            )
        )
    path = Path(place.removeprefix("sqlite:///"))
    if not path.absolute().parent.is_dir():
        raise DataError(
            Problem(
                "store-folder",
                "There is no such folder.",
                Where(str(path.absolute().parent)),
                "Make it first.",
            )
        )
    engine = sa.create_engine(f"sqlite:///{path}", connect_args={"timeout": BUSY_MS / 1000})
    sa.event.listen(engine, "connect", _prepare_sqlite)
    sa.event.listen(
        engine, "begin", lambda connection: connection.exec_driver_sql("BEGIN IMMEDIATE")
    )
    return engine


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


class Store:
    """Runs and their history in a database; every method is one transaction."""

    def __init__(self, engine: sa.Engine, place: str) -> None:
        self._engine = engine
        self._place = place

    def close(self) -> None:
        """Close all connections."""
        self._engine.dispose()

    @contextmanager
    def _transaction(self) -> Iterator[sa.Connection]:
        with self._engine.begin() as connection:
            yield connection

    def migrate(self) -> None:
        """Bring the tables to this version's; raises DataError where they are a newer version's."""
        from alembic import command
        from alembic.script import ScriptDirectory

        config = _alembic()
        with self._transaction() as connection:
            if connection.dialect.name == "postgresql":
                connection.execute(sa.select(sa.func.pg_advisory_xact_lock(MIGRATION_LOCK)))
            scripts = ScriptDirectory.from_config(config)
            found = _revision(connection)
            if found is not None and found not in {s.revision for s in scripts.walk_revisions()}:
                raise DataError(
                    Problem(
                        "store-newer",
                        f"The store was made by a newer version (its tables are {found!r}).",
                        Where(_shown(self._place)),
                        "Use that version of twinmatch, or a copy of the store from before.",
                    )
                )
            if found != scripts.get_current_head():
                config.attributes["connection"] = connection
                command.upgrade(config, "head")

    # --- runs ---------------------------------------------------------------------------------------------

    def keep(
        self,
        proposal: bytes,
        title: str,
        by: str,
        *,
        made_from: Mapping[str, Any],
        pairs: Sequence[KeptPair],
    ) -> tuple[Kept, bool]:
        """Keep a proposal.json with its pairs; return the run and whether it is new (the same bytes are one run)."""
        sha256 = hashlib.sha256(proposal).hexdigest()
        row = {
            "id": sha256[:12],
            "title": title,
            "kept_at": datetime.now(UTC),
            "kept_by": by,
            "sha256": sha256,
            "data_sha256": str((made_from.get("data") or {}).get("sha256", "")),
            "programme_sha256": str((made_from.get("programme") or {}).get("sha256", "")),
            "proposal": zlib.compress(proposal, 6),
        }
        with self._transaction() as connection:
            known = connection.execute(sa.select(runs.c.id).where(runs.c.sha256 == sha256)).first()
            if known is None:
                connection.execute(sa.insert(runs).values(row))
                lines = [_pair_row(sha256[:12], pair) for pair in pairs]
                if lines:
                    connection.execute(sa.insert(run_pairs), lines)
        return self.run(sha256[:12]), known is None

    def runs(self) -> tuple[Kept, ...]:
        """Return all runs, the one kept last first."""
        with self._transaction() as connection:
            found = connection.execute(
                sa.select(*_run_columns()).order_by(runs.c.kept_at.desc(), runs.c.id)
            ).all()
            return tuple(self._kept(connection, row) for row in found)

    def run(self, name: str) -> Kept:
        """Return the run whose id begins with a name; raises QuestionError where none or several do."""
        with self._transaction() as connection:
            return self._kept(connection, self._find(connection, name))

    def proposal(self, name: str) -> bytes:
        """Return the proposal.json of a run, byte for byte as it was kept."""
        with self._transaction() as connection:
            id_ = self._find(connection, name).id
            packed = connection.execute(
                sa.select(runs.c.proposal).where(runs.c.id == id_)
            ).scalar_one()
            return zlib.decompress(packed)

    def pairs(self, name: str) -> tuple[KeptPair, ...]:
        """Return the pairs of a run with their fallbacks, in order of guest."""
        with self._transaction() as connection:
            return self._pairs(connection, self._find(connection, name).id)

    # --- the history --------------------------------------------------------------------------------------

    def history(self, name: str) -> tuple[Entry, ...]:
        """Return the entries of a run, the first one first."""
        with self._transaction() as connection:
            return self._history(connection, self._find(connection, name).id)

    def held(self, name: str) -> Held:
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
    ) -> Entry:
        """Add an entry to a run's history and return it; it is on disk when this returns.

        ``seen`` is the version that the writer has seen; where the run has gone on since, nothing is written.
        Raises QuestionError for a run, kind, pair or city that is not there, and for a step out of order.
        """
        if not by.strip():
            raise QuestionError(
                Problem("by-missing", "It is not said who decides.", do="Name yourself with --by.")
            )
        for _ in range(TRIES):
            try:
                return self._add(name, kind, by.strip(), one, other, city, why.strip(), seen)
            except sa.exc.IntegrityError:
                if seen is not None:
                    break
        raise _changed_meanwhile()

    def _add(
        self,
        name: str,
        kind: str,
        by: str,
        one: str,
        other: str,
        city: str,
        why: str,
        seen: int | None,
    ) -> Entry:
        with self._transaction() as connection:
            run = self._find(connection, name).id
            # Writers of one run wait for each other (SQLite lets only one write at a time by itself).
            connection.execute(sa.select(runs.c.id).where(runs.c.id == run).with_for_update())
            now = held(self._history(connection, run))
            if seen is not None and seen != now.version:
                raise _changed_meanwhile()
            pairs = {(p.guest, p.host): p.cities for p in self._pairs(connection, run)}
            checked(now, kind, one, other, city, pairs)
            entry = Entry(now.version + 1, datetime.now(UTC), by, kind, one, other, city, why)
            connection.execute(sa.insert(entries).values(run=run, **_entry_row(entry)))
        return entry

    # --- past rounds --------------------------------------------------------------------------------------

    def past(self) -> tuple[PastPair, ...]:
        """Return the pairs of all runs that are published now, and all pairs that a side declined; by run and guest."""
        found = []
        for run in reversed(self.runs()):
            now = self.held(run.id)
            declined = set(now.declined)
            for pair in self.pairs(run.id):
                outcome = "declined" if (pair.guest, pair.host) in declined else "met"
                if outcome == "declined" or now.status == "published":
                    found.append(PastPair(run.id, run.title, pair.guest, pair.host, outcome))
        return tuple(found)

    # --- rows ---------------------------------------------------------------------------------------------

    def _find(self, connection: sa.Connection, name: str) -> Any:
        query = (
            sa.select(*_run_columns()).where(runs.c.id.startswith(name, autoescape=True)).limit(3)
        )
        found = connection.execute(query.order_by(runs.c.id)).all() if name else []
        if len(found) == 1:
            return found[0]
        raise QuestionError(
            Problem("run-unknown", f"No run {name!r} is kept.", do="See twinmatch runs.")
            if not found
            else Problem(
                "run-ambiguous", f"Several runs begin with {name!r}.", do="Give more of the id."
            )
        )

    def _kept(self, connection: sa.Connection, row: Any) -> Kept:
        now = held(self._history(connection, row.id))
        return Kept(
            row.id,
            row.title,
            _aware(row.kept_at),
            row.kept_by,
            row.sha256,
            row.data_sha256,
            row.programme_sha256,
            now.status,
            now.version,
        )

    def _history(self, connection: sa.Connection, run: str) -> tuple[Entry, ...]:
        query = sa.select(entries).where(entries.c.run == run).order_by(entries.c.number)
        return tuple(
            Entry(r.number, _aware(r.at), r.by, r.kind, r.one, r.other, r.city, r.why)
            for r in connection.execute(query)
        )

    def _pairs(self, connection: sa.Connection, run: str) -> tuple[KeptPair, ...]:
        query = sa.select(run_pairs).where(run_pairs.c.run == run)
        found = [
            KeptPair(
                r.guest,
                r.host,
                tuple(r.cities),
                r.score,
                tuple(r.if_guest_declines),
                tuple(r.if_host_declines),
            )
            for r in connection.execute(query)
        ]
        return tuple(sorted(found, key=lambda p: (p.guest, p.host)))


def _alembic() -> Config:
    from alembic.config import Config

    config = Config()
    folder = str(resources.files("twinmatch.store") / "migrations")
    config.set_main_option("script_location", folder.replace("%", "%%"))
    return config


def _revision(connection: sa.Connection) -> str | None:
    from alembic.runtime.migration import MigrationContext

    context = MigrationContext.configure(
        connection, opts={"version_table": "twinmatch_store_version"}
    )
    return context.get_current_revision()


def _run_columns() -> list[sa.Column[Any]]:
    return [c for c in runs.c if c.name != "proposal"]


def _pair_row(run: str, pair: KeptPair) -> dict[str, Any]:
    return {
        "run": run,
        "guest": pair.guest,
        "host": pair.host,
        "cities": list(pair.cities),
        "score": pair.score,
        "if_guest_declines": list(pair.if_guest_declines),
        "if_host_declines": list(pair.if_host_declines),
    }


def _entry_row(entry: Entry) -> dict[str, Any]:
    return {
        "number": entry.number,
        "at": entry.at,
        "by": entry.by,
        "kind": entry.kind,
        "one": entry.one,
        "other": entry.other,
        "city": entry.city,
        "why": entry.why,
    }


def _aware(moment: datetime) -> datetime:
    """A moment in UTC; SQLite gives it back without its zone."""
    return moment.replace(tzinfo=UTC) if moment.tzinfo is None else moment.astimezone(UTC)


def _changed_meanwhile() -> QuestionError:
    return QuestionError(
        Problem(
            "changed-meanwhile",
            "The run has gone on since it was seen; nothing was written.",
            do="Look at twinmatch decisions RUN, then decide again.",
        )
    )
