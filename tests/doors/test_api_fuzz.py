"""Property tests of the API from its own OpenAPI document: no 5xx, nothing that the document does not say.

TWINMATCH_FUZZ is the number of cases for each route, 8 where it is not set.
"""

from __future__ import annotations

import os
import warnings

import pytest
from hypothesis import HealthCheck, given, settings

with warnings.catch_warnings():
    warnings.simplefilter("ignore")
    import schemathesis
    from schemathesis.specs.openapi import checks as openapi

from service_for_tests import five_cities

from twinmatch.web.application import application
from twinmatch.web.settings import Settings

CASES = int(os.environ.get("TWINMATCH_FUZZ", "8"))

pytestmark = pytest.mark.filterwarnings("ignore")


@pytest.fixture(scope="module")
def described(tmp_path_factory):
    folder = tmp_path_factory.mktemp("fuzz")
    given = Settings(
        profiles=five_cities(folder),
        store=str(folder / "s.sqlite"),
        text_model="static",
        jobs=0,
        requests_a_minute=10**9,
        heavy_a_minute=10**9,
        hosts=("localhost", "testserver"),
    )
    app = application(given)
    app._app.state.shared.open()
    schema = schemathesis.openapi.from_asgi("/openapi.json", app)
    # The events of a proposal that is never made never end.
    return schema.exclude(path_regex="events$")


CHECKS = [
    schemathesis.checks.not_a_server_error,
    openapi.status_code_conformance,
    openapi.content_type_conformance,
    openapi.response_schema_conformance,
]
QUIET = {"deadline": None, "suppress_health_check": list(HealthCheck), "derandomize": True}


def check(case):
    response = case.call(base_url="http://localhost")
    case.validate_response(response, checks=CHECKS)
    if response.status_code >= 400:
        assert response.headers["content-type"][0] == "application/problem+json"


def try_all(described, cases):
    """Try every route with so many cases; return how many were tried."""
    tried = 0
    for found in described.get_all_operations():
        operation = found.ok()

        @settings(max_examples=cases, **QUIET)
        @given(case=operation.as_strategy())
        def one(case):
            nonlocal tried
            tried += 1
            check(case)

        one()
    return tried


@pytest.mark.slow
def test_nothing_undocumented_and_no_server_error(described):
    assert try_all(described, CASES) > 20 * CASES
