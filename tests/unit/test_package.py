"""The package: one version, a wheel that is the same twice and works alone, a recipe with the same dependencies."""

from __future__ import annotations

import hashlib
import json
import os
import re
import shutil
import subprocess
import sys
import sysconfig
import tomllib
import zipfile
from pathlib import Path

import numpy
import pytest
import yaml
from packaging.requirements import Requirement

import twinmatch
from twinmatch.cli import EXTRAS

REPO = Path(__file__).resolve().parents[2]
PROJECT = tomllib.loads((REPO / "pyproject.toml").read_text(encoding="utf-8"))["project"]


def yaml_of(name):
    return yaml.safe_load((REPO / name).read_text(encoding="utf-8"))


def test_the_version_is_said_in_one_place_and_copied_rightly():
    assert "version" in PROJECT["dynamic"]
    assert yaml_of("CITATION.cff")["version"] == twinmatch.__version__
    assert yaml_of("conda/recipe.yaml")["context"]["version"] == twinmatch.__version__
    run = subprocess.run(
        [sys.executable, "-m", "twinmatch", "--version"], capture_output=True, text=True, timeout=300, check=True
    )  # fmt: skip
    assert run.stdout.split() == ["twinmatch", twinmatch.__version__]


def test_the_conda_recipe_asks_for_what_the_package_asks_for():
    asked = {r.name: str(r.specifier) for r in map(Requirement, PROJECT["dependencies"])}
    asked["ortools-python"] = asked.pop("ortools")
    found = dict(line.split(" ") for line in yaml_of("conda/recipe.yaml")["requirements"]["run"])
    assert found.pop("python") == ",".join(
        sorted(PROJECT["requires-python"].split(","), reverse=True)
    )
    norm = {name: set(spec.split(",")) for name, spec in found.items()}
    assert norm == {name: set(spec.split(",")) for name, spec in asked.items()}


def test_every_extra_that_a_message_names_is_there():
    assert set(EXTRAS.values()) <= set(PROJECT["optional-dependencies"])
    everything = next(Requirement(line) for line in PROJECT["optional-dependencies"]["all"])
    assert everything.extras == set(PROJECT["optional-dependencies"]) - {"all", "supply"}


def test_every_place_of_ci_runs_the_same_script():
    github = yaml_of(".github/workflows/ci.yml")["jobs"]
    assert ".ci/run" in [step.get("run") for step in github["ci"]["steps"]]
    assert yaml_of(".gitlab-ci.yml")["ci"]["script"] == [".ci/run"]
    pythons = github["pythons"]["strategy"]["matrix"]["python"]
    stated = [c.rpartition(" ")[2] for c in PROJECT["classifiers"] if re.search(r":: 3\.\d+$", c)]
    assert (
        pythons == stated == yaml_of(".gitlab-ci.yml")["pythons"]["parallel"]["matrix"][0]["PYTHON"]
    )


WITHOUT = """
import sys

class Absent:
    def find_spec(self, name, path=None, target=None):
        if name.partition(".")[0] in {"sklearn", "joblib", "threadpoolctl", "sqlalchemy", "altair"}:
            raise ModuleNotFoundError(f"No module named {name!r}", name=name)

sys.meta_path.insert(0, Absent())
from twinmatch.cli import main
for line in sys.argv[1:]:
    sys.argv = ["twinmatch", *line.split()]
    try:
        main()
    except SystemExit as ended:
        print("ended with", ended.code or 0, file=sys.stderr)
"""


@pytest.mark.slow
def test_without_the_extras_of_analysis_and_store_cities_are_compared_and_the_rest_says_what_to_install():
    lines = ("similar Leuven", "explain Cologne Lahti", "runs", "stability --runs 2 --workers 2")
    run = subprocess.run(
        [sys.executable, "-c", WITHOUT, *lines], capture_output=True, text=True, timeout=300, check=False
    )  # fmt: skip
    similar, explain, runs, stability, _ = re.split(r"(?<=ended with \d)\n", run.stderr)
    assert similar.endswith("ended with 0")
    assert explain.endswith("ended with 0")
    for said, extra in ((runs, "store"), (stability, "analysis")):
        assert said.endswith("ended with 2")
        assert f"pip install 'twinmatch[{extra}]'" in said


# --- the wheel ---------------------------------------------------------------------------------------------------


def built(folder):
    """Return the wheel of a copy of what is built from, whose files are all as old as the copy."""
    source = folder / "source"
    source.mkdir(parents=True)
    for name in ("src", "data", "models", "notebooks"):
        shutil.copytree(REPO / name, source / name, copy_function=shutil.copyfile, ignore=shutil.ignore_patterns("__pycache__"))  # fmt: skip
    for name in ("pyproject.toml", "README.md", "LICENSE"):
        shutil.copyfile(REPO / name, source / name)
    subprocess.run(
        [sys.executable, "-m", "hatchling", "build", "-t", "wheel", "-d", str(folder / "dist")],
        cwd=source, capture_output=True, timeout=300, check=True, env=os.environ | {"SOURCE_DATE_EPOCH": "1700000000"},
    )  # fmt: skip
    (wheel,) = (folder / "dist").glob("*.whl")
    return wheel


@pytest.fixture(scope="module")
def wheel(tmp_path_factory):
    pytest.importorskip("hatchling")
    pytest.importorskip("hatch_fancy_pypi_readme")
    return built(tmp_path_factory.mktemp("one"))


@pytest.mark.slow
def test_a_wheel_is_the_same_bytes_twice(wheel, tmp_path):
    again = built(tmp_path / "deeper" / "other")
    assert wheel.name == again.name == f"twinmatch-{twinmatch.__version__}-py3-none-any.whl"
    assert (
        hashlib.sha256(wheel.read_bytes()).digest() == hashlib.sha256(again.read_bytes()).digest()
    )


def test_an_index_shows_the_readme_without_places_that_it_does_not_have(wheel):
    with zipfile.ZipFile(wheel) as file:
        metadata = file.read(f"twinmatch-{twinmatch.__version__}.dist-info/METADATA").decode()
    head, _, body = metadata.partition("\n\n")
    assert "Description-Content-Type: text/markdown" in head
    assert body.startswith("# twinmatch")
    assert re.findall(r"\]\((?!https?:|#)[^)]*\)", body) == []


@pytest.mark.slow
def test_a_wheel_in_an_empty_environment_and_folder_does_the_main_job(wheel, tmp_path):
    home = tmp_path / "venv"
    subprocess.run(
        [sys.executable, "-m", "venv", "--without-pip", str(home)], check=True, timeout=300
    )
    python = next(p for p in (home / "bin/python", home / "Scripts/python.exe") if p.exists())
    site = Path(sysconfig.get_path("purelib", vars={"base": str(home)}))
    with zipfile.ZipFile(wheel) as file:
        file.extractall(site)
    # What it depends on is that of these tests; the package itself is the wheel's alone.
    (site / "dependencies.pth").write_text(f"{Path(numpy.__file__).parents[1]}\n", encoding="utf-8")
    environment = {k: v for k, v in os.environ.items() if not k.startswith("PYTHON")}
    empty = tmp_path / "empty"
    empty.mkdir()
    code = "import twinmatch; print(twinmatch.__file__); from twinmatch.cli import main; main()"
    run = subprocess.run(
        [str(python), "-c", code, "propose", "--out", "round"],
        cwd=empty, env=environment, capture_output=True, text=True, timeout=300, check=False,
    )  # fmt: skip
    assert run.returncode == 0, run.stderr[-2000:]
    assert Path(run.stdout.split("\n")[0]).is_relative_to(site)
    made = json.loads((empty / "round/proposal.json").read_text(encoding="utf-8"))
    assert {p["product"] for p in made["products"]} >= {"twinning", "discussion_groups"}
