"""The commands of personal data: what is held of a city's persons, what time is over, and who changed what."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from twinmatch.cli.options import (
    AsJson,
    StorePlace,
    literal,
    need_web,
    print_json,
    quoted,
    say,
    show,
    table,
)
from twinmatch.errors import Problem, QuestionError

# The docstrings of the commands are their help on the command line.


def personal_data(
    action: Annotated[str, typer.Argument(help="show or erase.")],
    city: Annotated[str, typer.Argument(help="Id or name of the city.")],
    reasons: Annotated[
        bool,
        typer.Option(
            "--reasons",
            help="Erase all words of the reasons about the city, not only what is found in them.",
        ),
    ] = False,
    profiles: Annotated[
        Path | None,
        typer.Option(
            help="Profiles that know the city's other names; the bundled ones where left out.",
            show_default=False,
        ),
    ] = None,
    store: StorePlace = None,
    as_json: AsJson = False,
) -> None:
    """Show or erase what the store holds of the persons of a city: contacts in uploads, reasons of decisions."""
    if action not in {"show", "erase"}:
        raise QuestionError(
            Problem("action-unknown", f"There is no {action!r}.", do="Known: show, erase.")
        )
    need_web()
    from twinmatch.app.decisions import standing_store
    from twinmatch.reading import read
    from twinmatch.store import COMMAND_LINE
    from twinmatch.web.board import Board
    from twinmatch.web.persons import erase, held_of

    board, cohort = Board(standing_store(store)), read(profiles)
    if action == "erase":
        told = erase(board, cohort, city, COMMAND_LINE, reasons=reasons)
        if as_json:
            print_json(told)
            return
        cells, places = told["cells"], told["uploads"]
        say(f"Erased: {cells} cells of {places} uploads, words in {told['reasons']} reasons.")
        _say_not_readable(told["not_readable"])
        say(f"Next: twinmatch service personal-data show {quoted(city)}, which shows what is left.")
        return
    found = held_of(board, cohort, city)
    if as_json:
        print_json(found)
        return
    rows = table(f"Held of {literal(city)}", ("Where", "By", "What", "Text"))
    for upload in found["uploads"]:
        for cell in upload["cells"]:
            place = f"upload {upload['upload']}, row {cell['row']}, {cell['column']}"
            rows.add_row(literal(place), literal(upload["by"]), cell["what"], literal(cell["text"]))
    for line in found["reasons"]:
        place = f"proposal {line['proposal']}, decision {line['number']}"
        rows.add_row(place, literal(line["by"]), "reason", literal(line["why"]))
    show(rows)
    _say_not_readable(found["not_readable"])
    if found["says"]:
        say(f"{found['says']} Cities of your own are known with --profiles.")
        return
    say(f"Next: twinmatch service personal-data erase {quoted(city)} [--reasons]")


def _say_not_readable(uploads: list[str]) -> None:
    if uploads:
        say(f"Not readable, look by yourself: {', '.join(uploads)}.")


def purge(
    uploads_days: Annotated[
        int, typer.Option(help="Days for which files that were handed in are kept.", min=0)
    ] = 90,
    names_days: Annotated[
        int,
        typer.Option(help="Days for which names and reasons stay in the history.", min=0),
    ] = 1095,
    store: StorePlace = None,
    as_json: AsJson = False,
) -> None:
    """Erase what was held for its time: old uploads, ended sessions, names and reasons in the history."""
    need_web()
    from twinmatch.app.decisions import standing_store
    from twinmatch.store import COMMAND_LINE
    from twinmatch.web.board import Board
    from twinmatch.web.persons import purge as purged

    told = purged(Board(standing_store(store)), COMMAND_LINE, uploads_days, names_days)
    if as_json:
        print_json(told)
        return
    say(f"Erased: {told['uploads']} uploads, {told['sessions']} sessions, {told['names']} names.")
    say("Next: schedule it nightly (docs/governance.md).")


def changes(store: StorePlace = None, as_json: AsJson = False) -> None:
    """Who changed what and when: keys, uploads, what was erased, decisions without their words."""
    need_web()
    from twinmatch.app.decisions import standing_store
    from twinmatch.web.board import Board
    from twinmatch.web.persons import changes_of

    found = changes_of(Board(standing_store(store)))
    if as_json:
        print_json({"changes": found})
        return
    rows = table("Changes", ("When", "By", "What", "About"))
    for line in found:
        rows.add_row(line["at"][:16], literal(line["by"]), line["what"], literal(line["about"]))
    show(rows)
    say("Next: twinmatch runs history RUN shows the reasons of decisions.")
