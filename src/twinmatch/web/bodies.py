"""The bodies of requests and answers: a request read as one model, lists of cities as JSON, CSV (RFC 4180) or GeoJSON (RFC 7946).

Every error of the API is ``application/problem+json`` (RFC 9457): those on purpose with all their problems and places and
the codes that the command line has too, those of the framework with a code of ours, an unforeseen one without its inside.
"""

from __future__ import annotations

import csv
import io
from base64 import urlsafe_b64decode, urlsafe_b64encode
from collections import Counter
from collections.abc import (
    Awaitable,
    Callable,
    Collection,
    Iterable,
    Iterator,
    Mapping,
    Sequence,
)
from contextlib import suppress
from datetime import UTC, datetime
from http import HTTPStatus
from typing import Any, Final, TypeVar
from urllib.parse import urlencode

import orjson
from fastapi import FastAPI, Request, Response
from fastapi.exceptions import RequestValidationError
from pydantic import BaseModel, Field, ValidationError
from starlette.exceptions import HTTPException

from twinmatch.cohort import nearest
from twinmatch.errors import (
    DataError,
    NoProposalError,
    Problem,
    QuestionError,
    TwinmatchError,
    Where,
)
from twinmatch.files import data_beside
from twinmatch.proposal import CityCard
from twinmatch.proposal.evidence import NO_REASON_SAID as NO_REASON
from twinmatch.proposal.wire import to_wire
from twinmatch.validate import as_sentence, fields_at
from twinmatch.wording import say, titled

M = TypeVar("M", bound=BaseModel)
T = TypeVar("T")

MOST_PROBLEMS: Final = 20
"""Problems of one request that are listed; the others are counted."""

SUGGESTED: Final = 3
"""Unknown names for which the nearest known one is looked for, which takes time."""


def as_model(model: type[M], data: Mapping[str, Any], part: str) -> M:
    """Return a part of a request as a model; raises the framework's error for a wrong one."""
    try:
        return model.model_validate(data)
    except ValidationError as error:
        items = [{**item, "loc": (part, *item["loc"])} for item in error.errors(include_url=False)]
        raise RequestValidationError(items) from error


def one_of(found: Iterator[T], says: str) -> T:
    """Return the first of what was found; raises QuestionError, which says so, where it is nothing."""
    for one in found:
        return one
    raise QuestionError.of("not-found", says)


def only_known(request: Request, known: Sequence[str]) -> None:
    """Raise QuestionError with the parameters of a query that its route does not have: none is passed over."""
    if not request.scope["query_string"]:
        return
    given = Counter(name for name, _ in request.query_params.multi_items())
    unknown = [name for name in given if name not in known]
    if unknown:
        listed = f"Known: {', '.join(known)}." if known else "This address takes none."
        problems = [
            Problem(
                "parameter-unknown",
                say("There is no parameter {name}.", name=repr(name)),
                Where(column=name),
                do,
            )
            for k, name in enumerate(n[:40] for n in unknown[:MOST_PROBLEMS])
            for do in [(k < SUGGESTED and nearest(name, {n: n for n in known})) or listed]
        ]
        raise QuestionError([*problems, *more_problems(len(unknown) - MOST_PROBLEMS)])
    for name, times in given.items():
        if times > 1:
            found = say("The parameter {name} is given {n} times.", name=repr(name), n=times)
            do = say("Give it once.")
            raise QuestionError.of("parameter-twice", found, Where(column=name), do)


def more_problems(left_out: int) -> list[Problem]:
    """Return the problem that counts those that are not listed; none where all are."""
    found = say("{left_out:,} more problems of this request are not listed.", left_out=left_out)
    return [Problem("more-problems", found)] if left_out > 0 else []


# --- answers ---


def json_answer(
    content: Any, status: int = 200, headers: Mapping[str, str] | None = None
) -> Response:
    """Return a result, or a dictionary of results, as JSON."""
    return Response(orjson.dumps(to_wire(content)), status, headers, "application/json")


LISTS: Final = {"json": "application/json", "csv": "text/csv", "geojson": "application/geo+json"}
"""The media type of each form of a list of cities, in the order of preference where a client has none."""


def qualities(header: str) -> dict[str, float]:
    """Return what a header such as Accept names, in lower case, with its quality in [0, 1], the best first."""
    found: dict[str, float] = {}
    for part in header[:1000].lower().split(","):
        name, *parameters = (p.strip() for p in part.split(";"))
        text = next((p[2:] for p in parameters if p.startswith("q=")), "1")
        with suppress(ValueError):
            if 0 <= float(text) <= 1:
                found[name] = float(text)
    return dict(sorted(found.items(), key=lambda item: -item[1]))


def accepted(header: str, offered: Mapping[str, str]) -> str:
    """Return the name of the form that an Accept header asks for; raises QuestionError where it asks for no other."""
    wishes = qualities(header)
    forms = {name: media.partition(";")[0] for name, media in offered.items()}
    for media in (m for m, quality in wishes.items() if quality):
        for name, own in forms.items():
            is_range = media == "*/*" or (media.endswith("/*") and own.startswith(media[:-1]))
            if media == own or (is_range and wishes.get(own) != 0):
                return name
    do = say("There is: {names}.", names=", ".join(forms.values()))
    raise QuestionError.of("not-acceptable", say("There is no such form."), do=do)


def cursor_after(key: Iterable[Any]) -> str:
    """Return a place in a list, as clients send it back: the key of the last line that they have."""
    return urlsafe_b64encode(orjson.dumps(list(key))).decode().rstrip("=")


def key_after(cursor: str, *kinds: Callable[[Any], Any]) -> tuple[Any, ...] | None:
    """Return the key that a cursor holds, None where none is given; raises QuestionError for a cursor of no such list."""
    if not cursor:
        return None
    try:
        written = urlsafe_b64decode(cursor + "=" * (-len(cursor) % 4))
        if rb"\u0000" in written:  # cannot be stored, so not be compared
            raise ValueError(cursor)
        key = orjson.loads(written)
        return tuple(kind(part) for kind, part in zip(kinds, key, strict=True))
    except (ValueError, TypeError, KeyError):
        where, do = Where(column="cursor"), say("Begin again without it.")
        raise QuestionError.of(
            "cursor-wrong", say("This list gave out no such cursor."), where, do
        ) from None


def moment(text: str) -> datetime:
    """Return a moment, in UTC, of a cursor."""
    return datetime.fromisoformat(text).replace(tzinfo=UTC)


def page_link(request: Request, rel: str, **place: str | int) -> str:
    """Return the link to another page of a list, at a cursor or with a number."""
    given = {k: v for k, v in request.query_params.items() if k not in {"cursor", "page"}}
    return f'<{request.url.path}?{urlencode(given | place)}>; rel="{rel}"'


def next_page(request: Request, cursor: str) -> dict[str, str]:
    """Return the header that leads to the next page of a list; none on the last."""
    return {"Link": page_link(request, "next", cursor=cursor)} if cursor else {}


def list_bytes(
    form: str,
    content: dict[str, Any],
    fields: Collection[str] = (),
    cards: Mapping[str, CityCard] | None = None,
) -> bytes:
    """Return a list of cities in a form, each city with its id and the named fields (all where none is named).

    In CSV and GeoJSON ``like`` is the city that was asked about. A city without coordinates has no geometry.
    """
    cards = cards or {}
    if form == "json":
        for answer in content.get("answers", [content]):
            key = "similar" if "similar" in answer else "cities"
            answer[key] = [_only(line, fields) for line in answer[key]]
        return orjson.dumps(content, option=orjson.OPT_SERIALIZE_NUMPY)
    if form == "csv":
        return _csv({**like, **_flat(_only(line, fields))} for like, line in _lines(content))
    features = [
        {
            "type": "Feature",
            "geometry": _point(cards.get(line["id"])),
            "properties": like | _only(line, fields),
        }
        for like, line in _lines(content)
    ]
    return orjson.dumps({"type": "FeatureCollection", "features": features})


def _lines(content: dict[str, Any]) -> Iterator[tuple[dict[str, Any], dict[str, Any]]]:
    for answer in content.get("answers", [content]):
        like = {"like": answer["city"]} if "similar" in answer else {}
        for line in answer["similar" if like else "cities"]:
            yield like, line


def _only(line: dict[str, Any], fields: Collection[str]) -> dict[str, Any]:
    """Return a city with its id and the named fields; whole where none is named."""
    return {k: v for k, v in line.items() if k in fields or k == "id"} if fields else line


def _flat(line: dict[str, Any]) -> dict[str, Any]:
    """Return a city as a row: reasons as one text, an account as the share of each facet."""
    row: dict[str, Any] = {}
    for key, value in line.items():
        if key == "account":
            row |= {f"share.{x['facet']}": x["share"] for x in value}
        elif isinstance(value, list | tuple):
            why = key == "why" and (" ".join(x["says"] for x in value) or NO_REASON)
            row[key] = why or "; ".join(value)
        else:
            row[key] = value
    return row


def _csv(rows: Iterable[dict[str, Any]]) -> bytes:
    found = list(rows)
    out = io.StringIO()
    table = csv.DictWriter(out, list(dict.fromkeys(key for row in found for key in row)))
    table.writeheader()
    table.writerows({key: _cell(value) for key, value in row.items()} for row in found)
    return out.getvalue().encode()


def _cell(value: Any) -> Any:
    """Return a value that a spreadsheet does not take for a formula."""
    return f"'{value}" if isinstance(value, str) and value[:1] in set("=+-@\t\r") else value


def _point(card: CityCard | None) -> dict[str, Any] | None:
    if card is None or card.lat is None or card.lon is None:
        return None
    return {"type": "Point", "coordinates": [card.lon, card.lat]}


def sources_once(accounts: Iterable[list[dict[str, Any]]]) -> dict[str, str]:
    """Return each source of some accounts by a short key, which takes its place in their facts."""
    keys: dict[str, str] = {}
    for line in (line for account in accounts for line in account):
        for fact in line["evidence"]:
            if "source" in fact:
                fact["source"] = keys.setdefault(fact["source"], f"s{len(keys) + 1}")
    return {key: source for source, key in keys.items()}


# --- errors -------------------------------------------------------------------------------------------------

MEDIA_TYPE: Final = "application/problem+json"

_TABLE: Final = data_beside(__file__, "problems.toml")
_STATUS: Final = {
    code: int(status) for status, codes in _TABLE["statuses"].items() for code in codes
}


class ProblemLine(BaseModel):
    """One thing that is wrong: a stable code, what was found, where, and what to do about it."""

    code: str = Field(examples=["city-unknown"])
    found: str = Field(examples=["No city 'leuvn' in these profiles."])
    file: str = ""
    sheet: str = ""
    row: int = 0
    column: str = Field("", description="Column, field or parameter")
    do: str = Field("", examples=["Did you mean be-leuven?"])
    level: str = "error"


class ProblemDetails(BaseModel):
    """Why a request was not answered (RFC 9457), with every problem at once."""

    type: str = Field(examples=["urn:twinmatch:problem:city-unknown"])
    title: str = Field(examples=["Not Found"])
    status: int = Field(examples=[404])
    detail: str = Field(examples=["No city 'leuvn' in these profiles. Did you mean be-leuven?"])
    instance: str = Field(examples=["/cities/leuvn"])
    problems: list[ProblemLine] = []


def status_of(error: TwinmatchError) -> int:
    """Return the status of an error: 404 for what is not there, 422 for bad data, 409 for no proposal, else 400."""
    codes = {p.code for p in error.problems}
    known = [_STATUS[code] for code in sorted(codes) if code in _STATUS]
    if known:
        return known[0]
    if isinstance(error, NoProposalError):
        return 409
    return 422 if isinstance(error, DataError) else 400


def document(status: int, problems: Iterable[Problem], instance: str) -> dict[str, Any]:
    """Return the problem document of a status and its problems."""
    problems = list(problems)
    code = problems[0].code if problems else "error"
    return {
        "type": f"urn:twinmatch:problem:{code}",
        "title": HTTPStatus(status).phrase,
        "status": status,
        "detail": " ".join(str(p) for p in problems[:5]) or HTTPStatus(status).phrase,
        "instance": instance,
        "problems": [p.plain() for p in problems[:1000]],
    }


def response(
    status: int, problems: Iterable[Problem], instance: str, headers: dict[str, str] | None = None
) -> Response:
    """Return the response of a status and its problems."""
    body = orjson.dumps(document(status, problems, instance))
    return Response(body, status, headers, MEDIA_TYPE)


def documented(*statuses: int) -> dict[int | str, dict[str, Any]]:
    """Return the OpenAPI responses of the errors that a route can give, beside those of every route."""
    return {
        status: {
            "description": HTTPStatus(status).phrase,
            "content": {MEDIA_TYPE: {"schema": {"$ref": "#/components/schemas/ProblemDetails"}}},
        }
        for status in sorted({400, 401, 403, 421, 429, *statuses})
    }


def answers(
    model: Any,
    *errors: int,
    status: int = 200,
    forms: Mapping[str, Any] | None = None,
    tagged: bool = False,
) -> dict[str, Any]:
    """Return what a route says of itself: the class whose wire form it answers with, and the errors that it can give.

    ``forms`` has further media types; without a model they are all there is. ``tagged``: an ETag can be sent back.
    """
    said: dict[str, Any] = {"model": model} if model else {}
    if forms:
        said["content"] = forms
    responses = {status: said, **documented(*errors)}
    if tagged:
        same = "Not Modified: the answer with the ETag sent is still right"
        responses[304] = {"description": same}
    made = {"status_code": status, "response_model": None, "responses": responses}
    return made if model else {**made, "response_class": Response}


Page = Callable[[Request, int, list[Problem]], Response]
Told = tuple[int, list[Problem], dict[str, str]]
Handler = Callable[[Request, Exception], Told]


def install(app: FastAPI, page: Page) -> None:
    """Let every error of the application become a problem document, or a page where a page was asked for."""

    def handled(handler: Handler) -> Callable[[Request, Exception], Awaitable[Response]]:
        async def answer(request: Request, error: Exception) -> Response:
            status, problems, headers = handler(request, error)
            if request.url.path.startswith("/workbench"):
                return page(request, status, problems)
            return response(status, problems, request.url.path, headers)

        return answer

    app.add_exception_handler(TwinmatchError, handled(_on_purpose))
    app.add_exception_handler(RequestValidationError, handled(_by_validation))
    app.add_exception_handler(HTTPException, handled(_by_framework))
    app.add_exception_handler(Exception, handled(_unforeseen))


def _on_purpose(_: Request, error: Exception) -> Told:
    assert isinstance(error, TwinmatchError)
    status = status_of(error)
    headers = {401: {"WWW-Authenticate": "Bearer"}, 503: {"Retry-After": "5"}}.get(status, {})
    return status, list(error.problems), headers


def _by_validation(request: Request, error: Exception) -> Told:
    assert isinstance(error, RequestValidationError)
    found = error.errors()
    problems = [
        Problem(
            "request-wrong",
            as_sentence(item),
            Where(column=".".join(str(part)[:80] for part in _path(item))),
            _do(request, item),
        )
        for item in found[:MOST_PROBLEMS]
    ]
    return 400, [*problems, *more_problems(len(found) - MOST_PROBLEMS)], {}


def _path(item: Any) -> tuple[str | int, ...]:
    """Return the names that lead to what is wrong; none where it is the whole body."""
    return () if item["type"] == "json_invalid" else tuple(item["loc"][1:])


def _do(request: Request, item: Any) -> str:
    """Return what to do about what a validator found wrong, where its words do not tell."""
    if item["type"] == "model_attributes_type" and isinstance(item["input"], bytes):
        return say("Send it as JSON, with the header Content-Type: application/json.")
    body = getattr(request.scope.get("route"), "body_field", None)
    if item["type"] != "extra_forbidden" or body is None or item["loc"][0] != "body":
        return ""
    *parents, name = map(str, _path(item))
    fields = fields_at(body.field_info.annotation, parents)
    return nearest(name, {f: f for f in fields}) or say("Known: {names}.", names=", ".join(fields))


def _by_framework(_: Request, error: Exception) -> Told:
    assert isinstance(error, HTTPException)
    code = _TABLE["framework"].get(str(error.status_code), "error")
    return (
        error.status_code,
        [Problem(code, titled(_sentence(str(error.detail))))],
        dict(error.headers or {}),
    )


def _unforeseen(request: Request, _: Exception) -> Told:
    return 500, [unforeseen(request.scope.get("request_id", ""))], {}


def unforeseen(request_id: str) -> Problem:
    """Return what is said of an error that nobody foresaw: where to find it, and nothing of its inside."""
    found = say(
        "The service met an error that it did not foresee; it is logged as {request}.",
        request=request_id,
    )
    return Problem("unforeseen", found, do=say("Try again; then tell the administrator."))


def _sentence(text: str) -> str:
    return text if text.endswith(".") else f"{text}."
