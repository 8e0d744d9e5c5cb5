"""A CSV table of profiles, comma or semicolon, UTF-8, one row a city."""

from __future__ import annotations

import csv
import io
from pathlib import Path

from twinmatch.errors import DataError, Problem, Where
from twinmatch.reading.raw import Raw, text_of
from twinmatch.reading.table import records

MOST_ROWS = 200_000


def read_csv(path: Path) -> Raw:
    """Return the profiles of a CSV file; the separator is the one that the header uses most."""
    text = text_of(path.read_bytes(), path.name)
    header = text.split("\n", 1)[0]
    separator = max(",;\t", key=header.count)
    reader = csv.reader(io.StringIO(text, newline=""), delimiter=separator, strict=True)
    try:
        rows = [(reader.line_num, row) for row in reader]
    except csv.Error as error:
        raise DataError(
            Problem(
                "not-csv", f"Not readable as CSV: {error}.", Where(path.name, row=reader.line_num)
            )
        ) from error
    if len(rows) > MOST_ROWS:
        raise DataError(
            Problem(
                "too-many-rows",
                f"{len(rows):,} rows; at most {MOST_ROWS:,} are read.",
                Where(path.name),
            )
        )
    cities, problems = records(rows, path.name)
    return Raw(tuple(cities), (), tuple(problems))
