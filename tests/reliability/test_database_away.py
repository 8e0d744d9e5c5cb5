"""The database goes and comes back under a running service: it says so, and goes on without a restart."""

from __future__ import annotations

import json
import shutil
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import structlog
from fastapi.testclient import TestClient
from places_for_tests import said_in_words
from server_for_tests import Server, server
from service_for_tests import finished, five_cities, served
from stores_for_tests import keep

from commands_for_tests import command
from twinmatch.errors import DataError
from twinmatch.store.records import open_store
from twinmatch.web.jobs import PAUSE

pytestmark = pytest.mark.slow


@pytest.fixture(autouse=True)
def log_to_read() -> Iterator[None]:
    """The service's log is written as it is by default, whatever other tests made of it."""
    before = structlog.get_config()
    structlog.reset_defaults()
    yield
    structlog.configure(**before)


@pytest.fixture(scope="module")
def one_server() -> Iterator[Server]:
    # Not in the test's folder: a socket's path is short, and another user's folder has to be reached.
    folder = Path(tempfile.mkdtemp(prefix="twinmatch-away-"))
    try:
        with server(folder) as found:
            yield found
    finally:
        shutil.rmtree(folder, ignore_errors=True)


@pytest.fixture
def database(one_server: Server) -> Server:
    one_server.empty()
    return one_server


def away(answer: Any) -> None:
    """Assert that an answer is a problem document that says that the store is away."""
    assert answer.status_code == 503, answer.text
    assert answer.headers["content-type"] == "application/problem+json"
    told = answer.json()
    assert told["type"] == "urn:twinmatch:problem:store-unreachable"
    assert told["problems"][0]["code"] == "store-unreachable"
    assert "whether the database runs" in told["detail"]
    assert "Traceback" not in answer.text
    assert "SELECT" not in answer.text.upper().replace("SELECTED", "")


def waits(client: TestClient, status: int, seconds: float = 120) -> dict[str, Any]:
    """Wait until readiness has a status, and return what it says."""
    end = time.monotonic() + seconds
    while (answer := client.get("/readyz")).status_code != status:
        assert time.monotonic() < end, answer.text
        time.sleep(0.1)
    found: dict[str, Any] = answer.json()
    return found


def test_a_service_says_that_its_database_is_away_and_recovers(
    database: Server, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    profiles = five_cities(tmp_path)
    given: dict[str, Any] = {"profiles": profiles, "programme": [str(tmp_path / "round.toml")]}
    with served(database.place, **given) as client:  # type: ignore[arg-type]
        made = client.post("/v1/proposals", json={"title": "Before"}).json()["id"]
        assert finished(client, made)["state"] == "done"
        decisions = f"/v1/proposals/{made}/decisions"
        tag = client.get(decisions).headers["etag"]
        note = {"kind": "note", "why": "kept"}

        database.stop()
        told = waits(client, 503)
        assert told["checks"] == {"cities": True, "store": False}
        assert client.get("/healthz").status_code == 200
        assert client.get("/v1/cities/de-guest/similar").status_code == 200  # asks no store
        for answer in (
            client.get("/v1/proposals"),
            client.get(f"/v1/proposals/{made}"),
            client.post("/v1/proposals", json={"title": "Meanwhile"}),
            client.get(decisions),
            client.post(decisions, json=note, headers={"If-Match": tag}),
            client.get("/metrics"),
        ):
            away(answer)
        page = client.get("/workbench/proposals", headers={"Accept": "text/html"})
        assert page.status_code == 503
        assert "The store cannot be used" in page.text
        assert "<main" in page.text
        # Who looks for work looks some times a second: it has seen that the database is away, too.
        time.sleep(5 * PAUSE)

        database.start()
        assert waits(client, 200)["checks"] == {"cities": True, "store": True}
        assert client.get(f"/v1/proposals/{made}").json()["state"] == "done"
        answer = client.post(decisions, json=note, headers={"If-Match": tag})
        assert answer.status_code == 201, answer.text
        again = client.post("/v1/proposals", json={"title": "After"}).json()["id"]
        assert finished(client, again)["state"] == "done"
        titles = [p["title"] for p in client.get("/v1/proposals").json()["proposals"]]
        assert titles == ["After", "Before"]
    logged = capsys.readouterr()
    assert "unforeseen" not in logged.out + logged.err
    assert (logged.out + logged.err).count(
        "code=store-unreachable"
    ) == 1  # told once, not in a flood


def test_a_proposal_is_made_though_the_database_is_away_meanwhile(
    database: Server, tmp_path: Path
) -> None:
    given: dict[str, Any] = {"profiles": five_cities(tmp_path)}
    given["programme"] = [str(tmp_path / "round.toml")]
    with served(database.place, **given) as client:  # type: ignore[arg-type]
        made = client.post("/v1/proposals", json={"title": "Long"}).json()["id"]
        end = time.monotonic() + 120
        while not client.get(f"/v1/proposals/{made}").json()["steps"]:
            assert time.monotonic() < end
            time.sleep(0.02)
        database.stop()
        waits(client, 503)
        time.sleep(3)  # by now it has something to say, or the proposal itself
        database.start()
        waits(client, 200)
        assert finished(client, made)["state"] == "done"


def test_keys_that_cannot_be_looked_up_are_no_error_of_the_service(
    database: Server, tmp_path: Path
) -> None:
    given: dict[str, Any] = {"profiles": five_cities(tmp_path), "access": "keys"}
    with served(database.place, **given) as client:  # type: ignore[arg-type]
        database.stop("fast")
        away(client.get("/v1/cities", headers={"Authorization": "Bearer twm_" + "x" * 43}))
        database.start()
        waits(client, 200)
        answer = client.get("/v1/cities", headers={"Authorization": "Bearer twm_" + "x" * 43})
        assert answer.status_code == 401


def test_a_store_that_comes_back_has_all_that_it_acknowledged(database: Server) -> None:
    store = open_store(database.place)
    run = keep(store).id
    for k in range(10):
        store.add(run, "note", "Ada", why=f"word {k}")
        if k % 5 == 0:
            database.stop()
            with pytest.raises(DataError, match="whether the database runs"):
                store.add(run, "note", "Ada", why="never acknowledged")
            database.start()
    assert [e.why for e in store.history(run)] == [f"word {k}" for k in range(10)]
    store.close()


def test_the_command_line_says_that_there_is_no_database(tmp_path: Path) -> None:
    place = f"postgresql://ada:secret@/twinmatch?host={tmp_path}"
    for words in (("runs",), ("decide", "abc", "note", "--why", "x"), ("past",)):
        done = command(*words, "--store", place)
        said_in_words(done, "The store cannot be used", "whether the database runs")
        assert "secret" not in done.stdout + done.stderr
    done = command("serve", "--store", place, "--port", "1")
    said_in_words(done, "The store cannot be used")
    assert "secret" not in json.dumps(done.stdout + done.stderr)
    wrong = command("runs", "--store", "postgresql://ada:secret@host:port/x")
    said_in_words(wrong, "The address of the store cannot be read")
    assert "secret" not in wrong.stdout + wrong.stderr
