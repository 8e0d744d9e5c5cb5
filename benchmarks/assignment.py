"""Assignment against its peers, in the same run, as ratios.

    python benchmarks/assignment.py                        the figures of docs/benchmarks.md
    python benchmarks/assignment.py --only total large     a part of them
    python benchmarks/assignment.py --no-peers             without the slow peers

Public instances: MIDL (Kobren et al. 2019), PrefLib 3 and AAMAS 2015 and 2021 (as packed by Xu et al.),
and the demands and loads of CVPR with generated scores; their folder is named by
TWINMATCH_BENCH_INSTANCES, and without it there is nothing to do. Peers that are packages run here:
bare OR-Tools min-cost flow on the same arrays, HiGHS whole, scipy's milp, CP-SAT, networkx. The
openreview-matcher, FairFlow and FairSequence do not run here: their seconds are given as published ratios to
bare OR-Tools flow, and their worst-off scores and totals as published.

Seconds are of the process, so that other work on the machine counts little; each is the median of
interleaved runs. Memory is the peak of a process of its own, less what it held before.
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
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import highspy
import networkx as nx
import numpy as np
import scipy.optimize
import scipy.sparse as sp
from ortools.graph.python.min_cost_flow import SimpleMinCostFlow
from ortools.sat.python import cp_model

from twinmatch.solving import Candidates, assign, clash, counts, relaxations, shortage, solve

RESULTS = Path(__file__).parent / "results" / "assignment.json"
VARIABLE = "TWINMATCH_BENCH_INSTANCES"
REAL = ("midl", "midl_lb", "preflib3", "aamas2015", "aamas2021_lb")
PEER_SECONDS = 20.0
SMALL = 30_000  # pairs, up to which networkx is run

# Published on other machines: seconds of openreview-matcher's MinMax over those of bare OR-Tools flow.
OPENREVIEW = {"midl": 222, "midl_lb": 103, "aamas2015": 78, "aamas2021_lb": 257}
# Published: worst-off guest and total.
FAIR_PEERS = {
    "midl": {"FairFlow": (0.9448, 201.728), "FairSequence": (0.8671, 199.096)},
    "midl_lb": {"FairFlow": (0.6004, 134.885), "FairSequence": (0.3022, 140.518)},
}

Instance = dict[str, np.ndarray]


def instance(folder: Path, name: str) -> Instance:
    """The arrays of a public instance, limits as integers."""
    stored = np.load(folder / f"{name}.npz")
    return {
        key: stored[key] if key in ("score", "allowed") else stored[key].astype(np.int64)
        for key in stored.files
    }


def generated(n_hosts: int, n_guests: int, seed: int = 0) -> np.ndarray:
    """Scores (H, G) in [0, 1]: cosines of sparse topics, and some noise."""
    rng = np.random.default_rng(seed)
    host, guest = (rng.dirichlet(np.full(25, 0.25), n) for n in (n_hosts, n_guests))
    host /= np.linalg.norm(host, axis=1)[:, None]
    guest /= np.linalg.norm(guest, axis=1)[:, None]
    noise = rng.random((n_hosts, n_guests))
    return np.clip(0.8 * (host @ guest.T) + 0.2 * noise, 0, 1)


def complete(score: np.ndarray, demand: np.ndarray, capacity: np.ndarray) -> Instance:
    """An instance where everybody may meet everybody and hosts have no minimum."""
    return {
        "score": score,
        "allowed": np.ones(score.shape, dtype=bool),
        "demand": demand,
        "capacity": capacity,
        "at_least": np.zeros(len(score), dtype=np.int64),
    }


def cvpr(folder: Path) -> Instance:
    """The demands and loads of CVPR with generated scores: 3.6 million pairs."""
    loads = instance(folder, "cvpr_loads")
    score = generated(len(loads["capacity"]), len(loads["demand"]))
    return {**complete(score, loads["demand"], loads["capacity"]), "at_least": loads["at_least"]}


def national(n_guests: int, places: int) -> Instance:
    """112 hosts with so many places each, and guests with one wish each."""
    ones = np.ones(n_guests, dtype=np.int64)
    return complete(generated(112, n_guests), ones, np.full(112, places, dtype=np.int64))


# The answers compared: pairs (m, 2) and total.


def ours(case: Instance, fairness: str = "total", seconds: float | None = None) -> Any:
    """Our own answer."""
    return assign(
        case["score"],
        case["demand"],
        case["capacity"],
        at_least=case["at_least"],
        allowed=case["allowed"],
        fairness=fairness,
        seconds=seconds,
    )


def bare_flow(case: Instance) -> tuple[np.ndarray, float]:
    """OR-Tools min-cost flow over all pairs, scores times a million, as its example has it."""
    H, G = case["score"].shape
    host, guest = np.nonzero(case["allowed"])
    score = case["score"][host, guest]
    engine = SimpleMinCostFlow()
    arcs = engine.add_arcs_with_capacity_and_unit_cost(
        (guest + H).astype(np.int32),
        host.astype(np.int32),
        np.ones(len(host), np.int64),
        -np.rint(score * 1e6).astype(np.int64),
    )
    engine.add_arcs_with_capacity_and_unit_cost(
        np.arange(H, dtype=np.int32),
        np.full(H, H + G, np.int32),
        case["capacity"] - case["at_least"],
        np.zeros(H, np.int64),
    )
    wished, least = case["demand"].sum(), case["at_least"].sum()
    supply = np.concatenate([-case["at_least"], case["demand"], [least - wished]])
    engine.set_nodes_supplies(np.arange(H + G + 1, dtype=np.int32), supply.astype(np.int64))
    if wished <= case["capacity"].sum():
        engine.solve()
    else:
        engine.solve_max_flow_with_min_cost()
    chosen = engine.flows(arcs) > 0
    pairs = np.stack([host[chosen], guest[chosen]], axis=1)
    return pairs, float(score[chosen].sum())


def _rows(case: Instance) -> tuple[np.ndarray, sp.csr_array, np.ndarray, np.ndarray]:
    """Scores of the pairs, and the rows of hosts and guests, all places filled."""
    H, G = case["score"].shape
    host, guest = np.nonzero(case["allowed"])
    m = len(host)
    matrix = sp.csr_array(
        (np.ones(2 * m), (np.concatenate([host, H + guest]), np.tile(np.arange(m), 2))),
        shape=(H + G, m),
    )
    low = np.concatenate([case["at_least"], case["demand"]]).astype(float)
    high = np.concatenate([case["capacity"], case["demand"]]).astype(float)
    return case["score"][host, guest], matrix, low, high


def highs_whole(case: Instance) -> tuple[None, float]:
    """HiGHS on the whole linear programme."""
    score, matrix, low, high = _rows(case)
    lp = highspy.HighsLp()
    lp.num_row_, lp.num_col_ = matrix.shape
    lp.sense_ = highspy.ObjSense.kMaximize
    lp.col_cost_, lp.col_lower_, lp.col_upper_ = score, np.zeros(len(score)), np.ones(len(score))
    lp.row_lower_, lp.row_upper_ = low, high
    lp.a_matrix_.format_ = highspy.MatrixFormat.kRowwise
    lp.a_matrix_.start_, lp.a_matrix_.index_ = matrix.indptr, matrix.indices
    lp.a_matrix_.value_ = matrix.data
    engine = highspy.Highs()
    engine.setOptionValue("output_flag", False)
    engine.setOptionValue("time_limit", PEER_SECONDS)
    engine.passModel(lp)
    engine.run()
    done = engine.getModelStatus() == highspy.HighsModelStatus.kOptimal
    return None, engine.getInfo().objective_function_value if done else np.nan


def scipy_milp(case: Instance) -> tuple[None, float]:
    """scipy's milp on the whole model."""
    score, matrix, low, high = _rows(case)
    found = scipy.optimize.milp(
        -score,
        constraints=scipy.optimize.LinearConstraint(matrix, low, high),
        integrality=np.ones(len(score)),
        bounds=scipy.optimize.Bounds(0, 1),
        options={"time_limit": PEER_SECONDS},
    )
    return None, float(-found.fun) if found.status == 0 else np.nan


def cp_sat(case: Instance) -> tuple[None, float]:
    """CP-SAT on the whole model, scores times a million."""
    score, matrix, low, high = _rows(case)
    model = cp_model.CpModel()
    x = [model.new_bool_var("") for _ in score]
    for i in range(len(low)):
        members = matrix.indices[matrix.indptr[i] : matrix.indptr[i + 1]]
        total = cp_model.LinearExpr.sum([x[c] for c in members])
        model.add_linear_constraint(total, int(low[i]), int(high[i]))
    gains = np.rint(score * 1e6).astype(int).tolist()
    model.maximize(cp_model.LinearExpr.weighted_sum(x, gains))
    solver = cp_model.CpSolver()
    solver.parameters.max_time_in_seconds = PEER_SECONDS
    status = solver.solve(model)
    return None, solver.objective_value / 1e6 if status == cp_model.OPTIMAL else np.nan


def networkx_flow(case: Instance) -> tuple[None, float]:
    """networkx's network simplex, scores times a million."""
    graph = nx.DiGraph()
    for g, wish in enumerate(case["demand"].tolist()):
        graph.add_node(("guest", g), demand=-wish)
    for h, least in enumerate(case["at_least"].tolist()):
        graph.add_node(("host", h), demand=least)
        graph.add_edge(("host", h), "sink", capacity=int(case["capacity"][h]) - least, weight=0)
    rest = int(case["demand"].sum() - case["at_least"].sum())
    graph.add_node("sink", demand=rest)
    for h, g in np.argwhere(case["allowed"]).tolist():
        weight = -round(case["score"][h, g] * 1e6)
        graph.add_edge(("guest", g), ("host", h), capacity=1, weight=weight)
    cost, _ = nx.network_simplex(graph)
    return None, -cost / 1e6


def clock(*runs: Callable[[], Any], times: int = 5) -> tuple[list[float], list[Any]]:
    """The median seconds of each, run in turns, and the last answer of each."""
    taken: list[list[float]] = [[] for _ in runs]
    last: list[Any] = [None] * len(runs)
    for _ in range(times):
        for i, run in enumerate(runs):
            start = time.process_time()
            last[i] = run()
            taken[i].append(time.process_time() - start)
    return [statistics.median(seconds) for seconds in taken], last


def total_score(folder: Path, peers: bool) -> list[dict[str, Any]]:
    """The best total on the public instances, against every peer."""
    rows = []
    for name in REAL:
        case = instance(folder, name)
        times = 31 if case["allowed"].sum() < SMALL else 9
        (own, bare), (answer, plain) = clock(
            lambda case=case: ours(case), lambda case=case: bare_flow(case), times=times
        )
        row: dict[str, Any] = {
            "instance": name,
            "pairs": int(case["allowed"].sum()),
            "total": answer.score,
            "bound": answer.bound,
            "status": answer.status,
            "engine": answer.engine,
            "same total as bare flow": bool(abs(answer.score - plain[1]) < 1e-6),
            "seconds": own,
            "over bare flow": own / bare,
        }
        if name in OPENREVIEW:
            row["openreview-matcher over ours, from its published ratio"] = (
                OPENREVIEW[name] * bare / own
            )
        if peers:
            for peer in (highs_whole, scipy_milp, cp_sat, networkx_flow):
                if peer is networkx_flow and row["pairs"] > SMALL:
                    continue
                (seconds,), ((_, value),) = clock(lambda p=peer, case=case: p(case), times=1)
                done = bool(np.isfinite(value) and abs(value - answer.score) < 1e-3)
                row[peer.__name__] = {"over ours": seconds / own, "reached the optimum": done}
        rows.append(row)
        _print(row)
    return rows


def large(folder: Path, _: bool) -> list[dict[str, Any]]:
    """Many pairs: seconds, memory and the share of pairs held, against the flow over all."""
    rows = []
    for name, case in (
        ("cvpr-sized", cvpr(folder)),
        ("112 x 13,000 placed", national(13_000, 140)),
        ("112 x 13,000 scarce", national(13_000, 80)),
    ):
        (own, bare), (answer, plain) = clock(
            lambda case=case: ours(case), lambda case=case: bare_flow(case), times=3
        )
        n = case["score"].size
        row = {
            "instance": name,
            "pairs": n,
            "status": answer.status,
            "gap": answer.gap,
            "total over bare flow's": answer.score / plain[1],
            "share of pairs held": answer.considered / n,
            "seconds": own,
            "over bare flow": own / bare,
        }
        if name == "cvpr-sized":
            memory = _peaks(case)  # Linux only
            row["memory over bare flow"] = memory["ours"] / memory["bare"]
            row["memory in MB"] = memory["ours"]
        rows.append(row)
        _print(row)
    return rows


def growth(_: Path, __: bool) -> list[dict[str, Any]]:
    """Seconds for each million pairs as the guests grow: level where the cost is linear."""
    rows = []
    for n_guests in (3_250, 6_500, 13_000, 26_000):
        case = national(n_guests, n_guests // 93)
        (own,), _answers = clock(lambda case=case: ours(case), times=3)
        pairs = 112 * n_guests
        rows.append({"guests": n_guests, "pairs": pairs, "seconds a million": own / pairs * 1e6})
        _print(rows[-1])
    return rows


def fairness(folder: Path, _: bool) -> list[dict[str, Any]]:
    """The worst-off guest first: the floor against its bound, the total against published peers."""
    cases = [(name, instance(folder, name)) for name in ("midl", "midl_lb", "aamas2021_lb")]
    rows = []
    for name, case in [*cases, ("cvpr-sized", cvpr(folder))]:
        for mode in ("max-min", "leximin"):
            if name in ("cvpr-sized", "midl_lb") and mode == "leximin":
                continue
            (own,), (answer,) = clock(lambda c=case, m=mode: ours(c, m, seconds=60.0), times=1)
            row = {
                "instance": name,
                "fairness": mode,
                "worst-off": answer.floor,
                "bound of the worst-off": answer.floor_bound,
                "total": answer.score,
                "gap of the total": answer.gap,
                "status": answer.status,
                "engine": answer.engine,
                "seconds": own,
                "published": FAIR_PEERS.get(name, {}),
            }
            rows.append(row)
            _print(row)
    return rows


def crossing(_: Path, peers: bool) -> list[dict[str, Any]]:
    """Quotas that cross: countries at each host, sizes and regions in all."""
    rows = []
    for n_guests in (500, 2_000, 13_000):
        rng = np.random.default_rng(1)
        score = generated(112, n_guests)
        host, guest = np.divmod(np.arange(score.size), n_guests)
        country, size, region = (rng.integers(0, k, n_guests)[guest] for k in (30, 5, 8))
        c = Candidates(host, guest, score.ravel(), 112, n_guests)
        places = n_guests // 80
        blocks = [
            counts("host", host, high=places),
            counts("guest", guest, high=1.0),
            counts("host and country", host * 30 + country, high=max(places // 3, 1)),
            counts("size", size, high=0.25 * n_guests),
            counts("region", region, high=0.15 * n_guests),
        ]
        (own,), (answer,) = clock(lambda c=c, b=blocks: solve(c, b), times=1)
        row = {
            "guests": n_guests,
            "rows": sum(len(block) for block in blocks),
            "status": answer.status,
            "engine": answer.engine,
            "gap": answer.gap,
            "seconds": own,
        }
        if peers:
            (seconds,), (done,) = clock(lambda c=c, b=blocks: _milp_of(c, b), times=1)
            row["scipy milp over ours"] = seconds / own
            row["scipy milp finished"] = done
        rows.append(row)
        _print(row)
    return rows


def _milp_of(c: Candidates, blocks: list[Any]) -> bool:
    matrix = sp.vstack([block.matrix for block in blocks], format="csr")
    low = np.concatenate([block.low for block in blocks])
    high = np.concatenate([block.high for block in blocks])
    found = scipy.optimize.milp(
        -(c.score + 10.0),
        constraints=scipy.optimize.LinearConstraint(matrix, low, high),
        integrality=np.ones(len(c)),
        bounds=scipy.optimize.Bounds(0, 1),
        options={"time_limit": PEER_SECONDS},
    )
    return bool(found.status == 0)


def impossible(_: Path, __: bool) -> list[dict[str, Any]]:
    """A shortage of one place, a clash of seven rules, and the cheapest repair."""
    may = np.ones((112, 300), dtype=bool)
    may[10:, :40] = False
    host, guest = np.nonzero(may)
    c = Candidates(host, guest, np.zeros(len(host)), 112, 300)
    places = np.full(112, 4.0)
    places[9] = 3.0
    short = [counts("host", host, high=places), counts("guest", guest, high=1.0)]
    asked = [*short, counts("wanted", guest, low=1.0, high=1.0)]
    wall = _wall(lambda: shortage(c, asked), 9)
    (found,) = shortage(c, asked)
    rows: list[dict[str, Any]] = [
        {
            "what": "shortage named",
            "guests": len(found.guests),
            "hosts": len(found.hosts),
            "places": found.places,
            "milliseconds": 1e3 * wall,
        }
    ]
    menu_seconds = _wall(lambda: relaxations(c, asked, prices={"wanted": np.inf}, at_most=1), 1)
    rows.append({"what": "cheapest repair", "seconds": menu_seconds})
    quota = np.random.default_rng(0).integers(0, 150, 300)
    rules = [
        *short,
        counts("quota", quota[guest], high=2.0, rows=150),
        counts("must", np.where(guest < 5, guest, -1), low=1.0),
        counts("first host only", np.where((host > 0) & (guest < 5), 0, -1), high=0.0),
    ]
    told = clash(c, rules, effort=20)
    seconds = _wall(lambda: clash(c, rules, effort=20), 1)
    rows.append(
        {
            "what": "clash named",
            "among": sum(len(block) for block in rules),
            "rules": len(told.rows),
            "minimal": told.minimal,
            "seconds": seconds,
        }
    )
    for row in rows:
        _print(row)
    return rows


def _wall(run: Callable[[], Any], times: int) -> float:
    taken = []
    for _ in range(times):
        start = time.perf_counter()
        run()
        taken.append(time.perf_counter() - start)
    return statistics.median(taken)


def _peaks(case: Instance) -> dict[str, float]:
    """Megabytes that one answer takes at its peak, beyond its tables, in a process of its own."""
    with tempfile.TemporaryDirectory() as place:
        stored = Path(place) / "case.npz"
        np.savez(stored, **case)
        found = {}
        for who in ("ours", "bare"):
            command = [sys.executable, __file__, "--peak", who, str(stored)]
            done = subprocess.run(command, check=True, capture_output=True, text=True)
            found[who] = float(done.stdout)
    return found


def _own_peak(who: str, stored: str) -> None:
    with np.load(stored) as file:
        case = {key: file[key] for key in file.files}
    (ours if who == "ours" else bare_flow)(complete(generated(30, 40), *_few(40, 30)))  # warm up
    before = _high_water()
    (ours if who == "ours" else bare_flow)(case)
    print(_high_water() - before)


def _high_water() -> float:
    """The most memory this process ever held, in megabytes (Linux; the count starts with it)."""
    status = Path("/proc/self/status").read_text()
    return float(status.split("VmHWM:")[1].split()[0]) / 1024


def _few(n_guests: int, n_hosts: int) -> tuple[np.ndarray, np.ndarray]:
    return np.ones(n_guests, dtype=np.int64), np.full(n_hosts, 2, dtype=np.int64)


def _print(row: dict[str, Any]) -> None:
    parts = (f"{key} {_short(value)}" for key, value in row.items())
    print("  " + ", ".join(parts), flush=True)


def _short(value: Any) -> str:
    if isinstance(value, dict):
        return "(" + ", ".join(f"{k} {_short(v)}" for k, v in value.items()) + ")"
    return f"{value:.4g}" if isinstance(value, float) else str(value)


PARTS: dict[str, Callable[[Path, bool], list[dict[str, Any]]]] = {
    "total": total_score,
    "large": large,
    "growth": growth,
    "fairness": fairness,
    "crossing": crossing,
    "impossible": impossible,
}


def main() -> int:
    """Run the parts asked for and keep their figures."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--only", nargs="+", choices=list(PARTS), default=list(PARTS))
    parser.add_argument("--no-peers", action="store_true", help="leave out the slow peers")
    parser.add_argument("--peak", nargs=2, help=argparse.SUPPRESS)
    asked = parser.parse_args()
    if asked.peak:
        _own_peak(*asked.peak)
        return 0
    folder = os.environ.get(VARIABLE)
    if not folder or not Path(folder).is_dir():
        print(f"No instances: set {VARIABLE} to their folder.")
        return 0
    figures = json.loads(RESULTS.read_text()) if RESULTS.is_file() else {}
    figures["machine"] = (
        f"{platform.machine()}, {os.cpu_count()} cores, Python {platform.python_version()}"
    )
    for name in asked.only:
        print(name, flush=True)
        figures[name] = PARTS[name](Path(folder), not asked.no_peers)
        RESULTS.parent.mkdir(exist_ok=True)
        RESULTS.write_text(json.dumps(figures, indent=1, sort_keys=True) + "\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
