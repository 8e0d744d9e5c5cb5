"""How long the commands take to start, as whole processes, beside Python itself and one import of pandas.

    python benchmarks/startup.py [--runs 9]

Each command is run once before it counts, so that every cache is warm; then all are run in turns, so that what else the
machine does falls on all of them alike. Told are the medians of the seconds on the clock and of the seconds of
processor, and the ratio to `import pandas`. Kept in `benchmarks/results/startup.json`.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import resource
import statistics
import subprocess
import sys
import time
from pathlib import Path

HERE = Path(__file__).parent
COMMANDS = {
    "python -c pass": [sys.executable, "-c", "pass"],
    "python -c 'import pandas'": [sys.executable, "-c", "import pandas"],
    "python -c 'import numpy'": [sys.executable, "-c", "import numpy"],
    "python -c 'import typer'": [sys.executable, "-c", "import typer"],
    "twinmatch --help": [sys.executable, "-m", "twinmatch", "--help"],
    "twinmatch similar --help": [sys.executable, "-m", "twinmatch", "similar", "--help"],
    "twinmatch similar Leuven": [sys.executable, "-m", "twinmatch", "similar", "Leuven"],
    "twinmatch explain Cologne Lahti": [
        *(sys.executable, "-m", "twinmatch", "explain", "Cologne", "Lahti")
    ],
}
TARGETS = {"twinmatch --help": 0.2, "twinmatch similar Leuven": 0.7}
BESIDE = "python -c 'import pandas'"


def seconds(command: list[str]) -> tuple[float, float]:
    """Return the seconds of a run on the clock and of processor."""
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    begun = time.perf_counter()
    subprocess.run(command, check=True, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    wall = time.perf_counter() - begun
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    return wall, after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime


def main() -> None:
    """Run everything in turns, print, keep."""
    options = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else "")
    options.add_argument("--runs", type=int, default=9)
    options.add_argument("--out", type=Path, default=HERE / "results" / "startup.json")
    given = options.parse_args()
    load = os.getloadavg()[0]
    for command in COMMANDS.values():
        seconds(command)
    runs = [
        {name: seconds(command) for name, command in COMMANDS.items()} for _ in range(given.runs)
    ]
    found = {
        name: {
            "wall, s": round(statistics.median(run[name][0] for run in runs), 3),
            "processor, s": round(statistics.median(run[name][1] for run in runs), 3),
            "over import pandas": round(
                statistics.median(run[name][1] / run[BESIDE][1] for run in runs), 2
            ),
            "asked for, s": TARGETS.get(name, "-"),
        }
        for name in COMMANDS
    }
    machine = {
        "python": platform.python_version(),
        "cores": os.cpu_count(),
        "load before": round(load, 1),
    }
    print(f"{given.runs} runs, medians; {machine}")
    for name, row in found.items():
        print(f"{name:34}" + "  ".join(f"{key} {value}" for key, value in row.items()))
    given.out.parent.mkdir(parents=True, exist_ok=True)
    content = {"machine": machine, "runs": given.runs, "commands": found}
    given.out.write_text(json.dumps(content, indent=1) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
