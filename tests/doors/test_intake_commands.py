"""template, import, validate and profiles as people use them; and no contact of a person anywhere afterwards."""

from __future__ import annotations

import io
import json
import re
import sys
import zipfile
from collections import Counter
from pathlib import Path
from typing import Any

import openpyxl
import pytest

from commands_for_tests import run
from counting import lines_run
from twinmatch.app.intake import KINDS
from twinmatch.cli import main
from twinmatch.errors import DataError, Problem, Where, grouped
from twinmatch.reading import read

FORM = """Stadt;Land;Einwohner;Gesamtemissionen [kt CO2e];E-Mail;Bedarf
Aachen;Deutschland;265.208;1.234,5;a.kanarek@aachen.example;Wärme. Kontakt: Anna Kanarek, +49 241 555 0199
Köln;Deutschland;1.073.096;9.876,5;;Trams
Bonn;Atlantis;300.000;5,5;;
"""


@pytest.fixture
def form(tmp_path: Path) -> Path:
    path = tmp_path / "form.csv"
    path.write_text(FORM, "utf-8")
    return path


def test_an_ugly_form_is_told_and_its_usable_rows_are_written_only_when_asked(form: Path) -> None:
    out = form.parent / "p"
    _, told = run("import", "table", form, "--out", out, code=2)
    assert "3 rows, 2 usable profiles" in told
    assert not out.exists()
    shown, told = run("import", "table", form, "--out", out, "--usable")
    assert "Atlantis" in shown
    assert sorted(f.name for f in out.iterdir()) == ["de-aachen.yaml", "de-cologne.yaml"]
    assert f"Next: twinmatch validate {out}" in told
    assert "already there" in run("import", "table", form, "--out", out, "--usable", code=2)[1]
    run("import", "table", form, "--out", out, "--usable", "--replace")
    run("import", "table", form, "--out", out, "--usable", "--merge")
    assert "not both" in run("import", "table", form, "--merge", "--replace", code=2)[1]


def test_an_odd_answer_is_left_out_by_import_as_by_validate(tmp_path: Path) -> None:
    table, out = tmp_path / "survey.csv", tmp_path / "p"
    rows = ["Name of your city,Country,Staff hours a month,Needs"]
    rows += ["Trento,Italy,-6,We want to learn how to renovate flats."]
    rows += ["Modena,Italy,20,We want to learn how to plan zones."]
    table.write_text("\n".join(rows), "utf-8")
    checked = " ".join("".join(run("validate", table)).split())
    imported = " ".join("".join(run("import", "table", table, "--out", out)).split())
    for said in (checked, imported):
        assert "no errors" in said
        assert "1 warning" in said
        assert "The city stays" in said
    trento, modena = (
        next(out.glob(f"*-{n}.yaml")).read_text("utf-8") for n in ("trento", "modena")
    )
    assert "staff_hours" not in trento
    assert "staff_hours_a_month: 20" in modena


def test_json_stands_alone_on_stdout(form: Path) -> None:
    stdout, _ = run("import", "table", form, "--json", code=2)
    found = json.loads(stdout)
    assert (found["rows"], found["usable"], found["written"]) == (3, 2, [])
    assert {"code", "level", "row", "column", "do"} <= set(found["problems"][0])
    assert "kanarek" not in stdout.lower()


def test_a_suggested_mapping_is_a_mapping(form: Path) -> None:
    toml, _ = run("import", "table", form, "--suggest")
    assert '"Einwohner" = "population.value"' in toml
    path = form.parent / "m.toml"
    path.write_text(toml, "utf-8")
    stdout, _ = run("import", "table", form, "--mapping", path, "--json", code=2)
    assert "header-read-as" not in stdout


def test_an_unknown_kind_names_the_known_ones() -> None:
    assert "Did you mean covenant" in run("import", "covenent", "x.csv", code=2)[1]
    help_text = re.sub(r"[^a-z0-9]", "", run("import", "--help")[0])
    for kind in KINDS:
        assert kind.replace("-", "") in help_text, kind


def test_the_form_is_written_once_and_comes_back(tmp_path: Path) -> None:
    path = tmp_path / "form.xlsx"
    run("template", path)
    assert "already there" in run("template", path, code=2)[1]
    run("template", path, "--replace")
    assert "does not end in .xlsx" in run("template", tmp_path / "form.csv", code=2)[1]
    book = openpyxl.load_workbook(path)
    page = book["one city"]
    for row in range(1, page.max_row + 1):
        answer = {"name": "Vorbild", "country": "AT", "needs": "Heat"}.get(
            str(page.cell(row, 1).value)
        )
        if answer:
            page.cell(row, 3).value = answer
    (tmp_path / "returned").mkdir()
    book.save(tmp_path / "returned" / "vorbild.xlsx")
    shown, _ = run("import", "forms", tmp_path / "returned", "--out", tmp_path / "p")
    assert "Vorbild" in shown
    assert "participation" in shown
    assert read(tmp_path / "p").cities[0].id == "at-vorbild"


def test_the_bundled_profiles_as_a_workbook_are_the_bundled_profiles(tmp_path: Path) -> None:
    from twinmatch.files import bundled_path

    path = tmp_path / "all.xlsx"
    run("template", path, bundled_path("city_profiles"))
    stdout, told = run("profiles", "diff", path)
    assert stdout == ""
    assert "0 new, 0 gone, 0 changed" in told


def test_what_changed_since_the_last_round(tmp_path: Path) -> None:
    for name, needs in (("old", "Heat"), ("new", "Trams")):
        (tmp_path / name).mkdir()
        (tmp_path / name / "de-x.yaml").write_text(
            f"id: de-x\nname: X\ncountry: DE\nneeds: {needs}\nversion: {{number: 1, date: 2026-01-31}}\n",
            "utf-8",
        )
    (tmp_path / "new" / "fr-y.yaml").write_text("id: fr-y\nname: Y\ncountry: FR\n", "utf-8")
    stdout, told = run("profiles", "diff", tmp_path / "old", tmp_path / "new")
    assert "Heat" in stdout
    assert "Trams" in stdout
    assert "1 new, 0 gone, 1 changed" in told
    changes = json.loads(run("profiles", "diff", tmp_path / "old", tmp_path / "new", "--json")[0])
    assert changes[0] == {
        "id": "de-x",
        "kind": "changed",
        "field": "needs",
        "old": "Heat",
        "new": "Trams",
    }


def test_a_warning_is_accepted_by_its_key(tmp_path: Path) -> None:
    (tmp_path / "de-x.yaml").write_text(
        "id: de-x\nname: X\ncountry: DE\nemissions: {form: gpc, boundary: city, year: 2020, boundary_population: 1000,"
        " total_printed: 90000000, sectors: {}}\n",
        "utf-8",
    )
    found = json.loads(run("validate", tmp_path, "--json")[0])
    (warning,) = [p for p in found["problems"] if p["level"] == "warning"]
    assert "key" in warning
    assert "No reason" in run("validate", tmp_path, "--accept", warning["key"], code=2)[1]
    _, told = run("validate", tmp_path, "--accept", warning["key"], "--why", "a steel works")
    assert "1 accepted" in told
    assert (tmp_path / "_accepted.toml").is_file()
    assert (
        "bundled profiles are not changed"
        in run("validate", "--accept", "x", "--why", "y", code=2)[1]
    )


def test_estimates_of_readiness_are_marked_and_apart(tmp_path: Path) -> None:
    sys.path.insert(0, str(Path(__file__).parents[1] / "unit" / "reading"))
    import importer_samples

    path = tmp_path / "covenant.csv"
    path.write_text(importer_samples.COVENANT, "utf-8")
    run("import", "covenant", path, "--out", tmp_path / "p", "--estimate-readiness")
    city = read(tmp_path / "p").city("gr-vathykampos")
    assert city.readiness is None
    assert city.readiness_estimated
    assert "estimate by rule, target 2" in city.source_of("readiness_estimated")


CANARIES = ("kanarek", "555 0199", "5550199", "canary.example")


def _texts(path: Path) -> str:
    """Return everything that a file says, unpacked where it is a zip."""
    content = path.read_bytes()
    if zipfile.is_zipfile(io.BytesIO(content)):
        with zipfile.ZipFile(io.BytesIO(content)) as archive:
            return "\n".join(archive.read(n).decode("utf-8", "replace") for n in archive.namelist())
    return content.decode("utf-8", "replace")


def test_no_contact_of_a_person_reaches_any_artefact_or_message(tmp_path: Path) -> None:
    text = (
        "We look for heat networks. Contact: Anna Kanarek, anna@canary.example, +49 241 555 0199."
    )
    folder = tmp_path / "cities"
    folder.mkdir()
    for name, role in (
        ("de-guest", "guest"),
        ("fr-guest", "guest"),
        ("it-host", "mission"),
        ("se-host", "mission"),
    ):
        (folder / f"{name}.yaml").write_text(
            f"id: {name}\nname: {name.title()}\ncountry: {name[:2].upper()}\nroles: [{role}]\n"
            f"needs: '{text}'\noffers: '{text}'\nnote: '{text}'\nchallenges: {{energy_systems: 3}}\n"
            f"strengths: {{energy_systems: 3}}\npilot: {{activity: Heat, cohort: 1, summary: '{text}'}}\n",
            "utf-8",
        )
    programme = tmp_path / "round.toml"
    programme.write_text(
        '[twinning]\nguests_per_host = [0, 1]\n[twinning.guests]\nunknown = "let in"\n[twinning.weights]\nneeds_offers = 1\n',
        "utf-8",
    )
    told = list(run("propose", folder, "-p", programme, "--out", tmp_path / "out"))
    told += run("features", folder, "--out", tmp_path / "features.csv")
    told += run("template", tmp_path / "all.xlsx", folder)
    told += run("validate", folder, "--notes")
    told += run("explain", "de-guest", "it-host", folder)
    artefacts = [p for p in tmp_path.rglob("*") if p.is_file() and folder not in p.parents]
    assert len(artefacts) >= 7
    for path in artefacts:
        said = _texts(path).lower()
        assert not [c for c in CANARIES if c in said], path.name
    everything = "\n".join(told).lower()
    assert not [c for c in CANARIES if c in everything]
    assert "personal-data" in json.dumps(json.loads(run("validate", folder, "--json")[0]))


def test_work_of_reading_grows_with_the_rows(tmp_path: Path) -> None:
    header = "id,name,country,lat,lon,population,needs,readiness.plan,emissions.year,emissions.form,emissions.boundary,emissions.sectors.transport"

    def lines(rows: int) -> int:
        path = tmp_path / f"{rows}.csv"
        told = (
            f"it-x{k},Town {k},IT,{41 + k % 50 / 10},{10 + k % 70 / 10},{1000 + k},Town {k} wants heat for quarter {k}.,{k % 5},2020,gpc,city,{5000 + k}"
            for k in range(rows)
        )
        path.write_text("\n".join([header, *told]), "utf-8")
        return lines_run(lambda: read(path))

    lines(10)  # what is made once
    assert lines(800) < 5 * lines(200)


def test_a_city_twice_is_told_beside_a_wrong_cell_of_its_row(tmp_path):
    table = tmp_path / "twice.csv"
    table.write_text("id,name,country,population\nde-a,A,DE,many\nde-a,B,DE,10\n", encoding="utf-8")
    with pytest.raises(DataError) as raised:
        read(table)
    assert sorted(p.code for p in raised.value.problems) == ["city-twice", "value-wrong"]


SURVEY = Path(__file__).parents[1] / "unit" / "reading" / "cases" / "survey.csv"


def test_a_survey_is_checked_as_a_round_would_take_it(tmp_path: Path) -> None:
    table = tmp_path / "survey.csv"
    table.write_bytes(SURVEY.read_bytes())
    said = json.loads(run("validate", table, "--hosts", "bundled", "--json")[0])
    assert said["cities"] == said["usable"] == 39
    assert not [p for p in said["problems"] if p["level"] == "error"]
    no_host = [p for p in said["problems"] if p["code"] == "wish-no-host"]
    shown, _ = run("validate", table, "--hosts", "bundled")
    assert len(no_host) > 3
    most = max(Counter(p["column"] for p in no_host).values())
    assert f"{most} such in rows" in " ".join(shown.split())
    _, told = run("similar", "Graz", table, "--hosts", "bundled", "-k", "2", "--json")
    assert "[wish-no-host]" in told


def test_problems_of_one_cause_are_one_message() -> None:
    def at(row: int, column: str = "year", code: str = "value-wrong") -> Problem:
        return Problem(code, f"Found {row}.", Where("t.csv", row=row, column=column))

    alike = grouped([at(n) for n in range(2, 20)])
    assert len(alike) == 1
    assert alike[0].where.row == 2
    assert "18 such in rows 2, 3, 4" in alike[0].found
    assert len(grouped([at(2), at(3)])) == 2
    assert len(grouped([at(n, column=f"c{n}") for n in range(9)])) == 9
    assert len(grouped([Problem("repair", f"{n}") for n in range(9)])) == 9


def failed(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], *said: object
) -> list[dict[str, Any]]:
    """Run the command line as it is started; return the problems of its failure on stdout."""
    monkeypatch.setattr(sys, "argv", ["twinmatch", *map(str, said), "--json"])
    with pytest.raises(SystemExit) as ended:
        main()
    assert ended.value.code == 2
    problems: list[dict[str, Any]] = json.loads(capsys.readouterr().out)["problems"]
    return problems


@pytest.mark.parametrize("command", ["validate", "propose"])
def test_json_lists_every_problem_of_a_failure(
    tmp_path: Path,
    command: str,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    table = tmp_path / "cities.csv"
    rows = "".join(f"de-x{k},X{k},DE,many,{k}\n" for k in range(30))
    table.write_text("id,name,country,population,emissions.year\n" + rows, "utf-8")
    found = failed(monkeypatch, capsys, command, table)
    errors = {(p["row"], p["column"]) for p in found if p["level"] == "error"}
    assert errors >= {(row, "population") for row in range(2, 32)}


@pytest.mark.parametrize("name", ["old.xls", "old.xlsx", "old.csv"])
def test_an_old_workbook_is_refused_in_one_sentence_whatever_its_name(
    tmp_path: Path,
    name: str,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    table = tmp_path / name
    table.write_bytes(b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + bytes(504) + b"W\0o\0r\0k\0")
    (problem,) = failed(monkeypatch, capsys, "validate", table)
    assert (problem["code"], problem["file"]) == ("not-a-workbook", name)
