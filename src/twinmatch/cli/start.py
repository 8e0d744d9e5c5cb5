"""The commands before and after a round: init makes its folder, publish makes its files again."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from twinmatch.cli.words import Programme, quoted, say

# The docstrings of the commands are their help on the command line.


def init(
    folder: Annotated[Path, typer.Argument(help="The new round's folder.")],
    programme: Programme = None,
) -> None:
    """Make a new round's folder: a programme file, a form for the cities, and what to do with them."""
    from twinmatch import app as door

    files = door.start_round(folder, programme or ())
    say(f"Made {folder}: {', '.join(file.name for file in files)}.")
    say(
        f"Next: fill {folder / 'form.xlsx'}, then twinmatch validate {quoted(str(folder / 'form.xlsx'))}. "
        f"{folder / 'README.md'} has the rest."
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
) -> None:
    """Write the files of a proposal again, the same bytes, with Word documents and PDF where asked for."""
    from twinmatch import app as door

    files = door.publish_again(proposal, out, word=word, pdf=pdf)
    say(f"Written to {out}: {', '.join(file.name for file in files)}.")
    say(f"Next: open {out / 'dossiers' / 'index.html'}.")
