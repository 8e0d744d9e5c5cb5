"""How well and how fast the text models find the need that is like another one.

    python benchmarks/text_models.py [--texts 700] [--out FILE.json]

48 one-line needs in 12 topics, four a topic, worded so that needs of one topic share few words.
Each need asks for the nearest of the 47 others; precision@1 is the share that finds its own topic
(chance: 3 in 47, 0.06), with a 95% bootstrap interval. TF-IDF of words and of letters stands beside
the models because it is what one would take without them. The second table is the time to load a
model and to encode texts of about 80 words. The third is how far the static table ranks the bundled
cities as MiniLM does: for every city with needs, all that have offers, by the likeness of its needs to
their offers as the facet `needs_offers` counts it; the share of MiniLM's ten best that are among the
table's ten best, and Spearman's rank correlation over all, each as the mean over the cities with a 95%
bootstrap interval. `minilm` is left out, and said so, where it is not installed. Everything is kept in
`benchmarks/results/text_models.json`.
"""

from __future__ import annotations

import argparse
import json
import os
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from scipy.stats import spearmanr
from sklearn.feature_extraction.text import TfidfVectorizer

from twinmatch.embedding import backends
from twinmatch.embedding.choice import open_text_model
from twinmatch.embedding.vectors import encode_texts, similarities
from twinmatch.facets import FacetCache
from twinmatch.facets.text import NeedsOffers
from twinmatch.reading import read

HERE = Path(__file__).parent
BEST = 10

NEEDS = {
    "heat networks": (
        "Our district heating still burns coal and we need a cleaner source.",
        "How can surplus warmth from data centres be piped into apartment blocks?",
        "Steam lines from the old power station must be replaced by low-temperature loops.",
        "Geothermal wells could feed radiators across town, but drilling is risky.",
    ),
    "renovation": (
        "Owners in shared apartment buildings cannot agree on insulation works.",
        "Post-war towers leak energy through windows and facades.",
        "A one-stop shop should guide families who want to retrofit their house.",
        "Listed facades make deep refurbishment of our dwellings hard.",
    ),
    "cycling and walking": (
        "Few people pedal to work because lanes stop at every junction.",
        "Pedestrians feel unsafe where pavements are narrow.",
        "We wish to build a continuous network for bikes.",
        "Children should be able to reach school on foot.",
    ),
    "public transport": (
        "Diesel buses have to give way to electric ones within five years.",
        "The tram reaches only half of our suburbs.",
        "Fares and timetables of rail and coach operators are not joined up.",
        "Passengers left the metro during the pandemic and have not come back.",
    ),
    "freight": (
        "Delivery vans crowd the centre every morning.",
        "Parcels could travel the last mile on cargo trikes from a hub.",
        "Lorries serving the harbour run on fossil fuel.",
        "Couriers and shops need shared loading bays and consolidation.",
    ),
    "citizens": (
        "Residents do not trust climate measures and protest against them.",
        "A lottery-drawn assembly of inhabitants ought to advise the council.",
        "Young people and migrants are missing from our participation processes.",
        "We want neighbours to shape decisions on their own street together with us.",
    ),
    "finance": (
        "Banks and investors see no bankable projects in our plan.",
        "The municipal budget covers a tenth of what is required; where does the rest come from?",
        "Could we issue green bonds for a whole portfolio?",
        "Loans and guarantees for small measures cost too much to administer.",
    ),
    "solar power": (
        "Rooftops of schools stand empty of photovoltaic panels.",
        "Tenants ought to share electricity made on top of their building.",
        "An energy community wants to sell sunshine to its members.",
        "Grid operators take years to connect new PV plants.",
    ),
    "waste": (
        "Food scraps end up in landfill instead of compost.",
        "Incineration of rubbish is a large part of our emissions.",
        "Plastic packaging must be collected separately and recycled.",
        "A repair and reuse centre could keep furniture out of the bin.",
    ),
    "trees and water": (
        "Summer heat islands call for shade and planting in dense quarters.",
        "Storm water should seep into gardens rather than flood cellars.",
        "Sealed squares are to be turned into parks.",
        "Biodiversity in the river valley suffers from drought.",
    ),
    "data": (
        "Our greenhouse gas inventory arrives three years late.",
        "Departments keep figures in spreadsheets that nobody can join.",
        "A digital twin would let us simulate the effect of measures.",
        "Indicators and dashboards to monitor progress are missing.",
    ),
    "governance": (
        "Nobody in the administration has a mandate across silos.",
        "Political majorities change and the target is forgotten.",
        "Staff lack the skills and time to manage the transition.",
        "The regional and national levels decide without consulting us.",
    ),
}
TOPICS = np.array([topic for topic, needs in NEEDS.items() for _ in needs])
TEXTS = [need for needs in NEEDS.values() for need in needs]

Likeness = NDArray[np.float32]


def main() -> None:
    """Print the tables, and keep them."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else "")
    parser.add_argument("--texts", type=int, default=700, help="how many texts to time")
    parser.add_argument("--out", type=Path, default=HERE / "results" / "text_models.json")
    given = parser.parse_args()
    if absent := backends.missing("sentence_transformers", backends.MINILM_PACKAGE):
        print(f"minilm is left out: {' and '.join(absent)} not installed")
    load = os.getloadavg()[0]
    times = {name: seconds(make, given.texts) for name, make in models().items()}
    print(f"{len(TEXTS)} needs in {len(NEEDS)} topics; {os.cpu_count()} cores, load {load:.1f}")
    print(f"{'model':<18}{'precision@1':>12}  95% interval")
    precision = {}
    for name, likeness in likenesses():
        hits = found_own_topic(likeness)
        precision[name] = [float(hits.mean()), *bootstrap(hits)]
        print("{:<18}{:>12.2f}  {:.2f} to {:.2f}".format(name, *precision[name]))
    print(f"\n{'model':<18}{'load, s':>12}{f'{given.texts} texts, s':>16}{'texts/s':>10}")
    for name, (loaded, encoded) in times.items():
        print(f"{name:<18}{loaded:>12.2f}{encoded:>16.2f}{given.texts / encoded:>10.0f}")
    agreement = agreement_of_ranks() if len(times) > 1 else {}
    for what, figures in agreement.items():
        print("\n{}: {:.2f} ({:.2f} to {:.2f})".format(what, *figures), end="")
    print()
    content = {
        "cores": os.cpu_count(),
        "load": round(load, 1),
        "precision at 1": {name: _rounded(found) for name, found in precision.items()},
        "seconds": {
            name: {
                "load": round(loaded, 2),
                f"{given.texts} texts": round(encoded, 2),
                "texts a second": round(given.texts / encoded),
            }
            for name, (loaded, encoded) in times.items()
        },
        "static beside minilm": {what: _rounded(found) for what, found in agreement.items()},
    }
    given.out.parent.mkdir(parents=True, exist_ok=True)
    given.out.write_text(json.dumps(content, indent=1) + "\n", encoding="utf-8")


def _rounded(figures: list[float]) -> list[float]:
    return [round(figure, 3) for figure in figures]


def agreement_of_ranks() -> dict[str, list[float]]:
    """Return how far the static table ranks hosts as MiniLM does: means, with their intervals."""
    cohort = read()
    everyone = np.arange(len(cohort))
    found = [
        NeedsOffers(cohort, FacetCache(open_text_model(name))).likeness(everyone, everyone)
        for name in ("bundled", "static")
    ]
    alike, same = [], []
    for i in everyone:
        hosts = np.flatnonzero(~np.isnan(found[0][i]) & ~np.isnan(found[1][i]) & (everyone != i))
        if len(hosts) <= BEST:
            continue
        one, other = (likeness[i, hosts] for likeness in found)
        first = (set(np.argsort(-x, kind="stable")[:BEST].tolist()) for x in (one, other))
        same.append(len(set.intersection(*first)) / BEST)
        alike.append(float(spearmanr(one, other).statistic))
    asked = f"over {len(same)} cities with needs"
    return {
        f"share of minilm's {BEST} best hosts among static's, {asked}": [
            float(np.mean(same)),
            *bootstrap(np.array(same)),
        ],
        f"Spearman's rank correlation, {asked}": [
            float(np.mean(alike)),
            *bootstrap(np.array(alike)),
        ],
    }


def models() -> dict[str, Callable[[], backends.Backend]]:
    """Return the models that can be tried here."""
    if backends.missing("sentence_transformers", backends.MINILM_PACKAGE):
        return {"static": backends.static}
    return {"minilm": backends.minilm, "static": backends.static}


def likenesses() -> Iterator[tuple[str, Likeness]]:
    """Yield each way to compare the needs, with the likeness of each two."""
    for name, make in models().items():
        rows, _ = encode_texts(TEXTS, make())
        yield name, similarities(rows, rows)
    words = TfidfVectorizer(stop_words="english").fit_transform(TEXTS)
    yield "TF-IDF of words", (words @ words.T).toarray()
    letters = TfidfVectorizer(analyzer="char_wb", ngram_range=(3, 5)).fit_transform(TEXTS)
    yield "TF-IDF of letters", (letters @ letters.T).toarray()


def found_own_topic(likeness: Likeness) -> NDArray[np.float64]:
    """Whether the nearest other need is of one's own topic; a tie counts by its share."""
    others = np.where(np.eye(len(likeness), dtype=bool), -np.inf, likeness)
    nearest = others == others.max(axis=1, keepdims=True)
    same = TOPICS[:, None] == TOPICS[None, :]
    return np.asarray((nearest & same).sum(axis=1) / nearest.sum(axis=1))


def bootstrap(hits: NDArray[np.float64], draws: int = 2000) -> tuple[float, float]:
    """Return the 95% interval of the mean."""
    drawn = np.random.default_rng(0).choice(hits, size=(draws, len(hits))).mean(axis=1)
    low, high = np.quantile(drawn, [0.025, 0.975])
    return float(low), float(high)


def seconds(make: Callable[[], backends.Backend], count: int) -> tuple[float, float]:
    """Return the seconds to load a model (its first text) and to encode texts of some 80 words."""
    start = time.perf_counter()
    model = make()
    model.encode(["We need heat."])
    loaded = time.perf_counter()
    rng = np.random.default_rng(0)
    encode_texts([" ".join(rng.choice(TEXTS, 7)) for _ in range(count)], model)
    return loaded - start, time.perf_counter() - loaded


if __name__ == "__main__":
    main()
