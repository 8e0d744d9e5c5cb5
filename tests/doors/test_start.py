"""The first ten minutes: a new round's folder that works as it stands, decisions, files made again."""

from __future__ import annotations

import json
import re
import shlex
import tomllib

import openpyxl
import pytest
from service_for_tests import five_cities

from commands_for_tests import run
from twinmatch.app.round import programme_text
from twinmatch.programmes.programme import bundled_names, load, recipe_names


def test_a_new_round_has_its_files_and_says_what_to_do(tmp_path):
    _, told = run("init", tmp_path / "round")
    assert sorted(p.name for p in (tmp_path / "round").iterdir()) == [
        "README.md",
        "form.xlsx",
        "round.schema.json",
        "round.toml",
    ]
    assert "Next: fill" in told


def test_the_hosts_of_a_new_round_stand_in_its_commands(tmp_path):
    run("init", tmp_path / "round", "--hosts", "bundled")
    readme = (tmp_path / "round" / "README.md").read_text(encoding="utf-8")
    assert "twinmatch propose form.xlsx --hosts bundled --programme round.toml" in readme


def test_the_schema_beside_the_programme_accepts_it_and_nothing_misspelt(tmp_path):
    jsonschema = pytest.importorskip("jsonschema")
    run("init", tmp_path / "round")
    text = (tmp_path / "round/round.toml").read_text(encoding="utf-8")
    assert text.startswith("#:schema round.schema.json\n")
    schema = json.loads((tmp_path / "round/round.schema.json").read_text(encoding="utf-8"))
    jsonschema.Draft202012Validator.check_schema(schema)
    check = jsonschema.Draft202012Validator(schema)
    said = tomllib.loads(text)
    assert not list(check.iter_errors(said))
    said["twinning"]["placs"] = 3
    assert [e.validator for e in check.iter_errors(said)]


def test_the_programme_of_a_new_round_is_the_bundled_one():
    loaded = load(*bundled_names())
    assert loaded.model_copy(update={"name": ""}) == _loaded(programme_text()).model_copy(
        update={"name": ""}
    )


def _loaded(text: str):
    import tempfile
    from pathlib import Path

    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "round.toml"
        path.write_text(text, encoding="utf-8")
        return load(path)


@pytest.mark.parametrize("name", recipe_names())
def test_a_recipe_can_be_the_programme_of_a_new_round(name):
    assert _loaded(programme_text(name)) == load(name)


def test_a_folder_with_something_in_it_is_refused(tmp_path):
    (tmp_path / "mine.txt").write_text("notes")
    _, told = run("init", tmp_path, code=2)
    assert "something in this place already" in told
    assert [p.name for p in tmp_path.iterdir()] == ["mine.txt"]


def test_an_unknown_programme_is_an_error_that_names_the_known(tmp_path):
    _, told = run("init", tmp_path / "round", "--programme", "twining", code=2)
    assert "twinning" in told
    assert not (tmp_path / "round").exists()


def test_the_commands_of_the_guide_are_commands(tmp_path):
    from twinmatch.cli import every_command

    run("init", tmp_path / "round")
    guide = (tmp_path / "round" / "README.md").read_text(encoding="utf-8")
    commands = dict(every_command())
    found = re.findall(r"`twinmatch ([^`]+)`", guide)
    assert len(found) > 6
    for line in found:
        name, *parts = shlex.split(line)
        options = {o for p in commands[name].params for o in p.opts} if name in commands else set()
        assert name in commands or name == "--help", line
        assert {p for p in parts if p.startswith("--")} <= options, line


@pytest.fixture
def decided(tmp_path):
    folder = five_cities(tmp_path)
    again = ("propose", folder, "--programme", tmp_path / "round.toml", "--text-model", "static")
    run(*again, "--out", tmp_path / "one")
    return tmp_path, again


def decide(tmp_path, guest: str, host: str, word: str) -> None:
    book = openpyxl.load_workbook(tmp_path / "one/proposal.xlsx")
    page = book["Decisions"]
    heads = {cell.value: cell.column for cell in page[1]}
    for row in range(2, page.max_row + 1):
        if page.cell(row, heads["Guest id"]).value in (guest, None):
            page.cell(row, heads["Guest id"], guest)
            page.cell(row, heads["Host id"], host)
            page.cell(row, heads["Decision"], word)
            break
    book.save(tmp_path / "one/proposal.xlsx")


def test_a_lock_in_the_workbook_is_kept_and_its_price_told(decided):
    tmp_path, again = decided
    decide(tmp_path, "fr-guest", "it-host", "lock")
    out = tmp_path / "two"
    _, told = run(*again, "--decisions", tmp_path / "one/proposal.xlsx", "--out", out)
    assert "1 locked (fr-guest=it-host)" in told
    assert "Since the earlier proposal, twinning: " in told, told
    assert "Fr-Guest: learning from It-Host, in place of learning from Se-Host." in told
    assert "in place of" in (out / "report.html").read_text(encoding="utf-8")


def test_what_was_decided_before_holds_in_the_next_workbook(decided):
    tmp_path, again = decided
    decide(tmp_path, "fr-guest", "it-host", "lock")
    run(*again, "--decisions", tmp_path / "one/proposal.xlsx", "--out", tmp_path / "two")
    _, told = run(
        *again, "--decisions", tmp_path / "two/proposal.xlsx", "--out", tmp_path / "three"
    )
    assert "1 locked (fr-guest=it-host)" in told
    assert "Nothing else changed since the earlier proposal." in told
    book = openpyxl.load_workbook(tmp_path / "three/proposal.xlsx")
    cells = next(row for row in book["Decisions"].iter_rows(min_row=2) if row[3].value == "lock")
    cells[3].value = None
    book.save(tmp_path / "three/proposal.xlsx")
    _, told = run(
        *again, "--decisions", tmp_path / "three/proposal.xlsx", "--out", tmp_path / "four"
    )
    assert "No longer locked: fr-guest=it-host." in told
    book.save(tmp_path / "alone.xlsx")
    _, told = run(*again, "--decisions", tmp_path / "alone.xlsx", "--out", tmp_path / "five")
    assert "No earlier proposal.json lies beside it" in told


def test_an_unknown_city_in_the_workbook_is_told_with_its_row(decided):
    tmp_path, again = decided
    decide(tmp_path, "fr-guest", "it-hoste", "lock")
    _, told = run(
        *again, "--decisions", tmp_path / "one/proposal.xlsx", "--out", tmp_path / "two", code=2
    )
    assert re.search(
        r"sheet 'Decisions', row \d+, Decision: No city 'it-hoste'.*Did you mean it-host", told
    )
    assert not (tmp_path / "two").exists()


def test_publishing_again_writes_the_same_bytes_and_word_beside(decided):
    tmp_path, _ = decided
    run("publish", tmp_path / "one/proposal.json", "--out", tmp_path / "again", "--word")
    for name in ("report.html", "proposal.xlsx", "network.graphml", "letters/merge.csv"):
        assert (tmp_path / "again" / name).read_bytes() == (tmp_path / "one" / name).read_bytes()
    assert (tmp_path / "again/dossiers/cities/it-host.docx").stat().st_size > 10_000
    (tmp_path / "again/report.html").unlink()
    run("publish", tmp_path / "again/proposal.json")  # into its own folder
    assert (tmp_path / "again/report.html").exists()


def test_answers_put_prices_and_stability_into_the_report(decided):
    tmp_path, again = decided
    out, _ = run(*again, "--answers", "--json", "--out", tmp_path / "answered")
    tables = {t["name"]: t for t in json.loads(out)["products"][0]["tables"]}
    places = {row[0]: row for row in tables["prices"]["rows"]}
    # A second place fills nothing: too little is known of the third guest, and its place is held.
    assert places["guests per host"][2:4] == [0, 0.0]
    assert {row[0] for row in tables["stability"]["rows"]} == {
        "twinning:de-guest",
        "twinning:fr-guest",
    }
    report = (tmp_path / "answered/report.html").read_text(encoding="utf-8")
    assert "What each rule costs" in report
    assert "How stable each pair is" in report


def test_the_notebooks_are_written_and_overwrite_nothing(tmp_path):
    run("notebooks", tmp_path / "mine")
    made = sorted((tmp_path / "mine").iterdir())
    assert [p.name[:2] for p in made] == ["01", "02", "03", "04", "05", "06"]
    assert all(json.loads(p.read_text(encoding="utf-8"))["nbformat"] == 4 for p in made)
    made[0].write_text("my work")
    _, told = run("notebooks", tmp_path / "mine", code=2)
    assert "01_look_at_the_cohort.ipynb" in told
    assert made[0].read_text() == "my work"
