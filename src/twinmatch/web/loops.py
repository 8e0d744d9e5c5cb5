"""What a coordinator asks about a proposal: decisions, why not, repair, how two differ; over HTTP."""

from __future__ import annotations

from typing import Annotated, Any

import orjson
from fastapi import APIRouter, Depends, Header, Query, Request, Response

from twinmatch.app.decisions import decide_on, plain_run_state, run_state
from twinmatch.app.round import Repaired
from twinmatch.errors import Problem, QuestionError
from twinmatch.proposal.wire import to_wire
from twinmatch.web import schemas
from twinmatch.web.auth import Coordinator, GuardedRoute, coordinator, reader
from twinmatch.web.problems import documented
from twinmatch.web.proposals import ProposalId, job_plain, links
from twinmatch.web.settings import VERSION
from twinmatch.web.state import state_of
from twinmatch.whatif.difference import ProposalDifference
from twinmatch.whatif.prices import PriceList
from twinmatch.whatif.repair import Disruption
from twinmatch.whatif.why_not import WhyNotAnswer

router = APIRouter(prefix=VERSION, tags=["proposals"], route_class=GuardedRoute)


@router.get(
    "/proposals/{proposal}/decisions",
    response_model=None,
    dependencies=[Depends(reader)],
    responses={200: {"model": schemas.Decisions}, **documented(404)},
)
def list_decisions(request: Request, proposal: ProposalId) -> Response:
    """Return what was decided about a proposal, and what holds now; the ETag is its version."""
    state = state_of(request)

    found = plain_run_state(run_state(state.board.run(proposal).id, state.board.store))
    headers = {"ETag": f'"{found["version"]}"', "Cache-Control": "no-store"}
    return Response(orjson.dumps(found), 200, headers, "application/json")


@router.post(
    "/proposals/{proposal}/decisions",
    status_code=201,
    response_model=None,
    responses={201: {"model": schemas.Decisions}, **documented(404, 409, 412, 428)},
)
def decide(
    request: Request,
    proposal: ProposalId,
    decision: schemas.Decision,
    person: Coordinator,
    if_match: Annotated[
        str | None, Header(max_length=40, description='The version that was seen, such as "3"')
    ] = None,
) -> Response:
    """Decide about a proposal as it was seen; where it was changed meanwhile, nothing is written and 412 tells what."""
    state, seen = state_of(request), version_of(if_match)

    run, store = state.board.run(proposal).id, state.board.store
    given = decision.model_dump(exclude={"kind"})
    decide_on(run, decision.kind, person.name, **given, seen=seen, place=store)
    if decision.kind == "publish":
        state.board.replace_published(run, person.name)
    found = plain_run_state(run_state(run, store))
    headers = {"ETag": f'"{found["version"]}"'}
    return Response(orjson.dumps(found), 201, headers, "application/json")


def version_of(if_match: str | None) -> int:
    """Return the version of an If-Match header; raises QuestionError where there is none."""
    text = (if_match or "").strip().removeprefix("W/").strip('"')
    if not text:
        do = "Send If-Match with the ETag of the decisions as you saw them."
        raise QuestionError(
            Problem("version-missing", "Which version was seen is not said.", do=do)
        )
    if not (text.isascii() and text.isdigit()) or len(text) > 9:
        raise QuestionError(Problem("changed-meanwhile", f"There is no version {text[:20]!r}."))
    return int(text)


City = Annotated[str, Query(min_length=1, max_length=120, description="Id or name")]


@router.get(
    "/proposals/{proposal}/why-not",
    response_model=None,
    dependencies=[Depends(reader)],
    responses={200: {"model": WhyNotAnswer}, **documented(404, 409, 422)},
)
def why_not(request: Request, proposal: ProposalId, guest: City, host: City) -> Response:
    """Return why a guest and a host do not meet: the rule, or what forcing it costs, who moves, what would help."""
    state = state_of(request)

    state.board.result(proposal)
    return _json(to_wire(state.rounds.why_not(proposal, guest, host)))


@router.post(
    "/proposals/{proposal}/repair",
    response_model=None,
    dependencies=[Depends(coordinator)],
    responses={200: {"model": Repaired}, **documented(404, 409, 422)},
)
def offer_repairs(request: Request, proposal: ProposalId, asked: schemas.AskRepair) -> Response:
    """Return three offers after withdrawals and refusals: keep all, few changes, best; nothing is changed."""
    state = state_of(request)
    change = Disruption(tuple(asked.withdrawn), tuple(asked.refused))

    return _json(to_wire(state.rounds.repair(proposal, change, asked.at_most)))


@router.post(
    "/proposals/{proposal}/repair/take",
    status_code=201,
    response_model=None,
    responses={201: {"model": schemas.ProposalState}, **documented(404, 409, 422)},
)
def take_repair(
    request: Request,
    proposal: ProposalId,
    asked: schemas.TakeRepair,
    person: Coordinator,
) -> Response:
    """Make a further proposal of an offer to repair one; the one before stays as it is."""
    state = state_of(request)
    change = Disruption(tuple(asked.withdrawn), tuple(asked.refused))

    made = state.rounds.take(proposal, change, asked.at_most, asked.offer, person.name)
    job = state.board.job(made)
    place = {"Location": links(job)["self"]}
    return Response(orjson.dumps(job_plain(job)), 201, place, "application/json")


@router.get(
    "/proposals/{proposal}/prices",
    response_model=None,
    dependencies=[Depends(reader)],
    responses={200: {"model": PriceList}, **documented(404, 409, 422)},
)
def list_prices(request: Request, proposal: ProposalId) -> Response:
    """Return what each rule, lock and ban of a proposal's twinning costs, and what one more place is worth."""
    state = state_of(request)

    state.board.result(proposal)
    return _json(to_wire(state.rounds.prices(proposal)))


@router.get(
    "/proposals/{proposal}/diff/{other}",
    response_model=None,
    dependencies=[Depends(reader)],
    responses={200: {"model": ProposalDifference}, **documented(404, 409)},
)
def compare_proposals(
    request: Request,
    proposal: ProposalId,
    other: ProposalId,
) -> Response:
    """Return how two proposals differ, the first one before, the second one after."""
    state = state_of(request)

    return _json(to_wire(state.rounds.difference(proposal, other)))


def _json(content: Any) -> Response:
    return Response(orjson.dumps(content), media_type="application/json")
