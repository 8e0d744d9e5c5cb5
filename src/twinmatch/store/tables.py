"""The tables of the store, as SQLAlchemy knows them; the migrations make them.

A service that keeps more of its own beside the runs adds its tables to ``metadata``, and their making to the
migrations: one database, one history of its tables.
"""

from __future__ import annotations

from datetime import UTC, datetime

import sqlalchemy as sa
from sqlalchemy.types import TypeDecorator


class Moment(TypeDecorator[datetime]):
    """A time in UTC, which SQLite gives back without its zone."""

    impl = sa.DateTime(timezone=True)
    cache_ok = True

    def process_result_value(self, value: datetime | None, dialect: sa.Dialect) -> datetime | None:
        """Return a kept time with its zone."""
        if value is None:
            return None
        return value.astimezone(UTC) if value.tzinfo else value.replace(tzinfo=UTC)


metadata = sa.MetaData()

runs = sa.Table(
    "runs",
    metadata,
    sa.Column("id", sa.String(32), primary_key=True),
    sa.Column("title", sa.Text, nullable=False),
    sa.Column("kept_at", Moment, nullable=False),
    sa.Column("kept_by", sa.Text, nullable=False),
    sa.Column("sha256", sa.String(64), nullable=False, index=True),
    sa.Column("data_sha256", sa.String(64), nullable=False),
    sa.Column("programme_sha256", sa.String(64), nullable=False),
    sa.Column("proposal", sa.LargeBinary, nullable=False),
)

run_meetings = sa.Table(
    "run_meetings",
    metadata,
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

entries = sa.Table(
    "entries",
    metadata,
    sa.Column("run", sa.String(32), sa.ForeignKey("runs.id"), primary_key=True),
    sa.Column("number", sa.Integer, primary_key=True, autoincrement=False),
    sa.Column("at", Moment, nullable=False),
    sa.Column("by", sa.Text, nullable=False),
    sa.Column("kind", sa.String(12), nullable=False),
    sa.Column("one", sa.Text, nullable=False),
    sa.Column("other", sa.Text, nullable=False),
    sa.Column("city", sa.Text, nullable=False),
    sa.Column("why", sa.Text, nullable=False),
    sa.CheckConstraint("number >= 1", name="entries_number"),
)

changes = sa.Table(
    "changes",
    metadata,
    sa.Column("number", sa.Integer, primary_key=True),
    sa.Column("at", Moment, nullable=False),
    sa.Column("by", sa.String(40), nullable=False),
    sa.Column("what", sa.String(40), nullable=False),
    sa.Column("about", sa.String(64), nullable=False),
)

FROZEN = ("runs", "run_meetings", "entries", "changes")
"""Tables whose rows are only ever added; triggers refuse anything else."""
