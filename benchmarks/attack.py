"""Does any request make the service fail, or keep others waiting? Generated and structured attacks on a real process.

    python benchmarks/attack.py [--cases 10000] [--out benchmarks/results/attack.json]
    python benchmarks/attack.py --table          print the table that is kept

The service runs under uvicorn as a process of its own, with keys and a store of its own. Asked are cases that schemathesis makes from
the OpenAPI document, as an administrator; and every route x nobody, reader, coordinator, administrator x every
method, then with bodies of 1 MB (deep, wide, a form, noise), headers and paths that no client sends. Meanwhile
`/healthz` is asked ten times a second, and in turn a bare server that does nothing, so that what the machine
delays is told apart from what the service delays. Exits 1 where an answer is a 5xx, where the service dies, or where
`/healthz` takes 200 ms or more than the bare server took at its slowest.
"""

from __future__ import annotations

import argparse
import http.server
import json
import os
import re
import socket
import statistics
import subprocess
import sys
import tempfile
import threading
import time
import warnings
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx2

ROOT = Path(__file__).parent.parent
RESULT = Path(__file__).parent / "results" / "attack.json"
sys.path[:0] = [str(ROOT / "tests" / part) for part in ("security", "doors", "unit/store")]

METHODS = ("GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS", "TRACE")
MEGABYTE = 10**6
LIMIT = 0.2
BODIES: dict[str, tuple[str, bytes]] = {
    "deep": ("application/json", b"[" * (MEGABYTE // 2) + b"]" * (MEGABYTE // 2 - 9)),
    "wide": ("application/json", b"{%s}" % b",".join(b'"f%d":1' % k for k in range(85_000))),
    "one text": ("application/json", b'{"title":"%s"}' % (b"\\u0000" * 160_000)),
    "form": ("application/x-www-form-urlencoded", b"&".join(b"f%d=1" % k for k in range(90_000))),
    "parts": ("multipart/form-data; boundary=x", b"--x\r\nContent-Disposition: form-data; name=a\r\n\r\n\r\n" * 18_000),
    "noise": ("application/json", bytes(range(256)) * 3_900),
}  # fmt: skip
HEADERS: dict[str, str] = {
    "Host": "evil.example", "Origin": "https://evil.example", "Accept-Language": "x;q=" * 2_000, "Accept": "*/*," * 2_000,
    "Accept-Encoding": "gzip;q=nan", "Cookie": "twinmatch=" + "a" * 7_000, "If-None-Match": '"a",' * 2_000,
    "If-Match": "*", "Range": "bytes=0-,-1,5-2", "Content-Type": "application/json; charset=utf-7",
    "X-Forwarded-For": "127.0.0.1," * 700, "Authorization": "Basic " + "=" * 7_000, "Expect": "200-maybe",
    "Transfer-Encoding": "gzip", "X-Request-Id": "\t%n\u00e9" * 100,
}  # fmt: skip
EACH = 40  # cases of a route in a round
PARTS = (
    "%00",
    "%ff%fe",
    "%ed%a0%80",
    "..%2f..%2fetc",
    "%5c%5c",
    "a" * 6_000,
    "%25%30%30",
    "-1",
    "%E2%80%AE",
)


class Probe(threading.Thread):
    """Asks two addresses in turn and keeps how long each took."""

    def __init__(self, addresses: dict[str, str]) -> None:
        super().__init__(daemon=True)
        self.addresses, self.ended = addresses, threading.Event()
        self.took: dict[str, list[float]] = {name: [] for name in addresses}
        self.lost = 0

    def run(self) -> None:
        """Ask until told to end."""
        with httpx2.Client(timeout=60) as client:
            while not self.ended.wait(0.05):
                for name, address in self.addresses.items():
                    began = time.perf_counter()
                    try:
                        self.lost += client.get(address).status_code != 200
                    except httpx2.HTTPError:
                        self.lost += 1
                    self.took[name].append(time.perf_counter() - began)


class Bare(http.server.BaseHTTPRequestHandler):
    """Answers at once."""

    protocol_version = "HTTP/1.1"

    def do_GET(self) -> None:
        """Answer."""
        self.send_response(200)
        self.send_header("Content-Length", "0")
        self.end_headers()

    def log_message(self, *_: Any) -> None:
        """Say nothing."""


def bare() -> None:
    """Serve nothing at a port that is printed, as a process of its own."""
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Bare)
    print(server.server_port, flush=True)
    server.serve_forever()


class Attack:
    """Sends requests and counts what came of them."""

    def __init__(self, address: str) -> None:
        self.client = httpx2.Client(base_url=address, timeout=120)
        self.statuses: Counter[str] = Counter()
        self.faults: list[str] = []

    def see(self, status: int, what: str) -> None:
        """Count an answer; a 5xx is a fault."""
        self.statuses[f"{status // 100}xx"] += 1
        if status >= 500:
            self.faults.append(f"{status} {what}")

    def send(self, method: str, path: str, **given: Any) -> None:
        """Send a request; a connection that the service closes is an answer, unless the service is gone."""
        what = f"{method} {path[:80]} {sorted(given.get('headers', {}))}"
        try:
            self.see(self.client.request(method, path, **given).status_code, what)
        except httpx2.HTTPError:
            self.statuses["closed"] += 1
            if self.client.get("/healthz").status_code != 200:
                self.faults.append(f"gone {what}")


def requests(
    may: dict[str, Any], keys: dict[str, str], places: dict[str, str]
) -> Iterator[tuple[str, str, dict[str, Any]]]:
    """Yield every structured request: method, path, and what is sent."""
    patterns = sorted({route.partition(" ")[2] for route in may} - {"/workbench/logout"})
    paths = [re.sub(r"{(\w+)}", lambda m: places[m[1]], p) for p in patterns]
    for path in paths:
        if path.endswith("events"):
            continue  # those of a proposal that nobody makes never end
        for role, key in keys.items():
            headers = {"Authorization": f"Bearer {key}"} if key else {}
            for method in METHODS:
                yield method, path, {"headers": headers}
                if role == "coordinator":
                    yield (
                        method,
                        path,
                        {"headers": headers, "params": {f"q{k}": "1" for k in range(400)}},
                    )
            yield from (
                ("POST", path, {"headers": headers | {"Content-Type": kind}, "content": body})
                for kind, body in BODIES.values()
            )  # fmt: skip
        for name, value in HEADERS.items():
            for method in ("GET", "POST"):
                headers = {"Authorization": f"Bearer {keys['administrator']}", name: value}
                yield (
                    method,
                    path,
                    {"headers": {k: v.encode("latin-1") for k, v in headers.items()}},
                )
    for pattern in patterns:
        if "{" in pattern and not pattern.endswith("events"):
            for part in PARTS:
                headers = {"Authorization": f"Bearer {keys['administrator']}"}
                for method in ("GET", "POST"):
                    yield method, re.sub(r"{\w+}", part, pattern), {"headers": headers}


def generated(attack: Attack, address: str, key: str, cases: int, minutes: float) -> int:
    """Send cases that schemathesis makes, in rounds over the routes, until there are so many or the time is over."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        import schemathesis
    from hypothesis import HealthCheck, Phase, given, settings

    headers = {"Authorization": f"Bearer {key}"}
    schema = schemathesis.openapi.from_url(f"{address}/openapi.json").exclude(path_regex="events$")
    operations = [found.ok() for found in schema.get_all_operations()]
    quiet = {"deadline": None, "suppress_health_check": list(HealthCheck), "database": None}
    sent, end = 0, time.monotonic() + 60 * minutes

    def ask(operation: Any) -> None:
        @settings(max_examples=EACH, phases=[Phase.generate], **quiet)
        @given(case=operation.as_strategy())
        def one(case: Any) -> None:
            nonlocal sent
            sent += 1
            response = case.call(base_url=address, headers=headers, timeout=120)
            attack.see(response.status_code, f"generated {operation.label}")

        one()

    while sent < cases and time.monotonic() < end:
        for operation in operations:
            if time.monotonic() < end:
                ask(operation)
    return sent


def run(cases: int, minutes: float, folder: Path) -> dict[str, Any]:
    """Start the service, attack it, and return what came of it."""
    from service_for_tests import five_cities
    from stores_for_tests import proposal
    from test_roles_and_headers import MAY, PATHS

    from twinmatch.web.auth import Rank
    from twinmatch.web.board import Board

    board = Board(str(folder / "s.sqlite"))
    keys = {"nobody": ""} | {r.name.lower(): board.add_key(r.name, r)[1] for r in Rank if r}
    kept, _ = board.store.keep(proposal(), "Round", "Ben")
    found = {"errors": 0, "problems": [], "sheets": [], "rows": 1, "usable": 1}
    upload = board.keep_upload("a.csv", "Ben", found, b"id,name,country\nde-b,B,DE\n")
    places = PATHS | {"proposal": kept.id, "upload": upload, "step": "columns"}
    with socket.socket() as s:
        s.bind(("127.0.0.1", 0))
        port = s.getsockname()[1]
    address = f"http://127.0.0.1:{port}"
    command = [sys.executable, "-m", "twinmatch", "serve", str(five_cities(folder)), "--port", port]
    command += ["--store", folder / "s.sqlite", "--text-model", "static", "--access", "keys"]
    command += ["--requests-a-minute", 10**9, "--heavy-a-minute", 10**9, "--jobs", 0]
    with (folder / "log").open("wb") as log:
        service = subprocess.Popen([str(c) for c in command], stdout=log, stderr=log)
    nothing = subprocess.Popen(
        [sys.executable, __file__, "--bare"], stdout=subprocess.PIPE, text=True
    )
    assert nothing.stdout is not None
    probe = Probe(
        {
            "healthz": f"{address}/healthz",
            "bare": f"http://127.0.0.1:{int(nothing.stdout.readline())}/",
        }
    )
    try:
        until_ready(address, service)
        attack = Attack(address)
        probe.start()
        for method, path, given in requests(MAY, keys, places):
            attack.send(method, path, **given)
        structured = attack.statuses.total()
        sent = generated(attack, address, keys["administrator"], cases, minutes)
        died = service.poll() is not None
    finally:
        probe.ended.set()
        service.terminate()
        nothing.terminate()
        service.wait(30)
    return {
        "structured": structured,
        "generated": sent,
        "statuses": dict(sorted(attack.statuses.items())),
        "faults": [*attack.faults, *(["the service died"] if died else [])],
        "probes_lost": probe.lost,
        "milliseconds": {name: spread(took) for name, took in probe.took.items()},
        "load": round(os.getloadavg()[0], 1),
    }


def until_ready(address: str, service: subprocess.Popen[bytes]) -> None:
    """Wait until the service answers."""
    while service.poll() is None:
        try:
            if httpx2.get(f"{address}/readyz").status_code == 200:
                return
        except httpx2.HTTPError:
            pass
        time.sleep(0.2)
    raise SystemExit("the service did not start")


def spread(took: list[float]) -> dict[str, float]:
    """Return how many, and the median, 99th percentile and largest in milliseconds."""
    ordered = sorted(took)
    found = (statistics.median(ordered), ordered[int(0.99 * len(ordered))], ordered[-1])
    over = sum(t >= LIMIT for t in took)
    return {"n": len(took), "over 200 ms": over} | {n: round(1000 * v, 1) for n, v in zip(("p50", "p99", "max"), found, strict=True)}  # fmt: skip


def failed(kept: dict[str, Any]) -> bool:
    """Return whether an answer was a 5xx, a probe was lost, or one was slow by more than the machine."""
    healthz, machine = kept["milliseconds"]["healthz"], kept["milliseconds"]["bare"]
    slow = healthz["max"] >= 1000 * LIMIT + machine["max"]
    return bool(kept["faults"] or kept["probes_lost"] or slow)


def table(kept: dict[str, Any]) -> str:
    """Return the kept figures as a Markdown table."""
    lines = ["| | asked | median | 99% | slowest |", "|---|---:|---:|---:|---:|"]
    for name, m in kept["milliseconds"].items():
        lines.append(f"| {name} | {m['n']} | {m['p50']} ms | {m['p99']} ms | {m['max']} ms |")
    said = f"{kept['structured']:,} structured and {kept['generated']:,} generated requests: "
    said += ", ".join(f"{n:,} {status}" for status, n in kept["statuses"].items())
    return f"{said}; {len(kept['faults'])} faults; load of the machine {kept['load']}\n\n" + "\n".join(lines)  # fmt: skip


def main() -> int:
    """Attack, keep the figures and print them."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--cases", type=int, default=10_000)
    parser.add_argument("--minutes", type=float, default=60.0, help="for the generated cases")
    parser.add_argument("--out", type=Path, default=RESULT)
    parser.add_argument("--table", action="store_true")
    parser.add_argument("--bare", action="store_true", help=argparse.SUPPRESS)
    asked = parser.parse_args()
    if asked.bare:
        bare()
        return 0
    if not asked.table:
        with tempfile.TemporaryDirectory() as folder:
            found = run(asked.cases, asked.minutes, Path(folder))
        asked.out.write_text(json.dumps(found, indent=1) + "\n")
    kept = json.loads(asked.out.read_text())
    print(table(kept))
    for fault in Counter(kept["faults"]).items():
        print(*fault)
    return 1 if failed(kept) else 0


if __name__ == "__main__":
    raise SystemExit(main())
