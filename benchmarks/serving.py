"""How many questions a second one process of the service answers, beside a bare route of the same framework.

    python benchmarks/serving.py [--cities 13000] [--connections 16] [--seconds 5] [--out FILE.json]

The cities are made up from the real ones: each block of a profile is that of a real city, drawn by chance, and the
texts are real sentences put together anew. Both servers run as processes of their own, one worker each, and are
asked by a third one over open connections, one question at a time on each.
"""

from __future__ import annotations

import argparse
import asyncio
import csv
import json
import os
import random
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

from twinmatch.cohort import Cohort
from twinmatch.embedding.sentences import split_sentences
from twinmatch.geography import countries
from twinmatch.reading import read
from twinmatch.schema import City

BARE = """
from fastapi import FastAPI, Response
app = FastAPI()
BODY = b"x" * {size}
@app.get("/cities/{{city}}/similar")
async def route(city: str, k: int = 10) -> Response:
    return Response(BODY, media_type="application/json")
"""
TARGETS = {"similar": (1000, 30.0), "similar, cached": (2000, 20.0)}
BLOCKS = (
    "challenges",
    "strengths",
    "levers_needed",
    "levers_offered",
    "readiness",
    "emissions",
    "context",
)


@dataclass(frozen=True)
class Measured:
    """What came of asking: answers a second, and milliseconds below which half and 99% of them came."""

    what: str
    answers: int
    a_second: float
    p50_ms: float
    p99_ms: float
    kilobytes: float


# --- cities made up from the real ones ----------------------------------------------------------------------


def made_up(count: int, seed: int = 1) -> list[dict[str, str]]:
    """Return rows of a table of cities; the same for the same count and seed."""
    rng = random.Random(seed)
    real = read()
    sentences = {
        block: [s.text for c in real.cities for s in split_sentences(getattr(c, block) or "")]
        for block in ("needs", "offers")
    }
    return [_city(k, rng, real, sentences) for k in range(count)]


def _city(
    k: int, rng: random.Random, real: Cohort, sentences: dict[str, list[str]]
) -> dict[str, str]:
    country = rng.choice(sorted(countries()))
    row = {"id": f"{country.lower()}-place-{k}", "name": f"Place {k}", "country": country}
    row["population.value"] = str(int(10 ** rng.gauss(4.6, 0.6)) + 500)
    row["location.lat"], row["location.lon"] = (
        f"{rng.uniform(36, 68):.4f}",
        f"{rng.uniform(-9, 29):.4f}",
    )
    for block in ("needs", "offers"):
        if rng.random() < 0.6:
            row[block] = " ".join(rng.sample(sentences[block], rng.randint(2, 4)))
    for block in BLOCKS:
        given: City = rng.choice(real.cities)
        found = given.model_dump(mode="json", exclude_none=True, by_alias=True).get(block)
        if found:
            row |= dict(_cells(block, found))
    return row


def _cells(path: str, value: object) -> Iterator[tuple[str, str]]:
    """Yield the columns and cells of a block, as a table has them."""
    if path in {"challenges", "strengths"} and isinstance(value, dict):
        yield path, "; ".join(d if w is None else f"{d}:{w}" for d, w in value.items())
    elif isinstance(value, dict):
        for name, part in value.items():
            yield from _cells(f"{path}.{name}", part)
    elif isinstance(value, list):
        yield path, "; ".join(map(str, value))
    else:
        yield path, str(value)


def write_table(rows: Sequence[dict[str, str]], path: Path) -> None:
    """Write rows as a CSV table."""
    columns = sorted(
        {name for row in rows for name in row},
        key=lambda n: (n not in {"id", "name", "country"}, n),
    )
    with path.open("w", encoding="utf-8", newline="") as file:
        table = csv.DictWriter(file, columns)
        table.writeheader()
        table.writerows(rows)


# --- servers ------------------------------------------------------------------------------------------------


def free_port() -> int:
    """Return a port that nobody listens at."""
    with socket.socket() as s:
        s.bind(("127.0.0.1", 0))
        return int(s.getsockname()[1])


def started(command: list[str], port: int, path: str, seconds: float) -> subprocess.Popen[bytes]:
    """Start a server and wait until it answers a path."""
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    end = time.monotonic() + seconds
    while time.monotonic() < end and process.poll() is None:
        try:
            with urllib.request.urlopen(f"http://127.0.0.1:{port}{path}", timeout=5):
                return process
        except OSError:
            time.sleep(0.2)
    process.kill()
    raise SystemExit(f"{command[0]} did not answer {path}")


def memory_mb(pid: int) -> float:
    """Return the resident memory of a process in MB, where the system tells; else nan."""
    try:
        lines = Path(f"/proc/{pid}/status").read_text(encoding="ascii").splitlines()
        return next(int(line.split()[1]) / 1024 for line in lines if line.startswith("VmRSS"))
    except (OSError, StopIteration):
        return float("nan")


# --- asking -------------------------------------------------------------------------------------------------


class Asker:
    """Asks a server over several open connections, one question at a time on each."""

    def __init__(self, port: int, connections: int, seconds: float) -> None:
        self.port, self.connections, self.seconds = port, connections, seconds

    def ask(
        self, what: str, paths: Iterator[str], headers: str = "", expected: int = 200
    ) -> Measured:
        """Return what came of asking paths in turn."""
        return asyncio.run(self._ask(what, paths, headers, expected))

    async def _ask(self, what: str, paths: Iterator[str], headers: str, expected: int) -> Measured:
        spent: list[float] = []
        size = [0]
        begun = time.perf_counter()
        ends = begun + self.seconds
        await asyncio.gather(
            *(
                self._one(paths, headers, expected, spent, size, ends)
                for _ in range(self.connections)
            )
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
        expected: int,
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
            if int(head[9:12]) != expected:
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


def measure(
    port: int, bare_port: int, ids: list[str], connections: int, seconds: float
) -> list[Measured]:
    """Return everything measured, each beside the bare route in the same run."""
    rng = random.Random(2)
    ask, bare = Asker(port, connections, seconds), Asker(bare_port, connections, seconds)
    order = rng.sample(ids, len(ids))
    few, rows = order[:200], order[200:240]
    weights = (
        f"readiness:{1 + k % 97},shared_needs:{1 + k % 89},context:{1 + k % 83}"
        for k in range(10**7)
    )
    usual = [f"/cities/{c}/similar" for c in order]
    found = [bare.ask("bare route of the framework", cycle(usual))]
    # Each city once: nothing that was asked before is asked again.
    found.append(ask.ask("similar", iter(usual)))
    found.append(ask.ask("similar, cached", cycle([f"/cities/{c}/similar?k=9" for c in few])))
    tag = tag_of(port, usual[0])
    found.append(
        ask.ask("similar, not modified", cycle(usual[:1]), f"If-None-Match: {tag}\r\n", 304)
    )
    asked = zip(cycle(rows), weights, strict=False)
    found.append(
        ask.ask(
            "similar, weights moved for cities at hand",
            (f"/cities/{c}/similar?weights={w}" for c, w in asked),
        )
    )
    asked = zip(iter(order[300:]), weights, strict=False)
    found.append(
        ask.ask(
            "similar, other weights for any city",
            (f"/cities/{c}/similar?weights={w}" for c, w in asked),
        )
    )
    filtered = [
        f"/cities/{c}/similar?other_country=true&population_at_least=20000" for c in order[300:]
    ]
    found.append(ask.ask("similar, filtered", iter(filtered)))
    found.append(bare.ask("bare route of the framework, again", cycle(usual)))
    return found


def printed(found: list[Measured]) -> None:
    """Print what was measured as a table."""
    plain = (found[0].a_second + found[-1].a_second) / 2
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


def main() -> None:
    """Make the cities, start both servers, ask, print."""
    options = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else "")
    options.add_argument("--cities", type=int, default=13_000)
    options.add_argument("--connections", type=int, default=16)
    options.add_argument("--seconds", type=float, default=5.0)
    options.add_argument("--out", type=Path, default=None)
    given = options.parse_args()
    with tempfile.TemporaryDirectory() as place:
        folder = Path(place)
        rows = made_up(given.cities)
        write_table(rows, folder / "cities.csv")
        (folder / "bare_route.py").write_text(BARE.format(size=4000), encoding="utf-8")
        port, bare_port = free_port(), free_port()
        begun = time.perf_counter()
        serve = [
            sys.executable,
            "-m",
            "twinmatch",
            "serve",
            str(folder / "cities.csv"),
            "--port",
            str(port),
        ]
        serve += [
            "--store",
            str(folder / "s.sqlite"),
            "--requests-a-minute",
            "1000000000",
            "--jobs",
            "0",
        ]
        ours = started(serve, port, "/readyz", 3600)
        opened = time.perf_counter() - begun
        plain = [sys.executable, "-m", "uvicorn", "--app-dir", str(folder), "bare_route:app"]
        plain += ["--port", str(bare_port), "--log-level", "warning", "--no-access-log"]
        bare = started(plain, bare_port, "/cities/x/similar", 60)
        try:
            ids = [row["id"] for row in rows]
            found = measure(port, bare_port, ids, given.connections, given.seconds)
            memory = memory_mb(ours.pid)
        finally:
            for process in (ours, bare):
                process.send_signal(signal.SIGINT)
                process.wait(20)
    cores, load = os.cpu_count(), os.getloadavg()[0] if hasattr(os, "getloadavg") else float("nan")
    print(
        f"{given.cities} cities, {given.connections} connections, 1 worker, {cores} cores, load {load:.1f}; "
        f"ready after {opened:.0f} s, {memory:.0f} MB"
    )
    printed(found)
    if given.out:
        content = {"cities": given.cities, "ready_s": opened, "memory_mb": memory, "load": load}
        given.out.write_text(
            json.dumps({**content, "measured": [asdict(m) for m in found]}, indent=1)
        )


if __name__ == "__main__":
    main()
