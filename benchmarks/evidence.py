"""Do the quotations that stand as reasons speak of what they are quoted for? A sheet to judge, and what it comes to.

    python benchmarks/evidence.py sample [--seed 0] [--quotes 100] [--out SHEET.csv]
    python benchmarks/evidence.py measure SHEET.csv [--json]

``sample`` draws pairs of quotations, what a host shows beside what a guest asks, from the accounts of the bundled round:
each pair of the proposal, then each guest's next hosts, every distinct pair of sentences once, in an order drawn by seed
and without the score, the facet or the method. Two persons who did not write the rules fill in judge_1 and judge_2, blind
to each other: ``on`` (what is shown answers or is about what is asked), ``related`` (the same field, another matter) or
``off`` (nothing to do with it, or no thing that a host could show). ``measure`` prints the share of each with its
bootstrap interval over quotations, and how far the judges agree (Cohen 1960, doi:10.1177/001316446002000104).
"""

from __future__ import annotations

import argparse
import csv
import json
import sys
from pathlib import Path
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from twinmatch.embedding import open_text_model
from twinmatch.facets import FacetCache
from twinmatch.facets.text import all_sentences
from twinmatch.programmes import Round, load
from twinmatch.programmes.twinning import prepare
from twinmatch.reading import read

GRADES: Final = ("on", "related", "off")
COLUMNS: Final = ("number", "guest", "asks", "host", "shows", "judge_1", "judge_2")
QUOTING: Final = ("needs_answered", "topics_met", "needs_offers")
HOSTS: Final = 3
"""A guest's best hosts from which quotations are drawn."""
RESAMPLES: Final = 2000


def quotations() -> list[tuple[str, str, str, str]]:
    """Return guest, what it asks, host, what it shows: every distinct pair of quotations of the best hosts, sorted."""
    cohort = read()
    cache = FacetCache(open_text_model("bundled", all_sentences(cohort)))
    ready = prepare(Round(cohort, cache), load("twinning").twinning)
    affinity = ready.affinity
    found = set()
    for row, i in enumerate(affinity.rows):
        best = np.argsort(-np.round(affinity.score[row], 9), kind="stable")[:HOSTS]
        for column in best.tolist():
            guest, members = cohort.cities[i], affinity.columns[column].cities
            for line in affinity.account(row, column).lines:
                if line.facet not in QUOTING or not line.known or line.standing <= 0.5:
                    continue
                asks = [f for f in line.facts if f.city == guest.id]
                shows = [f for f in line.facts if f.city in {cohort.cities[j].id for j in members}]
                if asks and shows:
                    found.add((guest.id, str(asks[0].value), shows[0].city, str(shows[0].value)))
    return sorted(found)


def sample(seed: int, count: int) -> list[tuple[str, str, str, str]]:
    """Return so many quotations drawn by seed, no two of one guest while there are others."""
    rng = np.random.default_rng(seed)
    pool = quotations()
    order = rng.permutation(len(pool)).tolist()
    seen: dict[str, int] = {}
    turn = []
    for k in order:
        guest = pool[k][0]
        turn.append((seen.get(guest, 0), len(turn), k))
        seen[guest] = seen.get(guest, 0) + 1
    return [pool[k] for _, _, k in sorted(turn)[:count]]


def measure(rows: list[dict[str, str]]) -> dict[str, Any]:
    """Return the share of each grade with its interval, over both judges, and the agreement of two judges."""
    judged = [
        [GRADES.index(row[j]) for j in ("judge_1", "judge_2") if row[j] in GRADES] for row in rows
    ]
    wrong = [r["number"] for r in rows for j in ("judge_1", "judge_2") if r[j] not in (*GRADES, "")]
    if wrong or not all(judged):
        where = wrong or [r["number"] for r, g in zip(rows, judged, strict=True) if not g]
        raise SystemExit(f"Quotations without a grade of {', '.join(GRADES)}: {', '.join(where)}.")
    rng = np.random.default_rng(0)
    draws = rng.integers(0, len(rows), (RESAMPLES, len(rows)))
    found: dict[str, Any] = {"quotations": len(rows)}
    for g, name in enumerate(GRADES):
        share = np.array([np.mean([x == g for x in each]) for each in judged])
        low, high = np.quantile(share[draws].mean(axis=1), [0.025, 0.975])
        found[name] = {
            k: round(float(v), 3)
            for k, v in (("value", share.mean()), ("low", low), ("high", high))
        }
    both = np.array([each for each in judged if len(each) == 2])
    if len(both):
        found["judged twice"] = len(both)
        found["agreement"] = round(float((both[:, 0] == both[:, 1]).mean()), 3)
        found["kappa"] = kappa(both)
    return found


def kappa(both: NDArray[np.int64]) -> float | None:
    """Return Cohen's kappa of grades (n, 2); None where all grades are the same."""
    agreed = float((both[:, 0] == both[:, 1]).mean())
    by_chance = sum(float((both[:, 0] == g).mean() * (both[:, 1] == g).mean()) for g in range(3))
    return None if by_chance == 1 else round((agreed - by_chance) / (1 - by_chance), 3)


def main() -> None:
    """Run the command line."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    commands = parser.add_subparsers(dest="command", required=True)
    drawing = commands.add_parser("sample")
    drawing.add_argument("--seed", type=int, default=0)
    drawing.add_argument("--quotes", type=int, default=100)
    drawing.add_argument("--out", type=Path)
    measuring = commands.add_parser("measure")
    measuring.add_argument("sheet", type=Path)
    measuring.add_argument("--json", action="store_true")
    given = parser.parse_args()
    if given.command == "sample":
        rows = sample(given.seed, given.quotes)
        with given.out.open("w", encoding="utf-8", newline="") if given.out else sys.stdout as file:
            writer = csv.writer(file, lineterminator="\n")
            writer.writerow(COLUMNS)
            writer.writerows((n, *row, "", "") for n, row in enumerate(rows, 1))
        return
    with given.sheet.open(encoding="utf-8") as file:
        found = measure(list(csv.DictReader(file)))
    if given.json:
        print(json.dumps(found))
        return
    for name, value in found.items():
        shown = (
            value
            if not isinstance(value, dict)
            else "{value:.0%} ({low:.0%} to {high:.0%})".format(**value)
        )
        print(f"{name:14s} {shown}")


if __name__ == "__main__":
    main()
