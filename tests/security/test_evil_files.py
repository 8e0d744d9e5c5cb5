"""Evil files through every door: each is refused with its reason, or read as the plain text that it is."""

from __future__ import annotations

import json
import resource
import subprocess
import sys
import time
from pathlib import Path

import pytest
from evil_corpus import ALL, PROFILES, SECRET, TEXTS, WORKBOOKS, Evil
from service_for_tests import five_cities, served

from twinmatch.errors import DataError
from twinmatch.reading import TABLES, read
from twinmatch.web import intake_pages

SECONDS = 20
"""Processor time that a file may take, on a loaded machine; the largest that are read take about five."""

TABLES_ALONE = WORKBOOKS | TEXTS


def outcome(path: Path) -> tuple[set[str], str]:
    """Return the codes because of which a path is refused, none where it is read; and all that was said."""
    try:
        cohort = read(path)
    except DataError as error:
        return {p.code for p in error.problems}, str(error)
    return set(), repr(cohort.cities)


def place_of(name: str, folder: Path) -> Path:
    """Return an evil file as its reader takes it: a table, or a folder with one profile."""
    (folder / "secret.txt").write_text(SECRET)
    inner = folder / "given"
    inner.mkdir()
    path = ALL[name].at(inner)
    return inner if name in PROFILES else path


def test_the_corpus_is_as_large_as_is_said() -> None:
    assert len(ALL) >= 80
    assert {evil.ending for evil in ALL.values()} == {*TABLES, ".yaml"} - {".tsv"}


@pytest.mark.parametrize("name", ALL)
def test_an_evil_file_is_refused_or_read_as_plain_text(name: str, tmp_path: Path) -> None:
    place = place_of(name, tmp_path)
    before = {p for p in tmp_path.rglob("*")}
    began = time.process_time()
    codes, said = outcome(place)
    assert time.process_time() - began < SECONDS
    expected = ALL[name].codes
    assert bool(codes) == bool(expected), (codes, said[:500])
    assert not expected or codes & expected, (codes, said[:500])
    assert SECRET not in said
    assert "root:" not in said
    assert "Traceback" not in said
    assert {p for p in tmp_path.rglob("*")} == before, "a file was written"


@pytest.mark.slow
@pytest.mark.parametrize("name", sorted(ALL))
def test_the_command_line_tells_it_and_leaves_nothing(name: str, tmp_path: Path) -> None:
    place = place_of(name, tmp_path)
    out = tmp_path / "imported"
    table = name not in PROFILES
    commands = [["validate", str(place), "--json"]]
    if table:
        commands.append(["import", "table", str(place), "--out", str(out)])
    for command in commands:
        ran = subprocess.run(
            [sys.executable, "-m", "twinmatch", *command],
            capture_output=True,
            text=True,
            timeout=120,
            check=False,
            preexec_fn=limited,
        )
        expected = bool(ALL[name].codes)
        assert ran.returncode in ({2} if expected else {0, 2}), ran.stderr[-1000:]
        assert "Traceback" not in ran.stderr + ran.stdout
        assert SECRET not in ran.stderr + ran.stdout
        assert "root:" not in ran.stderr + ran.stdout
    if expected:
        assert not out.exists(), "an import that was refused has written"


def limited() -> None:
    """A file may not bring the command line to take more than two gigabytes."""
    resource.setrlimit(resource.RLIMIT_AS, (3 * 2**30, 3 * 2**30))


# --- through the service --------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def service(tmp_path_factory):
    folder = tmp_path_factory.mktemp("evil")
    limits = {"requests_a_minute": 1_000_000, "heavy_a_minute": 1_000_000}
    with served(folder / "s.sqlite", profiles=five_cities(folder), jobs=0, **limits) as client:
        yield client


AT_THE_DOOR = (
    "last_cell_of_a_sheet",
    "400_MB_of_spaces",
    "overlapping_members",
    "billion_laughs",
    "link_member",
    "macro",
    "formulas",
    "scripts",
    "templates",
    "id_that_climbs",
    "more_than_20_MB",
    "broken_parquet",
    "deeply_nested_ods",
)
"""Those of which each stands for a kind: every file is read by the same code, in a process that takes a second."""


@pytest.mark.parametrize("name", AT_THE_DOOR)
def test_an_evil_upload_is_told_on_a_page_that_runs_nothing(name: str, service, tmp_path) -> None:
    check_upload(service, TABLES_ALONE[name], tmp_path)


@pytest.mark.slow
@pytest.mark.parametrize("name", sorted(set(TABLES_ALONE) - set(AT_THE_DOOR)))
def test_every_other_evil_upload_is_told_too(name: str, service, tmp_path) -> None:
    check_upload(service, TABLES_ALONE[name], tmp_path)


def check_upload(service, evil: Evil, folder: Path) -> None:
    content = evil.at(folder).read_bytes()
    files = {"file": (f"../../<b>evil</b>{evil.ending}", content)}
    answer = service.post("/workbench/intake", files=files, follow_redirects=False)
    if len(content) > 20_100_000 or not content:
        assert answer.status_code in {400, 413}
        return
    assert answer.status_code == 303, answer.text[-500:]
    shown = service.get(answer.headers["location"])
    assert shown.status_code == 200
    for live in ("<script>alert", "<img src=x", "<svg onload", "<b>evil", "root:", SECRET):
        assert live not in shown.text
    assert "{{7*7}}" in shown.text or ">49<" not in shown.text
    found = service.app._app._state.board.upload(answer.headers["location"].rsplit("/")[-1]).found
    assert bool(found["errors"]) == bool(evil.codes), found["problems"][:3]
    assert service.get("/readyz").status_code == 200


def test_what_reads_an_upload_may_take_little_memory_and_time() -> None:
    """The limits hold in the process itself, asked there."""
    code = (
        "import json, resource\n"
        "from twinmatch.web import intake_pages\n"
        "class Out:\n"
        "    def send_bytes(self, told):\n"
        "        limits = [resource.getrlimit(k)[0] for k in (resource.RLIMIT_AS, resource.RLIMIT_CPU)]\n"
        "        print(json.dumps(limits))\n"
        "intake_pages.examine('/nowhere.csv', 'a.csv', Out())\n"
    )
    ran = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, timeout=60, check=True
    )
    assert json.loads(ran.stdout) == [intake_pages.MEMORY, intake_pages.SECONDS]


@pytest.mark.parametrize("harm", ["memory", "time", "killed"])
def test_a_reader_that_takes_too_much_is_stopped_and_the_service_goes_on(
    harm: str, service, monkeypatch
) -> None:
    monkeypatch.setattr(intake_pages, "examine", HARMS[harm])
    monkeypatch.setattr(intake_pages, "PATIENCE", 8)
    began = time.monotonic()
    told = intake_pages.examined("a.csv", b"id,name,country\n")
    assert [p["code"] for p in told["problems"]] == ["too-heavy"]
    assert time.monotonic() - began < 40
    assert service.get("/readyz").status_code == 200


def takes_memory(path: str, name: str, out) -> None:
    resource.setrlimit(resource.RLIMIT_AS, (intake_pages.MEMORY, intake_pages.MEMORY))
    out.send_bytes(b"x" * 4 * 2**30)


def takes_time(path: str, name: str, out) -> None:
    while True:
        pass


def is_killed(path: str, name: str, out) -> None:
    import os
    import signal

    os.kill(os.getpid(), signal.SIGKILL)


HARMS = {"memory": takes_memory, "time": takes_time, "killed": is_killed}
