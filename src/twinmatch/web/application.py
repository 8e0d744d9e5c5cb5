"""The application: the API and the workbench behind one door, made from settings and from nothing else."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from threading import Thread
from typing import Any

import orjson
import structlog
from fastapi import FastAPI, Request, Response
from fastapi.middleware.cors import CORSMiddleware
from fastapi.middleware.gzip import GZipMiddleware
from fastapi.responses import RedirectResponse
from fastapi.staticfiles import StaticFiles
from starlette.concurrency import run_in_threadpool
from starlette.types import ASGIApp

from twinmatch import __version__
from twinmatch.app.service import Service
from twinmatch.errors import TwinmatchError
from twinmatch.web import (
    cities,
    city_link,
    decided_pages,
    desk_pages,
    intake_pages,
    loops,
    pages,
    persons,
    problems,
    proposals,
    rounds_pages,
    schemas,
    survey_pages,
)
from twinmatch.web.auth import reader
from twinmatch.web.board import Board
from twinmatch.web.jobs import Jobs
from twinmatch.web.metrics import Metrics, log_as_json
from twinmatch.web.middleware import FrontDoor
from twinmatch.web.settings import Settings, from_environment
from twinmatch.web.state import State, state_of

ABOUT = """Peer matching and twinning for climate-neutral cities: "cities like mine" with the reasons, the account of
any pair, and proposals for whole rounds.

Every score is the sum of its named evidence. Every error is `application/problem+json` (RFC 9457) with the codes of
the command line. Answers about cities carry an ETag: send it back as If-None-Match. `RateLimit` says how many requests are left
in how many seconds."""


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

    app = FastAPI(
        title="twinmatch",
        version=__version__,
        description=ABOUT,
        lifespan=lifespan,
        docs_url=None,
        redoc_url=None,
        redirect_slashes=False,  # such a redirect repeats the Host header
        swagger_ui_oauth2_redirect_url=None,
        generate_unique_id_function=lambda route: route.name,
    )
    app.state.shared = state
    problems.install(app, pages.error_page)
    app.include_router(cities.router)
    app.include_router(proposals.router)
    app.include_router(loops.router)
    app.include_router(persons.router)
    for part in (
        pages,
        rounds_pages,
        decided_pages,
        desk_pages,
        city_link,
        intake_pages,
        survey_pages,
    ):
        app.include_router(part.router)
    _add_workbench(app)
    _add_health(app)
    _describe(app)
    app.add_middleware(GZipMiddleware, minimum_size=1000, compresslevel=5)
    door: ASGIApp = FrontDoor(app, settings, state.who, state.metrics)
    if settings.origins:
        door = CORSMiddleware(
            door,
            allow_origins=settings.origins,
            allow_methods=["GET"],
            allow_headers=["Authorization", "If-None-Match"],
            expose_headers=["ETag", "Link", "RateLimit", "RateLimit-Policy", "X-Request-Id"],
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
        Thread(target=_find_nearest, args=(state.service, log), daemon=True).start()
    except TwinmatchError as error:
        state.failed = str(error)
        log.error("profiles-refused", code=",".join(sorted({p.code for p in error.problems})))
    except Exception:
        state.failed = "unforeseen"
        log.exception("unforeseen", what="opening")


def _find_nearest(service: Service, log: Any) -> None:
    """Find the nearest of every city, which for thousands of cities takes a minute."""
    service.find_nearest()
    log.info("nearest", cities=len(service.cohort))


def _add_health(app: FastAPI) -> None:
    @app.get("/healthz", tags=["health"], response_model=schemas.Health)
    async def healthz() -> dict[str, Any]:
        """Return that the process lives."""
        return {"status": "ok", "version": __version__}

    @app.get(
        "/readyz",
        tags=["health"],
        response_model=None,
        responses={200: {"model": schemas.Health}, 503: {"model": schemas.Health}},
    )
    async def readyz(request: Request) -> Response:
        """Return whether the service can answer: cities loaded, store reachable."""
        state = state_of(request)
        store = await run_in_threadpool(state.board.is_reachable)
        checks = {"cities": state.opened is not None, "store": store}
        ready = all(checks.values())
        content = {
            "status": "ok" if ready else "not ready",
            "version": __version__,
            "checks": checks,
        }
        return Response(orjson.dumps(content), 200 if ready else 503, media_type="application/json")

    @app.get(
        "/metrics",
        tags=["health"],
        response_model=None,
        response_class=Response,
        responses={200: {"content": {"text/plain": {}}}, **problems.documented()},
    )
    async def metrics(request: Request) -> Response:
        """Return the measures of this process for Prometheus."""
        state = state_of(request)
        if not state.settings.metrics_open:
            reader.checked(request)
        for name, number in (await run_in_threadpool(state.board.counts)).items():
            state.metrics.jobs.labels(name).set(number)
        return Response(state.metrics.text(), media_type="text/plain; version=0.0.4; charset=utf-8")


def _describe(app: FastAPI) -> None:
    """Let the OpenAPI document tell our errors, and how to send a key."""
    made = app.openapi

    def openapi() -> dict[str, Any]:
        if app.openapi_schema:
            return app.openapi_schema
        document = made()
        parts = document.setdefault("components", {})
        shown = parts.setdefault("schemas", {})
        for model in (problems.ProblemDetails,):
            schema = model.model_json_schema(ref_template="#/components/schemas/{model}")
            shown |= schema.pop("$defs", {})
            shown[model.__name__] = schema
        for name in ("HTTPValidationError", "ValidationError"):
            shown.pop(name, None)
        for path in document["paths"].values():
            for route in path.values():
                route["responses"].pop("422", None) if _is_framework(route) else None
                if "health" not in route.get("tags", ()):
                    route["security"] = [{"key": []}]
        parts["securitySchemes"] = {
            "key": {"type": "http", "scheme": "bearer", "description": "A key: twm_…"}
        }
        app.openapi_schema = document
        return document

    app.openapi = openapi  # type: ignore[method-assign]


def _is_framework(route: dict[str, Any]) -> bool:
    content = route["responses"].get("422", {}).get("content", {})
    return "HTTPValidationError" in str(content)


def _add_workbench(app: FastAPI) -> None:
    """Add what the pages stand on: scripts, styles and signs, the first page, the page of the API."""
    app.mount("/assets", _Assets(packages=[("twinmatch.web", "assets")]), name="assets")

    @app.get("/", include_in_schema=False)
    async def first() -> Response:
        return RedirectResponse("/workbench/cities", 303)

    @app.get("/workbench", include_in_schema=False)
    async def workbench() -> Response:
        return RedirectResponse("/workbench/cities", 303)

    @app.get("/workbench/api", include_in_schema=False)
    async def api(request: Request) -> Response:
        reader.checked(request)
        return pages.page(request, "api.html.j2", by_tag=_routes(app.openapi()))


class _Assets(StaticFiles):
    """Files that change with the version alone: kept for a day."""

    def file_response(self, *given: Any, **named: Any) -> Response:
        answer = super().file_response(*given, **named)
        answer.headers["Cache-Control"] = "public, max-age=86400"
        return answer


def _routes(document: dict[str, Any]) -> dict[str, list[dict[str, Any]]]:
    """Return the routes of the API by tag, as its page shows them."""
    found: dict[str, list[dict[str, Any]]] = {}
    for path, item in document["paths"].items():
        for method, operation in item.items():
            found.setdefault(operation["tags"][0], []).append(
                {
                    "method": method.upper(),
                    "path": path,
                    "says": operation.get("description", "").split("\n")[0],
                    "parameters": [
                        {"description": "", **p, "schema": {"description": "", **p["schema"]}}
                        for p in operation.get("parameters", [])
                    ],
                    "answers": sorted(operation["responses"]),
                }
            )
    return found
