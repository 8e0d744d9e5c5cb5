"""The commands serve and keys, the catalogues, the vendored files, the intake pages, and the container's recipe."""

from __future__ import annotations

import hashlib
import io
import json
import re
from importlib.resources import files
from pathlib import Path

import openpyxl
import pytest
import yaml
from babel.messages.extract import extract_from_dir
from babel.messages.pofile import read_po
from service_for_tests import board_of
from typer.testing import CliRunner

from twinmatch.cli import app, every_command
from twinmatch.errors import DataError, QuestionError
from twinmatch.web.auth import Rank
from twinmatch.web.pages import chosen
from twinmatch.web.settings import ENVIRONMENT, Settings, from_environment
from twinmatch.wording import LANGUAGES, translation

ROOT = Path(__file__).parents[2]
WEB = ROOT / "src" / "twinmatch" / "web"


def run(*arguments):
    return CliRunner().invoke(app, [str(a) for a in arguments], catch_exceptions=False)


def test_every_setting_is_an_option_of_serve(tmp_path, monkeypatch):
    started = []
    monkeypatch.setattr("uvicorn.run", lambda *_, **how: started.append(how))
    monkeypatch.setenv(ENVIRONMENT, "{}")  # restored afterwards: the command sets it
    numbers = {
        "port": 8099, "requests-a-minute": 7, "heavy-a-minute": 3, "most-bytes": 5000,
        "most-upload": 6000, "jobs": 2,
    }  # fmt: skip
    words = {
        "programme": "twinning", "host": "0.0.0.0", "access": "keys", "name": "x.example", "origin": "https://y.example", "text-model": "static",
        "store": tmp_path / "s.sqlite",
    }  # fmt: skip
    given = [part for name, value in (numbers | words).items() for part in (f"--{name}", value)]
    run("serve", ROOT / "data" / "city_profiles", *given, "--https", "--metrics-with-key")
    settings, usual = from_environment(), Settings()
    assert [f for f in Settings.model_fields if getattr(settings, f) == getattr(usual, f)] == []
    assert {getattr(settings, name.replace("-", "_")) for name in numbers} == set(numbers.values())
    assert (started[0]["host"], started[0]["port"]) == ("0.0.0.0", 8099)


def test_a_setting_out_of_range_is_told_by_its_option(tmp_path):
    with pytest.raises(QuestionError) as raised:
        run("serve", "--heavy-a-minute", 0, "--store", tmp_path / "s.sqlite")
    assert raised.value.problems[0].where.column == "--heavy-a-minute"


def test_a_key_is_made_shown_once_listed_and_taken_back(tmp_path):
    store = ("--store", tmp_path / "s.sqlite")
    made = json.loads(run("keys", "add", "Platform", "--role", "reader", "--json", *store).stdout)
    assert made["key"].startswith("twm_")
    listed = run("keys", "list", "--json", *store).stdout
    assert made["key"] not in listed
    (line,) = json.loads(listed)["keys"]
    assert (line["id"], line["name"], line["role"]) == (made["id"], "Platform", "reader")
    run("keys", "take-back", made["id"], *store)
    (line,) = json.loads(run("keys", "list", "--json", *store).stdout)["keys"]
    assert line["taken_back"]


@pytest.mark.parametrize(
    ("arguments", "code"),
    [
        (("keys", "burn"), "keys-wrong"),
        (("keys", "list"), "no-store"),
        (("keys", "take-back", "x"), "no-store"),
        (("keys", "add", "X", "--role", "king"), "keys-wrong"),
        (("keys", "add"), "keys-wrong"),
        (("serve", "--host", "0.0.0.0"), "setting-wrong"),
        (("serve", "--access", "everyone"), "setting-wrong"),
    ],
)
def test_a_wrong_command_says_what_is_wrong(tmp_path, arguments, code):
    with pytest.raises((QuestionError, DataError)) as raised:
        run(*arguments, "--store", tmp_path / "s.sqlite")
    assert raised.value.problems[0].code == code
    assert not (tmp_path / "s.sqlite").exists()


def test_every_text_of_the_pages_is_there_in_every_language():
    found = {
        message if isinstance(message, str) else message[0]
        for folder in (WEB, WEB.parent / "exporting")
        for _, _, message, _, _ in extract_from_dir(
            str(folder / "templates"),
            method_map=[("**.j2", "jinja2")],
            options_map={"**.j2": {"trim_blocks": "true", "lstrip_blocks": "true"}},
        )
    }
    assert len(found) > 200
    for code in LANGUAGES:
        if code == "en":
            continue
        with (files("twinmatch") / "catalogues" / f"{code}.po").open("rb") as file:
            catalogue = read_po(file, locale=code)
        for text in found:
            message = catalogue.get(text)
            assert message is not None, text
            assert not message.fuzzy, text
            said = message.string if isinstance(message.string, tuple) else (message.string,)
            for one in said:
                assert one, text
                assert sorted(re.findall(r"%\(\w+\)s", one)) == sorted(
                    re.findall(r"%\(\w+\)s", text)
                )
            one, several = message.id if isinstance(message.id, tuple) else (text, text)
            found_here = (
                translation(code).ngettext(one, several, 1)
                if one != several
                else translation(code).gettext(text)
            )
            assert found_here == said[0]


@pytest.mark.parametrize(
    ("wanted", "accepted", "expected"),
    [
        ("de", "en", "de"),
        ("", "fr-FR,de;q=0.8,en;q=0.5", "fr"),
        ("", "en;q=0.5,de;q=0.8", "de"),
        ("", "de;q=0,en", "en"),
        ("", "DE-at", "de"),
        ("", "*,de;q=0.5", "en"),
        ("", "de;q=0.001", "de"),
        ("", "de;q=x,;,it", "en"),
        ("xx", "", "en"),
    ],
)
def test_the_language_is_the_one_chosen_or_the_best_accepted(wanted, accepted, expected):
    assert chosen(wanted, accepted) == expected


def test_plural_forms_are_those_of_the_catalogue():
    text = read_po(
        io.BytesIO((files("twinmatch") / "catalogues" / "de.po").read_bytes()), locale="de"
    )
    one, several = next(m.id for m in text if isinstance(m.id, tuple))
    said = translation("de")
    assert said.ngettext(one, several, 1) != said.ngettext(one, several, 2)
    assert said.ngettext(one, several, 0) == said.ngettext(one, several, 2)


def test_the_vendored_script_is_the_pinned_one():
    script = files("twinmatch.web") / "assets" / "htmx.min.js"
    pinned = (files("twinmatch.web") / "assets" / "VENDORED.txt").read_text(encoding="utf-8")
    assert hashlib.sha256(script.read_bytes()).hexdigest() in pinned


def test_no_template_holds_a_script_or_a_style_of_its_own():
    for path in (WEB / "templates").glob("*.j2"):
        text = path.read_text(encoding="utf-8")
        assert not re.search(
            r"<style|\sstyle=|\son(?:click|error|load|input|change|submit|key\w+|mouse\w+)=|javascript:|hx-on|hx-vals=.js",
            text,
        ), path
        assert all("src=" in tag for tag in re.findall(r"<script[^>]*>", text)), path
        assert not re.search(r"(?:src|href)=[\"']https?:", text), path


TABLE = b"id,name,country,population\nde-a,A,DE,many\nit-b,B,IT,100000\n"


def hand_in(api, content=TABLE, name="t.csv"):
    answer = api.post("/workbench/intake", files={"file": (name, content)}, follow_redirects=False)
    assert answer.status_code == 303, answer.text
    return answer.headers["location"]


def test_what_was_handed_in_is_kept_byte_by_byte_and_a_repair_stands_beside_it(api):
    place = hand_in(api)
    page = api.get(place).text
    assert "2 rows, 1 usable; 1 error" in page
    assert "many" in page
    body = {"row": 2, "column": "population", "value": "5000"}
    mended = api.post(f"{place}/repair", data=body, follow_redirects=False).headers["location"]
    mended = mended.partition("#")[0]
    assert mended != place
    assert "2 rows, 2 usable; 0 errors" in api.get(mended).text
    assert api.get(f"{place}/file").content == TABLE
    sheet = openpyxl.load_workbook(io.BytesIO(api.get(f"{mended}/file").content)).active
    assert [[c.value for c in row] for row in sheet.iter_rows()] == [
        ["id", "name", "country", "population"],
        ["de-a", "A", "DE", 5000],
        ["it-b", "B", "IT", "100000"],
    ]


def test_a_cell_that_there_is_not_is_not_repaired(api):
    place = hand_in(api)
    body = {"row": 99, "column": "population", "value": "1"}
    assert api.post(f"{place}/repair", data=body).status_code == 404


def test_what_was_accepted_and_by_whom_stays_with_a_repair(api):
    place = hand_in(api)
    board = board_of(api)
    board.accept(place.rpartition("/")[2], ["a key"], "Ann")
    body = {"row": 2, "column": "population", "value": "5000"}
    mended = api.post(f"{place}/repair", data=body, follow_redirects=False).headers["location"]
    mended = mended.partition("#")[0]
    found = board.upload(mended.rpartition("/")[2]).found
    assert (found["accepted"], found["accepted_by"]) == (["a key"], {"a key": "Ann"})


def test_an_error_is_repaired_and_not_accepted(api):
    place = hand_in(api)
    found = board_of(api).upload(place.rpartition("/")[2]).found
    key = found["problems"][0]["key"]
    assert api.post(f"{place}/accept", data={"key": key}).status_code == 409


@pytest.mark.parametrize(
    ("name", "content", "told"),
    [
        ("t.exe", b"MZ", "are not read"),
        ("t.csv", b"", "empty"),
        ("../../t.xlsm", b"x", "are not read"),
    ],
)
def test_a_file_that_is_no_table_is_refused(api, name, content, told):
    answer = api.post("/workbench/intake", files={"file": (name, content)})
    assert answer.status_code in {400, 422}
    assert told in answer.text


@pytest.mark.parametrize("content", [b"PK\x03\x04broken", b"\x00" * 1000])
def test_a_broken_workbook_is_told_and_harms_nobody(api, content):
    page = api.get(hand_in(api, content, "t.xlsx")).text
    assert "1 error" in page


def test_texts_of_cities_are_text_in_the_pages(api):
    table = b"id,name,country,population\nde-a,<script>alert(1)</script>,DE,<img src=x onerror=y>\n"
    page = api.get(hand_in(api, table)).text
    assert "<script>alert" not in page
    assert "<img" not in page
    assert "&lt;img" in page


def test_a_place_to_go_on_to_is_one_of_ours(api):
    for elsewhere in ("//evil.example", "https://evil.example", "/\\evil.example", "/v1/proposals"):
        answer = api.post(
            "/workbench/language",
            data={"language": "de", "next": elsewhere},
            follow_redirects=False,
        )
        assert answer.headers["location"] == "/workbench/cities"
    api.cookies.clear()  # the language that was chosen here is for nobody else


def test_the_container_runs_without_root_and_needs_keys():
    recipe = (ROOT / "Dockerfile").read_text(encoding="utf-8")
    assert re.search(r"^USER 10001$", recipe, re.MULTILINE)
    assert "TWINMATCH_ACCESS=keys" in recipe
    assert recipe.index("USER 10001") < recipe.index("ENTRYPOINT")
    web = yaml.safe_load((ROOT / "compose.yaml").read_text(encoding="utf-8"))["services"]["web"]
    assert web["cap_drop"] == ["ALL"]
    assert web["read_only"] is True
    named = {p.envvar for name, c in every_command() if name == "serve" for p in c.params}
    used = set(re.findall(r"TWINMATCH_(?!CACHE)\w+", recipe)) | set(web["environment"])
    assert used <= named


def test_ranks_are_in_order():
    assert Rank.NOBODY < Rank.READER < Rank.COMMITTEE < Rank.COORDINATOR < Rank.ADMINISTRATOR
