"""The workbench's pages on which something is decided about a proposal, or asked before deciding."""

from __future__ import annotations

from typing import Annotated, Any

from fastapi import APIRouter, Depends, Form, Request, Response
from fastapi.responses import RedirectResponse

from twinmatch.app.decisions import decide_on
from twinmatch.errors import Problem, QuestionError
from twinmatch.store import held
from twinmatch.web.auth import Committee, Coordinator, GuardedRoute, coordinator, reader
from twinmatch.web.board import Job
from twinmatch.web.jobs import proposal_of
from twinmatch.web.pages import own, page, wants_fragment
from twinmatch.web.rounds_pages import Text, teller
from twinmatch.web.state import state_of
from twinmatch.whatif.repair import KINDS, Disruption, Kind

router = APIRouter(
    prefix="/workbench/proposals",
    include_in_schema=False,
    dependencies=[Depends(reader)],
    route_class=GuardedRoute,
)


@router.post("/{proposal}/decisions")
def decide(
    request: Request,
    person: Committee,
    proposal: str,
    kind: Annotated[str, Form(max_length=20)],
    version: Annotated[int, Form(ge=0, le=1_000_000)],
    one: Annotated[str, Form(max_length=200)] = "",
    other: Annotated[str, Form(max_length=200)] = "",
    city: Annotated[str, Form(max_length=200)] = "",
    why: Text = "",
    tab: Annotated[str, Form(max_length=40)] = "overview",
    meeting: Annotated[str, Form(max_length=200)] = "",
    back: Annotated[str, Form(max_length=400)] = "",
) -> Response:
    """Write a decision as the proposal was seen, and go back to where it was made; a committee may comment."""
    state = state_of(request)
    if kind != "note":
        coordinator.checked(request)
    run, store = state.board.run(proposal).id, state.board.store
    pair = {"one": one, "other": other, "city": city, "why": why}
    try:
        decide_on(run, kind, person.name, **pair, seen=version, place=store)
    except QuestionError as error:
        mine = {"kind": kind, **pair, "tab": tab, "meeting": meeting, "back": back}
        return conflict(request, run, version, "decisions", list(mine.items()), error)
    if kind == "publish":
        state.board.replace_published(run, person.name)
    if back.startswith(f"/workbench/proposals/{run}/"):
        return RedirectResponse(own(back), 303)
    where = tab if tab.replace("_", "").replace("-", "").isalnum() else "overview"
    anchor = f"#m-{meeting}" if meeting.isascii() and meeting.isprintable() and meeting else ""
    return RedirectResponse(f"/workbench/proposals/{proposal}?tab={where}{anchor}", 303)


def conflict(
    request: Request,
    proposal: str,
    version: int,
    action: str,
    mine: list[tuple[str, str]],
    error: QuestionError,
) -> Response:
    """Return what others decided meanwhile, and the form that writes mine after theirs; raises any other error."""
    if error.problems[0].code != "changed-meanwhile":
        raise error
    board = state_of(request).board
    history = board.store.history(proposal)
    return page(
        request,
        "conflict.html.j2",
        412,
        proposal=proposal,
        action=action,
        later=[e for e in history if e.number > version],
        entry_says=teller(proposal_of(board, proposal)),
        now=held(history),
        mine=mine,
        told=" ".join(v for k, v in mine if v and k in ("kind", "one", "other", "pair", "why")),
    )


@router.get("/{proposal}/why-not")
def why_not(request: Request, proposal: str, guest: str = "", host: str = "") -> Response:
    """Return why a guest and a host do not meet."""
    state = state_of(request)

    job = state.board.job(state.board.run(proposal).id)
    now = state.board.store.held(job.id)
    found = state.rounds.why_not(job.id, guest.strip()[:120], host.strip()[:120])
    return part_of(request, "why_not", job, found=found, now=now)


@router.get("/{proposal}/prices")
def prices(request: Request, proposal: str) -> Response:
    """Return what each rule, lock and ban costs, and what one more place at each host is worth."""
    state = state_of(request)

    job = state.board.job(state.board.run(proposal).id)
    found = state.rounds.prices(job.id)
    return part_of(request, "prices", job, found=found)


Names = Annotated[list[Annotated[str, Form(max_length=200)]] | None, Form(max_length=5000)]
AtMost = Annotated[int, Form(ge=0, le=100)]


def change_of(withdrawn: list[str] | None, refused: list[str] | None) -> Disruption:
    """Return what a form says has happened: a pair stands in it as the ids of its guest and host, a space between."""
    pairs = [tuple(pair.split(" ", 1)) for pair in refused or []]
    return Disruption(tuple(withdrawn or []), tuple((p[0], p[1]) for p in pairs if len(p) == 2))


@router.post("/{proposal}/repair", dependencies=[Depends(coordinator)])
def repair(
    request: Request,
    proposal: str,
    withdrawn: Names = None,
    refused: Names = None,
    at_most: AtMost = 3,
) -> Response:
    """Return the offers after withdrawals and refusals; nothing is changed."""
    state, change = state_of(request), change_of(withdrawn, refused)

    job = state.board.job(state.board.run(proposal).id)
    found = state.rounds.repair(job.id, change, at_most)
    happened = {"withdrawn": withdrawn or [], "refused": refused or [], "at_most": [at_most]}
    return part_of(request, "repair", job, found=found, happened=happened)


@router.post("/{proposal}/repair/take")
def take(
    request: Request,
    person: Coordinator,
    proposal: str,
    offer: Annotated[str, Form(max_length=20)],
    withdrawn: Names = None,
    refused: Names = None,
    at_most: AtMost = 3,
) -> Response:
    """Make a further proposal of an offer, and go to where the two stand side by side."""
    state, change = state_of(request), change_of(withdrawn, refused)
    kind: Kind | None = next((k for k in KINDS if k == offer), None)
    if kind is None:
        known = f"Known: {', '.join(KINDS)}."
        raise QuestionError(Problem("no-such-offer", f"There is no offer {offer!r}.", do=known))

    run = state.board.run(proposal).id
    made = state.rounds.take(run, change, at_most, kind, person.name)
    return RedirectResponse(f"/workbench/proposals/{made}/compare?other={run}", 303)


def part_of(request: Request, name: str, job: Job, **parts: Any) -> Response:
    """Return what htmx puts into a proposal's page, or the same as a page of its own."""
    if wants_fragment(request):
        return page(request, f"{name}.html.j2", job=job, **parts)
    return page(request, "part_page.html.j2", job=job, part=name, **parts)
