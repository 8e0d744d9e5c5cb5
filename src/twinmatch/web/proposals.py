"""The routes of proposals: asked for as jobs, looked at while they are made, taken away in every form."""

from __future__ import annotations

import asyncio
import hashlib
from collections.abc import AsyncIterator
from typing import Annotated, Any, Final

import orjson
from fastapi import APIRouter, Depends, Path, Query, Request, Response
from fastapi.responses import StreamingResponse
from starlette.concurrency import run_in_threadpool

from twinmatch.errors import DataError, Problem, QuestionError, TwinmatchError, Where
from twinmatch.exporting import EXPORTERS
from twinmatch.programmes.programme import bundled_names, load_text, recipe_names, refuse_large
from twinmatch.proposal import from_plain
from twinmatch.proposal.wire import to_wire
from twinmatch.web import schemas
from twinmatch.web.auth import Coordinator, GuardedRoute, reader
from twinmatch.web.board import Board, Job
from twinmatch.web.media import accepted
from twinmatch.web.problems import documented
from twinmatch.web.queries import MOST_PROBLEMS
from twinmatch.web.sandbox import sandboxed
from twinmatch.web.settings import VERSION
from twinmatch.web.state import state_of, unchanged

router = APIRouter(prefix=VERSION, tags=["proposals"], route_class=GuardedRoute)

MEDIA: Final = {
    "proposal.json": "application/json",
    "proposal.xlsx": "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
    "report.html": "text/html; charset=utf-8",
    "network.graphml": "application/xml",
}
"""The media type of each export, in the order of preference where whoever asks does not say."""

ProposalId = Annotated[
    str,
    Path(
        min_length=1,
        max_length=40,
        description="A proposal's id, as the answer to its request had it",
        examples=["8f14e45fceea167a"],
    ),
]

LOOKS: Final = 0.5
"""Seconds between two looks at a job that somebody follows."""


def links(job: Job) -> dict[str, str]:
    """Return where everything about a proposal is."""
    here = f"{VERSION}/proposals/{job.id}"
    found = {"self": here, "events": f"{here}/events"}
    if not job.has_ended:
        found["cancel"] = f"{here}/cancel"
    if job.state == "done":
        found["export"] = f"{here}/export"
        found |= {name: f"{here}/files/{name}" for name in EXPORTERS}
    return found


def job_plain(job: Job) -> dict[str, Any]:
    """Return a proposal and how far it is, as JSON has it."""
    return {**to_wire(job), "links": links(job)}


def checked(asked: schemas.AskProposal, board: Board) -> dict[str, Any]:
    """Return what a proposal is asked with; raises the errors that can be told before it is made."""
    known = (*bundled_names(), *recipe_names())
    problems = [
        Problem(
            "programme-unknown",
            f"There is no bundled programme {name[:80]!r}.",
            Where(column="programme"),
            f"Known: {', '.join(known)}.",
        )
        for name in asked.programme
        if name not in known
    ]
    if asked.programme and asked.programme_toml:
        problems.append(
            Problem(
                "programme-twice", "The programme is named and written out.", do="Keep one of them."
            )
        )
    if problems:
        raise QuestionError(problems)
    if asked.programme_toml:
        check_programme(asked.programme_toml)
    if asked.previous:
        board.result(asked.previous)
    for upload in (asked.upload, "" if asked.hosts == "bundled" else asked.hosts):
        if errors := board.upload(upload).found.get("errors", 0) if upload else 0:
            found = f"The upload has {errors} problems."
            raise DataError(Problem("not-usable", found, do=f"See /workbench/intake/{upload}."))
    content = asked.model_dump(mode="json", exclude_defaults=True, exclude={"title", "past"})
    if asked.past:
        content["past"] = sorted({(p.guest, p.host) for p in board.store.past()})
    return content


def check_programme(text: str) -> None:
    """Raise DataError with what is wrong with a programme that somebody sent; it is read in a sandbox."""
    refuse_large(text)
    found = sandboxed(_wrong_with, text)
    if found != b"[]":
        problems = orjson.loads(
            found
            or b'[{"code": "too-heavy", "found": "The programme cannot be read within the memory and time it may take."}]'
        )
        raise DataError(Problem.from_plain(p) for p in problems)


def _wrong_with(text: str) -> bytes:
    try:
        load_text(text)
    except TwinmatchError as error:
        return orjson.dumps([p.plain() for p in error.problems[:MOST_PROBLEMS]])
    return b"[]"


@router.post(
    "/proposals",
    status_code=202,
    response_model=None,
    responses={202: {"model": schemas.ProposalState}, **documented(404, 409, 413, 422)},
)
def ask_proposal(request: Request, asked: schemas.AskProposal, person: Coordinator) -> Response:
    """Ask for a proposal; the answer is where to look for it."""
    board = state_of(request).board

    content = checked(asked, board)
    title = asked.title.strip() or "Proposal"
    job = board.job(board.ask(title, content, person.name))
    place = {"Location": links(job)["self"], "Retry-After": "1"}
    return Response(orjson.dumps(job_plain(job)), 202, place, "application/json")


@router.get(
    "/proposals",
    response_model=None,
    dependencies=[Depends(reader)],
    responses={200: {"model": schemas.Proposals}, **documented()},
)
def list_proposals(
    request: Request,
    size: Annotated[int, Query(ge=1, le=500, description="Proposals, at most")] = 50,
) -> Response:
    """Return the latest proposals, the newest first."""
    found = state_of(request).board.all_jobs(size)
    return _json({"proposals": [job_plain(job) for job in found]})


@router.get(
    "/proposals/{proposal}",
    response_model=None,
    dependencies=[Depends(reader)],
    responses={200: {"model": schemas.ProposalState}, **documented(404)},
)
def get_proposal(request: Request, proposal: ProposalId) -> Response:
    """Return how far a proposal is, and where its files are once it is done."""
    job = state_of(request).board.job(proposal)
    answer = _json(job_plain(job))
    if not job.has_ended:
        answer.headers["Retry-After"] = "1"
    return answer


@router.get(
    "/proposals/{proposal}/events",
    response_model=None,
    response_class=Response,
    dependencies=[Depends(reader)],
    responses={
        200: {"description": "Server-sent events", "content": {"text/event-stream": {}}},
        **documented(404),
    },
)
async def follow_proposal(request: Request, proposal: ProposalId) -> Response:
    """Follow a proposal by server-sent events: one at each change, the last when it has ended."""
    board = state_of(request).board
    await run_in_threadpool(board.job, proposal)

    async def follow() -> AsyncIterator[bytes]:
        last = b""
        while True:
            job = await run_in_threadpool(board.job, proposal)
            now = orjson.dumps(job_plain(job))
            if now != last:
                yield b"event: " + job.state.encode() + b"\ndata: " + now + b"\n\n"
                last = now
            if job.has_ended or await request.is_disconnected():
                return
            await asyncio.sleep(LOOKS)

    return StreamingResponse(follow(), media_type="text/event-stream")


@router.post(
    "/proposals/{proposal}/cancel",
    response_model=None,
    responses={200: {"model": schemas.ProposalState}, **documented(404, 409)},
)
def cancel_proposal(request: Request, proposal: ProposalId, person: Coordinator) -> Response:
    """Stop a proposal that is waiting or being made."""
    board = state_of(request).board

    job = board.job(proposal)
    if not board.end(proposal, "cancelled", who=person.trace):
        found = f"The proposal has ended: it is {board.job(proposal).state}."
        raise QuestionError(Problem("not-possible-now", found))
    return _json(job_plain(board.job(job.id)))


def _file(board: Board, proposal: str, name: str) -> bytes:
    written = board.result(proposal)
    if name == "proposal.json":
        return written
    return EXPORTERS[name](from_plain(orjson.loads(written), f"proposal {proposal}"))


_FILES: Final[dict[int | str, dict[str, Any]]] = {
    200: {
        "description": "The file",
        "content": {media.partition(";")[0]: {} for media in MEDIA.values()},
    },
    304: {"description": "Not Modified"},
}


@router.get(
    "/proposals/{proposal}/export",
    response_model=None,
    response_class=Response,
    dependencies=[Depends(reader)],
    responses={**_FILES, **documented(404, 406, 409)},
)
def export_proposal(request: Request, proposal: ProposalId) -> Response:
    """Return the proposal in the form that the Accept header asks for: JSON, workbook, report or network."""
    name = accepted(request.headers.get("accept", "*/*"), MEDIA)
    return get_proposal_file(request, proposal, name)


@router.get(
    "/proposals/{proposal}/files/{name}",
    response_model=None,
    response_class=Response,
    dependencies=[Depends(reader)],
    responses={**_FILES, **documented(404, 409)},
)
def get_proposal_file(
    request: Request,
    proposal: ProposalId,
    name: Annotated[
        str, Path(max_length=80, description="A file of the proposal", examples=["report.html"])
    ],
) -> Response:
    """Return one file of a proposal, the same bytes that the command line writes."""
    if name not in EXPORTERS:
        found = f"A proposal has no file {name[:80]!r}."
        raise QuestionError(Problem("file-unknown", found, do=f"It has: {', '.join(EXPORTERS)}."))
    board = state_of(request).board
    content = _file(board, proposal, name)
    tag = f'"{hashlib.blake2b(content, digest_size=12).hexdigest()}"'
    if (same := unchanged(request, tag)) is not None:
        return same
    headers = {
        "ETag": tag,
        "Cache-Control": "private, max-age=0, must-revalidate",
        "Vary": "Accept",
    }
    if name == "report.html":
        # The report brings its own style in the page; it may still fetch and run nothing.
        headers["Content-Security-Policy"] = (
            "default-src 'none'; style-src 'unsafe-inline'; frame-ancestors 'none'"
        )
    else:
        headers["Content-Disposition"] = f'attachment; filename="{name}"'
    return Response(content, 200, headers, MEDIA.get(name, "application/octet-stream"))


def _json(content: Any) -> Response:
    return Response(orjson.dumps(content), media_type="application/json")
