"""Questions of a survey: which columns are parts of one, and what one asks for by its sense, in any language."""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Sequence, Set
from functools import cache
from itertools import chain
from typing import Any, Final

from twinmatch.embedding import choice
from twinmatch.embedding.backends import Vectors
from twinmatch.embedding.vectors import similarities
from twinmatch.reading import values
from twinmatch.reading.grid import text
from twinmatch.reading.mapping import NOT
from twinmatch.reading.meaning import CONTACT, NEWCOMER, concepts
from twinmatch.reading.names import language_code
from twinmatch.vocabulary.taxonomy import plain

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


# --- by its sense -----------------------------------------------------------------------------------------------

_EXAMPLES: Final[dict[str, tuple[str, ...]]] = {
    "name": ("Which city or municipality do you represent?", "Name of the applicant city"),
    "country": ("In which country is your city?", "Country"),
    "population.value": ("How many people live in your city?", "Number of inhabitants"),
    "commitment.neutral_by": ("By which year does your city want to be climate neutral?",),
    "participation.staff_hours_a_month": ("How many hours a month can your team spend on this?",),
    "participation.english": ("What is the level of English of your team?",),
    NEWCOMER: ("Is this the first time that your city takes part in such a programme?",),
    NOT + NEWCOMER: ("Has your city taken part in an exchange programme before?",),
    "languages": ("In which languages can your team work?",),
    "wishes": (
        "Which cities would you like to be matched with?",
        "Preferred partner cities",
    ),
    "refuses": ("Cities that you would rather not be matched with",),
    "challenges": (
        "In which areas do you need support?",
        "Which topics do you find hardest?",
        "What do you lack to move faster?",
    ),
    "strengths": (
        "In which areas are you strong?",
        "On which topics do you have experience to share?",
        "What are you already good at?",
        "On which topics could you advise other cities?",
        "In which fields are you ahead of others?",
    ),
    "needs": (
        "What would you like to learn from another city?",
        "What we want to learn, in our own words",
        "Describe your biggest problem",
        "What do you expect from the visit?",
    ),
    "offers": (
        "What can you show to other cities?",
        "What are you proud of?",
        "What could others learn from you?",
        "What can you contribute to the host city?",
        "Which of your projects are worth seeing?",
        "Which achievements can you present to visitors?",
    ),
    CONTACT: ("Name of the contact person", "Job title or function", "E-mail", "Telephone"),
    "": (
        "How did you hear about this call?",
        "I agree to the processing of my personal data",
        "Would you like our newsletter?",
        "Any other comments?",
        "Has the council approved the application?",
        "Which department is responsible?",
        "Response number",
    ),
}
"""How each field is asked for, and what is set aside."""

_OPTIONS: Final[dict[str, tuple[str, ...]]] = {
    "built_environment": ("Renovation of buildings and housing", "Buildings"),
    "energy_systems": ("Heating and energy supply", "Renewable energy"),
    "mobility_transport": ("Transport and traffic", "Cycling and public transport"),
    "waste_circular_economy": ("Waste and recycling", "Circular economy"),
    "industry": ("Industry and companies",),
    "nature_based_solutions": ("Trees, parks and nature in the city", "Green spaces and water"),
    "finance_funding": ("Money and funding",),
    "governance_policy": ("Governance and politics", "Working across departments"),
    "democracy_participation": ("Participation of citizens", "Getting people on board"),
    "data_digitalisation": ("Data and digital tools",),
    "procurement": ("Public procurement",),
    "learning_capabilities": ("Skills and training of staff",),
    "regulation_national": ("Laws and regulation",),
    "culture_behaviour": ("Changing behaviour and habits",),
    "social_innovation": ("Social innovation",),
    "technology_infrastructure": ("Technology and infrastructure",),
    "": ("Tourism", "Sports and culture", "Health", "Education", "Agriculture and food", "Other"),
}
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
    like = similarities(choice.multilingual().encode([said]), rows)[0]
    best: dict[str, float] = {}
    for label, value in zip(named, like.tolist(), strict=True):
        if label in labels:
            best[label] = max(value, best.get(label, 0.0))
    first, second = sorted(best, key=lambda f: (-best[f], f))[:2]
    return first if best[first] >= near and best[first] - best[second] >= ahead else ""


@cache
def _examples(of: str) -> tuple[list[str], Vectors]:
    said = _EXAMPLES if of == "headers" else _OPTIONS
    labels = [label for label, examples in said.items() for _ in examples]
    return labels, choice.multilingual().encode([e for es in said.values() for e in es])
