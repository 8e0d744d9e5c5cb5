"""Canaries: personal data and secrets seeded wherever somebody may write are in no file, no answer to others, no log."""

from __future__ import annotations

import io
import json
import zipfile
from pathlib import Path
from typing import Any

import pytest
import structlog
from evil_files import workbook
from hostile_cities import hostile_cities, profile
from service_for_tests import PROGRAMME, board_of, five_cities, served

from commands_for_tests import command
from twinmatch.web.auth import Rank
from twinmatch.web.middleware import log_as_json

PERSONS = ("kanarek.anna@city.example", "+48 22 555 01 99", "Kanarkova", "kanarek")
SHORT = "kanarek.anna@city.example +48 22 555 01 99"
"""In names and units: a name of a person cannot be told from that of a place there."""
TEXT = "Write to kanarek.anna@city.example, call +48 22 555 01 99, ask Dr. Jana Kanarkova."


def contents(folder: Path) -> dict[str, str]:
    """Return the text of every file of a folder, what is packed unpacked."""
    found = {}
    for path in sorted(p for p in folder.rglob("*") if p.is_file()):
        content = path.read_bytes()
        if zipfile.is_zipfile(io.BytesIO(content)):
            with zipfile.ZipFile(io.BytesIO(content)) as archive:
                for name in archive.namelist():
                    found[f"{path.name}/{name}"] = archive.read(name).decode("utf-8", "replace")
        else:
            found[path.name] = content.decode("utf-8", "replace")
    return found


def assert_no_canary(texts: dict[str, str], canaries: tuple[str, ...] = PERSONS) -> None:
    for name, text in texts.items():
        for canary in canaries:
            at = text.lower().find(canary.lower())
            assert at < 0, (name, text[max(0, at - 80) : at + 80])


def run(*words: str, folder: Path) -> dict[str, str]:
    ran = command(*words, folder=folder)
    assert ran.returncode == 0, ran.stderr[-1500:]
    return {"stdout": ran.stdout, "stderr": ran.stderr}


def as_table(folder: Path) -> Path:
    """Return the same three cities as a workbook with columns of contacts."""
    header = (
        "id",
        "name",
        "country",
        "roles",
        "needs",
        "offers",
        "note",
        "E-mail",
        "Telephone",
        "Contact person",
    )
    rows: list[tuple[object, ...]] = [header]
    for id_, role in (("de-guest", "guest"), ("it-host", "mission"), ("se-host", "mission")):
        made = profile(id_, role, TEXT, SHORT)
        rows.append(
            (id_, id_[3:], made["country"], role, made["needs"], made["offers"], made["note"], *PERSONS[:3])
        )  # fmt: skip
    return workbook(folder / "cities.xlsx", rows)


@pytest.mark.parametrize("form", ["folder", "table"])
def test_personal_data_of_profiles_is_in_no_artefact_and_no_message(
    form: str, tmp_path: Path
) -> None:
    if form == "folder":
        place = hostile_cities(tmp_path, TEXT, SHORT)
    else:
        place = as_table(tmp_path)
        (tmp_path / "round.toml").write_text(PROGRAMME, encoding="utf-8")
    common = ("--text-model", "static")
    said = run(
        "propose",
        str(place),
        "-p",
        "round.toml",
        "--out",
        "out",
        "--word",
        *common,
        folder=tmp_path,
    )
    texts = contents(tmp_path / "out")
    assert len(texts) > 20
    assert any("[e-mail removed]" in t for t in texts.values()), (
        "the texts are not in the files at all"
    )
    assert said["stdout"]
    assert_no_canary(texts | said)
    for words in (
        ("validate", str(place), "--json"),
        ("similar", "de-guest", "--profiles", str(place), "--json", *common),
        ("features", str(place), "--out", "features.csv"),
    ):
        try:
            assert_no_canary(run(*words, folder=tmp_path))
        except AssertionError as error:
            if "No such option" not in str(error) and "Usage" not in str(error):
                raise
    assert_no_canary({p.name: p.read_text() for p in tmp_path.glob("*.csv")})


SECRETS = ("s3cret-canary", "twm_canary-key", "canary-session")


@pytest.fixture
def lines(monkeypatch):
    """What the service writes to its log."""
    written = io.StringIO()
    monkeypatch.setattr("sys.stderr", written)
    log_as_json()
    yield written
    structlog.reset_defaults()
    structlog.configure(
        [structlog.processors.KeyValueRenderer()], logger_factory=structlog.ReturnLoggerFactory()
    )


def test_secrets_and_persons_are_in_no_line_of_the_log(tmp_path: Path, lines, monkeypatch) -> None:
    with served(
        tmp_path / "s.sqlite", profiles=five_cities(tmp_path), access="keys", host="0.0.0.0", jobs=0
    ) as client:
        board = board_of(client)
        _, secret = board.add_key("Team", Rank.ADMINISTRATOR)
        session = board.open_session(secret)
        mine = {"Authorization": f"Bearer {secret}"}
        for headers in (mine, {"Authorization": "Bearer twm_canary-key"}, {"X-API-Key": "twm_canary-key"},
                        {"Cookie": f"twinmatch_session={session}"}, {"Cookie": "twinmatch_session=canary-session"}):  # fmt: skip
            client.get("/v1/cities", params={"q": TEXT}, headers=headers)
            client.post("/v1/similar", json={"profile": {"id": "at-x", "name": TEXT, "country": "AT", "needs": TEXT}}, headers=headers)  # fmt: skip
            client.post(
                "/v1/proposals", json={"title": TEXT, "programme_toml": TEXT}, headers=headers
            )
            client.post("/workbench/intake", files={"file": (f"{TEXT}.csv", TEXT.encode())}, headers=headers)  # fmt: skip
            client.get(f"/v1/cities/{PERSONS[0]}", headers=headers)
            client.get(f"/{PERSONS[0]}", headers=headers)
        client.post("/workbench/login", data={"key": "twm_canary-key"})

        def breaks(*_: Any, **__: Any) -> None:
            raise RuntimeError(TEXT) from ValueError("s3cret-canary")

        monkeypatch.setattr(board, "all_jobs", breaks)
        answer = client.get("/v1/proposals", headers=mine)
        assert answer.status_code == 500
        assert_no_canary({"answer": answer.text}, (*PERSONS, *SECRETS, "RuntimeError", "Traceback"))
    log = lines.getvalue()
    assert "RuntimeError from ValueError" in log, "an error is told by its kind"
    assert "test_canaries.py" in log, "and by its place"
    for line in log.splitlines():
        json.loads(line)
    assert_no_canary({"log": log}, (*PERSONS, *SECRETS, secret, session or "?", "testclient"))


def test_what_a_reader_gets_of_an_upload_names_nobody(tmp_path: Path) -> None:
    with served(
        tmp_path / "s.sqlite", profiles=five_cities(tmp_path), access="keys", host="0.0.0.0", jobs=0
    ) as client:
        board = board_of(client)
        reader, coordinator = (
            {"Authorization": f"Bearer {board.add_key(rank.name, rank)[1]}"}
            for rank in (Rank.READER, Rank.COORDINATOR)
        )
        content = as_table(tmp_path).read_bytes()
        files = {"file": ("kanarek.anna@city.example.xlsx", content)}
        answer = client.post(
            "/workbench/intake", files=files, headers=coordinator, follow_redirects=False
        )
        place = answer.headers["location"]
        for headers in (reader, coordinator):
            pages = {p: client.get(p, headers=headers).text for p in ("/workbench/intake", place)}
            assert_no_canary(pages)
        assert client.get(f"{place}/file", headers=reader).status_code == 403
        assert client.get(f"{place}/file", headers=coordinator).content == content


def test_a_password_of_the_store_is_told_to_nobody(tmp_path: Path) -> None:
    place = "postgresql://user:s3cret-canary@127.0.0.1:1/none"
    for words in (
        ("runs", "--store", place),
        ("purge", "--store", place),
        ("keys", "list", "--store", place),
    ):
        ran = command(*words)
        assert ran.returncode == 2, ran.stderr[-500:]
        assert_no_canary({"out": ran.stdout, "err": ran.stderr}, SECRETS)
        assert "Traceback" not in ran.stderr
