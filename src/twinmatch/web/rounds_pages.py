"""The workbench's pages of proposals: ask, follow, look, decide, ask why not, solve again, compare, publish."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Annotated, Any, Final

from fastapi import APIRouter, Depends, Form, Request, Response
from fastapi.responses import RedirectResponse

from twinmatch.app.decisions import RunState, run_state
from twinmatch.app.pair_rows import pair_table, pending
from twinmatch.errors import NoProposalError, Problem, QuestionError
from twinmatch.exporting import EXPORTERS
from twinmatch.exporting.atlas import land, pair_map
from twinmatch.exporting.folder_files import Directory
from twinmatch.exporting.letters import letters
from twinmatch.exporting.words import is_paired
from twinmatch.programmes.programme import bundled_names, recipe_names
from twinmatch.programmes.twinning import product_of
from twinmatch.proposal import Meeting, Product, Proposal
from twinmatch.store import HistoryEntry
from twinmatch.web import schemas
from twinmatch.web.auth import (
    Coordinator,
    GuardedRoute,
    Person,
    Reader,
    coordinator,
    reader,
)
from twinmatch.web.board import Job
from twinmatch.web.jobs import proposal_of
from twinmatch.web.network import network
from twinmatch.web.pages import page, wants_fragment
from twinmatch.web.proposals import check_programme, checked
from twinmatch.web.queries import as_model
from twinmatch.web.round_rules import rules_of
from twinmatch.web.rounds import again
from twinmatch.web.state import State, state_of

router = APIRouter(
    prefix="/workbench/proposals",
    include_in_schema=False,
    dependencies=[Depends(reader)],
    route_class=GuardedRoute,
)

Text = Annotated[str, Form(max_length=2000)]


@router.get("")
def proposals(request: Request, upload: str = "") -> Response:
    """Return the latest rounds, and the form that asks for a new one."""
    state = state_of(request)
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
            (found[0], len(found), status.get(found[0].id, "draft")) for found in rounds.values()
        ],
        names={u.id: u.name for u in board.all_uploads(500)},
        past=len(board.store.past()),
        uploads=uploads,
        upload=upload if any(u.id == upload for u in uploads) else "",
        bundled=bundled_names(),
        recipes=[n for n in recipe_names() if n not in bundled_names()],
    )


def _asked(
    title: Text = "",
    programme: Annotated[list[str] | None, Form()] = None,
    programme_toml: Annotated[str, Form(max_length=200_000)] = "",
    previous: Text = "",
    upload: Text = "",
    past: Text = "",
) -> schemas.AskProposal:
    """Return what the form asks for."""
    given = {
        "title": title[:200],
        "programme": (programme or [])[:20],
        "programme_toml": programme_toml.strip(),
        "previous": previous[:40],
        "upload": upload[:40],
        "past": bool(past),
    }
    return as_model(schemas.AskProposal, given, "form")


Asked = Annotated[schemas.AskProposal, Depends(_asked)]


@router.post("")
def ask(request: Request, person: Coordinator, asked: Asked) -> Response:
    """Ask for a proposal and go to its page."""
    board = state_of(request).board

    found = board.ask(asked.title.strip() or "Proposal", checked(asked, board), person.name)
    return RedirectResponse(f"/workbench/proposals/{found}", 303)


@router.post("/check", dependencies=[Depends(coordinator)])
def check(request: Request, asked: Asked) -> Response:
    """Return who lacks what and which rules will bind, before anything is made: nothing is kept."""
    state = state_of(request)
    found = _before_the_run(state, asked)
    name = "check.html.j2" if wants_fragment(request) else "check_page.html.j2"
    return page(request, name, found=found)


@dataclass(frozen=True)
class Before:
    """What can be told before a run: gaps by block, who has to be asked, and the rules of the twinning."""

    cities: int
    lacking: tuple[tuple[str, int], ...]
    asks: tuple[tuple[str, tuple[str, ...]], ...]
    product: Product | None
    problems: tuple[Problem, ...]


def _before_the_run(state: State, asked: schemas.AskProposal) -> Before:
    content = checked(asked, state.board)
    product: Product | None = None
    problems: tuple[Problem, ...] = ()
    cohort = state.service.cohort
    try:
        case = state.rounds.of(content)
        cohort = case.round.cohort
        product = product_of(case.round, case.settings, case.ready, case.chosen, case.solution)
    except NoProposalError as error:
        problems = error.problems
    except QuestionError as error:
        if {p.code for p in error.problems} != {"no-twinning"}:
            raise
    from twinmatch.schema import City

    lacking = [(b, sum(not getattr(c, b) for c in cohort.cities)) for b in City.BLOCKS]
    asks: dict[str, list[str]] = {}
    names = {c.id: c.name for c in cohort.cities}
    for left in product.left_out if product else ():
        if left.ask:
            asks.setdefault(left.ask, []).append(names[left.city])
    return Before(
        len(cohort),
        tuple(sorted(lacking, key=lambda item: -item[1])),
        tuple((a, tuple(c)) for a, c in sorted(asks.items(), key=lambda i: -len(i[1]))),
        product,
        tuple(problems),
    )


TABS: Final = ("overview", "left-out", "map", "rules", "letters", "history")


@router.get("/{proposal}")
def one(request: Request, person: Reader, proposal: str, tab: str = "overview") -> Response:
    """Return a proposal: while it is made its steps, then its tabs."""
    state = state_of(request)
    job = state.board.job(proposal)
    if job.state != "done":
        name = "making_part.html.j2" if wants_fragment(request) else "making.html.j2"
        return page(request, name, job=job, seconds=_seconds(job))
    if wants_fragment(request):
        return Response(
            status_code=200, headers={"HX-Redirect": f"/workbench/proposals/{proposal}"}
        )
    found = looked_at(state, job)
    products = {p.product: p for p in found["made"].products}
    tab = tab if tab in (*products, *TABS) else "overview"
    product = products.get(tab)
    paired = bool(product and is_paired(product))
    name = ("pairs" if paired else "product") if product else tab.replace("-", "_")
    extra: dict[str, Any] = {"product": product, "paired": paired}
    if tab == "overview":
        extra |= _overview(state, job, found, person)
    elif tab == "map":
        extra |= _map(found)
    elif tab == "rules":
        extra |= rules_of(found["made"])
    elif tab == "letters":
        extra["letters"] = letters(found["made"])
        extra["takes"] = {c for c, n in _counts_of_consent(found).items() if n}
    return page(request, f"{name}.html.j2", tab=tab, **found, **extra)


def _seconds(job: Job) -> int:
    return int((datetime.now(UTC) - (job.begun or job.created)).total_seconds())


def looked_at(state: State, job: Job) -> dict[str, Any]:
    """Return what every page of a proposal shows: the proposal, its round's versions, what was decided, its tables."""
    made, run = proposal_of(state.board, job.id), run_state(job.id, state.board.store)
    answers = state.board.desk.answers(job.id)
    versions = [v for v in state.board.versions(job.round) if v.state == "done" or v.id == job.id]
    place = next(k for k, v in enumerate(versions) if v.id == job.id)
    return {
        "job": job,
        "made": made,
        "directory": Directory(made),
        "run": run,
        "now": run.held,
        "kept": {m.id: m for m in run.meetings},
        "entry_says": teller(made),
        "answers": answers,
        "table": pair_table(made, run, answers),
        "pending": pending(made, run),
        "versions": versions,
        "at": place,
        "newer": [v for v in state.board.versions(job.round) if v.state in ("waiting", "running")],
        "upload": _upload_name(state, job),
        "base": f"/workbench/proposals/{job.id}",
    }


def _upload_name(state: State, job: Job) -> str:
    upload = job.asked.get("upload")
    return state.board.upload(upload).name if upload else ""


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
    counts = dict.fromkeys(("agreed", "asked", "declined", ""), 0)
    for row in found["table"].pairs:
        counts[row.consent] += 1
    return counts


def _map(found: dict[str, Any]) -> dict[str, Any]:
    product = found["table"].product
    if product is None or not product.meetings:
        return {"map": None}
    drawn = pair_map(product.meetings, found["directory"])
    return {"map": drawn, "land": land(), "net": network(product, found["directory"])}


def teller(made: Proposal) -> Callable[[HistoryEntry], str]:
    """Return what says an entry of the history with the names of a proposal."""
    directory = Directory(made)
    labels = {m.id: directory.title(m) for p in made.products for m in p.meetings}
    return lambda e: e.told(lambda key: labels.get(key) or directory.name(key))


def _leavers(run: RunState, directory: Directory) -> list[tuple[str, str]]:
    """Return who is in a pair and can withdraw, id and name: guests, hosts and host units."""
    ids = {id_ for m in run.meetings if m.host for id_ in m.about}
    return sorted(((id_, directory.name(id_)) for id_ in ids), key=lambda item: item[1])


def _sides(made: Proposal) -> tuple[list[tuple[str, str]], list[tuple[str, str]]]:
    """Return guests and hosts of the twinning, id and name, for the form that asks "why not"."""
    guests = [(c.id, c.name) for c in made.cities if "guest" in c.roles]
    hosts = [(c.id, c.name) for c in made.cities if "mission" in c.roles or "pilot" in c.roles]
    hosts += [(unit.id, unit.name) for unit in made.units]
    return sorted(guests, key=lambda g: g[1]), sorted(hosts, key=lambda h: h[1])


def meeting_of(made: Proposal, product: str, meeting: str) -> tuple[Product, Meeting]:
    """Return a meeting of a proposal; raises QuestionError where there is none."""
    for p in made.products:
        for m in p.meetings:
            if p.product == product and m.id == meeting:
                return p, m
    raise QuestionError(Problem("not-found", f"There is no meeting {meeting[:80]!r}."))


@router.get("/{proposal}/account")
def account(request: Request, proposal: str, product: str, meeting: str) -> Response:
    """Return the account of a meeting."""
    made = proposal_of(state_of(request).board, proposal)
    _, found = meeting_of(made, product, meeting)
    name = "account.html.j2" if wants_fragment(request) else "account_page.html.j2"
    return page(request, name, meeting=found, directory=Directory(made), proposal=proposal)


@router.post("/{proposal}/again")
def solve_again(
    request: Request,
    person: Coordinator,
    proposal: str,
    programme_toml: Annotated[str, Form(max_length=200_000)] = "",
) -> Response:
    """Ask for the next version of the round under what is decided now, and under other rules where they are given."""
    state = state_of(request)

    job, now = state.board.job(proposal), state.board.store.held(state.board.run(proposal).id)
    asked = again(state.board, job, now)
    if programme_toml.strip():
        check_programme(programme_toml)
        asked["programme_toml"] = programme_toml
    found = state.board.ask(job.title, asked, person.name)
    return RedirectResponse(f"/workbench/proposals/{found}", 303)


@router.get("/{proposal}/compare")
def compare(request: Request, proposal: str, other: str) -> Response:
    """Return two proposals side by side, the other one before, this one after."""
    state = state_of(request)

    jobs = [state.board.job(other), state.board.job(proposal)]
    made = [proposal_of(state.board, j.id) for j in jobs]
    found = state.rounds.difference(other, proposal)
    names = {c.id: c.name for m in made for c in m.cities}
    return page(request, "compare.html.j2", jobs=jobs, made=made, found=found, names=names)


@router.post("/{proposal}/cancel")
def cancel(request: Request, person: Coordinator, proposal: str) -> Response:
    """Stop a proposal that is being made."""
    board = state_of(request).board
    board.end(proposal, "cancelled", who=person.trace)
    return RedirectResponse(f"/workbench/proposals/{proposal}", 303)
