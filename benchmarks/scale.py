"""Measure whole rounds of 258, 1,000, 13,000 and 100,000 cities: seconds and peak memory of every stage.

    TWINMATCH_SAMPLES=FOLDER python benchmarks/scale.py [--sizes 258 1000 13000 100000] [--peers]

Each cohort has a process of its own, one after the other; all sizes end within 15 minutes on two cores. Up to
13,000 cities every product is proposed and every file written; at 100,000 every city is a guest and twinning with
the bundled hosts is proposed and its account put into words, and no file is written. A table is read up to 20 MB, so
larger cohorts come in several. From 2,000 cities on two processes share the work (``TWINMATCH_WORKERS``): seconds of the
processor are those of all, memory is what they hold together, pages that they share counted once, looked at twice a
second where that costs little. The cohorts are those of ``cohorts.py`` (which says what ``TWINMATCH_SAMPLES`` is);
the 258 are the bundled profiles under the bundled programme. Larger rounds have the bundled programme with its
places grown in step (``programme_of`` has every change). Seconds on the clock and of the processor are told: on a
machine that does other work beside, the latter are the steadier ones. Growth is the exponent by which a stage grows
from one size to the next: 1 is in step with the cities.

``--peers`` runs others on the same arrays as well, each for ``LIMIT`` seconds at most: for twinning scipy's dense and
sparse assignment with every place a column of its own, and networkx (bundled cities only); for the nearest cities
scikit-learn on the mean vectors of the cities' words, and the dense table of all cosines. The nearest are held against
brute force over every pair.

The table is printed and kept in ``benchmarks/results/scale.json``; ``benchmarks/page.py`` puts it on a page.
"""

from __future__ import annotations

import argparse
import csv
import gc
import itertools
import json
import math
import os
import platform
import resource
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

HERE = Path(__file__).parent
RESULTS = HERE / "results" / "scale.json"
SIZES = (258, 1_000, 13_000, 100_000)
BUNDLED = 258
TWINNING_ALONE_FROM = 100_000
ROWS = 10_000  # rows of a table, so that it is smaller than what is read
LIMIT = 60  # seconds for each of the others
MOST_BYTES = 4_000_000_000  # of a dense table of the others
ASKED = 100  # cities whose nearest are asked for
HOSTS = 138  # host units and cities of the bundled profiles, nearly


def programme_of(n: int) -> Any:
    """Return the programme of a round of n cities: the bundled one, its places grown with the cohort.

    Everybody with a guest's role may be one (what is not known of a generated city is let in), hosts take more guests, of
    a country up to a tenth of them, and the pairs of a host country grow in step. Cities lead up to four groups and
    themes have up to twenty; a panel may have eight cities of a country (half of the signatories are Italian) and none
    of the Mission, for there are too few; every city has a seat on one.
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
        "pairs_per_host_country": -(-bundled.twinning.pairs_per_host_country * n // BUNDLED),
        "guests": {"roles": ["guest"], "not_roles": ["mission"], "unknown": "let in"},
    }
    whole["ledger"] |= {"tasks": each + 8}
    whole["discussion_groups"] |= {"groups_a_theme": 20, "lead_of": 4}
    whole["city_panels"] |= {"cities_per_country": 8, "mission_at_least": 0}
    whole["city_panels"] |= {"panels": None, "purposes": ()}
    if n >= TWINNING_ALONE_FROM:
        for name in bundled.products:
            if name != "twinning":
                whole[name] = None
        whole["pathways"] = whole["pathways"] | {"resources": ()}
    return type(bundled).model_validate(whole)


# --- one cohort, in a process of its own -----------------------------------------------------------------


class Stages:
    """Seconds and peak memory of one stage after the other, those of its copies included."""

    def __init__(self) -> None:
        self.rows: list[dict[str, Any]] = []
        self._name, self._since, self._worked, self._most = "", 0.0, 0.0, 0.0
        threading.Thread(target=self._watch, daemon=True).start()

    def _watch(self) -> None:
        """Take in the memory of this process and its copies together, twice a second or so that looking takes a fiftieth."""
        took = 0.0
        while True:
            time.sleep(max(0.5, 50 * took))  # a look at gigabytes is itself work of the processor
            since = time.perf_counter()
            self._most = max(self._most, _together())
            took = time.perf_counter() - since

    def begin(self, name: str) -> None:
        """End the stage that runs and begin another."""
        self.end()
        _forget_peak()
        self._name, self._since, self._worked, self._most = name, time.perf_counter(), _cpu(), 0.0

    def end(self) -> None:
        """End the stage that runs, if any."""
        if self._name:
            seconds, cpu = time.perf_counter() - self._since, _cpu() - self._worked
            most = max(_peak(), self._most)
            row = {"stage": self._name, "s": round(seconds, 2), "cpu s": round(cpu, 2)}
            self.rows.append({**row, "MB": round(most)})
            print(
                f"  {self._name:34} {seconds:9.2f} s {cpu:9.2f} cpu {most:8.0f} MB",
                file=sys.stderr,
            )
        self._name = ""


def _cpu() -> float:
    """Return the processor seconds of this process and of its copies that have ended."""
    return sum(os.times()[:4])


def _together() -> float:
    """Return what this process and its copies hold in MB, shared pages counted once; 0 without copies."""
    try:
        me = Path("/proc/self/task", str(os.getpid()), "children").read_text(encoding="ascii")
        pages = [Path("/proc", p, "smaps_rollup").read_text() for p in ("self", *me.split()) if me]
    except OSError:
        return 0.0
    return (
        sum(int(line.split()[1]) for p in pages for line in p.splitlines() if line[:4] == "Pss:")
        / 1024
    )


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


def one(n: int, tables: Sequence[Path]) -> dict[str, Any]:
    """Return what a round of n cities took, stage by stage."""
    from dataclasses import replace

    from twinmatch.cli import RARE_COLLECTION

    gc.set_threshold(*RARE_COLLECTION)  # as on the command line
    stages = Stages()
    started, worked = time.perf_counter(), _cpu()
    stages.begin("imports")
    from twinmatch.app.neighbours import text_model
    from twinmatch.app.round import figured
    from twinmatch.exporting import publish
    from twinmatch.facets import FacetCache
    from twinmatch.programmes import Round
    from twinmatch.programmes.proposing import proposal_of, solve_round
    from twinmatch.reading import read_raw
    from twinmatch.validate import validate

    stages.begin("read")
    parts = [read_raw(table) for table in tables] or [read_raw(None)]
    stages.begin("validate")
    cohort = validate(
        [city for part in parts for city in part.cities],
        [unit for part in parts for unit in part.units],
        [problem for part in parts for problem in part.problems],
    )
    del parts
    stages.begin("text model")
    programme = programme_of(n)
    text = text_model(cohort, more=programme.texts)
    facet_cache = FacetCache(text)
    stages.begin("propose: the rest")
    round_ = solve_round(
        Round(cohort, facet_cache, programme=programme),
        lambda name: stages.begin(f"propose: {name}"),
    )
    written: dict[str, Any] = {"files": 0, "MB": 0.0}
    if n < TWINNING_ALONE_FROM:
        stages.begin("proposal and figures")
        proposal = figured(round_, dict(text.fingerprint))
        proposal = replace(proposal, notes=(*proposal.notes, *text.notes))
        del round_, facet_cache, text
        with tempfile.TemporaryDirectory() as folder:
            out = Path(folder, "out")
            stages.begin("files")
            publish(proposal, out)
            stages.end()
            files = [f for f in out.rglob("*") if f.is_file()]
            size = sum(f.stat().st_size for f in files)
            written = {"files": len(files), "MB": round(size / 2**20, 1)}
    else:
        proposal = proposal_of(round_, dict(text.fingerprint))
    stages.end()
    return {
        "cities": len(proposal.cities),
        "stages": stages.rows,
        "total s": round(time.perf_counter() - started, 1),
        "total cpu s": round(_cpu() - worked, 1),
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
            for p in proposal.products
        ],
    }


# --- others on the same arrays ---------------------------------------------------------------------------


def peers(n: int, tables: Sequence[Path]) -> dict[str, Any]:
    """Return how others do on the scores and vectors of a cohort, and whether the nearest are the nearest."""
    import numpy as np

    from twinmatch.affinity import compare
    from twinmatch.app.neighbours import text_model
    from twinmatch.facets import FacetCache
    from twinmatch.reading import read_raw
    from twinmatch.schema import Role
    from twinmatch.validate import validate

    parts = [read_raw(table) for table in tables] or [read_raw(None)]
    cohort = validate([c for p in parts for c in p.cities], [u for p in parts for u in p.units])
    programme = programme_of(n)
    assert programme.twinning is not None
    facet_cache = FacetCache(text_model(cohort, more=programme.texts))
    hosts = cohort.hosts([Role.MISSION, Role.PILOT])
    guests = [i for i, c in enumerate(cohort.cities) if Role.GUEST in c.roles]
    affinity = compare(cohort, programme.twinning.weights, facet_cache, rows=guests, columns=hosts)
    score = np.ascontiguousarray(affinity.score.T)
    places = -(-len(guests) // len(hosts)) + 2
    found = [_ours(score, places), *_theirs(score, places, n)]
    return {"cities": n, "twinning": found, "nearest": _nearest(cohort, facet_cache, programme)}


def _within(limit: float, what: Callable[[], tuple[float, float]]) -> dict[str, Any]:
    """Return seconds and value of a task in a process of its own; nothing where it does not end in time."""
    import multiprocessing

    context = multiprocessing.get_context("fork")
    mine, theirs = context.Pipe(duplex=False)
    task = context.Process(target=lambda: theirs.send(what()))
    task.start()
    theirs.close()
    try:
        seconds, value = mine.recv() if mine.poll(limit) else (float("inf"), float("nan"))
    except EOFError:  # it ended without an answer: no memory, most often
        seconds, value = float("inf"), float("nan")
    task.kill()
    task.join()
    if seconds == float("inf"):
        return {"s": None, "score": None}
    return {"s": round(seconds, 3), "score": round(value, 4)}


def _ours(score: Any, places: int) -> dict[str, Any]:
    """Return our exact assignment, with the pairs that its flow held and the rounds of pricing."""
    import numpy as np

    from twinmatch.solving import Candidates, assign, counts, solve

    H, G = score.shape
    since = time.process_time()
    found = assign(score, np.ones(G, dtype=int), np.full(H, places))
    seconds = time.process_time() - since
    h, g = (axis.ravel() for axis in np.indices(score.shape))
    rules = [
        counts("host", h, high=places, rows=H),
        counts("guest", g, high=1, rows=G),
        counts("in all", np.zeros(h.size, int), high=G, rows=1),
    ]
    since = time.process_time()
    ruled = solve(Candidates(h, g, score.ravel(), H, G), rules)
    return {
        "who": "twinmatch, assign",
        "s": round(seconds, 3),
        "score": round(found.score, 4),
        "status": found.status,
        "pairs": H * G,
        "considered": found.considered,
        "rules: s": round(time.process_time() - since, 3),
        "rules: score": round(ruled.score, 4),
        "rules: considered": ruled.considered,
        "rules: rounds of pricing": ruled.rounds,
    }


def _theirs(score: Any, places: int, n: int) -> list[dict[str, Any]]:
    """Return what others take for the same assignment, every place of a host a column of its own."""
    import numpy as np
    import scipy.sparse as sp
    from scipy.optimize import linear_sum_assignment
    from scipy.sparse.csgraph import min_weight_full_bipartite_matching

    def dense() -> tuple[float, float]:
        since = time.process_time()
        wide = np.repeat(score, places, axis=0).T
        rows, columns = linear_sum_assignment(wide, maximize=True)
        return time.process_time() - since, float(wide[rows, columns].sum())

    def sparse() -> tuple[float, float]:
        since = time.process_time()
        wide = sp.csr_array(2.0 - np.repeat(score, places, axis=0).T)
        rows, columns = min_weight_full_bipartite_matching(wide)
        return time.process_time() - since, float((2.0 - wide[rows, columns]).sum())

    def network() -> tuple[float, float]:
        import networkx as nx

        since = time.process_time()
        graph: Any = nx.DiGraph()
        units = np.rint(score * 1e6).astype(int)
        for g in range(score.shape[1]):
            graph.add_edge("s", ("g", g), capacity=1, weight=0)
            for h in range(score.shape[0]):
                graph.add_edge(("g", g), ("h", h), capacity=1, weight=-int(units[h, g]))
        for h in range(score.shape[0]):
            graph.add_edge(("h", h), "t", capacity=places, weight=0)
        flow = nx.max_flow_min_cost(graph, "s", "t")
        return time.process_time() - since, -nx.cost_of_flow(graph, flow) / 1e6

    others = {
        "scipy linear_sum_assignment": dense,
        "scipy min_weight_full_bipartite_matching": sparse,
    }
    if n <= BUNDLED:
        others["networkx max_flow_min_cost"] = network
    # A dense table with a column a place is eight bytes times the square of the guests.
    if 8 * score.shape[1] * score.shape[0] * places > MOST_BYTES:
        return [{"who": name, "s": None, "score": None} for name in others]
    return [{"who": name, **_within(LIMIT, task)} for name, task in others.items()]


def _nearest(cohort: Any, facet_cache: Any, programme: Any) -> list[dict[str, Any]]:
    """Return what a question for the ten nearest cities takes, and how many of them are the true ones."""
    import numpy as np
    from sklearn.metrics.pairwise import cosine_similarity
    from sklearn.neighbors import NearestNeighbors

    from twinmatch.affinity import compare
    from twinmatch.app.neighbours import PEER_FACETS, nearest

    usual = {name: w for name, w in programme.twinning.weights.items() if name in PEER_FACETS}
    ours = compare(cohort, usual or dict.fromkeys(PEER_FACETS, 1.0), facet_cache)
    n = len(cohort)
    asked = np.random.default_rng(0).choice(n, min(ASKED, n), replace=False).tolist()
    nearest(ours, 0, 10)  # what is made at the first question
    since = time.process_time()
    found = [nearest(ours, i, 10).tolist() for i in asked]
    seconds = time.process_time() - since
    since = time.process_time()
    every = compare(cohort, ours.weights, facet_cache)
    hits = sum(
        len(set(mine) & set(nearest(every, i, 10).tolist()))
        for i, mine in zip(asked, found, strict=True)
    )
    exact = time.process_time() - since
    rows = [
        {
            "who": "twinmatch, by all its facets",
            "ms": round(1000 * seconds / len(asked), 3),
            "recall": round(hits / sum(map(len, found)), 4),
        },
        {
            "who": "twinmatch, every pair of cities compared anew",
            "ms": round(1000 * exact / len(asked), 3),
            "recall": 1.0,
        },
    ]
    vectors = _mean_vectors(cohort, facet_cache)
    index = NearestNeighbors(n_neighbors=11, metric="cosine").fit(vectors)
    since = time.process_time()
    index.kneighbors(vectors[asked])
    together = time.process_time() - since
    rows.append(
        {
            "who": "scikit-learn NearestNeighbors, words alone",
            "ms": round(1000 * together / len(asked), 3),
        }
    )

    def dense() -> tuple[float, float]:
        since = time.process_time()
        order = np.argpartition(-cosine_similarity(vectors), 11, axis=1)[:, :11]
        return time.process_time() - since, float(len(order))

    whole = _within(LIMIT, dense) if 16 * n * n < MOST_BYTES else {"s": None}
    each = None if whole["s"] is None else round(1000 * whole["s"] / n, 3)
    rows.append({"who": "dense table of all cosines, words alone", "ms": each})
    return rows


def _mean_vectors(cohort: Any, facet_cache: Any) -> Any:
    """Return the mean vector of the sentences of each city, shape (n, d); noughts where it has none."""
    import numpy as np

    from twinmatch.facets.text import needs_passages, offers_passages

    passages = [*needs_passages(cohort), *offers_passages(cohort)]
    vectors = np.nan_to_num(np.asarray(facet_cache.text.vectors([p.text for p in passages])))
    owner = np.array([p.city for p in passages])
    total = np.zeros((len(cohort), vectors.shape[1]))
    np.add.at(total, owner, vectors)
    return total / np.maximum(np.bincount(owner, minlength=len(cohort)), 1)[:, None]


# --- all of them -----------------------------------------------------------------------------------------


def measured(n: int, what: str) -> dict[str, Any]:
    """Return what a round of n cities took, or its peers did, in a process of its own."""
    with tempfile.TemporaryDirectory() as folder:
        command = [sys.executable, str(Path(__file__)), what, str(n)]
        if n > BUNDLED:
            made = [sys.executable, str(HERE / "cohorts.py"), str(n), "--out", f"{folder}/all.csv"]
            subprocess.run(made, check=True, stdout=sys.stderr)
            command += ["--tables", *map(str, _parted(Path(folder, "all.csv")))]
        found = subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True)
    result: dict[str, Any] = json.loads(found.stdout.splitlines()[-1])
    return result


def _parted(table: Path) -> list[Path]:
    """Return a table in parts that are small enough to be read."""
    with table.open(encoding="utf-8", newline="") as page:
        head, *rows = csv.reader(page)
    parts = []
    for start in range(0, len(rows), ROWS):
        parts.append(table.with_name(f"part-{start // ROWS}.csv"))
        with parts[-1].open("w", encoding="utf-8", newline="") as page:
            csv.writer(page, lineterminator="\n").writerows([head, *rows[start : start + ROWS]])
    return parts


def growth(rounds: Sequence[dict[str, Any]]) -> list[dict[str, Any]]:
    """Return by which exponent processor time grows with the cities, from each size to the next."""
    found = []
    for one, other in itertools.pairwise(rounds):
        factor = math.log(other["cities"] / one["cities"])
        times = {row["stage"]: row["cpu s"] for row in one["stages"]}
        exponents = {
            row["stage"]: round(math.log(row["cpu s"] / times[row["stage"]]) / factor, 2)
            for row in other["stages"]
            if times.get(row["stage"], 0) >= 0.05 and row["cpu s"] > 0
        }
        if {row["stage"] for row in other["stages"]} == set(times):
            exponents["whole"] = round(
                math.log(other["total cpu s"] / one["total cpu s"]) / factor, 2
            )
        found.append({"from": one["cities"], "to": other["cities"], "exponents": exponents})
    return found


def show(rounds: Sequence[dict[str, Any]]) -> None:
    """Print a table: a row for each stage, seconds of the processor and peak memory for each cohort."""
    names = list(dict.fromkeys(row["stage"] for r in rounds for row in r["stages"]))
    print(f"\n{'':34}" + "".join(f"{r['cities']:>12,} cities    " for r in rounds))
    for name in names:
        cells = []
        for r in rounds:
            row = next((row for row in r["stages"] if row["stage"] == name), None)
            cells.append(f"{row['cpu s']:10.2f} s {row['MB']:7,} MB" if row else " " * 22)
        print(f"{name:34}" + " ".join(cells))
    totals = " ".join(f"{r['total cpu s']:10.2f} s {r['peak MB']:7,} MB" for r in rounds)
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
    parser.add_argument("--peers", action="store_true", help="run others on the same arrays too")
    parser.add_argument("--one", type=int, help=argparse.SUPPRESS)
    parser.add_argument("--one-peers", type=int, help=argparse.SUPPRESS)
    parser.add_argument("--tables", type=Path, nargs="+", default=[], help=argparse.SUPPRESS)
    asked = parser.parse_args()
    if asked.one is not None:
        print(json.dumps(one(asked.one, asked.tables)))
        return
    if asked.one_peers is not None:
        print(json.dumps(peers(asked.one_peers, asked.tables)))
        return
    kept = json.loads(asked.keep.read_text(encoding="utf-8")) if asked.keep.exists() else {}
    for n in asked.sizes:
        # Each size is kept as soon as it is measured; sizes that are not asked for stay as they were.
        before = round(os.getloadavg()[0], 1)
        found = {"asked": n, "load before": before, **measured(n, "--one")}
        kept["rounds"] = _with(kept.get("rounds", []), found, "asked")
        if asked.peers and n < TWINNING_ALONE_FROM:
            kept["peers"] = _with(kept.get("peers", []), measured(n, "--one-peers"), "cities")
        kept["growth"] = growth(kept["rounds"])
        kept["machine"] = {"python": platform.python_version(), "cores": os.cpu_count()}
        kept["cohorts"] = os.environ.get("TWINMATCH_SAMPLES") is not None
        asked.keep.write_text(json.dumps(kept, indent=1, sort_keys=True) + "\n", encoding="utf-8")
    show(kept["rounds"])
    for row in kept["growth"]:
        print(f"growth from {row['from']:,} to {row['to']:,} cities: {row['exponents']}")
    for row in kept.get("peers", []):
        print(json.dumps(row, indent=1))


def _with(rows: Sequence[dict[str, Any]], one: dict[str, Any], key: str) -> list[dict[str, Any]]:
    """Return rows in order of size, one of them new or in place of the one before."""
    return sorted([*(row for row in rows if row[key] != one[key]), one], key=lambda row: row[key])


if __name__ == "__main__":
    main()
