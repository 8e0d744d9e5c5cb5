"""The proposals of one round are its versions; what is worked out afterwards, who looked when, and links for cities."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0004"
down_revision = "0003"


def upgrade() -> None:
    """Give every job its round, and make the tables; ranks from coordinator up leave room for the committee."""
    tables = sa.inspect(op.get_bind()).get_table_names()
    if "jobs" in tables:
        op.add_column("jobs", sa.Column("round", sa.String(32), nullable=False, server_default=""))
        op.execute("UPDATE jobs SET round = id")
        op.create_index("ix_jobs_round", "jobs", ["round"])
    if "keys" in tables:
        op.execute("UPDATE keys SET rank = rank + 1 WHERE rank >= 2")
    op.create_table(
        "answers",
        sa.Column("run", sa.String(32), sa.ForeignKey("runs.id"), primary_key=True),
        sa.Column("what", sa.String(20), primary_key=True),
        sa.Column("beat", sa.DateTime(timezone=True)),
        sa.Column("content", sa.JSON),
    )
    op.create_table(
        "visits",
        sa.Column("who", sa.String(80), primary_key=True),
        sa.Column("round", sa.String(32), primary_key=True),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
    )
    op.create_table(
        "links",
        sa.Column("sha256", sa.String(64), primary_key=True),
        sa.Column("run", sa.String(32), sa.ForeignKey("runs.id"), nullable=False),
        sa.Column("city", sa.String(120), nullable=False),
        sa.Column("expires", sa.DateTime(timezone=True), nullable=False),
    )
