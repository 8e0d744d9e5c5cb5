"""Evil files through every door: each is refused with its reason, or read as the plain text that it is."""

from __future__ import annotations

import ast
import json
import os
import resource
import signal
import subprocess
import sys
from pathlib import Path

import pytest
from evil_corpus import ALL, HEAD, PROFILES, SECRET, TEXTS, WORKBOOKS
from service_for_tests import board_of, five_cities, served

from twinmatch.cli import main
from twinmatch.errors import DataError
from twinmatch.reading import TABLES, read
from twinmatch.web import intake_pages, sandbox

TABLES_ALONE = WORKBOOKS | TEXTS

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
    "null_bytes",
    "id_that_climbs",
    "more_than_20_MB",
    "broken_parquet",
    "deeply_nested_ods",
    "climbing_member",
    "1_100_members",
    "merged_all_over",
    "a_quote_that_never_ends",
    "mixed_encodings",
    "half_a_utf16",
    "the_same_column_twice",
    "right_to_left_override",
    "zero_width",
)
"""Those of which each stands for a kind: every file is read by the same code, in a process that takes a second."""

HEAVY = (
    "last_cell_of_a_sheet",
    "400_MB_of_spaces",
    "overlapping_members",
    "billion_laughs",
    "deeply_nested_ods",
    "100_000_rows",
    "a_line_of_19_MB",
)
"""Those that are made to fill the memory."""

MOST = 150
"""Megabytes that reading all of them may take."""


def outcome(path: Path) -> tuple[set[str], str]:
    """Return the codes because of which a path is refused, none where it is read; and all that was said."""
    try:
        cohort = read(path)
    except DataError as error:
        return {p.code for p in error.problems}, str(error)
    return set(), repr([city.model_dump() for city in cohort])


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


@pytest.mark.parametrize("name", sorted(set(ALL) - set(HEAVY)))
def test_an_evil_file_is_refused_or_read_as_plain_text(name: str, tmp_path: Path) -> None:
    place = place_of(name, tmp_path)
    before = set(tmp_path.rglob("*"))
    codes, said = outcome(place)
    expected = ALL[name].codes
    assert bool(codes) == bool(expected), (codes, said[:500])
    assert not expected or codes & expected, (codes, said[:500])
    assert SECRET not in said
    assert "root:" not in said
    assert "Traceback" not in said
    assert set(tmp_path.rglob("*")) == before, "a file was written"


@pytest.mark.parametrize("name", sorted(set(ALL) - set(HEAVY)))
def test_the_command_line_tells_it_and_leaves_nothing(
    name: str, tmp_path: Path, monkeypatch, capsys
) -> None:
    place, out = place_of(name, tmp_path), tmp_path / "imported"
    commands = [["validate", str(place), "--json"]]
    if name not in PROFILES:
        commands.append(["import", "table", str(place), "--out", str(out)])
    expected = bool(ALL[name].codes)
    for command in commands:
        monkeypatch.setattr(sys, "argv", ["twinmatch", *command])
        with pytest.raises(SystemExit) as ended:
            main()
        said = "".join(capsys.readouterr())
        assert int(ended.value.code or 0) in ({2} if expected else {0, 2}), said[-1000:]
        for never in ("Traceback", SECRET, "root:"):
            assert never not in said
    if expected:
        assert not out.exists(), "an import that was refused has written"


READ_ALL = """
import json, resource, sys
from twinmatch.errors import DataError
from twinmatch.reading import read
taken = lambda: resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024
before, codes = taken(), []
for path in sys.argv[1:]:
    try:
        read(path)
        codes.append([])
    except DataError as error:
        codes.append([p.code for p in error.problems])
print(json.dumps([codes, taken() - before]))
"""


@pytest.mark.slow
def test_what_is_made_to_fill_the_memory_is_refused_in_little_of_it(tmp_path: Path) -> None:
    places = []
    for name in HEAVY:
        (tmp_path / name).mkdir()
        places.append(str(place_of(name, tmp_path / name)))
    ran = subprocess.run(
        [sys.executable, "-c", READ_ALL, *places], capture_output=True, text=True, timeout=300, check=True
    )  # fmt: skip
    codes, megabytes = json.loads(ran.stdout)
    told = dict(zip(HEAVY, codes, strict=True))
    assert [name for name in HEAVY if not ALL[name].codes & {*told[name]}] == []
    assert megabytes < MOST, f"{megabytes} MB"


# --- through the service --------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def service(tmp_path_factory):
    folder = tmp_path_factory.mktemp("evil")
    limits = {"requests_a_minute": 1_000_000, "heavy_a_minute": 1_000_000}
    with served(folder / "s.sqlite", profiles=five_cities(folder), jobs=0, **limits) as client:
        yield client


@pytest.mark.parametrize("name", AT_THE_DOOR)
def test_an_evil_upload_is_told_on_a_page_that_runs_nothing(name: str, service, tmp_path) -> None:
    evil = TABLES_ALONE[name]
    content = evil.at(tmp_path).read_bytes()
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
    found = board_of(service).upload(answer.headers["location"].partition("#")[0][-16:]).found
    assert bool(found["errors"]) == bool(evil.codes), found["problems"][:3]
    assert service.get("/readyz").status_code == 200


def test_every_reason_of_a_refusal_is_told_at_the_door() -> None:
    told = set().union(*(TABLES_ALONE[name].codes for name in AT_THE_DOOR))
    assert all(evil.codes & told for evil in TABLES_ALONE.values() if evil.codes)


def limits() -> bytes:
    kinds = (resource.RLIMIT_AS, resource.RLIMIT_CPU, resource.RLIMIT_CORE)
    return json.dumps([resource.getrlimit(kind) for kind in kinds]).encode()


def takes_memory() -> bytes:
    return b"x" * 4 * 2**30


def takes_time() -> bytes:
    while True:
        pass


def is_killed() -> bytes:
    os.kill(os.getpid(), signal.SIGKILL)
    return b"never"


def test_what_reads_an_upload_may_take_little_memory_and_time() -> None:
    memory, seconds = sandbox.MEMORY, sandbox.SECONDS
    told = json.loads(sandbox.sandboxed(limits))
    assert told == [[memory, memory], [seconds, seconds], [0, 0]]


def test_where_the_temporary_folder_has_a_long_name_it_is_read_in_a_new_process(tmp_path) -> None:
    """Names of sockets are short, so that there no process can be a copy of one that is warm."""
    code = "from twinmatch.web import sandbox; print(sandbox._COPIES, sandbox.sandboxed(bytes, b'read'))"
    long = tmp_path / ("long" * 20)
    long.mkdir()
    ran = subprocess.run(
        [sys.executable, "-c", code],
        env={**os.environ, "TMPDIR": str(long)},
        capture_output=True,
        text=True,
        check=False,
    )
    assert ran.stdout.split() == ["False", "b'read'"], ran.stderr


@pytest.mark.parametrize("harm", [takes_memory, takes_time, is_killed])
def test_work_that_takes_too_much_is_stopped(harm) -> None:
    assert sandbox.sandboxed(harm, seconds=2, patience=0) == b""


def test_every_reading_of_an_upload_is_sandboxed() -> None:
    """Nothing of the web front reads a table itself, but in functions that are given to a sandbox.

    `cohort_of` reads again what was read there without an error, as `POST /proposals` asks of an upload.
    """
    inside = {"_found_in", "_sheets", "with_cell", "persons", "without_persons", "cohort_of"}
    calls = set()
    for path in sorted(Path(sandbox.__file__).parent.glob("*.py")):
        for function in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(function, ast.FunctionDef | ast.AsyncFunctionDef):
                names = {n.id for n in ast.walk(function) if isinstance(n, ast.Name)}
                if names & {"read_grids", "read_raw", "check_profiles", "load_workbook"}:
                    calls.add(function.name)
    assert calls == inside


def test_a_file_too_heavy_is_told_and_the_service_goes_on(service, monkeypatch) -> None:
    monkeypatch.setattr(intake_pages, "sandboxed", lambda *_: b"")
    files = {"file": ("a.csv", HEAD)}
    answer = service.post("/workbench/intake", files=files)
    assert answer.status_code == 200
    assert "within the memory and time" in answer.text
    assert service.get("/readyz").status_code == 200


def test_a_repair_of_a_cell_is_sandboxed_too(service) -> None:
    files = {"file": ("a.csv", HEAD + b"de-b,Beispiel,Nowhere\n")}
    upload = service.post("/workbench/intake", files=files, follow_redirects=False)
    where = upload.headers["location"]
    cell = {"row": 2, "column": "country", "value": "DE"}
    answer = service.post(f"{where}/repair", data=cell, follow_redirects=False)
    assert answer.status_code == 303
    assert (
        board_of(service).upload(answer.headers["location"].partition("#")[0][-16:]).found["errors"]
        == 0
    )
    lost = service.post(f"{where}/repair", data={**cell, "row": 99})
    assert lost.status_code == 404
