"""The workbench's pages of cities: list, map, profile, cities like mine; and who is here, in which language."""

from __future__ import annotations

import json
from functools import cache
from typing import Annotated, Any, Final
from urllib.parse import urlencode

from fastapi import Depends, Form, Request, Response
from fastapi.responses import HTMLResponse, RedirectResponse
from jinja2 import Environment, PackageLoader, StrictUndefined
from markupsafe import Markup, escape

from twinmatch.app.neighbours import PEER_WEIGHTS
from twinmatch.app.pairs import found_pair
from twinmatch.app.service import Question, Search, Service, Wanted
from twinmatch.errors import Problem, QuestionError
from twinmatch.exporting import words
from twinmatch.exporting.atlas import kilometres, land
from twinmatch.exporting.charts import drawing, of_meeting
from twinmatch.exporting.folder_files import printable
from twinmatch.facets.emissions import COARSE, FINE, coarse_sectors, fine_sectors
from twinmatch.geography import is_country, language_name
from twinmatch.intake.readiness_scale import LEVELS
from twinmatch.proposal import CityCard
from twinmatch.schema import NAMES, City, Dimension, Role
from twinmatch.web.auth import COOKIE, Rank, asking, pages_router, reader
from twinmatch.web.board import Job
from twinmatch.web.languages import LANGUAGES, chosen, translation
from twinmatch.web.state import State, state_of

router = pages_router("/workbench", Rank.NOBODY)

SIZE: Final = 50
LANGUAGE: Final = "twinmatch_language"


@cache
def templates(code: str) -> Environment:
    """Return the templates in a language: everything escaped, an unknown name is an error."""
    made = Environment(
        loader=PackageLoader("twinmatch.web"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        finalize=_clean,
        extensions=["jinja2.ext.i18n"],
    )
    said = translation(code)

    # Jinja's own takes what it translates for safe, but a title may be what somebody wrote: all is escaped here.
    def gettext(text: str, **values: Any) -> Markup:
        return _filled(said.gettext(text), values)

    def ngettext(one: str, several: str, num: int, **values: Any) -> Markup:
        return _filled(said.ngettext(one, several, num), {"num": num, **values})

    made.install_gettext_callables(gettext, ngettext)  # type: ignore[attr-defined]
    made.globals.update(words=words, drawing=drawing, drawings=of_meeting)
    made.globals.update(NAMES=NAMES, LANGUAGES=LANGUAGES, Rank=Rank)
    return made


def _filled(text: str, values: dict[str, Any]) -> Markup:
    """Return a text with values in it, both escaped; one without values is left as it is, signs of percent and all."""
    return escape(text) % values if values else escape(text.replace("%%", "%"))


def _clean(value: Any) -> Any:
    if value is None:
        return ""
    return printable(value) if type(value) is str else value


def page(request: Request, name: str, answered: int = 200, **parts: Any) -> HTMLResponse:
    """Return a page in the language of whoever asks."""
    code, person = language(request), asking(request)
    text = (
        templates(code)
        .get_template(name)
        .render(
            lang=code,
            person=person,
            may=person.rank >= Rank.COORDINATOR,
            here=request.url.path,
            back=request.url.path + (f"?{request.url.query}" if request.url.query else ""),
            keyed=state_of(request).settings.access != "local",
            **parts,
        )
    )
    answer = HTMLResponse(text, answered)
    answer.headers["Vary"] = "Accept-Language, Cookie"
    return answer


def language(request: Request) -> str:
    """Return the language that was chosen here, or else that the browser asks for."""
    wanted = request.cookies.get(LANGUAGE, "")
    return chosen(wanted, request.headers.get("accept-language", ""))


def wants_fragment(request: Request) -> bool:
    """Return whether htmx asks for a part of a page."""
    return request.headers.get("hx-request") == "true" and not request.headers.get("hx-boosted")


def error_page(request: Request, status: int, problems: list[Problem]) -> Response:
    """Return what is wrong as a page, or as the part of a page that htmx asked for."""
    if status == 401:
        if wants_fragment(request):
            return Response(status_code=200, headers={"HX-Redirect": "/workbench/login"})
        place = {"next": request.url.path} if request.method == "GET" else {}
        return RedirectResponse(f"/workbench/login?{urlencode(place)}", 303)
    name = "problems.html.j2" if wants_fragment(request) else "error.html.j2"
    answer = page(request, name, status, problems=problems)
    if wants_fragment(request):
        answer.headers["HX-Retarget"] = "#told"
        answer.headers["HX-Reswap"] = "innerHTML"
    return answer


# --- who is here --------------------------------------------------------------------------------------------


@router.get("/login")
def login(request: Request, next: str = "/workbench/cities") -> Response:
    """Return the page on which a key is given."""
    return page(request, "login.html.j2", next=own(next), wrong=False)


@router.post("/login")
def enter(
    request: Request,
    key: Annotated[str, Form(max_length=200)],
    next: Annotated[str, Form(max_length=400)] = "/workbench/cities",
) -> Response:
    """Open a session for the holder of a key."""
    state = state_of(request)
    session = state.board.open_session(key.strip())
    if session is None:
        return page(request, "login.html.j2", 401, next=own(next), wrong=True)
    _end_session(request)
    answer = RedirectResponse(own(next), 303)
    answer.set_cookie(
        COOKIE,
        session,
        max_age=12 * 3600,
        httponly=True,
        samesite="strict",
        secure=state.settings.https,
    )
    return answer


@router.post("/logout")
def leave(request: Request) -> Response:
    """End the session."""
    _end_session(request)
    answer = RedirectResponse("/workbench/login", 303)
    answer.delete_cookie(COOKIE)
    return answer


def _end_session(request: Request) -> None:
    """End the session that the browser had, if any."""
    session, state = request.cookies.get(COOKIE, ""), state_of(request)
    if session:
        state.board.close_session(session)
        state.forget(session)


@router.post("/language")
def speak(
    language: Annotated[str, Form(max_length=10)],
    next: Annotated[str, Form(max_length=800)] = "/workbench/cities",
) -> Response:
    """Choose the language of the pages."""
    answer = RedirectResponse(own(next), 303)
    if language in LANGUAGES:
        answer.set_cookie(LANGUAGE, language, max_age=31_536_000, samesite="lax", httponly=True)
    return answer


def own(place: str) -> str:
    """Return a place of this workbench, whatever was asked for."""
    good = place.startswith("/workbench/") and not place.startswith("//") and "\\" not in place
    return place if good and "\n" not in place and "\r" not in place else "/workbench/cities"


# --- cities -------------------------------------------------------------------------------------------------


def number(text: str) -> int | None:
    """Return a whole number that was typed, or None."""
    digits = text.replace(",", "").replace(".", "").replace(" ", "").strip()
    return int(digits) if digits.isascii() and digits.isdigit() and len(digits) < 10 else None


def house(request: Request, proposal: str) -> tuple[Service, dict[str, Any]]:
    """Return the cities of a round, or the service's own, and where their pages are."""
    state = state_of(request)
    if not proposal:
        return state.service, {"at": "/workbench/cities", "round": None}
    job = state.board.job(state.board.run(proposal).id)
    at = f"/workbench/proposals/{job.id}/cities"
    return state.rounds.service(job) or state.service, {"at": at, "round": job}


@router.get("/proposals/{proposal}/cities", dependencies=[Depends(reader)])
@router.get("/cities", dependencies=[Depends(reader)])
def cities(
    request: Request,
    proposal: str = "",
    q: str = "",
    country: str = "",
    role: str = "",
    lacks: str = "",
    at_least: str = "",
    at_most: str = "",
    order: str = "name",
) -> Response:
    """Return the cities as a table and on a map."""
    service, place = house(request, proposal)
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
    found, everyone = _listed(service, search)
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
        all_countries=sorted(
            {(c.country, c.country_name) for c in service.cards.values()}, key=lambda c: c[1]
        ),
        blocks=City.BLOCKS,
        roles=[r.value for r in Role],
    )


def _listed(service: Service, search: Search) -> tuple[Any, tuple[CityCard, ...]]:
    from dataclasses import replace

    most = 1500
    return service.list_cities(search), service.list_cities(
        replace(search, first=0, size=most)
    ).cities


def dots(cards: tuple[CityCard, ...]) -> list[tuple[float, float, CityCard]]:
    """Return where cities lie on the map, the largest first so that none hides another."""
    found = []
    for card in sorted(cards, key=lambda c: -(c.population or 0)):
        if card.lat is not None and card.lon is not None:
            x, y = kilometres(card.lat, card.lon)
            if land().west < x < land().east and land().north < y < land().south:
                found.append((round(x, 1), round(y, 1), card))
    return found


@router.get("/proposals/{proposal}/cities/{city}", dependencies=[Depends(reader)])
@router.get("/cities/{city}", dependencies=[Depends(reader)])
def one_city(request: Request, city: str, proposal: str = "") -> Response:
    """Return a city's profile, its cities like mine with sliders, and its places in proposals."""
    service, place = house(request, proposal)
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
        places=places(state_of(request), found.id, place["round"]),
        place=place,
    )


def emissions_mix(city: City) -> list[tuple[str, float | None, float]]:
    """Return sector, t CO2e (None where not known), and part of the known total in [0, 1]."""
    if city.emissions is None:
        return []
    gpc = city.emissions.form == "gpc"
    names, tonnes = (
        (FINE, fine_sectors(city.emissions)) if gpc else (COARSE, coarse_sectors(city.emissions))
    )
    total = sum(t for t in tonnes if t == t)
    return [
        (name, None if t != t else t, t / total if t == t and total else 0.0)
        for name, t in zip(names, tonnes, strict=True)
    ]


@router.get("/proposals/{proposal}/cities/{city}/similar", dependencies=[Depends(reader)])
@router.get("/cities/{city}/similar", dependencies=[Depends(reader)])
def similar(request: Request, city: str, proposal: str = "") -> Response:
    """Return cities like one under moved weights and filters: the part of the page that changes."""
    (service, place), query = house(request, proposal), request.query_params
    weights = {name: min(100, number(query.get(name, "")) or 0) for name in PEER_WEIGHTS}
    if not any(weights.values()):
        found = "Every weight is 0."
        raise QuestionError(Problem("weights-empty", found, do="Give at least one facet a weight."))
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
        return RedirectResponse(f"{place['at']}/{service.cohort.city(city).id}#similar", 303)
    mine = service.cohort.city(city)
    return page(request, "similar.html.j2", answer=answer, service=service, city=mine, place=place)


@router.get("/proposals/{proposal}/cities/{city}/with/{other}", dependencies=[Depends(reader)])
@router.get("/cities/{city}/with/{other}", dependencies=[Depends(reader)])
def pair(request: Request, city: str, other: str, proposal: str = "") -> Response:
    """Return the accounts of a pair: as peers and as guest and host both ways; of a host unit as host alone."""
    service, place = house(request, proposal)
    i, beside = found_pair(service.cohort, city, other)
    accounts = service.pair(city, other)
    name = "accounts.html.j2" if wants_fragment(request) else "pair.html.j2"
    both = [service.cohort.cities[i], beside]
    names = {
        c.id: c.name for c in service.cohort.cities
    }  # a city of a unit is told with the others of it
    return page(
        request, name, accounts=accounts, both=both, names=names, says=service.says, place=place
    )


def places(
    state: State, city: str, round_: Job | None = None
) -> list[tuple[str, str, str, str, str]]:
    """Return proposal, its title, product, meeting and role for every place of a city in the latest proposals, or a round's."""
    found = []
    for job in state.board.versions(round_.round) if round_ else state.board.all_jobs(12):
        if job.state != "done":
            continue
        for product in json.loads(state.board.result(job.id))["products"]:
            for meeting in product["meetings"]:
                for member in meeting["members"]:
                    if member["city"] == city:
                        title = (
                            job.id,
                            job.title,
                            product["title"],
                            meeting["label"],
                            member["role"],
                        )
                        found.append(title)
            for left in product.get("left_out", ()):
                if left["city"] == city and left.get("as_role") != "":
                    found.append((job.id, job.title, product["title"], "", left["why"]))
    return found
