"""What a sentence is about: its topics, whether it shows something, and which kind of statement it is.

Logistic regressions over the vector of a sentence, learned from sentences labelled by reading
(``data/sources/sentence_labels.csv``) and kept as two arrays a text model under ``models/topics``: reading needs
NumPy alone. Topics and "shows" are each a regression of their own; the kinds are one with several outcomes.

Notation: n sentences, d dimensions, K = 6 kinds, T topics; weights (d + 1, 1 + K + T), the last row the intercepts,
columns in the order shows, kinds, topics.
"""

from __future__ import annotations

import io
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from twinmatch.errors import DataError, Where
from twinmatch.files import bundled_path
from twinmatch.vocabulary.topics import Topic

Floats = NDArray[np.float64]

KINDS: Final = ("problem", "wish", "achievement", "action", "plan", "context")
TOPICS: Final = tuple(Topic)
STRENGTH: Final = 3.0
"""Inverse strength of the regularisation (scikit-learn's C)."""
LEAST: Final = 0.15
"""Probabilities of a topic below this count as 0, where a classifier states no other."""
NEVER: Final = -30.0
"""Intercept of a topic that no labelled sentence has."""


@dataclass(frozen=True)
class Reading:
    """What sentences are about: shows (n,), kinds (n, K) and topics (n, T) as probabilities; nan where not read."""

    shows: Floats
    kinds: Floats
    topics: Floats


@dataclass(frozen=True)
class Classifier:
    """The regressions for the vectors of one text model, named by the digest of its weights."""

    weights: Floats
    weights_sha256: str
    threshold: float = 0.4
    """From this probability on a topic is named to people."""
    least: float = LEAST
    """Probabilities of a topic below this count as 0: less where sentences of many languages are read, for those of
    another language than the labelled ones lie a little off and get lower probabilities."""

    def read(self, vectors: NDArray[Any]) -> Reading:
        """Return what sentences of these unit vectors (n, d) are about."""
        # Sums of products one sentence at a time, so that a probability does not depend on its neighbours.
        logits = np.einsum("nd,dk->nk", vectors.astype(np.float64), self.weights[:-1])
        logits += self.weights[-1]
        kinds = np.exp(logits[:, 1 : 1 + len(KINDS)])
        kinds /= kinds.sum(axis=1, keepdims=True)
        alone = 1.0 / (1.0 + np.exp(-logits))
        topics = np.round(alone[:, 1 + len(KINDS) :], 4)
        return Reading(
            np.round(alone[:, 0], 4), np.round(kinds, 4), np.where(topics < self.least, 0.0, topics)
        )

    def to_bytes(self) -> bytes:
        """Return the file of these regressions."""
        buffer = io.BytesIO()
        np.savez(
            buffer,
            weights=self.weights.astype("<f4"),
            digest=np.frombuffer(bytes.fromhex(self.weights_sha256), np.uint8),
            threshold=np.array(self.threshold),
            least=np.array(self.least),
        )
        return buffer.getvalue()


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


@lru_cache(maxsize=4)
def bundled_classifier(weights_sha256: str) -> Classifier | None:
    """Return the bundled classifier of a text model, None where there is none for it."""
    for path in sorted(bundled_path("models", "topics").glob("*.npz")):
        try:
            with np.load(path, allow_pickle=False) as file:
                if file["digest"].tobytes().hex() == weights_sha256:
                    return Classifier(
                        file["weights"].astype(np.float64),
                        weights_sha256,
                        float(file["threshold"]),
                        float(file["least"]),
                    )
        except (OSError, ValueError, KeyError) as error:
            raise DataError.of(
                "text-model-broken",
                f"{path.name} cannot be read ({error}).",
                Where(file=str(path)),
                "Install twinmatch again.",
            ) from error
    return None
