"""Does the service stay as it was after an hour of work? Mixed load at a fixed rate, and what it cost by the quarter.

    python benchmarks/soak.py [--minutes 60] [--rate 4] [--out benchmarks/results/soak.json]
    python benchmarks/soak.py --table                    print the table that is kept

The service runs under uvicorn as a process of its own, with a store of its own. Requests start at fixed times
(`rate` a second, drawn with a fixed seed), whether or not earlier ones have been answered, so a slow answer also
counts against the ones that had to wait for it. Asked are questions (similar, pairs, profiles), pages of the
workbench, proposals as jobs, decisions, why-not, repairs, uploads, exports in every form, and wrong questions of
many kinds.

Memory is flat where its trend after the first quarter (Theil-Sen, the median of all slopes; doi:10.1007/BF02613693)
adds less than 5% within an hour; a run of less than TREND_FROM minutes has no trend to judge. Exits 1 where memory grows, where files stay open, or where any answer is not of
the kind that was to be expected (a 5xx always is).
"""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import json
import os
import random
import re
import signal
import socket
import statistics
import subprocess
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import httpx2

from twinmatch.reading import read

RESULT = Path(__file__).parent / "results" / "soak.json"
LOOK_EVERY = 5.0
WARM_UP = 0.25
MOST_GROWTH = 0.05
"""Part of its memory that the service may gain in an hour, by the trend after the warm-up."""

TREND_FROM = 20.0
"""Minutes that a run takes at least to show a trend: before, caches fill and libraries are loaded."""

MOST_SLOPES = 400
"""Points between which slopes are taken; more are thinned out."""

PROGRAMME = """
[twinning]
guests_per_host = [0, 2]
places = {places}
[twinning.guests]
unknown = "let in"
[twinning.weights]
challenges_met = {weight}
needs_offers = 2
"""
TABLE = "id,name,country,population,needs\nde-soak-{k},Soak {k},DE,{people},Heat for old towns\nfr-x,X,France,{wrong},\n"


@dataclass
class Soak:
    """The state of a run: whom to ask, what was made so far, and what came of it."""

    client: httpx2.AsyncClient
    ids: list[str]
    pairs: list[tuple[str, str]]
    rng: random.Random
    done: list[str] = field(default_factory=list)
    uploads: list[str] = field(default_factory=list)
    answers: list[tuple[float, str, float]] = field(default_factory=list)
    statuses: Counter[str] = field(default_factory=Counter)
    unexpected: list[str] = field(default_factory=list)

    async def ask(self, method: str, path: str, *expected: int, **more: Any) -> httpx2.Response:
        """Return an answer; one of another status than expected is noted."""
        answer = await self.client.request(method, path, **more)
        self.statuses[str(answer.status_code)] += 1
        if answer.status_code not in (expected or (200,)) and len(self.unexpected) < 100:
            self.unexpected.append(f"{method} {path}: {answer.status_code} {answer.text[:300]}")
        return answer

    def city(self) -> str:
        """Return a city by chance."""
        return self.rng.choice(self.ids)


# --- what is asked ------------------------------------------------------------------------------------------


async def similar(s: Soak) -> None:
    """Cities like mine, with and without weights that nobody asked for before."""
    parameters: dict[str, Any] = {"k": s.rng.choice([3, 10, 25])}
    if s.rng.random() < 0.4:
        parameters["weights"] = (
            f"readiness:{s.rng.randint(1, 999)},shared_needs:{s.rng.randint(1, 999)}"
        )
    if s.rng.random() < 0.3:
        parameters["other_country"] = "true"
    await s.ask("GET", f"/v1/cities/{s.city()}/similar", params=parameters)


async def similar_to_a_stranger(s: Soak) -> None:
    """Cities like one that is not in the data."""
    profile = {"id": "de-stranger", "name": "Stranger", "country": "DE"}
    profile["needs"] = f"Heat networks for {s.rng.randint(1, 10**6)} flats in old towns."
    await s.ask("POST", "/v1/similar", json={"profile": profile, "k": 5})


async def profiles(s: Soak) -> None:
    """Profiles, pairs, lists and what a monitor asks."""
    one, other = s.rng.sample(s.ids, 2)
    path = s.rng.choice(
        [
            f"/v1/cities/{one}",
            f"/v1/pairs/{one}/{other}",
            "/v1/cities?q=de&size=20",
            "/healthz",
            "/readyz",
            "/metrics",
        ]
    )
    await s.ask("GET", path)


async def pages(s: Soak) -> None:
    """Pages of the workbench."""
    one, other = s.rng.sample(s.ids, 2)
    paths = [
        "/workbench/cities",
        f"/workbench/cities/{one}",
        f"/workbench/cities/{one}/with/{other}",
        "/workbench/proposals",
        "/workbench/intake",
    ]
    paths += [f"/workbench/proposals/{p}" for p in s.done[-5:]]
    if s.rng.random() < 1 / (len(paths) + 1):  # the sliders, which change a part of a page
        weights = {"readiness": s.rng.randint(1, 100), "shared_needs": s.rng.randint(0, 100)}
        path, headers = f"/workbench/cities/{one}/similar", {"HX-Request": "true"}
        await s.ask("GET", path, params=weights, headers=headers)
    else:
        await s.ask("GET", s.rng.choice(paths))


async def exports(s: Soak) -> None:
    """A proposal in one of its forms."""
    if s.done:
        links = (await s.ask("GET", f"/v1/proposals/{s.rng.choice(s.done)}")).json()["links"]
        names = sorted(name for name in links if "." in name)
        await s.ask("GET", links[s.rng.choice(names)])


async def decide(s: Soak) -> None:
    """A decision as the proposal was seen, or as it was seen too early; approved rounds are closed to locks."""
    if not s.done:
        return
    path = f"/v1/proposals/{s.rng.choice(s.done)}/decisions"
    seen = await s.ask("GET", path)
    one, other = s.rng.choice(s.pairs)
    kind = s.rng.choice(["lock", "ban", "release", "note", "undo", "approve"])
    tag = seen.headers["etag"] if s.rng.random() < 0.9 else '"0"'
    body = {"kind": kind, "one": one, "other": other, "why": "soak"}
    await s.ask("POST", path, 201, 400, 409, 412, json=body, headers={"If-Match": tag})


async def why_not(s: Soak) -> None:
    """Why two cities do not meet: the round is solved with the pair in it."""
    if s.done:
        guest, host = s.rng.choice(s.pairs)
        parameters = {"guest": guest, "host": host}
        path = f"/v1/proposals/{s.rng.choice(s.done[-2:])}/why-not"
        await s.ask("GET", path, 200, 400, 409, 422, params=parameters)


async def propose(s: Soak) -> None:
    """A proposal as a job, followed to its end; sometimes an earlier one anew."""
    text = PROGRAMME.format(places=s.rng.randint(5, 30), weight=s.rng.randint(1, 5))
    body: dict[str, Any] = {"title": "Soak", "programme_toml": text}
    if s.done and s.rng.random() < 0.5:
        body["previous"] = s.rng.choice(s.done)
    job = (await s.ask("POST", "/v1/proposals", 202, json=body)).json()["id"]
    for _ in range(600):
        state = (await s.ask("GET", f"/v1/proposals/{job}")).json()["state"]
        if state in {"done", "failed", "cancelled"}:
            break
        await asyncio.sleep(1)
    if state == "done":
        s.done.append(job)
    else:
        s.unexpected.append(f"proposal {job} ended as {state}")


async def upload(s: Soak) -> None:
    """A table with an error, its page, and the cell repaired."""
    k = s.rng.randint(1, 10**6)
    table = TABLE.format(k=k, people=s.rng.randint(1000, 10**6), wrong="many")
    files = {"file": ("soak.csv", table.encode(), "text/csv")}
    answer = await s.ask("POST", "/workbench/intake", 303, files=files)
    page = answer.headers.get("location", "/workbench/intake")
    await s.ask("GET", page)
    cell = {"row": 3, "column": "population", "sheet": "", "value": "1200"}
    if s.rng.random() < 0.5:
        await s.ask("POST", f"{page}/repair", 303, data=cell)


WRONG: list[tuple[str, str, dict[str, Any], int]] = [
    ("GET", "/v1/cities/nowhere/similar", {}, 404),
    ("GET", "/v1/pairs/nowhere/nobody", {}, 404),
    ("GET", "/v1/cities/{city}/similar?k=-1", {}, 400),
    ("GET", "/v1/cities/{city}/similar?weights=nothing:1", {}, 400),
    (
        "POST",
        "/v1/similar",
        {"content": b"{not json", "headers": {"content-type": "application/json"}},
        400,
    ),
    ("POST", "/v1/similar", {"json": {"profile": {"id": "?"}, "k": 5}}, 400),
    ("POST", "/v1/proposals", {"json": {"programme_toml": "[twinning"}}, 400),
    ("POST", "/v1/proposals", {"json": {"surprise": True}}, 400),
    ("GET", "/v1/proposals/nothing", {}, 404),
    ("POST", "/v1/proposals/nothing/decisions", {"json": {"kind": "approve"}}, 404),
    ("PUT", "/v1/cities", {}, 405),
    ("GET", "/no/such/page", {}, 404),
    (
        "POST",
        "/workbench/intake",
        {"files": {"file": ("x.exe", b"MZ", "application/octet-stream")}},
        400,
    ),
]


async def wrong(s: Soak) -> None:
    """A wrong question, which has an answer of its own; 4xx, whichever."""
    method, path, more, _ = s.rng.choice(WRONG)
    await s.ask(method, path.format(city=s.city()), *range(400, 500), **more)


ACTIONS: list[tuple[Callable[[Soak], Awaitable[None]], float]] = [
    (similar, 34),
    (similar_to_a_stranger, 4),
    (profiles, 17),
    (pages, 16),
    (exports, 6),
    (decide, 7),
    (wrong, 12),
    (why_not, 1.5),
    (upload, 0.7),
    (propose, 0.5),
]
"""What is asked and how often, in parts of a hundred or so."""


# --- the run ------------------------------------------------------------------------------------------------


async def run(
    port: int, process: int, store: Path, minutes: float, rate: float, seed: int
) -> dict[str, Any]:
    """Return the record of a run."""
    cohort = read()
    ids = [c.id for c in cohort.cities]
    rng = random.Random(seed)
    hosts = [c.id for c in cohort.cities if "mission" in {r.value for r in c.roles}]
    pairs = [(rng.choice(ids), rng.choice(hosts)) for _ in range(200)]
    looks: list[dict[str, float]] = []
    limits = httpx2.Limits(max_connections=64)
    base = f"http://127.0.0.1:{port}"
    async with httpx2.AsyncClient(base_url=base, timeout=300, limits=limits) as client:
        s = Soak(client, ids, pairs, rng)
        begun = time.monotonic()
        watching = asyncio.create_task(watched(process, store, begun, looks))
        ends, due, tasks = begun + 60 * minutes, begun, set[asyncio.Task[None]]()
        chosen = [a for a, _ in ACTIONS]
        parts = [p for _, p in ACTIONS]
        due_proposals = [begun, begun + 1]
        while due < ends:
            await asyncio.sleep(max(0.0, due - time.monotonic()))
            action = (
                propose
                if due_proposals and due >= due_proposals[0]
                else rng.choices(chosen, parts)[0]
            )
            due_proposals = due_proposals[1:] if action is propose else due_proposals
            task = asyncio.create_task(timed(s, action, due, begun))
            tasks.add(task)
            task.add_done_callback(tasks.discard)
            due += rng.expovariate(rate)
        if tasks:
            await asyncio.wait(tasks, timeout=600)
        await asyncio.sleep(2 * LOOK_EVERY)
        watching.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await watching
    return record(s, looks, minutes, rate)


async def timed(
    s: Soak, action: Callable[[Soak], Awaitable[None]], due: float, begun: float
) -> None:
    """Do an action and note how long it took since it was due."""
    try:
        await action(s)
    except Exception as error:
        s.unexpected.append(f"{action.__name__}: {type(error).__name__} {error}")
    name = action.__name__
    s.answers.append((due - begun, name, time.monotonic() - due))


async def watched(process: int, store: Path, begun: float, looks: list[dict[str, float]]) -> None:
    """Look at the process every few seconds."""
    while True:
        with contextlib.suppress(OSError):
            looks.append({"at": time.monotonic() - begun, **look(process, store)})
        await asyncio.sleep(LOOK_EVERY)


def look(process: int, store: Path) -> dict[str, float]:
    """Return memory (MB), open files and threads of a process, and the size of its store (MB)."""
    place = Path(f"/proc/{process}")
    resident = re.search(r"VmRSS:\s+(\d+)", (place / "status").read_text(encoding="ascii"))
    kept = sum(p.stat().st_size for p in store.parent.glob(store.name + "*"))
    return {
        "memory": int(resident[1]) / 1024 if resident else float("nan"),
        "files": len(os.listdir(place / "fd")),
        "threads": len(os.listdir(place / "task")),
        "store": kept / 1e6,
    }


# --- what came of it ----------------------------------------------------------------------------------------


def record(s: Soak, looks: list[dict[str, float]], minutes: float, rate: float) -> dict[str, Any]:
    """Return what is kept of a run."""
    seconds = 60 * minutes
    quarters = []
    for q in range(4):
        low, high = q * seconds / 4, (q + 1) * seconds / 4
        spent = sorted(
            t for at, name, t in s.answers if low <= at < high and name not in {"propose"}
        )
        seen = [x for x in looks if low <= x["at"] < high]
        if not spent or not seen:
            continue
        quarters.append(
            {
                "actions": len(spent),
                "p50_ms": 1000 * quantile(spent, 0.5),
                "p95_ms": 1000 * quantile(spent, 0.95),
                "p99_ms": 1000 * quantile(spent, 0.99),
                **{
                    name: statistics.median(x[name] for x in seen)
                    for name in ("memory", "files", "threads")
                },
                "store": seen[-1]["store"],
            }
        )
    steady = [x for x in looks if WARM_UP * seconds <= x["at"] <= seconds]
    middle = statistics.median(x["memory"] for x in steady)
    return {
        "minutes": minutes,
        "rate": rate,
        "requests": sum(s.statuses.values()),
        "actions": Counter(name for _, name, _ in s.answers),
        "statuses": dict(sorted(s.statuses.items())),
        "server_errors": sum(n for status, n in s.statuses.items() if status.startswith("5")),
        "unexpected": s.unexpected,
        "proposals": len(s.done),
        "growth_mb_an_hour": 3600 * trend(steady, "memory"),
        "growth_an_hour": 3600 * trend(steady, "memory") / middle,
        "files_an_hour": 3600 * trend(steady, "files"),
        "quarters": quarters,
        "memory": [[round(x["at"]), round(x["memory"], 1)] for x in looks],
    }


def trend(looks: list[dict[str, float]], name: str) -> float:
    """Return the median of the slopes between all looks (Theil-Sen), a second."""
    step = max(1, len(looks) // MOST_SLOPES)
    some = looks[::step]
    slopes = [
        (b[name] - a[name]) / (b["at"] - a["at"]) for i, a in enumerate(some) for b in some[i + 1 :]
    ]
    return statistics.median(slopes) if slopes else 0.0


def quantile(ordered: list[float], part: float) -> float:
    """Return a quantile of ordered numbers."""
    return ordered[min(len(ordered) - 1, int(part * len(ordered)))]


def faults(kept: dict[str, Any]) -> list[str]:
    """Return what is wrong with a run; none where it held."""
    found = []
    if kept["server_errors"]:
        found.append(f"{kept['server_errors']} answers were 5xx")
    if kept["unexpected"]:
        found.append(
            f"{len(kept['unexpected'])} answers were not to be expected: {kept['unexpected'][0]}"
        )
    if kept["minutes"] >= TREND_FROM and kept["growth_an_hour"] > MOST_GROWTH:
        found.append(f"memory grows by {kept['growth_an_hour']:.1%} an hour")
    if kept["files_an_hour"] > 5:
        found.append(f"{kept['files_an_hour']:.0f} files an hour stay open")
    return found


def table(kept: dict[str, Any]) -> str:
    """Return a run as a Markdown table, a column a quarter, and its verdict."""
    rows = [
        ("actions", "actions", ".0f"),
        ("p50, ms", "p50_ms", ".0f"),
        ("p95, ms", "p95_ms", ".0f"),
        ("p99, ms", "p99_ms", ".0f"),
        ("memory, MB", "memory", ".0f"),
        ("open files", "files", ".0f"),
        ("threads", "threads", ".0f"),
        ("store at its end, MB", "store", ".1f"),
    ]
    head = (
        "| "
        + " | ".join(["quarter", *(str(q) for q in range(1, len(kept["quarters"]) + 1))])
        + " |"
    )
    lines = [head, "|---|" + "---:|" * len(kept["quarters"])]
    for label, name, how in rows:
        lines.append(
            f"| {label} | " + " | ".join(format(q[name], how) for q in kept["quarters"]) + " |"
        )
    wrong_ = faults(kept)
    verdict = "; ".join(wrong_) if wrong_ else "it held"
    return "\n".join(
        [
            *lines,
            "",
            f"{kept['minutes']:g} minutes, {kept['requests']:,} requests, {kept['proposals']} proposals made, "
            f"{kept['server_errors']} answers 5xx; memory {kept['growth_mb_an_hour']:+.1f} MB an hour by its trend "
            f"({kept['growth_an_hour']:+.1%}): {verdict}.",
        ]
    )


def free_port() -> int:
    """Return a port that nobody listens at."""
    with socket.socket() as s:
        s.bind(("127.0.0.1", 0))
        return int(s.getsockname()[1])


def started(port: int, store: Path) -> subprocess.Popen[bytes]:
    """Start the service and wait until it is ready."""
    settings = {
        "store": str(store),
        "text_model": "static",
        "requests_a_minute": 10**6,
        "heavy_a_minute": 10**6,
    }
    environment = {**os.environ, "TWINMATCH_SERVICE": json.dumps(settings)}
    command = [
        sys.executable,
        "-m",
        "uvicorn",
        "--factory",
        "twinmatch.web.application:from_settings",
    ]
    command += ["--port", str(port), "--log-level", "warning", "--no-access-log"]
    log = (store.parent / "service.log").open("wb")
    process = subprocess.Popen(command, env=environment, stdout=log, stderr=log)
    for _ in range(600):
        with contextlib.suppress(httpx2.HTTPError):
            if httpx2.get(f"http://127.0.0.1:{port}/readyz", timeout=5).status_code == 200:
                return process
        if process.poll() is not None:
            raise SystemExit(
                (store.parent / "service.log").read_text(encoding="utf-8", errors="replace")
            )
        time.sleep(0.5)
    process.kill()
    raise SystemExit("the service did not become ready")


def main() -> int:
    """Return 0 where the service held."""
    options = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else "")
    options.add_argument("--minutes", type=float, default=60.0)
    options.add_argument("--rate", type=float, default=4.0, help="actions begun a second")
    options.add_argument("--seed", type=int, default=1)
    options.add_argument("--out", type=Path, default=RESULT)
    options.add_argument("--table", action="store_true")
    given = options.parse_args()
    if not given.table:
        with tempfile.TemporaryDirectory(prefix="soak-") as place:
            store = Path(place) / "soak.sqlite"
            port = free_port()
            service = started(port, store)
            try:
                kept = asyncio.run(
                    run(port, service.pid, store, given.minutes, given.rate, given.seed)
                )
            finally:
                service.send_signal(signal.SIGTERM)
                service.wait(30)
        given.out.write_text(json.dumps(kept, indent=1) + "\n", encoding="utf-8")
    kept = json.loads(given.out.read_text(encoding="utf-8"))
    print(table(kept))
    return int(bool(faults(kept)))


if __name__ == "__main__":
    raise SystemExit(main())
