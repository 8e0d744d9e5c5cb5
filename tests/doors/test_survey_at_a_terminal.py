"""From a survey's export to a proposal at a real terminal: few questions, which may be skipped."""

from __future__ import annotations

import json
import re
import shutil
import sys
import tomllib
from pathlib import Path
from typing import Any

import pytest

pytestmark = pytest.mark.slow

pexpect = pytest.importorskip("pexpect")
CASES = Path(__file__).parents[1] / "unit" / "reading" / "cases"
SURVEYS = Path(__file__).parents[2] / "benchmarks" / "data" / "surveys"
PROMPT = "Number, or Enter to skip"
TWINNING = ["--hosts", "bundled", "--programme", "twinning", "--text-model", "static"]


def at_a_terminal(
    folder: Path, *arguments: str, answers: tuple[str, ...] = (), until: Any = pexpect.EOF
) -> tuple[str, int]:
    """Run the command line at a terminal, answer what it asks in turn; return what was seen and how often it asked."""
    child = pexpect.spawn(
        sys.executable,
        ["-m", "twinmatch", *arguments],
        cwd=folder,
        encoding="utf-8",
        timeout=300,
        dimensions=(50, 200),
    )
    seen, asked = "", 0
    while child.expect([PROMPT, until]) == 0:
        seen += child.before
        child.sendline(answers[asked] if asked < len(answers) else "")
        asked += 1
    seen += child.before
    child.close()
    assert until != pexpect.EOF or child.exitstatus == 0, seen
    return seen, asked


def test_one_command_takes_a_survey_to_a_proposal_of_all_its_applicants(tmp_path: Path) -> None:
    table = Path(shutil.copy(CASES / "survey.csv", tmp_path))
    seen, asked = at_a_terminal(tmp_path, "propose", table.name, *TWINNING, "--out", "r")
    assert asked <= 3
    assert "39 cities of survey.csv take part" in seen
    proposal = json.loads((tmp_path / "r" / "proposal.json").read_bytes())
    by_id = {c["id"]: c for c in proposal["cities"]}
    for city in ("at-graz", "be-ghent", "gr-volos", "ua-lviv", "lu-differdange"):
        assert city in by_id, sorted(by_id)
    (twinning,) = proposal["products"]
    placed = {m["city"] for x in twinning["meetings"] for m in x["members"]}
    left = {x["city"] for x in twinning["left_out"]}
    assert {"at-graz", "be-ghent", "gr-volos", "ua-lviv"} <= placed | left


@pytest.mark.parametrize("answers", [("?", "1"), ("",)])
def test_a_question_is_answered_by_number_or_skipped(
    tmp_path: Path, answers: tuple[str, ...]
) -> None:
    answer = answers[-1]
    table = Path(shutil.copy(SURVEYS / "07_typeform_en.csv", tmp_path))
    command = ["propose", table.name, *TWINNING]
    _, asked = at_a_terminal(tmp_path, *command, answers=answers, until="How it was read stands")
    assert asked == len(answers)
    text = table.with_name("07_typeform_en.mapping.toml").read_text("utf-8")
    columns = tomllib.loads(text)["columns"]
    assert ("OPEN" in text) == (answer == "")
    if answer:
        for option in ("Built environment", "Industry"):
            assert columns[option] == {"field": "challenges", "option": option}
    else:
        assert "Built environment" not in columns


def test_likely_answers_are_taken_and_shown_when_nothing_is_to_be_asked(tmp_path: Path) -> None:
    table = Path(shutil.copy(SURVEYS / "07_typeform_en.csv", tmp_path))
    command = ["propose", table.name, *TWINNING, "--yes"]
    seen, asked = at_a_terminal(tmp_path, *command, until="How it was read stands")
    assert asked == 0
    assert re.search(r"Is the column 'Built environment'.*Taken: Domains", seen, re.DOTALL)
