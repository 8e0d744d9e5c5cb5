"""The workbench's pages of intake: hand in a table, see every problem at its cell, repair or accept, lose nothing.

What was handed in is kept byte by byte. A repair makes a further upload beside it, so there is always a way back.
Files are read in a process of their own with little memory and time, because a file can be made to harm its reader.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from pathlib import Path, PurePath
from typing import Annotated, Any, Final

import orjson
from fastapi import APIRouter, Depends, Form, Request, Response, UploadFile
from fastapi.responses import RedirectResponse

from twinmatch.errors import Problem, QuestionError, TwinmatchError
from twinmatch.reading.personal_data import redact
from twinmatch.web.auth import Coordinator, GuardedRoute, Person, coordinator, reader
from twinmatch.web.pages import page
from twinmatch.web.sandbox import sandboxed
from twinmatch.web.scratch import put_table, scratch
from twinmatch.web.state import State, state_of
from twinmatch.web.tables import changed, with_cell

router = APIRouter(
    prefix="/workbench/intake",
    include_in_schema=False,
    dependencies=[Depends(reader)],
    route_class=GuardedRoute,
)

KINDS: Final = (".xlsx", ".csv", ".tsv", ".ods", ".parquet")
SHOWN: Final = 60
"""Rows with problems whose cells are shown."""

ACCEPTED: Final = ("accepted", "accepted_by")
"""What was accepted of an upload and by whom: it stays when its table is written anew."""


@router.get("")
def intake(request: Request) -> Response:
    """Return what was handed in, and the form for more."""
    uploads = state_of(request).board.all_uploads()
    return page(request, "intake.html.j2", uploads=uploads, kinds=", ".join(KINDS))


@router.post("")
def hand_in(request: Request, person: Coordinator, file: UploadFile) -> Response:
    """Keep a table, read it, and go to what was found."""
    state = state_of(request)
    path = PurePath(PurePath((file.filename or "").replace("\\", "/")).name[-120:])
    name = f"{redact(path.stem)[0]}{path.suffix}" or "table"
    content = file.file.read()
    problems = []
    if Path(name).suffix.lower() not in KINDS:
        problems.append(
            Problem(
                "format-unknown",
                f"Files such as {name!r} are not read.",
                do=f"Known: {', '.join(KINDS)}.",
            )
        )
    if not content:
        problems.append(Problem("file-empty", "The file is empty."))
    if problems:
        raise QuestionError(problems)
    upload = _keep(state, name, content, person)
    step = "/columns" if state.board.upload(upload).found.get("survey") else ""
    return RedirectResponse(f"/workbench/intake/{upload}{step}", 303)


def _keep(state: State, name: str, content: bytes, person: Person, **more: Any) -> str:
    mapping = ((more.get("survey") or {}).get("mapping")) or ""
    found = {**more, **examined(name, content, mapping)}
    return state.board.keep_upload(name, person.name, found, content, person.trace)


def examined(name: str, content: bytes, mapping: str = "") -> dict[str, Any]:
    """Return what is found in a table, by a process that may not do more than it should."""
    with scratch() as folder:
        path = put_table(folder, name, content, mapping)
        told = sandboxed(examine, str(path), name)
    if not told:
        found = "The file could not be read within the memory and time that a table may take."
        return {
            "rows": 0,
            "usable": 0,
            "errors": 1,
            "problems": [Problem("too-heavy", found).plain() | {"key": "", "city": ""}],
            "sheets": [],
        }
    return dict(orjson.loads(told))


def examine(path: str, name: str) -> bytes:
    """Return what is found in a table as JSON; for a process of its own."""
    return orjson.dumps(_found_in(Path(path), name), option=orjson.OPT_SERIALIZE_NUMPY)


def _found_in(path: Path, name: str) -> dict[str, Any]:
    from twinmatch.app.intake import check_profiles, survey_sheet

    survey: dict[str, Any] | None = None
    try:
        survey = survey_sheet(path)
        checked = check_profiles(path)
    except TwinmatchError as error:
        problems = [
            _renamed(p.plain(), path, name) | {"key": "", "city": ""} for p in error.problems
        ]
        return {
            "rows": 0,
            "usable": 0,
            "errors": len(problems),
            "problems": problems,
            "sheets": [],
            "survey": survey,
        }
    problems = [
        _renamed(t.problem.plain(), path, name) | {"key": t.key, "city": t.city}
        for t in checked.told
        if t.problem.code != "question"
    ]
    return {
        "survey": survey,
        "rows": checked.rows,
        "usable": checked.usable,
        "errors": sum(p["level"] == "error" for p in problems),
        "problems": problems,
        "sheets": _sheets(path, problems),
    }


def _renamed(problem: dict[str, Any], path: Path, name: str) -> dict[str, Any]:
    """Return a problem with the table's own name; where a mapping file is to be written, a step of these pages does it."""
    said = {k: v.replace(path.name, name) if isinstance(v, str) else v for k, v in problem.items()}
    if "mapping file" in said["do"]:
        said["do"] = "Choose it in the step Columns or Values."
    return said


def _sheets(path: Path, problems: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Return, for each sheet with problems, its header and the rows that have some, as text."""
    from twinmatch.reading import read_grids
    from twinmatch.reading.grid import text
    from twinmatch.reading.personal_data import is_contact

    rows = {(p["sheet"], p["row"]) for p in problems if p["row"]}
    found = []
    for p in problems:
        p["cell"] = p["column"]
    for grid in read_grids(path):
        wanted = [(n, cells) for n, cells in grid.rows if (grid.sheet, n) in rows][:SHOWN]
        named = {p["column"] for p in problems if p["sheet"] == grid.sheet}
        header = next(
            ((n, cells) for n, cells in grid.rows[:30] if named & {text(c) for c in cells}),
            grid.rows[0] if grid.rows else (1, ()),
        )
        names = [text(c) for c in header[1]]
        contacts = {k for k, name in enumerate(names) if is_contact(name)}

        def shown(k: int, cell: str, contacts: set[int] = contacts) -> str:
            return "" if k in contacts else redact(cell)[0][:200]

        for p in problems:
            # A part of a cell, such as challenges.industry, stands in the column of the whole.
            if p["sheet"] == grid.sheet and p["column"] not in names:
                p["cell"] = next((n for n in names if p["column"].startswith(f"{n}.")), p["column"])
        if wanted:
            lines = [
                {"row": n, "cells": [shown(k, text(c)) for k, c in enumerate(cells)]}
                for n, cells in wanted
                if n != header[0]
            ]
            found.append({"sheet": grid.sheet, "header": names, "at": header[0], "rows": lines})
    return found


@router.get("/{upload}")
def one(request: Request, upload: str) -> Response:
    """Return what was found in a table, every problem at its cell."""
    found = state_of(request).board.upload(upload)
    problems = found.found["problems"]
    cells: dict[tuple[str, int, str], list[Mapping[str, Any]]] = {}
    for p in problems:
        cells.setdefault((p["sheet"], p["row"], p.get("cell", p["column"])), []).append(p)
    placed = {
        (s["sheet"], r["row"], h)
        for s in found.found["sheets"]
        for r in s["rows"]
        for h in s["header"]
    }
    return page(
        request,
        "upload.html.j2",
        upload=found,
        counts=Counter(p["level"] for p in problems),
        cells=cells,
        elsewhere=[
            p for p in problems if (p["sheet"], p["row"], p.get("cell", p["column"])) not in placed
        ],
        accepted=set(found.found.get("accepted", ())),
    )


@router.get("/{upload}/file", dependencies=[Depends(coordinator)])
def original(request: Request, upload: str) -> Response:
    """Return the very file that was handed in, contacts and all: to those who may hand in."""
    board = state_of(request).board
    found = board.upload(upload)
    content = board.uploaded(upload)
    plain_name = "".join(
        c if c.isascii() and (c.isalnum() or c in "._-") else "_" for c in found.name
    )
    headers = {"Content-Disposition": f'attachment; filename="{plain_name}"'}
    return Response(content, 200, headers, "application/octet-stream")


@router.post("/{upload}/repair")
def repair(
    request: Request,
    person: Coordinator,
    upload: str,
    row: Annotated[int, Form(ge=1, le=2_000_000)],
    column: Annotated[str, Form(max_length=300)],
    sheet: Annotated[str, Form(max_length=200)] = "",
    value: Annotated[str, Form(max_length=20_000)] = "",
) -> Response:
    """Write a value into a cell: a further upload, with the one before kept as it is."""
    state = state_of(request)

    found = state.board.upload(upload)
    content = state.board.uploaded(upload)
    mended = changed(found.name, content, with_cell, (sheet, row, column), value)
    name = f"{Path(found.name).stem}.xlsx"
    accepted = {k: v for k, v in found.found.items() if k in {*ACCEPTED, "survey"}}
    made = _keep(state, name, mended, person, repaired=upload, **accepted)
    return RedirectResponse(f"/workbench/intake/{made}", 303)


@router.post("/{upload}/accept")
def accept(
    request: Request, person: Coordinator, upload: str, key: Annotated[str, Form(max_length=200)]
) -> Response:
    """Accept a doubt: it is remembered, and the file is not changed."""
    state = state_of(request)

    found = state.board.upload(upload)
    if key not in {p["key"] for p in found.found["problems"] if p["level"] != "error"}:
        raise QuestionError(
            Problem("not-possible-now", "Only a doubt is accepted; an error is repaired.")
        )
    state.board.accept(upload, [key], person.name, person.trace)
    return RedirectResponse(f"/workbench/intake/{upload}", 303)
