"""Write docs/benchmarks.md from what the benchmarks left in ``benchmarks/results``.

    python benchmarks/page.py [--check]

Run the benchmarks first; each says in its own head what it needs.
"""

from __future__ import annotations

import argparse
import json
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

HERE = Path(__file__).parent
PAGE = HERE.parent / "docs" / "benchmarks.md"

HEAD = """# Benchmarks

Made by `python benchmarks/page.py` from `benchmarks/results`; do not edit. Seconds depend on the machine and on what
else it does, so peers run beside us on the same arrays and ratios are told; nothing in the tests asserts a time.
Public instances are read from the folder that `TWINMATCH_BENCH_INSTANCES` names and are no part of this project.
"""


def table(header: Sequence[str], rows: Iterable[Sequence[object]]) -> str:
    """Return a Markdown table."""
    lines = ["| " + " | ".join(header) + " |", "|" + "---|" * len(header)]
    lines += ["| " + " | ".join(_figure(cell) for cell in row) + " |" for row in rows]
    return "\n".join(lines) + "\n"


def _figure(value: object) -> str:
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, float):
        return f"{value:,.4g}" if abs(value) < 100 else f"{value:,.2f}"
    return f"{value:,}" if isinstance(value, int) else str(value)


def assignment(found: dict[str, Any]) -> str:
    """Return the part on assignment."""
    peers = {
        "highs_whole": "HiGHS whole",
        "scipy_milp": "scipy milp",
        "networkx_flow": "networkx",
        "cp_sat": "CP-SAT",
    }
    parts = [f"## Assignment\n\n`python benchmarks/assignment.py`; {found['machine']}.\n"]
    matcher = "openreview-matcher over ours, from its published ratio"
    total = [
        [
            r["instance"],
            r["pairs"],
            r["engine"],
            r["same total as bare flow"],
            r["over bare flow"],
            r.get(matcher, "-"),
        ]
        + [r[p]["over ours"] if p in r and r[p].get("over ours") else "-" for p in peers]
        for r in found.get("total", [])
    ]
    parts.append(
        "Total score; ours over bare OR-Tools flow (below 1 is faster), and how many times longer each peer takes than ours. openreview-matcher does not run here: its figure is its published ratio to bare flow.\n"
    )
    parts.append(
        table(
            [
                "instance",
                "pairs",
                "engine",
                "optimum",
                "over bare flow",
                "openreview-matcher",
                *peers.values(),
            ],
            total,
        )
    )
    large = [
        [
            r["instance"],
            r["pairs"],
            r["status"],
            r["share of pairs held"],
            r["over bare flow"],
            r.get("memory over bare flow", "-"),
        ]
        for r in found.get("large", [])
    ]
    parts.append("\nLarge sets: few pairs in the flow, all others priced by the duals.\n")
    parts.append(
        table(
            [
                "instance",
                "pairs",
                "status",
                "share of pairs held",
                "time over bare flow",
                "memory over bare flow",
            ],
            large,
        )
    )
    for name, words in (
        ("fairness", "Worst-off guest first"),
        ("growth", "Growth with the candidate pairs"),
        ("crossing", "Rules that cross"),
        ("impossible", "When it cannot be"),
    ):
        rows = found.get(name, [])
        if rows:
            header = list(
                dict.fromkeys(key for row in rows for key in row if not isinstance(row[key], dict))
            )
            parts.append(f"\n{words}.\n")
            parts.append(table(header, [[row.get(key, "-") for key in header] for row in rows]))
    return "\n".join(parts)


def groups(found: dict[str, Any]) -> str:
    """Return the part on groups."""
    rows = [
        [
            f"n = {size}, {part['rows'][0]['seconds']:g} s",
            part["mean_gap_percent"],
            part["target_percent"],
            f"{part['better']} of {len(part['rows'])}",
        ]
        for size, part in (
            (k[1:], v) for k, v in found.items() if k.startswith("n") and k[1:].isdigit()
        )
    ]
    text = f"## Groups\n\n`python benchmarks/groups.py`; {found['machine']}. MDGPLIB instances (Gallego et al. 2013) against the best values published for TPSDP (Yang et al. 2022).\n\n"
    text += table(
        [
            "instances",
            "mean gap to the best published, %",
            "asked for, %",
            "better than any published",
        ],
        rows,
    )
    if "peers" in found:
        peers = found["peers"]
        text += f"\nThe methods of two other tools, written from their descriptions (`benchmarks/group_peers.py`), on instances of n = 120 with groups of one size ({', '.join(peers['instances'])}); {peers['runs']} runs each, the first two for the same seconds of a processor. Gaps to the best published value, %.\n\n"
        text += table(
            ["method", "mean gap", "worst gap", "seconds of a processor"],
            [
                [row["method"], row["mean_gap_percent"], row["worst_gap_percent"], row["seconds"]]
                for row in peers["rows"]
            ],
        )
    if "bounds" in found:
        text += f"\nWhat a gap says of national clusters (`--only bounds`): {found['bounds']['draws']} draws of the bundled cities each, split by swaps as a country is, against the best of all groupings; and both bounds against the same: each city's nearest, which bounds large countries, and the linear programme with triangles, which bounds those of up to 64 cities. It is the bound of the nearest that is loose. All bundled cities on {found['bounds']['panels']} panels: a gap of {found['bounds']['panels_gap_percent']}%.\n\n"
        names = ["split", "swaps below the best, %", "at most, %", "bound above the best, %"]
        names.append("triangles above the best, %")
        text += table(names, [[row[k] for k in names] for row in found["bounds"]["rows"]])
        text += "\nOf more cities than every grouping can be tried of, swaps beside both bounds, 5 draws each:\n\n"
        names = ["split", "gap by each city's nearest, %", "gap by triangles, %", "at most, %"]
        text += table(names, [[row[k] for k in names] for row in found["bounds"]["larger"]])
    if "digits" in found:
        peer = found["digits"]["k_means_constrained"]
        ours = [
            [f"ours, a {r['share']}th of its time", r["seconds"], r["inertia"]]
            for r in found["digits"]["ours"]
        ]
        text += "\nSize-constrained clustering of scikit-learn's digits (1,797 points, 89 groups of 16 to 25), sum of squares.\n\n"
        text += table(
            ["", "seconds", "sum of squares"],
            [["k-means-constrained, 10 restarts", peer["seconds"], peer["inertia"]], *ours],
        )
    return text


def main_job(found: dict[str, Any]) -> str:
    """Return the part on the main job."""
    machine = found["machine"]
    rows = [[name, *row.values()] for name, row in found["medians"].items()]
    other, beside = found.get("beside"), ""
    if other:
        beside = (
            f"\nIn turns with commit {other['commit']}, every product: {other['here: processor s']} s of the processor here, "
            f"{other['there: processor s']} s there, {other['ratio']} times as much.\n"
        )
    return (
        f"## The main job\n\n`python benchmarks/main_job.py`; whole processes, medians; Python {machine['python']}, "
        f"{machine['cores']} cores, load {machine['load before']}.\n\n"
        + table(["command", "wall s", "processor s", "peak MB"], rows)
        + beside
    )


def startup(found: dict[str, Any]) -> str:
    """Return the part on how the commands start."""
    machine = found["machine"]
    rows = [[f"`{name}`", *row.values()] for name, row in found["commands"].items()]
    header = ["process", *next(iter(found["commands"].values()))]
    return (
        f"## Start-up\n\n`python benchmarks/startup.py`; whole processes in turns, medians of {found['runs']} runs; Python "
        f"{machine['python']}, {machine['cores']} cores, load {machine['load before']}.\n\n"
        + table(header, rows)
    )


def serving(found: dict[str, Any]) -> str:
    """Return the part on the service."""
    rows = [
        [
            m["what"],
            round(m["a_second"]),
            round(m["p50_ms"], 1),
            round(m["p99_ms"], 1),
            round(m["kilobytes"], 1),
            found["of bare"][m["what"]],
        ]
        for m in found["measured"]
    ]
    return (
        f"## The service\n\n`python benchmarks/serving.py`: {found['cities']:,} cities, one worker, {found['connections']} "
        f"connections, asked by {found['asked by']}; {found['cores']} cores, load {found['load']}; beside a bare FastAPI "
        f"route in the same run.\n\nReady after {found['ready, s']:.0f} s, all nearest found after "
        f"{found['all nearest found, s']:.0f} s. "
        f"Memory {found['memory, MB']:,} MB, {found['memory at its peak, MB']:,} MB at its peak.\n\n"
        + table(["what is asked", "answers/s", "p50 ms", "p99 ms", "kB", "of bare"], rows)
    )


def workbench(found: dict[str, Any]) -> str:
    """Return the part on the pages."""
    rows = [
        [what, round(value, 1), found["targets"].get(what, "-")]
        for what, value in found["measured"].items()
    ]
    return (
        f"## The workbench\n\n`python benchmarks/workbench.py`: Chromium against one worker, {found['guests']} guests and "
        f"{found['hosts']} hosts, a table of 2,000 rows; {found['machine']}, load {found['load']}.\n\n"
        + table(["what is waited for", "measured", "at most"], rows)
    )


def text_models(found: dict[str, Any]) -> str:
    """Return the part on text models."""
    rows = [
        [name, mean, f"{low:.2f} to {high:.2f}"]
        for name, (mean, low, high) in found["precision at 1"].items()
    ]
    speed = [[name, *row.values()] for name, row in found["seconds"].items()]
    text = (
        f"## Text models\n\n`python benchmarks/text_models.py`; {found['cores']} cores, load {found['load']}. Needs whose "
        "nearest other need is of their own topic (48 needs, 12 topics).\n\n"
        + table(["model", "precision@1", "95% interval"], rows)
        + "\nSeconds to load, and to encode texts of about 80 words.\n\n"
        + table(
            [
                "model",
                *(f"{k}, s" for k in list(next(iter(found["seconds"].values())))[:2]),
                "texts/s",
            ],
            speed,
        )
    )
    agreement = [
        [what, mean, f"{low:.2f} to {high:.2f}"]
        for what, (mean, low, high) in found["static beside minilm"].items()
    ]
    if agreement:
        text += "\nWhat cities need against what hosts offer, ranked by the static table and by MiniLM.\n\n"
        text += table(["", "mean", "95% interval"], agreement)
    return text


def scale(found: dict[str, Any]) -> str:
    """Return the part on whole rounds by size."""
    rows = [
        [r["cities"], r["total cpu s"], r["total s"], r["peak MB"], len(r["products"]), r["written"]["files"]]
        for r in found["rounds"]
    ]  # fmt: skip
    return (
        f"## Whole rounds by size\n\n`python benchmarks/scale.py --peers`; Python {found['machine']['python']}, "
        f"{found['machine']['cores']} cores, beside other work. [Sizes and costs](scale.md) has every stage, growth, "
        "others on the same scores, and what is planned.\n\n"
        + table(["cities", "processor s", "wall s", "peak MB", "formats", "files"], rows)
    )


PARTS = {
    "main_job": main_job,
    "startup": startup,
    "serving": serving,
    "workbench": workbench,
    "text_models": text_models,
    "assignment": assignment,
    "groups": groups,
    "scale": scale,
}


def page() -> str:
    """Return the whole page."""
    parts = [HEAD]
    for name, part in PARTS.items():
        path = HERE / "results" / f"{name}.json"
        if path.exists():
            parts.append(part(json.loads(path.read_text(encoding="utf-8"))))
    return "\n".join(parts)


def main() -> int:
    """Write the page, or with --check tell whether it is up to date."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--check", action="store_true")
    text = page()
    if parser.parse_args().check:
        stale = not PAGE.exists() or PAGE.read_text(encoding="utf-8") != text
        if stale:
            print("docs/benchmarks.md is not what the results make; run python benchmarks/page.py")
        return int(stale)
    PAGE.write_text(text, encoding="utf-8")
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
