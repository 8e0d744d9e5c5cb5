"""A store on SQLite, and on a real PostgreSQL server where the tests are given one."""

from __future__ import annotations

import sys
import uuid
from pathlib import Path

import pytest
import sqlalchemy as sa

sys.path.insert(0, str(Path(__file__).parent))

from stores_for_tests import POSTGRES

from twinmatch.store.records import open_store


@pytest.fixture(params=["sqlite", "postgresql"])
def place(request, tmp_path):
    """Where a new, empty store is."""
    if request.param == "sqlite":
        yield str(tmp_path / "store.sqlite")
        return
    if not POSTGRES:
        pytest.skip(
            "no PostgreSQL server: set TWINMATCH_TEST_POSTGRES, or run tools/postgres_for_tests.sh COMMAND"
        )
    name = f"test_{uuid.uuid4().hex[:12]}"
    address = sa.make_url(POSTGRES).set(drivername="postgresql+psycopg")
    server = sa.create_engine(address, isolation_level="AUTOCOMMIT")
    with server.connect() as connection:
        connection.execute(sa.text(f"CREATE DATABASE {name}"))
    yield address.set(drivername="postgresql", database=name).render_as_string(hide_password=False)
    with server.connect() as connection:
        connection.execute(sa.text(f"DROP DATABASE {name} WITH (FORCE)"))
    server.dispose()


@pytest.fixture
def store(place):
    found = open_store(place)
    yield found
    found.close()
