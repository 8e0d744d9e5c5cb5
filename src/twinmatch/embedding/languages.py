"""Detect the language of a text well enough to say, by name, that a text model does not know it.

py3langid (naive Bayes over byte n-grams; Lui and Baldwin 2012) with the languages of Europe and its
neighbours. It is read at the first text: 5 MB, about 0.3 s, and NumPy alone. The answer leans towards
"no finding": city texts are full of names of places and of English terms, and calling an English
text foreign would take it out of the comparison.
"""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from functools import cache
from typing import Any

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
