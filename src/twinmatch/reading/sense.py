"""What a header asks for by its sense, in any language: compared with examples by the text model for many languages."""

from __future__ import annotations

from collections.abc import Sequence
from functools import cache
from typing import Final

from twinmatch.embedding import multilingual
from twinmatch.embedding.backends import Vectors
from twinmatch.embedding.vectors import similarities
from twinmatch.reading.mapping import NOT
from twinmatch.reading.meaning import CONTACT, NEWCOMER

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
    ),
    "needs": (
        "What would you like to learn from another city?",
        "Describe your biggest problem",
        "What do you expect from the visit?",
    ),
    "offers": (
        "What can you show to other cities?",
        "What are you proud of?",
        "What could others learn from you?",
        "What can you contribute to the host city?",
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

_NEAR, _AHEAD = 0.4, 0.03
"""Likeness of a header to an example from which they may mean the same, and by which it beats other fields."""


def likely(header: str, fields: Sequence[str]) -> str:
    """Return the one of some fields that a header asks for by its sense, in any language; empty where none is near.

    The text model for many languages compares it with examples; without that model nothing is found.
    """
    if not fields or not multilingual.is_there():
        return ""
    labels, rows = _examples()
    model = multilingual.multilingual()
    like = similarities(model.encode([header]), rows)[0]
    best: dict[str, float] = {}
    for label, value in zip(labels, like.tolist(), strict=True):
        if label in {*fields, CONTACT, ""}:
            best[label] = max(value, best.get(label, 0.0))
    first, second = sorted(best, key=lambda f: (-best[f], f))[:2]
    is_sure = best[first] >= _NEAR and best[first] - best[second] >= _AHEAD
    return first if is_sure and first in fields else ""


@cache
def _examples() -> tuple[list[str], Vectors]:
    labels = [field for field, asked in _EXAMPLES.items() for _ in asked]
    return labels, multilingual.multilingual().encode(
        [one for asked in _EXAMPLES.values() for one in asked]
    )
