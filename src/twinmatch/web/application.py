"""The application: the API and the workbench behind one door, made from settings and from nothing else."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from threading import Thread
from typing import Any, Final

import structlog
from fastapi import FastAPI, Request, Response
from fastapi.middleware.cors import CORSMiddleware
from fastapi.responses import RedirectResponse
from fastapi.staticfiles import StaticFiles
from starlette.concurrency import run_in_threadpool
from starlette.types import ASGIApp
from starlette_compress import CompressMiddleware, add_compress_type

from twinmatch import __version__
from twinmatch.errors import TwinmatchError
from twinmatch.files import data_beside
from twinmatch.web import (
    bodies,
    cities,
    city_pages,
    decided_pages,
    intake_pages,
    mail,
    pages,
    persons,
    proposals,
    rounds_pages,
    schemas,
)
from twinmatch.web.auth import reader
from twinmatch.web.board import Board
from twinmatch.web.bodies import LISTS, json_answer
from twinmatch.web.jobs import Jobs
from twinmatch.web.middleware import FrontDoor, Metrics, log_as_json
from twinmatch.web.settings import Settings, from_environment
from twinmatch.web.state import State, state_of

for _media in (*LISTS.values(), "application/problem+json", "application/schema+json"):
    add_compress_type(_media)

_TEXTS: Final = data_beside(__file__, "openapi.toml")


def application(settings: Settings) -> ASGIApp:
    """Return the service as an ASGI application."""
    state = State(settings, Board(settings.store), Metrics())
    jobs = Jobs(state.board, settings)

    @asynccontextmanager
    async def lifespan(_: FastAPI) -> AsyncIterator[None]:
        opening = asyncio.create_task(_open(state))
        jobs.begin()
        yield
        opening.cancel()
        with suppress(asyncio.CancelledError):
            await opening
        await jobs.stop()
        state.board.store.close()

    app = FastAPI(
        title="twinmatch",
        version=__version__,
        description=_TEXTS["about"],
        license_info={"name": "Apache-2.0", "identifier": "Apache-2.0"},
        servers=[{"url": "/", "description": "This service"}],
        lifespan=lifespan,
        docs_url=None,
        redoc_url=None,
        redirect_slashes=False,  # such a redirect repeats the Host header
        swagger_ui_oauth2_redirect_url=None,
        generate_unique_id_function=lambda route: route.name,
    )
    app.state.shared = state
    bodies.install(app, pages.error_page)
    api = (cities, proposals, persons)
    for part in (*api, pages, city_pages, decided_pages, mail, rounds_pages, intake_pages):
        app.include_router(part.router)
    app.include_router(city_pages.by_link)
    _add_workbench(app)
    _add_health(app)
    _describe(app)
    app.add_middleware(CompressMiddleware, minimum_size=1000, gzip_level=5)
    door: ASGIApp = FrontDoor(app, settings, state.who, state.metrics)
    if settings.origins:
        door = CORSMiddleware(
            door,
            allow_origins=settings.origins,
            allow_methods=["GET", "POST"],
            allow_headers=["Authorization", "Content-Type", "If-None-Match"],
            expose_headers=["Deprecation", "Sunset", "Retry-After", *_TEXTS["headers"]],
        )
    return door


def from_settings() -> ASGIApp:
    """Return the service that the command described in the environment: what a worker process runs."""
    log_as_json()
    return application(from_environment())


async def _open(state: State) -> None:
    log = structlog.get_logger("twinmatch.web")
    try:
        await run_in_threadpool(state.open)
        log.info("ready", cities=len(state.service.cohort))
        # A thread of its own that ends with the process: the service answers meanwhile.
        Thread(target=_find_nearest, args=(state, log), daemon=True).start()
    except TwinmatchError as error:
        state.failed = str(error)
        log.error("profiles-refused", code=",".join(sorted({p.code for p in error.problems})))
    except Exception:
        state.failed = "unforeseen"
        log.exception("unforeseen", what="opening")


def _find_nearest(state: State, log: Any) -> None:
    """Find the nearest of every city and write the usual answers, which for thousands of cities takes minutes."""
    state.service.find_nearest()
    log.info("nearest", cities=len(state.service.cohort))
    cities.answer_beforehand(state)
    log.info("answered", cities=len(state.service.cohort))


def _add_health(app: FastAPI) -> None:
    refused: dict[int | str, Any] = {421: bodies.documented()[421]}

    @app.get("/healthz", tags=["health"], response_model=schemas.Health, responses=refused)
    async def healthz() -> dict[str, Any]:
        """Return that the process lives."""
        return {"status": "ok", "version": __version__}

    health: dict[int | str, Any] = {status: {"model": schemas.Health} for status in (200, 503)}

    @app.get("/readyz", tags=["health"], response_model=None, responses={**health, **refused})
    async def readyz(request: Request) -> Response:
        """Return whether the service can answer: cities loaded, store reachable."""
        state = state_of(request)
        store = await run_in_threadpool(state.board.is_reachable)
        checks = {"cities": state.opened is not None, "store": store}
        ready = all(checks.values())
        status = "ok" if ready else "not ready"
        content = {"status": status, "version": __version__, "checks": checks}
        return json_answer(content, 200 if ready else 503)

    @app.get("/metrics", tags=["health"], **bodies.answers(None, forms={"text/plain": {}}))
    async def metrics(request: Request) -> Response:
        """Return the measures of this process for Prometheus."""
        state = state_of(request)
        if not state.settings.metrics_open:
            reader.checked(request)
        for name, number in (await run_in_threadpool(state.board.counts)).items():
            state.metrics.jobs.labels(name).set(number)
        return Response(state.metrics.text(), media_type="text/plain; version=0.0.4; charset=utf-8")


def _describe(app: FastAPI) -> None:
    """Complete the OpenAPI document: errors, keys, headers, what routes and tags are called."""
    made = app.openapi

    def openapi() -> dict[str, Any]:
        if not app.openapi_schema:
            app.openapi_schema = _described(made())
        return app.openapi_schema

    app.openapi = openapi  # type: ignore[method-assign]


def _described(document: dict[str, Any]) -> dict[str, Any]:
    parts = document.setdefault("components", {})
    shown = parts.setdefault("schemas", {})
    schema = bodies.ProblemDetails.model_json_schema(ref_template="#/components/schemas/{model}")
    shown |= schema.pop("$defs", {}) | {"ProblemDetails": schema}
    for name, given in _TEXTS["examples"].items():
        shown[name]["examples"] = given
    for name in ("HTTPValidationError", "ValidationError"):
        shown.pop(name, None)
    for where, path in document["paths"].items():
        for route in path.values():
            route["responses"].pop("422", None) if _is_framework(route) else None
            counted = "health" not in route["tags"]
            route["security"] = [{"key": []}] if counted else []
            route["summary"] = route["operationId"].replace("_", " ").capitalize()
            for status, answer in route["responses"].items():
                names = list(_TEXTS["headers"])[: 3 if counted else 1]
                is_tagged = "304" in route["responses"] or where.endswith("/decisions")
                names += ["ETag"] if status in {"200", "201"} and is_tagged else []
                names += ["Location"] if status in {"201", "202"} else []
                names += ["Link"] if status == "200" and _is_list(route) else []
                answer["headers"] = {n: {"$ref": f"#/components/headers/{n}"} for n in names}
    parts["headers"] = {
        name: {"description": says, "schema": {"type": "string"}, "example": example}
        for name, (says, example) in _TEXTS["headers"].items()
    }
    key = {"type": "http", "scheme": "bearer", "description": "A key: twm_…"}
    parts["securitySchemes"] = {"key": key}
    document["tags"] = [
        {"name": name, "description": says} for name, says in _TEXTS["tags"].items()
    ]
    return document


def _is_list(route: dict[str, Any]) -> bool:
    return any(parameter["name"] == "cursor" for parameter in route.get("parameters", ()))


def _is_framework(route: dict[str, Any]) -> bool:
    content = route["responses"].get("422", {}).get("content", {})
    return "HTTPValidationError" in str(content)


def _add_workbench(app: FastAPI) -> None:
    """Add what the pages stand on: scripts, styles and signs, the first page, the page of the API."""
    app.mount("/assets", _Assets(packages=[("twinmatch.web", "assets")]), name="assets")

    @app.get("/", include_in_schema=False)
    @app.get("/workbench", include_in_schema=False)
    async def first() -> Response:
        return RedirectResponse("/workbench/cities", 303)

    @app.get("/workbench/api", include_in_schema=False)
    async def api(request: Request) -> Response:
        reader.checked(request)
        return pages.page(request, "api.html.j2", by_tag=_routes(app.openapi()))


class _Assets(StaticFiles):
    """Files that change with the version alone: kept for a day. One is for pages of other origins."""

    def file_response(self, *given: Any, **named: Any) -> Response:
        answer = super().file_response(*given, **named)
        answer.headers["ETag"] = f"W/{answer.headers['etag']}"  # it stands for every coding
        answer.headers["Cache-Control"] = "public, max-age=86400"
        if str(given[0]).endswith("similar.js"):
            answer.headers["Cross-Origin-Resource-Policy"] = "cross-origin"
        return answer


def _routes(document: dict[str, Any]) -> dict[str, list[dict[str, Any]]]:
    """Return the routes of the API by tag, as its page shows them."""
    found: dict[str, list[dict[str, Any]]] = {}
    for path, item in document["paths"].items():
        for method, operation in item.items():
            line = {
                "method": method.upper(),
                "path": path,
                "answers": sorted(operation["responses"]),
            }
            line["says"] = operation.get("description", "").split("\n")[0]
            line["parameters"] = [
                {"description": "", **p, "schema": {"description": "", **p["schema"]}}
                for p in operation.get("parameters", [])
            ]
            found.setdefault(operation["tags"][0], []).append(line)
    return found
