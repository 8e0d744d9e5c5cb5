"""Groups against the best published values, and against k-means-constrained.

    python benchmarks/groups.py                       the figures of docs/benchmarks.md
    python benchmarks/groups.py --only 120 digits     a part of them

Maximally diverse grouping: the MDGPLIB instances (Gallego et al. 2013, doi:10.1057/jors.2012.66),
against the values of TPSDP (Yang et al., European Journal of Operational Research, 2022), best, average and
worst of 20 runs of 3, 20 and 120 seconds at n = 120, 240 and 480. They are published figures, not
runs of this machine; a negative gap is better than any of them. The folder of the instances is
named by TWINMATCH_BENCH_INSTANCES; without it this part is left out.

``peers``: on those instances of n = 120 whose groups have one size, the published methods of anticlust and gruepr
(``group_peers.py``), the first for the processor seconds that ours took, the second until it ends by its own rule.

``bounds``: what a gap says of clusters of alike cities. Draws of the bundled cities, few enough for every grouping to be
looked at, are split as a country is; how far its splits and its bound stand from the best of all is printed. And the gap of
city panels, all bundled cities on one.

Clustering under sizes: k-means-constrained runs here, on the digits of scikit-learn.
`pip install k-means-constrained` where it is missing; without it this part is left out.
"""

from __future__ import annotations

import argparse
import importlib.util
import json
import math
import os
import platform
import statistics
import time
from pathlib import Path
from typing import Any

import numpy as np
from scipy.spatial.distance import pdist, squareform

from twinmatch.affinity import compare
from twinmatch.embedding.choice import open_text_model
from twinmatch.facets import FacetCache
from twinmatch.facets.text import all_sentences
from twinmatch.programmes import PRODUCTS, Round, load
from twinmatch.programmes.city_panels import CityPanels
from twinmatch.programmes.national_clusters.settings import likeness_of
from twinmatch.reading import read
from twinmatch.solving import partition
from twinmatch.solving.exchange import exchange, pair_bound, pair_score, triangle_bound

RESULTS = Path(__file__).parent / "results" / "groups.json"
VARIABLE = "TWINMATCH_BENCH_INSTANCES"
SECONDS = {120: 3.0, 240: 10.0, 480: 30.0}
TARGET = {120: 0.15, 240: 0.12, 480: 0.03}  # mean gap to the best published value, in percent
SWEEPS = 50_000  # of ours beside the peers: some 3 s of a processor at n = 120
DIGITS = {"n_clusters": 89, "size_min": 16, "size_max": 25}


def instance(path: Path) -> tuple[np.ndarray, list[tuple[int, int]]]:
    """The weights (n, n) and the band of each group."""
    stored = np.load(path)
    n = int(stored["n"])
    weight = np.zeros((n, n))
    weight[np.triu_indices(n, 1)] = stored["upper"]
    bands = list(zip(stored["low"].tolist(), stored["high"].tolist(), strict=True))
    return weight + weight.T, bands


def diverse_groups(folder: Path, n: int, seeds: int, workers: int) -> list[dict[str, Any]]:
    """One row an instance of n items: the gap of each seed to the best published value."""
    rows = []
    for published in json.loads((folder / "mdgp.json").read_text()):
        if published["n"] != n:
            continue
        weight, bands = instance(folder / "mdgp" / f"{published['instance']}.npz")
        worked = time.process_time()
        scores = [
            partition(weight, groups=bands, seconds=SECONDS[n], rng=seed, workers=workers).score
            for seed in range(seeds)
        ]
        best = published["best"]
        row = {
            "instance": published["instance"],
            "n": n,
            "seconds": SECONDS[n],
            "published_best": best,
            "published_average_gap_percent": 100 * (best - published["average"]) / best,
            "published_worst_gap_percent": 100 * (best - published["worst"]) / best,
            "processor_share": (time.process_time() - worked) / (SECONDS[n] * workers * seeds),
            "gaps_percent": [100 * (best - score) / best for score in scores],
            "best_score": max(scores),
        }
        rows.append(row)
        gaps = "  ".join(f"{gap:7.3f}" for gap in row["gaps_percent"])
        ours = statistics.fmean(row["gaps_percent"])
        print(
            f"{row['instance']:22} {ours:7.3f}  {row['published_average_gap_percent']:7.3f}"
            f"  {row['published_worst_gap_percent']:7.3f}   {gaps}",
            flush=True,
        )
    return rows


def report_diverse(folder: Path, n: int, seeds: int, workers: int) -> dict[str, Any]:
    """The table of one size, and whether its mean gap reaches the target."""
    print(f"\nn = {n}, {SECONDS[n]:g} s on {workers} threads; gaps to the best published value, %")
    print(f"{'':22} {'ours':>7}  {'average':>7}  {'worst':>7}   each seed")
    rows = diverse_groups(folder, n, seeds, workers)
    mean = statistics.fmean(statistics.fmean(row["gaps_percent"]) for row in rows)
    better = sum(row["best_score"] > row["published_best"] * (1 + 1e-9) for row in rows)
    share = statistics.fmean(row["processor_share"] for row in rows)
    print(f"processors were ours for {share:.0%} of the time")
    print(f"mean gap {mean:.4f}% (to reach: {TARGET[n]}%); {better} of {len(rows)} better than any")
    return {
        "mean_gap_percent": mean,
        "target_percent": TARGET[n],
        "better": better,
        "processor_share": share,
        "rows": rows,
    }


def report_peers(folder: Path, seeds: int) -> dict[str, Any]:
    """Mean gaps to the best published value, and seconds, of the methods of two other tools on the same instances."""
    from group_peers import diversity, exchanges, generations

    found: dict[str, list[tuple[float, float]]] = {}
    instances: list[str] = []
    for published in json.loads((folder / "mdgp.json").read_text()):
        weight, bands = instance(folder / "mdgp" / f"{published['instance']}.npz")
        sizes = np.array([low for low, _ in bands])
        if published["n"] != 120 or sizes.sum() != 120:
            continue
        instances.append(published["instance"])
        for method in (exchanges, generations):
            method(weight, sizes, 0.01, 0)  # compiled untimed
        for seed in range(seeds):
            given = math.inf
            for name, method in {
                "ours": lambda w, _, __, seed, b=bands: (
                    partition(w, groups=b, effort=SWEEPS, rng=seed).label
                ),
                "anticlust: exchange, restarted": exchanges,
                "gruepr: genetic, to its end": generations,
            }.items():
                began = time.process_time()
                label = method(weight, sizes, math.inf if method is generations else given, seed)
                took = time.process_time() - began
                given = took if name == "ours" else given
                gap = 100 * (1 - diversity(weight, label) / published["best"])
                found.setdefault(name, []).append((gap, took))
                print(f"{published['instance']:22} {name:32} {gap:8.3f} {took:8.2f}", flush=True)
    rows = []
    for name, runs in found.items():
        gaps, took = zip(*runs, strict=True)
        rows.append(
            {
                "method": name,
                "mean_gap_percent": statistics.fmean(gaps),
                "worst_gap_percent": max(gaps),
                "seconds": statistics.median(took),
            }
        )
        print(f"{name:34}" + "".join(f"{rows[-1][k]:10.3f}" for k in list(rows[-1])[1:]))
    return {"rows": rows, "runs": len(runs), "instances": instances}


DRAWS = 20
SPLITS = ((16, 2), (18, 3), (20, 5))  # cities, and clusters of one size that they are split into
LARGER = ((33, 3), (48, 4), (60, 5))  # too many for the best of all: beside both bounds
STARTS = 12  # as of a country that is split


def report_bounds() -> dict[str, Any]:
    """Distances in percent of the best split of all: of the split that swaps find, and of the bound by each city's nearest."""
    cohort, settings = read(), load().national_clusters
    model = open_text_model("bundled", all_sentences(cohort))
    everyone = list(range(len(cohort)))
    affinity = compare(cohort, settings.weights, FacetCache(model), rows=everyone, columns=None)
    likeness = likeness_of(affinity, settings, np.array(everyone))
    rows = []
    for n, count in SPLITS:
        size, short, above, near = n // count, [], [], []
        for seed in range(DRAWS):
            rng = np.random.default_rng(seed)
            some = rng.choice(len(likeness), n, replace=False)
            alike = likeness[np.ix_(some, some)]
            best = partition(alike, groups=[(size, size)] * count, objective="mean")
            assert best.status == "optimal"
            slots = np.repeat(np.arange(count), size)
            found = max(
                pair_score(exchange(rng.permutation(slots), alike), alike) for _ in range(STARTS)
            )
            short.append(100 * (1 - found / best.score))
            above.append(100 * (pair_bound(alike, [size] * count) / best.score - 1))
            near.append(100 * (triangle_bound(alike, [size] * count, found) / best.score - 1))
        rows.append(
            {
                "split": f"{n} cities in {count} clusters",
                "swaps below the best, %": abs(round(statistics.fmean(short), 6)),
                "at most, %": abs(round(max(short), 6)),
                "bound above the best, %": round(statistics.fmean(above), 2),
                "triangles above the best, %": abs(round(statistics.fmean(near), 2)),
            }
        )
        print(rows[-1], flush=True)
    larger = []
    for n, count in LARGER:
        sizes, gaps = [n // count] * count, []
        for seed in range(DRAWS // 4):
            rng = np.random.default_rng(seed)
            some = rng.choice(len(likeness), n, replace=False)
            alike = likeness[np.ix_(some, some)]
            slots = np.repeat(np.arange(count), n // count)
            found = max(
                pair_score(exchange(rng.permutation(slots), alike), alike) for _ in range(STARTS)
            )
            bounds = pair_bound(alike, sizes), triangle_bound(alike, sizes, found)
            gaps.append([100 * (bound / found - 1) for bound in bounds])
        nearest, triangles = np.mean(gaps, axis=0).round(2).tolist()
        larger.append(
            {
                "split": f"{n} cities in {count} clusters",
                "gap by each city's nearest, %": nearest,
                "gap by triangles, %": triangles,
                "at most, %": round(max(gap for _, gap in gaps), 2),
            }
        )
        print(larger[-1], flush=True)
    panels = PRODUCTS["city_panels"](Round(cohort, FacetCache(model)), CityPanels())
    gap = round(100 * (panels.bound / panels.score - 1), 3)
    print(f"{len(panels.meetings)} panels of {len(cohort)} cities: gap {gap}%")
    return {
        "rows": rows,
        "larger": larger,
        "draws": DRAWS,
        "panels": len(panels.meetings),
        "panels_gap_percent": gap,
    }


def report_digits(seeds: int, workers: int) -> dict[str, Any] | None:
    """Sum of squares and seconds on the digits, side by side."""
    if importlib.util.find_spec("k_means_constrained") is None:
        print("\nk-means-constrained is not installed: pip install k-means-constrained")
        return None
    from k_means_constrained import KMeansConstrained
    from sklearn.datasets import load_digits

    points = load_digits().data
    began = time.perf_counter()
    model = KMeansConstrained(
        **DIGITS,
        n_init=10,
        random_state=0,
    ).fit(points)
    theirs = {"inertia": float(model.inertia_), "seconds": time.perf_counter() - began}
    print(f"\ndigits, {len(points)} points, {DIGITS['n_clusters']} clusters of 16 to 25")
    print(
        f"k-means-constrained, 10 restarts   {theirs['inertia']:11.0f}  {theirs['seconds']:6.1f} s"
    )
    ours = []
    for share in (30, 10):
        limit = theirs["seconds"] / share
        for seed in range(seeds):
            began = time.perf_counter()
            # Around a centre, squares sum to those over pairs by the size (doi:10.2307/2528096).
            found = partition(
                -squareform(pdist(points, "sqeuclidean")),
                groups=[(DIGITS["size_min"], DIGITS["size_max"])] * DIGITS["n_clusters"],
                objective="squares",
                seconds=limit,
                rng=seed,
                workers=workers,
            )
            row = {"share": share, "inertia": -found.score, "seconds": time.perf_counter() - began}
            ours.append(row)
            print(f"ours, a {share}th of the time, seed {seed} {row['inertia']:13.0f}", end="")
            print(f"  {row['seconds']:6.1f} s  ({row['inertia'] / theirs['inertia'] - 1:+.2%})")
    return {"k_means_constrained": theirs, "ours": ours}


def main() -> None:
    """Run the parts asked for, print their tables and keep them as JSON."""
    parts = ["120", "240", "480", "peers", "bounds", "digits"]
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--only", nargs="+", choices=parts, default=parts)
    parser.add_argument("--seeds", type=int, default=3)
    parser.add_argument("--workers", type=int, default=2)
    asked = parser.parse_args()
    results = json.loads(RESULTS.read_text()) if RESULTS.exists() else {}
    results["machine"] = (
        f"{platform.machine()}, {os.cpu_count()} cores, Python {platform.python_version()}"
    )
    if importlib.util.find_spec("numba") is None:
        print("numba is not installed, so the search is some hundred times slower than it can be")
    else:
        partition(np.eye(100), groups=[(5, 20)] * 10, effort=3_000)  # compiled before it is timed
    folder = os.environ.get(VARIABLE)
    for part in asked.only:
        if part == "digits":
            digits = report_digits(asked.seeds, asked.workers)
            results |= {"digits": digits} if digits else {}
        elif part == "bounds":
            results["bounds"] = report_bounds()
        elif folder and (Path(folder) / "mdgp.json").exists() and part == "peers":
            results["peers"] = report_peers(Path(folder), asked.seeds)
        elif folder and (Path(folder) / "mdgp.json").exists():
            results[f"n{part}"] = report_diverse(
                Path(folder), int(part), asked.seeds, asked.workers
            )
        else:
            print(f"\nn = {part}: left out, as {VARIABLE} names no folder with mdgp.json")
    RESULTS.parent.mkdir(exist_ok=True)
    RESULTS.write_text(json.dumps(results, indent=1, sort_keys=True) + "\n")


if __name__ == "__main__":
    main()
