"""Sentences made of a message and its parameters: English at once, and any language that has a catalogue when shown.

``say("{host} takes {n} guests", host=name, n=3)`` is an English text like any other, a ``str`` that keeps its message
and parameters, which may be such texts themselves. :func:`shown` gives it in another language by gettext, numbers as
that language writes them. Nothing is recognised by its English text, and a city's own words stay as they are.

A further language is one file in ``catalogues`` and one line in ``LANGUAGES``.
"""

from __future__ import annotations

import operator
import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import fields, is_dataclass, replace
from functools import cache, lru_cache
from gettext import GNUTranslations, NullTranslations
from importlib.resources import files
from io import BytesIO
from string import Formatter
from typing import Annotated, Any, Final, TypeVar

from pydantic import AfterValidator, Field

LANGUAGES: Final = {"en": "English", "de": "Deutsch", "fr": "Français"}

T = TypeVar("T")

Absent = Field(exclude_if=lambda value: not value)
"""What JSON leaves out where it is empty."""

MARKS: Final = " ,;:.()“”%"
"""What stands between texts and belongs to no language."""

Leaf = Callable[[str, str], str]
"""What becomes of a piece of text, with the language of a city's own words or an empty one."""


NOTHING: Final[Mapping[str, Any]] = {}


class _Words(GNUTranslations):
    """Words of a language; a message that has plural forms is found alone too, as Python does from 3.11.4 on."""

    def gettext(self, message: str) -> str:
        """Return a message in the language, in the form for one."""
        found = super().gettext(message)
        return found if found != message else self.ngettext(message, message, 1)


@cache
def translation(code: str) -> NullTranslations:
    """Return the words of a language, with its own plural forms; what has no translation stays English."""
    if code == "en":
        return NullTranslations()
    from babel.messages.mofile import write_mo
    from babel.messages.pofile import read_po

    with (files("twinmatch") / "catalogues" / f"{code}.po").open("rb") as file:
        catalogue = read_po(file, locale=code)
    compiled = BytesIO()
    write_mo(compiled, catalogue)
    compiled.seek(0)
    return _Words(compiled)


class Said(str):
    """An English text that keeps what it was made of: message, parameters by name; or a city's words and language.

    ``several`` is the message of the plural, where ``n`` among the values is not 1.
    """

    __slots__ = ("_languages", "language", "message", "several", "values")

    message: str
    several: str
    values: Mapping[str, Any]
    language: str

    def __new__(
        cls,
        text: str,
        message: str = "",
        several: str = "",
        values: Mapping[str, Any] = NOTHING,
        language: str = "",
    ) -> Said:
        """Return a text with what it was made of."""
        found = super().__new__(cls, text)
        found.message, found.several, found.values = message, several, values
        found.language, found._languages = language, None
        return found

    def __reduce__(self) -> tuple[type[Said], tuple[Any, ...]]:
        """Return what makes the text anew, which takes half as long as its attributes one by one."""
        return type(self), (str(self), self.message, self.several, self.values, self.language)

    _languages: frozenset[str] | None

    @property
    def languages(self) -> frozenset[str]:
        """Return the languages of somebody's own words in it."""
        found = self._languages
        if found is None:
            found = frozenset((self.language,)) if self.language else frozenset()
            for part in self.values.values():
                if isinstance(part, Said) and (theirs := part.languages):
                    found |= theirs
            self._languages = found
        return found

    def __add__(self, other: str) -> str:
        return joined((self, other), "")

    def __radd__(self, other: str) -> str:
        return joined((other, self), "")


def say(message: str, /, **values: Any) -> str:
    """Return the text of a message with values in its ``{names}``, which take the formats of numbers.

    ``{name:raised}`` begins a text with a capital letter, ``{name:lower}`` with a small one unless it is German, and
    ``{name:sentence}`` makes a sentence of it; ``{name:max240}`` cuts it to so many characters,
    ``{name:stopless}`` takes its full stop off; what a city says is ``{name:reported}`` to others, ``{name:yours}`` to it.
    """
    return _said(message, "", values)


def say_n(one: str, several: str, n: float, /, **values: Any) -> str:
    """Return the text of the message for one or for several, with the number as ``{n}``."""
    return _said(one, several, {"n": n, **values})


def own_words(text: str, language: str) -> str:
    """Return somebody's own words in a language: they are never translated."""
    return Said(text, language=language)


def titled(text: str) -> str:
    """Return a title that a programme states: shown as it is where no catalogue has it."""
    if isinstance(text, Said):
        return text
    return Said(text, text.replace("{", "{{").replace("}", "}}"), "", {})


Title = Annotated[str, AfterValidator(titled)]


def babel_name(name: str, kind: str, code: str) -> str:
    """Return the English name of a country (kind "territories") or language; the Unicode CLDR has the others by code."""
    return Said(name, f"{{name:{kind} {code}}}", "", {"name": name})


def count(number: float, one: str, several: str = "") -> str:
    """Return a counted noun, such as ``1 city`` or ``1,200 cities``."""
    return say("{number:,} {noun}", number=number, noun=say_n(one, several or one + "s", number))


def joined(parts: Iterable[str], between: str = " ") -> str:
    """Return several texts as one."""
    given = tuple(parts) if between else tuple(filter(None, parts))  # a text is no part of itself
    if len(given) == 1 and isinstance(given[0], Said):
        return given[0]
    if between == " and " and given:
        whole = joined(given[:1])
        for part in given[1:]:
            whole = say("{first} and {last}", first=whole, last=part)
        return whole
    message, names = _between(len(given), between)
    return _said(message, "", dict(zip(names, given, strict=True)))


@lru_cache(maxsize=4096)
def _between(n: int, between: str) -> tuple[str, tuple[str, ...]]:
    """Return the message of some texts with something between them, and the names of its parameters."""
    names = tuple(f"t{k}" for k in range(n))
    between = between.replace("{", "{{").replace("}", "}}")
    return between.join(f"{{{name}}}" for name in names), names


def listed(parts: Sequence[str], joiner: str = "and") -> str:
    """Return parts as a list in a sentence: ``a, b and c``; where a part has an "and", ``a as well as b and c``."""
    if len(parts) < 2:
        return joined(parts)
    says = "{first} and {last}"
    if joiner == "or":
        says = "{first} or {last}"
    elif any(" and " in part for part in parts):
        says = "{first}, and {last}" if len(parts) > 2 else "{first} as well as {last}"
    return say(says, first=joined(parts[:-1], ", "), last=parts[-1])


def few(parts: Sequence[str], most: int) -> str:
    """Return parts as a list in a sentence, or the first of them and how many more there are."""
    if len(parts) <= most:
        return listed(parts)
    return say("{names} and {n} more", names=joined(parts[:most], ", "), n=len(parts) - most)


def raised(text: str) -> str:
    """Return a text with its first letter raised."""
    return say("{text:raised}", text=text)


def shortened(text: str, longest: int = 240) -> str:
    """Return a text of at most so many characters, cut between words with an ellipsis."""
    if isinstance(text, Said):
        return say(f"{{text:max{longest}}}", text=text)
    return text if len(text) <= longest else _cut(text, longest)


def _cut(text: str, longest: int) -> str:
    return text[: longest - 1].rsplit(" ", 1)[0].rstrip(" ,;:") + "…"


ENDS: Final = (".", "!", "?", "…")


def sentence(text: str) -> str:
    """Return a text as a sentence: the first letter raised, and an end that quotation marks may close."""
    if text.endswith(ENDS) and text[0].isupper() and not getattr(text, "language", ""):
        return text  # as most are
    plain = text.strip()
    made = plain[:1].upper() + plain[1:]
    if made and not made.rstrip("”’»\"')").endswith(ENDS):
        made += "."
    if isinstance(text, Said) and not text.language:
        return text if made == text else say("{text:sentence}", text=text)
    return made


def with_parts(
    text: Said, change: Callable[[str], str], form: tuple[str, str] | None = None
) -> Said:
    """Return a text whose parts that are texts are changed, in another ``form``, message and plural, where one is given.

    Somebody's own words, and what has no parts, stay as they are.
    """
    changed = {}
    for name, value in text.values.items():
        if isinstance(value, str) and (new := change(value)) is not value:
            changed[name] = new
    if form is None and not changed:
        return text
    return _said(*(form or (text.message, text.several)), {**text.values, **changed})


def _said(message: str, several: str, values: Mapping[str, Any]) -> Said:
    used = _parameters(message, several)
    plain = {
        k: v if isinstance(v, str) else _plain_value(v) for k, v in values.items() if k in used
    }
    form = several if several and plain["n"] != 1 else message
    if not _has_formats(form):
        return Said(form.format_map(plain), message, several, plain)
    pieces = []
    for literal, name, spec in _pieces(form):
        pieces.append(literal)
        if name is not None:
            value = plain[name]
            as_it_is = not spec and isinstance(value, str)  # English is made already
            pieces.append(value if as_it_is else _part(value, spec, "en", _plain))
    return Said("".join(pieces), message, several, plain)


@lru_cache(maxsize=4096)
def _parameters(message: str, several: str) -> frozenset[str]:
    """Return the parameters that a message or its plural names."""
    named = {name for _, name, _ in (*_pieces(message), *_pieces(several)) if name is not None}
    return frozenset(named | {"n"} if several else named)


def fits(message: str, several: str, values: Mapping[str, Any]) -> bool:
    """Return whether values are what a message and its plural name, each by a plain name; a file may say otherwise."""
    try:
        names = _parameters(message, several)
    except ValueError:  # such as a brace that is not closed
        return False
    return all(name.isidentifier() and name in values for name in names)


def _plain_value(value: Any) -> Any:
    """Return a parameter as JSON can hold it: no number of numpy, and no more decimals than elsewhere."""
    if type(value) is int:
        return value
    value = value.item() if hasattr(value, "item") else value
    if isinstance(value, float):
        return round(value, 10)
    return value if isinstance(value, str | int) or value is None else str(value)


# --- shown -------------------------------------------------------------------------------------------------


def shown(text: T, code: str) -> T | str:
    """Return a text in a language; one that was made of no message, or wrongly, and what is no text as it is."""
    if code == "en" or not isinstance(text, Said) or text.language:
        return text
    return filled(text, code, _plain)


def spoken(text: str, code: str) -> str:
    """Return a text in a language; a plain one as the catalogue has it."""
    return text if code == "en" else shown(text if isinstance(text, Said) else titled(text), code)


def filled(text: Said, code: str, leaf: Leaf) -> str:
    """Return a text in a language with each piece of it put through ``leaf``."""
    try:
        return _filled(text, code, leaf)
    except (KeyError, ValueError, TypeError, IndexError):  # a stored text whose parts do not fit
        return leaf(str(text), "en")


def _filled(text: Said, code: str, leaf: Leaf) -> str:
    if text.language:
        return leaf(str(text), text.language)
    message = _message(text, code)
    said = " ".join(literal for literal, _, _ in _pieces(message)).split()
    # One word alone may be the same in both: "points", "place".
    same = code != "en" and message in (text.message, text.several) and len(said) > 1
    language = "en" if same and text.values else ""  # a title may be in any language
    return "".join(
        leaf(literal, language if literal.strip(MARKS) else "")
        + ("" if name is None else _part(text.values[name], spec, code, leaf))
        for literal, name, spec in _pieces(message)
    )


def _message(text: Said, code: str) -> str:
    if text.several:
        n = _number_to_agree_with(text.values["n"], code)
        return translation(code).ngettext(text.message, text.several, n)
    return translation(code).gettext(text.message) if text.message else ""


def _number_to_agree_with(n: float, code: str) -> int:
    """Return a whole number that takes the same form: 1.5 is "Stunden" in German and "heure" in French."""
    if n == int(n):
        return int(n)
    from babel import Locale

    return 1 if Locale.parse(code).plural_form(n) == "one" else 2


@lru_cache(maxsize=4096)
def _has_formats(message: str) -> bool:
    """Return whether a parameter of a message has a format."""
    return any(spec for _, _, spec in _pieces(message))


@lru_cache(maxsize=4096)
def _pieces(message: str) -> tuple[tuple[str, str | None, str], ...]:
    return tuple((a, name, spec or "") for a, name, spec, _ in Formatter().parse(message))


def _part(value: Any, spec: str, code: str, leaf: Leaf) -> str:
    """Return a parameter as it stands in a text."""
    if spec in ("reported", "yours"):
        value, spec = own_words(spoken_by(value, spec), getattr(value, "language", "")), ""
    kind, _, key = spec.partition(" ")
    if kind in ("territories", "languages") and code != "en":
        from babel import Locale

        return leaf(str(getattr(Locale.parse(code), kind).get(key, value)), "")
    if spec == "ordinal":
        return leaf(_ordinal(value) if code == "en" else f"{value}.", "")
    if not isinstance(value, str):
        return leaf(format(value, spec).translate(_marks(code)), "")
    if code == "en" and leaf is _plain:
        text = str(value)
    else:
        text = _filled(value, code, leaf) if isinstance(value, Said) else leaf(value, "")
    if not spec:
        return text
    if spec == "stopless":
        return text.rstrip(".")
    if spec.startswith("max"):
        return _shortened(value, int(spec[3:]), code, leaf)
    if spec == "sentence":
        plain = _part(value, "", code, _plain)
        text += leaf(sentence(plain)[len(plain.strip()) :], "")
    if spec in ("sentence", "raised"):
        return text[:1].upper() + text[1:]
    return text[:1].lower() + text[1:] if spec == "lower" and code != "de" else text


def _shortened(value: str, longest: int, code: str, leaf: Leaf) -> str:
    """Return a text cut between words, its pieces still put through ``leaf``."""
    plain = _part(value, "", code, _plain)
    if not isinstance(value, Said) or len(plain) <= longest:
        whole = value if isinstance(value, Said) else shortened(value, longest)
        return _part(whole, "", code, leaf)
    left = len(_cut(plain, longest)) - 1

    def cut(piece: str, language: str) -> str:
        nonlocal left
        kept = piece[:left]
        left -= len(kept)
        return leaf(kept, language) if kept else ""

    return _filled(value, code, cut) + leaf("…", "")


VOICES: Final = {
    "reported": {"we": "they", "our": "their", "us": "them", "ours": "theirs", "ourselves": "themselves"},
    "yours": {"we": "you", "our": "your", "us": "you", "ours": "yours", "ourselves": "yourselves"},
}  # fmt: skip
"""The first person of a city as others report it, and as it is told to the city."""


def spoken_by(text: str, voice: str = "reported") -> str:
    """Return what a city says in its own voice as others report it, or as it is told to the city ("yours")."""

    def other(found: re.Match[str]) -> str:
        said = VOICES[voice][found[0].lower()]
        said = said if found[0].islower() else said.capitalize()
        return found[0] if found[0].isupper() else said  # US, and no pronoun

    return re.sub(r"(?i)\b(we|us|ours?|ourselves)\b", other, text)


def _ordinal(k: int) -> str:
    ending = "th" if k % 100 in {11, 12, 13} else {1: "st", 2: "nd", 3: "rd"}.get(k % 10, "th")
    return f"{k}{ending}"


def _plain(text: str, _: str) -> str:
    return text


@cache
def _marks(code: str) -> dict[int, str]:
    """Return the marks of thousands and decimals of a language for those of English."""
    if code == "en":
        return {}
    from babel.numbers import get_decimal_symbol, get_group_symbol

    return {ord(","): get_group_symbol(code), ord("."): get_decimal_symbol(code)}


# --- changed --------------------------------------------------------------------------------------------------


def translated(result: T, code: str) -> T:
    """Return a result with its texts in a language."""
    return result if code == "en" else mapped(result, lambda text: shown(text, code))


def mapped(result: T, change: Callable[[Any], Any]) -> T:
    """Return a result whose texts and fractions are changed: those of frozen dataclasses, tuples and JSON, however deep."""
    given: Any = result
    if isinstance(given, str | float):
        return change(given)  # type: ignore[no-any-return]
    if given is None or isinstance(given, int):
        return result
    if isinstance(given, dict):
        return {k: v if k in CODES else mapped(v, change) for k, v in given.items()}  # type: ignore[return-value]
    if isinstance(given, list | tuple):
        parts = [change(x) if x.__class__ in _TOLD else mapped(x, change) for x in given]
        made: Any = getattr(given, "_make", type(given))
        return result if all(map(operator.is_, parts, given)) else made(parts)
    changed = {}
    for name in texts_of(given.__class__):
        value = getattr(given, name)
        told = change(value) if value.__class__ in _TOLD else mapped(value, change)
        if told is not value:
            changed[name] = told
    return replace(given, **changed) if changed else result


_TOLD: Final = frozenset({str, Said, float})
"""Classes of what is made of no message and has no parts; and of texts and fractions, which most parts are."""


CODES: Final = {
    *("id", "city", "name", "product", "role", "roles", "as_role", "status", "facet", "block"),
    *("code", "level", "key", "file", "sheet", "column"),
}
"""Names of what is never a text for people, though a text may say the same word: codes, ids and names."""


@cache
def texts_of(kind: type) -> tuple[str, ...]:
    """Return the names of the texts of a dataclass, none for what is none; asked for every part of a proposal."""
    parts = fields(kind) if is_dataclass(kind) else ()
    return tuple(part.name for part in parts if part.name not in CODES)
