"""A survey whose applicants meet no condition: the terminal says which conditions, how often, and who could host."""

from __future__ import annotations

from pathlib import Path

import pytest

from commands_for_tests import run

ROWS = """Name of your city,Country,Staff hours a month,English level of the team,Needs
Trento,Italy,6,C1,We want to learn how to renovate blocks of flats with their owners.
Modena,Italy,8,A2,We want to learn how to plan low emission zones with shopkeepers.
Ferrara,Italy,,C1,We want to learn how to bring textile firms to reuse their waste.
Parma,Italy,20,C1,We want to learn how to win over food firms for the climate contract.
"""


@pytest.fixture
def survey(tmp_path: Path) -> Path:
    path = tmp_path / "survey.csv"
    path.write_text(ROWS, "utf-8")
    return path


def test_who_is_not_eligible_is_counted_by_condition_at_the_terminal(survey, tmp_path):
    out = ("--out", tmp_path / "out", "--text-model", "static")
    stdout, told = run("propose", survey, "--yes", "--programme", "twinning", *out)
    said = " ".join((stdout + told).split())
    assert (
        "Conditions that applicants miss, with how many: at least 12 staff hours a month (2)"
        in said
    )
    assert "Conditions of which it is not known yet, with how many: " in said
    assert "[twinning.guests]" in said
    assert "1 of them host others; --hosts bundled brings the bundled hosts." in said


def test_hosts_that_were_named_are_not_advised(survey, tmp_path):
    out = ("--out", tmp_path / "out", "--text-model", "static", "--hosts", "bundled")
    stdout, told = run("propose", survey, "--yes", "--programme", "twinning", *out)
    assert "brings the bundled hosts" not in stdout + told


def test_checking_and_proposing_count_the_same_cities(survey, tmp_path):
    """Of six rows one is a test, and one has a country that there is not."""
    survey.write_text(f"{ROWS}Test,Italy,1,A1,test\nNowhere,Narnia,5,B1,x\n", "utf-8")
    checked = " ".join("".join(run("validate", survey)).split())
    out = ("--out", tmp_path / "out", "--text-model", "static", "--programme", "twinning")
    told = " ".join("".join(run("propose", survey, "--yes", *out)).split())
    assert "4 usable" in checked
    assert "4 cities of survey.csv take part" in told
