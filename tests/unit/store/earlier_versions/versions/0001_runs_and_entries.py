"""Runs, their pairs with fallbacks, and the append-only history of decisions and consents."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0001"
down_revision = None

FROZEN = ("runs", "run_pairs", "entries")


def upgrade() -> None:
    """Make the tables, and the triggers that keep them append-only."""
    op.create_table(
        "runs",
        sa.Column("id", sa.String(16), primary_key=True),
        sa.Column("title", sa.Text, nullable=False),
        sa.Column("kept_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("kept_by", sa.Text, nullable=False),
        sa.Column("sha256", sa.String(64), nullable=False, unique=True),
        sa.Column("data_sha256", sa.String(64), nullable=False),
        sa.Column("programme_sha256", sa.String(64), nullable=False),
        sa.Column("proposal", sa.LargeBinary, nullable=False),
    )
    op.create_table(
        "run_pairs",
        sa.Column("run", sa.String(16), sa.ForeignKey("runs.id"), primary_key=True),
        sa.Column("guest", sa.Text, primary_key=True),
        sa.Column("host", sa.Text, primary_key=True),
        sa.Column("cities", sa.JSON, nullable=False),
        sa.Column("score", sa.Float(53), nullable=False),
        sa.Column("if_guest_declines", sa.JSON, nullable=False),
        sa.Column("if_host_declines", sa.JSON, nullable=False),
    )
    op.create_table(
        "entries",
        sa.Column("run", sa.String(16), sa.ForeignKey("runs.id"), primary_key=True),
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
    if op.get_bind().dialect.name == "sqlite":
        for table in FROZEN:
            for what in ("UPDATE", "DELETE"):
                op.execute(
                    f"CREATE TRIGGER {table}_no_{what.lower()} BEFORE {what} ON {table} "
                    "BEGIN SELECT RAISE(ABORT, 'the history is append-only'); END"
                )
        return
    op.execute(
        "CREATE FUNCTION twinmatch_append_only() RETURNS trigger LANGUAGE plpgsql AS "
        "$$ BEGIN RAISE EXCEPTION 'the history is append-only'; END $$"
    )
    for table in FROZEN:
        op.execute(
            f"CREATE TRIGGER {table}_append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON {table} "
            "FOR EACH STATEMENT EXECUTE FUNCTION twinmatch_append_only()"
        )
