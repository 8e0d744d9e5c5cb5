import io
import sys
from pathlib import Path

import numpy as np
import pytest

from twinmatch.embedding import backends
from twinmatch.embedding.sentences import KINDS, TOPICS, Classifier, bundled_classifier

sys.path.insert(0, str(Path(__file__).resolve().parents[3] / "tools"))
from build_classifier import file_of, fit

HEAT, TRAMS = TOPICS[0].value, TOPICS[14].value
DIGEST = "ab" * 32
CORNERS = ["achievement", "problem", "action", "wish"]


def learned() -> tuple[Classifier, np.ndarray]:
    """Four corners of a square, thirty points each: two topics, four kinds, of which two show something."""
    rng = np.random.default_rng(0)
    corners = np.array([[1, 1], [1, -1], [-1, 1], [-1, -1]], dtype=float)
    x = np.repeat(corners, 30, axis=0) + rng.normal(0, 0.1, (120, 2))
    kinds = np.repeat(CORNERS, 30)
    topics = [[HEAT]] * 60 + [[TRAMS]] * 60
    return fit(
        x, [k in {"achievement", "action"} for k in kinds], list(kinds), topics, DIGEST
    ), corners


def test_it_reads_what_it_has_learned_and_never_what_nobody_labelled() -> None:
    classifier, corners = learned()
    found = classifier.read(corners)
    assert (found.shows >= 0.5).tolist() == [True, False, True, False]
    assert [KINDS[k] for k in found.kinds.argmax(axis=1)] == CORNERS
    named = [[TOPICS[t].value for t in np.flatnonzero(row)] for row in found.topics]
    assert named == [[HEAT], [HEAT], [TRAMS], [TRAMS]]
    np.testing.assert_allclose(found.kinds.sum(axis=1), 1, atol=2e-4)


def test_a_sentence_is_read_alike_whatever_its_neighbours() -> None:
    classifier, corners = learned()
    np.testing.assert_array_equal(
        classifier.read(corners[2:3]).topics[0], classifier.read(corners).topics[2]
    )


@pytest.mark.parametrize(("least", "kept"), [(0.1, True), (0.6, False)])
def test_a_probability_below_the_least_counts_as_nothing(least: float, kept: bool) -> None:
    weights = np.zeros((3, 1 + len(KINDS) + len(TOPICS)))
    classifier = Classifier(weights, DIGEST, least=least)  # every topic has probability 0.5
    assert bool(classifier.read(np.ones((1, 2))).topics.all()) is kept


def test_its_file_holds_the_weights_the_thresholds_and_whose_they_are() -> None:
    classifier = Classifier(learned()[0].weights, DIGEST, 0.37, 0.08)
    with np.load(io.BytesIO(file_of(classifier)), allow_pickle=False) as file:
        assert file["digest"].tobytes().hex() == DIGEST
        assert (float(file["threshold"]), float(file["least"])) == (0.37, 0.08)
        np.testing.assert_allclose(file["weights"], classifier.weights, rtol=1e-6)


def test_each_text_model_of_ours_has_its_classifier_and_no_other_has_one() -> None:
    for digest in (backends.MINILM_WEIGHTS, backends.static().weights_sha256):
        classifier = bundled_classifier(digest)
        assert classifier is not None
        assert classifier.weights.shape[1] == 1 + len(KINDS) + len(TOPICS)
        assert 0.25 < classifier.threshold < 0.5
    assert bundled_classifier("00" * 32) is None
