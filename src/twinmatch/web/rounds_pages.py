"""The workbench's pages of proposals: ask, follow, look, decide, ask why not, solve again, compare, publish."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Annotated, Any, Final

from fastapi import APIRouter, Form, Request, Response
from fastapi.responses import RedirectResponse
from starlette.concurrency import run_in_threadpool

from twinmatch.errors import NoProposalError, Problem, QuestionError
from twinmatch.exporting import EXPORTERS
from twinmatch.exporting.atlas import PairMap, land, pair_map
from twinmatch.exporting.directory import Directory
from twinmatch.exporting.words import is_paired
from twinmatch.programmes.settings import bundled_names, recipe_names
from twinmatch.programmes.twinning import product_of
from twinmatch.proposal import Meeting, Product, Proposal
from twinmatch.web import shapes
from twinmatch.web.board import Job
from twinmatch.web.desk import Entry, Held, held, says
from twinmatch.web.jobs import proposal_of
from twinmatch.web.pages import page, wants_fragment
from twinmatch.web.people import coordinator, reader
from twinmatch.web.proposals import checked
from twinmatch.web.rounds import again
from twinmatch.web.state import State, state_of

router = APIRouter(prefix="/workbench/proposals", include_in_schema=False)

Text = Annotated[str, Form(max_length=2000)]


@router.get("")
async def proposals(request: Request) -> Response:
    """Return the latest proposals, and the form that asks for a new one."""
    await reader(request)
    state = state_of(request)

    def look() -> tuple[list[tuple[Job, str]], list[Any]]:
        jobs = state.board.all_jobs()
        return [(j, held(state.desk.history(j.id)).status) for j in jobs], state.board.all_uploads()

    jobs, uploads = await run_in_threadpool(look)
    return page(
        request,
        "proposals.html.j2",
        jobs=jobs,
        uploads=[u for u in uploads if not u.found.get("errors")],
        bundled=bundled_names(),
        recipes=[n for n in recipe_names() if n not in bundled_names()],
    )


def _asked(
    title: str, programme: list[str], programme_toml: str, previous: str, upload: str
) -> shapes.AskProposal:
    return shapes.AskProposal(
        title=title[:200],
        programme=programme[:20],
        programme_toml=programme_toml.strip()[:200_000],
        previous=previous[:40],
        upload=upload[:40],
    )


@router.post("")
async def ask(
    request: Request,
    title: Text = "",
    programme: Annotated[list[str] | None, Form()] = None,
    programme_toml: Annotated[str, Form(max_length=200_000)] = "",
    previous: Text = "",
    upload: Text = "",
) -> Response:
    """Ask for a proposal and go to its page."""
    person = await coordinator(request)
    board = state_of(request).board
    asked = _asked(title, programme or [], programme_toml, previous, upload)

    def keep() -> str:
        return board.ask(asked.title.strip() or "Proposal", checked(asked, board), person.name)

    return RedirectResponse(f"/workbench/proposals/{await run_in_threadpool(keep)}", 303)


@router.post("/check")
async def check(
    request: Request,
    title: Text = "",
    programme: Annotated[list[str] | None, Form()] = None,
    programme_toml: Annotated[str, Form(max_length=200_000)] = "",
    previous: Text = "",
    upload: Text = "",
) -> Response:
    """Return who lacks what and which rules will bind, before anything is made: nothing is kept."""
    await coordinator(request)
    state = state_of(request)
    asked = _asked(title, programme or [], programme_toml, previous, upload)
    found = await run_in_threadpool(_before_the_run, state, asked)
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


def _before_the_run(state: State, asked: shapes.AskProposal) -> Before:
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
async def one(request: Request, proposal: str, tab: str = "overview") -> Response:
    """Return a proposal: while it is made its steps, then its tabs."""
    await reader(request)
    state = state_of(request)
    job = await run_in_threadpool(state.board.job, proposal)
    if job.state != "done":
        name = "making_part.html.j2" if wants_fragment(request) else "making.html.j2"
        return page(request, name, job=job)
    if wants_fragment(request):
        return Response(
            status_code=200, headers={"HX-Redirect": f"/workbench/proposals/{proposal}"}
        )
    found = await run_in_threadpool(_looked_at, state, job)
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
    others = [
        j
        for j in await run_in_threadpool(state.board.all_jobs)
        if j.state == "done" and j.id != proposal
    ]
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
    history, made = state.desk.history(job.id), proposal_of(state.board, job.id)
    return {
        "made": made,
        "directory": Directory(made),
        "now": held(history),
        "history": history,
        "entry_says": _teller(made),
        "guests": _sides(made)[0],
        "hosts": _sides(made)[1],
    }


def _teller(made: Proposal) -> Callable[[Entry], str]:
    """Return what says an entry of the history with the names of a proposal."""
    directory = Directory(made)
    labels = {f"{p.product}::{m.id}": directory.title(m) for p in made.products for m in p.meetings}
    return lambda e: says(e, lambda key: labels.get(key) or directory.name(key))


def _sides(made: Proposal) -> tuple[list[tuple[str, str]], list[tuple[str, str]]]:
    """Return guests and hosts of the twinning, id and name, for the form that asks "why not"."""
    guests = [(c.id, c.name) for c in made.cities if "guest" in c.roles]
    hosts = [(c.id, c.name) for c in made.cities if "mission" in c.roles or "pilot" in c.roles]
    hosts += made.units
    return sorted(guests, key=lambda g: g[1]), sorted(hosts, key=lambda h: h[1])


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


def meeting_of(made: Proposal, product: str, meeting: str) -> tuple[Product, Meeting]:
    """Return a meeting of a proposal; raises QuestionError where there is none."""
    for p in made.products:
        for m in p.meetings:
            if p.product == product and m.id == meeting:
                return p, m
    raise QuestionError(Problem("not-found", f"There is no meeting {meeting[:80]!r}."))


@router.get("/{proposal}/account")
async def account(request: Request, proposal: str, product: str, meeting: str) -> Response:
    """Return the account of a meeting."""
    await reader(request)
    made = await run_in_threadpool(proposal_of, state_of(request).board, proposal)
    _, found = meeting_of(made, product, meeting)
    name = "account.html.j2" if wants_fragment(request) else "account_page.html.j2"
    return page(request, name, meeting=found, directory=Directory(made), proposal=proposal)


@router.post("/{proposal}/decisions")
async def decide(
    request: Request,
    proposal: str,
    kind: Annotated[str, Form(max_length=20)],
    version: Annotated[int, Form(ge=0, le=1_000_000)],
    one: Annotated[str, Form(max_length=200)] = "",
    other: Annotated[str, Form(max_length=200)] = "",
    why: Text = "",
    tab: Annotated[str, Form(max_length=40)] = "overview",
) -> Response:
    """Write a decision as the proposal was seen, and go back to where it was made."""
    person = await coordinator(request)
    state = state_of(request)

    def write() -> None:
        state.board.result(proposal)
        state.desk.write(proposal, version, person.name, kind, one, other, why)

    try:
        await run_in_threadpool(write)
    except QuestionError as error:
        if error.problems[0].code != "changed-meanwhile":
            raise
        history = await run_in_threadpool(state.desk.history, proposal)
        later = [e for e in history if e.number > version]
        return page(
            request,
            "conflict.html.j2",
            412,
            proposal=proposal,
            later=later,
            entry_says=_teller(proposal_of(state.board, proposal)),
            now=held(history),
            mine={"kind": kind, "one": one, "other": other, "why": why, "tab": tab},
        )
    where = tab if tab.replace("_", "").replace("-", "").isalnum() else "overview"
    anchor = (
        f"#m-{one.partition('::')[2] or one}" if one and one.isascii() and "\n" not in one else ""
    )
    return RedirectResponse(f"/workbench/proposals/{proposal}?tab={where}{anchor}", 303)


@router.get("/{proposal}/why-not")
async def why_not(request: Request, proposal: str, guest: str = "", host: str = "") -> Response:
    """Return why a guest and a host do not meet."""
    await reader(request)
    state = state_of(request)

    def ask() -> Any:
        job = state.board.job(proposal)
        now = held(state.desk.history(proposal))
        return job, now, state.rounds.why_not(proposal, guest.strip()[:120], host.strip()[:120])

    job, now, found = await run_in_threadpool(ask)
    name = "why_not.html.j2" if wants_fragment(request) else "why_not_page.html.j2"
    return page(request, name, found=found, job=job, now=now)


@router.post("/{proposal}/again")
async def solve_again(request: Request, proposal: str) -> Response:
    """Ask for the same round under what is decided now, changing as little as possible."""
    person = await coordinator(request)
    state = state_of(request)

    def keep() -> str:
        job = state.board.job(proposal)
        state.board.result(proposal)
        now: Held = held(state.desk.history(proposal))
        return state.board.ask(job.title, again(job, now), person.name)

    return RedirectResponse(f"/workbench/proposals/{await run_in_threadpool(keep)}", 303)


@router.get("/{proposal}/compare")
async def compare(request: Request, proposal: str, other: str) -> Response:
    """Return two proposals side by side, the other one before, this one after."""
    await reader(request)
    state = state_of(request)

    def look() -> dict[str, Any]:
        jobs = [state.board.job(other), state.board.job(proposal)]
        made = [proposal_of(state.board, j.id) for j in jobs]
        found = state.rounds.difference(other, proposal)
        return {
            "jobs": jobs,
            "made": made,
            "found": found,
            "names": {c.id: c.name for m in made for c in m.cities},
        }

    return page(request, "compare.html.j2", **await run_in_threadpool(look))


@router.post("/{proposal}/cancel")
async def cancel(request: Request, proposal: str) -> Response:
    """Stop a proposal that is being made."""
    await coordinator(request)
    board = state_of(request).board
    await run_in_threadpool(board.end, proposal, "cancelled")
    return RedirectResponse(f"/workbench/proposals/{proposal}", 303)


__all__ = ["PairMap", "router"]
