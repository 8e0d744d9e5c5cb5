"""Learn the classifiers of sentences under models/topics, or print what they are worth.

    python tools/build_classifier.py              learn from data/sources/sentence_labels.csv and write
    python tools/build_classifier.py evaluate     cross-validated by city, with the agreement of the labels

Needs the vectors of the bundled sentences (tools/build_text_models.py vectors and multilingual) and scikit-learn, no
torch; the extra `multilingual`.
"""

from __future__ import annotations

import csv
import hashlib
import io
import sys
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from build_text_models import write_sums
from twinmatch.embedding.choice import open_text_model
from twinmatch.embedding.sentences import KINDS, LEAST, TOPICS, Classifier, Reading
from twinmatch.facets.quoting import Passage, told_topics
from twinmatch.facets.text import all_sentences
from twinmatch.reading import read

ROOT = Path(__file__).resolve().parents[1]
LABELS = ROOT / "data" / "sources" / "sentence_labels.csv"
FOLDS = 6
MODELS = ("bundled", "static", "multilingual")
STRENGTH = 3.0
"""Inverse strength of the regularisation (scikit-learn's C)."""

NEVER = -30.0
"""Intercept of a topic that no labelled sentence has."""

FILES = {"bundled": "minilm.npz", "static": "static.npz", "multilingual": "e5.npz"}


LEASTS = {"multilingual": 0.08}
"""By text model, the probability below which a topic counts as 0."""


@dataclass(frozen=True)
class Labelled:
    """Labelled sentences in order of their digest: text, city, kind, shows, topics."""

    texts: list[str]
    cities: list[str]
    kinds: list[str]
    shows: list[bool]
    topics: list[list[str]]


def labelled() -> Labelled:
    """Return the labelled sentences of the bundled profiles."""
    texts = {hashlib.sha256(t.encode()).hexdigest(): t for t in all_sentences(read())}
    with LABELS.open(encoding="utf-8") as file:
        rows = sorted(
            (r for r in csv.DictReader(file) if r["sha256"] in texts), key=lambda r: r["sha256"]
        )
    return Labelled(
        [texts[r["sha256"]] for r in rows],
        [r["city"] for r in rows],
        [r["kind"] for r in rows],
        [r["showable"] == "1" for r in rows],
        [[t for t in r["topics"].split(";") if t != "none"] for r in rows],
    )


def learn(rows: Labelled, vectors: NDArray[Any], some: NDArray[Any], digest: str) -> Classifier:
    """Return the regressions learned from some of the sentences, given the vectors of all of them, (n, d)."""
    at = np.flatnonzero(some)
    return fit(
        vectors[at],
        [rows.shows[i] for i in at],
        [rows.kinds[i] for i in at],
        [rows.topics[i] for i in at],
        digest,
    )


def fit(
    vectors: NDArray[Any],
    shows: Sequence[bool],
    kinds: Sequence[str],
    topics: Sequence[Sequence[str]],
    weights_sha256: str,
) -> Classifier:
    """Return the regressions learned from labelled sentences: vectors (n, d) and n labels of each sort."""
    from sklearn.linear_model import LogisticRegression

    x = vectors.astype(np.float64)
    weights = np.zeros((x.shape[1] + 1, 1 + len(KINDS) + len(TOPICS)))
    weights[-1] = NEVER

    def learned(labels: Any) -> Any:
        return LogisticRegression(C=STRENGTH, max_iter=2000).fit(x, labels)

    model = learned(np.array(kinds))
    for row, kind in enumerate(model.classes_):
        weights[:-1, 1 + KINDS.index(kind)] = model.coef_[row]
        weights[-1, 1 + KINDS.index(kind)] = model.intercept_[row]
    columns = {0: np.array(shows, dtype=bool)}
    columns |= {
        1 + len(KINDS) + t: np.array([topic.value in named for named in topics])
        for t, topic in enumerate(TOPICS)
    }
    for column, labels in columns.items():
        if labels.any() and not labels.all():
            model = learned(labels)
            weights[:-1, column] = model.coef_[0]
            weights[-1, column] = model.intercept_[0]
    return Classifier(weights, weights_sha256)


def file_of(classifier: Classifier) -> bytes:
    """Return the file of regressions."""
    buffer = io.BytesIO()
    np.savez(
        buffer,
        weights=classifier.weights.astype("<f4"),
        digest=np.frombuffer(bytes.fromhex(classifier.weights_sha256), np.uint8),
        threshold=np.array(classifier.threshold),
        least=np.array(classifier.least),
    )
    return buffer.getvalue()


def folds(cities: list[str]) -> NDArray[np.intp]:
    """Return the fold of each sentence: all of a city are in one, decided by its name alone."""
    return np.array([int(hashlib.sha256(c.encode()).hexdigest(), 16) % FOLDS for c in cities])


def out_of_fold(name: str) -> tuple[Labelled, Reading]:
    """Return the labelled sentences, and what a classifier that has not seen their cities reads in them."""
    rows = labelled()
    model = open_text_model(name, rows.texts)
    vectors = model.vectors(rows.texts)
    shows = np.zeros(len(rows.texts))
    kinds = np.zeros((len(rows.texts), len(KINDS)))
    topics = np.zeros((len(rows.texts), len(TOPICS)))
    fold = folds(rows.cities)
    for k in range(FOLDS):
        held = fold == k
        classifier = learn(rows, vectors, ~held, model.backend.weights_sha256)
        found = replace(classifier, least=LEASTS.get(name, LEAST)).read(vectors[held])
        shows[held], kinds[held], topics[held] = found.shows, found.kinds, found.topics
    return rows, Reading(shows, kinds, topics)


def truth(rows: Labelled) -> NDArray[np.bool_]:
    """Return whether each sentence has each topic, (n, T)."""
    return np.array([[t.value in named for t in TOPICS] for named in rows.topics])


def threshold_for(topics: NDArray[Any], true: NDArray[np.bool_], precision: float = 0.75) -> float:
    """Return the least probability from which topics that are named are right so often."""
    for least in np.arange(LEAST, 0.96, 0.01):
        named = topics >= least
        if named.any() and (named & true).sum() / named.sum() >= precision:
            return round(float(least), 2)
    return 0.95


def write() -> None:
    """Learn from all labelled sentences and write both classifiers."""
    for name in MODELS:
        rows, found = out_of_fold(name)
        model = open_text_model(name, rows.texts)
        whole = learn(
            rows,
            model.vectors(rows.texts),
            np.ones(len(rows.texts), bool),
            model.backend.weights_sha256,
        )
        threshold = threshold_for(found.topics, truth(rows))
        path = ROOT / "models" / "topics" / FILES[name]
        path.parent.mkdir(exist_ok=True)
        whole = replace(whole, threshold=threshold, least=LEASTS.get(name, LEAST))
        path.write_bytes(file_of(whole))
        print(
            f"wrote {path.relative_to(ROOT)}: {len(rows.texts)} sentences, named from {threshold}"
        )
    write_sums()


def evaluate() -> None:
    """Print precision, recall and F1 by class, out of fold, and the calibration of topics."""
    from sklearn.metrics import precision_recall_fscore_support

    for name in MODELS:
        rows, found = out_of_fold(name)
        true = truth(rows)
        kind = np.array(KINDS)[found.kinds.argmax(axis=1)]
        print(f"\n{name}: {len(rows.texts)} sentences, {FOLDS} folds by city")
        p, r, f, n = precision_recall_fscore_support(
            rows.shows, found.shows >= 0.5, average="binary", zero_division=0
        )
        print(f"| shows | {p:.2f} | {r:.2f} | {f:.2f} | {sum(rows.shows)} |")
        table = precision_recall_fscore_support(
            rows.kinds, kind, labels=list(KINDS), zero_division=0
        )
        for label, p, r, f, n in zip(KINDS, *table, strict=True):
            print(f"| {label} | {p:.2f} | {r:.2f} | {f:.2f} | {n} |")
        named = found.topics >= 0.3
        hit = (named & true).sum()
        print(f"topics from 0.3: micro F1 {2 * hit / (named.sum() + true.sum()):.3f}")
        has = np.array([bool(t) for t in rows.topics])
        first = true[np.arange(len(true)), found.topics.argmax(axis=1)]
        print(
            f"first topic right {first[has].mean():.3f}; named from {threshold_for(found.topics, true)}"
        )
        passages = [Passage(0, text, "", 0, 0, "") for text in rows.texts]
        told = told_topics(found.topics, passages) > 0
        print(f"topics that are told: {(told & true).sum() / told.sum():.2f} of {told.sum()} right")
        for low in np.arange(0.15, 1.0, 0.17):
            at = (found.topics >= low) & (found.topics < low + 0.17)
            if at.any():
                print(
                    f"  said {found.topics[at].mean():.2f}, true {true[at].mean():.2f} of {at.sum()}"
                )
        if name == MODELS[0]:
            table = precision_recall_fscore_support(true, named, zero_division=0)
            for topic, p, r, f, n in zip(TOPICS, *table, strict=True):
                print(f"| {topic.value} | {p:.2f} | {r:.2f} | {f:.2f} | {n} |")


if __name__ == "__main__":
    evaluate() if "evaluate" in sys.argv else write()
