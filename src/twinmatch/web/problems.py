"""Errors on the wire: RFC 9457 problem details, with the codes that the command line has too.

Every error of the API is ``application/problem+json``: those on purpose with all their problems and places,
those of the framework with a code of ours, and an unforeseen one without its inside.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterable, Mapping
from http import HTTPStatus
from typing import Any, Final

import orjson
from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from pydantic import BaseModel, Field
from starlette.exceptions import HTTPException
from starlette.responses import Response

from twinmatch.errors import DataError, NoProposalError, Problem, TwinmatchError, Where
from twinmatch.validate import as_sentence
from twinmatch.web.bodies import MOST_PROBLEMS, more_problems

MEDIA_TYPE: Final = "application/problem+json"

_CODES: Final[dict[int, tuple[str, ...]]] = {
    401: ("key-missing", "key-wrong"),
    403: ("role-too-low", "other-origin"),
    404: (
        *("city-unknown", "proposal-unknown", "upload-unknown", "file-unknown"),
        *("not-found", "link-closed", "run-unknown", "meeting-not-in-run", "mail-off"),
    ),
    405: ("not-allowed-here",),
    406: ("not-acceptable",),
    409: (
        *("not-ready", "not-possible-now", "status-wrong", "not-a-draft"),
        *("nothing-to-undo", "seen-by-others", "withdrawn", "letter-changed", "sent-already"),
    ),
    412: ("changed-meanwhile",),
    413: ("too-large",),
    415: ("kind-unknown",),
    421: ("host-unknown",),
    428: ("version-missing",),
    429: ("too-many",),
    502: ("mail-broken", "mail-unreachable"),
    503: (
        *("service-busy", "store-busy", "store-broken", "store-full"),
        *("store-read-only", "store-unreachable"),
    ),
}
"""The codes of each status that is no plain bad request."""

_STATUS: Final = {code: status for status, codes in _CODES.items() for code in codes}

_FRAMEWORK: Final[dict[int, str]] = {
    400: "request-wrong",
    401: "key-missing",
    403: "role-too-low",
    404: "not-found",
    405: "not-allowed-here",
    406: "not-acceptable",
    413: "too-large",
    415: "kind-unknown",
}
"""Our code for a status that the framework gives."""


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


def _by_validation(_: Request, error: Exception) -> Told:
    assert isinstance(error, RequestValidationError)
    found = error.errors()
    problems = [
        Problem(
            "request-wrong",
            as_sentence(item),
            Where(column=".".join(str(part)[:80] for part in item["loc"][1:])),
        )
        for item in found[:MOST_PROBLEMS]
    ]
    return 400, [*problems, *more_problems(len(found) - MOST_PROBLEMS)], {}


def _by_framework(_: Request, error: Exception) -> Told:
    assert isinstance(error, HTTPException)
    code = _FRAMEWORK.get(error.status_code, "error")
    return (
        error.status_code,
        [Problem(code, _sentence(str(error.detail)))],
        dict(error.headers or {}),
    )


def _unforeseen(request: Request, _: Exception) -> Told:
    return 500, [unforeseen(request.scope.get("request_id", ""))], {}


def unforeseen(request_id: str) -> Problem:
    """Return what is said of an error that nobody foresaw: where to find it, and nothing of its inside."""
    found = f"The service met an error that it did not foresee; it is logged as {request_id}."
    return Problem("unforeseen", found, do="Try again; then tell the administrator.")


def _sentence(text: str) -> str:
    return text if text.endswith(".") else f"{text}."
