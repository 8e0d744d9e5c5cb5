"""The workbench's pages on which something is decided: one pair, several, an applicant, prices, repairs."""

from __future__ import annotations

import time
from collections.abc import Callable, Collection, Sequence
from contextlib import suppress
from datetime import UTC, datetime
from typing import Annotated, Any, Final

from fastapi import Depends, Form, Query, Request, Response, UploadFile
from fastapi.responses import RedirectResponse

from twinmatch.app.decided import decisions_of
from twinmatch.app.decisions import decided_so_far, moved, not_yet, run_state
from twinmatch.app.group_moves import group_moves, group_of, group_split, with_rules_changed
from twinmatch.errors import QuestionError
from twinmatch.exporting.folder_files import Directory
from twinmatch.store.history import (
    CONSENTS,
    DECISIONS,
    STEPS,
    About,
    HistoryEntry,
    RunSnapshot,
    held,
)
from twinmatch.web.auth import Committee, Coordinator, Person, coordinator, pages_router
from twinmatch.web.bodies import one_of
from twinmatch.web.desk import WorkedOut
from twinmatch.web.jobs import programme_in, proposal_of
from twinmatch.web.pages import own, page, wants_fragment
from twinmatch.web.rounds_pages import (
    Looked,
    Made,
    Text,
    gate,
    part_of,
    teller,
    thin,
    to_proposal,
    what_would_change,
)
from twinmatch.web.sandbox import scratch
from twinmatch.web.state import Shared, State
from twinmatch.whatif.by_hand import Edit, edits, options, solved_with
from twinmatch.whatif.prices import Priced
from twinmatch.whatif.repair import Disruption
from twinmatch.whatif.repair import Kind as OfferKind
from twinmatch.wording import say

router = pages_router("/workbench/proposals")

STEP: Final = 0.5
"""Seconds for which prices are worked out before those are shown that are there."""

Version = Annotated[int, Form(ge=0, le=1_000_000)]
Kind = Annotated[str, Form(max_length=20)]
Name = Annotated[str, Form(max_length=200)]
Names = Annotated[list[Name] | None, Form(max_length=5000)]
Number = Annotated[int, Query(ge=1, le=20)]


@router.post("/{proposal}/decisions")
def decide(
    request: Request,
    state: Shared,
    person: Committee,
    job: Made,
    kind: Kind,
    version: Version,
    one: Name = "",
    other: Name = "",
    city: Name = "",
    why: Text = "",
    back: Annotated[str, Form(max_length=400)] = "",
) -> Response:
    """Write a decision as the proposal was seen, and go back to where it was made; a committee may comment."""
    if kind != "note":
        coordinator.checked(request)
    run, pair = job.id, {"one": one, "other": other, "city": city, "why": " ".join(why.split())}
    try:
        state.board.store.add(run, kind, person.name, **pair, seen=version)
    except QuestionError as error:
        mine = {"kind": kind, **pair, "back": back}
        return conflict(request, state, run, version, "decisions", list(mine.items()), error)
    if kind == "publish":
        state.board.replace_published(run, person.name)
    return _back_to(run, back)


def _back_to(run: str, back: str, tab: str = "overview") -> Response:
    """Return the way to the page of a proposal that something was decided on, and on it to where the focus was."""
    if back.startswith(tuple(f"/workbench/proposals/{run}{end}" for end in "/?#")):
        return RedirectResponse(own(back), 303)
    return to_proposal(run, f"?tab={tab}#part")


def conflict(
    request: Request,
    state: State,
    run: str,
    version: int,
    action: str,
    mine: list[tuple[str, str]],
    error: QuestionError,
) -> Response:
    """Return what others decided meanwhile, and the form that writes mine after theirs; raises any other error."""
    if error.problems[0].code != "changed-meanwhile":
        raise error
    history, made = state.board.store.history(run), proposal_of(state.board, run)
    at = f"/{action}" if action.startswith("letters/") else ""
    now, kind = held(history), dict(mine).get("kind", "")
    is_closed = now.status != "draft" and kind in DECISIONS and kind not in {"note", "assign"}
    return page(
        request,
        "conflict.html.j2",
        412,
        proposal=run,
        action=action,
        later=[e for e in history if e.number > version],
        entry_says=teller(made),
        now=now,
        is_closed=is_closed,
        mine=mine,
        told=_told(mine, teller(made)),
        go_on=own(dict(mine).get("back") or f"/workbench/proposals/{run}{at}"),
    )


def _told(mine: list[tuple[str, str]], says: Callable[[HistoryEntry], str]) -> str:
    """Return in words what a form decides, or its text."""
    form, pairs = dict(mine), _pairs([pair for name, pair in mine if name == "pair"])
    kind = form.get("kind", "lock" if "group" in form else "")
    if kind not in (*DECISIONS, *CONSENTS, *STEPS):
        return form.get("text", kind)
    about = (form.get("one", form.get("city", "")), form.get("other", form.get("group", "")))
    who, why = form.get("city", ""), form.get("why", "")
    now = datetime.now(UTC)
    return "; ".join(
        says(HistoryEntry(0, now, "", kind, *pair, who, why)) for pair in pairs or [about]
    )


@router.post("/{proposal}/missed")
def take_over(state: Shared, person: Coordinator, found: Looked) -> Response:
    """Write here too what was said on earlier versions, in the name of who said it; what this version lacks is left."""
    run = found["job"].id
    for _, e in found["missed"]:
        with suppress(QuestionError):
            state.board.store.add(
                run, e.kind, e.by, one=e.one, other=e.other, city=e.city, why=e.why
            )
    return to_proposal(run, "#round")


# --- decisions on several pairs -----------------------------------------------------------------------------


def _decide_all(
    request: Request,
    state: State,
    person: Person,
    run: str,
    action: str,
    given: dict[str, Any],
    decisions: Sequence[tuple[str, tuple[str, str], str]],
    tab: str = "twinning",
) -> Response:
    """Write decisions on several pairs in one step, all of them or none, if nothing was decided since they were seen."""
    step = [{"kind": k, "one": one, "other": other, "why": w} for k, (one, other), w in decisions]
    try:
        if step:
            state.board.store.add_all(run, person.name, step, given["version"])
    except QuestionError as error:
        mine = [(k, str(v)) for k, v in given.items() if k != "version"]
        same = given.get("kind")
        mine += [("pair" if k == same else "undo", " ".join(pair)) for k, pair, _ in decisions]
        return conflict(request, state, run, given["version"], action, mine, error)
    return _back_to(run, str(given.get("back", "")), tab)


def _pairs(given: list[str] | None) -> list[tuple[str, str]]:
    """Return pairs of a form: each stands in it as the ids of its guest and host, a space between."""
    split = [pair.split(" ", 1) for pair in given or []]
    return [(p[0], p[1]) for p in split if len(p) == 2]


@router.post("/{proposal}/bulk")
def bulk(
    request: Request,
    state: Shared,
    person: Coordinator,
    found: Looked,
    kind: Kind,
    version: Version,
    pair: Names = None,
    which: Annotated[str, Form(max_length=20)] = "ticked",
    why: Text = "",
) -> Response:
    """Decide alike on the pairs that are ticked, on all robust ones, or on all of which too little is known."""
    chosen = {
        "robust": [r.about for r in found["table"].pairs if r.standing == "robust"],
        "thin": [r.about for r in thin(found)],
    }.get(which, _pairs(pair))
    if not chosen:
        do = say("Tick some, or have it worked out first which pairs are robust.")
        raise QuestionError.of("meeting-missing", say("No pair was chosen."), do=do)
    given = {
        "kind": kind,
        "version": version,
        "why": why,
        "back": f"{found['base']}?tab=twinning#bulk",
    }
    decisions = [(kind, p, why) for p in chosen]
    return _decide_all(request, state, person, found["job"].id, "bulk", given, decisions)


@router.post("/{proposal}/keep")
def keep(
    request: Request,
    state: Shared,
    person: Coordinator,
    job: Made,
    kind: Kind,
    version: Version,
    pair: Names = None,
    undo: Names = None,
    back: Annotated[str, Form(max_length=400)] = "",
) -> Response:
    """Keep a change by hand as decisions: each pair that it makes is locked or held, what it undoes is released."""
    given: dict[str, Any] = {"kind": kind, "version": version, "back": back}
    made = _pairs(pair)
    now, moved = state.board.store.held(job.id), {guest for guest, _ in made}
    gone = {*_pairs(undo), *(p for p in _must(now, moved) if p not in made)}
    decisions = [("release", p, "") for p in sorted(gone)] + [(kind, p, "") for p in made]
    return _decide_all(request, state, person, job.id, "keep", given, decisions)


@router.post("/{proposal}/workbook")
def workbook(
    request: Request,
    state: Shared,
    person: Coordinator,
    job: Made,
    version: Version,
    file: UploadFile,
) -> Response:
    """Take the decisions of a workbook in one step; those that hold already are passed over.

    Where its rules were changed, what that would change is shown next, to be kept or not.
    """
    made, store = proposal_of(state.board, job.id), state.board.store
    with scratch() as folder:
        path = folder / "proposal.xlsx"
        path.write_bytes(file.file.read(state.settings.most_upload))
        sheet, rules = decisions_of(path, state.rounds.round(job).cohort, made.made_from)
    programme = with_rules_changed(programme_in(made.made_from), [rules]) if rules else None
    run = run_state(job.id, store)
    if step := not_yet(run, decided_so_far(store, job.id, run.held), sheet.found):
        store.add_all(job.id, person.name, step, version)
    if programme is not None:
        return what_would_change(request, state, job, programme)
    return to_proposal(job.id, "?tab=history" if step else "?tab=overview")


# --- one pair, one applicant --------------------------------------------------------------------------------


@router.get("/{proposal}/pairs/{meeting}")
def pair(
    request: Request, found: Looked, proposal: str, meeting: str, agenda: str = ""
) -> Response:
    """Return all about one pair: why, consent, what if one declines, another host, the account, comments.

    With ``agenda`` the pairs before and after it are those of the committee's agenda.
    """
    table = found["table"]
    steps = list(table.agenda(gate(found["made"]))) if agenda else [("", table.pairs)]
    order = [(reason, row) for reason, rows in steps for row in rows]
    places = (k for k, (_, row) in enumerate(order) if row.meeting.id == meeting)
    place = one_of(places, say("There is no pair {meeting}.", meeting=repr(meeting[:80])))
    reason, row = order[place]
    parts = {"row": row, "guest": row.about[0], "meeting": row.meeting, "place": place}
    parts |= {"proposal": proposal, "order": [r for _, r in order]}
    parts |= {"reason": reason, "is_last": all(r == "done" for r, _ in order[place + 1 :])}
    return page(request, "pair_page.html.j2", tab="twinning", **found, **parts)


@router.get("/{proposal}/guests/{guest}")
def guest(request: Request, found: Looked, guest: str) -> Response:
    """Return why an applicant has no place, and what a place would cost."""
    mine = (r.left for r in found["table"].unplaced if r.city == guest)
    left = one_of(mine, say("{guest} is not without a place here.", guest=repr(guest[:80])))
    return page(request, "guest.html.j2", tab="left-out", **found, guest=guest, left=left)


@router.get("/{proposal}/hosts/{guest}")
def hosts(request: Request, state: Shared, job: Made, guest: str, back: str = "") -> Response:
    """Return the form that gives a guest another host, with every host that it could have; the round is read for it."""
    case = state.rounds.held(job.id)
    parts: dict[str, Any] = {"options": (), "guest": guest, "at_now": (), "return_to": back[:400]}
    with suppress(QuestionError):  # it is no guest of the round
        parts["options"] = list(options(case, guest))
        g = case.ready.frame.guests.index(case.round.cohort.find(guest))
        parts["at_now"] = [case.hosts[h].id for h in case.host_of(g)]
    return page(request, "choose_host.html.j2", base=f"/workbench/proposals/{job.id}", **parts)


@router.get("/{proposal}/price")
def price(
    request: Request, state: Shared, job: Made, guest: str = "", host: str = "", back: str = ""
) -> Response:
    """Return what it costs to give a guest a host by hand, at once: nothing is solved."""
    case, now = state.rounds.held(job.id), state.board.store.held(job.id)
    found = edits(case, guest[:120], host[:120])
    parts: dict[str, Any] = {"found": [(e, _undone(now, e)) for e in found]}
    parts["names"] = Directory(proposal_of(state.board, job.id)).name
    parts["host_name"] = next(h.name for h in case.hosts if h.id == host)
    parts |= {"guest": guest, "host": host, "guest_name": case.round.cohort.city(guest).name}
    parts["return_to"] = back[:400]
    base = f"/workbench/proposals/{job.id}"
    return page(request, "price.html.j2", now=now, base=base, **parts)


def _undone(now: RunSnapshot, edit: Edit) -> list[About]:
    """Return the pairs that were decided to meet and that a change by hand parts."""
    moved = {move.guest for move in edit.outcome.moves}
    return [p for p in _must(now, moved) if p not in edit.pairs]


def _must(now: RunSnapshot, guests: Collection[str]) -> list[About]:
    """Return the pairs of some guests that were decided to meet."""
    return [p for p in now.wanted[0] if p.one in guests and not group_of(p)]


@router.get("/{proposal}/price/solved")
def price_solved(
    request: Request, state: Shared, job: Made, guest: str = "", host: str = ""
) -> Response:
    """Return what the best round with a pair costs, everybody else free to move and the guest from what was decided."""
    outcome = solved_with(state.rounds.case(job.id, guest), guest[:120], host[:120])
    base = f"/workbench/proposals/{job.id}"
    parts: dict[str, Any] = {"guest": guest, "host": host, "base": base}
    return page(request, "price_solved.html.j2", outcome=outcome, **parts)


# --- a city in a group --------------------------------------------------------------------------------------


@router.get("/{proposal}/moves", dependencies=[Depends(coordinator)])
def moves(
    request: Request, state: Shared, job: Made, city: str = "", product: str = ""
) -> Response:
    """Return what it costs to put a city in each group, and which rules that breaks; nothing is solved."""
    made, now = proposal_of(state.board, job.id), state.board.store.held(job.id)
    found = group_moves(state.rounds.round(job), made, city[:120], product[:40])
    parts = {"city": city, "product": product, "now": now, "directory": Directory(made)}
    return part_of(request, "moves", job, found=found, **parts)


@router.get("/{proposal}/split", dependencies=[Depends(coordinator)])
def split(
    request: Request, state: Shared, job: Made, meeting: str = "", number: Number = 2
) -> Response:
    """Return what another number of groups of a theme changes, solved again; nothing is kept."""
    made, now = proposal_of(state.board, job.id), state.board.store.held(job.id)
    found = group_split(state.rounds.round(job), made, meeting[:120], number)
    return part_of(request, "split", job, found=found, now=now, directory=Directory(made))


@router.post("/{proposal}/keep-group")
def keep_group(
    request: Request,
    state: Shared,
    person: Coordinator,
    job: Made,
    city: Name,
    group: Name,
    version: Version,
    beside: Name = "",
) -> Response:
    """Lock a city in a group, in place of any other of its locks in groups; it holds once solved again.

    ``beside`` is locked there too, unless another city is already.
    """
    product, locks = group.partition(":")[0], state.board.store.held(job.id).locks
    decisions = [(e["kind"], About(e["one"], e["other"]), "") for e in moved(locks, city, group)]
    if beside and all(p[1] != group for p in locks if p[0] != city):
        decisions.append(("lock", About(beside, group), ""))
    given = {"city": city, "group": group, "version": version}
    given["back"] = f"/workbench/proposals/{job.id}?tab={product}#decided"
    return _decide_all(request, state, person, job.id, "keep-group", given, decisions, product)


# --- what is asked before deciding --------------------------------------------------------------------------


@router.get("/{proposal}/why-not")
def why_not(
    request: Request, state: Shared, job: Made, guest: str = "", host: str = ""
) -> Response:
    """Return why a guest and a host do not meet."""
    found = state.rounds.why_not(job.id, guest.strip()[:120], host.strip()[:120])
    return part_of(request, "why_not", job, found=found, now=state.board.store.held(job.id))


@router.get("/{proposal}/prices")
def prices(
    request: Request, state: Shared, job: Made, at: Annotated[int, Query(ge=0)] | None = None
) -> Response:
    """Return what each rule, lock and ban costs, and what one more place at each host is worth.

    To htmx the prices go as they are worked out: the next ones from ``at`` on; past the last of them all, as a list.
    """
    asked = state.rounds.price_questions(job.id)
    if not wants_fragment(request) or (at is not None and at >= len(asked)):
        return part_of(request, "prices", job, found=state.rounds.prices(job.id))
    begun, found = time.monotonic(), list[Priced]()
    while at is not None and at + len(found) < len(asked) and time.monotonic() < begun + STEP:
        found.append(asked[at + len(found)].priced)
    parts = {"found": found, "first": at is None, "at": (at or 0) + len(found), "all": len(asked)}
    return part_of(request, "prices_step", job, **parts)


@router.post("/{proposal}/answers", dependencies=[Depends(coordinator)])
def work_out(state: Shared, job: Made, what: Annotated[WorkedOut, Form()]) -> Response:
    """Have something worked out of a proposal while everybody goes on."""
    state.board.desk.want(job.id, what)
    return to_proposal(job.id, "?tab=twinning#standing")


AtMost = Annotated[int, Form(ge=0, le=100)]


def _change_of(withdrawn: Names = None, refused: Names = None) -> Disruption:
    """Return what a form says has happened."""
    return Disruption(tuple(withdrawn or []), tuple(_pairs(refused)))


Change = Annotated[Disruption, Depends(_change_of)]


@router.post("/{proposal}/repair", dependencies=[Depends(coordinator)])
def repair(
    request: Request, state: Shared, job: Made, change: Change, at_most: AtMost = 3
) -> Response:
    """Return the offers after withdrawals and refusals; nothing is changed."""
    found = state.rounds.repair(job.id, change, at_most)
    refused = [" ".join(pair) for pair in change.refused]
    happened = {"withdrawn": change.withdrawn, "refused": refused, "at_most": [at_most]}
    return part_of(request, "repair", job, found=found, happened=happened)


@router.post("/{proposal}/repair/take")
def take(
    state: Shared,
    person: Coordinator,
    job: Made,
    change: Change,
    offer: Annotated[OfferKind, Form()],
    at_most: AtMost = 3,
) -> Response:
    """Make a further proposal of an offer, and go to where the two stand side by side."""
    made = state.rounds.take(job.id, change, at_most, offer, person.name)
    return to_proposal(made, f"/compare?other={job.id}")
