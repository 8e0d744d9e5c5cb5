"""Is anything called best that is beaten? Thousands of small assignments against every answer there is.

    python benchmarks/proofs.py [--cases 3000] [--rules 3000] [--groups 1000] [--seed 0] [--out benchmarks/results/proofs.json]
    python benchmarks/proofs.py --table        print the table that is kept

Each case has 1 to 3 hosts, 1 to 4 guests who want up to three meetings each, capacities, often minima and forbidden
pairs, and scores that are usual, tied, negative or of many magnitudes. Every set of meetings is tried. A fault is an
answer called optimal that is beaten by more than its stated error, a bound or floor bound that is passed, an answer
that breaks a limit, and a wrong "infeasible". ``--rules`` programmes are drawn from the form of rules beside them (``rule_proofs.py``), and
``--groups`` rounds of groups, of clusters, of panels and of visits under such rules (``group_rule_proofs.py``). Exits 1 where there is a
fault.
"""

from __future__ import annotations

import argparse
import json
from collections import Counter
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

import group_rule_proofs
import rule_proofs
from twinmatch.solving import assign

RESULT = Path(__file__).parent / "results" / "proofs.json"
KINDS = ("usual", "tied", "negative", "magnitudes")
FAIRNESS = ("total", "max-min", "leximin")
ERROR = 1e-6  # of the largest score, a unit of the engines' integers included
GAP = 1e-4  # of the total, at which the fair modes may call an answer best


class Case(NamedTuple):
    """The arguments of `assign`, and what its scores are like."""

    kind: str
    score: np.ndarray
    demand: np.ndarray
    capacity: np.ndarray
    at_least: np.ndarray
    allowed: np.ndarray


def case(seed: int) -> Case:
    """Return one small case; the same seed, the same case."""
    rng = np.random.default_rng(seed)
    H, G = int(rng.integers(1, 4)), int(rng.integers(1, 5))
    kind = KINDS[seed % len(KINDS)]
    score = {
        "usual": lambda: rng.random((H, G)).round(2),
        "tied": lambda: rng.integers(0, 4, (H, G)) / 2,
        "negative": lambda: rng.integers(-4, 9, (H, G)) / 4,
        "magnitudes": lambda: 10.0 ** rng.integers(-3, 3, (H, G)),
    }[kind]()
    capacity = rng.integers(0, G + 1, H)
    at_least = np.where(rng.random(H) < 0.3, np.minimum(capacity, 1 + (rng.random(H) < 0.3)), 0)
    allowed = rng.random((H, G)) < rng.choice([1.0, 0.8])
    return Case(kind, score, rng.integers(0, H + 1, G), capacity, at_least, allowed)


def sums_of(c: Case, chosen: np.ndarray) -> np.ndarray:
    """Return (n, G) each guest's sum of scores in the answers chosen (n, H, G); inf where it has no meeting."""
    return np.where(chosen.any(axis=1), (chosen * c.score).sum(axis=1), np.inf)


def every_answer(c: Case) -> np.ndarray:
    """Return (n, H, G) every set of meetings within the limits."""
    where = np.argwhere(c.allowed)
    bits = (np.arange(2 ** len(where))[:, None] >> np.arange(len(where))) & 1
    found = np.zeros((len(bits), *c.score.shape), dtype=bool)
    found[:, where[:, 0], where[:, 1]] = bits
    hosts, guests = found.sum(axis=2), found.sum(axis=1)
    kept = (hosts <= c.capacity) & (hosts >= c.at_least)
    return found[kept.all(axis=1) & (guests <= c.demand).all(axis=1)]


def ranked(c: Case, chosen: np.ndarray, fairness: str) -> np.ndarray:
    """Return (n, levels) what counts of each answer, in its order: places, guests served, sums, total."""
    meetings = chosen.sum(axis=(1, 2))[:, None].astype(float)
    total = (chosen * c.score).sum(axis=(1, 2))[:, None]
    if fairness == "total":
        return np.hstack([meetings, total])
    sums = np.sort(sums_of(c, chosen), axis=1)
    served = np.isfinite(sums).sum(axis=1)[:, None].astype(float)
    kept = sums[:, :1] if fairness == "max-min" else sums
    return np.hstack([meetings, served, np.where(np.isfinite(kept), kept, 0.0), total])


def fault(c: Case, fairness: str) -> tuple[str, str]:
    """Return the status of the answer, and what is wrong with it, "" where nothing is."""
    found = assign(*c[1:4], at_least=c.at_least, allowed=c.allowed, fairness=fairness)
    answers = every_answer(c)
    if found.status == "infeasible" or not len(answers):
        wrong = (found.status == "infeasible") != (len(answers) == 0)
        return found.status, "an answer there is, or is not, is denied" if wrong else ""
    chosen = np.zeros((1, *c.score.shape), dtype=bool)
    chosen[0, found.pairs[:, 0], found.pairs[:, 1]] = True
    if not (answers == chosen).all(axis=(1, 2)).any():
        return found.status, "a limit is broken"
    error = ERROR * max(1.0, float(np.abs(c.score).max()))
    all_levels, mine = ranked(c, answers, fairness), ranked(c, chosen, fairness)[0]
    left = np.arange(len(answers))
    for level in range(all_levels.shape[1]):
        most = all_levels[left, level].max()
        last = level == all_levels.shape[1] - 1
        allowance = error + (GAP * abs(most) if last and fairness != "total" else 0.0)
        if mine[level] < most - allowance:
            beaten = f"level {level} is {mine[level]:.9g}, and {most:.9g} exists"
            return found.status, beaten if found.status == "optimal" else ""
        left = left[all_levels[left, level] >= mine[level] - error]
    if found.bound < all_levels[left, -1].max() - error:
        return found.status, f"an answer passes the bound {found.bound:.9g}"
    return found.status, ""


def run(seeds: range) -> dict[str, Any]:
    """Return how many answers were of which status, by fairness, and every fault with its seed."""
    statuses: dict[str, Counter[str]] = {fairness: Counter() for fairness in FAIRNESS}
    faults = []
    for seed in seeds:
        c = case(seed)
        for fairness in FAIRNESS:
            status, wrong = fault(c, fairness)
            statuses[fairness][status] += 1
            if wrong:
                faults.append({"seed": seed, "kind": c.kind, "fairness": fairness, "found": wrong})
    return {
        "cases": len(seeds),
        "statuses": {f: dict(sorted(n.items())) for f, n in statuses.items()},
        "faults": faults,
    }


def table(kept: dict[str, Any]) -> str:
    """Return the kept figures as a Markdown table, a line a fairness."""
    lines = ["| fairness | optimal | feasible | infeasible | faults |", "|---|---:|---:|---:|---:|"]
    for fairness, n in kept["statuses"].items():
        faults = sum(f["fairness"] == fairness for f in kept["faults"])
        cells = (n.get(status, 0) for status in ("optimal", "feasible", "infeasible"))
        lines.append(f"| {fairness} | {' | '.join(map(str, cells))} | {faults} |")
    groups = kept.get("groups", {})
    drawn = {
        "programmes of rules": kept.get("rules"),
        "rounds of groups under rules": groups.get("members"),
        "countries split into clusters under rules": groups.get("split"),
        "rounds of panels under rules": groups.get("panels"),
        "rounds of visits under rules": groups.get("visits"),
    }
    for what, found in drawn.items():
        if found:
            ways = ", ".join(f"{n} {way}" for way, n in found["statuses"].items())
            lines += ["", f"{found['cases']} {what}: {ways}; {len(found['faults'])} faults"]
    return "\n".join(lines)


def main() -> int:
    """Run, keep the figures and print them."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--cases", type=int, default=3000)
    parser.add_argument("--rules", type=int, default=3000)
    parser.add_argument("--groups", type=int, default=1000)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--out", type=Path, default=RESULT)
    parser.add_argument("--table", action="store_true")
    asked = parser.parse_args()
    if not asked.table:
        found = run(range(asked.seed, asked.seed + asked.cases))
        found["rules"] = rule_proofs.run(range(asked.seed, asked.seed + asked.rules))
        seeds = range(asked.seed, asked.seed + asked.groups)
        found["groups"] = {f: group_rule_proofs.run(f, seeds) for f in group_rule_proofs.FORMS}
        asked.out.write_text(json.dumps(found, indent=1) + "\n")
    kept = json.loads(asked.out.read_text())
    print(f"{kept['cases']} cases\n\n{table(kept)}")
    drawn = [kept.get("rules", {}), *kept.get("groups", {}).values()]
    faults = [*kept["faults"], *(wrong for one in drawn for wrong in one.get("faults", []))]
    for wrong in faults:
        print(wrong)
    return 1 if faults else 0


if __name__ == "__main__":
    raise SystemExit(main())
