"""Sentences as vectors: split, detect the language, choose a text model, encode, compare."""

from twinmatch.embedding.choice import (
    TextModel,
    foreign_language,
    open_text_model,
    own_text_model,
)
from twinmatch.embedding.vectors import similarities

__all__ = [
    "TextModel",
    "foreign_language",
    "open_text_model",
    "own_text_model",
    "similarities",
]
