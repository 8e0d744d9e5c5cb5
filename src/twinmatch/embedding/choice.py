"""Which text model a run uses: one for all of its texts, said aloud with the reason.

`auto` takes, in this order,
1. the bundled MiniLM vectors, if every English sentence of the run has one (no torch is needed);
2. MiniLM itself for all sentences, if sentence-transformers and the packaged model are installed;
3. the static table for all sentences.
Vectors of two models are never mixed in a run: each is kept under the digest of its model's weights.
A bundled vector is MiniLM's own, so in case 2 it is taken where there is one, and in case 3 it is not.

Detect the language of a text well enough to say, by name, that a text model does not know it.

py3langid (naive Bayes over byte n-grams; Lui and Baldwin 2012) with the languages of Europe and its
neighbours. It is read at the first text: 5 MB, about 0.3 s, and NumPy alone. The answer leans towards
"no finding": city texts are full of names of places and of English terms, and calling an English
text foreign would take it out of the comparison.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Sequence
from dataclasses import dataclass, field
from functools import cache
from typing import Any, TypedDict

from twinmatch.embedding import backends
from twinmatch.embedding.backends import Backend, Vectors
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
from twinmatch.errors import DataError, Problem, QuestionError, Where
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
        return self.cache.notes + [
            f"{count} {'sentence is' if count == 1 else 'sentences are'} in {language_name(code)}, "
            "which the text model does not know: not compared, but counted as unknown. "
            "A multilingual text model can be named instead."
            for code, count in sorted(unread.items())
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

    `name` is `auto`, `bundled`, `minilm`, `static`, or a sentence-transformers model by name or
    folder. `prefix` goes in front of every text of a named model; None takes the one its model card
    asks for ("query: " for E5). A model that is asked for and missing is a `QuestionError`.
    """
    bundled = bundled_vectors()
    backend, says = choose(name, texts, prefix=prefix, bundled=bundled)
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
        raise QuestionError(
            Problem(
                "text-model-wrong",
                f"{type(model).__name__} is no text model.",
                do="Accepted: the name of a model, an object with encode(texts), or a function that returns a "
                "row of numbers for each text.",
            )
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
        raise QuestionError(
            Problem(
                "text-prefix",
                f"The text model {name!r} takes no prefix.",
                do="Leave the prefix out, or name the sentence-transformers model it is for.",
            )
        )
    if name == "auto":
        return _auto(texts, bundled)
    if name == "bundled":
        return _bundled(texts, bundled)
    if name == "minilm":
        return _said(backends.minilm(), ", as asked for")
    if name == "static":
        return _said(backends.static(), ", as asked for")
    return _said(backends.named(name, prefix), ", as asked for")


_NAMED_HERE = ("auto", "bundled", "minilm", "static")


def _auto(texts: Sequence[str], bundled: VectorStore) -> tuple[Backend, str]:
    others = _to_encode(texts, bundled)
    if not others:
        return _said(backends.BundledOnly(), ", for every English sentence of this run has one")
    why = f"{len(others)} of this run's sentences {'is' if len(others) == 1 else 'are'} not bundled"
    absent = backends.missing("sentence_transformers", backends.MINILM_PACKAGE)
    if absent:
        return _said(backends.static(), f", for {why} and {' and '.join(absent)} not installed")
    return _said(backends.minilm(), f", for {why} and the model is installed")


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
    path = bundled_path("models", "vectors", "minilm.npz")
    if not path.exists():
        return VectorStore()
    try:
        return read_store(path, backends.MINILM_DIMENSION)
    except UnreadableStoreError as error:
        raise DataError(
            Problem(
                "bundled-vectors-broken",
                str(error),
                Where(file=str(path)),
                "Install twinmatch again, or build them: python tools/build_text_models.py vectors.",
            )
        ) from error


# ISO 639-1, as py3langid knows them: the European Union, its candidates and its neighbours.
DETECTED = (
    *(
        "bg",
        "bs",
        "ca",
        "cs",
        "cy",
        "da",
        "de",
        "el",
        "en",
        "es",
        "et",
        "eu",
        "fi",
        "fr",
        "ga",
        "gl",
    ),
    *(
        "he",
        "hr",
        "hu",
        "hy",
        "is",
        "it",
        "ka",
        "lb",
        "lt",
        "lv",
        "mk",
        "mt",
        "nl",
        "nn",
        "no",
        "pl",
    ),
    *("pt", "ro", "ru", "sk", "sl", "sq", "sr", "sv", "tr", "uk"),
)
FEWEST_LETTERS = 20
SURE = 0.4  # the share of the likeliest language, from which it is named
UNLIKELY = (
    0.05  # the share of the languages that a model knows, below which a text is foreign to it
)


@dataclass(frozen=True)
class DetectedLanguage:
    """The likeliest language of a text, and the share of each language that was weighed."""

    language: str
    shares: dict[str, float]


def detect(text: str) -> DetectedLanguage | None:
    """Return what language a text is likely to be in; None if it is too short to say."""
    if sum(map(str.isalpha, text)) < FEWEST_LETTERS:
        return None
    ranked = dict(_identifier().rank(" ".join(text.split())))
    language = max(ranked, key=lambda code: (ranked[code], code))
    return DetectedLanguage(language, ranked) if ranked[language] >= SURE else None


def foreign_language(text: str, known: Collection[str]) -> str | None:
    """Return the code of a text's language if it is surely none of the known ones; else None."""
    found = detect(text)
    if found is None or sum(found.shares.get(code, 0.0) for code in known) >= UNLIKELY:
        return None
    return found.language


def language_name(code: str) -> str:
    """Return the English name of a language, or its code if it has none."""
    from babel import Locale, UnknownLocaleError

    try:
        return Locale.parse(code).get_language_name("en") or code
    except (UnknownLocaleError, ValueError):
        return code


@cache
def _identifier() -> Any:
    from py3langid.langid import MODEL_FILE, LanguageIdentifier

    identifier = LanguageIdentifier.from_model_file(MODEL_FILE, norm_probs=True)
    identifier.set_languages(DETECTED)
    return identifier
