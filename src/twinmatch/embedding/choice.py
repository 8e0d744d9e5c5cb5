"""Which text model a run uses: one for all of its texts, said aloud with the reason.

`auto` takes, in this order,
1. multilingual E5 for all sentences, if one of them is in another language than English and the extra
   ``multilingual`` is installed, so that both sides of a pair are compared in it;
2. the bundled MiniLM vectors, if every English sentence of the run has one (no torch is needed);
3. MiniLM itself for all sentences, if sentence-transformers and the packaged model are installed;
4. the static table for all sentences.
Vectors of two models are never mixed in a run: each is kept under the digest of its model's weights.
A bundled vector is MiniLM's own, so in case 3 it is taken where there is one, and in case 4 it is not.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import TypedDict

from twinmatch.embedding import backends, multilingual
from twinmatch.embedding.backends import Backend, Vectors
from twinmatch.embedding.multilingual import foreign_language, language_name
from twinmatch.embedding.vectors import (
    Progress,
    UnreadableStoreError,
    UserCache,
    VectorStore,
    cache_folder,
    encode_texts,
    lacking,
    read_store,
)
from twinmatch.errors import DataError, QuestionError, Where
from twinmatch.files import bundled_path


class Fingerprint(TypedDict):
    """What a result records of its text model."""

    backend: str
    model: str
    weights_sha256: str
    dimension: int
    prefix: str


@dataclass
class TextModel:
    """The one text model of a run: `says` which and why, `notes` what went wrong on the way."""

    backend: Backend
    says: str
    bundled: VectorStore = field(default_factory=VectorStore, repr=False)
    cache: UserCache = field(default_factory=lambda: UserCache(None), repr=False)
    progress: Progress | None = field(default=None, repr=False)
    _kept: VectorStore | None = field(default=None, repr=False, init=False)
    _language: dict[str, str | None] = field(default_factory=dict, repr=False, init=False)

    def __getstate__(self) -> dict[str, object]:
        """Return what is pickled: all but the caller's progress, which is of this process."""
        return self.__dict__ | {"progress": None}

    @property
    def notes(self) -> list[str]:
        """Sentences to tell: what was not read for its language, a cache that failed."""
        unread = Counter(code for code in self._language.values() if code)
        if not unread:
            return self.cache.notes
        number = sum(unread.values())
        languages = ", ".join(f"{language_name(c)} ({n})" for c, n in sorted(unread.items()))
        found = "1 sentence is" if number == 1 else f"{number} sentences are"
        return [
            *self.cache.notes,
            f"{found} in a language that the text model does not know: {languages}. Not compared, but counted as unknown. "
            f"{multilingual.hint()}",
        ]

    @property
    def fingerprint(self) -> Fingerprint:
        """What decides the vectors: equal fingerprints and texts give equal vectors."""
        return {
            "backend": self.backend.name,
            "model": self.backend.model,
            "weights_sha256": self.backend.weights_sha256,
            "dimension": self.backend.dimension,
            "prefix": self.backend.prefix,
        }

    def foreign(self, sentence: str) -> str | None:
        """Return the language of a sentence (ISO 639-1) if the model surely does not know it."""
        known = self.backend.languages
        if known is None or ("en" in known and self._is_bundled(sentence)):
            return None  # bundled sentences were checked to be English when they were bundled
        if sentence not in self._language:
            self._language[sentence] = foreign_language(sentence, known)
        return self._language[sentence]

    def _is_bundled(self, sentence: str) -> bool:
        return not lacking([sentence], self.bundled, backends.MINILM_WEIGHTS)

    def vectors(self, texts: Sequence[str]) -> Vectors:
        """Return (n, d) float32 rows of length 1, one a sentence; nan for what is not to be compared.

        That is an empty sentence, one that holds no word the model knows, and one in a language that
        the model was not made for: a model gives it a vector all the same, but not one that means much.
        """
        if self._kept is None:
            self._kept = self.cache.read(self.backend)
        read = ["" if self.foreign(text) else text for text in texts]
        rows, made = encode_texts(
            read,
            self.backend,
            (self.bundled, self._kept),
            self.progress,
            lambda fresh: self.cache.add(self.backend, fresh),
        )
        if made:
            self._kept = self._kept.joined(made)
        return rows


def open_text_model(
    name: str = "auto",
    texts: Sequence[str] = (),
    *,
    prefix: str | None = None,
    cache: UserCache | None = None,
    progress: Progress | None = None,
) -> TextModel:
    """Open the text model of a run: `texts` are all sentences that the run will ask for.

    `name` is `auto`, `bundled`, `minilm`, `static`, `multilingual`, or a sentence-transformers model by
    name or folder. `prefix` goes in front of every text of a named model; None takes the one its model card
    asks for ("query: " for E5). A model that is asked for and missing is a `QuestionError`.
    """
    bundled = bundled_vectors()
    backend, says = choose(name, texts, prefix=prefix, bundled=bundled)
    if backend.name == "multilingual":
        bundled = bundled.joined(_bundled_store("e5.npz", backend.dimension).rows)
    if backend.name == "static":
        cache = UserCache(None)  # quicker made than read
    elif cache is None:
        cache = UserCache(cache_folder())
    return TextModel(backend, says, bundled, cache, progress)


def own_text_model(model: object) -> TextModel:
    """Return the text model that the caller brings: an object with ``encode``, or a function of a list of texts.

    Raises QuestionError where it is neither.
    """
    function = getattr(model, "encode", model)
    if not callable(function) or isinstance(model, type):
        raise QuestionError.of(
            "text-model-wrong",
            f"{type(model).__name__} is no text model.",
            do="Accepted: the name of a model, an object with encode(texts), or a function that returns a "
            "row of numbers for each text.",
        )
    name = getattr(model, "__name__", type(model).__name__)
    backend = backends.Own(name, function)
    return TextModel(backend, f"Texts are compared by {backend.describe()}.")


def choose(
    name: str,
    texts: Sequence[str],
    *,
    prefix: str | None = None,
    bundled: VectorStore,
) -> tuple[Backend, str]:
    """Return the backend for these sentences, and a sentence that says which and why."""
    if prefix is not None and name in _NAMED_HERE:
        raise QuestionError.of(
            "text-prefix",
            f"The text model {name!r} takes no prefix.",
            do="Leave the prefix out, or name the sentence-transformers model it is for.",
        )
    if name == "auto":
        return _auto(texts, bundled)
    if name == "bundled":
        return _bundled(texts, bundled)
    if name == "minilm":
        return _said(backends.minilm(), ", as asked for")
    if name == "static":
        return _said(backends.static(), ", as asked for")
    if name == "multilingual":
        return _said(multilingual.multilingual(), ", as asked for")
    return _said(backends.named(name, prefix), ", as asked for")


_NAMED_HERE = ("auto", "bundled", "minilm", "static", "multilingual")


def _auto(texts: Sequence[str], bundled: VectorStore) -> tuple[Backend, str]:
    lacks = lacking(texts, bundled, backends.MINILM_WEIGHTS)
    codes = {text: foreign_language(text, backends.ENGLISH) for text in lacks}
    others = [text for text in lacks if not codes[text]]
    read = Counter(code for code in codes.values() if code and code in multilingual.LANGUAGES)
    if read and multilingual.is_there():
        named = ", ".join(f"{n} in {language_name(code)}" for code, n in sorted(read.items()))
        return _said(multilingual.multilingual(), f"; of this run's sentences, {named}")
    if not others:
        return _said(backends.BundledOnly(), "")
    why = f"; {len(others)} of this run's sentences {'is' if len(others) == 1 else 'are'} new"
    if backends.missing("sentence_transformers", backends.MINILM_PACKAGE):
        return _said(
            backends.static(), f"{why}, and the full one is not installed (twinmatch[text])"
        )
    return _said(backends.minilm(), why)


def _bundled(texts: Sequence[str], bundled: VectorStore) -> tuple[Backend, str]:
    backend = backends.BundledOnly()
    backend.encode(_to_encode(texts, bundled))
    return _said(backend, ", as asked for")


def _to_encode(texts: Sequence[str], bundled: VectorStore) -> list[str]:
    """Return the sentences without a bundled vector that an English model would be asked for."""
    others = lacking(texts, bundled, backends.MINILM_WEIGHTS)
    return [text for text in others if not foreign_language(text, backends.ENGLISH)]


def _said(backend: Backend, why: str) -> tuple[Backend, str]:
    return backend, f"Texts are compared by {backend.describe()}{why}."


def bundled_vectors() -> VectorStore:
    """Return MiniLM's vectors of the bundled profiles' sentences; none if they were not built."""
    return _bundled_store("minilm.npz", backends.MINILM_DIMENSION)


def _bundled_store(name: str, dimension: int) -> VectorStore:
    path = bundled_path("models", "vectors", name)
    if not path.exists():
        return VectorStore()
    try:
        return read_store(path, dimension)
    except UnreadableStoreError as error:
        raise DataError.of(
            "bundled-vectors-broken",
            str(error),
            Where(file=str(path)),
            "Install twinmatch again, or build them: python tools/build_text_models.py vectors.",
        ) from error
