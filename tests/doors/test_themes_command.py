"""The command that offers themes: JSON alone on stdout, a snippet that a programme file takes."""

from __future__ import annotations

import json
import tomllib

from typer.testing import CliRunner

from twinmatch.cli import app
from twinmatch.programmes.themes import Theme


def test_themes_as_json_and_as_a_snippet(tmp_path):
    profiles, out = tmp_path / "cities.csv", tmp_path / "themes.toml"
    profiles.write_text(
        "id,name,country,needs\n"
        + "".join(
            f"at-c{k},C{k},AT,{'Steam needs pipes' if k % 2 else 'Buses replace cars'} here.\n"
            for k in range(12)
        ),
        encoding="utf-8",
    )
    arguments = [
        "themes",
        str(profiles),
        "--count",
        "2",
        "--text-model",
        "static",
        "--json",
        "-o",
        str(out),
    ]
    done = CliRunner().invoke(app, arguments)
    assert done.exit_code == 0, done.output
    told = json.loads(done.stdout)
    assert len(told["themes"]) == 2
    snippet = tomllib.loads(out.read_text(encoding="utf-8"))
    assert snippet == tomllib.loads(told["toml"])
    assert all(Theme.model_validate(t).texts for t in snippet["discussion_groups"]["themes"])


def test_the_help_says_what_it_does():
    done = CliRunner().invoke(app, ["themes", "--help"])
    assert done.exit_code == 0
    assert "TOML snippet" in done.stdout
