"""The workbench's pages of rounds: ask, follow, look; rules and what others would change."""

from __future__ import annotations

import json
import os
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Annotated, Any, Final

from fastapi import Depends, Form, Request, Response
from fastapi.responses import RedirectResponse
from starlette.concurrency import run_in_threadpool

from twinmatch.app.decisions import PairRow, RunState, pair_table, pending, run_state
from twinmatch.errors import NoProposalError, Problem, QuestionError
from twinmatch.exporting import EXPORTERS
from twinmatch.exporting.atlas import land, pair_map
from twinmatch.exporting.folder_files import Directory
from twinmatch.exporting.letters import Correspondence, letters
from twinmatch.exporting.spreadsheet import movable
from twinmatch.programmes.programme import Programme
from twinmatch.programmes.twinning import product_of
from twinmatch.proposal import Meeting, Product, Proposal
from twinmatch.proposal.proposal import settings_of
from twinmatch.schema import City
from twinmatch.store.history import HistoryEntry
from twinmatch.web import schemas
from twinmatch.web.auth import Coordinator, Person, Reader, coordinator, pages_router
from twinmatch.web.board import Job
from twinmatch.web.bodies import as_model, one_of
from twinmatch.web.jobs import programme_in, proposal_of
from twinmatch.web.pages import BY_LINK, language, page, wants_fragment
from twinmatch.web.proposals import check_programme, checked, programmes_known
from twinmatch.web.rounds import again, missed, rules_of, toml, tried, with_rules
from twinmatch.web.state import Shared, State
from twinmatch.whatif.stability import choices
from twinmatch.wording import say

router = pages_router("/workbench/proposals")

Text = Annotated[str, Form(max_length=2000)]
ProgrammeText = Annotated[str, Form(max_length=200_000)]


@router.get("")
def proposals(request: Request, state: Shared, upload: str = "") -> Response:
    """Return the latest rounds, and the form that asks for a new one."""
    board = state.board
    status = {run.id: run.status for run in board.store.runs()}
    uploads = [u for u in board.all_uploads() if not u.found.get("errors")]
    rounds: dict[str, list[Job]] = {}
    for job in board.all_jobs(400):
        rounds.setdefault(job.round, []).append(job)
    return page(
        request,
        "proposals.html.j2",
        rounds=[
            (r[0], len(r), status.get(r[0].id, "draft"), _published(r, status))
            for r in rounds.values()
        ],
        names={u.id: u.name for u in board.all_uploads(500)},
        past=len(board.store.past()),
        uploads=uploads,
        upload=upload if any(u.id == upload for u in uploads) else "",
        **programmes_known(),
    )


def _published(versions: list[Job], status: Mapping[str, str]) -> int:
    """Return the number of the version of a round that is published, 0 for none; the newest version comes first."""
    done = [job.id for job in reversed(versions) if job.state == "done"]
    return next((n for n, run in enumerate(done, 1) if status.get(run) == "published"), 0)


def _asked(
    title: Text = "",
    programme: Annotated[list[str] | None, Form()] = None,
    programme_toml: ProgrammeText = "",
    previous: Text = "",
    upload: Text = "",
    hosts: Text = "",
    past: Text = "",
) -> schemas.AskProposal:
    """Return what the form asks for."""
    given = {
        "title": title[:200],
        "programme": (programme or [])[:20],
        "programme_toml": programme_toml.strip(),
        "previous": previous[:40],
        "upload": upload[:40],
        "hosts": hosts[:40] if upload else "",
        "past": bool(past),
    }
    return as_model(schemas.AskProposal, given, "form")


Asked = Annotated[schemas.AskProposal, Depends(_asked)]


@router.post("")
def ask(state: Shared, person: Coordinator, asked: Asked) -> Response:
    """Ask for a proposal and go to its page."""
    title = asked.title.strip() or "Proposal"
    return to_proposal(state.board.ask(title, checked(asked, state.board), person.name))


def to_proposal(proposal: str, more: str = "") -> Response:
    """Return the way to the page of a proposal."""
    return RedirectResponse(f"/workbench/proposals/{proposal}{more}", 303)


@router.post("/check", dependencies=[Depends(coordinator)])
def check(request: Request, state: Shared, asked: Asked) -> Response:
    """Return who lacks what and which rules will bind, before anything is made: nothing is kept."""
    name = "check.html.j2" if wants_fragment(request) else "check_page.html.j2"
    return page(request, name, found=_before_the_run(state, asked))


@dataclass(frozen=True)
class Before:
    """What can be told before a run: gaps by block, who has to be asked, and the rules of the twinning."""

    cities: int
    lacking: tuple[tuple[str, int], ...]
    asks: tuple[tuple[str, tuple[str, ...]], ...]
    product: Product | None
    problems: tuple[Problem, ...]


def _before_the_run(state: State, asked: schemas.AskProposal) -> Before:
    product, problems, cohort = None, tuple[Problem, ...](), state.service.cohort
    try:
        case = state.rounds.of(checked(asked, state.board))
        cohort = case.round.cohort
        product = product_of(case.ready, case.chosen, case.solution)
    except NoProposalError as error:
        problems = tuple(error.problems)
    except QuestionError as error:
        if {p.code for p in error.problems} != {"no-twinning"}:
            raise
    lacking = [(b, sum(not getattr(c, b) for c in cohort.cities)) for b in City.BLOCKS]
    asks: dict[str, tuple[str, ...]] = {}
    for left in product.left_out if product else ():
        if left.ask:
            asks[left.ask] = (*asks.get(left.ask, ()), cohort.city(left.city).name)
    most_first = sorted(lacking, key=lambda item: -item[1])
    by_ask = sorted(sorted(asks.items()), key=lambda item: -len(item[1]))
    return Before(len(cohort), tuple(most_first), tuple(by_ask), product, problems)


# --- one proposal ---------------------------------------------------------------------------------------------

TABS: Final = ("overview", "left-out", "map", "rules", "letters", "history")


def _signature(sender: str = "", by: str = "") -> dict[str, str]:
    """Return who signs the letters, and until when an answer is asked for, as the address of a page says."""
    return {"sender": sender[:120], "by": by[:60]}


Signature = Annotated[dict[str, str], Depends(_signature)]


@router.get("/{proposal}")
def one(
    request: Request,
    state: Shared,
    person: Reader,
    signed: Signature,
    proposal: str,
    tab: str = "overview",
) -> Response:
    """Return a proposal: while it is made its steps, then its tabs."""
    job = state.board.job(proposal)
    if job.state != "done":
        name = "making_part.html.j2" if wants_fragment(request) else "making.html.j2"
        seconds = (datetime.now(UTC) - (job.begun or job.created)).total_seconds()
        problems = [Problem.from_plain(p) for p in job.problems]
        return page(request, name, job=job, seconds=int(seconds), problems=problems)
    if wants_fragment(request):
        there = {"HX-Redirect": f"/workbench/proposals/{proposal}"}
        return Response(status_code=200, headers=there)
    found = looked_at(state, job)
    products = {p.product: p for p in found["made"].products}
    tab = tab if tab in (*products, *TABS) else "overview"
    product = products.get(tab)
    is_pairs = product is not None and product is found["table"].product
    name = ("pairs" if is_pairs else "product") if product else tab.replace("-", "_")
    extra: dict[str, Any] = {"product": product, "movable": (), "splittable": False}
    if product and not is_pairs:
        name_of = found["directory"].name
        extra["movable"] = _by_name((c, name_of(c)) for c in movable(found["made"], product))
        extra["splittable"] = "split" in settings_of(found["made"].made_from, product.product)
    if is_pairs:
        extra["thin"] = len(thin(found))
    elif tab == "overview":
        extra |= _overview(state, job, found, person)
    elif tab == "map":
        extra |= _map(found)
    elif tab == "rules":
        extra |= rules_of(found["made"])
    elif tab == "letters":
        given = Correspondence(language=language(request), edited=found["now"].letters)
        written = sorted(letters(found["made"], given), key=lambda letter: not letter.meetings)
        pairs = (found["now"].consents.get(row.about, {}) for row in found["table"].pairs)
        extra["answers_of"] = {}
        for city, answer in (item for pair in pairs for item in pair.items()):
            extra["answers_of"].setdefault(city, []).append(answer)
        extra |= {"letters": written, "by_mail": "TWINMATCH_SMTP_HOST" in os.environ, **signed}
    return page(request, f"{name}.html.j2", tab=tab, **found, **extra)


def looked_at(state: State, job: Job) -> dict[str, Any]:
    """Return what every page of a proposal shows: the proposal, its round's versions, what was decided, its tables."""
    made, run = proposal_of(state.board, job.id), run_state(job.id, state.board.store)
    answers, all_versions = state.board.desk.answers(job.id), state.board.versions(job.round)
    versions = [v for v in all_versions if v.state == "done" or v.id == job.id]
    directory = Directory(made)
    # What a city said by its link is its own to change.
    undoable = [e for e in run.held.undoable if not e.by.endswith(BY_LINK)]
    upload, at = job.asked.get("upload"), next(k for k, v in enumerate(versions) if v.id == job.id)
    earlier = [v.id for v in versions[:at]]
    return {
        "job": job,
        "made": made,
        "directory": directory,
        "run": run,
        "now": run.held,
        "kept": {m.id: m for m in run.meetings},
        "entry_says": teller(made),
        # A host of several cities by its short name: the button is one line.
        "undo_says": undoable[-1].done(lambda x: directory.name(x).partition(" – ")[0])
        if undoable
        else "",
        "answers": answers,
        "table": pair_table(made, run, answers),
        "pending": pending(made, run),
        "versions": versions,
        "at": at,
        "newer": [v for v in all_versions if v.state in ("waiting", "running")],
        "missed": missed(state.board.store, earlier, run.history),
        "upload": state.board.upload(upload).name if upload else "",
        "base": f"/workbench/proposals/{job.id}",
    }


def _made(state: Shared, proposal: str) -> Job:
    return state.board.job(state.board.run(proposal).id)


Made = Annotated[Job, Depends(_made)]
"""A proposal that was made."""


def _looked(state: Shared, job: Made) -> dict[str, Any]:
    return looked_at(state, job)


Looked = Annotated[dict[str, Any], Depends(_looked)]
"""What every page of a proposal shows."""


def _overview(state: State, job: Job, found: dict[str, Any], person: Person) -> dict[str, Any]:
    """Return what changed since the version before, what happened since somebody looked last, and what can be asked."""
    made, run = found["made"], found["run"]
    guests, hosts = _sides(made)
    before = found["versions"][found["at"] - 1] if found["at"] else None
    looked = state.board.desk.visit(person.trace, job.round)
    return {
        "before": before,
        "changed": state.rounds.difference(before.id, job.id) if before else None,
        "names": {c.id: c.name for c in made.cities},
        "pair_hosts": [_hosts_of(proposal_of(state.board, before.id)), _hosts_of(made)]
        if before
        else [],
        "since": [e for e in run.history if looked and e.at > looked and e.by != person.name],
        "looked": looked,
        "pairs": [m for m in run.meetings if m.host],
        "leavers": _leavers(run, found["directory"]),
        "guests": guests,
        "hosts": hosts,
        "files": EXPORTERS,
        "consents": _counts_of_consent(found),
        "others": [j for j in state.board.all_jobs() if j.state == "done" and j.round != job.round],
    }


def _counts_of_consent(found: dict[str, Any]) -> dict[str, int]:
    """Return how many pairs are agreed to, asked about, declined, and not asked about yet ("")."""
    said = [row.consent for row in found["table"].pairs]
    return {word: said.count(word) for word in ("agreed", "asked", "declined", "")}


def _map(found: dict[str, Any]) -> dict[str, Any]:
    product = found["table"].product
    if product is None or not product.meetings:
        return {"map": None}
    drawn = pair_map(product.meetings, found["directory"])
    return {"map": drawn, "land": land(), "net": network(product, found["directory"])}


def teller(made: Proposal) -> Callable[[HistoryEntry], str]:
    """Return what says an entry of the history with the names of a proposal."""
    directory = Directory(made)
    return lambda e: e.told(directory.name)


def _by_name(named: Any) -> list[tuple[str, str]]:
    return sorted(named, key=lambda item: item[1])


def _leavers(run: RunState, directory: Directory) -> list[tuple[str, str]]:
    """Return who is in a pair and can withdraw, id and name: guests, hosts and host units."""
    ids = {id_ for m in run.meetings if m.host for id_ in m.about}
    return _by_name((id_, directory.name(id_)) for id_ in ids)


def _sides(made: Proposal) -> tuple[list[tuple[str, str]], list[tuple[str, str]]]:
    """Return guests and hosts of the twinning, id and name, for the form that asks "why not"."""
    hosts = [c for c in made.cities if "mission" in c.roles or "pilot" in c.roles]
    guests = ((c.id, c.name) for c in made.cities if "guest" in c.roles)
    named = [(c.id, c.name) for c in hosts] + [(u.id, u.name) for u in made.units]
    return _by_name(guests), _by_name(named)


@router.get("/{proposal}/account")
def account(request: Request, state: Shared, proposal: str, product: str, meeting: str) -> Response:
    """Return the account of a meeting."""
    made = proposal_of(state.board, proposal)
    meetings = (m for p in made.products if p.product == product for m in p.meetings)
    named = (m for m in meetings if m.id == meeting)
    found = one_of(named, say("There is no meeting {meeting}.", meeting=repr(meeting[:80])))
    name = "account.html.j2" if wants_fragment(request) else "account_page.html.j2"
    return page(request, name, meeting=found, directory=Directory(made), proposal=proposal)


@router.post("/{proposal}/again")
def solve_again(
    state: Shared, person: Coordinator, proposal: str, programme_toml: ProgrammeText = ""
) -> Response:
    """Ask for the next version of the round under what is decided now, and under other rules where they are given."""
    job, now = state.board.job(proposal), state.board.store.held(state.board.run(proposal).id)
    asked = again(state.board, job, now)
    if programme_toml.strip():
        check_programme(programme_toml)
        asked["programme_toml"] = programme_toml
    # Asked for twice, by two people or two clicks, it is made once.
    mine = json.dumps(asked, sort_keys=True)
    open_ = (v for v in state.board.versions(job.round) if not v.has_ended)
    same = next((v.id for v in open_ if json.dumps(v.asked, sort_keys=True) == mine), None)
    return to_proposal(same or state.board.ask(job.title, asked, person.name))


@router.get("/{proposal}/compare")
def compare(request: Request, state: Shared, proposal: str, other: str) -> Response:
    """Return two proposals side by side, the other one before, this one after."""
    jobs = [state.board.job(other), state.board.job(proposal)]
    made = [proposal_of(state.board, j.id) for j in jobs]
    found = state.rounds.difference(other, proposal)
    names = {c.id: c.name for m in made for c in m.cities}
    parts: dict[str, Any] = {"jobs": jobs, "made": made, "found": found, "names": names}
    rounds = [[v.id for v in state.board.versions(j.round) if v.state == "done"] for j in jobs]
    parts["numbers"] = [ids.index(j.id) + 1 for ids, j in zip(rounds, jobs, strict=True)]
    return page(request, "compare.html.j2", **parts, hosts=[*map(_hosts_of, made)])


def _hosts_of(made: Proposal) -> dict[str, tuple[str, float]]:
    """Return host and score, in [0, 1], of each guest of the twinning."""
    names = Directory(made)
    pairs = [m for p in made.products if p.product == "twinning" for m in p.meetings]
    return {g: (names.host(m), m.score) for m in pairs for g in m.cities("guest")}


@router.post("/{proposal}/cancel")
def cancel(state: Shared, person: Coordinator, proposal: str) -> Response:
    """Stop a proposal that is being made."""
    state.board.end(proposal, "cancelled", who=person.trace)
    return to_proposal(proposal)


@router.get("/{proposal}/committee")
def committee(request: Request, found: Looked) -> Response:
    """Return the agenda of a meeting: what has to be decided first, then who is refused and why."""
    agenda = list(found["table"].agenda(gate(found["made"])))
    return page(request, "committee.html.j2", tab="committee", **found, agenda=agenda)


def gate(made: Proposal) -> float:
    """Return the part of the weights below which too little is known of a pair: a third where the gate is lower."""
    settings = programme_in(made.made_from).twinning
    return max(settings.known_at_least if settings else 0.0, 1 / 3)


def thin(found: dict[str, Any]) -> list[PairRow]:
    """Return the pairs of which too little is known."""
    least = gate(found["made"])
    return [r for r in found["table"].pairs if r.meeting.account.coverage < least]


# --- rules ------------------------------------------------------------------------------------------------------


@router.post("/{proposal}/rules", dependencies=[Depends(coordinator)])
async def rules(request: Request, state: Shared, proposal: str) -> Response:
    """Return what other rules would change; nothing is kept."""
    form = {k: v for k, v in (await request.form(max_fields=2000)).items() if isinstance(v, str)}
    return await run_in_threadpool(_tried, request, state, proposal, form)


def _tried(request: Request, state: State, proposal: str, form: dict[str, str]) -> Response:
    job = _made(state, proposal)
    made = proposal_of(state.board, job.id)
    return what_would_change(request, state, job, with_rules(made, form))


def what_would_change(request: Request, state: State, job: Job, programme: Programme) -> Response:
    """Return what another programme changes of a proposal, and the form that keeps it."""
    made, now = proposal_of(state.board, job.id), state.board.store.held(job.id)
    found, names = tried(state.rounds, job, made, programme), {c.id: c.name for c in made.cities}
    base = f"/workbench/proposals/{job.id}"
    return part_of(request, "rules_tried", job, found=found, base=base, now=now, names=names)


@router.get("/{proposal}/programme.toml")
def programme(state: Shared, job: Made) -> Response:
    """Return the programme that a proposal was made from as a file."""
    text = toml(programme_in(proposal_of(state.board, job.id).made_from))
    return file_of(text, "programme.toml", "application/toml; charset=utf-8")


def file_of(content: str | bytes, name: str, media: str) -> Response:
    """Return a file to be kept under a name."""
    return Response(content, 200, {"Content-Disposition": f'attachment; filename="{name}"'}, media)


@router.get("/{proposal}/frontier")
def frontier(request: Request, state: Shared, job: Made) -> Response:
    """Return the named proposals that the same rules allow: each best in one respect, with what it gives up."""
    return part_of(request, "frontier", job, found=choices(state.rounds.case(job.id)))


def part_of(request: Request, name: str, job: Job, **parts: Any) -> Response:
    """Return what htmx puts into a proposal's page, or the same as a page of its own."""
    if wants_fragment(request):
        return page(request, f"{name}.html.j2", job=job, **parts)
    return page(request, "part_page.html.j2", job=job, part=name, **parts)


# --- pairs in two columns -------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Knot:
    """A guest or host of the network: its name, and where it stands."""

    name: str
    y: float


@dataclass(frozen=True)
class Net:
    """Guests on the left, hosts on the right, a line for each meeting, as thick as its score."""

    guests: tuple[Knot, ...]
    hosts: tuple[Knot, ...]
    lines: tuple[tuple[float, float, float, str], ...]
    height: float


def network(product: Product, directory: Directory) -> Net:
    """Return a product of pairs as a picture in two columns, in the order of the hosts."""
    hosts: dict[str, list[tuple[str, Meeting]]] = {}
    for m in product.meetings:
        for guest in m.cities("guest"):
            hosts.setdefault(directory.host(m), []).append((guest, m))
    row, y = 22.0, 20.0
    left: dict[str, float] = {}
    right, lines = [], []
    for host in sorted(hosts):
        first = y
        for guest, _ in hosts[host]:
            if guest not in left:
                left[guest] = y
                y += row
        y = max(y, first + row)
        middle = (first + y - row) / 2
        right.append(Knot(host, middle))
        for guest, m in hosts[host]:
            title = f"{directory.name(guest)} – {host}: {100 * m.score:.0f}"
            lines.append((left[guest], middle, round(0.8 + 3 * m.score, 1), title))
    knots = tuple(Knot(directory.name(g), at) for g, at in left.items())
    return Net(knots, tuple(right), tuple(lines), y + 10)
