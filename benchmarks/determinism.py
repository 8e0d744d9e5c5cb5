"""Are the files of a round the same bytes whatever the order of the input, the threads, and the seed of hashing?

    python benchmarks/determinism.py [--runs 20] [--cities 60] [--out benchmarks/results/determinism.json]
    python benchmarks/determinism.py --table                      print the table that is kept

For each number of threads (1 and 2) and each PYTHONHASHSEED (5 of them) a process makes the same round `runs` times,
each time from profiles in files of other names, so that they are read in another order. Compared are the SHA-256 of
every file that `propose` writes (JSON, XLSX, HTML with its SVG, GraphML, the mail merge), and of every picture of a
pair as SVG. Besides, each process makes the round of all bundled cities once. Exits 1 where two differ.

Other versions of Python: `make pythons` runs the same in each that is installed with twinmatch.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import os
import platform
import random
import subprocess
import sys
import tempfile
import time
from collections import defaultdict
from collections.abc import Collection
from itertools import product
from pathlib import Path
from typing import Any

RESULT = Path(__file__).parent / "results" / "determinism.json"
THREADS = (1, 2)
SEEDS = (0, 1, 2, 42, 4_294_967_295)
VARIABLES = ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS", "NUMBA_NUM_THREADS")
ALL = "all"


def shuffled(source: Path, place: Path, cities: int, rng: random.Random) -> None:
    """Write the first so many cities into files of other names, so that any other order is read."""
    found = sorted(p for p in source.glob("*.yaml") if not p.name.startswith("_"))
    # Guests and hosts from the whole of the alphabet: every k-th, and never by their order.
    chosen = found if cities == 0 else found[:: max(1, len(found) // cities)][:cities]
    rng.shuffle(chosen)
    place.mkdir()
    for k, path in enumerate(chosen):
        (place / f"{k:03}-{rng.randrange(10**6)}.yaml").write_bytes(path.read_bytes())
    if cities == 0:
        for path in source.glob("_*.yaml"):
            (place / path.name).write_bytes(path.read_bytes())


def digests(out: Path) -> dict[str, str]:
    """Return the SHA-256 of every file of a folder."""
    found = sorted(p for p in out.rglob("*") if p.is_file())
    return {
        p.relative_to(out).as_posix(): hashlib.sha256(p.read_bytes()).hexdigest() for p in found
    }


def made(profiles: Path, out: Path) -> dict[str, str]:
    """Return the digests of the files of a round."""
    from twinmatch.app.round import open_round, propose_round
    from twinmatch.exporting import publish
    from twinmatch.programmes import load
    from twinmatch.reading import read

    round_ = open_round(read(profiles), load(), model="static")
    proposal, _ = propose_round(round_)
    publish(proposal, out)
    return digests(out)


def work(runs: int, cities: int, whole: bool, seed: int) -> dict[str, Any]:
    """Return the digests of each run in this process."""
    from twinmatch.files import bundled_path

    found: list[dict[str, str]] = []
    rng = random.Random(seed)
    with tempfile.TemporaryDirectory(prefix="same-") as name:
        for run in range(runs):
            profiles, out = Path(name, f"profiles-{run}"), Path(name, f"out-{run}")
            shuffled(bundled_path("city_profiles"), profiles, cities, rng)
            found.append(made(profiles, out))
        everything = {}
        if whole:
            shuffled(bundled_path("city_profiles"), Path(name, "all"), 0, rng)
            everything = made(Path(name, "all"), Path(name, "out"))
    return {"runs": found, ALL: everything}


def in_process(
    python: str, threads: int, hash_seed: int, runs: int, cities: int, whole: bool
) -> dict[str, Any]:
    """Return what a process of its own made."""
    environment = {**os.environ, "PYTHONHASHSEED": str(hash_seed), "TWINMATCH_CACHE": "off"}
    environment |= dict.fromkeys(VARIABLES, str(threads))
    command = [python, str(Path(__file__)), "--work", str(runs), "--cities", str(cities)]
    command += ["--shuffle", str(1000 * threads + hash_seed % 997), *(["--whole"] if whole else ())]
    done = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)
    if done.returncode:
        raise SystemExit(done.stderr[-3000:])
    found: dict[str, Any] = json.loads(done.stdout.splitlines()[-1])
    return found


def compared(
    runs: int,
    cities: int,
    *,
    threads: tuple[int, ...] = THREADS,
    seeds: tuple[int, ...] = SEEDS,
    ways: Collection[tuple[int, int]] = (),
    whole: bool = True,
    pythons: tuple[str, ...] = (sys.executable,),
) -> dict[str, Any]:
    """Return how many runs were made, the files of a round by kind, and the files of which two runs differ.

    Each number of threads meets each seed, or they meet as ``ways`` says.
    """
    seen: dict[str, dict[str, set[str]]] = {"some": defaultdict(set), ALL: defaultdict(set)}
    count, wholes, begun = 0, 0, time.monotonic()
    for python in pythons:
        for number, seed in ways or product(threads, seeds):
            found = in_process(python, number, seed, runs, cities, whole)
            names = {frozenset(run) for run in found["runs"]}
            if len(names) != 1:
                seen["some"]["(the names of the files)"] |= {"one", "another"}
            for run in found["runs"]:
                count += 1
                for name, digest in run.items():
                    seen["some"][name].add(digest)
            wholes += bool(found[ALL])
            for name, digest in found[ALL].items():
                seen[ALL][name].add(digest)
    differ = sorted(
        f"{w}: {n}" for w, files in seen.items() for n, d in files.items() if len(d) > 1
    )
    kinds: dict[str, int] = defaultdict(int)
    for name in {*seen["some"], *seen[ALL]}:
        kinds[Path(name).suffix.lstrip(".")] += 1
    return {
        "python": platform.python_version(),
        "pythons": len(pythons),
        "runs": count,
        "runs_of_all_bundled_cities": wholes,
        "cities": cities,
        "threads": list(threads),
        "hash_seeds": list(seeds),
        "files_by_kind": dict(sorted(kinds.items())),
        "differ": differ,
        "seconds": round(time.monotonic() - begun),
    }


def table(kept: dict[str, Any]) -> str:
    """Return what was compared as a Markdown table, and the verdict."""
    kinds = ", ".join(f"{n} {kind}" for kind, n in kept["files_by_kind"].items())
    verdict = "the same bytes" if not kept["differ"] else f"{len(kept['differ'])} files differ"
    return "\n".join(
        [
            "| runs | of all bundled cities | threads | hash seeds | files compared | verdict |",
            "|---:|---:|---|---:|---|---|",
            f"| {kept['runs']} | {kept['runs_of_all_bundled_cities']} | {kept['threads']} "
            f"| {len(kept['hash_seeds'])} | {kinds} | {verdict} |",
        ]
    )


def main() -> int:
    """Return 0 where all files are the same."""
    options = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else "")
    options.add_argument("--runs", type=int, default=20, help="runs in each process")
    options.add_argument("--cities", type=int, default=60)
    options.add_argument("--python", action="append", help="an interpreter; may be given often")
    options.add_argument("--out", type=Path, default=RESULT)
    options.add_argument("--table", action="store_true")
    options.add_argument("--work", type=int, help=argparse.SUPPRESS)
    options.add_argument("--shuffle", type=int, default=0, help=argparse.SUPPRESS)
    options.add_argument("--whole", action="store_true", help=argparse.SUPPRESS)
    given = options.parse_args()
    if given.work is not None:
        print(json.dumps(work(given.work, given.cities, given.whole, given.shuffle)))
        return 0
    if not given.table:
        pythons = tuple(given.python or (sys.executable,))
        kept = compared(given.runs, given.cities, pythons=pythons)
        given.out.write_text(json.dumps(kept, indent=1) + "\n", encoding="utf-8")
    kept = json.loads(given.out.read_text(encoding="utf-8"))
    print(table(kept))
    print(*kept["differ"], sep="\n", end="")
    return int(bool(kept["differ"]))


if __name__ == "__main__":
    raise SystemExit(main())
