"""What these tests use of the tests of the store and of the doors, and a store on both engines."""

from __future__ import annotations

import sys
import uuid
from collections.abc import Iterator
from pathlib import Path

import pytest
import sqlalchemy as sa

for folder in (".", "../doors", "../unit/store"):
    sys.path.insert(0, str(Path(__file__).parent / folder))


@pytest.fixture(params=["sqlite", "postgresql"])
def place(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[str]:
    """Where a new, empty store is."""
    from stores_for_tests import POSTGRES

    if request.param == "sqlite":
        yield str(tmp_path / "store.sqlite")
        return
    if not POSTGRES:
        pytest.skip("no PostgreSQL server: run tools/postgres_for_tests.sh COMMAND")
    name = f"test_{uuid.uuid4().hex[:12]}"
    address = sa.make_url(POSTGRES).set(drivername="postgresql+psycopg")
    server = sa.create_engine(address, isolation_level="AUTOCOMMIT", poolclass=sa.NullPool)
    with server.connect() as connection:
        connection.execute(sa.text(f"CREATE DATABASE {name}"))
    yield address.set(drivername="postgresql", database=name).render_as_string(hide_password=False)
    with server.connect() as connection:
        connection.execute(sa.text(f"DROP DATABASE {name} WITH (FORCE)"))
