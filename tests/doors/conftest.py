"""What the tests of the web front share."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
import structlog
from fastapi.testclient import TestClient
from service_for_tests import served


@pytest.fixture(scope="session", autouse=True)
def quiet() -> None:
    """The service's log stays out of the tests' output."""
    structlog.configure(
        [structlog.processors.KeyValueRenderer()], logger_factory=structlog.ReturnLoggerFactory()
    )


@pytest.fixture(scope="session")
def api(tmp_path_factory: pytest.TempPathFactory) -> Iterator[TestClient]:
    """The service with the bundled cities and no keys."""
    store = tmp_path_factory.mktemp("store") / "test.sqlite"
    with served(store, requests_a_minute=1_000_000, heavy_a_minute=1_000_000) as client:
        yield client
