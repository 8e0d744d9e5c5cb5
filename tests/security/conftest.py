"""The security tests use the service and the evil files that other tests make."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest
import structlog

TESTS = Path(__file__).parents[1]
for folder in (".", "unit/reading", "unit/store", "unit/exporting", "doors"):
    sys.path.insert(0, str(TESTS / folder if folder != "." else Path(__file__).parent))


@pytest.fixture(scope="session", autouse=True)
def quiet() -> None:
    """The service's log stays out of the tests' output."""
    structlog.configure(
        [structlog.processors.KeyValueRenderer()], logger_factory=structlog.ReturnLoggerFactory()
    )
