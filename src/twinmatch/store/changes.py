"""Changes beside the history of runs: who did what to which key, upload or name, and when; nothing of what was said.

A line names whoever did it by the id of a key, and what it was done to by its id, so it holds no personal data and
can be kept for as long as the store. The database lets nobody change or delete one.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Final

import sqlalchemy as sa

from twinmatch.store.tables import changes

COMMAND_LINE: Final = "command line"
"""Who does what is done by a command: somebody with the store's password or file."""


@dataclass(frozen=True)
class AuditEntry:
    """One line: its number, when, by whom (id of a key, or from where), what, and what it was done to."""

    number: int
    at: datetime
    by: str
    what: str
    about: str


def note(connection: sa.Connection, by: str, what: str, about: str = "") -> None:
    """Add a line, in the transaction of the change itself: neither is kept without the other."""
    row = {"at": datetime.now(UTC), "by": by[:40], "what": what, "about": about[:64]}
    connection.execute(sa.insert(changes).values(**row))


def noted(connection: sa.Connection) -> tuple[AuditEntry, ...]:
    """Return every line, the first one first."""
    found = connection.execute(sa.select(changes).order_by(changes.c.number))
    return tuple(AuditEntry(r.number, r.at, r.by, r.what, r.about) for r in found)
