"""Where a store is, and how its database is spoken to: a file with SQLite, or PostgreSQL."""

from __future__ import annotations

import os
import sqlite3
from importlib import resources
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import sqlalchemy as sa

from twinmatch.errors import DataError, QuestionError, Where

if TYPE_CHECKING:
    from alembic.config import Config

BUSY_MS: Final = 10_000
"""How long a writer waits for another one, in milliseconds."""

CONNECT_SECONDS: Final = 10
"""How long a server may take to let a connection in, unless the address says otherwise."""

MIGRATION_LOCK: Final = 20_190_817
"""Key of the lock that lets one process at a time migrate a PostgreSQL store."""

HEAD: Final = "0004"
"""The migration that makes the tables of this version."""

VERSIONS: Final = sa.table("twinmatch_store_version", sa.column("version_num", sa.String))


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
            f"A store is a file or a postgresql:// address, not {shown(place)!r}.",
            do="Name one of the two.",
        )
    path = Path(place.removeprefix("sqlite:///"))
    if not path.absolute().parent.is_dir():
        raise DataError.of(
            "store-folder",
            "There is no such folder.",
            Where(str(path.absolute().parent)),
            "Make it first.",
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
        found = "A store on PostgreSQL needs a driver that is not installed."
        do = "Install it with: pip install 'twinmatch[postgres]'."
        raise QuestionError.of("store-driver", found, do=do) from error
    try:
        return sa.make_url(f"postgresql+psycopg://{rest}")
    except (sa.exc.ArgumentError, ValueError) as error:
        found = "The address of the store cannot be read."  # it may have a password
        do = "Write postgresql://user@host:port/database."
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
    from alembic import command
    from alembic.script import ScriptDirectory

    config = alembic_config()
    with engine.begin() as connection:
        if connection.dialect.name == "postgresql":
            connection.execute(sa.select(sa.func.pg_advisory_xact_lock(MIGRATION_LOCK)))
        found = revision(connection)
        scripts = ScriptDirectory.from_config(config)
        if found is not None and found not in {s.revision for s in scripts.walk_revisions()}:
            raise DataError.of(
                "store-newer",
                f"The store was made by a newer version (its tables are {found!r}).",
                Where(shown(place)),
                "Use that version of twinmatch, or a copy of the store from before.",
            )
        if found != HEAD:
            config.attributes["connection"] = connection
            command.upgrade(config, "head")


def alembic_config() -> Config:
    """Return what Alembic needs to know of the migrations."""
    from alembic.config import Config

    config = Config()
    folder = str(resources.files("twinmatch.store") / "migrations")
    config.set_main_option("script_location", folder.replace("%", "%%"))
    return config


def revision(connection: sa.Connection) -> str | None:
    """Return which migration made the tables of a database last; None where none did."""
    if not sa.inspect(connection).has_table(VERSIONS.name):
        return None
    return connection.execute(sa.select(VERSIONS.c.version_num)).scalar_one_or_none()
