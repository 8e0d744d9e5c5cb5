"""The workbench's pages of cities: list, map, profile, cities like mine, a pair; and a city's own page by its link."""

from __future__ import annotations

import json
from dataclasses import dataclass, replace
from typing import Annotated, Any, Final
from urllib.parse import urlencode

from fastapi import Depends, Form, Path, Request, Response
from fastapi.responses import RedirectResponse

from twinmatch.app.decisions import run_state
from twinmatch.app.neighbours import PEER_WEIGHTS
from twinmatch.app.pairs import found_pair
from twinmatch.app.service import Question, Search, Service, Wanted
from twinmatch.errors import QuestionError
from twinmatch.exporting import words
from twinmatch.exporting.atlas import kilometres, land
from twinmatch.exporting.letters import Correspondence, letters
from twinmatch.facets.emissions import COARSE, FINE, coarse_sectors, fine_sectors
from twinmatch.intake.forms import LEVELS
from twinmatch.proposal import CityCard
from twinmatch.proposal.wire import Saying, from_wire, restored
from twinmatch.schema import City, Dimension, Role
from twinmatch.store.history import CONSENTS
from twinmatch.vocabulary.geography import is_country, language_name
from twinmatch.web.auth import Coordinator, Rank, pages_router
from twinmatch.web.board import Job
from twinmatch.web.decided_pages import Kind, Name
from twinmatch.web.desk import Invited
from twinmatch.web.jobs import proposal_of
from twinmatch.web.pages import BY_LINK, language, page, wants_fragment
from twinmatch.web.rounds_pages import Made, Text
from twinmatch.web.state import Shared, State, state_of
from twinmatch.wording import say

router = pages_router("/workbench")

SIZE: Final = 50
MOST_DOTS: Final = 1500
"""Cities of a page of the list, and of the map, at most."""


def number(text: str) -> int | None:
    """Return a whole number that was typed, or None."""
    digits = text.replace(",", "").replace(".", "").replace(" ", "").strip()
    return int(digits) if digits.isascii() and digits.isdigit() and len(digits) < 10 else None


@dataclass(frozen=True)
class RoundCities:
    """The cities of a round, or the service's own; where their pages are."""

    service: Service
    at: str = "/workbench/cities"
    round: Job | None = None


def _place(state: Shared, proposal: str = "") -> RoundCities:
    if not proposal:
        return RoundCities(state.service)
    job = state.board.job(state.board.run(proposal).id)
    at = f"/workbench/proposals/{job.id}/cities"
    return RoundCities(state.rounds.service(job) or state.service, at, job)


Here = Annotated[RoundCities, Depends(_place)]


@router.get("/proposals/{proposal}/cities")
@router.get("/cities")
def cities(
    request: Request,
    place: Here,
    q: str = "",
    country: str = "",
    role: str = "",
    lacks: str = "",
    at_least: str = "",
    at_most: str = "",
    order: str = "name",
) -> Response:
    """Return the cities as a table and on a map."""
    service = place.service
    at = max(1, number(request.query_params.get("page", "1")) or 1)
    search = Search(
        q[:200],
        country if is_country(country) else "",
        Role(role) if role in {r.value for r in Role} else None,
        lacks if lacks in City.BLOCKS else "",
        number(at_least),
        number(at_most),
        order if order in {"name", "known", "population"} else "name",  # type: ignore[arg-type]
        (at - 1) * SIZE,
        SIZE,
    )
    found = service.list_cities(search)
    everyone = service.list_cities(replace(search, first=0, size=MOST_DOTS)).cities
    countries = {(c.country, c.country_name) for c in service.cards.values()}
    given = {k: v for k, v in request.query_params.items() if v and k not in ("page", "proposal")}
    return page(
        request,
        "cities_list.html.j2" if wants_fragment(request) else "cities.html.j2",
        found=found,
        dots=dots(everyone),
        land=land(),
        search=search,
        place=place,
        number=at,
        pages=-(-found.total // SIZE),
        link=lambda n: "?" + urlencode({**given, "page": n}),
        all_countries=sorted(countries, key=lambda c: c[1]),
        blocks=City.BLOCKS,
        roles=[r.value for r in Role],
    )


def dots(cards: tuple[CityCard, ...]) -> list[tuple[float, float, CityCard]]:
    """Return where cities lie on the map, the largest first so that none hides another."""
    found = []
    for card in sorted(cards, key=lambda c: -(c.population or 0)):
        if card.lat is not None and card.lon is not None:
            x, y = kilometres(card.lat, card.lon)
            if land().west < x < land().east and land().north < y < land().south:
                found.append((round(x, 1), round(y, 1), card))
    return found


@router.get("/proposals/{proposal}/cities/{city}")
@router.get("/cities/{city}")
def one_city(
    request: Request,
    place: Here,
    city: str,
) -> Response:
    """Return a city's profile, its cities like mine with sliders, and its places in proposals."""
    service = place.service
    i = service.cohort.find(city)
    found = service.cohort.cities[i]
    answer = service.similar(found.id, Question())
    return page(
        request,
        "city.html.j2",
        city=found,
        card=service.cards[found.id],
        gaps=service.gaps(i),
        unit=service.cohort.unit_of.get(found.id),
        pilots=service.cohort.pilots(i),
        mix=emissions_mix(found),
        readiness=[(d.value, (found.readiness or {}).get(d), LEVELS[d]) for d in Dimension],
        languages=[language_name(code) for code in found.languages],
        answer=answer,
        service=service,
        usual=PEER_WEIGHTS,
        places=_places(state_of(request), found.id, place.round),
        place=place,
    )


def emissions_mix(city: City) -> list[tuple[str, float | None, float]]:
    """Return sector, t CO2e (None where not known), and part of the known total in [0, 1]."""
    if city.emissions is None:
        return []
    gpc = city.emissions.form == "gpc"
    names, tonnes = (
        FINE if gpc else COARSE,
        (fine_sectors if gpc else coarse_sectors)(city.emissions),
    )
    total = sum(t for t in tonnes if t == t)
    return [
        (name, None if t != t else t, t / total if t == t and total else 0.0)
        for name, t in zip(names, tonnes, strict=True)
    ]


@router.get("/proposals/{proposal}/cities/{city}/similar")
@router.get("/cities/{city}/similar")
def similar(
    request: Request,
    place: Here,
    city: str,
) -> Response:
    """Return cities like one under moved weights and filters: the part of the page that changes."""
    service, query = place.service, request.query_params
    weights = {name: min(100, number(query.get(name, "")) or 0) for name in PEER_WEIGHTS}
    if not any(weights.values()):
        found = say("Every weight is 0.")
        raise QuestionError.of("weights-empty", found, do=say("Give at least one facet a weight."))
    question = Question(
        k=min(50, number(query.get("k", "10")) or 10),
        weights={name: float(w) for name, w in weights.items()},
        wanted=Wanted(
            other_country="other_country" in query,
            mission="mission" in query,
            population_at_least=number(query.get("at_least", "")),
            population_at_most=number(query.get("at_most", "")),
        ),
        text=query.get("text", "")[:2000].strip(),
    )
    answer = service.similar(city, question)
    if not wants_fragment(request):
        return RedirectResponse(f"{place.at}/{service.cohort.city(city).id}#similar", 303)
    mine = service.cohort.city(city)
    return page(request, "similar.html.j2", answer=answer, service=service, city=mine, place=place)


@router.get("/proposals/{proposal}/cities/{city}/with/{other}")
@router.get("/cities/{city}/with/{other}")
def pair(
    request: Request,
    place: Here,
    city: str,
    other: str,
) -> Response:
    """Return the accounts of a pair: as peers and as guest and host both ways; of a host unit as host alone."""
    service = place.service
    i, beside = found_pair(service.cohort, city, other)
    accounts = service.pair(city, other)
    name = "accounts.html.j2" if wants_fragment(request) else "pair.html.j2"
    # A city of a unit is told with the others of it.
    parts: dict[str, Any] = {"names": {c.id: c.name for c in service.cohort.cities}}
    parts |= {"both": [service.cohort.cities[i], beside], "says": service.says}
    return page(request, name, accounts=accounts, place=place, **parts)


def _places(state: State, city: str, round_: Job | None) -> list[tuple[str, str, str, str, str]]:
    """Return proposal, its title, product, meeting and role for every place of a city in one version, or the latest of rounds."""
    found: list[tuple[str, str, str, str, str]] = []
    done = [round_] if round_ else [j for j in state.board.all_jobs(24) if j.state == "done"]
    for job in {j.round: j for j in reversed(done)}.values():
        plain, before = json.loads(state.board.result(job.id)), len(found)
        for product in plain["products"]:
            # Proposals of earlier releases lack some of today's fields.
            where = (job.id, job.title, product.get("title") or product["product"])
            for meeting in product["meetings"]:
                roles = (m["role"] for m in meeting["members"] if m["city"] == city)
                found += [(*where, meeting.get("label", ""), role) for role in roles]
            for left in product.get("left_out", ()):
                if left["city"] == city and left.get("as_role") != "":
                    found.append((*where, "", left.get("why", "")))
        if found[before:]:
            sayings = from_wire(tuple[Saying, ...], plain.get("sayings", []))
            found[before:] = restored(found[before:], sayings)
    return found


# --- a city's own page: what it is offered, and its answer; nothing of anybody else's -------------------------

by_link = pages_router("/workbench/city", Rank.NOBODY)

Secret = Annotated[str, Path(min_length=20, max_length=80)]
Days = Annotated[int, Form(ge=1, le=365)]


@router.post("/proposals/{proposal}/letters/{city}/link")
def invite(
    request: Request, state: Shared, person: Coordinator, job: Made, city: str, days: Days = 30
) -> Response:
    """Make the link by which a city sees its own page; it is shown this once."""
    if all(card.id != city for card in proposal_of(state.board, job.id).cities):
        raise QuestionError.of(
            "not-found", say("There is no city {city} in this round.", city=repr(city[:80]))
        )
    secret = state.board.desk.invite(job.id, city, days, person.trace)
    link = f"{request.url.scheme}://{request.url.netloc}/workbench/city/{secret}"
    back = f"/workbench/proposals/{job.id}/letters/{city}"
    return page(request, "link.html.j2", link=link, days=days, back_to=back)


@by_link.get("/{secret}")
def own_page(request: Request, state: Shared, secret: Secret, said: str = "") -> Response:
    """Return what a city is offered, and the forms of its answer."""
    invited = _invited(state, secret)
    parts = _offered(state, invited, language(request)) | {
        "invited": invited,
        "said": said == "yes",
    }
    answer = page(request, "city_link.html.j2", **parts)
    answer.headers["Cache-Control"] = "no-store"
    return answer


def _invited(state: State, secret: str) -> Invited:
    """Return whose link it is, and the version of the round that is published, or that it was made for."""
    invited = state.board.desk.invited(secret)
    return replace(invited, run=state.board.result_of(invited.run))


def _offered(state: State, invited: Invited, code: str) -> dict[str, Any]:
    made, run = proposal_of(state.board, invited.run), run_state(invited.run, state.board.store)
    given = Correspondence(language=code, edited=run.held.letters)
    mine = next(w for w in letters(made, given) if w.city == invited.city)
    labels = {
        m.id: m.label
        if p.product == "twinning"
        else say("{kind}: {title}", kind=words.meeting_kind(p, m), title=m.label)
        for p in made.products
        for m in p.meetings
    }
    meetings = [
        (m.id, labels.get(m.id, m.label), run.held.consents.get(m.about, {}).get(invited.city))
        for m in run.meetings
        if invited.city in m.cities
    ]
    is_open = run.held.status != "withdrawn"
    return {"letter": mine, "meetings": meetings, "is_open": is_open, "title": run.title}


@by_link.post("/{secret}")
def answered(
    request: Request,
    state: Shared,
    secret: Secret,
    kind: Kind,
    meeting: Name = "",
    why: Text = "",
) -> Response:
    """Write what a city answers: that it agrees or declines, or what is wrong of what is known of it."""
    invited = _invited(state, secret)
    parts = _offered(state, invited, language(request))
    mine = {id_ for id_, _, _ in parts["meetings"]}
    if kind not in (*CONSENTS[1:], "note") or (meeting and meeting not in mine):
        raise QuestionError.of("not-found", say("This page asks for no such answer."))
    by = parts["letter"].name + BY_LINK
    who = invited.city if kind in CONSENTS else ""
    state.board.store.add(invited.run, kind, by, one=meeting, city=who, why=why)
    return RedirectResponse(f"/workbench/city/{secret}?said=yes#said", 303)
