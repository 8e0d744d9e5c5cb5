"""The ten tasks: five lines each, and strictly typed; that they run is tested with all pages."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

import pytest

import twinmatch as tm

REPO = Path(__file__).resolve().parents[2]
PAGE = (REPO / "docs/ten-tasks.md").read_text(encoding="utf-8")
TASKS = {part.split("\n")[0]: part for part in PAGE.split("\n## ")[1:]}


def code(text):
    return "\n\n".join(re.findall(r"```python\n(.*?)```", text, re.DOTALL))


@pytest.mark.parametrize("task", TASKS)
def test_a_task_takes_at_most_five_lines(task):
    assert 1 <= len([line for line in code(TASKS[task]).splitlines() if line.strip()]) <= 5


def test_there_are_ten_tasks_and_they_begin_with_the_door_alone():
    assert len(TASKS) == 10
    imports = re.findall(r"^(?:from|import) (\S+)", code(PAGE), re.MULTILINE)
    assert set(imports) == {
        "twinmatch",
        "pathlib",
        "networkx",
        "json",
        "urllib.request",
    }


USER = """
import numpy as np
import pandas as pd

import twinmatch as tm

frame: pd.DataFrame = tm.read(pd.DataFrame({"name": ["X"], "country": ["DE"]})).to_frame()
cohort: tm.Cohort = tm.read([{"name": "X", "country": "DE"}])[:1] + tm.bundled()
city: tm.City = cohort[0]
people: int | None = city.population.value if city.population else None
proposal: tm.Proposal = tm.propose(cohort, {"twinning": {"weights": {"context": 1}}}, {"context": 1}, np.array)
product: tm.Product = proposal.product("twinning")
meeting: tm.Meeting = product.meetings[0]
account: tm.Account = meeting.account
programme: tm.Programme | None = None
affinity: tm.Affinity = tm.compare(cohort)
scores: list[float] = [found.account.score for found in tm.similar("X", cohort)]
titles: list[str] = [pair.title for pair in tm.explain("X", "Leuven", cohort, programme=programme)]
verdict: str = tm.why_not("X", "Leuven", cohort).verdict
tables: list[pd.DataFrame] = [
    tm.features(cohort), tm.prices(cohort).to_frame(), tm.stability(cohort, runs=2).to_frame(),
    tm.frontier(cohort).to_frame(), tm.backtest([("X", "Leuven")], cohort).to_frame(), affinity.to_frame(),
]
ranks: float = tm.pilots(cohort).activity.figures.value
nodes: int = affinity.graph().number_of_nodes() + proposal.graph().number_of_nodes()
status: str = tm.assign([[1.0]], [1], [1]).status
groups: int = tm.partition(np.eye(4), sizes=(2, 2)).n_groups
features: tm.CityFeatures = tm.CityFeatures().fit(cohort)
distances: pd.DataFrame = tm.CityAffinity().fit(cohort).transform(cohort)


class Mine:
    def likeness(self, rows: np.ndarray[tuple[int], np.dtype[np.intp]], cols: np.ndarray[tuple[int], np.dtype[np.intp]]) -> np.ndarray[tuple[int, ...], np.dtype[np.float64]]:
        return np.ones((len(rows), len(cols)))

    def says(self, i: int, j: int) -> tuple[str, tuple[()]]:
        return "Alike.", ()


facet: tm.Facet = Mine()
tm.add_facet("mine", lambda one, other: 1.0 if one.country == other.country else None)
tm.pictures.city_map(cohort)
try:
    tm.read("nowhere")
except (tm.DataError, tm.QuestionError, tm.NoProposalError, tm.TwinmatchError) as error:
    print(error.problems[0].code)
"""


WRONG = """
import twinmatch as tm
x: int = tm.bundled()
tm.nothing
"""


@pytest.mark.slow
def test_the_ten_tasks_and_a_script_of_a_user_are_strictly_typed(tmp_path):
    pytest.importorskip("mypy")
    assert set(re.findall(r"\btm\.(\w+)", USER)) == set(tm.__all__)
    last = list(TASKS)[-1]
    texts = {"tasks": code(PAGE.replace(TASKS[last], "")), "script": USER, "wrong": WRONG}
    for name, text in texts.items():
        (tmp_path / f"{name}.py").write_text(text, encoding="utf-8")
    files = [str(tmp_path / f"{name}.py") for name in texts]
    run = subprocess.run(
        [sys.executable, "-m", "mypy", "--config-file", str(REPO / "pyproject.toml"), "--strict", *files],
        cwd=REPO, capture_output=True, text=True, timeout=600, check=False,
    )  # fmt: skip
    found = [line for line in run.stdout.splitlines() if ": error: " in line]
    assert re.findall(r"(\w+)\.py:.*\[([\w-]+)\]$", "\n".join(found), re.M) == [
        ("wrong", "assignment"),
        ("wrong", "attr-defined"),
    ], run.stdout
