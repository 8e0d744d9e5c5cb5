"""How far a study of stability spreads: one process, two, and two workers of a Dask cluster, as whole commands.

    python benchmarks/spread.py [--runs 2000] [--times 3]

The commands run in turns, so that what else the machine does falls on all of them alike; told are the medians. All
must print the same bytes. A cluster on other machines is named by its address (``--dask tcp://…``) and runs the same
code; what is measured here is what the cluster costs, on the cores of this machine. Kept in
``benchmarks/results/spread.json``.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import statistics
import subprocess
import sys
import time
from pathlib import Path

RESULT = Path(__file__).parent / "results" / "spread.json"
WAYS = {
    "one process": [],
    "two processes": ["--workers", "2"],
    "a Dask cluster of two workers": ["--dask", "2"],
}


def once(runs: int, more: list[str]) -> tuple[float, bytes]:
    """Return the seconds on the clock of a study, and what it printed."""
    command = [sys.executable, "-m", "twinmatch", "stability", "--runs", str(runs), "--json", *more]
    begun = time.perf_counter()
    done = subprocess.run(command, check=True, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL)
    return time.perf_counter() - begun, done.stdout


def main() -> int:
    """Run everything in turns, print, keep; return 1 where two ways differ."""
    options = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else "")
    options.add_argument("--runs", type=int, default=2000)
    options.add_argument("--times", type=int, default=3)
    given = options.parse_args()
    load, once_each = os.getloadavg()[0], []
    for _ in range(given.times):
        once_each.append({name: once(given.runs, more) for name, more in WAYS.items()})
    seconds = {
        name: round(statistics.median(turn[name][0] for turn in once_each), 2) for name in WAYS
    }
    same = len({said for turn in once_each for _, said in turn.values()}) == 1
    machine = {"python": platform.python_version(), "cores": os.cpu_count(), "load": round(load, 1)}
    content = {"machine": machine, "runs": given.runs, "seconds": seconds, "the same bytes": same}
    for name, spent in seconds.items():
        print(f"{name:32} {spent:8.2f} s  {given.runs / spent:8.1f} runs a second")
    print("the same bytes" if same else "THE BYTES DIFFER")
    RESULT.write_text(json.dumps(content, indent=1) + "\n", encoding="utf-8")
    return int(not same)


if __name__ == "__main__":
    raise SystemExit(main())
