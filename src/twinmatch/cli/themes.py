"""The command that offers themes for discussion groups."""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path
from typing import Annotated

import typer

from twinmatch import app
from twinmatch.cli.inputs import cohort_of
from twinmatch.cli.words import (
    AsJson,
    Model,
    Profiles,
    cut,
    literal,
    print_json,
    progress,
    say,
    show,
    table,
)


def themes(
    profiles: Profiles = None,
    count: Annotated[
        int | None,
        typer.Option(
            help="How many themes; the most stable number where left out.", show_default=False
        ),
    ] = None,
    out: Annotated[
        Path | None,
        typer.Option(
            "--out", "-o", help="A file for the TOML snippet to name.", show_default=False
        ),
    ] = None,
    text_model: Model = None,
    as_json: AsJson = False,
) -> None:
    """Themes for discussion groups, found in what cities say they need: a TOML snippet to name and use."""
    from twinmatch.programmes.found_themes import says

    with progress() as told:
        told("Profiles")
        cohort = cohort_of(profiles)
        model, found = app.themes.themes_of(cohort, count=count, model=text_model, progress=told)
    if out is not None:
        from twinmatch.files import write_files

        write_files({out.name: found.toml().encode()}, out.parent)
    if as_json:
        print_json(
            {
                "text_model": model,
                "says": says(found),
                "stability": [{"themes": k, "stability": v} for k, v in found.stability],
                "themes": [asdict(theme) for theme in found.themes],
                "toml": found.toml(),
            }
        )
    else:
        rows = table(
            "Themes in what cities need", ("Own words", "Cities", "Sentences", "For example")
        )
        for theme in found.themes:
            rows.add_row(
                literal(", ".join(theme.words)),
                str(len(theme.cities)),
                str(theme.sentences),
                literal(cut(theme.texts[0], 150)),
            )
        show(rows)
    say(f"{says(found)} {model}")
    if found.unread:
        say(f"{found.unread} sentences are in a language that the text model does not read.")
    if out is not None:
        say(
            f"Written to {out}. Name the themes there and put them under [discussion_groups] of a programme file."
        )
    else:
        say("Next: twinmatch themes --out themes.toml writes the snippet for a programme file.")
