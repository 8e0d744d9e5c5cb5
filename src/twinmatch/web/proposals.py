"""The routes of proposals: asked for as jobs, looked at, taken away in every form; decided, repaired, compared."""

from __future__ import annotations

import asyncio
import hashlib
from collections.abc import AsyncIterator
from functools import cache
from typing import Annotated, Any, Final

import orjson
from fastapi import Depends, Header, Path, Query, Request, Response
from fastapi.responses import StreamingResponse
from starlette.concurrency import run_in_threadpool

from twinmatch.app.decisions import RunState, run_state
from twinmatch.app.round import Repaired
from twinmatch.errors import DataError, Problem, QuestionError, TwinmatchError, Where
from twinmatch.exporting import EXPORTERS
from twinmatch.exporting.letters import letters
from twinmatch.exporting.workbook import proposal_xlsx
from twinmatch.programmes.programme import (
    bundled_names,
    load,
    load_text,
    recipe_names,
    refuse_large,
)
from twinmatch.proposal.wire import packed, to_wire, unpacked
from twinmatch.reading.personal_data import redact
from twinmatch.web import schemas
from twinmatch.web.auth import Committee, Coordinator, api_router, coordinator
from twinmatch.web.board import Board, Job
from twinmatch.web.bodies import (
    MOST_PROBLEMS,
    accepted,
    answers,
    cursor_after,
    json_answer,
    key_after,
    moment,
    next_page,
)
from twinmatch.web.jobs import proposal_of
from twinmatch.web.sandbox import sandboxed
from twinmatch.web.settings import VERSION
from twinmatch.web.state import KEEP, Shared, state_of, unchanged
from twinmatch.whatif.difference import ProposalDifference
from twinmatch.whatif.prices import PriceList
from twinmatch.whatif.repair import Disruption
from twinmatch.whatif.why_not import WhyNotAnswer
from twinmatch.wording import LANGUAGES, say

router = api_router("proposals")

MEDIA: Final = {
    "proposal.json": "application/json",
    "proposal.xlsx": "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
    "report.html": "text/html; charset=utf-8",
    "network.graphml": "application/xml",
}
"""The media type of each export, in the order of preference where the request does not say."""

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


@cache
def programmes_known() -> dict[str, Any]:
    """Return the names of the bundled programmes, and of the recipes beside them with their titles."""
    bundled = list(bundled_names())
    return {"bundled": bundled, "recipes": {n: load(n).name for n in recipe_names()}}


def checked(asked: schemas.AskProposal, board: Board) -> dict[str, Any]:
    """Return what a proposal is asked with; raises the errors that can be told before it is made."""
    known, problems = (*bundled_names(), *recipe_names()), []
    for name in (n for n in asked.programme if n not in known):
        found = say("There is no bundled programme {name}.", name=repr(name[:80]))
        where, do = Where(column="programme"), say("Known: {names}.", names=", ".join(known))
        problems.append(Problem("programme-unknown", found, where, do))
    if asked.programme and asked.programme_toml:
        found = say("The programme is named and written out.")
        problems.append(Problem("programme-twice", found, do=say("Keep one of them.")))
    if problems:
        raise QuestionError(problems)
    if asked.programme_toml:
        check_programme(asked.programme_toml)
    if asked.previous:
        board.result(asked.previous)
    for upload in (asked.upload, "" if asked.hosts == "bundled" else asked.hosts):
        if errors := board.upload(upload).found.get("errors", 0) if upload else 0:
            found = say("The upload has {errors} problems.", errors=errors)
            raise DataError.of(
                "not-usable", found, do=say("See /workbench/intake/{upload}.", upload=upload)
            )
    content = asked.model_dump(mode="json", exclude_defaults=True, exclude={"past"})
    if asked.title.strip():
        content["title"] = redact(asked.title.strip())[0]
    if asked.past:
        content["past"] = sorted({(p.guest, p.host) for p in board.store.past()})
        content["refused_before"] = board.store.refused()
    return content


def check_programme(text: str) -> None:
    """Raise DataError with what is wrong with a programme that somebody sent; it is read in a sandbox."""
    refuse_large(text)
    found = sandboxed(_wrong_with, text)
    if found != b"[]":
        heavy = say("The programme cannot be read within the memory and time it may take.")
        problems = map(Problem.from_plain, unpacked(orjson.loads(found or b"[]")))
        raise DataError(problems if found else Problem("too-heavy", heavy))


def _wrong_with(text: str) -> bytes:
    try:
        load_text(text)
    except TwinmatchError as error:
        return orjson.dumps(packed([p.plain() for p in error.problems[:MOST_PROBLEMS]]))
    return b"[]"


@router.post("/proposals", **answers(schemas.ProposalState, 404, 409, 413, 422, status=202))
def ask_proposal(state: Shared, asked: schemas.AskProposal, person: Coordinator) -> Response:
    """Ask for a proposal; the answer is where to look for it."""
    content = checked(asked, state.board)
    title = asked.title.strip() or "Proposal"
    job = state.board.job(state.board.ask(title, content, person.name))
    place = {"Location": links(job)["self"], "Retry-After": "1"}
    return json_answer(job_plain(job), 202, place)


@router.get("/proposals", **answers(schemas.Proposals))
def list_proposals(
    request: Request,
    state: Shared,
    cursor: schemas.Cursor = "",
    size: Annotated[int, Query(ge=1, le=500, description="Proposals of a page")] = 50,
) -> Response:
    """Return the proposals, the newest first, page by page; the Link header leads to the next one."""
    at_and_id = key_after(cursor, moment, str)
    found = state.board.all_jobs(size + 1, at_and_id)
    last = found[size - 1] if len(found) > size else None
    more = cursor_after((last.created, last.id)) if last else ""
    content = {"proposals": [job_plain(job) for job in found[:size]], "next": more}
    return json_answer(content, headers=next_page(request, more))


@router.get("/proposals/{proposal}", **answers(schemas.ProposalState, 404))
def get_proposal(state: Shared, proposal: ProposalId) -> Response:
    """Return how far a proposal is, and where its files are once it is done."""
    job = state.board.job(proposal)
    answer = json_answer(job_plain(job))
    if not job.has_ended:
        answer.headers["Retry-After"] = "1"
    return answer


@router.get(
    "/proposals/{proposal}/events",
    **answers(None, 404, forms={"text/event-stream": {}}),
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


@router.post("/proposals/{proposal}/cancel", **answers(schemas.ProposalState, 404, 409))
def cancel_proposal(state: Shared, proposal: ProposalId, person: Coordinator) -> Response:
    """Stop a proposal that is waiting or being made."""
    job = state.board.job(proposal)
    if not state.board.end(proposal, "cancelled", who=person.trace):
        found = say("The proposal has ended: it is {state}.", state=state.board.job(proposal).state)
        raise QuestionError.of("not-possible-now", found)
    return json_answer(job_plain(state.board.job(job.id)))


def _file(board: Board, proposal: str, name: str, language: str) -> bytes:
    written = board.result(proposal)
    if name == "proposal.json":
        return written
    made = proposal_of(board, proposal)
    if name == "proposal.xlsx":
        return proposal_xlsx(made, language, board.store.held(proposal).letters)
    return EXPORTERS[name](made, language)


_FILES: Final[dict[str, Any]] = {media.partition(";")[0]: {} for media in MEDIA.values()}


@router.get(
    "/proposals/{proposal}/export",
    **answers(None, 404, 406, 409, forms=_FILES, tagged=True),
)
def export_proposal(request: Request, state: Shared, proposal: ProposalId) -> Response:
    """Return the proposal in the form that the Accept header asks for: JSON, workbook, report or network."""
    name = accepted(request.headers.get("accept", "*/*"), MEDIA)
    return get_proposal_file(request, state, proposal, name)


@router.get(
    "/proposals/{proposal}/files/{name}",
    **answers(None, 404, 409, forms=_FILES, tagged=True),
)
def get_proposal_file(
    request: Request,
    state: Shared,
    proposal: ProposalId,
    name: Annotated[
        str, Path(max_length=80, description="A file of the proposal", examples=["report.html"])
    ],
    language: Annotated[
        str,
        Query(
            pattern=f"^({'|'.join(LANGUAGES)})$",
            description="The language of report and workbook",
        ),
    ] = "en",
) -> Response:
    """Return one file of a proposal, the same bytes that the command line writes."""
    if name not in EXPORTERS:
        found = say("A proposal has no file {name}.", name=repr(name[:80]))
        raise QuestionError.of(
            "file-unknown", found, do=say("It has: {names}.", names=", ".join(EXPORTERS))
        )
    content = _file(state.board, proposal, name, language)
    tag = f'W/"{hashlib.blake2b(content, digest_size=12).hexdigest()}"'
    if (same := unchanged(request, tag)) is not None:
        return same
    headers = {"ETag": tag, "Cache-Control": KEEP, "Vary": "Accept"}
    if name == "report.html":
        # The report brings its own style in the page; it may still fetch and run nothing.
        headers["Content-Security-Policy"] = (
            "default-src 'none'; style-src 'unsafe-inline'; frame-ancestors 'none'"
        )
    else:
        headers["Content-Disposition"] = f'attachment; filename="{name}"'
    return Response(content, 200, headers, MEDIA.get(name, "application/octet-stream"))


# --- what a coordinator asks about a proposal ---


@router.get("/proposals/{proposal}/decisions", **answers(RunState, 404))
def list_decisions(state: Shared, proposal: ProposalId) -> Response:
    """Return what was decided about a proposal, and what holds now; the ETag is its version."""
    found = run_state(state.board.run(proposal).id, state.board.store)
    return json_answer(found, headers={"ETag": f'"{found.version}"'})


@router.post("/proposals/{proposal}/decisions", **answers(RunState, 404, 409, 412, 428, status=201))
def decide(
    request: Request,
    state: Shared,
    proposal: ProposalId,
    decision: schemas.Decision,
    person: Committee,
    if_match: Annotated[
        str | None, Header(max_length=40, description='The version that was seen, such as "3"')
    ] = None,
) -> Response:
    """Decide about a proposal as it was seen; where it was changed meanwhile, nothing is written and 412 tells what.

    A committee may write a note, its comment.
    """
    if decision.kind != "note":
        coordinator.checked(request)
    seen = version_of(if_match)
    run, store = state.board.run(proposal).id, state.board.store
    given = decision.model_dump(exclude={"kind"})
    if decision.kind == "letter":  # it stands for the letter as it is made now
        written = letters(proposal_of(state.board, run))
        given["one"] = next((x.code for x in written if x.city == decision.city), "")
    store.add(run, decision.kind, person.name, **given, seen=seen)
    if decision.kind == "publish":
        state.board.replace_published(run, person.name)
    found = run_state(run, store)
    return json_answer(found, 201, {"ETag": f'"{found.version}"'})


def version_of(if_match: str | None) -> int:
    """Return the version of an If-Match header; raises QuestionError where there is none."""
    text = (if_match or "").strip().removeprefix("W/").strip('"').partition("-")[0]  # "3-zstd"
    if not text:
        do = say("Send If-Match with the ETag of the decisions as you saw them.")
        found = say("Which version was seen is not said.")
        raise QuestionError.of("version-missing", found, do=do)
    if not (text.isascii() and text.isdigit()) or len(text) > 9:
        raise QuestionError.of(
            "changed-meanwhile", say("There is no version {text}.", text=repr(text[:20]))
        )
    return int(text)


City = Annotated[str, Query(min_length=1, max_length=120, description="Id or name")]


@router.get("/proposals/{proposal}/why-not", **answers(WhyNotAnswer, 404, 409, 422))
def why_not(state: Shared, proposal: ProposalId, guest: City, host: City) -> Response:
    """Return why a guest and a host do not meet: the rule, or what forcing it costs, who moves, what would help."""
    state.board.result(proposal)
    return json_answer(state.rounds.why_not(proposal, guest, host))


@router.post(
    "/proposals/{proposal}/repair",
    dependencies=[Depends(coordinator)],
    **answers(Repaired, 404, 409, 422),
)
def offer_repairs(state: Shared, proposal: ProposalId, asked: schemas.AskRepair) -> Response:
    """Return three offers after withdrawals and refusals: keep all, few changes, best; nothing is changed."""
    change = Disruption(tuple(asked.withdrawn), tuple(asked.refused))

    return json_answer(state.rounds.repair(proposal, change, asked.at_most))


@router.post(
    "/proposals/{proposal}/repair/take", **answers(schemas.ProposalState, 404, 409, 422, status=201)
)
def take_repair(
    state: Shared, proposal: ProposalId, asked: schemas.TakeRepair, person: Coordinator
) -> Response:
    """Make a further proposal of an offer to repair one; the one before stays as it is."""
    change = Disruption(tuple(asked.withdrawn), tuple(asked.refused))

    made = state.rounds.take(proposal, change, asked.at_most, asked.offer, person.name)
    job = state.board.job(made)
    return json_answer(job_plain(job), 201, {"Location": links(job)["self"]})


@router.get("/proposals/{proposal}/prices", **answers(PriceList, 404, 409, 422))
def list_prices(state: Shared, proposal: ProposalId) -> Response:
    """Return what each rule, lock and ban of a proposal's twinning costs, and what one more place is worth."""
    state.board.result(proposal)
    return json_answer(state.rounds.prices(proposal))


@router.get("/proposals/{proposal}/diff/{other}", **answers(ProposalDifference, 404, 409))
def compare_proposals(state: Shared, proposal: ProposalId, other: ProposalId) -> Response:
    """Return how two proposals differ, the first one before, the second one after."""
    return json_answer(state.rounds.difference(proposal, other))
