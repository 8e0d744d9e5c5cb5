"""The routes of cities: lists, profiles, cities like mine, pairs."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from functools import partial
from typing import Annotated, Any, Final, Literal

import orjson
from fastapi import Path, Query, Request, Response

from twinmatch.app.pairs import found_pair
from twinmatch.app.service import Answer, Order, Question, Search, Wanted
from twinmatch.cohort import City
from twinmatch.errors import DataError, Problem, QuestionError, TwinmatchError, Where
from twinmatch.programmes.programme import programme_schema
from twinmatch.proposal import proposal_schema
from twinmatch.proposal.wire import DECIMALS, any_value, to_wire
from twinmatch.schema import Role, json_schema
from twinmatch.web import schemas
from twinmatch.web.auth import api_router
from twinmatch.web.bodies import (
    LISTS,
    accepted,
    answers,
    cursor_after,
    key_after,
    list_bytes,
    next_page,
    page_link,
    sources_once,
)
from twinmatch.web.state import KEEP, State, state_of, tag_of, unchanged
from twinmatch.wording import say

router = api_router("cities")

CityIn = Annotated[
    str,
    Path(
        description="A city's id, or a name that only one city has",
        min_length=1,
        max_length=120,
        examples=["be-leuven"],
    ),
]
People = Annotated[int | None, Query(ge=0, le=50_000_000, description="Residents")]


def answered(
    request: Request,
    content: Callable[[], Any],
    fields: str | None = None,
) -> Response:
    """Return an answer about cities with its tag, or "not modified" to a caller that has this very answer.

    The tag comes from cohort, path, query and form alone, so a caller that has the answer costs no work. With
    ``fields`` (those that are wanted, with commas) it is a list of cities, in the form that the caller accepts.
    """
    state = state_of(request)
    form = "json" if fields is None else form_of(request)
    tag = tag_of(state.service, request.scope["path"], request.scope["query_string"], form)
    if request.headers.get("if-none-match") != "*" and (same := unchanged(request, tag)):
        return same

    def written() -> bytes:
        if fields is None:
            return orjson.dumps(content(), option=orjson.OPT_SERIALIZE_NUMPY)
        return list_bytes(form, content(), names_in(fields), state.service.cards)

    body = state.answer(tag, written)
    headers = {"ETag": tag, "Cache-Control": KEEP, "Vary": "Accept"}
    return unchanged(request, tag) or Response(body, 200, headers, LISTS[form])


def form_of(request: Request) -> str:
    """Return the form of a list of cities that a request accepts; raises QuestionError where there is none."""
    return accepted(request.headers.get("accept", "*/*"), LISTS)


def names_in(text: str) -> frozenset[str]:
    """Return the names of a list with commas."""
    return frozenset(filter(None, map(str.strip, text.split(","))))


REASON: Final = ("facet", "says", "standing", "share")
"""What is said of a line of an account where it stands as a reason."""

_FORMS: Final[dict[str, Any]] = {
    "text/csv": {"schema": {"type": "string"}},
    "application/geo+json": {"schema": schemas.COLLECTION},
}


@router.get("/cities", **answers(schemas.Cities, 406, forms=_FORMS, tagged=True))
def list_cities(
    request: Request,
    q: Annotated[str, Query(max_length=200, description="Words in a name, country or id")] = "",
    country: schemas.Country = "",
    role: Annotated[Role | None, Query(description="A role that the cities have")] = None,
    lacks: Annotated[
        str, Query(max_length=40, description="A block of the profile that is not known")
    ] = "",
    population_at_least: People = None,
    population_at_most: People = None,
    order: Annotated[Order, Query(description="Known and population: the most first")] = "name",
    page: Annotated[int, Query(ge=1, le=1_000_000, description="The first is 1")] = 1,
    cursor: schemas.Cursor = "",
    size: Annotated[int, Query(ge=1, le=500, description="Cities of a page")] = 50,
    fields: Annotated[str, schemas.fields_of(schemas.CityLine)] = "",
) -> Response:
    """Return the cities that match every word and filter, page by page; the Link header leads to the next one.

    A cursor stays right where cities come or go between two pages; page numbers do not.
    """
    if lacks and lacks not in City.BLOCKS:
        where, do = Where(column="lacks"), say("Known: {names}.", names=", ".join(City.BLOCKS))
        raise QuestionError.of(
            "block-unknown", say("A profile has no block {lacks}.", lacks=repr(lacks)), where, do
        )
    after = key_after(cursor, {order: order}.__getitem__, float, str, str)
    if after and page > 1:
        where, do = Where(column="cursor"), say("Keep one of them.")
        raise QuestionError.of("cursor-wrong", say("A cursor and a page are given."), where, do)
    between = (population_at_least, population_at_most)
    first, begin = (page - 1) * size, after and after[1:]
    search = Search(q, country, role, lacks, *between, order, first, size, begin)
    found = state_of(request).service.list_cities(search)
    pages = -(-found.total // size)
    more = cursor_after((order, *found.after)) if found.after else ""
    counts = {"total": found.total, "page": found.first // size + 1, "pages": pages, "size": size}
    names = schemas.CityLine.model_fields
    lines = [{name: getattr(c, name) for name in names} for c in found.cities]
    answer = answered(request, lambda: {**counts, "cities": lines, "next": more}, fields)
    links = [page_link(request, "prev", page=page - 1)] if 1 < page <= pages + 1 else []
    links += next_page(request, more).values()
    if links:
        answer.headers["Link"] = ", ".join(links)
    return answer


@router.get("/cities/{city}", **answers(schemas.CityWhole, 404, tagged=True))
def get_city(request: Request, city: CityIn) -> Response:
    """Return a city's whole profile with its sources, and what is not known of it."""
    service = state_of(request).service
    i = service.cohort.find(city)
    found = service.cohort.cities[i]
    unit = service.cohort.unit_of.get(found.id)
    whole = {
        "city": found.model_dump(mode="json", exclude_none=True, by_alias=True),
        "known": service.cards[found.id].known,
        "gaps": [{"block": g.block, "says": g.says} for g in service.gaps(i)],
        "host_unit": unit.id if unit else None,
    }
    return answered(request, lambda: whole)


def weights_of(text: str) -> dict[str, float]:
    """Return the weights of ``facet:3,facet:1``; raises QuestionError where it cannot be read."""
    found: dict[str, float] = {}
    problems = []
    for part in filter(None, (p.strip() for p in text.split(","))):
        name, _, number = part.partition(":")
        try:
            if name.strip() in found:
                raise ValueError(name)
            found[name.strip()] = float(number)
        except ValueError:
            where = Where(column="weights")
            do = say("Write facet:number, such as readiness:3,context:1, each facet once.")
            problems.append(
                Problem(
                    "weight-wrong", say("{part} is no weight.", part=repr(part[:80])), where, do
                )
            )
    if problems:
        raise QuestionError(problems)
    return found


@router.get(
    "/cities/{city}/similar",
    **answers(schemas.Similar, 404, 406, forms=_FORMS, tagged=True),
)
def similar_cities(
    request: Request, city: CityIn, asked: Annotated[schemas.SimilarQuery, Query()]
) -> Response:
    """Return the cities most like a city, best first, each with its reasons or its whole account."""
    weights, without = weights_of(asked.weights), asked.without.split(",")
    question = question_of(asked, weights, filter(None, map(str.strip, without)), asked)
    service = state_of(request).service

    def content() -> dict[str, Any]:
        return answer_plain(service.similar(city, question), asked.detail)

    return answered(request, content, asked.fields)


def answer_beforehand(state: State) -> None:
    """Write what is asked most, the usual question of each city, before anybody asks; the cities in their order."""
    service = state.service
    for city in service.cohort.cities:
        tag = tag_of(service, f"{router.prefix}/cities/{city.id}/similar")
        plain = answer_plain(service.similar(city.id, Question()), "reasons")
        state.answer(tag, partial(list_bytes, "json", plain))


def question_of(
    asked: schemas.SimilarAsked,
    weights: Mapping[str, float],
    without: Iterable[str],
    filters: schemas.Filters,
) -> Question:
    """Return what was asked."""
    wanted = Wanted(**{name: getattr(filters, name) for name in schemas.Filters.model_fields})
    words = asked.text.strip(), asked.text_weight, asked.detail == "account"
    return Question(asked.k, weights, tuple(without), wanted, *words)


def answer_plain(answer: Answer, detail: str) -> dict[str, Any]:
    """Return cities like mine as JSON has them."""
    found = []
    for n in answer.similar:
        account = n.account
        line: dict[str, Any] = {"id": n.id, "name": n.name, "country": n.country}
        line["score"] = round(account.score, DECIMALS)
        line["coverage"] = round(account.coverage, DECIMALS)
        if detail == "reasons":
            line["why"] = [{key: any_value(getattr(e, key)) for key in REASON} for e in n.reasons]
        elif detail == "account":
            line["account"] = to_wire(account)
        found.append(line)
    weights = {name: round(w, DECIMALS) for name, w in answer.weights.items()}
    said = {"city": answer.city, "text_model": answer.says, "note": answer.note}
    plain = {**said, "weights": weights, "similar": found}
    if detail == "account":
        plain["sources"] = sources_once(line["account"] for line in found)
    return plain


@router.post(
    "/similar",
    **answers(schemas.Similar | schemas.SimilarMany, 404, 406, 413, 422, forms=_FORMS),
)
def similar_to_profile(request: Request, asked: schemas.AskSimilar) -> Response:
    """Return the cities most like one that is not in the data, or like each of many; nothing that is sent is kept."""
    form, service = form_of(request), state_of(request).service
    question = question_of(asked, asked.weights, asked.without, asked.filters)
    answers, problems = [], list[Problem]()
    for city in asked.cities or [asked.profile]:
        try:
            answer = (
                service.similar(city, question)
                if isinstance(city, str)
                else service.similar_to(city, question)
            )
            answers.append(answer_plain(answer, asked.detail))
        except TwinmatchError as error:
            if len(asked.cities) < 2:
                raise
            problems += error.problems
    if problems:
        raise DataError(list(dict.fromkeys(problems)))
    content = {"answers": answers} if asked.cities else answers[0]
    body = list_bytes(form, content, names_in(asked.fields), service.cards)
    return Response(body, 200, {"Vary": "Accept"}, LISTS[form])


@router.get("/pairs/{one}/{other}", **answers(schemas.Pair, 404, tagged=True))
def explain_pair(request: Request, one: CityIn, other: CityIn) -> Response:
    """Return the accounts of a pair: as peers, and as guest and host both ways, every line with its evidence."""
    service = state_of(request).service
    i, beside = found_pair(service.cohort, one, other)
    ids = [service.cohort.cities[i].id, beside.id]

    def content() -> dict[str, Any]:
        accounts = to_wire(service.pair(*ids))
        sources = sources_once(a["account"] for a in accounts)
        said = {"text_model": service.says, "accounts": accounts, "sources": sources}
        return {"cities": ids, **said}

    return answered(request, content)


@router.get(
    "/schema/{of}.json",
    **answers(None, forms={"application/schema+json": {}}),
)
def get_schema(
    of: Annotated[
        Literal["city", "programme", "proposal"], Path(description="Of what", examples=["city"])
    ],
) -> Response:
    """Return the JSON Schema (2020-12) of a city's profile, a programme file or a proposal.json."""
    made = {"city": json_schema, "programme": programme_schema, "proposal": proposal_schema}[of]()
    return Response(orjson.dumps(made), media_type="application/schema+json")
