"""The routes of cities: lists, profiles, cities like mine, pairs."""

from __future__ import annotations

from typing import Annotated, Any, Final
from urllib.parse import urlencode

import orjson
from fastapi import APIRouter, Depends, Path, Query, Request, Response
from starlette.concurrency import run_in_threadpool

from twinmatch.app.pairs import found_pair
from twinmatch.app.peers import reason
from twinmatch.app.service import Answer, Order, Question, Search, Service, Wanted
from twinmatch.cohort import City
from twinmatch.errors import Problem, QuestionError, Where
from twinmatch.proposal import CityCard
from twinmatch.proposal.wire import account_plain, to_wire
from twinmatch.schema import Role, json_schema
from twinmatch.web import schemas
from twinmatch.web.auth import GuardedRoute, reader
from twinmatch.web.problems import documented
from twinmatch.web.queries import parameters, read_query
from twinmatch.web.state import KEEP, Kept, State, has_tag, state_of, tag_of

router = APIRouter(tags=["cities"], dependencies=[Depends(reader)], route_class=GuardedRoute)

CityIn = Annotated[
    str,
    Path(
        description="A city's id, or a name that only one city has",
        min_length=1,
        max_length=120,
        examples=["be-leuven"],
    ),
]
Country = Annotated[str, Query(pattern="^([A-Z]{2})?$", description="ISO 3166-1 alpha-2")]
People = Annotated[int | None, Query(ge=0, le=50_000_000, description="Residents")]


def unchanged(request: Request, tag: str) -> Response | None:
    """Return "not modified" where whoever asks has this very answer."""
    given = request.headers.get("if-none-match")
    if given is None or not has_tag(given, tag):
        return None
    return Response(status_code=304, headers={"ETag": tag, "Cache-Control": KEEP})


def body(content: Any, request: Request, state: State) -> Response:
    """Return an answer about cities with its tag, kept for the next one who asks the same."""
    written = orjson.dumps(content, option=orjson.OPT_SERIALIZE_NUMPY)
    tag = tag_of(state.service, request.scope)
    if (same := unchanged(request, tag)) is not None:
        return same
    state.answers.keep(Kept(tag, written, request.scope["route"].path))
    return Response(written, 200, {"ETag": tag, "Cache-Control": KEEP}, "application/json")


_NOT_MODIFIED: Final[dict[int | str, dict[str, Any]]] = {
    304: {"description": "Not Modified: the answer with the ETag sent is still right"}
}


@router.get(
    "/cities",
    response_model=None,
    responses={200: {"model": schemas.Cities}, **_NOT_MODIFIED, **documented()},
)
def list_cities(
    request: Request,
    q: Annotated[str, Query(max_length=200, description="Words in a name, country or id")] = "",
    country: Country = "",
    role: Role | None = None,
    lacks: Annotated[
        str, Query(max_length=40, description="A block of the profile that is not known")
    ] = "",
    population_at_least: People = None,
    population_at_most: People = None,
    order: Order = "name",
    page: Annotated[int, Query(ge=1, le=1_000_000)] = 1,
    size: Annotated[int, Query(ge=1, le=500)] = 50,
) -> Response:
    """Return the cities that match every word and filter, page by page; the Link header leads to the next one."""
    state = state_of(request)
    if lacks and lacks not in City.BLOCKS:
        raise QuestionError(
            Problem(
                "block-unknown",
                f"A profile has no block {lacks!r}.",
                Where(column="lacks"),
                f"Known: {', '.join(City.BLOCKS)}.",
            )
        )
    search = Search(
        q,
        country,
        role,
        lacks,
        population_at_least,
        population_at_most,
        order,
        (page - 1) * size,
        size,
    )
    found = state.service.list_cities(search)
    pages = -(-found.total // size)
    answer = body(
        {
            "total": found.total,
            "page": page,
            "pages": pages,
            "size": size,
            "cities": [city_line(c) for c in found.cities],
        },
        request,
        state,
    )
    links = [
        f'<{request.url.path}?{urlencode({**request.query_params, "page": n})}>; rel="{rel}"'
        for rel, n, there in (
            ("prev", page - 1, 1 < page <= pages + 1),
            ("next", page + 1, page < pages),
        )
        if there
    ]
    if links:
        answer.headers["Link"] = ", ".join(links)
    return answer


def city_line(c: CityCard) -> dict[str, Any]:
    """Return a city as a list has it."""
    return {
        "id": c.id,
        "name": c.name,
        "country": c.country,
        "country_name": c.country_name,
        "roles": list(c.roles),
        "population": c.population,
        "lat": c.lat,
        "lon": c.lon,
        "known": c.known,
    }


@router.get(
    "/cities/{city}",
    response_model=None,
    responses={200: {"model": schemas.CityWhole}, **_NOT_MODIFIED, **documented(404)},
)
def one_city(request: Request, city: CityIn) -> Response:
    """Return a city's whole profile with its sources, and what is not known of it."""
    state = state_of(request)
    service = state.service
    i = service.cohort.find(city)
    found = service.cohort.cities[i]
    unit = service.cohort.unit_of.get(found.id)
    whole = {
        "city": found.model_dump(mode="json", exclude_none=True, by_alias=True),
        "known": service.cards[i].known,
        "gaps": [{"block": g.block, "says": g.says} for g in service.gaps(i)],
        "host_unit": unit.id if unit else None,
    }
    return body(whole, request, state)


def weights_of(text: str) -> dict[str, float]:
    """Return the weights of ``facet:3,facet:1``; raises QuestionError where it cannot be read."""
    found: dict[str, float] = {}
    problems = []
    for part in filter(None, (p.strip() for p in text.split(","))):
        name, _, number = part.partition(":")
        try:
            found[name.strip()] = float(number)
        except ValueError:
            where, do = (
                Where(column="weights"),
                "Write facet:number, such as readiness:3,context:1.",
            )
            problems.append(Problem("weight-wrong", f"{part[:80]!r} is no weight.", where, do))
    if problems:
        raise QuestionError(problems)
    return found


@router.get(
    "/cities/{city}/similar",
    response_model=None,
    responses={200: {"model": schemas.Similar}, **_NOT_MODIFIED, **documented(404)},
    openapi_extra=parameters(schemas.SimilarQuery),
)
async def similar(request: Request, city: CityIn) -> Response:
    """Return the cities most like a city, best first, each with its reasons or its whole account."""
    state = state_of(request)
    asked = read_query(request, schemas.SimilarQuery)
    question, service = question_of(asked), state.service
    if asked.detail == "reasons" and service.is_quick(question):
        content = _similar(service, city, question, asked.detail)
    else:
        content = await run_in_threadpool(_similar, service, city, question, asked.detail)
    return body(content, request, state)


def question_of(asked: schemas.SimilarQuery) -> Question:
    """Return what was asked; raises QuestionError where the weights cannot be read."""
    return Question(
        asked.k,
        weights_of(asked.weights),
        tuple(w.strip() for w in asked.without.split(",") if w.strip()),
        Wanted(
            asked.other_country,
            asked.mission,
            asked.country,
            asked.population_at_least,
            asked.population_at_most,
        ),
        asked.text.strip(),
        asked.text_weight,
    )


def _similar(service: Service, city: str, question: Question, detail: str) -> dict[str, Any]:
    name = service.cohort.city(city).id
    return answer_plain(service, name, service.similar(name, question), detail)


def answer_plain(service: Service, city: str, answer: Answer, detail: str) -> dict[str, Any]:
    """Return cities like mine as JSON has them."""
    weights = dict(zip(answer.facets, answer.weights, strict=True))
    if answer.asked is not None:
        weights["asked"] = answer.asked_weight
    found = []
    for rank, peer in enumerate(answer.peers):
        card = service.cards[peer.city]
        line: dict[str, Any] = {
            "id": card.id,
            "name": card.name,
            "country": card.country,
            "score": round(peer.score, 10),
            "coverage": round(answer.coverage(peer), 10),
        }
        if detail == "reasons":
            said = answer.said[rank] if rank < len(answer.said) else None
            why = orjson.Fragment(said) if said else [reason(e) for e in answer.reasons(peer)]
            line["why"] = why
        elif detail == "account":
            line["account"] = to_wire(answer.account(peer))
        found.append(line)
    rounded = {name: round(w, 10) for name, w in weights.items()}
    return {"city": city, "text_model": answer.says, "weights": rounded, "similar": found}


@router.post(
    "/similar",
    response_model=None,
    responses={200: {"model": schemas.Similar}, **documented(404, 413, 422)},
)
def similar_to(request: Request, asked: schemas.AskSimilar) -> Response:
    """Return the cities most like one that is not in the data; nothing of it is kept."""
    service = state_of(request).service
    f = asked.filters
    question = Question(
        asked.k,
        asked.weights,
        tuple(asked.without),
        Wanted(f.other_country, f.mission, f.country, f.population_at_least, f.population_at_most),
        asked.text.strip(),
        asked.text_weight,
    )

    answer = service.similar_to(asked.profile, question)
    plain = answer_plain(service, str(asked.profile.get("id", "")), answer, asked.detail)
    content = orjson.dumps(plain, option=orjson.OPT_SERIALIZE_NUMPY)
    return Response(content, media_type="application/json")


@router.get(
    "/pairs/{one}/{other}",
    response_model=None,
    responses={200: {"model": schemas.Pair}, **_NOT_MODIFIED, **documented(404)},
)
def pair(request: Request, one: CityIn, other: CityIn) -> Response:
    """Return the accounts of a pair: as peers, and as guest and host both ways, every line with its evidence."""
    state = state_of(request)
    service = state.service

    i, beside = found_pair(service.cohort, one, other)
    ids = [service.cohort.cities[i].id, beside.id]
    accounts = [
        {"purpose": a.purpose, "title": a.title, "says": a.says, **account_plain(a.account)}
        for a in service.pair(*ids)
    ]
    return body({"cities": ids, "text_model": service.says, "accounts": accounts}, request, state)


@router.get(
    "/schema/city.json",
    response_model=None,
    response_class=Response,
    responses={200: {"content": {"application/schema+json": {}}}, **documented()},
)
def city_schema() -> Response:
    """Return the JSON Schema (2020-12) of a city's profile."""
    return Response(orjson.dumps(json_schema()), media_type="application/schema+json")
