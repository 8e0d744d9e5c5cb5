"""What the service measures of itself, for Prometheus, and how it logs: JSON lines without personal data."""

from __future__ import annotations

import logging
import sys
import traceback
from collections.abc import Mapping, MutableMapping
from typing import Any, Final

import structlog
from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, generate_latest

_BUCKETS: Final = (0.001, 0.0025, 0.005, 0.01, 0.02, 0.03, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10)

_METHODS: Final = frozenset({"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"})

LOGGED: Final = frozenset(
    {
        "event",
        "level",
        "timestamp",
        "logger",
        "id",
        "method",
        "route",
        "path",
        "status",
        "ms",
        "bytes",
        "role",
    }
    | {"job", "state", "seconds", "cities", "exception", "code", "port", "workers", "what"}
)
"""Every key that a log line may have; the values of any other are taken out before they are written."""


class Metrics:
    """The counters of one process."""

    def __init__(self) -> None:
        self.registry = CollectorRegistry()
        self._requests = Counter(
            "twinmatch_requests",
            "Requests answered",
            ("method", "route", "status"),
            registry=self.registry,
        )
        self._seconds = Histogram(
            "twinmatch_request_seconds",
            "Seconds to answer",
            ("route",),
            buckets=_BUCKETS,
            registry=self.registry,
        )
        self._children: dict[tuple[str, str, int], tuple[Counter, Histogram]] = {}
        self.cities = Gauge("twinmatch_cities", "Cities loaded", registry=self.registry)
        self.jobs = Gauge(
            "twinmatch_jobs", "Proposals by state", ("state",), registry=self.registry
        )

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
    """Return a log event whose error is told by its kind and place alone: its words may repeat what people wrote."""
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
