"""Measure the main job as whole processes: wall and processor seconds, peak memory.

    python benchmarks/main_job.py [--runs 3] [--text] [--beside CHECKOUT]

Each command runs once to warm up and then ``--runs`` times; medians are printed and kept in
``benchmarks/results/main_job.json``. ``--text`` adds a cohort whose 260 texts have no bundled vector, through
sentence-transformers, cold and then cached. Seconds depend on the machine and on what else it does: the machine
and its load are printed beside them, and nothing here passes or fails. ``--beside`` runs the main job of another
checkout in turns with this one, so that their ratio holds on a busy machine too.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import statistics
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

RESULTS = Path(__file__).parent / "results" / "main_job.json"


def measured(command: list[str], environment: dict[str, str] | None = None) -> dict[str, float]:
    """Return wall and processor seconds and peak memory (MB) of a process; raise where it fails."""
    import time

    started = time.perf_counter()
    process = subprocess.Popen(
        command,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        env={**os.environ, **(environment or {})},
    )
    _, status, usage = os.wait4(process.pid, 0)
    wall = time.perf_counter() - started
    process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode != 0:
        raise SystemExit(f"{' '.join(command)} ended with {process.returncode}")
    return {
        "wall s": wall,
        "processor s": usage.ru_utime + usage.ru_stime,
        "peak MB": usage.ru_maxrss / 1024,
    }


def medians(
    command: list[str], runs: int, environment: dict[str, str] | None = None, warm: bool = True
) -> dict[str, float]:
    """Return the medians of several runs after one to warm up."""
    if warm:
        measured(command, environment)
    rows = [measured(command, environment) for _ in range(runs)]
    return {name: round(statistics.median(row[name] for row in rows), 2) for name in rows[0]}


def beside(checkout: Path, tool: list[str], out: str, runs: int) -> dict[str, Any]:
    """Return processor seconds of the main job here and in another checkout, in turns, and their ratio."""
    command = [*tool, "propose", "--out", out]
    sources = {"here": Path(__file__).parents[1], "there": checkout}
    found: dict[str, list[float]] = {name: [] for name in sources}
    for run in range(runs + 1):
        for name, source in sources.items():
            row = measured(command, {"PYTHONPATH": str(source / "src")})
            found[name] += [row["processor s"]] if run else []
    there, here = (round(statistics.median(found[name]), 2) for name in ("there", "here"))
    asked = ["git", "-C", str(checkout), "rev-parse", "--short", "HEAD"]
    commit = subprocess.run(asked, check=True, capture_output=True, text=True).stdout.strip()
    ratio = round(here / there, 2)
    return {
        "commit": commit,
        "there: processor s": there,
        "here: processor s": here,
        "ratio": ratio,
    }


def new_texts(folder: Path, count: int = 130) -> None:
    """Write profiles with 2 x count texts of some 80 words that no bundled vector knows."""
    words = [
        "district",
        "heat",
        "tram",
        "renovation",
        "housing",
        "council",
        "budget",
        "loan",
        "roof",
        "solar",
        "pump",
        "grid",
        "bus",
        "school",
        "river",
        "park",
        "waste",
    ]
    for k in range(count):
        text = " ".join(
            " ".join(words[(k * 7 + s * 3 + w) % len(words)] for w in range(15)).capitalize()
            + f" {k}."
            for s in range(5)
        )
        role = "mission" if k % 2 else "guest"
        profile = {
            "id": f"de-city-{k}",
            "name": f"City {k}",
            "country": "DE",
            "roles": [role],
            "needs": text,
            "offers": text[::-1][:400],
        }
        (folder / f"de-city-{k}.yaml").write_text(json.dumps(profile), encoding="utf-8")


def main() -> None:
    """Print the table and keep it as JSON."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--runs", type=int, default=3)
    parser.add_argument("--text", action="store_true")
    parser.add_argument("--beside", type=Path, help="another checkout")
    asked = parser.parse_args()
    tool = [sys.executable, "-m", "twinmatch"]
    with tempfile.TemporaryDirectory() as temporary:
        out = str(Path(temporary, "out"))
        rows = {
            "twinmatch --help": medians([*tool, "--help"], asked.runs),
            "an empty Python": medians([sys.executable, "-c", "pass"], asked.runs),
            "twinmatch similar Leuven": medians([*tool, "similar", "Leuven"], asked.runs),
            "twinmatch propose (bundled, every product)": medians(
                [*tool, "propose", "--out", out], asked.runs
            ),
            "twinmatch propose (bundled, pairs, groups, clusters)": medians(
                [
                    *tool,
                    "propose",
                    "-p",
                    "twinning",
                    "-p",
                    "discussion_groups",
                    "-p",
                    "national_clusters",
                    "--out",
                    out,
                ],
                asked.runs,
            ),
        }
        if asked.text:
            folder, cache = (
                Path(temporary, "cities"),
                {"TWINMATCH_CACHE": str(Path(temporary, "cache"))},
            )
            folder.mkdir()
            new_texts(folder)
            command = [
                *tool,
                "propose",
                str(folder),
                "-p",
                "discussion_groups",
                "--text-model",
                "minilm",
                "--out",
                out,
            ]
            rows["260 new texts through MiniLM, first time"] = medians(
                command, 1, cache, warm=False
            )
            rows["260 new texts through MiniLM, cached"] = medians(
                command, asked.runs, cache, warm=False
            )
        other = beside(asked.beside, tool, out, asked.runs) if asked.beside else None
    machine = {
        "python": platform.python_version(),
        "cores": os.cpu_count(),
        "load before": round(os.getloadavg()[2], 1),
    }
    print(
        f"Medians of {asked.runs} runs; Python {machine['python']}, {machine['cores']} cores, load {machine['load before']}"
    )
    width = max(map(len, rows))
    for name, row in rows.items():
        print(
            f"{name:<{width}}  " + "  ".join(f"{value:8.2f} {unit}" for unit, value in row.items())
        )
    kept = {"machine": machine, "medians": rows} | ({"beside": other} if other else {})
    print(other or "")
    RESULTS.parent.mkdir(exist_ok=True)
    RESULTS.write_text(json.dumps(kept, indent=1) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
