"""Sentences as vectors: split, detect the language, choose a text model, encode, compare."""

from twinmatch.embedding.choice import TextModel, open_text_model, own_text_model
from twinmatch.embedding.multilingual import foreign_language, language_name
from twinmatch.embedding.sentences import Sentence, split_sentences
from twinmatch.embedding.vectors import similarities

__all__ = [
    "Sentence",
    "TextModel",
    "foreign_language",
    "language_name",
    "open_text_model",
    "own_text_model",
    "similarities",
    "split_sentences",
]
