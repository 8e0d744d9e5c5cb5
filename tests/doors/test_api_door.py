"""The front door: who is let in, how much, from where, and what is told of it."""

from __future__ import annotations

import io
import json
import re
from pathlib import Path

import pytest
import structlog
from service_for_tests import board_of, five_cities, served, shared

from twinmatch.web.auth import PREFIX, Rank, digest
from twinmatch.web.middleware import log_as_json
from twinmatch.web.settings import Settings

READING = {"/healthz", "/readyz", "/metrics"}


def bearer(secret):
    return {"Authorization": f"Bearer {secret}"}


@pytest.fixture(scope="module")
def guarded(tmp_path_factory):
    folder = tmp_path_factory.mktemp("guarded")
    cities = five_cities(folder)
    with served(
        folder / "s.sqlite", profiles=cities, access="keys", host="0.0.0.0", jobs=0
    ) as client:
        yield client


@pytest.fixture(scope="module")
def secrets_(guarded):
    return {rank: board_of(guarded).add_key(rank.name, rank)[1] for rank in Rank if rank}


def operations(client):
    document = client.get("/openapi.json").json()
    for path, item in document["paths"].items():
        if not path.startswith("/workbench"):
            for method in item:
                yield method, re.sub(r"{\w+}", "x", path)


def test_no_route_but_health_answers_without_a_key(guarded):
    tried = 0
    for method, path in operations(guarded):
        status = guarded.request(method, path, json={} if method == "post" else None).status_code
        if path in READING:
            assert status == 200, path
        else:
            assert status == 401, (method, path, status)
            tried += 1
    assert tried > 10


def test_a_reader_changes_nothing(guarded, secrets_):
    tried = 0
    for method, path in operations(guarded):
        if method in {"post", "put", "patch", "delete"} and path != "/v1/similar":
            body = {"profile": {}} if path == "/v1/similar" else {}
            answer = guarded.request(method, path, json=body, headers=bearer(secrets_[Rank.READER]))
            assert answer.status_code == 403, (method, path, answer.text)
            tried += 1
    assert tried >= 2


def test_each_rank_may_what_those_below_may(guarded, secrets_):
    for secret in secrets_.values():
        assert guarded.get("/v1/cities", headers=bearer(secret)).status_code == 200
        assert guarded.get("/v1/cities", headers={"X-API-Key": secret}).status_code == 200
    for rank in (Rank.COORDINATOR, Rank.ADMINISTRATOR):
        answer = guarded.post("/v1/proposals", json={}, headers=bearer(secrets_[rank]))
        assert answer.status_code == 202, answer.text
        assert answer.json()["asked_by"] == rank.name


def test_a_key_taken_back_or_expired_opens_nothing(guarded):
    board = board_of(guarded)
    key, secret = board.add_key("gone", Rank.READER)
    assert guarded.get("/v1/cities", headers=bearer(secret)).status_code == 200
    board.take_back(key.id)
    shared(guarded).forget(secret)
    assert guarded.get("/v1/cities", headers=bearer(secret)).status_code == 401
    _, late = board.add_key("late", Rank.READER, days=-1)
    assert guarded.get("/v1/cities", headers=bearer(late)).status_code == 401


def test_only_the_hash_of_a_key_is_kept(guarded, tmp_path):
    board = board_of(guarded)
    _, secret = board.add_key("hashed", Rank.READER)
    assert secret.startswith(PREFIX)
    with board.store.look() as connection:
        database = Path(connection.engine.url.database)
    wal = database.with_name(f"{database.name}-wal")
    content = database.read_bytes() + (wal.read_bytes() if wal.exists() else b"")
    assert secret.encode() not in content
    assert digest(secret).encode() in content


def test_reading_may_be_open(tmp_path):
    cities = five_cities(tmp_path)
    with served(
        tmp_path / "s.sqlite", profiles=cities, access="keys, reading open", host="0.0.0.0", jobs=0
    ) as client:
        assert client.get("/v1/cities").status_code == 200
        assert client.post("/v1/proposals", json={}).status_code == 403


def test_without_keys_the_service_stays_at_this_machine():
    with pytest.raises(ValueError, match="this machine only"):
        Settings(host="0.0.0.0")


def test_another_host_name_is_refused(api):
    answer = api.get("/v1/cities", headers={"Host": "evil.example"})
    assert answer.status_code == 421
    assert answer.json()["problems"][0]["code"] == "host-unknown"


@pytest.mark.parametrize(
    "headers",
    [
        {"Origin": "https://evil.example"},
        {"Sec-Fetch-Site": "cross-site"},
        {"Sec-Fetch-Site": "same-site"},
        {"Origin": "null"},
    ],
)
def test_a_page_of_another_origin_changes_nothing(api, headers):
    answer = api.post("/v1/proposals", json={}, headers=headers)
    assert answer.status_code == 403
    assert answer.json()["problems"][0]["code"] == "other-origin"


def test_no_page_of_another_origin_may_read_unless_named(api, tmp_path):
    origin = {"Origin": "https://platform.example"}
    assert "access-control-allow-origin" not in api.get("/healthz", headers=origin).headers


@pytest.mark.parametrize("declared", [True, False])
def test_a_request_too_large_is_refused(api, declared):
    big = b'{"profile": {"note": "' + b"x" * 2_000_000 + b'"}}'
    body = big if declared else (big[k : k + 65536] for k in range(0, len(big), 65536))
    answer = api.post("/v1/similar", content=body)
    assert answer.status_code == 413, answer.text
    assert answer.json()["problems"][0]["code"] == "too-large"


def test_too_many_requests_are_told_when_to_come_back(tmp_path):
    cities = five_cities(tmp_path)
    with served(tmp_path / "s.sqlite", profiles=cities, requests_a_minute=50, jobs=0) as client:
        statuses = [client.get("/v1/cities").status_code for _ in range(60)]
        assert set(statuses[:50]) == {200}
        # The window slides: where these seconds span two minutes by the clock, one or two may have left it.
        assert statuses.count(200) <= 52
        answer = client.get("/v1/cities")
        assert answer.status_code == 429
        assert answer.headers["ratelimit-policy"] == '"usual";q=50;w=60'
        wait = int(answer.headers["retry-after"])
        assert 1 <= wait <= 61
        assert answer.headers["ratelimit"] == f'"usual";r=0;t={wait}'
        answer = client.get("/healthz")
        assert answer.status_code == 200
        assert "ratelimit" not in answer.headers


def test_what_is_computed_counts_as_such_whoever_asks_and_however(tmp_path):
    cities = five_cities(tmp_path)
    with served(tmp_path / "s.sqlite", profiles=cities, heavy_a_minute=1, jobs=0) as client:
        asked = [client.get("/v1/pairs/de-guest/it-host").status_code for _ in range(3)]
        assert asked == [200, 429, 429]
        looked = client.get("/v1/cities").headers["ratelimit"]
        assert looked.startswith('"usual";r=1199;t=')
        assert client.get("/v1/proposals").status_code == 200


def test_every_answer_carries_the_headers_of_a_careful_house(api):
    for path in ("/v1/cities", "/v1/cities/nowhere", "/healthz", "/nowhere"):
        headers = api.get(path).headers
        assert "default-src 'none'" in headers["content-security-policy"]
        assert "unsafe" not in headers["content-security-policy"]
        assert headers["x-content-type-options"] == "nosniff"
        assert headers["referrer-policy"] == "no-referrer"
        assert headers["x-request-id"]
        assert headers["cache-control"]


def test_metrics_count_by_route_and_name_no_city(api):
    api.get("/v1/cities/be-leuven")
    text = api.get("/metrics").text
    assert 'route="/v1/cities/{city}",status="200"' in text
    assert "twinmatch_cities 255.0" in text
    assert "leuven" not in text


def test_metrics_can_ask_for_a_key(tmp_path):
    told = {"access": "keys", "profiles": five_cities(tmp_path), "jobs": 0, "metrics_open": False}
    with served(tmp_path / "s.sqlite", **told) as client:
        assert client.get("/metrics").status_code == 401
        key = board_of(client).add_key("Prometheus", Rank.READER)[1]
        assert client.get("/metrics", headers=bearer(key)).status_code == 200


def test_logs_hold_no_personal_data(tmp_path, monkeypatch):
    written = io.StringIO()
    monkeypatch.setattr("sys.stderr", written)
    try:
        log_as_json()
        cities = five_cities(tmp_path)
        with served(tmp_path / "s.sqlite", profiles=cities, jobs=0) as client:
            profile = {"id": "it-canary", "name": "canary@example.org", "country": "IT"}
            client.post("/v1/similar", json={"profile": profile})
            client.get("/v1/cities", params={"q": "canary@example.org +49 221 123456"})
            client.get("/v1/cities/canary@example.org", headers=bearer("twm_canary"))
            client.get("/canary@example.org")
        structlog.get_logger("twinmatch.web").info("request", email="canary@example.org")
    finally:
        structlog.reset_defaults()
        structlog.configure(
            [structlog.processors.KeyValueRenderer()],
            logger_factory=structlog.ReturnLoggerFactory(),
        )
    lines = [json.loads(line) for line in written.getvalue().splitlines()]
    assert {"/v1/similar", "/v1/cities", "/v1/cities/{city}"} <= {
        line.get("route") for line in lines
    }
    assert lines[-1]["email"] == "(taken out)"
    assert "canary" not in written.getvalue()
    assert "123456" not in written.getvalue()


def test_a_path_without_its_version_is_answered_with_the_date_on_which_it_ends(api):
    path = "/cities?size=2&page=2"
    old, new = api.get(path), api.get(f"/v1{path}")
    assert old.json() == new.json()
    assert old.headers["deprecation"] == "@1795910400"
    assert old.headers["sunset"] == "Wed, 01 Dec 2027 00:00:00 GMT"
    assert old.links["successor-version"]["url"] == "/v1/cities"
    assert {"next", "prev"} <= set(old.links)
    assert not {"deprecation", "sunset"} & set(new.headers)
    assert api.post("/similar", json={"profile": {}}).headers["ratelimit-policy"][1:6] == "heavy"
    assert api.get("/citiesx").status_code == 404


def test_a_page_of_a_named_origin_may_ask_and_change_nothing(tmp_path):
    cities = five_cities(tmp_path)
    origins = ("https://platform.example",)
    with served(tmp_path / "s.sqlite", profiles=cities, origins=origins, jobs=0) as client:
        for origin, status in ((origins[0], 200), ("https://evil.example", 403)):
            page = {"Origin": origin, "Sec-Fetch-Site": "cross-site"}
            asked = client.post("/v1/similar", json={"cities": ["de-guest"]}, headers=page)
            assert asked.status_code == status, asked.text
            assert (asked.headers.get("access-control-allow-origin") == origin) == (status == 200)
            assert client.post("/v1/proposals", json={}, headers=page).status_code == 403
