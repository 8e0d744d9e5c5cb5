"""Sentences as vectors: split, detect the language, choose a text model, encode, compare."""
