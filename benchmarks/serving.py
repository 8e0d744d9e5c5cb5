"""How many questions a second one process of the service answers, beside a bare route of the same framework.

    python benchmarks/serving.py [--cities 13000] [--connections 16] [--seconds 5] [--python]

The cities are those of `cohorts.py`. Both servers run as processes of their own, one worker each. They are asked by
wrk where that is installed (`apt-get install wrk`), for it leaves nearly the whole machine to the server; else, or
with `--python`, by a process in Python, which on two cores is itself what limits a quick route. What is told is kept
in `benchmarks/results/serving.json`.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import os
import random
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
import urllib.request
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass
from itertools import cycle
from pathlib import Path

from cohorts import SAMPLES, as_csv, profiles, stock

HERE = Path(__file__).parent
BARE = """
from fastapi import FastAPI, Response
app = FastAPI()
BODY = b"x" * {size}
@app.get("/v1/cities/{{city}}/similar")
async def route(city: str, k: int = 10) -> Response:
    return Response(BODY, media_type="application/json")
"""
TARGETS = {"similar": (1000, 30.0)}
WRK = """
local paths = {}
for line in io.lines("PATHS") do paths[#paths + 1] = line end
local at = 0
request = function()
  at = at % #paths + 1
  return wrk.format("GET", paths[at])
end
done = function(summary, latency)
  io.stderr:write(string.format('{"answers": %d, "microseconds": %d, "bytes": %d, "refused": %d, "p50": %d, "p99": %d}',
    summary.requests, summary.duration, summary.bytes,
    summary.errors.status + summary.errors.connect + summary.errors.read + summary.errors.write + summary.errors.timeout,
    latency:percentile(50), latency:percentile(99)))
end
"""


@dataclass(frozen=True)
class Measured:
    """What came of asking: answers a second, and milliseconds below which half and 99% of them came."""

    what: str
    answers: int
    a_second: float
    p50_ms: float
    p99_ms: float
    kilobytes: float


# --- servers ------------------------------------------------------------------------------------------------


def free_port() -> int:
    """Return a port that nobody listens at."""
    with socket.socket() as s:
        s.bind(("127.0.0.1", 0))
        return int(s.getsockname()[1])


def started(
    command: list[str], port: int, path: str, seconds: float, log: Path
) -> subprocess.Popen[bytes]:
    """Start a server that writes a log, and wait until it answers a path."""
    with log.open("wb") as file:
        process = subprocess.Popen(command, stdout=file, stderr=file)
    end = time.monotonic() + seconds
    while time.monotonic() < end and process.poll() is None:
        try:
            with urllib.request.urlopen(f"http://127.0.0.1:{port}{path}", timeout=5):
                return process
        except OSError:
            time.sleep(0.2)
    process.kill()
    raise SystemExit(
        f"{command[0]} did not answer {path}: {log.read_text(encoding='utf-8')[-2000:]}"
    )


def stop(process: subprocess.Popen[bytes]) -> None:
    """Stop a server and wait until it has ended."""
    process.send_signal(signal.SIGINT)
    process.wait(20)


def memory_mb(pid: int, what: str = "VmRSS") -> float:
    """Return the resident memory of a process in MB (VmHWM: at its peak), where the system tells; else nan."""
    try:
        lines = Path(f"/proc/{pid}/status").read_text(encoding="ascii").splitlines()
        return next(int(line.split()[1]) / 1024 for line in lines if line.startswith(what))
    except (OSError, StopIteration):
        return float("nan")


# --- asking -------------------------------------------------------------------------------------------------


class Wrk:
    """Asks a server with wrk: one thread, several open connections, one question at a time on each."""

    says = "wrk"

    def __init__(self, port: int, connections: int, seconds: float) -> None:
        self.port, self.connections, self.seconds = port, connections, seconds

    def ask(self, what: str, paths: Sequence[str], headers: Sequence[str] = ()) -> Measured:
        """Return what came of asking paths in turn, again from the first after the last."""
        with tempfile.TemporaryDirectory() as name:
            script = Path(name) / "asked.lua"
            script.with_name("paths").write_text("\n".join(paths), encoding="utf-8")
            script.write_text(WRK.replace("PATHS", f"{name}/paths"), encoding="utf-8")
            command = [
                "wrk",
                "-t1",
                f"-c{self.connections}",
                f"-d{self.seconds:g}s",
                "--timeout",
                "60s",
            ]
            command += [part for header in headers for part in ("-H", header)]
            command += ["-s", str(script), f"http://127.0.0.1:{self.port}"]
            told = subprocess.run(command, capture_output=True, text=True, check=True)
        found = json.loads(told.stderr)
        if found["refused"]:
            raise SystemExit(f"{what}: {found['refused']} of {found['answers']} were refused")
        return Measured(
            what,
            found["answers"],
            1e6 * found["answers"] / found["microseconds"],
            found["p50"] / 1000,
            found["p99"] / 1000,
            found["bytes"] / max(1, found["answers"]) / 1000,
        )


class Asker:
    """Asks a server over several open connections, one question at a time on each."""

    says = "a process in Python"

    def __init__(self, port: int, connections: int, seconds: float) -> None:
        self.port, self.connections, self.seconds = port, connections, seconds

    def ask(self, what: str, paths: Sequence[str], headers: Sequence[str] = ()) -> Measured:
        """Return what came of asking paths in turn, again from the first after the last."""
        lines = "".join(f"{header}\r\n" for header in headers)
        return asyncio.run(self._ask(what, cycle(paths), lines))

    async def _ask(self, what: str, paths: Iterator[str], headers: str) -> Measured:
        spent: list[float] = []
        size = [0]
        begun = time.perf_counter()
        ends = begun + self.seconds
        await asyncio.gather(
            *(self._one(paths, headers, spent, size, ends) for _ in range(self.connections))
        )
        seconds = time.perf_counter() - begun
        spent.sort()
        return Measured(
            what,
            len(spent),
            len(spent) / seconds,
            1000 * spent[len(spent) // 2],
            1000 * spent[int(len(spent) * 0.99)],
            size[0] / max(1, len(spent)) / 1000,
        )

    async def _one(
        self,
        paths: Iterator[str],
        headers: str,
        spent: list[float],
        size: list[int],
        ends: float,
    ) -> None:
        reader, writer = await asyncio.open_connection("127.0.0.1", self.port)
        for path in paths:
            begun = time.perf_counter()
            if begun > ends:
                break
            writer.write(f"GET {path} HTTP/1.1\r\nHost: localhost\r\n{headers}\r\n".encode())
            head = await reader.readuntil(b"\r\n\r\n")
            if int(head[9:12]) >= 400:
                raise SystemExit(f"{path}: {head.splitlines()[0]!r}")
            length = next(
                (
                    int(h[15:])
                    for h in head.lower().splitlines()
                    if h.startswith(b"content-length:")
                ),
                0,
            )
            size[0] += len(await reader.readexactly(length)) if length else 0
            spent.append(time.perf_counter() - begun)
        writer.close()


def tag_of(port: int, path: str) -> str:
    """Return the ETag of an answer."""
    with urllib.request.urlopen(f"http://127.0.0.1:{port}{path}") as answer:
        return str(answer.headers["etag"])


def measure(ask: Wrk | Asker, bare: Wrk | Asker, ids: list[str]) -> list[Measured]:
    """Return everything measured, each beside the bare route in the same run."""
    rng = random.Random(2)
    order = rng.sample(ids, len(ids))
    few, rest = order[0], order[1:]
    weights = [
        f"readiness:{1 + k % 97},shared_needs:{1 + k % 89},context:{1 + k % 83}"
        for k in range(50_000)
    ]
    found = [bare.ask("bare route of the framework", [f"/v1/cities/{c}/similar" for c in order])]
    # The first are written at the start, the others by nobody before, and none is asked twice while there are cities.
    found.append(ask.ask("similar", [f"/v1/cities/{c}/similar" for c in rest]))
    fresh = [f"/v1/cities/{c}/similar?k={k}" for k in (9, 8, 7, 6) for c in rest]
    found.append(ask.ask("similar, for the first time", fresh))
    tagged = f"/v1/cities/{few}/similar"
    found.append(
        ask.ask("similar, not modified", [tagged], [f"If-None-Match: {tag_of(ask.port, tagged)}"])
    )
    found.append(
        ask.ask(
            "similar, other weights for any city",
            [f"/v1/cities/{c}/similar?weights={w}" for c, w in zip(rest, weights, strict=False)],
        )
    )
    found.append(
        ask.ask(
            "similar, filtered",
            [
                f"/v1/cities/{c}/similar?other_country=true&population_at_least={p}"
                for p in (20_000, 30_000)
                for c in rest
            ],
        )
    )
    again = [f"/v1/cities/{c}/similar" for c in order]
    found.append(bare.ask("bare route of the framework, again", again))
    return found


def bare_rate(found: list[Measured]) -> float:
    """Return the answers a second of the bare route, before and after the others."""
    return (found[0].a_second + found[-1].a_second) / 2


def printed(found: list[Measured]) -> None:
    """Print what was measured as a table."""
    plain = bare_rate(found)
    print(f"{'':44}{'answers/s':>10}{'p50 ms':>9}{'p99 ms':>9}{'kB':>7}{'of bare':>9}  target")
    for m in found:
        target = TARGETS.get(m.what)
        told = f"{target[0]}/s at {target[1]:.0f} ms" if target else ""
        if target:
            told += ": reached" if m.a_second >= target[0] and m.p99_ms <= target[1] else ": MISSED"
        print(
            f"{m.what:44}{m.a_second:10.0f}{m.p50_ms:9.2f}{m.p99_ms:9.2f}{m.kilobytes:7.1f}"
            f"{100 * m.a_second / plain:8.0f}%  {told}"
        )


def found_all(log: Path, seconds: float) -> None:
    """Wait until a service has logged that the usual answers of every city are written."""
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        if '"answered"' in log.read_text(encoding="utf-8"):
            return
        time.sleep(0.3)
    raise SystemExit(f"the nearest were not found in {seconds:.0f} s")


def main() -> None:
    """Make the cities, start both servers, ask, print, keep."""
    options = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else "")
    options.add_argument("--cities", type=int, default=13_000)
    options.add_argument("--connections", type=int, default=16)
    options.add_argument("--seconds", type=float, default=5.0)
    options.add_argument("--python", action="store_true", help="ask with Python, not with wrk")
    options.add_argument("--out", type=Path, default=HERE / "results" / "serving.json")
    given = options.parse_args()
    asker = Asker if given.python or not shutil.which("wrk") else Wrk
    samples = os.environ.get(SAMPLES)
    drawn_from = stock(Path(samples) if samples else None)
    made = profiles(given.cities, drawn_from)
    with tempfile.TemporaryDirectory() as place:
        folder = Path(place)
        (folder / "cities.csv").write_text(as_csv(made), encoding="utf-8")
        (folder / "bare_route.py").write_text(BARE.format(size=4000), encoding="utf-8")
        port, bare_port = free_port(), free_port()
        os.environ["TWINMATCH_CACHE"] = str(folder / "cache")
        serve = [sys.executable, "-m", "twinmatch", "serve", str(folder / "cities.csv")]
        serve += ["--port", str(port), "--store", str(folder / "s.sqlite"), "--jobs", "0"]
        serve += ["--requests-a-minute", "1000000000"]
        begun = time.perf_counter()
        log = folder / "log"
        ours = started(serve, port, "/readyz", 3600, log)
        ready = time.perf_counter() - begun
        plain = [sys.executable, "-m", "uvicorn", "--app-dir", str(folder), "bare_route:app"]
        plain += ["--port", str(bare_port), "--log-level", "warning", "--no-access-log"]
        bare: subprocess.Popen[bytes] | None = None
        try:
            found_all(log, 3600)
            all_found = time.perf_counter() - begun
            bare = started(plain, bare_port, "/v1/cities/x/similar", 60, folder / "bare")
            ids = [str(city["id"]) for city in made]
            both = (asker(p, given.connections, given.seconds) for p in (port, bare_port))
            found = measure(*both, ids)
            memory, peak = memory_mb(ours.pid), memory_mb(ours.pid, "VmHWM")
        finally:
            stop(ours)
            if bare is not None:
                stop(bare)
    cores, load = os.cpu_count(), os.getloadavg()[0] if hasattr(os, "getloadavg") else float("nan")
    print(
        f"{given.cities} cities ({drawn_from.says}), {given.connections} connections, 1 worker, asked by {asker.says}, "
        f"{cores} cores, load {load:.1f}; ready after {ready:.0f} s, all nearest found after {all_found:.0f} s; "
        f"{memory:.0f} MB, {peak:.0f} MB at its peak"
    )
    printed(found)
    content = {
        "cities": given.cities,
        "connections": given.connections,
        "asked by": asker.says,
        "cores": cores,
        "load": round(load, 1),
        "ready, s": round(ready, 1),
        "all nearest found, s": round(all_found, 1),
        "memory, MB": round(memory),
        "memory at its peak, MB": round(peak),
        "of bare": {m.what: round(m.a_second / bare_rate(found), 3) for m in found},
        "measured": [asdict(m) for m in found],
    }
    given.out.parent.mkdir(parents=True, exist_ok=True)
    given.out.write_text(json.dumps(content, indent=1) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
