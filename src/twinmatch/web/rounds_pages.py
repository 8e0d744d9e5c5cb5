"""The workbench's pages of proposals: ask, follow, look, decide, ask why not, solve again, compare, publish."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Annotated, Any, Final

from fastapi import APIRouter, Depends, Form, Request, Response
from fastapi.responses import RedirectResponse

from twinmatch.app.decisions import RunState, run_state
from twinmatch.errors import NoProposalError, Problem, QuestionError
from twinmatch.exporting import EXPORTERS
from twinmatch.exporting.atlas import land, pair_map
from twinmatch.exporting.folder_files import Directory
from twinmatch.exporting.words import is_paired
from twinmatch.programmes.programme import bundled_names, recipe_names
from twinmatch.programmes.twinning import product_of
from twinmatch.proposal import Meeting, Product, Proposal
from twinmatch.store import HistoryEntry
from twinmatch.web import schemas
from twinmatch.web.auth import Coordinator, GuardedRoute, coordinator, reader
from twinmatch.web.board import Job
from twinmatch.web.jobs import proposal_of
from twinmatch.web.network import network
from twinmatch.web.pages import page, wants_fragment
from twinmatch.web.proposals import checked
from twinmatch.web.queries import as_model
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
def proposals(request: Request) -> Response:
    """Return the latest proposals, and the form that asks for a new one."""
    state = state_of(request)

    status = {run.id: run.status for run in state.board.store.runs()}
    jobs = [(j, status.get(j.id, "draft")) for j in state.board.all_jobs()]
    uploads, past = state.board.all_uploads(), len(state.board.store.past())
    return page(
        request,
        "proposals.html.j2",
        jobs=jobs,
        past=past,
        uploads=[u for u in uploads if not u.found.get("errors")],
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


TABS_BESIDE: Final = ("overview", "map", "left-out", "history")


@router.get("/{proposal}")
def one(request: Request, proposal: str, tab: str = "overview") -> Response:
    """Return a proposal: while it is made its steps, then its tabs."""
    state = state_of(request)
    job = state.board.job(proposal)
    if job.state != "done":
        name = "making_part.html.j2" if wants_fragment(request) else "making.html.j2"
        return page(request, name, job=job)
    if wants_fragment(request):
        return Response(
            status_code=200, headers={"HX-Redirect": f"/workbench/proposals/{proposal}"}
        )
    found = _looked_at(state, job)
    products = {p.product: p for p in found["made"].products}
    tab = tab if tab in (*products, *TABS_BESIDE) else "overview"
    product = products.get(tab)
    extra: dict[str, Any] = {"product": product, "paired": bool(product and is_paired(product))}
    if tab == "map":
        twinning = next((p for p in found["made"].products if is_paired(p) and p.meetings), None)
        extra |= {"twinning": twinning, "land": land()}
        if twinning is not None:
            extra["map"] = pair_map(twinning.meetings, found["directory"])
            extra["net"] = network(twinning, found["directory"])
    others = [j for j in state.board.all_jobs() if j.state == "done" and j.id != proposal]
    return page(
        request,
        "proposal.html.j2",
        tab=tab,
        job=job,
        others=others,
        files=EXPORTERS,
        **found,
        **extra,
    )


def _looked_at(state: State, job: Job) -> dict[str, Any]:
    made, run = proposal_of(state.board, job.id), run_state(job.id, state.board.store)
    guests, hosts = _sides(made)
    return {
        "made": made,
        "directory": Directory(made),
        "run": run,
        "now": run.held,
        "kept": {m.id: m for m in run.meetings},
        "pairs": [m for m in run.meetings if m.host],
        "leavers": _leavers(run, Directory(made)),
        "entry_says": teller(made),
        "guests": guests,
        "hosts": hosts,
    }


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
def solve_again(request: Request, person: Coordinator, proposal: str) -> Response:
    """Ask for the same round under what is decided now: of equally good answers the nearest."""
    state = state_of(request)

    job, now = state.board.job(proposal), state.board.store.held(state.board.run(proposal).id)
    found = state.board.ask(job.title, again(state.board, job, now), person.name)
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
