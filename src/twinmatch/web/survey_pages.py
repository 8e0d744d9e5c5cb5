"""The workbench's pages from a survey to a round: match columns, map values, review by city, hosts and rules.

How a table is read is kept beside it as the text of a mapping file, which nobody has to see; each step writes a part of
it, and the table is read again.
"""

from __future__ import annotations

import tomllib
from collections import Counter
from collections.abc import Mapping as Dict
from dataclasses import replace
from pathlib import Path
from typing import Annotated, Any, Final

from fastapi import APIRouter, Depends, Request, Response
from fastapi.responses import RedirectResponse
from starlette.datastructures import FormData

from twinmatch.app.intake import IN_THOUSANDS
from twinmatch.errors import Problem, QuestionError
from twinmatch.programmes.programme import bundled_names, recipe_names
from twinmatch.reading.columns import columns
from twinmatch.reading.mapping import BESIDE, Mapping, Target, mapping_of, to_toml
from twinmatch.schema import NAMES, Domain, Lever
from twinmatch.web import schemas
from twinmatch.web.auth import Coordinator, GuardedRoute, coordinator, reader
from twinmatch.web.board import Upload
from twinmatch.web.intake_pages import examined
from twinmatch.web.pages import page
from twinmatch.web.proposals import checked
from twinmatch.web.queries import as_model
from twinmatch.web.state import State, state_of

router = APIRouter(
    prefix="/workbench/intake/{upload}",
    include_in_schema=False,
    dependencies=[Depends(reader)],
    route_class=GuardedRoute,
)


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
    found = [("", "not read"), ("submitted", "when it was sent"), ("contact", "whom to write to")]
    for path in dict.fromkeys((*FIRST, *known)):
        found.append((path, known[path].label))
        if path == "population.value":
            found.append((IN_THOUSANDS, f"{known[path].label}, in thousands"))
    return found


def _survey(state: State, upload: str) -> tuple[Upload, dict[str, Any]]:
    found = state.board.upload(upload)
    if not found.found.get("survey"):
        raise QuestionError(
            Problem("no-survey", "This table is our own form: its columns need no matching.")
        )
    return found, found.found["survey"]


@router.get("/columns")
def match_columns(request: Request, upload: str) -> Response:
    """Return the columns of a table, each with samples, a guess and what else it may be."""
    found, survey = _survey(state_of(request), upload)
    return page(
        request,
        "survey_columns.html.j2",
        upload=found,
        survey=survey,
        choices=field_choices(),
        problems=[p for p in found.found["problems"] if p["level"] == "error"],
    )


@router.post("/columns")
def matched_columns(request: Request, person: Coordinator, upload: str, form: Sent) -> Response:
    """Keep what the columns are, read the table again, and go to its values."""
    state = state_of(request)
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
        raise QuestionError(Problem("sheet-missing", f"There is no sheet {sheet[:60]!r}."))
    return sheet


def _with_column(mapping: Mapping, column: Dict[str, Any], said: str) -> Mapping:
    """Return the mapping with what a column is; one that is left as it was keeps its unit, factor and option."""
    field = said.removesuffix(", in thousands")
    factor = 1000.0 if said == IN_THOUSANDS else 1.0
    before = mapping.columns.get(column["name"])
    is_as_before = before is not None and said == column["choice"]
    if is_as_before and before:
        target = before
    else:
        option = column["option"] if field not in {"", *BESIDE} else ""
        target = Target(field, factor=factor, option=option)
    return replace(mapping, columns={**mapping.columns, column["name"]: target})


@router.get("/values")
def map_values(request: Request, upload: str) -> Response:
    """Return the words of the table that stand for something, once each, with a guess and what else they may be."""
    found, survey = _survey(state_of(request), upload)
    codes = [*((str(c), NAMES[c]) for c in (*Domain, *Lever)), ("", "none of them")]
    return page(request, "survey_values.html.j2", upload=found, survey=survey, codes=codes)


@router.post("/values")
def mapped_values(request: Request, person: Coordinator, upload: str, form: Sent) -> Response:
    """Keep what the words stand for, read the table again, and go to the review."""
    state = state_of(request)
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
    content = state.board.uploaded(upload.id)
    kept = examined(upload.name, content, to_toml(mapping, upload.name))
    state.board.note_upload(upload.id, kept, "columns matched", who)
    return kept


@router.get("/review")
def review(request: Request, upload: str) -> Response:
    """Return the cities as they were read, each with its doubts, and the form that takes them to a proposal."""
    state = state_of(request)
    found, survey = _survey(state, upload)
    doubts: dict[str, list[dict[str, Any]]] = {}
    for p in found.found["problems"]:
        if p["level"] != "note":
            doubts.setdefault(p["city"], []).append(p)
    accepted = set(found.found.get("accepted", ()))
    return page(
        request,
        "survey_review.html.j2",
        upload=found,
        survey=survey,
        doubts=doubts,
        counts=Counter(p["level"] for p in found.found["problems"]),
        accepted=accepted,
        others=[u for u in state.board.all_uploads() if u.id != upload and not u.found["errors"]],
        bundled=bundled_names(),
        recipes=[n for n in recipe_names() if n not in bundled_names()],
    )


@router.post("/accept-all")
def accept_all(request: Request, person: Coordinator, upload: str) -> Response:
    """Accept every doubt about a table: they are remembered, and the file is not changed."""
    board = state_of(request).board
    found = board.upload(upload).found
    keys = [p["key"] for p in found["problems"] if p["level"] != "error" and p["key"]]
    board.accept(upload, keys, person.name, person.trace)
    return RedirectResponse(f"/workbench/intake/{upload}/review", 303)


@router.post("/propose", dependencies=[Depends(coordinator)])
def propose(request: Request, person: Coordinator, upload: str, form: Sent) -> Response:
    """Ask for a proposal of the cities of a table with the hosts and rules that were chosen, and go to its page."""
    board = state_of(request).board
    given = {
        "title": str(form.get("title", ""))[:200],
        "programme": [str(name) for name in form.getlist("programme")][:20],
        "hosts": str(form.get("hosts", ""))[:40],
        "upload": upload,
    }
    asked = as_model(schemas.AskProposal, given, "form")
    title = asked.title.strip() or Path(board.upload(upload).name).stem
    job = board.ask(title, checked(asked, board), person.name)
    return RedirectResponse(f"/workbench/proposals/{job}", 303)
