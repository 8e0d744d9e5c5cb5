"""Alembic's environment of the versions before the first release: runs on the connection that the store hands over, in its transaction."""

from alembic import context

connection = context.config.attributes["connection"]
context.configure(
    connection=connection,
    version_table="twinmatch_store_version",
)
with context.begin_transaction():
    context.run_migrations()
