"""What the store holds of a city's persons is shown and erased, leaves when its time is over, and is noted."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from service_for_tests import board_of, five_cities, served
from stores_for_tests import proposal

from cities import cohort_of
from commands_for_tests import command
from twinmatch.errors import QuestionError
from twinmatch.store.database import REMOVED
from twinmatch.web import board as board_module
from twinmatch.web.auth import Rank
from twinmatch.web.persons import names_of

CANARIES = ("kanarek@guest.example", "+48 22 555 01 99", "Anna Kanarek", "Kanarini")
"""Who must be nowhere: an address, a number, a name in a column of contacts, a name in a column of our own."""

TABLE = """id,name,country,needs,E-mail,Telephone,Contact person,Responsible
de-guest,De-Guest,DE,Write to kanarek@guest.example or +48 22 555 01 99,kanarek@guest.example,+48 22 555 01 99,Anna Kanarek,Kanarini
fr-guest,Fr-Guest,FR,Trams,other@fr.example,+33 1 42 76 40 40,Bea Autre,Autrini
"""


@pytest.fixture
def service(tmp_path):
    limits = {"requests_a_minute": 10**6, "heavy_a_minute": 10**6}
    with served(tmp_path / "s.sqlite", profiles=five_cities(tmp_path), jobs=0, **limits) as client:
        yield client


@pytest.fixture
def filled(service):
    """A service with one upload and a decision."""
    files = {"file": ("cities.csv", TABLE.encode())}
    answer = service.post("/workbench/intake", files=files, follow_redirects=False)
    assert answer.status_code == 303
    board = board_of(service)
    run, _ = board.store.keep(proposal(), "Round", "Ben")
    board.store.add(
        run.id, "reject", "Ben", one="at-a", other="be-h", why="Kanarini would rather not"
    )
    return service, answer.headers["location"][-16:], run.id


def test_a_city_is_known_by_its_host_units_too():
    one, two = ({"id": f"fi-{n}", "name": n.title(), "country": "FI"} for n in ("one", "two"))
    unit = {"id": "unit-u", "name": "Both", "cities": ["fi-one", "fi-two"]}
    cohort = cohort_of(one, two, units=[unit])
    assert names_of(cohort, "Two") == ["Two", "fi-two", "unit-u", "Both"]
    assert names_of(cohort, "nowhere") == ["nowhere"]
    for nobody in ("", "  "):
        with pytest.raises(QuestionError, match="No city was named"):
            names_of(cohort, nobody)
    twins = cohort_of(*({"id": f"fi-{n}", "name": "One", "country": "FI"} for n in "ab"))
    with pytest.raises(QuestionError, match="Several cities are called 'one'"):
        names_of(twins, "one")
    assert names_of(twins, "fi-a") == ["fi-a", "One"]


def files_of(folder: Path) -> bytes:
    return b"".join(p.read_bytes() for p in sorted(folder.glob("s.sqlite*")))


def test_what_is_held_of_a_city_is_shown_cell_by_cell_and_of_no_other(filled):
    service, upload, run = filled
    found = service.get("/v1/personal-data/de-guest").json()
    (held,) = found["uploads"]
    assert held["upload"] == upload
    cells = {(c["row"], c["column"]): c["text"] for c in held["cells"]}
    assert set(cells) == {
        (2, column) for column in ("needs", "E-mail", "Telephone", "Contact person", "Responsible")
    }
    for canary in CANARIES:
        assert canary in " ".join(cells.values())
    assert "Autre" not in json.dumps(found)
    assert found["not_readable"] == []
    assert service.get("/v1/personal-data/it-host").json()["uploads"] == []
    (reason,) = service.get("/v1/personal-data/at-a").json()["reasons"]
    assert (reason["proposal"], reason["number"], reason["by"]) == (run, 1, "Ben")


def test_a_city_is_found_by_its_other_names_too(filled):
    service, upload, _ = filled
    by_name = service.get("/v1/personal-data/De-Guest").json()
    assert [u["upload"] for u in by_name["uploads"]] == [upload]


def test_a_misspelt_city_is_no_city_whose_data_is_gone(filled):
    service, *_ = filled
    told = service.get("/v1/personal-data/de-gest").json()
    assert told["says"].startswith("Nothing is held under 'de-gest'. No city 'de-gest'")
    assert "Did you mean de-guest" in told["says"]
    assert service.get("/v1/personal-data/it-host").json()["says"] == ""
    refused = service.delete("/v1/personal-data/de-gest")
    assert (refused.status_code, refused.json()["problems"][0]["code"]) == (404, "city-unknown")


def test_what_is_erased_is_in_no_file_and_what_others_gave_stays(filled, tmp_path):
    service, upload, _ = filled
    assert CANARIES[2].encode() in files_of(tmp_path)
    told = service.delete("/v1/personal-data/de-guest").json()
    assert told == {"uploads": 1, "cells": 5, "reasons": 0, "not_readable": []}
    assert service.get("/v1/personal-data/de-guest").json()["uploads"] == []
    board = board_of(service)
    kept = tmp_path / "kept.xlsx"
    kept.write_bytes(board.uploaded(upload))
    import openpyxl

    rows = list(openpyxl.load_workbook(kept).active.iter_rows(values_only=True))
    assert [r[:3] for r in rows] == [
        ("id", "name", "country"), ("de-guest", "De-Guest", "DE"), ("fr-guest", "Fr-Guest", "FR"),
    ]  # fmt: skip
    assert rows[1][3] == "Write to [e-mail removed] or [telephone number removed]"
    assert rows[1][4:] == (None,) * 4
    assert rows[2][4:] == ("other@fr.example", "+33 1 42 76 40 40", "Bea Autre", "Autrini")
    content = files_of(tmp_path)
    for canary in CANARIES[:3]:
        assert canary.encode() not in content, canary
    assert board.upload(upload).found["usable"] == 2


def test_the_words_of_reasons_go_where_that_is_asked_and_the_decision_stays(filled, tmp_path):
    service, _, run = filled
    assert service.delete("/v1/personal-data/at-a").json()["reasons"] == 0
    assert service.delete("/v1/personal-data/at-a", params={"reasons": True}).json()["reasons"] == 1
    (entry,) = board_of(service).store.history(run)
    assert (entry.kind, entry.about, entry.why) == ("reject", ("at-a", "be-h"), REMOVED)
    assert b"would rather not" not in files_of(tmp_path)


def test_what_cannot_be_read_is_named_for_a_person_to_look_at(filled):
    service, _, _ = filled
    board = board_of(service)
    bad = board.keep_upload("bad.xlsx", "Ben", {"errors": 1, "problems": []}, b"not a workbook")
    assert service.get("/v1/personal-data/de-guest").json()["not_readable"] == [bad]
    assert service.delete("/v1/personal-data/de-guest").json()["not_readable"] == [bad]


def test_what_was_held_for_its_time_is_let_go(filled, tmp_path, monkeypatch):
    service, upload, run = filled
    board = board_of(service)
    _, secret = board.add_key("Carla of the office", Rank.READER, days=10)
    board.open_session(secret)
    board.ask("Round", {}, "Carla of the office")
    place = str(tmp_path / "s.sqlite")

    def purge(*options: str) -> dict[str, int]:
        ran = command("purge", "--store", place, "--json", *options)
        ran.check_returncode()
        return json.loads(ran.stdout)

    assert purge() == {"uploads": 0, "sessions": 0, "names": 0}
    assert board.upload(upload).uploaded_by
    past = datetime.now(UTC) - timedelta(days=91)
    with board.store.change() as c:
        c.execute(board_module.uploads.update().values(created=past))
        c.execute(board_module.sessions.update().values(expires=past))
        c.execute(board_module.keys.update().values(expires=past))
        c.execute(board_module.jobs.update().values(state="done"))
    assert purge()["uploads"] == 1
    assert board.all_uploads() == []
    assert purge("--names-days", "0")["names"] == 4  # the decision, the run, the job, the key
    assert board.store.history(run)[0].by == REMOVED
    content = files_of(tmp_path)
    for gone in (*CANARIES, "Carla of the office", "would rather not", "Bea Autre"):
        assert gone.encode() not in content, gone
    assert purge("--names-days", "0") == {"uploads": 0, "sessions": 0, "names": 0}


def test_every_change_is_noted_with_who_and_when_and_without_personal_data(filled):
    service, upload, run = filled
    board = board_of(service)
    key, secret = board.add_key("Carla of the office", Rank.READER)
    board.take_back(key.id)
    job = board.ask("Round", {}, "Ben")
    assert service.post(f"/v1/proposals/{job}/cancel").status_code == 200
    doubt = next(p["key"] for p in board.upload(upload).found["problems"] if p["level"] != "error")
    service.post(f"/workbench/intake/{upload}/accept", data={"key": doubt})
    service.delete("/v1/personal-data/de-guest")
    lines = service.get("/v1/changes").json()["changes"]
    noted = {(line["what"], line["about"], line["by"]) for line in lines}
    here, command = "this machine", "command line"
    assert noted == {
        ("upload kept", upload, here),
        ("decision: reject", f"{run} 1", "Ben"),
        ("key made", key.id, command),
        ("key taken back", key.id, command),
        ("proposal cancelled", job, here),
        ("doubt accepted", upload, here),
        ("persons erased from upload", upload, here),
        ("personal data erased", "de-guest", here),
    }
    assert [line["at"] for line in lines] == sorted(line["at"] for line in lines)
    text = json.dumps(lines)
    for canary in (*CANARIES, "Carla", secret, "would rather not"):
        assert canary not in text


@pytest.mark.parametrize("name", ["Ada <ada@city.example>", "call +48 22 555 01 99"])
def test_a_key_is_named_for_nobody_s_address(service, name):
    from twinmatch.errors import QuestionError

    with pytest.raises(QuestionError, match="kept for nobody"):
        board_of(service).add_key(name, Rank.READER)


def test_the_command_line_shows_and_erases_the_same(filled, tmp_path):
    service, _, _ = filled
    place = str(tmp_path / "s.sqlite")

    def run(*words: str) -> str:
        ran = command(*words, "--store", place, "--json")
        ran.check_returncode()
        return ran.stdout

    cities = str(tmp_path / "cities")
    shown = run("personal-data", "show", "de-guest", "--profiles", cities)
    assert json.loads(shown) == service.get("/v1/personal-data/de-guest").json()
    told = json.loads(run("personal-data", "erase", "de-guest", "--profiles", cities))
    assert told == {"uploads": 1, "cells": 5, "reasons": 0, "not_readable": []}
    assert json.loads(run("changes")) | {"next": ""} == service.get("/v1/changes").json()


def test_without_the_web_front_it_is_told_and_nothing_is_a_traceback(monkeypatch):
    from twinmatch.cli.serving import changes, keys, personal_data, purge
    from twinmatch.errors import QuestionError

    monkeypatch.setattr("twinmatch.cli.options.find_spec", lambda name: None)
    for call in (changes, purge, lambda: personal_data("show", "x"), lambda: keys("list")):
        with pytest.raises(QuestionError, match="not installed"):
            call()
