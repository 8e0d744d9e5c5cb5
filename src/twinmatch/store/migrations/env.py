"""Alembic's environment: runs on the connection that the store hands over, in its transaction."""

from alembic import context

from twinmatch.store.tables import metadata

connection = context.config.attributes["connection"]
context.configure(
    connection=connection,
    target_metadata=metadata,
    version_table="twinmatch_store_version",
)
with context.begin_transaction():
    context.run_migrations()
