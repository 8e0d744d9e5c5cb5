"""The workbench's pages of one pair, one applicant, the meeting of a committee, the rules; and decisions on several."""

from __future__ import annotations

import io
import zipfile
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from typing import Annotated, Any, Final
from urllib.parse import quote

from fastapi import APIRouter, Depends, Form, Request, Response, UploadFile
from fastapi.responses import RedirectResponse

from twinmatch.app.decided import read_sheet
from twinmatch.app.decisions import decide_on
from twinmatch.app.pair_rows import PairRow
from twinmatch.errors import Problem, QuestionError
from twinmatch.exporting import dossier_files
from twinmatch.exporting.letters import Correspondence, letter_files, letters
from twinmatch.web.auth import Coordinator, GuardedRoute, Person, coordinator, reader
from twinmatch.web.decided_pages import Names, conflict, part_of
from twinmatch.web.jobs import proposal_of
from twinmatch.web.pages import page
from twinmatch.web.round_rules import programme_in, toml, tried, with_rules
from twinmatch.web.rounds_pages import Text, looked_at
from twinmatch.web.scratch import scratch
from twinmatch.web.state import State, state_of
from twinmatch.whatif.prices import edits, options, solved_with
from twinmatch.whatif.stability import choices

router = APIRouter(
    prefix="/workbench/proposals",
    include_in_schema=False,
    dependencies=[Depends(reader)],
    route_class=GuardedRoute,
)

REMINDED: Final = timedelta(days=10)
"""A city that was asked so long ago and has said nothing is to be reminded."""

Version = Annotated[int, Form(ge=0, le=1_000_000)]
Kind = Annotated[str, Form(max_length=20)]


def overdue(at: datetime) -> bool:
    """Return whether a city that was asked at a moment is to be reminded."""
    return datetime.now(UTC) - at > REMINDED


def _found(state: State, proposal: str) -> dict[str, Any]:
    return looked_at(state, state.board.job(state.board.run(proposal).id))


@router.get("/{proposal}/pairs/{meeting}")
def pair(request: Request, proposal: str, meeting: str) -> Response:
    """Return all about one pair: why, consent, what if one declines, another host, the account, comments."""
    state = state_of(request)
    found = _found(state, proposal)
    table = found["table"]
    place = table.by_meeting.get(meeting)
    if place is None:
        raise QuestionError(Problem("not-found", f"There is no pair {meeting[:80]!r}."))
    row = table.pairs[place]
    return page(
        request,
        "pair_page.html.j2",
        tab="twinning",
        **found,
        guest=row.about[0],
        row=row,
        meeting=row.meeting,
        place=place,
        overdue=overdue,
        proposal=proposal,
    )


@router.get("/{proposal}/guests/{guest}")
def guest(request: Request, proposal: str, guest: str) -> Response:
    """Return why an applicant has no place, and what a place would cost."""
    state = state_of(request)
    found = _found(state, proposal)
    left = next((r.left for r in found["table"].unplaced if r.city == guest), None)
    if left is None:
        raise QuestionError(Problem("not-found", f"{guest[:80]!r} is not without a place here."))
    return page(request, "guest.html.j2", tab="left-out", **found, guest=guest, left=left)


@router.get("/{proposal}/hosts/{guest}")
def hosts(request: Request, proposal: str, guest: str) -> Response:
    """Return the form that gives a guest another host, with every host that it could have; the round is read for it."""
    state = state_of(request)
    run = state.board.run(proposal).id
    case = state.rounds.held(run)
    parts: dict[str, Any] = {"options": (), "guest": guest, "at_now": ()}
    with suppress(QuestionError):  # it is no guest of the round
        parts["options"] = list(options(case, guest))
        g = case.ready.frame.guests.index(case.round.cohort.find(guest))
        parts["at_now"] = [case.hosts[h].id for h in case.host_of(g)]
    return page(request, "choose_host.html.j2", base=f"/workbench/proposals/{run}", **parts)


@router.get("/{proposal}/frontier")
def frontier(request: Request, proposal: str) -> Response:
    """Return the named proposals that the same rules allow: each best in one respect, with what it gives up."""
    state = state_of(request)
    job = state.board.job(state.board.run(proposal).id)
    return part_of(request, "frontier", job, found=choices(state.rounds.case(job.id)))


@router.get("/{proposal}/price")
def price(request: Request, proposal: str, guest: str = "", host: str = "") -> Response:
    """Return what it costs to give a guest a host by hand, at once: nothing is solved."""
    state = state_of(request)
    job = state.board.job(state.board.run(proposal).id)
    case = state.rounds.held(proposal)
    found = edits(case, guest[:120], host[:120])
    name = case.hosts[next(h for h, x in enumerate(case.hosts) if x.id == host)].name
    return page(
        request,
        "price.html.j2",
        found=found,
        guest=guest,
        host=host,
        guest_name=case.round.cohort.city(guest).name,
        host_name=name,
        now=state.board.store.held(job.id),
        base=f"/workbench/proposals/{job.id}",
    )


@router.get("/{proposal}/price/solved")
def price_solved(request: Request, proposal: str, guest: str = "", host: str = "") -> Response:
    """Return what the best round with a pair costs, everybody else free to move."""
    state = state_of(request)
    job = state.board.job(state.board.run(proposal).id)
    outcome = solved_with(state.rounds.case(proposal), guest[:120], host[:120])
    parts: dict[str, Any] = {"guest": guest, "host": host}
    parts["base"] = f"/workbench/proposals/{job.id}"
    return page(request, "price_solved.html.j2", outcome=outcome, **parts)


# --- decisions on several pairs -----------------------------------------------------------------------------


def _decide_all(
    request: Request,
    person: Person,
    run: str,
    action: str,
    given: dict[str, Any],
    decisions: list[tuple[str, tuple[str, str]]],
) -> Response:
    """Write decisions on several pairs, each on the version before it: whoever comes between is not overwritten."""
    state = state_of(request)
    version, why = given["version"], given.get("why", "")
    seen = version
    try:
        for kind, (one, other) in decisions:
            about: dict[str, Any] = {"one": one, "other": other, "why": why, "seen": seen}
            entry, _ = decide_on(run, kind, person.name, **about, place=state.board.store)
            seen = entry.number
    except QuestionError as error:
        if action == "workbook":
            raise
        mine = [(k, str(v)) for k, v in given.items() if k not in ("pair", "version")]
        mine += [("pair", " ".join(pair)) for _, pair in decisions]
        return conflict(request, run, version, action, mine, error)
    return RedirectResponse(f"/workbench/proposals/{run}?tab=twinning", 303)


def _pairs(given: list[str] | None) -> list[tuple[str, str]]:
    split = [pair.split(" ", 1) for pair in given or []]
    return [(p[0], p[1]) for p in split if len(p) == 2]


@router.post("/{proposal}/bulk")
def bulk(
    request: Request,
    person: Coordinator,
    proposal: str,
    kind: Kind,
    version: Version,
    pair: Names = None,
    which: Annotated[str, Form(max_length=20)] = "ticked",
    why: Text = "",
) -> Response:
    """Decide alike on the pairs that are ticked, on all robust ones, or on all of which too little is known."""
    state = state_of(request)
    found = _found(state, proposal)
    rows: tuple[PairRow, ...] = found["table"].pairs
    chosen = {
        "robust": [r.about for r in rows if r.standing == "robust"],
        "thin": [r.about for r in rows if r.meeting.account.coverage < _gate(found["made"])],
    }.get(which, _pairs(pair))
    if not chosen:
        do = "Tick some, or have it worked out first which pairs are robust."
        raise QuestionError(Problem("meeting-missing", "No pair was chosen.", do=do))
    given = {"kind": kind, "version": version, "why": why}
    run = found["job"].id
    return _decide_all(request, person, run, "bulk", given, [(kind, p) for p in chosen])


def _gate(made: Any) -> float:
    """Return the part of the weights below which too little is known of a pair: a third where the gate is lower."""
    settings = programme_in(made).twinning
    return max(settings.known_at_least if settings else 0.0, 1 / 3)


@router.post("/{proposal}/keep")
def keep(
    request: Request,
    person: Coordinator,
    proposal: str,
    kind: Kind,
    version: Version,
    pair: Names = None,
) -> Response:
    """Keep a change by hand as decisions: each pair that it makes is locked or held."""
    state = state_of(request)
    run = state.board.run(proposal).id
    given = {"kind": kind, "version": version}
    return _decide_all(request, person, run, "keep", given, [(kind, p) for p in _pairs(pair)])


@router.post("/{proposal}/workbook")
def workbook(
    request: Request, person: Coordinator, proposal: str, version: Version, file: UploadFile
) -> Response:
    """Take the decisions of a workbook's sheet."""
    state = state_of(request)
    run = state.board.run(proposal).id
    with scratch() as folder:
        path = folder / "proposal.xlsx"
        path.write_bytes(file.file.read(state.settings.most_upload))
        made = proposal_of(state.board, run)
        sheet = read_sheet(path, state.rounds.held(run).round.cohort, made)
    wanted = [("lock", p) for p in sheet.lock] + [("ban", p) for p in sheet.ban]
    return _decide_all(request, person, run, "workbook", {"version": version}, wanted)


@router.post("/{proposal}/answers", dependencies=[Depends(coordinator)])
def work_out(request: Request, proposal: str, what: Kind) -> Response:
    """Have something worked out of a proposal while everybody goes on."""
    state = state_of(request)
    run = state.board.run(proposal).id
    state.board.desk.want(run, what)
    return RedirectResponse(f"/workbench/proposals/{run}?tab=twinning", 303)


# --- the committee ------------------------------------------------------------------------------------------


@router.get("/{proposal}/committee")
def committee(request: Request, proposal: str) -> Response:
    """Return the agenda of a meeting: what has to be decided first, then who is refused and why."""
    found = _found(state_of(request), proposal)
    agenda = list(found["table"].agenda(_gate(found["made"])))
    return page(request, "committee.html.j2", tab="committee", **found, agenda=agenda)


# --- rules --------------------------------------------------------------------------------------------------


@router.post("/{proposal}/rules", dependencies=[Depends(coordinator)])
async def rules(request: Request, proposal: str) -> Response:
    """Return what other rules would change; nothing is kept."""
    from starlette.concurrency import run_in_threadpool

    form = {k: v for k, v in (await request.form(max_fields=100)).items() if isinstance(v, str)}
    return await run_in_threadpool(_tried, request, proposal, form)


def _tried(request: Request, proposal: str, form: dict[str, str]) -> Response:
    state = state_of(request)
    run = state.board.run(proposal).id
    programme = with_rules(proposal_of(state.board, run), form)
    found = tried(state.rounds.held(run), programme)
    base = f"/workbench/proposals/{run}"
    now = state.board.store.held(run)
    return page(request, "rules_tried.html.j2", found=found, base=base, now=now)


@router.get("/{proposal}/programme.toml")
def programme(request: Request, proposal: str) -> Response:
    """Return the programme that a proposal was made from as a file."""
    state = state_of(request)
    text = toml(programme_in(proposal_of(state.board, state.board.run(proposal).id)))
    headers = {"Content-Disposition": 'attachment; filename="programme.toml"'}
    return Response(text, 200, headers, "application/toml; charset=utf-8")


# --- letters ------------------------------------------------------------------------------------------------


@router.get("/{proposal}/letters/{city}")
def letter(request: Request, proposal: str, city: str, sender: str = "", by: str = "") -> Response:
    """Return the letter of a city, to be looked at and edited before it is sent by whoever sends it."""
    found = _found(state_of(request), proposal)
    written = letters(found["made"], Correspondence(sender=sender[:120], answer_by=by[:60]))
    mine = next((w for w in written if w.city == city), None)
    if mine is None:
        raise QuestionError(Problem("not-found", f"There is no letter to {city[:80]!r}."))
    rows = [r for r in found["table"].pairs if city in r.kept.cities]
    parts: dict[str, Any] = {"letter": mine, "rows": rows, "sender": sender[:120], "by": by[:60]}
    return page(request, "letter.html.j2", tab="letters", **found, **parts)


@router.get("/{proposal}/{name}.zip")
def folder(request: Request, proposal: str, name: str) -> Response:
    """Return dossiers and letters in one file: pages, and the table for a mail merge."""
    state = state_of(request)
    if name not in ("dossiers", "letters"):
        raise QuestionError(Problem("file-unknown", f"There is no file {name[:40]!r}."))
    made = proposal_of(state.board, state.board.run(proposal).id)
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w", zipfile.ZIP_DEFLATED) as packed:
        parts = [("letters", letter_files(made))]
        if name == "dossiers":
            parts.append(("dossiers", dossier_files(made)))
        for place, files in parts:
            for path, content in files:
                packed.writestr(zipfile.ZipInfo(f"{place}/{path}"), content)
    headers = {"Content-Disposition": f'attachment; filename="{quote(name)}.zip"'}
    return Response(stream.getvalue(), 200, headers, "application/zip")
