"""How well rankings agree with people: pairs graded 0 to 3 twice, from the texts alone.

    python benchmarks/relevance.py JUDGEMENTS.csv [--json]
    python benchmarks/relevance.py --development

JUDGEMENTS has the columns guest, host, grade_1, grade_2 (twinning), or city, peer, grade_1, grade_2 ("cities like
mine"); the grade of a pair is the mean. Each city's judged pool is ranked: NDCG@5 (Järvelin and Kekäläinen 2002,
doi:10.1145/582415.582418) with gains 2^grade - 1, and the share of cities whose best host is graded 2 or 3, each with
a bootstrap interval over cities, beside baselines. ``--development`` ranks each host's own pilot activity among all,
cohort by cohort. Topics are read by classifiers that have not seen the city (tools/build_classifier.py), so sentences
that were labelled do not know the answer. Judgements and their guides are in benchmarks/judgements.
"""

from __future__ import annotations

import argparse
import csv
import json
import sys
from collections import defaultdict
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "tools"))
from build_classifier import out_of_fold
from twinmatch.affinity import compare
from twinmatch.app.neighbours import PEER_WEIGHTS
from twinmatch.cohort import Cohort, Host
from twinmatch.embedding.choice import open_text_model
from twinmatch.embedding.sentences import Reading
from twinmatch.facets import FacetCache, quoting
from twinmatch.facets.text import all_sentences
from twinmatch.reading import read
from twinmatch.whatif.backtest import whole_text
from twinmatch.whatif.learning import activities

Floats = NDArray[np.float64]
DEPTH = 5
GOOD = 2.0
RESAMPLES = 2000


class OutOfFold:
    """Reads each labelled sentence as a classifier does that has not seen its city."""

    def __init__(self) -> None:
        rows, found = out_of_fold("bundled")
        vectors = open_text_model("bundled", rows.texts).vectors(rows.texts)
        self._row = {vector.tobytes(): k for k, vector in enumerate(vectors)}
        self._found = found

    def read(self, vectors: NDArray[np.float32]) -> Reading:
        """Return what the sentences of these vectors are about."""
        at = [self._row[vector.astype(np.float32).tobytes()] for vector in vectors]
        return Reading(self._found.shows[at], self._found.kinds[at], self._found.topics[at])


def ndcg(grades: Floats) -> float:
    """Return the NDCG@5 of grades in ranked order; nan where all are 0."""
    discount = 1 / np.log2(np.arange(2, DEPTH + 2))

    def gain(ranked: Floats) -> float:
        top = ranked[:DEPTH]
        return float(((2**top - 1) * discount[: len(top)]).sum())

    best = gain(np.sort(grades)[::-1])
    return gain(grades) / best if best > 0 else float("nan")


def interval(values: Floats) -> dict[str, float]:
    """Return the mean and its percentile bootstrap interval of 95%."""
    rng = np.random.default_rng(0)
    known = values[~np.isnan(values)]
    draws = known[rng.integers(0, len(known), (RESAMPLES, len(known)))].mean(axis=1)
    low, high = np.quantile(draws, [0.025, 0.975])
    return {
        name: round(float(v), 4)
        for name, v in (("value", known.mean()), ("low", low), ("high", high))
    }


def judged(path: Path) -> tuple[bool, dict[str, dict[str, float]]]:
    """Return whether the pairs are peers, and the grade of each pair by city and candidate."""
    with path.open(encoding="utf-8") as file:
        rows = list(csv.DictReader(file))
    peers = "city" in rows[0]
    one, other = ("city", "peer") if peers else ("guest", "host")
    found: dict[str, dict[str, float]] = defaultdict(dict)
    for row in rows:
        found[row[one]][row[other]] = (float(row["grade_1"]) + float(row["grade_2"])) / 2
    return peers, dict(found)


def measured(
    score: Floats,
    rows: dict[str, int],
    columns: dict[str, int],
    grades: dict[str, dict[str, float]],
) -> dict[str, Any]:
    """Return both figures of a score (R, C) over the judged pools; unknown pairs come last."""
    each, best = [], []
    for city, pool in grades.items():
        names = sorted(pool)
        values = np.nan_to_num(score[rows[city]][[columns[n] for n in names]], nan=-np.inf)
        ranked = np.array([pool[names[k]] for k in np.argsort(-np.round(values, 9), kind="stable")])
        each.append(ndcg(ranked))
        best.append(float(ranked[0] >= GOOD))
    return {"ndcg_5": interval(np.array(each)), "best_graded_2": interval(np.array(best))}


def affinity_of(
    cohort: Cohort, weights: dict[str, float], cache: FacetCache, hosts: list[Host], peers: bool
) -> Floats:
    """Return the scores of all cities with the hosts, (n, C); between peers as "cities like mine" makes them."""
    if not peers:
        return compare(cohort, weights, cache, columns=hosts).score
    return compare(cohort, weights, cache).score[:, [host.cities[0] for host in hosts]]


def by_host(cosine: Floats, hosts: list[Host]) -> Floats:
    """Return the mean of each host's members that are known, (n, C)."""
    found = np.full((len(cosine), len(hosts)), np.nan)
    for c, host in enumerate(hosts):
        known = [i for i in host.cities if not np.isnan(cosine[:, i]).all()]
        if known:
            found[:, c] = cosine[:, known].mean(axis=1)
    return found


def relevance(path: Path) -> dict[str, Any]:
    """Return the figures of the shipped score and of the baselines."""
    peers, grades = judged(path)
    cohort = read()
    cache = FacetCache(open_text_model("bundled", all_sentences(cohort)))
    wanted = sorted({name for pool in grades.values() for name in pool})
    hosts = [Host(n, n, cohort.cities_of[n]) for n in wanted]
    columns = {host.id: c for c, host in enumerate(hosts)}
    rows = {city: cohort.index[city] for city in grades}
    weights = dict(PEER_WEIGHTS) if peers else twinning_weights()
    facets = (
        weights
        if peers
        else {
            n: w
            for n, w in weights.items()
            if n in ("needs_answered", "topics_met", "same_words", "needs_offers")
        }
    )
    names = {"shipped": weights, "text and topics": facets} if not peers else {"shipped": weights}
    alone = (
        ("shared_topics", "shared_needs")
        if peers
        else ("topics_met", "same_words", "needs_offers", "needs_answered")
    )
    scores = {name: affinity_of(cohort, w, cache, hosts, peers) for name, w in names.items()}
    for name in alone:
        scores[name] = compare(cohort, {name: 1}, cache, columns=hosts).likeness[name]
    scores["whole text"] = by_host(whole_text(cohort, cache, peers=peers), hosts)
    scores["nearness"] = compare(cohort, {"nearness": 1}, cache, columns=hosts).likeness["nearness"]
    found = {name: measured(score, rows, columns, grades) for name, score in scores.items()}
    rng = np.random.default_rng(0)
    chance = [
        measured(rng.random((len(cohort), len(hosts))), rows, columns, grades)["ndcg_5"]["value"]
        for _ in range(100)
    ]
    return {
        **found["shipped" if peers else "text and topics"],
        "cities": len(grades),
        "pairs": sum(map(len, grades.values())),
        "beside": found,
        "chance_ndcg_5": round(float(np.mean(chance)), 4),
    }


def twinning_weights() -> dict[str, float]:
    """Return the weights of the shipped programme of twinning."""
    import tomllib

    from twinmatch import programmes

    text = (Path(programmes.__file__).parent / "twinning.toml").read_text("utf-8")
    return dict(tomllib.loads(text)["twinning"]["weights"])


def development(weights: dict[str, float]) -> None:
    """Print the rank of each host's own activity, by cohort and by facet alone."""
    cohort = read()
    cache = FacetCache(open_text_model("bundled", all_sentences(cohort)))
    found = activities(cohort, weights, cache)
    pilots = {
        h.id: {p.cohort for i in h.cities for p in cohort.pilots(i)}
        for h in cohort.hosts(("mission", "pilot"))
    }
    print(f"own activity: {found.figures} over {found.units} units")
    for number in (1, 2, 3):
        values = [v for unit, v in found.by_unit if number in pilots[unit]]
        print(f"  cohort {number}: {np.mean(values):.3f} ({len(values)} units)")
    print("  alone: " + ", ".join(f"{n} {v:.3f}" for n, v in found.alone))


def main() -> None:
    """Run the command line."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("judgements", nargs="?", type=Path)
    parser.add_argument("--json", action="store_true")
    parser.add_argument("--development", action="store_true")
    arguments = parser.parse_args()
    quoting.bundled_classifier = (lambda reader: lambda _: reader)(OutOfFold())  # type: ignore[assignment]
    if arguments.development:
        development(twinning_weights())
    if arguments.judgements is None:
        return
    found = relevance(arguments.judgements)
    if arguments.json:
        print(json.dumps(found))
        return
    print(
        f"{found['cities']} cities, {found['pairs']} judged pairs; NDCG@5 by chance {found['chance_ndcg_5']:.3f}"
    )
    for name, figures in found["beside"].items():
        one, two = figures["ndcg_5"], figures["best_graded_2"]
        print(
            f"{name:18s} NDCG@5 {one['value']:.3f} ({one['low']:.3f}-{one['high']:.3f})   best graded 2 or 3: {two['value']:.0%}"
        )


if __name__ == "__main__":
    main()
