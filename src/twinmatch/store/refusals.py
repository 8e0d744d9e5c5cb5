"""What a database cannot do, in words: it is full, read-only, busy, damaged, or gone.

SQLite names its errors (sqlite.org/rescode.html) and PostgreSQL numbers them (SQLSTATE, its manual's appendix A); what
neither names is told as it was said.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Final

import sqlalchemy as sa

from twinmatch.errors import DataError, Problem, Where

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
        do = "Let whoever runs this write to the store and to the folder it is in, or name another."
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
