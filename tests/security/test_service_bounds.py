"""What one request may cost, and what no request may store: each as the attack that found it."""

from __future__ import annotations

import tracemalloc
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from fastapi.testclient import TestClient
from service_for_tests import board_of, five_cities, served, shared

from twinmatch.app.service import Question
from twinmatch.cohort import nearest
from twinmatch.errors import DataError, QuestionError
from twinmatch.programmes.programme import MOST_BYTES, load, load_text
from twinmatch.web import bodies, sandbox
from twinmatch.web.auth import COOKIE, Rank
from twinmatch.web.bodies import MOST_PROBLEMS

HEAVY = {
    "deep": "a" + ".a" * 60_000 + " = 1",
    "deep header": "[a" + ".a" * 60_000 + "]",
    "many keys": "\n".join(f"k{n} = 1" for n in range(20_000)),
    "many values": "name = [" + "1," * 90_000 + "]",
    "long": "# " + "x" * MOST_BYTES,
}


@pytest.fixture(scope="module")
def keyed(tmp_path_factory: pytest.TempPathFactory) -> Iterator[TestClient]:
    """The service with five cities and keys, whose jobs nobody makes."""
    folder = tmp_path_factory.mktemp("bounds")
    given = {"profiles": five_cities(folder), "access": "keys", "jobs": 0, "hosts": ("localhost",)}
    with served(folder / "s.sqlite", heavy_a_minute=10_000, **given) as client:
        client.app_key = board_of(client).add_key("Ann", Rank.COORDINATOR)[1]
        yield client


def auth(client: Any) -> dict[str, str]:
    """Return the headers of the coordinator."""
    return {"Authorization": f"Bearer {client.app_key}"}


@pytest.mark.parametrize("text", HEAVY.values(), ids=HEAVY)
def test_a_programme_that_takes_long_to_parse_is_refused_before(
    text: str, keyed: TestClient, tmp_path: Path
) -> None:
    """At the API, at the page, and as the file that the command line reads; in little memory."""
    file = tmp_path / "p.toml"
    file.write_text(text)
    with pytest.raises(DataError):
        load(file)  # imports what it needs, which is not the text's memory
    peaks = []
    for _ in range(3):  # threads of the service may need memory of their own meanwhile
        tracemalloc.start()
        with pytest.raises(DataError) as error:
            load(file)
        peaks.append(tracemalloc.get_traced_memory()[1])
        tracemalloc.stop()
        assert {p.code for p in error.value.problems} == {"programme-too-large"}
    assert min(peaks) < 20_000_000
    sent = {"programme_toml": text}
    assert keyed.post("/v1/proposals", json=sent, headers=auth(keyed)).status_code in {400, 422}
    page = keyed.post("/workbench/proposals/check", data=sent, headers=auth(keyed))
    assert page.status_code in {400, 422}


def test_a_usual_programme_is_read_in_the_sandbox(keyed: TestClient) -> None:
    """What is right is taken, what is wrong comes back with its place."""
    good = "[twinning]\nguests_per_host = [0, 1]\n[twinning.weights]\nchallenges_met = 1\n"
    assert load_text(good).products == ("twinning",)
    answer = keyed.post("/v1/proposals", json={"programme_toml": good}, headers=auth(keyed))
    assert answer.status_code == 202
    bad = keyed.post("/v1/proposals", json={"programme_toml": "[twining]\n"}, headers=auth(keyed))
    assert bad.status_code == 422
    assert bad.json()["problems"][0]["file"] == "programme.toml"


@pytest.mark.parametrize("bad", ["\ud800", "a\0b"])
@pytest.mark.parametrize("field", ["lock", "ban", "title", "programme_toml"])
def test_text_that_cannot_be_stored_is_refused_in_the_model(
    bad: str, field: str, keyed: TestClient
) -> None:
    """Whatever field it is in; nothing is stored, and the list answers."""
    before = keyed.get("/v1/proposals", headers=auth(keyed)).json()["proposals"]
    value: Any = [[bad, "it-host"]] if field in {"lock", "ban"} else bad
    import json

    body = json.dumps({field: value})
    headers = {**auth(keyed), "Content-Type": "application/json"}
    assert keyed.post("/v1/proposals", content=body, headers=headers).status_code == 400
    after = keyed.get("/v1/proposals", headers=auth(keyed))
    assert after.status_code == 200
    assert after.json()["proposals"] == before


def test_both_engines_refuse_the_same_text(keyed: TestClient) -> None:
    """The store itself refuses NUL and surrogates, in text, in JSON and in what is looked up."""
    board = board_of(keyed)
    for bad in ("a\0b", "\ud800"):
        with pytest.raises(DataError, match="stored"):
            board.ask(bad, {}, "Ann")
        with pytest.raises(DataError, match="stored"):
            board.ask("x", {"lock": [[bad, "y"]]}, "Ann")
        with pytest.raises((DataError, QuestionError)):
            board.upload(bad)
    form = {"file": ("a\0b.csv", b"id,name,country\n")}
    assert keyed.post("/workbench/intake", files=form, headers=auth(keyed)).status_code < 500
    for path in (
        "/v1/proposals/%00",
        "/v1/cities/%00",
        "/workbench/intake/%00",
        "/v1/proposals/a%00/events",
    ):
        assert 400 <= keyed.get(path, headers=auth(keyed)).status_code < 500


def test_a_list_survives_a_bad_row(keyed: TestClient) -> None:
    """A row that an earlier version stored with half a surrogate pair does not take the list with it."""
    import sqlalchemy as sa

    board = board_of(keyed)
    job = board.ask("bad row", {"lock": [["x", "y"]]}, "Ann")
    with board.store.change() as c:
        c.execute(
            sa.text("update jobs set asked = :asked where id = :id"),
            {"asked": '{"lock": [["\\ud800", "y"]]}', "id": job},
        )
    answer = keyed.get("/v1/proposals", headers=auth(keyed))
    assert answer.status_code == 200
    found = next(p for p in answer.json()["proposals"] if p["id"] == job)
    assert found["asked"] == {"lock": [["?", "y"]]}


def test_who_has_no_key_causes_no_work(keyed: TestClient, monkeypatch: pytest.MonkeyPatch) -> None:
    """A thousand unknown names are not looked at; neither is a body that cannot be parsed."""
    asked: list[str] = []
    monkeypatch.setattr(bodies, "nearest", lambda name, _: asked.append(name) or "")
    query = "&".join(f"n{k}=1" for k in range(1000))
    for path in ("/v1/cities", "/v1/cities/de-guest/similar", "/v1/proposals", "/v1/changes"):
        assert keyed.get(f"{path}?{query}").status_code == 401
    assert keyed.post("/v1/proposals", content=b"{" * 100).status_code == 401
    assert keyed.post("/v1/similar", content=b"{" * 100).status_code == 401
    assert asked == []


def test_problems_of_a_request_are_counted_beyond_twenty(
    keyed: TestClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Unknown parameters, unknown fields, wrong values: at most twenty, and how many more there are."""
    asked: list[str] = []

    def looked_for(name: str, known: dict[str, str]) -> str:
        asked.append(name)
        return nearest(name, known)

    monkeypatch.setattr(bodies, "nearest", looked_for)
    query = "&".join(f"n{k}=1" for k in range(1000))
    found = keyed.get(f"/v1/cities?{query}", headers=auth(keyed)).json()["problems"]
    assert len(found) == MOST_PROBLEMS + 1
    assert found[-1]["code"] == "more-problems"
    assert "980" in found[-1]["found"]
    assert len(asked) <= bodies.SUGGESTED
    for body in (
        {f"field{k}": 1 for k in range(40_000)},
        {"lock": [[1, 2]] * 900},
        {"lock": [["a"] * 20_000]},
    ):
        answer = keyed.post("/v1/proposals", json=body, headers=auth(keyed))
        assert answer.status_code == 400
        assert len(answer.json()["problems"]) <= MOST_PROBLEMS + 1


def test_weights_beyond_any_use_are_refused(keyed: TestClient) -> None:
    """Whose sum is no number any more, or that are no numbers at all."""
    path = "/v1/cities/de-guest/similar"
    wrong = keyed.get(
        path, params={"weights": "readiness:1e308,context:1e308"}, headers=auth(keyed)
    )
    assert wrong.status_code == 400
    assert {p["code"] for p in wrong.json()["problems"]} == {"weight-wrong"}
    body = {"profile": {"id": "at-x", "name": "X", "country": "AT"}, "weights": {"readiness": True}}
    assert keyed.post("/v1/similar", json=body, headers=auth(keyed)).status_code == 400
    with pytest.raises(DataError):
        load_text("[twinning]\nguests_per_host = [0, 1]\n[twinning.weights]\nneeds_offers = true\n")
    with pytest.raises(QuestionError):
        shared(keyed).service.similar("de-guest", Question(weights={"readiness": 1e308}))


def test_what_a_killed_process_left_is_swept(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A folder with a living owner stays; one whose owner has died goes, with what was in it."""
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    left = tmp_path / f"{sandbox.PREFIX}left"
    left.mkdir()
    (left / "owner.lock").touch()
    (left / "profiles.xlsx").write_bytes(b"contacts")
    with sandbox.scratch() as mine:
        (mine / "x").touch()
        assert sandbox.sweep() == 1
        assert not left.exists()
        assert (mine / "x").exists()
    assert list(tmp_path.iterdir()) == []


def test_a_session_is_no_key_and_a_key_no_session(keyed: TestClient) -> None:
    """Also where the other one was looked up a moment before; and a new login ends the session before it."""
    board = board_of(keyed)
    session = board.open_session(keyed.app_key)
    assert keyed.get("/v1/cities", headers={"Cookie": f"{COOKIE}={session}"}).status_code == 200
    assert (
        keyed.get("/v1/cities", headers={"Authorization": f"Bearer {session}"}).status_code == 401
    )
    assert keyed.get("/v1/cities", headers=auth(keyed)).status_code == 200
    assert (
        keyed.get("/v1/cities", headers={"Cookie": f"{COOKIE}={keyed.app_key}"}).status_code == 401
    )
    headers = {"Cookie": f"{COOKIE}={session}"}
    answer = keyed.post(
        "/workbench/login", data={"key": keyed.app_key}, headers=headers, follow_redirects=False
    )
    assert answer.status_code == 303
    assert board.visitor(session) is None


def test_an_origin_is_compared_with_its_scheme(keyed: TestClient) -> None:
    """The same name under another scheme is another origin."""
    for origin, status in (("http://localhost", 202), ("https://localhost", 403)):
        headers = {**auth(keyed), "Origin": origin}
        assert keyed.post("/v1/proposals", json={}, headers=headers).status_code == status


@pytest.mark.parametrize(
    "path", ["/v1/cities", "/v1/cities/de-guest", "/healthz", "/workbench/cities"]
)
def test_head_answers_as_get_without_a_body(path: str, keyed: TestClient) -> None:
    """The same status and headers."""
    get, head = (keyed.request(m, path, headers=auth(keyed)) for m in ("GET", "HEAD"))
    assert head.status_code == get.status_code == 200
    assert head.content == b""
    for name in ("content-type", "content-length", "etag"):
        assert head.headers.get(name) == get.headers.get(name)


def test_no_redirect_repeats_the_host(keyed: TestClient) -> None:
    """A path with a stroke too many is not found, rather than sent to where the Host header says."""
    for path in ("/v1/cities/", "/v1/proposals/", "/assets", "/workbench/"):
        answer = keyed.get(path, headers=auth(keyed), follow_redirects=False)
        assert "localhost" not in answer.headers.get("location", "")
