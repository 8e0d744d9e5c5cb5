"""The command line as people use it: results, exit codes, one clear message for every bad input."""

from __future__ import annotations

import inspect
import json
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import openpyxl
import pytest
from service_for_tests import FIVE, PROGRAMME, five_cities

from commands_for_tests import run
from twinmatch.cli import COMMANDS, MOVED, TOP, every_command, function_of, words_of
from twinmatch.files import bundled_path


@pytest.fixture
def five(tmp_path: Path) -> Path:
    return five_cities(tmp_path)


def propose(five: Path, *more: object, code: int = 0) -> tuple[str, str]:
    out = five.parent / "out"
    return run(
        "propose",
        five,
        "--programme",
        five.parent / "round.toml",
        "--text-model",
        "static",
        "--out",
        out,
        *more,
        code=code,
    )


def written(folder: Path) -> dict[str, bytes]:
    """Return every file of a folder, by its path inside it."""
    return {
        str(p.relative_to(folder)): p.read_bytes() for p in sorted(folder.rglob("*")) if p.is_file()
    }


def test_five_cities_end_where_a_person_would_put_them(five):
    stdout, told = propose(five, "--json")
    proposal = json.loads(stdout)
    (twinning,) = proposal["products"]
    assert twinning["status"] == "optimal"
    assert [
        {m["city"]: m["role"] for m in meeting["members"]} for meeting in twinning["meetings"]
    ] == [
        {"it-host": "host", "de-guest": "guest"},
        {"se-host": "host", "fr-guest": "guest"},
    ]
    (left,) = twinning["left_out"]
    assert left["city"] == "pl-other"
    assert left["why"]
    assert "report.html" in told
    assert sorted(p.name for p in (five.parent / "out").iterdir()) == [
        "dossiers",
        "letters",
        "network.graphml",
        "proposal.json",
        "proposal.xlsx",
        "report.html",
    ]


def test_every_city_ends_somewhere(five):
    proposal = json.loads(propose(five, "--json")[0])
    for product in proposal["products"]:
        met = {m["city"] for meeting in product["meetings"] for m in meeting["members"]}
        assert met | {item["city"] for item in product["left_out"]} == set(FIVE)


def test_a_lock_and_a_ban_are_kept_and_told(five):
    proposal = json.loads(
        propose(five, "--json", "--lock", "de-guest=se-host", "--ban", "fr-guest=se-host")[0]
    )
    (twinning,) = proposal["products"]
    pairs = {
        meeting["members"][1]["city"]: meeting["members"][0]["city"]
        for meeting in twinning["meetings"]
    }
    assert pairs["de-guest"] == "se-host"
    assert pairs.get("fr-guest") != "se-host"
    assert {"locks", "bans"} <= {rule["rule"] for rule in twinning["rules"]}


def test_same_input_same_bytes_whatever_the_order_of_files(five, tmp_path):
    propose(five)
    first = written(tmp_path / "out")
    again = tmp_path / "again"
    again.mkdir()
    for name in sorted(FIVE, reverse=True):
        shutil.copy(five / f"{name}.yaml", again / f"z-{len(list(again.iterdir()))}-{name}.yaml")
    propose_again = [
        "propose",
        again,
        "--programme",
        tmp_path / "round.toml",
        "--text-model",
        "static",
        "--out",
        tmp_path / "out2",
    ]
    run(*propose_again)
    assert written(tmp_path / "out2") == first


def test_a_csv_says_the_same_as_the_folder(five, tmp_path):
    table = tmp_path / "cities.csv"
    table.write_text(
        "id,name,country,roles,needs,offers,challenges,strengths,levers_needed,levers_offered\n"
        "se-host,Se-Host,SE,mission,,We run trams.,,mobility_transport:3,,\n"
        "de-guest,De-Guest,DE,guest,Heat networks for old towns.,,energy_systems:3,,finance_funding,\n"
        "fr-guest,Fr-Guest,FR,guest,Trams and cycle lanes.,,mobility_transport:3,,,\n"
        "it-host,It-Host,IT,mission,,We run heat networks in an old town.,,energy_systems:3,,finance_funding\n"
        "pl-other,Pl-Other,PL,guest,,,,,,\n",
        encoding="utf-8",
    )
    folder = json.loads(propose(five, "--json")[0])
    by_table = json.loads(
        run(
            "propose",
            table,
            "--programme",
            tmp_path / "round.toml",
            "--text-model",
            "static",
            "--out",
            tmp_path / "csv",
            "--json",
        )[0]
    )
    assert by_table["made_from"]["data"] == folder["made_from"]["data"]
    assert by_table["products"] == folder["products"]


@pytest.mark.parametrize(
    ("name", "content", "says"),
    [
        ("xx-bad.yaml", "id: qq-bad\nname: Bad\ncountry: QQ\n", "no country has this code"),
        (
            "xx-bad.yaml",
            "id: de-bad\nname: Bad\ncountry: DE\nemissions: {form: gpc, boundary: city, sectors: {waste: -4}}\n",
            "emissions.sectors.waste: Found -4",
        ),
        ("xx-bad.yaml", "id: de-guest\nname: Again\ncountry: DE\n", "'de-guest' is here again"),
        (
            "xx-bad.yaml",
            "id: de-bad\nname: Bad\ncountry: DE\nwishes: [unit-nowhere]\n",
            "'unit-nowhere' is neither a city nor a host unit",
        ),
        (
            "xx-bad.yaml",
            b"id: de-bad\nname: K\xf6ln\ncountry: DE\n",
            "row 2: Byte 0xf6 is not UTF-8",
        ),
        (
            "xx-bad.yaml",
            "id: de-bad\nname: Bad\ncountry: DE\nchalenges: {industry: 3}\n",
            "Did you mean challenges",
        ),
        ("xx-bad.yaml", "id: [1, 2\n", "Not readable as YAML"),
    ],
)
def test_bad_profiles_are_told_and_nothing_is_written(five, name, content, says):
    (five / name).write_bytes(content if isinstance(content, bytes) else content.encode())
    _, told = propose(five, code=2)
    assert says in told
    assert not (five.parent / "out").exists()


def test_norway_is_a_country(five):
    (five / "no-oslo.yaml").write_text(
        "id: no-oslo\nname: Oslo\ncountry: NO\nlanguages: [no, en]\n", encoding="utf-8"
    )
    assert "6 cities" in run("validate", five)[1]


def test_an_empty_folder_is_told(tmp_path):
    assert "no city profiles" in run("propose", tmp_path, "--out", tmp_path / "out", code=2)[1]
    assert not (tmp_path / "out").exists()


@pytest.mark.parametrize(
    ("setting", "says"),
    [
        ("[twinning.weights]\ncontext = -1", "Give a number"),
        ("[twinning.weights]\ncontext = nan", "Give a number"),
        ("[twinning.weights]\ncontexts = 1", "Did you mean context"),
        ("[twinning]\nplaecs = 3\n[twinning.weights]\ncontext = 1", "Did you mean places"),
        (
            "[twinning]\nguests_per_host = [2, 1]\n[twinning.weights]\ncontext = 1",
            "the smaller number comes first",
        ),
        ("name = 'nothing'", "asks for no product"),
        ("[twinning", "Not readable as TOML"),
    ],
)
def test_bad_programmes_are_told_and_nothing_is_written(five, setting, says):
    (five.parent / "round.toml").write_text(setting, encoding="utf-8")
    assert says in propose(five, code=2)[1]
    assert not (five.parent / "out").exists()


def test_a_round_of_which_nothing_can_be_formed_writes_nothing(five):
    setting = '[twinning]\nhosts = ["pilot"]\n[twinning.weights]\ncontext = 1'
    (five.parent / "round.toml").write_text(setting, encoding="utf-8")
    assert "can be a host" in propose(five, code=3)[1]
    assert not (five.parent / "out").exists()


@pytest.mark.parametrize(
    ("options", "says"),
    [
        (["--lock", "de-guest=it-host", "--ban", "it-host=de-guest"], "locked and banned at once"),
        (["--lock", "de-guest"], "Write it as A=B"),
        (["--lock", "de-guest=it-hots"], "Did you mean it-host"),
        (["--lock", "de-guest=fr-guest"], "not an eligible guest and a host"),
        (["--programme", "nowhere.toml"], "no programme file"),
        (["--previous", "nowhere.json"], "no such file"),
        (["--text-model", "no/such-model"], "no/such-model"),
    ],
)
def test_wrong_questions_are_told_and_nothing_is_written(five, options, says):
    assert says in propose(five, *options, code=2)[1]
    assert not (five.parent / "out").exists()


def test_the_next_command_is_over_the_same_cities_and_programme(five):
    told = propose(five)[1]
    programme = five.parent / "round.toml"
    assert f"twinmatch propose {five} --programme {programme} --decisions" in " ".join(told.split())


def test_rules_that_cannot_hold_exit_3_with_what_is_short(five):
    (five.parent / "round.toml").write_text(PROGRAMME.replace("[0, 1]", "[2, 3]"), encoding="utf-8")
    told = propose(five, code=3)[1]
    assert re.search(r"4 .*3 ", told)
    assert not (five.parent / "out").exists()


def test_a_repair_of_the_menu_is_taken_by_its_number_and_told(five):
    (five.parent / "round.toml").write_text(PROGRAMME.replace("[0, 1]", "[2, 3]"), encoding="utf-8")
    menu = propose(five, code=3)[1]
    assert "Repair 1: " in menu
    assert "--repair 1" in menu
    proposal = json.loads(propose(five, "--repair", 1, "--json")[0])
    rules = proposal["products"][0]["rules"]
    gave_way = [rule for rule in rules if rule["status"] == "relaxed"]
    assert gave_way
    assert all("repair 1" in rule["says"] for rule in gave_way)
    but = {r["rule"] for r in rules if r["says"].endswith("But for what gave way.")}
    assert but == {rule["rule"] for rule in gave_way}
    assert "no repair 99" in propose(five, "--repair", 99, code=2)[1]


def test_the_referee_makes_the_repair_again_that_a_proposal_says_it_took(five):
    (five.parent / "round.toml").write_text(PROGRAMME.replace("[0, 1]", "[2, 3]"), encoding="utf-8")
    propose(five, "--repair", 1)
    path = five.parent / "out" / "proposal.json"
    asked = ("check", path, five, "-p", five.parent / "round.toml", "--text-model", "static")
    found, told = run(*asked, "--json")
    rows = json.loads(found)[0]["rules"]
    made = json.loads(path.read_text(encoding="utf-8"))
    costs = ("costs", "numbers")  # what a rule costs is not asked again
    kept = [{k: v for k, v in r.items() if k not in costs} for r in made["products"][0]["rules"]]
    at = [r["rule"] for r in rows].index(kept[0]["rule"])
    assert [{k: v for k, v in r.items() if k not in costs} for r in rows[at:][: len(kept)]] == kept
    assert "No rule is broken (" in told
    for rule in made["products"][0]["rules"]:
        if "repair" in rule:
            rule["repair"] = 99
    path.write_text(json.dumps(made), encoding="utf-8")
    assert "broken. Next: mend the proposal" in run(*asked, code=2)[1]


def test_the_referee_judges_a_proposal_that_was_edited_by_hand(five):
    propose(five)
    path = five.parent / "out" / "proposal.json"
    asked = (
        "check",
        path,
        five,
        "--programme",
        five.parent / "round.toml",
        "--text-model",
        "static",
    )
    assert "No rule is broken" in run(*asked)[1]
    plain = json.loads(path.read_text(encoding="utf-8"))
    for meeting in plain["products"][0]["meetings"]:
        meeting["members"][0]["city"] = "it-host"
    path.write_text(json.dumps(plain), encoding="utf-8")
    stdout, _ = run(*asked, "--json", code=2)
    broken = [r for r in json.loads(stdout)[0]["rules"] if r["status"] == "broken"]
    assert {r["rule"] for r in broken} == {"guests per host", "evidence gate"}
    assert "It-Host" in broken[0]["says"]


def test_named_proposals_tell_what_they_give_up(five):
    found = json.loads(
        run(
            "frontier",
            five,
            "--programme",
            five.parent / "round.toml",
            "--text-model",
            "static",
            "--json",
        )[0]
    )
    assert found[0]["name"] == "highest total score"
    assert found[0]["gives_up"] == 0
    best = found[0]["total"]
    for choice in found:
        assert choice["gives_up"] == pytest.approx(best - choice["total"], abs=1e-9)
        assert len(choice["pairs"]) == 2
        assert (
            choice["worst_off"]
            <= max(c["worst_off"] for c in found if c["name"].startswith("worst-off")) + 1e-9
        )


def test_similar_and_explain_on_the_bundled_cities():
    found = json.loads(run("similar", "Leuven", "-k", "3", "--text-model", "bundled", "--json")[0])[
        "similar"
    ]
    assert len(found) == 3
    assert [c["score"] for c in found] == sorted((c["score"] for c in found), reverse=True)
    for city in found:
        assert sum(line["share"] for line in city["account"]) == pytest.approx(
            city["score"], abs=1e-9
        )
    explained = json.loads(
        run("explain", "be-leuven", found[0]["id"], "--text-model", "bundled", "--json")[0]
    )
    assert explained["accounts"][0]["score"] == pytest.approx(found[0]["score"])


@pytest.mark.parametrize(
    "arguments",
    [
        ("similar", "Lueven"),
        ("explain", "Leuven", "Lueven"),
        ("explain", "Leuven", "be-leuven"),
        ("similar", "Leuven", "-k", 0),
    ],
)
def test_wrong_cities_are_told(arguments):
    assert run(*arguments, code=2)[1]


def test_the_workbook_opens(five):
    propose(five)
    book = openpyxl.load_workbook(five.parent / "out" / "proposal.xlsx", read_only=True)
    assert "Twinning" in book.sheetnames
    book.close()


HEAVY = {
    *("numpy", "pandas", "scipy", "sklearn", "torch", "sentence_transformers", "networkx", "numba"),
    *("ortools", "highspy", "pydantic", "yaml", "sqlalchemy", "openpyxl", "xlsxwriter"),
    *(
        "jinja2",
        "babel",
        "fastapi",
        "starlette",
        "uvicorn",
        "joblib",
        "dask",
        "altair",
        "weasyprint",
    ),
}


def imported(*arguments):
    """Return what a command writes, and every module that its process has imported at the end."""
    code = (
        "import sys\nfrom twinmatch.cli import app\ntry:\n app(sys.argv[1:])\nexcept SystemExit: pass\n"
        "print('IMPORTED', *sorted(sys.modules))"
    )
    done = subprocess.run(
        [sys.executable, "-c", code, *arguments],
        capture_output=True,
        text=True,
        check=True,
        env={**os.environ, "NO_COLOR": "1"},
    )
    said, _, modules = done.stdout.rpartition("IMPORTED ")
    return said, set(modules.split())


def test_help_names_every_command_and_imports_none_of_them():
    said, modules = imported("--help")
    assert {m for m in modules if m.partition(".")[0] == "twinmatch"} == {
        *("twinmatch", "twinmatch.cli", "twinmatch.errors")
    }
    assert not HEAVY & modules
    assert not any(m.partition(".")[0] == "rich" for m in modules)
    told = [line.strip().partition(" ")[0] for line in said.splitlines()]
    assert [name for name in told if name in TOP] == list(TOP)


def test_the_list_of_commands_says_what_their_functions_say():
    for name in COMMANDS:
        function = function_of(name)
        assert function.__name__.replace("_", "-") == name
        says, _, options = inspect.getdoc(function).partition("\n\n")
        assert says == words_of(name)
        described = [line.partition(": ")[0] for line in options.splitlines()]
        assert set(described) <= set(inspect.signature(function).parameters), name


def test_every_option_of_every_command_says_what_it_is_for():
    for name, command in every_command():
        assert all(p.help for p in command.params if p.name != "help"), name


def test_every_command_stands_in_the_help_or_in_a_group_of_it():
    loaded = {c.callback.__name__.replace("_", "-") for _, c in every_command()}
    assert loaded == set(COMMANDS)
    assert len(list(every_command())) == len(COMMANDS)


@pytest.mark.parametrize("old", ["keep", "decisions", "past", "purge", "features"])
def test_a_name_of_before_works_and_names_the_new_one(old):
    said = run(old, "--help")
    new = run(*MOVED[old].split(), "--help")
    assert f"twinmatch {MOVED[old]}" in said[1]
    assert new[1] == ""
    assert said[0].splitlines()[2:] == new[0].splitlines()[2:]


def test_runs_without_a_word_lists_them(tmp_path):
    store = tmp_path / "none.sqlite"
    for words in (["runs", "list"], ["runs"]):
        assert "--store" in run(*words, "--store", store, code=2)[1]


def test_reading_the_options_of_all_commands_imports_nothing_heavy():
    code = (
        "import sys\nfrom twinmatch.cli import every_command\n"
        "assert all(c.params for _, c in every_command())\nprint(*sys.modules)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert not (HEAVY - {"pydantic"}) & set(done.stdout.split())  # Typer reads options with it


def test_cities_like_mine_imports_what_it_needs_and_no_more():
    run("similar", "Leuven")  # what it reads is kept now
    said, modules = imported("similar", "Leuven")
    assert "Cities like Leuven" in said
    # NumPy and SciPy compare, Pydantic checks, Babel names languages; no solver, table or model is loaded.
    assert HEAVY & modules <= {"numpy", "scipy", "pydantic", "babel", "yaml"}
    assert not {"twinmatch.programmes", "twinmatch.solving", "twinmatch.exporting"} & modules


def test_an_error_of_a_process_is_a_message_and_a_code(tmp_path):
    done = subprocess.run(
        [sys.executable, "-m", "twinmatch", "validate", str(tmp_path / "nowhere")],
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 2
    assert done.stdout == ""
    assert "There is no such file or folder" in done.stderr
    assert "Traceback" not in done.stderr


def test_the_bundled_profiles_are_whole():
    assert "255 cities and 12 host units, no error" in run("validate")[1]
    assert len(list(bundled_path("city_profiles").glob("??-*.yaml"))) == 255


def test_the_feature_table(tmp_path):
    run("features", "--out", tmp_path / "features.csv")
    rows = (tmp_path / "features.csv").read_text(encoding="utf-8").splitlines()
    assert len(rows) == 256
    assert rows[0].startswith("id,emissions.share.")


def test_a_format_that_cannot_be_formed_ends_with_exit_code_3_and_the_others_are_written(
    five: Path, tmp_path: Path
) -> None:
    clash = (tmp_path / "round.toml").read_text(encoding="utf-8")
    panels = "[city_panels]\nsize = [3, 4]\nmission_at_least = 0\nmix = {country = 1}\n"
    (tmp_path / "two.toml").write_text(clash + panels, encoding="utf-8")
    out = tmp_path / "out"
    options = ("--programme", tmp_path / "two.toml", "--out", out)
    printed, told = run("propose", five, *options, "--json", code=3)
    products = {p["product"]: p for p in json.loads(printed)["products"]}
    assert {name: p["status"] for name, p in products.items()} == {
        "twinning": "optimal",
        "city_panels": "infeasible",
    }
    assert "City panels" in told.splitlines()[-1]
    assert json.loads((out / "proposal.json").read_text())["products"][1]["advice"]
