"""What a reader returns: raw records with their places, and the problems it met on the way."""

from __future__ import annotations

from dataclasses import dataclass

from twinmatch.errors import DataError, Problem, Where
from twinmatch.validate import Record

LARGEST_FILE = 20 * 1024 * 1024
"""Bytes of a file that is read at most; a profile has a few thousand."""


@dataclass(frozen=True)
class Raw:
    """Records of cities and host units, and problems met while reading."""

    cities: tuple[Record, ...]
    units: tuple[Record, ...] = ()
    problems: tuple[Problem, ...] = ()


def text_of(content: bytes, file: str) -> str:
    """Return UTF-8 text, with or without a byte-order mark.

    Raises DataError that names the first byte which is not UTF-8, and its line.
    """
    if len(content) > LARGEST_FILE:
        raise DataError(
            Problem(
                "too-large",
                f"The file has {len(content):,} bytes; at most {LARGEST_FILE:,} are read.",
                Where(file),
            )
        )
    try:
        return content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        row = content.count(b"\n", 0, error.start) + 1
        found = f"Byte 0x{content[error.start]:02x} is not UTF-8."
        raise DataError(
            Problem("not-utf-8", found, Where(file, row=row), "Save the file as UTF-8.")
        ) from error
