"""Do the tests notice when the code is wrong? Mutation testing of scoring, rules, referee, intake and solving.

    python tools/mutate.py [AREA ...] [--digits 0123456789] [--children 2]   run, keep and print the table
    python tools/mutate.py --table                                           print the table that is kept
    python tools/mutate.py --survivors AREA                                  show every survivor as a diff

An area is a part of the code with its tests (`tools/mutation.toml`). mutmut writes each function with one small
mistake at a time, and the area's tests must fail. A mutant that no test notices is a survivor: kill it by a better
test, or, where the mistake changes nothing that can be seen, name it with the reason in
`tools/mutants_equivalent.txt`. Work is done in `build/mutation/AREA`; the table stands in
`benchmarks/results/mutation.json`. What is mutated is the last commit; the source tree is neither read nor touched.

Exits 1 where an area stays below the aim.
"""

from __future__ import annotations

import argparse
import contextlib
import io
import json
import math
import os
import shutil
import subprocess
import sys
import tarfile
import tomllib
from collections import Counter
from fnmatch import fnmatch
from functools import cache
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
WORK = ROOT / "build" / "mutation"
RESULT = ROOT / "benchmarks" / "results" / "mutation.json"
EQUIVALENT = ROOT / "tools" / "mutants_equivalent.txt"
NOTICED = {1, 3}
"""Exit codes of pytest by which a mutant was noticed: a test failed, or could not even run."""
TIMEOUTS = {-24, 24, 152, 255, 36}
COPIED = ("src", "tests", "data", "models", "docs", "README.md", "LICENSE", "pyproject.toml")


def main() -> int:
    """Return 0 where every area reaches the aim."""
    parser = argparse.ArgumentParser(
        description="Mutation testing of the parts that must be right."
    )
    parser.add_argument("areas", nargs="*")
    parser.add_argument("--digits", help="last digits of the numbers of the mutants to try")
    parser.add_argument("--children", type=int, default=os.cpu_count() or 1)
    parser.add_argument("--table", action="store_true")
    parser.add_argument("--survivors", metavar="AREA")
    asked = parser.parse_args()
    config = tomllib.loads((ROOT / "tools" / "mutation.toml").read_text(encoding="utf-8"))
    aim = config.pop("aim")
    if asked.survivors:
        show_survivors(asked.survivors)
        return 0
    kept = json.loads(RESULT.read_text(encoding="utf-8")) if RESULT.exists() else {}
    if not asked.table:
        for name in asked.areas or list(config):
            digits = asked.digits or config[name]["digits"]
            kept[name] = tried(name, config[name], digits, asked.children)
            ordered = {area: kept[area] for area in config if area in kept}
            RESULT.write_text(json.dumps(ordered, indent=1) + "\n", encoding="utf-8")
    print(table(kept, aim))
    return int(any(score(rows) < aim for rows in kept.values()))


def tried(
    name: str, area: dict[str, list[str]], digits: str, children: int
) -> list[dict[str, object]]:
    """Run the mutants of an area and return a row a module: tried, noticed, timeouts, equivalent, survivors."""
    folder = prepared(name, area)
    environment = {
        **os.environ,
        "CI": "1",
        "HYPOTHESIS_STORAGE_DIRECTORY": str(folder / ".hypothesis"),
    }
    environment.pop("PYTHONPATH", None)
    names = [pattern for path in modules(area) for pattern in mutants(area, path, digits)]
    command = [
        str(Path(sys.executable).with_name("mutmut")),
        "run",
        "--max-children",
        str(children),
    ]
    log = folder / "log.txt"
    with log.open("wb") as file:  # mutmut draws a clock a thousand times
        done = subprocess.run(
            [*command, *names],
            cwd=folder,
            env=environment,
            stdout=file,
            stderr=subprocess.STDOUT,
            check=False,
        )
    if done.returncode:
        raise SystemExit(f"mutmut ended with {done.returncode}; see {log.relative_to(ROOT)}")
    return [module_row(path, folder, mutants(area, path, digits), digits) for path in modules(area)]


def modules(area: dict[str, list[str]]) -> list[str]:
    """Return the paths of the modules of an area, those without any mutant included."""
    every = sorted(str(p.relative_to(ROOT)) for p in (ROOT / "src").rglob("*.py"))
    return [path for path in every if parts(area, path)]


def parts(area: dict[str, list[str]], path: str) -> list[str]:
    """Return which functions of a module belong to an area, as patterns: ``PATH::FUNCTION``, or all of a ``PATH``."""
    asked = [wanted.partition("::") for wanted in area["modules"]]
    return [function or "*" for module, _, function in asked if fnmatch(path, module)]


def mutants(area: dict[str, list[str]], path: str, digits: str) -> list[str]:
    """Return the names of a module's mutants of an area, as patterns."""
    module = path.removeprefix("src/").removesuffix(".py").removesuffix("/__init__")
    module = module.replace("/", ".")
    return [f"{module}.x*{part}__mutmut_*[{digits}]" for part in parts(area, path)]


def prepared(name: str, area: dict[str, list[str]]) -> Path:
    """Return a fresh folder with the code of the last commit, its tests and mutmut's settings."""
    folder = WORK / name
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    packed = subprocess.run(
        ["git", "archive", "--format=tar", "HEAD", *COPIED],
        cwd=ROOT,
        capture_output=True,
        check=True,
    ).stdout
    with tarfile.open(fileobj=io.BytesIO(packed)) as archive:
        archive.extractall(folder, filter="data")
    for litter in ("tests/e2e", "tests/notebooks"):
        shutil.rmtree(folder / litter, ignore_errors=True)
    settings = {
        "source_paths": ["src"],
        "only_mutate": [wanted.partition("::")[0] for wanted in area["modules"]],
        "also_copy": [part for part in COPIED if part not in {"src", "tests", "pyproject.toml"}],
        "pytest_add_cli_args": ["-m", "not slow", "-p", "no:cacheprovider", "-p", "no:playwright"],
        "pytest_add_cli_args_test_selection": area["tests"],
    }
    lines = [f"{key} = {json.dumps(value)}" for key, value in settings.items()]
    with (folder / "pyproject.toml").open("a", encoding="utf-8") as file:
        file.write("\n[tool.mutmut]\n" + "\n".join(lines) + "\n")
    return folder


def module_row(path: str, folder: Path, names: list[str], digits: str) -> dict[str, object]:
    """Return how the mutants of a module fared."""
    meta = folder / "mutants" / (path + ".meta")
    codes = (
        json.loads(meta.read_text(encoding="utf-8"))["exit_code_by_key"] if meta.exists() else {}
    )
    codes = {name: code for name, code in codes.items() if any(fnmatch(name, n) for n in names)}
    excused = equivalents()
    fate = Counter(
        "noticed"
        if code in NOTICED
        else "timeout"
        if code in TIMEOUTS
        else "equivalent"
        if shape(folder, name) in excused
        else "survived"
        for name, code in codes.items()
    )
    return {
        "module": path.removeprefix("src/twinmatch/"),
        "tried": len(codes),
        **{word: fate[word] for word in ("noticed", "timeout", "equivalent", "survived")},
        "digits": digits,
    }


def show_survivors(area: str) -> None:
    """Print the diff of every survivor of the last run of an area, and the line that would excuse it."""
    folder = WORK / area
    for meta in sorted((folder / "mutants" / "src").rglob("*.meta")):
        codes = json.loads(meta.read_text(encoding="utf-8"))["exit_code_by_key"]
        for name, code in codes.items():
            if code is None or code in NOTICED | TIMEOUTS:
                continue
            excuse = "equivalent: " if shape(folder, name) in equivalents() else ""
            print(f"{excuse}{shape(folder, name)}   [{code}]")


@cache
def shape(folder: Path, name: str) -> str:
    """Return a mutant in words that outlive renumbering: function, the lines taken out, the lines put in."""
    from mutmut.mutation.diff_apply import get_diff_for_mutant

    module = name.rpartition(".")[0]
    path = next(
        p
        for p in (
            Path("src", *module.split(".")).with_suffix(".py"),
            Path("src", *module.split("."), "__init__.py"),
        )
        if (folder / p).exists()
    )
    with contextlib.chdir(folder):
        shown = get_diff_for_mutant(name, path=path)
    changed = [
        f"{line[0]} {line[1:].strip()}"
        for line in shown.splitlines()
        if line[:1] in {"+", "-"} and line[:3] not in {"+++", "---"}
    ]
    return f"{name.split('__mutmut_')[0].removeprefix('twinmatch.')} | {' | '.join(changed)}"


@cache
def equivalents() -> set[str]:
    """Return the mutants that are excused, each of which has its reason after ``  # ``."""
    lines = EQUIVALENT.read_text(encoding="utf-8").splitlines() if EQUIVALENT.exists() else []
    return {
        line.rpartition("  # ")[0].strip() for line in lines if line and not line.startswith("#")
    }


def score(rows: list[dict[str, object]]) -> float:
    """Return the part of the mutants that was noticed, of those that could be; timeouts are noticed."""
    total = {
        word: sum(int(str(row[word])) for row in rows)
        for word in ("tried", "noticed", "timeout", "equivalent")
    }
    could = total["tried"] - total["equivalent"]
    return (total["noticed"] + total["timeout"]) / could if could else 1.0


def _percent(part: float) -> str:
    """Return a part in percent, rounded down: all is said where it is all."""
    return f"{math.floor(part * 1000) / 10:g}%"


def table(kept: dict[str, list[dict[str, object]]], aim: float) -> str:
    """Return the result as a Markdown table, a line an area and a line a module."""
    lines = [
        "| part | mutants | noticed | equivalent | survived | score |",
        "|---|---:|---:|---:|---:|---:|",
    ]
    for area, rows in kept.items():
        for label, some in [
            (f"**{area}**", rows),
            *((str(r["module"]), [r]) for r in rows if r["tried"]),
        ]:
            total = {
                w: sum(int(str(r[w])) for r in some)
                for w in ("tried", "noticed", "timeout", "equivalent", "survived")
            }
            lines.append(
                f"| {label} | {total['tried']} | {total['noticed'] + total['timeout']} | {total['equivalent']} "
                f"| {total['survived']} | {_percent(score(some))} |"
            )
    return "\n".join(
        [*lines, "", f"The aim is {aim:.0%} of the mutants of each part that can be noticed."]
    )


if __name__ == "__main__":
    raise SystemExit(main())
