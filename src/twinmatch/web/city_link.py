"""The one page that a city sees by its link: what it is offered, and its answer; nothing of anybody else's."""

from __future__ import annotations

from typing import Annotated, Any

from fastapi import APIRouter, Depends, Form, Path, Request, Response
from fastapi.responses import RedirectResponse

from twinmatch.app.decisions import decide_on, run_state
from twinmatch.errors import Problem, QuestionError
from twinmatch.exporting.letters import letters
from twinmatch.store import CONSENTS
from twinmatch.web.auth import Coordinator, GuardedRoute, reader
from twinmatch.web.desk import Invited
from twinmatch.web.jobs import proposal_of
from twinmatch.web.pages import page
from twinmatch.web.rounds_pages import Text
from twinmatch.web.state import State, state_of

router = APIRouter(prefix="/workbench", include_in_schema=False, route_class=GuardedRoute)

DAYS = 30
"""Days for which a link opens, where nothing else is said."""

Secret = Annotated[str, Path(min_length=20, max_length=80)]


@router.post("/proposals/{proposal}/letters/{city}/link", dependencies=[Depends(reader)])
def invite(
    request: Request,
    person: Coordinator,
    proposal: str,
    city: str,
    days: Annotated[int, Form(ge=1, le=365)] = DAYS,
) -> Response:
    """Make the link by which a city sees its own page; it is shown this once."""
    board = state_of(request).board
    run = board.run(proposal).id
    if all(card.id != city for card in proposal_of(board, run).cities):
        raise QuestionError(Problem("not-found", f"There is no city {city[:80]!r} in this round."))
    secret = board.desk.invite(run, city, days, person.trace)
    link = f"{request.url.scheme}://{request.url.netloc}/workbench/city/{secret}"
    base = f"/workbench/proposals/{run}"
    return page(request, "link.html.j2", link=link, days=days, back_to=f"{base}/letters/{city}")


@router.get("/city/{secret}")
def city(request: Request, secret: Secret, said: str = "") -> Response:
    """Return what a city is offered, and the forms of its answer."""
    state = state_of(request)
    invited = state.board.desk.invited(secret)
    parts = _offered(state, invited)
    answer = page(request, "city_link.html.j2", invited=invited, said=said == "yes", **parts)
    answer.headers["Cache-Control"] = "no-store"
    return answer


def _offered(state: State, invited: Invited) -> dict[str, Any]:
    made, run = proposal_of(state.board, invited.run), run_state(invited.run, state.board.store)
    mine = next(w for w in letters(made) if w.city == invited.city)
    labels = {m.id: m.label for p in made.products for m in p.meetings}
    meetings = [
        (m.id, labels.get(m.id, m.label), run.held.consents.get(m.about, {}).get(invited.city))
        for m in run.meetings
        if invited.city in m.cities
    ]
    is_open = run.held.status != "withdrawn"
    return {"letter": mine, "meetings": meetings, "is_open": is_open, "title": run.run.title}


@router.post("/city/{secret}")
def answered(
    request: Request,
    secret: Secret,
    kind: Annotated[str, Form(max_length=20)],
    meeting: Annotated[str, Form(max_length=200)] = "",
    why: Text = "",
) -> Response:
    """Write what a city answers: that it agrees or declines, or what is wrong of what is known of it."""
    state = state_of(request)
    invited = state.board.desk.invited(secret)
    parts = _offered(state, invited)
    mine = {id_ for id_, _, _ in parts["meetings"]}
    if kind not in (*CONSENTS[1:], "note") or (meeting and meeting not in mine):
        raise QuestionError(Problem("not-found", "This page asks for no such answer."))
    by = f"{parts['letter'].name} by its link"
    who = invited.city if kind in CONSENTS else ""
    decide_on(invited.run, kind, by, one=meeting, city=who, why=why, place=state.board.store)
    return RedirectResponse(f"/workbench/city/{secret}?said=yes", 303)
