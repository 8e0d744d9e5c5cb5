"""What a header asks for: by a plain word for a field, misspelt or not, or by its sense; and which are parts of one question.

Plain words are those that forms write over a column in the languages of European cities.
"""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Mapping as Dict
from collections.abc import Sequence, Set
from functools import cache, lru_cache
from itertools import chain
from typing import Any, Final

from pydantic import BaseModel

from twinmatch.embedding import choice
from twinmatch.embedding.backends import Vectors
from twinmatch.embedding.vectors import similarities
from twinmatch.files import data_beside
from twinmatch.reading import values
from twinmatch.reading.grid import text
from twinmatch.reading.mapping import SHORT, Mapping, Target, columns
from twinmatch.reading.meaning import CONTACT, concepts, factor_in
from twinmatch.reading.values import mass, unit_in
from twinmatch.schema import City
from twinmatch.vocabulary.geography import language_code
from twinmatch.vocabulary.taxonomy import plain

_WORDS: Final = data_beside(__file__, "words.toml")
SYNONYMS: Final[dict[str, list[str]]] = _WORDS["synonyms"]
"""Plain words for a field, as forms write them in the languages of European cities."""

NEAR: Final = 80
"""Likeness of two wordings, of 100, from which one may be the other misspelt; lower finds words of other fields."""

SHORTEST: Final = 4
"""Letters of a header below which nothing is called near: of two or three letters, some field always is."""


def exact_target(name: str, mapping: Mapping, model: type[BaseModel]) -> Target | None:
    """Return where a header's values go: by the mapping, as the field's own name, or by a plain word for it."""
    if name in mapping.columns:
        return mapping.columns[name]
    path = SHORT.get(name, name)
    if path in columns(model):
        return Target(path)
    unit = unit_in(name)
    bare = re.sub(r"\s{0,9}[\[(][^\])]{0,300}[\])]\s{0,9}$", "", name) if unit else name
    bare = bare[: -len(unit)] if unit and bare.endswith(unit) else bare
    bare = bare.rstrip("*†¹²³:? \t\n\xa0")
    path = field_words(model).get(plain(bare)) or field_words(model).get(plain(name)) or ""
    if not path:
        return None
    is_mass = columns(model)[path].unit == "t CO2e" and mass(unit) is not None
    factor = factor_in(name[len(bare) :]) if path == "population.value" else 1.0
    return Target(path, unit if is_mass else "", factor)


@cache
def own_names(model: type[BaseModel]) -> dict[str, str]:
    """Return the path of every field by its own name, reduced to plain letters."""
    return {plain(path): path for path in columns(model)}


@cache
def field_words(model: type[BaseModel]) -> dict[str, str]:
    """Return the path of every label and synonym, reduced to plain letters."""
    known = columns(model)
    found = {plain(c.label): path for path, c in known.items()}
    if model is City:
        found |= {plain(w): path for path, ws in SYNONYMS.items() for w in ws}
    return found


def count_near(cells: tuple[Any, ...], model: type[BaseModel]) -> int:
    """Return how many cells of a row may be misspelt names of fields."""
    words = field_words(model) | own_names(model)
    names = {plain(said) for cell in cells if len(said := text(cell)) < 80}
    return sum(bool(_near(name, words)) for name in names if len(name) >= SHORTEST)


def near_field(name: str, model: type[BaseModel] = City, read: Set[str] = frozenset()) -> str:
    """Return the field of which a header may be the misspelt name, or an empty text.

    ``read`` are the fields that other headers mean; they are not suggested again.
    """
    words = own_names(model) | field_words(model)
    return _near(plain(name), {w: path for w, path in words.items() if path not in read})


def _near(word: str, words: Dict[str, str]) -> str:
    from rapidfuzz import fuzz, process

    hit = process.extractOne(word, list(words), scorer=fuzz.ratio, score_cutoff=NEAR)
    return words[hit[0]] if hit and len(word) >= SHORTEST else ""


# --- parts of one question ---------------------------------------------------------------------------------------

_OPTION: Final = re.compile(
    r"^(?P<base>.{3,200}?)\s{0,9}(?:\[(?P<a>[^\[\]]{1,300})\]|(?: [-–—:/] ?|[.:/](?=[^\s.])| \| )(?P<b>[^\[\]]{1,120}))$"
)

_CHOICE: Final = re.compile(
    r"(?i)\s{0,9}[-–:]?\s{0,9}(?:selected choice|choice|ausgewählte.{0,99})$"
)
_CHOSEN: Final = re.compile(
    r"(?i)^(?:selected choice|ausgew[^-]{1,40}|choix s[^-]{1,40}|scelta s[^-]{1,40}|opci[^-]{1,40}|wybran[^-]{1,40}) - "
)
"""What Qualtrics writes before an option."""

_OTHER: Final = re.compile(
    r"\b(?:others?|text|sonstig\w*|ander[es]\w*|autres?|altr[oie]|otr[oa]s?|inn[aey]|outr[oa]s?|annat|annan|alt[aei]l?e?|αλλ[οη])\b"
)


def is_other(label: str) -> bool:
    """Return whether an option is "Other", whose column may hold words of a city's own."""
    return bool(_OTHER.search(plain(label)))


def grouped(
    names: dict[int, str], cells: Sequence[Sequence[Any]]
) -> list[tuple[str, dict[int, str]]]:
    """Return the columns that are parts of one question, each with its label: by question, or headed by options alone.

    ``names`` are the headers by position; the question is an empty text where there is none.
    """
    split = {i: m for i, n in names.items() if (m := _OPTION.match(n))}
    by_base: dict[str, dict[int, str]] = defaultdict(dict)
    for i, m in split.items():
        base = re.sub(r"\[[^\[\]]{0,300}\]", "", _CHOICE.sub("", m["base"]))
        by_base[plain(base)][i] = _CHOSEN.sub("", m["a"] or m["b"])
    found = [(base, group) for base, group in by_base.items() if len(group) > 1]
    taken = {i for _, group in found for i in group}
    names = {i: re.sub(r" \(\d+\)$", "", n) for i, n in names.items() if i not in taken}
    kinds = {i: k for i, n in names.items() if (k := kind_of_label(n, cells[i]))}
    bare: list[dict[int, str]] = []
    for i, kind in sorted(kinds.items()):
        last = bare[-1] if bare else {}
        is_next = i - 1 in last and names[i] not in last.values()
        if is_next and kind in {"other", kinds[min(last)]}:
            last[i] = names[i]
        elif kind != "other":
            bare.append({i: names[i]})
    ticked = [g for g in bare if len(g) > 1 and any(map(text, chain(*map(cells.__getitem__, g))))]
    return found + [("", group) for group in ticked]


def kind_of_label(name: str, cells: Sequence[Any]) -> str:
    """Return the kind of a column that is headed by an option and holds nothing but it."""
    filled = {plain(text(c)) for c in cells} - {""}
    if _OTHER.match(plain(name)):
        return "other"
    if not filled <= {plain(name)} or concepts(name) & {"consent", "else", "meta"}:
        return ""
    kind = "language" if language_code(name) else "option"
    return kind if filled or kind == "language" or values.option_codes(name) else ""


def is_ticked(label: str, cells: Sequence[Any], header: str = "") -> bool:
    """Return whether a column holds nothing but whether its option was ticked, or other words under "Other"."""
    filled, said = {t for c in cells if (t := text(c))}, {plain(label), plain(header or label)}
    is_tick = all(values.yes_or_no(t) is not None or plain(t) in said for t in filled)
    return is_tick or is_other(label)


def are_parts(group: Dict[int, str], cells: Sequence[Sequence[Any]], names: Sequence[str]) -> bool:
    """Return whether some columns, each with its label, are options of one question: ticked, or each with how much it is so."""
    said = (text(c) for i in group for c in cells[i])
    if all(is_ticked(label, cells[i], names[i]) for i, label in group.items()):
        return True
    return values.grades_of(said, (names[i] for i in group)) is not None


# --- by its sense -----------------------------------------------------------------------------------------------

_EXAMPLES: Final[dict[str, list[str]]] = _WORDS["headers"]
"""How each field is asked for, and what is set aside."""

_OPTIONS: Final[dict[str, list[str]]] = _WORDS["options"]
"""What the options of domains and levers are called, and what is neither."""


def likely(header: str, fields: Sequence[str]) -> str:
    """Return the one of some fields that a header asks for by its sense, in any language; empty where none is near.

    The text model for many languages compares it with examples; without that model nothing is found.
    """
    found = _nearest(header, "headers", frozenset({*fields, CONTACT, ""}), 0.4, 0.03)
    return found if found in fields else ""


@cache
def likely_option(option: str) -> str:
    """Return the domain or lever that an option means by its sense, in any language; empty where none is near."""
    return _nearest(option, "options", frozenset(_OPTIONS), 0.45, 0.05)


def _nearest(said: str, of: str, labels: Set[str], near: float, ahead: float) -> str:
    """Return the label whose example is nearest: as like as ``near``, and by ``ahead`` before all other labels."""
    if len(labels) < 3 or not choice.is_there():
        return ""
    named, rows = _examples(of)
    like = similarities(_vector(said), rows)[0]
    best: dict[str, float] = {}
    for label, value in zip(named, like.tolist(), strict=True):
        if label in labels:
            best[label] = max(value, best.get(label, 0.0))
    first, second = sorted(best, key=lambda f: (-best[f], f))[:2]
    return first if best[first] >= near and best[first] - best[second] >= ahead else ""


@lru_cache(maxsize=1_024)
def _vector(said: str) -> Vectors:
    return choice.multilingual().encode([said])


@cache
def _examples(of: str) -> tuple[list[str], Vectors]:
    said = _EXAMPLES if of == "headers" else _OPTIONS
    labels = [label for label, examples in said.items() for _ in examples]
    return labels, choice.multilingual().encode([e for es in said.values() for e in es])
