"""Every error of the API is a problem document with the codes of the command line, and says what to do."""

from __future__ import annotations

import pytest

from twinmatch.app.neighbours import similar, text_model
from twinmatch.errors import TwinmatchError

AS_JSON = {"Content-Type": "application/json"}


def problem(answer, status, code):
    assert answer.status_code == status, answer.text
    assert answer.headers["content-type"] == "application/problem+json"
    found = answer.json()
    assert found["status"] == status
    assert found["type"] == f"urn:twinmatch:problem:{code}"
    assert code in {p["code"] for p in found["problems"]}
    assert found["detail"]
    return found


@pytest.mark.parametrize(
    ("path", "status", "code"),
    [
        ("/nowhere", 404, "not-found"),
        ("/v1/cities/nowhere", 404, "city-unknown"),
        ("/v1/cities/nowhere/similar", 404, "city-unknown"),
        ("/v1/cities/be-leuven/similar?k=0", 400, "request-wrong"),
        ("/v1/cities/be-leuven/similar?k=many", 400, "request-wrong"),
        ("/v1/cities/be-leuven/similar?weights=readiness", 400, "weight-wrong"),
        ("/v1/cities/be-leuven/similar?weights=readiness:-1", 400, "weight-wrong"),
        ("/v1/cities/be-leuven/similar?weights=readiness:inf", 400, "weight-wrong"),
        ("/v1/cities/be-leuven/similar?weights=readyness:1", 400, "facet-unknown"),
        ("/v1/cities/be-leuven/similar?weights=wishes:1", 400, "facet-directed"),
        ("/v1/cities/be-leuven/similar?weights=readiness:0", 400, "weights-empty"),
        ("/v1/cities/be-leuven/similar?text=%E2%80%A6", 400, "text-not-read"),
        ("/v1/cities/be-leuven/similar?weights=readiness:1,readiness:3", 400, "weight-wrong"),
        ("/v1/cities/be-leuven/similar?country=FI&country=SE", 400, "parameter-twice"),
        ("/v1/cities?lacks=money", 400, "block-unknown"),
        ("/v1/cities?country=belgium", 400, "request-wrong"),
        ("/v1/pairs/be-leuven/be-leuven", 400, "same-city"),
        ("/v1/pairs/be-leuven/nowhere", 404, "city-unknown"),
        ("/v1/proposals/none", 404, "proposal-unknown"),
        ("/v1/proposals/none/files/report.html", 404, "proposal-unknown"),
        ("/v1/proposals/none/files/passwd", 404, "file-unknown"),
    ],
)
def test_a_wrong_question(api, path, status, code):
    problem(api.get(path), status, code)


def test_a_wrong_way_to_ask(api):
    problem(api.delete("/v1/cities"), 405, "not-allowed-here")


def test_the_nearest_name_is_offered_as_on_the_command_line(api, bundled):
    found = problem(api.get("/v1/cities/Leuvn/similar"), 404, "city-unknown")
    with pytest.raises(TwinmatchError) as raised:
        similar("Leuvn", bundled, text_model(bundled, "static"))
    (told,) = raised.value.problems
    assert (found["problems"][0]["found"], found["problems"][0]["do"]) == (told.found, told.do)
    assert "be-leuven" in told.do


def test_everything_wrong_with_a_profile_at_once(api):
    profile = {"id": "it-x", "name": "X", "country": "XX", "readiness": {"plan": 9}, "nedes": "?"}
    found = problem(api.post("/v1/similar", json={"profile": profile}), 422, "value-wrong")
    assert {p["column"] for p in found["problems"]} >= {"country", "readiness.plan", "nedes"}
    assert any(p["do"].startswith("Did you mean needs") for p in found["problems"])


def test_a_body_that_is_no_json(api):
    broken = problem(api.post("/v1/similar", content=b"{", headers=AS_JSON), 400, "request-wrong")
    assert broken["detail"].startswith("Expected JSON")
    plain = problem(api.post("/v1/similar", content=b'{"profile": {}}'), 400, "request-wrong")
    assert "Content-Type: application/json" in plain["problems"][0]["do"]
    bare = problem(api.post("/v1/similar", json={"name": "Graz"}), 400, "request-wrong")
    assert any("profile" in p["do"] for p in bare["problems"])


def test_an_unforeseen_error_shows_nothing_of_the_inside(api, monkeypatch):
    from service_for_tests import shared

    def broken(*_):
        raise RuntimeError("the secret inside")

    monkeypatch.setattr(shared(api).service, "list_cities", broken)
    answer = api.get("/v1/cities?q=unforeseen")
    problem(answer, 500, "unforeseen")
    assert "secret" not in answer.text


def test_a_proposal_that_cannot_be_asked(api):
    for body, code in (
        ({"programme": ["/etc/passwd"]}, "programme-unknown"),
        ({"programme": ["../../x"]}, "programme-unknown"),
        ({"programme": ["twinning"], "programme_toml": "[twinning]"}, "programme-twice"),
        ({"programm": []}, "request-wrong"),
    ):
        problem(api.post("/v1/proposals", json=body), 400, code)
    problem(api.post("/v1/proposals", json={"programme_toml": "[twining]"}), 422, "no-product")
    problem(api.post("/v1/proposals", json={"programme_toml": "["}), 422, "not-toml")
    problem(api.post("/v1/proposals", json={"previous": "nothing"}), 404, "proposal-unknown")
