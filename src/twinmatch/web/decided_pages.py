"""The workbench's pages on which something is decided about a proposal, or asked before deciding."""

from __future__ import annotations

from typing import Annotated, Any

from fastapi import APIRouter, Form, Request, Response
from fastapi.responses import RedirectResponse
from starlette.concurrency import run_in_threadpool

from twinmatch.app.decisions import decide_on
from twinmatch.errors import QuestionError
from twinmatch.store import held
from twinmatch.web.jobs import proposal_of
from twinmatch.web.pages import page, wants_fragment
from twinmatch.web.people import coordinator, reader
from twinmatch.web.rounds_pages import Text, teller
from twinmatch.web.state import state_of

router = APIRouter(prefix="/workbench/proposals", include_in_schema=False)


@router.post("/{proposal}/decisions")
async def decide(
    request: Request,
    proposal: str,
    kind: Annotated[str, Form(max_length=20)],
    version: Annotated[int, Form(ge=0, le=1_000_000)],
    one: Annotated[str, Form(max_length=200)] = "",
    other: Annotated[str, Form(max_length=200)] = "",
    city: Annotated[str, Form(max_length=200)] = "",
    why: Text = "",
    tab: Annotated[str, Form(max_length=40)] = "overview",
    meeting: Annotated[str, Form(max_length=200)] = "",
) -> Response:
    """Write a decision as the proposal was seen, and go back to where it was made."""
    person = await coordinator(request)
    state = state_of(request)
    mine = {"kind": kind, "one": one, "other": other, "city": city, "why": why}

    def write() -> None:
        run, store = state.board.run(proposal).id, state.board.store
        decide_on(
            run,
            kind,
            person.name,
            one=one,
            other=other,
            city=city,
            why=why,
            seen=version,
            place=store,
        )

    try:
        await run_in_threadpool(write)
    except QuestionError as error:
        if error.problems[0].code != "changed-meanwhile":
            raise
        history = await run_in_threadpool(state.board.store.history, proposal)
        return page(
            request,
            "conflict.html.j2",
            412,
            proposal=proposal,
            later=[e for e in history if e.number > version],
            entry_says=teller(await run_in_threadpool(proposal_of, state.board, proposal)),
            now=held(history),
            mine={**mine, "tab": tab, "meeting": meeting},
        )
    where = tab if tab.replace("_", "").replace("-", "").isalnum() else "overview"
    anchor = f"#m-{meeting}" if meeting.isascii() and meeting.isprintable() and meeting else ""
    return RedirectResponse(f"/workbench/proposals/{proposal}?tab={where}{anchor}", 303)


@router.get("/{proposal}/why-not")
async def why_not(request: Request, proposal: str, guest: str = "", host: str = "") -> Response:
    """Return why a guest and a host do not meet."""
    await reader(request)
    state = state_of(request)

    def ask() -> Any:
        job = state.board.job(state.board.run(proposal).id)
        now = state.board.store.held(job.id)
        return job, now, state.rounds.why_not(job.id, guest.strip()[:120], host.strip()[:120])

    job, now, found = await run_in_threadpool(ask)
    name = "why_not.html.j2" if wants_fragment(request) else "why_not_page.html.j2"
    return page(request, name, found=found, job=job, now=now)
