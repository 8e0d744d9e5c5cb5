"""The front door: what happens to every request before a route sees it, and to every answer after.

Plain ASGI, because the framework's own middleware class costs as much as a whole answer. In order: an id, the
host, who asks, the limits of rate and size, the origin; then the route; then the headers, a metric and a line of log.
No log line holds a name, a key, an address, a query or a body.

What the service measures of itself is for Prometheus.
"""

from __future__ import annotations

import logging
import re
import secrets
import sys
import time
import traceback
from collections.abc import Awaitable, Callable, Mapping, MutableMapping
from math import ceil
from typing import Any, Final

import structlog
from limits import RateLimitItemPerMinute
from limits.storage import MemoryStorage
from limits.strategies import SlidingWindowCounterRateLimiter
from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, generate_latest
from starlette.exceptions import HTTPException
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from twinmatch.errors import Problem, TwinmatchError
from twinmatch.web import bodies
from twinmatch.web.auth import COOKIE, NOBODY, Person, Rank
from twinmatch.web.settings import VERSION, Settings
from twinmatch.wording import say

# --- what is measured and logged ---

_BUCKETS: Final = (0.001, 0.0025, 0.005, 0.01, 0.02, 0.03, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10)

_METHODS: Final = frozenset({"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"})

LOGGED: Final = frozenset(
    {"event", "level", "timestamp", "logger", "id", "method", "route", "path", "status"}
    | {"ms", "bytes", "role", "job", "state", "seconds", "cities", "exception", "code"}
    | {"port", "workers", "what"}
)
"""Every key that a log line may have; the values of any other are taken out before they are written."""


class Metrics:
    """The counters of one process."""

    def __init__(self) -> None:
        self.registry = CollectorRegistry()
        here: dict[str, Any] = {"registry": self.registry}
        labels = ("method", "route", "status")
        self._requests = Counter("twinmatch_requests", "Requests answered", labels, **here)
        self._seconds = Histogram(
            "twinmatch_request_seconds", "Seconds to answer", ("route",), buckets=_BUCKETS, **here
        )
        self._children: dict[tuple[str, str, int], tuple[Counter, Histogram]] = {}
        self.cities = Gauge("twinmatch_cities", "Cities loaded", **here)
        self.jobs = Gauge("twinmatch_jobs", "Proposals by state", ("state",), **here)

    def request(self, method: str, route: str, status: int, seconds: float) -> None:
        """Count one request."""
        found = self._children.get((method, route, status))
        if found is None:
            known = method if method in _METHODS else "other"
            found = (self._requests.labels(known, route, str(status)), self._seconds.labels(route))
            if len(self._children) < 1000:
                self._children[method, route, status] = found
        found[0].inc()
        found[1].observe(seconds)

    def text(self) -> bytes:
        """Return the measures in the Prometheus text format."""
        return generate_latest(self.registry)


def redacted(_: Any, __: str, event: MutableMapping[str, Any]) -> dict[str, Any]:
    """Return a log event with the values of unknown keys taken out."""
    return {key: value if key in LOGGED else "(taken out)" for key, value in event.items()}


def where_it_went_wrong(_: Any, __: str, event: MutableMapping[str, Any]) -> Mapping[str, Any]:
    """Return a log event whose error is reported by its kind and place alone: its words may repeat what people wrote."""
    info = event.pop("exc_info", None)
    error = sys.exc_info()[1] if info is True else info[1] if isinstance(info, tuple) else info
    if isinstance(error, BaseException):
        frames = traceback.extract_tb(error.__traceback__)
        kinds: list[str] = []
        told: BaseException | None = error
        while told is not None and len(kinds) < 10:
            kinds.append(type(told).__name__)
            told = told.__cause__ or told.__context__
        lines = [f"{frame.filename}:{frame.lineno} {frame.name}" for frame in frames[-20:]]
        event["exception"] = "\n".join([" from ".join(kinds), *lines])
    return event


def log_as_json(level: int = logging.INFO) -> None:
    """Write log lines as JSON on stderr, one a line."""
    structlog.configure(
        processors=[
            structlog.processors.add_log_level,
            structlog.processors.TimeStamper(fmt="iso", utc=True),
            structlog.processors.dict_tracebacks if level <= logging.DEBUG else where_it_went_wrong,
            redacted,
            structlog.processors.JSONRenderer(),
        ],
        wrapper_class=structlog.make_filtering_bound_logger(level),
        logger_factory=structlog.WriteLoggerFactory(sys.stderr),
        cache_logger_on_first_use=True,
    )


# --- the door ---

Who = Callable[[str, str], Awaitable[Person]]
"""Finds out who asks, from a bearer key and a session."""

PAGES: Final = "/workbench"
UPLOADS: Final = "/workbench/intake"

POLICY: Final = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; font-src 'self'; "
    "connect-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'"
)
"""Content security policy: nothing inline, nothing from elsewhere."""

_HEADERS: Final = (
    (b"x-content-type-options", b"nosniff"),
    (b"referrer-policy", b"no-referrer"),
    (b"x-frame-options", b"DENY"),
    (b"cross-origin-opener-policy", b"same-origin"),
    (b"cross-origin-resource-policy", b"same-origin"),
    (b"permissions-policy", b"camera=(), geolocation=(), microphone=()"),
    (b"content-security-policy", POLICY.encode()),
)
_SAFE: Final = frozenset({"GET", "HEAD", "OPTIONS"})
_UNCOUNTED: Final = ("/healthz", "/readyz", "/metrics", "/assets/")
_HEAVY: Final = re.compile(r"^/(v1/(similar|proposals)|workbench/(intake|proposals))")
"""What is handed in there is solved or read."""

_COMPUTED: Final = re.compile(r"^/(v1/pairs/|(v1|workbench)/proposals/[^/]+/(why-not|prices)$)")
"""What is worked out for a person who looks at it."""

_UNVERSIONED: Final = re.compile(
    r"^/(cities|similar|pairs|proposals|schema|personal-data|changes)(/|$)"
)
"""Paths of the API without its version: answered as version 1, with the date on which they end."""

_ENDS: Final = (
    (b"deprecation", b"@1795910400"),  # 2026-11-29, RFC 9745
    (b"sunset", b"Wed, 01 Dec 2027 00:00:00 GMT"),  # RFC 8594
)

_ASKS: Final = frozenset({f"{VERSION}/similar"})
"""What is posted there changes nothing: pages of origins that are named may ask."""

_ID: Final = re.compile(r"^[A-Za-z0-9-]{8,64}$")


class FrontDoor:
    """The application behind its door."""

    def __init__(self, app: ASGIApp, settings: Settings, who: Who, metrics: Metrics) -> None:
        self._app, self._settings, self._who, self._metrics = app, settings, who, metrics
        self._names = settings.names
        self._limiter = SlidingWindowCounterRateLimiter(MemoryStorage())
        self._usual = RateLimitItemPerMinute(settings.requests_a_minute)
        self._heavy = RateLimitItemPerMinute(settings.heavy_a_minute, 1, "heavy")
        self._log = structlog.get_logger("twinmatch.web").bind()
        secure = ((b"strict-transport-security", b"max-age=31536000"),) if settings.https else ()
        self._headers = (*_HEADERS, *secure)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        if _UNVERSIONED.match(scope["path"]):
            raw = VERSION.encode() + scope["raw_path"]
            scope = {**scope, "path": VERSION + scope["path"], "raw_path": raw, "unversioned": True}
        await _Visit(self, scope, receive, send).run()


class _Visit:
    """One request on its way through the door."""

    def __init__(self, door: FrontDoor, scope: Scope, receive: Receive, send: Send) -> None:
        self._door, self._scope, self._receive, self._send = door, scope, receive, send
        self._given: dict[bytes, bytes] = dict(scope["headers"])
        self._begun = time.perf_counter()
        self._status, self._bytes = 500, 0
        self._headed = False
        self._limits: tuple[tuple[bytes, bytes], ...] = ()
        self._sent, self._is_head = False, scope["method"] == "HEAD"
        given = self._header(b"x-request-id")
        self._id = scope["request_id"] = given if _ID.match(given) else secrets.token_hex(8)

    def _header(self, name: bytes) -> str:
        return self._given.get(name, b"").decode("latin-1")

    async def run(self) -> None:
        """Let the request in, or say why not; log it either way."""
        try:
            refusal = await self._refusal()
            if refusal is not None:
                status, problem, headers = refusal
                path = self._scope["path"]
                answer = bodies.response(status, [problem], path, headers)
                await answer(self._scope, self._receive, self._out)
                return
            # The framework knows HEAD for no route: it is asked for GET, and the body is not sent.
            asked = {**self._scope, "method": "GET"} if self._is_head else self._scope
            await self._door._app(asked, self._bounded(), self._out)
        except _TooLargeError as error:
            await self._fail(413, error.problem)
        except (
            TwinmatchError
        ) as error:  # the person who asks cannot be looked up: the store is gone
            await self._fail(bodies.status_of(error), error.problems[0])
        except Exception:
            self._door._log.exception("unforeseen", id=self._id, path=self._route())
            await self._fail(500, bodies.unforeseen(self._id))
        finally:
            self._tell()

    async def _fail(self, status: int, problem: Problem) -> None:
        if not self._sent:
            answer = bodies.response(status, [problem], self._scope["path"])
            await answer(self._scope, self._receive, self._out)

    async def _refusal(self) -> tuple[int, Problem, dict[str, str] | None] | None:
        """Return why the request is not let in: status, problem, headers; None where it is."""
        path = self._scope["path"]
        host = self._header(b"host").rpartition("@")[2]
        name = host if host.endswith("]") else host.rpartition(":")[0] or host
        if self._door._names and name not in self._door._names:
            return (
                421,
                Problem("host-unknown", say("This service is not called {name}.", name=repr(name))),
                None,
            )
        bearer = self._header(b"authorization")
        person = await self._door._who(
            bearer[7:] if bearer[:7].lower() == "bearer " else self._header(b"x-api-key"),
            _cookie(self._header(b"cookie"), COOKIE),
        )
        self._scope["person"] = person
        if not path.startswith(_UNCOUNTED) and (refused := self._too_many(person, path)):
            return refused
        length = self._header(b"content-length")
        if length and (not length.isdigit() or int(length) > self._most()):
            return 413, self._too_large(), {"Connection": "close"}
        if self._scope["method"] not in _SAFE and not self._same_origin():
            found = say("A page of another origin may not change anything here.")
            return 403, Problem("other-origin", found), None
        return None

    def _too_many(
        self, person: Person, path: str
    ) -> tuple[int, Problem, dict[str, str] | None] | None:
        client = self._scope.get("client")
        who = person.key or (client[0] if client else "unknown")
        heavy = (self._scope["method"] == "POST" and _HEAVY.match(path)) or _COMPUTED.match(path)
        item = self._door._heavy if heavy else self._door._usual
        may = self._door._limiter.hit(item, who)
        reset, left = self._door._limiter.get_window_stats(item, who)
        seconds, kind = max(1, ceil(reset - time.time())), "heavy" if heavy else "usual"
        self._limits = (
            (b"ratelimit-policy", f'"{kind}";q={item.amount};w=60'.encode()),
            (b"ratelimit", f'"{kind}";r={max(0, left)};t={seconds}'.encode()),
        )
        if may:
            return None
        found = say("More than {amount} requests of this kind in a minute.", amount=item.amount)
        do = say("Wait {seconds} seconds.", seconds=seconds)
        return 429, Problem("too-many", found, do=do), {"Retry-After": str(seconds)}

    def _most(self) -> int:
        # A person who may not hand in has no large body taken in before being told so.
        may = self._scope.get("person", NOBODY).rank >= Rank.COORDINATOR
        uploads = may and self._scope["path"].startswith(UPLOADS)
        settings = self._door._settings
        return settings.most_upload + 100_000 if uploads else settings.most_bytes

    def _too_large(self) -> Problem:
        return Problem("too-large", say("The request is larger than {p:,} bytes.", p=self._most()))

    def _same_origin(self) -> bool:
        """Return whether a change was asked for by a page of ours, or by no page at all."""
        site, origin = self._header(b"sec-fetch-site"), self._header(b"origin")
        if self._scope["path"] in _ASKS and origin in self._door._settings.origins:
            return True
        if site:
            return site in {"same-origin", "none"}
        scheme = "https" if self._door._settings.https else self._scope["scheme"]
        return not origin or origin == f"{scheme}://{self._header(b'host')}"

    def _bounded(self) -> Receive:
        """Return a receive that stops a body which grows beyond the limit, whatever its header said."""
        most, got = self._most(), 0

        async def receive() -> Message:
            nonlocal got
            if self._is_head and self._headed:
                return {"type": "http.disconnect"}
            message = await self._receive()
            if message["type"] == "http.request":
                got += len(message.get("body", b""))
                if got > most:
                    raise _TooLargeError(self._too_large())
            return message

        return receive

    async def _out(self, message: MutableMapping[str, Any]) -> None:
        if message["type"] == "http.response.start":
            self._sent, self._status = True, message["status"]
            headers = list(message.get("headers", ()))
            named = {name for name, _ in headers}
            if b"content-encoding" in named:
                headers = _coded(headers)
            headers += [item for item in self._door._headers if item[0] not in named]
            headers += [(b"x-request-id", self._id.encode()), *self._limits]
            if "unversioned" in self._scope:
                there = b'<%b>; rel="successor-version"' % self._scope["raw_path"]
                headers += [*_ENDS, (b"link", there)]
            if b"cache-control" not in named:
                headers.append((b"cache-control", b"no-store"))
            message = {**message, "headers": headers}
        elif self._is_head:
            message = {"type": "http.response.body", "body": b""}
            if self._headed:
                return
            self._headed = True
        else:
            self._bytes += len(message.get("body", b""))
        await self._send(message)

    def _route(self) -> str:
        """Return the route's pattern, which names no city and nobody."""
        route = self._scope.get("route")
        return str(getattr(route, "path", None) or self._scope.get("route_path", "(no route)"))

    def _tell(self) -> None:
        seconds, route = time.perf_counter() - self._begun, self._route()
        method = self._scope["method"]
        self._door._metrics.request(method, route, self._status, seconds)
        person = self._scope.get("person", NOBODY)
        if self._scope["path"].startswith(_UNCOUNTED):
            return
        self._door._log.info(
            "request",
            id=self._id,
            method=method if method.isalpha() and len(method) < 12 else "other",
            route=route,
            status=self._status,
            ms=round(1000 * seconds, 2),
            bytes=self._bytes,
            role=person.rank.name.lower() if person.rank is not Rank.NOBODY else "none",
        )


class _TooLargeError(HTTPException):
    """A body that grew beyond the limit while it was read."""

    def __init__(self, problem: Problem) -> None:
        super().__init__(413, problem.found)
        self.problem = problem


def _coded(headers: list[tuple[bytes, bytes]]) -> list[tuple[bytes, bytes]]:
    """Return the headers of a compressed answer: a strong tag, which stands for the very bytes, names the coding."""
    end = b"-" + dict(headers)[b"content-encoding"] + b'"'
    is_strong = [name == b"etag" and value[:1] == b'"' for name, value in headers]
    return [(n, v[:-1] + end if s else v) for (n, v), s in zip(headers, is_strong, strict=True)]


def _cookie(header: str, name: str) -> str:
    pairs = (part.strip().partition("=") for part in header.split(";"))
    return next((value for key, _, value in pairs if key == name), "")
