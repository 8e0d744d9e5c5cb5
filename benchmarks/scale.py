"""Measure whole rounds of 258, 1,000, 13,000 and 100,000 cities: seconds and peak memory of every stage.

    TWINMATCH_SAMPLES=FOLDER python benchmarks/scale.py [--sizes 258 1000 13000 100000] [--peers]

Each cohort has a process of its own, one after the other; all sizes end within 15 minutes on two cores. Up to
13,000 cities every product is proposed and every file written; at 100,000 every city is a guest and twinning with
the bundled hosts is proposed. The cohorts are those of ``cohorts.py`` (which says what ``TWINMATCH_SAMPLES`` is);
the 258 are the bundled profiles under the bundled programme. Larger rounds have the bundled programme with its
places grown in step (``programme_of`` has every change). ``--peers`` runs others on the same arrays.

The table is printed and kept in ``benchmarks/results/scale.json``; ``benchmarks/page.py`` puts it on a page.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import resource
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

HERE = Path(__file__).parent
RESULTS = HERE / "results" / "scale.json"
SIZES = (258, 1_000, 13_000, 100_000)
BUNDLED = 258
TWINNING_ALONE_FROM = 100_000
HOSTS = 138  # host units and cities of the bundled profiles, nearly


def programme_of(n: int) -> Any:
    """Return the programme of a round of n cities: the bundled one, its places grown with the cohort.

    Everybody with a guest's role may be one (what is not known of a generated city is let in), every guest can
    have a place, a country up to a tenth of them, leads up to four groups and themes up to twenty; a panel may
    have eight cities of a country (half of the signatories are Italian) and none of the Mission, for there are too few.
    """
    from twinmatch.programmes import load

    bundled = load()
    if n <= BUNDLED:
        return bundled
    each = -(-n // HOSTS) + 2
    whole = bundled.model_dump()
    whole["twinning"] |= {
        "places": None,
        "guests_per_host": (0, each),
        "guests_per_country": max(4, n // 10),
        "guests": {"roles": ["guest"], "not_roles": ["mission"], "unknown": "let in"},
    }
    whole["ledger"] |= {"tasks": each + 8}
    whole["discussion_groups"] |= {"groups_a_theme": 20, "lead_of": 4}
    whole["city_panels"] |= {"cities_per_country": 8, "mission_at_least": 0}
    if n >= TWINNING_ALONE_FROM:
        for name in bundled.products:
            if name != "twinning":
                whole[name] = None
        whole["pathways"] = whole["pathways"] | {"resources": ()}
    return type(bundled).model_validate(whole)


# --- one cohort, in a process of its own -----------------------------------------------------------------


class Stages:
    """Seconds and peak memory of one stage after the other."""

    def __init__(self) -> None:
        self.rows: list[dict[str, Any]] = []
        self._name, self._since = "", 0.0

    def begin(self, name: str) -> None:
        """End the stage that runs and begin another."""
        self.end()
        _forget_peak()
        self._name, self._since = name, time.perf_counter()

    def end(self) -> None:
        """End the stage that runs, if any."""
        if self._name:
            seconds = time.perf_counter() - self._since
            self.rows.append({"stage": self._name, "s": round(seconds, 2), "MB": round(_peak())})
            print(f"  {self._name:34} {seconds:9.2f} s {_peak():8.0f} MB", file=sys.stderr)
        self._name = ""


def _forget_peak() -> None:
    """Let the peak memory be counted anew, where the system can."""
    try:
        Path("/proc/self/clear_refs").write_text("5", encoding="ascii")
    except OSError:
        return


def _peak() -> float:
    """Return the peak memory since it was last forgotten, in MB; that of the whole process where it cannot be."""
    try:
        for line in Path("/proc/self/status").read_text(encoding="ascii").splitlines():
            if line.startswith("VmHWM:"):
                return int(line.split()[1]) / 1024
    except OSError:
        pass
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


def one(n: int, table: Path | None) -> dict[str, Any]:
    """Return what a round of n cities took, stage by stage."""
    from dataclasses import replace

    stages = Stages()
    started = time.perf_counter()
    stages.begin("imports")
    from twinmatch.app.neighbours import text_model
    from twinmatch.exporting import EXPORTERS, dossier_files
    from twinmatch.exporting.plain import from_plain, to_plain
    from twinmatch.facets import Materials
    from twinmatch.figures import with_figures
    from twinmatch.files import write_files
    from twinmatch.propose import propose
    from twinmatch.reading import read_raw
    from twinmatch.validate import validate

    stages.begin("read")
    raw = read_raw(table)
    stages.begin("validate")
    cohort = validate(raw.cities, raw.units, raw.problems)
    del raw
    stages.begin("text model")
    programme = programme_of(n)
    text = text_model(cohort, more=programme.texts)
    materials = Materials(text)
    stages.begin("propose: the rest")
    proposal = propose(
        cohort,
        programme,
        materials,
        text_model=dict(text.fingerprint),
        progress=lambda name: stages.begin(f"propose: {name}"),
    )
    stages.begin("figures")
    proposal = with_figures(proposal, cohort, programme, materials)
    proposal = replace(proposal, notes=(*proposal.notes, *text.notes))
    stages.begin("settle")
    settled = from_plain(to_plain(proposal))
    del proposal
    with tempfile.TemporaryDirectory() as folder:
        out = Path(folder, "out")
        for name, export in EXPORTERS.items():
            stages.begin(f"export: {name}")
            write_files({name: export(settled)}, out)
        stages.begin("export: dossiers and mails")
        write_files({f"dossiers/{name}": page for name, page in dossier_files(settled)}, out)
        stages.end()
        files = [f for f in out.rglob("*") if f.is_file()]
        written = {
            "files": len(files),
            "MB": round(sum(f.stat().st_size for f in files) / 2**20, 1),
        }
    return {
        "cities": len(cohort),
        "stages": stages.rows,
        "total s": round(time.perf_counter() - started, 1),
        "peak MB": max(row["MB"] for row in stages.rows),
        "written": written,
        "products": [
            {
                "product": p.product,
                "status": p.status,
                "meetings": len(p.meetings),
                "members": sum(len(m.members) for m in p.meetings),
                "score": round(p.score, 3),
                "gap": round(p.gap, 5),
                "engine": p.engine,
            }
            for p in settled.products
        ],
    }


# --- all of them -----------------------------------------------------------------------------------------


def measured(n: int, samples: str | None) -> dict[str, Any]:
    """Return what a round of n cities took in a process of its own."""
    with tempfile.TemporaryDirectory() as folder:
        table = Path(folder, "cohort.csv")
        command = [sys.executable, str(Path(__file__)), "--one", str(n)]
        if n > BUNDLED:
            made = [sys.executable, str(HERE / "cohorts.py"), str(n), "--out", str(table)]
            subprocess.run(made, check=True, stdout=sys.stderr)
            command += ["--table", str(table)]
        found = subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True)
    result: dict[str, Any] = json.loads(found.stdout.splitlines()[-1])
    return result


def show(rounds: Sequence[dict[str, Any]]) -> None:
    """Print a table: a row for each stage, two columns for each cohort."""
    names = list(dict.fromkeys(row["stage"] for r in rounds for row in r["stages"]))
    print(f"\n{'':34}" + "".join(f"{r['cities']:>12,} cities    " for r in rounds))
    for name in names:
        cells = []
        for r in rounds:
            row = next((row for row in r["stages"] if row["stage"] == name), None)
            cells.append(f"{row['s']:10.2f} s {row['MB']:7,} MB" if row else " " * 22)
        print(f"{name:34}" + " ".join(cells))
    totals = " ".join(f"{r['total s']:10.2f} s {r['peak MB']:7,} MB" for r in rounds)
    print(f"{'whole':34}{totals}")
    for r in rounds:
        print(f"\n{r['cities']:,} cities: {r['written']['files']:,} files, {r['written']['MB']} MB")
        for p in r["products"]:
            print(
                f"  {p['product']:20} {p['meetings']:7,} meetings {p['members']:8,} members  {p['status']:9} gap {p['gap']:.3%}  {p['engine']}"
            )


def main() -> None:
    """Measure the sizes asked for, print the table and keep it."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("--sizes", type=int, nargs="+", default=list(SIZES))
    parser.add_argument("--keep", type=Path, default=RESULTS, help="where the figures are kept")
    parser.add_argument("--one", type=int, help=argparse.SUPPRESS)
    parser.add_argument("--table", type=Path, help=argparse.SUPPRESS)
    asked = parser.parse_args()
    if asked.one is not None:
        print(json.dumps(one(asked.one, asked.table)))
        return
    before = os.getloadavg()[0]
    rounds = [measured(n, os.environ.get("TWINMATCH_SAMPLES")) for n in asked.sizes]
    show(rounds)
    found = {
        "machine": {
            "python": platform.python_version(),
            "cores": os.cpu_count(),
            "load before": round(before, 1),
        },
        "rounds": rounds,
    }
    asked.keep.write_text(json.dumps(found, indent=1) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
