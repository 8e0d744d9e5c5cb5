"""The commands before and after a round: init makes its folder, publish makes its files again.

The command that offers themes for discussion groups.
"""

from __future__ import annotations

from dataclasses import asdict
from datetime import datetime
from pathlib import Path
from typing import Annotated

import typer

from twinmatch import app
from twinmatch.cli.inputs import cohort_of, proposal_of
from twinmatch.cli.options import (
    AsJson,
    Hosts,
    Model,
    Profiles,
    Programme,
    cut,
    literal,
    print_json,
    progress,
    quoted,
    say,
    show,
    table,
)

# The docstrings of the commands are their help on the command line.


def init(
    folder: Annotated[Path, typer.Argument(help="The new round's folder.")],
    programme: Programme = None,
    hosts: Hosts = None,
) -> None:
    """Make a new round's folder: a programme file, a form for the cities, and what to do with them."""
    files = app.start.start_round(folder, programme or (), hosts or ())
    say(f"Made {folder}: {', '.join(file.name for file in files)}.")
    say(
        f"Next: fill {folder / 'form.xlsx'}, then twinmatch validate {quoted(str(folder / 'form.xlsx'))}. "
        f"{folder / 'README.md'} has the rest."
    )


def notebooks(
    folder: Annotated[Path, typer.Argument(help="Where to write them.")] = Path("notebooks"),
) -> None:
    """Write the notebooks into a folder: each asks a question of the bundled round and says what is seen."""
    files = app.start.copy_notebooks(folder)
    say(f"Written to {folder}: {', '.join(file.name for file in files)}.")
    say(
        f"Next: pip install 'twinmatch[notebook]' jupyterlab, then jupyter lab {quoted(str(folder))}."
    )


def publish(
    proposal: Annotated[Path, typer.Argument(help="A proposal.json.")],
    out: Annotated[Path, typer.Option("--out", "-o", help="Folder for the files.")] = Path(
        "proposal"
    ),
    word: Annotated[
        bool, typer.Option("--word", help="Dossiers as Word documents too; takes longer.")
    ] = False,
    pdf: Annotated[
        bool, typer.Option("--pdf", help="Report and dossiers as tagged PDF too; takes minutes.")
    ] = False,
    contacts: Annotated[
        Path | None,
        typer.Option("--contacts", help="Table of city, name and e-mail, for the letters."),
    ] = None,
    sender: Annotated[str, typer.Option("--sender", help="Who signs the letters.")] = "",
    answer_by: Annotated[
        str, typer.Option("--answer-by", help="Until when cities are to answer.")
    ] = "",
    first_meetings: Annotated[
        datetime | None,
        typer.Option(
            "--first-meetings",
            formats=["%Y-%m-%d"],
            help="Day from which first meetings are put in calendar files.",
        ),
    ] = None,
) -> None:
    """Write the files of a proposal again, the same bytes; letters with contacts, calendar files, Word and PDF where asked for."""
    files = app.start.publish_again(
        proposal_of(proposal),
        out,
        forms=[form for form, wanted in (("word", word), ("pdf", pdf)) if wanted],
        contacts=contacts,
        sender=sender,
        answer_by=answer_by,
        first_meetings=first_meetings.date() if first_meetings else None,
    )
    say(f"Written to {out}: {', '.join(file.name for file in files)}.")
    say(f"Next: open {out / 'dossiers' / 'index.html'}.")


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
        model, found = app.start.themes_of(cohort, count=count, model=text_model, progress=told)
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
