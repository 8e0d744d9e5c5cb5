"""Is anything lost or torn when a process is killed? Hundreds of kills, at every call that changes a file and at any time.

    python benchmarks/kills.py [JOB ...] [--rounds 60] [--seed 7] [--out benchmarks/results/kills.json]
    tools/postgres_for_tests.sh python benchmarks/kills.py     the same on a PostgreSQL server too
    python benchmarks/kills.py --table                         print the table that is kept

Killed are folders that are written, imports, proposals with their folder, kept runs, decisions, names taken out,
migrations from every earlier version, the service's jobs, and caches; how is said in ``tests/reliability/killing.py``.
A fault is whatever was acknowledged and is not there, or is there and is not whole. Exits 1 where there is one, and
where fewer than 200 kills were made in all.
"""

from __future__ import annotations

import argparse
import json
import os
import sys
from pathlib import Path
from typing import Any

RESULT = Path(__file__).parent / "results" / "kills.json"
WANTED = 200
"""Kills in all, at least."""

HERE = Path(__file__).parent.parent / "tests" / "reliability"


def table(kept: dict[str, Any]) -> str:
    """Return the rounds as a Markdown table, a line a job, and the verdict."""
    lines = [
        "| job | calls that change a file | kills | what was left | faults |",
        "|---|---:|---:|---|---:|",
    ]
    for found in kept["jobs"]:
        left = ", ".join(f"{n} {word}" for word, n in sorted(found["left"].items()))
        cells = (found["job"], found["calls"], found["killed"], left, len(found["faults"]))
        lines.append("| " + " | ".join(str(c) for c in cells) + " |")
    kills = sum(f["killed"] for f in kept["jobs"])
    faults = sum(len(f["faults"]) for f in kept["jobs"])
    verdict = "nothing was lost, nothing was torn" if not faults else f"{faults} faults"
    engines = "SQLite and PostgreSQL" if kept["postgresql"] else "SQLite"
    return "\n".join([*lines, "", f"{kills} kills by SIGKILL, stores on {engines}: {verdict}."])


def main() -> int:
    """Return 0 where nothing was lost or torn."""
    options = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else "")
    options.add_argument("jobs", nargs="*", default=["all"])
    options.add_argument("--rounds", type=int, default=60, help="kills of each job")
    options.add_argument("--seed", type=int, default=7)
    options.add_argument("--out", type=Path, default=RESULT)
    options.add_argument("--table", action="store_true")
    given = options.parse_args()
    if not given.table:
        sys.path.insert(0, str(HERE))
        import killing

        found = killing.run(given.jobs, given.rounds, given.seed, nice=5)
        beside = bool(os.environ.get("TWINMATCH_TEST_POSTGRES"))
        kept = {"rounds": given.rounds, "seed": given.seed, "postgresql": beside, "jobs": found}
        given.out.write_text(json.dumps(kept, indent=1) + "\n", encoding="utf-8")
    kept = json.loads(given.out.read_text(encoding="utf-8"))
    print(table(kept))
    for found in kept["jobs"]:
        print(*found["faults"], sep="\n", end="")
    killed = sum(f["killed"] for f in kept["jobs"])
    return int(killed < WANTED or any(f["faults"] for f in kept["jobs"]))


if __name__ == "__main__":
    raise SystemExit(main())
