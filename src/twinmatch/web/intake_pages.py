"""The workbench's pages of intake: hand in a table, see every problem at its cell, repair or accept, lose nothing.

What was handed in is kept byte by byte. A repair makes a further upload beside it, so there is always a way back.
Files are read in a process of their own with little memory and time, because a file can be made to harm its reader.

How a survey is read is kept beside it as the text of a mapping file; each step writes a part of it: columns, values,
review by city, then hosts and rules.
"""

from __future__ import annotations

import re
import tomllib
from collections import Counter
from collections.abc import Mapping as Dict
from dataclasses import replace
from pathlib import Path, PurePath
from typing import Annotated, Any, Final

import orjson
from fastapi import Depends, Form, Request, Response, UploadFile
from fastapi.responses import RedirectResponse
from starlette.datastructures import FormData

from twinmatch.app.intake import IN_THOUSANDS, check_profiles, survey_sheet
from twinmatch.errors import Problem, QuestionError, TwinmatchError
from twinmatch.proposal.wire import packed
from twinmatch.reading import read_grids
from twinmatch.reading.grid import text
from twinmatch.reading.headers import SET_ASIDE
from twinmatch.reading.mapping import (
    BESIDE,
    NOT,
    RANKED,
    Mapping,
    columns,
    mapping_of,
    target_of,
    to_toml,
)
from twinmatch.reading.personal_data import is_contact, redact
from twinmatch.schema import NAMES, Domain, Lever
from twinmatch.vocabulary.geography import country, is_country
from twinmatch.web import schemas
from twinmatch.web.auth import Coordinator, Person, coordinator, pages_router
from twinmatch.web.board import Board, Upload
from twinmatch.web.bodies import as_model
from twinmatch.web.jobs import kept_table
from twinmatch.web.pages import page
from twinmatch.web.proposals import checked, programmes_known
from twinmatch.web.sandbox import TOO_HEAVY, changed, put_table, sandboxed, scratch, with_cell
from twinmatch.web.state import Shared, State
from twinmatch.wording import say

router = pages_router("/workbench/intake")

KINDS: Final = (".xlsx", ".csv", ".tsv", ".ods", ".parquet")
SHOWN: Final = 60
"""Rows with problems whose cells are shown."""

UNREAD: Final = "language-unknown"
"""The code of a text in a language that the text model does not read."""

IN_STEPS: Final = (
    *("column-missing", "column-set-aside", "header-read-as", "sheet-not-read"),
    *("encoding-guessed", "letters-broken", "number-ambiguous"),
)
"""Codes of doubts that a mapping file settles, and here a step."""

ACCEPTED: Final = ("accepted", "accepted_by")
"""What was accepted of an upload and by whom: it stays when its table is rewritten."""


@router.get("")
def intake(request: Request, state: Shared) -> Response:
    """Return what was handed in, and the form for more."""
    uploads = state.board.all_uploads()
    return page(request, "intake.html.j2", uploads=uploads, kinds=", ".join(KINDS))


@router.post("")
def hand_in(state: Shared, person: Coordinator, file: UploadFile) -> Response:
    """Keep a table, read it, and go to what was found."""
    path = PurePath(PurePath((file.filename or "").replace("\\", "/")).name[-120:])
    name = f"{redact(path.stem)[0]}{path.suffix}" or "table"
    content = file.file.read()
    problems = [] if content else [Problem("file-empty", say("The file is empty."))]
    if Path(name).suffix.lower() not in KINDS:
        found, known = (
            say("Files such as {name} are not read.", name=repr(name)),
            say("Known: {names}.", names=", ".join(KINDS)),
        )
        problems.insert(0, Problem("format-unknown", found, do=known))
    if problems:
        raise QuestionError(problems)
    upload = _keep(state, name, content, person)
    step = "/columns" if state.board.upload(upload).found.get("survey") else ""
    return RedirectResponse(f"/workbench/intake/{upload}{step}", 303)


def _keep(state: State, name: str, content: bytes, person: Person, **more: Any) -> str:
    mapping = ((more.get("survey") or {}).get("mapping")) or ""
    found = {**more, **examined(state.board, name, content, mapping, more.get("hosts", "bundled"))}
    return state.board.keep_upload(name, person.name, found, content, person.trace)


def examined(
    board: Board, name: str, content: bytes, mapping: str = "", hosts: str = "bundled"
) -> dict[str, Any]:
    """Return what is found in a table, by a process that may not do more than it should.

    Wishes of a survey are checked against ``hosts``: "bundled", another upload, or "" for its own cities.
    """
    with scratch() as folder, scratch() as beside:
        path = put_table(folder, name, content, mapping)
        at = hosts if hosts in {"", "bundled"} else str(kept_table(board, hosts, beside))
        told = sandboxed(examine, str(path), name, at)
    return {**orjson.loads(told), "hosts": hosts} if told else _unread([TOO_HEAVY.plain()])


def _unread(problems: list[dict[str, Any]], survey: Any = None) -> dict[str, Any]:
    """Return what is found in a table of which nothing could be read."""
    listed = [p | {"key": "", "city": ""} for p in problems]
    nothing = {"rows": 0, "usable": 0, "sheets": [], "survey": survey}
    return {**nothing, "errors": len(listed), "problems": packed(listed)}


def examine(path: str, name: str, hosts: str) -> bytes:
    """Return what is found in a table as JSON; for a process of its own."""
    return orjson.dumps(_found_in(Path(path), name, hosts), option=orjson.OPT_SERIALIZE_NUMPY)


def _found_in(path: Path, name: str, hosts: str) -> dict[str, Any]:
    survey: dict[str, Any] | None = None
    try:
        survey = survey_sheet(path)
        checked = check_profiles(path, hosts=[hosts] if survey and hosts else [])
    except TwinmatchError as error:
        return _unread([_renamed(p.plain(), path, name) for p in error.problems], survey)
    problems = [_renamed(p.plain(), path, name) for p in checked.problems if p.code != "question"]
    return {
        "survey": survey,
        "rows": survey["rows"] if survey else checked.cities,
        "usable": checked.usable,
        "errors": sum(p["level"] == "error" for p in problems),
        "sheets": _sheets(path, problems),
        "problems": packed(problems),
    }


def _renamed(problem: dict[str, Any], path: Path, name: str) -> dict[str, Any]:
    """Return a problem with the table's own name; where a mapping file is to be written, a step of these pages does it."""
    said = {**problem, "file": problem["file"].replace(path.name, name)}
    if said["code"] in IN_STEPS:
        said["do"] = say("Choose it in the step Columns or Values.")
    elif said["code"] == UNREAD:
        said["do"] = say("It is not compared; topics, figures and wishes are.")
    return said


def _sheets(path: Path, problems: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Return, for each sheet with problems, its header and the rows that have some, as text."""
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

        for p in problems:
            # A part of a cell, such as challenges.industry, stands in the column of the whole.
            if p["sheet"] == grid.sheet and p["column"] not in names:
                p["cell"] = next((n for n in names if p["column"].startswith(f"{n}.")), p["column"])
        if wanted:
            lines = [
                {
                    "row": n,
                    "cells": [
                        "" if k in contacts else redact(text(c))[0] for k, c in enumerate(cells)
                    ],
                }
                for n, cells in wanted
                if n != header[0]
            ]
            found.append({"sheet": grid.sheet, "header": names, "at": header[0], "rows": lines})
    return found


@router.get("/{upload}")
def one(request: Request, state: Shared, upload: str) -> Response:
    """Return what was found in a table, every problem at its cell."""
    found = state.board.upload(upload)
    problems = found.found["problems"]
    cells: dict[tuple[str, int, str], list[Dict[str, Any]]] = {}
    for p in problems:
        cells.setdefault((p["sheet"], p["row"], p.get("cell", p["column"])), []).append(p)
    sheets = found.found["sheets"]
    placed = {(s["sheet"], r["row"], h) for s in sheets for r in s["rows"] for h in s["header"]}
    bad = {(p["sheet"], p["row"]) for p in problems if p["level"] != "note"}
    return page(
        request,
        "upload.html.j2",
        upload=found,
        counts=Counter(p["level"] for p in problems),
        cells=cells,
        sheets=[
            {
                **s,
                "rows": [r for r in s["rows"] if (s["sheet"], r["row"]) in bad],
                "noted": [r for r in s["rows"] if (s["sheet"], r["row"]) not in bad],
            }
            for s in sheets
        ],
        elsewhere=[p for place, said in cells.items() if place not in placed for p in said],
        accepted=set(found.found.get("accepted", ())),
    )


@router.get("/{upload}/file", dependencies=[Depends(coordinator)])
def original(state: Shared, upload: str) -> Response:
    """Return the very file that was handed in, contacts and all: to those who may hand in."""
    name = re.sub(r"[^A-Za-z0-9._-]", "_", state.board.upload(upload).name)
    headers = {"Content-Disposition": f'attachment; filename="{name}"'}
    return Response(state.board.uploaded(upload), 200, headers, "application/octet-stream")


@router.post("/{upload}/repair")
def repair(
    state: Shared,
    person: Coordinator,
    upload: str,
    row: Annotated[int, Form(ge=1, le=2_000_000)],
    column: Annotated[str, Form(max_length=300)],
    sheet: Annotated[str, Form(max_length=200)] = "",
    value: Annotated[str, Form(max_length=20_000)] = "",
) -> Response:
    """Write a value into a cell: a further upload, with the one before kept as it is."""
    found = state.board.upload(upload)
    content = state.board.uploaded(upload)
    mended = changed(found.name, content, with_cell, (sheet, row, column), value)
    name = f"{Path(found.name).stem}.xlsx"
    accepted = {k: v for k, v in found.found.items() if k in {*ACCEPTED, "survey", "hosts"}}
    made = _keep(state, name, mended, person, repaired=upload, **accepted)
    return RedirectResponse(f"/workbench/intake/{made}#found", 303)


@router.post("/{upload}/accept")
def accept(
    state: Shared, person: Coordinator, upload: str, key: Annotated[str, Form(max_length=200)]
) -> Response:
    """Accept a doubt: it is remembered, and the file is not changed."""
    found = state.board.upload(upload)
    if key not in {p["key"] for p in found.found["problems"] if p["level"] != "error"}:
        found_out = say("Only a doubt is accepted; an error is repaired.")
        raise QuestionError.of("not-possible-now", found_out)
    state.board.accept(upload, [key], person.name, person.trace)
    return RedirectResponse(f"/workbench/intake/{upload}#{key}", 303)


# --- from a survey to a round ---


async def sent_form(request: Request) -> FormData:
    """Return what a form has sent; the handlers themselves wait for no network."""
    return await request.form()


Sent = Annotated[FormData, Depends(sent_form)]

FIRST: Final = (
    *("name", "country", "population.value", "needs", "offers", "challenges", "strengths"),
    *("levers_needed", "levers_offered", "wishes", "refuses", "languages", "commitment.neutral_by"),
    *("participation.staff_hours_a_month", "participation.english", "participation.newcomer"),
)
"""Fields that surveys ask for most, offered first."""


def field_choices() -> list[tuple[str, str]]:
    """Return what a column may be: its choice and its words, those of most surveys first."""
    known = columns()
    found = [
        SET_ASIDE,
        ("submitted", say("when it was sent")),
        ("contact", say("whom to write to")),
    ]
    for path in dict.fromkeys((*FIRST, *known)):
        found.append((path, known[path].label))
        if path == "population.value":
            found.append((IN_THOUSANDS, say("{label}, in thousands", label=known[path].label)))
        if path == "participation.newcomer":
            found.append((NOT + path, say("{label}: a yes means no", label=known[path].label)))
        if path == "wishes":
            found.append((RANKED + path, say("{label}, best first", label=known[path].label)))
    return found


def _survey(state: State, upload: str) -> tuple[Upload, dict[str, Any]]:
    found = state.board.upload(upload)
    if not found.found.get("survey"):
        own = say("This table is our own form: its columns need no matching.")
        raise QuestionError.of("no-survey", own)
    return found, found.found["survey"]


@router.get("/{upload}/columns")
def match_columns(request: Request, state: Shared, upload: str) -> Response:
    """Return the columns of a table, each with samples, a guess and what else it may be."""
    found, survey = _survey(state, upload)
    return page(
        request,
        "survey_columns.html.j2",
        upload=found,
        survey=survey,
        choices=field_choices(),
        problems=[p for p in found.found["problems"] if p["level"] == "error"],
    )


@router.post("/{upload}/columns")
def matched_columns(state: Shared, person: Coordinator, upload: str, form: Sent) -> Response:
    """Keep what the columns are, read the table again, and go to its values."""
    found, survey = _survey(state, upload)
    mapping = _mapping(survey)
    sheet = str(form.get("sheet", ""))
    if sheet and sheet not in {t["name"] for t in survey["tabs"] if t["is_read"]}:
        _again(state, found, Mapping(sheet=_one_of(sheet, survey["tabs"])), person.trace)
        return RedirectResponse(f"/workbench/intake/{upload}/columns", 303)
    known = {choice for choice, _ in field_choices()}
    for k, column in enumerate(survey["columns"]):
        said = form.get(f"c{k}")
        if isinstance(said, str) and said in known:
            mapping = _with_column(mapping, column, said)
    kept = _again(state, found, mapping, person.trace)
    step = "columns" if kept["errors"] else "values" if kept["survey"]["values"] else "review"
    return RedirectResponse(f"/workbench/intake/{upload}/{step}", 303)


def _one_of(sheet: str, tabs: list[dict[str, Any]]) -> str:
    if sheet not in {t["name"] for t in tabs}:
        raise QuestionError.of(
            "sheet-missing", say("There is no sheet {sheet}.", sheet=repr(sheet[:60]))
        )
    return sheet


def _with_column(mapping: Mapping, column: Dict[str, Any], said: str) -> Mapping:
    """Return the mapping with what a column is; one that is left as it was keeps its unit, factor and option."""
    field = "population.value" if said == IN_THOUSANDS else said
    target = mapping.columns.get(column["name"])
    if target is None or said != column["choice"]:
        option = column["option"] if field not in {"", *BESIDE} else ""
        target = target_of(field, factor=1000.0 if said == IN_THOUSANDS else 1.0, option=option)
    return replace(mapping, columns={**mapping.columns, column["name"]: target})


@router.get("/{upload}/values")
def map_values(request: Request, state: Shared, upload: str) -> Response:
    """Return the words of the table that stand for something, once each, with a guess and what else they may be."""
    found, survey = _survey(state, upload)
    codes = [*((str(c), NAMES[c]) for c in (*Domain, *Lever)), ("", say("none of them"))]
    return page(request, "survey_values.html.j2", upload=found, survey=survey, codes=codes)


@router.post("/{upload}/values")
def mapped_values(state: Shared, person: Coordinator, upload: str, form: Sent) -> Response:
    """Keep what the words stand for, read the table again, and go to the review."""
    found, survey = _survey(state, upload)
    mapping = _mapping(survey)
    for k, value in enumerate(survey["values"]):
        said = form.get(f"v{k}")
        if not isinstance(said, str) or (said == value["guess"] and not value["is_asked"]):
            continue
        key, word = value["key"], said[:200]
        if value["table"] == "repair_letters":
            mapping = replace(mapping, repair_letters=word == "true")
        elif value["table"] == "names":
            mapping = replace(mapping, names={**mapping.names, key: word})
        else:
            mapping = replace(mapping, values={**mapping.values, key: word})
    _again(state, found, mapping, person.trace)
    return RedirectResponse(f"/workbench/intake/{upload}/review", 303)


def _mapping(survey: Dict[str, Any]) -> Mapping:
    return mapping_of(tomllib.loads(survey["mapping"]))


def _again(state: State, upload: Upload, mapping: Mapping, who: str) -> dict[str, Any]:
    """Return what is found in a table read by a mapping, which is kept with it."""
    content, hosts = state.board.uploaded(upload.id), upload.found.get("hosts", "bundled")
    kept = examined(state.board, upload.name, content, to_toml(mapping, upload.name), hosts)
    state.board.note_upload(upload.id, kept, "columns matched", who)
    return kept


@router.get("/{upload}/review")
def review(request: Request, state: Shared, upload: str) -> Response:
    """Return the cities as they were read, each with its doubts, and the form that takes them to a proposal."""
    found, survey = _survey(state, upload)
    doubts: dict[str, list[dict[str, Any]]] = {}
    for p in found.found["problems"]:
        if p["level"] != "note" and p["code"] != UNREAD:
            doubts.setdefault(p["city"], []).append(p)
    parts: dict[str, Any] = {"upload": found, "survey": survey, "doubts": doubts}
    parts |= {"cities": sorted(survey["cities"], key=lambda c: c["id"] not in doubts)}
    parts |= {
        "unread": {p["city"] for p in found.found["problems"] if p["code"] == UNREAD},
        "hosts": found.found.get("hosts", ""),
    }
    parts |= {"counts": Counter(p["level"] for p in found.found["problems"])}
    parts |= {"accepted": set(found.found.get("accepted", ())), **programmes_known()}
    parts |= {"country": country, "is_country": is_country}
    tables = [u for u in state.board.all_uploads() if u.id != upload and not u.found["errors"]]
    return page(request, "survey_review.html.j2", others=tables, **parts)


@router.post("/{upload}/hosts")
def choose_hosts(state: Shared, person: Coordinator, upload: str, form: Sent) -> Response:
    """Check the wishes of a survey against other hosts, whom its cities are then to meet, and go back to the review."""
    found, survey = _survey(state, upload)
    hosts = str(form.get("hosts", ""))
    if hosts not in {"", "bundled"}:
        state.board.upload(hosts)
    other = replace(found, found={**found.found, "hosts": hosts})
    _again(state, other, _mapping(survey), person.trace)
    return RedirectResponse(f"/workbench/intake/{upload}/review", 303)


@router.post("/{upload}/accept-all")
def accept_all(state: Shared, person: Coordinator, upload: str) -> Response:
    """Accept every doubt about a table: they are remembered, and the file is not changed."""
    found = state.board.upload(upload).found
    keys = [p["key"] for p in found["problems"] if p["level"] != "error" and p["key"]]
    state.board.accept(upload, keys, person.name, person.trace)
    return RedirectResponse(f"/workbench/intake/{upload}/review#new-title", 303)


@router.post("/{upload}/propose", dependencies=[Depends(coordinator)])
def propose(state: Shared, person: Coordinator, upload: str, form: Sent) -> Response:
    """Ask for a proposal of the cities of a table with the hosts and rules that were chosen, and go to its page."""
    given = {
        "title": str(form.get("title", ""))[:200],
        "programme": [str(name) for name in form.getlist("programme")][:20],
        "hosts": str(form.get("hosts", ""))[:40],
        "upload": upload,
    }
    asked = as_model(schemas.AskProposal, given, "form")
    title = asked.title.strip() or Path(state.board.upload(upload).name).stem
    job = state.board.ask(title, checked(asked, state.board), person.name)
    return RedirectResponse(f"/workbench/proposals/{job}", 303)
