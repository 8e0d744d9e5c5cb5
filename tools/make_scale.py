"""Write the tables of docs/scale.md from what the benchmarks left in ``benchmarks/results``, or check them.

    python tools/make_scale.py [--check]

A table stands between ``<!-- table: name -->`` and ``<!-- end -->``; everything else on the page is written by hand.
Run ``python benchmarks/scale.py --peers`` first. What a table has no figures for yet, it says.
"""

from __future__ import annotations

import argparse
import json
import re
import sys
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path
from typing import Any

REPO = Path(__file__).resolve().parent.parent
RESULTS = REPO / "benchmarks" / "results"
PAGE = REPO / "docs" / "scale.md"
NONE = "Not measured yet.\n"
LARGE = 10_000
"""Cities of a round from which something is told of larger ones."""

BUSY = 10_000
"""Questions a second for which processes are planned."""

SENTENCES = (100_000, 1_000_000)
"""Texts for whose reading time is planned."""

PLANNED = (13_000, 100_000, 1_000_000)
"""Sizes that are told beyond what was measured: by the largest round and the growth to it."""


def _read(name: str) -> dict[str, Any]:
    path = RESULTS / f"{name}.json"
    found: dict[str, Any] = json.loads(path.read_text(encoding="utf-8")) if path.exists() else {}
    return found


def _table(head: Sequence[str], rows: Iterable[Sequence[object]]) -> str:
    lines = ["| " + " | ".join(head) + " |", "|" + "---|" * len(head)]
    lines += ["| " + " | ".join(_cell(cell) for cell in row) + " |" for row in rows]
    return "\n".join(lines) + "\n"


def _cell(value: object) -> str:
    if value is None:
        return "–"
    if isinstance(value, float):
        return f"{value:,.2f}" if abs(value) < 100 else f"{value:,.0f}"
    return f"{value:,}" if isinstance(value, int) else str(value)


def rounds() -> str:
    """Return the stages of every round measured."""
    found = _read("scale").get("rounds", [])
    if not found:
        return NONE
    names = list(dict.fromkeys(row["stage"] for one in found for row in one["stages"]))
    head = ["stage"]
    for one in found:
        head += [f"{one['cities']:,} cities: processor s", "peak MB"]
    rows: list[list[object]] = []
    for name in names:
        line: list[object] = [name]
        for one in found:
            row = next((r for r in one["stages"] if r["stage"] == name), None)
            line += [None, None] if row is None else [row["cpu s"], row["MB"]]
        rows.append(line)
    total: list[object] = ["**whole**"]
    clock: list[object] = ["on the clock, s (load before)"]
    for one in found:
        total += [one["total cpu s"], one["peak MB"]]
        clock += [f"{one['total s']:,.0f} ({one['load before']:g})", ""]
    return _table(head, [*rows, total, clock])


def products() -> str:
    """Return what every round measured made, and how it was proven."""
    rows = [
        [one["cities"], p["product"], p["meetings"], p["members"], p["status"], f"{p['gap']:.2%}", p["engine"]]
        for one in _read("scale").get("rounds", [])
        for p in one["products"]
    ]  # fmt: skip
    head = ["cities", "format", "meetings", "members", "status", "gap", "engine"]
    return _table(head, rows) if rows else NONE


def growth() -> str:
    """Return the exponents of growth between the sizes measured."""
    found = _read("scale").get("growth", [])
    if not found:
        return NONE
    names = list(dict.fromkeys(name for row in found for name in row["exponents"]))
    head = ["stage", *(f"{row['from']:,} to {row['to']:,}" for row in found)]
    return _table(head, [[name, *(row["exponents"].get(name) for row in found)] for name in names])


def assignments() -> str:
    """Return others on the same scores."""
    rows = []
    for one in _read("scale").get("peers", []):
        ours = one["twinning"][0]
        for who in one["twinning"]:
            ratio = None if who["s"] is None else who["s"] / max(ours["s"], 1e-3)
            gap = None if who["score"] is None else f"{who['score'] - ours['score']:+.4f}"
            rows.append([one["cities"], ours["pairs"], who["who"], who["s"], ratio, gap])
    head = ["cities", "pairs", "who", "processor s", "times ours", "total beside ours"]
    return _table(head, rows) if rows else NONE


def held() -> str:
    """Return how many pairs the flow held, and the rounds of pricing."""
    rows = []
    for one in _read("scale").get("peers", []):
        ours = one["twinning"][0]
        for words, prefix in (("limits of guests and hosts", ""), ("rules that nest", "rules: ")):
            part = ours[f"{prefix}considered"] / ours["pairs"]
            priced = ours["rules: rounds of pricing"] if prefix else "–"
            rows.append(
                [one["cities"], words, ours["pairs"], ours[f"{prefix}considered"], f"{part:.1%}", priced]
            )  # fmt: skip
    head = ["cities", "asked under", "pairs", "held by the flow", "part", "rounds of pricing"]
    return _table(head, rows) if rows else NONE


def nearest() -> str:
    """Return what a question for the nearest costs, ours and others, and how many answers are right."""
    rows = [
        [one["cities"], who["who"], who["ms"], who.get("recall")]
        for one in _read("scale").get("peers", [])
        for who in one["nearest"]
    ]
    head = ["cities", "who", "ms a question", "part of the true ten nearest"]
    return _table(head, rows) if rows else NONE


def planned() -> str:
    """Return time and memory by extrapolation from the largest rounds, said as such."""
    large = [one for one in _read("scale").get("rounds", []) if one["cities"] >= LARGE]
    if not large:
        return f"No round of {LARGE:,} cities or more is measured yet; from less nothing is told.\n"
    rows: list[list[object]] = []
    for base in large:
        what = "twinning alone" if len(base["products"]) == 1 else "every format, every file"
        for n in PLANNED:
            factor = n / base["cities"]
            kind = "measured" if abs(factor - 1) < 0.01 else f"{base['cities']:,} × {factor:.3g}"
            if factor < 0.99:
                continue
            minutes = base["total cpu s"] * factor / 60
            rows.append([what, n, kind, minutes, base["peak MB"] * factor / 1024])
    head = ["what", "cities", "from", "processor minutes", "GB"]
    return _table(head, rows)


def requests() -> str:
    """Return what one process of the service answers, and how many of them a busy day would need."""
    found = _read("serving")
    if not found:
        return NONE
    rows = [
        [
            row["what"],
            round(row["a_second"]),
            row["p99_ms"],
            -(-BUSY // max(round(row["a_second"]), 1)),
        ]
        for row in found["measured"]
        if not row["what"].startswith("bare")
    ]
    head = ["asked", "answers a second, one process", "p99 ms", f"processes for {BUSY:,} a second"]
    return _table(head, rows) + (
        f"\n{found['cities']:,} cities, {found['memory, MB']} MB a process, ready {found['ready, s']:.0f} s "
        "after a start. The processes are an extrapolation: they share nothing but the database.\n"
    )


def texts() -> str:
    """Return how long text models take, and what that comes to for many sentences."""
    seconds = _read("text_models").get("seconds", {})
    rows = [
        [name, row["texts a second"], *(n / row["texts a second"] / 60 for n in SENTENCES)]
        for name, row in seconds.items()
    ]
    head = ["text model", "texts of 80 words a second", *(f"minutes for {n:,}" for n in SENTENCES)]
    return _table(head, rows) if rows else NONE


def spread() -> str:
    """Return how far a study of stability spreads."""
    found = _read("spread")
    rows = [
        [name, seconds, found["runs"] / seconds, found["seconds"]["one process"] / seconds]
        for name, seconds in found.get("seconds", {}).items()
    ]
    head = ["who", "seconds", "runs a second", "times one process"]
    return _table(head, rows) if rows else NONE


TABLES: dict[str, Callable[[], str]] = {
    "rounds": rounds,
    "products": products,
    "growth": growth,
    "assignments": assignments,
    "held": held,
    "nearest": nearest,
    "planned": planned,
    "requests": requests,
    "texts": texts,
    "spread": spread,
}

_MARKED = re.compile(r"(<!-- table: (\w+) -->\n).*?(<!-- end -->)", re.DOTALL)


def page(text: str) -> str:
    """Return the page with every table made anew."""
    return _MARKED.sub(lambda m: f"{m[1]}\n{TABLES[m[2]]()}\n{m[3]}", text)


def main() -> int:
    """Write the page, or with --check report whether it differs (exit code 1)."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--check", action="store_true")
    check = parser.parse_args().check
    text = PAGE.read_text(encoding="utf-8")
    made = page(text)
    if not check:
        PAGE.write_text(made, encoding="utf-8")
    elif made != text:
        print(
            "docs/scale.md is not what the results make; run tools/make_scale.py", file=sys.stderr
        )
        return 1
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
