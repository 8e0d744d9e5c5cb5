"""Proposals as jobs: asked for, followed, stopped, taken away; the same bytes as from the command line."""

from __future__ import annotations

import json

import pytest
from service_for_tests import PROGRAMME, board_of, finished, five_cities, served
from typer.testing import CliRunner

from twinmatch.cli import app as command_line
from twinmatch.exporting import EXPORTERS
from twinmatch.web.bodies import cursor_after
from twinmatch.web.jobs import PATIENCE, work
from twinmatch.web.settings import Settings


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    found = tmp_path_factory.mktemp("five")
    five_cities(found)
    return found


@pytest.fixture(scope="module")
def five(folder):
    with served(folder / "s.sqlite", profiles=folder / "cities") as client:
        yield client


@pytest.fixture(scope="module")
def done(five):
    answer = five.post("/v1/proposals", json={"title": "Round", "programme_toml": PROGRAMME})
    assert answer.status_code == 202, answer.text
    assert answer.headers["location"] == f"/v1/proposals/{answer.json()['id']}"
    found = finished(five, answer.json()["id"])
    assert found["state"] == "done", found
    return found


def test_a_proposal_is_made_in_steps_that_are_told(done):
    assert done["steps"][0] == "Profiles"
    assert "Twinning" in done["steps"]
    assert done["title"] == "Round"
    assert done["problems"] == []
    assert set(EXPORTERS) <= set(done["links"])


def test_the_files_are_those_of_the_command_line(five, done, folder):
    out = folder / "out"
    arguments = ["propose", folder / "cities", "--programme", folder / "round.toml"]
    arguments += ["--text-model", "static", "--out", out, "--title", "Round"]
    result = CliRunner().invoke(command_line, [str(a) for a in arguments], catch_exceptions=False)
    assert result.exit_code == 0
    ours = {name: five.get(done["links"][name]).content for name in EXPORTERS}
    theirs = json.loads((out / "proposal.json").read_bytes())
    assert _without_programme(json.loads(ours["proposal.json"])) == _without_programme(theirs)
    assert theirs["title"] == "Round"
    again = {name: five.get(done["links"][name]).content for name in EXPORTERS}
    assert again == ours


def _without_programme(plain):
    """The two programmes are files of different names."""
    made = dict(plain["made_from"])
    made["programme"] = made["programme"]["settings"]["twinning"]
    return {**plain, "made_from": made}


@pytest.mark.parametrize(
    ("accept", "kind"),
    [
        ("application/json", "application/json"),
        ("text/html", "text/html"),
        ("text/html;q=0.5, application/xml", "application/xml"),
        ("application/vnd.openxmlformats-officedocument.spreadsheetml.sheet", "application/vnd"),
        ("*/*", "application/json"),
    ],
)
def test_the_export_comes_in_the_form_asked_for(five, done, accept, kind):
    answer = five.get(done["links"]["export"], headers={"Accept": accept})
    assert answer.status_code == 200
    assert answer.headers["content-type"].startswith(kind)
    tag = answer.headers["etag"]
    same = five.get(done["links"]["export"], headers={"Accept": accept, "If-None-Match": tag})
    assert same.status_code == 304


def test_a_form_that_there_is_not(five, done):
    assert five.get(done["links"]["export"], headers={"Accept": "image/png"}).status_code == 406


def test_the_events_end_with_the_proposal(five, done):
    with five.stream("GET", done["links"]["events"]) as answer:
        assert answer.headers["content-type"].startswith("text/event-stream")
        text = "".join(answer.iter_text())
    assert text.startswith("event: done\ndata: {")
    assert json.loads(text.split("data: ", 1)[1]) == done


def test_a_further_round_changes_as_little_as_possible(five, done):
    body = {"programme_toml": PROGRAMME, "previous": done["id"], "ban": [["de-guest", "it-host"]]}
    found = finished(five, five.post("/v1/proposals", json=body).json()["id"])
    assert found["state"] == "done", found
    (twinning,) = five.get(found["links"]["proposal.json"]).json()["products"]
    pairs = {m["members"][1]["city"]: m["members"][0]["city"] for m in twinning["meetings"]}
    assert pairs.get("de-guest") != "it-host"


def test_rules_that_cannot_be_kept_are_told_with_their_problems(five):
    text = PROGRAMME.replace("[0, 1]", "[3, 5]")
    found = finished(five, five.post("/v1/proposals", json={"programme_toml": text}).json()["id"])
    assert found["state"] == "failed"
    assert found["problems"][0]["code"] == "no-proposal"
    assert found["problems"][0]["found"]
    assert five.get(f"/v1/proposals/{found['id']}/files/report.html").status_code == 409


def test_a_waiting_proposal_can_be_stopped_and_a_stopped_one_not(tmp_path):
    cities = five_cities(tmp_path)
    with served(tmp_path / "s.sqlite", profiles=cities, jobs=0) as client:
        job = client.post("/v1/proposals", json={}).json()
        assert job["state"] == "waiting"
        assert client.post(job["links"]["cancel"]).json()["state"] == "cancelled"
        assert client.post(job["links"]["cancel"]).status_code == 409
        assert board_of(client).claim() is None


def test_a_running_proposal_is_stopped_and_leaves_no_result(five, monkeypatch):
    job = five.post("/v1/proposals", json={"programme_toml": PROGRAMME}).json()
    assert five.post(f"/v1/proposals/{job['id']}/cancel").json()["state"] == "cancelled"
    assert finished(five, job["id"])["state"] == "cancelled"
    assert five.get(f"/v1/proposals/{job['id']}/files/proposal.json").status_code == 409


def test_a_job_belongs_to_one_process_and_a_dead_one_is_buried(tmp_path):
    from datetime import timedelta

    from twinmatch.web import board as module
    from twinmatch.web.board import Board

    one, other = (Board(str(tmp_path / "s.sqlite")) for _ in range(2))
    job = one.ask("", {}, "")
    assert one.claim().id == job
    assert other.claim() is None
    other.bury()
    assert other.job(job).state == "running"
    silence = module.SILENCE
    assert silence > timedelta(seconds=PATIENCE)  # who waits to hand in its result is not dead
    module.SILENCE = timedelta(seconds=-1)
    try:
        other.bury()
    finally:
        module.SILENCE = silence
    assert other.job(job).state == "failed"
    assert other.job(job).problems[0]["code"] == "interrupted"


def test_proposals_and_changes_go_on_by_cursor_while_more_are_asked_for(tmp_path):
    with served(tmp_path / "s.sqlite", profiles=five_cities(tmp_path), jobs=0) as client:
        board = board_of(client)
        asked = [board.ask(f"Round {k}", {}, "Ann") for k in range(5)]
        for job in asked:
            client.post(f"/v1/proposals/{job}/cancel")
        for path, key, known in (
            ("/v1/proposals", "proposals", lambda line: line["id"]),
            ("/v1/changes", "changes", lambda line: line["about"]),
        ):
            seen, link = [], f"{path}?size=2"
            while link:
                answer = client.get(link)
                assert answer.status_code == 200, answer.text
                seen += map(known, answer.json()[key])
                link = answer.links.get("next", {}).get("url")
                assert bool(link) == bool(answer.json()["next"])
                board.ask("Newer", {}, "Ben")
            assert seen == (asked[::-1] if key == "proposals" else asked)
            for cursor in ("x", "WzEsMl0", cursor_after(["2026-01-01", "\0", ""])):
                assert client.get(f"{path}?cursor={cursor}").status_code == 400
        wrong = client.get("/v1/changes", params={"size": 501})
        assert wrong.json()["problems"][0]["column"] == "size"


def test_the_work_of_a_job_can_be_done_anywhere(tmp_path):
    cities = five_cities(tmp_path)
    settings = Settings(profiles=cities, store=str(tmp_path / "s.sqlite"), text_model="static")
    from twinmatch.web.board import Board

    board = Board(settings.store)
    job = board.ask("", {"programme_toml": PROGRAMME}, "")
    board.claim()
    work(settings.model_dump_json(), job)
    assert board.job(job).state == "done"
    assert json.loads(board.result(job))["products"]
